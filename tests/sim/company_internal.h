/* company_internal.h - what the files of the company share: company.c builds it and lets time pass, company_ask.c asks the engine
 * by hand, company_run.c lives through days by a seed. company_watch.c, company_check.c and company_nodes.c look whether all is as it
 * must be: after each step, in the records and on the nodes at the end. company_store.c stands between store and database and
 * makes it fail, company_link.c between a worker and the nodes; company_rival.c brings a second worker. */
#ifndef BERTH_TESTS_SIM_COMPANY_INTERNAL_H
#define BERTH_TESTS_SIM_COMPANY_INTERNAL_H

#include "company.h"

#define COMPANY_NODES 6
#define COMPANY_NODES_USUAL 5 /* without all1 */
#define COMPANY_LEASE_MS 15000

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
    int64_t operation_id;            /* whose progress these are */
    int64_t tasks_done, weight_done; /* as seen last */
    unsigned mends;                  /* how often a person has retried what had failed for good */
    int64_t mend_at_ms;
};

struct company_link;

struct company_worker {
    struct engine *engine;
    struct company_link *link;
    struct store *store;
};

struct company {
    struct company_options options;
    struct clock clock;       /* the workers': their wall clock may be wrong */
    struct clock world_clock; /* the nodes' */
    int64_t now_ms;           /* true time; also the boot clock */
    int64_t wall_ahead_ms;
    _Atomic int64_t lead_ms; /* of the worker's process: see clock_steady_ms() */
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
    struct company_link *link;
    struct engine *engine;
    uint64_t workers; /* started so far */
    struct company_worker stale;
    char installation[7];
    char *before; /* what stood on the nodes before the first order */
    struct company_order orders[COMPANY_SERVICES_MAX];
    unsigned ordered;
    unsigned asked, answered; /* requests of all kinds */
    unsigned breaches[BREACH_KINDS];
    unsigned kills, take_overs;
    int64_t calm_since_ms; /* when the faults stopped; 0: they have not */
    bool is_late;
    unsigned repeats; /* commands that ran twice, as seen last */
    size_t watched_commits;
    /* what is wrong with workers, for tests of the simulator */
    bool believes_any_epoch; /* a worker that goes on takes whatever epoch it finds for its own */
    bool boot_clock_stops;   /* the boot clock does not count the time that a worker was stopped */
    int64_t boot_lost_ms;
    size_t commits_before;           /* the first order */
    size_t commits, commit_failures; /* of engines that are gone */
    int log_fd;
};

/* company.c */
void company_must(bool good, const struct err *err, const char *what);
void company_start_engine(struct company *company);
void company_cut_sessions(struct company *company);
/** Of an engine that ends. */
void company_keep_figures(struct company *company, const struct engine *engine);
void company_post(struct company *company, struct request *request,
                  void (*done)(struct request *request, void *context), void *context);
struct request *company_node_request(const struct company *company, const struct node_seed *seed, int64_t capacity_max);
int64_t company_next_ms(struct company *company);
/** That it began with; by id they are the first of the seeds. */
size_t company_node_count(const struct company *company);
const struct node_seed *company_seed_of(const char *name);

/* company_watch.c */
void company_complain(struct company *company, enum company_breach kind, const char *format, ...) PRINTF_LIKE(3, 4);
/** What must be true after every step. */
void company_watch(struct company *company);
/** Progress never goes back: called along the way. */
void company_watch_progress(struct company *company);

/* company_check.c */
/** @return false, after a complaint, when there is no record of it any more */
bool company_find_service(struct company *company, int64_t id, struct service *ret_service);

/* company_nodes.c */
void company_check_nodes(struct company *company);

/* company_link.c */
struct company_link *company_link_create(struct transport *nodes, uint64_t worker);
void company_link_destroy(struct company_link *link);
struct transport *company_link_transport(struct company_link *link);
/** So many commands are sent yet, then the process is dead. */
void company_link_die_after(struct company_link *link, unsigned starts);
/** Somebody else owns the store from now on. */
void company_link_supersede(struct company_link *link);
/** Commands that it sent nevertheless. */
unsigned company_link_stale_starts(const struct company_link *link);

/* company_rival.c */
/** Between two steps the daemon is stopped for longer than its lease, another one takes over, then it goes on. */
void company_rival_arrives(struct company *company);
/** The same between its next commit and the sending of what that has decided. */
void company_rival_arrives_at_commit(struct company *company);
/** The stopped one goes on. */
void company_end_stale(struct company *company);

/* company_store.c */
void company_hook_store(struct company *company);
/** The store of the next worker: it is the owner's now. */
void company_hook_next_store(struct company *company);
void company_unhook_store(struct company *company);
/** Commits of a worker that was superseded. */
unsigned company_store_stale_commits(const struct company *company);
/** From now on the process is dead: nothing that it wants to write goes through. */
void company_store_kill(struct company *company);
bool company_store_is_dead(const struct company *company);
void company_store_revive(struct company *company);
void company_store_random_faults(struct company *company, bool on);
/** Commits count from here on: where a kill is wanted. */
void company_store_count(struct company *company);
/** What fails fails in the engine's steps only, not where the simulator looks for itself. */
void company_store_arm(struct company *company, bool on);

#endif
