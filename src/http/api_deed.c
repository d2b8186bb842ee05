/* api_deed.c - what staff do for a service's customer: read its passwords (it is written down who did, before the answer is made) and
 * renew the link to the customer's page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/credentials_json.h"
#include "http/link.h"
#include "http/route.h"

static void post(struct call *call, enum request_kind kind, void (*finish)(struct call *call))
{
    struct request *request = request_create(kind);
    request->target_id = call->id;
    call_post(call, request, finish);
}

static void finish_reveal(struct call *call)
{
    if (call_request_ok(call))
        credentials_answer(call, call->request->id, false);
}

void api_service_reveal(struct call *call)
{
    post(call, REQUEST_REVEAL, finish_reveal);
}

static void finish_link(struct call *call)
{
    struct err err;
    char token[LINK_TOKEN_MAX], url[512];
    if (!call_request_ok(call))
        return;
    if (!link_token_now(call->config->keyring, call->store, call->request->id, call->request->created_at_ms, token,
                        &err)) {
        call_refuse_err(call, &err);
        return;
    }
    snprintf(url, sizeof(url), "%s/s/%s", call->config->base_url, token);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:s}", "customer_url", url));
}

void api_service_link(struct call *call)
{
    post(call, REQUEST_LINK_RENEW, finish_link);
}
