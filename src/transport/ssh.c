/* ssh.c - see ssh.h. The engine's side: what it asks for goes into an inbox, what happened comes back in an outbox, both under one
 * lock that is held for moments; an eventfd wakes the thread. The thread's side: wait, take the inbox, let every node do what
 * is due. There is no tick: it sleeps until something comes or falls due. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "transport/ssh_internal.h"

#define EVENTS_PER_WAIT 64

enum message_kind {
    MESSAGE_SET_NODE,
    MESSAGE_REMOVE_NODE,
    MESSAGE_START,
    MESSAGE_ABANDON,
    MESSAGE_LIMITS,
    MESSAGE_STOP
};

struct message {
    struct message *next;
    enum message_kind kind;
    struct transport_node node; /* SET_NODE: its texts are owned */
    int64_t node_id;
    struct command *command;
    uint64_t command_id;
    struct transport_ssh_limits limits;
};

struct outgoing {
    struct outgoing *next;
    struct transport_event event;
};

/* A command that was abandoned while the thread does not know it yet. */
struct abandoned {
    struct abandoned *next;
    uint64_t command_id;
};

struct transport_ssh {
    struct transport base;
    struct transport_wake wake;
    pthread_t thread;
    struct loop loop;

    pthread_mutex_t lock;
    struct message *inbox, **inbox_end;
    struct outgoing *outbox, **outbox_end;
    struct abandoned *abandoned;
    bool told; /* the engine was woken and has not polled since */
};

struct loop *transport_loop(struct transport_ssh *transport)
{
    return &transport->loop;
}

void loop_refresh(struct loop *loop)
{
    loop->now_ms = loop->clock->boot_ms(loop->clock);
}

/* ---- outbox --------------------------------------------------------------------------------------------------------- */

static bool is_abandoned(const struct transport_ssh *ssh, uint64_t command_id)
{
    for (const struct abandoned *at = ssh->abandoned; command_id != 0 && at != NULL; at = at->next) {
        if (at->command_id == command_id)
            return true;
    }
    return false;
}

void transport_push(struct transport_ssh *ssh, struct transport_event *event)
{
    struct outgoing *outgoing = xcalloc(1, sizeof(*outgoing));
    outgoing->event = *event;
    outgoing->event.at_ms = ssh->loop.clock->now_ms(ssh->loop.clock);
    pthread_mutex_lock(&ssh->lock);
    bool wanted = !is_abandoned(ssh, event->command_id);
    if (wanted) {
        *ssh->outbox_end = outgoing;
        ssh->outbox_end = &outgoing->next;
    }
    pthread_mutex_unlock(&ssh->lock);
    if (!wanted) {
        transport_event_finish(&outgoing->event);
        free(outgoing);
    }
}

/* Once a turn, after all that came of it is in the outbox; not under the lock, since it may well poll at once. */
static void wake_engine(struct transport_ssh *ssh)
{
    pthread_mutex_lock(&ssh->lock);
    bool tell = ssh->outbox != NULL && !ssh->told;
    ssh->told = ssh->told || tell;
    pthread_mutex_unlock(&ssh->lock);
    if (tell && ssh->wake.wake != NULL)
        ssh->wake.wake(ssh->wake.context);
}

static size_t ssh_poll(struct transport *base, struct transport_event *ret_events, size_t events_max)
{
    struct transport_ssh *ssh = CONTAINER_OF(base, struct transport_ssh, base);
    struct outgoing *taken = NULL;
    struct outgoing **end = &taken;
    size_t count = 0;
    pthread_mutex_lock(&ssh->lock);
    for (; count < events_max && ssh->outbox != NULL; count++) {
        *end = ssh->outbox;
        end = &ssh->outbox->next;
        ssh->outbox = ssh->outbox->next;
    }
    if (ssh->outbox == NULL) {
        ssh->outbox_end = &ssh->outbox;
        ssh->told = false;
    }
    *end = NULL;
    pthread_mutex_unlock(&ssh->lock);
    for (size_t i = 0; taken != NULL; i++) {
        struct outgoing *next = taken->next;
        ret_events[i] = taken->event;
        free(taken);
        taken = next;
    }
    return count;
}

/* ---- inbox ---------------------------------------------------------------------------------------------------------- */

static void message_destroy(struct message *message)
{
    free((void *)(uintptr_t)message->node.name);
    free((void *)(uintptr_t)message->node.address);
    free((void *)(uintptr_t)message->node.user);
    free((void *)(uintptr_t)message->node.host_key);
    command_destroy(message->command);
    free(message);
}

static void ssh_send(struct transport_ssh *ssh, struct message *message)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&ssh->lock);
    *ssh->inbox_end = message;
    ssh->inbox_end = &message->next;
    pthread_mutex_unlock(&ssh->lock);
    ssize_t written = write(ssh->loop.event_fd, &one, sizeof(one));
    (void)written; /* a full counter wakes as well */
}

static struct message *message_create(enum message_kind kind)
{
    struct message *message = xcalloc(1, sizeof(*message));
    message->kind = kind;
    return message;
}

static void ssh_set_node(struct transport *base, const struct transport_node *node)
{
    struct message *message = message_create(MESSAGE_SET_NODE);
    message->node = *node;
    message->node.name = xstrdup(node->name);
    message->node.address = xstrdup(node->address);
    message->node.user = xstrdup(node->user);
    message->node.host_key = xstrdup(node->host_key);
    ssh_send(CONTAINER_OF(base, struct transport_ssh, base), message);
}

static void ssh_remove_node(struct transport *base, int64_t node_id)
{
    struct message *message = message_create(MESSAGE_REMOVE_NODE);
    message->node_id = node_id;
    ssh_send(CONTAINER_OF(base, struct transport_ssh, base), message);
}

static void ssh_start(struct transport *base, struct command *command)
{
    assert(command->lane != LANE_PROBE);
    assert(command->deadline_ms > 0);
    struct message *message = message_create(MESSAGE_START);
    message->command = command;
    ssh_send(CONTAINER_OF(base, struct transport_ssh, base), message);
}

static void ssh_abandon(struct transport *base, uint64_t command_id)
{
    struct transport_ssh *ssh = CONTAINER_OF(base, struct transport_ssh, base);
    struct message *message = message_create(MESSAGE_ABANDON);
    struct abandoned *abandoned = xcalloc(1, sizeof(*abandoned));
    struct outgoing *dropped = NULL;
    message->command_id = command_id;
    abandoned->command_id = command_id;
    pthread_mutex_lock(&ssh->lock);
    abandoned->next = ssh->abandoned;
    ssh->abandoned = abandoned;
    struct outgoing **at = &ssh->outbox;
    while (*at != NULL) {
        struct outgoing *outgoing = *at;
        if (outgoing->event.command_id != command_id) {
            at = &outgoing->next;
            continue;
        }
        *at = outgoing->next;
        outgoing->next = dropped;
        dropped = outgoing;
    }
    ssh->outbox_end = at;
    pthread_mutex_unlock(&ssh->lock);
    while (dropped != NULL) {
        struct outgoing *next = dropped->next;
        transport_event_finish(&dropped->event);
        free(dropped);
        dropped = next;
    }
    ssh_send(ssh, message);
}

void transport_ssh_set_limits(struct transport *base, const struct transport_ssh_limits *limits)
{
    assert(base->ops->start == ssh_start);
    struct message *message = message_create(MESSAGE_LIMITS);
    message->limits = *limits;
    ssh_send(CONTAINER_OF(base, struct transport_ssh, base), message);
}

/* ---- the thread ----------------------------------------------------------------------------------------------------- */

static struct ssh_node *find_node(struct loop *loop, int64_t id)
{
    for (struct ssh_node *node = loop->nodes; node != NULL; node = node->next) {
        if (node->id == id && !node->removed)
            return node;
    }
    return NULL;
}

static void set_node(struct loop *loop, const struct transport_node *spec)
{
    struct ssh_node *node = find_node(loop, spec->id);
    if (node != NULL) {
        node_set(node, spec);
        return;
    }
    node = node_create(loop, spec);
    node->next = loop->nodes;
    loop->nodes = node;
}

static void refuse(struct transport_ssh *ssh, const struct command *command)
{
    struct command_result *result = xcalloc(1, sizeof(*result));
    result->outcome = OUTCOME_NOT_STARTED;
    result->fault = FAULT_CONNECT;
    result->number = command->number;
    result->message = xasprintf("node %lld is not known", (long long)command->node_id);
    transport_push(ssh, &(struct transport_event){ .kind = TRANSPORT_RESULT,
                                                   .command_id = command->id,
                                                   .node_id = command->node_id,
                                                   .number = command->number,
                                                   .results = result,
                                                   .result_count = 1 });
}

static void start(struct transport_ssh *ssh, struct message *message)
{
    struct ssh_node *node = find_node(&ssh->loop, message->command->node_id);
    if (node == NULL) {
        refuse(ssh, message->command);
        return;
    }
    node_start(node, message->command);
    message->command = NULL;
}

static void abandon(struct transport_ssh *ssh, uint64_t command_id)
{
    for (struct ssh_node *node = ssh->loop.nodes; node != NULL; node = node->next)
        node_abandon(node, command_id);
    pthread_mutex_lock(&ssh->lock);
    struct abandoned **at = &ssh->abandoned;
    while (*at != NULL && (*at)->command_id != command_id)
        at = &(*at)->next;
    struct abandoned *known = *at;
    if (known != NULL)
        *at = known->next;
    pthread_mutex_unlock(&ssh->lock);
    free(known);
}

static void take_limits(struct loop *loop, const struct transport_ssh_limits *limits)
{
    loop->connect_ms = limits->connect_ms > 0 ? limits->connect_ms : 10000;
    loop->silence_ms = limits->silence_ms > 0 ? limits->silence_ms : 15000;
    loop->look_lanes = limits->look_lanes > 0 ? limits->look_lanes : 2;
    if (loop->look_lanes > LANES_MAX - 2)
        loop->look_lanes = LANES_MAX - 2;
    loop->channels_max = limits->channels_max > 0 ? limits->channels_max : LANES_MAX;
    for (struct ssh_node *node = loop->nodes; node != NULL; node = node->next)
        node_fit(node);
}

/* @return false when the thread is to end */
static bool take_inbox(struct transport_ssh *ssh)
{
    pthread_mutex_lock(&ssh->lock);
    struct message *message = ssh->inbox;
    ssh->inbox = NULL;
    ssh->inbox_end = &ssh->inbox;
    pthread_mutex_unlock(&ssh->lock);
    bool go_on = true;
    while (message != NULL) {
        struct message *next = message->next;
        struct ssh_node *node;
        switch (message->kind) {
        case MESSAGE_SET_NODE: set_node(&ssh->loop, &message->node); break;
        case MESSAGE_REMOVE_NODE:
            node = find_node(&ssh->loop, message->node_id);
            if (node != NULL)
                node_remove(node);
            break;
        case MESSAGE_START: start(ssh, message); break;
        case MESSAGE_ABANDON: abandon(ssh, message->command_id); break;
        case MESSAGE_LIMITS: take_limits(&ssh->loop, &message->limits); break;
        case MESSAGE_STOP: go_on = false; break;
        }
        message_destroy(message);
        message = next;
    }
    return go_on;
}

static int64_t tick_nodes(struct loop *loop)
{
    int64_t next_ms = INT64_MAX;
    struct ssh_node **at = &loop->nodes;
    while (*at != NULL) {
        struct ssh_node *node = *at;
        int64_t node_ms = node_tick(node);
        next_ms = node_ms < next_ms ? node_ms : next_ms;
        if (node->removed) {
            *at = node->next;
            node_destroy(node);
        } else {
            at = &node->next;
        }
    }
    return next_ms;
}

static void wait_for_events(struct loop *loop, int64_t next_ms)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    int64_t wait_ms = next_ms - loop->now_ms;
    int timeout = next_ms == INT64_MAX ? -1 : wait_ms <= 0 ? 0 : wait_ms > 60000 ? 60000 : (int)wait_ms;
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_WAIT, timeout);
    for (int i = 0; i < count; i++) {
        struct ssh_session_state *session = events[i].data.ptr;
        if (session != NULL) {
            session->ready = true;
            session_quick_ack(session);
        } else {
            uint64_t wakes;
            ssize_t got = read(loop->event_fd, &wakes, sizeof(wakes));
            (void)got; /* it is only a bell */
        }
    }
}

static void *ssh_run(void *argument)
{
    struct transport_ssh *ssh = argument;
    struct loop *loop = &ssh->loop;
    int64_t next_ms = 0;
    loop_refresh(loop);
    do {
        wait_for_events(loop, next_ms);
        loop_refresh(loop);
        if (!take_inbox(ssh))
            break;
        next_ms = tick_nodes(loop);
        wake_engine(ssh);
    } while (true);
    /* What runs on nodes goes on there; the connections are dropped without waiting for anybody. */
    while (loop->nodes != NULL) {
        struct ssh_node *node = loop->nodes;
        loop->nodes = node->next;
        node_destroy(node);
    }
    return NULL;
}

/* ---- create and destroy --------------------------------------------------------------------------------------------- */

static void ssh_free_all(struct transport_ssh *ssh)
{
    while (ssh->inbox != NULL) {
        struct message *message = ssh->inbox;
        ssh->inbox = message->next;
        message_destroy(message);
    }
    while (ssh->outbox != NULL) {
        struct outgoing *outgoing = ssh->outbox;
        ssh->outbox = outgoing->next;
        transport_event_finish(&outgoing->event);
        free(outgoing);
    }
    while (ssh->abandoned != NULL) {
        struct abandoned *abandoned = ssh->abandoned;
        ssh->abandoned = abandoned->next;
        free(abandoned);
    }
    if (ssh->loop.epoll_fd >= 0)
        close(ssh->loop.epoll_fd);
    if (ssh->loop.event_fd >= 0)
        close(ssh->loop.event_fd);
    ssh_key_free(ssh->loop.key);
    pthread_mutex_destroy(&ssh->lock);
    free(ssh);
}

static void ssh_destroy(struct transport *base)
{
    if (base == NULL)
        return;
    struct transport_ssh *ssh = CONTAINER_OF(base, struct transport_ssh, base);
    ssh_send(ssh, message_create(MESSAGE_STOP));
    pthread_join(ssh->thread, NULL);
    ssh_free_all(ssh);
}

static const struct transport_ops ssh_ops = {
    .name = "ssh",
    .set_node = ssh_set_node,
    .remove_node = ssh_remove_node,
    .start = ssh_start,
    .abandon = ssh_abandon,
    .poll = ssh_poll,
    .destroy = ssh_destroy,
};

static bool set_config(struct transport_ssh *ssh, const struct transport_ssh_config *config, struct err *err)
{
    struct loop *loop = &ssh->loop;
    const char *installation = config->installation;
    if (installation == NULL || strlen(installation) != SSH_INSTALLATION_LENGTH ||
        strspn(installation, "abcdefghijklmnopqrstuvwxyz0123456789") != SSH_INSTALLATION_LENGTH)
        return err_set(err, ERR_INVALID, "the installation id must be %d characters of a-z and 0-9",
                       SSH_INSTALLATION_LENGTH);
    memcpy(loop->installation, installation, SSH_INSTALLATION_LENGTH + 1);
    loop->transport = ssh;
    loop->clock = config->clock != NULL ? config->clock : clock_real();
    loop->health_ms = config->health_ms > 0 ? config->health_ms : 15000;
    loop->poll_ms = config->poll_ms > 0 ? config->poll_ms : 100;
    take_limits(loop, &(struct transport_ssh_limits){ .connect_ms = config->connect_ms,
                                                      .silence_ms = config->silence_ms,
                                                      .look_lanes = config->look_lanes });
    if (ssh_pki_import_privkey_file(config->key_path, NULL, NULL, NULL, &loop->key) != SSH_OK)
        return err_set(err, ERR_IO, "cannot load the SSH key %s", config->key_path);
    return true;
}

static bool set_up_loop(struct loop *loop, struct err *err)
{
    struct epoll_event event = { .events = EPOLLIN };
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->event_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->event_fd, &event) != 0)
        return err_set(err, ERR_IO, "set up the ssh transport: %s", strerror(errno));
    return true;
}

struct transport *transport_ssh_create(const struct transport_ssh_config *config, struct transport_wake wake,
                                       struct err *err)
{
    struct transport_ssh *ssh = xcalloc(1, sizeof(*ssh));
    ssh->base.ops = &ssh_ops;
    ssh->wake = wake;
    ssh->inbox_end = &ssh->inbox;
    ssh->outbox_end = &ssh->outbox;
    ssh->loop.epoll_fd = ssh->loop.event_fd = -1;
    pthread_mutex_init(&ssh->lock, NULL);
    if (!set_config(ssh, config, err) || !set_up_loop(&ssh->loop, err)) {
        ssh_free_all(ssh);
        return NULL;
    }
    int error = pthread_create(&ssh->thread, NULL, ssh_run, ssh);
    if (error != 0) {
        err_set(err, ERR_IO, "start the ssh transport's thread: %s", strerror(error));
        ssh_free_all(ssh);
        return NULL;
    }
    return &ssh->base;
}
