/* bundle.c - see bundle.h. */
#include "bundle.h"

#include <sodium.h>
#include <string.h>

#define ALGORITHM "ed25519"
#define PURPOSE "run-bundle"

/* ---- making one ------------------------------------------------------------------------------------------------------- */

/* @param ret_secret_key  the caller's to wipe */
static void key_pair(const struct keyring *keyring, unsigned char ret_public_key[crypto_sign_PUBLICKEYBYTES],
                     unsigned char ret_secret_key[crypto_sign_SECRETKEYBYTES])
{
    unsigned char seed[KEYRING_MAC_BYTES];
    _Static_assert(KEYRING_MAC_BYTES == crypto_sign_SEEDBYTES, "a seed is one MAC");
    keyring_mac(keyring, PURPOSE, ALGORITHM, seed);
    crypto_sign_seed_keypair(ret_public_key, ret_secret_key, seed);
    sodium_memzero(seed, sizeof(seed));
}

json_t *bundle_make(const struct keyring *keyring, const char *text)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES],
        value[crypto_sign_BYTES];
    char public_text[BUNDLE_KEY_TEXT_MAX], value_text[128];
    key_pair(keyring, public_key, secret_key);
    crypto_sign_detached(value, NULL, (const unsigned char *)text, strlen(text), secret_key);
    sodium_memzero(secret_key, sizeof(secret_key));
    sodium_bin2base64(public_text, sizeof(public_text), public_key, sizeof(public_key), sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(value_text, sizeof(value_text), value, sizeof(value), sodium_base64_VARIANT_ORIGINAL);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "format", BUNDLE_FORMAT, "bundle", text, "signature", "algorithm",
                     ALGORITHM, "public_key", public_text, "value", value_text);
}

void bundle_public_key(const struct keyring *keyring, char ret_text[BUNDLE_KEY_TEXT_MAX])
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    key_pair(keyring, public_key, secret_key);
    sodium_memzero(secret_key, sizeof(secret_key));
    sodium_bin2base64(ret_text, BUNDLE_KEY_TEXT_MAX, public_key, sizeof(public_key), sodium_base64_VARIANT_ORIGINAL);
}

/* ---- checking one ----------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return text != NULL ? text : "";
}

static bool read_base64(const json_t *object, const char *field, unsigned char *ret_bytes, size_t length)
{
    const char *text = text_of(object, field);
    size_t got = 0;
    return sodium_base642bin(ret_bytes, length, text, strlen(text), NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) ==
               0 &&
           got == length;
}

static bool is_unchanged(const json_t *file, const json_t *signature)
{
    unsigned char key[crypto_sign_PUBLICKEYBYTES], value[crypto_sign_BYTES];
    const char *text = text_of(file, "bundle");
    return strcmp(text_of(file, "format"), BUNDLE_FORMAT) == 0 &&
           strcmp(text_of(signature, "algorithm"), ALGORITHM) == 0 &&
           read_base64(signature, "public_key", key, sizeof(key)) &&
           read_base64(signature, "value", value, sizeof(value)) &&
           crypto_sign_verify_detached(value, (const unsigned char *)text, strlen(text), key) == 0;
}

enum bundle_verdict bundle_check(const json_t *file, const char *key)
{
    const json_t *signature = json_object_get(file, "signature");
    if (!is_unchanged(file, signature))
        return BUNDLE_CHANGED;
    return key == NULL || strcmp(key, text_of(signature, "public_key")) == 0 ? BUNDLE_UNCHANGED : BUNDLE_OTHER_KEY;
}
