/* migrate.h - the schema's history: numbered SQL files, embedded at build time, each applied once, in one transaction. */
#ifndef BERTH_STORE_MIGRATE_H
#define BERTH_STORE_MIGRATE_H

#include "db.h"

struct migration {
    int number; /* 1, 2, ... without gaps */
    const char *name;
    const char *sql;
};

extern const struct migration migrations_sqlite[];
extern const size_t migrations_sqlite_count;

/**
 * Apply what is missing. The moment that is recorded for people to read comes from the wall clock.
 * @return false with ERR_CONFLICT when the database was made by a newer program, or when a migration that it has was changed
 */
MUST_CHECK bool migrate(struct db *db, const struct migration *migrations, size_t count, struct err *err);

/** For a reader: the same checks, applying nothing. */
MUST_CHECK bool migrate_check(struct db *db, const struct migration *migrations, size_t count, struct err *err);

#endif
