/* auth.c - see auth.h. */
#include "auth.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static bool remembered(struct auth *auth, const unsigned char hash[TOKEN_HASH_BYTES], struct auth_slot **ret_slot)
{
    struct auth_slot *slot = &auth->slots[hash[0] % AUTH_CACHE_SLOTS];
    *ret_slot = slot;
    return slot->until_boot_ms > auth->clock->boot_ms(auth->clock) && memcmp(slot->hash, hash, TOKEN_HASH_BYTES) == 0;
}

static bool look_up(struct auth *auth, const unsigned char hash[TOKEN_HASH_BYTES], struct auth_slot *slot,
                    struct problem *problem)
{
    struct err err;
    int64_t id = 0;
    if (!store_find_token(auth->store, hash, &id, &err)) {
        err_wrap(&err, "the token cannot be checked");
        return problem_from_err(problem, &err);
    }
    if (id == 0)
        return problem_set(problem, PROBLEM_WRONG_TOKEN, "",
                           "this token is not known here: it was mistyped or revoked");
    memcpy(slot->hash, hash, TOKEN_HASH_BYTES);
    slot->until_boot_ms = auth->clock->boot_ms(auth->clock) + AUTH_CACHE_MS;
    return true;
}

/* The text behind "Bearer "; NULL when the header does not begin so. */
static const char *token_text(const char *header)
{
    return strncasecmp(header, "Bearer ", 7) != 0 ? NULL : header + 7 + strspn(header + 7, " ");
}

bool auth_check(struct auth *auth, const char *header, struct problem *problem)
{
    if (header == NULL)
        return problem_set(problem, PROBLEM_NO_TOKEN, "",
                           "a token is needed: send the header \"Authorization: Bearer berth_...\"");
    const char *text = token_text(header);
    if (text == NULL)
        return problem_set(problem, PROBLEM_NO_TOKEN, "",
                           "the Authorization header must begin with \"Bearer \", then the token");
    unsigned char hash[TOKEN_HASH_BYTES];
    if (!token_hash(text, hash))
        return problem_set(problem, PROBLEM_WRONG_TOKEN, "",
                           "this is not a token of berth: it begins with " TOKEN_PREFIX " and has %d characters",
                           TOKEN_LENGTH);
    struct auth_slot *slot;
    return remembered(auth, hash, &slot) || look_up(auth, hash, slot, problem);
}

bool auth_whose(struct store *store, const char *header, char **ret_who, struct err *err)
{
    unsigned char hash[TOKEN_HASH_BYTES];
    const char *text = header == NULL ? NULL : token_text(header);
    int64_t id = 0;
    char *name = NULL;
    if (text == NULL || !token_hash(text, hash))
        return err_set(err, ERR_DENIED, "a token is needed");
    if (!store_find_token(store, hash, &id, err))
        return false;
    if (id == 0) /* revoked since it was accepted */
        return err_set(err, ERR_DENIED, "this token is not known here any more");
    if (!store_get_token_name(store, id, &name, err))
        return false;
    *ret_who = xasprintf("%s (token %" PRId64 ")", name, id);
    free(name);
    return true;
}
