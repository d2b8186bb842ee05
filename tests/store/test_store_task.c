/* test_store_task.c - how tasks move: the graph, queues and claims, time, leases. */
#include "fixture.h"

#include <inttypes.h>
#include <stdlib.h>

struct place {
    struct fixture *f;
    int64_t service_id, operation_id;
};

static struct place place_of(void **state)
{
    struct place place = { .f = *state };
    place.service_id = fixture_add_service(place.f, "example.com", "c");
    place.operation_id = fixture_add_operation(place.f, place.service_id);
    return place;
}

static int64_t add(struct place *p, int64_t node_id, enum task_state state, int needs_left)
{
    return fixture_add_task(p->f, p->operation_id, p->service_id, node_id, "web.domain", state, needs_left);
}

static int64_t queue_of(int64_t node_id)
{
    return task_queue_id(node_id, TASK_LANE_MAKE);
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static void a_task_comes_back_as_it_was_written(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct task in = fixture_task(p.operation_id, p.service_id, 7, "dns.zone", TASK_BLOCKED);
    in.key = borrowed("dns.zone@ns1");
    in.label_key = borrowed("step.dns.zone");
    in.role = ROLE_DNS;
    in.lane = TASK_LANE_LOOK;
    in.needs_left = 2;
    in.weight = 9;
    fixture_begin(p.f);
    must(store_insert_task(p.f->store, &in, &err));
    in.state = TASK_FAILED;
    in.needs_left = 0;
    in.due_at_ms = 5000;
    in.attempt_id = 44;
    in.attempts = 3;
    in.suspect = true;
    in.lease_until_ms = 6000;
    in.cause_id = borrowed("hestia.exists");
    in.reason = borrowed("the zone belongs to somebody else");
    in.inputs_hash = borrowed("f00");
    in.started_at_ms = 4000;
    in.ended_at_ms = 4500;
    must(store_update_task(p.f->store, &in, &err));
    fixture_commit(p.f);

    struct task out;
    must(store_get_task(p.f->store, in.id, &out, &err));
    assert_int_equal(out.operation_id, p.operation_id);
    assert_int_equal(out.service_id, p.service_id);
    assert_int_equal(out.node_id, 7);
    assert_int_equal(out.role, ROLE_DNS);
    assert_int_equal(out.lane, TASK_LANE_LOOK);
    assert_int_equal(out.state, TASK_FAILED);
    assert_int_equal(out.needs_left, 0);
    assert_int_equal(out.weight, 9);
    assert_int_equal(out.due_at_ms, 5000);
    assert_int_equal(out.attempt_id, 44);
    assert_int_equal(out.attempts, 3);
    assert_true(out.suspect);
    assert_int_equal(out.lease_until_ms, 6000);
    assert_int_equal(out.created_at_ms, 1000);
    assert_int_equal(out.started_at_ms, 4000);
    assert_int_equal(out.ended_at_ms, 4500);
    assert_string_equal(out.key, "dns.zone@ns1");
    assert_string_equal(out.action, "dns.zone");
    assert_string_equal(out.label_key, "step.dns.zone");
    assert_string_equal(out.cause_id, "hestia.exists");
    assert_string_equal(out.reason, "the zone belongs to somebody else");
    assert_string_equal(out.inputs_hash, "f00");
    task_finish(&out);
    must_fail(store_get_task(p.f->store, 999, &out, &err), ERR_NOT_FOUND);
}

static void an_operation_comes_back_and_lists_its_tasks_in_order(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct operation operation;
    must(store_get_operation(p.f->store, p.operation_id, &operation, &err));
    assert_int_equal(operation.kind, OPERATION_DEPLOY);
    assert_string_equal(operation.pipeline, "split");
    operation.state = OPERATION_DONE;
    operation.weight_done = 100;
    operation.tasks_done = 10;
    operation.ended_at_ms = 9000;
    fixture_begin(p.f);
    must(store_update_operation(p.f->store, &operation, &err));
    int64_t first = add(&p, 1, TASK_QUEUED, 0);
    int64_t second = add(&p, 2, TASK_QUEUED, 0);
    fixture_commit(p.f);
    operation_finish(&operation);

    struct operation *operations;
    size_t count;
    must(store_list_operations(p.f->store, p.service_id, &operations, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(operations[0].state, OPERATION_DONE);
    assert_int_equal(operations[0].weight_done, 100);
    assert_int_equal(operations[0].ended_at_ms, 9000);
    operations_free(operations, count);
    struct task *tasks;
    must(store_list_tasks(p.f->store, p.operation_id, &tasks, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(tasks[0].id, first);
    assert_int_equal(tasks[1].id, second);
    tasks_free(tasks, count);
    must_fail(store_get_operation(p.f->store, 999, &operation, &err), ERR_NOT_FOUND);
}

static void a_user_name_is_taken_on_its_node_only(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct account account = { .service_id = p.service_id,
                               .node_id = p.f->node_id,
                               .roles = ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL),
                               .username = borrowed("example"),
                               .package = borrowed("bxyz-000001-x"),
                               .created_at_ms = 5 };
    fixture_begin(p.f);
    must(store_insert_account(p.f->store, &account, &err));
    fixture_commit(p.f);
    bool taken;
    must(store_username_taken(p.f->store, p.f->node_id, "example", &taken, &err));
    assert_true(taken);
    must(store_username_taken(p.f->store, p.f->node_id, "example1", &taken, &err));
    assert_false(taken);
    must(store_username_taken(p.f->store, p.f->node_id + 1, "example", &taken, &err));
    assert_false(taken);
    fixture_begin(p.f);
    must_fail(store_insert_account(p.f->store, &account, &err), ERR_CONFLICT);
    store_rollback(p.f->store);
    struct account *accounts;
    size_t count;
    must(store_list_accounts(p.f->store, p.service_id, &accounts, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(accounts[0].roles, account.roles);
    assert_string_equal(accounts[0].package, "bxyz-000001-x");
    accounts_free(accounts, count);
}

/* ---- claims ------------------------------------------------------------------------------------------------------- */

static void a_queue_is_served_first_come_first_served_and_apart_from_others(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t ids[6];
    fixture_begin(p.f);
    for (int i = 0; i < 6; i++)
        ids[i] = add(&p, 1 + i % 2, TASK_QUEUED, 0);
    (void)add(&p, 1, TASK_HELD, 0);
    struct task task;
    bool found;
    for (int i = 0; i < 6; i += 2) {
        must(store_peek_task(p.f->store, queue_of(1), &task, &found, &err));
        assert_true(found);
        assert_int_equal(task.id, ids[i]);
        assert_int_equal(task.state, TASK_QUEUED);
        task_finish(&task);
        must(store_claim_task(p.f->store, queue_of(1), 2000, 17000, &task, &found, &err));
        assert_true(found);
        assert_int_equal(task.id, ids[i]);
        task_finish(&task);
    }
    must(store_claim_task(p.f->store, queue_of(1), 2000, 17000, &task, &found, &err));
    assert_false(found);
    must(store_peek_task(p.f->store, queue_of(1), &task, &found, &err));
    assert_false(found);
    must(store_claim_task(p.f->store, queue_of(2), 2000, 17000, &task, &found, &err));
    assert_true(found);
    assert_int_equal(task.id, ids[1]);
    task_finish(&task);
    fixture_commit(p.f);
}

static void probes_stand_in_one_queue_whatever_their_node(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct task probe = fixture_task(p.operation_id, p.service_id, 5, "verify.http", TASK_QUEUED);
    probe.lane = TASK_LANE_PROBE;
    fixture_begin(p.f);
    must(store_insert_task(p.f->store, &probe, &err));
    struct task task;
    bool found;
    must(store_claim_task(p.f->store, task_queue_id(0, TASK_LANE_PROBE), 1, 2, &task, &found, &err));
    assert_true(found);
    assert_int_equal(task.node_id, 5);
    task_finish(&task);
    fixture_commit(p.f);
}

static void a_claim_makes_an_attempt_and_tells_what_it_wrote(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    int64_t id = add(&p, 1, TASK_QUEUED, 0);
    struct task claimed;
    bool found;
    must(store_claim_task(p.f->store, queue_of(1), 2000, 17000, &claimed, &found, &err));
    fixture_commit(p.f);

    struct task stored;
    must(store_get_task(p.f->store, id, &stored, &err));
    assert_int_equal(stored.state, TASK_RUNNING);
    assert_int_equal(claimed.state, TASK_RUNNING);
    assert_int_equal(stored.lease_until_ms, 17000);
    assert_int_equal(claimed.lease_until_ms, 17000);
    assert_int_equal(stored.started_at_ms, 2000);
    assert_int_equal(claimed.started_at_ms, 2000);
    assert_int_equal(stored.attempt_id, claimed.attempt_id);
    struct attempt attempt;
    must(store_get_attempt(p.f->store, claimed.attempt_id, &attempt, &err));
    assert_int_equal(attempt.task_id, id);
    assert_int_equal(attempt.node_id, 1);
    assert_int_equal(attempt.number, 1);
    assert_int_equal(attempt.outcome, ATTEMPT_RUNNING);
    assert_int_equal(attempt.started_at_ms, 2000);
    attempt_finish(&attempt);
    task_finish(&stored);
    task_finish(&claimed);
}

static void fences_rise_over_claims_retries_and_restarts(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    int64_t id = add(&p, 1, TASK_QUEUED, 0);
    fixture_commit(p.f);
    int64_t last = 0;
    for (int number = 1; number <= 6; number++) {
        struct task task;
        bool found;
        fixture_begin(p.f);
        must(store_claim_task(p.f->store, queue_of(1), 2000 + number, 17000, &task, &found, &err));
        assert_true(found);
        assert_int_equal(task.id, id);
        assert_true(task.attempt_id > last);
        last = task.attempt_id;
        struct attempt attempt = {
            .id = last, .outcome = ATTEMPT_RETRY, .cause_id = borrowed("c"), .detail = borrowed("d")
        };
        must(store_end_attempt(p.f->store, &attempt, &err));
        task.state = TASK_QUEUED;
        must(store_update_task(p.f->store, &task, &err));
        fixture_commit(p.f);
        assert_int_equal(task.started_at_ms, 2001); /* the first start stays */
        task_finish(&task);
        if (number == 3 && !fixture_in_memory)
            fixture_reopen(p.f);
    }
    struct attempt *attempts;
    size_t count;
    must(store_list_attempts(p.f->store, id, &attempts, &count, &err));
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(attempts[i].number, i + 1);
    attempts_free(attempts, count);
}

static void a_claim_that_is_rolled_back_has_not_happened(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    int64_t id = add(&p, 1, TASK_QUEUED, 0);
    fixture_commit(p.f);
    struct task task;
    bool found;
    fixture_begin(p.f);
    must(store_claim_task(p.f->store, queue_of(1), 2000, 17000, &task, &found, &err));
    int64_t fence = task.attempt_id;
    task_finish(&task);
    store_rollback(p.f->store);
    assert_int_equal(fixture_task_state(p.f, id), TASK_QUEUED);
    struct attempt attempt;
    must_fail(store_get_attempt(p.f->store, fence, &attempt, &err), ERR_NOT_FOUND);
}

static void reloads_in_a_queue_are_found_among_other_tasks(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t reloads[3];
    fixture_begin(p.f);
    for (int i = 0; i < 3; i++) {
        (void)add(&p, 1, TASK_QUEUED, 0);
        reloads[i] = fixture_add_task(p.f, p.operation_id, p.service_id, 1, "web.reload", TASK_QUEUED, 0);
        (void)fixture_add_task(p.f, p.operation_id, p.service_id, 1, "web.reload", TASK_BLOCKED, 1);
        (void)fixture_add_task(p.f, p.operation_id, p.service_id, 2, "web.reload", TASK_QUEUED, 0);
    }
    fixture_commit(p.f);
    int64_t ids[3];
    size_t count;
    must(store_list_queued(p.f->store, queue_of(1), "web.reload", 3, ids, &count, &err));
    assert_int_equal(count, 3);
    assert_memory_equal(ids, reloads, sizeof(ids));
    must(store_list_queued(p.f->store, queue_of(1), "web.reload", 2, ids, &count, &err));
    assert_int_equal(count, 2);
    must(store_list_queued(p.f->store, queue_of(3), "web.reload", 3, ids, &count, &err));
    assert_int_equal(count, 0);
}

static void the_queues_are_those_with_a_queued_task(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    for (int64_t node_id = 1; node_id <= 5; node_id++) {
        for (int i = 0; i < 4; i++)
            (void)add(&p, node_id, node_id == 3 ? TASK_HELD : TASK_QUEUED, 0);
    }
    fixture_commit(p.f);
    int64_t *queues;
    size_t count;
    must(store_list_queues(p.f->store, &queues, &count, &err));
    static const int64_t nodes[] = { 1, 2, 4, 5 };
    assert_int_equal(count, ARRAY_LEN(nodes));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(queues[i], queue_of(nodes[i]));
    free(queues);
}

/* ---- the graph ---------------------------------------------------------------------------------------------------- */

/* package -> user -> { domain, php } -> reload, and another package -> reload */
struct graph {
    int64_t package, user, domain, php, other, reload;
};

static struct graph graph_of(struct place *p)
{
    struct err err;
    fixture_begin(p->f);
    struct graph g = { .package = add(p, 1, TASK_RUNNING, 0),
                       .user = add(p, 1, TASK_BLOCKED, 1),
                       .domain = add(p, 2, TASK_BLOCKED, 1),
                       .php = add(p, 3, TASK_BLOCKED, 1),
                       .other = add(p, 4, TASK_RUNNING, 0),
                       .reload = add(p, 5, TASK_BLOCKED, 3) };
    must(store_insert_edge(p->f->store, g.package, g.user, &err));
    must(store_insert_edge(p->f->store, g.user, g.domain, &err));
    must(store_insert_edge(p->f->store, g.user, g.php, &err));
    must(store_insert_edge(p->f->store, g.domain, g.reload, &err));
    must(store_insert_edge(p->f->store, g.php, g.reload, &err));
    must(store_insert_edge(p->f->store, g.other, g.reload, &err));
    fixture_commit(p->f);
    return g;
}

static void set_state(struct place *p, int64_t task_id, enum task_state state, int64_t ended_at_ms)
{
    struct err err;
    struct task task;
    must(store_get_task(p->f->store, task_id, &task, &err));
    task.state = state;
    task.ended_at_ms = ended_at_ms;
    must(store_update_task(p->f->store, &task, &err));
    task_finish(&task);
}

static size_t release(struct place *p, int64_t task_id, int64_t *ret_first_queue)
{
    struct err err;
    int64_t *queues;
    size_t count;
    must(store_release_dependents(p->f->store, task_id, &queues, &count, &err));
    *ret_first_queue = count > 0 ? queues[0] : -1;
    free(queues);
    return count;
}

static void dependents_are_released_when_the_last_need_is_met(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct graph g = graph_of(&p);
    int64_t queue;
    fixture_begin(p.f);
    set_state(&p, g.package, TASK_DONE, 4321);
    assert_int_equal(release(&p, g.package, &queue), 1);
    assert_int_equal(queue, queue_of(1));
    struct task user;
    must(store_get_task(p.f->store, g.user, &user, &err));
    assert_int_equal(user.state, TASK_QUEUED);
    assert_int_equal(user.needs_left, 0);
    assert_int_equal(user.due_at_ms, 4321); /* since when it waits */
    task_finish(&user);
    assert_int_equal(release(&p, g.user, &queue), 2);
    assert_int_equal(fixture_task_state(p.f, g.domain), TASK_QUEUED);
    assert_int_equal(fixture_task_state(p.f, g.php), TASK_QUEUED);
    assert_int_equal(release(&p, g.domain, &queue), 0);
    assert_int_equal(release(&p, g.other, &queue), 0);
    assert_int_equal(fixture_task_state(p.f, g.reload), TASK_BLOCKED);
    assert_int_equal(release(&p, g.php, &queue), 1);
    assert_int_equal(queue, queue_of(5));
    assert_int_equal(fixture_task_state(p.f, g.reload), TASK_QUEUED);
    fixture_commit(p.f);
}

static void a_task_that_ends_twice_releases_once(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct graph g = graph_of(&p);
    int64_t queue;
    fixture_begin(p.f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(release(&p, g.other, &queue), 0);
    struct task reload;
    must(store_get_task(p.f->store, g.reload, &reload, &err));
    assert_int_equal(reload.needs_left, 2);
    task_finish(&reload);
    assert_int_equal(release(&p, g.package, &queue), 1);
    set_state(&p, g.user, TASK_DONE, 5);
    assert_int_equal(release(&p, g.package, &queue), 0);
    assert_int_equal(fixture_task_state(p.f, g.user), TASK_DONE);
    fixture_commit(p.f);
}

static void what_stands_behind_a_failure_is_held_and_given_free_again(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct graph g = graph_of(&p);
    fixture_begin(p.f);
    int64_t elsewhere = add(&p, 6, TASK_BLOCKED, 1);
    set_state(&p, g.package, TASK_FAILED, 5);
    must(store_hold_dependents(p.f->store, g.package, "package has failed", &err));
    const int64_t behind[] = { g.user, g.domain, g.php, g.reload };
    for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
        struct task task;
        must(store_get_task(p.f->store, behind[i], &task, &err));
        assert_int_equal(task.state, TASK_HELD);
        assert_string_equal(task.reason, "package has failed");
        task_finish(&task);
    }
    assert_int_equal(fixture_task_state(p.f, g.other), TASK_RUNNING);
    assert_int_equal(fixture_task_state(p.f, elsewhere), TASK_BLOCKED);

    must(store_unhold_dependents(p.f->store, g.package, &err));
    for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
        struct task task;
        must(store_get_task(p.f->store, behind[i], &task, &err));
        assert_int_equal(task.state, TASK_BLOCKED);
        assert_string_equal(task.reason, "");
        task_finish(&task);
    }
    fixture_commit(p.f);
}

static void a_task_behind_two_failures_is_held_until_both_are_retried(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct graph g = graph_of(&p);
    fixture_begin(p.f);
    set_state(&p, g.package, TASK_FAILED, 5);
    must(store_hold_dependents(p.f->store, g.package, "package has failed", &err));
    set_state(&p, g.other, TASK_FAILED, 5);
    must(store_hold_dependents(p.f->store, g.other, "other has failed", &err));
    set_state(&p, g.package, TASK_QUEUED, 0);
    must(store_unhold_dependents(p.f->store, g.package, &err));
    assert_int_equal(fixture_task_state(p.f, g.user), TASK_BLOCKED);
    assert_int_equal(fixture_task_state(p.f, g.domain), TASK_BLOCKED);
    assert_int_equal(fixture_task_state(p.f, g.reload), TASK_HELD);
    set_state(&p, g.other, TASK_QUEUED, 0);
    must(store_unhold_dependents(p.f->store, g.other, &err));
    assert_int_equal(fixture_task_state(p.f, g.reload), TASK_BLOCKED);
    fixture_commit(p.f);
}

static void a_task_that_is_held_for_its_node_stays_held(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct graph g = graph_of(&p);
    int64_t queue;
    fixture_begin(p.f);
    assert_int_equal(release(&p, g.package, &queue), 1);
    set_state(&p, g.user, TASK_HELD, 0); /* the node is paused */
    must(store_unhold_dependents(p.f->store, g.package, &err));
    assert_int_equal(fixture_task_state(p.f, g.user), TASK_HELD);
    fixture_commit(p.f);
}

/* ---- time and leases ---------------------------------------------------------------------------------------------- */

static void tasks_wake_when_they_are_due_earliest_first(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t due_ms;
    must(store_next_due(p.f->store, &due_ms, &err));
    assert_true(due_ms == INT64_MAX);
    int64_t ids[4];
    static const int64_t due[] = { 4000, 2000, 3000, 9000 };
    fixture_begin(p.f);
    for (int i = 0; i < 4; i++) {
        struct task task = fixture_task(p.operation_id, p.service_id, 1 + i, "a", TASK_WAITING);
        task.due_at_ms = due[i];
        must(store_insert_task(p.f->store, &task, &err));
        ids[i] = task.id;
    }
    must(store_next_due(p.f->store, &due_ms, &err));
    assert_int_equal(due_ms, 2000);
    int64_t *queues;
    size_t count;
    must(store_wake_due(p.f->store, 1999, 10, &queues, &count, &err));
    assert_int_equal(count, 0);
    free(queues);
    must(store_wake_due(p.f->store, 5000, 2, &queues, &count, &err));
    assert_int_equal(count, 2);
    free(queues);
    assert_int_equal(fixture_task_state(p.f, ids[1]), TASK_QUEUED);
    assert_int_equal(fixture_task_state(p.f, ids[2]), TASK_QUEUED);
    assert_int_equal(fixture_task_state(p.f, ids[0]), TASK_WAITING);
    must(store_wake_due(p.f->store, 5000, 10, &queues, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(queues[0], queue_of(1));
    free(queues);
    must(store_next_due(p.f->store, &due_ms, &err));
    assert_int_equal(due_ms, 9000);
    fixture_commit(p.f);
}

static void leases_of_all_running_tasks_are_renewed_and_of_no_other(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    int64_t waiting = add(&p, 9, TASK_WAITING, 0);
    for (int i = 0; i < 3; i++)
        (void)add(&p, 1, TASK_QUEUED, 0);
    for (int i = 0; i < 2; i++) {
        struct task task;
        bool found;
        must(store_claim_task(p.f->store, queue_of(1), 1, 2, &task, &found, &err));
        task_finish(&task);
    }
    must(store_renew_leases(p.f->store, 99000, &err));
    fixture_commit(p.f);
    struct task *tasks;
    size_t count;
    must(store_list_running(p.f->store, &tasks, &count, &err));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tasks[i].lease_until_ms, 99000);
    tasks_free(tasks, count);
    struct task task;
    must(store_get_task(p.f->store, waiting, &task, &err));
    assert_int_equal(task.lease_until_ms, 0);
    task_finish(&task);
}

static void staff_find_tasks_by_state_and_node_newest_first(void **state)
{
    struct place p = place_of(state);
    struct err err;
    fixture_begin(p.f);
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        (void)add(&p, 1, (enum task_state)i, 0);
        (void)add(&p, 2, (enum task_state)i, 0);
    }
    fixture_commit(p.f);
    for (int i = 0; i <= TASK_STATE_COUNT; i++) {
        struct task *tasks;
        size_t count;
        must(store_find_tasks(p.f->store, (enum task_state)i, 0, 0, 100, &tasks, &count, &err));
        assert_int_equal(count, i == TASK_STATE_COUNT ? 2 * TASK_STATE_COUNT : 2);
        for (size_t j = 1; j < count; j++)
            assert_true(tasks[j].id < tasks[j - 1].id);
        int64_t newest = tasks[0].id;
        tasks_free(tasks, count);
        must(store_find_tasks(p.f->store, (enum task_state)i, 2, 0, 1, &tasks, &count, &err));
        assert_int_equal(count, 1);
        assert_int_equal(tasks[0].node_id, 2);
        assert_int_equal(tasks[0].id, newest);
        tasks_free(tasks, count);
        must(store_find_tasks(p.f->store, (enum task_state)i, 0, newest, 1, &tasks, &count, &err));
        assert_int_equal(count, 1);
        assert_int_equal(tasks[0].id, newest - 1);
        tasks_free(tasks, count);
    }
}

static void figures_count_each_state_and_know_the_oldest(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct queue_figures figures;
    must(store_queue_figures(p.f->store, &figures, &err));
    assert_int_equal(figures.queued + figures.running + figures.waiting + figures.held + figures.failed, 0);
    assert_int_equal(figures.oldest_queued_ms, 0);
    static const struct {
        enum task_state state;
        int count;
    } tasks[] = { { TASK_QUEUED, 5 }, { TASK_RUNNING, 4 }, { TASK_WAITING, 3 }, { TASK_HELD, 2 },
                  { TASK_FAILED, 1 }, { TASK_DONE, 6 },    { TASK_BLOCKED, 7 } };
    fixture_begin(p.f);
    for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
        for (int j = 0; j < tasks[i].count; j++) {
            struct task task = fixture_task(p.operation_id, p.service_id, j, "a", tasks[i].state);
            task.created_at_ms = 1000;
            task.due_at_ms = 8000 - j;
            must(store_insert_task(p.f->store, &task, &err));
        }
    }
    fixture_commit(p.f);
    must(store_queue_figures(p.f->store, &figures, &err));
    assert_int_equal(figures.queued, 5);
    assert_int_equal(figures.running, 4);
    assert_int_equal(figures.waiting, 3);
    assert_int_equal(figures.held, 2);
    assert_int_equal(figures.failed, 1);
    assert_int_equal(figures.oldest_queued_ms, 7996);
}

static void figures_count_the_services_of_each_status(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct queue_figures before, after;
    must(store_queue_figures(p.f->store, &before, &err));
    for (int status = 0; status < SERVICE_STATUS_COUNT; status++) {
        for (int i = 0; i <= status; i++) {
            char domain[40];
            snprintf(domain, sizeof(domain), "s%d-%d.example", status, i);
            struct service service = fixture_service(p.f, domain, "7");
            service.status = (enum service_status)status;
            fixture_begin(p.f);
            must(store_insert_service(p.f->store, &service, &err));
            fixture_commit(p.f);
        }
    }
    must(store_queue_figures(p.f->store, &after, &err));
    for (int status = 0; status < SERVICE_STATUS_COUNT; status++)
        assert_int_equal(after.services[status] - before.services[status], status + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_task_comes_back_as_it_was_written),
        FIXTURE_TEST(an_operation_comes_back_and_lists_its_tasks_in_order),
        FIXTURE_TEST(a_user_name_is_taken_on_its_node_only),
        FIXTURE_TEST(a_queue_is_served_first_come_first_served_and_apart_from_others),
        FIXTURE_TEST(probes_stand_in_one_queue_whatever_their_node),
        FIXTURE_TEST(a_claim_makes_an_attempt_and_tells_what_it_wrote),
        FIXTURE_TEST(fences_rise_over_claims_retries_and_restarts),
        FIXTURE_TEST(a_claim_that_is_rolled_back_has_not_happened),
        FIXTURE_TEST(reloads_in_a_queue_are_found_among_other_tasks),
        FIXTURE_TEST(the_queues_are_those_with_a_queued_task),
        FIXTURE_TEST(dependents_are_released_when_the_last_need_is_met),
        FIXTURE_TEST(a_task_that_ends_twice_releases_once),
        FIXTURE_TEST(what_stands_behind_a_failure_is_held_and_given_free_again),
        FIXTURE_TEST(a_task_behind_two_failures_is_held_until_both_are_retried),
        FIXTURE_TEST(a_task_that_is_held_for_its_node_stays_held),
        FIXTURE_TEST(tasks_wake_when_they_are_due_earliest_first),
        FIXTURE_TEST(leases_of_all_running_tasks_are_renewed_and_of_no_other),
        FIXTURE_TEST(staff_find_tasks_by_state_and_node_newest_first),
        FIXTURE_TEST(figures_count_each_state_and_know_the_oldest),
        FIXTURE_TEST(figures_count_the_services_of_each_status),
    };
    return fixture_run(tests);
}
