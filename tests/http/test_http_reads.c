/* test_http_reads.c - what the API shows of services, tasks, logs, nodes and products, and what staff may change; the
 * customer's page; docs/openapi.yaml against the table of routes. */
#include "fixture.h"

#include <sodium.h>
#include <stdlib.h>

#include "http/link.h"
#include "http/route.h"
#include "store/store_ticket.h"

static struct fixture fixture;
static int64_t service_id, task_id, attempt_id;

static char dns_node[] = "ns1", web_secret[] = "web1";

/* A service in the middle of its deployment: one step done, one running with a log, one waiting, one failed. */
static int64_t add_task(int64_t operation_id, const char *action, const char *label_key, enum task_state state)
{
    struct err err;
    char *key = xasprintf("%s@web1", action);
    struct task task = { .operation_id = operation_id,
                         .service_id = service_id,
                         .node_id = fixture.node_id,
                         .role = ROLE_WEB,
                         .key = key,
                         .action = xstrdup(action),
                         .label_key = xstrdup(label_key),
                         .lane = TASK_LANE_MAKE,
                         .state = state,
                         .weight = 10,
                         .cause_id = xstrdup(""),
                         .reason = xstrdup(""),
                         .inputs_hash = xstrdup(""),
                         .created_at_ms = 1700000000000 };
    must(store_insert_task(fixture.store, &task, &err));
    int64_t id = task.id;
    task_finish(&task);
    return id;
}

static void add_log(const char *text, size_t length, int stream)
{
    struct err err;
    struct log_chunk chunk = { .attempt_id = attempt_id,
                               .at_ms = 1700000000123,
                               .stream = stream,
                               .data = xstrndup(text, length),
                               .length = length };
    must(store_append_log(fixture.store, &chunk, &err));
    log_chunk_finish(&chunk);
}

static void set_service(enum service_status status, const char *reason, const char *reason_key)
{
    struct err err;
    struct service service;
    pthread_mutex_lock(&fixture.lock);
    must(store_begin(fixture.store, &err));
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.status = status;
    free(service.reason);
    free(service.reason_key);
    service.reason = xstrdup(reason);
    service.reason_key = xstrdup(reason_key);
    must(store_update_service(fixture.store, &service, &err));
    must(store_commit(fixture.store, true, &err));
    pthread_mutex_unlock(&fixture.lock);
    service_finish(&service);
}

static void add_operation(void)
{
    struct err err;
    char pipeline[] = "split", hash[] = "h";
    struct operation operation = { .service_id = service_id,
                                   .kind = OPERATION_DEPLOY,
                                   .state = OPERATION_RUNNING,
                                   .pipeline = pipeline,
                                   .pipeline_hash = hash,
                                   .weight_total = 40,
                                   .weight_done = 10,
                                   .tasks_total = 4,
                                   .tasks_done = 1,
                                   .created_at_ms = 1700000000000 };
    struct task claimed = { 0 };
    bool found = false;
    must(store_begin(fixture.store, &err));
    must(store_insert_operation(fixture.store, &operation, &err));
    add_task(operation.id, "web.package", "step.web.package", TASK_DONE);
    task_id = add_task(operation.id, "web.user", "step.web.user", TASK_QUEUED);
    add_task(operation.id, "web.domain", "step.web.domain", TASK_BLOCKED);
    add_task(operation.id, "verify.web", "step.verify.web", TASK_FAILED);
    must(store_claim_task(fixture.store, task_queue_id(fixture.node_id, TASK_LANE_MAKE), 1700000000000, 1700000015000,
                          &claimed, &found, &err));
    assert_true(found && claimed.id == task_id);
    attempt_id = claimed.attempt_id;
    task_finish(&claimed);
    add_log("look: not there\n", 16, 0);
    add_log("one\ntw", 6, 1);
    add_log("\xff\x1b[31m\n", 7, 2);
    struct service service;
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.operation_id = operation.id;
    must(store_update_service(fixture.store, &service, &err));
    service_finish(&service);
    char kind[] = "task.done", data[] = "{\"task\":\"web.package\"}";
    struct event event = { .service_id = service_id, .at_ms = 1700000000000, .kind = kind, .data = data };
    must(store_append_event(fixture.store, &event, &err));
    must(store_append_event(fixture.store, &event, &err));
    must(store_commit(fixture.store, true, &err));
}

static void add_account(void)
{
    struct err err;
    char user[] = "shop", package[] = "b-x", none[] = "", host[] = "ns1.example.net", name[] = "ns1.berth.example";
    char driver[] = "hestia", ip[] = "192.0.2.53";
    struct node node = { .name = dns_node,
                         .driver = driver,
                         .roles = ROLE_BIT(ROLE_DNS),
                         .ssh_address = ip,
                         .ssh_port = 22,
                         .ssh_user = none,
                         .host_key = none,
                         .hostname = host,
                         .public_ip4 = ip,
                         .public_ip6 = none,
                         .probe_address = none,
                         .ns_name = name,
                         .state_reason = none,
                         .group_ids = &fixture.group_id,
                         .group_count = 1 };
    must(store_begin(fixture.store, &err));
    must(store_insert_node(fixture.store, &node, &err));
    struct account web = { .service_id = service_id,
                           .node_id = fixture.node_id,
                           .roles = ROLE_BIT(ROLE_WEB),
                           .username = user,
                           .package = package };
    struct account dns = {
        .service_id = service_id, .node_id = node.id, .roles = ROLE_BIT(ROLE_DNS), .username = user, .package = package
    };
    must(store_insert_account(fixture.store, &web, &err));
    must(store_insert_account(fixture.store, &dns, &err));
    must(store_commit(fixture.store, true, &err));
}

static int begin(void **state)
{
    (void)state;
    fixture_init(&fixture);
    service_id = fixture_order(&fixture, "sh\xc3\xb6p.example");
    pthread_mutex_lock(&fixture.lock);
    add_operation();
    add_account();
    pthread_mutex_unlock(&fixture.lock);
    set_service(SERVICE_DEPLOYING, "", "");
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_finish(&fixture);
    return 0;
}

static struct answer get(const char *before, int64_t id, const char *behind)
{
    char path[200];
    snprintf(path, sizeof(path), "%s%lld%s", before, (long long)id, behind);
    return fixture_get(&fixture, path);
}

/* ---- services ------------------------------------------------------------------------------------------------------- */

static void a_service_shows_where_it_is(void **state)
{
    (void)state;
    struct answer answer = get("/api/v1/services/", service_id, "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "domain"), "xn--shp-tna.example");
    assert_string_equal(answer_text(&answer, "domain_unicode"), "sh\xc3\xb6p.example");
    assert_string_equal(answer_text(&answer, "status"), "deploying");
    assert_string_equal(answer_text(&answer, "product"), "basic");
    assert_string_equal(answer_text(&answer, "client.email"), "ada@example.org");
    assert_string_equal(answer_text(&answer, "operation.state"), "running");
    json_t *progress = json_object_get(answer.json, "progress");
    assert_int_equal(json_integer_value(json_object_get(progress, "percent")), 25);
    assert_int_equal(json_integer_value(json_object_get(progress, "total")), 4);
    json_t *roles = json_object_get(answer.json, "roles");
    assert_int_equal(json_array_size(roles), 3);
    json_t *web = json_array_get(json_object_get(json_array_get(roles, 0), "nodes"), 0);
    assert_string_equal(json_string_value(json_object_get(web, "name")), "web1");
    assert_string_equal(json_string_value(json_object_get(web, "account")), "shop");
    assert_int_equal(json_array_size(json_object_get(json_array_get(roles, 1), "nodes")), 0);
    assert_true(json_is_null(json_object_get(answer.json, "ssl")));
    assert_true(json_is_null(json_object_get(answer.json, "live_at")));
    assert_string_equal(answer_text(&answer, "created_at"), "2023-11-14T22:13:20.000Z");
    answer_finish(&answer);
}

static void lists_are_filtered_and_continued(void **state)
{
    (void)state;
    fixture_order(&fixture, "list-a.example");
    int64_t newest = fixture_order(&fixture, "list-b.example");
    static const struct {
        const char *query;
        size_t want;
    } cases[] = { { "?domain=list-*", 2 },    { "?domain=list-a.example", 1 },
                  { "?status=live", 0 },      { "?status=deploying", 1 },
                  { "?client_id=c1", 3 },     { "?client_id=c2", 0 },
                  { "?external_id=none", 0 }, { "?limit=2", 2 } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[100];
        snprintf(path, sizeof(path), "/api/v1/services%s", cases[i].query);
        struct answer answer = fixture_get(&fixture, path);
        if (json_array_size(json_object_get(answer.json, "services")) != cases[i].want)
            fail_msg("%s: got %s", cases[i].query, answer.body);
        answer_finish(&answer);
    }
    struct answer first = fixture_get(&fixture, "/api/v1/services?limit=1");
    char path[100], text[24];
    snprintf(text, sizeof(text), "%lld", (long long)newest);
    assert_string_equal(answer_text(&first, "next_cursor"), text);
    snprintf(path, sizeof(path), "/api/v1/services?limit=5&cursor=%s", text);
    struct answer rest = fixture_get(&fixture, path);
    assert_int_equal(json_array_size(json_object_get(rest.json, "services")), 2);
    assert_true(json_is_null(json_object_get(rest.json, "next_cursor")));
    answer_finish(&first);
    answer_finish(&rest);
}

static void events_are_read_from_where_one_was(void **state)
{
    (void)state;
    struct answer answer = get("/api/v1/services/", service_id, "/events?after=1");
    json_t *events = json_object_get(answer.json, "events");
    assert_int_equal(json_array_size(events), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 0), "seq")), 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(events, 0), "data"), "task")),
                        "web.package");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "last_seq")), 2);
    answer_finish(&answer);
    answer = get("/api/v1/services/", service_id, "/operations");
    assert_int_equal(json_array_size(json_object_get(answer.json, "operations")), 1);
    answer_finish(&answer);
}

/* ---- tasks and logs ------------------------------------------------------------------------------------------------- */

static void a_task_shows_its_attempts(void **state)
{
    (void)state;
    struct answer list = get("/api/v1/services/", service_id, "/tasks");
    assert_int_equal(json_array_size(json_object_get(list.json, "tasks")), 4);
    assert_true(json_is_array(json_object_get(json_array_get(json_object_get(list.json, "tasks"), 0), "needs")));
    answer_finish(&list);
    struct answer answer = get("/api/v1/tasks/", task_id, "");
    assert_string_equal(answer_text(&answer, "state"), "running");
    assert_string_equal(answer_text(&answer, "node"), "web1");
    json_t *attempt = json_array_get(json_object_get(answer.json, "attempt_list"), 0);
    assert_string_equal(json_string_value(json_object_get(attempt, "outcome")), "running");
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/tasks?state=running");
    assert_int_equal(json_array_size(json_object_get(answer.json, "tasks")), 1);
    answer_finish(&answer);
}

static void add_ticket(void)
{
    struct err err;
    struct service service;
    char marker[] = "berth-x-s1-o1", key[] = "berth-x-s1-o1-k", none[] = "", problem[] = "no such department",
         body[] = "{\"kind\":\"open\"}";
    must(store_get_service(fixture.store, service_id, &service, &err));
    struct ticket ticket = { .service_id = service_id,
                             .operation_id = service.operation_id,
                             .channel = TICKET_CHANNEL_WHMCS,
                             .marker = marker,
                             .thread_key = key,
                             .remote_id = none,
                             .remote_number = none,
                             .created_at_ms = 1700000000000,
                             .updated_at_ms = 1700000000000 };
    service_finish(&service);
    must(store_begin(fixture.store, &err));
    must(store_insert_ticket(fixture.store, &ticket, &err));
    struct ticket_message message = { .ticket_id = ticket.id,
                                      .kind = TICKET_MESSAGE_OPEN,
                                      .state = TICKET_MESSAGE_FAILED,
                                      .attempts = 2,
                                      .key = key,
                                      .body = body,
                                      .last_error = problem,
                                      .created_at_ms = 1700000000000 };
    must(store_insert_ticket_message(fixture.store, &message, &err));
    must(store_commit(fixture.store, true, &err));
}

static void a_ticket_shows_what_could_not_be_sent_and_is_sent_again(void **state)
{
    (void)state;
    struct answer answer = fixture_get(&fixture, "/api/v1/tickets");
    assert_int_equal(json_array_size(json_object_get(answer.json, "tickets")), 0);
    answer_finish(&answer);
    pthread_mutex_lock(&fixture.lock);
    add_ticket();
    pthread_mutex_unlock(&fixture.lock);
    answer = fixture_get(&fixture, "/api/v1/tickets?state=open");
    json_t *ticket = json_array_get(json_object_get(answer.json, "tickets"), 0);
    const char *channel, *kind, *message_state, *problem;
    assert_int_equal(json_unpack(ticket, "{s:s, s:[{s:s, s:s, s:s}!]}", "channel", &channel, "messages", "kind", &kind,
                                 "state", &message_state, "last_error", &problem),
                     0);
    assert_string_equal(channel, "whmcs");
    assert_string_equal(kind, "open");
    assert_string_equal(message_state, "failed");
    assert_string_equal(problem, "no such department");
    assert_null(json_object_get(json_array_get(json_object_get(ticket, "messages"), 0), "body"));
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/tickets?state=closed");
    assert_int_equal(json_array_size(json_object_get(answer.json, "tickets")), 0);
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/tickets?state=broken");
    assert_int_equal(answer.status, 400);
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "POST", "/api/v1/tickets/1/retry", "", NULL);
    assert_int_equal(answer.status, 200);
    json_t *message = json_array_get(json_object_get(answer.json, "messages"), 0);
    assert_string_equal(json_string_value(json_object_get(message, "state")), "queued");
    assert_string_equal(json_string_value(json_object_get(json_object_get(message, "body"), "kind")), "open");
    answer_finish(&answer);
    answer = fixture_get(&fixture, "/api/v1/tickets/99");
    assert_int_equal(answer.status, 404);
    answer_finish(&answer);
    answer = fixture_ask(&fixture, "POST", "/api/v1/tickets/99/retry", "", NULL);
    assert_int_equal(answer.status, 404);
    answer_finish(&answer);
}

static void a_log_is_read_piece_by_piece(void **state)
{
    (void)state;
    struct answer answer = get("/api/v1/attempts/", attempt_id, "/log");
    json_t *chunks = json_object_get(answer.json, "chunks");
    assert_int_equal(json_array_size(chunks), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(chunks, 1), "stream")), "stdout");
    assert_string_equal(json_string_value(json_object_get(json_array_get(chunks, 2), "text")),
                        "\xef\xbf\xbd\x1b[31m\n");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "next_offset")), 29);
    assert_true(json_is_false(json_object_get(answer.json, "ended")));
    answer_finish(&answer);
    answer = get("/api/v1/attempts/", attempt_id, "/log?offset=29");
    assert_int_equal(json_array_size(json_object_get(answer.json, "chunks")), 0);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "next_offset")), 29);
    answer_finish(&answer);
    char path[100];
    snprintf(path, sizeof(path), "/api/v1/attempts/%lld/log", (long long)attempt_id);
    answer = fixture_ask(&fixture, "GET", path, "Accept: text/plain\r\n", NULL);
    assert_string_equal(answer_header(&answer, "Content-Type"), "text/plain; charset=utf-8");
    assert_memory_equal(answer.body,
                        "2023-11-14T22:13:20.123Z berth  look: not there\n"
                        "2023-11-14T22:13:20.123Z stdout one\n",
                        84);
    answer_finish(&answer);
}

/* What a command may have said of the client. */
static void add_telling_event(int64_t at_ms)
{
    char kind[] = "task.retry", data[] = "{\"detail\":\"Ada <ada@example.org> exists\"}";
    struct event event = { .service_id = service_id, .at_ms = at_ms, .kind = kind, .data = data };
    struct err err;
    pthread_mutex_lock(&fixture.lock);
    assert_true(store_begin(fixture.store, &err) && store_append_event(fixture.store, &event, &err) &&
                store_commit(fixture.store, true, &err));
    pthread_mutex_unlock(&fixture.lock);
}

static void a_run_can_be_passed_on_as_a_signed_file(void **state)
{
    (void)state;
    struct answer service = get("/api/v1/services/", service_id, "");
    struct operation operation;
    struct err err;
    assert_true(
        store_get_operation(fixture.store, strtoll(answer_text(&service, "operation.id"), NULL, 10), &operation, &err));
    add_telling_event(operation.created_at_ms);
    operation_finish(&operation);
    struct answer answer =
        get("/api/v1/operations/", strtoll(answer_text(&service, "operation.id"), NULL, 10), "/bundle");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer_header(&answer, "Content-Disposition"), "filename=\"berth-xn--shp-tna.example-oper"));
    const char *text = answer_text(&answer, "bundle");
    unsigned char key[crypto_sign_PUBLICKEYBYTES], value[crypto_sign_BYTES];
    const char *key_text = answer_text(&answer, "signature.public_key"),
               *value_text = answer_text(&answer, "signature.value");
    assert_int_equal(sodium_base642bin(key, sizeof(key), key_text, strlen(key_text), NULL, NULL, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(sodium_base642bin(value, sizeof(value), value_text, strlen(value_text), NULL, NULL, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(crypto_sign_verify_detached(value, (const unsigned char *)text, strlen(text), key), 0);
    assert_int_not_equal(crypto_sign_verify_detached(value, (const unsigned char *)text, strlen(text) - 1, key), 0);
    assert_null(strstr(text, "ada@example.org")); /* whose it is stays here */
    assert_null(strstr(text, "Ada"));
    assert_non_null(strstr(text, "[client] <[client]> exists"));
    assert_null(strstr(text, fixture.token));
    json_t *bundle = json_loads(text, 0, NULL);
    assert_non_null(bundle);
    assert_string_equal(json_string_value(json_object_get(bundle, "installation")), "abc123");
    assert_int_equal(json_array_size(json_object_get(bundle, "tasks")), 4);
    assert_true(json_is_false(json_object_get(bundle, "logs_cut")));
    assert_non_null(strstr(text, "look: not there"));
    json_decref(bundle);
    answer_finish(&answer);
    answer_finish(&service);
    answer = fixture_get(&fixture, "/api/v1/operations/999/bundle");
    assert_int_equal(answer.status, 404);
    answer_finish(&answer);
}

static void work_in_history_is_shown_and_says_that_its_log_is_gone(void **state)
{
    (void)state;
    int64_t old_task_id, old_attempt_id;
    char path[100];
    fixture_add_old_work(&fixture, service_id, &old_task_id, &old_attempt_id);
    struct answer answer = get("/api/v1/tasks/", old_task_id, "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "state"), "done");
    json_t *attempt = json_array_get(json_object_get(answer.json, "attempt_list"), 0);
    assert_string_equal(json_string_value(json_object_get(attempt, "log_removed_at")), "2023-11-14T22:13:20.000Z");
    answer_finish(&answer);
    answer = get("/api/v1/attempts/", old_attempt_id, "/log");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(json_object_get(answer.json, "chunks")), 0);
    assert_true(json_is_true(json_object_get(answer.json, "ended"))); /* nobody follows it for ever */
    assert_string_equal(answer_text(&answer, "removed_at"), "2023-11-14T22:13:20.000Z");
    answer_finish(&answer);
    snprintf(path, sizeof(path), "/api/v1/attempts/%lld/log", (long long)old_attempt_id);
    answer = fixture_ask(&fixture, "GET", path, "Accept: text/plain\r\n", NULL);
    assert_string_equal(answer.body,
                        "2023-11-14T22:13:20.000Z berth  this log was removed, as it was older than the "
                        "setting history.logs says\n");
    answer_finish(&answer);
    answer = get("/api/v1/attempts/", attempt_id, "/log"); /* the others are as they were */
    assert_int_equal(json_array_size(json_object_get(answer.json, "chunks")), 3);
    assert_true(json_is_null(json_object_get(answer.json, "removed_at")));
    answer_finish(&answer);
}

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

/* ---- staff ---------------------------------------------------------------------------------------------------------- */

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
    answer = fixture_get(&fixture, "/api/v1/queue");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "running")), 1);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "failed")), 1);
    json_t *services = json_object_get(answer.json, "services");
    assert_int_equal(json_object_size(services), SERVICE_STATUS_COUNT);
    assert_true(json_is_integer(json_object_get(services, "live")));
    answer_finish(&answer);
}

/* ---- the customer's page -------------------------------------------------------------------------------------------- */

static struct answer get_page(int64_t id)
{
    char path[100] = "/s/", token[LINK_TOKEN_MAX];
    struct clock *clock = clock_real();
    link_token(fixture.keyring, id, 0, clock->now_ms(clock), token);
    strcat(path, token);
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
        assert_null(strstr(page.body, web_secret));
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
    assert_null(strstr(page.body, web_secret));
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
        cmocka_unit_test(a_service_shows_where_it_is),
        cmocka_unit_test(lists_are_filtered_and_continued),
        cmocka_unit_test(events_are_read_from_where_one_was),
        cmocka_unit_test(a_task_shows_its_attempts),
        cmocka_unit_test(a_ticket_shows_what_could_not_be_sent_and_is_sent_again),
        cmocka_unit_test(a_log_is_read_piece_by_piece),
        cmocka_unit_test(a_run_can_be_passed_on_as_a_signed_file),
        cmocka_unit_test(work_in_history_is_shown_and_says_that_its_log_is_gone),
        cmocka_unit_test(bad_requests_are_refused_in_clear_words),
        cmocka_unit_test(health_is_progress_of_the_engine),
        cmocka_unit_test(every_route_of_the_api_but_health_and_login_needs_a_token),
        cmocka_unit_test(a_node_is_added_with_the_key_that_it_shows),
        cmocka_unit_test(a_host_key_is_shown_before_anything_is_stored),
        cmocka_unit_test(a_template_is_shown_with_the_records_of_a_domain),
        cmocka_unit_test(products_groups_and_templates_come_back_as_they_were_sent),
        cmocka_unit_test(the_page_says_where_the_setup_is_and_names_no_machine),
        cmocka_unit_test(the_page_of_a_live_service_tells_what_to_do),
        cmocka_unit_test(links_that_are_wrong_or_of_nothing_get_a_page_too),
        cmocka_unit_test(settings_say_what_they_are),
        cmocka_unit_test(changed_settings_are_shown_and_recorded_without_secrets),
        cmocka_unit_test(the_description_has_exactly_the_routes_that_there_are),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
