/* desk.h - a notifier without a network: the desk where messages arrive. It keeps what came, can be down, can die after it has
 * accepted, and forgets what it was about to report when its process is killed. */
#ifndef BERTH_TESTS_ENGINE_DESK_H
#define BERTH_TESTS_ENGINE_DESK_H

#include "notify/notify.h"

#define DESK_LETTERS_MAX 64

enum desk_manners {
    DESK_TAKES,
    DESK_TAKES_SILENTLY, /* it has arrived, but nobody is told: "try again" */
    DESK_DOWN,
    DESK_REFUSES,
    DESK_BUSY, /* takes it and reports nothing until told to: desk_go_on() */
};

/* The process that hands over has been killed, but its last step runs to its end here: what it still does counts as not done, or
 * as done without anybody who could write down the result. Ends with the first poll of the next process. */
enum desk_death { DESK_ALIVE, DESK_DEATH_BEFORE_SENDING, DESK_DEATH_AFTER_SENDING };

struct desk_letter {
    char *key, *thread_key, *marker, *subject, *body;
    enum ticket_message_kind kind;
    unsigned times; /* how often it was handed over */
};

struct desk {
    struct notifier notifier;
    enum desk_manners manners;
    enum desk_death death;
    struct desk_letter
        letters[DESK_LETTERS_MAX]; /* one for each key that has arrived, in the order of their first arrival */
    size_t letter_count;
    struct notice_result results[DESK_LETTERS_MAX]; /* to be polled */
    size_t result_count;
    struct notice *held;
    unsigned handed_over;
    bool is_consistent; /* false once a key came back with another content */
};

void desk_init(struct desk *desk);
void desk_finish(struct desk *desk);
/** The process that held it was killed: what is under way or was to be reported is gone. What has arrived has arrived. */
void desk_crash(struct desk *desk);
/** Report what was held back. */
void desk_go_on(struct desk *desk);

#endif
