/* bench_accept.c - what the HTTP part of an order costs: 64 clients that keep their connections post orders, an engine
 * that answers at once without storing anything. Prints orders/s and the processor time of the HTTP thread for each:
 * its inverse is what one core could take. Not a test; run by hand:  bench_accept [SECONDS] */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define CLIENTS 64

struct client_state {
    int fd;
    size_t got;
    char answer[2048];
};

static struct fixture fixture;
static struct inbox *inbox;
static atomic_bool stops;
static int64_t engine_cpu_us;

static int64_t cpu_us(clockid_t id)
{
    struct timespec spent;
    clock_gettime(id, &spent);
    return spent.tv_sec * 1000000LL + spent.tv_nsec / 1000;
}

static void *answer_at_once(void *context)
{
    int64_t id = 0;
    while (!atomic_load(&stops)) {
        inbox_wait(inbox, 100);
        struct request *request = inbox_take(inbox, 256);
        while (request != NULL) {
            struct request *next = request->next;
            request->ok = true;
            request->id = ++id;
            request->created_at_ms = 1700000000000;
            request->done(request, request->context);
            request = next;
        }
    }
    engine_cpu_us = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    return context;
}

static void send_order(struct client_state *client, int64_t number)
{
    char body[400], request[1200];
    int length =
        snprintf(body, sizeof(body),
                 "{\"product\":\"basic\",\"domain\":\"d%lld.example.com\",\"client\":{\"id\":\"%lld\",\"name\":"
                 "\"Ada Lovelace\",\"email\":\"ada@example.org\"},\"external_id\":\"whmcs-%lld\",\"options\":{}}",
                 (long long)number, (long long)number, (long long)number);
    length = snprintf(request, sizeof(request),
                      "POST /api/v1/services HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: "
                      "application/json\r\nContent-Length: %d\r\n\r\n%s",
                      fixture.token, length, body);
    client->got = 0;
    if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        abort();
}

/* @return whether the answer is whole */
static bool receive(struct client_state *client)
{
    ssize_t got = recv(client->fd, client->answer + client->got, sizeof(client->answer) - 1 - client->got, 0);
    if (got <= 0)
        abort();
    client->got += (size_t)got;
    client->answer[client->got] = '\0';
    const char *end = strstr(client->answer, "\r\n\r\n");
    if (end == NULL || strstr(end, "}\n") == NULL)
        return false;
    if (strncmp(client->answer, "HTTP/1.1 202", 12) != 0) {
        fprintf(stderr, "%s\n", client->answer);
        exit(1);
    }
    return true;
}

static int64_t run(struct client_state *clients, int64_t until_us)
{
    struct pollfd waits[CLIENTS];
    int64_t number = 0, done = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        waits[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
        send_order(&clients[i], ++number);
    }
    while (clock_measure_us() < until_us) {
        if (poll(waits, CLIENTS, 1000) <= 0)
            abort();
        for (size_t i = 0; i < CLIENTS; i++) {
            if (waits[i].revents == 0 || !receive(&clients[i]))
                continue;
            done++;
            send_order(&clients[i], ++number);
        }
    }
    return done;
}

int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? atoll(argv[1]) : 3;
    struct client_state clients[CLIENTS];
    struct err err;
    fixture_init(&fixture);
    inbox = inbox_create();
    struct http_config config = { .listen_address = "127.0.0.1",
                                  .base_url = "",
                                  .store_url = fixture.url,
                                  .inbox = inbox,
                                  .keyring = fixture.keyring,
                                  .installation = "abc123",
                                  .clock = clock_real() };
    struct http_server *server = NULL;
    pthread_t engine;
    if (!http_server_create(&config, &server, &err) || pthread_create(&engine, NULL, answer_at_once, NULL) != 0)
        return 1;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server)) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(clients[i].fd, (struct sockaddr *)&address, sizeof(address)) != 0)
            return 1;
    }
    int64_t begun_us = clock_measure_us(), cpu_before_us = cpu_us(CLOCK_PROCESS_CPUTIME_ID);
    int64_t own_before_us = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    int64_t done = run(clients, begun_us + seconds * 1000000);
    double took_s = (double)(clock_measure_us() - begun_us) / 1e6;
    int64_t own_us = cpu_us(CLOCK_THREAD_CPUTIME_ID) - own_before_us;
    int64_t all_us = cpu_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_before_us;
    for (size_t i = 0; i < CLIENTS; i++)
        close(clients[i].fd);
    atomic_store(&stops, true);
    inbox_wake(inbox);
    pthread_join(engine, NULL);
    http_server_destroy(server);
    inbox_destroy(inbox);
    fixture_finish(&fixture);
    double http_us = (double)(all_us - own_us - engine_cpu_us) / (double)done;
    printf(
        "{\"orders_per_s\": %.0f, \"http_us_per_order\": %.1f, \"engine_us_per_order\": %.1f, \"client_us_per_order\": "
        "%.1f, \"http_orders_per_core_s\": %.0f}\n",
        (double)done / took_s, http_us, (double)engine_cpu_us / (double)done, (double)own_us / (double)done,
        1e6 / http_us);
    return 0;
}
