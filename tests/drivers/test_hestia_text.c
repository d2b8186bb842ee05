/* test_hestia_text.c - golden: packages and zones exactly as the panel is given them, and as it lists them afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/hestia.h"
#include "story.h"

static void record_values_are_what_the_panel_lists(void **state)
{
    /* What a person writes, and what v-list-dns-records showed for it (ids dns-records-json-2, dns-rec-list-q). */
    static const struct {
        struct zone_record record;
        const char *value, *priority;
    } cases[] = {
        { { "@", "NS", 0, "ns1.example.net" }, "ns1.example.net.", "" },
        { { "@", "NS", 0, "ns1.example.net." }, "ns1.example.net.", "" },
        { { "@", "A", 0, "192.0.2.4" }, "192.0.2.4", "" },
        { { "@", "AAAA", 0, "2001:db8::4" }, "2001:db8::4", "" },
        { { "www", "CNAME", 0, "pw04.com" }, "pw04.com.", "" },
        { { "@", "MX", 10, "mail.example.net" }, "mail.example.net.", "10" },
        { { "@", "MX", 0, "mail.example.net" }, "mail.example.net.", "0" },
        { { "@", "TXT", 0, "v=spf1 a mx ip4:192.0.2.4 -all" }, "\"v=spf1 a mx ip4:192.0.2.4 -all\"", "" },
        { { "q", "TXT", 0, "\"already quoted; text\"" }, "\"already quoted; text\"", "" },
        { { "q", "TXT", 0, "\"cut in \" \"two\"" }, "\"cut in two\"", "" },
        { { "q", "TXT", 0, "plain" }, "\"plain\"", "" },
        { { "q", "TXT", 0, "it's" }, "\"it%quote%s\"", "" },
        { { "@", "CAA", 0, "0 issue \"letsencrypt.org\"" }, "0 issue \"letsencrypt.org\"", "" },
        { { "_imaps._tcp", "SRV", 1, "0 993 mail.pw04.com" }, "0 993 mail.pw04.com.", "1" },
        { { "_imaps._tcp", "SRV", 1, "1 0 993 mail.pw04.com" }, "0 993 mail.pw04.com.", "1" },
        { { "_pop3._tcp", "SRV", 0, "0 0 ." }, "0 0 .", "0" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char priority[16];
        CLEANUP(buf_finish) struct buf value = BUF_INIT;
        assert_true(hestia_record_value(&cases[i].record, &value));
        hestia_record_priority(&cases[i].record, priority, sizeof(priority));
        assert_string_equal(buf_text(&value), cases[i].value);
        assert_string_equal(priority, cases[i].priority);
    }
}

static void values_that_would_break_the_panels_data_are_refused(void **state)
{
    static const struct zone_record cases[] = {
        { "@", "A", 0, "192.0.2.1' TTL='1" },
        { "@", "TXT", 0, "two\nlines" },
        { "@", "CNAME", 0, "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_finish) struct buf value = BUF_INIT;
        assert_false(hestia_record_value(&cases[i], &value));
    }
}

/* A 2048-bit key is longer than one string of a TXT record: it is stored in one piece, the panel cuts it at 255. */
static void long_texts_are_stored_in_one_piece(void **state)
{
    char text[420];
    CLEANUP(buf_finish) struct buf value = BUF_INIT;
    (void)state;
    memset(text, 'M', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "v=DKIM1; k=rsa; p=", 18);
    struct zone_record record = { "mail._domainkey", "TXT", 0, text };
    assert_true(hestia_record_value(&record, &value));
    assert_int_equal(value.length, sizeof(text) - 1 + 2);
    assert_memory_equal(value.data + 1, text, sizeof(text) - 1);
}

static void a_zone_is_two_texts(void **state)
{
    struct step step = story_step("dns.zone");
    CLEANUP(buf_finish) struct buf line = BUF_INIT;
    CLEANUP(buf_finish) struct buf file = BUF_INIT;
    (void)state;
    assert_true(hestia_zone_line(&step, &line));
    assert_true(hestia_zone_records(&step, &file));
    assert_string_equal(buf_text(&line),
                        "DOMAIN='acme.example' IP='192.0.2.1' TPL='default' TTL='14400' EXP='2027-11-23' "
                        "SOA='ns1.example.net' SERIAL='2026112301' SRC='' RECORDS='4' DNSSEC='no' KEY='' SLAVE='no' "
                        "MASTER='' SUSPENDED='no' TIME='10:00:00' DATE='2026-11-23'");
    assert_string_equal(
        buf_text(&file),
        "ID='101' RECORD='@' TYPE='NS' PRIORITY='' VALUE='ns1.example.net.' SUSPENDED='no' TIME='10:00:00' "
        "DATE='2026-11-23'\n"
        "ID='102' RECORD='@' TYPE='A' PRIORITY='' VALUE='192.0.2.1' SUSPENDED='no' TIME='10:00:00' DATE='2026-11-23'\n"
        "ID='103' RECORD='@' TYPE='MX' PRIORITY='10' VALUE='mail.acme.example.' SUSPENDED='no' TIME='10:00:00' "
        "DATE='2026-11-23'\n"
        "ID='104' RECORD='@' TYPE='TXT' PRIORITY='' VALUE='\"v=spf1 a mx -all\"' SUSPENDED='no' TIME='10:00:00' "
        "DATE='2026-11-23'\n");
}

static void a_package_has_every_key(void **state)
{
    static const char *const want[HESTIA_PACKAGE_KEYS][2] = {
        { "WEB_TEMPLATE", "default" },
        { "PROXY_TEMPLATE", "default" },
        { "BACKEND_TEMPLATE", "PHP-8_2" },
        { "DNS_TEMPLATE", "default" },
        { "WEB_DOMAINS", "1" },
        { "WEB_ALIASES", "5" },
        { "DNS_DOMAINS", "1" },
        { "DNS_RECORDS", "50" },
        { "MAIL_DOMAINS", "1" },
        { "MAIL_ACCOUNTS", "10" },
        { "RATE_LIMIT", "200" },
        { "DATABASES", "1" },
        { "CRON_JOBS", "1" },
        { "DISK_QUOTA", "1000" },
        { "CPU_QUOTA", "unlimited" },
        { "CPU_QUOTA_PERIOD", "unlimited" },
        { "MEMORY_LIMIT", "unlimited" },
        { "SWAP_LIMIT", "unlimited" },
        { "BANDWIDTH", "unlimited" },
        { "NS", "" },
        { "SHELL", "nologin" },
        { "BACKUPS", "1" },
        { "BACKUPS_INCREMENTAL", "no" },
    };
    struct hestia_setting settings[HESTIA_PACKAGE_KEYS];
    struct step step = story_step("web.package");
    (void)state;
    hestia_package(&step, settings);
    for (size_t i = 0; i < HESTIA_PACKAGE_KEYS; i++) {
        assert_string_equal(settings[i].key, want[i][0]);
        assert_string_equal(settings[i].value, want[i][1]);
    }
    step = story_step("dns.package"); /* of one account there is one package, whichever role's step writes it */
    hestia_package(&step, settings);
    assert_string_equal(settings[2].value, "PHP-8_2");
    step.limits.php = "";
    step.limits.mail_rate_per_hour = -1;
    step.limits.backups = -1;
    hestia_package(&step, settings);
    assert_string_equal(settings[2].value, "default");
    assert_string_equal(settings[10].value, "100000"); /* no "unlimited" for these two */
    assert_string_equal(settings[21].value, "365");
}

static void names_of_people_are_cleaned(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "Acme Ltd", "Acme Ltd" },
        { "O'Neil \"& Sons\"", "ONeil & Sons" },
        { "Back\\slash", "Backslash" },
        { "a\nb<c>$d`e", "abcde" },
        { "B\xc3\xbc"
          "cher",
          "B\xc3\xbc"
          "cher" },
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[64];
        hestia_clean_name(cases[i].name, name, sizeof(name));
        assert_string_equal(name, cases[i].want);
    }
    char cut[4];
    hestia_clean_name("ab\xc3\xbc", cut, sizeof(cut)); /* no half character */
    assert_string_equal(cut, "ab");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_values_are_what_the_panel_lists),
        cmocka_unit_test(values_that_would_break_the_panels_data_are_refused),
        cmocka_unit_test(long_texts_are_stored_in_one_piece),
        cmocka_unit_test(a_zone_is_two_texts),
        cmocka_unit_test(a_package_has_every_key),
        cmocka_unit_test(names_of_people_are_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
