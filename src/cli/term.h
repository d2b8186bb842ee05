/* term.h - printing for people: tables, colours, a bar that is redrawn. Text that comes from nodes and clients never
 * reaches the terminal with its control characters. */
#ifndef BERTH_CLI_TERM_H
#define BERTH_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

/** Once, at start: locale, whether standard output is a terminal, NO_COLOR. */
void term_init(void);
bool term_is_terminal(void);
size_t term_width(void); /* of the terminal; SIZE_MAX when there is none */

/** How a state is shown: colours say more, never anything else. Both "" without colours. */
const char *term_color_of(const char *state);
const char *term_bold(void);
const char *term_faint(void);
const char *term_plain(void);

/** Print text with control characters as '?' (tabs stay). */
void term_print(const char *text, size_t length);
/** Columns that the text takes. */
size_t term_columns(const char *text);

/* A table: cells are copied; the last column takes what is left of the terminal's width, the widest give way. */
struct table;
#define TABLE_COLUMNS_MAX 12
/** @param titles NULL-terminated; one that begins with '!' is a state: its cells are coloured */
struct table *table_create(const char *const *titles);
void table_add(struct table *table, const char *const *cells); /* as many as there are titles */
/** Prints and frees it. @param empty said when there are no rows */
void table_print(struct table *table, const char *empty);

/** One "Name:  value" line; nothing for an empty value. */
void term_field(const char *name, const char *value);

/** Draw over the line before (terminal only): "shop.example  deploying [####....]  52 %  what". */
void term_draw_bar(const char *what, const char *state, int percent, const char *doing);
/** Leave the drawn line. */
void term_end_bar(void);

/** "2024-05-01T10:00:00.123Z" in local time as people read it: "2024-05-01 12:00:00"; in a static buffer of 4 turns. */
const char *term_time(const char *iso);

#endif
