/* store_read.c - reading for people: lists with filters and cursors, figures. Runs on readers' connections; see store.h.
 *
 * A list has one statement per way in. The condition that its index serves stands apart; all filters are applied to what comes
 * through. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- services ----------------------------------------------------------------------------------------------------- */

/* $1 ids below, $2 status or -1, $3 external id, $4 to $5 domain range, $6 client, each '' for any, $7 limit */
#define SERVICE_FILTER                                                                                                 \
    " id < $1 AND ($2 < 0 OR status = $2) AND ($3 = '' OR external_id = $3)"                                           \
    " AND ($4 = '' OR (domain >= $4 AND domain <= $5)) AND ($6 = '' OR client_id = $6) ORDER BY id DESC LIMIT $7"

static const char sql_services[] = "SELECT " SERVICE_COLUMNS " FROM service WHERE" SERVICE_FILTER;

static const char sql_services_unsettled[] =
    "SELECT " SERVICE_COLUMNS " FROM service WHERE status = $2 AND " SQL_SERVICE_UNSETTLED " AND" SERVICE_FILTER;

static const char sql_services_of_external_id[] =
    "SELECT " SERVICE_COLUMNS
    " FROM service WHERE id IN"
    " (SELECT id FROM service WHERE external_id = $3 AND external_id <> '' AND status <> " SQL_SERVICE_TERMINATED
    "  UNION ALL"
    "  SELECT id FROM service WHERE external_id = $3 AND external_id <> '' AND status = " SQL_SERVICE_TERMINATED
    ") AND" SERVICE_FILTER;

static const char sql_services_of_domain[] =
    "SELECT " SERVICE_COLUMNS
    " FROM service WHERE id IN"
    " (SELECT id FROM service WHERE domain_key = $8 AND status <> " SQL_SERVICE_TERMINATED
    "  UNION ALL"
    "  SELECT id FROM service WHERE domain_key = $8 AND status = " SQL_SERVICE_TERMINATED ") AND" SERVICE_FILTER;

/* Accepted services, which are few, are not in the index of clients yet. */
static const char sql_services_of_client[] =
    "SELECT " SERVICE_COLUMNS
    " FROM service WHERE id IN"
    " (SELECT id FROM service WHERE client_id = $6 AND status <> " SQL_SERVICE_ACCEPTED
    "  UNION ALL"
    "  SELECT id FROM service WHERE client_id = $6 AND status = " SQL_SERVICE_ACCEPTED " AND " SQL_SERVICE_UNSETTLED
    ") AND" SERVICE_FILTER;

static bool is_prefix(const char *domain)
{
    size_t length = strlen(domain);
    return length > 0 && domain[length - 1] == '*';
}

static const char *service_statement(const struct service_filter *filter)
{
    if (filter->external_id != NULL)
        return sql_services_of_external_id;
    if (filter->domain != NULL && !is_prefix(filter->domain))
        return sql_services_of_domain;
    if (filter->client_id != NULL)
        return sql_services_of_client;
    if (filter->has_status && filter->status != SERVICE_LIVE && filter->status != SERVICE_TERMINATED)
        return sql_services_unsettled;
    return sql_services;
}

bool store_list_services(struct store *store, const struct service_filter *filter, struct service **ret_services,
                         size_t *ret_count, struct err *err)
{
    CLEANUP(freep) char *from = xstrdup(filter->domain != NULL ? filter->domain : "");
    CLEANUP(freep) char *to = xstrdup(from);
    if (is_prefix(from)) {
        to[strlen(to) - 1] = '~'; /* behind every character of a domain */
        from[strlen(from) - 1] = '\0';
    }
    CLEANUP(freep) char *domain_key = service_domain_key(from);
    const char *sql = service_statement(filter);
    const struct db_arg args[] = {
        db_int(filter->before_id > 0 ? filter->before_id : INT64_MAX),
        db_int(filter->has_status ? (int64_t)filter->status : -1),
        db_text(filter->external_id != NULL ? filter->external_id : ""),
        db_text(from),
        db_text(to),
        db_text(filter->client_id != NULL ? filter->client_id : ""),
        db_int((int64_t)filter->limit),
        db_text(domain_key),
    };
    size_t arg_count = sql == sql_services_of_domain ? ARRAY_LEN(args) : ARRAY_LEN(args) - 1;
    void *services;
    if (!store_get_records(store, &service_record, sql, args, arg_count, &services, ret_count, err))
        return err_wrap(err, "list services");
    *ret_services = services;
    return true;
}

/* ---- operations and tasks ----------------------------------------------------------------------------------------- */

static const char sql_list_operations[] =
    "SELECT " OPERATION_COLUMNS " FROM operation WHERE service_id = $1 ORDER BY id";

bool store_list_operations(struct store *store, int64_t service_id, struct operation **ret_operations,
                           size_t *ret_count, struct err *err)
{
    void *operations;
    if (!store_get_records(store, &operation_record, sql_list_operations, ARGS(db_int(service_id)), &operations,
                           ret_count, err))
        return err_wrap(err, "operations of service %" PRId64, service_id);
    *ret_operations = operations;
    return true;
}

/* $1 ids below, $2 node or 0, $3 limit, $4 state or -1. A state with an index of its own is named by a literal and found through
 * it; plus signs keep SQLite from going back through all tasks for the sake of the order. The other states have no index and are
 * met just so, in the live table and in history side by side. */
#define TASKS_WHERE(condition, id)                                                                                     \
    "SELECT " TASK_COLUMNS " FROM task WHERE " condition " AND " id " < $1 AND ($2 = 0 OR node_id = $2) ORDER BY " id  \
    " DESC LIMIT $3"

#define ANY_TASKS " WHERE ($4 < 0 OR state = $4) AND id < $1 AND ($2 = 0 OR node_id = $2)"

static const char sql_tasks[] = "SELECT " TASK_COLUMNS " FROM task" ANY_TASKS " UNION ALL SELECT " TASK_COLUMNS
                                " FROM task_history" ANY_TASKS " ORDER BY id DESC LIMIT $3";
static const char sql_tasks_queued[] = TASKS_WHERE("state = " SQL_TASK_QUEUED, "+id");
static const char sql_tasks_running[] = TASKS_WHERE("state = " SQL_TASK_RUNNING, "id");
static const char sql_tasks_waiting[] = TASKS_WHERE("state = " SQL_TASK_WAITING, "+id");
static const char sql_tasks_stuck[] =
    TASKS_WHERE("state = $4 AND state IN (" SQL_TASK_HELD ", " SQL_TASK_FAILED ")", "id");

static const char *task_statement(enum task_state state, bool *ret_takes_state)
{
    *ret_takes_state = true;
    switch (state) {
    case TASK_QUEUED: *ret_takes_state = false; return sql_tasks_queued;
    case TASK_RUNNING: *ret_takes_state = false; return sql_tasks_running;
    case TASK_WAITING: *ret_takes_state = false; return sql_tasks_waiting;
    case TASK_HELD:
    case TASK_FAILED: return sql_tasks_stuck; /* what ends with its operation is cancelled or superseded in history */
    case TASK_BLOCKED:
    case TASK_DONE:
    case TASK_CANCELLED:
    case TASK_SUPERSEDED: return sql_tasks;
    }
    return sql_tasks; /* TASK_STATE_COUNT: any */
}

bool store_find_tasks(struct store *store, enum task_state state, int64_t node_id, int64_t before_id, size_t limit,
                      struct task **ret_tasks, size_t *ret_count, struct err *err)
{
    bool takes_state;
    const char *sql = task_statement(state, &takes_state);
    const struct db_arg args[] = {
        db_int(before_id > 0 ? before_id : INT64_MAX),
        db_int(node_id),
        db_int((int64_t)limit),
        db_int((int)state == TASK_STATE_COUNT ? -1 : (int64_t)state),
    };
    void *tasks;
    if (!store_get_records(store, &task_record, sql, args, takes_state ? ARRAY_LEN(args) : ARRAY_LEN(args) - 1, &tasks,
                           ret_count, err))
        return err_wrap(err, "find tasks");
    *ret_tasks = tasks;
    return true;
}

/* ---- figures ------------------------------------------------------------------------------------------------------ */

static void figures_read(struct db_rows *rows, void *record)
{
    struct queue_figures *figures = record;
    figures->queued = db_take_int(rows);
    figures->running = db_take_int(rows);
    figures->waiting = db_take_int(rows);
    figures->held = db_take_int(rows);
    figures->failed = db_take_int(rows);
    int64_t *services = figures->services;
    services[SERVICE_ACCEPTED] = db_take_int(rows);
    services[SERVICE_WAITING] = db_take_int(rows);
    services[SERVICE_DEPLOYING] = db_take_int(rows);
    services[SERVICE_FAILED] = db_take_int(rows);
    services[SERVICE_SUSPENDED] = db_take_int(rows);
    services[SERVICE_TERMINATED] = db_take_int(rows);
    services[SERVICE_LIVE] = db_take_int(rows) - services[SERVICE_ACCEPTED] - services[SERVICE_WAITING] -
                             services[SERVICE_DEPLOYING] - services[SERVICE_FAILED] - services[SERVICE_SUSPENDED];
    figures->outbox_waiting = db_take_int(rows);
    figures->outbox_troubled = db_take_int(rows);
    figures->outbox_failed = db_take_int(rows);
}

static void figures_finish(void *record)
{
    (void)record;
}

static const struct record_kind figures_record = { sizeof(struct queue_figures), figures_read, figures_finish };

#define COUNT_UNSETTLED(status)                                                                                        \
    " (SELECT count(*) FROM service WHERE status = " status " AND " SQL_SERVICE_UNSETTLED ")"

/* Each count walks a partial index, none the table: what is live, too, which is what the others leave of all that are not over. */
static const char sql_figures[] =
    "SELECT (SELECT count(*) FROM task WHERE state = " SQL_TASK_QUEUED
    "),"
    " (SELECT count(*) FROM task WHERE state = " SQL_TASK_RUNNING
    "),"
    " (SELECT count(*) FROM task WHERE state = " SQL_TASK_WAITING
    "),"
    " (SELECT count(*) FROM task WHERE state = " SQL_TASK_HELD "  AND state IN (" SQL_TASK_HELD ", " SQL_TASK_FAILED
    ")),"
    " (SELECT count(*) FROM task WHERE state = " SQL_TASK_FAILED "  AND state IN (" SQL_TASK_HELD ", " SQL_TASK_FAILED
    "))," COUNT_UNSETTLED(SQL_SERVICE_ACCEPTED) "," COUNT_UNSETTLED(SQL_SERVICE_WAITING) "," COUNT_UNSETTLED(
        SQL_SERVICE_DEPLOYING) "," COUNT_UNSETTLED(SQL_SERVICE_FAILED) "," COUNT_UNSETTLED(SQL_SERVICE_SUSPENDED) ","
    " (SELECT count(*) FROM service WHERE status = " SQL_SERVICE_TERMINATED "),"
    " (SELECT count(*) FROM service WHERE status <> " SQL_SERVICE_TERMINATED "),"
    " (SELECT count(*) FROM outbox WHERE state = 0) + (SELECT count(*) FROM outbox WHERE state = 1 AND state IN (1, 3)),"
    " (SELECT count(*) FROM outbox WHERE state = 0 AND last_error <> '')"
    " + (SELECT count(*) FROM outbox WHERE state = 1 AND state IN (1, 3) AND last_error <> ''),"
    " (SELECT count(*) FROM outbox WHERE state = 3 AND state IN (1, 3))";

/* A queue is served in the order of ids, so its first task is the one that waits longest, or nearly (a retried task comes back
 * to its old place). */
static const char sql_oldest_queued[] =
    "SELECT CASE WHEN due_at_ms > created_at_ms THEN due_at_ms ELSE created_at_ms END FROM task"
    " WHERE queue = $1 AND state = " SQL_TASK_QUEUED " ORDER BY id LIMIT 1";

static bool oldest_queued(struct store *store, int64_t *ret_oldest_ms, struct err *err)
{
    CLEANUP(freep) int64_t *queues = NULL;
    size_t count;
    if (!store_list_queues(store, &queues, &count, err))
        return false;
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t since_ms = INT64_MAX;
        if (!store_get_int(store, sql_oldest_queued, ARGS(db_int(queues[i])), &since_ms, err))
            return false;
        if (since_ms < oldest_ms)
            oldest_ms = since_ms;
    }
    *ret_oldest_ms = oldest_ms == INT64_MAX ? 0 : oldest_ms;
    return true;
}

bool store_queue_figures(struct store *store, struct queue_figures *ret_figures, struct err *err)
{
    struct queue_figures figures = { 0 };
    bool found;
    if (!store_get_record(store, &figures_record, sql_figures, NO_ARGS, &figures, &found, err) ||
        !oldest_queued(store, &figures.oldest_queued_ms, err))
        return err_wrap(err, "queue figures");
    *ret_figures = figures;
    return true;
}
