/* test_world.c - what resolvers say, and what it comes to: whether the world sees a service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/util.h"
#include "drivers/world.h"

#define FIRST "server 192.0.2.53 53 2 2 9\n"
#define SECOND "server 2001:db8::53 53 2 2 9\n"
#define OUR_NS                                                                                                         \
    "question shop.example. NS NOERROR - udp\n"                                                                        \
    "record shop.example. 300 NS ns1.host.example.\nrecord shop.example. 300 NS ns2.host.example.\n"
#define OUR_A "question shop.example. A NOERROR - udp\nrecord shop.example. 300 A 203.0.113.5\n"
#define OLD_NS "question shop.example. NS NOERROR - udp\nrecord shop.example. 9 NS ns1.old.example.\n"
#define OLD_A "question shop.example. A NOERROR - udp\nrecord shop.example. 9 A 198.51.100.1\n"
#define NO_NS "question shop.example. NS NXDOMAIN - udp\n"
#define NO_A "question shop.example. A NXDOMAIN - udp\n"
#define FAILED "question shop.example. NS SERVFAIL - udp\nquestion shop.example. A SERVFAIL - udp\n"
#define DEAD                                                                                                           \
    "server 192.0.2.99 53 0 2 4000\nfailure no answer in time\n"                                                       \
    "question shop.example. NS - - -\nquestion shop.example. A - - -\n"

static const struct world_wanted shop = { .domain = "shop.example",
                                          .name_servers = { "ns1.host.example", "NS2.Host.example." },
                                          .name_server_count = 2,
                                          .ip4 = "203.0.113.5",
                                          .ip6 = "" };

static void read_out(const struct world_wanted *wanted, const char *out, struct world_sight *ret_sight)
{
    CLEANUP(freep) char *text = xstrdup(out);
    struct segment_result segment = { .ran = true, .out = text };
    struct command_result result = { .outcome = OUTCOME_ENDED, .segments = &segment, .segment_count = 1 };
    world_read(wanted, &result, ret_sight);
}

static void show_found(struct buf *text, const struct world_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        buf_addf(text, "%s%s", i == 0 ? "" : " ", found->texts[i]);
}

/* "all name-servers address; names found; addresses found; why" */
static void expect_sight(const char *name, const struct world_wanted *wanted, const char *out, const char *want)
{
    static struct world_sight sight;
    CLEANUP(buf_finish) struct buf got = BUF_INIT;
    read_out(wanted, out, &sight);
    buf_addf(&got, "%s %s %s; ", world_seen_name(sight.all), world_seen_name(sight.name_servers),
             world_seen_name(sight.address));
    show_found(&got, &sight.found_servers);
    buf_add_text(&got, "; ");
    show_found(&got, &sight.found_addresses);
    buf_addf(&got, "; %s", sight.why);
    if (!buf_equals(&got, want))
        fail_msg("%s: got\n%s\nwant\n%s", name, buf_text(&got), want);
}

static void answers_come_to_a_verdict(void **state)
{
    static const struct {
        const char *name, *out, *want;
    } cases[] = {
        { "all see all", FIRST OUR_NS OUR_A SECOND OUR_NS OUR_A,
          "yes yes yes; ns1.host.example ns2.host.example; 203.0.113.5; " },
        { "nobody knows the name", FIRST NO_NS NO_A, "no no no; ; ; " },
        { "it is elsewhere", FIRST OLD_NS OLD_A, "no no no; ns1.old.example; 198.51.100.1; " },
        { "one of two still remembers", FIRST OUR_NS OUR_A SECOND OLD_NS OLD_A,
          "partly partly partly; ns1.host.example ns1.old.example ns2.host.example; 198.51.100.1 203.0.113.5; " },
        { "ours and another's at once",
          FIRST "question shop.example. NS NOERROR - udp\nrecord shop.example. 9 NS ns1.host.example.\n"
                "record shop.example. 9 NS ns1.old.example.\n" OUR_A,
          "partly partly yes; ns1.host.example ns1.old.example; 203.0.113.5; " },
        { "one name server of ours is enough",
          FIRST "question shop.example. NS NOERROR - udp\nrecord shop.example. 9 NS NS2.host.example.\n" OUR_A,
          "yes yes yes; NS2.host.example; 203.0.113.5; " },
        { "name servers elsewhere, the address entered there", FIRST OLD_NS OUR_A,
          "partly no yes; ns1.old.example; 203.0.113.5; " },
        { "an answer that leads elsewhere first",
          FIRST OUR_NS "question shop.example. A NOERROR - udp\nrecord shop.example. 9 CNAME to.example.\n"
                       "record to.example. 9 A 203.0.113.5\n",
          "yes yes yes; ns1.host.example ns2.host.example; 203.0.113.5; " },
        { "name servers of a name above are not its own",
          FIRST "question shop.example. NS NOERROR - udp\nrecord example. 9 NS ns1.host.example.\n" NO_A,
          "no no no; ; ; " },
        { "a resolver is dead, the other one sees all", FIRST OUR_NS OUR_A DEAD,
          "yes yes yes; ns1.host.example ns2.host.example; 203.0.113.5; 192.0.2.99 port 53: no answer in time" },
        { "two of three are dead", FIRST OUR_NS OUR_A DEAD DEAD,
          "partly partly partly; ns1.host.example ns2.host.example; 203.0.113.5; "
          "192.0.2.99 port 53: no answer in time; 192.0.2.99 port 53: no answer in time" },
        { "all are dead", DEAD, "unknown unknown unknown; ; ; 192.0.2.99 port 53: no answer in time" },
        { "it cannot tell", FIRST FAILED, "unknown unknown unknown; ; ; 192.0.2.53 port 53: it answers SERVFAIL" },
        { "it can tell one thing", FIRST OUR_NS "question shop.example. A SERVFAIL - udp\n",
          "unknown yes unknown; ns1.host.example ns2.host.example; ; 192.0.2.53 port 53: it answers SERVFAIL" },
        { "no address on any of them", FIRST OUR_NS "question shop.example. A NOERROR - udp\n",
          "partly yes no; ns1.host.example ns2.host.example; ; " },
        { "rubbish", "server\nserver x\nquestion\nrecord a b\nnonsense\n\n\nquestion a",
          "unknown unknown unknown; ; ; "
          "no resolver was asked" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_sight(cases[i].name, &shop, cases[i].out, cases[i].want);
}

static void what_is_not_ours_is_not_judged(void **state)
{
    const struct world_wanted site = { .domain = "shop.example", .ip4 = "203.0.113.5" };
    const struct world_wanted names = { .domain = "shop.example",
                                        .name_servers = { "ns1.host.example", "ns2.host.example" },
                                        .name_server_count = 2 };
    const struct world_wanted nothing = { .domain = "shop.example" };
    (void)state;
    expect_sight("a site only", &site, FIRST OUR_A, "yes unknown yes; ; 203.0.113.5; ");
    expect_sight("names only", &names, FIRST OLD_NS, "no no unknown; ns1.old.example; ; ");
    assert_true(world_wants(&site) && world_wants(&names) && !world_wants(&nothing));
}

static void both_kinds_of_address_must_be_ours(void **state)
{
    const struct world_wanted dual = { .domain = "shop.example", .ip4 = "203.0.113.5", .ip6 = "2001:DB8:0::5" };
    (void)state;
    expect_sight("both", &dual,
                 FIRST OUR_A "question shop.example. AAAA NOERROR - udp\nrecord shop.example. 9 AAAA 2001:db8::5\n",
                 "yes unknown yes; ; 2001:db8::5 203.0.113.5; ");
    expect_sight("without the new kind", &dual, FIRST OUR_A "question shop.example. AAAA NOERROR - udp\n",
                 "yes unknown yes; ; 203.0.113.5; ");
    expect_sight("the new kind leads elsewhere", &dual,
                 FIRST OUR_A "question shop.example. AAAA NOERROR - udp\nrecord shop.example. 9 AAAA 2001:db8::9\n",
                 "partly unknown partly; ; 2001:db8::9 203.0.113.5; ");
    expect_sight("nobody can tell of the new kind", &dual, FIRST OUR_A "question shop.example. AAAA SERVFAIL - udp\n",
                 "unknown unknown unknown; ; 203.0.113.5; 192.0.2.53 port 53: it answers SERVFAIL");
}

static void what_a_stranger_says_has_a_limit(void **state)
{
    static struct world_sight sight;
    CLEANUP(buf_finish) struct buf out = BUF_INIT;
    (void)state;
    buf_add_text(&out, FIRST "question shop.example. NS NOERROR - udp\n");
    for (int i = 0; i < 500; i++)
        buf_addf(&out, "record shop.example. 9 NS %0*d.example.\n", 60 + i, i);
    for (int i = 0; i < 100; i++)
        buf_add_text(&out, DEAD);
    read_out(&shop, buf_text(&out), &sight);
    assert_int_equal(sight.found_servers.count, WORLD_FOUND_MAX);
    assert_int_equal(strlen(sight.why), sizeof(sight.why) - 1);
}

static void a_look_that_did_not_come_about_says_so(void **state)
{
    static struct world_sight sight;
    char message[] = "the look waited 8000 ms for a free thread, and its time was over";
    char err[] = "shop..example is not a name that DNS can carry\nmore\n";
    struct command_result late = { .outcome = OUTCOME_NOT_STARTED, .message = message };
    struct segment_result segment = { .ran = true, .exit_code = 64, .err = err };
    struct command_result odd = { .outcome = OUTCOME_ENDED, .segments = &segment, .segment_count = 1 };
    (void)state;
    world_read(&shop, &late, &sight);
    assert_int_equal(sight.all, WORLD_UNKNOWN);
    assert_string_equal(sight.why, message);
    world_read(&shop, &odd, &sight);
    assert_string_equal(sight.why, "shop..example is not a name that DNS can carry");
}

static void asks_what_is_ours_of_whom_staff_named(void **state)
{
    const struct world_wanted dual = { .domain = "shop.example", .ip4 = "203.0.113.5", .ip6 = "2001:db8::5" };
    const struct resolver resolvers[] = { { "192.0.2.53", 53 }, { "2001:db8::53", 5353 } };
    struct command *command = world_ask(&shop, resolvers, ARRAY_LEN(resolvers));
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    (void)state;
    segment_describe(&command->segments[0], &text);
    assert_string_equal(buf_text(&text),
                        "resolve timeout=4000 192.0.2.53 53 2001:db8::53 5353 ask shop.example NS "
                        "shop.example A");
    assert_int_equal(command->lane, LANE_PROBE);
    assert_true(command->deadline_ms > 4000);
    command_destroy(command);
    buf_clear(&text);
    command = world_ask(&dual, NULL, 0);
    segment_describe(&command->segments[0], &text);
    assert_string_equal(buf_text(&text), "resolve timeout=4000 ask shop.example A shop.example AAAA");
    command_destroy(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_to_a_verdict),
        cmocka_unit_test(what_is_not_ours_is_not_judged),
        cmocka_unit_test(both_kinds_of_address_must_be_ours),
        cmocka_unit_test(what_a_stranger_says_has_a_limit),
        cmocka_unit_test(a_look_that_did_not_come_about_says_so),
        cmocka_unit_test(asks_what_is_ours_of_whom_staff_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
