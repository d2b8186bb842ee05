/* world.c - looks at what the world sees of live services: their name servers and the address of their site, as recursive resolvers
 * tell them (drivers/world.h). The first look comes a while after a service is live, then with pauses that grow, until every
 * resolver sees it all. Then the service is not looked at any more, and nothing of it is in the index that says what is due.
 *
 * Looks are no tasks: nobody waits for them, and one that is lost is made again, as nothing is written before it has ended. A few
 * are under way at once, in threads of their own, and they begin in batches without orders, some time apart. What they find are facts
 * of the service. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/resolvers.h"
#include "drivers/world.h"
#include "engine/internal.h"

#define START_PAUSE_MS 100 /* between two batches that start looks: with 4 at once up to 40 in a second */

/* ---- what is expected ----------------------------------------------------------------------------------------------- */

/** @param ret_wanted  its texts are the engine's nodes' and the service's: valid for this batch */
static bool load_wanted(struct engine *engine, const struct service *service, struct world_wanted *ret_wanted,
                        struct err *err)
{
    struct account *accounts = NULL;
    size_t count = 0;
    *ret_wanted = (struct world_wanted){ .domain = service->domain };
    if (!store_list_accounts(engine->config.store, service->id, &accounts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t index = engine_node_index(engine, accounts[i].node_id);
        if (index == SIZE_MAX)
            continue;
        const struct node *node = &engine->nodes[index];
        bool names = (accounts[i].roles & ROLE_BIT(ROLE_DNS)) != 0;
        if (names && ret_wanted->name_server_count < WORLD_NAME_SERVERS_MAX)
            ret_wanted->name_servers[ret_wanted->name_server_count++] =
                node->ns_name[0] != '\0' ? node->ns_name : node->hostname;
        if ((accounts[i].roles & ROLE_BIT(ROLE_WEB)) != 0) {
            ret_wanted->ip4 = node->public_ip4;
            ret_wanted->ip6 = node->public_ip6;
        }
    }
    accounts_free(accounts, count);
    return true;
}

/* ---- facts ------------------------------------------------------------------------------------------------------------ */

static bool put_fact(struct engine *engine, int64_t service_id, const char *key, const char *value, struct err *err)
{
    CLEANUP(freep) char *key_copy = xstrdup(key);
    CLEANUP(freep) char *value_copy = xstrdup(value);
    struct stored_fact fact = { .service_id = service_id, .role = ROLE_NONE, .key = key_copy, .value = value_copy };
    return store_put_fact(engine->config.store, &fact, err);
}

static bool put_number(struct engine *engine, int64_t service_id, const char *key, int64_t number, struct err *err)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    return put_fact(engine, service_id, key, text, err);
}

static json_t *found_json(const struct world_found *found)
{
    json_t *list = json_array();
    for (size_t i = 0; i < found->count; i++)
        json_array_append_new(list, note_text(found->texts[i], strlen(found->texts[i])));
    return list;
}

static bool put_found(struct engine *engine, int64_t service_id, const char *key, const struct world_found *found,
                      struct err *err)
{
    json_t *list = found_json(found);
    CLEANUP(freep) char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return put_fact(engine, service_id, key, text != NULL ? text : "[]", err);
}

/* What former looks have left. */
struct past {
    int64_t looks;   /* since it became live last */
    int64_t seen_at; /* when all was seen for the first time; 0: never yet */
};

static bool load_past(struct engine *engine, int64_t service_id, struct past *ret_past, struct err *err)
{
    struct stored_fact *facts = NULL;
    size_t count = 0;
    if (!store_list_facts(engine->config.store, service_id, &facts, &count, err))
        return false;
    *ret_past = (struct past){ 0 };
    for (size_t i = 0; i < count; i++) {
        if (strcmp(facts[i].key, "world.looks") == 0)
            ret_past->looks = strtoll(facts[i].value, NULL, 10);
        else if (strcmp(facts[i].key, "world.seen_at") == 0)
            ret_past->seen_at = strtoll(facts[i].value, NULL, 10);
    }
    stored_facts_free(facts, count);
    return true;
}

/* ---- a service becomes live ------------------------------------------------------------------------------------------- */

static bool put_request(struct engine *engine, const struct ssl_request *request, struct err *err)
{
    if (request->next_check_ms != 0 && request->next_check_ms < engine->world.next_due_ms)
        engine->world.next_due_ms = request->next_check_ms;
    return store_put_ssl_request(engine->config.store, request, err);
}

/** The pauses begin anew. */
static bool forget_looks(struct engine *engine, int64_t service_id, struct err *err)
{
    struct past past;
    return load_past(engine, service_id, &past, err) &&
           (past.looks == 0 || put_number(engine, service_id, "world.looks", 0, err));
}

bool world_expect(struct engine *engine, int64_t service_id, struct err *err)
{
    struct ssl_request request = { 0 };
    struct service service = { 0 };
    struct world_wanted wanted;
    bool found = false;
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    bool ok = store_get_ssl_request(engine->config.store, service_id, &request, &found, err) &&
              load_wanted(engine, &service, &wanted, err);
    if (ok && !found) {
        request.service_id = service_id;
        request.domain = xstrdup(service.domain);
        request.state = SSL_UNWANTED;
    }
    if (ok && world_wants(&wanted)) {
        request.next_check_ms = engine->batch.now_ms + engine->settings.world.first_ms;
        ok = put_request(engine, &request, err) && forget_looks(engine, service_id, err);
    }
    ssl_request_finish(&request);
    service_finish(&service);
    return ok;
}

/* ---- looking ---------------------------------------------------------------------------------------------------------- */

static bool is_under_way(const struct world *world, int64_t service_id)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->looks[i].service_id == service_id)
            return true;
    }
    return false;
}

static void send_look(struct engine *engine, int64_t service_id, const struct world_wanted *wanted)
{
    struct resolver resolvers[RESOLVERS_MAX];
    size_t count = 0;
    struct err bad = { 0 };
    struct world *world = &engine->world;
    if (!resolvers_parse(engine->settings.world.resolvers, resolvers, &count, &bad))
        count = 0; /* settings_check() has said so when it was loaded */
    struct command *command = world_ask(wanted, resolvers, count);
    command->id = engine->next_command_id++;
    world->looks[world->count++] = (struct world_look){ .command_id = command->id, .service_id = service_id };
    engine_start_later(engine, engine->config.probes, command);
}

/** One that is not live (any more) is not looked at: it will be expected again when it is. */
static bool begin(struct engine *engine, struct ssl_request *request, struct err *err)
{
    struct service service = { 0 };
    struct world_wanted wanted;
    if (!store_get_service(engine->config.store, request->service_id, &service, err))
        return false;
    bool ok = load_wanted(engine, &service, &wanted, err);
    if (ok && service.status == SERVICE_LIVE && world_wants(&wanted)) {
        send_look(engine, service.id, &wanted);
    } else if (ok) {
        request->next_check_ms = 0;
        ok = store_put_ssl_request(engine->config.store, request, err);
    }
    service_finish(&service);
    return ok;
}

/** Begin what is due while there is room. The first that is left says when to come again. */
static bool begin_due(struct engine *engine, struct err *err)
{
    struct world *world = &engine->world;
    size_t max = (size_t)engine->settings.world.looks, count = 0;
    struct ssl_request *requests = NULL;
    if (!store_list_ssl_requests(engine->config.store, max + 1, &requests, &count, err))
        return false;
    bool ok = true, started = false, left = false;
    world->next_due_ms = INT64_MAX;
    for (size_t i = 0; ok && i < count && !left; i++) {
        if (is_under_way(world, requests[i].service_id))
            continue;
        left = requests[i].next_check_ms > engine->batch.now_ms || world->count >= max;
        if (left)
            world->next_due_ms = requests[i].next_check_ms;
        else
            ok = begin(engine, &requests[i], err);
        started |= !left;
    }
    if (count == max + 1 && !left) /* some were put off: there may be more behind them */
        world->next_due_ms = engine->batch.now_ms;
    if (started)
        world->not_before_ms = engine->batch.now_ms + START_PAUSE_MS;
    ssl_requests_free(requests, count);
    return ok;
}

static bool may_begin(const struct engine *engine)
{
    return engine->settings.world.enabled && engine->world.count < (size_t)engine->settings.world.looks;
}

bool world_step(struct engine *engine, struct err *err)
{
    struct world *world = &engine->world;
    int64_t now_ms = engine->batch.now_ms;
    if (!may_begin(engine) || world->next_due_ms > now_ms || world->not_before_ms > now_ms ||
        engine->batch.order_count > 0 || engine->batch.has_more || engine->has_accepted)
        return true;
    return begin_due(engine, err);
}

int64_t world_next_deadline_ms(const struct engine *engine)
{
    const struct world *world = &engine->world;
    if (!may_begin(engine))
        return INT64_MAX;
    return world->next_due_ms > world->not_before_ms ? world->next_due_ms : world->not_before_ms;
}

/* ---- what a look has found ---------------------------------------------------------------------------------------------- */

/** The log hears once that nobody can tell, and once that somebody can again. */
static void note_silence(struct engine *engine, const struct world_sight *sight)
{
    bool silent = sight->all == WORLD_UNKNOWN;
    if (silent && !engine->world.is_silent)
        log_warn("world.silent", "cause=%s", log_quote(sight->why));
    else if (!silent && engine->world.is_silent)
        log_info("world.answers", "seen=%s", world_seen_name(sight->all));
    engine->world.is_silent = silent;
}

/** Twice as long each time, from half of that on. */
static int64_t pause_ms(struct engine *engine, int64_t looks)
{
    const struct retry_policy pauses = { .first_ms = engine->settings.world.first_ms,
                                         .cap_ms = engine->settings.world.cap_ms,
                                         .factor = 2 };
    int64_t most_ms = retry_backoff_ms(&pauses, looks < 64 ? (int)looks : 64);
    return rng_range(engine->config.rng, most_ms / 2, most_ms);
}

static bool put_sight(struct engine *engine, int64_t service_id, const struct world_sight *sight, struct err *err)
{
    return put_fact(engine, service_id, "world.seen", world_seen_name(sight->all), err) &&
           put_fact(engine, service_id, "world.ns_seen", world_seen_name(sight->name_servers), err) &&
           put_fact(engine, service_id, "world.a_seen", world_seen_name(sight->address), err) &&
           put_found(engine, service_id, "world.ns", &sight->found_servers, err) &&
           put_found(engine, service_id, "world.a", &sight->found_addresses, err) &&
           put_fact(engine, service_id, "world.why", sight->why, err) &&
           put_number(engine, service_id, "world.looked_at", engine->batch.now_ms, err);
}

static bool note_seen(struct engine *engine, int64_t service_id, const struct world_sight *sight, struct err *err)
{
    log_info("service.seen", "service=%" PRId64, service_id);
    return put_number(engine, service_id, "world.seen_at", engine->batch.now_ms, err) &&
           note_event(engine, service_id, "service.seen",
                      json_pack("{s:o,s:o}", "name_servers", found_json(&sight->found_servers), "addresses",
                                found_json(&sight->found_addresses)),
                      err);
}

/** A certificate needs the address only; the looks go on until the name servers are seen, too. */
static void settle(struct engine *engine, const struct world_sight *sight, int64_t looks, struct ssl_request *request)
{
    if (request->state == SSL_SEEDED || request->state == SSL_WAITING_DNS)
        request->state = sight->address == WORLD_YES ? SSL_SEEDED : SSL_WAITING_DNS;
    request->next_check_ms = sight->all == WORLD_YES ? 0 : engine->batch.now_ms + pause_ms(engine, looks);
}

static bool take_sight(struct engine *engine, const struct service *service, struct ssl_request *request,
                       const struct command_result *result, struct err *err)
{
    struct world_wanted wanted;
    struct world_sight sight;
    struct past past;
    if (!load_wanted(engine, service, &wanted, err) || !load_past(engine, service->id, &past, err))
        return false;
    world_read(&wanted, result, &sight);
    note_silence(engine, &sight);
    settle(engine, &sight, past.looks + 1, request);
    changed_ids_add(&engine->batch.changes.services, service->id); /* who looks at the service wants to know */
    return put_sight(engine, service->id, &sight, err) &&
           put_number(engine, service->id, "world.looks", past.looks + 1, err) && put_request(engine, request, err) &&
           (sight.all != WORLD_YES || past.seen_at != 0 || note_seen(engine, service->id, &sight, err));
}

static bool look_ended(struct engine *engine, int64_t service_id, const struct command_result *result, struct err *err)
{
    struct ssl_request request = { 0 };
    struct service service = { 0 };
    bool found = false;
    if (!store_get_service(engine->config.store, service_id, &service, err))
        return false;
    bool ok = store_get_ssl_request(engine->config.store, service_id, &request, &found, err);
    if (ok && found && request.next_check_ms != 0 && service.status == SERVICE_LIVE)
        ok = take_sight(engine, &service, &request, result, err);
    ssl_request_finish(&request);
    service_finish(&service);
    return ok;
}

static struct world_look *find_look(struct world *world, uint64_t command_id)
{
    for (size_t i = 0; i < world->count; i++) {
        if (world->looks[i].command_id == command_id)
            return &world->looks[i];
    }
    return NULL;
}

void world_forget(struct engine *engine, uint64_t command_id)
{
    struct world *world = &engine->world;
    struct world_look *look = find_look(world, command_id);
    if (look == NULL)
        return;
    *look = world->looks[--world->count];
    world->next_due_ms = 0; /* what was left for want of room may be due */
}

bool world_event(struct engine *engine, const struct transport_event *event, bool *ret_mine, struct err *err)
{
    const struct world_look *look = find_look(&engine->world, event->command_id);
    *ret_mine = look != NULL;
    if (look == NULL || event->kind != TRANSPORT_RESULT)
        return true;
    int64_t service_id = look->service_id;
    world_forget(engine, event->command_id);
    return look_ended(engine, service_id, &event->results[0], err);
}

void world_load(struct engine *engine)
{
    struct world *world = &engine->world;
    for (size_t i = 0; i < world->count; i++)
        engine->config.probes->ops->abandon(engine->config.probes, world->looks[i].command_id);
    *world = (struct world){ .is_silent = world->is_silent };
}
