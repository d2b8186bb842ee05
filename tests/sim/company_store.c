/* company_store.c - stands between a company's store and its database: counts commits, makes begin, statements and commits fail,
 * and ends the process at a commit. See company_internal.h. */
#include "company_internal.h"

#include <assert.h>

#include "store/store_internal.h"

#define RANDOM_STATEMENTS 60 /* most batches have fewer */

static struct {
    struct company *company;
    const struct db *db; /* of the worker that owns the store: commits of another one are a breach */
    const struct db_ops *below;
    struct db_ops ops;
    bool armed, dead, broken, random, counts;
    unsigned fail_in[STORE_FAULT_COMMIT + 1]; /* the n-th from now; 0: none */
    unsigned commit_in;                       /* as fail_in: call at_commit */
    void (*at_commit)(struct company *company);
    unsigned commits, stale_commits;
} hook;

static bool fails(enum company_store_fault fault)
{
    if (!hook.armed)
        return false;
    return hook.dead || hook.broken || (hook.fail_in[fault] > 0 && --hook.fail_in[fault] == 0);
}

static bool broken(struct err *err)
{
    return err_set(err, ERR_IO, "the simulated disk has failed");
}

static bool hooked_begin(struct db *db, struct err *err)
{
    if (hook.armed && hook.random && rng_below(&hook.company->store_rng, 60) == 0) {
        enum company_store_fault fault = (enum company_store_fault)rng_below(&hook.company->store_rng, 3);
        hook.fail_in[fault] =
            fault == STORE_FAULT_QUERY ? 1 + (unsigned)rng_below(&hook.company->store_rng, RANDOM_STATEMENTS) : 1;
    }
    return fails(STORE_FAULT_BEGIN) ? broken(err) : hook.below->begin(db, err);
}

static bool hooked_query(struct db *db, const char *sql, const struct db_arg *args, size_t arg_count,
                         struct db_rows **ret_rows, struct err *err)
{
    return fails(STORE_FAULT_QUERY) ? broken(err) : hook.below->query(db, sql, args, arg_count, ret_rows, err);
}

static bool hooked_commit(struct db *db, bool durable, struct err *err)
{
    if (fails(STORE_FAULT_COMMIT)) {
        hook.below->rollback(db);
        return broken(err);
    }
    if (!hook.below->commit(db, durable, err))
        return false;
    hook.stale_commits += db != hook.db;
    if (!hook.armed)
        return true;
    if (hook.commit_in > 0 && --hook.commit_in == 0) {
        hook.at_commit(hook.company);
        return true;
    }
    const struct company_options *options = &hook.company->options;
    if (options->kill == KILL_NONE || !hook.counts || ++hook.commits != options->kill_commit)
        return true;
    hook.dead = true; /* it is on the disk, but the process does not come to say so */
    if (options->kill == KILL_AMID_PUBLISH)
        company_link_die_after(hook.company->link, 1);
    return options->kill != KILL_BEFORE_PUBLISH || broken(err);
}

void company_hook_store(struct company *company)
{
    assert(hook.company == NULL); /* one company at a time */
    memset(&hook, 0, sizeof(hook));
    hook.company = company;
    hook.below = company->store->db->ops;
    hook.ops = *hook.below;
    hook.ops.begin = hooked_begin;
    hook.ops.query = hooked_query;
    hook.ops.commit = hooked_commit;
    company_hook_next_store(company);
}

void company_hook_next_store(struct company *company)
{
    hook.db = company->store->db;
    company->store->db->ops = &hook.ops;
}

unsigned company_store_stale_commits(const struct company *company)
{
    (void)company;
    return hook.stale_commits;
}

void company_unhook_store(struct company *company)
{
    company->store->db->ops = hook.below;
    hook.company = NULL;
}

bool company_store_is_dead(const struct company *company)
{
    (void)company;
    return hook.dead;
}

void company_store_revive(struct company *company)
{
    (void)company;
    hook.dead = false;
}

void company_store_random_faults(struct company *company, bool on)
{
    (void)company;
    hook.random = on;
    memset(hook.fail_in, 0, sizeof(hook.fail_in));
}

void company_store_arm(struct company *company, bool on)
{
    hook.armed = on;
    if (company->options.armed != NULL)
        company->options.armed(on);
}

void company_at_commit(struct company *company, unsigned n, void (*function)(struct company *company))
{
    (void)company;
    hook.commit_in = n;
    hook.at_commit = function;
}

void company_fail_store(struct company *company, enum company_store_fault fault, unsigned n)
{
    (void)company;
    hook.fail_in[fault] = n;
}

void company_store_kill(struct company *company)
{
    (void)company;
    hook.dead = true;
}

void company_store_count(struct company *company)
{
    (void)company;
    hook.counts = true;
}

void company_break_store(struct company *company, bool is_broken)
{
    (void)company;
    hook.broken = is_broken;
}
