/* sim.c - the list of things to happen, and the interface: see sim.h. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "transport/sim_internal.h"

static const struct transport_ops sim_ops;

static struct sim *sim_from(struct transport *base)
{
    assert(base->ops == &sim_ops);
    return CONTAINER_OF(base, struct sim, base);
}

int64_t sim_now_ms(const struct sim *sim)
{
    return sim->at_ms;
}

/* The clock may have moved since the last deed. */
static void catch_up(struct sim *sim)
{
    int64_t now_ms = sim->config.clock->now_ms(sim->config.clock);
    if (now_ms > sim->at_ms)
        sim->at_ms = now_ms;
}

uint64_t sim_next_serial(struct sim *sim)
{
    return ++sim->next_serial;
}

/* ---- deeds -------------------------------------------------------------------------------------------------------- */

static struct sim_deed *plan(struct sim *sim, int64_t due_ms)
{
    struct sim_deed *deed = xcalloc(1, sizeof(*deed));
    struct sim_deed **link = &sim->deeds;
    deed->due_ms = due_ms > sim->at_ms ? due_ms : sim->at_ms;
    while (*link != NULL && (*link)->due_ms <= deed->due_ms)
        link = &(*link)->next;
    deed->next = *link;
    *link = deed;
    return deed;
}

void sim_plan(struct sim *sim, int64_t due_ms, void (*function)(struct sim *, const struct sim_deed *),
              struct sim_world_node *node, uint64_t serial)
{
    struct sim_deed *deed = plan(sim, due_ms);
    deed->function = function;
    deed->node = node;
    deed->serial = serial;
}

void sim_tell(struct sim *sim, int64_t due_ms, const struct sim_world_node *node, uint64_t command_id,
              struct transport_event event)
{
    struct sim_deed *deed = plan(sim, due_ms);
    deed->event = event;
    deed->event.at_ms = deed->due_ms;
    deed->event.command_id = command_id;
    deed->event.node_id = node != NULL ? node->id : 0;
}

void sim_tell_end(struct sim *sim, int64_t due_ms, const struct sim_world_node *node, const struct command *command,
                  enum outcome outcome, enum transport_fault fault, const char *message)
{
    struct transport_event event = { .kind = TRANSPORT_RESULT, .result_count = 1 };
    event.results = xcalloc(1, sizeof(*event.results));
    event.results[0] = (struct command_result){
        .outcome = outcome,
        .fault = fault,
        .message = xstrdup(message),
        .number = command->number,
        .segment_count = command->segment_count,
        .segments = xcalloc(command->segment_count + 1, sizeof(struct segment_result)),
    };
    sim_tell(sim, due_ms, node, command->id, event);
}

/* ---- the interface ------------------------------------------------------------------------------------------------ */

struct sim_world_node *sim_node_at(const struct sim *sim, const char *address)
{
    struct sim_world_node *node = sim->nodes;
    while (node != NULL && strcmp(node->address, address) != 0 && strcmp(node->public_ip, address) != 0)
        node = node->next;
    return node;
}

static struct sim_world_node *node_of(const struct sim *sim, int64_t id)
{
    struct sim_world_node *node = sim->nodes;
    while (node != NULL && node->id != id)
        node = node->next;
    return node;
}

static void sim_set_node(struct transport *base, const struct transport_node *set)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = sim_node_at(sim, set->address);
    struct sim_world_node *before = node_of(sim, set->id);
    catch_up(sim);
    if (before != NULL && before != node) {
        sim_cut(sim, before, "the node has got another address");
        before->id = 0;
    }
    if (node == NULL)
        return; /* nothing answers there: commands do not start */
    node->id = set->id;
    node->is_sudo = set->sudo;
    sim_connect(sim, node);
}

static void sim_remove_node(struct transport *base, int64_t node_id)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = node_of(sim, node_id);
    catch_up(sim);
    if (node == NULL)
        return;
    sim_cut(sim, node, "the node was removed");
    sim_jobs_end(sim, node, true, "the node was removed");
    node->id = 0;
}

static void sim_start(struct transport *base, struct command *command)
{
    struct sim *sim = sim_from(base);
    assert(command->deadline_ms > 0);
    catch_up(sim);
    if (command->lane == LANE_PROBE) {
        sim_probe_start(sim, command);
        return;
    }
    struct sim_world_node *node = command->node_id != 0 ? node_of(sim, command->node_id) : NULL;
    if (node == NULL) {
        sim_tell_end(sim, sim->at_ms, NULL, command, OUTCOME_NOT_STARTED, FAULT_CONNECT, "no such node");
        command_destroy(command);
        return;
    }
    sim_job_start(sim, command, node);
}

void sim_forget(struct sim *sim, uint64_t command_id, bool only_output)
{
    struct sim_deed **link = &sim->deeds;
    while (*link != NULL) {
        struct sim_deed *deed = *link;
        if (deed->function != NULL || deed->event.command_id != command_id ||
            (only_output && deed->event.kind != TRANSPORT_OUTPUT)) {
            link = &deed->next;
            continue;
        }
        *link = deed->next;
        transport_event_finish(&deed->event);
        free(deed);
    }
}

static void sim_abandon(struct transport *base, uint64_t command_id)
{
    struct sim *sim = sim_from(base);
    for (struct sim_job *job = sim->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->command->id == command_id)
            sim_job_remove(sim, job);
    }
    for (struct sim_probe **link = &sim->probes; *link != NULL;) {
        struct sim_probe *probe = *link;
        if (probe->command->id != command_id) {
            link = &probe->next;
            continue;
        }
        *link = probe->next;
        sim_probe_destroy(probe);
    }
    sim_forget(sim, command_id, false);
}

/* Each deed happens at its own moment, also when the clock has jumped over several. */
static size_t sim_poll(struct transport *base, struct transport_event *ret_events, size_t events_max)
{
    struct sim *sim = sim_from(base);
    size_t count = 0;
    int64_t now_ms = sim->config.clock->now_ms(sim->config.clock);
    while (sim->deeds != NULL && sim->deeds->due_ms <= now_ms) {
        struct sim_deed *deed = sim->deeds;
        if (deed->function == NULL && count == events_max)
            return count;
        sim->deeds = deed->next;
        if (deed->due_ms > sim->at_ms)
            sim->at_ms = deed->due_ms;
        if (deed->function == NULL)
            ret_events[count++] = deed->event;
        else
            deed->function(sim, deed);
        free(deed);
    }
    catch_up(sim);
    return count;
}

static void node_destroy(struct sim_world_node *node)
{
    sim_records_destroy(node);
    sim_zone_forget(&node->zone);
    panel_memory_destroy(node->memory);
    free(node->address);
    free(node->public_ip);
    free(node);
}

static void sim_destroy(struct transport *base)
{
    if (base == NULL)
        return;
    struct sim *sim = sim_from(base);
    while (sim->deeds != NULL) {
        struct sim_deed *deed = sim->deeds;
        sim->deeds = deed->next;
        transport_event_finish(&deed->event);
        free(deed);
    }
    while (sim->jobs != NULL)
        sim_job_remove(sim, sim->jobs);
    while (sim->probes != NULL) {
        struct sim_probe *probe = sim->probes;
        sim->probes = probe->next;
        sim_probe_destroy(probe);
    }
    while (sim->nodes != NULL) {
        struct sim_world_node *node = sim->nodes;
        sim->nodes = node->next;
        node_destroy(node);
    }
    sim_domains_destroy(sim);
    free(sim);
}

static const struct transport_ops sim_ops = {
    .name = "sim",
    .set_node = sim_set_node,
    .remove_node = sim_remove_node,
    .start = sim_start,
    .abandon = sim_abandon,
    .poll = sim_poll,
    .destroy = sim_destroy,
};

struct transport *transport_sim_create(const struct transport_sim_config *config)
{
    struct sim *sim = xcalloc(1, sizeof(*sim));
    sim->base.ops = &sim_ops;
    sim->config = *config;
    if (sim->config.trip_ms == 0)
        sim->config.trip_ms = 1;
    if (sim->config.connect_ms == 0)
        sim->config.connect_ms = 20;
    catch_up(sim);
    return &sim->base;
}

/* ---- the world ---------------------------------------------------------------------------------------------------- */

void transport_sim_add_node(struct transport *base, enum panel_role role, const char *address, const char *public_ip,
                            const char *hostname, const char *standin)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = xcalloc(1, sizeof(*node));
    struct sim_world_node **link = &sim->nodes;
    node->address = xstrdup(address);
    node->public_ip = xstrdup(public_ip);
    node->role = role;
    node->up = true;
    node->memory = panel_memory_create(role, public_ip, hostname, rng_u64(sim->config.rng));
    panel_memory_set_now(node->memory, sim->at_ms);
    struct panel_host *host = panel_memory_host(node->memory);
    if (standin != NULL)
        host->ops->write(host, PANEL_ROOT "/conf/standin.conf", standin, strlen(standin));
    while (*link != NULL)
        link = &(*link)->next;
    *link = node;
}

int64_t transport_sim_next_due_ms(struct transport *base)
{
    const struct sim *sim = sim_from(base);
    return sim->deeds != NULL ? sim->deeds->due_ms : INT64_MAX;
}

void transport_sim_set_faults(struct transport *base, const struct transport_sim_faults *faults)
{
    sim_from(base)->config.faults = *faults;
}

void transport_sim_reboot(struct transport *base, const char *address, int64_t down_ms)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = sim_node_at(sim, address);
    assert(node != NULL);
    catch_up(sim);
    sim_go_down(sim, node, down_ms);
}

void transport_sim_cut(struct transport *base, const char *address)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = sim_node_at(sim, address);
    assert(node != NULL);
    catch_up(sim);
    sim_cut(sim, node, "the connection was cut");
}

void transport_sim_lock(struct transport *base, const char *address, int64_t for_ms)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = sim_node_at(sim, address);
    assert(node != NULL);
    catch_up(sim);
    node->locked_until_ms = sim->at_ms + for_ms;
}

void transport_sim_fill_disk(struct transport *base, const char *address, int64_t for_ms)
{
    struct sim *sim = sim_from(base);
    struct sim_world_node *node = sim_node_at(sim, address);
    assert(node != NULL);
    catch_up(sim);
    node->full_until_ms = sim->at_ms + for_ms;
}

struct panel_memory *transport_sim_memory(struct transport *base, const char *address)
{
    struct sim_world_node *node = sim_node_at(sim_from(base), address);
    return node != NULL ? node->memory : NULL;
}

void transport_sim_dump(struct transport *base, bool is_with_serials, struct buf *ret_text)
{
    for (const struct sim_world_node *node = sim_from(base)->nodes; node != NULL; node = node->next) {
        buf_addf(ret_text, "node %s\n", node->address);
        sim_node_dump(node->memory, is_with_serials, ret_text);
    }
}

void transport_sim_counts(struct transport *base, const char *address, struct transport_sim_counts *ret_counts)
{
    const struct sim_world_node *node = sim_node_at(sim_from(base), address);
    assert(node != NULL);
    *ret_counts = node->counts;
}
