/* test_settings.c - the table of settings holds what it promises, and values are read as people write them. */
#include "harness.h"

#include "core/settings.h"

static struct settings settings;

static int begin(void **state)
{
    (void)state;
    settings_defaults(&settings);
    return 0;
}

static void every_row_is_whole_and_its_default_within_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct err err = { 0 };
        struct buf text = BUF_INIT, range = BUF_INIT;
        assert_ptr_equal(setting_find(row->name), row); /* no name twice */
        if (strspn(row->name, "abcdefghijklmnopqrstuvwxyz_.") != strlen(row->name) || strchr(row->name, '.') == NULL)
            fail_msg("%s is not a name of two words", row->name);
        if (strlen(row->help) < 15 || row->help[strlen(row->help) - 1] == '.')
            fail_msg("%s: the help is one sentence without a final dot", row->name);
        if (!settings_set(&settings, row->name, row->preset, &err))
            fail_msg("%s: its default is refused: %s", row->name, err.msg);
        settings_get_text(&settings, row, &text);
        expect_text(row->name, buf_text(&text), row->preset); /* the default is in canonical form */
        setting_write_range(row, &range);
        assert_true(range.length > 0);
        buf_finish(&text);
        buf_finish(&range);
    }
}

static void the_limits_themselves_are_taken_and_nothing_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct err err = { 0 };
        struct buf low = BUF_INIT, high = BUF_INIT;
        setting_write_low(row, &low);
        setting_write_high(row, &high);
        if (low.length > 0) {
            if (!settings_set(&settings, row->name, buf_text(&low), &err) ||
                !settings_set(&settings, row->name, buf_text(&high), &err))
                fail_msg("%s: a limit is refused: %s", row->name, err.msg);
            struct setting beyond = *row;
            beyond.high = row->type == SETTING_NUMBER ? row->high + 1 : row->high * 2;
            buf_clear(&high);
            setting_write_high(&beyond, &high);
            if (settings_set(&settings, row->name, buf_text(&high), &err))
                fail_msg("%s: takes %s", row->name, buf_text(&high));
            assert_string_equal(err.field, row->name);
        }
        buf_finish(&low);
        buf_finish(&high);
    }
}

static void the_defaults_are_what_the_program_had_before_there_were_settings(void **state)
{
    (void)state;
    const struct retry_policy policy = RETRY_POLICY_DEFAULT;
    assert_int_equal(settings.retry.first_ms, policy.first_ms);
    assert_int_equal(settings.retry.cap_ms, policy.cap_ms);
    assert_true(settings.retry.factor == policy.factor);
    assert_int_equal(settings.retry.attempts_max, policy.attempts_max);
    assert_int_equal(settings.retry.wait_ms, policy.wait_ms);
    assert_int_equal(settings.retry.wait_cap_ms, policy.wait_cap_ms);
    struct err err = { 0 };
    assert_true(settings_check(&settings, &err));
}

static void values_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        { "retry.first", "4 s", "4 s" },
        { "retry.first", "4000 ms", "4 s" },
        { "retry.first", "4", "4 s" }, /* a number alone counts in the row's unit */
        { "retry.first", "2.5 s", "2500 ms" },
        { "retry.first", "0.25", "250 ms" },
        { "retry.first", "1h", "1 h" },
        { "retry.first", "60 min", "1 h" },
        { "retry.first", "90 s", "90 s" },
        { "retry.cap", "1 d", "1 d" },
        { "retry.cap", "1.5 h", "90 min" },
        { "retry.factor", "1.5", "1.5" },
        { "retry.factor", "2.250", "2.25" },
        { "retry.factor", "3.0", "3" },
        { "retry.factor", "1.001", "1.001" },
        { "retry.attempts", "0", "0" },
        { "retry.attempts", "007", "7" },
        { "retry.wait", "48", "2 d" },
        { "retry.node_first", "10", "10 s" },
        { "retry.node_first", "general", "general" },
        { "retry.busy_factor", "3", "3" },
        { "retry.busy_factor", "general", "general" },
        { "retry.verify_attempts", "0", "0" },
        { "retry.verify_attempts", "general", "general" },
        { "history.logs", "30", "30 d" },
        { "history.logs", "0", "0 ms" },
        { "history.tasks", "36 h", "36 h" },
        { "ticket.enabled", "true", "true" },
        { "ticket.channel", "webhook", "webhook" },
        { "ticket.priority", "High", "High" },
        { "notify.smtp_user", "berth \xc3\xa9", "berth \xc3\xa9" },
        { "notify.whmcs_url", "https://billing.example.com/whmcs", "https://billing.example.com/whmcs" },
        { "notify.smtp_url", "smtp://127.0.0.1:25", "smtp://127.0.0.1:25" },
        { "notify.smtp_url", "", "" },
        { "notify.mail_to", "staff@example.com", "staff@example.com" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = { 0 };
        struct buf text = BUF_INIT;
        if (!settings_set(&settings, cases[i].name, cases[i].text, &err))
            fail_msg("%s = %s: %s", cases[i].name, cases[i].text, err.msg);
        settings_get_text(&settings, setting_find(cases[i].name), &text);
        expect_text(cases[i].text, buf_text(&text), cases[i].want);
        buf_finish(&text);
    }
    assert_int_equal(settings.retry.first_ms, 90000);
    assert_true(settings.retry.factor > 1.0009 && settings.retry.factor < 1.0011);
    assert_true(settings.ticket.enabled);
    assert_int_equal(settings.ticket.channel, TICKET_CHANNEL_WEBHOOK);
    assert_int_equal(settings.ticket.priority, TICKET_PRIORITY_HIGH);
    assert_string_equal(settings.notify.mail_to, "staff@example.com");
}

static void no_text_is_the_default_again(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_true(settings_set(&settings, "retry.first", "9 s", &err));
    assert_true(settings_set(&settings, "retry.first", NULL, &err));
    assert_int_equal(settings.retry.first_ms, 4000);
}

static void a_class_of_causes_has_a_policy_of_its_own(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct retry_policy general = settings_retry(&settings, RETRY_PANEL);
    assert_int_equal(general.first_ms, RETRY_POLICY_DEFAULT.first_ms);
    assert_int_equal(general.attempts_max, RETRY_POLICY_DEFAULT.attempts_max);
    assert_int_equal(general.wait_ms, RETRY_POLICY_DEFAULT.wait_ms);
    assert_int_equal(settings_retry(&settings, RETRY_VERIFY).wait_cap_ms, 300000);
    assert_true(settings_set(&settings, "retry.busy_first", "1 s", &err) &&
                settings_set(&settings, "retry.attempts", "5", &err) &&
                settings_set(&settings, "retry.verify_attempts", "50", &err) && settings_check(&settings, &err));
    assert_int_equal(settings_retry(&settings, RETRY_BUSY).first_ms, 1000);
    assert_int_equal(settings_retry(&settings, RETRY_NODE).first_ms, 4000);
    assert_int_equal(settings_retry(&settings, RETRY_NODE).attempts_max, 5); /* follows what holds for all */
    assert_int_equal(settings_retry(&settings, RETRY_VERIFY).attempts_max, 50);
    assert_true(settings_set(&settings, "retry.busy_first", "general", &err));
    assert_int_equal(settings_retry(&settings, RETRY_BUSY).first_ms, 4000);
    assert_false(settings_set(&settings, "retry.first", "general", &err)); /* it is that itself */
    assert_true(settings_set(&settings, "retry.node_first", "1 min", &err) &&
                settings_set(&settings, "retry.node_cap", "30 s", &err));
    expect_refusal("first above cap", settings_check(&settings, &err), &err, "retry.node_first",
                   "retry.node_first (1 min) must not be above retry.node_cap (30 s)");
    assert_true(settings_set(&settings, "retry.node_cap", NULL, &err) && settings_check(&settings, &err));
    assert_true(settings_set(&settings, "node.probe_first", "3 min", &err));
    expect_refusal("probe", settings_check(&settings, &err), &err, "node.probe_first",
                   "node.probe_first (3 min) must not be above node.probe_cap (2 min)");
}

#define FIRST "retry.first must be a time (in ms, s, min, h or d) between 100 ms and 1 h, not "
#define FACTOR "retry.factor must be a number with at most three decimals between 1 and 10, not "
#define ATTEMPTS "retry.attempts must be a whole number between 0 and 1000, not "

static void bad_values_are_refused_with_the_range(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        { "retry.first", "5 d", FIRST "\"5 d\"" },
        { "retry.first", "99 ms", FIRST "\"99 ms\"" },
        { "retry.first", "", FIRST "\"\"" },
        { "retry.first", "-4 s", FIRST "\"-4 s\"" },
        { "retry.first", "4 parsec", FIRST "\"4 parsec\"" },
        { "retry.first", "4 s ", FIRST "\"4 s \"" },
        { "retry.first", "0.5 ms", FIRST "\"0.5 ms\"" },
        { "retry.first", "4. s", FIRST "\"4. s\"" },
        { "history.logs", "4000 d",
          "history.logs must be a time (in ms, s, min, h or d) between 0 ms and 3650 d, not \"4000 d\"" },
        { "queue.batch", "0", "queue.batch must be a whole number between 1 and 5000, not \"0\"" },
        { "retry.first", "999999999999 d", FIRST "\"999999999999 d\"" },
        { "retry.first", "99999999999999999999", FIRST "\"99999999999999999999\"" },
        { "retry.factor", "0.999", FACTOR "\"0.999\"" },
        { "retry.factor", "1.0001", FACTOR "\"1.0001\"" },
        { "retry.factor", "2,5", FACTOR "\"2,5\"" },
        { "retry.factor", "nan", FACTOR "\"nan\"" },
        { "retry.attempts", "1001", ATTEMPTS "\"1001\"" },
        { "retry.attempts", "2.5", ATTEMPTS "\"2.5\"" },
        { "retry.attempts", "12 attempts", ATTEMPTS "\"12 attempts\"" },
        { "ticket.enabled", "yes", "ticket.enabled must be one of false, true, not \"yes\"" },
        { "ticket.channel", "fax", "ticket.channel must be one of none, whmcs, mail, webhook, not \"fax\"" },
        { "ticket.priority", "high", "ticket.priority must be one of Low, Medium, High, not \"high\"" },
        { "notify.smtp_user", "a\r\nRCPT TO:<b>",
          "notify.smtp_user must hold no control characters: there is one at position 2" },
        { "notify.whmcs_url", "ftp://x",
          "notify.whmcs_url must be empty or begin with https:// or http://, not \"ftp://x\"" },
        { "notify.whmcs_url", "https://", "notify.whmcs_url must name a host behind https:// and hold no blanks" },
        { "notify.whmcs_url", "https://a b", "notify.whmcs_url must name a host behind https:// and hold no blanks" },
        { "notify.smtp_url", "smtps://u:p@mail.example.com",
          "notify.smtp_url must hold no user and no password: there are settings of their own for them" },
        { "retry.node_attempts", "1001",
          "retry.node_attempts must be a whole number between 0 and 1000, or general, not \"1001\"" },
        { "retry.frist", "1 s", "there is no setting \"retry.frist\"" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings before = settings;
        struct err err = { 0 };
        bool ok = settings_set(&settings, cases[i].name, cases[i].text, &err);
        expect_refusal(cases[i].text, ok, &err, cases[i].name, cases[i].want);
        assert_int_equal(err.code, ERR_INVALID);
        assert_memory_equal(&before, &settings, sizeof(settings));
    }
    struct err err = { 0 };
    assert_false(settings_set(&settings, "notify.mail_to", "nobody", &err));
    assert_string_equal(err.field, "notify.mail_to");
    assert_non_null(strstr(err.msg, "notify.mail_to must be empty or an e-mail address: "));
}

static void a_secret_that_is_refused_is_not_quoted(void **state)
{
    (void)state;
    char text[SETTING_TEXT_MAX + 2];
    memset(text, 'k', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct err err = { 0 };
    assert_false(settings_set(&settings, "notify.whmcs_secret", text, &err));
    assert_string_equal(err.msg, "notify.whmcs_secret must have at most 255 bytes, not 256");
    assert_false(settings_set(&settings, "notify.whmcs_secret", "kkkk\n", &err));
    assert_null(strstr(err.msg, "kkkk"));
    text[SETTING_TEXT_MAX] = '\0';
    assert_true(settings_set(&settings, "notify.whmcs_secret", text, &err));
    assert_string_equal(settings.notify.whmcs_secret, text);
}

static void the_first_pause_is_not_above_the_longest(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_true(settings_set(&settings, "retry.first", "1 min", &err) &&
                settings_set(&settings, "retry.cap", "30 s", &err));
    expect_refusal("first above cap", settings_check(&settings, &err), &err, "retry.first",
                   "retry.first (1 min) must not be above retry.cap (30 s)");
    assert_true(settings_set(&settings, "retry.first", "30 s", &err));
    assert_true(settings_check(&settings, &err));
}

static void tickets_need_a_channel_and_what_it_needs(void **state)
{
    static const struct {
        const char *name, *text; /* set before the check */
        const char *want_field;  /* what is missing then; NULL: nothing */
    } steps[] = {
        { "ticket.enabled", "true", "ticket.channel" },
        { "ticket.channel", "whmcs", "notify.whmcs_url" },
        { "notify.whmcs_url", "https://billing.example.com", "notify.whmcs_identifier" },
        { "notify.whmcs_identifier", "abc", "notify.whmcs_secret" },
        { "notify.whmcs_secret", "def", NULL },
        { "ticket.channel", "mail", "notify.smtp_url" },
        { "notify.smtp_url", "smtps://mail.example.com", "notify.mail_from" },
        { "notify.mail_from", "berth@example.com", "notify.mail_to" },
        { "notify.mail_to", "staff@example.com", NULL },
        { "ticket.channel", "webhook", "notify.webhook_url" },
        { "notify.webhook_url", "https://hooks.example.com/berth", "notify.webhook_secret" },
        { "notify.webhook_secret", "0123456789", NULL },
        { "ticket.enabled", "false", NULL },
        { "ticket.channel", "none", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct err err = { 0 };
        assert_true(settings_set(&settings, steps[i].name, steps[i].text, &err));
        bool ok = settings_check(&settings, &err);
        if (ok != (steps[i].want_field == NULL) || (!ok && strcmp(err.field, steps[i].want_field) != 0))
            fail_msg("after %s = %s: \"%s\" (%s)", steps[i].name, steps[i].text, err.msg, err.field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_row_is_whole_and_its_default_within_its_range, begin),
        cmocka_unit_test_setup(the_limits_themselves_are_taken_and_nothing_beyond, begin),
        cmocka_unit_test_setup(the_defaults_are_what_the_program_had_before_there_were_settings, begin),
        cmocka_unit_test_setup(values_are_read_as_people_write_them, begin),
        cmocka_unit_test_setup(no_text_is_the_default_again, begin),
        cmocka_unit_test_setup(a_class_of_causes_has_a_policy_of_its_own, begin),
        cmocka_unit_test_setup(bad_values_are_refused_with_the_range, begin),
        cmocka_unit_test_setup(a_secret_that_is_refused_is_not_quoted, begin),
        cmocka_unit_test_setup(the_first_pause_is_not_above_the_longest, begin),
        cmocka_unit_test_setup(tickets_need_a_channel_and_what_it_needs, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
