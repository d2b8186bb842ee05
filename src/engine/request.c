/* request.c - the life of a request: see request.h. */
#include "engine/request.h"

struct request *request_create(enum request_kind kind)
{
    struct request *request = xcalloc(1, sizeof(*request));
    request->kind = kind;
    return request;
}

void request_destroy(struct request *request)
{
    if (request == NULL)
        return;
    free(request->order.product);
    free(request->order.domain);
    free(request->order.client_id);
    free(request->order.client_name);
    free(request->order.client_email);
    free(request->order.external_id);
    free(request->order.idempotency_key);
    free(request->order.options);
    group_finish(&request->group);
    node_finish(&request->node);
    product_finish(&request->product);
    for (size_t i = 0; i < request->group_name_count; i++)
        free(request->group_names[i]);
    free(request->group_names);
    free(request->template_name);
    free(request->template_text);
    json_decref(request->facts);
    free(request);
}
