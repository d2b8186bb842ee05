/* live.c - see live.h. */
#include "live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/changes.h"

int64_t service_id, attempt_id;

int live_begin(void **state)
{
    fixture_begin(state);
    service_id = fixture_order(&fixture, "shop.example");
    return 0;
}

/* ---- the engine's side ---------------------------------------------------------------------------------------------- */

void tell_service(void)
{
    struct changes changes = { 0 };
    changed_ids_add(&changes.services, service_id);
    fixture_end_writing(&fixture);
    http_server_tell(fixture.server, &changes);
    changes_finish(&changes);
}

static void tell_attempt(void)
{
    struct changes changes = { 0 };
    changed_ids_add(&changes.attempts, attempt_id);
    fixture_end_writing(&fixture);
    http_server_tell(fixture.server, &changes);
    changes_finish(&changes);
}

void add_event(const char *kind, const char *data)
{
    fixture_begin_writing(&fixture);
    fixture_add_event(&fixture, service_id, kind, data);
    tell_service();
}

void set_status(enum service_status status)
{
    fixture_begin_writing(&fixture);
    fixture_set_status(&fixture, service_id, status);
    tell_service();
}

static void add_log(const char *text, size_t length)
{
    fixture_begin_writing(&fixture);
    fixture_add_log(&fixture, attempt_id, 1, text, length);
    tell_attempt();
}

void add_lines(struct buf *all, int from, int to)
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

void start_attempt(void)
{
    static int count;
    char key[40];
    snprintf(key, sizeof(key), "web.user@%d", ++count);
    fixture_begin_writing(&fixture);
    int64_t operation_id = fixture_add_operation(&fixture, service_id, 1, 0);
    fixture_add_task(&fixture, service_id, operation_id, "web.user", key, TASK_QUEUED);
    fixture_claim_task(&fixture, &attempt_id);
    tell_service();
}

void end_attempt(void)
{
    struct err err;
    char none[] = "";
    struct attempt attempt = {
        .id = attempt_id, .outcome = ATTEMPT_DONE, .cause_id = none, .detail = none, .ended_at_ms = 1700000001000
    };
    fixture_begin_writing(&fixture);
    must(store_end_attempt(fixture.store, &attempt, &err));
    tell_attempt();
}

/* ---- the client's side ---------------------------------------------------------------------------------------------- */

static void stream_connect_small(struct stream *stream, int receive_buffer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)fixture.port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *stream = (struct stream){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if (receive_buffer > 0)
        setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    assert_int_equal(connect(stream->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void stream_connect(struct stream *stream)
{
    stream_connect_small(stream, 0);
}

void stream_open_small(struct stream *stream, const char *path, const char *headers, int receive_buffer)
{
    stream_connect_small(stream, receive_buffer);
    CLEANUP(freep)
    char *request = xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n", path,
                              fixture.token, headers);
    assert_int_equal(send(stream->fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

void stream_open(struct stream *stream, const char *path, const char *headers)
{
    stream_open_small(stream, path, headers, 0);
}

void stream_close(struct stream *stream)
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
bool read_more(struct stream *stream, int timeout_ms)
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

void told_finish(struct told *told)
{
    json_decref(told->data);
    *told = (struct told){ 0 };
}

/* The next event; comments and "retry" are passed over. @return false: none came in time */
bool next_event(struct stream *stream, struct told *told, int timeout_ms)
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

struct told expect_event(struct stream *stream, const char *name)
{
    struct told told;
    if (!next_event(stream, &told, 5000))
        fail_msg("no event %s came (status %d, ended %d)", name, stream->status, stream->ended);
    if (strcmp(told.name, name) != 0)
        fail_msg("%s came instead of %s", told.name, name);
    assert_non_null(told.data);
    return told;
}

void expect_nothing(struct stream *stream)
{
    struct told told;
    if (next_event(stream, &told, 400))
        fail_msg("an event %s came", told.name);
}

void expect_end(struct stream *stream)
{
    struct told told;
    assert_false(next_event(stream, &told, 5000));
    assert_true(stream->ended);
}

const char *text_of(const struct told *told, const char *key)
{
    const char *text = json_string_value(json_object_get(told->data, key));
    return text == NULL ? "" : text;
}

void expect_news(struct stream *stream, const char *id, const char *text)
{
    struct told told = expect_event(stream, "activity");
    assert_string_equal(told.id, id);
    assert_string_equal(text_of(&told, "text"), text);
    told_finish(&told);
}

void expect_state(struct stream *stream, const char *status)
{
    struct told told = expect_event(stream, "state");
    assert_string_equal(text_of(&told, "status"), status);
    assert_null(json_object_get(told.data, "activity"));
    told_finish(&told);
}

char *customer_path(const char *tail)
{
    CLEANUP(freep) char *behind = xasprintf("/events%s", tail);
    return fixture_link(&fixture, service_id, 0, behind);
}

void watch_as_customer(struct stream *stream, const char *tail, const char *headers)
{
    CLEANUP(freep) char *path = customer_path(tail);
    stream_open(stream, path, headers);
}

void watch(struct stream *stream, const char *format, int64_t id)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/%s/%lld/stream", format, (long long)id);
    stream_open(stream, path, "");
}
