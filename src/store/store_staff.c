/* store_staff.c - people, their sessions, and tokens. See store_staff.h. */
#include "store_staff.h"

#include <inttypes.h>

#include "store_internal.h"

#define SQL_STAFF_OWNER "2"
_Static_assert(STAFF_OWNER == 2, "store_count_owners");

/* ---- people ------------------------------------------------------------------------------------------------------- */

#define STAFF_COLUMNS "id, name, role, disabled, password, created_at_ms, last_login_at_ms"

static void staff_read(struct db_rows *rows, struct staff *staff)
{
    staff->id = db_take_int(rows);
    staff->name = db_take_text(rows);
    staff->role = (enum staff_role)db_take_int(rows);
    staff->disabled = db_take_int(rows) != 0;
    staff->password = db_take_text(rows);
    staff->created_at_ms = db_take_int(rows);
    staff->last_login_at_ms = db_take_int(rows);
}

extern const struct record_kind staff_record, api_token_record;
DEFINE_RECORD_KIND(staff, staff)

static const char sql_insert_staff[] =
    "INSERT INTO staff (name, role, disabled, password, created_at_ms, last_login_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";

bool store_insert_staff(struct store *store, struct staff *staff, struct err *err)
{
    return store_get_int(store, sql_insert_staff,
                         ARGS(db_text(staff->name), db_int(staff->role), db_int(staff->disabled),
                              db_text(staff->password), db_int(staff->created_at_ms), db_int(staff->last_login_at_ms)),
                         &staff->id, err) ||
           err_wrap(err, "insert staff %s", staff->name);
}

static const char sql_update_staff[] =
    "UPDATE staff SET role = $2, disabled = $3, password = $4, last_login_at_ms = $5 WHERE id = $1";

bool store_update_staff(struct store *store, const struct staff *staff, struct err *err)
{
    return store_run_on(store, sql_update_staff,
                        ARGS(db_int(staff->id), db_int(staff->role), db_int(staff->disabled), db_text(staff->password),
                             db_int(staff->last_login_at_ms)),
                        "person", staff->id, err);
}

static const char sql_get_staff[] = "SELECT " STAFF_COLUMNS " FROM staff WHERE id = $1";

bool store_get_staff(struct store *store, int64_t id, struct staff *ret_staff, struct err *err)
{
    bool found;
    if (!store_get_record(store, &staff_record, sql_get_staff, ARGS(db_int(id)), ret_staff, &found, err))
        return err_wrap(err, "staff %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no person %" PRId64, id);
}

static const char sql_find_staff[] = "SELECT " STAFF_COLUMNS " FROM staff WHERE name = $1";

bool store_find_staff(struct store *store, const char *name, struct staff *ret_staff, bool *ret_found, struct err *err)
{
    return store_get_record(store, &staff_record, sql_find_staff, ARGS(db_text(name)), ret_staff, ret_found, err) ||
           err_wrap(err, "staff %s", name);
}

static const char sql_list_staff[] = "SELECT " STAFF_COLUMNS " FROM staff ORDER BY id";

bool store_list_staff(struct store *store, struct staff **ret_staff, size_t *ret_count, struct err *err)
{
    void *staff;
    if (!store_get_records(store, &staff_record, sql_list_staff, NO_ARGS, &staff, ret_count, err))
        return err_wrap(err, "list staff");
    *ret_staff = staff;
    return true;
}

static const char sql_count_owners[] = "SELECT count(*) FROM staff WHERE role = " SQL_STAFF_OWNER " AND disabled = 0";

bool store_count_owners(struct store *store, int64_t *ret_count, struct err *err)
{
    return store_get_int(store, sql_count_owners, NO_ARGS, ret_count, err) || err_wrap(err, "count owners");
}

/* ---- sessions ----------------------------------------------------------------------------------------------------- */

static void session_read(struct db_rows *rows, struct session *session)
{
    session->id = db_take_int(rows);
    session->staff_id = db_take_int(rows);
    session->created_at_ms = db_take_int(rows);
    session->used_at_ms = db_take_int(rows);
}

static void session_read_any(struct db_rows *rows, void *record)
{
    session_read(rows, record);
}

static void session_finish_any(void *record)
{
    (void)record;
}

static const struct record_kind session_record = { sizeof(struct session), session_read_any, session_finish_any };

static const char sql_insert_session[] =
    "INSERT INTO session (staff_id, hash, created_at_ms, used_at_ms) VALUES ($1, $2, $3, $4) RETURNING id";
static const char sql_limit_sessions[] =
    "DELETE FROM session WHERE staff_id = $1 AND id NOT IN"
    " (SELECT id FROM session WHERE staff_id = $1 ORDER BY id DESC LIMIT $2)";

bool store_insert_session(struct store *store, struct session *session, struct err *err)
{
    return (store_get_int(store, sql_insert_session,
                          ARGS(db_int(session->staff_id), db_blob(session->hash, SECRET_HASH_BYTES),
                               db_int(session->created_at_ms), db_int(session->used_at_ms)),
                          &session->id, err) &&
            store_run(store, sql_limit_sessions, ARGS(db_int(session->staff_id), db_int(SESSIONS_MAX)), NULL, err)) ||
           err_wrap(err, "insert session of staff %" PRId64, session->staff_id);
}

static const char sql_find_session[] = "SELECT id, staff_id, created_at_ms, used_at_ms FROM session WHERE hash = $1";

bool store_find_session(struct store *store, const unsigned char *hash, struct session *ret_session, bool *ret_found,
                        struct err *err)
{
    struct session session = { 0 };
    if (!store_get_record(store, &session_record, sql_find_session, ARGS(db_blob(hash, SECRET_HASH_BYTES)), &session,
                          ret_found, err))
        return err_wrap(err, "find session");
    memcpy(session.hash, hash, SECRET_HASH_BYTES);
    *ret_session = session;
    return true;
}

static const char sql_touch_session[] = "UPDATE session SET used_at_ms = $2 WHERE id = $1 AND used_at_ms < $2";

bool store_touch_session(struct store *store, int64_t id, int64_t now_ms, struct err *err)
{
    return store_run(store, sql_touch_session, ARGS(db_int(id), db_int(now_ms)), NULL, err) ||
           err_wrap(err, "touch session %" PRId64, id);
}

static const char sql_remove_session[] = "DELETE FROM session WHERE id = $1";

bool store_remove_session(struct store *store, int64_t id, struct err *err)
{
    return store_run(store, sql_remove_session, ARGS(db_int(id)), NULL, err) ||
           err_wrap(err, "remove session %" PRId64, id);
}

static const char sql_remove_sessions_of[] = "DELETE FROM session WHERE staff_id = $1 AND id <> $2";

bool store_remove_sessions_of(struct store *store, int64_t staff_id, int64_t except_id, struct err *err)
{
    return store_run(store, sql_remove_sessions_of, ARGS(db_int(staff_id), db_int(except_id)), NULL, err) ||
           err_wrap(err, "remove sessions of staff %" PRId64, staff_id);
}

static const char sql_remove_old_sessions[] = "DELETE FROM session WHERE used_at_ms <= $1 OR created_at_ms <= $2";

bool store_remove_old_sessions(struct store *store, int64_t now_ms, struct err *err)
{
    return store_run(store, sql_remove_old_sessions,
                     ARGS(db_int(now_ms - SESSION_IDLE_MS), db_int(now_ms - SESSION_LIFE_MS)), NULL, err) ||
           err_wrap(err, "remove old sessions");
}

/* ---- tokens ------------------------------------------------------------------------------------------------------- */

#define TOKEN_COLUMNS "id, name, role, created_at_ms, revoked_at_ms"

static void api_token_read(struct db_rows *rows, struct api_token *token)
{
    token->id = db_take_int(rows);
    token->name = db_take_text(rows);
    token->role = (enum staff_role)db_take_int(rows);
    token->created_at_ms = db_take_int(rows);
    token->revoked_at_ms = db_take_int(rows);
}

DEFINE_RECORD_KIND(api_token, api_tokens)

static const char sql_insert_token[] =
    "INSERT INTO token (name, role, hash, created_at_ms, revoked_at_ms) VALUES ($1, $2, $3, $4, 0) RETURNING id";

bool store_insert_token(struct store *store, struct api_token *token, struct err *err)
{
    return store_get_int(store, sql_insert_token,
                         ARGS(db_text(token->name), db_int(token->role), db_blob(token->hash, SECRET_HASH_BYTES),
                              db_int(token->created_at_ms)),
                         &token->id, err) ||
           err_wrap(err, "insert token %s", token->name);
}

static const char sql_find_token[] = "SELECT " TOKEN_COLUMNS " FROM token WHERE hash = $1 AND revoked_at_ms = 0";

bool store_find_token(struct store *store, const unsigned char *hash, struct api_token *ret_token, bool *ret_found,
                      struct err *err)
{
    return store_get_record(store, &api_token_record, sql_find_token, ARGS(db_blob(hash, SECRET_HASH_BYTES)), ret_token,
                            ret_found, err) ||
           err_wrap(err, "find token");
}

static const char sql_get_token[] = "SELECT " TOKEN_COLUMNS " FROM token WHERE id = $1";

bool store_get_token(struct store *store, int64_t id, struct api_token *ret_token, struct err *err)
{
    bool found;
    if (!store_get_record(store, &api_token_record, sql_get_token, ARGS(db_int(id)), ret_token, &found, err))
        return err_wrap(err, "token %" PRId64, id);
    return found || err_set(err, ERR_NOT_FOUND, "no token %" PRId64, id);
}

static const char sql_list_tokens[] = "SELECT " TOKEN_COLUMNS " FROM token ORDER BY id";

bool store_list_tokens(struct store *store, struct api_token **ret_tokens, size_t *ret_count, struct err *err)
{
    void *tokens;
    if (!store_get_records(store, &api_token_record, sql_list_tokens, NO_ARGS, &tokens, ret_count, err))
        return err_wrap(err, "list tokens");
    *ret_tokens = tokens;
    return true;
}

static const char sql_revoke_token[] = "UPDATE token SET revoked_at_ms = $2 WHERE id = $1";

bool store_revoke_token(struct store *store, int64_t id, int64_t now_ms, struct err *err)
{
    return store_run_on(store, sql_revoke_token, ARGS(db_int(id), db_int(now_ms)), "token", id, err);
}
