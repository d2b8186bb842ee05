/* berth_sim.c - berth-sim: run companies by their seeds and check each at its end. A failing seed replays exactly:
 *   berth-sim --seed N --count 1 --trace */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "company.h"

static void usage(FILE *out)
{
    fprintf(
        out,
        "usage: berth-sim [--seed N] [--count N] [--orders N] [--minutes N] [--calm] [--sudo] [--trace] [--log]\n"
        "                 [--kill-every-commit]\n"
        "\n"
        "  --seed N     the first seed (1)            --count N    how many seeds (100)\n"
        "  --orders N   per company (1 to 6, by seed)   --minutes N  how long things go wrong (10)\n"
        "  --calm       no faults, no kills           --sudo       nodes by sudo (else every third seed)\n"
        "  --trace      print every event             --log        the engine's log on standard error\n"
        "  --kill-every-commit  per seed: a calm run, then one for each commit and each side of its sending, with the\n"
        "               daemon killed there once; all must end with the same on the nodes\n");
}

static unsigned add_up(struct company_figures *sum, const struct company_figures *one)
{
    sum->live += one->live;
    sum->failed += one->failed;
    sum->kills += one->kills;
    sum->commits += one->commits;
    sum->store_failures += one->store_failures;
    sum->virtual_ms += one->virtual_ms;
    sum->trace_hash = one->trace_hash;
    return one->commits;
}

/** One company. @param ret_dump what stands on its nodes at the end, to be freed; may be NULL. @return breaches */
static unsigned run(const struct company_options *options, bool trace, struct company_figures *sum,
                    unsigned *ret_commits, char **ret_dump)
{
    struct company_figures figures;
    struct company *company = company_create(options);
    company_run(company, INT64_C(24) * 3600 * 1000);
    unsigned breaches = company_check(company);
    if (trace)
        company_print_trace(company);
    company_get_figures(company, &figures);
    if (ret_dump != NULL)
        *ret_dump = company_dump(company);
    company_destroy(company);
    *ret_commits = add_up(sum, &figures);
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

/** The same company as often as it has commits, killed at each of them. */
static unsigned run_killed(const struct company_options *calm, struct company_figures *sum)
{
    unsigned commits = 0, same = 0, breaches = 0;
    CLEANUP(freep) char *want = NULL;
    breaches += run(calm, false, sum, &commits, &want);
    for (unsigned commit = 1; commit <= commits; commit++) {
        for (enum company_kill kill = KILL_BEFORE_PUBLISH; kill <= KILL_AFTER_PUBLISH; kill++) {
            struct company_options options = *calm;
            CLEANUP(freep) char *got = NULL;
            options.kill = kill;
            options.kill_commit = commit;
            unsigned found = run(&options, false, sum, &same, &got);
            if (strcmp(want, got) != 0) {
                found++;
                show_difference(want, got);
            }
            if (found > 0)
                fprintf(stderr, "seed %" PRIu64 ", killed %s commit %u was sent: %u breaches\n", calm->seed,
                        kill == KILL_BEFORE_PUBLISH ? "before" : "after", commit, found);
            breaches += found;
        }
    }
    return breaches;
}

/** What a seed makes of its company. */
static struct company_options options_of(uint64_t seed, uint64_t orders, bool calm, bool sudo, bool watch,
                                         int64_t minutes)
{
    return (struct company_options){ .seed = seed,
                                     .orders = (unsigned)(orders != 0 ? orders : 1 + seed % 6),
                                     .faults = !calm,
                                     .kills = !calm && seed % 2 == 0,
                                     .sudo = sudo || seed % 3 == 0,
                                     .admin = !calm && seed % 4 == 1,
                                     .store_faults = !calm && seed % 5 < 2,
                                     .mixed = seed % 7 < 3,
                                     .watch_log = watch,
                                     .faults_ms = minutes * 60 * 1000 };
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        { "seed", required_argument, NULL, 's' },
        { "count", required_argument, NULL, 'n' },
        { "orders", required_argument, NULL, 'o' },
        { "minutes", required_argument, NULL, 'm' },
        { "calm", no_argument, NULL, 'c' },
        { "sudo", no_argument, NULL, 'u' },
        { "trace", no_argument, NULL, 't' },
        { "log", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        { "kill-every-commit", no_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    uint64_t seed = 1, count = 100, orders = 0;
    int64_t minutes = 10;
    bool calm = false, sudo = false, trace = false, watch = true, killed = false;
    if (sodium_init() < 0)
        return 1;
    log_set_fd(-1);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX); /* a company is made and ended many times a second: keep the memory */
    (void)mallopt(M_TOP_PAD, 16 << 20);
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 's': seed = strtoull(optarg, NULL, 10); break;
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'o': orders = strtoull(optarg, NULL, 10); break;
        case 'm': minutes = strtoll(optarg, NULL, 10); break;
        case 'c': calm = true; break;
        case 'u': sudo = true; break;
        case 't': trace = true; break;
        case 'l':
            log_set_fd(2);
            watch = false;
            break;
        case 'k': killed = calm = true; break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    unsigned breaches = 0, failed_seeds = 0;
    struct company_figures sum = { 0 };
    int64_t begin_us = clock_measure_us();
    for (uint64_t i = 0; i < count; i++) {
        struct company_options options = options_of(seed + i, orders, calm, sudo, watch, minutes);
        unsigned commits = 0;
        unsigned found = killed ? run_killed(&options, &sum) : run(&options, trace, &sum, &commits, NULL);
        if (found > 0) {
            failed_seeds++;
            fprintf(stderr,
                    "seed %" PRIu64 " breaks %u invariants; replay: berth-sim --seed %" PRIu64 " --count 1 %s\n",
                    options.seed, found, options.seed, killed ? "--kill-every-commit" : "--trace");
        }
        breaches += found;
        if (count == 1 && !killed)
            printf("{\"trace_hash\":\"%016" PRIx64 "\",\"commits\":%u}\n", sum.trace_hash, commits);
    }
    printf("{\"seeds\":%" PRIu64
           ",\"violations\":%u,\"failing_seeds\":%u,\"live\":%u,\"told_a_person\":%u,\"kills\":%u,"
           "\"store_failures\":%u,\"virtual_hours\":%.1f,\"seconds\":%.1f}\n",
           count, breaches, failed_seeds, sum.live, sum.failed, sum.kills, sum.store_failures,
           (double)sum.virtual_ms / 3.6e6, (double)(clock_measure_us() - begin_us) / 1e6);
    return breaches == 0 ? 0 : 1;
}
