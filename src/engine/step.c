/* step.c - what a driver is told about a task: gathered from the service, its product and options, its accounts, what
 * earlier tasks learned, and the secrets that this step needs. Nothing in it depends on when it is gathered, so that an
 * attempt which is picked up after a crash is told the same again. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "core/zone_template.h"
#include "engine/internal.h"

struct step_data {
    struct step step;
    struct service service;
    struct order_options options;
    struct account *accounts;
    size_t account_count;
    struct stored_fact *facts;
    size_t fact_count;
    char *password;
    char *node_texts[4]; /* name, hostname, ip4, ip6: copies, a node's record may be replaced under a running attempt */
    char *probe_address;
    char *ns_texts[NAME_SERVERS_MAX * 2];
    struct name_server name_servers[NAME_SERVERS_MAX];
    char *zone_ip;
    struct zone_rendered zone;
};

const struct step *step_data_step(const struct step_data *data)
{
    return &data->step;
}

void step_data_inputs_hash(const struct step_data *data, char ret_hash[INPUTS_HASH_SIZE])
{
    unsigned char hash[(INPUTS_HASH_SIZE - 1) / 2];
    crypto_generichash_state state;
    ret_hash[0] = '\0';
    if (data == NULL || data->zone.record_count == 0)
        return;
    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    for (size_t i = 0; i < data->zone.record_count; i++) {
        const struct zone_record *record = &data->zone.records[i];
        const char *texts[] = { record->name, record->type, record->value };
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) /* with the NUL, which keeps them apart */
            crypto_generichash_update(&state, (const unsigned char *)texts[k], strlen(texts[k]) + 1);
    }
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(ret_hash, INPUTS_HASH_SIZE, hash, sizeof(hash));
}

static void wipe(char *text)
{
    if (text != NULL)
        sodium_memzero(text, strlen(text));
    free(text);
}

void step_data_destroy(struct step_data *data)
{
    if (data == NULL)
        return;
    if (data->password != NULL)
        redact_remove(data->password);
    wipe(data->password);
    service_finish(&data->service);
    order_options_finish(&data->options);
    accounts_free(data->accounts, data->account_count);
    stored_facts_free(data->facts, data->fact_count);
    for (size_t i = 0; i < ARRAY_LEN(data->node_texts); i++)
        free(data->node_texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(data->ns_texts); i++)
        free(data->ns_texts[i]);
    free(data->probe_address);
    free(data->zone_ip);
    zone_rendered_finish(&data->zone);
    free(data);
}

/* ---- secrets
 * ------------------------------------------------------------------------------------------------------------- */

static void secret_context(int64_t service_id, int64_t node_id, const char *kind, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%" PRId64 "/%" PRId64 "/%s", service_id, node_id, kind);
}

static bool seal_secret(struct engine *engine, int64_t service_id, int64_t node_id, const char *kind,
                        const char *password, struct err *err)
{
    char context[100];
    unsigned char *cipher = NULL;
    size_t length = 0;
    secret_context(service_id, node_id, kind, context, sizeof(context));
    keyring_seal(engine->config.keyring, engine->config.rng, context, password, &cipher, &length);
    bool ok = store_put_secret(engine->config.store, service_id, node_id, kind, cipher, length, err);
    free(cipher);
    return ok;
}

bool step_secret_create(struct engine *engine, int64_t service_id, int64_t node_id, const char *kind, struct err *err)
{
    char password[PASSWORD_LENGTH + 1];
    password_generate(engine->config.rng, password);
    bool ok = seal_secret(engine, service_id, node_id, kind, password, err);
    sodium_memzero(password, sizeof(password));
    return ok;
}

/** *ret_text NULL when there is none; the caller's to wipe and free. */
static bool open_secret(struct engine *engine, int64_t service_id, int64_t node_id, const char *kind, char **ret_text,
                        struct err *err)
{
    char context[100];
    unsigned char *cipher = NULL;
    size_t length = 0;
    *ret_text = NULL;
    if (!store_get_secret(engine->config.store, service_id, node_id, kind, &cipher, &length, err))
        return false;
    secret_context(service_id, node_id, kind, context, sizeof(context));
    bool ok = cipher == NULL || keyring_open(engine->config.keyring, context, cipher, length, ret_text, err);
    free(cipher);
    return ok;
}

/** "user" of "mail.user". */
static const char *kind_of(const char *action)
{
    const char *dot = strchr(action, '.');
    return dot == NULL ? action : dot + 1;
}

/* ---- passwords that are to be ---- */

/** The kinds of secret that a step sets; false: it sets none. */
static bool next_of(const struct task *task, const char **ret_kind, const char **ret_next)
{
    bool mailbox = strcmp(kind_of(task->action), "mailbox-password") == 0;
    *ret_kind = mailbox ? SECRET_MAILBOX : SECRET_PANEL;
    *ret_next = mailbox ? SECRET_MAILBOX_NEXT : SECRET_PANEL_NEXT;
    return mailbox || strcmp(kind_of(task->action), "password") == 0;
}

bool step_has_next(struct engine *engine, const struct account *accounts, size_t count, bool *ret_has, struct err *err)
{
    static const char *const kinds[] = { SECRET_PANEL_NEXT, SECRET_MAILBOX_NEXT };
    *ret_has = false;
    for (size_t i = 0; i < count * ARRAY_LEN(kinds) && !*ret_has; i++) {
        const struct account *account = &accounts[i / ARRAY_LEN(kinds)];
        unsigned char *cipher = NULL;
        size_t length = 0;
        if (!store_get_secret(engine->config.store, account->service_id, account->node_id, kinds[i % ARRAY_LEN(kinds)],
                              &cipher, &length, err))
            return false;
        *ret_has = cipher != NULL;
        free(cipher);
    }
    return true;
}

bool step_take_next(struct engine *engine, const struct task *task, bool *ret_changed, struct err *err)
{
    const char *kind, *next;
    struct store *store = engine->config.store;
    char *password = NULL;
    *ret_changed = false;
    if (!next_of(task, &kind, &next))
        return true;
    if (!open_secret(engine, task->service_id, task->node_id, next, &password, err))
        return false;
    *ret_changed = password != NULL;
    bool ok = password == NULL || (seal_secret(engine, task->service_id, task->node_id, kind, password, err) &&
                                   store_remove_secret(store, task->service_id, task->node_id, next, err));
    wipe(password);
    return ok;
}

bool step_sets_password(const char *action)
{
    return strcmp(kind_of(action), "mailbox-password") == 0 || strcmp(kind_of(action), "password") == 0;
}

/** Has a step begun, now or in an operation before this one, to set this one? Then the node may have it. */
static bool was_begun(const struct task *tasks, size_t count, int64_t node_id, const char *next)
{
    for (size_t i = 0; i < count; i++) {
        const char *kind, *other;
        if (tasks[i].node_id == node_id && (tasks[i].attempt_id != 0 || tasks[i].suspect) &&
            next_of(&tasks[i], &kind, &other) && strcmp(next, other) == 0)
            return true;
    }
    return false;
}

bool step_drop_next(struct engine *engine, int64_t operation_id, struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    if (!store_list_tasks(engine->config.store, operation_id, &tasks, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const char *kind, *next;
        if (next_of(&tasks[i], &kind, &next) && !was_begun(tasks, count, tasks[i].node_id, next))
            ok = store_remove_secret(engine->config.store, tasks[i].service_id, tasks[i].node_id, next, err);
    }
    tasks_free(tasks, count);
    return ok;
}

static bool load_password(struct engine *engine, struct step_data *data, int64_t node_id, const char *kind,
                          struct err *err)
{
    if (!open_secret(engine, data->service.id, node_id, kind, &data->password, err))
        return false;
    if (data->password == NULL)
        return err_set(err, ERR_NOT_FOUND, "the %s of service %" PRId64 " is not stored", kind, data->service.id);
    redact_add(data->password);
    data->step.password = data->password;
    return true;
}

/* ---- accounts and nodes
 * ---------------------------------------------------------------------------------------------------- */

static const struct account *account_for(const struct step_data *data, enum role role)
{
    for (size_t i = 0; i < data->account_count; i++) {
        if ((data->accounts[i].roles & ROLE_BIT(role)) != 0)
            return &data->accounts[i];
    }
    return NULL;
}

static const struct account *account_on(const struct step_data *data, int64_t node_id)
{
    for (size_t i = 0; i < data->account_count; i++) {
        if (data->accounts[i].node_id == node_id)
            return &data->accounts[i];
    }
    return NULL;
}

static const struct node *node_for(const struct engine *engine, const struct step_data *data, enum role role)
{
    const struct account *account = account_for(data, role);
    size_t index = account == NULL ? SIZE_MAX : engine_node_index(engine, account->node_id);
    return index == SIZE_MAX ? NULL : &engine->nodes[index];
}

static void tell_node(struct step_data *data, const struct node *node)
{
    struct step *step = &data->step;
    const char *texts[] = { node->name, node->hostname, node->public_ip4, node->public_ip6 };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        data->node_texts[i] = xstrdup(texts[i]);
    step->node_name = data->node_texts[0];
    step->node_hostname = data->node_texts[1];
    step->node_ip4 = data->node_texts[2];
    step->node_ip6 = data->node_texts[3];
    step->sudo = strcmp(node->ssh_user, "root") != 0;
    data->probe_address = xstrdup(node->probe_address[0] != '\0' ? node->probe_address : node->public_ip4);
    step->probe_address = data->probe_address;
    step->probe_http_port = node->probe_http_port;
    step->probe_imap_port = node->probe_imap_port;
}

/** What an account's package allows: what its roles were sold with; a role that it does not carry gets nothing. */
static void tell_limits(struct step_data *data, const struct product_spec *spec, unsigned roles)
{
    struct account_limits *limits = &data->step.limits;
    *limits = (struct account_limits){ .php = "" };
    if ((roles & ROLE_BIT(ROLE_WEB)) != 0) {
        limits->disk_mb = spec->web.disk_mb;
        limits->bandwidth_mb = spec->web.bandwidth_mb;
        limits->web_domains = spec->web.domains;
        limits->web_aliases = spec->web.aliases;
        limits->databases = spec->web.databases;
        limits->cron_jobs = spec->web.cron_jobs;
        limits->backups = spec->web.backups;
        limits->php = data->options.php;
    }
    if ((roles & ROLE_BIT(ROLE_MAIL)) != 0) {
        bool unlimited = limits->disk_mb < 0 || spec->mail.disk_mb < 0;
        limits->disk_mb = unlimited ? -1 : limits->disk_mb + spec->mail.disk_mb;
        limits->mail_domains = spec->mail.domains;
        limits->mail_accounts = spec->mail.accounts;
        limits->mail_rate_per_hour = spec->mail.rate_per_hour;
    }
    if ((roles & ROLE_BIT(ROLE_DNS)) != 0) {
        limits->dns_domains = spec->dns.domains;
        limits->dns_records = spec->dns.records;
    }
    if ((roles & (ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL))) == 0)
        limits->disk_mb = -1; /* a name server's account holds no files worth a quota */
    if ((roles & ROLE_BIT(ROLE_WEB)) == 0)
        limits->bandwidth_mb = -1;
}

static void tell_name_servers(const struct engine *engine, struct step_data *data)
{
    size_t count = 0;
    for (size_t i = 0; i < data->account_count && count < NAME_SERVERS_MAX; i++) {
        if ((data->accounts[i].roles & ROLE_BIT(ROLE_DNS)) == 0)
            continue;
        size_t index = engine_node_index(engine, data->accounts[i].node_id);
        if (index == SIZE_MAX)
            continue;
        const struct node *node = &engine->nodes[index];
        char *name = xstrdup(node->ns_name[0] != '\0' ? node->ns_name : node->hostname);
        char *address = xstrdup(node->probe_address[0] != '\0' ? node->probe_address : node->public_ip4);
        data->ns_texts[count * 2] = name;
        data->ns_texts[count * 2 + 1] = address;
        data->name_servers[count++] =
            (struct name_server){ .name = name, .address = address, .port = node->probe_dns_port };
    }
    data->step.name_servers = data->name_servers;
    data->step.name_server_count = count;
    /* The one thing here that may change between two looks of an attempt that was interrupted: they begin anew anyway. */
    data->step.name_servers_needed = (size_t)engine->settings.verify.name_servers;
}

/* ---- the zone
 * ----------------------------------------------------------------------------------------------------------------- */

/** @param node_id 0 for what is ours alone (the serial that we want), -1 for what any node has told */
static const char *fact_value(const struct step_data *data, int64_t node_id, const char *key)
{
    for (size_t i = 0; i < data->fact_count; i++) {
        if (strcmp(data->facts[i].key, key) == 0 && (node_id < 0 || data->facts[i].node_id == node_id))
            return data->facts[i].value;
    }
    return "";
}

static bool tell_zone(struct engine *engine, struct step_data *data, const struct product_spec *spec, struct err *err)
{
    const struct node *web = node_for(engine, data, ROLE_WEB);
    const struct node *mail = node_for(engine, data, ROLE_MAIL);
    char service_id[32];
    snprintf(service_id, sizeof(service_id), "%" PRId64, data->service.id);
    struct zone_values values = { .domain = data->service.domain,
                                  .server_ip = web == NULL ? "" : web->public_ip4,
                                  .server_ip6 = web == NULL ? "" : web->public_ip6,
                                  .mail_server_ip = mail == NULL ? "" : mail->public_ip4,
                                  .mail_server_ip6 = mail == NULL ? "" : mail->public_ip6,
                                  .mail_server_hostname = mail == NULL ? "" : mail->hostname,
                                  .domainkey = fact_value(data, -1, "dkim_value"),
                                  .service_id = service_id,
                                  .client_id = data->service.client_id };
    for (size_t i = 0; i < data->step.name_server_count && i < ZONE_NS_MAX; i++)
        values.ns[i] = data->name_servers[i].name;
    CLEANUP(freep) char *text = NULL;
    if (!store_get_zone_template(engine->config.store, spec->dns.zone_template, &text, err) ||
        !zone_template_render(text, &values, &data->zone, err))
        return false;
    data->zone_ip = xstrdup(web != NULL ? web->public_ip4 : mail != NULL ? mail->public_ip4 : data->step.node_ip4);
    data->step.zone = (struct zone){ .records = data->zone.records,
                                     .record_count = data->zone.record_count,
                                     .soa = data->step.name_server_count == 0 ? "" : data->name_servers[0].name,
                                     .ip = data->zone_ip,
                                     .ttl = spec->dns.ttl,
                                     .serial = strtoll(fact_value(data, 0, "serial"), NULL, 10) };
    return true;
}

/* ---- all of it
 * ---------------------------------------------------------------------------------------------------------------- */

/** What waits to be set; none: a step before this one has set it. */
static bool load_next(struct engine *engine, struct step_data *data, int64_t node_id, const char *kind, struct err *err)
{
    struct err missing = { 0 };
    if (load_password(engine, data, node_id, kind, &missing) || missing.code == ERR_NOT_FOUND)
        return true;
    *err = missing;
    return false;
}

static bool tell_secrets(struct engine *engine, struct step_data *data, const struct task *task, int64_t node_id,
                         struct err *err)
{
    const char *action = task->action, *kind = kind_of(action);
    const char *stored, *next;
    if (strcmp(kind, "user") == 0)
        return load_password(engine, data, node_id, SECRET_PANEL, err);
    if (next_of(task, &stored, &next))
        return load_next(engine, data, node_id, next, err);
    bool mailbox = strcmp(action, "mail.account") == 0 || strcmp(action, "verify.mail") == 0;
    if (mailbox && data->options.mailbox[0] != '\0')
        return load_password(engine, data, node_id, SECRET_MAILBOX, err);
    return true;
}

/** Roles that share an account have steps of the same kind on it: what was cut off in one of them another one finds half-made. */
static bool tell_suspect(struct engine *engine, struct step_data *data, const struct task *task, unsigned roles,
                         struct err *err)
{
    struct task *tasks = NULL;
    size_t count = 0;
    if (task->suspect || (roles & (roles - 1)) == 0)
        return true;
    if (!store_list_tasks(engine->config.store, task->operation_id, &tasks, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        data->step.suspect |= tasks[i].suspect && tasks[i].state != TASK_DONE && tasks[i].node_id == task->node_id &&
                              strcmp(kind_of(tasks[i].action), kind_of(task->action)) == 0;
    tasks_free(tasks, count);
    return true;
}

static bool gather(struct engine *engine, struct step_data *data, const struct task *task,
                   const struct product_spec *spec, struct err *err)
{
    struct step *step = &data->step;
    const struct account *account =
        task->node_id != 0 ? account_on(data, task->node_id) : account_for(data, task->role);
    size_t node = account == NULL ? SIZE_MAX : engine_node_index(engine, account->node_id);
    if (node == SIZE_MAX)
        return err_set(err, ERR_NOT_FOUND, "task %s has no account to work on", task->key);
    tell_node(data, &engine->nodes[node]);
    step->domain = data->service.domain;
    step->user = account->username;
    step->package = account->package;
    step->adopt = strcmp(fact_value(data, account->node_id, "adopt"), account->username) == 0;
    step->contact_name = data->service.client_name;
    step->contact_email = data->service.client_email;
    step->mailbox = data->options.mailbox;
    step->mailbox_quota_mb = data->options.mailbox_quota_mb;
    tell_limits(data, spec, account->roles);
    tell_name_servers(engine, data);
    if (((task->role == ROLE_DNS &&
          (strcmp(task->action, "dns.zone") == 0 || strcmp(task->action, "verify.dns") == 0))) &&
        !tell_zone(engine, data, spec, err))
        return false;
    return tell_suspect(engine, data, task, account->roles, err) &&
           tell_secrets(engine, data, task, account->node_id, err);
}

bool step_data_load(struct engine *engine, const struct task *task, const struct attempt *attempt,
                    struct step_data **ret_data, struct err *err)
{
    struct store *store = engine->config.store;
    struct step_data *data = xcalloc(1, sizeof(*data));
    data->step.action = task->action; /* the running record outlives the step */
    data->step.installation = engine->config.installation;
    data->step.service_id = task->service_id;
    data->step.suspect = task->suspect;
    data->step.now_ms = attempt->started_at_ms;
    const struct product_live *product = NULL;
    bool ok = store_get_service(store, task->service_id, &data->service, err);
    if (ok) {
        product = engine_product_by_id(engine, data->service.product_id);
        ok = product != NULL ||
             err_set(err, ERR_NOT_FOUND, "the product of service %" PRId64 " is gone", task->service_id);
    }
    ok = ok && order_options_parse(data->service.options, &product->spec, &data->options, err) &&
         store_list_accounts(store, task->service_id, &data->accounts, &data->account_count, err) &&
         store_list_facts(store, task->service_id, &data->facts, &data->fact_count, err) &&
         gather(engine, data, task, &product->spec, err);
    if (!ok) {
        step_data_destroy(data);
        return false;
    }
    *ret_data = data;
    return true;
}

struct step_data *step_data_for_node(struct engine *engine, size_t node, int64_t now_ms)
{
    struct step_data *data = xcalloc(1, sizeof(*data));
    data->step.action = "node.preflight";
    data->step.installation = engine->config.installation;
    data->step.now_ms = now_ms;
    data->step.limits.php = "";
    tell_node(data, &engine->nodes[node]);
    return data;
}
