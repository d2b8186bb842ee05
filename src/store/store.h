/* store.h - what must survive a crash: services, operations, tasks, and who holds a task. The only way to a database.
 *
 * One struct store per thread. Exactly one is opened for writing (the engine's); readers are opened read-only. Time is handed
 * in, never read, so that a test decides what "now" is. On failure a function returns false, fills *err and leaves every ret_
 * argument as it was. Records that come back are the caller's to finish.
 *
 * Behind it stands a small database interface (db.h) with one implementation per product; the statements of store_*.c are
 * shared and written with $1..$N. Only db_sqlite.c knows SQLite. */
#ifndef BERTH_STORE_H
#define BERTH_STORE_H

#include "base/err.h"
#include "base/rng.h"
#include "core/model.h"
#include "core/step_time.h"

struct store;

/* ---- opening, ownership, transactions (store.c) ------------------------------------------------------------------------ */

/**
 * Open for writing: create the file if need be, apply migrations.
 * @param url  sqlite:///absolute/path.db (WAL, synchronous=FULL, foreign keys on) or sqlite::memory:
 */
MUST_CHECK bool store_open(const char *url, struct store **ret_store, struct err *err);
/** Open the same database read-only, for a reader thread (WAL: it never blocks the writer). */
MUST_CHECK bool store_open_reader(const char *url, struct store **ret_store, struct err *err);
void store_close(struct store *store); /* NULL is allowed */
void store_closep(struct store **store);
/** What the store's thread keeps of what it has read, for as long as it likes; freed with the store. NULL before it was set. */
void *store_attached(struct store *store);
void store_attach(struct store *store, void *attached, void (*free_attached)(void *attached));

/** The installation id, 6 characters [0-9a-z], made at the first open of a new database from `rng` and kept; and its age. */
MUST_CHECK bool store_installation(struct store *store, struct rng *rng, char ret_id[7], struct err *err);

/**
 * Become the one process that works on this database. On SQLite a lock file (<path>.owner, flock) tells at once that a former
 * owner is dead; an owner that lives but has not renewed (stopped past its lease) is superseded when its lease has run out.
 * Every owner gets a higher epoch; store_begin() fails with ERR_LOST when the epoch is not ours any more.
 * @return false with ERR_BUSY while another owner lives: try again
 */
MUST_CHECK bool store_own(struct store *store, int64_t now_ms, int64_t lease_ms, int64_t *ret_epoch, struct err *err);
/** Inside a transaction. */
MUST_CHECK bool store_renew_ownership(struct store *store, int64_t now_ms, int64_t lease_ms, struct err *err);
/** Give it back (a clean stop). */
void store_disown(struct store *store);

/** BEGIN IMMEDIATE, then check the epoch (when owned). */
MUST_CHECK bool store_begin(struct store *store, struct err *err);
/** @param durable  false for batches of log lines only: no fsync of their own (they are durable with the next durable one) */
MUST_CHECK bool store_commit(struct store *store, bool durable, struct err *err);
void store_rollback(struct store *store);
/** Inside a transaction: undo everything since the savepoint; for requests that may fail half-way. */
MUST_CHECK bool store_savepoint(struct store *store, struct err *err);
void store_savepoint_release(struct store *store);
void store_savepoint_rollback(struct store *store);
/** Of a reader: what is read until the end is as of one moment. Short: the log cannot be tidied behind it meanwhile. */
MUST_CHECK bool store_snapshot_begin(struct store *store, struct err *err);
void store_snapshot_end(struct store *store);
/** Pages in the writer's write-ahead log, those that store_checkpoint() has copied already included; 0 when it begins anew. */
int64_t store_log_pages(struct store *store);
/**
 * Copy the write-ahead log into the database, so that commits need not: outside of a transaction, in idle moments of the
 * writer (it does nothing before there is enough to copy) or, better, on a reader with a thread of its own, where it
 * holds nobody up. What it has left over when the log has 64 MiB a commit does.
 */
MUST_CHECK bool store_checkpoint(struct store *store, struct err *err);

/* ---- services (store_service.c) ------------------------------------------------------------------------------------------ */

/** Insert; sets service->id. ERR_CONFLICT when a unique rule is broken (callers look first; this is the last line). */
MUST_CHECK bool store_insert_service(struct store *store, struct service *service, struct err *err);
MUST_CHECK bool store_get_service(struct store *store, int64_t id, struct service *ret_service, struct err *err);
/** *ret_id 0 when there is none. Services that are terminated do not count.
 * @param ret_generation  the highest that this external id has had, terminated ones too; 0 when none */
MUST_CHECK bool store_find_service_by_external_id(struct store *store, const char *external_id, int64_t *ret_id,
                                                  int64_t *ret_generation, struct err *err);
/** The same by key: *ret_id 0 when there is none that lives. */
MUST_CHECK bool store_find_service_by_idempotency_key(struct store *store, const char *key, int64_t *ret_id,
                                                      struct err *err);
enum domain_relation { DOMAIN_FREE, DOMAIN_SAME, DOMAIN_UNDER, DOMAIN_OVER };
/** Whether a live service has this domain, a parent of it (we would be UNDER) or a child (OVER) of another client. One index on
 * the reversed labels answers all three. @param ret_service_id the service in the way; ret_domain its domain, to be freed */
MUST_CHECK bool store_check_domain(struct store *store, const char *domain, const char *client_id,
                                   enum domain_relation *ret_relation, int64_t *ret_service_id, char **ret_domain,
                                   struct err *err);
/** Status, reason, reason_key, operation_id, live_at_ms, updated_at_ms of the record are written. */
MUST_CHECK bool store_update_service(struct store *store, const struct service *service, struct err *err);
/** Ids of services in a status, oldest first, above after_id. A partial index holds ACCEPTED and WAITING. */
MUST_CHECK bool store_list_services_in(struct store *store, enum service_status status, int64_t after_id, size_t limit,
                                       int64_t *ret_ids, size_t *ret_count, struct err *err);

/* ---- catalogue: groups, nodes, products, zone templates (store_catalogue.c, store_node.c) ------------------------------ */

MUST_CHECK bool store_insert_group(struct store *store, struct group *group, struct err *err);
MUST_CHECK bool store_insert_node(struct store *store, struct node *node, struct err *err); /* with its group_ids */
/** All but id, created_at_ms, load, slot, changes and reloaded; the last four have functions of their own. */
MUST_CHECK bool store_update_node(struct store *store, const struct node *node, struct err *err);
MUST_CHECK bool store_add_node_load(struct store *store, int64_t node_id, int64_t change, struct err *err);
/** When it last answered. */
MUST_CHECK bool store_set_node_contact(struct store *store, int64_t node_id, int64_t contact_at_ms, struct err *err);
MUST_CHECK bool store_set_node_slot(struct store *store, int64_t node_id, int64_t attempt_id,
                                    struct err *err); /* 0: free */
MUST_CHECK bool store_set_node_reload(struct store *store, int64_t node_id, int64_t changes, int64_t reloaded,
                                      struct err *err);
MUST_CHECK bool store_list_nodes(struct store *store, struct node **ret_nodes, size_t *ret_count, struct err *err);
MUST_CHECK bool store_list_groups(struct store *store, struct group **ret_groups, size_t *ret_count, struct err *err);
MUST_CHECK bool store_insert_product(struct store *store, struct product *product, struct err *err);
MUST_CHECK bool store_get_product(struct store *store, int64_t id, struct product *ret_product, struct err *err);
MUST_CHECK bool store_list_products(struct store *store, struct product **ret_products, size_t *ret_count,
                                    struct err *err);
/** Replaces the text of a template, or adds it. */
MUST_CHECK bool store_put_zone_template(struct store *store, const char *name, const char *text, struct err *err);
/** *ret_text to be freed; ERR_NOT_FOUND */
MUST_CHECK bool store_get_zone_template(struct store *store, const char *name, char **ret_text, struct err *err);
/** Names of all templates, sorted. @param ret_names the caller's: free each and the array */
MUST_CHECK bool store_list_zone_templates(struct store *store, char ***ret_names, size_t *ret_count, struct err *err);

/* ---- settings (store_setting.c) ----------------------------------------------------------------------------------------- */

/** What differs from the defaults; also names that the program does not know any more. */
MUST_CHECK bool store_list_settings(struct store *store, struct stored_setting **ret_settings, size_t *ret_count,
                                    struct err *err);
/** Replaces the value, or adds it. */
MUST_CHECK bool store_put_setting(struct store *store, const struct stored_setting *setting, struct err *err);
/** Nothing happens when there is none. */
MUST_CHECK bool store_remove_setting(struct store *store, const char *name, struct err *err);
/** Sets change->id. */
MUST_CHECK bool store_insert_setting_change(struct store *store, struct setting_change *change, struct err *err);
/** Newest first. @param before_id cursor: ids below it; 0 from the top */
MUST_CHECK bool store_list_setting_changes(struct store *store, int64_t before_id, size_t limit,
                                           struct setting_change **ret_changes, size_t *ret_count, struct err *err);

/* ---- accounts, operations, tasks (store_task.c, store_claim.c) --------------------------------------------------------- */

MUST_CHECK bool store_insert_account(struct store *store, struct account *account, struct err *err);
MUST_CHECK bool store_list_accounts(struct store *store, int64_t service_id, struct account **ret_accounts,
                                    size_t *ret_count, struct err *err);
MUST_CHECK bool store_rename_account(struct store *store, int64_t account_id, const char *username, struct err *err);
MUST_CHECK bool store_username_taken(struct store *store, int64_t node_id, const char *username, bool *ret_taken,
                                     struct err *err);
MUST_CHECK bool store_insert_operation(struct store *store, struct operation *operation, struct err *err);
MUST_CHECK bool store_get_operation(struct store *store, int64_t id, struct operation *ret_operation, struct err *err);
MUST_CHECK bool store_update_operation(struct store *store, const struct operation *operation, struct err *err);
/** Operations of a service that have not come to an end: running, or failed and open for a retry; oldest first. */
MUST_CHECK bool store_list_open_operations(struct store *store, int64_t service_id, struct operation **ret_operations,
                                           size_t *ret_count, struct err *err);
/** Every task of the operation that is not done ends in this final state (CANCELLED, SUPERSEDED). One that was changing its node
 * is suspect from now on: who does that step next must not trust what he finds. */
MUST_CHECK bool store_end_unfinished_tasks(struct store *store, int64_t operation_id, enum task_state state,
                                           const char *reason, int64_t now_ms, struct err *err);
/** Tasks of the node that have failed or wait to be tried again, oldest first. */
MUST_CHECK bool store_list_troubled(struct store *store, int64_t node_id, size_t limit, int64_t *ret_ids,
                                    size_t *ret_count, struct err *err);
MUST_CHECK bool store_insert_task(struct store *store, struct task *task, struct err *err);
/** from must end before to starts. */
MUST_CHECK bool store_insert_edge(struct store *store, int64_t from_task_id, int64_t to_task_id, struct err *err);
MUST_CHECK bool store_get_task(struct store *store, int64_t id, struct task *ret_task, struct err *err);
/** Everything that changes in a task's life (state, needs_left, due, attempt, attempts, suspect, lease, cause, reason, hash,
 * started, ended). */
MUST_CHECK bool store_update_task(struct store *store, const struct task *task, struct err *err);
MUST_CHECK bool store_list_tasks(struct store *store, int64_t operation_id, struct task **ret_tasks, size_t *ret_count,
                                 struct err *err);
/** A task has ended well: every task that needs it needs one less; those that need nothing more become QUEUED, due since the
 * ended_at_ms that is stored for task_id (so update it first). Each task is counted once, however often this is called.
 * @param ret_queues  queue ids of the tasks that became queued (task_queue_id), the caller's to free */
MUST_CHECK bool store_release_dependents(struct store *store, int64_t task_id, int64_t **ret_queues, size_t *ret_count,
                                         struct err *err);
/** Tasks that need this one, directly or not, and are blocked: HELD with this reason. */
MUST_CHECK bool store_hold_dependents(struct store *store, int64_t task_id, const char *reason, struct err *err);
/** The other way, when a failed task is retried: HELD tasks behind it are BLOCKED again, but those that also stand behind
 * another failed task stay as they are. */
MUST_CHECK bool store_unhold_dependents(struct store *store, int64_t task_id, struct err *err);
/**
 * Take the first queued task of a queue: it becomes RUNNING, a new attempt is inserted whose id is the fence (from one sequence,
 * higher than every earlier one), its lease set. Costs the same with ten tasks queued as with a million.
 * @param ret_found false when nothing is queued there
 */
MUST_CHECK bool store_claim_task(struct store *store, int64_t queue, int64_t now_ms, int64_t lease_until_ms,
                                 struct task *ret_task, bool *ret_found, struct err *err);
/** First queued task of a queue, not taken. */
MUST_CHECK bool store_peek_task(struct store *store, int64_t queue, struct task *ret_task, bool *ret_found,
                                struct err *err);
/** QUEUED tasks of a queue with this action (web.reload: all are served by one reload). */
MUST_CHECK bool store_list_queued(struct store *store, int64_t queue, const char *action, size_t limit,
                                  int64_t *ret_ids, size_t *ret_count, struct err *err);
/** WAITING tasks whose time has come become QUEUED; @param ret_queues their queues (max limit), caller frees */
MUST_CHECK bool store_wake_due(struct store *store, int64_t now_ms, size_t limit, int64_t **ret_queues,
                               size_t *ret_count, struct err *err);
/** When the next WAITING task is due; INT64_MAX when none waits. */
MUST_CHECK bool store_next_due(struct store *store, int64_t *ret_due_ms, struct err *err);
/** Distinct queues that hold at least one queued task (at start: each is found by one index step, not by a scan). */
MUST_CHECK bool store_list_queues(struct store *store, int64_t **ret_queues, size_t *ret_count, struct err *err);
/** RUNNING tasks, after a restart. */
MUST_CHECK bool store_list_running(struct store *store, struct task **ret_tasks, size_t *ret_count, struct err *err);
/** All RUNNING tasks: lease_until_ms. */
MUST_CHECK bool store_renew_leases(struct store *store, int64_t lease_until_ms, struct err *err);

/* ---- attempts, logs, events, facts, secrets (store_history.c) ----------------------------------------------------------- */

/** outcome, cause, detail, ended; refuses (ERR_LOST) when the attempt is not RUNNING any more. */
MUST_CHECK bool store_end_attempt(struct store *store, const struct attempt *attempt, struct err *err);
MUST_CHECK bool store_get_attempt(struct store *store, int64_t id, struct attempt *ret_attempt, struct err *err);
/** Since when a task has been waiting: the start of the first of its latest attempts that did nothing but WAITED; 0 when the
 * latest that has ended did something else. */
MUST_CHECK bool store_get_waiting_since(struct store *store, int64_t task_id, int64_t *ret_since_ms, struct err *err);
MUST_CHECK bool store_list_attempts(struct store *store, int64_t task_id, struct attempt **ret_attempts,
                                    size_t *ret_count, struct err *err);
/** Sets chunk->offset. Beyond ATTEMPT_LOG_MAX it is dropped and the attempt marked truncated (once). */
MUST_CHECK bool store_append_log(struct store *store, struct log_chunk *chunk, struct err *err);
MUST_CHECK bool store_read_log(struct store *store, int64_t attempt_id, int64_t from_offset, size_t bytes_max,
                               struct log_chunk **ret_chunks, size_t *ret_count, struct err *err);
/** Numbers it: event->seq = ++service.event_seq. */
MUST_CHECK bool store_append_event(struct store *store, struct event *event, struct err *err);
MUST_CHECK bool store_list_events(struct store *store, int64_t service_id, int64_t after_seq, size_t limit,
                                  struct event **ret_events, size_t *ret_count, struct err *err);
/** One per (service, role, node, key): written with the completion of the attempt that learned it. */
MUST_CHECK bool store_put_fact(struct store *store, const struct stored_fact *fact, struct err *err);
MUST_CHECK bool store_list_facts(struct store *store, int64_t service_id, struct stored_fact **ret_facts,
                                 size_t *ret_count, struct err *err);
/** One per (service, node, kind), e.g. "panel-password", "mailbox-password"; ciphertext only. */
MUST_CHECK bool store_put_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind,
                                 const unsigned char *cipher, size_t length, struct err *err);
/** Nothing happens when there is none. */
MUST_CHECK bool store_remove_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind,
                                    struct err *err);
/** *ret_cipher NULL when there is none; the caller's to free */
MUST_CHECK bool store_get_secret(struct store *store, int64_t service_id, int64_t node_id, const char *kind,
                                 unsigned char **ret_cipher, size_t *ret_length, struct err *err);
MUST_CHECK bool store_put_ssl_request(struct store *store, const struct ssl_request *request, struct err *err);
/** ret_found false when none */
MUST_CHECK bool store_get_ssl_request(struct store *store, int64_t service_id, struct ssl_request *ret_request,
                                      bool *ret_found, struct err *err);
/** Those with a next check, in the order in which they are due; at most `limit` rows of its index are read. */
MUST_CHECK bool store_list_ssl_requests(struct store *store, size_t limit, struct ssl_request **ret_requests,
                                        size_t *ret_count, struct err *err);
void ssl_requests_free(struct ssl_request *requests, size_t count);

/* ---- how long steps take, and who stands in line (store_step_time.c) ------------------------------------------------------ */

/** Replaces the samples of this step, or adds them. */
MUST_CHECK bool store_put_step_time(struct store *store, const struct step_key *key, const struct step_samples *samples,
                                    struct err *err);
/** All that is stored; *ret_times the caller's to destroy. */
MUST_CHECK bool store_load_step_times(struct store *store, struct step_times **ret_times, struct err *err);
struct task_edge {
    int64_t from_task_id, to_task_id; /* from must end before to starts */
};
/** Of an operation, in history too. The caller's to free(). */
MUST_CHECK bool store_list_edges(struct store *store, int64_t operation_id, struct task_edge **ret_edges,
                                 size_t *ret_count, struct err *err);
/* The little of a task that those behind it want to know. */
struct task_in_line {
    int64_t id, operation_id, node_id;
    enum task_lane lane;
    int64_t started_at_ms; /* of the attempt that runs; 0: it is queued */
    char *action;
};
/** The first of a queue, in the order in which they are taken. */
MUST_CHECK bool store_list_queue(struct store *store, int64_t queue, size_t limit, struct task_in_line **ret_tasks,
                                 size_t *ret_count, struct err *err);
/** What runs, oldest task first. */
MUST_CHECK bool store_list_busy(struct store *store, size_t limit, struct task_in_line **ret_tasks, size_t *ret_count,
                                struct err *err);
void tasks_in_line_free(struct task_in_line *tasks, size_t count); /* NULL is allowed */

/* ---- finished work (store_archive.c) ------------------------------------------------------------------------------------
 * Tasks and edges of an operation that has ended move into tables of history, and later all of it goes. Who reads operations, tasks
 * and attempts above and below finds them in either place, with the same ids; who changes a task must have a live one.
 *
 * Each call takes the operation that ended first of those that ended until `ended_until_ms` and are not done with, and does at
 * most so many rows of it (a chunk of a log counts as several): call again until *ret_rows is 0, nothing is left to do then.
 * Inside a transaction. */

/** A done, cancelled or superseded operation's tasks, with their edges. One with an attempt on its way waits. */
MUST_CHECK bool store_archive_tasks(struct store *store, int64_t ended_until_ms, size_t tasks_max, size_t *ret_rows,
                                    struct err *err);
/** The logs of an operation in history. Its attempts say since when there are none (log_removed_at_ms). */
MUST_CHECK bool store_remove_logs(struct store *store, int64_t ended_until_ms, int64_t now_ms, size_t rows_max,
                                  size_t *ret_rows, struct err *err);
/**
 * An operation in history with its tasks, attempts, logs and tickets, and the service's events until its end. The latest of a
 * service that is not terminated stays, and one with a ticket that is open or has messages to send.
 * @param ret_operation  the one that is gone, the caller's to finish, when *ret_removed; else more of it is left
 */
MUST_CHECK bool store_remove_operation(struct store *store, int64_t ended_until_ms, size_t rows_max, size_t *ret_rows,
                                       struct operation *ret_operation, bool *ret_removed, struct err *err);

/* ---- reading for people (store_read.c): used by HTTP readers ------------------------------------------------------------ */

struct service_filter {
    bool has_status;
    enum service_status status;
    const char *external_id; /* NULL: any */
    const char *domain;      /* exact or, with a trailing *, a prefix; NULL: any */
    const char *client_id;
    int64_t before_id; /* cursor: newest first, ids below it; 0 from the top */
    size_t limit;
};
MUST_CHECK bool store_list_services(struct store *store, const struct service_filter *filter,
                                    struct service **ret_services, size_t *ret_count, struct err *err);
MUST_CHECK bool store_list_operations(struct store *store, int64_t service_id, struct operation **ret_operations,
                                      size_t *ret_count, struct err *err);
/** Tasks of all services for staff. @param state TASK_STATE_COUNT for any */
MUST_CHECK bool store_find_tasks(struct store *store, enum task_state state, int64_t node_id, int64_t before_id,
                                 size_t limit, struct task **ret_tasks, size_t *ret_count, struct err *err);
struct queue_figures {
    int64_t queued, running, waiting, held, failed;
    int64_t oldest_queued_ms; /* when the oldest queued task was made due; 0 none */
    int64_t services[SERVICE_STATUS_COUNT];
    int64_t outbox_waiting;  /* messages of tickets that have yet to leave */
    int64_t outbox_troubled; /* those of them that were tried and could not be sent */
    int64_t outbox_failed;   /* refused for good: they leave only when somebody sends them */
};
MUST_CHECK bool store_queue_figures(struct store *store, struct queue_figures *ret_figures, struct err *err);

/* Arrays that the functions above return: finish each element, free the array; NULL is allowed. */
void services_free(struct service *services, size_t count);
void nodes_free(struct node *nodes, size_t count);
void groups_free(struct group *groups, size_t count);
void products_free(struct product *products, size_t count);
void accounts_free(struct account *accounts, size_t count);
void operations_free(struct operation *operations, size_t count);
void tasks_free(struct task *tasks, size_t count);
void attempts_free(struct attempt *attempts, size_t count);
void events_free(struct event *events, size_t count);
void log_chunks_free(struct log_chunk *chunks, size_t count);
void stored_facts_free(struct stored_fact *facts, size_t count);
void stored_settings_free(struct stored_setting *settings, size_t count);
void setting_changes_free(struct setting_change *changes, size_t count);

#endif
