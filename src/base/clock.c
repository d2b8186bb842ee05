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

static int64_t real_now_ms(struct clock *clock)
{
    static _Atomic int64_t
        latest_ms; /* an administrator may set the clock back: moments that we store must not follow */
    (void)clock;
    int64_t now_ms = read_ms(CLOCK_REALTIME);
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
