/* ssh_session.c - a connection to a node: look up, connect, keys, login, lanes, and the bytes after that. libssh runs non-blocking on a socket
 * of ours, in an event of its own per session: an error is then known to be this session's. libssh's own timeouts hold only for
 * blocking calls, so every step has a deadline here. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "transport/resolve.h"
#include "transport/ssh_internal.h"
#include "transport/ssh_key.h"

#define PUMP_MAX 64 /* reads in one go; then it is another session's turn */

static struct loop *session_loop(const struct ssh_session_state *session)
{
    return transport_loop(session->node->transport);
}

struct ssh_session_state *session_create(struct ssh_node *node)
{
    struct ssh_session_state *session = xcalloc(1, sizeof(*session));
    struct loop *loop = transport_loop(node->transport);
    session->node = node;
    session->fd = -1;
    session->step_deadline_at_ms = loop->now_ms + loop->connect_ms;
    session->lane_count = node_lanes(node);
    for (unsigned i = 0; i < session->lane_count; i++)
        lane_init(&session->lanes[i], session, i);
    session->resolve = resolve_start(node->address, node->port, loop->event_fd);
    session->ready = true;
    return session;
}

void session_destroy(struct ssh_session_state *session)
{
    for (unsigned i = 0; i < session->lane_count; i++)
        lane_finish(&session->lanes[i]);
    resolve_drop(session->resolve);
    if (session->event != NULL)
        ssh_event_free(session->event);
    if (session->fd >= 0 && !session->fd_given)
        close(session->fd);
    if (session->ssh != NULL)
        ssh_free(session->ssh); /* closes the socket, without a word: the node may not read any more */
    free(session);
}

void session_fail(struct ssh_session_state *session, enum transport_fault fault, const char *format, ...)
{
    if (session->state == SESSION_DEAD)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(session->why, sizeof(session->why), format, args);
    va_end(args);
    session->fault = fault;
    session->state = SESSION_DEAD;
}

static void session_watch(struct ssh_session_state *session, uint32_t events)
{
    struct loop *loop = session_loop(session);
    struct epoll_event event = { .events = events, .data.ptr = session };
    if (session->epoll_events == events)
        return;
    int op = session->epoll_events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(loop->epoll_fd, op, session->fd, &event) == 0)
        session->epoll_events = events;
    else
        session_fail(session, FAULT_CONNECT, "cannot watch the connection to %s: %s", session->node->name,
                     strerror(errno));
}

/* ---- TCP ------------------------------------------------------------------------------------------------------------ */

static void set_number(int fd, int level, int option, int value)
{
    /* Each of them only makes things faster or fail sooner: a system without it still works. */
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

void session_quick_ack(const struct ssh_session_state *session)
{
    if (session->state >= SESSION_TCP && session->state <= SESSION_UP)
        set_number(session->fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

static void session_forget_fd(struct ssh_session_state *session)
{
    if (session->fd >= 0)
        close(session->fd); /* epoll forgets it by itself */
    session->fd = -1;
    session->epoll_events = 0;
}

/* Begin to connect to the next address. @return false when there is none left (the session is dead then) */
static bool session_connect(struct ssh_session_state *session, int last_errno)
{
    struct loop *loop = session_loop(session);
    for (struct addrinfo *at; (at = session->next_address) != NULL;) {
        session->next_address = at->ai_next;
        session_forget_fd(session);
        session->fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
        if (session->fd >= 0 && (connect(session->fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS)) {
            set_number(session->fd, IPPROTO_TCP, TCP_NODELAY, 1);
            set_number(session->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)loop->silence_ms);
            set_number(session->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
            session->state = SESSION_TCP;
            session_watch(session, EPOLLOUT);
            return true;
        }
        last_errno = errno;
    }
    session_fail(session, FAULT_CONNECT, "cannot connect to %s (%s port %d): %s", session->node->name,
                 session->node->address, session->node->port, strerror(last_errno));
    return false;
}

static bool step_resolve(struct ssh_session_state *session)
{
    struct err err = { 0 };
    struct addrinfo *list = NULL;
    if (!resolve_done(session->resolve, &list, &err))
        return false;
    if (list == NULL) {
        session_fail(session, FAULT_CONNECT, "cannot connect to %s: %s", session->node->name, err.msg);
        return false;
    }
    session->next_address = list;
    return session_connect(session, EADDRNOTAVAIL);
}

/* ---- keys and login ------------------------------------------------------------------------------------------------- */

static bool set_option(struct ssh_session_state *session, enum ssh_options_e option, const void *value)
{
    if (ssh_options_set(session->ssh, option, value) == SSH_OK)
        return true;
    session_fail(session, FAULT_CONNECT, "cannot set up SSH for %s: %s", session->node->name,
                 ssh_get_error(session->ssh));
    return false;
}

static bool session_begin_ssh(struct ssh_session_state *session)
{
    struct ssh_node *node = session->node;
    char algorithms[256];
    const int no = 0;
    session->ssh = ssh_new();
    session->event = ssh_event_new();
    if (session->ssh == NULL || session->event == NULL) {
        session_fail(session, FAULT_CONNECT, "no memory for a connection to %s", node->name);
        return false;
    }
    ssh_key_algorithms(node->host_key, algorithms, sizeof(algorithms));
    ssh_set_blocking(session->ssh, 0);
    return set_option(session, SSH_OPTIONS_PROCESS_CONFIG, &no) &&
           set_option(session, SSH_OPTIONS_HOST, node->address) && set_option(session, SSH_OPTIONS_USER, node->user) &&
           set_option(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") &&
           set_option(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") &&
           set_option(session, SSH_OPTIONS_HOSTKEYS, algorithms) && set_option(session, SSH_OPTIONS_FD, &session->fd);
}

static bool step_tcp(struct ssh_session_state *session)
{
    int error = 0;
    socklen_t length = sizeof(error);
    struct sockaddr_storage peer;
    socklen_t peer_length = sizeof(peer);
    if (getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error != 0)
        return session_connect(session, error);
    if (getpeername(session->fd, (struct sockaddr *)&peer, &peer_length) != 0)
        return false; /* not connected yet */
    if (!session_begin_ssh(session))
        return false;
    session->state = SESSION_KEX;
    return true;
}

static void session_watch_ssh(struct ssh_session_state *session)
{
    bool writes = (ssh_get_poll_flags(session->ssh) & SSH_WRITE_PENDING) != 0;
    session_watch(session, EPOLLIN | (writes ? (uint32_t)EPOLLOUT : 0U));
}

/* The only place where trust is decided. Compared as text: type and key, the comment does not count. */
static bool host_key_is_right(struct ssh_session_state *session)
{
    struct ssh_node *node = session->node;
    CLEANUP(freep) char *line = NULL;
    CLEANUP(freep) char *shown = NULL;
    CLEANUP(freep) char *wanted = NULL;
    if (!ssh_key_line_of_server(session->ssh, &line)) {
        session_fail(session, FAULT_CONNECT, "%s shows no host key: %s", node->name, ssh_get_error(session->ssh));
        return false;
    }
    if (ssh_key_lines_equal(line, node->host_key))
        return true;
    if (!ssh_key_fingerprint(line, &shown) || !ssh_key_fingerprint(node->host_key, &wanted))
        session_fail(session, FAULT_HOST_KEY, "%s shows a host key that is not the recorded one", node->name);
    else
        session_fail(session, FAULT_HOST_KEY,
                     "%s shows the host key %s, but the recorded one is %s; nothing was sent to it", node->name, shown,
                     wanted);
    return false;
}

static bool step_kex(struct ssh_session_state *session)
{
    int rc = ssh_connect(session->ssh);
    session->fd_given = true;
    if (rc == SSH_ERROR) {
        session_fail(session, FAULT_CONNECT, "cannot connect to %s (%s port %d): %s", session->node->name,
                     session->node->address, session->node->port, ssh_get_error(session->ssh));
        return false;
    }
    /* libssh makes it blocking once it is connected: a node that stops reading would then hold up all others. */
    fcntl(session->fd, F_SETFL, fcntl(session->fd, F_GETFL) | O_NONBLOCK);
    session_watch_ssh(session);
    if (rc != SSH_OK || !host_key_is_right(session))
        return false;
    session->state = SESSION_AUTH;
    return true;
}

static bool step_auth(struct ssh_session_state *session)
{
    struct ssh_node *node = session->node;
    int rc = ssh_userauth_publickey(session->ssh, NULL, session_loop(session)->key);
    switch (rc) {
    case SSH_AUTH_AGAIN: session_watch_ssh(session); return false;
    case SSH_AUTH_SUCCESS: break;
    case SSH_AUTH_DENIED:
    case SSH_AUTH_PARTIAL:
        session_fail(session, FAULT_AUTH, "%s does not accept our SSH key for user %s", node->name, node->user);
        return false;
    default:
        session_fail(session, FAULT_CONNECT, "cannot log in to %s as %s: %s", node->name, node->user,
                     ssh_get_error(session->ssh));
        return false;
    }
    if (ssh_event_add_session(session->event, session->ssh) != SSH_OK) {
        session_fail(session, FAULT_CONNECT, "cannot watch the connection to %s", node->name);
        return false;
    }
    session->state = SESSION_LANES;
    session->step_deadline_at_ms = session_loop(session)->now_ms + session_loop(session)->connect_ms;
    return true;
}

/* ---- lanes ---------------------------------------------------------------------------------------------------------- */

bool session_pump(struct ssh_session_state *session)
{
    int rc = SSH_OK;
    for (int i = 0; i < PUMP_MAX && rc != SSH_AGAIN; i++) {
        rc = ssh_event_dopoll(session->event, 0);
        if (rc == SSH_ERROR || !ssh_is_connected(session->ssh)) {
            session_fail(session, FAULT_CUT, "the connection to %s was cut", session->node->name);
            return false;
        }
    }
    if (rc != SSH_AGAIN)
        session->ready = true;
    return true;
}

static bool step_lanes(struct ssh_session_state *session)
{
    bool any = false;
    for (unsigned i = 0; i < session->lane_count && session->state != SESSION_DEAD; i++)
        any = lane_step(&session->lanes[i]) || any;
    return any;
}

/* Which lane does what is known when all have been tried: sshd may allow fewer channels than we were told. */
static void session_share_roles(struct ssh_session_state *session)
{
    struct ssh_lane *ready[LANES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < session->lane_count; i++) {
        if (session->lanes[i].state == LANE_IDLE)
            ready[count++] = &session->lanes[i];
    }
    if (count == 0) {
        session_fail(session, FAULT_CHANNEL, "%s gives us no shell", session->node->name);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        ready[i]->roles = i == 0 ? ROLE_MAKE : i == 1 ? ROLE_FOLLOW : ROLE_LOOK;
    if (count < 3)
        ready[count - 1]->roles |= ROLE_LOOK;
    if (count < 2)
        ready[0]->roles |= ROLE_FOLLOW;
    session->state = SESSION_UP;
    session->heard_at_ms = session_loop(session)->now_ms;
    node_session_up(session->node, session);
}

static bool lanes_settled(const struct ssh_session_state *session)
{
    for (unsigned i = 0; i < session->lane_count; i++) {
        if (!lane_settled(&session->lanes[i]))
            return false;
    }
    return true;
}

struct ssh_lane *session_make_lane(struct ssh_session_state *session)
{
    for (unsigned i = 0; i < session->lane_count; i++) {
        struct ssh_lane *lane = &session->lanes[i];
        if ((lane->roles & ROLE_MAKE) != 0)
            return lane->state >= LANE_IDLE ? lane : NULL;
    }
    return NULL;
}

struct ssh_lane *session_free_lane(struct ssh_session_state *session, unsigned role)
{
    for (unsigned i = 0; i < session->lane_count; i++) {
        struct ssh_lane *lane = &session->lanes[i];
        if (lane->state == LANE_IDLE && (lane->roles & role) != 0 && !lane->ended)
            return lane;
    }
    return NULL;
}

static bool step_up(struct ssh_session_state *session)
{
    if (!session_pump(session))
        return false;
    while (step_lanes(session) && session->state != SESSION_DEAD)
        ;
    if (!ssh_is_connected(session->ssh))
        session_fail(session, FAULT_CUT, "the connection to %s was cut", session->node->name);
    if (session->state == SESSION_LANES && lanes_settled(session))
        session_share_roles(session);
    if (session->state != SESSION_DEAD)
        session_watch_ssh(session);
    return false;
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static const char *state_text(enum session_state state)
{
    switch (state) {
    case SESSION_RESOLVE: return "looking its name up";
    case SESSION_TCP: return "connecting";
    case SESSION_KEX: return "exchanging keys";
    case SESSION_AUTH: return "logging in";
    case SESSION_LANES: return "starting a shell";
    case SESSION_UP:
    case SESSION_DEAD: break;
    }
    return "waiting";
}

static void session_check_deadline(struct ssh_session_state *session)
{
    struct loop *loop = session_loop(session);
    if (session->state >= SESSION_UP || loop->now_ms < session->step_deadline_at_ms)
        return;
    session_fail(session, session->state == SESSION_LANES ? FAULT_CHANNEL : FAULT_CONNECT,
                 "cannot connect to %s (%s port %d): no answer within %" PRId64 " ms while %s", session->node->name,
                 session->node->address, session->node->port, loop->connect_ms, state_text(session->state));
}

static bool session_step_once(struct ssh_session_state *session)
{
    switch (session->state) {
    case SESSION_RESOLVE: return step_resolve(session);
    case SESSION_TCP: return step_tcp(session);
    case SESSION_KEX: return step_kex(session);
    case SESSION_AUTH: return step_auth(session);
    case SESSION_LANES:
    case SESSION_UP: return step_up(session);
    case SESSION_DEAD: return false;
    }
    abort();
}

void session_step(struct ssh_session_state *session)
{
    session->ready = false;
    while (session_step_once(session))
        ;
    session_check_deadline(session);
}

int64_t session_next_ms(const struct ssh_session_state *session)
{
    if (session->ready || session->state == SESSION_DEAD)
        return 0;
    int64_t next_ms = session->state < SESSION_UP ? session->step_deadline_at_ms : INT64_MAX;
    for (unsigned i = 0; session->state >= SESSION_LANES && i < session->lane_count; i++) {
        const struct ssh_lane *lane = &session->lanes[i];
        int64_t lane_ms = INT64_MAX;
        if (lane->state == LANE_CLOSED)
            lane_ms = lane->retry_at_ms;
        else if (lane->state != LANE_IDLE)
            lane_ms = lane->deadline_at_ms;
        next_ms = lane_ms < next_ms ? lane_ms : next_ms;
    }
    return next_ms;
}
