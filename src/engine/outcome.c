/* outcome.c - what a verdict means: for the attempt, the task, those that need it, the operation and the service. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "engine/internal.h"

static void set_text(char **text, const char *value)
{
    char *copy = xstrdup(value);
    free(*text);
    *text = copy;
}

static void task_move(struct task *task, enum task_state to)
{
    assert(task_may_go(task->state, to));
    task->state = to;
}

static const char *node_name(const struct engine *engine, int64_t node_id)
{
    size_t index = node_id == 0 ? SIZE_MAX : engine_node_index(engine, node_id);
    return index == SIZE_MAX ? "" : engine->nodes[index].name;
}

/* ---- attempts
 * ------------------------------------------------------------------------------------------------------------- */

/** The attempt's record ends and its node's slot is free. @return with *ret_ours false when somebody else has gone on
 * with the task meanwhile: then nothing of what it brought counts */
static bool end_attempt(struct engine *engine, struct running *running, enum attempt_outcome outcome,
                        const char *cause_id, const char *detail, bool *ret_ours, struct err *err)
{
    struct attempt *attempt = &running->attempt;
    attempt->outcome = outcome;
    attempt->ended_at_ms = engine->batch.now_ms;
    set_text(&attempt->cause_id, cause_id);
    set_text(&attempt->detail, detail);
    engine->batch.durable = true;
    changed_ids_add(&engine->batch.changes.attempts, attempt->id);
    *ret_ours = true;
    struct err lost = { 0 };
    if (!store_end_attempt(engine->config.store, attempt, &lost)) {
        if (lost.code != ERR_LOST) {
            *err = lost;
            return false;
        }
        log_warn("attempt.stale", "attempt=%" PRId64 " task=%" PRId64, attempt->id, running->task.id);
        *ret_ours = false;
    }
    if (running->action != NULL && running_lane(running) == LANE_MAKE && running->node != SIZE_MAX)
        return store_set_node_slot(engine->config.store, running->task.node_id, 0, err);
    return true;
}

/* ---- operation and service
 * -------------------------------------------------------------------------------------------------- */

static bool count_done(struct engine *engine, const struct task *task, struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, task->operation_id, &operation, err))
        return false;
    operation.tasks_done++;
    operation.weight_done += task->weight;
    if (operation.tasks_done == operation.tasks_total)
        operation.state = OPERATION_DONE;
    if (operation.state != OPERATION_RUNNING) /* what a failed task does not hold goes on, and may be the last to end */
        operation.ended_at_ms = engine->batch.now_ms;
    bool ok = store_update_operation(engine->config.store, &operation, err);
    operation_finish(&operation);
    return ok;
}

static bool count_undone(struct engine *engine, const struct task *task, struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, task->operation_id, &operation, err))
        return false;
    operation.tasks_done--;
    operation.weight_done -= task->weight;
    bool ok = store_update_operation(engine->config.store, &operation, err);
    operation_finish(&operation);
    return ok;
}

static bool set_operation_state(struct engine *engine, int64_t operation_id, enum operation_state state,
                                struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, operation_id, &operation, err))
        return false;
    operation.state = state;
    operation.ended_at_ms = state == OPERATION_RUNNING ? 0 : engine->batch.now_ms;
    bool ok = store_update_operation(engine->config.store, &operation, err);
    operation_finish(&operation);
    return ok;
}

static bool set_service(struct engine *engine, int64_t service_id, enum service_status status, const char *reason,
                        const char *reason_key, struct err *err)
{
    struct service service = { 0 };
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    service.status = status;
    service.updated_at_ms = engine->batch.now_ms;
    if (status == SERVICE_LIVE && service.live_at_ms == 0)
        service.live_at_ms = engine->batch.now_ms;
    set_text(&service.reason, reason);
    set_text(&service.reason_key, reason_key);
    bool ok = store_update_service(engine->config.store, &service, err);
    service_finish(&service);
    return ok;
}

static bool set_service_reason(struct engine *engine, int64_t service_id, const char *reason, struct err *err)
{
    struct service service = { 0 };
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    service.updated_at_ms = engine->batch.now_ms;
    set_text(&service.reason, reason);
    changed_ids_add(&engine->batch.changes.services, service_id);
    bool ok = store_update_service(engine->config.store, &service, err);
    service_finish(&service);
    return ok;
}

static bool seed_ssl(struct engine *engine, int64_t service_id, struct err *err)
{
    struct service service = { 0 };
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    struct ssl_request request = {
        .service_id = service_id, .domain = service.domain, .state = SSL_SEEDED, .next_check_ms = 0
    };
    bool ok = store_put_ssl_request(engine->config.store, &request, err);
    service_finish(&service);
    return ok;
}

/** What the engine itself does for a task in the lane NONE. */
static bool do_engine_action(struct engine *engine, const struct task *task, struct err *err)
{
    if (strcmp(task->action, "ssl.seed") == 0)
        return seed_ssl(engine, task->service_id, err);
    if (strcmp(task->action, "live") == 0) {
        log_info("service.live", "service=%" PRId64, task->service_id);
        return set_service(engine, task->service_id, SERVICE_LIVE, "", "", err) &&
               ticket_recovered(engine, task->service_id, err) && world_expect(engine, task->service_id, err) &&
               note_event(engine, task->service_id, "service.live", NULL, err);
    }
    if (strcmp(task->action, "report") == 0)
        return set_service_reason(engine, task->service_id, "", err) && operation_report(engine, task, err);
    return err_set(err, ERR_BUG, "the engine knows no action %s", task->action);
}

/* ---- done
 * -----------------------------------------------------------------------------------------------------------------------
 */

bool outcome_task_done(struct engine *engine, struct task *task, const char *note, bool changed, struct err *err)
{
    int64_t *queues = NULL;
    size_t count = 0;
    task_move(task, TASK_DONE);
    task->ended_at_ms = engine->batch.now_ms;
    task->lease_until_ms = 0;
    task->suspect = false;
    set_text(&task->reason, "");
    set_text(&task->cause_id, "");
    if (!store_update_task(engine->config.store, task, err) ||
        !store_release_dependents(engine->config.store, task->id, &queues, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        engine_queue_touched(engine, queues[i]);
    free(queues);
    engine->batch.durable = true;
    return note_event(engine, task->service_id, "task.done",
                      json_pack("{s:I,s:s,s:s,s:s,s:b,s:o,s:I}", "task", (json_int_t)task->id, "key", task->key,
                                "label", task->label_key, "node", node_name(engine, task->node_id), "changed",
                                (int)changed, "note", note_text(note, strlen(note)), "ms",
                                (json_int_t)(task->started_at_ms == 0 ? 0 : task->ended_at_ms - task->started_at_ms)),
                      err) &&
           count_done(engine, task, err);
}

/** The hash of what this task would be made from now. */
static bool inputs_now(struct engine *engine, const struct task *task, char ret_hash[INPUTS_HASH_SIZE], struct err *err)
{
    struct attempt none = { .started_at_ms = engine->batch.now_ms };
    struct step_data *data = NULL;
    struct err why = { 0 };
    if (!step_data_load(engine, task, &none, &data, &why)) {
        ret_hash[0] = '\0';
        if (why.code == ERR_INVALID || why.code == ERR_NOT_FOUND || why.code == ERR_BUG)
            return true; /* it cannot be made any more: its next attempt says so, this batch goes on */
        *err = why;
        return false;
    }
    step_data_inputs_hash(data, ret_hash);
    step_data_destroy(data);
    return true;
}

/** A zone with other records needs a higher serial, the same on every name server. */
static bool raise_serial(struct engine *engine, int64_t service_id, struct err *err)
{
    struct stored_fact *facts = NULL;
    size_t count = 0;
    if (!store_list_facts(engine->config.store, service_id, &facts, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (facts[i].node_id != 0 || strcmp(facts[i].key, "serial") != 0)
            continue;
        char higher[32];
        snprintf(higher, sizeof(higher), "%lld", strtoll(facts[i].value, NULL, 10) + 1);
        set_text(&facts[i].value, higher);
        ok = store_put_fact(engine->config.store, &facts[i], err);
    }
    stored_facts_free(facts, count);
    return ok;
}

/** A fact has changed: finished tasks of the operation that were made from it are queued again. */
static bool requeue_users(struct engine *engine, const struct task *teller, struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    if (!store_list_tasks(engine->config.store, teller->operation_id, &tasks, &count, err))
        return false;
    bool ok = true;
    bool zones = false;
    for (size_t i = 0; ok && i < count; i++) {
        char hash[INPUTS_HASH_SIZE];
        if (tasks[i].state != TASK_DONE || tasks[i].inputs_hash[0] == '\0')
            continue;
        ok = inputs_now(engine, &tasks[i], hash, err);
        if (!ok || strcmp(hash, tasks[i].inputs_hash) == 0)
            continue;
        task_move(&tasks[i], TASK_QUEUED);
        ok = store_update_task(engine->config.store, &tasks[i], err) && count_undone(engine, &tasks[i], err);
        engine_queue_touched(engine, task_queue_id(tasks[i].node_id, tasks[i].lane));
        zones |= strcmp(tasks[i].action, "dns.zone") == 0;
    }
    tasks_free(tasks, count);
    return ok && (!zones || raise_serial(engine, teller->service_id, err));
}

bool outcome_keep_facts(struct engine *engine, struct running *running, const struct move *move, struct err *err)
{
    const struct task *task = &running->task;
    struct stored_fact *known = NULL;
    size_t known_count = 0;
    if (move->fact_count == 0)
        return true;
    if (!store_list_facts(engine->config.store, task->service_id, &known, &known_count, err))
        return false;
    bool ok = true;
    bool fact_changed = false;
    for (size_t i = 0; ok && i < move->fact_count; i++) {
        CLEANUP(freep) char *key = xstrdup(move->facts[i].key);
        struct stored_fact fact = { .service_id = task->service_id,
                                    .role = task->role,
                                    .node_id = task->node_id,
                                    .key = key,
                                    .value = move->facts[i].value,
                                    .attempt_id = running->attempt.id };
        for (size_t k = 0; k < known_count; k++) {
            if (known[k].node_id == fact.node_id && strcmp(known[k].key, key) == 0 &&
                strcmp(known[k].value, fact.value) != 0)
                fact_changed = true;
        }
        ok = store_put_fact(engine->config.store, &fact, err);
    }
    stored_facts_free(known, known_count);
    return ok && (!fact_changed || requeue_users(engine, task, err));
}

/** A password that was to be has been set: in this transaction it becomes the one that is stored. */
static bool take_password(struct engine *engine, const struct task *task, struct err *err)
{
    bool changed = false;
    return task->lane != TASK_LANE_MAKE || (step_take_next(engine, task, &changed, err) &&
                                            (!changed || deed_passwords_changed(engine, task->service_id, err)));
}

bool outcome_done(struct engine *engine, struct running *running, const struct move *move, struct err *err)
{
    bool ours = false;
    struct task *task = &running->task;
    if (!end_attempt(engine, running, ATTEMPT_DONE, "", move->note, &ours, err))
        return false;
    if (ours) {
        char hash[INPUTS_HASH_SIZE];
        step_data_inputs_hash(running->data, hash);
        set_text(&task->inputs_hash, hash);
        task->attempts++;
        if (move->note[0] != '\0' && !note_logf(engine, running->attempt.id, err, "done: %s\n", move->note))
            return false;
        if ((task->lane == TASK_LANE_NONE && !do_engine_action(engine, task, err)) ||
            !take_password(engine, task, err) || !outcome_keep_facts(engine, running, move, err) ||
            (move->needs_reload && !reload_count_change(engine, running, err)) ||
            (task->lane == TASK_LANE_RELOAD && !reload_serve_others(engine, running, err)) ||
            !learn_step(engine, running, move, err) || !outcome_task_done(engine, task, move->note, move->changed, err))
            return false;
        log_info("task.done", "task=%" PRId64 " key=%s node=%s attempt=%" PRId64 " ms=%" PRId64, task->id, task->key,
                 node_name(engine, task->node_id), running->attempt.id,
                 engine->batch.now_ms - running->attempt.started_at_ms);
    }
    engine_running_remove(engine, running);
    return true;
}

/* ---- not done
 * ---------------------------------------------------------------------------------------------------------------------
 */

static json_t *trouble(struct engine *engine, const struct task *task, int attempt_number, const struct cause *cause,
                       const char *detail, int64_t due_at_ms)
{
    return json_pack("{s:I,s:s,s:s,s:s,s:i,s:s,s:s,s:o,s:s,s:I}", "task", (json_int_t)task->id, "key", task->key,
                     "label", task->label_key, "node", node_name(engine, task->node_id), "attempt", attempt_number,
                     "cause", cause->id, "text", cause->text, "detail", note_text(detail, strlen(detail)), "remedy",
                     cause->remedy, "due_at_ms", (json_int_t)due_at_ms);
}

const char *moment_text(int64_t at_ms, char text[MOMENT_MAX])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, MOMENT_MAX, "%Y-%m-%d %H:%M UTC", &parts);
    return text;
}

/** What ends a detail before another sentence. */
static const char *full_stop(const char *detail)
{
    size_t length = strlen(detail);
    return length == 0 ? "" : detail[length - 1] == '.' ? " " : ". ";
}

/* When an attempt that may be repeated is repeated. */
struct again {
    int64_t since_ms;  /* it has waited since then for what ends without us; 0: it does not wait, each try counts */
    int64_t until_ms;  /* and has failed then */
    int64_t due_at_ms; /* 0: it was the last one */
};

static bool decide_again(struct engine *engine, const struct running *running, const struct cause *cause,
                         struct again *ret_again, struct err *err)
{
    int64_t now_ms = engine->batch.now_ms;
    struct retry_policy policy = settings_retry(&engine->settings, cause->retry_class);
    struct again again = { 0 };
    if (cause->waits_for == NULL) {
        if (!retry_exhausted(&policy, running->task.attempts + 1))
            again.due_at_ms = now_ms + retry_delay_ms(&policy, running->task.attempts + 1, engine->config.rng);
        *ret_again = again;
        return true;
    }
    if (!store_get_waiting_since(engine->config.store, running->task.id, &again.since_ms, err))
        return false;
    if (again.since_ms == 0)
        again.since_ms = running->attempt.started_at_ms;
    again.until_ms = again.since_ms + policy.wait_ms;
    if (now_ms < again.until_ms)
        again.due_at_ms = now_ms + retry_look_ms(&policy, now_ms - again.since_ms, engine->config.rng);
    if (again.due_at_ms > again.until_ms)
        again.due_at_ms = again.until_ms; /* the last look is at the end */
    *ret_again = again;
    return true;
}

static bool wait_and_retry(struct engine *engine, struct running *running, const struct cause *cause,
                           const char *detail, const struct again *again, struct err *err)
{
    struct task *task = &running->task;
    char reason[1000], until[MOMENT_MAX];
    snprintf(reason, sizeof(reason), "%s %s", cause->text, detail);
    if (again->since_ms != 0)
        snprintf(reason, sizeof(reason), "%s %s%sWaits for %s, until %s at the latest.", cause->text, detail,
                 full_stop(detail), cause->waits_for, moment_text(again->until_ms, until));
    task_move(task, TASK_WAITING);
    task->due_at_ms = again->due_at_ms;
    task->lease_until_ms = 0;
    set_text(&task->cause_id, cause->id);
    set_text(&task->reason, reason);
    if (task->due_at_ms < engine->next_due_ms)
        engine->next_due_ms = task->due_at_ms;
    if (running->node != SIZE_MAX && again->since_ms != 0)
        node_tried_by(engine, running->node, task->due_at_ms);
    log_warn("task.retry", "task=%" PRId64 " key=%s node=%s attempt=%" PRId64 " cause=%s detail=%s in_ms=%" PRId64,
             task->id, task->key, node_name(engine, task->node_id), running->attempt.id, cause->id, log_quote(detail),
             task->due_at_ms - engine->batch.now_ms);
    if (!store_update_task(engine->config.store, task, err))
        return false;
    json_t *event = trouble(engine, task, running->attempt.number, cause, detail, task->due_at_ms);
    if (again->since_ms != 0) {
        json_object_set_new(event, "waits_for", json_string(cause->waits_for));
        json_object_set_new(event, "until_ms", json_integer(again->until_ms));
    }
    return note_event(engine, task->service_id, "task.retry", event, err);
}

static bool operation_deploys(struct engine *engine, int64_t operation_id, bool *ret_deploys, struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, operation_id, &operation, err))
        return false;
    *ret_deploys = operation.kind == OPERATION_DEPLOY || operation.kind == OPERATION_REDEPLOY;
    operation_finish(&operation);
    return true;
}

/** A service that was live while it was looked at stays so; what was found wrong is its reason. */
static bool fail_service(struct engine *engine, const struct task *task, const char *reason, const char *reason_key,
                         struct err *err)
{
    bool deploys = false;
    if (!operation_deploys(engine, task->operation_id, &deploys, err))
        return false;
    if (!deploys)
        return set_service_reason(engine, task->service_id, reason, err);
    return set_service(engine, task->service_id, SERVICE_FAILED, reason, reason_key, err) &&
           note_event(engine, task->service_id, "service.failed",
                      json_pack("{s:o}", "reason", note_text(reason, strlen(reason))), err);
}

static bool fail_for_good(struct engine *engine, struct task *task, const struct attempt *attempt,
                          const struct cause *cause, const char *detail, struct err *err)
{
    char reason[1400];
    const char *node = node_name(engine, task->node_id);
    snprintf(reason, sizeof(reason), "%s%s%s: %s %s%s%s", task->action, node[0] == '\0' ? "" : " on ", node,
             cause->text, detail, full_stop(detail), cause->remedy);
    task_move(task, TASK_FAILED);
    task->ended_at_ms = engine->batch.now_ms;
    task->lease_until_ms = 0;
    set_text(&task->cause_id, cause->id);
    set_text(&task->reason, reason);
    char held[200];
    snprintf(held, sizeof(held), "waits for %s, which has failed", task->key);
    log_error("task.failed", "task=%" PRId64 " key=%s node=%s attempt=%" PRId64 " cause=%s detail=%s", task->id,
              task->key, node, attempt->id, cause->id, log_quote(detail));
    return store_update_task(engine->config.store, task, err) &&
           store_hold_dependents(engine->config.store, task->id, held, err) &&
           set_operation_state(engine, task->operation_id, OPERATION_FAILED, err) &&
           note_event(engine, task->service_id, "task.failed", trouble(engine, task, attempt->number, cause, detail, 0),
                      err) &&
           fail_service(engine, task, reason, cause->customer_key, err);
}

/** Whoever did it knows: no ticket. */
bool outcome_fail_by_hand(struct engine *engine, struct task *task, const char *why, struct err *err)
{
    const struct attempt none = { .id = task->attempt_id, .number = task->attempts };
    engine->batch.durable = true;
    return fail_for_good(engine, task, &none, cause_find("task.by-hand"), why, err);
}

static bool fail_with_ticket(struct engine *engine, struct running *running, const struct cause *cause,
                             const char *detail, struct err *err)
{
    return fail_for_good(engine, &running->task, &running->attempt, cause, detail, err) &&
           ticket_failed(engine, running, cause, detail, err);
}

/** It has waited for as long as it may: a person is told for how long. */
static bool give_up_waiting(struct engine *engine, struct running *running, const struct cause *cause,
                            const char *detail, int64_t since_ms, struct err *err)
{
    char waited[500], since[MOMENT_MAX];
    snprintf(waited, sizeof(waited), "%.320s%sIt has waited since %s for %s", detail, full_stop(detail),
             moment_text(since_ms, since), cause->waits_for);
    return fail_with_ticket(engine, running, cause, waited, err);
}

bool outcome_not_done(struct engine *engine, struct running *running, enum verdict verdict, const struct cause *cause,
                      const char *detail, struct err *err)
{
    static const enum attempt_outcome outcomes[] = {
        [VERDICT_RETRY] = ATTEMPT_RETRY, [VERDICT_FAILED] = ATTEMPT_FAILED, [VERDICT_CONFLICT] = ATTEMPT_CONFLICT
    };
    bool ours = false;
    struct again again = { 0 };
    assert(verdict == VERDICT_RETRY || verdict == VERDICT_FAILED || verdict == VERDICT_CONFLICT);
    if (verdict == VERDICT_RETRY && !decide_again(engine, running, cause, &again, err))
        return false;
    bool waits = again.since_ms != 0;
    enum attempt_outcome outcome = waits && again.due_at_ms != 0 ? ATTEMPT_WAITED : outcomes[verdict];
    if (!note_logf(engine, running->attempt.id, err, "%s: %s %s\n", verdict == VERDICT_RETRY ? "not yet" : "refused",
                   cause->text, detail) ||
        !end_attempt(engine, running, outcome, cause->id, detail, &ours, err))
        return false;
    if (ours) {
        if (!waits)
            running->task.attempts++;
        /* What it has begun may be half-done and look whole: the next attempt rebuilds instead of trusting (simulator seed 130). */
        if (running->action != NULL && running_lane(running) == LANE_MAKE && running->result_count > 0)
            running->task.suspect = true;
        bool ok = again.due_at_ms != 0 ? wait_and_retry(engine, running, cause, detail, &again, err)
                  : waits              ? give_up_waiting(engine, running, cause, detail, again.since_ms, err)
                                       : fail_with_ticket(engine, running, cause, detail, err);
        if (!ok)
            return false;
    }
    engine_running_remove(engine, running);
    return true;
}

bool outcome_lost(struct engine *engine, struct running *running, const char *detail, struct err *err)
{
    bool ours = false;
    struct task *task = &running->task;
    if (!note_logf(engine, running->attempt.id, err, "lost: %s; the next attempt looks first and repairs\n", detail) ||
        !end_attempt(engine, running, ATTEMPT_LOST, "node.lost", detail, &ours, err))
        return false;
    task->attempts++;
    const struct cause *cause = cause_find("node.lost");
    struct retry_policy policy = settings_retry(&engine->settings, cause->retry_class);
    if (ours && retry_exhausted(&policy, task->attempts)) {
        if (!fail_with_ticket(engine, running, cause, detail, err))
            return false;
    } else if (ours) {
        task_move(task, TASK_QUEUED);
        task->suspect = true;
        task->lease_until_ms = 0;
        set_text(&task->cause_id, "node.lost");
        engine_queue_touched(engine, task_queue_id(task->node_id, task->lane));
        log_warn("attempt.lost", "task=%" PRId64 " key=%s node=%s attempt=%" PRId64 " cause=%s", task->id, task->key,
                 node_name(engine, task->node_id), running->attempt.id, log_quote(detail));
        if (!store_update_task(engine->config.store, task, err) ||
            !note_event(engine, task->service_id, "task.lost",
                        json_pack("{s:I,s:s,s:o}", "task", (json_int_t)task->id, "key", task->key, "detail",
                                  note_text(detail, strlen(detail))),
                        err))
            return false;
    }
    engine_running_remove(engine, running);
    return true;
}

/** A failed task is tried again. Should another one of the operation have failed as well, the service stays failed and says why:
 * nobody would look for a reason in a service that is being deployed. */
static bool reopen_operation(struct engine *engine, const struct task *retried, struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    const struct task *failed = NULL;
    if (!store_unhold_dependents(engine->config.store, retried->id, err) ||
        !store_list_tasks(engine->config.store, retried->operation_id, &tasks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].state == TASK_FAILED)
            failed = &tasks[i];
    }
    bool deploys = false;
    bool ok = operation_deploys(engine, retried->operation_id, &deploys, err);
    if (ok && failed == NULL) {
        ok = set_operation_state(engine, retried->operation_id, OPERATION_RUNNING, err) &&
             (deploys ? set_service(engine, retried->service_id, SERVICE_DEPLOYING, "", "", err)
                      : set_service_reason(engine, retried->service_id, "", err));
    } else if (ok && deploys) {
        const struct cause *cause = cause_find(failed->cause_id);
        ok = set_service(engine, retried->service_id, SERVICE_FAILED, failed->reason,
                         cause == NULL ? "problem.internal" : cause->customer_key, err);
    }
    tasks_free(tasks, count);
    return ok;
}

bool outcome_retry_by_hand(struct engine *engine, struct task *task, struct err *err)
{
    bool failed = task->state == TASK_FAILED;
    task_move(task, TASK_QUEUED);
    task->attempts = 0;
    task->due_at_ms = engine->batch.now_ms; /* what waits for its node waits since then */
    task->ended_at_ms = 0;
    set_text(&task->reason, "");
    engine->batch.durable = true;
    engine_queue_touched(engine, task_queue_id(task->node_id, task->lane));
    if (!store_update_task(engine->config.store, task, err) ||
        !note_event(engine, task->service_id, "task.retried-by-hand",
                    json_pack("{s:I,s:s}", "task", (json_int_t)task->id, "key", task->key), err))
        return false;
    return !failed || reopen_operation(engine, task, err);
}
