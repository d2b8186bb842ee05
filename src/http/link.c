/* link.c - see link.h. A token is base64url of: service id, expiry in seconds (8 bytes each, big-endian), the generation (4 bytes;
 * left out when it is 0), the first 24 bytes of the MAC: 192 bits are far beyond guessing, and the address stays short enough for
 * a mail. */
#include "link.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/store_deed.h"

#define PURPOSE "customer-link"
#define MAC_BYTES 24
#define FIRST_BYTES (8 + 8 + MAC_BYTES) /* of generation 0 */
#define LATER_BYTES (8 + 8 + 4 + MAC_BYTES)
#define FIRST_LENGTH 54 /* in base64url */
#define LATER_LENGTH 59

static void put_number(unsigned char *at, int bytes, uint64_t number)
{
    for (int i = bytes - 1; i >= 0; i--, number >>= 8)
        at[i] = (unsigned char)(number & 0xff);
}

static uint64_t get_number(const unsigned char *at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

/* Links that went out before there were generations say nothing of theirs: it is 0. */
static void sign(const struct keyring *keyring, uint64_t service_id, uint64_t expires_s, uint64_t generation,
                 unsigned char ret_mac[KEYRING_MAC_BYTES])
{
    char text[96];
    if (generation == 0)
        snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, service_id, expires_s);
    else
        snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 ".%" PRIu64, service_id, expires_s, generation);
    keyring_mac(keyring, PURPOSE, text, ret_mac);
}

void link_token(const struct keyring *keyring, int64_t service_id, int64_t generation, int64_t made_at_ms,
                char ret_token[LINK_TOKEN_MAX])
{
    unsigned char raw[LATER_BYTES], mac[KEYRING_MAC_BYTES];
    uint64_t expires_s = (uint64_t)(made_at_ms + LINK_LIFETIME_MS) / 1000;
    size_t length = 16;
    put_number(raw, 8, (uint64_t)service_id);
    put_number(raw + 8, 8, expires_s);
    if (generation > 0) {
        put_number(raw + 16, 4, (uint64_t)generation);
        length += 4;
    }
    sign(keyring, (uint64_t)service_id, expires_s, (uint64_t)generation, mac);
    memcpy(raw + length, mac, MAC_BYTES);
    sodium_bin2base64(ret_token, LINK_TOKEN_MAX, raw, length + MAC_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool link_token_now(const struct keyring *keyring, struct store *store, int64_t service_id, int64_t created_at_ms,
                    char ret_token[LINK_TOKEN_MAX], struct err *err)
{
    struct service_link link;
    if (!store_get_link(store, service_id, &link, err))
        return false;
    link_token(keyring, service_id, link.generation, link.generation == 0 ? created_at_ms : link.made_at_ms, ret_token);
    return true;
}

enum link_state link_read(const struct keyring *keyring, const char *token, int64_t now_ms, int64_t *ret_service_id,
                          int64_t *ret_generation)
{
    unsigned char raw[LATER_BYTES], mac[KEYRING_MAC_BYTES];
    size_t length = 0, text_length = strlen(token);
    if ((text_length != FIRST_LENGTH && text_length != LATER_LENGTH) ||
        sodium_base642bin(raw, sizeof(raw), token, text_length, NULL, &length, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        (length != FIRST_BYTES && length != LATER_BYTES))
        return LINK_WRONG;
    uint64_t service_id = get_number(raw, 8), expires_s = get_number(raw + 8, 8);
    uint64_t generation = length == FIRST_BYTES ? 0 : get_number(raw + 16, 4);
    sign(keyring, service_id, expires_s, generation, mac);
    if (sodium_memcmp(raw + length - MAC_BYTES, mac, MAC_BYTES) != 0 || service_id == 0 || service_id > INT64_MAX)
        return LINK_WRONG;
    *ret_service_id = (int64_t)service_id;
    *ret_generation = (int64_t)generation;
    return (uint64_t)(now_ms / 1000) < expires_s ? LINK_VALID : LINK_EXPIRED;
}

enum link_state link_check(const struct keyring *keyring, struct store *store, const char *token, int64_t now_ms,
                           int64_t *ret_service_id)
{
    struct err err;
    struct service_link link;
    int64_t generation;
    enum link_state state = link_read(keyring, token, now_ms, ret_service_id, &generation);
    if (state == LINK_WRONG)
        return state;
    if (!store_get_link(store, *ret_service_id, &link, &err))
        return LINK_UNSURE;
    return generation == link.generation ? state : LINK_REPLACED;
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned status;
    const char *heading, *advice;
} words[] = {
    [LINK_VALID] = { 200, "", "" },
    [LINK_EXPIRED] = { 410, "This link has expired", "Please ask for a new one, or look into your customer account." },
    [LINK_REPLACED] = { 410, "This link was replaced",
                        "There is a newer one: please look into your customer account." },
    [LINK_WRONG] = { 404, "This link does not work",
                     "Please check that the whole address was copied: it is long and has no blanks in it." },
    [LINK_UNSURE] = { 503, "One moment, please",
                      "This page cannot be shown just now. Please load it again in a minute." },
};

unsigned link_status(enum link_state state)
{
    return words[state].status;
}

const char *link_heading(enum link_state state)
{
    return words[state].heading;
}

const char *link_advice(enum link_state state)
{
    return words[state].advice;
}
