/* tidy.c - see tidy.h. */
#include "daemon/tidy.h"

#include <pthread.h>

#include "base/log.h"
#include "base/util.h"

struct tidier {
    struct store *store; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool wanted, stopping;
};

/* @return false when the thread is to end */
static bool wait_for_ring(struct tidier *tidier)
{
    pthread_mutex_lock(&tidier->lock);
    while (!tidier->wanted && !tidier->stopping)
        pthread_cond_wait(&tidier->rung, &tidier->lock);
    tidier->wanted = false;
    bool go_on = !tidier->stopping;
    pthread_mutex_unlock(&tidier->lock);
    return go_on;
}

static void *run(void *context)
{
    struct tidier *tidier = context;
    while (wait_for_ring(tidier)) {
        struct err err = { 0 };
        if (!store_checkpoint(tidier->store, &err))
            log_warn("store.checkpoint-failed", "cause=%s", log_quote(err.msg));
    }
    return NULL;
}

bool tidier_create(const char *store_url, struct tidier **ret_tidier, struct err *err)
{
    struct store *store = NULL;
    if (!store_open_reader(store_url, &store, err))
        return err_wrap(err, "housekeeping");
    struct tidier *tidier = xcalloc(1, sizeof(*tidier));
    tidier->store = store;
    pthread_mutex_init(&tidier->lock, NULL);
    pthread_cond_init(&tidier->rung, NULL);
    if (pthread_create(&tidier->thread, NULL, run, tidier) != 0) {
        store_close(store);
        free(tidier);
        return err_set(err, ERR_IO, "housekeeping: no thread can be started");
    }
    (void)pthread_setname_np(tidier->thread, "tidy");
    *ret_tidier = tidier;
    return true;
}

static void tell(struct tidier *tidier, bool *what)
{
    pthread_mutex_lock(&tidier->lock);
    *what = true;
    pthread_cond_signal(&tidier->rung);
    pthread_mutex_unlock(&tidier->lock);
}

void tidier_ring(struct tidier *tidier)
{
    tell(tidier, &tidier->wanted);
}

void tidier_destroy(struct tidier *tidier)
{
    if (tidier == NULL)
        return;
    tell(tidier, &tidier->stopping);
    pthread_join(tidier->thread, NULL);
    store_close(tidier->store);
    pthread_cond_destroy(&tidier->rung);
    pthread_mutex_destroy(&tidier->lock);
    free(tidier);
}
