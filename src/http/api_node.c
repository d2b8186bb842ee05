/* api_node.c - /api/v1/nodes: the servers that services are placed on. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/domain.h"
#include "http/route.h"
#include "http/scan.h"
#include "http/view.h"

#define GROUPS_MAX 50
#define CHANNELS_DEFAULT 8 /* within sshd's MaxSessions of 10 */
#define CAPACITY_MAX 1000000

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* *ret_node is a shallow picture into the catalogue. @return false: refused */
static bool find_node(struct call *call, struct catalogue *ret_catalogue, const struct node **ret_node)
{
    struct err err;
    if (!catalogue_load(call->store, CATALOGUE_NODES | CATALOGUE_GROUPS, ret_catalogue, &err)) {
        call_refuse_err(call, &err);
        return false;
    }
    int64_t id = call->request != NULL ? call->request->id : call->id;
    *ret_node = catalogue_node(ret_catalogue, id);
    if (*ret_node != NULL)
        return true;
    catalogue_finish(ret_catalogue);
    err_set(&err, ERR_NOT_FOUND, "there is no node %" PRId64, id);
    call_refuse_err(call, &err);
    return false;
}

static void answer_node(struct call *call, unsigned status)
{
    struct catalogue catalogue;
    const struct node *node;
    if (!find_node(call, &catalogue, &node))
        return;
    json_t *json = view_node(node, &catalogue);
    catalogue_finish(&catalogue);
    call_answer_json(call, status, json);
}

void api_node_get(struct call *call)
{
    answer_node(call, MHD_HTTP_OK);
}

void api_node_list(struct call *call)
{
    struct err err;
    struct catalogue catalogue;
    if (!catalogue_load(call->store, CATALOGUE_NODES | CATALOGUE_GROUPS, &catalogue, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < catalogue.node_count; i++)
        json_array_append_new(list, view_node(&catalogue.nodes[i], &catalogue));
    catalogue_finish(&catalogue);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "nodes", list));
}

/* ---- adding --------------------------------------------------------------------------------------------------------- */

static bool is_ip(int family, const char *text)
{
    unsigned char address[16];
    return inet_pton(family, text, address) == 1;
}

static bool is_host_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= DOMAIN_LENGTH_MAX && text[0] != '.' && text[0] != '-' && text[length - 1] != '.' &&
           strstr(text, "..") == NULL &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] == '\0';
}

/* An address to connect to: a host name or an IP. "" only where optional. */
static bool read_address(struct input input, const char *field, enum input_need need, char **ret_address,
                         struct problem *problem)
{
    const char *text;
    if (!input_text(input, field, need, DOMAIN_LENGTH_MAX, &text, problem))
        return false;
    if (text[0] != '\0' && !is_host_name(text) && !is_ip(AF_INET6, text))
        return problem_set(problem, PROBLEM_BAD_VALUE, field, "%s is neither a host name nor an IP address", field);
    *ret_address = xstrdup(text);
    return true;
}

static bool read_ip(struct input input, const char *field, int family, char **ret_ip, struct problem *problem)
{
    const char *text;
    if (!input_text(input, field, INPUT_OPTIONAL, 64, &text, problem))
        return false;
    if (text[0] != '\0' && !is_ip(family, text))
        return problem_set(problem, PROBLEM_BAD_VALUE, field, "%s is not an IPv%d address", field,
                           family == AF_INET ? 4 : 6);
    *ret_ip = xstrdup(text);
    return true;
}

static bool read_host_name(struct input input, const char *field, char **ret_name, struct problem *problem)
{
    const char *text;
    if (!input_text(input, field, INPUT_OPTIONAL, DOMAIN_LENGTH_MAX, &text, problem))
        return false;
    if (text[0] != '\0' && (!is_host_name(text) || strchr(text, '.') == NULL || is_ip(AF_INET, text)))
        return problem_set(problem, PROBLEM_BAD_VALUE, field, "%s is not a whole host name such as srv1.example.net",
                           field);
    *ret_name = xstrdup(text);
    return true;
}

static bool read_number(struct input input, const char *field, int64_t low, int64_t high, int preset, int *ret_number,
                        struct problem *problem)
{
    int64_t number = preset;
    if (!input_int(input, field, low, high, &number, problem))
        return false;
    *ret_number = (int)number;
    return true;
}

static bool read_roles(struct input input, unsigned *ret_roles, struct problem *problem)
{
    const json_t *list;
    if (!input_text_list(input, "roles", INPUT_REQUIRED, 3, &list, problem))
        return false;
    unsigned roles = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        enum role role;
        const char *name = json_string_value(json_array_get(list, i));
        if (!role_parse(name, &role) || role == ROLE_NONE)
            return problem_set(problem, PROBLEM_BAD_VALUE, "roles", "roles: %.40s is none of web, mail, dns", name);
        roles |= ROLE_BIT(role);
    }
    *ret_roles = roles;
    return true;
}

static bool read_groups(struct input input, struct request *request, struct problem *problem)
{
    const json_t *list;
    if (!input_text_list(input, "groups", INPUT_REQUIRED, GROUPS_MAX, &list, problem))
        return false;
    size_t count = json_array_size(list);
    request->group_names = xcalloc(count, sizeof(*request->group_names));
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        struct err err;
        if (!name_check(name, "groups", &err))
            return problem_from_err(problem, &err);
        request->group_names[request->group_name_count++] = xstrdup(name);
    }
    return true;
}

static bool read_host_key(struct input input, char **ret_key, struct problem *problem)
{
    const char *text;
    if (!input_text(input, "host_key", INPUT_OPTIONAL, 2000, &text, problem))
        return false;
    CLEANUP(freep) char *fingerprint = view_fingerprint(text);
    if (text[0] != '\0' && (strncmp(text, "ssh-", 4) != 0 && strncmp(text, "ecdsa-", 6) != 0))
        return problem_set(problem, PROBLEM_BAD_VALUE, "host_key",
                           "host_key must look like \"ssh-ed25519 AAAA...\": a line of /etc/ssh/ssh_host_*_key.pub");
    if (text[0] != '\0' && fingerprint[0] == '\0')
        return problem_set(problem, PROBLEM_BAD_VALUE, "host_key", "host_key: the second word is not base64");
    /* a comment behind the key is cut: the transport compares type and key */
    const char *key = strchr(text, ' ');
    *ret_key = key == NULL ? xstrdup("") : xstrndup(text, (size_t)(key - text) + 1 + strcspn(key + 1, " "));
    return true;
}

static bool read_access(struct input input, struct node *node, struct problem *problem)
{
    const char *name, *driver, *user;
    if (!input_name(input, "name", &name, problem) ||
        !input_text(input, "driver", INPUT_OPTIONAL, NAME_LENGTH_MAX, &driver, problem) ||
        !input_text(input, "user", INPUT_OPTIONAL, 32, &user, problem) ||
        !read_address(input, "address", INPUT_REQUIRED, &node->ssh_address, problem) ||
        !read_number(input, "port", 1, 65535, 22, &node->ssh_port, problem) ||
        !read_host_key(input, &node->host_key, problem))
        return false;
    if (user[strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] != '\0' ||
        user[0] == '-')
        return problem_set(problem, PROBLEM_BAD_VALUE, "user", "user is not the name of a system user");
    node->name = xstrdup(name);
    node->driver = xstrdup(driver[0] != '\0' ? driver : "hestia");
    node->ssh_user = xstrdup(user[0] != '\0' ? user : "root");
    return true;
}

static bool read_public(struct input input, struct node *node, struct problem *problem)
{
    if (!read_host_name(input, "hostname", &node->hostname, problem) ||
        !read_host_name(input, "ns_name", &node->ns_name, problem) ||
        !read_ip(input, "public_ip4", AF_INET, &node->public_ip4, problem) ||
        !read_ip(input, "public_ip6", AF_INET6, &node->public_ip6, problem))
        return false;
    if (node->public_ip4[0] == '\0' && is_ip(AF_INET, node->ssh_address)) {
        free(node->public_ip4);
        node->public_ip4 = xstrdup(node->ssh_address);
    }
    if (node->public_ip4[0] == '\0')
        return problem_set(problem, PROBLEM_MISSING_FIELD, "public_ip4",
                           "the field public_ip4 is missing: it is what customers' DNS zones point to");
    if (node->hostname[0] == '\0' && is_host_name(node->ssh_address) && !is_ip(AF_INET, node->ssh_address) &&
        strchr(node->ssh_address, '.') != NULL) {
        free(node->hostname);
        node->hostname = xstrdup(node->ssh_address);
    }
    return node->hostname[0] != '\0' ||
           problem_set(problem, PROBLEM_MISSING_FIELD, "hostname",
                       "the field hostname is missing: it is what mail programs and other servers call the node");
}

static bool read_limits(struct input input, struct node *node, struct problem *problem)
{
    return read_address(input, "probe_address", INPUT_OPTIONAL, &node->probe_address, problem) &&
           read_number(input, "probe_http_port", 1, 65535, 80, &node->probe_http_port, problem) &&
           read_number(input, "probe_imap_port", 1, 65535, 143, &node->probe_imap_port, problem) &&
           read_number(input, "probe_dns_port", 1, 65535, 53, &node->probe_dns_port, problem) &&
           read_number(input, "channels_max", 1, 100, CHANNELS_DEFAULT, &node->channels_max, problem) &&
           input_int(input, "capacity_max", 0, CAPACITY_MAX, &node->capacity_max, problem);
}

static bool read_node(const json_t *root, struct request *request, struct problem *problem)
{
    static const char *const known[] = { "name",
                                         "driver",
                                         "roles",
                                         "groups",
                                         "address",
                                         "port",
                                         "user",
                                         "host_key",
                                         "hostname",
                                         "public_ip4",
                                         "public_ip6",
                                         "ns_name",
                                         "probe_address",
                                         "probe_http_port",
                                         "probe_imap_port",
                                         "probe_dns_port",
                                         "channels_max",
                                         "capacity_max",
                                         NULL };
    struct input input = { root, "" };
    struct node *node = &request->node;
    node->state = NODE_ACTIVE;
    node->state_reason = xstrdup("");
    node->capacity_max = NODE_CAPACITY_UNSAID;
    return input_known(input, known, problem) && read_access(input, node, problem) &&
           read_roles(input, &node->roles, problem) && read_groups(input, request, problem) &&
           read_public(input, node, problem) && read_limits(input, node, problem);
}

static void finish_add(struct call *call)
{
    if (call_request_ok(call))
        answer_node(call, MHD_HTTP_CREATED);
}

void api_node_add(struct call *call)
{
    json_t *root;
    if (!call_parse_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_NODE_ADD);
    struct problem problem;
    bool ok = read_node(root, request, &problem);
    json_decref(root);
    bool scan = ok && request->node.host_key[0] == '\0';
    if (scan && call->config->scan_host_key == NULL)
        ok = problem_set(&problem, PROBLEM_MISSING_FIELD, "host_key", "the field host_key is missing");
    if (!ok) {
        request_destroy(request);
        call_refuse(call, &problem);
    } else if (scan) {
        scan_then_post(call, request, finish_add);
    } else {
        call_post(call, request, finish_add);
    }
}

/* ---- asking for the host key ---------------------------------------------------------------------------------------- */

static void finish_host_key(struct call *call)
{
    const char *key = call->request->node.host_key;
    CLEANUP(freep) char *fingerprint = view_fingerprint(key);
    call_answer_json(call, MHD_HTTP_OK,
                     json_pack("{s:o, s:o}", "host_key", view_text(key), "fingerprint", view_text(fingerprint)));
}

/* Nothing is stored: a person compares the key before he adds the node with it. */
void api_node_scan(struct call *call)
{
    static const char *const known[] = { "address", "port", NULL };
    json_t *root;
    if (!call_parse_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_NODE_ADD); /* carries the node; never posted */
    struct node *node = &request->node;
    struct input input = { root, "" };
    struct problem problem;
    bool ok = input_known(input, known, &problem) &&
              read_address(input, "address", INPUT_REQUIRED, &node->ssh_address, &problem) &&
              read_number(input, "port", 1, 65535, 22, &node->ssh_port, &problem);
    json_decref(root);
    if (ok && call->config->scan_host_key == NULL)
        ok = problem_set(&problem, PROBLEM_BAD_VALUE, "address", "this berthd cannot ask servers for their host key");
    if (ok) {
        scan_then_answer(call, request, finish_host_key);
        return;
    }
    request_destroy(request);
    call_refuse(call, &problem);
}

/* ---- changing and testing ------------------------------------------------------------------------------------------- */

static bool read_state(struct input input, enum node_state *state, struct problem *problem)
{
    const char *text;
    if (!input_text(input, "state", INPUT_OPTIONAL, 20, &text, problem))
        return false;
    if (text[0] == '\0')
        return true;
    /* "unreachable" is found out, not set */
    return (node_state_parse(text, state) && *state != NODE_UNREACHABLE) ||
           problem_set(problem, PROBLEM_BAD_VALUE, "state", "state must be active, draining or paused");
}

static void finish_set(struct call *call)
{
    if (!call_request_ok(call))
        return;
    call->request->id = call->request->target_id;
    answer_node(call, MHD_HTTP_OK);
}

void api_node_set(struct call *call)
{
    static const char *const known[] = { "state", "capacity_max", NULL };
    json_t *root;
    struct catalogue catalogue;
    const struct node *node;
    if (!call_parse_body(call, &root))
        return;
    if (!find_node(call, &catalogue, &node)) {
        json_decref(root);
        return;
    }
    struct request *request = request_create(REQUEST_NODE_SET);
    request->target_id = call->id;
    node_copy(&request->node, node); /* what is not sent stays as it is */
    catalogue_finish(&catalogue);
    struct input input = { root, "" };
    struct problem problem;
    bool ok = input_known(input, known, &problem) && read_state(input, &request->node.state, &problem) &&
              input_int(input, "capacity_max", 0, CAPACITY_MAX, &request->node.capacity_max, &problem);
    if (ok && json_object_size(root) == 0)
        ok = problem_set(&problem, PROBLEM_MISSING_FIELD, "", "nothing is to be changed: send state or capacity_max");
    json_decref(root);
    if (ok) {
        call_post(call, request, finish_set);
        return;
    }
    request_destroy(request);
    call_refuse(call, &problem);
}

/* The test itself is the result: a node that does not answer is a good answer to the question. */
static void finish_test(struct call *call)
{
    struct request *request = call->request;
    bool ran = request->ok ||
               (request->err.code != ERR_NOT_FOUND && request->err.code != ERR_BUSY && request->err.code != ERR_LOST);
    if (!ran) {
        call_refuse_err(call, &request->err);
        return;
    }
    call_answer_json(call, MHD_HTTP_OK,
                     json_pack("{s:b, s:o, s:O?}", "ok", request->ok, "detail",
                               view_text(request->ok ? "" : request->err.msg), "facts", request->facts));
}

void api_node_test(struct call *call)
{
    struct request *request = request_create(REQUEST_NODE_TEST);
    request->target_id = call->id;
    call_post(call, request, finish_test);
}
