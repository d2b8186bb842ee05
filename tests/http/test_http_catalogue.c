/* test_http_catalogue.c - what staff set up: nodes, products, groups, templates and settings. */
#include "shared.h"

/* ---- nodes and what is sold ---------------------------------------------------------------------------------------------------------- */

static void a_node_is_added_with_the_key_that_it_shows(void **state)
{
    (void)state;
    struct answer answer =
        fixture_ask(&fixture, "POST", "/api/v1/nodes", "",
                    "{\"name\":\"mx1\",\"address\":\"192.0.2.9\",\"roles\":[\"mail\"],\"groups\":[\"eu\"],"
                    "\"hostname\":\"mx1.example.net\",\"capacity_max\":10}");
    assert_int_equal(answer.status, 201);
    assert_memory_equal(answer_text(&answer, "host_key"), "ssh-ed25519 AAAA", 16);
    assert_memory_equal(answer_text(&answer, "fingerprint"), "SHA256:", 7);
    assert_string_equal(answer_text(&answer, "public_ip4"), "192.0.2.9");
    assert_string_equal(answer_text(&answer, "user"), "root");
    char path[60];
    snprintf(path, sizeof(path), "/api/v1/nodes/%s", answer_text(&answer, "id"));
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "PATCH", path, "", "{\"state\":\"draining\"}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "state"), "draining");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "capacity_max")), 10);
    answer_finish(&answer);
    strcat(path, "/test");
    answer = fixture_ask(&fixture, "POST", path, "", "");
    assert_true(json_is_true(json_object_get(answer.json, "ok")));
    assert_string_equal(answer_text(&answer, "facts.version"), "1.10.3");
    answer_finish(&answer);
}

static void a_host_key_is_shown_before_anything_is_stored(void **state)
{
    (void)state;
    int before = atomic_load(&fixture.posted);
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/nodes/scan", "", "{\"address\":\"192.0.2.9\"}");
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer_text(&answer, "host_key"), "ssh-ed25519 AAAA", 16);
    assert_memory_equal(answer_text(&answer, "fingerprint"), "SHA256:", 7);
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "POST", "/api/v1/nodes/scan", "", "{\"address\":\"192.0.2.9\",\"port\":2222}");
    assert_int_equal(answer.status, 502);
    assert_non_null(strstr(answer_text(&answer, "detail"), "connection refused"));
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "POST", "/api/v1/nodes/scan", "", "{\"address\":\"a b\"}");
    assert_int_equal(answer.status, 422);
    assert_string_equal(answer_text(&answer, "field"), "address");
    answer_finish(&answer);
    assert_int_equal(atomic_load(&fixture.posted), before);
}

static const char *record_text(const struct answer *answer, size_t index, const char *key)
{
    const json_t *text = json_object_get(json_array_get(json_object_get(answer->json, "records"), index), key);
    return json_is_string(text) ? json_string_value(text) : "";
}

static void a_template_is_shown_with_the_records_of_a_domain(void **state)
{
    (void)state;
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/zone-templates/preview", "",
                                       "{\"text\":\"@ NS {ns1}\\n@ 300 A {server_ip}\\n@ MX 10 mail.{domain}\","
                                       "\"domain\":\"www.M\u00fcnchen.example\"}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "domain"), "xn--mnchen-3ya.example");
    assert_true(json_is_true(json_object_get(answer.json, "examples")));
    assert_string_equal(record_text(&answer, 0, "value"), "ns1.example.net");
    assert_string_equal(record_text(&answer, 1, "value"), "192.0.2.10");
    assert_string_equal(record_text(&answer, 2, "value"), "mail.xn--mnchen-3ya.example");
    answer_finish(&answer);
    /* of a product: the nodes that there are, and nothing where there are none */
    answer = fixture_ask(&fixture, "POST", "/api/v1/zone-templates/preview", "",
                         "{\"text\":\"@ NS ns.example.net\\n@ A {server_ip}\\n@ AAAA {server_ip6}\","
                         "\"domain\":\"shop.example\",\"product\":\"basic\"}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(json_object_get(answer.json, "records")), 2);
    assert_string_equal(record_text(&answer, 1, "value"), "192.0.2.1");
    answer_finish(&answer);
    static const struct {
        const char *body, *field, *says;
    } wrong[] = {
        { "{\"text\":\"@ NS ns.example.net\\n@ AAA 1\",\"domain\":\"shop.example\"}", "template", "line 2" },
        { "{\"text\":\"@ NS ns.example.net\",\"domain\":\"shop\"}", "domain", "shop" },
        { "{\"text\":\"@ NS ns.example.net\",\"domain\":\"shop.example\",\"product\":\"no\"}", "product", "no" },
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        answer = fixture_ask(&fixture, "POST", "/api/v1/zone-templates/preview", "", wrong[i].body);
        assert_int_equal(answer.status, 422);
        assert_string_equal(answer_text(&answer, "field"), wrong[i].field);
        assert_non_null(strstr(answer_text(&answer, "detail"), wrong[i].says));
        answer_finish(&answer);
    }
}

static void products_groups_and_templates_come_back_as_they_were_sent(void **state)
{
    (void)state;
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/products", "",
                                       "{\"name\":\"big\",\"title\":\"Big\",\"group\":\"eu\",\"web\":{\"disk_mb\":5000}"
                                       ",\"mail\":{\"mailbox\":\"info\"}}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer_text(&answer, "group"), "eu");
    assert_string_equal(answer_text(&answer, "mail.mailbox"), "info");
    assert_null(json_object_get(answer.json, "dns"));
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "POST", "/api/v1/groups", "", "{\"name\":\"asia\"}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer_text(&answer, "title"), "asia");
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "PUT", "/api/v1/zone-templates/mine", "Content-Type: text/plain\r\n",
                         "@ NS {ns1}\n@ A {server_ip}\n");
    assert_int_equal(answer.status, 200);
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/zone-templates/mine");
    assert_string_equal(answer_text(&answer, "text"), "@ NS {ns1}\n@ A {server_ip}\n");
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/zone-templates");
    assert_int_equal(json_array_size(json_object_get(answer.json, "zone_templates")), 1);
    answer_finish(&answer);
}

/* ---- settings ------------------------------------------------------------------------------------------------------- */

static const json_t *setting_of(const struct answer *answer, const char *name)
{
    size_t i;
    const json_t *setting;
    json_array_foreach(json_object_get(answer->json, "settings"), i, setting)
    {
        if (strcmp(json_string_value(json_object_get(setting, "name")), name) == 0)
            return setting;
    }
    fail_msg("there is no setting %s in %s", name, answer->body);
    return NULL;
}

static void expect_setting(const struct answer *answer, const char *name, const char *want)
{
    CLEANUP(freep) char *got = json_dumps(setting_of(answer, name), JSON_COMPACT | JSON_SORT_KEYS);
    if (strcmp(got, want) != 0)
        fail_msg("%s: got\n%s\nwant\n%s", name, got, want);
}

static void settings_say_what_they_are(void **state)
{
    (void)state;
    struct answer answer = fixture_get(&fixture, "/api/v1/settings");
    assert_int_equal(answer.status, 200);
    expect_setting(&answer, "retry.first",
                   "{\"default\":\"4 s\",\"help\":\"the least pause before a task is tried again\",\"max\":\"1 h\","
                   "\"min\":\"100 ms\",\"name\":\"retry.first\",\"range\":\"100 ms to 1 h\",\"secret\":false,"
                   "\"set\":false,\"type\":\"duration\",\"unit\":\"s\",\"value\":\"4 s\"}");
    expect_setting(&answer, "ticket.priority",
                   "{\"choices\":[\"Low\",\"Medium\",\"High\"],\"default\":\"Medium\",\"help\":\"the priority of new "
                   "tickets\",\"name\":\"ticket.priority\",\"range\":\"Low, Medium, High\",\"secret\":false,"
                   "\"set\":false,\"type\":\"choice\",\"unit\":\"\",\"value\":\"Medium\"}");
    expect_setting(&answer, "notify.webhook_secret",
                   "{\"help\":\"the key that webhooks are signed with\",\"name\":\"notify.webhook_secret\","
                   "\"range\":\"at most 255 bytes\",\"secret\":true,\"set\":false,\"type\":\"text\",\"unit\":\"\"}");
    assert_int_equal(json_integer_value(json_object_get(setting_of(&answer, "retry.attempts"), "value")), 12);
    assert_true(json_is_false(json_object_get(setting_of(&answer, "ticket.enabled"), "value")));
    answer_finish(&answer);
}

static void changed_settings_are_shown_and_recorded_without_secrets(void **state)
{
    (void)state;
    struct answer answer = fixture_ask(&fixture, "PATCH", "/api/v1/settings", "",
                                       "{\"retry.first\":10,\"retry.factor\":2.5,\"ticket.channel\":\"mail\","
                                       "\"notify.smtp_password\":\"hunter2hunter2\"}");
    assert_int_equal(answer.status, 200);
    assert_null(strstr(answer.body, "hunter2"));
    const json_t *first = setting_of(&answer, "retry.first");
    assert_string_equal(json_string_value(json_object_get(first, "value")), "10 s");
    assert_true(json_is_true(json_object_get(first, "set")));
    assert_true(json_real_value(json_object_get(setting_of(&answer, "retry.factor"), "value")) == 2.5);
    assert_true(json_is_true(json_object_get(setting_of(&answer, "notify.smtp_password"), "set")));
    answer_finish(&answer);

    answer = fixture_get(&fixture, "/api/v1/settings/changes?limit=2");
    assert_int_equal(answer.status, 200);
    json_t *changes = json_object_get(answer.json, "changes");
    assert_int_equal(json_array_size(changes), 2);
    json_t *newest = json_array_get(changes, 0);
    assert_string_equal(json_string_value(json_object_get(newest, "name")), "notify.smtp_password");
    assert_string_equal(json_string_value(json_object_get(newest, "to")), "(changed)");
    assert_string_equal(json_string_value(json_object_get(newest, "who")), "admin (token 1)");
    assert_string_equal(json_string_value(json_object_get(newest, "at")), "2023-11-14T22:13:20.000Z");
    char path[80];
    snprintf(path, sizeof(path), "/api/v1/settings/changes?cursor=%s", answer_text(&answer, "next_cursor"));
    answer_finish(&answer);
    answer = fixture_get(&fixture, path);
    assert_int_equal(json_array_size(json_object_get(answer.json, "changes")), 2);
    assert_true(json_is_null(json_object_get(answer.json, "next_cursor")));
    answer_finish(&answer);

    answer = fixture_ask(&fixture, "PATCH", "/api/v1/settings", "", "{\"retry.first\":null}");
    expect_setting(&answer, "retry.first",
                   "{\"default\":\"4 s\",\"help\":\"the least pause before a task is tried again\",\"max\":\"1 h\","
                   "\"min\":\"100 ms\",\"name\":\"retry.first\",\"range\":\"100 ms to 1 h\",\"secret\":false,"
                   "\"set\":false,\"type\":\"duration\",\"unit\":\"s\",\"value\":\"4 s\"}");
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_added_with_the_key_that_it_shows),
        cmocka_unit_test(a_host_key_is_shown_before_anything_is_stored),
        cmocka_unit_test(a_template_is_shown_with_the_records_of_a_domain),
        cmocka_unit_test(products_groups_and_templates_come_back_as_they_were_sent),
        cmocka_unit_test(settings_say_what_they_are),
        cmocka_unit_test(changed_settings_are_shown_and_recorded_without_secrets),
    };
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
