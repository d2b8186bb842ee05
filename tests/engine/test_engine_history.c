/* test_engine_history.c - finished work is put away: the live tables are empty when there is nothing to do, what is old goes in
 * small steps, no fault on the way loses any of it, and people see it in either place. */
#include "steer.h"

#include <inttypes.h>

#include "engine/internal.h"
#include "store/store_internal.h"

#define STEP_ROWS_MAX 210 /* 200, and the events that tell of them */
#define STEP_CHUNKS_MAX 25

static int setup(void **state)
{
    *state = company_create(&(struct company_options){ .seed = 7, .pace = "pace=fixed 10" });
    return 0;
}

/* ---- what is where ------------------------------------------------------------------------------------------------------ */

static const char sql_live_tasks[] = "SELECT count(*) FROM task";
static const char sql_live[] = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM edge)";
static const char sql_tasks[] = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM task_history)";
static const char sql_logs[] = "SELECT count(*) FROM log_chunk";
static const char sql_attempts[] = "SELECT count(*) FROM attempt";
static const char sql_all[] =
    "SELECT (SELECT count(*) FROM task_history) + (SELECT count(*) FROM edge_history) + (SELECT count(*) FROM attempt)"
    " + (SELECT count(*) FROM log_chunk) + (SELECT count(*) FROM event) + (SELECT count(*) FROM operation)";

static int64_t count_of(struct company *company, const char *sql)
{
    int64_t count = -1;
    struct err err;
    assert_true(store_get_int(company_store(company), sql, NO_ARGS, &count, &err));
    return count;
}

static int64_t order_numbered(struct company *company, const char *product, unsigned number)
{
    char domain[40], external_id[40];
    snprintf(domain, sizeof(domain), "site%u.example", number);
    snprintf(external_id, sizeof(external_id), "order-%u", number);
    int64_t id = company_order(company, product, domain, external_id);
    assert_true(company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS));
    return id;
}

/* Time passes, step by step. @return the most rows that were less from one step to the next */
static int64_t largest_step(struct company *company, const char *sql, int64_t ms)
{
    int64_t largest = 0, count = count_of(company, sql), end_ms = company_now_ms(company) + ms;
    while (company_now_ms(company) < end_ms) {
        company_pass(company, 10);
        int64_t now = count_of(company, sql);
        largest = count - now > largest ? count - now : largest;
        count = now;
    }
    return largest;
}

/* All that people can read of a service's work. */
static void read_all(struct company *company, int64_t service_id, struct buf *text)
{
    struct store *store = company_store(company);
    struct operation *operations;
    struct task *tasks;
    struct attempt *attempts;
    size_t operation_count, task_count, attempt_count;
    struct err err;
    assert_true(store_list_operations(store, service_id, &operations, &operation_count, &err));
    for (size_t i = 0; i < operation_count; i++) {
        buf_addf(text, "operation %" PRId64 " %d\n", operations[i].id, (int)operations[i].state);
        assert_true(store_list_tasks(store, operations[i].id, &tasks, &task_count, &err));
        assert_int_equal(task_count, operations[i].tasks_total);
        for (size_t k = 0; k < task_count; k++) {
            buf_addf(text, "task %" PRId64 " %s %d %d\n", tasks[k].id, tasks[k].key, (int)tasks[k].state,
                     tasks[k].attempts);
            assert_true(store_list_attempts(store, tasks[k].id, &attempts, &attempt_count, &err));
            for (size_t a = 0; a < attempt_count; a++)
                buf_addf(text, "attempt %" PRId64 " %d %" PRId64 "\n", attempts[a].id, (int)attempts[a].outcome,
                         attempts[a].log_bytes);
            attempts_free(attempts, attempt_count);
        }
        tasks_free(tasks, task_count);
    }
    operations_free(operations, operation_count);
    company_trace(company, service_id, true, text);
}

/* ---- the live tables ---------------------------------------------------------------------------------------------------- */

static void the_live_tables_are_empty_when_all_is_done(void **state)
{
    struct company *company = *state;
    CLEANUP(buf_finish) struct buf before = BUF_INIT;
    CLEANUP(buf_finish) struct buf after = BUF_INIT;
    int64_t ids[12];
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = order_numbered(company, "start", i);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        read_all(company, ids[i], &before);
    int64_t tasks = count_of(company, sql_tasks);
    assert_true(tasks > 250); /* more than one step takes */
    assert_in_range(largest_step(company, sql_live_tasks, 3 * MINUTE_MS), 100, STEP_ROWS_MAX);
    assert_int_equal(count_of(company, sql_live), 0);
    assert_int_equal(count_of(company, sql_tasks), tasks);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        read_all(company, ids[i], &after);
    assert_string_equal(buf_text(&after), buf_text(&before));
    order_numbered(company, "start", 99); /* and it goes on, with new numbers */
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_live), 0);
}

static void who_watches_an_operation_sees_it_end(void **state)
{
    struct company *company = *state;
    order_numbered(company, "site", 1);
    int64_t live = count_of(company, sql_live);
    company_pass(company, 50 * SECOND_MS);
    assert_int_equal(count_of(company, sql_live), live);
}

static void what_has_failed_stays_and_can_be_retried(void **state)
{
    struct company *company = *state;
    set_setting(company, "retry.attempts", "1");
    company_standin(company, "web1", "fail=v-add-web-domain:15:1\n");
    company_standin(company, "web2", "fail=v-add-web-domain:15:1\n");
    int64_t id = company_order(company, "site", "sad.example", "order-1");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    company_pass(company, HOUR_MS);
    assert_true(count_of(company, sql_live) > 0);
    assert_true(company_retry(company, id, "web.domain"));
    assert_true(company_until(company, id, SERVICE_LIVE, MINUTE_MS));
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_live), 0);
}

static void what_is_cancelled_goes_and_is_not_retried(void **state)
{
    struct company *company = *state;
    set_setting(company, "retry.attempts", "1");
    company_standin(company, "web1", "fail=v-add-web-domain:15\n");
    company_standin(company, "web2", "fail=v-add-web-domain:15\n");
    int64_t id = company_order(company, "site", "old.example", "order-1");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    struct request *cancel = request_create(REQUEST_CANCEL);
    cancel->target_id = id;
    cancel = company_ask(company, cancel);
    assert_true(cancel->ok);
    request_destroy(cancel);
    assert_false(company_retry(company, id, "web.domain"));
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_live), 0);
    assert_false(company_retry(company, id, "web.domain"));
}

/* ---- faults ------------------------------------------------------------------------------------------------------------- */

/* A millisecond before the step that puts a service's tasks away. */
static void wait_for_step(struct company *company)
{
    company_pass(company, MINUTE_MS);
    company_pass(company, company_engine(company)->history_due_at_ms - company_now_ms(company) - 1);
    assert_true(count_of(company, sql_live) > 0);
}

static size_t failures_of(struct company *company)
{
    struct engine_figures figures;
    engine_get_figures(company_engine(company), &figures);
    return figures.commit_failures;
}

/* @return whether the fault came before the step was over */
static bool step_with_fault(struct company *company, enum company_store_fault fault, unsigned n, unsigned number)
{
    CLEANUP(buf_finish) struct buf before = BUF_INIT;
    CLEANUP(buf_finish) struct buf after = BUF_INIT;
    int64_t id = order_numbered(company, "site", number);
    wait_for_step(company);
    read_all(company, id, &before);
    size_t failures = failures_of(company);
    company_fail_store(company, fault, n);
    company_pass(company, 1);
    bool happened = failures_of(company) > failures;
    assert_true((count_of(company, sql_live) == 0) == !happened); /* all of it or nothing */
    company_fail_store(company, fault, 0);
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_live), 0);
    read_all(company, id, &after);
    assert_string_equal(buf_text(&after), buf_text(&before));
    return happened;
}

static void a_fault_in_the_middle_loses_nothing(void **state)
{
    struct company *company = *state;
    unsigned n = 0;
    assert_true(step_with_fault(company, STORE_FAULT_BEGIN, 1, 1000));
    assert_true(step_with_fault(company, STORE_FAULT_COMMIT, 1, 1001));
    while (step_with_fault(company, STORE_FAULT_QUERY, n + 1, n))
        n++;
    print_message("%u statements failed\n", n);
    assert_true(n > 8); /* those of the step are among them */
}

static void a_kill_in_the_middle_loses_nothing(void **state)
{
    struct company *company = *state;
    CLEANUP(buf_finish) struct buf before = BUF_INIT;
    CLEANUP(buf_finish) struct buf after = BUF_INIT;
    int64_t ids[10];
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = order_numbered(company, "start", i);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        read_all(company, ids[i], &before);
    wait_for_step(company);
    company_pass(company, 1);
    assert_true(count_of(company, sql_live) > 0);
    company_restart(company, false);
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_live), 0);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        read_all(company, ids[i], &after);
    assert_string_equal(buf_text(&after), buf_text(&before));
}

/* ---- what is old ---------------------------------------------------------------------------------------------------------- */

static void terminate(struct company *company, int64_t service_id)
{
    struct service service;
    struct err err;
    company_get_service(company, service_id, &service);
    service.status = SERVICE_TERMINATED;
    assert_true(store_begin(company_store(company), &err));
    assert_true(store_update_service(company_store(company), &service, &err));
    assert_true(store_commit(company_store(company), true, &err));
    service_finish(&service);
}

static void logs_and_operations_go_when_they_are_old_in_small_steps(void **state)
{
    struct company *company = *state;
    set_setting(company, "history.logs", "1 h");
    set_setting(company, "history.tasks", "2 h");
    int64_t ids[10];
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = order_numbered(company, "start", i);
    int64_t kept = order_numbered(company, "start", 50);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        terminate(company, ids[i]);
    int64_t logs = count_of(company, sql_logs), attempts = count_of(company, sql_attempts);
    assert_true(logs > 400);
    company_pass(company, 55 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_logs), logs);
    assert_in_range(largest_step(company, sql_logs, 10 * MINUTE_MS), 10, STEP_CHUNKS_MAX);
    assert_int_equal(count_of(company, sql_logs), 0);
    assert_int_equal(count_of(company, sql_attempts), attempts);

    company_pass(company, 50 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_attempts), attempts);
    assert_in_range(largest_step(company, sql_all, 10 * MINUTE_MS), 100, STEP_ROWS_MAX);
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    company_trace(company, ids[0], false, &trace);
    assert_string_equal(buf_text(&trace), "operation.removed\n"); /* what it had is gone, and says so */
    CLEANUP(buf_finish) struct buf left = BUF_INIT;
    read_all(company, kept, &left);
    assert_non_null(strstr(buf_text(&left), "task "));
    assert_int_equal(count_of(company, sql_tasks), count_of(company, "SELECT sum(tasks_total) FROM operation"));
}

static void nothing_is_old_when_that_is_said(void **state)
{
    struct company *company = *state;
    set_setting(company, "history.logs", "0");
    set_setting(company, "history.tasks", "0");
    set_setting(company, "world.enabled", "false"); /* else there is an event more when the world sees it */
    terminate(company, order_numbered(company, "site", 1));
    order_numbered(company, "site", 2);
    company_pass(company, 3 * MINUTE_MS);
    int64_t all = count_of(company, sql_all);
    company_jump(company, 4000 * 24 * HOUR_MS);
    company_pass(company, 3 * MINUTE_MS);
    assert_int_equal(count_of(company, sql_all), all);
}

static void an_idle_engine_does_not_look_all_the_time(void **state)
{
    struct company *company = *state;
    struct engine_figures before, after;
    order_numbered(company, "site", 1);
    company_pass(company, 3 * MINUTE_MS);
    engine_get_figures(company_engine(company), &before);
    company_pass(company, 10 * MINUTE_MS);
    engine_get_figures(company_engine(company), &after);
    /* leases each 5 s, history each minute, and less than one look a minute at what the world sees, in two steps each */
    assert_in_range(after.commits - before.commits, 1, 120 + 10 + 2 + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_live_tables_are_empty_when_all_is_done, setup, steer_close),
        cmocka_unit_test_setup_teardown(who_watches_an_operation_sees_it_end, setup, steer_close),
        cmocka_unit_test_setup_teardown(what_has_failed_stays_and_can_be_retried, setup, steer_close),
        cmocka_unit_test_setup_teardown(what_is_cancelled_goes_and_is_not_retried, setup, steer_close),
        cmocka_unit_test_setup_teardown(a_fault_in_the_middle_loses_nothing, setup, steer_close),
        cmocka_unit_test_setup_teardown(a_kill_in_the_middle_loses_nothing, setup, steer_close),
        cmocka_unit_test_setup_teardown(logs_and_operations_go_when_they_are_old_in_small_steps, setup, steer_close),
        cmocka_unit_test_setup_teardown(nothing_is_old_when_that_is_said, setup, steer_close),
        cmocka_unit_test_setup_teardown(an_idle_engine_does_not_look_all_the_time, setup, steer_close),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
