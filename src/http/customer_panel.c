/* customer_panel.c - what a customer needs once the service was live: where the website is, what a mail program asks for, which name
 * servers to set, and how far the certificate is. */
#include <string.h>

#include "http/customer_state.h"

#define IMAP_PORT 993 /* both with TLS from the first byte, as RFC 8314 wants it */
#define SMTP_PORT 465
#define MAIL_SECURITY "SSL/TLS"
#define HESTIA_PORT 8083 /* BACKEND_PORT of HestiaCP as its installer sets it; whoever moved it moved it on his own */

static const struct node *first_node(const struct picture *picture, enum role role)
{
    for (size_t i = 0; i < picture->account_count; i++) {
        if ((picture->accounts[i].roles & ROLE_BIT(role)) != 0)
            return catalogue_node(&picture->catalogue, picture->accounts[i].node_id);
    }
    return NULL;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : view_text(text);
}

static json_t *web_view(const struct picture *picture, const json_t *options)
{
    const struct node *node = first_node(picture, ROLE_WEB);
    if (node == NULL)
        return json_null();
    const char *ssl = world_view_ssl_word(&picture->world);
    bool secure = strcmp(ssl, "issued") == 0;
    CLEANUP(freep) char *url = xasprintf("%s://%s/", secure ? "https" : "http", picture->service.domain);
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:s}", "url", url, "address_ip4", text_or_null(node->public_ip4),
                     "address_ip6", text_or_null(node->public_ip6), "server", "nginx", "php",
                     text_or_null(json_string_value(json_object_get(options, "php"))), "ssl",
                     strcmp(ssl, "failed") == 0 ? "none" : ssl);
}

static json_t *mail_view(const struct picture *picture, const json_t *options)
{
    const struct node *node = first_node(picture, ROLE_MAIL);
    if (node == NULL)
        return json_null();
    const char *box = json_string_value(json_object_get(options, "mailbox"));
    bool has_box = box != NULL && box[0] != '\0';
    CLEANUP(freep) char *mailbox = has_box ? xasprintf("%s@%s", box, picture->domain) : NULL;
    CLEANUP(freep) char *login = has_box ? xasprintf("%s@%s", box, picture->service.domain) : NULL;
    return json_pack("{s:o, s:o, s:o, s:i, s:s, s:o, s:i, s:s, s:n}", "mailbox", text_or_null(mailbox), "login",
                     text_or_null(login), "imap_host", text_or_null(node->hostname), "imap_port", IMAP_PORT,
                     "imap_security", MAIL_SECURITY, "smtp_host", text_or_null(node->hostname), "smtp_port", SMTP_PORT,
                     "smtp_security", MAIL_SECURITY, "webmail");
}

static json_t *dns_view(const struct picture *picture)
{
    if (!picture->world.has_names)
        return json_null();
    json_t *servers = json_array();
    for (size_t i = 0; i < picture->account_count; i++) {
        const struct node *node = catalogue_node(&picture->catalogue, picture->accounts[i].node_id);
        if ((picture->accounts[i].roles & ROLE_BIT(ROLE_DNS)) == 0 || node == NULL)
            continue;
        const char *name = node->ns_name[0] != '\0' ? node->ns_name : node->hostname;
        json_array_append_new(servers,
                              json_pack("{s:o, s:o}", "name", view_text(name), "ip4", text_or_null(node->public_ip4)));
    }
    json_t *dns = world_view_panel_dns(&picture->world);
    json_object_set_new(dns, "name_servers", servers);
    return dns;
}

/* Where the logins of the accounts are good for. */
static json_t *controls_view(const struct picture *picture)
{
    json_t *controls = json_array();
    unsigned all_roles = 0;
    for (size_t i = 0; i < picture->account_count; i++)
        all_roles |= picture->accounts[i].roles;
    for (size_t i = 0; i < picture->account_count; i++) {
        const struct node *node = catalogue_node(&picture->catalogue, picture->accounts[i].node_id);
        const char *name = credentials_panel_name(picture->accounts[i].roles, all_roles);
        if (name == NULL || node == NULL || node->hostname[0] == '\0' || strcmp(node->driver, "hestia") != 0)
            continue;
        CLEANUP(freep) char *url = xasprintf("https://%s:%d/", node->hostname, HESTIA_PORT);
        json_array_append_new(controls, json_pack("{s:s, s:o}", "what", name, "url", view_text(url)));
    }
    return controls;
}

json_t *customer_panel_view(const struct picture *picture)
{
    if (!picture->has_panel)
        return json_null();
    json_t *options = view_json(picture->service.options);
    json_t *panel = json_pack("{s:o, s:o, s:o, s:o, s:o}", "web", web_view(picture, options), "mail",
                              mail_view(picture, options), "dns", dns_view(picture), "ssl",
                              world_view_panel_ssl(&picture->world), "controls", controls_view(picture));
    json_decref(options);
    return panel;
}
