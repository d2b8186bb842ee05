/* load_orders.c - a billing system in a hurry: N clients, each on its own keep-alive connection, post orders one after the other
 * and wait for each answer. Prints one JSON object: orders/s, p50 and p99 of the answer in milliseconds, and how many were
 * accepted. One thread and epoll, so that the load costs the machine as little as it can.
 *
 * usage: load_orders ADDRESS PORT TOKEN PRODUCT CLIENTS SECONDS PREFIX */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define SAMPLES_MAX 4000000U
#define ANSWER_MAX 16384

struct client {
    int fd;
    int number;
    int64_t orders;
    int64_t sent_us;
    char answer[ANSWER_MAX];
    size_t answer_length;
};

struct load {
    const char *token, *product, *prefix, *host;
    int64_t end_us;
    double *samples_ms;
    size_t sample_count;
    int64_t accepted, refused;
    char first_refusal[400];
};

static void die(const char *what)
{
    fprintf(stderr, "load_orders: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_order(struct load *load, struct client *client)
{
    struct buf body = BUF_INIT;
    struct buf request = BUF_INIT;
    int64_t number = client->orders++;
    buf_addf(&body,
             "{\"product\":\"%s\",\"domain\":\"%s-%d-%" PRId64
             ".example\",\"client\":{\"id\":\"%d\",\"name\":\"Ada Lovelace\","
             "\"email\":\"ada@example.org\"},\"external_id\":\"%s-%d-%" PRId64 "\"}",
             load->product, load->prefix, client->number, number, client->number, load->prefix, client->number, number);
    buf_addf(
        &request,
        "POST /api/v1/services HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        load->host, load->token, body.length, buf_text(&body));
    client->sent_us = clock_measure_us();
    client->answer_length = 0;
    if (write(client->fd, request.data, request.length) != (ssize_t)request.length)
        die("send");
    buf_finish(&body);
    buf_finish(&request);
}

/** Whether a whole answer is there; reads what has come. */
static bool receive(struct client *client)
{
    ssize_t got = read(client->fd, client->answer + client->answer_length, ANSWER_MAX - 1 - client->answer_length);
    if (got <= 0)
        die("the server closed a connection");
    client->answer_length += (size_t)got;
    client->answer[client->answer_length] = '\0';
    const char *body = strstr(client->answer, "\r\n\r\n");
    const char *length = strcasestr(client->answer, "content-length:");
    return body != NULL && length != NULL &&
           client->answer_length >= (size_t)(body + 4 - client->answer) + strtoul(length + 15, NULL, 10);
}

static void count_answer(struct load *load, struct client *client)
{
    bool accepted = strncmp(client->answer, "HTTP/1.1 202", 12) == 0;
    if (accepted)
        load->accepted++;
    else if (load->refused++ == 0)
        snprintf(load->first_refusal, sizeof(load->first_refusal), "%s", client->answer);
    if (load->sample_count < SAMPLES_MAX)
        load->samples_ms[load->sample_count++] = (double)(clock_measure_us() - client->sent_us) / 1000.0;
}

static int connect_to(const char *address, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run(struct load *load, struct client *clients, int count, int epoll)
{
    struct epoll_event events[256];
    int waiting = count;
    for (int i = 0; i < count; i++)
        send_order(load, &clients[i]);
    while (waiting > 0) {
        int ready = epoll_wait(epoll, events, 256, 10000);
        if (ready <= 0)
            die("no answer for 10 s");
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            if (!receive(client))
                continue;
            count_answer(load, client);
            if (clock_measure_us() < load->end_us)
                send_order(load, client);
            else
                waiting--;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: load_orders ADDRESS PORT TOKEN PRODUCT CLIENTS SECONDS PREFIX\n");
        return 2;
    }
    int count = atoi(argv[5]);
    struct client *clients = xcalloc((size_t)count, sizeof(*clients));
    struct load load = { .token = argv[3], .product = argv[4], .prefix = argv[7], .host = argv[1] };
    load.samples_ms = xcalloc(SAMPLES_MAX, sizeof(double));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        clients[i].number = i;
        clients[i].fd = connect_to(argv[1], atoi(argv[2]));
        struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = &clients[i] } };
        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
    }
    int64_t begin_us = clock_measure_us();
    load.end_us = begin_us + (int64_t)(atof(argv[6]) * 1e6);
    run(&load, clients, count, epoll);
    double seconds = (double)(clock_measure_us() - begin_us) / 1e6;
    qsort(load.samples_ms, load.sample_count, sizeof(double), compare);
    printf("{\"per_second\":%.1f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"accepted\":%" PRId64 ",\"refused\":%" PRId64 "}\n",
           (double)load.accepted / seconds, load.samples_ms[load.sample_count / 2],
           load.samples_ms[load.sample_count * 99 / 100], load.accepted, load.refused);
    if (load.refused > 0)
        fprintf(stderr, "load_orders: the first refusal: %s\n", load.first_refusal);
    for (int i = 0; i < count; i++)
        close(clients[i].fd);
    close(epoll);
    free(load.samples_ms);
    free(clients);
    return load.refused > 0 ? 1 : 0;
}
