/* company_rival.c - two workers on one store: the first is stopped for longer than its lease, another one takes over and works, then
 * the first goes on. It may neither write nor send anything, and must find out that it is not wanted any more. See
 * company_internal.h. */
#include "company_internal.h"

#include "store/store_internal.h"

#define STOPPED_MS_MAX 60000
#define BESIDE_MS_MAX 40000 /* how long the other one works before the first goes on */

static void take_over(struct company *company)
{
    struct err err = { 0 };
    int64_t epoch = 0;
    company_must(store_open(company->options.store_url, &company->store, &err), &err, "the second worker's store");
    company_must(store_own(company->store, company->clock.now_ms(&company->clock), COMPANY_LEASE_MS, &epoch, &err),
                 &err, "take-over");
    company_hook_next_store(company);
    company_cut_sessions(company);
    company_start_engine(company);
}

/* The clock stands where the first one was stopped; what runs on the nodes runs on. */
static void supersede(struct company *company)
{
    company->stale = (struct company_worker){ company->engine, company->link, company->store };
    company_link_supersede(company->link);
    company_store_arm(company, false); /* when it was stopped in the middle of a step */
    int64_t stopped_ms = rng_range(&company->plan_rng, COMPANY_LEASE_MS + 1, STOPPED_MS_MAX);
    company_jump(company, stopped_ms);
    company->boot_lost_ms += company->boot_clock_stops ? stopped_ms : 0;
    take_over(company);
    company->take_overs++;
    company_pass(company, rng_range(&company->plan_rng, 1, BESIDE_MS_MAX));
}

void company_end_stale(struct company *company)
{
    struct company_worker stale = company->stale;
    struct err err = { 0 };
    company->stale = (struct company_worker){ NULL, NULL, NULL };
    company_keep_figures(company, stale.engine);
    if (company->believes_any_epoch)
        stale.store->epoch = company->store->epoch;
    if (engine_step(stale.engine, &err) || err.code != ERR_LOST)
        company_complain(company, BREACH_STALE, "a worker that was superseded goes on");
    engine_destroy(stale.engine);
    if (company_link_stale_starts(stale.link) > 0)
        company_complain(company, BREACH_STALE, "a worker that was superseded sent %u commands",
                         company_link_stale_starts(stale.link));
    if (company_store_stale_commits(company) > 0)
        company_complain(company, BREACH_STALE, "a worker that was superseded wrote to the store");
    company_link_destroy(stale.link);
    store_close(stale.store);
}

void company_rival_arrives(struct company *company)
{
    supersede(company);
    company_end_stale(company);
}

void company_rival_arrives_at_commit(struct company *company)
{
    company_at_commit(company, 1, supersede); /* company_step() ends it when the first one's step is over */
}
