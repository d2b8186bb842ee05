/* main.c - berthctl: finds the command in the tables, reads its options, runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/term.h"

static const struct cli_group *const groups[] = { &cli_init,    &cli_node,   &cli_group_group,   &cli_product,
                                                  &cli_service, &cli_task,   &cli_zone_template, &cli_settings,
                                                  &cli_queue,   &cli_reveal, &cli_ticket,        &cli_staff,
                                                  &cli_token,   &cli_audit,  &cli_operation };

static const struct cli_option global_options[] = {
    { "url", "URL", "where berthd answers (BERTH_URL; http://127.0.0.1:8080)" },
    { "token", "TOKEN", "what berthctl init has printed (better: BERTH_TOKEN, or a file)" },
    { "json", NULL, "answers as JSON, for scripts" },
    { "help", NULL, "this text" },
    CLI_OPTIONS_END,
};

/* ---- help ----------------------------------------------------------------------------------------------------------- */

static void print_option(FILE *out, const struct cli_option *option)
{
    char left[40];
    snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
             option->argument == NULL ? "" : option->argument);
    fprintf(out, "  %-24s %s\n", left, option->help);
}

static void print_options(FILE *out, const struct cli_option *options)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++)
        print_option(out, &options[i]);
}

static void print_command_line(FILE *out, const struct cli_group *group, const struct cli_command *command)
{
    char line[80];
    snprintf(line, sizeof(line), "%s%s%s %s", group->name, command->verb[0] == '\0' ? "" : " ", command->verb,
             command->words);
    fprintf(out, "  %-32s %s\n", line, command->help);
}

static void print_group(FILE *out, const struct cli_group *group)
{
    for (size_t i = 0; i < group->command_count; i++)
        print_command_line(out, group, &group->commands[i]);
}

static void print_help(FILE *out)
{
    fprintf(out,
            "berthctl %s - places orders with berthd and looks after what becomes of them\n\n"
            "usage: berthctl [--url URL] [--token TOKEN] [--json] COMMAND [ARGUMENTS]\n\n",
            BERTH_VERSION);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        print_group(out, groups[i]);
    fputs("\noptions for every command:\n", out);
    print_options(out, global_options);
    fputs("\n`berthctl COMMAND --help` says more about one. Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
          out);
}

static void print_group_help(FILE *out, const struct cli_group *group)
{
    fprintf(out, "berthctl %s - %s\n\n", group->name, group->help);
    print_group(out, group);
    fprintf(out, "\n`berthctl %s %s --help` shows the options of one.\n", group->name, group->commands[0].verb);
}

static void print_command_help(FILE *out, const struct cli_group *group, const struct cli_command *command)
{
    fprintf(out, "usage: berthctl %s%s%s%s%s%s\n\n%s\n", group->name, command->verb[0] == '\0' ? "" : " ",
            command->verb, command->words[0] == '\0' ? "" : " ", command->words,
            command->options == NULL ? "" : " [OPTIONS]", command->help);
    if (command->options != NULL)
        fputs("\noptions:\n", out);
    print_options(out, command->options);
    fputs("\noptions for every command:\n", out);
    print_options(out, global_options);
}

/* ---- the command line ----------------------------------------------------------------------------------------------- */

static const struct cli_group *find_group(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (strcmp(groups[i]->name, name) == 0)
            return groups[i];
    }
    return NULL;
}

static const struct cli_command *find_command(const struct cli_group *group, const char *verb)
{
    for (size_t i = 0; i < group->command_count; i++) {
        if (strcmp(group->commands[i].verb, verb) == 0)
            return &group->commands[i];
    }
    return NULL;
}

static const struct cli_option *find_option(const struct cli_option *options, const char *name, size_t length)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return &options[i];
    }
    return NULL;
}

/* What stands in front of and behind the command alike. */
struct line {
    const struct cli_group *group;
    const struct cli_command *command;
    struct cli_args args;
    bool help, version;
};

/* @return how many words of the command line the option takes; 0: it is wrong, and that has been said */
static int read_option(struct line *line, int left, char **at)
{
    const char *name = at[0] + 2;
    if (strcmp(at[0], "-h") == 0)
        name = "help";
    else if (strcmp(at[0], "-f") == 0)
        name = "follow";
    else if (at[0][1] != '-')
        return (void)cli_usage("there is no option %s", at[0]), 0;
    size_t length = strcspn(name, "=");
    const struct cli_option *option = find_option(global_options, name, length);
    if (option == NULL && line->command != NULL)
        option = find_option(line->command->options, name, length);
    if (option == NULL)
        return (void)cli_usage("there is no option --%.*s here; try --help", (int)length, name), 0;
    if (option->argument == NULL && name[length] == '=')
        return (void)cli_usage("--%s takes no value", option->name), 0;
    bool separate = option->argument != NULL && name[length] != '=';
    if (separate && left < 2)
        return (void)cli_usage("--%s needs a value: --%s %s", option->name, option->name, option->argument), 0;
    if (line->args.value_count == CLI_VALUES_MAX)
        return (void)cli_usage("more than %d options", CLI_VALUES_MAX), 0;
    line->help = line->help || strcmp(option->name, "help") == 0;
    line->args.values[line->args.value_count++] = (struct cli_value){ option, option->argument == NULL ? NULL
                                                                              : separate               ? at[1]
                                                                                         : name + length + 1 };
    return separate ? 2 : 1;
}

/* @return false: wrong, and that has been said */
static bool read_word(struct line *line, const char *word)
{
    if (line->group == NULL) {
        line->group = find_group(word);
        if (line->group == NULL)
            return (void)cli_usage("there is no command \"%s\"; try berthctl --help", word), false;
        line->command = find_command(line->group, "");
        return true;
    }
    if (line->command == NULL) {
        line->command = find_command(line->group, word);
        return line->command != NULL || ((void)cli_usage("there is no command \"%s %s\"; try berthctl %s --help",
                                                         line->group->name, word, line->group->name),
                                         false);
    }
    if (line->args.word_count == line->command->word_count)
        return (void)cli_usage("\"%s\" is one word too many; try --help", word), false;
    line->args.words[line->args.word_count++] = word;
    return true;
}

static bool read_line(struct line *line, int argc, char **argv)
{
    bool only_words = false;
    for (int i = 1; i < argc;) {
        const char *word = argv[i];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
            i++;
        } else if (!only_words && strcmp(word, "--version") == 0) {
            line->version = true;
            i++;
        } else if (!only_words && word[0] == '-' && word[1] != '\0') {
            int taken = read_option(line, argc - i, argv + i);
            if (taken == 0)
                return false;
            i += taken;
        } else {
            if (!read_word(line, word))
                return false;
            i++;
        }
    }
    return true;
}

static enum cli_exit run(struct line *line)
{
    struct cli cli = { .url = cli_get(&line->args, "url"),
                       .token = cli_get(&line->args, "token"),
                       .json = cli_has(&line->args, "json") };
    enum cli_exit status = line->command->run(&cli, &line->args);
    client_destroy(cli.client);
    return status;
}

int main(int argc, char **argv)
{
    struct line line = { 0 };
    term_init();
    if (!read_line(&line, argc, argv))
        return CLI_USAGE;
    if (line.version) {
        printf("berthctl %s\n", BERTH_VERSION);
        return CLI_OK;
    }
    if (line.group == NULL) {
        print_help(line.help ? stdout : stderr);
        return line.help ? CLI_OK : CLI_USAGE;
    }
    if (line.command == NULL) {
        print_group_help(line.help ? stdout : stderr, line.group);
        return line.help ? CLI_OK : CLI_USAGE;
    }
    if (line.help) {
        print_command_help(stdout, line.group, line.command);
        return CLI_OK;
    }
    if (line.args.word_count < line.command->word_count)
        return (int)cli_usage("usage: berthctl %s %s %s", line.group->name, line.command->verb, line.command->words);
    return (int)run(&line);
}
