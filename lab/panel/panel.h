/* panel.h - a model of the HestiaCP command line, as observed on 1.10.3: the same arguments, order of checks, exit codes,
 * texts, JSON shapes and half-created states. It serves the lab's nodes (host_real.h: files, users and servers of the
 * machine it runs on) and the simulator (host_memory.h: a file tree in memory, a virtual clock).
 *
 * The model keeps nothing of its own: everything lies in files laid out as the panel lays them out, so that what a
 * killed command leaves behind, and what a person repairs by hand, works by itself. No command takes a lock.
 *
 * A command may be killed at a point: a named place between two writes. The names are those of the recorded half-created
 * states: user-a..user-g and user-r2, web-a..web-h, dns-a..dns-d, rec-a, rec-b, mail-a..mail-g, acct-a..acct-c,
 * del-a..del-e (v-delete-user), wdel-a..wdel-c (v-delete-web-domain), susp (v-suspend-user). panel_points() lists them.
 *
 * How long commands take, and which faults are injected, stands in conf/standin.conf of the node; see standin.h. */
#ifndef BERTH_LAB_PANEL_PANEL_H
#define BERTH_LAB_PANEL_PANEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PANEL_ROOT "/usr/local/hestia"
#define PANEL_BIN PANEL_ROOT "/bin"
#define PANEL_KILLED 137 /* exit code of a command that was killed, as a shell reports SIGKILL */
#define PANEL_NAME_MAX 64

struct panel_stat {
    bool is_dir, is_link;
    unsigned mode; /* permission bits */
    char owner[PANEL_NAME_MAX], group[PANEL_NAME_MAX];
};

enum panel_service { PANEL_WEB, PANEL_PROXY, PANEL_BACKEND, PANEL_DNS, PANEL_MAIL, PANEL_SSH };
enum panel_verb { PANEL_TEST, PANEL_RELOAD, PANEL_RESTART };

struct panel_host;

/* What a command touches outside itself. Functions that return bool say whether it worked; a command goes on like the
 * shell scripts of the panel do, which ignore most failures. Paths are absolute. */
struct panel_host_ops {
    bool (*read)(struct panel_host *host, const char *path, struct buf *ret_text);             /* false: no such file */
    bool (*write)(struct panel_host *host, const char *path, const void *data, size_t length); /* create or replace */
    bool (*append)(struct panel_host *host, const char *path, const void *data, size_t length);
    bool (*edit)(struct panel_host *host, const char *path, const void *data,
                 size_t length); /* as sed -i: mode stays */
    bool (*rename)(struct panel_host *host, const char *from, const char *to);
    bool (*remove)(struct panel_host *host, const char *path);      /* a file or link */
    bool (*remove_tree)(struct panel_host *host, const char *path); /* false when something immutable stays */
    bool (*make_dir)(struct panel_host *host, const char *path);    /* one level, mode by the umask */
    bool (*list)(struct panel_host *host, const char *path, struct buf *ret_names); /* sorted, one per line */
    bool (*link)(struct panel_host *host, const char *target, const char *path);    /* symbolic */
    bool (*set_mode)(struct panel_host *host, const char *path, unsigned mode);
    bool (*set_owner)(struct panel_host *host, const char *path, const char *owner, const char *group);
    bool (*set_immutable)(struct panel_host *host, const char *path, bool immutable);
    bool (*stat)(struct panel_host *host, const char *path, struct panel_stat *ret_stat);
    int64_t (*modified)(struct panel_host *host, const char *path); /* grows with each change; only for sorting */

    bool (*user_add)(struct panel_host *host, const char *user, const char *shell, const char *gecos);
    bool (*user_delete)(struct panel_host *host, const char *user);
    bool (*user_lock)(struct panel_host *host, const char *user, bool lock);
    bool (*user_set_shell)(struct panel_host *host, const char *user, const char *shell);
    bool (*user_set_password)(struct panel_host *host, const char *user, const char *password);
    bool (*user_check_password)(struct panel_host *host, const char *user, const char *password);
    void (*mail_hash)(struct panel_host *host, const char *password,
                      struct buf *ret_hash); /* with dovecot's {SCHEME} */

    bool (*key_private)(struct panel_host *host, const char *path, unsigned bits); /* RSA, PEM */
    bool (*key_public)(struct panel_host *host, const char *private_path, const char *path);

    /** zone: which one to reload of PANEL_DNS; NULL: everything. */
    bool (*service)(struct panel_host *host, enum panel_service service, enum panel_verb verb, const char *zone);
    const char *(*env)(struct panel_host *host, const char *name); /* NULL when unset */
    bool (*is_root)(struct panel_host *host);
    void (*random_text)(struct panel_host *host, size_t length, char *ret_text); /* [0-9a-z], NUL-terminated */

    int64_t (*wall_ms)(struct panel_host *host);
    int64_t (*elapsed_ms)(struct panel_host *host); /* monotonic */
    void (*sleep)(struct panel_host *host, int64_t ms);
    bool (*point)(struct panel_host *host, const char *name); /* true: die here */
    void (*die)(struct panel_host *host);                     /* SIGKILL to oneself; may return (memory) */
    /** Hand on what was printed so far and empty both; called before each sleep. NULL: keep until the end. */
    void (*flush)(struct panel_host *host, struct buf *out, struct buf *err);
};

struct panel_host {
    const struct panel_host_ops *ops;
};

/**
 * Run one command of the panel.
 *
 * @param argv        argv[0] is the command's name, with or without a folder
 * @param stdin_text  what it can read on standard input; NULL: nothing
 * @param out, err    what it prints is appended
 * @return the exit code: 127 for an unknown command, PANEL_KILLED when a point killed it
 */
int panel_run(struct panel_host *host, int argc, char *const argv[], const char *stdin_text, struct buf *out,
              struct buf *err);

/** Names of all commands, sorted; NULL-terminated, static. */
const char *const *panel_commands(void);
/** Names of all points; NULL-terminated, static. */
const char *const *panel_points(void);

/** What a node offers. FULL is the recorded node with every subsystem. */
enum panel_role { PANEL_ROLE_FULL, PANEL_ROLE_WEB, PANEL_ROLE_MAIL, PANEL_ROLE_DNS };

/** Lay out a fresh panel: configuration, root user admin, packages, templates, the address. */
bool panel_layout(struct panel_host *host, enum panel_role role, const char *ip, const char *hostname);

#endif
