/* order.c - an order becomes one small record. Everything that it needs is decided here and nothing else: the graph is
 * made in the next batch, after the answer. */
#include <string.h>

#include "base/log.h"
#include "engine/internal.h"

struct product_live *engine_product_by_name(const struct engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->product_count; i++) {
        if (strcmp(engine->products[i].product.name, name) == 0)
            return &engine->products[i];
    }
    return NULL;
}

const struct product_live *engine_product_by_id(const struct engine *engine, int64_t id)
{
    for (size_t i = 0; i < engine->product_count; i++) {
        if (engine->products[i].product.id == id)
            return &engine->products[i];
    }
    return NULL;
}

/** The order that came before under this id or key: the same again is answered with the same service. */
static bool answer_existing(struct engine *engine, struct request *request, int64_t service_id, const char *field,
                            int64_t product_id, struct err *err)
{
    struct service service = { 0 };
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    if (strcmp(service.domain, request->order.domain) != 0 || service.product_id != product_id) {
        request->ok = false;
        err_set_field(&request->err, ERR_CONFLICT, field, "this %s was used before, for an order of %s (service %lld)",
                      field, service.domain, (long long)service.id);
    } else {
        request->ok = true;
        request->existing = true;
        request->id = service.id;
        request->created_at_ms = service.created_at_ms;
    }
    service_finish(&service);
    return true;
}

static bool refuse_domain(struct request *request, enum domain_relation relation, const char *taken)
{
    const char *domain = request->order.domain;
    request->ok = false;
    switch (relation) {
    case DOMAIN_SAME:
        err_set_field(&request->err, ERR_CONFLICT, "domain", "%s is hosted already, by another service", domain);
        break;
    case DOMAIN_UNDER:
        err_set_field(&request->err, ERR_CONFLICT, "domain", "%s lies under %s, which belongs to another client",
                      domain, taken);
        break;
    case DOMAIN_OVER:
        err_set_field(&request->err, ERR_CONFLICT, "domain", "%s lies over %s, which belongs to another client", domain,
                      taken);
        break;
    case DOMAIN_FREE: abort();
    }
    return true;
}

/** The options as they are stored. @return false when they are refused, with the request's err set */
static bool find_stored_options(struct product_live *product, struct request *request, char **ret_options)
{
    const char *asked = request->order.options;
    if (product->asked == NULL || strcmp(product->asked, asked) != 0) {
        struct order_options options = { 0 };
        if (!order_options_parse(asked, &product->spec, &options, &request->err))
            return false;
        free(product->asked);
        free(product->stored);
        product->asked = xstrdup(asked);
        product->stored = order_options_canonical(&options);
        order_options_finish(&options);
    }
    *ret_options = product->stored;
    return true;
}

static bool insert(struct engine *engine, struct request *request, const struct product_live *product,
                   int64_t generation, char *options, struct err *err)
{
    struct service service = { .generation = generation };
    char empty[] = "";
    service.external_id = request->order.external_id;
    service.idempotency_key = request->order.idempotency_key;
    service.product_id = product->product.id;
    service.domain = request->order.domain;
    service.client_id = request->order.client_id;
    service.client_name = request->order.client_name;
    service.client_email = request->order.client_email;
    service.options = options;
    service.status = SERVICE_ACCEPTED;
    service.reason = empty;
    service.reason_key = empty;
    service.created_at_ms = service.updated_at_ms = engine->batch.now_ms;
    if (!store_insert_service(engine->config.store, &service, err))
        return false;
    request->ok = true;
    request->id = service.id;
    request->created_at_ms = service.created_at_ms;
    engine->batch.durable = true;
    engine->has_accepted = true;
    changed_ids_add(&engine->batch.changes.services, service.id);
    log_debug("order.accepted", "service=%lld domain=%s", (long long)service.id, service.domain);
    return true;
}

bool engine_order(struct engine *engine, struct request *request, struct err *err)
{
    struct store *store = engine->config.store;
    struct product_live *product = engine_product_by_name(engine, request->order.product);
    if (product == NULL) {
        request->ok = false;
        err_set_field(&request->err, ERR_INVALID, "product", "there is no product \"%s\"", request->order.product);
        return true;
    }
    int64_t before = 0, generation = 0;
    if (request->order.idempotency_key[0] != '\0') {
        if (!store_find_service_by_idempotency_key(store, request->order.idempotency_key, &before, err))
            return false;
        if (before != 0)
            return answer_existing(engine, request, before, "Idempotency-Key", product->product.id, err);
    }
    if (request->order.external_id[0] != '\0') {
        if (!store_find_service_by_external_id(store, request->order.external_id, &before, &generation, err))
            return false;
        if (before != 0)
            return answer_existing(engine, request, before, "external_id", product->product.id, err);
    }
    char *options = NULL;
    if (!find_stored_options(product, request, &options)) {
        request->ok = false;
        return true;
    }
    enum domain_relation relation = DOMAIN_FREE;
    CLEANUP(freep) char *taken = NULL;
    if (!store_check_domain(store, request->order.domain, request->order.client_id, &relation, &before, &taken, err))
        return false;
    if (relation != DOMAIN_FREE)
        return refuse_domain(request, relation, taken);
    return insert(engine, request, product, generation + 1, options, err);
}
