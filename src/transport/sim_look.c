/* sim_look.c - what is seen of modelled nodes from outside: the words and answers of probe.h, taken from what the models' servers
 * have loaded. */
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transport/probe.h"
#include "transport/probe_records.h"
#include "transport/probe_request.h"
#include "transport/sim_internal.h"

#define USERS PANEL_ROOT "/data/users"

/* Where a look is going on: what it says, and how long it takes. */
struct view {
    struct sim *sim;
    const struct probe_request *request;
    struct buf out, err;
    int64_t lasts_ms;
};

/* The node at the target that serves such things; NULL, and the look is over, when nothing answers there. */
static struct sim_world_node *reach(struct view *view, size_t target, enum panel_role role, enum probe_exit *ret_exit)
{
    const struct probe_target *at = &view->request->targets[target];
    struct sim_world_node *node = sim_node_at(view->sim, at->address);
    bool serves = node != NULL && (node->role == role || node->role == PANEL_ROLE_FULL);
    *ret_exit = PROBE_SILENT;
    if (node == NULL || !node->up) {
        view->lasts_ms = view->request->timeout_ms;
        buf_addf(&view->err, "no answer within %" PRId64 " ms\n", view->request->timeout_ms);
        return NULL;
    }
    if (!serves) {
        buf_addf(&view->err, "connect to %s port %d: Connection refused\n", at->address, at->port);
        return NULL;
    }
    return node;
}

/* ---- sites -------------------------------------------------------------------------------------------------------- */

/* Is the name the domain of a site that the node answers for, or an alias of one? */
static bool has_alias(struct panel_memory *memory, const char *user, const char *domain, const char *name)
{
    CLEANUP(buf_finish) struct buf sites = BUF_INIT;
    struct panel_host *host = panel_memory_host(memory);
    char path[300], wanted[300];
    snprintf(path, sizeof(path), USERS "/%s/web.conf", user);
    snprintf(wanted, sizeof(wanted), "DOMAIN='%s'", domain);
    host->ops->read(host, path, &sites);
    const char *site = strstr(buf_text(&sites), wanted);
    const char *alias = site != NULL ? strstr(site, "ALIAS='") : NULL;
    if (alias == NULL || alias > site + strcspn(site, "\n"))
        return false;
    alias += strlen("ALIAS='");
    size_t length = strcspn(alias, "'");
    for (const char *end = alias + length; alias < end;) {
        size_t word = strcspn(alias, ",'");
        if (word == strlen(name) && strncmp(alias, name, word) == 0)
            return true;
        alias += word + 1;
    }
    return false;
}

bool sim_site_answers(struct panel_memory *memory, const char *name)
{
    CLEANUP(buf_finish) struct buf users = BUF_INIT;
    struct panel_host *host = panel_memory_host(memory);
    if (panel_memory_site_answers(memory, name))
        return true;
    const char *domain = strchr(name, '.');
    if (domain == NULL || !panel_memory_site_answers(memory, domain + 1))
        return false;
    host->ops->list(host, USERS, &users);
    for (const char *at = buf_text(&users); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        CLEANUP(freep) char *user = xstrndup(at, length);
        if (has_alias(memory, user, domain + 1, name))
            return true;
        at += length + (at[length] == '\n');
    }
    return false;
}

static enum probe_exit look_http(struct view *view)
{
    enum probe_exit verdict;
    struct sim_world_node *node = reach(view, 0, PANEL_ROLE_WEB, &verdict);
    char body[400];
    if (node == NULL)
        return verdict;
    bool answers = sim_site_answers(node->memory, view->request->host);
    snprintf(body, sizeof(body), "<title>%s</title>\n",
             answers ? view->request->host : "Success! Your new web server works");
    buf_addf(&view->out, "status 200\ntype text/html\nlength %zu\nms %" PRId64 "\nbody %zu whole\n\n%s", strlen(body),
             view->lasts_ms, strlen(body), body);
    return PROBE_ANSWERED;
}

/* ---- mail --------------------------------------------------------------------------------------------------------- */

static enum probe_exit look_imap(struct view *view)
{
    enum probe_exit verdict;
    struct sim_world_node *node = reach(view, 0, PANEL_ROLE_MAIL, &verdict);
    const char *user = view->request->user;
    const char *at = strchr(user, '@');
    if (node == NULL) {
        buf_add_text(&view->out, "tls no\nlogin no\nmailbox no\n");
        return verdict;
    }
    CLEANUP(freep) char *account = xstrndup(user, at != NULL ? (size_t)(at - user) : strlen(user));
    bool open = at != NULL && panel_memory_mail_login(node->memory, at + 1, account, view->request->password);
    buf_addf(&view->out, "tls yes\ncertificate unverified\nlogin %s\nmailbox %s\n", open ? "yes" : "no",
             open ? "yes" : "no");
    if (open)
        return PROBE_ANSWERED;
    buf_add_text(&view->err, "Login denied\n");
    return PROBE_WRONG;
}

static enum probe_exit look_greeting(struct view *view)
{
    enum probe_exit verdict;
    if (reach(view, 0, PANEL_ROLE_MAIL, &verdict) == NULL)
        return verdict;
    buf_add_text(&view->out, "greeting * OK ready.\n");
    return PROBE_ANSWERED;
}

static enum probe_exit look_tcp(struct view *view)
{
    enum probe_exit verdict;
    struct sim_world_node *node = sim_node_at(view->sim, view->request->targets[0].address);
    return reach(view, 0, node != NULL ? node->role : PANEL_ROLE_WEB, &verdict) != NULL ? PROBE_ANSWERED : verdict;
}

/* ---- zones -------------------------------------------------------------------------------------------------------- */

void sim_zone_forget(struct sim_zone *zone)
{
    if (zone->parsed != NULL)
        ldns_zone_deep_free(zone->parsed);
    free(zone->text);
    free(zone->domain);
    *zone = (struct sim_zone){ 0 };
}

static ldns_zone *parse_zone(const char *domain, struct buf *text)
{
    ldns_zone *zone = NULL;
    ldns_rdf *origin = ldns_dname_new_frm_str(domain);
    FILE *file = fmemopen(text->data, text->length, "r");
    if (origin == NULL || file == NULL ||
        ldns_zone_new_frm_fp(&zone, file, origin, 14400, LDNS_RR_CLASS_IN) != LDNS_STATUS_OK)
        zone = NULL; /* cut short: BIND would not load it */
    if (file != NULL)
        fclose(file);
    ldns_rdf_deep_free(origin);
    return zone;
}

/* A look asks for every record of one zone: it is parsed when it has changed, not for each question. */
static const ldns_zone *zone_of_text(struct sim_zone *last, const char *domain, struct buf *text)
{
    if (last->text != NULL && strcmp(last->domain, domain) == 0 && strcmp(last->text, buf_text(text)) == 0)
        return last->parsed;
    sim_zone_forget(last);
    last->parsed = parse_zone(domain, text);
    last->domain = xstrdup(domain);
    last->text = buf_steal(text);
    return last->parsed;
}

/* The zone of the name that the node serves: its longest served suffix. The node's to keep; NULL when it serves none. */
static const ldns_zone *zone_of(struct sim_world_node *node, const char *name)
{
    CLEANUP(freep) char *plain = xstrdup(name);
    size_t length = strlen(plain);
    if (length > 0 && plain[length - 1] == '.')
        plain[length - 1] = '\0';
    for (const char *domain = plain; domain != NULL && *domain != '\0';) {
        CLEANUP(buf_finish) struct buf text = BUF_INIT;
        if (panel_memory_zone(node->memory, domain, &text))
            return zone_of_text(&node->zone, domain, &text);
        domain = strchr(domain, '.');
        domain += domain != NULL;
    }
    return NULL;
}

/* Add the records of this name and type; those of a CNAME when there are no others. */
static bool add_records(struct buf *out, const ldns_zone *zone, const ldns_rdf *owner, ldns_rr_type type)
{
    const ldns_rr *soa = ldns_zone_soa(zone);
    const ldns_rr_list *records = ldns_zone_rrs(zone);
    bool exists = ldns_dname_compare(ldns_rr_owner(soa), owner) == 0;
    if (exists && type == LDNS_RR_TYPE_SOA)
        probe_record_add(out, soa);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        if (ldns_dname_compare(ldns_rr_owner(rr), owner) != 0)
            continue;
        exists = true;
        if (ldns_rr_get_type(rr) == type || ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME)
            probe_record_add(out, rr);
    }
    return exists;
}

bool sim_answer(struct buf *out, struct sim_world_node *node, const char *name, const char *type, bool recursive)
{
    CLEANUP(buf_finish) struct buf records = BUF_INIT;
    ldns_rdf *owner = ldns_dname_new_frm_str(name);
    const ldns_zone *zone = owner != NULL ? zone_of(node, name) : NULL;
    const char *flag = recursive ? "-" : "aa";
    bool serves = zone != NULL && ldns_zone_soa(zone) != NULL;
    bool exists = serves && add_records(&records, zone, owner, ldns_get_rr_type_by_name(type));
    ldns_rdf_deep_free(owner);
    if (!serves)
        return false;
    sim_question(out, name, type, exists ? "NOERROR" : "NXDOMAIN", flag);
    buf_add(out, buf_text(&records), records.length);
    return true;
}

void sim_question(struct buf *out, const char *name, const char *type, const char *rcode, const char *flag)
{
    buf_addf(out, "question %s%s %s %s %s udp\n", name, name[strlen(name) - 1] == '.' ? "" : ".", type, rcode, flag);
}

static enum probe_exit answer_question(struct buf *out, struct sim_world_node *node, const char *name, const char *type)
{
    if (sim_answer(out, node, name, type, false))
        return PROBE_ANSWERED;
    sim_question(out, name, type, "REFUSED", "-");
    return PROBE_WRONG;
}

static enum probe_exit look_server(struct view *view, size_t target)
{
    const struct probe_request *request = view->request;
    const struct probe_target *at = &request->targets[target];
    enum probe_exit worst;
    struct sim_world_node *node = reach(view, target, PANEL_ROLE_DNS, &worst);
    buf_addf(&view->out, "server %s %d %zu %zu %" PRId64 "\n", at->address, at->port,
             node != NULL ? request->question_count : 0, request->question_count, view->lasts_ms);
    if (node == NULL)
        buf_add_text(&view->out, "failure no answer in time\n");
    else
        worst = PROBE_ANSWERED;
    for (size_t i = 0; i < request->question_count; i++) {
        const char *name = request->questions[2 * i], *type = request->questions[2 * i + 1];
        if (node == NULL) {
            buf_addf(&view->out, "question %s %s - - -\n", name, type);
            continue;
        }
        enum probe_exit verdict = answer_question(&view->out, node, name, type);
        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

static enum probe_exit look_dns(struct view *view)
{
    enum probe_exit worst = PROBE_ANSWERED;
    for (size_t i = 0; i < view->request->target_count; i++) {
        enum probe_exit verdict = look_server(view, i);
        worst = verdict > worst ? verdict : worst;
    }
    return worst;
}

/* ---- all ---------------------------------------------------------------------------------------------------------- */

static enum probe_exit look(struct view *view, bool silent)
{
    if (silent && view->request->verb != PROBE_PAUSE) {
        view->lasts_ms = view->request->timeout_ms;
        buf_add_text(&view->err, "no answer in time\n");
        return PROBE_SILENT;
    }
    switch (view->request->verb) {
    case PROBE_PAUSE: view->lasts_ms = view->request->timeout_ms; break;
    case PROBE_HTTP: return look_http(view);
    case PROBE_DNS: return look_dns(view);
    case PROBE_RESOLVE: return sim_resolve(view->sim, view->request, view->lasts_ms, &view->out);
    case PROBE_IMAP: return look_imap(view);
    case PROBE_IMAP_GREETING: return look_greeting(view);
    case PROBE_TCP: return look_tcp(view);
    }
    return PROBE_ANSWERED;
}

void sim_look(struct sim *sim, const struct segment *segment, bool silent, struct segment_result *ret_result,
              int64_t *ret_ms)
{
    struct probe_request request;
    struct err err = { 0 };
    *ret_result = (struct segment_result){ .ran = true };
    *ret_ms = 0;
    if (!probe_request_read(segment, &request, &err)) {
        ret_result->exit_code = PROBE_USAGE;
        ret_result->out = xstrdup("");
        ret_result->err = xasprintf("%s\n", err.msg);
        return;
    }
    struct view view = { .sim = sim, .request = &request, .lasts_ms = 2 * sim->config.trip_ms };
    ret_result->exit_code = (int)look(&view, silent);
    bool told = strncmp(buf_text(&view.out), "status ", 7) == 0; /* a page has its own, before the body */
    *ret_ms = view.lasts_ms;
    ret_result->out = told || request.verb == PROBE_PAUSE
                          ? xstrdup(buf_text(&view.out))
                          : xasprintf("ms %" PRId64 "\n%s", view.lasts_ms, buf_text(&view.out));
    ret_result->err = buf_steal(&view.err);
    buf_finish(&view.out);
}
