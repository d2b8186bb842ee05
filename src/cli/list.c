/* list.c - see list.h. */
#include "cli/list.h"

#include <stdio.h>

const struct cli_option list_page_options[] = {
    { "limit", "N", "so many (50)" },
    { "cursor", "ID", "go on where the list before has ended" },
    CLI_OPTIONS_END,
};

char *list_page_path(const char *path, const struct cli_args *args)
{
    const char *limit = cli_get(args, "limit"), *cursor = cli_get(args, "cursor");
    CLEANUP(freep) char *asked_limit = client_escape(limit == NULL ? "50" : limit);
    CLEANUP(freep) char *asked_cursor = client_escape(cursor == NULL ? "" : cursor);
    return xasprintf("%s?limit=%s%s%s", path, asked_limit, cursor == NULL ? "" : "&cursor=", asked_cursor);
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
