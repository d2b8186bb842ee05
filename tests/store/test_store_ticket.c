/* test_store_ticket.c - tickets and the outbox: one ticket per operation, messages one after the other, nothing lost. */
#include "fixture.h"

#include <stdlib.h>

#include "store/store_ticket.h"

struct place {
    struct fixture *f;
    int64_t service_id, operation_id;
};

static struct place place_of(void **state)
{
    struct place place = { .f = *state };
    place.service_id = fixture_add_service(place.f, "example.com", "c");
    place.operation_id = fixture_add_operation(place.f, place.service_id);
    return place;
}

static struct ticket ticket_for(const struct place *p, int64_t operation_id)
{
    return (struct ticket){ .service_id = p->service_id,
                            .operation_id = operation_id,
                            .channel = TICKET_CHANNEL_WHMCS,
                            .state = TICKET_OPEN,
                            .marker = borrowed("berth-x-s1-o1"),
                            .thread_key = borrowed("berth-x-s1-o1-abc"),
                            .remote_id = borrowed(""),
                            .remote_number = borrowed(""),
                            .created_at_ms = 1000,
                            .updated_at_ms = 1000 };
}

/* Both inside the caller's transaction. */
static int64_t add_ticket(struct place *p, int64_t operation_id)
{
    struct err err;
    struct ticket ticket = ticket_for(p, operation_id);
    must(store_insert_ticket(p->f->store, &ticket, &err));
    return ticket.id;
}

static int64_t add_message(struct place *p, int64_t ticket_id, enum ticket_message_state state, int64_t due_at_ms)
{
    static int number;
    struct err err;
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%d", ++number);
    struct ticket_message message = { .ticket_id = ticket_id,
                                      .kind = TICKET_MESSAGE_NOTE,
                                      .state = state,
                                      .due_at_ms = due_at_ms,
                                      .key = key,
                                      .body = borrowed("{}"),
                                      .last_error = borrowed(""),
                                      .created_at_ms = 1000 };
    must(store_insert_ticket_message(p->f->store, &message, &err));
    return message.id;
}

static void set_state(struct place *p, int64_t id, enum ticket_message_state state)
{
    struct err err;
    struct ticket_message message;
    must(store_get_ticket_message(p->f->store, id, &message, &err));
    message.state = state;
    must(store_update_ticket_message(p->f->store, &message, &err));
    ticket_message_finish(&message);
}

/* The ids of the messages that are due, as text: "3 5 ". */
static void due_at(struct place *p, int64_t now_ms, char *ret_ids, size_t size)
{
    struct err err;
    struct ticket_message *messages;
    size_t count;
    must(store_list_due_messages(p->f->store, now_ms, 10, &messages, &count, &err));
    ret_ids[0] = '\0';
    for (size_t i = 0; i < count; i++)
        (void)snprintf(ret_ids + strlen(ret_ids), size - strlen(ret_ids), "%d ", (int)messages[i].id);
    ticket_messages_free(messages, count);
}
#define assert_due(p, now_ms, want)                                                                                    \
    do {                                                                                                               \
        char ids[100];                                                                                                 \
        due_at(p, now_ms, ids, sizeof(ids));                                                                           \
        assert_string_equal(ids, want);                                                                                \
    } while (0)

static int64_t next_due(struct place *p)
{
    struct err err;
    int64_t due_ms = 0;
    must(store_next_message_due(p->f->store, &due_ms, &err));
    return due_ms;
}

static void a_ticket_and_its_message_come_back_as_they_were_written(void **state)
{
    struct place p = place_of(state);
    struct err err;
    bool found = true;
    struct ticket out;
    must(store_find_ticket(p.f->store, p.service_id, p.operation_id, &out, &found, &err));
    assert_false(found);
    fixture_begin(p.f);
    struct ticket in = ticket_for(&p, p.operation_id);
    must(store_insert_ticket(p.f->store, &in, &err));
    in.state = TICKET_CLOSED;
    in.remote_id = borrowed("42");
    in.remote_number = borrowed("ABC-123");
    in.updated_at_ms = 2000;
    must(store_update_ticket(p.f->store, &in, &err));
    struct ticket_message message = { .ticket_id = in.id,
                                      .kind = TICKET_MESSAGE_RECOVERED,
                                      .key = borrowed("k"),
                                      .body = borrowed("{\"a\":1}"),
                                      .last_error = borrowed(""),
                                      .created_at_ms = 1500 };
    must(store_insert_ticket_message(p.f->store, &message, &err));
    message.state = TICKET_MESSAGE_FAILED;
    message.attempts = 3;
    message.due_at_ms = 7000;
    message.sent_at_ms = 8000;
    message.last_error = borrowed("no such department");
    must(store_update_ticket_message(p.f->store, &message, &err));
    fixture_commit(p.f);

    must(store_find_ticket(p.f->store, p.service_id, p.operation_id, &out, &found, &err));
    assert_true(found);
    assert_int_equal(out.id, in.id);
    assert_int_equal(out.channel, TICKET_CHANNEL_WHMCS);
    assert_int_equal(out.state, TICKET_CLOSED);
    assert_string_equal(out.marker, "berth-x-s1-o1");
    assert_string_equal(out.thread_key, "berth-x-s1-o1-abc");
    assert_string_equal(out.remote_id, "42");
    assert_string_equal(out.remote_number, "ABC-123");
    assert_int_equal(out.created_at_ms, 1000);
    assert_int_equal(out.updated_at_ms, 2000);
    ticket_finish(&out);
    struct ticket_message *messages;
    size_t count;
    must(store_list_ticket_messages(p.f->store, in.id, &messages, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(messages[0].kind, TICKET_MESSAGE_RECOVERED);
    assert_int_equal(messages[0].state, TICKET_MESSAGE_FAILED);
    assert_int_equal(messages[0].attempts, 3);
    assert_int_equal(messages[0].due_at_ms, 7000);
    assert_int_equal(messages[0].created_at_ms, 1500);
    assert_int_equal(messages[0].sent_at_ms, 8000);
    assert_string_equal(messages[0].key, "k");
    assert_string_equal(messages[0].body, "{\"a\":1}");
    assert_string_equal(messages[0].last_error, "no such department");
    ticket_messages_free(messages, count);
}

static void an_operation_has_one_ticket(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct ticket again = ticket_for(&p, p.operation_id);
    fixture_begin(p.f);
    add_ticket(&p, p.operation_id);
    must_fail(store_insert_ticket(p.f->store, &again, &err), ERR_CONFLICT);
    store_rollback(p.f->store);
}

static void messages_of_a_ticket_leave_one_after_the_other(void **state)
{
    struct place p = place_of(state);
    int64_t other = fixture_add_operation(p.f, p.service_id);
    fixture_begin(p.f);
    int64_t first = add_ticket(&p, p.operation_id), second = add_ticket(&p, other);
    assert_int_equal(next_due(&p), INT64_MAX);
    int64_t a1 = add_message(&p, first, TICKET_MESSAGE_QUEUED, 5000);
    int64_t a2 = add_message(&p, first, TICKET_MESSAGE_QUEUED, 1000);
    int64_t b1 = add_message(&p, second, TICKET_MESSAGE_QUEUED, 6000);
    assert_int_equal(a1, 1);
    assert_int_equal(a2, 2);
    assert_int_equal(b1, 3);
    assert_int_equal(next_due(&p), 5000);
    assert_due(&p, 4999, "");
    assert_due(&p, 5000, "1 ");
    assert_due(&p, 9000, "1 3 ");
    set_state(&p, a1, TICKET_MESSAGE_SENDING);
    assert_due(&p, 9000, "3 ");
    set_state(&p, a1, TICKET_MESSAGE_FAILED);
    assert_due(&p, 9000, "3 ");
    assert_int_equal(next_due(&p), 6000);
    set_state(&p, a1, TICKET_MESSAGE_SENT);
    assert_due(&p, 9000, "2 3 ");
    assert_int_equal(next_due(&p), 1000);
    fixture_commit(p.f);
}

static void what_was_under_way_is_found_after_a_crash(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t *ids = NULL;
    size_t count = 9;
    fixture_begin(p.f);
    int64_t ticket = add_ticket(&p, p.operation_id);
    add_message(&p, ticket, TICKET_MESSAGE_SENT, 0);
    int64_t lost = add_message(&p, ticket, TICKET_MESSAGE_SENDING, 0);
    add_message(&p, ticket, TICKET_MESSAGE_FAILED, 0);
    must(store_list_sending_messages(p.f->store, &ids, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], lost);
    free(ids);
    fixture_commit(p.f);
}

static void what_was_refused_goes_on_by_hand(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t changed = 0, other = fixture_add_operation(p.f, p.service_id);
    fixture_begin(p.f);
    int64_t first = add_ticket(&p, p.operation_id), second = add_ticket(&p, other);
    add_message(&p, first, TICKET_MESSAGE_SENT, 0);
    add_message(&p, first, TICKET_MESSAGE_FAILED, 0);
    add_message(&p, first, TICKET_MESSAGE_QUEUED, 90000);
    add_message(&p, second, TICKET_MESSAGE_FAILED, 0);
    assert_due(&p, 5000, "");
    must(store_requeue_messages(p.f->store, first, 5000, &changed, &err));
    assert_int_equal(changed, 2);
    assert_due(&p, 5000, "2 ");
    must(store_requeue_messages(p.f->store, 0, 6000, &changed, &err));
    assert_int_equal(changed, 3);
    assert_due(&p, 6000, "2 4 ");
    fixture_commit(p.f);
}

static void tickets_are_listed_newest_first(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct ticket *tickets;
    size_t count;
    int64_t other = fixture_add_operation(p.f, p.service_id);
    fixture_begin(p.f);
    int64_t first = add_ticket(&p, p.operation_id), second = add_ticket(&p, other);
    struct ticket closed;
    must(store_get_ticket(p.f->store, first, &closed, &err));
    closed.state = TICKET_CLOSED;
    must(store_update_ticket(p.f->store, &closed, &err));
    ticket_finish(&closed);
    fixture_commit(p.f);
    const struct {
        struct ticket_filter filter;
        size_t count;
        int64_t newest;
    } cases[] = {
        { { .limit = 10 }, 2, second },
        { { .limit = 1 }, 1, second },
        { { .limit = 10, .before_id = second }, 1, first },
        { { .limit = 10, .has_state = true, .state = TICKET_OPEN }, 1, second },
        { { .limit = 10, .has_state = true, .state = TICKET_CLOSED }, 1, first },
        { { .limit = 10, .service_id = p.service_id }, 2, second },
        { { .limit = 10, .service_id = p.service_id + 1 }, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        must(store_list_tickets(p.f->store, &cases[i].filter, &tickets, &count, &err));
        assert_int_equal(count, cases[i].count);
        if (count > 0)
            assert_int_equal(tickets[0].id, cases[i].newest);
        tickets_free(tickets, count);
    }
    must(store_list_open_tickets(p.f->store, p.service_id, &tickets, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(tickets[0].id, second);
    tickets_free(tickets, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_ticket_and_its_message_come_back_as_they_were_written),
        FIXTURE_TEST(an_operation_has_one_ticket),
        FIXTURE_TEST(messages_of_a_ticket_leave_one_after_the_other),
        FIXTURE_TEST(what_was_under_way_is_found_after_a_crash),
        FIXTURE_TEST(what_was_refused_goes_on_by_hand),
        FIXTURE_TEST(tickets_are_listed_newest_first),
    };
    return fixture_run(tests);
}
