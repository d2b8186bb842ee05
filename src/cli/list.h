/* list.h - the commands that list: one question, its answer as JSON or as a table with a row for each item. */
#ifndef BERTH_CLI_LIST_H
#define BERTH_CLI_LIST_H

#include "cli/cli.h"
#include "cli/term.h"

struct list {
    const char *field;         /* of the answer: where its items are */
    const char *const *titles; /* as table_create() takes them */
    void (*add_row)(struct table *table, const json_t *item);
    const char *empty; /* said when there is nothing */
    bool has_pages;    /* the command takes --cursor: say when there are more */
};

/** Ask for this path and print what comes. Says what is wrong. */
enum cli_exit list_print(struct cli *cli, const char *path, const struct list *list);

/** The path with --limit (50) and --cursor, for a command with list_page_options; the caller's to free. */
char *list_page_path(const char *path, const struct cli_args *args);
extern const struct cli_option list_page_options[];

#endif
