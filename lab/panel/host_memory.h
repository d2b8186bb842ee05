/* host_memory.h - a node in memory: a file tree with modes and owners, the panel's commands on it, a virtual clock.
 * Everything is decided by the seed: the same commands give the same node, byte for byte. One thread per node. */
#ifndef BERTH_LAB_PANEL_HOST_MEMORY_H
#define BERTH_LAB_PANEL_HOST_MEMORY_H

#include "base/rng.h"
#include "panel.h"

struct panel_memory;

/** Called at each point; true: the command dies here. */
typedef bool panel_memory_point_fn(void *context, const char *point);

/** A fresh node; ends with panel_memory_destroy(). */
struct panel_memory *panel_memory_create(enum panel_role role, const char *ip, const char *hostname, uint64_t seed);
void panel_memory_destroy(struct panel_memory *memory);
struct panel_host *panel_memory_host(struct panel_memory *memory);

/* The clock: the wall time of the next command, and how long commands have slept since it was last taken. */
void panel_memory_set_now(struct panel_memory *memory, int64_t wall_ms);
int64_t panel_memory_take_slept_ms(struct panel_memory *memory);
void panel_memory_on_point(struct panel_memory *memory, panel_memory_point_fn *function, void *context);

/* How commands are called on this node. */
void panel_memory_set_umask(struct panel_memory *memory, unsigned mask);                     /* 022 unless set */
void panel_memory_set_env(struct panel_memory *memory, const char *name, const char *value); /* NULL: unset */
void panel_memory_set_root(struct panel_memory *memory, bool is_root);                       /* true unless set */
/** The service refuses its configuration: test, reload and restart fail. */
void panel_memory_break_service(struct panel_memory *memory, enum panel_service service, bool is_broken);

/**
 * Run a command line of the few programs besides the panel that a driver uses on a node: rm -rf|-f [--] PATH...,
 * userdel -f|-rf USER, chattr -i|+i PATH, stat -c FORMAT PATH... (%a %U %G %n), test -e|-d|-f PATH, cat PATH..., ls PATH,
 * sed -i SCRIPT FILE with SCRIPT Nd or 0,/TEXT/{/TEXT/d}, mktemp TEMPLATE, tee PATH, mkdir -p PATH, true, and
 * sudo -n COMMAND... Commands of the panel are run too. Anything else: exit 127.
 */
int panel_shell(struct panel_memory *memory, int argc, char *const argv[], const char *stdin_text, struct buf *out,
                struct buf *err);
/** The same for an account that may only sudo the panel's commands; without sudo it is not root. */
int panel_shell_sudo(struct panel_memory *memory, int argc, char *const argv[], const char *stdin_text, struct buf *out,
                     struct buf *err);

/* Looking at the node from outside, as a customer would: what is configured and was loaded by its server. */
bool panel_memory_site_answers(struct panel_memory *memory, const char *domain);
/** The zone text that is served; false when none is. */
bool panel_memory_zone(struct panel_memory *memory, const char *domain, struct buf *ret_zone);
bool panel_memory_mail_login(struct panel_memory *memory, const char *domain, const char *account,
                             const char *password);

/** The whole tree as text, one "mode owner:group path" line and its content per file: to compare two nodes. */
void panel_memory_dump(struct panel_memory *memory, struct buf *ret_text);

#endif
