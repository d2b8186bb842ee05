/* store_task.c - accounts, operations, and tasks as records: what an operation was expanded to. What moves tasks from queue to
 * queue is in store_claim.c. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- accounts ----------------------------------------------------------------------------------------------------- */

static void account_read(struct db_rows *rows, struct account *account)
{
    account->id = db_take_int(rows);
    account->service_id = db_take_int(rows);
    account->node_id = db_take_int(rows);
    account->roles = (unsigned)db_take_int(rows);
    account->username = db_take_text(rows);
    account->package = db_take_text(rows);
    account->created_at_ms = db_take_int(rows);
}

DEFINE_RECORD_KIND(account, accounts)

static const char sql_insert_account[] =
    "INSERT INTO account (service_id, node_id, roles, username, package, created_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";

bool store_insert_account(struct store *store, struct account *account, struct err *err)
{
    return store_get_int(store, sql_insert_account,
                         ARGS(db_int(account->service_id), db_int(account->node_id), db_int(account->roles),
                              db_text(account->username), db_text(account->package), db_int(account->created_at_ms)),
                         &account->id, err) ||
           err_wrap(err, "insert account %s", account->username);
}

static const char sql_list_accounts[] =
    "SELECT id, service_id, node_id, roles, username, package, created_at_ms FROM account"
    " WHERE service_id = $1 ORDER BY id";

bool store_list_accounts(struct store *store, int64_t service_id, struct account **ret_accounts, size_t *ret_count,
                         struct err *err)
{
    void *accounts;
    if (!store_get_records(store, &account_record, sql_list_accounts, ARGS(db_int(service_id)), &accounts, ret_count,
                           err))
        return err_wrap(err, "accounts of service %" PRId64, service_id);
    *ret_accounts = accounts;
    return true;
}

static const char sql_rename_account[] = "UPDATE account SET username = $2 WHERE id = $1";

bool store_rename_account(struct store *store, int64_t account_id, const char *username, struct err *err)
{
    return store_run_on(store, sql_rename_account, ARGS(db_int(account_id), db_text(username)), "account", account_id,
                        err);
}

static const char sql_find_username[] = "SELECT id FROM account WHERE node_id = $1 AND username = $2";

bool store_username_taken(struct store *store, int64_t node_id, const char *username, bool *ret_taken, struct err *err)
{
    int64_t id = 0;
    if (!store_get_int(store, sql_find_username, ARGS(db_int(node_id), db_text(username)), &id, err))
        return err_wrap(err, "find user %s", username);
    *ret_taken = id != 0;
    return true;
}

/* ---- operations --------------------------------------------------------------------------------------------------- */

static void operation_read(struct db_rows *rows, struct operation *operation)
{
    operation->id = db_take_int(rows);
    operation->service_id = db_take_int(rows);
    operation->kind = (enum operation_kind)db_take_int(rows);
    operation->state = (enum operation_state)db_take_int(rows);
    operation->weight_total = db_take_int(rows);
    operation->weight_done = db_take_int(rows);
    operation->tasks_total = db_take_int(rows);
    operation->tasks_done = db_take_int(rows);
    operation->created_at_ms = db_take_int(rows);
    operation->ended_at_ms = db_take_int(rows);
    operation->pipeline = db_take_text(rows);
    operation->pipeline_hash = db_take_text(rows);
}

DEFINE_RECORD_KIND(operation, operations)

static const char sql_insert_operation[] =
    "INSERT INTO operation (service_id, kind, state, weight_total, weight_done, tasks_total, tasks_done, created_at_ms,"
    " ended_at_ms, pipeline, pipeline_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";

bool store_insert_operation(struct store *store, struct operation *operation, struct err *err)
{
    const struct db_arg args[] = {
        db_int(operation->service_id),   db_int(operation->kind),           db_int(operation->state),
        db_int(operation->weight_total), db_int(operation->weight_done),    db_int(operation->tasks_total),
        db_int(operation->tasks_done),   db_int(operation->created_at_ms),  db_int(operation->ended_at_ms),
        db_text(operation->pipeline),    db_text(operation->pipeline_hash),
    };
    return store_get_int(store, sql_insert_operation, args, ARRAY_LEN(args), &operation->id, err) ||
           err_wrap(err, "insert operation on service %" PRId64, operation->service_id);
}

static const char sql_get_operation[] = "SELECT " OPERATION_COLUMNS " FROM operation WHERE id = $1";

bool store_get_operation(struct store *store, int64_t id, struct operation *ret_operation, struct err *err)
{
    bool found;
    if (!store_get_record(store, &operation_record, sql_get_operation, ARGS(db_int(id)), ret_operation, &found, err))
        return err_wrap(err, "operation %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no operation %" PRId64, id);
}

static const char sql_update_operation[] =
    "UPDATE operation SET state = $2, weight_total = $3, weight_done = $4, tasks_total = $5, tasks_done = $6,"
    " ended_at_ms = $7, pipeline = $8, pipeline_hash = $9 WHERE id = $1";

bool store_update_operation(struct store *store, const struct operation *operation, struct err *err)
{
    const struct db_arg args[] = {
        db_int(operation->id),          db_int(operation->state),       db_int(operation->weight_total),
        db_int(operation->weight_done), db_int(operation->tasks_total), db_int(operation->tasks_done),
        db_int(operation->ended_at_ms), db_text(operation->pipeline),   db_text(operation->pipeline_hash),
    };
    return store_run_on(store, sql_update_operation, args, ARRAY_LEN(args), "operation", operation->id, err);
}

static const char sql_list_open_operations[] =
    "SELECT " OPERATION_COLUMNS " FROM operation WHERE service_id = $1 AND state IN (0, 2) ORDER BY id";
_Static_assert(OPERATION_RUNNING == 0 && OPERATION_FAILED == 2, "sql_list_open_operations");

bool store_list_open_operations(struct store *store, int64_t service_id, struct operation **ret_operations,
                                size_t *ret_count, struct err *err)
{
    void *operations;
    if (!store_get_records(store, &operation_record, sql_list_open_operations, ARGS(db_int(service_id)), &operations,
                           ret_count, err))
        return err_wrap(err, "open operations of service %" PRId64, service_id);
    *ret_operations = operations;
    return true;
}

/* ---- tasks -------------------------------------------------------------------------------------------------------- */

static void task_read(struct db_rows *rows, struct task *task)
{
    task->id = db_take_int(rows);
    task->operation_id = db_take_int(rows);
    task->service_id = db_take_int(rows);
    task->node_id = db_take_int(rows);
    task->state = (enum task_state)db_take_int(rows);
    task->needs_left = (int)db_take_int(rows);
    task->due_at_ms = db_take_int(rows);
    task->attempt_id = db_take_int(rows);
    task->attempts = (int)db_take_int(rows);
    task->lease_until_ms = db_take_int(rows);
    task->suspect = db_take_int(rows) != 0;
    task->role = (enum role)db_take_int(rows);
    task->lane = (enum task_lane)db_take_int(rows);
    task->weight = db_take_int(rows);
    task->deadline_ms = db_take_int(rows);
    task->created_at_ms = db_take_int(rows);
    task->started_at_ms = db_take_int(rows);
    task->ended_at_ms = db_take_int(rows);
    task->key = db_take_text(rows);
    task->action = db_take_text(rows);
    task->label_key = db_take_text(rows);
    task->cause_id = db_take_text(rows);
    task->reason = db_take_text(rows);
    task->inputs_hash = db_take_text(rows);
}

DEFINE_RECORD_KIND(task, tasks)

/* A probe of a node knows its node, but stands in the one queue of all probes. */
static int64_t task_queue(const struct task *task)
{
    bool common = task->lane == TASK_LANE_PROBE || task->lane == TASK_LANE_NONE;
    return task_queue_id(common ? 0 : task->node_id, task->lane);
}

/* Its number is above those of all tasks, also of those that have left this table (see store_archive.c). */
static const char sql_insert_task[] =
    "INSERT INTO task (id, operation_id, service_id, node_id, queue, state, needs_left, due_at_ms, attempt_id, "
    "attempts,"
    " lease_until_ms, suspect, role, lane, weight, deadline_ms, created_at_ms, started_at_ms, ended_at_ms, key, action,"
    " label_key, cause_id, reason, inputs_hash)"
    " VALUES ((SELECT max(id) + 1 FROM (SELECT value AS id FROM counter WHERE name = 'task'"
    " UNION ALL SELECT max(id) FROM task) AS used),"
    " $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
    " RETURNING id";

bool store_insert_task(struct store *store, struct task *task, struct err *err)
{
    const struct db_arg args[] = {
        db_int(task->operation_id),   db_int(task->service_id),    db_int(task->node_id),
        db_int(task_queue(task)),     db_int(task->state),         db_int(task->needs_left),
        db_int(task->due_at_ms),      db_int(task->attempt_id),    db_int(task->attempts),
        db_int(task->lease_until_ms), db_int(task->suspect),       db_int(task->role),
        db_int(task->lane),           db_int(task->weight),        db_int(task->deadline_ms),
        db_int(task->created_at_ms),  db_int(task->started_at_ms), db_int(task->ended_at_ms),
        db_text(task->key),           db_text(task->action),       db_text(task->label_key),
        db_text(task->cause_id),      db_text(task->reason),       db_text(task->inputs_hash),
    };
    return store_get_int(store, sql_insert_task, args, ARRAY_LEN(args), &task->id, err) ||
           err_wrap(err, "insert task %s", task->key);
}

static const char sql_insert_edge[] = "INSERT INTO edge (from_task_id, to_task_id, met) VALUES ($1, $2, 0)";

bool store_insert_edge(struct store *store, int64_t from_task_id, int64_t to_task_id, struct err *err)
{
    return store_run(store, sql_insert_edge, ARGS(db_int(from_task_id), db_int(to_task_id)), NULL, err) ||
           err_wrap(err, "insert edge %" PRId64 " -> %" PRId64, from_task_id, to_task_id);
}

static const char sql_get_task[] = "SELECT " TASK_COLUMNS
                                   " FROM task WHERE id = $1"
                                   " UNION ALL SELECT " TASK_COLUMNS " FROM task_history WHERE id = $1";

bool store_get_task(struct store *store, int64_t id, struct task *ret_task, struct err *err)
{
    bool found;
    if (!store_get_record(store, &task_record, sql_get_task, ARGS(db_int(id)), ret_task, &found, err))
        return err_wrap(err, "task %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no task %" PRId64, id);
}

static const char sql_update_task[] =
    "UPDATE task SET state = $2, needs_left = $3, due_at_ms = $4, attempt_id = $5, attempts = $6, suspect = $7,"
    " lease_until_ms = $8, cause_id = $9, reason = $10, inputs_hash = $11, started_at_ms = $12, ended_at_ms = $13"
    " WHERE id = $1";

bool store_update_task(struct store *store, const struct task *task, struct err *err)
{
    const struct db_arg args[] = {
        db_int(task->id),          db_int(task->state),    db_int(task->needs_left),   db_int(task->due_at_ms),
        db_int(task->attempt_id),  db_int(task->attempts), db_int(task->suspect),      db_int(task->lease_until_ms),
        db_text(task->cause_id),   db_text(task->reason),  db_text(task->inputs_hash), db_int(task->started_at_ms),
        db_int(task->ended_at_ms),
    };
    return store_run_on(store, sql_update_task, args, ARRAY_LEN(args), "task", task->id, err);
}

/* On its way to history an operation has tasks in both tables. */
static const char sql_list_tasks[] =
    "SELECT " TASK_COLUMNS
    " FROM task WHERE operation_id = $1"
    " UNION ALL SELECT " TASK_COLUMNS " FROM task_history WHERE operation_id = $1 ORDER BY id";

bool store_list_tasks(struct store *store, int64_t operation_id, struct task **ret_tasks, size_t *ret_count,
                      struct err *err)
{
    void *tasks;
    if (!store_get_records(store, &task_record, sql_list_tasks, ARGS(db_int(operation_id)), &tasks, ret_count, err))
        return err_wrap(err, "tasks of operation %" PRId64, operation_id);
    *ret_tasks = tasks;
    return true;
}

static const char sql_end_unfinished[] =
    "UPDATE task SET suspect = CASE WHEN state = " SQL_TASK_RUNNING
    " AND lane IN (0, 4) THEN 1 ELSE suspect END,"
    " state = $2, reason = $3, ended_at_ms = $4, lease_until_ms = 0"
    " WHERE operation_id = $1 AND +state IN (" SQL_TASK_BLOCKED ", " SQL_TASK_QUEUED ", " SQL_TASK_RUNNING
    ", " SQL_TASK_WAITING ", " SQL_TASK_HELD ", " SQL_TASK_FAILED ")";
_Static_assert(TASK_LANE_MAKE == 0 && TASK_LANE_RELOAD == 4, "sql_end_unfinished");

bool store_end_unfinished_tasks(struct store *store, int64_t operation_id, enum task_state state, const char *reason,
                                int64_t now_ms, struct err *err)
{
    assert(state == TASK_CANCELLED || state == TASK_SUPERSEDED);
    return store_run(store, sql_end_unfinished,
                     ARGS(db_int(operation_id), db_int(state), db_text(reason), db_int(now_ms)), NULL, err) ||
           err_wrap(err, "end what is unfinished of operation %" PRId64, operation_id);
}

/* By way of the two small indexes of tasks in trouble; the plus sign keeps SQLite from looking for one on the node. */
static const char sql_list_troubled[] =
    "SELECT id FROM task WHERE state IN (4, " SQL_TASK_FAILED ") AND +state = " SQL_TASK_FAILED
    " AND +node_id = $1"
    " UNION ALL SELECT id FROM task WHERE state = " SQL_TASK_WAITING " AND +node_id = $1 ORDER BY id LIMIT $2";

bool store_list_troubled(struct store *store, int64_t node_id, size_t limit, int64_t *ret_ids, size_t *ret_count,
                         struct err *err)
{
    CLEANUP(freep) int64_t *ids = NULL;
    size_t count;
    if (!store_get_ints(store, sql_list_troubled, ARGS(db_int(node_id), db_int((int64_t)limit)), &ids, &count, err))
        return err_wrap(err, "troubled tasks of node %" PRId64, node_id);
    if (count > 0)
        memcpy(ret_ids, ids, count * sizeof(ids[0]));
    *ret_count = count;
    return true;
}
