/* test_engine_nodes.c - nodes that fail while their session stands: their circuit opens, nothing is burnt meanwhile, one look at a
 * time asks, and the work that was held back goes on as on any node. And how long anything may wait. The test plays the
 * transport itself. */
#include "steer.h"

#include <inttypes.h>

#include "puppet.h"

#define ORDERS 6

struct world {
    struct puppet puppet;
    struct company *company;
    int64_t services[ORDERS];
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    puppet_init(&world->puppet);
    world->company =
        company_create(&(struct company_options){ .seed = 5, .bare = true, .transport = &world->puppet.base });
    company_add_node(world->company, "web1", 0);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
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

/* ---- the world --------------------------------------------------------------------------------------------------------- */

static void order_some(struct world *world)
{
    for (size_t i = 0; i < ORDERS; i++) {
        CLEANUP(freep) char *domain = xasprintf("site%zu.example", i);
        world->services[i] = company_order(world->company, "site", domain, "");
    }
    company_pass(world->company, 100);
}

static void get_node(struct world *world, size_t index, struct node *ret_node)
{
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err;
    assert_true(store_list_nodes(company_store(world->company), &nodes, &count, &err));
    *ret_node = (struct node){ 0 };
    node_copy(ret_node, &nodes[index]);
    nodes_free(nodes, count);
}

static void expect_node_at(struct world *world, size_t index, enum node_state state, const char *reason)
{
    struct node node;
    get_node(world, index, &node);
    assert_string_equal(node_state_name(node.state), node_state_name(state));
    if (reason[0] == '\0' ? node.state_reason[0] != '\0' : strstr(node.state_reason, reason) == NULL)
        fail_msg("the reason is \"%s\", not \"%s\"", node.state_reason, reason);
    node_finish(&node);
}

static void expect_node(struct world *world, enum node_state state, const char *reason)
{
    expect_node_at(world, 0, state, reason);
}

/** The one command that is under way. */
static const struct command *only_command(struct world *world)
{
    if (world->puppet.count != 1)
        fail_msg("%zu commands are under way", world->puppet.count);
    return world->puppet.started[0];
}

static void answer(struct world *world, enum outcome outcome, enum transport_fault fault)
{
    puppet_answer(&world->puppet, outcome, fault, 0);
    company_step(world->company);
}

/** Three changes in a row find no room for their records. */
static void fail_three(struct world *world)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(only_command(world)->lane, LANE_MAKE);
        answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    }
}

/** Time passes until something is sent. @return how long it took */
static int64_t until_command(struct world *world, int64_t limit_ms)
{
    int64_t begin_ms = company_now_ms(world->company);
    while (world->puppet.count == 0) {
        if (company_now_ms(world->company) - begin_ms > limit_ms)
            fail_msg("nothing was sent for %" PRId64 " ms", limit_ms);
        company_pass(world->company, 10);
    }
    return company_now_ms(world->company) - begin_ms;
}

static int attempts_that_count(struct world *world)
{
    int sum = 0;
    for (size_t i = 0; i < ORDERS; i++) {
        struct task task;
        company_get_task(world->company, world->services[i], "web.package", &task);
        sum += task.attempts;
        task_finish(&task);
    }
    return sum;
}

static void forget(struct request *request, void *context)
{
    (void)context;
    request_destroy(request);
}

static void test_node(struct world *world)
{
    struct request *request = request_create(REQUEST_NODE_TEST);
    request->target_id = 1;
    request->done = forget;
    inbox_post(company_inbox(world->company), request);
    company_step(world->company);
}

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

static void three_failures_in_a_row_hold_the_node_s_tasks_back(void **state)
{
    struct world *world = *state;
    order_some(world);
    world->puppet.message = "no space left";
    fail_three(world);
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run: no space left");
    assert_int_equal(world->puppet.count, 0); /* three more are queued and stay so */
    assert_int_equal(attempts_that_count(world), 0);
    int64_t late = company_order(world->company, "site", "late.example", "");
    company_pass(world->company, 100);
    struct service service;
    company_get_service(world->company, late, &service);
    assert_string_equal(service_status_name(service.status), "waiting");
    assert_non_null(strstr(service.reason, "web1 is unreachable"));
    service_finish(&service);
}

static void how_many_failures_is_a_setting(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "node.breaker_failures", "0");
    order_some(world);
    for (unsigned i = 0; i < ORDERS; i++)
        answer(world, OUTCOME_NOT_STARTED, FAULT_CHANNEL);
    expect_node(world, NODE_ACTIVE, "");
    set_setting(world->company, "node.breaker_failures", "1");
    until_command(world, MINUTE_MS);
    answer(world, OUTCOME_NOT_STARTED, FAULT_CHANNEL);
    expect_node(world, NODE_UNREACHABLE, "7 commands in a row could not be run");
}

static void what_fails_together_has_failed_once(void **state)
{
    struct world *world = *state;
    for (unsigned round = 1; round <= 3; round++) {
        expect_node(world, NODE_ACTIVE, "");
        for (unsigned i = 0; i < 4; i++)
            test_node(world);
        for (unsigned i = 0; i < 4; i++)
            answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    }
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
}

static void looks_that_work_do_not_speak_for_changes(void **state)
{
    struct world *world = *state;
    order_some(world);
    for (unsigned i = 0; i < 3; i++) {
        answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
        if (i == 2)
            break;
        test_node(world);
        assert_int_equal(world->puppet.count, 2);
        puppet_swap(&world->puppet);
        answer(world, OUTCOME_ENDED, FAULT_NONE);
    }
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
}

static void a_change_that_ends_begins_the_count_anew(void **state)
{
    struct world *world = *state;
    order_some(world);
    answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    expect_node(world, NODE_ACTIVE, "");
}

/** A lock that is held, a node that was restarted, a command that takes long: the node works. */
static void what_is_no_fault_of_the_node_opens_nothing(void **state)
{
    static const struct {
        enum outcome outcome;
        enum transport_fault fault;
    } cases[] = {
        { OUTCOME_BUSY, FAULT_NONE },   { OUTCOME_FENCED, FAULT_NONE },      { OUTCOME_LOST, FAULT_NONE },
        { OUTCOME_KILLED, FAULT_NONE }, { OUTCOME_UNKNOWN, FAULT_DEADLINE },
    };
    struct world *world = *state;
    order_some(world);
    for (size_t i = 0; i < 3 * ARRAY_LEN(cases); i++) {
        until_command(world, 10 * MINUTE_MS);
        answer(world, cases[i / 3].outcome, cases[i / 3].fault);
        expect_node(world, NODE_ACTIVE, "");
    }
}

/* ---- asking ------------------------------------------------------------------------------------------------------------ */

static void one_look_at_a_time_asks_with_growing_pauses(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    int64_t most_ms = 5 * SECOND_MS, longest_ms = 0;
    unsigned odd = 0;
    for (unsigned i = 0; i < 12; i++) {
        int64_t pause_ms = until_command(world, HOUR_MS);
        most_ms = most_ms * 2 < 2 * MINUTE_MS ? most_ms * 2 : 2 * MINUTE_MS;
        if (pause_ms < 5 * SECOND_MS || pause_ms > most_ms + 20)
            fail_msg("probe %u came after %" PRId64 " ms", i + 1, pause_ms);
        odd += pause_ms != most_ms;
        longest_ms = pause_ms > longest_ms ? pause_ms : longest_ms;
        assert_int_equal(only_command(world)->lane, LANE_LOOK);
        company_pass(world->company, 20 * SECOND_MS); /* it hangs: no second one is sent meanwhile */
        only_command(world);
        expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
        answer(world, OUTCOME_UNKNOWN, FAULT_DEADLINE);
    }
    assert_true(odd > 6);                /* jitter */
    assert_true(longest_ms > MINUTE_MS); /* growth */
    assert_int_equal(attempts_that_count(world), 0);
    struct node node;
    get_node(world, 0, &node);
    assert_true(node.state_since_ms < company_now_ms(world->company) - 4 * MINUTE_MS); /* since when it is so */
    node_finish(&node);
}

static void while_no_session_stands_only_the_transport_asks(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    puppet_link(&world->puppet, 1, false, "no route to host");
    company_pass(world->company, 10 * MINUTE_MS);
    assert_int_equal(world->puppet.count, 0);
    expect_node(world, NODE_UNREACHABLE, "no route to host");
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 100);
    assert_int_equal(only_command(world)->lane, LANE_LOOK); /* it was due long ago */
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
}

/* ---- closing ----------------------------------------------------------------------------------------------------------- */

static void an_answer_lets_the_held_tasks_go_on_one_at_a_time(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    company_pass(world->company, 4 * SECOND_MS);
    until_command(world, MINUTE_MS);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    for (unsigned i = 0; i < 40; i++) {
        if (world->puppet.count == 0)
            until_command(world, 2 * MINUTE_MS);
        assert_int_equal(only_command(world)->lane, LANE_MAKE);
        answer(world, OUTCOME_ENDED, FAULT_NONE);
        expect_node(world, NODE_ACTIVE, "");
        company_pass(world->company, 10);
    }
}

static void a_failure_on_trial_opens_it_again_at_once(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    int64_t shortest_ms = INT64_MAX;
    for (unsigned i = 0; i < 6; i++) {
        int64_t pause_ms = until_command(world, HOUR_MS);
        shortest_ms = i >= 2 && pause_ms < shortest_ms ? pause_ms : shortest_ms;
        assert_int_equal(only_command(world)->lane, LANE_LOOK);
        answer(world, OUTCOME_ENDED, FAULT_NONE); /* a look needs no room */
        expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
        assert_int_equal(only_command(world)->lane, LANE_MAKE);
        answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
        expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
        assert_int_equal(world->puppet.count, 0);
    }
    assert_int_equal(attempts_that_count(world), 0);
    /* the pauses have grown over the trials; one change that ends makes it a good node again */
    until_command(world, HOUR_MS);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    expect_node(world, NODE_ACTIVE, "");
}

static void a_change_that_was_cut_is_not_picked_up_before_the_node_answers(void **state)
{
    struct world *world = *state;
    order_some(world);
    answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    for (unsigned i = 0; i < 2; i++) {
        until_command(world, MINUTE_MS);
        assert_true(only_command(world)->pick_up);
        answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    }
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
    until_command(world, MINUTE_MS);
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    company_pass(world->company, 10);
    assert_true(only_command(world)->pick_up);
    answer(world, OUTCOME_NOT_STARTED, FAULT_NONE); /* it had never begun: it is sent */
    assert_false(only_command(world)->pick_up);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    expect_node(world, NODE_ACTIVE, "");
}

/* ---- people and restarts ----------------------------------------------------------------------------------------------- */

static void a_restart_keeps_it_and_asks_before_it_sends_anything(void **state)
{
    struct world *world = *state;
    order_some(world);
    world->puppet.message = "no space left";
    fail_three(world);
    struct node before, after;
    get_node(world, 0, &before);
    company_pass(world->company, SECOND_MS);
    company_restart(world->company, false);
    puppet_link(&world->puppet, 1, true, NULL);
    company_pass(world->company, 10);
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run: no space left");
    get_node(world, 0, &after);
    assert_int_equal(after.state_since_ms, before.state_since_ms);
    node_finish(&before);
    node_finish(&after);
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    expect_node(world, NODE_ACTIVE, "");
}

static void what_a_person_says_comes_first(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    company_set_node(world->company, "web1", NODE_PAUSED, 0);
    company_pass(world->company, 10 * MINUTE_MS);
    assert_int_equal(world->puppet.count, 0); /* nobody needs to know */
    expect_node(world, NODE_PAUSED, "3 commands in a row could not be run");
    company_set_node(world->company, "web1", NODE_ACTIVE, 0);
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run"); /* it has not answered yet */
    assert_int_equal(only_command(world)->lane, LANE_LOOK);                       /* and is asked at once */
    answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    company_set_node(world->company, "web1", NODE_DRAINING, 0);
    until_command(world, MINUTE_MS); /* a draining node has to finish */
    expect_node(world, NODE_DRAINING, "3 commands in a row could not be run");
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    expect_node(world, NODE_DRAINING, "");
}

static void a_person_who_expects_it_back_need_not_wait(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    for (unsigned i = 0; i < 6; i++) {
        until_command(world, HOUR_MS);
        answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    }
    company_set_node(world->company, "web1", NODE_ACTIVE, 0);
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
    answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    test_node(world); /* `berthctl node test` asks as well */
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    expect_node(world, NODE_ACTIVE, "");
}

static void with_nothing_to_try_it_on_an_answer_is_enough(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 3; i++) {
        test_node(world);
        answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    }
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
    until_command(world, MINUTE_MS);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    company_step(world->company);
    expect_node(world, NODE_ACTIVE, "");
}

/** Else every look that is answered would bring new ones to a node with a full disk. */
static void nothing_new_is_placed_on_trial(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    int64_t late = company_order(world->company, "site", "late.example", "");
    until_command(world, MINUTE_MS);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    company_pass(world->company, 100);
    only_command(world);
    struct service service;
    company_get_service(world->company, late, &service);
    assert_string_equal(service_status_name(service.status), "waiting");
    service_finish(&service);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    company_pass(world->company, 100);
    company_get_service(world->company, late, &service);
    assert_string_equal(service_status_name(service.status), "deploying");
    service_finish(&service);
}

/** A look that is answered says nothing of its disk, and what waits for room tries it only later. */
static void a_full_node_is_no_good_one_between_two_tries(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "node.probe_first", "1 s");
    set_setting(world->company, "node.probe_cap", "1 s");
    order_some(world);
    fail_three(world);
    unsigned untried = 0;
    for (unsigned i = 0; i < 100; i++) {
        until_command(world, HOUR_MS);
        bool looks = only_command(world)->lane == LANE_LOOK;
        answer(world, looks ? OUTCOME_ENDED : OUTCOME_NOT_STARTED, looks ? FAULT_NONE : FAULT_DISK_FULL);
        company_pass(world->company, 10);
        expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
        untried += looks && world->puppet.count == 0;
    }
    assert_true(untried > 0);
    for (bool made = false; !made; answer(world, OUTCOME_ENDED, FAULT_NONE)) {
        until_command(world, HOUR_MS);
        made = only_command(world)->lane == LANE_MAKE;
    }
    expect_node(world, NODE_ACTIVE, "");
}

/** The same where a single failure opens the circuit. */
static void looks_do_not_speak_for_changes_however_few_may_fail(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "node.breaker_failures", "1");
    order_some(world);
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    answer(world, OUTCOME_NOT_STARTED, FAULT_DISK_FULL);
    expect_node(world, NODE_UNREACHABLE, "1 command in a row could not be run");
    until_command(world, HOUR_MS);
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    test_node(world);
    puppet_swap(&world->puppet);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    expect_node(world, NODE_UNREACHABLE, "1 command in a row could not be run");
    assert_int_equal(only_command(world)->lane, LANE_MAKE);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    expect_node(world, NODE_ACTIVE, "");
}

/** There is something to try it on, but others had as much as a batch takes. */
static void a_full_batch_ends_no_trial(void **state)
{
    struct world *world = *state;
    order_some(world);
    company_set_node(world->company, "web1", NODE_DRAINING, 0);
    company_add_node(world->company, "web2", 0);
    puppet_link(&world->puppet, 2, true, NULL);
    for (size_t i = 0; i < ORDERS; i++) {
        CLEANUP(freep) char *domain = xasprintf("second%zu.example", i);
        (void)company_order(world->company, "site", domain, "");
    }
    company_pass(world->company, 100);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world->puppet.count, 2);
        puppet_swap(&world->puppet);
        answer(world, OUTCOME_NOT_STARTED, FAULT_DISK_FULL);
    }
    expect_node_at(world, 1, NODE_UNREACHABLE, "3 commands in a row could not be run");
    while (world->puppet.count < 2)
        company_pass(world->company, 10);
    assert_int_equal(world->puppet.started[1]->lane, LANE_LOOK);
    set_setting(world->company, "queue.batch", "1");
    puppet_answer(&world->puppet, OUTCOME_BUSY, FAULT_NONE, 0);
    puppet_answer(&world->puppet, OUTCOME_ENDED, FAULT_NONE, 0);
    company_step(world->company);
    expect_node_at(world, 1, NODE_UNREACHABLE, "3 commands in a row could not be run");
    company_pass(world->company, 100);
    assert_int_equal(world->puppet.started[world->puppet.count - 1]->lane, LANE_MAKE);
    expect_node_at(world, 1, NODE_UNREACHABLE, "3 commands in a row could not be run");
}

/** A task that would have tried it was cancelled: the answer to the look has to do, once its time has come. */
static void a_trial_ends_when_nobody_tries(void **state)
{
    struct world *world = *state;
    order_some(world);
    fail_three(world);
    for (size_t i = 0; i < ORDERS; i++) {
        struct request *cancel = request_create(REQUEST_CANCEL);
        cancel->target_id = world->services[i];
        (void)expect_ok(company_ask(world->company, cancel));
    }
    until_command(world, MINUTE_MS);
    answer(world, OUTCOME_ENDED, FAULT_NONE);
    company_pass(world->company, 2 * MINUTE_MS);
    expect_node(world, NODE_ACTIVE, "");
}

static void a_commit_that_fails_loses_no_circuit(void **state)
{
    struct world *world = *state;
    order_some(world);
    for (unsigned i = 0; i < 2; i++)
        answer(world, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    puppet_answer(&world->puppet, OUTCOME_NOT_STARTED, FAULT_STATE_DIR, 0);
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1);
    company_step(world->company);
    company_pass(world->company, 500);
    expect_node(world, NODE_UNREACHABLE, "3 commands in a row could not be run");
    until_command(world, MINUTE_MS);
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
    company_fail_store(world->company, STORE_FAULT_COMMIT, 1);
    answer(world, OUTCOME_UNKNOWN, FAULT_CUT);
    until_command(world, MINUTE_MS); /* and none of the questions */
    assert_int_equal(only_command(world)->lane, LANE_LOOK);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------------- */

static void expect_task(struct world *world, const char *state, int attempts, const char *reason)
{
    struct task task;
    company_get_task(world->company, world->services[0], "web.package", &task);
    assert_string_equal(task_state_name(task.state), state);
    assert_int_equal(task.attempts, attempts);
    if (strstr(task.reason, reason) == NULL)
        fail_msg("the reason is\n  %s\nwithout\n  %s", task.reason, reason);
    task_finish(&task);
}

/** The lock of its node is held the whole time. */
static void stay_busy(struct world *world, int64_t ms)
{
    int64_t end_ms = company_now_ms(world->company) + ms;
    while (company_now_ms(world->company) < end_ms) {
        company_step(world->company);
        if (world->puppet.count > 0)
            puppet_answer(&world->puppet, OUTCOME_BUSY, FAULT_NONE, 0);
        else
            company_jump(world->company, 14 * SECOND_MS); /* within the lease */
    }
    company_step(world->company);
    if (world->puppet.count > 0)
        answer(world, OUTCOME_BUSY, FAULT_NONE);
}

static void what_waits_says_for_what_and_until_when(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "retry.busy_wait_cap", "10 min"); /* fewer looks: it is the end that matters here */
    world->services[0] = company_order(world->company, "site", "patient.example", "");
    world->puppet.message = "another command holds the lock of web1";
    answer(world, OUTCOME_BUSY, FAULT_NONE);
    expect_task(world, "waiting", 0,
                "Another command that changes the node is running there. another command holds the lock of web1. "
                "Waits for the other command to end, until 2027-01-16 08:00 UTC at the latest.");
    stay_busy(world, 23 * HOUR_MS);
    expect_task(world, "waiting", 0, "until 2027-01-16 08:00 UTC at the latest.");
    stay_busy(world, HOUR_MS + MINUTE_MS);
    expect_task(world, "failed", 0,
                "It has waited since 2027-01-15 08:00 UTC for the other command to end. Berth goes on when the node is "
                "free. If it stays: look");
    struct task task;
    company_get_task(world->company, world->services[0], "live", &task);
    assert_string_equal(task_state_name(task.state), "held");
    task_finish(&task);
    assert_true(company_retry(world->company, world->services[0], "web.package"));
    answer(world, OUTCOME_BUSY, FAULT_NONE);
    expect_task(world, "waiting", 0, "until 2027-01-17 08:01 UTC at the latest."); /* it may wait as long again */
}

static void how_long_depends_on_the_class(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "retry.busy_wait", "1 h");
    world->services[0] = company_order(world->company, "site", "hurry.example", "");
    stay_busy(world, 59 * MINUTE_MS);
    expect_task(world, "waiting", 0, "Waits for the other command to end, until 2027-01-15 09:00 UTC at the latest.");
    stay_busy(world, 2 * MINUTE_MS);
    expect_task(world, "failed", 0, "It has waited since 2027-01-15 08:00 UTC");
}

static void a_try_that_counts_ends_the_wait(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "retry.busy_wait", "1 h");
    world->services[0] = company_order(world->company, "site", "mixed.example", "");
    stay_busy(world, 50 * MINUTE_MS);
    until_command(world, 2 * MINUTE_MS);
    answer(world, OUTCOME_FENCED, FAULT_NONE);
    expect_task(world, "waiting", 1, "The node has seen a newer attempt than this one");
    stay_busy(world, 30 * MINUTE_MS);
    expect_task(world, "waiting", 1, "Waits for the other command to end");
}

/** So do tasks that wait in the queue of a node which stays away; a few at a time, since there may be a million. */
static void a_node_that_stays_away_fails_its_tasks_in_the_end(void **state)
{
    struct world *world = *state;
    set_setting(world->company, "retry.node_wait", "1 h");
    order_some(world);
    puppet_finish(&world->puppet); /* the one under way is never answered */
    world->puppet.event_count = 0;
    puppet_link(&world->puppet, 1, false, "no route to host");
    company_pass(world->company, HOUR_MS - MINUTE_MS);
    struct task task;
    company_get_task(world->company, world->services[ORDERS - 1], "web.package", &task);
    assert_string_equal(task_state_name(task.state), "queued");
    task_finish(&task);
    company_pass(world->company, 3 * MINUTE_MS);
    for (size_t i = 1; i < ORDERS; i++) {
        company_get_task(world->company, world->services[i], "web.package", &task);
        assert_string_equal(task_state_name(task.state), "failed");
        assert_non_null(strstr(task.reason, "web1 has been unreachable since 2027-01-15 08:00 UTC: no route to host"));
        task_finish(&task);
    }
    assert_true(company_retry(world->company, world->services[1], "web.package"));
    company_pass(world->company, HOUR_MS - MINUTE_MS); /* now it waits from here on */
    company_get_task(world->company, world->services[1], "web.package", &task);
    assert_string_equal(task_state_name(task.state), "queued");
    task_finish(&task);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_failures_in_a_row_hold_the_node_s_tasks_back),
        TEST(how_many_failures_is_a_setting),
        TEST(what_fails_together_has_failed_once),
        TEST(looks_that_work_do_not_speak_for_changes),
        TEST(a_change_that_ends_begins_the_count_anew),
        TEST(what_is_no_fault_of_the_node_opens_nothing),
        TEST(one_look_at_a_time_asks_with_growing_pauses),
        TEST(while_no_session_stands_only_the_transport_asks),
        TEST(an_answer_lets_the_held_tasks_go_on_one_at_a_time),
        TEST(a_failure_on_trial_opens_it_again_at_once),
        TEST(a_change_that_was_cut_is_not_picked_up_before_the_node_answers),
        TEST(a_restart_keeps_it_and_asks_before_it_sends_anything),
        TEST(what_a_person_says_comes_first),
        TEST(a_person_who_expects_it_back_need_not_wait),
        TEST(with_nothing_to_try_it_on_an_answer_is_enough),
        TEST(nothing_new_is_placed_on_trial),
        TEST(a_full_node_is_no_good_one_between_two_tries),
        TEST(looks_do_not_speak_for_changes_however_few_may_fail),
        TEST(a_full_batch_ends_no_trial),
        TEST(a_trial_ends_when_nobody_tries),
        TEST(a_commit_that_fails_loses_no_circuit),
        TEST(what_waits_says_for_what_and_until_when),
        TEST(how_long_depends_on_the_class),
        TEST(a_try_that_counts_ends_the_wait),
        TEST(a_node_that_stays_away_fails_its_tasks_in_the_end),
    };
    log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
