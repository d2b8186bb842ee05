/* test_store_setting.c - values that staff have set, and the record of their changes. */
#include "fixture.h"

#include <stdlib.h>

static void put(struct fixture *f, const char *name, const char *value, const char *cipher)
{
    struct err err;
    struct stored_setting setting = { .name = borrowed(name),
                                      .value = borrowed(value),
                                      .cipher = (unsigned char *)borrowed(cipher),
                                      .cipher_length = strlen(cipher) };
    fixture_begin(f);
    must(store_put_setting(f->store, &setting, &err));
    fixture_commit(f);
}

static void expect_values(struct fixture *f, const char *want)
{
    struct err err;
    struct stored_setting *settings;
    size_t count;
    char got[300] = "";
    must(store_list_settings(f->store, &settings, &count, &err));
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s=%s%s%.*s\n", settings[i].name, settings[i].value,
                 settings[i].cipher_length > 0 ? "*" : "", (int)settings[i].cipher_length,
                 (const char *)settings[i].cipher);
    stored_settings_free(settings, count);
    assert_string_equal(got, want);
}

static void values_are_put_replaced_and_removed(void **state)
{
    struct fixture *f = *state;
    struct err err;
    expect_values(f, "");
    put(f, "retry.first", "9 s", "");
    put(f, "notify.whmcs_secret", "", "sealed");
    put(f, "retry.first", "10 s", "");
    expect_values(f, "notify.whmcs_secret=*sealed\nretry.first=10 s\n");
    fixture_begin(f);
    must(store_remove_setting(f->store, "retry.first", &err));
    must(store_remove_setting(f->store, "never.was", &err));
    fixture_commit(f);
    expect_values(f, "notify.whmcs_secret=*sealed\n");
}

static void values_are_there_after_a_restart_but_not_after_a_rollback(void **state)
{
    struct fixture *f = *state;
    struct err err;
    put(f, "node.looks", "3", "");
    fixture_begin(f);
    struct stored_setting lost = { .name = borrowed("node.looks"), .value = borrowed("4") };
    must(store_put_setting(f->store, &lost, &err));
    store_rollback(f->store);
    if (!fixture_in_memory)
        fixture_reopen(f);
    expect_values(f, "node.looks=3\n");
}

static void the_installation_is_not_among_them(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct rng rng;
    char id[7];
    rng_init_seed(&rng, 1);
    must(store_installation(f->store, &rng, id, &err));
    expect_values(f, "");
}

static void changes_are_listed_newest_first_and_continued(void **state)
{
    struct fixture *f = *state;
    struct err err;
    static const char *const values[] = { "4 s", "5 s", "6 s", "7 s" };
    int64_t ids[ARRAY_LEN(values)] = { 0 };
    fixture_begin(f);
    for (size_t i = 1; i < ARRAY_LEN(values); i++) {
        struct setting_change change = { .at_ms = (int64_t)i,
                                         .who = borrowed("admin"),
                                         .name = borrowed("retry.first"),
                                         .old_value = borrowed(values[i - 1]),
                                         .new_value = borrowed(values[i]) };
        must(store_insert_setting_change(f->store, &change, &err));
        ids[i] = change.id;
    }
    fixture_commit(f);
    struct setting_change *changes;
    size_t count;
    must(store_list_setting_changes(f->store, 0, 2, &changes, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(changes[0].id, ids[3]);
    assert_int_equal(changes[0].at_ms, 3);
    assert_string_equal(changes[0].who, "admin");
    assert_string_equal(changes[0].name, "retry.first");
    assert_string_equal(changes[0].old_value, "6 s");
    assert_string_equal(changes[0].new_value, "7 s");
    assert_int_equal(changes[1].id, ids[2]);
    setting_changes_free(changes, count);
    must(store_list_setting_changes(f->store, ids[2], 2, &changes, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(changes[0].new_value, "5 s");
    setting_changes_free(changes, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(values_are_put_replaced_and_removed),
        FIXTURE_TEST(values_are_there_after_a_restart_but_not_after_a_rollback),
        FIXTURE_TEST(the_installation_is_not_among_them),
        FIXTURE_TEST(changes_are_listed_newest_first_and_continued),
    };
    return fixture_run(tests);
}
