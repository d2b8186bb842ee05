/* note.c - events of a service's timeline and lines of an attempt's log. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "engine/internal.h"

json_t *note_text(const char *text, size_t length)
{
    json_t *json = json_stringn(text, length);
    if (json != NULL)
        return json;
    CLEANUP(freep) char *clean = xstrndup(text, length);
    for (char *at = clean; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    }
    return json_string(clean);
}

bool note_event(struct engine *engine, int64_t service_id, const char *kind, json_t *data, struct err *err)
{
    char *text = data == NULL ? xstrdup("{}") : json_dumps(data, JSON_COMPACT);
    json_decref(data);
    if (text == NULL)
        return err_set(err, ERR_BUG, "event %s does not become JSON", kind);
    redact_text(text);
    CLEANUP(freep) char *kind_copy = xstrdup(kind);
    struct event event = { .service_id = service_id, .at_ms = engine->batch.now_ms, .kind = kind_copy, .data = text };
    bool ok = store_append_event(engine->config.store, &event, err);
    free(text);
    engine->batch.durable = true;
    changed_ids_add(&engine->batch.changes.services, service_id);
    engine->batch.changes.queue |= strncmp(kind, "task.", 5) == 0 || strncmp(kind, "operation.", 10) == 0;
    return ok;
}

bool note_log(struct engine *engine, int64_t attempt_id, int stream, const char *data, size_t length, struct err *err)
{
    for (size_t from = 0; from < length;) {
        size_t part = length - from < LOG_CHUNK_MAX ? length - from : LOG_CHUNK_MAX;
        char *copy = xstrndup(data + from, part);
        struct log_chunk chunk = { .attempt_id = attempt_id,
                                   .at_ms = engine->batch.now_ms,
                                   .stream = stream,
                                   .data = copy,
                                   .length = strlen(copy) };
        redact_bytes(copy, chunk.length);
        bool ok = store_append_log(engine->config.store, &chunk, err);
        free(copy);
        if (!ok)
            return false;
        from += part;
    }
    changed_ids_add(&engine->batch.changes.attempts, attempt_id);
    return true;
}

bool note_logf(struct engine *engine, int64_t attempt_id, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return err_set(err, ERR_BUG, "log line of attempt %" PRId64 " cannot be formatted", attempt_id);
    bool ok = note_log(engine, attempt_id, 0, text, (size_t)length, err);
    free(text);
    return ok;
}
