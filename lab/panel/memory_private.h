/* memory_private.h - the inside of a node in memory, for the files that make it. */
#ifndef BERTH_LAB_PANEL_MEMORY_PRIVATE_H
#define BERTH_LAB_PANEL_MEMORY_PRIVATE_H

#include "host_memory.h"
#include "memory_tree.h"

#define START_WALL_MS INT64_C(1795449600000) /* 2026-11-23 16:00 UTC: the day of the recordings */
#define ENV_MAX 8
#define SERVICE_COUNT (PANEL_SSH + 1)

struct panel_memory {
    struct panel_host host;
    struct tree tree;
    struct rng rng;
    int64_t wall_ms, slept_ms, elapsed_ms;
    unsigned umask;
    bool is_root, is_broken[SERVICE_COUNT];
    int64_t loaded[SERVICE_COUNT]; /* the tree's change counter when the service last read its files */
    struct {
        char name[32], value[128];
    } env[ENV_MAX];
    panel_memory_point_fn *point;
    void *point_context;
};

static inline struct panel_memory *memory_from(struct panel_host *host)
{
    return CONTAINER_OF(host, struct panel_memory, host);
}

bool memory_read(struct panel_host *host, const char *path, struct buf *ret_text);
bool memory_write(struct panel_host *host, const char *path, const void *data, size_t length);
bool memory_append(struct panel_host *host, const char *path, const void *data, size_t length);
bool memory_set_owner(struct panel_host *host, const char *path, const char *owner, const char *group);

/* System users, passwords and keys (memory_users.c) */
/** The line of a colon-separated file that begins with the name; NULL when none. */
char *memory_line_find(struct panel_memory *memory, const char *path, const char *name);
bool memory_user_add(struct panel_host *host, const char *user, const char *shell, const char *gecos);
bool memory_user_delete(struct panel_host *host, const char *user);
bool memory_user_lock(struct panel_host *host, const char *user, bool lock);
bool memory_user_set_shell(struct panel_host *host, const char *user, const char *shell);
bool memory_user_set_password(struct panel_host *host, const char *user, const char *password);
bool memory_user_check_password(struct panel_host *host, const char *user, const char *password);
void memory_mail_hash(struct panel_host *host, const char *password, struct buf *ret_hash);
/** Is this the hash of that password? Without the scheme in front. */
bool memory_mail_matches(const char *hash, const char *password);
bool memory_key_private(struct panel_host *host, const char *path, unsigned bits);
bool memory_key_public(struct panel_host *host, const char *private_path, const char *path);

#endif
