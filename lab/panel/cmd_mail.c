/* cmd_mail.c - mail domains and their DKIM keys. The line in mail.conf comes first: a v-add-mail-domain that was killed
 * right after it is listed as complete, and the same call again writes a second line. */
#include <string.h>

#include "internal.h"
#include "mail_files.h"

struct mail {
    const char *user, *domain, *restart;
};

static char *data_path(struct panel *panel, const struct mail *mail, const char *end)
{
    return text_format(panel, USERS_DIR "/%s/mail/%s.%s", mail->user, mail->domain, end);
}

static void check_names(struct panel *panel, const struct mail *mail)
{
    check_user_name(panel, mail->user, false);
    check_domain(panel, mail->domain, "domain");
    check_restart(panel, mail->restart);
}

static struct mail enter(struct panel *panel, int restart_arg)
{
    struct mail mail = { arg(panel, 1), domain_format(panel, arg(panel, 2)), arg(panel, restart_arg) };
    check_names(panel, &mail);
    check_system(panel, "MAIL_SYSTEM");
    check_user(panel, mail.user);
    return mail;
}

static void check_flag(struct panel *panel, const char *value, const char *what)
{
    if (*value != '\0')
        check_boolean(panel, value, what);
}

char *dkim_value(struct panel *panel, const char *user, const char *domain)
{
    const char *position = file_read(panel, text_format(panel, USERS_DIR "/%s/mail/%s.pub", user, domain));
    struct buf key = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (strstr(line, "KEY-----") == NULL)
            buf_add_text(&key, line);
    }
    return text_take(panel, &key);
}

/* With the zone under the same user on this node, the panel publishes the key itself. */
static void publish_dkim(struct panel *panel, const struct mail *mail)
{
    if (!enabled(panel, "DNS_SYSTEM") || *object_find(panel, mail->user, "dns", "DOMAIN", mail->domain) == '\0')
        return;
    const char *value = text_format(panel, "v=DKIM1; k=rsa; p=%s", dkim_value(panel, mail->user, mail->domain));
    panel_child(panel, false, "v-add-dns-record", mail->user, mail->domain, "mail._domainkey", "TXT", value, "", "",
                "yes", "", "yes", NULL);
}

static void unpublish(struct panel *panel, const struct mail *mail, const char *name)
{
    const char *file = text_format(panel, "dns/%s", mail->domain);
    const char *ids = object_search(panel, mail->user, file, "RECORD", name, "ID");
    for (const char *id; (id = text_next(panel, &ids, '\n')) != NULL;)
        panel_child(panel, false, "v-delete-dns-record", mail->user, mail->domain, id, "", "yes", NULL);
}

static void make_key(struct panel *panel, const struct mail *mail, unsigned bits)
{
    struct panel_host *host = panel->host;
    host->ops->key_private(host, data_path(panel, mail, "pem"), bits);
    panel_work(panel, 150);
    panel_point(panel, "mail-c");
    host->ops->key_public(host, data_path(panel, mail, "pem"), data_path(panel, mail, "pub"));
    file_mode(panel, data_path(panel, mail, "pem"), 0660);
    file_mode(panel, data_path(panel, mail, "pub"), 0660);
}

static void check_add(struct panel *panel, struct mail *mail)
{
    static const struct {
        int number;
        const char *name;
    } flags[] = { { 3, "antispam" }, { 4, "antivirus" }, { 5, "dkim" } };
    check_user_name(panel, mail->user, false);
    check_domain(panel, mail->domain, "domain");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        check_flag(panel, arg(panel, flags[i].number), flags[i].name);
    if (*arg(panel, 6) != '\0')
        check_number(panel, arg(panel, 6), "dkim_size");
    check_restart(panel, mail->restart);
    check_flag(panel, arg(panel, 8), "reject");
    check_system(panel, "MAIL_SYSTEM");
    check_user(panel, mail->user);
    check_user_active(panel, mail->user);
    panel_work(panel, 80);
    domain_check_new(panel, mail->user, "mail", text_idn_unicode(panel, mail->domain));
    domain_check_new(panel, mail->user, "mail", text_idn_ascii(panel, mail->domain));
    domain_check_not_ip(panel, mail->domain);
    size_t used = line_count(file_read(panel, user_path(panel, mail->user, "mail.conf")));
    check_limit(panel, mail->user, "MAIL_DOMAINS", used, false);
    domain_check_base_owner(panel, mail->user, mail->domain);
}

static const char *local_ip(struct panel *panel, const struct mail *mail)
{
    const char *web = object_load(panel, mail->user, "web", "DOMAIN", mail->domain), *local;
    const char *ip = value_of(panel, web, "IP");
    ip_for_user(panel, mail->user, *ip == '\0' ? "" : ip_real(panel, ip), &local);
    return local;
}

static void run_add(struct panel *panel)
{
    struct mail mail = { arg(panel, 1), domain_format(panel, arg(panel, 2)), arg(panel, 7) };
    const char *dkim = arg_or(panel, 5, "yes"), *time, *date;
    bool is_signed = text_is(dkim, "yes");
    check_add(panel, &mail);
    const char *ip = local_ip(panel, &mail);
    stamp(panel, &time, &date);
    panel_work(panel, 70);
    file_append(panel, user_path(panel, mail.user, "mail.conf"),
                text_format(panel,
                            "DOMAIN='%s' ANTIVIRUS='no' ANTISPAM='no' REJECT='no' DKIM='%s' WEBMAIL='' SSL='no' "
                            "LETSENCRYPT='no' CATCHALL='' ACCOUNTS='0' RATE_LIMIT='%s' U_DISK='0' SUSPENDED='no' "
                            "TIME='%s' DATE='%s'\n",
                            mail.domain, dkim, user_value(panel, mail.user, "RATE_LIMIT"), time, date));
    panel_point(panel, "mail-a");
    file_touch(panel, data_path(panel, &mail, "conf"));
    object_load(panel, mail.user, "mail", "DOMAIN", mail.domain); /* fails when that was the second line */
    panel_work(panel, 100);
    panel_point(panel, "mail-b");
    if (is_signed)
        make_key(panel, &mail, (unsigned)atoi(*arg(panel, 6) == '\0' ? "2048" : arg(panel, 6)));
    file_mode(panel, data_path(panel, &mail, "conf"), 0660);
    panel_work(panel, 50);
    panel_point(panel, "mail-d");
    mail_make_folder(panel, mail.user, mail.domain, ip);
    panel_point(panel, "mail-e");
    mail_link(panel, mail.user, mail.domain);
    if (is_signed)
        mail_copy_key(panel, mail.user, mail.domain);
    mail_set_modes(panel, mail.user, mail.domain);
    panel_work(panel, 50);
    if (is_signed)
        publish_dkim(panel, &mail);
    panel_point(panel, "mail-f");
    if (enabled(panel, "WEB_SYSTEM") && enabled(panel, "IMAP_SYSTEM"))
        panel_child(panel, false, "v-add-mail-domain-webmail", mail.user, mail.domain, "", "no", NULL);
    panel_point(panel, "mail-g");
    user_value_add(panel, mail.user, "U_MAIL_DOMAINS", 1);
    user_value_add(panel, mail.user, "U_MAIL_DKIM", is_signed);
    panel_work(panel, 50);
    panel_restart(panel, "web", mail.restart);
    panel_restart(panel, "proxy", mail.restart);
}

static void run_delete(struct panel *panel)
{
    struct mail mail = enter(panel, 99);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *line = object_load(panel, mail.user, "mail", "DOMAIN", mail.domain);
    bool is_signed = text_is(value_of(panel, line, "DKIM"), "yes");
    size_t accounts = line_count(file_read(panel, data_path(panel, &mail, "conf")));
    panel_work(panel, 300);
    mail_delete_folders(panel, mail.user, mail.domain);
    if (is_signed && file_exists(panel, text_format(panel, USERS_DIR "/%s/dns/%s.conf", mail.user, mail.domain))) {
        unpublish(panel, &mail, "mail._domainkey");
        unpublish(panel, &mail, "_domainkey");
    }
    if (enabled(panel, "WEB_SYSTEM") && enabled(panel, "IMAP_SYSTEM"))
        panel_child(panel, false, "v-delete-mail-domain-webmail", mail.user, mail.domain, "yes", NULL);
    file_delete_lines(panel, user_path(panel, mail.user, "mail.conf"), text_format(panel, "DOMAIN='%s'", mail.domain));
    file_remove(panel, data_path(panel, &mail, "conf"));
    file_remove(panel, data_path(panel, &mail, "pem"));
    file_remove(panel, data_path(panel, &mail, "pub"));
    user_value_subtract(panel, mail.user, "U_MAIL_DOMAINS", 1);
    if (is_signed)
        user_value_subtract(panel, mail.user, "U_MAIL_DKIM", 1);
    user_value_subtract(panel, mail.user, "U_MAIL_ACCOUNTS", (long)accounts);
    if (text_is(value_of(panel, line, "SUSPENDED"), "yes"))
        user_value_subtract(panel, mail.user, "SUSPENDED_MAIL", 1);
    panel_work(panel, 100);
}

static void run_rebuild(struct panel *panel)
{
    struct mail mail = enter(panel, 3);
    if (text_is(user_value(panel, mail.user, "SUSPENDED"), "yes"))
        return;
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *line = object_load(panel, mail.user, "mail", "DOMAIN", mail.domain);
    panel_work(panel, 400);
    mail_rebuild(panel, mail.user, mail.domain, line, local_ip(panel, &mail));
    panel_work(panel, 300);
    panel_child(panel, false, "v-update-user-counters", mail.user, NULL);
}

static void run_rebuild_all(struct panel *panel)
{
    struct mail mail = { .user = arg(panel, 1), .domain = "", .restart = "" };
    check_names(panel, &mail);
    check_system(panel, "MAIL_SYSTEM");
    check_user(panel, mail.user);
    if (text_is(user_value(panel, mail.user, "SUSPENDED"), "yes"))
        return;
    const char *domains = object_search(panel, mail.user, "mail", "SUSPENDED", "*", "DOMAIN");
    for (const char *domain; (domain = text_next(panel, &domains, '\n')) != NULL;)
        panel_child(panel, false, "v-rebuild-mail-domain", mail.user, domain, "no", NULL);
}

static void run_add_dkim(struct panel *panel)
{
    struct mail mail = enter(panel, 99);
    check_user_active(panel, mail.user);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    check_object_active(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *now = value_of(panel, object_load(panel, mail.user, "mail", "DOMAIN", mail.domain), "DKIM");
    if (*now != '\0' && !text_is(now, "no"))
        panel_fail(panel, E_EXISTS, "DKIM=%s already exists", now);
    make_key(panel, &mail, (unsigned)atoi(*arg(panel, 3) == '\0' ? "2048" : arg(panel, 3)));
    mail_copy_key(panel, mail.user, mail.domain);
    publish_dkim(panel, &mail);
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "DKIM", "yes");
    user_value_add(panel, mail.user, "U_MAIL_DKIM", 1);
    panel_work(panel, 100);
}

static void run_delete_dkim(struct panel *panel)
{
    struct mail mail = enter(panel, 99);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *now = value_of(panel, object_load(panel, mail.user, "mail", "DOMAIN", mail.domain), "DKIM");
    if (*now == '\0' || text_is(now, "no"))
        panel_fail(panel, E_NOTEXIST, "DKIM=%s doesn't exist", now);
    panel_work(panel, 100);
    file_remove(panel, data_path(panel, &mail, "pem"));
    file_remove(panel, data_path(panel, &mail, "pub"));
    file_remove(panel, mail_conf_path(panel, mail.user, mail.domain, "dkim.pem"));
    if (enabled(panel, "DNS_SYSTEM")) {
        unpublish(panel, &mail, "mail._domainkey");
        unpublish(panel, &mail, "_domainkey");
    }
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "DKIM", "no");
    user_value_subtract(panel, mail.user, "U_MAIL_DKIM", 1);
    panel_work(panel, 100);
}

static void swap_accounts(struct panel *panel, const struct mail *mail, const char *from, const char *to)
{
    const char *path = data_path(panel, mail, "conf");
    file_edit(panel, path,
              text_replace(panel, file_read(panel, path), text_format(panel, "SUSPENDED='%s'", from),
                           text_format(panel, "SUSPENDED='%s'", to)));
}

static void run_suspend(struct panel *panel)
{
    struct mail mail = enter(panel, 99);
    check_user_active(panel, mail.user);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    check_object_active(panel, mail.user, "mail", "DOMAIN", mail.domain);
    panel_work(panel, 200);
    file_remove(panel, text_format(panel, EXIM_DOMAINS "/%s", mail.domain));
    panel_child(panel, false, "v-delete-mail-domain-webmail", mail.user, mail.domain, "yes", NULL);
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "SUSPENDED", "yes");
    swap_accounts(panel, &mail, "no", "yes");
    user_value_add(panel, mail.user, "SUSPENDED_MAIL", 1);
}

static void run_unsuspend(struct panel *panel)
{
    struct mail mail = enter(panel, 3);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    check_object_suspended(panel, mail.user, "mail", "DOMAIN", mail.domain);
    panel_work(panel, 200);
    mail_link(panel, mail.user, mail.domain);
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "SUSPENDED", "no");
    swap_accounts(panel, &mail, "yes", "no");
    user_value_subtract(panel, mail.user, "SUSPENDED_MAIL", 1);
    if (enabled(panel, "IMAP_SYSTEM") && enabled(panel, "WEBMAIL_SYSTEM"))
        panel_child(panel, false, "v-add-mail-domain-webmail", mail.user, mail.domain, config(panel, "WEBMAIL_SYSTEM"),
                    mail.restart, NULL);
}

static bool is_own_zone(struct panel *panel, const struct mail *mail)
{
    return enabled(panel, "DNS_SYSTEM") && *object_find(panel, mail->user, "dns", "DOMAIN", mail->domain) != '\0';
}

static void run_add_webmail(struct panel *panel)
{
    struct mail mail = { arg(panel, 1), domain_format(panel, arg(panel, 2)), arg(panel, 4) };
    const char *client = *arg(panel, 3) == '\0' ? config(panel, "WEBMAIL_SYSTEM") : arg(panel, 3);
    check_names(panel, &mail);
    check_system(panel, "WEB_SYSTEM");
    check_system(panel, "IMAP_SYSTEM");
    if (!text_is(client, config(panel, "WEBMAIL_SYSTEM")) && !text_is(client, "disabled"))
        panel_fail(panel, E_INVALID, "%s type is invalid", client);
    check_user(panel, mail.user);
    check_user_active(panel, mail.user);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    check_object_active(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *ip = local_ip(panel, &mail), *alias = config(panel, "WEBMAIL_ALIAS");
    const char *file = text_format(panel, "dns/%s", mail.domain);
    panel_work(panel, 100);
    if (is_own_zone(panel, &mail) && *object_find(panel, mail.user, file, "RECORD", alias) == '\0')
        panel_child(panel, false, "v-add-dns-record", mail.user, mail.domain, alias, "A", ip, "", "", mail.restart, "",
                    "yes", NULL);
    mail_write_webmail(panel, mail.user, mail.domain, ip, alias);
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "WEBMAIL", client);
    panel_work(panel, 50);
    if (text_is(mail.restart, "yes")) {
        panel_restart(panel, "web", mail.restart);
        panel_restart(panel, "proxy", mail.restart);
    }
}

static void run_delete_webmail(struct panel *panel)
{
    struct mail mail = { arg(panel, 1), domain_format(panel, arg(panel, 2)), arg(panel, 3) };
    check_names(panel, &mail);
    check_system(panel, "MAIL_SYSTEM");
    check_system(panel, "WEB_SYSTEM");
    check_system(panel, "IMAP_SYSTEM");
    check_user(panel, mail.user);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *alias = config(panel, "WEBMAIL_ALIAS"), *file = text_format(panel, "dns/%s", mail.domain);
    panel_work(panel, 100);
    mail_delete_webmail(panel, mail.user, mail.domain, alias);
    if (is_own_zone(panel, &mail)) {
        const char *ids = object_search(panel, mail.user, file, "RECORD", alias, "ID");
        for (const char *id; (id = text_next(panel, &ids, '\n')) != NULL;)
            panel_child(panel, false, "v-delete-dns-record", mail.user, mail.domain, id, mail.restart, "yes", NULL);
    }
    object_update(panel, mail.user, "mail", "DOMAIN", mail.domain, "WEBMAIL", "");
    if (*mail.restart != '\0') {
        panel_restart(panel, "web", mail.restart);
        panel_restart(panel, "proxy", mail.restart);
    }
}

static struct mail look(struct panel *panel)
{
    struct mail mail = { .user = arg(panel, 1), .domain = arg(panel, 2), .restart = "" };
    check_names(panel, &mail);
    check_user(panel, mail.user);
    check_object(panel, mail.user, "mail", "DOMAIN", mail.domain);
    return mail;
}

static void run_list(struct panel *panel)
{
    static const char *const fields[] = {
        "ANTIVIRUS",
        "ANTISPAM",
        "DKIM",
        "CATCHALL",
        "ACCOUNTS",
        "RATE_LIMIT",
        "REJECT",
        "U_DISK",
        "SSL",
        "LETSENCRYPT",
        "SUSPENDED",
        "TIME",
        "DATE",
        "WEBMAIL_ALIAS",
        "=WEBMAIL",
        "=U_SMTP_RELAY",
        "=U_SMTP_RELAY_HOST",
        "=U_SMTP_RELAY_PORT",
        "=U_SMTP_RELAY_USERNAME",
        NULL,
    };
    struct mail mail = look(panel);
    const char *line = object_load(panel, mail.user, "mail", "DOMAIN", mail.domain);
    const char *values =
        text_format(panel, "%s WEBMAIL_ALIAS='%s.%s'", line, config(panel, "WEBMAIL_ALIAS"), mail.domain);
    list_one(panel, arg_or(panel, 3, "shell"), value_of(panel, line, "DOMAIN"), values, fields, "        }");
}

static void run_list_all(struct panel *panel)
{
    static const char *const fields[] = { "ANTIVIRUS", "ANTISPAM", "REJECT",        "RATE_LIMIT", "DKIM",
                                          "CATCHALL",  "ACCOUNTS", "U_DISK",        "SSL",        "SUSPENDED",
                                          "TIME",      "DATE",     "WEBMAIL_ALIAS", "WEBMAIL",    NULL };
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_user(panel, user);
    list_lines(panel, arg_or(panel, 2, "shell"), file_read(panel, user_path(panel, user, "mail.conf")), "DOMAIN",
               fields, text_format(panel, "WEBMAIL_ALIAS='%s'", config(panel, "WEBMAIL_ALIAS")));
}

static void run_list_dkim(struct panel *panel)
{
    struct mail mail = look(panel);
    const char *pem = file_read(panel, data_path(panel, &mail, "pem"));
    const char *pub = file_read(panel, data_path(panel, &mail, "pub"));
    if (!text_is(arg_or(panel, 3, "shell"), "json")) {
        buf_addf(panel->out, "%s%s", pem, pub);
        return;
    }
    pem = text_replace(panel, text_copy(panel, pem, strlen(pem) - (*pem != '\0')), "\n", "\\n");
    pub = text_replace(panel, text_copy(panel, pub, strlen(pub) - (*pub != '\0')), "\n", "\\n");
    buf_addf(panel->out, "{\n\t\"%s\": {\n        \"PEM\": \"%s\",\n        \"PUB\": \"%s\"\n\t}\n}\n", mail.domain,
             pem, pub);
}

static void run_list_dkim_dns(struct panel *panel)
{
    struct mail mail = look(panel);
    const char *format = arg_or(panel, 3, "shell"), *key = dkim_value(panel, mail.user, mail.domain);
    if (!file_exists(panel, data_path(panel, &mail, "pub")))
        key = "DKIM-SUPPORT-IS-NOT-ACTIVATED";
    if (text_is(format, "json"))
        buf_addf(panel->out,
                 "{\n\n\t\"mail._domainkey\": {\n            \"TTL\": \"3600\",\n"
                 "            \"TXT\": \"'v=DKIM1; k=rsa; p=%s'\"\n\t}\n}\n",
                 key);
    else
        buf_addf(panel->out, "mail._domainkey\t3600\tIN\tTXT\t\"v=DKIM1; k=rsa; p=%s\"\n", key);
}

const struct panel_command commands_mail[] = {
    { "v-add-mail-domain", run_add, CHANGE, 600, 0, 2,
      "USER DOMAIN [ANTISPAM] [ANTIVIRUS] [DKIM] [DKIM_SIZE] [RESTART] [REJECT_SPAM]" },
    { "v-delete-mail-domain", run_delete, CHANGE, 800, 0, 2, "USER DOMAIN" },
    { "v-rebuild-mail-domain", run_rebuild, CHANGE, 1800, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-rebuild-mail-domains", run_rebuild_all, CHANGE, 1800, 0, 1, "USER" },
    { "v-suspend-mail-domain", run_suspend, CHANGE, 1000, 0, 2, "USER DOMAIN" },
    { "v-unsuspend-mail-domain", run_unsuspend, CHANGE, 1000, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-add-mail-domain-dkim", run_add_dkim, CHANGE, 300, 0, 2, "USER DOMAIN [DKIM_SIZE]" },
    { "v-delete-mail-domain-dkim", run_delete_dkim, CHANGE, 200, 0, 2, "USER DOMAIN" },
    { "v-add-mail-domain-webmail", run_add_webmail, CHANGE, 300, 0, 2, "USER DOMAIN [WEBMAIL] [RESTART]" },
    { "v-delete-mail-domain-webmail", run_delete_webmail, CHANGE, 300, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-list-mail-domain", run_list, LOOK, 80, 0, 2, "USER DOMAIN [FORMAT]" },
    { "v-list-mail-domains", run_list_all, LOOK, 80, 0, 1, "USER [FORMAT]" },
    { "v-list-mail-domain-dkim", run_list_dkim, LOOK, 26, 0, 2, "USER DOMAIN [FORMAT]" },
    { "v-list-mail-domain-dkim-dns", run_list_dkim_dns, LOOK, 26, 0, 2, "USER DOMAIN [FORMAT]" },
};
const size_t commands_mail_count = ARRAY_LEN(commands_mail);
