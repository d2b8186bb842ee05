/* layout.c - a fresh panel on a node: what its installer leaves behind. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* hestia.conf in the order of v-list-sys-config. A role in the first column: which nodes have the value; others have "". */
enum { ALL, WEB, MAIL, DNS };

static const struct {
    int role;
    const char *key, *value;
} settings[] = {
    { ALL, "ANTISPAM_SYSTEM", "" },
    { ALL, "ANTIVIRUS_SYSTEM", "" },
    { ALL, "API", "yes" },
    { ALL, "API_ALLOWED_IP", "" },
    { ALL, "API_SYSTEM", "1" },
    { ALL, "APP_NAME", "Hestia Control Panel" },
    { ALL, "BACKEND_PORT", "8083" },
    { ALL, "BACKUP", "/backup" },
    { ALL, "BACKUP_GZIP", "4" },
    { ALL, "BACKUP_INCREMENTAL", "no" },
    { ALL, "BACKUP_MODE", "zstd" },
    { ALL, "BACKUP_SYSTEM", "local" },
    { ALL, "CRON_SYSTEM", "cron" },
    { ALL, "DB_PMA_ALIAS", "phpmyadmin" },
    { ALL, "DB_SYSTEM", "mysql" },
    { ALL, "DEBUG_MODE", "false" },
    { ALL, "DISABLE_IP_CHECK", "no" },
    { ALL, "DISK_QUOTA", "no" },
    { ALL, "RESOURCES_LIMIT", "no" },
    { ALL, "DNS_CLUSTER_SYSTEM", "hestia" },
    { DNS, "DNS_SYSTEM", "bind9" },
    { ALL, "ENFORCE_SUBDOMAIN_OWNERSHIP", "yes" },
    { ALL, "FTP_SYSTEM", "vsftpd" },
    { ALL, "HIDE_DOCS", "no" },
    { MAIL, "IMAP_SYSTEM", "dovecot" },
    { ALL, "INACTIVE_SESSION_TIMEOUT", "60" },
    { ALL, "LANGUAGE", "en" },
    { ALL, "LOGIN_STYLE", "default" },
    { MAIL, "MAIL_SYSTEM", "exim4" },
    { ALL, "PLUGIN_APP_INSTALLER", "true" },
    { ALL, "POLICY_BACKUP_SUSPENDED_USERS", "no" },
    { ALL, "POLICY_CSRF_STRICTNESS", "1" },
    { ALL, "POLICY_SYNC_ERROR_DOCUMENTS", "yes" },
    { ALL, "POLICY_SYNC_SKELETON", "yes" },
    { ALL, "POLICY_SYSTEM_ENABLE_BACON", "false" },
    { ALL, "POLICY_SYSTEM_HIDE_SERVICES", "no" },
    { ALL, "POLICY_SYSTEM_PASSWORD_RESET", "no" },
    { ALL, "POLICY_SYSTEM_PROTECTED_ADMIN", "yes" },
    { ALL, "POLICY_USER_CHANGE_THEME", "yes" },
    { ALL, "POLICY_USER_DELETE_LOGS", "yes" },
    { ALL, "POLICY_USER_EDIT_DETAILS", "yes" },
    { ALL, "POLICY_USER_EDIT_DNS_TEMPLATES", "yes" },
    { ALL, "POLICY_USER_EDIT_WEB_TEMPLATES", "yes" },
    { ALL, "POLICY_USER_VIEW_LOGS", "yes" },
    { ALL, "POLICY_USER_VIEW_SUSPENDED", "no" },
    { ALL, "PROXY_PORT", "80" },
    { ALL, "PROXY_SSL_PORT", "443" },
    { WEB, "PROXY_SYSTEM", "nginx" },
    { ALL, "RELEASE_BRANCH", "release" },
    { ALL, "ROOT_USER", "admin" },
    { ALL, "STATS_SYSTEM", "awstats" },
    { ALL, "SUBJECT_EMAIL", "{{subject}}" },
    { ALL, "SUPPORT_DNSSEC", "yes" },
    { ALL, "THEME", "dark" },
    { ALL, "TITLE", "{{page}} - {{hostname}} - {{appname}}" },
    { ALL, "UPGRADE_SEND_EMAIL", "true" },
    { ALL, "UPGRADE_SEND_EMAIL_LOG", "false" },
    { ALL, "USE_SERVER_SMTP", "false" },
    { ALL, "VERSION", "1.10.3" },
    { ALL, "WEBMAIL_ALIAS", "webmail" },
    { ALL, "WEBMAIL_SYSTEM", "roundcube" },
    { WEB, "WEB_BACKEND", "php-fpm" },
    { ALL, "WEB_PORT", "8080" },
    { ALL, "WEB_RGROUPS", "www-data" },
    { ALL, "WEB_SSL", "mod_ssl" },
    { ALL, "WEB_SSL_PORT", "8443" },
    { WEB, "WEB_SYSTEM", "apache2" },
    { ALL, "WEB_TERMINAL", "false" },
    { ALL, "WEB_TERMINAL_PORT", "8085" },
};

static const char *const folders[] = {
    PANEL_ROOT,
    PANEL_ROOT "/bin",
    PANEL_ROOT "/conf",
    PANEL_ROOT "/log",
    PANEL_ROOT "/data",
    USERS_DIR,
    PACKAGES_DIR,
    IPS_DIR,
    QUEUE_DIR,
    PANEL_ROOT "/data/extensions",
    TEMPLATES_DIR,
    TEMPLATES_DIR "/web",
    TEMPLATES_DIR "/web/apache2",
    TEMPLATES_DIR "/web/nginx",
    TEMPLATES_DIR "/web/php-fpm",
    TEMPLATES_DIR "/web/suspend",
    "/etc/apache2",
    "/etc/apache2/conf.d",
    "/etc/apache2/conf.d/domains",
    "/var/log/apache2",
    "/var/log/apache2/domains",
    "/srv/jail",
    TEMPLATES_DIR "/dns",
};

/* Only names count for the templates of the servers: the model writes its own configuration files. All zone templates hold
 * the records of the default one. */
static const char *const template_files[] = {
    "web/apache2/default.tpl", "web/nginx/caching.tpl",   "web/nginx/default.tpl",
    "web/nginx/hosting.tpl",   "web/nginx/suspended.tpl", "web/php-fpm/PHP-8_2.tpl",
    "web/php-fpm/default.tpl", "web/php-fpm/no-php.tpl",  "web/php-fpm/socket.tpl",
    "dns/child-ns.tpl",        "dns/default-nomail.tpl",  "dns/default.tpl",
    "dns/gmail.tpl",           "dns/office365.tpl",       "dns/zoho.tpl",
};

/* The zone of a new domain: ids 1-8 are name servers, the rest follows. */
static const struct {
    const char *record, *type, *priority, *value;
} zone_template[] = {
    { "@", "A", "", "%ip%" },
    { "www", "CNAME", "", "%domain%." },
    { "ftp", "CNAME", "", "%domain%." },
    { "mail", "A", "", "%ip%" },
    { "webmail", "CNAME", "", "mail.%domain%." },
    { "@", "MX", "0", "mail.%domain%." },
    { "@", "TXT", "", "\"v=spf1 a mx ip4:%ip% -all\"" },
    { "_dmarc", "TXT", "", "\"v=DMARC1; p=quarantine; pct=100\"" },
    { "_submission._tcp", "SRV", "1", "0 587 mail.%domain%." },
    { "_imap._tcp", "SRV", "1", "0 143 mail.%domain%." },
    { "_imaps._tcp", "SRV", "1", "0 993 mail.%domain%." },
    { "_pop3._tcp", "SRV", "1", "0 110 mail.%domain%." },
    { "_pop3s._tcp", "SRV", "1", "0 995 mail.%domain%." },
};

/* Enough of the public suffix list for the names that a test or a demo uses. */
static const char suffixes[] =
    "com\nnet\norg\ninfo\nbiz\nio\ndev\napp\nde\nat\nch\nfr\nnl\nbe\neu\nes\nit\npl\ncz\npt\nse\nuk\nco.uk\norg.uk\n"
    "au\ncom.au\nnet.au\nnz\nco.nz\njp\nco.jp\nne.jp\nbr\ncom.br\nza\nco.za\nin\nco.in\nus\nca\nmx\ncom.mx\ntr\n"
    "com.tr\ncn\ncom.cn\nkr\nco.kr\nil\nco.il\n";

static bool put(struct panel_host *host, const char *path, const struct buf *text)
{
    bool is_new = host->ops->write(host, path, buf_text(text), text->length);
    host->ops->set_mode(host, path, 0644);
    return is_new;
}

static bool role_has(enum panel_role role, int need)
{
    switch (role) {
    case PANEL_ROLE_FULL: return true;
    case PANEL_ROLE_WEB: return need == ALL || need == WEB;
    case PANEL_ROLE_MAIL: return need == ALL || need == MAIL;
    case PANEL_ROLE_DNS: return need == ALL || need == DNS;
    }
    abort();
}

static bool put_config(struct panel_host *host, enum panel_role role, const char *hostname)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        buf_addf(&text, "%s='%s'\n", settings[i].key, role_has(role, settings[i].role) ? settings[i].value : "");
    bool is_written = put(host, CONF_FILE, &text);
    host->ops->set_mode(host, CONF_FILE, 0640);
    buf_clear(&text);
    buf_addf(&text, "%s\n", hostname);
    if (!host->ops->stat(host, "/etc/hostname", &(struct panel_stat){ 0 }))
        is_written &= put(host, "/etc/hostname", &text);
    buf_finish(&text);
    return is_written;
}

static void add_package(struct buf *text, const char *count, const char *databases, const char *stamp)
{
    buf_addf(text,
             "WEB_TEMPLATE='default'\nPROXY_TEMPLATE='default'\nBACKEND_TEMPLATE='default'\nDNS_TEMPLATE='default'\n"
             "WEB_DOMAINS='%s'\nWEB_ALIASES='%s'\nDNS_DOMAINS='%s'\nDNS_RECORDS='unlimited'\nMAIL_DOMAINS='%s'\n"
             "MAIL_ACCOUNTS='%s'\nRATE_LIMIT='200'\nDATABASES='%s'\nCRON_JOBS='unlimited'\nDISK_QUOTA='unlimited'\n"
             "CPU_QUOTA='unlimited'\nCPU_QUOTA_PERIOD='unlimited'\nMEMORY_LIMIT='unlimited'\nSWAP_LIMIT='unlimited'\n"
             "BANDWIDTH='unlimited'\nNS='ns1.example.net,ns2.example.net'\nSHELL='nologin'\nBACKUPS='1'\n"
             "BACKUPS_INCREMENTAL='no'\n%s",
             count, count, count, count, count, databases, stamp);
}

static bool put_packages(struct panel_host *host)
{
    struct buf text = BUF_INIT;
    add_package(&text, "unlimited", "unlimited", "TIME='18:00:00'\nDATE='2019-01-15'\n");
    bool is_written = put(host, PACKAGES_DIR "/default.pkg", &text);
    buf_clear(&text);
    add_package(&text, "1", "0", "TIME='00:00:00'\nDATE='2022-01-20'\n");
    is_written &= put(host, PACKAGES_DIR "/system.pkg", &text);
    buf_finish(&text);
    return is_written;
}

static void add_record(struct buf *text, unsigned id, const char *record, const char *type, const char *priority,
                       const char *value)
{
    buf_addf(text,
             "ID='%u' RECORD='%s' TYPE='%s' PRIORITY='%s' VALUE='%s' SUSPENDED='no' TIME='%%time%%' "
             "DATE='%%date%%'\n",
             id, record, type, priority, value);
}

static bool put_templates(struct panel_host *host)
{
    struct buf text = BUF_INIT;
    char value[32];
    bool is_written = true;
    for (unsigned i = 1; i <= 8; i++) {
        snprintf(value, sizeof(value), "%%ns%u%%.", i);
        add_record(&text, i, "@", "NS", "", value);
    }
    for (unsigned i = 0; i < ARRAY_LEN(zone_template); i++)
        add_record(&text, i + 9, zone_template[i].record, zone_template[i].type, zone_template[i].priority,
                   zone_template[i].value);
    for (size_t i = 0; i < ARRAY_LEN(template_files); i++) {
        char path[256];
        snprintf(path, sizeof(path), TEMPLATES_DIR "/%s", template_files[i]);
        bool is_dns = text_starts(template_files[i], "dns/");
        is_written &= put(host, path, is_dns ? &text : &(struct buf){ 0 });
    }
    buf_finish(&text);
    return is_written;
}

static void add_root_user(struct buf *text, const char *hostname, const char *key, const char *time, const char *date)
{
    static const char *const zeros[] = {
        "SUSPENDED_USERS", "SUSPENDED_WEB", "SUSPENDED_DNS", "SUSPENDED_MAIL", "SUSPENDED_DB", "SUSPENDED_CRON",
    };
    static const char *const counters[] = {
        "U_DISK",        "U_DISK_DIRS",     "U_DISK_WEB",    "U_DISK_MAIL",   "U_DISK_DB",     "U_BANDWIDTH",
        "U_WEB_DOMAINS", "U_WEB_SSL",       "U_WEB_ALIASES", "U_DNS_DOMAINS", "U_DNS_RECORDS", "U_MAIL_DOMAINS",
        "U_MAIL_DKIM",   "U_MAIL_ACCOUNTS", "U_MAIL_SSL",    "U_DATABASES",   "U_CRON_JOBS",   "U_BACKUPS",
    };
    buf_add_text(text, "NAME='System Administrator'\nPACKAGE='default'\n");
    add_package(text, "unlimited", "unlimited", "");
    buf_addf(text,
             "CONTACT='admin@%s'\nCRON_REPORTS='yes'\nMD5=''\nRKEY='%s'\nTWOFA=''\nQRCODE=''\nPHPCLI=''\n"
             "ROLE='admin'\nSUSPENDED='no'\n",
             hostname, key);
    for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
        buf_addf(text, "%s='0'\n", zeros[i]);
    buf_add_text(text, "IP_AVAIL='1'\nIP_OWNED='1'\nU_USERS='1'\n");
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        buf_addf(text, "%s='0'\n", counters[i]);
    buf_addf(text,
             "LANGUAGE='en'\nTHEME=''\nNOTIFICATIONS='yes'\nPREF_UI_SORT='name'\nLOGIN_DISABLED='no'\n"
             "LOGIN_USE_IPLIST='no'\nLOGIN_ALLOW_IPS=''\nTIME='%s'\nDATE='%s'\n",
             time, date);
}

static bool put_root_user(struct panel_host *host, const char *hostname, const char *time, const char *date)
{
    static const char *const parts[] = { "web.conf", "dns.conf", "mail.conf", "db.conf", "cron.conf", "backup.conf" };
    static const char *const homes[] = { "conf", "conf/web", "conf/dns", "conf/mail", "web", "mail", "tmp" };
    char path[256], key[17];
    struct buf text = BUF_INIT;
    snprintf(path, sizeof(path), "admin@%s", hostname);
    host->ops->user_add(host, "admin", "/sbin/nologin", path);
    host->ops->random_text(host, 16, key);
    add_root_user(&text, hostname, key, time, date);
    host->ops->make_dir(host, USERS_DIR "/admin");
    host->ops->make_dir(host, USERS_DIR "/admin/dns");
    host->ops->make_dir(host, USERS_DIR "/admin/mail");
    host->ops->make_dir(host, USERS_DIR "/admin/ssl");
    bool is_written = put(host, USERS_DIR "/admin/user.conf", &text);
    buf_clear(&text);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        snprintf(path, sizeof(path), USERS_DIR "/admin/%s", parts[i]);
        is_written &= put(host, path, &text);
    }
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        snprintf(path, sizeof(path), "/home/admin/%s", homes[i]);
        host->ops->make_dir(host, path);
        host->ops->set_mode(host, path, 0755);
    }
    buf_finish(&text);
    return is_written;
}

static bool put_address(struct panel_host *host, const char *ip, const char *time, const char *date)
{
    char path[128];
    struct buf text = BUF_INIT;
    buf_addf(&text,
             "OWNER='admin'\nSTATUS='shared'\nNAME=''\nU_SYS_USERS=''\nU_WEB_DOMAINS='0'\nINTERFACE='eth0'\n"
             "NETMASK='255.255.255.0'\nNAT=''\nTIME='%s'\nDATE='%s'\n",
             time, date);
    snprintf(path, sizeof(path), IPS_DIR "/%s", ip);
    bool is_written = put(host, path, &text);
    buf_clear(&text);
    buf_add_text(&text, suffixes);
    is_written &= put(host, PSL_FILE, &text);
    buf_finish(&text);
    return is_written;
}

/* The installer switches the SFTP jail on: customers' logins see their home only. It comes last in the file. */
static bool put_jail(struct panel_host *host)
{
    static const char jail[] =
        "\n# Hestia SFTP Chroot\nMatch User sftp_dummy99,admin\n"
        "    ChrootDirectory /srv/jail/%u\n    ForceCommand internal-sftp -d /home/%u\n";
    struct buf text = BUF_INIT;
    bool is_written = true;
    if (!host->ops->read(host, SSHD_CONFIG, &text) || strstr(buf_text(&text), "# Hestia SFTP Chroot") == NULL)
        is_written = host->ops->append(host, SSHD_CONFIG, jail, sizeof(jail) - 1);
    buf_finish(&text);
    return is_written;
}

/* Customers' logins have no shell; it counts only when /etc/shells knows it. */
static bool put_shell(struct panel_host *host)
{
    static const char shell[] = "/sbin/nologin\n";
    struct buf text = BUF_INIT;
    bool is_known = host->ops->read(host, "/etc/shells", &text) && strstr(buf_text(&text), shell) != NULL;
    buf_finish(&text);
    return is_known || host->ops->append(host, "/etc/shells", shell, sizeof(shell) - 1);
}

static bool put_suspend_page(struct panel_host *host)
{
    struct buf text = BUF_INIT;
    buf_add_text(&text,
                 "<!doctype html>\n<html lang=\"en\">\n<title>Suspended</title>\n<p>This site is suspended.</p>\n");
    bool is_written = put(host, TEMPLATES_DIR "/web/suspend/index.html", &text);
    buf_finish(&text);
    return is_written;
}

bool panel_layout(struct panel_host *host, enum panel_role role, const char *ip, const char *hostname)
{
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        host->ops->make_dir(host, folders[i]);
    time_t now = (time_t)(host->ops->wall_ms(host) / 1000);
    struct tm parts;
    localtime_r(&now, &parts);
    char time[16], date[16];
    strftime(time, sizeof(time), "%T", &parts);
    strftime(date, sizeof(date), "%F", &parts);
    return put_config(host, role, hostname) && put_packages(host) && put_templates(host) &&
           put_root_user(host, hostname, time, date) && put_address(host, ip, time, date) && put_jail(host) &&
           put_shell(host) && put_suspend_page(host);
}
