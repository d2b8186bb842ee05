/* claim.c - who runs next. One changing command at a time on a node; looks beside it; reloads behind changes for a
 * bounded time, so that one reload serves many. A queue is asked only when it may hold something. */
#include <stdio.h>

#include "engine/internal.h"

#define OVERDUE_LOOK_MS 60000 /* how often is looked for tasks that have waited too long for a node */
#define OVERDUE_MAX 8         /* of them, so many of a queue end in one batch */

/** A batch has a limit, so that its commit and with it everybody's answer stays near: the rest is for the next one, at once. */
static bool has_room(struct engine *engine)
{
    if (engine->batch.claim_count < (size_t)engine->settings.queue.batch)
        return true;
    engine->batch.has_more = true;
    return false;
}

static bool claim_from(struct engine *engine, int64_t node_id, enum task_lane lane, bool *ret_found, struct err *err)
{
    struct task task = { 0 };
    int64_t now_ms = engine->batch.now_ms;
    if (!store_claim_task(engine->config.store, task_queue_id(node_id, lane), now_ms, now_ms + engine->config.lease_ms,
                          &task, ret_found, err))
        return false;
    if (!*ret_found)
        return true;
    engine->batch.durable = true;
    engine->batch.claim_count++;
    return attempt_begin(engine, &task, err);
}

static bool claim_reload(struct engine *engine, size_t index, struct err *err)
{
    struct node_live *live = &engine->live[index];
    bool found = false;
    if (!claim_from(engine, engine->nodes[index].id, TASK_LANE_RELOAD, &found, err))
        return false;
    live->has_reload = found;
    live->reload_since_ms = engine->batch.now_ms;
    return true;
}

static bool claim_slot(struct engine *engine, size_t index, struct err *err)
{
    struct node_live *live = &engine->live[index];
    if (live->slot == NULL && live->has_reload && engine->batch.now_ms - live->reload_since_ms >= RELOAD_WAIT_MAX_MS &&
        has_room(engine) && !claim_reload(engine, index, err))
        return false;
    while (live->slot == NULL && live->has_make && has_room(engine)) {
        bool found = false;
        if (!claim_from(engine, engine->nodes[index].id, TASK_LANE_MAKE, &found, err))
            return false;
        live->has_make = found;
    }
    while (live->slot == NULL && live->has_reload && has_room(engine)) {
        if (!claim_reload(engine, index, err))
            return false;
    }
    return true;
}

/** The first of a queue, when it has waited for its node for as long as a task may wait for anything. */
static bool give_up_first(struct engine *engine, size_t index, enum task_lane lane, bool *ret_gave_up, struct err *err)
{
    const struct node *node = &engine->nodes[index];
    int64_t now_ms = engine->batch.now_ms, queue = task_queue_id(node->id, lane);
    struct retry_policy policy = settings_retry(&engine->settings, RETRY_NODE);
    struct task task = { 0 };
    bool found = false;
    *ret_gave_up = false;
    if (!store_peek_task(engine->config.store, queue, &task, &found, err))
        return false;
    int64_t since_ms = found && task.due_at_ms > node->state_since_ms ? task.due_at_ms : node->state_since_ms;
    if (found)
        task_finish(&task);
    if (!found || now_ms - since_ms < policy.wait_ms)
        return true;
    char detail[500], since[MOMENT_MAX];
    snprintf(detail, sizeof(detail), "%s has been unreachable since %s: %s", node->name,
             moment_text(node->state_since_ms, since), node->state_reason);
    *ret_gave_up = true;
    engine->batch.durable = true;
    task = (struct task){ 0 };
    return store_claim_task(engine->config.store, queue, now_ms, now_ms + engine->config.lease_ms, &task, &found,
                            err) &&
           attempt_refuse(engine, &task, index, detail, err);
}

/** A few at a time: a node may hold a million. */
static bool give_up_overdue(struct engine *engine, size_t index, struct err *err)
{
    static const enum task_lane lanes[] = { TASK_LANE_MAKE, TASK_LANE_LOOK, TASK_LANE_RELOAD };
    struct node_live *live = &engine->live[index];
    if (engine->nodes[index].state != NODE_UNREACHABLE || live->overdue_look_ms > engine->batch.now_ms)
        return true;
    live->overdue_look_ms = engine->batch.now_ms + OVERDUE_LOOK_MS;
    for (size_t i = 0; i < ARRAY_LEN(lanes); i++) {
        bool gave_up = true;
        for (unsigned n = 0; gave_up && n < OVERDUE_MAX; n++) {
            if (!give_up_first(engine, index, lanes[i], &gave_up, err))
                return false;
        }
        if (gave_up)
            live->overdue_look_ms = engine->batch.now_ms; /* there may be more */
    }
    return true;
}

/** One command, so that not everything finds out by itself. With nothing to try the node on, now or soon, the look has to do; that the
 * batch was full says nothing of what there is. */
static bool claim_on_trial(struct engine *engine, size_t index, struct err *err)
{
    struct node_live *live = &engine->live[index];
    if (live->slot != NULL || live->looks > 0)
        return true;
    if (!claim_slot(engine, index, err))
        return false;
    if (live->slot == NULL && live->has_look && has_room(engine) &&
        !claim_from(engine, engine->nodes[index].id, TASK_LANE_LOOK, &live->has_look, err))
        return false;
    bool has_some = live->has_make || live->has_look || live->has_reload;
    if (live->slot == NULL && live->looks == 0 && !has_some && live->tried_by_ms <= engine->batch.now_ms)
        node_close_circuit(engine, index);
    return true;
}

static bool claim_node(struct engine *engine, size_t index, struct err *err)
{
    struct node_live *live = &engine->live[index];
    enum node_state state = engine->nodes[index].state;
    if (!node_may_run(engine, index))
        return give_up_overdue(engine, index, err);
    if (live->on_trial && state != NODE_PAUSED)
        return claim_on_trial(engine, index, err);
    if (state != NODE_ACTIVE && state != NODE_DRAINING)
        return true;
    while (live->has_look && live->looks < engine->settings.node.looks && has_room(engine)) {
        bool found = false;
        if (!claim_from(engine, engine->nodes[index].id, TASK_LANE_LOOK, &found, err))
            return false;
        live->has_look = found;
    }
    return claim_slot(engine, index, err);
}

bool engine_claim_all(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < engine->node_count; i++) {
        if (!claim_node(engine, i, err))
            return false;
    }
    while (engine->has_probe && engine->probes < engine->config.probes_max && has_room(engine)) {
        bool found = false;
        if (!claim_from(engine, 0, TASK_LANE_PROBE, &found, err))
            return false;
        engine->has_probe = found;
    }
    while (engine->has_none && has_room(engine)) {
        bool found = false;
        if (!claim_from(engine, 0, TASK_LANE_NONE, &found, err))
            return false;
        engine->has_none = found;
    }
    return true;
}

bool engine_resume_running(struct engine *engine, struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    if (!store_list_running(engine->config.store, &tasks, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        if (ok)
            ok = attempt_resume(engine, &tasks[i], err); /* takes the task over */
        else
            task_finish(&tasks[i]);
    }
    free(tasks);
    return ok;
}
