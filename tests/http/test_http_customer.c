/* test_http_customer.c - the customer's page without scripts: what it says in each state, and what it never names. */
#include "shared.h"

#include <stdlib.h>

#include "store/store_ticket.h"

static int64_t service_id;

static void set_service(enum service_status status, const char *reason, const char *reason_key)
{
    struct err err;
    struct service service;
    fixture_begin_writing(&fixture);
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.status = status;
    free(service.reason);
    free(service.reason_key);
    service.reason = xstrdup(reason);
    service.reason_key = xstrdup(reason_key);
    must(store_update_service(fixture.store, &service, &err));
    fixture_end_writing(&fixture);
    service_finish(&service);
}

static int begin(void **state)
{
    fixture_begin(state);
    service_id = fixture_order(&fixture, "sh\xc3\xb6p.example");
    int64_t task_id, attempt_id;
    fixture_add_deployment(&fixture, service_id, &task_id, &attempt_id);
    return 0;
}

static struct answer get_page(int64_t id)
{
    CLEANUP(freep) char *path = fixture_link(&fixture, id, 0, "");
    return fixture_ask(&fixture, "GET", path, "No-Token: 1\r\n", NULL);
}

static void the_page_says_where_the_setup_is_and_names_no_machine(void **state)
{
    static const struct {
        enum service_status status;
        const char *reason_key, *says[4];
        bool refreshes;
    } cases[] = {
        { SERVICE_ACCEPTED, "", { "We have your order", "25%" }, true },
        { SERVICE_WAITING, "wait.capacity", { "We are making room" }, true },
        { SERVICE_DEPLOYING,
          "",
          { "Setting up sh\xc3\xb6p.example", "Opening your web space", "working", "done" },
          true },
        { SERVICE_FAILED,
          "problem.verify",
          { "has stopped", "does not answer yet", "please contact us", "problem" },
          true },
        { SERVICE_SUSPENDED, "", { "is suspended" }, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_service(cases[i].status, "web1 says no: v-add-web-domain", cases[i].reason_key);
        struct answer page = get_page(service_id);
        assert_int_equal(page.status, 200);
        for (size_t j = 0; j < ARRAY_LEN(cases[i].says) && cases[i].says[j] != NULL; j++) {
            if (strstr(page.body, cases[i].says[j]) == NULL)
                fail_msg("%s: \"%s\" is not on the page", service_status_name(cases[i].status), cases[i].says[j]);
        }
        assert_true((strstr(page.body, "http-equiv=\"refresh\"") != NULL) == cases[i].refreshes);
        assert_null(strstr(page.body, "web1"));
        assert_null(strstr(page.body, "v-add"));
        assert_null(strstr(page.body, "ns1."));
        assert_null(strstr(page.body, "<script src"));
        assert_non_null(strstr(page.body, "<script type=\"application/json\" id=\"state\">{\"seq\":"));
        answer_finish(&page);
    }
}

/** A web server is named only where its control panel is. */
static void check_names_of_nodes(const char *body)
{
    static const char control[] = "web1.example.net:8083/";
    for (const char *at = body; (at = strstr(at, "web1")) != NULL; at++)
        assert_int_equal(strncmp(at, control, sizeof(control) - 1), 0);
}

static void the_page_of_a_live_service_tells_what_to_do(void **state)
{
    (void)state;
    set_service(SERVICE_LIVE, "", "");
    struct answer page = get_page(service_id);
    assert_non_null(strstr(page.body, "sh\xc3\xb6p.example is ready"));
    assert_non_null(strstr(page.body, "href=\"http://xn--shp-tna.example/\""));
    assert_non_null(strstr(page.body, "ns1.berth.example"));
    check_names_of_nodes(page.body);
    assert_non_null(strstr(
        page.body,
        "<dt>Control panel for your website</dt><dd><a rel=\"noreferrer\" href=\"https://web1.example.net:8083/\">"));
    assert_null(strstr(page.body, "refresh"));
    assert_non_null(strstr(answer_header(&page, "Content-Security-Policy"), "default-src 'none'; style-src 'sha256-"));
    assert_string_equal(answer_header(&page, "Referrer-Policy"), "no-referrer");
    assert_string_equal(answer_header(&page, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(answer_header(&page, "X-Frame-Options"), "DENY");
    answer_finish(&page);
    set_service(SERVICE_DEPLOYING, "", "");
}

static void links_that_are_wrong_or_of_nothing_get_a_page_too(void **state)
{
    (void)state;
    struct answer page = fixture_ask(&fixture, "GET", "/s/AAAA", "No-Token: 1\r\n", NULL);
    assert_int_equal(page.status, 404);
    assert_non_null(strstr(page.body, "This link does not work"));
    answer_finish(&page);
    page = get_page(999);
    assert_int_equal(page.status, 410);
    answer_finish(&page);
}

/* ---- the state ------------------------------------------------------------------------------------------------------ */

static struct answer get_state(void)
{
    CLEANUP(freep) char *path = fixture_link(&fixture, service_id, 0, "/state");
    struct answer answer = fixture_ask(&fixture, "GET", path, "No-Token: 1\r\n", NULL);
    assert_int_equal(answer.status, 200);
    return answer;
}

/** What the state has under this name: a text, "true", "false" or "null". */
static void check_state(const char *name, const char *want)
{
    struct answer answer = get_state();
    json_t *value = json_object_get(answer.json, name);
    CLEANUP(freep)
    char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    if (strcmp(text, want) != 0)
        fail_msg("%s is %s, not %s", name, text, want);
    answer_finish(&answer);
}

static void check_step(const char *key, const char *want)
{
    struct answer answer = get_state();
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(answer.json, "steps"), i, step)
    {
        const char *state = json_string_value(json_object_get(step, "state"));
        if (strcmp(json_string_value(json_object_get(step, "key")), key) == 0 && strcmp(state, want) != 0)
            fail_msg("%s is %s, not %s", key, state, want);
    }
    answer_finish(&answer);
}

static void set_live_at(int64_t at_ms)
{
    struct err err;
    struct service service;
    fixture_begin_writing(&fixture);
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.live_at_ms = at_ms;
    must(store_update_service(fixture.store, &service, &err));
    fixture_end_writing(&fixture);
    service_finish(&service);
}

static int64_t operation_of_service(void)
{
    struct err err;
    struct service service;
    pthread_mutex_lock(&fixture.lock);
    must(store_get_service(fixture.store, service_id, &service, &err));
    pthread_mutex_unlock(&fixture.lock);
    int64_t id = service.operation_id;
    service_finish(&service);
    return id;
}

static void set_operation(enum operation_state state)
{
    struct err err;
    struct operation operation;
    int64_t id = operation_of_service();
    fixture_begin_writing(&fixture);
    must(store_get_operation(fixture.store, id, &operation, &err));
    operation.state = state;
    must(store_update_operation(fixture.store, &operation, &err));
    fixture_end_writing(&fixture);
    operation_finish(&operation);
}

/* The first message of its ticket is in the outbox, or has left it. */
static void set_message(struct ticket *ticket, struct ticket_message *message, enum ticket_message_state state)
{
    struct err err;
    bool first = ticket->id == 0;
    message->state = state;
    fixture_begin_writing(&fixture);
    if (first)
        must(store_insert_ticket(fixture.store, ticket, &err));
    message->ticket_id = ticket->id;
    if (first)
        must(store_insert_ticket_message(fixture.store, message, &err));
    must(store_update_ticket_message(fixture.store, message, &err));
    fixture_end_writing(&fixture);
}

static void the_customer_reads_of_a_ticket_only_when_it_has_arrived(void **state)
{
    static const struct {
        enum ticket_message_state message;
        const char *ticket, *help;
    } cases[] = {
        { TICKET_MESSAGE_QUEUED, "false", "You can try it again here. If that does not help, please contact us." },
        { TICKET_MESSAGE_SENDING, "false", "You can try it again here. If that does not help, please contact us." },
        { TICKET_MESSAGE_FAILED, "false", "You can try it again here. If that does not help, please contact us." },
        { TICKET_MESSAGE_SENT, "true", "A case has been opened for it: there is no need to write to us." },
    };
    char text[] = "x", none[] = "";
    (void)state;
    struct ticket ticket = { .service_id = service_id,
                             .operation_id = operation_of_service(),
                             .marker = text,
                             .thread_key = text,
                             .remote_id = none,
                             .remote_number = none };
    struct ticket_message message = { .kind = TICKET_MESSAGE_OPEN, .key = text, .body = text, .last_error = none };
    set_service(SERVICE_FAILED, "", "problem.internal");
    check_state("ticket", "false");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_message(&ticket, &message, cases[i].message);
        check_state("ticket", cases[i].ticket);
        check_state("help", cases[i].help);
        check_state("message", "Something on our side stopped the setup. It does not go on by itself.");
    }
    set_message(&ticket, &message, TICKET_MESSAGE_QUEUED);
    set_service(SERVICE_DEPLOYING, "", "");
}

static void the_login_of_a_mailbox_is_what_mail_programs_can_send(void **state)
{
    (void)state;
    struct answer answer =
        fixture_ask(&fixture, "POST", "/api/v1/services", "",
                    "{\"product\":\"basic\",\"domain\":\"m\xc3\xbcnchen.example\",\"options\":{\"mailbox\":\"info\"},"
                    "\"client\":{\"id\":\"1\",\"name\":\"Ada\",\"email\":\"a@b.example\"}}");
    assert_int_equal(answer.status, 202);
    int64_t id = strtoll(answer_text(&answer, "id"), NULL, 10);
    answer_finish(&answer);
    struct err err;
    char user[] = "munich", package[] = "b-x";
    struct account account = {
        .service_id = id, .node_id = fixture.node_id, .roles = ROLE_BIT(ROLE_MAIL), .username = user, .package = package
    };
    fixture_begin_writing(&fixture);
    must(store_insert_account(fixture.store, &account, &err));
    fixture_set_status(&fixture, id, SERVICE_LIVE);
    fixture_end_writing(&fixture);
    CLEANUP(freep) char *path = fixture_link(&fixture, id, 0, "/state");
    answer = fixture_ask(&fixture, "GET", path, "No-Token: 1\r\n", NULL);
    assert_string_equal(answer_text(&answer, "panel.mail.mailbox"), "info@m\xc3\xbcnchen.example");
    assert_string_equal(answer_text(&answer, "panel.mail.login"), "info@xn--mnchen-3ya.example");
    answer_finish(&answer);
    struct answer page = get_page(id);
    assert_non_null(strstr(page.body, "<dt>Your login</dt><dd>info@xn--mnchen-3ya.example</dd>"));
    answer_finish(&page);
}

static void a_service_that_was_live_keeps_its_panel(void **state)
{
    static const struct {
        const char *name;
        enum service_status status;
        enum operation_state operation;
        const char *reason_key, *tone, *message;
    } cases[] = {
        { "a redeploy runs", SERVICE_DEPLOYING, OPERATION_RUNNING, "", "work", "We are working on your account." },
        { "it waits for room", SERVICE_WAITING, OPERATION_RUNNING, "wait.capacity", "wait",
          "We are working on your account. It has to wait a little, and goes on by itself." },
        { "it has failed", SERVICE_FAILED, OPERATION_FAILED, "problem.internal", "bad",
          "Something went wrong while we were working on your account. A part of it may not work as it should." },
        { "it was cancelled", SERVICE_FAILED, OPERATION_CANCELLED, "problem.stopped", "good", "null" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_service(cases[i].status, "web1 says no", cases[i].reason_key);
        set_operation(cases[i].operation);
        check_state("panel", "null");
        set_live_at(1);
        check_state("headline", "Your account for sh\xc3\xb6p.example");
        check_state("tone", cases[i].tone);
        check_state("message", cases[i].message);
        struct answer answer = get_state(), page = get_page(service_id);
        if (!json_is_object(json_object_get(json_object_get(answer.json, "panel"), "web")) ||
            strstr(page.body, "<dd>ns1.berth.example") == NULL || strstr(page.body, "setup of") != NULL)
            fail_msg("%s: the panel is gone", cases[i].name);
        assert_true((strstr(page.body, "<progress") != NULL) == (cases[i].operation == OPERATION_RUNNING));
        check_names_of_nodes(page.body);
        answer_finish(&page);
        answer_finish(&answer);
        set_live_at(0);
    }
    set_live_at(1);
    set_service(SERVICE_SUSPENDED, "", "");
    check_state("panel", "null");
    set_live_at(0);
    set_operation(OPERATION_RUNNING);
    set_service(SERVICE_DEPLOYING, "", "");
}

/* The last test: its deployment is over. */
static void on_a_page_that_has_stopped_nothing_works_waits_or_is_tried_again(void **state)
{
    struct err err;
    (void)state;
    int64_t operation_id = operation_of_service();
    fixture_begin_writing(&fixture);
    fixture_add_task(&fixture, service_id, operation_id, "dns.zone", "dns.zone@ns1", TASK_DONE);
    fixture_add_task(&fixture, service_id, operation_id, "dns.zone", "dns.zone@ns2", TASK_BLOCKED);
    fixture_add_task(&fixture, service_id, operation_id, "live", "live", TASK_HELD);
    fixture_end_writing(&fixture);
    check_step("step.dns.zone", "working");
    check_step("step.live", "waiting");

    set_service(SERVICE_FAILED, "", "problem.internal");
    set_operation(OPERATION_FAILED);
    check_step("step.dns.zone", "later");
    check_step("step.live", "later");
    check_step("step.verify.web", "problem");
    check_state("can_retry", "true");

    fixture_begin_writing(&fixture);
    must(store_end_unfinished_tasks(fixture.store, operation_id, TASK_CANCELLED, "", 1, &err));
    fixture_end_writing(&fixture);
    set_operation(OPERATION_CANCELLED);
    check_step("step.dns.zone", "later");
    check_step("step.web.user", "later");
    check_step("step.verify.web", "later");
    check_state("can_retry", "false");
    check_state("help", "null");
    struct answer page = get_page(service_id);
    assert_null(strstr(page.body, "class=\"working\""));
    assert_null(strstr(page.body, "class=\"waiting\""));
    answer_finish(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_where_the_setup_is_and_names_no_machine),
        cmocka_unit_test(the_page_of_a_live_service_tells_what_to_do),
        cmocka_unit_test(links_that_are_wrong_or_of_nothing_get_a_page_too),
        cmocka_unit_test(the_customer_reads_of_a_ticket_only_when_it_has_arrived),
        cmocka_unit_test(the_login_of_a_mailbox_is_what_mail_programs_can_send),
        cmocka_unit_test(a_service_that_was_live_keeps_its_panel),
        cmocka_unit_test(on_a_page_that_has_stopped_nothing_works_waits_or_is_tried_again),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
