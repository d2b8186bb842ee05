/* company.c - see company.h. */
#include "company.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/sim_node.h"

#define START_MS INT64_C(1800000000000)
#define NODE_COUNT 5
#define STEPS_MAX 4000000U

struct node_seed {
    const char *name, *address, *hostname;
    enum role role;
    enum panel_role panel_role;
};

static const struct node_seed node_seeds[NODE_COUNT] = {
    { "web1", "192.0.2.11", "web1.example.net", ROLE_WEB, PANEL_ROLE_WEB },
    { "web2", "192.0.2.12", "web2.example.net", ROLE_WEB, PANEL_ROLE_WEB },
    { "mail1", "192.0.2.21", "mail1.example.net", ROLE_MAIL, PANEL_ROLE_MAIL },
    { "ns1", "192.0.2.31", "ns1.example.net", ROLE_DNS, PANEL_ROLE_DNS },
    { "ns2", "192.0.2.32", "ns2.example.net", ROLE_DNS, PANEL_ROLE_DNS },
};

struct company {
    struct company_options options;
    struct clock clock;
    int64_t now_ms;
    struct rng rng;       /* the engine's */
    struct rng plan_rng;  /* orders and kills */
    struct rng fault_rng; /* the nodes' */
    struct store *store;
    struct keyring *keyring;
    struct pipeline *split;
    struct inbox *inbox;
    struct transport *nodes;
    struct engine *engine;
    char installation[7];
    char *before; /* what stood on the nodes before the first order */
    int64_t service_ids[COMPANY_SERVICES_MAX];
    unsigned accepted;
    unsigned kills;
    size_t commits;
};

static void must(bool good, const struct err *err, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "simulator: %s: %s\n", what, err->msg);
    abort();
}

static int64_t virtual_now_ms(struct clock *clock)
{
    return CONTAINER_OF(clock, struct company, clock)->now_ms;
}

/* ---- building it -------------------------------------------------------------------------------------------------- */

static void start_engine(struct company *company)
{
    struct err err = { 0 };
    struct engine_config config = {
        .store = company->store,
        .clock = &company->clock,
        .rng = &company->rng,
        .inbox = company->inbox,
        .nodes = company->nodes,
        .probes = company->nodes,
        .keyring = company->keyring,
        .installation = company->installation,
        .split = company->split,
        .retry = RETRY_POLICY_DEFAULT,
        .lease_ms = 15000,
        .lease_renew_ms = 5000,
        .looks_per_node = 2,
        .probes_max = 8,
    };
    must(engine_create(&config, &company->engine, &err), &err, "engine");
}

static void step(struct company *company)
{
    struct err err = { 0 };
    must(engine_step(company->engine, &err), &err, "step");
}

static void set_up_answered(struct request *request, void *context)
{
    (void)context;
    must(request->ok, &request->err, "set-up");
    request_destroy(request);
}

static void set_up(struct company *company, struct request *request)
{
    request->done = set_up_answered;
    inbox_post(company->inbox, request);
    step(company);
}

static void name_group(struct request *request)
{
    request->group_names = xcalloc(1, sizeof(char *));
    request->group_names[0] = xstrdup("eu");
    request->group_name_count = 1;
}

static void add_node(struct company *company, const struct node_seed *seed)
{
    struct request *request = request_create(REQUEST_NODE_ADD);
    name_group(request);
    request->node = (struct node){ .name = xstrdup(seed->name),
                                   .driver = xstrdup("hestia"),
                                   .roles = ROLE_BIT(seed->role),
                                   .ssh_address = xstrdup(seed->address),
                                   .ssh_port = 22,
                                   .ssh_user = xstrdup(company->options.sudo ? "berth" : "root"),
                                   .host_key = xstrdup("ssh-ed25519 AAAA"),
                                   .hostname = xstrdup(seed->hostname),
                                   .public_ip4 = xstrdup(seed->address),
                                   .public_ip6 = xstrdup(""),
                                   .probe_address = xstrdup(""),
                                   .probe_http_port = 80,
                                   .probe_imap_port = 143,
                                   .probe_dns_port = 53,
                                   .ns_name = xstrdup(""),
                                   .channels_max = 8,
                                   .state_reason = xstrdup("") };
    set_up(company, request);
}

static void add_catalogue(struct company *company)
{
    static const char template[] =
        "@ NS {ns1}\n@ NS {ns2}\n@ A {server_ip}\nwww CNAME {?server_ip}{domain}\n"
        "mail A {mail_server_ip}\n@ MX 10 {mail_server_hostname}\n@ TXT v=spf1 a mx -all\n"
        "mail._domainkey TXT {domainkey}\n";
    struct request *request = request_create(REQUEST_GROUP_ADD);
    request->group = (struct group){ .name = xstrdup("eu"), .title = xstrdup("Europe") };
    set_up(company, request);
    request = request_create(REQUEST_ZONE_TEMPLATE_PUT);
    request->template_name = xstrdup("default");
    request->template_text = xstrdup(template);
    set_up(company, request);
    request = request_create(REQUEST_PRODUCT_ADD);
    name_group(request);
    request->product =
        (struct product){ .name = xstrdup("start"),
                          .title = xstrdup("Start"),
                          .mode = MODE_SPLIT,
                          .spec = xstrdup("{\"web\":{\"disk_mb\":1000},\"mail\":{\"mailbox\":\"info\"},\"dns\":{}}") };
    set_up(company, request);
}

static void run_on(struct company *company, const struct node_seed *seed, const char *const *words, size_t count)
{
    struct buf out = BUF_INIT, err = BUF_INIT;
    char *argv[8] = { NULL };
    for (size_t i = 0; i < count; i++)
        argv[i] = xstrdup(words[i]);
    int code = panel_shell(transport_sim_memory(company->nodes, seed->address), (int)count, argv, NULL, &out, &err);
    if (code != 0) {
        fprintf(stderr, "simulator: %s on %s: exit %d %s\n", words[0], seed->name, code, buf_text(&out));
        abort();
    }
    for (size_t i = 0; i < count; i++)
        free(argv[i]);
    buf_finish(&out);
    buf_finish(&err);
}

/** Somebody else's user on every node, with a site on web nodes: they must be there at the end as they were. */
static void add_strangers(struct company *company)
{
    static const char *const user[] = { "/usr/local/hestia/bin/v-add-user", "stranger", "Stranger99x",
                                        "s@example.org" };
    static const char *const site[] = { "/usr/local/hestia/bin/v-add-web-domain", "stranger", "stranger.example" };
    for (size_t i = 0; i < NODE_COUNT; i++) {
        run_on(company, &node_seeds[i], user, ARRAY_LEN(user));
        if (node_seeds[i].role == ROLE_WEB)
            run_on(company, &node_seeds[i], site, ARRAY_LEN(site));
    }
}

struct company *company_create(const struct company_options *options)
{
    struct err err = { 0 };
    int64_t epoch = 0;
    struct company *company = xcalloc(1, sizeof(*company));
    company->options = *options;
    company->clock = (struct clock){ virtual_now_ms, virtual_now_ms };
    company->now_ms = START_MS;
    rng_init_seed(&company->rng, options->seed);
    rng_init_seed(&company->plan_rng, options->seed ^ 0x5eed);
    rng_init_seed(&company->fault_rng, options->seed ^ 0xfa17);
    must(store_open("sqlite::memory:", &company->store, &err), &err, "store");
    must(store_installation(company->store, &company->rng, company->installation, &err), &err, "installation");
    must(store_own(company->store, company->now_ms, 15000, &epoch, &err), &err, "owner");
    company->keyring = keyring_from_seed(options->seed);
    must(pipeline_load(BERTH_SOURCE_DIR "/pipelines/split.yaml", &company->split, &err), &err, "pipeline");
    company->inbox = inbox_create();
    struct transport_sim_config sim = { .clock = &company->clock, .rng = &company->fault_rng };
    company->nodes = transport_sim_create(&sim);
    for (size_t i = 0; i < NODE_COUNT; i++)
        transport_sim_add_node(company->nodes, node_seeds[i].panel_role, node_seeds[i].address, node_seeds[i].address,
                               node_seeds[i].hostname, "pace=recorded\n");
    add_strangers(company);
    struct buf before = BUF_INIT;
    transport_sim_dump(company->nodes, false, &before);
    company->before = buf_steal(&before);
    start_engine(company);
    add_catalogue(company);
    for (size_t i = 0; i < NODE_COUNT; i++)
        add_node(company, &node_seeds[i]);
    return company;
}

void company_destroy(struct company *company)
{
    engine_destroy(company->engine);
    company->nodes->ops->destroy(company->nodes);
    inbox_destroy(company->inbox);
    pipeline_destroy(company->split);
    keyring_destroy(company->keyring);
    store_disown(company->store);
    store_close(company->store);
    free(company->before);
    free(company);
}

/* ---- running it ----------------------------------------------------------------------------------------------------- */

static void order_answered(struct request *request, void *context)
{
    struct company *company = context;
    if (request->ok && !request->existing)
        company->service_ids[company->accepted++] = request->id;
    request_destroy(request);
}

static void place_order(struct company *company, unsigned number)
{
    static const char *const options[] = { "{}", "{\"mailbox\":null}", "{\"mailbox\":\"hello\"}", "{\"php\":\"8.2\"}" };
    struct request *request = request_create(REQUEST_ORDER);
    request->order.product = xstrdup("start");
    request->order.domain = xasprintf("site%u-%" PRIu64 ".example", number, company->options.seed % 1000);
    request->order.client_id = xasprintf("%u", number % 7);
    request->order.client_name = xstrdup("Ada Lovelace");
    request->order.client_email = xstrdup("ada@example.org");
    request->order.external_id = xasprintf("order-%u", number);
    request->order.idempotency_key = xstrdup("");
    request->order.options = xstrdup(options[rng_below(&company->plan_rng, ARRAY_LEN(options))]);
    request->done = order_answered;
    request->context = company;
    inbox_post(company->inbox, request);
}

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
                                                .panel_fails = (unsigned)rng_below(rng, worst + 1),
                                                .probe_silent = (unsigned)rng_below(rng, worst * 2 + 1) };
    }
    transport_sim_set_faults(company->nodes, &faults);
}

/** kill -9: what was in memory is gone, what was committed is there, nodes do not notice. */
static void kill_daemon(struct company *company)
{
    struct engine_figures figures;
    engine_get_figures(company->engine, &figures);
    company->commits += figures.commits;
    company->kills++;
    engine_destroy(company->engine);
    for (size_t i = 0; i < NODE_COUNT; i++) /* its sessions die with it */
        transport_sim_cut(company->nodes, node_seeds[i].address);
    start_engine(company);
}

static void read_service(struct company *company, int64_t id, struct service *ret_service)
{
    struct err err = { 0 };
    *ret_service = (struct service){ 0 };
    must(store_get_service(company->store, id, ret_service, &err), &err, "an accepted order is lost");
}

static bool all_ended(struct company *company)
{
    for (unsigned i = 0; i < company->accepted; i++) {
        struct service service;
        read_service(company, company->service_ids[i], &service);
        bool ended = service.status == SERVICE_LIVE || service.status == SERVICE_FAILED;
        service_finish(&service);
        if (!ended)
            return false;
    }
    return true;
}

static int64_t earlier(int64_t one_ms, int64_t other_ms)
{
    return one_ms < other_ms ? one_ms : other_ms;
}

void company_run(struct company *company, int64_t limit_ms)
{
    int64_t end_ms = company->now_ms + limit_ms, next_order_ms = company->now_ms;
    int64_t faults_end_ms = company->now_ms + (company->options.faults ? company->options.faults_ms : 0);
    unsigned ordered = 0;
    bool faulty = company->options.faults;
    set_faults(company, faulty);
    for (unsigned i = 0; i < STEPS_MAX && company->now_ms < end_ms; i++) {
        while (ordered < company->options.orders && next_order_ms <= company->now_ms) {
            place_order(company, ordered++);
            next_order_ms += rng_range(&company->plan_rng, 0, 20000);
        }
        if (faulty && company->now_ms >= faults_end_ms) {
            faulty = false;
            set_faults(company, false);
        }
        step(company);
        if (company->options.kills && faulty && rng_below(&company->plan_rng, 100) == 0)
            kill_daemon(company);
        if (ordered == company->options.orders && i % 16 == 0 && all_ended(company))
            break;
        int64_t next_ms = earlier(engine_next_deadline_ms(company->engine), transport_sim_next_due_ms(company->nodes));
        if (ordered < company->options.orders)
            next_ms = earlier(next_ms, next_order_ms);
        if (next_ms > company->now_ms)
            company->now_ms = earlier(next_ms, end_ms);
    }
}

/* ---- what must be true ------------------------------------------------------------------------------------------------ */

static unsigned complain(const struct company *company, const char *format, ...) PRINTF_LIKE(2, 3);

static unsigned complain(const struct company *company, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "seed %" PRIu64 ": ", company->options.seed);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

static unsigned check_services(struct company *company)
{
    unsigned breaches = 0;
    if (company->accepted != company->options.orders)
        breaches += complain(company, "%u orders, %u accepted", company->options.orders, company->accepted);
    for (unsigned i = 0; i < company->accepted; i++) {
        struct service service;
        read_service(company, company->service_ids[i], &service);
        /* As root everything heals once the faults have stopped; with sudo some repairs need a person, who is told. */
        bool told = company->options.sudo && service.status == SERVICE_FAILED && service.reason[0] != '\0' &&
                    service.reason_key[0] != '\0';
        if (service.status != SERVICE_LIVE && !told)
            breaches +=
                complain(company, "%s is %s: %s", service.domain, service_status_name(service.status), service.reason);
        service_finish(&service);
    }
    return breaches;
}

static unsigned count_lines(const char *text, const char *line)
{
    unsigned count = 0;
    size_t length = strlen(line);
    for (const char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, line, length) == 0 && (at[length] == '\n' || at[length] == '\0'))
            count++;
        at = strchr(at, '\n');
        if (at != NULL)
            at++;
    }
    return count;
}

/** No line stands twice on a node: nothing is built twice. */
static unsigned check_doubles(struct company *company)
{
    unsigned breaches = 0;
    for (size_t i = 0; i < NODE_COUNT; i++) {
        struct buf dump = BUF_INIT;
        sim_node_dump(transport_sim_memory(company->nodes, node_seeds[i].address), false, &dump);
        CLEANUP(freep) char *copy = xstrdup(buf_text(&dump));
        char *rest = NULL;
        for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
            if (count_lines(buf_text(&dump), line) != 1)
                breaches += complain(company, "%s has twice: %s", node_seeds[i].name, line);
        }
        buf_finish(&dump);
    }
    return breaches;
}

/** Every line that stood on the nodes before still stands there. */
static unsigned check_strangers(struct company *company)
{
    unsigned breaches = 0;
    struct buf after = BUF_INIT;
    transport_sim_dump(company->nodes, false, &after);
    CLEANUP(freep) char *copy = xstrdup(company->before);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (count_lines(buf_text(&after), line) < count_lines(company->before, line))
            breaches += complain(company, "somebody else's is gone: %s", line);
    }
    buf_finish(&after);
    return breaches;
}

unsigned company_check(struct company *company)
{
    return check_services(company) + check_doubles(company) + check_strangers(company);
}

/* ---- what happened ------------------------------------------------------------------------------------------------------ */

static void each_event(struct company *company, void (*visit)(void *context, const struct event *event), void *context)
{
    for (unsigned i = 0; i < company->accepted; i++) {
        size_t count = 100;
        for (int64_t after = 0; count == 100;) {
            struct event *events = NULL;
            struct err err = { 0 };
            must(store_list_events(company->store, company->service_ids[i], after, 100, &events, &count, &err), &err,
                 "events");
            for (size_t k = 0; k < count; k++)
                visit(context, &events[k]);
            if (count > 0)
                after = events[count - 1].seq;
            events_free(events, count);
        }
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
    printf("[%8" PRId64 "] service %" PRId64 " %s %s\n", event->at_ms - START_MS, event->service_id, event->kind,
           event->data);
}

void company_print_trace(struct company *company)
{
    each_event(company, print_event, NULL);
}

void company_get_figures(struct company *company, struct company_figures *ret_figures)
{
    struct engine_figures figures;
    engine_get_figures(company->engine, &figures);
    *ret_figures = (struct company_figures){ .kills = company->kills,
                                             .commits = (unsigned)(company->commits + figures.commits),
                                             .virtual_ms = company->now_ms - START_MS,
                                             .trace_hash = 0xcbf29ce484222325U };
    for (unsigned i = 0; i < company->accepted; i++) {
        struct service service;
        read_service(company, company->service_ids[i], &service);
        ret_figures->live += service.status == SERVICE_LIVE;
        ret_figures->failed += service.status == SERVICE_FAILED;
        ret_figures->waiting += service.status == SERVICE_WAITING;
        service_finish(&service);
    }
    each_event(company, hash_event, &ret_figures->trace_hash);
}
