/* cmd_node.c - berthctl node: the servers that services are placed on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/cmd_operation.h"
#include "cli/list.h"
#include "cli/term.h"

/* "web,mail" of a list of texts; in a static buffer of 4 turns. */
static const char *joined(const json_t *list)
{
    static char texts[4][200];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    size_t i, at = 0;
    const json_t *entry;
    text[0] = '\0';
    json_array_foreach(list, i, entry)
    {
        int written = snprintf(text + at, sizeof(texts[0]) - at, "%s%s", i == 0 ? "" : ",", json_string_value(entry));
        at += written > 0 && at + (size_t)written < sizeof(texts[0]) ? (size_t)written : 0;
    }
    return text;
}

static const char *number_text(int64_t number)
{
    static char texts[4][24];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof(texts[0]), "%" PRId64, number);
    return text;
}

static void print_node(const json_t *node)
{
    char address[300], room[60];
    snprintf(address, sizeof(address), "%s@%s:%" PRId64, cli_text(node, "user"), cli_text(node, "address"),
             cli_int(node, "port"));
    snprintf(room, sizeof(room), "%" PRId64 " services, limit %s", cli_int(node, "load"),
             cli_int(node, "capacity_max") == 0 ? "none" : number_text(cli_int(node, "capacity_max")));
    term_field("name", cli_text(node, "name"));
    term_field("id", cli_text(node, "id"));
    term_field("state", cli_text(node, "state"));
    term_field("reason", cli_text(node, "state_reason"));
    term_field("since", term_time(cli_text(node, "state_since")));
    term_field("roles", joined(json_object_get(node, "roles")));
    term_field("groups", joined(json_object_get(node, "groups")));
    term_field("driver", cli_text(node, "driver"));
    term_field("ssh", address);
    term_field("fingerprint", cli_text(node, "fingerprint"));
    term_field("hostname", cli_text(node, "hostname"));
    term_field("public IPv4", cli_text(node, "public_ip4"));
    term_field("public IPv6", cli_text(node, "public_ip6"));
    term_field("name server", cli_text(node, "ns_name"));
    term_field("probed at", cli_text(node, "probe_address"));
    term_field("load", room);
    term_field("added", term_time(cli_text(node, "created_at")));
}

static enum cli_exit show_answer(struct cli *cli, json_t *node)
{
    if (cli->json)
        return cli_print_json(node);
    print_node(node);
    json_decref(node);
    return CLI_OK;
}

static enum cli_exit node_add(struct cli *cli, const struct cli_args *args)
{
    json_t *answer, *body = json_pack("{s:s}", "name", args->words[0]);
    static const char *const texts[][2] = {
        { "address", "address" },   { "user", "user" },         { "driver", "driver" },
        { "host_key", "host-key" }, { "hostname", "hostname" }, { "public_ip4", "ip4" },
        { "public_ip6", "ip6" },    { "ns_name", "ns-name" },   { "probe_address", "probe-address" }
    };
    static const char *const numbers[][2] = { { "port", "port" },
                                              { "probe_http_port", "probe-http-port" },
                                              { "probe_imap_port", "probe-imap-port" },
                                              { "probe_dns_port", "probe-dns-port" },
                                              { "capacity_max", "capacity" },
                                              { "channels_max", "channels" } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        cli_set_text(body, texts[i][0], args, texts[i][1]);
    cli_set_list(body, "roles", args, "roles");
    cli_set_list(body, "groups", args, "group");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (!cli_set_int(body, numbers[i][0], args, numbers[i][1])) {
            json_decref(body);
            return CLI_USAGE;
        }
    }
    if (!cli_call(cli, "POST", "/api/v1/nodes", body, &answer))
        return CLI_FAILED;
    if (!cli->json)
        printf("Node %s is added. Compare its host key with what `ssh-keygen -lf` prints on the node:\n  %s\n\n",
               cli_text(answer, "name"), cli_text(answer, "fingerprint"));
    return show_answer(cli, answer);
}

static void add_row(struct table *table, const json_t *node)
{
    int64_t capacity = cli_int(node, "capacity_max");
    const char *cells[] = { cli_text(node, "id"),
                            cli_text(node, "name"),
                            cli_text(node, "state"),
                            term_time(cli_text(node, "state_since")),
                            joined(json_object_get(node, "roles")),
                            joined(json_object_get(node, "groups")),
                            cli_text(node, "address"),
                            number_text(cli_int(node, "load")),
                            capacity == 0 ? "no limit" : number_text(capacity),
                            cli_text(node, "state_reason") };
    table_add(table, cells);
}

static enum cli_exit node_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID",      "NAME", "!STATE", "SINCE",  "ROLES", "GROUPS",
                                          "ADDRESS", "LOAD", "ROOM",   "REASON", NULL };
    static const struct list list = { "nodes", titles, add_row, "There are no nodes yet: berthctl node add --help",
                                      false };
    (void)args;
    return list_print(cli, "/api/v1/nodes", &list);
}

static enum cli_exit node_show(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    if (!cli_find_node(cli, args->words[0], &id))
        return CLI_FAILED;
    CLEANUP(freep) char *path = xasprintf("/api/v1/nodes/%" PRId64, id);
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    return show_answer(cli, answer);
}

static void print_facts(const json_t *facts)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)facts, key, value)
    {
        CLEANUP(freep)
        char *text = json_is_string(value) ? xstrdup(json_string_value(value))
                                           : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        term_field(key, text);
    }
}

static enum cli_exit node_test(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    if (!cli_find_node(cli, args->words[0], &id))
        return CLI_FAILED;
    CLEANUP(freep) char *path = xasprintf("/api/v1/nodes/%" PRId64 "/test", id);
    if (!cli_call(cli, "POST", path, NULL, &answer))
        return CLI_FAILED;
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (cli->json) {
        (void)cli_print_json(answer);
        return ok ? CLI_OK : CLI_FAILED;
    }
    if (ok)
        printf("%s%s is fine%s\n", term_color_of("ok"), args->words[0], term_plain());
    print_facts(json_object_get(answer, "facts"));
    if (!ok)
        fprintf(stderr, "berthctl: node %s is not usable: %s\n", args->words[0], cli_text(answer, "detail"));
    json_decref(answer);
    return ok ? CLI_OK : CLI_FAILED;
}

static enum cli_exit node_set(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer, *body = json_object();
    cli_set_text(body, "state", args, "state");
    if (!cli_set_int(body, "capacity_max", args, "capacity")) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (json_object_size(body) == 0) {
        json_decref(body);
        return cli_usage("say what to change: --state or --capacity");
    }
    if (!cli_find_node(cli, args->words[0], &id)) {
        json_decref(body);
        return CLI_FAILED;
    }
    CLEANUP(freep) char *path = xasprintf("/api/v1/nodes/%" PRId64, id);
    if (!cli_call(cli, "PATCH", path, body, &answer))
        return CLI_FAILED;
    return show_answer(cli, answer);
}

static const struct cli_option add_options[] = {
    { "address", "HOST", "where its SSH server answers (needed)" },
    { "port", "N", "the SSH port (22)" },
    { "user", "NAME", "the SSH user (root); another one needs sudo for the panel's commands" },
    { "roles", "LIST", "web, mail, dns: what it can do (needed)" },
    { "group", "NAME", "a group that it belongs to (needed; may be repeated)" },
    { "hostname", "NAME", "what mail programs and MX records call it (else the address)" },
    { "ip4", "ADDRESS", "its public IPv4 address, for zones (else the address)" },
    { "ip6", "ADDRESS", "its public IPv6 address" },
    { "ns-name", "NAME", "name servers: what NS records say (else the hostname)" },
    { "host-key", "KEY", "\"ssh-ed25519 AAAA...\"; left out: it is asked for and shown" },
    { "capacity", "N", "services at most (0: any number)" },
    { "channels", "N", "SSH channels at once (8; below sshd's MaxSessions)" },
    { "driver", "NAME", "which panel it runs (hestia)" },
    { "probe-address", "HOST", "where berthd looks at finished services (else the public address)" },
    { "probe-http-port", "N", "and on which port: HTTP (80)" },
    { "probe-imap-port", "N", "IMAP (143)" },
    { "probe-dns-port", "N", "DNS (53)" },
    CLI_OPTIONS_END,
};
static const struct cli_option set_options[] = {
    { "state", "STATE", "active, draining (nothing new is placed on it) or paused (nothing runs on it)" },
    { "capacity", "N", "services at most (0: any number)" },
    CLI_OPTIONS_END,
};
static enum cli_exit node_retry(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    if (!cli_find_node(cli, args->words[0], &id))
        return CLI_FAILED;
    CLEANUP(freep) char *path = xasprintf("/api/v1/nodes/%" PRId64 "/retry", id);
    return cli_call(cli, "POST", path, NULL, &answer) ? cli_say_retried(cli, answer) : CLI_FAILED;
}

static const struct cli_command commands[] = {
    { "add", "NAME", 1, add_options, node_add, "add a node; its host key is recorded and shown" },
    { "list", "", 0, NULL, node_list, "list the nodes" },
    { "show", "NAME", 1, NULL, node_show, "show one" },
    { "test", "NAME", 1, NULL, node_test, "check that it can be used: access, panel, services" },
    { "set", "NAME", 1, set_options, node_set, "change its state or room" },
    { "retry", "NAME", 1, NULL, node_retry, "try everything again that has failed or waits on it" },
};
const struct cli_group cli_node = { "node", "the servers that services are placed on", commands, ARRAY_LEN(commands) };
