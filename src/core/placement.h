/* placement.h - which nodes a new service goes to. Pure: the nodes are handed in.
 *
 * Web and mail: of the active nodes of the group that have the capability and room, the one with the least load; equal:
 * the lower id. Load is the share of capacity_max if all of these nodes have one, else the number of services
 * (comparing some nodes this way and some that way would go round in circles). DNS: every name server of the group that
 * is not draining, full or not. A zone must be on all of them, so one that is paused or unreachable is part of the plan
 * too: its tasks wait there until it is back, and the service says so. One that is draining is on its way out of the
 * group and gets nothing new. At least one must be active, else nobody could answer for the domain. */
#ifndef BERTH_CORE_PLACEMENT_H
#define BERTH_CORE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "core/model.h"

#define PLACEMENT_REASON_MAX 256

struct placement {
    int64_t node[ROLE_COUNT]; /* by role; 0: not sold. For ROLE_DNS the first of dns_nodes */
    int64_t *dns_nodes;       /* owned; by id */
    size_t dns_count;
};

/**
 * @param nodes       all nodes; those of other groups are passed over
 * @param roles       ROLE_BIT()s that the product sells
 * @param group_name  for the reason
 * @param ret_placement  the caller's to finish; nothing is half-placed: untouched on failure
 * @param ret_reason  on failure, for staff: "no active web node in group eu has room: web1 is full (40 of 40), web2 is
 * paused"
 * @param ret_reason_key  on failure, for the customer: a key of the catalogue; static
 */
MUST_CHECK bool placement_choose(const struct node *nodes, size_t node_count, int64_t group_id, const char *group_name,
                                 unsigned roles, struct placement *ret_placement, char ret_reason[PLACEMENT_REASON_MAX],
                                 const char **ret_reason_key);
void placement_finish(struct placement *placement);

#endif
