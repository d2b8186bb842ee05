/* live.c - see live.h: the thread that tells, and what it has to tell to whom. */
#include "live.h"

#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "http/live_internal.h"

#define BEAT_MS 15000     /* a sign of life, so that dead connections are found and no proxy gives up */
#define BEAT_LOOK_MS 1000 /* how often is looked who needs one */
#define IDLE_MS 3600000   /* nobody watches */
#define TRY_AGAIN_MS 500  /* after a fault of the store */

/* How often a topic is served at most. The first change is told at once, what comes soon after it together. */
static const struct {
    bool (*serve)(struct live *live, struct topic *topic);
    int64_t pause_ms;
} kinds[WATCH_KIND_COUNT] = {
    [WATCH_CUSTOMER] = { live_serve_customer, 100 },
    [WATCH_SERVICE] = { live_serve_service, 250 },
    [WATCH_LOG] = { live_serve_log, 0 },
    [WATCH_LISTS] = { live_serve_lists, 500 },
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- topics --------------------------------------------------------------------------------------------------------- */

static struct topic **bucket_of(struct live *live, enum watch_kind kind, int64_t id)
{
    return &live->buckets[((uint64_t)id * WATCH_KIND_COUNT + kind) % BUCKETS];
}

static struct topic *find_topic(struct live *live, enum watch_kind kind, int64_t id)
{
    struct topic *topic = *bucket_of(live, kind, id);
    while (topic != NULL && (topic->kind != kind || topic->id != id))
        topic = topic->next;
    return topic;
}

static struct topic *need_topic(struct live *live, enum watch_kind kind, int64_t id)
{
    struct topic *topic = find_topic(live, kind, id);
    if (topic != NULL)
        return topic;
    struct topic **bucket = bucket_of(live, kind, id);
    topic = xcalloc(1, sizeof(*topic));
    *topic = (struct topic){ .kind = kind, .id = id, .next = *bucket };
    *bucket = topic;
    return topic;
}

static void mark(struct live *live, struct topic *topic)
{
    if (topic->is_dirty)
        return;
    topic->is_dirty = true;
    topic->next_dirty = live->dirty;
    live->dirty = topic;
}

static void mark_moved(struct live *live, enum watch_kind kind, int64_t id)
{
    struct topic *topic = find_topic(live, kind, id);
    if (topic == NULL)
        return;
    topic->moved = true;
    mark(live, topic);
}

typedef void topic_visit(struct live *live, struct topic *topic);

/* A topic that nobody watches any more goes, unless it waits to be served: then it goes after that. */
static void each_topic(struct live *live, topic_visit *visit)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct topic **at = &live->buckets[i]; *at != NULL;) {
            struct topic *topic = *at;
            if (topic->watchers == NULL && !topic->is_dirty) {
                *at = topic->next;
                free(topic);
                continue;
            }
            visit(live, topic);
            at = &topic->next;
        }
    }
}

/* A node's state is a reason to wait for every service that has work there, and is said by many. */
static void mark_service_topic(struct live *live, struct topic *topic)
{
    if (topic->kind != WATCH_CUSTOMER && topic->kind != WATCH_SERVICE)
        return;
    topic->moved = true;
    mark(live, topic);
}

static void take_changes(struct live *live)
{
    struct changes *taken = &live->taken;
    for (size_t i = 0; i < taken->services.count; i++) {
        mark_moved(live, WATCH_CUSTOMER, taken->services.list[i]);
        mark_moved(live, WATCH_SERVICE, taken->services.list[i]);
    }
    for (size_t i = 0; i < taken->attempts.count; i++)
        mark_moved(live, WATCH_LOG, taken->attempts.list[i]);
    if (taken->node_states)
        each_topic(live, mark_service_topic);
    if (find_topic(live, WATCH_LISTS, 0) != NULL &&
        (taken->services.count > 0 || taken->nodes.count > 0 || taken->queue || taken->tickets)) {
        changes_merge(&live->lists, taken);
        mark_moved(live, WATCH_LISTS, 0);
    }
    changes_clear(taken);
}

/* ---- watchers that come and go -------------------------------------------------------------------------------------- */

static void join(struct live *live, struct watcher *watcher)
{
    struct topic *topic = need_topic(live, watcher->kind, watcher->id);
    struct buf hello = BUF_INIT;
    watcher->next_of_topic = topic->watchers;
    topic->watchers = watcher;
    topic->due_at_ms = 0; /* nobody new waits for what others had a moment ago */
    mark(live, topic);
    buf_add_text(&hello, "retry: 1000\n\n"); /* at once, so that the browser knows that it is connected */
    watcher_push(watcher, &hello);
    buf_finish(&hello);
}

static void leave(struct live *live, struct watcher *watcher)
{
    struct topic *topic = find_topic(live, watcher->kind, watcher->id);
    struct watcher **at = topic == NULL ? NULL : &topic->watchers;
    while (at != NULL && *at != NULL && *at != watcher)
        at = &(*at)->next_of_topic;
    if (at != NULL && *at != NULL)
        *at = watcher->next_of_topic;
    watcher_free(watcher);
}

static void beat(struct live *live, struct topic *topic)
{
    int64_t now = now_ms();
    struct buf comment = BUF_INIT;
    (void)live;
    buf_add_text(&comment, ":\n\n");
    for (struct watcher *watcher = topic->watchers; watcher != NULL; watcher = watcher->next_of_topic) {
        if (now >= watcher->ends_at_ms)
            watcher_end(watcher);
        else if (now - watcher->told_at_ms >= BEAT_MS && watcher_has_room(watcher))
            watcher_push(watcher, &comment);
    }
    buf_finish(&comment);
}

/* Those that were left behind have read what they had: their topics are served again. It is rare, so all are looked at. */
static void mark_behind(struct live *live, struct topic *topic)
{
    for (struct watcher *watcher = topic->watchers; watcher != NULL; watcher = watcher->next_of_topic) {
        pthread_mutex_lock(&live->lock);
        bool catches_up = watcher->behind && watcher->out.length == 0;
        if (catches_up)
            watcher->behind = false;
        pthread_mutex_unlock(&live->lock);
        if (catches_up) {
            topic->moved = true; /* the hint that it had no room for */
            mark(live, topic);
        }
    }
}

static void end_barred(struct live *live, struct topic *topic)
{
    const struct barred *barring = &live->barring;
    for (struct watcher *watcher = topic->watchers; watcher != NULL; watcher = watcher->next_of_topic) {
        if (watcher->caller != CALLER_NOBODY &&
            (barring->all || (watcher->caller == barring->kind && watcher->caller_id == barring->id)))
            watcher_end(watcher);
    }
}

/* ---- the thread ----------------------------------------------------------------------------------------------------- */

/* @return when the next one is due */
static int64_t serve_due(struct live *live)
{
    int64_t next_ms = INT64_MAX, now = now_ms();
    struct topic *dirty = live->dirty;
    live->dirty = NULL;
    while (dirty != NULL) {
        struct topic *topic = dirty;
        dirty = topic->next_dirty;
        topic->is_dirty = false;
        if (topic->watchers == NULL)
            continue;
        if (topic->due_at_ms <= now) {
            topic->due_at_ms = now + kinds[topic->kind].pause_ms;
            if (kinds[topic->kind].serve(live, topic)) {
                topic->moved = false;
                continue;
            }
            topic->due_at_ms = now + TRY_AGAIN_MS;
        }
        mark(live, topic);
        next_ms = topic->due_at_ms < next_ms ? topic->due_at_ms : next_ms;
    }
    return next_ms;
}

static void ring(struct live *live)
{
    const uint64_t one = 1;
    if (!live->rings)
        return;
    live->rings = false;
    ssize_t written = write(live->ring_fd, &one, sizeof(one));
    (void)written; /* EAGAIN: the counter is full, so it rings */
}

/* Under the lock. */
static void wait_until(struct live *live, int64_t until_ms)
{
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    while (!live->closed && live->joining == NULL && live->gone == NULL && !live->catches_up && !live->barred.any &&
           !changes_any(&live->told)) {
        if (pthread_cond_timedwait(&live->changed, &live->lock, &until) != 0)
            return;
    }
}

static void work(struct live *live, struct watcher *joining, struct watcher *gone, bool catches_up)
{
    while (joining != NULL) {
        struct watcher *watcher = joining;
        joining = watcher->next;
        watcher->next = NULL;
        join(live, watcher);
    }
    while (gone != NULL) {
        struct watcher *watcher = gone;
        gone = watcher->next_gone;
        leave(live, watcher);
    }
    if (live->barring.any)
        each_topic(live, end_barred);
    take_changes(live);
    if (catches_up)
        each_topic(live, mark_behind);
}

static void *run(void *context)
{
    struct live *live = context;
    int64_t next_ms = 0;
    for (;;) {
        pthread_mutex_lock(&live->lock);
        wait_until(live, live->watcher_count == 0     ? now_ms() + IDLE_MS
                         : next_ms < live->beat_at_ms ? next_ms
                                                      : live->beat_at_ms);
        bool closed = live->closed, catches_up = live->catches_up;
        struct watcher *joining = live->joining, *gone = live->gone;
        struct changes told = live->told;
        live->joining = live->gone = NULL;
        live->catches_up = false;
        live->barring = live->barred;
        live->barred = (struct barred){ 0 };
        live->told = live->taken;
        live->taken = told;
        pthread_mutex_unlock(&live->lock);
        work(live, joining, gone, catches_up);
        if (closed)
            return NULL;
        next_ms = serve_due(live);
        if (now_ms() >= live->beat_at_ms) {
            live->beat_at_ms = now_ms() + BEAT_LOOK_MS;
            each_topic(live, beat);
        }
        ring(live);
    }
}

void live_tell(struct live *live, const struct changes *changes)
{
    pthread_mutex_lock(&live->lock);
    if (live->watcher_count > 0 && !live->closed) {
        changes_merge(&live->told, changes);
        pthread_cond_signal(&live->changed);
    }
    pthread_mutex_unlock(&live->lock);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

struct live *live_create(struct store *store, const struct http_config *config, int ring_fd, size_t streams_max)
{
    struct live *live = xcalloc(1, sizeof(*live));
    pthread_condattr_t attributes;
    live->config = config;
    live->store = store;
    live->ring_fd = ring_fd;
    live->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    if (live->hangup_fd < 0)
        abort(); /* no file descriptor is left at start: nothing would work */
    live->streams_max = streams_max;
    pthread_mutex_init(&live->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&live->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&live->thread, NULL, run, live) != 0)
        abort(); /* no thread can be made at start: nothing would work */
    (void)pthread_setname_np(live->thread, "live");
    return live;
}

static void end_all(struct live *live, struct topic *topic)
{
    (void)live;
    for (struct watcher *watcher = topic->watchers; watcher != NULL; watcher = watcher->next_of_topic)
        watcher_end(watcher);
}

void live_close(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->closed = true;
    pthread_cond_signal(&live->changed);
    pthread_mutex_unlock(&live->lock);
    pthread_join(live->thread, NULL);
    each_topic(live, end_all);
    ring(live);
}

static void free_watchers(struct live *live, struct topic *topic)
{
    (void)live;
    topic->is_dirty = false;
    while (topic->watchers != NULL) {
        struct watcher *watcher = topic->watchers;
        topic->watchers = watcher->next_of_topic;
        watcher_free(watcher);
    }
}

static void visit_nothing(struct live *live, struct topic *topic)
{
    (void)live;
    (void)topic;
}

void live_destroy(struct live *live)
{
    if (live == NULL)
        return;
    each_topic(live, free_watchers);
    each_topic(live, visit_nothing); /* nobody watches them now: they go */
    changes_finish(&live->told);
    changes_finish(&live->taken);
    changes_finish(&live->lists);
    close(live->hangup_fd);
    store_close(live->store);
    pthread_cond_destroy(&live->changed);
    pthread_mutex_destroy(&live->lock);
    free(live);
}
