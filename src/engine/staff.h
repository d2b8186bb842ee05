/* staff.h - requests about people, their sessions and tokens; and the record of who did what. Both need nothing of the engine but its
 * store and the moment of its batch. Private to src/engine. */
#ifndef BERTH_ENGINE_STAFF_H
#define BERTH_ENGINE_STAFF_H

#include "engine/request.h"
#include "store/store.h"

/** STAFF_*, PASSWORD_SET, SESSION_*, TOKEN_*: inside a transaction. @return false after a fault of the store; else it was answered */
MUST_CHECK bool staff_request(struct store *store, int64_t now_ms, struct request *request, struct err *err);

/** A request that was done (who says by whom), inside the transaction that did it. @param node_name of its target, when that is a
 * node */
MUST_CHECK bool audit_request(struct store *store, int64_t now_ms, const struct request *request, const char *node_name,
                              struct err *err);

#endif
