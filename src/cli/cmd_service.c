/* cmd_service.c - berthctl service: orders, and watching them become true. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/cmd_operation.h"
#include "cli/list.h"
#include "cli/term.h"
#include "core/eta.h"

#define WATCH_MS 250
#define PATIENCE_MS 60000 /* berthd may be restarted while one watches */

/* ---- watch ---------------------------------------------------------------------------------------------------------- */

enum ending { ENDING_NONE, ENDING_GOOD, ENDING_BAD };

static enum ending ending_of(const char *status)
{
    if (strcmp(status, "live") == 0)
        return ENDING_GOOD;
    if (strcmp(status, "failed") == 0 || strcmp(status, "suspended") == 0 || strcmp(status, "terminated") == 0)
        return ENDING_BAD;
    return ENDING_NONE;
}

/* What runs now; else what is waited for. */
static void add_doing(const json_t *tasks, const json_t *service, struct buf *doing)
{
    const char *waits_for = cli_text(service, "reason");
    json_t *task;
    size_t i;
    json_array_foreach(tasks, i, task)
    {
        if (strcmp(cli_text(task, "state"), "running") == 0)
            buf_addf(doing, "%s%s", doing->length == 0 ? "" : ", ", cli_text(task, "key"));
        else if (strcmp(cli_text(task, "state"), "waiting") == 0 && waits_for[0] == '\0')
            waits_for = cli_text(task, "reason");
    }
    if (doing->length == 0)
        buf_add_text(doing, waits_for);
}

/* ", about 20 s left"; "" when nobody knows. */
static void left_text(const json_t *service, char *ret_text, size_t size)
{
    const json_t *eta = json_object_get(json_object_get(service, "operation"), "eta");
    int64_t left_s = eta_round_s(cli_int(eta, "p50_s") * 1000);
    bool sure = json_is_true(json_object_get(eta, "sure"));
    const char *how = sure ? "about" : "perhaps";
    if (!json_is_object(eta))
        ret_text[0] = '\0';
    else if (left_s == 0)
        snprintf(ret_text, size, ", %sa few seconds left", sure ? "" : "perhaps ");
    else if (left_s < 120)
        snprintf(ret_text, size, ", %s %" PRId64 " s left", how, left_s);
    else
        snprintf(ret_text, size, ", %s %" PRId64 " min left", how, (left_s + 30) / 60);
}

struct watch {
    struct client *client;
    int64_t id;
    char shown[512]; /* the last plain line: the same is not said twice */
};

/* In a file the time left is told with what is new, and is nothing new by itself. */
static void show_line(struct watch *watch, const json_t *service, const char *doing, const char *left)
{
    int percent = (int)cli_int(json_object_get(service, "progress"), "percent");
    if (term_is_terminal()) {
        CLEANUP(freep) char *all = xasprintf("%s%s", doing, doing[0] == '\0' && left[0] != '\0' ? left + 2 : left);
        term_draw_bar(cli_text(service, "domain_unicode"), cli_text(service, "status"), percent, all);
        return;
    }
    char line[sizeof(watch->shown)], moment[16];
    snprintf(line, sizeof(line), "%3d%% %s%s%s", percent, cli_text(service, "status"), doing[0] == '\0' ? "" : ": ",
             doing);
    if (strcmp(line, watch->shown) == 0)
        return;
    time_t now = time(NULL);
    struct tm parts;
    strftime(moment, sizeof(moment), "%H:%M:%S", localtime_r(&now, &parts));
    printf("%s ", moment);
    term_print(line, strlen(line));
    puts(left);
    fflush(stdout);
    snprintf(watch->shown, sizeof(watch->shown), "%s", line);
}

/* One look. @param ret_service the caller's */
static bool look(struct watch *watch, json_t **ret_service, struct err *err)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/services/%" PRId64, watch->id);
    CLEANUP(freep) char *tasks_path = xasprintf("%s/tasks", path);
    json_t *service, *answer;
    if (!client_call(watch->client, "GET", tasks_path, NULL, NULL, &answer, err))
        return false;
    if (!client_call(watch->client, "GET", path, NULL, NULL, &service, err)) {
        json_decref(answer);
        return false;
    }
    struct buf doing = BUF_INIT;
    char left[64] = "";
    if (ending_of(cli_text(service, "status")) == ENDING_NONE) {
        add_doing(json_object_get(answer, "tasks"), service, &doing);
        left_text(service, left, sizeof(left));
    }
    show_line(watch, service, buf_text(&doing), left);
    buf_finish(&doing);
    json_decref(answer);
    *ret_service = service;
    return true;
}

/* Look until it is final; a server that is away for a while is waited for. @return NULL when it stays away */
static json_t *watch_until_final(struct watch *watch, struct err *err)
{
    const struct timespec step = { .tv_nsec = WATCH_MS * 1000000L };
    int64_t heard_us = clock_measure_us();
    for (;;) {
        json_t *service;
        if (look(watch, &service, err)) {
            heard_us = clock_measure_us();
            if (ending_of(cli_text(service, "status")) != ENDING_NONE)
                return service;
            json_decref(service);
        } else if ((err->code != ERR_IO && err->code != ERR_BUSY) ||
                   clock_measure_us() - heard_us > PATIENCE_MS * 1000LL) {
            return NULL;
        }
        nanosleep(&step, NULL);
    }
}

static enum cli_exit watch_service(struct cli *cli, int64_t id)
{
    struct err err;
    struct watch watch = { .id = id };
    if (!cli_client(cli, &watch.client, &err))
        return cli_fail(&err);
    json_t *service = watch_until_final(&watch, &err);
    term_end_bar();
    if (service == NULL)
        return cli_fail(&err);
    bool good = ending_of(cli_text(service, "status")) == ENDING_GOOD;
    if (good)
        printf("%s is live: %s\n", cli_text(service, "domain_unicode"), cli_text(service, "customer_url"));
    else
        fprintf(stderr, "berthctl: service %" PRId64 " is %s%s%s\n", id, cli_text(service, "status"),
                cli_text(service, "reason")[0] == '\0' ? "" : ": ", cli_text(service, "reason"));
    json_decref(service);
    return good ? CLI_OK : CLI_FAILED;
}

static enum cli_exit service_watch(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    return watch_service(cli, id);
}

/* ---- create --------------------------------------------------------------------------------------------------------- */

/* @return NULL: wrong, and that has been said */
static json_t *read_options(const struct cli_args *args)
{
    const char *text = cli_get(args, "options");
    json_error_t error;
    json_t *options = text == NULL ? json_object() : json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(options)) {
        json_decref(options);
        (void)cli_usage("--options must be a JSON object such as {\"mailbox\": \"info\"}");
        return NULL;
    }
    cli_set_text(options, "mailbox", args, "mailbox");
    cli_set_text(options, "php", args, "php");
    if (cli_set_int(options, "mailbox_quota_mb", args, "mailbox-quota"))
        return options;
    json_decref(options);
    return NULL;
}

static json_t *make_order(const struct cli_args *args)
{
    json_t *options = read_options(args);
    if (options == NULL)
        return NULL;
    json_t *order = json_object(), *client = json_object();
    cli_set_text(order, "product", args, "product");
    cli_set_text(order, "domain", args, "domain");
    cli_set_text(order, "external_id", args, "external-id");
    cli_set_text(client, "id", args, "client-id");
    cli_set_text(client, "name", args, "client-name");
    cli_set_text(client, "email", args, "client-email");
    json_object_set_new(order, "client", client);
    if (json_object_size(options) > 0)
        json_object_set(order, "options", options);
    json_decref(options);
    return order;
}

static enum cli_exit service_create(struct cli *cli, const struct cli_args *args)
{
    struct err err;
    struct client *client;
    json_t *answer, *order = make_order(args);
    if (order == NULL)
        return CLI_USAGE;
    bool ok = cli_client(cli, &client, &err) &&
              client_call(client, "POST", "/api/v1/services", order, cli_get(args, "idempotency-key"), &answer, &err);
    json_decref(order);
    if (!ok)
        return cli_fail(&err);
    int64_t id = strtoll(cli_text(answer, "id"), NULL, 10);
    if (cli->json) {
        (void)cli_print_json(answer);
    } else {
        printf("service %" PRId64 " %s\ncustomer's page: %s\n", id,
               json_is_true(json_object_get(answer, "existing")) ? "was ordered before" : "is accepted",
               cli_text(answer, "customer_url"));
        json_decref(answer);
    }
    return cli_has(args, "watch") ? watch_service(cli, id) : CLI_OK;
}

/* ---- list and show -------------------------------------------------------------------------------------------------- */

static void add_row(struct table *table, const json_t *service)
{
    const json_t *client = json_object_get(service, "client");
    const char *name = cli_text(client, "name");
    const char *cells[] = { cli_text(service, "id"),
                            cli_text(service, "domain_unicode"),
                            cli_text(service, "status"),
                            cli_text(service, "product"),
                            name[0] != '\0' ? name : cli_text(client, "id"),
                            term_time(cli_text(service, "created_at")),
                            cli_text(service, "reason") };
    table_add(table, cells);
}

static enum cli_exit service_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "DOMAIN", "!STATUS", "PRODUCT", "CLIENT", "ORDERED", "REASON", NULL };
    static const struct list list = { "services", titles, add_row, "There are no such services.", true };
    static const struct list_filter filters[] = { { "status", "status" },
                                                  { "domain", "domain" },
                                                  { "client-id", "client_id" },
                                                  { "external-id", "external_id" },
                                                  LIST_FILTERS_END };
    CLEANUP(freep) char *path = list_path("/api/v1/services", args, filters);
    return list_print(cli, path, &list);
}

static void print_roles(const json_t *service)
{
    json_t *role, *node;
    size_t i, j;
    json_array_foreach(json_object_get(service, "roles"), i, role)
    {
        struct buf nodes = BUF_INIT;
        json_array_foreach(json_object_get(role, "nodes"), j, node) buf_addf(
            &nodes, "%s%s (account %s)", j == 0 ? "" : ", ", cli_text(node, "name"), cli_text(node, "account"));
        term_field(cli_text(role, "role"), nodes.length == 0 ? "not placed yet" : buf_text(&nodes));
        buf_finish(&nodes);
    }
}

static void print_service(const json_t *service)
{
    const json_t *client = json_object_get(service, "client"), *progress = json_object_get(service, "progress");
    char who[600], how_far[80];
    const char *name = cli_text(client, "name");
    snprintf(who, sizeof(who), "%s%s%s <%s>", cli_text(client, "id"), name[0] == '\0' ? "" : " ", name,
             cli_text(client, "email"));
    snprintf(how_far, sizeof(how_far), "%" PRId64 "%%, %" PRId64 " of %" PRId64 " steps", cli_int(progress, "percent"),
             cli_int(progress, "done"), cli_int(progress, "total"));
    term_field("service", cli_text(service, "id"));
    term_field("domain", cli_text(service, "domain_unicode"));
    if (strcmp(cli_text(service, "domain"), cli_text(service, "domain_unicode")) != 0)
        term_field("", cli_text(service, "domain"));
    term_field("status", cli_text(service, "status"));
    term_field("reason", cli_text(service, "reason"));
    term_field("progress", how_far);
    term_field("product", cli_text(service, "product"));
    term_field("client", who);
    term_field("external id", cli_text(service, "external_id"));
    print_roles(service);
    term_field("certificate", cli_text(json_object_get(service, "ssl"), "state"));
    term_field("ordered", term_time(cli_text(service, "created_at")));
    term_field("live", term_time(cli_text(service, "live_at")));
    term_field("customer's page", cli_text(service, "customer_url"));
}

static enum cli_exit service_show(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    CLEANUP(freep) char *path = xasprintf("/api/v1/services/%" PRId64, id);
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    print_service(answer);
    json_decref(answer);
    return CLI_OK;
}

static const struct cli_option create_options[] = {
    { "product", "NAME", "what is ordered (needed)" },
    { "domain", "NAME", "for which domain (needed)" },
    { "client-id", "ID", "the client's id in the billing system (needed)" },
    { "client-email", "ADDRESS", "the client's e-mail address (needed)" },
    { "client-name", "TEXT", "the client's name" },
    { "external-id", "ID", "the order's id in the billing system: the same again gives the same service" },
    { "idempotency-key", "KEY", "likewise for this one request" },
    { "mailbox", "NAME", "the first mailbox: the part before the @" },
    { "mailbox-quota", "MB", "its size" },
    { "php", "VERSION", "PHP of the website, e.g. 8.2" },
    { "options", "JSON", "the options as the API takes them" },
    { "watch", NULL, "stay until it is live" },
    CLI_OPTIONS_END,
};
static const struct cli_option list_options[] = {
    { "status", "STATUS", "accepted, waiting, deploying, live, failed, suspended or terminated" },
    { "domain", "NAME", "this domain; with a * at the end: all that begin so" },
    { "client-id", "ID", "of this client" },
    { "external-id", "ID", "with this id in the billing system" },
    LIST_PAGE_OPTIONS,
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "create", "", 0, create_options, service_create, "place an order" },
    { "list", "", 0, list_options, service_list, "list services, the newest first" },
    { "show", "ID", 1, NULL, service_show, "show one" },
    { "watch", "ID", 1, NULL, service_watch, "follow its progress until it is live (exit 0) or has failed (exit 1)" },
    { "redeploy", "ID", 1, NULL, service_redeploy, "hard reset: look at every step anew, make what is missing" },
    { "verify", "ID", 1, NULL, service_verify, "look at every step, repair what is wrong, say what it was" },
    { "plan", "ID", 1, NULL, service_plan, "say what a redeploy would change; changes nothing" },
    { "password", "ID", 1, NULL, service_password, "set new passwords for its panel users and its mailbox" },
    { "retry", "ID", 1, NULL, service_retry, "try everything again that has failed or waits" },
    { "cancel", "ID", 1, NULL, service_cancel, "end what is under way" },
};
const struct cli_group cli_service = { "service", "customers' subscriptions", commands, ARRAY_LEN(commands) };
