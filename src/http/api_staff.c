/* api_staff.c - /api/v1/staff: the people who may log in, and what they may do. Nobody is removed: what they did speaks of them. */
#include <string.h>

#include "http/passwords.h"
#include "http/route.h"
#include "http/view.h"
#include "store/store_staff.h"

static json_t *view_staff(const struct staff *staff)
{
    return json_pack("{s:o, s:o, s:s, s:b, s:o, s:o}", "id", view_id(staff->id), "name", view_text(staff->name), "role",
                     staff_role_name(staff->role), "disabled", staff->disabled, "created_at",
                     view_time(staff->created_at_ms), "last_login_at", view_time(staff->last_login_at_ms));
}

void api_staff_list(struct call *call)
{
    struct err err;
    struct staff *staff;
    size_t count;
    if (!store_list_staff(call->store, &staff, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_staff(&staff[i]));
    staff_free(staff, count);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "staff", list));
}

static void answer_person(struct call *call, unsigned status)
{
    struct err err;
    struct staff staff = { 0 };
    http_server_access_changed(call->server, true, call->request->id);
    if (!store_get_staff(call->store, call->request->id, &staff, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    call_answer_json(call, status, view_staff(&staff));
    staff_finish(&staff);
}

static void finish_add(struct call *call)
{
    if (call_request_ok(call))
        answer_person(call, MHD_HTTP_CREATED);
}

static void finish_set(struct call *call)
{
    if (call_request_ok(call))
        answer_person(call, MHD_HTTP_OK);
}

/* The new password is a hash now. */
static void post_add(struct call *call)
{
    call_post(call, passwords_take(call), finish_add);
}

static void post_set(struct call *call)
{
    call_post(call, passwords_take(call), finish_set);
}

static void hash_then(struct call *call, struct request *request, const char *password, void (*post)(struct call *call))
{
    struct password_work work = { .new_password = password };
    if (!passwords_work(http_server_passwords(call->server), call, request, &work, post))
        return; /* refused */
}

/* @param ret_password borrowed from root; "" when none is given */
static bool read_person(const json_t *root, struct request *request, const char **ret_password, struct problem *problem)
{
    static const char *const known[] = { "name", "role", "password", NULL };
    struct input input = { root, "" };
    const char *name;
    if (!input_known(input, known, problem) || !input_name(input, "name", &name, problem) ||
        !input_role(input, INPUT_REQUIRED, &request->access.has_role, &request->access.role, problem) ||
        !input_text(input, "password", INPUT_REQUIRED, PASSWORD_MAX, ret_password, problem) ||
        !password_check(*ret_password, "password", problem))
        return false;
    request->access.name = xstrdup(name);
    return true;
}

static bool read_changes(const json_t *root, struct request *request, const char **ret_password,
                         struct problem *problem)
{
    static const char *const known[] = { "role", "disabled", "password", NULL };
    struct input input = { root, "" };
    const json_t *disabled = json_object_get(root, "disabled");
    if (!input_known(input, known, problem) ||
        !input_role(input, INPUT_OPTIONAL, &request->access.has_role, &request->access.role, problem) ||
        !input_text(input, "password", INPUT_OPTIONAL, PASSWORD_MAX, ret_password, problem) ||
        (*ret_password[0] != '\0' && !password_check(*ret_password, "password", problem)))
        return false;
    if (disabled != NULL && !json_is_boolean(disabled))
        return problem_set(problem, PROBLEM_WRONG_TYPE, "disabled", "disabled must be true or false");
    request->access.has_disabled = disabled != NULL;
    request->access.disabled = json_is_true(disabled);
    if (!request->access.has_role && disabled == NULL && *ret_password[0] == '\0')
        return problem_set(problem, PROBLEM_MISSING_FIELD, "", "say what to change: role, disabled or password");
    return true;
}

/* What is read from the body is asked of the engine: at once, or when its password is a hash. */
static void ask(struct call *call, enum request_kind kind,
                bool (*read)(const json_t *root, struct request *request, const char **ret_password,
                             struct problem *problem),
                void (*post)(struct call *call), void (*finish)(struct call *call))
{
    json_t *root;
    struct problem problem;
    const char *password = "";
    if (!call_parse_secret_body(call, &root))
        return;
    struct request *request = request_create(kind);
    request->target_id = call->id; /* 0 of somebody new */
    if (!read(root, request, &password, &problem)) {
        request_destroy(request);
        call_refuse(call, &problem);
    } else if (password[0] != '\0') {
        hash_then(call, request, password, post);
    } else {
        call_post(call, request, finish);
    }
    json_decref(root);
}

void api_staff_add(struct call *call)
{
    ask(call, REQUEST_STAFF_ADD, read_person, post_add, finish_add);
}

void api_staff_set(struct call *call)
{
    ask(call, REQUEST_STAFF_SET, read_changes, post_set, finish_set);
}
