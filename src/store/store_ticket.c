/* store_ticket.c - tickets and the outbox. See store_ticket.h. */
#include "store_ticket.h"

#include <inttypes.h>

#include "store_internal.h"

#define SQL_TICKET_OPEN "0"
#define SQL_MESSAGE_QUEUED "0"
#define SQL_MESSAGE_SENDING "1"
#define SQL_MESSAGE_SENT "2"
#define SQL_MESSAGE_FAILED "3"
_Static_assert(TICKET_OPEN == 0 && TICKET_MESSAGE_QUEUED == 0 && TICKET_MESSAGE_SENDING == 1 &&
                   TICKET_MESSAGE_SENT == 2 && TICKET_MESSAGE_FAILED == 3,
               "indexes on ticket and outbox");

/* ---- tickets ------------------------------------------------------------------------------------------------------ */

#define TICKET_COLUMNS                                                                                                 \
    "id, service_id, operation_id, channel, state, created_at_ms, updated_at_ms, marker, thread_key, remote_id,"       \
    " remote_number"

static void ticket_read(struct db_rows *rows, struct ticket *ticket)
{
    ticket->id = db_take_int(rows);
    ticket->service_id = db_take_int(rows);
    ticket->operation_id = db_take_int(rows);
    ticket->channel = (enum ticket_channel)db_take_int(rows);
    ticket->state = (enum ticket_state)db_take_int(rows);
    ticket->created_at_ms = db_take_int(rows);
    ticket->updated_at_ms = db_take_int(rows);
    ticket->marker = db_take_text(rows);
    ticket->thread_key = db_take_text(rows);
    ticket->remote_id = db_take_text(rows);
    ticket->remote_number = db_take_text(rows);
}

extern const struct record_kind ticket_record, ticket_message_record;
DEFINE_RECORD_KIND(ticket, tickets)

static const char sql_find_ticket[] =
    "SELECT " TICKET_COLUMNS " FROM ticket WHERE service_id = $1 AND operation_id = $2";

bool store_find_ticket(struct store *store, int64_t service_id, int64_t operation_id, struct ticket *ret_ticket,
                       bool *ret_found, struct err *err)
{
    return store_get_record(store, &ticket_record, sql_find_ticket, ARGS(db_int(service_id), db_int(operation_id)),
                            ret_ticket, ret_found, err) ||
           err_wrap(err, "ticket of operation %" PRId64, operation_id);
}

static const char sql_insert_ticket[] =
    "INSERT INTO ticket (service_id, operation_id, channel, state, created_at_ms, updated_at_ms, marker, thread_key,"
    " remote_id, remote_number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id";

bool store_insert_ticket(struct store *store, struct ticket *ticket, struct err *err)
{
    const struct db_arg args[] = { db_int(ticket->service_id),    db_int(ticket->operation_id),
                                   db_int(ticket->channel),       db_int(ticket->state),
                                   db_int(ticket->created_at_ms), db_int(ticket->updated_at_ms),
                                   db_text(ticket->marker),       db_text(ticket->thread_key),
                                   db_text(ticket->remote_id),    db_text(ticket->remote_number) };
    return store_get_int(store, sql_insert_ticket, args, ARRAY_LEN(args), &ticket->id, err) ||
           err_wrap(err, "insert ticket of operation %" PRId64, ticket->operation_id);
}

static const char sql_update_ticket[] =
    "UPDATE ticket SET state = $2, remote_id = $3, remote_number = $4, updated_at_ms = $5 WHERE id = $1";

bool store_update_ticket(struct store *store, const struct ticket *ticket, struct err *err)
{
    return store_run_on(store, sql_update_ticket,
                        ARGS(db_int(ticket->id), db_int(ticket->state), db_text(ticket->remote_id),
                             db_text(ticket->remote_number), db_int(ticket->updated_at_ms)),
                        "ticket", ticket->id, err);
}

static const char sql_get_ticket[] = "SELECT " TICKET_COLUMNS " FROM ticket WHERE id = $1";

bool store_get_ticket(struct store *store, int64_t id, struct ticket *ret_ticket, struct err *err)
{
    bool found;
    if (!store_get_record(store, &ticket_record, sql_get_ticket, ARGS(db_int(id)), ret_ticket, &found, err))
        return err_wrap(err, "ticket %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no ticket %" PRId64, id);
}

static const char sql_list_open_tickets[] =
    "SELECT " TICKET_COLUMNS " FROM ticket WHERE service_id = $1 AND state = " SQL_TICKET_OPEN " ORDER BY id";

bool store_list_open_tickets(struct store *store, int64_t service_id, struct ticket **ret_tickets, size_t *ret_count,
                             struct err *err)
{
    void *tickets;
    if (!store_get_records(store, &ticket_record, sql_list_open_tickets, ARGS(db_int(service_id)), &tickets, ret_count,
                           err))
        return err_wrap(err, "open tickets of service %" PRId64, service_id);
    *ret_tickets = tickets;
    return true;
}

static const char sql_list_tickets[] = "SELECT " TICKET_COLUMNS
                                       " FROM ticket WHERE ($1 = 0 OR id < $1) AND ($2 = 0 OR service_id = $2)"
                                       " AND ($3 < 0 OR state = $3) ORDER BY id DESC LIMIT $4";

bool store_list_tickets(struct store *store, const struct ticket_filter *filter, struct ticket **ret_tickets,
                        size_t *ret_count, struct err *err)
{
    void *tickets;
    if (!store_get_records(store, &ticket_record, sql_list_tickets,
                           ARGS(db_int(filter->before_id), db_int(filter->service_id),
                                db_int(filter->has_state ? (int64_t)filter->state : -1),
                                db_int((int64_t)filter->limit)),
                           &tickets, ret_count, err))
        return err_wrap(err, "list tickets");
    *ret_tickets = tickets;
    return true;
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */

#define MESSAGE_COLUMNS                                                                                                \
    "id, ticket_id, kind, state, attempts, due_at_ms, created_at_ms, sent_at_ms, idempotency_key, body, last_error"

static void ticket_message_read(struct db_rows *rows, struct ticket_message *message)
{
    message->id = db_take_int(rows);
    message->ticket_id = db_take_int(rows);
    message->kind = (enum ticket_message_kind)db_take_int(rows);
    message->state = (enum ticket_message_state)db_take_int(rows);
    message->attempts = (int)db_take_int(rows);
    message->due_at_ms = db_take_int(rows);
    message->created_at_ms = db_take_int(rows);
    message->sent_at_ms = db_take_int(rows);
    message->key = db_take_text(rows);
    message->body = db_take_text(rows);
    message->last_error = db_take_text(rows);
}

DEFINE_RECORD_KIND(ticket_message, ticket_messages)

static const char sql_insert_message[] =
    "INSERT INTO outbox (ticket_id, kind, state, attempts, due_at_ms, created_at_ms, sent_at_ms, idempotency_key, body,"
    " last_error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id";

bool store_insert_ticket_message(struct store *store, struct ticket_message *message, struct err *err)
{
    const struct db_arg args[] = { db_int(message->ticket_id),  db_int(message->kind),
                                   db_int(message->state),      db_int(message->attempts),
                                   db_int(message->due_at_ms),  db_int(message->created_at_ms),
                                   db_int(message->sent_at_ms), db_text(message->key),
                                   db_text(message->body),      db_text(message->last_error) };
    return store_get_int(store, sql_insert_message, args, ARRAY_LEN(args), &message->id, err) ||
           err_wrap(err, "insert message of ticket %" PRId64, message->ticket_id);
}

static const char sql_get_message[] = "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE id = $1";

bool store_get_ticket_message(struct store *store, int64_t id, struct ticket_message *ret_message, struct err *err)
{
    bool found;
    if (!store_get_record(store, &ticket_message_record, sql_get_message, ARGS(db_int(id)), ret_message, &found, err))
        return err_wrap(err, "message %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no message %" PRId64, id);
}

static const char sql_update_message[] =
    "UPDATE outbox SET state = $2, attempts = $3, due_at_ms = $4, last_error = $5, sent_at_ms = $6 WHERE id = $1";

bool store_update_ticket_message(struct store *store, const struct ticket_message *message, struct err *err)
{
    return store_run_on(store, sql_update_message,
                        ARGS(db_int(message->id), db_int(message->state), db_int(message->attempts),
                             db_int(message->due_at_ms), db_text(message->last_error), db_int(message->sent_at_ms)),
                        "message", message->id, err);
}

/* A message waits for the earlier ones of its ticket: a note needs the ticket that it is a note of. */
#define SQL_READY                                                                                                      \
    " FROM outbox AS message WHERE state = " SQL_MESSAGE_QUEUED                                                        \
    " AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.ticket_id = message.ticket_id"                     \
    " AND earlier.id < message.id AND earlier.state <> " SQL_MESSAGE_SENT ")"

static const char sql_list_due[] =
    "SELECT " MESSAGE_COLUMNS SQL_READY " AND due_at_ms <= $1 ORDER BY due_at_ms, id LIMIT $2";

bool store_list_due_messages(struct store *store, int64_t now_ms, size_t limit, struct ticket_message **ret_messages,
                             size_t *ret_count, struct err *err)
{
    void *messages;
    if (!store_get_records(store, &ticket_message_record, sql_list_due, ARGS(db_int(now_ms), db_int((int64_t)limit)),
                           &messages, ret_count, err))
        return err_wrap(err, "messages that are due");
    *ret_messages = messages;
    return true;
}

static const char sql_next_due[] = "SELECT due_at_ms" SQL_READY " ORDER BY due_at_ms LIMIT 1";

bool store_next_message_due(struct store *store, int64_t *ret_due_ms, struct err *err)
{
    int64_t due_ms = INT64_MAX;
    if (!store_get_int(store, sql_next_due, NO_ARGS, &due_ms, err))
        return err_wrap(err, "next message");
    *ret_due_ms = due_ms;
    return true;
}

static const char sql_list_sending[] =
    "SELECT id FROM outbox WHERE state = " SQL_MESSAGE_SENDING " AND state IN (1, 3) ORDER BY id";

bool store_list_sending_messages(struct store *store, int64_t **ret_ids, size_t *ret_count, struct err *err)
{
    return store_get_ints(store, sql_list_sending, NO_ARGS, ret_ids, ret_count, err) ||
           err_wrap(err, "messages under way");
}

/* An IN list is not seen as part of an index's IN list: the states are asked for one by one. */
static const char sql_requeue_of_ticket[] = "UPDATE outbox SET state = " SQL_MESSAGE_QUEUED
                                            ", due_at_ms = $2 WHERE ticket_id = $1"
                                            " AND state IN (" SQL_MESSAGE_QUEUED ", " SQL_MESSAGE_FAILED ")";
static const char sql_requeue_failed[] = "UPDATE outbox SET state = " SQL_MESSAGE_QUEUED
                                         ", due_at_ms = $1 WHERE state = " SQL_MESSAGE_FAILED " AND state IN (1, 3)";
static const char sql_hurry_queued[] = "UPDATE outbox SET due_at_ms = $1 WHERE state = " SQL_MESSAGE_QUEUED;

bool store_requeue_messages(struct store *store, int64_t ticket_id, int64_t now_ms, int64_t *ret_changed,
                            struct err *err)
{
    int64_t queued = 0, failed = 0;
    bool ok = ticket_id != 0
                  ? store_run(store, sql_requeue_of_ticket, ARGS(db_int(ticket_id), db_int(now_ms)), &queued, err)
                  : store_run(store, sql_hurry_queued, ARGS(db_int(now_ms)), &queued, err) &&
                        store_run(store, sql_requeue_failed, ARGS(db_int(now_ms)), &failed, err);
    if (!ok)
        return err_wrap(err, "send messages again");
    if (ret_changed != NULL)
        *ret_changed = queued + failed;
    return true;
}

static const char sql_list_messages[] = "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE ticket_id = $1 ORDER BY id";

bool store_list_ticket_messages(struct store *store, int64_t ticket_id, struct ticket_message **ret_messages,
                                size_t *ret_count, struct err *err)
{
    void *messages;
    if (!store_get_records(store, &ticket_message_record, sql_list_messages, ARGS(db_int(ticket_id)), &messages,
                           ret_count, err))
        return err_wrap(err, "messages of ticket %" PRId64, ticket_id);
    *ret_messages = messages;
    return true;
}
