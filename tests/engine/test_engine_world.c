/* test_engine_world.c - looks at what the world sees of live services, on simulated time: when they come, what is written, when
 * they end, and that nobody else is disturbed. */
#include "steer.h"

#include <inttypes.h>

#include "engine/internal.h"

#define NEVER INT64_MAX

static int setup(void **state)
{
    *state = company_create(&(struct company_options){ .seed = 7, .pace = "pace=fixed 10" });
    return 0;
}

/** A live service whose domain the world sees from then on, counted from now. */
static int64_t order_seen(struct company *company, const char *product, const char *domain, int64_t seen_in_ms)
{
    int64_t from_ms = seen_in_ms == NEVER ? NEVER : company_now_ms(company) + seen_in_ms;
    transport_sim_delegate(company_nodes(company), domain, from_ms);
    int64_t id = company_order(company, product, domain, domain);
    assert_true(company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS));
    return id;
}

static struct ssl_request request_of(struct company *company, int64_t service_id)
{
    struct ssl_request request;
    struct err err;
    bool found = false;
    assert_true(store_get_ssl_request(company_store(company), service_id, &request, &found, &err));
    assert_true(found);
    free(request.domain);
    request.domain = NULL;
    return request;
}

/** "" when there is none. To be freed. */
static char *fact_of(struct company *company, int64_t service_id, const char *key)
{
    struct stored_fact *facts = NULL;
    size_t count = 0;
    struct err err;
    char *value = xstrdup("");
    assert_true(store_list_facts(company_store(company), service_id, &facts, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(facts[i].key, key) == 0) {
            free(value);
            value = xstrdup(facts[i].value);
        }
    }
    stored_facts_free(facts, count);
    return value;
}

static void expect_fact(struct company *company, int64_t service_id, const char *key, const char *want)
{
    CLEANUP(freep) char *value = fact_of(company, service_id, key);
    if (strcmp(value, want) != 0)
        fail_msg("%s is %s, not %s", key, value, want);
}

static int64_t looks_of(struct company *company, int64_t service_id)
{
    CLEANUP(freep) char *value = fact_of(company, service_id, "world.looks");
    return strtoll(value, NULL, 10);
}

static unsigned events_of(struct company *company, int64_t service_id, const char *kind)
{
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    unsigned times = 0;
    company_trace(company, service_id, false, &trace);
    for (const char *at = buf_text(&trace); (at = strstr(at, kind)) != NULL; at++)
        times++;
    return times;
}

static int64_t live_at(struct company *company, int64_t service_id)
{
    struct service service;
    company_get_service(company, service_id, &service);
    int64_t live_ms = service.live_at_ms;
    service_finish(&service);
    return live_ms;
}

static void a_service_is_seen_after_a_while(void **state)
{
    struct company *company = *state;
    int64_t id = order_seen(company, "start", "shop.example", 5 * MINUTE_MS);
    int64_t live_ms = live_at(company, id);
    struct ssl_request request = request_of(company, id);
    assert_int_equal(request.state, SSL_SEEDED);
    assert_int_equal(request.next_check_ms, live_ms + 30 * SECOND_MS);
    expect_fact(company, id, "world.seen", "");
    company_pass(company, 31 * SECOND_MS);
    expect_fact(company, id, "world.seen", "no");
    expect_fact(company, id, "world.ns", "[]");
    assert_int_equal(looks_of(company, id), 1);
    request = request_of(company, id);
    assert_int_equal(request.state, SSL_WAITING_DNS);
    assert_in_range(request.next_check_ms - live_ms, 60 * SECOND_MS,
                    91 * SECOND_MS); /* 30 s to 1 min after that look */
    company_pass(company, 15 * MINUTE_MS);
    expect_fact(company, id, "world.seen", "yes");
    expect_fact(company, id, "world.ns", "[\"ns1.example.net\",\"ns2.example.net\"]");
    CLEANUP(freep) char *address = fact_of(company, id, "world.a");
    assert_true(strcmp(address, "[\"192.0.2.11\"]") == 0 || strcmp(address, "[\"192.0.2.12\"]") == 0);
    request = request_of(company, id);
    assert_int_equal(request.state, SSL_SEEDED);
    assert_int_equal(request.next_check_ms, 0);
    int64_t looks = looks_of(company, id);
    assert_in_range(looks, 3, 8);
    company_pass(company, 24 * HOUR_MS);
    assert_int_equal(looks_of(company, id), looks); /* that is the end of it */
    assert_int_equal(events_of(company, id, "service.seen"), 1);
}

static void the_pauses_grow_while_nobody_sees_it(void **state)
{
    struct company *company = *state;
    int64_t id = order_seen(company, "start", "never.example", NEVER);
    company_pass(company, HOUR_MS);
    assert_in_range(looks_of(company, id), 6, 14); /* 30 s, then twice as long each time, or half of that */
    company_pass(company, 24 * HOUR_MS);
    int64_t looks = looks_of(company, id);
    company_pass(company, 24 * HOUR_MS);
    assert_in_range(looks_of(company, id) - looks, 24, 48); /* each half an hour to an hour */
    expect_fact(company, id, "world.seen", "no");
    assert_int_equal(request_of(company, id).state, SSL_WAITING_DNS);
    assert_int_equal(events_of(company, id, "service.seen"), 0);
    set_setting(company, "world.cap", "12 h");
    company_pass(company, 24 * HOUR_MS);
    looks = looks_of(company, id);
    company_pass(company, 240 * HOUR_MS);
    assert_in_range(looks_of(company, id) - looks, 20, 41); /* each six to twelve hours */
}

static void when_no_resolver_can_tell_that_is_what_is_said(void **state)
{
    struct company *company = *state;
    int64_t id = order_seen(company, "start", "shop.example", 0);
    transport_sim_set_faults(company_nodes(company), &(struct transport_sim_faults){ .probe_silent = 100 });
    company_pass(company, 40 * SECOND_MS);
    expect_fact(company, id, "world.seen", "unknown");
    expect_fact(company, id, "world.a_seen", "unknown");
    expect_fact(company, id, "world.why", "no answer in time");
    assert_int_equal(request_of(company, id).state, SSL_WAITING_DNS);
    transport_sim_set_faults(company_nodes(company), &(struct transport_sim_faults){ 0 });
    company_pass(company, 5 * MINUTE_MS);
    expect_fact(company, id, "world.seen", "yes");
    expect_fact(company, id, "world.why", "");
    assert_int_equal(events_of(company, id, "service.seen"), 1);
}

static void what_is_not_sold_is_not_looked_for(void **state)
{
    struct company *company = *state;
    int64_t site = order_seen(company, "site", "site.example", 0);
    int64_t names = order_seen(company, "names", "names.example", 0);
    assert_int_equal(request_of(company, names).state, SSL_UNWANTED);
    company_pass(company, 2 * MINUTE_MS);
    expect_fact(company, site, "world.seen", "yes"); /* its owner has entered the address somewhere else */
    expect_fact(company, site, "world.ns", "[]");
    expect_fact(company, site, "world.ns_seen", "unknown");
    expect_fact(company, names, "world.seen", "yes");
    expect_fact(company, names, "world.a", "[]");
    assert_int_equal(request_of(company, names).state, SSL_UNWANTED);
    assert_int_equal(request_of(company, names).next_check_ms, 0);
}

static void looks_can_be_switched_off_and_on(void **state)
{
    struct company *company = *state;
    set_setting(company, "world.enabled", "false");
    int64_t id = order_seen(company, "start", "shop.example", 0);
    company_pass(company, 2 * HOUR_MS);
    assert_int_equal(looks_of(company, id), 0);
    set_setting(company, "world.enabled", "true");
    company_pass(company, SECOND_MS);
    expect_fact(company, id, "world.seen", "yes");
}

static void a_redeploy_is_looked_at_anew_and_told_once(void **state)
{
    struct company *company = *state;
    int64_t id = order_seen(company, "start", "shop.example", 0);
    company_pass(company, MINUTE_MS);
    expect_fact(company, id, "world.seen", "yes");
    CLEANUP(freep) char *before = fact_of(company, id, "world.looked_at");
    struct request *request = request_create(REQUEST_OPERATION);
    request->operation = OPERATION_REDEPLOY;
    request->target_id = id;
    request = company_ask(company, request);
    assert_true(request->ok);
    request_destroy(request);
    assert_true(company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS));
    assert_in_range(request_of(company, id).next_check_ms - company_now_ms(company), 20 * SECOND_MS, 30 * SECOND_MS);
    assert_int_equal(looks_of(company, id), 0);
    company_pass(company, MINUTE_MS);
    CLEANUP(freep) char *after = fact_of(company, id, "world.looked_at");
    assert_string_not_equal(before, after);
    assert_int_equal(request_of(company, id).next_check_ms, 0);
    assert_int_equal(events_of(company, id, "service.seen"), 1);
}

/** The moment when the next look is due: nothing else happens to a company that is at rest. */
static void wait_for_look(struct company *company, int64_t service_id)
{
    company_pass(company, request_of(company, service_id).next_check_ms - company_now_ms(company) - 1);
}

static void a_look_that_is_lost_is_made_again(void **state)
{
    struct company *company = *state;
    int64_t id = order_seen(company, "start", "shop.example", 0);
    wait_for_look(company, id);
    company_pass(company, 2); /* it is on its way */
    assert_int_equal(company_engine(company)->world.count, 1);
    company_restart(company, false);
    company_pass(company, SECOND_MS);
    expect_fact(company, id, "world.seen", "yes");
    assert_int_equal(events_of(company, id, "service.seen"), 1);
}

static void a_result_that_cannot_be_written_is_looked_for_again(void **state)
{
    struct company *company = *state;
    for (unsigned n = 1; n < 30; n++) {
        CLEANUP(freep) char *domain = xasprintf("fault%u.example", n);
        int64_t id = order_seen(company, "start", domain, 0);
        wait_for_look(company, id);
        company_fail_store(company, n % 10 == 0 ? STORE_FAULT_COMMIT : STORE_FAULT_QUERY, n % 10 == 0 ? n / 10 : n);
        company_pass(company, 5 * SECOND_MS);
        expect_fact(company, id, "world.seen", "yes");
        assert_int_equal(events_of(company, id, "service.seen"), 1);
        assert_int_equal(company_engine(company)->world.count, 0);
    }
}

static size_t most_under_way(struct company *company, int64_t ms)
{
    size_t most = 0;
    for (int64_t end_ms = company_now_ms(company) + ms; company_now_ms(company) < end_ms;) {
        size_t count = company_engine(company)->world.count;
        most = count > most ? count : most;
        company_pass(company, 1);
    }
    return most;
}

static void only_a_few_are_under_way_at_once(void **state)
{
    struct company *company = *state;
    int64_t ids[12];
    set_setting(company, "world.enabled", "false");
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        CLEANUP(freep) char *domain = xasprintf("many%u.example", i);
        ids[i] = order_seen(company, "names", domain, 0);
    }
    company_pass(company, MINUTE_MS);
    set_setting(company, "world.looks", "3");
    set_setting(company, "world.enabled", "true");
    assert_int_equal(most_under_way(company, 2 * SECOND_MS), 3);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        expect_fact(company, ids[i], "world.seen", "yes");
    assert_int_equal(company_engine(company)->world.count, 0);
}

/** Resolvers that are dead hold every look for as long as it may last: a deployment goes as fast as without. */
static void looks_that_hang_hold_up_no_deployment(void **state)
{
    struct company *company = *state;
    for (unsigned i = 0; i < 12; i++) {
        CLEANUP(freep) char *domain = xasprintf("hang%u.example", i);
        order_seen(company, "start", domain, NEVER);
    }
    set_setting(company, "world.enabled", "false");
    int64_t began_ms = company_now_ms(company);
    order_seen(company, "start", "calm.example", NEVER);
    int64_t calm_ms = company_now_ms(company) - began_ms;
    company_pass(company, HOUR_MS);
    struct engine *engine = company_engine(company);
    set_setting(company, "world.enabled", "true");
    transport_sim_set_faults(company_nodes(company), &(struct transport_sim_faults){ .probe_silent = 100 });
    company_pass(company, 100);
    assert_int_equal(engine->world.count, 4);
    transport_sim_set_faults(company_nodes(company), &(struct transport_sim_faults){ 0 });
    began_ms = company_now_ms(company);
    order_seen(company, "start", "busy.example", NEVER);
    assert_in_range(company_now_ms(company) - began_ms, 1, calm_ms + 50);
}

static void an_engine_with_nothing_due_sleeps(void **state)
{
    struct company *company = *state;
    struct engine_figures before, after;
    for (unsigned i = 0; i < 20; i++) {
        CLEANUP(freep) char *domain = xasprintf("rest%u.example", i);
        order_seen(company, "names", domain, 0);
    }
    company_pass(company, 5 * MINUTE_MS);
    engine_get_figures(company_engine(company), &before);
    company_pass(company, HOUR_MS);
    engine_get_figures(company_engine(company), &after);
    assert_in_range(after.commits - before.commits, 1, 720 + 60 + 5); /* leases each 5 s, history each minute */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, steer_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_is_seen_after_a_while),
        TEST(the_pauses_grow_while_nobody_sees_it),
        TEST(when_no_resolver_can_tell_that_is_what_is_said),
        TEST(what_is_not_sold_is_not_looked_for),
        TEST(looks_can_be_switched_off_and_on),
        TEST(a_redeploy_is_looked_at_anew_and_told_once),
        TEST(a_look_that_is_lost_is_made_again),
        TEST(a_result_that_cannot_be_written_is_looked_for_again),
        TEST(only_a_few_are_under_way_at_once),
        TEST(looks_that_hang_hold_up_no_deployment),
        TEST(an_engine_with_nothing_due_sleeps),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
