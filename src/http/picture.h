/* picture.h - all that the store has of a service for its customer, read as of one moment. The page, the state and what is
 * told live are made from it (customer_state.h). Private to src/http. */
#ifndef BERTH_HTTP_PICTURE_H
#define BERTH_HTTP_PICTURE_H

#include "core/eta.h"
#include "http/credentials_json.h"
#include "http/view.h"
#include "http/world_view.h"

#define PICTURE_EVENTS_MAX 400 /* the newest ones */

struct picture {
    struct service service;
    struct operation operation; /* id 0: none yet */
    struct task *tasks;
    size_t task_count;
    struct account *accounts; /* once it was live */
    size_t account_count;
    struct catalogue catalogue; /* nodes */
    struct event *events;       /* oldest first */
    size_t event_count;
    struct world_view world; /* once it was live */
    struct credentials_state credentials;
    struct eta eta; /* of the operation, while it runs */
    bool has_panel; /* it is live, or was: see service_keeps_panel() */
    bool may_retry; /* something of it has failed that its customer may try again */
    bool told;      /* staff have been told that it has failed: the first message of its ticket has arrived */
    char *domain;   /* as people read it */
};

/** @return false with ERR_NOT_FOUND when there is no such service; picture is to be finished in any case */
MUST_CHECK bool picture_load(struct store *store, int64_t service_id, int64_t now_ms, struct picture *picture,
                             struct err *err);
void picture_finish(struct picture *picture);

#endif
