/* api_task.c - /api/v1/tasks and the logs of their attempts. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/route.h"
#include "http/view.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200
#define LOG_BYTES_MAX (256U * 1024U) /* in one answer */

/* ---- lists and one -------------------------------------------------------------------------------------------------- */

static bool read_state(struct call *call, enum task_state *ret_state)
{
    const char *text = call_query(call, "state");
    *ret_state = (enum task_state)TASK_STATE_COUNT;
    if (text == NULL || task_state_parse(text, ret_state))
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_QUERY, "state",
                "state must be blocked, queued, running, waiting, held, done, failed, cancelled or superseded");
    call_refuse(call, &problem);
    return false;
}

/* Whose they are, for a list of everybody's. A service that is gone meanwhile has no name here. */
static bool add_domains(struct call *call, const struct task *tasks, json_t *list, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t same = 0;
        while (tasks[same].service_id != tasks[i].service_id)
            same++;
        json_t *domain;
        if (same < i)
            domain = json_incref(json_object_get(json_array_get(list, same), "domain"));
        else if (!view_domain_of(call->store, tasks[i].service_id, &domain, err))
            return false;
        json_object_set_new(json_array_get(list, i), "domain", domain);
    }
    return true;
}

void api_task_list(struct call *call)
{
    static const char *const known[] = { "state", "node_id", "limit", "cursor", NULL };
    enum task_state state;
    int64_t node_id = 0, before_id = 0, limit = LIST_DEFAULT;
    if (!call_query_known(call, known) || !read_state(call, &state) ||
        !call_query_int(call, "node_id", 1, INT64_MAX, &node_id) ||
        !call_query_int(call, "cursor", 1, INT64_MAX, &before_id) ||
        !call_query_int(call, "limit", 1, LIST_MAX, &limit))
        return;
    struct err err;
    struct catalogue catalogue = { 0 };
    struct task *tasks = NULL;
    size_t count = 0;
    if (!catalogue_load(call->store, CATALOGUE_NODES, &catalogue, &err) ||
        !store_find_tasks(call->store, state, node_id, before_id, (size_t)limit, &tasks, &count, &err)) {
        catalogue_finish(&catalogue);
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = view_tasks(tasks, count, &catalogue);
    if (add_domains(call, tasks, list, &err)) {
        call_answer_json(call, MHD_HTTP_OK, view_page("tasks", list, count == (size_t)limit ? tasks[count - 1].id : 0));
    } else {
        json_decref(list);
        call_refuse_err(call, &err);
    }
    tasks_free(tasks, count);
    catalogue_finish(&catalogue);
}

static bool add_attempts(struct call *call, int64_t task_id, json_t *json, struct err *err)
{
    struct attempt *attempts;
    size_t count;
    if (!store_list_attempts(call->store, task_id, &attempts, &count, err))
        return false;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_attempt(&attempts[i]));
    attempts_free(attempts, count);
    json_object_set_new(json, "attempt_list", list);
    return true;
}

/* NULL on failure. */
static json_t *view_whole(struct call *call, int64_t id, struct err *err)
{
    struct catalogue catalogue;
    struct task task;
    if (!store_get_task(call->store, id, &task, err))
        return NULL;
    json_t *json = NULL;
    if (catalogue_load(call->store, CATALOGUE_NODES, &catalogue, err)) {
        json = view_task(&task, &catalogue);
        catalogue_finish(&catalogue);
        if (!add_attempts(call, id, json, err)) {
            json_decref(json);
            json = NULL;
        }
    }
    task_finish(&task);
    return json;
}

void api_task_get(struct call *call)
{
    struct err err;
    json_t *json = view_whole(call, call->id, &err);
    if (json == NULL)
        call_refuse_err(call, &err);
    else
        call_answer_json(call, MHD_HTTP_OK, json);
}

void api_task_finish(struct call *call)
{
    struct err err;
    if (!call_request_ok(call))
        return;
    json_t *json = view_whole(call, call->request->target_id, &err);
    if (json == NULL)
        call_refuse_err(call, &err);
    else
        call_answer_json(call, MHD_HTTP_OK, json);
}

void api_task_retry(struct call *call)
{
    struct request *request = request_create(REQUEST_TASK_RETRY);
    request->target_id = call->id;
    call_post(call, request, api_task_finish);
}

/* ---- logs ----------------------------------------------------------------------------------------------------------- */

static void add_text_line(struct buf *text, const struct log_chunk *chunk, const char *line, size_t length)
{
    time_t seconds = (time_t)(chunk->at_ms / 1000);
    struct tm parts;
    char moment[32];
    gmtime_r(&seconds, &parts);
    strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%S", &parts);
    buf_addf(text, "%s.%03dZ %-6s ", moment, (int)(chunk->at_ms % 1000), view_log_stream(chunk->stream));
    buf_add(text, line, length);
    buf_add_char(text, '\n');
}

static void answer_text(struct call *call, const struct log_chunk *chunks, size_t count, int64_t next_offset)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        const char *at = chunks[i].data, *end = at + chunks[i].length;
        while (at < end) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            const char *line_end = stop != NULL ? stop : end;
            add_text_line(&text, &chunks[i], at, (size_t)(line_end - at));
            at = stop != NULL ? stop + 1 : end;
        }
    }
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, next_offset);
    call_add_header(call, "Berth-Next-Offset", number);
    call_answer(call, MHD_HTTP_OK, "text/plain; charset=utf-8", &text);
}

static void answer_chunks(struct call *call, const struct attempt *attempt, const struct log_chunk *chunks,
                          size_t count, int64_t next_offset)
{
    json_t *list = view_log_chunks(chunks, count);
    /* ended only when there is nothing behind: who follows the log reads on until then */
    bool ended = attempt->outcome != ATTEMPT_RUNNING && next_offset >= attempt->log_bytes;
    call_answer_json(call, MHD_HTTP_OK,
                     json_pack("{s:o, s:o, s:I, s:b, s:b, s:o, s:s}", "attempt_id", view_id(attempt->id), "chunks",
                               list, "next_offset", (json_int_t)next_offset, "ended", ended, "truncated",
                               attempt->log_truncated, "removed_at", view_time(attempt->log_removed_at_ms), "outcome",
                               attempt_outcome_name(attempt->outcome)));
}

static bool wants_text(struct call *call)
{
    const char *accept = call_header(call, "Accept");
    return accept != NULL && strncasecmp(accept, "text/plain", 10) == 0;
}

/* What was too old is gone: its place says so, and whoever follows it is at the end. */
static void answer_removed(struct call *call, const struct attempt *attempt)
{
    char why[] = "this log was removed, as it was older than the setting history.logs says";
    struct log_chunk note = { .at_ms = attempt->log_removed_at_ms, .data = why, .length = strlen(why) };
    if (wants_text(call))
        answer_text(call, &note, 1, attempt->log_bytes);
    else
        answer_chunks(call, attempt, NULL, 0, attempt->log_bytes);
}

static void answer_log(struct call *call, const struct attempt *attempt, int64_t offset)
{
    struct err err;
    struct log_chunk *chunks;
    size_t count;
    if (!store_read_log(call->store, attempt->id, offset, LOG_BYTES_MAX, &chunks, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    int64_t next_offset = view_log_end(chunks, count, offset);
    if (wants_text(call))
        answer_text(call, chunks, count, next_offset);
    else
        answer_chunks(call, attempt, chunks, count, next_offset);
    log_chunks_free(chunks, count);
}

void api_attempt_log(struct call *call)
{
    static const char *const known[] = { "offset", NULL };
    int64_t offset = 0;
    if (!call_query_known(call, known) || !call_query_int(call, "offset", 0, INT64_MAX, &offset))
        return;
    struct err err;
    struct attempt attempt; /* read before the log: what is written in between is seen by the next request */
    if (!store_get_attempt(call->store, call->id, &attempt, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    if (attempt.log_removed_at_ms != 0)
        answer_removed(call, &attempt);
    else
        answer_log(call, &attempt, offset);
    attempt_finish(&attempt);
}
