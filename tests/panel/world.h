/* world.h - a node in memory for a test: run a command line given as one string, look at what it said. */
#ifndef BERTH_TESTS_PANEL_WORLD_H
#define BERTH_TESTS_PANEL_WORLD_H

#include "panel/host_memory.h"

struct world {
    struct panel_memory *memory;
    struct buf out, err;
    const char *kill_point; /* the next command dies there */
    unsigned kills;
};

void world_init(struct world *world, enum panel_role role);
void world_finish(struct world *world);
/** Words are parted by blanks; 'a b' is one word. @return the exit code; what was printed is in out and err */
int world_run(struct world *world, const char *line);
/** The same as an account that may only sudo the panel. */
int world_run_sudo(struct world *world, const char *line);
/** Fails the test when the exit code is another one. */
void world_expect(struct world *world, int code, const char *line);
/** Run the line and kill it at the point; fails the test when it does not come there. */
void world_kill(struct world *world, const char *point, const char *line);
/** Fails the test unless the last command printed this somewhere. */
void world_said(const struct world *world, const char *text);
void world_write(struct world *world, const char *path, const char *text);

#endif
