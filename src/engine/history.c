/* history.c - finished work is put away: tasks of operations that have ended leave the live tables, and what is older than staff
 * want to keep it is removed. In small steps and only in batches that nobody waits for. */
#include "engine/internal.h"

#define ROWS_MAX 200       /* in one step: about as long as a commit takes */
#define STEP_PAUSE_MS 20   /* between two steps, while there is more: commands and their results go first */
#define STAY_LIVE_MS 60000 /* after an operation's end */

/* When nothing more is due: what ends from now on is not due before, and days may have a minute more. */
#define LOOK_AGAIN_MS STAY_LIVE_MS

/** Counts rows into *rows until there are ROWS_MAX or nothing is left to do. */
static bool archive(struct engine *engine, size_t *rows, struct err *err)
{
    for (size_t done = 1; done > 0 && *rows < ROWS_MAX; *rows += done) {
        if (!store_archive_tasks(engine->config.store, engine->batch.now_ms - STAY_LIVE_MS, ROWS_MAX - *rows, &done,
                                 err))
            return false;
    }
    return true;
}

static bool remove_logs(struct engine *engine, size_t *rows, struct err *err)
{
    int64_t now_ms = engine->batch.now_ms, keep_ms = engine->settings.history.logs_ms;
    for (size_t done = 1; keep_ms > 0 && done > 0 && *rows < ROWS_MAX; *rows += done) {
        if (!store_remove_logs(engine->config.store, now_ms - keep_ms, now_ms, ROWS_MAX - *rows, &done, err))
            return false;
    }
    return true;
}

/** The timeline begins later than it did: it says so itself. */
static bool note_removed(struct engine *engine, const struct operation *operation, struct err *err)
{
    return note_event(engine, operation->service_id, "operation.removed",
                      json_pack("{s:I,s:s,s:I}", "operation", (json_int_t)operation->id, "kind",
                                operation_kind_name(operation->kind), "ended_at_ms",
                                (json_int_t)operation->ended_at_ms),
                      err);
}

static bool remove_operations(struct engine *engine, size_t *rows, struct err *err)
{
    int64_t now_ms = engine->batch.now_ms, keep_ms = engine->settings.history.tasks_ms;
    for (size_t done = 1; keep_ms > 0 && done > 0 && *rows < ROWS_MAX; *rows += done) {
        struct operation operation;
        bool removed;
        if (!store_remove_operation(engine->config.store, now_ms - keep_ms, ROWS_MAX - *rows, &done, &operation,
                                    &removed, err))
            return false;
        bool noted = !removed || note_removed(engine, &operation, err);
        if (removed)
            operation_finish(&operation);
        if (!noted)
            return false;
    }
    return true;
}

bool history_step(struct engine *engine, struct err *err)
{
    const struct batch *batch = &engine->batch;
    size_t rows = 0;
    if (engine->history_due_at_ms > batch->now_ms || batch->order_count > 0 || batch->has_more || engine->has_accepted)
        return true;
    if (!archive(engine, &rows, err) || !remove_logs(engine, &rows, err) || !remove_operations(engine, &rows, err))
        return false;
    engine->history_due_at_ms = batch->now_ms + (rows < ROWS_MAX ? LOOK_AGAIN_MS : STEP_PAUSE_MS);
    return true;
}
