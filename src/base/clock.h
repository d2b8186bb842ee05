/* clock.h - time as a thing that is handed in. Milliseconds since 1970-01-01 UTC for moments that are stored,
 * CLOCK_BOOTTIME for a worker's own leases and deadlines. The simulator has a virtual one. */
#ifndef BERTH_BASE_CLOCK_H
#define BERTH_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(struct clock *clock);  /* wall clock; never goes back within one process */
    int64_t (*boot_ms)(struct clock *clock); /* monotonic, counts suspended time too */
};

/** The real one; a static object, thread-safe. */
struct clock *clock_real(void);

/** Monotonic microseconds for measuring; not for decisions. */
int64_t clock_measure_us(void);

#endif
