/* host_memory.c - a node in memory: what panel.h asks of a host, done on a file tree. System users are lines of
 * /etc/passwd, /etc/shadow and /etc/group in that tree. Keys and hashes are cheap but of the right form. */
#include "host_memory.h"

#include <stdio.h>
#include <string.h>

#include "memory_private.h"

bool memory_read(struct panel_host *host, const char *path, struct buf *ret_text)
{
    const struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL || node->is_dir || node->is_link)
        return false;
    buf_add(ret_text, buf_text(&node->text), node->text.length);
    return true;
}

static struct tree_node *open_file(struct panel_memory *memory, const char *path)
{
    struct tree_node *node = tree_create(&memory->tree, path, false, 0666 & ~memory->umask);
    return node == NULL || node->is_dir || node->is_immutable ? NULL : node;
}

bool memory_write(struct panel_host *host, const char *path, const void *data, size_t length)
{
    struct panel_memory *memory = memory_from(host);
    struct tree_node *node = open_file(memory, path);
    if (node == NULL)
        return false;
    buf_clear(&node->text);
    buf_add(&node->text, data, length);
    tree_touch(&memory->tree, node);
    return true;
}

bool memory_append(struct panel_host *host, const char *path, const void *data, size_t length)
{
    struct panel_memory *memory = memory_from(host);
    struct tree_node *node = open_file(memory, path);
    if (node == NULL)
        return false;
    buf_add(&node->text, data, length);
    tree_touch(&memory->tree, node);
    return true;
}

static bool memory_rename(struct panel_host *host, const char *from, const char *to)
{
    struct panel_memory *memory = memory_from(host);
    struct tree_node *node = tree_find(&memory->tree, from);
    return node != NULL && tree_move(&memory->tree, node, to);
}

static bool memory_remove(struct panel_host *host, const char *path)
{
    struct panel_memory *memory = memory_from(host);
    struct tree_node *node = tree_find(&memory->tree, path);
    return node != NULL && !node->is_dir && tree_remove(&memory->tree, node);
}

static bool memory_remove_tree(struct panel_host *host, const char *path)
{
    struct panel_memory *memory = memory_from(host);
    struct tree_node *node = tree_find(&memory->tree, path);
    return node == NULL || tree_remove(&memory->tree, node);
}

static bool memory_make_dir(struct panel_host *host, const char *path)
{
    struct panel_memory *memory = memory_from(host);
    if (tree_find(&memory->tree, path) != NULL)
        return false;
    return tree_create(&memory->tree, path, true, 0777 & ~memory->umask) != NULL;
}

static int compare_nodes(const void *a, const void *b)
{
    return strcmp((*(struct tree_node *const *)a)->name, (*(struct tree_node *const *)b)->name);
}

static bool memory_list(struct panel_host *host, const char *path, struct buf *ret_names)
{
    const struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL || !node->is_dir)
        return false;
    struct tree_node **sorted = xcalloc(node->child_count + 1, sizeof(*sorted));
    for (size_t i = 0; i < node->child_count; i++)
        sorted[i] = node->children[i];
    qsort(sorted, node->child_count, sizeof(*sorted), compare_nodes);
    for (size_t i = 0; i < node->child_count; i++)
        buf_addf(ret_names, "%s\n", sorted[i]->name);
    free(sorted);
    return true;
}

static bool memory_link(struct panel_host *host, const char *target, const char *path)
{
    struct panel_memory *memory = memory_from(host);
    if (tree_find(&memory->tree, path) != NULL)
        return false;
    struct tree_node *node = tree_create(&memory->tree, path, false, 0777);
    if (node == NULL)
        return false;
    node->is_link = true;
    buf_add_text(&node->text, target);
    return true;
}

static bool memory_set_mode(struct panel_host *host, const char *path, unsigned mode)
{
    struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL || node->is_immutable)
        return false;
    node->mode = mode;
    return true;
}

bool memory_set_owner(struct panel_host *host, const char *path, const char *owner, const char *group)
{
    struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL || node->is_immutable)
        return false;
    snprintf(node->owner, sizeof(node->owner), "%s", owner);
    snprintf(node->group, sizeof(node->group), "%s", group);
    return true;
}

static bool memory_set_immutable(struct panel_host *host, const char *path, bool immutable)
{
    struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL)
        return false;
    node->is_immutable = immutable;
    return true;
}

static bool memory_stat(struct panel_host *host, const char *path, struct panel_stat *ret_stat)
{
    const struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    if (node == NULL)
        return false;
    *ret_stat = (struct panel_stat){ .is_dir = node->is_dir, .is_link = node->is_link, .mode = node->mode };
    memcpy(ret_stat->owner, node->owner, sizeof(ret_stat->owner));
    memcpy(ret_stat->group, node->group, sizeof(ret_stat->group));
    return true;
}

static int64_t memory_modified(struct panel_host *host, const char *path)
{
    const struct tree_node *node = tree_find(&memory_from(host)->tree, path);
    return node == NULL ? 0 : node->modified;
}

static void memory_random_text(struct panel_host *host, size_t length, char *ret_text)
{
    rng_text(&memory_from(host)->rng, length, ret_text);
}

static bool memory_service(struct panel_host *host, enum panel_service service, enum panel_verb verb, const char *zone)
{
    struct panel_memory *memory = memory_from(host);
    (void)zone; /* a reload of one zone makes the others live too: nobody looks at one that was left half written */
    if (memory->is_broken[service])
        return false;
    if (verb != PANEL_TEST)
        memory->loaded[service] = memory->tree.changes;
    return true;
}

static const char *memory_env(struct panel_host *host, const char *name)
{
    struct panel_memory *memory = memory_from(host);
    for (size_t i = 0; i < ENV_MAX; i++) {
        if (memory->env[i].name[0] != '\0' && strcmp(memory->env[i].name, name) == 0)
            return memory->env[i].value;
    }
    return NULL;
}

static bool memory_is_root(struct panel_host *host)
{
    return memory_from(host)->is_root;
}

static int64_t memory_wall_ms(struct panel_host *host)
{
    return memory_from(host)->wall_ms;
}

static int64_t memory_elapsed_ms(struct panel_host *host)
{
    return memory_from(host)->elapsed_ms;
}

static void memory_sleep(struct panel_host *host, int64_t ms)
{
    struct panel_memory *memory = memory_from(host);
    memory->slept_ms += ms;
    memory->elapsed_ms += ms;
    memory->wall_ms += ms;
}

static bool memory_point(struct panel_host *host, const char *name)
{
    struct panel_memory *memory = memory_from(host);
    return memory->point != NULL && memory->point(memory->point_context, name);
}

static void memory_die(struct panel_host *host)
{
    (void)host; /* the run unwinds by itself */
}

static const struct panel_host_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .append = memory_append,
    .edit = memory_write, /* an existing file keeps its mode */
    .rename = memory_rename,
    .remove = memory_remove,
    .remove_tree = memory_remove_tree,
    .make_dir = memory_make_dir,
    .list = memory_list,
    .link = memory_link,
    .set_mode = memory_set_mode,
    .set_owner = memory_set_owner,
    .set_immutable = memory_set_immutable,
    .stat = memory_stat,
    .modified = memory_modified,
    .user_add = memory_user_add,
    .user_delete = memory_user_delete,
    .user_lock = memory_user_lock,
    .user_set_shell = memory_user_set_shell,
    .user_set_password = memory_user_set_password,
    .user_check_password = memory_user_check_password,
    .mail_hash = memory_mail_hash,
    .key_private = memory_key_private,
    .key_public = memory_key_public,
    .service = memory_service,
    .env = memory_env,
    .is_root = memory_is_root,
    .random_text = memory_random_text,
    .wall_ms = memory_wall_ms,
    .elapsed_ms = memory_elapsed_ms,
    .sleep = memory_sleep,
    .point = memory_point,
    .die = memory_die,
};

static void make_dirs(struct panel_memory *memory, const char *path)
{
    char part[256];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        tree_create(&memory->tree, part, true, 0755);
    }
    tree_create(&memory->tree, path, true, 0755);
}

/* What a Debian with the servers installed has before the panel comes. */
static void layout_debian(struct panel_memory *memory)
{
    static const char *const folders[] = {
        "/tmp",
        "/usr/local",
        "/home",
        "/root",
        "/etc/ssh",
        "/etc/bind",
        "/etc/exim4/domains",
        "/etc/nginx/conf.d/domains",
        "/etc/apache2/conf.d/domains",
        "/etc/php/8.2/fpm/pool.d",
        "/var/log/apache2/domains",
        "/srv/jail",
    };
    static const char passwd[] =
        "root:x:0:0:root:/root:/bin/bash\n"
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
        "bind:x:101:101::/var/cache/bind:/usr/sbin/nologin\n"
        "Debian-exim:x:102:102::/var/spool/exim4:/usr/sbin/nologin\n"
        "dovecot:x:103:103::/usr/lib/dovecot:/usr/sbin/nologin\n";
    static const char group[] =
        "root:x:0:\ndaemon:x:1:\nmail:x:8:\nwww-data:x:33:\nstaff:x:50:\nbind:x:101:\n"
        "Debian-exim:x:102:\ndovecot:x:103:\n";
    static const char shells[] = "# valid login shells\n/bin/sh\n/bin/bash\n/usr/bin/bash\n";
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        make_dirs(memory, folders[i]);
    memory_write(&memory->host, "/etc/passwd", passwd, sizeof(passwd) - 1);
    memory_write(&memory->host, "/etc/shadow", "", 0);
    memory_write(&memory->host, "/etc/group", group, sizeof(group) - 1);
    memory_write(&memory->host, "/etc/shells", shells, sizeof(shells) - 1);
    memory_write(&memory->host, "/etc/bind/named.conf", "", 0);
}

struct panel_memory *panel_memory_create(enum panel_role role, const char *ip, const char *hostname, uint64_t seed)
{
    struct panel_memory *memory = xcalloc(1, sizeof(*memory));
    memory->host.ops = &memory_ops;
    memory->umask = 022;
    memory->is_root = true;
    memory->wall_ms = START_WALL_MS;
    rng_init_seed(&memory->rng, seed);
    tree_init(&memory->tree);
    layout_debian(memory);
    panel_layout(&memory->host, role, ip, hostname);
    panel_memory_set_env(memory, "SHELL", "/bin/bash");
    return memory;
}

void panel_memory_destroy(struct panel_memory *memory)
{
    if (memory == NULL)
        return;
    tree_finish(&memory->tree);
    free(memory);
}

struct panel_host *panel_memory_host(struct panel_memory *memory)
{
    return &memory->host;
}

void panel_memory_set_now(struct panel_memory *memory, int64_t wall_ms)
{
    memory->wall_ms = wall_ms;
}

int64_t panel_memory_take_slept_ms(struct panel_memory *memory)
{
    int64_t slept_ms = memory->slept_ms;
    memory->slept_ms = 0;
    return slept_ms;
}

void panel_memory_on_point(struct panel_memory *memory, panel_memory_point_fn *function, void *context)
{
    memory->point = function;
    memory->point_context = context;
}

void panel_memory_set_umask(struct panel_memory *memory, unsigned mask)
{
    memory->umask = mask;
}

void panel_memory_set_env(struct panel_memory *memory, const char *name, const char *value)
{
    size_t free_at = ENV_MAX;
    for (size_t i = 0; i < ENV_MAX; i++) {
        if (strcmp(memory->env[i].name, name) == 0)
            memory->env[i].name[0] = '\0';
        if (memory->env[i].name[0] == '\0' && free_at == ENV_MAX)
            free_at = i;
    }
    if (value == NULL || free_at == ENV_MAX)
        return;
    snprintf(memory->env[free_at].name, sizeof(memory->env[0].name), "%s", name);
    snprintf(memory->env[free_at].value, sizeof(memory->env[0].value), "%s", value);
}

void panel_memory_set_root(struct panel_memory *memory, bool is_root)
{
    memory->is_root = is_root;
}

void panel_memory_break_service(struct panel_memory *memory, enum panel_service service, bool is_broken)
{
    memory->is_broken[service] = is_broken;
}
