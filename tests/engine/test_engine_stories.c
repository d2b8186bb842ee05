/* test_engine_stories.c - the engine by its traces, on simulated time: what happens, what the timeline of the service says of it, and how
 * it ends. Every command takes 100 ms. */
#include "steer.h"

static struct company *open_company(bool bare)
{
    return company_create(&(struct company_options){ .seed = 7, .bare = bare, .pace = "pace=fixed 100" });
}

static int setup_bare(void **state)
{
    *state = open_company(true);
    return 0;
}

static void expect_trace(struct company *company, int64_t service_id, const char *want)
{
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    company_trace(company, service_id, false, &trace);
    if (strcmp(buf_text(&trace), want) == 0)
        return;
    fprintf(stderr, "the timeline is\n%swanted was\n%s", buf_text(&trace), want); /* longer than fail_msg() takes */
    fail();
}

static void expect_live(struct company *company, int64_t service_id, int64_t limit_ms)
{
    struct service service;
    struct operation operation;
    bool live = company_until(company, service_id, SERVICE_LIVE, limit_ms);
    company_get_service(company, service_id, &service);
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    company_trace(company, service_id, true, &trace);
    if (!live)
        fail_msg("%s%s is %s: %s", buf_text(&trace), service.domain, service_status_name(service.status),
                 service.reason);
    assert_string_equal(service.reason, "");
    assert_string_equal(service.reason_key, "");
    service_finish(&service);
    company_get_operation(company, service_id, &operation);
    assert_int_equal(operation.state, OPERATION_DONE);
    assert_int_equal(operation.tasks_done, operation.tasks_total);
    assert_int_equal(operation.weight_done, operation.weight_total);
    operation_finish(&operation);
}

static void expect_service(struct company *company, int64_t service_id, enum service_status status, const char *reason,
                           const char *reason_key)
{
    struct service service;
    company_get_service(company, service_id, &service);
    assert_string_equal(service_status_name(service.status), service_status_name(status));
    if (strstr(service.reason, reason) == NULL)
        fail_msg("the reason is\n  %s\nwithout\n  %s", service.reason, reason);
    assert_string_equal(service.reason_key, reason_key);
    service_finish(&service);
}

static unsigned attempts_of(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    struct attempt *attempts = NULL;
    size_t count = 0;
    struct err err;
    company_get_task(company, service_id, key, &task);
    assert_true(store_list_attempts(company_store(company), task.id, &attempts, &count, &err));
    attempts_free(attempts, count);
    task_finish(&task);
    return (unsigned)count;
}

/* ---- all is well -------------------------------------------------------------------------------------------------------- */

static void an_order_becomes_a_live_service(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "calm.example", "order-1");
    expect_live(company, id, MINUTE_MS);
    expect_trace(company, id,
                 "service.accepted; calm.example\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.started mail.package\n"
                 "task.started dns.package@ns1\n"
                 "task.started dns.package@ns2\n"
                 "task.done web.package\n"
                 "task.done mail.package\n"
                 "task.done dns.package@ns1\n"
                 "task.done dns.package@ns2\n"
                 "task.started web.user\n"
                 "task.started mail.user\n"
                 "task.started dns.user@ns1\n"
                 "task.started dns.user@ns2\n"
                 "task.done web.user\n"
                 "task.done mail.user\n"
                 "task.done dns.user@ns1\n"
                 "task.done dns.user@ns2\n"
                 "task.started web.domain\n"
                 "task.started mail.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done mail.domain\n"
                 "task.started mail.dkim\n"
                 "task.started mail.account\n"
                 "task.done web.settings\n"
                 "task.done mail.dkim\n"
                 "task.started web.reload\n"
                 "task.started dns.zone@ns1\n"
                 "task.started dns.zone@ns2\n"
                 "task.done mail.account\n"
                 "task.started verify.mail\n"
                 "task.done verify.mail\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.done dns.zone@ns1\n"
                 "task.done dns.zone@ns2\n"
                 "task.started verify.dns\n"
                 "task.done verify.dns\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
}

static void a_product_without_a_role_leaves_its_tasks_out(void **state)
{
    struct company *company = *state;
    int64_t site = company_order(company, "site", "site.example", "");
    expect_live(company, site, MINUTE_MS);
    expect_trace(company, site,
                 "service.accepted; site.example\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.done web.package\n"
                 "task.started web.user\n"
                 "task.done web.user\n"
                 "task.started web.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done web.settings\n"
                 "task.started web.reload\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
    int64_t names = company_order(company, "names", "names.example", "");
    expect_live(company, names, MINUTE_MS);
    expect_trace(company, names,
                 "service.accepted; names.example\n"
                 "operation.started\n"
                 "task.started dns.package@ns1\n"
                 "task.started dns.package@ns2\n"
                 "task.done dns.package@ns1\n"
                 "task.done dns.package@ns2\n"
                 "task.started dns.user@ns1\n"
                 "task.started dns.user@ns2\n"
                 "task.done dns.user@ns1\n"
                 "task.done dns.user@ns2\n"
                 "task.started dns.zone@ns1\n"
                 "task.started dns.zone@ns2\n"
                 "task.done dns.zone@ns1\n"
                 "task.done dns.zone@ns2\n"
                 "task.started verify.dns\n"
                 "task.done verify.dns\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
}

static void the_same_order_again_is_the_same_service(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "site", "once.example", "order-1");
    struct request *again = company_ask(company, company_order_request("site", "once.example", "order-1"));
    assert_true(again->ok && again->existing);
    assert_int_equal(again->id, id);
    request_destroy(again);
    expect_live(company, id, MINUTE_MS);
    again = company_ask(company, company_order_request("site", "once.example", "order-1"));
    assert_true(again->ok && again->existing);
    assert_int_equal(again->id, id);
    request_destroy(again);
    again = company_ask(company, company_order_request("site", "other.example", "order-1"));
    assert_false(again->ok);
    assert_int_equal(again->err.code, ERR_CONFLICT);
    assert_string_equal(again->err.field, "external_id");
    request_destroy(again);
    again = company_ask(company, company_order_request("site", "once.example", "order-2"));
    assert_false(again->ok);
    assert_string_equal(again->err.field, "domain");
    request_destroy(again);
}

/** Both in one batch, before anything of the first is on disk. */
static struct request *kept[2];

static void keep(struct request *request, void *context)
{
    *(struct request **)context = request;
}

static void the_same_order_twice_in_one_batch_is_one_service(void **state)
{
    struct company *company = *state;
    for (size_t i = 0; i < 2; i++) {
        struct request *request = company_order_request("site", "twin.example", "order-9");
        request->done = keep;
        request->context = &kept[i];
        inbox_post(company_inbox(company), request);
    }
    company_step(company);
    assert_true(kept[0]->ok && kept[1]->ok && !kept[0]->existing && kept[1]->existing);
    assert_int_equal(kept[0]->id, kept[1]->id);
    request_destroy(kept[0]);
    request_destroy(kept[1]);
}

/* ---- what heals by itself -------------------------------------------------------------------------------------------------- */

static void a_panel_command_that_fails_is_tried_again(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:15:2\n");
    int64_t id = company_order(company, "site", "stumble.example", "");
    expect_live(company, id, HOUR_MS);
    expect_trace(company, id,
                 "service.accepted; stumble.example\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.done web.package\n"
                 "task.started web.user\n"
                 "task.done web.user\n"
                 "task.started web.domain\n"
                 "task.retry web.domain: panel.connect; v-add-web-domain: Let's Encrypt acc registration failed \n"
                 "task.started web.domain\n"
                 "task.retry web.domain: panel.connect; v-add-web-domain: Let's Encrypt acc registration failed \n"
                 "task.started web.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done web.settings\n"
                 "task.started web.reload\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
}

static void a_node_that_goes_down_is_waited_for(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "site", "patient.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 50);
    transport_sim_reboot(company_nodes(company), company_address("web1"), 10 * MINUTE_MS);
    company_pass(company, 9 * MINUTE_MS);
    expect_service(company, id, SERVICE_DEPLOYING, "", "");
    expect_live(company, id, 3 * MINUTE_MS);
    expect_trace(company, id,
                 "service.accepted; patient.example\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.done web.package\n"
                 "task.started web.user\n"
                 "task.done web.user\n"
                 "task.started web.domain\n"
                 "task.lost web.domain; the node was restarted while the command ran\n"
                 "task.started web.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done web.settings\n"
                 "task.started web.reload\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
}

static void a_service_without_a_node_waits_and_goes_on_by_itself(void **state)
{
    struct company *company = *state;
    company_add_node(company, "ns1", 0);
    int64_t id = company_order(company, "site", "early.example", "");
    company_pass(company, MINUTE_MS);
    expect_service(company, id, SERVICE_WAITING, "group eu has no web node", "wait.capacity");
    company_add_node(company, "web1", 1);
    expect_live(company, id, MINUTE_MS);
    expect_trace(company, id,
                 "service.accepted; early.example\n"
                 "service.waiting; group eu has no web node\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.done web.package\n"
                 "task.started web.user\n"
                 "task.done web.user\n"
                 "task.started web.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done web.settings\n"
                 "task.started web.reload\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
    int64_t full = company_order(company, "site", "late.example", "");
    company_pass(company, MINUTE_MS);
    expect_service(company, full, SERVICE_WAITING, "web1 is full (1 of 1)", "wait.capacity");
    company_set_node(company, "web1", NODE_ACTIVE, 2);
    expect_live(company, full, MINUTE_MS);
}

static void a_paused_node_gets_no_new_work_and_goes_on_where_it_was(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "site", "pause.example", "");
    assert_true(company_until_task(company, id, "web.user", TASK_RUNNING, MINUTE_MS));
    company_set_node(company, "web1", NODE_PAUSED, 0);
    company_pass(company, HOUR_MS);
    struct task task;
    company_get_task(company, id, "web.domain", &task);
    assert_int_equal(task.state, TASK_QUEUED); /* what ran has ended, nothing new began */
    task_finish(&task);
    int64_t other = company_order(company, "site", "other.example", "");
    expect_live(company, other, MINUTE_MS); /* on web2 */
    company_set_node(company, "web1", NODE_ACTIVE, 0);
    expect_live(company, id, MINUTE_MS);
}

/* ---- what needs a person ------------------------------------------------------------------------------------------------------ */

static void a_strangers_domain_is_a_conflict_until_a_person_has_decided(void **state)
{
    static const char *const take[] = { "v-add-web-domain", "stranger", "taken.example" };
    static const char *const give[] = { "v-delete-web-domain", "stranger", "taken.example" };
    struct company *company = *state;
    company_run_on(company, "web1", take, ARRAY_LEN(take));
    int64_t id = company_order(company, "site", "taken.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    expect_service(company, id, SERVICE_FAILED, "The domain belongs to another user of the panel on this node.",
                   "problem.name-taken");
    struct task task;
    company_get_task(company, id, "live", &task);
    assert_int_equal(task.state, TASK_HELD);
    task_finish(&task);
    assert_false(company_retry(company, id, "live"));
    assert_true(company_retry(company, id, "web.domain")); /* too early: fails again */
    assert_true(company_until(company, id, SERVICE_FAILED, MINUTE_MS));
    company_run_on(company, "web1", give, ARRAY_LEN(give));
    assert_true(company_retry(company, id, "web.domain"));
    expect_service(company, id, SERVICE_DEPLOYING, "", "");
    expect_live(company, id, MINUTE_MS);
    expect_trace(company, id,
                 "service.accepted; taken.example\n"
                 "operation.started\n"
                 "task.started web.package\n"
                 "task.done web.package\n"
                 "task.started web.user\n"
                 "task.done web.user\n"
                 "task.started web.domain\n"
                 "task.failed web.domain: conflict.domain; taken.example belongs to user stranger on this node\n"
                 "service.failed; web.domain on web1: The domain belongs to another user of the panel on this node. "
                 "taken.example belongs to user stranger on this node. Look at the named owner: remove or move the "
                 "domain there, or order another domain; then retry the task.\n"
                 "task.retried-by-hand web.domain\n"
                 "task.started web.domain\n"
                 "task.failed web.domain: conflict.domain; taken.example belongs to user stranger on this node\n"
                 "service.failed; web.domain on web1: The domain belongs to another user of the panel on this node. "
                 "taken.example belongs to user stranger on this node. Look at the named owner: remove or move the "
                 "domain there, or order another domain; then retry the task.\n"
                 "task.retried-by-hand web.domain\n"
                 "task.started web.domain\n"
                 "task.done web.domain\n"
                 "task.started web.settings\n"
                 "task.done web.settings\n"
                 "task.started web.reload\n"
                 "task.done web.reload\n"
                 "task.started verify.web\n"
                 "task.done verify.web\n"
                 "task.started ssl.seed\n"
                 "task.done ssl.seed\n"
                 "task.started live\n"
                 "service.live\n"
                 "task.done live\n");
}

static void two_failed_tasks_need_two_retries_and_the_service_says_so(void **state)
{
    static const char *const take_web[] = { "v-add-web-domain", "stranger", "both.example" };
    static const char *const take_mail[] = { "v-add-mail-domain", "stranger", "both.example" };
    static const char *const give_web[] = { "v-delete-web-domain", "stranger", "both.example" };
    static const char *const give_mail[] = { "v-delete-mail-domain", "stranger", "both.example" };
    struct company *company = *state;
    company_run_on(company, "web1", take_web, ARRAY_LEN(take_web));
    company_run_on(company, "mail1", take_mail, ARRAY_LEN(take_mail));
    int64_t id = company_order(company, "start", "both.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_FAILED, MINUTE_MS));
    assert_true(company_until_task(company, id, "mail.domain", TASK_FAILED, MINUTE_MS));
    company_run_on(company, "web1", give_web, ARRAY_LEN(give_web));
    assert_true(company_retry(company, id, "web.domain"));
    expect_service(company, id, SERVICE_FAILED, "mail.domain on mail1", "problem.name-taken");
    assert_true(company_until_task(company, id, "verify.web", TASK_DONE, MINUTE_MS)); /* the web side goes on alone */
    company_pass(company, MINUTE_MS);
    expect_service(company, id, SERVICE_FAILED, "mail.domain on mail1", "problem.name-taken");
    company_run_on(company, "mail1", give_mail, ARRAY_LEN(give_mail));
    assert_true(company_retry(company, id, "mail.domain"));
    expect_live(company, id, MINUTE_MS);
}

static void a_task_that_fails_again_and_again_ends_and_can_be_retried(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:15\n");
    int64_t id = company_order(company, "site", "stuck.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, 24 * HOUR_MS));
    assert_int_equal(attempts_of(company, id, "web.domain"), RETRY_POLICY_DEFAULT.attempts_max);
    company_standin(company, "web1", "");
    assert_true(company_retry(company, id, "web.domain"));
    expect_live(company, id, MINUTE_MS);
}

/** Nothing needs to wait out a pause that a person has shortened. */
static void a_task_that_waits_can_be_retried_at_once(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:15:1\n");
    int64_t id = company_order(company, "site", "hurry.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_WAITING, MINUTE_MS));
    assert_true(company_retry(company, id, "web.domain"));
    expect_live(company, id, 3000); /* less than the shortest pause */
}

/* ---- one domain family ---------------------------------------------------------------------------------------------------------- */

/** A panel lets only one user have names below a domain, and each service is a user of its own: so two of one family cannot share a
 * node, and the second one says why. */
static void a_domain_below_one_on_the_same_node_says_why_it_cannot_be(void **state)
{
    struct company *company = *state;
    company_set_node(company, "web2", NODE_PAUSED, 0);
    int64_t over = company_order(company, "site", "family.example", "");
    expect_live(company, over, MINUTE_MS);
    int64_t under = company_order(company, "site", "shop.family.example", "");
    assert_true(company_until(company, under, SERVICE_FAILED, MINUTE_MS));
    expect_service(company, under, SERVICE_FAILED, "family.example belongs to user family on this node",
                   "problem.name-taken");
}

/* ---- reloads ------------------------------------------------------------------------------------------------------------------------ */

/** On a node of several roles a service has a change for each role. Here a reload comes between the two, so it covers the mail domain
 * but not the site, which stumbled: the newest change decides. */
static void a_reload_between_two_changes_of_a_service_does_not_count_for_the_later_one(void **state)
{
    struct company *company = *state;
    company_add_node(company, "all1", 0);
    company_standin(company, "all1", "fail=v-add-web-domain:15:1\n");
    int64_t id = company_order(company, "start", "twice.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_WAITING, MINUTE_MS));
    assert_true(company_until_task(company, id, "mail.domain", TASK_DONE, MINUTE_MS));
    int64_t other = company_order(company, "site", "between.example", "");
    assert_true(company_until_task(company, other, "web.reload", TASK_DONE, MINUTE_MS));
    struct task task;
    company_get_task(company, id, "web.domain", &task);
    assert_int_equal(task.state, TASK_WAITING);
    task_finish(&task);
    expect_live(company, id, MINUTE_MS);
    assert_int_equal(attempts_of(company, id, "verify.web"), 1);
}

static void many_services_on_one_node_of_all_roles_are_live_soon(void **state)
{
    struct company *company = *state;
    int64_t ids[12];
    company_add_node(company, "all1", 0);
    company_pass(company, 1000);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        CLEANUP(freep) char *domain = xasprintf("crowd%zu.example", i);
        ids[i] = company_order(company, "start", domain, "");
        company_pass(company, 700);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        expect_live(company, ids[i], 5 * MINUTE_MS);
        if (attempts_of(company, ids[i], "verify.web") != 1)
            fail_msg("the site of service %zu was looked at before it was loaded", i + 1);
    }
}

static void a_kill_in_the_middle_of_a_reload_leaves_no_site_unloaded(void **state)
{
    struct company *company = *state;
    int64_t ids[6];
    company_set_node(company, "web2", NODE_PAUSED, 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        CLEANUP(freep) char *domain = xasprintf("kill%zu.example", i);
        ids[i] = company_order(company, "site", domain, "");
    }
    assert_true(company_until_task(company, ids[0], "web.reload", TASK_RUNNING, MINUTE_MS));
    company_pass(company, 30);
    company_restart(company, false);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        expect_live(company, ids[i], 5 * MINUTE_MS);
        assert_int_equal(attempts_of(company, ids[i], "verify.web"), 1);
    }
}

/* ---- starts and stops ------------------------------------------------------------------------------------------------------------------ */

static void a_stop_and_a_start_at_every_moment_change_nothing(void **state)
{
    (void)state;
    for (int64_t moment_ms = 0; moment_ms < 3000; moment_ms += 170) {
        struct company *company = open_company(false);
        int64_t id = company_order(company, "start", "restart.example", "");
        company_pass(company, moment_ms);
        company_restart(company, true);
        expect_live(company, id, MINUTE_MS);
        company_destroy(company);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, steer_open, steer_close)
#define TEST_BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, steer_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_becomes_a_live_service),
        TEST(a_product_without_a_role_leaves_its_tasks_out),
        TEST(the_same_order_again_is_the_same_service),
        TEST(the_same_order_twice_in_one_batch_is_one_service),
        TEST(a_panel_command_that_fails_is_tried_again),
        TEST(a_node_that_goes_down_is_waited_for),
        TEST_BARE(a_service_without_a_node_waits_and_goes_on_by_itself),
        TEST(a_paused_node_gets_no_new_work_and_goes_on_where_it_was),
        TEST(a_strangers_domain_is_a_conflict_until_a_person_has_decided),
        TEST(two_failed_tasks_need_two_retries_and_the_service_says_so),
        TEST(a_task_that_fails_again_and_again_ends_and_can_be_retried),
        TEST(a_task_that_waits_can_be_retried_at_once),
        TEST(a_domain_below_one_on_the_same_node_says_why_it_cannot_be),
        TEST_BARE(a_reload_between_two_changes_of_a_service_does_not_count_for_the_later_one),
        TEST_BARE(many_services_on_one_node_of_all_roles_are_live_soon),
        TEST(a_kill_in_the_middle_of_a_reload_leaves_no_site_unloaded),
        cmocka_unit_test(a_stop_and_a_start_at_every_moment_change_nothing),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
