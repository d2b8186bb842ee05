/* store.c - opening, the installation, transactions. See store.h. */
#include "store_internal.h"

#include <unistd.h>

#include "migrate.h"

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static bool store_open_as(const char *url, bool writer, struct store **ret_store, struct err *err)
{
    CLEANUP(store_closep) struct store *store = xcalloc(1, sizeof(*store));
    store->owner_fd = -1;
    store->writer = writer;
    if (!db_open(url, writer, &store->db, err))
        return err_wrap(err, "open %s", url);
    bool good = writer ? migrate(store->db, migrations_sqlite, migrations_sqlite_count, err)
                       : migrate_check(store->db, migrations_sqlite, migrations_sqlite_count, err);
    if (!good)
        return err_wrap(err, "open %s", url);
    *ret_store = store;
    store = NULL;
    return true;
}

bool store_open(const char *url, struct store **ret_store, struct err *err)
{
    return store_open_as(url, true, ret_store, err);
}

bool store_open_reader(const char *url, struct store **ret_store, struct err *err)
{
    return store_open_as(url, false, ret_store, err);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->in_transaction)
        store_rollback(store);
    if (store->db != NULL)
        store->db->ops->close(store->db);
    if (store->owner_fd >= 0)
        (void)close(store->owner_fd);
    store_attach(store, NULL, NULL);
    free(store);
}

void *store_attached(struct store *store)
{
    return store->attached;
}

void store_attach(struct store *store, void *attached, void (*free_attached)(void *attached))
{
    if (store->attached != NULL)
        store->free_attached(store->attached);
    store->attached = attached;
    store->free_attached = free_attached;
}

void store_closep(struct store **store)
{
    store_close(*store);
}

/* ---- the installation --------------------------------------------------------------------------------------------- */

static void text_read(struct db_rows *rows, void *record)
{
    char **text = record;
    *text = db_take_text(rows);
}

static void text_finish(void *record)
{
    char **text = record;
    free(*text);
}

static const struct record_kind text_kind = { sizeof(char *), text_read, text_finish };

static const char sql_get_installation[] = "SELECT value FROM setting WHERE name = 'installation'";

static bool get_installation(struct store *store, char ret_id[7], bool *ret_found, struct err *err)
{
    CLEANUP(freep) char *text = NULL;
    if (!store_get_record(store, &text_kind, sql_get_installation, NO_ARGS, &text, ret_found, err))
        return false;
    if (!*ret_found)
        return true;
    if (strlen(text) != 6)
        return err_set(err, ERR_IO, "setting installation is '%s': not 6 characters", text);
    memcpy(ret_id, text, 7);
    return true;
}

static const char sql_put_installation[] =
    "INSERT INTO setting (name, value) VALUES ('installation', $1) ON CONFLICT (name) DO NOTHING";

static bool make_installation(struct store *store, struct rng *rng, struct err *err)
{
    char made[7];
    rng_text(rng, 6, made);
    bool nested = store->in_transaction;
    if (!nested && !store_begin(store, err))
        return false;
    if (!store_run(store, sql_put_installation, ARGS(db_text(made)), NULL, err)) {
        if (!nested)
            store_rollback(store);
        return false;
    }
    return nested || store_commit(store, true, err);
}

bool store_installation(struct store *store, struct rng *rng, char ret_id[7], struct err *err)
{
    bool found;
    if (!get_installation(store, ret_id, &found, err))
        return err_wrap(err, "installation");
    if (found)
        return true;
    if (!store->writer)
        return err_set(err, ERR_NOT_FOUND, "the database has no installation id yet");
    if (!make_installation(store, rng, err) || !get_installation(store, ret_id, &found, err))
        return err_wrap(err, "installation");
    assert(found);
    return true;
}

/* ---- transactions ------------------------------------------------------------------------------------------------- */

static const char sql_get_epoch[] = "SELECT epoch FROM owner WHERE id = 1";

static bool check_epoch(struct store *store, struct err *err)
{
    int64_t epoch = 0;
    if (!store_get_int(store, sql_get_epoch, NO_ARGS, &epoch, err))
        return false;
    if (epoch == store->epoch)
        return true;
    return err_set(err, ERR_LOST, "another process has taken over this database");
}

bool store_begin(struct store *store, struct err *err)
{
    assert(store->writer && !store->in_transaction);
    if (!store->db->ops->begin(store->db, err))
        return err_wrap(err, "begin");
    if (store->epoch != 0 && !check_epoch(store, err)) {
        store->db->ops->rollback(store->db);
        return false;
    }
    store->in_transaction = true;
    return true;
}

bool store_snapshot_begin(struct store *store, struct err *err)
{
    assert(!store->writer && !store->in_transaction);
    store->in_transaction = store->db->ops->script(store->db, "BEGIN", err);
    return store->in_transaction || err_wrap(err, "begin to read");
}

void store_snapshot_end(struct store *store)
{
    struct err ignored;
    assert(!store->writer && store->in_transaction);
    store->in_transaction = false;
    if (!store->db->ops->script(store->db, "COMMIT", &ignored))
        store->db->ops->rollback(store->db);
}

bool store_commit(struct store *store, bool durable, struct err *err)
{
    assert(store->in_transaction && !store->in_savepoint);
    store->in_transaction = false;
    return store->db->ops->commit(store->db, durable, err);
}

void store_rollback(struct store *store)
{
    assert(store->in_transaction);
    store->in_transaction = false;
    store->in_savepoint = false;
    store->db->ops->rollback(store->db);
}

bool store_savepoint(struct store *store, struct err *err)
{
    assert(store->in_transaction && !store->in_savepoint);
    if (!store->db->ops->savepoint(store->db, err))
        return false;
    store->in_savepoint = true;
    return true;
}

void store_savepoint_release(struct store *store)
{
    assert(store->in_savepoint);
    store->in_savepoint = false;
    store->db->ops->savepoint_release(store->db);
}

void store_savepoint_rollback(struct store *store)
{
    assert(store->in_savepoint);
    store->in_savepoint = false;
    store->db->ops->savepoint_rollback(store->db);
}

int64_t store_log_pages(struct store *store)
{
    return store->db->ops->log_pages(store->db);
}

bool store_checkpoint(struct store *store, struct err *err)
{
    return store->db->ops->checkpoint(store->db, err) || err_wrap(err, "checkpoint");
}
