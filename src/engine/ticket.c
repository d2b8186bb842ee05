/* ticket.c - failures become tickets: what is told, written in the transaction of what it tells. The messages leave later, see
 * outbox.c. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/redact.h"
#include "engine/internal.h"
#include "store/store_ticket.h"

#define LOG_TAIL_MAX (32U * 1024U)
#define LOG_LINE_MAX 500U
#define KEY_RANDOM 8

/* ---- what a message says ------------------------------------------------------------------------------------------------ */

static json_t *json_of_id(int64_t id)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, id);
    return json_string(text);
}

static json_t *json_of_moment(int64_t moment_ms)
{
    time_t seconds = (time_t)(moment_ms / 1000);
    struct tm parts;
    char text[32];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

/** The end of an attempt's log as one text. */
static bool read_log_tail(struct engine *engine, int64_t attempt_id, struct buf *ret_text, struct err *err)
{
    struct attempt attempt;
    struct log_chunk *chunks = NULL;
    size_t count = 0;
    if (!store_get_attempt(engine->config.store, attempt_id, &attempt, err))
        return false;
    int64_t from = attempt.log_bytes > (int64_t)LOG_TAIL_MAX ? attempt.log_bytes - (int64_t)LOG_TAIL_MAX : 0;
    attempt_finish(&attempt);
    if (!store_read_log(engine->config.store, attempt_id, from, LOG_TAIL_MAX, &chunks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        buf_add(ret_text, chunks[i].data, chunks[i].length);
    log_chunks_free(chunks, count);
    if (ret_text->length > 0)
        redact_bytes(ret_text->data, ret_text->length); /* once more: what was cut into two chunks is whole here */
    return true;
}

/** The last lines of a text, at most `max`. */
static json_t *last_lines(const struct buf *text, int max)
{
    json_t *lines = json_array();
    const char *start = buf_text(text), *end = start + text->length;
    while (end > start && end[-1] == '\n')
        end--;
    for (int i = 0; i < max && end > start; i++) {
        const char *line = end;
        while (line > start && line[-1] != '\n')
            line--;
        size_t length = (size_t)(end - line);
        if (length > 0 && line[length - 1] == '\r')
            length--;
        json_array_insert_new(lines, 0, note_text(line, length < LOG_LINE_MAX ? length : LOG_LINE_MAX));
        end = line > start ? line - 1 : start;
    }
    return lines;
}

static bool make_failure(struct engine *engine, const struct running *running, const struct cause *cause,
                         const char *detail, json_t **ret_failure, struct err *err)
{
    const struct task *task = &running->task;
    size_t node = task->node_id == 0 ? SIZE_MAX : engine_node_index(engine, task->node_id);
    struct buf log = BUF_INIT;
    if (!read_log_tail(engine, running->attempt.id, &log, err))
        return false;
    *ret_failure =
        json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:o}", "task", json_of_id(task->id), "key", task->key,
                  "step", task->action, "node", node == SIZE_MAX ? "" : engine->nodes[node].name, "cause_id", cause->id,
                  "cause", cause->text, "detail", note_text(detail, strlen(detail)), "remedy", cause->remedy,
                  "attempts", task->attempts, "log", last_lines(&log, engine->settings.ticket.log_lines));
    buf_finish(&log);
    return *ret_failure != NULL || err_set(err, ERR_BUG, "the failure of task %" PRId64 " is no JSON", task->id);
}

/** The JSON of docs/tickets.md. Takes `failure`, which may be NULL. */
static char *make_body(struct engine *engine, const struct ticket *ticket, const struct service *service,
                       enum ticket_message_kind kind, const char *key, json_t *failure)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:o, s:{s:o, s:o, s:o, s:o}, s:{s:o}}", "id", key, "kind", ticket_message_kind_name(kind),
        "ticket", ticket->marker, "at", json_of_moment(engine->batch.now_ms), "service", "id", json_of_id(service->id),
        "domain", note_text(service->domain, strlen(service->domain)), "external_id",
        note_text(service->external_id, strlen(service->external_id)), "client_id",
        note_text(service->client_id, strlen(service->client_id)), "operation", "id", json_of_id(ticket->operation_id));
    if (engine->config.base_url != NULL && engine->config.base_url[0] != '\0') {
        CLEANUP(freep)
        char *link = xasprintf("%s/api/v1/services/%" PRId64, engine->config.base_url, service->id);
        json_object_set_new(root, "link", note_text(link, strlen(link)));
    }
    if (failure != NULL)
        json_object_set_new(root, "failure", failure);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    assert(text != NULL); /* every text in it has passed note_text() or is ours */
    redact_text(text);
    return text;
}

/* ---- writing it down ------------------------------------------------------------------------------------------------------ */

static bool add_message(struct engine *engine, const struct ticket *ticket, enum ticket_message_kind kind,
                        json_t *failure, struct err *err)
{
    struct service service;
    char end[KEY_RANDOM + 1] = "";
    rng_text(engine->config.rng, KEY_RANDOM, end);
    CLEANUP(freep)
    char *key = kind == TICKET_MESSAGE_OPEN ? xstrdup(ticket->thread_key) : xasprintf("%s-%s", ticket->marker, end);
    if (!store_get_service(engine->config.store, ticket->service_id, &service, err)) {
        json_decref(failure);
        return false;
    }
    CLEANUP(freep) char *body = make_body(engine, ticket, &service, kind, key, failure);
    service_finish(&service);
    char none[] = "";
    struct ticket_message message = { .ticket_id = ticket->id,
                                      .kind = kind,
                                      .state = TICKET_MESSAGE_QUEUED,
                                      .due_at_ms = engine->batch.now_ms,
                                      .key = key,
                                      .body = body,
                                      .last_error = none,
                                      .created_at_ms = engine->batch.now_ms };
    engine->outbox.is_stale = true;
    engine->batch.durable = true;
    engine->batch.changes.tickets = true;
    return store_insert_ticket_message(engine->config.store, &message, err);
}

static struct ticket make_ticket(struct engine *engine, const struct task *task)
{
    char end[KEY_RANDOM + 1] = "";
    rng_text(engine->config.rng, KEY_RANDOM, end);
    char *marker = xasprintf("berth-%s-s%010" PRId64 "-o%010" PRId64, engine->config.installation, task->service_id,
                             task->operation_id);
    return (struct ticket){ .service_id = task->service_id,
                            .operation_id = task->operation_id,
                            .channel = engine->settings.ticket.channel,
                            .state = TICKET_OPEN,
                            .marker = marker,
                            .thread_key = xasprintf("%s-%s", marker, end),
                            .remote_id = xstrdup(""),
                            .remote_number = xstrdup(""),
                            .created_at_ms = engine->batch.now_ms,
                            .updated_at_ms = engine->batch.now_ms };
}

/** The operation's ticket, made when there is none yet, open again when it was closed. */
static bool need_ticket(struct engine *engine, const struct task *task, struct ticket *ret_ticket, bool *ret_new,
                        struct err *err)
{
    bool found;
    if (!store_find_ticket(engine->config.store, task->service_id, task->operation_id, ret_ticket, &found, err))
        return false;
    *ret_new = !found;
    if (!found) {
        *ret_ticket = make_ticket(engine, task);
        if (store_insert_ticket(engine->config.store, ret_ticket, err))
            return true;
    } else {
        ret_ticket->state = TICKET_OPEN;
        ret_ticket->updated_at_ms = engine->batch.now_ms;
        if (store_update_ticket(engine->config.store, ret_ticket, err))
            return true;
    }
    ticket_finish(ret_ticket);
    return false;
}

bool ticket_failed(struct engine *engine, const struct running *running, const struct cause *cause, const char *detail,
                   struct err *err)
{
    struct ticket ticket;
    bool is_new;
    json_t *failure;
    if (!engine->settings.ticket.enabled || engine->settings.ticket.channel == TICKET_CHANNEL_NONE)
        return true;
    if (!need_ticket(engine, &running->task, &ticket, &is_new, err))
        return false;
    bool ok = make_failure(engine, running, cause, detail, &failure, err) &&
              add_message(engine, &ticket, is_new ? TICKET_MESSAGE_OPEN : TICKET_MESSAGE_NOTE, failure, err);
    ticket_finish(&ticket);
    return ok;
}

static bool recover(struct engine *engine, struct ticket *ticket, struct err *err)
{
    ticket->state = TICKET_CLOSED;
    ticket->updated_at_ms = engine->batch.now_ms;
    return store_update_ticket(engine->config.store, ticket, err) &&
           add_message(engine, ticket, TICKET_MESSAGE_RECOVERED, NULL, err);
}

static bool is_of_kind(struct engine *engine, const struct ticket *ticket, enum operation_kind kind, bool *ret_is,
                       struct err *err)
{
    struct operation operation = { 0 };
    if (!store_get_operation(engine->config.store, ticket->operation_id, &operation, err))
        return false;
    *ret_is = operation.kind == kind;
    operation_finish(&operation);
    return true;
}

/** @param kind  of the operations whose tickets are meant; OPERATION_KIND_COUNT: all */
static bool recover_some(struct engine *engine, int64_t service_id, enum operation_kind kind, struct err *err)
{
    struct ticket *tickets = NULL;
    size_t count = 0;
    if (!store_list_open_tickets(engine->config.store, service_id, &tickets, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        bool is_meant = true;
        ok = ((int)kind == OPERATION_KIND_COUNT || is_of_kind(engine, &tickets[i], kind, &is_meant, err)) &&
             (!is_meant || recover(engine, &tickets[i], err));
    }
    tickets_free(tickets, count);
    return ok;
}

bool ticket_recovered(struct engine *engine, int64_t service_id, struct err *err)
{
    return recover_some(engine, service_id, (enum operation_kind)OPERATION_KIND_COUNT, err);
}

bool ticket_recovered_from(struct engine *engine, int64_t service_id, enum operation_kind kind, struct err *err)
{
    return recover_some(engine, service_id, kind, err);
}
