/* test_engine_operations.c - what people do to a service that is there, on simulated time with modelled nodes: redeploy, verify, plan,
 * cancel, fail by hand, retry of many, and the three answers to a conflict. */
#include "steer.h"

#include <inttypes.h>

/* ---- asking and looking ---------------------------------------------------------------------------------------------------- */

static struct request *ask(struct company *company, enum request_kind kind, int64_t target_id)
{
    struct request *request = request_create(kind);
    request->target_id = target_id;
    request->who = xstrdup("ada");
    return company_ask(company, request);
}

static int64_t task_id(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    company_get_task(company, service_id, key, &task);
    int64_t id = task.id;
    task_finish(&task);
    return id;
}

static const char *user_of(struct company *company, int64_t service_id, char ret_user[40])
{
    struct account *accounts = NULL;
    size_t count = 0;
    struct err err;
    assert_true(store_list_accounts(company_store(company), service_id, &accounts, &count, &err));
    snprintf(ret_user, 40, "%s", accounts[0].username);
    accounts_free(accounts, count);
    return ret_user;
}

/** The newest event of this kind as JSON; the caller's. */
static json_t *newest_event(struct company *company, int64_t service_id, const char *kind)
{
    struct event *events = NULL;
    size_t count = 0;
    struct err err;
    json_t *data = NULL;
    assert_true(store_list_events(company_store(company), service_id, 0, 1000, &events, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(events[i].kind, kind) != 0)
            continue;
        json_decref(data);
        data = json_loads(events[i].data, 0, NULL);
    }
    events_free(events, count);
    if (data == NULL)
        fail_msg("there is no event %s", kind);
    return data;
}

/** The steps of a report as lines "KEY: NOTE". */
static void expect_report(struct company *company, int64_t service_id, const char *kind, const char *want)
{
    json_t *data = newest_event(company, service_id, kind), *step;
    CLEANUP(buf_finish) struct buf lines = BUF_INIT;
    size_t i;
    json_array_foreach(json_object_get(data, "steps"), i, step)
        buf_addf(&lines, "%s: %s\n", json_string_value(json_object_get(step, "key")),
                 json_string_value(json_object_get(step, "note")));
    assert_int_equal(json_integer_value(json_object_get(data, "changes")), i);
    json_decref(data);
    assert_string_equal(buf_text(&lines), want);
}

static void delete_site(struct company *company, int64_t service_id, const char *domain)
{
    char user[40];
    const char *words[] = { "v-delete-web-domain", user_of(company, service_id, user), domain };
    company_run_on(company, "web1", words, ARRAY_LEN(words));
}

static void expect_nodes(struct company *company, const char *want)
{
    CLEANUP(freep) char *got = company_dump(company);
    assert_string_equal(got, want);
}

/** What the nodes hold after an order that nobody disturbed: a company that was disturbed must end with the same. One company at a
 * time: this one ends here. To be freed. */
static char *undisturbed(struct company **company, const char *domain)
{
    order_live(*company, "site", domain);
    char *dump = company_dump(*company);
    company_destroy(*company);
    *company = steer_company();
    return dump;
}

/* ---- redeploy ------------------------------------------------------------------------------------------------------------------ */

static void a_redeploy_of_what_is_well_changes_nothing(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "calm.example", "");
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    CLEANUP(freep) char *before = company_dump(company);
    int64_t operation = start_operation(company, id, OPERATION_REDEPLOY);
    assert_int_equal(status_of(company, id), SERVICE_DEPLOYING);
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    expect_nodes(company, before);
}

static void a_redeploy_takes_the_place_of_what_has_failed(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:11\n");
    int64_t id = company_order(company, "site", "stuck.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, HOUR_MS));
    int64_t failed = task_id(company, id, "web.domain");
    company_standin(company, "web1", "");
    int64_t operation = start_operation(company, id, OPERATION_REDEPLOY);
    struct request *retry = ask(company, REQUEST_TASK_RETRY, failed);
    expect_refusal(retry, "the task is superseded");
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    assert_int_equal(state_of(company, 1), OPERATION_SUPERSEDED);
}

static void a_redeploy_in_the_middle_of_a_command_waits_for_its_end(void **state)
{
    CLEANUP(freep) char *want = undisturbed((struct company **)state, "busy.example");
    struct company *company = *state;
    struct task task;
    int64_t id = company_order(company, "site", "busy.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 50); /* the command is in the middle of its work */
    int64_t operation = start_operation(company, id, OPERATION_REDEPLOY);
    company_get_task(company, id, "web.domain", &task);
    assert_true(task.suspect); /* of the new operation: what the old one was doing is not trusted */
    task_finish(&task);
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    expect_nodes(company, want);
}

static void a_redeploy_after_a_restart_in_the_middle_ends_well(void **state)
{
    CLEANUP(freep) char *want = undisturbed((struct company **)state, "busy.example");
    struct company *company = *state;
    int64_t id = company_order(company, "site", "busy.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 50);
    int64_t operation = start_operation(company, id, OPERATION_REDEPLOY);
    company_restart(company, false); /* nobody knows of the old command any more, but the node's lock does */
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    expect_nodes(company, want);
}

static struct request *kept[2];

static void keep(struct request *request, void *context)
{
    *(struct request **)context = request;
}

static void a_double_click_is_one_operation(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "site", "twice.example");
    for (size_t i = 0; i < 2; i++) {
        struct request *request = request_create(REQUEST_OPERATION);
        request->target_id = id;
        request->operation = OPERATION_REDEPLOY;
        request->done = keep;
        request->context = &kept[i];
        inbox_post(company_inbox(company), request);
    }
    company_step(company);
    assert_true(kept[0]->ok && kept[1]->ok && !kept[0]->existing && kept[1]->existing);
    assert_int_equal(kept[0]->id, kept[1]->id);
    for (size_t i = 0; i < 2; i++)
        request_destroy(kept[i]);
}

static void what_may_follow_what_is_said(void **state)
{
    struct company *company = *state;
    company_set_node(company, "web1", NODE_PAUSED, 0);
    company_set_node(company, "web2", NODE_PAUSED, 0);
    int64_t waits = company_order(company, "site", "waits.example", "");
    company_pass(company, 1000);
    expect_refusal(ask_operation(company, waits, OPERATION_REDEPLOY),
                   "nothing has been built yet: the service is waiting");
    company_set_node(company, "web1", NODE_ACTIVE, 0);
    assert_true(company_until_task(company, waits, "web.domain", TASK_RUNNING, MINUTE_MS));
    expect_refusal(ask_operation(company, waits, OPERATION_VERIFY), "a deploy is running");
    expect_refusal(ask_operation(company, waits, OPERATION_PLAN), "a deploy is running");
    assert_true(company_until(company, waits, SERVICE_LIVE, HOUR_MS));
    int64_t verify = start_operation(company, waits, OPERATION_VERIFY);
    expect_refusal(ask_operation(company, waits, OPERATION_PLAN), "a verify is running");
    struct request *again = ask_operation(company, waits, OPERATION_VERIFY);
    assert_true(again->ok && again->existing);
    assert_int_equal(again->id, verify);
    request_destroy(again);
    int64_t redeploy = start_operation(company, waits, OPERATION_REDEPLOY); /* comes before all others */
    assert_int_equal(state_of(company, verify), OPERATION_SUPERSEDED);
    pass_until(company, redeploy, OPERATION_DONE);
    expect_refusal(ask(company, REQUEST_CANCEL, waits), "nothing is under way: the service is live");
    expect_refusal(ask(company, REQUEST_SERVICE_RETRY, waits), "nothing of it has failed or waits");
    struct request *nobody = ask_operation(company, 99, OPERATION_REDEPLOY);
    assert_int_equal(nobody->err.code, ERR_NOT_FOUND);
    request_destroy(nobody);
}

/* ---- verify and plan ------------------------------------------------------------------------------------------------------------ */

static void a_verify_repairs_what_is_missing_and_says_so(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "site", "hole.example");
    CLEANUP(freep) char *before = company_dump(company);
    delete_site(company, id, "hole.example");
    int64_t operation = start_operation(company, id, OPERATION_VERIFY);
    assert_int_equal(status_of(company, id), SERVICE_LIVE); /* it stays so while it is looked at */
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    expect_report(company, id, "service.verified",
                  "web.domain: the domain was made\nweb.reload: PHP, web server and proxy were reloaded\n");
    expect_nodes(company, before);
    operation = start_operation(company, id, OPERATION_VERIFY);
    pass_until(company, operation, OPERATION_DONE);
    expect_report(company, id, "service.verified", "");
}

static void a_verify_that_cannot_repair_leaves_the_service_live(void **state)
{
    static const char *const take[] = { "v-add-web-domain", "stranger", "lost.example" };
    struct company *company = *state;
    int64_t id = order_live(company, "site", "lost.example");
    delete_site(company, id, "lost.example");
    company_run_on(company, "web1", take, ARRAY_LEN(take));
    int64_t operation = start_operation(company, id, OPERATION_VERIFY);
    for (int i = 0; i < 100 && state_of(company, operation) == OPERATION_RUNNING; i++)
        company_pass(company, 100);
    assert_int_equal(state_of(company, operation), OPERATION_FAILED);
    struct service service;
    company_get_service(company, id, &service);
    assert_int_equal(service.status, SERVICE_LIVE);
    assert_non_null(strstr(service.reason, "belongs to user stranger"));
    service_finish(&service);
    operation = start_operation(company, id, OPERATION_VERIFY); /* makes room for the next one */
    assert_int_equal(state_of(company, operation), OPERATION_RUNNING);
}

static void a_plan_says_what_would_be_done_and_does_nothing(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "plan.example", "");
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    int64_t operation = start_operation(company, id, OPERATION_PLAN);
    pass_until(company, operation, OPERATION_DONE);
    expect_report(company, id, "service.planned", "");
    char user[40];
    const char *words[] = { "v-delete-mail-account", user_of(company, id, user), "plan.example", "info" };
    delete_site(company, id, "plan.example");
    company_run_on(company, "mail1", words, ARRAY_LEN(words));
    CLEANUP(freep) char *before = company_dump(company);
    operation = start_operation(company, id, OPERATION_PLAN);
    pass_until(company, operation, OPERATION_DONE);
    expect_report(company, id, "service.planned",
                  "web.domain: would run v-add-web-domain\nmail.account: would run v-add-mail-account\n");
    expect_nodes(company, before);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
}

static void a_plan_of_a_service_that_failed_names_the_conflict(void **state)
{
    static const char *const take[] = { "v-add-web-domain", "stranger", "taken.example" };
    struct company *company = *state;
    company_run_on(company, "web1", take, ARRAY_LEN(take));
    int64_t id = company_order(company, "site", "taken.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    int64_t operation = start_operation(company, id, OPERATION_PLAN);
    pass_until(company, operation, OPERATION_DONE);
    expect_report(company, id, "service.planned", "web.domain: would run v-add-web-domain\n");
    assert_int_equal(status_of(company, id), SERVICE_FAILED);
}

/* ---- cancel and fail by hand -------------------------------------------------------------------------------------------------------- */

static void a_cancel_is_true_at_once_and_nothing_more_is_sent(void **state)
{
    CLEANUP(freep) char *want = undisturbed((struct company **)state, "enough.example");
    struct company *company = *state;
    struct service service;
    struct task task;
    int64_t id = company_order(company, "site", "enough.example", "");
    assert_true(company_until_task(company, id, "web.user", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 50);
    int64_t before_ms = company_now_ms(company);
    request_destroy(ask(company, REQUEST_CANCEL, id));
    assert_true(company_now_ms(company) - before_ms < 1000);
    company_get_service(company, id, &service);
    assert_int_equal(service.status, SERVICE_FAILED);
    assert_string_equal(service.reason, "It was cancelled by ada. Redeploy the service to go on.");
    assert_string_equal(service.reason_key, "problem.stopped");
    service_finish(&service);
    company_get_task(company, id, "web.user", &task);
    assert_int_equal(task.state, TASK_CANCELLED);
    task_finish(&task);
    company_pass(company, MINUTE_MS); /* the command ends on its node */
    CLEANUP(freep) char *left = company_dump(company);
    company_pass(company, HOUR_MS);
    expect_nodes(company, left);
    int64_t operation = start_operation(company, id, OPERATION_REDEPLOY);
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    expect_nodes(company, want);
}

static void a_task_that_is_stuck_can_be_failed_and_all_of_it_retried(void **state)
{
    struct company *company = *state;
    struct task task;
    company_standin(company, "web1", "fail=v-add-web-domain:15\n");
    int64_t id = company_order(company, "site", "stuck.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_WAITING, MINUTE_MS));
    request_destroy(ask(company, REQUEST_TASK_FAIL, task_id(company, id, "web.domain")));
    assert_int_equal(status_of(company, id), SERVICE_FAILED);
    company_get_task(company, id, "web.domain", &task);
    assert_int_equal(task.state, TASK_FAILED);
    assert_non_null(strstr(task.reason, "failed by hand by ada"));
    task_finish(&task);
    expect_refusal(ask(company, REQUEST_TASK_FAIL, task_id(company, id, "web.domain")), "the task is failed");
    company_standin(company, "web1", "");
    struct request *retry = ask(company, REQUEST_SERVICE_RETRY, id);
    assert_true(retry->ok);
    assert_int_equal(retry->count, 1);
    request_destroy(retry);
    assert_true(company_until(company, id, SERVICE_LIVE, MINUTE_MS));
}

static void a_failed_operation_ends_with_its_last_task(void **state)
{
    struct company *company = *state;
    struct operation operation;
    struct task *tasks;
    struct err err;
    size_t count;
    int64_t last_ms = 0;
    company_standin(company, "web1", "pace=fixed 100\nfail=v-add-web-domain:11\n");
    int64_t id = company_order(company, "start", "partly.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, HOUR_MS));
    int64_t failed_ms = company_now_ms(company);
    company_pass(company, HOUR_MS);
    assert_true(store_get_operation(company_store(company), 1, &operation, &err));
    assert_true(store_list_tasks(company_store(company), 1, &tasks, &count, &err));
    assert_int_equal(operation.state, OPERATION_FAILED);
    for (size_t i = 0; i < count; i++)
        last_ms = tasks[i].ended_at_ms > last_ms ? tasks[i].ended_at_ms : last_ms;
    assert_true(last_ms > failed_ms);
    assert_int_equal(operation.ended_at_ms, last_ms);
    tasks_free(tasks, count);
    operation_finish(&operation);
}

static void a_running_task_can_be_failed_too(void **state)
{
    CLEANUP(freep) char *want = undisturbed((struct company **)state, "long.example");
    struct company *company = *state;
    int64_t id = company_order(company, "site", "long.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 50);
    request_destroy(ask(company, REQUEST_TASK_FAIL, task_id(company, id, "web.domain")));
    assert_int_equal(status_of(company, id), SERVICE_FAILED);
    company_pass(company, MINUTE_MS);
    assert_int_equal(status_of(company, id), SERVICE_FAILED); /* its late result counts for nothing */
    request_destroy(ask(company, REQUEST_SERVICE_RETRY, id));
    assert_true(company_until(company, id, SERVICE_LIVE, MINUTE_MS));
    expect_nodes(company, want);
}

static void all_tasks_of_a_node_can_be_retried_at_once(void **state)
{
    struct company *company = *state;
    struct task task;
    company_set_node(company, "web2", NODE_PAUSED, 0);
    company_standin(company, "web1", "fail=v-add-web-domain:11\n");
    int64_t one = company_order(company, "site", "one.example", "");
    int64_t two = company_order(company, "site", "two.example", "");
    assert_true(company_until(company, one, SERVICE_FAILED, MINUTE_MS));
    assert_true(company_until(company, two, SERVICE_FAILED, MINUTE_MS));
    company_standin(company, "web1", "");
    company_get_task(company, one, "web.domain", &task);
    struct request *retry = ask(company, REQUEST_NODE_RETRY, task.node_id);
    task_finish(&task);
    assert_true(retry->ok);
    assert_int_equal(retry->count, 2);
    request_destroy(retry);
    assert_true(company_until(company, one, SERVICE_LIVE, MINUTE_MS));
    assert_true(company_until(company, two, SERVICE_LIVE, MINUTE_MS));
}

/* ---- conflicts ---------------------------------------------------------------------------------------------------------------------- */

static struct request *resolve(struct company *company, int64_t task, enum resolution how)
{
    struct request *request = request_create(REQUEST_TASK_RESOLVE);
    request->target_id = task;
    request->resolution = how;
    request->who = xstrdup("ada");
    return company_ask(company, request);
}

/** Somebody else has the domain on the node. @return the service, failed at web.domain */
static int64_t taken_domain(struct company *company)
{
    static const char *const take[] = { "v-add-web-domain", "stranger", "taken.example" };
    company_run_on(company, "web1", take, ARRAY_LEN(take));
    company_set_node(company, "web2", NODE_PAUSED, 0);
    int64_t id = company_order(company, "site", "taken.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    return id;
}

/** Somebody else's user has the name that ours would get. */
static int64_t taken_name(struct company *company)
{
    company_set_node(company, "web2", NODE_PAUSED, 0);
    int64_t id = company_order(company, "site", "stranger.test", "");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    return id;
}

/** The lines of the nodes' files that are about the stranger and not about our own account, stranger2; to be freed. */
static char *lines_of_stranger(struct company *company)
{
    CLEANUP(freep) char *dump = company_dump(company);
    struct buf lines = BUF_INIT;
    for (char *rest = dump, *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strstr(line, "stranger") != NULL && strstr(line, "stranger2") == NULL && strstr(line, ".test") == NULL)
            buf_addf(&lines, "%s\n", line);
    }
    return buf_steal(&lines);
}

static void another_name_leaves_the_stranger_alone(void **state)
{
    struct company *company = *state;
    char user[40];
    int64_t id = taken_name(company);
    CLEANUP(freep) char *before = lines_of_stranger(company);
    assert_string_equal(user_of(company, id, user), "stranger");
    struct request *request = resolve(company, task_id(company, id, "web.user"), RESOLUTION_RENAME);
    if (!request->ok)
        fail_msg("%s", request->err.msg);
    int64_t operation = request->id;
    request_destroy(request);
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    assert_string_equal(user_of(company, id, user), "stranger2");
    CLEANUP(freep) char *after = lines_of_stranger(company);
    assert_true(before[0] != '\0');
    assert_string_equal(after, before); /* nothing of the stranger has changed */
}

static void an_adopted_user_gets_our_mark_and_keeps_what_it_has(void **state)
{
    struct company *company = *state;
    static const char *const remove[] = { "v-delete-web-domain", "stranger", "stranger.example" };
    char user[40];
    int64_t id = taken_domain(company);
    company_run_on(company, "web1", remove, ARRAY_LEN(remove)); /* the product sells one site: more would be refused */
    struct request *request = resolve(company, task_id(company, id, "web.domain"), RESOLUTION_ADOPT);
    if (!request->ok)
        fail_msg("%s", request->err.msg);
    int64_t operation = request->id;
    request_destroy(request);
    pass_until(company, operation, OPERATION_DONE);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    assert_string_equal(user_of(company, id, user), "stranger");
    json_t *data = newest_event(company, id, "account.adopted");
    assert_string_equal(json_string_value(json_object_get(data, "user")), "stranger");
    assert_string_equal(json_string_value(json_object_get(data, "who")), "ada");
    json_decref(data);
    operation = start_operation(company, id, OPERATION_PLAN);
    pass_until(company, operation, OPERATION_DONE);
    expect_report(company, id, "service.planned", "");
}

static void an_abort_ends_the_operation(void **state)
{
    struct company *company = *state;
    struct service service;
    int64_t id = taken_domain(company);
    CLEANUP(freep) char *before = company_dump(company);
    struct request *request = resolve(company, task_id(company, id, "web.domain"), RESOLUTION_ABORT);
    assert_true(request->ok);
    request_destroy(request);
    company_get_service(company, id, &service);
    assert_int_equal(service.status, SERVICE_FAILED);
    assert_string_equal(service.reason,
                        "It was given up by ada because of a conflict in web.domain. Redeploy the service to go on.");
    service_finish(&service);
    expect_nodes(company, before);
    expect_refusal(resolve(company, task_id(company, id, "web.domain"), RESOLUTION_ADOPT), "only a conflict");
}

static void only_what_fits_the_conflict_is_taken(void **state)
{
    struct company *company = *state;
    int64_t id = taken_domain(company);
    expect_refusal(resolve(company, task_id(company, id, "web.domain"), RESOLUTION_RENAME),
                   "conflict.domain cannot be answered with rename");
    expect_refusal(resolve(company, task_id(company, id, "live"), RESOLUTION_ABORT), "the task is held");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, steer_open, steer_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_redeploy_of_what_is_well_changes_nothing),
        TEST(a_redeploy_takes_the_place_of_what_has_failed),
        TEST(a_redeploy_in_the_middle_of_a_command_waits_for_its_end),
        TEST(a_redeploy_after_a_restart_in_the_middle_ends_well),
        TEST(a_double_click_is_one_operation),
        TEST(what_may_follow_what_is_said),
        TEST(a_verify_repairs_what_is_missing_and_says_so),
        TEST(a_verify_that_cannot_repair_leaves_the_service_live),
        TEST(a_plan_says_what_would_be_done_and_does_nothing),
        TEST(a_plan_of_a_service_that_failed_names_the_conflict),
        TEST(a_cancel_is_true_at_once_and_nothing_more_is_sent),
        TEST(a_task_that_is_stuck_can_be_failed_and_all_of_it_retried),
        TEST(a_failed_operation_ends_with_its_last_task),
        TEST(a_running_task_can_be_failed_too),
        TEST(all_tasks_of_a_node_can_be_retried_at_once),
        TEST(another_name_leaves_the_stranger_alone),
        TEST(an_adopted_user_gets_our_mark_and_keeps_what_it_has),
        TEST(an_abort_ends_the_operation),
        TEST(only_what_fits_the_conflict_is_taken),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
