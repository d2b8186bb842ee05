/* cmd_user.c - v-add-user, v-delete-user, and suspension. */
#include <string.h>

#include "internal.h"

#define RESERVED "aria aria_log mysql mysql_upgrade ib ib_buffer ddl ddl_recovery performance sudo"

static void check_user_free(struct panel *panel, const char *user)
{
    const char *names = RESERVED;
    for (const char *name; (name = text_next(panel, &names, ' ')) != NULL;) {
        if (text_is(text_lower(panel, user), name))
            panel_fail(panel, E_INVALID,
                       "The user name '%s' is reserved and cannot be used. List of reserved names: " RESERVED, user);
    }
    if (passwd_has(panel, user) || file_exists(panel, user_path(panel, user, "")))
        panel_fail(panel, E_EXISTS, "user %s exists", user);
}

static void home_make(struct panel *panel, const char *user, const char *name, unsigned mode, const char *owner,
                      const char *group)
{
    const char *path = home_path(panel, user, name);
    dir_make(panel, path);
    if (mode != 0)
        file_mode(panel, path, mode);
    file_owner(panel, path, owner, group);
}

/* Folders without a mode of their own get what the umask of the caller leaves: with 077 nobody can enter them. */
static void make_home(struct panel *panel, const char *user)
{
    static const char *const own[] = { ".config",        ".cache", ".local", ".composer",
                                       ".vscode-server", ".ssh",   ".npm",   ".wp-cli" };
    home_make(panel, user, "conf", 0, "root", "root");
    if (enabled(panel, "WEB_SYSTEM")) {
        home_make(panel, user, "conf/web", 0751, "root", "root");
        home_make(panel, user, "web", 0, "root", user);
        home_make(panel, user, "tmp", 0700, user, user);
    }
    if (enabled(panel, "MAIL_SYSTEM")) {
        home_make(panel, user, "conf/mail", 0755, "root", "root");
        home_make(panel, user, "mail", 0751, "root", "root");
    }
    if (enabled(panel, "DNS_SYSTEM"))
        home_make(panel, user, "conf/dns", 0771, "root", "bind");
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        home_make(panel, user, own[i], 0, user, user);
    file_mode(panel, home_path(panel, user, ""), 0755);
    panel->host->ops->set_immutable(panel->host, home_path(panel, user, "conf"), true);
}

static void make_data(struct panel *panel, const char *user)
{
    static const char *const folders[] = { "", "ssl", "dns", "mail" };
    static const char *const files[] = { "backup.conf", "history.log", "stats.log", "web.conf",
                                         "dns.conf",    "mail.conf",   "db.conf",   "cron.conf" };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        dir_make(panel, user_path(panel, user, folders[i]));
        file_mode(panel, user_path(panel, user, folders[i]), 0770);
    }
    panel_point(panel, "user-c");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        file_touch(panel, user_path(panel, user, files[i]));
        file_mode(panel, user_path(panel, user, files[i]), 0660);
    }
    file_append(panel, QUEUE_DIR "/disk.pipe", text_format(panel, PANEL_BIN "/v-update-user-disk %s\n", user));
    if (enabled(panel, "WEB_SYSTEM"))
        file_append(panel, QUEUE_DIR "/traffic.pipe",
                    text_format(panel, PANEL_BIN "/v-update-web-domains-traff %s\n", user));
}

static const char *count_shared_ips(struct panel *panel)
{
    size_t count = 0;
    const char *position = dir_list(panel, IPS_DIR);
    for (const char *ip; (ip = text_next(panel, &position, '\n')) != NULL;) {
        const char *text = file_read(panel, text_format(panel, IPS_DIR "/%s", ip));
        count += strstr(text, "STATUS='shared'") != NULL;
    }
    return text_format(panel, "%zu", count);
}

static const char *shadow_hash(struct panel *panel, const char *user)
{
    const char *position = file_read(panel, "/etc/shadow"), *start = text_format(panel, "%s:", user);
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (text_starts(line, start))
            return text_copy(panel, line + strlen(start), strcspn(line + strlen(start), ":"));
    }
    return "";
}

static void write_user_conf(struct panel *panel, const char *user, const char *name, const char *package,
                            const char *email)
{
    static const char *const zeros[] = {
        "SUSPENDED_USERS", "SUSPENDED_WEB", "SUSPENDED_DNS", "SUSPENDED_MAIL", "SUSPENDED_DB", "SUSPENDED_CRON",
    };
    static const char *const counters[] = {
        "IP_OWNED",        "U_USERS",       "U_DISK",        "U_DISK_DIRS",    "U_DISK_WEB",
        "U_DISK_MAIL",     "U_DISK_DB",     "U_BANDWIDTH",   "U_WEB_DOMAINS",  "U_WEB_SSL",
        "U_WEB_ALIASES",   "U_DNS_DOMAINS", "U_DNS_RECORDS", "U_MAIL_DOMAINS", "U_MAIL_DKIM",
        "U_MAIL_ACCOUNTS", "U_MAIL_SSL",    "U_DATABASES",   "U_CRON_JOBS",    "U_BACKUPS",
    };
    const char *position = file_read(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package)), *time, *date;
    stamp(panel, &time, &date);
    char key[17];
    panel->host->ops->random_text(panel->host, 16, key);
    struct buf text = BUF_INIT;
    buf_addf(&text, "NAME='%s'\nPACKAGE='%s'\n", name, package);
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (*line != '\0' && strstr(line, "TIME") == NULL && strstr(line, "DATE") == NULL)
            buf_addf(&text, "%s\n", line);
    }
    buf_addf(&text,
             "CONTACT='%s'\nCRON_REPORTS='yes'\nMD5='%s'\nRKEY='%s'\nTWOFA=''\nQRCODE=''\nPHPCLI=''\n"
             "ROLE='user'\nSUSPENDED='no'\n",
             email, shadow_hash(panel, user), key);
    for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
        buf_addf(&text, "%s='0'\n", zeros[i]);
    buf_addf(&text, "IP_AVAIL='%s'\n", count_shared_ips(panel));
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        buf_addf(&text, "%s='0'\n", counters[i]);
    buf_addf(&text,
             "LANGUAGE=''\nTHEME=''\nNOTIFICATIONS='no'\nPREF_UI_SORT='name'\nLOGIN_DISABLED='no'\n"
             "LOGIN_USE_IPLIST='no'\nLOGIN_ALLOW_IPS=''\nTIME='%s'\nDATE='%s'\n",
             time, date);
    const char *path = user_path(panel, user, "user.conf");
    file_write(panel, path, text_take(panel, &text));
    file_mode(panel, path, 0660);
}

static void run_add(struct panel *panel)
{
    const char *user = arg(panel, 1), *email = arg(panel, 3), *package = arg_or(panel, 4, "default");
    const char *name = arg(panel, 5);
    if (*arg(panel, 6) != '\0')
        name = text_format(panel, "%s %s", name, arg(panel, 6));
    struct panel_host *host = panel->host;
    check_user_name(panel, user, true);
    check_email(panel, email);
    check_package_name(panel, package, "package");
    check_display_name(panel, name);
    check_user_free(panel, user);
    const char *password = password_read(panel, arg(panel, 2));
    check_package(panel, package);
    panel_work(panel, 50);
    const char *shell = value_of(panel, file_read(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package)), "SHELL");
    if (!host->ops->user_add(host, user, shell_path(panel, shell), email))
        panel_fail(panel, E_INVALID, "user creation failed");
    panel_work(panel, 40);
    panel_point(panel, "user-a");
    if (!host->ops->user_set_password(host, user, password)) {
        host->ops->user_delete(host, user); /* its home directory stays */
        panel_fail(panel, E_INVALID, "Password not accepted due to PAM restrictions");
    }
    panel_work(panel, 50);
    panel_point(panel, "user-b");
    make_home(panel, user);
    panel_work(panel, 30);
    panel_point(panel, "user-r2");
    make_data(panel, user);
    panel_work(panel, 20);
    panel_point(panel, "user-d");
    write_user_conf(panel, user, name, package, email);
    panel_work(panel, 20);
    panel_point(panel, "user-e");
    user_value_add(panel, panel->root_user, "U_USERS", 1);
    panel_point(panel, "user-f");
    panel_child(panel, false, "v-add-user-sftp-jail", user, NULL);
    panel_work(panel, 300);
    panel_point(panel, "user-g");
    panel_work(panel, 40);
}

/* Call a command for each line of names. */
static void for_each(struct panel *panel, const char *names, const char *command, const char *user, const char *restart)
{
    for (const char *name; (name = text_next(panel, &names, '\n')) != NULL;)
        panel_child(panel, false, command, user, name, restart, NULL);
}

static void delete_domains(struct panel *panel, const char *user, const char *kind)
{
    const char *suspended = object_search(panel, user, kind, "SUSPENDED", "yes", "DOMAIN");
    for_each(panel, suspended, text_format(panel, "v-unsuspend-%s-domain", kind), user, "no");
    const char *names = object_search(panel, user, kind, "SUSPENDED", "no", "DOMAIN");
    for_each(panel, names, text_format(panel, "v-delete-%s-domain", kind), user, "no");
    panel_work(panel, 150);
}

static void run_delete(struct panel *panel)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    struct panel_host *host = panel->host;
    check_user_name(panel, user, false);
    check_restart(panel, restart);
    check_user(panel, user);
    if (text_is(user, panel->root_user))
        return;
    if (enabled(panel, "WEB_SYSTEM"))
        delete_domains(panel, user, "web");
    panel_point(panel, "del-a");
    if (enabled(panel, "DNS_SYSTEM"))
        delete_domains(panel, user, "dns");
    if (enabled(panel, "MAIL_SYSTEM"))
        delete_domains(panel, user, "mail");
    panel_child(panel, false, "v-unsuspend-user", user, NULL);
    file_delete_lines_from(panel, QUEUE_DIR "/disk.pipe", text_format(panel, PANEL_BIN "/v-update-user-disk %s", user));
    file_delete_lines_from(panel, QUEUE_DIR "/traffic.pipe",
                           text_format(panel, PANEL_BIN "/v-update-web-domains-traff %s", user));
    panel_child(panel, false, "v-delete-user-sftp-jail", user, NULL);
    panel_work(panel, 500);
    panel_point(panel, "del-b");
    host->ops->user_delete(host, user);
    panel_work(panel, 100);
    panel_point(panel, "del-c");
    host->ops->set_immutable(host, home_path(panel, user, "conf"), false);
    host->ops->remove_tree(host, home_path(panel, user, ""));
    panel_work(panel, 50);
    panel_point(panel, "del-d");
    host->ops->remove_tree(host, user_path(panel, user, ""));
    panel_point(panel, "del-e");
    user_value_subtract(panel, panel->root_user, "U_USERS", 1);
    panel_work(panel, 50);
}

static void lock_user(struct panel *panel, const char *user, bool lock)
{
    if (!panel->host->ops->user_lock(panel->host, user, lock))
        buf_addf(panel->err, "usermod: user '%s' does not exist\n", user);
}

static void restart_all(struct panel *panel, const char *restart)
{
    panel_restart(panel, "web", restart);
    panel_restart(panel, "proxy", restart);
    panel_restart(panel, "dns", restart);
}

static void suspend_domains(struct panel *panel, const char *user, const char *kind, const char *verb, const char *from)
{
    for_each(panel, object_search(panel, user, kind, "SUSPENDED", from, "DOMAIN"),
             text_format(panel, "v-%s-%s-domain", verb, kind), user, "no");
}

static void run_suspend(struct panel *panel)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    check_user_name(panel, user, false);
    check_restart(panel, restart);
    check_user(panel, user);
    check_user_active(panel, user);
    if (text_is(user, panel->root_user))
        return;
    lock_user(panel, user, true);
    panel_work(panel, 100);
    if (enabled(panel, "WEB_SYSTEM"))
        suspend_domains(panel, user, "web", "suspend", "no");
    panel_point(panel, "susp");
    if (enabled(panel, "MAIL_SYSTEM"))
        suspend_domains(panel, user, "mail", "suspend", "no");
    if (enabled(panel, "DNS_SYSTEM"))
        suspend_domains(panel, user, "dns", "suspend", "no");
    restart_all(panel, restart);
    user_value_set(panel, user, "SUSPENDED", "yes");
    user_value_add(panel, panel->root_user, "SUSPENDED_USERS", 1);
    panel_work(panel, 400);
}

static void run_unsuspend(struct panel *panel)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    check_user_name(panel, user, false);
    check_restart(panel, restart);
    check_user(panel, user);
    if (text_is(user, panel->root_user))
        return;
    lock_user(panel, user, false);
    user_value_set(panel, user, "SUSPENDED", "no");
    user_value_subtract(panel, panel->root_user, "SUSPENDED_USERS", 1);
    panel_work(panel, 100);
    if (enabled(panel, "WEB_SYSTEM"))
        suspend_domains(panel, user, "web", "unsuspend", "yes");
    if (enabled(panel, "DNS_SYSTEM"))
        suspend_domains(panel, user, "dns", "unsuspend", "yes");
    if (enabled(panel, "MAIL_SYSTEM"))
        suspend_domains(panel, user, "mail", "unsuspend", "yes");
    restart_all(panel, restart);
    panel_work(panel, 400);
}

const struct panel_command commands_user[] = {
    { "v-add-user", run_add, CHANGE, 550, 2, 3, "USER PASSWORD EMAIL [PACKAGE] [NAME] " },
    { "v-delete-user", run_delete, CHANGE, 1500, 0, 1, "USER [RESTART]" },
    { "v-suspend-user", run_suspend, CHANGE, 500, 0, 1, "USER [RESTART]" },
    { "v-unsuspend-user", run_unsuspend, CHANGE, 500, 0, 1, "USER [RESTART]" },
};
const size_t commands_user_count = ARRAY_LEN(commands_user);
