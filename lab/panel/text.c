/* text.c - texts that live as long as one run: an arena, and the small string work that the shell does with cut, tr and
 * sed. Out of memory ends the process (util.h). */
#include "internal.h"

#include <ctype.h>
#include <idn2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES 16384

struct chunk {
    struct chunk *next;
    size_t used, size;
    char bytes[];
};

struct arena {
    struct chunk *chunks;
};

struct arena *arena_create(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->chunks != NULL) {
        struct chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    free(arena);
}

char *arena_take(struct arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = xrealloc(NULL, sizeof(*chunk) + bytes);
        chunk->next = arena->chunks;
        chunk->used = 0;
        chunk->size = bytes;
        arena->chunks = chunk;
    }
    char *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

char *text_copy(struct panel *panel, const char *text, size_t length)
{
    char *copy = arena_take(panel->arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *text_format(struct panel *panel, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = arena_take(panel->arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

char *text_take(struct panel *panel, struct buf *buf)
{
    char *text = text_copy(panel, buf_text(buf), buf->length);
    buf_finish(buf);
    return text;
}

char *text_replace(struct panel *panel, const char *text, const char *from, const char *to)
{
    struct buf buf = BUF_INIT;
    size_t step = strlen(from);
    for (const char *hit; step > 0 && (hit = strstr(text, from)) != NULL; text = hit + step) {
        buf_add(&buf, text, (size_t)(hit - text));
        buf_add_text(&buf, to);
    }
    buf_add_text(&buf, text);
    return text_take(panel, &buf);
}

char *text_lower(struct panel *panel, const char *text)
{
    char *copy = text_copy(panel, text, strlen(text));
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

char *text_next(struct panel *panel, const char **position, char separator)
{
    const char *start = *position;
    if (separator != '\n')
        start += strspn(start, (char[]){ separator, '\0' });
    if (*start == '\0')
        return NULL;
    const char *end = strchr(start, separator);
    size_t length = end == NULL ? strlen(start) : (size_t)(end - start);
    *position = start + length + (end != NULL);
    return text_copy(panel, start, length);
}

bool text_is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && text_is(text + length - tail, suffix);
}

bool text_in_list(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0';) {
        size_t part = strcspn(at, ",");
        if (part == length && memcmp(at, word, length) == 0)
            return true;
        at += part + (at[part] == ',');
    }
    return false;
}

size_t text_count_list(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

const char *text_idn_ascii(struct panel *panel, const char *name)
{
    if (is_ascii(name))
        return text_copy(panel, name, strlen(name));
    char *ascii = NULL;
    if (idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return "";
    char *copy = text_copy(panel, ascii, strlen(ascii));
    idn2_free(ascii);
    return copy;
}

const char *text_idn_unicode(struct panel *panel, const char *name)
{
    char *unicode = NULL;
    /* The panel asks idn2 -d, which also refuses labels over 63 and names over 255 bytes, and then prints nothing. */
    if (idn2_to_unicode_8z8z(name, &unicode, 0) != IDN2_OK)
        return "";
    char *copy = text_copy(panel, unicode, strlen(unicode));
    idn2_free(unicode);
    return copy;
}
