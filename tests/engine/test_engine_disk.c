/* test_engine_disk.c - a whole order on a disk that fails once, at each write and each sync on the way: no crash, no answered order lost,
 * nothing built twice, live in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "company.h"
#include "faulty_vfs.h"

#define MINUTE_MS INT64_C(60000)

static char dir[64];
static char *calm; /* what stands on the nodes after an undisturbed order */

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/dev/shm/berth-disk-XXXXXX"); /* syncs cost nothing there */
    if (mkdtemp(dir) != NULL)
        return 0;
    snprintf(dir, sizeof(dir), "/tmp/berth-disk-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static void remove_files(void)
{
    static const char *const ends[] = { "",        "-wal",        "-shm",        ".owner",
                                        ".synced", "-wal.synced", ".synced.new", "-wal.synced.new" };
    static const char *const names[] = { "berth.db", "cut.db" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
            CLEANUP(freep) char *path = xasprintf("%s/%s%s", dir, names[i], ends[k]);
            (void)unlink(path);
        }
    }
}

static int remove_dir(void **state)
{
    (void)state;
    free(calm);
    return rmdir(dir);
}

/** What would be left after a power cut at this moment must hold the order: it has been answered. */
static void expect_order_after_power_cut(int64_t id, const char *name, int n)
{
    struct store *store = NULL;
    struct service service;
    struct err err;
    CLEANUP(freep) char *from = xasprintf("%s/berth.db", dir);
    CLEANUP(freep) char *to = xasprintf("%s/cut.db", dir);
    CLEANUP(freep) char *url = xasprintf("sqlite://%s", to);
    faulty_vfs_power_cut(from, to);
    if (!store_open(url, &store, &err) || !store_get_service(store, id, &service, &err))
        fail_msg("%s %d: the answered order is not on the disk: %s", name, n, err.msg);
    service_finish(&service);
    store_close(store);
}

static int64_t order_until_accepted(struct company *company)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        struct request *request = company_ask(company, company_order_request("start", "disk.example", "order-1"));
        int64_t id = request->ok ? request->id : 0;
        if (!request->ok)
            assert_int_equal(request->err.code, ERR_BUSY);
        request_destroy(request);
        if (id != 0)
            return id;
        company_pass(company, 500);
    }
    fail_msg("the order was never accepted");
    return 0;
}

static size_t count_services(struct company *company)
{
    struct service_filter filter = { .limit = 10 };
    struct service *services = NULL;
    size_t count = 0;
    struct err err;
    assert_true(store_list_services(company_store(company), &filter, &services, &count, &err));
    services_free(services, count);
    return count;
}

/** One order while the n-th write or sync fails. @return whether the fault came */
static bool order_with_fault(enum fault fault, int n, const char *name)
{
    CLEANUP(freep) char *url = xasprintf("sqlite://%s/berth.db", dir);
    struct company *company = company_create(&(struct company_options){ .seed = 3, .store_url = url });
    company_pass(company, 1000);
    faulty_vfs_fail(fault, n);
    int64_t id = order_until_accepted(company);
    if (fault == FAULT_SYNC_ERROR)
        expect_order_after_power_cut(id, name, n);
    bool live = company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS);
    bool happened = faulty_vfs_happened();
    faulty_vfs_fail(fault, 0);
    if (!live || count_services(company) != 1)
        fail_msg("%s %d: %s, %zu services", name, n, live ? "live" : "not live", count_services(company));
    char *dump = company_dump(company);
    if (calm == NULL)
        calm = dump;
    else if (strcmp(calm, dump) != 0)
        fail_msg("%s %d: something else stands on the nodes", name, n);
    if (calm != dump)
        free(dump);
    company_destroy(company);
    remove_files();
    return happened;
}

static void an_order_becomes_live_whatever_write_fails(void **state)
{
    static const struct {
        enum fault fault;
        const char *name;
    } cases[] = {
        { FAULT_SYNC_ERROR, "sync" },
        { FAULT_WRITE_ERROR, "write" },
        { FAULT_WRITE_FULL, "write on a full disk" },
        { FAULT_WRITE_TORN, "torn write" },
    };
    (void)state;
    assert_false(order_with_fault(FAULT_SYNC_ERROR, 0, "no fault"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int n = 1;
        while (order_with_fault(cases[i].fault, n, cases[i].name))
            n++;
        print_message("%s: %d faults\n", cases[i].name, n - 1);
        assert_true(n > 12); /* they did come */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_becomes_live_whatever_write_fails, make_dir, remove_dir),
    };
    log_set_fd(-1);
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
