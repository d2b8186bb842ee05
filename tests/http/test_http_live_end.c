/* test_http_live_end.c - how streams end: watchers that come and go, that may not watch any more, that ask oddly, and a server that stops
 * under them. */
#include "live.h"

#include <sys/socket.h>
#include <time.h>

static void watchers_come_and_go_while_it_is_told(void **state)
{
    struct stream streams[40];
    (void)state;
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < ARRAY_LEN(streams); i++)
            watch_as_customer(&streams[i], i % 2 == 0 ? "?after=9999" : "", "");
        add_event("task.started", "{}");
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
            if (i % 3 == 0)
                expect_state(&streams[i], "accepted");
            stream_close(&streams[i]); /* some before anything was sent to them */
        }
        add_event("task.done", "{}");
    }
    struct stream stream;
    watch_as_customer(&stream, "?after=9999", "");
    expect_state(&stream, "accepted");
    stream_close(&stream);
}

/* A stream is one long answer: it must not outlive the right to it. Others' go on. */
static void who_may_not_watch_any_more_hears_no_more(void **state)
{
    struct stream revoked, staying;
    (void)state;
    struct answer answer =
        fixture_ask(&fixture, "POST", "/api/v1/tokens", "", "{\"name\":\"watcher\",\"role\":\"viewer\"}");
    assert_int_equal(answer.status, 201);
    CLEANUP(freep) char *token = xstrdup(answer_text(&answer, "token"));
    CLEANUP(freep) char *path = xasprintf("/api/v1/tokens/%s", answer_text(&answer, "id"));
    answer_finish(&answer);
    stream_open(&staying, "/api/v1/stream", "");
    CLEANUP(freep) char *own = xstrdup(fixture.token);
    snprintf(fixture.token, sizeof(fixture.token), "%s", token);
    stream_open(&revoked, "/api/v1/stream", "");
    snprintf(fixture.token, sizeof(fixture.token), "%s", own);
    assert_true(read_more(&revoked, 5000));
    assert_true(read_more(&staying, 5000));
    assert_int_equal(revoked.status, 200);
    answer = fixture_ask(&fixture, "DELETE", path, "", NULL);
    assert_int_equal(answer.status, 204);
    answer_finish(&answer);
    expect_end(&revoked);
    expect_nothing(&staying);
    assert_false(staying.ended);
    stream_close(&revoked);
    stream_close(&staying);
}

/* A head has no body, so no stream; a body and a long address are no reason to fall over. */
static void odd_requests_are_answered(void **state)
{
    struct stream stream;
    char head[512] = "", name[6000];
    (void)state;
    CLEANUP(freep) char *path = customer_path("");
    CLEANUP(freep) char *request = xasprintf("HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    stream_connect(&stream);
    assert_int_equal(send(stream.fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (size_t got = 0; strstr(head, "\r\n\r\n") == NULL && got < sizeof(head) - 1; got++)
        assert_int_equal(recv(stream.fd, head + got, 1, 0), 1);
    assert_non_null(strstr(head, " 200 "));
    expect_nothing(&stream);
    stream_close(&stream);
    watch_as_customer(&stream, "", "Content-Length: 3\r\n\r\nabc");
    expect_state(&stream, "accepted");
    stream_close(&stream);
    memset(name, 'A', sizeof(name));
    CLEANUP(freep) char *far = xasprintf("/s/%.*s/events", (int)sizeof(name), name);
    stream_open(&stream, far, "Connection: close\r\n");
    while (read_more(&stream, 5000))
        ;
    assert_int_equal(stream.status, 404);
    stream_close(&stream);
}

static void a_server_that_stops_ends_its_streams_at_once(void **state)
{
    struct stream streams[30], stuck;
    struct timespec began, ended;
    (void)state;
    start_attempt();
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        watch_as_customer(&streams[i], "", "");
        expect_state(&streams[i], "accepted");
    }
    CLEANUP(freep) char *path = xasprintf("/api/v1/attempts/%lld/stream", (long long)attempt_id);
    stream_open_small(&stuck, path, "", 4096);
    struct buf all = BUF_INIT;
    add_lines(&all, 0, 200000);
    buf_finish(&all);
    clock_gettime(CLOCK_MONOTONIC, &began);
    http_server_destroy(fixture.server);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    fixture.server = NULL;
    assert_true(ended.tv_sec - began.tv_sec <= 1);
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        expect_end(&streams[i]);
        stream_close(&streams[i]);
    }
    stream_close(&stuck);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, live_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(watchers_come_and_go_while_it_is_told),
        TEST(who_may_not_watch_any_more_hears_no_more),
        TEST(odd_requests_are_answered),
        TEST(a_server_that_stops_ends_its_streams_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
