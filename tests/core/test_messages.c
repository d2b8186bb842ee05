/* test_messages.c - the customer's words: found, and free of what customers should not have to know. */
#include "harness.h"

#include "core/messages.h"

static void the_catalogue_is_sorted_and_without_doubles(void **state)
{
    (void)state;
    for (size_t i = 1; i < messages_en_count; i++) {
        if (strcmp(messages_en[i - 1].key, messages_en[i].key) >= 0)
            fail_msg("%s must stand before %s", messages_en[i].key, messages_en[i - 1].key);
    }
}

static void every_key_finds_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < messages_en_count; i++) {
        assert_true(message_known(messages_en[i].key));
        assert_ptr_equal(message_text(messages_en[i].key), messages_en[i].text);
        assert_true(strlen(messages_en[i].text) > 1);
    }
}

/* What the engine and the drivers' causes say to customers. */
static void every_reason_has_words(void **state)
{
    static const char *const keys[] = { "wait.busy",        "wait.node",          "wait.capacity",    "wait.placement",
                                        "problem.internal", "problem.name-taken", "problem.suspended" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!message_known(keys[i]))
            fail_msg("%s has no words", keys[i]);
    }
}

static void a_customer_never_reads_a_key(void **state)
{
    (void)state;
    assert_false(message_known("step.flux-capacitor"));
    assert_string_equal(message_text("step.flux-capacitor"), "Setting up your account");
    assert_string_equal(message_text(""), "");
    assert_string_equal(message_text(NULL), "");
}

static void words_do_not_talk_shop(void **state)
{
    static const char *const shop[] = { "hestia", "panel",  "ssh",  "node",    "server1", "exit",  "v-",   "command",
                                        "dkim",   "dns",    "root", "sudo",    "bind",    "nginx", "exim", "php",
                                        "queue",  "worker", "task", "attempt", "step",    "cname", "zone", "%" };
    (void)state;
    for (size_t i = 0; i < messages_en_count; i++) {
        if (strncmp(messages_en[i].key, "page.", 5) == 0)
            continue; /* these speak of mail programs and name servers, for those who need them */
        for (size_t k = 0; k < ARRAY_LEN(shop); k++) {
            if (strcasestr(messages_en[i].text, shop[k]) != NULL)
                fail_msg("%s says \"%s\"", messages_en[i].key, shop[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_sorted_and_without_doubles),
        cmocka_unit_test(every_key_finds_its_words),
        cmocka_unit_test(every_reason_has_words),
        cmocka_unit_test(a_customer_never_reads_a_key),
        cmocka_unit_test(words_do_not_talk_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
