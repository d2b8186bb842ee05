/* test_ratelimit.c - how often one who fails may try again. */
#include "harness.h"

#include <inttypes.h>

#include "core/ratelimit.h"

#define MINUTE 60000

static struct ratelimit limit;

static void expect_wait(uint64_t key, int64_t now_ms, int64_t want_ms)
{
    int64_t got_ms = ratelimit_try(&limit, key, now_ms);
    if (got_ms != want_ms)
        fail_msg("key %" PRIu64 " at %" PRId64 ": wait %" PRId64 " ms, want %" PRId64 " ms", key, now_ms, got_ms,
                 want_ms);
}

static void a_name_has_five_tries_then_growing_pauses(void **state)
{
    static const struct {
        int64_t at_ms, want_ms;
    } tries[] = {
        { 100, 0 },         { 101, 0 },    { 102, 0 },         { 103, 0 },    { 104, 0 },         { 105, 1999 },
        { 2103, 1 },        { 2104, 0 },   { 2104, 4000 },     { 6104, 0 },   { 6105, 7999 },     { 14104, 0 },
        { 30104, 0 },       { 62104, 0 },  { 126104, 0 },      { 254104, 0 }, { 254105, 255999 }, { 510104, 0 },
        { 510105, 299999 }, { 810104, 0 }, { 810105, 299999 }, /* no longer than the cap */
    };
    (void)state;
    ratelimit_init(&limit, RATELIMIT_NAME);
    for (size_t i = 0; i < ARRAY_LEN(tries); i++)
        expect_wait(7, tries[i].at_ms, tries[i].want_ms);
    expect_wait(8, 810105, 0); /* another one has not failed */
    expect_wait(7, 810104 + 60 * MINUTE, 0);
    expect_wait(7, 810105 + 60 * MINUTE, 0); /* an hour was quiet: all is forgotten */
}

static void an_address_has_so_many_in_a_window(void **state)
{
    (void)state;
    ratelimit_init(&limit, RATELIMIT_ADDRESS);
    for (int i = 0; i < 30; i++)
        expect_wait(7, i, 0);
    expect_wait(7, 30, 10 * MINUTE - 30);
    expect_wait(7, 10 * MINUTE - 1, 1);
    expect_wait(7, 10 * MINUTE, 0);
    expect_wait(7, 10 * MINUTE, 0);
}

static void what_succeeds_does_not_count(void **state)
{
    (void)state;
    ratelimit_init(&limit, RATELIMIT_ADDRESS);
    for (int i = 0; i < 1000; i++) {
        expect_wait(7, i, 0);
        ratelimit_forgive(&limit, 7);
    }
    ratelimit_init(&limit, RATELIMIT_NAME);
    for (int i = 0; i < 5; i++)
        expect_wait(7, i, 0);
    ratelimit_forget(&limit, 7);
    for (int i = 0; i < 5; i++)
        expect_wait(7, 5, 0);
    expect_wait(7, 5, 2000);
    ratelimit_forgive(&limit, 9); /* nobody */
    ratelimit_forget(&limit, 9);
}

/* Those who want others to be forgotten must fail more often than they. */
static void a_full_table_forgets_who_has_failed_least(void **state)
{
    (void)state;
    ratelimit_init(&limit, RATELIMIT_NAME);
    for (int i = 0; i < 5; i++)
        expect_wait(7, 0, 0);
    for (uint64_t i = 0; i < 100000; i++)
        expect_wait(1000 + i, 1, 0);
    expect_wait(7, 1, 1999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_five_tries_then_growing_pauses),
        cmocka_unit_test(an_address_has_so_many_in_a_window),
        cmocka_unit_test(what_succeeds_does_not_count),
        cmocka_unit_test(a_full_table_forgets_who_has_failed_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
