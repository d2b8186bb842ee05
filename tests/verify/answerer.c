/* answerer.c - see answerer.h. */
#include "answerer.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "harness.h"

/* One of each kind that is printed in its own way, with capitals and bytes that need care. */
static const char *const zoo[] = {
    "Zoo.Example. 60 IN A 192.0.2.7",
    "zoo.example. 60 IN AAAA 2001:DB8:0:0:0:0:0:7",
    "zoo.example. 60 IN MX 10 Mail.EXAMPLE.",
    "zoo.example. 60 IN TXT \"one \" \"two; \\\"three\\\" \\195\\164 \\\\\"",
    "zoo.example. 60 IN CAA 0 issue \"letsencrypt.org\"",
    "zoo.example. 60 IN SRV 1 2 5061 SIP.example.",
    "zoo.example. 60 IN SOA NS1.example. Root.example. 2026112301 7200 3600 1209600 180",
    "zoo.example. 60 IN TLSA 3 1 1 ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789",
};

static void add_record(ldns_pkt *reply, const char *text)
{
    ldns_rr *rr = NULL;
    if (ldns_rr_new_frm_str(&rr, text, 60, NULL, NULL) == LDNS_STATUS_OK)
        ldns_pkt_push_rr(reply, LDNS_SECTION_ANSWER, rr);
}

static void add_default(ldns_pkt *reply, const ldns_rr *question, const char *value)
{
    char *owner = ldns_rdf2str(ldns_rr_owner(question));
    char *text = xasprintf("%s 60 IN TXT \"%s\"", owner, value);
    add_record(reply, text);
    free(text);
    LDNS_FREE(owner);
}

static ldns_pkt *make_reply(const struct answerer *answerer, const ldns_pkt *query, bool tcp)
{
    ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
    enum manners manners = answerer->manners;
    bool cut = !tcp && (manners == TRUNCATES || manners == TCP_ONE_A_TIME || manners == TCP_NEVER);
    ldns_pkt *reply = ldns_pkt_new();
    ldns_pkt_set_id(reply, ldns_pkt_id(query));
    ldns_pkt_set_qr(reply, true);
    ldns_pkt_set_aa(reply, manners != NOT_AUTHORITATIVE && manners != RECURSES && manners != REFUSES_EMPTY &&
                               manners != FAILS);
    ldns_pkt_set_tc(reply, cut);
    if (manners != REFUSES_EMPTY)
        ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
    if (manners == REFUSES_EMPTY || (manners == RECURSES && !ldns_pkt_rd(query)))
        ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
    else if (manners == FAILS)
        ldns_pkt_set_rcode(reply, LDNS_RCODE_SERVFAIL);
    else if (manners == NO_SUCH_NAME)
        ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
    else if (manners == MANY_RECORDS)
        for (size_t i = 0; i < ARRAY_LEN(zoo); i++)
            add_record(reply, zoo[i]);
    else if (!cut)
        add_default(reply, question, tcp ? "tcp" : "udp");
    return reply;
}

static void send_udp(const struct answerer *answerer, const ldns_pkt *packet, const struct sockaddr_in *to)
{
    uint8_t *wire = NULL;
    size_t size = 0;
    if (ldns_pkt2wire(&wire, packet, &size) == LDNS_STATUS_OK)
        sendto(answerer->udp, wire, size, 0, (const struct sockaddr *)to, sizeof(*to));
    LDNS_FREE(wire);
}

/* What somebody who does not see the question could send: the right record, but for another id or question. */
static void send_forged(const struct answerer *answerer, ldns_pkt *reply, const struct sockaddr_in *to)
{
    uint16_t id = ldns_pkt_id(reply);
    ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(reply), 0);
    ldns_rdf *owner = ldns_rdf_clone(ldns_rr_owner(question));
    ldns_pkt_set_id(reply, (uint16_t)(id + 3000));
    send_udp(answerer, reply, to);
    ldns_pkt_set_id(reply, id);
    ldns_rdf_deep_free(ldns_rr_owner(question));
    ldns_rr_set_owner(question, ldns_dname_new_frm_str("forged.example."));
    send_udp(answerer, reply, to);
    ldns_rdf_deep_free(ldns_rr_owner(question));
    ldns_rr_set_owner(question, owner);
}

/* Each id is heard once before it is answered. */
static bool is_first(bool *seen, uint16_t id)
{
    bool first = !seen[id];
    seen[id] = true;
    return first;
}

static void answer_udp(struct answerer *answerer, bool *seen)
{
    uint8_t data[2048];
    struct sockaddr_in from;
    socklen_t length = sizeof(from);
    ssize_t size = recvfrom(answerer->udp, data, sizeof(data), 0, (struct sockaddr *)&from, &length);
    ldns_pkt *query = NULL;
    if (size <= 0 || ldns_wire2pkt(&query, data, (size_t)size) != LDNS_STATUS_OK)
        return;
    answerer->heard++;
    bool lost =
        answerer->manners == SILENT || (answerer->manners == LOSES_THE_FIRST && is_first(seen, ldns_pkt_id(query)));
    if (answerer->manners == TALKS_RUBBISH) {
        memset(data + 2, 0xff, (size_t)size - 2); /* the id is right, nothing else is */
        sendto(answerer->udp, data, (size_t)size, 0, (struct sockaddr *)&from, length);
    } else if (!lost) {
        ldns_pkt *reply = make_reply(answerer, query, false);
        if (answerer->manners == FORGES_FIRST)
            send_forged(answerer, reply, &from);
        send_udp(answerer, reply, &from);
        ldns_pkt_free(reply);
    }
    ldns_pkt_free(query);
}

static bool read_all(int fd, uint8_t *data, size_t size)
{
    return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

/* Answer the next question of a connection. @return whether the connection goes on */
static bool answer_tcp(struct answerer *answerer, int fd)
{
    uint8_t head[2], data[2048];
    ldns_pkt *query = NULL;
    if (answerer->manners == TCP_NEVER || !read_all(fd, head, sizeof(head)))
        return false;
    size_t size = (size_t)head[0] << 8 | head[1];
    if (size > sizeof(data) || !read_all(fd, data, size) || ldns_wire2pkt(&query, data, size) != LDNS_STATUS_OK)
        return false;
    uint8_t *wire = NULL;
    ldns_pkt *reply = make_reply(answerer, query, true);
    answerer->heard++;
    if (ldns_pkt2wire(&wire, reply, &size) == LDNS_STATUS_OK) {
        head[0] = (uint8_t)(size >> 8);
        head[1] = (uint8_t)size;
        send(fd, head, sizeof(head), MSG_NOSIGNAL); /* in two pieces, so that a reader must put them together */
        send(fd, wire, size, MSG_NOSIGNAL);
    }
    LDNS_FREE(wire);
    ldns_pkt_free(reply);
    ldns_pkt_free(query);
    return answerer->manners != TCP_ONE_A_TIME;
}

static void *answerer_run(void *context)
{
    struct answerer *answerer = context;
    bool *seen = xcalloc(65536, sizeof(*seen));
    int connection = -1; /* one at a time */
    while (!answerer->ends) {
        struct pollfd pollers[3] = { { .fd = answerer->udp, .events = POLLIN },
                                     { .fd = connection < 0 ? answerer->tcp : -1, .events = POLLIN },
                                     { .fd = connection, .events = POLLIN } };
        if (poll(pollers, ARRAY_LEN(pollers), 20) <= 0)
            continue;
        if (pollers[0].revents & POLLIN)
            answer_udp(answerer, seen);
        if (pollers[1].revents & POLLIN)
            connection = accept(answerer->tcp, NULL, NULL);
        if (pollers[2].revents != 0 && !answer_tcp(answerer, connection)) {
            close(connection);
            connection = -1;
        }
    }
    if (connection >= 0)
        close(connection);
    free(seen);
    return NULL;
}

static void *talker_run(void *context)
{
    struct answerer *talker = context;
    int kept[64];
    size_t count = 0;
    while (!talker->ends) {
        struct pollfd poller = { .fd = talker->tcp, .events = POLLIN };
        if (poll(&poller, 1, 20) <= 0)
            continue;
        int fd = accept(talker->tcp, NULL, NULL);
        if (fd < 0)
            continue;
        talker->heard++;
        if (talker->text != NULL && send(fd, talker->text, strlen(talker->text), MSG_NOSIGNAL) >= 0)
            shutdown(fd, SHUT_WR);
        if (count < ARRAY_LEN(kept))
            kept[count++] = fd;
        else
            close(fd);
    }
    for (size_t i = 0; i < count; i++)
        close(kept[i]);
    return NULL;
}

static int open_socket(int type, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 64), 0);
    return fd;
}

void answerer_start(struct answerer *answerer, enum manners manners)
{
    *answerer = (struct answerer){ .manners = manners, .port = free_port() };
    answerer->udp = open_socket(SOCK_DGRAM, answerer->port);
    answerer->tcp = open_socket(SOCK_STREAM, answerer->port);
    assert_int_equal(pthread_create(&answerer->thread, NULL, answerer_run, answerer), 0);
}

void talker_start(struct answerer *talker, const char *text)
{
    *talker = (struct answerer){ .text = text, .port = free_port(), .udp = -1 };
    talker->tcp = open_socket(SOCK_STREAM, talker->port);
    assert_int_equal(pthread_create(&talker->thread, NULL, talker_run, talker), 0);
}

void answerer_stop(struct answerer *answerer)
{
    answerer->ends = true;
    pthread_join(answerer->thread, NULL);
    if (answerer->udp >= 0)
        close(answerer->udp);
    close(answerer->tcp);
}
