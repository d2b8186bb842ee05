/* ssh_job.c - a command on its way. A look is sent and its output read from the lane. A make is sent, then its record is read over
 * the follow lane while it runs, and the make lane's answer brings the end; a pick-up finds the records and reads them the same
 * way. What was once handed to a connection is never called 'not started' on our own word: only the node can say that. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "transport/ssh_internal.h"

static struct loop *job_loop(const struct job *job)
{
    return transport_loop(job->node->transport);
}

static bool is_make(const struct job *job)
{
    return job->command->lane == LANE_MAKE;
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

static void on_output(void *context, unsigned segment, int stream, char *data, size_t length)
{
    struct job *job = context;
    size_t *repeated = &job->repeated[segment][stream - 1];
    size_t known = *repeated < length ? *repeated : length;
    *repeated -= known;
    length -= known;
    memmove(data, data + known, length);
    if (length == 0) {
        free(data);
        return;
    }
    if (job->only_one || !job->command->pick_up)
        job->passed[segment][stream - 1] += length;
    transport_push(job->node->transport, &(struct transport_event){ .kind = TRANSPORT_OUTPUT,
                                                                    .command_id = job->command->id,
                                                                    .node_id = job->node->id,
                                                                    .number = job->records[job->current].number,
                                                                    .segment = segment,
                                                                    .stream = stream,
                                                                    .data = data,
                                                                    .length = length });
}

static void push_started(struct job *job)
{
    job->sent_at_ms = job_loop(job)->now_ms;
    if (job->sent)
        return;
    job->sent = true;
    transport_push(job->node->transport, &(struct transport_event){ .kind = TRANSPORT_STARTED,
                                                                    .command_id = job->command->id,
                                                                    .node_id = job->node->id,
                                                                    .number = job->command->number,
                                                                    .at_us = clock_measure_us() });
}

/* ---- making and ending ---------------------------------------------------------------------------------------------- */

struct job *job_create(struct ssh_node *node, struct command *command)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct loop *loop = transport_loop(node->transport);
    job->node = node;
    job->command = command;
    job->connect_deadline_at_ms = loop->now_ms + loop->connect_ms;
    job->deadline_at_ms = loop->now_ms + command->deadline_ms;
    return job;
}

static void records_clear(struct job *job)
{
    for (size_t i = 0; i < job->record_count; i++)
        record_finish(&job->records[i]);
    free(job->records);
    job->records = NULL;
    job->record_count = 0;
    job->current = 0;
}

/* A look's lane is still full of the look: it is replaced. A make's lane gives its answer to nobody and is free again then. */
static void job_leave_lanes(struct job *job)
{
    struct ssh_session_state *session = job->session;
    for (unsigned i = 0; session != NULL && i < session->lane_count; i++) {
        struct ssh_lane *lane = &session->lanes[i];
        if (lane->job != job)
            continue;
        lane->job = NULL;
        if (lane->request == REQUEST_LOOK && lane->state == LANE_BUSY)
            lane_close(lane);
    }
}

void job_destroy(struct job *job)
{
    struct job **at = &job->node->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job_leave_lanes(job);
    records_clear(job);
    for (size_t i = 0; i < job->result_count; i++)
        command_result_finish(&job->results[i]);
    free(job->results);
    command_destroy(job->command);
    free(job);
}

static struct command_result *add_result(struct job *job)
{
    job->results = xrealloc(job->results, (job->result_count + 1) * sizeof(*job->results));
    struct command_result *result = &job->results[job->result_count++];
    *result = (struct command_result){ .number = job->command->number };
    return result;
}

static void job_end(struct job *job)
{
    transport_push(job->node->transport, &(struct transport_event){ .kind = TRANSPORT_RESULT,
                                                                    .command_id = job->command->id,
                                                                    .node_id = job->node->id,
                                                                    .number = job->command->number,
                                                                    .results = job->results,
                                                                    .result_count = job->result_count });
    job->results = NULL;
    job->result_count = 0;
    job_destroy(job);
}

static void fill_segments(struct job *job, const char *codes, struct command_result *result)
{
    if (job->record_count > 0)
        record_result(&job->records[job->current], codes, result);
    if (result->segments != NULL || job->command->segment_count == 0)
        return;
    result->segment_count = job->command->segment_count;
    result->segments = xcalloc(result->segment_count, sizeof(*result->segments));
}

void job_fail(struct job *job, enum outcome outcome, enum transport_fault fault, const char *format, ...)
{
    struct command_result *result = add_result(job);
    char message[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    fill_segments(job, "", result);
    result->outcome = outcome;
    result->fault = fault;
    result->message = xstrdup(message);
    job_end(job);
}

/* The current record is read to its end. @return true when the job is done and gone */
static bool record_done(struct job *job, const char *codes)
{
    struct command_result *result = add_result(job);
    fill_segments(job, codes, result);
    result->outcome = OUTCOME_ENDED;
    job->current++;
    job->next_read_at_ms = job_loop(job)->now_ms;
    if (job->current < job->record_count)
        return false;
    job_end(job);
    return true;
}

static void mark_killed(struct command_result *result)
{
    for (size_t i = 0; i < result->segment_count; i++) {
        if (!result->segments[i].ran && result->segments[i].out != NULL) {
            result->segments[i].ran = true;
            result->segments[i].exit_code = 137;
        }
    }
}

static bool record_killed(struct job *job)
{
    struct command_result *result = add_result(job);
    fill_segments(job, "", result);
    mark_killed(result);
    result->outcome = OUTCOME_KILLED;
    result->message = xasprintf("%s killed the command when its time limit had passed", job->node->name);
    job->current++;
    job->next_read_at_ms = job_loop(job)->now_ms;
    if (job->current < job->record_count)
        return false;
    job_end(job);
    return true;
}

/* ---- sending -------------------------------------------------------------------------------------------------------- */

static struct script_node script_node_of(const struct job *job)
{
    return (struct script_node){ job_loop(job)->installation, job->node->sudo };
}

static void add_record(struct job *job, unsigned number, const char *name, const struct nonce *key)
{
    job->records = xrealloc(job->records, (job->record_count + 1) * sizeof(*job->records));
    struct record *record = &job->records[job->record_count++];
    record_init(record, number, key, on_output, job);
    snprintf(record->name, sizeof(record->name), "%s", name);
    if (!job->command->pick_up)
        record->segment_count = job->command->segment_count;
}

static void send_request(struct job *job, struct ssh_lane *lane, enum request request, const struct nonce *nonce,
                         struct buf *text)
{
    job->session = lane->session;
    job->lane = lane;
    lane_send(lane, request, job, nonce, text);
    session_quick_ack(lane->session);
    push_started(job);
}

static void send_make(struct job *job, struct ssh_lane *lane)
{
    struct script_node node = script_node_of(job);
    struct nonce nonce = nonce_random();
    struct nonce key = nonce_random();
    struct buf text = BUF_INIT;
    char name[RECORD_NAME_MAX];
    lane_record_name(lane, name);
    script_make(&node, job->command, &nonce, &key, name, &text);
    add_record(job, job->command->number, name, &key);
    lane->record_next++;
    lane->session->newest_fence = job->command->fence;
    job->state = JOB_SENT;
    job->next_read_at_ms = job_loop(job)->now_ms + job_loop(job)->poll_ms;
    send_request(job, lane, REQUEST_MAKE, &nonce, &text);
}

static void send_look(struct job *job, struct ssh_lane *lane)
{
    struct script_node node = script_node_of(job);
    struct nonce key = nonce_random();
    struct buf text = BUF_INIT;
    script_look(&node, job->command, &key, &text);
    add_record(job, job->command->number, "", &key);
    job->state = JOB_SENT;
    send_request(job, lane, REQUEST_LOOK, &key, &text);
}

static void send_find(struct job *job, struct ssh_lane *lane)
{
    struct nonce nonce = nonce_random();
    struct buf text = BUF_INIT;
    records_clear(job);
    memcpy(job->repeated, job->passed, sizeof(job->repeated));
    /* Commands of this fence are taken only from the lane that makes, or a younger one, then. */
    const struct ssh_lane *maker = session_make_lane(lane->session);
    script_find(job->command->fence, &nonce, maker != NULL ? maker->stamp : lane->stamp, &text);
    job->state = JOB_FINDING;
    send_request(job, lane, REQUEST_FIND, &nonce, &text);
}

void job_dispatch(struct job *job)
{
    struct ssh_session_state *session = job->session != NULL ? job->session : job->node->session;
    bool finds = job->command->pick_up || job->only_one;
    bool waits = job->state == JOB_WAITING || (job->state == JOB_FINDING && job->lane == NULL && !job->reading);
    if (!waits || session == NULL || session->state != SESSION_UP)
        return;
    struct ssh_lane *lane = session_free_lane(session, is_make(job) ? ROLE_MAKE : ROLE_LOOK);
    if (lane == NULL && is_make(job) && finds)
        lane = session_free_lane(session, ROLE_FOLLOW);
    if (lane == NULL)
        return;
    if (!is_make(job))
        send_look(job, lane);
    else if (finds)
        send_find(job, lane);
    else
        send_make(job, lane);
}

static void job_read(struct job *job)
{
    struct record *record = &job->records[job->current];
    struct ssh_lane *lane = session_free_lane(job->session, ROLE_FOLLOW);
    if (lane == NULL && job->state == JOB_READING)
        lane = session_free_lane(job->session, ROLE_MAKE);
    if (lane == NULL)
        return;
    struct nonce nonce = nonce_random();
    struct buf text = BUF_INIT;
    script_read(record->name, &nonce, record->streams[0].offset, record->streams[1].offset, READ_CAP, &text);
    job->reading = true;
    lane_send(lane, REQUEST_READ, job, &nonce, &text);
    session_quick_ack(lane->session);
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

/* An answer's parts: "<nonce> k ..." where k is its kind. The bytes in between are the node's. */
struct part {
    char kind;
    const char *text; /* after the kind and a blank, up to the newline */
    const char *data; /* what follows the line, up to the next part */
    size_t length;
};

static bool part_next(const struct nonce *nonce, const char **at, const char *end, struct part *ret_part)
{
    const char *line = memmem(*at, (size_t)(end - *at), nonce->text, NONCE_LENGTH);
    if (line == NULL || end - line < NONCE_LENGTH + 3)
        return false;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    if (newline == NULL)
        return false;
    const char *next = memmem(newline, (size_t)(end - newline), nonce->text, NONCE_LENGTH);
    ret_part->kind = line[NONCE_LENGTH + 1];
    ret_part->text = line + NONCE_LENGTH + 2 < newline ? line + NONCE_LENGTH + 3 : newline;
    ret_part->data = newline + 1;
    ret_part->length = (size_t)((next != NULL ? next : end) - (newline + 1));
    *at = newline + 1;
    return true;
}

/* The words of the answer's last line; NUL-terminated copy, since the buffer's line ends in a newline. */
static void part_text(const struct part *part, char *ret_text, size_t size)
{
    size_t length = strcspn(part->text, "\n");
    snprintf(ret_text, size, "%.*s", (int)(length < size ? length : size - 1), part->text);
}

static const char *after(const char *text, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 || (text[length] != ' ' && text[length] != '\0'))
        return NULL;
    return text + length + (text[length] == ' ');
}

static void fail_state_dir(struct job *job, const char *why)
{
    job_fail(job, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "%s cannot keep a record of the command in ~/.berth/%s%s%s",
             job->node->name, job_loop(job)->installation, why[0] != '\0' ? ": " : "", why);
}

/* @param rest path, KiB and files that are free there */
static void fail_disk_full(struct job *job, const char *rest)
{
    char path[64] = "?";
    int64_t kib = 0;
    int64_t files = 0;
    sscanf(rest, "%63s %" SCNd64 " %" SCNd64, path, &kib, &files);
    if (kib < job->command->room_kib)
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_DISK_FULL,
                 "%s has %" PRId64 " MB free on its disk with %s, and %" PRId64 " MB are asked for", job->node->name,
                 kib / 1024, path, job->command->room_kib / 1024);
    else
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_DISK_FULL, "%s can make %" PRId64 " more files on its disk with %s",
                 job->node->name, files, path);
}

/* What b_make says when it has not run the command. */
static void make_refused(struct job *job, const char *text)
{
    const char *name = job->node->name;
    const char *rest;
    if (after(text, "exists") != NULL || after(text, "stale") != NULL) {
        job->only_one = true;
        job->state = JOB_FINDING;
        job->lane = NULL;
        job_dispatch(job);
    } else if (after(text, "busy") != NULL) {
        job_fail(job, OUTCOME_BUSY, FAULT_NONE, "another command holds the lock of %s", name);
    } else if ((rest = after(text, "fenced")) != NULL) {
        job_fail(job, OUTCOME_FENCED, FAULT_NONE, "%s refused attempt %" PRId64 ": it has already seen attempt %s",
                 name, job->command->fence, rest);
    } else if ((rest = after(text, "room")) != NULL) {
        fail_disk_full(job, rest);
    } else if (after(text, "tmp") != NULL) {
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "%s cannot make the command's input file in /tmp", name);
    } else if (after(text, "no-flock") != NULL) {
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "%s has no working flock command (package util-linux)",
                 name);
    } else {
        rest = after(text, "state-dir");
        fail_state_dir(job, rest != NULL ? rest : text);
    }
}

static void make_answered(struct job *job, const struct nonce *nonce, const char *data, size_t length)
{
    struct part part = { 0 };
    char text[ERR_MSG_MAX] = "";
    int64_t now_ms = job_loop(job)->now_ms;
    const char *end = data + length;
    while (part_next(nonce, &data, end, &part)) {
        if (part.kind == 'm')
            record_feed_both(&job->records[0], part.data, part.length, now_ms);
    }
    part_text(&part, text, sizeof(text));
    const char *codes = after(text, "ended");
    job->session->untidy = true;
    if (codes == NULL) {
        make_refused(job, text);
    } else if (record_complete(&job->records[0])) {
        record_done(job, codes);
    } else {
        job->state = JOB_READING; /* more output than fits the answer */
        job->next_read_at_ms = now_ms;
    }
}

static void read_ended(struct job *job, const char *text)
{
    const char *codes = after(text, "ended");
    bool complete = record_complete(&job->records[job->current]);
    if (codes != NULL || complete)
        record_done(job, codes != NULL ? codes : "");
    else if (after(text, "killed") != NULL)
        record_killed(job);
    else if (after(text, "gone") != NULL)
        job_fail(job, OUTCOME_LOST, FAULT_NONE,
                 "%s was restarted or the command's shell was killed: how the command ended will not be known",
                 job->node->name);
    else
        job_fail(job, OUTCOME_LOST, FAULT_NONE, "the record of the command on %s is gone", job->node->name);
}

static void read_answered(struct job *job, const struct nonce *nonce, const char *data, size_t length)
{
    struct part part = { 0 };
    struct record *record = &job->records[job->current];
    char text[ERR_MSG_MAX] = "";
    int64_t now_ms = job_loop(job)->now_ms;
    const char *end = data + length;
    bool full = false;
    job->reading = false;
    while (part_next(nonce, &data, end, &part)) {
        if (part.kind != 'o' && part.kind != 'e')
            continue;
        record_feed_at(record, part.kind == 'e', strtoll(part.text, NULL, 10), part.data, part.length, now_ms);
        full = full || part.length >= READ_CAP;
    }
    part_text(&part, text, sizeof(text));
    job->next_read_at_ms = full ? now_ms : now_ms + job_loop(job)->poll_ms;
    if (full || after(text, "running") != NULL)
        return;
    if (after(text, "none") != NULL && job->state != JOB_READING)
        return; /* it waits for the lock, or its lane was lost and it will be looked for */
    read_ended(job, text);
}

static void found_nothing(struct job *job, int64_t seen)
{
    if (seen > job->command->fence)
        job_fail(job, OUTCOME_FENCED, FAULT_NONE,
                 "%s has no record of attempt %" PRId64 " any more: it has already seen attempt %" PRId64,
                 job->node->name, job->command->fence, seen);
    else
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_NONE, "the command has never reached %s", job->node->name);
}

static int by_number(const void *one, const void *other)
{
    const struct record *a = one;
    const struct record *b = other;
    return (a->number > b->number) - (a->number < b->number);
}

static void find_answered(struct job *job, const struct nonce *nonce, const char *data, size_t length)
{
    struct part part = { 0 };
    char text[ERR_MSG_MAX] = "";
    const char *end = data + length;
    job->lane = NULL;
    while (part_next(nonce, &data, end, &part)) {
        unsigned number;
        char name[RECORD_NAME_MAX];
        struct nonce key;
        if (part.kind != 'r' || sscanf(part.text, "%u %63s %32s", &number, name, key.text) != 3)
            continue;
        if (!job->only_one || number == job->command->number)
            add_record(job, number, name, &key);
    }
    if (job->record_count > 1)
        qsort(job->records, job->record_count, sizeof(*job->records), by_number);
    part_text(&part, text, sizeof(text));
    const char *found = after(text, "found");
    if (found == NULL) {
        const char *why = after(text, "state-dir");
        job_fail(job, OUTCOME_UNKNOWN, FAULT_STATE_DIR, "%s cannot look into its records in ~/.berth/%s: %s",
                 job->node->name, job_loop(job)->installation, why != NULL ? why : text);
        return;
    }
    if (job->record_count == 0) {
        long long seen = 0;
        sscanf(found, "%*u %lld", &seen);
        found_nothing(job, seen);
        return;
    }
    job->state = JOB_READING;
    job->next_read_at_ms = job_loop(job)->now_ms;
}

void job_answered(struct job *job, enum request request, const struct nonce *nonce, const char *data, size_t length)
{
    switch (request) {
    case REQUEST_MAKE: make_answered(job, nonce, data, length); return;
    case REQUEST_READ: read_answered(job, nonce, data, length); return;
    case REQUEST_FIND: find_answered(job, nonce, data, length); return;
    case REQUEST_NONE:
    case REQUEST_LOOK:
    case REQUEST_TIDY:
    case REQUEST_PING: return;
    }
}

bool job_looked(struct job *job, int stream, const char *data, size_t length)
{
    struct record *record = &job->records[0];
    record_feed(record, stream, data, length, job_loop(job)->now_ms);
    if (!record_complete(record))
        return false;
    job->lane->job = NULL;
    job->lane->request = REQUEST_NONE;
    if (record->refused)
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "%s cannot make the command's input file in /tmp",
                 job->node->name);
    else
        record_done(job, "");
    return true;
}

/* ---- losses --------------------------------------------------------------------------------------------------------- */

void job_lane_lost(struct job *job)
{
    job->lane = NULL;
    if (!is_make(job)) {
        job_fail(job, OUTCOME_UNKNOWN, FAULT_CUT, "the shell on %s ended under the command", job->node->name);
        return;
    }
    /* The connection stands, so the node can say itself what became of the command. */
    job->only_one = !job->command->pick_up;
    job->state = JOB_FINDING;
}

void job_session_lost(struct job *job, enum transport_fault fault, const char *why)
{
    job->session = NULL; /* its lanes go with it */
    job_fail(job, OUTCOME_UNKNOWN, fault, "%s%s", why, is_make(job) ? "; the command may still run there" : "");
}

static void job_late(struct job *job, const char *what, int64_t ms)
{
    struct ssh_node *node = job->node;
    struct ssh_session_state *session = job->session;
    if (!job->sent) {
        job_fail(job, OUTCOME_NOT_STARTED, FAULT_DEADLINE,
                 "the command did not get its turn on %s: %s for %" PRId64 " ms", node->name, what, ms);
        return;
    }
    job_fail(job, OUTCOME_UNKNOWN, FAULT_DEADLINE, "the command on %s may still run: %s for %" PRId64 " ms", node->name,
             what, ms);
    if (session != NULL)
        node_retire(node, session);
}

int64_t job_tick(struct job *job)
{
    struct ssh_node *node = job->node;
    int64_t now_ms = job_loop(job)->now_ms;
    int64_t next_ms = job->deadline_at_ms;
    if (now_ms >= job->deadline_at_ms) {
        job_late(job, "no end", job->command->deadline_ms);
        return INT64_MAX;
    }
    if (job->state == JOB_WAITING && (node->session == NULL || node->session->state != SESSION_UP)) {
        if (now_ms >= job->connect_deadline_at_ms) {
            if (node->why[0] != '\0')
                job_fail(job, OUTCOME_NOT_STARTED, node->fault, "%s", node->why);
            else
                job_fail(job, OUTCOME_NOT_STARTED, FAULT_CONNECT, "cannot connect to %s", node->name);
            return INT64_MAX;
        }
        return job->connect_deadline_at_ms < next_ms ? job->connect_deadline_at_ms : next_ms;
    }
    if (job->session == NULL)
        return next_ms;
    if (job->command->silence_ms > 0) {
        int64_t heard_ms = job->session->heard_at_ms > job->sent_at_ms ? job->session->heard_at_ms : job->sent_at_ms;
        int64_t silent_at_ms = heard_ms + job->command->silence_ms;
        if (now_ms >= silent_at_ms) {
            job_late(job, "no sign of life", job->command->silence_ms);
            return INT64_MAX;
        }
        next_ms = silent_at_ms < next_ms ? silent_at_ms : next_ms;
    }
    for (size_t i = job->current; i < job->record_count && i == job->current; i++) {
        int64_t line_ms = record_flush(&job->records[i], now_ms);
        next_ms = line_ms < next_ms ? line_ms : next_ms;
    }
    bool reads = job->state == JOB_READING || (job->state == JOB_SENT && is_make(job));
    if (!reads || job->reading)
        return next_ms;
    if (now_ms >= job->next_read_at_ms)
        job_read(job); /* without a free lane: again when one is */
    else if (job->next_read_at_ms < next_ms)
        next_ms = job->next_read_at_ms;
    return next_ms;
}
