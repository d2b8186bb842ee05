/* deploy.c - see deploy.h. */
#include "deploy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN "acme.example"
#define ATTEMPTS_MAX 200
#define RESULTS_MAX 64

static const struct {
    const char *address, *public_ip, *hostname;
    enum panel_role role;
} places[NODE_COUNT + 1] = {
    [WEB] = { "10.0.0.11", "192.0.2.11", "web1.example.net", PANEL_ROLE_WEB },
    [MAIL] = { "10.0.0.21", "192.0.2.21", "mail1.example.net", PANEL_ROLE_MAIL },
    [NS1] = { "10.0.0.31", "192.0.2.31", "ns1.example.net", PANEL_ROLE_DNS },
    [NS2] = { "10.0.0.32", "192.0.2.32", "ns2.example.net", PANEL_ROLE_DNS },
};

const char *world_address(int node)
{
    return places[node].address;
}

/* ---- time and events ---------------------------------------------------------------------------------------------- */

static int64_t world_now_ms(struct clock *clock)
{
    return CONTAINER_OF(clock, struct world, clock)->now_ms;
}

void world_open(struct world *world, uint64_t seed, const struct transport_sim_faults *faults, bool is_sudo)
{
    *world = (struct world){ .clock = { world_now_ms, world_now_ms }, .now_ms = WORLD_START_MS, .is_sudo = is_sudo };
    rng_init_seed(&world->rng, seed);
    struct transport_sim_config config = { .clock = &world->clock, .rng = &world->rng };
    if (faults != NULL)
        config.faults = *faults;
    world->transport = transport_sim_create(&config);
    for (int i = WEB; i <= NODE_COUNT; i++)
        transport_sim_add_node(world->transport, places[i].role, places[i].address, places[i].public_ip,
                               places[i].hostname, "pace=recorded\n");
    for (int i = WEB; i <= NODE_COUNT; i++) {
        struct transport_node node = { .id = i,
                                       .name = places[i].hostname,
                                       .address = places[i].address,
                                       .port = 22,
                                       .user = is_sudo ? "berth" : "root",
                                       .sudo = is_sudo };
        world->transport->ops->set_node(world->transport, &node);
    }
}

void world_close(struct world *world)
{
    world->transport->ops->destroy(world->transport);
    buf_finish(&world->trace);
}

uint64_t world_start(struct world *world, int node, struct command *command)
{
    uint64_t id = ++world->next_id;
    command->id = id;
    command->node_id = node;
    if (command->deadline_ms == 0)
        command->deadline_ms = 120000;
    world->transport->ops->start(world->transport, command);
    return id;
}

static void trace(struct world *world, const struct transport_event *event)
{
    static const char *const kinds[] = { "started", "output", "result", "up", "down" };
    buf_addf(&world->trace, "[%" PRId64 "] %s node %" PRId64 " command %" PRIu64, event->at_ms - WORLD_START_MS,
             kinds[event->kind], event->node_id, event->command_id);
    for (size_t i = 0; i < event->result_count; i++) {
        buf_addf(&world->trace, " %s", outcome_name(event->results[i].outcome));
        for (size_t k = 0; k < event->results[i].segment_count; k++) {
            if (event->results[i].segments[k].ran)
                buf_addf(&world->trace, " %d", event->results[i].segments[k].exit_code);
        }
    }
    buf_add_char(&world->trace, '\n');
}

bool world_event(struct world *world, int64_t until_ms, struct transport_event *ret_event)
{
    for (;;) {
        if (world->transport->ops->poll(world->transport, ret_event, 1) == 1) {
            trace(world, ret_event);
            return true;
        }
        int64_t due_ms = transport_sim_next_due_ms(world->transport);
        if (due_ms > until_ms)
            return false;
        world->now_ms = due_ms > world->now_ms ? due_ms : world->now_ms;
    }
}

struct transport_event world_result(struct world *world, uint64_t id)
{
    struct transport_event event;
    while (world_event(world, INT64_MAX - 1, &event)) {
        if (event.kind == TRANSPORT_RESULT && event.command_id == id)
            return event;
        transport_event_finish(&event);
    }
    assert(!"the command has no result, and nothing more happens");
    return event;
}

void world_pass(struct world *world, int64_t ms)
{
    struct transport_event event;
    int64_t until_ms = world->now_ms + ms;
    while (world_event(world, until_ms, &event))
        transport_event_finish(&event);
    world->now_ms = until_ms;
}

/* ---- steps -------------------------------------------------------------------------------------------------------- */

#define RECORDS_MAX 16

static size_t fill_zone(const struct world *world, struct zone_record *records)
{
    static const struct zone_record fixed[] = {
        { "@", "NS", 0, "ns1.example.net" },
        { "@", "NS", 0, "ns2.example.net" },
        { "@", "A", 0, "192.0.2.11" },
        { "www", "CNAME", 0, DOMAIN },
        { "ftp", "CNAME", 0, DOMAIN },
        { "@", "CAA", 0, "0 issue \"letsencrypt.org\"" },
        { "mail", "A", 0, "192.0.2.21" },
        { "@", "MX", 10, "mail." DOMAIN },
        { "@", "TXT", 0, "v=spf1 a mx ip4:192.0.2.21 -all" },
        { "_dmarc", "TXT", 0, "v=DMARC1; p=quarantine" },
    };
    memcpy(records, fixed, sizeof(fixed));
    records[ARRAY_LEN(fixed)] = (struct zone_record){ "mail._domainkey", "TXT", 0, world->dkim };
    return ARRAY_LEN(fixed) + (world->dkim[0] != '\0');
}

static const struct name_server name_servers[] = {
    { "ns1.example.net", "192.0.2.31", 53 },
    { "ns2.example.net", "192.0.2.32", 53 },
};

static struct step make_step(const struct world *world, const char *action, int node, struct zone_record *records)
{
    bool dns = node >= NS1, mail = node == MAIL;
    return (struct step){
        .action = action,
        .installation = "0a1b2c",
        .service_id = 7,
        .domain = DOMAIN,
        .user = "acme",
        .package = "b0a1b2c-0000000007-x",
        .contact_name = "Acme",
        .contact_email = "info@acme.test",
        .password = "Correct-h0rse",
        .sudo = world->is_sudo,
        .now_ms = world->now_ms,
        .node_name = places[node].hostname,
        .node_hostname = places[node].hostname,
        .node_ip4 = places[node].public_ip,
        .node_ip6 = "",
        .limits = { .disk_mb = 1000,
                    .bandwidth_mb = -1,
                    .web_domains = dns || mail ? 0 : 1,
                    .web_aliases = 5,
                    .mail_domains = mail,
                    .mail_accounts = mail ? 10 : 0,
                    .mail_rate_per_hour = 200,
                    .dns_domains = dns,
                    .dns_records = dns ? 50 : 0,
                    .php = "8.2" },
        .zone = { .records = records,
                  .record_count = fill_zone(world, records),
                  .soa = "ns1.example.net",
                  .ip = "192.0.2.11",
                  .ttl = 14400,
                  .serial = 2026112301 },
        .mailbox = "info",
        .mailbox_quota_mb = 500,
        .probe_address = places[node].public_ip,
        .probe_http_port = 80,
        .probe_imap_port = 143,
        .name_servers = name_servers,
        .name_server_count = ARRAY_LEN(name_servers),
    };
}

/* What an attempt came to besides its verdict. */
enum attempt_end { ATTEMPT_VERDICT, ATTEMPT_AGAIN, ATTEMPT_SUSPECT };

struct attempt {
    int64_t fence;
    int node;
    struct command_result results[RESULTS_MAX];
    size_t count;
};

static void attempt_finish(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->count; i++)
        command_result_finish(&attempt->results[i]);
}

/* The last result of an event that holds those of the whole attempt or only the last; the others are known already. */
static enum attempt_end take_result(struct attempt *attempt, struct transport_event *event)
{
    struct command_result *last = &event->results[event->result_count - 1];
    enum attempt_end end = ATTEMPT_AGAIN;
    switch (last->outcome) {
    case OUTCOME_ENDED:
        assert(attempt->count < RESULTS_MAX);
        attempt->results[attempt->count++] = *last;
        *last = (struct command_result){ 0 };
        end = ATTEMPT_VERDICT;
        break;
    case OUTCOME_LOST:
    case OUTCOME_KILLED: end = ATTEMPT_SUSPECT; break;
    case OUTCOME_NOT_STARTED:
    case OUTCOME_UNKNOWN:
    case OUTCOME_BUSY:
    case OUTCOME_FENCED: break;
    }
    transport_event_finish(event);
    return end;
}

/* A changing command whose outcome is unknown: ask the node until it says. */
static enum attempt_end pick_up(struct world *world, struct attempt *attempt)
{
    for (;;) {
        struct command *command = command_create();
        command->lane = LANE_MAKE;
        command->fence = attempt->fence;
        command->pick_up = true;
        struct transport_event event = world_result(world, world_start(world, attempt->node, command));
        const struct command_result *last = &event.results[event.result_count - 1];
        bool unreachable =
            last->outcome == OUTCOME_UNKNOWN || (last->outcome == OUTCOME_NOT_STARTED && last->fault != FAULT_NONE);
        bool never_began = last->outcome == OUTCOME_NOT_STARTED || event.result_count <= attempt->count;
        if (!unreachable && !never_began)
            return take_result(attempt, &event);
        transport_event_finish(&event);
        if (!unreachable)
            return ATTEMPT_AGAIN;
        world_pass(world, 1000);
    }
}

static enum attempt_end run_attempt(struct world *world, const struct driver *driver,
                                    const struct driver_action *action, const struct step *step,
                                    struct attempt *attempt, struct move *ret_move)
{
    for (;;) {
        driver->next(step, attempt->results, attempt->count, ret_move);
        if (ret_move->verdict != VERDICT_NONE)
            return ATTEMPT_VERDICT;
        struct command *command = ret_move->command;
        ret_move->command = NULL;
        command->lane = action->lane;
        command->fence = attempt->fence;
        command->number = (unsigned)attempt->count;
        command->deadline_ms = action->deadline_ms;
        command->node_limit_ms = action->node_limit_ms;
        uint64_t id = world_start(world, action->lane == LANE_PROBE ? 0 : attempt->node, command);
        struct transport_event event = world_result(world, id);
        bool unknown = event.results[0].outcome == OUTCOME_UNKNOWN;
        enum attempt_end end = take_result(attempt, &event);
        if (unknown && action->lane == LANE_MAKE)
            end = pick_up(world, attempt);
        if (end != ATTEMPT_VERDICT)
            return end;
    }
}

bool world_step(struct world *world, const char *action_name, int node, struct move *ret_move)
{
    const struct driver_action *action;
    const struct driver *driver =
        driver_find(strncmp(action_name, "verify.", 7) == 0 ? "verify" : "hestia", action_name, &action);
    struct zone_record records[RECORDS_MAX];
    struct step step = make_step(world, action_name, node, records);
    assert(driver != NULL);
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        struct attempt attempt = { .fence = ++world->fence, .node = node };
        step.now_ms = world->now_ms;
        enum attempt_end end = run_attempt(world, driver, action, &step, &attempt, ret_move);
        /* What an attempt has begun and not ended well may be listed by the panel without being in effect: a zone whose rebuild
         * failed reads as wanted and is not served. So the next attempt rebuilds what it finds. */
        bool begun = action->lane == LANE_MAKE && attempt.count > 0;
        attempt_finish(&attempt);
        world->attempts++;
        buf_addf(&world->trace, "%s on %d: %s\n", action_name, node,
                 end == ATTEMPT_VERDICT   ? ret_move->verdict == VERDICT_DONE ? ret_move->note : ret_move->detail
                 : end == ATTEMPT_SUSPECT ? "lost"
                                          : "again");
        bool over =
            end == ATTEMPT_VERDICT && ret_move->verdict != VERDICT_RETRY && ret_move->verdict != VERDICT_RESTART;
        if (over)
            return ret_move->verdict == VERDICT_DONE;
        step.suspect = step.suspect || begun || end == ATTEMPT_SUSPECT;
        move_finish(ret_move);
        world_pass(world, 2000);
    }
    *ret_move = (struct move){ .verdict = VERDICT_RETRY };
    snprintf(ret_move->detail, sizeof(ret_move->detail), "no end after %d attempts", ATTEMPTS_MAX);
    return false;
}

/* ---- the pipeline ------------------------------------------------------------------------------------------------- */

static void keep_dkim(struct world *world, const struct move *move)
{
    for (size_t i = 0; i < move->fact_count; i++) {
        if (strstr(move->facts[i].key, "dkim") != NULL)
            snprintf(world->dkim, sizeof(world->dkim), "%s", move->facts[i].value);
    }
}

bool world_deploy(struct world *world)
{
    static const struct {
        const char *action;
        int node;
    } steps[] = {
        { "web.package", WEB },   { "web.user", WEB },      { "web.domain", WEB },  { "web.settings", WEB },
        { "web.reload", WEB },    { "mail.package", MAIL }, { "mail.user", MAIL },  { "mail.domain", MAIL },
        { "mail.account", MAIL }, { "mail.dkim", MAIL },    { "dns.package", NS1 }, { "dns.package", NS2 },
        { "dns.user", NS1 },      { "dns.user", NS2 },      { "dns.zone", NS1 },    { "dns.zone", NS2 },
        { "verify.web", WEB },    { "verify.mail", MAIL },  { "verify.dns", NS1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct move move;
        bool done = world_step(world, steps[i].action, steps[i].node, &move);
        if (done)
            keep_dkim(world, &move);
        else
            snprintf(world->problem, sizeof(world->problem), "%s on %s: verdict %d, %s: %s", steps[i].action,
                     places[steps[i].node].hostname, move.verdict, move.cause != NULL ? move.cause->id : "-",
                     move.detail);
        world->verdict = move.verdict;
        move_finish(&move);
        if (!done)
            return false;
    }
    return true;
}

void world_dump(struct world *world, struct buf *ret_text)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    transport_sim_dump(world->transport, false, &text);
    for (const char *at = buf_text(&text); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        const char *key = strstr(at, "mail._domainkey TXT"); /* the key is another one in each run */
        size_t shown = key != NULL && key < at + length ? (size_t)(key - at) + strlen("mail._domainkey TXT") : length;
        buf_add(ret_text, at, shown);
        buf_add_char(ret_text, '\n');
        at += length + (at[length] == '\n');
    }
}
