/* live_stream.c - a watcher: the buffer between the thread that tells and the connection that sends. */
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "http/live_internal.h"

#define BLOCK_SIZE 1024              /* chunks are made in the connection's own memory: this is of no use to them */
#define SEND_BUFFER (64 * 1024)      /* of the socket: who does not read shall not fill the kernel's memory either */
#define STAFF_STREAM_MS (600 * 1000) /* a session may have ended by itself: whoever still may comes again at once */
#define PEER_TIMEOUT_MS (60 * 1000)  /* of what is sent and not acknowledged */

/* ---- the live thread's side ----------------------------------------------------------------------------------------- */

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool watcher_has_room(struct watcher *watcher)
{
    struct live *live = watcher->live;
    pthread_mutex_lock(&live->lock);
    bool has_room = watcher->out.length - watcher->out_at < ROOM_MAX && !watcher->ended && !watcher->gone;
    if (!has_room)
        watcher->behind = true;
    pthread_mutex_unlock(&live->lock);
    return has_room;
}

/* Under the lock. */
static void wake(struct watcher *watcher)
{
    struct live *live = watcher->live;
    if (!watcher->asleep || watcher->woken || watcher->gone)
        return;
    watcher->woken = true;
    watcher->next = live->woken;
    live->woken = watcher;
    live->rings = true;
}

void watcher_push(struct watcher *watcher, const struct buf *bytes)
{
    struct live *live = watcher->live;
    if (bytes->length == 0)
        return;
    pthread_mutex_lock(&live->lock);
    if (watcher->out_at >= ROOM_MAX) {
        buf_remove_front(&watcher->out, watcher->out_at);
        watcher->out_at = 0;
    }
    if (!watcher->ended && !watcher->gone)
        buf_add(&watcher->out, bytes->data, bytes->length);
    wake(watcher);
    pthread_mutex_unlock(&live->lock);
    watcher->told_at_ms = monotonic_ms();
}

void watcher_end(struct watcher *watcher)
{
    struct live *live = watcher->live;
    pthread_mutex_lock(&live->lock);
    watcher->ended = true;
    wake(watcher);
    pthread_mutex_unlock(&live->lock);
}

void watcher_free(struct watcher *watcher)
{
    buf_finish(&watcher->out);
    free(watcher->token);
    free(watcher);
}

void stream_add_event(struct buf *buf, const char *name, int64_t id, json_t *data)
{
    CLEANUP(freep) char *text = json_dumps(data, JSON_COMPACT); /* one line: JSON has no newlines of its own */
    json_decref(data);
    buf_addf(buf, "event: %s\n", name);
    if (id >= 0)
        buf_addf(buf, "id: %" PRId64 "\n", id);
    buf_addf(buf, "data: %s\n\n", text == NULL ? "{}" : text);
}

/* ---- the HTTP thread's side ----------------------------------------------------------------------------------------- */

void live_watch(struct live *live, struct call *call, enum watch_kind kind, int64_t id, int64_t after)
{
    struct watcher *watcher = xcalloc(1, sizeof(*watcher));
    const struct caller *caller = &call->caller;
    *watcher =
        (struct watcher){ .live = live,
                          .kind = kind,
                          .id = id,
                          .cursor = after,
                          .connection = call->connection,
                          .fd = -1,
                          .caller = caller->kind,
                          .caller_id = caller->id,
                          .ends_at_ms = caller->kind == CALLER_NOBODY ? INT64_MAX : monotonic_ms() + STAFF_STREAM_MS,
                          .token = kind == WATCH_CUSTOMER ? xstrdup(call->name) : NULL };
    pthread_mutex_lock(&live->lock);
    bool closed = live->closed, full = live->watcher_count >= live->streams_max;
    if (!closed && !full) {
        live->watcher_count++;
        watcher->next = live->joining;
        live->joining = watcher;
        pthread_cond_signal(&live->changed);
    }
    pthread_mutex_unlock(&live->lock);
    if (!closed && !full) {
        call->status = MHD_HTTP_OK;
        call->content_type = "text/event-stream";
        call_add_header(call, "X-Accel-Buffering", "no"); /* nginx: pass it on as it comes */
        call->watcher = watcher;
        return;
    }
    struct problem problem;
    watcher_free(watcher);
    problem_set(&problem, closed ? PROBLEM_STOPPING : PROBLEM_BUSY, "",
                closed ? "berthd is stopping; send the request again in a moment"
                       : "too many streams are open; ask for the state from time to time instead");
    call_refuse(call, &problem);
}

void live_bar(struct live *live, enum caller_kind kind, int64_t id)
{
    pthread_mutex_lock(&live->lock);
    struct barred *barred = &live->barred;
    barred->all = barred->any && (barred->all || barred->kind != kind || barred->id != id);
    barred->any = true;
    barred->kind = kind;
    barred->id = id;
    pthread_cond_signal(&live->changed);
    pthread_mutex_unlock(&live->lock);
}

/* Copies what there is; with nothing to send the connection sleeps until live_resume(). */
static ssize_t read_out(void *context, uint64_t position, char *target, size_t max)
{
    (void)position;
    struct watcher *watcher = context;
    struct live *live = watcher->live;
    ssize_t result = 0;
    pthread_mutex_lock(&live->lock);
    size_t left = watcher->out.length - watcher->out_at;
    size_t length = left < max ? left : max;
    if (length > 0) {
        memcpy(target, watcher->out.data + watcher->out_at, length);
        watcher->out_at += length;
        result = (ssize_t)length;
        if (length == left) {
            buf_finish(&watcher->out); /* thousands of watchers wait most of the time: they keep no memory meanwhile */
            watcher->out_at = 0;
        }
        if (length == left && watcher->behind && !watcher->ended) {
            live->catches_up = true;
            pthread_cond_signal(&live->changed);
        }
    } else if (watcher->ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        watcher->asleep = true;
        MHD_suspend_connection(watcher->connection);
    }
    pthread_mutex_unlock(&live->lock);
    return result;
}

static void take_from_woken(struct live *live, struct watcher *watcher)
{
    struct watcher **at = &live->woken;
    while (*at != NULL && *at != watcher)
        at = &(*at)->next;
    if (*at != NULL)
        *at = watcher->next;
}

/* The connection is no more. The live thread may be telling it something just now: that one frees it. */
static void on_gone(void *context)
{
    struct watcher *watcher = context;
    struct live *live = watcher->live;
    pthread_mutex_lock(&live->lock);
    live->watcher_count--;
    watcher->gone = true;
    if (watcher->fd >= 0) /* the connection may live on with another request */
        (void)epoll_ctl(live->hangup_fd, EPOLL_CTL_DEL, watcher->fd, NULL);
    if (watcher->woken)
        take_from_woken(live, watcher);
    if (!live->closed) { /* else all are freed together */
        watcher->next_gone = live->gone;
        live->gone = watcher;
        pthread_cond_signal(&live->changed);
    }
    pthread_mutex_unlock(&live->lock);
}

static void set_up_socket(struct watcher *watcher)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(watcher->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct epoll_event hangup = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = watcher };
    int one = 1, buffer = SEND_BUFFER;
    unsigned timeout_ms = PEER_TIMEOUT_MS;
    if (info == NULL)
        return;
    (void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
    (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    if (epoll_ctl(watcher->live->hangup_fd, EPOLL_CTL_ADD, info->connect_fd, &hangup) == 0)
        watcher->fd = info->connect_fd;
}

int live_hangup_fd(const struct live *live)
{
    return live->hangup_fd;
}

void live_take_hangups(struct live *live)
{
    struct epoll_event events[64];
    int count = epoll_wait(live->hangup_fd, events, ARRAY_LEN(events), 0);
    for (int i = 0; i < count; i++) {
        struct watcher *watcher = events[i].data.ptr;
        pthread_mutex_lock(&live->lock);
        buf_finish(&watcher->out);
        watcher->out_at = 0;
        watcher->ended = true;
        wake(watcher);
        pthread_mutex_unlock(&live->lock);
    }
}

struct MHD_Response *live_response(struct watcher *watcher)
{
    set_up_socket(watcher);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_out, watcher, on_gone);
    if (response == NULL)
        on_gone(watcher);
    return response;
}

void live_resume(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    struct watcher *watcher = live->woken;
    live->woken = NULL;
    for (struct watcher *each = watcher; each != NULL; each = each->next)
        each->woken = each->asleep = false;
    /* under the lock: once a watcher is not in the list any more, it may go, and its place in the list be another's */
    for (struct watcher *next = NULL; watcher != NULL; watcher = next) {
        next = watcher->next;
        watcher->next = NULL;
        MHD_resume_connection(watcher->connection);
    }
    pthread_mutex_unlock(&live->lock);
}
