/* deed.c - the passwords of a service and its customer's link: who may read them when, and what a customer may start by his page. A
 * password is told only after the commit that has written down to whom. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "core/messages.h"
#include "engine/internal.h"
#include "store/store_deed.h"

#define PASSWORD_PAUSE_MS (10 * 60 * 1000)
#define RETRY_PAUSE_MS (60 * 1000)

static json_t *who_of(const struct request *request)
{
    const char *who = request->who == NULL ? "staff" : request->who;
    return json_pack("{s:o}", "who", note_text(who, strlen(who)));
}

/** In the customer's words. */
static bool refuse(struct request *request, const char *key)
{
    request->ok = false;
    err_set(&request->err, ERR_CONFLICT, "%s", message_text(key));
    return true;
}

/* ---- staff -------------------------------------------------------------------------------------------------------------- */

bool deed_reveal(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    request->id = request->target_id;
    request->ok = found && note_event(engine, service.id, "credentials.revealed", who_of(request), err);
    bool ok = !found || request->ok;
    service_finish(&service);
    return ok;
}

bool deed_renew_link(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    request->id = request->target_id;
    request->created_at_ms = service.created_at_ms;
    request->ok = found && store_renew_link(engine->config.store, service.id, engine->batch.now_ms, err) &&
                  note_event(engine, service.id, "link.renewed", who_of(request), err);
    bool ok = !found || request->ok;
    service_finish(&service);
    return ok;
}

/* ---- the customer ------------------------------------------------------------------------------------------------------- */

static bool password_runs(const struct operation *open, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (open[i].kind == OPERATION_PASSWORD && open[i].state == OPERATION_RUNNING)
            return true;
    }
    return false;
}

static bool show(struct engine *engine, struct request *request, const struct service *service, struct err *err)
{
    struct store *store = engine->config.store;
    struct operation *open = NULL;
    size_t count = 0;
    struct customer_deeds deeds;
    if (!store_list_open_operations(store, service->id, &open, &count, err))
        return false;
    bool changing = password_runs(open, count);
    operations_free(open, count);
    if (!service_keeps_panel(service)) /* a redeploy leaves the passwords as they are */
        return refuse(request, "page.deed.not-live");
    if (changing)
        return refuse(request, "page.deed.changing");
    if (!store_get_deeds(store, service->id, &deeds, err))
        return false;
    request->ok = true;
    request->existing = deeds.credentials_shown_at_ms != 0;
    deeds.credentials_shown_at_ms = engine->batch.now_ms;
    return request->existing || (store_put_deeds(store, service->id, &deeds, err) &&
                                 note_event(engine, service->id, "credentials.shown", NULL, err));
}

bool deed_show_credentials(struct engine *engine, struct request *request, struct err *err)
{
    struct service service = { 0 };
    bool found = false;
    if (!operation_find_service(engine, request, &service, &found, err))
        return false;
    request->id = request->target_id;
    bool ok = !found || show(engine, request, &service, err);
    service_finish(&service);
    return ok;
}

/** A clock that was set back keeps nobody waiting. */
static bool is_too_soon(const struct engine *engine, int64_t last_ms, int64_t pause_ms)
{
    int64_t now_ms = engine->batch.now_ms;
    return last_ms != 0 && last_ms <= now_ms && now_ms - last_ms < pause_ms;
}

static const char *doubt_password(const struct engine *engine, const struct service *service,
                                  const struct operation *open, size_t open_count, const struct customer_deeds *deeds)
{
    if (service->status != SERVICE_LIVE)
        return "page.deed.not-live";
    if (password_runs(open, open_count))
        return "page.deed.changing";
    for (size_t i = 0; i < open_count; i++) {
        if (open[i].state == OPERATION_RUNNING)
            return "page.deed.busy";
    }
    return is_too_soon(engine, deeds->password_asked_at_ms, PASSWORD_PAUSE_MS) ? "page.deed.password-soon" : NULL;
}

static const char *doubt_retry(const struct engine *engine, const struct service *service,
                               const struct customer_deeds *deeds)
{
    const struct product_live *product = engine_product_by_id(engine, service->product_id);
    if (service->status != SERVICE_FAILED)
        return "page.deed.not-failed";
    if (product == NULL || !product->spec.customer_retry)
        return "page.deed.no-retry";
    return is_too_soon(engine, deeds->retried_at_ms, RETRY_PAUSE_MS) ? "page.deed.retry-soon" : NULL;
}

bool deed_may_start(struct engine *engine, struct request *request, const struct service *service,
                    const struct operation *open, size_t open_count, bool *ret_may, struct err *err)
{
    struct customer_deeds deeds;
    *ret_may = !request->by_customer;
    if (*ret_may)
        return true;
    if (!store_get_deeds(engine->config.store, service->id, &deeds, err))
        return false;
    const char *key = request->kind == REQUEST_OPERATION ? doubt_password(engine, service, open, open_count, &deeds)
                                                         : doubt_retry(engine, service, &deeds);
    *ret_may = key == NULL;
    return key == NULL || refuse(request, key);
}

bool deed_started(struct engine *engine, const struct request *request, struct err *err)
{
    struct customer_deeds deeds;
    if (!request->by_customer || !request->ok)
        return true;
    if (!store_get_deeds(engine->config.store, request->target_id, &deeds, err))
        return false;
    if (request->kind == REQUEST_OPERATION)
        deeds.password_asked_at_ms = engine->batch.now_ms;
    else
        deeds.retried_at_ms = engine->batch.now_ms;
    return store_put_deeds(engine->config.store, request->target_id, &deeds, err);
}

bool deed_passwords_changed(struct engine *engine, int64_t service_id, struct err *err)
{
    struct customer_deeds deeds;
    if (!store_get_deeds(engine->config.store, service_id, &deeds, err))
        return false;
    if (deeds.credentials_shown_at_ms == 0)
        return true;
    deeds.credentials_shown_at_ms = 0;
    return store_put_deeds(engine->config.store, service_id, &deeds, err);
}
