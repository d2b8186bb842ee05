/* api_setting.c - /api/v1/settings: what staff may change while berthd runs, and who changed what. No answer holds a secret: only
 * whether it is set. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/settings.h"
#include "http/route.h"
#include "http/view.h"

#define CHANGES_DEFAULT 50
#define CHANGES_MAX 200

/* ---- showing -------------------------------------------------------------------------------------------------------- */

/* A value in canonical form, as JSON has it: numbers and truth bare, the rest as text. Takes the buffer's memory. */
static json_t *view_value(const struct setting *setting, struct buf *text)
{
    bool bare = setting->type == SETTING_NUMBER || setting->type == SETTING_DECIMAL || setting->type == SETTING_BOOLEAN;
    bare = bare && !(setting->general && buf_equals(text, SETTING_GENERAL));
    json_t *value = bare ? json_loads(buf_text(text), JSON_DECODE_ANY, NULL) : view_text(buf_text(text));
    buf_finish(text);
    return value;
}

static json_t *view_preset(const struct setting *setting)
{
    struct buf text = BUF_INIT;
    buf_add_text(&text, setting->preset);
    return view_value(setting, &text);
}

static json_t *view_limit(const struct setting *setting, void (*write)(const struct setting *setting, struct buf *buf))
{
    struct buf text = BUF_INIT;
    write(setting, &text);
    return text.length == 0 ? NULL : view_value(setting, &text);
}

static json_t *view_choices(const struct setting *setting)
{
    if (setting->type != SETTING_CHOICE)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; setting->choices[i] != NULL; i++)
        json_array_append_new(list, json_string(setting->choices[i]));
    return list;
}

static json_t *view_setting(const struct settings *settings, const struct setting *setting, bool is_set)
{
    struct buf range = BUF_INIT;
    setting_write_range(setting, &range);
    json_t *json = json_pack("{s:s, s:s, s:s, s:o*, s:o*, s:o*, s:s, s:b, s:b, s:s}", "name", setting->name, "type",
                             setting_type_name(setting->type), "unit", setting->unit, "min",
                             view_limit(setting, setting_write_low), "max", view_limit(setting, setting_write_high),
                             "choices", view_choices(setting), "range", buf_text(&range), "secret", setting->secret,
                             "set", is_set, "help", setting->help);
    buf_finish(&range);
    if (setting->secret)
        return json;
    struct buf text = BUF_INIT;
    settings_get_text(settings, setting, &text);
    json_object_set_new(json, "default", view_preset(setting));
    json_object_set_new(json, "value", view_value(setting, &text));
    return json;
}

static bool is_stored(const struct stored_setting *stored, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(stored[i].name, name) == 0)
            return true;
    }
    return false;
}

static void answer_settings(struct call *call)
{
    struct err err;
    struct stored_setting *stored;
    size_t count;
    if (!store_list_settings(call->store, &stored, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    struct settings settings;
    settings_defaults(&settings);
    for (size_t i = 0; i < count; i++) {
        /* One that cannot be used is not used by the engine either, which has said so in the log: the default holds. */
        const struct setting *setting = setting_find(stored[i].name);
        bool used =
            setting != NULL && !setting->secret && settings_set(&settings, setting->name, stored[i].value, &err);
        (void)used;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < setting_count; i++)
        json_array_append_new(
            list, view_setting(&settings, &setting_table[i], is_stored(stored, count, setting_table[i].name)));
    stored_settings_free(stored, count);
    call_answer_json(call, MHD_HTTP_OK, json_pack("{s:o}", "settings", list));
}

void api_setting_list(struct call *call)
{
    answer_settings(call);
}

void api_setting_changes(struct call *call)
{
    static const char *const known[] = { "limit", "cursor", NULL };
    int64_t limit = CHANGES_DEFAULT, before_id = 0;
    if (!call_query_known(call, known) || !call_query_int(call, "limit", 1, CHANGES_MAX, &limit) ||
        !call_query_int(call, "cursor", 1, INT64_MAX, &before_id))
        return;
    struct err err;
    struct setting_change *changes;
    size_t count;
    if (!store_list_setting_changes(call->store, before_id, (size_t)limit + 1, &changes, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    bool more = count > (size_t)limit;
    size_t shown = more ? (size_t)limit : count;
    json_t *list = json_array();
    for (size_t i = 0; i < shown; i++) {
        const struct setting_change *change = &changes[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", view_id(change->id), "at",
                                              view_time(change->at_ms), "who", view_text(change->who), "name",
                                              view_text(change->name), "from", view_text(change->old_value), "to",
                                              view_text(change->new_value)));
    }
    json_t *page = view_page("changes", list, more ? changes[shown - 1].id : 0);
    setting_changes_free(changes, count);
    call_answer_json(call, MHD_HTTP_OK, page);
}

/* ---- changing ------------------------------------------------------------------------------------------------------- */

static bool refuse_unknown(const char *name, struct problem *problem)
{
    const char **names = xcalloc(setting_count + 1, sizeof(*names));
    for (size_t i = 0; i < setting_count; i++)
        names[i] = setting_table[i].name;
    const char *nearest = input_nearest(name, names);
    problem_set(problem, PROBLEM_UNKNOWN_FIELD, name, "there is no setting %.60s%s%s", name,
                nearest == NULL ? "" : ": did you mean ", nearest == NULL ? "" : nearest);
    free(names);
    return false;
}

/* What people write in JSON, as the text that it stands for; *ret_text NULL for null. */
static bool read_value(const char *name, const json_t *value, char **ret_text, struct problem *problem)
{
    switch (json_typeof(value)) {
    case JSON_NULL: *ret_text = NULL; return true;
    case JSON_TRUE: *ret_text = xstrdup("true"); return true;
    case JSON_FALSE: *ret_text = xstrdup("false"); return true;
    case JSON_INTEGER: *ret_text = xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)); return true;
    case JSON_REAL: *ret_text = xasprintf("%.15g", json_real_value(value)); return true;
    case JSON_STRING: *ret_text = xstrdup(json_string_value(value)); return true;
    case JSON_OBJECT:
    case JSON_ARRAY: break;
    }
    return problem_set(problem, PROBLEM_WRONG_TYPE, name,
                       "%s must be a text, a number, true or false, or null for the default", name);
}

static bool read_pairs(json_t *root, struct request *request, struct problem *problem)
{
    const char *name;
    json_t *value;
    if (json_object_size(root) == 0)
        return problem_set(problem, PROBLEM_MISSING_FIELD, "",
                           "nothing is to be changed: send names and values, such as {\"retry.first\": \"10 s\"}");
    request->settings = xcalloc(json_object_size(root), sizeof(*request->settings));
    json_object_foreach(root, name, value)
    {
        char *text = NULL;
        if (setting_find(name) == NULL)
            return refuse_unknown(name, problem);
        if (!read_value(name, value, &text, problem))
            return false;
        request->settings[request->setting_count++] = (struct setting_pair){ .name = xstrdup(name), .value = text };
    }
    return true;
}

static void finish_set(struct call *call)
{
    if (call_request_ok(call))
        answer_settings(call);
}

void api_setting_set(struct call *call)
{
    json_t *root;
    struct problem problem;
    if (!call_parse_secret_body(call, &root))
        return;
    struct request *request = request_create(REQUEST_SETTING_SET);
    bool ok = read_pairs(root, request, &problem);
    json_decref(root);
    if (ok) {
        call_post(call, request, finish_set);
        return;
    }
    request_destroy(request);
    call_refuse(call, &problem);
}
