/* live_internal.h - what the files of live.h share: live.c owns topics and the thread, live_stream.c the watchers' buffers and
 * connections, live_customer.c, live_service.c and live_log.c know what is told. */
#ifndef BERTH_HTTP_LIVE_INTERNAL_H
#define BERTH_HTTP_LIVE_INTERNAL_H

#include "http/live.h"

#define ROOM_MAX (64U * 1024) /* what a buffer may hold before its watcher is left behind */

struct watcher {
    struct live *live;
    enum watch_kind kind;
    int64_t id;
    char *token;             /* of a customer's link: it may stop to be valid; else NULL */
    enum caller_kind caller; /* who watches: NOBODY with a customer's link */
    int64_t caller_id;
    int64_t ends_at_ms;                /* STAFF and TOKEN: then he comes again, and shows whether he still may */
    struct MHD_Connection *connection; /* the HTTP thread's */
    int fd;                            /* likewise; -1: not watched for a hang-up */
    /* the live thread's */
    struct watcher *next_of_topic;
    int64_t cursor;
    unsigned char shown[16]; /* hash of the state that was sent last */
    int64_t told_at_ms;      /* when something was put into its buffer */
    /* under live->lock */
    struct buf out;
    size_t out_at;        /* sent so far */
    bool asleep;          /* its connection is suspended */
    bool woken;           /* it is in the list of those to be resumed */
    bool behind;          /* it was left behind: to be told again once its buffer is empty */
    bool ended;           /* nothing comes after what is in the buffer */
    bool gone;            /* its connection is no more */
    struct watcher *next; /* in the list of those that join or of those that are woken */
    struct watcher *next_gone;
};

/* What is watched; belongs to the live thread. */
struct topic {
    enum watch_kind kind;
    int64_t id;
    struct topic *next; /* of its bucket */
    struct watcher *watchers;
    bool is_dirty; /* and in the list of those */
    struct topic *next_dirty;
    bool moved;        /* something has changed since it was served: it is not only for a new watcher */
    int64_t due_at_ms; /* not served before */
};

/* Whose streams end; several at once: those of all staff and programs, they come again. */
struct barred {
    bool any, all;
    enum caller_kind kind;
    int64_t id;
};

#define BUCKETS 1024

struct live {
    const struct http_config *config;
    struct store *store;
    int ring_fd;
    int hangup_fd; /* epoll: hung-up peers */
    size_t streams_max;
    pthread_t thread;
    struct topic *buckets[BUCKETS];
    struct topic *dirty;
    struct changes lists; /* what those who watch lists have not been told yet */
    struct changes taken;
    int64_t beat_at_ms;
    bool rings; /* somebody was woken since the last ring */
    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct changes told;
    struct watcher *joining, *woken, *gone;
    bool catches_up;               /* a watcher that was left behind has read all it had */
    struct barred barred, barring; /* the second one is the live thread's */
    size_t watcher_count;
    bool closed;
};

/* live_stream.c */
bool watcher_has_room(
    struct watcher *watcher); /* else it is left behind, and its topic is served again when it has read */
void watcher_push(struct watcher *watcher, const struct buf *bytes);
void watcher_end(struct watcher *watcher); /* after what was pushed */
void watcher_free(struct watcher *watcher);
/** "event: NAME\nid: ID\ndata: JSON\n\n"; id below 0: none. Takes the JSON. */
void stream_add_event(struct buf *buf, const char *name, int64_t id, json_t *data);

/* @return false: the store could not be read, try again later */
bool live_serve_customer(struct live *live, struct topic *topic);
bool live_serve_service(struct live *live, struct topic *topic);
bool live_serve_log(struct live *live, struct topic *topic);
bool live_serve_lists(struct live *live, struct topic *topic);

#endif
