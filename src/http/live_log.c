/* live_log.c - a log as it is written: from the byte where the watcher is, first what there is, then what comes, until its attempt has
 * ended. */
#include "http/live_internal.h"
#include "http/view.h"

/* A piece that is sent next: who follows a log live lacks the same as everybody else who does. */
struct piece {
    int64_t from, to; /* to equals from: there is nothing */
    struct buf bytes;
    bool loaded;
};

static bool piece_load(struct live *live, int64_t attempt_id, int64_t from, struct piece *piece)
{
    struct err err;
    struct log_chunk *chunks;
    size_t count;
    if (piece->loaded && piece->from == from)
        return true;
    if (!store_read_log(live->store, attempt_id, from, LOG_CHUNK_MAX, &chunks, &count, &err))
        return false;
    piece->loaded = true;
    piece->from = from;
    piece->to = view_log_end(chunks, count, from);
    buf_clear(&piece->bytes);
    if (count > 0)
        stream_add_event(&piece->bytes, "log", piece->to,
                         json_pack("{s:I, s:o, s:I}", "offset", (json_int_t)from, "chunks",
                                   view_log_chunks(chunks, count), "next_offset", (json_int_t)piece->to));
    log_chunks_free(chunks, count);
    return true;
}

static void say_end(struct watcher *watcher, const struct attempt *attempt)
{
    struct buf bytes = BUF_INIT;
    stream_add_event(&bytes, "end", -1,
                     json_pack("{s:s, s:b, s:o}", "outcome", attempt_outcome_name(attempt->outcome), "truncated",
                               (int)attempt->log_truncated, "removed_at", view_time(attempt->log_removed_at_ms)));
    watcher_push(watcher, &bytes);
    watcher_end(watcher);
    buf_finish(&bytes);
}

/* The attempt was read before its log: what it says of its end is not newer than the log. */
static bool tell_log(struct live *live, struct watcher *watcher, const struct attempt *attempt, struct piece *piece)
{
    bool removed = attempt->log_removed_at_ms != 0;
    while (watcher_has_room(watcher)) {
        if (!removed && !piece_load(live, watcher->id, watcher->cursor, piece))
            return false;
        if (!removed && piece->to > watcher->cursor) {
            watcher->cursor = piece->to;
            watcher_push(watcher, &piece->bytes);
            continue;
        }
        if (removed || (attempt->outcome != ATTEMPT_RUNNING && watcher->cursor >= attempt->log_bytes))
            say_end(watcher, attempt);
        return true;
    }
    return true;
}

bool live_serve_log(struct live *live, struct topic *topic)
{
    struct attempt attempt;
    struct piece piece = { 0 };
    struct err err;
    if (!store_get_attempt(live->store, topic->id, &attempt, &err)) {
        for (struct watcher *watcher = topic->watchers; err.code == ERR_NOT_FOUND && watcher != NULL;
             watcher = watcher->next_of_topic)
            watcher_end(watcher); /* its operation is so old that it was removed */
        return err.code == ERR_NOT_FOUND;
    }
    bool ok = true;
    for (struct watcher *watcher = topic->watchers; ok && watcher != NULL; watcher = watcher->next_of_topic)
        ok = tell_log(live, watcher, &attempt, &piece);
    attempt_finish(&attempt);
    buf_finish(&piece.bytes);
    return ok;
}
