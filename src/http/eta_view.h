/* eta_view.h - the time left of an operation, from what the store knows: how long its steps usually take, what runs since when, who
 * stands in line before them, which nodes cannot be reached. What is the same for all operations is read once in a while and
 * kept beside the store (STALE_MS in eta_view.c), so that one estimate costs a few look-ups however many are watched.
 * Private to src/http. */
#ifndef BERTH_HTTP_ETA_VIEW_H
#define BERTH_HTTP_ETA_VIEW_H

#include <jansson.h>

#include "core/eta.h"
#include "store/store.h"

/**
 * For the customer's and everybody's state of a service.
 * @param operation  its latest; NULL: none yet
 * @param tasks      all of the operation's
 * @param ret_eta    not known unless the operation runs
 */
MUST_CHECK bool eta_of_service(struct store *store, const struct service *service, const struct operation *operation,
                               const struct task *tasks, size_t task_count, int64_t now_ms, struct eta *ret_eta,
                               struct err *err);
/** {"p50_s", "p90_s", "sure"}; null when not known. */
json_t *eta_json(const struct eta *eta);

/** "eta" of an operation that is shown. */
MUST_CHECK bool eta_add_to_operation(struct store *store, const struct operation *operation, int64_t now_ms,
                                     json_t *json, struct err *err);
/** The tasks of an operation as the API lists them: with "critical", "expected_ms" and "needs". The caller's. */
MUST_CHECK bool eta_view_tasks(struct store *store, const struct operation *operation, int64_t now_ms,
                               json_t **ret_list, struct err *err);

#endif
