/* cmd_mail_account.c - mail accounts. Nobody checks that the domain is complete: on a half-made one an add exits 0 and
 * nothing works. */
#include <string.h>

#include "mail_files.h"

struct account {
    const char *user, *domain, *name, *file;
};

static struct account read_args(struct panel *panel)
{
    struct account account = { arg(panel, 1), domain_format(panel, arg(panel, 2)), text_lower(panel, arg(panel, 3)),
                               NULL };
    account.file = text_format(panel, "mail/%s", account.domain);
    check_user_name(panel, account.user, false);
    check_domain(panel, account.domain, "domain");
    check_account(panel, account.name);
    return account;
}

static void check_place(struct panel *panel, const struct account *account)
{
    check_system(panel, "MAIL_SYSTEM");
    check_user(panel, account->user);
    check_user_active(panel, account->user);
    check_object(panel, account->user, "mail", "DOMAIN", account->domain);
    check_object_active(panel, account->user, "mail", "DOMAIN", account->domain);
}

static void check_there(struct panel *panel, const struct account *account)
{
    check_object(panel, account->user, account->file, "ACCOUNT", account->name);
}

static bool is_suspended(struct panel *panel, const struct account *account)
{
    const char *line = object_find(panel, account->user, account->file, "ACCOUNT", account->name);
    return strstr(line, "SUSPENDED='yes'") != NULL;
}

static void check_active(struct panel *panel, const struct account *account)
{
    if (is_suspended(panel, account))
        panel_fail(panel, E_SUSPENDED, "%s %s is suspended", account->domain, account->name);
}

static void check_quota(struct panel *panel, const char *quota)
{
    if (*quota != '\0' && !text_is(quota, "unlimited"))
        check_number(panel, quota, "quota");
}

static char *data_path(struct panel *panel, const struct account *account)
{
    return text_format(panel, USERS_DIR "/%s/%s.conf", account->user, account->file);
}

static void check_new(struct panel *panel, const struct account *account)
{
    const char *position = file_read(panel, data_path(panel, account));
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (text_is(value_of(panel, line, "ACCOUNT"), account->name))
            panel_fail(panel, E_EXISTS, "mail account %s already exists", account->name);
        if (text_in_list(value_of(panel, line, "ALIAS"), account->name))
            panel_fail(panel, E_EXISTS, "mail alias %s already exists", account->name);
    }
}

static const char *hash_password(struct panel *panel, const char *given)
{
    struct buf hash = BUF_INIT;
    panel->host->ops->mail_hash(panel->host, password_read(panel, given), &hash);
    return text_take(panel, &hash);
}

static char *box_path(struct panel *panel, const struct account *account)
{
    return text_format(panel, "/home/%s/mail/%s/%s", account->user, text_idn_ascii(panel, account->domain),
                       account->name);
}

static void count_accounts(struct panel *panel, const struct account *account)
{
    size_t count = line_count(file_read(panel, data_path(panel, account)));
    object_update(panel, account->user, "mail", "DOMAIN", account->domain, "ACCOUNTS",
                  text_format(panel, "%zu", count));
}

static void run_add(struct panel *panel)
{
    const char *quota = arg_or(panel, 5, "unlimited"), *time, *date;
    struct account account = read_args(panel);
    check_quota(panel, quota);
    check_place(panel, &account);
    size_t used = line_count(file_read(panel, data_path(panel, &account)));
    check_limit(panel, account.user, "MAIL_ACCOUNTS", used, false);
    check_new(panel, &account);
    panel_work(panel, 50);
    const char *hash = hash_password(panel, arg(panel, 4));
    quota = atol(quota) == 0 ? "unlimited" : quota;
    mail_add_login(panel, account.user, account.domain, account.name, hash, quota);
    panel_point(panel, "acct-a");
    panel_work(panel, 50);
    const char *box = box_path(panel, &account);
    dir_make(panel, box);
    file_owner(panel, box, account.user, "mail");
    file_mode(panel, box, 0700);
    panel_point(panel, "acct-b");
    stamp(panel, &time, &date);
    file_append(panel, data_path(panel, &account),
                text_format(panel,
                            "ACCOUNT='%s' ALIAS='' AUTOREPLY='no' FWD='' FWD_ONLY='' MD5='%s' QUOTA='%s' U_DISK='0' "
                            "SUSPENDED='no' TIME='%s' DATE='%s'\n",
                            account.name, hash, quota, time, date));
    file_mode(panel, data_path(panel, &account), 0660);
    panel_point(panel, "acct-c");
    panel_work(panel, 100);
    object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    mail_set_limit(panel, account.user, account.domain, account.name);
    user_value_add(panel, account.user, "U_MAIL_ACCOUNTS", 1);
    count_accounts(panel, &account);
    panel_work(panel, 50);
}

static void forget_login(struct panel *panel, const struct account *account)
{
    const char *passwd = mail_conf_path(panel, account->user, account->domain, "passwd");
    file_delete_lines_from(panel, passwd, text_format(panel, "%s:", account->name));
}

static void run_delete(struct panel *panel)
{
    struct account account = read_args(panel);
    check_system(panel, "MAIL_SYSTEM");
    check_user(panel, account.user);
    check_object(panel, account.user, "mail", "DOMAIN", account.domain);
    check_there(panel, &account);
    panel_work(panel, 100);
    const char *address = text_format(panel, "%s@%s:", account.name, text_idn_ascii(panel, account.domain));
    forget_login(panel, &account);
    file_delete_lines_from(panel, mail_conf_path(panel, account.user, account.domain, "accounts"),
                           text_format(panel, "%s:", account.name));
    file_delete_lines_from(panel, mail_conf_path(panel, account.user, account.domain, "aliases"), address);
    file_delete_lines_from(panel, mail_conf_path(panel, account.user, account.domain, "limits"), address);
    panel->host->ops->remove_tree(panel->host, box_path(panel, &account));
    file_delete_lines(panel, data_path(panel, &account), text_format(panel, "ACCOUNT='%s'", account.name));
    user_value_subtract(panel, account.user, "U_MAIL_ACCOUNTS", 1);
    count_accounts(panel, &account);
    panel_work(panel, 100);
}

static struct account enter_active(struct panel *panel)
{
    struct account account = read_args(panel);
    check_place(panel, &account);
    check_there(panel, &account);
    check_active(panel, &account);
    return account;
}

static void set_login(struct panel *panel, const struct account *account, const char *hash, const char *quota)
{
    const char *passwd = mail_conf_path(panel, account->user, account->domain, "passwd");
    forget_login(panel, account);
    file_append(panel, passwd, mail_passwd_line(panel, account->user, account->name, hash, quota));
}

static void run_password(struct panel *panel)
{
    struct account account = enter_active(panel);
    const char *line = object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    panel_work(panel, 100);
    const char *hash = hash_password(panel, arg(panel, 4));
    set_login(panel, &account, hash, value_of(panel, line, "QUOTA"));
    object_update(panel, account.user, account.file, "ACCOUNT", account.name, "MD5", hash);
    panel_work(panel, 100);
}

static void run_quota(struct panel *panel)
{
    const char *quota = arg(panel, 4);
    check_quota(panel, quota);
    struct account account = enter_active(panel);
    const char *line = object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    panel_work(panel, 100);
    quota = atol(quota) == 0 ? "unlimited" : quota;
    set_login(panel, &account, value_of(panel, line, "MD5"), quota);
    object_update(panel, account.user, account.file, "ACCOUNT", account.name, "QUOTA", quota);
    panel_work(panel, 100);
}

static void run_suspend(struct panel *panel)
{
    struct account account = enter_active(panel);
    const char *line = object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    panel_work(panel, 100);
    set_login(panel, &account, "SUSPENDED", value_of(panel, line, "QUOTA"));
    object_update(panel, account.user, account.file, "ACCOUNT", account.name, "SUSPENDED", "yes");
}

static void run_unsuspend(struct panel *panel)
{
    struct account account = read_args(panel);
    check_place(panel, &account);
    check_there(panel, &account);
    if (!is_suspended(panel, &account))
        panel_fail(panel, E_UNSUSPENDED, "%s %s is not suspended", account.domain, account.name);
    const char *line = object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    panel_work(panel, 100);
    set_login(panel, &account, value_of(panel, line, "MD5"), value_of(panel, line, "QUOTA"));
    object_update(panel, account.user, account.file, "ACCOUNT", account.name, "SUSPENDED", "no");
}

static void run_list(struct panel *panel)
{
    static const char *const fields[] = { "ALIAS",  "FWD",       "FWD_ONLY", "AUTOREPLY", "QUOTA",         "RATE_LIMIT",
                                          "U_DISK", "SUSPENDED", "TIME",     "DATE",      "WEBMAIL_ALIAS", NULL };
    struct account account = read_args(panel);
    check_user(panel, account.user);
    check_object(panel, account.user, "mail", "DOMAIN", account.domain);
    check_there(panel, &account);
    const char *line = object_load(panel, account.user, account.file, "ACCOUNT", account.name);
    const char *values =
        text_format(panel, "%s WEBMAIL_ALIAS='%s.%s'", line, config(panel, "WEBMAIL_ALIAS"), account.domain);
    list_one(panel, arg_or(panel, 4, "shell"), account.name, values, fields, "    }");
}

static void run_list_all(struct panel *panel)
{
    static const char *const fields[] = { "ALIAS",  "FWD",       "FWD_ONLY", "AUTOREPLY", "QUOTA",
                                          "U_DISK", "SUSPENDED", "TIME",     "DATE",      NULL };
    struct account account = { arg(panel, 1), arg(panel, 2), "", text_format(panel, "mail/%s", arg(panel, 2)) };
    check_user_name(panel, account.user, false);
    check_domain(panel, account.domain, "domain");
    check_user(panel, account.user);
    check_object(panel, account.user, "mail", "DOMAIN", account.domain);
    list_lines(panel, arg_or(panel, 3, "shell"), file_read(panel, data_path(panel, &account)), "ACCOUNT", fields, "");
}

const struct panel_command commands_mail_account[] = {
    { "v-add-mail-account", run_add, CHANGE, 250, 4, 4, "USER DOMAIN ACCOUNT PASSWORD [QUOTA]" },
    { "v-delete-mail-account", run_delete, CHANGE, 220, 0, 3, "USER DOMAIN ACCOUNT" },
    { "v-change-mail-account-password", run_password, CHANGE, 200, 4, 4, "USER DOMAIN ACCOUNT PASSWORD" },
    { "v-change-mail-account-quota", run_quota, CHANGE, 200, 0, 4, "USER DOMAIN ACCOUNT QUOTA" },
    { "v-suspend-mail-account", run_suspend, CHANGE, 150, 0, 3, "USER DOMAIN ACCOUNT" },
    { "v-unsuspend-mail-account", run_unsuspend, CHANGE, 190, 0, 3, "USER DOMAIN ACCOUNT" },
    { "v-list-mail-account", run_list, LOOK, 50, 0, 3, "USER DOMAIN ACCOUNT [FORMAT]" },
    { "v-list-mail-accounts", run_list_all, LOOK, 50, 0, 2, "USER DOMAIN [FORMAT]" },
};
const size_t commands_mail_account_count = ARRAY_LEN(commands_mail_account);
