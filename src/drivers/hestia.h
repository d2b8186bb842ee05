/* hestia.h - what the parts of the HestiaCP driver share: a conversation that is replayed from its results, the panel's
 * answers as data, and one function per action. Nothing outside drivers/ and its tests includes this.
 *
 * An action is written as a straight line: say a command, read its result, say the next. next() runs that line from the
 * top each time; commands whose results are there already are skipped, the first one without a result becomes the move.
 * So the same step and results always give the same move. */
#ifndef BERTH_DRIVERS_HESTIA_H
#define BERTH_DRIVERS_HESTIA_H

#include <jansson.h>

#include "base/buf.h"
#include "drivers/driver.h"

#define HESTIA_BIN "/usr/local/hestia/bin/"
#define HESTIA_USERS "/usr/local/hestia/data/users/"

/* ---- what the panel answered (hestia_reply.c) -------------------------------------------------------------------- */

enum hestia_answer {
    ANSWER_DONE,   /* it did what it was told */
    ANSWER_LOOK,   /* what really happened is seen only by looking; `cause_id` is true when the look finds nothing */
    ANSWER_RETRY,  /* may be different later */
    ANSWER_FAILED, /* will not be different later */
};

struct hestia_reply {
    enum hestia_answer answer;
    const char *cause_id; /* of the catalogue; NULL when ANSWER_DONE */
    bool is_cut;          /* the command was killed in the middle of its work */
    char error[200];      /* the panel's own words: the first "Error:" line of stdout, without data lines and secrets */
};

/** Judge a command that changes something, from its exit code and stdout alone; stderr carries noise even on success.
 */
void hestia_classify(int exit_code, const char *out, struct hestia_reply *ret_reply);

enum look_state {
    LOOK_NOT_RUN, /* an earlier segment ended the command */
    LOOK_PRESENT,
    LOOK_ABSENT,  /* exit 3 */
    LOOK_INVALID, /* exit 2: a refused argument, or a doubled line in the panel's data */
    LOOK_FAILED,  /* no answer: `cause_id` says why */
};

/* A list command's answer. */
struct look {
    enum look_state state;
    const char *cause_id; /* LOOK_FAILED, LOOK_INVALID */
    char error[200];
    json_t *root;
    json_t *object; /* borrowed from root: the object asked for, or root itself */
};

/**
 * Read the answer of a v-list-... json.
 *
 * @param name  the object's key, or NULL when the whole answer is meant (lists in the plural, templates)
 */
void look_init(struct look *look, const struct segment_result *segment, const char *name);
void look_finish(struct look *look);
const char *look_text(const struct look *look, const char *key); /* "" when it is not there; valid as long as look */
bool look_is(const struct look *look, const char *key, const char *value);
size_t look_count(const struct look *look); /* members of the object */
/** The first word of v-search-domain-owner's answer; "" when nobody has the name. @return false: no answer */
bool look_owner(const struct segment_result *segment, char *ret_user, size_t size);
/** The TXT value of v-list-mail-domain-dkim-dns without its quotes; "" when there is no key. */
void look_dkim(const struct look *look, char *ret_value, size_t size);

/** Paths on the disks that the panel's commands write to; NULL-terminated. */
extern const char *const hestia_disks[];

/* ---- the conversation (hestia_talk.c) ---------------------------------------------------------------------------- */

struct talk {
    const struct step *step;
    const struct driver_action *action;
    const struct command_result *results;
    size_t result_count;
    size_t said;                         /* commands of the line so far */
    const struct command_result *result; /* of the last command said */
    struct command *command;             /* the one being built */
    struct move *move;
    bool is_cut; /* one of our own commands in this attempt was killed in the middle of its work */
};

void talk_begin(struct talk *talk); /* a new command */
/** Add a segment that only looks; it is the last one unless on() says after which exit codes the next one runs. */
struct segment *talk_look(struct talk *talk, const char *word, ...) __attribute__((sentinel));
/** Add a segment that changes something; the next one runs whatever its exit code is, because a look follows. */
struct segment *talk_make(struct talk *talk, const char *word, ...) __attribute__((sentinel));
struct segment *on(struct segment *segment, int exit_code);
struct segment *on_any(struct segment *segment);
/** Say the command. @return true when its result is there; false: the move is to run it, the action returns */
bool talk_run(struct talk *talk);
/** A segment of the last result; never NULL. */
const struct segment_result *talk_segment(const struct talk *talk, size_t index);
/** The reply of a changing segment of the last result; notes when it was cut off. */
void talk_reply(struct talk *talk, size_t index, struct hestia_reply *ret_reply);
void talk_done(struct talk *talk, bool changed, bool needs_reload, const char *note);
/** End with what the panel answered: its cause, its own words and the command's name. */
void talk_end_reply(struct talk *talk, const char *command, const struct hestia_reply *reply);
/** The same after a look at the user, whose fault 3, 5 and 8 may be: gone, suspended, half-created. May run a command
 * first. */
void talk_end_refused(struct talk *talk, const char *command, const struct hestia_reply *reply);
/** End in a conflict that shows what a person has to run as root: the whole command line, or none of it. */
void talk_end_command(struct talk *talk, const char *cause_id, const char *why, const char *command);
/** End when the look gave no answer. @return true when it ended */
bool talk_end_look(struct talk *talk, const char *command, const struct look *look);
/**
 * Is the panel user of the step ours, complete and not suspended? The proof is the package's name. Reads segment
 * `index` of the last result, a v-list-user.
 * @return false: the move says why not
 */
bool talk_user_is_ours(struct talk *talk, size_t index);
/** May something that has no mark of its own be taken for a left-over of ours? Only after a command of ours was cut
 * off. */
bool talk_may_be_ours(const struct talk *talk);
/** Add looks for the owner of the domain and of the names above it, any exit code goes on; at most this many segments.
 */
#define OWNER_LOOKS_MAX 5
size_t talk_look_owners(struct talk *talk, const char *kind);
struct owner {
    bool is_foreign;
    char name[256]; /* the domain itself, or a name above it */
    char user[64];
};
/**
 * Read them from segment `first` on. The panel's search takes a dot for any character, so what it found is confirmed by
 * a list.
 * @return false: a command has to run first, the move is set
 */
bool talk_find_foreign_owner(struct talk *talk, size_t first, size_t count, struct owner *ret_owner);
/** End in a conflict that names the owner. Who holds the domain itself can be adopted: told as the fact "holder". */
void talk_end_owned(struct talk *talk, const char *cause_id, const struct owner *owner, const char *where);

/* ---- text (hestia_text.c) ---------------------------------------------------------------------------------------- */

/** A name for people as the panel takes it: without quotes, angle brackets, backslashes and control characters. */
void hestia_clean_name(const char *name, char *ret_name, size_t size);
/** A limit as the panel writes it: the number, or "unlimited" for -1. */
void hestia_limit(int64_t limit, char *ret_text, size_t size);
#define HESTIA_PACKAGE_KEYS 23
struct hestia_setting {
    const char *key;
    char value[64];
};
/** The settings of the account's package, in the panel's order. */
void hestia_package(const struct step *step, struct hestia_setting ret_settings[HESTIA_PACKAGE_KEYS]);
/** "PHP-8_2" for "8.2"; "default" for "". */
void hestia_backend(const char *php, char *ret_name, size_t size);

/* Zones: values stand as the panel would have stored them. */
#define ZONE_FIRST_ID 101U
/** The value without what the panel adds: for comparing. false when it cannot be written at all (a control character).
 */
bool hestia_record_value(const struct zone_record *record, struct buf *ret_value);
void hestia_record_priority(const struct zone_record *record, char *ret_text, size_t size);
bool hestia_zone_line(const struct step *step, struct buf *ret_line);
bool hestia_zone_records(const struct step *step, struct buf *ret_file);

/** Has user.conf the limits that the package wants? It holds a copy, made when the user was. */
bool hestia_user_limits_match(const struct step *step, const struct look *user);

/* ---- actions ------------------------------------------------------------------------------------------------------
 */

void hestia_do_package(struct talk *talk);
void hestia_do_user(struct talk *talk);
void hestia_do_web_domain(struct talk *talk);
void hestia_do_web_settings(struct talk *talk);
void hestia_do_web_reload(struct talk *talk);
void hestia_do_mail_domain(struct talk *talk);
void hestia_do_mail_dkim(struct talk *talk);
void hestia_do_mail_account(struct talk *talk);
void hestia_do_user_password(struct talk *talk);
void hestia_do_mailbox_password(struct talk *talk);
void hestia_do_dns_zone(struct talk *talk);
void hestia_do_preflight(struct talk *talk);

#endif
