/* placement.c - see placement.h. */
#include "core/placement.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool node_is_in(const struct node *node, int64_t group_id, enum role role)
{
    if (!(node->roles & ROLE_BIT(role)))
        return false;
    for (size_t i = 0; i < node->group_count; i++) {
        if (node->group_ids[i] == group_id)
            return true;
    }
    return false;
}

static bool node_has_room(const struct node *node)
{
    return node->capacity_max <= 0 || node->load < node->capacity_max;
}

static bool node_can_take(const struct node *node, int64_t group_id, enum role role)
{
    return node_is_in(node, group_id, role) && node->state == NODE_ACTIVE && node_has_room(node);
}

/* Whether a goes before b. Shares are compared by cross multiplication: exact, and loads are far from 2^31. */
static bool node_is_freer(const struct node *a, const struct node *b, bool by_share)
{
    int64_t left = by_share ? a->load * b->capacity_max : a->load;
    int64_t right = by_share ? b->load * a->capacity_max : b->load;
    return left != right ? left < right : a->id < b->id;
}

static const struct node *least_loaded(const struct node *nodes, size_t count, int64_t group_id, enum role role)
{
    bool by_share = true;
    for (size_t i = 0; i < count; i++)
        by_share = by_share && (nodes[i].capacity_max > 0 || !node_can_take(&nodes[i], group_id, role));
    const struct node *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (node_can_take(&nodes[i], group_id, role) && (best == NULL || node_is_freer(&nodes[i], best, by_share)))
            best = &nodes[i];
    }
    return best;
}

/* Sorted by id: the same nodes give the same plan, in whatever order they were loaded. @return how many are active */
static size_t collect_dns(const struct node *nodes, size_t count, int64_t group_id, int64_t *ids, size_t *ret_id_count)
{
    size_t active = 0, id_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!node_is_in(&nodes[i], group_id, ROLE_DNS) || nodes[i].state == NODE_DRAINING)
            continue;
        active += nodes[i].state == NODE_ACTIVE;
        size_t at = id_count++;
        for (; at > 0 && ids[at - 1] > nodes[i].id; at--)
            ids[at] = ids[at - 1];
        ids[at] = nodes[i].id;
    }
    *ret_id_count = id_count;
    return active;
}

/* ---- why not ---- */

struct reason {
    char *text;
    size_t length;
};

static void reason_add(struct reason *reason, const char *format, ...) PRINTF_LIKE(2, 3);
static void reason_add(struct reason *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(reason->text + reason->length, PLACEMENT_REASON_MAX - reason->length, format, args);
    va_end(args);
    if (wrote > 0)
        reason->length += (size_t)wrote;
    if (reason->length >= PLACEMENT_REASON_MAX)
        reason->length = PLACEMENT_REASON_MAX - 1;
}

static void reason_add_node(struct reason *reason, const struct node *node)
{
    if (node->state != NODE_ACTIVE)
        reason_add(reason, "%s is %s", node->name, node_state_name(node->state));
    else
        reason_add(reason, "%s is full (%" PRId64 " of %" PRId64 ")", node->name, node->load, node->capacity_max);
}

/* "no active web node in group eu has room: web1 is full (40 of 40), web2 is paused". What does not fit is counted. */
static void reason_write(const struct node *nodes, size_t count, int64_t group_id, const char *group_name,
                         enum role role, char ret_reason[PLACEMENT_REASON_MAX])
{
    struct reason reason = { .text = ret_reason };
    size_t candidates = 0, left = 0;
    for (size_t i = 0; i < count; i++)
        candidates += node_is_in(&nodes[i], group_id, role);
    if (candidates == 0) {
        reason_add(&reason, "group %s has no %s node", group_name, role_name(role));
        return;
    }
    reason_add(&reason,
               role == ROLE_DNS ? "no %s node in group %s is active" : "no active %s node in group %s has room",
               role_name(role), group_name);
    const char *before = ": ";
    for (size_t i = 0; i < count; i++) {
        if (!node_is_in(&nodes[i], group_id, role))
            continue;
        if (reason.length > PLACEMENT_REASON_MAX - 110) { /* the longest name and its words */
            left++;
            continue;
        }
        reason_add(&reason, "%s", before);
        reason_add_node(&reason, &nodes[i]);
        before = ", ";
    }
    if (left > 0)
        reason_add(&reason, " and %zu more", left);
}

bool placement_choose(const struct node *nodes, size_t node_count, int64_t group_id, const char *group_name,
                      unsigned roles, struct placement *ret_placement, char ret_reason[PLACEMENT_REASON_MAX],
                      const char **ret_reason_key)
{
    static const enum role single[] = { ROLE_WEB, ROLE_MAIL };
    struct placement placement = { 0 };
    enum role missing = ROLE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(single) && missing == ROLE_NONE; i++) {
        if (!(roles & ROLE_BIT(single[i])))
            continue;
        const struct node *node = least_loaded(nodes, node_count, group_id, single[i]);
        if (node == NULL)
            missing = single[i];
        else
            placement.node[single[i]] = node->id;
    }
    if (missing == ROLE_NONE && (roles & ROLE_BIT(ROLE_DNS))) {
        placement.dns_nodes = xcalloc(node_count + 1, sizeof(*placement.dns_nodes));
        if (collect_dns(nodes, node_count, group_id, placement.dns_nodes, &placement.dns_count) == 0)
            missing = ROLE_DNS;
        else
            placement.node[ROLE_DNS] = placement.dns_nodes[0];
    }
    if (missing == ROLE_NONE) {
        *ret_placement = placement;
        return true;
    }
    placement_finish(&placement);
    reason_write(nodes, node_count, group_id, group_name, missing, ret_reason);
    *ret_reason_key = "wait.capacity";
    return false;
}

void placement_finish(struct placement *placement)
{
    free(placement->dns_nodes);
    placement->dns_nodes = NULL;
    placement->dns_count = 0;
}
