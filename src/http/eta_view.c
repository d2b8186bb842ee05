/* eta_view.c - see eta_view.h. */
#include "http/eta_view.h"

#include <string.h>

#include "http/view.h"

#define TIMES_STALE_MS 10000
#define LINES_STALE_MS 1000
#define QUEUE_MAX 500 /* tasks of a queue that are looked at: what is behind so many has no estimate */
#define BUSY_MAX 1000
#define GUESS_MS 100 /* of a step that was never measured: what its weight says, tenths of a second */

/* ---- what is the same for all ------------------------------------------------------------------------------------------- */

struct line {
    int64_t node_id;
    struct task_in_line *tasks;
    size_t count;
};

/* Kept beside a store, for its thread. */
struct book {
    struct step_times *times;
    int64_t times_at_ms;
    struct node *nodes;
    size_t node_count;
    struct task_in_line *busy;
    size_t busy_count;
    struct line *lines; /* of changes that are queued, one for each node that has some */
    size_t line_count;
    int64_t lines_at_ms;
};

static void lines_forget(struct book *book)
{
    nodes_free(book->nodes, book->node_count);
    tasks_in_line_free(book->busy, book->busy_count);
    for (size_t i = 0; i < book->line_count; i++)
        tasks_in_line_free(book->lines[i].tasks, book->lines[i].count);
    free(book->lines);
    book->nodes = NULL;
    book->busy = NULL;
    book->lines = NULL;
    book->node_count = book->busy_count = book->line_count = 0;
    book->lines_at_ms = 0;
}

static void book_free(void *attached)
{
    struct book *book = attached;
    lines_forget(book);
    step_times_destroy(book->times);
    free(book);
}

static struct book *book_of(struct store *store)
{
    if (store_attached(store) == NULL)
        store_attach(store, xcalloc(1, sizeof(struct book)), book_free);
    return store_attached(store);
}

/** Also when the clock was set back. */
static bool is_stale(int64_t at_ms, int64_t now_ms, int64_t stale_ms)
{
    return at_ms == 0 || now_ms < at_ms || now_ms - at_ms >= stale_ms;
}

static bool read_lines(struct store *store, struct book *book, struct err *err)
{
    CLEANUP(freep) int64_t *queues = NULL;
    size_t count = 0;
    if (!store_list_queues(store, &queues, &count, err))
        return false;
    book->lines = xcalloc(count + 1, sizeof(*book->lines));
    for (size_t i = 0; i < count; i++) {
        struct line *line = &book->lines[book->line_count];
        line->node_id = queues[i] / 8;
        if (queues[i] != task_queue_id(line->node_id, TASK_LANE_MAKE))
            continue;
        if (!store_list_queue(store, queues[i], QUEUE_MAX, &line->tasks, &line->count, err))
            return false;
        book->line_count++;
    }
    return true;
}

static bool refresh_times(struct store *store, struct book *book, int64_t now_ms, struct err *err)
{
    struct step_times *times = NULL;
    if (!is_stale(book->times_at_ms, now_ms, TIMES_STALE_MS))
        return true;
    if (!store_load_step_times(store, &times, err))
        return false;
    step_times_destroy(book->times);
    book->times = times;
    book->times_at_ms = now_ms;
    return true;
}

static bool refresh_lines(struct store *store, struct book *book, int64_t now_ms, struct err *err)
{
    if (!is_stale(book->lines_at_ms, now_ms, LINES_STALE_MS))
        return true;
    lines_forget(book);
    if (!store_list_nodes(store, &book->nodes, &book->node_count, err) ||
        !store_list_busy(store, BUSY_MAX, &book->busy, &book->busy_count, err) || !read_lines(store, book, err)) {
        lines_forget(book);
        return false;
    }
    book->lines_at_ms = now_ms;
    return true;
}

/* ---- one operation as a graph --------------------------------------------------------------------------------------------- */

struct picture {
    struct book *book;
    const struct operation *operation;
    const struct task *tasks;
    size_t task_count;
    int64_t now_ms;
    struct task_edge *needs; /* by ids */
    size_t need_count;
    struct eta_task *eta_tasks;
    struct eta_edge *edges; /* the same by places in the list of tasks */
    size_t edge_count;
    struct eta_queue *queues;
    size_t queue_count;
    struct eta eta;
};

static void picture_finish(struct picture *picture)
{
    free(picture->needs);
    free(picture->eta_tasks);
    free(picture->edges);
    free(picture->queues);
}

static struct step_time expected(const struct picture *picture, const struct task *task)
{
    struct step_key key = { .action = task->action,
                            .node_id = task->node_id,
                            .made = picture->operation->kind == OPERATION_DEPLOY };
    if (task->lane == TASK_LANE_NONE) /* the engine does it in the same breath */
        return (struct step_time){ .known = true, .sure = true };
    return step_times_get(picture->book->times, &key);
}

/** Its node does nothing for now. */
static bool is_kept_waiting(const struct picture *picture, const struct task *task)
{
    for (size_t i = 0; i < picture->book->node_count; i++) {
        const struct node *node = &picture->book->nodes[i];
        if (node->id == task->node_id)
            return node->state != NODE_ACTIVE && (node->state != NODE_DRAINING || node->state_reason[0] != '\0');
    }
    return false;
}

/** What is kept may be a second old; then the moment of the first attempt has to do. */
static int64_t attempt_started_ms(const struct picture *picture, const struct task *task)
{
    for (size_t i = 0; i < picture->book->busy_count; i++) {
        if (picture->book->busy[i].id == task->id)
            return picture->book->busy[i].started_at_ms;
    }
    return task->started_at_ms;
}

static void fill_task(const struct picture *picture, const struct task *task, struct eta_task *ret_task)
{
    bool open = !task_state_is_final(task->state) && task->state != TASK_FAILED;
    struct step_time time = expected(picture, task);
    *ret_task = (struct eta_task){
        .state = open && is_kept_waiting(picture, task) ? TASK_HELD : task->state,
        .lane = task->lane,
        .node_id = task->node_id,
        .started_at_ms = task->started_at_ms,
        .ended_at_ms = task->ended_at_ms,
        .due_at_ms = task->due_at_ms,
        .time = time,
    };
    if (!time.known) {
        ret_task->time.p50_ms = task->weight * GUESS_MS;
        ret_task->time.p90_ms = 3 * ret_task->time.p50_ms;
    }
    if (task->attempts > 0 || task->suspect)
        ret_task->time.sure = false;
    if (task->state == TASK_RUNNING)
        ret_task->started_at_ms = attempt_started_ms(picture, task);
}

/** Tasks are listed by their ids. @return SIZE_MAX when it is none of them */
static size_t place_of(const struct picture *picture, int64_t id)
{
    size_t low = 0, high = picture->task_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (picture->tasks[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < picture->task_count && picture->tasks[low].id == id ? low : SIZE_MAX;
}

static void fill_edges(struct picture *picture)
{
    picture->edges = xcalloc(picture->need_count + 1, sizeof(*picture->edges));
    for (size_t i = 0; i < picture->need_count; i++) {
        struct eta_edge edge = { place_of(picture, picture->needs[i].from_task_id),
                                 place_of(picture, picture->needs[i].to_task_id) };
        if (edge.from != SIZE_MAX && edge.to != SIZE_MAX)
            picture->edges[picture->edge_count++] = edge;
    }
}

/* ---- who comes first -------------------------------------------------------------------------------------------------------- */

/** The changes that a service in line still has on a node when this is the next: we have the same pipeline. */
static int64_t rest_of_service_ms(const struct picture *picture, const struct task_in_line *task)
{
    size_t at = 0;
    int64_t sum_ms = 0;
    while (at < picture->task_count &&
           (picture->tasks[at].node_id != task->node_id || strcmp(picture->tasks[at].action, task->action) != 0))
        at++;
    for (size_t i = at; i < picture->task_count; i++) {
        if (picture->tasks[i].node_id == task->node_id && picture->tasks[i].lane == TASK_LANE_MAKE)
            sum_ms += picture->eta_tasks[i].time.p50_ms;
    }
    if (at < picture->task_count)
        return sum_ms;
    struct step_key key = { .action = task->action, .node_id = task->node_id, .made = true };
    return step_times_get(picture->book->times, &key).p50_ms;
}

/** Our changes on this node that are to come are taken behind every older one of others. */
static int64_t first_to_come(const struct picture *picture, int64_t node_id)
{
    for (size_t i = 0; i < picture->task_count; i++) {
        const struct task *task = &picture->tasks[i];
        if (task->node_id == node_id && (task->lane == TASK_LANE_MAKE || task->lane == TASK_LANE_RELOAD) &&
            (task->state == TASK_BLOCKED || task->state == TASK_QUEUED))
            return task->id;
    }
    return 0;
}

static void add_running(const struct picture *picture, struct eta_queue *queue)
{
    for (size_t i = 0; i < picture->book->busy_count; i++) {
        const struct task_in_line *task = &picture->book->busy[i];
        if (task->node_id != queue->node_id || task->operation_id == picture->operation->id ||
            (task->lane != TASK_LANE_MAKE && task->lane != TASK_LANE_RELOAD))
            continue;
        struct step_key key = { .action = task->action, .node_id = task->node_id, .made = true };
        int64_t left_ms = step_times_get(picture->book->times, &key).p50_ms - (picture->now_ms - task->started_at_ms);
        queue->ahead_ms += left_ms > 0 ? left_ms : 0;
    }
}

static void add_line(const struct picture *picture, const struct line *line, int64_t before_id, struct eta_queue *queue)
{
    const char *action = NULL; /* mostly the same as before */
    int64_t rest_ms = 0;
    for (size_t i = 0; i < line->count && line->tasks[i].id < before_id; i++) {
        if (line->tasks[i].operation_id == picture->operation->id)
            continue;
        if (action == NULL || strcmp(action, line->tasks[i].action) != 0)
            rest_ms = rest_of_service_ms(picture, &line->tasks[i]);
        action = line->tasks[i].action;
        queue->ahead_ms += rest_ms;
    }
    if (line->count == QUEUE_MAX && line->tasks[line->count - 1].id < before_id)
        queue->endless = true;
}

static void fill_queues(struct picture *picture)
{
    const struct book *book = picture->book;
    picture->queues = xcalloc(book->node_count + 1, sizeof(*picture->queues));
    for (size_t i = 0; i < book->node_count; i++) {
        int64_t first_id = first_to_come(picture, book->nodes[i].id);
        struct eta_queue queue = { .node_id = book->nodes[i].id };
        if (first_id == 0)
            continue;
        add_running(picture, &queue);
        for (size_t n = 0; n < book->line_count; n++) {
            if (book->lines[n].node_id == queue.node_id)
                add_line(picture, &book->lines[n], first_id, &queue);
        }
        picture->queues[picture->queue_count++] = queue;
    }
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------- */

/** tasks, task_count, operation and now_ms are set. */
static bool picture_fill(struct picture *picture, struct store *store, struct err *err)
{
    bool runs = picture->operation->state == OPERATION_RUNNING;
    picture->book = book_of(store);
    if (!refresh_times(store, picture->book, picture->now_ms, err) ||
        (runs && !refresh_lines(store, picture->book, picture->now_ms, err)) ||
        !store_list_edges(store, picture->operation->id, &picture->needs, &picture->need_count, err))
        return false;
    picture->eta_tasks = xcalloc(picture->task_count + 1, sizeof(*picture->eta_tasks));
    for (size_t i = 0; i < picture->task_count; i++)
        fill_task(picture, &picture->tasks[i], &picture->eta_tasks[i]);
    fill_edges(picture);
    if (runs)
        fill_queues(picture);
    struct eta_graph graph = { .tasks = picture->eta_tasks,
                               .task_count = picture->task_count,
                               .edges = picture->edges,
                               .edge_count = picture->edge_count,
                               .queues = picture->queues,
                               .queue_count = picture->queue_count };
    eta_reckon(&graph, picture->now_ms, &picture->eta);
    if (!runs)
        picture->eta = (struct eta){ 0 };
    return true;
}

static bool eta_of_operation(struct store *store, const struct operation *operation, const struct task *tasks,
                             size_t task_count, int64_t now_ms, struct eta *ret_eta, struct err *err)
{
    struct picture picture = { .operation = operation, .tasks = tasks, .task_count = task_count, .now_ms = now_ms };
    bool ok = picture_fill(&picture, store, err);
    if (ok)
        *ret_eta = picture.eta;
    picture_finish(&picture);
    return ok;
}

bool eta_of_service(struct store *store, const struct service *service, const struct operation *operation,
                    const struct task *tasks, size_t task_count, int64_t now_ms, struct eta *ret_eta, struct err *err)
{
    if (service->status == SERVICE_DEPLOYING && operation != NULL && operation->state == OPERATION_RUNNING)
        return eta_of_operation(store, operation, tasks, task_count, now_ms, ret_eta, err);
    *ret_eta = (struct eta){ 0 };
    return true;
}

json_t *eta_json(const struct eta *eta)
{
    if (!eta->known)
        return json_null();
    return json_pack("{s:I, s:I, s:b}", "p50_s", (json_int_t)((eta->p50_ms + 999) / 1000), "p90_s",
                     (json_int_t)((eta->p90_ms + 999) / 1000), "sure", (int)eta->sure);
}

bool eta_add_to_operation(struct store *store, const struct operation *operation, int64_t now_ms, json_t *json,
                          struct err *err)
{
    struct eta eta = { 0 };
    if (operation->state == OPERATION_RUNNING) {
        struct task *tasks = NULL;
        size_t count = 0;
        if (!store_list_tasks(store, operation->id, &tasks, &count, err))
            return false;
        bool ok = eta_of_operation(store, operation, tasks, count, now_ms, &eta, err);
        tasks_free(tasks, count);
        if (!ok)
            return false;
    }
    json_object_set_new(json, "eta", eta_json(&eta));
    return true;
}

/* ---- the tasks of an operation ---------------------------------------------------------------------------------------------- */

static json_t *needs_of(const struct picture *picture, int64_t task_id)
{
    json_t *list = json_array();
    for (size_t i = 0; i < picture->need_count; i++) {
        if (picture->needs[i].to_task_id == task_id)
            json_array_append_new(list, view_id(picture->needs[i].from_task_id));
    }
    return list;
}

static json_t *view_pictured(const struct picture *picture, const struct catalogue *catalogue)
{
    json_t *list = view_tasks(picture->tasks, picture->task_count, catalogue);
    for (size_t i = 0; i < picture->task_count; i++) {
        json_t *json = json_array_get(list, i);
        struct step_time time = expected(picture, &picture->tasks[i]);
        json_object_set_new(json, "critical", json_boolean(picture->eta_tasks[i].critical != 0));
        json_object_set_new(json, "expected_ms", time.known ? json_integer(time.p50_ms) : json_null());
        json_object_set_new(json, "needs", needs_of(picture, picture->tasks[i].id));
    }
    return list;
}

bool eta_view_tasks(struct store *store, const struct operation *operation, int64_t now_ms, json_t **ret_list,
                    struct err *err)
{
    struct catalogue catalogue = { 0 };
    struct task *tasks = NULL;
    size_t count = 0;
    if (!store_list_tasks(store, operation->id, &tasks, &count, err))
        return false;
    struct picture picture = { .operation = operation, .tasks = tasks, .task_count = count, .now_ms = now_ms };
    bool ok = catalogue_load(store, CATALOGUE_NODES, &catalogue, err) && picture_fill(&picture, store, err);
    if (ok)
        *ret_list = view_pictured(&picture, &catalogue);
    picture_finish(&picture);
    catalogue_finish(&catalogue);
    tasks_free(tasks, count);
    return ok;
}
