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
    bool has_pages;    /* the command takes LIST_PAGE_OPTIONS: say when there are more */
};

/** Ask for this path and print what comes. Says what is wrong. */
enum cli_exit list_print(struct cli *cli, const char *path, const struct list *list);

/* What a command that lists takes on its command line, and what the API calls it. */
struct list_filter {
    const char *option, *name; /* "client-id", "client_id" */
};
#define LIST_FILTERS_END                                                                                               \
    {                                                                                                                  \
        NULL, NULL                                                                                                     \
    }

/** The path with those filters (NULL: it has none) that were given, and --limit and --cursor where they are; the caller's to free. */
char *list_path(const char *path, const struct cli_args *args, const struct list_filter *filters);

/* For a list that comes page by page: in the options of its command. */
#define LIST_PAGE_OPTIONS                                                                                              \
    { "limit", "N", "at most so many (50)" },                                                                          \
    {                                                                                                                  \
        "cursor", "CURSOR", "go on where the list before has ended"                                                    \
    }

#endif
