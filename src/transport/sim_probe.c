/* sim_probe.c - looks from outside on their way through virtual time; sim_look.c knows what they see. See sim_internal.h. */
#include <stdlib.h>

#include "transport/probe.h"
#include "transport/sim_internal.h"

void sim_probe_destroy(struct sim_probe *probe)
{
    command_result_finish(&probe->result);
    command_destroy(probe->command);
    free(probe);
}

static struct sim_probe *probe_find(const struct sim *sim, uint64_t serial)
{
    struct sim_probe *probe = sim->probes;
    while (probe != NULL && probe->serial != serial)
        probe = probe->next;
    return probe;
}

static void probe_end(struct sim *sim, struct sim_probe *probe)
{
    struct transport_event event = { .kind = TRANSPORT_RESULT, .result_count = 1 };
    struct sim_probe **link = &sim->probes;
    event.results = xcalloc(1, sizeof(*event.results));
    event.results[0] = probe->result; /* given away */
    probe->result = (struct command_result){ 0 };
    sim_tell(sim, sim_now_ms(sim), NULL, probe->command->id, event);
    while (*link != probe)
        link = &(*link)->next;
    *link = probe->next;
    sim_probe_destroy(probe);
}

static void look_begins(struct sim *sim, const struct sim_deed *deed);

static void look_ends(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_probe *probe = probe_find(sim, deed->serial);
    if (probe == NULL)
        return;
    const struct segment *segment = &probe->command->segments[probe->at];
    if (probe->at + 1 == probe->command->segment_count ||
        !sim_goes_on(segment, probe->result.segments[probe->at].exit_code)) {
        probe_end(sim, probe);
        return;
    }
    probe->at++;
    look_begins(sim, deed);
}

static void look_begins(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_probe *probe = probe_find(sim, deed->serial);
    int64_t lasts_ms = 0;
    if (probe == NULL)
        return;
    sim_look(sim, &probe->command->segments[probe->at], probe->silent, &probe->result.segments[probe->at], &lasts_ms);
    sim_plan(sim, sim_now_ms(sim) + lasts_ms, look_ends, NULL, probe->serial);
}

void sim_probe_start(struct sim *sim, struct command *command)
{
    struct sim_probe *probe = xcalloc(1, sizeof(*probe));
    probe->serial = sim_next_serial(sim);
    probe->command = command;
    probe->silent = rng_percent(sim->config.rng, sim->config.faults.probe_silent);
    probe->result.outcome = OUTCOME_ENDED;
    probe->result.segment_count = command->segment_count;
    probe->result.segments = xcalloc(command->segment_count + 1, sizeof(*probe->result.segments));
    probe->next = sim->probes;
    sim->probes = probe;
    sim_tell(sim, sim_now_ms(sim), NULL, command->id, (struct transport_event){ .kind = TRANSPORT_STARTED });
    sim_plan(sim, sim_now_ms(sim), look_begins, NULL, probe->serial);
}
