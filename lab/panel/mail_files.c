/* mail_files.c - what a mail domain is made of on disk: the folder that exim and dovecot read, the mailboxes, the link
 * that makes exim take mail for the domain. */
#include "mail_files.h"

#include <string.h>

static const char *const files[] = { "aliases", "passwd", "fwd_only", "accounts", "limits" };

char *mail_conf_path(struct panel *panel, const char *user, const char *domain, const char *name)
{
    return text_format(panel, "/home/%s/conf/mail/%s%s%s", user, domain, *name == '\0' ? "" : "/", name);
}

static char *box_path(struct panel *panel, const char *user, const char *domain)
{
    return text_format(panel, "/home/%s/mail/%s", user, text_idn_ascii(panel, domain));
}

static char *link_path(struct panel *panel, const char *domain)
{
    return text_format(panel, EXIM_DOMAINS "/%s", text_idn_ascii(panel, domain));
}

static void write_ip(struct panel *panel, const char *user, const char *domain, const char *ip)
{
    if (*ip != '\0')
        file_write(panel, mail_conf_path(panel, user, domain, "ip"), text_format(panel, "%s\n", ip));
}

void mail_make_folder(struct panel *panel, const char *user, const char *domain, const char *ip)
{
    dir_make(panel, mail_conf_path(panel, user, domain, ""));
    dir_make(panel, box_path(panel, user, domain));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        file_touch(panel, mail_conf_path(panel, user, domain, files[i]));
    write_ip(panel, user, domain, ip);
}

void mail_link(struct panel *panel, const char *user, const char *domain)
{
    file_link(panel, mail_conf_path(panel, user, domain, ""), link_path(panel, domain));
}

void mail_copy_key(struct panel *panel, const char *user, const char *domain)
{
    const char *from = text_format(panel, USERS_DIR "/%s/mail/%s.pem", user, domain);
    const char *to = mail_conf_path(panel, user, domain, "dkim.pem");
    if (!file_exists(panel, from)) {
        buf_addf(panel->err, "cp: cannot stat '%s': No such file or directory\n", from);
        return;
    }
    file_write(panel, to, file_read(panel, from));
    file_mode(panel, to, 0660);
    file_owner(panel, to, "Debian-exim", "mail");
}

void mail_set_modes(struct panel *panel, const char *user, const char *domain)
{
    const char *folder = mail_conf_path(panel, user, domain, ""), *position = dir_list(panel, folder);
    file_mode(panel, folder, 0771);
    file_owner(panel, folder, "Debian-exim", "mail");
    for (const char *name; (name = text_next(panel, &position, '\n')) != NULL;) {
        const char *path = mail_conf_path(panel, user, domain, name);
        bool is_passwd = text_is(name, "passwd") && text_is(config(panel, "IMAP_SYSTEM"), "dovecot");
        file_mode(panel, path, 0660);
        file_owner(panel, path, is_passwd ? "dovecot" : "Debian-exim", "mail");
    }
    file_mode(panel, box_path(panel, user, domain), 0770);
    file_owner(panel, box_path(panel, user, domain), user, "mail");
}

void mail_delete_folders(struct panel *panel, const char *user, const char *domain)
{
    file_remove(panel, link_path(panel, domain));
    panel->host->ops->remove_tree(panel->host, mail_conf_path(panel, user, domain, ""));
    panel->host->ops->remove_tree(panel->host, box_path(panel, user, domain));
}

char *mail_passwd_line(struct panel *panel, const char *user, const char *account, const char *hash, const char *quota)
{
    const char *megabytes = text_is(quota, "unlimited") ? "0" : quota;
    return text_format(panel, "%s:%s:%s:mail::/home/%s:%s:userdb_quota_rule=*:storage=%sM\n", account, hash, user, user,
                       megabytes, megabytes);
}

void mail_add_login(struct panel *panel, const char *user, const char *domain, const char *account, const char *hash,
                    const char *quota)
{
    const char *passwd = mail_conf_path(panel, user, domain, "passwd");
    if (!file_append(panel, passwd, mail_passwd_line(panel, user, account, hash, quota)))
        buf_addf(panel->err, PANEL_BIN "/v-add-mail-account: line 94: %s: No such file or directory\n", passwd);
    file_append(panel, mail_conf_path(panel, user, domain, "accounts"),
                text_format(panel, "%s:%s:%s:mail:/home/%s\n", account, account, user, user));
}

void mail_set_limit(struct panel *panel, const char *user, const char *domain, const char *account)
{
    const char *path = mail_conf_path(panel, user, domain, "limits"), *ascii = text_idn_ascii(panel, domain);
    const char *start = text_format(panel, "%s@%s:", account, ascii);
    const char *limit = value_of(panel, object_load(panel, user, "mail", "DOMAIN", domain), "RATE_LIMIT");
    file_touch(panel, path);
    file_delete_lines_from(panel, path, start);
    file_append(panel, path, text_format(panel, "%s%s\n", start, *limit == '\0' ? "200" : limit));
}

static void rebuild_accounts(struct panel *panel, const char *user, const char *domain)
{
    const char *file = text_format(panel, "mail/%s", domain);
    const char *accounts = object_search(panel, user, file, "SUSPENDED", "no", "ACCOUNT");
    for (const char *account; (account = text_next(panel, &accounts, '\n')) != NULL;) {
        const char *line = object_load(panel, user, file, "ACCOUNT", account);
        mail_add_login(panel, user, domain, account, value_of(panel, line, "MD5"), value_of(panel, line, "QUOTA"));
        mail_set_limit(panel, user, domain, account);
    }
}

void mail_rebuild(struct panel *panel, const char *user, const char *domain, const char *line, const char *ip)
{
    mail_link(panel, user, domain);
    dir_make_all(panel, mail_conf_path(panel, user, domain, ""));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        file_write(panel, mail_conf_path(panel, user, domain, files[i]), "");
    write_ip(panel, user, domain, ip);
    if (text_is(value_of(panel, line, "DKIM"), "yes"))
        mail_copy_key(panel, user, domain);
    if (text_is(value_of(panel, line, "SUSPENDED"), "yes"))
        file_remove(panel, link_path(panel, domain));
    if (!file_exists(panel, box_path(panel, user, domain)))
        dir_make(panel, box_path(panel, user, domain));
    if (*value_of(panel, line, "WEBMAIL") == '\0')
        panel_child(panel, false, "v-add-mail-domain-webmail", user, domain, "roundcube", "no", NULL);
    const char *catchall = value_of(panel, line, "CATCHALL");
    if (*catchall != '\0')
        file_append(panel, mail_conf_path(panel, user, domain, "aliases"),
                    text_format(panel, "*@%s:%s\n", text_idn_ascii(panel, domain), catchall));
    rebuild_accounts(panel, user, domain);
    mail_set_modes(panel, user, domain);
}

void mail_write_webmail(struct panel *panel, const char *user, const char *domain, const char *ip, const char *alias)
{
    const char *const systems[] = { config(panel, "WEB_SYSTEM"), config(panel, "PROXY_SYSTEM") };
    for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
        if (*systems[i] == '\0')
            continue;
        const char *path = mail_conf_path(panel, user, domain, text_format(panel, "%s.conf", systems[i]));
        const char *name = text_format(panel, "%s.%s", alias, text_idn_ascii(panel, domain));
        dir_make_all(panel, mail_conf_path(panel, user, domain, ""));
        const char *text =
            text_is(systems[i], "nginx")
                ? text_format(panel,
                              "server {\n    listen %s:%s;\n    server_name %s;\n    root /var/lib/roundcube;\n}\n", ip,
                              config(panel, "PROXY_PORT"), name)
                : text_format(panel, "<VirtualHost %s:%s>\n    ServerName %s\n</VirtualHost>\n", ip,
                              config(panel, "WEB_PORT"), name);
        file_write(panel, path, text);
        file_link(panel, path, text_format(panel, "/etc/%s/conf.d/domains/%s.%s.conf", systems[i], alias, domain));
    }
}

void mail_delete_webmail(struct panel *panel, const char *user, const char *domain, const char *alias)
{
    const char *const systems[] = { config(panel, "WEB_SYSTEM"), config(panel, "PROXY_SYSTEM") };
    for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
        file_remove(panel, mail_conf_path(panel, user, domain, text_format(panel, "%s.conf", systems[i])));
        file_remove(panel, text_format(panel, "/etc/%s/conf.d/domains/%s.%s.conf", systems[i], alias, domain));
    }
}
