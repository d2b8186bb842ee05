/* staff.c - who may do what: people are added and changed, sessions begin and end, tokens are made and revoked. What nobody can undo
 * is refused: the last owner who can log in stays one. Passwords and secrets come as hashes. */
#include "engine/staff.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "store/store_staff.h"

static bool refuse(struct request *request, enum err_code code, const char *field, const char *sentence)
{
    err_set_field(&request->err, code, field, "%s", sentence);
    return true;
}

/* @return false after a fault; *ret_found false: answered */
static bool find_person(struct store *store, struct request *request, struct staff *ret_staff, bool *ret_found,
                        struct err *err)
{
    *ret_found = store_get_staff(store, request->target_id, ret_staff, err);
    if (*ret_found || err->code != ERR_NOT_FOUND)
        return *ret_found;
    return refuse(request, ERR_NOT_FOUND, "id", "there is no such person");
}

/* ---- people ------------------------------------------------------------------------------------------------------- */

static bool staff_add(struct store *store, int64_t now_ms, struct request *request, struct err *err)
{
    struct staff before = { 0 };
    bool found = false;
    if (!store_find_staff(store, request->access.name, &before, &found, err))
        return false;
    staff_finish(&before);
    if (found) {
        err_set_field(&request->err, ERR_CONFLICT, "name", "there is somebody called \"%s\" already",
                      request->access.name);
        return true;
    }
    struct staff staff = { .name = request->access.name,
                           .role = request->access.role,
                           .password = request->access.password,
                           .created_at_ms = now_ms };
    request->ok = store_insert_staff(store, &staff, err);
    request->id = staff.id;
    return request->ok;
}

/* Whether somebody else is left who can give roles. */
static bool may_step_down(struct store *store, const struct staff *before, const struct staff *after, bool *ret_may,
                          struct err *err)
{
    int64_t owners = 0;
    *ret_may = before->role != STAFF_OWNER || before->disabled || (after->role == STAFF_OWNER && !after->disabled);
    if (*ret_may)
        return true;
    if (!store_count_owners(store, &owners, err))
        return false;
    *ret_may = owners > 1;
    return true;
}

static bool write_person(struct store *store, struct request *request, const struct staff *before, struct err *err)
{
    struct staff after = *before; /* texts are borrowed */
    bool may = false;
    if (request->access.has_role)
        after.role = request->access.role;
    if (request->access.has_disabled)
        after.disabled = request->access.disabled;
    if (request->access.password != NULL)
        after.password = request->access.password;
    if (!may_step_down(store, before, &after, &may, err))
        return false;
    if (!may)
        return refuse(request, ERR_CONFLICT, after.disabled ? "disabled" : "role",
                      "this is the only owner who can log in: make somebody else an owner first");
    if (!store_update_staff(store, &after, err))
        return false;
    /* a password that is not his any more, or he himself, may be known to the wrong one */
    if ((after.disabled || request->access.password != NULL) &&
        !store_remove_sessions_of(store, after.id, request->access.session_id, err))
        return false;
    request->ok = true;
    request->id = after.id;
    return true;
}

static bool staff_set(struct store *store, struct request *request, struct err *err)
{
    struct staff before = { 0 };
    bool found = false;
    if (!find_person(store, request, &before, &found, err))
        return false;
    if (!found)
        return true;
    if (request->access.name == NULL) /* for the record */
        request->access.name = xstrdup(before.name);
    bool ok = write_person(store, request, &before, err);
    staff_finish(&before);
    return ok;
}

/* ---- sessions ----------------------------------------------------------------------------------------------------- */

static bool insert_session(struct store *store, int64_t now_ms, struct request *request, struct staff *staff,
                           struct err *err)
{
    struct session session = { .staff_id = staff->id, .created_at_ms = now_ms, .used_at_ms = now_ms };
    memcpy(session.hash, request->access.hash, SECRET_HASH_BYTES);
    staff->last_login_at_ms = now_ms;
    request->ok = store_remove_old_sessions(store, now_ms, err) && store_insert_session(store, &session, err) &&
                  store_update_staff(store, staff, err);
    request->id = staff->id;
    if (request->ok)
        log_info("session.opened", "staff=%s", staff->name);
    return request->ok;
}

/* The password was looked at a moment ago, by another thread: it and its owner must still be what they were. */
static bool session_open(struct store *store, int64_t now_ms, struct request *request, struct err *err)
{
    struct staff staff = { 0 };
    bool found = false;
    if (!find_person(store, request, &staff, &found, err))
        return false;
    if (!found)
        return true;
    bool ok = true;
    if (staff.disabled || strcmp(staff.password, request->access.password) != 0)
        refuse(request, ERR_DENIED, "", "name or password is wrong");
    else
        ok = insert_session(store, now_ms, request, &staff, err);
    staff_finish(&staff);
    return ok;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------- */

static bool token_add(struct store *store, int64_t now_ms, struct request *request, struct err *err)
{
    struct api_token token = { .name = request->access.name, .role = request->access.role, .created_at_ms = now_ms };
    memcpy(token.hash, request->access.hash, SECRET_HASH_BYTES);
    request->ok = store_insert_token(store, &token, err);
    request->id = token.id;
    return request->ok;
}

static bool token_revoke(struct store *store, int64_t now_ms, struct request *request, struct err *err)
{
    struct api_token token = { 0 };
    if (!store_get_token(store, request->target_id, &token, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        return refuse(request, ERR_NOT_FOUND, "id", "there is no such token");
    }
    bool ok = token.revoked_at_ms != 0 || store_revoke_token(store, token.id, now_ms, err);
    request->ok = ok;
    request->existing = token.revoked_at_ms != 0;
    request->id = token.id;
    if (request->access.name == NULL) /* for the record */
        request->access.name = xstrdup(token.name);
    api_token_finish(&token);
    return ok;
}

bool staff_request(struct store *store, int64_t now_ms, struct request *request, struct err *err)
{
    if (request->kind == REQUEST_STAFF_ADD)
        return staff_add(store, now_ms, request, err);
    if (request->kind == REQUEST_STAFF_SET || request->kind == REQUEST_PASSWORD_SET)
        return staff_set(store, request, err);
    if (request->kind == REQUEST_SESSION_OPEN)
        return session_open(store, now_ms, request, err);
    if (request->kind == REQUEST_TOKEN_ADD)
        return token_add(store, now_ms, request, err);
    if (request->kind == REQUEST_TOKEN_REVOKE)
        return token_revoke(store, now_ms, request, err);
    if (request->kind == REQUEST_SESSION_CLOSE)
        request->ok = store_remove_session(store, request->access.session_id, err);
    else if (request->kind == REQUEST_SESSION_TOUCH)
        request->ok = store_touch_session(store, request->access.session_id, now_ms, err);
    else
        abort(); /* not one of ours */
    return request->ok;
}
