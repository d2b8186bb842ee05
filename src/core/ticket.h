/* ticket.h - what a person is told when a service fails for good: one ticket per service and operation, and its messages. The first
 * failure opens it, further ones append notes, a service that recovers says so. Records as in model.h: texts are owned, enum values
 * are stored, so only append. */
#ifndef BERTH_CORE_TICKET_H
#define BERTH_CORE_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/settings.h"

enum ticket_state {
    TICKET_OPEN,
    TICKET_CLOSED, /* its service is live again, and that is said or on its way */
};
#define TICKET_STATE_COUNT (TICKET_CLOSED + 1)

enum ticket_message_kind { TICKET_MESSAGE_OPEN, TICKET_MESSAGE_NOTE, TICKET_MESSAGE_RECOVERED };
#define TICKET_MESSAGE_KIND_COUNT (TICKET_MESSAGE_RECOVERED + 1)

enum ticket_message_state {
    TICKET_MESSAGE_QUEUED,  /* due at due_at_ms, behind the earlier messages of its ticket */
    TICKET_MESSAGE_SENDING, /* handed to the channel; after a crash nobody knows whether it arrived */
    TICKET_MESSAGE_SENT,
    TICKET_MESSAGE_FAILED, /* refused for good: last_error says why; goes on by hand */
};
#define TICKET_MESSAGE_STATE_COUNT (TICKET_MESSAGE_FAILED + 1)

const char *ticket_channel_name(enum ticket_channel channel); /* "whmcs" */
const char *ticket_state_name(enum ticket_state state);
const char *ticket_message_kind_name(enum ticket_message_kind kind);
const char *ticket_message_state_name(enum ticket_message_state state);
/** The other way; false when the text names none. */
bool ticket_state_parse(const char *text, enum ticket_state *ret_state);

struct ticket {
    int64_t id;
    int64_t service_id, operation_id; /* no two tickets have both in common */
    enum ticket_channel channel;      /* the one that it was opened for: later messages go the same way */
    enum ticket_state state;
    char *marker;                    /* "berth-ab12cd-s0000000017-o0000000003": never the beginning of another one */
    char *thread_key;                /* the idempotency key of its first message */
    char *remote_id, *remote_number; /* what the channel and people there call it; "" while unknown */
    int64_t created_at_ms, updated_at_ms;
};

struct ticket_message {
    int64_t id, ticket_id;
    enum ticket_message_kind kind;
    enum ticket_message_state state;
    int attempts; /* how often it was handed to the channel */
    int64_t due_at_ms;
    char *key;        /* idempotency key: the same at every repetition, never used for anything else */
    char *body;       /* JSON object, see docs/tickets.md */
    char *last_error; /* why it is not sent yet; "" */
    int64_t created_at_ms, sent_at_ms;
};

void ticket_finish(struct ticket *ticket);
void ticket_message_finish(struct ticket_message *message);

#endif
