/* internal.h - what the commands of the model share: one run, its exit, its words, the panel's data files.
 *
 * A run ends like a shell script: panel_exit() at any depth, panel_fail() with the panel's "Error:" line. Both jump to
 * the frame that started the run, so a handler must own nothing outside the run's arena. A command that calls another
 * one uses panel_child(); a kill ends all of them. */
#ifndef BERTH_LAB_PANEL_INTERNAL_H
#define BERTH_LAB_PANEL_INTERNAL_H

#include <setjmp.h>
#include <stdint.h>

#include "panel.h"

enum {
    E_ARGS = 1,
    E_INVALID = 2,
    E_NOTEXIST = 3,
    E_EXISTS = 4,
    E_SUSPENDED = 5,
    E_UNSUSPENDED = 6,
    E_LIMIT = 8,
    E_PASSWORD = 9,
    E_FORBIDDEN = 10,
    E_DISABLED = 11,
    E_PARSING = 12,
    E_RESTART = 20,
};

#define USERS_DIR PANEL_ROOT "/data/users"
#define PACKAGES_DIR PANEL_ROOT "/data/packages"
#define IPS_DIR PANEL_ROOT "/data/ips"
#define QUEUE_DIR PANEL_ROOT "/data/queue"
#define TEMPLATES_DIR PANEL_ROOT "/data/templates"
#define PSL_FILE PANEL_ROOT "/data/extensions/public_suffix_list.dat"
#define CONF_FILE PANEL_ROOT "/conf/hestia.conf"
#define STANDIN_FILE PANEL_ROOT "/conf/standin.conf"
#define NAMED_CONF "/etc/bind/named.conf"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define POOL_DIR "/etc/php/8.2/fpm/pool.d"
#define EXIM_DOMAINS "/etc/exim4/domains"
#define PHP_VERSION "8.2"

struct arena;
struct standin;
struct panel;

enum command_kind {
    LOOK,   /* lists and searches */
    CHANGE, /* also restarts */
};

struct panel_command {
    const char *name;
    void (*run)(struct panel *panel);
    enum command_kind kind;
    unsigned ms;         /* about how long it was seen to last on a fresh node, without what its zone adds */
    unsigned secret_arg; /* this argument is a password: masked in the log; 0: none */
    int args_min;        /* fewer: exit 1 and the usage line */
    const char *usage;   /* NULL: the command checks by itself */
};

struct panel {
    struct panel_host *host;
    const struct panel_command *command;
    int argc; /* arguments after the name, as $# */
    char *const *argv;
    const char *stdin_text;
    struct buf *out, *err;
    struct arena *arena;
    struct standin *standin;
    const char *config; /* text of hestia.conf */
    const char *root_user;
    jmp_buf end;
    int exit_code;
    bool killed;
};

/* Runs (core.c) */
_Noreturn void panel_exit(struct panel *panel, int code);
_Noreturn void panel_fail(struct panel *panel, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/** Like panel_fail, but the run goes on: the scripts print an inner command's error and ignore it. */
void panel_error(struct panel *panel, const char *format, ...) PRINTF_LIKE(2, 3);
void panel_point(struct panel *panel, const char *name);
/** Time that the real command spends here, milliseconds on a fresh node. */
void panel_work(struct panel *panel, unsigned ms);
/** Run another command; its output goes to ours, or nowhere when quiet. The last word is NULL. */
int panel_child(struct panel *panel, bool quiet, const char *name, ...);
/** v-restart-NAME with this RESTART; ends the run with E_RESTART when the service refuses. */
void panel_restart(struct panel *panel, const char *name, const char *restart);
const char *arg(const struct panel *panel, int number); /* "" when not given */
const char *arg_or(const struct panel *panel, int number, const char *fallback);
const char *config(struct panel *panel, const char *key);
bool enabled(struct panel *panel, const char *key); /* not empty and not "no" */
const char *env(struct panel *panel, const char *name);
void stamp(struct panel *panel, const char **ret_time, const char **ret_date);

/* Text in the run's memory (text.c) */
struct arena *arena_create(void);
void arena_destroy(struct arena *arena);
char *arena_take(struct arena *arena, size_t size);
char *text_copy(struct panel *panel, const char *text, size_t length);
char *text_format(struct panel *panel, const char *format, ...) PRINTF_LIKE(2, 3);
char *text_replace(struct panel *panel, const char *text, const char *from, const char *to);
char *text_lower(struct panel *panel, const char *text);
/** The buffer's text in the run's memory; the buffer is freed. */
char *text_take(struct panel *panel, struct buf *buf);
/** Walk over parts of a text: *position starts as the text; NULL at the end. Empty parts are skipped for ',', kept for
 * lines only in the middle. */
char *text_next(struct panel *panel, const char **position, char separator);
bool text_is(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/** Is word an element of the comma list? */
bool text_in_list(const char *list, const char *word);
size_t text_count_list(const char *list);                            /* as tr ',' '\n' | wc -l: 1 for "" */
const char *text_idn_ascii(struct panel *panel, const char *name);   /* "" when it cannot be */
const char *text_idn_unicode(struct panel *panel, const char *name); /* "" when it cannot be */

/* Files (data.c) */
bool file_exists(struct panel *panel, const char *path);
bool file_is_dir(struct panel *panel, const char *path);
char *file_read(struct panel *panel, const char *path); /* "" when absent */
bool file_write(struct panel *panel, const char *path, const char *text);
bool file_edit(struct panel *panel, const char *path, const char *text);
bool file_append(struct panel *panel, const char *path, const char *text);
void file_touch(struct panel *panel, const char *path);
void file_remove(struct panel *panel, const char *path);
void file_link(struct panel *panel, const char *target, const char *path); /* replaces */
void file_mode(struct panel *panel, const char *path, unsigned mode);
void file_owner(struct panel *panel, const char *path, const char *owner, const char *group);
bool dir_make(struct panel *panel, const char *path);
bool dir_make_all(struct panel *panel, const char *path);
char *dir_list(struct panel *panel, const char *path);        /* names, one per line */
char *dir_list_newest(struct panel *panel, const char *path); /* the same, newest first, as ls --sort=time */
size_t line_count(const char *text);
/** Delete the lines that contain part (as sed "/part/d"); a dot in part stands for any character, as in the panel. */
void file_delete_lines(struct panel *panel, const char *path, const char *part);
/** Delete the lines that begin with start. */
void file_delete_lines_from(struct panel *panel, const char *path, const char *start);

/* Objects: lines of KEY='value' (data.c) */
char *user_path(struct panel *panel, const char *user, const char *name);
char *home_path(struct panel *panel, const char *user, const char *name);
bool passwd_has(struct panel *panel, const char *user);
char *value_of(struct panel *panel, const char *text,
               const char *key); /* KEY='...' at the start of a word; "" if none */
char *value_set(struct panel *panel, const char *line, const char *key, const char *value);
/** All lines of D/FILE.conf with KEY='value', joined by blanks; "" when none. */
char *object_find(struct panel *panel, const char *user, const char *file, const char *key, const char *value);
/** The same, parsed: ends the run with exit 2 when a key stands twice, as a doubled line does. */
char *object_load(struct panel *panel, const char *user, const char *file, const char *key, const char *value);
void object_update(struct panel *panel, const char *user, const char *file, const char *key, const char *value,
                   const char *name, const char *new_value);
/** Values of name in the lines of FILE.conf where key='value' ("*": all), one per line. */
char *object_search(struct panel *panel, const char *user, const char *file, const char *key, const char *value,
                    const char *name);
/** Ends the run with "Invalid object format" when a key stands twice in the text. */
void object_check(struct panel *panel, const char *text);
char *user_value(struct panel *panel, const char *user, const char *key);
void user_value_set(struct panel *panel, const char *user, const char *key, const char *value);
void user_value_add(struct panel *panel, const char *user, const char *key, long count);
void user_value_subtract(struct panel *panel, const char *user, const char *key, long count);
/** The password itself, or the first line of the file that it names under /tmp/. */
char *password_read(struct panel *panel, const char *given);

/* Checks: each ends the run when it fails (check.c) */
void check_user_name(struct panel *panel, const char *user, bool is_new);
void check_domain(struct panel *panel, const char *domain, const char *what);
void check_aliases(struct panel *panel, const char *aliases);
bool ip4_is_valid(const char *ip);
void check_ip(struct panel *panel, const char *ip);
void check_number(struct panel *panel, const char *value, const char *what);
void check_boolean(struct panel *panel, const char *value, const char *what);
void check_restart(struct panel *panel, const char *value);
void check_email(struct panel *panel, const char *email);
void check_package_name(struct panel *panel, const char *package, const char *what);
void check_account(struct panel *panel, const char *account);
void check_record_name(struct panel *panel, const char *record);
void check_display_name(struct panel *panel, const char *name);
void check_shell(struct panel *panel, const char *shell);
void check_system(struct panel *panel, const char *key);
void check_user(struct panel *panel, const char *user);
void check_user_active(struct panel *panel, const char *user);
void check_object(struct panel *panel, const char *user, const char *file, const char *key, const char *value);
void check_object_active(struct panel *panel, const char *user, const char *file, const char *key, const char *value);
void check_object_suspended(struct panel *panel, const char *user, const char *file, const char *key,
                            const char *value);
void check_package(struct panel *panel, const char *package);
void check_limit(struct panel *panel, const char *user, const char *key, size_t used, bool is_new_count);
const char *shell_path(struct panel *panel, const char *shell); /* the first line of /etc/shells with that word */

/* Names and owners (domain.c) */
const char *domain_format(struct panel *panel, const char *domain);
/** Ends with E_EXISTS when the name is taken; kind: "web", "dns", "mail", or "" for another user's objects only. */
void domain_check_new(struct panel *panel, const char *user, const char *kind, const char *names);
void domain_check_base_owner(struct panel *panel, const char *user, const char *names);
void domain_check_not_ip(struct panel *panel, const char *domain);
/** Is the end of the name a public suffix of two labels, such as co.uk? Fails when there is no suffix list. */
bool domain_has_double_suffix(struct panel *panel, const char *domain);
const char *ip_for_user(struct panel *panel, const char *user, const char *ip, const char **ret_local);
const char *ip_real(struct panel *panel, const char *ip);
void ip_count(struct panel *panel, const char *local_ip, const char *user, int change);

/* Lists (list.c): fields are keys; '=' in front leaves out the blank after the colon, a tab is put before the key. */
void list_object(struct panel *panel, const char *name, const char *values, const char *const *fields, const char *end,
                 bool last);
void list_open(struct panel *panel);
void list_close(struct panel *panel);
void list_plain(struct panel *panel, const char *name, const char *values, const char *const *fields);
void list_labels(struct panel *panel, const char *name, const char *values, const char *const *fields);
void list_array(struct panel *panel, const char *format, const char *lines, const char *indent);
/** One object in the format asked for. */
void list_one(struct panel *panel, const char *format, const char *name, const char *values, const char *const *fields,
              const char *end);
/** Each line of the text, named by its key. */
void list_lines(struct panel *panel, const char *format, const char *text, const char *key, const char *const *fields,
                const char *extra);

/* Parts that several commands use */
bool zone_write(struct panel *panel, const char *user, const char *domain); /* zone file, named.conf, reload */
void zone_raise_serial(struct panel *panel, const char *user, const char *domain);
char *dkim_value(struct panel *panel, const char *user, const char *domain); /* base64 of the public key; "" without */

#define COMMANDS(name)                                                                                                 \
    extern const struct panel_command commands_##name[];                                                               \
    extern const size_t commands_##name##_count
COMMANDS(system);
COMMANDS(package);
COMMANDS(user);
COMMANDS(user_jail);
COMMANDS(user_list);
COMMANDS(user_change);
COMMANDS(web);
COMMANDS(web_change);
COMMANDS(mail);
COMMANDS(mail_account);
COMMANDS(dns);
COMMANDS(dns_record);
COMMANDS(restart);
COMMANDS(all_domains);

#endif
