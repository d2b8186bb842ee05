/* store_deed.h - the part of store.h about a service's customer: which link is his, and what he has done by his page. */
#ifndef BERTH_STORE_DEED_H
#define BERTH_STORE_DEED_H

#include "store/store.h"

/* The link that is valid. A service that has never had another one has no record: generation 0, made with the service. */
struct service_link {
    int64_t generation;
    int64_t made_at_ms;
};

/** @return true with *ret_link all 0 when there is no record */
MUST_CHECK bool store_get_link(struct store *store, int64_t service_id, struct service_link *ret_link, struct err *err);
/** The next generation; older links are replaced by it. */
MUST_CHECK bool store_renew_link(struct store *store, int64_t service_id, int64_t now_ms, struct err *err);

/* When the customer did it last; 0: never, or so long ago that it does not count. */
struct customer_deeds {
    int64_t credentials_shown_at_ms; /* these passwords, not earlier ones */
    int64_t password_asked_at_ms;
    int64_t retried_at_ms;
};

/** @return true with *ret_deeds all 0 when there is no record */
MUST_CHECK bool store_get_deeds(struct store *store, int64_t service_id, struct customer_deeds *ret_deeds,
                                struct err *err);
MUST_CHECK bool store_put_deeds(struct store *store, int64_t service_id, const struct customer_deeds *deeds,
                                struct err *err);

#endif
