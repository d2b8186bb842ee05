/* session.c - see session.h. */
#include "session.h"

#include <sodium.h>
#include <string.h>

#define CSRF_BYTES 24
#define CSRF_PURPOSE "berth-csrf"

void session_generate(struct rng *rng, char ret_text[SESSION_LENGTH + 1])
{
    unsigned char bytes[32];
    rng->fill(rng, bytes, sizeof(bytes));
    sodium_bin2base64(ret_text, SESSION_LENGTH + 1, bytes, sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

bool session_hash(const char *text, unsigned char ret_hash[SECRET_HASH_BYTES])
{
    if (strlen(text) != SESSION_LENGTH)
        return false;
    crypto_generichash(ret_hash, SECRET_HASH_BYTES, (const unsigned char *)text, SESSION_LENGTH, NULL, 0);
    return true;
}

void session_csrf(const char *text, char ret_csrf[CSRF_LENGTH + 1])
{
    unsigned char bytes[CSRF_BYTES];
    crypto_generichash(bytes, sizeof(bytes), (const unsigned char *)CSRF_PURPOSE, strlen(CSRF_PURPOSE),
                       (const unsigned char *)text, strlen(text));
    sodium_bin2base64(ret_csrf, CSRF_LENGTH + 1, bytes, sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool session_csrf_is_right(const char *text, const char *sent)
{
    char csrf[CSRF_LENGTH + 1];
    session_csrf(text, csrf);
    return sent != NULL && strlen(sent) == CSRF_LENGTH && sodium_memcmp(sent, csrf, CSRF_LENGTH) == 0;
}
