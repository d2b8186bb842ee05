/* store_staff.h - people, their sessions, tokens, and the record of what both have done: a part of the contract of store.h, with its
 * rules. */
#ifndef BERTH_STORE_STAFF_H
#define BERTH_STORE_STAFF_H

#include "core/staff.h"
#include "store/store.h"

/* ---- people (store_staff.c) ---------------------------------------------------------------------------------------------- */

/** Sets staff->id. ERR_CONFLICT when the name is taken. */
MUST_CHECK bool store_insert_staff(struct store *store, struct staff *staff, struct err *err);
/** Role, disabled, password, last_login_at_ms. */
MUST_CHECK bool store_update_staff(struct store *store, const struct staff *staff, struct err *err);
/** ERR_NOT_FOUND */
MUST_CHECK bool store_get_staff(struct store *store, int64_t id, struct staff *ret_staff, struct err *err);
MUST_CHECK bool store_find_staff(struct store *store, const char *name, struct staff *ret_staff, bool *ret_found,
                                 struct err *err);
MUST_CHECK bool store_list_staff(struct store *store, struct staff **ret_staff, size_t *ret_count, struct err *err);
/** Owners who can log in. */
MUST_CHECK bool store_count_owners(struct store *store, int64_t *ret_count, struct err *err);

/* ---- sessions (store_staff.c) -------------------------------------------------------------------------------------------- */

/** Sets session->id; the oldest of the person's sessions give way. */
MUST_CHECK bool store_insert_session(struct store *store, struct session *session, struct err *err);
/** By the hash of its secret; whether it is still open is session_is_open(). */
MUST_CHECK bool store_find_session(struct store *store, const unsigned char *hash, struct session *ret_session,
                                   bool *ret_found, struct err *err);
/** It was used; nothing happens when there is none. */
MUST_CHECK bool store_touch_session(struct store *store, int64_t id, int64_t now_ms, struct err *err);
/** Nothing happens when there is none. */
MUST_CHECK bool store_remove_session(struct store *store, int64_t id, struct err *err);
/** All sessions of a person but one (0: really all). */
MUST_CHECK bool store_remove_sessions_of(struct store *store, int64_t staff_id, int64_t except_id, struct err *err);
/** Those that are over. */
MUST_CHECK bool store_remove_old_sessions(struct store *store, int64_t now_ms, struct err *err);

/* ---- tokens (store_staff.c) ---------------------------------------------------------------------------------------------- */

/** Sets token->id. ERR_CONFLICT when there is one with this hash. */
MUST_CHECK bool store_insert_token(struct store *store, struct api_token *token, struct err *err);
/** By the hash of its text; one that was revoked is not found. */
MUST_CHECK bool store_find_token(struct store *store, const unsigned char *hash, struct api_token *ret_token,
                                 bool *ret_found, struct err *err);
/** ERR_NOT_FOUND; also a revoked one. */
MUST_CHECK bool store_get_token(struct store *store, int64_t id, struct api_token *ret_token, struct err *err);
/** Also the revoked ones. */
MUST_CHECK bool store_list_tokens(struct store *store, struct api_token **ret_tokens, size_t *ret_count,
                                  struct err *err);
MUST_CHECK bool store_revoke_token(struct store *store, int64_t id, int64_t now_ms, struct err *err);

/* ---- what was done (store_audit.c) --------------------------------------------------------------------------------------- */

/** Sets entry->id. */
MUST_CHECK bool store_insert_audit(struct store *store, struct audit_entry *entry, struct err *err);
/** Newest first. @param before_id cursor: ids below it; 0 from the top */
MUST_CHECK bool store_list_audit(struct store *store, int64_t before_id, size_t limit, struct audit_entry **ret_entries,
                                 size_t *ret_count, struct err *err);

void staff_free(struct staff *staff, size_t count);
void api_tokens_free(struct api_token *tokens, size_t count);
void audit_entries_free(struct audit_entry *entries, size_t count);

#endif
