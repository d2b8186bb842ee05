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
/** Get the address that has this id between the two texts. */
struct answer fixture_get_by_id(struct fixture *fixture, const char *before, int64_t id, const char *behind);
/** A text in the answer's JSON: "client.email"; "" when there is none. */
const char *answer_text(const struct answer *answer, const char *path);
/** A header's value in a static buffer; NULL when absent. */
const char *answer_header(const struct answer *answer, const char *name);

/** An order's body; each may be NULL for a good one. */
char *order_body(const char *product, const char *domain, const char *external_id);
/** Place one and return its id. */
int64_t fixture_order(struct fixture *fixture, const char *domain);
/** "/s/<token><tail>", owned: a customer's link of this generation, made now. The service need not exist. */
char *fixture_link(struct fixture *fixture, int64_t service_id, int64_t generation, const char *tail);
/** Put the clocks of the server and of the stand-in forward. */
void fixture_wait(struct fixture *fixture, int64_t ms);
/** Under no lock: before the server runs, or with `lock` held and a transaction begun. ret_text holds TOKEN_LENGTH + 1 */
void fixture_add_token(struct fixture *fixture, const char *name, enum staff_role role, char *ret_text);
/** Send it and read the answer's status only: for answers that never end. */
int fixture_status(struct fixture *fixture, const char *method, const char *path, const char *headers,
                   const char *body);
#define must(call)                                                                                                     \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s (%s)", #call, err.msg, err_code_name(err.code));                                          \
    } while (0)

/* ---- records (fixture_records.c): what a test puts into the store by itself ------------------------------------------- */

/** Take `lock` and begin a transaction in the store, for what follows here. */
void fixture_begin_writing(struct fixture *fixture);
void fixture_end_writing(struct fixture *fixture);

void fixture_set_status(struct fixture *fixture, int64_t service_id, enum service_status status);
/** The same, with the operation that is the service's from now on. */
void fixture_set_operation(struct fixture *fixture, int64_t service_id, int64_t operation_id,
                           enum service_status status);
void fixture_add_event(struct fixture *fixture, int64_t service_id, const char *kind, const char *data);
/** The node ns1, which customers know as ns1.berth.example; @return its id. */
int64_t fixture_add_name_server(struct fixture *fixture);
/** The account "shop". */
void fixture_add_account(struct fixture *fixture, int64_t service_id, int64_t node_id, unsigned roles);
/** A deployment that runs, of weight 40; each task that is done has a weight of 10. @return its id */
int64_t fixture_add_operation(struct fixture *fixture, int64_t service_id, int64_t tasks_total, int64_t tasks_done);
/** A change on the fixture's node; its label is "step." and the action. @return its id */
int64_t fixture_add_task(struct fixture *fixture, int64_t service_id, int64_t operation_id, const char *action,
                         const char *key, enum task_state state);
/** Take the fixture's node's next change, as the engine would. @return the task's id */
int64_t fixture_claim_task(struct fixture *fixture, int64_t *ret_attempt_id);
void fixture_add_log(struct fixture *fixture, int64_t attempt_id, int stream, const char *text, size_t length);

/* These two write by themselves, outside fixture_begin_writing(). */

/** A service in the middle of its deployment: one step done, one running with a log, one waiting, one failed; with two
 * events, an account on the fixture's node and one on a new name server. */
void fixture_add_deployment(struct fixture *fixture, int64_t service_id, int64_t *ret_task_id, int64_t *ret_attempt_id);
/** An operation of one task with one attempt that ended long ago: it is in history, its log was removed. */
void fixture_add_old_work(struct fixture *fixture, int64_t service_id, int64_t *ret_task_id, int64_t *ret_attempt_id);

#endif
