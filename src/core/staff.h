/* staff.h - who may do what: people with their sessions, tokens for programs, and the record of what both have done. Records as in
 * model.h: texts are owned, enum values are stored, so only append. */
#ifndef BERTH_CORE_STAFF_H
#define BERTH_CORE_STAFF_H

#include <stdbool.h>
#include <stdint.h>

#define SECRET_HASH_BYTES 32 /* BLAKE2b of a token's or session's text */

#define SESSION_IDLE_MS (12LL * 3600 * 1000)      /* a session that is not used for so long is over */
#define SESSION_LIFE_MS (30LL * 24 * 3600 * 1000) /* and so it is at this age, used or not */
#define SESSION_USE_MS (10LL * 60 * 1000)         /* its use is written no more often than this */
#define SESSIONS_MAX 50                           /* of one person; the oldest gives way */

/* Each may do what the one before may. */
enum staff_role {
    STAFF_VIEWER,   /* looks */
    STAFF_OPERATOR, /* runs operations on services and nodes */
    STAFF_OWNER,    /* changes what there is, and who may do what */
};
#define STAFF_ROLE_COUNT (STAFF_OWNER + 1)

const char *staff_role_name(enum staff_role role); /* "operator" */
/** The other way; false when the text names none. */
bool staff_role_parse(const char *text, enum staff_role *ret_role);

struct staff {
    int64_t id;
    char *name; /* what one logs in with, see name_check(); no two have the same */
    enum staff_role role;
    bool disabled;  /* cannot log in */
    char *password; /* argon2id, as crypto_pwhash_str() writes it */
    int64_t created_at_ms, last_login_at_ms;
};

struct session {
    int64_t id, staff_id;
    unsigned char hash[SECRET_HASH_BYTES];
    int64_t created_at_ms, used_at_ms;
};
/** Neither too old nor unused for too long. */
bool session_is_open(const struct session *session, int64_t now_ms);

struct api_token {
    int64_t id;
    char *name; /* whose it is, for people */
    enum staff_role role;
    unsigned char hash[SECRET_HASH_BYTES];
    int64_t created_at_ms, revoked_at_ms;
};

/* One thing that somebody did: written in the transaction that did it. */
struct audit_entry {
    int64_t id, at_ms;
    char *who;    /* "ada (staff 2)", "admin (token 1)" */
    char *action; /* "service.redeploy" */
    char *target; /* "service 7 shop.example" */
    char *detail; /* what else is to be known of it; "" */
};

void staff_finish(struct staff *staff);
void api_token_finish(struct api_token *token);
void audit_entry_finish(struct audit_entry *entry);

#endif
