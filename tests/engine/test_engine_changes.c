/* test_engine_changes.c - after each commit the engine says what it has changed: whoever looks where it says misses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "company.h"

#define MINUTE_MS INT64_C(60000)

/* One who looks only where he is told to. */
struct watcher {
    struct company *company;
    int64_t service_id;
    int64_t seq; /* of the newest event that he has seen */
    int64_t attempt_bytes[200];
    bool ended[200];
    bool queue, nodes, node_states;
};

static void look(void *context, const struct changes *changes)
{
    struct watcher *watcher = context;
    struct err err;
    if (watcher->company == NULL)
        return;
    for (size_t i = 0; i < changes->services.count; i++) {
        struct service service;
        company_get_service(watcher->company, changes->services.list[i], &service);
        if (service.id == watcher->service_id || watcher->service_id == 0)
            watcher->seq = service.event_seq;
        service_finish(&service);
    }
    for (size_t i = 0; i < changes->attempts.count; i++) {
        struct attempt attempt;
        int64_t id = changes->attempts.list[i];
        assert_true(store_get_attempt(company_store(watcher->company), id, &attempt, &err));
        if (id < 200) {
            watcher->attempt_bytes[id] = attempt.log_bytes;
            watcher->ended[id] = attempt.outcome != ATTEMPT_RUNNING;
        }
        attempt_finish(&attempt);
    }
    watcher->queue |= changes->queue;
    watcher->nodes |= changes->nodes.count > 0;
    watcher->node_states |= changes->node_states;
}

static void check_that_all_was_seen(struct watcher *watcher)
{
    struct service service;
    struct task *tasks;
    size_t count, attempts = 0;
    struct err err;
    company_get_service(watcher->company, watcher->service_id, &service);
    assert_int_equal(watcher->seq, service.event_seq);
    assert_true(store_list_tasks(company_store(watcher->company), service.operation_id, &tasks, &count, &err));
    for (size_t i = 0; i < count; i++) {
        struct attempt attempt;
        if (tasks[i].attempt_id == 0 || tasks[i].attempt_id >= 200)
            continue;
        assert_true(store_get_attempt(company_store(watcher->company), tasks[i].attempt_id, &attempt, &err));
        assert_int_equal(watcher->attempt_bytes[attempt.id], attempt.log_bytes);
        assert_true(watcher->ended[attempt.id]);
        attempt_finish(&attempt);
        attempts++;
    }
    assert_true(attempts > 0 && watcher->queue && watcher->nodes);
    tasks_free(tasks, count);
    service_finish(&service);
}

static void open_company(struct watcher *watcher)
{
    *watcher = (struct watcher){ 0 };
    watcher->company = company_create(&(struct company_options){
        .seed = 7, .pace = "pace=fixed 100", .committed = look, .committed_context = watcher });
}

static void a_deployment_is_seen_whole(void **state)
{
    struct watcher watcher;
    (void)state;
    open_company(&watcher);
    watcher.service_id = company_order(watcher.company, "start", "seen.example", "order-1");
    assert_true(company_until(watcher.company, watcher.service_id, SERVICE_LIVE, MINUTE_MS));
    check_that_all_was_seen(&watcher);
    company_destroy(watcher.company);
}

static void a_failure_and_its_repair_are_seen_whole(void **state)
{
    struct watcher watcher;
    (void)state;
    open_company(&watcher);
    company_standin(watcher.company, "web1", "pace=fixed 100\nfail=v-add-web-domain:10\n");
    watcher.service_id = company_order(watcher.company, "start", "sad.example", "order-1");
    assert_true(company_until(watcher.company, watcher.service_id, SERVICE_FAILED, MINUTE_MS));
    company_pass(watcher.company, MINUTE_MS);
    check_that_all_was_seen(&watcher);
    company_standin(watcher.company, "web1", "pace=fixed 100\n");
    assert_true(company_retry(watcher.company, watcher.service_id, "web.domain"));
    assert_true(company_until(watcher.company, watcher.service_id, SERVICE_LIVE, MINUTE_MS));
    check_that_all_was_seen(&watcher);
    company_destroy(watcher.company);
}

/* What concerns everybody is told apart from a node's load, which every placement changes. */
static void only_a_nodes_state_concerns_everybody(void **state)
{
    struct watcher watcher;
    (void)state;
    open_company(&watcher);
    watcher.service_id = company_order(watcher.company, "start", "first.example", "order-1");
    assert_true(company_until(watcher.company, watcher.service_id, SERVICE_LIVE, MINUTE_MS));
    watcher.nodes = watcher.node_states = false;
    watcher.service_id = company_order(watcher.company, "start", "second.example", "order-2");
    assert_true(company_until(watcher.company, watcher.service_id, SERVICE_LIVE, MINUTE_MS));
    assert_true(watcher.nodes && !watcher.node_states);
    company_set_node(watcher.company, "web1", NODE_PAUSED, 0);
    company_pass(watcher.company, 1000);
    assert_true(watcher.node_states);
    company_destroy(watcher.company);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_is_seen_whole),
        cmocka_unit_test(a_failure_and_its_repair_are_seen_whole),
        cmocka_unit_test(only_a_nodes_state_concerns_everybody),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
