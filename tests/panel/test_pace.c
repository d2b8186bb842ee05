/* test_pace.c - how long commands last on a stand-in node, and the faults that can be injected into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define STANDIN "/usr/local/hestia/conf/standin.conf"

struct timed {
    const char *line;
    int64_t low_ms, high_ms; /* what was recorded, with room for a busy machine's figures */
};

static int64_t run_timed(struct world *world, const char *line)
{
    panel_memory_take_slept_ms(world->memory);
    world_expect(world, 0, line);
    return panel_memory_take_slept_ms(world->memory);
}

static void check_times(struct world *world, const struct timed *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t ms = run_timed(world, cases[i].line);
        if (ms < cases[i].low_ms || ms > cases[i].high_ms)
            fail_msg("%s: %lld ms, want %lld to %lld", cases[i].line, (long long)ms, (long long)cases[i].low_ms,
                     (long long)cases[i].high_ms);
    }
}

static void without_a_pace_nothing_is_waited_for(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_FULL);
    assert_int_equal(run_timed(&world, "v-add-user olga Tall-meadow-1 olga@meadow.test"), 0);
    assert_int_equal(run_timed(&world, "v-add-dns-domain olga tarn.net 203.0.113.9"), 0);
    world_finish(&world);
}

static void a_fixed_pace_is_kept_exactly_by_changes_and_not_at_all_by_looks(void **context)
{
    static const struct timed cases[] = {
        { "v-add-user olga Tall-meadow-1 olga@meadow.test", 200, 200 },
        { "v-list-user olga json", 0, 0 },
        { "v-add-web-domain olga tarn.net '' no", 200, 200 },
        { "v-restart-web", 200, 200 },
        { "v-restart-proxy no", 200, 200 },
        { "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no", 200, 200 },
        { "v-add-mail-domain olga tarn.net no no yes 2048 no", 200, 200 },
        { "v-list-dns-records olga tarn.net json", 0, 0 },
        { "v-delete-user olga no", 200, 200 },
    };
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_FULL);
    world_write(&world, STANDIN, "pace=fixed 200\n");
    check_times(&world, cases, ARRAY_LEN(cases));
    world_finish(&world);
}

static void the_recorded_pace_is_near_what_a_real_panel_needed(void **context)
{
    static const struct timed cases[] = {
        { "v-add-user olga Tall-meadow-1 olga@meadow.test", 500, 900 },
        { "v-list-user olga json", 0, 0 },
        { "v-add-web-domain olga tarn.net '' no", 800, 1400 },
        { "v-change-web-domain-backend-tpl olga tarn.net PHP-8_2 no", 350, 500 },
        { "v-restart-web", 130, 400 },
        { "v-restart-proxy", 130, 400 },
        { "v-restart-web-backend", 130, 400 },
        { "v-restart-dns", 100, 400 },
        { "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no", 3000, 3600 },
        { "v-add-dns-record olga tarn.net api A 203.0.113.9 '' 100 no", 3200, 3700 },
        { "v-rebuild-dns-domain olga tarn.net no", 3300, 4200 },
        { "v-delete-dns-domain olga tarn.net no", 150, 300 },
        { "v-add-mail-domain olga tarn.net no no yes 2048 no", 500, 1100 },
        { "v-add-mail-account olga tarn.net post Tall-meadow-5", 230, 500 },
        { "v-rebuild-mail-domain olga tarn.net no", 1500, 2100 },
        { "v-delete-mail-domain olga tarn.net", 700, 1300 },
        { "v-delete-web-domain olga tarn.net no", 400, 800 },
        { "v-delete-user olga no", 1100, 3300 },
    };
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_FULL);
    world_write(&world, STANDIN, "pace=recorded\n");
    check_times(&world, cases, ARRAY_LEN(cases));
    world_finish(&world);
}

static void a_factor_stretches_the_recorded_pace(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_DNS);
    world_write(&world, STANDIN, "pace=recorded\n");
    int64_t ms = run_timed(&world, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_write(&world, STANDIN, "# slow today\npace=recorded 2.5\n");
    int64_t slow_ms = run_timed(&world, "v-add-user piet Tall-meadow-1 olga@meadow.test");
    assert_true(slow_ms >= ms * 5 / 2 - 1 && slow_ms <= ms * 5 / 2 + 1);
    world_finish(&world);
}

static void the_environment_comes_on_top_of_the_file(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_DNS);
    world_write(&world, STANDIN, "pace=fixed 900\n");
    panel_memory_set_env(world.memory, "BERTH_PANEL_PACE", "fixed 50");
    assert_int_equal(run_timed(&world, "v-add-user olga Tall-meadow-1 olga@meadow.test"), 50);
    panel_memory_set_env(world.memory, "BERTH_PANEL_KILL", "user-d");
    world_expect(&world, PANEL_KILLED, "v-add-user piet Tall-meadow-1 olga@meadow.test");
    world_finish(&world);
}

static void a_failure_is_given_as_often_as_asked_for(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_WEB);
    world_write(&world, STANDIN, "fail=v-restart-proxy:20:2\npace=none");
    world_expect(&world, 20, "v-restart-proxy");
    world_said(&world, "Error: nginx restart failed\n");
    world_expect(&world, 0, "v-restart-web");
    world_expect(&world, 20, "v-restart-proxy");
    world_expect(&world, 0, "v-restart-proxy");
    world_expect(&world, 0, "cat " STANDIN);
    world_said(&world, "fail=v-restart-proxy:20:0\n");
    world_write(&world, STANDIN, "fail=v-restart-proxy:20\n");
    for (int i = 0; i < 5; i++)
        world_expect(&world, 20, "v-restart-proxy");
    world_finish(&world);
}

static void a_failure_happens_before_anything_was_done(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_WEB);
    world_write(&world, STANDIN, "fail=v-add-user:2:1\n");
    world_expect(&world, 2, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_expect(&world, 3, "v-list-user olga json");
    world_expect(&world, 0, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_finish(&world);
}

static void hanging_and_chatter_come_before_the_work_and_do_not_shorten_it(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_WEB);
    world_write(&world, STANDIN, "pace=fixed 100\nhang=v-add-user:3:1\nchatter=v-add-user:10:100\n");
    assert_int_equal(run_timed(&world, "v-add-user olga Tall-meadow-1 olga@meadow.test"), 3000 + 1000 + 100);
    world_said(&world, "v-add-user: line 1 of 10\n");
    world_said(&world, "v-add-user: line 10 of 10\n");
    assert_int_equal(run_timed(&world, "v-add-user piet Tall-meadow-1 olga@meadow.test"), 1000 + 100);
    world_finish(&world);
}

static void a_kill_at_a_point_happens_as_often_as_asked_for(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_WEB);
    world_expect(&world, 0, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_write(&world, STANDIN, "kill=web-g:1\n");
    world_expect(&world, PANEL_KILLED, "v-add-web-domain olga tarn.net '' no");
    world_expect(&world, 3, "v-list-web-domain olga tarn.net json");
    world_expect(&world, 0, "v-add-web-domain olga fen.de '' no");
    world_finish(&world);
}

static void lines_that_make_no_sense_are_ignored(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_WEB);
    world_write(&world, STANDIN,
                "pace\npace=\n=\nfail=\nkill=:3\nhang=v-list-users:-5\nchatter=v-list-users\nother=1\n");
    assert_int_equal(run_timed(&world, "v-list-users list"), 0);
    assert_string_equal(buf_text(&world.out), "admin\n");
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pace_nothing_is_waited_for),
        cmocka_unit_test(a_fixed_pace_is_kept_exactly_by_changes_and_not_at_all_by_looks),
        cmocka_unit_test(the_recorded_pace_is_near_what_a_real_panel_needed),
        cmocka_unit_test(a_factor_stretches_the_recorded_pace),
        cmocka_unit_test(the_environment_comes_on_top_of_the_file),
        cmocka_unit_test(a_failure_is_given_as_often_as_asked_for),
        cmocka_unit_test(a_failure_happens_before_anything_was_done),
        cmocka_unit_test(hanging_and_chatter_come_before_the_work_and_do_not_shorten_it),
        cmocka_unit_test(a_kill_at_a_point_happens_as_often_as_asked_for),
        cmocka_unit_test(lines_that_make_no_sense_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
