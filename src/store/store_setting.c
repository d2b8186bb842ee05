/* store_setting.c - what staff have set, and who changed what. What the values mean is core/settings.h. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

/* ---- values ------------------------------------------------------------------------------------------------------- */

static void stored_setting_read(struct db_rows *rows, struct stored_setting *setting)
{
    setting->name = db_take_text(rows);
    setting->value = db_take_text(rows);
    setting->cipher = (unsigned char *)db_take_blob(rows, &setting->cipher_length);
}

DEFINE_RECORD_KIND(stored_setting, stored_settings)

static const char sql_list_settings[] = "SELECT name, value, cipher FROM setting_value ORDER BY name";

bool store_list_settings(struct store *store, struct stored_setting **ret_settings, size_t *ret_count, struct err *err)
{
    void *settings;
    if (!store_get_records(store, &stored_setting_record, sql_list_settings, NO_ARGS, &settings, ret_count, err))
        return err_wrap(err, "list settings");
    *ret_settings = settings;
    return true;
}

static const char sql_put_setting[] =
    "INSERT INTO setting_value (name, value, cipher) VALUES ($1, $2, $3)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value, cipher = excluded.cipher";

bool store_put_setting(struct store *store, const struct stored_setting *setting, struct err *err)
{
    /* a blob without bytes is one, not a NULL */
    const void *cipher = setting->cipher_length > 0 ? (const void *)setting->cipher : "";
    return store_run(store, sql_put_setting,
                     ARGS(db_text(setting->name), db_text(setting->value), db_blob(cipher, setting->cipher_length)),
                     NULL, err) ||
           err_wrap(err, "put setting %s", setting->name);
}

static const char sql_remove_setting[] = "DELETE FROM setting_value WHERE name = $1";

bool store_remove_setting(struct store *store, const char *name, struct err *err)
{
    return store_run(store, sql_remove_setting, ARGS(db_text(name)), NULL, err) ||
           err_wrap(err, "remove setting %s", name);
}

/* ---- changes ------------------------------------------------------------------------------------------------------ */

static void setting_change_read(struct db_rows *rows, struct setting_change *change)
{
    change->id = db_take_int(rows);
    change->at_ms = db_take_int(rows);
    change->who = db_take_text(rows);
    change->name = db_take_text(rows);
    change->old_value = db_take_text(rows);
    change->new_value = db_take_text(rows);
}

DEFINE_RECORD_KIND(setting_change, setting_changes)

static const char sql_insert_setting_change[] =
    "INSERT INTO setting_change (at_ms, who, name, old_value, new_value) VALUES ($1, $2, $3, $4, $5) RETURNING id";

bool store_insert_setting_change(struct store *store, struct setting_change *change, struct err *err)
{
    return store_get_int(store, sql_insert_setting_change,
                         ARGS(db_int(change->at_ms), db_text(change->who), db_text(change->name),
                              db_text(change->old_value), db_text(change->new_value)),
                         &change->id, err) ||
           err_wrap(err, "record the change of %s", change->name);
}

static const char sql_list_setting_changes[] =
    "SELECT id, at_ms, who, name, old_value, new_value FROM setting_change WHERE id < $1 ORDER BY id DESC LIMIT $2";

bool store_list_setting_changes(struct store *store, int64_t before_id, size_t limit,
                                struct setting_change **ret_changes, size_t *ret_count, struct err *err)
{
    void *changes;
    if (!store_get_records(store, &setting_change_record, sql_list_setting_changes,
                           ARGS(db_int(before_id > 0 ? before_id : INT64_MAX), db_int((int64_t)limit)), &changes,
                           ret_count, err))
        return err_wrap(err, "list changes of settings");
    *ret_changes = changes;
    return true;
}
