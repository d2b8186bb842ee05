/* eta.c - see eta.h.
 *
 * Two steps. First the order in which each node will do its changes, found by letting everything run from its beginning; it does
 * not depend on the clock. Then, in this order, when each task ends. Were the order found anew at every moment, a task that
 * ends earlier could make everything end later (the node takes up another one first), and the time left would grow while nothing
 * happens. */
#include "core/eta.h"

#include <string.h>

#include "base/util.h"

#define NO_SLOT SIZE_MAX
#define REST_MS 100 /* the least that a task which should be over is given, unless it is shorter than that anyway */

struct work {
    const struct eta_graph *graph;
    int64_t now_ms;
    size_t *slots;    /* per task: which node's changes it is one of, NO_SLOT: of none */
    int64_t *free_ms; /* per slot: when it is free */
    size_t slot_count;
    size_t *order; /* unfinished tasks */
    size_t order_count;
    size_t *needs_left;
    int64_t *ready_ms, *start_ms, *end_ms; /* per task, from now */
};

static bool is_finished(const struct eta_task *task)
{
    return task_state_is_final(task->state) || task->state == TASK_FAILED;
}

static bool is_change(const struct eta_task *task)
{
    return task->node_id != 0 && (task->lane == TASK_LANE_MAKE || task->lane == TASK_LANE_RELOAD);
}

/* ---- durations ---------------------------------------------------------------------------------------------------------- */

static int64_t elapsed_ms(const struct eta_task *task, int64_t now_ms)
{
    int64_t elapsed = now_ms - task->started_at_ms;
    return task->state == TASK_RUNNING && elapsed > 0 ? elapsed : 0;
}

static int64_t left_ms(const struct eta_task *task, int64_t whole_ms, int64_t now_ms)
{
    int64_t rest_ms = task->time.p50_ms / 10 > REST_MS ? task->time.p50_ms / 10 : REST_MS;
    if (rest_ms > task->time.p50_ms)
        rest_ms = task->time.p50_ms;
    int64_t left = whole_ms - elapsed_ms(task, now_ms);
    return left > rest_ms ? left : rest_ms;
}

static int64_t wait_ms(const struct eta_task *task, int64_t now_ms)
{
    return task->state == TASK_WAITING && task->due_at_ms > now_ms ? task->due_at_ms - now_ms : 0;
}

/* ---- the order ---------------------------------------------------------------------------------------------------------- */

static void find_slots(struct work *work)
{
    const struct eta_graph *graph = work->graph;
    for (size_t i = 0; i < graph->task_count; i++) {
        work->slots[i] = NO_SLOT;
        if (!is_change(&graph->tasks[i]))
            continue;
        for (size_t j = 0; j < i && work->slots[i] == NO_SLOT; j++) {
            if (graph->tasks[j].node_id == graph->tasks[i].node_id)
                work->slots[i] = work->slots[j];
        }
        if (work->slots[i] == NO_SLOT)
            work->slots[i] = work->slot_count++;
    }
}

static void release(struct work *work, size_t task, int64_t end_ms)
{
    const struct eta_graph *graph = work->graph;
    for (size_t i = 0; i < graph->edge_count; i++) {
        size_t to = graph->edges[i].to;
        if (graph->edges[i].from != task)
            continue;
        work->needs_left[to]--;
        if (work->ready_ms[to] < end_ms)
            work->ready_ms[to] = end_ms;
    }
}

static int64_t earliest_ms(const struct work *work, size_t task)
{
    int64_t ready_ms = work->ready_ms[task], free_ms = 0;
    if (work->slots[task] != NO_SLOT)
        free_ms = work->free_ms[work->slots[task]];
    return ready_ms > free_ms ? ready_ms : free_ms;
}

/** What runs comes first, then what can begin first; a reload behind the changes, as the engine does it. */
static bool comes_before(const struct work *work, size_t task, size_t other)
{
    const struct eta_task *a = &work->graph->tasks[task], *b = &work->graph->tasks[other];
    if ((a->state == TASK_RUNNING) != (b->state == TASK_RUNNING))
        return a->state == TASK_RUNNING;
    int64_t a_ms = earliest_ms(work, task), b_ms = earliest_ms(work, other);
    return a_ms != b_ms ? a_ms < b_ms : a->lane != TASK_LANE_RELOAD && b->lane == TASK_LANE_RELOAD;
}

static size_t next_in_order(const struct work *work, const bool *ordered)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < work->graph->task_count; i++) {
        if (!ordered[i] && work->needs_left[i] == 0 && (best == SIZE_MAX || comes_before(work, i, best)))
            best = i;
    }
    return best;
}

static void count_needs(struct work *work)
{
    for (size_t i = 0; i < work->graph->edge_count; i++)
        work->needs_left[work->graph->edges[i].to]++;
}

/** @return false when the tasks need each other in a circle: the records are damaged */
static bool find_order(struct work *work)
{
    const struct eta_graph *graph = work->graph;
    size_t finished = 0;
    CLEANUP(freep) bool *ordered = xcalloc(graph->task_count + 1, sizeof(*ordered));
    count_needs(work);
    for (size_t i = 0; i < graph->task_count; i++) {
        if (is_finished(&graph->tasks[i])) {
            ordered[i] = true;
            finished++;
            release(work, i, 0);
        }
    }
    for (;;) {
        size_t next = next_in_order(work, ordered);
        if (next == SIZE_MAX)
            break;
        int64_t end_ms = earliest_ms(work, next) + graph->tasks[next].time.p50_ms;
        if (work->slots[next] != NO_SLOT)
            work->free_ms[work->slots[next]] = end_ms;
        ordered[next] = true;
        work->order[work->order_count++] = next;
        release(work, next, end_ms);
    }
    return work->order_count + finished == graph->task_count;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

static int64_t ahead_ms(const struct work *work, int64_t node_id)
{
    for (size_t i = 0; i < work->graph->queue_count; i++) {
        if (work->graph->queues[i].node_id == node_id)
            return work->graph->queues[i].ahead_ms;
    }
    return 0;
}

static void place_task(struct work *work, size_t index, int64_t whole_ms)
{
    const struct eta_task *task = &work->graph->tasks[index];
    bool runs = task->state == TASK_RUNNING;
    int64_t start_ms = runs ? 0 : earliest_ms(work, index), wait = wait_ms(task, work->now_ms);
    start_ms = start_ms > wait ? start_ms : wait;
    work->start_ms[index] = start_ms - elapsed_ms(task, work->now_ms);
    work->end_ms[index] = start_ms + left_ms(task, whole_ms, work->now_ms);
    if (work->slots[index] != NO_SLOT)
        work->free_ms[work->slots[index]] = work->end_ms[index];
}

/** What runs on a node ends, then come the others that are ahead, then the rest. */
static void let_others_go_first(struct work *work, bool *went, size_t index)
{
    size_t slot = work->slots[index];
    if (slot == NO_SLOT || went[slot] || work->graph->tasks[index].state == TASK_RUNNING)
        return;
    went[slot] = true;
    work->free_ms[slot] += ahead_ms(work, work->graph->tasks[index].node_id);
}

/** @param use_p90  how long each task takes @return when all is over, from now; start_ms and end_ms are filled */
static int64_t run(struct work *work, bool use_p90)
{
    const struct eta_graph *graph = work->graph;
    int64_t last_ms = 0;
    CLEANUP(freep) bool *went = xcalloc(work->slot_count + 1, sizeof(*went));
    memset(work->ready_ms, 0, graph->task_count * sizeof(*work->ready_ms));
    memset(work->free_ms, 0, work->slot_count * sizeof(*work->free_ms));
    memset(work->needs_left, 0, graph->task_count * sizeof(*work->needs_left));
    count_needs(work);
    for (size_t i = 0; i < work->order_count; i++) {
        size_t index = work->order[i];
        const struct step_time *time = &graph->tasks[index].time;
        let_others_go_first(work, went, index);
        place_task(work, index, use_p90 ? time->p90_ms : time->p50_ms);
        release(work, index, work->end_ms[index]);
        last_ms = last_ms > work->end_ms[index] ? last_ms : work->end_ms[index];
    }
    return last_ms;
}

/* ---- the chain that decides --------------------------------------------------------------------------------------------- */

/** How it was: moments of what has ended. */
static void place_finished(struct work *work)
{
    for (size_t i = 0; i < work->graph->task_count; i++) {
        const struct eta_task *task = &work->graph->tasks[i];
        if (!is_finished(task))
            continue;
        work->end_ms[i] = task->ended_at_ms - work->now_ms;
        work->start_ms[i] = task->started_at_ms == 0 ? work->end_ms[i] : task->started_at_ms - work->now_ms;
    }
}

/** Neither cancelled before it began nor failed unseen: it has or will have a time. */
static bool has_time(const struct eta_task *task)
{
    return !is_finished(task) || (task->ended_at_ms != 0 && (task->started_at_ms != 0 || task->state == TASK_DONE));
}

/** What is still to end ends last, whatever a clock that was set back says. */
static bool ends_later(const struct work *work, size_t task, size_t other)
{
    bool finished = is_finished(&work->graph->tasks[task]), other_finished = is_finished(&work->graph->tasks[other]);
    return finished != other_finished ? other_finished : work->end_ms[task] >= work->end_ms[other];
}

/** What a task began behind; SIZE_MAX: nothing. Where two ended at once, what it needs counts. */
static size_t before_on_chain(const struct work *work, size_t task)
{
    const struct eta_graph *graph = work->graph;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < graph->edge_count; i++) {
        size_t from = graph->edges[i].from;
        if (graph->edges[i].to == task && has_time(&graph->tasks[from]) &&
            (best == SIZE_MAX || ends_later(work, from, best)))
            best = from;
    }
    for (size_t i = 0; i < graph->task_count; i++) {
        if (i != task && work->slots[i] == work->slots[task] && work->slots[i] != NO_SLOT &&
            has_time(&graph->tasks[i]) && work->end_ms[i] <= work->start_ms[task] &&
            (best == SIZE_MAX || work->end_ms[i] > work->end_ms[best]))
            best = i;
    }
    return best;
}

static void mark_chain(struct work *work, struct eta_graph *graph)
{
    size_t last = SIZE_MAX;
    place_finished(work);
    for (size_t i = 0; i < graph->task_count; i++) {
        if (has_time(&graph->tasks[i]) && (last == SIZE_MAX || ends_later(work, i, last)))
            last = i;
    }
    /* a clock that was set back may have bent the moments into a circle */
    for (size_t place = 1; last != SIZE_MAX && graph->tasks[last].critical == 0; place++) {
        graph->tasks[last].critical = place;
        last = before_on_chain(work, last);
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------ */

static bool is_known(const struct eta_graph *graph, int64_t now_ms)
{
    for (size_t i = 0; i < graph->task_count; i++) {
        const struct eta_task *task = &graph->tasks[i];
        if (task->state == TASK_HELD || task->state == TASK_FAILED || wait_ms(task, now_ms) > ETA_WAIT_MAX_MS)
            return false;
    }
    for (size_t i = 0; i < graph->queue_count; i++) {
        if (graph->queues[i].endless)
            return false;
    }
    return true;
}

static bool is_sure(const struct eta_graph *graph, int64_t now_ms, int64_t p50_ms)
{
    for (size_t i = 0; i < graph->task_count; i++) {
        const struct eta_task *task = &graph->tasks[i];
        if (!is_finished(task) && (!task->time.known || !task->time.sure || task->state == TASK_WAITING ||
                                   elapsed_ms(task, now_ms) > task->time.p90_ms))
            return false;
    }
    for (size_t i = 0; i < graph->queue_count; i++) {
        if (graph->queues[i].ahead_ms > p50_ms / 2) /* most of it is other people's work */
            return false;
    }
    return true;
}

static bool has_unfinished(const struct eta_graph *graph)
{
    for (size_t i = 0; i < graph->task_count; i++) {
        if (!is_finished(&graph->tasks[i]))
            return true;
    }
    return false;
}

static void reckon(struct work *work, struct eta_graph *graph, struct eta *ret_eta)
{
    struct eta eta = { 0 };
    find_slots(work);
    bool is_sound = find_order(work);
    eta.p90_ms = run(work, true);
    eta.p50_ms = run(work, false);
    mark_chain(work, graph);
    eta.known = is_sound && is_known(graph, work->now_ms);
    eta.sure = eta.known && is_sure(graph, work->now_ms, eta.p50_ms);
    if (eta.known && !has_unfinished(graph))
        eta.sure = true;
    *ret_eta = eta.known ? eta : (struct eta){ 0 };
}

void eta_reckon(struct eta_graph *graph, int64_t now_ms, struct eta *ret_eta)
{
    size_t count = graph->task_count + 1; /* never nothing */
    CLEANUP(freep) size_t *indices = xcalloc(3 * count, sizeof(*indices));
    CLEANUP(freep) int64_t *moments = xcalloc(4 * count, sizeof(*moments));
    struct work work = { .graph = graph,
                         .now_ms = now_ms,
                         .slots = indices,
                         .order = indices + count,
                         .needs_left = indices + 2 * count,
                         .free_ms = moments,
                         .ready_ms = moments + count,
                         .start_ms = moments + 2 * count,
                         .end_ms = moments + 3 * count };
    for (size_t i = 0; i < graph->task_count; i++)
        graph->tasks[i].critical = 0;
    reckon(&work, graph, ret_eta);
}

int64_t eta_round_s(int64_t ms)
{
    int64_t unit_s = ms < 60000 ? 5 : ms < 300000 ? 30 : 60;
    return ms < 10000 ? 0 : (ms / 1000 + unit_s / 2) / unit_s * unit_s;
}
