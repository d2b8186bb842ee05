/* settings.h - what staff may change while berthd runs: one table that serves the API, berthctl, validation and the pages,
 * and one struct that the rest of the program reads. The table's rows point into the struct; a value that has passed
 * settings_set() is within its row's limits, so readers check nothing again.
 *
 * Values are written as people write them: "4 s", "90 min", "1.5 h" (a number alone counts in the row's unit), "2.5", "true",
 * a choice's word, a text. What settings_get_text() gives is the canonical form, and settings_set() takes it back.
 *
 * A row is here only when something reads it. */
#ifndef BERTH_CORE_SETTINGS_H
#define BERTH_CORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/retry.h"

#define SETTING_TEXT_MAX 255      /* bytes, the longest of all texts */
#define WORLD_LOOKS_MAX 8         /* the greatest world.looks: as many threads stand by for them */
#define SETTING_GENERAL "general" /* how RETRY_GENERAL is written */

enum ticket_channel { TICKET_CHANNEL_NONE, TICKET_CHANNEL_WHMCS, TICKET_CHANNEL_MAIL, TICKET_CHANNEL_WEBHOOK };
enum ticket_priority { TICKET_PRIORITY_LOW, TICKET_PRIORITY_MEDIUM, TICKET_PRIORITY_HIGH };

/* All texts are NUL-terminated, "" when nobody has set them. Holds secrets: wipe copies. */
struct settings {
    struct retry_policy retry;
    struct retry_policy retry_of[RETRY_CLASS_COUNT]; /* RETRY_GENERAL where a class has no value of its own */
    struct {
        int64_t connect_ms;
        int64_t silence_ms;
        int64_t command_ms;
        int channels;
    } ssh;
    struct {
        int capacity; /* 0: no limit */
        int looks;
        int breaker_failures; /* 0: its circuit never opens */
        int room_mb;          /* 0: the disks of a node are not looked at */
        int64_t probe_first_ms;
        int64_t probe_cap_ms;
    } node;
    struct {
        int name_servers; /* 0: all */
    } verify;
    struct {
        bool enabled;
        enum ticket_channel channel; /* enabled is set only with a channel that has what it needs of notify */
        int department;
        enum ticket_priority priority;
        int log_lines;
    } ticket;
    struct {
        char whmcs_url[SETTING_TEXT_MAX + 1];
        char whmcs_identifier[SETTING_TEXT_MAX + 1];
        char whmcs_secret[SETTING_TEXT_MAX + 1];
        char smtp_url[SETTING_TEXT_MAX + 1];
        char smtp_user[SETTING_TEXT_MAX + 1];
        char smtp_password[SETTING_TEXT_MAX + 1];
        char mail_from[SETTING_TEXT_MAX + 1];
        char mail_to[SETTING_TEXT_MAX + 1];
        char webhook_url[SETTING_TEXT_MAX + 1];
        char webhook_secret[SETTING_TEXT_MAX + 1];
    } notify;
    struct {
        int batch;
    } queue;
    struct {
        int64_t logs_ms, tasks_ms; /* 0: for ever */
    } history;
    struct {
        bool enabled;
        char resolvers[SETTING_TEXT_MAX + 1]; /* as resolvers_parse() takes them; "": the system's */
        int looks;
        int64_t first_ms;
        int64_t cap_ms;
    } world;
};

enum setting_type {
    SETTING_DURATION, /* int64_t, milliseconds */
    SETTING_NUMBER,   /* int */
    SETTING_DECIMAL,  /* double, at most three decimals */
    SETTING_BOOLEAN,  /* bool */
    SETTING_CHOICE,   /* an enum: the index of the word */
    SETTING_TEXT,     /* the rest: char[SETTING_TEXT_MAX + 1]; no control characters */
    SETTING_URL,      /* "" or with one of the schemes in choices; without user and password */
    SETTING_EMAIL,    /* "" or an address */
};

struct setting {
    const char *name; /* "retry.first" */
    enum setting_type type;
    const char *unit;           /* what a number alone counts in: "s", "attempts"; "" none */
    int64_t low, high;          /* DURATION milliseconds, NUMBER, DECIMAL thousandths; texts: bytes */
    const char *const *choices; /* CHOICE: the words; URL: the schemes; NULL-terminated */
    const char *preset;         /* the default, in canonical form */
    bool secret;                /* is stored sealed and never shown */
    bool general;     /* DURATION, NUMBER, DECIMAL: may be "general" (RETRY_GENERAL): as the row for all classes says */
    size_t offset;    /* of its field in struct settings */
    const char *help; /* one sentence without a final dot */
};

extern const struct setting setting_table[];
extern const size_t setting_count;
const struct setting *setting_find(const char *name); /* NULL when there is none */
const char *setting_type_name(enum setting_type type);
/** The least and the greatest value in canonical form; nothing for types that have none. */
void setting_write_low(const struct setting *setting, struct buf *buf);
void setting_write_high(const struct setting *setting, struct buf *buf);
/** "100 ms to 1 h", "0 to 1000", "none, whmcs, mail, webhook", "at most 255 bytes": for people. */
void setting_write_range(const struct setting *setting, struct buf *buf);

void settings_defaults(struct settings *settings);
/**
 * Set one value. On failure nothing is changed.
 * @param text  NULL: the default
 * @return false with ERR_INVALID: err->field is the name, the sentence says the range and does not quote secrets
 */
MUST_CHECK bool settings_set(struct settings *settings, const char *name, const char *text, struct err *err);
/** The retry policy of a class, whole. */
struct retry_policy settings_retry(const struct settings *settings, enum retry_class retry_class);
/** What several values say together (retry.first is not above retry.cap, a channel has what it needs): after all were set. */
MUST_CHECK bool settings_check(const struct settings *settings, struct err *err);
/** Append the value in canonical form; of a secret too: not for people then. */
void settings_get_text(const struct settings *settings, const struct setting *setting, struct buf *buf);
/** The field of a text, url or email. */
const char *settings_text(const struct settings *settings, const struct setting *setting);

#endif
