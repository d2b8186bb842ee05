/* check.c - the panel's checks of arguments and objects, each with its text and exit code. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "internal.h"

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* First and last of one set, what is between of another; one character: alphanumeric. */
static bool has_shape(const char *text, const char *edge, const char *middle, size_t length_max)
{
    size_t length = strlen(text);
    if (length == 0 || length > length_max)
        return false;
    if (length == 1)
        return isalnum((unsigned char)text[0]) != 0;
    for (size_t i = 0; i < length; i++) {
        const char *more = i == 0 || i + 1 == length ? edge : middle;
        if (!isalnum((unsigned char)text[i]) && strchr(more, text[i]) == NULL)
            return false;
    }
    return is_ascii(text);
}

void check_user_name(struct panel *panel, const char *user, bool is_new)
{
    if (*user == '\0')
        return;
    bool is_valid = has_shape(user, "", "-|._", 30);
    if (is_new) /* a new name also begins with a letter, has no dot and two characters at least */
        is_valid &= isalpha((unsigned char)user[0]) && strchr(user, '.') == NULL && user[1] != '\0';
    if (!is_valid)
        panel_fail(panel, E_INVALID, "invalid user format :: %s", user);
}

void check_domain(struct panel *panel, const char *domain, const char *what)
{
    size_t length = strlen(domain);
    if (length == 0)
        return;
    bool is_bad = strpbrk(domain, "][!@#$^&*()+={},<>?_/\\\"|'`;% \t\n\r\v\f") != NULL ||
                  strspn(domain, "0123456789") == length || strstr(domain, "..") != NULL || domain[0] == '-' ||
                  domain[0] == '.' || domain[length - 1] == '-' || domain[length - 1] == '.' ||
                  strstr(domain, ".-") != NULL || strstr(domain, "-.") != NULL || text_is(domain, "www");
    if (is_bad)
        panel_fail(panel, E_INVALID, "invalid %s format :: %s", what, domain);
}

void check_aliases(struct panel *panel, const char *aliases)
{
    for (const char *alias; (alias = text_next(panel, &aliases, ',')) != NULL;) {
        const char *star = strchr(alias, '*');
        bool is_bad = strpbrk(alias, "][!@#$^&()+={}<>?_/\\\"|'`;% \t\n") != NULL || strstr(alias, "..") != NULL ||
                      strchr("-.", alias[0]) != NULL || strchr("-.", alias[strlen(alias) - 1]) != NULL ||
                      strstr(alias, ".-") != NULL || strstr(alias, "-.") != NULL ||
                      (star != NULL && !text_starts(alias, "*."));
        if (is_bad)
            panel_fail(panel, E_INVALID, "invalid alias format :: %s", alias);
    }
}

bool ip4_is_valid(const char *ip)
{
    struct in_addr address;
    return inet_pton(AF_INET, ip, &address) == 1;
}

void check_ip(struct panel *panel, const char *ip)
{
    if (*ip != '\0' && !ip4_is_valid(ip))
        panel_fail(panel, E_INVALID, "invalid ip :: %s", ip);
}

void check_number(struct panel *panel, const char *value, const char *what)
{
    if (*value == '\0' || strspn(value, "0123456789") != strlen(value))
        panel_fail(panel, E_INVALID, "invalid %s format :: %s", what, value);
}

void check_boolean(struct panel *panel, const char *value, const char *what)
{
    if (!text_is(value, "yes") && !text_is(value, "no"))
        panel_fail(panel, E_INVALID, "invalid %s format :: %s", what, value);
}

void check_restart(struct panel *panel, const char *value)
{
    if (*value != '\0' && !text_in_list("yes,no,ssl,reload,updatessl,scheduled", value))
        panel_fail(panel, E_INVALID, "invalid restart format :: %s", value);
}

void check_email(struct panel *panel, const char *email)
{
    const char *at = strchr(email, '@'), *dot = strrchr(email, '.');
    bool is_valid = *email == '\0' || (at != NULL && at > email && dot != NULL && dot > at + 1);
    if (*email != '\0' && is_valid) {
        for (const char *c = email; c < at; c++)
            is_valid &= isalnum((unsigned char)*c) || strchr("._%+-", *c) != NULL;
        for (const char *c = at + 1; c < dot; c++)
            is_valid &= isalnum((unsigned char)*c) || strchr(".-", *c) != NULL;
        const char *top = dot + 1;
        size_t plain = strspn(top, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), length = strlen(top);
        bool is_plain = plain == length && length >= 2 && length <= 63;
        bool is_idn = text_starts(top, "xn--") && length >= 6;
        for (const char *c = top + 4; is_idn && *c != '\0'; c++)
            is_idn = isalnum((unsigned char)*c) != 0;
        is_valid &= is_plain || is_idn;
    }
    if (!is_valid)
        panel_fail(panel, E_INVALID, "invalid email format :: %s", email);
}

void check_package_name(struct panel *panel, const char *package, const char *what)
{
    if (*package != '\0' && (package[1] == '\0' || !has_shape(package, "", "-|._", 66)))
        panel_fail(panel, E_INVALID, "invalid %s format :: %s", what, package);
}

void check_account(struct panel *panel, const char *account)
{
    if (*account != '\0' && !has_shape(account, "_.-", "_.-", 64))
        panel_fail(panel, E_INVALID, "invalid account format :: %s", account);
}

void check_record_name(struct panel *panel, const char *record)
{
    size_t length = strlen(record);
    if (length == 0)
        return;
    char first = record[0], last = record[length - 1];
    bool is_bad = strpbrk(record, "!|#$^&()+={}:<>?/\"';%` ") != NULL || length >= 400 ||
                  (length > 1 && strchr(record, '@') != NULL) ||
                  (strchr(record, '*') != NULL && strstr(record, "*.") == NULL && !text_is(record, "*")) ||
                  (!isalnum((unsigned char)last) && strchr("_*@.", last) == NULL) ||
                  (!isalnum((unsigned char)first) && strchr("_*@", first) == NULL) || strstr(record, "..") != NULL ||
                  strstr(record, "--") != NULL || strstr(record, "__") != NULL || strchr(record, '\n') != NULL;
    if (is_bad)
        panel_fail(panel, E_INVALID, "invalid record format :: %s", record);
}

void check_display_name(struct panel *panel, const char *name)
{
    if (strpbrk(name, "'\"<>|") != NULL)
        panel_fail(panel, E_INVALID, "Invalid name contains qoutes (\" or ') :: %s", name);
    if (strchr(name, '\n') != NULL)
        panel_fail(panel, E_INVALID, "invalid value :: %s", name);
}

const char *shell_path(struct panel *panel, const char *shell)
{
    const char *position = file_read(panel, "/etc/shells");
    for (const char *line; *shell != '\0' && (line = text_next(panel, &position, '\n')) != NULL;) {
        const char *hit = strstr(line, shell);
        size_t length = strlen(shell);
        if (hit != NULL && (hit == line || !isalnum((unsigned char)hit[-1])) && !isalnum((unsigned char)hit[length]))
            return line;
    }
    return "";
}

void check_shell(struct panel *panel, const char *shell)
{
    if (*shell == '\0' || *shell_path(panel, shell) == '\0')
        panel_fail(panel, E_INVALID, "shell %s is not valid", shell);
}

void check_system(struct panel *panel, const char *key)
{
    if (!enabled(panel, key))
        panel_fail(panel, E_DISABLED, "%s is not enabled", key);
}

void check_user(struct panel *panel, const char *user)
{
    if (*user == '\0' || !file_is_dir(panel, user_path(panel, user, "")))
        panel_fail(panel, E_NOTEXIST, "user %s doesn't exist", user);
}

void check_user_active(struct panel *panel, const char *user)
{
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        panel_fail(panel, E_SUSPENDED, "user %s is suspended", user);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

void check_object(struct panel *panel, const char *user, const char *file, const char *key, const char *value)
{
    if (*object_find(panel, user, file, key, value) == '\0')
        panel_fail(panel, E_NOTEXIST, "%s %s %s doesn't exist", base_name(file), text_lower(panel, key), value);
}

static bool object_is_suspended(struct panel *panel, const char *user, const char *file, const char *key,
                                const char *value)
{
    return strstr(object_find(panel, user, file, key, value), "SUSPENDED='yes'") != NULL;
}

void check_object_active(struct panel *panel, const char *user, const char *file, const char *key, const char *value)
{
    if (object_is_suspended(panel, user, file, key, value))
        panel_fail(panel, E_SUSPENDED, "%s %s is suspended", base_name(file), value);
}

void check_object_suspended(struct panel *panel, const char *user, const char *file, const char *key, const char *value)
{
    if (!object_is_suspended(panel, user, file, key, value))
        panel_fail(panel, E_UNSUSPENDED, "%s %s is not suspended", base_name(file), value);
}

void check_package(struct panel *panel, const char *package)
{
    if (!file_exists(panel, text_format(panel, PACKAGES_DIR "/%s.pkg", package)))
        panel_fail(panel, E_NOTEXIST, "package %s doesn't exist", package);
}

void check_limit(struct panel *panel, const char *user, const char *key, size_t used, bool is_new_count)
{
    /* A user without user.conf has no limit at all, which the shell compares as 0. */
    const char *limit = user_value(panel, user, key);
    if (text_is(limit, "unlimited"))
        return;
    long allowed = atol(limit);
    if (is_new_count ? (long)used > allowed : (long)used >= allowed)
        panel_fail(panel, E_LIMIT, "%s limit is reached :: upgrade user package", key);
}
