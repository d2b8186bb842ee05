/* real_private.h - parts of the host on a real machine that stand in files of their own. */
#ifndef BERTH_LAB_PANEL_REAL_PRIVATE_H
#define BERTH_LAB_PANEL_REAL_PRIVATE_H

#include "host_real.h"

/** Run a program without a terminal or output; true when it ended with 0. argv ends with NULL. */
bool real_spawn(const char *const argv[]);

/* Files (real_files.c) */
bool real_read(struct panel_host *host, const char *path, struct buf *ret_text);
bool real_write(struct panel_host *host, const char *path, const void *data, size_t length);
bool real_append(struct panel_host *host, const char *path, const void *data, size_t length);
bool real_edit(struct panel_host *host, const char *path, const void *data, size_t length);
bool real_rename(struct panel_host *host, const char *from, const char *to);
bool real_remove(struct panel_host *host, const char *path);
bool real_remove_tree(struct panel_host *host, const char *path);
bool real_make_dir(struct panel_host *host, const char *path);
bool real_list(struct panel_host *host, const char *path, struct buf *ret_names);
bool real_link(struct panel_host *host, const char *target, const char *path);
bool real_set_mode(struct panel_host *host, const char *path, unsigned mode);
bool real_set_owner(struct panel_host *host, const char *path, const char *owner, const char *group);
bool real_set_immutable(struct panel_host *host, const char *path, bool immutable);
bool real_stat(struct panel_host *host, const char *path, struct panel_stat *ret_stat);
int64_t real_modified(struct panel_host *host, const char *path);

/* System users and secrets (real_users.c) */
bool real_user_add(struct panel_host *host, const char *user, const char *shell, const char *gecos);
bool real_user_delete(struct panel_host *host, const char *user);
bool real_user_lock(struct panel_host *host, const char *user, bool lock);
bool real_user_set_shell(struct panel_host *host, const char *user, const char *shell);
bool real_user_set_password(struct panel_host *host, const char *user, const char *password);
bool real_user_check_password(struct panel_host *host, const char *user, const char *password);
void real_mail_hash(struct panel_host *host, const char *password, struct buf *ret_hash);
bool real_key_private(struct panel_host *host, const char *path, unsigned bits);
bool real_key_public(struct panel_host *host, const char *private_path, const char *path);

#endif
