/* world_view.h - what the world sees of a service, as the API and the customer's page show it: from the facts that the engine's looks
 * have left (engine/world.c) and what is expected of our nodes. Private to src/http. */
#ifndef BERTH_HTTP_WORLD_VIEW_H
#define BERTH_HTTP_WORLD_VIEW_H

#include "http/view.h"

struct world_view {
    bool is_expected; /* the service has been live: there is a record of looks */
    bool has_names;   /* its name servers are ours */
    bool has_site;
    char *domain; /* as people read it */
    enum ssl_state ssl;
    int64_t looked_at_ms, next_look_ms;     /* 0: not yet, not any more */
    char *seen, *names_seen, *address_seen; /* "yes", "partly", "no", "unknown" */
    char *why;                              /* which resolvers could not tell; "" */
    json_t *names, *names_found;            /* arrays of text */
    json_t *addresses, *addresses_found;
};

/**
 * @param accounts, catalogue  of the service (store_list_accounts()); a catalogue with nodes
 * @param ret_view             to be ended with world_view_finish(), also one that is all zero
 */
MUST_CHECK bool world_view_load(struct store *store, const struct service *service, const struct account *accounts,
                                size_t account_count, const struct catalogue *catalogue, struct world_view *ret_view,
                                struct err *err);
void world_view_finish(struct world_view *view);

/* Each is the caller's. */

/** `world` of a service in the API; null before it was live. */
json_t *world_view_world(const struct world_view *view);
/** `ssl` of a service in the API; null when no certificate is wanted (yet). */
json_t *world_view_ssl(const struct world_view *view);
/** What belongs to panel.dns beside name_servers: {seen, found, looked_at, next_look_at}; null when its names are not ours. */
json_t *world_view_panel_dns(const struct world_view *view);
/** panel.ssl; without a site its state is "none". */
json_t *world_view_panel_ssl(const struct world_view *view);
/** "none", "waiting", "issued", "failed": for panel.web.ssl. */
const char *world_view_ssl_word(const struct world_view *view);

#endif
