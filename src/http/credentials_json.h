/* credentials_json.h - passwords as an answer, and what a page may say of them without telling them. Private to src/http. */
#ifndef BERTH_HTTP_CREDENTIALS_JSON_H
#define BERTH_HTTP_CREDENTIALS_JSON_H

#include "http/call.h"

/**
 * Answer with {"credentials": [{"kind", "what", "login", "password"}]}; what was in memory is wiped, also by the server once it has
 * been sent. Staff see every account, by its node, and "next" where a change has not come to its end; a customer those that are his
 * to use, in his words.
 */
void credentials_answer(struct call *call, int64_t service_id, bool for_customer);

/** What a customer calls the panel of an account with these roles; NULL when it is not his to use: the accounts on name servers are
 * ours to run, unless there is nothing else. @param all_roles of all accounts of the service */
const char *credentials_panel_name(unsigned roles, unsigned all_roles);

/* For the customer's page. */
struct credentials_state {
    bool available;      /* they would be shown */
    bool changing;       /* new ones are being set */
    bool failed;         /* new ones could not be set */
    int64_t shown_at_ms; /* 0: these were not */
};
MUST_CHECK bool credentials_state(struct store *store, const struct service *service,
                                  struct credentials_state *ret_state, struct err *err);

#endif
