/* text.c - the words of a message: what the JSON of docs/tickets.md says, for people who read mail or a ticket. */
#include <string.h>

#include "notify/channel.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void add_row(struct buf *text, const char *title, const char *value)
{
    if (value[0] != '\0')
        buf_addf(text, "%-10s %s\n", title, value);
}

static void add_service(struct buf *text, const json_t *service)
{
    CLEANUP(freep)
    char *name = xasprintf("%s (external id %s, client %s)", text_of(service, "id"), text_of(service, "external_id"),
                           text_of(service, "client_id"));
    add_row(text, "Service:", name);
    add_row(text, "Domain:", text_of(service, "domain"));
}

static void add_log(struct buf *text, const json_t *lines)
{
    size_t i;
    json_t *line;
    if (json_array_size(lines) == 0)
        return;
    buf_add_text(text, "\nThe last lines of its log:\n");
    json_array_foreach(lines, i, line) buf_addf(text, "    %s\n", json_string_value(line));
}

static void add_failure(struct buf *text, const json_t *root, const json_t *failure)
{
    CLEANUP(freep)
    char *attempts = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(failure, "attempts")));
    CLEANUP(freep)
    char *cause = xasprintf("%s [%s]", text_of(failure, "cause"), text_of(failure, "cause_id"));
    buf_addf(text, "%s of %s has failed. Berth has stopped trying: a person is needed.\n\n",
             strcmp(text_of(root, "kind"), "open") == 0 ? "The setup" : "Again a step",
             text_of(json_object_get(root, "service"), "domain"));
    add_service(text, json_object_get(root, "service"));
    add_row(text, "Step:", text_of(failure, "step"));
    add_row(text, "Node:", text_of(failure, "node"));
    add_row(text, "Cause:", cause);
    add_row(text, "", text_of(failure, "detail"));
    add_row(text, "To do:", text_of(failure, "remedy"));
    add_row(text, "Attempts:", attempts);
    add_row(text, "Time:", text_of(root, "at"));
    add_row(text, "Link:", text_of(root, "link"));
    add_log(text, json_object_get(failure, "log"));
}

static void add_recovery(struct buf *text, const json_t *root)
{
    const json_t *service = json_object_get(root, "service");
    buf_addf(text, "Recovered: %s is live. Nothing more needs to be done.\n\n", text_of(service, "domain"));
    add_service(text, service);
    add_row(text, "Time:", text_of(root, "at"));
    add_row(text, "Link:", text_of(root, "link"));
}

char *channel_text(const struct notice *notice)
{
    struct buf text = BUF_INIT;
    json_t *root = json_loads(notice->body, 0, NULL);
    const json_t *failure = json_object_get(root, "failure");
    if (failure != NULL)
        add_failure(&text, root, failure);
    else
        add_recovery(&text, root);
    buf_addf(&text, "\n[%s]\n", notice->key);
    json_decref(root);
    return buf_steal(&text);
}
