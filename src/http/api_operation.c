/* api_operation.c - what people do to a service that is there: redeploy, verify, plan, cancel; trying again, giving up and
 * deciding about conflicts. The rules are in docs/operations.md. */
#include <inttypes.h>
#include <string.h>

#include "http/eta_view.h"
#include "http/route.h"
#include "http/view.h"

/* A request about the thing that the path names. */
static struct request *make_request(const struct call *call, enum request_kind kind)
{
    struct request *request = request_create(kind);
    request->target_id = call->id;
    return request;
}

/* One word of the body, e.g. {"kind": "verify"}. @param ret_text borrowed from *ret_root, which is the caller's */
static bool read_word(struct call *call, const char *field, json_t **ret_root, const char **ret_text)
{
    struct problem problem;
    const char *const known[] = { field, NULL };
    if (!call_parse_body(call, ret_root))
        return false;
    struct input input = { *ret_root, "" };
    if (input_known(input, known, &problem) && input_text(input, field, INPUT_REQUIRED, 40, ret_text, &problem))
        return true;
    json_decref(*ret_root);
    call_refuse(call, &problem);
    return false;
}

/* ---- operations --------------------------------------------------------------------------------------------------------- */

static void answer_operation(struct call *call, unsigned status, int64_t id)
{
    struct err err;
    struct operation operation;
    if (!store_get_operation(call->store, id, &operation, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *json = view_operation(&operation);
    json_object_set_new(json, "service_id", view_id(operation.service_id));
    bool ok = eta_add_to_operation(call->store, &operation, call_now_ms(call), json, &err);
    operation_finish(&operation);
    if (ok) {
        call_answer_json(call, status, json);
    } else {
        json_decref(json);
        call_refuse_err(call, &err);
    }
}

static void finish_start(struct call *call)
{
    if (call_request_ok(call))
        answer_operation(call, call->request->existing ? MHD_HTTP_OK : MHD_HTTP_ACCEPTED, call->request->id);
}

void api_operation_start(struct call *call)
{
    json_t *root;
    const char *kind;
    enum operation_kind operation;
    if (!read_word(call, "kind", &root, &kind))
        return;
    bool known =
        operation_kind_parse(kind, &operation) && (operation == OPERATION_REDEPLOY || operation == OPERATION_VERIFY ||
                                                   operation == OPERATION_PLAN || operation == OPERATION_PASSWORD);
    json_decref(root);
    if (!known) {
        struct problem problem;
        problem_set(&problem, PROBLEM_BAD_VALUE, "kind", "kind must be redeploy, verify, plan or password");
        call_refuse(call, &problem);
        return;
    }
    struct request *request = make_request(call, REQUEST_OPERATION);
    request->operation = operation;
    call_post(call, request, finish_start);
}

void api_operation_get(struct call *call)
{
    answer_operation(call, MHD_HTTP_OK, call->id);
}

void api_operation_tasks(struct call *call)
{
    struct err err;
    struct operation operation;
    json_t *list = NULL;
    if (!store_get_operation(call->store, call->id, &operation, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    if (eta_view_tasks(call->store, &operation, call_now_ms(call), &list, &err))
        call_answer_json(call, MHD_HTTP_OK,
                         json_pack("{s:o, s:o}", "operation_id", view_id(operation.id), "tasks", list));
    else
        call_refuse_err(call, &err);
    operation_finish(&operation);
}

/* ---- of a service, of a node ---------------------------------------------------------------------------------------------- */

static void finish_cancel(struct call *call)
{
    if (call_request_ok(call))
        call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "id", view_id(call->request->id)));
}

void api_service_cancel(struct call *call)
{
    call_post(call, make_request(call, REQUEST_CANCEL), finish_cancel);
}

static void finish_retry_all(struct call *call)
{
    if (call_request_ok(call))
        call_answer_json(call, MHD_HTTP_OK, json_pack("{s:I}", "tasks", (json_int_t)call->request->count));
}

void api_service_retry(struct call *call)
{
    call_post(call, make_request(call, REQUEST_SERVICE_RETRY), finish_retry_all);
}

void api_node_retry(struct call *call)
{
    call_post(call, make_request(call, REQUEST_NODE_RETRY), finish_retry_all);
}

/* ---- of a task -------------------------------------------------------------------------------------------------------------- */

void api_task_fail(struct call *call)
{
    call_post(call, make_request(call, REQUEST_TASK_FAIL), api_task_finish);
}

static void finish_resolve(struct call *call)
{
    if (!call_request_ok(call))
        return;
    if (call->request->resolution == RESOLUTION_ABORT)
        api_task_finish(call);
    else
        answer_operation(call, MHD_HTTP_ACCEPTED, call->request->id);
}

void api_task_resolve(struct call *call)
{
    json_t *root;
    const char *how;
    enum resolution resolution;
    if (!read_word(call, "how", &root, &how))
        return;
    bool known = resolution_parse(how, &resolution);
    json_decref(root);
    if (!known) {
        struct problem problem;
        problem_set(&problem, PROBLEM_BAD_VALUE, "how", "how must be adopt, rename or abort");
        call_refuse(call, &problem);
        return;
    }
    struct request *request = make_request(call, REQUEST_TASK_RESOLVE);
    request->resolution = resolution;
    call_post(call, request, finish_resolve);
}
