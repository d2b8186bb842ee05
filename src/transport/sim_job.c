/* sim_job.c - commands that the engine waits for: their faults are drawn, they are sent, and answered. See sim_internal.h. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "transport/sim_internal.h"

#define LATE_MS_MAX 20000
#define CHANGES_MAX 3 /* most commands change something once; a zone is written in three steps */
#define POINTS_MAX 14 /* more than any command of the panel passes: beyond its last one the node goes down at its end */

/* ---- faults ------------------------------------------------------------------------------------------------------- */

static int draw_exit(struct sim *sim)
{
    static const int usual[] = { 13, 15, 20 };
    const int *exits = sim->config.faults.panel_exits;
    size_t count = 0;
    while (count < ARRAY_LEN(sim->config.faults.panel_exits) && exits[count] != 0)
        count++;
    if (count == 0)
        return usual[rng_below(sim->config.rng, ARRAY_LEN(usual))];
    return exits[rng_below(sim->config.rng, count)];
}

static enum sim_cut draw_cut(struct sim *sim)
{
    const struct transport_sim_faults *faults = &sim->config.faults;
    const struct {
        unsigned percent;
        enum sim_cut cut;
    } kinds[] = { { faults->cut_before, CUT_BEFORE },
                  { faults->cut_late, CUT_LATE },
                  { faults->cut_during, CUT_DURING },
                  { faults->cut_after, CUT_AFTER },
                  { faults->silent, CUT_SILENT } };
    unsigned drawn = (unsigned)rng_below(sim->config.rng, 100);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (drawn < kinds[i].percent)
            return kinds[i].cut;
        drawn -= kinds[i].percent;
    }
    return CUT_NONE;
}

/* The same number of draws whatever comes of them, so that a changed percentage shifts no other fault. */
static struct sim_plan draw_plan(struct sim *sim, const struct command *command)
{
    const struct transport_sim_faults *faults = &sim->config.faults;
    struct rng *rng = sim->config.rng;
    struct sim_plan plan = { .cut = draw_cut(sim) };
    plan.late_ms = rng_range(rng, 1, LATE_MS_MAX);
    plan.cut_segment = rng_below(rng, command->segment_count > 0 ? command->segment_count : 1);
    plan.slow = rng_percent(rng, faults->slow);
    plan.down = rng_percent(rng, faults->down);
    unsigned point = 1 + (unsigned)rng_below(rng, POINTS_MAX);
    bool reboot = rng_percent(rng, faults->reboot);
    bool disk_full = rng_percent(rng, faults->disk_full);
    size_t segment = rng_below(rng, CHANGES_MAX);
    bool fails = rng_percent(rng, faults->panel_fails);
    plan.fail_exit = draw_exit(sim);
    bool twice = rng_percent(rng, faults->runs_twice);
    plan.fail_segment = SIZE_MAX;
    if (command->lane != LANE_MAKE || command->pick_up)
        return plan;
    plan.die_at_point = reboot ? point : 0;
    plan.disk_full = disk_full;
    plan.runs_twice = twice;
    plan.fail_segment = fails ? segment : SIZE_MAX;
    return plan;
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */

void sim_job_destroy(struct sim_job *job)
{
    command_destroy(job->command);
    free(job);
}

void sim_job_remove(struct sim *sim, struct sim_job *job)
{
    struct sim_job **link = &sim->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    sim_job_destroy(job);
}

struct sim_job *sim_job_of(const struct sim *sim, const struct sim_record *record)
{
    struct sim_job *job = sim->jobs;
    while (job != NULL && (job->state != JOB_SENT || job->record != record->serial))
        job = job->next;
    return job;
}

static void job_end(struct sim *sim, struct sim_job *job, enum transport_fault fault, const char *why)
{
    bool sent = job->state == JOB_SENT;
    sim_forget(sim, job->command->id, true); /* output on its way: the result is the last that is heard */
    sim_tell_end(sim, sim_now_ms(sim), job->node, job->command, sent ? OUTCOME_UNKNOWN : OUTCOME_NOT_STARTED,
                 sent || fault == FAULT_DEADLINE ? fault : FAULT_CONNECT, why);
    sim_job_remove(sim, job);
}

void sim_jobs_end(struct sim *sim, const struct sim_world_node *node, bool waiting_too, const char *why)
{
    for (struct sim_job *job = sim->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->node == node && (job->state == JOB_SENT || waiting_too))
            job_end(sim, job, FAULT_CUT, why);
    }
}

static void deadline_passes(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_job *job = sim->jobs;
    while (job != NULL && job->serial != deed->serial)
        job = job->next;
    if (job == NULL)
        return;
    char why[100];
    snprintf(why, sizeof(why), "no answer from %s before the deadline", job->node->address);
    job_end(sim, job, FAULT_DEADLINE, why);
}

/* ---- there and back ----------------------------------------------------------------------------------------------- */

static void line_breaks(struct sim *sim, const struct sim_deed *deed)
{
    sim_cut(sim, deed->node, "the connection was reset by the peer");
}

static void job_send(struct sim *sim, struct sim_job *job)
{
    int64_t now_ms = sim_now_ms(sim), trip_ms = sim->config.trip_ms;
    job->state = JOB_SENT;
    sim_tell(sim, now_ms, job->node, job->command->id, (struct transport_event){ .kind = TRANSPORT_STARTED });
    bool late = job->plan.cut == CUT_LATE;
    if (late || job->plan.cut == CUT_BEFORE)
        sim_plan(sim, now_ms + trip_ms, line_breaks, job->node, 0);
    if (job->plan.cut != CUT_BEFORE)
        job->record = sim_record_send(sim, job, now_ms + trip_ms + (late ? job->plan.late_ms : 0));
}

void sim_jobs_send(struct sim *sim, struct sim_world_node *node)
{
    for (struct sim_job *job = sim->jobs; job != NULL; job = job->next) {
        if (job->node == node && job->state == JOB_WAITS)
            job_send(sim, job);
    }
}

void sim_job_start(struct sim *sim, struct command *command, struct sim_world_node *node)
{
    struct sim_job *job = xcalloc(1, sizeof(*job));
    struct sim_job **link = &sim->jobs;
    job->serial = sim_next_serial(sim);
    job->command = command;
    job->node = node;
    job->plan = draw_plan(sim, command);
    while (*link != NULL)
        link = &(*link)->next;
    *link = job;
    bool silence = job->plan.cut == CUT_SILENT && command->silence_ms > 0 && command->silence_ms < command->deadline_ms;
    sim_plan(sim, sim_now_ms(sim) + (silence ? command->silence_ms : command->deadline_ms), deadline_passes, node,
             job->serial);
    if (node->connected)
        job_send(sim, job);
    else
        sim_connect(sim, node);
}

void sim_job_answer(struct sim *sim, struct sim_job *job)
{
    struct transport_event event = { .kind = TRANSPORT_RESULT, .result_count = 1 };
    const struct sim_record *record = sim_record_find(job->node, job->record);
    if (job->plan.cut == CUT_SILENT)
        return; /* the deadline will end it */
    if (!job->command->pick_up) {
        event.results = xcalloc(1, sizeof(*event.results));
        sim_result_copy(&record->result, &event.results[0]);
    } else if (!sim_records_show(job->node, job->command->fence, &event)) {
        sim_tell_end(sim, sim_now_ms(sim) + sim->config.trip_ms, job->node, job->command, OUTCOME_NOT_STARTED,
                     FAULT_NONE, "the node has no record of this attempt");
        sim_job_remove(sim, job);
        return;
    }
    sim_tell(sim, sim_now_ms(sim) + sim->config.trip_ms, job->node, job->command->id, event);
    sim_job_remove(sim, job);
}
