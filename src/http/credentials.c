/* credentials.c - see credentials.h. */
#include "credentials.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/product.h"

struct loading {
    struct store *store;
    const struct keyring *keyring;
    struct service service;
    char *mailbox; /* its address */
    struct credential *list;
    size_t count;
};

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void credentials_free(struct credential *credentials, size_t count)
{
    for (size_t i = 0; credentials != NULL && i < count; i++) {
        wipe(credentials[i].password);
        wipe(credentials[i].next);
        free(credentials[i].login);
        free(credentials[i].node);
    }
    free(credentials);
}

/** One stored secret; *ret_text NULL when there is none. */
static bool open_secret(struct loading *loading, int64_t node_id, const char *kind, char **ret_text, struct err *err)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    char context[100];
    *ret_text = NULL;
    if (!store_get_secret(loading->store, loading->service.id, node_id, kind, &cipher, &length, err))
        return false;
    if (cipher == NULL)
        return true;
    snprintf(context, sizeof(context), "%" PRId64 "/%" PRId64 "/%s", loading->service.id, node_id, kind);
    bool ok = keyring_open(loading->keyring, context, cipher, length, ret_text, err);
    free(cipher);
    return ok;
}

static bool add(struct loading *loading, const struct account *account, const char *node, bool mailbox, struct err *err)
{
    struct credential credential = { .mailbox = mailbox, .roles = account->roles };
    const char *kind = mailbox ? "mailbox-password" : "panel-password";
    const char *next = mailbox ? "mailbox-password-next" : "panel-password-next";
    if (!open_secret(loading, account->node_id, kind, &credential.password, err))
        return false;
    if (credential.password == NULL)
        return true;
    if (!open_secret(loading, account->node_id, next, &credential.next, err)) {
        wipe(credential.password);
        return false;
    }
    credential.node = xstrdup(node);
    credential.login = xstrdup(mailbox ? loading->mailbox : account->username);
    loading->list = xrealloc(loading->list, (loading->count + 1) * sizeof(*loading->list));
    loading->list[loading->count++] = credential;
    return true;
}

static const char *name_of(const struct node *nodes, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].id == id)
            return nodes[i].name;
    }
    return "?";
}

static bool add_all(struct loading *loading, struct err *err)
{
    struct account *accounts = NULL;
    struct node *nodes = NULL;
    size_t count = 0, node_count = 0;
    bool ok = store_list_accounts(loading->store, loading->service.id, &accounts, &count, err) &&
              store_list_nodes(loading->store, &nodes, &node_count, err);
    for (size_t i = 0; ok && i < count; i++) {
        const char *node = name_of(nodes, node_count, accounts[i].node_id);
        ok = add(loading, &accounts[i], node, false, err) && add(loading, &accounts[i], node, true, err);
    }
    accounts_free(accounts, count);
    nodes_free(nodes, node_count);
    return ok;
}

/** The address of the mailbox: what the order asked for, or else the product. */
static bool find_mailbox(struct loading *loading, struct err *err)
{
    struct product product = { 0 };
    struct product_spec spec = { 0 };
    struct order_options options = { 0 };
    if (!store_get_product(loading->store, loading->service.product_id, &product, err))
        return false;
    bool ok = product_spec_parse(product.spec, &spec, err) &&
              order_options_parse(loading->service.options, &spec, &options, err);
    if (ok)
        loading->mailbox = xasprintf("%s@%s", options.mailbox, loading->service.domain);
    order_options_finish(&options);
    product_spec_finish(&spec);
    product_finish(&product);
    return ok;
}

bool credentials_load(struct store *store, const struct keyring *keyring, int64_t service_id,
                      struct credential **ret_credentials, size_t *ret_count, struct err *err)
{
    struct loading loading = { .store = store, .keyring = keyring };
    if (!store_get_service(store, service_id, &loading.service, err))
        return false;
    bool ok = find_mailbox(&loading, err) && add_all(&loading, err);
    service_finish(&loading.service);
    free(loading.mailbox);
    if (!ok) {
        credentials_free(loading.list, loading.count);
        return false;
    }
    *ret_credentials = loading.list;
    *ret_count = loading.count;
    return true;
}

char *credential_what(const struct credential *credential)
{
    return credential->mailbox ? xstrdup("mailbox") : xasprintf("panel on %s", credential->node);
}
