/* cmd_reveal.c - berthctl reveal: shows the passwords of a service to who may read the key file and the database anyway, on this
 * machine. No answer of the API holds a password, so this is no client of it: it opens both files itself, read-only. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/keyring.h"
#include "cli/cli.h"
#include "core/product.h"
#include "store/store.h"

#define DEFAULT_DIR "/etc/berth"
#define DEFAULT_DATA "/var/lib/berth"

struct reveal {
    struct store *store;
    struct keyring *keyring;
    struct service service;
    struct order_options options;
    json_t *rows;
};

static void reveal_finish(struct reveal *reveal)
{
    store_close(reveal->store);
    keyring_destroy(reveal->keyring);
    service_finish(&reveal->service);
    order_options_finish(&reveal->options);
}

/** One stored secret as a row; nothing when there is none. */
static bool add_row(struct reveal *reveal, int64_t node_id, const char *kind, const char *what, const char *login,
                    struct err *err)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    char *text = NULL;
    char context[100];
    snprintf(context, sizeof(context), "%" PRId64 "/%" PRId64 "/%s", reveal->service.id, node_id, kind);
    if (!store_get_secret(reveal->store, reveal->service.id, node_id, kind, &cipher, &length, err))
        return false;
    if (cipher == NULL)
        return true;
    bool ok = keyring_open(reveal->keyring, context, cipher, length, &text, err);
    free(cipher);
    if (!ok)
        return false;
    json_array_append_new(reveal->rows, json_pack("{s:s, s:s, s:s}", "what", what, "login", login, "password", text));
    explicit_bzero(text, strlen(text));
    free(text);
    return true;
}

static bool collect(struct reveal *reveal, struct err *err)
{
    struct account *accounts = NULL;
    struct node *nodes = NULL;
    size_t count = 0, node_count = 0;
    bool ok = store_list_accounts(reveal->store, reveal->service.id, &accounts, &count, err) &&
              store_list_nodes(reveal->store, &nodes, &node_count, err);
    CLEANUP(freep) char *mailbox = xasprintf("%s@%s", reveal->options.mailbox, reveal->service.domain);
    for (size_t i = 0; ok && i < count; i++) {
        const char *name = "?";
        for (size_t k = 0; k < node_count; k++) {
            if (nodes[k].id == accounts[i].node_id)
                name = nodes[k].name;
        }
        CLEANUP(freep) char *what = xasprintf("panel on %s", name);
        ok = add_row(reveal, accounts[i].node_id, "panel-password", what, accounts[i].username, err) &&
             add_row(reveal, accounts[i].node_id, "mailbox-password", "mailbox", mailbox, err);
    }
    accounts_free(accounts, count);
    nodes_free(nodes, node_count);
    return ok;
}

static bool load(struct reveal *reveal, const char *dir, const char *data, int64_t service_id, struct err *err)
{
    struct product product = { 0 };
    struct product_spec spec = { 0 };
    CLEANUP(freep) char *key_path = xasprintf("%s/berth.key", dir);
    CLEANUP(freep) char *url = xasprintf("sqlite://%s/berth.db", data);
    if (!keyring_load(key_path, &reveal->keyring, err) || !store_open_reader(url, &reveal->store, err) ||
        !store_get_service(reveal->store, service_id, &reveal->service, err) ||
        !store_get_product(reveal->store, reveal->service.product_id, &product, err))
        return false;
    bool ok = product_spec_parse(product.spec, &spec, err) &&
              order_options_parse(reveal->service.options, &spec, &reveal->options, err);
    product_spec_finish(&spec);
    product_finish(&product);
    return ok && collect(reveal, err);
}

static enum cli_exit reveal_run(struct cli *cli, const struct cli_args *args)
{
    const char *dir = cli_get(args, "dir"), *data = cli_get(args, "data");
    char *end = NULL;
    int64_t service_id = strtoll(args->words[0], &end, 10);
    if (*end != '\0' || service_id <= 0)
        return cli_usage("\"%s\" is not the id of a service", args->words[0]);
    if (data == NULL)
        data = dir == NULL ? DEFAULT_DATA : dir;
    struct reveal reveal = { .rows = json_array() };
    struct err err = { 0 };
    bool ok = load(&reveal, dir == NULL ? DEFAULT_DIR : dir, data, service_id, &err);
    reveal_finish(&reveal);
    if (!ok) {
        json_decref(reveal.rows);
        return cli_fail(&err);
    }
    if (cli->json)
        return cli_print_json(json_pack("{s:o}", "credentials", reveal.rows));
    size_t index;
    json_t *row;
    json_array_foreach(reveal.rows, index, row)
    {
        printf("%-20s %-40s %s\n", json_string_value(json_object_get(row, "what")),
               json_string_value(json_object_get(row, "login")), json_string_value(json_object_get(row, "password")));
    }
    json_decref(reveal.rows);
    return CLI_OK;
}

static const struct cli_option options[] = {
    { "dir", "DIR", "where configuration and keys are (" DEFAULT_DIR ")" },
    { "data", "DIR", "where the database is (" DEFAULT_DATA "; with --dir: there)" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "", "SERVICE", 1, options, reveal_run, "show a service's passwords, on berthd's own machine only" },
};
const struct cli_group cli_reveal = { "reveal", "passwords of a service", commands, ARRAY_LEN(commands) };
