/* api_audit.c - /api/v1/audit: who did what, the newest first. */
#include "http/route.h"
#include "http/view.h"
#include "store/store_staff.h"

#define ENTRIES_DEFAULT 50
#define ENTRIES_MAX 200

static json_t *view_entry(const struct audit_entry *entry)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", view_id(entry->id), "at", view_time(entry->at_ms), "who",
                     view_text(entry->who), "action", view_text(entry->action), "target", view_text(entry->target),
                     "detail", view_text(entry->detail));
}

void api_audit_list(struct call *call)
{
    static const char *const known[] = { "limit", "cursor", NULL };
    int64_t limit = ENTRIES_DEFAULT, before_id = 0;
    if (!call_query_known(call, known) || !call_query_int(call, "limit", 1, ENTRIES_MAX, &limit) ||
        !call_query_int(call, "cursor", 1, INT64_MAX, &before_id))
        return;
    struct err err;
    struct audit_entry *entries;
    size_t count;
    if (!store_list_audit(call->store, before_id, (size_t)limit + 1, &entries, &count, &err)) {
        call_refuse_err(call, &err);
        return;
    }
    bool more = count > (size_t)limit;
    size_t shown = more ? (size_t)limit : count;
    json_t *list = json_array();
    for (size_t i = 0; i < shown; i++)
        json_array_append_new(list, view_entry(&entries[i]));
    json_t *page = view_page("entries", list, more ? entries[shown - 1].id : 0);
    audit_entries_free(entries, count);
    call_answer_json(call, MHD_HTTP_OK, page);
}
