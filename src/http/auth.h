/* auth.h - who may use the API: bearer tokens, looked up by their hash, so that nothing is compared byte by byte. Tokens that
 * were found are remembered for a short while: an order must not cost a query of its own, and a token that is revoked
 * must stop working soon. Used by the HTTP thread only. Private to src/http. */
#ifndef BERTH_HTTP_AUTH_H
#define BERTH_HTTP_AUTH_H

#include "base/clock.h"
#include "http/problem.h"
#include "http/token.h"
#include "store/store.h"

#define AUTH_CACHE_SLOTS 64 /* a power of two */
#define AUTH_CACHE_MS 10000 /* how long a revoked token may go on working */

struct auth {
    struct store *store;
    struct clock *clock;
    struct auth_slot {
        unsigned char hash[TOKEN_HASH_BYTES];
        int64_t until_boot_ms; /* 0: empty */
    } slots[AUTH_CACHE_SLOTS];
};

/** @param header  value of Authorization, or NULL */
MUST_CHECK bool auth_check(struct auth *auth, const char *header, struct problem *problem);

/** Whose token an accepted header holds, for the record: "admin (token 1)". @param ret_who the caller's to free */
MUST_CHECK bool auth_whose(struct store *store, const char *header, char **ret_who, struct err *err);

#endif
