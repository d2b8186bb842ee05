/* test_http_parts.c - reading input, problem texts, links and tokens, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/input.h"
#include "http/link.h"
#include "http/token.h"
#include "http/view.h"

static void numbers_that_are_ids(void **state)
{
    static const struct {
        const char *text;
        bool want;
        int64_t want_id;
    } cases[] = { { "1", true, 1 },   { "9223372036854775800", true, 9223372036854775800 },
                  { "0", false, 0 },  { "", false, 0 },
                  { "-1", false, 0 }, { "01", false, 0 },
                  { "1a", false, 0 }, { "99999999999999999999", false, 0 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t id = 0;
        if (input_parse_id(cases[i].text, &id) != cases[i].want || id != cases[i].want_id)
            fail_msg("\"%s\": got %lld", cases[i].text, (long long)id);
    }
}

static void the_nearest_word_is_suggested(void **state)
{
    static const char *const known[] = { "product", "domain", "client", "external_id", NULL };
    static const struct {
        const char *word, *want;
    } cases[] = { { "domian", "domain" },           { "Domain", "domain" }, { "externalid", "external_id" },
                  { "external_ID", "external_id" }, { "foo", NULL },        { "", NULL },
                  { "clients", "client" } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = input_nearest(cases[i].word, known);
        if ((got == NULL) != (cases[i].want == NULL) || (got != NULL && strcmp(got, cases[i].want) != 0))
            fail_msg("\"%s\": got %s", cases[i].word, got == NULL ? "nothing" : got);
    }
}

static void a_problem_is_json_whatever_it_says(void **state)
{
    (void)state;
    struct problem problem;
    struct buf buf = BUF_INIT;
    problem_set(&problem, PROBLEM_UNKNOWN_FIELD, "a\"b\\c", "line\n\"two\" \x01");
    problem_write(&problem, "/api/\"x", &buf);
    json_t *json = json_loads(buf_text(&buf), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "field")), "a\"b\\c");
    assert_string_equal(json_string_value(json_object_get(json, "detail")), "line\n\"two\" \x01.");
    assert_string_equal(json_string_value(json_object_get(json, "type")), "urn:berth:problem:unknown-field");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 422);
    json_decref(json);
    buf_finish(&buf);
}

static const int64_t made_at_ms = 1700000000000;

static void a_link_names_its_service_until_it_expires(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_from_seed(1), *other = keyring_from_seed(2);
    for (int64_t made = 0; made < 3; made++) {
        char token[LINK_TOKEN_MAX], again[LINK_TOKEN_MAX];
        link_token(keyring, 17, made, made_at_ms, token);
        link_token(keyring, 17, made, made_at_ms, again);
        assert_string_equal(token, again);
        int64_t id = 0, generation = -1;
        assert_int_equal(link_read(keyring, token, made_at_ms, &id, &generation), LINK_VALID);
        assert_int_equal(id, 17);
        assert_int_equal(generation, made);
        int64_t end_ms = made_at_ms + LINK_LIFETIME_MS;
        assert_int_equal(link_read(keyring, token, end_ms - 1000, &id, &generation), LINK_VALID);
        assert_int_equal(link_read(keyring, token, end_ms, &id, &generation), LINK_EXPIRED);
        assert_int_equal(link_read(other, token, made_at_ms, &id, &generation), LINK_WRONG);
    }
    keyring_destroy(keyring);
    keyring_destroy(other);
}

/* Made by the program that knew no generations: such links are in customers' mails. */
static void links_that_went_out_before_there_were_generations_still_work(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_from_seed(1);
    int64_t id = 0, generation = -1;
    assert_int_equal(
        link_read(keyring, "AAAAAAAAABEAAAAAZzUkgOT3FIlWWIHXONk9NhyNcIMMCFSh1ROGAA", made_at_ms, &id, &generation),
        LINK_VALID);
    assert_int_equal(id, 17);
    assert_int_equal(generation, 0);
    keyring_destroy(keyring);
}

static void expect_refused_letter_by_letter(const struct keyring *keyring, char *token)
{
    int64_t id, generation;
    size_t length = strlen(token);
    for (size_t at = 0; at < length; at++) {
        char saved = token[at];
        for (const char *letter = "AZaz09-_=!"; *letter != '\0'; letter++) {
            token[at] = *letter;
            if (*letter != saved && link_read(keyring, token, made_at_ms, &id, &generation) != LINK_WRONG)
                fail_msg("with %c at %zu the link is accepted", *letter, at);
        }
        token[at] = saved;
    }
    token[length - 1] = '\0';
    assert_int_equal(link_read(keyring, token, 0, &id, &generation), LINK_WRONG);
}

static void no_link_with_one_letter_changed_is_accepted(void **state)
{
    (void)state;
    struct keyring *keyring = keyring_from_seed(1);
    char token[LINK_TOKEN_MAX];
    int64_t id, generation;
    link_token(keyring, 17, 0, made_at_ms, token);
    expect_refused_letter_by_letter(keyring, token);
    link_token(keyring, 17, 3, made_at_ms, token);
    expect_refused_letter_by_letter(keyring, token);
    assert_int_equal(link_read(keyring, "", 0, &id, &generation), LINK_WRONG);
    keyring_destroy(keyring);
}

static void tokens_have_one_form(void **state)
{
    (void)state;
    struct rng rng;
    char token[TOKEN_LENGTH + 1], other[TOKEN_LENGTH + 1];
    unsigned char hash[TOKEN_HASH_BYTES], other_hash[TOKEN_HASH_BYTES];
    rng_init_real(&rng);
    token_generate(&rng, token);
    token_generate(&rng, other);
    assert_true(token_hash(token, hash) && token_hash(other, other_hash));
    assert_memory_not_equal(hash, other_hash, TOKEN_HASH_BYTES);
    assert_memory_equal(token, "berth_", 6);
    assert_false(token_hash(token + 1, hash));
    token[TOKEN_LENGTH - 1] = '\0';
    assert_false(token_hash(token, hash));
    assert_false(token_hash("", hash));
}

static void a_fingerprint_is_the_one_that_ssh_keygen_prints(void **state)
{
    (void)state;
    char *got = view_fingerprint("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x");
    assert_string_equal(got, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
    free(got);
    got = view_fingerprint("ssh-ed25519 ###");
    assert_string_equal(got, "");
    free(got);
}

static void bytes_that_are_not_utf8_become_readable(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *want;
    } cases[] = { { "ok \xc3\xa4", 5, "ok \xc3\xa4" },
                  { "\xff", 1, "\xef\xbf\xbd" },
                  { "a\xc3", 2, "a\xef\xbf\xbd" },
                  { "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
                  { "\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
                  { "\xf0\x9f\x98\x80!\xff", 6, "\xf0\x9f\x98\x80!\xef\xbf\xbd" } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *text = view_bytes(cases[i].bytes, cases[i].length);
        assert_string_equal(json_string_value(text), cases[i].want);
        json_decref(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_are_ids),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(a_problem_is_json_whatever_it_says),
        cmocka_unit_test(a_link_names_its_service_until_it_expires),
        cmocka_unit_test(links_that_went_out_before_there_were_generations_still_work),
        cmocka_unit_test(no_link_with_one_letter_changed_is_accepted),
        cmocka_unit_test(tokens_have_one_form),
        cmocka_unit_test(a_fingerprint_is_the_one_that_ssh_keygen_prints),
        cmocka_unit_test(bytes_that_are_not_utf8_become_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
