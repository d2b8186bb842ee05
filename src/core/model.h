/* model.h - the records that everybody speaks of: services, products, nodes, groups, accounts, operations, tasks, attempts,
 * events. Words and states as in docs/architecture.md. Plain data: texts are owned by the record (char *, never NULL unless
 * said) and freed by <record>_finish(). Ids are int64 inside and opaque strings outside; 0 is "none". Moments are
 * milliseconds since 1970-01-01 UTC; 0 is "never". Enum values are stored: only append. */
#ifndef BERTH_CORE_MODEL_H
#define BERTH_CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/resolution.h"

/* ---- roles, modes, states ----------------------------------------------------------------------------------------- */

enum role { ROLE_NONE, ROLE_WEB, ROLE_MAIL, ROLE_DNS };
#define ROLE_COUNT (ROLE_DNS + 1)
#define ROLE_BIT(role) (1U << (role)) /* in a set of roles (node capabilities, product roles) */

enum mode { MODE_SPLIT, MODE_UNIFIED, MODE_VANITY };
#define MODE_COUNT (MODE_VANITY + 1)

enum service_status {
    SERVICE_ACCEPTED, /* on disk; its graph is not made yet */
    SERVICE_WAITING,  /* no node to place it on: service.reason says which; goes on by itself */
    SERVICE_DEPLOYING,
    SERVICE_LIVE,
    SERVICE_FAILED, /* a deploy error: service.reason says step, cause and remedy */
    SERVICE_SUSPENDED,
    SERVICE_TERMINATED, /* its domain and external id are free again */
};
#define SERVICE_STATUS_COUNT (SERVICE_TERMINATED + 1)

enum operation_kind {
    OPERATION_DEPLOY,
    OPERATION_REDEPLOY,
    OPERATION_VERIFY,
    OPERATION_SUSPEND,
    OPERATION_UNSUSPEND,
    OPERATION_TERMINATE,
    OPERATION_CHANGE_PACKAGE,
    OPERATION_PLAN,     /* what a redeploy would do: looks only */
    OPERATION_PASSWORD, /* new passwords for its panel users and its mailbox */
};
#define OPERATION_KIND_COUNT (OPERATION_PASSWORD + 1)

enum operation_state { OPERATION_RUNNING, OPERATION_DONE, OPERATION_FAILED, OPERATION_CANCELLED, OPERATION_SUPERSEDED };
#define OPERATION_STATE_COUNT (OPERATION_SUPERSEDED + 1)

enum task_state {
    TASK_BLOCKED, /* needs_left > 0 */
    TASK_QUEUED,  /* due now, waits for a worker and its node's slot */
    TASK_RUNNING, /* leased; attempt_id is the running attempt */
    TASK_WAITING, /* due at due_at_ms; reason says why */
    TASK_HELD,    /* its node is paused or unreachable, or what it needs has failed; reason says which */
    TASK_DONE,
    TASK_FAILED, /* terminally; can be retried by hand */
    TASK_CANCELLED,
    TASK_SUPERSEDED,
};
#define TASK_STATE_COUNT (TASK_SUPERSEDED + 1)

enum attempt_outcome {
    ATTEMPT_RUNNING,
    ATTEMPT_DONE,
    ATTEMPT_RETRY, /* ended in something that may be different later */
    ATTEMPT_FAILED,
    ATTEMPT_CONFLICT,
    ATTEMPT_LOST, /* its command was lost on the node; the next attempt looks and repairs */
    ATTEMPT_SUPERSEDED,
    ATTEMPT_WAITED, /* it found that it has to wait for something: does not count against the policy */
};
#define ATTEMPT_OUTCOME_COUNT (ATTEMPT_WAITED + 1)

enum node_state { NODE_ACTIVE, NODE_DRAINING, NODE_PAUSED, NODE_UNREACHABLE };
#define NODE_STATE_COUNT (NODE_UNREACHABLE + 1)

/* The queue that a task stands in: what runs one at a time (or within one limit) shares a queue. */
enum task_lane {
    TASK_LANE_MAKE,  /* changes its node: one at a time */
    TASK_LANE_LOOK,  /* looks at its node, beside a change */
    TASK_LANE_PROBE, /* looks from outside */
    TASK_LANE_NONE,  /* done by the engine itself */
    TASK_LANE_RELOAD, /* as MAKE, but one run serves every task that waits in the queue; behind MAKE for a bounded time */
};
#define TASK_LANE_COUNT (TASK_LANE_RELOAD + 1)
static inline int64_t task_queue_id(int64_t node_id, enum task_lane lane)
{
    return node_id * 8 + (int64_t)lane; /* PROBE and NONE: node_id 0 */
}

const char *role_name(enum role role);                       /* "web" */
const char *mode_name(enum mode mode);                       /* "split" */
const char *service_status_name(enum service_status status); /* "deploying" */
const char *operation_kind_name(enum operation_kind kind);   /* "change-package" */
const char *operation_state_name(enum operation_state state);
const char *task_state_name(enum task_state state);
const char *task_lane_name(enum task_lane lane);
const char *attempt_outcome_name(enum attempt_outcome outcome);
const char *node_state_name(enum node_state state);
/* the other way; false when the text names none */
bool operation_kind_parse(const char *text, enum operation_kind *ret_kind);
bool role_parse(const char *text, enum role *ret_role);
bool mode_parse(const char *text, enum mode *ret_mode);
bool service_status_parse(const char *text, enum service_status *ret_status);
bool task_state_parse(const char *text, enum task_state *ret_state);
bool node_state_parse(const char *text, enum node_state *ret_state);

/** Whether a task may move so; the engine asserts it at every move. */
bool task_may_go(enum task_state from, enum task_state to);
bool task_state_is_final(enum task_state state); /* done, cancelled, superseded; failed is not: it can be retried */

/* ---- records ------------------------------------------------------------------------------------------------------ */

struct group {
    int64_t id;
    char *name; /* [a-z0-9-]{1,40}, unique */
    char *title;
};

#define NODE_CONTACT_STEP_MS 15000
struct node {
    int64_t id;
    char *name;     /* [a-z0-9-]{1,40}, unique */
    char *driver;   /* "hestia" */
    unsigned roles; /* ROLE_BIT()s: its capabilities */
    char *ssh_address;
    int ssh_port;
    char *ssh_user;
    char *host_key;      /* "ssh-ed25519 AAAA..." */
    char *hostname;      /* what mail programs and MX records call it */
    char *public_ip4;    /* what zones carry */
    char *public_ip6;    /* or "" */
    char *probe_address; /* where verify looks; "" means public_ip4 */
    int probe_http_port, probe_imap_port, probe_dns_port;
    char *ns_name; /* dns nodes: what NS records say, e.g. ns1.example.net; "" means hostname */
    int channels_max;
    int64_t capacity_max; /* services at most; 0 is no limit */
    int64_t load;         /* services placed on it now */
    enum node_state state;
    char *state_reason;
    int64_t state_since_ms;
    int64_t slot_attempt_id; /* the attempt whose changing commands run there now, or 0 */
    int64_t
        changes; /* how many changes wait for or had a reload: a task's change is live when reloaded >= its number */
    int64_t reloaded;
    int64_t created_at_ms;
    int64_t contact_at_ms; /* when it last answered, give or take NODE_CONTACT_STEP_MS; 0: never */
    int64_t *group_ids;    /* owned */
    size_t group_count;
};

/* What a product sells, parsed from its stored JSON `spec` (core/product.h). */
struct product {
    int64_t id;
    char *name; /* [a-z0-9-]{1,40}, unique */
    char *title;
    enum mode mode;
    int64_t group_id;
    char *spec; /* canonical JSON: {"web":{...},"mail":{...},"dns":{...}}; a role that is absent is left out */
    int64_t created_at_ms;
};

struct service {
    int64_t id;
    char *external_id;     /* "" when none was given; unique among services that are not terminated */
    int64_t generation;    /* counts services of one external id, from 1 */
    char *idempotency_key; /* "" when none */
    int64_t product_id;
    char *domain; /* A-label form, lower case, without www. */
    char *client_id, *client_name, *client_email;
    char *options; /* canonical JSON object */
    enum service_status status;
    char *reason;         /* why it waits or failed, for staff; "" */
    char *reason_key;     /* the same for the customer: a key of the catalogue; "" */
    int64_t operation_id; /* the latest, or 0 */
    int64_t event_seq;    /* number of its newest event */
    int64_t created_at_ms, updated_at_ms, live_at_ms;
};

/** Its owner has what he needs to use it: it is live, or it was and is being worked on, or that work has stopped. */
bool service_keeps_panel(const struct service *service);

struct account {
    int64_t id;
    int64_t service_id, node_id;
    unsigned roles; /* ROLE_BIT()s that this panel user backs: roles on one node share it */
    char *username; /* unique on the node among our accounts */
    char *package;  /* the ownership mark */
    int64_t created_at_ms;
};

struct operation {
    int64_t id, service_id;
    enum operation_kind kind;
    enum operation_state state;
    char *pipeline;      /* "split" */
    char *pipeline_hash; /* of the file's content when it was expanded */
    int64_t weight_total, weight_done;
    int64_t tasks_total, tasks_done;
    int64_t created_at_ms, ended_at_ms;
};

struct task {
    int64_t id, operation_id, service_id;
    int64_t node_id; /* 0: none */
    enum role role;
    char *key;       /* unique in the operation: "dns.zone@ns1" */
    char *action;    /* "dns.zone": the driver's or the engine's name of the step */
    char *label_key; /* message key of the customer's wording: "step.dns.zone" */
    enum task_lane lane;
    enum task_state state;
    int needs_left;
    int64_t weight;
    int64_t
        deadline_ms; /* how long one of its commands may take before we look what became of it: the pipeline's class */
    int64_t due_at_ms;  /* WAITING: when it becomes queued again */
    int64_t attempt_id; /* RUNNING: the attempt (its fence); else the latest, or 0 */
    int attempts;       /* so far, those that count against the policy */
    bool suspect;       /* the last outcome stayed unknown: rebuild, do not trust */
    int64_t lease_until_ms;
    char *cause_id;    /* of the last attempt that did not end well, or "" */
    char *reason;      /* plain sentence: what it waits for, or why it failed; "" */
    char *inputs_hash; /* of the facts that it used; "" */
    int64_t created_at_ms, started_at_ms, ended_at_ms;
};

struct attempt {
    int64_t id; /* the fence */
    int64_t task_id, node_id;
    int number; /* 1, 2, ... within the task */
    enum attempt_outcome outcome;
    char *cause_id, *detail;
    int64_t started_at_ms, ended_at_ms;
    int64_t log_bytes; /* stored so far */
    bool log_truncated;
    int64_t log_removed_at_ms; /* 0: it is there; else none of it is, because it was too old */
};

struct event {
    int64_t service_id, seq; /* seq counts per service from 1: the SSE id */
    int64_t at_ms;
    char *kind; /* "service.accepted", "task.done" ... : docs/api */
    char *data; /* JSON object */
};

struct log_chunk {
    int64_t attempt_id;
    int64_t offset; /* of its first byte in the attempt's log, streams together */
    int64_t at_ms;
    int stream; /* 0 ours, 1 stdout, 2 stderr */
    char *data; /* at most LOG_CHUNK_MAX bytes, no NULs */
    size_t length;
};
#define LOG_CHUNK_MAX (64U * 1024U)
#define ATTEMPT_LOG_MAX (4U * 1024U * 1024U) /* then it is cut, and says so */

struct stored_fact {
    int64_t service_id;
    enum role role;
    int64_t node_id;
    char *key, *value;
    int64_t attempt_id;
};

enum ssl_state {
    SSL_SEEDED,      /* wanted: nothing stands in its way */
    SSL_WAITING_DNS, /* wanted: the world does not see the address yet */
    SSL_ISSUED,
    SSL_FAILED,
    SSL_UNWANTED, /* no site to certify: the record is there for the looks at its name servers only */
};
struct ssl_request {
    int64_t service_id;
    char *domain;
    enum ssl_state state;
    int64_t next_check_ms; /* when to look next whether the world sees the service; 0: not (any more) */
};

/* One value that staff have set: see core/settings.h. */
struct stored_setting {
    char *name;
    char *value;           /* "" for a secret */
    unsigned char *cipher; /* a secret, sealed; else empty */
    size_t cipher_length;
};

struct setting_change {
    int64_t id;
    int64_t at_ms;
    char *who; /* whose token it was */
    char *name;
    char *old_value, *new_value; /* in canonical form; of a secret only that it was set or changed */
};

void group_finish(struct group *group);
void node_finish(struct node *node);
void product_finish(struct product *product);
void service_finish(struct service *service);
void account_finish(struct account *account);
void operation_finish(struct operation *operation);
void task_finish(struct task *task);
void attempt_finish(struct attempt *attempt);
void event_finish(struct event *event);
void log_chunk_finish(struct log_chunk *chunk);
void stored_fact_finish(struct stored_fact *fact);
void ssl_request_finish(struct ssl_request *request);
void stored_setting_finish(struct stored_setting *setting);
void setting_change_finish(struct setting_change *change);
void node_copy(struct node *target, const struct node *source); /* deep */

#endif
