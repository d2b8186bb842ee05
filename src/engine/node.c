/* node.c - what is known of nodes: whether a session stands, whether commands can be run over it, and what their records say of
 * both.
 *
 * A session that stands is no promise: a node may cut every command, give no shell, or have no room for a record. Each node has a
 * circuit for that. It opens after a few such failures in a row: from then on nothing is claimed for the node, its tasks stay
 * in their queue as they are, and one look at a time (the driver's preflight), with growing pauses, asks whether the node is
 * back. A look that is answered puts it on trial, since whatever opened it may outlast a look: the node stays unreachable for
 * new services and runs one command at a time. The next failure opens it again, with a longer pause; a command that ends closes
 * it. Work goes on as on any node then, one change at a time, so nothing comes back as a herd.
 *
 * A circuit is a belief about the world, like a session: it is kept whatever becomes of the batch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"

/* ---- sessions ----------------------------------------------------------------------------------------------------- */

/** Nodes have changed for the better: also for services that were looked at a moment ago. */
static void look_at_waiting(struct engine *engine)
{
    engine->has_waiting = true;
    engine->waiting_after_id = 0;
}

/** A session stands, or does not. Transports say it once. */
void node_heard(struct engine *engine, const struct transport_event *event)
{
    size_t index = engine_node_index(engine, event->node_id);
    if (index == SIZE_MAX)
        return;
    struct node_live *live = &engine->live[index];
    bool up = event->kind == TRANSPORT_NODE_UP;
    const char *why = event->result_count > 0 && event->results[0].message != NULL ? event->results[0].message : "";
    if (live->up != up || !live->heard)
        log_info(up ? "node.up" : "node.down", "node=%s%s%s", engine->nodes[index].name,
                 up ? "" : " cause=", up ? "" : log_quote(why));
    live->up = up;
    live->heard = true;
    snprintf(live->why, sizeof(live->why), "%s", up ? "" : why);
    if (!up)
        return;
    live->contact_at_ms = engine->batch.now_ms;
    look_at_waiting(engine);
}

/* ---- circuits ----------------------------------------------------------------------------------------------------- */

/** It was unreachable when this process, or the one before, wrote its record: it is asked before anything is claimed for it. */
void node_loaded(struct engine *engine, size_t index)
{
    const struct node *node = &engine->nodes[index];
    struct node_live *live = &engine->live[index];
    live->is_open = node->state == NODE_UNREACHABLE;
    snprintf(live->open_why, sizeof(live->open_why), "%s", node->state_reason);
}

static void ask_later(struct engine *engine, struct node_live *live)
{
    const struct retry_policy pauses = { .first_ms = engine->settings.node.probe_first_ms,
                                         .cap_ms = engine->settings.node.probe_cap_ms,
                                         .factor = 2 };
    live->refusals++;
    live->probe_at_ms = engine->batch.now_ms + retry_delay_ms(&pauses, live->refusals, engine->config.rng);
}

static void open_circuit(struct engine *engine, size_t index, unsigned failures, const char *why)
{
    struct node_live *live = &engine->live[index];
    live->is_open = true;
    live->on_trial = false;
    snprintf(live->open_why, sizeof(live->open_why), "%u command%s in a row could not be run: %s", failures,
             failures == 1 ? "" : "s", why);
    ask_later(engine, live);
    log_warn("node.circuit-open", "node=%s failures=%u cause=%s probe_in_ms=%" PRId64, engine->nodes[index].name,
             failures, log_quote(why), live->probe_at_ms - engine->batch.now_ms);
}

void node_close_circuit(struct engine *engine, size_t index)
{
    struct node_live *live = &engine->live[index];
    live->is_open = live->on_trial = live->owes_make = false;
    live->open_why[0] = '\0';
    look_at_waiting(engine);
    log_info("node.circuit-closed", "node=%s probes=%u", engine->nodes[index].name, live->refusals);
}

/** One more failure is enough now. Of a node that this process has only read about, nothing has failed yet: it needs no trial. */
static void begin_trial(struct engine *engine, size_t index)
{
    struct node_live *live = &engine->live[index];
    int limit = engine->settings.node.breaker_failures;
    unsigned most = limit > 0 ? (unsigned)limit - 1 : 0;
    live->is_open = false;
    for (size_t i = 0; i < ARRAY_LEN(live->failures); i++) {
        if (live->failures[i] <= most)
            continue;
        live->failures[i] = most;
        live->on_trial = true;
        live->owes_make = live->owes_make || i == LANE_MAKE;
    }
    if (live->on_trial)
        log_info("node.trial", "node=%s probes=%u", engine->nodes[index].name, live->refusals);
    else
        node_close_circuit(engine, index);
}

static void probe_ended(struct engine *engine, size_t index, bool answered, const char *why)
{
    struct node_live *live = &engine->live[index];
    if (answered) {
        begin_trial(engine, index);
        return;
    }
    ask_later(engine, live);
    log_info("node.probe-failed", "node=%s cause=%s probe_in_ms=%" PRId64, engine->nodes[index].name, log_quote(why),
             live->probe_at_ms - engine->batch.now_ms);
}

/** Whether it says something of the node, and not of the command. A change that outlasts its deadline is picked up over another
 * session: that tells. While no session stands, the session says it all. */
static bool is_failure(const struct node_live *live, enum lane lane, const struct command_result *result)
{
    switch (result->outcome) {
    case OUTCOME_NOT_STARTED: return live->up && result->fault != FAULT_NONE;
    case OUTCOME_UNKNOWN: return lane != LANE_MAKE || result->fault != FAULT_DEADLINE;
    case OUTCOME_ENDED:
    case OUTCOME_BUSY:
    case OUTCOME_FENCED:
    case OUTCOME_LOST:
    case OUTCOME_KILLED: return false;
    }
    abort(); /* not one of ours: memory is damaged */
}

/** Commands that were under way together have failed once. */
static void count_failure(struct engine *engine, size_t index, const struct running *running, const char *why)
{
    struct node_live *live = &engine->live[index];
    unsigned *failures = &live->failures[running_lane(running)];
    int limit = engine->settings.node.breaker_failures;
    if (running->command_id < live->failed_from)
        return;
    live->failed_from = engine->next_command_id;
    ++*failures;
    if (limit > 0 && *failures >= (unsigned)limit)
        open_circuit(engine, index, *failures, why);
}

/** Looks work on a full disk, where no change does: they do not speak for it. */
static void trust(struct engine *engine, size_t index, enum lane lane)
{
    struct node_live *live = &engine->live[index];
    live->failures[LANE_LOOK] = 0;
    if (lane == LANE_MAKE) {
        live->failures[LANE_MAKE] = 0;
        live->owes_make = false;
    }
    if (live->failures[LANE_MAKE] > 0 || live->owes_make)
        return;
    if (live->on_trial)
        node_close_circuit(engine, index);
    live->refusals = 0;
}

void node_answered(struct engine *engine, const struct running *running, const struct command_result *result)
{
    if (running->node == SIZE_MAX || running_lane(running) == LANE_PROBE)
        return;
    struct node_live *live = &engine->live[running->node];
    const char *why = result->message == NULL ? outcome_name(result->outcome) : result->message;
    if (result->outcome == OUTCOME_ENDED)
        live->contact_at_ms = engine->batch.now_ms;
    if (live->is_open) {
        if (running->request != NULL)
            probe_ended(engine, running->node, result->outcome == OUTCOME_ENDED, why);
        return; /* others were under way when it opened */
    }
    if (is_failure(live, running_lane(running), result))
        count_failure(engine, running->node, running, why);
    else if (result->outcome == OUTCOME_ENDED)
        trust(engine, running->node, running_lane(running));
}

bool node_may_run(const struct engine *engine, size_t index)
{
    return engine->live[index].up && !engine->live[index].is_open;
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct engine *engine, size_t index)
{
    for (const struct running *running = engine->running; running != NULL; running = running->next) {
        if (running->request != NULL && running->node == index)
            return true;
    }
    return false;
}

/** @return INT64_MAX: not before something else happens. While no session stands, the transport asks. */
static int64_t probe_at_ms(const struct engine *engine, size_t index)
{
    const struct node_live *live = &engine->live[index];
    if (!live->is_open || !live->up || engine->nodes[index].state == NODE_PAUSED || is_asked(engine, index))
        return INT64_MAX;
    return live->probe_at_ms;
}

int64_t node_next_probe_ms(const struct engine *engine)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < engine->node_count; i++) {
        const struct node_live *live = &engine->live[i];
        bool will_be_tried = live->on_trial && live->tried_by_ms > engine->batch.now_ms;
        int64_t at_ms = will_be_tried ? live->tried_by_ms : probe_at_ms(engine, i);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

void node_tried_by(struct engine *engine, size_t index, int64_t at_ms)
{
    struct node_live *live = &engine->live[index];
    live->tried_by_ms = at_ms > live->tried_by_ms ? at_ms : live->tried_by_ms;
}

static void forget_answer(struct request *request, void *context)
{
    (void)context;
    request_destroy(request); /* node_answered() has heard what matters */
}

bool node_probe_due(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < engine->node_count; i++) {
        if (probe_at_ms(engine, i) > engine->batch.now_ms)
            continue;
        struct request *request = request_create(REQUEST_NODE_TEST);
        request->target_id = engine->nodes[i].id;
        request->done = forget_answer;
        if (!attempt_preflight(engine, request, i, err))
            return false;
    }
    return true;
}

void node_ask_now(struct engine *engine, size_t index)
{
    engine->live[index].refusals = 0;
    engine->live[index].probe_at_ms = engine->batch.now_ms;
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

enum node_state node_state_found(const struct engine *engine, size_t index)
{
    const struct node_live *live = &engine->live[index];
    return (live->up || !live->heard) && !live->is_open && !live->on_trial ? NODE_ACTIVE : NODE_UNREACHABLE;
}

static bool settle(struct engine *engine, size_t index, struct err *err)
{
    struct node *node = &engine->nodes[index];
    const struct node_live *live = &engine->live[index];
    bool by_hand = node->state == NODE_PAUSED || node->state == NODE_DRAINING;
    enum node_state state = by_hand ? node->state : node_state_found(engine, index);
    const char *why = live->up ? live->open_why : live->why;
    if (!live->heard || (node->state == state && strcmp(node->state_reason, why) == 0))
        return true;
    if (node->state != state) {
        node->state_since_ms = engine->batch.now_ms;
        log_info("node.state", "node=%s state=%s cause=%s", node->name, node_state_name(state), log_quote(why));
    }
    node->state = state;
    free(node->state_reason);
    node->state_reason = xstrdup(why);
    engine->batch.durable = true;
    changed_ids_add(&engine->batch.changes.nodes, node->id);
    engine->batch.changes.node_states = true;
    return store_update_node(engine->config.store, node, err);
}

/** In batches that are made anyway, and not in each of them. */
static bool settle_contact(struct engine *engine, size_t index, struct err *err)
{
    struct node *node = &engine->nodes[index];
    int64_t contact_at_ms = engine->live[index].contact_at_ms;
    if (contact_at_ms < node->contact_at_ms + NODE_CONTACT_STEP_MS)
        return true;
    node->contact_at_ms = contact_at_ms;
    changed_ids_add(&engine->batch.changes.nodes, node->id);
    return store_set_node_contact(engine->config.store, node->id, contact_at_ms, err);
}

/** A record that was read may name an attempt that was given up while its command was under way: the process that waited for its end
 * is gone, and nobody would take it out. */
static bool settle_slot(struct engine *engine, size_t index, struct err *err)
{
    struct node *node = &engine->nodes[index];
    struct attempt attempt = { 0 };
    int64_t attempt_id = node->slot_attempt_id;
    node->slot_attempt_id = 0; /* from here on the record is written with what happens */
    if (attempt_id == 0 || engine->live[index].slot != NULL)
        return true;
    bool known = store_get_attempt(engine->config.store, attempt_id, &attempt, err);
    if (!known && err->code != ERR_NOT_FOUND) /* its history may have been put away since */
        return false;
    bool running = known && attempt.outcome == ATTEMPT_RUNNING;
    if (known)
        attempt_finish(&attempt);
    return running || store_set_node_slot(engine->config.store, node->id, 0, err);
}

/** Records say of nodes what is known of them. What a person has said (paused, draining) comes first. */
bool node_settle_all(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < engine->node_count; i++) {
        if (!settle(engine, i, err) || !settle_contact(engine, i, err) || !settle_slot(engine, i, err))
            return false;
    }
    return true;
}
