/* ticket.c - see ticket.h. */
#include "core/ticket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const char *const channel_names[] = { "none", "whmcs", "mail", "webhook" };
static const char *const state_names[TICKET_STATE_COUNT] = { "open", "closed" };
static const char *const kind_names[TICKET_MESSAGE_KIND_COUNT] = { "open", "note", "recovered" };
static const char *const message_state_names[TICKET_MESSAGE_STATE_COUNT] = { "queued", "sending", "sent", "failed" };

const char *ticket_channel_name(enum ticket_channel channel)
{
    assert((size_t)channel < ARRAY_LEN(channel_names));
    return channel_names[channel];
}

const char *ticket_state_name(enum ticket_state state)
{
    assert((size_t)state < ARRAY_LEN(state_names));
    return state_names[state];
}

const char *ticket_message_kind_name(enum ticket_message_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(kind_names));
    return kind_names[kind];
}

const char *ticket_message_state_name(enum ticket_message_state state)
{
    assert((size_t)state < ARRAY_LEN(message_state_names));
    return message_state_names[state];
}

bool ticket_state_parse(const char *text, enum ticket_state *ret_state)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        if (strcmp(state_names[i], text) == 0) {
            *ret_state = (enum ticket_state)i;
            return true;
        }
    }
    return false;
}

void ticket_finish(struct ticket *ticket)
{
    free(ticket->marker);
    free(ticket->thread_key);
    free(ticket->remote_id);
    free(ticket->remote_number);
    *ticket = (struct ticket){ 0 };
}

void ticket_message_finish(struct ticket_message *message)
{
    free(message->key);
    free(message->body);
    free(message->last_error);
    *message = (struct ticket_message){ 0 };
}
