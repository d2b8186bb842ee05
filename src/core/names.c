/* names.c - see names.h. */
#include "core/names.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_ID_DIGITS 10
#define SERVICE_ID_MAX INT64_C(9999999999)
#define BASE_MAX (NAMES_USERNAME_SIZE - 1)
#define HASHED_TRIES 64 /* candidates with five digits; all taken means that something else is wrong */

/* ---- the ownership mark ---- */

void names_package(const char *installation, int64_t service_id, char ret_package[NAMES_PACKAGE_SIZE])
{
    assert(strlen(installation) == NAMES_INSTALLATION_LENGTH);
    assert(service_id > 0 && service_id <= SERVICE_ID_MAX);
    snprintf(ret_package, NAMES_PACKAGE_SIZE, "b%s-%010" PRId64 "-x", installation, service_id);
}

/* b, six of [0-9a-z], a dash, ten digits, "-x" */
bool names_package_is_mark(const char *package)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t front = 1 + NAMES_INSTALLATION_LENGTH + 1;
    return strlen(package) == front + SERVICE_ID_DIGITS + 2 && package[0] == 'b' && package[front - 1] == '-' &&
           strspn(package + 1, letters) == NAMES_INSTALLATION_LENGTH &&
           strspn(package + front, "0123456789") == SERVICE_ID_DIGITS &&
           strcmp(package + front + SERVICE_ID_DIGITS, "-x") == 0;
}

bool names_package_owner(const char *package, const char *installation, int64_t *ret_service_id)
{
    if (!names_package_is_mark(package) || strncmp(package + 1, installation, NAMES_INSTALLATION_LENGTH) != 0)
        return false;
    int64_t id = strtoll(package + 1 + NAMES_INSTALLATION_LENGTH + 1, NULL, 10); /* stops at the "-x" */
    if (id == 0)
        return false;
    *ret_service_id = id;
    return true;
}

/* ---- panel users ---- */

/* Refused by the panel (its own list, existing system users and groups: Debian 12 with a panel on it), or misleading
 * for people who read a process list. Sorted. */
static const char *const reserved[] = {
    "abuse",      "adm",     "admin",    "administrator", "amavis",    "anonymous",
    "apache",     "apache2", "api",      "apt",           "audio",     "avahi",
    "awstats",    "backup",  "berth",    "bin",           "bind",      "billing",
    "cdrom",      "clamav",  "cpanel",   "cron",          "crontab",   "daemon",
    "data",       "debian",  "default",  "dialout",       "dip",       "dns",
    "dnsmasq",    "docker",  "dovecot",  "dovenull",      "exim",      "exim4",
    "fail2ban",   "fax",     "floppy",   "ftp",           "ftpd",      "games",
    "gnats",      "guest",   "hestia",   "hestiamail",    "hestiaweb", "host",
    "hostmaster", "httpd",   "imap",     "info",          "input",     "irc",
    "kmem",       "kvm",     "list",     "lists",         "localhost", "lp",
    "mail",       "mailman", "man",      "mariadb",       "memcache",  "messagebus",
    "munin",      "mysql",   "named",    "netdev",        "news",      "nginx",
    "nobody",     "nogroup", "noreply",  "ns1",           "ns2",       "ns3",
    "ns4",        "ntp",     "operator", "pgsql",         "php",       "phpmyadmin",
    "plugdev",    "polkitd", "pop3",     "postfix",       "postgres",  "postmaster",
    "proftpd",    "proxy",   "public",   "redis",         "render",    "root",
    "roundcube",  "sasl",    "security", "server",        "sftp",      "sgx",
    "shadow",     "smtp",    "snap",     "snappymail",    "spam",      "src",
    "ssh",        "sshd",    "ssl",      "staff",         "statd",     "sudo",
    "support",    "sync",    "sys",      "syslog",        "system",    "systemd",
    "tape",       "test",    "tomcat",   "tty",           "ubuntu",    "unbound",
    "users",      "utmp",    "uucp",     "vesta",         "video",     "vmail",
    "voice",      "vsftpd",  "web",      "webmail",       "webmaster", "wheel",
    "whmcs",      "www",     "wwwdata",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (strcmp(reserved[i], name) == 0)
            return true;
    }
    return false;
}

/* Rules 1 to 4. */
static void username_base(const char *domain, char ret_base[NAMES_USERNAME_SIZE])
{
    size_t length = 0;
    for (const char *label = domain; label != NULL && length < 2;) {
        const char *end = strchr(label, '.');
        const char *c = strncmp(label, "xn--", 4) == 0 ? label + 4 : label;
        for (; *c != '\0' && *c != '.'; c++) {
            bool digit = *c >= '0' && *c <= '9';
            if (!digit && (*c < 'a' || *c > 'z'))
                continue;
            if (digit && length == 0)
                ret_base[length++] = 'u';
            if (length < BASE_MAX)
                ret_base[length++] = *c;
        }
        label = end != NULL ? end + 1 : NULL;
    }
    ret_base[length] = '\0';
}

/* The base, cut so that the number fits behind it. */
static void username_with_number(const char *base, unsigned number, char ret_name[NAMES_USERNAME_SIZE])
{
    char digits[12];
    int digit_count = snprintf(digits, sizeof(digits), "%u", number);
    snprintf(ret_name, NAMES_USERNAME_SIZE, "%.*s%s", BASE_MAX - digit_count, base, digits);
}

/* Five digits, 10000 to 99999, that the domain leads to: the same for the same domain, spread for all others. */
static unsigned domain_number(const char *domain)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)domain, strlen(domain), NULL, 0);
    uint32_t number = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    return number % 90000;
}

bool names_username(const char *domain,
                    bool (*taken)(void *context, const char *name, bool *ret_taken, struct err *err), void *context,
                    char ret_username[NAMES_USERNAME_SIZE], struct err *err)
{
    char base[NAMES_USERNAME_SIZE];
    username_base(domain, base);
    assert(strlen(base) >= 2); /* a normalised domain has two labels with letters or digits */
    unsigned offset = domain_number(domain);
    for (unsigned attempt = 1; attempt <= 9 + HASHED_TRIES; attempt++) {
        char name[NAMES_USERNAME_SIZE];
        if (attempt == 1)
            memcpy(name, base, sizeof(name));
        else
            username_with_number(base, attempt <= 9 ? attempt : 10000 + (offset + attempt - 10) % 90000, name);
        bool is_taken = is_reserved(name);
        if (!is_taken && !taken(context, name, &is_taken, err))
            return err_wrap(err, "user name for %s", domain);
        if (!is_taken) {
            memcpy(ret_username, name, sizeof(name));
            return true;
        }
    }
    return err_set(err, ERR_CONFLICT, "no free user name for %s: %s and %d names like it are taken", domain, base,
                   9 + HASHED_TRIES - 1);
}
