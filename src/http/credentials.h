/* credentials.h - the passwords of a service, opened: for the API's reveal, for the customer's page and for `berthctl reveal`,
 * which reads the files itself. Whoever has them wipes them: credentials_free(). */
#ifndef BERTH_HTTP_CREDENTIALS_H
#define BERTH_HTTP_CREDENTIALS_H

#include "base/buf.h"
#include "base/keyring.h"
#include "store/store.h"

struct credential {
    bool mailbox;   /* else a user of a panel */
    unsigned roles; /* of the account that it belongs to */
    char *node;     /* its name, for staff */
    char *login;
    char *password;
    char *next; /* a change has begun and not come to its end: either works; NULL: none has */
};

/** What is stored of a service, account by account. @param ret_credentials the caller's to free with credentials_free() */
MUST_CHECK bool credentials_load(struct store *store, const struct keyring *keyring, int64_t service_id,
                                 struct credential **ret_credentials, size_t *ret_count, struct err *err);
/** Wiped, then freed; NULL is allowed. */
void credentials_free(struct credential *credentials, size_t count);

/** What staff read: "panel on web1", "mailbox". The caller's to free. */
char *credential_what(const struct credential *credential);

#endif
