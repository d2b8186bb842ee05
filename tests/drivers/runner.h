/* runner.h - runs a driver's command on a node in memory, segment by segment, as a transport's node side does: input files in
 * /tmp that are gone afterwards, `sudo -n` where the account is not root, the exit codes that let the next segment run. */
#ifndef BERTH_TESTS_RUNNER_H
#define BERTH_TESTS_RUNNER_H

#include "panel/host_memory.h"
#include "transport/transport.h"

struct runner {
    struct panel_memory *memory;
    bool sudo;            /* the account may only sudo the panel's commands */
    unsigned file_count;  /* names of input files */
    unsigned made;        /* changing segments that ran */
    unsigned round_trips; /* commands */
    unsigned segments;    /* segments that ran */
    unsigned lose_at;     /* the node is lost right after this segment, counted from 1; 0: never */
    bool is_lost;
};

/** Run it; the result is ENDED and the caller's to finish. A segment that a point killed ends with PANEL_KILLED. */
void runner_run(struct runner *runner, const struct command *command, struct command_result *ret_result);

#endif
