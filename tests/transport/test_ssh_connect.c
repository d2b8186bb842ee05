/* test_ssh_connect.c - sessions: keys, servers that do not answer or answer wrongly, limits of channels, changes of a node. */
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
#include "base/util.h"
#include "client.h"
#include "sshd.h"

#define NODES 50

static struct sshd sshd;
static struct client client;

static int start_default(void **state)
{
    (void)state;
    sshd_start(&sshd, "");
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    client_end(&client);
    sshd_stop(&sshd);
    return 0;
}

static struct transport_event run_true(enum lane lane)
{
    struct command *command = client_command(&client, lane);
    command_add(command, "true", NULL);
    return client_run(&client, command);
}

static void expect_works(void)
{
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
    event = run_true(LANE_LOOK);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
}

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

static void another_host_key_is_refused_with_both_fingerprints(void **state)
{
    CLEANUP(freep) char *shown = NULL;
    CLEANUP(freep) char *recorded = NULL;
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_node node = sshd_node(&sshd, 1);
    node.host_key = sshd.other_host_key;
    client.transport->ops->set_node(client.transport, &node);
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_HOST_KEY);
    assert_true(ssh_key_fingerprint(sshd.host_key, &shown));
    assert_true(ssh_key_fingerprint(sshd.other_host_key, &recorded));
    assert_non_null(strstr(event.results[0].message, shown));
    assert_non_null(strstr(event.results[0].message, recorded));
    transport_event_finish(&event);
    assert_int_equal(client.downs, 1);
    assert_int_equal(client.down_fault, FAULT_HOST_KEY);
    /* The right key, recorded by a person, and it works at once. */
    node.host_key = sshd.host_key;
    client.transport->ops->set_node(client.transport, &node);
    expect_works();
    assert_int_equal(client.ups, 1);
}

static void a_host_key_of_another_type_is_refused(void **state)
{
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_node node = sshd_node(&sshd, 1);
    node.host_key = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ";
    client.transport->ops->set_node(client.transport, &node);
    struct transport_event event = run_true(LANE_LOOK);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_HOST_KEY);
    transport_event_finish(&event);
}

static void a_comment_behind_the_host_key_does_not_count(void **state)
{
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_node node = sshd_node(&sshd, 1);
    CLEANUP(freep) char *line = xasprintf("%s root@web1 and more", sshd.host_key);
    node.host_key = line;
    client.transport->ops->set_node(client.transport, &node);
    expect_works();
}

static void a_key_that_is_not_accepted_says_so(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ .key_path = sshd.wrong_key_path });
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_AUTH);
    CLEANUP(freep) char *want = xasprintf("web1 does not accept our SSH key for user %s", sshd.user);
    assert_string_equal(event.results[0].message, want);
    transport_event_finish(&event);
}

static void a_server_tells_its_key(void **state)
{
    struct err err = { 0 };
    CLEANUP(freep) char *line = NULL;
    CLEANUP(freep) char *fingerprint = NULL;
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    assert_true(ssh_scan_host_key("127.0.0.1", sshd.port, 5000, &line, &fingerprint, &err));
    assert_int_equal(strncmp(line, sshd.host_key, strlen(line)), 0);
    CLEANUP(freep) char *check = xasprintf("ssh-keygen -lf %s/host.pub | grep -qF '%s'", sshd.folder, fingerprint);
    assert_int_equal(system(check), 0);
    char *nothing = NULL;
    assert_false(ssh_key_fingerprint("not a key", &nothing));
    assert_false(ssh_key_fingerprint("ssh-ed25519 AAAA", &nothing));
    assert_false(ssh_scan_host_key("127.0.0.1", 1, 5000, &line, &fingerprint, &err));
    kill(sshd.pid, SIGSTOP);
    int64_t begin_us = clock_measure_us();
    assert_false(ssh_scan_host_key("127.0.0.1", sshd.port, 300, &line, &fingerprint, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_true(clock_measure_us() - begin_us < 2000000);
    kill(sshd.pid, SIGCONT);
}

static void a_new_key_is_private_and_never_replaces_one(void **state)
{
    struct err err = { 0 };
    struct stat status;
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    CLEANUP(freep) char *path = xasprintf("%s/fresh", sshd.folder);
    assert_true(ssh_generate_key(path, &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    CLEANUP(freep)
    char *check =
        xasprintf("test \"$(ssh-keygen -yf %s | cut -d' ' -f1,2)\" = \"$(cut -d' ' -f1,2 %s.pub)\"", path, path);
    assert_int_equal(system(check), 0);
    CLEANUP(freep) char *before = read_text(path);
    assert_false(ssh_generate_key(path, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    CLEANUP(freep) char *after = read_text(path);
    assert_string_equal(before, after);
}

static void a_wrong_configuration_is_refused(void **state)
{
    static const char *const installations[] = { NULL, "", "short", "toolong", "ABC123", "a-b.c/" };
    struct err err = { 0 };
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    for (size_t i = 0; i < ARRAY_LEN(installations); i++) {
        struct transport_ssh_config config = { .key_path = sshd.key_path, .installation = installations[i] };
        assert_null(transport_ssh_create(&config, (struct transport_wake){ 0 }, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    struct transport_ssh_config config = { .key_path = "/no/such/key", .installation = "abc123" };
    assert_null(transport_ssh_create(&config, (struct transport_wake){ 0 }, &err));
    assert_non_null(strstr(err.msg, "/no/such/key"));
}

/* ---- servers that do not answer ------------------------------------------------------------------------------------- */

static void a_tarpit_is_not_started_within_the_limit(void **state)
{
    (void)state;
    kill(sshd.pid, SIGSTOP);
    client_open(&client, &sshd, (struct transport_ssh_config){ .connect_ms = 500 });
    int64_t begin_us = clock_measure_us();
    struct transport_event event = run_true(LANE_MAKE);
    int64_t took_ms = (clock_measure_us() - begin_us) / 1000;
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CONNECT);
    transport_event_finish(&event);
    assert_true(took_ms >= 450 && took_ms < 2000);
    kill(sshd.pid, SIGCONT);
}

static void nobody_there_is_not_started(void **state)
{
    static const struct {
        const char *address;
        int port;
    } cases[] = { { "127.0.0.1", 1 }, { "no-such-host.invalid", 22 }, { "192.0.2.1", 22 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        client_open_bare(&client, &sshd, (struct transport_ssh_config){ .connect_ms = 400 });
        struct transport_node node = sshd_node(&sshd, 1);
        node.address = cases[i].address;
        node.port = cases[i].port;
        client.transport->ops->set_node(client.transport, &node);
        struct transport_event event = run_true(LANE_MAKE);
        expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CONNECT);
        assert_non_null(strstr(event.results[0].message, "web1"));
        transport_event_finish(&event);
        int64_t begin_us = clock_measure_us();
        client_close(&client); /* also while a name is looked up */
        assert_true(clock_measure_us() - begin_us < 700000);
    }
}

static void an_unknown_node_is_not_started(void **state)
{
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CONNECT);
    transport_event_finish(&event);
}

/* As it happens while the panel adds a user. */
static void a_server_that_restarts_is_waited_for(void **state)
{
    (void)state;
    sshd_halt(&sshd);
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct command *command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    uint64_t id = client_start(&client, command);
    client_pump(&client, 600);
    assert_int_equal(client.result_count, 0);
    assert_int_equal(client.downs, 1);
    sshd_resume(&sshd);
    struct transport_event event = client_wait(&client, id);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
    assert_int_equal(client.ups, 1);
}

static void a_broken_session_is_replaced_by_itself(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    for (int i = 1; i <= 3; i++) {
        client_wait_up(&client, i);
        sshd_cut(&sshd);
    }
    client_wait_up(&client, 4);
    assert_int_equal(client.downs, 3);
    expect_works();
}

static void an_idle_session_that_hangs_is_noticed(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ .health_ms = 200, .silence_ms = 500 });
    client_wait_up(&client, 1);
    client_pump(&client, 300);
    sshd_signal_connections(&sshd, SIGSTOP);
    client_wait_up(&client, 2);
    assert_int_equal(client.downs, 1);
    sshd_signal_connections(&sshd, SIGCONT);
    expect_works();
}

/* ---- channels ------------------------------------------------------------------------------------------------------- */

static void few_channels_are_enough(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels++) {
        client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
        struct transport_node node = sshd_node(&sshd, 1);
        node.channels_max = channels;
        client.transport->ops->set_node(client.transport, &node);
        expect_works();
        struct command *command = client_command(&client, LANE_MAKE);
        add_sh(command, "sleep 0.4; echo done");
        uint64_t make = client_start(&client, command);
        struct transport_event event = run_true(LANE_LOOK);
        expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
        transport_event_finish(&event);
        event = client_wait(&client, make);
        assert_string_equal(event.results[0].segments[0].out, "done\n");
        transport_event_finish(&event);
        client_close(&client);
    }
}

static int start_two_sessions(void **state)
{
    (void)state;
    sshd_start(&sshd, "MaxSessions 2\n");
    return 0;
}

static int start_noisy(void **state)
{
    (void)state;
    sshd_start(&sshd, "ForceCommand echo welcome; echo 'unknown terminal' >&2; echo; $SSH_ORIGINAL_COMMAND\n");
    return 0;
}

static int start_no_shell(void **state)
{
    (void)state;
    sshd_start(&sshd, "ForceCommand echo 'This service allows sftp connections only.'; exit 1\n");
    return 0;
}

static void fewer_channels_than_promised_are_enough(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    expect_works();
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "sleep 0.4; echo done");
    uint64_t make = client_start(&client, command);
    struct transport_event event = run_true(LANE_LOOK);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
    event = client_wait(&client, make);
    assert_string_equal(event.results[0].segments[0].out, "done\n");
    transport_event_finish(&event);
}

static void noise_of_login_scripts_is_skipped(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct command *command = client_command(&client, LANE_LOOK);
    add_sh(command, "echo clean; echo too >&2");
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    assert_string_equal(event.results[0].segments[0].out, "clean\n");
    assert_string_equal(event.results[0].segments[0].err, "too\n");
    transport_event_finish(&event);
    expect_works();
}

static void an_account_without_a_shell_says_so(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ .connect_ms = 3000 });
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CHANNEL);
    transport_event_finish(&event);
}

static void segments_that_want_root_go_through_sudo(void **state)
{
    (void)state;
    if (geteuid() != 0 || system("sudo -n true 2>/dev/null") != 0)
        skip();
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct transport_node node = sshd_node(&sshd, 1);
    node.sudo = true;
    client.transport->ops->set_node(client.transport, &node);
    for (int lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, lane == 0 ? LANE_MAKE : LANE_LOOK);
        struct segment *segment = add_sh(command, "echo \"by $SUDO_USER\"; cat \"$0\"");
        segment->as_root = true;
        segment_add_word(segment, "{file}");
        segment_set_input(segment, INPUT_FILE, "input");
        segment_go_on(segment, 0);
        add_sh(command, "echo \"by $SUDO_USER\"");
        struct transport_event event = client_run(&client, command);
        expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
        CLEANUP(freep) char *want = xasprintf("by %s\ninput", sshd.user);
        assert_string_equal(event.results[0].segments[0].out, want);
        assert_string_equal(event.results[0].segments[1].out, "by \n");
        transport_event_finish(&event);
    }
}

/* ---- changes of a node ---------------------------------------------------------------------------------------------- */

static void a_changed_node_lets_its_commands_end(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "echo begun; sleep 1.5; echo done");
    uint64_t id = client_start(&client, command);
    client_wait_output(&client, 1);
    struct transport_node node = sshd_node(&sshd, 1);
    node.channels_max = 3;
    client.transport->ops->set_node(client.transport, &node);
    struct transport_event event = run_true(LANE_LOOK); /* over the new session */
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    transport_event_finish(&event);
    event = client_wait(&client, id);
    expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
    assert_string_equal(event.results[0].segments[0].out, "begun\ndone\n");
    transport_event_finish(&event);
    assert_int_equal(client.downs, 0);
}

static void more_looks_at_once_need_no_restart(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "echo begun; sleep 1.5; echo done");
    uint64_t make = client_start(&client, command);
    client_wait_output(&client, 1);
    transport_ssh_set_limits(client.transport, &(struct transport_ssh_limits){ .look_lanes = 5 });
    /* Five looks end only when all five run at once: each makes a file and waits for those of the others. */
    static uint64_t ids[5];
    CLEANUP(freep) char *folder = client_state_path(&client, "all");
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        CLEANUP(freep)
        char *text = xasprintf("mkdir -p %s; : >%s/%u; until [ $(ls %s | wc -l) = 5 ]; do sleep 0.05; done", folder,
                               folder, i, folder);
        command = client_command(&client, LANE_LOOK);
        add_sh(command, text);
        ids[i] = client_start(&client, command);
    }
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        struct transport_event event = client_wait(&client, ids[i]);
        expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
        transport_event_finish(&event);
    }
    struct transport_event event = client_wait(&client, make); /* over the old session */
    assert_string_equal(event.results[0].segments[0].out, "begun\ndone\n");
    transport_event_finish(&event);
    assert_int_equal(client.downs, 0);
    /* and back to one channel for everything */
    transport_ssh_set_limits(client.transport, &(struct transport_ssh_limits){ .channels_max = 1 });
    expect_works();
}

static void a_shorter_time_to_connect_holds_at_once(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ .connect_ms = 60000 });
    expect_works();
    kill(sshd.pid, SIGSTOP); /* the kernel accepts, nobody answers */
    sshd_cut(&sshd);
    for (int i = 0; i < 100 && client.downs == 0; i++)
        client_pump(&client, 50);
    transport_ssh_set_limits(client.transport, &(struct transport_ssh_limits){ .connect_ms = 500 });
    int64_t begin_us = clock_measure_us();
    struct transport_event event = run_true(LANE_MAKE);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CUT); /* what it says of the node is the last that is known */
    assert_true(clock_measure_us() - begin_us < 10000000);
    transport_event_finish(&event);
    kill(sshd.pid, SIGCONT);
}

static void a_removed_node_gives_its_commands_back(void **state)
{
    (void)state;
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "echo begun; sleep 0.5");
    uint64_t id = client_start(&client, command);
    client_wait_output(&client, 1);
    client.transport->ops->remove_node(client.transport, 1);
    struct transport_event event = client_wait(&client, id);
    expect_outcome(&event, OUTCOME_UNKNOWN, FAULT_CUT);
    transport_event_finish(&event);
    event = run_true(LANE_LOOK);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_CONNECT);
    transport_event_finish(&event);
}

static void many_nodes_are_served_by_one_thread(void **state)
{
    static uint64_t ids[NODES];
    (void)state;
    client_open_bare(&client, &sshd, (struct transport_ssh_config){ .connect_ms = 60000 });
    for (int64_t id = 1; id <= NODES; id++) {
        struct transport_node node = sshd_node(&sshd, id);
        node.channels_max = 2;
        client.transport->ops->set_node(client.transport, &node);
    }
    for (int64_t id = 1; id <= NODES; id++) {
        struct command *command = client_command(&client, LANE_LOOK);
        char number[16];
        snprintf(number, sizeof(number), "%" PRId64, id);
        command->node_id = id;
        command->deadline_ms = 60000;
        command_add(command, "echo", number, NULL);
        ids[id - 1] = client_start(&client, command);
    }
    for (int i = 0; i < 3 && client.ups < NODES; i++) /* the machine may be busy */
        client_pump(&client, 5000);
    for (int64_t id = 1; id <= NODES; id++) {
        struct transport_event event = client_wait(&client, ids[id - 1]);
        char want[16];
        snprintf(want, sizeof(want), "%" PRId64 "\n", id);
        expect_outcome(&event, OUTCOME_ENDED, FAULT_NONE);
        assert_string_equal(event.results[0].segments[0].out, want);
        assert_int_equal(event.node_id, id);
        transport_event_finish(&event);
    }
    int64_t begin_us = clock_measure_us();
    client_close(&client);
    assert_true(clock_measure_us() - begin_us < 1000000);
}

#define CASE_AT(name, start) cmocka_unit_test_setup_teardown(name, start, end_all)
#define CASE(name) CASE_AT(name, start_default)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(another_host_key_is_refused_with_both_fingerprints),
        CASE(a_host_key_of_another_type_is_refused),
        CASE(a_comment_behind_the_host_key_does_not_count),
        CASE(a_key_that_is_not_accepted_says_so),
        CASE(a_server_tells_its_key),
        CASE(a_new_key_is_private_and_never_replaces_one),
        CASE(a_wrong_configuration_is_refused),
        CASE(a_tarpit_is_not_started_within_the_limit),
        CASE(nobody_there_is_not_started),
        CASE(an_unknown_node_is_not_started),
        CASE(a_server_that_restarts_is_waited_for),
        CASE(a_broken_session_is_replaced_by_itself),
        CASE(an_idle_session_that_hangs_is_noticed),
        CASE(few_channels_are_enough),
        CASE_AT(fewer_channels_than_promised_are_enough, start_two_sessions),
        CASE_AT(noise_of_login_scripts_is_skipped, start_noisy),
        CASE_AT(an_account_without_a_shell_says_so, start_no_shell),
        CASE(segments_that_want_root_go_through_sudo),
        CASE(a_changed_node_lets_its_commands_end),
        CASE(more_looks_at_once_need_no_restart),
        CASE(a_shorter_time_to_connect_holds_at_once),
        CASE(a_removed_node_gives_its_commands_back),
        CASE(many_nodes_are_served_by_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
