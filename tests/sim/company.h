/* company.h - a whole hosting company on a virtual clock: the real engine, store and drivers, modelled nodes, faults from a seed.
 * The same seed replays the same run, byte for byte. */
#ifndef BERTH_TESTS_SIM_COMPANY_H
#define BERTH_TESTS_SIM_COMPANY_H

#include <stdint.h>

#include "engine/engine.h"
#include "transport/sim.h"

#define COMPANY_SERVICES_MAX 64

struct company_options {
    uint64_t seed;
    unsigned orders;   /* 1 to COMPANY_SERVICES_MAX */
    bool faults;       /* connections, nodes and panel commands fail for faults_ms */
    bool kills;        /* the daemon is killed now and then meanwhile: everything in memory is gone */
    bool sudo;         /* nodes are reached as an account with sudo for v-* only */
    int64_t faults_ms; /* virtual time */
};

struct company;

struct company *company_create(const struct company_options *options);
void company_destroy(struct company *company);

/** Place the orders and run until every service has ended or the limit (virtual time) has passed. */
void company_run(struct company *company, int64_t limit_ms);

/** What must be true of every company at its end; prints each breach on standard error. @return how many */
unsigned company_check(struct company *company);

struct company_figures {
    unsigned live, failed, waiting;
    unsigned kills, commits;
    int64_t virtual_ms;
    uint64_t trace_hash; /* over every event of every service, with its moment */
};
void company_get_figures(struct company *company, struct company_figures *ret_figures);
/** Every event of every service, one line each. */
void company_print_trace(struct company *company);

#endif
