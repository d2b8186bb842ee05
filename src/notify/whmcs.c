/* whmcs.c - a ticket in WHMCS, over its external API: POST to includes/api.php with identifier and secret.
 *
 * WHMCS has no idempotency keys, so before anything is made it is looked whether it is there. A ticket is known by its marker,
 * which stands in brackets in its subject: GetTickets finds subjects approximately, what it returns is compared exactly. A note is
 * known by its key, which stands in brackets at its end: GetTicketNotes. So a message that arrived although nobody heard of it
 * (a timeout, a crash) is found, not repeated.
 *
 * The ticket belongs to no client: clients can read theirs, and this one names nodes and commands. It is opened under the name
 * Berth, without mail to anybody but the department's staff. A note of a further failure reopens a ticket that was closed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "notify/channel.h"

#define TICKETS_MAX "100" /* of one marker: there is one */
#define API_PATH "includes/api.php"

struct whmcs {
    const struct channel *channel;
    const struct notice *notice;
    struct notice_result *result;
    char id[32]; /* of the ticket */
    char number[32];
    char status[40];
};

struct field {
    const char *name, *value;
};

static void add_field(struct buf *body, CURL *escaper, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(escaper, value, (int)strlen(value));
    if (escaped == NULL)
        abort(); /* out of memory */
    buf_addf(body, "%s%s=%s", body->length == 0 ? "" : "&", name, escaped);
    curl_free(escaped);
}

static char *api_url(const char *base)
{
    size_t length = strlen(base);
    bool is_whole = length >= 4 && strcmp(base + length - 4, ".php") == 0;
    if (is_whole)
        return xstrdup(base);
    return xasprintf("%s%s%s", base, length > 0 && base[length - 1] == '/' ? "" : "/", API_PATH);
}

/** What WHMCS says when it does not want: some of it heals by itself or over there. */
static enum notice_outcome judge_message(long status, const char *message)
{
    static const char *const passing[] = { "Authentication Failed", "Invalid IP", "Invalid or missing credentials",
                                           "Invalid Permissions", "temporarily" };
    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        if (strcasestr(message, passing[i]) != NULL)
            return NOTICE_RETRY;
    }
    return status == 200 ? NOTICE_REFUSED : channel_judge_status(status);
}

static bool take_answer(struct whmcs *whmcs, const char *action, const struct channel_answer *answer,
                        json_t **ret_answer)
{
    json_t *root = json_loadb(buf_text(&answer->body), answer->body.length, 0, NULL);
    const char *said = json_string_value(json_object_get(root, "result"));
    const char *message = json_string_value(json_object_get(root, "message"));
    if (answer->status == 200 && said != NULL && strcmp(said, "success") == 0) {
        *ret_answer = root;
        return true;
    }
    if (said != NULL)
        channel_failed(whmcs->result, judge_message(answer->status, message != NULL ? message : ""),
                       "WHMCS refused %s (HTTP %ld): %.300s", action, answer->status,
                       message != NULL ? message : "without a reason");
    else /* an error page of its web server, or of PHP */
        channel_failed(whmcs->result, NOTICE_RETRY, "WHMCS answered %s with HTTP %ld and no JSON: %.100s", action,
                       answer->status, buf_text(&answer->body));
    whmcs->result->retry_after_ms = answer->retry_after_ms;
    json_decref(root);
    return false;
}

/** One command of the API. @return false: it did not work, and the result says so */
static bool call(struct whmcs *whmcs, const char *action, const struct field *fields, size_t count, json_t **ret_answer)
{
    const struct settings *settings = whmcs->channel->settings;
    CLEANUP(freep) char *url = api_url(settings->notify.whmcs_url);
    struct buf body = BUF_INIT;
    struct channel_answer answer = { 0 };
    CURL *escaper = curl_easy_init();
    add_field(&body, escaper, "action", action);
    add_field(&body, escaper, "responsetype", "json");
    add_field(&body, escaper, "identifier", settings->notify.whmcs_identifier);
    add_field(&body, escaper, "secret", settings->notify.whmcs_secret);
    for (size_t i = 0; i < count; i++)
        add_field(&body, escaper, fields[i].name, fields[i].value);
    curl_easy_cleanup(escaper);
    bool ok = channel_post(whmcs->channel, url, NULL, body.data, body.length, &answer, whmcs->result);
    buf_wipe(&body);
    if (!ok)
        return false;
    ok = take_answer(whmcs, action, &answer, ret_answer);
    channel_answer_finish(&answer);
    return ok;
}
#define CALL(whmcs, action, ret_answer, ...)                                                                           \
    call(whmcs, action, (const struct field[]){ __VA_ARGS__ },                                                         \
         sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field), ret_answer)

/** Ids come as numbers or as texts, depending on the version. */
static void copy_id(const json_t *value, char *ret_id, size_t size)
{
    if (json_is_integer(value))
        snprintf(ret_id, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_string(value))
        snprintf(ret_id, size, "%s", json_string_value(value));
    else
        ret_id[0] = '\0';
}

/** {"tickets": {"ticket": [...]}}; without results some versions leave it out or send an empty text. */
static const json_t *list_in(const json_t *root, const char *plural, const char *singular)
{
    const json_t *outer = json_object_get(root, plural);
    return json_is_array(outer) ? outer : json_object_get(outer, singular);
}

static void take_ticket(struct whmcs *whmcs, const json_t *tickets)
{
    CLEANUP(freep) char *mark = xasprintf("[%s]", whmcs->notice->marker);
    size_t i;
    json_t *ticket;
    json_array_foreach(tickets, i, ticket)
    {
        const char *subject = json_string_value(json_object_get(ticket, "subject"));
        const char *status = json_string_value(json_object_get(ticket, "status"));
        const json_t *id = json_object_get(ticket, "id");
        if (subject == NULL || strstr(subject, mark) == NULL)
            continue;
        copy_id(id != NULL ? id : json_object_get(ticket, "ticketid"), whmcs->id, sizeof(whmcs->id));
        copy_id(json_object_get(ticket, "tid"), whmcs->number, sizeof(whmcs->number));
        snprintf(whmcs->status, sizeof(whmcs->status), "%s", status != NULL ? status : "");
        if (whmcs->id[0] != '\0')
            return;
    }
}

/** The ticket of this service and operation, open or not. whmcs->id is "" when there is none. */
static bool find_ticket(struct whmcs *whmcs)
{
    json_t *root;
    if (!CALL(whmcs, "GetTickets", &root, { "subject", whmcs->notice->marker }, { "limitnum", TICKETS_MAX },
              { "ignore_dept_assignments", "true" }))
        return false;
    take_ticket(whmcs, list_in(root, "tickets", "ticket"));
    json_decref(root);
    return true;
}

static bool open_ticket(struct whmcs *whmcs, const char *text)
{
    static const char *const priorities[] = { "Low", "Medium", "High" };
    const struct settings *settings = whmcs->channel->settings;
    char department[16];
    snprintf(department, sizeof(department), "%d", settings->ticket.department);
    CLEANUP(freep) char *subject = xasprintf("%s [%s]", whmcs->notice->subject, whmcs->notice->marker);
    const char *from = settings->notify.mail_from;
    json_t *root;
    if (!CALL(whmcs, "OpenTicket", &root, { "deptid", department }, { "subject", subject }, { "message", text },
              { "priority", priorities[settings->ticket.priority] }, { "name", "Berth" },
              { "email", from[0] != '\0' ? from : "berth@localhost.localdomain" }, { "noemail", "true" },
              { "preventClientClosure", "true" }))
        return false;
    copy_id(json_object_get(root, "id"), whmcs->id, sizeof(whmcs->id));
    copy_id(json_object_get(root, "tid"), whmcs->number, sizeof(whmcs->number));
    json_decref(root);
    return true;
}

static bool has_note(struct whmcs *whmcs, bool *ret_has)
{
    CLEANUP(freep) char *mark = xasprintf("[%s]", whmcs->notice->key);
    json_t *root, *note;
    size_t i;
    if (!CALL(whmcs, "GetTicketNotes", &root, { "ticketid", whmcs->id }))
        return false;
    *ret_has = false;
    json_array_foreach(list_in(root, "notes", "note"), i, note)
    {
        const char *message = json_string_value(json_object_get(note, "message"));
        *ret_has = *ret_has || (message != NULL && strstr(message, mark) != NULL);
    }
    json_decref(root);
    return true;
}

static bool add_note(struct whmcs *whmcs, const char *text)
{
    bool is_there;
    json_t *root;
    if (!has_note(whmcs, &is_there))
        return false;
    if (is_there)
        return true;
    if (!CALL(whmcs, "AddTicketNote", &root, { "ticketid", whmcs->id }, { "message", text }))
        return false;
    json_decref(root);
    return true;
}

static bool reopen(struct whmcs *whmcs)
{
    json_t *root;
    if (!CALL(whmcs, "UpdateTicket", &root, { "ticketid", whmcs->id }, { "status", "Open" }))
        return false;
    json_decref(root);
    return true;
}

static bool is_closed(const struct whmcs *whmcs)
{
    return strcasecmp(whmcs->status, "Closed") == 0;
}

/** The text as a ticket where there is none (also when somebody has deleted it meanwhile), else as what it is. */
static bool tell(struct whmcs *whmcs, const char *text)
{
    bool is_new = false;
    if (!find_ticket(whmcs))
        return false;
    if (whmcs->id[0] == '\0') {
        if (whmcs->notice->kind == TICKET_MESSAGE_RECOVERED)
            return true; /* nobody waits for it any more */
        if (!open_ticket(whmcs, text))
            return false;
        is_new = true;
    }
    if (is_new || whmcs->notice->kind == TICKET_MESSAGE_OPEN)
        return true;
    return add_note(whmcs, text) &&
           (whmcs->notice->kind == TICKET_MESSAGE_RECOVERED || !is_closed(whmcs) || reopen(whmcs));
}

void channel_send_whmcs(const struct channel *channel, const struct notice *notice, struct notice_result *result)
{
    struct whmcs whmcs = { .channel = channel, .notice = notice, .result = result };
    const struct settings *settings = channel->settings;
    if (settings->notify.whmcs_url[0] == '\0' || settings->notify.whmcs_identifier[0] == '\0' ||
        settings->notify.whmcs_secret[0] == '\0') {
        channel_failed(result, NOTICE_REFUSED,
                       "notify.whmcs_url, notify.whmcs_identifier and notify.whmcs_secret must be set");
        return;
    }
    CLEANUP(freep) char *text = channel_text(notice);
    if (tell(&whmcs, text))
        channel_sent(result, whmcs.id, whmcs.number);
}
