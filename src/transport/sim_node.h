/* sim_node.h - commands of the drivers, run on a node that is a model in memory (lab/panel): what the shell of node.sh does with
 * them on a real one. No time passes here but what the model counts, and no connection is involved. */
#ifndef BERTH_TRANSPORT_SIM_NODE_H
#define BERTH_TRANSPORT_SIM_NODE_H

#include "panel/host_memory.h"
#include "transport/transport.h"

/** Whether the segment after this one runs when it has ended with this exit code. */
bool sim_goes_on(const struct segment *segment, int exit_code);

/**
 * Run one segment.
 *
 * @param is_sudo     the SSH user is not root: as_root goes through sudo -n
 * @param file_path   where INPUT_FILE is put for the time of the run, below /tmp/
 * @param ret_result  the caller's to finish, within a command_result
 */
void sim_run_segment(struct panel_memory *memory, bool is_sudo, const char *file_path, const struct segment *segment,
                     struct segment_result *ret_result);

/** Run a whole command, without faults: its result is ENDED. For tests of drivers. */
void sim_run_command(struct panel_memory *memory, bool is_sudo, const struct command *command,
                     struct command_result *ret_result);

/** What stands on the node, one sorted line per thing: packages, users, sites, zones with their records, mail domains, mailboxes
 * and what is left over of them. Without dates, hashes, keys and counters, so that two nodes can be compared; the same line
 * twice is a doubled object. `is_with_serials`: zone lines carry their serial. */
void sim_node_dump(struct panel_memory *memory, bool is_with_serials, struct buf *ret_text);

#endif
