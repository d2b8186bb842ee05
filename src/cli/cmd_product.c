/* cmd_product.c - berthctl product: what is sold. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

/* "disk_mb=1000" into the object: numbers as numbers. @return false: not of that form, and that has been said */
static bool set_pair(json_t *role, const char *option, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL || equals == pair) {
        (void)cli_usage("--%s takes FIELD=VALUE, such as --%s disk_mb=1000, not \"%s\"", option, option, pair);
        return false;
    }
    CLEANUP(freep) char *field = xstrndup(pair, (size_t)(equals - pair));
    char *end;
    errno = 0;
    long long number = strtoll(equals + 1, &end, 10);
    bool is_number = end != equals + 1 && *end == '\0' && errno == 0;
    json_object_set_new(role, field, is_number ? json_integer(number) : json_string(equals + 1));
    return true;
}

static bool set_role(json_t *body, const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->value_count; i++) {
        if (strcmp(args->values[i].option->name, name) != 0)
            continue;
        if (json_object_get(body, name) == NULL)
            json_object_set_new(body, name, json_object());
        if (!set_pair(json_object_get(body, name), name, args->values[i].text))
            return false;
    }
    return true;
}

/* --roles web,dns: with every field as the product leaves it open. */
static void set_plain_roles(json_t *body, const struct cli_args *args)
{
    json_t *holder = json_object(), *role;
    size_t i;
    cli_set_list(holder, "roles", args, "roles");
    json_array_foreach(json_object_get(holder, "roles"), i, role)
    {
        if (json_object_get(body, json_string_value(role)) == NULL)
            json_object_set_new(body, json_string_value(role), json_object());
    }
    json_decref(holder);
}

/* @return NULL on failure, which has been said */
static json_t *start_body(const struct cli_args *args)
{
    const char *path = cli_get(args, "file");
    struct err err;
    if (path == NULL)
        return json_object();
    char *text;
    json_error_t error;
    if (!cli_read_file(path, &text, &err)) {
        (void)cli_fail(&err);
        return NULL;
    }
    json_t *body = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (json_is_object(body))
        return body;
    err_set(&err, ERR_INVALID, "%s is not a JSON object: line %d, column %d: %s", path, error.line, error.column,
            body == NULL ? error.text : "something else");
    json_decref(body);
    (void)cli_fail(&err);
    return NULL;
}

static enum cli_exit product_add(struct cli *cli, const struct cli_args *args)
{
    json_t *answer, *body = start_body(args);
    if (body == NULL)
        return CLI_FAILED;
    json_object_set_new(body, "name", json_string(args->words[0]));
    cli_set_text(body, "title", args, "title");
    cli_set_text(body, "group", args, "group");
    cli_set_text(body, "mode", args, "mode");
    set_plain_roles(body, args);
    if (!set_role(body, args, "web") || !set_role(body, args, "mail") || !set_role(body, args, "dns")) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (!cli_call(cli, "POST", "/api/v1/products", body, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    printf("product %s added\n", cli_text(answer, "name"));
    json_decref(answer);
    return CLI_OK;
}

static void add_row(struct table *table, const json_t *product)
{
    static const char *const roles[] = { "web", "mail", "dns" };
    char sold[32] = "";
    for (size_t role = 0; role < ARRAY_LEN(roles); role++) {
        if (json_object_get(product, roles[role]) != NULL)
            snprintf(sold + strlen(sold), sizeof(sold) - strlen(sold), "%s%s", sold[0] == '\0' ? "" : ",", roles[role]);
    }
    const char *cells[] = { cli_text(product, "id"),
                            cli_text(product, "name"),
                            cli_text(product, "mode"),
                            cli_text(product, "group"),
                            sold,
                            cli_text(product, "title") };
    table_add(table, cells);
}

static enum cli_exit product_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "NAME", "MODE", "GROUP", "ROLES", "TITLE", NULL };
    static const struct list list = { "products", titles, add_row,
                                      "There are no products yet: berthctl product add --help", false };
    (void)args;
    return list_print(cli, "/api/v1/products", &list);
}

static const struct cli_option add_options[] = {
    { "group", "NAME", "the group of nodes that it is placed on (needed)" },
    { "title", "TEXT", "what people read" },
    { "mode", "MODE", "split: web, mail and DNS on nodes of their own (split)" },
    { "roles", "LIST", "web, mail, dns: what is sold, each as it comes" },
    { "web", "FIELD=VALUE", "limits of the web part: disk_mb=1000 (may be repeated)" },
    { "mail", "FIELD=VALUE", "of the mail part: mailbox=info" },
    { "dns", "FIELD=VALUE", "of the DNS part: template=default" },
    { "file", "FILE", "a JSON object {\"web\": {...}, \"mail\": {...}, \"dns\": {...}}; - is standard input" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "add", "NAME", 1, add_options, product_add, "add a product" },
    { "list", "", 0, NULL, product_list, "list the products" },
};
const struct cli_group cli_product = { "product", "what is sold", commands, ARRAY_LEN(commands) };
