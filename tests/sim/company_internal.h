/* company_internal.h - what the files of the company share: company.c builds it and lets time pass, company_ask.c asks the engine
 * by hand, company_run.c lives through days by a seed, company_check.c looks whether all is as it must be, company_store.c stands
 * between store and database and makes it fail. */
#ifndef BERTH_TESTS_SIM_COMPANY_INTERNAL_H
#define BERTH_TESTS_SIM_COMPANY_INTERNAL_H

#include "company.h"

#define COMPANY_NODES 6
#define COMPANY_NODES_USUAL 5 /* without all1 */

struct node_seed {
    const char *name, *address, *hostname;
    unsigned roles;
    enum panel_role panel_role;
};
extern const struct node_seed company_node_seeds[COMPANY_NODES];

/* An order, sent until it is answered with something else than "try again". */
struct company_order {
    int64_t service_id; /* 0: not accepted yet */
    int64_t due_ms;     /* when it is sent (again); INT64_MAX: it is on its way, or need not be */
    const char *product, *options;
    int64_t tasks_done, weight_done; /* as seen last */
};

struct company {
    struct company_options options;
    struct clock clock;
    int64_t now_ms;
    int64_t paused_until_ms; /* the engine, after a fault of the store */
    struct rng rng;          /* the engine's */
    struct rng plan_rng;     /* orders and kills */
    struct rng fault_rng;    /* the nodes' */
    struct rng store_rng;    /* the store's faults */
    struct store *store;
    struct keyring *keyring;
    struct pipeline *split;
    struct inbox *inbox;
    struct transport *nodes;
    struct engine *engine;
    char installation[7];
    char *before; /* what stood on the nodes before the first order */
    struct company_order orders[COMPANY_SERVICES_MAX];
    unsigned ordered;
    unsigned asked, answered; /* requests of all kinds */
    unsigned breaches;        /* found on the way */
    unsigned kills;
    size_t commits_before;           /* the first order */
    size_t commits, commit_failures; /* of engines that are gone */
    int log_fd;
};

/* company.c */
void company_must(bool good, const struct err *err, const char *what);
void company_start_engine(struct company *company);
void company_post(struct company *company, struct request *request,
                  void (*done)(struct request *request, void *context), void *context);
struct request *company_node_request(const struct company *company, const struct node_seed *seed, int64_t capacity_max);
int64_t company_next_ms(struct company *company);
/** That it began with; by id they are the first of the seeds. */
size_t company_node_count(const struct company *company);
const struct node_seed *company_seed_of(const char *name);

/* company_check.c */
unsigned company_complain(const struct company *company, const char *format, ...) PRINTF_LIKE(2, 3);
/** Progress never goes back: called along the way. */
void company_watch_progress(struct company *company);

/* company_store.c */
void company_hook_store(struct company *company);
void company_unhook_store(struct company *company);
/** Whether the process is dead at this moment: nothing that it wants to write goes through. */
/** From now on it is dead. */
void company_store_kill(struct company *company);
bool company_store_is_dead(const struct company *company);
void company_store_revive(struct company *company);
void company_store_random_faults(struct company *company, bool on);
/** What fails fails in the engine's steps only, not where the simulator looks for itself. */
/** Commits count from here on: where a kill is wanted. */
void company_store_count(struct company *company);
void company_store_arm(struct company *company, bool on);

#endif
