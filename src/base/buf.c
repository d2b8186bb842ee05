/* buf.c - see buf.h. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORMATTED_USUAL 120 /* most formatted texts fit into so many bytes and are formatted once */

static void buf_grow(struct buf *buf, size_t more)
{
    size_t need = buf->length + more + 1;
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity == 0 ? 64 : buf->capacity;
    while (capacity < need)
        capacity *= 2;
    buf->data = xrealloc(buf->data, capacity);
    buf->capacity = capacity;
}

void buf_finish(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

void buf_wipe(struct buf *buf)
{
    if (buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    buf_finish(buf);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void buf_reserve(struct buf *buf, size_t more)
{
    buf_grow(buf, more);
}

void buf_add(struct buf *buf, const void *data, size_t length)
{
    buf_grow(buf, length);
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char byte)
{
    buf_add(buf, &byte, 1);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    buf_grow(buf, FORMATTED_USUAL);
    size_t room = buf->capacity - buf->length;
    int length = vsnprintf(buf->data + buf->length, room, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length >= room) { /* cut off: once more with enough room */
        buf_grow(buf, (size_t)length);
        length = vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (length > 0)
        buf->length += (size_t)length;
    buf->data[buf->length] = '\0';
}

void buf_add_shell_word(struct buf *buf, const char *text)
{
    buf_add_char(buf, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            buf_add_text(buf, "'\\''");
        else
            buf_add_char(buf, *at);
    }
    buf_add_char(buf, '\'');
}

void buf_remove_front(struct buf *buf, size_t length)
{
    if (length >= buf->length) {
        buf_clear(buf);
        return;
    }
    memmove(buf->data, buf->data + length, buf->length - length + 1);
    buf->length -= length;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

char *buf_steal(struct buf *buf)
{
    char *data = buf->data == NULL ? xstrdup("") : buf->data;
    *buf = BUF_INIT;
    return data;
}

bool buf_equals(const struct buf *buf, const char *text)
{
    return strlen(text) == buf->length && memcmp(buf_text(buf), text, buf->length) == 0;
}
