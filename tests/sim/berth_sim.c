/* berth_sim.c - berth-sim: run companies by their seeds and check each at its end. A failing seed replays exactly:
 *   berth-sim --seed N --count 1 --trace */
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "company.h"

static void usage(FILE *out)
{
    fprintf(out,
            "usage: berth-sim [--seed N] [--count N] [--orders N] [--minutes N] [--calm] [--sudo] [--trace] [--log]\n"
            "\n"
            "  --seed N     the first seed (1)            --count N    how many seeds (100)\n"
            "  --orders N   per company (1 to 6, by seed)   --minutes N  how long things go wrong (10)\n"
            "  --calm       no faults, no kills           --sudo       nodes by sudo (else every third seed)\n"
            "  --trace      print every event             --log        the engine's log on standard error\n");
}

/** One company. @return breaches */
static unsigned run(const struct company_options *options, bool trace, struct company_figures *ret_figures)
{
    struct company *company = company_create(options);
    company_run(company, INT64_C(24) * 3600 * 1000);
    unsigned breaches = company_check(company);
    if (trace)
        company_print_trace(company);
    company_get_figures(company, ret_figures);
    company_destroy(company);
    return breaches;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        { "seed", required_argument, NULL, 's' },   { "count", required_argument, NULL, 'n' },
        { "orders", required_argument, NULL, 'o' }, { "minutes", required_argument, NULL, 'm' },
        { "calm", no_argument, NULL, 'c' },         { "sudo", no_argument, NULL, 'u' },
        { "trace", no_argument, NULL, 't' },        { "log", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    uint64_t seed = 1, count = 100, orders = 0;
    int64_t minutes = 10;
    bool calm = false, sudo = false, trace = false;
    if (sodium_init() < 0)
        return 1;
    log_set_fd(-1);
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 's': seed = strtoull(optarg, NULL, 10); break;
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'o': orders = strtoull(optarg, NULL, 10); break;
        case 'm': minutes = strtoll(optarg, NULL, 10); break;
        case 'c': calm = true; break;
        case 'u': sudo = true; break;
        case 't': trace = true; break;
        case 'l': log_set_fd(2); break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    unsigned breaches = 0, failed_seeds = 0, live = 0, failed = 0, kills = 0;
    int64_t begin_us = clock_measure_us(), virtual_ms = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct company_figures figures;
        struct company_options options = { .seed = seed + i,
                                           .orders = (unsigned)(orders != 0 ? orders : 1 + (seed + i) % 6),
                                           .faults = !calm,
                                           .kills = !calm && (seed + i) % 2 == 0,
                                           .sudo = sudo || (seed + i) % 3 == 0,
                                           .faults_ms = minutes * 60 * 1000 };
        unsigned found = run(&options, trace, &figures);
        if (found > 0) {
            failed_seeds++;
            fprintf(stderr,
                    "seed %" PRIu64 " breaks %u invariants; replay: berth-sim --seed %" PRIu64 " --count 1 --trace\n",
                    options.seed, found, options.seed);
        }
        breaches += found;
        live += figures.live;
        failed += figures.failed;
        kills += figures.kills;
        virtual_ms += figures.virtual_ms;
        if (count == 1)
            printf("{\"trace_hash\":\"%016" PRIx64 "\",\"commits\":%u}\n", figures.trace_hash, figures.commits);
    }
    printf("{\"seeds\":%" PRIu64
           ",\"violations\":%u,\"failing_seeds\":%u,\"live\":%u,\"told_a_person\":%u,\"kills\":%u,"
           "\"virtual_hours\":%.1f,\"seconds\":%.1f}\n",
           count, breaches, failed_seeds, live, failed, kills, (double)virtual_ms / 3.6e6,
           (double)(clock_measure_us() - begin_us) / 1e6);
    return breaches == 0 ? 0 : 1;
}
