/* sim_jobs.c - see sim_jobs.h. Results lie in memory that all processes share. */
#include "sim_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

struct job {
    pid_t pid;
    uint64_t at; /* how many seeds behind the first one it is */
    struct sim_totals totals;
};

static void add_totals(struct sim_totals *sum, const struct sim_totals *one)
{
    sum->seeds += one->seeds;
    sum->failing_seeds += one->failing_seeds;
    sum->violations += one->violations;
    company_figures_add(&sum->sum, &one->sum);
}

static void work(const struct sim_jobs *jobs, struct job *job)
{
    for (; job->at < jobs->count && clock_measure_us() < jobs->until_us; job->at += jobs->jobs)
        jobs->run_seed(jobs->first_seed + job->at, jobs->context, &job->totals);
}

static void start(const struct sim_jobs *jobs, struct job *job)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) {
        job->pid = pid;
        return;
    }
    work(jobs, job);
    (void)fflush(NULL);
    _exit(0);
}

/** A process has ended. @return whether its job goes on in another one */
static bool went_wrong(const struct sim_jobs *jobs, struct job *job, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    fprintf(stderr, "seed %" PRIu64 " ended its process (%s %d); replay: berth-sim --seed %" PRIu64 "\n",
            jobs->first_seed + job->at, WIFEXITED(status) ? "exit" : "signal",
            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), jobs->first_seed + job->at);
    job->totals.seeds++;
    job->totals.failing_seeds++;
    job->totals.violations++;
    job->at += jobs->jobs;
    return true;
}

static void wait_for(const struct sim_jobs *jobs, struct job *job)
{
    int status = 0;
    do {
        if (waitpid(job->pid, &status, 0) < 0)
            abort();
        bool again = went_wrong(jobs, job, status);
        job->pid = -1;
        if (again)
            start(jobs, job);
    } while (job->pid > 0);
}

void sim_jobs_run(const struct sim_jobs *jobs, struct sim_totals *ret_totals)
{
    size_t size = jobs->jobs * sizeof(struct job);
    struct job *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        abort();
    memset(ret_totals, 0, sizeof(*ret_totals));
    for (unsigned i = 0; i < jobs->jobs; i++) {
        all[i].at = i;
        start(jobs, &all[i]);
    }
    for (unsigned i = 0; i < jobs->jobs; i++) {
        wait_for(jobs, &all[i]);
        add_totals(ret_totals, &all[i].totals);
    }
    (void)munmap(all, size);
}
