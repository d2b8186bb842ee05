/* page_deed.c - what a customer does on his page: read the passwords (once), ask for new ones, try again what has failed. The link
 * is the key to all of it; the header Berth-Page, which no form of another site can send, says that it was the page that asked. */
#include <string.h>

#include "core/messages.h"
#include "http/credentials_json.h"
#include "http/page.h"
#include "http/route.h"
#include "store/store_deed.h"

#define CUSTOMER "the customer"

static bool refuse(struct call *call, enum problem_kind kind, const char *sentence)
{
    struct problem problem;
    problem_set(&problem, kind, "", "%s", sentence);
    call_refuse(call, &problem);
    return false;
}

static bool check_page(struct call *call)
{
    const char *header = call_header(call, "Berth-Page");
    return (header != NULL && strcmp(header, "1") == 0) ||
           refuse(call, PROBLEM_NOT_THE_PAGE, message_text("page.deed.not-the-page"));
}

static bool check_service(struct call *call, int64_t service_id)
{
    struct err err;
    struct service service;
    if (!store_get_service(call->store, service_id, &service, &err)) {
        if (err.code == ERR_NOT_FOUND)
            return refuse(call, PROBLEM_GONE, message_text("page.deed.ended"));
        call_refuse_err(call, &err);
        return false;
    }
    bool ended = service.status == SERVICE_TERMINATED;
    service_finish(&service);
    return !ended || refuse(call, PROBLEM_GONE, message_text("page.deed.ended"));
}

static void post(struct call *call, enum request_kind kind, void (*finish)(struct call *call))
{
    int64_t service_id;
    if (!check_page(call) || !page_check_link(call, &service_id) || !check_service(call, service_id))
        return;
    struct request *request = request_create(kind);
    request->target_id = service_id;
    request->by_customer = true;
    request->operation = OPERATION_PASSWORD;
    request->who = xstrdup(CUSTOMER);
    call_post(call, request, finish);
}

static void finish_show(struct call *call)
{
    if (!call_request_ok(call))
        return;
    if (call->request->existing)
        refuse(call, PROBLEM_SHOWN_ALREADY, message_text("page.deed.shown-already"));
    else
        credentials_answer(call, call->request->id, true);
}

void page_credentials_show(struct call *call)
{
    post(call, REQUEST_CREDENTIALS_SHOW, finish_show);
}

static void finish_password(struct call *call)
{
    if (call_request_ok(call))
        call_answer_json(call, MHD_HTTP_ACCEPTED, json_pack("{s:b}", "changing", 1));
}

void page_password_change(struct call *call)
{
    post(call, REQUEST_OPERATION, finish_password);
}

static void finish_retry(struct call *call)
{
    if (call_request_ok(call))
        call_answer_json(call, MHD_HTTP_ACCEPTED, json_pack("{s:b}", "retrying", 1));
}

void page_retry(struct call *call)
{
    post(call, REQUEST_SERVICE_RETRY, finish_retry);
}
