/* resolve.c - see resolve.h. getaddrinfo() blocks for as long as the name servers please and cannot be cancelled, so a
 * thread that is no longer wanted is left to end by itself: the record is counted. */
#include "transport/resolve.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

struct resolve {
    pthread_mutex_t lock;
    unsigned users;
    bool done;
    int error;
    struct addrinfo *list;
    char *address;
    char port[8];
    int event_fd;
};

static void resolve_release(struct resolve *resolve)
{
    pthread_mutex_lock(&resolve->lock);
    bool last = --resolve->users == 0;
    pthread_mutex_unlock(&resolve->lock);
    if (!last)
        return;
    if (resolve->list != NULL)
        freeaddrinfo(resolve->list);
    if (resolve->event_fd >= 0)
        close(resolve->event_fd);
    pthread_mutex_destroy(&resolve->lock);
    free(resolve->address);
    free(resolve);
}

static void *resolve_run(void *argument)
{
    struct resolve *resolve = argument;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list = NULL;
    int error = getaddrinfo(resolve->address, resolve->port, &hints, &list);
    pthread_mutex_lock(&resolve->lock);
    resolve->done = true;
    resolve->error = error;
    resolve->list = list;
    pthread_mutex_unlock(&resolve->lock);
    const uint64_t one = 1;
    ssize_t written = write(resolve->event_fd, &one, sizeof(one));
    (void)written; /* a full counter wakes as well */
    resolve_release(resolve);
    return NULL;
}

struct resolve *resolve_start(const char *address, int port, int event_fd)
{
    struct resolve *resolve = xcalloc(1, sizeof(*resolve));
    pthread_mutex_init(&resolve->lock, NULL);
    resolve->users = 1;
    resolve->event_fd = -1;
    resolve->address = xstrdup(address);
    snprintf(resolve->port, sizeof(resolve->port), "%d", port);
    const struct addrinfo numeric = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    if (getaddrinfo(address, resolve->port, &numeric, &resolve->list) == 0) {
        resolve->done = true;
        return resolve;
    }
    resolve->event_fd = dup(event_fd);
    resolve->users = 2;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    if (resolve->event_fd < 0 || pthread_create(&thread, &detached, resolve_run, resolve) != 0) {
        resolve->users = 1;
        resolve->done = true;
        resolve->error = EAI_AGAIN;
    }
    pthread_attr_destroy(&detached);
    return resolve;
}

bool resolve_done(struct resolve *resolve, struct addrinfo **ret_list, struct err *err)
{
    pthread_mutex_lock(&resolve->lock);
    bool done = resolve->done;
    int error = resolve->error;
    struct addrinfo *list = resolve->list;
    pthread_mutex_unlock(&resolve->lock);
    if (!done)
        return false;
    if (list == NULL)
        err_set(err, ERR_IO, "no address for %s: %s", resolve->address, gai_strerror(error));
    *ret_list = list;
    return true;
}

void resolve_drop(struct resolve *resolve)
{
    if (resolve != NULL)
        resolve_release(resolve);
}
