/* test_http_staff.c - who may do what: people log in, roles allow and forbid, tokens are made and revoked, all is recorded. */
#include "shared.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>

#include "http/auth.h"
#include "http/route.h"

#define JSON "Content-Type: application/json\r\n"
#define HOUR_MS (3600LL * 1000)

/* A session as a browser has it. */
struct browser {
    char cookie[128], csrf[64];
};

static int64_t add_person(const char *name, const char *role)
{
    CLEANUP(freep)
    char *body = xasprintf("{\"name\":\"%s\",\"role\":\"%s\",\"password\":\"%s-has-a-secret\"}", name, role, name);
    struct answer answer = fixture_ask(&fixture, "POST", "/api/v1/staff", "", body);
    if (answer.status != 201)
        fail_msg("%s: %d %s", name, answer.status, answer.body);
    assert_string_equal(answer_text(&answer, "role"), role);
    assert_null(strstr(answer.body, "argon2"));
    int64_t id = strtoll(answer_text(&answer, "id"), NULL, 10);
    answer_finish(&answer);
    return id;
}

static struct answer log_in(const char *name, const char *password, const char *address)
{
    CLEANUP(freep) char *body = xasprintf("{\"name\":\"%s\",\"password\":\"%s\"}", name, password);
    CLEANUP(freep) char *headers = xasprintf(JSON "No-Token: 1\r\nX-Forwarded-For: 198.51.100.99, %s\r\n", address);
    return fixture_ask(&fixture, "POST", "/api/v1/session", headers, body);
}

static struct browser open_browser(const char *name)
{
    struct browser browser;
    CLEANUP(freep) char *password = xasprintf("%s-has-a-secret", name);
    struct answer answer = log_in(name, password, "192.0.2.200");
    if (answer.status != 200)
        fail_msg("%s cannot log in: %d %s", name, answer.status, answer.body);
    const char *cookie = answer_header(&answer, "Set-Cookie");
    assert_non_null(cookie);
    snprintf(browser.cookie, sizeof(browser.cookie), "%.*s", (int)strcspn(cookie, ";"), cookie);
    snprintf(browser.csrf, sizeof(browser.csrf), "%s", answer_text(&answer, "csrf"));
    answer_finish(&answer);
    return browser;
}

/* @param csrf NULL: none is sent */
static struct answer browse(const struct browser *browser, const char *csrf, const char *method, const char *path,
                            const char *body)
{
    CLEANUP(freep)
    char *headers = xasprintf(JSON "No-Token: 1\r\nCookie: theme=dark; %s\r\n%s%s%s", browser->cookie,
                              csrf == NULL ? "" : "Berth-CSRF: ", csrf == NULL ? "" : csrf, csrf == NULL ? "" : "\r\n");
    return fixture_ask(&fixture, method, path, headers, body);
}

static void expect(struct answer answer, int status, const char *says)
{
    if (answer.status != status || strstr(answer.body, says) == NULL)
        fail_msg("got %d %s, want %d with \"%s\"", answer.status, answer.body, status, says);
    answer_finish(&answer);
}

/* The newest line of the record. */
static void expect_audit(const char *who, const char *action, const char *target, const char *detail)
{
    struct answer answer = fixture_get(&fixture, "/api/v1/audit?limit=1");
    const json_t *entry = json_array_get(json_object_get(answer.json, "entries"), 0);
    CLEANUP(freep) char *got = json_dumps(entry, JSON_SORT_KEYS);
    const char *const wants[][2] = { { "who", who }, { "action", action }, { "target", target }, { "detail", detail } };
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        const char *is = json_string_value(json_object_get(entry, wants[i][0]));
        if (is == NULL || strcmp(is, wants[i][1]) != 0)
            fail_msg("%s is not \"%s\" in %s", wants[i][0], wants[i][1], got);
    }
    answer_finish(&answer);
}

/* ---- sessions ----------------------------------------------------------------------------------------------------------- */

static void a_person_logs_in_and_out(void **state)
{
    (void)state;
    int64_t id = add_person("ada", "owner");
    struct answer answer = log_in("ada", "ada-has-a-secret", "192.0.2.1");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "kind"), "staff");
    assert_string_equal(answer_text(&answer, "name"), "ada");
    assert_string_equal(answer_text(&answer, "role"), "owner");
    assert_int_equal(strlen(answer_text(&answer, "csrf")), 32);
    const char *cookie = answer_header(&answer, "Set-Cookie");
    assert_non_null(strstr(cookie, "berth_session="));
    assert_non_null(strstr(cookie, "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"));
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
    answer_finish(&answer);
    CLEANUP(freep) char *who = xasprintf("ada (staff %lld)", (long long)id);
    expect_audit(who, "session.open", "", "");

    struct browser browser = open_browser("ada"), other = open_browser("ada");
    answer = browse(&browser, NULL, "GET", "/api/v1/session", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "csrf"), browser.csrf);
    assert_true(answer_text(&answer, "version")[0] != '\0');
    answer_finish(&answer);
    assert_string_not_equal(browser.csrf, other.csrf);

    answer = browse(&browser, browser.csrf, "DELETE", "/api/v1/session", NULL);
    assert_int_equal(answer.status, 204);
    assert_non_null(strstr(answer_header(&answer, "Set-Cookie"), "berth_session=; Path=/; Max-Age=0"));
    answer_finish(&answer);
    expect_audit(who, "session.close", "", "");
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 401, "no-session");
    expect(browse(&other, NULL, "GET", "/api/v1/session", NULL), 200, "ada");
    expect(fixture_ask(&fixture, "GET", "/api/v1/session", "No-Token: 1\r\n", NULL), 401, "no-token");
    expect(fixture_get(&fixture, "/api/v1/session"), 200, "\"kind\":\"token\"");
    expect(fixture_ask(&fixture, "DELETE", "/api/v1/session", "", NULL), 409, "this is a token");
}

static void a_wrong_login_does_not_say_what_is_wrong(void **state)
{
    (void)state;
    add_person("bea", "viewer");
    struct answer wrong = log_in("bea", "not-her-secret", "192.0.2.2");
    struct answer nobody = log_in("nobody", "not-her-secret", "192.0.2.2");
    assert_int_equal(wrong.status, 401);
    assert_non_null(strstr(wrong.body, "wrong-login"));
    assert_string_equal(wrong.body, nobody.body);
    assert_null(answer_header(&wrong, "Set-Cookie"));
    answer_finish(&wrong);
    answer_finish(&nobody);
    expect(fixture_ask(&fixture, "POST", "/api/v1/session", "No-Token: 1\r\nContent-Type: text/plain\r\n",
                       "{\"name\":\"bea\",\"password\":\"bea-has-a-secret\"}"),
           400, "Content-Type");
    expect(fixture_ask(&fixture, "POST", "/api/v1/session", "No-Token: 1\r\n" JSON, "{\"name\":\"bea\"}"), 422,
           "password");
}

static void guessing_is_slowed_down(void **state)
{
    (void)state;
    add_person("cyd", "viewer");
    for (int i = 0; i < 5; i++)
        expect(log_in("cyd", "guess", "192.0.2.3"), 401, "wrong-login");
    struct answer answer = log_in("cyd", "cyd-has-a-secret", "192.0.2.4"); /* the name, wherever it comes from */
    assert_int_equal(answer.status, 429);
    assert_non_null(strstr(answer.body, "too-many-logins"));
    int64_t wait_s = strtoll(answer_header(&answer, "Retry-After"), NULL, 10);
    assert_in_range(wait_s, 1, 2);
    answer_finish(&answer);
    fixture_wait(&fixture, 1000 * wait_s);
    expect(log_in("cyd", "cyd-has-a-secret", "192.0.2.4"), 200, "cyd");
    for (int i = 0; i < 5; i++) /* all was forgotten */
        expect(log_in("cyd", "guess", "192.0.2.3"), 401, "wrong-login");

    for (int i = 0; i < 20; i++) { /* the address, whatever the name: ten have failed already */
        CLEANUP(freep) char *name = xasprintf("name-%d", i);
        expect(log_in(name, "guess", "192.0.2.3"), 401, "wrong-login");
    }
    expect(log_in("somebody", "guess", "192.0.2.3"), 429, "too-many-logins");
    expect(log_in("somebody", "guess", "192.0.2.5"), 401, "wrong-login");
    fixture_wait(&fixture, 600000);
    expect(log_in("somebody", "guess", "192.0.2.3"), 401, "wrong-login");
}

static void a_session_writes_only_with_its_value(void **state)
{
    (void)state;
    add_person("dan", "owner");
    struct browser browser = open_browser("dan"), other = open_browser("dan");
    const char *group = "{\"name\":\"us\"}";
    expect(browse(&browser, NULL, "POST", "/api/v1/groups", group), 403, "urn:berth:problem:csrf");
    expect(browse(&browser, "", "POST", "/api/v1/groups", group), 403, "urn:berth:problem:csrf");
    expect(browse(&browser, other.csrf, "POST", "/api/v1/groups", group), 403, "urn:berth:problem:csrf");
    expect(browse(&browser, browser.csrf, "POST", "/api/v1/groups", group), 201, "us");
    expect(browse(&browser, NULL, "GET", "/api/v1/groups", NULL), 200, "us");
}

static void a_session_ends_when_it_is_not_used_and_when_it_is_old(void **state)
{
    (void)state;
    add_person("eve", "viewer");
    struct browser browser = open_browser("eve");
    int posted = atomic_load(&fixture.posted);
    fixture_wait(&fixture, 9 * 60000);
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 200, "eve");
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 200, "eve");
    assert_int_equal(atomic_load(&fixture.posted), posted); /* its use is written seldom */
    for (int hours = 0; hours < 48; hours += 11) {
        fixture_wait(&fixture, 11 * HOUR_MS);
        expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 200, "eve");
        expect(fixture_ask(&fixture, "POST", "/api/v1/groups", "", "{\"name\":\"us\"}"), 409, ""); /* it was written */
    }
    fixture_wait(&fixture, 12 * HOUR_MS);
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 401, "no-session");

    browser = open_browser("eve");
    for (int hours = 0; hours < 30 * 24 - 11; hours += 11) {
        fixture_wait(&fixture, 11 * HOUR_MS);
        expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 200, "eve");
        expect(fixture_ask(&fixture, "POST", "/api/v1/groups", "", "{\"name\":\"us\"}"), 409, "");
    }
    fixture_wait(&fixture, 11 * HOUR_MS);
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 401, "no-session");
}

static void a_changed_password_ends_the_other_sessions(void **state)
{
    (void)state;
    add_person("fay", "viewer");
    struct browser browser = open_browser("fay"), other = open_browser("fay");
    const char *path = "/api/v1/session/password";
    expect(browse(&browser, browser.csrf, "PUT", path, "{\"old\":\"guess\",\"new\":\"a-better-secret\"}"), 422,
           "old password");
    expect(browse(&browser, browser.csrf, "PUT", path, "{\"old\":\"fay-has-a-secret\",\"new\":\"short\"}"), 422, "10");
    expect(browse(&other, NULL, "GET", "/api/v1/session", NULL), 200, "fay");
    expect(browse(&browser, browser.csrf, "PUT", path, "{\"old\":\"fay-has-a-secret\",\"new\":\"a-better-secret\"}"),
           204, "");
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 200, "fay");
    expect(browse(&other, NULL, "GET", "/api/v1/session", NULL), 401, "no-session");
    expect(log_in("fay", "fay-has-a-secret", "192.0.2.6"), 401, "wrong-login");
    expect(log_in("fay", "a-better-secret", "192.0.2.6"), 200, "fay");
}

/* ---- roles -------------------------------------------------------------------------------------------------------------- */

static void fill_path(const char *pattern, char path[100])
{
    size_t length = 0;
    for (const char *at = pattern; *at != '\0'; at++) {
        const char *filling = strncmp(at, "{id}", 4) == 0 ? "999999" : strncmp(at, "{name}", 6) == 0 ? "nothing" : NULL;
        if (filling == NULL) {
            path[length++] = *at;
            continue;
        }
        length += (size_t)snprintf(path + length, 100 - length, "%s", filling);
        at = strchr(at, '}');
    }
    path[length] = '\0';
}

static void each_role_may_do_what_the_table_says(void **state)
{
    char tokens[STAFF_ROLE_COUNT][TOKEN_LENGTH + 1];
    (void)state;
    fixture_begin_writing(&fixture);
    for (size_t role = 0; role < STAFF_ROLE_COUNT; role++)
        fixture_add_token(&fixture, staff_role_name((enum staff_role)role), (enum staff_role)role, tokens[role]);
    fixture_end_writing(&fixture);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        const char *body = strcmp(route->method, "GET") == 0 ? NULL : "{}";
        char path[100];
        fill_path(route->pattern, path);
        int status = fixture_status(&fixture, route->method, path, JSON "No-Token: 1\r\n", body);
        if (route->access != ACCESS_OPEN && status != 401)
            fail_msg("%s %s by nobody: %d", route->method, path, status);
        for (size_t role = 0; role < STAFF_ROLE_COUNT && route->access != ACCESS_OPEN; role++) {
            CLEANUP(freep) char *headers = xasprintf(JSON "Authorization: Bearer %s\r\n", tokens[role]);
            bool may = role >= (size_t)route->access - ACCESS_VIEWER;
            status = fixture_status(&fixture, route->method, path, headers, body);
            if (may ? status == 401 || status == 403 : status != 403)
                fail_msg("%s %s by a %s: %d", route->method, path, staff_role_name((enum staff_role)role), status);
        }
    }
}

static void what_a_role_forbids_is_said_in_a_sentence(void **state)
{
    (void)state;
    add_person("gil", "viewer");
    add_person("hal", "operator");
    struct browser viewer = open_browser("gil"), worker = open_browser("hal");
    CLEANUP(freep) char *order = order_body(NULL, "gil.example", NULL);
    expect(browse(&viewer, viewer.csrf, "POST", "/api/v1/services", order), 403,
           "this needs the role operator or owner, but gil has the role viewer.");
    expect(browse(&viewer, viewer.csrf, "POST", "/api/v1/groups", "{\"name\":\"x\"}"), 403,
           "urn:berth:problem:forbidden");
    expect(browse(&worker, worker.csrf, "POST", "/api/v1/groups", "{\"name\":\"x\"}"), 403,
           "this needs the role owner, but hal has the role operator.");
    expect(browse(&worker, worker.csrf, "POST", "/api/v1/services", order), 202, "");
}

/* The customer's link opens the passwords: it would make an operator of whoever may only look. */
static void a_viewer_does_not_get_the_customers_link(void **state)
{
    (void)state;
    add_person("uma", "viewer");
    add_person("vic", "operator");
    struct browser viewer = open_browser("uma"), worker = open_browser("vic");
    CLEANUP(freep) char *order = order_body(NULL, "uma.example", NULL);
    struct answer answer = browse(&worker, worker.csrf, "POST", "/api/v1/services", order);
    CLEANUP(freep) char *path = xasprintf("/api/v1/services/%s", answer_text(&answer, "id"));
    CLEANUP(freep) char *link = xstrdup(strstr(answer_text(&answer, "customer_url"), "/s/"));
    answer_finish(&answer);
    expect(browse(&worker, NULL, "GET", path, NULL), 200, link);
    answer = browse(&viewer, NULL, "GET", path, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(json_is_null(json_object_get(answer.json, "customer_url")));
    assert_null(strstr(answer.body, link));
    answer_finish(&answer);
}

static void a_person_is_changed_at_once(void **state)
{
    char path[100];
    (void)state;
    add_person("ida", "owner");
    int64_t second = add_person("jon", "owner");
    expect(fixture_ask(&fixture, "POST", "/api/v1/staff", "",
                       "{\"name\":\"ida\",\"role\":\"viewer\",\"password\":\"0123456789\"}"),
           409, "ida");
    expect(fixture_ask(&fixture, "POST", "/api/v1/staff", "",
                       "{\"name\":\"kay\",\"role\":\"king\",\"password\":\"0123456789\"}"),
           422, "viewer, operator or owner");
    expect(fixture_ask(&fixture, "POST", "/api/v1/staff", "",
                       "{\"name\":\"kay\",\"role\":\"viewer\",\"password\":\"012345678\"}"),
           422, "10 to 200");
    struct browser browser = open_browser("jon");
    snprintf(path, sizeof(path), "/api/v1/staff/%lld", (long long)second);
    expect(fixture_ask(&fixture, "PATCH", path, "", "{\"role\":\"viewer\"}"), 200, "\"role\":\"viewer\"");
    expect(browse(&browser, browser.csrf, "POST", "/api/v1/groups", "{\"name\":\"z\"}"), 403,
           "forbidden"); /* at once */
    CLEANUP(freep) char *target = xasprintf("staff %lld jon", (long long)second);
    expect_audit("admin (token 1)", "staff.set", target, "viewer");
    expect(fixture_ask(&fixture, "PATCH", path, "", "{\"password\":\"another-secret\"}"), 200, "jon");
    expect_audit("admin (token 1)", "staff.set", target, "new password");
    expect(browse(&browser, NULL, "GET", "/api/v1/session", NULL), 401, "no-session");
    expect(log_in("jon", "another-secret", "192.0.2.7"), 200, "jon");
    expect(fixture_ask(&fixture, "PATCH", path, "", "{\"disabled\":true}"), 200, "\"disabled\":true");
    expect(log_in("jon", "another-secret", "192.0.2.7"), 401, "wrong-login");
    expect(fixture_ask(&fixture, "PATCH", path, "", "{\"disabled\":\"no\"}"), 422, "true or false");
    expect(fixture_ask(&fixture, "PATCH", path, "", "{}"), 422, "say what to change");
    expect(fixture_ask(&fixture, "PATCH", "/api/v1/staff/999", "", "{\"disabled\":true}"), 404, "no such person");
}

static void a_password_is_stored_only_as_argon2id(void **state)
{
    struct staff staff;
    struct err err;
    (void)state;
    int64_t id = add_person("pia", "viewer");
    fixture_begin_writing(&fixture);
    must(store_get_staff(fixture.store, id, &staff, &err));
    fixture_end_writing(&fixture);
    assert_memory_equal(staff.password, "$argon2id$v=19$m=", 17);
    assert_null(strstr(staff.password, "pia-has-a-secret"));
    assert_int_equal(crypto_pwhash_str_verify(staff.password, "pia-has-a-secret", 16), 0);
    staff_finish(&staff);
}

static void the_only_owner_can_neither_be_disabled_nor_demoted(void **state)
{
    (void)state;
    struct fixture alone;
    fixture_init(&alone);
    expect(fixture_ask(&alone, "POST", "/api/v1/staff", "",
                       "{\"name\":\"ada\",\"role\":\"owner\",\"password\":\"ada-has-a-secret\"}"),
           201, "ada");
    expect(fixture_ask(&alone, "PATCH", "/api/v1/staff/1", "", "{\"role\":\"operator\"}"), 409, "only owner");
    expect(fixture_ask(&alone, "PATCH", "/api/v1/staff/1", "", "{\"disabled\":true}"), 409, "only owner");
    expect(fixture_ask(&alone, "POST", "/api/v1/staff", "",
                       "{\"name\":\"bob\",\"role\":\"owner\",\"password\":\"bob-has-a-secret\"}"),
           201, "bob");
    expect(fixture_ask(&alone, "PATCH", "/api/v1/staff/1", "", "{\"disabled\":true}"), 200, "ada");
    expect(fixture_ask(&alone, "PATCH", "/api/v1/staff/2", "", "{\"role\":\"viewer\"}"), 409, "only owner");
    fixture_finish(&alone);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------- */

static void a_token_is_shown_once_and_works_until_it_is_revoked(void **state)
{
    char headers[200], path[100];
    (void)state;
    struct answer answer =
        fixture_ask(&fixture, "POST", "/api/v1/tokens", "", "{\"name\":\"whmcs\",\"role\":\"operator\"}");
    assert_int_equal(answer.status, 201);
    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", answer_text(&answer, "token"));
    snprintf(path, sizeof(path), "/api/v1/tokens/%s", answer_text(&answer, "id"));
    CLEANUP(freep) char *target = xasprintf("token %s whmcs", answer_text(&answer, "id"));
    CLEANUP(freep) char *text = xstrdup(answer_text(&answer, "token"));
    answer_finish(&answer);
    expect_audit("admin (token 1)", "token.add", target, "operator");
    expect(fixture_ask(&fixture, "GET", "/api/v1/session", headers, NULL), 200, "\"role\":\"operator\"");
    answer = fixture_get(&fixture, "/api/v1/tokens");
    assert_non_null(strstr(answer.body, "\"name\":\"whmcs\",\"role\":\"operator\""));
    assert_null(strstr(answer.body, text));
    answer_finish(&answer);
    expect(fixture_ask(&fixture, "DELETE", path, "", NULL), 204, "");
    expect_audit("admin (token 1)", "token.revoke", target, "");
    expect(fixture_ask(&fixture, "GET", "/api/v1/session", headers, NULL), 401, "revoked"); /* at once */
    expect(fixture_ask(&fixture, "DELETE", "/api/v1/tokens/999", "", NULL), 404, "no such token");
}

/* By another program on the same database. */
static void a_token_revoked_elsewhere_is_refused_soon(void **state)
{
    struct err err;
    char text[TOKEN_LENGTH + 1], headers[200];
    struct api_token *tokens = NULL;
    size_t count = 0;
    (void)state;
    fixture_begin_writing(&fixture);
    fixture_add_token(&fixture, "elsewhere", STAFF_VIEWER, text);
    fixture_end_writing(&fixture);
    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", text);
    expect(fixture_ask(&fixture, "GET", "/api/v1/session", headers, NULL), 200, "elsewhere");
    fixture_begin_writing(&fixture);
    must(store_list_tokens(fixture.store, &tokens, &count, &err));
    must(store_revoke_token(fixture.store, tokens[count - 1].id, 1, &err));
    fixture_end_writing(&fixture);
    api_tokens_free(tokens, count);
    fixture_wait(&fixture, AUTH_CACHE_MS);
    expect(fixture_ask(&fixture, "GET", "/api/v1/session", headers, NULL), 401, "revoked");
}

/* ---- the record --------------------------------------------------------------------------------------------------------- */

static void what_was_done_is_recorded_under_a_name(void **state)
{
    char path[100];
    (void)state;
    int64_t staff_id = add_person("lea", "owner");
    struct browser browser = open_browser("lea");
    CLEANUP(freep) char *who = xasprintf("lea (staff %lld)", (long long)staff_id);
    int64_t service = fixture_order(&fixture, "by-token.example");
    expect_audit(who, "session.open", "", ""); /* an order by a token has its service's own record */
    CLEANUP(freep) char *order = order_body(NULL, "by-lea.example", NULL);
    struct answer answer = browse(&browser, browser.csrf, "POST", "/api/v1/services", order);
    CLEANUP(freep) char *ordered = xasprintf("service %s by-lea.example", answer_text(&answer, "id"));
    answer_finish(&answer);
    expect_audit(who, "service.create", ordered, "product basic");

    snprintf(path, sizeof(path), "/api/v1/services/%lld/operations", (long long)service);
    CLEANUP(freep) char *target = xasprintf("service %lld by-token.example", (long long)service);
    answer = browse(&browser, browser.csrf, "POST", path, "{\"kind\":\"redeploy\"}");
    CLEANUP(freep) char *operation = xasprintf("operation %s", answer_text(&answer, "id"));
    answer_finish(&answer);
    expect_audit(who, "service.redeploy", target, operation);
    expect(fixture_ask(&fixture, "PATCH", "/api/v1/settings", "", "{\"retry.first\":\"5 s\"}"), 200, "");
    expect_audit("admin (token 1)", "setting.set", "setting retry.first", "");
    expect(browse(&browser, browser.csrf, "POST", "/api/v1/nodes/1/test", "{}"), 200, "");
    expect_audit(who, "node.test", "node 1 web1", "");
    expect(browse(&browser, browser.csrf, "POST", "/api/v1/tasks/999/retry", "{}"), 409,
           ""); /* refused: nothing was done */
    expect_audit(who, "node.test", "node 1 web1", "");

    answer = fixture_get(&fixture, "/api/v1/audit?limit=2");
    CLEANUP(freep) char *next = xasprintf("/api/v1/audit?cursor=%s", answer_text(&answer, "next_cursor"));
    answer_finish(&answer);
    expect(fixture_get(&fixture, next), 200, "service.redeploy");
}

/* ---- addresses ---------------------------------------------------------------------------------------------------------- */

static void failures_are_counted_for_who_is_behind_the_proxy(void **state)
{
    static const struct {
        const char *peer, *forwarded, *want;
    } cases[] = {
        { "192.0.2.1", NULL, "192.0.2.1" },
        { "192.0.2.1", "198.51.100.1", "192.0.2.1" }, /* says one who is no proxy of ours */
        { "127.0.0.1", NULL, "127.0.0.1" },
        { "127.0.0.1", "198.51.100.1", "198.51.100.1" },
        { "127.0.0.1", "203.0.113.9, 198.51.100.1 ", "198.51.100.1" },
        { "127.0.0.1", "203.0.113.9,2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
        { "127.0.0.1", "nonsense", "127.0.0.1" },
        { "127.0.0.1", "", "127.0.0.1" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[ADDRESS_TEXT_MAX];
        struct sockaddr_in peer = { .sin_family = AF_INET };
        assert_int_equal(inet_pton(AF_INET, cases[i].peer, &peer.sin_addr), 1);
        auth_address((const struct sockaddr *)&peer, cases[i].forwarded, got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s for %s: %s, want %s", cases[i].peer, cases[i].forwarded == NULL ? "-" : cases[i].forwarded,
                     got, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_logs_in_and_out),
        cmocka_unit_test(a_wrong_login_does_not_say_what_is_wrong),
        cmocka_unit_test(guessing_is_slowed_down),
        cmocka_unit_test(a_session_writes_only_with_its_value),
        cmocka_unit_test(a_changed_password_ends_the_other_sessions),
        cmocka_unit_test(each_role_may_do_what_the_table_says),
        cmocka_unit_test(what_a_role_forbids_is_said_in_a_sentence),
        cmocka_unit_test(a_viewer_does_not_get_the_customers_link),
        cmocka_unit_test(a_person_is_changed_at_once),
        cmocka_unit_test(a_password_is_stored_only_as_argon2id),
        cmocka_unit_test(the_only_owner_can_neither_be_disabled_nor_demoted),
        cmocka_unit_test(a_token_is_shown_once_and_works_until_it_is_revoked),
        cmocka_unit_test(a_token_revoked_elsewhere_is_refused_soon),
        cmocka_unit_test(what_was_done_is_recorded_under_a_name),
        cmocka_unit_test(failures_are_counted_for_who_is_behind_the_proxy),
        cmocka_unit_test(a_session_ends_when_it_is_not_used_and_when_it_is_old), /* puts the clock forward by months */
    };
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
