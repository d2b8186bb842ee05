/* link.h - the customer's link: /s/<token>. The token names a service and a moment at which it expires, signed with the
 * installation's key; nothing is stored, and the same service and moment always give the same token. */
#ifndef BERTH_HTTP_LINK_H
#define BERTH_HTTP_LINK_H

#include "base/err.h"
#include "base/keyring.h"

#define LINK_LIFETIME_MS (365LL * 24 * 3600 * 1000)
#define LINK_TOKEN_SIZE 54 /* 40 bytes in base64url */
#define LINK_TOKEN_MAX (LINK_TOKEN_SIZE + 1)

/** The link of a service that was created then: valid for LINK_LIFETIME_MS. */
void link_token(const struct keyring *keyring, int64_t service_id, int64_t created_at_ms,
                char ret_token[LINK_TOKEN_MAX]);

enum link_state { LINK_VALID, LINK_EXPIRED, LINK_WRONG };
/** Compared in constant time. @param ret_service_id set unless LINK_WRONG */
enum link_state link_check(const struct keyring *keyring, const char *token, int64_t now_ms, int64_t *ret_service_id);

#endif
