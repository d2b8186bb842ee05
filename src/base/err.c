/* err.c - see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err == NULL)
        return false;
    err->code = code;
    err->field[0] = '\0';
    va_list args;
    va_start(args, format);
    vsnprintf(err->msg, sizeof(err->msg), format, args);
    va_end(args);
    return false;
}

bool err_set_field(struct err *err, enum err_code code, const char *field, const char *format, ...)
{
    if (err == NULL)
        return false;
    err->code = code;
    snprintf(err->field, sizeof(err->field), "%s", field);
    va_list args;
    va_start(args, format);
    vsnprintf(err->msg, sizeof(err->msg), format, args);
    va_end(args);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char before[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(before, sizeof(before), format, args);
    va_end(args);
    char cause[ERR_MSG_MAX];
    memcpy(cause, err->msg, sizeof(cause));
    size_t used = strnlen(before, sizeof(before));
    snprintf(err->msg, sizeof(err->msg), "%.*s: %.*s", (int)used, before, (int)(sizeof(err->msg) - 3), cause);
    return false;
}

const char *err_code_name(enum err_code code)
{
    switch (code) {
    case ERR_NONE: return "none";
    case ERR_INVALID: return "invalid";
    case ERR_NOT_FOUND: return "not-found";
    case ERR_CONFLICT: return "conflict";
    case ERR_DENIED: return "denied";
    case ERR_TOO_LARGE: return "too-large";
    case ERR_BUSY: return "busy";
    case ERR_LOST: return "lost";
    case ERR_TIMEOUT: return "timeout";
    case ERR_IO: return "io";
    case ERR_BUG: return "bug";
    }
    abort();
}
