/* cmd_user_jail.c - the SFTP jail: customers' logins see their home only. It is a list of names in sshd_config, edited without
 * a lock; each change restarts sshd, so that new connections fail for an instant. */
#include <string.h>

#include "internal.h"

/* sshd_config: the list behind "Match User" under the mark of the jail; ret_rest is the text behind it. */
static const char *jail_users(struct panel *panel, const char *text, const char **ret_start, const char **ret_rest)
{
    static const char mark[] = "# Hestia SFTP Chroot\nMatch User ";
    const char *hit = strstr(text, mark);
    if (hit == NULL)
        return NULL;
    *ret_start = hit + sizeof(mark) - 1;
    *ret_rest = *ret_start + strcspn(*ret_start, "\n");
    return text_copy(panel, *ret_start, (size_t)(*ret_rest - *ret_start));
}

static void run_add_jail(struct panel *panel)
{
    const char *user = arg(panel, 1), *start = "", *rest = "";
    check_user_name(panel, user, false);
    check_user(panel, user);
    const char *text = file_read(panel, SSHD_CONFIG), *users = jail_users(panel, text, &start, &rest);
    const char *passwd = text_format(panel, "\n%s", file_read(panel, "/etc/passwd"));
    const char *line = strstr(passwd, text_format(panel, "\n%s:", user));
    bool is_closed = line != NULL && strstr(text_copy(panel, line + 1, strcspn(line + 1, "\n")), "nologin") != NULL;
    if (!is_closed || users == NULL)
        return;
    file_owner(panel, home_path(panel, user, ""), "root", "root");
    if (text_in_list(users, user))
        return;
    file_edit(panel, SSHD_CONFIG, text_format(panel, "%.*s%s,%s%s", (int)(start - text), text, users, user, rest));
    dir_make_all(panel, text_format(panel, "/srv/jail/%s/home/%s", user, user));
    panel_work(panel, 20);
    /* Always, whatever RESTART says: new connections fail for an instant. */
    panel->host->ops->service(panel->host, PANEL_SSH, PANEL_RESTART, NULL);
}

static void run_delete_jail(struct panel *panel)
{
    const char *user = arg(panel, 1), *start = "", *rest = "";
    check_user_name(panel, user, false);
    const char *text = file_read(panel, SSHD_CONFIG), *users = jail_users(panel, text, &start, &rest);
    if (!passwd_has(panel, user) || users == NULL)
        return;
    if (!text_in_list(users, user))
        panel_exit(panel, E_INVALID);
    struct buf kept = BUF_INIT;
    for (const char *name; (name = text_next(panel, &users, ',')) != NULL;) {
        if (!text_is(name, user))
            buf_addf(&kept, "%s%s", kept.length > 0 ? "," : "", name);
    }
    const char *list = text_take(panel, &kept);
    file_edit(panel, SSHD_CONFIG, text_format(panel, "%.*s%s%s", (int)(start - text), text, list, rest));
    file_owner(panel, home_path(panel, user, ""), user, user);
    panel->host->ops->remove_tree(panel->host, text_format(panel, "/srv/jail/%s", user));
    panel->host->ops->service(panel->host, PANEL_SSH, PANEL_RESTART, NULL);
}

const struct panel_command commands_user_jail[] = {
    { "v-add-user-sftp-jail", run_add_jail, CHANGE, 350, 0, 1, "USER" },
    { "v-delete-user-sftp-jail", run_delete_jail, CHANGE, 350, 0, 1, "USER" },
};
const size_t commands_user_jail_count = ARRAY_LEN(commands_user_jail);
