/* changes.h - what a commit has changed, for those who watch: said by the engine after the commit, told to watchers by src/http. It
 * says where to look, not what is there; too much is harmless, too little is not. */
#ifndef BERTH_CORE_CHANGES_H
#define BERTH_CORE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changed_ids {
    int64_t *list;
    size_t count, capacity;
};

struct changes {
    struct changed_ids services; /* new events, tasks that have moved, another status */
    struct changed_ids attempts; /* new lines in the log, or it has ended */
    struct changed_ids nodes;    /* state, load */
    bool node_states;            /* with the state of one of them: services may wait for it now, or no more */
    bool queue;                  /* what is queued, runs, waits */
    bool tickets;
};

/** Leaves an id out that was among the last few. */
void changed_ids_add(struct changed_ids *ids, int64_t id);
bool changes_any(const struct changes *changes);
/** Adds from's to target's; however often, target holds no more than what there is, as doubles are taken out. */
void changes_merge(struct changes *target, const struct changes *from);
void changes_compact(struct changes *changes); /* no doubles, sorted */
void changes_clear(struct changes *changes);   /* keeps the memory */
void changes_finish(struct changes *changes);

#endif
