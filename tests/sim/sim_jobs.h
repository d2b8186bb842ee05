/* sim_jobs.h - many seeds on several processors: each job is a process that lives through every n-th seed, so that one which
 * crashes takes nothing with it but its seed. */
#ifndef BERTH_TESTS_SIM_JOBS_H
#define BERTH_TESTS_SIM_JOBS_H

#include <stdint.h>

#include "company.h"

#define SIM_JOBS_MAX 64

struct sim_totals {
    uint64_t seeds, failing_seeds, violations;
    struct company_figures sum; /* calm_ms: the longest */
};

struct sim_jobs {
    uint64_t first_seed;
    uint64_t count;   /* seeds at most */
    int64_t until_us; /* by clock_measure_us(): none begins after it; INT64_MAX: all */
    unsigned jobs;    /* 1 to SIM_JOBS_MAX */
    void (*run_seed)(uint64_t seed, const void *context, struct sim_totals *totals);
    const void *context;
};

/** Run them all. A job that is killed by a signal is a failing seed and a violation; the next process goes on behind it. */
void sim_jobs_run(const struct sim_jobs *jobs, struct sim_totals *ret_totals);

#endif
