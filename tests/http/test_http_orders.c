/* test_http_orders.c - orders over HTTP: what is taken, what is refused and in which words, who may, and what happens
 * when the engine does not answer. */
#include "shared.h"

#include <stdlib.h>

#include "base/clock.h"

static size_t count_services(void)
{
    struct err err;
    struct service *services;
    size_t count;
    struct service_filter filter = { .limit = 1000 };
    pthread_mutex_lock(&fixture.lock);
    must(store_list_services(fixture.store, &filter, &services, &count, &err));
    pthread_mutex_unlock(&fixture.lock);
    services_free(services, count);
    return count;
}

static void an_order_is_accepted_with_links(void **state)
{
    (void)state;
    CLEANUP(freep) char *body = order_body(NULL, "www.Shop-One.example", "whmcs-1");
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    assert_int_equal(answer.status, 202);
    assert_string_equal(answer_text(&answer, "status"), "accepted");
    char url[200];
    snprintf(url, sizeof(url), "https://berth.example.net/api/v1/services/%s", answer_text(&answer, "id"));
    assert_string_equal(answer_text(&answer, "status_url"), url);
    assert_string_equal(answer_header(&answer, "Location"), url);
    assert_null(json_object_get(answer.json, "existing"));

    struct answer again = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    assert_int_equal(again.status, 200);
    assert_true(json_is_true(json_object_get(again.json, "existing")));
    assert_string_equal(answer_text(&again, "id"), answer_text(&answer, "id"));
    assert_string_equal(answer_text(&again, "customer_url"), answer_text(&answer, "customer_url"));

    const char *link = answer_text(&answer, "customer_url") + strlen("https://berth.example.net");
    struct answer page = fixture_ask(&fixture, "GET", link, "No-Token: 1\r\n", NULL);
    assert_int_equal(page.status, 410); /* created in 2023: expired by now */
    answer_finish(&page);
    answer_finish(&again);
    answer_finish(&answer);
}

#define CLIENT "\"client\":{\"id\":\"1\",\"email\":\"a@b.example\"}"
#define GOOD_END ",\"domain\":\"x.example\"," CLIENT "}"

/* What is sent, and the answer that a person gets. `says` is a part of the sentence. */
static const struct bad_order {
    const char *name, *headers, *body;
    int status;
    const char *slug, *field, *says;
} bad_orders[] = {
    { "nothing", "", "", 400, "not-json", "", "the body is empty: a JSON object is needed" },
    { "not JSON", "", "{\"product\": }", 400, "not-json", "", "line 1, column 13" },
    { "JSON with something behind", "", "{} x", 400, "not-json", "", "the body is not JSON" },
    { "twice the same field", "", "{\"domain\":\"a.example\",\"domain\":\"b.example\"}", 400, "not-json", "",
      "duplicate object key" },
    { "not UTF-8", "", "{\"product\":\"\xff\"}", 400, "not-json", "", "line 1" },
    { "a list", "", "[]", 422, "wrong-type", "", "the body must be a JSON object" },
    { "no fields", "", "{}", 422, "missing-field", "product", "the field product is missing" },
    { "a mistyped field", "", "{\"prodcut\":\"basic\"}", 422, "unknown-field", "prodcut",
      "the field prodcut is not known: did you mean product" },
    { "a field that is near nothing", "", "{\"xyzzy\":1}", 422, "unknown-field", "xyzzy",
      "known are product, domain, client, external_id, options" },
    { "product is a number", "", "{\"product\":1" GOOD_END, 422, "wrong-type", "product",
      "product must be a text, not a number" },
    { "product is null", "", "{\"product\":null" GOOD_END, 422, "missing-field", "product", "is missing" },
    { "product is empty", "", "{\"product\":\"\"" GOOD_END, 422, "bad-value", "product", "product is empty" },
    { "unknown product", "", "{\"product\":\"gold\"" GOOD_END, 422, "bad-value", "product",
      "there is no product \"gold\"" },
    { "no domain", "", "{\"product\":\"basic\"," CLIENT "}", 422, "missing-field", "domain", "domain is missing" },
    { "domain with a blank", "", "{\"product\":\"basic\",\"domain\":\"a b.example\"," CLIENT "}", 422, "bad-value",
      "domain", "a b.example" },
    { "domain of one label", "", "{\"product\":\"basic\",\"domain\":\"localhost\"," CLIENT "}", 422, "bad-value",
      "domain", "localhost" },
    { "domain is an IP address", "", "{\"product\":\"basic\",\"domain\":\"192.0.2.1\"," CLIENT "}", 422, "bad-value",
      "domain", "192.0.2.1" },
    { "client is a text", "", "{\"product\":\"basic\",\"domain\":\"x.example\",\"client\":\"me\"}", 422, "wrong-type",
      "client", "client must be an object, not a text" },
    { "client without e-mail", "", "{\"product\":\"basic\",\"domain\":\"x.example\",\"client\":{\"id\":\"1\"}}", 422,
      "missing-field", "client.email", "the field client.email is missing" },
    { "client with a wrong e-mail", "",
      "{\"product\":\"basic\",\"domain\":\"x.example\",\"client\":{\"id\":\"1\",\"email\":\"me\"}}", 422, "bad-value",
      "client.email", "client.email" },
    { "client with an unknown field", "",
      "{\"product\":\"basic\",\"domain\":\"x.example\",\"client\":{\"id\":\"1\",\"mail\":\"a@b.example\"}}", 422,
      "unknown-field", "client.mail", "did you mean client.email" },
    { "control character", "", "{\"product\":\"ba\\nsic\"" GOOD_END, 422, "bad-value", "product",
      "control character at position 3" },
    { "options are a list", "", "{\"product\":\"basic\",\"options\":[]" GOOD_END, 422, "wrong-type", "options",
      "options must be an object, not a list" },
    { "an Idempotency-Key with a blank", "Idempotency-Key: a b\r\n", "{\"product\":\"basic\"" GOOD_END, 400,
      "bad-header", "Idempotency-Key", "printable ASCII" },
    { "no token", "No-Token: 1\r\n", "{\"product\":\"basic\"" GOOD_END, 401, "no-token", "", "a token is needed" },
    { "another scheme", "Authorization: Basic YTpi\r\n", "{}", 401, "no-token", "", "must begin with \"Bearer \"" },
    { "half a token", "Authorization: Bearer berth_abc\r\n", "{}", 401, "wrong-token", "", "has 49 characters" },
    { "a token that nobody made", "Authorization: Bearer berth_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", "{}",
      401, "wrong-token", "", "not known here" },
};

static void check_bad_order(const struct bad_order *bad)
{
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/services", bad->headers, bad->body);
    char type[80];
    snprintf(type, sizeof(type), "urn:berth:problem:%s", bad->slug);
    if (answer.status != bad->status || strcmp(answer_text(&answer, "type"), type) != 0 ||
        strcmp(answer_text(&answer, "field"), bad->field) != 0 ||
        strstr(answer_text(&answer, "detail"), bad->says) == NULL)
        fail_msg("%s: got %d %s", bad->name, answer.status, answer.body);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/problem+json");
    assert_string_equal(answer_text(&answer, "instance"), "/api/v1/services");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "status")), bad->status);
    if (bad->status == 401)
        assert_non_null(answer_header(&answer, "WWW-Authenticate"));
    answer_finish(&answer);
}

static void bad_orders_are_refused_in_clear_words_and_change_nothing(void **state)
{
    (void)state;
    size_t before = count_services();
    for (size_t i = 0; i < ARRAY_LEN(bad_orders); i++)
        check_bad_order(&bad_orders[i]);
    assert_int_equal(count_services(), before);
}

static void a_domain_is_taken_once(void **state)
{
    (void)state;
    fixture_order(&fixture, "taken.example");
    CLEANUP(freep) char *body = order_body(NULL, "www.taken.example.", NULL);
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    assert_int_equal(answer.status, 409);
    assert_string_equal(answer_text(&answer, "type"), "urn:berth:problem:conflict");
    assert_string_equal(answer_text(&answer, "field"), "domain");
    answer_finish(&answer);
}

static struct answer post_bytes(size_t length, bool chunked)
{
    char *bytes = xcalloc(1, length + 1);
    memset(bytes, ' ', length);
    struct buf request = BUF_INIT;
    buf_addf(&request, "POST /api/v1/services HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n",
             fixture.token);
    if (chunked)
        buf_addf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", length);
    else
        buf_addf(&request, "Content-Length: %zu\r\n\r\n", length);
    buf_add(&request, bytes, length);
    if (chunked)
        buf_add_text(&request, "\r\n0\r\n\r\n");
    struct answer answer = fixture_send(&fixture, buf_text(&request), request.length);
    buf_finish(&request);
    free(bytes);
    return answer;
}

static void a_body_over_the_limit_is_refused(void **state)
{
    static const struct {
        size_t length;
        bool chunked;
        int want;
    } cases[] = { { 65536, false, 400 }, { 65537, false, 413 }, { 300000, false, 413 }, { 65537, true, 413 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer answer = post_bytes(cases[i].length, cases[i].chunked);
        if (answer.status != cases[i].want)
            fail_msg("%zu bytes: got %d", cases[i].length, answer.status);
        answer_finish(&answer);
    }
}

static void a_huge_body_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    char head[300];
    int length = snprintf(head, sizeof(head),
                          "POST /api/v1/services HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                          "Content-Length: 9000000000\r\n\r\n",
                          fixture.token);
    struct answer answer = fixture_send(&fixture, head, (size_t)length);
    assert_int_equal(answer.status, 413);
    assert_string_equal(answer_text(&answer, "type"), "urn:berth:problem:too-large");
    answer_finish(&answer);
}

static void what_the_engine_says_becomes_a_status(void **state)
{
    static const struct {
        enum err_code code;
        int want;
        bool retry_after;
    } cases[] = { { ERR_INVALID, 422, false }, { ERR_CONFLICT, 409, false }, { ERR_BUSY, 503, true },
                  { ERR_LOST, 503, true },     { ERR_IO, 503, true },        { ERR_BUG, 500, false } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        atomic_store(&fixture.refuse_with, (int)cases[i].code);
        CLEANUP(freep) char *body = order_body(NULL, "engine.example", NULL);
        struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
        if (answer.status != cases[i].want || (answer_header(&answer, "Retry-After") != NULL) != cases[i].retry_after)
            fail_msg("%s: got %d", err_code_name(cases[i].code), answer.status);
        assert_string_equal(answer_text(&answer, "detail"), "the engine says no.");
        answer_finish(&answer);
    }
    atomic_store(&fixture.refuse_with, ERR_NONE);
}

/* ---- a server that stops -------------------------------------------------------------------------------------------- */

static struct answer late;

static void *order_late(void *context)
{
    (void)context;
    CLEANUP(freep) char *body = order_body(NULL, "late.example", NULL);
    late = fixture_ask(&fixture, "POST", "/api/v1/services", "", body);
    return NULL;
}

static void who_waits_is_told_when_the_server_stops(void **state)
{
    (void)state;
    atomic_store(&fixture.engine_holds, true);
    int posted = atomic_load(&fixture.posted);
    pthread_t client;
    assert_int_equal(pthread_create(&client, NULL, order_late, NULL), 0);
    while (atomic_load(&fixture.posted) == posted)
        sched_yield();
    int64_t before_us = clock_measure_us();
    http_server_destroy(fixture.server);
    int64_t took_ms = (clock_measure_us() - before_us) / 1000;
    fixture.server = NULL;
    pthread_join(client, NULL);
    assert_int_equal(late.status, 503);
    assert_string_equal(answer_text(&late, "type"), "urn:berth:problem:stopping");
    assert_non_null(answer_header(&late, "Retry-After"));
    assert_true(took_ms < 1000);
    answer_finish(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_accepted_with_links),
        cmocka_unit_test(bad_orders_are_refused_in_clear_words_and_change_nothing),
        cmocka_unit_test(a_domain_is_taken_once),
        cmocka_unit_test(a_body_over_the_limit_is_refused),
        cmocka_unit_test(a_huge_body_is_refused_before_it_is_sent),
        cmocka_unit_test(what_the_engine_says_becomes_a_status),
        cmocka_unit_test(who_waits_is_told_when_the_server_stops),
    };
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
