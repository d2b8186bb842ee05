/* cmd_system.c - the node itself: configuration, addresses, services, PHP versions, templates, owners of domains. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static const char *const config_keys[] = {
    "ANTISPAM_SYSTEM",
    "ANTIVIRUS_SYSTEM",
    "API",
    "API_ALLOWED_IP",
    "API_SYSTEM",
    "APP_NAME",
    "BACKEND_PORT",
    "BACKUP",
    "BACKUP_GZIP",
    "BACKUP_INCREMENTAL",
    "BACKUP_MODE",
    "BACKUP_SYSTEM",
    "CRON_SYSTEM",
    "DB_PGA_ALIAS",
    "DB_PMA_ALIAS",
    "DB_SYSTEM",
    "DEBUG_MODE",
    "DEMO_MODE",
    "DISABLE_IP_CHECK",
    "DISK_QUOTA",
    "RESOURCES_LIMIT",
    "DNS_CLUSTER",
    "DNS_CLUSTER_SYSTEM",
    "DNS_SYSTEM",
    "ENFORCE_SUBDOMAIN_OWNERSHIP",
    "FILE_MANAGER",
    "FIREWALL_EXTENSION",
    "FIREWALL_SYSTEM",
    "FROM_EMAIL",
    "FROM_NAME",
    "FTP_SYSTEM",
    "HIDE_DOCS",
    "IMAP_SYSTEM",
    "INACTIVE_SESSION_TIMEOUT",
    "LANGUAGE",
    "LOGIN_STYLE",
    "MAIL_SYSTEM",
    "PHPMYADMIN_KEY",
    "PLUGIN_APP_INSTALLER",
    "PLUGIN_FILE_MANAGER",
    "PMA_RESTRICT_ACCESS",
    "POLICY_BACKUP_SUSPENDED_USERS",
    "POLICY_CSRF_STRICTNESS",
    "POLICY_SYNC_ERROR_DOCUMENTS",
    "POLICY_SYNC_SKELETON",
    "POLICY_SYSTEM_ENABLE_BACON",
    "POLICY_SYSTEM_HIDE_ADMIN",
    "POLICY_SYSTEM_HIDE_SERVICES",
    "POLICY_SYSTEM_PASSWORD_RESET",
    "POLICY_SYSTEM_PROTECTED_ADMIN",
    "POLICY_USER_CHANGE_THEME",
    "POLICY_USER_DELETE_LOGS",
    "POLICY_USER_EDIT_DETAILS",
    "POLICY_USER_EDIT_DNS_TEMPLATES",
    "POLICY_USER_EDIT_WEB_TEMPLATES",
    "POLICY_USER_VIEW_LOGS",
    "POLICY_USER_VIEW_SUSPENDED",
    "PROXY_PORT",
    "PROXY_SSL_PORT",
    "PROXY_SYSTEM",
    "RELEASE_BRANCH",
    "REPOSITORY",
    "ROOT_USER",
    "SERVER_SMTP_ADDR",
    "SERVER_SMTP_HOST",
    "SERVER_SMTP_PASSWD",
    "SERVER_SMTP_PORT",
    "SERVER_SMTP_SECURITY",
    "SERVER_SMTP_USER",
    "SMTP_RELAY",
    "SMTP_RELAY_HOST",
    "SMTP_RELAY_PORT",
    "SMTP_RELAY_USER",
    "STATS_SYSTEM",
    "SUBJECT_EMAIL",
    "SUPPORT_DNSSEC",
    "THEME",
    "TITLE",
    "UPDATE_AVAILABLE",
    "UPGRADE_SEND_EMAIL",
    "UPGRADE_SEND_EMAIL_LOG",
    "USE_SERVER_SMTP",
    "VERSION",
    "WEBMAIL_ALIAS",
    "WEBMAIL_SYSTEM",
    "WEB_BACKEND",
    "WEB_PORT",
    "WEB_RGROUPS",
    "WEB_SSL",
    "WEB_SSL_PORT",
    "WEB_SYSTEM",
    "WEB_TERMINAL",
    "WEB_TERMINAL_PORT",
    NULL,
};

static void run_config(struct panel *panel)
{
    if (!text_is(arg_or(panel, 1, "shell"), "json")) {
        for (size_t i = 0; config_keys[i] != NULL; i++)
            buf_addf(panel->out, "%-34s%s\n", text_format(panel, "%s:", config_keys[i]), config(panel, config_keys[i]));
        return;
    }
    buf_add_text(panel->out, "{\n\t\"config\": {\n");
    for (size_t i = 0; config_keys[i] != NULL; i++)
        buf_addf(panel->out, "\t\t\"%s\": \"%s\"%s\n", config_keys[i], config(panel, config_keys[i]),
                 config_keys[i + 1] == NULL ? "" : ",");
    buf_add_text(panel->out, "\t}\n}\n");
}

static void run_info(struct panel *panel)
{
    const char *host = file_read(panel, "/etc/hostname");
    int64_t up_minutes = panel->host->ops->elapsed_ms(panel->host) / 60000;
    buf_addf(
        panel->out,
        "{\n    \"sysinfo\": {\n        \"HOSTNAME\": \"%.*s\",\n        \"OS\": \"Debian\",\n"
        "        \"VERSION\": \"12\",\n        \"ARCH\": \"x86_64\",\n        \"HESTIA\": \"%s\",\n"
        "        \"RELEASE\": \"%s\",\n        \"UPTIME\": \"%lld\",\n        \"LOADAVERAGE\": \"0.00 / 0.00 / 0.00\"\n"
        "        }\n}\n",
        (int)strcspn(host, "\n"), host, config(panel, "VERSION"), config(panel, "RELEASE_BRANCH"),
        (long long)up_minutes);
}

static void list_ips(struct panel *panel, const char *format, const char *ips, const char *const *fields)
{
    bool is_json = text_is(format, "json");
    size_t left = line_count(ips);
    if (is_json)
        list_open(panel);
    for (const char *ip; (ip = text_next(panel, &ips, '\n')) != NULL;) {
        const char *text = file_read(panel, text_format(panel, IPS_DIR "/%s", ip));
        bool is_last = --left == 0;
        if (is_json)
            list_object(panel, ip, text, fields, is_last ? "        }\n" : "        }", is_last);
        else
            list_plain(panel, ip, text, fields);
    }
    if (is_json)
        list_close(panel);
}

static void run_ips(struct panel *panel)
{
    static const char *const fields[] = { "OWNER",         "STATUS",    "NAME",    "U_SYS_USERS",
                                          "U_WEB_DOMAINS", "INTERFACE", "NETMASK", "NAT",
                                          "TIME",          "DATE",      NULL };
    list_ips(panel, arg_or(panel, 1, "shell"), dir_list(panel, IPS_DIR), fields);
}

static void run_user_ips(struct panel *panel)
{
    static const char *const fields[] = { "OWNER", "STATUS", "NAME", "NAT", NULL };
    const char *user = arg(panel, 1), *position = dir_list(panel, IPS_DIR);
    check_user_name(panel, user, false);
    check_user(panel, user);
    struct buf ips = BUF_INIT;
    for (const char *ip; (ip = text_next(panel, &position, '\n')) != NULL;) {
        const char *text = file_read(panel, text_format(panel, IPS_DIR "/%s", ip));
        const char *owner = value_of(panel, text, "OWNER");
        bool is_shared = text_is(owner, panel->root_user) && text_is(value_of(panel, text, "STATUS"), "shared");
        if (is_shared || text_is(owner, user))
            buf_addf(&ips, "%s\n", ip);
    }
    list_ips(panel, arg_or(panel, 2, "shell"), text_take(panel, &ips), fields);
}

static void run_delete_ip(struct panel *panel)
{
    const char *ip = arg(panel, 1), *path = text_format(panel, IPS_DIR "/%s", ip);
    check_ip(panel, ip);
    if (!file_exists(panel, path))
        panel_fail(panel, E_NOTEXIST, "IP %s doesn't exist", ip);
    const char *used = value_of(panel, file_read(panel, path), "U_WEB_DOMAINS");
    if (*used != '\0' && !text_is(used, "0"))
        panel_fail(panel, E_EXISTS, "IP is in use / WEB_DOMAINS = %s", used);
    file_remove(panel, path);
}

static void run_ip_counters(struct panel *panel)
{
    const char *ips = dir_list(panel, IPS_DIR);
    panel_work(panel, panel->command->ms);
    for (const char *ip; (ip = text_next(panel, &ips, '\n')) != NULL;) {
        const char *users = dir_list(panel, USERS_DIR);
        struct buf names = BUF_INIT;
        size_t count = 0;
        for (const char *user; (user = text_next(panel, &users, '\n')) != NULL;) {
            const char *lines = file_read(panel, user_path(panel, user, "web.conf"));
            size_t before = count;
            for (const char *line; (line = text_next(panel, &lines, '\n')) != NULL;)
                count += strstr(line, ip) != NULL;
            if (count > before)
                buf_addf(&names, "%s%s", names.length > 0 ? "," : "", user);
        }
        const char *path = text_format(panel, IPS_DIR "/%s", ip), *text = file_read(panel, path);
        text = value_set(panel, text, "U_WEB_DOMAINS", text_format(panel, "%zu", count));
        file_edit(panel, path, value_set(panel, text, "U_SYS_USERS", text_take(panel, &names)));
    }
}

static void run_services(struct panel *panel)
{
    static const struct {
        const char *name, *label, *key;
        enum panel_service service;
    } services[] = {
        { "apache2", "web server", "WEB_SYSTEM", PANEL_WEB },
        { "php" PHP_VERSION "-fpm", "php interpreter", "WEB_BACKEND", PANEL_BACKEND },
        { "nginx", "reverse proxy", "PROXY_SYSTEM", PANEL_PROXY },
        { "bind9", "dns server", "DNS_SYSTEM", PANEL_DNS },
        { "exim4", "mail server", "MAIL_SYSTEM", PANEL_MAIL },
        { "dovecot", "imap/pop3 server", "IMAP_SYSTEM", PANEL_MAIL },
    };
    list_open(panel);
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if (!enabled(panel, services[i].key))
            continue;
        bool is_up = panel->host->ops->service(panel->host, services[i].service, PANEL_TEST, NULL);
        buf_addf(panel->out,
                 "    \"%s\": {\n        \"SYSTEM\": \"%s\",\n        \"STATE\": \"%s\",\n"
                 "        \"CPU\": \"0\",\n        \"MEM\": \"0\",\n        \"RTIME\": \"0\"\n    },\n",
                 services[i].name, services[i].label, is_up ? "running" : "stopped");
    }
    buf_add_text(panel->out,
                 "    \"ssh\": {\n        \"SYSTEM\": \"ssh server\",\n        \"STATE\": \"running\",\n"
                 "        \"CPU\": \"0\",\n        \"MEM\": \"0\",\n        \"RTIME\": \"0\"\n    }\n}\n");
}

static void run_php(struct panel *panel)
{
    list_array(panel, arg_or(panel, 1, "shell"), PHP_VERSION "\n", "\t");
}

/* The template files among the names. */
static void list_templates(struct panel *panel, const char *files, const char *except, const char *indent)
{
    const char *position = files;
    struct buf names = BUF_INIT;
    for (const char *name; (name = text_next(panel, &position, '\n')) != NULL;) {
        const char *template = text_copy(panel, name, strcspn(name, "."));
        if (text_ends(name, ".tpl") && !text_is(template, except))
            buf_addf(&names, "%s\n", template);
    }
    list_array(panel, arg_or(panel, 1, "shell"), text_take(panel, &names), indent);
}

static void run_templates_web(struct panel *panel)
{
    list_templates(panel, dir_list(panel, TEMPLATES_DIR "/web/apache2"), "suspended", "\t");
}

static void run_templates_proxy(struct panel *panel)
{
    list_templates(panel, dir_list(panel, TEMPLATES_DIR "/web/nginx"), "", "\t");
}

static void run_templates_backend(struct panel *panel)
{
    list_templates(panel, dir_list(panel, TEMPLATES_DIR "/web/php-fpm"), "", "\t");
}

static void run_templates_dns(struct panel *panel)
{
    list_templates(panel, dir_list_newest(panel, TEMPLATES_DIR "/dns"), "", "    ");
}

static void run_owner(struct panel *panel)
{
    const char *domain = arg(panel, 1), *type = arg(panel, 2), *users = dir_list(panel, USERS_DIR);
    static const char *const files[] = { "dns.conf", "mail.conf", "web.conf" };
    check_domain(panel, domain, "domain");
    bool is_typed = text_in_list("web,dns,mail", type);
    const char *line = text_format(panel, "DOMAIN='%s'", domain);
    for (const char *user; (user = text_next(panel, &users, '\n')) != NULL;) {
        for (size_t i = 0; i < ARRAY_LEN(files); i++) {
            if (is_typed && !text_starts(files[i], type))
                continue;
            if (strstr(file_read(panel, user_path(panel, user, files[i])), line) != NULL) {
                buf_addf(panel->out, "%s\n", user);
                return;
            }
        }
    }
    panel_exit(panel, E_NOTEXIST);
}

/* Web, zone and mail of one name. */
static void run_delete_domain(struct panel *panel)
{
    static const char *const kinds[] = { "web", "dns", "mail" };
    static const char *const systems[] = { "WEB_SYSTEM", "DNS_SYSTEM", "MAIL_SYSTEM" };
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *restart = arg(panel, 3);
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_restart(panel, restart);
    check_user(panel, user);
    bool is_found = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!enabled(panel, systems[i]) || *object_find(panel, user, kinds[i], "DOMAIN", domain) == '\0')
            continue;
        is_found = true;
        const char *command = text_format(panel, "v-delete-%s-domain", kinds[i]);
        int code = panel_child(panel, false, command, user, domain, "no", NULL);
        if (code != 0)
            panel_exit(panel, code);
    }
    if (!is_found)
        panel_fail(panel, E_NOTEXIST, "domain %s doesn't exist", domain);
    panel_restart(panel, "web", restart);
    panel_restart(panel, "proxy", restart);
    panel_restart(panel, "dns", restart);
}

/* As the user, who may not delete in a folder of root's: what is under web stays. */
static void run_delete_directory(struct panel *panel)
{
    const char *user = arg(panel, 1), *path = arg(panel, 2);
    check_user_name(panel, user, false);
    check_user(panel, user);
    const char *home = text_format(panel, "/home/%s/", user);
    if (!text_starts(path, home) || strstr(path, "..") != NULL)
        panel_fail(panel, E_INVALID, "invalid destination path %s", path);
    const char *slash = strrchr(path, '/');
    struct panel_stat stat;
    const char *parent = text_copy(panel, path, (size_t)(slash - path));
    bool is_own = panel->host->ops->stat(panel->host, parent, &stat) && text_is(stat.owner, user);
    if (!file_exists(panel, path))
        return;
    if (!is_own || !panel->host->ops->remove_tree(panel->host, path)) {
        buf_addf(panel->err, "rm: cannot remove '%s': Permission denied\n", path);
        panel_fail(panel, E_NOTEXIST, "directory %s was not deleted", path);
    }
}

const struct panel_command commands_system[] = {
    { "v-list-sys-config", run_config, LOOK, 30, 0, 0, NULL },
    { "v-list-sys-info", run_info, LOOK, 55, 0, 0, NULL },
    { "v-list-sys-ips", run_ips, LOOK, 20, 0, 0, NULL },
    { "v-list-user-ips", run_user_ips, LOOK, 40, 0, 1, "USER [FORMAT]" },
    { "v-delete-sys-ip", run_delete_ip, CHANGE, 90, 0, 1, "IP" },
    { "v-update-sys-ip-counters", run_ip_counters, CHANGE, 50, 0, 0, NULL },
    { "v-list-sys-services", run_services, LOOK, 440, 0, 0, NULL },
    { "v-list-sys-php", run_php, LOOK, 20, 0, 0, NULL },
    { "v-list-default-php", run_php, LOOK, 26, 0, 0, NULL },
    { "v-list-web-templates", run_templates_web, LOOK, 23, 0, 0, NULL },
    { "v-list-web-templates-proxy", run_templates_proxy, LOOK, 24, 0, 0, NULL },
    { "v-list-web-templates-backend", run_templates_backend, LOOK, 22, 0, 0, NULL },
    { "v-list-dns-templates", run_templates_dns, LOOK, 24, 0, 0, NULL },
    { "v-search-domain-owner", run_owner, LOOK, 30, 0, 1, "DOMAIN [TYPE]" },
    { "v-delete-domain", run_delete_domain, CHANGE, 1000, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-delete-fs-directory", run_delete_directory, CHANGE, 40, 0, 2, "USER DIRECTORY" },
};
const size_t commands_system_count = ARRAY_LEN(commands_system);
