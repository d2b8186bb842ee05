/* probe_dns.c - asks name servers, or recursive resolvers, many questions at once: see `dns` and `resolve` in probe.h.
 *
 * Every server gets all questions over one UDP socket (a window of them, so that its receive buffer and ours hold
 * them), the answers are told apart by their ids. What does not come is sent again with growing pauses. Truncated
 * answers are asked for again over one TCP connection, all in a row. One loop waits for all servers, so that a dead one
 * holds up nobody. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "transport/probe_look.h"
#include "transport/probe_records.h"

#define WINDOW 64     /* questions on their way to one server at a time */
#define RESEND_MS 250 /* then twice as long, and so on */
#define RESEND_RESOLVER_MS                                                                                             \
    1000                  /* a resolver may have to ask half the world first: asked again it would only begin anew */
#define UDP_SIZE_MAX 1232 /* what no path fragments (DNS flag day 2020) */
#define UDP_BUFFER 4096   /* some send more than they are asked for */

enum state { TO_ASK, ASKED, TO_ASK_TCP, ASKED_TCP, ENDED };

struct answer {
    enum state state;
    bool tcp;
    ldns_pkt *packet; /* NULL: none came */
};

struct question {
    const char *name, *type;
    ldns_rdf *owner;
    ldns_rr_type kind;
    uint8_t *wire;
    size_t wire_size;
};

struct server {
    const struct probe_target *target;
    struct probe_address address;
    struct answer *answers;
    size_t count, open; /* open: not ENDED */
    size_t flying;      /* ASKED over UDP */
    uint16_t first_id;
    int udp, tcp;
    bool tcp_connected;
    size_t tcp_answers; /* on this connection: one that ends without any is not tried again */
    struct buf tcp_in, tcp_out;
    int64_t resend_at_ms, resend_ms;
    int64_t done_ms;
    char failure[256];
};

struct survey {
    struct probe_look *look;
    bool recursive; /* resolvers are asked: they have no authority, and need none */
    struct question *questions;
    size_t question_count;
    struct server servers[PROBE_SERVERS_MAX];
    size_t server_count;
};

static int64_t now_ms(void)
{
    return clock_real()->boot_ms(clock_real());
}

/* ---- questions ----------------------------------------------------------------------------------------------------
 */

static bool question_prepare(struct question *question, const char *name, const char *type, uint16_t flags,
                             struct err *err)
{
    *question = (struct question){ .name = name, .type = type, .kind = ldns_get_rr_type_by_name(type) };
    question->owner = ldns_dname_new_frm_str(name);
    if (question->owner == NULL)
        return err_set(err, ERR_INVALID, "%.200s is not a name that DNS can carry", name);
    if (question->kind == 0)
        return err_set(err, ERR_INVALID, "%.20s is not a type of record", type);
    ldns_pkt *packet = ldns_pkt_query_new(ldns_rdf_clone(question->owner), question->kind, LDNS_RR_CLASS_IN, flags);
    if (packet == NULL)
        return err_set(err, ERR_BUG, "no packet for %.200s %s", name, type);
    ldns_pkt_set_edns_udp_size(packet, UDP_SIZE_MAX);
    ldns_status status = ldns_pkt2wire(&question->wire, packet, &question->wire_size);
    ldns_pkt_free(packet);
    if (status != LDNS_STATUS_OK)
        return err_set(err, ERR_BUG, "%.200s %s: %s", name, type, ldns_get_errorstr_by_id(status));
    return true;
}

static void question_finish(struct question *question)
{
    ldns_rdf_deep_free(question->owner);
    LDNS_FREE(question->wire);
}

/* ---- servers ------------------------------------------------------------------------------------------------------
 */

static void server_end(struct server *server, struct answer *answer)
{
    server->flying -= answer->state == ASKED;
    answer->state = ENDED;
    server->open--;
    if (server->open == 0)
        server->done_ms = now_ms();
}

/* Nothing more will come over UDP (or TCP): end what waits for it. */
static void server_give_up(struct server *server, bool tcp, const char *cause)
{
    if (server->failure[0] == '\0')
        snprintf(server->failure, sizeof(server->failure), "%s", cause);
    for (size_t i = 0; i < server->count; i++) {
        enum state state = server->answers[i].state;
        if (tcp ? state == TO_ASK_TCP || state == ASKED_TCP : state == TO_ASK || state == ASKED)
            server_end(server, &server->answers[i]);
    }
}

static void server_open(struct server *server, const struct probe_target *target, struct survey *survey)
{
    struct err err = { 0 };
    server->target = target;
    server->udp = server->tcp = -1;
    server->count = server->open = survey->question_count;
    server->answers = xcalloc(server->count, sizeof(*server->answers));
    server->resend_ms = survey->recursive ? RESEND_RESOLVER_MS : RESEND_MS;
    server->resend_at_ms = now_ms() + server->resend_ms;
    if (getrandom(&server->first_id, sizeof(server->first_id), 0) != (ssize_t)sizeof(server->first_id))
        server->first_id = (uint16_t)now_ms();
    if (!probe_resolve(survey->look, target, &server->address, &err)) {
        server_give_up(server, false, err.msg);
        return;
    }
    server->udp = socket(server->address.socket.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* connected: only this server's answers arrive, and its refusal is heard */
    if (server->udp < 0 ||
        connect(server->udp, (struct sockaddr *)&server->address.socket, server->address.length) != 0)
        server_give_up(server, false, strerror(errno));
}

static void tcp_close(struct server *server)
{
    if (server->tcp >= 0)
        close(server->tcp);
    server->tcp = -1;
    server->tcp_connected = false;
    buf_clear(&server->tcp_in);
    buf_clear(&server->tcp_out);
}

static void server_close(struct server *server)
{
    tcp_close(server);
    if (server->udp >= 0)
        close(server->udp);
    for (size_t i = 0; i < server->count; i++)
        ldns_pkt_free(server->answers[i].packet);
    free(server->answers);
    buf_finish(&server->tcp_in);
    buf_finish(&server->tcp_out);
}

/* ---- sending ------------------------------------------------------------------------------------------------------
 */

/* @return false when the socket takes no more for now, or never (then the server is given up) */
static bool udp_send(struct server *server, const struct question *question, size_t index)
{
    uint8_t wire[1024];
    uint16_t id = (uint16_t)(server->first_id + index);
    if (question->wire_size > sizeof(wire))
        return true; /* names are at most 255 bytes: cannot happen */
    memcpy(wire, question->wire, question->wire_size);
    wire[0] = (uint8_t)(id >> 8);
    wire[1] = (uint8_t)id;
    if (send(server->udp, wire, question->wire_size, 0) >= 0)
        return true;
    if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
        server_give_up(server, false, strerror(errno));
    return false;
}

static void server_ask(struct server *server, const struct survey *survey)
{
    int64_t now = now_ms();
    bool again = now >= server->resend_at_ms;
    if (again) {
        server->resend_ms *= 2;
        server->resend_at_ms = now + server->resend_ms;
    }
    for (size_t i = 0; i < server->count; i++) {
        struct answer *answer = &server->answers[i];
        bool fresh = answer->state == TO_ASK && server->flying < WINDOW;
        if (!fresh && !(again && answer->state == ASKED))
            continue;
        if (!udp_send(server, &survey->questions[i], i))
            return;
        server->flying += fresh;
        answer->state = ASKED;
    }
}

static void tcp_queue(struct server *server, const struct survey *survey)
{
    for (size_t i = 0; i < server->count; i++) {
        struct answer *answer = &server->answers[i];
        if (answer->state != TO_ASK_TCP)
            continue;
        const struct question *question = &survey->questions[i];
        uint16_t id = (uint16_t)(server->first_id + i);
        uint8_t head[4] = { (uint8_t)(question->wire_size >> 8), (uint8_t)question->wire_size, (uint8_t)(id >> 8),
                            (uint8_t)id };
        buf_add(&server->tcp_out, head, sizeof(head));
        buf_add(&server->tcp_out, question->wire + 2, question->wire_size - 2);
        answer->state = ASKED_TCP;
    }
}

/* The connection is gone. What it did not answer is asked on another one, as long as each brings something. */
static void tcp_lost(struct server *server, const char *cause)
{
    bool useful = server->tcp_answers > 0;
    tcp_close(server);
    if (!useful) {
        server_give_up(server, true, cause);
        return;
    }
    for (size_t i = 0; i < server->count; i++) {
        if (server->answers[i].state == ASKED_TCP)
            server->answers[i].state = TO_ASK_TCP;
    }
}

static void tcp_open(struct server *server)
{
    server->tcp_answers = 0;
    server->tcp = socket(server->address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->tcp < 0 ||
        (connect(server->tcp, (struct sockaddr *)&server->address.socket, server->address.length) != 0 &&
         errno != EINPROGRESS))
        tcp_lost(server, strerror(errno));
}

static void server_send(struct server *server, const struct survey *survey)
{
    if (server->udp >= 0)
        server_ask(server, survey);
    bool wanted = false;
    for (size_t i = 0; i < server->count; i++)
        wanted = wanted || server->answers[i].state == TO_ASK_TCP;
    if (wanted && server->tcp < 0)
        tcp_open(server);
    if (wanted && server->tcp >= 0)
        tcp_queue(server, survey);
}

/* ---- receiving ----------------------------------------------------------------------------------------------------
 */

static bool answers_question(const ldns_pkt *packet, const struct question *question)
{
    const ldns_rr_list *asked = ldns_pkt_question(packet);
    if (!ldns_pkt_qr(packet))
        return false;
    if (ldns_rr_list_rr_count(asked) == 0) /* a refusal may leave the question out; a record never comes without it */
        return ldns_pkt_ancount(packet) == 0;
    const ldns_rr *rr = ldns_rr_list_rr(asked, 0);
    return ldns_rr_get_type(rr) == question->kind && ldns_dname_compare(ldns_rr_owner(rr), question->owner) == 0;
}

/* Take one message; what belongs to no open question (late, doubled, forged) is dropped. */
static void server_take(struct server *server, const struct survey *survey, const void *data, size_t size, bool tcp)
{
    ldns_pkt *packet = NULL;
    if (ldns_wire2pkt(&packet, data, size) != LDNS_STATUS_OK)
        return;
    size_t index = (uint16_t)(ldns_pkt_id(packet) - server->first_id);
    struct answer *answer = index < server->count ? &server->answers[index] : NULL;
    bool fits = answer != NULL && answer->state == (tcp ? ASKED_TCP : ASKED) &&
                answers_question(packet, &survey->questions[index]);
    if (!fits) {
        ldns_pkt_free(packet);
        return;
    }
    if (!tcp && ldns_pkt_tc(packet)) {
        ldns_pkt_free(packet);
        server->flying--;
        answer->state = TO_ASK_TCP;
        return;
    }
    answer->packet = packet;
    answer->tcp = tcp;
    server->tcp_answers += tcp;
    server_end(server, answer);
}

static void udp_receive(struct server *server, const struct survey *survey)
{
    uint8_t data[UDP_BUFFER];
    for (;;) {
        ssize_t size = recv(server->udp, data, sizeof(data), 0);
        if (size >= 0)
            server_take(server, survey, data, (size_t)size, false);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR) {
            server_give_up(server, false, strerror(errno));
            return;
        }
    }
}

static bool tcp_flush(struct server *server)
{
    while (server->tcp_out.length > 0) {
        ssize_t sent = send(server->tcp, server->tcp_out.data, server->tcp_out.length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno == EAGAIN;
        if (sent > 0)
            buf_remove_front(&server->tcp_out, (size_t)sent);
    }
    return true;
}

static void tcp_messages(struct server *server, const struct survey *survey)
{
    for (;;) {
        const uint8_t *head = (const uint8_t *)buf_text(&server->tcp_in);
        size_t size = server->tcp_in.length >= 2 ? (size_t)head[0] << 8 | head[1] : SIZE_MAX;
        if (size == SIZE_MAX || server->tcp_in.length < 2 + size)
            return;
        server_take(server, survey, head + 2, size, true);
        buf_remove_front(&server->tcp_in, 2 + size);
    }
}

static void tcp_work(struct server *server, const struct survey *survey, short events)
{
    if (!server->tcp_connected) {
        int cause = 0;
        socklen_t length = sizeof(cause);
        getsockopt(server->tcp, SOL_SOCKET, SO_ERROR, &cause, &length);
        if (cause != 0) {
            tcp_lost(server, strerror(cause));
            return;
        }
        server->tcp_connected = true;
    }
    if (!tcp_flush(server)) {
        tcp_lost(server, strerror(errno));
        return;
    }
    while (events & (POLLIN | POLLHUP | POLLERR)) {
        uint8_t data[4096];
        ssize_t size = recv(server->tcp, data, sizeof(data), 0);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0) {
            tcp_lost(server, size < 0 ? strerror(errno) : "the server closed the TCP connection");
            return;
        }
        buf_add(&server->tcp_in, data, (size_t)size);
        tcp_messages(server, survey);
    }
}

/* ---- the loop -----------------------------------------------------------------------------------------------------
 */

static bool survey_open(const struct survey *survey)
{
    for (size_t i = 0; i < survey->server_count; i++) {
        if (survey->servers[i].open > 0)
            return true;
    }
    return false;
}

/* @return milliseconds until something must be sent again, or the time is over */
static int64_t survey_pause_ms(const struct survey *survey)
{
    int64_t now = now_ms(), pause_ms = probe_look_left_ms(survey->look);
    for (size_t i = 0; i < survey->server_count; i++) {
        const struct server *server = &survey->servers[i];
        int64_t left_ms = server->resend_at_ms > now ? server->resend_at_ms - now : 0;
        if (server->open > 0 && left_ms < pause_ms)
            pause_ms = left_ms;
    }
    return pause_ms;
}

/* One round: send what is due, wait, take what came. @return false when the look is broken off */
static bool survey_turn(struct survey *survey)
{
    struct pollfd pollers[2 * PROBE_SERVERS_MAX + 1];
    pollers[0] = (struct pollfd){ .fd = survey->look->cancel_fd, .events = POLLIN };
    for (size_t i = 0; i < survey->server_count; i++) {
        struct server *server = &survey->servers[i];
        if (server->open > 0)
            server_send(server, survey);
        bool writes = !server->tcp_connected || server->tcp_out.length > 0;
        pollers[1 + 2 * i] = (struct pollfd){ .fd = server->open > 0 ? server->udp : -1, .events = POLLIN };
        pollers[2 + 2 * i] = (struct pollfd){ .fd = server->open > 0 ? server->tcp : -1,
                                              .events = (short)(POLLIN | (writes ? POLLOUT : 0)) };
    }
    if (!survey_open(survey))
        return true;
    if (poll(pollers, 1 + 2 * survey->server_count, (int)survey_pause_ms(survey)) <= 0)
        return true;
    for (size_t i = 0; i < survey->server_count; i++) {
        struct server *server = &survey->servers[i];
        if (pollers[1 + 2 * i].revents != 0)
            udp_receive(server, survey);
        if (pollers[2 + 2 * i].revents != 0 && server->tcp >= 0)
            tcp_work(server, survey, pollers[2 + 2 * i].revents);
    }
    return pollers[0].revents == 0;
}

/* ---- what was seen ------------------------------------------------------------------------------------------------
 */

static enum probe_exit add_answer(struct buf *out, const struct question *question, const struct answer *answer,
                                  bool recursive)
{
    char *owner = ldns_rdf2str(question->owner);
    const char *way = answer->tcp ? "tcp" : "udp";
    size_t length = strlen(owner);
    for (size_t i = 0; i < length; i++)
        owner[i] = owner[i] >= 'A' && owner[i] <= 'Z' ? (char)(owner[i] - 'A' + 'a') : owner[i];
    buf_addf(out, "question %s %s", owner, question->type);
    LDNS_FREE(owner);
    if (answer->packet == NULL) {
        buf_add_text(out, " - - -\n");
        return PROBE_SILENT;
    }
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer->packet);
    char *name = ldns_pkt_rcode2str(rcode);
    bool aa = ldns_pkt_aa(answer->packet);
    buf_addf(out, " %s %s %s\n", name != NULL ? name : "UNKNOWN", aa ? "aa" : "-", way);
    LDNS_FREE(name);
    const ldns_rr_list *records = ldns_pkt_answer(answer->packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
        probe_record_add(out, ldns_rr_list_rr(records, i));
    bool told = rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
    return told && (aa || recursive) ? PROBE_ANSWERED : PROBE_WRONG;
}

static enum probe_exit add_server(struct probe_look *look, const struct survey *survey, const struct server *server)
{
    CLEANUP(buf_finish) struct buf answers = BUF_INIT;
    enum probe_exit worst = PROBE_ANSWERED;
    size_t answered = 0, refused = 0;
    for (size_t i = 0; i < server->count; i++) {
        enum probe_exit verdict = add_answer(&answers, &survey->questions[i], &server->answers[i], survey->recursive);
        worst = verdict > worst ? verdict : worst;
        answered += server->answers[i].packet != NULL;
        refused += verdict == PROBE_WRONG;
    }
    int64_t done_ms = server->done_ms > 0 ? server->done_ms : now_ms();
    buf_addf(&look->out, "server %s %d %zu %zu %" PRId64 "\n", server->target->address, server->target->port, answered,
             server->count, done_ms - look->began_ms);
    const char *failure = server->failure[0] != '\0' ? server->failure : "no answer in time";
    if (answered < server->count) {
        buf_addf(&look->out, "failure %s\n", failure);
        buf_addf(&look->err, "%s port %d answered %zu of %zu questions: %s\n", server->target->address,
                 server->target->port, answered, server->count, failure);
    }
    if (refused > 0)
        buf_addf(&look->err, "%s port %d %s to %zu of %zu questions\n", server->target->address, server->target->port,
                 survey->recursive ? "could find no answer" : "gave no authoritative answer", refused, server->count);
    buf_add(&look->out, buf_text(&answers), answers.length);
    return worst;
}

/* Without a target: those that the system uses. The names of both are borrowed. */
static void use_system(struct probe_system *system, struct probe_request *request)
{
    probe_system_read(PROBE_SYSTEM_FILE, system);
    for (size_t i = 0; i < system->count; i++)
        request->targets[request->target_count++] = (struct probe_target){ system->addresses[i], 53 };
}

static enum probe_exit survey_prepare(struct survey *survey, const struct probe_request *request)
{
    struct err err = { 0 };
    survey->questions = xcalloc(request->question_count, sizeof(*survey->questions));
    for (size_t i = 0; i < request->question_count; i++) {
        char *const *words = request->questions + 2 * i;
        struct question *question = &survey->questions[survey->question_count++];
        if (!question_prepare(question, words[0], words[1], survey->recursive ? LDNS_RD : 0, &err)) {
            buf_addf(&survey->look->err, "%s\n", err.msg);
            return PROBE_USAGE;
        }
    }
    for (size_t i = 0; i < request->target_count; i++)
        server_open(&survey->servers[survey->server_count++], &request->targets[i], survey);
    return PROBE_ANSWERED;
}

static void survey_finish(struct survey *survey)
{
    for (size_t i = 0; i < survey->server_count; i++)
        server_close(&survey->servers[i]);
    for (size_t i = 0; i < survey->question_count; i++)
        question_finish(&survey->questions[i]);
    free(survey->questions);
}

enum probe_exit probe_look_dns(struct probe_look *look, const struct probe_request *request)
{
    struct probe_request asked = *request;
    struct probe_system system;
    struct survey survey = { .look = look, .recursive = request->verb == PROBE_RESOLVE };
    if (asked.target_count == 0)
        use_system(&system, &asked);
    enum probe_exit worst = survey_prepare(&survey, &asked);
    while (survey_open(&survey) && probe_look_left_ms(look) > 0) {
        if (!survey_turn(&survey))
            break;
    }
    if (survey.server_count > 0)
        buf_addf(&look->out, "ms %" PRId64 "\n", probe_look_spent_ms(look));
    for (size_t i = 0; i < survey.server_count; i++) {
        enum probe_exit verdict = add_server(look, &survey, &survey.servers[i]);
        worst = verdict > worst ? verdict : worst;
    }
    survey_finish(&survey);
    return worst;
}
