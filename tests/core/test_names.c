/* test_names.c - the ownership mark and the names of panel users. */
#include "harness.h"

#include "core/names.h"

static void a_mark_says_whose_the_account_is(void **state)
{
    (void)state;
    char package[NAMES_PACKAGE_SIZE];
    names_package("a1b2c3", 42, package);
    assert_string_equal(package, "ba1b2c3-0000000042-x");
    int64_t id = 0;
    assert_true(names_package_owner(package, "a1b2c3", &id));
    assert_int_equal(id, 42);
    names_package("a1b2c3", INT64_C(9999999999), package);
    assert_true(names_package_owner(package, "a1b2c3", &id));
    assert_int_equal(id, INT64_C(9999999999));
}

static void other_marks_are_not_ours(void **state)
{
    static const char *const cases[] = {
        "default",
        "",
        "b",
        "bzzzzzz-0000000042-x",  /* another installation */
        "ba1b2c3-0000000042",    /* cut */
        "ba1b2c3-0000000042-xx", /* longer */
        "ba1b2c3-0000000042-y",
        "ca1b2c3-0000000042-x",
        "ba1b2c3_0000000042-x",
        "ba1b2c3-00000000a2-x",
        "ba1b2c3-+000000042-x",
        "ba1b2c3-0000000000-x", /* no service has the number 0 */
        "Ba1b2c3-0000000042-X",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t id = -1;
        if (names_package_owner(cases[i], "a1b2c3", &id))
            fail_msg("%s: taken for ours", cases[i]);
        assert_int_equal(id, -1);
    }
}

static void no_mark_is_a_prefix_of_another(void **state)
{
    static const int64_t ids[] = { 1, 10, 100, 11, 1000000000, 9999999999 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            char a[NAMES_PACKAGE_SIZE], b[NAMES_PACKAGE_SIZE];
            names_package("a1b2c3", ids[i], a);
            names_package("a1b2c3", ids[k], b);
            assert_true(i == k || strncmp(a, b, strlen(a)) != 0);
        }
    }
}

/* What is taken: a list of names, or everything up to so many questions. */
struct registry {
    const char *const *names;
    size_t refuse_first;
    size_t asked;
    bool broken;
};

static bool registry_taken(void *context, const char *name, bool *ret_taken, struct err *err)
{
    struct registry *registry = context;
    registry->asked++;
    if (registry->broken)
        return err_set(err, ERR_IO, "disk gone");
    *ret_taken = registry->asked <= registry->refuse_first;
    for (size_t i = 0; registry->names != NULL && registry->names[i] != NULL; i++)
        *ret_taken = *ret_taken || strcmp(registry->names[i], name) == 0;
    return true;
}

static void user_names_follow_from_the_domain(void **state)
{
    static const struct {
        const char *name, *domain, *want;
    } cases[] = {
        { "the first label", "example.com", "example" },
        { "of a longer name", "shop.example.co.uk", "shop" },
        { "hyphens fall away", "my-little-shop.com", "mylittleshop" },
        { "digits in front get a letter", "1und1.de", "u1und1" },
        { "digits only", "4711.de", "u4711" },
        { "punycode without its mark", "xn--mller-kva.de", "mllerkva" },
        { "punycode that begins with a digit", "xn--55qx5d.cn", "u55qx5d" },
        { "cut to 16", "abcdefghijklmnopqrstuvwxyz.com", "abcdefghijklmnop" },
        { "digits in front count in the 16", "123456789012345678.com", "u123456789012345" },
        { "one character goes on with the next label", "x.org", "xorg" },
        { "as far as needed", "a.b.c.de", "ab" },
        { "one digit is two characters with its letter", "1.de", "u1" },
        { "a system user gets a number", "root.de", "root2" },
        { "so does a service", "mail.example.com", "mail2" },
        { "and the panel's own", "admin.org", "admin2" },
        { "www as a label", "www-.example.com", "www2" },
        { "no user of the system has such a name", "systemd-network.com", "systemdnetwork" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct registry registry = { 0 };
        struct err err = { 0 };
        char got[NAMES_USERNAME_SIZE];
        assert_true(names_username(cases[i].domain, registry_taken, &registry, got, &err));
        expect_text(cases[i].name, got, cases[i].want);
        assert_int_equal(registry.asked, 1); /* reserved names are not worth a question */
    }
}

static void taken_names_get_numbers(void **state)
{
    static const char *const taken[] = { "shop", "shop2", "shop3", "abcdefghijklmnop", NULL };
    struct registry registry = { .names = taken };
    struct err err = { 0 };
    char got[NAMES_USERNAME_SIZE];
    (void)state;
    assert_true(names_username("shop.example.com", registry_taken, &registry, got, &err));
    assert_string_equal(got, "shop4");
    assert_true(names_username("abcdefghijklmnopqrstuvwxyz.com", registry_taken, &registry, got, &err));
    assert_string_equal(got, "abcdefghijklmno2"); /* the base makes room */
}

static void many_of_a_kind_are_found_after_a_few_questions(void **state)
{
    (void)state;
    struct registry registry = { .refuse_first = 9 };
    struct err err = { 0 };
    char first[NAMES_USERNAME_SIZE], again[NAMES_USERNAME_SIZE], other[NAMES_USERNAME_SIZE];
    assert_true(names_username("shop.one.com", registry_taken, &registry, first, &err));
    assert_int_equal(registry.asked, 10);
    assert_int_equal(strlen(first), strlen("shop") + 5);
    registry.asked = 0;
    assert_true(names_username("shop.one.com", registry_taken, &registry, again, &err));
    assert_string_equal(first, again); /* the rule is stable */
    registry.asked = 0;
    assert_true(names_username("shop.two.com", registry_taken, &registry, other, &err));
    assert_string_not_equal(first, other);
}

static void the_search_ends_and_errors_come_through(void **state)
{
    (void)state;
    struct registry full = { .refuse_first = SIZE_MAX };
    struct registry broken = { .broken = true };
    struct err err = { 0 };
    char got[NAMES_USERNAME_SIZE] = "before";
    assert_false(names_username("shop.com", registry_taken, &full, got, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_string_equal(err.msg, "no free user name for shop.com: shop and 72 names like it are taken");
    assert_false(names_username("shop.com", registry_taken, &broken, got, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.msg, "user name for shop.com: disk gone");
    assert_string_equal(got, "before");
}

static void every_name_is_one_that_the_panel_takes(void **state)
{
    static const char *const domains[] = { "a.b",
                                           "1.2a",
                                           "xn--p1ai.xn--p1ai",
                                           "9-9.de",
                                           "a-b-c.com",
                                           "zz.zz",
                                           "www.de",
                                           "0123456789abcdefghij.net",
                                           "systemd-network.com" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        for (size_t refuse = 0; refuse < 12; refuse++) {
            struct registry registry = { .refuse_first = refuse };
            struct err err = { 0 };
            char got[NAMES_USERNAME_SIZE];
            if (!names_username(domains[i], registry_taken, &registry, got, &err))
                fail_msg("%s: %s", domains[i], err.msg);
            size_t length = strlen(got);
            assert_true(length >= 2 && length <= 16 && got[0] >= 'a' && got[0] <= 'z');
            assert_int_equal(strspn(got, "abcdefghijklmnopqrstuvwxyz0123456789"), length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_says_whose_the_account_is),
        cmocka_unit_test(other_marks_are_not_ours),
        cmocka_unit_test(no_mark_is_a_prefix_of_another),
        cmocka_unit_test(user_names_follow_from_the_domain),
        cmocka_unit_test(taken_names_get_numbers),
        cmocka_unit_test(many_of_a_kind_are_found_after_a_few_questions),
        cmocka_unit_test(the_search_ends_and_errors_come_through),
        cmocka_unit_test(every_name_is_one_that_the_panel_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
