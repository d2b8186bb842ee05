/* changes.c - see changes.h. */
#include "core/changes.h"

#include <stdlib.h>

#include "base/util.h"

#define LOOK_BACK 8      /* a batch speaks of one service several times in a row */
#define DOUBLES_MAX 4096 /* from then on doubles are taken out before more comes in */

void changed_ids_add(struct changed_ids *ids, int64_t id)
{
    for (size_t i = ids->count; i > 0 && ids->count - i < LOOK_BACK; i--) {
        if (ids->list[i - 1] == id)
            return;
    }
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity == 0 ? 16 : 2 * ids->capacity;
        ids->list = xrealloc(ids->list, ids->capacity * sizeof(*ids->list));
    }
    ids->list[ids->count++] = id;
}

static int compare_ids(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static void take_doubles_out(struct changed_ids *ids)
{
    size_t kept = 0;
    if (ids->count == 0)
        return;
    qsort(ids->list, ids->count, sizeof(*ids->list), compare_ids);
    for (size_t i = 0; i < ids->count; i++) {
        if (kept == 0 || ids->list[kept - 1] != ids->list[i])
            ids->list[kept++] = ids->list[i];
    }
    ids->count = kept;
}

static void merge_ids(struct changed_ids *target, const struct changed_ids *from)
{
    if (target->count >= DOUBLES_MAX && target->count == target->capacity)
        take_doubles_out(target);
    for (size_t i = 0; i < from->count; i++)
        changed_ids_add(target, from->list[i]);
}

bool changes_any(const struct changes *changes)
{
    return changes->services.count > 0 || changes->attempts.count > 0 || changes->nodes.count > 0 || changes->queue ||
           changes->tickets;
}

void changes_merge(struct changes *target, const struct changes *from)
{
    merge_ids(&target->services, &from->services);
    merge_ids(&target->attempts, &from->attempts);
    merge_ids(&target->nodes, &from->nodes);
    target->node_states |= from->node_states;
    target->queue |= from->queue;
    target->tickets |= from->tickets;
}

void changes_compact(struct changes *changes)
{
    take_doubles_out(&changes->services);
    take_doubles_out(&changes->attempts);
    take_doubles_out(&changes->nodes);
}

void changes_clear(struct changes *changes)
{
    changes->services.count = changes->attempts.count = changes->nodes.count = 0;
    changes->node_states = changes->queue = changes->tickets = false;
}

void changes_finish(struct changes *changes)
{
    free(changes->services.list);
    free(changes->attempts.list);
    free(changes->nodes.list);
    *changes = (struct changes){ 0 };
}
