/* customer_state.h - what a customer is shown of a service: one answer to that for the page (HTML), for its script (JSON at
 * /s/{token}/state) and for what is told live. No name of a node is in it but those that the customer needs (name servers, mail
 * server, where the control panel is), and those only once they work. Private to src/http. */
#ifndef BERTH_HTTP_CUSTOMER_STATE_H
#define BERTH_HTTP_CUSTOMER_STATE_H

#include "http/news.h"

#define ACTIVITY_MAX 50 /* news in the state */

enum step_state { STEP_LATER, STEP_DONE, STEP_WAITING, STEP_WORKING, STEP_PROBLEM };
const char *step_state_name(enum step_state state);

/* One line of the list: the same step on two name servers is one line. */
struct customer_step {
    const char *key;  /* "step.web.user" */
    const char *text; /* the catalogue's */
    enum step_state state;
    int64_t took_ms; /* -1 until it is done */
};

struct customer_state {
    struct picture picture;
    char *headline;
    const char *message; /* "" when there is nothing to say */
    const char *help;    /* when it has stopped: who knows, or what the customer can do; "" */
    const char *tone;    /* "work", "wait", "bad", "good" */
    int64_t until_ms;    /* when what is waited for is looked at again; 0: nothing of that kind is waited for */
    int percent;
    struct customer_step *steps;
    size_t step_count;
    struct news *news; /* oldest first, all that the picture's events hold */
    size_t news_count;
};

/** @return false with ERR_NOT_FOUND when there is no such service, or when it has ended: nothing is shown of it any more.
 * state is to be finished in any case */
MUST_CHECK bool customer_state_load(struct store *store, int64_t service_id, int64_t now_ms,
                                    struct customer_state *state, struct err *err);
void customer_state_finish(struct customer_state *state);

/** Without "activity" and "eta": what a stream compares to find out whether anything has changed. */
json_t *customer_state_view(const struct customer_state *state);
/** {"seconds", "sure"} or null: it runs down by itself, and is no change. */
json_t *customer_state_view_eta(const struct customer_state *state);
/** The whole: with "eta", and with "activity": its ACTIVITY_MAX newest. */
json_t *customer_state_view_whole(const struct customer_state *state);

/* customer_panel.c: {"web", "mail", "dns", "ssl", "controls"}, null until the service was live: see service_keeps_panel() */
json_t *customer_panel_view(const struct picture *picture);

#endif
