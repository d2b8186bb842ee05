/* test_sim_catches.c - the simulator itself: a seed replays exactly, and each thing that must never be true of a company is seen when
 * it is made true on purpose. What breaks it is here, in the company's nodes and store, never in what runs in production. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "company.h"
#include "company_internal.h"
#include "store/store_internal.h"

/* ---- means ------------------------------------------------------------------------------------------------------------ */

static void run_sql(struct company *company, const char *sql)
{
    struct err err = { 0 };
    struct db *db = company_store(company)->db;
    if (!db->ops->script(db, sql, &err))
        fail_msg("%s: %s", sql, err.msg);
}

/** The first account of a service on a node of this name. */
static struct account *account_on(struct company *company, const char *node, size_t *ret_count, struct account *ret_one)
{
    static const struct account none;
    struct account *accounts = NULL;
    struct err err = { 0 };
    int64_t node_id = company_seed_of(node) - company_node_seeds + 1;
    *ret_one = none;
    assert_true(store_list_accounts(company_store(company), company->orders[0].service_id, &accounts, ret_count, &err));
    for (size_t i = 0; i < *ret_count; i++) {
        if (accounts[i].node_id == node_id)
            *ret_one = accounts[i];
    }
    if (ret_one->username == NULL)
        fail_msg("no account on %s", node);
    return accounts;
}

static void run_as_panel(struct company *company, const char *node, const char *command, const char *suffix)
{
    struct account account;
    size_t count = 0;
    struct account *accounts = account_on(company, node, &count, &account);
    const char *const words[] = { command, account.username, suffix };
    company_run_on(company, node, words, suffix == NULL ? 2 : 3);
    accounts_free(accounts, count);
}

/* ---- what breaks it ----------------------------------------------------------------------------------------------------- */

static void forget_an_order(struct company *company)
{
    run_sql(company, "PRAGMA foreign_keys = OFF; DELETE FROM service WHERE id = (SELECT min(id) FROM service);");
}

static void leave_a_service_half_way(struct company *company)
{
    run_sql(company, "UPDATE service SET status = 2 WHERE id = 1;"); /* deploying, and nothing goes on */
}

static void end_in_an_error_without_a_remedy(struct company *company)
{
    company->options.sudo = true; /* where errors are allowed */
    run_sql(company,
            "UPDATE service SET status = 4, reason = 'It did not work.', reason_key = 'x' WHERE id = 1;"
            "UPDATE operation SET state = 2 WHERE service_id = 1;");
}

static void write_a_record_twice(struct company *company)
{
    struct panel_host *host = panel_memory_host(transport_sim_memory(company->nodes, company_address("ns1")));
    struct account account;
    size_t count = 0;
    struct account *accounts = account_on(company, "ns1", &count, &account);
    struct service service;
    struct buf text = BUF_INIT;
    company_get_service(company, account.service_id, &service);
    CLEANUP(freep)
    char *path = xasprintf(PANEL_ROOT "/data/users/%s/dns/%s.conf", account.username, service.domain);
    assert_true(host->ops->read(host, path, &text));
    buf_add(&text, buf_text(&text), strcspn(buf_text(&text), "\n") + 1);
    host->ops->write(host, path, buf_text(&text), text.length);
    buf_finish(&text);
    service_finish(&service);
    accounts_free(accounts, count);
}

static void leave_an_account_for_nobody(struct company *company)
{
    static const char *const words[] = { "v-add-user", "orphan", "Orphan99x", "o@example.org" };
    company_run_on(company, "web1", words, ARRAY_LEN(words));
}

static void lose_an_account(struct company *company)
{
    run_as_panel(company, "ns2", "v-delete-user", NULL);
}

static void change_a_password(struct company *company)
{
    run_as_panel(company, "web1", "v-change-user-password", "something-else");
}

static void touch_what_is_foreign(struct company *company)
{
    static const char *const words[] = { "v-delete-user", "stranger" };
    company_run_on(company, "mail1", words, ARRAY_LEN(words));
}

static void open_a_second_ticket(struct company *company)
{
    /* the table's own rule stands in the way, so it goes first */
    run_sql(company,
            "PRAGMA foreign_keys = OFF; CREATE TABLE t AS SELECT * FROM ticket; DROP TABLE ticket;"
            "ALTER TABLE t RENAME TO ticket;"
            "INSERT INTO ticket SELECT n, 1, operation_id, 3, 1, 0, 0, 'm', 'k', '', ''"
            " FROM service, (SELECT 1 AS n UNION SELECT 2) WHERE service.id = 1;");
}

static void open_no_ticket(struct company *company)
{
    company->options.tickets = true;
    end_in_an_error_without_a_remedy(company);
}

static void try_too_often(struct company *company)
{
    run_sql(company, "UPDATE task SET attempts = 13 WHERE id = 1;");
}

static void try_once_more_after_the_last(struct company *company)
{
    run_sql(company, "UPDATE task SET attempts = 12, state = 2 WHERE id = 1;");
    company->watched_commits = 0;
}

static void go_back(struct company *company)
{
    run_sql(company, "UPDATE operation SET tasks_done = tasks_done - 1 WHERE service_id = 1;");
}

static void miscount(struct company *company)
{
    run_sql(company, "UPDATE node SET load = load + 1 WHERE id = 1;");
}

static void tell_a_secret(struct company *company)
{
    struct err err = { 0 };
    unsigned char *cipher = NULL;
    size_t length = 0, count = 0;
    struct account account;
    CLEANUP(freep) char *secret = NULL;
    struct account *accounts = account_on(company, "ns1", &count, &account);
    CLEANUP(freep)
    char *context = xasprintf("%lld/%lld/panel-password", (long long)account.service_id, (long long)account.node_id);
    assert_true(store_get_secret(company_store(company), account.service_id, account.node_id, "panel-password", &cipher,
                                 &length, &err));
    assert_true(keyring_open(company->keyring, context, cipher, length, &secret, &err));
    CLEANUP(freep) char *sql = xasprintf("UPDATE service SET reason = 'the password is %s' WHERE id = 1;", secret);
    run_sql(company, sql);
    free(cipher);
    accounts_free(accounts, count);
}

static const struct {
    const char *name;
    void (*break_it)(struct company *company);
    enum company_breach kind;
} cases[] = {
    { "the store forgets an order", forget_an_order, BREACH_LOST },
    { "a service stays half-way", leave_a_service_half_way, BREACH_UNFINISHED },
    { "an error says no remedy", end_in_an_error_without_a_remedy, BREACH_UNFINISHED },
    { "a record stands twice in a zone", write_a_record_twice, BREACH_DOUBLED },
    { "a user of no service", leave_an_account_for_nobody, BREACH_ORPHANED },
    { "an account is gone", lose_an_account, BREACH_MISSING },
    { "a password that is not the stored one", change_a_password, BREACH_MISSING },
    { "somebody else's user is gone", touch_what_is_foreign, BREACH_FOREIGN },
    { "a second ticket", open_a_second_ticket, BREACH_TICKETS },
    { "no ticket where one is due", open_no_ticket, BREACH_TICKETS },
    { "an attempt beyond the policy", try_too_often, BREACH_ATTEMPTS },
    { "a task that runs after its last attempt", try_once_more_after_the_last, BREACH_ATTEMPTS },
    { "progress goes back", go_back, BREACH_PROGRESS },
    { "a counter is wrong", miscount, BREACH_RECORDS },
    { "a password in a reason", tell_a_secret, BREACH_SECRETS },
};

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

static struct company *live_company(uint64_t seed, const char *url)
{
    struct company *company = company_create(
        &(struct company_options){ .seed = seed, .orders = 4, .quiet = true, .watch_log = false, .store_url = url });
    company_run(company);
    return company;
}

static void expect_found(struct company *company, enum company_breach kind, const char *name)
{
    if (company_breaches(company, kind) == 0)
        fail_msg("%s: nobody has seen it (%s)", name, company_breach_name(kind));
}

static void what_is_right_is_not_complained_of(void **state)
{
    (void)state;
    struct company *company = live_company(3, NULL);
    assert_int_equal(company_check(company), 0);
    company_destroy(company);
}

static void each_kind_of_breach_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct company *company = live_company(3, NULL);
        cases[i].break_it(company);
        assert_true(company_check(company) > 0);
        expect_found(company, cases[i].kind, cases[i].name);
        company_destroy(company);
    }
}

static void every_kind_has_a_case(void **state)
{
    bool has[BREACH_KINDS] = { [BREACH_STALE] = true }; /* tests of their own */
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        has[cases[i].kind] = true;
    for (enum company_breach kind = 0; kind < BREACH_KINDS; kind++) {
        if (!has[kind])
            fail_msg("nothing breaks: %s", company_breach_name(kind));
    }
}

/* ---- two workers ---------------------------------------------------------------------------------------------------------- */

struct place {
    char dir[64];
    char url[100];
};

static void place_make(struct place *place)
{
    snprintf(place->dir, sizeof(place->dir), "/tmp/berth-catches-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->url, sizeof(place->url), "sqlite://%s/berth.db", place->dir);
}

static void place_clear(const struct place *place)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".owner" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        CLEANUP(freep) char *path = xasprintf("%s/berth.db%s", place->dir, ends[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(place->dir), 0);
}

/** An order whose batch is committed, and then its worker stands still for longer than its lease. */
static void order_while_superseded(struct company *company)
{
    company_rival_arrives_at_commit(company);
    request_destroy(company_ask(company, company_order_request("start", "late.example", "late")));
}

static void a_worker_that_was_superseded_is_watched(void **state)
{
    static const struct {
        const char *name;
        bool believes_any_epoch, boot_clock_stops;
        void (*stop)(struct company *company);
        bool is_breach;
    } manners[] = {
        { "stopped between two steps", false, false, company_rival_arrives, false },
        { "stopped before it sends", false, false, order_while_superseded, false },
        { "writes whosever the store is", true, false, company_rival_arrives, true },
        { "sends, as its clock did not count the time", false, true, order_while_superseded, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
        struct place place;
        place_make(&place);
        struct company *company = live_company(3, place.url);
        company->believes_any_epoch = manners[i].believes_any_epoch;
        company->boot_clock_stops = manners[i].boot_clock_stops;
        manners[i].stop(company);
        if ((company_breaches(company, BREACH_STALE) > 0) != manners[i].is_breach)
            fail_msg("%s: %u breaches", manners[i].name, company_breaches(company, BREACH_STALE));
        company_destroy(company);
        place_clear(&place);
    }
}

static void a_command_that_runs_twice_is_seen(void **state)
{
    struct transport_sim_faults faults = { .runs_twice = 100 };
    (void)state;
    struct company *company = live_company(3, NULL);
    transport_sim_set_faults(company_nodes(company), &faults);
    request_destroy(company_ask(company, company_order_request("start", "twice.example", "twice")));
    company_pass(company, 60000);
    company_watch(company);
    assert_true(company_breaches(company, BREACH_DOUBLED) > 0);
    company_destroy(company);
}

/* ---- replay ----------------------------------------------------------------------------------------------------------------- */

static uint64_t life_of(uint64_t seed, const char *url)
{
    struct company_figures figures;
    struct company *company = company_create(&(struct company_options){ .seed = seed,
                                                                        .orders = 3,
                                                                        .faults = true,
                                                                        .kills = true,
                                                                        .store_faults = true,
                                                                        .refusals = true,
                                                                        .clock_jumps = true,
                                                                        .rivals = url != NULL,
                                                                        .tickets = true,
                                                                        .admin = true,
                                                                        .mixed = true,
                                                                        .faults_ms = 120000,
                                                                        .store_url = url });
    company_run(company);
    assert_int_equal(company_check(company), 0);
    company_get_figures(company, &figures);
    company_destroy(company);
    return figures.trace_hash;
}

static void a_seed_replays_exactly(void **state)
{
    uint64_t last = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t hashes[2];
        for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
            struct place place;
            place_make(&place);
            hashes[i] = life_of(seed, seed % 2 == 0 ? place.url : NULL);
            place_clear(&place);
        }
        if (hashes[0] != hashes[1])
            fail_msg("seed %llu: two runs differ", (unsigned long long)seed);
        assert_true(hashes[0] != last);
        last = hashes[0];
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_not_complained_of),
        cmocka_unit_test(each_kind_of_breach_is_seen),
        cmocka_unit_test(every_kind_has_a_case),
        cmocka_unit_test(a_command_that_runs_twice_is_seen),
        cmocka_unit_test(a_worker_that_was_superseded_is_watched),
        cmocka_unit_test(a_seed_replays_exactly),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
