/* reveal.c - for tests only: prints every generated secret of a database, opened with the installation's key, one a line:
 * service, node, kind, secret. So that a test can look for them where they must not be, and log in as the customer would.
 *
 * usage: reveal DATABASE-URL KEY-FILE */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyring.h"
#include "store/store.h"

#define PAGE 100

static bool print_secret(struct store *store, const struct keyring *keyring, int64_t service_id, int64_t node_id,
                         const char *kind, struct err *err)
{
    unsigned char *cipher = NULL;
    size_t length = 0;
    char context[100], *text = NULL;
    if (!store_get_secret(store, service_id, node_id, kind, &cipher, &length, err))
        return false;
    if (cipher == NULL)
        return true;
    (void)snprintf(context, sizeof(context), "%" PRId64 "/%" PRId64 "/%s", service_id, node_id, kind);
    bool ok = keyring_open(keyring, context, cipher, length, &text, err);
    free(cipher);
    if (ok)
        printf("%" PRId64 " %" PRId64 " %s %s\n", service_id, node_id, kind, text);
    free(text);
    return ok;
}

static const char *const kinds[] = { "panel-password", "mailbox-password", "panel-password-next",
                                     "mailbox-password-next" };

static bool print_service(struct store *store, const struct keyring *keyring, int64_t service_id, struct err *err)
{
    struct account *accounts;
    size_t count;
    if (!store_list_accounts(store, service_id, &accounts, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        for (size_t k = 0; ok && k < ARRAY_LEN(kinds); k++)
            ok = print_secret(store, keyring, service_id, accounts[i].node_id, kinds[k], err);
    accounts_free(accounts, count);
    return ok;
}

static bool print_all(struct store *store, const struct keyring *keyring, struct err *err)
{
    struct service_filter filter = { .limit = PAGE };
    for (;;) {
        struct service *services;
        size_t count;
        if (!store_list_services(store, &filter, &services, &count, err))
            return false;
        bool ok = true;
        for (size_t i = 0; ok && i < count; i++) {
            ok = print_service(store, keyring, services[i].id, err);
            filter.before_id = services[i].id;
        }
        services_free(services, count);
        if (!ok || count < PAGE)
            return ok;
    }
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    struct store *store = NULL;
    struct keyring *keyring = NULL;
    if (argc != 3 || sodium_init() < 0) {
        fputs("usage: reveal DATABASE-URL KEY-FILE\n", stderr);
        return 2;
    }
    bool ok = keyring_load(argv[2], &keyring, &err) && store_open_reader(argv[1], &store, &err) &&
              print_all(store, keyring, &err);
    if (!ok)
        fprintf(stderr, "reveal: %s\n", err.msg);
    store_close(store);
    keyring_destroy(keyring);
    return ok ? 0 : 1;
}
