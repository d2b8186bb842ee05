/* test_engine_settings.c - settings hold at once, all values of a request or none, also after a restart and a failed commit; and
 * secrets stay secret. */
#include "steer.h"

#include "base/redact.h"
#include "store/store_internal.h"

static int setup_bare(void **state)
{
    *state = company_create(&(struct company_options){ .seed = 7, .bare = true });
    return 0;
}

#define PAIRS_MAX 4

/* @param ... name, value, name, value ..., NULL; @return the answered request */
static struct request *ask(struct company *company, const char *name, ...)
{
    struct request *request = request_create(REQUEST_SETTING_SET);
    va_list args;
    request->who = xstrdup("ada");
    request->settings = xcalloc(PAIRS_MAX, sizeof(*request->settings));
    va_start(args, name);
    while (name != NULL) {
        const char *value = va_arg(args, const char *);
        assert_true(request->setting_count < PAIRS_MAX);
        request->settings[request->setting_count++] =
            (struct setting_pair){ .name = xstrdup(name), .value = value[0] == '\0' ? NULL : xstrdup(value) };
        name = va_arg(args, const char *);
    }
    va_end(args);
    return company_ask(company, request);
}

static void set(struct company *company, const char *name, const char *value)
{
    struct request *request = ask(company, name, value, NULL);
    if (!request->ok)
        fail_msg("%s = %s: %s", name, value, request->err.msg);
    request_destroy(request);
}

/* "name=value name=value ", secrets as name=*, in the order of names. */
static void expect_stored(struct company *company, const char *want)
{
    struct stored_setting *settings = NULL;
    size_t count = 0;
    struct err err;
    char got[400] = "";
    assert_true(store_list_settings(company_store(company), &settings, &count, &err));
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s=%s ", settings[i].name,
                 settings[i].cipher_length > 0 ? "*" : settings[i].value);
    stored_settings_free(settings, count);
    assert_string_equal(got, want);
}

/* "who name from > to, ", newest first. */
static void expect_changes(struct company *company, const char *want)
{
    struct setting_change *changes = NULL;
    size_t count = 0;
    struct err err;
    char got[600] = "";
    assert_true(store_list_setting_changes(company_store(company), 0, 100, &changes, &count, &err));
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s %s %s > %s, ", changes[i].who, changes[i].name,
                 changes[i].old_value, changes[i].new_value);
    setting_changes_free(changes, count);
    assert_string_equal(got, want);
}

static struct task task_of(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    company_get_task(company, service_id, key, &task);
    return task;
}

/* An order whose site cannot be made, at the moment when that has been noticed first. */
static int64_t order_that_fails(struct company *company, const char *domain, enum task_state want)
{
    company_standin(company, "web1", "fail=v-add-web-domain:15\n");
    company_standin(company, "web2", "fail=v-add-web-domain:15\n");
    int64_t id = company_order(company, "site", domain, domain);
    assert_true(company_until_task(company, id, "web.domain", want, MINUTE_MS));
    return id;
}

/* ---- retries ---------------------------------------------------------------------------------------------------------- */

static void a_changed_pause_is_used_by_the_next_retry(void **state)
{
    struct company *company = *state;
    int64_t id = order_that_fails(company, "late.example", TASK_WAITING);
    struct task task = task_of(company, id, "web.domain");
    assert_in_range(task.due_at_ms - company_now_ms(company), 1, 8 * SECOND_MS);
    task_finish(&task);
    struct request *request = ask(company, "retry.first", "20 min", "retry.cap", "20 min", NULL);
    assert_true(request->ok);
    request_destroy(request);
    company_pass(company, 12 * SECOND_MS); /* the second attempt has failed meanwhile */
    task = task_of(company, id, "web.domain");
    assert_int_equal(task.state, TASK_WAITING);
    assert_int_equal(task.attempts, 2);
    assert_in_range(task.due_at_ms - company_now_ms(company), 19 * MINUTE_MS, 20 * MINUTE_MS);
    task_finish(&task);
    expect_stored(company, "retry.cap=20 min retry.first=20 min ");
    expect_changes(company, "ada retry.cap 1 h > 20 min, ada retry.first 4 s > 20 min, ");
}

static void a_task_that_has_used_its_attempts_fails_when_that_is_set(void **state)
{
    struct company *company = *state;
    set(company, "retry.attempts", "1");
    order_that_fails(company, "once.example", TASK_FAILED);
    set(company, "retry.attempts", ""); /* the default again */
    order_that_fails(company, "again.example", TASK_WAITING);
    expect_stored(company, "");
    expect_changes(company, "ada retry.attempts 1 > 12, ada retry.attempts 12 > 1, ");
}

static void settings_are_there_after_a_kill(void **state)
{
    struct company *company = *state;
    set(company, "retry.attempts", "1");
    company_restart(company, false);
    order_that_fails(company, "kill.example", TASK_FAILED);
}

/* ---- all or nothing --------------------------------------------------------------------------------------------------- */

static void one_bad_value_and_nothing_is_changed(void **state)
{
    static const struct {
        const char *name, *value, *field;
    } bad[] = {
        { "retry.cap", "5 d", "retry.cap" },
        { "retry.cap", "1 s", "retry.first" }, /* above the cap then */
        { "retry.none", "1", "retry.none" },
        { "ticket.enabled", "true", "ticket.channel" },
    };
    struct company *company = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct request *request = ask(company, "retry.attempts", "1", bad[i].name, bad[i].value, NULL);
        assert_false(request->ok);
        assert_int_equal(request->err.code, ERR_INVALID);
        assert_string_equal(request->err.field, bad[i].field);
        request_destroy(request);
    }
    expect_stored(company, "");
    expect_changes(company, "");
    order_that_fails(company, "still.example", TASK_WAITING);
}

static void what_is_not_changed_is_not_recorded(void **state)
{
    struct company *company = *state;
    set(company, "retry.first", "4000 ms");
    expect_stored(company, "");
    expect_changes(company, "");
}

static void a_commit_that_fails_leaves_the_old_values(void **state)
{
    struct company *company = *state;
    company_fail_store(company, STORE_FAULT_COMMIT, 1);
    struct request *request = ask(company, "retry.attempts", "1", "notify.webhook_secret", "Never-Stored-1", NULL);
    assert_false(request->ok);
    assert_int_equal(request->err.code, ERR_BUSY);
    request_destroy(request);
    order_that_fails(company, "busy.example", TASK_WAITING);
    expect_stored(company, "");
    expect_changes(company, "");
    char text[] = "Never-Stored-1";
    assert_false(redact_text(text));
}

/* ---- secrets ---------------------------------------------------------------------------------------------------------- */

static void a_secret_is_sealed_and_blanked(void **state)
{
    struct company *company = *state;
    set(company, "notify.smtp_password", "Correct-h0rse");
    expect_stored(company, "notify.smtp_password=* ");
    struct stored_setting *settings = NULL;
    size_t count = 0;
    struct err err;
    assert_true(store_list_settings(company_store(company), &settings, &count, &err));
    assert_null(memmem(settings[0].cipher, settings[0].cipher_length, "Correct", 7));
    stored_settings_free(settings, count);
    company_restart(company, false);
    char after_restart[] = "password Correct-h0rse";
    assert_true(redact_text(after_restart)); /* it was opened again */
    set(company, "notify.smtp_password", "Battery-5taple");
    char old[] = "Correct-h0rse", new[] = "Battery-5taple";
    assert_false(redact_text(old));
    assert_true(redact_text(new));
    set(company, "notify.smtp_password", "");
    char gone[] = "Battery-5taple";
    assert_false(redact_text(gone));
    expect_stored(company, "");
    expect_changes(company,
                   "ada notify.smtp_password (set) > , ada notify.smtp_password (set) > (changed), "
                   "ada notify.smtp_password  > (changed), ");
}

/* ---- what was stored by somebody else ---------------------------------------------------------------------------------- */

static void put(struct company *company, const char *name, const char *value)
{
    struct err err;
    char *owned_name = xstrdup(name), *owned_value = xstrdup(value);
    struct stored_setting stored = { .name = owned_name, .value = owned_value };
    assert_true(store_begin(company_store(company), &err));
    assert_true(store_put_setting(company_store(company), &stored, &err));
    assert_true(store_commit(company_store(company), true, &err));
    free(owned_name);
    free(owned_value);
}

static void values_that_cannot_be_used_do_not_keep_it_from_starting(void **state)
{
    struct company *company = *state;
    put(company, "retry.first", "5 d");          /* of a version that allowed it */
    put(company, "retry.fancy", "1");            /* of one that knew it */
    put(company, "notify.smtp_password", "abc"); /* not sealed by us */
    put(company, "retry.attempts", "1");
    company_restart(company, true);
    order_that_fails(company, "used.example", TASK_FAILED);
    expect_stored(company, "notify.smtp_password=abc retry.attempts=1 retry.fancy=1 retry.first=5 d ");
}

/* ---- batches ---------------------------------------------------------------------------------------------------------- */

static int64_t attempts_begun(struct company *company)
{
    int64_t count = -1;
    struct err err;
    assert_true(store_get_int(company_store(company), "SELECT count(*) FROM attempt", NO_ARGS, &count, &err));
    return count;
}

/* @return how many tasks were started by the batch that started the most */
static int64_t largest_batch(struct company *company, int64_t ms)
{
    int64_t largest = 0, end_ms = company_now_ms(company) + ms;
    while (company_now_ms(company) < end_ms) {
        int64_t before = attempts_begun(company);
        company_step(company);
        int64_t begun = attempts_begun(company) - before;
        largest = begun > largest ? begun : largest;
        if (begun == 0)
            company_pass(company, 1);
    }
    return largest;
}

static void a_batch_starts_no_more_tasks_than_it_may(void **state)
{
    struct company *company = *state;
    int64_t ids[6];
    set(company, "queue.batch", "1");
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        char domain[40];
        snprintf(domain, sizeof(domain), "batch%u.example", i);
        ids[i] = company_order(company, "start", domain, domain);
    }
    assert_int_equal(largest_batch(company, 5 * SECOND_MS), 1);
    set(company, "queue.batch", ""); /* all that wait for a node go on at once again */
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        assert_true(company_until(company, ids[i], SERVICE_LIVE, 10 * MINUTE_MS));
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------ */

static void a_new_node_has_the_room_that_is_set_unless_it_says_its_own(void **state)
{
    struct company *company = *state;
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err;
    set(company, "node.capacity", "7");
    company_add_node(company, "web1", NODE_CAPACITY_UNSAID);
    company_add_node(company, "web2", 3);
    company_add_node(company, "mail1", 0);
    assert_true(store_list_nodes(company_store(company), &nodes, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(nodes[0].capacity_max, 7);
    assert_int_equal(nodes[1].capacity_max, 3);
    assert_int_equal(nodes[2].capacity_max, 0);
    nodes_free(nodes, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_changed_pause_is_used_by_the_next_retry, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_task_that_has_used_its_attempts_fails_when_that_is_set, steer_open,
                                        steer_close),
        cmocka_unit_test_setup_teardown(settings_are_there_after_a_kill, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(one_bad_value_and_nothing_is_changed, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(what_is_not_changed_is_not_recorded, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_commit_that_fails_leaves_the_old_values, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_secret_is_sealed_and_blanked, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(values_that_cannot_be_used_do_not_keep_it_from_starting, steer_open,
                                        steer_close),
        cmocka_unit_test_setup_teardown(a_batch_starts_no_more_tasks_than_it_may, steer_open, steer_close),
        cmocka_unit_test_setup_teardown(a_new_node_has_the_room_that_is_set_unless_it_says_its_own, setup_bare,
                                        steer_close),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
