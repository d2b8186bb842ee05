/* sim_world.c - what the world's recursive resolvers say of the domains on modelled nodes. Somebody has to enter our name servers at a
 * registrar first: when that happens, or that it never does, is drawn for each domain from its name, unless it was said. */
#include <inttypes.h>
#include <string.h>

#include "transport/sim_internal.h"

#define SEEN_WITHIN_MS (6 * 3600 * INT64_C(1000)) /* of the first question */
#define OLD_SERVER "ns1.elsewhere.example."
#define OLD_ADDRESS "198.51.100.1"
#define TTL 300

void sim_domains_destroy(struct sim *sim)
{
    while (sim->domains != NULL) {
        struct sim_domain *domain = sim->domains;
        sim->domains = domain->next;
        free(domain->name);
        free(domain);
    }
}

static struct sim_domain *domain_add(struct sim *sim, const char *name, int64_t from_ms)
{
    struct sim_domain *domain = xcalloc(1, sizeof(*domain));
    *domain = (struct sim_domain){ .next = sim->domains, .name = xstrdup(name), .from_ms = from_ms };
    sim->domains = domain;
    return domain;
}

static struct sim_domain *domain_find(const struct sim *sim, const char *name)
{
    struct sim_domain *domain = sim->domains;
    while (domain != NULL && strcmp(domain->name, name) != 0)
        domain = domain->next;
    return domain;
}

void transport_sim_delegate(struct transport *base, const char *name, int64_t from_ms)
{
    struct sim *sim = CONTAINER_OF(base, struct sim, base);
    struct sim_domain *domain = domain_find(sim, name);
    if (domain == NULL)
        domain = domain_add(sim, name, from_ms);
    domain->from_ms = from_ms;
}

/* Not from the generator of faults: what a company lives through must not depend on who looks at it. */
static uint64_t hash_of(const struct sim *sim, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U ^ sim->config.world_seed;
    for (const char *at = name; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3U;
    return hash ^ hash >> 29;
}

static const struct sim_domain *domain_of(struct sim *sim, const char *name)
{
    struct sim_domain *domain = domain_find(sim, name);
    if (domain != NULL)
        return domain;
    uint64_t hash = hash_of(sim, name);
    domain = domain_add(sim, name, INT64_MAX);
    domain->is_elsewhere = hash % 2 == 0;
    if (hash / 2 % 4 != 0) /* one in four never comes */
        domain->from_ms = sim->at_ms + (int64_t)(hash / 8 % SEEN_WITHIN_MS);
    return domain;
}

static void add_record(struct buf *out, const char *name, const char *type, const char *data)
{
    buf_addf(out, "record %s. %d %s %s\n", name, TTL, type, data);
}

static void answer_elsewhere(struct buf *out, const char *name, const char *type, const char *address)
{
    sim_question(out, name, type, "NOERROR", "-");
    if (strcmp(type, "NS") == 0)
        add_record(out, name, type, OLD_SERVER);
    else if (strcmp(type, "A") == 0 && address != NULL)
        add_record(out, name, type, address);
}

/* The name servers are somebody else's, and its owner has entered the address of our site there. */
static const char *site_address(const struct sim *sim, const char *name)
{
    for (const struct sim_world_node *node = sim->nodes; node != NULL; node = node->next) {
        if (node->up && sim_site_answers(node->memory, name))
            return node->public_ip;
    }
    return NULL;
}

static enum probe_exit answer(struct sim *sim, const char *name, const char *type, struct buf *out)
{
    const struct sim_domain *domain = domain_of(sim, name);
    if (domain->from_ms > sim->at_ms) {
        if (domain->is_elsewhere)
            answer_elsewhere(out, name, type, OLD_ADDRESS);
        else
            sim_question(out, name, type, "NXDOMAIN", "-");
        return PROBE_ANSWERED;
    }
    bool is_served = false;
    for (struct sim_world_node *node = sim->nodes; node != NULL; node = node->next) {
        bool is_server = node->role == PANEL_ROLE_DNS || node->role == PANEL_ROLE_FULL;
        if (is_server && node->up && sim_answer(out, node, name, type, true))
            return PROBE_ANSWERED;
        is_served = is_served || (is_server && !node->up);
    }
    if (!is_served) {
        answer_elsewhere(out, name, type, site_address(sim, name));
        return PROBE_ANSWERED;
    }
    sim_question(out, name, type, "SERVFAIL", "-");
    return PROBE_WRONG;
}

/* Names are asked for as the engine writes them: without a final dot. */
enum probe_exit sim_resolve(struct sim *sim, const struct probe_request *request, int64_t lasts_ms, struct buf *out)
{
    static const struct probe_target system = { "127.0.0.53", 53 };
    enum probe_exit worst = PROBE_ANSWERED;
    for (size_t i = 0; i == 0 || i < request->target_count; i++) {
        const struct probe_target *target = request->target_count == 0 ? &system : &request->targets[i];
        buf_addf(out, "server %s %d %zu %zu %" PRId64 "\n", target->address, target->port, request->question_count,
                 request->question_count, lasts_ms);
        for (size_t k = 0; k < request->question_count; k++) {
            enum probe_exit verdict = answer(sim, request->questions[2 * k], request->questions[2 * k + 1], out);
            worst = verdict > worst ? verdict : worst;
        }
    }
    return worst;
}
