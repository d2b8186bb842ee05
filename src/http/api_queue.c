/* api_queue.c - /api/v1/queue: what waits and what is stuck, in figures; /api/v1/health: whether anybody is there. */
#include "http/route.h"
#include "http/view.h"

void api_queue_get(struct call *call)
{
    struct err err;
    struct queue_figures figures;
    if (!store_queue_figures(call->store, &figures, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    call_answer_json(call, MHD_HTTP_OK,
                     json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "queued", (json_int_t)figures.queued, "running",
                               (json_int_t)figures.running, "waiting", (json_int_t)figures.waiting, "held",
                               (json_int_t)figures.held, "failed", (json_int_t)figures.failed, "oldest_queued_at",
                               view_time(figures.oldest_queued_ms)));
}

void api_health_get(struct call *call)
{
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:s, s:s}", "status", "ok", "version", BERTH_VERSION));
}
