/* test_store_faults.c - a disk that fails at every write and every sync in turn: a commit that said yes is there after a power
 * cut, one that said no leaves the handle usable, and nothing crashes. */
#include "fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "faulty_vfs.h"

static const struct {
    enum fault fault;
    const char *name;
} faults[] = {
    { FAULT_WRITE_ERROR, "write error" },
    { FAULT_WRITE_FULL, "disk full" },
    { FAULT_WRITE_TORN, "torn write" },
    { FAULT_SYNC_ERROR, "sync error" },
};
#define TRIES_MAX 200

/* Open what a power cut now would leave. @param lost  0, or bytes at the log's beginning that the disk wrote last */
static struct store *open_after_cut(struct fixture *f, int lost)
{
    struct err err;
    char path[128];
    char target[128];
    char url[160];
    struct store *store;
    (void)snprintf(path, sizeof(path), "%s/berth.db", f->dir);
    (void)snprintf(target, sizeof(target), "%s/cut.db", f->dir);
    (void)snprintf(url, sizeof(url), "sqlite://%s", target);
    if (lost == 0)
        faulty_vfs_power_cut(path, target);
    else
        faulty_vfs_power_cut_reordered(path, target, lost);
    must(store_open(url, &store, &err));
    return store;
}

static struct store *open_after_power_cut(struct fixture *f)
{
    return open_after_cut(f, 0);
}

static bool has_service(struct store *store, int64_t id)
{
    struct err err;
    struct service service;
    if (!store_get_service(store, id, &service, &err)) {
        assert_int_equal(err.code, ERR_NOT_FOUND);
        return false;
    }
    service_finish(&service);
    return true;
}

/* ---- an order ----------------------------------------------------------------------------------------------------- */

static bool try_order(struct fixture *f, const char *domain, int64_t *ret_id, struct err *err)
{
    struct service service = fixture_service(f, domain, "c");
    if (!store_begin(f->store, err))
        return false;
    if (!store_insert_service(f->store, &service, err)) {
        store_rollback(f->store);
        return false;
    }
    *ret_id = service.id;
    return store_commit(f->store, true, err);
}

static void an_order_survives_or_is_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        bool passed = false;
        for (int n = 1; !passed; n++) {
            assert_true(n < TRIES_MAX);
            struct err err = { .code = ERR_NONE };
            char domain[64];
            int64_t id = 0;
            (void)snprintf(domain, sizeof(domain), "f%zu-n%d.example", i, n);
            faulty_vfs_fail(faults[i].fault, n);
            bool good = try_order(f, domain, &id, &err);
            passed = good && !faulty_vfs_happened();
            assert_false(passed && n == 1); /* else nothing was tried */
            faulty_vfs_fail(faults[i].fault, 0);
            if (!good && err.code != ERR_IO && err.code != ERR_BUSY)
                fail_msg("%s at %d: %s (%s)", faults[i].name, n, err_code_name(err.code), err.msg);
            if (good) {
                struct store *cut = open_after_power_cut(f);
                if (!has_service(cut, id))
                    fail_msg("%s at %d: an accepted order is lost", faults[i].name, n);
                store_close(cut);
            } else {
                if (id != 0 && has_service(f->store, id))
                    fail_msg("%s at %d: a refused order is there", faults[i].name, n);
                must(try_order(f, domain, &id, &err));
                struct store *cut = open_after_power_cut(f);
                if (!has_service(cut, id))
                    fail_msg("%s at %d: the order after it is lost", faults[i].name, n);
                store_close(cut);
            }
        }
    }
}

/* ---- a claim ------------------------------------------------------------------------------------------------------ */

static bool try_claim(struct fixture *f, struct task *ret_task, struct err *err)
{
    bool found;
    if (!store_begin(f->store, err))
        return false;
    if (!store_claim_task(f->store, task_queue_id(1, TASK_LANE_MAKE), 2000, 17000, ret_task, &found, err)) {
        store_rollback(f->store);
        return false;
    }
    assert_true(found);
    if (store_commit(f->store, true, err))
        return true;
    task_finish(ret_task);
    return false;
}

static void check_claimed(struct store *store, const struct task *claimed)
{
    struct err err;
    struct task task;
    struct attempt attempt;
    must(store_get_task(store, claimed->id, &task, &err));
    assert_int_equal(task.state, TASK_RUNNING);
    assert_int_equal(task.attempt_id, claimed->attempt_id);
    task_finish(&task);
    must(store_get_attempt(store, claimed->attempt_id, &attempt, &err));
    assert_int_equal(attempt.outcome, ATTEMPT_RUNNING);
    attempt_finish(&attempt);
}

static void a_claim_holds_or_has_not_happened(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t service_id = fixture_add_service(f, "example.com", "c");
    int64_t operation_id = fixture_add_operation(f, service_id);
    int64_t fence = 0;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        bool passed = false;
        for (int n = 1; !passed; n++) {
            assert_true(n < TRIES_MAX);
            fixture_begin(f);
            int64_t id = fixture_add_task(f, operation_id, service_id, 1, "a", TASK_QUEUED, 0);
            fixture_commit(f);
            struct task task;
            faulty_vfs_fail(faults[i].fault, n);
            bool good = try_claim(f, &task, &err);
            passed = good && !faulty_vfs_happened();
            assert_false(passed && n == 1); /* else nothing was tried */
            faulty_vfs_fail(faults[i].fault, 0);
            if (!good) {
                assert_int_equal(fixture_task_state(f, id), TASK_QUEUED);
                must(try_claim(f, &task, &err));
            }
            assert_int_equal(task.id, id);
            if (task.attempt_id <= fence)
                fail_msg("%s at %d: fence %" PRId64 " after %" PRId64, faults[i].name, n, task.attempt_id, fence);
            fence = task.attempt_id;
            struct store *cut = open_after_power_cut(f);
            check_claimed(cut, &task);
            store_close(cut);
            task_finish(&task);
        }
    }
}

/* ---- commits without a sync of their own ---------------------------------------------------------------------------- */

static void put(struct fixture *f, const char *text, bool durable)
{
    struct err err;
    fixture_begin(f);
    must(store_put_zone_template(f->store, "t", text, &err));
    must(store_commit(f->store, durable, &err));
}

static bool cut_has(struct fixture *f, const char *text)
{
    struct err err;
    struct store *cut = open_after_power_cut(f);
    char *found = NULL;
    bool same = store_get_zone_template(cut, "t", &found, &err) && strcmp(found, text) == 0;
    free(found);
    store_close(cut);
    return same;
}

static void a_commit_that_need_not_last_costs_no_sync_and_lasts_with_the_next(void **state)
{
    struct fixture *f = *state;
    put(f, "first", true);
    assert_true(cut_has(f, "first"));
    int syncs = faulty_vfs_syncs();
    put(f, "second", false);
    put(f, "third", false);
    assert_int_equal(faulty_vfs_syncs(), syncs);
    assert_true(cut_has(f, "first"));
    (void)fixture_add_service(f, "example.com", "c");
    assert_true(cut_has(f, "third"));
}

static char *cut_text(struct fixture *f, int lost)
{
    struct err err;
    char *text = NULL;
    struct store *cut = open_after_cut(f, lost);
    must(store_get_zone_template(cut, "t", &text, &err));
    store_close(cut);
    return text;
}

/* The disk may write the new log's frames before its header. If old frames could be taken for valid then, they would come back
 * over newer pages. */
static void a_new_log_is_begun_safely_by_a_commit_that_need_not_last(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char text[100000] = "";
    for (int round = 0; round < 2; round++) { /* in the second one the log begins with texts, not with the schema */
        for (int i = 0; i < 50; i++) {        /* enough for a checkpoint to be worth it */
            memset(text, 'a' + i % 20, sizeof(text) - 1);
            put(f, text, true);
        }
        must(store_checkpoint(f->store, &err));
    }
    char *before = cut_text(f, 0);
    assert_string_equal(before, text);
    for (int i = 0; i < 10; i++) { /* each writes over old frames at the log's beginning */
        memset(text, 'A' + i, sizeof(text) - 1);
        put(f, text, false);
    }
    for (int frames = 1; frames < 200; frames += 9) {
        char *found = cut_text(f, 32 + frames * (24 + 4096));
        if (strcmp(found, before) != 0 && (found[0] < 'A' || found[0] > 'J'))
            fail_msg("%d frames lost: back to %.2s..., want %.2s...", frames, found, before);
        free(found);
    }
    free(before);
    put(f, "last", true);
    assert_true(cut_has(f, "last"));
}

static void after_a_failed_sync_nothing_unsynced_is_built_upon(void **state)
{
    struct fixture *f = *state;
    struct err err;
    put(f, "first", true);
    put(f, "second", false);
    fixture_begin(f);
    must(store_put_zone_template(f->store, "other", "lost", &err));
    faulty_vfs_fail(FAULT_SYNC_ERROR, 1);
    must_fail(store_commit(f->store, true, &err), ERR_IO);
    faulty_vfs_fail(FAULT_SYNC_ERROR, 1); /* the mending fails, too */
    must_fail(store_begin(f->store, &err), ERR_IO);
    faulty_vfs_fail(FAULT_SYNC_ERROR, 0);
    int syncs = faulty_vfs_syncs();
    fixture_begin(f);
    assert_true(faulty_vfs_syncs() > syncs); /* mended: all of the log is in the database */
    must(store_put_zone_template(f->store, "other", "kept", &err));
    fixture_commit(f);
    assert_true(cut_has(f, "second"));
    struct store *cut = open_after_power_cut(f);
    char *text;
    must(store_get_zone_template(cut, "other", &text, &err));
    assert_string_equal(text, "kept");
    free(text);
    store_close(cut);
}

static void after_an_error_that_ends_the_transaction_no_statement_gets_through(void **state)
{
    struct fixture *f = *state;
    struct err err;
    size_t size = 1000000;
    char *text = xcalloc(size, 1);
    memset(text, 'x', size - 1);
    fixture_begin(f);
    /* More than the cache holds is written before the commit. That fails, and SQLite rolls the transaction back by itself. */
    faulty_vfs_fail(FAULT_WRITE_ERROR, 1);
    bool good = true;
    for (int i = 0; i < 40 && good; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t%d", i);
        good = store_put_zone_template(f->store, name, text, &err);
    }
    free(text);
    assert_false(good);
    assert_int_equal(err.code, ERR_IO);
    faulty_vfs_fail(FAULT_WRITE_ERROR, 0);
    struct service late = fixture_service(f, "late.example", "c");
    must_fail(store_insert_service(f->store, &late, &err), ERR_IO);
    must_fail(store_savepoint(f->store, &err), ERR_IO);
    must_fail(store_commit(f->store, true, &err), ERR_IO);

    char *found;
    must_fail(store_get_zone_template(f->store, "t0", &found, &err), ERR_NOT_FOUND);
    int64_t id = fixture_add_service(f, "late.example", "c");
    assert_true(has_service(f->store, id));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(an_order_survives_or_is_refused),
        FIXTURE_TEST(a_claim_holds_or_has_not_happened),
        FIXTURE_TEST(a_commit_that_need_not_last_costs_no_sync_and_lasts_with_the_next),
        FIXTURE_TEST(a_new_log_is_begun_safely_by_a_commit_that_need_not_last),
        FIXTURE_TEST(after_a_failed_sync_nothing_unsynced_is_built_upon),
        FIXTURE_TEST(after_an_error_that_ends_the_transaction_no_statement_gets_through),
    };
    faulty_vfs_install();
    fixture_in_memory = false;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
