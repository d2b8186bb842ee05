/* ssh_lane.c - a lane: a resident `sh` in a channel of its own, which takes requests on its stdin. Whatever the node's login
 * scripts print comes before the hello and is skipped; whatever else is not an answer is skipped too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "transport/ssh_internal.h"

#define LANE_RETRY_MS 1000 /* after the first refusal; doubles */
#define LANE_LOST_MS 50    /* before a shell that ended is replaced */
#define LANE_FAILURES_MAX 6U

static struct loop *lane_loop(const struct ssh_lane *lane)
{
    return transport_loop(lane->session->node->transport);
}

static int64_t now_ms(const struct ssh_lane *lane)
{
    return lane_loop(lane)->now_ms;
}

/* ---- called by libssh: collect only --------------------------------------------------------------------------------- */

static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t length, int is_stderr, void *userdata)
{
    struct ssh_lane *lane = userdata;
    (void)ssh;
    (void)channel;
    buf_add(&lane->input[is_stderr != 0], data, length);
    lane->session->ready = true;
    lane->session->heard_at_ms = now_ms(lane);
    return (int)length;
}

static void on_eof(ssh_session ssh, ssh_channel channel, void *userdata)
{
    struct ssh_lane *lane = userdata;
    (void)ssh;
    (void)channel;
    lane->ended = true;
    lane->session->ready = true;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

void lane_init(struct ssh_lane *lane, struct ssh_session_state *session, unsigned index)
{
    *lane = (struct ssh_lane){ .session = session, .index = index };
}

static void lane_clear(struct ssh_lane *lane)
{
    buf_wipe(&lane->to_send);
    buf_wipe(&lane->input[0]);
    buf_wipe(&lane->input[1]);
    lane->searched = 0;
    lane->ended = false;
    lane->request = REQUEST_NONE;
    lane->job = NULL;
}

void lane_close(struct ssh_lane *lane)
{
    if (lane->channel != NULL) {
        ssh_remove_channel_callbacks(lane->channel, &lane->callbacks);
        ssh_channel_free(lane->channel);
        lane->channel = NULL;
    }
    lane_clear(lane);
    lane->state = LANE_CLOSED;
}

void lane_finish(struct ssh_lane *lane)
{
    /* The session frees its channels itself, without a word to a node that may not answer. */
    if (lane->channel != NULL)
        ssh_remove_channel_callbacks(lane->channel, &lane->callbacks);
    lane->channel = NULL;
    lane_clear(lane);
}

static void lane_refused(struct ssh_lane *lane)
{
    lane_close(lane);
    lane->retry_at_ms = now_ms(lane) + (LANE_RETRY_MS << lane->failures);
    lane->failures++;
}

bool lane_settled(const struct ssh_lane *lane)
{
    return lane->state == LANE_IDLE || lane->state == LANE_BUSY || (lane->state == LANE_CLOSED && lane->failures > 0);
}

static bool lane_open(struct ssh_lane *lane)
{
    if (lane->failures >= LANE_FAILURES_MAX || now_ms(lane) < lane->retry_at_ms)
        return false;
    lane->channel = ssh_channel_new(lane->session->ssh);
    if (lane->channel == NULL) {
        lane_refused(lane);
        return false;
    }
    lane->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = lane,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_eof,
    };
    ssh_callbacks_init(&lane->callbacks);
    ssh_set_channel_callbacks(lane->channel, &lane->callbacks);
    lane->state = LANE_OPENING;
    lane->deadline_at_ms = now_ms(lane) + lane_loop(lane)->connect_ms;
    return true;
}

static bool lane_opening(struct ssh_lane *lane)
{
    int rc = ssh_channel_open_session(lane->channel);
    if (rc == SSH_AGAIN)
        return false;
    if (rc == SSH_OK)
        lane->state = LANE_EXEC;
    else
        lane_refused(lane);
    return true;
}

/* `exec` works in every login shell that we know of, fish and csh included. */
static bool lane_exec(struct ssh_lane *lane)
{
    int rc = ssh_channel_request_exec(lane->channel, "exec sh");
    if (rc == SSH_AGAIN)
        return false;
    if (rc != SSH_OK) {
        lane_refused(lane);
        return true;
    }
    struct ssh_node *node = lane->session->node;
    lane->nonce = nonce_random();
    script_prelude(&(struct script_node){ lane_loop(lane)->installation, node->sudo }, &lane->nonce, &lane->to_send);
    lane->state = LANE_HELLO;
    return true;
}

/* ---- sending and receiving ------------------------------------------------------------------------------------------ */

static bool lane_write(struct ssh_lane *lane)
{
    if (lane->to_send.length == 0 || lane->ended)
        return false;
    int written = ssh_channel_write(lane->channel, lane->to_send.data, (uint32_t)lane->to_send.length);
    if (written < 0) {
        lane->ended = true;
        return true;
    }
    if ((size_t)written == lane->to_send.length)
        buf_wipe(&lane->to_send);
    else
        buf_remove_front(&lane->to_send, (size_t)written);
    return written > 0;
}

void lane_record_name(const struct ssh_lane *lane, char ret_name[RECORD_NAME_MAX])
{
    snprintf(ret_name, RECORD_NAME_MAX, "%s-%u", lane->series, lane->record_next);
}

void lane_send(struct ssh_lane *lane, enum request request, struct job *job, const struct nonce *nonce,
               struct buf *text)
{
    struct loop *loop = lane_loop(lane);
    bool at_once = request != REQUEST_MAKE && request != REQUEST_LOOK;
    lane->state = LANE_BUSY;
    lane->request = request;
    lane->job = job;
    lane->nonce = *nonce;
    buf_clear(&lane->input[0]);
    buf_clear(&lane->input[1]);
    lane->searched = 0;
    lane->deadline_at_ms = at_once ? loop->now_ms + loop->silence_ms : INT64_MAX;
    buf_wipe(&lane->to_send);
    lane->to_send = *text;
    *text = BUF_INIT;
    lane_write(lane);
    lane->session->ready = true;
}

/* @return where the text is, looking only at what is new; NULL: not there yet */
static const char *lane_search(struct ssh_lane *lane, const char *text, size_t length)
{
    struct buf *input = &lane->input[0];
    if (input->length < length)
        return NULL;
    const char *at = memmem(input->data + lane->searched, input->length - lane->searched, text, length);
    if (at == NULL)
        lane->searched = input->length - (length - 1);
    return at;
}

static bool lane_hello(struct ssh_lane *lane)
{
    char text[NONCE_LENGTH + 16];
    int length = snprintf(text, sizeof(text), "%s hello ", lane->nonce.text);
    const char *at = lane_search(lane, text, (size_t)length);
    if (at == NULL || strchr(at, '\n') == NULL)
        return false;
    lane->stamp = strtoll(at + length, NULL, 10);
    memcpy(lane->series, nonce_random().text, sizeof(lane->series) - 1);
    lane->record_next = 0;
    lane->session->untidy = true;
    lane->state = LANE_IDLE;
    lane->failures = 0;
    buf_clear(&lane->input[0]);
    buf_clear(&lane->input[1]);
    lane->searched = 0;
    return true;
}

static bool lane_look(struct ssh_lane *lane)
{
    bool any = false;
    for (int i = 0; i < 2 && lane->job != NULL; i++) {
        if (lane->input[i].length == 0)
            continue;
        struct buf data = lane->input[i];
        lane->input[i] = BUF_INIT;
        any = true;
        struct job *job = lane->job;
        if (job_looked(job, i, data.data, data.length))
            lane->state = LANE_IDLE;
        buf_wipe(&data);
        if (lane->state == LANE_IDLE)
            break;
    }
    return any;
}

static bool lane_answer(struct ssh_lane *lane)
{
    if (lane->request == REQUEST_LOOK)
        return lane_look(lane);
    char text[NONCE_LENGTH + 8];
    int length = snprintf(text, sizeof(text), "%s d ", lane->nonce.text);
    const char *at = lane_search(lane, text, (size_t)length);
    if (at == NULL)
        return false;
    struct buf *input = &lane->input[0];
    const char *end = memchr(at, '\n', input->length - (size_t)(at - input->data));
    lane->searched = (size_t)(at - input->data);
    if (end == NULL)
        return false;
    struct buf data = *input;
    *input = BUF_INIT;
    lane->searched = 0;
    struct job *job = lane->job;
    enum request request = lane->request;
    lane->state = LANE_IDLE;
    lane->request = REQUEST_NONE;
    lane->job = NULL;
    if (job != NULL)
        job_answered(job, request, &lane->nonce, data.data, (size_t)(end - data.data) + 1);
    buf_wipe(&data);
    return true;
}

static bool lane_lost(struct ssh_lane *lane)
{
    struct job *job = lane->job;
    enum request request = lane->request;
    bool opening = lane->state < LANE_IDLE;
    if (opening) {
        lane_refused(lane);
        return true;
    }
    lane_close(lane);
    lane->retry_at_ms = now_ms(lane) + LANE_LOST_MS;
    if (job == NULL)
        return true;
    if (request == REQUEST_READ)
        job->reading = false;
    else
        job_lane_lost(job);
    return true;
}

static bool lane_late(struct ssh_lane *lane)
{
    if (lane->state == LANE_CLOSED || lane->state == LANE_IDLE || now_ms(lane) < lane->deadline_at_ms)
        return false;
    if (lane->state != LANE_BUSY) {
        lane_refused(lane);
        return true;
    }
    session_fail(lane->session, FAULT_DEADLINE, "%s gave no sign of life for %" PRId64 " ms", lane->session->node->name,
                 lane_loop(lane)->silence_ms);
    return false;
}

bool lane_step(struct ssh_lane *lane)
{
    bool any = lane_write(lane);
    switch (lane->state) {
    case LANE_CLOSED: return lane_open(lane);
    case LANE_OPENING: any = lane_opening(lane) || any; break;
    case LANE_EXEC: any = lane_exec(lane) || any; break;
    case LANE_HELLO: any = lane_hello(lane) || any; break;
    case LANE_BUSY: any = lane_answer(lane) || any; break;
    case LANE_IDLE:
        buf_clear(&lane->input[0]);
        buf_clear(&lane->input[1]);
        break;
    }
    if (lane->input[0].length > LANE_INPUT_MAX || lane->input[1].length > LANE_INPUT_MAX) {
        /* stderr of a lane is read for looks only; stdout must hold an answer by now. */
        buf_clear(&lane->input[1]);
        lane->ended = lane->ended || lane->input[0].length > LANE_INPUT_MAX;
    }
    if (lane->ended && !any)
        return lane_lost(lane);
    return lane_late(lane) || any;
}
