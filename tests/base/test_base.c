/* test_base.c - strings, random, redactor, keyring: the floor under everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/redact.h"
#include "base/rng.h"

static void a_shell_word_survives_every_character(void **state)
{
    (void)state;
    static const char hostile[] = "it's $(rm -rf /) `x` \"y\" \\ \n *";
    struct buf command = BUF_INIT;
    buf_add_text(&command, "printf %s ");
    buf_add_shell_word(&command, hostile);
    FILE *shell = popen(buf_text(&command), "r");
    char got[100] = "";
    size_t length = fread(got, 1, sizeof(got) - 1, shell);
    pclose(shell);
    got[length] = '\0';
    assert_string_equal(got, hostile);
    buf_finish(&command);
}

static void a_buffer_grows_and_gives_its_memory_away(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_addf(&buf, "%d,", i);
    buf_remove_front(&buf, 4);
    assert_int_equal(strncmp(buf_text(&buf), "2,3,4,", 6), 0);
    char *text = buf_steal(&buf);
    assert_int_equal(buf.length, 0);
    assert_string_equal(buf_text(&buf), "");
    free(text);
}

static void an_error_puts_the_cause_last(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_false(err_set_field(&err, ERR_INVALID, "domain", "label %d is empty", 2));
    assert_false(err_wrap(&err, "order %d", 17));
    assert_string_equal(err.msg, "order 17: label 2 is empty");
    assert_string_equal(err.field, "domain");
    assert_int_equal(err.code, ERR_INVALID);
}

static void a_secret_is_blanked_wherever_it_stands_until_it_is_removed(void **state)
{
    (void)state;
    char text[] = "password=hunter22 again hunter22!";
    redact_add("hunter22");
    redact_add("hunter22");
    redact_remove("hunter22"); /* one use is left */
    assert_true(redact_text(text));
    assert_string_equal(text, "password=******** again ********!");
    redact_remove("hunter22");
    char later[] = "hunter22";
    assert_false(redact_text(later));
}

static void a_stream_keeps_back_what_may_become_a_secret(void **state)
{
    (void)state;
    redact_add("hunter22");
    assert_int_equal(redact_tail("the password is hunt", 20), 4);
    assert_int_equal(redact_tail("nothing here", 12), 0);
    assert_int_equal(redact_tail("hunter2", 7), 7);
    redact_remove("hunter22");
}

static void short_words_are_no_secrets(void **state)
{
    (void)state;
    char text[] = "yes yes";
    redact_add("yes");
    assert_false(redact_text(text));
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    struct rng one, two;
    rng_init_seed(&one, 42);
    rng_init_seed(&two, 42);
    for (int i = 0; i < 100; i++)
        assert_true(rng_u64(&one) == rng_u64(&two));
    for (int i = 0; i < 10000; i++) {
        int64_t value = rng_range(&one, -3, 3);
        assert_true(value >= -3 && value <= 3);
    }
}

static void passwords_have_every_kind_of_character(void **state)
{
    (void)state;
    struct rng rng;
    rng_init_seed(&rng, 7);
    for (int i = 0; i < 2000; i++) {
        char password[PASSWORD_LENGTH + 1];
        password_generate(&rng, password);
        assert_int_equal(strlen(password), PASSWORD_LENGTH);
        assert_non_null(strpbrk(password, "abcdefghijkmnopqrstuvwxyz"));
        assert_non_null(strpbrk(password, "ABCDEFGHJKLMNPQRSTUVWXYZ"));
        assert_non_null(strpbrk(password, "23456789"));
        assert_null(strpbrk(password, "l1IO0"));
    }
}

static void what_is_sealed_opens_only_in_its_context(void **state)
{
    (void)state;
    struct rng rng;
    struct err err = { 0 };
    rng_init_seed(&rng, 1);
    CLEANUP(keyring_destroyp) struct keyring *keyring = keyring_from_seed(5);
    CLEANUP(keyring_destroyp) struct keyring *other = keyring_from_seed(6);
    unsigned char *cipher = NULL;
    size_t length = 0;
    char *text = NULL;
    keyring_seal(keyring, &rng, "17/3/panel-password", "geheim-geheim", &cipher, &length);
    assert_null(memmem(cipher, length, "geheim", 6));
    assert_true(keyring_open(keyring, "17/3/panel-password", cipher, length, &text, &err));
    assert_string_equal(text, "geheim-geheim");
    free(text);
    assert_false(keyring_open(keyring, "18/3/panel-password", cipher, length, &text, &err));
    assert_false(keyring_open(other, "17/3/panel-password", cipher, length, &text, &err));
    cipher[length - 1] ^= 1;
    assert_false(keyring_open(keyring, "17/3/panel-password", cipher, length, &text, &err));
    free(cipher);
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    char path[] = "/tmp/berth-test-key-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    struct keyring *keyring = NULL;
    assert_true(keyring_create_file(path, &err));
    assert_false(keyring_create_file(path, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(keyring_load(path, &keyring, &err));
    keyring_destroy(keyring);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(keyring_load(path, &keyring, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.msg, "chmod 600"));
    unlink(path);
}

static void a_clock_that_is_set_back_goes_on(void **state)
{
    static const struct {
        int64_t wall_ms, boot_ms, want_ms;
    } moments[] = {
        { 1000000, 100, 1000000 },   { 1000500, 600, 1000500 },   { 9000600, 700, 9000600 }, /* set ahead */
        { 1000700, 800, 9000700 },   { 1060700, 60800, 9060700 }, /* set back: it goes on from where it was */
        { 9999999, 60900, 9999999 },
    };
    _Atomic int64_t lead_ms = INT64_MIN;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        int64_t got_ms = clock_steady_ms(&lead_ms, moments[i].wall_ms, moments[i].boot_ms);
        if (got_ms != moments[i].want_ms)
            fail_msg("moment %zu: %lld", i, (long long)got_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shell_word_survives_every_character),
        cmocka_unit_test(a_buffer_grows_and_gives_its_memory_away),
        cmocka_unit_test(an_error_puts_the_cause_last),
        cmocka_unit_test(a_secret_is_blanked_wherever_it_stands_until_it_is_removed),
        cmocka_unit_test(a_stream_keeps_back_what_may_become_a_secret),
        cmocka_unit_test(short_words_are_no_secrets),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(passwords_have_every_kind_of_character),
        cmocka_unit_test(what_is_sealed_opens_only_in_its_context),
        cmocka_unit_test(a_key_file_that_others_may_read_is_refused),
        cmocka_unit_test(a_clock_that_is_set_back_goes_on),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
