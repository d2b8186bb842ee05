/* puppet.c - see puppet.h. */
#include "puppet.h"

#include <assert.h>
#include <string.h>

static struct puppet *puppet_from(struct transport *base)
{
    return CONTAINER_OF(base, struct puppet, base);
}

static void puppet_set_node(struct transport *base, const struct transport_node *node)
{
    (void)base;
    (void)node;
}

static void puppet_remove_node(struct transport *base, int64_t node_id)
{
    (void)node_id;
    puppet_from(base)->removes++;
}

static void puppet_start(struct transport *base, struct command *command)
{
    struct puppet *puppet = puppet_from(base);
    assert(puppet->count < PUPPET_MAX);
    puppet->started[puppet->count++] = command;
    puppet->starts++;
}

static void drop(struct puppet *puppet, size_t at)
{
    command_destroy(puppet->started[at]);
    memmove(&puppet->started[at], &puppet->started[at + 1], (puppet->count - at - 1) * sizeof(puppet->started[0]));
    puppet->count--;
}

static void puppet_abandon(struct transport *base, uint64_t command_id)
{
    struct puppet *puppet = puppet_from(base);
    puppet->abandons++;
    for (size_t i = 0; i < puppet->count; i++) {
        if (puppet->started[i]->id == command_id) {
            drop(puppet, i);
            return;
        }
    }
}

static size_t puppet_poll(struct transport *base, struct transport_event *ret_events, size_t events_max)
{
    struct puppet *puppet = puppet_from(base);
    if (puppet->on_poll != NULL) {
        puppet->on_poll(puppet->context);
        puppet->on_poll = NULL;
    }
    size_t count = puppet->event_count < events_max ? puppet->event_count : events_max;
    memcpy(ret_events, puppet->events, count * sizeof(*ret_events));
    puppet->event_count -= count;
    memmove(puppet->events, &puppet->events[count], puppet->event_count * sizeof(*ret_events));
    return count;
}

static void puppet_destroy(struct transport *base)
{
    (void)base; /* the test's own */
}

static const struct transport_ops puppet_ops = { .name = "puppet",
                                                 .set_node = puppet_set_node,
                                                 .remove_node = puppet_remove_node,
                                                 .start = puppet_start,
                                                 .abandon = puppet_abandon,
                                                 .poll = puppet_poll,
                                                 .destroy = puppet_destroy };

void puppet_init(struct puppet *puppet)
{
    *puppet = (struct puppet){ .base.ops = &puppet_ops, .message = "the test says so" };
}

void puppet_finish(struct puppet *puppet)
{
    while (puppet->count > 0)
        drop(puppet, 0);
    for (size_t i = 0; i < puppet->event_count; i++)
        transport_event_finish(&puppet->events[i]);
}

static struct transport_event *add_event(struct puppet *puppet, struct transport_event event)
{
    assert(puppet->event_count < PUPPET_MAX);
    puppet->events[puppet->event_count] = event;
    return &puppet->events[puppet->event_count++];
}

void puppet_link(struct puppet *puppet, int64_t node_id, bool up, const char *why)
{
    struct transport_event event = { .kind = up ? TRANSPORT_NODE_UP : TRANSPORT_NODE_DOWN, .node_id = node_id };
    if (!up) {
        event.result_count = 1;
        event.results = xcalloc(1, sizeof(*event.results));
        event.results[0] = (struct command_result){ .outcome = OUTCOME_NOT_STARTED, .message = xstrdup(why) };
    }
    add_event(puppet, event);
}

void puppet_answer(struct puppet *puppet, enum outcome outcome, enum transport_fault fault, int exit_code)
{
    assert(puppet->count > 0);
    const struct command *command = puppet->started[0];
    struct command_result *result = xcalloc(1, sizeof(*result));
    *result = (struct command_result){ .outcome = outcome, .fault = fault, .number = command->number };
    result->message = outcome == OUTCOME_ENDED ? NULL : xstrdup(puppet->message);
    result->segment_count = command->segment_count;
    result->segments = xcalloc(command->segment_count + 1, sizeof(*result->segments));
    for (size_t i = 0; outcome == OUTCOME_ENDED && i < command->segment_count; i++)
        result->segments[i] =
            (struct segment_result){ .ran = true, .exit_code = exit_code, .out = xstrdup(""), .err = xstrdup("") };
    add_event(puppet, (struct transport_event){ .kind = TRANSPORT_RESULT,
                                                .command_id = command->id,
                                                .node_id = command->node_id,
                                                .results = result,
                                                .result_count = 1 });
    drop(puppet, 0);
}

void puppet_swap(struct puppet *puppet)
{
    assert(puppet->count > 0);
    struct command *newest = puppet->started[puppet->count - 1];
    puppet->started[puppet->count - 1] = puppet->started[0];
    puppet->started[0] = newest;
}
