/* company_nodes.c - what must stand on a company's nodes at its end: all of its live services, nothing twice, nothing for nobody, and
 * what other people have there as it was. See company_internal.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "transport/sim_node.h"

/* One node: what stands there, and the accounts that we have there. */
struct view {
    struct company *company;
    const struct node_seed *seed;
    const char *text; /* of sim_node_dump() */
    struct account *accounts;
    struct service *services; /* accounts[i] is of services[i] */
    size_t count;
};

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

/* ---- what we have there ------------------------------------------------------------------------------------------------ */

static void take_accounts(struct view *view, int64_t service_id, int64_t node_id)
{
    struct account *accounts = NULL;
    struct service service;
    size_t count = 0;
    struct err err = { 0 };
    if (service_id == 0 || !company_find_service(view->company, service_id, &service))
        return;
    service_finish(&service);
    company_must(store_list_accounts(view->company->store, service_id, &accounts, &count, &err), &err, "accounts");
    for (size_t i = 0; i < count; i++) {
        if (accounts[i].node_id != node_id)
            continue;
        company_get_service(view->company, service_id, &view->services[view->count]);
        view->accounts[view->count++] = accounts[i];
        accounts[i] = (struct account){ 0 };
    }
    accounts_free(accounts, count);
}

static void view_finish(struct view *view)
{
    accounts_free(view->accounts, view->count);
    services_free(view->services, view->count);
}

static bool is_failed(const struct view *view, size_t account)
{
    return view->services[account].status == SERVICE_FAILED;
}

/* ---- what is missing ----------------------------------------------------------------------------------------------------- */

static void expect_line(struct view *view, const char *line)
{
    if (strncmp(view->text, line, strlen(line)) == 0)
        return;
    CLEANUP(freep) char *wanted = xasprintf("\n%s", line);
    if (strstr(view->text, wanted) == NULL)
        company_complain(view->company, BREACH_MISSING, "a live service has on %s no %s", view->seed->name, line);
}

/** The password that is stored works; where a change has not come to its end it may be the one beside it. */
static void check_password(struct view *view, const struct account *account, bool mailbox)
{
    const char *kind = mailbox ? "mailbox-password" : "panel-password";
    CLEANUP(freep) char *beside = xasprintf("%s-next", kind);
    CLEANUP(freep) char *stored = company_secret(view->company, account->service_id, account->node_id, kind);
    CLEANUP(freep) char *next = company_secret(view->company, account->service_id, account->node_id, beside);
    if (stored != NULL && !company_password_works(view->company, account, mailbox, stored) &&
        (next == NULL || !company_password_works(view->company, account, mailbox, next)))
        company_complain(view->company, BREACH_MISSING, "the stored %s of %s on %s does not work", kind,
                         account->username, view->seed->name);
}

static void check_account(struct view *view, size_t account)
{
    static const struct {
        enum role role;
        const char *kind;
    } kinds[] = { { ROLE_WEB, "site" }, { ROLE_MAIL, "mail" }, { ROLE_DNS, "zone" } };
    const struct account *own = &view->accounts[account];
    CLEANUP(freep) char *user = xasprintf("user %s package=%s suspended=no\n", own->username, own->package);
    expect_line(view, user);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if ((own->roles & ROLE_BIT(kinds[i].role)) == 0)
            continue;
        CLEANUP(freep)
        char *object = xasprintf("%s %s %s ", kinds[i].kind, own->username, view->services[account].domain);
        expect_line(view, object);
    }
    check_password(view, own, false);
    check_password(view, own, true);
}

/* ---- what is too much ---------------------------------------------------------------------------------------------------- */

/** An account of ours by this name: of a service that has failed it may be half-made, and a person has been told. */
static bool explains(const struct view *view, const char *kind, const char *name)
{
    for (size_t i = 0; i < view->count; i++) {
        CLEANUP(freep) char *package = xasprintf("%s.pkg", view->accounts[i].package);
        if (strcmp(strcmp(kind, "package") == 0 ? package : view->accounts[i].username, name) == 0)
            return strcmp(kind, "left-over") != 0 || is_failed(view, i);
    }
    return false;
}

/** Whose is it? The line names a user or, of packages, the mark. */
static void check_owner(struct view *view, const char *line)
{
    char kind[16] = "", name[300] = "", last[300] = "";
    if (sscanf(line, "left-over system user %299s", name) == 1 || sscanf(line, "left-over home %299s", name) == 1)
        snprintf(kind, sizeof(kind), "left-over");
    else if (sscanf(line, "left-over %299s %299s", last, name) == 2)
        snprintf(kind, sizeof(kind), "left-over");
    else if (sscanf(line, "%15s %299s", kind, name) != 2)
        return;
    bool of_user = strcmp(kind, "user") == 0 || strcmp(kind, "site") == 0 || strcmp(kind, "zone") == 0 ||
                   strcmp(kind, "mail") == 0 || strcmp(kind, "left-over") == 0;
    if ((of_user || strcmp(kind, "package") == 0) && !explains(view, kind, name))
        company_complain(view->company, BREACH_ORPHANED, "nobody's on %s: %s", view->seed->name, line);
}

static void check_lines(struct view *view)
{
    CLEANUP(freep) char *copy = xstrdup(view->text);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (count_lines(view->text, line) != 1)
            company_complain(view->company, BREACH_DOUBLED, "%s has twice: %s", view->seed->name, line);
        if (count_lines(view->company->before, line) == 0)
            check_owner(view, line);
    }
}

/* ---- all ------------------------------------------------------------------------------------------------------------------ */

static void check_node(struct company *company, const struct node *node)
{
    CLEANUP(buf_finish) struct buf dump = BUF_INIT;
    const struct node_seed *seed = company_seed_of(node->name);
    sim_node_dump(transport_sim_memory(company->nodes, seed->address), false, &dump);
    struct view view = { .company = company,
                         .seed = seed,
                         .text = buf_text(&dump),
                         .accounts = xcalloc(COMPANY_SERVICES_MAX, sizeof(*view.accounts)),
                         .services = xcalloc(COMPANY_SERVICES_MAX, sizeof(*view.services)) };
    for (unsigned i = 0; i < company->ordered; i++)
        take_accounts(&view, company->orders[i].service_id, node->id);
    for (size_t i = 0; i < view.count; i++) {
        if (view.services[i].status == SERVICE_LIVE)
            check_account(&view, i);
    }
    check_lines(&view);
    view_finish(&view);
}

/** Every line that stood on the nodes before still stands there. */
static void check_strangers(struct company *company)
{
    CLEANUP(freep) char *after = company_dump(company);
    CLEANUP(freep) char *copy = xstrdup(company->before);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (count_lines(after, line) < count_lines(company->before, line))
            company_complain(company, BREACH_FOREIGN, "somebody else's is gone: %s", line);
    }
}

void company_check_nodes(struct company *company)
{
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_nodes(company->store, &nodes, &count, &err), &err, "nodes");
    for (size_t i = 0; i < count; i++)
        check_node(company, &nodes[i]);
    nodes_free(nodes, count);
    check_strangers(company);
}
