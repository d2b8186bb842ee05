/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "core/settings.h"
#include "engine/staff.h"
#include "http/link.h"
#include "store/store_deed.h"
#include "store/store_ticket.h"

#define NOW_MS 1700000000000
#define NO_TOKEN "No-Token"

/* ---- the stand-in for the engine ------------------------------------------------------------------------------------ */

static bool take_order(struct fixture *fixture, struct request *request)
{
    struct err *err = &request->err;
    if (strcmp(request->order.product, "basic") != 0)
        return err_set_field(err, ERR_INVALID, "product", "there is no product \"%s\"", request->order.product);
    if (request->order.external_id[0] != '\0') {
        int64_t id = 0, generation = 0;
        assert_true(
            store_find_service_by_external_id(fixture->store, request->order.external_id, &id, &generation, err));
        if (id != 0) {
            struct service before;
            assert_true(store_get_service(fixture->store, id, &before, err));
            bool same = strcmp(before.domain, request->order.domain) == 0;
            request->id = id;
            request->existing = true;
            service_finish(&before);
            return same || err_set_field(err, ERR_CONFLICT, "external_id", "this external_id was used before");
        }
    }
    enum domain_relation relation;
    int64_t other_id;
    char *other = NULL;
    assert_true(store_check_domain(fixture->store, request->order.domain, request->order.client_id, &relation,
                                   &other_id, &other, err));
    free(other);
    if (relation != DOMAIN_FREE)
        return err_set_field(err, ERR_CONFLICT, "domain", "%s is hosted already", request->order.domain);
    char none[] = "";
    struct service service = { .external_id = request->order.external_id,
                               .generation = 1,
                               .idempotency_key = request->order.idempotency_key,
                               .product_id = fixture->product_id,
                               .domain = request->order.domain,
                               .client_id = request->order.client_id,
                               .client_name = request->order.client_name,
                               .client_email = request->order.client_email,
                               .options = request->order.options,
                               .status = SERVICE_ACCEPTED,
                               .reason = none,
                               .reason_key = none,
                               .created_at_ms = NOW_MS,
                               .updated_at_ms = NOW_MS };
    if (!store_insert_service(fixture->store, &service, err))
        return false;
    request->id = service.id;
    return true;
}

static bool take_node(struct fixture *fixture, struct request *request)
{
    struct node *node = &request->node;
    if (strcmp(request->group_names[0], "eu") != 0)
        return err_set_field(&request->err, ERR_INVALID, "groups", "there is no group \"%s\"", request->group_names[0]);
    node->group_ids = xcalloc(1, sizeof(*node->group_ids));
    node->group_ids[0] = fixture->group_id;
    node->group_count = 1;
    if (node->capacity_max == NODE_CAPACITY_UNSAID)
        node->capacity_max = 0;
    bool ok = store_insert_node(fixture->store, node, &request->err);
    request->id = node->id;
    return ok;
}

static bool take_product(struct fixture *fixture, struct request *request)
{
    request->product.group_id = fixture->group_id;
    bool ok = store_insert_product(fixture->store, &request->product, &request->err);
    request->id = request->product.id;
    return ok;
}

static bool take_group(struct fixture *fixture, struct request *request)
{
    bool ok = store_insert_group(fixture->store, &request->group, &request->err);
    request->id = request->group.id;
    return ok;
}

static bool set_node(struct fixture *fixture, struct request *request)
{
    request->node.id = request->target_id;
    return store_update_node(fixture->store, &request->node, &request->err);
}

/* As the engine does it, without seals: a secret's cipher is the text itself. */
static bool set_settings(struct fixture *fixture, struct request *request)
{
    struct settings settings;
    settings_defaults(&settings);
    for (size_t i = 0; i < request->setting_count; i++) {
        if (!settings_set(&settings, request->settings[i].name, request->settings[i].value, &request->err))
            return false;
    }
    if (!settings_check(&settings, &request->err))
        return false;
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct setting *setting = setting_find(request->settings[i].name);
        struct buf written = BUF_INIT;
        settings_get_text(&settings, setting, &written);
        CLEANUP(freep) char *text = buf_steal(&written);
        bool secret = setting->secret;
        char none[] = "", changed[] = "(changed)";
        struct stored_setting stored = { .name = request->settings[i].name,
                                         .value = secret ? none : text,
                                         .cipher = secret ? (unsigned char *)text : NULL,
                                         .cipher_length = secret ? strlen(text) : 0 };
        struct setting_change change = { .at_ms = NOW_MS,
                                         .who = request->who,
                                         .name = request->settings[i].name,
                                         .old_value = none,
                                         .new_value = secret ? changed : text };
        bool ok = (request->settings[i].value == NULL ? store_remove_setting(fixture->store, stored.name, &request->err)
                                                      : store_put_setting(fixture->store, &stored, &request->err)) &&
                  store_insert_setting_change(fixture->store, &change, &request->err);
        if (!ok)
            return false;
    }
    return true;
}

static bool retry_ticket(struct fixture *fixture, struct request *request)
{
    struct ticket ticket;
    if (!store_get_ticket(fixture->store, request->target_id, &ticket, &request->err))
        return false;
    ticket_finish(&ticket);
    return store_requeue_messages(fixture->store, request->target_id, 1800000000000, NULL, &request->err);
}

static bool take_operation(struct fixture *fixture, struct request *request)
{
    char text[] = "split", hash[] = "00";
    struct operation operation = { .service_id = request->target_id,
                                   .kind = request->operation,
                                   .pipeline = text,
                                   .pipeline_hash = hash,
                                   .tasks_total = 3,
                                   .weight_total = 3,
                                   .created_at_ms = NOW_MS };
    bool ok = store_insert_operation(fixture->store, &operation, &request->err);
    request->id = operation.id;
    return ok;
}

/* Who asked must be known by name. */
static bool retry_all(struct request *request)
{
    request->count = request->who != NULL ? 3 : 0;
    return true;
}

/* By the engine's own code. */
static bool take_access(struct fixture *fixture, struct request *request)
{
    struct err err;
    must(staff_request(fixture->store, fixture->clock.now_ms(&fixture->clock), request, &err));
    return request->ok;
}

static bool add_event(struct fixture *fixture, struct request *request, const char *kind)
{
    CLEANUP(freep) char *copy = xstrdup(kind);
    CLEANUP(freep) char *data = xasprintf("{\"who\":\"%s\"}", request->who);
    struct event event = { .service_id = request->target_id, .at_ms = NOW_MS, .kind = copy, .data = data };
    request->id = request->target_id;
    request->created_at_ms = NOW_MS;
    return store_append_event(fixture->store, &event, &request->err);
}

/* Once, like the engine. */
static bool show_credentials(struct fixture *fixture, struct request *request)
{
    struct customer_deeds deeds;
    request->id = request->target_id;
    if (!store_get_deeds(fixture->store, request->target_id, &deeds, &request->err))
        return false;
    request->existing = deeds.credentials_shown_at_ms != 0;
    deeds.credentials_shown_at_ms = NOW_MS;
    return store_put_deeds(fixture->store, request->target_id, &deeds, &request->err);
}

static bool take(struct fixture *fixture, struct request *request)
{
    int code = atomic_load(&fixture->refuse_with);
    if (code != ERR_NONE)
        return err_set(&request->err, (enum err_code)code, "the engine says no");
    switch (request->kind) {
    case REQUEST_ORDER: return take_order(fixture, request);
    case REQUEST_GROUP_ADD: return take_group(fixture, request);
    case REQUEST_NODE_ADD: return take_node(fixture, request);
    case REQUEST_NODE_SET: return set_node(fixture, request);
    case REQUEST_NODE_TEST: request->facts = json_pack("{s:s}", "version", "1.10.3"); return true;
    case REQUEST_PRODUCT_ADD: return take_product(fixture, request);
    case REQUEST_ZONE_TEMPLATE_PUT:
        return store_put_zone_template(fixture->store, request->template_name, request->template_text, &request->err);
    case REQUEST_TICKET_RETRY: return retry_ticket(fixture, request);
    case REQUEST_TASK_RETRY: return err_set(&request->err, ERR_CONFLICT, "the task is running");
    case REQUEST_TASK_FAIL: return err_set(&request->err, ERR_CONFLICT, "the task is done");
    case REQUEST_TASK_RESOLVE: return err_set(&request->err, ERR_CONFLICT, "only a conflict can be decided");
    case REQUEST_OPERATION: return take_operation(fixture, request);
    case REQUEST_CANCEL: request->id = request->target_id; return true;
    case REQUEST_SERVICE_RETRY:
    case REQUEST_NODE_RETRY: return retry_all(request);
    case REQUEST_SETTING_SET: return set_settings(fixture, request);
    case REQUEST_STAFF_ADD:
    case REQUEST_STAFF_SET:
    case REQUEST_PASSWORD_SET:
    case REQUEST_SESSION_OPEN:
    case REQUEST_SESSION_CLOSE:
    case REQUEST_SESSION_TOUCH:
    case REQUEST_TOKEN_ADD:
    case REQUEST_TOKEN_REVOKE: return take_access(fixture, request);
    case REQUEST_REVEAL: return add_event(fixture, request, "credentials.revealed");
    case REQUEST_LINK_RENEW:
        return store_renew_link(fixture->store, request->target_id, clock_real()->now_ms(clock_real()),
                                &request->err) &&
               add_event(fixture, request, "link.renewed");
    case REQUEST_CREDENTIALS_SHOW: return show_credentials(fixture, request);
    }
    return false;
}

static void answer_request(struct fixture *fixture, struct request *request)
{
    struct err err;
    if (atomic_load(&fixture->engine_holds)) {
        request->next = fixture->held;
        fixture->held = request;
        return;
    }
    pthread_mutex_lock(&fixture->lock);
    must(store_begin(fixture->store, &err));
    request->ok = take(fixture, request);
    if (request->ok && request->who != NULL)
        must(audit_request(fixture->store, NOW_MS, request, "web1", &err));
    if (request->ok)
        must(store_commit(fixture->store, true, &err));
    else
        store_rollback(fixture->store);
    pthread_mutex_unlock(&fixture->lock);
    request->done(request, request->context);
}

static void *run_engine(void *context)
{
    struct fixture *fixture = context;
    while (!atomic_load(&fixture->engine_stops)) {
        inbox_wait(fixture->inbox, 100);
        struct request *request = inbox_take(fixture->inbox, 100);
        while (request != NULL) {
            struct request *next = request->next;
            atomic_fetch_add(&fixture->posted, 1);
            answer_request(fixture, request);
            request = next;
        }
    }
    return NULL;
}

/* ---- the server ----------------------------------------------------------------------------------------------------- */

static bool scan(const char *address, int port, int timeout_ms, char **ret_key_line, char **ret_fingerprint,
                 struct err *err)
{
    (void)timeout_ms;
    if (port != 22)
        return err_set(err, ERR_IO, "%s did not answer: connection refused", address);
    *ret_key_line = xstrdup("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWDDDTcUxSWdiv2RpezChw2p3bvdSuoMoRhkVKFHWTd");
    *ret_fingerprint = xstrdup("SHA256:unused");
    return true;
}

static int64_t ahead_now_ms(struct clock *clock)
{
    struct fixture *fixture = CONTAINER_OF(clock, struct fixture, clock);
    return clock_real()->now_ms(clock_real()) + atomic_load(&fixture->ahead_ms);
}

static int64_t ahead_boot_ms(struct clock *clock)
{
    struct fixture *fixture = CONTAINER_OF(clock, struct fixture, clock);
    return clock_real()->boot_ms(clock_real()) + atomic_load(&fixture->ahead_ms);
}

void fixture_wait(struct fixture *fixture, int64_t ms)
{
    atomic_fetch_add(&fixture->ahead_ms, ms);
}

void fixture_add_token(struct fixture *fixture, const char *name, enum staff_role role, char *ret_text)
{
    struct err err;
    struct rng rng;
    CLEANUP(freep) char *owned = xstrdup(name);
    struct api_token token = { .name = owned, .role = role, .created_at_ms = NOW_MS };
    rng_init_real(&rng);
    token_generate(&rng, ret_text);
    assert_true(token_hash(ret_text, token.hash));
    must(store_insert_token(fixture->store, &token, &err));
}

static void fill_store(struct fixture *fixture)
{
    struct err err;
    struct rng rng;
    char installation[7];
    rng_init_seed(&rng, 7);
    char name[] = "eu", title[] = "Europe", product_name[] = "basic", product_title[] = "Basic";
    char spec[] = "{\"dns\":{},\"mail\":{},\"web\":{\"disk_mb\":1000}}";
    char node_name[] = "web1", driver[] = "hestia", address[] = "127.0.0.1", user[] = "root", key[] = "", none[] = "";
    char host[] = "web1.example.net", ip[] = "192.0.2.1";
    struct group group = { .name = name, .title = title };
    struct product product = { .name = product_name, .title = product_title, .mode = MODE_SPLIT, .spec = spec };
    struct node node = { .name = node_name,
                         .driver = driver,
                         .roles = ROLE_BIT(ROLE_WEB),
                         .ssh_address = address,
                         .ssh_port = 22,
                         .ssh_user = user,
                         .host_key = key,
                         .hostname = host,
                         .public_ip4 = ip,
                         .public_ip6 = none,
                         .probe_address = none,
                         .ns_name = none,
                         .state_reason = none };
    must(store_open(fixture->url, &fixture->store, &err));
    must(store_installation(fixture->store, &rng, installation, &err));
    must(store_begin(fixture->store, &err));
    must(store_insert_group(fixture->store, &group, &err));
    product.group_id = fixture->group_id = group.id;
    node.group_ids = &group.id;
    node.group_count = 1;
    must(store_insert_product(fixture->store, &product, &err));
    must(store_insert_node(fixture->store, &node, &err));
    fixture->product_id = product.id;
    fixture->node_id = node.id;
    fixture_add_token(fixture, "admin", STAFF_OWNER, fixture->token);
    must(store_commit(fixture->store, true, &err));
}

static void write_page_file(const struct fixture *fixture, const char *name, const char *content)
{
    CLEANUP(freep) char *path = xasprintf("%s/web/%s", fixture->dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_pages(const struct fixture *fixture)
{
    static const char *const folders[] = { "web", "web/customer", "web/admin" };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        CLEANUP(freep) char *path = xasprintf("%s/%s", fixture->dir, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    char script[2001];
    for (size_t i = 0; i < sizeof(script) - 1; i++)
        script[i] = "let a=1;\n"[i % 9];
    script[sizeof(script) - 1] = '\0';
    write_page_file(fixture, "customer/main-Ab12.js", script);
    write_page_file(fixture, "customer/main-Cd34.css", "main{color:red}");
    write_page_file(
        fixture, "customer/manifest.json",
        "{\"src/customer/main.ts\":{\"file\":\"main-Ab12.js\",\"isEntry\":true,\"css\":[\"main-Cd34.css\"]}}");
    write_page_file(fixture, "admin/admin-Ef56.js", "1");
    write_page_file(fixture, "admin/admin.html", "<!doctype html><title>Berth</title>");
}

static void init(struct fixture *fixture, bool with_pages)
{
    struct err err;
    *fixture = (struct fixture){ 0 };
    log_set_fd(-1);
    snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/berth-http-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->url, sizeof(fixture->url), "sqlite://%s/berth.db", fixture->dir);
    pthread_mutex_init(&fixture->lock, NULL);
    fixture->clock = (struct clock){ ahead_now_ms, ahead_boot_ms };
    fill_store(fixture);
    char web_dir[80] = "";
    if (with_pages) {
        make_pages(fixture);
        snprintf(web_dir, sizeof(web_dir), "%s/web", fixture->dir);
    }
    fixture->keyring = keyring_from_seed(11);
    fixture->inbox = inbox_create();
    assert_int_equal(pthread_create(&fixture->engine, NULL, run_engine, fixture), 0);
    struct http_config config = { .listen_address = "127.0.0.1",
                                  .base_url = "https://berth.example.net",
                                  .store_url = fixture->url,
                                  .inbox = fixture->inbox,
                                  .keyring = fixture->keyring,
                                  .installation = "abc123",
                                  .clock = &fixture->clock,
                                  .pulse = &fixture->pulse,
                                  .web_dir = web_dir,
                                  .scan_host_key = scan };
    must(http_server_create(&config, &fixture->server, &err));
    fixture->port = http_server_port(fixture->server);
}

void fixture_init(struct fixture *fixture)
{
    init(fixture, false);
}

void fixture_init_with_pages(struct fixture *fixture)
{
    init(fixture, true);
}

void fixture_finish(struct fixture *fixture)
{
    http_server_destroy(fixture->server);
    atomic_store(&fixture->engine_stops, true);
    inbox_wake(fixture->inbox);
    pthread_join(fixture->engine, NULL);
    while (fixture->held != NULL) { /* answers that come after the server is gone */
        struct request *request = fixture->held;
        fixture->held = request->next;
        request->done(request, request->context);
    }
    inbox_destroy(fixture->inbox);
    store_close(fixture->store);
    keyring_destroy(fixture->keyring);
    pthread_mutex_destroy(&fixture->lock);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
}

/* ---- the client ----------------------------------------------------------------------------------------------------- */

int fixture_connect(const struct fixture *fixture)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)fixture->port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = { .tv_sec = 10 };
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static struct answer parse_answer(struct buf *raw)
{
    struct answer answer = { 0 };
    char *text = buf_steal(raw);
    char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        fail_msg("no whole answer came: \"%.200s\"", text);
    answer.head = xstrndup(text, (size_t)(end - text) + 2);
    answer.body = xstrdup(end + 4);
    sscanf(text, "HTTP/1.1 %d", &answer.status);
    answer.json = json_loads(answer.body, 0, NULL);
    free(text);
    return answer;
}

static int send_all(const struct fixture *fixture, const char *bytes, size_t length)
{
    int fd = fixture_connect(fixture);
    for (size_t at = 0; at < length;) {
        ssize_t sent = send(fd, bytes + at, length - at, MSG_NOSIGNAL);
        if (sent <= 0)
            break; /* the server may close before it has read everything */
        at += (size_t)sent;
    }
    return fd;
}

struct answer fixture_send(struct fixture *fixture, const char *bytes, size_t length)
{
    int fd = send_all(fixture, bytes, length);
    struct buf raw = BUF_INIT;
    char piece[4096];
    for (ssize_t got; (got = recv(fd, piece, sizeof(piece), 0)) > 0;)
        buf_add(&raw, piece, (size_t)got);
    close(fd);
    return parse_answer(&raw);
}

static void write_request(const struct fixture *fixture, const char *method, const char *path, const char *headers,
                          const char *body, struct buf *request)
{
    buf_addf(request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path, headers);
    if (strstr(headers, "Authorization") == NULL && strstr(headers, NO_TOKEN) == NULL)
        buf_addf(request, "Authorization: Bearer %s\r\n", fixture->token);
    if (body != NULL)
        buf_addf(request, "Content-Length: %zu\r\n", strlen(body));
    buf_add_text(request, "\r\n");
    if (body != NULL)
        buf_add_text(request, body);
}

int fixture_status(struct fixture *fixture, const char *method, const char *path, const char *headers, const char *body)
{
    struct buf request = BUF_INIT;
    char head[32] = "";
    int status = 0;
    write_request(fixture, method, path, headers, body, &request);
    int fd = send_all(fixture, buf_text(&request), request.length);
    for (size_t length = 0; length < 12;) { /* "HTTP/1.1 200" */
        ssize_t got = recv(fd, head + length, 12 - length, 0);
        if (got <= 0)
            fail_msg("%s %s: no answer came", method, path);
        length += (size_t)got;
    }
    close(fd);
    buf_finish(&request);
    assert_int_equal(sscanf(head, "HTTP/1.1 %d", &status), 1);
    return status;
}

struct answer fixture_ask(struct fixture *fixture, const char *method, const char *path, const char *headers,
                          const char *body)
{
    struct buf request = BUF_INIT;
    write_request(fixture, method, path, headers, body, &request);
    struct answer answer = fixture_send(fixture, buf_text(&request), request.length);
    buf_finish(&request);
    return answer;
}

struct answer fixture_get(struct fixture *fixture, const char *path)
{
    return fixture_ask(fixture, "GET", path, "", NULL);
}

struct answer fixture_get_by_id(struct fixture *fixture, const char *before, int64_t id, const char *behind)
{
    CLEANUP(freep) char *path = xasprintf("%s%lld%s", before, (long long)id, behind);
    return fixture_get(fixture, path);
}

void answer_finish(struct answer *answer)
{
    free(answer->head);
    free(answer->body);
    json_decref(answer->json);
    *answer = (struct answer){ 0 };
}

const char *answer_text(const struct answer *answer, const char *path)
{
    char key[64];
    const json_t *value = answer->json;
    while (*path != '\0') {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof(key), "%.*s", (int)length, path);
        value = json_object_get(value, key);
        path += length + (path[length] == '.');
    }
    const char *text = json_string_value(value);
    return text == NULL ? "" : text;
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    for (const char *line = answer->head; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *from = line + length + 1 + strspn(line + length + 1, " ");
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(from, "\r\n"), from);
        return value;
    }
    return NULL;
}

char *order_body(const char *product, const char *domain, const char *external_id)
{
    return xasprintf(
        "{\"product\":\"%s\",\"domain\":\"%s\",\"client\":{\"id\":\"c1\",\"name\":\"Ada\",\"email\":"
        "\"ada@example.org\"}%s%s%s}",
        product == NULL ? "basic" : product, domain == NULL ? "shop.example" : domain,
        external_id == NULL ? "" : ",\"external_id\":\"", external_id == NULL ? "" : external_id,
        external_id == NULL ? "" : "\"");
}

char *fixture_link(struct fixture *fixture, int64_t service_id, int64_t generation, const char *tail)
{
    char token[LINK_TOKEN_MAX];
    struct clock *clock = clock_real();
    link_token(fixture->keyring, service_id, generation, clock->now_ms(clock), token);
    return xasprintf("/s/%s%s", token, tail);
}

int64_t fixture_order(struct fixture *fixture, const char *domain)
{
    CLEANUP(freep) char *body = order_body(NULL, domain, NULL);
    struct answer answer = fixture_ask(fixture, "POST", "/api/v1/services", "", body);
    assert_int_equal(answer.status, 202);
    int64_t id = strtoll(answer_text(&answer, "id"), NULL, 10);
    answer_finish(&answer);
    return id;
}
