/* test_http_live.c - streams of services and lists: what is sent at first and on each change, going on from where one was without a
 * gap or a double. The test is the engine: it writes, and tells what it has committed. */
#include "live.h"

#include <stdlib.h>

#include "core/changes.h"
#include "store/store_deed.h"

/* ---- customers ------------------------------------------------------------------------------------------------------ */

static void a_customer_gets_the_state_at_once_and_on_each_change(void **state)
{
    struct stream stream;
    (void)state;
    watch_as_customer(&stream, "", "");
    expect_state(&stream, "accepted");
    add_event("service.accepted", "{}");
    expect_news(&stream, "1", "We have your order");
    expect_state(&stream, "accepted"); /* its seq is another */
    set_status(SERVICE_LIVE);
    expect_state(&stream, "live");
    fixture_begin_writing(&fixture); /* somebody says that something has changed, and nothing has */
    tell_service();
    expect_nothing(&stream);
    stream_close(&stream);
}

static void who_comes_back_gets_what_he_missed_and_nothing_twice(void **state)
{
    struct stream stream;
    (void)state;
    add_event("service.accepted", "{}");
    add_event("operation.started", "{\"operation\":\"deploy\"}");
    watch_as_customer(&stream, "?after=1", "");
    expect_news(&stream, "2", "The setup begins");
    expect_state(&stream, "accepted");
    stream_close(&stream);
    add_event("task.started", "{\"label\":\"step.web.user\"}"); /* no words for this one */
    add_event("task.done", "{\"label\":\"step.web.user\"}");
    watch_as_customer(&stream, "?after=1", "Last-Event-ID: 2\r\n"); /* the address is what the browser began with */
    expect_news(&stream, "4", "Your web space is open");
    expect_state(&stream, "accepted");
    add_event("service.live", "{}");
    expect_news(&stream, "5", "Your account is ready");
    stream_close(&stream);
    watch_as_customer(&stream, "?after=9999", "");
    expect_state(&stream, "accepted");
    expect_nothing(&stream);
    stream_close(&stream);
}

/* Two name servers, a retry that repeats, and what only staff do. */
static void news_are_few_and_plain(void **state)
{
    struct stream stream;
    (void)state;
    add_event("operation.started", "{\"operation\":\"deploy\"}");
    add_event("task.done", "{\"label\":\"step.dns.zone\",\"node\":\"ns1\"}");
    add_event("task.retry", "{\"label\":\"step.web.user\"}");
    add_event("task.retry", "{\"label\":\"step.web.user\"}");
    add_event("task.done", "{\"label\":\"step.dns.zone\",\"node\":\"ns2\"}");
    add_event("operation.started", "{\"operation\":\"verify\"}");
    add_event("task.done", "{\"label\":\"step.verify.web\"}");
    add_event("ticket.sent", "{\"kind\":\"open\"}");
    add_event("ticket.sent", "{\"kind\":\"recovered\"}");
    watch_as_customer(&stream, "", "");
    expect_news(&stream, "1", "The setup begins");
    expect_news(&stream, "3", "This takes a little longer: we try it again");
    expect_news(&stream, "5", "Your domain is entered on the name servers");
    expect_news(&stream, "8", "Our team has been told");
    expect_state(&stream, "accepted");
    stream_close(&stream);
}

static void many_changes_at_once_are_told_together(void **state)
{
    struct stream stream;
    struct told told;
    int states = 0, last_seq = 0;
    (void)state;
    watch_as_customer(&stream, "", "");
    expect_state(&stream, "accepted");
    for (int i = 0; i < 100; i++)
        add_event("task.started", "{}");
    while (last_seq < 100 && next_event(&stream, &told, 3000)) {
        states++;
        last_seq = (int)json_integer_value(json_object_get(told.data, "seq"));
        told_finish(&told);
    }
    assert_int_equal(last_seq, 100);
    assert_true(states < 60);
    stream_close(&stream);
}

static void an_account_that_ends_says_so_and_is_gone(void **state)
{
    struct stream stream;
    (void)state;
    watch_as_customer(&stream, "", "");
    expect_state(&stream, "accepted");
    set_status(SERVICE_TERMINATED);
    struct told told = expect_event(&stream, "gone");
    told_finish(&told);
    expect_end(&stream);
    stream_close(&stream);
    watch_as_customer(&stream, "", "Connection: close\r\n");
    while (read_more(&stream, 5000))
        ;
    assert_int_equal(stream.status, 410);
    stream_close(&stream);
    stream_open(&stream, "/s/AAAA/events", "Connection: close\r\n");
    while (read_more(&stream, 5000))
        ;
    assert_int_equal(stream.status, 404);
    stream_close(&stream);
}

static void a_link_that_was_replaced_ends_its_streams(void **state)
{
    struct stream stream;
    struct err err;
    (void)state;
    watch_as_customer(&stream, "", "");
    expect_state(&stream, "accepted");
    fixture_begin_writing(&fixture);
    must(store_renew_link(fixture.store, service_id, 1700000000000, &err));
    tell_service();
    struct told told = expect_event(&stream, "gone");
    told_finish(&told);
    expect_end(&stream);
    stream_close(&stream);
}

/* ---- staff ---------------------------------------------------------------------------------------------------------- */

static void events_of_a_service_come_whole_and_in_order(void **state)
{
    struct stream stream;
    struct told told;
    (void)state;
    fixture_begin_writing(&fixture);
    for (int i = 0; i < 250; i++)
        fixture_add_event(&fixture, service_id, "task.started", "{\"key\":\"web.user\"}");
    tell_service();
    watch(&stream, "services", service_id);
    for (int i = 1; i <= 250; i++) {
        told = expect_event(&stream, "event");
        assert_int_equal(atoi(told.id), i);
        assert_int_equal(json_integer_value(json_object_get(told.data, "seq")), i);
        told_finish(&told);
    }
    add_event("task.done", "{}");
    told = expect_event(&stream, "event");
    assert_string_equal(text_of(&told, "kind"), "task.done");
    told_finish(&told);
    told = expect_event(&stream, "tasks");
    told_finish(&told);
    stream_close(&stream);
    watch(&stream, "services", 999);
    assert_true(read_more(&stream, 5000));
    assert_int_equal(stream.status, 404);
    stream_close(&stream);
}

/* Every placement changes the load of nodes: it must not make everyone's state be loaded again. */
static void a_nodes_state_is_a_hint_for_all_and_its_load_for_none(void **state)
{
    struct stream stream;
    struct changes changes = { 0 };
    (void)state;
    watch(&stream, "services", service_id);
    expect_nothing(&stream);
    changed_ids_add(&changes.nodes, 3);
    http_server_tell(fixture.server, &changes);
    expect_nothing(&stream);
    changes.node_states = true;
    http_server_tell(fixture.server, &changes);
    struct told told = expect_event(&stream, "tasks");
    told_finish(&told);
    changes_finish(&changes);
    stream_close(&stream);
}

static void lists_hear_what_has_changed(void **state)
{
    struct stream stream;
    struct told told;
    struct changes changes = { .queue = true };
    (void)state;
    stream_open(&stream, "/api/v1/stream", "");
    expect_nothing(&stream);
    for (int i = 0; i < 3; i++)
        changed_ids_add(&changes.services, i == 2 ? 7 : 8);
    changed_ids_add(&changes.nodes, 3);
    http_server_tell(fixture.server, &changes);
    told = expect_event(&stream, "change");
    CLEANUP(freep) char *text = json_dumps(told.data, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"many\":false,\"nodes\":[\"3\"],\"queue\":true,\"services\":[\"7\",\"8\"],\"tickets\":false}");
    told_finish(&told);
    changes_clear(&changes);
    for (int i = 0; i < 600; i++)
        changed_ids_add(&changes.services, i + 1);
    http_server_tell(fixture.server, &changes);
    told = expect_event(&stream, "change");
    assert_true(json_is_true(json_object_get(told.data, "many")));
    assert_int_equal(json_array_size(json_object_get(told.data, "services")), 0);
    told_finish(&told);
    changes_finish(&changes);
    stream_close(&stream);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, live_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_customer_gets_the_state_at_once_and_on_each_change),
        TEST(who_comes_back_gets_what_he_missed_and_nothing_twice),
        TEST(news_are_few_and_plain),
        TEST(many_changes_at_once_are_told_together),
        TEST(an_account_that_ends_says_so_and_is_gone),
        TEST(a_link_that_was_replaced_ends_its_streams),
        TEST(events_of_a_service_come_whole_and_in_order),
        TEST(a_nodes_state_is_a_hint_for_all_and_its_load_for_none),
        TEST(lists_hear_what_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
