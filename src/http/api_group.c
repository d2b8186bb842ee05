/* api_group.c - /api/v1/groups: the sets of nodes that products sell from. */
#include "core/domain.h"
#include "http/route.h"
#include "http/view.h"

void api_group_list(struct call *call)
{
    struct err err;
    struct catalogue catalogue;
    if (!catalogue_load(call->store, CATALOGUE_GROUPS, &catalogue, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < catalogue.group_count; i++)
        json_array_append_new(list, view_group(&catalogue.groups[i]));
    catalogue_finish(&catalogue);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "groups", list));
}

static void finish_add(struct call *call)
{
    if (!call_request_ok(call))
        return;
    struct group group = call->request->group;
    group.id = call->request->id;
    call_answer_json(call, MHD_HTTP_CREATED, view_group(&group));
}

static bool read_group(const json_t *root, struct group *group, struct problem *problem)
{
    static const char *const known[] = { "name", "title", NULL };
    struct input input = { root, "" };
    const char *name, *title;
    if (!input_known(input, known, problem) || !input_name(input, "name", &name, problem) ||
        !input_text(input, "title", INPUT_OPTIONAL, 200, &title, problem))
        return false;
    group->name = xstrdup(name);
    group->title = xstrdup(title[0] != '\0' ? title : name);
    return true;
}

void api_group_add(struct call *call)
{
    json_t *root;
    if (!call_parse_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_GROUP_ADD);
    struct problem problem;
    bool ok = read_group(root, &request->group, &problem);
    json_decref(root);
    if (ok) {
        call_post(call, request, finish_add);
        return;
    }
    request_destroy(request);
    call_refuse(call, &problem);
}
