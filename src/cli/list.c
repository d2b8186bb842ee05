/* list.c - see list.h. */
#include "cli/list.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static void add(struct buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    CLEANUP(freep) char *escaped = client_escape(value);
    buf_addf(path, "%c%s=%s", strchr(buf_text(path), '?') == NULL ? '?' : '&', name, escaped);
}

char *list_path(const char *path, const struct cli_args *args, const struct list_filter *filters)
{
    struct buf text = BUF_INIT;
    buf_add_text(&text, path);
    for (; filters != NULL && filters->option != NULL; filters++)
        add(&text, filters->name, cli_get(args, filters->option));
    add(&text, "limit", cli_get(args, "limit"));
    add(&text, "cursor", cli_get(args, "cursor"));
    return buf_steal(&text);
}

enum cli_exit list_print(struct cli *cli, const char *path, const struct list *list)
{
    json_t *answer, *item;
    size_t i;
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    struct table *table = table_create(list->titles);
    json_array_foreach(json_object_get(answer, list->field), i, item)
    {
        list->add_row(table, item);
    }
    table_print(table, list->empty);
    if (list->has_pages && cli_text(answer, "next_cursor")[0] != '\0')
        printf("There are more: --cursor %s\n", cli_text(answer, "next_cursor"));
    json_decref(answer);
    return CLI_OK;
}
