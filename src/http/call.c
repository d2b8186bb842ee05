/* call.c - see call.h. */
#include "call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/route.h"
#include "http/session.h"

struct bedroom *bedroom_create(void)
{
    struct bedroom *bedroom = xcalloc(1, sizeof(*bedroom));
    pthread_mutex_init(&bedroom->lock, NULL);
    bedroom->woken_next = &bedroom->woken;
    bedroom->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bedroom->event_fd < 0)
        abort(); /* no file descriptor is left at start: nothing would work */
    atomic_init(&bedroom->refs, 1);
    return bedroom;
}

void bedroom_unref(struct bedroom *bedroom)
{
    if (atomic_fetch_sub(&bedroom->refs, 1) > 1)
        return;
    close(bedroom->event_fd);
    pthread_mutex_destroy(&bedroom->lock);
    free(bedroom);
}

static void leave(struct call *call)
{
    if (call->next != NULL)
        call->next->previous = call->previous;
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        call->bedroom->first = call->next;
    call->next = call->previous = NULL;
}

/* Under the lock. Only the first of those that wait to be resumed rings. */
static void get_up(struct call *call)
{
    struct bedroom *bedroom = call->bedroom;
    const uint64_t one = 1;
    leave(call);
    if (bedroom->woken == NULL) {
        ssize_t written = write(bedroom->event_fd, &one, sizeof(one));
        (void)written; /* EAGAIN: the counter is full, so it rings */
    }
    *bedroom->woken_next = call;
    bedroom->woken_next = &call->next;
}

void bedroom_resume(struct bedroom *bedroom)
{
    uint64_t count;
    ssize_t got = read(bedroom->event_fd, &count, sizeof(count));
    (void)got;
    pthread_mutex_lock(&bedroom->lock);
    struct call *call = bedroom->woken;
    bedroom->woken = NULL;
    bedroom->woken_next = &bedroom->woken;
    pthread_mutex_unlock(&bedroom->lock);
    while (call != NULL) {
        struct call *next = call->next;
        call->next = NULL;
        MHD_resume_connection(call->connection);
        call = next;
    }
}

void bedroom_close(struct bedroom *bedroom)
{
    pthread_mutex_lock(&bedroom->lock);
    bedroom->closed = true;
    while (bedroom->first != NULL) {
        struct call *call = bedroom->first;
        atomic_store(&call->abandoned, true);
        get_up(call);
    }
    pthread_mutex_unlock(&bedroom->lock);
}

struct call *call_create(struct http_server *server, const struct http_config *config, struct bedroom *bedroom,
                         struct MHD_Connection *connection, const char *path)
{
    struct call *call = xcalloc(1, sizeof(*call));
    call->server = server;
    call->config = config;
    call->connection = connection;
    call->path = xstrdup(path);
    call->body_max = CALL_BODY_MAX;
    call->bedroom = bedroom;
    atomic_fetch_add(&bedroom->refs, 1);
    atomic_init(&call->refs, 1);
    return call;
}

void call_unref(struct call *call)
{
    if (atomic_fetch_sub(&call->refs, 1) > 1)
        return;
    request_destroy(call->request);
    free(call->path);
    free(call->name);
    if (call->secret != NULL)
        explicit_bzero(call->secret, strlen(call->secret));
    free(call->secret);
    buf_finish(&call->body);
    buf_wipe(&call->answer);
    for (size_t i = 0; i < call->header_count; i++)
        free(call->headers[i].value);
    bedroom_unref(call->bedroom);
    free(call);
}

/* ---- sleep ---------------------------------------------------------------------------------------------------------- */

static void refuse_stopping(struct call *call)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_STOPPING, "", "berthd is stopping; send the request again in a moment");
    call_refuse(call, &problem);
}

bool call_sleep(struct call *call)
{
    struct bedroom *bedroom = call->bedroom;
    pthread_mutex_lock(&bedroom->lock);
    bool closed = bedroom->closed;
    if (!closed) {
        call->next = bedroom->first;
        if (call->next != NULL)
            call->next->previous = call;
        bedroom->first = call;
        atomic_fetch_add(&call->refs, 1);
        call->asleep = true;
        MHD_suspend_connection(call->connection);
    }
    pthread_mutex_unlock(&bedroom->lock);
    if (closed)
        refuse_stopping(call);
    return !closed;
}

void call_wake(struct call *call)
{
    pthread_mutex_lock(&call->bedroom->lock);
    if (!atomic_load(&call->abandoned))
        get_up(call);
    pthread_mutex_unlock(&call->bedroom->lock);
    call_unref(call);
}

/* The engine's thread: nothing but a note and a wake-up. */
static void request_done(struct request *request, void *context)
{
    struct call *call = context;
    call->request = request;
    call_wake(call);
}

void call_post(struct call *call, struct request *request, void (*finish)(struct call *call))
{
    if (!call_sleep(call)) {
        request_destroy(request);
        return;
    }
    if (request->who == NULL && call->caller.kind != CALLER_NOBODY &&
        (request->kind != REQUEST_ORDER || call->caller.kind == CALLER_STAFF))
        request->who = auth_who(&call->caller);
    request->done = request_done;
    request->context = call;
    call->finish = finish;
    inbox_post(call->config->inbox, request);
}

int64_t call_now_ms(const struct call *call)
{
    struct clock *clock = call->config->clock;
    return clock->now_ms(clock);
}

/* ---- what was asked ------------------------------------------------------------------------------------------------- */

const char *call_query(const struct call *call, const char *name)
{
    return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *call_header(const struct call *call, const char *name)
{
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

const char *call_cookie(const struct call *call)
{
    return MHD_lookup_connection_value(call->connection, MHD_COOKIE_KIND, SESSION_COOKIE);
}

/* A proxy may add a header of its own behind one that its client has sent: the last one counts. */
static enum MHD_Result keep_forwarded(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    const char **forwarded = context;
    if (strcasecmp(key, "X-Forwarded-For") == 0)
        *forwarded = value;
    return MHD_YES;
}

void call_address(const struct call *call, char ret_text[ADDRESS_TEXT_MAX])
{
    const char *forwarded = NULL;
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    MHD_get_connection_values(call->connection, MHD_HEADER_KIND, keep_forwarded, &forwarded);
    auth_address(peer == NULL ? NULL : peer->client_addr, forwarded, ret_text);
}

struct query_check {
    const char *const *known;
    struct problem *problem;
    bool ok;
};

static enum MHD_Result check_query(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    (void)value;
    struct query_check *check = context;
    for (size_t i = 0; check->known[i] != NULL; i++) {
        if (strcmp(check->known[i], key) == 0)
            return MHD_YES;
    }
    const char *nearest = input_nearest(key, check->known);
    check->ok = problem_set(check->problem, PROBLEM_BAD_QUERY, key, "the query parameter %.60s is not known%s%s", key,
                            nearest == NULL ? "" : ": did you mean ", nearest == NULL ? "" : nearest);
    return MHD_NO;
}

bool call_query_known(struct call *call, const char *const *known)
{
    struct problem problem = { 0 };
    struct query_check check = { .known = known, .problem = &problem, .ok = true };
    MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, check_query, &check);
    if (!check.ok)
        call_refuse(call, &problem);
    return check.ok;
}

bool call_query_int(struct call *call, const char *name, int64_t low, int64_t high, int64_t *ret_number)
{
    const char *text = call_query(call, name);
    if (text == NULL)
        return true;
    int64_t number = 0;
    if ((strcmp(text, "0") == 0 || input_parse_id(text, &number)) && number >= low && number <= high) {
        *ret_number = number;
        return true;
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_QUERY, name, "%s must be a whole number between %" PRId64 " and %" PRId64, name,
                low, high);
    call_refuse(call, &problem);
    return false;
}

bool call_parse_body(struct call *call, json_t **ret_root)
{
    struct problem problem;
    if (input_parse(buf_text(&call->body), call->body.length, ret_root, &problem))
        return true;
    call_refuse(call, &problem);
    return false;
}

bool call_parse_secret_body(struct call *call, json_t **ret_root)
{
    bool parsed = call_parse_body(call, ret_root);
    buf_wipe(&call->body);
    return parsed;
}

/* ---- what is answered ----------------------------------------------------------------------------------------------- */

void call_add_header(struct call *call, const char *name, const char *value)
{
    assert(call->header_count < CALL_HEADERS_MAX);
    call->headers[call->header_count++] = (struct call_header){ name, xstrdup(value) };
}

void call_refuse(struct call *call, const struct problem *problem)
{
    call->status = problem_status(problem->kind);
    call->content_type = "application/problem+json";
    buf_clear(&call->answer);
    problem_write(problem, call->path, &call->answer);
    if (problem_may_retry(problem->kind))
        call_add_header(call, "Retry-After", "1");
    if (call->status == MHD_HTTP_UNAUTHORIZED)
        call_add_header(call, "WWW-Authenticate", "Bearer realm=\"berth\"");
}

void call_refuse_err(struct call *call, const struct err *err)
{
    struct problem problem;
    problem_from_err(&problem, err);
    call_refuse(call, &problem);
}

void call_answer_json(struct call *call, unsigned status, json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    assert(text != NULL); /* what we build is UTF-8 and no cycle */
    buf_clear(&call->answer);
    buf_add_text(&call->answer, text);
    buf_add_char(&call->answer, '\n');
    free(text);
    call->status = status;
    call->content_type = "application/json";
}

void call_answer(struct call *call, unsigned status, const char *content_type, struct buf *body)
{
    buf_finish(&call->answer);
    call->answer = *body;
    *body = BUF_INIT;
    call->status = status;
    call->content_type = content_type;
}

void call_answer_still(struct call *call, unsigned status, const char *content_type, const char *data, size_t length)
{
    buf_clear(&call->answer);
    call->still = data;
    call->still_length = length;
    call->status = status;
    call->content_type = content_type;
}

void call_answer_nothing(struct call *call, unsigned status)
{
    buf_clear(&call->answer);
    call->status = status;
    call->content_type = NULL;
}

/* A list of tags, each maybe marked as weak (a proxy that has compressed the body does that); * is any. */
bool call_has_tag(const struct call *call, const char *etag)
{
    const char *known = call_header(call, "If-None-Match");
    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, etag) != NULL);
}

bool call_request_ok(struct call *call)
{
    if (call->request->ok)
        return true;
    call_refuse_err(call, &call->request->err);
    return false;
}
