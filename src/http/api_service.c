/* api_service.c - /api/v1/services: orders, and what became of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"
#include "core/product.h"
#include "http/eta_view.h"
#include "http/link.h"
#include "http/route.h"
#include "http/view.h"
#include "http/world_view.h"

#define OPTIONS_MAX (16U * 1024U) /* as stored text */
#define LIST_DEFAULT 50
#define LIST_MAX 200
#define EVENTS_DEFAULT 200
#define EVENTS_MAX 1000

/* ---- an order ------------------------------------------------------------------------------------------------------- */

struct order_texts {
    const char *product, *domain, *external_id, *client_id, *client_name, *client_email;
    json_t *options; /* or NULL */
};

static bool read_client(json_t *client, struct order_texts *order, struct problem *problem)
{
    static const char *const known[] = { "id", "name", "email", NULL };
    struct input input = { client, "client." };
    return input_known(input, known, problem) &&
           input_text(input, "id", INPUT_REQUIRED, 128, &order->client_id, problem) &&
           input_text(input, "name", INPUT_OPTIONAL, 200, &order->client_name, problem) &&
           input_email(input, "email", &order->client_email, problem);
}

static bool read_order(const json_t *root, struct order_texts *order, struct problem *problem)
{
    static const char *const known[] = { "product", "domain", "client", "external_id", "options", NULL };
    struct input input = { root, "" };
    json_t *client;
    return input_known(input, known, problem) &&
           input_text(input, "product", INPUT_REQUIRED, NAME_LENGTH_MAX, &order->product, problem) &&
           input_text(input, "domain", INPUT_REQUIRED, 1000, &order->domain, problem) &&
           input_object(input, "client", INPUT_REQUIRED, &client, problem) && read_client(client, order, problem) &&
           input_text(input, "external_id", INPUT_OPTIONAL, 128, &order->external_id, problem) &&
           input_object(input, "options", INPUT_OPTIONAL, &order->options, problem);
}

static bool check_idempotency_key(const char *key, struct problem *problem)
{
    size_t length = key == NULL ? 1 : strlen(key);
    if (length < 1 || length > 255)
        return problem_set(problem, PROBLEM_BAD_HEADER, "Idempotency-Key",
                           "the header Idempotency-Key must have 1 to 255 characters, not %zu", length);
    for (const char *at = key; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at < 0x21 || (unsigned char)*at > 0x7e)
            return problem_set(problem, PROBLEM_BAD_HEADER, "Idempotency-Key",
                               "the header Idempotency-Key may hold printable ASCII without blanks only");
    }
    return true;
}

static bool options_text(const json_t *options, char **ret_text, struct problem *problem)
{
    char *text = options == NULL ? xstrdup("{}") : json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
    if (text != NULL && strlen(text) <= OPTIONS_MAX) {
        *ret_text = text;
        return true;
    }
    free(text);
    return problem_set(problem, PROBLEM_TOO_LARGE, "options", "options has more than %u bytes", OPTIONS_MAX);
}

/* NULL when it was refused. */
static struct request *make_order(struct call *call, const struct order_texts *order, struct problem *problem)
{
    const char *key = call_header(call, "Idempotency-Key");
    struct err err;
    char *domain = NULL, *options = NULL;
    if (!check_idempotency_key(key, problem) || !options_text(order->options, &options, problem))
        return NULL;
    if (!domain_normalise(order->domain, &domain, &err)) {
        free(options);
        problem_from_err(problem, &err);
        return NULL;
    }
    struct request *request = request_create(REQUEST_ORDER);
    request->order.product = xstrdup(order->product);
    request->order.domain = domain;
    request->order.client_id = xstrdup(order->client_id);
    request->order.client_name = xstrdup(order->client_name);
    request->order.client_email = xstrdup(order->client_email);
    request->order.external_id = xstrdup(order->external_id);
    request->order.idempotency_key = xstrdup(key == NULL ? "" : key);
    request->order.options = options;
    return request;
}

/* The moment that the link's expiry is counted from; usually the engine has said it. */
static bool find_created_at(struct call *call, int64_t *ret_created_at_ms, struct err *err)
{
    *ret_created_at_ms = call->request->created_at_ms;
    if (*ret_created_at_ms != 0)
        return true;
    struct service service;
    if (!store_get_service(call->store, call->request->id, &service, err))
        return false;
    *ret_created_at_ms = service.created_at_ms;
    service_finish(&service);
    return true;
}

static void finish_order(struct call *call)
{
    if (!call_request_ok(call))
        return;
    int64_t id = call->request->id, created_at_ms;
    struct err err;
    if (!find_created_at(call, &created_at_ms, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    char token[LINK_TOKEN_MAX], location[512];
    if (!call->request->existing) {
        link_token(call->config->keyring, id, 0, created_at_ms, token);
    } else if (!link_token_now(call->config->keyring, call->store, id, created_at_ms, token, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    snprintf(location, sizeof(location), "%s/api/v1/services/%" PRId64, call->config->base_url, id);
    struct buf body = BUF_INIT;
    buf_addf(&body,
             "{\"id\":\"%" PRId64 "\",\"status\":\"accepted\",\"status_url\":\"%s\",\"customer_url\":\"%s/s/%s\"%s}\n",
             id, location, call->config->base_url, token, call->request->existing ? ",\"existing\":true" : "");
    call_add_header(call, "Location", location);
    call_answer(call, call->request->existing ? MHD_HTTP_OK : MHD_HTTP_ACCEPTED, "application/json", &body);
}

void api_service_create(struct call *call)
{
    json_t *root;
    if (!call_parse_body(call, &root))
        return;
    struct order_texts order = { 0 };
    struct problem problem;
    struct request *request = read_order(root, &order, &problem) ? make_order(call, &order, &problem) : NULL;
    json_decref(root);
    if (request != NULL)
        call_post(call, request, finish_order);
    else
        call_refuse(call, &problem);
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static bool read_filter(struct call *call, struct service_filter *filter)
{
    static const char *const known[] = { "status", "domain", "external_id", "client_id", "limit", "cursor", NULL };
    int64_t limit = LIST_DEFAULT;
    if (!call_query_known(call, known) || !call_query_int(call, "limit", 1, LIST_MAX, &limit) ||
        !call_query_int(call, "cursor", 1, INT64_MAX, &filter->before_id))
        return false;
    filter->limit = (size_t)limit;
    filter->domain = call_query(call, "domain");
    filter->external_id = call_query(call, "external_id");
    filter->client_id = call_query(call, "client_id");
    const char *status = call_query(call, "status");
    filter->has_status = status != NULL;
    if (status == NULL || service_status_parse(status, &filter->status))
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_QUERY, "status",
                "status must be accepted, waiting, deploying, live, failed, suspended or terminated");
    call_refuse(call, &problem);
    return false;
}

void api_service_list(struct call *call)
{
    struct service_filter filter = { 0 };
    if (!read_filter(call, &filter))
        return;
    struct err err;
    struct catalogue catalogue = { 0 };
    struct service *services = NULL;
    size_t count = 0;
    if (!catalogue_load(call->store, CATALOGUE_PRODUCTS, &catalogue, &err) ||
        !store_list_services(call->store, &filter, &services, &count, &err)) {
        catalogue_finish(&catalogue);
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_service(&services[i], &catalogue));
    call_answer_json(call, MHD_HTTP_OK,
                     view_page("services", list, count == filter.limit ? services[count - 1].id : 0));
    services_free(services, count);
    catalogue_finish(&catalogue);
}

/* @return false: it does not exist, and the call has been refused */
static bool service_exists(struct call *call, int64_t *ret_operation_id)
{
    struct err err;
    struct service service;
    if (!store_get_service(call->store, call->id, &service, &err)) {
        call_refuse_err(call, &err);
        return false;
    }
    *ret_operation_id = service.operation_id;
    service_finish(&service);
    return true;
}

void api_service_operations(struct call *call)
{
    struct err err;
    struct operation *operations;
    size_t count;
    int64_t latest_id;
    if (!service_exists(call, &latest_id))
        return;
    if (!store_list_operations(call->store, call->id, &operations, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        json_t *json = view_operation(&operations[i]);
        json_array_append_new(list, json);
        ok = eta_add_to_operation(call->store, &operations[i], call_now_ms(call), json, &err);
    }
    operations_free(operations, count);
    if (ok) {
        call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "operations", list));
    } else {
        json_decref(list);
        call_refuse_err(call, &err);
    }
}

void api_service_events(struct call *call)
{
    static const char *const known[] = { "after", "limit", NULL };
    int64_t after = 0, limit = EVENTS_DEFAULT;
    if (!call_query_known(call, known) || !call_query_int(call, "after", 0, INT64_MAX, &after) ||
        !call_query_int(call, "limit", 1, EVENTS_MAX, &limit))
        return;
    struct err err;
    struct event *events;
    size_t count;
    int64_t operation_id;
    if (!service_exists(call, &operation_id))
        return;
    if (!store_list_events(call->store, call->id, after, (size_t)limit, &events, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_event(&events[i]));
    int64_t last = count > 0 ? events[count - 1].seq : after;
    events_free(events, count);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o, s:I}", "events", list, "last_seq", (json_int_t)last));
}

/* The tasks of the latest deploy or redeploy; none before the graph is made. */
void api_service_tasks(struct call *call)
{
    struct err err;
    int64_t operation_id;
    if (!service_exists(call, &operation_id))
        return;
    struct operation operation = { 0 };
    json_t *list = NULL;
    if (operation_id != 0 && (!store_get_operation(call->store, operation_id, &operation, &err) ||
                              !eta_view_tasks(call->store, &operation, call_now_ms(call), &list, &err)))
        call_refuse_err(call, &err);
    else
        call_answer_json(call, MHD_HTTP_OK,
                         json_pack("{s:o, s:o}", "operation_id", view_id(operation_id), "tasks",
                                   list == NULL ? json_array() : list));
    operation_finish(&operation);
}

/* ---- one ------------------------------------------------------------------------------------------------------------ */

static unsigned product_roles(const struct product *product)
{
    struct product_spec spec;
    struct err err;
    if (product == NULL || !product_spec_parse(product->spec, &spec, &err))
        return 0;
    unsigned roles = spec.roles;
    product_spec_finish(&spec);
    return roles;
}

static json_t *view_placement(unsigned roles, const struct account *accounts, size_t account_count,
                              const struct catalogue *catalogue)
{
    json_t *list = json_array();
    for (unsigned role = ROLE_WEB; role < ROLE_COUNT; role++) {
        if ((roles & ROLE_BIT(role)) == 0)
            continue;
        json_t *nodes = json_array();
        for (size_t i = 0; i < account_count; i++) {
            const struct node *node = catalogue_node(catalogue, accounts[i].node_id);
            if ((accounts[i].roles & ROLE_BIT(role)) == 0)
                continue;
            json_array_append_new(nodes, json_pack("{s:o, s:o, s:o}", "id", view_id(accounts[i].node_id), "name",
                                                   view_text(node == NULL ? "" : node->name), "account",
                                                   view_text(accounts[i].username)));
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "role", role_name((enum role)role), "nodes", nodes));
    }
    return list;
}

static bool add_operation(struct call *call, const struct service *service, json_t *json, struct err *err)
{
    struct operation operation;
    bool found = service->operation_id != 0;
    if (found && !store_get_operation(call->store, service->operation_id, &operation, err))
        return false;
    json_object_set_new(json, "progress", view_progress(service, found ? &operation : NULL));
    json_t *shown = found ? view_operation(&operation) : json_null();
    json_object_set_new(json, "operation", shown);
    bool ok = !found || eta_add_to_operation(call->store, &operation, call_now_ms(call), shown, err);
    if (found)
        operation_finish(&operation);
    return ok;
}

static bool add_world(struct call *call, const struct service *service, const struct account *accounts, size_t count,
                      const struct catalogue *catalogue, json_t *json, struct err *err)
{
    struct world_view world;
    if (!world_view_load(call->store, service, accounts, count, catalogue, &world, err))
        return false;
    json_object_set_new(json, "world", world_view_world(&world));
    json_object_set_new(json, "ssl", world_view_ssl(&world));
    world_view_finish(&world);
    return true;
}

static bool add_roles(struct call *call, const struct service *service, const struct catalogue *catalogue, json_t *json,
                      struct err *err)
{
    struct account *accounts;
    size_t count;
    if (!store_list_accounts(call->store, service->id, &accounts, &count, err))
        return false;
    unsigned roles = product_roles(catalogue_product(catalogue, service->product_id));
    json_object_set_new(json, "roles", view_placement(roles, accounts, count, catalogue));
    bool ok = add_world(call, service, accounts, count, catalogue, json, err);
    accounts_free(accounts, count);
    return ok;
}

/* Whoever has the customer's link may read the passwords there, once, and change them: it is not for those who may only look. */
static bool add_customer_url(struct call *call, const struct service *service, json_t *json, struct err *err)
{
    char token[LINK_TOKEN_MAX], url[512];
    json_object_set_new(json, "customer_url", json_null());
    if (call->caller.role < STAFF_OPERATOR)
        return true;
    if (!link_token_now(call->config->keyring, call->store, service->id, service->created_at_ms, token, err))
        return false;
    snprintf(url, sizeof(url), "%s/s/%s", call->config->base_url, token);
    json_object_set_new(json, "customer_url", view_text(url));
    return true;
}

static bool add_links(struct call *call, const struct service *service, json_t *json, struct err *err)
{
    char url[512];
    snprintf(url, sizeof(url), "%s/api/v1/services/%" PRId64, call->config->base_url, service->id);
    json_object_set_new(json, "status_url", view_text(url));
    if (!add_customer_url(call, service, json, err))
        return false;
    json_object_set_new(json, "options", view_json(service->options));
    return true;
}

static json_t *view_whole(struct call *call, const struct service *service, struct err *err)
{
    struct catalogue catalogue;
    if (!catalogue_load(call->store, CATALOGUE_NODES | CATALOGUE_PRODUCTS, &catalogue, err))
        return NULL;
    json_t *json = view_service(service, &catalogue);
    if (!add_operation(call, service, json, err) || !add_roles(call, service, &catalogue, json, err) ||
        !add_links(call, service, json, err)) {
        json_decref(json);
        json = NULL;
    }
    catalogue_finish(&catalogue);
    return json;
}

void api_service_get(struct call *call)
{
    struct err err;
    struct service service;
    json_t *json = NULL;
    if (store_get_service(call->store, call->id, &service, &err)) {
        json = view_whole(call, &service, &err);
        service_finish(&service);
    }
    if (json == NULL)
        call_refuse_err(call, &err);
    else
        call_answer_json(call, MHD_HTTP_OK, json);
}
