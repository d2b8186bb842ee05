/* test_store_history.c - attempts and their logs, events, facts, secrets, requests for certificates. */
#include "fixture.h"

#include <stdlib.h>

struct place {
    struct fixture *f;
    int64_t service_id, attempt_id;
};

/* A service with one running attempt. */
static struct place place_of(void **state)
{
    struct err err;
    struct place place = { .f = *state };
    place.service_id = fixture_add_service(place.f, "example.com", "c");
    int64_t operation_id = fixture_add_operation(place.f, place.service_id);
    struct task task;
    bool found;
    fixture_begin(place.f);
    (void)fixture_add_task(place.f, operation_id, place.service_id, 1, "a", TASK_QUEUED, 0);
    must(store_claim_task(place.f->store, task_queue_id(1, TASK_LANE_MAKE), 1, 2, &task, &found, &err));
    fixture_commit(place.f);
    place.attempt_id = task.attempt_id;
    task_finish(&task);
    return place;
}

static void an_attempt_ends_once(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct attempt end = { .id = p.attempt_id,
                           .outcome = ATTEMPT_CONFLICT,
                           .cause_id = borrowed("hestia.exists"),
                           .detail = borrowed("user example is not ours"),
                           .ended_at_ms = 77 };
    fixture_begin(p.f);
    must(store_end_attempt(p.f->store, &end, &err));
    end.outcome = ATTEMPT_DONE;
    must_fail(store_end_attempt(p.f->store, &end, &err), ERR_LOST);
    end.id = 9999;
    must_fail(store_end_attempt(p.f->store, &end, &err), ERR_LOST);
    fixture_commit(p.f);
    struct attempt attempt;
    must(store_get_attempt(p.f->store, p.attempt_id, &attempt, &err));
    assert_int_equal(attempt.outcome, ATTEMPT_CONFLICT);
    assert_string_equal(attempt.cause_id, "hestia.exists");
    assert_string_equal(attempt.detail, "user example is not ours");
    assert_int_equal(attempt.ended_at_ms, 77);
    attempt_finish(&attempt);
}

/* ---- logs --------------------------------------------------------------------------------------------------------- */

static int64_t append(struct place *p, const char *text, size_t length)
{
    struct err err;
    struct log_chunk chunk = {
        .attempt_id = p->attempt_id, .at_ms = 5, .stream = 1, .data = borrowed(text), .length = length
    };
    fixture_begin(p->f);
    must(store_append_log(p->f->store, &chunk, &err));
    must(store_commit(p->f->store, false, &err));
    return chunk.offset;
}

static void a_log_is_read_from_any_byte_in_any_portion(void **state)
{
    struct place p = place_of(state);
    struct err err;
    assert_int_equal(append(&p, "0123456789", 10), 0);
    assert_int_equal(append(&p, "abcde", 5), 10);
    assert_int_equal(append(&p, "", 0), 15);
    assert_int_equal(append(&p, "XYZ", 3), 15);

    static const struct {
        int64_t from;
        size_t max;
        const char *want;
        size_t chunks;
    } cases[] = {
        { 0, 100, "0123456789abcdeXYZ", 3 },
        { 0, 18, "0123456789abcdeXYZ", 3 },
        { 5, 100, "56789abcdeXYZ", 3 },
        { 10, 100, "abcdeXYZ", 2 },
        { 9, 2, "9a", 2 },
        { 12, 1, "c", 1 },
        { 17, 100, "Z", 1 },
        { 18, 100, "", 0 },
        { 500, 100, "", 0 },
        { 0, 0, "", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct log_chunk *chunks;
        size_t count;
        char text[64] = "";
        int64_t offset = cases[i].from;
        must(store_read_log(p.f->store, p.attempt_id, cases[i].from, cases[i].max, &chunks, &count, &err));
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(chunks[j].offset, offset);
            assert_int_equal(strlen(chunks[j].data), chunks[j].length);
            assert_int_equal(chunks[j].stream, 1);
            assert_int_equal(chunks[j].at_ms, 5);
            offset += (int64_t)chunks[j].length;
            (void)strcat(text, chunks[j].data);
        }
        if (strcmp(text, cases[i].want) != 0 || count != cases[i].chunks)
            fail_msg("case %zu: '%s' in %zu chunks", i, text, count);
        log_chunks_free(chunks, count);
    }
}

static void chunks_of_the_greatest_length_are_found_from_their_last_byte(void **state)
{
    struct place p = place_of(state);
    struct err err;
    char *data = malloc(LOG_CHUNK_MAX);
    memset(data, 'x', LOG_CHUNK_MAX);
    data[LOG_CHUNK_MAX - 1] = 'y';
    (void)append(&p, data, LOG_CHUNK_MAX);
    free(data);
    struct log_chunk *chunks;
    size_t count;
    must(store_read_log(p.f->store, p.attempt_id, LOG_CHUNK_MAX - 1, 10, &chunks, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(chunks[0].data, "y");
    log_chunks_free(chunks, count);
}

static void a_log_beyond_its_limit_is_cut_and_says_so(void **state)
{
    struct place p = place_of(state);
    struct err err;
    char *data = malloc(LOG_CHUNK_MAX);
    memset(data, 'x', LOG_CHUNK_MAX);
    int64_t offset = append(&p, data, 100);
    for (size_t i = 0; i < ATTEMPT_LOG_MAX / LOG_CHUNK_MAX; i++)
        offset = append(&p, data, LOG_CHUNK_MAX);
    assert_int_equal(offset, ATTEMPT_LOG_MAX - LOG_CHUNK_MAX + 100); /* the last one did not fit whole */
    assert_int_equal(append(&p, data, 1), ATTEMPT_LOG_MAX);
    free(data);
    struct attempt attempt;
    must(store_get_attempt(p.f->store, p.attempt_id, &attempt, &err));
    assert_true(attempt.log_truncated);
    assert_int_equal(attempt.log_bytes, ATTEMPT_LOG_MAX);
    attempt_finish(&attempt);
    struct log_chunk *chunks;
    size_t count;
    must(store_read_log(p.f->store, p.attempt_id, 0, 2 * ATTEMPT_LOG_MAX, &chunks, &count, &err));
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += chunks[i].length;
    assert_int_equal(total, ATTEMPT_LOG_MAX);
    log_chunks_free(chunks, count);
}

static void a_log_needs_its_attempt(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct log_chunk chunk = { .attempt_id = 9999, .data = borrowed("x"), .length = 1 };
    fixture_begin(p.f);
    must_fail(store_append_log(p.f->store, &chunk, &err), ERR_NOT_FOUND);
    store_rollback(p.f->store);
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static int64_t append_event(struct place *p, int64_t service_id, const char *kind)
{
    struct err err;
    struct event event = {
        .service_id = service_id, .at_ms = 6, .kind = borrowed(kind), .data = borrowed("{\"a\":1}")
    };
    must(store_append_event(p->f->store, &event, &err));
    return event.seq;
}

static void events_are_numbered_per_service_without_gaps(void **state)
{
    struct place p = place_of(state);
    struct err err;
    int64_t other = fixture_add_service(p.f, "other.example", "c");
    fixture_begin(p.f);
    assert_int_equal(append_event(&p, p.service_id, "service.accepted"), 1);
    assert_int_equal(append_event(&p, other, "service.accepted"), 1);
    assert_int_equal(append_event(&p, p.service_id, "task.done"), 2);
    fixture_commit(p.f);
    fixture_begin(p.f);
    assert_int_equal(append_event(&p, p.service_id, "task.lost"), 3);
    store_rollback(p.f->store); /* and its number with it */
    fixture_begin(p.f);
    assert_int_equal(append_event(&p, p.service_id, "service.live"), 3);
    fixture_commit(p.f);

    struct event *events;
    size_t count;
    must(store_list_events(p.f->store, p.service_id, 0, 10, &events, &count, &err));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(events[i].seq, i + 1);
    assert_string_equal(events[2].kind, "service.live");
    assert_string_equal(events[2].data, "{\"a\":1}");
    assert_int_equal(events[2].at_ms, 6);
    events_free(events, count);
    must(store_list_events(p.f->store, p.service_id, 1, 1, &events, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(events[0].seq, 2);
    events_free(events, count);
    struct service service;
    must(store_get_service(p.f->store, p.service_id, &service, &err));
    assert_int_equal(service.event_seq, 3);
    service_finish(&service);
    struct event orphan = { .service_id = 999, .kind = borrowed("x"), .data = borrowed("{}") };
    fixture_begin(p.f);
    must_fail(store_append_event(p.f->store, &orphan, &err), ERR_NOT_FOUND);
    store_rollback(p.f->store);
}

/* ---- what is learned ---------------------------------------------------------------------------------------------- */

static void a_fact_is_replaced_by_a_newer_one_of_the_same_name(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct stored_fact fact = { .service_id = p.service_id,
                                .role = ROLE_MAIL,
                                .node_id = 2,
                                .key = borrowed("dkim"),
                                .value = borrowed("old"),
                                .attempt_id = 1 };
    fixture_begin(p.f);
    must(store_put_fact(p.f->store, &fact, &err));
    fact.value = borrowed("new");
    fact.attempt_id = 2;
    must(store_put_fact(p.f->store, &fact, &err));
    fact.node_id = 3;
    must(store_put_fact(p.f->store, &fact, &err));
    fixture_commit(p.f);
    struct stored_fact *facts;
    size_t count;
    must(store_list_facts(p.f->store, p.service_id, &facts, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(facts[0].node_id, 2);
    assert_int_equal(facts[0].role, ROLE_MAIL);
    assert_string_equal(facts[0].key, "dkim");
    assert_string_equal(facts[0].value, "new");
    assert_int_equal(facts[0].attempt_id, 2);
    stored_facts_free(facts, count);
}

static void a_secret_is_bytes_and_may_be_replaced(void **state)
{
    struct place p = place_of(state);
    struct err err;
    unsigned char *cipher;
    size_t length;
    must(store_get_secret(p.f->store, p.service_id, 1, "panel-password", &cipher, &length, &err));
    assert_null(cipher);
    fixture_begin(p.f);
    must(store_put_secret(p.f->store, p.service_id, 1, "panel-password", (const unsigned char *)"abc", 3, &err));
    must(store_put_secret(p.f->store, p.service_id, 1, "panel-password", (const unsigned char *)"a\0b\xff", 4, &err));
    fixture_commit(p.f);
    must(store_get_secret(p.f->store, p.service_id, 1, "panel-password", &cipher, &length, &err));
    assert_int_equal(length, 4);
    assert_memory_equal(cipher, "a\0b\xff", 4);
    free(cipher);
    must(store_get_secret(p.f->store, p.service_id, 2, "panel-password", &cipher, &length, &err));
    assert_null(cipher);
}

static void a_request_for_a_certificate_is_kept_once_per_service(void **state)
{
    struct place p = place_of(state);
    struct err err;
    struct ssl_request request = {
        .service_id = p.service_id, .domain = borrowed("example.com"), .state = SSL_SEEDED, .next_check_ms = 5
    };
    struct ssl_request out;
    bool found;
    must(store_get_ssl_request(p.f->store, p.service_id, &out, &found, &err));
    assert_false(found);
    fixture_begin(p.f);
    must(store_put_ssl_request(p.f->store, &request, &err));
    request.state = SSL_ISSUED;
    request.next_check_ms = 6;
    must(store_put_ssl_request(p.f->store, &request, &err));
    fixture_commit(p.f);
    must(store_get_ssl_request(p.f->store, p.service_id, &out, &found, &err));
    assert_true(found);
    assert_int_equal(out.state, SSL_ISSUED);
    assert_int_equal(out.next_check_ms, 6);
    assert_string_equal(out.domain, "example.com");
    ssl_request_finish(&out);
}

static void requests_that_are_due_come_in_the_order_of_their_time(void **state)
{
    struct place p = place_of(state);
    struct err err;
    static const int64_t next[] = { 30, 0, 10, 20, 10 };
    int64_t ids[ARRAY_LEN(next)];
    struct ssl_request *requests = NULL;
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(next); i++) {
        char domain[40];
        snprintf(domain, sizeof(domain), "due%zu.example", i);
        ids[i] = fixture_add_service(p.f, domain, "c");
    }
    fixture_begin(p.f);
    for (size_t i = 0; i < ARRAY_LEN(next); i++) {
        char domain[40];
        snprintf(domain, sizeof(domain), "due%zu.example", i);
        struct ssl_request request = {
            .service_id = ids[i], .domain = domain, .state = SSL_SEEDED, .next_check_ms = next[i]
        };
        must(store_put_ssl_request(p.f->store, &request, &err));
    }
    fixture_commit(p.f);
    must(store_list_ssl_requests(p.f->store, 3, &requests, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(requests[0].service_id, ids[2]);
    assert_int_equal(requests[1].service_id, ids[4]); /* of one moment: the older service */
    assert_int_equal(requests[2].service_id, ids[3]);
    assert_string_equal(requests[2].domain, "due3.example");
    ssl_requests_free(requests, count);
    must(store_list_ssl_requests(p.f->store, 100, &requests, &count, &err));
    assert_int_equal(count, 4); /* not the one that nobody looks at any more */
    ssl_requests_free(requests, count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_attempt_ends_once),
        FIXTURE_TEST(a_log_is_read_from_any_byte_in_any_portion),
        FIXTURE_TEST(chunks_of_the_greatest_length_are_found_from_their_last_byte),
        FIXTURE_TEST(a_log_beyond_its_limit_is_cut_and_says_so),
        FIXTURE_TEST(a_log_needs_its_attempt),
        FIXTURE_TEST(events_are_numbered_per_service_without_gaps),
        FIXTURE_TEST(a_fact_is_replaced_by_a_newer_one_of_the_same_name),
        FIXTURE_TEST(a_secret_is_bytes_and_may_be_replaced),
        FIXTURE_TEST(a_request_for_a_certificate_is_kept_once_per_service),
        FIXTURE_TEST(requests_that_are_due_come_in_the_order_of_their_time),
    };
    return fixture_run(tests);
}
