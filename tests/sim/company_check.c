/* company_check.c - what must be true of every company at its end, whatever has gone wrong on the way: its records. The nodes are
 * company_nodes.c. See company_internal.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/driver.h"
#include "store/store_ticket.h"

#define SECRETS_MAX 16 /* of one service */
#define TICKETS_MAX 1000

bool company_find_service(struct company *company, int64_t id, struct service *ret_service)
{
    struct err err = { 0 };
    *ret_service = (struct service){ 0 };
    if (store_get_service(company->store, id, ret_service, &err))
        return true;
    company_complain(company, BREACH_LOST, "service %" PRId64 ": %s", id, err.msg);
    return false;
}

/* ---- secrets ---------------------------------------------------------------------------------------------------------- */

struct secrets {
    char *texts[SECRETS_MAX];
    size_t count;
};

static void secret_open(struct company *company, int64_t service_id, int64_t node_id, const char *kind,
                        struct secrets *secrets)
{
    char *text = secrets->count == SECRETS_MAX ? NULL : company_secret(company, service_id, node_id, kind);
    if (text != NULL)
        secrets->texts[secrets->count++] = text;
}

static const char *const kinds[] = { "panel-password", "panel-password-next", "mailbox-password",
                                     "mailbox-password-next" };

static void secrets_load(struct company *company, const struct account *accounts, size_t count,
                         struct secrets *ret_secrets)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            secret_open(company, accounts[i].service_id, accounts[i].node_id, kinds[k], ret_secrets);
    }
}

static void secrets_finish(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        free(secrets->texts[i]);
}

static void check_told(struct company *company, const struct secrets *secrets, const char *text, const char *where)
{
    for (size_t i = 0; i < secrets->count; i++) {
        if (strstr(text, secrets->texts[i]) != NULL)
            company_complain(company, BREACH_SECRETS, "a password stands in %s", where);
    }
}

static void check_process_log(struct company *company, const struct secrets *secrets)
{
    struct stat status;
    if (company->log_fd < 0 || fstat(company->log_fd, &status) != 0)
        return;
    CLEANUP(freep) char *text = xcalloc((size_t)status.st_size + 1, 1);
    if (pread(company->log_fd, text, (size_t)status.st_size, 0) != status.st_size)
        company_complain(company, BREACH_RECORDS, "the log cannot be read");
    check_told(company, secrets, text, "the log");
}

static void check_attempt_log(struct company *company, int64_t attempt_id, const struct secrets *secrets)
{
    struct log_chunk *chunks = NULL;
    size_t count = 0;
    struct err err = { 0 };
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    company_must(store_read_log(company->store, attempt_id, 0, ATTEMPT_LOG_MAX, &chunks, &count, &err), &err, "log");
    for (size_t i = 0; i < count; i++)
        buf_add_text(&text, chunks[i].data);
    log_chunks_free(chunks, count);
    check_told(company, secrets, buf_text(&text), "an attempt's log");
}

/* ---- tasks -------------------------------------------------------------------------------------------------------------- */

/** Numbers without gaps, none left running, one success at most (of zones: one for each key that they had to carry). */
static void check_attempts(struct company *company, const struct task *task, const struct secrets *secrets)
{
    struct attempt *attempts = NULL;
    size_t count = 0;
    unsigned done = 0;
    struct err err = { 0 };
    company_must(store_list_attempts(company->store, task->id, &attempts, &count, &err), &err, "attempts");
    for (size_t i = 0; i < count; i++) {
        done += attempts[i].outcome == ATTEMPT_DONE;
        if (attempts[i].number != (int)i + 1)
            company_complain(company, BREACH_ATTEMPTS, "%s: attempt %zu has the number %d", task->key, i + 1,
                             attempts[i].number);
        if (attempts[i].outcome == ATTEMPT_RUNNING && task->state != TASK_RUNNING)
            company_complain(company, BREACH_ATTEMPTS, "%s: attempt %d runs on", task->key, attempts[i].number);
        if (secrets->count > 0)
            check_attempt_log(company, attempts[i].id, secrets);
    }
    if (done > 1 && task->inputs_hash[0] == '\0')
        company_complain(company, BREACH_DOUBLED, "%s was done %u times", task->key, done);
    if (task->attempts > RETRY_POLICY_DEFAULT.attempts_max || task->attempts > (int)count)
        company_complain(company, BREACH_ATTEMPTS, "%s was tried %d times, and has %zu attempts", task->key,
                         task->attempts, count);
    attempts_free(attempts, count);
}

static void check_counts(struct company *company, const struct service *service, const struct task *tasks, size_t count)
{
    struct operation operation;
    int64_t done = 0, weight = 0, weight_done = 0;
    company_get_operation(company, service->id, &operation);
    for (size_t i = 0; i < count; i++) {
        weight += tasks[i].weight;
        done += tasks[i].state == TASK_DONE;
        weight_done += tasks[i].state == TASK_DONE ? tasks[i].weight : 0;
    }
    if (done != operation.tasks_done || weight_done != operation.weight_done ||
        (int64_t)count != operation.tasks_total || weight != operation.weight_total)
        company_complain(company, BREACH_RECORDS,
                         "%s: %" PRId64 " of %zu tasks are done, the operation says %" PRId64 " of %" PRId64,
                         service->domain, done, count, operation.tasks_done, operation.tasks_total);
    enum operation_state want = service->status == SERVICE_LIVE ? OPERATION_DONE : OPERATION_FAILED;
    if (operation.state != want)
        company_complain(company, BREACH_RECORDS, "%s is %s, its operation %s", service->domain,
                         service_status_name(service->status), operation_state_name(operation.state));
    operation_finish(&operation);
}

/** A person who reads of it knows what is wrong, where, and what to do. */
static bool can_be_acted_on(const struct service *service, const struct task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct cause *cause = tasks[i].state == TASK_FAILED ? cause_find(tasks[i].cause_id) : NULL;
        if (cause != NULL && cause->remedy[0] != '\0' && strstr(service->reason, cause->remedy) != NULL &&
            strstr(service->reason, tasks[i].action) != NULL)
            return service->reason_key[0] != '\0';
    }
    return false;
}

/** As root everything heals once the faults have stopped; with sudo some repairs need a person, who is told. */
static void check_end(struct company *company, const struct service *service, const struct task *tasks, size_t count)
{
    bool told = company->options.sudo && service->status == SERVICE_FAILED && can_be_acted_on(service, tasks, count);
    if (service->status != SERVICE_LIVE && !told)
        company_complain(company, BREACH_UNFINISHED, "%s is %s: %s", service->domain,
                         service_status_name(service->status), service->reason);
    for (size_t i = 0; service->status == SERVICE_LIVE && i < count; i++) {
        if (tasks[i].state != TASK_DONE)
            company_complain(company, BREACH_UNFINISHED, "%s is live, but %s is %s", service->domain, tasks[i].key,
                             task_state_name(tasks[i].state));
    }
}

static void check_tasks(struct company *company, const struct service *service, const struct secrets *secrets)
{
    struct task *tasks = NULL;
    size_t count = 0;
    struct err err = { 0 };
    if (service->operation_id != 0)
        company_must(store_list_tasks(company->store, service->operation_id, &tasks, &count, &err), &err, "tasks");
    check_end(company, service, tasks, count);
    if (service->operation_id != 0)
        check_counts(company, service, tasks, count);
    for (size_t i = 0; i < count; i++)
        check_attempts(company, &tasks[i], secrets);
    tasks_free(tasks, count);
}

/* ---- tickets ------------------------------------------------------------------------------------------------------------- */

/** Each service and operation has one at most; who has failed has one, and who is live has no open one. */
static void check_tickets(struct company *company, const struct service *service, const struct ticket *tickets,
                          size_t count)
{
    unsigned same = 0, open = 0;
    for (size_t i = 0; i < count; i++) {
        if (tickets[i].service_id != service->id)
            continue;
        same += tickets[i].operation_id == service->operation_id;
        open += tickets[i].state == TICKET_OPEN;
    }
    if (same > 1)
        company_complain(company, BREACH_TICKETS, "%s has %u tickets for one operation", service->domain, same);
    if (company->options.tickets && open != (service->status == SERVICE_FAILED))
        company_complain(company, BREACH_TICKETS, "%s is %s and has %u open tickets", service->domain,
                         service_status_name(service->status), open);
}

static void check_all_tickets(struct company *company, const struct service *service)
{
    struct ticket_filter filter = { .service_id = service->id, .limit = TICKETS_MAX };
    struct ticket *tickets = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_tickets(company->store, &filter, &tickets, &count, &err), &err, "tickets");
    check_tickets(company, service, tickets, count);
    tickets_free(tickets, count);
}

/* ---- one service -------------------------------------------------------------------------------------------------------- */

/** Once, unless it has been deployed again. */
static bool live_as_told(const struct company *company, const struct service *service, unsigned times)
{
    bool live = service->status == SERVICE_LIVE;
    return company->options.operations ? times > 0 || !live : times == live;
}

static bool fact_says(const struct stored_fact *facts, size_t count, const char *key, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(facts[i].key, key) == 0)
            return strcmp(facts[i].value, value) == 0;
    }
    return false;
}

/** Whoever is live will be looked at, until the world sees all of it; that is told once. */
static void check_world(struct company *company, const struct service *service, unsigned sights)
{
    struct ssl_request request = { 0 };
    struct stored_fact *facts = NULL;
    size_t count = 0;
    bool found = false;
    struct err err = { 0 };
    company_must(store_get_ssl_request(company->store, service->id, &request, &found, &err) &&
                     store_list_facts(company->store, service->id, &facts, &count, &err),
                 &err, "world");
    bool seen = fact_says(facts, count, "world.seen", "yes");
    if (sights > 1 || (seen && sights == 0))
        company_complain(company, BREACH_RECORDS, "%s: told %u times that it is seen", service->domain, sights);
    if (service->status == SERVICE_LIVE && (!found || (request.next_check_ms == 0 && !seen)))
        company_complain(company, BREACH_UNFINISHED, "%s is live, and nobody will look whether the world sees it",
                         service->domain);
    if (request.state == SSL_WAITING_DNS && fact_says(facts, count, "world.a_seen", "yes"))
        company_complain(company, BREACH_RECORDS, "%s waits for an address that the world sees", service->domain);
    stored_facts_free(facts, count);
    ssl_request_finish(&request);
}

static void check_events(struct company *company, const struct service *service, const struct secrets *secrets)
{
    struct event *events = NULL;
    size_t count = 0;
    unsigned lives = 0, sights = 0;
    struct err err = { 0 };
    company_must(store_list_events(company->store, service->id, 0, 1000000, &events, &count, &err), &err, "events");
    for (size_t i = 0; i < count; i++) {
        if (events[i].seq != (int64_t)i + 1)
            company_complain(company, BREACH_RECORDS, "%s: event %zu has the number %" PRId64, service->domain, i + 1,
                             events[i].seq);
        if (strcmp(events[i].data, "{}") == 0 && strcmp(events[i].kind, "service.live") != 0)
            company_complain(company, BREACH_RECORDS, "%s: %s says nothing", service->domain, events[i].kind);
        lives += strcmp(events[i].kind, "service.live") == 0;
        sights += strcmp(events[i].kind, "service.seen") == 0;
        check_told(company, secrets, events[i].data, "an event");
    }
    if ((int64_t)count != service->event_seq || !live_as_told(company, service, lives))
        company_complain(company, BREACH_RECORDS, "%s: %zu events of %" PRId64 ", %u times live", service->domain,
                         count, service->event_seq, lives);
    events_free(events, count);
    check_world(company, service, sights);
}

/** At most one account on a node. */
static void check_accounts(struct company *company, const struct service *service, const struct account *accounts,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (accounts[i].node_id == accounts[k].node_id)
                company_complain(company, BREACH_DOUBLED, "%s has two accounts on one node", service->domain);
        }
    }
    if (count == 0)
        company_complain(company, BREACH_UNFINISHED, "%s has no account", service->domain);
}

static void check_service(struct company *company, int64_t id)
{
    struct service service;
    struct account *accounts = NULL;
    size_t count = 0;
    struct secrets secrets = { .count = 0 };
    struct err err = { 0 };
    if (!company_find_service(company, id, &service))
        return;
    company_must(store_list_accounts(company->store, id, &accounts, &count, &err), &err, "accounts");
    secrets_load(company, accounts, count, &secrets);
    check_accounts(company, &service, accounts, count);
    check_events(company, &service, &secrets);
    check_told(company, &secrets, service.reason, "a reason");
    check_process_log(company, &secrets);
    check_tasks(company, &service, &secrets);
    check_all_tickets(company, &service);
    secrets_finish(&secrets);
    accounts_free(accounts, count);
    service_finish(&service);
}

/** One record for one order, whatever became of its answers. */
static void check_services(struct company *company)
{
    struct service_filter filter = { .limit = 1000 };
    struct service *services = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_services(company->store, &filter, &services, &count, &err), &err, "services");
    services_free(services, count);
    if (count != company->options.orders)
        company_complain(company, BREACH_LOST, "%u orders, %zu services", company->options.orders, count);
    for (unsigned i = 0; i < company->ordered; i++) {
        if (company->orders[i].service_id == 0)
            company_complain(company, BREACH_UNFINISHED, "order %u was never accepted", i);
        else
            check_service(company, company->orders[i].service_id);
    }
}

/* ---- the nodes' records ---------------------------------------------------------------------------------------------------- */

static int64_t accounts_on(struct company *company, int64_t node_id)
{
    int64_t found = 0;
    for (unsigned i = 0; i < company->ordered; i++) {
        struct account *accounts = NULL;
        size_t count = 0;
        struct err err = { 0 };
        company_must(store_list_accounts(company->store, company->orders[i].service_id, &accounts, &count, &err), &err,
                     "accounts");
        for (size_t k = 0; k < count; k++)
            found += accounts[k].node_id == node_id;
        accounts_free(accounts, count);
    }
    return found;
}

/** Beside a task that has failed others of its service may go on. */
static bool is_running(struct company *company, int64_t attempt_id)
{
    struct attempt attempt;
    struct err err = { 0 };
    company_must(store_get_attempt(company->store, attempt_id, &attempt, &err), &err, "attempt");
    bool running = attempt.outcome == ATTEMPT_RUNNING;
    attempt_finish(&attempt);
    return running;
}

static void check_node_records(struct company *company)
{
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_nodes(company->store, &nodes, &count, &err), &err, "nodes");
    for (size_t i = 0; i < count; i++) {
        int64_t accounts = accounts_on(company, nodes[i].id);
        if (nodes[i].load != accounts)
            company_complain(company, BREACH_RECORDS, "%s counts %" PRId64 " services and has %" PRId64, nodes[i].name,
                             nodes[i].load, accounts);
        if (nodes[i].slot_attempt_id != 0 && !is_running(company, nodes[i].slot_attempt_id))
            company_complain(company, BREACH_RECORDS, "the slot of %s is held by attempt %" PRId64, nodes[i].name,
                             nodes[i].slot_attempt_id);
        if (nodes[i].reloaded > nodes[i].changes)
            company_complain(company, BREACH_RECORDS, "%s: %" PRId64 " changes, %" PRId64 " reloaded", nodes[i].name,
                             nodes[i].changes, nodes[i].reloaded);
    }
    nodes_free(nodes, count);
}

unsigned company_check(struct company *company)
{
    unsigned all = 0;
    company_watch(company);
    company_watch_progress(company);
    if (company->is_late)
        company_complain(company, BREACH_UNFINISHED, "not all had ended %" PRId64 " minutes after the faults stopped",
                         (company->now_ms - company->calm_since_ms) / 60000);
    if (company->asked != company->answered)
        company_complain(company, BREACH_LOST, "%u requests, %u answers", company->asked, company->answered);
    check_services(company);
    check_node_records(company);
    company_check_nodes(company);
    for (enum company_breach kind = 0; kind < BREACH_KINDS; kind++)
        all += company->breaches[kind];
    return all;
}
