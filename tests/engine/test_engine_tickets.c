/* test_engine_tickets.c - who is told what: the real engine and store, a desk that messages arrive at, time that is made. A service
 * fails for good as soon as its web domain cannot be added, because here a task has one attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "company.h"
#include "company_internal.h"
#include "desk.h"
#include "store/store_ticket.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define SENDING_MS INT64_C(40000) /* more than the first pause before a message is sent again */
#define STEP "web.domain"
#define BROKEN "fail=v-add-web-domain:15\n"

struct world {
    struct desk desk;
    struct company *company;
};

static void set(struct company *company, const char *const *pairs, size_t count)
{
    struct request *request = request_create(REQUEST_SETTING_SET);
    request->settings = xcalloc(count / 2, sizeof(*request->settings));
    request->setting_count = count / 2;
    request->who = xstrdup("test");
    for (size_t i = 0; i < count / 2; i++)
        request->settings[i] = (struct setting_pair){ xstrdup(pairs[2 * i]), xstrdup(pairs[2 * i + 1]) };
    request = company_ask(company, request);
    if (!request->ok)
        fail_msg("settings: %s", request->err.msg);
    request_destroy(request);
}
#define SET(company, ...)                                                                                              \
    set(company, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static struct world *open_world(void)
{
    struct world *world = xcalloc(1, sizeof(*world));
    desk_init(&world->desk);
    world->company = company_create(
        &(struct company_options){ .seed = 7, .pace = "pace=fixed 100", .notifier = &world->desk.notifier });
    SET(world->company, "retry.attempts", "1", "ticket.channel", "webhook", "notify.webhook_url",
        "https://desk.example.net", "notify.webhook_secret", "correct-horse", "ticket.enabled", "true");
    return world;
}

static void close_world(struct world *world)
{
    company_destroy(world->company);
    desk_finish(&world->desk);
    free(world);
}

static int setup(void **state)
{
    *state = open_world();
    return 0;
}

static int teardown(void **state)
{
    close_world(*state);
    return 0;
}

/* ---- what there is ---------------------------------------------------------------------------------------------------- */

static int64_t break_service(struct world *world)
{
    company_standin(world->company, "web1", BROKEN);
    company_standin(world->company, "web2", BROKEN);
    int64_t id = company_order(world->company, "site", "broken.example", "501");
    assert_true(company_until(world->company, id, SERVICE_FAILED, HOUR_MS));
    return id;
}

static void mend_nodes(struct world *world)
{
    company_standin(world->company, "web1", "");
    company_standin(world->company, "web2", "");
}

static void fail_again(struct world *world, int64_t service_id)
{
    assert_true(company_retry(world->company, service_id, STEP));
    assert_true(company_until(world->company, service_id, SERVICE_FAILED, HOUR_MS));
}

/** The service's only ticket. */
static void get_ticket(struct world *world, int64_t service_id, struct ticket *ret_ticket)
{
    struct ticket *tickets;
    size_t count;
    struct err err;
    struct ticket_filter filter = { .service_id = service_id, .limit = 10 };
    assert_true(store_list_tickets(company_store(world->company), &filter, &tickets, &count, &err));
    if (count != 1)
        fail_msg("there are %zu tickets", count);
    *ret_ticket = tickets[0];
    free(tickets);
}

/** "open sent, note queued": the messages of the service's ticket, behind its state. */
static void expect_ticket(struct world *world, int64_t service_id, const char *want)
{
    struct ticket ticket;
    struct ticket_message *messages;
    size_t count;
    struct err err;
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    get_ticket(world, service_id, &ticket);
    assert_true(store_list_ticket_messages(company_store(world->company), ticket.id, &messages, &count, &err));
    buf_addf(&text, "%s:", ticket_state_name(ticket.state));
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s %s %s", i > 0 ? "," : "", ticket_message_kind_name(messages[i].kind),
                 ticket_message_state_name(messages[i].state));
    ticket_messages_free(messages, count);
    ticket_finish(&ticket);
    assert_string_equal(buf_text(&text), want);
}

static void get_message(struct world *world, int64_t service_id, size_t index, struct ticket_message *ret_message)
{
    struct ticket ticket;
    struct ticket_message *messages;
    size_t count;
    struct err err;
    get_ticket(world, service_id, &ticket);
    assert_true(store_list_ticket_messages(company_store(world->company), ticket.id, &messages, &count, &err));
    assert_true(index < count);
    *ret_message = messages[index];
    messages[index] = (struct ticket_message){ 0 };
    ticket_messages_free(messages, count);
    ticket_finish(&ticket);
}

/** "open note recovered": what has arrived, each counted once. */
static void expect_desk(const struct world *world, const char *want)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    for (size_t i = 0; i < world->desk.letter_count; i++)
        buf_addf(&text, "%s%s", i > 0 ? " " : "", ticket_message_kind_name(world->desk.letters[i].kind));
    assert_string_equal(buf_text(&text), want);
    assert_true(world->desk.is_consistent);
}

static unsigned times_in_all(const struct world *world)
{
    unsigned times = 0;
    for (size_t i = 0; i < world->desk.letter_count; i++)
        times += world->desk.letters[i].times;
    return times;
}

/* ---- one ticket, and its end ---------------------------------------------------------------------------------------------- */

static void a_failure_opens_one_ticket_that_says_everything(void **state)
{
    struct world *world = *state;
    int64_t id = break_service(world);
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sent");
    expect_desk(world, "open");
    assert_int_equal(times_in_all(world), 1);
    const struct desk_letter *letter = &world->desk.letters[0];
    assert_string_equal(letter->key, letter->thread_key);
    assert_non_null(strstr(letter->key, letter->marker));
    assert_non_null(strstr(letter->marker, "-s0000000001-o0000000001"));
    assert_string_equal(letter->subject, "Berth: broken.example needs a person");
    json_t *body = json_loads(letter->body, 0, NULL);
    const char *domain, *external_id, *service_id, *link, *step, *node, *cause, *detail, *remedy, *key;
    int attempts;
    json_t *log;
    assert_int_equal(json_unpack(body, "{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:i, s:o}}", "id",
                                 &key, "link", &link, "service", "id", &service_id, "domain", &domain, "external_id",
                                 &external_id, "failure", "step", &step, "node", &node, "cause", &cause, "detail",
                                 &detail, "remedy", &remedy, "attempts", &attempts, "log", &log),
                     0);
    assert_string_equal(key, letter->key);
    assert_string_equal(link, "https://berth.example.net/api/v1/services/1");
    assert_string_equal(service_id, "1");
    assert_string_equal(domain, "broken.example");
    assert_string_equal(external_id, "501");
    assert_string_equal(step, "web.domain");
    assert_true(strcmp(node, "web1") == 0 || strcmp(node, "web2") == 0);
    assert_true(strlen(cause) > 10 && strlen(remedy) > 10);
    assert_int_equal(attempts, 1);
    assert_true(json_array_size(log) > 1 && json_array_size(log) <= 20);
    assert_non_null(strstr(json_string_value(json_array_get(log, json_array_size(log) - 1)), "not yet: "));
    json_decref(body);
    struct ticket ticket;
    get_ticket(world, id, &ticket);
    assert_string_equal(ticket.remote_id, letter->marker);
    assert_string_equal(ticket.remote_number, "ABC-1");
    ticket_finish(&ticket);
}

static void a_second_failure_is_a_note_and_recovery_closes_it(void **state)
{
    struct world *world = *state;
    int64_t id = break_service(world);
    fail_again(world, id);
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sent, note sent");
    mend_nodes(world);
    assert_true(company_retry(world->company, id, STEP));
    assert_true(company_until(world->company, id, SERVICE_LIVE, HOUR_MS));
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "closed: open sent, note sent, recovered sent");
    expect_desk(world, "open note recovered");
    assert_int_equal(times_in_all(world), 3);
    for (size_t i = 1; i < 3; i++) {
        assert_string_equal(world->desk.letters[i].marker, world->desk.letters[0].marker);
        assert_string_equal(world->desk.letters[i].thread_key, world->desk.letters[0].key);
        assert_string_not_equal(world->desk.letters[i].key, world->desk.letters[0].key);
    }
    assert_null(strstr(world->desk.letters[2].body, "failure"));
}

static void nobody_is_told_of_what_ends_well_or_when_tickets_are_off(void **state)
{
    struct world *world = *state;
    int64_t well = company_order(world->company, "start", "well.example", "");
    assert_true(company_until(world->company, well, SERVICE_LIVE, HOUR_MS));
    SET(world->company, "ticket.enabled", "false");
    break_service(world);
    company_pass(world->company, HOUR_MS);
    expect_desk(world, "");
    struct ticket *tickets;
    size_t count;
    struct err err;
    struct ticket_filter filter = { .limit = 10 };
    assert_true(store_list_tickets(company_store(world->company), &filter, &tickets, &count, &err));
    assert_int_equal(count, 0);
    tickets_free(tickets, count);
}

static void a_ticket_quotes_as_many_lines_as_the_setting_says(void **state)
{
    struct world *world = *state;
    SET(world->company, "ticket.log_lines", "1");
    break_service(world);
    company_pass(world->company, MINUTE_MS);
    json_t *body = json_loads(world->desk.letters[0].body, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json_object_get(body, "failure"), "log")), 1);
    json_decref(body);
}

/* ---- never lost, never doubled ---------------------------------------------------------------------------------------------- */

static void a_desk_that_is_down_for_days_gets_everything_in_order(void **state)
{
    struct world *world = *state;
    struct ticket_message message;
    world->desk.manners = DESK_DOWN;
    int64_t id = break_service(world);
    fail_again(world, id);
    company_pass(world->company, 48 * HOUR_MS);
    expect_ticket(world, id, "open: open queued, note queued");
    get_message(world, id, 0, &message);
    assert_string_equal(message.last_error, "connection refused");
    assert_in_range(message.attempts, 48, 200); /* pauses up to an hour, none shorter than 15 s */
    assert_int_equal(message.attempts, world->desk.handed_over);
    assert_true(message.due_at_ms <= company_now_ms(world->company) + HOUR_MS);
    ticket_message_finish(&message);
    get_message(world, id, 1, &message);
    assert_int_equal(message.attempts, 0); /* it waits for the ticket */
    ticket_message_finish(&message);
    world->desk.manners = DESK_TAKES;
    company_pass(world->company, HOUR_MS + MINUTE_MS);
    expect_ticket(world, id, "open: open sent, note sent");
    expect_desk(world, "open note");
    assert_int_equal(times_in_all(world), 2);
}

static void what_arrived_although_nobody_was_told_comes_again_under_its_key(void **state)
{
    struct world *world = *state;
    world->desk.manners = DESK_TAKES_SILENTLY;
    int64_t id = break_service(world);
    company_pass(world->company, 10 * MINUTE_MS);
    world->desk.manners = DESK_TAKES;
    company_pass(world->company, 2 * HOUR_MS);
    expect_ticket(world, id, "open: open sent");
    expect_desk(world, "open");
    assert_true(times_in_all(world) > 2);
}

static void a_refusal_is_shown_and_goes_on_when_settings_change_or_by_hand(void **state)
{
    struct world *world = *state;
    struct ticket_message message;
    world->desk.manners = DESK_REFUSES;
    int64_t id = break_service(world);
    company_pass(world->company, 24 * HOUR_MS);
    assert_int_equal(world->desk.handed_over, 1);
    expect_ticket(world, id, "open: open failed");
    get_message(world, id, 0, &message);
    assert_string_equal(message.last_error, "no such department");
    ticket_message_finish(&message);
    SET(world->company, "ticket.department", "5");
    company_pass(world->company, MINUTE_MS);
    assert_int_equal(world->desk.handed_over, 2);
    expect_ticket(world, id, "open: open failed");
    world->desk.manners = DESK_TAKES;
    struct request *request = request_create(REQUEST_TICKET_RETRY);
    request->target_id = 1;
    request = company_ask(world->company, request);
    assert_true(request->ok);
    request_destroy(request);
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sent");
    request = request_create(REQUEST_TICKET_RETRY);
    request->target_id = 99;
    request = company_ask(world->company, request);
    assert_false(request->ok);
    assert_int_equal(request->err.code, ERR_NOT_FOUND);
    request_destroy(request);
}

static void a_kill_between_sending_and_writing_that_down_sends_it_again_under_its_key(void **state)
{
    struct world *world = *state;
    world->desk.manners = DESK_BUSY;
    int64_t id = break_service(world);
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sending");
    assert_int_equal(times_in_all(world), 1);
    company_restart(world->company, false);
    desk_crash(&world->desk);
    world->desk.manners = DESK_TAKES;
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sent");
    expect_desk(world, "open");
    assert_int_equal(times_in_all(world), 2);
}

static void a_failed_commit_neither_loses_nor_repeats_what_is_under_way(void **state)
{
    struct world *world = *state;
    world->desk.manners = DESK_BUSY;
    int64_t id = break_service(world);
    company_pass(world->company, 1000);
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1); /* of whatever comes next: it is under way meanwhile */
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sending");
    desk_go_on(&world->desk);
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1); /* of its end */
    company_pass(world->company, MINUTE_MS);
    expect_ticket(world, id, "open: open sent");
    assert_int_equal(world->desk.handed_over, 1);
}

static struct world *dying;
static enum desk_death death;

static void die(struct company *company)
{
    company_store_kill(company);
    dying->desk.death = death;
}

/** From the order to recovery, with a kill at the n-th commit: that is on disk, and nobody is told. @return whether it came to that
 */
static bool live_with_a_kill(unsigned n)
{
    struct world *world = open_world();
    struct company_figures figures;
    company_standin(world->company, "web1", BROKEN);
    company_standin(world->company, "web2", BROKEN);
    int64_t id = company_order(world->company, "site", "broken.example", "501");
    dying = world;
    company_at_commit(world->company, n, die);
    assert_true(company_until(world->company, id, SERVICE_FAILED, HOUR_MS));
    company_pass(world->company, SENDING_MS);
    assert_true(company_retry(world->company, id, STEP) || company_retry(world->company, id, STEP));
    company_pass(world->company, SENDING_MS);
    mend_nodes(world);
    struct service service;
    company_get_service(world->company, id, &service);
    assert_int_equal(service.status, SERVICE_FAILED);
    service_finish(&service);
    assert_true(company_retry(world->company, id, STEP) || company_retry(world->company, id, STEP));
    assert_true(company_until(world->company, id, SERVICE_LIVE, HOUR_MS));
    company_pass(world->company, SENDING_MS);
    company_at_commit(world->company, 0, NULL);
    expect_ticket(world, id, "closed: open sent, note sent, recovered sent");
    expect_desk(world, "open note recovered");
    company_get_figures(world->company, &figures);
    close_world(world);
    return figures.kills > 0;
}

static void a_kill_at_any_commit_leaves_one_ticket_with_all_its_messages(void **state)
{
    (void)state;
    static const enum desk_death deaths[] = { DESK_DEATH_BEFORE_SENDING, DESK_DEATH_AFTER_SENDING };
    for (size_t i = 0; i < ARRAY_LEN(deaths); i++) {
        unsigned n = 1;
        death = deaths[i];
        while (live_with_a_kill(n))
            n++;
        assert_true(n > 30);
    }
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    log_set_fd(-1);
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_failure_opens_one_ticket_that_says_everything),
        WORLD_TEST(a_second_failure_is_a_note_and_recovery_closes_it),
        WORLD_TEST(nobody_is_told_of_what_ends_well_or_when_tickets_are_off),
        WORLD_TEST(a_ticket_quotes_as_many_lines_as_the_setting_says),
        WORLD_TEST(a_desk_that_is_down_for_days_gets_everything_in_order),
        WORLD_TEST(what_arrived_although_nobody_was_told_comes_again_under_its_key),
        WORLD_TEST(a_refusal_is_shown_and_goes_on_when_settings_change_or_by_hand),
        WORLD_TEST(a_kill_between_sending_and_writing_that_down_sends_it_again_under_its_key),
        WORLD_TEST(a_failed_commit_neither_loses_nor_repeats_what_is_under_way),
        cmocka_unit_test(a_kill_at_any_commit_leaves_one_ticket_with_all_its_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
