/* retry.h - when a task is tried again: exponential, with jitter so that what failed together does not come back
 * together. */
#ifndef BERTH_CORE_RETRY_H
#define BERTH_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

struct retry_policy {
    int64_t first_ms; /* the least pause */
    int64_t cap_ms;   /* the longest */
    double factor;
    int attempts_max; /* then the task has failed; <= 0: never */
};

#define RETRY_POLICY_DEFAULT                                                                                           \
    ((struct retry_policy){ .first_ms = 4000, .cap_ms = 3600000, .factor = 2, .attempts_max = 12 })

/** The upper end of the pause after the attempt-th attempt (from 1): first * factor^attempt, at most cap. Without
 * overflow. */
int64_t retry_backoff_ms(const struct retry_policy *policy, int attempt);
/** The pause: uniform between first_ms and retry_backoff_ms(). */
int64_t retry_delay_ms(const struct retry_policy *policy, int attempt, struct rng *rng);
/** Whether the attempt-th attempt was the last. */
bool retry_exhausted(const struct retry_policy *policy, int attempts);

#endif
