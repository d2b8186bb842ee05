/* conflict.c - somebody else's object is in the way of a step, and a person has decided: adopt it, take another name, or give the
 * operation up. The first two change the account and redeploy the service, so that every step is looked at again. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/names.h"
#include "engine/internal.h"

#define FACT_KEY_MAX 64

struct conflict {
    struct engine *engine;
    struct task task;
    struct service service;
    struct account *accounts;
    size_t account_count;
    struct stored_fact *facts;
    size_t fact_count;
    struct account *account; /* the one that the task works on */
};

static void conflict_finish(struct conflict *conflict)
{
    task_finish(&conflict->task);
    service_finish(&conflict->service);
    accounts_free(conflict->accounts, conflict->account_count);
    stored_facts_free(conflict->facts, conflict->fact_count);
}

static bool load(struct conflict *conflict, struct err *err)
{
    struct store *store = conflict->engine->config.store;
    int64_t service_id = conflict->task.service_id;
    if (!store_get_service(store, service_id, &conflict->service, err) ||
        !store_list_accounts(store, service_id, &conflict->accounts, &conflict->account_count, err) ||
        !store_list_facts(store, service_id, &conflict->facts, &conflict->fact_count, err))
        return false;
    for (size_t i = 0; i < conflict->account_count; i++) {
        if (conflict->accounts[i].node_id == conflict->task.node_id)
            conflict->account = &conflict->accounts[i];
    }
    return conflict->account != NULL ||
           err_set(err, ERR_BUG, "task %" PRId64 " has no account on its node", conflict->task.id);
}

static const char *fact_of_node(const struct conflict *conflict, const char *key)
{
    for (size_t i = 0; i < conflict->fact_count; i++) {
        if (conflict->facts[i].node_id == conflict->task.node_id && strcmp(conflict->facts[i].key, key) == 0)
            return conflict->facts[i].value;
    }
    return "";
}

static bool put_fact(struct conflict *conflict, const char *key, const char *value, struct err *err)
{
    CLEANUP(freep) char *key_copy = xstrdup(key);
    CLEANUP(freep) char *value_copy = xstrdup(value);
    struct stored_fact fact = { .service_id = conflict->service.id,
                                .role = ROLE_NONE,
                                .node_id = conflict->task.node_id,
                                .key = key_copy,
                                .value = value_copy,
                                .attempt_id = conflict->task.attempt_id };
    return store_put_fact(conflict->engine->config.store, &fact, err);
}

/** The account goes by another name from here on; the former one is remembered. */
static bool change_account(struct conflict *conflict, const struct request *request, const char *username,
                           const char *kind, struct err *err)
{
    struct engine *engine = conflict->engine;
    const char *former = conflict->account->username;
    const char *who = request->who == NULL ? "staff" : request->who;
    log_info(kind, "service=%" PRId64 " node=%" PRId64 " user=%s former=%s", conflict->service.id,
             conflict->task.node_id, username, former);
    return note_event(engine, conflict->service.id, kind,
                      json_pack("{s:I,s:s,s:o,s:s,s:o}", "task", (json_int_t)conflict->task.id, "key",
                                conflict->task.key, "user", note_text(username, strlen(username)), "former", former,
                                "who", note_text(who, strlen(who))),
                      err) &&
           (strcmp(username, former) == 0 ||
            store_rename_account(engine->config.store, conflict->account->id, username, err));
}

/* ---- rename -------------------------------------------------------------------------------------------------------------- */

static bool name_taken(void *context, const char *name, bool *ret_taken, struct err *err)
{
    struct conflict *conflict = context;
    char key[FACT_KEY_MAX];
    snprintf(key, sizeof(key), "refused.%s", name);
    *ret_taken = fact_of_node(conflict, key)[0] != '\0';
    return *ret_taken ||
           store_username_taken(conflict->engine->config.store, conflict->task.node_id, name, ret_taken, err);
}

static bool rename_account(struct conflict *conflict, struct request *request, struct err *err)
{
    char username[NAMES_USERNAME_SIZE];
    char key[FACT_KEY_MAX];
    if (!names_username(conflict->service.domain, name_taken, conflict, username, err))
        return false;
    snprintf(key, sizeof(key), "refused.%s", conflict->account->username);
    return put_fact(conflict, key, "taken by somebody else", err) &&
           change_account(conflict, request, username, "account.renamed", err);
}

/* ---- adopt --------------------------------------------------------------------------------------------------------------- */

static bool refuse_adoption(struct request *request, const char *why)
{
    request->ok = false;
    return err_set_field(&request->err, ERR_CONFLICT, "how", "%s", why) || true;
}

/** @param ret_done  false: refused, with the request's err set */
static bool adopt(struct conflict *conflict, struct request *request, bool *ret_done, struct err *err)
{
    bool is_user = strcmp(conflict->task.cause_id, "conflict.user") == 0;
    const char *holder = is_user ? conflict->account->username : fact_of_node(conflict, "holder");
    bool taken = false;
    *ret_done = false;
    if (holder[0] == '\0')
        return refuse_adoption(request, "the step has not found a user of the panel that could be adopted");
    if (strcmp(holder, conflict->account->username) != 0 &&
        !store_username_taken(conflict->engine->config.store, conflict->task.node_id, holder, &taken, err))
        return false;
    if (taken)
        return refuse_adoption(request, "the user backs another service of ours and cannot be adopted by this one");
    *ret_done = true;
    return put_fact(conflict, "adopt", holder, err) &&
           change_account(conflict, request, holder, "account.adopted", err);
}

/* ---- the decision -------------------------------------------------------------------------------------------------------- */

static bool abort_operation(struct conflict *conflict, struct request *request, struct err *err)
{
    size_t count = 0;
    CLEANUP(freep)
    char *why = xasprintf("It was given up by %s because of a conflict in %s",
                          request->who == NULL ? "staff" : request->who, conflict->task.key);
    request->ok = operation_cancel(conflict->engine, &conflict->service, why, &count, err);
    return request->ok;
}

static bool decide(struct conflict *conflict, struct request *request, struct err *err)
{
    bool done = true;
    if (!load(conflict, err))
        return false;
    switch (request->resolution) {
    case RESOLUTION_ABORT: return abort_operation(conflict, request, err);
    case RESOLUTION_RENAME:
        if (!rename_account(conflict, request, err))
            return false;
        break;
    case RESOLUTION_ADOPT:
        if (!adopt(conflict, request, &done, err))
            return false;
        break;
    }
    return !done || operation_redeploy(conflict->engine, request, conflict->service.id, err);
}

bool engine_resolve_conflict(struct engine *engine, struct request *request, struct err *err)
{
    struct conflict conflict = { .engine = engine };
    if (!store_get_task(engine->config.store, request->target_id, &conflict.task, &request->err)) {
        *err = request->err;
        return request->err.code == ERR_NOT_FOUND;
    }
    bool ok = true;
    unsigned choices = conflict.task.state == TASK_FAILED ? cause_choices(conflict.task.cause_id) : 0;
    if (choices == 0)
        err_set_field(&request->err, ERR_CONFLICT, "id", "the task is %s%s%s: only a conflict can be decided",
                      task_state_name(conflict.task.state), conflict.task.cause_id[0] == '\0' ? "" : " with ",
                      conflict.task.cause_id);
    else if ((choices & RESOLUTION_BIT(request->resolution)) == 0)
        err_set_field(&request->err, ERR_CONFLICT, "how", "%s cannot be answered with %s", conflict.task.cause_id,
                      resolution_name(request->resolution));
    else
        ok = decide(&conflict, request, err);
    conflict_finish(&conflict);
    return ok;
}
