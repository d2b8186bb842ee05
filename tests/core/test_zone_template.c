/* test_zone_template.c - zone templates: the shipped ones against golden files, the format, each mistake with its line. */
#include "harness.h"

#include <inttypes.h>

#include "base/buf.h"
#include "core/zone_template.h"

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("no file %s", path);
    struct buf text = BUF_INIT;
    char chunk[4096];
    for (size_t length; (length = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        buf_add(&text, chunk, length);
    fclose(file);
    return buf_steal(&text);
}

/* As a zone file has it, so that the golden files can be fed to named-checkzone. */
static char *zone_text(const struct zone_rendered *zone)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < zone->record_count; i++) {
        const struct zone_record *record = &zone->records[i];
        buf_addf(&text, "%s\t", record->name);
        if (zone->ttls[i] > 0)
            buf_addf(&text, "%" PRId64, zone->ttls[i]);
        buf_addf(&text, "\tIN\t%s\t", record->type);
        if (strcmp(record->type, "MX") == 0 || strcmp(record->type, "SRV") == 0)
            buf_addf(&text, "%d ", record->priority);
        if (strcmp(record->type, "TXT") == 0)
            zone_txt_split(record->value, &text);
        else
            buf_add_text(&text, record->value);
        if (strcmp(record->type, "A") != 0 && strstr("CNAME NS MX SRV", record->type) != NULL)
            buf_add_char(&text, '.');
        buf_add_char(&text, '\n');
    }
    return buf_steal(&text);
}

static struct zone_values all_values(const char *domainkey)
{
    return (struct zone_values){
        .domain = "example.com",
        .server_ip = "192.0.2.10",
        .mail_server_ip = "192.0.2.20",
        .mail_server_hostname = "mail1.provider.example",
        .ns = { "ns1.provider.example", "ns2.provider.example" },
        .domainkey = domainkey,
        .service_id = "42",
        .client_id = "c-7",
    };
}

static void shipped_templates_render_to_their_golden_files(void **state)
{
    static const struct {
        const char *template_path, *golden;
        bool mail;
        size_t records;
    } cases[] = {
        { PIPELINES_DIR "/zones/default.zone", TEST_DATA_DIR "/zones/default.golden", true, 12 },
        { PIPELINES_DIR "/zones/full.zone", TEST_DATA_DIR "/zones/full.golden", true, 22 },
        { PIPELINES_DIR "/zones/default.zone", TEST_DATA_DIR "/zones/no-mail.golden", false, 6 },
        { PIPELINES_DIR "/zones/full.zone", TEST_DATA_DIR "/zones/no-mail.golden", false, 6 },
    };
    (void)state;
    CLEANUP(freep) char *domainkey = slurp(TEST_DATA_DIR "/zones/dkim-2048.txt");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(freep) char *template_text = slurp(cases[i].template_path);
        CLEANUP(freep) char *want = slurp(cases[i].golden);
        struct zone_values values = all_values(cases[i].mail ? domainkey : "");
        if (!cases[i].mail)
            values.mail_server_ip = values.mail_server_hostname = NULL;
        struct zone_rendered zone;
        struct err err = { 0 };
        if (!zone_template_check(template_text, &err) || !zone_template_render(template_text, &values, &zone, &err))
            fail_msg("%s: %s", cases[i].template_path, err.msg);
        CLEANUP(freep) char *got = zone_text(&zone);
        expect_text(cases[i].golden, got, want);
        assert_int_equal(zone.record_count, cases[i].records);
        zone_rendered_finish(&zone);
    }
}

static void without_web_its_records_vanish(void **state)
{
    (void)state;
    CLEANUP(freep) char *template_text = slurp(PIPELINES_DIR "/zones/default.zone");
    struct zone_values values = all_values("v=DKIM1; k=rsa; p=AAAA");
    values.server_ip = "";
    struct zone_rendered zone;
    struct err err = { 0 };
    assert_true(zone_template_render(template_text, &values, &zone, &err));
    for (size_t i = 0; i < zone.record_count; i++) {
        assert_string_not_equal(zone.records[i].name, "www");
        assert_string_not_equal(zone.records[i].name, "ftp");
        assert_true(strcmp(zone.records[i].name, "@") != 0 || strcmp(zone.records[i].type, "A") != 0);
    }
    assert_int_equal(zone.record_count, 9);
    zone_rendered_finish(&zone);
}

static void lines_become_records(void **state)
{
    static const struct {
        const char *name, *line, *want;
    } cases[] = {
        { "blanks and tabs between columns", "  @ \t A\t192.0.2.1  ", "@\t\tIN\tA\t192.0.2.1\n" },
        { "a TTL", "www 300 A 192.0.2.1", "www\t300\tIN\tA\t192.0.2.1\n" },
        { "a carriage return at the end", "@ A 192.0.2.1\r\n", "@\t\tIN\tA\t192.0.2.1\n" },
        { "a comment", "# @ A 192.0.2.1\n\n   # more\n", "" },
        { "a # in a value", "@ TXT color #fff", "@\t\tIN\tTXT\t\"color #fff\"\n" },
        { "blanks in a value stay", "@ TXT a  b", "@\t\tIN\tTXT\t\"a  b\"\n" },
        { "MX", "@ MX 10 {mail_server_hostname}", "@\t\tIN\tMX\t10 mail1.provider.example.\n" },
        { "SRV", "_sip._tcp SRV 1 2 5060 sip.{domain}", "_sip._tcp\t\tIN\tSRV\t1 2 5060 sip.example.com.\n" },
        { "CAA with a quoted value", "@ CAA 0 issue \"letsencrypt.org\"",
          "@\t\tIN\tCAA\t0 issue \"letsencrypt.org\"\n" },
        { "IPv6", "@ AAAA 2001:db8::1", "@\t\tIN\tAAAA\t2001:db8::1\n" },
        { "a wildcard alias target with underscore", "a._domainkey CNAME a._domainkey.mailer.example",
          "a._domainkey\t\tIN\tCNAME\ta._domainkey.mailer.example.\n" },
        { "two placeholders in a value", "@ TXT {service_id}/{client_id}", "@\t\tIN\tTXT\t\"42/c-7\"\n" },
        { "a placeholder in a name", "s{service_id} A 192.0.2.1", "s42\t\tIN\tA\t192.0.2.1\n" },
        { "one of two is empty", "@ TXT {service_id}/{server_ip6}", "" },
        { "a name server that is not there", "@ NS {ns3}", "" },
        { "a guard that holds", "@ TXT {?server_ip}yes", "@\t\tIN\tTXT\t\"yes\"\n" },
        { "a guard that does not", "@ TXT {?server_ip6}yes", "" },
    };
    (void)state;
    struct zone_values values = all_values("k");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zone_rendered zone;
        struct err err = { 0 };
        if (!zone_template_render(cases[i].line, &values, &zone, &err))
            fail_msg("%s: %s", cases[i].name, err.msg);
        CLEANUP(freep) char *got = zone_text(&zone);
        expect_text(cases[i].name, got, cases[i].want);
        zone_rendered_finish(&zone);
    }
}

static void mistakes_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "@ NS {ns1}\n@", "line 2: a record needs a name, a type and a value" },
        { "@ NS {ns1}\n@ A", "line 2: A needs an IPv4 address" },
        { "# x\n\n@ PTR a.b", "line 3: unknown type PTR: there are A, AAAA, CNAME, NS, MX, TXT, SRV and CAA" },
        { "@ a 192.0.2.1", "line 1: unknown type a: there are A, AAAA, CNAME, NS, MX, TXT, SRV and CAA" },
        { "@ 99999999999 A 192.0.2.1", "line 1: the TTL 99999999999 is too large" },
        { "@ A 192.0.2.256", "line 1: 192.0.2.256 is no value for A: it must be an IPv4 address" },
        { "@ A {domain}", "line 1: example.com is no value for A: it must be an IPv4 address" },
        { "@ AAAA {server_ip}", "line 1: 192.0.2.1 is no value for AAAA: it must be an IPv6 address" },
        { "@ MX {mail_server_hostname}", "line 1: MX needs a priority from 0 to 65535" },
        { "@ MX 70000 {mail_server_hostname}", "line 1: MX needs a priority from 0 to 65535" },
        { "@ MX 10 mail", "line 1: mail is no value for MX: it must be a priority and a whole host name" },
        { "@ MX 10 {server_ip}.x_y.de",
          "line 1: 192.0.2.1.x_y.de is no value for MX: it must be a priority and a whole host name" },
        { "www CNAME {domain} {domain}",
          "line 1: example.com example.com is no value for CNAME: it must be a whole name" },
        { "_a._tcp SRV 1 443 sip.{domain}",
          "line 1: 443 sip.example.com is no value for SRV: it must be priority, weight, port and a whole host name" },
        { "_a._tcp SRV 1 1 70000 sip.{domain}",
          "line 1: 1 70000 sip.example.com is no value for SRV: it must be priority, weight, port and a whole host "
          "name" },
        { "@ CAA 0 issue letsencrypt.org",
          "line 1: 0 issue letsencrypt.org is no value for CAA: it must be a flag, a tag "
          "and a quoted value, such as 0 issue \"ca.example\"" },
        { "@ CAA 0 isue \"x\"",
          "line 1: 0 isue \"x\" is no value for CAA: it must be a flag, a tag and a quoted value, "
          "such as 0 issue \"ca.example\"" },
        { "@ TXT \"v=spf1\"",
          "line 1: \"v=spf1\" is no value for TXT: it must be a text of at most 4000 bytes, without quotes around it" },
        { "@ TXT {domian}", "line 1: unknown placeholder {domian}" },
        { "@ TXT {ns9}", "line 1: unknown placeholder {ns9}" },
        { "@ TXT {ns0}", "line 1: unknown placeholder {ns0}" },
        { "@ TXT {}", "line 1: unknown placeholder {}" },
        { "@ TXT a{domain", "line 1: a { without a }" },
        { "@ TXT a}b", "line 1: a } without a {" },
        { "@ TXT a\x01", "line 1: contains a control character" },
        { "@ CNAME a.{domain}", "line 1: the domain itself (@) cannot be a CNAME" },
        { "www A 192.0.2.1\nwww CNAME {domain}", "line 2: www is a CNAME and cannot have other records" },
        { "www CNAME {domain}\nWWW TXT x", "line 2: WWW is a CNAME and cannot have other records" },
        { "www CNAME {domain}\nwww CNAME a.{domain}", "line 2: www is a CNAME and cannot have other records" },
        { "a A 192.0.2.1\na A 192.0.2.1", "line 2: the same A record of a stands there twice" },
        { "www. A 192.0.2.1", "line 1: www. is not a name in the zone" },
        { "a..b A 192.0.2.1", "line 1: a..b is not a name in the zone" },
        { "-a A 192.0.2.1", "line 1: -a is not a name in the zone" },
        { "www A 192.0.2.1", "the template has no NS record for the domain itself (@)" },
        { "", "the template has no NS record for the domain itself (@)" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        bool ok = zone_template_check(cases[i].text, &err);
        expect_refusal(cases[i].text, ok, &err, "template", cases[i].want);
    }
}

static void values_cannot_break_a_zone(void **state)
{
    (void)state;
    struct zone_values values = all_values("k");
    struct zone_rendered zone = { .record_count = 77 };
    struct err err = { 0 };
    values.client_id = "7\nevil A 192.0.2.66";
    assert_false(zone_template_render("@ TXT {client_id}", &values, &zone, &err));
    values.client_id = "{domain}";
    values.server_ip = "192.0.2.1 ; x";
    assert_false(zone_template_render("@ A {server_ip}", &values, &zone, &err));
    assert_int_equal(zone.record_count, 77);
    assert_true(zone_template_render("@ TXT {client_id}", &values, &zone, &err)); /* is not filled in again */
    assert_string_equal(zone.records[0].value, "{domain}");
    zone_rendered_finish(&zone);
}

static void limits_hold(void **state)
{
    (void)state;
    struct zone_values values = all_values("k");
    struct zone_rendered zone;
    struct err err = { 0 };
    CLEANUP(buf_finish) struct buf many = BUF_INIT;
    for (int i = 0; i <= ZONE_RECORDS_MAX; i++)
        buf_addf(&many, "a%d A 192.0.2.1\n", i);
    assert_false(zone_template_render(buf_text(&many), &values, &zone, &err));
    assert_string_equal(err.msg, "line 501: more than 500 records");
    CLEANUP(buf_finish) struct buf huge = BUF_INIT;
    while (huge.length <= ZONE_TEMPLATE_MAX)
        buf_add_text(&huge, "# nothing\n");
    assert_false(zone_template_render(buf_text(&huge), &values, &zone, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    char label[61];
    memset(label, 'a', 60);
    label[60] = '\0';
    CLEANUP(freep) char *domain = xasprintf("%s.%s.%s.%s.com", label, label, label, label);
    values.domain = domain;
    assert_false(zone_template_render("mail._domainkey TXT x", &values, &zone, &err));
    assert_string_equal(err.msg, "line 1: mail._domainkey with the domain is longer than 253 characters");
}

/* n times the character, as a string constant cannot say it. */
static char *repeat(char c, size_t count)
{
    char *text = xcalloc(count + 1, 1);
    memset(text, c, count);
    return text;
}

static void long_texts_are_split_and_quoted(void **state)
{
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        { "empty", "", "\"\"" },
        { "plain", "v=spf1 -all", "\"v=spf1 -all\"" },
        { "a semicolon needs no escape inside quotes", "a; b", "\"a; b\"" },
        { "quotes", "say \"hi\"", "\"say \\\"hi\\\"\"" },
        { "backslash", "a\\b", "\"a\\\\b\"" },
        { "UTF-8 and control characters by number", "\xc3\xbc\t", "\"\\195\\188\\009\"" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_finish) struct buf got = BUF_INIT;
        zone_txt_split(cases[i].value, &got);
        expect_text(cases[i].name, buf_text(&got), cases[i].want);
    }
    static const struct {
        size_t length, strings;
    } lengths[] = { { 254, 1 }, { 255, 1 }, { 256, 2 }, { 510, 2 }, { 511, 3 } };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        CLEANUP(freep) char *value = repeat('x', lengths[i].length);
        CLEANUP(buf_finish) struct buf got = BUF_INIT;
        zone_txt_split(value, &got);
        assert_int_equal(got.length, lengths[i].length + 2 + 3 * (lengths[i].strings - 1));
    }
    /* The 255th byte is an escape of two characters, the 256th one of four: neither is torn. */
    CLEANUP(freep) char *front = repeat('x', 254);
    CLEANUP(freep) char *value = xasprintf("%s\"\xff%s", front, "y");
    CLEANUP(freep) char *want = xasprintf("\"%s\\\"\" \"\\255y\"", front);
    CLEANUP(buf_finish) struct buf got = BUF_INIT;
    zone_txt_split(value, &got);
    expect_text("escapes at the seam", buf_text(&got), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_templates_render_to_their_golden_files),
        cmocka_unit_test(without_web_its_records_vanish),
        cmocka_unit_test(lines_become_records),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(values_cannot_break_a_zone),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(long_texts_are_split_and_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
