/* ssh_node.c - a node: keeps a session warm, replaces it when it broke, hands waiting jobs to free lanes, and tells the engine when
 * it is up or down. A connection that fails at once (adding a user restarts sshd) is tried again while a command waits for it. */
#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "transport/ssh_internal.h"

#define RETRY_WAITED_MS 50 /* first pause while a command waits; doubles */
#define RETRY_WAITED_MS_MAX 1000
#define RETRY_MS 1000 /* first pause when nobody waits; doubles */
#define RETRY_MS_MAX 30000
#define RETRY_AUTH_MS 60000 /* a person has to do something first */
#define STEADY_MS 5000      /* a session that held for so long was a good one */

static struct loop *node_loop(const struct ssh_node *node)
{
    return transport_loop(node->transport);
}

/* ---- make and change ------------------------------------------------------------------------------------------------ */

static void node_take_spec(struct ssh_node *node, const struct transport_node *spec)
{
    free(node->name);
    free(node->address);
    free(node->user);
    free(node->host_key);
    node->name = xstrdup(spec->name);
    node->address = xstrdup(spec->address);
    node->user = xstrdup(spec->user);
    node->host_key = xstrdup(spec->host_key);
    node->port = spec->port;
    node->sudo = spec->sudo;
    node->channels_max = spec->channels_max;
}

struct ssh_node *node_create(struct loop *loop, const struct transport_node *spec)
{
    struct ssh_node *node = xcalloc(1, sizeof(*node));
    node->transport = loop->transport;
    node->id = spec->id;
    node_take_spec(node, spec);
    return node;
}

static bool same_way(const struct ssh_node *node, const struct transport_node *spec)
{
    return strcmp(node->address, spec->address) == 0 && node->port == spec->port &&
           strcmp(node->user, spec->user) == 0 && strcmp(node->host_key, spec->host_key) == 0 &&
           node->sudo == spec->sudo && node->channels_max == spec->channels_max;
}

void node_set(struct ssh_node *node, const struct transport_node *spec)
{
    bool same = same_way(node, spec);
    node_take_spec(node, spec);
    if (same)
        return;
    if (node->session != NULL)
        node_retire(node, node->session);
    node->blocked = false;
    node->failures = 0;
    node->retry_at_ms = 0;
    node->why[0] = '\0';
}

unsigned node_lanes(const struct ssh_node *node)
{
    const struct loop *loop = node_loop(node);
    int lanes = 2 + (int)loop->look_lanes; /* one makes, one follows, the rest look */
    if (lanes > loop->channels_max)
        lanes = loop->channels_max;
    if (lanes > node->channels_max)
        lanes = node->channels_max;
    return lanes > 0 ? (unsigned)lanes : 1;
}

void node_fit(struct ssh_node *node)
{
    if (node->session != NULL && node->session->lane_count != node_lanes(node))
        node_retire(node, node->session);
}

void node_destroy(struct ssh_node *node)
{
    while (node->jobs != NULL)
        job_destroy(node->jobs);
    while (node->sessions != NULL) {
        struct ssh_session_state *session = node->sessions;
        node->sessions = session->next;
        session_destroy(session);
    }
    free(node->name);
    free(node->address);
    free(node->user);
    free(node->host_key);
    free(node);
}

void node_remove(struct ssh_node *node)
{
    node->removed = true;
    while (node->jobs != NULL) {
        struct job *job = node->jobs;
        if (job->sent)
            job_fail(job, OUTCOME_UNKNOWN, FAULT_CUT, "%s was removed while the command ran", node->name);
        else
            job_fail(job, OUTCOME_NOT_STARTED, FAULT_CONNECT, "%s was removed", node->name);
    }
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

void node_start(struct ssh_node *node, struct command *command)
{
    struct job *job = job_create(node, command);
    struct job **at = &node->jobs;
    while (*at != NULL)
        at = &(*at)->next;
    *at = job;
    job_dispatch(job);
    if (node->session == NULL) {
        /* Somebody wants it now: one attempt at once, whatever we thought of it. */
        node->blocked = false;
        node->retry_at_ms = 0;
    }
}

void node_abandon(struct ssh_node *node, uint64_t command_id)
{
    for (struct job *job = node->jobs; job != NULL; job = job->next) {
        if (job->command->id == command_id) {
            job_destroy(job);
            return;
        }
    }
}

/* ---- up and down ---------------------------------------------------------------------------------------------------- */

static void node_tell(struct ssh_node *node, enum transport_event_kind kind, const char *message)
{
    struct transport_event event = { .kind = kind, .node_id = node->id };
    if (kind == TRANSPORT_NODE_DOWN) {
        event.results = xcalloc(1, sizeof(*event.results));
        event.result_count = 1;
        event.results[0] = (struct command_result){ .outcome = OUTCOME_NOT_STARTED,
                                                    .fault = node->fault,
                                                    .message = xstrdup(message) };
    }
    transport_push(node->transport, &event);
}

void node_session_up(struct ssh_node *node, struct ssh_session_state *session)
{
    unsigned lanes = 0;
    for (unsigned i = 0; i < session->lane_count; i++)
        lanes += session->lanes[i].state == LANE_IDLE;
    node->up_at_ms = node_loop(node)->now_ms;
    node->why[0] = '\0';
    node->told[0] = '\0';
    if (lanes < session->lane_count)
        log_warn("ssh.channels", "node=%s opened=%u wanted=%u", node->name, lanes, session->lane_count);
    if (!node->up)
        node_tell(node, TRANSPORT_NODE_UP, NULL);
    node->up = true;
}

static void node_is_down(struct ssh_node *node, const struct ssh_session_state *session)
{
    node->fault = session->fault;
    snprintf(node->why, sizeof(node->why), "%s", session->why);
    if (node->up || strcmp(node->told, node->why) != 0)
        node_tell(node, TRANSPORT_NODE_DOWN, node->why);
    snprintf(node->told, sizeof(node->told), "%s", node->why);
    node->up = false;
}

static bool has_waiting(const struct ssh_node *node)
{
    for (const struct job *job = node->jobs; job != NULL; job = job->next) {
        if (job->session == NULL)
            return true;
    }
    return false;
}

static int64_t pause_ms(const struct ssh_node *node)
{
    bool waited = has_waiting(node);
    int64_t most_ms = waited ? RETRY_WAITED_MS_MAX : RETRY_MS_MAX;
    int64_t pause = (waited ? RETRY_WAITED_MS : RETRY_MS) << (node->failures < 10 ? node->failures : 10);
    pause = pause < most_ms ? pause : most_ms;
    return pause / 2 + (int64_t)randombytes_uniform((uint32_t)pause / 2 + 1); /* so that many do not come at once */
}

static void fail_waiting(struct ssh_node *node)
{
    struct job *next;
    for (struct job *job = node->jobs; job != NULL; job = next) {
        next = job->next;
        if (job->session == NULL)
            job_fail(job, OUTCOME_NOT_STARTED, node->fault, "%s", node->why);
    }
}

/* The session for new commands is gone: say so, and decide when to try again. */
static void node_lost_session(struct ssh_node *node, const struct ssh_session_state *session)
{
    int64_t now_ms = node_loop(node)->now_ms;
    bool was_up = session->lanes[0].roles != 0;
    node->session = NULL;
    node_is_down(node, session);
    if (was_up && now_ms - node->up_at_ms > STEADY_MS)
        node->failures = 0;
    node->retry_at_ms = was_up && node->failures == 0 ? now_ms : now_ms + pause_ms(node);
    node->failures++;
    if (session->fault == FAULT_HOST_KEY || session->fault == FAULT_AUTH) {
        node->blocked = session->fault == FAULT_HOST_KEY;
        node->retry_at_ms = now_ms + RETRY_AUTH_MS;
        fail_waiting(node);
    }
}

static void session_remove(struct ssh_node *node, struct ssh_session_state *session)
{
    struct ssh_session_state **at = &node->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    session_destroy(session);
}

static void session_died(struct ssh_node *node, struct ssh_session_state *session)
{
    struct job *next;
    for (struct job *job = node->jobs; job != NULL; job = next) {
        next = job->next;
        if (job->session == session)
            job_session_lost(job, session->fault, session->why);
    }
    if (node->session == session)
        node_lost_session(node, session);
    session_remove(node, session);
}

void node_retire(struct ssh_node *node, struct ssh_session_state *session)
{
    session->retired = true;
    if (node->session == session) {
        node->session = NULL;
        node->retry_at_ms = 0;
    }
}

static bool session_is_used(const struct ssh_node *node, const struct ssh_session_state *session)
{
    for (const struct job *job = node->jobs; job != NULL; job = job->next) {
        if (job->session == session)
            return true;
    }
    return false;
}

static void node_connect(struct ssh_node *node)
{
    if (node->session != NULL || node->removed || node->blocked || node_loop(node)->now_ms < node->retry_at_ms)
        return;
    node->session = session_create(node);
    node->session->next = node->sessions;
    node->sessions = node->session;
}

/* ---- health --------------------------------------------------------------------------------------------------------- */

/* How long a session may say nothing before it is asked. A command with a silence limit wants to know sooner. */
static int64_t quiet_ms(const struct ssh_node *node, const struct ssh_session_state *session)
{
    int64_t quiet = node_loop(node)->health_ms;
    for (const struct job *job = node->jobs; job != NULL; job = job->next) {
        int64_t silence_ms = job->command->silence_ms;
        if (job->session == session && silence_ms > 0 && silence_ms / 3 < quiet)
            quiet = silence_ms / 3;
    }
    return quiet;
}

static bool is_asking(const struct ssh_session_state *session)
{
    for (unsigned i = 0; i < session->lane_count; i++) {
        if (session->lanes[i].state == LANE_BUSY && session->lanes[i].deadline_at_ms != INT64_MAX)
            return true;
    }
    return false;
}

/* Make the files of the next record while nothing else is asked for, and remove old ones. */
static void session_tidy(struct ssh_session_state *session)
{
    struct ssh_lane *maker = session_make_lane(session);
    struct ssh_lane *lane = session_free_lane(session, ROLE_FOLLOW);
    if (!session->untidy || maker == NULL || maker->state != LANE_IDLE || lane == NULL)
        return;
    char name[RECORD_NAME_MAX];
    struct nonce nonce = nonce_random();
    struct buf text = BUF_INIT;
    bool sweep = session->swept_fence != session->newest_fence || session->swept_fence == 0;
    lane_record_name(maker, name);
    script_tidy(name, sweep, &nonce, &text);
    session->untidy = false;
    session->swept_fence = session->newest_fence != 0 ? session->newest_fence : 1;
    lane_send(lane, REQUEST_TIDY, NULL, &nonce, &text);
}

static int64_t session_health(struct ssh_node *node, struct ssh_session_state *session)
{
    if (session->state != SESSION_UP)
        return INT64_MAX;
    session_tidy(session);
    if (is_asking(session))
        return INT64_MAX;
    int64_t due_ms = session->heard_at_ms + quiet_ms(node, session);
    if (node_loop(node)->now_ms < due_ms)
        return due_ms;
    struct ssh_lane *lane = session_free_lane(session, ROLE_FOLLOW);
    if (lane == NULL)
        return INT64_MAX;
    struct nonce nonce = nonce_random();
    struct buf text = BUF_INIT;
    script_ping(&nonce, &text);
    lane_send(lane, REQUEST_PING, NULL, &nonce, &text);
    return INT64_MAX;
}

/* ---- the turn ------------------------------------------------------------------------------------------------------- */

static int64_t step_sessions(struct ssh_node *node)
{
    int64_t next_ms = INT64_MAX;
    struct ssh_session_state *next;
    for (struct ssh_session_state *session = node->sessions; session != NULL; session = next) {
        next = session->next;
        if (node_loop(node)->now_ms >= session_next_ms(session))
            session_step(session);
        if (session->state == SESSION_DEAD) {
            session_died(node, session);
        } else if (session->retired && !session_is_used(node, session)) {
            session_remove(node, session);
        } else {
            int64_t session_ms = session_health(node, session);
            int64_t step_ms = session_next_ms(session);
            session_ms = step_ms < session_ms ? step_ms : session_ms;
            next_ms = session_ms < next_ms ? session_ms : next_ms;
        }
    }
    return next_ms;
}

int64_t node_tick(struct ssh_node *node)
{
    node_connect(node);
    int64_t next_ms = step_sessions(node);
    struct job *next;
    for (struct job *job = node->jobs; job != NULL; job = next) {
        next = job->next;
        job_dispatch(job);
        int64_t job_ms = job_tick(job);
        next_ms = job_ms < next_ms ? job_ms : next_ms;
    }
    if (node->session == NULL && !node->removed && !node->blocked)
        next_ms = node->retry_at_ms < next_ms ? node->retry_at_ms : next_ms;
    for (const struct ssh_session_state *session = node->sessions; session != NULL; session = session->next) {
        if (session->ready || session->state == SESSION_DEAD || (session->retired && !session_is_used(node, session)))
            return 0; /* what was just sent may have been answered already, inside libssh */
    }
    return next_ms;
}
