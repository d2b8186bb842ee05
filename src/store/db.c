/* db.c - which database a URL means, and what all of them share. See db.h. */
#include "db.h"

bool db_open(const char *url, bool writer, struct db **ret_db, struct err *err)
{
    static const char file[] = "sqlite://";
    static const char memory[] = "sqlite::memory:";

    if (strcmp(url, memory) == 0) {
        if (!writer)
            return err_set(err, ERR_INVALID, "store %s: a database in memory has no readers beside its writer", url);
        return db_sqlite_open(":memory:", writer, ret_db, err);
    }
    if (strncmp(url, file, sizeof(file) - 1) == 0 && url[sizeof(file) - 1] == '/')
        return db_sqlite_open(url + sizeof(file) - 1, writer, ret_db, err);
    return err_set(err, ERR_INVALID, "store %s: expected sqlite:///absolute/path.db", url);
}

char *db_take_blob(struct db_rows *rows, size_t *ret_length)
{
    size_t length;
    const char *bytes = rows->db->ops->column_bytes(rows, rows->column++, &length);
    char *copy = xcalloc(length + 1, 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    *ret_length = length;
    return copy;
}

char *db_take_text(struct db_rows *rows)
{
    size_t length;
    return db_take_blob(rows, &length);
}
