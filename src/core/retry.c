/* retry.c - see retry.h. */
#include "core/retry.h"

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

bool retry_exhausted(const struct retry_policy *policy, int attempts)
{
    return policy->attempts_max > 0 && attempts >= policy->attempts_max;
}
