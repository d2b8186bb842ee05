/* problem.h - what is told to a client when its request is refused: application/problem+json (RFC 9457) with a type
 * for programs, one sentence for a person, and the field that is wrong. The kinds are a table; nothing else in
 * src/http speaks of status codes of errors. */
#ifndef BERTH_HTTP_PROBLEM_H
#define BERTH_HTTP_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

enum problem_kind {
    PROBLEM_NOT_JSON,
    PROBLEM_WRONG_TYPE,
    PROBLEM_MISSING_FIELD,
    PROBLEM_UNKNOWN_FIELD,
    PROBLEM_BAD_VALUE,
    PROBLEM_BAD_QUERY,
    PROBLEM_BAD_HEADER,
    PROBLEM_TOO_LARGE,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_GONE,
    PROBLEM_NO_TOKEN,
    PROBLEM_WRONG_TOKEN,
    PROBLEM_NO_SESSION,
    PROBLEM_WRONG_LOGIN,
    PROBLEM_TOO_MANY_LOGINS,
    PROBLEM_FORBIDDEN,
    PROBLEM_CSRF,
    PROBLEM_CONFLICT,
    PROBLEM_NODE_UNREACHABLE,
    PROBLEM_BUSY,
    PROBLEM_STOPPING,
    PROBLEM_STORE,
    PROBLEM_BUG,
    PROBLEM_NOT_THE_PAGE,
    PROBLEM_SHOWN_ALREADY,
};
#define PROBLEM_KIND_COUNT (PROBLEM_SHOWN_ALREADY + 1)

struct problem {
    enum problem_kind kind;
    struct err err; /* field and sentence; a final dot is added where there is none */
};

/** Fill *problem. @param field the input field that is wrong, or "" @return false, always */
bool problem_set(struct problem *problem, enum problem_kind kind, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);
/** The problem that an error of the engine or of the store is. @return false, always */
bool problem_from_err(struct problem *problem, const struct err *err);

const char *problem_slug(enum problem_kind kind); /* "unknown-field": the last part of `type` */
unsigned problem_status(enum problem_kind kind);  /* 422 */
bool problem_may_retry(enum problem_kind kind);   /* a Retry-After belongs to it */
/** Append the JSON text. @param instance the path that was asked for */
void problem_write(const struct problem *problem, const char *instance, struct buf *buf);

/** Append text as a JSON string, with its quotes. */
void json_write_text(struct buf *buf, const char *text);

#endif
