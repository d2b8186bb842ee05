/* deploy.h - four modelled nodes, a virtual clock, and the smallest engine that can deploy a service: one step after the other,
 * attempts with fences, pick-up of what is unknown. It shows that transport and drivers keep their promises without the engine. */
#ifndef BERTH_TESTS_SIM_DEPLOY_H
#define BERTH_TESTS_SIM_DEPLOY_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "drivers/driver.h"
#include "transport/sim.h"

enum { WEB = 1, MAIL, NS1, NS2, NODE_COUNT = NS2 };

struct world {
    struct clock clock; /* virtual */
    int64_t now_ms;
    struct rng rng;
    struct transport *transport;
    bool is_sudo;
    int64_t fence;
    uint64_t next_id;
    struct buf trace;     /* one line per event */
    unsigned attempts;    /* of world_deploy() */
    char problem[600];    /* why a deployment ended before its end */
    enum verdict verdict; /* of the step that ended it */
    char dkim[1024];      /* the key that the mail node showed last */
};

#define WORLD_START_MS INT64_C(1795449600000) /* 2026-11-23 16:00 UTC */

void world_open(struct world *world, uint64_t seed, const struct transport_sim_faults *faults, bool is_sudo);
void world_close(struct world *world);
const char *world_address(int node);

/** Start a command on a node (0: a probe) with the next id; deadline 120 s unless it has one. @return its id */
uint64_t world_start(struct world *world, int node, struct command *command);
/** The next event, moving the clock as far as needed but not past until_ms; false when there is none. */
bool world_event(struct world *world, int64_t until_ms, struct transport_event *ret_event);
/** The result of this command, moving the clock; other events only go into the trace. The caller's to finish. */
struct transport_event world_result(struct world *world, uint64_t id);
void world_pass(struct world *world, int64_t ms);

/** Do one step on a node until it is done or a person is needed; retries as an engine would. @return whether it is done */
bool world_step(struct world *world, const char *action, int node, struct move *ret_move);
/** The whole Split pipeline, in order. @return false with world->problem */
bool world_deploy(struct world *world);
/** What stands on the nodes, without what must differ from run to run. */
void world_dump(struct world *world, struct buf *ret_text);

#endif
