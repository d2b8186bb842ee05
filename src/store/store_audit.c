/* store_audit.c - what staff and tokens have done. See store_staff.h. */
#include "store_staff.h"

#include "store_internal.h"

static void audit_entry_read(struct db_rows *rows, struct audit_entry *entry)
{
    entry->id = db_take_int(rows);
    entry->at_ms = db_take_int(rows);
    entry->who = db_take_text(rows);
    entry->action = db_take_text(rows);
    entry->target = db_take_text(rows);
    entry->detail = db_take_text(rows);
}

extern const struct record_kind audit_entry_record;
DEFINE_RECORD_KIND(audit_entry, audit_entries)

static const char sql_insert_audit[] =
    "INSERT INTO audit (at_ms, who, action, target, detail) VALUES ($1, $2, $3, $4, $5) RETURNING id";

bool store_insert_audit(struct store *store, struct audit_entry *entry, struct err *err)
{
    return store_get_int(store, sql_insert_audit,
                         ARGS(db_int(entry->at_ms), db_text(entry->who), db_text(entry->action), db_text(entry->target),
                              db_text(entry->detail)),
                         &entry->id, err) ||
           err_wrap(err, "record that %s was done", entry->action);
}

static const char sql_list_audit[] =
    "SELECT id, at_ms, who, action, target, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";

bool store_list_audit(struct store *store, int64_t before_id, size_t limit, struct audit_entry **ret_entries,
                      size_t *ret_count, struct err *err)
{
    void *entries;
    if (!store_get_records(store, &audit_entry_record, sql_list_audit,
                           ARGS(db_int(before_id > 0 ? before_id : INT64_MAX), db_int((int64_t)limit)), &entries,
                           ret_count, err))
        return err_wrap(err, "list what was done");
    *ret_entries = entries;
    return true;
}
