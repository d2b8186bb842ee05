/* cmd_zone.c - berthctl zone-template: the texts that DNS zones are made from. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

static void add_row(struct table *table, const json_t *entry)
{
    const char *cells[] = { cli_text(entry, "name") };
    table_add(table, cells);
}

static enum cli_exit template_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "NAME", NULL };
    static const struct list list = { "zone_templates", titles, add_row,
                                      "There are no zone templates yet: berthctl zone-template put NAME FILE", false };
    (void)args;
    return list_print(cli, "/api/v1/zone-templates", &list);
}

static char *template_path(const char *name)
{
    CLEANUP(freep) char *escaped = client_escape(name);
    return xasprintf("/api/v1/zone-templates/%s", escaped);
}

static enum cli_exit template_show(struct cli *cli, const struct cli_args *args)
{
    json_t *answer;
    CLEANUP(freep) char *path = template_path(args->words[0]);
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    fputs(cli_text(answer, "text"), stdout); /* as it is: it may go into a file and come back */
    json_decref(answer);
    return CLI_OK;
}

static enum cli_exit template_put(struct cli *cli, const struct cli_args *args)
{
    struct err err;
    char *text;
    json_t *answer;
    if (!cli_read_file(args->words[1], &text, &err))
        return cli_fail(&err);
    json_t *value = json_string(text);
    free(text);
    if (value == NULL) {
        err_set(&err, ERR_INVALID, "%s is not UTF-8 text", args->words[1]);
        return cli_fail(&err);
    }
    CLEANUP(freep) char *path = template_path(args->words[0]);
    if (!cli_call(cli, "PUT", path, json_pack("{s:o}", "text", value), &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    printf("zone template %s stored\n", cli_text(answer, "name"));
    json_decref(answer);
    return CLI_OK;
}

static const struct cli_command commands[] = {
    { "list", "", 0, NULL, template_list, "list the templates" },
    { "show", "NAME", 1, NULL, template_show, "print one" },
    { "put", "NAME FILE", 2, NULL, template_put, "store or replace one; it is checked first" },
};
const struct cli_group cli_zone_template = { "zone-template", "the texts that DNS zones are made from", commands,
                                             ARRAY_LEN(commands) };
