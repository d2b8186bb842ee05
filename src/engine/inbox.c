/* inbox.c - the way into the engine from other threads: a queue under a lock and an eventfd. See request.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/request.h"

struct inbox {
    pthread_mutex_t lock;
    struct request *first;
    struct request **last_next;
    bool closed;
    int event_fd;
    atomic_bool awake; /* the eventfd is set already: most posts of a burst need no system call */
};

struct inbox *inbox_create(void)
{
    struct inbox *inbox = xcalloc(1, sizeof(*inbox));
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->last_next = &inbox->first;
    inbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inbox->event_fd < 0)
        abort(); /* no file descriptor is left at start: nothing would work */
    return inbox;
}

static void refuse(struct request *request)
{
    request->ok = false;
    err_set(&request->err, ERR_BUSY, "berthd is stopping; send the request again in a moment");
    request->done(request, request->context);
}

void inbox_close(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    struct request *left = inbox->first;
    inbox->first = NULL;
    inbox->last_next = &inbox->first;
    pthread_mutex_unlock(&inbox->lock);
    while (left != NULL) {
        struct request *next = left->next;
        refuse(left);
        left = next;
    }
}

void inbox_destroy(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    inbox_close(inbox);
    close(inbox->event_fd);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void inbox_post(struct inbox *inbox, struct request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    bool closed = inbox->closed;
    if (!closed) {
        *inbox->last_next = request;
        inbox->last_next = &request->next;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (closed)
        refuse(request);
    else
        inbox_wake(inbox);
}

void inbox_wake(struct inbox *inbox)
{
    if (atomic_exchange(&inbox->awake, true))
        return;
    uint64_t one = 1;
    int saved_errno = errno;
    ssize_t written = write(inbox->event_fd, &one, sizeof(one));
    (void)written; /* EAGAIN: the counter is full, so it is awake */
    errno = saved_errno;
}

void inbox_wait(struct inbox *inbox, int timeout_ms)
{
    struct pollfd wait = { .fd = inbox->event_fd, .events = POLLIN };
    if (!atomic_load(&inbox->awake))
        (void)poll(&wait, 1, timeout_ms);
    uint64_t count;
    atomic_store(&inbox->awake,
                 false); /* before the read: a wake in between sets the eventfd again, which costs one more round */
    ssize_t got = read(inbox->event_fd, &count, sizeof(count));
    (void)got;
}

struct request *inbox_take(struct inbox *inbox, size_t max)
{
    pthread_mutex_lock(&inbox->lock);
    struct request *taken = inbox->first;
    struct request *last = taken;
    for (size_t i = 1; last != NULL && last->next != NULL && i < max; i++)
        last = last->next;
    if (last != NULL) {
        inbox->first = last->next;
        last->next = NULL;
        if (inbox->first == NULL)
            inbox->last_next = &inbox->first;
    }
    pthread_mutex_unlock(&inbox->lock);
    return taken;
}
