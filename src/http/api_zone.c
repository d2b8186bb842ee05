/* api_zone.c - /api/v1/zone-templates: the texts that customers' DNS zones are made from. */
#include <string.h>
#include <strings.h>

#include "core/domain.h"
#include "core/product.h"
#include "core/zone_template.h"
#include "http/route.h"
#include "http/view.h"

void api_zone_list(struct call *call)
{
    struct err err;
    char **names;
    size_t count;
    if (!store_list_zone_templates(call->store, &names, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("{s:o}", "name", view_text(names[i])));
        free(names[i]);
    }
    free(names);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "zone_templates", list));
}

static json_t *view_template(const char *name, const char *text)
{
    return json_pack("{s:o, s:o}", "name", view_text(name), "text", view_text(text));
}

void api_zone_get(struct call *call)
{
    struct err err;
    char *text;
    if (!store_get_zone_template(call->store, call->name, &text, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    call_answer_json(call, MHD_HTTP_OK, view_template(call->name, text));
    free(text);
}

static void finish_put(struct call *call)
{
    if (call_request_ok(call))
        call_answer_json(call, MHD_HTTP_OK, view_template(call->request->template_name, call->request->template_text));
}

/* A template's text has lines, which other texts must not have. @return NULL with *problem */
static const char *template_text(const json_t *root, struct problem *problem)
{
    const json_t *text = json_object_get(root, "text");
    if (!json_is_string(text))
        problem_set(problem, text == NULL ? PROBLEM_MISSING_FIELD : PROBLEM_WRONG_TYPE, "text",
                    text == NULL ? "the field text is missing" : "text must be a text");
    return json_string_value(text);
}

/* The text as such (text/plain: what an editor saves), or {"text": "..."}. @return false: refused */
static bool read_text(struct call *call, char **ret_text)
{
    const char *type = call_header(call, "Content-Type");
    if (type != NULL && strncasecmp(type, "text/plain", 10) == 0) {
        *ret_text = xstrdup(buf_text(&call->body));
        return true;
    }
    static const char *const known[] = { "text", NULL };
    json_t *root;
    struct problem problem;
    if (!call_parse_body(call, &root))
        return false;
    const char *text = NULL;
    bool ok =
        input_known((struct input){ root, "" }, known, &problem) && (text = template_text(root, &problem)) != NULL;
    if (ok)
        *ret_text = xstrdup(text);
    else
        call_refuse(call, &problem);
    json_decref(root);
    return ok;
}

void api_zone_put(struct call *call)
{
    struct err err;
    char *text;
    if (!read_text(call, &text))
        return;
    if (!name_check(call->name, "name", &err) || !zone_template_check(text, &err)) {
        free(text);
        call_refuse_err(call, &err);
        return;
    }
    struct request *request = request_create(REQUEST_ZONE_TEMPLATE_PUT);
    request->template_name = xstrdup(call->name);
    request->template_text = text;
    call_post(call, request, finish_put);
}

/* ---- preview -------------------------------------------------------------------------------------------------------- */

/* What a zone would hold where nothing is known: addresses and names that are kept for examples. */
static const struct zone_values examples = { .server_ip = "192.0.2.10",
                                             .server_ip6 = "2001:db8::10",
                                             .mail_server_ip = "192.0.2.20",
                                             .mail_server_ip6 = "2001:db8::20",
                                             .mail_server_hostname = "mail.example.net",
                                             .ns = { "ns1.example.net", "ns2.example.net" },
                                             .domainkey = "v=DKIM1; k=rsa; p=EXAMPLE",
                                             .service_id = "1",
                                             .client_id = "1" };

static bool node_in_group(const struct node *node, int64_t group_id)
{
    for (size_t i = 0; i < node->group_count; i++) {
        if (node->group_ids[i] == group_id)
            return true;
    }
    return false;
}

static const struct node *node_for(const struct catalogue *catalogue, const struct product *product, enum role role)
{
    for (size_t i = 0; i < catalogue->node_count; i++) {
        const struct node *node = &catalogue->nodes[i];
        if ((node->roles & ROLE_BIT(role)) != 0 && node_in_group(node, product->group_id))
            return node;
    }
    return NULL;
}

/* The values of a service of that product, on the first node of its group that has the role. */
static void values_of_product(const struct catalogue *catalogue, const struct product *product, unsigned roles,
                              struct zone_values *values)
{
    const struct node *web = (roles & ROLE_BIT(ROLE_WEB)) != 0 ? node_for(catalogue, product, ROLE_WEB) : NULL;
    const struct node *mail = (roles & ROLE_BIT(ROLE_MAIL)) != 0 ? node_for(catalogue, product, ROLE_MAIL) : NULL;
    values->server_ip = web == NULL ? "" : web->public_ip4;
    values->server_ip6 = web == NULL ? "" : web->public_ip6;
    values->mail_server_ip = mail == NULL ? "" : mail->public_ip4;
    values->mail_server_ip6 = mail == NULL ? "" : mail->public_ip6;
    values->mail_server_hostname = mail == NULL ? "" : mail->hostname;
    if (mail == NULL)
        values->domainkey = "";
    size_t count = 0;
    memset(values->ns, 0, sizeof(values->ns));
    for (size_t i = 0; i < catalogue->node_count && count < ZONE_NS_MAX; i++) {
        const struct node *node = &catalogue->nodes[i];
        if ((node->roles & ROLE_BIT(ROLE_DNS)) != 0 && node_in_group(node, product->group_id))
            values->ns[count++] = node->ns_name[0] != '\0' ? node->ns_name : node->hostname;
    }
}

static json_t *view_records(const struct zone_rendered *zone)
{
    json_t *list = json_array();
    for (size_t i = 0; i < zone->record_count; i++) {
        const struct zone_record *record = &zone->records[i];
        bool has_priority = strcmp(record->type, "MX") == 0 || strcmp(record->type, "SRV") == 0;
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", view_text(record->name), "ttl",
                                        zone->ttls[i] == 0 ? json_null() : json_integer((json_int_t)zone->ttls[i]),
                                        "type", view_text(record->type), "priority",
                                        has_priority ? json_integer(record->priority) : json_null(), "value",
                                        view_text(record->value)));
    }
    return list;
}

static void answer_preview(struct call *call, const char *text, const struct zone_values *values, bool is_example)
{
    struct err err;
    struct zone_rendered zone;
    if (!zone_template_render(text, values, &zone, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *records = view_records(&zone);
    zone_rendered_finish(&zone);
    call_answer_json(
        call, MHD_HTTP_OK,
        json_pack("{s:o, s:o, s:b}", "domain", view_text(values->domain), "records", records, "examples", is_example));
}

static const struct product *product_by_name(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->product_count; i++) {
        if (strcmp(catalogue->products[i].name, name) == 0)
            return &catalogue->products[i];
    }
    return NULL;
}

static void preview_for_product(struct call *call, const char *text, const char *name, struct zone_values *values)
{
    struct err err;
    struct catalogue catalogue = { 0 };
    struct product_spec spec;
    if (!catalogue_load(call->store, CATALOGUE_NODES | CATALOGUE_PRODUCTS, &catalogue, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    const struct product *product = product_by_name(&catalogue, name);
    if (product == NULL) {
        err_set_field(&err, ERR_INVALID, "product", "there is no product %.40s", name);
        call_refuse_err(call, &err);
    } else if (!product_spec_parse(product->spec, &spec, &err)) {
        call_refuse_err(call, &err);
    } else {
        values_of_product(&catalogue, product, spec.roles, values);
        product_spec_finish(&spec);
        answer_preview(call, text, values, false);
    }
    catalogue_finish(&catalogue);
}

/* The records that a domain would get from a text that is not stored yet. */
void api_zone_preview(struct call *call)
{
    static const char *const known[] = { "text", "domain", "product", NULL };
    const char *text = NULL, *domain, *product;
    CLEANUP(freep) char *ascii = NULL;
    json_t *root;
    struct problem problem;
    struct err err;
    if (!call_parse_body(call, &root))
        return;
    struct input input = { root, "" };
    bool ok = input_known(input, known, &problem) && (text = template_text(root, &problem)) != NULL &&
              input_text(input, "domain", INPUT_REQUIRED, 1000, &domain, &problem) &&
              input_text(input, "product", INPUT_OPTIONAL, NAME_LENGTH_MAX, &product, &problem) &&
              (domain_normalise(domain, &ascii, &err) || problem_from_err(&problem, &err));
    struct zone_values values = examples;
    values.domain = ascii;
    if (!ok)
        call_refuse(call, &problem);
    else if (!zone_template_check(text, &err))
        call_refuse_err(call, &err);
    else if (product[0] != '\0')
        preview_for_product(call, text, product, &values);
    else
        answer_preview(call, text, &values, true);
    json_decref(root);
}
