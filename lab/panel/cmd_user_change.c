/* cmd_user_change.c - what changes on a user that exists: package, password, contact, shell, counters, rebuild. */
#include <string.h>

#include "internal.h"

static void check_covers(struct panel *panel, const char *user, const char *package)
{
    /* MAIL_DOMAINS is missing on purpose: the panel's own test for it never fires. */
    static const struct {
        const char *limit, *used, *label;
    } limits[] = {
        { "WEB_DOMAINS", "U_WEB_DOMAINS", "WEB_DOMAIN" },
        { "DNS_DOMAINS", "U_DNS_DOMAINS", "DNS_DOMAIN" },
        { "DATABASES", "U_DATABASES", "DATABASE" },
        { "CRON_JOBS", "U_CRON_JOBS", "CRON" },
        { "DISK_QUOTA", "U_DISK", "DISK" },
        { "BANDWIDTH", "U_BANDWIDTH", "BANDWIDTH" },
    };
    const char *text = file_read(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package));
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        const char *limit = value_of(panel, text, limits[i].limit);
        if (!text_is(limit, "unlimited") && atol(limit) < atol(user_value(panel, user, limits[i].used)))
            panel_fail(panel, E_LIMIT, "Package doesn't cover %s usage", limits[i].label);
    }
}

/* The package's lines replace the old package's ones; everything else of user.conf stays. */
static void copy_package(struct panel *panel, const char *user, const char *package)
{
    const char *path = user_path(panel, user, "user.conf"), *old = file_read(panel, path), *position = old;
    const char *values = file_read(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package)), *lines = values;
    struct buf text = BUF_INIT;
    buf_addf(&text, "NAME='%s'\nPACKAGE='%s'\n", value_of(panel, old, "NAME"), package);
    for (const char *line; (line = text_next(panel, &lines, '\n')) != NULL;) {
        if (*line != '\0' && !text_starts(line, "TIME=") && !text_starts(line, "DATE="))
            buf_addf(&text, "%s\n", line);
    }
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        const char *start = text_copy(panel, line, strcspn(line, "'"));
        bool is_own = text_starts(line, "TIME=") || text_starts(line, "DATE=");
        bool is_replaced = text_starts(line, "NAME=") || text_starts(line, "PACKAGE=") || text_starts(values, start) ||
                           strstr(values, text_format(panel, "\n%s", start)) != NULL;
        if (is_own || !is_replaced)
            buf_addf(&text, "%s\n", line);
    }
    file_edit(panel, path, text_take(panel, &text));
}

static void run_package(struct panel *panel)
{
    const char *user = arg(panel, 1), *package = arg(panel, 2);
    check_user_name(panel, user, false);
    check_package_name(panel, package, "package");
    check_user(panel, user);
    check_package(panel, package);
    if (!text_is(arg(panel, 3), "yes"))
        check_covers(panel, user, package);
    panel_work(panel, 100);
    copy_package(panel, user, package);
    const char *text = file_read(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package));
    panel_child(panel, false, "v-change-user-shell", user, value_of(panel, text, "SHELL"), NULL);
    panel_work(panel, 50);
}

static void run_password(struct panel *panel)
{
    const char *user = arg(panel, 1), *password = arg(panel, 2);
    check_user_name(panel, user, false);
    check_user(panel, user);
    check_user_active(panel, user);
    if (*password == '\0' && panel->stdin_text != NULL)
        password = text_copy(panel, panel->stdin_text, strcspn(panel->stdin_text, "\n"));
    password = password_read(panel, password);
    panel_work(panel, 100);
    if (!panel->host->ops->user_set_password(panel->host, user, password))
        panel_fail(panel, E_INVALID, "Password not accepted due to PAM restrictions");
    char key[17];
    panel->host->ops->random_text(panel->host, 16, key);
    user_value_set(panel, user, "RKEY", key);
    panel_work(panel, 70);
}

static void run_check_password(struct panel *panel)
{
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    const char *password = password_read(panel, arg(panel, 2));
    bool is_user = *user != '\0' && file_is_dir(panel, user_path(panel, user, ""));
    if (is_user && *password != '\0' && panel->host->ops->user_check_password(panel->host, user, password))
        return;
    panel_fail(panel, E_PASSWORD, "password missmatch");
}

static void run_contact(struct panel *panel)
{
    const char *user = arg(panel, 1), *email = arg(panel, 2);
    check_user_name(panel, user, false);
    check_email(panel, email);
    check_user(panel, user);
    check_user_active(panel, user);
    panel_work(panel, 100);
    const char *old = user_value(panel, user, "CONTACT"), *position = file_read(panel, "/etc/passwd");
    const char *start = text_format(panel, "%s:", user);
    user_value_set(panel, user, "CONTACT", email);
    struct buf text = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;)
        buf_addf(&text, "%s\n", text_starts(line, start) ? text_replace(panel, line, old, email) : line);
    file_edit(panel, "/etc/passwd", text_take(panel, &text));
    panel_work(panel, 90);
}

static void run_shell(struct panel *panel)
{
    const char *user = arg(panel, 1), *shell = arg(panel, 2);
    check_user_name(panel, user, false);
    check_shell(panel, shell);
    check_user(panel, user);
    check_user_active(panel, user);
    const char *path = shell_path(panel, shell), *slash = strrchr(path, '/');
    shell = slash == NULL ? path : slash + 1;
    panel->host->ops->user_set_shell(panel->host, user, path);
    bool is_closed = strstr(shell, "nologin") != NULL;
    panel_child(panel, true, is_closed ? "v-add-user-sftp-jail" : "v-delete-user-sftp-jail", user, NULL);
    user_value_set(panel, user, "SHELL", shell);
    panel_work(panel, 100);
}

static void set_count(struct panel *panel, const char *user, const char *key, size_t count)
{
    user_value_set(panel, user, key, text_format(panel, "%zu", count));
}

static void count_web(struct panel *panel, const char *user)
{
    size_t domains = 0, ssl = 0, suspended = 0, aliases = 0;
    const char *position = file_read(panel, user_path(panel, user, "web.conf"));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL; domains++) {
        const char *alias = value_of(panel, line, "ALIAS");
        ssl += text_is(value_of(panel, line, "SSL"), "yes");
        suspended += text_is(value_of(panel, line, "SUSPENDED"), "yes");
        aliases += *alias == '\0' ? 0 : text_count_list(alias);
    }
    set_count(panel, user, "U_WEB_DOMAINS", domains);
    set_count(panel, user, "U_WEB_SSL", ssl);
    set_count(panel, user, "U_WEB_ALIASES", aliases);
    set_count(panel, user, "SUSPENDED_WEB", suspended);
}

static void count_dns(struct panel *panel, const char *user)
{
    size_t domains = 0, records = 0, suspended = 0;
    const char *position = file_read(panel, user_path(panel, user, "dns.conf"));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL; domains++) {
        const char *domain = value_of(panel, line, "DOMAIN");
        size_t count = line_count(file_read(panel, text_format(panel, USERS_DIR "/%s/dns/%s.conf", user, domain)));
        records += count;
        suspended += text_is(value_of(panel, line, "SUSPENDED"), "yes");
        object_update(panel, user, "dns", "DOMAIN", domain, "RECORDS", text_format(panel, "%zu", count));
    }
    set_count(panel, user, "U_DNS_DOMAINS", domains);
    set_count(panel, user, "U_DNS_RECORDS", records);
    set_count(panel, user, "SUSPENDED_DNS", suspended);
}

static void count_mail(struct panel *panel, const char *user)
{
    size_t domains = 0, accounts = 0, dkim = 0, suspended = 0;
    const char *position = file_read(panel, user_path(panel, user, "mail.conf"));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL; domains++) {
        const char *domain = value_of(panel, line, "DOMAIN");
        size_t count = line_count(file_read(panel, text_format(panel, USERS_DIR "/%s/mail/%s.conf", user, domain)));
        accounts += count;
        dkim += text_is(value_of(panel, line, "DKIM"), "yes");
        suspended += text_is(value_of(panel, line, "SUSPENDED"), "yes");
        object_update(panel, user, "mail", "DOMAIN", domain, "ACCOUNTS", text_format(panel, "%zu", count));
    }
    set_count(panel, user, "U_MAIL_DOMAINS", domains);
    set_count(panel, user, "U_MAIL_DKIM", dkim);
    set_count(panel, user, "U_MAIL_ACCOUNTS", accounts);
    set_count(panel, user, "SUSPENDED_MAIL", suspended);
}

static void count_users(struct panel *panel, const char *user)
{
    size_t users = 0, suspended = 0;
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *name; (name = text_next(panel, &position, '\n')) != NULL;) {
        const char *text = file_read(panel, user_path(panel, name, "user.conf"));
        users += *text != '\0';
        suspended += strstr(text, "\nSUSPENDED='yes'") != NULL;
    }
    bool is_root = text_is(user, panel->root_user);
    set_count(panel, user, "U_USERS", is_root ? users : 0);
    set_count(panel, user, "SUSPENDED_USERS", is_root ? suspended : 0);
}

static void run_counters(struct panel *panel)
{
    const char *user = arg(panel, 1), *users = text_format(panel, "%s\n", user);
    check_user_name(panel, user, false);
    if (*user == '\0')
        users = dir_list(panel, USERS_DIR);
    else
        check_user(panel, user);
    for (const char *name; (name = text_next(panel, &users, '\n')) != NULL;) {
        panel_work(panel, panel->command->ms);
        count_users(panel, name);
        count_web(panel, name);
        count_dns(panel, name);
        count_mail(panel, name);
    }
}

static void rebuild_dir(struct panel *panel, const char *user, const char *name, unsigned mode, const char *owner,
                        const char *group)
{
    const char *path = text_format(panel, "/home/%s/%s", user, name);
    dir_make(panel, path);
    if (mode != 0)
        file_mode(panel, path, mode);
    file_owner(panel, path, owner, group);
}

static void run_rebuild(struct panel *panel)
{
    static const char *const own[] = { ".config",        ".cache", ".local", ".composer",
                                       ".vscode-server", ".ssh",   ".npm",   ".wp-cli" };
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_restart(panel, arg(panel, 2));
    check_user(panel, user);
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        return;
    panel_work(panel, 300);
    struct panel_host *host = panel->host;
    const char *conf = text_format(panel, "/home/%s/conf", user);
    const char *shell = shell_path(panel, user_value(panel, user, "SHELL"));
    host->ops->user_add(host, user, shell, user_value(panel, user, "CONTACT")); /* fails when it exists */
    host->ops->set_immutable(host, conf, false);
    dir_make(panel, conf);
    struct panel_stat stat = { .mode = 0755 };
    host->ops->stat(host, conf, &stat);
    file_mode(panel, conf, stat.mode | 0111);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        rebuild_dir(panel, user, own[i], 0, user, user);
    panel_child(panel, false, "v-add-user-sftp-jail", user, NULL);
    if (enabled(panel, "WEB_SYSTEM")) {
        rebuild_dir(panel, user, "conf/web", 0751, "root", "root");
        rebuild_dir(panel, user, "web", 0751, "root", user);
        rebuild_dir(panel, user, "tmp", 0771, user, user);
    }
    if (enabled(panel, "DNS_SYSTEM"))
        rebuild_dir(panel, user, "conf/dns", 0771, "bind", "bind");
    if (enabled(panel, "MAIL_SYSTEM")) {
        rebuild_dir(panel, user, "mail", 0751, "root", "root");
        rebuild_dir(panel, user, "conf/mail", 0751, "root", "root");
    }
    host->ops->set_immutable(host, conf, true);
    panel_child(panel, false, "v-update-user-counters", user, NULL);
}

static void run_value(struct panel *panel)
{
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_user(panel, user);
    char *key = text_copy(panel, arg(panel, 2), strlen(arg(panel, 2)));
    for (char *c = key; *c != '\0'; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    buf_addf(panel->out, "%s\n", user_value(panel, user, key));
}

static void run_ns(struct panel *panel)
{
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_user(panel, user);
    const char *servers = user_value(panel, user, "NS");
    struct buf lines = BUF_INIT;
    for (const char *ns; (ns = text_next(panel, &servers, ',')) != NULL;)
        buf_addf(&lines, "%s\n", ns);
    list_array(panel, arg_or(panel, 2, "shell"), text_take(panel, &lines), "\t");
}

const struct panel_command commands_user_change[] = {
    { "v-change-user-package", run_package, CHANGE, 250, 0, 2, "USER PACKAGE [FORCE]" },
    { "v-change-user-password", run_password, CHANGE, 170, 2, 1, "USER [PASSWORD]" },
    { "v-check-user-password", run_check_password, LOOK, 80, 2, 2, "USER PASSWORD [IP] [RETURN_HASH]" },
    { "v-change-user-contact", run_contact, CHANGE, 190, 0, 2, "USER EMAIL" },
    { "v-change-user-shell", run_shell, CHANGE, 100, 0, 2, "USER SHELL" },
    { "v-update-user-counters", run_counters, CHANGE, 850, 0, 0, NULL },
    { "v-rebuild-user", run_rebuild, CHANGE, 1200, 0, 1, "USER [RESTART]" },
    { "v-get-user-value", run_value, LOOK, 40, 0, 2, "USER KEY" },
    { "v-list-user-ns", run_ns, LOOK, 24, 0, 1, "USER [FORMAT]" },
};
const size_t commands_user_change_count = ARRAY_LEN(commands_user_change);
