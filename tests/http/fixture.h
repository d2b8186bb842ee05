/* fixture.h - a server with a database of its own, a stand-in for the engine that answers its inbox, and a client that
 * speaks HTTP by hand, so that also broken requests can be sent. */
#ifndef BERTH_TESTS_HTTP_FIXTURE_H
#define BERTH_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "http/server.h"
#include "http/token.h"
#include "store/store_staff.h"

struct fixture {
    char dir[64], url[128];
    struct store *store; /* the stand-in's, for writing; `lock` when a test uses it too */
    pthread_mutex_t lock;
    struct inbox *inbox;
    pthread_t engine;
    atomic_bool engine_stops;
    atomic_bool engine_holds; /* takes requests and does not answer them until the end */
    struct request *held;     /* the stand-in's */
    atomic_int refuse_with;   /* an err_code: the next requests fail so; ERR_NONE */
    atomic_int posted;        /* requests that reached the inbox */
    struct keyring *keyring;
    struct clock clock; /* the real one, put forward */
    _Atomic int64_t ahead_ms;
    struct http_server *server;
    char token[TOKEN_LENGTH + 1];
    int64_t group_id, product_id, node_id;
    int port;
    struct pulse pulse; /* no beat: health does not look at it */
};

void fixture_init(struct fixture *fixture);
/** The same with the files of pages as a build makes them: scripts, stylesheets, manifest.json, admin.html. */
void fixture_init_with_pages(struct fixture *fixture);
void fixture_finish(struct fixture *fixture);

struct answer {
    int status;
    char *head, *body; /* owned */
    json_t *json;      /* NULL when the body is none */
};
void answer_finish(struct answer *answer);
/** @param headers  "Name: value\r\n..." or ""; the token is added unless it holds "Authorization" or "No-Token" */
struct answer fixture_ask(struct fixture *fixture, const char *method, const char *path, const char *headers,
                          const char *body);
/** A connection on which nothing has been said; it gives up reading after ten seconds. @return the caller's to close() */
int fixture_connect(const struct fixture *fixture);
/** Send these bytes and read one answer. */
struct answer fixture_send(struct fixture *fixture, const char *bytes, size_t length);
struct answer fixture_get(struct fixture *fixture, const char *path);
/** A text in the answer's JSON: "client.email"; "" when there is none. */
const char *answer_text(const struct answer *answer, const char *path);
/** A header's value in a static buffer; NULL when absent. */
const char *answer_header(const struct answer *answer, const char *name);

/** An order's body; each may be NULL for a good one. */
char *order_body(const char *product, const char *domain, const char *external_id);
/** Place one and return its id. */
int64_t fixture_order(struct fixture *fixture, const char *domain);
/** Put the clocks of the server and of the stand-in forward. */
void fixture_wait(struct fixture *fixture, int64_t ms);
/** Under no lock: before the server runs, or with `lock` held and a transaction begun. ret_text holds TOKEN_LENGTH + 1 */
void fixture_add_token(struct fixture *fixture, const char *name, enum staff_role role, char *ret_text);
/** Send it and read the answer's status only: for answers that never end. */
int fixture_status(struct fixture *fixture, const char *method, const char *path, const char *headers,
                   const char *body);
/** An operation of one task with one attempt that ended long ago: it is in history, its log was removed. */
void fixture_add_old_work(struct fixture *fixture, int64_t service_id, int64_t *ret_task_id, int64_t *ret_attempt_id);

#define must(call)                                                                                                     \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s (%s)", #call, err.msg, err_code_name(err.code));                                          \
    } while (0)

#endif
