/* step_time.h - how long a step usually takes, learned from the latest runs of it: on one node, and on all nodes together, so
 * that a new node has an estimate too. Pure: who measures and who stores is elsewhere (engine/learn.c, store_step_time.c). */
#ifndef BERTH_CORE_STEP_TIME_H
#define BERTH_CORE_STEP_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEP_SAMPLES_MAX 32 /* the latest: what was long ago says little of today */
#define STEP_SAMPLES_BYTES_MAX (STEP_SAMPLES_MAX * 8U)
#define STEP_SURE_SAMPLES 5
#define STEP_SURE_SPREAD_MS 500 /* of a short step nobody minds how evenly it runs */
#define STEP_TIMES_MAX 16384    /* steps on nodes that are kept; more nodes than that are estimated by the others */

struct step_sample {
    uint32_t ms;
    uint32_t at_s; /* when, seconds since 1970-01-01 UTC */
};

struct step_samples {
    size_t count;
    struct step_sample samples[STEP_SAMPLES_MAX]; /* oldest first */
};

/* An estimate. */
struct step_time {
    bool known; /* else the rest is 0 */
    bool sure;  /* enough samples, and not far apart */
    int64_t p50_ms, p90_ms;
};

/* Which step. To make something takes longer than to find that it is there: the two are measured apart. */
struct step_key {
    const char *action;
    int64_t node_id; /* 0: on none */
    bool made;
};

/** The newest; the oldest of too many goes. A moment before that of the last one (a clock set back) counts as the same.
 * @param ms  0 or more */
void step_samples_add(struct step_samples *samples, int64_t ms, int64_t at_ms);
/** Nearest rank. */
struct step_time step_samples_time(const struct step_samples *samples);
/** As bytes, the same on every machine. @return how many */
size_t step_samples_pack(const struct step_samples *samples, unsigned char ret_bytes[STEP_SAMPLES_BYTES_MAX]);
/** @return false when these bytes are none of ours */
bool step_samples_unpack(const void *bytes, size_t length, struct step_samples *ret_samples);

/* All that is known. */
struct step_times;
struct step_times *step_times_create(void);
void step_times_destroy(struct step_times *times); /* NULL is allowed */
/** What was stored of a step, once for each. @return false when there is no room */
bool step_times_put(struct step_times *times, const struct step_key *key, const struct step_samples *samples);
/** One more sample. @return all of that step, to be stored; NULL when there is no room, or ms is below 0 (a clock set back) */
const struct step_samples *step_times_learn(struct step_times *times, const struct step_key *key, int64_t ms,
                                            int64_t at_ms);
/** The estimate for a step: of its own node when that has samples enough, else of all nodes. Where nothing has been made (or
 * found) yet, what is known of the other is better than nothing. */
struct step_time step_times_get(const struct step_times *times, const struct step_key *key);

#endif
