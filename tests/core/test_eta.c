/* test_eta.c - the time left: cases that a person can work out, and what must be true of any graph. */
#include "harness.h"

#include "base/rng.h"
#include "core/eta.h"

#define NOW_MS INT64_C(1800000000000)
#define TASKS_MAX 40
#define EDGES_MAX 400
#define NODES 3
#define LIVES 1000

/* ---- cases ------------------------------------------------------------------------------------------------------------ */

#define TIME(p50)                                                                                                      \
    {                                                                                                                  \
        .known = true, .sure = true, .p50_ms = (p50), .p90_ms = 2 * (p50)                                              \
    }
#define MAKE(state_, node, p50)                                                                                        \
    {                                                                                                                  \
        .state = (state_), .lane = TASK_LANE_MAKE, .node_id = (node), .time = TIME(p50)                                \
    }
#define LOOK(state_, node, p50)                                                                                        \
    {                                                                                                                  \
        .state = (state_), .lane = TASK_LANE_LOOK, .node_id = (node), .time = TIME(p50)                                \
    }
#define RUNS(node, p50, since)                                                                                         \
    {                                                                                                                  \
        .state = TASK_RUNNING, .lane = TASK_LANE_MAKE, .node_id = (node), .started_at_ms = NOW_MS - (since),           \
        .time = TIME(p50)                                                                                              \
    }
#define DONE(node, from, to)                                                                                           \
    {                                                                                                                  \
        .state = TASK_DONE, .lane = TASK_LANE_MAKE, .node_id = (node), .started_at_ms = NOW_MS + (from),               \
        .ended_at_ms = NOW_MS + (to), .time = TIME(1)                                                                  \
    }

struct eta_case {
    const char *name;
    struct eta_task tasks[6];
    size_t task_count;
    struct eta_edge edges[6];
    size_t edge_count;
    struct eta_queue queues[2];
    size_t queue_count;
    bool known, sure;
    int64_t p50_ms, p90_ms;
    size_t critical[6]; /* places */
};

#define COUNT(type, ...) (sizeof((const type[]){ __VA_ARGS__ }) / sizeof(type))
#define TASKS(...) .tasks = { __VA_ARGS__ }, .task_count = COUNT(struct eta_task, __VA_ARGS__)
#define NEEDS(...) .edges = { __VA_ARGS__ }, .edge_count = COUNT(struct eta_edge, __VA_ARGS__)
#define AHEAD(...) .queues = { __VA_ARGS__ }, .queue_count = COUNT(struct eta_queue, __VA_ARGS__)
#define SURE .known = true, .sure = true

static const struct eta_case cases[] = {
    { .name = "nothing", SURE },
    { .name = "all is over", TASKS(DONE(1, -9, -5), DONE(1, -5, -1)), NEEDS({ 0, 1 }), SURE, .critical = { 2, 1 } },
    { .name = "a chain",
      TASKS(MAKE(TASK_QUEUED, 1, 1000), MAKE(TASK_BLOCKED, 2, 2000), MAKE(TASK_BLOCKED, 3, 3000)),
      NEEDS({ 0, 1 }, { 1, 2 }),
      SURE,
      .p50_ms = 6000,
      .p90_ms = 12000,
      .critical = { 3, 2, 1 } },
    { .name = "side by side on two nodes",
      TASKS(MAKE(TASK_QUEUED, 1, 1000), MAKE(TASK_QUEUED, 2, 2000)),
      SURE,
      .p50_ms = 2000,
      .p90_ms = 4000,
      .critical = { 0, 1 } },
    { .name = "one after the other on one node",
      TASKS(MAKE(TASK_QUEUED, 1, 1000), MAKE(TASK_QUEUED, 1, 2000)),
      SURE,
      .p50_ms = 3000,
      .p90_ms = 6000,
      .critical = { 2, 1 } },
    { .name = "a look beside a change",
      TASKS(MAKE(TASK_QUEUED, 1, 1000), LOOK(TASK_QUEUED, 1, 2000)),
      SURE,
      .p50_ms = 2000,
      .p90_ms = 4000,
      .critical = { 0, 1 } },
    { .name = "a reload is a change and comes behind",
      TASKS({ .state = TASK_QUEUED, .lane = TASK_LANE_RELOAD, .node_id = 1, .time = TIME(500) },
            MAKE(TASK_QUEUED, 1, 1000)),
      SURE,
      .p50_ms = 1500,
      .p90_ms = 3000,
      .critical = { 1, 2 } },
    { .name = "what runs has run for a while",
      TASKS(RUNS(1, 3000, 1000), MAKE(TASK_BLOCKED, 1, 1000)),
      NEEDS({ 0, 1 }),
      SURE,
      .p50_ms = 3000,
      .p90_ms = 7000,
      .critical = { 2, 1 } },
    { .name = "longer than usual: about to end",
      TASKS(RUNS(1, 3000, 4000)),
      SURE,
      .p50_ms = 300,
      .p90_ms = 2000,
      .critical = { 1 } },
    { .name = "much longer than usual: nobody is sure",
      TASKS(RUNS(1, 3000, 60000)),
      .known = true,
      .p50_ms = 300,
      .p90_ms = 300,
      .critical = { 1 } },
    { .name = "a clock that was set back",
      TASKS(RUNS(1, 3000, -60000)),
      SURE,
      .p50_ms = 3000,
      .p90_ms = 6000,
      .critical = { 1 } },
    { .name = "a little work of others ahead",
      TASKS(MAKE(TASK_QUEUED, 1, 2000), MAKE(TASK_BLOCKED, 1, 1000)),
      NEEDS({ 0, 1 }),
      AHEAD({ .node_id = 1, .ahead_ms = 2000 }),
      SURE,
      .p50_ms = 5000,
      .p90_ms = 8000,
      .critical = { 2, 1 } },
    { .name = "what runs here comes before the others, the rest behind",
      TASKS(RUNS(1, 2000, 500), MAKE(TASK_BLOCKED, 1, 1000)),
      NEEDS({ 0, 1 }),
      AHEAD({ .node_id = 1, .ahead_ms = 9000 }),
      .known = true, /* but not sure: most of it is the others' */
      .p50_ms = 11500,
      .p90_ms = 14500,
      .critical = { 2, 1 } },
    { .name = "too much of others ahead",
      TASKS(MAKE(TASK_QUEUED, 1, 2000)),
      AHEAD({ .node_id = 1, .ahead_ms = 500000, .endless = true }),
      .critical = { 1 } },
    { .name = "it tries again soon",
      TASKS({ .state = TASK_WAITING,
              .lane = TASK_LANE_MAKE,
              .node_id = 1,
              .due_at_ms = NOW_MS + 4000,
              .time = TIME(2000) }),
      .known = true,
      .p50_ms = 6000,
      .p90_ms = 8000,
      .critical = { 1 } },
    { .name = "it waits for something",
      TASKS({ .state = TASK_WAITING,
              .lane = TASK_LANE_MAKE,
              .node_id = 1,
              .due_at_ms = NOW_MS + 31000,
              .time = TIME(2000) }),
      .critical = { 1 } },
    { .name = "held", TASKS(MAKE(TASK_QUEUED, 1, 2000), MAKE(TASK_HELD, 2, 1000)), .critical = { 1, 0 } },
    { .name = "failed",
      TASKS({ .state = TASK_FAILED,
              .lane = TASK_LANE_MAKE,
              .node_id = 1,
              .started_at_ms = NOW_MS - 5,
              .ended_at_ms = NOW_MS - 1 },
            MAKE(TASK_HELD, 1, 1000)),
      NEEDS({ 0, 1 }),
      .critical = { 2, 1 } },
    { .name = "a guess is not sure",
      TASKS({ .state = TASK_QUEUED, .lane = TASK_LANE_MAKE, .node_id = 1, .time = { .p50_ms = 800, .p90_ms = 2400 } }),
      .known = true,
      .p50_ms = 800,
      .p90_ms = 2400,
      .critical = { 1 } },
    { .name = "what ended counts for the chain as it was",
      TASKS(DONE(1, -900, -800), DONE(2, -900, -300), RUNS(1, 1000, 300), MAKE(TASK_BLOCKED, 2, 500)),
      NEEDS({ 0, 2 }, { 1, 2 }, { 0, 3 }),
      SURE,
      .p50_ms = 700,
      .p90_ms = 1700,
      .critical = { 0, 2, 1, 0 } },
    { .name = "a node that did something else before is on the chain",
      TASKS(DONE(1, -900, -700), DONE(1, -700, -200), DONE(1, -200, -100)),
      NEEDS({ 0, 2 }),
      SURE,
      .critical = { 3, 2, 1 } },
    { .name = "cancelled before it began: not on the chain",
      TASKS(DONE(1, -900, -700), { .state = TASK_CANCELLED, .node_id = 1, .ended_at_ms = NOW_MS - 10 }),
      NEEDS({ 0, 1 }),
      SURE,
      .critical = { 1, 0 } },
    { .name = "a circle cannot be told",
      TASKS(MAKE(TASK_BLOCKED, 1, 1000), MAKE(TASK_BLOCKED, 2, 1000)),
      NEEDS({ 0, 1 }, { 1, 0 }),
      .critical = { 2, 1 } },
};

static void the_time_left_is_what_a_person_works_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct eta_case one = cases[i];
        struct eta_graph graph = { one.tasks, one.task_count, one.edges, one.edge_count, one.queues, one.queue_count };
        struct eta eta;
        eta_reckon(&graph, NOW_MS, &eta);
        if (eta.known != one.known || eta.sure != one.sure || eta.p50_ms != one.p50_ms || eta.p90_ms != one.p90_ms)
            fail_msg("%s: known %d sure %d p50 %lld p90 %lld", one.name, eta.known, eta.sure, (long long)eta.p50_ms,
                     (long long)eta.p90_ms);
        for (size_t t = 0; t < one.task_count; t++) {
            if (one.tasks[t].critical != one.critical[t])
                fail_msg("%s: task %zu has place %zu on the chain", one.name, t, one.tasks[t].critical);
        }
    }
}

static void for_people_it_is_rounded(void **state)
{
    static const struct {
        int64_t ms, want_s;
    } rounded[] = { { 0, 0 },        { 9999, 0 },     { 10000, 10 },   { 12400, 10 },    { 12999, 10 }, { 13000, 15 },
                    { 57000, 55 },   { 59999, 60 },   { 60000, 60 },   { 74000, 60 },    { 75000, 90 }, { 299000, 300 },
                    { 300000, 300 }, { 329000, 300 }, { 330000, 360 }, { 3600000, 3600 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rounded); i++) {
        if (eta_round_s(rounded[i].ms) != rounded[i].want_s)
            fail_msg("%lld ms: %lld s", (long long)rounded[i].ms, (long long)eta_round_s(rounded[i].ms));
    }
}

/* ---- any graph ---------------------------------------------------------------------------------------------------------- */

struct life {
    uint64_t seed;
    struct eta_task tasks[TASKS_MAX];
    struct eta_edge edges[EDGES_MAX];
    struct eta_queue queues[NODES];
    struct eta_graph graph;
};

static bool is_change(const struct eta_task *task)
{
    return task->node_id != 0 && (task->lane == TASK_LANE_MAKE || task->lane == TASK_LANE_RELOAD);
}

static bool share_a_node(const struct eta_task *a, const struct eta_task *b)
{
    return is_change(a) && is_change(b) && a->node_id == b->node_id;
}

static bool needs(const struct life *life, size_t to, size_t from)
{
    for (size_t i = 0; i < life->graph.edge_count; i++) {
        if (life->edges[i].to == to && life->edges[i].from == from)
            return true;
    }
    return false;
}

static void make_graph(struct life *life, struct rng *rng)
{
    static const enum task_lane lanes[] = { TASK_LANE_MAKE, TASK_LANE_MAKE,  TASK_LANE_MAKE, TASK_LANE_RELOAD,
                                            TASK_LANE_LOOK, TASK_LANE_PROBE, TASK_LANE_NONE };
    struct eta_graph *graph = &life->graph;
    graph->task_count = (size_t)rng_range(rng, 1, TASKS_MAX);
    int64_t density = rng_range(rng, 0, 40);
    for (size_t i = 0; i < graph->task_count; i++) {
        struct eta_task *task = &life->tasks[i];
        task->lane = lanes[rng_range(rng, 0, ARRAY_LEN(lanes) - 1)];
        bool outside = task->lane == TASK_LANE_PROBE || task->lane == TASK_LANE_NONE;
        task->node_id = outside ? 0 : rng_range(rng, 1, NODES);
        task->time = (struct step_time){ .known = true, .sure = true, .p50_ms = rng_range(rng, 0, 5000) };
        task->time.p90_ms = task->time.p50_ms + rng_range(rng, 0, 5000);
        for (size_t from = 0; from < i; from++) {
            if (rng_range(rng, 0, 99) < density && graph->edge_count < EDGES_MAX)
                life->edges[graph->edge_count++] = (struct eta_edge){ from, i };
        }
    }
}

/** How far it has come: what is done is done with all that it needs; a node does one change at a time. */
static void make_progress(struct life *life, struct rng *rng)
{
    bool busy[NODES + 1] = { false };
    int64_t eager = rng_range(rng, 0, 100);
    for (size_t i = 0; i < life->graph.task_count; i++) {
        struct eta_task *task = &life->tasks[i];
        bool may_run = true;
        for (size_t from = 0; from < i; from++)
            may_run = may_run && (!needs(life, i, from) || life->tasks[from].state == TASK_DONE);
        task->state = may_run ? TASK_QUEUED : TASK_BLOCKED;
        if (may_run && rng_range(rng, 0, 99) < eager) {
            task->state = TASK_DONE;
            task->started_at_ms = NOW_MS - rng_range(rng, 10000, 20000);
            task->ended_at_ms = task->started_at_ms + rng_range(rng, 0, 9999);
        } else if (may_run && (!is_change(task) || !busy[task->node_id]) && rng_range(rng, 0, 1) == 0) {
            task->state = TASK_RUNNING;
            task->started_at_ms = NOW_MS - rng_range(rng, 0, 9000);
            busy[task->node_id] = busy[task->node_id] || is_change(task);
        } else if (may_run && rng_range(rng, 0, 9) == 0) {
            task->state = TASK_WAITING;
            task->due_at_ms = NOW_MS + rng_range(rng, -1000, 20000);
        }
    }
}

static void make_life(struct life *life, uint64_t seed)
{
    struct rng rng;
    *life = (struct life){ .seed = seed };
    rng_init_seed(&rng, seed);
    life->graph = (struct eta_graph){ .tasks = life->tasks, .edges = life->edges, .queues = life->queues };
    make_graph(life, &rng);
    make_progress(life, &rng);
    for (int64_t node_id = 1; node_id <= NODES && rng_range(&rng, 0, 2) == 0; node_id++)
        life->queues[life->graph.queue_count++] =
            (struct eta_queue){ .node_id = node_id, .ahead_ms = rng_range(&rng, 0, 8000) };
}

static int64_t left_of(const struct eta_task *task, int64_t now_ms)
{
    int64_t left_ms = task->time.p50_ms;
    if (task->state == TASK_DONE)
        return 0;
    if (task->state == TASK_RUNNING)
        left_ms -= now_ms - task->started_at_ms;
    return left_ms > 0 ? left_ms : 0;
}

static int64_t longest_chain(const struct life *life, int64_t now_ms)
{
    int64_t until_ms[TASKS_MAX] = { 0 }, longest_ms = 0;
    for (size_t i = 0; i < life->graph.task_count; i++) {
        for (size_t from = 0; from < i; from++) {
            if (needs(life, i, from) && until_ms[from] > until_ms[i])
                until_ms[i] = until_ms[from];
        }
        until_ms[i] += left_of(&life->tasks[i], now_ms);
        longest_ms = longest_ms > until_ms[i] ? longest_ms : until_ms[i];
    }
    return longest_ms;
}

static int64_t changes_of(const struct life *life, int64_t node_id, int64_t now_ms)
{
    int64_t sum_ms = 0;
    bool behind_others = false;
    for (size_t i = 0; i < life->graph.task_count; i++) {
        const struct eta_task *task = &life->tasks[i];
        if (!is_change(task) || task->node_id != node_id)
            continue;
        sum_ms += left_of(task, now_ms);
        behind_others = behind_others || (task->state != TASK_DONE && task->state != TASK_RUNNING);
    }
    for (size_t i = 0; behind_others && i < life->graph.queue_count; i++)
        sum_ms += life->queues[i].node_id == node_id ? life->queues[i].ahead_ms : 0;
    return sum_ms;
}

/** If nothing ran beside anything else. */
static int64_t all_in_a_row(const struct life *life)
{
    int64_t sum_ms = 0;
    for (size_t i = 0; i < life->graph.task_count; i++) {
        const struct eta_task *task = &life->tasks[i];
        sum_ms += task->state == TASK_DONE ? 0 : task->time.p50_ms;
        sum_ms += task->state == TASK_WAITING ? 20000 : 0;
    }
    for (size_t i = 0; i < life->graph.queue_count; i++)
        sum_ms += life->queues[i].ahead_ms;
    return sum_ms;
}

/** Every place once, from 1; who stands before another is needed by it, or the same node did it before. */
static void expect_chain(const struct life *life)
{
    size_t at[TASKS_MAX + 2], length = 0;
    for (size_t i = 0; i < life->graph.task_count; i++)
        length = life->tasks[i].critical > length ? life->tasks[i].critical : length;
    assert_in_range(length, 1, life->graph.task_count);
    memset(at, 0xff, sizeof(at));
    for (size_t i = 0; i < life->graph.task_count; i++) {
        if (life->tasks[i].critical == 0)
            continue;
        if (at[life->tasks[i].critical] != SIZE_MAX)
            fail_msg("seed %llu: two tasks have one place", (unsigned long long)life->seed);
        at[life->tasks[i].critical] = i;
    }
    for (size_t place = 1; place <= length; place++) {
        if (at[place] == SIZE_MAX || (place > 1 && !needs(life, at[place - 1], at[place]) &&
                                      !share_a_node(&life->tasks[at[place - 1]], &life->tasks[at[place]])))
            fail_msg("seed %llu: the chain is broken at place %zu", (unsigned long long)life->seed, place);
    }
}

static void no_graph_ends_before_it_can_or_later_than_it_must(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct life life;
        struct eta eta;
        make_life(&life, seed);
        eta_reckon(&life.graph, NOW_MS, &eta);
        assert_true(eta.known);
        if (eta.p50_ms < longest_chain(&life, NOW_MS) || eta.p50_ms > all_in_a_row(&life) || eta.p90_ms < eta.p50_ms)
            fail_msg("seed %llu: %lld ms, chain %lld, in a row %lld, p90 %lld", (unsigned long long)seed,
                     (long long)eta.p50_ms, (long long)longest_chain(&life, NOW_MS), (long long)all_in_a_row(&life),
                     (long long)eta.p90_ms);
        for (int64_t node_id = 1; node_id <= NODES; node_id++) {
            if (eta.p50_ms < changes_of(&life, node_id, NOW_MS))
                fail_msg("seed %llu: %lld ms, but node %lld needs %lld", (unsigned long long)seed,
                         (long long)eta.p50_ms, (long long)node_id, (long long)changes_of(&life, node_id, NOW_MS));
        }
        expect_chain(&life);
    }
}

static void while_nothing_happens_it_only_shrinks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct life life;
        struct eta before, eta;
        make_life(&life, seed);
        eta_reckon(&life.graph, NOW_MS, &before);
        for (int64_t later_ms = 250; later_ms < 15000; later_ms += 250) {
            eta_reckon(&life.graph, NOW_MS + later_ms, &eta);
            if (eta.p50_ms > before.p50_ms || eta.p90_ms > before.p90_ms || (eta.sure && !before.sure))
                fail_msg("seed %llu: after %lld ms it grows from %lld to %lld", (unsigned long long)seed,
                         (long long)later_ms, (long long)before.p50_ms, (long long)eta.p50_ms);
            before = eta;
        }
    }
}

/** Everything runs as its node allows; then the chain must have no hole but where nothing of the operation kept it waiting. */
static void the_chain_of_what_is_over_decided_its_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct life life;
        struct eta eta;
        int64_t free_ms[NODES + 1] = { 0 }, end_ms = 0, chain_ms = 0;
        make_life(&life, seed);
        for (size_t i = 0; i < life.graph.task_count; i++) {
            struct eta_task *task = &life.tasks[i];
            int64_t start_ms = is_change(task) ? free_ms[task->node_id] : 0;
            for (size_t from = 0; from < i; from++) {
                int64_t ended_ms = life.tasks[from].ended_at_ms - NOW_MS;
                start_ms = needs(&life, i, from) && ended_ms > start_ms ? ended_ms : start_ms;
            }
            task->state = TASK_DONE;
            task->started_at_ms = NOW_MS + start_ms;
            task->ended_at_ms = task->started_at_ms + task->time.p50_ms + 1;
            if (is_change(task))
                free_ms[task->node_id] = task->ended_at_ms - NOW_MS;
            end_ms = task->ended_at_ms > NOW_MS + end_ms ? task->ended_at_ms - NOW_MS : end_ms;
        }
        eta_reckon(&life.graph, NOW_MS + end_ms, &eta);
        assert_int_equal(eta.p50_ms, 0);
        expect_chain(&life);
        for (size_t i = 0; i < life.graph.task_count; i++)
            chain_ms += life.tasks[i].critical == 0 ? 0 : life.tasks[i].time.p50_ms + 1;
        if (chain_ms != end_ms)
            fail_msg("seed %llu: the chain has %lld of %lld ms", (unsigned long long)seed, (long long)chain_ms,
                     (long long)end_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_left_is_what_a_person_works_out),
        cmocka_unit_test(for_people_it_is_rounded),
        cmocka_unit_test(no_graph_ends_before_it_can_or_later_than_it_must),
        cmocka_unit_test(while_nothing_happens_it_only_shrinks),
        cmocka_unit_test(the_chain_of_what_is_over_decided_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
