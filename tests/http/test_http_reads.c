/* test_http_reads.c - what the API shows of services, tasks, tickets, logs and the queue, while a service is deployed and when work is
 * in history. */
#include "shared.h"

#include <sodium.h>
#include <stdlib.h>

#include "store/store_ticket.h"

static int64_t service_id, task_id, attempt_id;

static int begin(void **state)
{
    fixture_begin(state);
    service_id = fixture_order(&fixture, "sh\xc3\xb6p.example");
    fixture_add_deployment(&fixture, service_id, &task_id, &attempt_id);
    return 0;
}

/* ---- services ------------------------------------------------------------------------------------------------------- */

static void a_service_shows_where_it_is(void **state)
{
    (void)state;
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
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
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "/events?after=1");
    json_t *events = json_object_get(answer.json, "events");
    assert_int_equal(json_array_size(events), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 0), "seq")), 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(events, 0), "data"), "task")),
                        "web.package");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "last_seq")), 2);
    answer_finish(&answer);
    answer = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "/operations");
    assert_int_equal(json_array_size(json_object_get(answer.json, "operations")), 1);
    answer_finish(&answer);
}

/* ---- tasks and logs ------------------------------------------------------------------------------------------------- */

static void a_task_shows_its_attempts(void **state)
{
    (void)state;
    struct answer list = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "/tasks");
    assert_int_equal(json_array_size(json_object_get(list.json, "tasks")), 4);
    assert_true(json_is_array(json_object_get(json_array_get(json_object_get(list.json, "tasks"), 0), "needs")));
    answer_finish(&list);
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/tasks/", task_id, "");
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
}

static void assert_outbox(int waiting, int troubled, int failed)
{
    struct answer answer = fixture_get(&fixture, "/api/v1/queue");
    json_t *outbox = json_object_get(answer.json, "outbox");
    assert_int_equal(json_integer_value(json_object_get(outbox, "waiting")), waiting);
    assert_int_equal(json_integer_value(json_object_get(outbox, "troubled")), troubled);
    assert_int_equal(json_integer_value(json_object_get(outbox, "failed")), failed);
    answer_finish(&answer);
}

static void a_ticket_shows_what_could_not_be_sent_and_is_sent_again(void **state)
{
    (void)state;
    struct answer answer = fixture_get(&fixture, "/api/v1/tickets");
    assert_int_equal(json_array_size(json_object_get(answer.json, "tickets")), 0);
    answer_finish(&answer);
    fixture_begin_writing(&fixture);
    add_ticket();
    fixture_end_writing(&fixture);
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
    assert_outbox(0, 0, 1);
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
    assert_outbox(1, 1, 0); /* to be sent once more, and it is known why it was not */
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
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/attempts/", attempt_id, "/log");
    json_t *chunks = json_object_get(answer.json, "chunks");
    assert_int_equal(json_array_size(chunks), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(chunks, 1), "stream")), "stdout");
    assert_string_equal(json_string_value(json_object_get(json_array_get(chunks, 2), "text")),
                        "\xef\xbf\xbd\x1b[31m\n");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "next_offset")), 29);
    assert_true(json_is_false(json_object_get(answer.json, "ended")));
    answer_finish(&answer);
    answer = fixture_get_by_id(&fixture, "/api/v1/attempts/", attempt_id, "/log?offset=29");
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

static void a_run_can_be_passed_on_as_a_signed_file(void **state)
{
    (void)state;
    struct answer service = fixture_get_by_id(&fixture, "/api/v1/services/", service_id, "");
    fixture_begin_writing(&fixture); /* what a command may have said of the client */
    fixture_add_event(&fixture, service_id, "task.retry", "{\"detail\":\"Ada <ada@example.org> exists\"}");
    fixture_end_writing(&fixture);
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/operations/",
                                             strtoll(answer_text(&service, "operation.id"), NULL, 10), "/bundle");
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
    struct answer answer = fixture_get_by_id(&fixture, "/api/v1/tasks/", old_task_id, "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "state"), "done");
    json_t *attempt = json_array_get(json_object_get(answer.json, "attempt_list"), 0);
    assert_string_equal(json_string_value(json_object_get(attempt, "log_removed_at")), "2023-11-14T22:13:20.000Z");
    answer_finish(&answer);
    answer = fixture_get_by_id(&fixture, "/api/v1/attempts/", old_attempt_id, "/log");
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
    answer = fixture_get_by_id(&fixture, "/api/v1/attempts/", attempt_id, "/log"); /* the others are as they were */
    assert_int_equal(json_array_size(json_object_get(answer.json, "chunks")), 3);
    assert_true(json_is_null(json_object_get(answer.json, "removed_at")));
    answer_finish(&answer);
}

static void the_queue_says_how_much_there_is_of_each(void **state)
{
    (void)state;
    struct answer answer = fixture_get(&fixture, "/api/v1/queue");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "running")), 1);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "failed")), 1);
    json_t *services = json_object_get(answer.json, "services");
    assert_int_equal(json_object_size(services), SERVICE_STATUS_COUNT);
    assert_true(json_is_integer(json_object_get(services, "live")));
    answer_finish(&answer);
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
        cmocka_unit_test(the_queue_says_how_much_there_is_of_each),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
