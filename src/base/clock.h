/* clock.h - time as a thing that is handed in. Milliseconds since 1970-01-01 UTC for moments that are stored,
 * CLOCK_BOOTTIME for a worker's own leases and deadlines. The simulator has a virtual one. */
#ifndef BERTH_BASE_CLOCK_H
#define BERTH_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(struct clock *clock);  /* wall clock; within one process it neither goes back nor stands still */
    int64_t (*boot_ms)(struct clock *clock); /* monotonic, counts suspended time too */
};

/**
 * The wall clock for a process: an administrator may set it back, and moments that we store must not follow; what is due in a
 * minute must still come in a minute. So the farthest that it was ahead of the boot clock is kept.
 * @param lead_ms  begins as INT64_MIN; read boot_ms after wall_ms
 */
int64_t clock_steady_ms(_Atomic int64_t *lead_ms, int64_t wall_ms, int64_t boot_ms);

/** The real one; a static object, thread-safe. */
struct clock *clock_real(void);

/** Monotonic microseconds for measuring; not for decisions. */
int64_t clock_measure_us(void);

#endif
