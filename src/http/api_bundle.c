/* api_bundle.c - a run to be passed on: what an operation did, with its tasks, attempts, logs and events, as one signed file; and
 * whether such a file is ours. The signature is over the bytes of the text `bundle`, as it stands in the file once JSON's escapes
 * are undone; docs/operations.md. */
#include <inttypes.h>
#include <string.h>

#include "http/bundle.h"
#include "http/eta_view.h"
#include "http/route.h"
#include "http/view.h"

#define LOGS_MAX (4U * 1024U * 1024U) /* of all attempts together */
#define CLIENT_WORD_MIN 3
#define EVENTS_PAGE 1000
#define EVENTS_MAX 10000
#define MARKS_MAX 64 /* of JSON, outside its texts, in the file of a run */

/* ---- tasks and their logs --------------------------------------------------------------------------------------------- */

/* @param left  how much of a log still fits; made smaller */
static bool add_log(struct store *store, const struct attempt *attempt, size_t *left, json_t *json, struct err *err)
{
    struct log_chunk *chunks = NULL;
    size_t count = 0, length = 0;
    json_t *list = json_array();
    if (attempt->log_removed_at_ms == 0 && *left > 0) {
        json_decref(list);
        if (!store_read_log(store, attempt->id, 0, *left, &chunks, &count, err))
            return false;
        while (count > 0 && view_log_end(chunks, count, 0) > (int64_t)*left)
            log_chunk_finish(&chunks[--count]);
        list = view_log_chunks(chunks, count);
        length = (size_t)view_log_end(chunks, count, 0);
        log_chunks_free(chunks, count);
    }
    *left -= length;
    bool cut = attempt->log_removed_at_ms == 0 && (int64_t)length < attempt->log_bytes;
    if (cut)
        *left = 0; /* what comes after is not shown as if it were whole */
    json_object_set_new(json, "log", list);
    json_object_set_new(json, "log_cut", json_boolean(cut));
    return true;
}

static bool add_attempts(struct store *store, json_t *task, size_t *left, bool *cut, struct err *err)
{
    struct attempt *attempts;
    size_t count;
    int64_t id = strtoll(json_string_value(json_object_get(task, "id")), NULL, 10);
    if (!store_list_attempts(store, id, &attempts, &count, err))
        return false;
    bool ok = true;
    json_t *list = json_array();
    for (size_t i = 0; ok && i < count; i++) {
        json_t *json = view_attempt(&attempts[i]);
        ok = add_log(store, &attempts[i], left, json, err);
        *cut = *cut || json_is_true(json_object_get(json, "log_cut"));
        json_array_append_new(list, json);
    }
    attempts_free(attempts, count);
    json_object_set_new(task, "attempt_list", list);
    return ok;
}

static bool add_tasks(struct call *call, const struct operation *operation, json_t *root, struct err *err)
{
    json_t *list, *task;
    size_t i, left = LOGS_MAX;
    bool ok = true, cut = false;
    if (!eta_view_tasks(call->store, operation, call_now_ms(call), &list, err))
        return false;
    json_object_set_new(root, "tasks", list);
    json_array_foreach(list, i, task)
    {
        ok = ok && add_attempts(call->store, task, &left, &cut, err);
    }
    json_object_set_new(root, "logs_cut", json_boolean(cut));
    return ok;
}

/* ---- the service and its events ---------------------------------------------------------------------------------------- */

/* Only what a run needs: nothing of the client. @param ret_service the caller's to finish: whose name is not to be in the rest */
static bool add_service(struct store *store, int64_t id, json_t *root, struct service *ret_service, struct err *err)
{
    static const char *const shown[] = { "id", "domain", "domain_unicode", "product", "mode", "status" };
    struct catalogue catalogue = { 0 };
    if (!store_get_service(store, id, ret_service, err))
        return false;
    bool ok = catalogue_load(store, CATALOGUE_PRODUCTS, &catalogue, err);
    if (ok) {
        json_t *whole = view_service(ret_service, &catalogue), *part = json_object();
        for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
            json_t *value = json_object_get(whole, shown[i]);
            if (value != NULL)
                json_object_set(part, shown[i], value);
        }
        json_decref(whole);
        json_object_set_new(root, "service", part);
    }
    catalogue_finish(&catalogue);
    return ok;
}

/* What happened to the service while the operation was under way. */
static bool add_events(struct store *store, const struct operation *operation, json_t *root, struct err *err)
{
    json_t *list = json_array();
    json_object_set_new(root, "events", list);
    int64_t after = 0;
    for (size_t count = EVENTS_PAGE; count == EVENTS_PAGE && json_array_size(list) < EVENTS_MAX;) {
        struct event *events;
        if (!store_list_events(store, operation->service_id, after, EVENTS_PAGE, &events, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            after = events[i].seq;
            if (events[i].at_ms >= operation->created_at_ms &&
                (operation->ended_at_ms == 0 || events[i].at_ms <= operation->ended_at_ms))
                json_array_append_new(list, view_event(&events[i]));
        }
        events_free(events, count);
    }
    return true;
}

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

/** Takes the text; the same without a word, which stands there as JSON writes it. Short words are left: they could be anything. */
static char *without(char *text, const char *word)
{
    json_t *json = view_text(word);
    CLEANUP(freep) char *quoted = json_dumps(json, JSON_ENCODE_ANY);
    json_decref(json);
    size_t length = strlen(quoted) - 2;
    struct buf clean = BUF_INIT;
    if (length < CLIENT_WORD_MIN)
        return text;
    quoted[length + 1] = '\0';
    const char *from = text;
    for (const char *at; (at = strstr(from, quoted + 1)) != NULL; from = at + length) {
        buf_add(&clean, from, (size_t)(at - from));
        buf_add_text(&clean, "[client]");
    }
    buf_add_text(&clean, from);
    free(text);
    return buf_steal(&clean);
}

/* Commands and the panel's answers name the client: a mail address belongs to a user of the panel. */
static char *text_of(const json_t *root, const struct service *service)
{
    char *text = without(json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS), service->client_email);
    return strstr(service->domain, service->client_name) == NULL ? without(text, service->client_name) : text;
}

static void answer_file(struct call *call, const json_t *root, const struct operation *operation,
                        const struct service *service)
{
    char *text = text_of(root, service);
    const char *domain = json_string_value(json_object_get(json_object_get(root, "service"), "domain"));
    CLEANUP(freep)
    char *disposition = xasprintf("attachment; filename=\"berth-%s-operation-%" PRId64 ".json\"",
                                  domain != NULL ? domain : "service", operation->id);
    call_add_header(call, "Content-Disposition", disposition);
    call_answer_json(call, MHD_HTTP_OK, bundle_make(call->config->keyring, text));
    free(text);
}

void api_operation_bundle(struct call *call)
{
    struct err err;
    struct operation operation;
    if (!store_get_operation(call->store, call->id, &operation, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    json_t *root = json_pack("{s:s, s:o, s:o}", "format", BUNDLE_FORMAT, "made_at", view_time(call_now_ms(call)),
                             "operation", view_operation(&operation));
    struct service service = { 0 };
    bool ok = add_service(call->store, operation.service_id, root, &service, &err) &&
              add_tasks(call, &operation, root, &err) && add_events(call->store, &operation, root, &err);
    if (ok) {
        json_object_set_new(root, "installation", view_text(call->config->installation));
        answer_file(call, root, &operation, &service);
    } else {
        call_refuse_err(call, &err);
    }
    json_decref(root);
    service_finish(&service);
    operation_finish(&operation);
}

/* ---- a file that comes back ------------------------------------------------------------------------------------------- */

/* Not whether it is ours, only whether it can be looked at. */
static bool is_file(const json_t *file, struct problem *problem)
{
    static const char *const known[] = { "format", "bundle", "signature", NULL };
    struct input input = { file, "" };
    const json_t *text = json_object_get(file, "bundle");
    const char *format;
    json_t *signature;
    if (!input_known(input, known, problem) || !input_text(input, "format", INPUT_REQUIRED, 100, &format, problem))
        return false;
    if (strcmp(format, BUNDLE_FORMAT) != 0)
        return problem_set(problem, PROBLEM_BAD_VALUE, "format", "format: %s is not known here, only " BUNDLE_FORMAT,
                           format);
    if (!json_is_string(text))
        return problem_set(problem, text == NULL ? PROBLEM_MISSING_FIELD : PROBLEM_WRONG_TYPE, "bundle",
                           text == NULL ? "the field bundle is missing" : "bundle must be a text");
    return input_object(input, "signature", INPUT_REQUIRED, &signature, problem);
}

static const char *verdict_word(enum bundle_verdict verdict)
{
    switch (verdict) {
    case BUNDLE_UNCHANGED: return NULL;
    case BUNDLE_CHANGED: return "changed";
    case BUNDLE_OTHER_KEY: return "other-key";
    }
    abort();
}

/* A file has two objects and six texts, the run is inside one of them. What has more is not parsed: in memory thirty million empty
 * lists are a hundred times as large as they are as text. */
static bool is_plain(const char *data, size_t length)
{
    size_t marks = 0;
    bool quoted = false;
    for (size_t i = 0; i < length && marks <= MARKS_MAX; i++) {
        if (quoted && data[i] == '\\')
            i++;
        else if (data[i] == '"')
            quoted = !quoted;
        else if (!quoted)
            marks += data[i] == '{' || data[i] == '[' || data[i] == ',';
    }
    return marks <= MARKS_MAX;
}

void api_bundle_verify(struct call *call)
{
    json_t *file;
    if (!is_plain(buf_text(&call->body), call->body.length)) {
        struct problem many;
        (void)problem_set(&many, PROBLEM_BAD_VALUE, "", "this is not the file of a run: it has too many parts");
        call_refuse(call, &many);
        return;
    }
    struct problem problem;
    char key[BUNDLE_KEY_TEXT_MAX];
    if (!call_parse_body(call, &file))
        return;
    if (is_file(file, &problem)) {
        bundle_public_key(call->config->keyring, key);
        const char *why = verdict_word(bundle_check(file, key));
        call_answer_json(call, MHD_HTTP_OK, json_pack("{s:b, s:s*}", "valid", why == NULL, "why", why));
    } else {
        call_refuse(call, &problem);
    }
    json_decref(file);
}
