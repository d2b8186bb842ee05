/* real_users.c - system users, passwords and keys on a real machine. The four files are edited here, under the lock that
 * the passwd package takes too: useradd and chpasswd need a quarter of a second, longer than a whole command may last at
 * the pace that some measurements ask for. */
#include <crypt.h>
#include <ctype.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real_private.h"

#define UID_FIRST 1000
#define UID_LAST 59999
#define SHADOW_DAYS 20000 /* "last changed" of a new line: some day, as no password ages here */
#define STOCK_DIR PANEL_ROOT "/data/keys"
#define OPENSSL "/usr/bin/openssl"

static const char *const files[] = { "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow" };

static const char *line_of(const char *text, const char *name)
{
    size_t length = strlen(name);
    while (text != NULL && *text != '\0') {
        if (strncmp(text, name, length) == 0 && text[length] == ':')
            return text;
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    return NULL;
}

/* Replace the user's line by another one; "" deletes it. */
static bool replace_line(const char *path, const char *user, const char *line)
{
    struct buf text = BUF_INIT, changed = BUF_INIT;
    const char *old = real_read(NULL, path, &text) ? line_of(buf_text(&text), user) : NULL;
    bool is_done = false;
    if (old != NULL) {
        buf_add(&changed, text.data, (size_t)(old - text.data));
        buf_add_text(&changed, line);
        const char *rest = old + strcspn(old, "\n");
        buf_add_text(&changed, rest + (*rest == '\n'));
        is_done = real_edit(NULL, path, buf_text(&changed), changed.length);
    }
    buf_wipe(&text);
    buf_wipe(&changed);
    return is_done;
}

/* The user's line with one field changed; fields count from 0. */
static bool replace_field(const char *path, const char *user, int field, const char *value)
{
    struct buf text = BUF_INIT, line = BUF_INIT;
    const char *old = real_read(NULL, path, &text) ? line_of(buf_text(&text), user) : NULL;
    bool is_done = false;
    if (old != NULL) {
        const char *at = old, *end = old + strcspn(old, "\n");
        for (int i = 0; i < field && at < end; at++)
            i += *at == ':';
        buf_add(&line, old, (size_t)(at - old));
        buf_add_text(&line, value);
        size_t skipped = strcspn(at, ":\n");
        buf_add(&line, at + skipped, (size_t)(end - at) - skipped);
        buf_add_char(&line, '\n');
        is_done = replace_line(path, user, buf_text(&line));
    }
    buf_wipe(&text);
    buf_wipe(&line);
    return is_done;
}

static unsigned free_uid(const char *passwd)
{
    unsigned last = UID_FIRST - 1;
    for (const char *line = passwd; line != NULL && *line != '\0';) {
        unsigned uid = 0;
        if (sscanf(line, "%*[^:]:%*[^:]:%u:", &uid) == 1 && uid >= UID_FIRST && uid <= UID_LAST && uid > last)
            last = uid;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return last + 1;
}

static bool is_taken(const char *path, const char *user, struct buf *ret_text)
{
    return !real_read(NULL, path, ret_text) || line_of(buf_text(ret_text), user) != NULL;
}

static bool append_lines(const char *user, unsigned uid, const char *shell, const char *gecos)
{
    char line[1024];
    snprintf(line, sizeof(line), "%s:x:%u:%u:%s:/home/%s:%s\n", user, uid, uid, gecos, user, shell);
    bool is_done = real_append(NULL, files[0], line, strlen(line));
    snprintf(line, sizeof(line), "%s:!:%d:0:99999:7:::\n", user, SHADOW_DAYS);
    is_done &= real_append(NULL, files[1], line, strlen(line));
    snprintf(line, sizeof(line), "%s:x:%u:\n", user, uid);
    is_done &= real_append(NULL, files[2], line, strlen(line));
    snprintf(line, sizeof(line), "%s:!::\n", user);
    return real_append(NULL, files[3], line, strlen(line)) && is_done;
}

bool real_user_add(struct panel_host *host, const char *user, const char *shell, const char *gecos)
{
    struct buf passwd = BUF_INIT, group = BUF_INIT;
    if (lckpwdf() != 0)
        return false;
    bool is_new = !is_taken(files[0], user, &passwd) && !is_taken(files[2], user, &group);
    unsigned uid = free_uid(buf_text(&passwd));
    bool is_added = is_new && uid <= UID_LAST && append_lines(user, uid, shell, gecos);
    ulckpwdf();
    buf_finish(&passwd);
    buf_finish(&group);
    if (is_added) {
        char *home = xasprintf("/home/%s", user);
        if (mkdir(home, 0755) == 0) { /* useradd has a umask of its own: the caller's does not count */
            real_set_mode(host, home, 0755);
            real_set_owner(host, home, user, user);
        }
        free(home);
    }
    return is_added;
}

bool real_user_delete(struct panel_host *host, const char *user)
{
    (void)host;
    if (lckpwdf() != 0)
        return false;
    bool is_done = replace_line(files[0], user, "");
    for (size_t i = 1; i < ARRAY_LEN(files); i++)
        replace_line(files[i], user, "");
    ulckpwdf();
    return is_done;
}

static char *shadow_hash(const char *user)
{
    struct buf text = BUF_INIT;
    const char *line = real_read(NULL, files[1], &text) ? line_of(buf_text(&text), user) : NULL;
    char *hash = NULL;
    if (line != NULL)
        hash = xstrndup(line + strlen(user) + 1, strcspn(line + strlen(user) + 1, ":\n"));
    buf_wipe(&text);
    return hash;
}

static bool set_field(const char *path, const char *user, int field, const char *value)
{
    if (lckpwdf() != 0)
        return false;
    bool is_done = replace_field(path, user, field, value);
    ulckpwdf();
    return is_done;
}

bool real_user_lock(struct panel_host *host, const char *user, bool lock)
{
    (void)host;
    char *hash = shadow_hash(user);
    if (hash == NULL)
        return false;
    bool is_done = true;
    if (lock && hash[0] != '!') {
        char *locked = xasprintf("!%s", hash);
        is_done = set_field(files[1], user, 1, locked);
        free(locked);
    } else if (!lock && hash[0] == '!') {
        is_done = set_field(files[1], user, 1, hash + 1);
    }
    free(hash);
    return is_done;
}

bool real_user_set_shell(struct panel_host *host, const char *user, const char *shell)
{
    (void)host;
    return set_field(files[0], user, 6, shell);
}

/* A hash of the password with a fresh salt; "" when this machine's crypt does not know the method. */
static char *hash_password(const char *method, unsigned long cost, const char *password)
{
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = xcalloc(1, sizeof(*data));
    const char *hash = NULL;
    if (crypt_gensalt_rn(method, cost, NULL, 0, salt, sizeof(salt)) != NULL)
        hash = crypt_r(password, salt, data);
    char *copy = xstrdup(hash == NULL || hash[0] == '*' ? "" : hash);
    free(data);
    return copy;
}

bool real_user_set_password(struct panel_host *host, const char *user, const char *password)
{
    (void)host;
    if (*password == '\0')
        return false;
    char *hash = hash_password("$y$", 0, password);
    bool is_done = *hash != '\0' && set_field(files[1], user, 1, hash);
    free(hash);
    return is_done;
}

bool real_user_check_password(struct panel_host *host, const char *user, const char *password)
{
    (void)host;
    char *hash = shadow_hash(user);
    struct crypt_data *data = xcalloc(1, sizeof(*data));
    const char *again = hash == NULL ? NULL : crypt_r(password, hash, data);
    bool is_right = again != NULL && strcmp(again, hash) == 0;
    free(data);
    free(hash);
    return is_right;
}

void real_mail_hash(struct panel_host *host, const char *password, struct buf *ret_hash)
{
    (void)host;
    char *hash = hash_password("$2y$", 5, password); /* as dovecot's own doveadm pw does it */
    buf_addf(ret_hash, "{BLF-CRYPT}%s", hash);
    free(hash);
}

static bool take_from_stock(struct panel_host *host, const char *path)
{
    struct buf names = BUF_INIT;
    bool is_taken_now = false;
    real_list(host, STOCK_DIR, &names);
    for (const char *name = buf_text(&names); *name != '\0' && !is_taken_now; name += strcspn(name, "\n") + 1) {
        char *from = xasprintf(STOCK_DIR "/%.*s", (int)strcspn(name, "\n"), name);
        is_taken_now = real_rename(host, from, path); /* two commands at once cannot get the same one */
        free(from);
    }
    buf_finish(&names);
    return is_taken_now;
}

bool real_key_private(struct panel_host *host, const char *path, unsigned bits)
{
    char size[16];
    snprintf(size, sizeof(size), "%u", bits);
    if (bits == 2048 && take_from_stock(host, path))
        return true;
    return real_spawn((const char *const[]){ OPENSSL, "genrsa", "-out", path, size, NULL });
}

bool real_key_public(struct panel_host *host, const char *private_path, const char *path)
{
    (void)host;
    return real_spawn((const char *const[]){ OPENSSL, "rsa", "-pubout", "-in", private_path, "-out", path, NULL });
}

bool panel_real_stock_keys(unsigned count)
{
    mkdir(STOCK_DIR, 0700);
    for (unsigned i = 0; i < count; i++) {
        char *path = xasprintf(STOCK_DIR "/%d-%u.pem", (int)getpid(), i);
        char *part = xasprintf(PANEL_ROOT "/data/key-%d.part", (int)getpid());
        bool is_made = real_spawn((const char *const[]){ OPENSSL, "genrsa", "-out", part, "2048", NULL }) &&
                       rename(part, path) == 0;
        free(path);
        free(part);
        if (!is_made)
            return false;
    }
    return true;
}
