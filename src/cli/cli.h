/* cli.h - what the commands of berthctl share: the table of commands, their options, and the words at the end. */
#ifndef BERTH_CLI_CLI_H
#define BERTH_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/util.h"
#include "cli/client.h"

/* Exit codes. */
enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_option {
    const char *name;     /* "address", without dashes */
    const char *argument; /* "HOST" as help shows it; NULL: a flag */
    const char *help;
};
#define CLI_OPTIONS_END                                                                                                \
    {                                                                                                                  \
        NULL, NULL, NULL                                                                                               \
    }

#define CLI_VALUES_MAX 64
#define CLI_WORDS_MAX 4

/* What was given on the command line. */
struct cli_args {
    struct cli_value {
        const struct cli_option *option;
        const char *text; /* NULL for a flag */
    } values[CLI_VALUES_MAX];
    size_t value_count;
    const char *words[CLI_WORDS_MAX]; /* what is no option */
    size_t word_count;
};

struct cli {
    struct client *client; /* made when it is first needed: see cli_client() */
    const char *url, *token;
    bool json;
};

struct cli_command {
    const char *verb;
    const char *words;                /* "NAME FILE" as help shows them; "" none */
    size_t word_count;                /* how many are needed */
    const struct cli_option *options; /* NULL: none */
    enum cli_exit (*run)(struct cli *cli, const struct cli_args *args);
    const char *help; /* one line */
};

struct cli_group {
    const char *name;
    const char *help;
    const struct cli_command *commands;
    size_t command_count; /* one whose verb is "": the group is a command itself */
};

extern const struct cli_group cli_init, cli_node, cli_group_group, cli_product, cli_service, cli_task,
    cli_zone_template, cli_settings, cli_queue, cli_reveal, cli_ticket, cli_staff, cli_token, cli_audit, cli_operation;

/** The last value of an option; NULL when not given. */
const char *cli_get(const struct cli_args *args, const char *name);
bool cli_has(const struct cli_args *args, const char *name);

/** Connect to the server that options, environment or files name. */
MUST_CHECK bool cli_client(struct cli *cli, struct client **ret_client, struct err *err);
/** Ask the server. Prints what is wrong. @param body NULL or stolen @param ret_answer the caller's to json_decref() */
MUST_CHECK bool cli_call(struct cli *cli, const char *method, const char *path, json_t *body, json_t **ret_answer);
/** POST /api/v1/KIND/ID/WHAT, where ID is the first word. @param body NULL or stolen @return CLI_OK with *ret_answer the caller's to
 * json_decref(); else what is wrong has been said */
MUST_CHECK enum cli_exit cli_post_to(struct cli *cli, const struct cli_args *args, const char *kind, const char *what,
                                     json_t *body, int64_t *ret_id, json_t **ret_answer);
/** "berthctl: <sentence>" on stderr. @return CLI_FAILED */
enum cli_exit cli_fail(const struct err *err);
enum cli_exit cli_usage(const char *format, ...) PRINTF_LIKE(1, 2);
/** Print JSON for scripts and free it. @return CLI_OK */
enum cli_exit cli_print_json(json_t *json);

/** Put a text option into a JSON object under this name, when given. */
void cli_set_text(json_t *object, const char *field, const struct cli_args *args, const char *option);
/** A whole number likewise. @return false: it is none, and that has been said */
MUST_CHECK bool cli_set_int(json_t *object, const char *field, const struct cli_args *args, const char *option);
/** "a,b" and repeated options as a list likewise. */
void cli_set_list(json_t *object, const char *field, const struct cli_args *args, const char *option);

/** A text in an answer; "" when absent or not a text. */
const char *cli_text(const json_t *object, const char *field);
/** A number in an answer; 0 when absent. */
int64_t cli_int(const json_t *object, const char *field);
/** Id of the node with this name (or with this id). Prints what is wrong. */
MUST_CHECK bool cli_find_node(struct cli *cli, const char *name, int64_t *ret_id);
/** A word that must be an id. @return false: it is none, and that has been said */
MUST_CHECK bool cli_parse_id(const char *word, int64_t *ret_id);
/** The whole file as text, a MiB at most. @param path "-" is standard input */
MUST_CHECK bool cli_read_file(const char *path, char **ret_text, struct err *err);
/** The same for one of so many bytes at most. */
MUST_CHECK bool cli_read_large_file(const char *path, size_t max, char **ret_text, struct err *err);

#endif
