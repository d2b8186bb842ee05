/* test_probe.c - the probe transport against small servers with bad manners, and its own: ending in time, breaking off, pausing. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "answerer.h"
#include "base/clock.h"
#include "base/redact.h"
#include "drivers/verify.h"
#include "harness.h"
#include "transport/probe.h"
#include "transport/probe_look.h"
#include "transport/probe_request.h"

static struct harness harness;

static int open_harness(void **state)
{
    (void)state;
    harness_open(&harness, 4);
    return 0;
}

static int close_harness(void **state)
{
    (void)state;
    harness_close(&harness);
    return 0;
}

static const char *number(int value)
{
    static char texts[8][16];
    static unsigned next;
    char *text = texts[next++ % ARRAY_LEN(texts)];
    snprintf(text, sizeof(texts[0]), "%d", value);
    return text;
}

static void expect_text(const char *name, const char *what, const char *got, const char *want_part)
{
    if (want_part[0] == '\0' ? got[0] != '\0' : strstr(got, want_part) == NULL)
        fail_msg("%s: %s is:\n%s\nand does not hold:\n%s", name, what, got, want_part);
}

static void expect_result(const char *name, const struct command_result *result, int exit_code, const char *out_part,
                          const char *err_part)
{
    assert_int_equal(result->outcome, OUTCOME_ENDED);
    const struct segment_result *last = &result->segments[result->segment_count - 1];
    assert_true(last->ran);
    if (last->exit_code != exit_code)
        fail_msg("%s: exit code %d, want %d; out:\n%s\nerr:\n%s", name, last->exit_code, exit_code, last->out,
                 last->err);
    if (out_part != NULL)
        expect_text(name, "out", last->out, out_part);
    if (err_part != NULL)
        expect_text(name, "err", last->err, err_part);
}

/* ---- DNS ---------------------------------------------------------------------------------------------------------- */

static void dns_answers_are_judged_by_what_came(void **state)
{
    static const struct {
        const char *name;
        enum manners manners;
        int exit_code;
        const char *out, *err;
    } cases[] = {
        { "an authoritative answer", PROPER, PROBE_ANSWERED,
          "question a.example. TXT NOERROR aa udp\nrecord a.example. 60 TXT udp\n", "" },
        { "truncated: asked again over TCP", TRUNCATES, PROBE_ANSWERED,
          "question a.example. TXT NOERROR aa tcp\nrecord a.example. 60 TXT tcp\nquestion b.example. TXT NOERROR aa "
          "tcp",
          "" },
        { "a server that closes TCP after one answer", TCP_ONE_A_TIME, PROBE_ANSWERED,
          "question b.example. TXT NOERROR aa tcp\nrecord b.example. 60 TXT tcp\n", "" },
        { "truncated, but no TCP", TCP_NEVER, PROBE_SILENT, "\nquestion a.example. TXT - - -\n",
          "answered 0 of 2 questions" },
        { "no answer", SILENT, PROBE_SILENT, "failure no answer in time\n", "no answer in time" },
        { "a lost packet is sent again", LOSES_THE_FIRST, PROBE_ANSWERED, "record b.example. 60 TXT udp\n", "" },
        { "forged answers are dropped", FORGES_FIRST, PROBE_ANSWERED,
          "question a.example. TXT NOERROR aa udp\nrecord a.example. 60 TXT udp\nquestion b.example.", "" },
        { "without authority", NOT_AUTHORITATIVE, PROBE_WRONG, "question a.example. TXT NOERROR - udp\n",
          "gave no authoritative answer to 2 of 2 questions" },
        { "refused", REFUSES_EMPTY, PROBE_WRONG, "question a.example. TXT REFUSED - udp\n",
          "gave no authoritative answer" },
        { "server failure", FAILS, PROBE_WRONG, "question a.example. TXT SERVFAIL - udp\n",
          "gave no authoritative answer" },
        { "no such name is an answer", NO_SUCH_NAME, PROBE_ANSWERED, "question a.example. TXT NXDOMAIN aa udp\n", "" },
        { "rubbish is no answer", TALKS_RUBBISH, PROBE_SILENT, "question a.example. TXT - - -\n", "no answer in time" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answerer answerer;
        bool silent = cases[i].exit_code == PROBE_SILENT; /* the others end by themselves, also on a busy machine */
        answerer_start(&answerer, cases[i].manners);
        struct command_result result =
            harness_look(&harness, "dns", silent ? "timeout=500" : "timeout=8000", "127.0.0.1", number(answerer.port),
                         "ask", "a.Example.", "TXT", "b.example", "TXT", NULL);
        expect_result(cases[i].name, &result, cases[i].exit_code, cases[i].out, cases[i].err);
        command_result_finish(&result);
        answerer_stop(&answerer);
    }
}

static void resolvers_are_asked_with_recursion_and_need_no_authority(void **state)
{
    static const struct {
        const char *name;
        enum manners manners;
        int exit_code;
        const char *out, *err;
    } cases[] = {
        { "a resolver", RECURSES, PROBE_ANSWERED,
          "question a.example. NS NOERROR - udp\nrecord a.example. 60 TXT udp\nquestion a.example. A NOERROR - udp",
          "" },
        { "no such name is an answer", NO_SUCH_NAME, PROBE_ANSWERED, "question a.example. NS NXDOMAIN aa udp\n", "" },
        { "server failure", FAILS, PROBE_WRONG, "question a.example. NS SERVFAIL - udp\n",
          "could find no answer to 2 of 2 questions" },
        { "no answer", SILENT, PROBE_SILENT, "failure no answer in time\n", "answered 0 of 2 questions" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answerer answerer;
        bool silent = cases[i].exit_code == PROBE_SILENT;
        answerer_start(&answerer, cases[i].manners);
        struct command_result result =
            harness_look(&harness, "resolve", silent ? "timeout=300" : "timeout=8000", "127.0.0.1",
                         number(answerer.port), "ask", "a.example", "NS", "a.example", "A", NULL);
        expect_result(cases[i].name, &result, cases[i].exit_code, cases[i].out, cases[i].err);
        command_result_finish(&result);
        answerer_stop(&answerer);
    }
}

static void the_systems_resolvers_are_read_as_the_system_does(void **state)
{
    struct probe_system system;
    char *directory = make_directory();
    CLEANUP(freep) char *path = xasprintf("%s/resolv.conf", directory);
    (void)state;
    write_file(directory, "resolv.conf",
               "# made by hand\nsearch example\nnameserver 192.0.2.1\n#nameserver 192.0.2.9\n"
               "nameserver\t2001:db8::1\noptions edns0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n");
    probe_system_read(path, &system);
    assert_int_equal(system.count, 3); /* as many as the C library takes */
    assert_string_equal(system.addresses[0], "192.0.2.1");
    assert_string_equal(system.addresses[1], "2001:db8::1");
    assert_string_equal(system.addresses[2], "192.0.2.3");
    write_file(directory, "resolv.conf", "search example\n");
    probe_system_read(path, &system);
    assert_int_equal(system.count, 1);
    assert_string_equal(system.addresses[0], "127.0.0.1");
    remove_directory(directory);
    probe_system_read(path, &system);
    assert_int_equal(system.count, 1);
}

static void records_are_printed_in_one_form(void **state)
{
    struct answerer answerer;
    (void)state;
    answerer_start(&answerer, MANY_RECORDS);
    struct command_result result =
        harness_look(&harness, "dns", "127.0.0.1", number(answerer.port), "ask", "zoo.example.", "ANY", NULL);
    expect_result("the zoo", &result, PROBE_ANSWERED,
                  "question zoo.example. ANY NOERROR aa udp\n"
                  "record zoo.example. 60 A 192.0.2.7\n"
                  "record zoo.example. 60 AAAA 2001:db8::7\n"
                  "record zoo.example. 60 MX 10 mail.example.\n"
                  "record zoo.example. 60 TXT one two; \"three\" \\195\\164 \\\\\n"
                  "record zoo.example. 60 CAA 0 issue \"letsencrypt.org\"\n"
                  "record zoo.example. 60 SRV 1 2 5061 sip.example.\n"
                  "record zoo.example. 60 SOA ns1.example. root.example. 2026112301 7200 3600 1209600 180\n"
                  "record zoo.example. 60 TLSA 3 1 1 "
                  "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\n",
                  "");
    command_result_finish(&result);
    answerer_stop(&answerer);
}

/* More questions than fly at once, many of which need TCP, to a living and a dead server: the dead one costs its time-out, but
 * holds up nobody. */
static void many_questions_to_several_servers_at_once(void **state)
{
    struct answerer proper, truncating, silent;
    (void)state;
    answerer_start(&proper, PROPER);
    answerer_start(&truncating, TRUNCATES);
    answerer_start(&silent, SILENT);
    struct command *command = command_create();
    struct segment *segment = command_add(command, "dns", "timeout=4000", "127.0.0.1", number(proper.port), "127.0.0.1",
                                          number(silent.port), "127.0.0.1", number(truncating.port), "ask", NULL);
    for (int i = 0; i < 300; i++) {
        char name[40];
        snprintf(name, sizeof(name), "n%d.example.", i);
        segment_add_word(segment, name);
        segment_add_word(segment, "TXT");
    }
    struct command_result result = harness_run(&harness, command);
    char want[80];
    snprintf(want, sizeof(want), "server 127.0.0.1 %d 300 300 ", proper.port);
    expect_result("the proper one", &result, PROBE_SILENT, want, "answered 0 of 300 questions: no answer in time");
    snprintf(want, sizeof(want), "server 127.0.0.1 %d 0 300 ", silent.port);
    expect_result("the silent one", &result, PROBE_SILENT, want, NULL);
    snprintf(want, sizeof(want), "server 127.0.0.1 %d 300 300 ", truncating.port);
    expect_result("the truncating one", &result, PROBE_SILENT, want, NULL);
    command_result_finish(&result);
    answerer_stop(&proper);
    answerer_stop(&truncating);
    answerer_stop(&silent);
}

static void a_closed_port_is_known_at_once(void **state)
{
    (void)state;
    int64_t began_us = clock_measure_us();
    struct command_result result =
        harness_look(&harness, "dns", "127.0.0.1", number(free_port()), "ask", "a.example.", "A", NULL);
    expect_result("dns", &result, PROBE_SILENT, "failure Connection refused\n", "Connection refused");
    command_result_finish(&result);
    result = harness_look(&harness, "tcp", "127.0.0.1", number(free_port()), NULL);
    expect_result("tcp", &result, PROBE_SILENT, "ms ", "Connection refused");
    command_result_finish(&result);
    result = harness_look(&harness, "http", "127.0.0.1", number(free_port()), "a.example", "/", NULL);
    expect_result("http", &result, PROBE_SILENT, "ms ", "Connection refused");
    command_result_finish(&result);
    result = harness_look(&harness, "imap-greeting", "127.0.0.1", number(free_port()), NULL);
    expect_result("imap-greeting", &result, PROBE_SILENT, "ms ", "Connection refused");
    command_result_finish(&result);
    assert_true(clock_measure_us() - began_us < 1900000);
}

/* ---- HTTP and greetings ------------------------------------------------------------------------------------------- */

static void pages_are_reported_as_they_came(void **state)
{
    static const struct {
        const char *name, *said;
        int exit_code;
        const char *out, *err;
    } cases[] = {
        { "a page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", PROBE_ANSWERED,
          "body 5 whole\n\nhello", "" },
        { "a page without a length", "HTTP/1.0 200 OK\r\n\r\nhello", PROBE_ANSWERED, "status 200\nlength -1\n", "" },
        { "a redirection is not followed",
          "HTTP/1.1 301 Gone\r\nLocation: https://a.example/x\r\nContent-Length: 0\r\n\r\n", PROBE_ANSWERED,
          "status 301\nlength 0\nlocation https://a.example/x\n", "" },
        { "an error of the site", "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", PROBE_WRONG, "status 503\n",
          "the site answers with status 503" },
        { "bytes that are no printable text", "HTTP/1.1 200 OK\r\nContent-Type: a\tb\001c\r\nContent-Length: 0\r\n\r\n",
          PROBE_ANSWERED, "type a b c\n", "" },
        { "half a page", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", PROBE_SILENT, "ms ", "" },
        { "no HTTP at all", "* OK IMAP4 ready\r\n", PROBE_SILENT, "ms ", "" },
        { "nothing", "", PROBE_SILENT, "ms ", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answerer talker;
        talker_start(&talker, cases[i].said);
        struct command_result result =
            harness_look(&harness, "http", "timeout=8000", "127.0.0.1", number(talker.port), "a.example", "/", NULL);
        bool silent = cases[i].exit_code == PROBE_SILENT;
        expect_result(cases[i].name, &result, cases[i].exit_code, cases[i].out, silent ? NULL : cases[i].err);
        if (silent)
            assert_true(strlen(result.segments[0].err) > 1);
        command_result_finish(&result);
        answerer_stop(&talker);
    }
}

static void a_large_page_is_cut(void **state)
{
    struct answerer talker;
    (void)state;
    size_t length = 200000;
    char *page = xcalloc(1, length + 1);
    int head = snprintf(page, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
    memset(page + head, 'x', length - (size_t)head);
    talker_start(&talker, page);
    struct command_result result =
        harness_look(&harness, "http", "127.0.0.1", number(talker.port), "a.example", "/", NULL);
    expect_result("cut", &result, PROBE_ANSWERED, "body 65536 cut\n\nxxxx", "");
    assert_true(strlen(result.segments[0].out) < 66000);
    command_result_finish(&result);
    answerer_stop(&talker);
    free(page);
}

static void greetings_are_judged(void **state)
{
    static const struct {
        const char *name, *said;
        int exit_code;
        const char *out, *err;
    } cases[] = {
        { "a greeting", "* OK [CAPABILITY IMAP4rev1] ready.\r\n", PROBE_ANSWERED,
          "greeting * OK [CAPABILITY IMAP4rev1] ready.\n", "" },
        { "a greeting that says no", "* BYE too many\r\n", PROBE_WRONG, "greeting * BYE too many\n",
          "not one of IMAP" },
        { "another protocol", "220 mail ESMTP\r\n", PROBE_WRONG, "greeting 220 mail ESMTP\n", "not one of IMAP" },
        { "no greeting", "", PROBE_SILENT, "ms ", "ended before a greeting came" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answerer talker;
        talker_start(&talker, cases[i].said);
        struct command_result result = harness_look(&harness, "imap-greeting", "127.0.0.1", number(talker.port), NULL);
        expect_result(cases[i].name, &result, cases[i].exit_code, cases[i].out, cases[i].err);
        command_result_finish(&result);
        answerer_stop(&talker);
    }
}

static struct command *imap_command(int port, const char *password)
{
    struct command *command = command_create();
    struct segment *segment =
        command_add(command, "imap", "timeout=1000", "127.0.0.1", number(port), "info@a.example", NULL);
    segment_set_input(segment, INPUT_STDIN, password);
    return command;
}

static void a_mail_server_without_starttls_never_hears_the_password(void **state)
{
    struct answerer talker;
    (void)state;
    redact_add("Sesame-open-77");
    talker_start(&talker, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Sesame-open-77 ready.\r\n");
    struct command_result result = harness_run(&harness, imap_command(talker.port, "Sesame-open-77"));
    assert_true(result.segments[0].exit_code != PROBE_ANSWERED);
    expect_text("imap", "out", result.segments[0].out, "tls no\n");
    assert_null(strstr(result.segments[0].out, "Sesame"));
    assert_null(strstr(result.segments[0].err, "Sesame"));
    command_result_finish(&result);
    answerer_stop(&talker);
    redact_remove("Sesame-open-77");
}

/* ---- words -------------------------------------------------------------------------------------------------------- */

static void words_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *words[8];
        const char *why;
    } cases[] = {
        { { "finger", "a" }, "no such probe: finger" },
        { { "tcp", "127.0.0.1" }, "an address and a port" },
        { { "tcp", "127.0.0.1", "0" }, "0 is not a port" },
        { { "tcp", "127.0.0.1", "25x" }, "25x is not a port" },
        { { "tcp", "", "25" }, "the address is empty" },
        { { "tcp", "timeout=0", "127.0.0.1", "25" }, "an option has no usable value" },
        { { "tcp", "name=a", "127.0.0.1", "25" }, "nothing else" },
        { { "http", "127.0.0.1", "80", "a.example" }, "http needs" },
        { { "http", "127.0.0.1", "80", "a.example\r\nX-Evil: 1", "/" }, "is not a host name" },
        { { "http", "127.0.0.1", "80", "a.example", "/ HTTP/1.0" }, "hold no blank" },
        { { "http", "127.0.0.1", "80", "a.example", "x" }, "must begin with /" },
        { { "dns", "ask", "a", "A" }, "dns needs servers" },
        { { "dns", "127.0.0.1", "53", "ask" }, "dns needs servers" },
        { { "dns", "127.0.0.1", "53", "ask", "a.example" }, "dns needs servers" },
        { { "resolve", "127.0.0.1", "53" }, "resolve needs servers" },
        { { "resolve", "ask", "a.example" }, "resolve needs servers" },
        { { "dns", "127.0.0.1", "53", "a.example", "A" }, "A is not a port" },
        { { "dns", "127.0.0.1", "53", "ask", "a..example", "A" }, "not a name that DNS can carry" },
        { { "dns", "127.0.0.1", "53", "ask", "a.example", "WORD" }, "not a type of record" },
        { { "imap", "127.0.0.1", "143", "info@a.example" }, "reads the password from its input" },
        { { "pause", "soon" }, "one number" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct command *command = command_create();
        struct segment *segment = command_add(command, cases[i].words[0], NULL);
        for (size_t k = 1; k < ARRAY_LEN(cases[i].words) && cases[i].words[k] != NULL; k++)
            segment_add_word(segment, cases[i].words[k]);
        struct command_result result = harness_run(&harness, command);
        expect_result(cases[i].why, &result, PROBE_USAGE, "", cases[i].why);
        command_result_finish(&result);
    }
}

/* ---- segments, time and ends -------------------------------------------------------------------------------------- */

static void the_next_segment_runs_only_after_the_right_exit_code(void **state)
{
    static const struct {
        int go_on;
        bool next_ran;
    } cases[] = { { PROBE_SILENT, true }, { PROBE_ANSWERED, false }, { SEGMENT_GO_ON_ANY, true } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct command *command = command_create();
        segment_go_on(command_add(command, "tcp", "127.0.0.1", number(free_port()), NULL), cases[i].go_on);
        command_add(command, "pause", "0", NULL);
        struct command_result result = harness_run(&harness, command);
        assert_int_equal(result.segment_count, 2);
        assert_true(result.segments[0].ran);
        assert_int_equal(result.segments[0].exit_code, PROBE_SILENT);
        assert_int_equal(result.segments[1].ran, cases[i].next_ran);
        command_result_finish(&result);
    }
}

static struct command *pause_command(const char *ms)
{
    struct command *command = command_create();
    command_add(command, "pause", ms, NULL);
    return command;
}

/* 120 pauses of 150 ms on 4 threads would take 4.5 s if they held a thread. */
static void pauses_hold_no_thread(void **state)
{
    struct transport_event event;
    (void)state;
    int64_t began_us = clock_measure_us();
    for (int i = 0; i < 120; i++)
        harness_start(&harness, pause_command("150"));
    for (int i = 0; i < 240; i++) {
        assert_true(harness_event(&harness, 5000, &event));
        transport_event_finish(&event);
    }
    int64_t took_ms = (clock_measure_us() - began_us) / 1000;
    assert_true(took_ms >= 150);
    if (took_ms > 4000)
        fail_msg("120 pauses at once took %" PRId64 " ms", took_ms);
}

static void the_deadline_of_a_command_bounds_its_looks(void **state)
{
    struct answerer silent;
    (void)state;
    answerer_start(&silent, SILENT);
    struct command *command = command_create();
    command->deadline_ms = 200;
    segment_go_on(command_add(command, "dns", "timeout=5000", "127.0.0.1", number(silent.port), "ask", "a.", "A", NULL),
                  SEGMENT_GO_ON_ANY);
    command_add(command, "tcp", "127.0.0.1", number(silent.port), NULL);
    int64_t began_us = clock_measure_us();
    struct command_result result = harness_run(&harness, command);
    int64_t took_ms = (clock_measure_us() - began_us) / 1000;
    assert_in_range(took_ms, 190, 4000);
    assert_int_equal(result.outcome, OUTCOME_ENDED);
    assert_int_equal(result.segments[0].exit_code, PROBE_SILENT);
    assert_int_equal(result.segments[1].exit_code, PROBE_SILENT);
    expect_text("second", "err", result.segments[1].err, "the time for the whole look was over");
    command_result_finish(&result);
    answerer_stop(&silent);
}

static void a_look_that_gets_no_thread_in_time_has_not_started(void **state)
{
    struct answerer silent;
    struct harness small;
    struct transport_event event;
    (void)state;
    answerer_start(&silent, SILENT);
    harness_open(&small, 1);
    struct command *busy = command_create();
    command_add(busy, "dns", "timeout=400", "127.0.0.1", number(silent.port), "ask", "a.", "A", NULL);
    harness_start(&small, busy);
    assert_true(harness_event(&small, 5000, &event)); /* STARTED: the only thread is taken */
    transport_event_finish(&event);
    struct command *late = pause_command("0");
    late->deadline_ms = 50;
    uint64_t id = harness_start(&small, late);
    do {
        assert_true(harness_event(&small, 5000, &event));
        if (event.command_id == id) {
            assert_int_equal(event.kind, TRANSPORT_RESULT);
            assert_int_equal(event.results[0].outcome, OUTCOME_NOT_STARTED);
            assert_int_equal(event.results[0].fault, FAULT_DEADLINE);
            assert_non_null(event.results[0].message);
            id = 0;
        }
        transport_event_finish(&event);
    } while (id != 0);
    harness_close(&small);
    answerer_stop(&silent);
}

/* Every kind of look, stuck: start, break off or end the pool, and nothing may wait for the peer. */
static void start_stuck_looks(struct harness *stuck, const struct answerer *mute, const struct answerer *silent)
{
    struct command *command = pause_command("60000"); /* first: it gives its thread back */
    command->deadline_ms = 60000;
    harness_start(stuck, command);
    command = command_create();
    command->deadline_ms = 60000;
    command_add(command, "dns", "timeout=60000", "127.0.0.1", number(silent->port), "ask", "a.", "A", NULL);
    harness_start(stuck, command);
    command = command_create();
    command->deadline_ms = 60000;
    command_add(command, "http", "timeout=60000", "127.0.0.1", number(mute->port), "a.example", "/", NULL);
    harness_start(stuck, command);
    command = command_create();
    command->deadline_ms = 60000;
    command_add(command, "imap-greeting", "timeout=60000", "127.0.0.1", number(mute->port), NULL);
    harness_start(stuck, command);
    command = imap_command(mute->port, "secret word");
    command->deadline_ms = 60000;
    harness_start(stuck, command);
}

static void wait_until_started(struct harness *stuck, int count)
{
    struct transport_event event;
    for (int i = 0; i < count; i++) {
        assert_true(harness_event(stuck, 5000, &event));
        assert_int_equal(event.kind, TRANSPORT_STARTED);
        transport_event_finish(&event);
    }
}

static void an_abandoned_look_is_broken_off_and_never_heard_of_again(void **state)
{
    struct answerer mute, silent;
    struct harness stuck;
    struct transport_event event;
    (void)state;
    talker_start(&mute, NULL);
    answerer_start(&silent, SILENT);
    harness_open(&stuck, 4);
    start_stuck_looks(&stuck, &mute, &silent);
    wait_until_started(&stuck, 5);
    uint64_t waiting = 0;
    for (int i = 0; i < 2; i++)
        waiting = harness_start(&stuck, pause_command("60000"));
    for (uint64_t id = 1; id <= waiting; id++)
        stuck.transport->ops->abandon(stuck.transport, id);
    while (harness_event(&stuck, 0, &event))
        transport_event_finish(&event); /* the wake-ups of what was abandoned */
    assert_false(harness_event(&stuck, 100, &event));
    /* the threads are free again: four looks at once end */
    for (int i = 0; i < 4; i++)
        harness_start(&stuck, pause_command("0"));
    for (int i = 0; i < 8; i++) {
        assert_true(harness_event(&stuck, 1000, &event));
        assert_true(event.command_id > waiting);
        transport_event_finish(&event);
    }
    harness_close(&stuck);
    answerer_stop(&mute);
    answerer_stop(&silent);
}

static void the_pool_ends_at_once_whatever_runs(void **state)
{
    struct answerer mute, silent;
    struct harness stuck;
    (void)state;
    talker_start(&mute, NULL);
    answerer_start(&silent, SILENT);
    harness_open(&stuck, 4);
    start_stuck_looks(&stuck, &mute, &silent);
    wait_until_started(&stuck, 5);
    start_stuck_looks(&stuck, &mute, &silent); /* these wait for a thread */
    int64_t began_us = clock_measure_us();
    harness_close(&stuck);
    int64_t took_ms = (clock_measure_us() - began_us) / 1000;
    if (took_ms > 3000)
        fail_msg("the pool took %" PRId64 " ms to end", took_ms);
    answerer_stop(&mute);
    answerer_stop(&silent);
}

static void a_name_is_looked_up(void **state)
{
    struct answerer talker;
    (void)state;
    talker_start(&talker, "* OK ready\r\n");
    struct command_result result = harness_look(&harness, "imap-greeting", "localhost", number(talker.port), NULL);
    /* localhost may be ::1 first, where nobody listens: then the cause must say so */
    bool answered = result.segments[0].exit_code == PROBE_ANSWERED;
    expect_text("localhost", "out or err", answered ? result.segments[0].out : result.segments[0].err,
                answered ? "greeting * OK ready" : "refused");
    command_result_finish(&result);
    result = harness_look(&harness, "tcp", "timeout=3000", "no-such-host.invalid", "25", NULL);
    expect_result("a name that nobody has", &result, PROBE_SILENT, "ms ", "no-such-host.invalid");
    command_result_finish(&result);
    answerer_stop(&talker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dns_answers_are_judged_by_what_came),
        cmocka_unit_test(resolvers_are_asked_with_recursion_and_need_no_authority),
        cmocka_unit_test(the_systems_resolvers_are_read_as_the_system_does),
        cmocka_unit_test(records_are_printed_in_one_form),
        cmocka_unit_test(many_questions_to_several_servers_at_once),
        cmocka_unit_test(a_closed_port_is_known_at_once),
        cmocka_unit_test(pages_are_reported_as_they_came),
        cmocka_unit_test(a_large_page_is_cut),
        cmocka_unit_test(greetings_are_judged),
        cmocka_unit_test(a_mail_server_without_starttls_never_hears_the_password),
        cmocka_unit_test(words_that_make_no_sense_are_refused),
        cmocka_unit_test(the_next_segment_runs_only_after_the_right_exit_code),
        cmocka_unit_test(pauses_hold_no_thread),
        cmocka_unit_test(the_deadline_of_a_command_bounds_its_looks),
        cmocka_unit_test(a_look_that_gets_no_thread_in_time_has_not_started),
        cmocka_unit_test(an_abandoned_look_is_broken_off_and_never_heard_of_again),
        cmocka_unit_test(the_pool_ends_at_once_whatever_runs),
        cmocka_unit_test(a_name_is_looked_up),
    };
    return cmocka_run_group_tests(tests, open_harness, close_harness);
}
