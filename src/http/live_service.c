/* live_service.c - what staff are told of a service: its events from where they are, and that its tasks have moved; and, for lists and
 * the dashboard, of what there is something new. */
#include "http/live_internal.h"
#include "http/view.h"

#define EVENTS_PER_READ 100
#define CHANGED_IDS_MAX 500 /* more are not named: then all may have changed */

/* ---- a service ------------------------------------------------------------------------------------------------------ */

/* What several watchers lack is read once: mostly all have the same cursor. */
struct page {
    int64_t after;
    struct event *events;
    size_t count;
    struct buf bytes;
};

static void page_forget(struct page *page)
{
    events_free(page->events, page->count);
    buf_finish(&page->bytes);
    *page = (struct page){ .after = -1 };
}

static bool page_load(struct live *live, int64_t service_id, int64_t after, struct page *page)
{
    struct err err;
    if (page->after == after)
        return true;
    page_forget(page);
    if (!store_list_events(live->store, service_id, after, EVENTS_PER_READ, &page->events, &page->count, &err))
        return false;
    page->after = after;
    for (size_t i = 0; i < page->count; i++)
        stream_add_event(&page->bytes, "event", page->events[i].seq, view_event(&page->events[i]));
    return true;
}

static bool tell_events(struct live *live, struct watcher *watcher, struct page *page)
{
    while (watcher_has_room(watcher)) {
        if (!page_load(live, watcher->id, watcher->cursor, page))
            return false;
        if (page->count == 0)
            return true;
        watcher->cursor = page->events[page->count - 1].seq;
        watcher_push(watcher, &page->bytes);
    }
    return true;
}

bool live_serve_service(struct live *live, struct topic *topic)
{
    struct page page = { .after = -1 };
    struct buf moved = BUF_INIT;
    bool ok = true;
    stream_add_event(&moved, "tasks", -1, json_object());
    for (struct watcher *watcher = topic->watchers; ok && watcher != NULL; watcher = watcher->next_of_topic) {
        ok = tell_events(live, watcher, &page);
        if (topic->moved && watcher_has_room(watcher))
            watcher_push(watcher, &moved);
    }
    page_forget(&page);
    buf_finish(&moved);
    return ok;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static json_t *view_ids(const struct changed_ids *ids)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ids->count; i++)
        json_array_append_new(list, view_id(ids->list[i]));
    return list;
}

bool live_serve_lists(struct live *live, struct topic *topic)
{
    struct changes *changes = &live->lists;
    struct buf bytes = BUF_INIT;
    if (!changes_any(changes))
        return true; /* somebody has joined: he looks himself at what there is */
    changes_compact(changes);
    bool many = changes->services.count > CHANGED_IDS_MAX;
    if (many)
        changes->services.count = 0;
    stream_add_event(&bytes, "change", -1,
                     json_pack("{s:o, s:o, s:b, s:b, s:b}", "services", view_ids(&changes->services), "nodes",
                               view_ids(&changes->nodes), "queue", (int)changes->queue, "tickets",
                               (int)changes->tickets, "many", (int)many));
    for (struct watcher *watcher = topic->watchers; watcher != NULL; watcher = watcher->next_of_topic) {
        if (watcher_has_room(watcher))
            watcher_push(watcher, &bytes);
        else
            watcher_end(watcher); /* it has missed something: it comes again and looks at all */
    }
    changes_clear(changes);
    buf_finish(&bytes);
    return true;
}
