/* test_hestia_transcripts.c - every recorded answer of the panel against the verdict that was written by hand for it.
 * tests/data/hestia/transcripts.jsonl holds the answers, verdicts.tsv the verdicts; an id in only one of them fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/hestia.h"

static const char *transcripts_path, *verdicts_path;

/* ---- what was written by hand -------------------------------------------------------------------------------------- */

static json_t *verdicts_load(void)
{
    json_t *verdicts = json_object();
    char line[2048];
    FILE *file = fopen(verdicts_path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *save = NULL;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        const char *id = strtok_r(line, "\t\n", &save);
        const char *verdict = strtok_r(NULL, "\t\n", &save);
        const char *why = strtok_r(NULL, "\t\n", &save);
        if (verdict == NULL || (strcmp(verdict, "n/a") == 0 && why == NULL))
            fail_msg("verdicts.tsv: %s has no verdict, or n/a without a reason", id);
        if (json_object_get(verdicts, id) != NULL)
            fail_msg("verdicts.tsv: %s is listed twice", id);
        json_object_set_new(verdicts, id, json_string(verdict));
    }
    fclose(file);
    return verdicts;
}

/* ---- what the driver makes of it ----------------------------------------------------------------------------------- */

struct answer {
    char command[64];
    json_t *words; /* after the command */
    struct segment_result segment;
};

static const char *word(const struct answer *answer, size_t index)
{
    const char *text = json_string_value(json_array_get(answer->words, index));
    return text != NULL ? text : "";
}

/* The object's name in the list: the argument that names it; NULL where the whole answer counts. */
static const char *list_name(const struct answer *answer)
{
    static const struct {
        const char *command;
        size_t index;
    } singular[] = { { "v-list-user", 0 },        { "v-list-user-package", 0 }, { "v-list-web-domain", 1 },
                     { "v-list-mail-domain", 1 }, { "v-list-dns-domain", 1 },   { "v-list-mail-account", 2 } };
    for (size_t i = 0; i < ARRAY_LEN(singular); i++) {
        if (strcmp(singular[i].command, answer->command) == 0)
            return word(answer, singular[i].index);
    }
    if (strcmp(answer->command, "v-list-mail-domain-dkim-dns") == 0)
        return "mail._domainkey";
    return strcmp(answer->command, "v-list-sys-config") == 0 ? "config" : NULL;
}

static void add_facts(const struct look *look, const char *const *names, struct buf *ret_text)
{
    for (size_t i = 0; names[i] != NULL; i += 2)
        buf_addf(ret_text, " %s=%s", names[i], look_text(look, names[i + 1]));
}

static void describe_present(const struct answer *answer, const struct look *look, struct buf *ret_text)
{
    static const struct {
        const char *command;
        const char *names[9];
    } rows[] = {
        { "v-list-user", { "package", "PACKAGE", "suspended", "SUSPENDED", "disk", "DISK_QUOTA" } },
        { "v-list-user-package", { "disk", "DISK_QUOTA", "backend", "BACKEND_TEMPLATE", "shell", "SHELL" } },
        { "v-list-web-domain", { "backend", "BACKEND", "suspended", "SUSPENDED" } },
        { "v-list-mail-domain", { "dkim", "DKIM", "suspended", "SUSPENDED" } },
        { "v-list-dns-domain", { "serial", "SERIAL", "records", "RECORDS", "suspended", "SUSPENDED" } },
        { "v-list-mail-account", { "quota", "QUOTA", "suspended", "SUSPENDED" } },
        { "v-list-sys-config",
          { "version", "VERSION", "web", "WEB_SYSTEM", "mail", "MAIL_SYSTEM", "dns", "DNS_SYSTEM" } },
    };
    buf_add_text(ret_text, "present");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].command, answer->command) == 0) {
            add_facts(look, rows[i].names, ret_text);
            return;
        }
    }
    buf_addf(ret_text, " count=%zu", look_count(look));
}

static void describe_list(const struct answer *answer, struct buf *ret_text)
{
    CLEANUP(look_finish) struct look look;
    char key[1024];
    bool is_dkim = strcmp(answer->command, "v-list-mail-domain-dkim-dns") == 0;
    bool is_user = strcmp(answer->command, "v-list-user") == 0;
    look_init(&look, &answer->segment, list_name(answer));
    switch (look.state) {
    case LOOK_NOT_RUN: buf_add_text(ret_text, "not-run"); return;
    case LOOK_ABSENT: buf_add_text(ret_text, "absent"); return;
    case LOOK_INVALID: buf_add_text(ret_text, "invalid"); return;
    case LOOK_FAILED: buf_addf(ret_text, "unanswered:%s", look.cause_id); return;
    case LOOK_PRESENT: break;
    }
    if (is_user && look_is(&look, "PACKAGE", "") && look_is(&look, "CONTACT", "")) {
        buf_add_text(ret_text, "half");
    } else if (is_dkim) {
        look_dkim(&look, key, sizeof(key));
        if (key[0] == '\0')
            buf_add_text(ret_text, "no-key");
        else
            buf_addf(ret_text, "key %.30s... %zu", key, strlen(key));
    } else {
        describe_present(answer, &look, ret_text);
    }
}

static void describe_change(const struct answer *answer, struct buf *ret_text)
{
    static const char *const names[] = {
        [ANSWER_DONE] = "done", [ANSWER_LOOK] = "look", [ANSWER_RETRY] = "retry", [ANSWER_FAILED] = "failed"
    };
    struct hestia_reply reply;
    hestia_classify(answer->segment.exit_code, answer->segment.out, &reply);
    buf_add_text(ret_text, names[reply.answer]);
    if (reply.cause_id == NULL)
        return;
    buf_addf(ret_text, ":%s", reply.cause_id);
    if (cause_find(reply.cause_id) == NULL)
        fail_msg("%s is not in the catalogue", reply.cause_id);
}

static void describe(const struct answer *answer, struct buf *ret_text)
{
    char owner[64];
    if (strcmp(answer->command, "v-search-domain-owner") == 0) {
        assert_true(look_owner(&answer->segment, owner, sizeof(owner)));
        if (owner[0] == '\0')
            buf_add_text(ret_text, "nobody");
        else
            buf_addf(ret_text, "owner=%s", owner);
    } else if (strncmp(answer->command, "v-list-", 7) == 0) {
        describe_list(answer, ret_text);
    } else {
        describe_change(answer, ret_text);
    }
}

/* ---- reading a row --------------------------------------------------------------------------------------------------- */

/* A row of kind ssh has the whole remote command line as its one word: the panel's command is looked for in it. */
static void answer_from_line(struct answer *answer, const char *line)
{
    const char *at = line;
    while ((at = strstr(at, "v-")) != NULL && at > line && at[-1] != '/' && at[-1] != ' ')
        at++;
    assert_non_null(at);
    char *copy = xstrdup(at);
    char *save = NULL;
    const char *name = strtok_r(copy, " ;", &save);
    snprintf(answer->command, sizeof(answer->command), "%s", name);
    for (const char *next = strtok_r(NULL, " ;", &save); next != NULL; next = strtok_r(NULL, " ;", &save))
        json_array_append_new(answer->words, json_string(next));
    free(copy);
}

static void answer_init(struct answer *answer, const json_t *row)
{
    const json_t *argv = json_object_get(row, "argv");
    const char *out = json_string_value(json_object_get(row, "stdout"));
    *answer = (struct answer){ .words = json_array() };
    answer->segment = (struct segment_result){
        .ran = true,
        .exit_code = (int)json_integer_value(json_object_get(row, "exit")),
        .out = xstrdup(out != NULL ? out : ""),
        .err = xstrdup(""),
    };
    if (json_array_size(argv) == 1 && strchr(json_string_value(json_array_get(argv, 0)), ' ') != NULL) {
        answer_from_line(answer, json_string_value(json_array_get(argv, 0)));
        return;
    }
    const char *name = json_string_value(json_array_get(argv, 0));
    const char *slash = strrchr(name, '/');
    snprintf(answer->command, sizeof(answer->command), "%s", slash != NULL ? slash + 1 : name);
    for (size_t i = 1; i < json_array_size(argv); i++)
        json_array_append(answer->words, json_array_get(argv, i));
}

static void answer_finish(struct answer *answer)
{
    json_decref(answer->words);
    free(answer->segment.out);
    free(answer->segment.err);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static json_t *next_row(FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    json_t *row = NULL;
    if (getline(&line, &size, file) > 0) {
        row = json_loads(line, 0, NULL);
        assert_non_null(row);
    }
    free(line);
    return row;
}

static void every_recorded_answer_is_judged_as_written_by_hand(void **state)
{
    (void)state;
    json_t *verdicts = verdicts_load();
    FILE *file = fopen(transcripts_path, "re");
    unsigned wrong = 0, seen = 0;
    assert_non_null(file);
    for (json_t *row = next_row(file); row != NULL; row = next_row(file)) {
        CLEANUP(buf_finish) struct buf got = BUF_INIT;
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *want = json_string_value(json_object_get(verdicts, id));
        seen++;
        if (want == NULL) {
            print_error("%s is not in verdicts.tsv\n", id);
            wrong++;
        } else if (strcmp(want, "n/a") != 0) {
            struct answer answer;
            answer_init(&answer, row);
            describe(&answer, &got);
            answer_finish(&answer);
            if (!buf_equals(&got, want)) {
                print_error("%s: want %s, got %s\n", id, want, buf_text(&got));
                wrong++;
            }
        }
        json_object_del(verdicts, id);
        json_decref(row);
    }
    fclose(file);
    const char *id;
    json_t *left;
    json_object_foreach(verdicts, id, left)
    {
        print_error("%s is in verdicts.tsv, but was not recorded\n", id);
        wrong++;
    }
    json_decref(verdicts);
    assert_int_equal(wrong, 0);
    assert_int_equal(seen, 767);
}

static void every_exit_code_has_a_cause(void **state)
{
    static const int codes[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,   10,  11,  12,  13,
                                 14, 15, 16, 17, 18, 19, 20, 21, 126, 127, 137, 143, 255 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct hestia_reply reply;
        hestia_classify(codes[i], "Error: something\n", &reply);
        if (reply.answer == ANSWER_DONE || reply.cause_id == NULL || cause_find(reply.cause_id) == NULL)
            fail_msg("exit %d has no cause", codes[i]);
        assert_string_equal(reply.error, "something");
    }
}

static void causes_are_sorted_complete_and_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < cause_count(); i++) {
        const struct cause *cause = cause_at(i);
        bool ends =
            cause->verdict == VERDICT_RETRY || cause->verdict == VERDICT_FAILED || cause->verdict == VERDICT_CONFLICT;
        bool customer =
            strncmp(cause->customer_key, "wait.", 5) == 0 || strncmp(cause->customer_key, "problem.", 8) == 0;
        if (!ends || !customer || cause->text[0] == '\0' || cause->remedy[0] == '\0')
            fail_msg("cause %s is not complete", cause->id);
        if (i > 0 && strcmp(cause_at(i - 1)->id, cause->id) >= 0)
            fail_msg("cause %s is not in order", cause->id);
    }
}

/** A class goes with its prefix, and only what Berth tries again waits; nothing of the panel's class does: it has no settings for
 * how long. */
static void causes_have_the_class_of_what_stood_in_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < cause_count(); i++) {
        const struct cause *cause = cause_at(i);
        bool tried = cause->verdict == VERDICT_RETRY;
        bool from_outside = strncmp(cause->id, "verify.", 7) == 0;
        bool of_node = strncmp(cause->id, "node.", 5) == 0;
        if (cause->waits_for != NULL && (!tried || cause->retry_class == RETRY_PANEL))
            fail_msg("cause %s must not wait", cause->id);
        if (tried && (from_outside != (cause->retry_class == RETRY_VERIFY) ||
                      (of_node && cause->retry_class != RETRY_NODE && cause->retry_class != RETRY_BUSY)))
            fail_msg("cause %s has the wrong class", cause->id);
    }
}

static void every_transport_outcome_has_a_cause(void **state)
{
    (void)state;
    for (int outcome = OUTCOME_NOT_STARTED; outcome <= OUTCOME_KILLED; outcome++) {
        for (int fault = FAULT_NONE; fault <= FAULT_DISK_FULL; fault++) {
            struct command_result result = { .outcome = (enum outcome)outcome, .fault = (enum transport_fault)fault };
            assert_non_null(cause_of_outcome(&result));
        }
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_answer_is_judged_as_written_by_hand),
        cmocka_unit_test(every_exit_code_has_a_cause),
        cmocka_unit_test(causes_are_sorted_complete_and_unique),
        cmocka_unit_test(causes_have_the_class_of_what_stood_in_the_way),
        cmocka_unit_test(every_transport_outcome_has_a_cause),
    };
    if (argc != 3) {
        fprintf(stderr, "usage: %s TRANSCRIPTS VERDICTS\n", argv[0]);
        return 2;
    }
    transcripts_path = argv[1];
    verdicts_path = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
