/* api_live.c - the streams: what may be watched, and from where on. A browser that comes back says in Last-Event-ID what it has seen
 * last; that goes before the address, which it cannot change. */
#include <inttypes.h>

#include "http/live.h"
#include "http/page.h"
#include "http/route.h"

static bool read_cursor(struct call *call, const char *parameter, int64_t *ret_after)
{
    const char *const known[] = { parameter, NULL };
    const char *seen = call_header(call, "Last-Event-ID");
    *ret_after = 0;
    if (!call_query_known(call, known) || !call_query_int(call, parameter, 0, INT64_MAX, ret_after))
        return false;
    int64_t last;
    if (seen != NULL && input_parse_id(seen, &last)) /* one that is none of ours is as good as none */
        *ret_after = last;
    return true;
}

/* ---- customers ------------------------------------------------------------------------------------------------------ */

static bool check_is_there(struct call *call, int64_t service_id)
{
    struct service service = { 0 };
    struct problem problem;
    struct err err;
    bool loaded = store_get_service(call->store, service_id, &service, &err);
    bool there = loaded && service.status != SERVICE_TERMINATED;
    service_finish(&service);
    if (there)
        return true;
    if (loaded || err.code == ERR_NOT_FOUND)
        problem_set(&problem, PROBLEM_GONE, "", "this account has ended");
    else
        problem_from_err(&problem, &err);
    call_refuse(call, &problem);
    return false;
}

void page_events_get(struct call *call)
{
    int64_t service_id, after;
    if (page_check_link(call, &service_id) && read_cursor(call, "after", &after) && check_is_there(call, service_id))
        live_watch(call->live, call, WATCH_CUSTOMER, service_id, after);
}

/* ---- staff ---------------------------------------------------------------------------------------------------------- */

void api_service_stream(struct call *call)
{
    struct service service = { 0 };
    struct err err;
    int64_t after;
    if (!read_cursor(call, "after", &after))
        return;
    if (store_get_service(call->store, call->id, &service, &err))
        live_watch(call->live, call, WATCH_SERVICE, call->id, after);
    else
        call_refuse_err(call, &err);
    service_finish(&service);
}

void api_attempt_stream(struct call *call)
{
    struct attempt attempt = { 0 };
    struct err err;
    int64_t offset;
    if (!read_cursor(call, "offset", &offset))
        return;
    if (store_get_attempt(call->store, call->id, &attempt, &err))
        live_watch(call->live, call, WATCH_LOG, call->id, offset);
    else
        call_refuse_err(call, &err);
    attempt_finish(&attempt);
}

void api_stream(struct call *call)
{
    static const char *const known[] = { NULL };
    if (call_query_known(call, known))
        live_watch(call->live, call, WATCH_LISTS, 0, 0);
}
