/* db.h - the little of a database that store_*.c needs, with one implementation per product (db_sqlite.c). Statements are static
 * texts with $1..$N and are prepared once per connection, found again by their address. A struct db belongs to one thread.
 *
 * A statement that fails with ERR_IO or ERR_BUSY may have ended the transaction; then every further statement and the commit
 * fail until db_rollback(), so that nothing of a half-lost batch can be written outside of it. */
#ifndef BERTH_STORE_DB_H
#define BERTH_STORE_DB_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* ---- arguments ---------------------------------------------------------------------------------------------------- */

enum db_type { DB_INT, DB_TEXT, DB_BLOB };

struct db_arg {
    enum db_type type;
    int64_t number;
    const void *bytes; /* borrowed; must live until the call returns or, of a query, until db_rows_end() */
    size_t length;
};

static inline struct db_arg db_int(int64_t number)
{
    return (struct db_arg){ .type = DB_INT, .number = number };
}

static inline struct db_arg db_text(const char *text)
{
    assert(text != NULL);
    return (struct db_arg){ .type = DB_TEXT, .bytes = text, .length = strlen(text) };
}

static inline struct db_arg db_blob(const void *bytes, size_t length)
{
    return (struct db_arg){ .type = DB_BLOB, .bytes = bytes, .length = length };
}

/** The two parameters `args, arg_count` of a call: store_run(store, sql, ARGS(db_int(id), db_text(name)), err). */
#define ARGS(...)                                                                                                      \
    (const struct db_arg[]){ __VA_ARGS__ }, (sizeof((const struct db_arg[]){ __VA_ARGS__ }) / sizeof(struct db_arg))
#define NO_ARGS NULL, 0

/* ---- the interface ------------------------------------------------------------------------------------------------ */

struct db {
    const struct db_ops *ops;
};

/* One result being read. Its columns are taken from left to right. */
struct db_rows {
    struct db *db;
    int column; /* the next one to take */
};

struct db_ops {
    const char *name; /* which folder of migrations: "sqlite" */
    void (*close)(struct db *db);
    /** The file that this database is, or NULL. */
    const char *(*path)(struct db *db);
    bool (*begin)(struct db *db, struct err *err);
    bool (*commit)(struct db *db, bool durable, struct err *err); /* rolled back when false */
    void (*rollback)(struct db *db);
    bool (*savepoint)(struct db *db, struct err *err); /* one at a time */
    void (*savepoint_release)(struct db *db);
    void (*savepoint_rollback)(struct db *db);
    /** Housekeeping that must not sit in a commit. Never waits for readers. */
    bool (*checkpoint)(struct db *db, struct err *err);
    /** Of the writer: pages in the log, which a checkpoint would copy; 0 where there is no such thing. */
    int64_t (*log_pages)(struct db *db);
    /** Several statements without arguments and results: migrations. */
    bool (*script)(struct db *db, const char *sql, struct err *err);
    /** ret_rows may not be used for the same text again before rows_end(): there is one prepared statement per text. */
    bool (*query)(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
                  struct db_rows **ret_rows, struct err *err);
    bool (*next)(struct db_rows *rows, bool *ret_more, struct err *err);
    int64_t (*column_int)(struct db_rows *rows, int column);
    const char *(*column_bytes)(struct db_rows *rows, int column, size_t *ret_length); /* valid until next() */
    int64_t (*changed)(struct db_rows *rows); /* rows written, when next() has said that there are no more */
    void (*rows_end)(struct db_rows *rows);
};

/** @param url  sqlite:///absolute/path.db or sqlite::memory:
 * @param writer  create the file if need be; else it must exist and nothing can be changed through this connection */
MUST_CHECK bool db_open(const char *url, bool writer, struct db **ret_db, struct err *err);
MUST_CHECK bool db_sqlite_open(const char *path, bool writer, struct db **ret_db, struct err *err);

/* ---- reading a row ------------------------------------------------------------------------------------------------ */

static inline int64_t db_take_int(struct db_rows *rows)
{
    return rows->db->ops->column_int(rows, rows->column++);
}

/** A copy, the caller's to free; never NULL. */
char *db_take_text(struct db_rows *rows);
char *db_take_blob(struct db_rows *rows, size_t *ret_length); /* also NUL-terminated, behind length */

static inline void db_rows_endp(struct db_rows **rows)
{
    if (*rows != NULL)
        (*rows)->db->ops->rows_end(*rows);
}

#endif
