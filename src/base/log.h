/* log.h - one line per event on stderr: level=warn event=task.deadline task=17 node=web1. The event word is fixed; what
 * follows is key=value, values with blanks quoted by the caller through %s of log_quote(). Every line passes the
 * redactor (redact.h). Library code returns errors; the caller that decides also logs, once. Thread-safe. */
#ifndef BERTH_BASE_LOG_H
#define BERTH_BASE_LOG_H

#include "util.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

void log_set_level(enum log_level level);
/** Where lines go; -1 silences (tests). Default: 2. */
void log_set_fd(int fd);
void log_write(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_debug(...) log_write(LOG_DEBUG_LEVEL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN_LEVEL, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR_LEVEL, __VA_ARGS__)

/** A value in double quotes, inner quotes and control characters escaped. Valid until the 8th next call of this thread.
 */
const char *log_quote(const char *text);

#endif
