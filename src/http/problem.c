/* problem.c - see problem.h. */
#include "problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct problem_row {
    const char *slug;
    unsigned status;
    const char *title;
};

static const struct problem_row rows[PROBLEM_KIND_COUNT] = {
    [PROBLEM_NOT_JSON] = { "not-json", 400, "The body is not JSON" },
    [PROBLEM_WRONG_TYPE] = { "wrong-type", 422, "A field has the wrong type" },
    [PROBLEM_MISSING_FIELD] = { "missing-field", 422, "A field is missing" },
    [PROBLEM_UNKNOWN_FIELD] = { "unknown-field", 422, "A field is not known" },
    [PROBLEM_BAD_VALUE] = { "bad-value", 422, "A value cannot be used" },
    [PROBLEM_BAD_QUERY] = { "bad-query", 400, "A query parameter cannot be used" },
    [PROBLEM_BAD_HEADER] = { "bad-header", 400, "A header cannot be used" },
    [PROBLEM_TOO_LARGE] = { "too-large", 413, "The body is too large" },
    [PROBLEM_NOT_FOUND] = { "not-found", 404, "There is no such thing" },
    [PROBLEM_METHOD] = { "method-not-allowed", 405, "The method is not allowed here" },
    [PROBLEM_GONE] = { "gone", 410, "There is nothing here any more" },
    [PROBLEM_NO_TOKEN] = { "no-token", 401, "A token is needed" },
    [PROBLEM_WRONG_TOKEN] = { "wrong-token", 401, "The token is not known" },
    [PROBLEM_NO_SESSION] = { "no-session", 401, "The session is over" },
    [PROBLEM_WRONG_LOGIN] = { "wrong-login", 401, "Name or password is wrong" },
    [PROBLEM_TOO_MANY_LOGINS] = { "too-many-logins", 429, "Too many logins have failed" },
    [PROBLEM_FORBIDDEN] = { "forbidden", 403, "Your role does not allow this" },
    [PROBLEM_CSRF] = { "csrf", 403, "The request may not come from our page" },
    [PROBLEM_CONFLICT] = { "conflict", 409, "Something else is in the way" },
    [PROBLEM_NODE_UNREACHABLE] = { "node-unreachable", 502, "The node does not answer" },
    [PROBLEM_BUSY] = { "busy", 503, "The server is busy" },
    [PROBLEM_STOPPING] = { "stopping", 503, "The server is stopping" },
    [PROBLEM_STORE] = { "store", 503, "The database could not be used" },
    [PROBLEM_BUG] = { "bug", 500, "The server made a mistake" },
    [PROBLEM_NOT_THE_PAGE] = { "not-the-page", 403, "This did not come from the page" },
    [PROBLEM_SHOWN_ALREADY] = { "shown-already", 410, "The passwords were shown before" },
};

bool problem_set(struct problem *problem, enum problem_kind kind, const char *field, const char *format, ...)
{
    problem->kind = kind;
    problem->err = (struct err){ .code = ERR_INVALID };
    snprintf(problem->err.field, sizeof(problem->err.field), "%s", field);
    va_list args;
    va_start(args, format);
    vsnprintf(problem->err.msg, sizeof(problem->err.msg), format, args);
    va_end(args);
    return false;
}

static enum problem_kind kind_of_err(const struct err *err)
{
    switch (err->code) {
    case ERR_INVALID: return PROBLEM_BAD_VALUE;
    case ERR_NOT_FOUND: return PROBLEM_NOT_FOUND;
    case ERR_CONFLICT: return PROBLEM_CONFLICT;
    case ERR_DENIED: return PROBLEM_WRONG_TOKEN;
    case ERR_TOO_LARGE: return PROBLEM_TOO_LARGE;
    case ERR_BUSY: return PROBLEM_BUSY;
    case ERR_LOST: return PROBLEM_STOPPING;
    case ERR_TIMEOUT: return PROBLEM_BUSY;
    case ERR_IO: return PROBLEM_STORE;
    case ERR_NONE:
    case ERR_BUG: return PROBLEM_BUG;
    }
    return PROBLEM_BUG;
}

bool problem_from_err(struct problem *problem, const struct err *err)
{
    problem->kind = kind_of_err(err);
    problem->err = *err;
    if (err->code == ERR_NOT_FOUND && strncmp(err->msg, "no ", 3) == 0) /* the store's "no service 17" as a sentence */
        snprintf(problem->err.msg, sizeof(problem->err.msg), "there is %.500s", err->msg);
    return false;
}

const char *problem_slug(enum problem_kind kind)
{
    return rows[kind].slug;
}

unsigned problem_status(enum problem_kind kind)
{
    return rows[kind].status;
}

bool problem_may_retry(enum problem_kind kind)
{
    return rows[kind].status == 503;
}

void json_write_text(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            buf_add_char(buf, '\\');
            buf_add_char(buf, *at);
        } else if ((unsigned char)*at < 0x20) {
            buf_addf(buf, "\\u%04x", (unsigned)(unsigned char)*at);
        } else {
            buf_add_char(buf, *at);
        }
    }
    buf_add_char(buf, '"');
}

void problem_write(const struct problem *problem, const char *instance, struct buf *buf)
{
    assert((unsigned)problem->kind < PROBLEM_KIND_COUNT);
    const struct problem_row *row = &rows[problem->kind];
    buf_addf(buf, "{\"type\":\"urn:berth:problem:%s\",\"title\":\"%s\",\"status\":%u,\"detail\":", row->slug,
             row->title, row->status);
    size_t length = strlen(problem->err.msg);
    const char *dot = length > 0 && problem->err.msg[length - 1] == '.' ? "" : ".";
    CLEANUP(freep) char *detail = xasprintf("%s%s", problem->err.msg, dot);
    json_write_text(buf, detail);
    if (problem->err.field[0] != '\0') {
        buf_add_text(buf, ",\"field\":");
        json_write_text(buf, problem->err.field);
    }
    buf_add_text(buf, ",\"instance\":");
    json_write_text(buf, instance);
    buf_add_text(buf, "}\n");
}
