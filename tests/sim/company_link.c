/* company_link.c - the transport of one worker: stands between its engine and the nodes. Several workers live one after the other,
 * or one beside another that was stopped; each hears of its own commands only, and what one sends that must not is counted.
 * See company_internal.h. */
#include "company_internal.h"

#include <assert.h>
#include <limits.h>

#define WORKER_SHIFT 40 /* commands are numbered from 1 in each engine: above that, whose they are */

struct company_link {
    struct transport base;
    struct transport *nodes;
    uint64_t worker;
    bool is_stale;        /* somebody else owns the store */
    unsigned starts_left; /* then the process dies: nothing more is sent; UINT_MAX: it lives */
    unsigned stale_starts;
};

static struct company_link *link_from(struct transport *base)
{
    return CONTAINER_OF(base, struct company_link, base);
}

static void link_set_node(struct transport *base, const struct transport_node *node)
{
    const struct company_link *link = link_from(base);
    link->nodes->ops->set_node(link->nodes, node);
}

static void link_remove_node(struct transport *base, int64_t node_id)
{
    const struct company_link *link = link_from(base);
    link->nodes->ops->remove_node(link->nodes, node_id);
}

static void link_start(struct transport *base, struct command *command)
{
    struct company_link *link = link_from(base);
    assert(command->id >> WORKER_SHIFT == 0);
    link->stale_starts += link->is_stale;
    if (link->starts_left == 0) {
        command_destroy(command);
        return;
    }
    if (link->starts_left != UINT_MAX)
        link->starts_left--;
    command->id |= link->worker << WORKER_SHIFT;
    link->nodes->ops->start(link->nodes, command);
}

static void link_abandon(struct transport *base, uint64_t command_id)
{
    const struct company_link *link = link_from(base);
    link->nodes->ops->abandon(link->nodes, command_id | link->worker << WORKER_SHIFT);
}

static bool is_for(const struct company_link *link, struct transport_event *event)
{
    if (event->command_id == 0)
        return true;
    bool mine = event->command_id >> WORKER_SHIFT == link->worker;
    event->command_id &= (UINT64_C(1) << WORKER_SHIFT) - 1;
    return mine;
}

static size_t link_poll(struct transport *base, struct transport_event *ret_events, size_t events_max)
{
    const struct company_link *link = link_from(base);
    size_t taken = 0, count = link->nodes->ops->poll(link->nodes, ret_events, events_max);
    for (size_t i = 0; i < count; i++) {
        if (is_for(link, &ret_events[i]))
            ret_events[taken++] = ret_events[i];
        else
            transport_event_finish(&ret_events[i]);
    }
    return taken;
}

static void link_destroy(struct transport *base)
{
    if (base != NULL)
        company_link_destroy(link_from(base));
}

static const struct transport_ops link_ops = {
    .name = "worker",
    .set_node = link_set_node,
    .remove_node = link_remove_node,
    .start = link_start,
    .abandon = link_abandon,
    .poll = link_poll,
    .destroy = link_destroy,
};

struct company_link *company_link_create(struct transport *nodes, uint64_t worker)
{
    struct company_link *link = xcalloc(1, sizeof(*link));
    *link = (struct company_link){ { &link_ops }, nodes, worker, false, UINT_MAX, 0 };
    return link;
}

void company_link_destroy(struct company_link *link)
{
    free(link);
}

struct transport *company_link_transport(struct company_link *link)
{
    return &link->base;
}

void company_link_die_after(struct company_link *link, unsigned starts)
{
    link->starts_left = starts;
}

void company_link_supersede(struct company_link *link)
{
    link->is_stale = true;
}

unsigned company_link_stale_starts(const struct company_link *link)
{
    return link->stale_starts;
}
