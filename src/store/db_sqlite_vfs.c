/* db_sqlite_vfs.c - the file layer under the write-ahead log: fewer writes, and commits that go without their fsync.
 *
 * SQLite writes each page of a commit in two pieces, 24 bytes and the page. Pieces that follow one another are collected here and
 * written at once: before the log is synced, and before anything else is done with the file. A sync ends every commit
 * (synchronous = FULL) and comes before the commit shows in the log's index, so that nobody looks for a page that is not in
 * the file yet.
 *
 * A batch that holds nothing but log lines needs no fsync of its own. SQLite knows that as PRAGMA synchronous = NORMAL, but refuses to
 * change it inside a transaction, and whether a batch holds nothing but log lines is known only at its end. So the sync of the
 * write-ahead log passes through here and is left out while the thread says so.
 *
 * What is never left out: the sync after the log's header was written. SQLite writes the header when it starts the log anew;
 * frames that reach the disk before it would let old frames come back over newer pages after a power cut. */
#include "db_sqlite.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_MAX                                                                                                     \
    (120 * 1024) /* bytes collected before they are written; the layer below takes less than 128 KiB at once */

/* Lies behind the file of the layer below, in the same block of memory (SQLite allocates szOsFile bytes). */
struct relaxed_file {
    const sqlite3_io_methods *below;
    sqlite3_io_methods methods; /* the ones below with some replaced */
    bool header_written;        /* and not synced yet */
    char *pieces;               /* not written yet: `length` bytes for `offset`; NULL before the first */
    int length;
    sqlite3_int64 offset;
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

/* When this fails, the commit fails whose pages they were: the next one writes over the same place. */
static int relaxed_flush(sqlite3_file *file)
{
    struct relaxed_file *self = relaxed_file_of(file);
    int length = self->length;
    self->length = 0;
    return length == 0 ? SQLITE_OK : self->below->xWrite(file, self->pieces, length, self->offset);
}

static int relaxed_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    struct relaxed_file *self = relaxed_file_of(file);
    if (offset == 0)
        self->header_written = true;
    if (offset != self->offset + self->length || length > PIECES_MAX - self->length) {
        int rc = relaxed_flush(file);
        if (rc != SQLITE_OK)
            return rc;
        self->offset = offset;
    }
    if (self->pieces == NULL)
        self->pieces = malloc(PIECES_MAX);
    if (self->pieces == NULL || length > PIECES_MAX)
        return self->below->xWrite(file, bytes, length, offset);
    memcpy(self->pieces + self->length, bytes, (size_t)length);
    self->length += length;
    return SQLITE_OK;
}

static int relaxed_sync(sqlite3_file *file, int flags)
{
    struct relaxed_file *self = relaxed_file_of(file);
    int rc = relaxed_flush(file);
    if (rc != SQLITE_OK || (relaxed_now && !self->header_written))
        return rc;
    rc = self->below->xSync(file, flags);
    if (rc == SQLITE_OK)
        self->header_written = false;
    return rc;
}

static int relaxed_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    int rc = relaxed_flush(file);
    return rc != SQLITE_OK ? rc : relaxed_file_of(file)->below->xRead(file, bytes, length, offset);
}

static int relaxed_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = relaxed_flush(file);
    return rc != SQLITE_OK ? rc : relaxed_file_of(file)->below->xTruncate(file, size);
}

static int relaxed_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    int rc = relaxed_flush(file);
    return rc != SQLITE_OK ? rc : relaxed_file_of(file)->below->xFileSize(file, ret_size);
}

static int relaxed_close(sqlite3_file *file)
{
    struct relaxed_file *self = relaxed_file_of(file);
    (void)relaxed_flush(file); /* of a commit that failed: nobody misses it */
    free(self->pieces);
    self->pieces = NULL;
    return self->below->xClose(file);
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
    self->methods.xClose = relaxed_close;
    self->methods.xRead = relaxed_read;
    self->methods.xWrite = relaxed_write;
    self->methods.xTruncate = relaxed_truncate;
    self->methods.xSync = relaxed_sync;
    self->methods.xFileSize = relaxed_size;
    self->pieces = NULL;
    self->length = 0;
    self->offset = 0;
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
