/* pipeline_plan.c - from a pipeline to the tasks of one service. See pipeline.h. */
#include "core/pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What becomes of each step. */
struct spread {
    bool included;
    size_t first, count; /* its tasks */
};

/* The work at hand. needed is a square, row: who needs, column: what; after closing only between steps that are
 * included. */
struct expanding {
    const struct pipeline *pipeline;
    const struct expansion *input;
    size_t *order; /* of steps: each behind all that it needs, else as in the file */
    struct spread *spreads;
    bool *needed;
    struct plan plan;
};

static bool *needed_row(const struct expanding *work, size_t step)
{
    return work->needed + step * work->pipeline->step_count;
}

static bool step_is_included(const struct pipeline_step *step, const struct expansion *input)
{
    if (step->role != ROLE_NONE && !(input->roles & ROLE_BIT(step->role)))
        return false;
    switch (step->when) {
    case PIPELINE_ALWAYS: return true;
    case PIPELINE_WHEN_MAILBOX: return input->mailbox;
    case PIPELINE_WHEN_PASSWORD: return input->passwords;
    case PIPELINE_WHEN_BOTH: return input->passwords && input->mailbox;
    }
    abort();
}

static bool roles_have_nodes(const struct expansion *input, struct err *err)
{
    if ((input->roles & ROLE_BIT(ROLE_WEB)) && input->web_node == 0)
        return err_set(err, ERR_INVALID, "expand: the role web has no node");
    if ((input->roles & ROLE_BIT(ROLE_MAIL)) && input->mail_node == 0)
        return err_set(err, ERR_INVALID, "expand: the role mail has no node");
    if ((input->roles & ROLE_BIT(ROLE_DNS)) && input->dns_count == 0)
        return err_set(err, ERR_INVALID, "expand: the role dns has no node");
    return true;
}

/* The first step of the file, again and again, whose needs have all been put down. There is no circle: the load saw to
 * it. */
static void order_steps(struct expanding *work)
{
    const struct pipeline *pipeline = work->pipeline;
    bool done[PIPELINE_STEPS_MAX] = { false };
    for (size_t count = 0; count < pipeline->step_count; count++) {
        for (size_t i = 0; i < pipeline->step_count; i++) {
            bool ready = !done[i];
            for (size_t k = 0; ready && k < pipeline->steps[i].needs_count; k++)
                ready = done[pipeline->steps[i].needs[k]];
            if (ready) {
                done[i] = true;
                work->order[count] = i;
                break;
            }
        }
    }
}

/* In order, so that the row of what is left out is complete before anybody takes it over. */
static void close_needs(struct expanding *work)
{
    size_t count = work->pipeline->step_count;
    for (size_t o = 0; o < count; o++) {
        size_t i = work->order[o];
        const struct pipeline_step *step = &work->pipeline->steps[i];
        work->spreads[i].included = step_is_included(step, work->input);
        bool *row = needed_row(work, i);
        for (size_t k = 0; k < step->needs_count; k++) {
            size_t need = step->needs[k];
            if (work->spreads[need].included) {
                row[need] = true;
                continue;
            }
            const bool *inherited = needed_row(work, need);
            for (size_t j = 0; j < count; j++)
                row[j] = row[j] || inherited[j];
        }
    }
}

static int64_t step_node(const struct pipeline_step *step, const struct expansion *input, size_t nth)
{
    if (step->lane == TASK_LANE_PROBE || step->lane == TASK_LANE_NONE)
        return 0;
    switch (step->role) {
    case ROLE_NONE: return 0;
    case ROLE_WEB: return input->web_node;
    case ROLE_MAIL: return input->mail_node;
    case ROLE_DNS: return input->dns_nodes[nth];
    }
    abort();
}

static bool add_tasks(struct expanding *work, struct err *err)
{
    struct plan *plan = &work->plan;
    for (size_t o = 0; o < work->pipeline->step_count; o++) {
        struct spread *spread = &work->spreads[work->order[o]];
        const struct pipeline_step *step = &work->pipeline->steps[work->order[o]];
        if (!spread->included)
            continue;
        spread->first = plan->task_count;
        spread->count = step->each ? work->input->dns_count : 1;
        if (spread->count > PLAN_TASKS_MAX - plan->task_count)
            return err_set(err, ERR_INVALID, "expand: more than %d tasks", PLAN_TASKS_MAX);
        plan->tasks = xrealloc(plan->tasks, (plan->task_count + spread->count) * sizeof(*plan->tasks));
        for (size_t nth = 0; nth < spread->count; nth++) {
            plan->tasks[plan->task_count++] = (struct plan_task){
                .key = step->each ? xasprintf("%s@%s", step->key, work->input->dns_names[nth]) : xstrdup(step->key),
                .action = xstrdup(step->action),
                .label_key = xstrdup(step->label),
                .role = step->role,
                .node_id = step_node(step, work->input, nth),
                .lane = step->lane,
                .timeout = step->timeout,
                .weight = step->weight,
            };
            plan->weight_total += step->weight;
        }
    }
    return true;
}

static void add_edge(struct plan *plan, size_t *capacity, size_t from, size_t to)
{
    if (plan->edge_count == *capacity) {
        *capacity = *capacity > 0 ? *capacity * 2 : 64;
        plan->edges = xrealloc(plan->edges, *capacity * sizeof(*plan->edges));
    }
    plan->edges[plan->edge_count++] = (struct plan_edge){ from, to };
    plan->tasks[to].needs_left++;
}

static void add_edges(struct expanding *work)
{
    const struct pipeline *pipeline = work->pipeline;
    size_t capacity = 0;
    for (size_t o = 0; o < pipeline->step_count; o++) {
        size_t to = work->order[o];
        if (!work->spreads[to].included)
            continue;
        for (size_t from = 0; from < pipeline->step_count; from++) {
            if (!needed_row(work, to)[from])
                continue;
            bool same_node_only = pipeline->steps[from].each && pipeline->steps[to].each &&
                                  pipeline->steps[from].role == pipeline->steps[to].role;
            for (size_t i = 0; i < work->spreads[from].count; i++) {
                for (size_t k = 0; k < work->spreads[to].count; k++) {
                    if (!same_node_only || i == k)
                        add_edge(&work->plan, &capacity, work->spreads[from].first + i, work->spreads[to].first + k);
                }
            }
        }
    }
}

bool pipeline_expand(const struct pipeline *pipeline, const struct expansion *input, struct plan *ret_plan,
                     struct err *err)
{
    if (!roles_have_nodes(input, err))
        return false;
    size_t count = pipeline->step_count;
    CLEANUP(freep) size_t *order = xcalloc(count, sizeof(*order));
    CLEANUP(freep) struct spread *spreads = xcalloc(count, sizeof(*spreads));
    CLEANUP(freep) bool *needed = xcalloc(count * count, sizeof(*needed));
    struct expanding work = {
        .pipeline = pipeline, .input = input, .order = order, .spreads = spreads, .needed = needed
    };
    order_steps(&work);
    close_needs(&work);
    if (!add_tasks(&work, err)) {
        plan_finish(&work.plan);
        return false;
    }
    add_edges(&work);
    *ret_plan = work.plan;
    return true;
}

static bool is_report(const struct plan_task *task)
{
    return task->lane == TASK_LANE_NONE && strcmp(task->action, "live") == 0;
}

static bool sets_password(const struct plan_task *task)
{
    size_t length = strlen(task->action);
    return length > 8 && strcmp(task->action + length - 8, "password") == 0;
}

static bool is_kept(const struct plan_task *task, enum operation_kind kind)
{
    if (task->lane == TASK_LANE_NONE)
        return is_report(task);
    if (kind == OPERATION_PASSWORD)
        return sets_password(task) || strcmp(task->action, "verify.mail") == 0;
    return kind != OPERATION_PLAN || task->lane == TASK_LANE_MAKE || task->lane == TASK_LANE_LOOK;
}

static void plan_task_finish(struct plan_task *task)
{
    free(task->key);
    free(task->action);
    free(task->label_key);
}

/* Tasks move up over those that are left out. @param ret_at where each is now; SIZE_MAX: nowhere */
static void keep_tasks(struct plan *plan, enum operation_kind kind, size_t *ret_at)
{
    size_t kept = 0;
    plan->weight_total = 0;
    for (size_t i = 0; i < plan->task_count; i++) {
        struct plan_task *task = &plan->tasks[i];
        ret_at[i] = SIZE_MAX;
        if (!is_kept(task, kind)) {
            plan_task_finish(task);
            continue;
        }
        task->needs_left = 0;
        plan->weight_total += task->weight;
        ret_at[i] = kept;
        plan->tasks[kept++] = *task;
    }
    plan->task_count = kept;
}

static void keep_edges(struct plan *plan, const size_t *at)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->edge_count; i++) {
        struct plan_edge edge = { at[plan->edges[i].from], at[plan->edges[i].to] };
        if (edge.from == SIZE_MAX || edge.to == SIZE_MAX)
            continue;
        plan->tasks[edge.to].needs_left++;
        plan->edges[kept++] = edge;
    }
    plan->edge_count = kept;
}

/* Looks need nothing of each other. */
static void only_look(struct plan *plan)
{
    plan->edge_count = 0;
    for (size_t i = 0; i < plan->task_count; i++) {
        plan->tasks[i].needs_left = 0;
        if (i + 1 < plan->task_count)
            plan->tasks[i].lane = TASK_LANE_LOOK;
    }
}

/* The report, which stands last, needs all. */
static void report_on_all(struct plan *plan)
{
    size_t last = plan->task_count - 1, capacity = plan->edge_count, kept = 0;
    for (size_t i = 0; i < plan->edge_count; i++) {
        if (plan->edges[i].to != last)
            plan->edges[kept++] = plan->edges[i];
    }
    plan->edge_count = kept;
    plan->tasks[last].needs_left = 0;
    for (size_t i = 0; i < last; i++)
        add_edge(plan, &capacity, i, last);
}

void plan_adapt(struct plan *plan, enum operation_kind kind)
{
    if (kind != OPERATION_VERIFY && kind != OPERATION_PLAN && kind != OPERATION_PASSWORD)
        return;
    CLEANUP(freep) size_t *at = xcalloc(plan->task_count, sizeof(*at));
    keep_tasks(plan, kind, at);
    keep_edges(plan, at);
    assert(plan->task_count > 0 && is_report(&plan->tasks[plan->task_count - 1]));
    free(plan->tasks[plan->task_count - 1].action);
    plan->tasks[plan->task_count - 1].action = xstrdup("report");
    if (kind == OPERATION_PLAN)
        only_look(plan);
    if (kind != OPERATION_VERIFY)
        report_on_all(plan);
}

void plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->task_count; i++)
        plan_task_finish(&plan->tasks[i]);
    free(plan->tasks);
    free(plan->edges);
    *plan = (struct plan){ 0 };
}
