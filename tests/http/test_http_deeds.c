/* test_http_deeds.c - passwords told to staff and to customers, links that replace each other, and what a customer may start on his
 * page: the HTTP side of it; the rules themselves are the engine's (tests/engine/test_engine_passwords.c). */
#include "shared.h"

#include <stdlib.h>

#include "store/store_deed.h"

#define PAGE "No-Token: 1\r\nBerth-Page: 1\r\n"

static int64_t service_id;

static void put_secret(int64_t node_id, const char *kind, const char *text)
{
    struct err err;
    struct rng rng;
    unsigned char *cipher;
    size_t length;
    char context[100];
    rng_init_seed(&rng, 3);
    snprintf(context, sizeof(context), "%lld/%lld/%s", (long long)service_id, (long long)node_id, kind);
    keyring_seal(fixture.keyring, &rng, context, text, &cipher, &length);
    must(store_put_secret(fixture.store, service_id, node_id, kind, cipher, length, &err));
    free(cipher);
}

/* A live service with accounts on a node for web and mail and on a name server. */
static int begin(void **state)
{
    fixture_begin(state);
    static const char body[] =
        "{\"product\":\"basic\",\"domain\":\"shop.example\",\"options\":{\"mailbox\":\"info\"},"
        "\"client\":{\"id\":\"1\",\"email\":\"a@b.example\"}}";
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    service_id = strtoll(answer_text(&answer, "id"), NULL, 10);
    answer_finish(&answer);
    fixture_begin_writing(&fixture);
    fixture_set_status(&fixture, service_id, SERVICE_LIVE);
    int64_t name_server = fixture_add_name_server(&fixture);
    fixture_add_account(&fixture, service_id, fixture.node_id, ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL));
    fixture_add_account(&fixture, service_id, name_server, ROLE_BIT(ROLE_DNS));
    put_secret(fixture.node_id, "panel-password", "Panel-1");
    put_secret(fixture.node_id, "mailbox-password", "Mailbox-\"1\"");
    put_secret(name_server, "panel-password", "Names-1");
    fixture_end_writing(&fixture);
    return 0;
}

/* ---- helpers -------------------------------------------------------------------------------------------------------- */

/* "/s/<token><what>" with a link of this generation, made now. */
static struct answer ask_page(const char *method, int64_t generation, const char *what, const char *headers)
{
    CLEANUP(freep) char *path = fixture_link(&fixture, service_id, generation, what);
    return fixture_ask(&fixture, method, path, headers, strcmp(method, "POST") == 0 ? "" : NULL);
}

static void expect_problem(struct answer answer, int status, const char *slug, const char *says)
{
    char type[80];
    snprintf(type, sizeof(type), "urn:berth:problem:%s", slug);
    if (answer.status != status || strcmp(answer_text(&answer, "type"), type) != 0 ||
        strstr(answer_text(&answer, "detail"), says) == NULL)
        fail_msg("wanted %d %s, got %d %s", status, slug, answer.status, answer.body);
    answer_finish(&answer);
}

static char *path_of(const char *deed)
{
    return xasprintf("/api/v1/services/%lld/%s", (long long)service_id, deed);
}

static size_t count_events(const char *kind, const char *who)
{
    struct err err;
    struct event *events;
    size_t count, found = 0;
    pthread_mutex_lock(&fixture.lock);
    must(store_list_events(fixture.store, service_id, 0, 1000, &events, &count, &err));
    for (size_t i = 0; i < count; i++)
        found += strcmp(events[i].kind, kind) == 0 && strstr(events[i].data, who) != NULL;
    events_free(events, count);
    pthread_mutex_unlock(&fixture.lock);
    return found;
}

static void expect_credentials(struct answer *answer, const char *want)
{
    CLEANUP(buf_finish) struct buf lines = BUF_INIT;
    json_t *row;
    size_t i;
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "Cache-Control"), "no-store");
    json_array_foreach(json_object_get(answer->json, "credentials"), i, row)
    {
        const char *next = json_string_value(json_object_get(row, "next"));
        buf_addf(&lines, "%s|%s|%s|%s%s%s\n", json_string_value(json_object_get(row, "kind")),
                 json_string_value(json_object_get(row, "what")), json_string_value(json_object_get(row, "login")),
                 json_string_value(json_object_get(row, "password")), next == NULL ? "" : "|",
                 next == NULL ? "" : next);
    }
    assert_string_equal(buf_text(&lines), want);
    answer_finish(answer);
}

/* ---- staff ---------------------------------------------------------------------------------------------------------- */

static void a_reveal_tells_all_passwords_and_is_written_down_with_its_name(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = path_of("reveal");
    for (size_t i = 1; i <= 2; i++) {
        struct answer answer = fixture_ask(&fixture, "POST", path, "", "");
        expect_credentials(&answer,
                           "panel|panel on web1|shop|Panel-1\n"
                           "mailbox|mailbox|info@shop.example|Mailbox-\"1\"\n"
                           "panel|panel on ns1|shop|Names-1\n");
        assert_int_equal(count_events("credentials.revealed", "admin (token 1)"), i);
    }
    expect_problem(fixture_ask(&fixture, "POST", path, "No-Token: 1\r\n", ""), 401, "no-token", "token");
    assert_int_equal(count_events("credentials.revealed", ""), 2);
}

static void no_password_is_told_that_could_not_be_written_down(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = path_of("reveal");
    atomic_store(&fixture.refuse_with, ERR_BUSY);
    struct answer answer = fixture_ask(&fixture, "POST", path, "", "");
    atomic_store(&fixture.refuse_with, ERR_NONE);
    assert_int_equal(answer.status, 503);
    assert_null(strstr(answer.body, "Panel-1"));
    answer_finish(&answer);
}

static void staff_see_both_while_a_change_has_not_come_to_its_end(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = path_of("reveal");
    fixture_begin_writing(&fixture);
    put_secret(fixture.node_id, "panel-password-next", "Panel-2");
    fixture_end_writing(&fixture);
    struct answer answer = fixture_ask(&fixture, "POST", path, "", "");
    expect_credentials(&answer,
                       "panel|panel on web1|shop|Panel-1|Panel-2\n"
                       "mailbox|mailbox|info@shop.example|Mailbox-\"1\"\n"
                       "panel|panel on ns1|shop|Names-1\n");
}

static void a_new_link_replaces_all_older_ones(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = path_of("link");
    CLEANUP(freep) char *service_path = path_of("");
    service_path[strlen(service_path) - 1] = '\0';
    for (int64_t generation = 0; generation < 3; generation++) {
        struct answer page = ask_page("GET", generation, "", "No-Token: 1\r\n");
        assert_int_equal(page.status, 200);
        answer_finish(&page);
        struct answer answer = fixture_ask(&fixture, "POST", path, "", "{}");
        assert_int_equal(answer.status, 200);
        CLEANUP(freep) char *url = xstrdup(answer_text(&answer, "customer_url"));
        answer_finish(&answer);
        page = ask_page("GET", generation, "", "No-Token: 1\r\n");
        assert_int_equal(page.status, 410);
        assert_non_null(strstr(page.body, "This link was replaced"));
        answer_finish(&page);
        page = fixture_ask(&fixture, "GET", url + strlen("https://berth.example.net"), "No-Token: 1\r\n", NULL);
        assert_int_equal(page.status, 200);
        answer_finish(&page);
        answer = fixture_get(&fixture, service_path); /* which also tells the link that is valid */
        assert_string_equal(answer_text(&answer, "customer_url"), url);
        answer_finish(&answer);
    }
    struct answer page = ask_page("GET", 9, "", "No-Token: 1\r\n"); /* signed, but by another database's berthd */
    assert_int_equal(page.status, 410);
    answer_finish(&page);
    assert_int_equal(count_events("link.renewed", "admin (token 1)"), 3);
}

static void the_same_order_again_is_told_the_link_that_is_valid(void **state)
{
    (void)state;
    CLEANUP(freep) char *body = order_body(NULL, "again.example", "whmcs-9");
    struct answer first = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    CLEANUP(freep) char *path = xasprintf("/api/v1/services/%s/link", answer_text(&first, "id"));
    struct answer renewed = fixture_ask(&fixture, "POST", path, "", "");
    struct answer again = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    assert_string_not_equal(answer_text(&first, "customer_url"), answer_text(&again, "customer_url"));
    assert_string_equal(answer_text(&renewed, "customer_url"), answer_text(&again, "customer_url"));
    answer_finish(&first);
    answer_finish(&renewed);
    answer_finish(&again);
}

/* ---- the customer --------------------------------------------------------------------------------------------------- */

static void a_customer_reads_the_passwords_once_and_of_no_name_server(void **state)
{
    (void)state;
    struct answer answer = ask_page("POST", 0, "/credentials", PAGE);
    expect_credentials(&answer,
                       "panel|Control panel for your website|shop|Panel-1\n"
                       "mailbox|Your mailbox|info@shop.example|Mailbox-\"1\"\n");
    for (int i = 0; i < 2; i++)
        expect_problem(ask_page("POST", 0, "/credentials", PAGE), 410, "shown-already", "ask for new ones.");
}

static void only_the_page_may_do_it(void **state)
{
    static const char *const deeds[] = { "/credentials", "/password", "/retry" };
    (void)state;
    int posted = atomic_load(&fixture.posted);
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        expect_problem(ask_page("POST", 0, deeds[i], "No-Token: 1\r\n"), 403, "not-the-page", "on the page itself");
        expect_problem(ask_page("POST", 0, deeds[i], "No-Token: 1\r\nBerth-Page: yes\r\n"), 403, "not-the-page", "");
        expect_problem(ask_page("GET", 0, deeds[i], PAGE), 405, "method-not-allowed", "only POST");
        expect_problem(ask_page("POST", 1, deeds[i], PAGE), 410, "gone", "This link was replaced.");
        CLEANUP(freep) char *path = xasprintf("/s/AAAA%s", deeds[i]);
        expect_problem(fixture_ask(&fixture, "POST", path, PAGE, ""), 404, "not-found", "This link does not work.");
    }
    assert_int_equal(atomic_load(&fixture.posted), posted);
}

static void a_customer_asks_for_new_passwords_and_for_another_try(void **state)
{
    (void)state;
    struct answer answer = ask_page("POST", 0, "/password", PAGE);
    assert_int_equal(answer.status, 202);
    assert_true(json_is_true(json_object_get(answer.json, "changing")));
    answer_finish(&answer);
    struct err err;
    struct operation *operations;
    size_t count;
    pthread_mutex_lock(&fixture.lock);
    must(store_list_operations(fixture.store, service_id, &operations, &count, &err));
    pthread_mutex_unlock(&fixture.lock);
    assert_int_equal(count, 1);
    assert_int_equal(operations[0].kind, OPERATION_PASSWORD);
    operations_free(operations, count);

    answer = ask_page("POST", 0, "/retry", PAGE);
    assert_int_equal(answer.status, 202);
    assert_true(json_is_true(json_object_get(answer.json, "retrying")));
    answer_finish(&answer);
    atomic_store(&fixture.refuse_with, ERR_CONFLICT);
    expect_problem(ask_page("POST", 0, "/password", PAGE), 409, "conflict", "the engine says no.");
    atomic_store(&fixture.refuse_with, ERR_NONE);
}

static void an_account_that_has_ended_has_nothing_to_do(void **state)
{
    (void)state;
    fixture_begin_writing(&fixture);
    fixture_set_status(&fixture, service_id, SERVICE_TERMINATED);
    fixture_end_writing(&fixture);
    expect_problem(ask_page("POST", 0, "/credentials", PAGE), 410, "gone", "This account has ended.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reveal_tells_all_passwords_and_is_written_down_with_its_name, begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(no_password_is_told_that_could_not_be_written_down, begin, fixture_end),
        cmocka_unit_test_setup_teardown(staff_see_both_while_a_change_has_not_come_to_its_end, begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_new_link_replaces_all_older_ones, begin, fixture_end),
        cmocka_unit_test_setup_teardown(the_same_order_again_is_told_the_link_that_is_valid, begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_customer_reads_the_passwords_once_and_of_no_name_server, begin, fixture_end),
        cmocka_unit_test_setup_teardown(only_the_page_may_do_it, begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_customer_asks_for_new_passwords_and_for_another_try, begin, fixture_end),
        cmocka_unit_test_setup_teardown(an_account_that_has_ended_has_nothing_to_do, begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
