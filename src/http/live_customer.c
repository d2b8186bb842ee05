/* live_customer.c - what a customer's page is told: news behind the last one that it has, and the state when it has changed. */
#include <sodium.h>
#include <string.h>

#include "http/customer_state.h"
#include "http/link.h"
#include "http/live_internal.h"

/* What is the same for all who watch this service now. */
struct told {
    struct customer_state state;
    struct buf state_event;
    unsigned char hash[16]; /* of the state without what runs down by itself */
    const char *token;      /* that was asked for last, and what it is */
    enum link_state link;
};

static int64_t now_of(const struct live *live)
{
    return live->config->clock->now_ms(live->config->clock);
}

static void make_state_event(struct told *told)
{
    json_t *json = customer_state_view(&told->state);
    CLEANUP(freep) char *text = json_dumps(json, JSON_COMPACT);
    crypto_generichash(told->hash, sizeof(told->hash), (const unsigned char *)text, strlen(text), NULL, 0);
    json_object_set_new(json, "eta", customer_state_view_eta(&told->state));
    stream_add_event(&told->state_event, "state", -1, json);
}

/* In pieces that fit: a watcher that is left behind gets the rest when it has read. */
static void tell_news(struct watcher *watcher, const struct told *told)
{
    struct buf bytes = BUF_INIT;
    for (size_t i = 0; i < told->state.news_count; i++) {
        const struct news *news = &told->state.news[i];
        if (news->seq > watcher->cursor)
            stream_add_event(&bytes, "activity", news->seq, news_view(news));
    }
    if (told->state.picture.service.event_seq > watcher->cursor)
        watcher->cursor = told->state.picture.service.event_seq;
    watcher_push(watcher, &bytes);
    buf_finish(&bytes);
}

static void tell(struct watcher *watcher, const struct told *told)
{
    if (!watcher_has_room(watcher))
        return;
    tell_news(watcher, told);
    if (memcmp(watcher->shown, told->hash, sizeof(told->hash)) == 0)
        return;
    memcpy(watcher->shown, told->hash, sizeof(told->hash));
    watcher_push(watcher, &told->state_event);
}

static void say_gone(struct watcher *watcher)
{
    struct buf bytes = BUF_INIT;
    stream_add_event(&bytes, "gone", -1, json_object());
    watcher_push(watcher, &bytes);
    watcher_end(watcher);
    buf_finish(&bytes);
}

/* A link may have been renewed or have expired. Those who watch a service mostly came by the same one, which is asked for once. */
static enum link_state look_at_link(struct live *live, const struct watcher *watcher, struct told *told)
{
    int64_t service_id = 0;
    if (told->token == NULL || strcmp(told->token, watcher->token) != 0) {
        told->token = watcher->token;
        told->link = link_check(live->config->keyring, live->store, watcher->token, now_of(live), &service_id);
    }
    return told->link;
}

bool live_serve_customer(struct live *live, struct topic *topic)
{
    struct told told = { 0 };
    struct err err;
    bool there = customer_state_load(live->store, topic->id, now_of(live), &told.state, &err);
    bool ok = there || err.code == ERR_NOT_FOUND;
    if (there)
        make_state_event(&told);
    for (struct watcher *watcher = topic->watchers; ok && watcher != NULL; watcher = watcher->next_of_topic) {
        enum link_state link = there ? look_at_link(live, watcher, &told) : LINK_EXPIRED;
        ok = link != LINK_UNSURE;
        if (link == LINK_VALID)
            tell(watcher, &told);
        else if (ok)
            say_gone(watcher);
    }
    buf_finish(&told.state_event);
    customer_state_finish(&told.state);
    return ok;
}
