/* store_owner.c - one process works on a database. See store_own() in store.h.
 *
 * The row `owner` says which epoch is valid and until when its owner need not show up; the file <database>.owner says at once
 * whether he lives: the owner of epoch N holds a lock on byte N of it as long as his process lives (an open file description
 * lock, which also holds between two handles of one process). Bytes instead of one lock on the file: a process that was stopped
 * and superseded still holds his own byte, and his successor must be able to hold one as well. */
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int open_owner_file(struct store *store, struct err *err)
{
    CLEANUP(freep) char *path = xasprintf("%s.owner", store->db->ops->path(store->db));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        (void)err_set(err, ERR_IO, "open %s: %s", path, strerror(errno));
    return fd;
}

/* Try to lock the byte of an epoch. @return ERR_NONE, ERR_BUSY when its owner lives, or ERR_IO */
static enum err_code lock_epoch(int fd, int64_t epoch, struct err *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)epoch, .l_len = 1 };
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return ERR_NONE;
    if (errno == EAGAIN || errno == EACCES)
        return ERR_BUSY;
    (void)err_set(err, ERR_IO, "lock the owner file: %s", strerror(errno));
    return ERR_IO;
}

struct owner {
    int64_t epoch;
    int64_t lease_until_ms;
    char *pid;
};

static void owner_read(struct db_rows *rows, void *record)
{
    struct owner *owner = record;
    owner->epoch = db_take_int(rows);
    owner->lease_until_ms = db_take_int(rows);
    owner->pid = db_take_text(rows);
}

static void owner_finish(void *record)
{
    struct owner *owner = record;
    free(owner->pid);
}

static const struct record_kind owner_kind = { sizeof(struct owner), owner_read, owner_finish };

static const char sql_get_owner[] = "SELECT epoch, lease_until_ms, pid FROM owner WHERE id = 1";

static bool get_owner(struct store *store, struct owner *ret_owner, struct err *err)
{
    bool found;
    if (!store_get_record(store, &owner_kind, sql_get_owner, NO_ARGS, ret_owner, &found, err))
        return false;
    return found || err_set(err, ERR_IO, "the row of the owner is missing");
}

/* fd is -1 for a database without a file, which nobody else can see. */
static bool former_owner_is_gone(const struct owner *owner, int fd, int64_t now_ms, struct err *err)
{
    if (owner->lease_until_ms <= now_ms || fd < 0) /* never owned, given back, or silent past its lease */
        return true;
    enum err_code lock = lock_epoch(fd, owner->epoch, err);
    if (lock == ERR_BUSY)
        return err_set(err, ERR_BUSY, "process %s works on this database; its lease ends in %" PRId64 " ms", owner->pid,
                       owner->lease_until_ms - now_ms);
    return lock == ERR_NONE; /* free: the lock ended with its process */
}

static const char sql_put_owner[] = "UPDATE owner SET epoch = $1, lease_until_ms = $2, pid = $3 WHERE id = 1";

/* Inside a transaction: two candidates take turns, and the second one sees the first one's epoch and lock. */
static bool take_over(struct store *store, int fd, int64_t now_ms, int64_t lease_ms, int64_t *ret_epoch,
                      struct err *err)
{
    struct owner owner;
    if (!get_owner(store, &owner, err))
        return false;
    bool gone = former_owner_is_gone(&owner, fd, now_ms, err);
    free(owner.pid);
    if (!gone)
        return false;
    int64_t epoch = owner.epoch + 1;
    enum err_code lock = fd < 0 ? ERR_NONE : lock_epoch(fd, epoch, err);
    if (lock == ERR_BUSY) /* only after the database was replaced by an older copy under a living owner */
        return err_set(err, ERR_BUSY, "another process holds epoch %" PRId64 " of this database", epoch);
    if (lock != ERR_NONE)
        return false;
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    if (!store_run(store, sql_put_owner, ARGS(db_int(epoch), db_int(now_ms + lease_ms), db_text(pid)), NULL, err))
        return false;
    *ret_epoch = epoch;
    return true;
}

static void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

bool store_own(struct store *store, int64_t now_ms, int64_t lease_ms, int64_t *ret_epoch, struct err *err)
{
    assert(lease_ms > 0 && store->writer && !store->in_transaction);
    /* An epoch of ours that was lost is given up; a valid one is not taken twice. */
    store_disown(store);
    CLEANUP(closep) int fd = -1;
    if (store->db->ops->path(store->db) != NULL) {
        fd = open_owner_file(store, err);
        if (fd < 0)
            return false;
    }
    int64_t epoch = 0;
    if (!store_begin(store, err))
        return false;
    if (!take_over(store, fd, now_ms, lease_ms, &epoch, err)) {
        store_rollback(store);
        return false;
    }
    if (!store_commit(store, true, err))
        return false;
    store->epoch = epoch;
    store->owner_fd = fd;
    fd = -1;
    *ret_epoch = epoch;
    return true;
}

static const char sql_renew[] = "UPDATE owner SET lease_until_ms = $1 WHERE epoch = $2";

bool store_renew_ownership(struct store *store, int64_t now_ms, int64_t lease_ms, struct err *err)
{
    assert(store->in_transaction && store->epoch != 0);
    int64_t changed;
    if (!store_run(store, sql_renew, ARGS(db_int(now_ms + lease_ms), db_int(store->epoch)), &changed, err))
        return err_wrap(err, "renew ownership");
    return changed == 1 || err_set(err, ERR_LOST, "another process has taken over this database");
}

static const char sql_disown[] = "UPDATE owner SET lease_until_ms = 0 WHERE epoch = $1";

void store_disown(struct store *store)
{
    if (store->epoch == 0)
        return;
    /* Errors do not matter: whoever comes next sees that the lock is free. */
    if (store_begin(store, NULL)) {
        if (store_run(store, sql_disown, ARGS(db_int(store->epoch)), NULL, NULL))
            (void)!store_commit(store, true, NULL);
        else
            store_rollback(store);
    }
    store->epoch = 0;
    if (store->owner_fd >= 0)
        (void)close(store->owner_fd);
    store->owner_fd = -1;
}
