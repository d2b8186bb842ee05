/* engine.c - the loop: one batch is one transaction. See engine.h. */
#include "engine/engine.h"

#include "base/log.h"
#include "engine/internal.h"
#include "engine/staff.h"

#define STORE_PAUSE_MS 100 /* after a failed commit, before the next batch */
#define WAIT_MAX_MS 1000
#define ONCE_LOOK_MS 100 /* how often a run that is to end looks whether it can */
#define TIDY_IDLE_MS 200
#define TIDY_PAGES_IDLE 1000 /* 4 MiB: below it a checkpoint is not worth its fsyncs */
#define TIDY_PAGES_BUSY 4000

/* ---- a batch --------------------------------------------------------------------------------------------------------
 */

void engine_start_later(struct engine *engine, struct transport *transport, struct command *command)
{
    struct batch *batch = &engine->batch;
    if (batch->start_count == batch->start_capacity) {
        batch->start_capacity = batch->start_capacity == 0 ? 16 : batch->start_capacity * 2;
        batch->starts = xrealloc(batch->starts, batch->start_capacity * sizeof(*batch->starts));
        batch->start_transports =
            xrealloc(batch->start_transports, batch->start_capacity * sizeof(*batch->start_transports));
    }
    batch->starts[batch->start_count] = command;
    batch->start_transports[batch->start_count++] = transport;
}

void engine_answer(struct engine *engine, struct request *request)
{
    request->next = engine->batch.answers;
    engine->batch.answers = request;
}

/** What was done is recorded in the same transaction. A test of a node is when it begins. */
static bool record(struct engine *engine, const struct request *request, bool later, struct err *err)
{
    if (request->who == NULL || !(request->ok || later))
        return true;
    size_t node = engine_node_index(engine, request->target_id);
    return audit_request(engine->config.store, engine->batch.now_ms, request,
                         node == SIZE_MAX ? "" : engine->nodes[node].name, err);
}

static bool decide_requests(struct engine *engine, struct request *requests, struct err *err)
{
    bool ok = true;
    for (size_t count = 1; requests != NULL; count++) {
        struct request *request = requests;
        requests = request->next;
        engine->batch.has_more |= count == BATCH_REQUESTS_MAX;
        bool later = false;
        if (ok && request->kind == REQUEST_ORDER) {
            engine->batch.order_count++;
            ok = engine_order(engine, request, err);
        } else if (ok) {
            ok = engine_admin(engine, request, &later, err);
        }
        ok = ok && record(engine, request, later, err);
        if (!later)
            engine_answer(engine, request); /* also after a fault: it is answered with ERR_BUSY then */
    }
    return ok;
}

static bool take_events(struct engine *engine, struct transport *transport, struct err *err)
{
    struct transport_event events[BATCH_EVENTS_MAX];
    size_t count = transport->ops->poll(transport, events, ARRAY_LEN(events));
    bool ok = true;
    engine->batch.has_more |= count == ARRAY_LEN(events);
    for (size_t i = 0; i < count; i++) {
        bool is_look = false;
        if (events[i].kind == TRANSPORT_NODE_UP || events[i].kind == TRANSPORT_NODE_DOWN)
            node_heard(engine, &events[i]);
        else if (ok)
            ok = world_event(engine, &events[i], &is_look, err) && (is_look || attempt_event(engine, &events[i], err));
        transport_event_finish(&events[i]);
    }
    return ok;
}

static bool renew_leases(struct engine *engine, struct err *err)
{
    int64_t now_ms = engine->batch.now_ms;
    if (engine->lease_at_ms != 0 && now_ms - engine->lease_at_ms < engine->config.lease_renew_ms)
        return true;
    if (!store_renew_ownership(engine->config.store, now_ms, engine->config.lease_ms, err) ||
        !store_renew_leases(engine->config.store, now_ms + engine->config.lease_ms, err))
        return false;
    engine->lease_at_ms = now_ms;
    engine->lease_boot_ms = engine->batch.boot_ms;
    return true;
}

static bool wake_due(struct engine *engine, struct err *err)
{
    if (engine->next_due_ms > engine->batch.now_ms)
        return true;
    int64_t *queues = NULL;
    size_t count = 0;
    if (!store_wake_due(engine->config.store, engine->batch.now_ms, (size_t)engine->settings.queue.batch, &queues,
                        &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        engine_queue_touched(engine, queues[i]);
    free(queues);
    engine->batch.durable |= count > 0;
    engine->batch.changes.queue |= count > 0;
    return store_next_due(engine->config.store, &engine->next_due_ms, err);
}

/** Where orders come together, all are answered before their graphs are made: the next batch comes at once. Orders without end must
 * not keep graphs from being made at all, so a batch of orders makes one that waits from before; one at a time, so that no
 * answer waits for many. A lone order gets its graph in its own batch: its first commands leave after one commit
 * instead of two, and nobody else waits for an answer. */
static bool make_graphs(struct engine *engine, bool backlog, struct err *err)
{
    if (engine->batch.order_count == 0)
        return engine_expand_some(engine, BATCH_EXPAND_MAX, err);
    if (backlog)
        return engine_expand_some(engine, 1, err);
    if (engine->batch.order_count > 1)
        return true;
    bool made = engine_expand_some(engine, 1, err);
    engine->has_accepted = false; /* it was the only one */
    return made;
}

static bool decide(struct engine *engine, struct request *requests, struct err *err)
{
    bool backlog = engine->has_accepted;
    return decide_requests(engine, requests, err) && take_events(engine, engine->config.nodes, err) &&
           (engine->config.probes == engine->config.nodes || take_events(engine, engine->config.probes, err)) &&
           node_settle_all(engine, err) && renew_leases(engine, err) && node_probe_due(engine, err) &&
           attempt_pick_ups(engine, err) && wake_due(engine, err) && make_graphs(engine, backlog, err) &&
           engine_claim_all(engine, err) && world_step(engine, err) && history_step(engine, err) &&
           outbox_step(engine, err);
}

/** After the commit: everybody may hear of it now. */
static void publish(struct engine *engine)
{
    struct batch *batch = &engine->batch;
    int64_t lease_age_ms = engine->config.clock->boot_ms(engine->config.clock) - engine->lease_boot_ms;
    for (size_t i = 0; i < batch->start_count; i++) {
        struct command *command = batch->starts[i];
        struct transport *transport = batch->start_transports[i];
        if (lease_age_ms < engine->config.lease_ms) {
            transport->ops->start(transport, command);
            continue;
        }
        /* This process was stopped for longer than its lease: somebody else may have gone on. Nothing is sent; the next
         * batch finds out who owns the store, and picks up if it is still us. */
        struct running *running = engine_running_of(engine, command->id);
        if (running != NULL) {
            running->phase = PHASE_PICK_UP_WAIT;
            running->pick_up_at_ms = 0;
            running->command_id = 0;
        }
        world_forget(engine, command->id);
        command_destroy(command);
        engine->lease_at_ms = 0;
    }
    batch->start_count = 0;
    outbox_publish(engine, lease_age_ms < engine->config.lease_ms);
    struct request *answers = NULL; /* turned round: first come, first answered */
    while (batch->answers != NULL) {
        struct request *request = batch->answers;
        batch->answers = request->next;
        request->next = answers;
        answers = request;
    }
    while (answers != NULL) {
        struct request *request = answers;
        answers = request->next;
        request->done(request, request->context);
    }
    if (engine->config.committed != NULL && changes_any(&batch->changes))
        engine->config.committed(engine->config.committed_context, &batch->changes);
}

/** The batch did not become durable: nobody hears anything but "try again". */
static void discard(struct engine *engine, const struct err *why)
{
    struct batch *batch = &engine->batch;
    engine->figures.commit_failures++;
    log_error("store.failed", "cause=%s", log_quote(why->msg));
    for (size_t i = 0; i < batch->start_count; i++)
        command_destroy(batch->starts[i]);
    batch->start_count = 0;
    outbox_discard(engine);
    while (batch->answers != NULL) {
        struct request *request = batch->answers;
        batch->answers = request->next;
        request->ok = false;
        err_set(&request->err, ERR_BUSY, "the store could not write; nothing was changed, send it again in a moment");
        request->done(request, request->context);
    }
    engine->retry_at_ms = batch->now_ms + STORE_PAUSE_MS;
}

static bool reload_after_fault(struct engine *engine, struct err *err)
{
    if (!store_begin(engine->config.store, err))
        return false;
    bool ok = engine_load(engine, err) && engine_resume_running(engine, err);
    store_rollback(engine->config.store); /* loading writes nothing but log lines, and those only in a batch */
    return ok;
}

/** What came in while the store cannot even be begun. */
static void refuse_requests(struct engine *engine)
{
    struct request *refused = inbox_take(engine->config.inbox, BATCH_REQUESTS_MAX);
    while (refused != NULL) {
        struct request *next = refused->next;
        engine_answer(engine, refused);
        refused = next;
    }
}

bool engine_step(struct engine *engine, struct err *err)
{
    struct err fault = { 0 };
    engine->batch.boot_ms = engine->config.clock->boot_ms(engine->config.clock);
    int64_t now_ms = engine->config.clock->now_ms(engine->config.clock);
    engine->batch.now_ms = now_ms;
    engine->batch.durable = false;
    changes_clear(&engine->batch.changes);
    engine->batch.has_more = false;
    engine->batch.order_count = engine->batch.claim_count = 0;
    if (engine->retry_at_ms > now_ms)
        return true;
    if (engine->retry_at_ms != 0) {
        if (!reload_after_fault(engine, &fault)) {
            engine->retry_at_ms = now_ms + STORE_PAUSE_MS;
            if (fault.code == ERR_LOST)
                goto lost;
            refuse_requests(engine);
            discard(engine, &fault);
            return true;
        }
        engine->retry_at_ms = 0;
    }
    if (!store_begin(engine->config.store, &fault)) {
        if (fault.code == ERR_LOST)
            goto lost;
        refuse_requests(engine);
        discard(engine, &fault);
        return true;
    }
    struct request *requests = inbox_take(engine->config.inbox, BATCH_REQUESTS_MAX);
    if (!decide(engine, requests, &fault)) {
        store_rollback(engine->config.store);
        discard(engine, &fault);
        return true;
    }
    if (!store_commit(engine->config.store, engine->batch.durable, &fault)) {
        discard(engine, &fault);
        return true;
    }
    engine->figures.commits++;
    publish(engine);
    if (engine->config.stepped != NULL)
        engine->config.stepped(engine->config.stepped_context);
    return true;
lost:
    *err = fault;
    return false;
}

int64_t engine_next_deadline_ms(const struct engine *engine)
{
    if (engine->retry_at_ms != 0)
        return engine->retry_at_ms;
    if (engine->has_accepted || engine->has_waiting || engine->has_none || engine->batch.has_more)
        return 0;
    int64_t next_ms = engine->lease_at_ms + engine->config.lease_renew_ms;
    if (engine->next_due_ms < next_ms)
        next_ms = engine->next_due_ms;
    int64_t pick_up_ms = attempt_next_pick_up_ms(engine);
    if (pick_up_ms < next_ms)
        next_ms = pick_up_ms;
    int64_t probe_ms = node_next_probe_ms(engine);
    if (probe_ms < next_ms)
        next_ms = probe_ms;
    int64_t message_ms = outbox_next_deadline_ms(engine);
    if (message_ms < next_ms)
        next_ms = message_ms;
    if (engine->history_due_at_ms < next_ms)
        next_ms = engine->history_due_at_ms;
    int64_t look_ms = world_next_deadline_ms(engine);
    if (look_ms < next_ms)
        next_ms = look_ms;
    return next_ms;
}

/** The write-ahead log goes into the database beside the engine, never in the way of a commit: soon when there is nothing else to
 * do, else when it has grown by so much that a commit would have to do it before long. */
static void ask_to_tidy(struct engine *engine, bool idle)
{
    int64_t pages = store_log_pages(engine->config.store);
    if (pages < engine->tidied_pages) /* the log has begun anew */
        engine->tidied_pages = 0;
    if (pages - engine->tidied_pages < (idle ? TIDY_PAGES_IDLE : TIDY_PAGES_BUSY))
        return;
    engine->tidied_pages = pages;
    if (engine->config.untidy != NULL)
        engine->config.untidy(engine->config.untidy_context);
}

static bool wait_and_step(struct engine *engine, int64_t wait_max_ms, struct err *err)
{
    int64_t wait_ms = engine_next_deadline_ms(engine) - engine->config.clock->now_ms(engine->config.clock);
    ask_to_tidy(engine, wait_ms > TIDY_IDLE_MS && engine->running_count == 0);
    if (wait_ms > 0)
        inbox_wait(engine->config.inbox, wait_ms < wait_max_ms ? (int)wait_ms : (int)wait_max_ms);
    return engine_step(engine, err);
}

bool engine_run(struct engine *engine, const volatile bool *stop, struct err *err)
{
    while (!*stop) {
        if (!wait_and_step(engine, WAIT_MAX_MS, err))
            return false;
    }
    return true;
}

/** Nothing is due. A node that has not said yet whether it can be reached may have something to do. */
static bool is_done(const struct engine *engine)
{
    for (size_t i = 0; i < engine->node_count; i++) {
        if (!engine->live[i].heard)
            return false;
    }
    return engine->running_count == 0 && engine->retry_at_ms == 0 && engine->outbox.under_way_count == 0 &&
           engine->outbox.result_count == 0 && engine->world.count == 0 &&
           engine_next_deadline_ms(engine) > engine->config.clock->now_ms(engine->config.clock);
}

bool engine_run_once(struct engine *engine, const volatile bool *stop, int64_t quiet_ms, struct err *err)
{
    struct clock *clock = engine->config.clock;
    for (int64_t busy_at_ms = clock->boot_ms(clock); !*stop;) {
        if (!wait_and_step(engine, ONCE_LOOK_MS, err))
            return false;
        if (!is_done(engine))
            busy_at_ms = clock->boot_ms(clock);
        else if (clock->boot_ms(clock) - busy_at_ms >= quiet_ms)
            return true;
    }
    return true;
}

/* ---- life -----------------------------------------------------------------------------------------------------------
 */

/** A pipeline is data that people edit: what it says of a step must be what the driver makes of it. */
static bool check_lanes(const struct pipeline *pipeline, struct err *err)
{
    static const enum task_lane lanes[] = {
        [LANE_MAKE] = TASK_LANE_MAKE, [LANE_LOOK] = TASK_LANE_LOOK, [LANE_PROBE] = TASK_LANE_PROBE
    };
    for (size_t i = 0; i < pipeline->step_count; i++) {
        const struct pipeline_step *step = &pipeline->steps[i];
        const struct driver_action *action = NULL;
        if (step->lane == TASK_LANE_NONE)
            continue;
        if (driver_find(step->lane == TASK_LANE_PROBE ? "verify" : "hestia", step->action, &action) == NULL)
            return err_set(err, ERR_INVALID, "pipeline %s: no driver knows the action %s", pipeline->name,
                           step->action);
        if (lanes[action->lane] != (step->lane == TASK_LANE_RELOAD ? TASK_LANE_MAKE : step->lane))
            return err_set(err, ERR_INVALID, "pipeline %s: %s runs in lane %s, not in %s", pipeline->name, step->action,
                           task_lane_name(lanes[action->lane]), task_lane_name(step->lane));
    }
    return true;
}

bool engine_create(const struct engine_config *config, struct engine **ret_engine, struct err *err)
{
    if (!check_lanes(config->split, err))
        return false;
    struct engine *engine = xcalloc(1, sizeof(*engine));
    engine->config = *config;
    engine->next_command_id = 1;
    engine->batch.now_ms = config->clock->now_ms(config->clock);
    bool begun = store_begin(config->store, err);
    if (begun && engine_load(engine, err) && engine_resume_running(engine, err)) {
        store_rollback(config->store);
        *ret_engine = engine;
        return true;
    }
    if (begun)
        store_rollback(config->store);
    engine_destroy(engine);
    return false;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL)
        return;
    struct err err = { 0 };
    engine_forget_running(engine);
    world_load(engine);
    if (engine->figures.commits > 0 && store_begin(engine->config.store, &err)) {
        /* leases go back at once, so that the next owner need not wait for them to run out */
        bool given = store_renew_leases(engine->config.store, engine->config.clock->now_ms(engine->config.clock), &err);
        if (!given)
            store_rollback(engine->config.store);
        if (!given || !store_commit(engine->config.store, true, &err))
            log_warn("lease.kept", "cause=%s", log_quote(err.msg));
    }
    nodes_free(engine->nodes, engine->node_count);
    free(engine->live);
    engine_forget_products(engine);
    groups_free(engine->groups, engine->group_count);
    free(engine->batch.starts);
    free(engine->batch.start_transports);
    changes_finish(&engine->batch.changes);
    engine_forget_settings(engine);
    step_times_destroy(engine->step_times);
    outbox_forget(engine);
    free(engine);
}

void engine_get_figures(const struct engine *engine, struct engine_figures *ret_figures)
{
    *ret_figures = engine->figures;
    ret_figures->running = engine->running_count;
}
