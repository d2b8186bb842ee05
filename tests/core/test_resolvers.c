/* test_resolvers.c - the list of resolvers as people write it. */
#include "harness.h"

#include "core/resolvers.h"
#include "core/settings.h"

static void addresses_are_read_with_and_without_ports(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { " , ,\t", "" },
        { "192.0.2.1", "192.0.2.1 53;" },
        { "192.0.2.1:5353", "192.0.2.1 5353;" },
        { "192.0.2.1, 192.0.2.2:54 192.0.2.3", "192.0.2.1 53;192.0.2.2 54;192.0.2.3 53;" },
        { "2001:db8::1", "2001:db8::1 53;" },
        { "::1", "::1 53;" },
        { "[2001:db8::1]", "2001:db8::1 53;" },
        { "[::1]:5353,127.0.0.1", "::1 5353;127.0.0.1 53;" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8 53;" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct resolver resolvers[RESOLVERS_MAX];
        size_t count = 99;
        struct err err = { 0 };
        struct buf got = BUF_INIT;
        if (!resolvers_parse(cases[i].text, resolvers, &count, &err))
            fail_msg("%s: %s", cases[i].text, err.msg);
        for (size_t k = 0; k < count; k++)
            buf_addf(&got, "%s %d;", resolvers[k].address, resolvers[k].port);
        expect_text(cases[i].text, buf_text(&got), cases[i].want);
        buf_finish(&got);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const struct {
        const char *text, *say;
    } cases[] = {
        { "dns.example", "is no address" },
        { "192.0.2.1, 192.0.2", "\"192.0.2\" is no address" },
        { "192.0.2.1:", "no port between" },
        { "192.0.2.1:0", "no port between" },
        { "192.0.2.1:65536", "no port between" },
        { "192.0.2.1:53x", "no port between" },
        { "[::1", "has no ]" },
        { "[::1]53", "no port between" },
        { "[]", "is no address" },
        { ":53", "is no address" },
        { "192.0.2.1;192.0.2.2", "is no address" },
        { "0123456789012345678901234567890123456789012345678901234567890123456789", "is no address" },
        { "::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9", "more than 8" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct resolver resolvers[RESOLVERS_MAX];
        size_t count = 99;
        struct err err = { 0 };
        if (resolvers_parse(cases[i].text, resolvers, &count, &err))
            fail_msg("%s is taken", cases[i].text);
        if (strstr(err.msg, cases[i].say) == NULL)
            fail_msg("%s: %s", cases[i].text, err.msg);
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(count, 99);
    }
}

static void the_setting_takes_what_is_one(void **state)
{
    static struct settings settings;
    struct err err = { 0 };
    (void)state;
    settings_defaults(&settings);
    assert_true(settings.world.enabled);
    assert_true(settings_set(&settings, "world.resolvers", "9.9.9.9, [2620:fe::fe]:53", &err));
    assert_true(settings_check(&settings, &err));
    assert_true(settings_set(&settings, "world.resolvers", "dns.quad9.net", &err));
    assert_false(settings_check(&settings, &err));
    assert_string_equal(err.field, "world.resolvers");
    assert_non_null(strstr(err.msg, "\"dns.quad9.net\" is no address"));
    assert_true(settings_set(&settings, "world.resolvers", NULL, &err));
    assert_true(settings_set(&settings, "world.first", "10 min", &err));
    assert_true(settings_set(&settings, "world.cap", "5 min", &err));
    assert_false(settings_check(&settings, &err));
    assert_string_equal(err.field, "world.first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_with_and_without_ports),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(the_setting_takes_what_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
