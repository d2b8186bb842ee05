/* store_query.c - running one statement in one line, for store_*.c. See store_internal.h. */
#include "store_internal.h"

#include <inttypes.h>

/* The error of a failed statement stays in *err; the caller's sentence says what it was for. */
static bool query(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                  struct db_rows **ret_rows, struct err *err)
{
    return store->db->ops->query(store->db, sql, args, arg_count, ret_rows, err);
}

static bool next(struct db_rows *rows, bool *ret_more, struct err *err)
{
    return rows->db->ops->next(rows, ret_more, err);
}

bool store_run(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count, int64_t *ret_changed,
               struct err *err)
{
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    if (!query(store, sql, args, arg_count, &rows, err))
        return false;
    bool more = true;
    while (more) {
        if (!next(rows, &more, err))
            return false;
    }
    if (ret_changed != NULL)
        *ret_changed = rows->db->ops->changed(rows);
    return true;
}

bool store_run_on(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count, const char *what,
                  int64_t id, struct err *err)
{
    int64_t changed;
    if (!store_run(store, sql, args, arg_count, &changed, err))
        return err_wrap(err, "%s %" PRId64, what, id);
    if (changed != 1)
        return err_set(err, ERR_NOT_FOUND, "no %s %" PRId64, what, id);
    return true;
}

bool store_get_int(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                   int64_t *ret_value, struct err *err)
{
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    bool more;
    if (!query(store, sql, args, arg_count, &rows, err) || !next(rows, &more, err))
        return false;
    if (!more)
        return true;
    int64_t value = db_take_int(rows);
    if (!next(rows, &more, err)) /* an INSERT ... RETURNING has its foreign keys checked behind its row */
        return false;
    *ret_value = value;
    return true;
}

bool store_get_record(struct store *store, const struct record_kind *kind, const char *sql, const struct db_arg *args,
                      size_t arg_count, void *ret_record, bool *ret_found, struct err *err)
{
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    bool more;
    if (!query(store, sql, args, arg_count, &rows, err) || !next(rows, &more, err))
        return false;
    if (more)
        kind->read(rows, ret_record);
    *ret_found = more;
    return true;
}

/* ---- many rows ---------------------------------------------------------------------------------------------------- */

struct array {
    const struct record_kind *kind;
    char *records;
    size_t count;
    size_t capacity;
};

static void array_finish(struct array *array)
{
    for (size_t i = 0; i < array->count; i++)
        array->kind->finish(array->records + i * array->kind->size);
    free(array->records);
}

static void array_read(struct array *array, struct db_rows *rows)
{
    if (array->count == array->capacity) {
        array->capacity = array->capacity == 0 ? 8 : 2 * array->capacity;
        array->records = xrealloc(array->records, array->capacity * array->kind->size);
    }
    array->kind->read(rows, array->records + array->count * array->kind->size);
    array->count++;
}

bool store_get_records(struct store *store, const struct record_kind *kind, const char *sql, const struct db_arg *args,
                       size_t arg_count, void **ret_records, size_t *ret_count, struct err *err)
{
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    if (!query(store, sql, args, arg_count, &rows, err))
        return false;
    CLEANUP(array_finish) struct array array = { .kind = kind };
    for (;;) {
        bool more;
        if (!next(rows, &more, err))
            return false;
        if (!more)
            break;
        array_read(&array, rows);
    }
    *ret_records = array.records;
    *ret_count = array.count;
    array.records = NULL;
    array.count = 0;
    return true;
}

static void int_read(struct db_rows *rows, void *record)
{
    int64_t *value = record;
    *value = db_take_int(rows);
}

static void int_finish(void *record)
{
    (void)record;
}

static const struct record_kind int_kind = { sizeof(int64_t), int_read, int_finish };

bool store_get_ints(struct store *store, const char *sql, const struct db_arg *args, size_t arg_count,
                    int64_t **ret_values, size_t *ret_count, struct err *err)
{
    void *values;
    if (!store_get_records(store, &int_kind, sql, args, arg_count, &values, ret_count, err))
        return false;
    *ret_values = values;
    return true;
}
