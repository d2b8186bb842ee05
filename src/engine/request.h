/* request.h - what people and billing systems ask of the engine: every write of the API. A request is checked for form
 * by its maker (src/http), posted to the inbox, decided and written in the engine's next batch, and answered after the
 * commit: done() is called from the engine's thread and must not block (HTTP resumes the suspended connection). */
#ifndef BERTH_ENGINE_REQUEST_H
#define BERTH_ENGINE_REQUEST_H

#include <jansson.h>

#include "base/err.h"
#include "core/model.h"
#include "core/staff.h"

enum request_kind {
    REQUEST_ORDER,
    REQUEST_GROUP_ADD,
    REQUEST_NODE_ADD,
    REQUEST_NODE_SET,  /* state active, draining or paused; capacity_max */
    REQUEST_NODE_TEST, /* runs the driver's preflight on the node: answered when that has ended */
    REQUEST_PRODUCT_ADD,
    REQUEST_ZONE_TEMPLATE_PUT,
    REQUEST_TASK_RETRY,    /* a failed task (or one that waits) is queued at once */
    REQUEST_TASK_FAIL,     /* a task that does not come to an end is failed by hand */
    REQUEST_TASK_RESOLVE,  /* a named conflict: adopt, rename or abort */
    REQUEST_OPERATION,     /* redeploy, verify, plan or password: docs/operations.md */
    REQUEST_CANCEL,        /* what is unfinished of a service */
    REQUEST_SERVICE_RETRY, /* all that has failed or waits: of a service */
    REQUEST_NODE_RETRY,    /* ... of a node */
    REQUEST_SETTING_SET,   /* all of its values or none */
    REQUEST_TICKET_RETRY,  /* what is not sent yet is sent at once */
    REQUEST_STAFF_ADD,
    REQUEST_STAFF_SET,     /* role, disabled, password: what is said of them */
    REQUEST_PASSWORD_SET,  /* somebody's own */
    REQUEST_SESSION_OPEN,  /* the password was right */
    REQUEST_SESSION_CLOSE, /* by him whose it is */
    REQUEST_SESSION_TOUCH, /* it was used; nobody waits for the answer */
    REQUEST_TOKEN_ADD,
    REQUEST_TOKEN_REVOKE,
    REQUEST_REVEAL,           /* staff are about to read a service's passwords */
    REQUEST_LINK_RENEW,       /* the customer's link: those that are out stop working */
    REQUEST_CREDENTIALS_SHOW, /* the customer is about to read the passwords: once */
};

#define NODE_CAPACITY_UNSAID (-1) /* NODE_ADD: as the setting node.capacity says */

/* One value to be set: see core/settings.h. Both owned. */
struct setting_pair {
    char *name;
    char *value; /* NULL: the default; may be a secret */
};

struct request {
    enum request_kind kind;
    struct request *next; /* the inbox's */

    /* ORDER: all texts owned, checked for form: domain normalised, e-mail checked, options a JSON object as text */
    struct {
        char *product; /* by name */
        char *domain, *client_id, *client_name, *client_email, *external_id, *idempotency_key, *options;
    } order;
    struct group group; /* GROUP_ADD: name, title */
    struct node node;   /* NODE_ADD: everything that a person says, host_key scanned or given; NODE_SET: id, state,
                           capacity_max */
    char **group_names; /* NODE_ADD: owned, group_name_count of them; PRODUCT_ADD: exactly one */
    size_t group_name_count;
    struct product product;              /* PRODUCT_ADD: name, title, mode, spec (canonical) */
    char *template_name, *template_text; /* ZONE_TEMPLATE_PUT, checked */
    struct setting_pair *settings;       /* SETTING_SET: owned, setting_count of them */
    size_t setting_count;
    /* who may do what: see core/staff.h */
    struct {
        char *name; /* STAFF_ADD, TOKEN_ADD; owned */
        bool has_role, has_disabled;
        enum staff_role role;
        bool disabled;
        char *
            password; /* owned, argon2id: STAFF_ADD, STAFF_SET, PASSWORD_SET: the new one, or NULL; SESSION_OPEN: the one that was
                           right */
        unsigned char hash[SECRET_HASH_BYTES]; /* SESSION_OPEN, TOKEN_ADD: of the secret */
        int64_t session_id;                    /* SESSION_CLOSE, SESSION_TOUCH; PASSWORD_SET: the one that stays open */
    } access;
    char *
        who; /* owned: who asks, for the record: "ada (staff 2)", "admin (token 1)". When set, a request that succeeds is
                  recorded in its transaction (audit.c) */
    int64_t
        target_id; /* NODE_*: node; TASK_*: task; TICKET_RETRY: ticket; OPERATION, CANCEL, SERVICE_RETRY, REVEAL, LINK_RENEW, CREDENTIALS_SHOW: service; STAFF_SET,
                          PASSWORD_SET, SESSION_OPEN: person; TOKEN_REVOKE: token */
    bool by_customer; /* OPERATION, SERVICE_RETRY: asked for on the customer's page: has limits of its own */
    enum operation_kind operation; /* OPERATION */
    enum resolution resolution;    /* TASK_RESOLVE */

    /* the answer, valid in done() */
    bool ok;
    struct err err; /* when !ok: err.field names the input */
    int64_t id;     /* of what was made or found */
    int64_t count;  /* SERVICE_RETRY, NODE_RETRY: tasks that were queued */
    bool existing;  /* ORDER: the same external_id or key came before; nothing was made. OPERATION: it runs already.
                       CREDENTIALS_SHOW: they were shown before: they must not be shown again */
    int64_t created_at_ms; /* ORDER: of the service id names (its customer link is made from both); 0: the asker looks
                              it up */
    json_t *facts;         /* NODE_TEST: what preflight learned, {"version": ...}; owned by the request, may be NULL */

    void (*done)(struct request *request, void *context); /* owns the request from there: request_destroy() */
    void *context;
};

struct request *request_create(enum request_kind kind);
void request_destroy(struct request *request);

/* The way into the engine, for any thread. */
struct inbox;
struct inbox *inbox_create(void);
void inbox_destroy(struct inbox *inbox); /* requests that are left are answered with ERR_BUSY */
/** Takes the request over. After inbox_close() it is answered at once with ERR_BUSY ("berthd is stopping"). */
void inbox_post(struct inbox *inbox, struct request *request);
void inbox_wake(struct inbox *inbox); /* async-signal-safe */
void inbox_close(struct inbox *inbox);
/** Engine's side. Wait until something was posted or woken, or timeout_ms have passed (-1: for ever). */
void inbox_wait(struct inbox *inbox, int timeout_ms);
/** Take everything (in order, at most `max`, linked by next); NULL when empty. Never blocks. */
struct request *inbox_take(struct inbox *inbox, size_t max);

#endif
