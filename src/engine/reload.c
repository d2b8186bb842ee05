/* reload.c - changes that only a reload of their node makes live. Each has a number, which its service keeps as a fact; a reload has
 * served all whose number was given before it began. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

#define SERVED_MAX 1000

bool reload_count_change(struct engine *engine, struct running *running, struct err *err)
{
    struct node *node = &engine->nodes[running->node];
    node->changes++;
    char number[32];
    snprintf(number, sizeof(number), "%" PRId64, node->changes);
    char key[] = "change";
    struct stored_fact fact = { .service_id = running->task.service_id,
                                .role = running->task.role,
                                .node_id = node->id,
                                .key = key,
                                .value = number,
                                .attempt_id = running->attempt.id };
    return store_set_node_reload(engine->config.store, node->id, node->changes, node->reloaded, err) &&
           store_put_fact(engine->config.store, &fact, err);
}

bool reload_change_of(struct engine *engine, const struct task *task, int64_t *ret_change, struct err *err)
{
    struct stored_fact *facts = NULL;
    size_t count = 0;
    if (!store_list_facts(engine->config.store, task->service_id, &facts, &count, err))
        return false;
    *ret_change = 0;
    for (size_t i = 0; i < count; i++) { /* one per role: the newest counts */
        if (facts[i].node_id == task->node_id && strcmp(facts[i].key, "change") == 0) {
            int64_t change = strtoll(facts[i].value, NULL, 10);
            *ret_change = change > *ret_change ? change : *ret_change;
        }
    }
    stored_facts_free(facts, count);
    return true;
}

bool reload_serve_others(struct engine *engine, struct running *running, struct err *err)
{
    struct node *node = &engine->nodes[running->node];
    int64_t ids[SERVED_MAX];
    size_t count = 0;
    if (running->reload_from > node->reloaded)
        node->reloaded = running->reload_from;
    if (!store_set_node_reload(engine->config.store, node->id, node->changes, node->reloaded, err) ||
        !store_list_queued(engine->config.store, task_queue_id(node->id, TASK_LANE_RELOAD), running->task.action,
                           SERVED_MAX, ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct task task = { 0 };
        int64_t change = 0;
        if (!store_get_task(engine->config.store, ids[i], &task, err) ||
            !reload_change_of(engine, &task, &change, err)) {
            task_finish(&task);
            return false;
        }
        bool ok = true;
        if (change <= running->reload_from) {
            task.started_at_ms = engine->batch.now_ms;
            task.state = TASK_RUNNING; /* in no store: done in the same breath */
            ok = outcome_task_done(engine, &task, "served by one reload together with others", false, err);
        }
        task_finish(&task);
        if (!ok)
            return false;
    }
    return true;
}
