/* company.h - a whole hosting company on a virtual clock: the real engine, store and drivers, modelled nodes, faults from a seed.
 * The same seed replays the same run, byte for byte. berth-sim lets companies live by their seeds; tests of the engine ask one
 * for exactly what they need (the second half). One company at a time in a process. */
#ifndef BERTH_TESTS_SIM_COMPANY_H
#define BERTH_TESTS_SIM_COMPANY_H

#include <stdint.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "transport/sim.h"

#define COMPANY_SERVICES_MAX 64
#define COMPANY_START_MS INT64_C(1800000000000)

enum company_kill { KILL_NONE, KILL_BEFORE_PUBLISH, KILL_AMID_PUBLISH, KILL_AFTER_PUBLISH };

/* What may be wrong with a company, by kind. */
enum company_breach {
    BREACH_LOST,       /* an accepted order is not there, or was accepted twice */
    BREACH_UNFINISHED, /* a service is neither live nor in an error that a person can act on, or not within the bound */
    BREACH_DOUBLED,    /* something stands twice on a node, or a command ran twice */
    BREACH_ORPHANED,   /* something stands on a node for no service */
    BREACH_MISSING,    /* a live service lacks something on a node */
    BREACH_FOREIGN,    /* somebody else's object was touched */
    BREACH_TICKETS,    /* two for one service and operation, or none where one is due */
    BREACH_ATTEMPTS,   /* beyond the policy, or their records contradict each other */
    BREACH_STALE,      /* a worker that was superseded has written or sent something */
    BREACH_PROGRESS,   /* it went back */
    BREACH_RECORDS,    /* counters, events and states that contradict each other */
    BREACH_SECRETS,    /* a password where people read */
};
#define BREACH_KINDS (BREACH_SECRETS + 1)
const char *company_breach_name(enum company_breach kind);

struct company_options {
    uint64_t seed;
    unsigned orders;   /* 1 to COMPANY_SERVICES_MAX */
    bool faults;       /* connections, nodes and panel commands fail for faults_ms */
    bool kills;        /* the daemon is killed now and then meanwhile: everything in memory is gone */
    bool store_faults; /* begin, statements and commits of the store fail now and then meanwhile */
    bool refusals;     /* the panel refuses for good now and then; a person retries it when all is calm */
    bool clock_jumps;  /* the workers' wall clock is set ahead and back meanwhile */
    bool rivals;     /* the daemon is stopped past its lease now and then, and another one goes on; needs a store_url */
    bool tickets;    /* failures open tickets */
    bool quiet;      /* breaches are counted, not printed */
    bool lasts;      /* it goes on until the faults stop, and orders come all the while */
    bool admin;      /* meanwhile nodes are paused, drained and tested, tasks retried, orders sent again */
    bool operations; /* ... and services redeployed, verified, planned, cancelled; not together with tickets */
    bool sudo;       /* nodes are reached as an account with sudo for v-* only */
    bool mixed;      /* with all1, a node that has every role: accounts share it */
    bool resumed;    /* the store_url has catalogue and nodes of an earlier life */
    bool bare;       /* without nodes: whoever made it adds them */
    bool watch_log;  /* the process's log goes to a file in memory and is searched for secrets */
    int64_t faults_ms;      /* virtual time */
    enum company_kill kill; /* once, at this commit: with its messages sent or before */
    unsigned kill_commit;
    const char *pace;                                                /* "pace=fixed 100"; NULL: as recorded */
    const char *store_url;                                           /* NULL: in memory */
    struct notifier *notifier;                                       /* borrowed; NULL: nobody is told */
    void (*committed)(void *context, const struct changes *changes); /* as the engine's; may be NULL */
    void *committed_context;
    void (*armed)(bool on); /* called with true where an engine's step begins, with false where it ends; may be NULL */
    struct transport *transport; /* the engine's, in place of the modelled nodes; borrowed; NULL: the nodes */
};

struct company;

struct company *company_create(const struct company_options *options);
void company_destroy(struct company *company);

/** Place the orders and run until every service has ended, or too much time has passed since the faults stopped. */
void company_run(struct company *company);

/** What must be true of every company at its end; prints each breach on standard error. @return how many, those that were found
 * on the way included */
unsigned company_check(struct company *company);
unsigned company_breaches(const struct company *company, enum company_breach kind);

struct company_figures {
    unsigned live, failed, waiting;
    unsigned kills, take_overs, commits, store_failures;
    int64_t virtual_ms;
    int64_t calm_ms;     /* from the end of the faults to the end of all */
    uint64_t trace_hash; /* over every event of every service, with its moment */
};
void company_get_figures(struct company *company, struct company_figures *ret_figures);
/** Counts are added up, of calm_ms the longest is kept, of the hash the last. */
void company_figures_add(struct company_figures *sum, const struct company_figures *one);
/** Every event of every service, one line each. */
void company_print_trace(struct company *company);
/** What stands on the nodes, without what must differ from run to run. To be freed. */
char *company_dump(struct company *company);

/* ---- for tests: by hand, nodes by their names (web1 web2 mail1 ns1 ns2; all1 has every role) ------------------------------ */

struct store *company_store(struct company *company);
struct engine *company_engine(struct company *company);
struct inbox *company_inbox(struct company *company);
struct transport *company_nodes(struct company *company);
int64_t company_now_ms(const struct company *company);

/** The engine's step, at this moment. */
void company_step(struct company *company);
/** Time passes; the engine steps whenever it or a node has something to do. */
void company_pass(struct company *company, int64_t ms);
/** Time passes until the service has this status. @return false when it has not within limit_ms */
bool company_until(struct company *company, int64_t service_id, enum service_status status, int64_t limit_ms);
/** The same until the task with this key is in this state. */
bool company_until_task(struct company *company, int64_t service_id, const char *key, enum task_state state,
                        int64_t limit_ms);

/** Ask the engine and step until it answers. @return the request with its answer, the caller's to destroy */
struct request *company_ask(struct company *company, struct request *request);
struct request *company_order_request(const char *product, const char *domain, const char *external_id);
/** An order that must be accepted. @return the service's id */
int64_t company_order(struct company *company, const char *product, const char *domain, const char *external_id);
void company_add_node(struct company *company, const char *name, int64_t capacity_max);
/** The same while the commit fails: it is refused. */
void company_fail_node_add(struct company *company, const char *name);
void company_set_node(struct company *company, const char *name, enum node_state state, int64_t capacity_max);
/** @return whether the engine agreed */
bool company_retry(struct company *company, int64_t service_id, const char *key);
/** kill -9 and a new start; with is_clean: SIGTERM and a new start. */
void company_restart(struct company *company, bool is_clean);
/** More lines for conf/standin.conf of a node (lab/panel/standin.h), e.g. "fail=v-add-user:15:1". */
void company_standin(struct company *company, const char *node, const char *lines);
/** Run a command of the panel on a node, as its administrator would; it must end well. */
void company_run_on(struct company *company, const char *node, const char *const *words, size_t count);
const char *company_address(const char *node);

/** A stored secret, opened; NULL when there is none. To be freed. */
char *company_secret(struct company *company, int64_t service_id, int64_t node_id, const char *kind);
/** Would the panel let him in, or the mail server? */
bool company_password_works(struct company *company, const struct account *account, bool mailbox, const char *password);
void company_get_service(struct company *company, int64_t id, struct service *ret_service);
void company_get_task(struct company *company, int64_t service_id, const char *key, struct task *ret_task);
void company_get_operation(struct company *company, int64_t service_id, struct operation *ret_operation);
/** The service's timeline, a line per event: what, of which task, why. */
void company_trace(struct company *company, int64_t service_id, bool is_with_time, struct buf *ret_text);

/** After the n-th commit from now (1: the next one) this is called, before anything that the batch decided is sent. */
void company_at_commit(struct company *company, unsigned n, void (*function)(struct company *company));
/** The n-th commit, begin or statement of the engine from now fails, once. */
enum company_store_fault { STORE_FAULT_BEGIN, STORE_FAULT_QUERY, STORE_FAULT_COMMIT };
void company_fail_store(struct company *company, enum company_store_fault fault, unsigned n);
/** From now on nothing can be begun, until it is mended. */
void company_break_store(struct company *company, bool is_broken);
/** The clock jumps while nothing of this process runs (SIGSTOP). */
void company_jump(struct company *company, int64_t ms);
/** The wall clock is set: so much ahead of true time, or behind it; no time passes. */
void company_set_clock(struct company *company, int64_t ahead_ms);

#endif
