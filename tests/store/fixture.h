/* fixture.h - a store with something in it, for the tests of the store. Every check that must hold is asserted in here. */
#ifndef BERTH_TESTS_STORE_FIXTURE_H
#define BERTH_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"

/** The condition with its error in the message. */
#define must(call)                                                                                                     \
    do {                                                                                                               \
        err.msg[0] = '\0';                                                                                             \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s (%s)", #call, err.msg, err_code_name(err.code));                                          \
    } while (0)
/** The call fails with this code. */
#define must_fail(call, want)                                                                                          \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s: worked, want %s", #call, err_code_name(want));                                               \
        if (err.code != (want))                                                                                        \
            fail_msg("%s: %s, want %s (%s)", #call, err_code_name(err.code), err_code_name(want), err.msg);            \
    } while (0)

struct fixture {
    char dir[64];
    char url[128]; /* file in dir, or memory */
    struct store *store;
    int64_t group_id, product_id, node_id;
};

/** An empty database with one group, product and node. */
void fixture_init(struct fixture *fixture, bool in_memory);
void fixture_finish(struct fixture *fixture);
/** Close and open again, as a restart does. */
void fixture_reopen(struct fixture *fixture);

/** For texts of records that are only handed in, never finished. */
char *borrowed(const char *text);
struct service fixture_service(const struct fixture *fixture, const char *domain, const char *client_id);
/** Inserted in a transaction of its own. @return its id */
int64_t fixture_add_service(struct fixture *fixture, const char *domain, const char *client_id);
int64_t fixture_add_operation(struct fixture *fixture, int64_t service_id);
struct task fixture_task(int64_t operation_id, int64_t service_id, int64_t node_id, const char *action,
                         enum task_state state);
/** Inserted inside the caller's transaction. @return its id */
int64_t fixture_add_task(struct fixture *fixture, int64_t operation_id, int64_t service_id, int64_t node_id,
                         const char *action, enum task_state state, int needs_left);
enum task_state fixture_task_state(struct fixture *fixture, int64_t task_id);

/** A test with a fresh fixture as its state; run a group of them with fixture_run() on a file and in memory. */
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int fixture_setup(void **state);
int fixture_teardown(void **state);
extern bool fixture_in_memory; /* what fixture_setup() makes */
#define fixture_run(tests)                                                                                             \
    ((fixture_in_memory = false, cmocka_run_group_tests_name("file", tests, NULL, NULL)) != 0                          \
         ? 1                                                                                                           \
         : (fixture_in_memory = true, cmocka_run_group_tests_name("memory", tests, NULL, NULL)))

void fixture_begin(struct fixture *fixture);
void fixture_commit(struct fixture *fixture);

#endif
