/* learn.c - how long steps take on each node: measured when they end well, written in the transaction that ends them, and used for
 * the weights of the next graph. */
#include "core/step_time.h"

#include <string.h>

#include "engine/internal.h"

#define WEIGHT_MS 100 /* a pipeline's weights are tenths of a second */

bool learn_load(struct engine *engine, struct err *err)
{
    struct step_times *times = NULL;
    if (!store_load_step_times(engine->config.store, &times, err))
        return false;
    step_times_destroy(engine->step_times);
    engine->step_times = times;
    return true;
}

/** From its claim to its end, without what it waited in queues before. Not what was tried several times, cut by an outage, only
 * planned, or done without a command: that says nothing of the next time. */
static bool is_typical(const struct running *running)
{
    return running->action != NULL && running->attempt.number == 1 && !running->task.suspect && !running->was_cut &&
           running->result_count > 0 && !running_only_plans(running);
}

bool learn_step(struct engine *engine, const struct running *running, const struct move *move, struct err *err)
{
    if (!is_typical(running))
        return true;
    struct step_key key = { .action = running->task.action, .node_id = running->task.node_id, .made = move->changed };
    const struct step_samples *samples = step_times_learn(
        engine->step_times, &key, engine->batch.now_ms - running->attempt.started_at_ms, engine->batch.now_ms);
    return samples == NULL || store_put_step_time(engine->config.store, &key, samples, err);
}

void learn_weights(const struct engine *engine, enum operation_kind kind, struct plan *plan)
{
    plan->weight_total = 0;
    for (size_t i = 0; i < plan->task_count; i++) {
        struct plan_task *task = &plan->tasks[i];
        struct step_key key = { .action = task->action, .node_id = task->node_id, .made = kind == OPERATION_DEPLOY };
        struct step_time time = step_times_get(engine->step_times, &key);
        if (time.known) {
            int64_t weight = (time.p50_ms + WEIGHT_MS / 2) / WEIGHT_MS;
            task->weight = weight < 1 ? 1 : weight > PIPELINE_WEIGHT_MAX ? PIPELINE_WEIGHT_MAX : weight;
        }
        plan->weight_total += task->weight;
    }
}
