/* test_http_eta.c - the time left as the API tells it, and as a builder of a customer's state asks for it. */
#include "shared.h"

#include <inttypes.h>

#include "http/eta_view.h"

#define NOW_MS INT64_C(1800000000000)

static int64_t service_id, operation_id, ids[5]; /* web.package web.user web.domain verify.web live */

static int64_t add_task(int64_t service, int64_t operation, const char *action, enum task_lane lane,
                        enum task_state state)
{
    struct err err;
    struct task task = { .operation_id = operation,
                         .service_id = service,
                         .node_id = lane == TASK_LANE_MAKE ? fixture.node_id : 0,
                         .role = ROLE_WEB,
                         .key = xstrdup(action),
                         .action = xstrdup(action),
                         .label_key = xstrdup(action),
                         .lane = lane,
                         .state = state,
                         .weight = 20,
                         .cause_id = xstrdup(""),
                         .reason = xstrdup(""),
                         .inputs_hash = xstrdup(""),
                         .created_at_ms = NOW_MS - 60000 };
    must(store_insert_task(fixture.store, &task, &err));
    int64_t id = task.id;
    task_finish(&task);
    return id;
}

static int64_t add_operation(int64_t service)
{
    struct err err;
    char name[] = "split", hash[] = "";
    struct operation operation = {
        .service_id = service, .pipeline = name, .pipeline_hash = hash, .created_at_ms = NOW_MS - 60000
    };
    must(store_insert_operation(fixture.store, &operation, &err));
    fixture_set_operation(&fixture, service, operation.id, SERVICE_DEPLOYING);
    return operation.id;
}

static void learn(const char *action, int64_t node_id, bool made, int64_t ms)
{
    struct err err;
    struct step_samples samples = { 0 };
    for (int i = 0; i < STEP_SURE_SAMPLES; i++)
        step_samples_add(&samples, ms, NOW_MS);
    must(store_put_step_time(fixture.store, &(struct step_key){ action, node_id, made }, &samples, &err));
}

static void set_moments(int64_t task_id, int64_t started_at_ms, int64_t ended_at_ms)
{
    struct err err;
    struct task task;
    must(store_get_task(fixture.store, task_id, &task, &err));
    task.started_at_ms = started_at_ms;
    task.ended_at_ms = ended_at_ms;
    must(store_update_task(fixture.store, &task, &err));
    task_finish(&task);
}

/** web.package is done, web.user runs since two seconds. */
static int setup(void **state)
{
    struct err err;
    struct task taken;
    bool found;
    fixture_begin(state);
    service_id = fixture_order(&fixture, "eta.example");
    fixture_begin_writing(&fixture);
    operation_id = add_operation(service_id);
    ids[0] = add_task(service_id, operation_id, "web.package", TASK_LANE_MAKE, TASK_DONE);
    ids[1] = add_task(service_id, operation_id, "web.user", TASK_LANE_MAKE, TASK_QUEUED);
    ids[2] = add_task(service_id, operation_id, "web.domain", TASK_LANE_MAKE, TASK_BLOCKED);
    ids[3] = add_task(service_id, operation_id, "verify.web", TASK_LANE_PROBE, TASK_BLOCKED);
    ids[4] = add_task(service_id, operation_id, "live", TASK_LANE_NONE, TASK_BLOCKED);
    for (int i = 0; i < 4; i++)
        must(store_insert_edge(fixture.store, ids[i], ids[i + 1], &err));
    must(store_insert_edge(fixture.store, ids[0], ids[2], &err));
    set_moments(ids[0], NOW_MS - 3000, NOW_MS - 2000);
    must(store_claim_task(fixture.store, task_queue_id(fixture.node_id, TASK_LANE_MAKE), NOW_MS - 2000, NOW_MS, &taken,
                          &found, &err));
    assert_true(found && taken.id == ids[1]);
    task_finish(&taken);
    learn("web.user", fixture.node_id, true, 5000);
    learn("web.domain", fixture.node_id, true, 10000);
    learn("verify.web", 0, false, 400);
    fixture_end_writing(&fixture);
    return 0;
}

/** As the reader of a page would ask. */
static struct eta ask_store(struct store *store, int64_t now_ms)
{
    struct err err;
    struct eta eta;
    struct service service;
    struct operation operation;
    struct task *tasks;
    size_t count;
    must(store_get_service(store, service_id, &service, &err));
    must(store_get_operation(store, operation_id, &operation, &err));
    must(store_list_tasks(store, operation_id, &tasks, &count, &err));
    must(eta_of_service(store, &service, &operation, tasks, count, now_ms, &eta, &err));
    service_finish(&service);
    operation_finish(&operation);
    tasks_free(tasks, count);
    return eta;
}

static struct eta ask(int64_t now_ms)
{
    struct err err;
    struct store *store;
    must(store_open_reader(fixture.url, &store, &err));
    struct eta eta = ask_store(store, now_ms);
    store_close(store);
    return eta;
}

static void what_runs_and_what_is_to_come_is_added_up(void **state)
{
    (void)state;
    struct eta eta = ask(NOW_MS);
    assert_true(eta.known && eta.sure);
    assert_int_equal(eta.p50_ms, 3000 + 10000 + 400);
    assert_int_equal(ask(NOW_MS + 2000).p50_ms, 1000 + 10000 + 400);
    assert_false(ask(NOW_MS + 60000).sure); /* web.user should have ended long ago */
}

static void a_step_that_was_never_measured_is_guessed(void **state)
{
    (void)state;
    struct err err;
    fixture_begin_writing(&fixture);
    add_task(service_id, operation_id, "web.new", TASK_LANE_PROBE, TASK_QUEUED);
    int64_t long_one = add_task(service_id, operation_id, "web.long", TASK_LANE_MAKE, TASK_BLOCKED);
    must(store_insert_edge(fixture.store, ids[2], long_one, &err));
    fixture_end_writing(&fixture);
    struct eta eta = ask(NOW_MS);
    assert_true(eta.known && !eta.sure);
    assert_int_equal(eta.p50_ms, 3000 + 10000 + 2000); /* its weight: 20 tenths */
}

/** Another service ordered before us has its web.user in the queue: that and its web.domain come first. */
static void older_orders_in_line_come_first(void **state)
{
    (void)state;
    int64_t later = fixture_order(&fixture, "later.example");
    fixture_begin_writing(&fixture);
    int64_t later_operation = add_operation(later);
    add_task(later, later_operation, "web.user", TASK_LANE_MAKE, TASK_QUEUED);
    fixture_end_writing(&fixture);
    assert_int_equal(ask(NOW_MS).p50_ms, 13400); /* who came later does not count */
    int64_t ours = operation_id, our_service = service_id;
    operation_id = later_operation;
    service_id = later;
    fixture_begin_writing(&fixture);
    add_task(later, later_operation, "web.domain", TASK_LANE_MAKE, TASK_BLOCKED);
    fixture_end_writing(&fixture);
    struct eta eta = ask(NOW_MS);
    assert_true(eta.known);
    assert_int_equal(eta.p50_ms, 3000 + 5000 + 10000); /* behind what runs */
    operation_id = ours;
    service_id = our_service;
}

static void set_node(enum node_state node_state)
{
    struct err err;
    struct node *nodes;
    size_t count;
    fixture_begin_writing(&fixture);
    must(store_list_nodes(fixture.store, &nodes, &count, &err));
    nodes[0].state = node_state;
    must(store_update_node(fixture.store, &nodes[0], &err));
    nodes_free(nodes, count);
    fixture_end_writing(&fixture);
}

static void what_is_kept_is_read_again_after_a_while(void **state)
{
    (void)state;
    struct err err;
    struct store *store;
    must(store_open_reader(fixture.url, &store, &err));
    assert_true(ask_store(store, NOW_MS).known);
    set_node(NODE_UNREACHABLE);
    assert_true(ask_store(store, NOW_MS + 999).known);
    assert_false(ask_store(store, NOW_MS + 1000).known);
    set_node(NODE_ACTIVE);
    assert_true(ask_store(store, NOW_MS + 2000).known);
    set_node(NODE_PAUSED);
    assert_false(ask_store(store, NOW_MS - 1).known); /* the clock was set back */
    store_close(store);
}

static void the_api_tells_it_with_the_operation(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof(path), "/api/v1/operations/%" PRId64, operation_id);
    struct answer answer = fixture_get(&fixture, path);
    assert_int_equal(answer.status, 200);
    json_t *eta = json_object_get(answer.json, "eta");
    assert_true(json_is_integer(json_object_get(eta, "p50_s")) && json_is_integer(json_object_get(eta, "p90_s")));
    assert_true(json_is_boolean(json_object_get(eta, "sure")));
    answer_finish(&answer);
    snprintf(path, sizeof(path), "/api/v1/services/%" PRId64, service_id);
    answer = fixture_get(&fixture, path);
    eta = json_object_get(json_object_get(answer.json, "operation"), "eta");
    assert_true(json_is_object(eta));
    answer_finish(&answer);
    set_node(NODE_UNREACHABLE);
    struct timespec pause = { 1, 100000000L };
    nanosleep(&pause, NULL); /* what the server keeps must grow old */
    answer = fixture_get(&fixture, path);
    eta = json_object_get(json_object_get(answer.json, "operation"), "eta");
    assert_true(json_is_null(eta));
    answer_finish(&answer);
}

static void expect_task(const json_t *list, size_t index, bool critical, int64_t expected_ms, const char *needs)
{
    const json_t *task = json_array_get(list, index);
    char got[100] = "";
    json_t *need;
    size_t i;
    json_array_foreach(json_object_get(task, "needs"), i, need)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", json_string_value(need));
    assert_string_equal(got, needs);
    assert_int_equal(json_is_true(json_object_get(task, "critical")), critical);
    const json_t *expected = json_object_get(task, "expected_ms");
    if (expected_ms < 0)
        assert_true(json_is_null(expected));
    else
        assert_int_equal(json_integer_value(expected), expected_ms);
}

static void expect_tasks(void)
{
    char path[80], needs[5][64] = { "" };
    for (int i = 1; i < 5; i++)
        snprintf(needs[i], sizeof(needs[i]), "%" PRId64 " ", ids[i - 1]);
    snprintf(needs[2], sizeof(needs[2]), "%" PRId64 " %" PRId64 " ", ids[0], ids[1]);
    for (int from = 0; from < 2; from++) {
        snprintf(path, sizeof(path), "/api/v1/%s/%" PRId64 "/tasks", from == 0 ? "operations" : "services",
                 from == 0 ? operation_id : service_id);
        struct answer answer = fixture_get(&fixture, path);
        assert_int_equal(answer.status, 200);
        const json_t *list = json_object_get(answer.json, "tasks");
        assert_int_equal(json_array_size(list), 5);
        expect_task(list, 0, true, -1, needs[0]);
        expect_task(list, 1, true, 5000, needs[1]);
        expect_task(list, 2, true, 10000, needs[2]);
        expect_task(list, 3, true, 400, needs[3]);
        expect_task(list, 4, true, 0, needs[4]);
        answer_finish(&answer);
    }
}

static void tasks_say_what_they_need_also_in_history(void **state)
{
    (void)state;
    struct err err;
    size_t rows = 1;
    expect_tasks();
    fixture_begin_writing(&fixture);
    for (int i = 1; i < 5; i++) {
        struct task task;
        must(store_get_task(fixture.store, ids[i], &task, &err));
        if (task.attempt_id != 0) {
            struct attempt attempt = { .id = task.attempt_id,
                                       .outcome = ATTEMPT_DONE,
                                       .cause_id = xstrdup(""),
                                       .detail = xstrdup(""),
                                       .ended_at_ms = NOW_MS };
            must(store_end_attempt(fixture.store, &attempt, &err));
            attempt_finish(&attempt);
        }
        task.state = TASK_DONE;
        task.started_at_ms = NOW_MS - 3000 + i * 1000;
        task.ended_at_ms = task.started_at_ms + 1000;
        must(store_update_task(fixture.store, &task, &err));
        task_finish(&task);
    }
    struct operation operation;
    must(store_get_operation(fixture.store, operation_id, &operation, &err));
    operation.state = OPERATION_DONE;
    operation.ended_at_ms = NOW_MS;
    must(store_update_operation(fixture.store, &operation, &err));
    operation_finish(&operation);
    while (rows > 0)
        must(store_archive_tasks(fixture.store, NOW_MS, 3, &rows, &err));
    fixture_end_writing(&fixture);
    expect_tasks();
    assert_false(ask(NOW_MS).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_runs_and_what_is_to_come_is_added_up, setup, fixture_end),
        cmocka_unit_test_setup_teardown(a_step_that_was_never_measured_is_guessed, setup, fixture_end),
        cmocka_unit_test_setup_teardown(older_orders_in_line_come_first, setup, fixture_end),
        cmocka_unit_test_setup_teardown(what_is_kept_is_read_again_after_a_while, setup, fixture_end),
        cmocka_unit_test_setup_teardown(the_api_tells_it_with_the_operation, setup, fixture_end),
        cmocka_unit_test_setup_teardown(tasks_say_what_they_need_also_in_history, setup, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
