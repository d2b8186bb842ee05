/* test_model.c - names go there and back, and the table of moves holds what the design promises. */
#include "harness.h"

#include "core/model.h"

static void every_name_leads_back_to_its_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < TASK_STATE_COUNT; i++) {
        enum task_state got = TASK_STATE_COUNT;
        assert_true(task_state_parse(task_state_name((enum task_state)i), &got));
        assert_int_equal(got, i);
    }
    for (size_t i = 0; i < SERVICE_STATUS_COUNT; i++) {
        enum service_status got = SERVICE_STATUS_COUNT;
        assert_true(service_status_parse(service_status_name((enum service_status)i), &got));
        assert_int_equal(got, i);
    }
    for (size_t i = 0; i < NODE_STATE_COUNT; i++) {
        enum node_state got = NODE_STATE_COUNT;
        assert_true(node_state_parse(node_state_name((enum node_state)i), &got));
        assert_int_equal(got, i);
    }
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        enum role got = ROLE_COUNT;
        assert_true(role_parse(role_name((enum role)i), &got));
        assert_int_equal(got, i);
    }
    for (size_t i = 0; i < MODE_COUNT; i++) {
        enum mode got = MODE_COUNT;
        assert_true(mode_parse(mode_name((enum mode)i), &got));
        assert_int_equal(got, i);
    }
}

static void values_without_a_parser_have_names_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPERATION_KIND_COUNT; i++)
        assert_true(strlen(operation_kind_name((enum operation_kind)i)) > 0);
    for (size_t i = 0; i < OPERATION_STATE_COUNT; i++)
        assert_true(strlen(operation_state_name((enum operation_state)i)) > 0);
    for (size_t i = 0; i < ATTEMPT_OUTCOME_COUNT; i++)
        assert_true(strlen(attempt_outcome_name((enum attempt_outcome)i)) > 0);
    for (size_t i = 0; i < TASK_LANE_COUNT; i++)
        assert_true(strlen(task_lane_name((enum task_lane)i)) > 0);
    assert_string_equal(operation_kind_name(OPERATION_CHANGE_PACKAGE), "change-package");
    assert_string_equal(task_lane_name(TASK_LANE_RELOAD), "reload");
}

static void words_that_are_no_names_are_refused(void **state)
{
    (void)state;
    enum task_state task = TASK_HELD;
    enum role role = ROLE_DNS;
    assert_false(task_state_parse("Done", &task));
    assert_false(task_state_parse("", &task));
    assert_int_equal(task, TASK_HELD);
    assert_false(role_parse("webb", &role));
    assert_int_equal(role, ROLE_DNS);
}

static void a_task_moves_only_as_the_table_says(void **state)
{
    static const struct {
        const char *name;
        enum task_state from, to;
        bool want;
    } cases[] = {
        { "what it needed is done", TASK_BLOCKED, TASK_QUEUED, true },
        { "a worker takes it", TASK_QUEUED, TASK_RUNNING, true },
        { "only what is queued can be taken", TASK_BLOCKED, TASK_RUNNING, false },
        { "a waiting task is queued first", TASK_WAITING, TASK_RUNNING, false },
        { "a running task ends", TASK_RUNNING, TASK_DONE, true },
        { "a lost lease gives it back", TASK_RUNNING, TASK_QUEUED, true },
        { "nothing that was not run is done", TASK_BLOCKED, TASK_DONE, false },
        { "held work is not done", TASK_HELD, TASK_DONE, false },
        { "a failed task is retried by hand", TASK_FAILED, TASK_QUEUED, true },
        { "a failed task does not just run", TASK_FAILED, TASK_RUNNING, false },
        { "what is behind a retried task waits again", TASK_HELD, TASK_BLOCKED, true },
        { "cancelled is the end", TASK_CANCELLED, TASK_QUEUED, false },
        { "superseded is the end", TASK_SUPERSEDED, TASK_QUEUED, false },
        { "a changed fact queues a done task again", TASK_DONE, TASK_QUEUED, true },
        { "done does not fail afterwards", TASK_DONE, TASK_FAILED, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (task_may_go(cases[i].from, cases[i].to) != cases[i].want)
            fail_msg("%s: %s -> %s should be %s", cases[i].name, task_state_name(cases[i].from),
                     task_state_name(cases[i].to), cases[i].want ? "allowed" : "refused");
    }
}

static void no_task_stays_as_it_is_and_every_live_one_can_be_cancelled(void **state)
{
    (void)state;
    for (size_t i = 0; i < TASK_STATE_COUNT; i++) {
        enum task_state from = (enum task_state)i;
        assert_false(task_may_go(from, from));
        assert_int_equal(task_may_go(from, TASK_CANCELLED), !task_state_is_final(from));
        assert_int_equal(task_may_go(from, TASK_SUPERSEDED), !task_state_is_final(from));
    }
}

static void a_copy_of_a_node_is_its_own(void **state)
{
    (void)state;
    struct node node = { .id = 7, .name = xstrdup("web1"), .host_key = xstrdup("ssh-ed25519 AAAA"), .group_count = 2 };
    node.group_ids = xcalloc(2, sizeof(*node.group_ids));
    node.group_ids[1] = 9;
    struct node copy;
    node_copy(&copy, &node);
    node_finish(&node);
    assert_string_equal(copy.name, "web1");
    assert_string_equal(copy.ssh_user, ""); /* never NULL */
    assert_int_equal(copy.group_ids[1], 9);
    node_finish(&copy);
    node_finish(&copy); /* twice is harmless */
    assert_null(copy.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_leads_back_to_its_value),
        cmocka_unit_test(values_without_a_parser_have_names_of_their_own),
        cmocka_unit_test(words_that_are_no_names_are_refused),
        cmocka_unit_test(a_task_moves_only_as_the_table_says),
        cmocka_unit_test(no_task_stays_as_it_is_and_every_live_one_can_be_cancelled),
        cmocka_unit_test(a_copy_of_a_node_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
