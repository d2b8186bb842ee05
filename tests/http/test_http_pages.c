/* test_http_pages.c - the files of the pages, the staff's entry page, and what the customer's page carries for its script. */
#include "shared.h"

#include <stdlib.h>

static int64_t service_id;

static int begin(void **state)
{
    (void)state;
    fixture_init_with_pages(&fixture);
    service_id = fixture_order(&fixture, "shop.example");
    return 0;
}

static struct answer get(const char *path, const char *headers)
{
    CLEANUP(freep) char *all = xasprintf("No-Token: 1\r\n%s", headers);
    return fixture_ask(&fixture, "GET", path, all, NULL);
}

static struct answer get_of_customer(const char *tail, const char *headers)
{
    CLEANUP(freep) char *path = fixture_link(&fixture, service_id, 0, tail);
    return get(path, headers);
}

static void a_file_comes_from_memory_and_may_be_kept_for_ever(void **state)
{
    (void)state;
    struct answer answer = get("/assets/customer/main-Ab12.js", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "text/javascript; charset=utf-8");
    assert_non_null(strstr(answer_header(&answer, "Cache-Control"), "immutable"));
    assert_int_equal(strlen(answer.body), 2000);
    assert_null(answer_header(&answer, "Content-Encoding"));
    CLEANUP(freep) char *etag = xstrdup(answer_header(&answer, "ETag"));
    answer_finish(&answer);

    answer = get("/assets/customer/main-Ab12.js", "Accept-Encoding: br, gzip\r\n");
    assert_string_equal(answer_header(&answer, "Content-Encoding"), "gzip");
    assert_true(atoi(answer_header(&answer, "Content-Length")) < 200);
    answer_finish(&answer);

    CLEANUP(freep) char *known = xasprintf("If-None-Match: \"other\", W/%s\r\n", etag);
    answer = get("/assets/customer/main-Ab12.js", known);
    assert_int_equal(answer.status, 304);
    assert_string_equal(answer_header(&answer, "ETag"), etag);
    answer_finish(&answer);

    answer = get("/assets/customer/main-Cd34.css", "Accept-Encoding: gzip\r\n"); /* too small to be worth it */
    assert_null(answer_header(&answer, "Content-Encoding"));
    assert_string_equal(answer.body, "main{color:red}");
    answer_finish(&answer);
}

static void what_is_no_file_of_the_pages_is_not_there(void **state)
{
    static const char *const paths[] = {
        "/assets/",
        "/assets/customer",
        "/assets/customer/",
        "/assets/customer/manifest.json",
        "/assets/admin/admin.html",
        "/assets/customer/../admin/admin-Ef56.js",
        "/assets/customer/%2e%2e/berth.db",
        "/assets/../../berth.db",
        "/assets/customer/none.js",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct answer answer = get(paths[i], "");
        if (answer.status != 404)
            fail_msg("%s: %d %s", paths[i], answer.status, answer.body);
        answer_finish(&answer);
    }
}

static void every_address_of_the_staff_is_one_page(void **state)
{
    static const char *const paths[] = { "/admin", "/admin/", "/admin/services/17/tasks/4", "/admin/nodes" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct answer answer = get(paths[i], "");
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "<!doctype html><title>Berth</title>");
        const char *policy = answer_header(&answer, "Content-Security-Policy");
        assert_non_null(strstr(policy, "default-src 'none'; script-src 'self';"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_string_equal(answer_header(&answer, "Cache-Control"), "no-cache");
        answer_finish(&answer);
    }
    struct answer answer = get("/", "");
    assert_int_equal(answer.status, 302);
    assert_string_equal(answer_header(&answer, "Location"), "/admin");
    answer_finish(&answer);
}

static void the_customers_page_carries_its_script_and_its_state(void **state)
{
    (void)state;
    struct answer page = get_of_customer("", "");
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "<link rel=\"stylesheet\" href=\"/assets/customer/main-Cd34.css\">"));
    assert_non_null(strstr(page.body, "<script type=\"module\" src=\"/assets/customer/main-Ab12.js\"></script>"));
    assert_null(strstr(page.body, "<style"));
    assert_non_null(strstr(page.body, "<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"));
    const char *policy = answer_header(&page, "Content-Security-Policy");
    assert_non_null(strstr(policy, "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"));
    char *from = strstr(page.body, "id=\"state\">");
    assert_non_null(from);
    from += strlen("id=\"state\">");
    *strstr(from, "</script>") = '\0';
    json_t *embedded = json_loads(from, 0, NULL);
    assert_non_null(embedded);
    struct answer alone = get_of_customer("/state", "");
    assert_int_equal(alone.status, 200);
    assert_true(json_equal(embedded, alone.json));
    json_decref(embedded);
    answer_finish(&alone);
    answer_finish(&page);
}

static void a_state_that_has_not_changed_is_not_sent_again(void **state)
{
    (void)state;
    struct answer answer = get_of_customer("/state", "");
    CLEANUP(freep) char *known = xasprintf("If-None-Match: %s\r\n", answer_header(&answer, "ETag"));
    assert_string_equal(answer_text(&answer, "status"), "accepted");
    assert_string_equal(answer_text(&answer, "headline"), "We have your order for shop.example");
    assert_string_equal(answer_text(&answer, "tone"), "work");
    answer_finish(&answer);
    answer = get_of_customer("/state", known);
    assert_int_equal(answer.status, 304);
    assert_string_equal(answer.body, "");
    answer_finish(&answer);

    fixture_begin_writing(&fixture);
    fixture_add_event(&fixture, service_id, "service.accepted", "{}");
    fixture_end_writing(&fixture);
    answer = get_of_customer("/state", known);
    assert_int_equal(answer.status, 200);
    const json_t *activity = json_object_get(answer.json, "activity");
    assert_int_equal(json_array_size(activity), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(activity, 0), "text")), "We have your order");
    answer_finish(&answer);
}

static void a_link_that_is_none_has_no_state(void **state)
{
    (void)state;
    struct answer answer = get("/s/AAAA/state", "");
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(answer.body, "urn:berth:problem:not-found"));
    answer_finish(&answer);
    CLEANUP(freep) char *path = fixture_link(&fixture, 999, 0, "/state");
    answer = get(path, "");
    assert_int_equal(answer.status, 410);
    assert_non_null(strstr(answer.body, "urn:berth:problem:gone"));
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_from_memory_and_may_be_kept_for_ever),
        cmocka_unit_test(what_is_no_file_of_the_pages_is_not_there),
        cmocka_unit_test(every_address_of_the_staff_is_one_page),
        cmocka_unit_test(the_customers_page_carries_its_script_and_its_state),
        cmocka_unit_test(a_state_that_has_not_changed_is_not_sent_again),
        cmocka_unit_test(a_link_that_is_none_has_no_state),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
