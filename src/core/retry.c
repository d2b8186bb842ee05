/* retry.c - see retry.h. */
#include "core/retry.h"

struct retry_policy retry_policy_of(const struct retry_policy *general, const struct retry_policy *own)
{
    struct retry_policy policy = *own;
    if (own->first_ms == RETRY_GENERAL)
        policy.first_ms = general->first_ms;
    if (own->cap_ms == RETRY_GENERAL)
        policy.cap_ms = general->cap_ms;
    if (own->factor == RETRY_GENERAL)
        policy.factor = general->factor;
    if (own->attempts_max == RETRY_GENERAL)
        policy.attempts_max = general->attempts_max;
    if (own->wait_ms == RETRY_GENERAL)
        policy.wait_ms = general->wait_ms;
    if (own->wait_cap_ms == RETRY_GENERAL)
        policy.wait_cap_ms = general->wait_cap_ms;
    if (policy.cap_ms < policy.first_ms)
        policy.cap_ms = policy.first_ms;
    return policy;
}

int64_t retry_backoff_ms(const struct retry_policy *policy, int attempt)
{
    /* In steps, ending at the cap: the power itself would leave every integer behind. */
    double backoff_ms = (double)policy->first_ms;
    for (int i = 0; i < attempt && backoff_ms < (double)policy->cap_ms && policy->factor > 1; i++)
        backoff_ms *= policy->factor;
    return backoff_ms < (double)policy->cap_ms ? (int64_t)backoff_ms : policy->cap_ms;
}

int64_t retry_delay_ms(const struct retry_policy *policy, int attempt, struct rng *rng)
{
    int64_t backoff_ms = retry_backoff_ms(policy, attempt);
    if (backoff_ms <= policy->first_ms)
        return backoff_ms;
    return rng_range(rng, policy->first_ms, backoff_ms);
}

int64_t retry_look_ms(const struct retry_policy *policy, int64_t waited_ms, struct rng *rng)
{
    int64_t most_ms = retry_backoff_ms(policy, 1);
    if (most_ms < waited_ms)
        most_ms = waited_ms;
    if (most_ms > policy->wait_cap_ms)
        most_ms = policy->wait_cap_ms;
    return most_ms <= policy->first_ms ? most_ms : rng_range(rng, policy->first_ms, most_ms);
}

bool retry_exhausted(const struct retry_policy *policy, int attempts)
{
    return policy->attempts_max > 0 && attempts >= policy->attempts_max;
}
