/* operation.c - what people do to a service that is there: redeploy, verify, plan, cancel, and trying again or giving up what is
 * stuck. Which of them may follow which is in docs/operations.md. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/messages.h"
#include "engine/internal.h"

#define RETRY_MAX 5000 /* tasks in one request */
#define EVENTS_AT_ONCE 500

static bool refuse(struct request *request, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
static bool refuse(struct request *request, enum err_code code, const char *format, ...)
{
    char text[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    request->ok = false;
    err_set_field(&request->err, code, "id", "%s", text);
    return true;
}

bool operation_find_service(struct engine *engine, struct request *request, struct service *ret_service,
                            bool *ret_found, struct err *err)
{
    *ret_found = store_get_service(engine->config.store, request->target_id, ret_service, &request->err);
    if (*ret_found || request->err.code == ERR_NOT_FOUND)
        return true;
    *err = request->err;
    return false;
}

/* ---- ending what runs ---------------------------------------------------------------------------------------------------- */

static bool give_up_attempts(struct engine *engine, int64_t operation_id, const char *why, struct err *err)
{
    for (struct running *running = engine->running, *next = NULL; running != NULL; running = next) {
        next = running->next;
        if (running->request == NULL && !running->given_up && running->task.operation_id == operation_id &&
            !attempt_give_up(engine, running, why, err))
            return false;
    }
    return true;
}

static bool end_operation(struct engine *engine, struct operation *operation, enum operation_state state,
                          const char *why, struct err *err)
{
    enum task_state task_state = state == OPERATION_CANCELLED ? TASK_CANCELLED : TASK_SUPERSEDED;
    struct store *store = engine->config.store;
    operation->state = state;
    operation->ended_at_ms = engine->batch.now_ms;
    engine->batch.durable = true;
    log_info("operation.ended", "operation=%" PRId64 " service=%" PRId64 " kind=%s state=%s", operation->id,
             operation->service_id, operation_kind_name(operation->kind), operation_state_name(state));
    return (state != OPERATION_CANCELLED || step_drop_next(engine, operation->id, err)) &&
           store_end_unfinished_tasks(store, operation->id, task_state, why, engine->batch.now_ms, err) &&
           give_up_attempts(engine, operation->id, why, err) && store_update_operation(store, operation, err) &&
           note_event(engine, operation->service_id,
                      state == OPERATION_CANCELLED ? "operation.cancelled" : "operation.superseded",
                      json_pack("{s:I,s:s,s:o}", "id", (json_int_t)operation->id, "operation",
                                operation_kind_name(operation->kind), "why", note_text(why, strlen(why))),
                      err);
}

static bool end_operations(struct engine *engine, struct operation *operations, size_t count,
                           enum operation_state state, const char *why, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!end_operation(engine, &operations[i], state, why, err))
            return false;
    }
    return true;
}

/* ---- starting another ------------------------------------------------------------------------------------------------------ */

/** The rule of docs/operations.md. @return false: refused, or answered with the one that runs already */
static bool may_start(struct request *request, const struct service *service, const struct operation *open,
                      size_t open_count)
{
    const struct operation *runs = NULL;
    const char *kind = operation_kind_name(request->operation);
    if (service->status == SERVICE_TERMINATED)
        return !refuse(request, ERR_CONFLICT, "the service has been terminated");
    if (service->operation_id == 0)
        return !refuse(request, ERR_CONFLICT, "nothing has been built yet: the service is %s%s%s",
                       service_status_name(service->status), service->reason[0] == '\0' ? "" : ": ", service->reason);
    for (size_t i = 0; i < open_count; i++) {
        if (open[i].state == OPERATION_RUNNING)
            runs = &open[i];
    }
    if (runs != NULL && runs->kind == request->operation) {
        request->ok = request->existing = true;
        request->id = runs->id;
        return false;
    }
    if (request->operation == OPERATION_REDEPLOY)
        return true;
    if (runs != NULL)
        return !refuse(request, ERR_CONFLICT, "a %s is running: wait for its end or cancel it, then %s",
                       operation_kind_name(runs->kind), kind);
    if (request->operation == OPERATION_VERIFY && service->status != SERVICE_LIVE)
        return !refuse(request, ERR_CONFLICT, "the service is %s, only a live one can be verified: redeploy it",
                       service_status_name(service->status));
    if (request->operation == OPERATION_PASSWORD && service->status != SERVICE_LIVE)
        return !refuse(request, ERR_CONFLICT, "the service is %s, only a live one can get new passwords: redeploy it",
                       service_status_name(service->status));
    return true;
}

static const char *who_asks(const struct request *request)
{
    return request->who == NULL ? "" : request->who;
}

static bool expand(struct engine *engine, struct request *request, int64_t service_id, enum operation_kind kind,
                   struct err *err)
{
    engine->batch.durable = true;
    request->ok = engine_expand_again(engine, service_id, kind, who_asks(request), &request->id, err);
    return request->ok;
}

bool operation_redeploy(struct engine *engine, struct request *request, int64_t service_id, struct err *err)
{
    struct operation *open = NULL;
    size_t count = 0;
    const char *who = who_asks(request);
    CLEANUP(freep)
    char *why = xasprintf("a redeploy takes its place%s%s", who[0] == '\0' ? "" : ", asked for by ", who);
    if (!store_list_open_operations(engine->config.store, service_id, &open, &count, err))
        return false;
    bool ok = end_operations(engine, open, count, OPERATION_SUPERSEDED, why, err) &&
              expand(engine, request, service_id, OPERATION_REDEPLOY, err);
    operations_free(open, count);
    return ok;
}

/** A verify, plan or change of passwords that has failed makes room for the next one. */
static bool look_again(struct engine *engine, struct request *request, struct operation *open, size_t count,
                       struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (open[i].kind == request->operation &&
            !end_operation(engine, &open[i], OPERATION_SUPERSEDED, "a newer one takes its place", err))
            return false;
    }
    return expand(engine, request, request->target_id, request->operation, err);
}

bool engine_operate(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    struct operation *open = NULL;
    size_t count = 0;
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    bool ok = !found || store_list_open_operations(engine->config.store, service.id, &open, &count, err);
    bool may = false;
    ok = ok && (!found || deed_may_start(engine, request, &service, open, count, &may, err));
    if (ok && may && may_start(request, &service, open, count))
        ok = (request->operation == OPERATION_REDEPLOY ? operation_redeploy(engine, request, service.id, err)
                                                       : look_again(engine, request, open, count, err)) &&
             deed_started(engine, request, err);
    operations_free(open, count);
    service_finish(&service);
    return ok;
}

/* ---- cancel ------------------------------------------------------------------------------------------------------------------ */

/** A service that was being deployed stays as far as it got; one that was only verified stays as it is. */
static bool leave_service(struct engine *engine, struct service *service, const char *why, struct err *err)
{
    if (service->status != SERVICE_DEPLOYING && service->status != SERVICE_FAILED)
        return true;
    free(service->reason);
    free(service->reason_key);
    service->status = SERVICE_FAILED;
    service->reason = xasprintf("%s. Redeploy the service to go on.", why);
    service->reason_key = xstrdup("problem.stopped");
    service->updated_at_ms = engine->batch.now_ms;
    return store_update_service(engine->config.store, service, err);
}

bool operation_cancel(struct engine *engine, struct service *service, const char *why, size_t *ret_count,
                      struct err *err)
{
    struct operation *open = NULL;
    bool deploys = false;
    if (!store_list_open_operations(engine->config.store, service->id, &open, ret_count, err))
        return false;
    for (size_t i = 0; i < *ret_count; i++)
        deploys |= open[i].kind == OPERATION_DEPLOY || open[i].kind == OPERATION_REDEPLOY;
    bool ok = end_operations(engine, open, *ret_count, OPERATION_CANCELLED, why, err) &&
              (!deploys || leave_service(engine, service, why, err));
    operations_free(open, *ret_count);
    return ok;
}

bool engine_cancel(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    if (!found)
        return true;
    size_t count = 0;
    CLEANUP(freep) char *why = xasprintf("It was cancelled by %s", request->who == NULL ? "staff" : request->who);
    bool ok = operation_cancel(engine, &service, why, &count, err);
    request->ok = ok && count > 0;
    request->id = service.id;
    if (ok && count == 0)
        refuse(request, ERR_CONFLICT, "nothing is under way: the service is %s", service_status_name(service.status));
    service_finish(&service);
    return ok;
}

/* ---- again, by hand ------------------------------------------------------------------------------------------------------------ */

static bool find_task(struct engine *engine, struct request *request, struct task *ret_task, bool *ret_found,
                      struct err *err)
{
    *ret_found = store_get_task(engine->config.store, request->target_id, ret_task, &request->err);
    request->id = request->target_id;
    if (*ret_found || request->err.code == ERR_NOT_FOUND)
        return true;
    *err = request->err;
    return false;
}

static bool can_be_retried(const struct task *task)
{
    return task->state == TASK_FAILED || task->state == TASK_WAITING;
}

bool engine_retry_task(struct engine *engine, struct request *request, struct err *err)
{
    struct task task = { 0 };
    bool found = false;
    if (!find_task(engine, request, &task, &found, err))
        return false;
    request->ok = found && can_be_retried(&task);
    if (found && !request->ok)
        refuse(request, ERR_CONFLICT, "the task is %s: only one that has failed or waits can be retried",
               task_state_name(task.state));
    bool stored = !request->ok || outcome_retry_by_hand(engine, &task, err);
    task_finish(&task);
    return stored;
}

static bool retry_operation(struct engine *engine, struct request *request, int64_t operation_id, struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    if (!store_list_tasks(engine->config.store, operation_id, &tasks, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (!can_be_retried(&tasks[i]))
            continue;
        ok = outcome_retry_by_hand(engine, &tasks[i], err);
        request->count++;
    }
    tasks_free(tasks, count);
    return ok;
}

bool engine_retry_service(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    struct operation *open = NULL;
    size_t count = 0;
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    bool ok = !found || store_list_open_operations(engine->config.store, service.id, &open, &count, err);
    bool may = false;
    ok = ok && (!found || deed_may_start(engine, request, &service, open, count, &may, err));
    for (size_t i = 0; ok && may && i < count; i++)
        ok = retry_operation(engine, request, open[i].id, err);
    request->id = service.id;
    request->ok = found && request->count > 0;
    ok = ok && deed_started(engine, request, err);
    if (ok && may && request->count == 0)
        refuse(request, ERR_CONFLICT, "%s",
               request->by_customer ? message_text("page.deed.no-retry")
                                    : "nothing of it has failed or waits to be tried again");
    operations_free(open, count);
    service_finish(&service);
    return ok;
}

bool engine_retry_node(struct engine *engine, struct request *request, struct err *err)
{
    CLEANUP(freep) int64_t *ids = xcalloc(RETRY_MAX, sizeof(*ids));
    size_t count = 0;
    if (!store_list_troubled(engine->config.store, request->target_id, RETRY_MAX, ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct task task = { 0 };
        bool ok = store_get_task(engine->config.store, ids[i], &task, err) && outcome_retry_by_hand(engine, &task, err);
        task_finish(&task);
        if (!ok)
            return false;
    }
    request->ok = true;
    request->id = request->target_id;
    request->count = (int64_t)count;
    return true;
}

/* ---- given up by hand ------------------------------------------------------------------------------------------------------------ */

bool engine_fail_task(struct engine *engine, struct request *request, struct err *err)
{
    struct task task = { 0 };
    bool found = false;
    if (!find_task(engine, request, &task, &found, err))
        return false;
    request->ok = found && (task.state == TASK_QUEUED || task.state == TASK_RUNNING || task.state == TASK_WAITING);
    if (found && !request->ok)
        refuse(request, ERR_CONFLICT, "the task is %s: only one that is queued, runs or waits can be failed by hand",
               task_state_name(task.state));
    CLEANUP(freep) char *why = xasprintf("failed by hand by %s", request->who == NULL ? "staff" : request->who);
    struct running *running = request->ok ? engine_running_of_task(engine, task.id) : NULL;
    task.suspect = task.suspect || running != NULL;
    bool ok = !request->ok || ((running == NULL || attempt_give_up(engine, running, why, err)) &&
                               outcome_fail_by_hand(engine, &task, why, err));
    task_finish(&task);
    return ok;
}

/* ---- the end of verify, plan and new passwords ---------------------------------------------------------------------------------------------------- */

/** What task.done events of this operation say of a change, oldest first. */
static void add_step(json_t *steps, const json_t *data)
{
    if (!json_is_true(json_object_get(data, "changed")))
        return;
    json_array_append_new(steps, json_pack("{s:O,s:O,s:O}", "key", json_object_get(data, "key"), "node",
                                           json_object_get(data, "node"), "note", json_object_get(data, "note")));
}

static void read_event(const struct event *event, json_t *steps)
{
    json_t *data = NULL;
    if (strcmp(event->kind, "operation.started") == 0)
        json_array_clear(steps); /* what came before was another operation's */
    else if (strcmp(event->kind, "task.done") == 0 && (data = json_loads(event->data, 0, NULL)) != NULL)
        add_step(steps, data);
    json_decref(data);
}

static bool collect_steps(struct engine *engine, int64_t service_id, json_t *steps, struct err *err)
{
    for (int64_t after = 0;;) {
        struct event *events = NULL;
        size_t count = 0;
        if (!store_list_events(engine->config.store, service_id, after, EVENTS_AT_ONCE, &events, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            read_event(&events[i], steps);
        after = count == 0 ? after : events[count - 1].seq;
        events_free(events, count);
        if (count < EVENTS_AT_ONCE)
            return true;
    }
}

static bool report_steps(struct engine *engine, const struct operation *operation, struct err *err)
{
    json_t *steps = json_array();
    if (!collect_steps(engine, operation->service_id, steps, err)) {
        json_decref(steps);
        return false;
    }
    bool verified = operation->kind == OPERATION_VERIFY;
    log_info(verified ? "service.verified" : "service.planned", "service=%" PRId64 " changes=%zu",
             operation->service_id, json_array_size(steps));
    return (!verified || ticket_recovered(engine, operation->service_id, err)) &&
           note_event(engine, operation->service_id, verified ? "service.verified" : "service.planned",
                      json_pack("{s:I,s:I,s:o}", "id", (json_int_t)operation->id, "changes",
                                (json_int_t)json_array_size(steps), "steps", steps),
                      err);
}

static bool report_passwords(struct engine *engine, const struct operation *operation, struct err *err)
{
    log_info("service.passwords-changed", "service=%" PRId64, operation->service_id);
    return ticket_recovered_from(engine, operation->service_id, OPERATION_PASSWORD, err) &&
           note_event(engine, operation->service_id, "credentials.changed",
                      json_pack("{s:I}", "id", (json_int_t)operation->id), err);
}

bool operation_report(struct engine *engine, const struct task *task, struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, task->operation_id, &operation, err))
        return false;
    bool ok = operation.kind == OPERATION_PASSWORD ? report_passwords(engine, &operation, err)
                                                   : report_steps(engine, &operation, err);
    operation_finish(&operation);
    return ok;
}
