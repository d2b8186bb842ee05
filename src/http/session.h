/* session.h - the secret of a session, which only its browser has: 256 random bits in base64url. Stored is its BLAKE2b hash (see
 * token.h). Private to src/http. docs/decisions/sessions.md says why so. */
#ifndef BERTH_HTTP_SESSION_H
#define BERTH_HTTP_SESSION_H

#include "base/rng.h"
#include "base/util.h"
#include "core/staff.h"

#define SESSION_COOKIE "berth_session"
#define SESSION_LENGTH 43
#define CSRF_LENGTH 32

/** ret_text holds SESSION_LENGTH + 1 */
void session_generate(struct rng *rng, char ret_text[SESSION_LENGTH + 1]);
/** @return false when the text does not have the form of a session's secret */
MUST_CHECK bool session_hash(const char *text, unsigned char ret_hash[SECRET_HASH_BYTES]);
/** What the pages must send with each write: made from the secret, tells nothing of it. ret_csrf holds CSRF_LENGTH + 1 */
void session_csrf(const char *text, char ret_csrf[CSRF_LENGTH + 1]);
/** In the same time whatever is sent. @param sent NULL is wrong */
bool session_csrf_is_right(const char *text, const char *sent);

#endif
