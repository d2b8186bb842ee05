/* log.c - see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "redact.h"

#define LOG_LINE_MAX 2048

static _Atomic int log_level_now = LOG_INFO_LEVEL;
static _Atomic int log_fd = STDERR_FILENO;

void log_set_level(enum log_level level)
{
    atomic_store(&log_level_now, (int)level);
}

void log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG_LEVEL: return "debug";
    case LOG_INFO_LEVEL: return "info";
    case LOG_WARN_LEVEL: return "warn";
    case LOG_ERROR_LEVEL: return "error";
    }
    abort();
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    int fd = atomic_load(&log_fd);
    if ((int)level < atomic_load(&log_level_now) || fd < 0)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char line[LOG_LINE_MAX];
    size_t used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, sizeof(line) - used, ".%03ldZ level=%s event=%s ", now.tv_nsec / 1000000,
                             level_name(level), event);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
    va_end(args);
    if (more > 0)
        used += (size_t)more;
    if (used > sizeof(line) - 2)
        used = sizeof(line) - 2;
    line[used] = '\0';
    redact_text(line);
    used = strlen(line);
    while (used > 0 && line[used - 1] == ' ')
        used--;
    line[used] = '\n';
    ssize_t written = write(fd, line, used + 1); /* one write: lines of several threads do not mix */
    (void)written;                               /* there is nobody left to tell */
}

const char *log_quote(const char *text)
{
    static _Thread_local char slots[8][600];
    static _Thread_local unsigned next;
    char *slot = slots[next++ % 8];
    size_t used = 0;
    slot[used++] = '"';
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0' && used < sizeof(slots[0]) - 6; at++) {
        if (*at == '"' || *at == '\\') {
            slot[used++] = '\\';
            slot[used++] = (char)*at;
        } else if (*at == '\n') {
            slot[used++] = '\\';
            slot[used++] = 'n';
        } else if (*at < 0x20 || *at == 0x7f) {
            slot[used++] = '?';
        } else {
            slot[used++] = (char)*at;
        }
    }
    slot[used++] = '"';
    slot[used] = '\0';
    return slot;
}
