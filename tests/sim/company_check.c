/* company_check.c - what must be true of every company at its end, whatever has gone wrong on the way. See company_internal.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/sim_node.h"

#define SECRETS_MAX 8 /* of one service */

unsigned company_complain(const struct company *company, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "seed %" PRIu64 ": ", company->options.seed);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

#define complain company_complain

/* ---- along the way -------------------------------------------------------------------------------------------------- */

void company_watch_progress(struct company *company)
{
    for (unsigned i = 0; i < company->ordered; i++) {
        struct company_order *order = &company->orders[i];
        struct service service;
        struct operation operation;
        if (order->service_id == 0)
            continue;
        company_get_service(company, order->service_id, &service);
        bool placed = service.operation_id != 0;
        service_finish(&service);
        if (!placed)
            continue;
        company_get_operation(company, order->service_id, &operation);
        if (operation.tasks_done < order->tasks_done || operation.weight_done < order->weight_done)
            company->breaches +=
                complain(company, "service %" PRId64 ": progress goes back from %" PRId64 " to %" PRId64 " tasks",
                         order->service_id, order->tasks_done, operation.tasks_done);
        order->tasks_done = operation.tasks_done;
        order->weight_done = operation.weight_done;
        operation_finish(&operation);
    }
}

/* ---- secrets ---------------------------------------------------------------------------------------------------------- */

struct secrets {
    char *texts[SECRETS_MAX];
    size_t count;
};

static void secret_open(struct company *company, int64_t service_id, int64_t node_id, const char *kind,
                        struct secrets *secrets)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    struct err err = { 0 };
    CLEANUP(freep) char *context = xasprintf("%" PRId64 "/%" PRId64 "/%s", service_id, node_id, kind);
    company_must(store_get_secret(company->store, service_id, node_id, kind, &cipher, &length, &err), &err, "secret");
    if (cipher == NULL || secrets->count == SECRETS_MAX)
        return;
    company_must(keyring_open(company->keyring, context, cipher, length, &secrets->texts[secrets->count], &err), &err,
                 "secret");
    secrets->count++;
    free(cipher);
}

static void secrets_load(struct company *company, const struct account *accounts, size_t count,
                         struct secrets *ret_secrets)
{
    for (size_t i = 0; i < count; i++) {
        secret_open(company, accounts[i].service_id, accounts[i].node_id, "panel-password", ret_secrets);
        secret_open(company, accounts[i].service_id, accounts[i].node_id, "mailbox-password", ret_secrets);
    }
}

static void secrets_finish(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        free(secrets->texts[i]);
}

static unsigned check_told(const struct company *company, const struct secrets *secrets, const char *text,
                           const char *where)
{
    unsigned breaches = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        if (strstr(text, secrets->texts[i]) != NULL)
            breaches += complain(company, "a password stands in %s", where);
    }
    return breaches;
}

static unsigned check_process_log(struct company *company, const struct secrets *secrets)
{
    struct stat status;
    if (company->log_fd < 0 || fstat(company->log_fd, &status) != 0)
        return 0;
    CLEANUP(freep) char *text = xcalloc((size_t)status.st_size + 1, 1);
    if (pread(company->log_fd, text, (size_t)status.st_size, 0) != status.st_size)
        return complain(company, "the log cannot be read");
    return check_told(company, secrets, text, "the log");
}

/* ---- one service -------------------------------------------------------------------------------------------------------- */

static unsigned check_attempt_log(struct company *company, int64_t attempt_id, const struct secrets *secrets)
{
    struct log_chunk *chunks = NULL;
    size_t count = 0;
    struct err err = { 0 };
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    company_must(store_read_log(company->store, attempt_id, 0, ATTEMPT_LOG_MAX, &chunks, &count, &err), &err, "log");
    for (size_t i = 0; i < count; i++)
        buf_add_text(&text, chunks[i].data);
    log_chunks_free(chunks, count);
    return check_told(company, secrets, buf_text(&text), "an attempt's log");
}

/** Numbers without gaps, none left running, one success at most (of zones: one for each key that they had to carry). */
static unsigned check_attempts(struct company *company, const struct task *task, const struct secrets *secrets)
{
    struct attempt *attempts = NULL;
    size_t count = 0;
    unsigned breaches = 0, done = 0;
    struct err err = { 0 };
    company_must(store_list_attempts(company->store, task->id, &attempts, &count, &err), &err, "attempts");
    for (size_t i = 0; i < count; i++) {
        done += attempts[i].outcome == ATTEMPT_DONE;
        if (attempts[i].number != (int)i + 1)
            breaches += complain(company, "%s: attempt %zu has the number %d", task->key, i + 1, attempts[i].number);
        if (attempts[i].outcome == ATTEMPT_RUNNING && task->state != TASK_RUNNING)
            breaches += complain(company, "%s: attempt %d runs on", task->key, attempts[i].number);
        if (secrets->count > 0)
            breaches += check_attempt_log(company, attempts[i].id, secrets);
    }
    if (done > 1 && task->inputs_hash[0] == '\0')
        breaches += complain(company, "%s was done %u times", task->key, done);
    if (task->attempts > RETRY_POLICY_DEFAULT.attempts_max)
        breaches += complain(company, "%s was tried %d times", task->key, task->attempts);
    attempts_free(attempts, count);
    return breaches;
}

static unsigned check_tasks(struct company *company, const struct service *service, const struct secrets *secrets)
{
    struct operation operation;
    struct task *tasks = NULL;
    size_t count = 0;
    unsigned breaches = 0;
    struct err err = { 0 };
    int64_t done = 0, weight = 0, weight_done = 0;
    company_get_operation(company, service->id, &operation);
    company_must(store_list_tasks(company->store, operation.id, &tasks, &count, &err), &err, "tasks");
    for (size_t i = 0; i < count; i++) {
        weight += tasks[i].weight;
        done += tasks[i].state == TASK_DONE;
        weight_done += tasks[i].state == TASK_DONE ? tasks[i].weight : 0;
        if (service->status == SERVICE_LIVE && tasks[i].state != TASK_DONE)
            breaches += complain(company, "%s is live, but %s is %s", service->domain, tasks[i].key,
                                 task_state_name(tasks[i].state));
        breaches += check_attempts(company, &tasks[i], secrets);
    }
    if (done != operation.tasks_done || weight_done != operation.weight_done ||
        (int64_t)count != operation.tasks_total || weight != operation.weight_total)
        breaches +=
            complain(company, "%s: %" PRId64 " of %zu tasks are done, the operation says %" PRId64 " of %" PRId64,
                     service->domain, done, count, operation.tasks_done, operation.tasks_total);
    enum operation_state want = service->status == SERVICE_LIVE ? OPERATION_DONE : OPERATION_FAILED;
    if (operation.state != want)
        breaches += complain(company, "%s is %s, its operation %s", service->domain,
                             service_status_name(service->status), operation_state_name(operation.state));
    tasks_free(tasks, count);
    operation_finish(&operation);
    return breaches;
}

static unsigned check_events(struct company *company, const struct service *service, const struct secrets *secrets)
{
    struct event *events = NULL;
    size_t count = 0;
    unsigned breaches = 0, lives = 0;
    struct err err = { 0 };
    company_must(store_list_events(company->store, service->id, 0, 1000000, &events, &count, &err), &err, "events");
    for (size_t i = 0; i < count; i++) {
        if (events[i].seq != (int64_t)i + 1)
            breaches +=
                complain(company, "%s: event %zu has the number %" PRId64, service->domain, i + 1, events[i].seq);
        if (strcmp(events[i].data, "{}") == 0 && strcmp(events[i].kind, "service.live") != 0)
            breaches += complain(company, "%s: %s says nothing", service->domain, events[i].kind);
        lives += strcmp(events[i].kind, "service.live") == 0;
        breaches += check_told(company, secrets, events[i].data, "an event");
    }
    if ((int64_t)count != service->event_seq || lives != (service->status == SERVICE_LIVE))
        breaches += complain(company, "%s: %zu events of %" PRId64 ", %u times live", service->domain, count,
                             service->event_seq, lives);
    events_free(events, count);
    return breaches;
}

/** At most one account on a node, and what it has changed there is loaded. */
static unsigned check_accounts(struct company *company, const struct service *service, const struct account *accounts,
                               size_t count)
{
    unsigned breaches = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (accounts[i].node_id == accounts[k].node_id)
                breaches += complain(company, "%s has two accounts on one node", service->domain);
        }
    }
    if (count == 0)
        breaches += complain(company, "%s has no account", service->domain);
    return breaches;
}

static unsigned check_service(struct company *company, int64_t id)
{
    struct service service;
    struct account *accounts = NULL;
    size_t count = 0;
    struct secrets secrets = { .count = 0 };
    struct err err = { 0 };
    unsigned breaches = 0;
    company_get_service(company, id, &service);
    /* As root everything heals once the faults have stopped; with sudo some repairs need a person, who is told. */
    bool told = company->options.sudo && service.status == SERVICE_FAILED && service.reason[0] != '\0' &&
                service.reason_key[0] != '\0';
    if (service.status != SERVICE_LIVE && !told)
        breaches +=
            complain(company, "%s is %s: %s", service.domain, service_status_name(service.status), service.reason);
    company_must(store_list_accounts(company->store, id, &accounts, &count, &err), &err, "accounts");
    secrets_load(company, accounts, count, &secrets);
    breaches += check_accounts(company, &service, accounts, count);
    breaches += check_events(company, &service, &secrets) + check_told(company, &secrets, service.reason, "a reason");
    breaches += check_process_log(company, &secrets);
    if (service.operation_id != 0)
        breaches += check_tasks(company, &service, &secrets);
    secrets_finish(&secrets);
    accounts_free(accounts, count);
    service_finish(&service);
    return breaches;
}

/** One record for one order, whatever became of its answers. */
static unsigned check_services(struct company *company)
{
    unsigned breaches = 0;
    struct service_filter filter = { .limit = 1000 };
    struct service *services = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_services(company->store, &filter, &services, &count, &err), &err, "services");
    services_free(services, count);
    if (count != company->options.orders)
        breaches += complain(company, "%u orders, %zu services", company->options.orders, count);
    for (unsigned i = 0; i < company->ordered; i++) {
        if (company->orders[i].service_id == 0)
            breaches += complain(company, "order %u was never accepted", i);
        else
            breaches += check_service(company, company->orders[i].service_id);
    }
    return breaches;
}

/* ---- the nodes ------------------------------------------------------------------------------------------------------------ */

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

static unsigned check_nodes(struct company *company)
{
    unsigned breaches = 0;
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_nodes(company->store, &nodes, &count, &err), &err, "nodes");
    for (size_t i = 0; i < count; i++) {
        int64_t accounts = accounts_on(company, nodes[i].id);
        if (nodes[i].load != accounts)
            breaches += complain(company, "%s counts %" PRId64 " services and has %" PRId64, nodes[i].name,
                                 nodes[i].load, accounts);
        if (nodes[i].slot_attempt_id != 0 && !is_running(company, nodes[i].slot_attempt_id))
            breaches += complain(company, "the slot of %s is held by attempt %" PRId64, nodes[i].name,
                                 nodes[i].slot_attempt_id);
        if (nodes[i].reloaded > nodes[i].changes)
            breaches += complain(company, "%s: %" PRId64 " changes, %" PRId64 " reloaded", nodes[i].name,
                                 nodes[i].changes, nodes[i].reloaded);
    }
    nodes_free(nodes, count);
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
    for (size_t i = 0; i < COMPANY_NODES; i++) {
        struct buf dump = BUF_INIT;
        sim_node_dump(transport_sim_memory(company->nodes, company_node_seeds[i].address), false, &dump);
        CLEANUP(freep) char *copy = xstrdup(buf_text(&dump));
        char *rest = NULL;
        for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
            if (count_lines(buf_text(&dump), line) != 1)
                breaches += complain(company, "%s has twice: %s", company_node_seeds[i].name, line);
        }
        buf_finish(&dump);
    }
    return breaches;
}

/** Every line that stood on the nodes before still stands there. */
static unsigned check_strangers(struct company *company)
{
    unsigned breaches = 0;
    CLEANUP(freep) char *after = company_dump(company);
    CLEANUP(freep) char *copy = xstrdup(company->before);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (count_lines(after, line) < count_lines(company->before, line))
            breaches += complain(company, "somebody else's is gone: %s", line);
    }
    return breaches;
}

unsigned company_check(struct company *company)
{
    company_watch_progress(company);
    unsigned breaches = company->breaches;
    if (company->asked != company->answered)
        breaches += complain(company, "%u requests, %u answers", company->asked, company->answered);
    return breaches + check_services(company) + check_nodes(company) + check_doubles(company) +
           check_strangers(company);
}
