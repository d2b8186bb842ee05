/* faulty_vfs.h - a disk that can fail and lose power, below SQLite. Writes and syncs are counted, the n-th one fails; what was
 * synced is kept apart, so that a test can see what a power cut would leave. */
#ifndef BERTH_TESTS_FAULTY_VFS_H
#define BERTH_TESTS_FAULTY_VFS_H

#include <stdbool.h>

enum fault {
    FAULT_WRITE_ERROR, /* EIO */
    FAULT_WRITE_FULL,  /* ENOSPC */
    FAULT_WRITE_TORN,  /* half of it is written, then EIO */
    FAULT_SYNC_ERROR,
};

/** Become SQLite's default file layer. Call before the first database is opened. */
void faulty_vfs_install(void);

/** The n-th write (or sync, as the fault says) from now on fails, n >= 1, once; 0: none does. */
void faulty_vfs_fail(enum fault fault, int n);
/** Whether the fault has happened since faulty_vfs_fail(). */
bool faulty_vfs_happened(void);

/** Syncs so far, of all files. */
int faulty_vfs_syncs(void);

/** Write what a power cut would leave of the database at `path` and of its log to `target`: each as it was synced last. */
void faulty_vfs_power_cut(const char *path, const char *target);

/** The same when the disk has written in its own order: of the log only the first `lost` bytes are as they were synced last, what
 * lies behind is as it was written last. */
void faulty_vfs_power_cut_reordered(const char *path, const char *target, int lost);

#endif
