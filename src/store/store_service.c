/* store_service.c - services: orders on disk, what is unique among them, whose domain lies over whose. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

static void service_read(struct db_rows *rows, struct service *service)
{
    service->id = db_take_int(rows);
    service->status = (enum service_status)db_take_int(rows);
    service->product_id = db_take_int(rows);
    service->operation_id = db_take_int(rows);
    service->event_seq = db_take_int(rows);
    service->generation = db_take_int(rows);
    service->created_at_ms = db_take_int(rows);
    service->updated_at_ms = db_take_int(rows);
    service->live_at_ms = db_take_int(rows);
    service->external_id = db_take_text(rows);
    service->idempotency_key = db_take_text(rows);
    service->domain = db_take_text(rows);
    service->client_id = db_take_text(rows);
    service->client_name = db_take_text(rows);
    service->client_email = db_take_text(rows);
    service->options = db_take_text(rows);
    service->reason = db_take_text(rows);
    service->reason_key = db_take_text(rows);
}

DEFINE_RECORD_KIND(service, services)

char *service_domain_key(const char *domain)
{
    size_t length = strlen(domain);
    char *key = xcalloc(length + 2, 1);
    size_t used = 0;
    size_t end = length;
    while (end > 0) {
        size_t start = end;
        while (start > 0 && domain[start - 1] != '.')
            start--;
        memcpy(key + used, domain + start, end - start);
        used += end - start;
        key[used++] = '.';
        end = start > 0 ? start - 1 : 0;
    }
    return key;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static const char sql_insert_service[] =
    "INSERT INTO service (status, product_id, operation_id, event_seq, generation, created_at_ms, updated_at_ms,"
    " live_at_ms, external_id, idempotency_key, domain, domain_key, client_id, client_name, client_email, options,"
    " reason, reason_key)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id";

bool store_insert_service(struct store *store, struct service *service, struct err *err)
{
    CLEANUP(freep) char *domain_key = service_domain_key(service->domain);
    const struct db_arg args[] = {
        db_int(service->status),           db_int(service->product_id),   db_int(service->operation_id),
        db_int(service->event_seq),        db_int(service->generation),   db_int(service->created_at_ms),
        db_int(service->updated_at_ms),    db_int(service->live_at_ms),   db_text(service->external_id),
        db_text(service->idempotency_key), db_text(service->domain),      db_text(domain_key),
        db_text(service->client_id),       db_text(service->client_name), db_text(service->client_email),
        db_text(service->options),         db_text(service->reason),      db_text(service->reason_key),
    };
    return store_get_int(store, sql_insert_service, args, ARRAY_LEN(args), &service->id, err) ||
           err_wrap(err, "insert service %s", service->domain);
}

static const char sql_update_service[] =
    "UPDATE service SET status = $2, reason = $3, reason_key = $4, operation_id = $5, live_at_ms = $6,"
    " updated_at_ms = $7 WHERE id = $1";

bool store_update_service(struct store *store, const struct service *service, struct err *err)
{
    return store_run_on(store, sql_update_service,
                        ARGS(db_int(service->id), db_int(service->status), db_text(service->reason),
                             db_text(service->reason_key), db_int(service->operation_id), db_int(service->live_at_ms),
                             db_int(service->updated_at_ms)),
                        "service", service->id, err);
}

/* ---- finding ------------------------------------------------------------------------------------------------------ */

static const char sql_get_service[] = "SELECT " SERVICE_COLUMNS " FROM service WHERE id = $1";

bool store_get_service(struct store *store, int64_t id, struct service *ret_service, struct err *err)
{
    bool found;
    if (!store_get_record(store, &service_record, sql_get_service, ARGS(db_int(id)), ret_service, &found, err))
        return err_wrap(err, "service %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no service %" PRId64, id);
}

struct generation {
    int64_t service_id; /* 0: the services of this external id have ended */
    int64_t number;
};

static void generation_read(struct db_rows *rows, void *record)
{
    struct generation *generation = record;
    generation->service_id = db_take_int(rows);
    generation->number = db_take_int(rows);
}

static void generation_finish(void *record)
{
    (void)record;
}

static const struct record_kind generation_record = { sizeof(struct generation), generation_read, generation_finish };

/* One index knows the service that lives, whose generation is the highest, another one those before it. The conditions repeat
 * those of the partial indexes: an index is used only where its condition is plainly met. */
static const char sql_find_by_external_id[] =
    "SELECT coalesce((SELECT id FROM service WHERE external_id = $1 AND external_id <> ''"
    " AND status <> " SQL_SERVICE_TERMINATED
    "), 0), coalesce((SELECT generation FROM service WHERE external_id = $1 AND external_id <> ''"
    " AND status <> " SQL_SERVICE_TERMINATED
    "), (SELECT generation FROM service WHERE external_id = $1 AND external_id <> ''"
    " AND status = " SQL_SERVICE_TERMINATED " ORDER BY generation DESC LIMIT 1), 0)";

bool store_find_service_by_external_id(struct store *store, const char *external_id, int64_t *ret_id,
                                       int64_t *ret_generation, struct err *err)
{
    struct generation generation = { 0 };
    bool found;
    if (!store_get_record(store, &generation_record, sql_find_by_external_id, ARGS(db_text(external_id)), &generation,
                          &found, err))
        return err_wrap(err, "find external id %s", external_id);
    *ret_id = generation.service_id;
    *ret_generation = generation.number;
    return true;
}

static const char sql_find_by_idempotency_key[] =
    "SELECT id FROM service"
    " WHERE idempotency_key = $1 AND idempotency_key <> '' AND status <> " SQL_SERVICE_TERMINATED;

bool store_find_service_by_idempotency_key(struct store *store, const char *key, int64_t *ret_id, struct err *err)
{
    int64_t id = 0;
    if (!store_get_int(store, sql_find_by_idempotency_key, ARGS(db_text(key)), &id, err))
        return err_wrap(err, "find idempotency key");
    *ret_id = id;
    return true;
}

static const char sql_list_unsettled[] =
    "SELECT id FROM service WHERE status = $1 AND " SQL_SERVICE_UNSETTLED " AND id > $2 ORDER BY id LIMIT $3";
static const char sql_list_settled[] = "SELECT id FROM service WHERE status = $1 AND id > $2 ORDER BY id LIMIT $3";

bool store_list_services_in(struct store *store, enum service_status status, int64_t after_id, size_t limit,
                            int64_t *ret_ids, size_t *ret_count, struct err *err)
{
    bool settled = status == SERVICE_LIVE || status == SERVICE_TERMINATED;
    CLEANUP(freep) int64_t *ids = NULL;
    size_t count;
    if (!store_get_ints(store, settled ? sql_list_settled : sql_list_unsettled,
                        ARGS(db_int(status), db_int(after_id), db_int((int64_t)limit)), &ids, &count, err))
        return err_wrap(err, "list services");
    if (count > 0)
        memcpy(ret_ids, ids, count * sizeof(ids[0]));
    *ret_count = count;
    return true;
}

/* ---- domains ------------------------------------------------------------------------------------------------------ */

struct holder {
    int64_t id;
    char *domain;
};

static void holder_read(struct db_rows *rows, void *record)
{
    struct holder *holder = record;
    holder->id = db_take_int(rows);
    holder->domain = db_take_text(rows);
}

static void holder_finish(void *record)
{
    struct holder *holder = record;
    free(holder->domain);
}

static const struct record_kind holder_record = { sizeof(struct holder), holder_read, holder_finish };

static const char sql_find_parent_domain[] =
    "SELECT id, domain FROM service"
    " WHERE domain_key = $1 AND status <> " SQL_SERVICE_TERMINATED " AND client_id <> $2";

/* From "com.example." to "com.example/" (the character after the dot) lie exactly the keys that begin with the first: the same
 * domain before all others, then those under it. One step down the index answers both. */
static const char sql_find_same_or_child_domain[] =
    "SELECT id, domain FROM service"
    " WHERE domain_key >= $1 AND domain_key < $2 AND status <> " SQL_SERVICE_TERMINATED
    " AND (domain_key = $1 OR client_id <> $3) ORDER BY domain_key LIMIT 1";

/* A parent of one label is a top-level domain, which nobody can order: most domains have no other. */
static bool find_parent(struct store *store, const char *key, const char *client_id, struct holder *ret_holder,
                        bool *ret_found, struct err *err)
{
    CLEANUP(freep) char *parent = xstrdup(key);
    *ret_found = false;
    for (size_t i = strcspn(key, ".") + 1; key[i] != '\0' && key[i + 1] != '\0' && !*ret_found; i++) {
        if (key[i] != '.')
            continue;
        parent[i + 1] = '\0';
        if (!store_get_record(store, &holder_record, sql_find_parent_domain, ARGS(db_text(parent), db_text(client_id)),
                              ret_holder, ret_found, err))
            return false;
        parent[i + 1] = key[i + 1];
    }
    return true;
}

static bool find_same_or_child(struct store *store, const char *key, const char *client_id, struct holder *ret_holder,
                               bool *ret_found, struct err *err)
{
    CLEANUP(freep) char *end = xstrdup(key);
    end[strlen(end) - 1] = '.' + 1;
    return store_get_record(store, &holder_record, sql_find_same_or_child_domain,
                            ARGS(db_text(key), db_text(end), db_text(client_id)), ret_holder, ret_found, err);
}

static bool check_domain(struct store *store, const char *domain, const char *client_id, struct holder *ret_holder,
                         enum domain_relation *ret_relation, struct err *err)
{
    CLEANUP(freep) char *key = service_domain_key(domain);
    struct holder below = { 0 }, above = { 0 };
    bool found_below, found_above;
    if (!find_same_or_child(store, key, client_id, &below, &found_below, err))
        return false;
    bool same = found_below && strcmp(below.domain, domain) == 0;
    if (!same && !find_parent(store, key, client_id, &above, &found_above, err)) {
        holder_finish(&below);
        return false;
    }
    if (!same && found_above) {
        holder_finish(&below);
        below = above;
        *ret_relation = DOMAIN_UNDER;
    } else {
        *ret_relation = same ? DOMAIN_SAME : found_below ? DOMAIN_OVER : DOMAIN_FREE;
    }
    *ret_holder = below;
    return true;
}

bool store_check_domain(struct store *store, const char *domain, const char *client_id,
                        enum domain_relation *ret_relation, int64_t *ret_service_id, char **ret_domain, struct err *err)
{
    assert(domain[0] != '\0');
    struct holder holder = { 0 };
    if (!check_domain(store, domain, client_id, &holder, ret_relation, err))
        return err_wrap(err, "check domain %s", domain);
    *ret_service_id = holder.id;
    *ret_domain = holder.domain;
    return true;
}
