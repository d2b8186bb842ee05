/* pulse.h - when the engine last got something done: one writer, readers in any thread. Health is progress, not that a process
 * exists. */
#ifndef BERTH_BASE_PULSE_H
#define BERTH_BASE_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

struct pulse {
    _Atomic int64_t beat_boot_ms; /* 0: never yet */
};

static inline void pulse_beat(struct pulse *pulse, int64_t boot_ms)
{
    atomic_store_explicit(&pulse->beat_boot_ms, boot_ms, memory_order_relaxed);
}

/** Milliseconds since the last beat; 0 before the first. */
static inline int64_t pulse_age_ms(const struct pulse *pulse, int64_t now_boot_ms)
{
    int64_t beat_ms = atomic_load_explicit(&pulse->beat_boot_ms, memory_order_relaxed);
    return beat_ms == 0 ? 0 : now_boot_ms - beat_ms;
}

#endif
