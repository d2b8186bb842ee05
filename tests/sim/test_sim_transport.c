/* test_sim_transport.c - the simulator's transport keeps the promises of transport.h, fault by fault, and a deployment under all of
 * them ends as one that nothing disturbed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "deploy.h"
#include "transport/probe.h"
#include "transport/sim_node.h"

#define BIN "/usr/local/hestia/bin/"

/* ---- commands ----------------------------------------------------------------------------------------------------- */

static struct segment *add_user(struct command *command, const char *user)
{
    struct segment *segment = command_add(command, BIN "v-add-user", user, "{file}", "info@acme.test", NULL);
    segment_set_input(segment, INPUT_FILE, "Correct-h0rse\n");
    segment->as_root = segment->changes = true;
    return segment;
}

static struct segment *list_user(struct command *command, const char *user)
{
    struct segment *segment = command_add(command, BIN "v-list-user", user, "json", NULL);
    segment->as_root = true;
    return segment;
}

/* Look, make, look again. */
static struct command *make_user(const char *user, int64_t fence)
{
    struct command *command = command_create();
    command->lane = LANE_MAKE;
    command->fence = fence;
    segment_go_on(list_user(command, user), 3);
    segment_go_on(add_user(command, user), 0);
    list_user(command, user);
    return command;
}

static struct command *find_attempt(int64_t fence)
{
    struct command *command = command_create();
    command->lane = LANE_MAKE;
    command->fence = fence;
    command->pick_up = true;
    return command;
}

static void expect_outcome(struct world *world, uint64_t id, enum outcome outcome, enum transport_fault fault)
{
    struct transport_event event = world_result(world, id);
    const struct command_result *result = &event.results[event.result_count - 1];
    if (result->outcome != outcome || result->fault != fault)
        fail_msg("outcome %s, fault %s; want %s, %s\n%s", outcome_name(result->outcome),
                 transport_fault_name(result->fault), outcome_name(outcome), transport_fault_name(fault),
                 buf_text(&world->trace));
    assert_true((result->message != NULL) == (outcome != OUTCOME_ENDED));
    transport_event_finish(&event);
}

static void expect_user(struct world *world, int node, const char *user, bool wanted)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    char line[64];
    snprintf(line, sizeof(line), "\nuser %s ", user);
    buf_add_char(&text, '\n');
    sim_node_dump(transport_sim_memory(world->transport, world_address(node)), false, &text);
    if ((strstr(buf_text(&text), line) != NULL) != wanted)
        fail_msg("user %s: %s%s", user, wanted ? "is missing" : "should not be there", buf_text(&text));
}

/* ---- without faults ----------------------------------------------------------------------------------------------- */

static void segments_come_back_apart(void **state)
{
    struct world world;
    (void)state;
    for (int is_sudo = 0; is_sudo <= 1; is_sudo++) {
        world_open(&world, 1, NULL, is_sudo);
        struct transport_event event = world_result(&world, world_start(&world, WEB, make_user("acme", 1)));
        assert_int_equal(event.result_count, 1);
        const struct command_result *result = &event.results[0];
        assert_int_equal(result->outcome, OUTCOME_ENDED);
        assert_int_equal(result->segment_count, 3);
        assert_int_equal(result->segments[0].exit_code, 3);
        assert_int_equal(result->segments[1].exit_code, 0);
        assert_int_equal(result->segments[2].exit_code, 0);
        assert_non_null(strstr(result->segments[2].out, "\"acme\""));
        assert_true(world.now_ms - WORLD_START_MS > 300); /* a user takes its time */
        transport_event_finish(&event);
        /* exit 0 of the first look does not allow the second segment */
        event = world_result(&world, world_start(&world, WEB, make_user("acme", 2)));
        assert_int_equal(event.results[0].segments[0].exit_code, 0);
        assert_false(event.results[0].segments[1].ran);
        transport_event_finish(&event);
        world_close(&world);
    }
}

static void the_password_file_lives_only_for_its_segment(void **state)
{
    struct world world;
    struct buf text = BUF_INIT;
    (void)state;
    world_open(&world, 1, NULL, false);
    expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_ENDED, FAULT_NONE);
    panel_memory_dump(transport_sim_memory(world.transport, world_address(WEB)), &text);
    assert_null(strstr(buf_text(&text), "/tmp/berth"));
    assert_null(strstr(buf_text(&text), "Correct-h0rse"));
    buf_finish(&text);
    world_close(&world);
}

static void one_changing_command_at_a_time_and_looks_beside_it(void **state)
{
    struct world world;
    struct transport_event event;
    (void)state;
    world_open(&world, 1, NULL, false);
    world_pass(&world, 100);
    uint64_t first = world_start(&world, WEB, make_user("first", 1));
    uint64_t second = world_start(&world, WEB, make_user("second", 2));
    struct command *command = command_create();
    command->lane = LANE_LOOK;
    list_user(command, "admin");
    uint64_t look = world_start(&world, WEB, command);
    uint64_t order[3];
    enum outcome outcomes[3];
    for (size_t i = 0; i < 3;) {
        assert_true(world_event(&world, INT64_MAX - 1, &event));
        if (event.kind == TRANSPORT_RESULT) {
            order[i] = event.command_id;
            outcomes[i++] = event.results[0].outcome;
        }
        transport_event_finish(&event);
    }
    assert_int_equal(order[0], look);
    assert_int_equal(order[1], first);
    assert_int_equal(outcomes[1], OUTCOME_ENDED);
    assert_int_equal(order[2], second); /* it waited for the lock, and got it: the first took less than a second */
    assert_int_equal(outcomes[2], OUTCOME_ENDED);
    world_close(&world);
}

static struct command *rebuild(int64_t fence)
{
    struct command *command = command_create();
    command->lane = LANE_MAKE;
    command->fence = fence;
    command_add(command, BIN "v-rebuild-dns-domain", "acme", "acme.example", "no", NULL)->changes = true;
    return command;
}

/* A zone of eleven records: rewriting it takes seconds. */
static void prepare_zone(struct world *world)
{
    struct move move;
    static const char *const actions[] = { "dns.package", "dns.user", "dns.zone" };
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        assert_true(world_step(world, actions[i], NS1, &move));
        move_finish(&move);
    }
}

static void what_cannot_get_the_lock_is_busy_and_what_is_older_is_fenced(void **state)
{
    struct world world;
    struct transport_sim_counts counts;
    (void)state;
    world_open(&world, 1, NULL, false);
    prepare_zone(&world);
    uint64_t slow = world_start(&world, NS1, rebuild(100));
    uint64_t busy = world_start(&world, NS1, make_user("second", 101));
    expect_outcome(&world, busy, OUTCOME_BUSY, FAULT_NONE);
    expect_outcome(&world, slow, OUTCOME_ENDED, FAULT_NONE);
    expect_outcome(&world, world_start(&world, NS1, make_user("older", 99)), OUTCOME_FENCED, FAULT_NONE);
    expect_outcome(&world, world_start(&world, NS1, make_user("newer", 102)), OUTCOME_ENDED, FAULT_NONE);
    expect_outcome(&world, world_start(&world, NS1, make_user("older", 101)), OUTCOME_FENCED, FAULT_NONE);
    expect_user(&world, NS1, "second", false);
    expect_user(&world, NS1, "older", false);
    expect_user(&world, NS1, "newer", true);
    transport_sim_counts(world.transport, world_address(NS1), &counts);
    assert_int_equal(counts.fenced, 2);
    assert_int_equal(counts.busy, 1);
    world_close(&world);
}

static void output_of_a_long_command_is_streamed_unless_it_is_quiet(void **state)
{
    struct world world;
    (void)state;
    for (int quiet = 0; quiet <= 1; quiet++) {
        struct transport_event event;
        unsigned pieces = 0;
        world_open(&world, 1, NULL, false);
        struct command *command = make_user("acme", 1);
        command->segments[2].quiet = quiet;
        uint64_t id = world_start(&world, WEB, command);
        for (bool over = false; !over; transport_event_finish(&event)) {
            assert_true(world_event(&world, INT64_MAX - 1, &event));
            over = event.kind == TRANSPORT_RESULT && event.command_id == id;
            bool piece = event.kind == TRANSPORT_OUTPUT && event.segment == 2 && event.stream == 1;
            pieces += piece;
            if (piece)
                assert_non_null(strstr(event.data, "CONTACT"));
        }
        assert_int_equal(pieces, quiet ? 0 : 1);
        world_close(&world);
    }
}

static void an_abandoned_command_goes_on_but_is_not_heard_of(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    uint64_t id = world_start(&world, WEB, make_user("acme", 1));
    world_pass(&world, 50);
    buf_clear(&world.trace);
    world.transport->ops->abandon(world.transport, id);
    world_pass(&world, 10000);
    assert_string_equal(buf_text(&world.trace), "");
    expect_user(&world, WEB, "acme", true);
    world_close(&world);
}

static void what_holds_a_node_up_passes(void **state)
{
    static const struct {
        void (*hold)(struct transport *transport, const char *address, int64_t for_ms);
        enum outcome outcome;
        enum transport_fault fault;
    } cases[] = {
        { transport_sim_lock, OUTCOME_BUSY, FAULT_NONE },
        { transport_sim_fill_disk, OUTCOME_NOT_STARTED, FAULT_DISK_FULL },
    };
    static const char *const disks[] = { "/", NULL };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        world_open(&world, 1, NULL, false);
        cases[i].hold(world.transport, world_address(WEB), 5000);
        struct command *command = make_user("acme", 1);
        command->disks = disks;
        command->room_kib = 1;
        expect_outcome(&world, world_start(&world, WEB, command), cases[i].outcome, cases[i].fault);
        expect_user(&world, WEB, "acme", false);
        world_pass(&world, 5000);
        expect_outcome(&world, world_start(&world, WEB, make_user("acme", 2)), OUTCOME_ENDED, FAULT_NONE);
        expect_user(&world, WEB, "acme", true);
        world_close(&world);
    }
}

static void a_command_that_runs_twice_is_counted(void **state)
{
    struct transport_sim_faults faults = { .runs_twice = 100 };
    struct transport_sim_counts counts;
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_ENDED, FAULT_NONE);
    transport_sim_counts(world.transport, world_address(WEB), &counts);
    assert_int_equal(counts.repeats, 0);
    transport_sim_set_faults(world.transport, &faults);
    expect_outcome(&world, world_start(&world, WEB, make_user("beta", 2)), OUTCOME_ENDED, FAULT_NONE);
    transport_sim_counts(world.transport, world_address(WEB), &counts);
    assert_int_equal(counts.repeats, 1);
    world_close(&world);
}

/* ---- faults ------------------------------------------------------------------------------------------------------- */

/* Start one user under a fault that always happens, then without faults find out. */
static void open_with(struct world *world, const struct transport_sim_faults *faults)
{
    world_open(world, 5, NULL, false);
    world_pass(world, 100); /* sessions stand */
    transport_sim_set_faults(world->transport, faults);
}

static void calm(struct world *world)
{
    static const struct transport_sim_faults none = { 0 };
    transport_sim_set_faults(world->transport, &none);
}

static void a_cut_leaves_a_command_that_can_be_picked_up(void **state)
{
    static const struct {
        const char *name;
        struct transport_sim_faults faults;
        enum transport_fault fault;
    } cases[] = {
        { "while it runs", { .cut_during = 100 }, FAULT_CUT },
        { "after its end", { .cut_after = 100 }, FAULT_CUT },
        { "silence", { .silent = 100 }, FAULT_DEADLINE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        open_with(&world, &cases[i].faults);
        expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_UNKNOWN, cases[i].fault);
        calm(&world);
        struct transport_event event = world_result(&world, world_start(&world, WEB, find_attempt(1)));
        assert_int_equal(event.result_count, 1);
        assert_int_equal(event.results[0].outcome, OUTCOME_ENDED);
        assert_int_equal(event.results[0].segments[1].exit_code, 0);
        assert_non_null(strstr(event.results[0].segments[2].out, "\"acme\""));
        transport_event_finish(&event);
        expect_user(&world, WEB, "acme", true);
        world_close(&world);
    }
}

static void a_pick_up_shows_all_commands_of_its_attempt_in_order(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    for (unsigned number = 0; number < 3; number++) {
        char user[8];
        snprintf(user, sizeof(user), "user%u", number);
        struct command *command = make_user(user, 7);
        command->number = number;
        uint64_t id = world_start(&world, WEB, command);
        if (number < 2)
            expect_outcome(&world, id, OUTCOME_ENDED, FAULT_NONE);
        else
            world_pass(&world, 100); /* the last one runs */
    }
    struct transport_event event = world_result(&world, world_start(&world, WEB, find_attempt(7)));
    /* the attempt's own command and the pick-up follow the same record: either answer may come first, this is the pick-up's */
    assert_int_equal(event.result_count, 3);
    for (unsigned number = 0; number < 3; number++) {
        assert_int_equal(event.results[number].number, number);
        assert_int_equal(event.results[number].outcome, OUTCOME_ENDED);
    }
    transport_event_finish(&event);
    world_close(&world);
}

static void what_never_came_never_runs_once_it_was_picked_up(void **state)
{
    static const struct {
        const char *name;
        struct transport_sim_faults faults;
        bool picked_up, user_there;
    } cases[] = {
        { "lost on the way", { .cut_before = 100 }, true, false },
        { "late, picked up before it comes", { .cut_late = 100 }, true, false },
        { "late, nobody asks", { .cut_late = 100 }, false, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        open_with(&world, &cases[i].faults);
        expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_UNKNOWN, FAULT_CUT);
        calm(&world);
        if (cases[i].picked_up)
            expect_outcome(&world, world_start(&world, WEB, find_attempt(1)), OUTCOME_NOT_STARTED, FAULT_NONE);
        world_pass(&world, 60000);
        expect_user(&world, WEB, "acme", cases[i].user_there);
        world_close(&world);
    }
}

static void a_restart_loses_the_command_and_leaves_what_it_had_done(void **state)
{
    static const struct transport_sim_faults faults = { .reboot = 100, .down_ms_max = 3000 };
    unsigned lost = 0, kept = 0, half = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world;
        struct buf text = BUF_INIT;
        world_open(&world, seed, NULL, false);
        world_pass(&world, 100);
        transport_sim_set_faults(world.transport, &faults);
        expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_UNKNOWN, FAULT_CUT);
        calm(&world);
        world_pass(&world, 10000);
        struct transport_event event = world_result(&world, world_start(&world, WEB, find_attempt(1)));
        bool ended = event.results[0].outcome == OUTCOME_ENDED;
        assert_true(ended || event.results[0].outcome == OUTCOME_LOST);
        sim_node_dump(transport_sim_memory(world.transport, world_address(WEB)), false, &text);
        bool complete = strstr(buf_text(&text), "user acme package=default suspended=no") != NULL;
        bool left_over = strstr(buf_text(&text), "left-over system user acme") != NULL ||
                         strstr(buf_text(&text), "user acme package= ") != NULL;
        assert_true(!ended || complete);
        lost += !ended;
        kept += ended;
        half += left_over;
        transport_event_finish(&event);
        buf_finish(&text);
        world_close(&world);
    }
    if (lost == 0 || kept == 0 || half == 0)
        fail_msg("of 40 restarts %u lost the command, %u came after its end, %u left it half done", lost, kept, half);
}

static void a_node_that_is_down_or_refuses_starts_nothing(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    world_pass(&world, 100);
    transport_sim_reboot(world.transport, world_address(WEB), 5000);
    expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_NOT_STARTED, FAULT_CONNECT);
    world_pass(&world, 10000);
    assert_non_null(strstr(buf_text(&world.trace), "down node 1"));
    expect_outcome(&world, world_start(&world, WEB, make_user("acme", 2)), OUTCOME_ENDED, FAULT_NONE);
    static const struct transport_sim_faults refuse = { .refuse = 100 };
    transport_sim_set_faults(world.transport, &refuse);
    transport_sim_cut(world.transport, world_address(WEB));
    expect_outcome(&world, world_start(&world, WEB, make_user("other", 3)), OUTCOME_NOT_STARTED, FAULT_CONNECT);
    world_close(&world);
}

static void a_full_disk_starts_nothing(void **state)
{
    static const struct transport_sim_faults faults = { .disk_full = 100 };
    struct world world;
    (void)state;
    open_with(&world, &faults);
    expect_outcome(&world, world_start(&world, WEB, make_user("acme", 1)), OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    expect_user(&world, WEB, "acme", false);
    world_close(&world);
}

static void the_node_ends_what_takes_longer_than_it_allows(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    prepare_zone(&world);
    struct command *command = rebuild(100);
    command->node_limit_ms = 500;
    expect_outcome(&world, world_start(&world, NS1, command), OUTCOME_KILLED, FAULT_NONE);
    expect_outcome(&world, world_start(&world, NS1, rebuild(101)), OUTCOME_ENDED, FAULT_NONE);
    world_close(&world);
}

static void a_command_of_the_panel_can_be_made_to_fail(void **state)
{
    static const struct {
        int exit_code;
        bool user_there;
    } cases[] = { { 13, false }, { 20, true } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned failed = 0;
        for (uint64_t seed = 1; seed <= 12; seed++) { /* which changing segment fails is drawn: there is only one */
            struct world world;
            struct transport_sim_faults faults = { .panel_fails = 100, .panel_exits = { cases[i].exit_code } };
            world_open(&world, seed, NULL, false);
            world_pass(&world, 100);
            transport_sim_set_faults(world.transport, &faults);
            struct transport_event event = world_result(&world, world_start(&world, WEB, make_user("acme", 1)));
            bool fails = event.results[0].segments[1].exit_code == cases[i].exit_code;
            expect_user(&world, WEB, "acme", !fails || cases[i].user_there);
            failed += fails;
            transport_event_finish(&event);
            world_close(&world);
        }
        assert_true(failed > 0);
    }
}

/* ---- looks from outside ------------------------------------------------------------------------------------------- */

static struct command_result look(struct world *world, const char *const *words)
{
    struct command *command = command_create();
    struct segment *segment = command_add(command, words[0], NULL);
    command->lane = LANE_PROBE;
    for (size_t i = 1; words[i] != NULL; i++)
        segment_add_word(segment, words[i]);
    struct transport_event event = world_result(world, world_start(world, 0, command));
    struct command_result result = event.results[0];
    event.result_count = 0;
    transport_event_finish(&event);
    return result;
}

static void looks_from_outside_see_what_the_servers_have_loaded(void **state)
{
    static const struct {
        const char *words[8];
        int exit_code;
        const char *out;
    } cases[] = {
        { { "http", "192.0.2.11", "80", "acme.example", "/" }, PROBE_ANSWERED, "acme.example" },
        { { "http", "192.0.2.11", "80", "www.acme.example", "/" }, PROBE_ANSWERED, "www.acme.example" },
        { { "http", "192.0.2.11", "80", "no-such-site.invalid", "/" }, PROBE_ANSWERED, "Your new web server works" },
        { { "http", "192.0.2.99", "80", "acme.example", "/" }, PROBE_SILENT, "ms 5000" },
        { { "http", "192.0.2.31", "80", "acme.example", "/" }, PROBE_SILENT, "ms 2" },
        { { "dns", "192.0.2.31", "53", "ask", "acme.example.", "MX" },
          PROBE_ANSWERED,
          "question acme.example. MX NOERROR aa udp\nrecord acme.example. 14400 MX 10 mail.acme.example.\n" },
        { { "dns", "192.0.2.32", "53", "ask", "nothing.acme.example.", "A" }, PROBE_ANSWERED, "NXDOMAIN aa" },
        { { "dns", "192.0.2.32", "53", "ask", "acme.test.", "A" }, PROBE_WRONG, "REFUSED - udp" },
        { { "dns", "192.0.2.32", "53", "ask", "acme.example.", "SOA" }, PROBE_ANSWERED, " SOA ns1.example.net. " },
        { { "imap-greeting", "192.0.2.21", "143" }, PROBE_ANSWERED, "greeting * OK" },
        { { "tcp", "192.0.2.21", "143" }, PROBE_ANSWERED, "ms 2" },
        { { "pause", "70" }, PROBE_ANSWERED, "" },
        { { "tcp", "192.0.2.21" }, PROBE_USAGE, "" },
    };
    struct world world;
    (void)state;
    world_open(&world, 1, NULL, false);
    if (!world_deploy(&world))
        fail_msg("%s\n%s", world.problem, buf_text(&world.trace));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct command_result result = look(&world, cases[i].words);
        const struct segment_result *seen = &result.segments[0];
        if (seen->exit_code != cases[i].exit_code || strstr(seen->out, cases[i].out) == NULL)
            fail_msg("%s %s: exit %d, out:\n%serr:\n%s", cases[i].words[0], cases[i].words[1], seen->exit_code,
                     seen->out, seen->err);
        command_result_finish(&result);
    }
    transport_sim_reboot(world.transport, world_address(WEB), 60000);
    struct command_result result = look(&world, cases[0].words);
    assert_int_equal(result.segments[0].exit_code, PROBE_SILENT);
    command_result_finish(&result);
    world_close(&world);
}

/* ---- deployments -------------------------------------------------------------------------------------------------- */

static void the_same_seed_gives_the_same_events(void **state)
{
    static const struct transport_sim_faults faults = {
        .cut_during = 10, .cut_after = 5, .cut_late = 5, .reboot = 5, .silent = 3, .panel_fails = 5, .down_ms_max = 5000
    };
    struct world worlds[2];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
        world_open(&worlds[i], 81125, &faults, false);
        world_deploy(&worlds[i]);
    }
    assert_string_equal(buf_text(&worlds[0].trace), buf_text(&worlds[1].trace));
    assert_true(strstr(buf_text(&worlds[0].trace), "unknown") != NULL);
    for (size_t i = 0; i < ARRAY_LEN(worlds); i++)
        world_close(&worlds[i]);
}

/* The story line by line: a failure message holds only its beginning. */
static void fail_with(const struct world *world, uint64_t seed, const char *problem)
{
    for (const char *at = buf_text(&world->trace); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        print_error("%.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
    fail_msg("seed %" PRIu64 ": %s", seed, problem);
}

static const struct transport_sim_faults all_faults = { .refuse = 10,
                                                        .cut_before = 4,
                                                        .cut_late = 4,
                                                        .cut_during = 8,
                                                        .cut_after = 5,
                                                        .silent = 2,
                                                        .slow = 5,
                                                        .reboot = 8,
                                                        .down = 2,
                                                        .disk_full = 3,
                                                        .panel_fails = 5,
                                                        .probe_silent = 5,
                                                        .down_ms_max = 20000 };

static unsigned seed_count(void)
{
    const char *wanted = getenv("BERTH_SIM_SEEDS"); /* more, for a long hunt */
    return wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 60;
}

static void dump_undisturbed(bool is_sudo, struct buf *ret_text)
{
    struct world world;
    world_open(&world, 1, NULL, is_sudo);
    if (!world_deploy(&world))
        fail_with(&world, 1, world.problem);
    world_dump(&world, ret_text);
    print_message("undisturbed: %u attempts, %" PRId64 " ms\n", world.attempts, world.now_ms - WORLD_START_MS);
    world_close(&world);
}

/* As root every deployment comes to its end. With sudo for the panel's commands only, what a restart leaves half done may need root:
 * then it ends in a conflict that a person sees, and never by itself in anything else. */
static void deploy_disturbed(bool is_sudo, unsigned *ret_conflicts)
{
    struct buf want = BUF_INIT;
    unsigned attempts = 0;
    *ret_conflicts = 0;
    dump_undisturbed(is_sudo, &want);
    for (uint64_t seed = 1; seed <= seed_count(); seed++) {
        struct buf got = BUF_INIT;
        struct world world;
        world_open(&world, seed, &all_faults, is_sudo);
        bool done = world_deploy(&world);
        if (!done && !(is_sudo && world.verdict == VERDICT_CONFLICT))
            fail_with(&world, seed, world.problem);
        *ret_conflicts += !done;
        attempts += world.attempts;
        world_pass(&world, 120000); /* what still lies in pipes comes, and is refused */
        world_dump(&world, &got);
        if (done && strcmp(buf_text(&got), buf_text(&want)) != 0) {
            print_error("want:\n%s\ngot:\n%s\n", buf_text(&want), buf_text(&got));
            fail_with(&world, seed, "the nodes differ from those of an undisturbed run");
        }
        buf_finish(&got);
        world_close(&world);
    }
    print_message("disturbed: %u seeds, %u attempts, %u conflicts\n", seed_count(), attempts, *ret_conflicts);
    buf_finish(&want);
}

static void a_disturbed_deployment_ends_as_an_undisturbed_one(void **state)
{
    unsigned conflicts;
    (void)state;
    deploy_disturbed(false, &conflicts);
}

static void a_disturbed_deployment_by_sudo_ends_so_or_in_a_conflict(void **state)
{
    unsigned conflicts;
    (void)state;
    deploy_disturbed(true, &conflicts);
    assert_in_range(conflicts, 1, seed_count() / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_come_back_apart),
        cmocka_unit_test(the_password_file_lives_only_for_its_segment),
        cmocka_unit_test(one_changing_command_at_a_time_and_looks_beside_it),
        cmocka_unit_test(what_holds_a_node_up_passes),
        cmocka_unit_test(a_command_that_runs_twice_is_counted),
        cmocka_unit_test(what_cannot_get_the_lock_is_busy_and_what_is_older_is_fenced),
        cmocka_unit_test(output_of_a_long_command_is_streamed_unless_it_is_quiet),
        cmocka_unit_test(an_abandoned_command_goes_on_but_is_not_heard_of),
        cmocka_unit_test(a_cut_leaves_a_command_that_can_be_picked_up),
        cmocka_unit_test(a_pick_up_shows_all_commands_of_its_attempt_in_order),
        cmocka_unit_test(what_never_came_never_runs_once_it_was_picked_up),
        cmocka_unit_test(a_restart_loses_the_command_and_leaves_what_it_had_done),
        cmocka_unit_test(a_node_that_is_down_or_refuses_starts_nothing),
        cmocka_unit_test(a_full_disk_starts_nothing),
        cmocka_unit_test(the_node_ends_what_takes_longer_than_it_allows),
        cmocka_unit_test(a_command_of_the_panel_can_be_made_to_fail),
        cmocka_unit_test(looks_from_outside_see_what_the_servers_have_loaded),
        cmocka_unit_test(the_same_seed_gives_the_same_events),
        cmocka_unit_test(a_disturbed_deployment_ends_as_an_undisturbed_one),
        cmocka_unit_test(a_disturbed_deployment_by_sudo_ends_so_or_in_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
