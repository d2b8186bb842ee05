/* steer.c - see steer.h. */
#include "steer.h"

#include <inttypes.h>

struct company *steer_company(void)
{
    return company_create(&(struct company_options){ .seed = 7, .pace = "pace=fixed 100" });
}

int steer_open(void **state)
{
    *state = steer_company();
    return 0;
}

int steer_close(void **state)
{
    company_destroy(*state);
    return 0;
}

/* ---- orders and requests ---------------------------------------------------------------------------------------------- */

int64_t order_live(struct company *company, const char *product, const char *domain)
{
    int64_t id = company_order(company, product, domain, "");
    assert_true(company_until(company, id, SERVICE_LIVE, HOUR_MS));
    return id;
}

struct request *ask_operation(struct company *company, int64_t service_id, enum operation_kind kind)
{
    struct request *request = request_create(REQUEST_OPERATION);
    request->target_id = service_id;
    request->operation = kind;
    request->who = xstrdup("ada");
    return company_ask(company, request);
}

int64_t start_operation(struct company *company, int64_t service_id, enum operation_kind kind)
{
    return expect_ok(ask_operation(company, service_id, kind));
}

void set_setting(struct company *company, const char *name, const char *value)
{
    struct request *request = request_create(REQUEST_SETTING_SET);
    request->who = xstrdup("ada");
    request->settings = xcalloc(1, sizeof(*request->settings));
    request->setting_count = 1;
    request->settings[0] = (struct setting_pair){ .name = xstrdup(name), .value = xstrdup(value) };
    request = company_ask(company, request);
    if (!request->ok)
        fail_msg("%s = %s: %s", name, value, request->err.msg);
    request_destroy(request);
}

int64_t expect_ok(struct request *request)
{
    if (!request->ok)
        fail_msg("refused: %s", request->err.msg);
    int64_t id = request->id;
    request_destroy(request);
    return id;
}

void expect_refusal(struct request *request, const char *says)
{
    assert_false(request->ok);
    assert_int_equal(request->err.code, ERR_CONFLICT);
    if (strstr(request->err.msg, says) == NULL)
        fail_msg("it says\n  %s\nwithout\n  %s", request->err.msg, says);
    request_destroy(request);
}

/* ---- waiting and looking ---------------------------------------------------------------------------------------------- */

enum service_status status_of(struct company *company, int64_t service_id)
{
    struct service service;
    company_get_service(company, service_id, &service);
    enum service_status status = service.status;
    service_finish(&service);
    return status;
}

enum operation_state state_of(struct company *company, int64_t operation_id)
{
    struct operation operation;
    struct err err;
    assert_true(store_get_operation(company_store(company), operation_id, &operation, &err));
    enum operation_state state = operation.state;
    operation_finish(&operation);
    return state;
}

void pass_until(struct company *company, int64_t operation_id, enum operation_state state)
{
    for (int64_t ms = 0; ms < HOUR_MS && state_of(company, operation_id) == OPERATION_RUNNING; ms += 100)
        company_pass(company, 100);
    if (state_of(company, operation_id) == state)
        return;
    CLEANUP(buf_finish) struct buf trace = BUF_INIT;
    company_trace(company, 1, true, &trace);
    fprintf(stderr, "%s", buf_text(&trace));
    fail_msg("operation %" PRId64 " is %s", operation_id, operation_state_name(state_of(company, operation_id)));
}
