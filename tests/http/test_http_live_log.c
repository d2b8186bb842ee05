/* test_http_live_log.c - streams of logs from backlog to end, and a watcher that does not read. */
#include "live.h"

#include <stdlib.h>
#include <unistd.h>

/* Every byte once, whatever the pieces: the log is "0\n1\n2\n...". */
static bool take_log(struct stream *stream, struct buf *log, int64_t *next, int timeout_ms)
{
    struct told told;
    size_t i;
    json_t *chunk;
    if (!next_event(stream, &told, timeout_ms))
        return false;
    bool more = strcmp(told.name, "log") == 0;
    if (more) {
        assert_int_equal(json_integer_value(json_object_get(told.data, "offset")), *next);
        *next = json_integer_value(json_object_get(told.data, "next_offset"));
        assert_int_equal(strtoll(told.id, NULL, 10), *next);
    } else {
        assert_string_equal(told.name, "end");
        assert_string_equal(text_of(&told, "outcome"), "done");
    }
    json_array_foreach(json_object_get(told.data, "chunks"), i, chunk)
    {
        buf_add_text(log, json_string_value(json_object_get(chunk, "text")));
    }
    told_finish(&told);
    return more;
}

static void a_log_is_followed_from_its_beginning_to_its_end(void **state)
{
    struct stream stream;
    struct buf all = BUF_INIT, seen = BUF_INIT;
    int64_t next = 0;
    (void)state;
    start_attempt();
    add_lines(&all, 0, 40000);
    watch(&stream, "attempts", attempt_id);
    while (seen.length < all.length && take_log(&stream, &seen, &next, 5000))
        ;
    for (int i = 0; i < 20; i++)
        add_lines(&all, 40000 + i, 40001 + i);
    while (seen.length < all.length && take_log(&stream, &seen, &next, 5000))
        ;
    assert_int_equal(next, all.length);
    expect_nothing(&stream);
    add_lines(&all, 40020, 40022);
    end_attempt();
    while (take_log(&stream, &seen, &next, 5000))
        ;
    expect_end(&stream);
    assert_true(buf_equals(&seen, buf_text(&all)));
    stream_close(&stream);
    buf_finish(&seen);

    CLEANUP(freep) char *path = xasprintf("/api/v1/attempts/%lld/stream?offset=5", (long long)attempt_id);
    CLEANUP(freep) char *headers = xasprintf("Last-Event-ID: %zu\r\n", all.length - 11);
    stream_open(&stream, path, headers); /* it lost the connection just before the end */
    next = (int64_t)all.length - 11;
    while (take_log(&stream, &seen, &next, 5000))
        ;
    assert_string_equal(buf_text(&seen), "line 40021\n");
    stream_close(&stream);
    buf_finish(&seen);
    buf_finish(&all);
}

static size_t resident_kib(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_true(file != NULL && fscanf(file, "%*u %lu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void who_does_not_read_costs_nothing_and_misses_nothing(void **state)
{
    struct stream slow, quick;
    struct buf all = BUF_INIT, seen = BUF_INIT, seen_quick = BUF_INIT;
    int64_t next = 0, next_quick = 0;
    (void)state;
    start_attempt();
    CLEANUP(freep) char *path = xasprintf("/api/v1/attempts/%lld/stream", (long long)attempt_id);
    stream_open_small(&slow, path, "", 4096);
    watch(&quick, "attempts", attempt_id);
    size_t before_kib = resident_kib();
    for (int i = 0; i < 50; i++) {
        add_lines(&all, 6000 * i, 6000 * (i + 1));
        while (seen_quick.length < all.length && take_log(&quick, &seen_quick, &next_quick, 5000))
            ;
    }
    assert_true(all.length > 3U * 1024 * 1024);
    assert_true(buf_equals(&seen_quick, buf_text(&all)));
    if (getenv("ASAN_OPTIONS") == NULL)
        assert_true(resident_kib() <
                    before_kib + 4U * (unsigned)(all.length / 1024)); /* ours, the quick one's, the store's */
    end_attempt();
    while (take_log(&slow, &seen, &next, 5000))
        ;
    assert_int_equal(seen.length, all.length);
    assert_true(buf_equals(&seen, buf_text(&all)));
    stream_close(&slow);
    stream_close(&quick);
    buf_finish(&all);
    buf_finish(&seen);
    buf_finish(&seen_quick);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, live_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_followed_from_its_beginning_to_its_end),
        TEST(who_does_not_read_costs_nothing_and_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
