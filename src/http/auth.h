/* auth.h - who asks, and what he may do. A bearer token or the cookie of a session, looked up by its hash, so that nothing is compared
 * byte by byte. Who was found is remembered for a short while: an order must not cost a query of its own, and a token that is
 * revoked must stop working soon; what this server itself changes is forgotten at once. Used by the HTTP thread only. Private to
 * src/http. */
#ifndef BERTH_HTTP_AUTH_H
#define BERTH_HTTP_AUTH_H

#include "base/clock.h"
#include "base/rng.h"
#include "core/domain.h"
#include "core/ratelimit.h"
#include "core/staff.h"
#include "engine/request.h"
#include "http/problem.h"
#include "store/store.h"

#define AUTH_CACHE_SLOTS 64 /* a power of two */
#define AUTH_CACHE_MS 10000 /* how long what another program has changed may not be seen */

enum caller_kind { CALLER_NOBODY, CALLER_TOKEN, CALLER_STAFF };

struct caller {
    enum caller_kind kind;
    enum staff_role role;
    int64_t id;         /* of the token or person */
    int64_t session_id; /* STAFF */
    char name[NAME_LENGTH_MAX + 1];
};

struct sockaddr;

struct auth {
    struct store *store;
    struct clock *clock;
    struct inbox *inbox; /* for uses of sessions */
    struct rng rng;      /* for new secrets */
    struct auth_slot {
        unsigned char hash[SECRET_HASH_BYTES];
        int64_t until_boot_ms; /* 0: empty */
        struct caller caller;
    } slots[AUTH_CACHE_SLOTS];
    unsigned char limit_key[16]; /* random: nobody outside knows which names share a place */
    struct ratelimit by_name, by_address;
};

/** store, clock and inbox must outlive it. */
void auth_init(struct auth *auth, struct store *store, struct clock *clock, struct inbox *inbox);

/**
 * Who asks?
 * @param header  value of Authorization, or NULL
 * @param cookie  the secret of a session, or NULL; not looked at when there is a header
 */
MUST_CHECK bool auth_identify(struct auth *auth, const char *header, const char *cookie, struct caller *ret_caller,
                              struct problem *problem);
/** Something about tokens, people or sessions has changed. */
void auth_forget(struct auth *auth);

/** For the record: "ada (staff 2)", "admin (token 1)". The caller's to free. */
char *auth_who(const struct caller *caller);

/* ---- guessing passwords ----------------------------------------------------------------------------------------------- */

/** A password of this name is to be tried, from this address: counted as failed until auth_guess_right(). @return false: too many have
 * failed, *ret_wait_s is how long to wait */
MUST_CHECK bool auth_may_guess(struct auth *auth, const char *name, const char *address, int64_t *ret_wait_s);
void auth_guess_right(struct auth *auth, const char *name, const char *address);
/** It was not tried after all. */
void auth_guess_undone(struct auth *auth, const char *name, const char *address);

#define ADDRESS_TEXT_MAX 64
/** Whom failures are counted for. Behind a proxy on this machine the last address that the proxy has added, else the peer; of IPv6 the
 * network of 64 bits that one customer of a provider has.
 * @param peer       a sockaddr, or NULL
 * @param forwarded  the last X-Forwarded-For, or NULL */
void auth_address(const struct sockaddr *peer, const char *forwarded, char ret_text[ADDRESS_TEXT_MAX]);

#endif
