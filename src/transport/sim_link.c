/* sim_link.c - sessions to modelled nodes, and nodes that go down and come back: see sim_internal.h. */
#include <stdio.h>
#include <string.h>

#include "transport/sim_internal.h"

#define AGAIN_AFTER_CUT_MS 100
#define AGAIN_AFTER_REFUSAL_MS 1000
#define DOWN_MS_MIN 1000
#define DOWN_MS_MAX 60000

static void tell_link(struct sim *sim, const struct sim_world_node *node, enum transport_event_kind kind,
                      enum transport_fault fault, const char *why)
{
    struct transport_event event = { .kind = kind };
    if (why != NULL) {
        event.result_count = 1;
        event.results = xcalloc(1, sizeof(*event.results));
        event.results[0] =
            (struct command_result){ .outcome = OUTCOME_NOT_STARTED, .fault = fault, .message = xstrdup(why) };
    }
    sim_tell(sim, sim_now_ms(sim), node, 0, event);
}

static void connect_again(struct sim *sim, const struct sim_deed *deed)
{
    deed->node->connects_later = false;
    sim_connect(sim, deed->node);
}

static void connect_later(struct sim *sim, struct sim_world_node *node, int64_t ms)
{
    if (node->connects_later) /* one try after the other, however many things went wrong */
        return;
    node->connects_later = true;
    sim_plan(sim, sim_now_ms(sim) + ms, connect_again, node, 0);
}

static void connect_end(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_world_node *node = deed->node;
    bool refused = rng_percent(sim->config.rng, sim->config.faults.refuse);
    node->connecting = false;
    if (node->id == 0)
        return;
    if (node->up && !refused) {
        node->connected = true;
        tell_link(sim, node, TRANSPORT_NODE_UP, FAULT_NONE, NULL);
        sim_jobs_send(sim, node);
        return;
    }
    char why[200];
    snprintf(why, sizeof(why), "cannot connect to %s: %s", node->address,
             node->up ? "connection refused" : "no route to host");
    tell_link(sim, node, TRANSPORT_NODE_DOWN, FAULT_CONNECT, why);
    sim_jobs_end(sim, node, true, why);
    connect_later(sim, node, AGAIN_AFTER_REFUSAL_MS);
}

void sim_connect(struct sim *sim, struct sim_world_node *node)
{
    if (node->id == 0 || node->connected || node->connecting)
        return;
    node->connecting = true;
    sim_plan(sim, sim_now_ms(sim) + sim->config.connect_ms, connect_end, node, 0);
}

void sim_cut(struct sim *sim, struct sim_world_node *node, const char *why)
{
    if (!node->connected)
        return;
    node->connected = false;
    node->counts.cuts++;
    tell_link(sim, node, TRANSPORT_NODE_DOWN, FAULT_CUT, why);
    sim_jobs_end(sim, node, false, why);
    connect_later(sim, node, AGAIN_AFTER_CUT_MS);
}

/* ---- machines ----------------------------------------------------------------------------------------------------- */

/* What the node's shell had in hand is cleared away at the start of the system. */
static void clear_tmp(struct panel_host *host)
{
    CLEANUP(buf_finish) struct buf names = BUF_INIT;
    host->ops->list(host, "/tmp", &names);
    for (const char *at = buf_text(&names); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        char path[300];
        snprintf(path, sizeof(path), "/tmp/%.*s", (int)length, at);
        host->ops->remove_tree(host, path);
        at += length + (at[length] == '\n');
    }
}

static void come_up(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_world_node *node = deed->node;
    struct panel_host *host = panel_memory_host(node->memory);
    node->up = true;
    panel_memory_set_now(node->memory, sim_now_ms(sim));
    clear_tmp(host);
    for (enum panel_service service = PANEL_WEB; service <= PANEL_MAIL; service++)
        host->ops->service(host, service, PANEL_RESTART, NULL); /* every server reads its files when it starts */
    sim_connect(sim, node);
}

int64_t sim_draw_down_ms(struct sim *sim)
{
    int64_t most_ms = sim->config.faults.down_ms_max > 0 ? sim->config.faults.down_ms_max : DOWN_MS_MAX;
    return rng_range(sim->config.rng, DOWN_MS_MIN, most_ms > DOWN_MS_MIN ? most_ms : DOWN_MS_MIN);
}

void sim_go_down(struct sim *sim, struct sim_world_node *node, int64_t down_ms)
{
    if (!node->up)
        return;
    node->up = false;
    node->counts.reboots++;
    sim_records_lose(sim, node);
    sim_cut(sim, node, "the connection was lost: the node went down");
    sim_plan(sim, sim_now_ms(sim) + down_ms, come_up, node, 0);
}
