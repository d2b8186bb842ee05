/* db_sqlite_vfs.c - lets one commit go without its fsync. SQLite knows that as PRAGMA synchronous = NORMAL, but refuses to
 * change it inside a transaction, and whether a batch holds nothing but log lines is known only at its end. So the sync of the
 * write-ahead log passes through here and is left out while the thread says so.
 *
 * What is never left out: the sync after the log's header was written. SQLite writes the header when it starts the log anew;
 * frames that reach the disk before it would let old frames come back over newer pages after a power cut. */
#include "db_sqlite.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

/* Lies behind the file of the layer below, in the same block of memory (SQLite allocates szOsFile bytes). */
struct relaxed_file {
    const sqlite3_io_methods *below;
    sqlite3_io_methods methods; /* the ones below with two replaced */
    bool header_written;        /* and not synced yet */
};

static sqlite3_vfs *below_vfs;
static sqlite3_vfs relaxed_vfs;
static int below_size;
static bool registered;
static _Thread_local bool relaxed_now;

static struct relaxed_file *relaxed_file_of(sqlite3_file *file)
{
    return (struct relaxed_file *)(void *)((char *)file + below_size);
}

static int relaxed_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    struct relaxed_file *self = relaxed_file_of(file);
    if (offset == 0)
        self->header_written = true;
    return self->below->xWrite(file, bytes, length, offset);
}

static int relaxed_sync(sqlite3_file *file, int flags)
{
    struct relaxed_file *self = relaxed_file_of(file);
    if (relaxed_now && !self->header_written)
        return SQLITE_OK;
    int rc = self->below->xSync(file, flags);
    if (rc == SQLITE_OK)
        self->header_written = false;
    return rc;
}

static int relaxed_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    int rc = below_vfs->xOpen(below_vfs, name, file, flags, ret_flags);
    if (rc != SQLITE_OK || file->pMethods == NULL || (flags & SQLITE_OPEN_WAL) == 0)
        return rc;
    struct relaxed_file *self = relaxed_file_of(file);
    self->below = file->pMethods;
    self->methods = *file->pMethods;
    self->methods.xWrite = relaxed_write;
    self->methods.xSync = relaxed_sync;
    self->header_written = true; /* of a log that was there before nobody knows */
    file->pMethods = &self->methods;
    return rc;
}

static void relaxed_register(void)
{
    /* Counting memory takes a lock of the whole process at each allocation. Refused, and no matter, if SQLite already runs. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    below_vfs = sqlite3_vfs_find(NULL);
    if (below_vfs == NULL)
        return;
    below_size = (below_vfs->szOsFile + 15) / 16 * 16;
    relaxed_vfs = *below_vfs; /* its other functions do not care through which name they are called */
    relaxed_vfs.pNext = NULL;
    relaxed_vfs.zName = "berth";
    relaxed_vfs.szOsFile = below_size + (int)sizeof(struct relaxed_file);
    relaxed_vfs.xOpen = relaxed_open;
    registered = sqlite3_vfs_register(&relaxed_vfs, 0) == SQLITE_OK;
}

const char *relaxed_vfs_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, relaxed_register);
    return registered ? relaxed_vfs.zName : NULL;
}

void relaxed_vfs_set(bool relaxed)
{
    relaxed_now = relaxed;
}
