/* test_http_live.c - streams: what is sent at first and on each change, going on from where one was without a gap or a double, logs
 * from backlog to end, watchers that do not read, that go, and a server that stops under them. The test is the engine: it
 * writes, and tells what it has committed. */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/changes.h"
#include "http/link.h"
#include "store/store_deed.h"

static struct fixture fixture;
static int64_t service_id, attempt_id;

/* ---- the engine's side ---------------------------------------------------------------------------------------------- */

static void begin_writing(void)
{
    struct err err;
    pthread_mutex_lock(&fixture.lock);
    must(store_begin(fixture.store, &err));
}

static void end_writing(const struct changes *changes)
{
    struct err err;
    must(store_commit(fixture.store, true, &err));
    pthread_mutex_unlock(&fixture.lock);
    http_server_tell(fixture.server, changes);
}

static void tell_service(void)
{
    struct changes changes = { 0 };
    changed_ids_add(&changes.services, service_id);
    end_writing(&changes);
    changes_finish(&changes);
}

static void tell_attempt(void)
{
    struct changes changes = { 0 };
    changed_ids_add(&changes.attempts, attempt_id);
    end_writing(&changes);
    changes_finish(&changes);
}

static void append_event(const char *kind, const char *data)
{
    struct err err;
    struct event event = {
        .service_id = service_id, .at_ms = 1700000000000, .kind = xstrdup(kind), .data = xstrdup(data)
    };
    must(store_append_event(fixture.store, &event, &err));
    event_finish(&event);
}

static void add_event(const char *kind, const char *data)
{
    begin_writing();
    append_event(kind, data);
    tell_service();
}

static void set_status(enum service_status status)
{
    struct err err;
    struct service service;
    begin_writing();
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.status = status;
    must(store_update_service(fixture.store, &service, &err));
    service_finish(&service);
    tell_service();
}

static void add_log(const char *text, size_t length)
{
    struct err err;
    struct log_chunk chunk = {
        .attempt_id = attempt_id, .at_ms = 1700000000123, .stream = 1, .data = xstrndup(text, length), .length = length
    };
    begin_writing();
    must(store_append_log(fixture.store, &chunk, &err));
    tell_attempt();
    log_chunk_finish(&chunk);
}

/* Another operation with one task, whose attempt runs. */
static void start_attempt(void)
{
    struct err err;
    char pipeline[] = "split", hash[] = "h", none[] = "", action[] = "web.user", label[] = "step.web.user";
    static char key[40];
    static int count;
    struct operation operation = { .service_id = service_id,
                                   .kind = OPERATION_DEPLOY,
                                   .state = OPERATION_RUNNING,
                                   .pipeline = pipeline,
                                   .pipeline_hash = hash,
                                   .weight_total = 40,
                                   .tasks_total = 1,
                                   .created_at_ms = 1700000000000 };
    snprintf(key, sizeof(key), "web.user@%d", ++count);
    begin_writing();
    must(store_insert_operation(fixture.store, &operation, &err));
    struct task task = { .operation_id = operation.id,
                         .service_id = service_id,
                         .node_id = fixture.node_id,
                         .role = ROLE_WEB,
                         .key = key,
                         .action = action,
                         .label_key = label,
                         .lane = TASK_LANE_MAKE,
                         .state = TASK_QUEUED,
                         .weight = 10,
                         .cause_id = none,
                         .reason = none,
                         .inputs_hash = none,
                         .created_at_ms = 1700000000000 };
    must(store_insert_task(fixture.store, &task, &err));
    struct task claimed = { 0 };
    bool found = false;
    must(store_claim_task(fixture.store, task_queue_id(fixture.node_id, TASK_LANE_MAKE), 1700000000000, 1700000015000,
                          &claimed, &found, &err));
    assert_true(found);
    attempt_id = claimed.attempt_id;
    task_finish(&claimed);
    tell_service();
}

static void end_attempt(void)
{
    struct err err;
    char none[] = "";
    struct attempt attempt = {
        .id = attempt_id, .outcome = ATTEMPT_DONE, .cause_id = none, .detail = none, .ended_at_ms = 1700000001000
    };
    begin_writing();
    must(store_end_attempt(fixture.store, &attempt, &err));
    tell_attempt();
}

/* ---- the client's side ---------------------------------------------------------------------------------------------- */

struct stream {
    int fd;
    struct buf raw;  /* of the connection, chunked */
    struct buf text; /* of the stream, not yet taken as events */
    int status;
    bool ended;
};

struct told {
    char name[20], id[24];
    json_t *data;
};

static void stream_connect_small(struct stream *stream, int receive_buffer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)fixture.port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *stream = (struct stream){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if (receive_buffer > 0)
        setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    assert_int_equal(connect(stream->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void stream_connect(struct stream *stream)
{
    stream_connect_small(stream, 0);
}

static void stream_open_small(struct stream *stream, const char *path, const char *headers, int receive_buffer)
{
    stream_connect_small(stream, receive_buffer);
    CLEANUP(freep)
    char *request = xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n", path,
                              fixture.token, headers);
    assert_int_equal(send(stream->fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

static void stream_open(struct stream *stream, const char *path, const char *headers)
{
    stream_open_small(stream, path, headers, 0);
}

static void stream_close(struct stream *stream)
{
    close(stream->fd);
    buf_finish(&stream->raw);
    buf_finish(&stream->text);
}

/* Move whole chunks from raw to text. */
static void unchunk(struct stream *stream)
{
    if (stream->status == 0) {
        const char *end = strstr(buf_text(&stream->raw), "\r\n\r\n");
        if (end == NULL)
            return;
        sscanf(stream->raw.data, "HTTP/1.1 %d", &stream->status);
        buf_remove_front(&stream->raw, (size_t)(end + 4 - stream->raw.data));
    }
    for (;;) {
        const char *line_end = stream->raw.length == 0 ? NULL : memmem(stream->raw.data, stream->raw.length, "\r\n", 2);
        if (line_end == NULL)
            return;
        size_t length = strtoul(stream->raw.data, NULL, 16);
        size_t head = (size_t)(line_end + 2 - stream->raw.data);
        if (stream->raw.length < head + length + 2)
            return;
        stream->ended |= length == 0;
        buf_add(&stream->text, stream->raw.data + head, length);
        buf_remove_front(&stream->raw, head + length + 2);
    }
}

/* @return false: nothing came for so long, or the stream has ended */
static bool read_more(struct stream *stream, int timeout_ms)
{
    struct pollfd wait = { .fd = stream->fd, .events = POLLIN };
    static char piece[65536];
    if (stream->ended || poll(&wait, 1, timeout_ms) != 1)
        return false;
    ssize_t got = recv(stream->fd, piece, sizeof(piece), 0);
    if (got <= 0) {
        stream->ended = true;
        return false;
    }
    buf_add(&stream->raw, piece, (size_t)got);
    unchunk(stream);
    return true;
}

static void parse_event(const char *text, size_t length, struct told *told)
{
    CLEANUP(freep) char *copy = xstrndup(text, length);
    *told = (struct told){ 0 };
    for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "event: ", 7) == 0)
            snprintf(told->name, sizeof(told->name), "%s", line + 7);
        else if (strncmp(line, "id: ", 4) == 0)
            snprintf(told->id, sizeof(told->id), "%s", line + 4);
        else if (strncmp(line, "data: ", 6) == 0)
            told->data = json_loads(line + 6, 0, NULL);
    }
}

static void told_finish(struct told *told)
{
    json_decref(told->data);
    *told = (struct told){ 0 };
}

/* The next event; comments and "retry" are passed over. @return false: none came in time */
static bool next_event(struct stream *stream, struct told *told, int timeout_ms)
{
    for (;;) {
        const char *end = strstr(buf_text(&stream->text), "\n\n");
        if (end == NULL) {
            if (!read_more(stream, timeout_ms))
                return false;
            continue;
        }
        size_t length = (size_t)(end - stream->text.data);
        parse_event(stream->text.data, length, told);
        buf_remove_front(&stream->text, length + 2);
        if (told->name[0] != '\0')
            return true;
        told_finish(told);
    }
}

static struct told expect_event(struct stream *stream, const char *name)
{
    struct told told;
    if (!next_event(stream, &told, 5000))
        fail_msg("no event %s came (status %d, ended %d)", name, stream->status, stream->ended);
    if (strcmp(told.name, name) != 0)
        fail_msg("%s came instead of %s", told.name, name);
    assert_non_null(told.data);
    return told;
}

static void expect_nothing(struct stream *stream)
{
    struct told told;
    if (next_event(stream, &told, 400))
        fail_msg("an event %s came", told.name);
}

static void expect_end(struct stream *stream)
{
    struct told told;
    assert_false(next_event(stream, &told, 5000));
    assert_true(stream->ended);
}

static const char *text_of(const struct told *told, const char *key)
{
    const char *text = json_string_value(json_object_get(told->data, key));
    return text == NULL ? "" : text;
}

static void expect_news(struct stream *stream, const char *id, const char *text)
{
    struct told told = expect_event(stream, "activity");
    assert_string_equal(told.id, id);
    assert_string_equal(text_of(&told, "text"), text);
    told_finish(&told);
}

static void expect_state(struct stream *stream, const char *status)
{
    struct told told = expect_event(stream, "state");
    assert_string_equal(text_of(&told, "status"), status);
    assert_null(json_object_get(told.data, "activity"));
    told_finish(&told);
}

static char *customer_path(const char *tail)
{
    char token[LINK_TOKEN_MAX];
    struct clock *clock = clock_real();
    link_token(fixture.keyring, service_id, 0, clock->now_ms(clock), token);
    return xasprintf("/s/%s/events%s", token, tail);
}

static void watch_as_customer(struct stream *stream, const char *tail, const char *headers)
{
    CLEANUP(freep) char *path = customer_path(tail);
    stream_open(stream, path, headers);
}

static void watch(struct stream *stream, const char *format, int64_t id)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/%s/%lld/stream", format, (long long)id);
    stream_open(stream, path, "");
}

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    service_id = fixture_order(&fixture, "shop.example");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_finish(&fixture);
    return 0;
}

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
    begin_writing(); /* somebody says that something has changed, and nothing has */
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
    begin_writing();
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
    begin_writing();
    for (int i = 0; i < 250; i++)
        append_event("task.started", "{\"key\":\"web.user\"}");
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

/* ---- logs ----------------------------------------------------------------------------------------------------------- */

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

static void add_lines(struct buf *all, int from, int to)
{
    struct buf lines = BUF_INIT;
    for (int i = from; i < to; i++) {
        buf_addf(&lines, "line %d\n", i);
        if (lines.length > 60000 || i + 1 == to) {
            add_log(buf_text(&lines), lines.length);
            buf_add(all, lines.data, lines.length);
            buf_clear(&lines);
        }
    }
    buf_finish(&lines);
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

/* ---- coming, going, stopping ---------------------------------------------------------------------------------------- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(a_log_is_followed_from_its_beginning_to_its_end),
        TEST(who_does_not_read_costs_nothing_and_misses_nothing),
        TEST(who_may_not_watch_any_more_hears_no_more),
        TEST(odd_requests_are_answered),
        TEST(watchers_come_and_go_while_it_is_told),
        TEST(a_server_that_stops_ends_its_streams_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
