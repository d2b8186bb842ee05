/* test_http_world.c - what the world sees of a service, in the API and for the customer's page. */
#include "shared.h"

#include <stdlib.h>

#include "http/world_view.h"

static int64_t service_id;

static int begin(void **state)
{
    fixture_begin(state);
    service_id = fixture_order(&fixture, "sh\xc3\xb6p.example");
    fixture_begin_writing(&fixture);
    fixture_add_account(&fixture, service_id, fixture.node_id, ROLE_BIT(ROLE_WEB));
    fixture_add_account(&fixture, service_id, fixture_add_name_server(&fixture), ROLE_BIT(ROLE_DNS));
    fixture_set_status(&fixture, service_id, SERVICE_LIVE);
    fixture_end_writing(&fixture);
    return 0;
}

static void put_sight(enum ssl_state state, int64_t next_ms, const char *const (*facts)[2], size_t count)
{
    struct err err;
    char domain[] = "xn--shp-tna.example";
    struct ssl_request request = { service_id, domain, state, next_ms };
    fixture_begin_writing(&fixture);
    must(store_put_ssl_request(fixture.store, &request, &err));
    for (size_t i = 0; i < count; i++) {
        CLEANUP(freep) char *key = xstrdup(facts[i][0]);
        CLEANUP(freep) char *value = xstrdup(facts[i][1]);
        struct stored_fact fact = { .service_id = service_id, .key = key, .value = value };
        must(store_put_fact(fixture.store, &fact, &err));
    }
    fixture_end_writing(&fixture);
}

static void expect_part(const struct answer *answer, const char *key, const char *want)
{
    char *text = json_dumps(json_object_get(answer->json, key), JSON_COMPACT | JSON_ENCODE_ANY);
    if (strcmp(text, want) != 0)
        fail_msg("%s is\n%s\nnot\n%s", key, text, want);
    free(text);
}

static void expect_json(json_t *json, const char *want)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (strcmp(text, want) != 0)
        fail_msg("got\n%s\nwant\n%s", text, want);
    free(text);
}

/* What belongs on the customer's page. */
static void expect_panel(const char *dns, const char *ssl, const char *word)
{
    struct err err;
    struct service service;
    struct account *accounts;
    size_t count;
    struct catalogue catalogue;
    struct world_view view;
    pthread_mutex_lock(&fixture.lock);
    must(store_get_service(fixture.store, service_id, &service, &err));
    must(store_list_accounts(fixture.store, service_id, &accounts, &count, &err));
    must(catalogue_load(fixture.store, CATALOGUE_NODES, &catalogue, &err));
    must(world_view_load(fixture.store, &service, accounts, count, &catalogue, &view, &err));
    pthread_mutex_unlock(&fixture.lock);
    expect_json(world_view_panel_dns(&view), dns);
    expect_json(world_view_panel_ssl(&view), ssl);
    assert_string_equal(world_view_ssl_word(&view), word);
    world_view_finish(&view);
    catalogue_finish(&catalogue);
    accounts_free(accounts, count);
    service_finish(&service);
}

static void what_the_world_sees_is_shown(void **state)
{
    static const char *const before[][2] = {
        { "world.seen", "partly" },
        { "world.ns_seen", "no" },
        { "world.a_seen", "partly" },
        { "world.ns", "[\"ns1.old.example\"]" },
        { "world.a", "[\"192.0.2.1\",\"198.51.100.1\"]" },
        { "world.why", "192.0.2.99 port 53: no answer in time" },
        { "world.looked_at", "1700000001000" },
    };
    static const char *const after[][2] = {
        { "world.seen", "yes" },
        { "world.ns_seen", "yes" },
        { "world.a_seen", "yes" },
        { "world.ns", "[\"ns1.berth.example\"]" },
        { "world.a", "[\"192.0.2.1\"]" },
        { "world.why", "" },
        { "world.looked_at", "1700000009000" },
    };
    (void)state;
    put_sight(SSL_SEEDED, 1700000001000, NULL, 0);
    expect_panel("{\"seen\":\"unknown\",\"found\":[],\"looked_at\":null,\"next_look_at\":\"2023-11-14T22:13:21.000Z\"}",
                 "{\"state\":\"waiting\",\"record\":\"A sh\xc3\xb6p.example\",\"expected\":\"192.0.2.1\","
                 "\"seen\":\"unknown\",\"found\":[],\"looked_at\":null,\"next_look_at\":\"2023-11-14T22:13:21.000Z\"}",
                 "waiting");
    put_sight(SSL_WAITING_DNS, 1700000005000, before, ARRAY_LEN(before));
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    expect_part(
        &answer, "world",
        "{\"seen\":\"partly\",\"reason\":\"192.0.2.99 port 53: no answer in time\",\"found\":[\"ns1.old.example\"],"
        "\"expected\":[\"ns1.berth.example\"],\"looked_at\":\"2023-11-14T22:13:21.000Z\","
        "\"next_look_at\":\"2023-11-14T22:13:25.000Z\"}");
    expect_part(&answer, "ssl",
                "{\"state\":\"waiting-dns\",\"record\":\"A sh\xc3\xb6p.example\",\"expected\":\"192.0.2.1\","
                "\"seen\":\"partly\",\"found\":[\"192.0.2.1\",\"198.51.100.1\"],"
                "\"looked_at\":\"2023-11-14T22:13:21.000Z\",\"next_look_at\":\"2023-11-14T22:13:25.000Z\"}");
    answer_finish(&answer);
    put_sight(SSL_SEEDED, 0, after, ARRAY_LEN(after));
    answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    expect_part(
        &answer, "world",
        "{\"seen\":\"yes\",\"reason\":null,\"found\":[\"ns1.berth.example\"],\"expected\":[\"ns1.berth.example\"],"
        "\"looked_at\":\"2023-11-14T22:13:29.000Z\",\"next_look_at\":null}");
    answer_finish(&answer);
    put_sight(SSL_UNWANTED, 0, after, ARRAY_LEN(after));
    answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    assert_true(json_is_null(json_object_get(answer.json, "ssl")));
    answer_finish(&answer);
}

static void nothing_is_said_before_it_is_live(void **state)
{
    (void)state;
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    expect_part(&answer, "world", "null");
    expect_part(&answer, "ssl", "null");
    answer_finish(&answer);
}

/* Nobody looks: no next look is promised. */
static void no_look_is_promised_while_they_are_switched_off(void **state)
{
    struct err err;
    char name[] = "world.enabled", value[] = "false";
    struct stored_setting off = { .name = name, .value = value };
    (void)state;
    put_sight(SSL_WAITING_DNS, 1700000005000, NULL, 0);
    fixture_begin_writing(&fixture);
    must(store_put_setting(fixture.store, &off, &err));
    fixture_end_writing(&fixture);
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    assert_true(json_is_null(json_object_get(json_object_get(answer.json, "world"), "next_look_at")));
    assert_true(json_is_null(json_object_get(json_object_get(answer.json, "ssl"), "next_look_at")));
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_it_is_live),
        cmocka_unit_test(what_the_world_sees_is_shown),
        cmocka_unit_test(no_look_is_promised_while_they_are_switched_off),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
