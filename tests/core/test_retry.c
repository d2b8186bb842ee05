/* test_retry.c - how long until the next attempt, and when there is none. */
#include "harness.h"

#include <inttypes.h>

#include "core/retry.h"

static void backoff_doubles_until_the_cap(void **state)
{
    static const struct {
        const char *name;
        int attempt;
        int64_t want_ms;
    } cases[] = {
        { "before the first attempt", 0, 4000 },
        { "the first retry waits up to twice the base", 1, 8000 },
        { "each retry doubles", 3, 32000 },
        { "the last one below the cap", 9, 2048000 },
        { "capped at one hour", 10, 3600000 },
        { "far beyond the range of integers", 100000, 3600000 },
        { "whatever the number", INT32_MAX, 3600000 },
        { "and below zero", -5, 4000 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = retry_backoff_ms(&RETRY_POLICY_DEFAULT, cases[i].attempt);
        if (got_ms != cases[i].want_ms)
            fail_msg("%s: got %" PRId64 " ms, want %" PRId64 " ms", cases[i].name, got_ms, cases[i].want_ms);
    }
}

static void odd_policies_stay_in_their_limits(void **state)
{
    static const struct {
        const char *name;
        struct retry_policy policy;
        int attempt;
        int64_t want_ms;
    } cases[] = {
        { "a cap below the first pause", { 5000, 1000, 2, 12, 0, 0 }, 1, 1000 },
        { "a factor of one", { 5000, 60000, 1, 12, 0, 0 }, INT32_MAX, 5000 },
        { "a factor below one does not shrink", { 5000, 60000, 0.5, 12, 0, 0 }, 3, 5000 },
        { "a factor that is no number", { 5000, 60000, 0.0 / 0.0, 12, 0, 0 }, 3, 5000 },
        { "no pause at all", { 0, 0, 2, 12, 0, 0 }, 3, 0 },
        { "the greatest cap", { 4000, INT64_MAX, 2, 12, 0, 0 }, 1000, INT64_MAX },
    };
    (void)state;
    struct rng rng;
    rng_init_seed(&rng, 7);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = retry_backoff_ms(&cases[i].policy, cases[i].attempt);
        if (got_ms != cases[i].want_ms)
            fail_msg("%s: got %" PRId64 " ms, want %" PRId64 " ms", cases[i].name, got_ms, cases[i].want_ms);
        assert_true(retry_delay_ms(&cases[i].policy, cases[i].attempt, &rng) <= cases[i].policy.cap_ms);
    }
}

static void delays_spread_over_the_whole_pause(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seed(&rng, 81125);
    int low = 0, high = 0;
    for (int i = 0; i < 10000; i++) {
        int64_t delay_ms = retry_delay_ms(&RETRY_POLICY_DEFAULT, 3, &rng);
        assert_true(delay_ms >= 4000 && delay_ms <= 32000);
        low += delay_ms < 11000; /* a quarter each */
        high += delay_ms > 25000;
    }
    assert_in_range(low, 2250, 2750);
    assert_in_range(high, 2250, 2750);
}

static void the_same_seed_gives_the_same_delays(void **state)
{
    (void)state;
    struct rng a, b;
    rng_init_seed(&a, 1);
    rng_init_seed(&b, 1);
    for (int attempt = 1; attempt < 20; attempt++)
        assert_int_equal(retry_delay_ms(&RETRY_POLICY_DEFAULT, attempt, &a),
                         retry_delay_ms(&RETRY_POLICY_DEFAULT, attempt, &b));
}

static void attempts_end_where_the_policy_says(void **state)
{
    (void)state;
    struct retry_policy endless = RETRY_POLICY_DEFAULT;
    endless.attempts_max = 0;
    assert_false(retry_exhausted(&RETRY_POLICY_DEFAULT, 11));
    assert_true(retry_exhausted(&RETRY_POLICY_DEFAULT, 12));
    assert_true(retry_exhausted(&RETRY_POLICY_DEFAULT, 13));
    assert_false(retry_exhausted(&endless, INT32_MAX));
}

static void a_class_has_what_it_sets_and_else_what_holds_for_all(void **state)
{
    (void)state;
    const struct retry_policy none = { RETRY_GENERAL, RETRY_GENERAL, RETRY_GENERAL,
                                       RETRY_GENERAL, RETRY_GENERAL, RETRY_GENERAL };
    const struct retry_policy own = { 1000, RETRY_GENERAL, 1.5, 0, 60000, RETRY_GENERAL };
    struct retry_policy policy = retry_policy_of(&RETRY_POLICY_DEFAULT, &none);
    assert_true(
        policy.first_ms == RETRY_POLICY_DEFAULT.first_ms && policy.cap_ms == RETRY_POLICY_DEFAULT.cap_ms &&
        policy.factor == RETRY_POLICY_DEFAULT.factor && policy.attempts_max == RETRY_POLICY_DEFAULT.attempts_max &&
        policy.wait_ms == RETRY_POLICY_DEFAULT.wait_ms && policy.wait_cap_ms == RETRY_POLICY_DEFAULT.wait_cap_ms);
    policy = retry_policy_of(&RETRY_POLICY_DEFAULT, &own);
    assert_int_equal(policy.first_ms, 1000);
    assert_int_equal(policy.cap_ms, RETRY_POLICY_DEFAULT.cap_ms);
    assert_true(policy.factor == 1.5);
    assert_int_equal(policy.attempts_max, 0); /* without end, not as in general */
    assert_int_equal(policy.wait_ms, 60000);
    assert_int_equal(policy.wait_cap_ms, RETRY_POLICY_DEFAULT.wait_cap_ms);
}

static void a_first_pause_above_the_cap_of_another_level_raises_it(void **state)
{
    (void)state;
    struct retry_policy own = { 7200000, RETRY_GENERAL, RETRY_GENERAL, RETRY_GENERAL, RETRY_GENERAL, RETRY_GENERAL };
    assert_int_equal(retry_policy_of(&RETRY_POLICY_DEFAULT, &own).cap_ms, 7200000);
}

/** What ends soon is seen soon: nobody waits longer than twice as long as it took, and a bit. */
static void looks_are_as_far_apart_as_the_wait_is_long(void **state)
{
    static const struct {
        const char *name;
        int64_t waited_ms, most_ms;
    } cases[] = {
        { "at first as any retry", 0, 8000 },
        { "then as long again", 20000, 20000 },
        { "at most the cap", 3600000, 60000 },
        { "also after a clock that jumped back", -5000, 8000 },
    };
    (void)state;
    struct rng rng;
    rng_init_seed(&rng, 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t low_ms = INT64_MAX, high_ms = 0;
        for (unsigned n = 0; n < 1000; n++) {
            int64_t look_ms = retry_look_ms(&RETRY_POLICY_DEFAULT, cases[i].waited_ms, &rng);
            low_ms = look_ms < low_ms ? look_ms : low_ms;
            high_ms = look_ms > high_ms ? look_ms : high_ms;
        }
        if (low_ms < 4000 || low_ms > 4500 || high_ms > cases[i].most_ms || high_ms < cases[i].most_ms * 9 / 10)
            fail_msg("%s: %" PRId64 " to %" PRId64 " ms", cases[i].name, low_ms, high_ms);
    }
    struct retry_policy tight = RETRY_POLICY_DEFAULT;
    tight.wait_cap_ms = 1000; /* below the first pause */
    assert_int_equal(retry_look_ms(&tight, 60000, &rng), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff_doubles_until_the_cap),
        cmocka_unit_test(odd_policies_stay_in_their_limits),
        cmocka_unit_test(delays_spread_over_the_whole_pause),
        cmocka_unit_test(the_same_seed_gives_the_same_delays),
        cmocka_unit_test(attempts_end_where_the_policy_says),
        cmocka_unit_test(a_class_has_what_it_sets_and_else_what_holds_for_all),
        cmocka_unit_test(a_first_pause_above_the_cap_of_another_level_raises_it),
        cmocka_unit_test(looks_are_as_far_apart_as_the_wait_is_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
