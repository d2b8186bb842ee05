/* migrate.c - see migrate.h. */
#include "migrate.h"

#include <inttypes.h>
#include <sodium.h>

#include "base/clock.h"

#define CHECKSUM_BYTES 16U

static void checksum_of(const char *sql, char ret_hex[2 * CHECKSUM_BYTES + 1])
{
    unsigned char hash[CHECKSUM_BYTES];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)sql, strlen(sql), NULL, 0);
    sodium_bin2hex(ret_hex, 2 * CHECKSUM_BYTES + 1, hash, sizeof(hash));
}

static const char sql_create[] =
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL,"
    " applied_at_ms BIGINT NOT NULL, checksum TEXT NOT NULL)";

/* One applied migration against what the program knows. */
static bool check_applied(int64_t number, const char *name, const char *checksum, const struct migration *migrations,
                          size_t count, struct err *err)
{
    if (number < 1 || number > (int64_t)count)
        return err_set(err, ERR_CONFLICT,
                       "the database has migration %" PRId64
                       " (%s), this program knows %zu: it was used by a newer one",
                       number, name, count);
    char want[2 * CHECKSUM_BYTES + 1];
    checksum_of(migrations[number - 1].sql, want);
    if (strcmp(want, checksum) != 0)
        return err_set(err, ERR_CONFLICT, "migration %" PRId64 " (%s) is not the one that was applied to the database",
                       number, name);
    return true;
}

static const char sql_list[] = "SELECT number, name, checksum FROM migration ORDER BY number";

static bool check_all(struct db *db, const struct migration *migrations, size_t count, size_t *ret_applied,
                      struct err *err)
{
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    if (!db->ops->query(db, sql_list, NULL, 0, &rows, err))
        return false;
    size_t applied = 0;
    for (;;) {
        bool more;
        if (!db->ops->next(rows, &more, err))
            return false;
        if (!more)
            break;
        int64_t number = db_take_int(rows);
        CLEANUP(freep) char *name = db_take_text(rows);
        CLEANUP(freep) char *checksum = db_take_text(rows);
        if (!check_applied(number, name, checksum, migrations, count, err))
            return false;
        applied++;
        if (number != (int64_t)applied)
            return err_set(err, ERR_CONFLICT, "the database lacks migration %zu", applied);
    }
    *ret_applied = applied;
    return true;
}

static const char sql_record[] =
    "INSERT INTO migration (number, name, applied_at_ms, checksum) VALUES ($1, $2, $3, $4)";

static bool record(struct db *db, const struct migration *migration, struct err *err)
{
    char checksum[2 * CHECKSUM_BYTES + 1];
    checksum_of(migration->sql, checksum);
    const struct db_arg args[] = { db_int(migration->number), db_text(migration->name),
                                   db_int(clock_real()->now_ms(clock_real())), db_text(checksum) };
    CLEANUP(db_rows_endp) struct db_rows *rows = NULL;
    bool more;
    return db->ops->query(db, sql_record, args, ARRAY_LEN(args), &rows, err) && db->ops->next(rows, &more, err);
}

static bool apply(struct db *db, const struct migration *migration, struct err *err)
{
    if (!db->ops->begin(db, err))
        return false;
    if (!db->ops->script(db, migration->sql, err) || !record(db, migration, err)) {
        db->ops->rollback(db);
        return false;
    }
    return db->ops->commit(db, true, err);
}

static bool create_table(struct db *db, struct err *err)
{
    if (!db->ops->begin(db, err))
        return false;
    if (!db->ops->script(db, sql_create, err)) {
        db->ops->rollback(db);
        return false;
    }
    return db->ops->commit(db, true, err);
}

bool migrate(struct db *db, const struct migration *migrations, size_t count, struct err *err)
{
    size_t applied;
    if (!create_table(db, err) || !check_all(db, migrations, count, &applied, err))
        return false;
    for (size_t i = applied; i < count; i++) {
        assert(migrations[i].number == (int)i + 1);
        if (!apply(db, &migrations[i], err))
            return err_wrap(err, "migration %d (%s)", migrations[i].number, migrations[i].name);
    }
    return true;
}

bool migrate_check(struct db *db, const struct migration *migrations, size_t count, struct err *err)
{
    size_t applied;
    if (!check_all(db, migrations, count, &applied, err))
        return false;
    if (applied != count)
        return err_set(err, ERR_CONFLICT, "the database lacks migration %zu: it is not opened for writing yet",
                       applied + 1);
    return true;
}
