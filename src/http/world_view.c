/* world_view.c - see world_view.h. */
#include "http/world_view.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain.h"
#include "drivers/world.h"

/* ---- loading -------------------------------------------------------------------------------------------------------- */

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

static void expect(const struct account *account, const struct node *node, struct world_view *view)
{
    if (node == NULL)
        return;
    if ((account->roles & ROLE_BIT(ROLE_DNS)) != 0) {
        view->has_names = true;
        json_array_append_new(view->names, view_text(node->ns_name[0] != '\0' ? node->ns_name : node->hostname));
    }
    if ((account->roles & ROLE_BIT(ROLE_WEB)) != 0) {
        view->has_site = true;
        json_array_append_new(view->addresses, view_text(node->public_ip4));
        if (node->public_ip6[0] != '\0')
            json_array_append_new(view->addresses, view_text(node->public_ip6));
    }
}

static void take_list(json_t **list, const char *text)
{
    json_t *read = json_loads(text, 0, NULL);
    if (json_is_array(read)) {
        json_decref(*list);
        *list = read;
    } else {
        json_decref(read);
    }
}

static void take_fact(const struct stored_fact *fact, struct world_view *view)
{
    const char *key = fact->key, *value = fact->value;
    if (fact->node_id != 0 || strncmp(key, "world.", strlen("world.")) != 0)
        return;
    key += strlen("world.");
    if (strcmp(key, "seen") == 0)
        set_text(&view->seen, value);
    else if (strcmp(key, "ns_seen") == 0)
        set_text(&view->names_seen, value);
    else if (strcmp(key, "a_seen") == 0)
        set_text(&view->address_seen, value);
    else if (strcmp(key, "why") == 0)
        set_text(&view->why, value);
    else if (strcmp(key, "ns") == 0)
        take_list(&view->names_found, value);
    else if (strcmp(key, "a") == 0)
        take_list(&view->addresses_found, value);
    else if (strcmp(key, "looked_at") == 0)
        view->looked_at_ms = strtoll(value, NULL, 10);
}

static bool load_facts(struct store *store, int64_t service_id, struct world_view *view, struct err *err)
{
    struct stored_fact *facts = NULL;
    size_t count = 0;
    if (!store_list_facts(store, service_id, &facts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        take_fact(&facts[i], view);
    stored_facts_free(facts, count);
    return true;
}

/* When looks are switched off, no next one is promised. */
static bool looks_are_made(struct store *store, bool *ret_made, struct err *err)
{
    struct stored_setting *stored = NULL;
    size_t count = 0;
    if (!store_list_settings(store, &stored, &count, err))
        return false;
    *ret_made = true;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(stored[i].name, "world.enabled") == 0 && strcmp(stored[i].value, "false") == 0)
            *ret_made = false;
    }
    stored_settings_free(stored, count);
    return true;
}

static bool load_request(struct store *store, const struct service *service, struct world_view *view, struct err *err)
{
    struct ssl_request request;
    bool made = false;
    if (!store_get_ssl_request(store, service->id, &request, &view->is_expected, err))
        return false;
    if (!view->is_expected)
        return true;
    view->ssl = request.state;
    view->next_look_ms = request.next_check_ms;
    ssl_request_finish(&request);
    if (view->next_look_ms == 0)
        return true;
    if (!looks_are_made(store, &made, err))
        return false;
    view->next_look_ms = made && service->status == SERVICE_LIVE ? view->next_look_ms : 0;
    return true;
}

bool world_view_load(struct store *store, const struct service *service, const struct account *accounts,
                     size_t account_count, const struct catalogue *catalogue, struct world_view *ret_view,
                     struct err *err)
{
    const char *unknown = world_seen_name(WORLD_UNKNOWN);
    struct world_view view = { .seen = xstrdup(unknown),
                               .names_seen = xstrdup(unknown),
                               .address_seen = xstrdup(unknown),
                               .why = xstrdup(""),
                               .names = json_array(),
                               .names_found = json_array(),
                               .addresses = json_array(),
                               .addresses_found = json_array() };
    struct err ignored;
    if (!domain_to_unicode(service->domain, &view.domain, &ignored))
        view.domain = xstrdup(service->domain);
    for (size_t i = 0; i < account_count; i++)
        expect(&accounts[i], catalogue_node(catalogue, accounts[i].node_id), &view);
    if (!load_request(store, service, &view, err) ||
        (view.is_expected && !load_facts(store, service->id, &view, err))) {
        world_view_finish(&view);
        return false;
    }
    *ret_view = view;
    return true;
}

void world_view_finish(struct world_view *view)
{
    free(view->domain);
    free(view->seen);
    free(view->names_seen);
    free(view->address_seen);
    free(view->why);
    json_decref(view->names);
    json_decref(view->names_found);
    json_decref(view->addresses);
    json_decref(view->addresses_found);
}

/* ---- showing -------------------------------------------------------------------------------------------------------- */

static bool wants_ssl(const struct world_view *view)
{
    return view->is_expected && view->ssl != SSL_UNWANTED;
}

const char *world_view_ssl_word(const struct world_view *view)
{
    if (!wants_ssl(view))
        return "none";
    switch (view->ssl) {
    case SSL_SEEDED:
    case SSL_WAITING_DNS: return "waiting";
    case SSL_ISSUED: return "issued";
    case SSL_FAILED: return "failed";
    case SSL_UNWANTED: return "none";
    }
    return "none";
}

static const char *ssl_state_word(enum ssl_state state)
{
    switch (state) {
    case SSL_SEEDED: return "seeded";
    case SSL_WAITING_DNS: return "waiting-dns";
    case SSL_ISSUED: return "issued";
    case SSL_FAILED: return "failed";
    case SSL_UNWANTED: return "none";
    }
    return "unknown";
}

static void add_moments(const struct world_view *view, json_t *json)
{
    json_object_set_new(json, "looked_at", view_time(view->looked_at_ms));
    json_object_set_new(json, "next_look_at", view_time(view->next_look_ms));
}

json_t *world_view_world(const struct world_view *view)
{
    if (!view->is_expected || (!view->has_names && !view->has_site))
        return json_null();
    json_t *json = json_pack("{s:s, s:o, s:O, s:O}", "seen", view->seen, "reason",
                             view->why[0] == '\0' ? json_null() : view_text(view->why), "found", view->names_found,
                             "expected", view->names);
    add_moments(view, json);
    return json;
}

static json_t *ssl_object(const struct world_view *view, const char *state)
{
    CLEANUP(freep) char *record = xasprintf("A %s", view->domain);
    json_t *address = json_array_get(view->addresses, 0);
    json_t *json =
        json_pack("{s:s, s:o, s:O, s:s, s:O}", "state", state, "record", view_text(record), "expected",
                  address != NULL ? address : json_null(), "seen", view->address_seen, "found", view->addresses_found);
    add_moments(view, json);
    return json;
}

json_t *world_view_ssl(const struct world_view *view)
{
    return wants_ssl(view) ? ssl_object(view, ssl_state_word(view->ssl)) : json_null();
}

json_t *world_view_panel_dns(const struct world_view *view)
{
    if (!view->has_names)
        return json_null();
    json_t *json = json_pack("{s:s, s:O}", "seen", view->names_seen, "found", view->names_found);
    add_moments(view, json);
    return json;
}

json_t *world_view_panel_ssl(const struct world_view *view)
{
    return ssl_object(view, world_view_ssl_word(view));
}
