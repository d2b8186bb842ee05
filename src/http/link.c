/* link.c - see link.h. A token is base64url of: service id, expiry in seconds (8 bytes each, big-endian), the first 24
 * bytes of the MAC: 192 bits are far beyond guessing, and the address stays short enough for a mail. */
#include "link.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PURPOSE "customer-link"
#define MAC_BYTES 24
#define RAW_BYTES (8 + 8 + MAC_BYTES)

static void put_number(unsigned char *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (unsigned char)(number & 0xff);
}

static uint64_t get_number(const unsigned char *at)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

static void sign(const struct keyring *keyring, uint64_t service_id, uint64_t expires_s,
                 unsigned char ret_mac[KEYRING_MAC_BYTES])
{
    char text[64];
    snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, service_id, expires_s);
    keyring_mac(keyring, PURPOSE, text, ret_mac);
}

void link_token(const struct keyring *keyring, int64_t service_id, int64_t created_at_ms,
                char ret_token[LINK_TOKEN_MAX])
{
    unsigned char raw[RAW_BYTES], mac[KEYRING_MAC_BYTES];
    uint64_t expires_s = (uint64_t)(created_at_ms + LINK_LIFETIME_MS) / 1000;
    put_number(raw, (uint64_t)service_id);
    put_number(raw + 8, expires_s);
    sign(keyring, (uint64_t)service_id, expires_s, mac);
    memcpy(raw + 16, mac, MAC_BYTES);
    sodium_bin2base64(ret_token, LINK_TOKEN_MAX, raw, sizeof(raw), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum link_state link_check(const struct keyring *keyring, const char *token, int64_t now_ms, int64_t *ret_service_id)
{
    unsigned char raw[RAW_BYTES], mac[KEYRING_MAC_BYTES];
    size_t length = 0;
    if (strlen(token) != LINK_TOKEN_SIZE ||
        sodium_base642bin(raw, sizeof(raw), token, LINK_TOKEN_SIZE, NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length != RAW_BYTES)
        return LINK_WRONG;
    uint64_t service_id = get_number(raw), expires_s = get_number(raw + 8);
    sign(keyring, service_id, expires_s, mac);
    if (sodium_memcmp(raw + 16, mac, MAC_BYTES) != 0 || service_id == 0 || service_id > INT64_MAX)
        return LINK_WRONG;
    *ret_service_id = (int64_t)service_id;
    return (uint64_t)(now_ms / 1000) < expires_s ? LINK_VALID : LINK_EXPIRED;
}
