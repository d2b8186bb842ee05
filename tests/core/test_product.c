/* test_product.c - what a product sells and what an order asks for: what is taken, what it becomes, what is refused. */
#include "harness.h"

#include "core/model.h"
#include "core/product.h"

#define ALL (ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL) | ROLE_BIT(ROLE_DNS))

static void specs_become_data(void **state)
{
    (void)state;
    struct product_spec spec;
    struct err err = { 0 };
    assert_true(
        product_spec_parse("{\"web\":{\"disk_mb\":2048,\"php\":\"8.2\",\"databases\":\"unlimited\"},"
                           "\"mail\":{\"accounts\":5,\"mailbox\":\"info\"},\"dns\":{\"ttl\":3600}}",
                           &spec, &err));
    assert_int_equal(spec.roles, ALL);
    assert_int_equal(spec.web.disk_mb, 2048);
    assert_string_equal(spec.web.php, "8.2");
    assert_int_equal(spec.web.databases, PRODUCT_UNLIMITED);
    assert_int_equal(spec.web.domains, 1); /* standards */
    assert_int_equal(spec.web.backups, 3);
    assert_int_equal(spec.mail.accounts, 5);
    assert_int_equal(spec.mail.rate_per_hour, 200);
    assert_string_equal(spec.mail.mailbox, "info");
    assert_int_equal(spec.dns.ttl, 3600);
    assert_string_equal(spec.dns.zone_template, "default");
    assert_true(spec.customer_retry); /* also of products that were stored before there was this field */
    product_spec_finish(&spec);
    assert_true(product_spec_parse("{\"web\":{},\"customer_retry\":false}", &spec, &err));
    assert_false(spec.customer_retry);
    product_spec_finish(&spec);
}

static void roles_without_quota_are_left_out(void **state)
{
    static const struct {
        const char *name, *json;
        unsigned want;
    } cases[] = {
        { "absent", "{\"web\":{}}", ROLE_BIT(ROLE_WEB) },
        { "null", "{\"web\":{},\"mail\":null}", ROLE_BIT(ROLE_WEB) },
        { "no disk", "{\"web\":{\"disk_mb\":0},\"dns\":{}}", ROLE_BIT(ROLE_DNS) },
        { "no domains", "{\"web\":{},\"mail\":{\"domains\":0}}", ROLE_BIT(ROLE_WEB) },
        { "no mailboxes", "{\"web\":{},\"mail\":{\"accounts\":0,\"mailbox\":\"info\"}}", ROLE_BIT(ROLE_WEB) },
        { "no records", "{\"web\":{},\"mail\":{},\"dns\":{\"records\":0}}", ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL) },
        { "no databases is no quota of the role", "{\"web\":{\"databases\":0}}", ROLE_BIT(ROLE_WEB) },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct product_spec spec;
        struct err err = { 0 };
        if (!product_spec_parse(cases[i].json, &spec, &err))
            fail_msg("%s: refused: %s", cases[i].name, err.msg);
        if (spec.roles != cases[i].want)
            fail_msg("%s: roles %x, want %x", cases[i].name, spec.roles, cases[i].want);
        assert_true((spec.roles & ROLE_BIT(ROLE_MAIL)) || spec.mail.mailbox[0] == '\0');
        product_spec_finish(&spec);
    }
}

static void wrong_specs_are_refused_with_field_and_reason(void **state)
{
    static const struct {
        const char *json, *field, *want;
    } cases[] = {
        { "", "spec", "spec is not valid JSON: line 1: unexpected token near end of file" },
        { "{\"web\":", "spec", "spec is not valid JSON: line 1: unexpected token near end of file" },
        { "[]", "spec", "spec must be an object, not a list" },
        { "{}", "spec", "the spec sells nothing: give at least one of web, mail and dns, with a quota above 0" },
        { "{\"web\":{\"disk_mb\":0}}", "spec",
          "the spec sells nothing: give at least one of web, mail and dns, with a quota above 0" },
        { "{\"ftp\":{}}", "ftp", "ftp is no part of a spec: it has web, mail, dns and customer_retry" },
        { "{\"web\":{},\"customer_retry\":\"yes\"}", "customer_retry",
          "customer_retry must be true or false, not a text" },
        { "{\"web\":5}", "web", "web must be an object, not a whole number" },
        { "{\"web\":{\"disk\":5}}", "web.disk", "web.disk is not a field of the role" },
        { "{\"web\":{\"disk_mb\":\"5\"}}", "web.disk_mb",
          "web.disk_mb must be a whole number or \"unlimited\", not a text" },
        { "{\"web\":{\"disk_mb\":1.5}}", "web.disk_mb",
          "web.disk_mb must be a whole number or \"unlimited\", not a fraction" },
        { "{\"web\":{\"disk_mb\":null}}", "web.disk_mb",
          "web.disk_mb must be a whole number or \"unlimited\", not null" },
        { "{\"web\":{\"disk_mb\":-2}}", "web.disk_mb",
          "web.disk_mb must be between 0 and 1073741824 or \"unlimited\", not -2" },
        { "{\"web\":{\"disk_mb\":9223372036854775807}}", "web.disk_mb",
          "web.disk_mb must be between 0 and 1073741824 or \"unlimited\", not 9223372036854775807" },
        { "{\"web\":{\"disk_mb\":99999999999999999999}}", "spec",
          "spec is not valid JSON: line 1: too big integer near '99999999999999999999'" },
        { "{\"web\":{\"backups\":-1}}", "web.backups", "web.backups must be between 0 and 1000, not -1" },
        { "{\"web\":{\"backups\":\"unlimited\"}}", "web.backups", "web.backups must be a whole number, not a text" },
        { "{\"web\":{\"php\":8.2}}", "web.php", "web.php must be a text, not a fraction" },
        { "{\"web\":{\"php\":\"eight\"}}", "web.php",
          "web.php: write a PHP version like \"8.2\", or \"\" for the node's own" },
        { "{\"web\":{\"php\":\"8.\"}}", "web.php",
          "web.php: write a PHP version like \"8.2\", or \"\" for the node's own" },
        { "{\"web\":{\"php\":\"8\"}}", "web.php",
          "web.php: write a PHP version like \"8.2\", or \"\" for the node's own" },
        { "{\"mail\":{\"rate_per_hour\":0}}", "mail.rate_per_hour",
          "mail.rate_per_hour must be between 1 and 1000000, not 0" },
        { "{\"mail\":{\"mailbox\":\"Info\"}}", "mail.mailbox",
          "mail.mailbox: write only the part before the @; a-z, 0-9, dot, hyphen and _ are allowed" },
        { "{\"dns\":{\"ttl\":5}}", "dns.ttl", "dns.ttl must be between 60 and 604800, not 5" },
        { "{\"dns\":{\"template\":\"../x\"}}", "dns.template", "dns.template: ../x: only a-z, 0-9 and - are allowed" },
        { "{\"dns\":{\"zone_template\":\"x\"}}", "dns.zone_template", "dns.zone_template is not a field of the role" },
        { "{\"web\":{},\"web\":{}}", "spec", "spec is not valid JSON: line 1: duplicate object key near '\"web\"'" },
        { "{\"web\":{\"domains\":0,\"disk_mb\":true}}", "web.disk_mb",
          "web.disk_mb must be a whole number or \"unlimited\", not true or false" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct product_spec spec = { .roles = 99 };
        struct err err = { 0 };
        bool ok = product_spec_parse(cases[i].json, &spec, &err);
        expect_refusal(cases[i].json, ok, &err, cases[i].field, cases[i].want);
        assert_int_equal(spec.roles, 99); /* as it was */
    }
}

static void the_canonical_form_says_everything_and_stays(void **state)
{
    static const char want[] =
        "{\"customer_retry\":true,\"mail\":{\"accounts\":5,\"disk_mb\":-1,\"domains\":1,\"mailbox\":\"\",\"rate_per_"
        "hour\":200},"
        "\"web\":{\"aliases\":-1,\"backups\":3,\"bandwidth_mb\":-1,\"cron_jobs\":-1,\"databases\":-1,\"disk_mb\":2048,"
        "\"domains\":1,\"php\":\"\"}}";
    (void)state;
    struct err err = { 0 };
    CLEANUP(freep) char *once = NULL;
    CLEANUP(freep) char *twice = NULL;
    assert_true(
        product_spec_canonical("{ \"web\": {\"disk_mb\": 2048}, \"dns\": {\"records\": 0},\n"
                               " \"mail\": {\"accounts\": 5, \"disk_mb\": \"unlimited\"} }",
                               &once, &err));
    assert_string_equal(once, want);
    assert_true(product_spec_canonical(once, &twice, &err));
    assert_string_equal(twice, want);
}

static const char full_spec[] =
    "{\"web\":{\"php\":\"8.1\"},\"mail\":{\"mailbox\":\"info\",\"disk_mb\":1000},\"dns\":{}}";

static void options_fall_back_on_the_product(void **state)
{
    static const struct {
        const char *json, *mailbox, *php;
        int64_t quota;
    } cases[] = {
        { NULL, "info", "8.1", -1 },
        { "", "info", "8.1", -1 },
        { "{}", "info", "8.1", -1 },
        { "{\"mailbox\":\"sales.eu\"}", "sales.eu", "8.1", -1 },
        { "{\"mailbox\":\"\"}", "", "8.1", -1 },
        { "{\"mailbox\":null}", "", "8.1", -1 },
        { "{\"mailbox_quota_mb\":500,\"php\":\"8.3\"}", "info", "8.3", 500 },
        { "{\"mailbox_quota_mb\":\"unlimited\",\"php\":\"\"}", "info", "", -1 },
    };
    (void)state;
    struct product_spec spec;
    struct err err = { 0 };
    assert_true(product_spec_parse(full_spec, &spec, &err));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct order_options options, again;
        if (!order_options_parse(cases[i].json, &spec, &options, &err))
            fail_msg("%s: refused: %s", cases[i].json, err.msg);
        assert_string_equal(options.mailbox, cases[i].mailbox);
        assert_string_equal(options.php, cases[i].php);
        assert_int_equal(options.mailbox_quota_mb, cases[i].quota);
        CLEANUP(freep) char *canonical = order_options_canonical(&options);
        assert_true(order_options_parse(canonical, &spec, &again, &err));
        CLEANUP(freep) char *canonical_again = order_options_canonical(&again);
        assert_string_equal(canonical, canonical_again);
        order_options_finish(&options);
        order_options_finish(&again);
    }
    product_spec_finish(&spec);
}

static void wrong_options_are_refused_with_field_and_reason(void **state)
{
    static const char web_only[] = "{\"web\":{}}", dns_only[] = "{\"dns\":{}}";
    static const struct {
        const char *spec, *json, *field, *want;
    } cases[] = {
        { full_spec, "7", "options", "options must be an object, not a whole number" },
        { full_spec, "{\"colour\":1}", "options.colour",
          "options.colour is not an option: there are mailbox, mailbox_quota_mb and php" },
        { full_spec, "{\"mailbox\":true}", "options.mailbox", "options.mailbox must be a text, not true or false" },
        { full_spec, "{\"mailbox\":\"info@example.com\"}", "options.mailbox",
          "options.mailbox: write only the part before the @; a-z, 0-9, dot, hyphen and _ are allowed" },
        { full_spec, "{\"mailbox\":\".info\"}", "options.mailbox",
          "options.mailbox: a dot must stand between two other characters" },
        { full_spec, "{\"mailbox\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
          "options.mailbox", "options.mailbox: longer than 64 characters" },
        { full_spec, "{\"mailbox\":\"in\\u0000fo\"}", "options.mailbox", "options.mailbox contains a NUL character" },
        { full_spec, "{\"mailbox_quota_mb\":0}", "options.mailbox_quota_mb",
          "options.mailbox_quota_mb must be between 1 and 1073741824 or \"unlimited\", not 0" },
        { full_spec, "{\"mailbox_quota_mb\":1001}", "options.mailbox_quota_mb",
          "options.mailbox_quota_mb is more than the product's mail.disk_mb (1000)" },
        { web_only, "{\"mailbox\":\"info\"}", "options.mailbox", "options.mailbox: the product has no mail" },
        { web_only, "{\"mailbox_quota_mb\":5}", "options.mailbox_quota_mb",
          "options.mailbox_quota_mb: the product has no mail" },
        { dns_only, "{\"php\":\"8.2\"}", "options.php", "options.php: the product has no web space" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct product_spec spec;
        struct order_options options;
        struct err err = { 0 };
        assert_true(product_spec_parse(cases[i].spec, &spec, &err));
        bool ok = order_options_parse(cases[i].json, &spec, &options, &err);
        expect_refusal(cases[i].json, ok, &err, cases[i].field, cases[i].want);
        product_spec_finish(&spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_become_data),
        cmocka_unit_test(roles_without_quota_are_left_out),
        cmocka_unit_test(wrong_specs_are_refused_with_field_and_reason),
        cmocka_unit_test(the_canonical_form_says_everything_and_stays),
        cmocka_unit_test(options_fall_back_on_the_product),
        cmocka_unit_test(wrong_options_are_refused_with_field_and_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
