/* api_ticket.c - /api/v1/tickets: what people were told, and what could not be told yet. */
#include <string.h>

#include "http/route.h"
#include "http/view.h"
#include "store/store_ticket.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

static json_t *view_message(const struct ticket_message *message, bool with_body)
{
    json_t *json = json_pack("{s:o, s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "id", view_id(message->id), "kind",
                             ticket_message_kind_name(message->kind), "state",
                             ticket_message_state_name(message->state), "attempts", message->attempts, "last_error",
                             view_text(message->last_error), "created_at", view_time(message->created_at_ms), "due_at",
                             view_time(message->state == TICKET_MESSAGE_QUEUED ? message->due_at_ms : 0), "sent_at",
                             view_time(message->sent_at_ms));
    if (with_body)
        json_object_set_new(json, "body", view_json(message->body));
    return json;
}

/* NULL on failure. */
static json_t *view_ticket(struct call *call, const struct ticket *ticket, bool with_bodies, struct err *err)
{
    struct ticket_message *messages;
    size_t count;
    json_t *domain;
    if (!view_domain_of(call->store, ticket->service_id, &domain, err))
        return NULL;
    if (!store_list_ticket_messages(call->store, ticket->id, &messages, &count, err)) {
        json_decref(domain);
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_message(&messages[i], with_bodies));
    ticket_messages_free(messages, count);
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", view_id(ticket->id),
                     "service_id", view_id(ticket->service_id), "domain", domain, "operation_id",
                     view_id(ticket->operation_id), "channel", ticket_channel_name(ticket->channel), "state",
                     ticket_state_name(ticket->state), "marker", view_text(ticket->marker), "remote_id",
                     view_text(ticket->remote_id), "remote_number", view_text(ticket->remote_number), "created_at",
                     view_time(ticket->created_at_ms), "updated_at", view_time(ticket->updated_at_ms), "messages",
                     list);
}

static bool read_filter(struct call *call, struct ticket_filter *filter)
{
    static const char *const known[] = { "state", "service_id", "limit", "cursor", NULL };
    int64_t limit = LIST_DEFAULT;
    const char *state = call_query(call, "state");
    if (!call_query_known(call, known) || !call_query_int(call, "service_id", 1, INT64_MAX, &filter->service_id) ||
        !call_query_int(call, "cursor", 1, INT64_MAX, &filter->before_id) ||
        !call_query_int(call, "limit", 1, LIST_MAX, &limit))
        return false;
    filter->limit = (size_t)limit;
    filter->has_state = state != NULL;
    if (state == NULL || ticket_state_parse(state, &filter->state))
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_QUERY, "state", "state must be open or closed");
    call_refuse(call, &problem);
    return false;
}

void api_ticket_list(struct call *call)
{
    struct err err;
    struct ticket_filter filter = { 0 };
    struct ticket *tickets;
    size_t count;
    if (!read_filter(call, &filter))
        return;
    if (!store_list_tickets(call->store, &filter, &tickets, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        json_t *json = view_ticket(call, &tickets[i], false, &err);
        ok = json != NULL;
        if (ok)
            json_array_append_new(list, json);
    }
    if (ok) {
        call_answer_json(call, MHD_HTTP_OK,
                         view_page("tickets", list, count == filter.limit ? tickets[count - 1].id : 0));
    } else {
        json_decref(list);
        call_refuse_err(call, &err);
    }
    tickets_free(tickets, count);
}

static void answer_ticket(struct call *call, int64_t id)
{
    struct err err;
    struct ticket ticket;
    json_t *json = NULL;
    if (store_get_ticket(call->store, id, &ticket, &err)) {
        json = view_ticket(call, &ticket, true, &err);
        ticket_finish(&ticket);
    }
    if (json == NULL)
        call_refuse_err(call, &err);
    else
        call_answer_json(call, MHD_HTTP_OK, json);
}

void api_ticket_get(struct call *call)
{
    answer_ticket(call, call->id);
}

static void finish_retry(struct call *call)
{
    if (call_request_ok(call))
        answer_ticket(call, call->request->target_id);
}

void api_ticket_retry(struct call *call)
{
    struct request *request = request_create(REQUEST_TICKET_RETRY);
    request->target_id = call->id;
    call_post(call, request, finish_retry);
}
