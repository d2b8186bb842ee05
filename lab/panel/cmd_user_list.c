/* cmd_user_list.c - the lists of users. */
#include <string.h>

#include "internal.h"

static const char *const user_fields[] = {
    "NAME",
    "PACKAGE",
    "WEB_TEMPLATE",
    "BACKEND_TEMPLATE",
    "PROXY_TEMPLATE",
    "DNS_TEMPLATE",
    "WEB_DOMAINS",
    "WEB_ALIASES",
    "DNS_DOMAINS",
    "DNS_RECORDS",
    "MAIL_DOMAINS",
    "MAIL_ACCOUNTS",
    "DATABASES",
    "CRON_JOBS",
    "DISK_QUOTA",
    "BANDWIDTH",
    "HOME",
    "NS",
    "SHELL",
    "BACKUPS",
    "CONTACT",
    "CRON_REPORTS",
    "RKEY",
    "TWOFA",
    "QRCODE",
    "ROLE",
    "SUSPENDED",
    "SUSPENDED_USERS",
    "SUSPENDED_WEB",
    "SUSPENDED_DNS",
    "SUSPENDED_MAIL",
    "SUSPENDED_DB",
    "SUSPENDED_CRON",
    "IP_AVAIL",
    "IP_OWNED",
    "U_USERS",
    "U_DISK",
    "U_DISK_DIRS",
    "U_DISK_WEB",
    "U_DISK_MAIL",
    "U_DISK_DB",
    "U_BANDWIDTH",
    "U_WEB_DOMAINS",
    "U_WEB_SSL",
    "U_WEB_ALIASES",
    "U_DNS_DOMAINS",
    "U_DNS_RECORDS",
    "U_MAIL_DOMAINS",
    "U_MAIL_DKIM",
    "U_MAIL_ACCOUNTS",
    "U_DATABASES",
    "U_CRON_JOBS",
    "U_BACKUPS",
    "BACKUPS_INCREMENTAL",
    "LANGUAGE",
    "THEME",
    "NOTIFICATIONS",
    "PREF_UI_SORT",
    "LOGIN_DISABLED",
    "LOGIN_USE_IPLIST",
    "LOGIN_ALLOW_IPS",
    "PHPCLI",
    "TIME",
    "DATE",
    NULL,
};
static const char *const users_fields[] = {
    "NAME",
    "PACKAGE",
    "WEB_TEMPLATE",
    "BACKEND_TEMPLATE",
    "PROXY_TEMPLATE",
    "DNS_TEMPLATE",
    "WEB_DOMAINS",
    "WEB_ALIASES",
    "DNS_DOMAINS",
    "DNS_RECORDS",
    "MAIL_DOMAINS",
    "MAIL_ACCOUNTS",
    "DATABASES",
    "CRON_JOBS",
    "DISK_QUOTA",
    "CPU_QUOTA",
    "CPU_QUOTA_PERIOD",
    "MEMORY_LIMIT",
    "SWAP_LIMIT",
    "BANDWIDTH",
    "NS",
    "SHELL",
    "BACKUPS",
    "CONTACT",
    "CRON_REPORTS",
    "RKEY",
    "ROLE",
    "SUSPENDED",
    "SUSPENDED_USERS",
    "SUSPENDED_WEB",
    "SUSPENDED_DNS",
    "SUSPENDED_MAIL",
    "SUSPENDED_DB",
    "SUSPENDED_CRON",
    "IP_AVAIL",
    "IP_OWNED",
    "U_USERS",
    "U_DISK",
    "U_DISK_DIRS",
    "U_DISK_WEB",
    "U_DISK_MAIL",
    "U_DISK_DB",
    "U_BANDWIDTH",
    "U_WEB_DOMAINS",
    "U_WEB_SSL",
    "U_WEB_ALIASES",
    "U_DNS_DOMAINS",
    "U_DNS_RECORDS",
    "U_MAIL_DOMAINS",
    "U_MAIL_DKIM",
    "U_MAIL_ACCOUNTS",
    "U_DATABASES",
    "U_CRON_JOBS",
    "U_BACKUPS",
    "LANGUAGE",
    "TIME",
    "DATE",
    NULL,
};

static void run_list(struct panel *panel)
{
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_user(panel, user);
    const char *text = file_read(panel, user_path(panel, user, "user.conf"));
    /* Two values are the root user's. Without user.conf some names keep what the shell and hestia.conf gave them. */
    const char *ours = text_format(panel, "HOME='/home/%s' U_USERS='%s' SUSPENDED_USERS='%s'", user,
                                   user_value(panel, panel->root_user, "U_USERS"),
                                   user_value(panel, panel->root_user, "SUSPENDED_USERS"));
    const char *values = text_format(panel, "%s %s", ours, text);
    if (*text == '\0') {
        buf_addf(panel->err, PANEL_ROOT "/func/main.sh: line 36: " USERS_DIR "/%s/user.conf: No such file\n", user);
        values = text_format(panel, "%s DISK_QUOTA='%s' SHELL='%s' LANGUAGE='%s' THEME='%s'", ours,
                             config(panel, "DISK_QUOTA"), env(panel, "SHELL"), config(panel, "LANGUAGE"),
                             config(panel, "THEME"));
    }
    list_one(panel, arg_or(panel, 2, "shell"), user, values, user_fields, "        }");
}

/* Accounts with an @ in their passwd line that have a user.conf, one per line. */
static const char *all_users(struct panel *panel)
{
    struct buf users = BUF_INIT;
    const char *position = file_read(panel, "/etc/passwd");
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        const char *user = text_copy(panel, line, strcspn(line, ":"));
        if (strchr(line, '@') != NULL && file_exists(panel, user_path(panel, user, "user.conf")))
            buf_addf(&users, "%s\n", user);
    }
    return text_take(panel, &users);
}

static void run_list_all(struct panel *panel)
{
    const char *format = arg_or(panel, 1, "shell"), *users = all_users(panel);
    if (text_is(format, "list")) {
        buf_add_text(panel->out, users);
        return;
    }
    bool is_json = text_is(format, "json"), is_first = true;
    if (is_json)
        list_open(panel);
    for (const char *user; (user = text_next(panel, &users, '\n')) != NULL; is_first = false) {
        const char *text = file_read(panel, user_path(panel, user, "user.conf"));
        if (is_json && !is_first)
            buf_add_text(panel->out, ",\n");
        if (is_json)
            list_object(panel, user, text, users_fields, "        }", true);
        else
            list_plain(panel, user, text, users_fields);
    }
    if (is_json)
        list_close(panel);
}

static void run_list_names(struct panel *panel)
{
    list_array(panel, arg_or(panel, 1, "shell"), all_users(panel), "\t");
}

const struct panel_command commands_user_list[] = {
    { "v-list-user", run_list, LOOK, 24, 0, 1, "USER [FORMAT]" },
    { "v-list-users", run_list_all, LOOK, 40, 0, 0, NULL },
    { "v-list-sys-users", run_list_names, LOOK, 60, 0, 0, NULL },
};
const size_t commands_user_list_count = ARRAY_LEN(commands_user_list);
