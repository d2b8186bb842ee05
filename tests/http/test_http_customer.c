/* test_http_customer.c - the customer's page without scripts: what it says in each state, and what it never names. */
#include "shared.h"

#include <stdlib.h>

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
          { "has stopped", "does not answer yet", "Our staff can see this", "problem" },
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

static void the_page_of_a_live_service_tells_what_to_do(void **state)
{
    (void)state;
    set_service(SERVICE_LIVE, "", "");
    struct answer page = get_page(service_id);
    assert_non_null(strstr(page.body, "sh\xc3\xb6p.example is ready"));
    assert_non_null(strstr(page.body, "href=\"http://xn--shp-tna.example/\""));
    assert_non_null(strstr(page.body, "ns1.berth.example"));
    assert_null(strstr(page.body, "web1"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_where_the_setup_is_and_names_no_machine),
        cmocka_unit_test(the_page_of_a_live_service_tells_what_to_do),
        cmocka_unit_test(links_that_are_wrong_or_of_nothing_get_a_page_too),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
