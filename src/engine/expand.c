/* expand.c - an accepted service gets its nodes, its accounts and its graph of tasks, in one transaction: it is placed
 * whole or waits whole. The graph is frozen here: a running operation never looks at the pipeline's file again. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "core/names.h"
#include "core/placement.h"
#include "engine/internal.h"

struct expanding {
    struct engine *engine;
    struct service service;
    const struct product_live *product;
    struct order_options options;
    struct placement placement;
    struct account *accounts;
    size_t account_count;
    int64_t taken_node_id; /* for names_username() */
    enum operation_kind kind;
    bool passwords; /* new ones are to be set */
    bool leftover;  /* ... that an operation before this one was to set: a node may have them */
    int64_t operation_id;
    struct task *before; /* what the last operation was made of */
    size_t before_count;
};

static void expanding_finish(struct expanding *work)
{
    service_finish(&work->service);
    order_options_finish(&work->options);
    placement_finish(&work->placement);
    accounts_free(work->accounts, work->account_count);
    tasks_free(work->before, work->before_count);
}

static const char *group_name(const struct engine *engine, int64_t id)
{
    for (size_t i = 0; i < engine->group_count; i++) {
        if (engine->groups[i].id == id)
            return engine->groups[i].name;
    }
    return "?";
}

/** Not now: say why, once, and stay in line. */
static bool keep_waiting(struct expanding *work, const char *reason, const char *reason_key, struct err *err)
{
    struct service *service = &work->service;
    struct engine *engine = work->engine;
    if (service->status == SERVICE_WAITING && strcmp(service->reason, reason) == 0)
        return true;
    bool first = service->status != SERVICE_WAITING;
    service->status = SERVICE_WAITING;
    free(service->reason);
    free(service->reason_key);
    service->reason = xstrdup(reason);
    service->reason_key = xstrdup(reason_key);
    service->updated_at_ms = engine->batch.now_ms;
    engine->batch.durable = true;
    if (first)
        log_warn("service.waiting", "service=%" PRId64 " reason=%s", service->id, log_quote(reason));
    return store_update_service(engine->config.store, service, err) &&
           note_event(engine, service->id, "service.waiting", json_pack("{s:s}", "reason", reason), err);
}

static bool username_taken(void *context, const char *name, bool *ret_taken, struct err *err)
{
    struct expanding *work = context;
    return store_username_taken(work->engine->config.store, work->taken_node_id, name, ret_taken, err);
}

/** One panel user per node: roles that share a node share it, because a panel gives a domain to one user only. */
static bool add_account(struct expanding *work, int64_t node_id, enum role role, struct err *err)
{
    for (size_t i = 0; i < work->account_count; i++) {
        if (work->accounts[i].node_id == node_id) {
            work->accounts[i].roles |= ROLE_BIT(role);
            return true;
        }
    }
    char username[NAMES_USERNAME_SIZE];
    char package[NAMES_PACKAGE_SIZE];
    work->taken_node_id = node_id;
    if (!names_username(work->service.domain, username_taken, work, username, err))
        return false;
    names_package(work->engine->config.installation, work->service.id, package);
    work->accounts = xrealloc(work->accounts, (work->account_count + 1) * sizeof(*work->accounts));
    work->accounts[work->account_count++] = (struct account){ .service_id = work->service.id,
                                                              .node_id = node_id,
                                                              .roles = ROLE_BIT(role),
                                                              .username = xstrdup(username),
                                                              .package = xstrdup(package),
                                                              .created_at_ms = work->engine->batch.now_ms };
    return true;
}

static bool store_accounts(struct expanding *work, struct err *err)
{
    struct engine *engine = work->engine;
    for (size_t i = 0; i < work->account_count; i++) {
        struct account *account = &work->accounts[i];
        size_t node = engine_node_index(engine, account->node_id);
        if (!store_insert_account(engine->config.store, account, err) ||
            !store_add_node_load(engine->config.store, account->node_id, 1, err) ||
            !step_secret_create(engine, work->service.id, account->node_id, SECRET_PANEL, err))
            return false;
        engine->nodes[node].load++;
        changed_ids_add(&engine->batch.changes.nodes, account->node_id);
    }
    int64_t mail_node = work->placement.node[ROLE_MAIL];
    return mail_node == 0 || work->options.mailbox[0] == '\0' ||
           step_secret_create(engine, work->service.id, mail_node, SECRET_MAILBOX, err);
}

static bool make_accounts(struct expanding *work, struct err *err)
{
    const struct placement *placement = &work->placement;
    if ((placement->node[ROLE_WEB] != 0 && !add_account(work, placement->node[ROLE_WEB], ROLE_WEB, err)) ||
        (placement->node[ROLE_MAIL] != 0 && !add_account(work, placement->node[ROLE_MAIL], ROLE_MAIL, err)))
        return false;
    for (size_t i = 0; i < placement->dns_count; i++) {
        if (!add_account(work, placement->dns_nodes[i], ROLE_DNS, err))
            return false;
    }
    return store_accounts(work, err);
}

/** YYYYMMDD01, the form that people expect; the same on every name server because it is ours. */
static bool store_serial(struct expanding *work, struct err *err)
{
    time_t now = (time_t)(work->engine->batch.now_ms / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    char text[32];
    snprintf(text, sizeof(text), "%04d%02d%02d01", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
    char key[] = "serial";
    struct stored_fact fact = { .service_id = work->service.id, .role = ROLE_DNS, .key = key, .value = text };
    return store_put_fact(work->engine->config.store, &fact, err);
}

/** What an earlier operation left half-done, or may have, is not trusted. */
static bool was_suspect(const struct expanding *work, const char *key)
{
    for (size_t i = 0; i < work->before_count; i++) {
        if (strcmp(work->before[i].key, key) == 0)
            return work->before[i].suspect && work->before[i].state != TASK_DONE;
    }
    return false;
}

static bool store_plan_task(struct expanding *work, const struct plan_task *planned, int64_t operation_id,
                            int64_t *ret_id, struct err *err)
{
    struct engine *engine = work->engine;
    char empty[] = "";
    size_t length = strlen(planned->action);
    bool reload = planned->lane == TASK_LANE_MAKE && length > 7 && strcmp(planned->action + length - 7, ".reload") == 0;
    struct task task = {
        .operation_id = operation_id,
        .service_id = work->service.id,
        .node_id = planned->node_id,
        .role = planned->role,
        .key = planned->key,
        .action = planned->action,
        .label_key = planned->label_key,
        .lane = reload ? TASK_LANE_RELOAD : planned->lane,
        .state = planned->needs_left == 0 ? TASK_QUEUED : TASK_BLOCKED,
        .needs_left = planned->needs_left,
        .suspect = was_suspect(work, planned->key) || (work->leftover && step_sets_password(planned->action)),
        .weight = planned->weight,
        .deadline_ms = timeout_class_ms(planned->timeout),
        .cause_id = empty,
        .reason = empty,
        .inputs_hash = empty,
        .created_at_ms = engine->batch.now_ms,
    };
    if (!store_insert_task(engine->config.store, &task, err))
        return false;
    if (task.state == TASK_QUEUED)
        engine_queue_touched(engine, task_queue_id(task.node_id, task.lane));
    *ret_id = task.id;
    return true;
}

static bool store_plan(struct expanding *work, const struct plan *plan, struct err *err)
{
    struct engine *engine = work->engine;
    const struct pipeline *pipeline = engine->config.split;
    char hash[sizeof(pipeline->hash)];
    memcpy(hash, pipeline->hash, sizeof(hash));
    struct operation operation = { .service_id = work->service.id,
                                   .kind = work->kind,
                                   .state = OPERATION_RUNNING,
                                   .pipeline = pipeline->name,
                                   .pipeline_hash = hash,
                                   .weight_total = plan->weight_total,
                                   .tasks_total = (int64_t)plan->task_count,
                                   .created_at_ms = engine->batch.now_ms };
    if (!store_insert_operation(engine->config.store, &operation, err))
        return false;
    CLEANUP(freep) int64_t *ids = xcalloc(plan->task_count, sizeof(*ids));
    for (size_t i = 0; i < plan->task_count; i++) {
        if (!store_plan_task(work, &plan->tasks[i], operation.id, &ids[i], err))
            return false;
    }
    for (size_t i = 0; i < plan->edge_count; i++) {
        if (!store_insert_edge(engine->config.store, ids[plan->edges[i].from], ids[plan->edges[i].to], err))
            return false;
    }
    work->operation_id = operation.id;
    return true;
}

static bool make_graph(struct expanding *work, struct err *err)
{
    const char *names[NAME_SERVERS_MAX];
    struct engine *engine = work->engine;
    const struct placement *placement = &work->placement;
    for (size_t i = 0; i < placement->dns_count; i++)
        names[i] = engine->nodes[engine_node_index(engine, placement->dns_nodes[i])].name;
    struct expansion input = { .roles = work->product->spec.roles,
                               .mailbox = work->options.mailbox[0] != '\0',
                               .passwords = work->passwords,
                               .web_node = placement->node[ROLE_WEB],
                               .mail_node = placement->node[ROLE_MAIL],
                               .dns_nodes = placement->dns_nodes,
                               .dns_names = names,
                               .dns_count = placement->dns_count };
    struct plan plan = { 0 };
    if (!pipeline_expand(engine->config.split, &input, &plan, err))
        return false;
    plan_adapt(&plan, work->kind);
    learn_weights(engine, work->kind, &plan);
    bool ok = store_plan(work, &plan, err);
    plan_finish(&plan);
    return ok;
}

static bool note_start(struct expanding *work, const char *who, struct err *err)
{
    struct engine *engine = work->engine;
    json_t *nodes = json_array();
    for (size_t i = 0; i < work->account_count; i++) {
        size_t node = engine_node_index(engine, work->accounts[i].node_id);
        json_array_append_new(nodes, json_string(engine->nodes[node].name));
    }
    json_t *data = json_pack("{s:s,s:I,s:s,s:o}", "operation", operation_kind_name(work->kind), "id",
                             (json_int_t)work->operation_id, "pipeline", engine->config.split->name, "nodes", nodes);
    if (who[0] != '\0')
        json_object_set_new(data, "who", note_text(who, strlen(who)));
    return note_event(engine, work->service.id, "operation.started", data, err);
}

static bool start_deploying(struct expanding *work, const char *who, struct err *err)
{
    struct service *service = &work->service;
    service->operation_id = work->operation_id;
    service->status = SERVICE_DEPLOYING;
    free(service->reason);
    free(service->reason_key);
    service->reason = xstrdup("");
    service->reason_key = xstrdup("");
    service->updated_at_ms = work->engine->batch.now_ms;
    work->engine->batch.durable = true;
    return store_update_service(work->engine->config.store, service, err) && note_start(work, who, err);
}

static bool place(struct expanding *work, bool *ret_placed, struct err *err)
{
    struct engine *engine = work->engine;
    const struct product_live *product = work->product;
    char reason[PLACEMENT_REASON_MAX];
    const char *reason_key = "";
    int64_t group_id = product->product.group_id;
    *ret_placed = placement_choose(engine->nodes, engine->node_count, group_id, group_name(engine, group_id),
                                   product->spec.roles, &work->placement, reason, &reason_key);
    if (*ret_placed && work->placement.dns_count > NAME_SERVERS_MAX) {
        *ret_placed = false;
        snprintf(reason, sizeof(reason), "group %s has %zu name servers, at most %d can serve one zone",
                 group_name(engine, group_id), work->placement.dns_count, NAME_SERVERS_MAX);
        reason_key = "wait.placement";
    }
    return *ret_placed || keep_waiting(work, reason, reason_key, err);
}

static bool expand(struct expanding *work, int64_t service_id, struct err *err)
{
    struct engine *engine = work->engine;
    bool placed = false;
    if (!store_get_service(engine->config.store, service_id, &work->service, err))
        return false;
    if (work->service.status == SERVICE_ACCEPTED &&
        !note_event(engine, service_id, "service.accepted", json_pack("{s:s}", "domain", work->service.domain), err))
        return false;
    work->product = engine_product_by_id(engine, work->service.product_id);
    struct err bad = { 0 };
    if (work->product == NULL ||
        !order_options_parse(work->service.options, &work->product->spec, &work->options, &bad))
        return keep_waiting(work, work->product == NULL ? "its product cannot be read" : bad.msg, "wait.placement",
                            err);
    return place(work, &placed, err) && (!placed || (make_accounts(work, err) && store_serial(work, err) &&
                                                     make_graph(work, err) && start_deploying(work, "", err)));
}

/* ---- a further operation on a service that was placed ----------------------------------------------------------------- */

/** The nodes of a service are those of its accounts. */
static bool placement_of_accounts(struct expanding *work, struct err *err)
{
    struct placement *placement = &work->placement;
    placement->dns_nodes = xcalloc(work->account_count, sizeof(*placement->dns_nodes));
    for (size_t i = 0; i < work->account_count; i++) {
        const struct account *account = &work->accounts[i];
        if (engine_node_index(work->engine, account->node_id) == SIZE_MAX)
            return err_set(err, ERR_BUG, "service %" PRId64 " lies on a node that is not known", work->service.id);
        if ((account->roles & ROLE_BIT(ROLE_WEB)) != 0)
            placement->node[ROLE_WEB] = account->node_id;
        if ((account->roles & ROLE_BIT(ROLE_MAIL)) != 0)
            placement->node[ROLE_MAIL] = account->node_id;
        if ((account->roles & ROLE_BIT(ROLE_DNS)) != 0)
            placement->dns_nodes[placement->dns_count++] = account->node_id;
    }
    return true;
}

/** New ones are made when they are asked for. Those of an earlier change that did not come to its end may be on the node or not:
 * whatever repairs the service brings that to its end too. */
/** One that is left stays: an attempt that nobody heard of any more may have set it, and then nothing else opens the account. */
static bool prepare_next(struct expanding *work, int64_t node_id, const char *kind, struct err *err)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    if (!store_get_secret(work->engine->config.store, work->service.id, node_id, kind, &cipher, &length, err))
        return false;
    bool there = cipher != NULL;
    free(cipher);
    return there || step_secret_create(work->engine, work->service.id, node_id, kind, err);
}

static bool prepare_passwords(struct expanding *work, struct err *err)
{
    int64_t mail_node = work->placement.node[ROLE_MAIL];
    if (work->kind == OPERATION_PLAN)
        return true;
    if (!step_has_next(work->engine, work->accounts, work->account_count, &work->leftover, err))
        return false;
    work->passwords = work->leftover || work->kind == OPERATION_PASSWORD;
    if (work->kind != OPERATION_PASSWORD)
        return true;
    for (size_t i = 0; i < work->account_count; i++) {
        if (!prepare_next(work, work->accounts[i].node_id, SECRET_PANEL_NEXT, err))
            return false;
    }
    return mail_node == 0 || work->options.mailbox[0] == '\0' ||
           prepare_next(work, mail_node, SECRET_MAILBOX_NEXT, err);
}

static bool expand_again(struct expanding *work, int64_t service_id, const char *who, struct err *err)
{
    struct store *store = work->engine->config.store;
    if (!store_get_service(store, service_id, &work->service, err))
        return false;
    work->product = engine_product_by_id(work->engine, work->service.product_id);
    if (work->product == NULL)
        return err_set(err, ERR_BUG, "the product of service %" PRId64 " cannot be read", service_id);
    bool deploys = work->kind == OPERATION_REDEPLOY;
    return order_options_parse(work->service.options, &work->product->spec, &work->options, err) &&
           store_list_accounts(store, service_id, &work->accounts, &work->account_count, err) &&
           store_list_tasks(store, work->service.operation_id, &work->before, &work->before_count, err) &&
           placement_of_accounts(work, err) && prepare_passwords(work, err) && make_graph(work, err) &&
           (deploys ? start_deploying(work, who, err) : note_start(work, who, err));
}

bool engine_expand_again(struct engine *engine, int64_t service_id, enum operation_kind kind, const char *who,
                         int64_t *ret_operation_id, struct err *err)
{
    struct expanding work = { .engine = engine, .kind = kind };
    bool ok = expand_again(&work, service_id, who, err);
    *ret_operation_id = work.operation_id;
    expanding_finish(&work);
    return ok;
}

/* ---- orders that wait ----------------------------------------------------------------------------------------------------- */

/** Some services of one status. @return through ret_count how many there were, ret_last_id the last of them */
static bool expand_some_in(struct engine *engine, enum service_status status, int64_t after_id, size_t max,
                           size_t *ret_count, int64_t *ret_last_id, struct err *err)
{
    int64_t ids[BATCH_EXPAND_MAX];
    size_t count = 0;
    if (!store_list_services_in(engine->config.store, status, after_id, max, ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct expanding work = { .engine = engine };
        bool ok = expand(&work, ids[i], err);
        expanding_finish(&work);
        if (!ok)
            return false;
        *ret_last_id = ids[i];
    }
    *ret_count = count;
    return true;
}

bool engine_expand_some(struct engine *engine, size_t max, struct err *err)
{
    assert(max <= BATCH_EXPAND_MAX);
    size_t count = 0;
    int64_t last_id = 0;
    if (max > (size_t)engine->settings.queue.batch)
        max = (size_t)engine->settings.queue.batch;
    if (engine->has_accepted) {
        if (!expand_some_in(engine, SERVICE_ACCEPTED, 0, max, &count, &last_id, err))
            return false;
        engine->has_accepted = count == max;
    }
    if (engine->has_waiting && !engine->has_accepted) {
        if (!expand_some_in(engine, SERVICE_WAITING, engine->waiting_after_id, max, &count, &last_id, err))
            return false;
        engine->has_waiting = count == max;
        engine->waiting_after_id = engine->has_waiting ? last_id : 0;
    }
    return true;
}
