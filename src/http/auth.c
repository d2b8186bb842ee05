/* auth.c - see auth.h. */
#include "auth.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http/session.h"
#include "http/token.h"
#include "store/store_staff.h"

_Static_assert(TOKEN_HASH_BYTES == SECRET_HASH_BYTES, "one cache for both");

void auth_init(struct auth *auth, struct store *store, struct clock *clock, struct inbox *inbox)
{
    auth->store = store;
    auth->clock = clock;
    auth->inbox = inbox;
    rng_init_real(&auth->rng);
    auth->rng.fill(&auth->rng, auth->limit_key, sizeof(auth->limit_key));
    ratelimit_init(&auth->by_name, RATELIMIT_NAME);
    ratelimit_init(&auth->by_address, RATELIMIT_ADDRESS);
}

void auth_forget(struct auth *auth)
{
    memset(auth->slots, 0, sizeof(auth->slots));
}

char *auth_who(const struct caller *caller)
{
    return xasprintf("%s (%s %" PRId64 ")", caller->name, caller->kind == CALLER_STAFF ? "staff" : "token", caller->id);
}

/* ---- who asks ----------------------------------------------------------------------------------------------------- */

static bool remembered(struct auth *auth, const unsigned char hash[SECRET_HASH_BYTES], enum caller_kind kind,
                       struct auth_slot **ret_slot)
{
    struct auth_slot *slot = &auth->slots[hash[0] % AUTH_CACHE_SLOTS];
    *ret_slot = slot;
    return slot->until_boot_ms > auth->clock->boot_ms(auth->clock) && slot->caller.kind == kind &&
           memcmp(slot->hash, hash, SECRET_HASH_BYTES) == 0;
}

static bool remember(struct auth *auth, const unsigned char hash[SECRET_HASH_BYTES], struct caller caller,
                     const char *name, struct auth_slot *slot)
{
    snprintf(caller.name, sizeof(caller.name), "%s", name);
    memcpy(slot->hash, hash, SECRET_HASH_BYTES);
    slot->caller = caller;
    slot->until_boot_ms = auth->clock->boot_ms(auth->clock) + AUTH_CACHE_MS;
    return true;
}

static bool find_token(struct auth *auth, const unsigned char hash[SECRET_HASH_BYTES], struct auth_slot *slot,
                       struct problem *problem)
{
    struct err err;
    struct api_token token = { 0 };
    bool found = false;
    if (!store_find_token(auth->store, hash, &token, &found, &err)) {
        err_wrap(&err, "the token cannot be checked");
        return problem_from_err(problem, &err);
    }
    if (!found)
        return problem_set(problem, PROBLEM_WRONG_TOKEN, "",
                           "this token is not known here: it was mistyped or revoked");
    struct caller caller = { .kind = CALLER_TOKEN, .role = token.role, .id = token.id };
    bool ok = remember(auth, hash, caller, token.name, slot);
    api_token_finish(&token);
    return ok;
}

static void forget_request(struct request *request, void *context)
{
    (void)context;
    request_destroy(request);
}

/* Nobody waits for this: should it be lost, the next use writes it. */
static void note_use(struct auth *auth, const struct session *session, int64_t now_ms)
{
    if (now_ms - session->used_at_ms < SESSION_USE_MS)
        return;
    struct request *request = request_create(REQUEST_SESSION_TOUCH);
    request->access.session_id = session->id;
    request->done = forget_request;
    inbox_post(auth->inbox, request);
}

static bool refuse_session(struct problem *problem)
{
    return problem_set(problem, PROBLEM_NO_SESSION, "", "this session is over: log in again");
}

static bool find_session(struct auth *auth, const unsigned char hash[SECRET_HASH_BYTES], struct auth_slot *slot,
                         struct problem *problem)
{
    struct err err;
    struct session session = { 0 };
    struct staff staff = { 0 };
    bool found = false;
    int64_t now_ms = auth->clock->now_ms(auth->clock);
    if (!store_find_session(auth->store, hash, &session, &found, &err) ||
        (found && !store_get_staff(auth->store, session.staff_id, &staff, &err))) {
        err_wrap(&err, "the session cannot be checked");
        return problem_from_err(problem, &err);
    }
    bool ok = found && !staff.disabled && session_is_open(&session, now_ms);
    if (ok) {
        struct caller caller = { .kind = CALLER_STAFF, .role = staff.role, .id = staff.id, .session_id = session.id };
        ok = remember(auth, hash, caller, staff.name, slot);
        note_use(auth, &session, now_ms);
    } else {
        refuse_session(problem);
    }
    staff_finish(&staff);
    return ok;
}

static bool identify_session(struct auth *auth, const char *cookie, struct caller *ret_caller, struct problem *problem)
{
    unsigned char hash[SECRET_HASH_BYTES];
    struct auth_slot *slot;
    if (!session_hash(cookie, hash))
        return refuse_session(problem);
    if (!remembered(auth, hash, CALLER_STAFF, &slot) && !find_session(auth, hash, slot, problem))
        return false;
    *ret_caller = slot->caller;
    return true;
}

/* The text behind "Bearer "; NULL when the header does not begin so. */
static const char *token_text(const char *header)
{
    return strncasecmp(header, "Bearer ", 7) != 0 ? NULL : header + 7 + strspn(header + 7, " ");
}

bool auth_identify(struct auth *auth, const char *header, const char *cookie, struct caller *ret_caller,
                   struct problem *problem)
{
    if (header == NULL && cookie != NULL)
        return identify_session(auth, cookie, ret_caller, problem);
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
    if (!remembered(auth, hash, CALLER_TOKEN, &slot) && !find_token(auth, hash, slot, problem))
        return false;
    *ret_caller = slot->caller;
    return true;
}

/* ---- guessing passwords ------------------------------------------------------------------------------------------- */

static uint64_t key_of(const struct auth *auth, const char *text)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t key;
    _Static_assert(crypto_shorthash_KEYBYTES == sizeof(auth->limit_key) && sizeof(hash) == sizeof(key), "siphash");
    crypto_shorthash(hash, (const unsigned char *)text, strlen(text), auth->limit_key);
    memcpy(&key, hash, sizeof(key));
    return key;
}

bool auth_may_guess(struct auth *auth, const char *name, const char *address, int64_t *ret_wait_s)
{
    int64_t now_ms = auth->clock->boot_ms(auth->clock);
    int64_t wait_ms = ratelimit_try(&auth->by_name, key_of(auth, name), now_ms);
    if (wait_ms == 0) {
        wait_ms = ratelimit_try(&auth->by_address, key_of(auth, address), now_ms);
        if (wait_ms > 0)
            ratelimit_forgive(&auth->by_name, key_of(auth, name));
    }
    *ret_wait_s = (wait_ms + 999) / 1000;
    return wait_ms == 0;
}

void auth_guess_right(struct auth *auth, const char *name, const char *address)
{
    ratelimit_forget(&auth->by_name, key_of(auth, name));
    ratelimit_forgive(&auth->by_address, key_of(auth, address));
}

void auth_guess_undone(struct auth *auth, const char *name, const char *address)
{
    ratelimit_forgive(&auth->by_name, key_of(auth, name));
    ratelimit_forgive(&auth->by_address, key_of(auth, address));
}

/* ---- addresses ---------------------------------------------------------------------------------------------------- */

static bool is_ip4_inside(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_V4MAPPED(ip);
}

/* All as IPv6, an IPv4 address mapped into it. */
static bool parse_ip(const char *text, struct in6_addr *ret_ip)
{
    char mapped[ADDRESS_TEXT_MAX];
    snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
    return inet_pton(AF_INET6, text, ret_ip) == 1 || inet_pton(AF_INET6, mapped, ret_ip) == 1;
}

static bool peer_ip(const struct sockaddr *peer, struct in6_addr *ret_ip)
{
    if (peer == NULL)
        return false;
    if (peer->sa_family == AF_INET6) {
        *ret_ip = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
        return true;
    }
    char text[INET_ADDRSTRLEN];
    return peer->sa_family == AF_INET &&
           inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, text, sizeof(text)) !=
               NULL &&
           parse_ip(text, ret_ip);
}

static bool is_loopback(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LOOPBACK(ip) || (is_ip4_inside(ip) && ip->s6_addr[12] == 127);
}

/* The last element of the list. */
static bool forwarded_ip(const char *forwarded, struct in6_addr *ret_ip)
{
    char text[ADDRESS_TEXT_MAX];
    const char *comma = strrchr(forwarded, ',');
    const char *from = comma == NULL ? forwarded : comma + 1;
    from += strspn(from, " \t");
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(from, " \t"), from);
    return parse_ip(text, ret_ip);
}

void auth_address(const struct sockaddr *peer, const char *forwarded, char ret_text[ADDRESS_TEXT_MAX])
{
    struct in6_addr ip = IN6ADDR_ANY_INIT, said;
    bool known = peer_ip(peer, &ip);
    if (known && forwarded != NULL && is_loopback(&ip) && forwarded_ip(forwarded, &said))
        ip = said;
    bool ip4 = is_ip4_inside(&ip);
    if (!ip4)
        memset(ip.s6_addr + 8, 0, 8);
    if (inet_ntop(ip4 ? AF_INET : AF_INET6, ip4 ? ip.s6_addr + 12 : ip.s6_addr, ret_text, ADDRESS_TEXT_MAX) == NULL)
        ret_text[0] = '\0';
}
