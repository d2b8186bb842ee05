/* tidy.h - the thread that does the store's housekeeping (store_checkpoint) with a store of its own, so that neither an order nor a
 * command waits for it. */
#ifndef BERTH_TIDY_H
#define BERTH_TIDY_H

#include "store/store.h"

struct tidier;

/** @param store_url  opened for reading by the thread */
MUST_CHECK bool tidier_create(const char *store_url, struct tidier **ret_tidier, struct err *err);
/** From any thread, does not block: there is something to do. Rings during a round lead to one more. */
void tidier_ring(struct tidier *tidier);
/** Waits for the round that is under way. NULL is allowed. */
void tidier_destroy(struct tidier *tidier);

#endif
