/* clock.c - see clock.h. */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_steady_ms(_Atomic int64_t *lead_ms, int64_t wall_ms, int64_t boot_ms)
{
    int64_t seen_ms = atomic_load(lead_ms);
    while (wall_ms - boot_ms > seen_ms) {
        if (atomic_compare_exchange_weak(lead_ms, &seen_ms, wall_ms - boot_ms))
            return wall_ms;
    }
    return boot_ms + seen_ms;
}

static int64_t real_now_ms(struct clock *clock)
{
    static _Atomic int64_t lead_ms = INT64_MIN;
    static _Atomic int64_t latest_ms; /* two threads may read the two clocks in turn */
    (void)clock;
    int64_t wall_ms = read_ms(CLOCK_REALTIME); /* first: a pause between the two must not count as a lead */
    int64_t now_ms = clock_steady_ms(&lead_ms, wall_ms, read_ms(CLOCK_BOOTTIME));
    int64_t seen_ms = atomic_load(&latest_ms);
    while (now_ms > seen_ms) {
        if (atomic_compare_exchange_weak(&latest_ms, &seen_ms, now_ms))
            return now_ms;
    }
    return seen_ms;
}

static int64_t real_boot_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_BOOTTIME);
}

struct clock *clock_real(void)
{
    static struct clock real = { real_now_ms, real_boot_ms };
    return &real;
}

int64_t clock_measure_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
