/* token.c - see token.h. */
#include "token.h"

#include <sodium.h>
#include <string.h>

void token_generate(struct rng *rng, char ret_text[TOKEN_LENGTH + 1])
{
    unsigned char bytes[32];
    rng->fill(rng, bytes, sizeof(bytes));
    memcpy(ret_text, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
    sodium_bin2base64(ret_text + strlen(TOKEN_PREFIX), TOKEN_LENGTH + 1 - strlen(TOKEN_PREFIX), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

bool token_hash(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES])
{
    if (strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 || strlen(text) != TOKEN_LENGTH)
        return false;
    crypto_generichash(ret_hash, TOKEN_HASH_BYTES, (const unsigned char *)text, TOKEN_LENGTH, NULL, 0);
    return true;
}
