/* test_store_open.c - opening, migrations, the installation, transactions, readers, ownership. */
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/migrate.h"

#define LEASE_MS 15000

/* ---- opening and migrations --------------------------------------------------------------------------------------- */

static void urls_that_name_no_database_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = { "", "sqlite:", "sqlite://relative.db", "postgresql://host/db", "/tmp/x.db" };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct store *store = NULL;
        struct err err;
        must_fail(store_open(urls[i], &store, &err), ERR_INVALID);
        assert_null(store);
    }
    struct store *store = NULL;
    struct err err;
    must_fail(store_open("sqlite:///nowhere/at/all.db", &store, &err), ERR_IO);
    must_fail(store_open_reader("sqlite::memory:", &store, &err), ERR_INVALID);
    assert_null(store);
}

static void a_reader_needs_a_database_that_is_there(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct err err;
    must_fail(store_open_reader("sqlite:///tmp/berth-store-not-there.db", &store, &err), ERR_IO);
    assert_null(store);
    assert_int_not_equal(access("/tmp/berth-store-not-there.db", F_OK), 0);
}

static const struct migration two[] = {
    { 1, "one", "CREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1);" },
    { 2, "two", "CREATE TABLE b (id INTEGER); INSERT INTO b SELECT id FROM a;" },
};
static const struct migration changed[] = {
    { 1, "one", "CREATE TABLE a (id INTEGER); INSERT INTO a VALUES (2);" },
    { 2, "two", "CREATE TABLE b (id INTEGER); INSERT INTO b SELECT id FROM a;" },
};
static const struct migration broken[] = {
    { 1, "one", "CREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1);" },
    { 2, "two", "CREATE TABLE b (id INTEGER); INSERT INTO nowhere VALUES (1);" },
};

static void migrations_are_applied_once_in_order_and_checked(void **state)
{
    (void)state;
    struct db *db;
    struct err err;
    must(db_open("sqlite::memory:", true, &db, &err));
    must_fail(migrate(db, broken, 2, &err), ERR_BUG); /* the first stays, the second leaves nothing */
    assert_non_null(strstr(err.msg, "migration 2 (two)"));
    must_fail(migrate_check(db, two, 2, &err), ERR_CONFLICT);
    must(migrate(db, two, 2, &err));
    must(migrate(db, two, 2, &err));
    must(migrate_check(db, two, 2, &err));
    must_fail(migrate(db, changed, 2, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "migration 1 (one) is not the one"));
    must_fail(migrate(db, two, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "newer"));
    db->ops->close(db);
}

static void an_installation_id_is_made_once_and_kept(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct rng rng;
    char first[7];
    char second[7];
    rng_init_seed(&rng, 1);
    must(store_installation(f->store, &rng, first, &err));
    assert_int_equal(strlen(first), 6);
    assert_int_equal(strspn(first, "0123456789abcdefghijklmnopqrstuvwxyz"), 6);
    if (!fixture_in_memory)
        fixture_reopen(f);
    must(store_installation(f->store, &rng, second, &err));
    assert_string_equal(first, second);
}

/* ---- transactions ------------------------------------------------------------------------------------------------- */

static bool has(struct store *store, const char *name)
{
    struct err err;
    char *text;
    if (!store_get_zone_template(store, name, &text, &err)) {
        assert_int_equal(err.code, ERR_NOT_FOUND);
        return false;
    }
    free(text);
    return true;
}

static void what_is_rolled_back_is_gone_and_what_is_committed_stays(void **state)
{
    struct fixture *f = *state;
    struct err err;
    fixture_begin(f);
    must(store_put_zone_template(f->store, "a", "x", &err));
    store_rollback(f->store);
    assert_false(has(f->store, "a"));
    fixture_begin(f);
    must(store_put_zone_template(f->store, "a", "x", &err));
    must(store_commit(f->store, false, &err));
    assert_true(has(f->store, "a"));
}

static void a_savepoint_undoes_one_request_of_a_batch(void **state)
{
    struct fixture *f = *state;
    struct err err;
    fixture_begin(f);
    must(store_put_zone_template(f->store, "before", "x", &err));
    for (int i = 0; i < 3; i++) {
        must(store_savepoint(f->store, &err));
        must(store_put_zone_template(f->store, i == 1 ? "refused" : "kept", "x", &err));
        if (i == 1)
            store_savepoint_rollback(f->store);
        else
            store_savepoint_release(f->store);
    }
    fixture_commit(f);
    assert_true(has(f->store, "before"));
    assert_true(has(f->store, "kept"));
    assert_false(has(f->store, "refused"));
}

static void a_conflict_leaves_the_transaction_usable(void **state)
{
    struct fixture *f = *state;
    struct err err;
    (void)fixture_add_service(f, "example.com", "c");
    struct service same = fixture_service(f, "example.com", "c");
    fixture_begin(f);
    must_fail(store_insert_service(f->store, &same, &err), ERR_CONFLICT);
    assert_int_equal(same.id, 0);
    struct service other = fixture_service(f, "other.example", "c");
    must(store_insert_service(f->store, &other, &err));
    fixture_commit(f);
    struct service out;
    must(store_get_service(f->store, other.id, &out, &err));
    service_finish(&out);
}

static void a_second_writer_waits_its_turn_or_is_told_to_come_back(void **state)
{
    struct fixture *f = *state;
    struct err err;
    if (fixture_in_memory)
        skip();
    struct store *second;
    must(store_open(f->url, &second, &err));
    fixture_begin(f);
    must_fail(store_begin(second, &err), ERR_BUSY);
    fixture_commit(f);
    must(store_begin(second, &err));
    must(store_commit(second, true, &err));
    store_close(second);
}

/* ---- readers ------------------------------------------------------------------------------------------------------ */

static void a_reader_sees_what_is_committed_while_the_writer_writes(void **state)
{
    struct fixture *f = *state;
    struct err err;
    if (fixture_in_memory)
        skip();
    int64_t first = fixture_add_service(f, "first.example", "c");
    struct store *reader;
    must(store_open_reader(f->url, &reader, &err));
    fixture_begin(f);
    struct service service = fixture_service(f, "second.example", "c");
    must(store_insert_service(f->store, &service, &err));
    struct service out;
    must(store_get_service(reader, first, &out, &err));
    service_finish(&out);
    must_fail(store_get_service(reader, service.id, &out, &err), ERR_NOT_FOUND);
    fixture_commit(f);
    must(store_get_service(reader, service.id, &out, &err));
    service_finish(&out);
    store_close(reader);
}

static void a_reader_cannot_change_anything_but_may_do_checkpoints(void **state)
{
    struct fixture *f = *state;
    struct err err;
    if (fixture_in_memory)
        skip();
    struct store *reader;
    must(store_open_reader(f->url, &reader, &err));
    assert_false(store_put_zone_template(reader, "a", "x", &err));
    assert_false(has(f->store, "a"));
    must(store_checkpoint(reader, &err));
    must(store_checkpoint(f->store, &err));
    struct rng rng;
    char id[7];
    rng_init_seed(&rng, 1);
    must_fail(store_installation(reader, &rng, id, &err), ERR_NOT_FOUND);
    store_close(reader);
}

/* ---- ownership ---------------------------------------------------------------------------------------------------- */

static void a_database_that_was_given_back_has_a_new_owner_at_once(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t first;
    int64_t second;
    must(store_own(f->store, 1000, LEASE_MS, &first, &err));
    fixture_begin(f);
    must(store_renew_ownership(f->store, 6000, LEASE_MS, &err));
    fixture_commit(f);
    store_disown(f->store);
    must(store_own(f->store, 7000, LEASE_MS, &second, &err));
    assert_true(second > first);
}

static void a_living_owner_keeps_others_out_until_its_lease_ends(void **state)
{
    struct fixture *f = *state;
    struct err err;
    if (fixture_in_memory)
        skip();
    struct store *second;
    int64_t epoch = 0;
    int64_t second_epoch = 0;
    must(store_open(f->url, &second, &err));
    must(store_own(f->store, 1000, LEASE_MS, &epoch, &err));
    must_fail(store_own(second, 1000, LEASE_MS, &second_epoch, &err), ERR_BUSY);
    assert_int_equal(second_epoch, 0);
    must_fail(store_own(second, 15999, LEASE_MS, &second_epoch, &err), ERR_BUSY);
    fixture_begin(f);
    must(store_renew_ownership(f->store, 10000, LEASE_MS, &err));
    fixture_commit(f);
    must_fail(store_own(second, 20000, LEASE_MS, &second_epoch, &err), ERR_BUSY);

    must(store_own(second, 25000, LEASE_MS, &second_epoch, &err)); /* silent for a whole lease */
    assert_true(second_epoch > epoch);
    must_fail(store_begin(f->store, &err), ERR_LOST);
    must_fail(store_begin(f->store, &err), ERR_LOST);
    store_disown(f->store); /* of the one who lost: takes nothing from the other */
    must(store_begin(second, &err));
    must(store_renew_ownership(second, 26000, LEASE_MS, &err));
    must(store_commit(second, true, &err));
    must_fail(store_own(f->store, 26000, LEASE_MS, &epoch, &err), ERR_BUSY);
    store_close(second);
    must(store_own(f->store, 26000, LEASE_MS, &epoch, &err)); /* closed without a word: dead */
    assert_true(epoch > second_epoch);
}

static void an_owner_that_was_killed_is_followed_at_once(void **state)
{
    struct fixture *f = *state;
    struct err err;
    if (fixture_in_memory)
        skip();
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* its own connection: none of the parent's may be used here */
        struct store *store;
        int64_t epoch;
        char said = store_open(f->url, &store, &err) && store_own(store, 1000, LEASE_MS, &epoch, &err) ? 'y' : 'n';
        if (write(ready[1], &said, 1) == 1)
            (void)pause();
        _exit(1);
    }
    char said = 'n';
    assert_int_equal(read(ready[0], &said, 1), 1);
    assert_int_equal(said, 'y');
    int64_t epoch;
    must_fail(store_own(f->store, 2000, LEASE_MS, &epoch, &err), ERR_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    must(store_own(f->store, 2001, LEASE_MS, &epoch, &err));
    assert_int_equal(epoch, 2);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_that_name_no_database_are_refused),
        cmocka_unit_test(a_reader_needs_a_database_that_is_there),
        cmocka_unit_test(migrations_are_applied_once_in_order_and_checked),
        FIXTURE_TEST(an_installation_id_is_made_once_and_kept),
        FIXTURE_TEST(what_is_rolled_back_is_gone_and_what_is_committed_stays),
        FIXTURE_TEST(a_savepoint_undoes_one_request_of_a_batch),
        FIXTURE_TEST(a_conflict_leaves_the_transaction_usable),
        FIXTURE_TEST(a_second_writer_waits_its_turn_or_is_told_to_come_back),
        FIXTURE_TEST(a_reader_sees_what_is_committed_while_the_writer_writes),
        FIXTURE_TEST(a_reader_cannot_change_anything_but_may_do_checkpoints),
        FIXTURE_TEST(a_database_that_was_given_back_has_a_new_owner_at_once),
        FIXTURE_TEST(a_living_owner_keeps_others_out_until_its_lease_ends),
        FIXTURE_TEST(an_owner_that_was_killed_is_followed_at_once),
    };
    return fixture_run(tests);
}
