/* api_queue.c - /api/v1/queue: what waits and what is stuck (tasks, and messages in the outbox), and how many services there are, in figures; /api/v1/health: whether anybody is there and gets on. */
#include "http/route.h"
#include "http/view.h"

#define STALLED_MS 10000 /* the engine writes at least every second while the store takes it */

void api_queue_get(struct call *call)
{
    struct err err;
    struct queue_figures figures;
    if (!store_queue_figures(call->store, &figures, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *services = json_object();
    for (int status = 0; status < SERVICE_STATUS_COUNT; status++)
        json_object_set_new(services, service_status_name((enum service_status)status),
                            json_integer(figures.services[status]));
    json_t *outbox = json_pack("{s:I, s:I, s:I}", "waiting", (json_int_t)figures.outbox_waiting, "troubled",
                               (json_int_t)figures.outbox_troubled, "failed", (json_int_t)figures.outbox_failed);
    call_answer_json(call, MHD_HTTP_OK,
                     json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "queued", (json_int_t)figures.queued,
                               "running", (json_int_t)figures.running, "waiting", (json_int_t)figures.waiting, "held",
                               (json_int_t)figures.held, "failed", (json_int_t)figures.failed, "oldest_queued_at",
                               view_time(figures.oldest_queued_ms), "services", services, "outbox", outbox));
}

/* Health is progress: that this thread answers says nothing of the engine's. */
void api_health_get(struct call *call)
{
    struct clock *clock = call->config->clock;
    const struct pulse *pulse = call->config->pulse;
    int64_t age_ms = pulse == NULL ? 0 : pulse_age_ms(pulse, clock->boot_ms(clock));
    bool stalled = age_ms > STALLED_MS;
    call_answer_json(call, stalled ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
                     json_pack("{s:s, s:s, s:I}", "status", stalled ? "stalled" : "ok", "version", BERTH_VERSION,
                               "engine_age_ms", (json_int_t)age_ms));
}
