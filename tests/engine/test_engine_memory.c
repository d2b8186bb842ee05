/* test_engine_memory.c - what the engine has in its head agrees with the disk and the nodes, also after a batch that failed, a
 * stopped process and answers that come at the wrong moment. The test plays the transport itself. */
#include "steer.h"

#include "puppet.h"

struct world {
    struct puppet puppet;
    struct company *company;
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    puppet_init(&world->puppet);
    world->company =
        company_create(&(struct company_options){ .seed = 1, .bare = true, .transport = &world->puppet.base });
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    company_destroy(world->company);
    puppet_finish(&world->puppet);
    free(world);
    return 0;
}

static enum node_state state_of_node(struct world *world, size_t index)
{
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err;
    assert_true(store_list_nodes(company_store(world->company), &nodes, &count, &err));
    assert_true(index < count);
    enum node_state state = nodes[index].state;
    nodes_free(nodes, count);
    return state;
}

/* ---- nodes that come and go ------------------------------------------------------------------------------------------ */

static void a_node_that_comes_up_while_the_store_fails_is_used(void **state)
{
    static const struct {
        const char *name;
        enum company_store_fault fault;
        unsigned n;
    } cases[] = {
        { "the commit fails", STORE_FAULT_COMMIT, 1 },
        { "the first node's record cannot be written", STORE_FAULT_QUERY, 2 },
        { "the second node's record cannot be written", STORE_FAULT_QUERY, 3 },
    };
    struct world *world = *state;
    company_add_node(world->company, "web1", 0);
    company_add_node(world->company, "web2", 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int64_t node = 1; node <= 2; node++)
            puppet_link(&world->puppet, node, false, "no route to host");
        company_pass(world->company, 1000);
        assert_int_equal(state_of_node(world, 0), NODE_UNREACHABLE);
        for (int64_t node = 1; node <= 2; node++)
            puppet_link(&world->puppet, node, true, NULL);
        company_fail_store(world->company, cases[i].fault, cases[i].n);
        company_pass(world->company, 2000); /* a transport says it once */
        for (size_t node = 0; node < 2; node++) {
            if (state_of_node(world, node) != NODE_ACTIVE)
                fail_msg("%s: node %zu is %s", cases[i].name, node + 1, node_state_name(state_of_node(world, node)));
        }
    }
}

static void a_node_whose_adding_failed_is_forgotten_by_the_transport(void **state)
{
    struct world *world = *state;
    company_add_node(world->company, "web1", 0);
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1);
    struct request *request = request_create(REQUEST_GROUP_ADD);
    request->group = (struct group){ .name = xstrdup("us"), .title = xstrdup("") };
    request = company_ask(world->company, request);
    assert_false(request->ok);
    request_destroy(request);
    company_pass(world->company, 1000);
    assert_int_equal(world->puppet.removes, 0); /* a known node stays */
    company_fail_node_add(world->company, "web2");
    company_pass(world->company, 1000);
    assert_int_equal(world->puppet.removes, 1); /* else its session stands, and the node is never told to be up */
}

/** Services that wait are looked at some at a time; a node that comes in the middle of that counts for all of them. */
static void a_node_that_comes_while_waiting_services_are_looked_at_takes_them_all(void **state)
{
    struct world *world = *state;
    int64_t ids[20];
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, false, "no route to host");
    company_pass(world->company, 1000);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        CLEANUP(freep) char *domain = xasprintf("site%zu.example", i);
        ids[i] = company_order(world->company, "site", domain, "");
    }
    company_pass(world->company, 1000);
    assert_int_equal(status_of(world->company, ids[0]), SERVICE_WAITING);
    company_set_node(world->company, "web1", NODE_ACTIVE, 0); /* one step: the first of them are looked at, in vain */
    assert_true(engine_next_deadline_ms(company_engine(world->company)) <= company_now_ms(world->company));
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 1000);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (status_of(world->company, ids[i]) != SERVICE_DEPLOYING)
            fail_msg("service %zu is %s", i + 1, service_status_name(status_of(world->company, ids[i])));
    }
}

static void count_answer(struct request *request, void *context)
{
    (*(unsigned *)context)++;
    request_destroy(request);
}

static void post_order(struct world *world, const char *domain, unsigned *answers)
{
    struct request *request = company_order_request("site", domain, "");
    request->done = count_answer;
    request->context = answers;
    inbox_post(company_inbox(world->company), request);
}

/* ---- orders ---------------------------------------------------------------------------------------------------------- */

static void a_lone_order_sends_its_first_command_after_one_commit(void **state)
{
    struct world *world = *state;
    unsigned answers = 0;
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
    post_order(world, "one.example", &answers);
    company_step(world->company);
    assert_int_equal(answers, 1);
    assert_int_equal(world->puppet.starts, 1);
}

static void orders_that_come_together_are_all_answered_before_anything_is_built(void **state)
{
    struct world *world = *state;
    unsigned answers = 0;
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
    post_order(world, "one.example", &answers);
    post_order(world, "two.example", &answers);
    company_step(world->company);
    assert_int_equal(answers, 2);
    assert_int_equal(world->puppet.starts, 0);
    assert_true(engine_next_deadline_ms(company_engine(world->company)) <= company_now_ms(world->company));
    company_step(world->company);
    assert_int_equal(world->puppet.starts, 1);
}

/* ---- leases --------------------------------------------------------------------------------------------------------------- */

static void sleep_long(void *context)
{
    company_jump(context, 20000);
}

static void sleep_at_commit(struct company *company)
{
    company_jump(company, 20000);
}

/** SIGSTOP for longer than the lease: somebody else may have gone on, so nothing is sent before the store has been asked. */
static void a_process_that_was_stopped_sends_nothing_in_that_batch(void **state)
{
    struct world *world = *state;
    for (unsigned where = 0; where < 2; where++) {
        CLEANUP(freep) char *name = xasprintf("web%u", where + 1);
        company_add_node(world->company, name, 0);
        puppet_link(&world->puppet, where + 1, true, NULL);
        company_pass(world->company, 100);
        unsigned answers = 0;
        for (unsigned i = 0; i < 2; i++) { /* a lone order would send in its own batch */
            CLEANUP(freep) char *domain = xasprintf("site%u-%u.example", where, i);
            post_order(world, domain, &answers);
        }
        company_step(world->company);
        company_jump(world->company, 6000); /* so that the lease is renewed in this batch, too */
        unsigned before = world->puppet.starts;
        if (where == 0) {
            world->puppet.on_poll = sleep_long;
            world->puppet.context = world->company;
        } else {
            company_at_commit(world->company, 1, sleep_at_commit);
        }
        company_step(world->company);
        if (world->puppet.starts != before)
            fail_msg("stopped %s: sends", where == 0 ? "in the middle of a batch" : "between commit and sending");
        company_step(world->company);
        company_step(world->company);
        assert_int_equal(world->puppet.starts, before + 1);
        assert_true(world->puppet.started[world->puppet.count - 1]->pick_up);
    }
}

/* ---- too many at once ------------------------------------------------------------------------------------------------------- */

static void what_did_not_fit_into_a_batch_is_taken_at_once(void **state)
{
    struct world *world = *state;
    unsigned answers = 0;
    for (unsigned i = 0; i < 300; i++) {
        struct request *request = request_create(REQUEST_GROUP_ADD);
        request->group = (struct group){ .name = xstrdup("eu"), .title = xstrdup("") };
        request->done = count_answer;
        request->context = &answers;
        inbox_post(company_inbox(world->company), request);
    }
    company_step(world->company);
    assert_int_equal(answers, 256);
    assert_true(engine_next_deadline_ms(company_engine(world->company)) <= company_now_ms(world->company));
    company_step(world->company);
    assert_int_equal(answers, 300);
    company_add_node(world->company, "web1", 0);
    for (unsigned i = 0; i < 300; i++)
        puppet_link(&world->puppet, 1, i % 2 == 1, "flaps");
    company_step(world->company);
    assert_true(engine_next_deadline_ms(company_engine(world->company)) <= company_now_ms(world->company));
    company_step(world->company);
    assert_int_equal(world->puppet.event_count, 0);
}

/* ---- a node's test ------------------------------------------------------------------------------------------------------------ */

static void the_test_of_a_node_is_answered_whatever_comes_of_its_command(void **state)
{
    static const struct {
        const char *name;
        enum outcome outcome;
        enum transport_fault fault;
        int exit_code;
    } cases[] = {
        { "no connection", OUTCOME_NOT_STARTED, FAULT_CONNECT, 0 },
        { "wrong host key", OUTCOME_NOT_STARTED, FAULT_HOST_KEY, 0 },
        { "cut", OUTCOME_UNKNOWN, FAULT_CUT, 0 },
        { "the node was restarted", OUTCOME_LOST, FAULT_NONE, 0 },
        { "ended by the node", OUTCOME_KILLED, FAULT_NONE, 0 },
        { "killed by a signal", OUTCOME_ENDED, FAULT_NONE, 137 },
        { "an error", OUTCOME_ENDED, FAULT_NONE, 1 },
    };
    struct world *world = *state;
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned answers = 0;
        struct request *request = request_create(REQUEST_NODE_TEST);
        request->target_id = 1;
        request->done = count_answer;
        request->context = &answers;
        inbox_post(company_inbox(world->company), request);
        company_step(world->company);
        for (unsigned k = 0; answers == 0 && world->puppet.count > 0 && k < 5; k++) {
            puppet_answer(&world->puppet, cases[i].outcome, cases[i].fault, cases[i].exit_code);
            company_step(world->company);
        }
        struct engine_figures figures;
        engine_get_figures(company_engine(world->company), &figures);
        if (answers != 1 || figures.commit_failures != 0 || figures.running != 0)
            fail_msg("%s: %u answers, %zu failed batches, %zu running", cases[i].name, answers, figures.commit_failures,
                     figures.running);
    }
}

/* ---- words ------------------------------------------------------------------------------------------------------------------------ */

static void words_of_a_node_that_are_no_text_still_reach_the_timeline(void **state)
{
    static const struct {
        enum outcome outcome;
        enum transport_fault fault;
        const char *want;
    } cases[] = {
        { OUTCOME_LOST, FAULT_NONE, "task.lost web.package; caf? closed" },
        { OUTCOME_NOT_STARTED, FAULT_STATE_DIR, "task.retry web.package: node.state-dir; caf? closed" },
        { OUTCOME_NOT_STARTED, FAULT_HOST_KEY, "task.failed web.package: node.host-key; caf? closed" },
        { OUTCOME_NOT_STARTED, FAULT_HOST_KEY, "service.failed; web.package on web1: " },
    };
    struct world *world = *state;
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    int64_t id = company_order(world->company, "site", "words.example", "");
    world->puppet.message =
        "caf\xe9 closed"; /* not UTF-8: what one byte-wise cut in the middle of a character leaves */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_finish) struct buf trace = BUF_INIT;
        company_pass(world->company, 60000);
        if (world->puppet.count > 0)
            puppet_answer(&world->puppet, cases[i].outcome, cases[i].fault, 0);
        company_step(world->company);
        company_trace(world->company, id, false, &trace);
        if (strstr(buf_text(&trace), cases[i].want) == NULL)
            fail_msg("no \"%s\" in\n%s", cases[i].want, buf_text(&trace));
    }
}

/* ---- waiting -------------------------------------------------------------------------------------------------------------------- */

/** A node that is up but takes no command (its lock is held by a backup, its shells are used up): what waits for it must not fill
 * the store with attempts. */
static void waiting_for_a_busy_node_costs_few_attempts(void **state)
{
    struct world *world = *state;
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
    int64_t id = company_order(world->company, "site", "patient.example", "");
    int64_t end_ms = company_now_ms(world->company) + INT64_C(3600000);
    while (company_now_ms(world->company) < end_ms) {
        company_step(world->company);
        if (world->puppet.count > 0)
            puppet_answer(&world->puppet, OUTCOME_BUSY, FAULT_NONE, 0);
        else
            company_jump(world->company, 500);
    }
    struct task task;
    company_get_task(world->company, id, "web.package", &task);
    assert_int_equal(task.attempts, 0); /* none counts against the policy */
    task_finish(&task);
    if (world->puppet.starts > 200)
        fail_msg("%u attempts in an hour", world->puppet.starts);
    assert_true(world->puppet.starts > 60); /* but it does not sleep either */
    assert_int_equal(status_of(world->company, id), SERVICE_DEPLOYING);
}

/* ---- a disk that stays broken ------------------------------------------------------------------------------------------------------ */

static void a_broken_disk_is_answered_with_try_again(void **state)
{
    struct world *world = *state;
    company_break_store(world->company, true);
    for (unsigned i = 0; i < 3; i++) {
        int64_t begin_ms = company_now_ms(world->company);
        struct request *request = company_ask(world->company, company_order_request("site", "a.example", "order-1"));
        assert_false(request->ok);
        assert_int_equal(request->err.code, ERR_BUSY);
        assert_true(company_now_ms(world->company) - begin_ms <= 500);
        request_destroy(request);
    }
    company_break_store(world->company, false);
    company_pass(world->company, 500);
    assert_true(company_order(world->company, "site", "a.example", "order-1") > 0);
}

static void a_stop_while_the_disk_fails_ends_well(void **state)
{
    struct world *world = *state;
    for (unsigned n = 1; n <= 4; n++) {
        company_fail_store(world->company, STORE_FAULT_QUERY, n);
        company_restart(world->company, true);
        company_fail_store(world->company, STORE_FAULT_QUERY, 0);
        company_pass(world->company, 100);
    }
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1);
    company_restart(world->company, true);
    company_pass(world->company, 100);
    assert_true(company_order(world->company, "site", "b.example", "") > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_node_that_comes_up_while_the_store_fails_is_used),
        TEST(a_node_whose_adding_failed_is_forgotten_by_the_transport),
        TEST(a_node_that_comes_while_waiting_services_are_looked_at_takes_them_all),
        TEST(a_lone_order_sends_its_first_command_after_one_commit),
        TEST(orders_that_come_together_are_all_answered_before_anything_is_built),
        TEST(a_process_that_was_stopped_sends_nothing_in_that_batch),
        TEST(what_did_not_fit_into_a_batch_is_taken_at_once),
        TEST(the_test_of_a_node_is_answered_whatever_comes_of_its_command),
        TEST(words_of_a_node_that_are_no_text_still_reach_the_timeline),
        TEST(waiting_for_a_busy_node_costs_few_attempts),
        TEST(a_broken_disk_is_answered_with_try_again),
        TEST(a_stop_while_the_disk_fails_ends_well),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
