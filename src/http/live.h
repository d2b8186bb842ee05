/* live.h - telling as it happens: Server-Sent Events of services, logs and lists. Private to src/http.
 *
 * The engine says after each commit what has changed (core/changes.h). A thread of its own, with a read-only connection to the
 * database, loads what is watched of it once for all its watchers and puts the bytes into each watcher's buffer; the HTTP
 * thread sends them. Nothing is told from memory: a watcher has a cursor (the number of the last event, the offset in a log) and
 * gets what the store has behind it. So there is no gap and nothing comes twice, however a connection was lost, and a
 * watcher that does not read is simply left behind until it does. */
#ifndef BERTH_HTTP_LIVE_H
#define BERTH_HTTP_LIVE_H

#include "core/changes.h"
#include "http/call.h"

enum watch_kind {
    WATCH_CUSTOMER, /* of a service: its state and its news, in the customer's words */
    WATCH_SERVICE,  /* of a service: its events, and that its tasks have moved */
    WATCH_LOG,      /* of an attempt */
    WATCH_LISTS,    /* that something of anything has changed */
};
#define WATCH_KIND_COUNT (WATCH_LISTS + 1)

struct live;
struct watcher;

/** @param store  live's from here on
 * @param ring_fd  an eventfd that the HTTP thread waits for: live_resume() is due
 * @param streams_max  more than these are refused */
struct live *live_create(struct store *store, const struct http_config *config, int ring_fd, size_t streams_max);
/** Any thread: this has been committed. Does not block. */
void live_tell(struct live *live, const struct changes *changes);
/** HTTP thread: the call becomes a stream of this. @param after  the cursor: only what comes behind it is sent */
void live_watch(struct live *live, struct call *call, enum watch_kind kind, int64_t id, int64_t after);
/** HTTP thread: what this person or token may do has changed: his streams end. Who still may watch comes again by himself, and goes on
 * where he was. */
void live_bar(struct live *live, enum caller_kind kind, int64_t id);
/** HTTP thread: the response that streams. NULL on failure. */
struct MHD_Response *live_response(struct watcher *watcher);
/** HTTP thread: resume the connections of watchers for whom there is something. */
void live_resume(struct live *live);
/** HTTP thread: readable when somebody who watches has hung up, which libmicrohttpd does not see while a connection is suspended. */
int live_hangup_fd(const struct live *live);
void live_take_hangups(struct live *live);
/** Ends the thread and all streams. */
void live_close(struct live *live);
void live_destroy(struct live *live); /* after live_close() and the end of all connections; NULL is allowed */

#endif
