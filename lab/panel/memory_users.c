/* memory_users.c - system users of a node in memory: lines of /etc/passwd, /etc/shadow and /etc/group in its tree.
 * Hashes and keys have the right form and are cheap: a simulated world makes thousands of them. */
#include <stdio.h>
#include <string.h>

#include "memory_private.h"

/* The line of a colon-separated file that begins with the name; NULL when none. */
char *memory_line_find(struct panel_memory *memory, const char *path, const char *name)
{
    struct tree_node *node = tree_find(&memory->tree, path);
    size_t length = strlen(name);
    for (char *line = node == NULL ? NULL : node->text.data; line != NULL && *line != '\0';) {
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return line;
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return NULL;
}

/* Replace the line (with its newline) by other text; "" deletes it. */
static bool line_replace(struct panel_memory *memory, const char *path, const char *name, const char *text)
{
    char *line = memory_line_find(memory, path, name);
    if (line == NULL)
        return false;
    struct tree_node *node = tree_find(&memory->tree, path);
    struct buf changed = BUF_INIT;
    buf_add(&changed, node->text.data, (size_t)(line - node->text.data));
    buf_add_text(&changed, text);
    const char *rest = line + strcspn(line, "\n");
    buf_add_text(&changed, *rest == '\n' ? rest + 1 : rest);
    buf_finish(&node->text);
    node->text = changed;
    tree_touch(&memory->tree, node);
    return true;
}

bool memory_user_add(struct panel_host *host, const char *user, const char *shell, const char *gecos)
{
    struct panel_memory *memory = memory_from(host);
    if (memory_line_find(memory, "/etc/passwd", user) != NULL || memory_line_find(memory, "/etc/group", user) != NULL)
        return false;
    char line[512];
    snprintf(line, sizeof(line), "%s:x:1000:1000:%s:/home/%s:%s\n", user, gecos, user, shell);
    memory_append(host, "/etc/passwd", line, strlen(line));
    snprintf(line, sizeof(line), "%s:!:20000:0:99999:7:::\n", user);
    memory_append(host, "/etc/shadow", line, strlen(line));
    snprintf(line, sizeof(line), "%s:x:1000:\n", user);
    memory_append(host, "/etc/group", line, strlen(line));
    snprintf(line, sizeof(line), "/home/%s", user);
    struct tree_node *home = tree_create(&memory->tree, line, true, 0755); /* useradd has a umask of its own */
    if (home != NULL)
        memory_set_owner(host, line, user, user);
    return true;
}

bool memory_user_delete(struct panel_host *host, const char *user)
{
    struct panel_memory *memory = memory_from(host);
    bool is_there = line_replace(memory, "/etc/passwd", user, "");
    line_replace(memory, "/etc/shadow", user, "");
    line_replace(memory, "/etc/group", user, "");
    return is_there;
}

bool memory_user_lock(struct panel_host *host, const char *user, bool lock)
{
    struct panel_memory *memory = memory_from(host);
    const char *line = memory_line_find(memory, "/etc/shadow", user);
    if (line == NULL)
        return false;
    const char *hash = line + strlen(user) + 1;
    if ((*hash == '!') == lock)
        return true;
    struct buf changed = BUF_INIT;
    int length = (int)strcspn(hash, "\n");
    if (lock)
        buf_addf(&changed, "%s:!%.*s\n", user, length, hash);
    else
        buf_addf(&changed, "%s:%.*s\n", user, length - 1, hash + 1);
    line_replace(memory, "/etc/shadow", user, buf_text(&changed));
    buf_finish(&changed);
    return true;
}

bool memory_user_set_shell(struct panel_host *host, const char *user, const char *shell)
{
    struct panel_memory *memory = memory_from(host);
    const char *line = memory_line_find(memory, "/etc/passwd", user);
    if (line == NULL)
        return false;
    const char *end = line + strcspn(line, "\n"), *last = end;
    while (last > line && last[-1] != ':')
        last--;
    struct buf changed = BUF_INIT;
    buf_add(&changed, line, (size_t)(last - line));
    buf_addf(&changed, "%s\n", shell);
    line_replace(memory, "/etc/passwd", user, buf_text(&changed));
    buf_finish(&changed);
    return true;
}

/* Not a real hash: as long as one and different for different passwords and salts, made without bcrypt's cost. */
static void hash_text(const char *salt, const char *password, size_t length, char *ret_text)
{
    static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t state = UINT64_C(14695981039346656037);
    for (const char *c = salt; *c != '\0'; c++)
        state = (state ^ (unsigned char)*c) * UINT64_C(1099511628211);
    for (const char *c = password; *c != '\0'; c++)
        state = (state ^ (unsigned char)*c) * UINT64_C(1099511628211);
    for (size_t i = 0; i < length; i++) {
        state = (state ^ (state >> 29) ^ i) * UINT64_C(1099511628211);
        ret_text[i] = digits[(state >> 40) % 64];
    }
    ret_text[length] = '\0';
}

bool memory_user_set_password(struct panel_host *host, const char *user, const char *password)
{
    struct panel_memory *memory = memory_from(host);
    if (*password == '\0' || memory_line_find(memory, "/etc/shadow", user) == NULL)
        return false;
    char salt[23], digest[44], line[256];
    rng_text(&memory->rng, 22, salt);
    hash_text(salt, password, 43, digest);
    snprintf(line, sizeof(line), "%s:$y$j9T$%s$%s:20000:0:99999:7:::\n", user, salt, digest);
    return line_replace(memory, "/etc/shadow", user, line);
}

bool memory_user_check_password(struct panel_host *host, const char *user, const char *password)
{
    const char *line = memory_line_find(memory_from(host), "/etc/shadow", user);
    char salt[23], digest[44], want[44];
    if (line == NULL || sscanf(line + strlen(user), ":$y$j9T$%22[^$]$%43[^:]", salt, digest) != 2)
        return false;
    hash_text(salt, password, 43, want);
    return strcmp(digest, want) == 0;
}

void memory_mail_hash(struct panel_host *host, const char *password, struct buf *ret_hash)
{
    char salt[23], digest[32];
    rng_text(&memory_from(host)->rng, 22, salt);
    hash_text(salt, password, 31, digest);
    buf_addf(ret_hash, "{BLF-CRYPT}$2y$05$%s%s", salt, digest);
}

bool memory_mail_matches(const char *hash, const char *password)
{
    char salt[23], digest[32], want[32];
    if (sscanf(hash, "$2y$05$%22c%31c", salt, digest) != 2)
        return false;
    salt[22] = digest[31] = '\0';
    hash_text(salt, password, 31, want);
    return strcmp(digest, want) == 0;
}

/* Base64 of random bytes between the armour lines; a real 2048-bit key begins and ends like this. */
static void key_text(struct panel_memory *memory, const char *kind, const char *head, size_t length, const char *tail,
                     struct buf *ret_text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_addf(ret_text, "-----BEGIN %s KEY-----\n", kind);
    size_t start = strlen(head), end = length - strlen(tail);
    uint64_t bits = 0;
    for (size_t i = 0; i < length; i++) {
        if (i % 10 == 0)
            bits = rng_u64(&memory->rng);
        buf_add_char(ret_text, i < start ? head[i] : i >= end ? tail[i - end] : digits[(bits >> (i % 10 * 6)) & 63]);
        if (i % 64 == 63 || i + 1 == length)
            buf_add_char(ret_text, '\n');
    }
    buf_addf(ret_text, "-----END %s KEY-----\n", kind);
}

static bool write_key(struct panel_memory *memory, const char *path, const char *kind, const char *head, size_t length,
                      const char *tail)
{
    struct buf text = BUF_INIT;
    key_text(memory, kind, head, length, tail, &text);
    bool is_written = memory_write(&memory->host, path, text.data, text.length);
    buf_finish(&text);
    return is_written;
}

bool memory_key_private(struct panel_host *host, const char *path, unsigned bits)
{
    return write_key(memory_from(host), path, "PRIVATE", "MII", bits == 1024 ? 848 : 1624, "");
}

bool memory_key_public(struct panel_host *host, const char *private_path, const char *path)
{
    struct buf private_key = BUF_INIT;
    bool is_there = memory_read(host, private_path, &private_key);
    bool is_short = private_key.length < 1200;
    buf_finish(&private_key);
    if (!is_there)
        return false;
    return is_short
               ? write_key(memory_from(host), path, "PUBLIC", "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ", 216, "IDAQAB")
               : write_key(memory_from(host), path, "PUBLIC", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", 392,
                           "IDAQAB");
}
