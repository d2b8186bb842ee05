/* company_run.c - days in a company's life, by its seed: orders come, are sent again, things go wrong, people do things, the daemon
 * is killed. See company_internal.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 4000000U
#define SEND_AGAIN_MS 1000 /* after "try again in a moment" */
#define ORDER_PAUSE_MS 20000
#define LOOK_EVERY 16                   /* steps between two looks at how far everything is */
#define CLOCK_WRONG_MS INT64_C(3600000) /* at most */
#define ENDS_WITHIN_MS                                                                                                 \
    (3 * CLOCK_WRONG_MS) /* once calm: the longest pause of a task, seen after the clock was set back, and its work */
#define MENDS_MAX 5
#define MEND_AGAIN_MS 60000

/* ---- orders --------------------------------------------------------------------------------------------------------- */

static void order_answered(struct request *request, void *context)
{
    struct company *company = context;
    unsigned number = (unsigned)strtoul(request->order.external_id + strlen("order-"), NULL, 10);
    struct company_order *order = &company->orders[number];
    company->answered++;
    if (!request->ok && request->err.code == ERR_BUSY) {
        order->due_ms = company->now_ms + SEND_AGAIN_MS;
    } else if (!request->ok) {
        company_complain(company, BREACH_UNFINISHED, "order %u: %s", number, request->err.msg);
    } else if (order->service_id == 0) {
        order->service_id = request->id;
    } else if (order->service_id != request->id || !request->existing) {
        company_complain(company, BREACH_LOST, "order %u was accepted twice: %" PRId64 " and %" PRId64, number,
                         order->service_id, request->id);
    }
    request_destroy(request);
}

static void send_order(struct company *company, unsigned number)
{
    struct company_order *order = &company->orders[number];
    /* every third is a subdomain: the panel treats them differently */
    CLEANUP(freep)
    char *domain =
        xasprintf("%ssite%u-%" PRIu64 ".example", number % 3 == 2 ? "shop." : "", number, company->options.seed % 1000);
    CLEANUP(freep) char *external_id = xasprintf("order-%u", number);
    struct request *request = company_order_request(order->product, domain, external_id);
    free(request->order.client_id);
    free(request->order.options);
    request->order.client_id = xasprintf("%u", number % 7);
    request->order.options = xstrdup(order->options);
    order->due_ms = INT64_MAX;
    company_post(company, request, order_answered, company);
}

static void choose_order(struct company *company)
{
    static const struct {
        const char *product, *options;
    } choices[] = {
        { "start", "{}" },
        { "start", "{\"mailbox\":null}" },
        { "start", "{\"mailbox\":\"hello\"}" },
        { "start", "{\"php\":\"8.2\"}" },
        { "start", "{}" },
        { "site", "{}" },
        { "names", "{}" },
        { "post", "{}" },
        { "post", "{\"mailbox\":\"office\"}" },
    };
    size_t choice = rng_below(&company->plan_rng, ARRAY_LEN(choices));
    company->orders[company->ordered++] = (struct company_order){ .product = choices[choice].product,
                                                                  .options = choices[choice].options,
                                                                  .due_ms = company->now_ms };
}

static void send_orders(struct company *company)
{
    for (unsigned i = 0; i < company->ordered; i++) {
        if (company->orders[i].due_ms <= company->now_ms)
            send_order(company, i);
    }
}

/* ---- people ----------------------------------------------------------------------------------------------------------- */

static void answered(struct request *request, void *context)
{
    struct company *company = context;
    company->answered++;
    request_destroy(request);
}

static void post_node_state(struct company *company, size_t node, enum node_state state,
                            void (*done)(struct request *request, void *context))
{
    struct request *request = request_create(REQUEST_NODE_SET);
    request->target_id = (int64_t)node + 1;
    request->node.state = state;
    company_post(company, request, done, company);
}

/** At the end every node must take part again. */
static void freed(struct request *request, void *context)
{
    struct company *company = context;
    if (!request->ok && company->engine != NULL)
        post_node_state(company, (size_t)request->target_id - 1, NODE_ACTIVE, freed);
    answered(request, context);
}

static struct request *of_service(const struct company_order *order, enum request_kind kind)
{
    struct request *request = request_create(kind);
    request->target_id = order->service_id;
    return request;
}

static void post_redeploy(struct company *company, const struct company_order *order)
{
    struct request *request = of_service(order, REQUEST_OPERATION);
    request->operation = OPERATION_REDEPLOY;
    company_post(company, request, answered, company);
}

/** Staff reset, look, set new passwords, cancel and give up; most of it is refused, as it should be. Where tickets are counted they do not: a verify that
 * fails has one, and its service is live. */
static void operate(struct company *company)
{
    static const enum operation_kind kinds[] = { OPERATION_REDEPLOY, OPERATION_VERIFY, OPERATION_PLAN };
    struct rng *rng = &company->plan_rng;
    struct request *request;
    if (company->ordered == 0)
        return;
    const struct company_order *order = &company->orders[rng_below(rng, company->ordered)];
    switch (rng_below(rng, 5)) {
    case 0: request = of_service(order, REQUEST_CANCEL); break;
    case 1:
        request = request_create(REQUEST_TASK_FAIL);
        request->target_id = 1 + (int64_t)rng_below(rng, 20 * company->options.orders);
        break;
    case 2: request = of_service(order, REQUEST_SERVICE_RETRY); break;
    case 3:
        request = of_service(order, REQUEST_OPERATION);
        request->operation = OPERATION_PASSWORD;
        break;
    default:
        request = of_service(order, REQUEST_OPERATION);
        request->operation = kinds[rng_below(rng, ARRAY_LEN(kinds))];
        break;
    }
    company_post(company, request, answered, company);
}

static void do_something(struct company *company)
{
    static const enum node_state states[] = { NODE_ACTIVE, NODE_DRAINING, NODE_PAUSED, NODE_ACTIVE };
    struct rng *rng = &company->plan_rng;
    size_t node = rng_below(rng, company_node_count(company));
    struct request *request;
    switch (rng_below(rng, 4)) {
    case 0: post_node_state(company, node, states[rng_below(rng, ARRAY_LEN(states))], answered); return;
    case 1:
        request = request_create(REQUEST_NODE_TEST);
        request->target_id = (int64_t)node + 1;
        company_post(company, request, answered, company);
        return;
    case 2:
        request = request_create(REQUEST_TASK_RETRY);
        request->target_id = 1 + (int64_t)rng_below(rng, 20 * company->options.orders);
        company_post(company, request, answered, company);
        return;
    default:
        if (company->ordered > 0)
            company->orders[rng_below(rng, company->ordered)].due_ms = company->now_ms;
        return;
    }
}

/** Retry by hand whatever has failed for good: somebody has read why, and sees that it is right now. What was cancelled is deployed
 * again. */
static void mend(struct company *company, struct company_order *order, const struct service *service)
{
    struct task *tasks = NULL;
    size_t count = 0;
    struct err err = { 0 };
    order->mends++;
    order->mend_at_ms = company->now_ms + MEND_AGAIN_MS;
    company_must(store_list_tasks(company->store, service->operation_id, &tasks, &count, &err), &err, "tasks");
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].state != TASK_FAILED)
            continue;
        failed++;
        struct request *request = request_create(REQUEST_TASK_RETRY);
        request->target_id = tasks[i].id;
        company_post(company, request, answered, company);
    }
    tasks_free(tasks, count);
    if (failed == 0)
        post_redeploy(company, order);
}

/** @return whether it has ended, also for the person who sees to what the panel has refused */
static bool has_ended(struct company *company, struct company_order *order)
{
    struct service service;
    if (order->service_id == 0 || !company_find_service(company, order->service_id, &service))
        return false;
    bool failed = service.status == SERVICE_FAILED;
    bool hopes = failed && (company->options.refusals || company->options.operations) && order->mends < MENDS_MAX;
    if (hopes && company->calm_since_ms != 0 && order->mend_at_ms <= company->now_ms)
        mend(company, order, &service);
    bool live = service.status == SERVICE_LIVE;
    service_finish(&service);
    return live || (failed && !hopes);
}

static bool all_ended(struct company *company)
{
    bool ended = true;
    for (unsigned i = 0; i < company->ordered; i++)
        ended = has_ended(company, &company->orders[i]) && ended;
    return ended && company->asked == company->answered;
}

/* ---- what goes wrong ----------------------------------------------------------------------------------------------------- */

static void set_faults(struct company *company, bool on)
{
    struct transport_sim_faults faults = { 0 };
    struct rng *rng = &company->plan_rng;
    if (on) {
        unsigned worst = (unsigned)rng_below(rng, 6); /* some companies have quiet days, some do not */
        faults = (struct transport_sim_faults){ .refuse = (unsigned)rng_below(rng, worst * 3 + 1),
                                                .cut_before = (unsigned)rng_below(rng, worst + 1),
                                                .cut_late = (unsigned)rng_below(rng, worst + 1),
                                                .cut_during = (unsigned)rng_below(rng, worst + 1),
                                                .cut_after = (unsigned)rng_below(rng, worst + 1),
                                                .silent = (unsigned)rng_below(rng, worst + 1),
                                                .slow = (unsigned)rng_below(rng, worst + 1),
                                                .reboot = (unsigned)rng_below(rng, worst + 1),
                                                .down = (unsigned)rng_below(rng, worst + 1),
                                                .disk_full = (unsigned)rng_below(rng, worst + 1),
                                                .panel_fails = (unsigned)rng_below(rng, worst + 1),
                                                .probe_silent = (unsigned)rng_below(rng, worst * 2 + 1) };
    }
    if (company->options.refusals)
        memcpy(faults.panel_exits, (const int[]){ 9, 13, 15, 20 }, 4 * sizeof(int)); /* 9: it refuses the password */
    transport_sim_set_faults(company->nodes, &faults);
    if (company->options.store_faults)
        company_store_random_faults(company, on);
}

/** What befalls a whole node, for a while. */
static void befall_node(struct company *company)
{
    struct rng *rng = &company->plan_rng;
    const char *address = company_node_seeds[rng_below(rng, company_node_count(company))].address;
    switch (rng_below(rng, 4)) {
    case 0: transport_sim_lock(company->nodes, address, rng_range(rng, 100, 20000)); return;
    case 1: transport_sim_fill_disk(company->nodes, address, rng_range(rng, 1000, 60000)); return;
    case 2: transport_sim_reboot(company->nodes, address, rng_range(rng, 1000, 60000)); return;
    default: transport_sim_cut(company->nodes, address); return;
    }
}

/** At the next commit: some of what it decided is sent, or nothing. */
static void die_at_commit(struct company *company)
{
    company_link_die_after(company->link, (unsigned)rng_below(&company->plan_rng, 3));
    company_store_kill(company);
}

static void befall_daemon(struct company *company)
{
    switch (rng_below(&company->plan_rng, 4)) {
    case 0: company_restart(company, true); return;
    case 1: company_restart(company, false); return;
    default: company_at_commit(company, 1 + (unsigned)rng_below(&company->plan_rng, 5), die_at_commit); return;
    }
}

/** Once in `rarity` steps. */
static bool happens(struct company *company, bool wanted, unsigned rarity)
{
    return wanted && rng_below(&company->plan_rng, rarity) == 0;
}

static void befall(struct company *company)
{
    const struct company_options *options = &company->options;
    if (happens(company, true, 100))
        befall_node(company);
    if (happens(company, options->kills, 100))
        befall_daemon(company);
    if (happens(company, options->clock_jumps, 150))
        company_set_clock(company, rng_range(&company->plan_rng, -CLOCK_WRONG_MS, CLOCK_WRONG_MS));
    if (happens(company, options->rivals, 150))
        company_rival_arrives(company);
    if (happens(company, options->rivals, 150))
        company_rival_arrives_at_commit(company);
    if (happens(company, options->admin, 40))
        do_something(company);
    if (happens(company, options->operations, 40))
        operate(company);
}

static void calm_down(struct company *company)
{
    company->calm_since_ms = company->now_ms;
    set_faults(company, false);
    company_at_commit(company, 0, NULL);
    company_set_clock(company, 0);
    for (size_t i = 0; company->options.admin && i < company_node_count(company); i++)
        post_node_state(company, i, NODE_ACTIVE, freed);
}

static int64_t next_order_ms(const struct company *company, int64_t next_new_ms)
{
    int64_t next_ms = company->ordered < company->options.orders ? next_new_ms : INT64_MAX;
    for (unsigned i = 0; i < company->ordered; i++) {
        if (company->orders[i].due_ms < next_ms)
            next_ms = company->orders[i].due_ms;
    }
    return next_ms;
}

/** A person's orders come one after the other, and are sent again when they must be. */
static void order_some(struct company *company, int64_t *next_new_ms)
{
    const struct company_options *options = &company->options;
    int64_t pause_ms = options->lasts ? 2 * options->faults_ms / options->orders : ORDER_PAUSE_MS;
    while (company->ordered < options->orders && *next_new_ms <= company->now_ms) {
        choose_order(company);
        *next_new_ms += rng_range(&company->plan_rng, 0, pause_ms);
    }
    send_orders(company);
}

/** @return whether the company has come to its end */
static bool look_around(struct company *company)
{
    bool people_rest = company->calm_since_ms != 0 || !(company->options.admin || company->options.lasts);
    company_watch_progress(company);
    return all_ended(company) && people_rest && company->ordered == company->options.orders;
}

static void go_on(struct company *company, int64_t next_new_ms, int64_t faults_end_ms)
{
    int64_t next_ms = company_next_ms(company), order_ms = next_order_ms(company, next_new_ms);
    next_ms = order_ms < next_ms ? order_ms : next_ms;
    if (company->calm_since_ms == 0 && faults_end_ms < next_ms)
        next_ms = faults_end_ms;
    if (next_ms > company->now_ms)
        company->now_ms = next_ms;
}

static void begin_counting(struct company *company)
{
    struct engine_figures figures;
    engine_get_figures(company->engine, &figures);
    company->commits_before = figures.commits;
    company_store_count(company);
}

void company_run(struct company *company)
{
    int64_t next_new_ms = company->now_ms;
    int64_t faults_end_ms = company->now_ms + (company->options.faults ? company->options.faults_ms : 0);
    begin_counting(company);
    set_faults(company, company->options.faults);
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        order_some(company, &next_new_ms);
        if (company->calm_since_ms == 0 && company->now_ms >= faults_end_ms)
            calm_down(company);
        company_step(company);
        company_watch(company);
        if (company->calm_since_ms == 0)
            befall(company);
        if (i % LOOK_EVERY == 0 && look_around(company))
            break;
        company->is_late = company->calm_since_ms != 0 && company->now_ms > company->calm_since_ms + ENDS_WITHIN_MS;
        if (company->is_late)
            break;
        go_on(company, next_new_ms, faults_end_ms);
    }
    if (company->calm_since_ms == 0)
        calm_down(company);
}

/* ---- what happened ------------------------------------------------------------------------------------------------------ */

static void each_event(struct company *company, void (*visit)(void *context, const struct event *event), void *context)
{
    for (unsigned i = 0; i < company->ordered; i++) {
        struct event *events = NULL;
        size_t count = 0;
        struct err err = { 0 };
        company_must(
            store_list_events(company->store, company->orders[i].service_id, 0, 1000000, &events, &count, &err), &err,
            "events");
        for (size_t k = 0; k < count; k++)
            visit(context, &events[k]);
        events_free(events, count);
    }
}

static void hash_event(void *context, const struct event *event)
{
    uint64_t *hash = context;
    char moment[64];
    snprintf(moment, sizeof(moment), "%" PRId64 " %" PRId64 " ", event->service_id, event->at_ms);
    const char *texts[] = { moment, event->kind, event->data };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (const char *at = texts[i]; *at != '\0'; at++)
            *hash = (*hash ^ (unsigned char)*at) * 0x100000001b3U;
    }
}

static void print_event(void *context, const struct event *event)
{
    (void)context;
    printf("[%8" PRId64 "] service %" PRId64 " %s %s\n", event->at_ms - COMPANY_START_MS, event->service_id,
           event->kind, event->data);
}

void company_print_trace(struct company *company)
{
    each_event(company, print_event, NULL);
}

void company_get_figures(struct company *company, struct company_figures *ret_figures)
{
    struct engine_figures figures;
    engine_get_figures(company->engine, &figures);
    *ret_figures =
        (struct company_figures){ .kills = company->kills,
                                  .take_overs = company->take_overs,
                                  .calm_ms = company->now_ms - company->calm_since_ms,
                                  .commits = (unsigned)(company->commits + figures.commits - company->commits_before),
                                  .store_failures = (unsigned)(company->commit_failures + figures.commit_failures),
                                  .virtual_ms = company->now_ms - COMPANY_START_MS,
                                  .trace_hash = 0xcbf29ce484222325U };
    for (unsigned i = 0; i < company->ordered; i++) {
        struct service service;
        if (company->orders[i].service_id == 0)
            continue;
        company_get_service(company, company->orders[i].service_id, &service);
        ret_figures->live += service.status == SERVICE_LIVE;
        ret_figures->failed += service.status == SERVICE_FAILED;
        ret_figures->waiting += service.status == SERVICE_WAITING;
        service_finish(&service);
    }
    each_event(company, hash_event, &ret_figures->trace_hash);
}

void company_figures_add(struct company_figures *sum, const struct company_figures *one)
{
    sum->live += one->live;
    sum->failed += one->failed;
    sum->waiting += one->waiting;
    sum->kills += one->kills;
    sum->take_overs += one->take_overs;
    sum->commits += one->commits;
    sum->store_failures += one->store_failures;
    sum->virtual_ms += one->virtual_ms;
    sum->calm_ms = one->calm_ms > sum->calm_ms ? one->calm_ms : sum->calm_ms;
    sum->trace_hash = one->trace_hash;
}
