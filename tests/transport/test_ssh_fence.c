/* test_ssh_fence.c - what keeps a node's commands apart: fence, lock, records, the node's own time limit. BERTH_TEST_SHELL as in
 * test_ssh.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/util.h"
#include "client.h"
#include "sshd.h"

static struct sshd sshd;
static struct client client;
static char force_command[128];

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
    client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    return 0;
}

static int end_client(void **state)
{
    (void)state;
    client_end(&client);
    return 0;
}

/* ---- fence, lock, records ------------------------------------------------------------------------------------------- */

static void a_lower_fence_is_refused(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    command->fence = 50;
    command_add(command, "true", NULL);
    struct transport_event event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
    command = client_command(&client, LANE_MAKE);
    command->fence = 49;
    command_add(command, "touch", "/tmp/never-made", NULL);
    event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_FENCED, FAULT_NONE);
    assert_non_null(strstr(event.results[0].message, "50"));
    assert_int_equal(access("/tmp/never-made", F_OK), -1);
    transport_event_finish(&event);
}

static void either_copy_of_the_fence_is_enough(void **state)
{
    static const char *const names[] = { "fence.a", "fence.b" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names) * 2; i++) {
        struct command *command = client_command(&client, LANE_MAKE);
        command_add(command, "true", NULL);
        command->fence = 60 + (int64_t)i;
        struct transport_event event = client_run(&client, command);
        expect_ended(&event, 1);
        transport_event_finish(&event);
        CLEANUP(freep) char *path = client_state_path(&client, names[i % 2]);
        write_text(path, i < 2 ? "" : "99999 7", 0600); /* cut while it was written */
        command = client_command(&client, LANE_MAKE);
        command_add(command, "true", NULL);
        command->fence = 59 + (int64_t)i;
        event = client_run(&client, command);
        expect_outcome(&event, OUTCOME_FENCED, FAULT_NONE);
        transport_event_finish(&event);
    }
}

static void a_command_that_has_a_record_is_not_run_again(void **state)
{
    (void)state;
    CLEANUP(freep) char *count = xasprintf("%s/count", sshd.folder);
    CLEANUP(freep) char *script = xasprintf("echo x >>%s; echo out; exit 6", count);
    unlink(count);
    for (int turn = 0; turn < 3; turn++) {
        for (unsigned number = 0; number < 2; number++) {
            struct command *command = client_command(&client, LANE_MAKE);
            command->fence = 70;
            command->number = number;
            add_sh(command, number == 0 ? script : "exit 8");
            struct transport_event event = client_run(&client, command);
            assert_int_equal(event.result_count, 1);
            assert_int_equal(event.results[0].number, number);
            assert_int_equal(expect_ended(&event, 1)[0].exit_code, number == 0 ? 6 : 8);
            assert_string_equal(expect_ended(&event, 1)[0].out, number == 0 ? "out\n" : "");
            transport_event_finish(&event);
        }
        /* The second time from this session, the third from another. */
        client_close(&client);
        client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    }
    CLEANUP(freep) char *text = read_text(count);
    assert_string_equal(text, "x\n");
    unlink(count);
}

static void a_held_lock_is_busy(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    struct transport_event event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
    CLEANUP(freep) char *path = client_state_path(&client, "lock");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "touch", "/tmp/never-made", NULL);
    event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_BUSY, FAULT_NONE);
    transport_event_finish(&event);
    close(fd);
    assert_int_equal(access("/tmp/never-made", F_OK), -1);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
}

static void no_state_directory_means_not_started(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = client_state_path(&client, "");
    path[strlen(path) - 1] = '\0';
    client_wait_up(&client, 1);
    client_pump(&client, 100);
    CLEANUP(freep) char *remove = xasprintf("rm -rf '%s'", path);
    assert_int_equal(system(remove), 0);
    write_text(path, "in the way", 0600);
    struct command *command = client_command(&client, LANE_MAKE);
    command_add(command, "touch", "/tmp/never-made", NULL);
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_NOT_STARTED, FAULT_STATE_DIR);
    assert_non_null(strstr(event.results[0].message, "web1"));
    transport_event_finish(&event);
    assert_int_equal(access("/tmp/never-made", F_OK), -1);
    unlink(path);
    /* It comes back by itself. */
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

/* /proc has no room, ever. */
static void a_full_disk_means_not_started(void **state)
{
    (void)state;
    static const char *const with_proc[] = { "/", "/no/such/disk", "/proc", NULL };
    static const struct {
        int64_t room_kib;
        enum outcome outcome;
    } cases[] = {
        { 0, OUTCOME_ENDED },          /* not asked */
        { 1024, OUTCOME_NOT_STARTED }, /* measured now */
        { 1024, OUTCOME_NOT_STARTED }, /* measured when the one before was answered */
        { 0, OUTCOME_ENDED },          { INT64_MAX / 2, OUTCOME_NOT_STARTED },
    };
    CLEANUP(freep) char *made = xasprintf("/tmp/berth-room-%d", (int)getpid());
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct command *command = client_command(&client, LANE_MAKE);
        command_add(command, "touch", made, NULL);
        command->disks = with_proc;
        command->room_kib = cases[i].room_kib;
        struct transport_event event = client_run(&client, command);
        bool runs = cases[i].outcome == OUTCOME_ENDED;
        expect_outcome(&event, cases[i].outcome, runs ? FAULT_NONE : FAULT_DISK_FULL);
        if (!runs)
            assert_non_null(strstr(event.results[0].message, "web1 has "));
        transport_event_finish(&event);
        assert_int_equal(unlink(made), runs ? 0 : -1);
    }
    static const char *const root[] = { "/", "/no/such/disk", NULL };
    struct command *command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    command->disks = root;
    command->room_kib = 1;
    struct transport_event event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
}

/* ---- a node whose `stat` is the test's ------------------------------------------------------------------------------- */

static struct {
    struct sshd sshd;
    struct client client;
    char *folder, *stat, *hangs; /* hangs: a file that the script may ask for */
} odd;

static void odd_begin(const char *script)
{
    const char *shell = getenv("BERTH_TEST_SHELL");
    odd.folder = xasprintf("/tmp/berth-odd-stat-%d", (int)getpid());
    odd.stat = xasprintf("%s/stat", odd.folder);
    odd.hangs = xasprintf("%s/hangs", odd.folder);
    CLEANUP(freep)
    char *forced = xasprintf("ForceCommand exec env HANGS=%s PATH=%s:/usr/bin:/bin %s\n", odd.hangs, odd.folder,
                             shell == NULL ? "sh" : shell);
    assert_int_equal(mkdir(odd.folder, 0755), 0);
    write_text(odd.stat, script, 0755);
    sshd_start(&odd.sshd, forced);
    client_open(&odd.client, &odd.sshd, (struct transport_ssh_config){ 0 });
}

static void odd_end(void)
{
    client_end(&odd.client);
    sshd_stop(&odd.sshd);
    unlink(odd.hangs);
    unlink(odd.stat);
    rmdir(odd.folder);
    free(odd.hangs);
    free(odd.stat);
    free(odd.folder);
}

static uint64_t odd_start(void)
{
    static const char *const root[] = { "/", NULL };
    struct command *command = client_command(&odd.client, LANE_MAKE);
    command_add(command, "true", NULL);
    command->disks = root;
    command->room_kib = 1024;
    return client_start(&odd.client, command);
}

static void a_disk_that_does_not_answer_keeps_no_lock(void **state)
{
    (void)state;
    odd_begin("#!/bin/sh\necho begun >>$HANGS\nwhile [ -e $HANGS ]; do sleep 0.05; done\nexec /usr/bin/stat \"$@\"\n");
    write_text(odd.hangs, "", 0600);
    uint64_t id = odd_start();
    CLEANUP(freep) char *said = read_text(odd.hangs);
    for (int i = 0; i < 200 && said[0] == '\0'; i++) {
        client_pump(&odd.client, 50);
        free(said);
        said = read_text(odd.hangs);
    }
    assert_string_equal(said, "begun\n");
    CLEANUP(freep) char *lock = client_state_path(&odd.client, "lock");
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    unlink(odd.hangs);
    struct transport_event event = client_wait(&odd.client, id);
    expect_ended(&event, 1);
    transport_event_finish(&event);
    odd_end();
}

/* Network file systems without end, and those that say nothing: none of them is full. The last one is. */
static void room_is_counted_however_much_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *said; /* path, free blocks, their size, free files, all files */
        bool has_room;
    } cases[] = {
        { "/ 1099511627776 16777216 1000 1000", true },
        { "/ 2251799813685248 4096 1000 1000", true },
        { "/ 9007199254740991 1024 0 0", true },
        { "/ 18446744073709551615 4096 18446744073709551615 18446744073709551615", true },
        { "/ -1 4096 -1 -1", true },
        { "/ 4096 512 1000 1000", true },
        { "/ 0 0 1000 1000", false },
        { "/ 2000 512 1000 1000", false },
        { "/ 1000000 4096 99 1000", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(freep) char *script = xasprintf("#!/bin/sh\necho '%s'\n", cases[i].said);
        odd_begin(script);
        struct transport_event event = client_wait(&odd.client, odd_start());
        if ((event.results[0].outcome == OUTCOME_ENDED) != cases[i].has_room)
            fail_msg("%s: %s", cases[i].said, event.results[0].message);
        transport_event_finish(&event);
        odd_end();
    }
}

/* ---- what is left on the node ------------------------------------------------------------------------------------------- */

static void old_records_go(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct command *command = client_command(&client, LANE_MAKE);
        command_add(command, "true", NULL);
        struct transport_event event = client_run(&client, command);
        expect_ended(&event, 1);
        transport_event_finish(&event);
        client_pump(&client, 20);
    }
    client_pump(&client, 500);
    CLEANUP(freep) char *path = client_state_path(&client, "");
    CLEANUP(freep) char *check = xasprintf("test $(ls '%s' | wc -l) -le 12", path);
    assert_int_equal(system(check), 0);
}

static void the_node_kills_at_its_limit(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    command->node_limit_ms = 500;
    segment_go_on(add_sh(command, "echo begun"), 0);
    /* A time that no other test's sleep has. */
    CLEANUP(freep)
    char *text =
        xasprintf("trap '' TERM; echo deaf; sleep 77.%d & sleep 77.%d; sleep 77.%d", sshd.port, sshd.port, sshd.port);
    add_sh(command, text);
    int64_t begin_us = clock_measure_us();
    struct transport_event event = client_run(&client, command);
    expect_outcome(&event, OUTCOME_KILLED, FAULT_NONE);
    assert_true(clock_measure_us() - begin_us < 15000000);
    assert_int_equal(event.results[0].segment_count, 2);
    assert_string_equal(event.results[0].segments[0].out, "begun\n");
    assert_int_equal(event.results[0].segments[0].exit_code, 0);
    assert_string_equal(event.results[0].segments[1].out, "deaf\n");
    assert_int_equal(event.results[0].segments[1].exit_code, 137);
    transport_event_finish(&event);
    CLEANUP(freep) char *left = xasprintf("pgrep -f 'sleep 77[.]%d' >/dev/null", sshd.port);
    assert_int_not_equal(system(left), 0);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    expect_ended(&event, 1);
    transport_event_finish(&event);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_client, end_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lower_fence_is_refused),
        CASE(either_copy_of_the_fence_is_enough),
        CASE(a_command_that_has_a_record_is_not_run_again),
        CASE(a_held_lock_is_busy),
        CASE(no_state_directory_means_not_started),
        CASE(a_full_disk_means_not_started),
        cmocka_unit_test(a_disk_that_does_not_answer_keeps_no_lock),
        cmocka_unit_test(room_is_counted_however_much_there_is),
        CASE(old_records_go),
        CASE(the_node_kills_at_its_limit),
    };
    return cmocka_run_group_tests(tests, start_sshd, stop_sshd);
}
