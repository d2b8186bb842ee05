/* store_claim.c - how tasks move: released by what they needed, held behind what failed, woken when due, claimed with a fence.
 *
 * Every statement here is one or two steps down a partial index that holds only the tasks of one state: with a million tasks
 * queued or held a claim costs what it costs with ten. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- the graph ---------------------------------------------------------------------------------------------------- */

/* `met` makes a release happen once: a task that is reported twice counts once. Who is released is due since now, which is when
 * the task that released him ended (when that is written already). */
static const char sql_release[] =
    "UPDATE task SET needs_left = needs_left - 1,"
    " state = CASE WHEN state = " SQL_TASK_BLOCKED " AND needs_left = 1 THEN " SQL_TASK_QUEUED
    " ELSE state END,"
    " due_at_ms = CASE WHEN state = " SQL_TASK_BLOCKED
    " AND needs_left = 1"
    "  THEN (SELECT ended.ended_at_ms FROM task AS ended WHERE ended.id = $1) ELSE due_at_ms END"
    " WHERE id IN (SELECT to_task_id FROM edge WHERE from_task_id = $1 AND met = 0)"
    " RETURNING CASE WHEN state = " SQL_TASK_QUEUED " THEN queue ELSE -1 END";

static const char sql_release_edges[] = "UPDATE edge SET met = 1 WHERE from_task_id = $1 AND met = 0";

bool store_release_dependents(struct store *store, int64_t task_id, int64_t **ret_queues, size_t *ret_count,
                              struct err *err)
{
    CLEANUP(freep) int64_t *queues = NULL;
    size_t count;
    if (!store_get_ints(store, sql_release, ARGS(db_int(task_id)), &queues, &count, err) ||
        !store_run(store, sql_release_edges, ARGS(db_int(task_id)), NULL, err))
        return err_wrap(err, "release what needs task %" PRId64, task_id);
    size_t released = 0;
    for (size_t i = 0; i < count; i++) {
        if (queues[i] >= 0)
            queues[released++] = queues[i];
    }
    *ret_queues = queues;
    *ret_count = released;
    queues = NULL;
    return true;
}

/* All tasks behind task $1. A plus sign before a column keeps SQLite from the index on it: the few ids are the way in, not the
 * perhaps many tasks of that state. */
#define WITH_BEHIND                                                                                                    \
    "WITH RECURSIVE behind(id) AS (SELECT to_task_id FROM edge WHERE from_task_id = $1"                                \
    " UNION SELECT edge.to_task_id FROM edge JOIN behind ON edge.from_task_id = behind.id)"

static const char sql_hold[] = WITH_BEHIND " UPDATE task SET state = " SQL_TASK_HELD
                                           ", reason = $2"
                                           " WHERE id IN (SELECT id FROM behind) AND +state = " SQL_TASK_BLOCKED;

bool store_hold_dependents(struct store *store, int64_t task_id, const char *reason, struct err *err)
{
    return store_run(store, sql_hold, ARGS(db_int(task_id), db_text(reason)), NULL, err) ||
           err_wrap(err, "hold what needs task %" PRId64, task_id);
}

/* What also stands behind another failed task of the operation stays held. What is held for another reason (its node is
 * paused) needs nothing more, so needs_left tells the two apart. */
static const char sql_unhold[] = WITH_BEHIND
    ", still(id) AS (SELECT edge.to_task_id FROM edge JOIN task ON task.id = edge.from_task_id"
    " WHERE task.operation_id = (SELECT me.operation_id FROM task AS me WHERE me.id = $1)"
    " AND +task.state = " SQL_TASK_FAILED
    " AND task.id <> $1"
    " UNION SELECT edge.to_task_id FROM edge JOIN still ON edge.from_task_id = still.id)"
    " UPDATE task SET state = " SQL_TASK_BLOCKED
    ", reason = ''"
    " WHERE id IN (SELECT id FROM behind) AND +state = " SQL_TASK_HELD
    " AND needs_left > 0"
    " AND id NOT IN (SELECT id FROM still)";

bool store_unhold_dependents(struct store *store, int64_t task_id, struct err *err)
{
    return store_run(store, sql_unhold, ARGS(db_int(task_id)), NULL, err) ||
           err_wrap(err, "give free what needs task %" PRId64, task_id);
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

static const char sql_first_queued[] =
    "SELECT " TASK_COLUMNS " FROM task WHERE queue = $1 AND state = " SQL_TASK_QUEUED " ORDER BY id LIMIT 1";

static bool first_queued(struct store *store, int64_t queue, struct task *ret_task, bool *ret_found, struct err *err)
{
    return store_get_record(store, &task_record, sql_first_queued, ARGS(db_int(queue)), ret_task, ret_found, err);
}

bool store_peek_task(struct store *store, int64_t queue, struct task *ret_task, bool *ret_found, struct err *err)
{
    return first_queued(store, queue, ret_task, ret_found, err) || err_wrap(err, "look at queue %" PRId64, queue);
}

static const char sql_next_fence[] = "UPDATE counter SET value = value + 1 WHERE name = 'fence' RETURNING value";

static const char sql_start_task[] = "UPDATE task SET state = " SQL_TASK_RUNNING
                                     ", attempt_id = $2, lease_until_ms = $3, started_at_ms = $4, reason = ''"
                                     " WHERE id = $1";

static const char sql_insert_attempt[] =
    "INSERT INTO attempt (id, task_id, node_id, number, outcome, started_at_ms, ended_at_ms, log_bytes, log_truncated,"
    " cause_id, detail)"
    " VALUES ($1, $2, $3, (SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE task_id = $2)," SQL_ATTEMPT_RUNNING
    ", $4, 0, 0, 0, '', '')";

/* Writes what `task` says already. */
static bool start_task(struct store *store, const struct task *task, int64_t now_ms, struct err *err)
{
    return store_run_on(store, sql_start_task,
                        ARGS(db_int(task->id), db_int(task->attempt_id), db_int(task->lease_until_ms),
                             db_int(task->started_at_ms)),
                        "task", task->id, err) &&
           store_run(store, sql_insert_attempt,
                     ARGS(db_int(task->attempt_id), db_int(task->id), db_int(task->node_id), db_int(now_ms)), NULL,
                     err);
}

bool store_claim_task(struct store *store, int64_t queue, int64_t now_ms, int64_t lease_until_ms, struct task *ret_task,
                      bool *ret_found, struct err *err)
{
    assert(store->in_transaction);
    struct task task;
    bool found;
    if (!first_queued(store, queue, &task, &found, err))
        return err_wrap(err, "claim from queue %" PRId64, queue);
    if (!found) {
        *ret_found = false;
        return true;
    }
    task.state = TASK_RUNNING;
    task.lease_until_ms = lease_until_ms;
    if (task.started_at_ms == 0)
        task.started_at_ms = now_ms;
    task.reason[0] = '\0';
    if (!store_get_int(store, sql_next_fence, NO_ARGS, &task.attempt_id, err) ||
        !start_task(store, &task, now_ms, err)) {
        task_finish(&task);
        return err_wrap(err, "claim from queue %" PRId64, queue);
    }
    *ret_task = task;
    *ret_found = true;
    return true;
}

static const char sql_list_queued[] =
    "SELECT id FROM task WHERE queue = $1 AND action = $2 AND state = " SQL_TASK_QUEUED " ORDER BY id LIMIT $3";

bool store_list_queued(struct store *store, int64_t queue, const char *action, size_t limit, int64_t *ret_ids,
                       size_t *ret_count, struct err *err)
{
    CLEANUP(freep) int64_t *ids = NULL;
    size_t count;
    if (!store_get_ints(store, sql_list_queued, ARGS(db_int(queue), db_text(action), db_int((int64_t)limit)), &ids,
                        &count, err))
        return err_wrap(err, "list %s in queue %" PRId64, action, queue);
    if (count > 0)
        memcpy(ret_ids, ids, count * sizeof(ids[0]));
    *ret_count = count;
    return true;
}

/* SQLite has no step from one value to the next in an index; this is one look-up per queue. */
static const char sql_next_queue[] =
    "SELECT queue FROM task WHERE state = " SQL_TASK_QUEUED " AND queue > $1 ORDER BY queue LIMIT 1";

bool store_list_queues(struct store *store, int64_t **ret_queues, size_t *ret_count, struct err *err)
{
    CLEANUP(freep) int64_t *queues = NULL;
    size_t count = 0;
    for (int64_t queue = -1;;) {
        int64_t next = queue;
        if (!store_get_int(store, sql_next_queue, ARGS(db_int(queue)), &next, err))
            return err_wrap(err, "list queues");
        if (next == queue)
            break;
        queues = xrealloc(queues, (count + 1) * sizeof(queues[0]));
        queues[count++] = next;
        queue = next;
    }
    *ret_queues = queues;
    *ret_count = count;
    queues = NULL;
    return true;
}

/* ---- time --------------------------------------------------------------------------------------------------------- */

static const char sql_wake_due[] = "UPDATE task SET state = " SQL_TASK_QUEUED
                                   ", reason = ''"
                                   " WHERE id IN (SELECT id FROM task WHERE state = " SQL_TASK_WAITING
                                   " AND due_at_ms <= $1 ORDER BY due_at_ms LIMIT $2) RETURNING queue";

bool store_wake_due(struct store *store, int64_t now_ms, size_t limit, int64_t **ret_queues, size_t *ret_count,
                    struct err *err)
{
    return store_get_ints(store, sql_wake_due, ARGS(db_int(now_ms), db_int((int64_t)limit)), ret_queues, ret_count,
                          err) ||
           err_wrap(err, "wake due tasks");
}

static const char sql_next_due[] =
    "SELECT due_at_ms FROM task WHERE state = " SQL_TASK_WAITING " ORDER BY due_at_ms LIMIT 1";

bool store_next_due(struct store *store, int64_t *ret_due_ms, struct err *err)
{
    int64_t due_ms = INT64_MAX;
    if (!store_get_int(store, sql_next_due, NO_ARGS, &due_ms, err))
        return err_wrap(err, "next due task");
    *ret_due_ms = due_ms;
    return true;
}

/* ---- leases ------------------------------------------------------------------------------------------------------- */

static const char sql_list_running[] =
    "SELECT " TASK_COLUMNS " FROM task WHERE state = " SQL_TASK_RUNNING " ORDER BY id";

bool store_list_running(struct store *store, struct task **ret_tasks, size_t *ret_count, struct err *err)
{
    void *tasks;
    if (!store_get_records(store, &task_record, sql_list_running, NO_ARGS, &tasks, ret_count, err))
        return err_wrap(err, "list running tasks");
    *ret_tasks = tasks;
    return true;
}

static const char sql_renew_leases[] = "UPDATE task SET lease_until_ms = $1 WHERE state = " SQL_TASK_RUNNING;

bool store_renew_leases(struct store *store, int64_t lease_until_ms, struct err *err)
{
    return store_run(store, sql_renew_leases, ARGS(db_int(lease_until_ms)), NULL, err) || err_wrap(err, "renew leases");
}
