/* test_verify.c - the verify driver's conversations as data: what the looks returned -> what it asks next, or its verdict. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "drivers/verify.h"
#include "transport/probe.h"

/* ---- steps -------------------------------------------------------------------------------------------------------- */

#define KEY                                                                                                            \
    "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"   \
    "VTLw7onLRnrq0nmlXbWOZlb8SLYZbOxzFuMqwIDAQAB"

static const struct zone_record records[] = {
    { "@", "NS", 0, "ns1.example.net" },
    { "@", "NS", 0, "NS2.example.net." },
    { "@", "A", 0, "192.0.2.10" },
    { "www", "CNAME", 0, "Example.COM" },
    { "@", "MX", 10, "mail.example.com" },
    { "@", "TXT", 0, "v=spf1 a mx -all" },
    { "mail._domainkey", "TXT", 0, KEY },
    { "@", "CAA", 0, "0 issue letsencrypt.org" },
    { "@", "AAAA", 0, "2001:DB8:0:0:0:0:0:10" },
};

/* What a server prints when it holds exactly that. */
#define QUESTION(name, type) "question " name " " type " NOERROR aa udp\n"
#define SOA(serial)                                                                                                    \
    QUESTION("example.com.", "SOA")                                                                                    \
    "record example.com. 14400 SOA ns1.example.net. root.example.com. " serial " 7200 3600 1209600 180\n"
#define NS                                                                                                             \
    QUESTION("example.com.", "NS")                                                                                     \
    "record example.com. 14400 NS ns2.example.net.\nrecord example.com. 14400 NS ns1.example.net.\n"
#define A QUESTION("example.com.", "A") "record example.com. 14400 A 192.0.2.10\n"
#define WWW QUESTION("www.example.com.", "CNAME") "record www.example.com. 14400 CNAME example.com.\n"
#define MX QUESTION("example.com.", "MX") "record example.com. 14400 MX 10 mail.example.com.\n"
#define SPF QUESTION("example.com.", "TXT") "record example.com. 14400 TXT v=spf1 a mx -all\n"
#define DKIM QUESTION("mail._domainkey.example.com.", "TXT") "record mail._domainkey.example.com. 3600 TXT " KEY "\n"
#define CAA QUESTION("example.com.", "CAA") "record example.com. 14400 CAA 0 issue \"letsencrypt.org\"\n"
#define AAAA QUESTION("example.com.", "AAAA") "record example.com. 14400 AAAA 2001:db8::10\n"
#define NS1 "server 192.0.2.1 53 9 9 2\n"
#define NS2 "server 192.0.2.2 53 9 9 3\n"
#define GOOD(serial) SOA(serial) NS A WWW MX SPF DKIM CAA AAAA

static const struct name_server name_servers[] = {
    { "ns1.example.net", "192.0.2.1", 53 },
    { "ns2.example.net", "192.0.2.2", 53 },
};

static struct step step_of(const char *action)
{
    return (struct step){
        .action = action,
        .domain = "example.com",
        .password = "correct horse",
        .node_hostname = "mail1.example.net",
        .probe_address = "192.0.2.10",
        .probe_http_port = 8080,
        .probe_imap_port = 1143,
        .name_servers = name_servers,
        .name_server_count = ARRAY_LEN(name_servers),
        .zone = { .records = records, .record_count = ARRAY_LEN(records), .soa = "ns1.example.net", .ttl = 14400 },
    };
}

/* ---- conversations ------------------------------------------------------------------------------------------------ */

struct said {
    int exit_code; /* of a probe; -1: the segment was not reached */
    const char *out, *err;
};

#define SAID_MAX 3
#define LOOKS_MAX 3

struct conversation {
    const char *name;
    const char *action;
    const char *mailbox;
    struct said looks[LOOKS_MAX][SAID_MAX]; /* the last look with an `out` repeats itself for as long as it is asked */
    size_t look_count;
    size_t wanted_looks; /* how many are made before the verdict; 0: does not matter, but more than look_count */
    enum verdict verdict;
    const char *wanted; /* the cause and the detail, or what the note holds */
};

static struct command_result result_of(const struct said *said, size_t look, size_t segment_count)
{
    struct command_result result = { .outcome = OUTCOME_ENDED, .segment_count = segment_count };
    result.segments = xcalloc(segment_count, sizeof(*result.segments));
    for (size_t i = 0; i < segment_count; i++) {
        struct segment_result *segment = &result.segments[i];
        bool pause = look > 0 && i == 0;
        const struct said *here = pause ? &(const struct said){ 0, "", "" } : &said[i - (look > 0)];
        segment->ran = here->exit_code >= 0;
        if (!segment->ran)
            continue;
        segment->exit_code = here->exit_code;
        segment->out = xstrdup(here->out != NULL ? here->out : "");
        segment->err = xstrdup(here->err != NULL ? here->err : "");
    }
    return result;
}

/* @param needed name servers; 0: all */
static void play(const struct conversation *told, size_t needed)
{
    struct command_result results[VERIFY_LOOKS_MAX + 1];
    struct step step = step_of(told->action);
    struct move move;
    size_t count = 0;
    step.mailbox = told->mailbox;
    step.name_servers_needed = needed;
    for (;;) {
        driver_verify.next(&step, results, count, &move);
        if (move.verdict != VERDICT_NONE)
            break;
        assert_non_null(move.command);
        assert_int_equal(move.command->lane, LANE_PROBE);
        assert_true(count < VERIFY_LOOKS_MAX);
        size_t look = count < told->look_count ? count : told->look_count - 1;
        results[count] = result_of(told->looks[look], count, move.command->segment_count);
        count++;
        move_finish(&move);
    }
    char got[800];
    snprintf(got, sizeof(got), "%s%s%s", move.verdict == VERDICT_DONE ? move.note : move.cause->id,
             move.verdict == VERDICT_DONE ? "" : ": ", move.detail);
    if (move.verdict != told->verdict || strcmp(got, told->wanted) != 0)
        fail_msg("%s:\n  got  %d \"%s\"\n  want %d \"%s\"", told->name, move.verdict, got, told->verdict, told->wanted);
    bool looks_fit = told->wanted_looks > 0 ? count == told->wanted_looks : count > told->look_count;
    if (!looks_fit)
        fail_msg("%s: %zu looks, want %zu", told->name, count, told->wanted_looks);
    for (size_t i = 0; i < count; i++)
        command_result_finish(&results[i]);
    move_finish(&move);
}

#define PAGE(status, body) "status " status "\ntype text/html\nlength -1\nms 5\nbody 0 whole\n\n" body
#define UNKNOWN_PAGE                                                                                                   \
    {                                                                                                                  \
        0, PAGE("200", "Your new server works"), ""                                                                    \
    }

static const struct conversation conversations[] = {
    /* web */
    { "a site that answers under both names is live",
      "verify.web",
      NULL,
      { { { 0, PAGE("200", "hello"), "" }, { 0, PAGE("200", "hello"), "" }, UNKNOWN_PAGE } },
      1,
      1,
      VERDICT_DONE,
      "the site answers under example.com and www.example.com, status 200" },
    { "a redirection is an answer",
      "verify.web",
      NULL,
      { { { 0, PAGE("301", ""), "" }, { 0, PAGE("302", ""), "" }, UNKNOWN_PAGE } },
      1,
      1,
      VERDICT_DONE,
      "the site answers under example.com and www.example.com, status 301" },
    { "a site that is live at the second look is live",
      "verify.web",
      NULL,
      { { { 1, PAGE("404", ""), "" }, { 1, PAGE("404", ""), "" }, { 1, PAGE("404", ""), "" } },
        { { 0, PAGE("200", "hello"), "" }, { 0, PAGE("200", "hello"), "" }, { 1, PAGE("404", ""), "" } } },
      2,
      2,
      VERDICT_DONE,
      "the site answers under example.com and www.example.com, status 200" },
    { "403 stays 403",
      "verify.web",
      NULL,
      { { { 1, PAGE("403", ""), "the site answers with status 403\n" }, { 0, PAGE("200", "x"), "" }, UNKNOWN_PAGE } },
      1,
      0,
      VERDICT_RETRY,
      "verify.web-status: example.com answers with status 403" },
    { "www counts too",
      "verify.web",
      NULL,
      { { { 0, PAGE("200", "x"), "" }, { 1, PAGE("500", "x"), "" }, UNKNOWN_PAGE } },
      1,
      0,
      VERDICT_RETRY,
      "verify.web-status: www.example.com answers with status 500" },
    { "the node's default page is not the site",
      "verify.web",
      NULL,
      { { { 0, PAGE("200", "Your new server works"), "" },
          { 0, PAGE("200", "Your new server works"), "" },
          UNKNOWN_PAGE } },
      1,
      0,
      VERDICT_RETRY,
      "verify.web-default: example.com answers with the page that every unknown name gets" },
    { "a page that names the site is the site, even where it is the node's default",
      "verify.web",
      NULL,
      { { { 0, PAGE("200", "this is example.com"), "" },
          { 0, PAGE("200", "this is example.com"), "" },
          { 0, PAGE("200", "this is example.com"), "" } } },
      1,
      1,
      VERDICT_DONE,
      "the site answers under example.com and www.example.com, status 200" },
    { "two empty pages prove nothing",
      "verify.web",
      NULL,
      { { { 0, PAGE("200", ""), "" }, { 0, PAGE("200", ""), "" }, { 0, PAGE("200", ""), "" } } },
      1,
      1,
      VERDICT_DONE,
      "the site answers under example.com and www.example.com, status 200" },
    { "nobody listens",
      "verify.web",
      NULL,
      { { { 2, "ms 0\n", "Failed to connect to example.com port 80: Connection refused\n" },
          { -1, "", "" },
          { -1, "", "" } } },
      1,
      VERIFY_LOOKS_MAX,
      VERDICT_RETRY,
      "verify.web-silent: example.com does not answer at 192.0.2.10 port 8080: Failed to connect to example.com port "
      "80: Connection refused" },
    { "a slow silence is not repeated forty times",
      "verify.web",
      NULL,
      { { { 2, "ms 3000\n", "no answer within 3000 ms\n" }, { -1, "", "" }, { -1, "", "" } } },
      1,
      3,
      VERDICT_RETRY,
      "verify.web-silent: example.com does not answer at 192.0.2.10 port 8080: no answer within 3000 ms" },
    { "a look that cannot be made is for a person",
      "verify.web",
      NULL,
      { { { 64, "", "http: 0 is not a port\n" }, { -1, "", "" }, { -1, "", "" } } },
      1,
      1,
      VERDICT_FAILED,
      "verify.unusable: example.com: http: 0 is not a port" },

    /* dns */
    { "both servers answer every record",
      "verify.dns",
      NULL,
      { { { 0, "ms 3\n" NS1 GOOD("2026112301") NS2 GOOD("2026112301"), "" } } },
      1,
      1,
      VERDICT_DONE,
      "2 name servers answer all 9 records, serial 2026112301" },
    { "the second server comes later; the first is not asked again",
      "verify.dns",
      NULL,
      { { { 1, "ms 3\n" NS1 GOOD("7") NS2 "question example.com. SOA REFUSED - udp\n", "" } },
        { { 0, "ms 3\n" NS2 GOOD("7"), "" } } },
      2,
      2,
      VERDICT_DONE,
      "2 name servers answer all 9 records, serial 7" },
    { "a server that does not know the zone",
      "verify.dns",
      NULL,
      { { { 1, "ms 3\n" NS1 GOOD("7") NS2 "question example.com. SOA REFUSED - udp\n", "" } },
        { { 1, "ms 3\n" NS2 "question example.com. SOA REFUSED - udp\n", "" } } },
      2,
      0,
      VERDICT_RETRY,
      "verify.dns-not-served: waits for ns2.example.net: does not answer for example.com yet (REFUSED)" },
    { "a server that answers from a cache",
      "verify.dns",
      NULL,
      { { { 1, "ms 3\n" NS1 "question example.com. SOA NOERROR - udp\n" NS2 GOOD("7"), "" } },
        { { 1, "ms 3\n" NS1 "question example.com. SOA NOERROR - udp\n", "" } } },
      2,
      0,
      VERDICT_RETRY,
      "verify.dns-not-served: waits for ns1.example.net: does not answer for example.com yet (NOERROR, but not as its "
      "authority)" },
    { "a dead server",
      "verify.dns",
      NULL,
      { { { 2,
            "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n" NS2
                GOOD("7"),
            "" } },
        { { 2, "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n",
            "" } } },
      2,
      4,
      VERDICT_RETRY,
      "verify.dns-silent: waits for ns1.example.net: does not answer (no answer in time)" },
    { "different serials, and then the same",
      "verify.dns",
      NULL,
      { { { 0, "ms 3\n" NS1 GOOD("7") NS2 GOOD("6"), "" } }, { { 0, "ms 3\n" NS1 GOOD("7") NS2 GOOD("7"), "" } } },
      2,
      2,
      VERDICT_DONE,
      "2 name servers answer all 9 records, serial 7" },
    { "different serials stay different",
      "verify.dns",
      NULL,
      { { { 0, "ms 3\n" NS1 GOOD("2026112301") NS2 GOOD("2026112202"), "" } } },
      1,
      0,
      VERDICT_RETRY,
      "verify.dns-serial: ns1.example.net and ns2.example.net have different serials: 2026112301 and 2026112202" },
    { "wrong priority, missing key, one name server too many",
      "verify.dns",
      NULL,
      { { { 0,
            "ms 3\n" NS1 GOOD("7") NS2 SOA("7") NS "record example.com. 14400 NS ns3.example.net.\n" A WWW QUESTION(
                "example.com.", "MX") "record example.com. 14400 MX 20 mail.example.com.\n" SPF
                                      "question mail._domainkey.example.com. TXT NXDOMAIN aa udp\n" CAA AAAA,
            "" } },
        { { 0,
            "ms 3\n" NS2 SOA("7") NS "record example.com. 14400 NS ns3.example.net.\n" A WWW QUESTION(
                "example.com.", "MX") "record example.com. 14400 MX 20 mail.example.com.\n" SPF
                                      "question mail._domainkey.example.com. TXT NXDOMAIN aa udp\n" CAA AAAA,
            "" } } },
      2,
      0,
      VERDICT_RETRY,
      "verify.dns-differs: waits for ns2.example.net: 3 of 9 records differ: NS @ also has \"ns3.example.net.\", MX @ "
      "is \"20 mail.example.com.\", not \"10 mail.example.com.\", TXT mail._domainkey lacks \"v=DKIM1; k=rsa; "
      "p=MIIBIjANBgkqhkiG9w0BAQ...\"" },
    { "what a CNAME leads to is not the record that was asked for",
      "verify.dns",
      NULL,
      { { { 0,
            "ms 3\n" NS1 GOOD("7") NS2 SOA("7") NS QUESTION(
                "example.com.", "A") "record example.com. 60 CNAME elsewhere.example.\nrecord elsewhere.example. 60 A "
                                     "192.0.2.10\n" WWW MX SPF DKIM CAA AAAA,
            "" } },
        { { 0,
            "ms 3\n" NS2 SOA("7") NS QUESTION(
                "example.com.", "A") "record example.com. 60 CNAME elsewhere.example.\nrecord elsewhere.example. 60 A "
                                     "192.0.2.10\n" WWW MX SPF DKIM CAA AAAA,
            "" } } },
      2,
      0,
      VERDICT_RETRY,
      "verify.dns-differs: waits for ns2.example.net: 1 of 9 records differ: A @ lacks \"192.0.2.10\"" },
    { "a name that DNS cannot carry is for a person",
      "verify.dns",
      NULL,
      { { { 64, "ms 0\n", "a..example.com. is not a name that DNS can carry\n" } } },
      1,
      1,
      VERDICT_FAILED,
      "verify.unusable: a..example.com. is not a name that DNS can carry" },

    /* mail */
    { "the mailbox opens",
      "verify.mail",
      "info",
      { { { 0, "tls yes\ncertificate unverified\nlogin yes\nmailbox yes\nms 40\n", "" } } },
      1,
      1,
      VERDICT_DONE,
      "the mailbox info@example.com opens over STARTTLS; the certificate was not verified" },
    { "a refused password is tried twice and no more",
      "verify.mail",
      "info",
      { { { 1, "tls yes\ncertificate unverified\nlogin no\nmailbox no\nms 40\n", "Login denied\n" } } },
      1,
      2,
      VERDICT_RETRY,
      "verify.mail-login: 192.0.2.10 port 1143: Login denied" },
    { "no STARTTLS",
      "verify.mail",
      "info",
      { { { 1, "tls no\nlogin no\nmailbox no\nms 4\n", "STARTTLS not available\n" } } },
      1,
      0,
      VERDICT_RETRY,
      "verify.mail-tls: 192.0.2.10 port 1143: STARTTLS not available" },
    { "dovecot comes up late",
      "verify.mail",
      "info",
      { { { 2, "tls no\nlogin no\nmailbox no\nms 0\n", "Connection refused\n" } },
        { { 0, "tls yes\ncertificate unverified\nlogin yes\nmailbox yes\nms 40\n", "" } } },
      2,
      2,
      VERDICT_DONE,
      "the mailbox info@example.com opens over STARTTLS; the certificate was not verified" },
    { "a mailbox that does not open",
      "verify.mail",
      "info",
      { { { 1, "tls yes\ncertificate unverified\nlogin yes\nmailbox no\nms 400\n",
            "Quote command returned error\n" } } },
      1,
      0,
      VERDICT_RETRY,
      "verify.mail-wrong: 192.0.2.10 port 1143: Quote command returned error" },
    { "without a mailbox the greeting is enough",
      "verify.mail",
      NULL,
      { { { 0, "greeting * OK Dovecot ready.\nms 1\n", "" } } },
      1,
      1,
      VERDICT_DONE,
      "the mail server greets" },
    { "an empty mailbox is no mailbox",
      "verify.mail",
      "",
      { { { 2, "ms 1\n", "" } } },
      1,
      0,
      VERDICT_RETRY,
      "verify.mail-silent: 192.0.2.10 port 1143: no reason given" },
};

static const struct {
    size_t needed;
    struct conversation told;
} fewer_name_servers[] = {
    { 1,
      { "one of two is enough when one is asked for",
        "verify.dns",
        NULL,
        { { { 2,
              "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n" NS2
                  GOOD("7"),
              "" } } },
        1,
        1,
        VERDICT_DONE,
        "enough of the name servers (1 of 2) answer all 9 records, serial 7; not yet: ns1.example.net" } },
    { 1,
      { "one is enough also when the other has an older serial",
        "verify.dns",
        NULL,
        { { { 0, "ms 3\n" NS1 GOOD("7") NS2 GOOD("6"), "" } } },
        1,
        1,
        VERDICT_DONE,
        "enough of the name servers (1 of 2) answer all 9 records, serial 7; not yet: ns2.example.net" } },
    { 1,
      { "none is not enough",
        "verify.dns",
        NULL,
        { { { 2,
              "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n"
              "server 192.0.2.2 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n",
              "" } } },
        1,
        0,
        VERDICT_RETRY,
        "verify.dns-silent: waits for ns1.example.net: does not answer (no answer in time); ns2.example.net: does not "
        "answer (no answer in time)" } },
    { 3,
      { "more than there are is all",
        "verify.dns",
        NULL,
        { { { 2,
              "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n" NS2
                  GOOD("7"),
              "" } },
          { { 2, "ms 2000\nserver 192.0.2.1 53 0 9 2000\nfailure no answer in time\nquestion example.com. SOA - - -\n",
              "" } } },
        2,
        4,
        VERDICT_RETRY,
        "verify.dns-silent: waits for ns1.example.net: does not answer (no answer in time)" } },
};

static void conversations_end_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++)
        play(&conversations[i], 0);
}

/* ---- what is asked ------------------------------------------------------------------------------------------------ */

static void as_many_name_servers_as_are_needed_are_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fewer_name_servers); i++)
        play(&fewer_name_servers[i].told, fewer_name_servers[i].needed);
}

static void expect_words(const struct step *step, const struct command_result *results, size_t count, const char *want)
{
    struct buf text = BUF_INIT;
    struct move move;
    driver_verify.next(step, results, count, &move);
    assert_int_equal(move.verdict, VERDICT_NONE);
    for (size_t i = 0; i < move.command->segment_count; i++) {
        buf_add_text(&text, i > 0 ? " | " : "");
        segment_describe(&move.command->segments[i], &text);
    }
    assert_string_equal(buf_text(&text), want);
    buf_finish(&text);
    move_finish(&move);
}

static void the_first_look_has_no_pause_and_asks_for_everything(void **state)
{
    (void)state;
    struct step step = step_of("verify.web");
    expect_words(
        &step, NULL, 0,
        "http timeout=3000 192.0.2.10 8080 example.com / | http timeout=3000 192.0.2.10 8080 www.example.com / "
        "| http timeout=3000 192.0.2.10 8080 no-such-site.invalid /");
    step = step_of("verify.dns");
    expect_words(
        &step, NULL, 0,
        "dns timeout=2000 192.0.2.1 53 192.0.2.2 53 ask example.com. SOA example.com. NS example.com. A "
        "www.example.com. CNAME example.com. MX example.com. TXT mail._domainkey.example.com. TXT example.com. "
        "CAA example.com. AAAA");
    step = step_of("verify.mail");
    expect_words(&step, NULL, 0, "imap-greeting timeout=4000 192.0.2.10 1143");
    step.mailbox = "info";
    expect_words(&step, NULL, 0, "imap timeout=8000 name=mail1.example.net 192.0.2.10 1143 info@example.com <stdin");
}

static void only_the_server_that_lags_is_asked_again_after_a_pause(void **state)
{
    (void)state;
    static const struct said looks[] = {
        { 1, "ms 3\n" NS1 GOOD("7") NS2 "question example.com. SOA SERVFAIL - udp\n", "" },
        { 0, "ms 3\n" NS2 GOOD("6"), "" },
    };
    struct step step = step_of("verify.dns");
    struct command_result results[2] = { result_of(&looks[0], 0, 1), result_of(&looks[1], 1, 2) };
    expect_words(
        &step, results, 1,
        "pause 20 | dns timeout=2000 192.0.2.2 53 ask example.com. SOA example.com. NS example.com. A "
        "www.example.com. CNAME example.com. MX example.com. TXT mail._domainkey.example.com. TXT example.com. "
        "CAA example.com. AAAA");
    /* now both answer well, but their serials differ: either may be the old one */
    expect_words(&step, results, 2,
                 "pause 20 | dns timeout=2000 192.0.2.1 53 192.0.2.2 53 ask example.com. SOA example.com. NS "
                 "example.com. A www.example.com. CNAME example.com. MX example.com. TXT mail._domainkey.example.com. "
                 "TXT example.com. CAA example.com. AAAA");
    command_result_finish(&results[0]);
    command_result_finish(&results[1]);
}

static void the_password_is_input_and_never_a_word(void **state)
{
    (void)state;
    struct step step = step_of("verify.mail");
    struct move move;
    step.mailbox = "info";
    driver_verify.next(&step, NULL, 0, &move);
    const struct segment *segment = &move.command->segments[0];
    assert_int_equal(segment->input_kind, INPUT_STDIN);
    assert_string_equal(segment->input, "correct horse");
    for (size_t i = 0; segment->argv[i] != NULL; i++)
        assert_null(strstr(segment->argv[i], "correct"));
    move_finish(&move);
}

static void a_zone_without_name_servers_is_for_a_person(void **state)
{
    (void)state;
    struct step step = step_of("verify.dns");
    struct move move;
    step.name_server_count = 0;
    driver_verify.next(&step, NULL, 0, &move);
    assert_int_equal(move.verdict, VERDICT_FAILED);
    assert_string_equal(move.cause->id, "verify.unusable");
    move_finish(&move);
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static void records_have_one_form(void **state)
{
    static const struct {
        const char *type;
        int priority;
        const char *value, *want;
    } cases[] = {
        { "A", 0, " 192.0.2.1 ", "192.0.2.1" },
        { "AAAA", 0, "2001:DB8::0001", "2001:db8::1" },
        { "AAAA", 0, "::FFFF:192.0.2.1", "::ffff:192.0.2.1" },
        { "CNAME", 0, "Host.Example.NET", "host.example.net." },
        { "CNAME", 0, "host.example.net.", "host.example.net." },
        { "CNAME", 0, "@", "example.com." },
        { "MX", 10, "mail.example.com", "10 mail.example.com." },
        { "MX", 0, "20 Mail.example.com.", "20 mail.example.com." },
        { "MX", 0, ".", "0 ." },
        { "SRV", 5, "0 5061 sip.example.com", "5 0 5061 sip.example.com." },
        { "SRV", 0, "1  0 5061\tsip.example.com", "1 0 5061 sip.example.com." },
        { "TXT", 0, "v=spf1 A mx -all", "v=spf1 A mx -all" },
        { "TXT", 0, "\"v=spf1 a\" \" mx -all\"", "v=spf1 a mx -all" },
        { "TXT", 0, "\"a \\\"quoted\\\" word; \\195\\164\"", "a \"quoted\" word; \\195\\164" },
        { "TXT", 0, "back\\slash \xc3\xa4", "back\\\\slash \\195\\164" },
        { "TXT", 0, "", "" },
        { "CAA", 0, "0 ISSUE \"letsencrypt.org\"", "0 issue \"letsencrypt.org\"" },
        { "CAA", 0, "128 issuewild ;", "128 issuewild \";\"" },
        { "CAA", 0, "0 iodef mailto:Postmaster@example.com", "0 iodef \"mailto:Postmaster@example.com\"" },
        { "TLSA", 0, "3 1 1  ABCDEF", "3 1 1 abcdef" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = BUF_INIT;
        struct zone_record record = { "@", cases[i].type, cases[i].priority, cases[i].value };
        verify_record_wanted(&text, &record, "example.com");
        if (strcmp(buf_text(&text), cases[i].want) != 0)
            fail_msg("%s %s: got \"%s\", want \"%s\"", cases[i].type, cases[i].value, buf_text(&text), cases[i].want);
        struct buf again = BUF_INIT; /* what a probe prints in this form compares equal */
        verify_record_seen(&again, cases[i].type, buf_text(&text));
        assert_string_equal(buf_text(&again), cases[i].want);
        buf_finish(&again);
        buf_finish(&text);
    }
}

static void names_are_whole_names(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "@", "example.com." },           { "", "example.com." },
        { "www", "www.example.com." },     { "WWW.Example.com.", "www.example.com." },
        { "*.dev", "*.dev.example.com." },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = BUF_INIT;
        verify_record_name(&text, cases[i].name, "Example.com");
        assert_string_equal(buf_text(&text), cases[i].want);
        buf_finish(&text);
    }
}

static void a_fact_is_a_whole_line_before_the_body(void **state)
{
    char value[16];
    (void)state;
    assert_true(verify_fact("status 200\nms 3\n\nms 9\n", "ms", value, sizeof(value)));
    assert_string_equal(value, "3");
    assert_false(verify_fact("status 200\n\nms 9\n", "ms", value, sizeof(value)));
    assert_false(verify_fact("statuses 200\n", "status", value, sizeof(value)));
    assert_true(verify_fact("type 0123456789abcdefghij", "type", value, sizeof(value)));
    assert_string_equal(value, "0123456789abcde");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations_end_as_written),
        cmocka_unit_test(as_many_name_servers_as_are_needed_are_enough),
        cmocka_unit_test(the_first_look_has_no_pause_and_asks_for_everything),
        cmocka_unit_test(only_the_server_that_lags_is_asked_again_after_a_pause),
        cmocka_unit_test(the_password_is_input_and_never_a_word),
        cmocka_unit_test(a_zone_without_name_servers_is_for_a_person),
        cmocka_unit_test(records_have_one_form),
        cmocka_unit_test(names_are_whole_names),
        cmocka_unit_test(a_fact_is_a_whole_line_before_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
