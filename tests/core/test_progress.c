/* test_progress.c - the bar: whole percent, full only at the end, never moving back. */
#include "harness.h"

#include "core/progress.h"

static void percent_follows_the_weight(void **state)
{
    static const struct {
        const char *name;
        int64_t done, total;
        int before, want;
    } cases[] = {
        { "nothing done", 0, 100, 0, 0 },
        { "half", 50, 100, 0, 50 },
        { "whole percent only, downwards", 1, 3, 0, 33 },
        { "not full while something is left", 999999, 1000000, 0, 99 },
        { "full", 100, 100, 0, 100 },
        { "more than all", 120, 100, 0, 100 },
        { "not back when the graph grows", 50, 200, 50, 50 },
        { "not back from full", 10, 100, 100, 100 },
        { "nothing to do", 0, 0, 0, 0 },
        { "nothing to do keeps what was shown", 0, 0, 40, 40 },
        { "numbers that would overflow a product", INT64_MAX / 2, INT64_MAX, 0, 50 },
        { "all but one of many", INT64_MAX - 1, INT64_MAX, 0, 99 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int got = progress_percent(cases[i].done, cases[i].total, cases[i].before);
        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(percent_follows_the_weight) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
