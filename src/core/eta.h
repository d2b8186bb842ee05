/* eta.h - how long an operation will still take, and which of its tasks decide that. Pure: what is known of its tasks, of the
 * time of its steps and of the queues of its nodes is handed in. */
#ifndef BERTH_CORE_ETA_H
#define BERTH_CORE_ETA_H

#include "core/model.h"
#include "core/step_time.h"

#define ETA_WAIT_MAX_MS                                                                                                \
    30000 /* a task that waits for longer than that waits for something: nobody knows for how long */

struct eta_task {
    enum task_state state;
    enum task_lane lane;
    int64_t node_id;       /* 0: none */
    int64_t started_at_ms; /* RUNNING: of the attempt that runs, else the first; 0: never */
    int64_t ended_at_ms;
    int64_t due_at_ms;     /* WAITING */
    struct step_time time; /* not known: p50_ms and p90_ms are a guess */
    size_t critical;       /* set: 0, or its place on the chain that decides the end, from 1, which is the end */
};

struct eta_edge {
    size_t from, to; /* from must end before to starts */
};

/* Work of others that the changes of this operation come behind, on one node. */
struct eta_queue {
    int64_t node_id;
    int64_t ahead_ms;
    bool endless; /* so much that nobody can say */
};

struct eta_graph {
    struct eta_task *tasks;
    size_t task_count;
    const struct eta_edge *edges;
    size_t edge_count;
    const struct eta_queue *queues;
    size_t queue_count;
};

struct eta {
    bool known; /* else the rest is 0: something waits, is held or has failed */
    bool sure;
    int64_t p50_ms, p90_ms; /* from now to its end; p50_ms <= p90_ms */
};

/**
 * A node runs one change (lanes MAKE and RELOAD) at a time, whatever else runs beside it. What has run for longer than usual is
 * about to end, but nobody is sure. While nothing happens the time left only shrinks, down to a small rest.
 *
 * Marks the tasks on the chain that decides the end: each begins when what it needs, or what its node did before for the same
 * operation, has ended. For what has ended this is how it was, for the rest how it will be.
 */
void eta_reckon(struct eta_graph *graph, int64_t now_ms, struct eta *ret_eta);

/** For people: 0 is "a few seconds" (less than 10); then whole 5 seconds up to a minute, 30 seconds up to 5 minutes, minutes. */
int64_t eta_round_s(int64_t ms);

#endif
