/* test_engine_learn.c - what the engine learns of how long steps take, and what it makes of it. Every command takes 700 ms. */
#include "steer.h"

#include "core/progress.h"

#define WEB1 1 /* ids of nodes; 0: from outside */
#define WEIGHT_OF_USER 8
#define WEIGHT_OF_ZONE 35 /* as pipelines/split.yaml says */

static int setup(void **state)
{
    *state = company_create(&(struct company_options){ .seed = 11, .pace = "pace=fixed 700" });
    return 0;
}

static struct step_time learned(struct company *company, const char *action, int64_t node_id, bool made)
{
    struct step_times *times = NULL;
    struct err err;
    assert_true(store_load_step_times(company_store(company), &times, &err));
    struct step_time time =
        step_times_get(times, &(struct step_key){ .action = action, .node_id = node_id, .made = made });
    step_times_destroy(times);
    return time;
}

static int64_t weight_of(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    company_get_task(company, service_id, key, &task);
    int64_t weight = task.weight;
    task_finish(&task);
    return weight;
}

static int64_t node_of(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    company_get_task(company, service_id, key, &task);
    int64_t node_id = task.node_id;
    task_finish(&task);
    return node_id;
}

static void what_steps_took_weighs_the_next_graph(void **state)
{
    struct company *company = *state;
    assert_false(learned(company, "web.user", WEB1, true).known);
    int64_t first = order_live(company, "start", "first.example");
    int64_t web = node_of(company, first, "web.user"), ns = node_of(company, first, "dns.zone@ns1");
    assert_int_equal(weight_of(company, first, "web.user"), WEIGHT_OF_USER);
    assert_int_equal(weight_of(company, first, "dns.zone@ns1"), WEIGHT_OF_ZONE);
    struct step_time user = learned(company, "web.user", web, true), zone = learned(company, "dns.zone", ns, true);
    assert_true(user.known && !user.sure && zone.known);
    assert_in_range(user.p50_ms, 700, 3000); /* without what it waited before */
    int64_t second = company_order(company, "start", "second.example", "");
    company_step(company);
    company_step(company);
    assert_int_equal(weight_of(company, second, "web.user"), (user.p50_ms + 50) / 100);
    assert_int_equal(weight_of(company, second, "dns.zone@ns1"), (zone.p50_ms + 50) / 100);
    assert_int_equal(weight_of(company, second, "live"), 1);
    assert_int_not_equal(weight_of(company, second, "web.user"), WEIGHT_OF_USER);
    struct operation operation;
    company_get_operation(company, second, &operation);
    int64_t total = operation.weight_total;
    operation_finish(&operation);
    assert_true(company_until(company, second, SERVICE_LIVE, HOUR_MS));
    company_get_operation(company, second, &operation);
    assert_int_equal(operation.weight_total, total);
    assert_int_equal(operation.weight_done, total);
    operation_finish(&operation);
}

/** Samples come in all the while, from both services. */
static void progress_never_goes_back_while_weights_are_learned(void **state)
{
    struct company *company = *state;
    int64_t ids[2] = { company_order(company, "start", "one.example", ""), 0 };
    company_pass(company, 3000);
    ids[1] = company_order(company, "start", "two.example", "");
    int before[2] = { 0 };
    int64_t totals[2] = { 0 };
    for (int step = 0; step < 6000 && (before[0] < 100 || before[1] < 100); step++) {
        company_pass(company, 50);
        for (size_t i = 0; i < 2; i++) {
            struct operation operation;
            company_get_operation(company, ids[i], &operation);
            int percent = progress_percent(operation.weight_done, operation.weight_total, 0);
            if (percent < before[i] || (totals[i] != 0 && totals[i] != operation.weight_total))
                fail_msg("service %zu goes back from %d to %d", i, before[i], percent);
            before[i] = percent;
            totals[i] = operation.weight_total;
            operation_finish(&operation);
        }
    }
    assert_true(before[0] == 100 && before[1] == 100);
}

static void what_was_learned_is_there_after_a_crash(void **state)
{
    struct company *company = *state;
    int64_t first = order_live(company, "site", "first.example");
    struct step_time before = learned(company, "web.user", node_of(company, first, "web.user"), true);
    company_restart(company, false);
    int64_t second = order_live(company, "site", "second.example");
    assert_int_equal(weight_of(company, second, "web.user"), (before.p50_ms + 50) / 100);
}

static void enough_runs_make_it_sure(void **state)
{
    struct company *company = *state;
    for (int i = 0; i < 12; i++) { /* on both web nodes */
        char domain[32];
        snprintf(domain, sizeof(domain), "site%d.example", i);
        order_live(company, "site", domain);
    }
    assert_true(learned(company, "web.user", WEB1, true).sure);
    assert_true(learned(company, "verify.web", 0, false).sure);
}

static void a_step_that_was_tried_twice_teaches_nothing(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:15:1\n");
    company_standin(company, "web2", "fail=v-add-web-domain:15:1\n");
    int64_t id = order_live(company, "site", "stumble.example");
    assert_true(learned(company, "web.user", node_of(company, id, "web.user"), true).known);
    assert_false(learned(company, "web.domain", node_of(company, id, "web.domain"), true).known);
}

static void operate(struct company *company, int64_t service_id, enum operation_kind kind)
{
    start_operation(company, service_id, kind);
    for (int i = 0; i < 600; i++) {
        struct operation operation;
        company_pass(company, 1000);
        company_get_operation(company, service_id, &operation);
        bool over = operation.kind == kind && operation.state == OPERATION_DONE;
        operation_finish(&operation);
        if (over)
            return;
    }
    fail_msg("%s does not end", operation_kind_name(kind));
}

/** Finding that all is there takes one look; making it takes several commands. */
static void to_find_and_to_make_are_learned_apart(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "site", "calm.example");
    int64_t node_id = node_of(company, id, "web.domain");
    struct step_time made = learned(company, "web.domain", node_id, true);
    operate(company, id, OPERATION_REDEPLOY);
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    struct step_time found = learned(company, "web.domain", node_id, false);
    assert_true(found.known);
    assert_int_equal(learned(company, "web.domain", node_id, true).p50_ms, made.p50_ms);
    assert_true(found.p50_ms <= made.p50_ms);
    int64_t again = order_live(company, "site", "again.example"); /* a deployment counts with making */
    assert_int_equal(weight_of(company, again, "web.domain"), (made.p50_ms + 50) / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_steps_took_weighs_the_next_graph, setup, steer_close),
        cmocka_unit_test_setup_teardown(progress_never_goes_back_while_weights_are_learned, setup, steer_close),
        cmocka_unit_test_setup_teardown(what_was_learned_is_there_after_a_crash, setup, steer_close),
        cmocka_unit_test_setup_teardown(enough_runs_make_it_sure, setup, steer_close),
        cmocka_unit_test_setup_teardown(a_step_that_was_tried_twice_teaches_nothing, setup, steer_close),
        cmocka_unit_test_setup_teardown(to_find_and_to_make_are_learned_apart, setup, steer_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
