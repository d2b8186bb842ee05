/* util.h - small macros that every part uses: attributes, array length, cleanup of things.
 * Depends on nothing of ours. */
#ifndef BERTH_BASE_UTIL_H
#define BERTH_BASE_UTIL_H

#include <stddef.h>
#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}

/* Allocation of small records. Out of memory ends the process with a log line: berthd is restarted and goes on where it
 * was, which is safer than a thousand untested paths. Sizes that come from outside are limited before they get here. */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *pointer, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull(1)));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull, nonnull(1)));
char *xasprintf(const char *format, ...) __attribute__((malloc, returns_nonnull)) PRINTF_LIKE(1, 2);

#endif
