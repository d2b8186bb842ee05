/* test_ssh_cut.c - durable commands: whatever happens to the connection, a command runs once, and its end becomes known. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/util.h"
#include "client.h"
#include "sshd.h"

static struct sshd sshd;
static struct client client;
static char force_command[128];
static char folder[64]; /* where commands leave traces */

static int start_sshd(void **state)
{
    (void)state;
    const char *shell = getenv("BERTH_TEST_SHELL");
    if (shell != NULL)
        snprintf(force_command, sizeof(force_command), "ForceCommand exec %s\n", shell);
    sshd_start(&sshd, force_command);
    return 0;
}

static int stop_sshd(void **state)
{
    (void)state;
    sshd_stop(&sshd);
    return 0;
}

static int open_client(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test-cut.XXXXXX");
    assert_non_null(mkdtemp(folder));
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    client_wait_up(&client, 1);
    return 0;
}

static int end_client(void **state)
{
    (void)state;
    client_end(&client);
    CLEANUP(freep) char *remove = xasprintf("rm -rf %s", folder);
    return system(remove);
}

static const struct command_result *last_result(const struct transport_event *event)
{
    return &event->results[event->result_count - 1];
}

/* A command that says what it does and leaves a line in a file, so that a second run would show. */
static struct command *counting_command(int64_t fence, unsigned number, const char *sleep_s, int code)
{
    struct command *command = client_command(&client, LANE_MAKE);
    CLEANUP(freep)
    char *text = xasprintf("echo a%u; echo e%u >&2; sleep %s; echo %u >>%s/count; echo b%u; exit %d", number, number,
                           sleep_s, number, folder, number, code);
    client.next_fence--;
    command->fence = fence;
    command->number = number;
    add_sh(command, text);
    return command;
}

static void expect_counted_result(const struct command_result *result, unsigned number, int code)
{
    char out[32];
    char err[32];
    snprintf(out, sizeof(out), "a%u\nb%u\n", number, number);
    snprintf(err, sizeof(err), "e%u\n", number);
    if (result->outcome != OUTCOME_ENDED)
        fail_msg("%s: %s", outcome_name(result->outcome), result->message);
    assert_int_equal(result->number, number);
    assert_true(result->segment_count >= 1);
    assert_string_equal(result->segments[0].out, out);
    assert_string_equal(result->segments[0].err, err);
    assert_int_equal(result->segments[0].exit_code, code);
}

static void expect_count(const char *want)
{
    CLEANUP(freep) char *path = xasprintf("%s/count", folder);
    CLEANUP(freep) char *text = read_text(path);
    assert_string_equal(text, want);
    unlink(path);
}

/* ---- cuts ----------------------------------------------------------------------------------------------------------- */

/* Starts a command and cuts its connection after a while; then does what the engine does until the end is known.
 * @return what the first attempt came to */
static enum outcome run_and_cut(int64_t fence, int64_t after_us, const char *sleep_s)
{
    uint64_t id = client_start(&client, counting_command(fence, 0, sleep_s, 7));
    if (after_us > 0)
        usleep((useconds_t)after_us);
    sshd_cut(&sshd);
    struct transport_event event = client_wait(&client, id);
    enum outcome first = last_result(&event)->outcome;
    for (int turn = 0; last_result(&event)->outcome != OUTCOME_ENDED; turn++) {
        enum outcome outcome = last_result(&event)->outcome;
        assert_true(turn < 20);
        transport_event_finish(&event);
        if (outcome == OUTCOME_UNKNOWN)
            event = client_run(&client, client_pick_up(&client, fence));
        else if (outcome == OUTCOME_NOT_STARTED)
            event = client_run(&client, counting_command(fence, 0, sleep_s, 7));
        else
            fail_msg("cut after %" PRId64 " us: %s", after_us, outcome_name(outcome));
    }
    assert_int_equal(event.result_count, 1);
    expect_counted_result(&event.results[0], 0, 7);
    transport_event_finish(&event);
    expect_count("0\n");
    return first;
}

static void a_cut_at_any_moment_loses_nothing_and_repeats_nothing(void **state)
{
    struct rng rng;
    int seen[OUTCOME_KILLED + 1] = { 0 };
    (void)state;
    const char *wanted = getenv("BERTH_TEST_CUTS"); /* more of them, or another seed, by hand */
    const char *seed = getenv("BERTH_TEST_SEED");
    int cuts = wanted != NULL ? atoi(wanted) : 40;
    rng_init_seed(&rng, seed != NULL ? strtoull(seed, NULL, 10) : 20261123);
    for (int i = 0; i < cuts; i++) {
        /* Half of them in the first moments, where the request is on its way. */
        int64_t after_us = i % 2 == 0 ? rng_range(&rng, 0, 6000) : rng_range(&rng, 0, 120000);
        seen[run_and_cut(client.next_fence++, after_us, "0.06")]++;
        client_wait_up(&client, 1);
    }
    print_message("%d cuts: %d unknown, %d ended before, %d not started\n", cuts, seen[OUTCOME_UNKNOWN],
                  seen[OUTCOME_ENDED], seen[OUTCOME_NOT_STARTED]);
    assert_true(seen[OUTCOME_UNKNOWN] > cuts / 4);
}

static void a_cut_in_the_middle_of_a_large_request_runs_nothing_by_halves(void **state)
{
    struct buf input = BUF_INIT;
    (void)state;
    while (input.length < 2000000)
        buf_addf(&input, "record %zu of a zone\n", input.length);
    for (int i = 0; i < 8; i++) {
        struct command *command = client_command(&client, LANE_MAKE);
        int64_t fence = command->fence;
        CLEANUP(freep) char *text = xasprintf("wc -c >>%s/count", folder);
        segment_set_input(add_sh(command, text), INPUT_STDIN, input.data);
        uint64_t id = client_start(&client, command);
        usleep((useconds_t)i * 1500);
        sshd_cut(&sshd);
        struct transport_event event = client_wait(&client, id);
        bool ended = last_result(&event)->outcome == OUTCOME_ENDED;
        transport_event_finish(&event);
        CLEANUP(freep) char *path = xasprintf("%s/count", folder);
        CLEANUP(freep) char *want = xasprintf("%zu\n", input.length);
        if (!ended) {
            event = client_run(&client, client_pick_up(&client, fence));
            ended = last_result(&event)->outcome == OUTCOME_ENDED;
            if (!ended)
                expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_NONE);
            transport_event_finish(&event);
        }
        client_pump(&client, 50); /* what was called not started stays so */
        CLEANUP(freep) char *counted = read_text(path);
        assert_string_equal(counted, ended ? want : "");
        unlink(path);
    }
    buf_finish(&input);
}

static void a_pick_up_returns_all_commands_of_the_attempt(void **state)
{
    int64_t fence = client.next_fence++;
    (void)state;
    for (unsigned number = 0; number < 3; number++) {
        uint64_t id = client_start(&client, counting_command(fence, number, number == 2 ? "0.8" : "0", (int)number));
        if (number == 2) {
            client_wait_output(&client, 6);
            sshd_cut(&sshd);
        }
        struct transport_event event = client_wait(&client, id);
        if (number == 2)
            expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_CUT);
        transport_event_finish(&event);
    }
    size_t before = client.output_count;
    struct command *pick_up = client_pick_up(&client, fence);
    struct transport_event event = client_run(&client, pick_up);
    assert_int_equal(event.result_count, 3);
    for (unsigned number = 0; number < 3; number++)
        expect_counted_result(&event.results[number], number, (int)number);
    /* And the log gets everything from the beginning, marked with the command's number. */
    unsigned numbers = 0;
    for (size_t i = before; i < client.output_count; i++)
        numbers |= 1U << client.outputs[i].number;
    assert_int_equal(numbers, 7);
    expect_count("0\n1\n2\n");
    transport_event_finish(&event);
}

static void a_pick_up_follows_what_still_runs(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    int64_t fence = command->fence;
    add_sh(command, "i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo line $i; sleep 0.1; done; exit 4");
    uint64_t id = client_start(&client, command);
    client_wait_output(&client, 2);
    sshd_cut(&sshd);
    struct transport_event event = client_wait(&client, id);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_CUT);
    transport_event_finish(&event);
    size_t before = client.output_count;
    event = client_run(&client, client_pick_up(&client, fence));
    assert_int_equal(last_result(&event)->segments[0].exit_code, 4);
    assert_true(client.output_count - before >= 3);
    assert_string_equal(client.outputs[before].data + strlen(client.outputs[before].data) - 1, "\n");
    CLEANUP(freep) char *out = client_output(&client, event.command_id, 0, 1);
    assert_string_equal(out, last_result(&event)->segments[0].out);
    assert_non_null(strstr(out, "line 40\n"));
    transport_event_finish(&event);
}

static void a_pick_up_of_nothing_is_not_started(void **state)
{
    (void)state;
    struct transport_event event = client_run(&client, client_pick_up(&client, 5));
    assert_int_equal(event.result_count, 1);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_NONE);
    transport_event_finish(&event);
}

static void a_pick_up_of_an_older_attempt_is_fenced(void **state)
{
    (void)state;
    for (int64_t fence = 30; fence < 32; fence++) {
        struct transport_event event = client_run(&client, counting_command(fence, 0, "0", 0));
        transport_event_finish(&event);
    }
    client_pump(&client, 500); /* the older record is swept */
    struct transport_event event = client_run(&client, client_pick_up(&client, 30));
    expect_outcome(&event, OUTCOME_FENCED, FAULT_NONE);
    transport_event_finish(&event);
}

/* The request lies in a connection that hangs; it is given up, the node is asked and knows nothing. When the old connection wakes
 * up, the request must not run any more. */
static void a_late_request_does_not_run_after_it_was_called_not_started(void **state)
{
    (void)state;
    client_close(&client);
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    client_wait_up(&client, 1);
    client_pump(&client, 300);
    int64_t fence = client.next_fence++;
    assert_true(sshd_signal_connections(&sshd, SIGSTOP) > 0);
    struct command *command = counting_command(fence, 0, "0", 0);
    command->deadline_ms = 300;
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_DEADLINE);
    transport_event_finish(&event);
    event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_NONE);
    transport_event_finish(&event);
    sshd_signal_connections(&sshd, SIGCONT);
    client_pump(&client, 700);
    expect_count("");
    /* On the new session the same attempt may well run. */
    event = client_run(&client, counting_command(fence, 0, "0", 3));
    expect_counted_result(last_result(&event), 0, 3);
    transport_event_finish(&event);
    expect_count("0\n");
}

static void a_silent_connection_is_given_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct command *command = client_command(&client, i == 0 ? LANE_MAKE : LANE_LOOK);
        int64_t fence = command->fence;
        add_sh(command, "sleep 1.5; echo done; exit 2");
        command->silence_ms = 600;
        uint64_t id = client_start(&client, command);
        client_pump(&client, 200);
        sshd_signal_connections(&sshd, SIGSTOP);
        int64_t begin_us = clock_measure_us();
        struct transport_event event = client_wait(&client, id);
        expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_DEADLINE);
        assert_true(clock_measure_us() - begin_us < 3000000);
        transport_event_finish(&event);
        sshd_signal_connections(&sshd, SIGCONT);
        if (i > 0)
            continue;
        event = client_run(&client, client_pick_up(&client, fence));
        assert_int_equal(last_result(&event)->segments[0].exit_code, 2);
        assert_string_equal(last_result(&event)->segments[0].out, "done\n");
        transport_event_finish(&event);
    }
}

static void a_quiet_command_on_a_live_connection_is_not_silent(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct command *command = client_command(&client, i == 0 ? LANE_MAKE : LANE_LOOK);
        add_sh(command, "sleep 2; echo done");
        command->silence_ms = 900;
        struct transport_event event = client_run(&client, command);
        assert_string_equal(last_result(&event)->segments[0].out, "done\n");
        transport_event_finish(&event);
    }
}

static void a_deadline_leaves_the_command_running(void **state)
{
    (void)state;
    struct command *command = counting_command(client.next_fence++, 0, "1", 5);
    int64_t fence = command->fence;
    command->deadline_ms = 300;
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_DEADLINE);
    transport_event_finish(&event);
    event = client_run(&client, client_pick_up(&client, fence));
    expect_counted_result(last_result(&event), 0, 5);
    transport_event_finish(&event);
    expect_count("0\n");
}

/* ---- berthd and node restarts --------------------------------------------------------------------------------------- */

static void commands_outlive_the_transport(void **state)
{
    (void)state;
    struct command *command = counting_command(client.next_fence++, 0, "1", 6);
    int64_t fence = command->fence;
    client_start(&client, command);
    client_wait_output(&client, 1);
    int64_t begin_us = clock_measure_us();
    client_close(&client);
    assert_true(clock_measure_us() - begin_us < 700000);
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_event event = client_run(&client, client_pick_up(&client, fence));
    expect_counted_result(last_result(&event), 0, 6);
    transport_event_finish(&event);
    expect_count("0\n");
}

/* The newest record with a header; its name without the ending. */
static char *record_path(void)
{
    CLEANUP(freep) char *state = client_state_path(&client, "");
    CLEANUP(freep)
    char *list = xasprintf("for f in '%s'*.run; do test -s \"$f\" && echo \"$f\"; done | xargs ls -t | head -1", state);
    char path[512] = "";
    FILE *pipe = popen(list, "re");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%511s", path), 1);
    pclose(pipe);
    path[strlen(path) - 4] = '\0';
    return xstrdup(path);
}

static void start_and_cut(int64_t fence, const char *text, int64_t node_limit_ms)
{
    struct command *command = client_command(&client, LANE_MAKE);
    client.next_fence--;
    command->fence = fence;
    command->node_limit_ms = node_limit_ms;
    add_sh(command, text);
    uint64_t id = client_start(&client, command);
    client_wait_output(&client, 1);
    sshd_cut(&sshd);
    struct transport_event event = client_wait(&client, id);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_CUT);
    transport_event_finish(&event);
}

static void a_command_of_another_boot_is_lost(void **state)
{
    (void)state;
    int64_t fence = client.next_fence++;
    start_and_cut(fence, "echo here; exec sleep 66.6", 0);
    CLEANUP(freep) char *record = record_path();
    CLEANUP(freep)
    char *edit =
        xasprintf("sed -i 's/[0-9a-f]\\{8\\}-[0-9a-f-]\\{27\\}/00000000-0000-4000-8000-000000000000/' %s.run", record);
    assert_int_equal(system(edit), 0);
    struct transport_event event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_LOST, FAULT_NONE);
    assert_string_equal(last_result(&event)->segments[0].out, "here\n");
    assert_false(last_result(&event)->segments[0].ran);
    transport_event_finish(&event);
    CLEANUP(freep) char *end = xasprintf("kill -s KILL -- -$(head -1 %s.run | cut -d' ' -f5)", record);
    assert_int_equal(system(end), 0);
}

static void a_command_whose_shell_was_killed_is_lost_when_it_has_ended(void **state)
{
    (void)state;
    int64_t fence = client.next_fence++;
    start_and_cut(fence, "echo here; sleep 3; echo there", 0);
    CLEANUP(freep) char *record = record_path();
    CLEANUP(freep) char *kill_shell = xasprintf("kill -9 $(head -1 %s.run | cut -d' ' -f5)", record);
    assert_int_equal(system(kill_shell), 0);
    /* Nothing else may run beside it. */
    struct command *command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_BUSY, FAULT_NONE);
    transport_event_finish(&event);
    int64_t begin_us = clock_measure_us();
    event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_LOST, FAULT_NONE);
    assert_string_equal(last_result(&event)->segments[0].out, "here\nthere\n");
    transport_event_finish(&event);
    assert_true(clock_measure_us() - begin_us < 10000000);
}

static void a_shell_that_is_killed_under_a_command_is_noticed_at_once(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "echo here; kill -9 $PPID; sleep 0.5");
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_LOST, FAULT_NONE);
    transport_event_finish(&event);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
    command = client_command(&client, LANE_LOOK);
    add_sh(command, "echo here; kill -9 $PPID; sleep 0.1");
    event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_CUT);
    transport_event_finish(&event);
}

static void the_node_limit_holds_for_a_pick_up_too(void **state)
{
    (void)state;
    int64_t fence = client.next_fence++;
    CLEANUP(freep) char *text = xasprintf("echo here; sleep 55.%d", sshd.port);
    start_and_cut(fence, text, 600);
    usleep(700000);
    struct transport_event event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_KILLED, FAULT_NONE);
    assert_int_equal(last_result(&event)->segments[0].exit_code, 137);
    transport_event_finish(&event);
    CLEANUP(freep) char *left = xasprintf("pgrep -f '^sleep 55[.]%d' >/dev/null", sshd.port);
    assert_int_not_equal(system(left), 0);
    /* And it stays killed. */
    event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_KILLED, FAULT_NONE);
    transport_event_finish(&event);
}

static void input_files_of_killed_commands_go(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    int64_t fence = command->fence;
    segment_set_input(command_add(command, "sh", "-c", "echo here; kill -9 $PPID; sleep 0.2", "x", "{file}", NULL),
                      INPUT_FILE, "secret");
    CLEANUP(freep) char *gone = xasprintf("test -z \"$(ls -d /tmp/berth-%s-* 2>/dev/null)\"", client.installation);
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_LOST, FAULT_NONE);
    transport_event_finish(&event);
    event = client_run(&client, client_pick_up(&client, fence));
    expect_outcome(&event, OUTCOME_LOST, FAULT_NONE);
    transport_event_finish(&event);
    assert_int_equal(system(gone), 0);
}

static void a_full_disk_still_gives_the_exit_code(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    CLEANUP(freep) char *path = client_state_path(&client, "");
    CLEANUP(freep)
    char *mount = xasprintf("mkdir -p '%s' && mount -t tmpfs -o size=64k,mode=700 none '%s'", path, path);
    CLEANUP(freep) char *unmount = xasprintf("umount -l '%s'", path);
    if (system(mount) != 0)
        skip();
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "head -c 200000 /dev/zero | tr '\\000' x; exit 3");
    struct transport_event event = client_run(&client, command);
    const struct command_result *result = last_result(&event);
    int code = result->outcome == OUTCOME_ENDED ? result->segments[0].exit_code : -1;
    bool truncated = result->outcome == OUTCOME_ENDED && result->segments[0].truncated;
    transport_event_finish(&event);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    enum outcome second = last_result(&event)->outcome;
    enum transport_fault fault = last_result(&event)->fault;
    transport_event_finish(&event);
    assert_int_equal(system(unmount), 0);
    assert_int_equal(code, 3);
    assert_true(truncated);
    if (second != OUTCOME_ENDED) { /* it may have found room, after the sweep */
        assert_int_equal(second, OUTCOME_NOT_STARTED);
        assert_int_equal(fault, FAULT_STATE_DIR);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_client, end_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_cut_at_any_moment_loses_nothing_and_repeats_nothing),
        CASE(a_cut_in_the_middle_of_a_large_request_runs_nothing_by_halves),
        CASE(a_pick_up_returns_all_commands_of_the_attempt),
        CASE(a_pick_up_follows_what_still_runs),
        CASE(a_pick_up_of_nothing_is_not_started),
        CASE(a_pick_up_of_an_older_attempt_is_fenced),
        CASE(a_late_request_does_not_run_after_it_was_called_not_started),
        CASE(a_silent_connection_is_given_up),
        CASE(a_quiet_command_on_a_live_connection_is_not_silent),
        CASE(a_deadline_leaves_the_command_running),
        CASE(commands_outlive_the_transport),
        CASE(a_command_of_another_boot_is_lost),
        CASE(a_command_whose_shell_was_killed_is_lost_when_it_has_ended),
        CASE(a_shell_that_is_killed_under_a_command_is_noticed_at_once),
        CASE(the_node_limit_holds_for_a_pick_up_too),
        CASE(input_files_of_killed_commands_go),
        CASE(a_full_disk_still_gives_the_exit_code),
    };
    return cmocka_run_group_tests(tests, start_sshd, stop_sshd);
}
