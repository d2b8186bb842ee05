/* credentials_json.c - see credentials_json.h. Written into one buffer of the right size, past the JSON library, whose copies nobody
 * could wipe. */
#include "http/credentials_json.h"

#include <string.h>

#include "core/messages.h"
#include "http/credentials.h"
#include "http/view.h"
#include "store/store_deed.h"

#define ROLES_OF_FILES (ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL))

const char *credentials_panel_name(unsigned roles, unsigned all_roles)
{
    if ((roles & ROLE_BIT(ROLE_WEB)) != 0)
        return message_text("page.credentials.web");
    if ((roles & ROLE_BIT(ROLE_MAIL)) != 0)
        return message_text("page.credentials.mail");
    return (all_roles & ROLES_OF_FILES) == 0 ? message_text("page.credentials.dns") : NULL;
}

static const char *customer_what(const struct credential *credential, unsigned all_roles)
{
    return credential->mailbox ? message_text("page.credentials.mailbox")
                               : credentials_panel_name(credential->roles, all_roles);
}

static void add_field(struct buf *json, const char *name, const char *value)
{
    buf_addf(json, ",\"%s\":", name);
    json_write_text(json, value);
}

static void add_credential(struct buf *json, const struct credential *credential, bool for_customer, unsigned all_roles,
                           bool first)
{
    CLEANUP(freep)
    char *what = for_customer ? xstrdup(customer_what(credential, all_roles)) : credential_what(credential);
    buf_addf(json, "%s{\"kind\":\"%s\"", first ? "" : ",", credential->mailbox ? "mailbox" : "panel");
    add_field(json, "what", what);
    add_field(json, "login", credential->login);
    add_field(json, "password", credential->password);
    if (!for_customer && credential->next != NULL)
        add_field(json, "next", credential->next);
    buf_add_char(json, '}');
}

static bool is_shown(const struct credential *credential, bool for_customer, unsigned all_roles)
{
    return !for_customer || customer_what(credential, all_roles) != NULL;
}

static void write_all(const struct credential *list, size_t count, bool for_customer, struct buf *json)
{
    unsigned all_roles = 0;
    bool first = true;
    for (size_t i = 0; i < count; i++)
        all_roles |= list[i].roles;
    buf_reserve(json, 100 + count * 1000);
    buf_add_text(json, "{\"credentials\":[");
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(&list[i], for_customer, all_roles))
            continue;
        add_credential(json, &list[i], for_customer, all_roles, first);
        first = false;
    }
    buf_add_text(json, "]}\n");
}

void credentials_answer(struct call *call, int64_t service_id, bool for_customer)
{
    struct err err;
    struct credential *list = NULL;
    size_t count = 0;
    if (!credentials_load(call->store, call->config->keyring, service_id, &list, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    struct buf json = BUF_INIT;
    write_all(list, count, for_customer, &json);
    credentials_free(list, count);
    call->wiped = true;
    call_answer(call, MHD_HTTP_OK, "application/json", &json);
}

bool credentials_state(struct store *store, const struct service *service, struct credentials_state *ret_state,
                       struct err *err)
{
    struct customer_deeds deeds;
    struct operation *open = NULL;
    size_t count = 0;
    if (!store_get_deeds(store, service->id, &deeds, err) ||
        !store_list_open_operations(store, service->id, &open, &count, err))
        return false;
    struct credentials_state state = { .shown_at_ms = deeds.credentials_shown_at_ms };
    for (size_t i = 0; i < count; i++) {
        bool password = open[i].kind == OPERATION_PASSWORD;
        state.changing |= password && open[i].state == OPERATION_RUNNING;
        state.failed |= password && open[i].state == OPERATION_FAILED;
    }
    operations_free(open, count);
    state.available = service_keeps_panel(service) && !state.changing && state.shown_at_ms == 0;
    *ret_state = state;
    return true;
}
