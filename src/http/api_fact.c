/* api_fact.c - /api/v1/services/{id}/facts: what was learned about a service: addresses, keys, serials. No secrets: those are kept
 * elsewhere. */
#include <string.h>

#include "http/route.h"
#include "http/view.h"

static json_t *view_fact(const struct stored_fact *fact, const struct catalogue *catalogue)
{
    const struct node *node = catalogue_node(catalogue, fact->node_id);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "role",
                     fact->role == ROLE_NONE ? json_null() : json_string(role_name(fact->role)), "node",
                     node == NULL ? json_null() : view_text(node->name), "key", view_text(fact->key), "value",
                     view_text(fact->value), "attempt_id", view_id(fact->attempt_id));
}

void api_service_facts(struct call *call)
{
    struct err err;
    struct service service;
    struct catalogue catalogue = { 0 };
    struct stored_fact *facts = NULL;
    size_t count = 0;
    bool ok = store_get_service(call->store, call->id, &service, &err);
    if (ok) {
        service_finish(&service);
        ok = catalogue_load(call->store, CATALOGUE_NODES, &catalogue, &err) &&
             store_list_facts(call->store, call->id, &facts, &count, &err);
    }
    if (ok) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, view_fact(&facts[i], &catalogue));
        call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "facts", list));
    } else {
        call_refuse_err(call, &err);
    }
    stored_facts_free(facts, count);
    catalogue_finish(&catalogue);
}
