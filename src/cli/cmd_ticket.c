/* cmd_ticket.c - berthctl ticket. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

/* The message that is not sent yet and holds the others up, else the last one. */
static const json_t *telling_message(const json_t *ticket)
{
    const json_t *messages = json_object_get(ticket, "messages");
    const json_t *message = NULL;
    json_t *each;
    size_t i;
    json_array_foreach(messages, i, each)
    {
        message = each;
        if (strcmp(cli_text(each, "state"), "sent") != 0)
            break;
    }
    return message;
}

static void add_row(struct table *table, const json_t *ticket)
{
    const json_t *message = telling_message(ticket);
    const char *cells[] = { cli_text(ticket, "id"),      cli_text(ticket, "service_id"),    cli_text(ticket, "state"),
                            cli_text(ticket, "channel"), cli_text(ticket, "remote_number"), cli_text(message, "kind"),
                            cli_text(message, "state"),  cli_text(message, "last_error") };
    table_add(table, cells);
}

static enum cli_exit ticket_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID",      "SERVICE", "STATE",   "CHANNEL", "NUMBER",
                                          "MESSAGE", "SENT",    "PROBLEM", NULL };
    static const struct list list = { "tickets", titles, add_row,
                                      "There are no tickets: nothing has failed, or ticket.enabled is off.", true };
    static const struct list_filter filters[] = { { "state", "state" }, { "service", "service_id" }, LIST_FILTERS_END };
    CLEANUP(freep) char *path = list_path("/api/v1/tickets", args, filters);
    return list_print(cli, path, &list);
}

static enum cli_exit ticket_retry(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    CLEANUP(freep) char *path = xasprintf("/api/v1/tickets/%" PRId64 "/retry", id);
    json_t *answer;
    if (!cli_call(cli, "POST", path, NULL, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    printf("what ticket %s has not sent yet is sent now\n", cli_text(answer, "id"));
    json_decref(answer);
    return CLI_OK;
}

static const struct cli_option list_options[] = { { "state", "STATE", "open or closed" },
                                                  { "service", "ID", "only of this service" },
                                                  LIST_PAGE_OPTIONS,
                                                  CLI_OPTIONS_END };
static const struct cli_command commands[] = {
    { "list", "", 0, list_options, ticket_list, "what people were told about failures" },
    { "retry", "ID", 1, NULL, ticket_retry, "send now what was refused or waits" },
};
const struct cli_group cli_ticket = { "ticket", "what people were told about failures", commands, ARRAY_LEN(commands) };
