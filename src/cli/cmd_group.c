/* cmd_group.c - berthctl group, berthctl queue. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

static enum cli_exit group_add(struct cli *cli, const struct cli_args *args)
{
    json_t *answer, *body = json_pack("{s:s}", "name", args->words[0]);
    cli_set_text(body, "title", args, "title");
    if (!cli_call(cli, "POST", "/api/v1/groups", body, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    printf("group %s added\n", cli_text(answer, "name"));
    json_decref(answer);
    return CLI_OK;
}

static void add_group_row(struct table *table, const json_t *group)
{
    const char *cells[] = { cli_text(group, "id"), cli_text(group, "name"), cli_text(group, "title") };
    table_add(table, cells);
}

static enum cli_exit group_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "NAME", "TITLE", NULL };
    static const struct list list = { "groups", titles, add_group_row,
                                      "There are no groups yet: berthctl group add NAME", false };
    (void)args;
    return list_print(cli, "/api/v1/groups", &list);
}

static const struct cli_option add_options[] = { { "title", "TEXT", "what people read" }, CLI_OPTIONS_END };
static const struct cli_command group_commands[] = {
    { "add", "NAME", 1, add_options, group_add, "add a group of nodes" },
    { "list", "", 0, NULL, group_list, "list the groups" },
};
const struct cli_group cli_group_group = { "group", "sets of nodes that products sell from", group_commands,
                                           ARRAY_LEN(group_commands) };

/* Nothing, while every message has left. */
static void print_outbox(const json_t *outbox)
{
    int64_t waiting = cli_int(outbox, "waiting"), troubled = cli_int(outbox, "troubled"),
            failed = cli_int(outbox, "failed");
    if (waiting + failed == 0)
        return;
    printf("messages of tickets: %" PRId64 " to be sent", waiting);
    if (troubled > 0)
        printf(" (%" PRId64 " could not be so far)", troubled);
    if (failed > 0)
        printf(", %s%" PRId64 " refused for good%s", term_color_of("failed"), failed, term_plain());
    printf("; see berthctl ticket list\n");
}

static enum cli_exit queue_show(struct cli *cli, const struct cli_args *args)
{
    static const char *const names[] = { "queued", "running", "waiting", "held", "failed" };
    (void)args;
    json_t *answer;
    if (!cli_call(cli, "GET", "/api/v1/queue", NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        printf("%s%-10s%s %8" PRId64 "\n", term_color_of(names[i]), names[i], term_plain(), cli_int(answer, names[i]));
    if (cli_text(answer, "oldest_queued_at")[0] != '\0')
        printf("the oldest has been queued since %s\n", term_time(cli_text(answer, "oldest_queued_at")));
    print_outbox(json_object_get(answer, "outbox"));
    json_decref(answer);
    return CLI_OK;
}

static const struct cli_command queue_commands[] = { { "", "", 0, NULL, queue_show,
                                                       "how many tasks run, wait and are stuck" } };
const struct cli_group cli_queue = { "queue", "what waits and what is stuck", queue_commands,
                                     ARRAY_LEN(queue_commands) };
