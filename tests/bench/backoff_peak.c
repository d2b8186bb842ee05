/* backoff_peak.c - 1,000 tasks fail at one moment: the largest share of them that is tried again within 100 ms, with the settings as they
 * are shipped. The worst of all classes of causes, of first tries and of first looks at what is waited for, and of many seeds. */
#include <stdio.h>
#include <stdlib.h>

#include "core/settings.h"

#define TASKS 1000
#define WINDOW_MS 100
#define SEEDS 200

static int by_time(const void *one, const void *other)
{
    const int64_t *a = one, *b = other;
    return (*a > *b) - (*a < *b);
}

/** Wherever the window begins. */
static unsigned most_in_a_window(int64_t *due_ms)
{
    unsigned most = 0;
    qsort(due_ms, TASKS, sizeof(*due_ms), by_time);
    for (unsigned from = 0, to = 0; to < TASKS; to++) {
        while (due_ms[to] - due_ms[from] >= WINDOW_MS)
            from++;
        most = to - from + 1 > most ? to - from + 1 : most;
    }
    return most;
}

static unsigned worst_of(const struct retry_policy *policy, bool waits, uint64_t seed)
{
    int64_t due_ms[TASKS];
    struct rng rng;
    rng_init_seed(&rng, seed);
    for (unsigned i = 0; i < TASKS; i++)
        due_ms[i] = waits ? retry_look_ms(policy, 0, &rng) : retry_delay_ms(policy, 1, &rng);
    return most_in_a_window(due_ms);
}

int main(void)
{
    struct settings settings;
    unsigned worst = 0;
    settings_defaults(&settings);
    for (unsigned i = 0; i < RETRY_CLASS_COUNT; i++) {
        struct retry_policy policy = settings_retry(&settings, (enum retry_class)i);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            for (unsigned waits = 0; waits < 2; waits++) {
                unsigned most = worst_of(&policy, waits != 0, seed);
                worst = most > worst ? most : worst;
            }
        }
    }
    printf("{\"name\":\"backoff.peak\",\"value\":%.3f,\"unit\":\"share\"}\n", (double)worst / TASKS);
    return 0;
}
