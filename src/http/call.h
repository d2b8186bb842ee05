/* call.h - one HTTP request on its way through the server: what was asked, what is answered, and the sleep in between
 * while the engine or the reader works on it. Private to src/http.
 *
 * A call belongs to the HTTP thread. When it sleeps (call_sleep), it belongs to the one who works on it, who gives it
 * back with call_wake(). When the server stops before that, the sleeper is answered without its worker and the worker's
 * call_wake() only frees what is left: call->abandoned says so. */
#ifndef BERTH_HTTP_CALL_H
#define BERTH_HTTP_CALL_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "http/auth.h"
#include "http/input.h"
#include "http/problem.h"
#include "http/server.h"
#include "store/store.h"

#define CALL_BODY_MAX (64U * 1024U) /* but where route_body_max() says more */
#define CALL_HEADERS_MAX 8

struct call;
struct live;
struct route;
struct watcher;

/* The calls that sleep. Lives as long as the last of them. Who is woken stands in a list until the HTTP thread, told through
 * event_fd once for all of them, resumes their connections: libmicrohttpd is used by that thread only. */
struct bedroom {
    pthread_mutex_t lock;
    struct call *first;       /* who sleeps */
    struct call *woken;       /* who has been woken, linked by next */
    struct call **woken_next; /* where the next one goes */
    bool closed;
    int event_fd;
    atomic_size_t refs;
};
struct bedroom *bedroom_create(void);
/** HTTP thread, when event_fd is readable: resume who has been woken. */
void bedroom_resume(struct bedroom *bedroom);
/** Wake everybody with call->abandoned set; nobody may sleep any more. */
void bedroom_close(struct bedroom *bedroom);
void bedroom_unref(struct bedroom *bedroom);

struct call_header {
    const char *name; /* static */
    char *value;      /* owned */
};

struct call {
    const struct http_config *config; /* the server's; not to be touched by a worker once the call is abandoned */
    struct http_server *server;       /* likewise */
    struct MHD_Connection *connection;
    const struct route *route;
    struct caller caller; /* who asks; NOBODY on a route that is open */
    char *path;           /* owned */
    struct buf body;
    size_t body_max;
    bool body_too_large;
    bool body_is_large;  /* more than CALL_BODY_MAX may come: the server counts these */
    bool body_must_wait; /* it might have, but as many as may are on their way already */
    int64_t id;          /* {id} of the path */
    char *name;          /* {name} of the path: owned; NULL: it has none */

    struct live *live;   /* set before handle() in the HTTP thread: what can become a stream */
    struct store *store; /* of the thread that handles it: set before handle() and finish() */

    char *secret; /* made for the answer, which alone has it: wiped; NULL */

    /* while the engine works on it */
    struct request *request;                      /* owned once done() has been called */
    void (*finish)(struct call *call);            /* makes the answer of the request, in the HTTP thread */
    void (*finish_after_scan)(struct call *call); /* scan.c: what finish is once the request has been posted */

    /* the answer */
    unsigned status; /* 0: none yet */
    const char *content_type;
    const char *cache_control; /* static; NULL: nobody may keep it */
    struct watcher *watcher;   /* the answer is a stream (live.h); the response owns it */
    struct buf answer;
    const char *still; /* the answer instead, when it lies in memory that stays as long as the server */
    size_t still_length;
    bool wiped; /* the answer holds passwords: it is overwritten once it has been sent */
    struct call_header headers[CALL_HEADERS_MAX];
    size_t header_count;

    /* sleep */
    struct bedroom *bedroom;
    struct call *previous, *next; /* in one of the bedroom's lists, under its lock */
    struct call *queued;          /* in the reader's queue */
    atomic_bool abandoned;
    atomic_int refs;
    bool asleep; /* for the HTTP thread: it has been put to sleep and not come back yet */
};

struct call *call_create(struct http_server *server, const struct http_config *config, struct bedroom *bedroom,
                         struct MHD_Connection *connection, const char *path);
void call_unref(struct call *call);

/* ---- sleep ---------------------------------------------------------------------------------------------------------- */

/** HTTP thread: suspend the connection and hand the call to a worker. @return false when the server stops: the call has
 * been refused */
MUST_CHECK bool call_sleep(struct call *call);
/** Any thread: the worker is done with the call. */
void call_wake(struct call *call);
/** HTTP thread: sleep until the engine has answered the request, then finish() makes the answer. Takes the request. What the caller does
 * is recorded under his name, but for orders of tokens: their service's own record says enough, and they must be quick. */
void call_post(struct call *call, struct request *request, void (*finish)(struct call *call));

/** Wall clock. */
int64_t call_now_ms(const struct call *call);

/* ---- what was asked ------------------------------------------------------------------------------------------------- */

/** NULL when absent. Not for workers other than the reader. */
const char *call_query(const struct call *call, const char *name);
const char *call_header(const struct call *call, const char *name);
/** The secret of a session that the browser sent, or NULL. */
const char *call_cookie(const struct call *call);
/** Where the request comes from, as auth_address() says. */
void call_address(const struct call *call, char ret_text[ADDRESS_TEXT_MAX]);
/** Refuse query parameters that are not in the list. @return false: the call has been refused */
MUST_CHECK bool call_query_known(struct call *call, const char *const *known);
/** A number in a query parameter; *ret_number is left alone when absent. @return false: refused */
MUST_CHECK bool call_query_int(struct call *call, const char *name, int64_t low, int64_t high, int64_t *ret_number);
/** The body as a JSON object. @return false: refused */
MUST_CHECK bool call_parse_body(struct call *call, json_t **ret_root);
/** The same of a body that may hold a secret: afterwards it is wiped. */
MUST_CHECK bool call_parse_secret_body(struct call *call, json_t **ret_root);

/* ---- what is answered ----------------------------------------------------------------------------------------------- */

void call_add_header(struct call *call, const char *name, const char *value);
void call_refuse(struct call *call, const struct problem *problem);
void call_refuse_err(struct call *call, const struct err *err);
/** Takes the JSON. */
void call_answer_json(struct call *call, unsigned status, json_t *root);
/** Takes the buffer's memory. */
void call_answer(struct call *call, unsigned status, const char *content_type, struct buf *body);
/** The same with memory that stays as it is for as long as the server lives. */
void call_answer_still(struct call *call, unsigned status, const char *content_type, const char *data, size_t length);
/** A status without a body. */
void call_answer_nothing(struct call *call, unsigned status);
/** Has the client this version already (If-None-Match)? Then the answer is 304. @param etag with its quotes */
bool call_has_tag(const struct call *call, const char *etag);
/** After the engine: refuses and returns false when the request failed. */
MUST_CHECK bool call_request_ok(struct call *call);

#endif
