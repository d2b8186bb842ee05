/* server.c - see server.h: the life of the server and of each request in it. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "http/assets.h"
#include "http/auth.h"
#include "http/call.h"
#include "http/live.h"
#include "http/passwords.h"
#include "http/reader.h"
#include "http/route.h"
#include "http/session.h"

#define CONNECTIONS_MAX 8192 /* as far as there are file descriptors */
#define DESCRIPTORS_KEPT 256 /* for the store, nodes and probes */
#define ORDERS_KEPT 512      /* connections that streams cannot take */
#define IDLE_SECONDS 75
#define CONNECTION_MEMORY (12U * 1024U) /* head of a request and of its answer */
#define BACKLOG 1024
#define SWALLOW_MAX (8U * 1024 * 1024) /* a body up to this is read before it is refused: so the answer arrives */
#define LARGE_BODIES_MAX 4             /* of more than CALL_BODY_MAX, at the same time; of one caller only one */
#define STOP_WAIT_MS 400               /* for answers that are on their way */

enum wish { WISH_SERVE, WISH_REFUSE, WISH_END };

struct http_server {
    struct http_config config; /* texts owned */
    int listen_fd, port;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool has_thread;
    atomic_int wish; /* of the thread that stops the server */
    struct bedroom *bedroom;
    struct store *front_store; /* of the HTTP thread: tokens, and what answers of writes show */
    struct reader *reader;
    struct reader *slow; /* PLACE_SLOW */
    struct passwords *passwords;
    struct live *live;
    struct auth auth;
    struct assets *assets; /* NULL: there are none */
    size_t connections_max;
    atomic_size_t calls; /* that the HTTP thread has */
    const struct call
        *large_bodies[LARGE_BODIES_MAX]; /* of the HTTP thread: whose are on their way; NULL: a free place */
};

/* ---- one request ---------------------------------------------------------------------------------------------------- */

static bool check_size(struct call *call)
{
    if (!call->body_too_large)
        return true;
    struct problem problem;
    if (call->body_must_wait)
        problem_set(&problem, PROBLEM_BUSY, "", "other large files are being sent; send this one again in a moment");
    else
        problem_set(&problem, PROBLEM_TOO_LARGE, "", "the body has more than %zu bytes", call->body_max);
    call_refuse(call, &problem);
    return false;
}

static bool check_role(const struct call *call, struct problem *problem)
{
    static const enum staff_role needed[] = {
        [ACCESS_VIEWER] = STAFF_VIEWER, [ACCESS_OPERATOR] = STAFF_OPERATOR, [ACCESS_OWNER] = STAFF_OWNER
    };
    enum staff_role role = needed[call->route->access];
    if (call->caller.role >= role)
        return true;
    return problem_set(problem, PROBLEM_FORBIDDEN, "", "this needs the role %s, but %s has the role %s",
                       role == STAFF_OPERATOR ? "operator or owner" : staff_role_name(role), call->caller.name,
                       staff_role_name(call->caller.role));
}

/* A browser sends its cookie along whoever has made the request; only our own pages know the value that belongs to it. */
static bool check_origin(const struct call *call, struct problem *problem)
{
    if (call->caller.kind != CALLER_STAFF || strcmp(call->route->method, "GET") == 0 ||
        session_csrf_is_right(call_cookie(call), call_header(call, "Berth-CSRF")))
        return true;
    return problem_set(
        problem, PROBLEM_CSRF, "",
        "a change by a session needs the header Berth-CSRF with the session's value: load the page again");
}

static bool may_use(struct call *call, struct problem *problem)
{
    if (call->route->access == ACCESS_OPEN)
        return true;
    const char *header = call_header(call, "Authorization");
    return auth_identify(&call->server->auth, header, header == NULL ? call_cookie(call) : NULL, &call->caller,
                         problem) &&
           check_role(call, problem) && check_origin(call, problem);
}

static bool check_access(struct call *call)
{
    struct problem problem;
    if (may_use(call, &problem))
        return true;
    call_refuse(call, &problem);
    return false;
}

static void dispatch(struct call *call, const char *method)
{
    struct http_server *server = call->server;
    if (!route_find(call, method) || !check_access(call) || !check_size(call))
        return;
    if (call->route->place == PLACE_FRONT) {
        call->store = server->front_store;
        call->live = server->live;
        call->route->handle(call);
    } else if (call_sleep(call)) {
        reader_push(call->route->place == PLACE_SLOW ? server->slow : server->reader, call);
    }
}

/* The call came back from its sleep. */
static void wake_up(struct call *call)
{
    call->asleep = false;
    struct problem problem;
    if (atomic_load(&call->abandoned) || (call->status == 0 && call->request == NULL)) {
        problem_set(&problem, PROBLEM_STOPPING, "", "berthd is stopping; send the request again in a moment");
        call_refuse(call, &problem);
    } else if (call->status == 0) {
        call->store = call->server->front_store;
        call->finish(call);
    }
}

static void wipe_text(void *data)
{
    char *text = data;
    explicit_bzero(text, strlen(text));
    free(text);
}

/** Takes the answer's memory. */
static struct MHD_Response *make_response(struct call *call)
{
    if (call->watcher != NULL)
        return live_response(call->watcher);
    if (call->still != NULL)
        return MHD_create_response_from_buffer(call->still_length, (void *)(uintptr_t)call->still,
                                               MHD_RESPMEM_PERSISTENT);
    size_t length = call->answer.length;
    char *text = buf_steal(&call->answer);
    if (call->wiped)
        return MHD_create_response_from_buffer_with_free_callback(length, text, wipe_text);
    return MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_answer(struct call *call)
{
    struct MHD_Response *response = make_response(call);
    if (response == NULL)
        return MHD_NO;
    if (call->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", call->content_type);
    if (call->status != MHD_HTTP_ACCEPTED) {
        MHD_add_response_header(response, "Cache-Control",
                                call->cache_control == NULL ? "no-store" : call->cache_control);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    }
    for (size_t i = 0; i < call->header_count; i++)
        MHD_add_response_header(response, call->headers[i].name, call->headers[i].value);
    enum MHD_Result queued = MHD_queue_response(call->connection, call->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void add_body(struct call *call, const char *data, size_t length)
{
    if (call->body.length + length > call->body_max) {
        call->body_too_large = true;
        buf_clear(&call->body);
    } else if (!call->body_too_large) {
        buf_add(&call->body, data, length);
    }
}

static const struct call **find_place(struct http_server *server, const struct call *taken_by)
{
    for (size_t i = 0; i < LARGE_BODIES_MAX; i++) {
        if (server->large_bodies[i] == taken_by)
            return &server->large_bodies[i];
    }
    return NULL;
}

/* Who sends one slowly must not keep everybody else waiting. */
static bool sends_already(const struct call *call)
{
    for (size_t i = 0; i < LARGE_BODIES_MAX; i++) {
        const struct call *other = call->server->large_bodies[i];
        if (other != NULL && other->caller.kind == call->caller.kind && other->caller.id == call->caller.id)
            return true;
    }
    return false;
}

/* Before it comes: a large body is kept in memory only for somebody who may use the route, and only so many at a time. @return false:
 * who asks may not, which is said now when it is too much to be swallowed first */
static bool expect_large_body(struct call *call, const char *method, struct problem *problem)
{
    size_t max = route_body_max(method, call->path);
    if (max == CALL_BODY_MAX || !route_find(call, method))
        return true;
    if (!may_use(call, problem))
        return false;
    const struct call **place = sends_already(call) ? NULL : find_place(call->server, NULL);
    call->body_max = max;
    call->body_is_large = place != NULL;
    call->body_must_wait = call->body_too_large = place == NULL;
    if (place != NULL)
        *place = call;
    return true;
}

static enum MHD_Result begin(struct http_server *server, struct MHD_Connection *connection, const char *path,
                             const char *method, void **call_at)
{
    struct call *call = call_create(server, &server->config, server->bedroom, connection, path);
    atomic_fetch_add(&server->calls, 1);
    *call_at = call;
    const char *text = call_header(call, "Content-Length");
    unsigned long long length = text == NULL ? 0 : strtoull(text, NULL, 10);
    struct problem problem;
    bool may = length <= CALL_BODY_MAX || expect_large_body(call, method, &problem);
    if (length <= SWALLOW_MAX || (call->body_is_large && length <= call->body_max))
        return MHD_YES;
    call->body_must_wait = call->body_must_wait && length <= call->body_max;
    call->body_too_large = true;
    if (may)
        (void)check_size(call);
    else
        call_refuse(call, &problem);
    return send_answer(call); /* libmicrohttpd closes the connection after this: the body is never read */
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *data_length,
                                  void **call_at)
{
    (void)version;
    struct call *call = *call_at;
    if (call == NULL)
        return begin(context, connection, path, method, call_at);
    if (*data_length > 0) {
        add_body(call, data, *data_length);
        *data_length = 0;
        return MHD_YES;
    }
    if (call->asleep)
        wake_up(call);
    else
        dispatch(call, method);
    return call->asleep ? MHD_YES : send_answer(call);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **call_at,
                         enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct http_server *server = context;
    if (*call_at == NULL)
        return;
    struct call *call = *call_at;
    if (call->body_is_large)
        *find_place(server, call) = NULL;
    call_unref(call);
    *call_at = NULL;
    atomic_fetch_sub(&server->calls, 1);
}

/* ---- the server ----------------------------------------------------------------------------------------------------- */

static bool parse_address(const char *text, int port, struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1) {
        memcpy(ret_address, &ip4, sizeof(ip4));
        *ret_length = sizeof(ip4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &ip6.sin6_addr) == 1) {
        memcpy(ret_address, &ip6, sizeof(ip6));
        *ret_length = sizeof(ip6);
        return true;
    }
    return false;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static bool listen_on(struct http_server *server, const char *host, int port, struct err *err)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length;
    if (port < 0 || port > 65535 || !parse_address(host, port, &address, &length))
        return err_set(err, ERR_INVALID, "listen: %s:%d is not an address and a port", host, port);
    server->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0)
        return err_set(err, ERR_IO, "listen on %s:%d: %s", host, port, strerror(errno));
    int one = 1;
    (void)setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(server->listen_fd, (struct sockaddr *)&address, length) != 0 || listen(server->listen_fd, BACKLOG) != 0)
        return err_set(err, ERR_IO, "listen on %s:%d: %s", host, port, strerror(errno));
    server->port = bound_port(server->listen_fd);
    return true;
}

static void copy_config(struct http_server *server, const struct http_config *config)
{
    bool ip6 = strchr(config->listen_address, ':') != NULL;
    server->config = *config;
    server->config.port = server->port;
    server->config.listen_address = xstrdup(config->listen_address);
    server->config.store_url = xstrdup(config->store_url);
    server->config.installation = xstrdup(config->installation);
    server->config.base_url = config->base_url[0] != '\0' ? xstrdup(config->base_url)
                                                          : xasprintf(ip6 ? "http://[%s]:%d" : "http://%s:%d",
                                                                      config->listen_address, server->port);
}

/* Orders come first: a daemon without its pages still takes and carries them out. */
static void load_assets(struct http_server *server, const char *folder)
{
    struct err err;
    if (folder[0] != '\0' && !assets_load(folder, &server->assets, &err))
        log_warn("http.no-pages", "cause=%s", log_quote(err.msg));
    server->config.assets = server->assets;
    server->config.web_dir = NULL;
}

static size_t count_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= CONNECTIONS_MAX + DESCRIPTORS_KEPT)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > DESCRIPTORS_KEPT + 2 * ORDERS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT : 2 * ORDERS_KEPT;
}

static bool open_stores(struct http_server *server, struct err *err)
{
    struct store *reading = NULL, *telling = NULL;
    if (!store_open_reader(server->config.store_url, &server->front_store, err) ||
        !store_open_reader(server->config.store_url, &reading, err) ||
        !store_open_reader(server->config.store_url, &telling, err)) {
        store_close(reading);
        return err_wrap(err, "HTTP");
    }
    auth_init(&server->auth, server->front_store, server->config.clock, server->config.inbox);
    server->passwords = passwords_create();
    server->reader = reader_create(reading);
    server->slow = reader_create(NULL);
    server->connections_max = count_connections();
    server->live =
        live_create(telling, &server->config, server->bedroom->event_fd, server->connections_max - ORDERS_KEPT);
    return true;
}

static void stop_listening(struct http_server *server)
{
    int fd = MHD_quiesce_daemon(server->daemon);
    if (fd >= 0)
        close(fd);
}

static int poll_timeout_ms(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
        return -1;
    return timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
}

/* The HTTP thread. Our own and not libmicrohttpd's, which has to be told of each connection that shall go on by a lock and a system
 * call: here the engine rings once for all that a commit has answered. */
static void *serve(void *context)
{
    struct http_server *server = context;
    struct pollfd waits[] = {
        { .fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN },
        { .fd = server->bedroom->event_fd, .events = POLLIN },
        { .fd = live_hangup_fd(server->live), .events = POLLIN },
    };
    bool listening = true;
    for (int wanted; (wanted = atomic_load(&server->wish)) != WISH_END;) {
        if (wanted == WISH_REFUSE && listening) {
            stop_listening(server);
            listening = false;
        }
        (void)poll(waits, ARRAY_LEN(waits), poll_timeout_ms(server));
        bedroom_resume(server->bedroom);
        if (waits[2].revents != 0)
            live_take_hangups(server->live);
        live_resume(server->live);
        MHD_run(server->daemon);
    }
    return NULL;
}

static bool start_daemon(struct http_server *server, struct err *err)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (server->daemon == NULL)
        return err_set(err, ERR_IO, "HTTP: the server cannot be started: %s", strerror(errno));
    server->listen_fd = -1; /* libmicrohttpd's now */
    server->has_thread = pthread_create(&server->thread, NULL, serve, server) == 0;
    if (server->has_thread)
        (void)pthread_setname_np(server->thread, "http");
    return server->has_thread || err_set(err, ERR_IO, "HTTP: no thread can be started");
}

bool http_server_create(const struct http_config *config, struct http_server **ret_server, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    server->listen_fd = -1;
    server->bedroom = bedroom_create();
    json_object_seed(0); /* before there are threads that could do it at the same time */
    bool ok = listen_on(server, config->listen_address, config->port, err);
    if (ok) {
        copy_config(server, config);
        load_assets(server, config->web_dir == NULL ? "" : config->web_dir);
    }
    ok = ok && open_stores(server, err) && start_daemon(server, err);
    if (!ok) {
        http_server_destroy(server);
        return false;
    }
    *ret_server = server;
    return true;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

struct auth *http_server_auth(struct http_server *server)
{
    return &server->auth;
}

struct passwords *http_server_passwords(struct http_server *server)
{
    return server->passwords;
}

void http_server_access_changed(struct http_server *server, bool staff, int64_t id)
{
    auth_forget(&server->auth);
    live_bar(server->live, staff ? CALLER_STAFF : CALLER_TOKEN, id);
}

void http_server_tell(struct http_server *server, const struct changes *changes)
{
    live_tell(server->live, changes);
}

static void wait_for_answers(struct http_server *server)
{
    const struct timespec step = { .tv_nsec = 2 * 1000 * 1000 };
    for (int waited_ms = 0; waited_ms < STOP_WAIT_MS && atomic_load(&server->calls) > 0; waited_ms += 2)
        nanosleep(&step, NULL);
}

static void wish(struct http_server *server, enum wish what)
{
    const uint64_t one = 1;
    atomic_store(&server->wish, what);
    ssize_t written = write(server->bedroom->event_fd, &one, sizeof(one));
    (void)written;
}

static void stop(struct http_server *server)
{
    wish(server, WISH_REFUSE);
    if (server->reader != NULL)
        reader_stop(server->reader);
    if (server->slow != NULL)
        reader_stop(server->slow);
    if (server->passwords != NULL)
        passwords_stop(server->passwords);
    if (server->live != NULL)
        live_close(server->live);
    bedroom_close(server->bedroom);
    if (server->has_thread) {
        wait_for_answers(server);
        wish(server, WISH_END);
        pthread_join(server->thread, NULL);
    }
    bedroom_resume(server->bedroom); /* libmicrohttpd does not end while a connection sleeps */
    if (server->live != NULL)
        live_resume(server->live);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
}

void http_server_destroy(struct http_server *server)
{
    if (server == NULL)
        return;
    stop(server);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    reader_destroy(server->reader);
    reader_destroy(server->slow);
    passwords_destroy(server->passwords);
    live_destroy(server->live);
    store_close(server->front_store);
    bedroom_unref(server->bedroom);
    free((void *)(uintptr_t)server->config.listen_address);
    free((void *)(uintptr_t)server->config.store_url);
    free((void *)(uintptr_t)server->config.installation);
    free((void *)(uintptr_t)server->config.base_url);
    assets_destroy(server->assets);
    free(server);
}
