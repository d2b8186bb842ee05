/* test_engine_alloc.c - a whole order while memory runs out. SQLite's own allocations fail, once or for a second: no crash, "try again"
 * instead of a lie, live in the end. Ours end the process on purpose (base/util.h): an order that it had answered is there for
 * the next one, and one that it had not is there or not, and can be sent again. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "company.h"
#include "faulty_memory.h"

#define MINUTE_MS INT64_C(60000)
/* An order needs some ten thousand allocations: each of the first ones fails in turn, then they are taken in growing steps. */
#ifdef __SANITIZE_ADDRESS__ /* everything takes ten times as long */
#define EACH_UP_TO 40
#define STEP_DIVISOR 5
#else
#define EACH_UP_TO 200
#define STEP_DIVISOR 12
#endif

static unsigned next_n(unsigned n)
{
    return n < EACH_UP_TO ? n + 1 : n + n / STEP_DIVISOR;
}

/* ---- an order ------------------------------------------------------------------------------------------------------------- */

static struct request *send_order(struct company *company)
{
    return company_ask(company, company_order_request("start", "memory.example", "order-1"));
}

/** Sent until it is accepted; a refusal says "try again". */
static int64_t order_until_accepted(struct company *company)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        struct request *request = send_order(company);
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

static size_t count_services(struct store *store)
{
    struct service_filter filter = { .limit = 10 };
    struct service *services = NULL;
    size_t count = 0;
    struct err err;
    if (!store_list_services(store, &filter, &services, &count, &err))
        fail_msg("services: %s", err.msg);
    services_free(services, count);
    return count;
}

/* ---- SQLite's memory ------------------------------------------------------------------------------------------------------ */

static char *calm; /* what stands on the nodes after an undisturbed order */

static void expect_calm_nodes(struct company *company, unsigned n)
{
    char *dump = company_dump(company);
    if (calm == NULL) {
        calm = dump;
        return;
    }
    if (strcmp(calm, dump) != 0)
        fail_msg("allocation %u: something else stands on the nodes", n);
    free(dump);
}

/** Send it while there is no memory, until there is some again. @return its id when it was accepted, else 0 */
static int64_t order_without_memory(struct company *company, bool *ret_happened)
{
    struct request *request = send_order(company);
    int64_t id = request->ok ? request->id : 0;
    request_destroy(request);
    company_pass(company, 1000);
    *ret_happened = faulty_memory_happened();
    faulty_memory_fail(0, false);
    return id;
}

/** One order while the n-th allocation of the engine's steps fails. @return whether it came to that */
static bool order_with_fault(unsigned n, bool lasting)
{
    bool happened = false;
    struct company *company = company_create(&(struct company_options){ .seed = 3, .armed = faulty_memory_arm });
    company_pass(company, 1000);
    faulty_memory_fail(n, lasting);
    int64_t before = lasting ? order_without_memory(company, &happened) : 0;
    int64_t id = order_until_accepted(company);
    bool live = company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS);
    happened = happened || faulty_memory_happened();
    faulty_memory_fail(0, false);
    size_t services = count_services(company_store(company));
    if (!live || services != 1 || (before != 0 && before != id))
        fail_msg("allocation %u: %s, %zu services", n, live ? "live" : "not live", services);
    expect_calm_nodes(company, n);
    company_destroy(company);
    return happened;
}

static void an_order_becomes_live_whatever_allocation_of_sqlite_fails(void **state)
{
    (void)state;
    assert_false(order_with_fault(0, false));
    for (int lasting = 0; lasting <= 1; lasting++) {
        unsigned n = 1, tried = 0;
        for (; order_with_fault(n, lasting == 1); n = next_n(n))
            tried++;
        print_message("%s: %u allocations tried, up to the %uth\n", lasting ? "for a second" : "once", tried, n);
        assert_true(tried > EACH_UP_TO);
    }
    free(calm);
}

/* ---- our memory ------------------------------------------------------------------------------------------------------------- */

/* The linker puts these before the C library's: see meson.build. They are called by our code only. */
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool own_armed;
static unsigned own_countdown;

static void arm_own(bool on)
{
    own_armed = on;
}

static bool own_fails(void)
{
    return own_armed && own_countdown > 0 && --own_countdown == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return own_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return own_fails() ? NULL : __real_realloc(memory, size);
}

/** In a process of its own: an order until it is live, telling its id as soon as it is answered. */
static void live_and_tell(const char *url, unsigned n, int tell_fd)
{
    struct company *company =
        company_create(&(struct company_options){ .seed = 3, .store_url = url, .armed = arm_own });
    company_pass(company, 1000);
    own_countdown = n;
    struct request *request = send_order(company);
    int64_t id = request->ok ? request->id : 0;
    request_destroy(request);
    if (write(tell_fd, &id, sizeof(id)) != sizeof(id) || !company_until(company, id, SERVICE_LIVE, 10 * MINUTE_MS))
        _exit(2);
    _exit(0);
}

/** @return whether it died of it; the id that it had told before in *ret_id, else 0 */
static bool die_of_memory(const char *url, unsigned n, int64_t *ret_id)
{
    int ends[2], status = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stderr); /* it says that memory is exhausted */
        (void)signal(SIGABRT, SIG_DFL);
        live_and_tell(url, n, ends[1]);
    }
    (void)close(ends[1]);
    *ret_id = 0;
    if (read(ends[0], ret_id, sizeof(*ret_id)) != sizeof(*ret_id))
        *ret_id = 0;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("allocation %u: ended with status %#x, not by its own hand", n, status);
    return true;
}

/** The next process finds what the dead one has answered, and takes the order when it is sent again. */
static void expect_order(const char *url, int64_t told, unsigned n)
{
    struct err err = { 0 };
    struct store *store = NULL;
    if (!store_open(url, &store, &err))
        fail_msg("allocation %u: %s", n, err.msg);
    size_t services = count_services(store);
    if (services > 1 || (told != 0 && services == 0))
        fail_msg("allocation %u: %s, %zu services", n, told != 0 ? "answered" : "not answered", services);
    store_close(store);
    struct company *company = company_create(&(struct company_options){ .seed = 3, .store_url = url, .resumed = true });
    int64_t id = order_until_accepted(company);
    if ((told != 0 && id != told) || count_services(company_store(company)) != 1)
        fail_msg("allocation %u: the order is accepted once more", n);
    company_destroy(company);
}

static void remove_files(const char *dir)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".owner" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        CLEANUP(freep) char *path = xasprintf("%s/berth.db%s", dir, ends[i]);
        (void)unlink(path);
    }
}

static void no_answered_order_is_lost_whatever_allocation_of_ours_fails(void **state)
{
    char dir[] = "/tmp/berth-alloc-XXXXXX";
    unsigned died = 0;
    (void)state;
    assert_non_null(mkdtemp(dir));
    CLEANUP(freep) char *url = xasprintf("sqlite://%s/berth.db", dir);
    for (unsigned n = 1;; n = next_n(n)) {
        int64_t told = 0;
        bool dead = die_of_memory(url, n, &told);
        if (dead)
            expect_order(url, told, n);
        remove_files(dir);
        if (!dead)
            break;
        died++;
    }
    print_message("our own: %u deaths\n", died);
    assert_true(died > EACH_UP_TO);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_becomes_live_whatever_allocation_of_sqlite_fails),
        cmocka_unit_test(no_answered_order_is_lost_whatever_allocation_of_ours_fails),
    };
    log_set_fd(-1);
    faulty_memory_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
