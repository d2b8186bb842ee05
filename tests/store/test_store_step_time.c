/* test_store_step_time.c - what estimates are made from: times of steps, edges, queues. */
#include "fixture.h"

#include <stdlib.h>

static void learn(struct fixture *f, const char *action, int64_t node_id, bool made, int64_t ms, size_t count)
{
    struct err err;
    struct step_key key = { .action = action, .node_id = node_id, .made = made };
    struct step_samples samples = { 0 };
    for (size_t i = 0; i < count; i++)
        step_samples_add(&samples, ms, 1000 * (int64_t)i);
    fixture_begin(f);
    must(store_put_step_time(f->store, &key, &samples, &err));
    fixture_commit(f);
}

static int64_t learned(struct fixture *f, const char *action, int64_t node_id, bool made)
{
    struct err err;
    struct step_times *times;
    must(store_load_step_times(f->store, &times, &err));
    struct step_time time =
        step_times_get(times, &(struct step_key){ .action = action, .node_id = node_id, .made = made });
    step_times_destroy(times);
    return time.known ? time.p50_ms : -1;
}

static void times_are_put_replaced_and_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(learned(f, "web.user", 1, true), -1);
    learn(f, "web.user", 1, true, 800, 1);
    learn(f, "web.user", 1, true, 900, STEP_SAMPLES_MAX);
    learn(f, "web.user", 1, false, 40, 5);
    learn(f, "verify.web", 0, false, 55, 0);
    if (!fixture_in_memory)
        fixture_reopen(f);
    assert_int_equal(learned(f, "web.user", 1, true), 900);
    assert_int_equal(learned(f, "web.user", 2, true), 900);
    assert_int_equal(learned(f, "web.user", 1, false), 40);
    assert_int_equal(learned(f, "verify.web", 0, false), -1);
}

static void edges_are_found_live_and_in_history(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct task_edge *edges;
    size_t count, rows;
    int64_t service_id = fixture_add_service(f, "edges.example", "c1");
    int64_t operation_id = fixture_add_operation(f, service_id), ids[3];
    fixture_begin(f);
    for (int i = 0; i < 3; i++)
        ids[i] = fixture_add_task(f, operation_id, service_id, f->node_id, "web.user", TASK_DONE, i);
    must(store_insert_edge(f->store, ids[0], ids[2], &err));
    must(store_insert_edge(f->store, ids[1], ids[2], &err));
    must(store_insert_edge(f->store, ids[0], ids[1], &err));
    struct operation operation;
    must(store_get_operation(f->store, operation_id, &operation, &err));
    operation.state = OPERATION_DONE;
    operation.ended_at_ms = 5000;
    must(store_update_operation(f->store, &operation, &err));
    operation_finish(&operation);
    fixture_commit(f);
    for (int round = 0; round < 4; round++) { /* none, one, two, all of its tasks have left */
        must(store_list_edges(f->store, operation_id, &edges, &count, &err));
        assert_int_equal(count, 3);
        assert_true(edges[0].from_task_id == ids[0] && edges[0].to_task_id == ids[1]);
        assert_true(edges[1].from_task_id == ids[0] && edges[1].to_task_id == ids[2]);
        assert_true(edges[2].from_task_id == ids[1] && edges[2].to_task_id == ids[2]);
        free(edges);
        fixture_begin(f);
        must(store_archive_tasks(f->store, 6000, 1, &rows, &err));
        fixture_commit(f);
    }
    must(store_list_edges(f->store, operation_id + 1, &edges, &count, &err));
    assert_int_equal(count, 0);
    free(edges);
}

static void who_stands_in_line_is_told_in_the_order_of_taking(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct task_in_line *tasks;
    struct task taken;
    size_t count;
    bool found;
    int64_t queue = task_queue_id(f->node_id, TASK_LANE_MAKE),
            service_id = fixture_add_service(f, "line.example", "c1");
    int64_t operation_id = fixture_add_operation(f, service_id), ids[4];
    fixture_begin(f);
    for (int i = 0; i < 4; i++)
        ids[i] = fixture_add_task(f, operation_id, service_id, f->node_id, i == 3 ? "web.domain" : "web.user",
                                  i == 2 ? TASK_BLOCKED : TASK_QUEUED, i == 2);
    must(store_claim_task(f->store, queue, 7000, 9000, &taken, &found, &err));
    assert_true(found && taken.id == ids[0]);
    task_finish(&taken);
    fixture_commit(f);
    must(store_list_queue(f->store, queue, 10, &tasks, &count, &err));
    assert_int_equal(count, 2);
    assert_true(tasks[0].id == ids[1] && tasks[1].id == ids[3] && tasks[0].operation_id == operation_id);
    assert_true(tasks[0].node_id == f->node_id && tasks[0].lane == TASK_LANE_MAKE && tasks[0].started_at_ms == 0);
    assert_string_equal(tasks[1].action, "web.domain");
    tasks_in_line_free(tasks, count);
    must(store_list_queue(f->store, queue, 1, &tasks, &count, &err));
    assert_int_equal(count, 1);
    tasks_in_line_free(tasks, count);
    must(store_list_busy(f->store, 10, &tasks, &count, &err));
    assert_int_equal(count, 1);
    assert_true(tasks[0].id == ids[0] && tasks[0].started_at_ms == 7000);
    tasks_in_line_free(tasks, count);
}

static unsigned freed;

static void count_freed(void *attached)
{
    (void)attached;
    freed++;
}

static void what_is_attached_goes_with_the_store(void **state)
{
    struct fixture *f = *state;
    int one = 1, two = 2;
    freed = 0;
    assert_null(store_attached(f->store));
    store_attach(f->store, &one, count_freed);
    assert_ptr_equal(store_attached(f->store), &one);
    store_attach(f->store, &two, count_freed);
    assert_int_equal(freed, 1);
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(times_are_put_replaced_and_there_after_a_restart),
        FIXTURE_TEST(edges_are_found_live_and_in_history),
        FIXTURE_TEST(who_stands_in_line_is_told_in_the_order_of_taking),
        FIXTURE_TEST(what_is_attached_goes_with_the_store),
    };
    return fixture_run(tests);
}
