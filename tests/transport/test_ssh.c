/* test_ssh.c - commands over the ssh transport, against a real sshd of the test's own. With BERTH_TEST_SHELL=bash (or another) the
 * lanes' shell is that one instead of sh. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/redact.h"
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

static const enum lane both_lanes[] = { LANE_MAKE, LANE_LOOK };

/* ---- exit codes and segments ---------------------------------------------------------------------------------------- */

static void exit_codes_come_back(void **state)
{
    static const struct {
        const char *program;
        const char *argument;
        int want;
    } cases[] = {
        { "/bin/true", NULL, 0 },       { "false", NULL, 1 },
        { "sh", "exit 255", 255 },      { "sh", "kill -9 $$", 137 },
        { "sh", "kill -TERM $$", 143 }, { "no-such-program", NULL, 127 },
        { "/no/such/path", NULL, 127 }, { "/etc/passwd", NULL, 126 },
        { "exit", "3", 127 }, /* builtins are not programs: the lane goes on */
        { "/bin/true", NULL, 0 },
    };
    (void)state;
    for (size_t lane = 0; lane < 2; lane++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            struct command *command = client_command(&client, both_lanes[lane]);
            if (strcmp(cases[i].program, "sh") == 0)
                add_sh(command, cases[i].argument);
            else
                command_add(command, cases[i].program, cases[i].argument, NULL);
            struct transport_event event = client_run(&client, command);
            const struct segment_result *segments = expect_ended(&event, 1);
            assert_true(segments[0].ran);
            if (segments[0].exit_code != cases[i].want)
                fail_msg("%s: %d, wanted %d", cases[i].program, segments[0].exit_code, cases[i].want);
            transport_event_finish(&event);
        }
    }
}

static void segments_go_on_only_after_their_codes(void **state)
{
    static const struct {
        const char *name;
        int code;
        int rules[3];
        unsigned rule_count;
        bool want_second;
    } cases[] = {
        { "no rule: never", 0, { 0 }, 0, false },
        { "its code", 3, { 0, 3 }, 2, true },
        { "another code", 4, { 0, 3 }, 2, false },
        { "whatever it was", 77, { SEGMENT_GO_ON_ANY }, 1, true },
        { "zero", 0, { 0 }, 1, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
        size_t which = i / 2;
        struct command *command = client_command(&client, both_lanes[i % 2]);
        char text[32];
        snprintf(text, sizeof(text), "exit %d", cases[which].code);
        struct segment *segment = add_sh(command, text);
        for (unsigned rule = 0; rule < cases[which].rule_count; rule++)
            segment_go_on(segment, cases[which].rules[rule]);
        add_sh(command, "echo second; exit 9");
        struct transport_event event = client_run(&client, command);
        const struct segment_result *segments = expect_ended(&event, 2);
        if (segments[0].exit_code != cases[which].code || segments[1].ran != cases[which].want_second)
            fail_msg("%s: code %d, second %d", cases[which].name, segments[0].exit_code, segments[1].ran);
        if (cases[which].want_second) {
            assert_string_equal(segments[1].out, "second\n");
            assert_int_equal(segments[1].exit_code, 9);
        }
        transport_event_finish(&event);
    }
}

static void stdout_and_stderr_stay_apart(void **state)
{
    static const struct {
        const char *text;
        const char *out;
        const char *err;
    } cases[] = {
        { "echo one; echo two >&2; echo three", "one\nthree\n", "two\n" },
        { "printf 'no newline'", "no newline", "" },
        { "printf 'x\\ny' >&2", "", "x\ny" },
        { "printf 'a\\000b\\000'", "a b ", "" }, /* NULs become spaces */
        { "printf '\\000'", " ", "" },
        { "echo '0123456789abcdef0123456789abcdef1e0 5'; printf '\\n\\n'",
          "0123456789abcdef0123456789abcdef1e0 5\n\n\n", "" }, /* looks like a marker, but with another key */
        { "printf ' lead \\\\ back'", " lead \\ back", "" },
        { "printf '\\303\\244\\200\\377'", "\303\244\200\377", "" },
        { "cat; echo end", "end\n", "" }, /* stdin is empty */
        { "umask", "0022\n", "" },
        { "true", "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
        struct command *command = client_command(&client, both_lanes[i % 2]);
        add_sh(command, cases[i / 2].text);
        struct transport_event event = client_run(&client, command);
        const struct segment_result *segments = expect_ended(&event, 1);
        assert_string_equal(segments[0].out, cases[i / 2].out);
        assert_string_equal(segments[0].err, cases[i / 2].err);
        assert_false(segments[0].truncated);
        transport_event_finish(&event);
    }
}

static void hostile_words_arrive_as_they_are(void **state)
{
    static char every_byte[256];
    static const char *const words[] = {
        "",
        "plain",
        "two words",
        "it's",
        "''",
        "\"",
        "$(touch /tmp/pwned)",
        "`id`",
        "$HOME",
        "a\nb",
        "\\",
        "\\n",
        "*",
        "~",
        "-n",
        "--",
        ";",
        "&",
        "|",
        "> /tmp/x",
        "#",
        "!",
        "{file}",
        "{a,b}",
        "\t",
        "\r\n",
        "'; exit 3; '",
        "\\'",
        every_byte,
    };
    (void)state;
    for (int i = 1; i < 256; i++)
        every_byte[i - 1] = (char)i;
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        struct segment *segment = command_add(command, "printf", "[%s]", NULL);
        struct buf want = BUF_INIT;
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            segment_add_word(segment, words[i]);
            buf_addf(&want, "[%s]", words[i]);
        }
        struct transport_event event = client_run(&client, command);
        assert_string_equal(expect_ended(&event, 1)[0].out, buf_text(&want));
        transport_event_finish(&event);
        buf_finish(&want);
    }
}

/* ---- inputs --------------------------------------------------------------------------------------------------------- */

static void inputs_arrive_exactly(void **state)
{
    static const char *const inputs[] = { "", "no newline", "one\ntwo\n", "it's $HOME `id` \\ \"", "\n\n" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inputs) * 4; i++) {
        const char *input = inputs[i / 4];
        enum segment_input kind = i % 4 < 2 ? INPUT_STDIN : INPUT_FILE;
        struct command *command = client_command(&client, both_lanes[i % 2]);
        struct segment *segment = kind == INPUT_STDIN
                                      ? add_sh(command, "cat; exit 5")
                                      : command_add(command, "sh", "-c", "cat \"$1\"; exit 5", "x", "{file}", NULL);
        segment_set_input(segment, kind, input);
        struct transport_event event = client_run(&client, command);
        assert_string_equal(expect_ended(&event, 1)[0].out, input);
        assert_int_equal(expect_ended(&event, 1)[0].exit_code, 5);
        transport_event_finish(&event);
    }
}

static void large_input_arrives(void **state)
{
    struct buf input = BUF_INIT;
    (void)state;
    while (input.length < 300000)
        buf_addf(&input, "record %zu of a zone\n", input.length);
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        segment_set_input(add_sh(command, "cat"), INPUT_STDIN, input.data);
        struct transport_event event = client_run(&client, command);
        assert_string_equal(expect_ended(&event, 1)[0].out, input.data);
        transport_event_finish(&event);
    }
    buf_finish(&input);
}

static void input_file_is_private_and_goes(void **state)
{
    (void)state;
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        struct segment *segment =
            command_add(command, "sh", "-c", "stat -c '%a %n' \"$1\"; umask", "x", "{file}", NULL);
        segment_set_input(segment, INPUT_FILE, "secret");
        segment_go_on(segment, 5); /* so the second is not reached, and its file goes all the same */
        segment_set_input(command_add(command, "cat", "{file}", NULL), INPUT_FILE, "another");
        struct transport_event event = client_run(&client, command);
        char path[256];
        assert_int_equal(sscanf(expect_ended(&event, 2)[0].out, "600 %255s", path), 1);
        assert_int_equal(strncmp(path, "/tmp/berth-", 11), 0);
        assert_non_null(strstr(expect_ended(&event, 2)[0].out, "0022"));
        assert_int_equal(access(path, F_OK), -1);
        transport_event_finish(&event);
        CLEANUP(freep) char *left = xasprintf("test -z \"$(ls -d /tmp/berth-%s-* 2>/dev/null)\"", client.installation);
        assert_int_equal(system(left), 0);
    }
}

/* Looks for a text in all command lines and, if wanted, in files below the state directory. */
static bool found_on_node(const char *secret)
{
    CLEANUP(freep) char *state = client_state_path(&client, "");
    /* In brackets, so that grep's own command line does not count. */
    CLEANUP(freep)
    char *command =
        xasprintf("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000' ' ' | grep -q '[%c]%s' || grep -rqs '[%c]%s' %s",
                  secret[0], secret + 1, secret[0], secret + 1, state);
    return system(command) == 0;
}

static void inputs_show_nowhere_on_the_node(void **state)
{
    const char *secret = "s3cr3t-Q7fK2pLmZ9xW";
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    segment_set_input(add_sh(command, "cat >/dev/null; sleep 0.3"), INPUT_STDIN, secret);
    segment_go_on(&command->segments[0], 0);
    segment_set_input(command_add(command, "sh", "-c", "grep -q s3cr3t \"$1\" && sleep 0.3", "x", "{file}", NULL),
                      INPUT_FILE, secret);
    uint64_t id = client_start(&client, command);
    int looks = 0;
    while (client.result_count == 0 && looks < 1000) {
        assert_false(found_on_node(secret));
        client_pump(&client, 1);
        looks++;
    }
    assert_true(looks > 2);
    struct transport_event event = client_wait(&client, id);
    assert_int_equal(expect_ended(&event, 2)[1].exit_code, 0);
    assert_false(found_on_node(secret));
    transport_event_finish(&event);
}

/* ---- output while it runs ------------------------------------------------------------------------------------------- */

static void lines_are_seen_before_the_end(void **state)
{
    (void)state;
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        add_sh(command, "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; echo e$i >&2; sleep 0.1; done");
        size_t before = client.output_count;
        struct transport_event event = client_run(&client, command);
        int64_t end_us = clock_measure_us();
        size_t pieces = 0;
        for (size_t i = before; i < client.output_count; i++) {
            const struct output *output = &client.outputs[i];
            pieces += output->stream == 1;
            assert_int_equal(output->data[output->length - 1], '\n');
        }
        CLEANUP(freep) char *out = client_output(&client, event.command_id, 0, 1);
        CLEANUP(freep) char *err = client_output(&client, event.command_id, 0, 2);
        assert_string_equal(out, expect_ended(&event, 1)[0].out);
        assert_string_equal(err, expect_ended(&event, 1)[0].err);
        assert_string_equal(err, "e1\ne2\ne3\ne4\ne5\ne6\ne7\ne8\ne9\ne10\n");
        if (pieces < 5)
            fail_msg("lane %zu: only %zu pieces", lane, pieces);
        assert_true(end_us - client.outputs[before].at_us > 500000);
        transport_event_finish(&event);
    }
}

static void part_of_a_line_is_seen_after_a_moment(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "printf 'working ...'; sleep 1; echo ' done'");
    struct transport_event event = client_run(&client, command);
    assert_true(client.output_count >= 2);
    assert_string_equal(client.outputs[0].data, "working ...");
    assert_string_equal(client.outputs[client.output_count - 1].data, " done\n");
    transport_event_finish(&event);
}

static void quiet_output_is_for_the_driver_only(void **state)
{
    (void)state;
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        struct segment *segment = add_sh(command, "echo hidden; sleep 0.3; echo hidden");
        segment->quiet = true;
        segment_go_on(segment, 0);
        add_sh(command, "echo shown");
        size_t before = client.output_count;
        struct transport_event event = client_run(&client, command);
        assert_string_equal(expect_ended(&event, 2)[0].out, "hidden\nhidden\n");
        assert_int_equal(client.output_count - before, 1);
        assert_string_equal(client.outputs[before].data, "shown\n");
        assert_int_equal(client.outputs[before].segment, 1);
        transport_event_finish(&event);
    }
}

static void secrets_in_output_are_blanked_across_pieces(void **state)
{
    (void)state;
    redact_add("Sup3rS3cret");
    for (size_t lane = 0; lane < 2; lane++) {
        struct command *command = client_command(&client, both_lanes[lane]);
        add_sh(command, "printf 'a Sup3r'; sleep 0.6; echo 'S3cret b'; echo Sup3rS3cret; printf Sup3");
        struct transport_event event = client_run(&client, command);
        CLEANUP(freep) char *out = client_output(&client, event.command_id, 0, 1);
        assert_string_equal(out, "a *********** b\n***********\nSup3");
        transport_event_finish(&event);
    }
    redact_remove("Sup3rS3cret");
}

static void large_output_is_whole_up_to_the_limit(void **state)
{
    static const struct {
        const char *text;
        size_t want;
        bool truncated;
    } cases[] = {
        { "head -c 1000 /dev/zero | tr '\\000' x", 1000, false },
        { "head -c 300000 /dev/zero | tr '\\000' x", 300000, false },
        { "head -c 1048576 /dev/zero | tr '\\000' x", RESULT_OUTPUT_MAX, false },
        { "head -c 3000000 /dev/zero | tr '\\000' x", RESULT_OUTPUT_MAX, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
        struct command *command = client_command(&client, both_lanes[i % 2]);
        segment_go_on(add_sh(command, cases[i / 2].text), 0);
        command->segments[0].quiet = true;
        add_sh(command, "echo after; exit 4");
        struct transport_event event = client_run(&client, command);
        const struct segment_result *segments = expect_ended(&event, 2);
        assert_int_equal(strlen(segments[0].out), cases[i / 2].want);
        assert_int_equal(strspn(segments[0].out, "x"), cases[i / 2].want);
        assert_int_equal(segments[0].truncated, cases[i / 2].truncated);
        assert_string_equal(segments[1].out, "after\n");
        assert_int_equal(segments[1].exit_code, 4);
        transport_event_finish(&event);
    }
}

/* ---- side by side --------------------------------------------------------------------------------------------------- */

static void looks_run_beside_a_make(void **state)
{
    (void)state;
    struct command *make = client_command(&client, LANE_MAKE);
    add_sh(make, "sleep 1; echo made");
    uint64_t make_id = client_start(&client, make);
    int64_t begin_us = clock_measure_us();
    uint64_t ids[6];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct command *look = client_command(&client, LANE_LOOK);
        command_add(look, "echo", "seen", NULL);
        ids[i] = client_start(&client, look);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct transport_event event = client_wait(&client, ids[i]);
        assert_string_equal(expect_ended(&event, 1)[0].out, "seen\n");
        transport_event_finish(&event);
    }
    assert_int_equal(client.result_count, 0);
    assert_true(clock_measure_us() - begin_us > 0);
    struct transport_event event = client_wait(&client, make_id);
    assert_string_equal(expect_ended(&event, 1)[0].out, "made\n");
    transport_event_finish(&event);
}

static void a_daemon_of_a_command_holds_nothing_up(void **state)
{
    (void)state;
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "setsid sleep 5 & echo started");
    int64_t begin_us = clock_measure_us();
    struct transport_event event = client_run(&client, command);
    assert_string_equal(expect_ended(&event, 1)[0].out, "started\n");
    transport_event_finish(&event);
    command = client_command(&client, LANE_MAKE);
    command_add(command, "true", NULL);
    event = client_run(&client, command);
    expect_ended(&event, 1);
    assert_true(clock_measure_us() - begin_us < 4000000);
    transport_event_finish(&event);
}

static void the_started_event_comes_first(void **state)
{
    (void)state;
    client_wait_up(&client, 1);
    struct command *command = client_command(&client, LANE_MAKE);
    add_sh(command, "sleep 0.2");
    int64_t begin_us = clock_measure_us();
    struct transport_event event = client_run(&client, command);
    assert_int_equal(client.started, 1);
    assert_true(client.started_us >= begin_us);
    assert_true(client.started_us - begin_us < 150000);
    transport_event_finish(&event);
}

static void abandoned_commands_are_not_heard_of_again(void **state)
{
    (void)state;
    CLEANUP(freep) char *mark = xasprintf("%s/mark", sshd.folder);
    CLEANUP(freep) char *text = xasprintf("echo a; sleep 0.5; echo b; touch %s", mark);
    for (size_t lane = 0; lane < 2; lane++) {
        unlink(mark);
        struct command *command = client_command(&client, both_lanes[lane]);
        add_sh(command, text);
        uint64_t id = client_start(&client, command);
        client_wait_output(&client, 1);
        size_t before = client.output_count;
        client.transport->ops->abandon(client.transport, id);
        client_pump(&client, 1000);
        assert_int_equal(client.output_count, before);
        assert_int_equal(client.result_count, 0);
        if (both_lanes[lane] == LANE_MAKE)
            assert_int_equal(access(mark, F_OK), 0); /* it went on all the same */
        command = client_command(&client, both_lanes[lane]);
        command_add(command, "true", NULL);
        struct transport_event event = client_run(&client, command);
        expect_ended(&event, 1);
        transport_event_finish(&event);
        client_close(&client);
        client_open(&client, &sshd, (struct transport_ssh_config){ 0 });
    }
    unlink(mark);
}

/* ---- speed ---------------------------------------------------------------------------------------------------------- */

static int by_value(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static void a_warm_session_is_quick(void **state)
{
    enum { TURNS = 60 };
    static int64_t took_us[2][TURNS];
    static int64_t until_started_us[TURNS];
    (void)state;
    client_wait_up(&client, 1);
    for (int i = 0; i < TURNS * 2; i++) {
        struct command *command = client_command(&client, both_lanes[i % 2]);
        command_add(command, "/bin/true", NULL);
        int64_t begin_us = clock_measure_us();
        struct transport_event event = client_run(&client, command);
        took_us[i % 2][i / 2] = clock_measure_us() - begin_us;
        until_started_us[i / 2] = client.started_us - begin_us;
        expect_ended(&event, 1);
        transport_event_finish(&event);
        client_pump(&client, 8); /* as long as the engine takes to commit */
    }
    for (int i = 0; i < 2; i++)
        qsort(took_us[i], TURNS, sizeof(int64_t), by_value);
    qsort(until_started_us, TURNS, sizeof(int64_t), by_value);
    print_message(
        "durable true: p50 %.1f ms, p90 %.1f ms; look true: p50 %.1f ms, p90 %.1f ms; start() to the socket: p50 "
        "%" PRId64 " us\n",
        (double)took_us[0][TURNS / 2] / 1000, (double)took_us[0][TURNS * 9 / 10] / 1000,
        (double)took_us[1][TURNS / 2] / 1000, (double)took_us[1][TURNS * 9 / 10] / 1000, until_started_us[TURNS / 2]);
    assert_true(took_us[0][TURNS / 2] < 100000); /* Nagle or a tick somewhere would cost 40 ms and more each */
    assert_true(took_us[1][TURNS / 2] < 40000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_client, end_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(exit_codes_come_back),
        CASE(segments_go_on_only_after_their_codes),
        CASE(stdout_and_stderr_stay_apart),
        CASE(hostile_words_arrive_as_they_are),
        CASE(inputs_arrive_exactly),
        CASE(large_input_arrives),
        CASE(input_file_is_private_and_goes),
        CASE(inputs_show_nowhere_on_the_node),
        CASE(lines_are_seen_before_the_end),
        CASE(part_of_a_line_is_seen_after_a_moment),
        CASE(quiet_output_is_for_the_driver_only),
        CASE(secrets_in_output_are_blanked_across_pieces),
        CASE(large_output_is_whole_up_to_the_limit),
        CASE(looks_run_beside_a_make),
        CASE(a_daemon_of_a_command_holds_nothing_up),
        CASE(the_started_event_comes_first),
        CASE(abandoned_commands_are_not_heard_of_again),
        CASE(a_warm_session_is_quick),
    };
    return cmocka_run_group_tests(tests, start_sshd, stop_sshd);
}
