/* story.c - plays a story: runs the driver, answers from the story, compares. See story.h. */
#include "story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/hestia.h"

#define PASSWORD "Secr3t-Passw0rd"
#define PACKAGE "b0a1b2c-0000000007-x"
#define KEY_392                                                                                                        \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArTTxuPC2Pfc5qvGYXvCNO99JWepC0F2rECFVPgISq8mDE8fWEsRs9Krg/"            \
    "s7D67KGy2eFrED"                                                                                                   \
    "u2y0LOV38BeD/"                                                                                                    \
    "MPGS3HX6gu3EGvLkRxRNxe9IjUoXoNbFoaFyYRis5K1TzzLeSaMkaeBd6bXCp+dyAZS2Rf2CGJ3K7Y+S+y1Rk9GBOlluyf8WKl6l2KX"          \
    "vNWMjwgLlo9/"                                                                                                     \
    "eFnptP3cQDaNOrWjw2cLb7n402riaCoUnnZ80MB5LwvR3+dU+YMsRi9KCoFCakc66xzq6Cn3nnQhAd+jrn0YhurPODJOIGKlhHTdR80i"         \
    "n5N4mx8wW9bTP32ApO3CfzzXzTzA6t4Sx9TcROQIDAQAB"

/* ---- what the node can answer ------------------------------------------------------------------------------------- */

static const struct zone_record records[] = {
    { "@", "NS", 0, "ns1.example.net" },
    { "@", "A", 0, "192.0.2.1" },
    { "@", "MX", 10, "mail.acme.example." },
    { "@", "TXT", 0, "v=spf1 a mx -all" },
};

struct step story_step(const char *action)
{
    return (struct step){
        .action = action,
        .installation = "0a1b2c",
        .service_id = 7,
        .domain = "acme.example",
        .user = "acme",
        .package = PACKAGE,
        .contact_name = "Acme \"Ltd\"",
        .contact_email = "info@acme.example",
        .password = PASSWORD,
        .now_ms = 1795428000000, /* 2026-11-23 */
        .node_name = "n1",
        .node_hostname = "n1.example.net",
        .node_ip4 = "192.0.2.1",
        .node_ip6 = "",
        .limits = { .disk_mb = 1000,
                    .bandwidth_mb = -1,
                    .web_domains = 1,
                    .web_aliases = 5,
                    .databases = 1,
                    .cron_jobs = 1,
                    .backups = 1,
                    .mail_domains = 1,
                    .mail_accounts = 10,
                    .mail_rate_per_hour = 200,
                    .dns_domains = 1,
                    .dns_records = 50,
                    .php = "8.2" },
        .zone = { .records = records,
                  .record_count = ARRAY_LEN(records),
                  .soa = "ns1.example.net.",
                  .ip = "192.0.2.1",
                  .ttl = 14400,
                  .serial = 2026112301 },
        .mailbox = "info",
        .mailbox_quota_mb = 500,
    };
}

static void answer_settings(const struct step *step, const char *name, const char *changed_key, const char *value,
                            struct buf *ret_text)
{
    struct hestia_setting settings[HESTIA_PACKAGE_KEYS];
    hestia_package(step, settings);
    buf_addf(ret_text, "{\n \"%s\": {\n", name);
    for (size_t i = 0; i < HESTIA_PACKAGE_KEYS; i++) {
        bool is_changed = changed_key != NULL && strcmp(settings[i].key, changed_key) == 0;
        buf_addf(ret_text, "  \"%s\": \"%s\",\n", settings[i].key, is_changed ? value : settings[i].value);
    }
}

static void answer_user(const struct step *step, const char *kind, struct buf *ret_text)
{
    bool is_old = strcmp(kind, "old") == 0;
    bool is_admin = strcmp(kind, "admin") == 0;
    const char *package = strcmp(kind, "other") == 0 || is_admin ? "small"
                          : strcmp(kind, "half") == 0            ? ""
                          : strcmp(kind, "marked") == 0          ? "bzzzzzz-0000000001-x"
                                                                 : step->package;
    answer_settings(step, step->user, is_old ? "DISK_QUOTA" : NULL, "5", ret_text);
    buf_addf(ret_text,
             "  \"NAME\": \"%s\", \"ROLE\": \"%s\", \"PACKAGE\": \"%s\", \"CONTACT\": \"%s\", \"SUSPENDED\": \"%s\"\n "
             "}\n}\n",
             strcmp(kind, "backslash") == 0 ? "Back\\slash" : "Acme", is_admin ? "admin" : "user", package,
             package[0] == '\0' ? "" : step->contact_email, strcmp(kind, "suspended") == 0 ? "yes" : "no");
}

static void answer_records(const struct step *step, const char *kind, struct buf *ret_text)
{
    size_t count = step->zone.record_count - (strcmp(kind, "short") == 0 ? 1 : 0);
    buf_add_text(ret_text, "{");
    for (size_t i = 0; i < count; i++) {
        const struct zone_record *record = &step->zone.records[i];
        char priority[16];
        CLEANUP(buf_finish) struct buf value = BUF_INIT;
        CLEANUP(buf_finish) struct buf quoted = BUF_INIT;
        assert_true(hestia_record_value(record, &value));
        for (const char *at = buf_text(&value); *at != '\0'; at++)
            buf_addf(&quoted, "%s%c", *at == '"' ? "\\" : "", *at);
        hestia_record_priority(record, priority, sizeof(priority));
        bool is_wrong = strcmp(kind, "wrong") == 0 && i == 1;
        buf_addf(ret_text,
                 "%s\n \"%zu\": { \"RECORD\": \"%s\", \"TYPE\": \"%s\", \"PRIORITY\": \"%s\", \"VALUE\": \"%s\",",
                 i > 0 ? "," : "", 101 + i, record->name, record->type, priority,
                 is_wrong ? "203.0.113.9" : buf_text(&quoted));
        buf_addf(ret_text, " \"ID\": \"%zu\", \"SUSPENDED\": \"no\", \"TTL\": \"14400\" }", 101 + i);
    }
    buf_add_text(ret_text, "\n}\n");
}

static const char zone_format[] =
    "{ \"acme.example\": { \"IP\": \"192.0.2.1\", \"TTL\": \"14400\", \"SOA\": \"ns1.example.net\", "
    "\"SERIAL\": \"%s\", \"RECORDS\": \"4\", \"SUSPENDED\": \"%s\" } }\n";

static const struct {
    const char *name, *text;
} fixed_answers[] = {
    { "empty", "{\n}\n" },
    { "web.ours", "{ \"acme.example\": { \"BACKEND\": \"PHP-8_2\", \"SUSPENDED\": \"no\" } }\n" },
    { "web.default", "{ \"acme.example\": { \"BACKEND\": \"default\", \"SUSPENDED\": \"no\" } }\n" },
    { "web.suspended", "{ \"acme.example\": { \"BACKEND\": \"PHP-8_2\", \"SUSPENDED\": \"yes\" } }\n" },
    { "web.alike", "{ \"acme-example\": { \"BACKEND\": \"PHP-8_2\", \"SUSPENDED\": \"no\" } }\n" },
    { "mail.ours", "{ \"acme.example\": { \"DKIM\": \"yes\", \"ACCOUNTS\": \"0\", \"SUSPENDED\": \"no\" } }\n" },
    { "mail.webmail",
      "{ \"acme.example\": { \"DKIM\": \"yes\", \"WEBMAIL\": \"roundcube\", \"SUSPENDED\": \"no\" } }\n" },
    { "mail.nodkim", "{ \"acme.example\": { \"DKIM\": \"no\", \"ACCOUNTS\": \"0\", \"SUSPENDED\": \"no\" } }\n" },
    { "mail.suspended", "{ \"acme.example\": { \"DKIM\": \"yes\", \"ACCOUNTS\": \"0\", \"SUSPENDED\": \"yes\" } }\n" },
    { "accounts.one", "{ \"info\": { \"QUOTA\": \"500\" } }\n" },
    { "account.500", "{ \"info\": { \"QUOTA\": \"500\", \"SUSPENDED\": \"no\" } }\n" },
    { "account.10", "{ \"info\": { \"QUOTA\": \"10\", \"SUSPENDED\": \"no\" } }\n" },
    { "account.suspended", "{ \"info\": { \"QUOTA\": \"500\", \"SUSPENDED\": \"yes\" } }\n" },
    { "key", "{ \"mail._domainkey\": { \"TTL\": \"3600\", \"TXT\": \"'v=DKIM1; k=rsa; p=" KEY_392 "'\" } }\n" },
    { "nokey",
      "{ \"mail._domainkey\": { \"TTL\": \"3600\", \"TXT\": \"'v=DKIM1; k=rsa; p=DKIM-SUPPORT-IS-NOT-ACTIVATED'\" } "
      "}\n" },
    { "templates", "[ \"PHP-7_4\", \"PHP-8_2\", \"default\", \"no-php\", \"socket\" ]\n" },
    { "info", "{ \"sysinfo\": { \"HOSTNAME\": \"n1\", \"OS\": \"Debian\" } }\n" },
    { "config",
      "{ \"config\": { \"WEB_SYSTEM\": \"apache2\", \"WEB_BACKEND\": \"php-fpm\", \"MAIL_SYSTEM\": \"exim4\", "
      "\"IMAP_SYSTEM\": \"dovecot\", \"DNS_SYSTEM\": \"bind9\", \"DISK_QUOTA\": \"no\", \"VERSION\": \"1.10.3\" } "
      "}\n" },
    { "config.blank", "{ \"config\": { \"WEB_SYSTEM\": \"\", \"VERSION\": \"\" } }\n" },
    { "config.none", "{ \"config\": { \"WEB_SYSTEM\": \"\", \"MAIL_SYSTEM\": \"\", \"VERSION\": \"1.10.3\" } }\n" },
    { "config.old", "{ \"config\": { \"WEB_SYSTEM\": \"apache2\", \"VERSION\": \"1.8.11\" } }\n" },
};

static void answer_make(const struct step *step, const char *name, struct buf *ret_text)
{
    if (name[0] == '"') {
        for (const char *at = name + 1; *at != '\0' && !(at[0] == '"' && at[1] == '\0'); at++) {
            bool is_line_end = at[0] == '\\' && at[1] == 'n';
            buf_add_char(ret_text, is_line_end ? '\n' : *at);
            at += is_line_end ? 1 : 0;
        }
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fixed_answers); i++) {
        if (strcmp(fixed_answers[i].name, name) == 0) {
            buf_add_text(ret_text, fixed_answers[i].text);
            return;
        }
    }
    if (strncmp(name, "user.", 5) == 0) {
        answer_user(step, name + 5, ret_text);
    } else if (strncmp(name, "records.", 8) == 0) {
        answer_records(step, name + 8, ret_text);
    } else if (strncmp(name, "package.", 8) == 0) {
        bool is_old = strcmp(name, "package.old") == 0;
        answer_settings(step, step->package, is_old ? "DISK_QUOTA" : NULL, "5", ret_text);
        buf_add_text(ret_text, "  \"TIME\": \"10:00:00\"\n }\n}\n");
    } else if (strncmp(name, "zone.", 5) == 0) {
        bool is_suspended = strcmp(name, "zone.suspended") == 0;
        buf_addf(ret_text, zone_format, strcmp(name, "zone.old") == 0 ? "2026112300" : "2026112301",
                 is_suspended ? "yes" : "no");
    } else {
        fail_msg("no answer is called %s", name);
    }
}

/* ---- reading the story --------------------------------------------------------------------------------------------- */

struct line {
    char command[512];
    int exit_code;
    char answer[512];
};

#define ROUNDS_MAX 8

struct play {
    const struct story *story;
    const struct step *step;
    const char *at; /* where the story is */
    struct command_result results[ROUNDS_MAX];
    size_t result_count;
    struct buf said; /* what was said so far, for messages */
};

static void trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
}

static bool take_line(struct play *play, char *ret_line, size_t size)
{
    while (*play->at == ' ' || *play->at == '\n')
        play->at++;
    size_t length = strcspn(play->at, "\n");
    snprintf(ret_line, size, "%.*s", (int)length, play->at);
    play->at += length;
    trim(ret_line);
    return ret_line[0] != '\0';
}

static void line_parse(const char *text, struct line *ret_line)
{
    *ret_line = (struct line){ 0 };
    const char *bar = strstr(text, " | ");
    assert_non_null(bar);
    snprintf(ret_line->command, sizeof(ret_line->command), "%.*s", (int)(bar - text), text);
    trim(ret_line->command);
    ret_line->exit_code = atoi(bar + 3);
    bar = strstr(bar + 3, " | ");
    if (bar != NULL)
        snprintf(ret_line->answer, sizeof(ret_line->answer), "%s", bar + 3);
}

/* ---- playing it ---------------------------------------------------------------------------------------------------- */

/* The segment as the story writes it: without the panel's folder. */
static void describe(const struct segment *segment, struct buf *ret_text)
{
    CLEANUP(buf_finish) struct buf full = BUF_INIT;
    segment_describe(segment, &full);
    const char *text = buf_text(&full);
    if (strncmp(text, HESTIA_BIN, sizeof(HESTIA_BIN) - 1) == 0)
        text += sizeof(HESTIA_BIN) - 1;
    buf_add_text(ret_text, text);
}

static bool command_matches(const char *want, const char *got)
{
    size_t length = strlen(want);
    if (length >= 2 && strcmp(want + length - 2, " *") == 0)
        return strncmp(want, got, length - 1) == 0;
    return strcmp(want, got) == 0;
}

/* What holds for every segment, whatever the story: root for the panel, no secret in an argument, lists of users silent. */
static void check_segment(const struct play *play, const struct segment *segment, const char *text)
{
    bool is_panel = strncmp(segment->argv[0], HESTIA_BIN, sizeof(HESTIA_BIN) - 1) == 0;
    bool has_file = strstr(text, "{file}") != NULL;
    if (is_panel && !segment->as_root)
        fail_msg("%s: not as root: %s", play->story->name, text);
    if (!is_panel && play->step->sudo && segment->as_root)
        fail_msg("%s: sudo allows v-* only: %s", play->story->name, text);
    if (strstr(text, PASSWORD) != NULL)
        fail_msg("%s: the password is an argument", play->story->name);
    if (has_file != (segment->input_kind == INPUT_FILE && segment->input != NULL))
        fail_msg("%s: {file} and its input do not fit: %s", play->story->name, text);
    if (strncmp(text, "v-list-user ", 12) == 0 && !segment->quiet)
        fail_msg("%s: a list of users would be logged", play->story->name);
}

static bool goes_on(const struct segment *segment, int exit_code)
{
    for (unsigned i = 0; i < segment->go_on_count; i++) {
        if (segment->go_on[i] == SEGMENT_GO_ON_ANY || segment->go_on[i] == exit_code)
            return true;
    }
    return false;
}

static void play_segment(struct play *play, const struct segment *segment, struct segment_result *ret_result)
{
    char text[1024];
    struct line line;
    CLEANUP(buf_finish) struct buf got = BUF_INIT;
    CLEANUP(buf_finish) struct buf answer = BUF_INIT;
    describe(segment, &got);
    check_segment(play, segment, buf_text(&got));
    if (!take_line(play, text, sizeof(text)) || strncmp(text, "--", 2) == 0 || text[0] == '=')
        fail_msg("%s: after\n%sthe driver said:\n  %s\nthe story goes on: %s", play->story->name, buf_text(&play->said),
                 buf_text(&got), text);
    line_parse(text, &line);
    if (!command_matches(line.command, buf_text(&got)))
        fail_msg("%s: after\n%sthe driver said:\n  %s\nthe story says:\n  %s", play->story->name, buf_text(&play->said),
                 buf_text(&got), line.command);
    if (line.answer[0] != '\0')
        answer_make(play->step, line.answer, &answer);
    buf_addf(&play->said, "  %s | %d\n", line.command, line.exit_code);
    *ret_result = (struct segment_result){
        .ran = true, .exit_code = line.exit_code, .out = buf_steal(&answer), .err = xstrdup("noise\n")
    };
}

static void play_command(struct play *play, const struct command *command)
{
    char text[1024];
    struct command_result *result = &play->results[play->result_count++];
    assert_true(play->result_count < ROUNDS_MAX);
    assert_true(command->deadline_ms > 0);
    *result = (struct command_result){ .outcome = OUTCOME_ENDED, .segment_count = command->segment_count };
    result->segments = xcalloc(command->segment_count, sizeof(*result->segments));
    for (size_t i = 0; i < command->segment_count; i++) {
        play_segment(play, &command->segments[i], &result->segments[i]);
        if (!goes_on(&command->segments[i], result->segments[i].exit_code))
            break;
    }
    if (!take_line(play, text, sizeof(text)) || strcmp(text, "--") != 0)
        fail_msg("%s: after\n%sthe command ended, the story goes on: %s", play->story->name, buf_text(&play->said),
                 text);
    buf_add_text(&play->said, "  --\n");
}

static void verdict_text(const struct move *move, struct buf *ret_text)
{
    switch (move->verdict) {
    case VERDICT_NONE: buf_add_text(ret_text, "none"); break;
    case VERDICT_RESTART: buf_add_text(ret_text, "= restart"); break;
    case VERDICT_DONE:
        buf_addf(ret_text, "= done%s%s", move->changed ? " changed" : "", move->needs_reload ? " reload" : "");
        break;
    case VERDICT_RETRY: buf_addf(ret_text, "= retry %s", move->cause->id); break;
    case VERDICT_FAILED: buf_addf(ret_text, "= failed %s", move->cause->id); break;
    case VERDICT_CONFLICT: buf_addf(ret_text, "= conflict %s", move->cause->id); break;
    }
    if (move->detail[0] != '\0')
        buf_addf(ret_text, ": %s", move->detail);
}

/* A story may leave out the detail. */
static void check_verdict(struct play *play, const struct move *move)
{
    char want[1024];
    CLEANUP(buf_finish) struct buf got = BUF_INIT;
    verdict_text(move, &got);
    take_line(play, want, sizeof(want));
    size_t length = strlen(want);
    bool fits = strncmp(want, buf_text(&got), length) == 0 && (got.length == length || buf_text(&got)[length] == ':');
    if (!fits)
        fail_msg("%s: after\n%sgot\n  %s\nthe story says\n  %s", play->story->name, buf_text(&play->said),
                 buf_text(&got), want);
    if (strstr(buf_text(&got), PASSWORD) != NULL || strstr(buf_text(&got), "{BLF-CRYPT}") != NULL)
        fail_msg("%s: a secret is in the detail", play->story->name);
    if (take_line(play, want, sizeof(want)))
        fail_msg("%s: it ended, the story goes on: %s", play->story->name, want);
}

/* The same step and results give the same move: a run is replayed after a crash. */
static void check_replay(const struct play *play, const struct move *move)
{
    struct move again;
    driver_hestia.next(play->step, play->results, play->result_count, &again);
    assert_int_equal(again.verdict, move->verdict);
    assert_string_equal(again.detail, move->detail);
    assert_int_equal(again.command != NULL, move->command != NULL);
    for (size_t i = 0; move->command != NULL && i < move->command->segment_count; i++) {
        const struct segment *one = &move->command->segments[i], *other = &again.command->segments[i];
        CLEANUP(buf_finish) struct buf text = BUF_INIT;
        CLEANUP(buf_finish) struct buf text_again = BUF_INIT;
        segment_describe(one, &text);
        segment_describe(other, &text_again);
        assert_string_equal(buf_text(&text), buf_text(&text_again));
        assert_int_equal(one->input == NULL, other->input == NULL);
        if (one->input != NULL)
            assert_string_equal(one->input, other->input);
    }
    move_finish(&again);
}

void story_play_step(const struct story *story, const struct step *step)
{
    struct play play = { .story = story, .step = step, .at = story->lines };
    struct move move = { 0 };
    for (;;) {
        driver_hestia.next(step, play.results, play.result_count, &move);
        check_replay(&play, &move);
        if (move.verdict != VERDICT_NONE)
            break;
        play_command(&play, move.command);
        move_finish(&move);
    }
    check_verdict(&play, &move);
    move_finish(&move);
    for (size_t i = 0; i < play.result_count; i++)
        command_result_finish(&play.results[i]);
    buf_finish(&play.said);
}

void story_play(const struct story *story)
{
    struct step step = story_step(story->action);
    step.sudo = story->sudo;
    step.suspect = story->suspect;
    story_play_step(story, &step);
}
