/* api_product.c - /api/v1/products: what is sold. */
#include <string.h>

#include "core/domain.h"
#include "core/product.h"
#include "http/route.h"
#include "http/view.h"

static json_t *view_all(const struct catalogue *catalogue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < catalogue->product_count; i++)
        json_array_append_new(list, view_product(&catalogue->products[i], catalogue));
    return list;
}

void api_product_list(struct call *call)
{
    struct err err;
    struct catalogue catalogue;
    if (!catalogue_load(call->store, CATALOGUE_PRODUCTS | CATALOGUE_GROUPS, &catalogue, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = view_all(&catalogue);
    catalogue_finish(&catalogue);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "products", list));
}

static void finish_add(struct call *call)
{
    struct err err;
    struct catalogue catalogue;
    if (!call_request_ok(call))
        return;
    if (!catalogue_load(call->store, CATALOGUE_PRODUCTS | CATALOGUE_GROUPS, &catalogue, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    const struct product *product = catalogue_product(&catalogue, call->request->id);
    json_t *json =
        product != NULL ? view_product(product, &catalogue) : json_pack("{s:o}", "id", view_id(call->request->id));
    catalogue_finish(&catalogue);
    call_answer_json(call, MHD_HTTP_CREATED, json);
}

/* The roles stand beside the name, so that the fields' paths in messages are the ones that were sent: "web.disk_mb". */
static bool read_spec(const json_t *root, char **ret_spec, struct problem *problem)
{
    json_t *spec = json_object();
    static const char *const roles[] = { "web", "mail", "dns" };
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        json_t *role = json_object_get(root, roles[i]);
        if (role != NULL)
            json_object_set(spec, roles[i], role);
    }
    bool sells = json_object_size(spec) > 0;
    json_t *retry = json_object_get(root, "customer_retry");
    if (retry != NULL)
        json_object_set(spec, "customer_retry", retry);
    CLEANUP(freep) char *text = json_dumps(spec, JSON_COMPACT);
    json_decref(spec);
    struct err err;
    if (!sells)
        return problem_set(problem, PROBLEM_MISSING_FIELD, "", "the product sells nothing: give web, mail or dns");
    return product_spec_canonical(text, ret_spec, &err) || problem_from_err(problem, &err);
}

static bool read_mode(struct input input, enum mode *ret_mode, struct problem *problem)
{
    const char *text;
    if (!input_text(input, "mode", INPUT_OPTIONAL, 20, &text, problem))
        return false;
    if (text[0] == '\0') {
        *ret_mode = MODE_SPLIT;
        return true;
    }
    return mode_parse(text, ret_mode) ||
           problem_set(problem, PROBLEM_BAD_VALUE, "mode", "mode must be split, unified or vanity");
}

static bool read_product(const json_t *root, struct request *request, struct problem *problem)
{
    static const char *const known[] = {
        "name", "title", "mode", "group", "web", "mail", "dns", "customer_retry", NULL
    };
    struct input input = { root, "" };
    const char *name, *title, *group;
    if (!input_known(input, known, problem) || !input_name(input, "name", &name, problem) ||
        !input_text(input, "title", INPUT_OPTIONAL, 200, &title, problem) ||
        !read_mode(input, &request->product.mode, problem) || !input_name(input, "group", &group, problem) ||
        !read_spec(root, &request->product.spec, problem))
        return false;
    request->product.name = xstrdup(name);
    request->product.title = xstrdup(title[0] != '\0' ? title : name);
    request->group_names = xcalloc(1, sizeof(*request->group_names));
    request->group_names[0] = xstrdup(group);
    request->group_name_count = 1;
    return true;
}

void api_product_add(struct call *call)
{
    json_t *root;
    if (!call_parse_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_PRODUCT_ADD);
    struct problem problem;
    bool ok = read_product(root, request, &problem);
    json_decref(root);
    if (ok) {
        call_post(call, request, finish_add);
        return;
    }
    request_destroy(request);
    call_refuse(call, &problem);
}
