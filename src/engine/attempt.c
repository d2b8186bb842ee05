/* attempt.c - the conversation of an attempt: driver, command, result, driver, ... until a verdict; and what happens
 * when the connection breaks in between: nothing is run blindly again, the attempt is picked up on the node. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"

static bool drive(struct engine *engine, struct running *running, struct err *err);

static const char *node_name(const struct engine *engine, const struct running *running)
{
    return running->node == SIZE_MAX ? "this machine" : engine->nodes[running->node].name;
}

static void forget_results(struct running *running)
{
    for (size_t i = 0; i < running->result_count; i++)
        command_result_finish(&running->results[i]);
    running->result_count = 0;
}

/* ---- sending
 * --------------------------------------------------------------------------------------------------------- */

static void fill_command(struct engine *engine, struct running *running, struct command *command)
{
    const struct driver_action *action = running->action;
    command->id = engine->next_command_id++;
    command->lane = running_lane(running);
    command->node_id = action->lane == LANE_PROBE ? 0 : engine->nodes[running->node].id;
    command->fence = running->attempt.id;
    if (command->deadline_ms == 0)
        command->deadline_ms = action->deadline_ms;
    if (command->deadline_ms <
        running->task.deadline_ms) /* a driver may know that this one takes longer, never shorter */
        command->deadline_ms = running->task.deadline_ms;
    if (action->lane != LANE_PROBE && command->deadline_ms < engine->settings.ssh.command_ms)
        command->deadline_ms = engine->settings.ssh.command_ms;
    if (command->node_limit_ms == 0)
        command->node_limit_ms = action->node_limit_ms;
    command->disks = action->disks;
    command->room_kib = (int64_t)engine->settings.node.room_mb * 1024;
    running->command_id = command->id;
    running->command_at_ms = engine->batch.now_ms;
    running->transport = action->lane == LANE_PROBE ? engine->config.probes : engine->config.nodes;
}

static bool note_command(struct engine *engine, struct running *running, const struct command *command, struct err *err)
{
    if (running->request != NULL)
        return true;
    struct buf text = BUF_INIT;
    buf_addf(&text, "on %s:\n", node_name(engine, running));
    for (size_t i = 0; i < command->segment_count; i++) {
        buf_add_text(&text, "$ ");
        segment_describe(&command->segments[i], &text);
        buf_add_char(&text, '\n');
    }
    bool ok = note_log(engine, running->attempt.id, 0, buf_text(&text), text.length, err);
    buf_finish(&text);
    return ok;
}

static bool send_command(struct engine *engine, struct running *running, struct command *command, struct err *err)
{
    command->number = (unsigned)running->result_count;
    fill_command(engine, running, command);
    memset(running->again, 0, sizeof(running->again));
    running->phase = PHASE_COMMAND;
    engine_start_later(engine, running->transport, command);
    return note_command(engine, running, command, err);
}

static void send_pick_up(struct engine *engine, struct running *running)
{
    struct command *command = command_create();
    fill_command(engine, running, command);
    command->pick_up = true;
    memcpy(running->again, running->logged, sizeof(running->again));
    running->phase = PHASE_PICK_UP;
    engine_start_later(engine, running->transport, command);
}

/** The connection is gone, the command may go on: ask for it, at once at first, then with growing pauses. */
static bool pick_up_later(struct engine *engine, struct running *running, const char *why, struct err *err)
{
    int64_t pause_ms = PICK_UP_FIRST_MS;
    for (unsigned i = 0; i < running->pick_ups && pause_ms < PICK_UP_CAP_MS; i++)
        pause_ms *= 2;
    if (pause_ms > PICK_UP_CAP_MS)
        pause_ms = PICK_UP_CAP_MS;
    running->command_id = 0;
    running->was_cut = true;
    running->phase = PHASE_PICK_UP_WAIT;
    running->pick_up_at_ms = engine->batch.now_ms + pause_ms / 2 + rng_range(engine->config.rng, 0, pause_ms / 2);
    running->pick_ups++;
    log_info("attempt.cut", "attempt=%" PRId64 " node=%s cause=%s", running->attempt.id, node_name(engine, running),
             log_quote(why));
    if (running->pick_ups > 1)
        return true; /* the first time is news */
    return note_logf(engine, running->attempt.id, err,
                     "%s; the command may go on there: Berth connects again and picks it up\n", why);
}

/** Go on with an attempt that a former process, or a lost connection, has left. */
static bool go_on(struct engine *engine, struct running *running, struct err *err)
{
    if (running->task.lane == TASK_LANE_NONE) {
        struct move move = { .verdict = VERDICT_DONE };
        return outcome_done(engine, running, &move, err);
    }
    if (running->data == NULL)
        return outcome_not_done(engine, running, VERDICT_FAILED, cause_find("berth.data"),
                                "the attempt cannot go on: its secrets or its node cannot be read", err);
    if (running_lane(running) == LANE_MAKE) {
        send_pick_up(engine, running);
        return true;
    }
    forget_results(running); /* a look leaves nothing behind: look again */
    return drive(engine, running, err);
}

/** While the circuit of its node is open, only a probe is sent there. */
static bool may_pick_up(const struct engine *engine, const struct running *running)
{
    return running->phase == PHASE_PICK_UP_WAIT &&
           (running->node == SIZE_MAX || running->request != NULL || !engine->live[running->node].is_open);
}

bool attempt_pick_ups(struct engine *engine, struct err *err)
{
    for (struct running *running = engine->running, *next = NULL; running != NULL; running = next) {
        next = running->next;
        if (may_pick_up(engine, running) && running->pick_up_at_ms <= engine->batch.now_ms &&
            !go_on(engine, running, err))
            return false;
    }
    return true;
}

int64_t attempt_next_pick_up_ms(const struct engine *engine)
{
    int64_t next_ms = INT64_MAX;
    for (const struct running *running = engine->running; running != NULL; running = running->next) {
        if (may_pick_up(engine, running) && running->pick_up_at_ms < next_ms)
            next_ms = running->pick_up_at_ms;
    }
    return next_ms;
}

/* ---- the driver's move
 * ------------------------------------------------------------------------------------------------ */

static void answer_preflight(struct engine *engine, struct running *running, const struct move *move)
{
    struct request *request = running->request;
    running->request = NULL;
    request->ok = move->verdict == VERDICT_DONE;
    request->id = request->target_id;
    if (request->ok) {
        request->facts = json_object();
        for (size_t i = 0; i < move->fact_count; i++)
            json_object_set_new(request->facts, move->facts[i].key, json_string(move->facts[i].value));
    } else {
        /* a conversation that wants to start anew has no cause: its command was killed */
        const struct cause *cause = move->cause != NULL ? move->cause : cause_find("panel.killed");
        err_set(&request->err, ERR_CONFLICT, "%s %s %s", cause->text, move->detail, cause->remedy);
    }
    engine_answer(engine, request);
    engine_running_remove(engine, running);
}

/** A running attempt that ends without a driver's verdict: its transport could not do it. */
static bool end_by_outcome(struct engine *engine, struct running *running, const struct command_result *result,
                           struct err *err)
{
    const struct cause *cause = cause_of_outcome(result);
    const char *message = result->message == NULL ? "" : result->message;
    if (running->request != NULL) {
        struct move move = { .verdict = cause->verdict, .cause = cause };
        snprintf(move.detail, sizeof(move.detail), "%s", message);
        answer_preflight(engine, running, &move);
        return true;
    }
    return outcome_not_done(engine, running, cause->verdict, cause, message, err);
}

static bool take_move(struct engine *engine, struct running *running, struct move *move, struct err *err)
{
    if (move->verdict == VERDICT_NONE) {
        struct command *command = move->command;
        move->command = NULL;
        return send_command(engine, running, command, err);
    }
    if (running->request != NULL) {
        answer_preflight(engine, running, move);
        return true;
    }
    switch (move->verdict) {
    case VERDICT_NONE: abort();
    case VERDICT_DONE: return outcome_done(engine, running, move, err);
    case VERDICT_CONFLICT:
        if (!outcome_keep_facts(engine, running, move, err))
            return false;
        return outcome_not_done(engine, running, move->verdict, move->cause, move->detail, err);
    case VERDICT_RETRY:
    case VERDICT_FAILED: return outcome_not_done(engine, running, move->verdict, move->cause, move->detail, err);
    case VERDICT_RESTART: return outcome_lost(engine, running, move->detail, err);
    }
    abort();
}

/** A step of a plan has its answer. @param log what it would run, for the attempt's log */
static bool end_plan(struct engine *engine, struct running *running, const struct move *answer, const struct buf *log,
                     struct err *err)
{
    return (log->length == 0 || note_log(engine, running->attempt.id, 0, buf_text(log), log->length, err)) &&
           outcome_done(engine, running, answer, err);
}

static bool take_planned_move(struct engine *engine, struct running *running, struct move *move, struct err *err)
{
    struct command *command = NULL;
    struct move answer = { 0 };
    CLEANUP(buf_finish) struct buf log = BUF_INIT;
    plan_take_move(running, move, &command, &answer, &log);
    return command != NULL ? send_command(engine, running, command, err)
                           : end_plan(engine, running, &answer, &log, err);
}

static bool drive(struct engine *engine, struct running *running, struct err *err)
{
    struct move move = { 0 };
    running->driver->next(step_data_step(running->data), running->results, running->result_count, &move);
    bool ok = running_only_plans(running) ? take_planned_move(engine, running, &move, err)
                                          : take_move(engine, running, &move, err);
    move_finish(&move);
    return ok;
}

/* ---- what transports report
 * --------------------------------------------------------------------------------------------- */

static void take_result(struct running *running, struct command_result *result)
{
    running->results = xrealloc(running->results, (running->result_count + 1) * sizeof(*running->results));
    running->results[running->result_count++] = *result;
    *result = (struct command_result){ 0 }; /* moved: the event is finished by its owner */
}

static bool note_result(struct engine *engine, struct running *running, const struct command_result *result,
                        struct err *err)
{
    if (running->request != NULL)
        return true;
    struct buf text = BUF_INIT;
    buf_add_text(&text, "exit");
    for (size_t i = 0; i < result->segment_count; i++) {
        if (result->segments[i].ran)
            buf_addf(&text, " %d", result->segments[i].exit_code);
    }
    buf_addf(&text, " (%" PRId64 " ms)\n", engine->batch.now_ms - running->command_at_ms);
    bool ok = note_log(engine, running->attempt.id, 0, buf_text(&text), text.length, err);
    buf_finish(&text);
    return ok;
}

static bool go_on_with(struct engine *engine, struct running *running, struct command_result *result, struct err *err)
{
    CLEANUP(buf_finish) struct buf log = BUF_INIT;
    struct move answer;
    if (plan_take_result(running, result, &answer, &log))
        return end_plan(engine, running, &answer, &log, err);
    take_result(running, result);
    return drive(engine, running, err);
}

static bool command_ended(struct engine *engine, struct running *running, struct command_result *result,
                          struct err *err)
{
    const char *why = result->message == NULL ? outcome_name(result->outcome) : result->message;
    switch (result->outcome) {
    case OUTCOME_ENDED: return note_result(engine, running, result, err) && go_on_with(engine, running, result, err);
    case OUTCOME_UNKNOWN:
        if (running_lane(running) == LANE_MAKE)
            return pick_up_later(engine, running, why, err);
        return end_by_outcome(engine, running, result, err);
    case OUTCOME_LOST:
    case OUTCOME_KILLED:
        if (running->request != NULL)
            return end_by_outcome(engine, running, result, err);
        return outcome_lost(engine, running, why, err);
    case OUTCOME_NOT_STARTED:
    case OUTCOME_BUSY:
    case OUTCOME_FENCED: return end_by_outcome(engine, running, result, err);
    }
    abort();
}

static bool picked_up(struct engine *engine, struct running *running, struct transport_event *event, struct err *err)
{
    struct command_result *last = &event->results[event->result_count - 1];
    const char *why = last->message == NULL ? outcome_name(last->outcome) : last->message;
    switch (last->outcome) {
    case OUTCOME_UNKNOWN:
    case OUTCOME_BUSY: return pick_up_later(engine, running, why, err);
    case OUTCOME_LOST:
    case OUTCOME_KILLED:
    case OUTCOME_FENCED: return outcome_lost(engine, running, why, err);
    case OUTCOME_NOT_STARTED:
        if (last->fault != FAULT_NONE)
            return pick_up_later(engine, running, why, err);
        forget_results(running); /* the node has no record of the attempt: nothing has run */
        return drive(engine, running, err);
    case OUTCOME_ENDED: break;
    }
    forget_results(running);
    for (size_t i = 0; i < event->result_count; i++)
        take_result(running, &event->results[i]);
    running->pick_ups = 0;
    if (!note_logf(engine, running->attempt.id, err, "picked up: %zu command%s of this attempt found on the node\n",
                   running->result_count, running->result_count == 1 ? "" : "s") ||
        !note_result(engine, running, &running->results[running->result_count - 1], err))
        return false;
    return drive(engine, running, err);
}

/** A pick-up reads the records from their beginning; what the log has already is not written there twice. */
static bool note_output(struct engine *engine, struct running *running, const struct transport_event *event,
                        struct err *err)
{
    assert(event->stream == 1 || event->stream == 2);
    int64_t *again = &running->again[event->stream];
    size_t known = *again < (int64_t)event->length ? (size_t)*again : event->length;
    *again -= (int64_t)known;
    running->logged[event->stream] += (int64_t)(event->length - known);
    return note_log(engine, running->attempt.id, event->stream, event->data + known, event->length - known, err);
}

/* ---- giving up ------------------------------------------------------------------------------------------------------------- */

/** The end of an attempt that nobody waits for: its node may be used again. */
static bool free_node(struct engine *engine, struct running *running, struct err *err)
{
    bool holds = running->node != SIZE_MAX && running_lane(running) == LANE_MAKE;
    int64_t node_id = running->task.node_id;
    engine_running_remove(engine, running);
    return !holds || store_set_node_slot(engine->config.store, node_id, 0, err);
}

/* A command on a node cannot be taken back, and one that is killed half-way leaves more to repair than one that ends. So it is left
 * to end; its node takes no other change before, as without it the panel's files would be written by two. */
bool attempt_give_up(struct engine *engine, struct running *running, const char *why, struct err *err)
{
    struct attempt *attempt = &running->attempt;
    attempt->outcome = ATTEMPT_SUPERSEDED;
    attempt->ended_at_ms = engine->batch.now_ms;
    free(attempt->detail);
    attempt->detail = xstrdup(why);
    if (!note_logf(engine, attempt->id, err, "given up: %s\n", why) ||
        !store_end_attempt(engine->config.store, attempt, err))
        return false;
    bool under_way = running->action != NULL && running_lane(running) == LANE_MAKE && running->command_id != 0;
    if (under_way) {
        running->given_up = true;
        return true;
    }
    if (running->command_id != 0)
        running->transport->ops->abandon(running->transport, running->command_id);
    return free_node(engine, running, err);
}

/* ---- what a transport says of an attempt --------------------------------------------------------------------------------- */

bool attempt_event(struct engine *engine, struct transport_event *event, struct err *err)
{
    struct running *running = engine_running_of(engine, event->command_id);
    if (running == NULL)
        return true;
    if (running->given_up && event->kind != TRANSPORT_RESULT)
        return true;
    switch (event->kind) {
    case TRANSPORT_STARTED:
    case TRANSPORT_NODE_UP:
    case TRANSPORT_NODE_DOWN: return true;
    case TRANSPORT_OUTPUT: return running->request != NULL || note_output(engine, running, event, err);
    case TRANSPORT_RESULT: break;
    }
    assert(event->result_count > 0);
    node_answered(engine, running, &event->results[event->result_count - 1]);
    if (running->given_up)
        return free_node(engine, running, err);
    if (running->phase == PHASE_PICK_UP)
        return picked_up(engine, running, event, err);
    return command_ended(engine, running, &event->results[0], err);
}

/* ---- beginning
 * ------------------------------------------------------------------------------------------------------------ */

static const char *driver_name_of(const struct engine *engine, const struct running *running)
{
    return running->task.lane == TASK_LANE_PROBE ? "verify" : engine->nodes[running->node].driver;
}

/** A running record for a task: node, driver and what the driver is told. @return false on a fault of the store only;
 * when the step cannot be told (a secret that does not open, an unknown action), *ret_running is NULL and *ret_why says
 * it */
static bool running_create(struct engine *engine, struct task *task, struct running **ret_running, struct err *ret_why,
                           struct err *err)
{
    struct running *running = xcalloc(1, sizeof(*running));
    running->task = *task;
    *task = (struct task){ 0 };
    running->node = running->task.node_id == 0 ? SIZE_MAX : engine_node_index(engine, running->task.node_id);
    *ret_running = running;
    if (!store_get_attempt(engine->config.store, running->task.attempt_id, &running->attempt, err))
        return false;
    if (running->task.lane == TASK_LANE_NONE)
        return true;
    if (running->node == SIZE_MAX && running->task.lane != TASK_LANE_PROBE)
        return err_set(ret_why, ERR_BUG, "its node is not known any more") || true;
    const char *driver_name = driver_name_of(engine, running);
    running->driver = driver_find(driver_name, running->task.action, &running->action);
    if (running->driver == NULL)
        return err_set(ret_why, ERR_BUG, "driver %s does not know %s", driver_name, running->task.action) || true;
    if (step_data_load(engine, &running->task, &running->attempt, &running->data, ret_why))
        return true;
    if (ret_why->code == ERR_INVALID || ret_why->code == ERR_NOT_FOUND || ret_why->code == ERR_BUG)
        return true;
    *err = *ret_why;
    return false;
}

static bool note_started(struct engine *engine, const struct running *running, struct err *err)
{
    const struct task *task = &running->task;
    return note_event(engine, task->service_id, "task.started",
                      json_pack("{s:I,s:s,s:s,s:i}", "task", (json_int_t)task->id, "key", task->key, "label",
                                task->label_key, "attempt", running->attempt.number),
                      err);
}

/** A reload is needed only for a change that no reload has covered yet. */
static bool begin_reload(struct engine *engine, struct running *running, struct err *err)
{
    const struct node *node = &engine->nodes[running->node];
    int64_t change = 0;
    running->reload_from = node->changes;
    if (!reload_change_of(engine, &running->task, &change, err))
        return false;
    if (change > node->reloaded)
        return drive(engine, running, err);
    struct move move = { .verdict = VERDICT_DONE };
    running->reload_from = 0;
    snprintf(move.note, sizeof(move.note),
             change == 0 ? "nothing has changed: no reload needed" : "an earlier reload covers it");
    return outcome_done(engine, running, &move, err);
}

bool attempt_begin(struct engine *engine, struct task *task, struct err *err)
{
    struct running *running = NULL;
    struct err why = { 0 };
    bool ok = running_create(engine, task, &running, &why, err);
    engine_running_add(engine,
                       running); /* from here on it is removed by its outcome, or with everything else on a fault */
    if (!ok)
        return false;
    if (why.code != ERR_NONE)
        return outcome_not_done(engine, running, VERDICT_FAILED, cause_find("berth.data"), why.msg, err);
    if (running->action != NULL && running_lane(running) == LANE_MAKE &&
        !store_set_node_slot(engine->config.store, running->task.node_id, running->attempt.id, err))
        return false;
    if (!note_started(engine, running, err))
        return false;
    if (running->task.lane == TASK_LANE_RELOAD)
        return begin_reload(engine, running, err);
    if (running->task.lane == TASK_LANE_NONE) {
        struct move move = { .verdict = VERDICT_DONE };
        return outcome_done(engine, running, &move, err);
    }
    return drive(engine, running, err);
}

bool attempt_refuse(struct engine *engine, struct task *task, size_t node, const char *detail, struct err *err)
{
    struct running *running = xcalloc(1, sizeof(*running)); /* without an action: the node's slot is not its */
    running->task = *task;
    *task = (struct task){ 0 };
    running->node = node;
    engine_running_add(engine, running);
    return store_get_attempt(engine->config.store, running->task.attempt_id, &running->attempt, err) &&
           outcome_not_done(engine, running, VERDICT_FAILED, cause_find("node.unreachable"), detail, err);
}

/** What a former process, or this one before a failed commit, has written of the node's output. */
static bool count_logged(struct engine *engine, struct running *running, struct err *err)
{
    for (int64_t offset = 0;;) {
        struct log_chunk *chunks = NULL;
        size_t count = 0;
        if (!store_read_log(engine->config.store, running->attempt.id, offset, LOG_CHUNK_MAX, &chunks, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            assert(chunks[i].stream >= 0 && (size_t)chunks[i].stream < ARRAY_LEN(running->logged));
            running->logged[chunks[i].stream] += (int64_t)chunks[i].length;
            offset = chunks[i].offset + (int64_t)chunks[i].length;
        }
        log_chunks_free(chunks, count);
        if (count == 0)
            return true;
    }
}

bool attempt_resume(struct engine *engine, struct task *task, struct err *err)
{
    struct running *running = NULL;
    struct err why = { 0 };
    bool ok = running_create(engine, task, &running, &why, err);
    engine_running_add(engine, running);
    if (!ok || !count_logged(engine, running, err))
        return false;
    if (why.code != ERR_NONE) {
        log_error("attempt.damaged", "attempt=%" PRId64 " cause=%s", running->attempt.id, log_quote(why.msg));
        step_data_destroy(running->data); /* the next batch ends it: loading writes nothing */
        running->data = NULL;
    }
    /* A reload that was under way began with at most the changes of then; nothing says how many: the next reload covers
     * them. */
    running->reload_from = 0;
    running->was_cut = true;
    running->phase = PHASE_PICK_UP_WAIT;
    running->pick_up_at_ms = 0;
    log_info("attempt.resumed", "attempt=%" PRId64 " task=%" PRId64 " key=%s", running->attempt.id, running->task.id,
             running->task.key);
    return true;
}

bool attempt_preflight(struct engine *engine, struct request *request, size_t node, struct err *err)
{
    struct running *running = xcalloc(1, sizeof(*running));
    running->node = node;
    running->request = request;
    running->driver = driver_find(engine->nodes[node].driver, "node.preflight", &running->action);
    running->data = step_data_for_node(engine, node, engine->batch.now_ms);
    assert(running->driver != NULL);
    engine_running_add(engine, running);
    return drive(engine, running, err);
}
