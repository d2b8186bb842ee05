/* step_time.c - see step_time.h. Rows stand sorted in one array: there are as many as steps times nodes, they are looked up
 * by every step that ends or is planned, and new ones come only with new nodes. */
#include "core/step_time.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define ALL_NODES (-1) /* the latest samples of all nodes; made up in memory, never stored */

/* ---- samples ---------------------------------------------------------------------------------------------------------- */

static void insert_sample(struct step_samples *samples, size_t at, struct step_sample sample)
{
    memmove(&samples->samples[at + 1], &samples->samples[at], (samples->count - at) * sizeof(sample));
    samples->samples[at] = sample;
    samples->count++;
}

/** In the order of time; what is older than all of a full set is left out. */
static void merge_sample(struct step_samples *samples, struct step_sample sample)
{
    size_t at = samples->count;
    while (at > 0 && samples->samples[at - 1].at_s > sample.at_s)
        at--;
    if (samples->count == STEP_SAMPLES_MAX) {
        if (at == 0)
            return;
        memmove(&samples->samples[0], &samples->samples[1], (STEP_SAMPLES_MAX - 1) * sizeof(sample));
        samples->count--;
        at--;
    }
    insert_sample(samples, at, sample);
}

void step_samples_add(struct step_samples *samples, int64_t ms, int64_t at_ms)
{
    int64_t at_s = at_ms / 1000;
    int64_t last_s = samples->count == 0 ? 0 : samples->samples[samples->count - 1].at_s;
    at_s = at_s > last_s ? at_s : last_s;
    merge_sample(samples, (struct step_sample){ .ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms,
                                                .at_s = at_s > UINT32_MAX ? UINT32_MAX : (uint32_t)at_s });
}

static int compare_ms(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return first < second ? -1 : first > second;
}

struct step_time step_samples_time(const struct step_samples *samples)
{
    uint32_t sorted[STEP_SAMPLES_MAX];
    size_t count = samples->count;
    if (count == 0)
        return (struct step_time){ 0 };
    for (size_t i = 0; i < count; i++)
        sorted[i] = samples->samples[i].ms;
    qsort(sorted, count, sizeof(sorted[0]), compare_ms);
    int64_t p50_ms = sorted[(count + 1) / 2 - 1], p90_ms = sorted[(count * 9 + 9) / 10 - 1];
    bool close = p90_ms <= 3 * p50_ms || p90_ms <= p50_ms + STEP_SURE_SPREAD_MS;
    return (struct step_time){
        .known = true, .sure = count >= STEP_SURE_SAMPLES && close, .p50_ms = p50_ms, .p90_ms = p90_ms
    };
}

static unsigned char *pack_number(unsigned char *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        *at++ = (unsigned char)(number >> (8 * i));
    return at;
}

static const unsigned char *unpack_number(const unsigned char *at, uint32_t *ret_number)
{
    *ret_number = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    return at + 4;
}

size_t step_samples_pack(const struct step_samples *samples, unsigned char ret_bytes[STEP_SAMPLES_BYTES_MAX])
{
    unsigned char *at = ret_bytes;
    for (size_t i = 0; i < samples->count; i++) {
        at = pack_number(at, samples->samples[i].ms);
        at = pack_number(at, samples->samples[i].at_s);
    }
    return (size_t)(at - ret_bytes);
}

bool step_samples_unpack(const void *bytes, size_t length, struct step_samples *ret_samples)
{
    struct step_samples samples = { .count = length / 8 };
    const unsigned char *at = bytes;
    if (length % 8 != 0 || length > STEP_SAMPLES_BYTES_MAX)
        return false;
    for (size_t i = 0; i < samples.count; i++) {
        at = unpack_number(at, &samples.samples[i].ms);
        at = unpack_number(at, &samples.samples[i].at_s);
    }
    *ret_samples = samples;
    return true;
}

/* ---- all that is known ------------------------------------------------------------------------------------------------ */

struct row {
    int64_t node_id;
    bool made;
    struct step_samples samples;
    struct step_time time; /* of these samples */
    char action[];
};

struct step_times {
    struct row **rows; /* sorted by action, made, node */
    size_t count, capacity;
};

struct step_times *step_times_create(void)
{
    return xcalloc(1, sizeof(struct step_times));
}

void step_times_destroy(struct step_times *times)
{
    for (size_t i = 0; times != NULL && i < times->count; i++)
        free(times->rows[i]);
    if (times != NULL)
        free(times->rows);
    free(times);
}

static int compare_row(const struct row *row, const struct step_key *key)
{
    int order = strcmp(row->action, key->action);
    if (order == 0)
        order = (int)row->made - (int)key->made;
    return order != 0 ? order : row->node_id < key->node_id ? -1 : row->node_id > key->node_id;
}

/** @return where it stands, or where it would */
static size_t place_of(const struct step_times *times, const struct step_key *key, bool *ret_found)
{
    size_t low = 0, high = times->count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_row(times->rows[middle], key);
        if (order == 0)
            *ret_found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct row *find_row(const struct step_times *times, const char *action, bool made, int64_t node_id)
{
    bool found;
    size_t at = place_of(times, &(struct step_key){ .action = action, .node_id = node_id, .made = made }, &found);
    return found ? times->rows[at] : NULL;
}

static struct row *find_or_add_row(struct step_times *times, const struct step_key *key)
{
    bool found;
    size_t at = place_of(times, key, &found);
    if (found)
        return times->rows[at];
    if (times->count == times->capacity) {
        times->capacity = times->capacity == 0 ? 64 : times->capacity * 2;
        times->rows = xrealloc(times->rows, times->capacity * sizeof(*times->rows));
    }
    size_t length = strlen(key->action) + 1;
    struct row *row = xcalloc(1, sizeof(*row) + length);
    row->node_id = key->node_id;
    row->made = key->made;
    memcpy(row->action, key->action, length);
    memmove(&times->rows[at + 1], &times->rows[at], (times->count - at) * sizeof(*times->rows));
    times->rows[at] = row;
    times->count++;
    return row;
}

/** The rows of a step: its node's, and that of all nodes. @return false when there is no room for both */
static bool rows_of(struct step_times *times, const struct step_key *key, struct row **ret_row, struct row **ret_all)
{
    if (times->count + 2 > STEP_TIMES_MAX && find_row(times, key->action, key->made, key->node_id) == NULL)
        return false;
    struct step_key all = { .action = key->action, .node_id = ALL_NODES, .made = key->made };
    *ret_row = find_or_add_row(times, key);
    *ret_all = find_or_add_row(times, &all);
    return true;
}

bool step_times_put(struct step_times *times, const struct step_key *key, const struct step_samples *samples)
{
    struct row *row, *all;
    if (!rows_of(times, key, &row, &all))
        return false;
    row->samples = *samples;
    row->time = step_samples_time(samples);
    for (size_t i = 0; i < samples->count; i++)
        merge_sample(&all->samples, samples->samples[i]);
    all->time = step_samples_time(&all->samples);
    return true;
}

const struct step_samples *step_times_learn(struct step_times *times, const struct step_key *key, int64_t ms,
                                            int64_t at_ms)
{
    struct row *row, *all;
    if (ms < 0 || !rows_of(times, key, &row, &all))
        return NULL;
    step_samples_add(&row->samples, ms, at_ms);
    step_samples_add(&all->samples, ms, at_ms);
    row->time = step_samples_time(&row->samples);
    all->time = step_samples_time(&all->samples);
    return &row->samples;
}

static struct step_time get_time(const struct step_times *times, const struct step_key *key, bool made)
{
    const struct row *row = find_row(times, key->action, made, key->node_id);
    if (row == NULL || row->samples.count < STEP_SURE_SAMPLES)
        row = find_row(times, key->action, made, ALL_NODES);
    const struct step_time unknown = { 0 };
    return row == NULL ? unknown : row->time;
}

struct step_time step_times_get(const struct step_times *times, const struct step_key *key)
{
    struct step_time time = get_time(times, key, key->made);
    return time.known ? time : get_time(times, key, !key->made);
}
