/* company_watch.c - what must be true of a company after every step, and how breaches are told. See company_internal.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/store_internal.h"
#include "transport/sim_node.h"

const char *company_breach_name(enum company_breach kind)
{
    switch (kind) {
    case BREACH_LOST: return "lost";
    case BREACH_UNFINISHED: return "unfinished";
    case BREACH_DOUBLED: return "doubled";
    case BREACH_ORPHANED: return "orphaned";
    case BREACH_MISSING: return "missing";
    case BREACH_FOREIGN: return "foreign";
    case BREACH_TICKETS: return "tickets";
    case BREACH_ATTEMPTS: return "attempts";
    case BREACH_STALE: return "stale worker";
    case BREACH_PROGRESS: return "progress";
    case BREACH_RECORDS: return "records";
    case BREACH_SECRETS: return "secrets";
    }
    abort();
}

void company_complain(struct company *company, enum company_breach kind, const char *format, ...)
{
    va_list args;
    company->breaches[kind]++;
    if (company->options.quiet)
        return;
    va_start(args, format);
    fprintf(stderr, "seed %" PRIu64 ": %s: ", company->options.seed, company_breach_name(kind));
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

unsigned company_breaches(const struct company *company, enum company_breach kind)
{
    return company->breaches[kind];
}

/* ---- after each step ------------------------------------------------------------------------------------------------- */

/** Nothing runs twice, whatever a worker believes: the nodes count for themselves. */
static void watch_nodes(struct company *company)
{
    unsigned repeats = 0;
    for (size_t i = 0; i < COMPANY_NODES; i++) {
        struct transport_sim_counts counts;
        transport_sim_counts(company->nodes, company_node_seeds[i].address, &counts);
        repeats += counts.repeats;
    }
    if (repeats > company->repeats)
        company_complain(company, BREACH_DOUBLED, "%u commands ran twice, or after a later one",
                         repeats - company->repeats);
    company->repeats = repeats;
}

static unsigned count_accepted(const struct company *company)
{
    unsigned accepted = 0;
    for (unsigned i = 0; i < company->ordered; i++)
        accepted += company->orders[i].service_id != 0;
    return accepted;
}

static const char sql_watch[] =
    "SELECT count(*) FROM service"
    " UNION ALL SELECT coalesce(max(attempts), 0) FROM task WHERE state = " SQL_TASK_RUNNING
    " UNION ALL SELECT coalesce(max(held), 0) FROM (SELECT count(*) AS held FROM task WHERE state = " SQL_TASK_RUNNING
    "  AND lane = $1 GROUP BY node_id)"
    " UNION ALL SELECT count(*) FROM (SELECT 1 FROM ticket GROUP BY service_id, operation_id HAVING count(*) > 1)";
enum { WATCH_SERVICES, WATCH_ATTEMPTS, WATCH_CHANGES, WATCH_TICKETS, WATCH_COUNT };

/** What is on the disk after each commit: whoever dies now leaves this. */
static void watch_store(struct company *company)
{
    CLEANUP(freep) int64_t *found = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_get_ints(company->store, sql_watch, ARGS(db_int(TASK_LANE_MAKE)), &found, &count, &err) &&
                     count == WATCH_COUNT,
                 &err, "watch");
    if (found[WATCH_SERVICES] < count_accepted(company) || found[WATCH_SERVICES] > company->ordered)
        company_complain(company, BREACH_LOST, "%u orders, %u of them accepted, %" PRId64 " services", company->ordered,
                         count_accepted(company), found[WATCH_SERVICES]);
    if (found[WATCH_ATTEMPTS] >= RETRY_POLICY_DEFAULT.attempts_max)
        company_complain(company, BREACH_ATTEMPTS, "a task runs once more after %" PRId64 " attempts",
                         found[WATCH_ATTEMPTS]);
    if (found[WATCH_CHANGES] > 1)
        company_complain(company, BREACH_DOUBLED, "%" PRId64 " changing tasks run on one node", found[WATCH_CHANGES]);
    if (found[WATCH_TICKETS] > 0)
        company_complain(company, BREACH_TICKETS, "%" PRId64 " operations have two tickets", found[WATCH_TICKETS]);
}

void company_watch(struct company *company)
{
    struct engine_figures figures;
    engine_get_figures(company->engine, &figures);
    watch_nodes(company);
    if (figures.commits == company->watched_commits)
        return;
    company->watched_commits = figures.commits;
    watch_store(company);
}

/* ---- now and then ----------------------------------------------------------------------------------------------------- */

static void watch_order(struct company *company, struct company_order *order)
{
    struct service service;
    struct operation operation;
    if (order->service_id == 0 || !company_find_service(company, order->service_id, &service))
        return;
    bool placed = service.operation_id != 0;
    service_finish(&service);
    if (!placed)
        return;
    company_get_operation(company, order->service_id, &operation);
    if (operation.id != order->operation_id) /* another one begins at nothing */
        order->tasks_done = order->weight_done = 0;
    order->operation_id = operation.id;
    if (operation.tasks_done < order->tasks_done || operation.weight_done < order->weight_done)
        company_complain(company, BREACH_PROGRESS,
                         "service %" PRId64 ": progress goes back from %" PRId64 " to %" PRId64 " tasks",
                         order->service_id, order->tasks_done, operation.tasks_done);
    order->tasks_done = operation.tasks_done;
    order->weight_done = operation.weight_done;
    operation_finish(&operation);
}

void company_watch_progress(struct company *company)
{
    for (unsigned i = 0; i < company->ordered; i++)
        watch_order(company, &company->orders[i]);
}
