/* outbox.c - the messages of tickets leave through the notifier. A message is marked as under way before it is handed over, and its
 * end is written when the notifier has reported it. What was under way when the process died is sent again: the channel sees to
 * it that it counts once (notify/notify.h). */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"
#include "store/store_ticket.h"

/* Its own, and without an end: a channel that is down for a week must not lose a message. */
static const struct retry_policy send_policy = { .first_ms = 15000, .cap_ms = 3600000, .factor = 2, .attempts_max = 0 };

/* ---- what the notifier reports ---------------------------------------------------------------------------------------------- */

static bool keep_remote_names(struct engine *engine, struct ticket *ticket, const struct notice_result *result,
                              struct err *err)
{
    if (result->remote_id[0] == '\0' || strcmp(result->remote_id, ticket->remote_id) == 0)
        return true;
    free(ticket->remote_id);
    free(ticket->remote_number);
    ticket->remote_id = xstrdup(result->remote_id);
    ticket->remote_number = xstrdup(result->remote_number);
    ticket->updated_at_ms = engine->batch.now_ms;
    return store_update_ticket(engine->config.store, ticket, err);
}

static void send_again_later(struct engine *engine, struct ticket_message *message, int64_t pause_ms)
{
    int64_t delay_ms = retry_delay_ms(&send_policy, message->attempts, engine->config.rng);
    message->state = TICKET_MESSAGE_QUEUED;
    message->due_at_ms = engine->batch.now_ms + (delay_ms > pause_ms ? delay_ms : pause_ms);
}

static void set_error(struct ticket_message *message, const char *text)
{
    free(message->last_error);
    message->last_error = xstrdup(text);
}

static bool write_end(struct engine *engine, struct ticket *ticket, struct ticket_message *message,
                      const struct notice_result *result, struct err *err)
{
    const char *kind = ticket_message_kind_name(message->kind), *channel = ticket_channel_name(ticket->channel);
    set_error(message, result->detail);
    switch (result->outcome) {
    case NOTICE_SENT:
        message->state = TICKET_MESSAGE_SENT;
        message->sent_at_ms = engine->batch.now_ms;
        log_info("ticket.sent", "ticket=%" PRId64 " message=%" PRId64 " kind=%s channel=%s number=%s", ticket->id,
                 message->id, kind, channel, log_quote(result->remote_number));
        return keep_remote_names(engine, ticket, result, err) &&
               note_event(engine, ticket->service_id, "ticket.sent",
                          json_pack("{s:I, s:s, s:s, s:o}", "ticket", (json_int_t)ticket->id, "kind", kind, "channel",
                                    channel, "number", note_text(result->remote_number, strlen(result->remote_number))),
                          err);
    case NOTICE_RETRY:
        send_again_later(engine, message, result->retry_after_ms);
        log_warn("ticket.retry",
                 "ticket=%" PRId64 " message=%" PRId64 " channel=%s attempt=%d in_ms=%" PRId64 " cause=%s", ticket->id,
                 message->id, channel, message->attempts, message->due_at_ms - engine->batch.now_ms,
                 log_quote(result->detail));
        return true;
    case NOTICE_REFUSED:
        message->state = TICKET_MESSAGE_FAILED;
        log_error("ticket.refused", "ticket=%" PRId64 " message=%" PRId64 " channel=%s cause=%s", ticket->id,
                  message->id, channel, log_quote(result->detail));
        return note_event(engine, ticket->service_id, "ticket.refused",
                          json_pack("{s:I, s:s, s:s, s:o}", "ticket", (json_int_t)ticket->id, "kind", kind, "channel",
                                    channel, "detail", note_text(result->detail, strlen(result->detail))),
                          err);
    }
    abort();
}

static bool write_result(struct engine *engine, const struct notice_result *result, struct err *err)
{
    struct store *store = engine->config.store;
    struct ticket_message message;
    struct ticket ticket;
    if (!store_get_ticket_message(store, result->message_id, &message, err))
        return false;
    bool ok = store_get_ticket(store, message.ticket_id, &ticket, err);
    if (ok) {
        ok = write_end(engine, &ticket, &message, result, err) && store_update_ticket_message(store, &message, err);
        ticket_finish(&ticket);
    }
    ticket_message_finish(&message);
    return ok;
}

/** Results stay here until a commit has them: the notifier tells each once. */
static bool take_results(struct engine *engine, struct err *err)
{
    struct outbox *outbox = &engine->outbox;
    struct notifier *notifier = engine->config.notifier;
    outbox->result_count += notifier->ops->poll(notifier, outbox->results + outbox->result_count,
                                                OUTBOX_UNDER_WAY_MAX - outbox->result_count);
    for (size_t i = 0; i < outbox->result_count; i++) {
        if (!write_result(engine, &outbox->results[i], err))
            return false;
    }
    if (outbox->result_count > 0)
        engine->batch.durable = outbox->is_stale = engine->batch.changes.tickets = true;
    return true;
}

/* ---- what is sent ------------------------------------------------------------------------------------------------------------ */

static size_t under_way_index(const struct outbox *outbox, int64_t message_id)
{
    for (size_t i = 0; i < outbox->under_way_count; i++) {
        if (outbox->under_way[i] == message_id)
            return i;
    }
    return SIZE_MAX;
}

/** Messages that a former process (or one whose commit failed) had handed over: nobody will report about them. */
static bool find_lost(struct engine *engine, struct err *err)
{
    struct outbox *outbox = &engine->outbox;
    int64_t *ids = NULL;
    size_t count = 0;
    if (!outbox->may_have_lost)
        return true;
    if (!store_list_sending_messages(engine->config.store, &ids, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        struct ticket_message message;
        if (under_way_index(outbox, ids[i]) != SIZE_MAX)
            continue;
        ok = store_get_ticket_message(engine->config.store, ids[i], &message, err);
        if (!ok)
            break;
        send_again_later(engine, &message, 0);
        set_error(&message, "berthd ended while this was being sent: it is sent again");
        ok = store_update_ticket_message(engine->config.store, &message, err);
        ticket_message_finish(&message);
        engine->batch.durable = outbox->is_stale = true;
    }
    free(ids);
    outbox->may_have_lost = !ok;
    return ok;
}

/** The same words for all messages of a ticket: mail programs gather by them. */
static char *subject_of(const char *body)
{
    json_t *root = json_loads(body, 0, NULL);
    const char *domain = json_string_value(json_object_get(json_object_get(root, "service"), "domain"));
    char *subject = xasprintf("Berth: %s needs a person", domain == NULL ? "a service" : domain);
    json_decref(root);
    return subject;
}

static bool hand_over_later(struct engine *engine, struct ticket_message *message, struct err *err)
{
    struct ticket ticket;
    message->state = TICKET_MESSAGE_SENDING;
    message->attempts++;
    engine->batch.changes.tickets = true;
    if (!store_get_ticket(engine->config.store, message->ticket_id, &ticket, err))
        return false;
    bool ok = store_update_ticket_message(engine->config.store, message, err);
    if (ok) {
        struct notice *notice = xcalloc(1, sizeof(*notice));
        *notice = (struct notice){ .next = engine->outbox.starts,
                                   .message_id = message->id,
                                   .channel = ticket.channel,
                                   .kind = message->kind,
                                   .key = xstrdup(message->key),
                                   .thread_key = xstrdup(ticket.thread_key),
                                   .marker = xstrdup(ticket.marker),
                                   .remote_id = xstrdup(ticket.remote_id),
                                   .subject = subject_of(message->body),
                                   .body = xstrdup(message->body) };
        engine->outbox.starts = notice;
    }
    ticket_finish(&ticket);
    return ok;
}

static bool start_due(struct engine *engine, struct err *err)
{
    struct outbox *outbox = &engine->outbox;
    size_t room = OUTBOX_UNDER_WAY_MAX - outbox->under_way_count, count = 0;
    struct ticket_message *messages = NULL;
    if (!outbox->is_stale && outbox->next_due_ms > engine->batch.now_ms)
        return true;
    outbox->is_stale = false;
    outbox->next_due_ms = INT64_MAX;
    /* With all places taken, the next result looks again: until then what is due cannot go. */
    if (room == 0)
        return true;
    if (!store_list_due_messages(engine->config.store, engine->batch.now_ms, room, &messages, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = hand_over_later(engine, &messages[i], err);
    ticket_messages_free(messages, count);
    engine->batch.durable |= count > 0;
    return ok && (count == room || store_next_message_due(engine->config.store, &outbox->next_due_ms, err));
}

bool outbox_step(struct engine *engine, struct err *err)
{
    if (engine->config.notifier == NULL)
        return true;
    return take_results(engine, err) && find_lost(engine, err) && start_due(engine, err);
}

void outbox_publish(struct engine *engine, bool is_owner)
{
    struct outbox *outbox = &engine->outbox;
    for (size_t i = 0; i < outbox->result_count; i++) {
        size_t index = under_way_index(outbox, outbox->results[i].message_id);
        if (index != SIZE_MAX)
            outbox->under_way[index] = outbox->under_way[--outbox->under_way_count];
        notice_result_finish(&outbox->results[i]);
    }
    outbox->result_count = 0;
    while (outbox->starts != NULL) {
        struct notice *notice = outbox->starts;
        outbox->starts = notice->next;
        if (is_owner) {
            outbox->under_way[outbox->under_way_count++] = notice->message_id;
            engine->config.notifier->ops->start(engine->config.notifier, notice);
        } else {
            outbox->may_have_lost = true; /* marked as under way, but it is not */
            notice_destroy(notice);
        }
    }
}

void outbox_discard(struct engine *engine)
{
    while (engine->outbox.starts != NULL) {
        struct notice *notice = engine->outbox.starts;
        engine->outbox.starts = notice->next;
        notice_destroy(notice);
    }
}

void outbox_load(struct engine *engine)
{
    engine->outbox.is_stale = engine->outbox.may_have_lost = true;
}

int64_t outbox_next_deadline_ms(const struct engine *engine)
{
    if (engine->config.notifier == NULL)
        return INT64_MAX;
    return engine->outbox.is_stale ? 0 : engine->outbox.next_due_ms;
}

bool outbox_retry(struct engine *engine, struct request *request, struct err *err)
{
    struct ticket ticket;
    if (!store_get_ticket(engine->config.store, request->target_id, &ticket, &request->err)) {
        if (request->err.code == ERR_NOT_FOUND)
            return true;
        *err = request->err;
        return false;
    }
    ticket_finish(&ticket);
    request->id = request->target_id;
    request->ok = store_requeue_messages(engine->config.store, request->target_id, engine->batch.now_ms, NULL, err);
    engine->outbox.is_stale = true;
    return request->ok;
}

bool outbox_hurry(struct engine *engine, struct err *err)
{
    engine->outbox.is_stale = true;
    return store_requeue_messages(engine->config.store, 0, engine->batch.now_ms, NULL, err);
}

void outbox_forget(struct engine *engine)
{
    outbox_discard(engine);
    for (size_t i = 0; i < engine->outbox.result_count; i++)
        notice_result_finish(&engine->outbox.results[i]);
    engine->outbox.result_count = 0;
}
