/* empty_log.c - usage: empty_log DATABASE. Writes SQLite's log into the database and cuts it to nothing, beside a berthd that runs. Exit 1:
 * somebody used it just now. A log that is long already would be written over from its beginning, and a full disk not be felt. */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    sqlite3 *database = NULL;
    int log_pages = -1, done_pages = -1;
    if (argc != 2) {
        fprintf(stderr, "usage: empty_log DATABASE\n");
        return 2;
    }
    int rc = sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK) /* it does not know that there is a log before it has read something */
        rc = sqlite3_exec(database, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_wal_checkpoint_v2(database, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log_pages, &done_pages);
    sqlite3_close(database);
    return rc == SQLITE_OK && log_pages == 0 ? 0 : 1;
}
