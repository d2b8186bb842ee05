/* store_step_time.c - how long steps took, and who stands before whom: what an estimate is made from. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- how long steps took ---------------------------------------------------------------------------------------------- */

static const char sql_put_step_time[] =
    "INSERT INTO step_time (action, node_id, made, samples) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (action, node_id, made) DO UPDATE SET samples = excluded.samples";

bool store_put_step_time(struct store *store, const struct step_key *key, const struct step_samples *samples,
                         struct err *err)
{
    unsigned char bytes[STEP_SAMPLES_BYTES_MAX];
    size_t length = step_samples_pack(samples, bytes);
    return store_run(store, sql_put_step_time,
                     ARGS(db_text(key->action), db_int(key->node_id), db_int(key->made), db_blob(bytes, length)), NULL,
                     err) ||
           err_wrap(err, "put the time of %s", key->action);
}

struct stored_step_time {
    char *action;
    int64_t node_id;
    bool made;
    char *bytes;
    size_t length;
};

static void stored_step_time_read(struct db_rows *rows, void *record)
{
    struct stored_step_time *stored = record;
    stored->action = db_take_text(rows);
    stored->node_id = db_take_int(rows);
    stored->made = db_take_int(rows) != 0;
    stored->bytes = db_take_blob(rows, &stored->length);
}

static void stored_step_time_finish(void *record)
{
    struct stored_step_time *stored = record;
    free(stored->action);
    free(stored->bytes);
}

static const struct record_kind stored_step_time_record = { sizeof(struct stored_step_time), stored_step_time_read,
                                                            stored_step_time_finish };

static const char sql_list_step_times[] =
    "SELECT action, node_id, made, samples FROM step_time ORDER BY action, node_id, made";

bool store_load_step_times(struct store *store, struct step_times **ret_times, struct err *err)
{
    void *records;
    size_t count;
    if (!store_get_records(store, &stored_step_time_record, sql_list_step_times, NO_ARGS, &records, &count, err))
        return err_wrap(err, "list step times");
    struct stored_step_time *stored = records;
    struct step_times *times = step_times_create();
    for (size_t i = 0; i < count; i++) {
        struct step_key key = { .action = stored[i].action, .node_id = stored[i].node_id, .made = stored[i].made };
        struct step_samples samples;
        /* what cannot be read, or has no room, is learned anew or not: nothing depends on it */
        if (step_samples_unpack(stored[i].bytes, stored[i].length, &samples))
            (void)step_times_put(times, &key, &samples);
        stored_step_time_finish(&stored[i]);
    }
    free(records);
    *ret_times = times;
    return true;
}

/* ---- edges ------------------------------------------------------------------------------------------------------------ */

static void task_edge_read(struct db_rows *rows, struct task_edge *edge)
{
    edge->from_task_id = db_take_int(rows);
    edge->to_task_id = db_take_int(rows);
}

static void task_edge_read_any(struct db_rows *rows, void *record)
{
    task_edge_read(rows, record);
}

static void nothing_to_finish(void *record)
{
    (void)record;
}

static const struct record_kind task_edge_record = { sizeof(struct task_edge), task_edge_read_any, nothing_to_finish };

/* An edge is where the task is that it comes from. */
static const char sql_list_edges[] =
    "SELECT from_task_id, to_task_id FROM edge WHERE from_task_id IN (SELECT id FROM task WHERE operation_id = $1)"
    " UNION ALL SELECT from_task_id, to_task_id FROM edge_history"
    " WHERE from_task_id IN (SELECT id FROM task_history WHERE operation_id = $1) ORDER BY to_task_id, from_task_id";

bool store_list_edges(struct store *store, int64_t operation_id, struct task_edge **ret_edges, size_t *ret_count,
                      struct err *err)
{
    void *edges;
    if (!store_get_records(store, &task_edge_record, sql_list_edges, ARGS(db_int(operation_id)), &edges, ret_count,
                           err))
        return err_wrap(err, "edges of operation %" PRId64, operation_id);
    *ret_edges = edges;
    return true;
}

/* ---- who stands in line ------------------------------------------------------------------------------------------------- */

static void task_in_line_read(struct db_rows *rows, void *record)
{
    struct task_in_line *task = record;
    task->id = db_take_int(rows);
    task->operation_id = db_take_int(rows);
    task->node_id = db_take_int(rows);
    task->lane = (enum task_lane)db_take_int(rows);
    task->started_at_ms = db_take_int(rows);
    task->action = db_take_text(rows);
}

static void task_in_line_finish(void *record)
{
    free(((struct task_in_line *)record)->action);
}

static const struct record_kind task_in_line_record = { sizeof(struct task_in_line), task_in_line_read,
                                                        task_in_line_finish };

void tasks_in_line_free(struct task_in_line *tasks, size_t count)
{
    for (size_t i = 0; tasks != NULL && i < count; i++)
        task_in_line_finish(&tasks[i]);
    free(tasks);
}

#define IN_LINE_COLUMNS "id, operation_id, node_id, lane, "

static const char sql_list_queue[] = "SELECT " IN_LINE_COLUMNS
                                     "0, action FROM task WHERE queue = $1"
                                     " AND state = " SQL_TASK_QUEUED " ORDER BY id LIMIT $2";

bool store_list_queue(struct store *store, int64_t queue, size_t limit, struct task_in_line **ret_tasks,
                      size_t *ret_count, struct err *err)
{
    void *tasks;
    if (!store_get_records(store, &task_in_line_record, sql_list_queue, ARGS(db_int(queue), db_int((int64_t)limit)),
                           &tasks, ret_count, err))
        return err_wrap(err, "list queue %" PRId64, queue);
    *ret_tasks = tasks;
    return true;
}

/* started_at_ms of a task is when it was tried first. */
static const char sql_list_busy[] =
    "SELECT task.id, operation_id, task.node_id, lane, attempt.started_at_ms, action FROM task CROSS JOIN attempt"
    " WHERE task.state = " SQL_TASK_RUNNING " AND attempt.id = task.attempt_id ORDER BY task.id LIMIT $1";

bool store_list_busy(struct store *store, size_t limit, struct task_in_line **ret_tasks, size_t *ret_count,
                     struct err *err)
{
    void *tasks;
    if (!store_get_records(store, &task_in_line_record, sql_list_busy, ARGS(db_int((int64_t)limit)), &tasks, ret_count,
                           err))
        return err_wrap(err, "list what runs");
    *ret_tasks = tasks;
    return true;
}
