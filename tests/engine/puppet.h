/* puppet.h - a transport that the test plays itself: it sees which commands the engine starts and says what comes of them. */
#ifndef BERTH_TESTS_ENGINE_PUPPET_H
#define BERTH_TESTS_ENGINE_PUPPET_H

#include "transport/transport.h"

#define PUPPET_MAX 512

struct puppet {
    struct transport base;
    struct command *started[PUPPET_MAX]; /* not answered yet, oldest first */
    size_t count;
    unsigned starts, abandons, removes;        /* so far */
    struct transport_event events[PUPPET_MAX]; /* for the next poll */
    size_t event_count;
    const char *message;            /* of outcomes other than ENDED */
    void (*on_poll)(void *context); /* called once, in the next poll */
    void *context;
};

void puppet_init(struct puppet *puppet);
void puppet_finish(struct puppet *puppet);
void puppet_link(struct puppet *puppet, int64_t node_id, bool up, const char *why);
/** The oldest command that waits has this outcome; for ENDED each of its segments ends with exit_code and prints nothing. */
void puppet_answer(struct puppet *puppet, enum outcome outcome, enum transport_fault fault, int exit_code);
/** The newest command that waits is the next to be answered. */
void puppet_swap(struct puppet *puppet);

#endif
