/* reader.c - see reader.h. */
#include "reader.h"

#include "http/route.h"

struct reader {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct call *first, **last_queued;
    bool stopping;
    struct store *store;
};

/* NULL when the reader is to end. */
static struct call *take(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    while (reader->first == NULL && !reader->stopping)
        pthread_cond_wait(&reader->filled, &reader->lock);
    struct call *call = reader->stopping ? NULL : reader->first;
    if (call != NULL) {
        reader->first = call->queued;
        if (reader->first == NULL)
            reader->last_queued = &reader->first;
    }
    pthread_mutex_unlock(&reader->lock);
    return call;
}

static void *run(void *context)
{
    struct reader *reader = context;
    for (struct call *call = take(reader); call != NULL; call = take(reader)) {
        call->store = reader->store;
        call->route->handle(call);
        call_wake(call);
    }
    return NULL;
}

struct reader *reader_create(struct store *store)
{
    struct reader *reader = xcalloc(1, sizeof(*reader));
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->filled, NULL);
    reader->last_queued = &reader->first;
    reader->store = store;
    if (pthread_create(&reader->thread, NULL, run, reader) != 0)
        abort(); /* no thread can be made at start: nothing would work */
    return reader;
}

void reader_push(struct reader *reader, struct call *call)
{
    call->queued = NULL;
    pthread_mutex_lock(&reader->lock);
    bool stopping = reader->stopping;
    if (!stopping) {
        *reader->last_queued = call;
        reader->last_queued = &call->queued;
        pthread_cond_signal(&reader->filled);
    }
    pthread_mutex_unlock(&reader->lock);
    if (stopping)
        call_wake(call);
}

void reader_stop(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->stopping = true;
    pthread_cond_signal(&reader->filled);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    while (reader->first != NULL) {
        struct call *call = reader->first;
        reader->first = call->queued;
        call_wake(call);
    }
}

void reader_destroy(struct reader *reader)
{
    if (reader == NULL)
        return;
    store_close(reader->store);
    pthread_cond_destroy(&reader->filled);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}
