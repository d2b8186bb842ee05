/* err.h - an error: a code for the program, a sentence for the person. Each level adds only what it alone knows.
 * err_set() and err_wrap() return false, so that failing is one statement. */
#ifndef BERTH_BASE_ERR_H
#define BERTH_BASE_ERR_H

#include <stdbool.h>

#include "util.h"

enum err_code {
    ERR_NONE,
    ERR_INVALID,   /* the caller's input is wrong: HTTP 400 or 422 */
    ERR_NOT_FOUND, /* HTTP 404 */
    ERR_CONFLICT,  /* something exists or is in a state that forbids it: HTTP 409 */
    ERR_DENIED,    /* no or wrong credentials: HTTP 401 or 403 */
    ERR_TOO_LARGE, /* HTTP 413 */
    ERR_BUSY,      /* somebody else holds it; trying again is safe */
    ERR_LOST,      /* this process no longer owns the store, or an attempt its lease */
    ERR_TIMEOUT,
    ERR_IO,  /* disk, database or network */
    ERR_BUG, /* ours */
};

#define ERR_MSG_MAX 512

struct err {
    enum err_code code;
    char field[64];        /* the input field that is wrong, or "" */
    char msg[ERR_MSG_MAX]; /* one sentence without a final dot; the cause comes last */
};

/** Fill *err; NULL is allowed. @return false, always */
bool err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/** The same with the input field that is wrong. @return false, always */
bool err_set_field(struct err *err, enum err_code code, const char *field, const char *format, ...) PRINTF_LIKE(4, 5);

/** Put "<format>: " in front of the message; code and field stay. @return false, always */
bool err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

const char *err_code_name(enum err_code code);

#endif
