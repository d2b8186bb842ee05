/* live.h - what the tests of streams share: a server with one service, the engine's side, which writes and tells what it has
 * committed, and a client's side, which reads a stream event by event. What is here works on the program's one fixture. */
#ifndef BERTH_TESTS_HTTP_LIVE_H
#define BERTH_TESTS_HTTP_LIVE_H

#include "shared.h"

extern int64_t service_id;
extern int64_t attempt_id; /* of start_attempt() */

/** For cmocka: a server for each test; fixture_end() is its end. */
int live_begin(void **state);

/* ---- the engine's side: committed, then told --------------------------------------------------------------------------- */

/** End what fixture_begin_writing() began and say that the service has changed. */
void tell_service(void);
void add_event(const char *kind, const char *data);
void set_status(enum service_status status);
/** Another operation with one task, whose attempt runs. */
void start_attempt(void);
/** "line 17" and so on into the attempt's log, and behind `all`. */
void add_lines(struct buf *all, int from, int to);
void end_attempt(void);

/* ---- the client's side -------------------------------------------------------------------------------------------------- */

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

/** Connected, and nothing asked. */
void stream_connect(struct stream *stream);
/** Ask with the fixture's token. @param headers "Name: value\r\n..." or "" */
void stream_open(struct stream *stream, const char *path, const char *headers);
/** The same with a receive buffer of so many bytes. */
void stream_open_small(struct stream *stream, const char *path, const char *headers, int receive_buffer);
void stream_close(struct stream *stream);
/** @return false: nothing came for so long, or the stream has ended */
bool read_more(struct stream *stream, int timeout_ms);

/** The next event; comments and "retry" are passed over. @return false: none came in time */
bool next_event(struct stream *stream, struct told *told, int timeout_ms);
void told_finish(struct told *told);
/** A text in the event's data; "" when there is none. */
const char *text_of(const struct told *told, const char *key);

struct told expect_event(struct stream *stream, const char *name);
void expect_nothing(struct stream *stream);
void expect_end(struct stream *stream);
void expect_news(struct stream *stream, const char *id, const char *text);
void expect_state(struct stream *stream, const char *status);

/** "/s/<token>/events<tail>", owned. */
char *customer_path(const char *tail);
void watch_as_customer(struct stream *stream, const char *tail, const char *headers);
/** "/api/v1/<kind>/<id>/stream" */
void watch(struct stream *stream, const char *kind, int64_t id);

#endif
