/* verify_record.c - a zone's records in one form, so that what is wanted and what a name server says can be compared.
 * The form is that of transport/probe.h. People and panels write the same record in many ways: with or without the
 * final dot, in capitals, TXT with quotes, without, or in several strings, the priority apart or in front. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "drivers/verify.h"

enum form {
    FORM_WORDS,  /* blanks made single, all lower-case: TLSA, SSHFP, A ... */
    FORM_AAAA,   /* an address in the shortest notation */
    FORM_TARGET, /* the last word is a name, numbers may stand before it; priority in front for MX and SRV */
    FORM_TEXT,   /* bytes */
    FORM_CAA,    /* flags, tag, "value" */
};

static const struct {
    const char *type;
    enum form form;
    size_t words_with_priority; /* how many words stand in a value that brings its own priority; 0: it has none */
} forms[] = {
    { "AAAA", FORM_AAAA, 0 },    { "CNAME", FORM_TARGET, 0 }, { "NS", FORM_TARGET, 0 },  { "PTR", FORM_TARGET, 0 },
    { "DNAME", FORM_TARGET, 0 }, { "MX", FORM_TARGET, 2 },    { "SRV", FORM_TARGET, 4 }, { "TXT", FORM_TEXT, 0 },
    { "SPF", FORM_TEXT, 0 },     { "CAA", FORM_CAA, 0 },
};

static enum form form_of(const char *type, size_t *ret_words)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcasecmp(type, forms[i].type) == 0) {
            *ret_words = forms[i].words_with_priority;
            return forms[i].form;
        }
    }
    *ret_words = 0;
    return FORM_WORDS;
}

static void add_lower(struct buf *text, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buf_add_char(text, (char)tolower((unsigned char)from[i]));
}

static bool next_word(const char **at, const char **ret_word, size_t *ret_length)
{
    *at += strspn(*at, " \t");
    *ret_word = *at;
    *ret_length = strcspn(*at, " \t");
    *at += *ret_length;
    return *ret_length > 0;
}

static size_t count_words(const char *value)
{
    const char *word;
    size_t length, count = 0;
    while (next_word(&value, &word, &length))
        count++;
    return count;
}

static void add_words(struct buf *text, const char *value)
{
    const char *word;
    size_t length;
    for (bool first = true; next_word(&value, &word, &length); first = false) {
        if (!first)
            buf_add_char(text, ' ');
        add_lower(text, word, length);
    }
}

void verify_record_name(struct buf *text, const char *name, const char *zone)
{
    size_t length = strlen(name);
    bool apex = length == 0 || strcmp(name, "@") == 0;
    if (!apex)
        add_lower(text, name, length);
    if (!apex && name[length - 1] == '.')
        return;
    if (!apex)
        buf_add_char(text, '.');
    add_lower(text, zone, strlen(zone));
    if (zone[0] != '\0' && zone[strlen(zone) - 1] != '.')
        buf_add_char(text, '.');
}

/* Targets are whole names even without the final dot, as the panel takes them. */
static void add_target(struct buf *text, const char *value, const char *zone)
{
    CLEANUP(buf_finish) struct buf words = BUF_INIT;
    add_words(&words, value);
    const char *all = buf_text(&words);
    const char *blank = strrchr(all, ' ');
    const char *name = blank != NULL ? blank + 1 : all;
    buf_add(text, all, (size_t)(name - all));
    if (strcmp(name, "@") == 0)
        verify_record_name(text, "@", zone);
    else
        buf_addf(text, "%s%s", name, name[0] != '\0' && name[strlen(name) - 1] == '.' ? "" : ".");
}

static void add_aaaa(struct buf *text, const char *value)
{
    struct in6_addr address;
    char shown[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, value, &address) == 1 && inet_ntop(AF_INET6, &address, shown, sizeof(shown)) != NULL)
        buf_add_text(text, shown);
    else
        add_words(text, value);
}

static void add_byte(struct buf *text, unsigned char byte)
{
    if (byte == '\\')
        buf_add_text(text, "\\\\");
    else if (byte >= ' ' && byte < 0x7f)
        buf_add_char(text, (char)byte);
    else
        buf_addf(text, "\\%03u", byte);
}

/* One or more strings in double quotes, as zone files have them; blanks between them count nothing. */
static void add_quoted(struct buf *text, const char *value)
{
    bool inside = false;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"')
            inside = !inside;
        else if (inside && at[0] == '\\' && isdigit((unsigned char)at[1]) && isdigit((unsigned char)at[2]) &&
                 isdigit((unsigned char)at[3])) {
            add_byte(text, (unsigned char)((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0')));
            at += 3;
        } else if (inside && at[0] == '\\' && at[1] != '\0')
            add_byte(text, (unsigned char)*++at);
        else if (inside)
            add_byte(text, (unsigned char)*at);
    }
}

static void add_text(struct buf *text, const char *value)
{
    if (value[0] == '"') {
        add_quoted(text, value);
        return;
    }
    for (const char *at = value; *at != '\0'; at++)
        add_byte(text, (unsigned char)*at);
}

static void add_caa(struct buf *text, const char *value)
{
    const char *word;
    size_t length;
    for (int i = 0; i < 2 && next_word(&value, &word, &length); i++) {
        add_lower(text, word, length);
        buf_add_char(text, ' ');
    }
    value += strspn(value, " \t");
    buf_add_char(text, '"');
    add_text(text, value);
    buf_add_char(text, '"');
}

static void add_data(struct buf *text, enum form form, const char *value, const char *zone)
{
    switch (form) {
    case FORM_WORDS: add_words(text, value); break;
    case FORM_AAAA: add_aaaa(text, value); break;
    case FORM_TARGET: add_target(text, value, zone); break;
    case FORM_TEXT: add_text(text, value); break;
    case FORM_CAA: add_caa(text, value); break;
    }
}

void verify_record_wanted(struct buf *text, const struct zone_record *record, const char *zone)
{
    size_t words;
    enum form form = form_of(record->type, &words);
    if (words > 0 && count_words(record->value) < words)
        buf_addf(text, "%d ", record->priority);
    add_data(text, form, record->value, zone);
}

void verify_record_seen(struct buf *text, const char *type, const char *data)
{
    size_t words;
    enum form form = form_of(type, &words);
    if (form == FORM_TEXT || form == FORM_CAA)
        buf_add_text(text, data); /* printed in this form already; quotes in it are bytes of the text */
    else
        add_data(text, form, data, "");
}
