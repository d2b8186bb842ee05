/* ratelimit.c - see ratelimit.h. */
#include "core/ratelimit.h"

#include <stdbool.h>

#include "base/util.h"

void ratelimit_init(struct ratelimit *limit, struct ratelimit_rule rule)
{
    *limit = (struct ratelimit){ .rule = rule };
}

static bool has_pauses(const struct ratelimit *limit)
{
    return limit->rule.pause_first_ms > 0;
}

static int64_t forgotten_at_ms(const struct ratelimit *limit, const struct ratelimit_entry *entry)
{
    return (has_pauses(limit) ? entry->last_ms : entry->first_ms) + limit->rule.window_ms;
}

/* The pause after the latest of so many failures. */
static int64_t pause_ms(const struct ratelimit_rule *rule, unsigned failures)
{
    int64_t pause = rule->pause_first_ms;
    for (unsigned i = rule->failures_max; i < failures && pause < rule->pause_cap_ms; i++)
        pause *= 2;
    return pause < rule->pause_cap_ms ? pause : rule->pause_cap_ms;
}

static struct ratelimit_entry *first_way(struct ratelimit *limit, uint64_t key)
{
    return &limit->entries[key % (RATELIMIT_ENTRIES / RATELIMIT_WAYS) * RATELIMIT_WAYS];
}

/* NULL when the key has not failed. */
static struct ratelimit_entry *find(struct ratelimit *limit, uint64_t key)
{
    struct ratelimit_entry *entry = first_way(limit, key);
    for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
        if (entry[i].failures > 0 && entry[i].key == key)
            return &entry[i];
    }
    return NULL;
}

static struct ratelimit_entry *find_room(struct ratelimit *limit, uint64_t key, int64_t now_ms)
{
    struct ratelimit_entry *entry = first_way(limit, key), *least = entry;
    for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
        if (entry[i].failures > 0 && forgotten_at_ms(limit, &entry[i]) <= now_ms)
            entry[i].failures = 0;
        if (entry[i].failures < least->failures)
            least = &entry[i];
    }
    *least = (struct ratelimit_entry){ .key = key, .first_ms = now_ms };
    return least;
}

int64_t ratelimit_try(struct ratelimit *limit, uint64_t key, int64_t now_ms)
{
    struct ratelimit_entry *entry = find(limit, key);
    if (entry != NULL && forgotten_at_ms(limit, entry) <= now_ms) {
        entry->failures = 0;
        entry = NULL;
    }
    if (entry != NULL && entry->failures >= limit->rule.failures_max) {
        int64_t until_ms = has_pauses(limit) ? entry->last_ms + pause_ms(&limit->rule, entry->failures)
                                             : forgotten_at_ms(limit, entry);
        if (until_ms > now_ms)
            return until_ms - now_ms;
    }
    if (entry == NULL)
        entry = find_room(limit, key, now_ms);
    entry->last_ms = now_ms;
    entry->failures++;
    return 0;
}

void ratelimit_forgive(struct ratelimit *limit, uint64_t key)
{
    struct ratelimit_entry *entry = find(limit, key);
    if (entry != NULL)
        entry->failures--;
}

void ratelimit_forget(struct ratelimit *limit, uint64_t key)
{
    struct ratelimit_entry *entry = find(limit, key);
    if (entry != NULL)
        entry->failures = 0;
}
