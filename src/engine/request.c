/* request.c - the life of a request: see request.h. */
#include "engine/request.h"

#include <string.h>

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
    for (size_t i = 0; i < request->setting_count; i++) {
        free(request->settings[i].name);
        if (request->settings[i].value != NULL)
            explicit_bzero(request->settings[i].value, strlen(request->settings[i].value));
        free(request->settings[i].value);
    }
    free(request->settings);
    free(request->access.name);
    free(request->access.password);
    free(request->who);
    free(request->template_name);
    free(request->template_text);
    json_decref(request->facts);
    free(request);
}
