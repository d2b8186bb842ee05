/* domain.c - whose a name is, and which address a user may use. */
#include <string.h>

#include "internal.h"

const char *domain_format(struct panel *panel, const char *domain)
{
    const char *name = text_lower(panel, domain);
    name += text_starts(name, "www.") ? 4 : 0;
    size_t length = strlen(name);
    while (length > 0 && strchr(". \t", name[length - 1]) != NULL)
        length--;
    char *copy = text_copy(panel, name, length);
    return copy + strspn(copy, ". \t");
}

/* Walk over D/FILE of every user; *position starts as the list of users. */
static const char *next_user(struct panel *panel, const char **position)
{
    return text_next(panel, position, '\n');
}

static bool web_has(struct panel *panel, const char *text, const char *key, const char *name)
{
    const char *position = text;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        const char *value = value_of(panel, line, key);
        if (text_is(key, "ALIAS") ? text_in_list(value, name) : text_is(value, name))
            return true;
    }
    return false;
}

static void check_web(struct panel *panel, const char *user, const char *kind, const char *name)
{
    bool is_web = text_is(kind, "web"), is_alias = false;
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *owner; (owner = next_user(panel, &position)) != NULL;) {
        const char *text = file_read(panel, user_path(panel, owner, "web.conf"));
        if (strstr(text, name) == NULL)
            continue;
        if (web_has(panel, text, "DOMAIN", name) && (is_web || !text_is(owner, user)))
            panel_fail(panel, E_EXISTS, "Web domain %s exists", name);
        is_alias |= is_web && web_has(panel, text, "ALIAS", name);
    }
    if (is_alias)
        panel_fail(panel, E_EXISTS, "Web alias %s exists", name);
}

/* The first user that has D/KIND/NAME.conf; "" when nobody. */
static const char *owner_of_file(struct panel *panel, const char *kind, const char *name)
{
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *owner; (owner = next_user(panel, &position)) != NULL;) {
        if (file_exists(panel, text_format(panel, USERS_DIR "/%s/%s/%s.conf", owner, kind, name)))
            return owner;
    }
    return "";
}

static void check_file(struct panel *panel, const char *user, const char *kind, const char *file, const char *label,
                       const char *name)
{
    const char *owner = owner_of_file(panel, file, name);
    if (*owner != '\0' && (text_is(kind, file) || !text_is(owner, user)))
        panel_fail(panel, E_EXISTS, "%s domain %s exists", label, name);
}

static void check_mail_reserved(struct panel *panel, const char *name)
{
    const char *dot = strchr(name, '.');
    const char *sub = text_copy(panel, name, strcspn(name, ".")), *parent = dot == NULL ? name : dot + 1;
    const char *const reserved[] = { "mail", config(panel, "WEBMAIL_ALIAS") };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        const char *under = text_format(panel, "%s.%s", reserved[i], name);
        if (*owner_of_file(panel, "mail", under) != '\0')
            panel_fail(panel, E_EXISTS, "Required subdomain \"%s\" already exists", under);
        if (text_is(sub, reserved[i]) && *owner_of_file(panel, "mail", parent) != '\0')
            panel_fail(panel, E_INVALID, "The subdomain \"%s.\" is reserved by \"%s\"", sub, parent);
    }
}

void domain_check_new(struct panel *panel, const char *user, const char *kind, const char *names)
{
    for (const char *name; (name = text_next(panel, &names, ',')) != NULL;) {
        if (enabled(panel, "WEB_SYSTEM"))
            check_web(panel, user, kind, name);
        if (enabled(panel, "DNS_SYSTEM"))
            check_file(panel, user, kind, "dns", "DNS", name);
        if (!enabled(panel, "MAIL_SYSTEM"))
            continue;
        check_file(panel, user, kind, "mail", "Mail", name);
        if (text_is(kind, "mail"))
            check_mail_reserved(panel, name);
    }
}

static bool is_suffix(struct panel *panel, const char *suffix)
{
    const char *list = file_read(panel, PSL_FILE);
    if (*list == '\0' && !file_exists(panel, PSL_FILE))
        panel_fail(panel, E_NOTEXIST, "public_suffix_list.dat not found");
    if (*suffix == '\0')
        return true; /* a name that cannot be decoded: the panel then finds the empty lines of the list */
    const char *line = text_format(panel, "\n%s\n", suffix);
    return text_starts(list, line + 1) || strstr(list, line) != NULL;
}

/* The last count labels of the name; the whole name when it has no more. */
static const char *last_labels(const char *name, size_t count)
{
    const char *at = name + strlen(name);
    while (at > name) {
        if (at[-1] == '.' && --count == 0)
            break;
        at--;
    }
    return at;
}

bool domain_has_double_suffix(struct panel *panel, const char *domain)
{
    return is_suffix(panel, last_labels(text_idn_unicode(panel, domain), 2));
}

static const char *base_domain(struct panel *panel, const char *domain)
{
    bool is_known = is_suffix(panel, last_labels(text_idn_unicode(panel, domain), 1));
    return last_labels(domain, is_known && domain_has_double_suffix(panel, domain) ? 3 : 2);
}

/* Does another user have the name, as domain, zone or mail domain? */
static bool is_foreign(struct panel *panel, const char *user, const char *name)
{
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *owner; (owner = next_user(panel, &position)) != NULL;) {
        if (text_is(owner, user))
            continue;
        const char *web = file_read(panel, user_path(panel, owner, "web.conf"));
        if (enabled(panel, "WEB_SYSTEM") && web_has(panel, web, "DOMAIN", name))
            return true;
    }
    const char *dns = enabled(panel, "DNS_SYSTEM") ? owner_of_file(panel, "dns", name) : "";
    const char *mail = enabled(panel, "MAIL_SYSTEM") ? owner_of_file(panel, "mail", name) : "";
    return (*dns != '\0' && !text_is(dns, user)) || (*mail != '\0' && !text_is(mail, user));
}

void domain_check_base_owner(struct panel *panel, const char *user, const char *names)
{
    bool is_enforced = text_is(config(panel, "ENFORCE_SUBDOMAIN_OWNERSHIP"), "yes");
    for (const char *name; (name = text_next(panel, &names, ',')) != NULL;) {
        if (text_is(name, "none"))
            continue;
        const char *base = base_domain(panel, name);
        if (is_enforced && is_foreign(panel, user, base))
            panel_fail(panel, E_EXISTS, "Unable to add %s. %s belongs to a different user", name, base);
    }
}

void domain_check_not_ip(struct panel *panel, const char *domain)
{
    if (!ip4_is_valid(domain))
        return;
    panel_error(panel, "Invalid domain format. IP address detected as input.");
    panel_exit(panel, E_ARGS);
}

static const char *ip_value(struct panel *panel, const char *ip, const char *key)
{
    return value_of(panel, file_read(panel, text_format(panel, IPS_DIR "/%s", ip)), key);
}

const char *ip_real(struct panel *panel, const char *ip)
{
    if (file_exists(panel, text_format(panel, IPS_DIR "/%s", ip)))
        return ip;
    const char *position = dir_list(panel, IPS_DIR);
    for (const char *local; (local = text_next(panel, &position, '\n')) != NULL;) {
        if (text_is(ip_value(panel, local, "NAT"), ip))
            return local;
    }
    return "";
}

/* The user's own addresses come first, then the shared ones of the root user. */
static const char *first_ip(struct panel *panel, const char *user)
{
    const char *shared = "", *position = dir_list(panel, IPS_DIR);
    for (const char *ip; (ip = text_next(panel, &position, '\n')) != NULL;) {
        const char *owner = ip_value(panel, ip, "OWNER");
        if (text_is(owner, user))
            return ip;
        if (*shared == '\0' && text_is(owner, panel->root_user) && text_is(ip_value(panel, ip, "STATUS"), "shared"))
            shared = ip;
    }
    return shared;
}

const char *ip_for_user(struct panel *panel, const char *user, const char *ip, const char **ret_local)
{
    if (*ip == '\0') {
        const char *local = first_ip(panel, user);
        if (*local == '\0')
            panel_fail(panel, E_NOTEXIST, "no IP is available");
        const char *nat = ip_value(panel, local, "NAT");
        *ret_local = local;
        return *nat != '\0' ? nat : local;
    }
    const char *local = ip_real(panel, ip);
    if (*local == '\0')
        panel_fail(panel, E_NOTEXIST, "IP %s doesn't exist", ip);
    const char *owner = ip_value(panel, local, "OWNER");
    bool is_dedicated = text_is(ip_value(panel, local, "STATUS"), "dedicated");
    if (!text_is(owner, user) && (is_dedicated || !text_is(owner, panel->root_user)))
        panel_fail(panel, E_FORBIDDEN, "%s user can't use IP %s", user, ip);
    *ret_local = local;
    return ip;
}

/* The comma list with or without the user, sorted as sort -u does. */
static const char *users_with(struct panel *panel, const char *list, const char *user, bool is_in)
{
    struct buf users = BUF_INIT;
    bool is_placed = !is_in;
    for (const char *name; (name = text_next(panel, &list, ',')) != NULL;) {
        if (text_is(name, user))
            continue;
        if (!is_placed && strcmp(user, name) < 0) {
            buf_addf(&users, "%s%s", users.length > 0 ? "," : "", user);
            is_placed = true;
        }
        buf_addf(&users, "%s%s", users.length > 0 ? "," : "", name);
    }
    if (!is_placed)
        buf_addf(&users, "%s%s", users.length > 0 ? "," : "", user);
    return text_take(panel, &users);
}

void ip_count(struct panel *panel, const char *local_ip, const char *user, int change)
{
    const char *path = text_format(panel, IPS_DIR "/%s", local_ip), *text = file_read(panel, path);
    const char *count = value_of(panel, text, "U_WEB_DOMAINS");
    if (*count == '\0') {
        panel_error(panel, "Parsing error");
        panel_exit(panel, E_PARSING);
    }
    const char *web = file_read(panel, user_path(panel, user, "web.conf"));
    bool is_in = change > 0 || strstr(web, local_ip) != NULL;
    const char *users = value_of(panel, text, "U_SYS_USERS");
    text = value_set(panel, text, "U_WEB_DOMAINS", text_format(panel, "%ld", atol(count) + change));
    text = value_set(panel, text, "U_SYS_USERS", users_with(panel, users, user, is_in));
    file_edit(panel, path, text);
}
