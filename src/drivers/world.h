/* world.h - what the world sees of a service: what is asked of recursive resolvers, and what their answers come to. A zone that
 * our name servers serve is not seen by anybody before its owner has entered them at the registrar, and the old answers have left
 * everybody's memory. */
#ifndef BERTH_DRIVERS_WORLD_H
#define BERTH_DRIVERS_WORLD_H

#include "core/resolvers.h"
#include "transport/transport.h"

#define WORLD_NAME_SERVERS_MAX 8
#define WORLD_FOUND_MAX 12 /* names or addresses that are kept */
#define WORLD_TEXT_MAX 256

enum world_seen {
    WORLD_UNKNOWN, /* no resolver could tell */
    WORLD_NO,
    WORLD_PARTLY, /* some do, or something of it; or too few could tell */
    WORLD_YES,    /* every resolver that could tell, and at least half of them could */
};
const char *world_seen_name(enum world_seen seen); /* "unknown", "no", "partly", "yes" */

/* What should be seen. Texts are borrowed. */
struct world_wanted {
    const char *domain; /* A-labels */
    const char *name_servers[WORLD_NAME_SERVERS_MAX];
    size_t name_server_count; /* 0: they are somebody else's, and not asked for */
    const char *ip4, *ip6;    /* of the site; NULL or "": not asked for */
};

/* Sorted, each once; beyond the limit they are left out. */
struct world_found {
    char texts[WORLD_FOUND_MAX][WORLD_TEXT_MAX];
    size_t count;
};

struct world_sight {
    enum world_seen name_servers, address; /* UNKNOWN where not asked for */
    enum world_seen all;                   /* of what was asked for */
    struct world_found found_servers, found_addresses;
    char why[300]; /* which resolvers could not tell, and why; "" when all could */
};

/** Whether there is anything to ask for. */
bool world_wants(const struct world_wanted *wanted);
/** The look (LANE_PROBE). @param resolvers none: those of this machine; the command is the caller's, without its id */
struct command *world_ask(const struct world_wanted *wanted, const struct resolver *resolvers, size_t count);
/** What it came to. All texts of a resolver are taken for what they are: somebody else's. */
void world_read(const struct world_wanted *wanted, const struct command_result *result, struct world_sight *ret_sight);

#endif
