/* staff.c - see staff.h. */
#include "core/staff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const char *const role_names[STAFF_ROLE_COUNT] = { "viewer", "operator", "owner" };

const char *staff_role_name(enum staff_role role)
{
    assert((size_t)role < ARRAY_LEN(role_names));
    return role_names[role];
}

bool staff_role_parse(const char *text, enum staff_role *ret_role)
{
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
        if (strcmp(role_names[i], text) == 0) {
            *ret_role = (enum staff_role)i;
            return true;
        }
    }
    return false;
}

bool session_is_open(const struct session *session, int64_t now_ms)
{
    return now_ms - session->used_at_ms < SESSION_IDLE_MS && now_ms - session->created_at_ms < SESSION_LIFE_MS;
}

void staff_finish(struct staff *staff)
{
    free(staff->name);
    free(staff->password);
    *staff = (struct staff){ 0 };
}

void api_token_finish(struct api_token *token)
{
    free(token->name);
    *token = (struct api_token){ 0 };
}

void audit_entry_finish(struct audit_entry *entry)
{
    free(entry->who);
    free(entry->action);
    free(entry->target);
    free(entry->detail);
    *entry = (struct audit_entry){ 0 };
}
