/* memory.c - what the engine has in its head: nodes, products, queues that may hold something, attempts that run. Read from the store
 * at start, and again after a commit that failed. */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"

size_t engine_node_index(const struct engine *engine, int64_t node_id)
{
    for (size_t i = 0; i < engine->node_count; i++) {
        if (engine->nodes[i].id == node_id)
            return i;
    }
    return SIZE_MAX;
}

void engine_queue_touched(struct engine *engine, int64_t queue)
{
    enum task_lane lane = (enum task_lane)(queue % 8);
    size_t node = engine_node_index(engine, queue / 8);
    switch (lane) {
    case TASK_LANE_PROBE: engine->has_probe = true; return;
    case TASK_LANE_NONE: engine->has_none = true; return;
    case TASK_LANE_MAKE:
        if (node != SIZE_MAX)
            engine->live[node].has_make = true;
        return;
    case TASK_LANE_LOOK:
        if (node != SIZE_MAX)
            engine->live[node].has_look = true;
        return;
    case TASK_LANE_RELOAD:
        if (node != SIZE_MAX && !engine->live[node].has_reload) {
            engine->live[node].has_reload = true;
            engine->live[node].reload_since_ms = engine->batch.now_ms;
        }
        return;
    }
}

void engine_tell_transport(struct engine *engine, size_t index)
{
    const struct node *node = &engine->nodes[index];
    struct transport_node told = {
        .id = node->id,
        .name = node->name,
        .address = node->ssh_address,
        .port = node->ssh_port,
        .user = node->ssh_user,
        .sudo = strcmp(node->ssh_user, "root") != 0,
        .host_key = node->host_key,
        .channels_max = node->channels_max,
    };
    engine->config.nodes->ops->set_node(engine->config.nodes, &told);
}

static void running_destroy(struct running *running)
{
    task_finish(&running->task);
    attempt_finish(&running->attempt);
    step_data_destroy(running->data);
    command_destroy(running->planned);
    for (size_t i = 0; i < running->result_count; i++)
        command_result_finish(&running->results[i]);
    free(running->results);
    free(running);
}

void engine_running_add(struct engine *engine, struct running *running)
{
    running->next = engine->running;
    engine->running = running;
    engine->running_count++;
    if (running->action == NULL)
        return;
    if (running_lane(running) == LANE_PROBE) {
        engine->probes++;
    } else if (running->node != SIZE_MAX) {
        struct node_live *live = &engine->live[running->node];
        if (running_lane(running) == LANE_LOOK) {
            live->looks++;
        } else {
            assert(live->slot == NULL); /* one changing command at a time on a node */
            live->slot = running;
        }
    }
}

void engine_running_remove(struct engine *engine, struct running *running)
{
    struct running **at = &engine->running;
    while (*at != running)
        at = &(*at)->next;
    *at = running->next;
    engine->running_count--;
    if (running->action != NULL && running_lane(running) == LANE_PROBE) {
        engine->probes--;
    } else if (running->action != NULL && running->node != SIZE_MAX) {
        struct node_live *live = &engine->live[running->node];
        if (running_lane(running) == LANE_LOOK)
            live->looks--;
        else if (live->slot == running)
            live->slot = NULL;
    }
    running_destroy(running);
}

struct running *engine_running_of(struct engine *engine, uint64_t command_id)
{
    for (struct running *running = engine->running; running != NULL; running = running->next) {
        if (running->command_id == command_id)
            return running;
    }
    return NULL;
}

struct running *engine_running_of_task(struct engine *engine, int64_t task_id)
{
    for (struct running *running = engine->running; running != NULL; running = running->next) {
        if (running->task.id == task_id && !running->given_up)
            return running;
    }
    return NULL;
}

void engine_forget_products(struct engine *engine)
{
    for (size_t i = 0; i < engine->product_count; i++) {
        product_finish(&engine->products[i].product);
        product_spec_finish(&engine->products[i].spec);
        free(engine->products[i].asked);
        free(engine->products[i].stored);
    }
    free(engine->products);
    engine->products = NULL;
    engine->product_count = 0;
}

static bool load_products(struct engine *engine, struct err *err)
{
    struct product *products = NULL;
    size_t count = 0;
    if (!store_list_products(engine->config.store, &products, &count, err))
        return false;
    engine_forget_products(engine);
    engine->products = xcalloc(count, sizeof(*engine->products));
    for (size_t i = 0; i < count; i++) {
        struct product_live *live = &engine->products[engine->product_count];
        struct err bad = { 0 };
        if (!product_spec_parse(products[i].spec, &live->spec, &bad)) {
            log_error("product.damaged", "product=%s cause=%s", products[i].name, log_quote(bad.msg));
            product_finish(&products[i]);
            continue;
        }
        live->product = products[i];
        engine->product_count++;
    }
    free(products);
    return true;
}

bool engine_load_nodes(struct engine *engine, struct err *err)
{
    struct node *nodes = NULL;
    size_t count = 0;
    if (!store_list_nodes(engine->config.store, &nodes, &count, err))
        return false;
    for (size_t i = count; i < engine->node_count; i++) /* its adding did not get to the disk: see node_add() */
        engine->config.nodes->ops->remove_node(engine->config.nodes, engine->nodes[i].id);
    struct node_live *live = xcalloc(count, sizeof(*live));
    for (size_t i = 0; i < count; i++) {
        size_t before = engine_node_index(engine, nodes[i].id);
        if (before != SIZE_MAX)
            live[i] = engine->live[before];
        assert(before == SIZE_MAX ||
               before == i); /* running attempts hold indices: nodes are listed by id, never removed */
    }
    nodes_free(engine->nodes, engine->node_count);
    free(engine->live);
    engine->nodes = nodes;
    engine->live = live;
    size_t known = engine->node_count;
    engine->node_count = count;
    for (size_t i = known; i < count; i++)
        node_loaded(engine, i);
    return true;
}

void engine_forget_running(struct engine *engine)
{
    while (engine->running != NULL) {
        struct running *running = engine->running;
        if (running->command_id != 0)
            running->transport->ops->abandon(running->transport, running->command_id);
        if (running->request != NULL) {
            running->request->ok = false;
            err_set(&running->request->err, ERR_BUSY, "the store had a fault meanwhile; send the request again");
            running->request->done(running->request, running->request->context);
        }
        engine_running_remove(engine, running);
    }
}

/** Everything in memory from the store: at start, and after a commit that failed. */
bool engine_load(struct engine *engine, struct err *err)
{
    struct store *store = engine->config.store;
    engine_forget_running(engine);
    if (!engine_load_settings(engine, err) || !engine_load_nodes(engine, err) || !load_products(engine, err) ||
        !learn_load(engine, err))
        return false;
    groups_free(engine->groups, engine->group_count);
    engine->groups = NULL;
    engine->group_count = 0;
    if (!store_list_groups(store, &engine->groups, &engine->group_count, err))
        return false;
    for (size_t i = 0; i < engine->node_count; i++)
        engine_tell_transport(engine, i);
    int64_t *queues = NULL;
    size_t count = 0;
    if (!store_list_queues(store, &queues, &count, err) || !store_next_due(store, &engine->next_due_ms, err)) {
        free(queues);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        engine_queue_touched(engine, queues[i]);
    free(queues);
    engine->has_accepted = engine->has_waiting = true;
    engine->accepted_after_id = engine->waiting_after_id = 0;
    engine->lease_at_ms = 0;
    world_load(engine);
    outbox_load(engine);
    return true;
}
