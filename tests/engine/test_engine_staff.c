/* test_engine_staff.c - what staff do is recorded in the transaction that does it, and nothing is recorded that was not done. */
#include "steer.h"

#include "store/store_staff.h"

static struct request *by_ada(enum request_kind kind, int64_t target_id)
{
    struct request *request = request_create(kind);
    request->target_id = target_id;
    request->who = xstrdup("ada (staff 1)");
    return request;
}

static struct request *person(const char *name, enum staff_role role)
{
    struct request *request = by_ada(REQUEST_STAFF_ADD, 0);
    request->access.name = xstrdup(name);
    request->access.role = role;
    request->access.has_role = true;
    request->access.password = xstrdup("$argon2id$x");
    return request;
}

/* @return whether it was done */
static bool done(struct company *company, struct request *request)
{
    request = company_ask(company, request);
    bool ok = request->ok;
    request_destroy(request);
    return ok;
}

/* "action target detail, ", newest first. */
static void expect_record(struct company *company, const char *want)
{
    struct audit_entry *entries = NULL;
    size_t count = 0;
    struct err err;
    char got[800] = "";
    assert_true(store_list_audit(company_store(company), 0, 100, &entries, &count, &err));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(entries[i].who, "ada (staff 1)");
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s|%s|%s, ", entries[i].action, entries[i].target,
                 entries[i].detail);
    }
    audit_entries_free(entries, count);
    assert_string_equal(got, want);
}

static void what_is_done_is_recorded_and_nothing_else(void **state)
{
    struct company *company = *state;
    int64_t id = company_order(company, "start", "shop.example", "x1");
    expect_record(company, ""); /* by nobody's name */
    assert_true(company_until(company, id, SERVICE_LIVE, 600000));
    struct request *request = by_ada(REQUEST_OPERATION, id);
    request->operation = OPERATION_VERIFY;
    assert_true(done(company, request));
    request = by_ada(REQUEST_OPERATION, id); /* it runs already */
    request->operation = OPERATION_VERIFY;
    assert_true(done(company, request));
    expect_record(company, "service.verify|service 1 shop.example|operation 2, ");
    assert_true(done(company, by_ada(REQUEST_CANCEL, id)));
    assert_false(done(company, by_ada(REQUEST_CANCEL, id))); /* nothing is under way */
    assert_false(done(company, by_ada(REQUEST_CANCEL, 99)));
    expect_record(company,
                  "service.cancel|service 1 shop.example|, service.verify|service 1 shop.example|operation 2, ");
}

static void a_test_of_a_node_is_recorded_when_it_begins(void **state)
{
    struct company *company = *state;
    struct request *request = company_ask(company, by_ada(REQUEST_NODE_TEST, 1));
    request_destroy(request);
    expect_record(company, "node.test|node 1 web1|, ");
}

static void an_order_by_somebody_of_staff_is_recorded_once(void **state)
{
    struct company *company = *state;
    for (int i = 0; i < 2; i++) {
        struct request *request = company_order_request("start", "staff.example", "x1");
        request->who = xstrdup("ada (staff 1)");
        assert_true(done(company, request));
    }
    expect_record(company, "service.create|service 1 staff.example|product start, ");
}

static void a_commit_that_fails_records_and_does_nothing(void **state)
{
    struct company *company = *state;
    struct staff *staff = NULL;
    size_t count = 0;
    struct err err;
    company_fail_store(company, STORE_FAULT_COMMIT, 1);
    assert_false(done(company, person("ada", STAFF_OWNER)));
    expect_record(company, "");
    company_pass(company, 1000);
    assert_true(done(company, person("ada", STAFF_OWNER)));
    assert_false(done(company, person("ada", STAFF_VIEWER)));
    expect_record(company, "staff.add|staff 1 ada|owner, ");
    assert_true(store_list_staff(company_store(company), &staff, &count, &err));
    assert_int_equal(count, 1);
    staff_free(staff, count);
}

/* The password was right when it was checked; meanwhile it was changed, or its owner disabled. */
static void a_session_opens_only_for_the_password_that_was_checked(void **state)
{
    struct company *company = *state;
    assert_true(done(company, person("ada", STAFF_OWNER)));
    struct request *request = by_ada(REQUEST_SESSION_OPEN, 1);
    request->access.password = xstrdup("$argon2id$another");
    request = company_ask(company, request);
    assert_true(!request->ok && request->err.code == ERR_DENIED);
    request_destroy(request);
    request = by_ada(REQUEST_SESSION_OPEN, 1);
    request->access.password = xstrdup("$argon2id$x");
    request->access.hash[0] = 1;
    assert_true(done(company, request));
    assert_false(done(company, by_ada(REQUEST_SESSION_OPEN, 2)));
    expect_record(company, "session.open||, staff.add|staff 1 ada|owner, ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_done_is_recorded_and_nothing_else, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_test_of_a_node_is_recorded_when_it_begins, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(an_order_by_somebody_of_staff_is_recorded_once, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_commit_that_fails_records_and_does_nothing, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_session_opens_only_for_the_password_that_was_checked, steer_open,
                                        steer_close),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
