/* test_http_routes.c - the table of routes: what is refused and in which words, what needs a token, and docs/openapi.yaml beside it. */
#include "shared.h"

#include <stdlib.h>

#include "http/route.h"

/* ---- what is refused ------------------------------------------------------------------------------------------------ */

static const struct bad_request {
    const char *method, *path, *body;
    int status;
    const char *field, *says;
} bad_requests[] = {
    { "GET", "/nowhere", NULL, 404, "", "nothing at this address" },
    { "GET", "/api/v1/services/999", NULL, 404, "", "there is no service 999" },
    { "GET", "/api/v1/services/x", NULL, 404, "", "nothing at this address" },
    { "GET", "/api/v1/services/1/", NULL, 404, "", "nothing at this address" },
    { "GET", "/api/v1/services/999/tasks", NULL, 404, "", "there is no service 999" },
    { "GET", "/api/v1/services/999/events", NULL, 404, "", "there is no service 999" },
    { "GET", "/api/v1/tasks/999", NULL, 404, "", "999" },
    { "GET", "/api/v1/attempts/999/log", NULL, 404, "", "999" },
    { "GET", "/api/v1/nodes/999", NULL, 404, "", "there is no node 999" },
    { "GET", "/api/v1/zone-templates/nope", NULL, 404, "", "nope" },
    { "DELETE", "/api/v1/services", NULL, 405, "", "only POST, GET" },
    { "PUT", "/api/v1/health", "", 405, "", "only GET" },
    { "GET", "/api/v1/services?limit=0", NULL, 400, "limit", "between 1 and 200" },
    { "GET", "/api/v1/services?limit=x", NULL, 400, "limit", "whole number" },
    { "GET", "/api/v1/services?status=alive", NULL, 400, "status", "status must be" },
    { "GET", "/api/v1/services?sttus=live", NULL, 400, "sttus", "did you mean status" },
    { "GET", "/api/v1/tasks?state=dead", NULL, 400, "state", "state must be" },
    { "POST", "/api/v1/tasks/1/retry", "", 409, "", "the task is running" },
    { "POST", "/api/v1/tasks/1/fail", "", 409, "", "the task is done" },
    { "POST", "/api/v1/tasks/1/resolve", "{\"how\":\"adopt\"}", 409, "", "only a conflict" },
    { "POST", "/api/v1/tasks/1/resolve", "{\"how\":\"steal\"}", 422, "how", "adopt, rename or abort" },
    { "POST", "/api/v1/tasks/1/resolve", "{}", 422, "how", "" },
    { "POST", "/api/v1/services/1/operations", "{\"kind\":\"deploy\"}", 422, "kind",
      "redeploy, verify, plan or password" },
    { "POST", "/api/v1/services/1/operations", "{\"kind\":\"verify\",\"force\":true}", 422, "force", "" },
    { "POST", "/api/v1/services/1/operations", "{", 400, "", "" },
    { "GET", "/api/v1/operations/999", NULL, 404, "", "there is no operation 999" },
    { "GET", "/api/v1/operations/999/tasks", NULL, 404, "", "there is no operation 999" },
    { "POST", "/api/v1/groups", "{\"name\":\"EU\"}", 422, "name", "EU" },
    { "POST", "/api/v1/groups", "{\"name\":\"1\"}", 422, "name", "at least one letter" },
    { "POST", "/api/v1/products", "{\"name\":\"p\",\"group\":\"eu\"}", 422, "", "give web, mail or dns" },
    { "POST", "/api/v1/products", "{\"name\":\"p\",\"group\":\"eu\",\"web\":{\"disk\":1}}", 422, "web.disk", "" },
    { "POST", "/api/v1/products", "{\"name\":\"p\",\"group\":\"eu\",\"mode\":\"fast\",\"web\":{}}", 422, "mode",
      "split, unified or vanity" },
    { "PUT", "/api/v1/zone-templates/x", "{\"text\":\"@ BOGUS 1\\n\"}", 422, "template", "line 1" },
    { "PATCH", "/api/v1/settings", "{}", 422, "", "nothing is to be changed" },
    { "PATCH", "/api/v1/settings", "{\"retry.frist\":1}", 422, "retry.frist", "did you mean retry.first" },
    { "PATCH", "/api/v1/settings", "{\"retry.first\":[]}", 422, "retry.first", "must be a text, a number" },
    { "PATCH", "/api/v1/settings", "{\"retry.first\":\"2 h\"}", 422, "retry.first", "between 100 ms and 1 h" },
    { "PATCH", "/api/v1/settings", "{\"retry.attempts\":1001}", 422, "retry.attempts", "between 0 and 1000" },
    { "PATCH", "/api/v1/settings", "{\"ticket.enabled\":true}", 422, "ticket.channel", "while ticket.enabled is true" },
    { "GET", "/api/v1/settings/changes?limit=0", NULL, 400, "limit", "between 1 and 200" },
    { "PUT", "/api/v1/zone-templates/x", "{\"text\":1}", 422, "text", "must be a text" },
    { "PATCH", "/api/v1/nodes/1", "{}", 422, "", "nothing is to be changed" },
    { "PATCH", "/api/v1/nodes/1", "{\"state\":\"unreachable\"}", 422, "state", "active, draining or paused" },
    { "PATCH", "/api/v1/nodes/1", "{\"capacity_max\":-1}", 422, "capacity_max", "between 0" },
    { "PATCH", "/api/v1/nodes/999", "{\"state\":\"paused\"}", 404, "", "there is no node 999" },
    { "POST", "/api/v1/nodes", "{\"name\":\"n\",\"address\":\"a b\"}", 422, "address", "neither a host name" },
    { "POST", "/api/v1/nodes", "{\"name\":\"n\",\"address\":\"192.0.2.9\",\"roles\":[]}", 422, "roles",
      "between 1 and 3" },
    { "POST", "/api/v1/nodes", "{\"name\":\"n\",\"address\":\"192.0.2.9\",\"roles\":[\"ftp\"]}", 422, "roles",
      "ftp is none of web, mail, dns" },
    { "POST", "/api/v1/nodes",
      "{\"name\":\"n\",\"address\":\"192.0.2.9\",\"roles\":[\"web\"],\"groups\":[\"us\"],\"hostname\":\"n.example."
      "net\"}",
      422, "groups", "there is no group \"us\"" },
    { "POST", "/api/v1/nodes",
      "{\"name\":\"n\",\"address\":\"192.0.2.9\",\"port\":2222,\"roles\":[\"web\"],\"groups\":[\"eu\"],\"hostname\":"
      "\"n.example.net\"}",
      502, "address", "connection refused" },
    { "POST", "/api/v1/nodes", "{\"name\":\"n\",\"address\":\"192.0.2.9\",\"host_key\":\"rsa AAAA\"}", 422, "host_key",
      "ssh-ed25519" },
};

static void bad_requests_are_refused_in_clear_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_requests); i++) {
        const struct bad_request *bad = &bad_requests[i];
        struct answer answer = fixture_ask(&fixture, bad->method, bad->path, "", bad->body);
        if (answer.status != bad->status || strcmp(answer_text(&answer, "field"), bad->field) != 0 ||
            strstr(answer_text(&answer, "detail"), bad->says) == NULL || answer_text(&answer, "detail")[0] == '\0')
            fail_msg("%s %s %s: got %d %s", bad->method, bad->path, bad->body == NULL ? "" : bad->body, answer.status,
                     answer.body);
        if (bad->status == 405)
            assert_non_null(answer_header(&answer, "Allow"));
        answer_finish(&answer);
    }
}

static void health_is_progress_of_the_engine(void **state)
{
    struct pulse *pulse = &fixture.pulse;
    int64_t now_ms = clock_real()->boot_ms(clock_real());
    (void)state;
    pulse_beat(pulse, now_ms);
    struct answer answer = fixture_ask(&fixture, "GET", "/api/v1/health", "", NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"status\":\"ok\""));
    answer_finish(&answer);
    pulse_beat(pulse, now_ms > 60000 ? now_ms - 60000 : 1);
    answer = fixture_ask(&fixture, "GET", "/api/v1/health", "", NULL);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "\"status\":\"stalled\""));
    answer_finish(&answer);
    pulse_beat(pulse, 0);
}

static void every_route_of_the_api_but_health_and_login_needs_a_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        char path[100];
        size_t length = 0;
        for (const char *at = routes[i].pattern; *at != '\0'; at++) {
            bool hole = *at == '{';
            path[length++] = hole ? '1' : *at;
            if (hole)
                at = strchr(at, '}');
        }
        path[length] = '\0';
        int status = fixture_status(&fixture, routes[i].method, path, "No-Token: 1\r\n", "");
        bool open = strncmp(path, "/api/", 5) != 0 || strcmp(path, "/api/v1/health") == 0 ||
                    (strcmp(path, "/api/v1/session") == 0 && strcmp(routes[i].method, "POST") == 0);
        if ((status == 401) == open || (routes[i].access == ACCESS_OPEN) != open)
            fail_msg("%s %s without a token: %d", routes[i].method, path, status);
    }
}

/* ---- the description ------------------------------------------------------------------------------------------------ */

/* "/path:" lines under paths and their methods, in docs/openapi.yaml, as "GET /path". */
static char *described_routes(void)
{
    FILE *file = fopen(OPENAPI_PATH, "re");
    assert_non_null(file);
    struct buf found = BUF_INIT;
    char line[500], path[200] = "";
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        static const char *const methods[] = { "get", "post", "put", "patch", "delete" };
        if (strncmp(line, "  /", 3) == 0)
            snprintf(path, sizeof(path), "%.*s", (int)strcspn(line + 2, ":"), line + 2);
        else if (line[0] != ' ' && line[0] != '\0')
            path[0] = '\0';
        for (size_t i = 0; path[0] != '\0' && i < ARRAY_LEN(methods); i++) {
            char want[16];
            snprintf(want, sizeof(want), "    %s:", methods[i]);
            if (strcmp(line, want) == 0)
                buf_addf(&found, "%s %s\n", methods[i], path);
        }
    }
    fclose(file);
    return buf_steal(&found);
}

static void the_description_has_exactly_the_routes_that_there_are(void **state)
{
    (void)state;
    char *described = described_routes();
    size_t lines = 0;
    for (const char *at = described; *at != '\0'; at++)
        lines += *at == '\n';
    for (size_t i = 0; i < route_count; i++) {
        char line[200];
        int length = snprintf(line, sizeof(line), "%s %s\n", routes[i].method, routes[i].pattern);
        for (int j = 0; j < length && line[j] != ' '; j++)
            line[j] = (char)(line[j] | 0x20);
        if (strstr(described, line) == NULL)
            fail_msg("docs/openapi.yaml does not describe %s", line);
    }
    assert_int_equal(lines, route_count);
    free(described);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_are_refused_in_clear_words),
        cmocka_unit_test(health_is_progress_of_the_engine),
        cmocka_unit_test(every_route_of_the_api_but_health_and_login_needs_a_token),
        cmocka_unit_test(the_description_has_exactly_the_routes_that_there_are),
    };
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
