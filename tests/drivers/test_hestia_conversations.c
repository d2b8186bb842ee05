/* test_hestia_conversations.c - whole conversations of every action of the HestiaCP driver, as stories (story.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drivers/hestia.h"
#include "story.h"

#define PLAY_ALL(stories)                                                                                              \
    static void play_##stories(void **state)                                                                           \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        for (size_t i = 0; i < stories##_count; i++)                                                                   \
            story_play(&stories[i]);                                                                                   \
    }
PLAY_ALL(packages)
PLAY_ALL(users)
PLAY_ALL(web_domains)
PLAY_ALL(web_settings)
PLAY_ALL(web_reloads)
PLAY_ALL(mail_domains)
PLAY_ALL(mail_accounts)
PLAY_ALL(mail_dkims)
PLAY_ALL(passwords)
PLAY_ALL(dns_zones)
PLAY_ALL(preflights)

/* ---- what is no story ------------------------------------------------------------------------------------------------ */

static void empty_passwords_are_refused_before_anything_is_said(void **state)
{
    static const struct story stories[] = {
        { "a user without a password", "web.user", false, false, "= failed panel.password\n" },
        { "a mailbox without a password", "mail.account", false, false, "= failed panel.password\n" },
        { "a user's new password", "web.password", false, false, "= failed panel.password\n" },
        { "a mailbox's new password", "mail.mailbox-password", false, false, "= failed panel.password\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct step step = story_step(stories[i].action);
        step.password = "";
        story_play_step(&stories[i], &step);
    }
}

static void zones_that_the_panel_cannot_store_are_refused_before_anything_is_said(void **state)
{
    static const struct zone_record odd[] = { { "@", "A", 0, "192.0.2.1\nx" } };
    struct step step = story_step("dns.zone");
    struct story story = { "a zone without an address", "dns.zone", false, false, "= failed panel.invalid\n" };
    (void)state;
    step.zone.ip = "";
    story_play_step(&story, &step);
    step = story_step("dns.zone");
    step.zone.records = odd;
    step.zone.record_count = 1;
    story.name = "a record with a line end";
    story_play_step(&story, &step);
    step = story_step("dns.zone");
    step.limits.dns_records = 3;
    story.name = "more records than the product allows";
    story.lines = "= failed panel.limit: the zone has 4 records, the product allows 3\n";
    story_play_step(&story, &step);
}

static void names_above_are_searched_too(void **state)
{
    static const struct story story = {
        "a zone under another user's domain", "dns.zone", false, false,
        "v-list-dns-domain acme shop.acme.example json | 3\n"
        "v-search-domain-owner shop.acme.example | 3\n"
        "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
        "--\n"
        "v-list-user acme json | 0 | user.ours\n"
        "v-search-domain-owner shop.acme.example | 3\n"
        "v-search-domain-owner acme.example | 0 | \"bob\\n\"\n"
        "--\n"
        "v-list-dns-domain bob acme.example json | 0 | zone.ours\n"
        "v-list-web-domain bob acme.example json | 3\n"
        "v-list-mail-domain bob acme.example json | 3\n"
        "--\n"
        "= conflict conflict.zone: acme.example belongs to user bob on this name server\n"
    };
    struct step step = story_step("dns.zone");
    (void)state;
    step.domain = "shop.acme.example";
    story_play_step(&story, &step);
}

static void a_user_is_adopted_only_where_a_person_said_so(void **state)
{
    static const struct story stories[] = {
        { "a user without a mark gets ours", "web.user", false, false,
          "v-list-user acme json | 0 | user.other\n"
          "--\n"
          "v-change-user-package acme b0a1b2c-0000000007-x | 0\n"
          "v-list-user acme json | 0 | user.ours\n"
          "--\n"
          "= done changed\n" },
        { "one that is ours already is left alone", "web.user", false, false,
          "v-list-user acme json | 0 | user.ours\n"
          "--\n"
          "= done\n" },
        { "one that has more in it than is sold stays as it is", "web.user", false, false,
          "v-list-user acme json | 0 | user.other\n"
          "--\n"
          "v-change-user-package acme b0a1b2c-0000000007-x | 8 | \"Error: Package doesn't cover WEB_DOMAIN usage\\n\"\n"
          "v-list-user acme json | 0 | user.other\n"
          "--\n"
          "= failed panel.limit: v-change-user-package: Package doesn't cover WEB_DOMAIN usage\n" },
        { "one with the mark of another installation is not", "web.user", false, false,
          "v-list-user acme json | 0 | user.marked\n"
          "--\n"
          "= conflict conflict.user: user acme has package bzzzzzz-0000000001-x, not our b0a1b2c-0000000007-x\n" },
        { "the panel's administrator is not", "web.user", false, false,
          "v-list-user acme json | 0 | user.admin\n"
          "--\n"
          "= conflict conflict.user: user acme has package small, not our b0a1b2c-0000000007-x\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct step step = story_step("web.user");
        step.adopt = true;
        story_play_step(&stories[i], &step);
    }
}

static void facts_are_what_later_steps_need(void **state)
{
    static const char config[] =
        "{ \"config\": { \"WEB_SYSTEM\": \"nginx\", \"WEB_BACKEND\": \"php-fpm\", \"MAIL_SYSTEM\": "
        "\"\", \"DNS_SYSTEM\": \"bind9\", \"VERSION\": \"1.10.3\", \"DISK_QUOTA\": \"yes\" } }";
    static const char templates[] = "[\"PHP-7_4\", \"PHP-8_2\", \"default\"]";
    struct step step = story_step("node.preflight");
    static const char info[] = "{ \"sysinfo\": { \"LOADAVERAGE\": \"0.20 / 0.10 / 0.05\" } }";
    static const char disks[] = "/ 50000000 4096\n/home 2621440 4096\n/var 30000000 4096\n";
    struct segment_result segments[] = {
        { .ran = true, .out = xasprintf("%" PRId64 "\n", step.now_ms / 1000 - 75), .err = xstrdup("") },
        { .ran = true, .out = xstrdup(config), .err = xstrdup("") },
        { .ran = true, .out = xstrdup(info), .err = xstrdup("") },
        { .ran = true, .out = xstrdup(templates), .err = xstrdup("") },
        { .ran = true, .exit_code = 1, .out = xstrdup(disks), .err = xstrdup("") },
    };
    struct command_result result = { .segments = segments, .segment_count = ARRAY_LEN(segments) };
    struct move move;
    (void)state;
    driver_hestia.next(&step, &result, 1, &move);
    assert_int_equal(move.verdict, VERDICT_DONE);
    static const char *const want[][2] = { { "version", "1.10.3" },
                                           { "capabilities", "web,dns" },
                                           { "php", "7.4,8.2" },
                                           { "hostname", "" },
                                           { "os", "" },
                                           { "disk_quota", "yes" },
                                           { "room", "10240 MB free on /home" },
                                           { "load", "0.20 / 0.10 / 0.05" },
                                           { "clock", "75 s behind ours" } };
    assert_int_equal(move.fact_count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_string_equal(move.facts[i].key, want[i][0]);
        assert_string_equal(move.facts[i].value, want[i][1]);
    }
    move_finish(&move);
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        free(segments[i].out);
        free(segments[i].err);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(play_packages),
        cmocka_unit_test(play_users),
        cmocka_unit_test(play_web_domains),
        cmocka_unit_test(play_web_settings),
        cmocka_unit_test(play_web_reloads),
        cmocka_unit_test(play_mail_domains),
        cmocka_unit_test(play_mail_accounts),
        cmocka_unit_test(play_mail_dkims),
        cmocka_unit_test(play_passwords),
        cmocka_unit_test(play_dns_zones),
        cmocka_unit_test(play_preflights),
        cmocka_unit_test(empty_passwords_are_refused_before_anything_is_said),
        cmocka_unit_test(zones_that_the_panel_cannot_store_are_refused_before_anything_is_said),
        cmocka_unit_test(names_above_are_searched_too),
        cmocka_unit_test(a_user_is_adopted_only_where_a_person_said_so),
        cmocka_unit_test(facts_are_what_later_steps_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
