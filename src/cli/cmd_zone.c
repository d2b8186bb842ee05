/* cmd_zone.c - berthctl zone-template: the texts that DNS zones are made from. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/term.h"

static enum cli_exit template_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "NAME", NULL };
    (void)args;
    json_t *answer, *entry;
    size_t i;
    if (!cli_call(cli, "GET", "/api/v1/zone-templates", NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    struct table *table = table_create(titles);
    json_array_foreach(json_object_get(answer, "zone_templates"), i, entry)
    {
        const char *cells[] = { cli_text(entry, "name") };
        table_add(table, cells);
    }
    table_print(table, "There are no zone templates yet: berthctl zone-template put NAME FILE");
    json_decref(answer);
    return CLI_OK;
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
