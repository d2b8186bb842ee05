/* buf.h - a growing byte string, always NUL-terminated. BUF_INIT or buf_init() before use, buf_finish() after. */
#ifndef BERTH_BASE_BUF_H
#define BERTH_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "util.h"

struct buf {
    char *data; /* NUL-terminated; owned. NULL only before the first byte: use buf_text() to read it as text */
    size_t length;
    size_t capacity;
};

#define BUF_INIT ((struct buf){ 0 })

void buf_finish(struct buf *buf);               /* also wipes nothing: see buf_wipe() for secrets */
void buf_wipe(struct buf *buf);                 /* overwrite, then free */
void buf_clear(struct buf *buf);                /* length 0, keeps the memory */
void buf_reserve(struct buf *buf, size_t more); /* so that adding as much leaves no copy of secrets behind */
void buf_add(struct buf *buf, const void *data, size_t length);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char byte);
void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/** Append text as one word of a POSIX shell: 'text', each ' as '\''. */
void buf_add_shell_word(struct buf *buf, const char *text);
void buf_remove_front(struct buf *buf, size_t length);
const char *buf_text(const struct buf *buf); /* "" when empty */
/** Give the memory away (never NULL, the caller's to free); the buffer is empty after. */
char *buf_steal(struct buf *buf);
bool buf_equals(const struct buf *buf, const char *text);

#endif
