/* company.c - builds a company, starts and kills its daemon, and lets its time pass. See company_internal.h. */
#include "company_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "transport/sim_node.h"

#define ALL_ROLES (ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL) | ROLE_BIT(ROLE_DNS))

const struct node_seed company_node_seeds[COMPANY_NODES] = {
    { "web1", "192.0.2.11", "web1.example.net", ROLE_BIT(ROLE_WEB), PANEL_ROLE_WEB },
    { "web2", "192.0.2.12", "web2.example.net", ROLE_BIT(ROLE_WEB), PANEL_ROLE_WEB },
    { "mail1", "192.0.2.21", "mail1.example.net", ROLE_BIT(ROLE_MAIL), PANEL_ROLE_MAIL },
    { "ns1", "192.0.2.31", "ns1.example.net", ROLE_BIT(ROLE_DNS), PANEL_ROLE_DNS },
    { "ns2", "192.0.2.32", "ns2.example.net", ROLE_BIT(ROLE_DNS), PANEL_ROLE_DNS },
    { "all1", "192.0.2.41", "all1.example.net", ALL_ROLES, PANEL_ROLE_FULL },
};

void company_must(bool good, const struct err *err, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "simulator: %s: %s\n", what, err->msg);
    abort();
}

static int64_t worker_now_ms(struct clock *clock)
{
    struct company *company = CONTAINER_OF(clock, struct company, clock);
    return clock_steady_ms(&company->lead_ms, company->now_ms + company->wall_ahead_ms, company->now_ms);
}

static int64_t worker_boot_ms(struct clock *clock)
{
    const struct company *company = CONTAINER_OF(clock, struct company, clock);
    return company->now_ms - company->boot_lost_ms;
}

static int64_t world_now_ms(struct clock *clock)
{
    return CONTAINER_OF(clock, struct company, world_clock)->now_ms;
}

const struct node_seed *company_seed_of(const char *name)
{
    for (size_t i = 0; i < COMPANY_NODES; i++) {
        if (strcmp(company_node_seeds[i].name, name) == 0)
            return &company_node_seeds[i];
    }
    fprintf(stderr, "simulator: there is no node %s\n", name);
    abort();
}

size_t company_node_count(const struct company *company)
{
    return company->options.bare ? 0 : company->options.mixed ? COMPANY_NODES : COMPANY_NODES_USUAL;
}

/* ---- building it -------------------------------------------------------------------------------------------------- */

void company_start_engine(struct company *company)
{
    struct err err = { 0 };
    company->link = company_link_create(company->nodes, ++company->workers);
    company->lead_ms = INT64_MIN;
    company->watched_commits = 0;
    struct transport *link = company_link_transport(company->link);
    struct transport *transport = company->options.transport;
    struct engine_config config = {
        .store = company->store,
        .clock = &company->clock,
        .rng = &company->rng,
        .inbox = company->inbox,
        .nodes = transport == NULL ? link : transport,
        .probes = transport == NULL ? link : transport,
        .notifier = company->options.notifier,
        .base_url = "https://berth.example.net",
        .keyring = company->keyring,
        .installation = company->installation,
        .split = company->split,
        .lease_ms = COMPANY_LEASE_MS,
        .lease_renew_ms = 5000,
        .probes_max = 8,
        .committed = company->options.committed,
        .committed_context = company->options.committed_context,
    };
    company_must(engine_create(&config, &company->engine, &err), &err, "engine");
}

static void name_group(struct request *request)
{
    request->group_names = xcalloc(1, sizeof(char *));
    request->group_names[0] = xstrdup("eu");
    request->group_name_count = 1;
}

struct request *company_node_request(const struct company *company, const struct node_seed *seed, int64_t capacity_max)
{
    struct request *request = request_create(REQUEST_NODE_ADD);
    name_group(request);
    request->node = (struct node){ .name = xstrdup(seed->name),
                                   .driver = xstrdup("hestia"),
                                   .roles = seed->roles,
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
                                   .capacity_max = capacity_max,
                                   .state_reason = xstrdup("") };
    return request;
}

static void set_up(struct company *company, struct request *request)
{
    request = company_ask(company, request);
    company_must(request->ok, &request->err, "set-up");
    request_destroy(request);
}

static void add_product(struct company *company, const char *name, const char *spec)
{
    struct request *request = request_create(REQUEST_PRODUCT_ADD);
    name_group(request);
    request->product =
        (struct product){ .name = xstrdup(name), .title = xstrdup(name), .mode = MODE_SPLIT, .spec = xstrdup(spec) };
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
    add_product(company, "start", "{\"web\":{\"disk_mb\":1000},\"mail\":{\"mailbox\":\"info\"},\"dns\":{}}");
    add_product(company, "site", "{\"web\":{\"disk_mb\":500}}");
    add_product(company, "names", "{\"dns\":{}}");
    add_product(company, "post", "{\"mail\":{\"disk_mb\":100},\"dns\":{}}");
}

static void want_tickets(struct company *company)
{
    static const char *const pairs[][2] = {
        { "notify.webhook_url", "https://desk.example.net/" },
        { "notify.webhook_secret", "a-secret-of-the-desk-0123456789" },
        { "ticket.channel", "webhook" },
        { "ticket.enabled", "true" },
    };
    struct request *request = request_create(REQUEST_SETTING_SET);
    request->settings = xcalloc(ARRAY_LEN(pairs), sizeof(*request->settings));
    request->setting_count = ARRAY_LEN(pairs);
    request->who = xstrdup("simulator");
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        request->settings[i] = (struct setting_pair){ xstrdup(pairs[i][0]), xstrdup(pairs[i][1]) };
    set_up(company, request);
}

/** Somebody else's user on every node, with a site on web nodes: they must be there at the end as they were. */
static void add_strangers(struct company *company)
{
    static const char *const user[] = { "v-add-user", "stranger", "Stranger99x", "s@example.org" };
    static const char *const site[] = { "v-add-web-domain", "stranger", "stranger.example" };
    for (size_t i = 0; i < COMPANY_NODES; i++) {
        const struct node_seed *seed = &company_node_seeds[i];
        company_run_on(company, seed->name, user, ARRAY_LEN(user));
        if ((seed->roles & ROLE_BIT(ROLE_WEB)) != 0)
            company_run_on(company, seed->name, site, ARRAY_LEN(site));
    }
}

static void make_nodes(struct company *company)
{
    struct transport_sim_config sim = { .clock = &company->world_clock,
                                        .rng = &company->fault_rng,
                                        .world_seed = company->options.seed };
    CLEANUP(freep)
    char *pace = xasprintf("%s\n", company->options.pace == NULL ? "pace=recorded" : company->options.pace);
    company->nodes = transport_sim_create(&sim);
    for (size_t i = 0; i < COMPANY_NODES; i++) {
        const struct node_seed *seed = &company_node_seeds[i];
        transport_sim_add_node(company->nodes, seed->panel_role, seed->address, seed->address, seed->hostname, pace);
    }
    add_strangers(company);
    company->before = company_dump(company);
}

static void open_store(struct company *company)
{
    struct err err = { 0 };
    int64_t epoch = 0;
    const char *url = company->options.store_url;
    company_must(store_open(url == NULL ? "sqlite::memory:" : url, &company->store, &err), &err, "store");
    company_must(store_installation(company->store, &company->rng, company->installation, &err), &err, "installation");
    company_must(store_own(company->store, company->now_ms, COMPANY_LEASE_MS, &epoch, &err), &err, "owner");
    company_hook_store(company);
}

struct company *company_create(const struct company_options *options)
{
    struct err err = { 0 };
    struct company *company = xcalloc(1, sizeof(*company));
    company->options = *options;
    company->clock = (struct clock){ worker_now_ms, worker_boot_ms };
    company->world_clock = (struct clock){ world_now_ms, world_now_ms };
    company->lead_ms = INT64_MIN;
    company->now_ms = COMPANY_START_MS;
    company->log_fd = -1;
    if (options->watch_log) {
        company->log_fd = memfd_create("log", MFD_CLOEXEC);
        log_set_fd(company->log_fd);
    }
    rng_init_seed(&company->rng, options->seed);
    rng_init_seed(&company->plan_rng, options->seed ^ 0x5eed);
    rng_init_seed(&company->fault_rng, options->seed ^ 0xfa17);
    rng_init_seed(&company->store_rng, options->seed ^ 0xd15c);
    open_store(company);
    company->keyring = keyring_from_seed(options->seed);
    company_must(pipeline_load(BERTH_SOURCE_DIR "/pipelines/split.yaml", &company->split, &err), &err, "pipeline");
    company->inbox = inbox_create();
    make_nodes(company);
    company_start_engine(company);
    if (!options->resumed)
        add_catalogue(company);
    for (size_t i = 0; !options->resumed && i < company_node_count(company); i++)
        company_add_node(company, company_node_seeds[i].name, 0);
    if (options->tickets)
        want_tickets(company);
    return company;
}

void company_destroy(struct company *company)
{
    engine_destroy(company->engine);
    company->engine = NULL;
    company_link_destroy(company->link);
    company->nodes->ops->destroy(company->nodes);
    inbox_destroy(company->inbox);
    pipeline_destroy(company->split);
    keyring_destroy(company->keyring);
    company_unhook_store(company);
    store_disown(company->store);
    store_close(company->store);
    if (company->log_fd >= 0) {
        log_set_fd(-1);
        (void)close(company->log_fd);
    }
    free(company->before);
    free(company);
}

/* ---- its daemon ----------------------------------------------------------------------------------------------------- */

/** Sessions die with their process. */
void company_cut_sessions(struct company *company)
{
    for (size_t i = 0; i < COMPANY_NODES; i++)
        transport_sim_cut(company->nodes, company_node_seeds[i].address);
}

void company_keep_figures(struct company *company, const struct engine *engine)
{
    struct engine_figures figures;
    engine_get_figures(engine, &figures);
    company->commits += figures.commits;
    company->commit_failures += figures.commit_failures;
}

static void stop_engine(struct company *company)
{
    company_keep_figures(company, company->engine);
    company_store_arm(company, true);
    engine_destroy(company->engine);
    company->engine = NULL;
    company_store_arm(company, false);
    company_link_destroy(company->link);
    company_cut_sessions(company);
}

/** kill -9: what was in memory is gone, what was committed is there, nodes do not notice. */
static void start_again(struct company *company)
{
    company->kills++;
    stop_engine(company);
    company_store_revive(company);
    company->paused_until_ms = 0;
    company_start_engine(company);
}

void company_restart(struct company *company, bool is_clean)
{
    if (!is_clean) {
        company_store_kill(company);
        start_again(company);
        return;
    }
    stop_engine(company);
    company_start_engine(company);
}

/** A moment of the workers' clock, as the world counts. */
static int64_t world_ms(struct company *company, int64_t worker_ms)
{
    if (worker_ms == 0 || worker_ms == INT64_MAX)
        return worker_ms;
    return worker_ms - (worker_now_ms(&company->clock) - company->now_ms);
}

void company_step(struct company *company)
{
    struct err err = { 0 };
    struct engine *engine = company->engine;
    struct engine_figures before, after;
    engine_get_figures(engine, &before);
    company_store_arm(company, true);
    bool good = engine_step(engine, &err);
    company_store_arm(company, false);
    if (company->engine != engine) { /* it was stopped in the middle of the step, and another one has gone on */
        company_end_stale(company);
        return;
    }
    company_must(good, &err, "step");
    engine_get_figures(engine, &after);
    if (after.commit_failures > before.commit_failures)
        company->paused_until_ms = world_ms(company, engine_next_deadline_ms(engine));
    if (company_store_is_dead(company))
        start_again(company);
}

/* ---- its time --------------------------------------------------------------------------------------------------------- */

int64_t company_next_ms(struct company *company)
{
    if (company->paused_until_ms > company->now_ms) /* it waits for the disk and takes nothing meanwhile */
        return company->paused_until_ms;
    int64_t engine_ms = world_ms(company, engine_next_deadline_ms(company->engine));
    int64_t nodes_ms = transport_sim_next_due_ms(company->nodes);
    return engine_ms < nodes_ms ? engine_ms : nodes_ms;
}

/** One step; then the clock goes to the next moment of anything, at most to end_ms. */
static void live_on(struct company *company, int64_t end_ms)
{
    company_step(company);
    int64_t next_ms = company_next_ms(company);
    if (next_ms > company->now_ms)
        company->now_ms = next_ms < end_ms ? next_ms : end_ms;
}

void company_pass(struct company *company, int64_t ms)
{
    int64_t end_ms = company->now_ms + ms;
    while (company->now_ms < end_ms)
        live_on(company, end_ms);
    company_step(company);
}

bool company_until(struct company *company, int64_t service_id, enum service_status status, int64_t limit_ms)
{
    for (int64_t end_ms = company->now_ms + limit_ms;; live_on(company, end_ms)) {
        struct service service;
        company_get_service(company, service_id, &service);
        bool reached = service.status == status;
        service_finish(&service);
        if (reached || company->now_ms >= end_ms)
            return reached;
    }
}

bool company_until_task(struct company *company, int64_t service_id, const char *key, enum task_state state,
                        int64_t limit_ms)
{
    for (int64_t end_ms = company->now_ms + limit_ms;; live_on(company, end_ms)) {
        struct service service;
        company_get_service(company, service_id, &service);
        bool placed = service.operation_id != 0, reached = false;
        service_finish(&service);
        if (placed) {
            struct task task;
            company_get_task(company, service_id, key, &task);
            reached = task.state == state;
            task_finish(&task);
        }
        if (reached || company->now_ms >= end_ms)
            return reached;
    }
}

void company_jump(struct company *company, int64_t ms)
{
    company->now_ms += ms;
}

void company_set_clock(struct company *company, int64_t ahead_ms)
{
    company->wall_ahead_ms = ahead_ms;
}

int64_t company_now_ms(const struct company *company)
{
    return company->now_ms;
}

struct store *company_store(struct company *company)
{
    return company->store;
}

struct engine *company_engine(struct company *company)
{
    return company->engine;
}

struct inbox *company_inbox(struct company *company)
{
    return company->inbox;
}

struct transport *company_nodes(struct company *company)
{
    return company->nodes;
}
