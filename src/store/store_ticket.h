/* store_ticket.h - tickets and the outbox: a part of the contract of store.h, with its rules. A message is written in the
 * transaction of what it tells; messages of one ticket leave one after the other. */
#ifndef BERTH_STORE_TICKET_H
#define BERTH_STORE_TICKET_H

#include "core/ticket.h"
#include "store/store.h"

/** *ret_found false when the operation has none yet. */
MUST_CHECK bool store_find_ticket(struct store *store, int64_t service_id, int64_t operation_id,
                                  struct ticket *ret_ticket, bool *ret_found, struct err *err);
/** Sets ticket->id. ERR_CONFLICT when the service and operation have one. */
MUST_CHECK bool store_insert_ticket(struct store *store, struct ticket *ticket, struct err *err);
/** State, remote id and number, updated_at_ms. */
MUST_CHECK bool store_update_ticket(struct store *store, const struct ticket *ticket, struct err *err);
MUST_CHECK bool store_get_ticket(struct store *store, int64_t id, struct ticket *ret_ticket, struct err *err);
/** Open tickets of a service, oldest first. */
MUST_CHECK bool store_list_open_tickets(struct store *store, int64_t service_id, struct ticket **ret_tickets,
                                        size_t *ret_count, struct err *err);

/** Sets message->id. */
MUST_CHECK bool store_insert_ticket_message(struct store *store, struct ticket_message *message, struct err *err);
MUST_CHECK bool store_get_ticket_message(struct store *store, int64_t id, struct ticket_message *ret_message,
                                         struct err *err);
/** State, attempts, due_at_ms, last_error, sent_at_ms. */
MUST_CHECK bool store_update_ticket_message(struct store *store, const struct ticket_message *message, struct err *err);
/** QUEUED messages that are due and do not stand behind an unsent message of their ticket. */
MUST_CHECK bool store_list_due_messages(struct store *store, int64_t now_ms, size_t limit,
                                        struct ticket_message **ret_messages, size_t *ret_count, struct err *err);
/** When the next of those is due; INT64_MAX when none waits. */
MUST_CHECK bool store_next_message_due(struct store *store, int64_t *ret_due_ms, struct err *err);
/** Ids of messages that were handed to a channel and whose end is not known. */
MUST_CHECK bool store_list_sending_messages(struct store *store, int64_t **ret_ids, size_t *ret_count, struct err *err);
/** FAILED and QUEUED messages of a ticket (0: of all) are QUEUED and due now. @param ret_changed how many; NULL is allowed */
MUST_CHECK bool store_requeue_messages(struct store *store, int64_t ticket_id, int64_t now_ms, int64_t *ret_changed,
                                       struct err *err);

/* for people: newest first */
struct ticket_filter {
    bool has_state;
    enum ticket_state state;
    int64_t service_id; /* 0: any */
    int64_t before_id;  /* cursor; 0 from the top */
    size_t limit;
};
MUST_CHECK bool store_list_tickets(struct store *store, const struct ticket_filter *filter, struct ticket **ret_tickets,
                                   size_t *ret_count, struct err *err);
/** All messages of a ticket, oldest first. */
MUST_CHECK bool store_list_ticket_messages(struct store *store, int64_t ticket_id, struct ticket_message **ret_messages,
                                           size_t *ret_count, struct err *err);

void tickets_free(struct ticket *tickets, size_t count);
void ticket_messages_free(struct ticket_message *messages, size_t count);

#endif
