/* test_engine_passwords.c - new passwords, and what a customer may do, on simulated time with modelled nodes: whatever happens in
 * the middle, the password that is stored is the one that works, or stands beside it. */
#include "steer.h"

#include <inttypes.h>

#include "core/messages.h"
#include "core/product.h"
#include "store/store_deed.h"

/* ---- asking and looking ---------------------------------------------------------------------------------------------------- */

static struct request *ask(struct company *company, enum request_kind kind, int64_t service_id, bool by_customer)
{
    struct request *request = request_create(kind);
    request->target_id = service_id;
    request->operation = OPERATION_PASSWORD;
    request->by_customer = by_customer;
    request->who = xstrdup(by_customer ? "the customer" : "ada");
    return company_ask(company, request);
}

/** Of the task of the newest operation, whichever that is. */
static enum task_state task_state_of(struct company *company, int64_t operation_id, const char *key)
{
    struct task *tasks = NULL;
    size_t count = 0;
    struct err err;
    int state = -1;
    assert_true(store_list_tasks(company_store(company), operation_id, &tasks, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tasks[i].key, key) == 0)
            state = (int)tasks[i].state;
    }
    tasks_free(tasks, count);
    if (state < 0)
        fail_msg("operation %" PRId64 " has no %s", operation_id, key);
    return (enum task_state)state;
}

static void pass_until_task(struct company *company, int64_t operation_id, const char *key, enum task_state state)
{
    for (int64_t ms = 0; ms < HOUR_MS && task_state_of(company, operation_id, key) != state; ms += 10)
        company_pass(company, 10);
    assert_int_equal(task_state_of(company, operation_id, key), state);
}

/* ---- passwords ------------------------------------------------------------------------------------------------------------- */

#define SECRETS_MAX 8

/* Every password of a service, in the order of its accounts: each user's, then its mailbox's. */
struct secrets {
    char *stored[SECRETS_MAX], *next[SECRETS_MAX];
    bool works[SECRETS_MAX], next_works[SECRETS_MAX];
    size_t count;
};

static void secrets_finish(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++) {
        free(secrets->stored[i]);
        free(secrets->next[i]);
    }
}

static void look(struct company *company, const struct account *account, bool mailbox, struct secrets *secrets)
{
    char *stored =
        company_secret(company, account->service_id, account->node_id, mailbox ? "mailbox-password" : "panel-password");
    char *next = company_secret(company, account->service_id, account->node_id,
                                mailbox ? "mailbox-password-next" : "panel-password-next");
    if (stored == NULL)
        return;
    size_t at = secrets->count++;
    secrets->stored[at] = stored;
    secrets->next[at] = next;
    secrets->works[at] = company_password_works(company, account, mailbox, stored);
    secrets->next_works[at] = next != NULL && company_password_works(company, account, mailbox, next);
}

static void secrets_load(struct company *company, int64_t service_id, struct secrets *ret_secrets)
{
    struct account *accounts = NULL;
    size_t count = 0;
    struct err err;
    *ret_secrets = (struct secrets){ 0 };
    assert_true(store_list_accounts(company_store(company), service_id, &accounts, &count, &err));
    for (size_t i = 0; i < count; i++) {
        look(company, &accounts[i], false, ret_secrets);
        look(company, &accounts[i], true, ret_secrets);
    }
    accounts_free(accounts, count);
}

/** All that is stored works and nothing is left of a change; @param before NULL, or what must not be stored any more */
static void expect_settled(struct company *company, int64_t service_id, const struct secrets *before)
{
    struct secrets now;
    secrets_load(company, service_id, &now);
    assert_int_equal(now.count, 5); /* web, mail, its mailbox, two name servers */
    for (size_t i = 0; i < now.count; i++) {
        assert_true(now.works[i]);
        assert_null(now.next[i]);
        assert_true(before == NULL || strcmp(now.stored[i], before->stored[i]) != 0);
    }
    secrets_finish(&now);
}

/** What must be true at every moment. */
static void expect_one_works(struct company *company, int64_t service_id)
{
    struct secrets now;
    secrets_load(company, service_id, &now);
    for (size_t i = 0; i < now.count; i++) {
        if (!now.works[i] && !now.next_works[i])
            fail_msg("password %zu of service %" PRId64 " works in no form", i, service_id);
    }
    secrets_finish(&now);
}

static struct customer_deeds deeds_of(struct company *company, int64_t service_id)
{
    struct customer_deeds deeds;
    struct err err;
    assert_true(store_get_deeds(company_store(company), service_id, &deeds, &err));
    return deeds;
}

/* ---- new passwords ----------------------------------------------------------------------------------------------------------- */

static void every_password_is_new_and_works_and_the_service_stays_live(void **state)
{
    struct company *company = *state;
    struct secrets before;
    int64_t id = order_live(company, "start", "start.example");
    expect_settled(company, id, NULL);
    secrets_load(company, id, &before);
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    while (state_of(company, operation) == OPERATION_RUNNING) {
        assert_int_equal(status_of(company, id), SERVICE_LIVE);
        expect_one_works(company, id);
        company_pass(company, 20);
    }
    pass_until(company, operation, OPERATION_DONE);
    expect_settled(company, id, &before);
    secrets_finish(&before);
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    company_trace(company, id, false, &trace);
    assert_non_null(strstr(buf_text(&trace), "credentials.changed"));
}

static void it_ends_well_whenever_the_daemon_is_killed(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "start", "start.example");
    for (int64_t after_ms = 0; after_ms <= 1000; after_ms += 40) {
        struct secrets before;
        secrets_load(company, id, &before);
        int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
        company_pass(company, after_ms);
        company_restart(company, false);
        expect_one_works(company, id);
        pass_until(company, operation, OPERATION_DONE);
        expect_settled(company, id, &before);
        secrets_finish(&before);
    }
}

static void a_redeploy_in_the_middle_brings_it_to_its_end(void **state)
{
    struct company *company = *state;
    struct secrets before;
    int64_t id = order_live(company, "start", "start.example");
    secrets_load(company, id, &before);
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    pass_until_task(company, operation, "web.password", TASK_RUNNING);
    company_pass(company, 150); /* after the look, in the middle of the change */
    int64_t redeploy = start_operation(company, id, OPERATION_REDEPLOY);
    assert_int_equal(state_of(company, operation), OPERATION_SUPERSEDED);
    pass_until(company, redeploy, OPERATION_DONE);
    expect_settled(company, id, &before);
    secrets_finish(&before);
    int64_t again = start_operation(company, id, OPERATION_REDEPLOY); /* nothing waits any more: nothing is set */
    pass_until(company, again, OPERATION_DONE);
    expect_settled(company, id, NULL);
}

static void what_a_cancelled_change_had_not_begun_stays_as_it_was(void **state)
{
    struct company *company = *state;
    struct secrets before, after;
    int64_t id = order_live(company, "start", "start.example");
    secrets_load(company, id, &before);
    company_set_node(company, "mail1", NODE_PAUSED, 0);
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    pass_until_task(company, operation, "web.password", TASK_DONE);
    expect_ok(ask(company, REQUEST_CANCEL, id, false));
    company_set_node(company, "mail1", NODE_ACTIVE, 0);
    company_pass(company, MINUTE_MS);
    secrets_load(company, id, &after);
    assert_string_not_equal(after.stored[0], before.stored[0]); /* web: was done */
    for (size_t i = 1; i < 3; i++) {                            /* mail and its mailbox: had not begun */
        assert_string_equal(after.stored[i], before.stored[i]);
        assert_null(after.next[i]);
        assert_true(after.works[i]);
    }
    secrets_finish(&before);
    secrets_finish(&after);
    expect_one_works(company, id);
}

static void a_change_that_fails_leaves_both_and_is_retried(void **state)
{
    struct company *company = *state;
    struct secrets middle;
    int64_t id = order_live(company, "start", "start.example");
    company_standin(company, "mail1", "fail=v-change-mail-account-password:9:100");
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    pass_until(company, operation, OPERATION_FAILED);
    assert_int_equal(status_of(company, id), SERVICE_LIVE);
    company_pass(company, MINUTE_MS);
    secrets_load(company, id, &middle);
    assert_non_null(middle.next[2]);
    assert_true(middle.works[2]);
    secrets_finish(&middle);
    company_standin(company, "mail1", "");
    expect_ok(ask(company, REQUEST_SERVICE_RETRY, id, false));
    pass_until(company, operation, OPERATION_DONE);
    expect_settled(company, id, NULL);
}

static void a_new_change_takes_the_place_of_one_that_failed(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "start", "start.example");
    company_standin(company, "web1", "fail=v-change-user-password:9:1");
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    pass_until(company, operation, OPERATION_FAILED);
    int64_t next = start_operation(company, id, OPERATION_PASSWORD);
    assert_int_not_equal(next, operation);
    assert_int_equal(state_of(company, operation), OPERATION_SUPERSEDED);
    pass_until(company, next, OPERATION_DONE);
    expect_settled(company, id, NULL);
}

static void one_that_a_node_may_have_outlives_a_cancelled_second_change(void **state)
{
    struct company *company = *state;
    struct secrets middle, end;
    int64_t id = order_live(company, "start", "start.example");
    company_standin(company, "mail1", "fail=v-change-mail-account-password:9:100");
    pass_until(company, start_operation(company, id, OPERATION_PASSWORD), OPERATION_FAILED);
    secrets_load(company, id, &middle);
    assert_non_null(middle.next[2]);
    start_operation(company, id, OPERATION_PASSWORD);
    expect_ok(ask(company, REQUEST_CANCEL, id, false));
    company_pass(company, MINUTE_MS);
    secrets_load(company, id, &end);
    assert_non_null(end.next[2]);
    assert_string_equal(end.next[2], middle.next[2]);
    secrets_finish(&middle);
    secrets_finish(&end);
    company_standin(company, "mail1", "");
    pass_until(company, start_operation(company, id, OPERATION_PASSWORD), OPERATION_DONE);
    expect_settled(company, id, NULL);
}

static void only_a_live_service_on_which_nothing_runs_gets_new_ones(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "start.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    expect_refusal(ask(company, REQUEST_OPERATION, id, false), "a deploy is running");
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    int64_t verify = start_operation(company, id, OPERATION_VERIFY);
    expect_refusal(ask(company, REQUEST_OPERATION, id, false), "a verify is running");
    pass_until(company, verify, OPERATION_DONE);
    int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
    struct request *again = ask(company, REQUEST_OPERATION, id, false);
    assert_true(again->ok && again->existing && again->id == operation);
    request_destroy(again);
    pass_until(company, operation, OPERATION_DONE);
}

/* ---- the customer -------------------------------------------------------------------------------------------------------------- */

static void passwords_are_shown_once_until_they_are_changed(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "start.example", "");
    expect_refusal(ask(company, REQUEST_CREDENTIALS_SHOW, id, true), message_text("page.deed.not-live"));
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    for (int round = 0; round < 2; round++) {
        struct request *first = ask(company, REQUEST_CREDENTIALS_SHOW, id, true);
        assert_true(first->ok && !first->existing);
        request_destroy(first);
        assert_int_equal(deeds_of(company, id).credentials_shown_at_ms, company_now_ms(company));
        company_restart(company, false);
        struct request *second = ask(company, REQUEST_CREDENTIALS_SHOW, id, true);
        assert_true(second->ok && second->existing);
        request_destroy(second);
        int64_t operation = start_operation(company, id, OPERATION_PASSWORD);
        expect_refusal(ask(company, REQUEST_CREDENTIALS_SHOW, id, true), message_text("page.deed.changing"));
        pass_until(company, operation, OPERATION_DONE);
        assert_int_equal(deeds_of(company, id).credentials_shown_at_ms, 0);
    }
}

static void a_customer_asks_for_new_passwords_every_ten_minutes_at_most(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "start", "start.example");
    int64_t verify = start_operation(company, id, OPERATION_VERIFY);
    expect_refusal(ask(company, REQUEST_OPERATION, id, true), message_text("page.deed.busy"));
    pass_until(company, verify, OPERATION_DONE);
    int64_t operation = expect_ok(ask(company, REQUEST_OPERATION, id, true)); /* a refusal does not count */
    expect_refusal(ask(company, REQUEST_OPERATION, id, true), message_text("page.deed.changing"));
    pass_until(company, operation, OPERATION_DONE);
    expect_refusal(ask(company, REQUEST_OPERATION, id, true), message_text("page.deed.password-soon"));
    company_pass(company, 8 * MINUTE_MS);
    expect_refusal(ask(company, REQUEST_OPERATION, id, true), message_text("page.deed.password-soon"));
    company_pass(company, 2 * MINUTE_MS);
    operation = expect_ok(ask(company, REQUEST_OPERATION, id, true));
    pass_until(company, operation, OPERATION_DONE);
    expect_settled(company, id, NULL);
}

static void a_customer_tries_again_what_has_failed(void **state)
{
    struct company *company = *state;
    company_standin(company, "web1", "fail=v-add-web-domain:9:2");
    int64_t id = company_order(company, "start", "start.example", "");
    expect_refusal(ask(company, REQUEST_SERVICE_RETRY, id, true), message_text("page.deed.not-failed"));
    assert_true(company_until(company, id, SERVICE_FAILED, HOUR_MS));
    expect_ok(ask(company, REQUEST_SERVICE_RETRY, id, true));
    assert_true(company_until(company, id, SERVICE_FAILED, HOUR_MS));
    expect_refusal(ask(company, REQUEST_SERVICE_RETRY, id, true), message_text("page.deed.retry-soon"));
    company_pass(company, MINUTE_MS);
    expect_ok(ask(company, REQUEST_SERVICE_RETRY, id, true));
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    company_pass(company, MINUTE_MS);
    expect_refusal(ask(company, REQUEST_SERVICE_RETRY, id, true), message_text("page.deed.not-failed"));
}

static void not_where_the_product_does_not_allow_it(void **state)
{
    struct company *company = *state;
    struct request *product = request_create(REQUEST_PRODUCT_ADD);
    struct err err;
    product->product.name = xstrdup("strict");
    product->product.title = xstrdup("Strict");
    product->product.mode = MODE_SPLIT;
    assert_true(product_spec_canonical("{\"web\":{},\"customer_retry\":false}", &product->product.spec, &err));
    product->group_names = xcalloc(1, sizeof(*product->group_names));
    product->group_names[0] = xstrdup("eu");
    product->group_name_count = 1;
    expect_ok(company_ask(company, product));
    company_standin(company, "web1", "fail=v-add-web-domain:9:1");
    int64_t id = company_order(company, "strict", "strict.example", "");
    assert_true(company_until(company, id, SERVICE_FAILED, HOUR_MS));
    expect_refusal(ask(company, REQUEST_SERVICE_RETRY, id, true), message_text("page.deed.no-retry"));
    expect_ok(ask(company, REQUEST_SERVICE_RETRY, id, false)); /* staff may */
}

static void not_what_staff_have_cancelled(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "start.example", "");
    assert_true(company_until_task(company, id, "web.domain", TASK_RUNNING, MINUTE_MS));
    expect_ok(ask(company, REQUEST_CANCEL, id, false));
    assert_int_equal(status_of(company, id), SERVICE_FAILED);
    for (int i = 0; i < 2; i++) /* what is refused does not count */
        expect_refusal(ask(company, REQUEST_SERVICE_RETRY, id, true), message_text("page.deed.no-retry"));
}

/* ---- what is written down -------------------------------------------------------------------------------------------------------- */

static void a_reveal_that_could_not_be_written_down_is_refused(void **state)
{
    struct company *company = *state;
    int64_t id = order_live(company, "start", "start.example");
    company_fail_store(company, STORE_FAULT_COMMIT, 1);
    struct request *request = ask(company, REQUEST_REVEAL, id, false);
    assert_false(request->ok);
    assert_int_equal(request->err.code, ERR_BUSY);
    request_destroy(request);
    company_pass(company, MINUTE_MS);
    expect_ok(ask(company, REQUEST_REVEAL, id, false));
    struct request *nobody = ask(company, REQUEST_REVEAL, 99, false);
    assert_int_equal(nobody->err.code, ERR_NOT_FOUND);
    request_destroy(nobody);
}

static void a_renewed_link_has_the_next_generation(void **state)
{
    struct company *company = *state;
    struct service_link link;
    struct err err;
    int64_t id = order_live(company, "start", "start.example");
    for (int64_t generation = 1; generation < 4; generation++) {
        company_pass(company, 1000);
        expect_ok(ask(company, REQUEST_LINK_RENEW, id, false));
        assert_true(store_get_link(company_store(company), id, &link, &err));
        assert_int_equal(link.generation, generation);
        assert_int_equal(link.made_at_ms, company_now_ms(company));
    }
}

#define STORY(function) cmocka_unit_test_setup_teardown(function, steer_open, steer_close)

int main(void)
{
    log_set_fd(-1);
    const struct CMUnitTest tests[] = {
        STORY(every_password_is_new_and_works_and_the_service_stays_live),
        STORY(it_ends_well_whenever_the_daemon_is_killed),
        STORY(a_redeploy_in_the_middle_brings_it_to_its_end),
        STORY(what_a_cancelled_change_had_not_begun_stays_as_it_was),
        STORY(a_change_that_fails_leaves_both_and_is_retried),
        STORY(a_new_change_takes_the_place_of_one_that_failed),
        STORY(one_that_a_node_may_have_outlives_a_cancelled_second_change),
        STORY(only_a_live_service_on_which_nothing_runs_gets_new_ones),
        STORY(passwords_are_shown_once_until_they_are_changed),
        STORY(a_customer_asks_for_new_passwords_every_ten_minutes_at_most),
        STORY(a_customer_tries_again_what_has_failed),
        STORY(not_where_the_product_does_not_allow_it),
        STORY(not_what_staff_have_cancelled),
        STORY(a_reveal_that_could_not_be_written_down_is_refused),
        STORY(a_renewed_link_has_the_next_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
