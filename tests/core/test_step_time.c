/* test_step_time.c - what is learned from how long steps took. */
#include "harness.h"

#include "core/step_time.h"

#define START_MS INT64_C(1800000000000)

static void estimates_are_ranks_and_sure_only_when_they_agree(void **state)
{
    static const struct {
        const char *name;
        size_t count;
        int64_t ms[12];
        bool known, sure;
        int64_t p50_ms, p90_ms;
    } cases[] = {
        { "nothing yet", 0, { 0 }, false, false, 0, 0 },
        { "one", 1, { 700 }, true, false, 700, 700 },
        { "two: the shorter is the usual one", 2, { 900, 700 }, true, false, 700, 900 },
        { "four are too few", 4, { 700, 710, 720, 730 }, true, false, 710, 730 },
        { "five that agree", 5, { 3500, 3400, 3300, 3700, 3600 }, true, true, 3500, 3700 },
        { "one of ten may be far off", 10, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 90000 }, true, true, 1, 1 },
        { "two of ten may not", 10, { 9, 9, 9, 9, 9, 9, 9, 9, 9000, 9000 }, true, false, 9, 9000 },
        { "three times as long is still near", 5, { 1000, 1000, 1000, 3000, 3000 }, true, true, 1000, 3000 },
        { "more than that is not", 5, { 1000, 1000, 1000, 3000, 3001 }, true, false, 1000, 3001 },
        { "of a short step nobody minds", 5, { 10, 10, 10, 10, 510 }, true, true, 10, 510 },
        { "no time at all", 5, { 0, 0, 0, 0, 0 }, true, true, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct step_samples samples = { 0 };
        for (size_t n = 0; n < cases[i].count; n++)
            step_samples_add(&samples, cases[i].ms[n], START_MS + (int64_t)n * 1000);
        struct step_time got = step_samples_time(&samples);
        if (got.known != cases[i].known || got.sure != cases[i].sure || got.p50_ms != cases[i].p50_ms ||
            got.p90_ms != cases[i].p90_ms)
            fail_msg("%s: known %d sure %d p50 %lld p90 %lld", cases[i].name, got.known, got.sure,
                     (long long)got.p50_ms, (long long)got.p90_ms);
    }
}

static void only_the_latest_are_kept(void **state)
{
    struct step_samples samples = { 0 };
    (void)state;
    for (int64_t i = 0; i < 3 * STEP_SAMPLES_MAX; i++)
        step_samples_add(&samples, i, START_MS + i * 1000);
    assert_int_equal(samples.count, STEP_SAMPLES_MAX);
    for (size_t i = 0; i < samples.count; i++)
        assert_int_equal(samples.samples[i].ms, 2 * STEP_SAMPLES_MAX + i);
    step_samples_add(&samples, 7, START_MS - 3600000); /* the clock was set back: it is the newest all the same */
    assert_int_equal(samples.samples[STEP_SAMPLES_MAX - 1].ms, 7);
    assert_int_equal(samples.samples[STEP_SAMPLES_MAX - 1].at_s, samples.samples[STEP_SAMPLES_MAX - 2].at_s);
    step_samples_add(&samples, INT64_MAX, INT64_MAX);
    assert_int_equal(samples.samples[STEP_SAMPLES_MAX - 1].ms, UINT32_MAX);
}

static void samples_survive_as_bytes(void **state)
{
    static const unsigned char want[] = { 0xfe, 0x0d, 0, 0, 0x00, 0xd2, 0x49, 0x6b };
    struct step_samples samples = { 0 }, back = { 0 };
    unsigned char bytes[STEP_SAMPLES_BYTES_MAX];
    (void)state;
    assert_int_equal(step_samples_pack(&samples, bytes), 0);
    step_samples_add(&samples, 3582, START_MS);
    assert_int_equal(step_samples_pack(&samples, bytes), sizeof(want));
    assert_memory_equal(bytes, want, sizeof(want));
    for (int64_t i = 1; i < STEP_SAMPLES_MAX; i++)
        step_samples_add(&samples, i * 100000, START_MS + i * 1000);
    size_t length = step_samples_pack(&samples, bytes);
    assert_int_equal(length, STEP_SAMPLES_BYTES_MAX);
    assert_true(step_samples_unpack(bytes, length, &back));
    assert_memory_equal(&back, &samples, sizeof(back));
    assert_false(step_samples_unpack(bytes, length - 1, &back));
    assert_false(step_samples_unpack(bytes, length + 8, &back));
    assert_true(step_samples_unpack(bytes, 0, &back));
    assert_int_equal(back.count, 0);
}

static void learn(struct step_times *times, const char *action, int64_t node_id, bool made, int64_t ms,
                  size_t times_over)
{
    static int64_t now_ms = START_MS;
    struct step_key key = { .action = action, .node_id = node_id, .made = made };
    for (size_t i = 0; i < times_over; i++)
        assert_non_null(step_times_learn(times, &key, ms, now_ms += 1000));
}

static int64_t p50_of(const struct step_times *times, const char *action, int64_t node_id, bool made)
{
    struct step_time time =
        step_times_get(times, &(struct step_key){ .action = action, .node_id = node_id, .made = made });
    return time.known ? time.p50_ms : -1;
}

static void a_step_is_estimated_by_what_is_nearest(void **state)
{
    struct step_times *times = step_times_create();
    (void)state;
    assert_int_equal(p50_of(times, "web.user", 1, true), -1);
    learn(times, "web.user", 1, true, 800, 5);
    assert_int_equal(p50_of(times, "web.user", 1, true), 800);
    assert_int_equal(p50_of(times, "web.user", 2, true), 800);  /* a new node: as all the others */
    assert_int_equal(p50_of(times, "web.user", 1, false), 800); /* nothing found yet: better than nothing */
    assert_int_equal(p50_of(times, "web.domain", 1, true), -1);
    learn(times, "web.user", 2, true, 4000, 4);
    assert_int_equal(p50_of(times, "web.user", 2, true), 800); /* too few of its own */
    learn(times, "web.user", 2, true, 4000, 1);
    assert_int_equal(p50_of(times, "web.user", 2, true), 4000);
    assert_int_equal(p50_of(times, "web.user", 1, true), 800);
    learn(times, "web.user", 2, true, 4000, STEP_SAMPLES_MAX);
    assert_int_equal(p50_of(times, "web.user", 3, true), 4000); /* the latest of all nodes */
    learn(times, "web.user", 1, false, 30, 1);
    assert_int_equal(p50_of(times, "web.user", 1, false), 30); /* to find it is another matter */
    assert_int_equal(p50_of(times, "web.user", 1, true), 800);
    learn(times, "verify.web", 0, false, 55, 6);
    assert_int_equal(p50_of(times, "verify.web", 0, true), 55); /* a look never makes anything */
    step_times_destroy(times);
}

static void what_was_stored_is_what_was_learned(void **state)
{
    struct step_times *times = step_times_create(), *again = step_times_create();
    struct step_key late = { "web.user", 1, true }, early = { "web.user", 2, true };
    struct step_samples samples = { 0 };
    (void)state;
    for (int64_t i = 0; i < STEP_SAMPLES_MAX; i++)
        step_samples_add(&samples, 100, START_MS + 1000000 + i);
    assert_true(step_times_put(again, &late, &samples));
    samples.count = 0;
    for (int64_t i = 0; i < STEP_SAMPLES_MAX; i++)
        step_samples_add(&samples, 900, START_MS + i);
    assert_true(step_times_put(again, &early, &samples));
    assert_int_equal(p50_of(again, "web.user", 1, true), 100);
    assert_int_equal(p50_of(again, "web.user", 2, true), 900);
    assert_int_equal(p50_of(again, "web.user", 3, true), 100); /* in the order of time, not of reading */
    assert_null(step_times_learn(again, &late, -1, START_MS)); /* a clock that was set back says nothing */
    step_times_destroy(times);
    step_times_destroy(again);
    step_times_destroy(NULL);
}

static void there_is_a_limit(void **state)
{
    struct step_times *times = step_times_create();
    int64_t node_id = 1;
    (void)state;
    while (step_times_learn(times, &(struct step_key){ "web.user", node_id, true }, 5, START_MS) != NULL)
        node_id++;
    assert_in_range(node_id, STEP_TIMES_MAX - 2, STEP_TIMES_MAX);
    assert_int_equal(p50_of(times, "web.user", node_id, true), 5);
    assert_non_null(step_times_learn(times, &(struct step_key){ "web.user", 1, true }, 7, START_MS));
    step_times_destroy(times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_ranks_and_sure_only_when_they_agree),
        cmocka_unit_test(only_the_latest_are_kept),
        cmocka_unit_test(samples_survive_as_bytes),
        cmocka_unit_test(a_step_is_estimated_by_what_is_nearest),
        cmocka_unit_test(what_was_stored_is_what_was_learned),
        cmocka_unit_test(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
