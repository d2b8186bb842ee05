/* internal.h - what the files of the engine share. One file owns one part of a batch:
 * engine.c the loop, memory.c what it has in its head, order.c, admin.c and setting.c requests, expand.c orders into graphs,
 * claim.c who runs next, attempt.c the conversation of an attempt, node.c what is known of nodes, outcome.c what a verdict means
 * for task, operation and service, reload.c which changes a reload has served, operation.c and conflict.c what staff do to a
 * service, deed.c what its customer does, plan.c what a step would do, step.c what a driver is told, note.c events and log lines,
 * ticket.c and outbox.c what people are told, history.c what becomes of work that is done, learn.c how long steps take, world.c
 * what the world sees of services. A function returns false only when the store failed: then the whole batch is undone. */
#ifndef BERTH_ENGINE_INTERNAL_H
#define BERTH_ENGINE_INTERNAL_H

#include "core/pipeline.h"
#include "core/product.h"
#include "core/step_time.h"
#include "drivers/driver.h"
#include "engine/engine.h"

#define BATCH_REQUESTS_MAX 256
#define BATCH_EVENTS_MAX 256
#define BATCH_EXPAND_MAX 8
#define RELOAD_WAIT_MAX_MS                                                                                             \
    2000 /* how long changes may go before a reload on a busy node: bounds a site's wait in a burst */
#define PICK_UP_FIRST_MS 200
#define PICK_UP_CAP_MS 10000
#define NAME_SERVERS_MAX 8
#define OUTBOX_UNDER_WAY_MAX 16 /* messages that the notifier has at once */

/* What a driver is told about one task, and the memory that it points into. */
struct step_data;
void step_data_destroy(struct step_data *data);
const struct step *step_data_step(const struct step_data *data);
/** A hash of the facts that the step was made from (the zone's records); "" when it uses none. */
#define INPUTS_HASH_SIZE 33
void step_data_inputs_hash(const struct step_data *data, char ret_hash[INPUTS_HASH_SIZE]);

enum running_phase {
    PHASE_COMMAND,      /* a command is on its way; command_id tells which */
    PHASE_PICK_UP_WAIT, /* the connection was lost: pick up again at pick_up_at_ms */
    PHASE_PICK_UP,      /* a pick-up is on its way */
};

/* An attempt that runs, or a preflight that somebody asked for (request != NULL, no task). */
struct running {
    struct running *next;
    enum running_phase phase;
    struct task task;
    struct attempt attempt;
    size_t node; /* index into engine->nodes, or SIZE_MAX */
    const struct driver *driver;
    const struct driver_action *action;
    struct step_data *data;
    struct command_result *results;
    size_t result_count;
    struct transport *transport;
    uint64_t command_id;
    int64_t command_at_ms;
    int64_t pick_up_at_ms;
    unsigned pick_ups;
    int64_t logged[3];       /* bytes of the node's output in the attempt's log, by stream */
    int64_t again[3];        /* of these, how many the pick-up that is on its way will bring once more */
    int64_t reload_from;     /* reload: the node's changes when it began */
    bool was_cut;            /* its time is that of an outage, too */
    bool given_up;           /* nobody waits for it any more; it holds its node until its command has ended */
    struct command *planned; /* plan: the command whose looks are on their way */
    struct request *request;
};

/* What the engine knows of a node beside its record. */
struct node_live {
    bool up;                             /* its session stands */
    bool heard;                          /* something was heard about it since start */
    char why[200];                       /* why it is not up */
    bool has_make, has_look, has_reload; /* its queue may hold something; cleared when a claim finds nothing */
    int64_t reload_since_ms;
    struct running *slot;
    int looks;
    /* its circuit: see node.c */
    bool is_open;
    bool on_trial; /* a look was answered; one command at a time, until one has ended */
    char open_why[300];
    bool owes_make;          /* changes have opened it: looks do not speak for them, so only a change closes it */
    unsigned failures[2];    /* in a row, of the lanes MAKE and LOOK */
    int64_t tried_by_ms;     /* what waits for it tries it again by then */
    uint64_t failed_from;    /* older commands were under way at the last failure: they are part of it */
    unsigned refusals;       /* how often in a row it was opened or stayed open: the pauses grow with it */
    int64_t probe_at_ms;     /* while it is open */
    int64_t contact_at_ms;   /* when it last answered: goes into its record now and then */
    int64_t overdue_look_ms; /* when to look again for tasks that have waited too long for it */
};

/** Where its commands run: a plan only looks, whatever the action would do. */
static inline enum lane running_lane(const struct running *running)
{
    return running->task.lane == TASK_LANE_LOOK && running->action->lane == LANE_MAKE ? LANE_LOOK
                                                                                      : running->action->lane;
}

static inline bool running_only_plans(const struct running *running)
{
    return running_lane(running) != running->action->lane;
}

/* A product, parsed once. */
struct product_live {
    struct product product;
    struct product_spec spec;
    char *asked,
        *stored; /* the options of the last order, as they came and as they are stored: mostly the same again */
};

struct batch {
    int64_t now_ms;
    int64_t boot_ms;        /* read before now_ms: a lease that is renewed in this batch began no later */
    bool durable;           /* something was written that an answer or a command relies on */
    struct changes changes; /* what somebody may want to look at */
    size_t order_count;
    size_t claim_count;
    bool has_more;           /* requests, events or tasks that did not fit in */
    struct request *answers; /* decided, to be answered after the commit, in reverse */
    struct command **starts; /* to be started after the commit */
    struct transport **start_transports;
    size_t start_count, start_capacity;
};

/* What the engine knows of messages that leave. */
struct outbox {
    struct notice *starts; /* to be handed over after the commit */
    int64_t under_way[OUTBOX_UNDER_WAY_MAX];
    size_t under_way_count;
    struct notice_result results[OUTBOX_UNDER_WAY_MAX]; /* reported; kept until a commit has them */
    size_t result_count;
    int64_t next_due_ms;
    bool is_stale;      /* next_due_ms is to be asked for again */
    bool may_have_lost; /* some are marked as under way that nobody will report about */
};

/* A look at what the world sees of a service, on its way. */
struct world_look {
    uint64_t command_id;
    int64_t service_id;
};

/* What the engine knows of looks: see world.c. */
struct world {
    struct world_look looks[WORLD_LOOKS_MAX];
    size_t count;
    int64_t next_due_ms;   /* nothing is due before; 0: look */
    int64_t not_before_ms; /* none begins before, however many are due */
    bool is_silent;        /* no resolver could tell, the last time */
};

struct engine {
    struct engine_config config;
    struct settings settings;
    struct batch batch;
    struct node *nodes;
    struct node_live *live;
    size_t node_count;
    struct product_live *products;
    size_t product_count;
    struct group *groups;
    size_t group_count;
    struct running *running;
    size_t running_count;
    int probes;
    bool has_probe, has_none; /* their queues may hold something */
    uint64_t next_command_id;
    int64_t accepted_after_id; /* services up to this id are expanded or wait */
    bool has_accepted;
    bool has_waiting; /* look at waiting services again: nodes have changed */
    int64_t waiting_after_id;
    int64_t next_due_ms;       /* of WAITING tasks */
    int64_t lease_at_ms;       /* wall: when leases were renewed last */
    int64_t lease_boot_ms;     /* the same on the worker's own clock */
    int64_t retry_at_ms;       /* after a failed commit */
    int64_t tidied_pages;      /* of the store's log, when it was last asked to be tidied */
    int64_t history_due_at_ms; /* when to look whether finished work is to be put away */
    struct outbox outbox;
    struct step_times *step_times;
    struct world world;
    struct engine_figures figures;
};

/* engine.c */
void engine_start_later(struct engine *engine, struct transport *transport, struct command *command);

/* memory.c */
MUST_CHECK bool engine_load(struct engine *engine, struct err *err);
MUST_CHECK bool engine_load_nodes(struct engine *engine, struct err *err);
size_t engine_node_index(const struct engine *engine, int64_t node_id); /* SIZE_MAX when there is none */
void engine_queue_touched(struct engine *engine, int64_t queue);
void engine_tell_transport(struct engine *engine, size_t node);
struct running *engine_running_of(struct engine *engine, uint64_t command_id);
struct running *engine_running_of_task(struct engine *engine, int64_t task_id);
void engine_running_add(struct engine *engine, struct running *running);
void engine_running_remove(struct engine *engine, struct running *running); /* frees its slot, destroys it */
void engine_forget_running(struct engine *engine); /* abandons their commands; who waits for one hears "try again" */
void engine_forget_products(struct engine *engine);

/* order.c, admin.c: decide one request; *ret_later when it will be answered by somebody else */
MUST_CHECK bool engine_order(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_admin(struct engine *engine, struct request *request, bool *ret_later, struct err *err);
void engine_answer(struct engine *engine, struct request *request); /* after the commit */
struct product_live *engine_product_by_name(const struct engine *engine, const char *name);
const struct product_live *engine_product_by_id(const struct engine *engine, int64_t id);

/* setting.c */
MUST_CHECK bool engine_load_settings(struct engine *engine, struct err *err);
MUST_CHECK bool engine_set_settings(struct engine *engine, struct request *request, struct err *err);
void engine_forget_settings(struct engine *engine);

/* expand.c */
/** At most max (BATCH_EXPAND_MAX) services, and no more than a batch may have. */
MUST_CHECK bool engine_expand_some(struct engine *engine, size_t max, struct err *err);

/** Another operation on a service that has been placed: its graph on the same nodes and accounts. A redeploy makes the service
 * deploy again; verify and plan leave its state alone. */
MUST_CHECK bool engine_expand_again(struct engine *engine, int64_t service_id, enum operation_kind kind,
                                    const char *who, int64_t *ret_operation_id, struct err *err);

/* deed.c: docs/operations.md */
MUST_CHECK bool deed_reveal(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool deed_renew_link(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool deed_show_credentials(struct engine *engine, struct request *request, struct err *err);
/** May the customer start this now (OPERATION: a password, SERVICE_RETRY)? Everybody else may, as far as this goes. @return false
 * on a fault of the store; *ret_may false: the request has been refused */
MUST_CHECK bool deed_may_start(struct engine *engine, struct request *request, const struct service *service,
                               const struct operation *open, size_t open_count, bool *ret_may, struct err *err);
/** It was started: what he may is counted from here. */
MUST_CHECK bool deed_started(struct engine *engine, const struct request *request, struct err *err);
/** The passwords are others now: they may be shown. */
MUST_CHECK bool deed_passwords_changed(struct engine *engine, int64_t service_id, struct err *err);

/* operation.c: docs/operations.md */
/** The service that a request names. @return false on a fault of the store; *ret_found false: there is none, and the request has
 * been refused */
MUST_CHECK bool operation_find_service(struct engine *engine, struct request *request, struct service *ret_service,
                                       bool *ret_found, struct err *err);
MUST_CHECK bool engine_operate(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_cancel(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_retry_service(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_retry_node(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_retry_task(struct engine *engine, struct request *request, struct err *err);
MUST_CHECK bool engine_fail_task(struct engine *engine, struct request *request, struct err *err);
/** All that is open of a service ends as cancelled; *ret_count operations. service is brought up to date. */
MUST_CHECK bool operation_cancel(struct engine *engine, struct service *service, const char *why, size_t *ret_count,
                                 struct err *err);
/** Ends what is open as superseded and starts a redeploy; request->id is the operation then. */
MUST_CHECK bool operation_redeploy(struct engine *engine, struct request *request, int64_t service_id, struct err *err);
/** The last task of verify, plan and new passwords: what was or would be changed, as an event. */
MUST_CHECK bool operation_report(struct engine *engine, const struct task *task, struct err *err);

/* conflict.c */
MUST_CHECK bool engine_resolve_conflict(struct engine *engine, struct request *request, struct err *err);

/* claim.c */
MUST_CHECK bool engine_claim_all(struct engine *engine, struct err *err);
MUST_CHECK bool engine_resume_running(struct engine *engine,
                                      struct err *err); /* after a start: pick up what was left */

/* attempt.c */
MUST_CHECK bool attempt_begin(struct engine *engine, struct task *task,
                              struct err *err); /* a claimed task; taken over */
/** A claimed task whose node has been gone for too long: its attempt fails without a command. Taken over. */
MUST_CHECK bool attempt_refuse(struct engine *engine, struct task *task, size_t node, const char *detail,
                               struct err *err);
MUST_CHECK bool attempt_resume(struct engine *engine, struct task *task,
                               struct err *err); /* after a restart; taken over */
MUST_CHECK bool attempt_preflight(struct engine *engine, struct request *request, size_t node, struct err *err);
MUST_CHECK bool attempt_event(struct engine *engine, struct transport_event *event, struct err *err);
MUST_CHECK bool attempt_pick_ups(struct engine *engine, struct err *err); /* those whose time has come */
int64_t attempt_next_pick_up_ms(const struct engine *engine);
/** Nobody waits for it any more: its record ends as superseded, no further command of it is sent, and what runs on the node now
 * holds the node until it has ended. */
MUST_CHECK bool attempt_give_up(struct engine *engine, struct running *running, const char *why, struct err *err);

/* plan.c: a step of a plan is asked what it would do */
/** The driver's move becomes looks (sent by the caller: *ret_command) or the answer (*ret_answer, finished by the caller). */
void plan_take_move(struct running *running, struct move *move, struct command **ret_command, struct move *ret_answer,
                    struct buf *ret_log);
/** The looks have come back: would the driver's command go on to change something? Then that is the answer. */
bool plan_take_result(struct running *running, const struct command_result *result, struct move *ret_answer,
                      struct buf *ret_log);

/* node.c */
void node_heard(struct engine *engine, const struct transport_event *event); /* NODE_UP, NODE_DOWN */
void node_loaded(struct engine *engine, size_t index); /* its record was read for the first time */
/** A command has come to its end, whatever that is. Before its attempt hears of it. */
void node_answered(struct engine *engine, const struct running *running, const struct command_result *result);
bool node_may_run(const struct engine *engine, size_t index); /* its session stands and its circuit is not open */
void node_close_circuit(struct engine *engine, size_t index); /* nothing speaks against it any more */
enum node_state node_state_found(const struct engine *engine, size_t index); /* active or unreachable */
MUST_CHECK bool node_settle_all(struct engine *engine, struct err *err);     /* write into records what has changed */
MUST_CHECK bool node_probe_due(struct engine *engine, struct err *err);
int64_t node_next_probe_ms(const struct engine *engine);
void node_ask_now(struct engine *engine, size_t index); /* somebody expects that it is back */
/** Something that waits for the node tries it again at this time, at the latest: on trial it is no good node before. */
void node_tried_by(struct engine *engine, size_t index, int64_t at_ms);

/* outcome.c */
MUST_CHECK bool outcome_done(struct engine *engine, struct running *running, const struct move *move, struct err *err);
/** What an attempt has learned, written with its end. */
MUST_CHECK bool outcome_keep_facts(struct engine *engine, struct running *running, const struct move *move,
                                   struct err *err);
MUST_CHECK bool outcome_task_done(struct engine *engine, struct task *task, const char *note, bool changed,
                                  struct err *err);
MUST_CHECK bool outcome_not_done(struct engine *engine, struct running *running, enum verdict verdict,
                                 const struct cause *cause, const char *detail, struct err *err);
MUST_CHECK bool outcome_lost(struct engine *engine, struct running *running, const char *detail, struct err *err);
/** A task that is not running (any more) has failed, says a person. */
MUST_CHECK bool outcome_fail_by_hand(struct engine *engine, struct task *task, const char *why, struct err *err);
MUST_CHECK bool outcome_retry_by_hand(struct engine *engine, struct task *task, struct err *err);

#define MOMENT_MAX 32
/** "2026-11-29 08:30 UTC": for people, in reasons. @return text */
const char *moment_text(int64_t at_ms, char text[MOMENT_MAX]);

/* reload.c */
/** The node has a change that only its next reload makes live: remember which, for this service's reload task. */
MUST_CHECK bool reload_count_change(struct engine *engine, struct running *running, struct err *err);
/** The number of the change that this service has made on the task's node and that waits for a reload; 0 when there is
 * none. */
MUST_CHECK bool reload_change_of(struct engine *engine, const struct task *task, int64_t *ret_change, struct err *err);
/** A reload ended well: it has served every task of the node whose change came before it began. All that wait in the
 * queue did their changes before, because a reload task is queued only after its change is on disk. */
MUST_CHECK bool reload_serve_others(struct engine *engine, struct running *running, struct err *err);

/* history.c */
/** Put finished work away, when that is due and nobody waits for this batch. */
MUST_CHECK bool history_step(struct engine *engine, struct err *err);

/* learn.c */
MUST_CHECK bool learn_load(struct engine *engine, struct err *err);
/** A step has been done: how long it took, when that says something about the next time. */
MUST_CHECK bool learn_step(struct engine *engine, const struct running *running, const struct move *move,
                           struct err *err);
/** The weights of a plan: what was learned where something was, else what the pipeline says. */
void learn_weights(const struct engine *engine, enum operation_kind kind, struct plan *plan);

/* world.c */
/** The service has just become live: it is to be looked at, when the world can see something of it. */
MUST_CHECK bool world_expect(struct engine *engine, int64_t service_id, struct err *err);
/** Begin the looks that are due, in a batch that nobody waits for. */
MUST_CHECK bool world_step(struct engine *engine, struct err *err);
/** *ret_mine: it was of a look. */
MUST_CHECK bool world_event(struct engine *engine, const struct transport_event *event, bool *ret_mine,
                            struct err *err);
void world_forget(struct engine *engine, uint64_t command_id); /* it will not be sent, or has ended */
void world_load(struct engine *engine);                        /* what was under way is made again */
int64_t world_next_deadline_ms(const struct engine *engine);

/* step.c */
MUST_CHECK bool step_data_load(struct engine *engine, const struct task *task, const struct attempt *attempt,
                               struct step_data **ret_data, struct err *err);
struct step_data *step_data_for_node(struct engine *engine, size_t node, int64_t now_ms); /* preflight */
MUST_CHECK bool step_secret_create(struct engine *engine, int64_t service_id, int64_t node_id, const char *kind,
                                   struct err *err);
/* A password that is to be: made before its step, it takes the place of the one that is stored when the step is done. As long as
 * it is there, either of the two may work on the node. */
#define SECRET_PANEL "panel-password"
#define SECRET_MAILBOX "mailbox-password"
#define SECRET_PANEL_NEXT "panel-password-next"
#define SECRET_MAILBOX_NEXT "mailbox-password-next"
bool step_sets_password(const char *action);
/** Does a change wait on one of the accounts? */
MUST_CHECK bool step_has_next(struct engine *engine, const struct account *accounts, size_t count, bool *ret_has,
                              struct err *err);
/** The step of a task is done: what was to be is now. @param ret_changed false when none was to be */
MUST_CHECK bool step_take_next(struct engine *engine, const struct task *task, bool *ret_changed, struct err *err);
/** The operation is given up: what no step of it has begun to set is not to be any more. */
MUST_CHECK bool step_drop_next(struct engine *engine, int64_t operation_id, struct err *err);

/* ticket.c: written in the transaction of what they tell */
/** A task has failed for good: its operation's ticket, or a note to it, when staff want tickets. */
MUST_CHECK bool ticket_failed(struct engine *engine, const struct running *running, const struct cause *cause,
                              const char *detail, struct err *err);
/** The service is live: its open tickets hear so and are closed. */
MUST_CHECK bool ticket_recovered(struct engine *engine, int64_t service_id, struct err *err);
/** What such an operation could not do has been done now: its tickets, no others. */
MUST_CHECK bool ticket_recovered_from(struct engine *engine, int64_t service_id, enum operation_kind kind,
                                      struct err *err);

/* outbox.c */
MUST_CHECK bool outbox_step(struct engine *engine, struct err *err); /* the last of a batch */
void outbox_publish(struct engine *engine, bool is_owner);           /* after its commit */
void outbox_discard(struct engine *engine);                          /* after its failure */
void outbox_load(struct engine *engine);
void outbox_forget(struct engine *engine);
int64_t outbox_next_deadline_ms(const struct engine *engine);
/** Send everything that waits or was refused now: what was wrong may be right now. */
MUST_CHECK bool outbox_hurry(struct engine *engine, struct err *err);
MUST_CHECK bool outbox_retry(struct engine *engine, struct request *request, struct err *err); /* of one ticket */

/* note.c */
/** A text from outside as JSON: when it is no UTF-8, what is not ASCII becomes '?'. */
json_t *note_text(const char *text, size_t length);
MUST_CHECK bool note_event(struct engine *engine, int64_t service_id, const char *kind, json_t *data, struct err *err);
MUST_CHECK bool note_log(struct engine *engine, int64_t attempt_id, int stream, const char *data, size_t length,
                         struct err *err);
MUST_CHECK bool note_logf(struct engine *engine, int64_t attempt_id, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
