/* retry.h - when a task is tried again: exponential, with jitter so that what failed together does not come back
 * together. Each cause of the catalogue (drivers/cause.c) belongs to a class, and a class may have a policy of its own. */
#ifndef BERTH_CORE_RETRY_H
#define BERTH_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/* What stood in the way. */
enum retry_class {
    RETRY_PANEL,  /* the panel did not do it */
    RETRY_NODE,   /* the node could not be reached, or could not run the command */
    RETRY_BUSY,   /* a lock, the load, something that is in use: over by itself */
    RETRY_VERIFY, /* it was looked at from outside and was not there yet */
};
#define RETRY_CLASS_COUNT (RETRY_VERIFY + 1)

struct retry_policy {
    int64_t first_ms; /* the least pause */
    int64_t cap_ms;   /* the longest */
    double factor;
    int attempts_max;    /* then the task has failed; <= 0: never */
    int64_t wait_ms;     /* what waits for a condition has failed when it has waited for so long */
    int64_t wait_cap_ms; /* the longest pause between two looks at the condition */
};

#define RETRY_POLICY_DEFAULT                                                                                           \
    ((struct retry_policy){ .first_ms = 4000,                                                                          \
                            .cap_ms = 3600000,                                                                         \
                            .factor = 2,                                                                               \
                            .attempts_max = 12,                                                                        \
                            .wait_ms = 86400000,                                                                       \
                            .wait_cap_ms = 60000 })

/* In the policy of a class: as in the general one. */
#define RETRY_GENERAL (-1)

/** The policy of a class: the general one, where it has no value of its own. A first pause above the longest (one is the class's
 * own, the other is not) makes both the same. */
struct retry_policy retry_policy_of(const struct retry_policy *general, const struct retry_policy *own);

/** The upper end of the pause after the attempt-th attempt (from 1): first * factor^attempt, at most cap. Without
 * overflow. */
int64_t retry_backoff_ms(const struct retry_policy *policy, int attempt);
/** The pause: uniform between first_ms and retry_backoff_ms(). */
int64_t retry_delay_ms(const struct retry_policy *policy, int attempt, struct rng *rng);
/** The pause before another look at what a task waits for: between first_ms and as long again as it has waited already, at most
 * wait_cap_ms. So what ends soon is seen soon, and what lasts costs little. */
int64_t retry_look_ms(const struct retry_policy *policy, int64_t waited_ms, struct rng *rng);
/** Whether the attempt-th attempt was the last. */
bool retry_exhausted(const struct retry_policy *policy, int attempts);

#endif
