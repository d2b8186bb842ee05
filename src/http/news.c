/* news.c - see news.h. */
#include "news.h"

#include <stdio.h>
#include <string.h>

#include "core/messages.h"

static const struct {
    const char *kind, *key;
    const char *used_key; /* said of a service that was live before; NULL: the same */
} plain_news[] = {
    { "service.accepted", "news.accepted", NULL },
    { "service.waiting", "wait.placement", NULL },
    { "service.live", "news.live", "news.again.live" },
    { "service.failed", "news.failed", "news.again.failed" },
    { "task.retried-by-hand", "news.resumed", NULL },
    { "operation.cancelled", "news.cancelled", "news.again.cancelled" },
    { "credentials.changed", "news.passwords", NULL },
    { "service.seen", "news.seen", NULL },
};

/* One event, parsed as far as news need it. */
struct line {
    const char *kind;
    char *label; /* "web.user": of the step; "" */
    bool waits;  /* for what ends without us */
    bool opens;  /* the first message of a ticket */
    bool starts; /* an operation begins */
    bool again;  /* ... that is not the first one */
    bool used;   /* the service was live before */
    bool
        shown; /* it belongs to an operation that the customer sees: verify and plan are staff's own, of new passwords only that they are set is told */
};

static bool is_kind(const struct line *line, const char *kind)
{
    return strcmp(line->kind, kind) == 0;
}

static void parse(const struct event *event, const struct service *service, bool *shown, struct line *line)
{
    json_t *data = view_json(event->data);
    const char *label = json_string_value(json_object_get(data, "label"));
    const char *operation = json_string_value(json_object_get(data, "operation"));
    line->kind = event->kind;
    line->starts = strcmp(event->kind, "operation.started") == 0;
    if (line->starts && operation != NULL)
        *shown =
            strcmp(operation, "verify") != 0 && strcmp(operation, "plan") != 0 && strcmp(operation, "password") != 0;
    line->again = line->starts && operation != NULL && strcmp(operation, "deploy") != 0;
    line->used = service->live_at_ms != 0 && event->at_ms > service->live_at_ms;
    line->shown = *shown;
    line->waits = json_object_get(data, "waits_for") != NULL;
    const char *kind = json_string_value(json_object_get(data, "kind"));
    line->opens = kind != NULL && strcmp(event->kind, "ticket.sent") == 0 && strcmp(kind, "open") == 0;
    line->label = xstrdup(label == NULL || strncmp(label, "step.", 5) != 0 ? "" : label + 5);
    json_decref(data);
}

/* Several tasks can stand behind one step: it is done with the last of them. */
static bool is_last_of_step(const struct picture *picture, const struct line *lines, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++) {
        if (lines[i].starts)
            return true;
        if (is_kind(&lines[i], "task.done") && strcmp(lines[i].label, lines[at].label) == 0)
            return false;
    }
    for (size_t i = 0; i < picture->task_count; i++) {
        const struct task *task = &picture->tasks[i];
        if (strncmp(task->label_key, "step.", 5) == 0 && strcmp(task->label_key + 5, lines[at].label) == 0 &&
            task->state != TASK_DONE)
            return false;
    }
    return true;
}

static const char *key_of_done(const struct picture *picture, const struct line *lines, size_t count, size_t at,
                               char key[80])
{
    snprintf(key, 80, "done.%s", lines[at].label);
    return message_known(key) && is_last_of_step(picture, lines, count, at) ? key : "";
}

static const char *key_of_retry(const struct line *line)
{
    if (!line->waits)
        return "news.retry";
    return strncmp(line->label, "verify.", 7) == 0 ? "wait.verify" : "wait.busy";
}

/* "" when there are no words for it. */
static const char *key_of(const struct picture *picture, const struct line *lines, size_t count, size_t at,
                          char key[80])
{
    const struct line *line = &lines[at];
    for (size_t i = 0; i < ARRAY_LEN(plain_news); i++) {
        if (is_kind(line, plain_news[i].kind))
            return line->used && plain_news[i].used_key != NULL ? plain_news[i].used_key : plain_news[i].key;
    }
    if (line->opens)
        return "news.told";
    if (!line->shown)
        return "";
    if (line->starts && line->used)
        return "news.again.started";
    if (line->starts)
        return line->again ? "news.started-again" : "news.started";
    if (is_kind(line, "task.done"))
        return key_of_done(picture, lines, count, at, key);
    return is_kind(line, "task.retry") || is_kind(line, "task.lost") ? key_of_retry(line) : "";
}

void news_of(const struct picture *picture, struct news **ret_news, size_t *ret_count)
{
    size_t count = picture->event_count, found = 0;
    struct line *lines = xcalloc(count + 1, sizeof(*lines));
    struct news *news = xcalloc(count + 1, sizeof(*news));
    bool shown = true;
    for (size_t i = 0; i < count; i++)
        parse(&picture->events[i], &picture->service, &shown, &lines[i]);
    for (size_t i = 0; i < count; i++) {
        char key[80];
        const char *text = message_text(key_of(picture, lines, count, i, key));
        if (text[0] != '\0' && (found == 0 || news[found - 1].text != text)) /* the same again is no news */
            news[found++] = (struct news){ picture->events[i].seq, picture->events[i].at_ms, text };
    }
    for (size_t i = 0; i < count; i++)
        free(lines[i].label);
    free(lines);
    *ret_news = news;
    *ret_count = found;
}

json_t *news_view(const struct news *news)
{
    return json_pack("{s:I, s:o, s:s}", "seq", (json_int_t)news->seq, "at", view_time(news->at_ms), "text", news->text);
}
