/* db_sqlite.c - the database interface (db.h) on SQLite: write-ahead log, synchronous=FULL. The only file that knows SQLite,
 * with its file layer db_sqlite_vfs.c.
 *
 * Checkpoints (copying the log into the database) are taken out of commits: SQLite's own would run inside the commit that
 * fills the log's thousandth page and make an order wait for two more fsyncs. db->ops->checkpoint does it on a thread of its own
 * (daemon/tidy.c); a commit only does what that one has left over when the log has grown to CHECKPOINT_FRAMES_MAX. */
#include "db.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "db_sqlite.h"

#define STATEMENT_SLOTS 256U /* a power of two; a connection uses about a hundred */
#define ARGS_MAX 32
#define BUSY_TIMEOUT_MS 5000
#define CHECKPOINT_FRAMES_MIN 1000  /* 4 MiB: below it an idle checkpoint is not worth its fsyncs */
#define CHECKPOINT_FRAMES_MAX 16384 /* 64 MiB: beyond it a commit does it */

struct sqlite_db;

struct sqlite_statement {
    struct db_rows base;
    const char *sql; /* the key: its address */
    sqlite3_stmt *handle;
    int arg_index[ARGS_MAX + 1]; /* of $N */
    size_t arg_count;
    bool in_use;
    enum { RETURNS_NOTHING, RETURNS_ID, RETURNED_ID } insert;
    int64_t changed;
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path; /* NULL: in memory */
    bool writer;
    bool in_transaction;
    bool log_suspect;     /* an fsync of the log failed: see sqlite_begin() */
    int log_frames;       /* after the last commit */
    int checkpoint_above; /* a commit does a checkpoint when the log is longer */
    struct sqlite_statement *statements[STATEMENT_SLOTS];
    size_t statement_count;
};

static struct sqlite_db *sqlite_from(struct db *db)
{
    return (struct sqlite_db *)(void *)db;
}

static struct sqlite_statement *sqlite_statement_from(struct db_rows *rows)
{
    return (struct sqlite_statement *)(void *)rows;
}

/* ---- errors ------------------------------------------------------------------------------------------------------- */

static enum err_code sqlite_err_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID
                   ? ERR_CONFLICT
                   : ERR_BUG;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH: return ERR_BUG;
    default: return ERR_IO; /* IOERR, FULL, CORRUPT, CANTOPEN, READONLY, NOMEM, ... */
    }
}

static bool sqlite_fail(struct sqlite_db *self, int rc, struct err *err)
{
    if ((rc & 0xff) == SQLITE_IOERR)
        return err_set(err, ERR_IO, "database: %s (code %d)", sqlite3_errmsg(self->handle), rc);
    return err_set(err, sqlite_err_code(rc), "database: %s", sqlite3_errmsg(self->handle));
}

static bool sqlite_exec(struct sqlite_db *self, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(self->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || sqlite_fail(self, rc, err);
}

/* ---- statements --------------------------------------------------------------------------------------------------- */

/* SQLite numbers parameters by first appearance; ours carry their number in their name. */
static bool sqlite_map_args(struct sqlite_statement *statement, struct err *err)
{
    int count = sqlite3_bind_parameter_count(statement->handle);
    if (count > ARGS_MAX)
        return err_set(err, ERR_BUG, "more than %d arguments: %.80s", ARGS_MAX, statement->sql);
    for (int number = 1; number <= count; number++) {
        char name[16];
        (void)sqlite3_snprintf(sizeof(name), name, "$%d", number);
        statement->arg_index[number] = sqlite3_bind_parameter_index(statement->handle, name);
        if (statement->arg_index[number] == 0)
            return err_set(err, ERR_BUG, "%d arguments, but no $%d: %.80s", count, number, statement->sql);
    }
    statement->arg_count = (size_t)count;
    return true;
}

static void sqlite_statement_destroy(struct sqlite_statement *statement)
{
    (void)sqlite3_finalize(statement->handle);
    free(statement);
}

/* SQLite runs RETURNING as a trigger, with a journal of its own for each statement: 40 % of an order's insert. An id can be had
 * without, so the words at the end of our inserts are left away and their one row is made up in sqlite_next(). */
static size_t sqlite_text_length(const char *sql, bool *ret_returns_id)
{
    static const char tail[] = " RETURNING id";
    size_t length = strlen(sql);
    size_t tail_length = sizeof(tail) - 1;
    *ret_returns_id =
        strncmp(sql, "INSERT INTO", 11) == 0 && length > tail_length && strcmp(sql + length - tail_length, tail) == 0;
    return *ret_returns_id ? length - tail_length : length;
}

static bool sqlite_prepare(struct sqlite_db *self, const char *sql, struct sqlite_statement **ret_statement,
                           struct err *err)
{
    size_t slot = ((uintptr_t)sql >> 3) * 2654435761U % STATEMENT_SLOTS;
    for (; self->statements[slot] != NULL; slot = (slot + 1) % STATEMENT_SLOTS) {
        if (self->statements[slot]->sql == sql) {
            *ret_statement = self->statements[slot];
            return true;
        }
    }
    assert(self->statement_count < STATEMENT_SLOTS - 1); /* texts must be static, else this fills */

    struct sqlite_statement *statement = xcalloc(1, sizeof(*statement));
    statement->base.db = &self->base;
    statement->sql = sql;
    bool returns_id;
    int length = (int)sqlite_text_length(sql, &returns_id);
    statement->insert = returns_id ? RETURNS_ID : RETURNS_NOTHING;
    int rc = sqlite3_prepare_v3(self->handle, sql, length, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL);
    if (rc != SQLITE_OK) {
        (void)sqlite_fail(self, rc, err);
        sqlite_statement_destroy(statement);
        return err_wrap(err, "prepare %.120s", sql);
    }
    if (!sqlite_map_args(statement, err)) {
        sqlite_statement_destroy(statement);
        return false;
    }
    self->statements[slot] = statement;
    self->statement_count++;
    *ret_statement = statement;
    return true;
}

static int sqlite_bind(struct sqlite_statement *statement, size_t number, const struct db_arg *arg)
{
    int index = statement->arg_index[number];
    switch (arg->type) {
    case DB_INT: return sqlite3_bind_int64(statement->handle, index, arg->number);
    case DB_TEXT:
        return sqlite3_bind_text64(statement->handle, index, arg->bytes, arg->length, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        if (arg->length == 0)
            return sqlite3_bind_zeroblob(statement->handle, index, 0);
        return sqlite3_bind_blob64(statement->handle, index, arg->bytes, arg->length, SQLITE_STATIC);
    }
    abort();
}

static void sqlite_rows_end(struct db_rows *rows)
{
    struct sqlite_statement *statement = sqlite_statement_from(rows);
    (void)sqlite3_reset(statement->handle); /* repeats the error of step, which was reported */
    (void)sqlite3_clear_bindings(statement->handle);
    statement->in_use = false;
    if (statement->insert == RETURNED_ID)
        statement->insert = RETURNS_ID;
}

/* SQLite ends a transaction by itself after some errors (disk full, I/O). Going on would write each statement on its own. */
static bool sqlite_check_transaction(const struct sqlite_db *self, struct err *err)
{
    if (self->in_transaction && sqlite3_get_autocommit(self->handle) != 0)
        return err_set(err, ERR_IO, "database: an earlier error has ended the transaction");
    return true;
}

static bool sqlite_query(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
                         struct db_rows **ret_rows, struct err *err)
{
    struct sqlite_db *self = sqlite_from(db);
    struct sqlite_statement *statement;
    if (!sqlite_check_transaction(self, err) || !sqlite_prepare(self, sql, &statement, err))
        return false;
    assert(!statement->in_use);
    assert(arg_count == statement->arg_count);
    for (size_t i = 0; i < arg_count; i++) {
        int rc = sqlite_bind(statement, i + 1, &args[i]);
        if (rc != SQLITE_OK) {
            (void)sqlite3_clear_bindings(statement->handle);
            return sqlite_fail(self, rc, err);
        }
    }
    statement->in_use = true;
    statement->changed = 0;
    *ret_rows = &statement->base;
    return true;
}

static bool sqlite_next(struct db_rows *rows, bool *ret_more, struct err *err)
{
    struct sqlite_statement *statement = sqlite_statement_from(rows);
    struct sqlite_db *self = sqlite_from(rows->db);
    rows->column = 0;
    if (statement->insert == RETURNED_ID) {
        statement->insert = RETURNS_ID;
        *ret_more = false;
        return true;
    }
    int rc = sqlite3_step(statement->handle);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sqlite_fail(self, rc, err);
    if (statement->insert == RETURNS_ID) {
        statement->insert = RETURNED_ID;
        *ret_more = true;
        return true;
    }
    *ret_more = rc == SQLITE_ROW;
    if (rc == SQLITE_DONE)
        statement->changed = sqlite3_changes64(self->handle);
    return true;
}

static int64_t sqlite_column_int(struct db_rows *rows, int column)
{
    struct sqlite_statement *statement = sqlite_statement_from(rows);
    if (statement->insert == RETURNED_ID)
        return sqlite3_last_insert_rowid(sqlite_from(rows->db)->handle);
    return sqlite3_column_int64(statement->handle, column);
}

static const char *sqlite_column_bytes(struct db_rows *rows, int column, size_t *ret_length)
{
    sqlite3_stmt *handle = sqlite_statement_from(rows)->handle;
    const char *bytes = sqlite3_column_blob(handle, column); /* of a text: its bytes, without a copy */
    *ret_length = bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(handle, column);
    return bytes;
}

static int64_t sqlite_changed(struct db_rows *rows)
{
    return sqlite_statement_from(rows)->changed;
}

/* ---- transactions ------------------------------------------------------------------------------------------------- */

/* A statement without arguments and results from the cache. */
static bool sqlite_do(struct sqlite_db *self, const char *sql, int *ret_rc, struct err *err)
{
    struct sqlite_statement *statement;
    *ret_rc = SQLITE_ERROR;
    if (!sqlite_prepare(self, sql, &statement, err))
        return false;
    *ret_rc = sqlite3_step(statement->handle);
    bool good = *ret_rc == SQLITE_DONE || sqlite_fail(self, *ret_rc, err);
    (void)sqlite3_reset(statement->handle);
    return good;
}

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_savepoint[] = "SAVEPOINT request";
static const char sql_savepoint_release[] = "RELEASE request";
static const char sql_savepoint_rollback[] = "ROLLBACK TO request";

/* After a failed fsync the kernel may count pages of the log as written that are not, so a later fsync says nothing about
 * commits that had left theirs to it. Their content is still right in memory: copy all of it into the database (with its own
 * fsync) and start the log anew before anything is called durable again. */
static bool sqlite_mend_log(struct sqlite_db *self, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(self->handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(self, rc, err);
    self->log_suspect = false;
    return true;
}

static bool sqlite_begin(struct db *db, struct err *err)
{
    struct sqlite_db *self = sqlite_from(db);
    assert(self->writer && !self->in_transaction);
    if (self->log_suspect && !sqlite_mend_log(self, err))
        return false;
    int rc;
    if (!sqlite_do(self, sql_begin, &rc, err))
        return false;
    self->in_transaction = true;
    return true;
}

static void sqlite_rollback(struct db *db)
{
    struct sqlite_db *self = sqlite_from(db);
    int rc;
    if (self->in_transaction && sqlite3_get_autocommit(self->handle) == 0)
        (void)sqlite_do(self, sql_rollback, &rc, NULL); /* fails only where SQLite has rolled back already */
    self->in_transaction = false;
}

static bool sqlite_checkpoint_now(struct sqlite_db *self, struct err *err)
{
    int frames = 0;
    int copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    /* The log starts anew when the next writer finds all of it copied. What readers still need stays: then wait until it has
     * grown by another quarter instead of trying at each commit. */
    self->checkpoint_above = (frames > copied ? frames : 0) + CHECKPOINT_FRAMES_MAX / 4;
    if (self->checkpoint_above < CHECKPOINT_FRAMES_MAX)
        self->checkpoint_above = CHECKPOINT_FRAMES_MAX;
    if (rc == SQLITE_BUSY) /* another thread is at it */
        return true;
    if (rc == SQLITE_OK && frames == copied)
        self->log_frames = 0;
    return rc == SQLITE_OK || sqlite_fail(self, rc, err);
}

static bool sqlite_checkpoint(struct db *db, struct err *err)
{
    struct sqlite_db *self = sqlite_from(db);
    assert(!self->in_transaction);
    if (self->path == NULL || (self->writer && self->log_frames < CHECKPOINT_FRAMES_MIN))
        return true;
    return sqlite_checkpoint_now(self, err);
}

static int64_t sqlite_log_pages(struct db *db)
{
    return sqlite_from(db)->log_frames;
}

static bool sqlite_commit(struct db *db, bool durable, struct err *err)
{
    struct sqlite_db *self = sqlite_from(db);
    assert(self->in_transaction);
    int rc = SQLITE_ERROR;
    bool good = sqlite_check_transaction(self, err);
    if (good) {
        relaxed_vfs_set(!durable);
        good = sqlite_do(self, sql_commit, &rc, err);
        relaxed_vfs_set(false);
    }
    if (!good) {
        self->log_suspect = self->log_suspect || rc == SQLITE_IOERR_FSYNC;
        sqlite_rollback(db);
        return err_wrap(err, "commit");
    }
    self->in_transaction = false;
    if (self->log_frames > self->checkpoint_above)
        (void)sqlite_checkpoint_now(self,
                                    NULL); /* the commit is safe in the log: failing here only lets the log grow */
    return true;
}

static bool sqlite_savepoint(struct db *db, struct err *err)
{
    struct sqlite_db *self = sqlite_from(db);
    int rc;
    return sqlite_check_transaction(self, err) && sqlite_do(self, sql_savepoint, &rc, err);
}

/* Of these two a failure means that the transaction is gone, which the next statement reports. */
static void sqlite_savepoint_release(struct db *db)
{
    struct sqlite_db *self = sqlite_from(db);
    int rc;
    if (sqlite_check_transaction(self, NULL))
        (void)sqlite_do(self, sql_savepoint_release, &rc, NULL);
}

static void sqlite_savepoint_rollback(struct db *db)
{
    struct sqlite_db *self = sqlite_from(db);
    int rc;
    if (sqlite_check_transaction(self, NULL))
        (void)sqlite_do(self, sql_savepoint_rollback, &rc, NULL);
    sqlite_savepoint_release(db);
}

static bool sqlite_script(struct db *db, const char *sql, struct err *err)
{
    return sqlite_exec(sqlite_from(db), sql, err);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------ */

static void sqlite_close(struct db *db)
{
    struct sqlite_db *self = sqlite_from(db);
    for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
        if (self->statements[i] != NULL)
            sqlite_statement_destroy(self->statements[i]);
    }
    (void)sqlite3_close(self->handle);
    free(self->path);
    free(self);
}

static const char *sqlite_path(struct db *db)
{
    return sqlite_from(db)->path;
}

static const struct db_ops sqlite_ops = {
    .name = "sqlite",
    .close = sqlite_close,
    .path = sqlite_path,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .savepoint = sqlite_savepoint,
    .savepoint_release = sqlite_savepoint_release,
    .savepoint_rollback = sqlite_savepoint_rollback,
    .checkpoint = sqlite_checkpoint,
    .log_pages = sqlite_log_pages,
    .script = sqlite_script,
    .query = sqlite_query,
    .next = sqlite_next,
    .column_int = sqlite_column_int,
    .column_bytes = sqlite_column_bytes,
    .changed = sqlite_changed,
    .rows_end = sqlite_rows_end,
};

static int sqlite_committed(void *context, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    struct sqlite_db *self = context;
    self->log_frames = frames;
    return SQLITE_OK;
}

static bool sqlite_configure(struct sqlite_db *self, struct err *err)
{
    static const char common[] =
        "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
        "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;";
    static const char writer[] = "PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 67108864;";
    static const char reader[] = "PRAGMA cache_size = -1024; PRAGMA query_only = ON;";

    (void)sqlite3_extended_result_codes(self->handle, 1);
    (void)sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT_MS);
    /* Else a statement whose plan might depend on a bound value (a partial index) is compiled anew each time it is used. */
    (void)sqlite3_db_config(self->handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    (void)sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (self->writer && self->path != NULL && !sqlite_exec(self, "PRAGMA journal_mode = WAL", err))
        return false;
    (void)sqlite3_wal_hook(self->handle, sqlite_committed, self); /* takes the place of SQLite's own checkpoints */
    return sqlite_exec(self, common, err) && sqlite_exec(self, self->writer ? writer : reader, err);
}

bool db_sqlite_open(const char *path, bool writer, struct db **ret_db, struct err *err)
{
    const char *vfs = relaxed_vfs_name();
    if (vfs == NULL)
        return err_set(err, ERR_IO, "database: no file layer");
    struct sqlite_db *self = xcalloc(1, sizeof(*self));
    self->base.ops = &sqlite_ops;
    self->writer = writer;
    self->checkpoint_above = CHECKPOINT_FRAMES_MAX;
    if (strcmp(path, ":memory:") != 0)
        self->path = xstrdup(path);
    /* A reader is opened for reading and writing, too: the log's index in shared memory is written by readers, and one may
     * have to replay the log of a crashed writer. query_only keeps it from changing anything. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(path, &self->handle, flags, self->path == NULL ? NULL : vfs);
    if (rc != SQLITE_OK) {
        (void)sqlite_fail(self, rc, err);
        sqlite_close(&self->base);
        return false;
    }
    if (!sqlite_configure(self, err)) {
        sqlite_close(&self->base);
        return false;
    }
    *ret_db = &self->base;
    return true;
}
