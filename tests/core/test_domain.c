/* test_domain.c - which domains, addresses and names are taken, in which form, and what the others are told. */
#include "harness.h"

#include "core/domain.h"

#define A10 "aaaaaaaaaa"
#define A63 A10 A10 A10 A10 A10 A10 "aaa"
#define A61 A10 A10 A10 A10 A10 A10 "a"
#define LONGEST A63 "." A63 "." A63 "." A61 /* 253 characters */

static void domains_are_brought_to_one_form(void **state)
{
    static const struct {
        const char *name, *input, *want;
    } cases[] = {
        { "as it is", "example.com", "example.com" },
        { "capitals", "EXAMPLE.Com", "example.com" },
        { "dot at the end", "example.com.", "example.com" },
        { "www in front", "www.example.com", "example.com" },
        { "WWW in front", "WWW.example.com.", "example.com" },
        { "www as often as it stands there", "www.www.example.com", "example.com" },
        { "www. in full-width letters", "\xef\xbd\x97\xef\xbd\x97\xef\xbd\x97.example.com", "example.com" },
        { "www is part of a longer label", "www2.example.com", "www2.example.com" },
        { "umlaut", "m\xc3\xbcller.de", "xn--mller-kva.de" },
        { "capital umlaut", "M\xc3\x9cLLER.de", "xn--mller-kva.de" },
        { "umlaut in two parts", "mu\xcc\x88ller.de", "xn--mller-kva.de" },
        { "punycode is the same name", "XN--MLLER-KVA.de", "xn--mller-kva.de" },
        { "sharp s stays itself",
          "stra\xc3\x9f"
          "e.de",
          "xn--strae-oqa.de" },
        { "Greek top level", "\xce\xb4\xce\xbf\xce\xba\xce\xb9\xce\xbc\xce\xae.\xce\xb5\xce\xbb",
          "xn--jxalpdlp.xn--qxam" },
        { "ideographic full stop", "example\xe3\x80\x82jp", "example.jp" },
        { "digits in front", "1und1.de", "1und1.de" },
        { "digits only, but not at the end", "123.de", "123.de" },
        { "label of 63", A63 ".com", A63 ".com" },
        { "253 characters", LONGEST, LONGEST },
        { "253 characters and a dot", LONGEST ".", LONGEST },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        CLEANUP(freep) char *got = NULL;
        if (!domain_normalise(cases[i].input, &got, &err))
            fail_msg("%s: refused: %s", cases[i].name, err.msg);
        expect_text(cases[i].name, got, cases[i].want);
        CLEANUP(freep) char *again = NULL;
        if (!domain_normalise(got, &again, &err))
            fail_msg("%s: its own form is refused: %s", cases[i].name, err.msg);
        expect_text(cases[i].name, again, cases[i].want);
    }
}

static void domains_that_cannot_be_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        { "", "the domain is empty" },
        { "com", "com: needs at least two labels, such as example.com" },
        { "com.", "com.: needs at least two labels, such as example.com" },
        { "www.com", "www.com: without www. it needs at least two labels" },
        { "example..com", "example..com: empty label" },
        { ".example.com", ".example.com: empty label" },
        { "example.com..", "example.com..: empty label" },
        { "a\xe3\x80\x82\xe3\x80\x82"
          "com",
          "a\xe3\x80\x82\xe3\x80\x82"
          "com: empty label" },
        { "192.0.2.1", "192.0.2.1: an IP address, not a domain" },
        { "2001:db8::1", "2001:db8::1: an IP address, not a domain" },
        { "1.2.3", "1.2.3: its last label is all digits" },
        { "example.123", "example.123: its last label is all digits" },
        { "\xef\xbc\x91.\xef\xbc\x91.\xef\xbc\x91.\xef\xbc\x91",
          "\xef\xbc\x91.\xef\xbc\x91.\xef\xbc\x91.\xef\xbc\x91: its last label is all digits" },
        { "my_shop.com", "my_shop.com: contains _, only letters, digits and hyphens are allowed" },
        { "*.example.com", "*.example.com: contains *, only letters, digits and hyphens are allowed" },
        { "example.com/", "example.com/: contains /, only letters, digits and hyphens are allowed" },
        { "a;b.com", "a;b.com: contains ;, only letters, digits and hyphens are allowed" },
        { "https://example.com",
          "https://example.com: a web address, not a domain: leave out what stands before and after the name" },
        { "me@example.com", "me@example.com: an e-mail address, not a domain" },
        { "exam ple.com", "exam ple.com: contains a blank" },
        { "example.com\n", "example.com?: contains a blank" },
        { "a\x1b[31m.com", "a?[31m.com: contains a control character" },
        { "-a.com", "-a.com: a label begins or ends with a hyphen" },
        { "a-.com", "a-.com: a label begins or ends with a hyphen" },
        { "ab--cd.com", "ab--cd.com: a label has hyphens as its third and fourth characters" },
        { "xn--mller-kva-.de", "xn--mller-kva-.de: an xn-- label is not valid" },
        { "\xe2\x98\x83.com", "\xe2\x98\x83.com: contains a character that is not allowed in domain names" },
        { "\xff.com", "\xff.com: not valid UTF-8" },
        { "\xd7\x90"
          "a.com",
          "\xd7\x90"
          "a.com: mixes writing directions in a way that is not allowed" },
        { A63 "a.com", A10 A10 A10 A10 A10 A10 "...: a label is longer than 63 characters" },
        { LONGEST "a", A10 A10 A10 A10 A10 A10 "...: longer than 253 characters" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        char *got = NULL;
        bool ok = domain_normalise(cases[i].input, &got, &err);
        expect_refusal(cases[i].input, ok, &err, "domain", cases[i].want);
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(got);
    }
}

static void a_megabyte_is_refused_at_once(void **state)
{
    (void)state;
    CLEANUP(freep) char *input = xcalloc(1, (1U << 20) + 1);
    memset(input, 'a', 1U << 20);
    struct err err = { 0 };
    char *got = NULL;
    assert_false(domain_normalise(input, &got, &err));
    assert_non_null(strstr(err.msg, "longer than 253 characters"));
}

static void people_read_the_unicode_form(void **state)
{
    (void)state;
    struct err err = { 0 };
    CLEANUP(freep) char *umlaut = NULL;
    CLEANUP(freep) char *plain = NULL;
    assert_true(domain_to_unicode("xn--mller-kva.de", &umlaut, &err));
    assert_string_equal(umlaut, "m\xc3\xbcller.de");
    assert_true(domain_to_unicode("example.com", &plain, &err));
    assert_string_equal(plain, "example.com");
}

static void addresses_that_the_panel_takes_are_taken(void **state)
{
    static const char *const cases[] = {
        "info@example.com", "a@b.de",       "First.Last+tag@Example.COM", "x_y%z-1@sub.example.org",
        "1@1.museum",       "a@b.xn--p1ai", "a@xn--mller-kva.de",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        if (!email_check(cases[i], &err))
            fail_msg("%s: refused: %s", cases[i], err.msg);
    }
}

static void other_addresses_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        { "", "the e-mail address is empty" },
        { "info", "info: has no @" },
        { "@example.com", "@example.com: needs 1 to 64 characters before the @" },
        { A63 "aa@example.com", A10 A10 A10 A10 A10 A10 "...: needs 1 to 64 characters before the @" },
        { "a@", "a@: what stands behind the @ is not a domain" },
        { "a@localhost", "a@localhost: what stands behind the @ is not a domain" },
        { "a@b..de", "a@b..de: what stands behind the @ is not a domain" },
        { "a@b.d", "a@b.d: what stands behind the @ is not a domain" },
        { "a@b.123", "a@b.123: its last label must consist of letters" },
        { "a@b@c.de", "a@b@c.de: only letters, digits, hyphens and dots may stand behind the @" },
        { ".a@b.de", ".a@b.de: the part before the @ begins or ends with a dot" },
        { "a..b@c.de", "a..b@c.de: two dots in a row" },
        { "a b@c.de", "a b@c.de: only letters, digits and . _ % + - may stand before the @" },
        { "a'b@c.de", "a'b@c.de: only letters, digits and . _ % + - may stand before the @" },
        { "\"a\"@c.de", "\"a\"@c.de: only letters, digits and . _ % + - may stand before the @" },
        { "m\xc3\xbcller@c.de", "m\xc3\xbcller@c.de: only letters, digits and . _ % + - may stand before the @" },
        { "a@m\xc3\xbcller.de", "a@m\xc3\xbcller.de: only letters, digits, hyphens and dots may stand behind the @" },
        { "a@c.de\n", "a@c.de?: only letters, digits, hyphens and dots may stand behind the @" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        bool ok = email_check(cases[i].input, &err);
        expect_refusal(cases[i].input, ok, &err, "client.email", cases[i].want);
    }
}

static void names_are_short_and_plain(void **state)
{
    static const struct {
        const char *input, *want; /* NULL: fine */
    } cases[] = {
        { "web1", NULL },
        { "0", NULL },
        { "eu-west-", NULL },
        { A10 A10 A10 A10, NULL },
        { "", "the name is empty" },
        { "-a", "-a: begins with a hyphen" },
        { "Web1", "Web1: only a-z, 0-9 and - are allowed" },
        { "a.b", "a.b: only a-z, 0-9 and - are allowed" },
        { A10 A10 A10 A10 "a", A10 A10 A10 A10 "a: longer than 40 characters" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        bool ok = name_check(cases[i].input, "name", &err);
        if (cases[i].want != NULL)
            expect_refusal(cases[i].input, ok, &err, "name", cases[i].want);
        else if (!ok)
            fail_msg("%s: refused: %s", cases[i].input, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_brought_to_one_form),
        cmocka_unit_test(domains_that_cannot_be_are_refused_with_a_reason),
        cmocka_unit_test(a_megabyte_is_refused_at_once),
        cmocka_unit_test(people_read_the_unicode_form),
        cmocka_unit_test(addresses_that_the_panel_takes_are_taken),
        cmocka_unit_test(other_addresses_are_refused_with_a_reason),
        cmocka_unit_test(names_are_short_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
