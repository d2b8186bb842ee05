/* view.c - see view.h. */
#include "view.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "core/domain.h"
#include "core/progress.h"
#include "drivers/driver.h"

/* ---- values --------------------------------------------------------------------------------------------------------- */

json_t *view_id(int64_t id)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, id);
    return id == 0 ? json_null() : json_string(text);
}

json_t *view_time(int64_t moment_ms)
{
    if (moment_ms == 0)
        return json_null();
    time_t seconds = (time_t)(moment_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char day[40], text[64];
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(moment_ms % 1000));
    return json_string(text);
}

/* How many bytes at the front are one well-formed UTF-8 character; 0: none. */
static size_t character_length(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 4;
    if (at[0] >= 0x80 && (at[0] < 0xc2 || at[0] > 0xf4))
        return 0;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0; /* over-long, a surrogate, or beyond the last character */
    return length;
}

json_t *view_bytes(const char *data, size_t length)
{
    json_t *plain = json_stringn(data, length);
    if (plain != NULL)
        return plain;
    struct buf clean = BUF_INIT;
    for (size_t at = 0; at < length;) {
        size_t good = character_length((const unsigned char *)data + at, length - at);
        if (good > 0)
            buf_add(&clean, data + at, good);
        else
            buf_add_text(&clean, "\xef\xbf\xbd");
        at += good > 0 ? good : 1;
    }
    json_t *text = json_stringn(buf_text(&clean), clean.length);
    buf_finish(&clean);
    return text != NULL ? text : json_string("");
}

json_t *view_text(const char *text)
{
    return view_bytes(text, strlen(text));
}

json_t *view_json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    return value != NULL ? value : json_object();
}

json_t *view_roles(unsigned roles)
{
    json_t *list = json_array();
    for (unsigned role = ROLE_WEB; role < ROLE_COUNT; role++) {
        if ((roles & ROLE_BIT(role)) != 0)
            json_array_append_new(list, json_string(role_name((enum role)role)));
    }
    return list;
}

json_t *view_page(const char *key, json_t *list, int64_t last_id)
{
    return json_pack("{s:o, s:o}", key, list, "next_cursor", view_id(last_id));
}

/* ---- the catalogue -------------------------------------------------------------------------------------------------- */

bool catalogue_load(struct store *store, unsigned parts, struct catalogue *ret_catalogue, struct err *err)
{
    struct catalogue loaded = { 0 };
    bool ok = (parts & CATALOGUE_NODES) == 0 || store_list_nodes(store, &loaded.nodes, &loaded.node_count, err);
    ok = ok && ((parts & CATALOGUE_GROUPS) == 0 || store_list_groups(store, &loaded.groups, &loaded.group_count, err));
    ok = ok && ((parts & CATALOGUE_PRODUCTS) == 0 ||
                store_list_products(store, &loaded.products, &loaded.product_count, err));
    if (!ok) {
        catalogue_finish(&loaded);
        return false;
    }
    *ret_catalogue = loaded;
    return true;
}

void catalogue_finish(struct catalogue *catalogue)
{
    nodes_free(catalogue->nodes, catalogue->node_count);
    groups_free(catalogue->groups, catalogue->group_count);
    products_free(catalogue->products, catalogue->product_count);
    *catalogue = (struct catalogue){ 0 };
}

const struct node *catalogue_node(const struct catalogue *catalogue, int64_t id)
{
    for (size_t i = 0; i < catalogue->node_count; i++) {
        if (catalogue->nodes[i].id == id)
            return &catalogue->nodes[i];
    }
    return NULL;
}

const struct product *catalogue_product(const struct catalogue *catalogue, int64_t id)
{
    for (size_t i = 0; i < catalogue->product_count; i++) {
        if (catalogue->products[i].id == id)
            return &catalogue->products[i];
    }
    return NULL;
}

const struct group *catalogue_group(const struct catalogue *catalogue, int64_t id)
{
    for (size_t i = 0; i < catalogue->group_count; i++) {
        if (catalogue->groups[i].id == id)
            return &catalogue->groups[i];
    }
    return NULL;
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

char *view_fingerprint(const char *key_line)
{
    const char *blank = strchr(key_line, ' ');
    if (blank == NULL)
        return xstrdup("");
    const char *base64 = blank + strspn(blank, " ");
    size_t text_length = strcspn(base64, " \r\n"), length = 0;
    unsigned char *key = xcalloc(1, text_length + 1);
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[64];
    bool ok = sodium_base642bin(key, text_length, base64, text_length, NULL, &length, NULL,
                                sodium_base64_VARIANT_ORIGINAL) == 0 &&
              length > 0;
    crypto_hash_sha256(hash, key, length);
    free(key);
    sodium_bin2base64(text, sizeof(text), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    return ok ? xasprintf("SHA256:%s", text) : xstrdup("");
}

static json_t *view_group_names(const struct node *node, const struct catalogue *catalogue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < node->group_count; i++) {
        const struct group *group = catalogue_group(catalogue, node->group_ids[i]);
        if (group != NULL)
            json_array_append_new(list, view_text(group->name));
    }
    return list;
}

json_t *view_node(const struct node *node, const struct catalogue *catalogue)
{
    CLEANUP(freep) char *fingerprint = view_fingerprint(node->host_key);
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "id", view_id(node->id), "name",
                             view_text(node->name), "driver", view_text(node->driver), "roles", view_roles(node->roles),
                             "groups", view_group_names(node, catalogue), "address", view_text(node->ssh_address),
                             "port", node->ssh_port, "user", view_text(node->ssh_user), "host_key",
                             view_text(node->host_key), "fingerprint", view_text(fingerprint));
    json_t *more = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:I, s:I}", "hostname", view_text(node->hostname), "public_ip4",
        view_text(node->public_ip4), "public_ip6", view_text(node->public_ip6), "ns_name", view_text(node->ns_name),
        "probe_address", view_text(node->probe_address), "probe_http_port", node->probe_http_port, "probe_imap_port",
        node->probe_imap_port, "probe_dns_port", node->probe_dns_port, "channels_max", node->channels_max,
        "capacity_max", (json_int_t)node->capacity_max, "load", (json_int_t)node->load);
    json_t *state =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "state", node_state_name(node->state), "state_reason",
                  view_text(node->state_reason), "state_since", view_time(node->state_since_ms), "last_contact_at",
                  view_time(node->contact_at_ms), "created_at", view_time(node->created_at_ms));
    json_object_update(json, more);
    json_object_update(json, state);
    json_decref(more);
    json_decref(state);
    return json;
}

json_t *view_group(const struct group *group)
{
    return json_pack("{s:o, s:o, s:o}", "id", view_id(group->id), "name", view_text(group->name), "title",
                     view_text(group->title));
}

json_t *view_product(const struct product *product, const struct catalogue *catalogue)
{
    const struct group *group = catalogue_group(catalogue, product->group_id);
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "id", view_id(product->id), "name", view_text(product->name),
                  "title", view_text(product->title), "mode", mode_name(product->mode), "group",
                  view_text(group == NULL ? "" : group->name), "created_at", view_time(product->created_at_ms));
    json_t *spec = view_json(product->spec); /* {"web": {...}, ...}: beside the rest, as it was sent */
    json_object_update_missing(json, spec);
    json_decref(spec);
    if (json_object_get(json, "customer_retry") == NULL) /* stored before there was this field */
        json_object_set_new(json, "customer_retry", json_true());
    return json;
}

json_t *view_unicode(const char *domain)
{
    CLEANUP(freep) char *unicode = NULL;
    struct err err;
    return view_text(domain_to_unicode(domain, &unicode, &err) ? unicode : domain);
}

bool view_domain_of(struct store *store, int64_t service_id, json_t **ret_json, struct err *err)
{
    struct service service;
    bool found = store_get_service(store, service_id, &service, err);
    if (!found && err->code != ERR_NOT_FOUND)
        return false;
    *ret_json = found ? view_unicode(service.domain) : view_text("");
    if (found)
        service_finish(&service);
    return true;
}

json_t *view_service(const struct service *service, const struct catalogue *catalogue)
{
    const struct product *product = catalogue_product(catalogue, service->product_id);
    json_t *json =
        json_pack("{s:o, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:s, s:{s:o, s:o, s:o}, s:o, s:o, s:o}", "id",
                  view_id(service->id), "external_id", view_text(service->external_id), "generation",
                  (json_int_t)service->generation, "status", service_status_name(service->status), "reason",
                  view_text(service->reason), "domain", view_text(service->domain), "domain_unicode",
                  view_unicode(service->domain), "product", view_text(product == NULL ? "" : product->name), "mode",
                  mode_name(product == NULL ? MODE_SPLIT : product->mode), "client", "id",
                  view_text(service->client_id), "name", view_text(service->client_name), "email",
                  view_text(service->client_email), "created_at", view_time(service->created_at_ms), "updated_at",
                  view_time(service->updated_at_ms), "live_at", view_time(service->live_at_ms));
    return json;
}

json_t *view_operation(const struct operation *operation)
{
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:{s:I, s:I}, s:o, s:o, s:n}", "id", view_id(operation->id), "kind",
                     operation_kind_name(operation->kind), "state", operation_state_name(operation->state), "pipeline",
                     view_text(operation->pipeline), "pipeline_hash", view_text(operation->pipeline_hash), "tasks",
                     "done", (json_int_t)operation->tasks_done, "total", (json_int_t)operation->tasks_total,
                     "created_at", view_time(operation->created_at_ms), "ended_at", view_time(operation->ended_at_ms),
                     "eta");
}

json_t *view_progress(const struct service *service, const struct operation *operation)
{
    int64_t done = operation == NULL ? 0 : operation->tasks_done,
            total = operation == NULL ? 0 : operation->tasks_total;
    int percent = operation == NULL ? 0 : progress_percent(operation->weight_done, operation->weight_total, 0);
    if (percent == 100 && service->status != SERVICE_LIVE)
        percent = 99; /* a bar that is full before the service is live would be a lie */
    return json_pack("{s:I, s:I, s:i}", "done", (json_int_t)done, "total", (json_int_t)total, "percent", percent);
}

const struct node *view_waits_for_node(const struct task *task, const struct catalogue *catalogue)
{
    const struct node *node = task->state == TASK_QUEUED ? catalogue_node(catalogue, task->node_id) : NULL;
    if (node == NULL || node->state == NODE_ACTIVE || (node->state == NODE_DRAINING && node->state_reason[0] == '\0'))
        return NULL; /* a draining node goes on with what it has, unless something keeps it from that */
    return node;
}

static json_t *task_reason(const struct task *task, const struct catalogue *catalogue)
{
    const struct node *node = view_waits_for_node(task, catalogue);
    if (node == NULL || task->reason[0] != '\0')
        return view_text(task->reason);
    CLEANUP(freep)
    char *reason = xasprintf("waits for %s, which is %s%s%s", node->name, node_state_name(node->state),
                             node->state_reason[0] == '\0' ? "" : ": ", node->state_reason);
    return view_text(reason);
}

/** How a person can answer a conflict; empty when there is none. */
static json_t *task_choices(const struct task *task)
{
    json_t *list = json_array();
    unsigned choices = task->state == TASK_FAILED ? cause_choices(task->cause_id) : 0;
    for (unsigned i = 0; i < RESOLUTION_COUNT; i++) {
        if ((choices & RESOLUTION_BIT(i)) != 0)
            json_array_append_new(list, json_string(resolution_name((enum resolution)i)));
    }
    return list;
}

json_t *view_task(const struct task *task, const struct catalogue *catalogue)
{
    const struct node *node = catalogue_node(catalogue, task->node_id);
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:i, s:i, s:b}", "id", view_id(task->id), "service_id",
                  view_id(task->service_id), "operation_id", view_id(task->operation_id), "key", view_text(task->key),
                  "action", view_text(task->action), "node", node == NULL ? json_null() : view_text(node->name), "lane",
                  task_lane_name(task->lane), "state", task_state_name(task->state), "needs_left", task->needs_left,
                  "attempts", task->attempts, "suspect", task->suspect);
    json_t *more = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "role",
                             task->role == ROLE_NONE ? json_null() : json_string(role_name(task->role)), "weight",
                             (json_int_t)task->weight, "due_at", view_time(task->due_at_ms), "attempt_id",
                             view_id(task->attempt_id), "cause", view_text(task->cause_id), "reason",
                             task_reason(task, catalogue), "created_at", view_time(task->created_at_ms), "started_at",
                             view_time(task->started_at_ms), "ended_at", view_time(task->ended_at_ms));
    json_object_update(json, more);
    json_decref(more);
    json_object_set_new(json, "choices", task_choices(task));
    return json;
}

json_t *view_tasks(const struct task *tasks, size_t count, const struct catalogue *catalogue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, view_task(&tasks[i], catalogue));
    return list;
}

json_t *view_attempt(const struct attempt *attempt)
{
    return json_pack("{s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:I, s:b, s:o}", "id", view_id(attempt->id), "number",
                     attempt->number, "outcome", attempt_outcome_name(attempt->outcome), "cause",
                     view_text(attempt->cause_id), "detail", view_text(attempt->detail), "started_at",
                     view_time(attempt->started_at_ms), "ended_at", view_time(attempt->ended_at_ms), "log_bytes",
                     (json_int_t)attempt->log_bytes, "log_truncated", attempt->log_truncated, "log_removed_at",
                     view_time(attempt->log_removed_at_ms));
}

json_t *view_event(const struct event *event)
{
    return json_pack("{s:I, s:o, s:o, s:o}", "seq", (json_int_t)event->seq, "at", view_time(event->at_ms), "kind",
                     view_text(event->kind), "data", view_json(event->data));
}

const char *view_log_stream(int stream)
{
    static const char *const names[] = { "berth", "stdout", "stderr" };
    return stream >= 0 && stream < (int)ARRAY_LEN(names) ? names[stream] : "stdout";
}

json_t *view_log_chunks(const struct log_chunk *chunks, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:I, s:o, s:s, s:o}", "offset", (json_int_t)chunks[i].offset, "at",
                                              view_time(chunks[i].at_ms), "stream", view_log_stream(chunks[i].stream),
                                              "text", view_bytes(chunks[i].data, chunks[i].length)));
    return list;
}

int64_t view_log_end(const struct log_chunk *chunks, size_t count, int64_t offset)
{
    return count == 0 ? offset : chunks[count - 1].offset + (int64_t)chunks[count - 1].length;
}
