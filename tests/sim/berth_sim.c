/* berth_sim.c - berth-sim: run companies by their seeds and check each along the way and at its end. A failing seed replays exactly:
 *   berth-sim --seed N [--hours H] */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "company.h"
#include "sim_jobs.h"

#define HOUR_MS 3.6e6
#define ORDERS_LONG 50

static void usage(FILE *out)
{
    fprintf(
        out,
        "usage: berth-sim [--seed N] [--count N] [--seconds N] [--jobs N] [--hours H] [--orders N]\n"
        "                 [--calm] [--sudo] [--trace] [--log] [--kill-every-commit]\n"
        "\n"
        "  --seed N     the first seed (1)            --count N    how many seeds (1 with --seed, else 100)\n"
        "  --seconds N  begin none after so long      --jobs N     processes (1)\n"
        "  --hours H    how long things go wrong, orders coming all the while (1 to 10 minutes, by seed, or until all\n"
        "               that was ordered has ended)\n"
        "  --orders N   per company (1 to 6, by seed; sixteen an hour)\n"
        "  --calm       no faults, no kills           --sudo       nodes by sudo (else every third seed)\n"
        "  --trace      print every event             --log        the engine's log on standard error\n"
        "  --kill-every-commit  per seed: a calm run, then one for each commit, killed before, amid and after the\n"
        "               sending of what it has decided; all must end with the same on the nodes\n");
}

/* ---- what is asked for ---------------------------------------------------------------------------------------------- */

struct wishes {
    uint64_t seed, count, orders;
    int64_t seconds, jobs;
    double hours; /* 0: by seed */
    bool calm, sudo, trace, log, killed;
};

static void parse(int argc, char **argv, struct wishes *ret_wishes)
{
    static const struct option names[] = {
        { "seed", required_argument, NULL, 's' },
        { "count", required_argument, NULL, 'n' },
        { "seconds", required_argument, NULL, 'S' },
        { "jobs", required_argument, NULL, 'j' },
        { "orders", required_argument, NULL, 'o' },
        { "hours", required_argument, NULL, 'H' },
        { "calm", no_argument, NULL, 'c' },
        { "sudo", no_argument, NULL, 'u' },
        { "trace", no_argument, NULL, 't' },
        { "log", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        { "kill-every-commit", no_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    *ret_wishes = (struct wishes){ .jobs = 1 };
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 's': ret_wishes->seed = strtoull(optarg, NULL, 10); break;
        case 'n': ret_wishes->count = strtoull(optarg, NULL, 10); break;
        case 'S': ret_wishes->seconds = strtoll(optarg, NULL, 10); break;
        case 'j': ret_wishes->jobs = strtoll(optarg, NULL, 10); break;
        case 'o': ret_wishes->orders = strtoull(optarg, NULL, 10); break;
        case 'H': ret_wishes->hours = strtod(optarg, NULL); break;
        case 'c': ret_wishes->calm = true; break;
        case 'u': ret_wishes->sudo = true; break;
        case 't': ret_wishes->trace = true; break;
        case 'l': ret_wishes->log = true; break;
        case 'k': ret_wishes->killed = ret_wishes->calm = true; break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (ret_wishes->count == 0)
        ret_wishes->count = ret_wishes->seconds > 0 ? UINT32_MAX : ret_wishes->seed > 0 ? 1 : 100;
    if (ret_wishes->seed == 0)
        ret_wishes->seed = 1;
    if (ret_wishes->jobs < 1 || ret_wishes->jobs > SIM_JOBS_MAX)
        ret_wishes->jobs = 1;
}

/** What a seed makes of its company. */
static struct company_options options_of(uint64_t seed, const struct wishes *wishes, const char *url)
{
    bool faults = !wishes->calm;
    unsigned orders =
        seed % 7 == 6 ? 6 : 1 + (unsigned)(seed / 3 % 3); /* many small companies find more than few large ones */
    if (wishes->hours > 0)
        orders = wishes->hours < ORDERS_LONG / 16.0 ? 2 + (unsigned)(wishes->hours * 16) : ORDERS_LONG;
    double hours = wishes->hours > 0 ? wishes->hours : (double)(1 + seed % 10) / 60;
    return (struct company_options){ .seed = seed,
                                     .orders = wishes->orders != 0 ? (unsigned)wishes->orders : orders,
                                     .faults = faults,
                                     .kills = faults && seed % 2 == 0,
                                     .sudo = wishes->sudo || seed % 3 == 0,
                                     .admin = faults && seed % 4 == 1,
                                     .operations = faults && seed % 4 == 2 && seed % 9 != 4,
                                     .store_faults = faults && seed % 5 < 2,
                                     .refusals = faults && seed % 9 == 4,
                                     .clock_jumps = faults && seed % 5 == 3,
                                     .rivals = faults && seed % 11 == 3,
                                     .store_url = faults && seed % 11 == 3 ? url : NULL,
                                     .tickets = seed % 2 == 1 || seed % 9 == 4,
                                     .mixed = seed % 7 < 3,
                                     .watch_log = !wishes->log,
                                     .lasts = wishes->hours > 0,
                                     .faults_ms = (int64_t)(hours * HOUR_MS) };
}

/* ---- a seed ----------------------------------------------------------------------------------------------------------- */

/** Where two workers share a store they need a file, of this process; in memory where there is such a place. */
struct place {
    char dir[64];
    char url[128];
};

static void place_make(struct place *place)
{
    snprintf(place->dir, sizeof(place->dir), "/dev/shm/berth-sim-XXXXXX");
    if (mkdtemp(place->dir) == NULL) {
        snprintf(place->dir, sizeof(place->dir), "/tmp/berth-sim-XXXXXX");
        if (mkdtemp(place->dir) == NULL)
            abort();
    }
    snprintf(place->url, sizeof(place->url), "sqlite://%s/berth.db", place->dir);
}

static void place_clear(const struct place *place)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".owner" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        CLEANUP(freep) char *path = xasprintf("%s/berth.db%s", place->dir, ends[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->dir);
}

/** One company. @param ret_dump what stands on its nodes at the end, to be freed; may be NULL. @return breaches */
static unsigned run_company(const struct company_options *options, bool trace, struct company_figures *ret_figures,
                            char **ret_dump)
{
    struct company *company = company_create(options);
    company_run(company);
    unsigned breaches = company_check(company);
    if (trace)
        company_print_trace(company);
    company_get_figures(company, ret_figures);
    if (ret_dump != NULL)
        *ret_dump = company_dump(company);
    company_destroy(company);
    return breaches;
}

/** The first line in which two dumps differ, for a person. */
static void show_difference(const char *want, const char *got)
{
    while (*want == *got && *want != '\0') {
        want++;
        got++;
    }
    fprintf(stderr, "undisturbed: %.120s\nwith a kill: %.120s\n", want, got);
}

/** The same company once more, killed at this commit. */
static unsigned run_killed(const struct company_options *calm, enum company_kill kill, unsigned commit,
                           const char *want, struct company_figures *sum)
{
    static const char *const when[] = { "", "before", "amid", "after" };
    struct company_options options = *calm;
    struct company_figures figures;
    CLEANUP(freep) char *got = NULL;
    options.kill = kill;
    options.kill_commit = commit;
    unsigned breaches = run_company(&options, false, &figures, &got);
    company_figures_add(sum, &figures);
    if (strcmp(want, got) != 0) {
        breaches++;
        show_difference(want, got);
    }
    if (breaches > 0)
        fprintf(stderr, "seed %" PRIu64 ", killed %s the sending of commit %u: %u breaches\n", calm->seed, when[kill],
                commit, breaches);
    return breaches;
}

/** The same company as often as it has commits, killed at each of them. */
static unsigned run_every_kill(const struct company_options *calm, struct company_figures *sum)
{
    CLEANUP(freep) char *want = NULL;
    struct company_figures figures;
    unsigned breaches = run_company(calm, false, &figures, &want);
    company_figures_add(sum, &figures);
    for (unsigned commit = 1; commit <= figures.commits; commit++) {
        for (enum company_kill kill = KILL_BEFORE_PUBLISH; kill <= KILL_AFTER_PUBLISH; kill++)
            breaches += run_killed(calm, kill, commit, want, sum);
    }
    return breaches;
}

/** Whatever else was asked for belongs to the life of the seed. */
static void tell_replay(uint64_t seed, unsigned found, const struct wishes *wishes)
{
    fprintf(stderr, "seed %" PRIu64 " breaks %u invariants; replay: berth-sim --seed %" PRIu64, seed, found, seed);
    if (wishes->hours > 0)
        fprintf(stderr, " --hours %g", wishes->hours);
    if (wishes->orders > 0)
        fprintf(stderr, " --orders %" PRIu64, wishes->orders);
    fprintf(stderr, "%s%s%s\n", wishes->calm && !wishes->killed ? " --calm" : "", wishes->sudo ? " --sudo" : "",
            wishes->killed ? " --kill-every-commit" : " --trace");
}

static void run_seed(uint64_t seed, const void *context, struct sim_totals *totals)
{
    const struct wishes *wishes = context;
    struct company_figures figures = { 0 };
    struct place place;
    place_make(&place);
    struct company_options options = options_of(seed, wishes, place.url);
    unsigned found =
        wishes->killed ? run_every_kill(&options, &figures) : run_company(&options, wishes->trace, &figures, NULL);
    place_clear(&place);
    company_figures_add(&totals->sum, &figures);
    totals->seeds++;
    totals->violations += found;
    totals->failing_seeds += found > 0;
    if (found > 0)
        tell_replay(seed, found, wishes);
    if (wishes->count == 1 && !wishes->killed)
        printf("{\"trace_hash\":\"%016" PRIx64 "\",\"commits\":%u}\n", figures.trace_hash, figures.commits);
}

/* ---- all ---------------------------------------------------------------------------------------------------------------- */

static void print_totals(const struct sim_totals *totals, int64_t us)
{
    const struct company_figures *sum = &totals->sum;
    printf("{\"seeds\":%" PRIu64 ",\"violations\":%" PRIu64 ",\"failing_seeds\":%" PRIu64
           ",\"live\":%u,\"told_a_person\":%u,\"kills\":%u,\"take_overs\":%u,\"store_failures\":%u,"
           "\"commits\":%u,\"virtual_hours\":%.1f,\"longest_calm_minutes\":%.1f,\"seconds\":%.1f}\n",
           totals->seeds, totals->violations, totals->failing_seeds, sum->live, sum->failed, sum->kills,
           sum->take_overs, sum->store_failures, sum->commits, (double)sum->virtual_ms / HOUR_MS,
           (double)sum->calm_ms / 60000, (double)us / 1e6);
}

/** A company is made and ended many times a second, in one thread: keep the memory, and count and lock nothing. */
static void save_time(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_TOP_PAD, 16 << 20);
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int main(int argc, char **argv)
{
    struct wishes wishes;
    struct sim_totals totals = { 0 };
    if (sodium_init() < 0)
        return 1;
    save_time();
    parse(argc, argv, &wishes);
    log_set_fd(wishes.log ? 2 : -1);
    int64_t begin_us = clock_measure_us();
    struct sim_jobs jobs = { .first_seed = wishes.seed,
                             .count = wishes.count,
                             .until_us = wishes.seconds > 0 ? begin_us + wishes.seconds * 1000000 : INT64_MAX,
                             .jobs = (unsigned)wishes.jobs,
                             .run_seed = run_seed,
                             .context = &wishes };
    if (wishes.count == 1)
        run_seed(wishes.seed, &wishes, &totals); /* in this process: for a debugger */
    else
        sim_jobs_run(&jobs, &totals);
    print_totals(&totals, clock_measure_us() - begin_us);
    return totals.violations == 0 ? 0 : 1;
}
