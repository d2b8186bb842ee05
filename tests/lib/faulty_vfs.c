/* faulty_vfs.c - see faulty_vfs.h. The functions of the default layer, with write and sync of each opened file replaced. */
#include "faulty_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct faulty_file { /* lies behind the file of the layer below */
    const sqlite3_io_methods *below;
    sqlite3_io_methods methods;
    char path[512];
};

static sqlite3_vfs *below_vfs;
static sqlite3_vfs faulty_vfs;
static int below_size;

static enum fault fault;
static int countdown; /* 0: no fault is set */
static bool happened;
static int syncs;

static struct faulty_file *faulty_file_of(sqlite3_file *file)
{
    return (struct faulty_file *)(void *)((char *)file + below_size);
}

static bool is_hit(bool sync)
{
    if (countdown == 0 || (fault == FAULT_SYNC_ERROR) != sync)
        return false;
    countdown--;
    if (countdown > 0)
        return false;
    happened = true;
    return true;
}

static int faulty_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    struct faulty_file *self = faulty_file_of(file);
    if (!is_hit(false))
        return self->below->xWrite(file, bytes, length, offset);
    if (fault == FAULT_WRITE_TORN)
        (void)self->below->xWrite(file, bytes, length / 2, offset);
    return fault == FAULT_WRITE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

/* target is replaced in one step: it never holds half a sync. */
static void copy_file(const char *source, const char *target)
{
    char made[600];
    (void)snprintf(made, sizeof(made), "%s.new", target);
    int in = open(source, O_RDONLY | O_CLOEXEC);
    int out = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat status;
    assert(in >= 0 && out >= 0 && fstat(in, &status) == 0);
    for (off_t left = status.st_size; left > 0;) {
        ssize_t copied = sendfile(out, in, NULL, (size_t)left);
        assert(copied > 0);
        left -= copied;
    }
    (void)close(in);
    (void)close(out);
    int rc = rename(made, target);
    assert(rc == 0);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    struct faulty_file *self = faulty_file_of(file);
    if (is_hit(true))
        return SQLITE_IOERR_FSYNC;
    syncs++;
    int rc = self->below->xSync(file, flags);
    if (rc == SQLITE_OK && self->path[0] != '\0') {
        char target[600];
        (void)snprintf(target, sizeof(target), "%s.synced", self->path);
        copy_file(self->path, target);
    }
    return rc;
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    int rc = below_vfs->xOpen(below_vfs, name, file, flags, ret_flags);
    if (rc != SQLITE_OK || file->pMethods == NULL)
        return rc;
    struct faulty_file *self = faulty_file_of(file);
    self->below = file->pMethods;
    self->methods = *file->pMethods;
    self->methods.xWrite = faulty_write;
    self->methods.xSync = faulty_sync;
    bool kept = name != NULL && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
    (void)snprintf(self->path, sizeof(self->path), "%s", kept ? name : "");
    file->pMethods = &self->methods;
    return rc;
}

void faulty_vfs_install(void)
{
    below_vfs = sqlite3_vfs_find(NULL);
    assert(below_vfs != NULL);
    below_size = (below_vfs->szOsFile + 15) / 16 * 16;
    faulty_vfs = *below_vfs;
    faulty_vfs.pNext = NULL;
    faulty_vfs.zName = "faulty";
    faulty_vfs.szOsFile = below_size + (int)sizeof(struct faulty_file);
    faulty_vfs.xOpen = faulty_open;
    int rc = sqlite3_vfs_register(&faulty_vfs, 1);
    assert(rc == SQLITE_OK);
}

void faulty_vfs_fail(enum fault new_fault, int n)
{
    fault = new_fault;
    countdown = n;
    happened = false;
}

bool faulty_vfs_happened(void)
{
    return happened;
}

int faulty_vfs_syncs(void)
{
    return syncs;
}

void faulty_vfs_power_cut(const char *path, const char *target)
{
    static const char *const ends[] = { "", "-wal" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char from[600];
        char to[600];
        (void)snprintf(from, sizeof(from), "%s%s.synced", path, ends[i]);
        (void)snprintf(to, sizeof(to), "%s%s", target, ends[i]);
        if (access(from, F_OK) == 0)
            copy_file(from, to);
    }
}

void faulty_vfs_power_cut_reordered(const char *path, const char *target, int lost)
{
    faulty_vfs_power_cut(path, target);
    char synced[600];
    char log[600];
    (void)snprintf(synced, sizeof(synced), "%s-wal.synced", path);
    (void)snprintf(log, sizeof(log), "%s-wal", path);
    char made[600];
    (void)snprintf(made, sizeof(made), "%s-wal", target);
    copy_file(log, made);
    int in = open(synced, O_RDONLY | O_CLOEXEC);
    int out = open(made, O_WRONLY | O_CLOEXEC);
    assert(in >= 0 && out >= 0);
    for (size_t left = (size_t)lost; left > 0;) {
        ssize_t copied = sendfile(out, in, NULL, left);
        assert(copied > 0);
        left -= (size_t)copied;
    }
    (void)close(in);
    (void)close(out);
}
