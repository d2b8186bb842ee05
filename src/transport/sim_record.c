/* sim_record.c - what a modelled node does with a request: lock, fence, records, running segment by segment, pick-up. The counterpart
 * of node.sh; where that leaves a choice to chance, this does too. See sim_internal.h. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "transport/sim_internal.h"

#define LOCK_WAIT_MS 1000
#define SEGMENT_MS 2 /* to start a program */
#define OUTPUT_AFTER_MS 100
#define SLOWNESS 10
#define EXIT_DISK_FULL 13 /* of the panel */

/* ---- records ------------------------------------------------------------------------------------------------------ */

static void record_destroy(struct sim_record *record)
{
    command_result_finish(&record->result);
    command_destroy(record->command);
    free(record);
}

static void record_remove(struct sim_world_node *node, struct sim_record *record)
{
    struct sim_record **link = &node->records;
    while (*link != record)
        link = &(*link)->next;
    *link = record->next;
    record_destroy(record);
}

void sim_records_destroy(struct sim_world_node *node)
{
    while (node->records != NULL)
        record_remove(node, node->records);
}

struct sim_record *sim_record_find(const struct sim_world_node *node, uint64_t serial)
{
    struct sim_record *record = node->records;
    while (record != NULL && record->serial != serial)
        record = record->next;
    return record;
}

static bool is_kept(const struct sim_record *record)
{
    return record->command->lane == LANE_MAKE && record->state != RECORD_FLIES;
}

static bool is_running(const struct sim_record *record)
{
    return is_kept(record) && record->state == RECORD_RUNS;
}

static struct sim_record *find_running(const struct sim_world_node *node)
{
    struct sim_record *record = node->records;
    while (record != NULL && !is_running(record))
        record = record->next;
    return record;
}

static struct sim_record *find_kept(const struct sim_world_node *node, int64_t fence, unsigned number)
{
    struct sim_record *record = node->records;
    while (record != NULL && (!is_kept(record) || record->command->fence != fence || record->command->number != number))
        record = record->next;
    return record;
}

void sim_result_copy(const struct command_result *from, struct command_result *ret_result)
{
    *ret_result = *from;
    ret_result->message = from->message != NULL ? xstrdup(from->message) : NULL;
    ret_result->segments = xcalloc(from->segment_count + 1, sizeof(*ret_result->segments));
    for (size_t i = 0; i < from->segment_count; i++) {
        const struct segment_result *segment = &from->segments[i];
        ret_result->segments[i] = *segment;
        ret_result->segments[i].out = segment->out != NULL ? xstrdup(segment->out) : NULL;
        ret_result->segments[i].err = segment->err != NULL ? xstrdup(segment->err) : NULL;
    }
}

bool sim_records_show(const struct sim_world_node *node, int64_t fence, struct transport_event *event)
{
    size_t count = 0;
    while (find_kept(node, fence, (unsigned)count) != NULL)
        count++;
    if (count == 0)
        return false;
    event->result_count = count;
    event->results = xcalloc(count, sizeof(*event->results));
    for (size_t i = 0; i < count; i++)
        sim_result_copy(&find_kept(node, fence, (unsigned)i)->result, &event->results[i]);
    return true;
}

/* The record has come to its end, whatever that is: tell who waits for it. */
static void record_end(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    for (struct sim_job *job = sim->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->state == JOB_SENT && job->record == record->serial)
            sim_job_answer(sim, job);
    }
    if (!is_kept(record))
        record_remove(node, record);
}

/* Nothing runs: the record is only the answer. */
static void record_refuse(struct sim *sim, struct sim_world_node *node, struct sim_record *record, enum outcome outcome,
                          enum transport_fault fault, const char *message)
{
    record->result.outcome = outcome;
    record->result.fault = fault;
    record->result.message = xstrdup(message);
    node->counts.fenced += outcome == OUTCOME_FENCED;
    node->counts.busy += outcome == OUTCOME_BUSY;
    record_end(sim, node, record);
}

void sim_records_lose(struct sim *sim, struct sim_world_node *node)
{
    for (struct sim_record *record = node->records, *next; record != NULL; record = next) {
        next = record->next;
        if (is_running(record)) {
            record->state = RECORD_LOST;
            record->result.outcome = OUTCOME_LOST;
            record->result.message = xstrdup("the node was restarted while the command ran");
            node->counts.lost++;
            node->counts.busy_ms += sim_now_ms(sim) - record->began_ms;
        } else if (!is_kept(record) && record->plan.cut != CUT_LATE) {
            record_remove(node, record); /* what lies in a pipe elsewhere may still come */
        }
    }
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static void segment_ends(struct sim *sim, const struct sim_deed *deed);

/* Called by the model between two writes: does the command die here? */
static bool dies_here(void *context, const char *point)
{
    struct sim_world_node *node = context;
    struct panel_host *host = panel_memory_host(node->memory);
    (void)point;
    if (node->points_left > 0 && --node->points_left == 0)
        node->died = true;
    int64_t ran_ms = (host->ops->elapsed_ms(host) - node->point_began_ms) * node->slowness;
    if (node->limit_ms > 0 && ran_ms >= node->limit_ms)
        node->killed = true;
    return node->died || node->killed;
}

/* Run the segment in the model, with its faults. @return how long it takes */
static int64_t segment_run(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    const struct command *command = record->command;
    const struct segment *segment = &command->segments[record->at];
    struct segment_result *result = &record->result.segments[record->at];
    struct panel_host *host = panel_memory_host(node->memory);
    char path[80];
    bool is_panel = segment->changes && strncmp(segment->argv[0], PANEL_BIN "/", strlen(PANEL_BIN "/")) == 0;
    bool full = is_panel && sim_now_ms(sim) < node->full_until_ms;
    bool fails = full || (is_panel && record->plan.fail_segment == record->changes_seen);
    int fail_exit = full ? EXIT_DISK_FULL : record->plan.fail_exit;
    record->changes_seen += is_panel;
    node->slowness = record->plan.slow ? SLOWNESS : 1;
    node->points_left = segment->changes ? record->plan.die_at_point : 0;
    int64_t left_ms = command->node_limit_ms - (sim_now_ms(sim) - record->began_ms);
    node->limit_ms = command->node_limit_ms == 0 ? 0 : left_ms > 0 ? left_ms : 1;
    node->point_began_ms = host->ops->elapsed_ms(host);
    node->died = node->killed = false;
    panel_memory_set_now(node->memory, sim_now_ms(sim));
    panel_memory_take_slept_ms(node->memory);
    panel_memory_on_point(node->memory, dies_here, node);
    snprintf(path, sizeof(path), "/tmp/berth-%lld-%u-%zu", (long long)command->fence, command->number, record->at);
    if (fails && fail_exit != 20) { /* 20: a service did not restart, but the object has been made */
        *result = (struct segment_result){ .ran = true };
        result->out = xstrdup("Error: so it was decided\n");
        result->err = xstrdup("");
    } else {
        sim_run_segment(node->memory, node->is_sudo, path, segment, result);
    }
    if (fails)
        result->exit_code = fail_exit;
    panel_memory_on_point(node->memory, NULL, NULL);
    if (segment->changes && record->plan.die_at_point > 0)
        record->plan.die_at_point = node->died || node->points_left == 0 ? 1 : node->points_left;
    return (SEGMENT_MS + panel_memory_take_slept_ms(node->memory)) * node->slowness;
}

static void line_breaks(struct sim *sim, const struct sim_deed *deed)
{
    sim_cut(sim, deed->node, "the connection was reset by the peer");
}

static void node_dies(struct sim *sim, const struct sim_deed *deed)
{
    sim_go_down(sim, deed->node, sim_draw_down_ms(sim));
}

static void result_drop(struct segment_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct segment_result){ 0 };
}

static void command_is_killed(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_record *record = sim_record_find(deed->node, deed->serial);
    if (record == NULL || record->state != RECORD_RUNS)
        return;
    record->state = RECORD_KILLED;
    record->result.outcome = OUTCOME_KILLED;
    record->result.message = xstrdup("the command ran longer than the node allows");
    deed->node->counts.killed++;
    deed->node->counts.busy_ms += sim_now_ms(sim) - record->began_ms;
    record_end(sim, deed->node, record);
}

static void segment_begin(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    int64_t now_ms = sim_now_ms(sim);
    node->counts.changes += record->command->segments[record->at].changes;
    int64_t lasts_ms = segment_run(sim, node, record);
    if (record->plan.cut == CUT_DURING && record->plan.cut_segment == record->at)
        sim_plan(sim, now_ms + lasts_ms / 2, line_breaks, node, 0);
    if (node->died || node->killed)
        result_drop(&record->result.segments[record->at]);
    if (node->died)
        sim_plan(sim, now_ms + lasts_ms, node_dies, node, 0);
    else if (node->killed)
        sim_plan(sim, now_ms + lasts_ms, command_is_killed, node, record->serial);
    else
        sim_plan(sim, now_ms + lasts_ms, segment_ends, node, record->serial);
}

static void tell_output(struct sim *sim, const struct sim_world_node *node, const struct sim_record *record)
{
    const struct sim_job *job = sim_job_of(sim, record);
    const struct segment_result *result = &record->result.segments[record->at];
    bool shown = job != NULL && job->plan.cut != CUT_SILENT && !record->command->segments[record->at].quiet &&
                 sim_now_ms(sim) - record->began_ms >= OUTPUT_AFTER_MS;
    const char *const texts[] = { result->out, result->err };
    for (size_t i = 0; shown && i < ARRAY_LEN(texts); i++) {
        if (texts[i][0] == '\0')
            continue;
        struct transport_event event = { .kind = TRANSPORT_OUTPUT,
                                         .number = record->command->number,
                                         .segment = (unsigned)record->at,
                                         .stream = (int)i + 1,
                                         .data = xstrdup(texts[i]),
                                         .length = strlen(texts[i]) };
        sim_tell(sim, sim_now_ms(sim) + sim->config.trip_ms, node, job->command->id, event);
    }
}

static void record_begin(struct sim *sim, struct sim_world_node *node, struct sim_record *record);

static void run_again(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    for (size_t i = 0; i <= record->at; i++)
        result_drop(&record->result.segments[i]);
    record->at = 0;
    record_begin(sim, node, record);
}

/* All segments have run that were to run. */
static void command_ends(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    bool make = record->command->lane == LANE_MAKE;
    if (record->plan.runs_twice) {
        record->plan.runs_twice = false;
        run_again(sim, node, record);
        return;
    }
    record->state = RECORD_ENDED;
    record->result.outcome = OUTCOME_ENDED;
    if (make)
        node->counts.busy_ms += sim_now_ms(sim) - record->began_ms;
    if (record->plan.die_at_point > 0) {
        sim_go_down(sim, node, sim_draw_down_ms(sim)); /* after its end, before its answer; the record is on disk */
        return;
    }
    if (record->plan.cut == CUT_AFTER && sim_job_of(sim, record) != NULL)
        sim_cut(sim, node, "the connection was reset by the peer");
    record_end(sim, node, record);
}

static void segment_ends(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_record *record = sim_record_find(deed->node, deed->serial);
    if (record == NULL || record->state != RECORD_RUNS)
        return; /* the node went down under it */
    const struct segment *segment = &record->command->segments[record->at];
    tell_output(sim, deed->node, record);
    if (record->at + 1 == record->command->segment_count ||
        !sim_goes_on(segment, record->result.segments[record->at].exit_code)) {
        command_ends(sim, deed->node, record);
        return;
    }
    record->at++;
    segment_begin(sim, deed->node, record);
}

/* ---- arriving ----------------------------------------------------------------------------------------------------- */

/* What the lock, the fence and the records are for, counted without them: no changing command begins that has begun before, or
 * after one of a later attempt. */
static void count_begin(struct sim_world_node *node, const struct command *command)
{
    bool later =
        command->fence > node->ran_fence || (command->fence == node->ran_fence && command->number > node->ran_number);
    node->counts.makes++;
    node->counts.repeats += !later;
    node->ran_fence = command->fence;
    node->ran_number = command->number;
}

static void record_begin(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    record->state = RECORD_RUNS;
    record->began_ms = sim_now_ms(sim);
    if (record->command->lane == LANE_MAKE)
        count_begin(node, record->command);
    node->counts.looks += record->command->lane == LANE_LOOK;
    segment_begin(sim, node, record);
}

static bool is_gated(const struct sim_world_node *node, const struct sim_record *record)
{
    for (size_t i = 0; i < node->gate_count; i++) {
        if (node->gates[i].fence == record->command->fence && record->sent_ms < node->gates[i].at_ms)
            return true;
    }
    return false;
}

/* Lower fences are refused anyhow, so their gates may go. */
static void gate_add(struct sim_world_node *node, int64_t fence, int64_t at_ms)
{
    if (node->gate_count == SIM_GATES_MAX) {
        memmove(node->gates, node->gates + 1, (SIM_GATES_MAX - 1) * sizeof(node->gates[0]));
        node->gate_count--;
    }
    node->gates[node->gate_count++] = (struct sim_gate){ fence, at_ms };
}

static void fence_raise(struct sim_world_node *node, int64_t fence)
{
    if (fence <= node->fence)
        return;
    node->fence = fence;
    for (struct sim_record *record = node->records, *next; record != NULL; record = next) {
        next = record->next;
        if (is_kept(record) && record->command->fence < fence)
            record_remove(node, record);
    }
}

/* Follow the last command of an attempt to its end, or say that there is none, and see to it that none will come. */
static void pick_up(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    struct sim_job *job = sim_job_of(sim, record);
    int64_t fence = record->command->fence;
    struct sim_record *last = NULL;
    for (unsigned number = 0; find_kept(node, fence, number) != NULL; number++)
        last = find_kept(node, fence, number);
    if (last == NULL || last->state != RECORD_RUNS)
        gate_add(node, fence, sim_now_ms(sim));
    if (job != NULL && last != NULL)
        job->record = last->serial;
    bool broken = record->plan.cut == CUT_AFTER || record->plan.cut == CUT_DURING;
    record_remove(node, record);
    if (broken)
        sim_cut(sim, node, "the connection was reset by the peer");
    else if (job != NULL && (last == NULL || last->state != RECORD_RUNS))
        sim_job_answer(sim, job);
}

static void record_arrives(struct sim *sim, const struct sim_deed *deed);

static void make_arrives(struct sim *sim, struct sim_world_node *node, struct sim_record *record)
{
    const struct command *command = record->command;
    struct sim_record *same = find_kept(node, command->fence, command->number);
    struct sim_job *job = sim_job_of(sim, record);
    if (same != NULL) { /* it is there already: follow that one */
        record_remove(node, record);
        if (job != NULL)
            job->record = same->serial;
        if (job != NULL && same->state != RECORD_RUNS)
            sim_job_answer(sim, job);
        return;
    }
    bool locked = find_running(node) != NULL || sim_now_ms(sim) < node->locked_until_ms;
    if (locked && !record->waited) {
        record->waited = true;
        sim_plan(sim, sim_now_ms(sim) + LOCK_WAIT_MS, record_arrives, node, record->serial);
    } else if (record->plan.disk_full) {
        record_refuse(sim, node, record, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "no space left on device");
    } else if (locked) {
        record_refuse(sim, node, record, OUTCOME_BUSY, FAULT_NONE, "another command holds the node's lock");
    } else if (command->fence < node->fence) {
        record_refuse(sim, node, record, OUTCOME_FENCED, FAULT_NONE, "the node has seen a higher fence");
    } else if (sim_now_ms(sim) < node->full_until_ms && command->disks != NULL && command->room_kib > 0) {
        record_refuse(sim, node, record, OUTCOME_NOT_STARTED, FAULT_DISK_FULL, "0 MB are free on its disk with /");
    } else if (is_gated(node, record)) {
        record_refuse(sim, node, record, OUTCOME_NOT_STARTED, FAULT_NONE, "the attempt was picked up before it came");
    } else {
        fence_raise(node, command->fence);
        record_begin(sim, node, record);
    }
}

static void record_arrives(struct sim *sim, const struct sim_deed *deed)
{
    struct sim_world_node *node = deed->node;
    struct sim_record *record = sim_record_find(node, deed->serial);
    if (record == NULL)
        return;
    if (record->plan.down && node->up) {
        record->plan.down = false;
        sim_go_down(sim, node, sim_draw_down_ms(sim));
        record = sim_record_find(node, deed->serial);
    }
    if (record == NULL)
        return;
    if (!node->up)
        record_remove(node, record);
    else if (record->command->pick_up)
        pick_up(sim, node, record);
    else if (record->command->lane == LANE_MAKE)
        make_arrives(sim, node, record);
    else
        record_begin(sim, node, record);
}

uint64_t sim_record_send(struct sim *sim, const struct sim_job *job, int64_t arrives_ms)
{
    struct sim_world_node *node = job->node;
    struct sim_record *record = xcalloc(1, sizeof(*record));
    struct sim_record **link = &node->records;
    record->serial = sim_next_serial(sim);
    record->command = command_copy(job->command);
    record->plan = job->plan;
    record->sent_ms = sim_now_ms(sim);
    record->result.number = job->command->number;
    record->result.segment_count = job->command->segment_count;
    record->result.segments = xcalloc(job->command->segment_count + 1, sizeof(*record->result.segments));
    while (*link != NULL)
        link = &(*link)->next;
    *link = record;
    sim_plan(sim, arrives_ms, record_arrives, node, record->serial);
    return record->serial;
}
