/* admin.c - requests of staff: groups, nodes, products, zone templates. Each is checked against what
 * is known, written, and becomes true in memory with the same batch. */
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"
#include "engine/staff.h"

static const struct group *group_by_name(const struct engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->group_count; i++) {
        if (strcmp(engine->groups[i].name, name) == 0)
            return &engine->groups[i];
    }
    return NULL;
}

static bool group_add(struct engine *engine, struct request *request, struct err *err)
{
    if (group_by_name(engine, request->group.name) != NULL) {
        err_set_field(&request->err, ERR_CONFLICT, "name", "there is a group \"%s\" already", request->group.name);
        return true;
    }
    if (!store_insert_group(engine->config.store, &request->group, err))
        return false;
    request->id = request->group.id;
    request->ok = true;
    engine->groups = xrealloc(engine->groups, (engine->group_count + 1) * sizeof(*engine->groups));
    engine->groups[engine->group_count++] = (struct group){ .id = request->group.id,
                                                            .name = xstrdup(request->group.name),
                                                            .title = xstrdup(request->group.title) };
    return true;
}

/** Names of groups to ids, into the node. @return false (answered) when one is unknown */
static bool find_groups(struct engine *engine, struct request *request, int64_t **ret_ids)
{
    int64_t *ids = xcalloc(request->group_name_count, sizeof(*ids));
    for (size_t i = 0; i < request->group_name_count; i++) {
        const struct group *group = group_by_name(engine, request->group_names[i]);
        if (group == NULL) {
            err_set_field(&request->err, ERR_INVALID, "groups", "there is no group \"%s\"", request->group_names[i]);
            free(ids);
            return false;
        }
        ids[i] = group->id;
    }
    *ret_ids = ids;
    return true;
}

static bool node_add(struct engine *engine, struct request *request, struct err *err)
{
    struct node *node = &request->node;
    for (size_t i = 0; i < engine->node_count; i++) {
        if (strcmp(engine->nodes[i].name, node->name) == 0) {
            err_set_field(&request->err, ERR_CONFLICT, "name", "there is a node \"%s\" already", node->name);
            return true;
        }
    }
    const struct driver_action *preflight = NULL;
    if (driver_find(node->driver, "node.preflight", &preflight) == NULL)
        return err_set_field(&request->err, ERR_INVALID, "driver", "there is no driver \"%s\" for nodes",
                             node->driver) ||
               true;
    int64_t *ids = NULL;
    if (!find_groups(engine, request, &ids))
        return true;
    free(node->group_ids);
    node->group_ids = ids;
    node->group_count = request->group_name_count;
    if (node->capacity_max == NODE_CAPACITY_UNSAID)
        node->capacity_max = engine->settings.node.capacity;
    node->state = NODE_ACTIVE;
    node->state_since_ms = node->created_at_ms = engine->batch.now_ms;
    if (!store_insert_node(engine->config.store, node, err) || !engine_load_nodes(engine, err))
        return false;
    changed_ids_add(&engine->batch.changes.nodes, node->id);
    engine->batch.changes.node_states = true;
    request->id = node->id;
    request->ok = true;
    engine->has_waiting = true;
    engine->waiting_after_id = 0;
    size_t index = engine_node_index(engine, node->id);
    if (index != SIZE_MAX)
        engine_tell_transport(engine, index); /* opens a session: harmless should the commit fail */
    log_info("node.added", "node=%s address=%s port=%d", node->name, node->ssh_address, node->ssh_port);
    return true;
}

static bool node_set(struct engine *engine, struct request *request, size_t index, struct err *err)
{
    struct node *node = &engine->nodes[index];
    enum node_state state = request->node.state;
    node->capacity_max = request->node.capacity_max;
    if (state == NODE_ACTIVE) {
        state = node_state_found(engine, index);
        node_ask_now(engine, index);
    }
    if (node->state != state) {
        node->state = state;
        node->state_since_ms = engine->batch.now_ms;
        free(node->state_reason);
        node->state_reason = xstrdup("");
        log_info("node.state", "node=%s state=%s", node->name, node_state_name(node->state));
    }
    if (!store_update_node(engine->config.store, node, err))
        return false;
    changed_ids_add(&engine->batch.changes.nodes, node->id);
    engine->batch.changes.node_states = true;
    engine->live[index].has_make = engine->live[index].has_look = engine->live[index].has_reload = true;
    engine->has_waiting = true;
    engine->waiting_after_id = 0;
    request->ok = true;
    request->id = node->id;
    return true;
}

static bool product_add(struct engine *engine, struct request *request, struct err *err)
{
    struct product *product = &request->product;
    if (engine_product_by_name(engine, product->name) != NULL) {
        err_set_field(&request->err, ERR_CONFLICT, "name", "there is a product \"%s\" already", product->name);
        return true;
    }
    const struct group *group = request->group_name_count == 1 ? group_by_name(engine, request->group_names[0]) : NULL;
    if (group == NULL)
        return err_set_field(&request->err, ERR_INVALID, "group", "there is no group \"%s\"",
                             request->group_name_count == 1 ? request->group_names[0] : "") ||
               true;
    if (product->mode != MODE_SPLIT)
        return err_set_field(&request->err, ERR_INVALID, "mode", "mode %s is not offered yet: use split",
                             mode_name(product->mode)) ||
               true;
    struct product_live live = { 0 };
    if (!product_spec_parse(product->spec, &live.spec, &request->err))
        return true;
    CLEANUP(freep) char *template_text = NULL;
    struct err missing = { 0 };
    if ((live.spec.roles & ROLE_BIT(ROLE_DNS)) != 0 &&
        !store_get_zone_template(engine->config.store, live.spec.dns.zone_template, &template_text, &missing)) {
        err_set_field(&request->err, ERR_INVALID, "dns.template", "there is no zone template \"%s\"",
                      live.spec.dns.zone_template);
        product_spec_finish(&live.spec);
        return missing.code == ERR_NOT_FOUND || err_set(err, missing.code, "%s", missing.msg);
    }
    product->group_id = group->id;
    product->created_at_ms = engine->batch.now_ms;
    if (!store_insert_product(engine->config.store, product, err) ||
        !store_get_product(engine->config.store, product->id, &live.product, err)) {
        product_spec_finish(&live.spec);
        return false;
    }
    engine->products = xrealloc(engine->products, (engine->product_count + 1) * sizeof(*engine->products));
    engine->products[engine->product_count++] = live;
    request->id = product->id;
    request->ok = true;
    return true;
}

static bool template_put(struct engine *engine, struct request *request, struct err *err)
{
    request->ok = store_put_zone_template(engine->config.store, request->template_name, request->template_text, err);
    return request->ok;
}

bool engine_admin(struct engine *engine, struct request *request, bool *ret_later, struct err *err)
{
    size_t index = SIZE_MAX;
    engine->batch.durable |= request->kind != REQUEST_SESSION_TOUCH;
    if (request->kind == REQUEST_NODE_SET || request->kind == REQUEST_NODE_TEST ||
        request->kind == REQUEST_NODE_RETRY) {
        index = engine_node_index(engine, request->target_id);
        if (index == SIZE_MAX)
            return err_set_field(&request->err, ERR_NOT_FOUND, "id", "there is no such node") || true;
    }
    switch (request->kind) {
    case REQUEST_ORDER: abort(); /* order.c */
    case REQUEST_GROUP_ADD: return group_add(engine, request, err);
    case REQUEST_NODE_ADD: return node_add(engine, request, err);
    case REQUEST_NODE_SET: return node_set(engine, request, index, err);
    case REQUEST_PRODUCT_ADD: return product_add(engine, request, err);
    case REQUEST_ZONE_TEMPLATE_PUT: return template_put(engine, request, err);
    case REQUEST_TASK_RETRY: return engine_retry_task(engine, request, err);
    case REQUEST_TASK_FAIL: return engine_fail_task(engine, request, err);
    case REQUEST_TASK_RESOLVE: return engine_resolve_conflict(engine, request, err);
    case REQUEST_OPERATION: return engine_operate(engine, request, err);
    case REQUEST_CANCEL: return engine_cancel(engine, request, err);
    case REQUEST_SERVICE_RETRY: return engine_retry_service(engine, request, err);
    case REQUEST_NODE_RETRY: return engine_retry_node(engine, request, err);
    case REQUEST_REVEAL: return deed_reveal(engine, request, err);
    case REQUEST_LINK_RENEW: return deed_renew_link(engine, request, err);
    case REQUEST_CREDENTIALS_SHOW: return deed_show_credentials(engine, request, err);
    case REQUEST_TICKET_RETRY: return outbox_retry(engine, request, err);
    case REQUEST_SETTING_SET: return engine_set_settings(engine, request, err);
    case REQUEST_STAFF_ADD:
    case REQUEST_STAFF_SET:
    case REQUEST_PASSWORD_SET:
    case REQUEST_SESSION_OPEN:
    case REQUEST_SESSION_CLOSE:
    case REQUEST_SESSION_TOUCH:
    case REQUEST_TOKEN_ADD:
    case REQUEST_TOKEN_REVOKE: return staff_request(engine->config.store, engine->batch.now_ms, request, err);
    case REQUEST_NODE_TEST: *ret_later = true; return attempt_preflight(engine, request, index, err);
    }
    abort();
}
