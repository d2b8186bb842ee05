/* company_ask.c - a company by hand: what people ask of the engine, what happens on nodes, what the records say. See company.h. */
#include "company_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/product.h"
#include "transport/sim_node.h"

/* ---- asking --------------------------------------------------------------------------------------------------------- */

void company_post(struct company *company, struct request *request,
                  void (*done)(struct request *request, void *context), void *context)
{
    request->done = done;
    request->context = context;
    company->asked++;
    inbox_post(company->inbox, request);
}

static void keep_answer(struct request *request, void *context)
{
    *(struct request **)context = request;
}

#define ANSWER_WITHIN_MS 60000

struct request *company_ask(struct company *company, struct request *request)
{
    struct request *answer = NULL;
    int64_t end_ms = company->now_ms + ANSWER_WITHIN_MS;
    company_post(company, request, keep_answer, &answer);
    while (answer == NULL && company->now_ms < end_ms) {
        company_step(company);
        int64_t next_ms = company_next_ms(company);
        if (answer == NULL && next_ms > company->now_ms)
            company->now_ms = next_ms;
    }
    struct err none = { .msg = "no answer" };
    company_must(answer != NULL, &none, "request");
    company->answered++;
    return answer;
}

struct request *company_order_request(const char *product, const char *domain, const char *external_id)
{
    struct request *request = request_create(REQUEST_ORDER);
    request->order.product = xstrdup(product);
    request->order.domain = xstrdup(domain);
    request->order.client_id = xstrdup("7");
    request->order.client_name = xstrdup("Ada Lovelace");
    request->order.client_email = xstrdup("ada@example.org");
    request->order.external_id = xstrdup(external_id);
    request->order.idempotency_key = xstrdup("");
    request->order.options = xstrdup("{}");
    return request;
}

int64_t company_order(struct company *company, const char *product, const char *domain, const char *external_id)
{
    struct request *request = company_ask(company, company_order_request(product, domain, external_id));
    company_must(request->ok, &request->err, "order");
    int64_t id = request->id;
    request_destroy(request);
    return id;
}

void company_add_node(struct company *company, const char *name, int64_t capacity_max)
{
    struct request *request = company_ask(company, company_node_request(company, company_seed_of(name), capacity_max));
    company_must(request->ok, &request->err, "node");
    request_destroy(request);
}

void company_fail_node_add(struct company *company, const char *name)
{
    company_fail_store(company, STORE_FAULT_COMMIT, 1);
    struct request *request = company_ask(company, company_node_request(company, company_seed_of(name), 0));
    struct err none = { .msg = "a node was added although the commit failed" };
    company_must(!request->ok, &none, name);
    request_destroy(request);
}

static int64_t node_id(struct company *company, const char *name)
{
    struct node *nodes = NULL;
    size_t count = 0;
    struct err err = { 0 };
    int64_t id = 0;
    company_must(store_list_nodes(company->store, &nodes, &count, &err), &err, "nodes");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(nodes[i].name, name) == 0)
            id = nodes[i].id;
    }
    nodes_free(nodes, count);
    return id;
}

void company_set_node(struct company *company, const char *name, enum node_state state, int64_t capacity_max)
{
    struct request *request = request_create(REQUEST_NODE_SET);
    request->target_id = node_id(company, name);
    request->node.state = state;
    request->node.capacity_max = capacity_max;
    request = company_ask(company, request);
    company_must(request->ok, &request->err, "node set");
    request_destroy(request);
}

bool company_retry(struct company *company, int64_t service_id, const char *key)
{
    struct task task;
    struct request *request = request_create(REQUEST_TASK_RETRY);
    company_get_task(company, service_id, key, &task);
    request->target_id = task.id;
    task_finish(&task);
    request = company_ask(company, request);
    bool ok = request->ok;
    request_destroy(request);
    return ok;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------ */

const char *company_address(const char *node)
{
    return company_seed_of(node)->address;
}

void company_standin(struct company *company, const char *node, const char *lines)
{
    struct panel_host *host = panel_memory_host(transport_sim_memory(company->nodes, company_address(node)));
    CLEANUP(freep)
    char *text = xasprintf("%s\n%s\n", company->options.pace == NULL ? "pace=recorded" : company->options.pace, lines);
    host->ops->write(host, PANEL_ROOT "/conf/standin.conf", text, strlen(text));
}

void company_run_on(struct company *company, const char *node, const char *const *words, size_t count)
{
    CLEANUP(buf_finish) struct buf out = BUF_INIT;
    CLEANUP(buf_finish) struct buf err = BUF_INIT;
    char *argv[12] = { NULL };
    for (size_t i = 0; i < count; i++)
        argv[i] = i == 0 ? xasprintf("/usr/local/hestia/bin/%s", words[i]) : xstrdup(words[i]);
    struct panel_memory *memory = transport_sim_memory(company->nodes, company_address(node));
    int code = panel_shell(memory, (int)count, argv, NULL, &out, &err);
    for (size_t i = 0; i < count; i++)
        free(argv[i]);
    struct err why = { 0 };
    err_set(&why, ERR_BUG, "exit %d %s", code, buf_text(&out));
    company_must(code == 0, &why, words[0]);
}

char *company_dump(struct company *company)
{
    struct buf text = BUF_INIT;
    transport_sim_dump(company->nodes, false, &text);
    return buf_steal(&text);
}

/* ---- passwords ---------------------------------------------------------------------------------------------------------- */

char *company_secret(struct company *company, int64_t service_id, int64_t node_id, const char *kind)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    char *text = NULL;
    struct err err = { 0 };
    CLEANUP(freep) char *context = xasprintf("%" PRId64 "/%" PRId64 "/%s", service_id, node_id, kind);
    company_must(store_get_secret(company->store, service_id, node_id, kind, &cipher, &length, &err), &err, "secret");
    company_must(cipher == NULL || keyring_open(company->keyring, context, cipher, length, &text, &err), &err,
                 "secret");
    free(cipher);
    return text;
}

static char *mailbox_of(struct company *company, const struct service *service)
{
    struct product product;
    struct product_spec spec;
    struct order_options options;
    struct err err = { 0 };
    company_must(store_get_product(company->store, service->product_id, &product, &err) &&
                     product_spec_parse(product.spec, &spec, &err) &&
                     order_options_parse(service->options, &spec, &options, &err),
                 &err, "product");
    char *mailbox = xstrdup(options.mailbox);
    order_options_finish(&options);
    product_spec_finish(&spec);
    product_finish(&product);
    return mailbox;
}

bool company_password_works(struct company *company, const struct account *account, bool mailbox, const char *password)
{
    const char *address = company_node_seeds[account->node_id - 1].address;
    struct panel_memory *memory = transport_sim_memory(company->nodes, address);
    struct panel_host *host = panel_memory_host(memory);
    if (!mailbox)
        return host->ops->user_check_password(host, account->username, password);
    struct service service;
    company_get_service(company, account->service_id, &service);
    CLEANUP(freep) char *name = mailbox_of(company, &service);
    bool works = panel_memory_mail_login(memory, service.domain, name, password);
    service_finish(&service);
    return works;
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

void company_get_service(struct company *company, int64_t id, struct service *ret_service)
{
    struct err err = { 0 };
    *ret_service = (struct service){ 0 };
    company_must(store_get_service(company->store, id, ret_service, &err), &err, "an accepted order is lost");
}

void company_get_operation(struct company *company, int64_t service_id, struct operation *ret_operation)
{
    struct err err = { 0 };
    struct service service;
    company_get_service(company, service_id, &service);
    *ret_operation = (struct operation){ 0 };
    company_must(store_get_operation(company->store, service.operation_id, ret_operation, &err), &err, "operation");
    service_finish(&service);
}

void company_get_task(struct company *company, int64_t service_id, const char *key, struct task *ret_task)
{
    struct operation operation;
    struct task *tasks = NULL;
    size_t count = 0;
    struct err err = { .msg = "no such task" };
    bool found = false;
    company_get_operation(company, service_id, &operation);
    company_must(store_list_tasks(company->store, operation.id, &tasks, &count, &err), &err, "tasks");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tasks[i].key, key) == 0) {
            *ret_task = tasks[i];
            tasks[i] = (struct task){ 0 };
            found = true;
        }
    }
    tasks_free(tasks, count);
    operation_finish(&operation);
    company_must(found, &err, key);
}

static const char *member(const json_t *data, const char *key)
{
    const char *text = json_string_value(json_object_get(data, key));
    return text == NULL ? "" : text;
}

static void trace_event(const struct event *event, bool is_with_time, struct buf *text)
{
    static const char *const members[] = { "key", "cause", "reason", "domain", "detail" };
    json_t *data = json_loads(event->data, 0, NULL);
    if (is_with_time)
        buf_addf(text, "[%6" PRId64 "] ", event->at_ms - COMPANY_START_MS);
    buf_add_text(text, event->kind);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (member(data, members[i])[0] != '\0')
            buf_addf(text, "%s%s", i == 0 ? " " : i == 1 ? ": " : "; ", member(data, members[i]));
    }
    buf_add_char(text, '\n');
    json_decref(data);
}

void company_trace(struct company *company, int64_t service_id, bool is_with_time, struct buf *ret_text)
{
    struct event *events = NULL;
    size_t count = 0;
    struct err err = { 0 };
    company_must(store_list_events(company->store, service_id, 0, 100000, &events, &count, &err), &err, "events");
    for (size_t i = 0; i < count; i++)
        trace_event(&events[i], is_with_time, ret_text);
    events_free(events, count);
}
