/* api_token.c - /api/v1/tokens: what programs show instead of a password. Its text is shown once, when it is made. */
#include <string.h>

#include "http/route.h"
#include "http/token.h"
#include "http/view.h"
#include "store/store_staff.h"

static json_t *view_token(const struct api_token *token)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o}", "id", view_id(token->id), "name", view_text(token->name), "role",
                     staff_role_name(token->role), "created_at", view_time(token->created_at_ms), "revoked_at",
                     view_time(token->revoked_at_ms));
}

void api_token_list(struct call *call)
{
    struct err err;
    struct api_token *tokens;
    size_t count;
    if (!store_list_tokens(call->store, &tokens, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_token(&tokens[i]));
    api_tokens_free(tokens, count);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "tokens", list));
}

static void finish_add(struct call *call)
{
    struct err err;
    struct api_token token = { 0 };
    if (!call_request_ok(call))
        return;
    if (!store_get_token(call->store, call->request->id, &token, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *json = view_token(&token);
    json_object_set_new(json, "token", json_string(call->secret));
    api_token_finish(&token);
    call_answer_json(call, MHD_HTTP_CREATED, json);
}

static bool read_token(const json_t *root, struct request *request, struct problem *problem)
{
    static const char *const known[] = { "name", "role", NULL };
    struct input input = { root, "" };
    const char *name;
    if (!input_known(input, known, problem) || !input_name(input, "name", &name, problem) ||
        !input_role(input, INPUT_REQUIRED, &request->access.has_role, &request->access.role, problem))
        return false;
    request->access.name = xstrdup(name);
    return true;
}

void api_token_add(struct call *call)
{
    json_t *root;
    struct problem problem;
    if (!call_parse_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_TOKEN_ADD);
    bool ok = read_token(root, request, &problem);
    json_decref(root);
    if (!ok) {
        request_destroy(request);
        call_refuse(call, &problem);
        return;
    }
    call->secret = xcalloc(1, TOKEN_LENGTH + 1);
    token_generate(&http_server_auth(call->server)->rng, call->secret);
    bool hashed = token_hash(call->secret, request->access.hash);
    if (!hashed)
        abort(); /* it has just been made */
    call_post(call, request, finish_add);
}

static void finish_revoke(struct call *call)
{
    struct buf nothing = BUF_INIT;
    if (!call_request_ok(call))
        return;
    http_server_access_changed(call->server, false, call->request->target_id);
    call_answer(call, MHD_HTTP_NO_CONTENT, NULL, &nothing);
}

void api_token_revoke(struct call *call)
{
    struct request *request = request_create(REQUEST_TOKEN_REVOKE);
    request->target_id = call->id;
    call_post(call, request, finish_revoke);
}
