/* store_deed.c - see store_deed.h. Both tables hold the few services of which there is something to say. */
#include "store_deed.h"

#include <inttypes.h>

#include "store_internal.h"

static void nothing_to_finish(void *record)
{
    (void)record;
}

/* ---- links -------------------------------------------------------------------------------------------------------- */

static void link_read(struct db_rows *rows, void *record)
{
    struct service_link *link = record;
    link->generation = db_take_int(rows);
    link->made_at_ms = db_take_int(rows);
}

static const struct record_kind link_record = { sizeof(struct service_link), link_read, nothing_to_finish };

static const char sql_get_link[] = "SELECT generation, made_at_ms FROM service_link WHERE service_id = $1";

bool store_get_link(struct store *store, int64_t service_id, struct service_link *ret_link, struct err *err)
{
    struct service_link link = { 0 };
    bool found;
    if (!store_get_record(store, &link_record, sql_get_link, ARGS(db_int(service_id)), &link, &found, err))
        return err_wrap(err, "link of service %" PRId64, service_id);
    *ret_link = link;
    return true;
}

static const char sql_renew_link[] =
    "INSERT INTO service_link (service_id, generation, made_at_ms) VALUES ($1, 1, $2)"
    " ON CONFLICT (service_id) DO UPDATE SET generation = generation + 1, made_at_ms = excluded.made_at_ms";

bool store_renew_link(struct store *store, int64_t service_id, int64_t now_ms, struct err *err)
{
    return store_run(store, sql_renew_link, ARGS(db_int(service_id), db_int(now_ms)), NULL, err) ||
           err_wrap(err, "renew the link of service %" PRId64, service_id);
}

/* ---- deeds -------------------------------------------------------------------------------------------------------- */

static void deeds_read(struct db_rows *rows, void *record)
{
    struct customer_deeds *deeds = record;
    deeds->credentials_shown_at_ms = db_take_int(rows);
    deeds->password_asked_at_ms = db_take_int(rows);
    deeds->retried_at_ms = db_take_int(rows);
}

static const struct record_kind deeds_record = { sizeof(struct customer_deeds), deeds_read, nothing_to_finish };

static const char sql_get_deeds[] =
    "SELECT credentials_shown_at_ms, password_asked_at_ms, retried_at_ms FROM customer_deed WHERE service_id = $1";

bool store_get_deeds(struct store *store, int64_t service_id, struct customer_deeds *ret_deeds, struct err *err)
{
    struct customer_deeds deeds = { 0 };
    bool found;
    if (!store_get_record(store, &deeds_record, sql_get_deeds, ARGS(db_int(service_id)), &deeds, &found, err))
        return err_wrap(err, "deeds of the customer of service %" PRId64, service_id);
    *ret_deeds = deeds;
    return true;
}

static const char sql_put_deeds[] =
    "INSERT INTO customer_deed (service_id, credentials_shown_at_ms, password_asked_at_ms, retried_at_ms)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT (service_id) DO UPDATE SET"
    " credentials_shown_at_ms = excluded.credentials_shown_at_ms,"
    " password_asked_at_ms = excluded.password_asked_at_ms, retried_at_ms = excluded.retried_at_ms";

bool store_put_deeds(struct store *store, int64_t service_id, const struct customer_deeds *deeds, struct err *err)
{
    return store_run(store, sql_put_deeds,
                     ARGS(db_int(service_id), db_int(deeds->credentials_shown_at_ms),
                          db_int(deeds->password_asked_at_ms), db_int(deeds->retried_at_ms)),
                     NULL, err) ||
           err_wrap(err, "deeds of the customer of service %" PRId64, service_id);
}
