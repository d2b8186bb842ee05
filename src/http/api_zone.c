/* api_zone.c - /api/v1/zone-templates: the texts that customers' DNS zones are made from. */
#include <string.h>
#include <strings.h>

#include "core/domain.h"
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
    const json_t *text = json_object_get(root, "text");
    bool ok = input_known((struct input){ root, "" }, known, &problem);
    if (ok && !json_is_string(text))
        ok = problem_set(&problem, text == NULL ? PROBLEM_MISSING_FIELD : PROBLEM_WRONG_TYPE, "text",
                         text == NULL ? "the field text is missing" : "text must be a text");
    if (ok)
        *ret_text = xstrdup(json_string_value(text));
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
