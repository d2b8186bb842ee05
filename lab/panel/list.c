/* list.c - what the list commands print. The JSON of the panel is made by echo: its blanks and tabs are part of what a
 * client sees, values are not escaped. */
#include <string.h>

#include "internal.h"

void list_open(struct panel *panel)
{
    buf_add_text(panel->out, "{\n");
}

void list_close(struct panel *panel)
{
    buf_add_text(panel->out, "}\n");
}

static const char *field_value(struct panel *panel, const char *values, const char *field)
{
    return value_of(panel, values, field + strspn(field, "=\t"));
}

void list_object(struct panel *panel, const char *name, const char *values, const char *const *fields, const char *end,
                 bool last)
{
    buf_addf(panel->out, "    \"%s\": {\n", name);
    for (size_t i = 0; fields[i] != NULL; i++) {
        const char *key = fields[i] + strspn(fields[i], "=\t");
        buf_addf(panel->out, "%s\"%s\":%s\"%s\"%s\n", fields[i][0] == '\t' ? "\t" : "        ", key,
                 fields[i][0] == '=' ? "" : " ", field_value(panel, values, fields[i]),
                 fields[i + 1] == NULL ? "" : ",");
    }
    buf_addf(panel->out, "%s%s", end, last ? "" : ",\n");
}

void list_plain(struct panel *panel, const char *name, const char *values, const char *const *fields)
{
    buf_add_text(panel->out, name);
    for (size_t i = 0; fields[i] != NULL; i++)
        buf_addf(panel->out, "\t%s", field_value(panel, values, fields[i]));
    buf_add_char(panel->out, '\n');
}

void list_labels(struct panel *panel, const char *name, const char *values, const char *const *fields)
{
    buf_addf(panel->out, "%-18s%s\n", "NAME:", name);
    for (size_t i = 0; fields[i] != NULL; i++) {
        const char *label = text_format(panel, "%s:", fields[i] + strspn(fields[i], "=\t"));
        buf_addf(panel->out, "%-18s%s\n", label, field_value(panel, values, fields[i]));
    }
}

void list_one(struct panel *panel, const char *format, const char *name, const char *values, const char *const *fields,
              const char *end)
{
    if (text_is(format, "json")) {
        list_open(panel);
        list_object(panel, name, values, fields, end, true);
        buf_add_char(panel->out, '\n');
        list_close(panel);
    } else if (text_is(format, "plain")) {
        list_plain(panel, name, values, fields);
    } else if (text_is(format, "shell")) {
        list_labels(panel, name, values, fields);
    }
}

void list_lines(struct panel *panel, const char *format, const char *text, const char *key, const char *const *fields,
                const char *extra)
{
    size_t left = line_count(text);
    const char *position = text;
    bool is_json = text_is(format, "json");
    if (is_json)
        list_open(panel);
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        object_check(panel, line);
        const char *name = value_of(panel, line, key), *values = text_format(panel, "%s %s", line, extra);
        if (is_json) {
            list_object(panel, name, values, fields, "    }", --left == 0);
            if (left == 0)
                buf_add_char(panel->out, '\n');
        } else {
            list_plain(panel, name, values, fields);
        }
    }
    if (is_json)
        list_close(panel);
}

void list_array(struct panel *panel, const char *format, const char *lines, const char *indent)
{
    if (!text_is(format, "json")) {
        buf_add_text(panel->out, lines);
        return;
    }
    size_t left = line_count(lines);
    buf_add_text(panel->out, "[\n");
    for (const char *line; (line = text_next(panel, &lines, '\n')) != NULL;)
        buf_addf(panel->out, "%s\"%s\"%s\n", indent, line, --left == 0 ? "" : ",");
    buf_add_text(panel->out, "]\n");
}
