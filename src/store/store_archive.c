/* store_archive.c - finished work leaves: from the live tables into history, and some day for good. See store.h.
 *
 * Three partial indexes hold the operations of which something is to be done, in the order of their end: looking whether
 * something is due is one step down each, however much there is in history. Each call does a bounded number of rows of one
 * operation; what is left of it is found again by the next call. */
#include "store_internal.h"

#include <inttypes.h>

#include "store_ticket.h"

#define SQL_OPERATION_ENDED "state IN (1, 3, 4)"
_Static_assert(OPERATION_DONE == 1 && OPERATION_CANCELLED == 3 && OPERATION_SUPERSEDED == 4, "indexes on operation");
#define CHUNK_ROWS 8 /* to delete 64 KiB of log costs as much as to delete so many rows */
#define SQL_TICKET_OPEN "0"
#define SQL_MESSAGE_SENT "2"
_Static_assert(TICKET_OPEN == 0 && TICKET_MESSAGE_SENT == 2, "sql_first_former");

static bool first_operation(struct store *store, const char *sql, int64_t until_ms, struct operation *ret_operation,
                            bool *ret_found, struct err *err)
{
    return store_get_record(store, &operation_record, sql, ARGS(db_int(until_ms)), ret_operation, ret_found, err);
}

/* ---- into history ------------------------------------------------------------------------------------------------- */

/* A superseded operation may still have an attempt on its way: the engine writes to its task when it ends. */
static const char sql_first_ended[] =
    "SELECT " OPERATION_COLUMNS " FROM operation WHERE archived = 0 AND " SQL_OPERATION_ENDED
    " AND ended_at_ms <= $1"
    " AND NOT EXISTS (SELECT 1 FROM task JOIN attempt ON attempt.id = task.attempt_id"
    "  WHERE task.operation_id = operation.id AND attempt.outcome = " SQL_ATTEMPT_RUNNING
    ")"
    " ORDER BY ended_at_ms LIMIT 1";

#define FIRST_TASKS "(SELECT id FROM task WHERE operation_id = $1 ORDER BY id LIMIT $2)"

static const char sql_copy_edges[] =
    "INSERT INTO edge_history (from_task_id, to_task_id, met)"
    " SELECT from_task_id, to_task_id, met FROM edge WHERE from_task_id IN " FIRST_TASKS;
static const char sql_delete_edges[] = "DELETE FROM edge WHERE from_task_id IN " FIRST_TASKS;
static const char sql_copy_tasks[] = "INSERT INTO task_history (queue, " TASK_COLUMNS
                                     ")"
                                     " SELECT queue, " TASK_COLUMNS " FROM task WHERE id IN " FIRST_TASKS;
static const char sql_keep_number[] =
    "UPDATE counter SET value = (SELECT max(id) FROM task_history WHERE operation_id = $1)"
    " WHERE name = 'task' AND value < (SELECT max(id) FROM task_history WHERE operation_id = $1)";
static const char sql_delete_tasks[] = "DELETE FROM task WHERE id IN " FIRST_TASKS;

static bool move_tasks(struct store *store, int64_t operation_id, size_t tasks_max, int64_t *ret_moved, struct err *err)
{
    const struct db_arg args[] = { db_int(operation_id), db_int((int64_t)tasks_max) };
    return store_run(store, sql_copy_edges, args, ARRAY_LEN(args), NULL, err) &&
           store_run(store, sql_delete_edges, args, ARRAY_LEN(args), NULL, err) &&
           store_run(store, sql_copy_tasks, args, ARRAY_LEN(args), NULL, err) &&
           store_run(store, sql_keep_number, ARGS(db_int(operation_id)), NULL, err) &&
           store_run(store, sql_delete_tasks, args, ARRAY_LEN(args), ret_moved, err);
}

static const char sql_set_archived[] = "UPDATE operation SET archived = 1 WHERE id = $1";
/* The latest of a service is kept while the service exists. */
static const char sql_set_former[] =
    "UPDATE operation SET former = 1 WHERE service_id = $1 AND former = 0 AND (id < $2 OR (id = $2"
    " AND EXISTS (SELECT 1 FROM service WHERE service.id = $1 AND service.status = " SQL_SERVICE_TERMINATED ")))";

static bool set_archived(struct store *store, const struct operation *operation, struct err *err)
{
    return store_run_on(store, sql_set_archived, ARGS(db_int(operation->id)), "operation", operation->id, err) &&
           store_run(store, sql_set_former, ARGS(db_int(operation->service_id), db_int(operation->id)), NULL, err);
}

bool store_archive_tasks(struct store *store, int64_t ended_until_ms, size_t tasks_max, size_t *ret_rows,
                         struct err *err)
{
    struct operation operation;
    bool found;
    int64_t moved = 0;
    assert(store->in_transaction && tasks_max > 0);
    if (!first_operation(store, sql_first_ended, ended_until_ms, &operation, &found, err))
        return err_wrap(err, "find an operation for history");
    if (found) {
        bool ok = move_tasks(store, operation.id, tasks_max, &moved, err) &&
                  (moved == (int64_t)tasks_max || set_archived(store, &operation, err));
        operation_finish(&operation);
        if (!ok)
            return err_wrap(err, "move tasks to history");
    }
    *ret_rows = found ? (size_t)moved + 1 : 0;
    return true;
}

/* ---- logs --------------------------------------------------------------------------------------------------------- */

static const char sql_first_with_logs[] = "SELECT " OPERATION_COLUMNS
                                          " FROM operation WHERE archived = 1 AND has_logs = 1 AND ended_at_ms <= $1"
                                          " ORDER BY ended_at_ms LIMIT 1";
/* Said before the first of them goes: nobody sees half a log. */
static const char sql_set_logs_removed[] =
    "UPDATE operation SET logs_removed_at_ms = $2 WHERE id = $1 AND logs_removed_at_ms = 0";
/* CROSS JOIN: SQLite goes from left to right then, from the few to the many. */
static const char sql_delete_logs[] =
    "DELETE FROM log_chunk WHERE id IN (SELECT log_chunk.id FROM task_history CROSS JOIN attempt CROSS JOIN log_chunk"
    " WHERE task_history.operation_id = $1 AND attempt.task_id = task_history.id AND log_chunk.attempt_id = attempt.id"
    " LIMIT $2)";
static const char sql_set_no_logs[] = "UPDATE operation SET has_logs = 0 WHERE id = $1";

/** *left: rows that may still be deleted; 0 afterwards: some may be left. */
static bool delete_logs(struct store *store, int64_t operation_id, int64_t *left, struct err *err)
{
    int64_t deleted, chunks_max = (*left + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (!store_run(store, sql_delete_logs, ARGS(db_int(operation_id), db_int(chunks_max)), &deleted, err))
        return false;
    *left = deleted == chunks_max ? 0 : *left - deleted * CHUNK_ROWS;
    return true;
}

bool store_remove_logs(struct store *store, int64_t ended_until_ms, int64_t now_ms, size_t rows_max, size_t *ret_rows,
                       struct err *err)
{
    struct operation operation;
    bool found;
    int64_t left = (int64_t)rows_max;
    assert(store->in_transaction && rows_max > 0);
    if (!first_operation(store, sql_first_with_logs, ended_until_ms, &operation, &found, err))
        return err_wrap(err, "find old logs");
    if (found) {
        int64_t id = operation.id;
        operation_finish(&operation);
        if (!store_run(store, sql_set_logs_removed, ARGS(db_int(id), db_int(now_ms)), NULL, err) ||
            !delete_logs(store, id, &left, err) ||
            (left > 0 && !store_run(store, sql_set_no_logs, ARGS(db_int(id)), NULL, err)))
            return err_wrap(err, "remove logs of operation %" PRId64, id);
    }
    *ret_rows = found ? rows_max - (size_t)left + 1 : 0;
    return true;
}

/* ---- operations --------------------------------------------------------------------------------------------------- */

/* What people still work at keeps its operation: an open ticket, a message that has not left. The newest of all operations
 * stays, too, so that its number is not given out again. */
static const char sql_first_former[] = "SELECT " OPERATION_COLUMNS
                                       " FROM operation WHERE archived = 1 AND former = 1 AND ended_at_ms <= $1"
                                       " AND id < (SELECT max(id) FROM operation)"
                                       " AND NOT EXISTS (SELECT 1 FROM ticket WHERE ticket.operation_id = operation.id"
                                       "  AND (ticket.state = " SQL_TICKET_OPEN
                                       " OR EXISTS (SELECT 1 FROM outbox WHERE outbox.ticket_id = ticket.id"
                                       "   AND outbox.state <> " SQL_MESSAGE_SENT
                                       ")))"
                                       " ORDER BY ended_at_ms LIMIT 1";

#define TASKS_OF_OPERATION "(SELECT id FROM task_history WHERE operation_id = $1)"

/* What belongs to operation $1 beside its logs, first what refers to something else here; at most $2 rows. */
static const char *const sql_delete_parts[] = {
    "DELETE FROM attempt WHERE id IN (SELECT attempt.id FROM task_history CROSS JOIN attempt"
    " WHERE task_history.operation_id = $1 AND attempt.task_id = task_history.id LIMIT $2)",
    "DELETE FROM edge_history WHERE (from_task_id, to_task_id) IN (SELECT from_task_id, to_task_id FROM edge_history"
    " WHERE from_task_id IN " TASKS_OF_OPERATION " LIMIT $2)",
    "DELETE FROM task_history WHERE id IN (SELECT id FROM task_history WHERE operation_id = $1 LIMIT $2)",
    "DELETE FROM outbox WHERE id IN (SELECT outbox.id FROM ticket CROSS JOIN outbox"
    " WHERE ticket.operation_id = $1 AND outbox.ticket_id = ticket.id LIMIT $2)",
    "DELETE FROM ticket WHERE id IN (SELECT id FROM ticket WHERE operation_id = $1 LIMIT $2)",
};

/* Events do not say of which operation they tell. Those until its end are of this one or of one before, and they are the
 * first of the service. */
static const char sql_delete_events[] =
    "DELETE FROM event WHERE service_id = $1 AND seq IN (SELECT seq FROM"
    " (SELECT seq, at_ms FROM event WHERE service_id = $1 ORDER BY seq LIMIT $3) AS oldest WHERE at_ms <= $2)";
static const char sql_forget_operation[] = "UPDATE service SET operation_id = 0 WHERE id = $1 AND operation_id = $2";
static const char sql_delete_operation[] = "DELETE FROM operation WHERE id = $1";

/** *left: as above. */
static bool delete_parts(struct store *store, const struct operation *operation, int64_t *left, struct err *err)
{
    int64_t deleted = 0;
    if (!delete_logs(store, operation->id, left, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(sql_delete_parts) && *left > 0; i++) {
        if (!store_run(store, sql_delete_parts[i], ARGS(db_int(operation->id), db_int(*left)), &deleted, err))
            return false;
        *left -= deleted;
    }
    if (*left == 0)
        return true;
    if (!store_run(store, sql_delete_events,
                   ARGS(db_int(operation->service_id), db_int(operation->ended_at_ms), db_int(*left)), &deleted, err))
        return false;
    *left -= deleted;
    return true;
}

static bool delete_operation(struct store *store, const struct operation *operation, struct err *err)
{
    return store_run(store, sql_forget_operation, ARGS(db_int(operation->service_id), db_int(operation->id)), NULL,
                     err) &&
           store_run_on(store, sql_delete_operation, ARGS(db_int(operation->id)), "operation", operation->id, err);
}

bool store_remove_operation(struct store *store, int64_t ended_until_ms, size_t rows_max, size_t *ret_rows,
                            struct operation *ret_operation, bool *ret_removed, struct err *err)
{
    struct operation operation;
    bool found;
    int64_t left = (int64_t)rows_max;
    assert(store->in_transaction && rows_max > 0);
    if (!first_operation(store, sql_first_former, ended_until_ms, &operation, &found, err))
        return err_wrap(err, "find an old operation");
    *ret_rows = 0;
    *ret_removed = false;
    if (!found)
        return true;
    if (!delete_parts(store, &operation, &left, err) || (left > 0 && !delete_operation(store, &operation, err))) {
        err_wrap(err, "remove operation %" PRId64, operation.id);
        operation_finish(&operation);
        return false;
    }
    *ret_removed = left > 0;
    *ret_rows = rows_max - (size_t)left + (*ret_removed ? 1 : 0);
    if (*ret_removed)
        *ret_operation = operation;
    else
        operation_finish(&operation);
    return true;
}
