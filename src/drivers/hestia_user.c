/* hestia_user.c - the two first steps of every account: its package, which is also the mark of ownership, and its user.
 */
#include "drivers/hestia.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "core/names.h"

/* ---- package ------------------------------------------------------------------------------------------------------
 */

static void package_file(const struct step *step, struct buf *ret_file)
{
    struct hestia_setting settings[HESTIA_PACKAGE_KEYS];
    hestia_package(step, settings);
    for (size_t i = 0; i < HESTIA_PACKAGE_KEYS; i++)
        buf_addf(ret_file, "%s='%s'\n", settings[i].key, settings[i].value);
}

/* The first setting that differs, or NULL. */
static const char *package_difference(const struct step *step, const struct look *look)
{
    struct hestia_setting wanted[HESTIA_PACKAGE_KEYS];
    hestia_package(step, wanted);
    for (size_t i = 0; i < HESTIA_PACKAGE_KEYS; i++) {
        if (!look_is(look, wanted[i].key, wanted[i].value))
            return wanted[i].key;
    }
    return NULL;
}

static void package_check(struct talk *talk, size_t look_index, size_t make_index)
{
    struct hestia_reply reply;
    CLEANUP(look_finish) struct look look;
    talk_reply(talk, make_index, &reply);
    look_init(&look, talk_segment(talk, look_index), talk->step->package);
    if (talk_end_look(talk, "v-list-user-package", &look))
        return;
    const char *key = look.state == LOOK_PRESENT ? package_difference(talk->step, &look) : NULL;
    if (look.state == LOOK_ABSENT)
        talk_end_reply(talk, "v-add-user-package", &reply);
    else if (key != NULL)
        move_end(talk->move, "conflict.package", "package %s keeps %s='%s' after it was written", talk->step->package,
                 key, look_text(&look, key));
    else
        talk_done(talk, true, false, "the package was written and reads as wanted");
}

void hestia_do_package(struct talk *talk)
{
    const char *package = talk->step->package;
    CLEANUP(look_finish) struct look before = { 0 };
    CLEANUP(buf_finish) struct buf file = BUF_INIT;
    package_file(talk->step, &file);

    talk_begin(talk);
    on(talk_look(talk, "v-list-user-package", package, "json", NULL), 3);
    segment_set_input(talk_make(talk, "v-add-user-package", "{file}", package, NULL), INPUT_FILE, buf_text(&file));
    talk_look(talk, "v-list-user-package", package, "json", NULL);
    if (!talk_run(talk))
        return;
    look_init(&before, talk_segment(talk, 0), package);
    if (talk_end_look(talk, "v-list-user-package", &before))
        return;
    if (before.state == LOOK_ABSENT) {
        package_check(talk, 2, 1);
        return;
    }
    if (package_difference(talk->step, &before) == NULL) {
        talk_done(talk, false, false, "the package is there as wanted");
        return;
    }
    /* The name holds our installation and service: nobody else's. A changed product is written over it. */
    talk_begin(talk);
    segment_set_input(talk_make(talk, "v-add-user-package", "{file}", package, "yes", NULL), INPUT_FILE,
                      buf_text(&file));
    talk_look(talk, "v-list-user-package", package, "json", NULL);
    if (talk_run(talk))
        package_check(talk, 1, 0);
}

/* ---- user: adding -------------------------------------------------------------------------------------------------
 */

static void add_user(struct talk *talk)
{
    const struct step *step = talk->step;
    char name[128];
    CLEANUP(buf_wipe) struct buf password = BUF_INIT;
    buf_addf(&password, "%s\n", step->password);
    hestia_clean_name(step->contact_name != NULL ? step->contact_name : "", name, sizeof(name));
    struct segment *segment =
        talk_make(talk, "v-add-user", step->user, "{file}", step->contact_email, step->package, name, NULL);
    segment_set_input(segment, INPUT_FILE, buf_text(&password));
}

static struct segment *look_user(struct talk *talk)
{
    return talk_look(talk, "v-list-user", talk->step->user, "json", NULL);
}

static bool user_is_half(const struct look *user)
{
    return user->state == LOOK_PRESENT && look_is(user, "PACKAGE", "") && look_is(user, "CONTACT", "");
}

/* After a repair: the user must be whole and ours now. */
static void user_check_rebuilt(struct talk *talk, size_t make_index, size_t look_index)
{
    struct hestia_reply reply;
    CLEANUP(look_finish) struct look user;
    talk_reply(talk, make_index, &reply);
    look_init(&user, talk_segment(talk, look_index), talk->step->user);
    if (user.state == LOOK_NOT_RUN || user.state == LOOK_ABSENT) {
        talk_end_reply(talk, "v-add-user", &reply);
    } else if (user_is_half(&user)) {
        move_end(talk->move, "panel.half-created", "user %s is half-created again: %s", talk->step->user, reply.error);
    } else if (talk_user_is_ours(talk, look_index)) {
        talk_done(talk, true, false, "the half-created user was removed and made anew");
    }
}

/* ---- user: half-created -------------------------------------------------------------------------------------------
 */

/* A half-created user carries no mark. It is taken for ours only when all of these hold, else a person decides:
 * a v-add-user of this step was cut off (in this attempt, or in one whose outcome stayed unknown); the system user, if
 * there is one, has our contact's address as its comment, which v-add-user writes first of all; our package is on the
 * node; and nobody has put anything into it: no domains in the panel, no files in the home directory but those of
 * /etc/skel. */
static bool skel_only(const struct segment_result *find)
{
    static const char *const skel[] = { ".bash_logout", ".bashrc", ".profile" };
    for (const char *line = find->out; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *slash = memrchr(line, '/', length);
        const char *file = slash != NULL ? slash + 1 : line;
        size_t file_length = length - (size_t)(file - line);
        bool is_known = length == 0;
        for (size_t i = 0; i < ARRAY_LEN(skel); i++)
            is_known = is_known || (strlen(skel[i]) == file_length && strncmp(skel[i], file, file_length) == 0);
        if (!is_known)
            return false;
        line += length + (line[length] == '\n');
    }
    return true;
}

/* The fifth field of the passwd line is the e-mail address, the sixth the home directory. */
static bool passwd_is_ours(const struct step *step, const struct segment_result *getent)
{
    CLEANUP(buf_finish) struct buf tail = BUF_INIT;
    buf_addf(&tail, ":%s:/home/%s:", step->contact_email, step->user);
    size_t user_length = strlen(step->user);
    return getent->exit_code == 0 && strncmp(getent->out, step->user, user_length) == 0 &&
           getent->out[user_length] == ':' && strstr(getent->out, buf_text(&tail)) != NULL;
}

static bool list_is_empty(const struct segment_result *segment)
{
    CLEANUP(look_finish) struct look look;
    look_init(&look, segment, NULL);
    return look.state == LOOK_PRESENT && look_count(&look) == 0;
}

static void end_half_user(struct talk *talk, const char *why, bool has_data)
{
    const char *user = talk->step->user;
    char command[200];
    if (has_data)
        snprintf(command, sizeof(command), "v-delete-user %s no", user);
    else
        snprintf(command, sizeof(command), "chattr -i /home/%s/conf; userdel -f %s; rm -rf -- /home/%s", user, user,
                 user);
    talk_end_command(talk, "conflict.user-left-over", why, command);
}

enum { SECOND_GETENT, SECOND_PACKAGE, SECOND_WEB, SECOND_MAIL, SECOND_DNS, SECOND_DATA, SECOND_HOME };

static void look_second_time(struct talk *talk)
{
    const struct step *step = talk->step;
    char home[64], data[96];
    snprintf(home, sizeof(home), "/home/%s", step->user);
    snprintf(data, sizeof(data), HESTIA_USERS "%s", step->user);
    talk_begin(talk);
    on_any(talk_look(talk, "getent", "passwd", step->user, NULL))->as_root = false;
    on_any(talk_look(talk, "v-list-user-package", step->package, "json", NULL));
    on_any(talk_look(talk, "v-list-web-domains", step->user, "json", NULL));
    on_any(talk_look(talk, "v-list-mail-domains", step->user, "json", NULL));
    on_any(talk_look(talk, "v-list-dns-domains", step->user, "json", NULL));
    if (!step->sudo) {
        on_any(talk_look(talk, "test", "-d", data, NULL));
        talk_look(talk, "find", home, "-xdev", "-type", "f", NULL);
    }
}

/* What speaks against its being ours; NULL: nothing. */
static const char *second_look_doubt(const struct talk *talk, bool has_data)
{
    if (talk_segment(talk, SECOND_PACKAGE)->exit_code != 0)
        return "our package is not on the node";
    if (has_data && !(list_is_empty(talk_segment(talk, SECOND_WEB)) && list_is_empty(talk_segment(talk, SECOND_MAIL)) &&
                      list_is_empty(talk_segment(talk, SECOND_DNS))))
        return "the half-created user has domains";
    if (talk->step->sudo)
        return has_data ? NULL : "a creation was cut off and only root can clear it away";
    if (!has_data && talk_segment(talk, SECOND_DATA)->exit_code == 0)
        return "the half-created user has a data directory";
    if (!skel_only(talk_segment(talk, SECOND_HOME)))
        return "the half-created user's home directory holds files";
    return NULL;
}

/* @return false: a command has to run first, or it ended in a conflict */
static bool half_user_is_ours(struct talk *talk, bool has_data, bool *ret_has_system_user)
{
    const struct step *step = talk->step;
    if (!talk_may_be_ours(talk)) {
        move_end(talk->move, "conflict.user", "user %s exists on the node, but not as a user of the panel", step->user);
        return false;
    }
    look_second_time(talk);
    if (!talk_run(talk))
        return false;
    const struct segment_result *getent = talk_segment(talk, SECOND_GETENT);
    *ret_has_system_user = getent->exit_code != 2;
    if (!*ret_has_system_user &&
        !has_data) /* cut off before anything was made, or a repair was cut off behind userdel */
        return true;
    if (*ret_has_system_user && !passwd_is_ours(step, getent)) {
        move_end(talk->move, "conflict.user", "system user %s was not made for this account: another address",
                 step->user);
        return false;
    }
    const char *doubt = second_look_doubt(talk, has_data);
    if (doubt != NULL)
        end_half_user(talk, doubt, has_data);
    return doubt == NULL;
}

/* States c and d of the contract: a data directory without user.conf. */
static void user_repair_data(struct talk *talk)
{
    bool has_system_user;
    if (!half_user_is_ours(talk, true, &has_system_user))
        return;
    talk_begin(talk);
    talk_make(talk, "v-delete-user", talk->step->user, "no", NULL);
    add_user(talk);
    look_user(talk);
    if (talk_run(talk))
        user_check_rebuilt(talk, 1, 2);
}

/* States a and b: a system user without a data directory. No command of the panel helps. */
static void user_repair_system(struct talk *talk)
{
    const char *user = talk->step->user;
    char home[64], conf[64];
    bool has_system_user;
    if (!half_user_is_ours(talk, false, &has_system_user))
        return;
    snprintf(home, sizeof(home), "/home/%s", user);
    snprintf(conf, sizeof(conf), "/home/%s/conf", user);
    talk_begin(talk);
    on(look_user(talk), 3); /* the last look before anything is removed */
    if (has_system_user) {
        talk_make(talk, "chattr", "-i", conf, NULL);
        talk_make(talk, "userdel", "-f", user, NULL);
        talk_make(talk, "rm", "-rf", "--", home, NULL);
    }
    add_user(talk);
    look_user(talk);
    size_t last = talk->command->segment_count - 1;
    if (talk_run(talk))
        user_check_rebuilt(talk, last - 1, last);
}

/* ---- user: there --------------------------------------------------------------------------------------------------
 */

/* user.conf holds a copy of the package's limits, made when the user was: a changed product has to be pushed. */
bool hestia_user_limits_match(const struct step *step, const struct look *user)
{
    static const char *const copied[] = { "WEB_DOMAINS",  "WEB_ALIASES",   "DNS_DOMAINS", "DNS_RECORDS",
                                          "MAIL_DOMAINS", "MAIL_ACCOUNTS", "DATABASES",   "CRON_JOBS",
                                          "DISK_QUOTA",   "BANDWIDTH",     "BACKUPS",     "BACKEND_TEMPLATE" };
    struct hestia_setting settings[HESTIA_PACKAGE_KEYS];
    hestia_package(step, settings);
    for (size_t i = 0; i < HESTIA_PACKAGE_KEYS; i++) {
        for (size_t k = 0; k < ARRAY_LEN(copied); k++) {
            if (strcmp(settings[i].key, copied[k]) == 0 && !look_is(user, copied[k], settings[i].value))
                return false;
        }
    }
    return true;
}

/* Ours and in user.conf: what may be missing is the last part of v-add-user (states e to g), or a newer package. */
static void user_complete(struct talk *talk, size_t look_index, bool is_new)
{
    const struct step *step = talk->step;
    bool is_unsure = talk_may_be_ours(talk);
    bool match;
    {
        CLEANUP(look_finish) struct look user;
        look_init(&user, talk_segment(talk, look_index), step->user);
        match = hestia_user_limits_match(step, &user);
    }
    if (!is_unsure && match) {
        talk_done(talk, is_new, false, is_new ? "the user was made" : "the user is there and ours");
        return;
    }
    struct hestia_reply reply = { 0 };
    for (unsigned round = 0; round < 2; round++) {
        talk_begin(talk);
        if (is_unsure)
            talk_make(talk, "v-add-user-sftp-jail", step->user, NULL);
        if (is_unsure || round > 0)
            talk_make(talk, "v-update-user-counters", step->user, NULL);
        if (!match)
            talk_make(talk, "v-change-user-package", step->user, step->package, NULL);
        size_t last = talk->command->segment_count;
        look_user(talk);
        if (!talk_run(talk))
            return;
        talk_reply(talk, last - 1, &reply);
        CLEANUP(look_finish) struct look user;
        look_init(&user, talk_segment(talk, last), step->user);
        if (!talk_user_is_ours(talk, last))
            return;
        if (hestia_user_limits_match(step, &user)) {
            talk_done(talk, true, false, match ? "the user was completed" : "the user got the package's new limits");
            return;
        }
        /* The panel compares with counters that drift; once they are counted anew, its refusal can be believed. */
        if (reply.answer != ANSWER_LOOK)
            break;
    }
    talk_end_reply(talk, "v-change-user-package", &reply);
}

/* A person has decided that this user becomes ours: it gets our package, which is the mark. What is in it stays, its password too.
 * Nobody decides that for an account that carries a mark already, this installation's or another's. */
static bool may_be_adopted(const struct step *step, const struct look *user)
{
    const char *package = look_text(user, "PACKAGE");
    return step->adopt && !names_package_is_mark(package) && !look_is(user, "ROLE", "admin") &&
           !look_is(user, "SUSPENDED", "yes");
}

static void user_adopt(struct talk *talk)
{
    const struct step *step = talk->step;
    struct hestia_reply reply;
    talk_begin(talk);
    talk_make(talk, "v-change-user-package", step->user, step->package, NULL);
    look_user(talk);
    if (!talk_run(talk))
        return;
    talk_reply(talk, 0, &reply);
    CLEANUP(look_finish) struct look user;
    look_init(&user, talk_segment(talk, 1), step->user);
    if (look_is(&user, "PACKAGE", step->package) && talk_user_is_ours(talk, 1))
        talk_done(talk, true, false, "the user was adopted: it has our package now");
    else
        talk_end_reply(talk, "v-change-user-package", &reply);
}

static void user_present(struct talk *talk, size_t look_index, bool is_new)
{
    CLEANUP(look_finish) struct look user;
    look_init(&user, talk_segment(talk, look_index), talk->step->user);
    if (talk_end_look(talk, "v-list-user", &user))
        return;
    if (user_is_half(&user))
        user_repair_data(talk);
    else if (may_be_adopted(talk->step, &user))
        user_adopt(talk);
    else if (talk_user_is_ours(talk, look_index))
        user_complete(talk, look_index, is_new);
}

void hestia_do_user(struct talk *talk)
{
    if (talk->step->password == NULL || talk->step->password[0] == '\0') {
        move_end(talk->move, "panel.password", "no password was handed in for user %s", talk->step->user);
        return;
    }
    talk_begin(talk);
    on(look_user(talk), 3);
    add_user(talk);
    look_user(talk);
    if (!talk_run(talk))
        return;
    CLEANUP(look_finish) struct look before;
    CLEANUP(look_finish) struct look after;
    look_init(&before, talk_segment(talk, 0), talk->step->user);
    look_init(&after, talk_segment(talk, 2), talk->step->user);
    if (talk_end_look(talk, "v-list-user", &before))
        return;
    if (before.state == LOOK_PRESENT) {
        user_present(talk, 0, false);
        return;
    }
    struct hestia_reply reply;
    talk_reply(talk, 1, &reply);
    if (after.state == LOOK_PRESENT)
        user_present(talk, 2, true);
    else if (talk_end_look(talk, "v-list-user", &after))
        return;
    else if (talk_segment(talk, 1)->exit_code == 4 || reply.is_cut)
        user_repair_system(talk);
    else
        talk_end_reply(talk, "v-add-user", &reply);
}
