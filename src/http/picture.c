/* picture.c - see picture.h. */
#include "picture.h"

#include "core/domain.h"
#include "core/product.h"
#include "http/eta_view.h"
#include "store/store_ticket.h"

void picture_finish(struct picture *picture)
{
    service_finish(&picture->service);
    operation_finish(&picture->operation);
    tasks_free(picture->tasks, picture->task_count);
    accounts_free(picture->accounts, picture->account_count);
    catalogue_finish(&picture->catalogue);
    events_free(picture->events, picture->event_count);
    world_view_finish(&picture->world);
    free(picture->domain);
    *picture = (struct picture){ 0 };
}

static bool load_work(struct store *store, struct picture *picture, struct err *err)
{
    int64_t operation_id = picture->service.operation_id;
    return operation_id == 0 || (store_get_operation(store, operation_id, &picture->operation, err) &&
                                 store_list_tasks(store, operation_id, &picture->tasks, &picture->task_count, err));
}

static bool load_events(struct store *store, struct picture *picture, struct err *err)
{
    int64_t seq = picture->service.event_seq;
    return store_list_events(store, picture->service.id, seq > PICTURE_EVENTS_MAX ? seq - PICTURE_EVENTS_MAX : 0,
                             PICTURE_EVENTS_MAX, &picture->events, &picture->event_count, err);
}

/* A ticket is there from the moment of the failure; that it has reached anybody is another matter. */
static bool has_arrived(struct store *store, int64_t ticket_id, bool *ret_arrived, struct err *err)
{
    struct ticket_message *messages = NULL;
    size_t count = 0;
    if (!store_list_ticket_messages(store, ticket_id, &messages, &count, err))
        return false;
    *ret_arrived = false;
    for (size_t i = 0; i < count; i++)
        *ret_arrived |= messages[i].kind == TICKET_MESSAGE_OPEN && messages[i].state == TICKET_MESSAGE_SENT;
    ticket_messages_free(messages, count);
    return true;
}

static bool load_told(struct store *store, struct picture *picture, struct err *err)
{
    struct ticket *tickets = NULL;
    size_t count = 0;
    bool ok = store_list_open_tickets(store, picture->service.id, &tickets, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        if (tickets[i].operation_id == picture->operation.id)
            ok = has_arrived(store, tickets[i].id, &picture->told, err);
    }
    tickets_free(tickets, count);
    return ok;
}

static bool load_live(struct store *store, struct picture *picture, struct err *err)
{
    return store_list_accounts(store, picture->service.id, &picture->accounts, &picture->account_count, err) &&
           world_view_load(store, &picture->service, picture->accounts, picture->account_count, &picture->catalogue,
                           &picture->world, err);
}

/* What was cancelled has nothing to be tried again. */
static bool has_retriable_task(const struct picture *picture)
{
    for (size_t i = 0; i < picture->task_count; i++) {
        if (picture->tasks[i].state == TASK_FAILED || picture->tasks[i].state == TASK_WAITING)
            return true;
    }
    return false;
}

/* Where its product lets the customer try again, and there is something that can be. */
static bool load_retry(struct store *store, struct picture *picture, struct err *err)
{
    struct product product;
    struct product_spec spec = { 0 };
    struct err ignored;
    if (!has_retriable_task(picture))
        return true;
    if (!store_get_product(store, picture->service.product_id, &product, err))
        return false;
    picture->may_retry = product_spec_parse(product.spec, &spec, &ignored) && spec.customer_retry;
    product_spec_finish(&spec);
    product_finish(&product);
    return true;
}

static bool load(struct store *store, int64_t service_id, int64_t now_ms, struct picture *picture, struct err *err)
{
    struct err ignored;
    const struct operation *operation = &picture->operation;
    if (!store_get_service(store, service_id, &picture->service, err) || !load_work(store, picture, err) ||
        !load_events(store, picture, err) || !catalogue_load(store, CATALOGUE_NODES, &picture->catalogue, err) ||
        (picture->service.status == SERVICE_FAILED &&
         (!load_told(store, picture, err) || !load_retry(store, picture, err))) ||
        (service_keeps_panel(&picture->service) && !load_live(store, picture, err)) ||
        !credentials_state(store, &picture->service, &picture->credentials, err) ||
        !eta_of_service(store, &picture->service, operation->id == 0 ? NULL : operation, picture->tasks,
                        picture->task_count, now_ms, &picture->eta, err))
        return false;
    picture->has_panel = service_keeps_panel(&picture->service);
    if (!domain_to_unicode(picture->service.domain, &picture->domain, &ignored))
        picture->domain = xstrdup(picture->service.domain);
    return true;
}

bool picture_load(struct store *store, int64_t service_id, int64_t now_ms, struct picture *picture, struct err *err)
{
    *picture = (struct picture){ 0 };
    if (!store_snapshot_begin(store, err))
        return false;
    bool ok = load(store, service_id, now_ms, picture, err);
    store_snapshot_end(store);
    return ok;
}
