/* cmd_setting.c - berthctl settings: what may be changed while berthd runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

/* A value of an answer as people write it; the caller's to free. */
static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return xstrdup(json_string_value(value));
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    return text == NULL ? xstrdup("") : text;
}

/* What stands for the value in front of people: a secret is only set or not. */
static char *shown_value(const json_t *setting)
{
    if (json_is_true(json_object_get(setting, "secret")))
        return xstrdup(json_is_true(json_object_get(setting, "set")) ? "(set)" : "(not set)");
    return value_text(json_object_get(setting, "value"));
}

static void add_row(struct table *table, const json_t *setting)
{
    CLEANUP(freep) char *value = shown_value(setting);
    CLEANUP(freep) char *preset = value_text(json_object_get(setting, "default"));
    const char *cells[] = { cli_text(setting, "name"), value, preset, cli_text(setting, "range"),
                            cli_text(setting, "help") };
    table_add(table, cells);
}

static enum cli_exit settings_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "NAME", "VALUE", "DEFAULT", "RANGE", "HELP", NULL };
    static const struct list list = { "settings", titles, add_row, "There are no settings.", false };
    (void)args;
    return list_print(cli, "/api/v1/settings", &list);
}

/* Borrowed from the answer; NULL when there is none, and that has been said. */
static json_t *find_setting(const json_t *answer, const char *name)
{
    json_t *setting;
    size_t i;
    struct err err;
    json_array_foreach(json_object_get(answer, "settings"), i, setting)
    {
        if (strcmp(cli_text(setting, "name"), name) == 0)
            return setting;
    }
    err_set(&err, ERR_NOT_FOUND, "there is no setting \"%s\"; berthctl settings list shows them", name);
    (void)cli_fail(&err);
    return NULL;
}

static void print_setting(const json_t *setting)
{
    CLEANUP(freep) char *value = shown_value(setting);
    CLEANUP(freep) char *preset = value_text(json_object_get(setting, "default"));
    term_field("name", cli_text(setting, "name"));
    term_field("value", value);
    term_field("default", preset);
    term_field("range", cli_text(setting, "range"));
    term_field("help", cli_text(setting, "help"));
}

/* Prints one setting of an answer, and frees the answer. */
static enum cli_exit print_answer(struct cli *cli, json_t *answer, const char *name)
{
    json_t *setting = find_setting(answer, name);
    enum cli_exit status = setting == NULL ? CLI_FAILED : CLI_OK;
    if (setting != NULL && cli->json)
        status = cli_print_json(json_incref(setting));
    else if (setting != NULL)
        print_setting(setting);
    json_decref(answer);
    return status;
}

static enum cli_exit settings_get(struct cli *cli, const struct cli_args *args)
{
    json_t *answer;
    if (!cli_call(cli, "GET", "/api/v1/settings", NULL, &answer))
        return CLI_FAILED;
    return print_answer(cli, answer, args->words[0]);
}

static enum cli_exit change(struct cli *cli, const char *name, json_t *value)
{
    struct err err;
    json_t *answer, *body = json_object();
    if (value == NULL || json_object_set_new(body, name, value) != 0) {
        json_decref(body);
        err_set(&err, ERR_INVALID, "name and value must be UTF-8 text");
        return cli_fail(&err);
    }
    if (!cli_call(cli, "PATCH", "/api/v1/settings", body, &answer))
        return CLI_FAILED;
    return print_answer(cli, answer, name);
}

static enum cli_exit settings_set(struct cli *cli, const struct cli_args *args)
{
    const char *word = args->words[1];
    struct err err;
    if (strcmp(word, "-") != 0)
        return change(cli, args->words[0], json_string(word));
    char *text; /* the first line of standard input: other users cannot read it in the process list */
    if (!cli_read_file("-", &text, &err))
        return cli_fail(&err);
    json_t *value = json_stringn(text, strcspn(text, "\n"));
    explicit_bzero(text, strlen(text));
    free(text);
    return change(cli, args->words[0], value);
}

static enum cli_exit settings_reset(struct cli *cli, const struct cli_args *args)
{
    return change(cli, args->words[0], json_null());
}

static void add_change_row(struct table *table, const json_t *entry)
{
    const char *cells[] = { term_time(cli_text(entry, "at")), cli_text(entry, "who"), cli_text(entry, "name"),
                            cli_text(entry, "from"), cli_text(entry, "to") };
    table_add(table, cells);
}

static enum cli_exit settings_changes(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "WHEN", "WHO", "NAME", "FROM", "TO", NULL };
    static const struct list list = { "changes", titles, add_change_row, "Nothing has been changed yet.", true };
    CLEANUP(freep) char *path = list_path("/api/v1/settings/changes", args, NULL);
    return list_print(cli, path, &list);
}

static const struct cli_option changes_options[] = { LIST_PAGE_OPTIONS, CLI_OPTIONS_END };
static const struct cli_command commands[] = {
    { "list", "", 0, NULL, settings_list, "list all with value, default and range" },
    { "get", "NAME", 1, NULL, settings_get, "show one" },
    { "set", "NAME VALUE", 2, NULL, settings_set, "change one, at once; - takes the value from standard input" },
    { "reset", "NAME", 1, NULL, settings_reset, "back to the default" },
    { "changes", "", 0, changes_options, settings_changes, "who changed what, the newest first" },
};
const struct cli_group cli_settings = { "settings", "what may be changed while berthd runs", commands,
                                        ARRAY_LEN(commands) };
