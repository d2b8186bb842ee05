/* ratelimit.h - how often something may be tried by one who fails at it: a table of limited size, without a clock of its own. Every
 * try counts as a failure until it has succeeded, so that many at the same time get no further than one after the other. */
#ifndef BERTH_CORE_RATELIMIT_H
#define BERTH_CORE_RATELIMIT_H

#include <stddef.h>
#include <stdint.h>

struct ratelimit_rule {
    unsigned failures_max; /* so many may fail without a pause */
    int64_t
        pause_first_ms; /* 0: after failures_max nothing until the window is over. Else: a pause, and after each further
                               failure one twice as long */
    int64_t pause_cap_ms;
    int64_t
        window_ms; /* failures are forgotten: with pauses, so long after the last; without, so long after the first */
};

/* Guessing a password: five failures of a name, then 2 s, 4 s, ... up to five minutes, until an hour was quiet. */
#define RATELIMIT_NAME                                                                                                 \
    ((struct ratelimit_rule){ .failures_max = 5, .pause_first_ms = 2000, .pause_cap_ms = 300000, .window_ms = 3600000 })
/* Guessing names and passwords: 30 failures of an address in ten minutes. */
#define RATELIMIT_ADDRESS ((struct ratelimit_rule){ .failures_max = 30, .window_ms = 600000 })

#define RATELIMIT_ENTRIES 1024 /* a power of two */
#define RATELIMIT_WAYS 4       /* places where one key may be: when all are taken, who has failed least gives way */

struct ratelimit {
    struct ratelimit_rule rule;
    struct ratelimit_entry {
        uint64_t key;
        int64_t first_ms, last_ms;
        unsigned failures; /* 0: empty */
    } entries[RATELIMIT_ENTRIES];
};

void ratelimit_init(struct ratelimit *limit, struct ratelimit_rule rule);
/**
 * May it be tried now? Then it counts as a failure at once.
 * @param key     who tries: a hash that nobody outside can aim
 * @param now_ms  of a clock that never goes back
 * @return 0: go on; else how long to wait, in milliseconds: nothing was counted
 */
int64_t ratelimit_try(struct ratelimit *limit, uint64_t key, int64_t now_ms);
/** The latest try was no failure. */
void ratelimit_forgive(struct ratelimit *limit, uint64_t key);
/** All failures of this key are forgotten. */
void ratelimit_forget(struct ratelimit *limit, uint64_t key);

#endif
