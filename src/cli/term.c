/* term.c - see term.h. */
#include "term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"

#define COLUMN_MIN 14 /* a column is not made narrower than this; what does not fit then is cut at the right */
#define BAR_WIDTH 30

static bool is_terminal, has_colors, has_unicode;
static char *drawn; /* what stands in the line of the bar; NULL: nothing */

void term_init(void)
{
    setlocale(LC_CTYPE, "");
    has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    is_terminal = isatty(STDOUT_FILENO) == 1;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    has_colors =
        is_terminal && (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

bool term_is_terminal(void)
{
    return is_terminal;
}

size_t term_width(void)
{
    struct winsize size = { 0 };
    if (!is_terminal)
        return SIZE_MAX;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

const char *term_color_of(const char *state)
{
    static const struct {
        const char *states, *color;
    } colors[] = {
        { " live done active ok ", "\033[32m" },
        { " failed conflict unreachable lost terminated ", "\033[31m" },
        { " waiting held draining paused suspended retry ", "\033[33m" },
        { " deploying running accepted ", "\033[36m" },
    };
    char word[32];
    snprintf(word, sizeof(word), " %s ", state);
    for (size_t i = 0; has_colors && i < ARRAY_LEN(colors); i++) {
        if (strstr(colors[i].states, word) != NULL)
            return colors[i].color;
    }
    return "";
}

const char *term_bold(void)
{
    return has_colors ? "\033[1m" : "";
}

const char *term_faint(void)
{
    return has_colors ? "\033[2m" : "";
}

const char *term_plain(void)
{
    return has_colors ? "\033[0m" : "";
}

/* ---- text ----------------------------------------------------------------------------------------------------------- */

/* Bytes of the character at the front, and the columns that it takes. Never 0 bytes. */
static size_t character(const char *text, size_t left, size_t *ret_columns)
{
    mbstate_t state = { 0 };
    wchar_t wide;
    size_t length = mbrtowc(&wide, text, left, &state);
    if (length == 0 || length > left) { /* not in this locale: a byte that continues a character takes no column */
        *ret_columns = ((unsigned char)text[0] & 0xc0) != 0x80;
        return 1;
    }
    int columns = wcwidth(wide);
    *ret_columns = columns < 0 ? 1 : (size_t)columns;
    return length;
}

size_t term_columns(const char *text)
{
    size_t columns = 0, left = strlen(text);
    while (left > 0) {
        size_t wide, length = character(text, left, &wide);
        columns += wide;
        text += length;
        left -= length;
    }
    return columns;
}

void term_print(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        /* C1 controls come as U+0080..U+009F: 0xc2 and then one of these */
        bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f ||
                       (byte >= 0x80 && byte < 0xa0 && i > 0 && (unsigned char)text[i - 1] == 0xc2);
        putchar(control ? '?' : byte);
    }
}

/* The text in exactly so many columns: cut with an ellipsis, or filled with blanks. */
static void print_cell(const char *text, size_t columns, bool fill)
{
    size_t whole = term_columns(text), used = 0, left = strlen(text);
    const char *at = text;
    size_t room = whole > columns && columns > 0 ? columns - 1 : columns;
    while (left > 0) {
        size_t wide, length = character(at, left, &wide);
        if (used + wide > room)
            break;
        used += wide;
        at += length;
        left -= length;
    }
    term_print(text, (size_t)(at - text));
    if (left > 0 && columns > 0) {
        fputs(has_unicode ? "\xe2\x80\xa6" : "~", stdout);
        used++;
    }
    for (; fill && used < columns; used++)
        putchar(' ');
}

/* ---- tables --------------------------------------------------------------------------------------------------------- */

struct table {
    size_t column_count, row_count;
    char **cells; /* row by row; the first row are the titles */
    bool is_state[TABLE_COLUMNS_MAX];
};

static void add_row(struct table *table, const char *const *cells)
{
    size_t before = table->row_count * table->column_count;
    table->row_count++;
    table->cells = xrealloc(table->cells, (before + table->column_count) * sizeof(*table->cells));
    for (size_t i = 0; i < table->column_count; i++)
        table->cells[before + i] = xstrdup(cells[i]);
}

struct table *table_create(const char *const *titles)
{
    struct table *table = xcalloc(1, sizeof(*table));
    const char *plain[TABLE_COLUMNS_MAX];
    for (; titles[table->column_count] != NULL; table->column_count++) {
        const char *title = titles[table->column_count];
        table->is_state[table->column_count] = title[0] == '!';
        plain[table->column_count] = title + (title[0] == '!');
    }
    add_row(table, plain);
    return table;
}

void table_add(struct table *table, const char *const *cells)
{
    add_row(table, cells);
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        size_t columns = term_columns(table->cells[i]);
        if (columns > widths[i % table->column_count])
            widths[i % table->column_count] = columns;
    }
}

/* Take columns from the widest until the table fits. */
static void fit(size_t *widths, size_t count, size_t room)
{
    for (;;) {
        size_t total = 2 * (count - 1), widest = 0;
        for (size_t i = 0; i < count; i++) {
            total += widths[i];
            if (widths[i] > widths[widest])
                widest = i;
        }
        if (total <= room || widths[widest] <= COLUMN_MIN)
            return;
        size_t over = total - room, spare = widths[widest] - COLUMN_MIN;
        widths[widest] -= over < spare ? (over + 1) / 2 : (spare + 1) / 2;
    }
}

static void print_row(const struct table *table, size_t row, const size_t *widths)
{
    size_t room = term_width(), count = table->column_count;
    for (size_t i = 0; i < count && room > 0; i++) {
        const char *cell = table->cells[row * count + i];
        const char *color = row == 0 ? term_bold() : table->is_state[i] ? term_color_of(cell) : "";
        size_t width = widths[i] < room ? widths[i] : room;
        bool last = i + 1 == count || width + 2 >= room;
        fputs(color, stdout);
        print_cell(cell, width, !last);
        fputs(color[0] != '\0' ? term_plain() : "", stdout);
        fputs(last ? "" : "  ", stdout);
        room = last ? 0 : room - width - 2;
    }
    putchar('\n');
}

void table_print(struct table *table, const char *empty)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 }, count = table->column_count;
    measure(table, widths);
    fit(widths, count, term_width());
    if (table->row_count == 1)
        puts(empty);
    for (size_t row = 0; table->row_count > 1 && row < table->row_count; row++)
        print_row(table, row, widths);
    for (size_t i = 0; i < table->row_count * count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void term_field(const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    printf("%s%-14s%s ", term_faint(), name, term_plain());
    const char *color = term_color_of(value);
    fputs(color, stdout);
    term_print(value, strlen(value));
    puts(color[0] != '\0' ? term_plain() : "");
}

/* ---- the bar -------------------------------------------------------------------------------------------------------- */

void term_draw_bar(const char *what, const char *state, int percent, const char *doing)
{
    size_t width = term_width();
    char *drawing = xasprintf("%zu %d %s %s %s", width, percent, what, state, doing);
    bool same = drawn != NULL && strcmp(drawn, drawing) == 0;
    free(drawn);
    drawn = drawing;
    if (same) /* drawing it again would flicker */
        return;
    struct buf bar = BUF_INIT;
    for (int i = 0; i < BAR_WIDTH; i++) {
        bool full = i * 100 < percent * BAR_WIDTH;
        buf_add_text(&bar, has_unicode ? (full ? "\xe2\x96\x88" : "\xe2\x96\x91") : (full ? "#" : "."));
    }
    size_t used = term_columns(what) + 2 + strlen(state) + 2 + BAR_WIDTH + 2 + 5 + 2;
    fputs("\r\033[K", stdout);
    if (used > width) { /* a narrow window: the figure must do */
        print_cell(what, width > 20 ? width - 20 : 1, false);
        printf(" %s%s%s %d%%", term_color_of(state), state, term_plain(), percent);
    } else {
        term_print(what, strlen(what));
        printf("  %s%s%s  %s  %3d%%  ", term_color_of(state), state, term_plain(), buf_text(&bar), percent);
        print_cell(doing, width - used, false);
    }
    fflush(stdout);
    buf_finish(&bar);
}

void term_end_bar(void)
{
    if (drawn != NULL)
        putchar('\n');
    free(drawn);
    drawn = NULL;
}

const char *term_time(const char *iso)
{
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    struct tm parts = { 0 };
    text[0] = '\0';
    if (strptime(iso, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
        return text;
    time_t moment = timegm(&parts);
    localtime_r(&moment, &parts);
    strftime(text, sizeof(texts[0]), "%Y-%m-%d %H:%M:%S", &parts);
    return text;
}
