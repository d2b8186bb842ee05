/* notify_send.c - the real notifier for tests that bring the servers: reads {"settings": {...}, "ca_file", "timeout_ms", "notices":
 * [...]} from standard input, sends the notices one after the other and prints what became of each, a JSON object per line. */
#include <jansson.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/util.h"
#include "notify/notify.h"

static sem_t ended;

static void wake(void *context)
{
    (void)context;
    sem_post(&ended);
}

static char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return xstrdup(text != NULL ? text : "");
}

static struct notice *read_notice(const json_t *json)
{
    static const char *const channels[] = { "none", "whmcs", "mail", "webhook" };
    static const char *const kinds[] = { "open", "note", "recovered" };
    struct notice *notice = xcalloc(1, sizeof(*notice));
    CLEANUP(freep) char *channel = text_of(json, "channel");
    CLEANUP(freep) char *kind = text_of(json, "kind");
    for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
        if (strcmp(channels[i], channel) == 0)
            notice->channel = (enum ticket_channel)i;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i], kind) == 0)
            notice->kind = (enum ticket_message_kind)i;
    }
    notice->message_id = json_integer_value(json_object_get(json, "id"));
    notice->key = text_of(json, "key");
    notice->thread_key = text_of(json, "thread_key");
    notice->marker = text_of(json, "marker");
    notice->remote_id = text_of(json, "remote_id");
    notice->subject = text_of(json, "subject");
    notice->body = text_of(json, "body");
    return notice;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "notify_send: %s: %s\n", what, why);
    return 1;
}

static bool read_settings(const json_t *json, struct settings *settings, struct err *err)
{
    const char *name;
    json_t *value;
    settings_defaults(settings);
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        if (!settings_set(settings, name, json_string_value(value), err))
            return false;
    }
    return true;
}

static void print_result(struct notice_result *result)
{
    static const char *const outcomes[] = { "sent", "retry", "refused" };
    json_t *json =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "id", (json_int_t)result->message_id, "outcome",
                  outcomes[result->outcome], "remote_id", result->remote_id, "remote_number", result->remote_number,
                  "detail", result->detail, "retry_after_ms", (json_int_t)result->retry_after_ms);
    char *line = json_dumps(json, JSON_COMPACT);
    puts(line != NULL ? line : "{}");
    fflush(stdout);
    free(line);
    json_decref(json);
    notice_result_finish(result);
}

int main(void)
{
    struct err err = { 0 };
    struct settings settings;
    struct notifier *notifier = NULL;
    json_error_t bad;
    json_t *input = json_loadf(stdin, 0, &bad);
    const char *ca_file = json_string_value(json_object_get(input, "ca_file"));
    struct notifier_config config = { .wake = wake,
                                      .ca_file = ca_file,
                                      .timeout_ms = (int)json_integer_value(json_object_get(input, "timeout_ms")) };
    if (input == NULL)
        return fail("input", bad.text);
    if (!read_settings(json_object_get(input, "settings"), &settings, &err) ||
        !notifier_create(&config, &notifier, &err))
        return fail("start", err.msg);
    sem_init(&ended, 0, 0);
    notifier->ops->configure(notifier, &settings);
    size_t i;
    json_t *notice;
    json_array_foreach(json_object_get(input, "notices"), i, notice)
    {
        struct notice_result result;
        notifier->ops->start(notifier, read_notice(notice));
        sem_wait(&ended);
        if (notifier->ops->poll(notifier, &result, 1) != 1)
            return fail("poll", "woken without a result");
        print_result(&result);
    }
    notifier->ops->destroy(notifier);
    json_decref(input);
    return 0;
}
