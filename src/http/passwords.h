/* passwords.h - checking and hashing passwords of people (argon2id), which costs 19 MiB and some 20 ms each time on purpose: one
 * after the other in a thread of its own, so that nobody else waits and memory stays bounded. Private to src/http. */
#ifndef BERTH_HTTP_PASSWORDS_H
#define BERTH_HTTP_PASSWORDS_H

#include "http/call.h"

#define PASSWORD_MIN 10
#define PASSWORD_MAX 200
#define PASSWORDS_WAITING_MAX 16 /* more are refused */

struct passwords;
struct passwords *passwords_create(void);
/** Ends the thread after the password that it is at; calls that still wait are woken without an answer. */
void passwords_stop(struct passwords *passwords);
void passwords_destroy(struct passwords *passwords); /* after passwords_stop(); NULL is allowed */

/* What is to be done for a call. Texts are copied. */
struct password_work {
    const char *check;        /* a password to be checked against hash; NULL: nothing is */
    const char *hash;         /* NULL: of nobody. The same work is done, and it is wrong */
    const char *new_password; /* to be hashed into request->access.password, if the other was right; NULL: none */
};

/**
 * HTTP thread: sleep, do it, then finish() in the HTTP thread with call->request, whose `ok` says whether the password was right.
 * Takes the request.
 * @return false: too many wait, or the server stops; the call has been refused
 */
MUST_CHECK bool passwords_work(struct passwords *passwords, struct call *call, struct request *request,
                               const struct password_work *work, void (*finish)(struct call *call));
/** In finish(): the request again, to be posted; call->request is NULL then. */
struct request *passwords_take(struct call *call);

/** A password that may be set? @param field what it is called in the problem */
MUST_CHECK bool password_check(const char *password, const char *field, struct problem *problem);

#endif
