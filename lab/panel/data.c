/* data.c - the panel's flat files: lines of KEY='value', found with grep and edited with sed. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

bool file_exists(struct panel *panel, const char *path)
{
    struct panel_stat stat;
    return panel->host->ops->stat(panel->host, path, &stat);
}

bool file_is_dir(struct panel *panel, const char *path)
{
    struct panel_stat stat;
    return panel->host->ops->stat(panel->host, path, &stat) && stat.is_dir;
}

char *file_read(struct panel *panel, const char *path)
{
    struct buf text = BUF_INIT;
    if (!panel->host->ops->read(panel->host, path, &text))
        buf_clear(&text);
    return text_take(panel, &text);
}

bool file_write(struct panel *panel, const char *path, const char *text)
{
    return panel->host->ops->write(panel->host, path, text, strlen(text));
}

bool file_edit(struct panel *panel, const char *path, const char *text)
{
    return file_exists(panel, path) && panel->host->ops->edit(panel->host, path, text, strlen(text));
}

bool file_append(struct panel *panel, const char *path, const char *text)
{
    return panel->host->ops->append(panel->host, path, text, strlen(text));
}

void file_touch(struct panel *panel, const char *path)
{
    if (!file_exists(panel, path))
        file_write(panel, path, "");
}

void file_remove(struct panel *panel, const char *path)
{
    panel->host->ops->remove(panel->host, path);
}

void file_link(struct panel *panel, const char *target, const char *path)
{
    panel->host->ops->remove(panel->host, path);
    panel->host->ops->link(panel->host, target, path);
}

void file_mode(struct panel *panel, const char *path, unsigned mode)
{
    panel->host->ops->set_mode(panel->host, path, mode);
}

void file_owner(struct panel *panel, const char *path, const char *owner, const char *group)
{
    panel->host->ops->set_owner(panel->host, path, owner, group);
}

bool dir_make(struct panel *panel, const char *path)
{
    return panel->host->ops->make_dir(panel->host, path);
}

bool dir_make_all(struct panel *panel, const char *path)
{
    char *copy = text_copy(panel, path, strlen(path));
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!file_exists(panel, copy))
            dir_make(panel, copy);
        *slash = '/';
    }
    return file_exists(panel, path) || dir_make(panel, path);
}

char *dir_list(struct panel *panel, const char *path)
{
    struct buf names = BUF_INIT;
    if (!panel->host->ops->list(panel->host, path, &names))
        buf_clear(&names);
    return text_take(panel, &names);
}

char *dir_list_newest(struct panel *panel, const char *path)
{
    const char *names = dir_list(panel, path);
    size_t count = line_count(names);
    const char **sorted = (const char **)(void *)arena_take(panel->arena, (count + 1) * sizeof(*sorted));
    int64_t *modified = (int64_t *)(void *)arena_take(panel->arena, (count + 1) * sizeof(*modified));
    for (size_t i = 0; i < count; i++) {
        const char *name = text_next(panel, &names, '\n');
        int64_t when = panel->host->ops->modified(panel->host, text_format(panel, "%s/%s", path, name));
        size_t at = i;
        for (; at > 0 && modified[at - 1] < when; at--) {
            sorted[at] = sorted[at - 1];
            modified[at] = modified[at - 1];
        }
        sorted[at] = name;
        modified[at] = when;
    }
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s\n", sorted[i]);
    return text_take(panel, &text);
}

size_t line_count(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* Does pattern match at text? A dot stands for any character: the panel's greps and seds do not escape it. */
static bool match_here(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        if (*text == '\0' || (*pattern != '.' && *pattern != *text))
            return false;
    }
    return true;
}

static bool line_has(const char *line, const char *pattern)
{
    if (*pattern == '.')
        return false; /* never asked for; a pattern begins with a key or a slash */
    for (const char *hit = strchr(line, *pattern); hit != NULL; hit = strchr(hit + 1, *pattern)) {
        if (match_here(hit, pattern))
            return true;
    }
    return false;
}

static void delete_lines(struct panel *panel, const char *path, const char *part, bool at_start)
{
    const char *text = file_read(panel, path), *position = text;
    struct buf kept = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (!(at_start ? match_here(line, part) : line_has(line, part)))
            buf_addf(&kept, "%s\n", line);
    }
    char *rest = text_take(panel, &kept);
    if (!text_is(rest, text))
        file_edit(panel, path, rest);
}

void file_delete_lines(struct panel *panel, const char *path, const char *part)
{
    delete_lines(panel, path, part, false);
}

void file_delete_lines_from(struct panel *panel, const char *path, const char *start)
{
    delete_lines(panel, path, start, true);
}

char *user_path(struct panel *panel, const char *user, const char *name)
{
    return text_format(panel, USERS_DIR "/%s%s%s", user, *name == '\0' ? "" : "/", name);
}

char *home_path(struct panel *panel, const char *user, const char *name)
{
    return text_format(panel, "/home/%s%s%s", user, *name == '\0' ? "" : "/", name);
}

bool passwd_has(struct panel *panel, const char *user)
{
    const char *line = text_format(panel, "\n%s:", user), *passwd = file_read(panel, "/etc/passwd");
    return text_starts(passwd, line + 1) || strstr(passwd, line) != NULL;
}

/* Where KEY=' begins a word of the text; ret_value is behind the quote. */
static const char *key_find(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *hit = strstr(text, key); hit != NULL; hit = strstr(hit + 1, key)) {
        bool is_word = hit == text || hit[-1] == ' ' || hit[-1] == '\n';
        if (is_word && hit[length] == '=' && hit[length + 1] == '\'')
            return hit + length + 2;
    }
    return NULL;
}

char *value_of(struct panel *panel, const char *text, const char *key)
{
    const char *value = key_find(text, key);
    return value == NULL ? text_copy(panel, "", 0) : text_copy(panel, value, strcspn(value, "'"));
}

char *value_set(struct panel *panel, const char *line, const char *key, const char *value)
{
    const char *old = key_find(line, key);
    if (old == NULL)
        return text_copy(panel, line, strlen(line));
    return text_format(panel, "%.*s%s%s", (int)(old - line), line, value, old + strcspn(old, "'"));
}

static char *object_path(struct panel *panel, const char *user, const char *file)
{
    return text_format(panel, USERS_DIR "/%s/%s.conf", user, file);
}

char *object_find(struct panel *panel, const char *user, const char *file, const char *key, const char *value)
{
    const char *position = file_read(panel, object_path(panel, user, file));
    const char *pattern = text_format(panel, "%s='%s'", key, value);
    struct buf found = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (line_has(line, pattern))
            buf_addf(&found, "%s%s", found.length > 0 ? " " : "", line);
    }
    return text_take(panel, &found);
}

void object_check(struct panel *panel, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t key_length = strcspn(at, "=");
        const char *quote = at + key_length + (at[key_length] != '\0');
        if (*quote != '\'')
            break;
        const char *end = strchr(quote + 1, '\'');
        if (end == NULL)
            panel_fail(panel, E_INVALID, "Invalid object format: %s", text);
        const char *rest =
            end + 1; // cppcheck-suppress nullPointerArithmeticRedundantCheck ; panel_fail() does not return
        rest += strspn(rest, " \n");
        const char *key = text_copy(panel, at, key_length);
        if (key_find(rest, key) != NULL) {
            buf_add_text(panel->err, "PHP Fatal error:  Uncaught Error: Undefined constant \"STDERR\"\n");
            panel_fail(panel, E_INVALID, "Invalid object format: %s", text);
        }
        at = rest;
    }
}

char *object_load(struct panel *panel, const char *user, const char *file, const char *key, const char *value)
{
    char *object = object_find(panel, user, file, key, value);
    object_check(panel, object);
    return object;
}

void object_update(struct panel *panel, const char *user, const char *file, const char *key, const char *value,
                   const char *name, const char *new_value)
{
    const char *path = object_path(panel, user, file), *position = file_read(panel, path);
    const char *pattern = text_format(panel, "%s='%s'", key, value);
    struct buf text = BUF_INIT;
    bool is_done = false;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        bool is_it = !is_done && line_has(line, pattern);
        is_done |= is_it;
        buf_addf(&text, "%s\n", is_it ? value_set(panel, line, name, new_value) : line);
    }
    const char *changed = text_take(panel, &text);
    if (is_done)
        file_edit(panel, path, changed);
}

char *object_search(struct panel *panel, const char *user, const char *file, const char *key, const char *value,
                    const char *name)
{
    const char *position = file_read(panel, object_path(panel, user, file));
    const char *pattern = text_format(panel, "%s='%s'", key, value);
    struct buf values = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        if (text_is(value, "*") || line_has(line, pattern))
            buf_addf(&values, "%s\n", value_of(panel, line, name));
    }
    return text_take(panel, &values);
}

char *user_value(struct panel *panel, const char *user, const char *key)
{
    return value_of(panel, file_read(panel, user_path(panel, user, "user.conf")), key);
}

void user_value_set(struct panel *panel, const char *user, const char *key, const char *value)
{
    const char *path = user_path(panel, user, "user.conf"), *text = file_read(panel, path);
    if (key_find(text, key) != NULL)
        file_edit(panel, path, value_set(panel, text, key, value));
}

void user_value_add(struct panel *panel, const char *user, const char *key, long count)
{
    long old = atol(user_value(panel, user, key));
    user_value_set(panel, user, key, text_format(panel, "%ld", old + count));
}

void user_value_subtract(struct panel *panel, const char *user, const char *key, long count)
{
    long old = atol(user_value(panel, user, key));
    long now = old <= 1 || old < count ? 0 : old - count;
    user_value_set(panel, user, key, text_format(panel, "%ld", now));
}

char *password_read(struct panel *panel, const char *given)
{
    struct panel_stat stat;
    bool is_file = text_starts(given, "/tmp/") && strstr(given, "../") == NULL &&
                   panel->host->ops->stat(panel->host, given, &stat) && !stat.is_dir;
    const char *text = is_file ? file_read(panel, given) : given;
    return text_copy(panel, text, is_file ? strcspn(text, "\n") : strlen(text));
}
