/* token.h - bearer tokens of the API: `berth_` and 256 random bits in base64url. Only a BLAKE2b hash of the text is
 * stored: with so many random bits a slow hash would protect nothing and cost more than the order itself. */
#ifndef BERTH_HTTP_TOKEN_H
#define BERTH_HTTP_TOKEN_H

#include "base/err.h"
#include "base/rng.h"

#define TOKEN_PREFIX "berth_"
#define TOKEN_LENGTH (6 + 43)
#define TOKEN_HASH_BYTES 32

/** ret_text holds TOKEN_LENGTH + 1: a secret, shown once. */
void token_generate(struct rng *rng, char ret_text[TOKEN_LENGTH + 1]);
/** @return false when the text does not have the form of a token */
MUST_CHECK bool token_hash(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES]);

#endif
