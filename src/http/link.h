/* link.h - the customer's link: /s/<token>. The token names a service, a moment at which it expires and its generation, signed
 * with the installation's key; the same three always give the same token. Of a service whose link was never renewed nothing is
 * stored: its generation is 0. */
#ifndef BERTH_HTTP_LINK_H
#define BERTH_HTTP_LINK_H

#include "base/err.h"
#include "base/keyring.h"
#include "store/store.h"

#define LINK_LIFETIME_MS (365LL * 24 * 3600 * 1000)
#define LINK_TOKEN_MAX 60 /* 44 bytes in base64url, NUL */

/** A link that was made then: valid for LINK_LIFETIME_MS, and until there is one of a higher generation. */
void link_token(const struct keyring *keyring, int64_t service_id, int64_t generation, int64_t made_at_ms,
                char ret_token[LINK_TOKEN_MAX]);
/** The link that is valid now. @param created_at_ms the service's */
MUST_CHECK bool link_token_now(const struct keyring *keyring, struct store *store, int64_t service_id,
                               int64_t created_at_ms, char ret_token[LINK_TOKEN_MAX], struct err *err);

enum link_state {
    LINK_VALID,
    LINK_EXPIRED,
    LINK_REPLACED, /* there is a newer one */
    LINK_WRONG,
    LINK_UNSURE, /* the database could not be asked */
};
/** What the token itself says, compared in constant time: VALID, EXPIRED or WRONG. @param ret_service_id, ret_generation set
 * unless WRONG */
enum link_state link_read(const struct keyring *keyring, const char *token, int64_t now_ms, int64_t *ret_service_id,
                          int64_t *ret_generation);
/** And whether it was replaced. @param ret_service_id set unless LINK_WRONG */
enum link_state link_check(const struct keyring *keyring, struct store *store, const char *token, int64_t now_ms,
                           int64_t *ret_service_id);

/** What the customer reads when it is not valid, and the status of that answer. */
unsigned link_status(enum link_state state);
const char *link_heading(enum link_state state);
const char *link_advice(enum link_state state);

#endif
