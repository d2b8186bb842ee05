/* db_sqlite.h - between db_sqlite.c and its file layer: commits whose fsync may be left to the next one. */
#ifndef BERTH_STORE_DB_SQLITE_H
#define BERTH_STORE_DB_SQLITE_H

#include <stdbool.h>

#include "base/util.h"

/** The name of the file layer for sqlite3_open_v2(); made at the first call on top of the default one. NULL: out of memory. */
const char *relaxed_vfs_name(void);

/** While true, commits of this thread leave out the fsync of the write-ahead log. */
void relaxed_vfs_set(bool relaxed);

#endif
