/* customer_state.c - see customer_state.h. */
#include "customer_state.h"

#include <string.h>

#include "core/messages.h"
#include "core/progress.h"

const char *step_state_name(enum step_state state)
{
    static const char *const names[] = {
        [STEP_LATER] = "later",     [STEP_DONE] = "done",       [STEP_WAITING] = "waiting",
        [STEP_WORKING] = "working", [STEP_PROBLEM] = "problem",
    };
    return names[state];
}

static bool was_cancelled(const struct picture *picture)
{
    return picture->operation.state == OPERATION_CANCELLED;
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static enum step_state state_of_task(const struct picture *picture, const struct task *task)
{
    if (view_waits_for_node(task, &picture->catalogue) != NULL)
        return STEP_WAITING;
    switch (task->state) {
    case TASK_BLOCKED:
    case TASK_QUEUED:
    case TASK_CANCELLED:
    case TASK_SUPERSEDED: return STEP_LATER;
    case TASK_RUNNING: return STEP_WORKING;
    case TASK_WAITING: return STEP_WAITING;
    case TASK_HELD: /* behind a step that has failed: nothing to wait for, once that is said */
        return picture->service.status == SERVICE_FAILED ? STEP_LATER : STEP_WAITING;
    case TASK_DONE: return STEP_DONE;
    case TASK_FAILED: return STEP_PROBLEM;
    }
    return STEP_LATER;
}

/* It goes on by itself: at once, or after what is before it and runs. */
static bool goes_on(const struct picture *picture, const struct task *task)
{
    return task->state == TASK_QUEUED || task->state == TASK_RUNNING ||
           (task->state == TASK_BLOCKED && picture->operation.state == OPERATION_RUNNING);
}

/* A step on several servers is done when all are, else what is most worth saying. */
static void look_at_step(const struct picture *picture, struct customer_step *step)
{
    enum step_state worst = STEP_LATER;
    bool all_done = true, some_done = false, going_on = false;
    int64_t began_ms = 0, ended_ms = 0;
    for (size_t i = 0; i < picture->task_count; i++) {
        const struct task *task = &picture->tasks[i];
        if (strcmp(task->label_key, step->key) != 0)
            continue;
        enum step_state state = state_of_task(picture, task);
        all_done = all_done && state == STEP_DONE;
        some_done = some_done || state == STEP_DONE;
        going_on = going_on || goes_on(picture, task);
        if (state != STEP_DONE && state > worst)
            worst = state;
        if (task->started_at_ms != 0 && (began_ms == 0 || task->started_at_ms < began_ms))
            began_ms = task->started_at_ms;
        if (task->ended_at_ms > ended_ms)
            ended_ms = task->ended_at_ms;
    }
    bool in_the_middle = worst == STEP_LATER && some_done && going_on;
    step->state = all_done ? STEP_DONE : in_the_middle ? STEP_WORKING : worst;
    step->took_ms = all_done && began_ms != 0 && ended_ms >= began_ms ? ended_ms - began_ms : -1;
}

static bool has_step(const struct customer_state *state, const char *key)
{
    for (size_t i = 0; i < state->step_count; i++) {
        if (strcmp(state->steps[i].key, key) == 0)
            return true;
    }
    return false;
}

static void find_steps(struct customer_state *state)
{
    const struct picture *picture = &state->picture;
    state->steps = xcalloc(picture->task_count + 1, sizeof(*state->steps));
    for (size_t i = 0; i < picture->task_count; i++) {
        const char *key = picture->tasks[i].label_key;
        if (has_step(state, key))
            continue;
        struct customer_step *step = &state->steps[state->step_count++];
        *step = (struct customer_step){ .key = key, .text = message_text(key) };
        look_at_step(picture, step);
    }
}

/* ---- what is said at the top ---------------------------------------------------------------------------------------- */

/* What the whole service waits for, or one of its tasks; "" when nothing waits. */
static const char *wait_key(struct customer_state *state)
{
    const struct picture *picture = &state->picture;
    if (picture->service.reason_key[0] != '\0')
        return picture->service.reason_key;
    const char *key = "";
    for (size_t i = 0; i < picture->task_count; i++) {
        const struct task *task = &picture->tasks[i];
        if (task->state == TASK_HELD || view_waits_for_node(task, &picture->catalogue) != NULL) {
            state->until_ms = 0; /* nobody knows when it is back */
            return "wait.node";
        }
        if (task->state != TASK_WAITING)
            continue;
        key = strncmp(task->action, "verify.", 7) == 0 ? "wait.verify" : "wait.busy";
        if (state->until_ms == 0 || task->due_at_ms < state->until_ms)
            state->until_ms = task->due_at_ms;
    }
    return key;
}

static void say(struct customer_state *state, const char *tone, const char *message_key)
{
    state->tone = tone;
    state->message = message_text(message_key);
}

/* Who knows of it, and what the customer can do: no more than is true. Who has stopped it knows. */
static const char *help_key(const struct picture *picture)
{
    if (picture->service.status != SERVICE_FAILED || was_cancelled(picture))
        return "";
    if (picture->told)
        return "help.told";
    return picture->may_retry ? "help.retry" : "help.contact";
}

/* A service that was live once is one that is used: it is worked on, not set up, and a cancel leaves it as it is. */
static void say_of_used(struct customer_state *state)
{
    const struct picture *picture = &state->picture;
    if (picture->service.status != SERVICE_FAILED) {
        bool waits = wait_key(state)[0] != '\0';
        say(state, waits ? "wait" : "work", waits ? "again.wait" : "again.work");
    } else if (was_cancelled(picture)) {
        say(state, "good", "");
    } else {
        say(state, "bad", "again.failed");
    }
    state->headline = message_fill("headline.again", "domain", picture->domain);
}

static void say_what_is(struct customer_state *state)
{
    const struct service *service = &state->picture.service;
    const char *key;
    state->help = message_text(help_key(&state->picture));
    if (state->picture.has_panel && service->status != SERVICE_LIVE) {
        say_of_used(state);
        return;
    }
    switch (service->status) {
    case SERVICE_ACCEPTED: say(state, "work", "wait.begin"); break;
    case SERVICE_WAITING: say(state, "wait", wait_key(state)); break;
    case SERVICE_DEPLOYING:
        key = wait_key(state);
        say(state, key[0] == '\0' ? "work" : "wait", key);
        break;
    case SERVICE_LIVE: say(state, "good", ""); break;
    case SERVICE_FAILED:
        say(state, "bad", service->reason_key[0] == '\0' ? "problem.internal" : service->reason_key);
        break;
    case SERVICE_SUSPENDED: say(state, "bad", "problem.suspended"); break;
    case SERVICE_TERMINATED: return;
    }
    CLEANUP(freep) char *headline = xasprintf("headline.%s", service_status_name(service->status));
    state->headline = message_fill(headline, "domain", state->picture.domain);
}

static int percent_of(const struct picture *picture)
{
    if (picture->service.status == SERVICE_LIVE)
        return 100;
    int percent = progress_percent(picture->operation.weight_done, picture->operation.weight_total, 0);
    return percent == 100 ? 99 : percent; /* a full bar is a promise */
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

bool customer_state_load(struct store *store, int64_t service_id, int64_t now_ms, struct customer_state *state,
                         struct err *err)
{
    *state = (struct customer_state){ .message = "", .help = "", .tone = "work" };
    if (!picture_load(store, service_id, now_ms, &state->picture, err))
        return false;
    if (state->picture.service.status == SERVICE_TERMINATED)
        return err_set(err, ERR_NOT_FOUND, "service %lld has ended", (long long)service_id);
    find_steps(state);
    say_what_is(state);
    state->percent = percent_of(&state->picture);
    news_of(&state->picture, &state->news, &state->news_count);
    return true;
}

void customer_state_finish(struct customer_state *state)
{
    free(state->steps);
    free(state->news);
    free(state->headline);
    picture_finish(&state->picture);
    *state = (struct customer_state){ 0 };
}

static json_t *steps_view(const struct customer_state *state)
{
    json_t *list = json_array();
    for (size_t i = 0; i < state->step_count; i++) {
        const struct customer_step *step = &state->steps[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "key", step->key, "text", step->text, "state",
                                              step_state_name(step->state), "took_ms",
                                              step->took_ms < 0 ? json_null() : json_integer(step->took_ms)));
    }
    return list;
}

static json_t *credentials_view(const struct credentials_state *state)
{
    return json_pack("{s:b, s:o, s:b, s:b}", "available", state->available, "shown_at", view_time(state->shown_at_ms),
                     "changing", state->changing, "failed", state->failed);
}

json_t *customer_state_view(const struct customer_state *state)
{
    const struct picture *picture = &state->picture;
    json_t *json =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:i, s:o, s:o}", "seq",
                  (json_int_t)picture->service.event_seq, "status", service_status_name(picture->service.status),
                  "domain", picture->domain, "domain_ascii", picture->service.domain, "headline", state->headline,
                  "message", state->message[0] == '\0' ? json_null() : json_string(state->message), "tone", state->tone,
                  "until", view_time(state->until_ms), "percent", state->percent, "steps", steps_view(state), "panel",
                  customer_panel_view(picture));
    json_object_set_new(json, "credentials", credentials_view(&picture->credentials));
    json_object_set_new(json, "help", state->help[0] == '\0' ? json_null() : json_string(state->help));
    json_object_set_new(json, "can_retry", json_boolean(picture->may_retry));
    json_object_set_new(json, "ticket", json_boolean(picture->told));
    return json;
}

json_t *customer_state_view_eta(const struct customer_state *state)
{
    const struct eta *eta = &state->picture.eta;
    return eta->known ? json_pack("{s:I, s:b}", "seconds", (json_int_t)((eta->p50_ms + 999) / 1000), "sure", eta->sure)
                      : json_null();
}

json_t *customer_state_view_whole(const struct customer_state *state)
{
    json_t *json = customer_state_view(state), *activity = json_array();
    size_t from = state->news_count > ACTIVITY_MAX ? state->news_count - ACTIVITY_MAX : 0;
    for (size_t i = from; i < state->news_count; i++)
        json_array_append_new(activity, news_view(&state->news[i]));
    json_object_set_new(json, "eta", customer_state_view_eta(state));
    json_object_set_new(json, "activity", activity);
    return json;
}
