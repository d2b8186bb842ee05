/* fixture_records.c - what a test puts into the fixture's store by itself, where the engine would: see fixture.h. */
#include "fixture.h"

#define NOW_MS 1700000000000

void fixture_begin_writing(struct fixture *fixture)
{
    struct err err;
    pthread_mutex_lock(&fixture->lock);
    must(store_begin(fixture->store, &err));
}

void fixture_end_writing(struct fixture *fixture)
{
    struct err err;
    must(store_commit(fixture->store, true, &err));
    pthread_mutex_unlock(&fixture->lock);
}

void fixture_set_status(struct fixture *fixture, int64_t service_id, enum service_status status)
{
    struct err err;
    struct service service;
    must(store_get_service(fixture->store, service_id, &service, &err));
    service.status = status;
    must(store_update_service(fixture->store, &service, &err));
    service_finish(&service);
}

void fixture_set_operation(struct fixture *fixture, int64_t service_id, int64_t operation_id,
                           enum service_status status)
{
    struct err err;
    struct service service;
    must(store_get_service(fixture->store, service_id, &service, &err));
    service.status = status;
    service.operation_id = operation_id;
    must(store_update_service(fixture->store, &service, &err));
    service_finish(&service);
}

void fixture_add_event(struct fixture *fixture, int64_t service_id, const char *kind, const char *data)
{
    struct err err;
    struct event event = { .service_id = service_id, .at_ms = NOW_MS, .kind = xstrdup(kind), .data = xstrdup(data) };
    must(store_append_event(fixture->store, &event, &err));
    event_finish(&event);
}

int64_t fixture_add_name_server(struct fixture *fixture)
{
    struct err err;
    char node_name[] = "ns1", none[] = "", host[] = "ns1.example.net", name[] = "ns1.berth.example";
    char driver[] = "hestia", ip[] = "192.0.2.53";
    struct node node = { .name = node_name,
                         .driver = driver,
                         .roles = ROLE_BIT(ROLE_DNS),
                         .ssh_address = ip,
                         .ssh_port = 22,
                         .ssh_user = none,
                         .host_key = none,
                         .hostname = host,
                         .public_ip4 = ip,
                         .public_ip6 = none,
                         .probe_address = none,
                         .ns_name = name,
                         .state_reason = none,
                         .group_ids = &fixture->group_id,
                         .group_count = 1 };
    must(store_insert_node(fixture->store, &node, &err));
    return node.id;
}

void fixture_add_account(struct fixture *fixture, int64_t service_id, int64_t node_id, unsigned roles)
{
    struct err err;
    char user[] = "shop", package[] = "b-x";
    struct account account = {
        .service_id = service_id, .node_id = node_id, .roles = roles, .username = user, .package = package
    };
    must(store_insert_account(fixture->store, &account, &err));
}

/* ---- work ----------------------------------------------------------------------------------------------------------- */

int64_t fixture_add_operation(struct fixture *fixture, int64_t service_id, int64_t tasks_total, int64_t tasks_done)
{
    struct err err;
    char pipeline[] = "split", hash[] = "h";
    struct operation operation = { .service_id = service_id,
                                   .kind = OPERATION_DEPLOY,
                                   .state = OPERATION_RUNNING,
                                   .pipeline = pipeline,
                                   .pipeline_hash = hash,
                                   .weight_total = 40,
                                   .weight_done = 10 * tasks_done,
                                   .tasks_total = tasks_total,
                                   .tasks_done = tasks_done,
                                   .created_at_ms = NOW_MS };
    must(store_insert_operation(fixture->store, &operation, &err));
    return operation.id;
}

int64_t fixture_add_task(struct fixture *fixture, int64_t service_id, int64_t operation_id, const char *action,
                         const char *key, enum task_state state)
{
    struct err err;
    struct task task = { .operation_id = operation_id,
                         .service_id = service_id,
                         .node_id = fixture->node_id,
                         .role = ROLE_WEB,
                         .key = xstrdup(key),
                         .action = xstrdup(action),
                         .label_key = xasprintf("step.%s", action),
                         .lane = TASK_LANE_MAKE,
                         .state = state,
                         .weight = 10,
                         .cause_id = xstrdup(""),
                         .reason = xstrdup(""),
                         .inputs_hash = xstrdup(""),
                         .created_at_ms = NOW_MS };
    must(store_insert_task(fixture->store, &task, &err));
    int64_t id = task.id;
    task_finish(&task);
    return id;
}

int64_t fixture_claim_task(struct fixture *fixture, int64_t *ret_attempt_id)
{
    struct err err;
    struct task claimed = { 0 };
    bool found = false;
    must(store_claim_task(fixture->store, task_queue_id(fixture->node_id, TASK_LANE_MAKE), NOW_MS, NOW_MS + 15000,
                          &claimed, &found, &err));
    assert_true(found);
    int64_t id = claimed.id;
    *ret_attempt_id = claimed.attempt_id;
    task_finish(&claimed);
    return id;
}

void fixture_add_log(struct fixture *fixture, int64_t attempt_id, int stream, const char *text, size_t length)
{
    struct err err;
    struct log_chunk chunk = { .attempt_id = attempt_id,
                               .at_ms = NOW_MS + 123,
                               .stream = stream,
                               .data = xstrndup(text, length),
                               .length = length };
    must(store_append_log(fixture->store, &chunk, &err));
    log_chunk_finish(&chunk);
}

void fixture_add_deployment(struct fixture *fixture, int64_t service_id, int64_t *ret_task_id, int64_t *ret_attempt_id)
{
    fixture_begin_writing(fixture);
    int64_t operation_id = fixture_add_operation(fixture, service_id, 4, 1);
    fixture_add_task(fixture, service_id, operation_id, "web.package", "web.package@web1", TASK_DONE);
    *ret_task_id = fixture_add_task(fixture, service_id, operation_id, "web.user", "web.user@web1", TASK_QUEUED);
    fixture_add_task(fixture, service_id, operation_id, "web.domain", "web.domain@web1", TASK_BLOCKED);
    fixture_add_task(fixture, service_id, operation_id, "verify.web", "verify.web@web1", TASK_FAILED);
    assert_int_equal(fixture_claim_task(fixture, ret_attempt_id), *ret_task_id);
    fixture_add_log(fixture, *ret_attempt_id, 0, "look: not there\n", 16);
    fixture_add_log(fixture, *ret_attempt_id, 1, "one\ntw", 6);
    fixture_add_log(fixture, *ret_attempt_id, 2, "\xff\x1b[31m\n", 7);
    fixture_set_operation(fixture, service_id, operation_id, SERVICE_DEPLOYING);
    fixture_add_event(fixture, service_id, "task.done", "{\"task\":\"web.package\"}");
    fixture_add_event(fixture, service_id, "task.done", "{\"task\":\"web.package\"}");
    int64_t name_server_id = fixture_add_name_server(fixture);
    fixture_add_account(fixture, service_id, fixture->node_id, ROLE_BIT(ROLE_WEB));
    fixture_add_account(fixture, service_id, name_server_id, ROLE_BIT(ROLE_DNS));
    fixture_end_writing(fixture);
}

/* In the caller's transaction: done, with a log of one line. */
static void add_done_attempt(struct fixture *fixture, int64_t task_id, int64_t *ret_attempt_id)
{
    struct err err;
    struct task task;
    bool found;
    char text[] = "hello\n", none[] = "";
    must(store_claim_task(fixture->store, task_queue_id(fixture->node_id, TASK_LANE_LOOK), 1, 2, &task, &found, &err));
    assert_true(found && task.id == task_id);
    struct log_chunk chunk = { .attempt_id = task.attempt_id, .data = text, .length = strlen(text) };
    struct attempt attempt = {
        .id = task.attempt_id, .outcome = ATTEMPT_DONE, .cause_id = none, .detail = none, .ended_at_ms = 2
    };
    task.state = TASK_DONE;
    must(store_append_log(fixture->store, &chunk, &err));
    must(store_end_attempt(fixture->store, &attempt, &err));
    must(store_update_task(fixture->store, &task, &err));
    *ret_attempt_id = task.attempt_id;
    task_finish(&task);
}

void fixture_add_old_work(struct fixture *fixture, int64_t service_id, int64_t *ret_task_id, int64_t *ret_attempt_id)
{
    struct err err;
    size_t rows;
    char text[] = "old", none[] = "";
    struct operation operation = { .service_id = service_id,
                                   .state = OPERATION_DONE,
                                   .pipeline = text,
                                   .pipeline_hash = none,
                                   .tasks_total = 1,
                                   .tasks_done = 1,
                                   .ended_at_ms = 2 };
    struct task task = { .service_id = service_id,
                         .node_id = fixture->node_id,
                         .key = text,
                         .action = text,
                         .label_key = text,
                         .lane = TASK_LANE_LOOK,
                         .state = TASK_QUEUED,
                         .cause_id = none,
                         .reason = none,
                         .inputs_hash = none };
    fixture_begin_writing(fixture);
    must(store_insert_operation(fixture->store, &operation, &err));
    task.operation_id = operation.id;
    must(store_insert_task(fixture->store, &task, &err));
    add_done_attempt(fixture, task.id, ret_attempt_id);
    must(store_archive_tasks(fixture->store, 2, 10, &rows, &err));
    must(store_remove_logs(fixture->store, 2, 1700000000000, 10, &rows, &err));
    fixture_end_writing(fixture);
    *ret_task_id = task.id;
}
