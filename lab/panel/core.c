/* core.c - one run of a command: find it in the tables, keep its pace, end it. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "standin.h"

#define ARGS_MAX 24
#define COMMANDS_MAX 256

static const struct {
    const struct panel_command *commands;
    const size_t *count;
} tables[] = {
    { commands_system, &commands_system_count },
    { commands_package, &commands_package_count },
    { commands_user, &commands_user_count },
    { commands_user_jail, &commands_user_jail_count },
    { commands_user_list, &commands_user_list_count },
    { commands_user_change, &commands_user_change_count },
    { commands_web, &commands_web_count },
    { commands_web_change, &commands_web_change_count },
    { commands_mail, &commands_mail_count },
    { commands_mail_account, &commands_mail_account_count },
    { commands_dns, &commands_dns_count },
    { commands_dns_record, &commands_dns_record_count },
    { commands_restart, &commands_restart_count },
    { commands_all_domains, &commands_all_domains_count },
};

static const struct panel_command *command_find(const char *name)
{
    const char *slash = strrchr(name, '/');
    name = slash == NULL ? name : slash + 1;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < *tables[t].count; i++) {
            if (text_is(tables[t].commands[i].name, name))
                return &tables[t].commands[i];
        }
    }
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *panel_commands(void)
{
    static const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < *tables[t].count; i++) {
            assert(count + 1 < COMMANDS_MAX);
            names[count++] = tables[t].commands[i].name;
        }
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    names[count] = NULL;
    return names;
}

const char *const *panel_points(void)
{
    static const char *const points[] = {
        "user-a", "user-b", "user-r2", "user-c", "user-d", "user-e", "user-f", "user-g", "web-a",  "web-b",  "web-c",
        "web-d",  "web-e",  "web-f",   "web-g",  "web-h",  "dns-a",  "dns-b",  "dns-c",  "dns-d",  "rec-a",  "rec-b",
        "mail-a", "mail-b", "mail-c",  "mail-d", "mail-e", "mail-f", "mail-g", "acct-a", "acct-b", "acct-c", "del-a",
        "del-b",  "del-c",  "del-d",   "del-e",  "wdel-a", "wdel-b", "wdel-c", "susp",   NULL,
    };
    return points;
}

_Noreturn void panel_exit(struct panel *panel, int code)
{
    panel->exit_code = code;
    longjmp(panel->end, 1);
}

/* The node's own log of commands: one line each, passwords masked, as v-* commands write it. */
static void log_event(struct panel *panel, int code)
{
    if (panel->command->kind == LOOK && code == 0)
        return;
    const char *time, *date;
    stamp(panel, &time, &date);
    struct buf line = BUF_INIT;
    buf_addf(&line, "%s %s %s ", date, time, panel->command->name);
    for (int i = 1; i <= panel->argc; i++)
        buf_addf(&line, " '%s'", (unsigned)i == panel->command->secret_arg ? "******" : panel->argv[i]);
    if (code != 0)
        buf_addf(&line, " [Error %d]", code);
    buf_add_char(&line, '\n');
    const char *text = text_take(panel, &line);
    file_append(panel, code == 0 ? PANEL_ROOT "/log/system.log" : PANEL_ROOT "/log/error.log", text);
}

static void print_error(struct panel *panel, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof(text), format, args);
    buf_addf(panel->out, "Error: %s\n", text);
}

_Noreturn void panel_fail(struct panel *panel, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(panel, format, args);
    va_end(args);
    panel_exit(panel, code);
}

void panel_error(struct panel *panel, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(panel, format, args);
    va_end(args);
}

static _Noreturn void die(struct panel *panel)
{
    struct panel_host *host = panel->host;
    if (host->ops->flush != NULL)
        host->ops->flush(host, panel->out, panel->err);
    host->ops->die(host);
    panel->killed = true;
    panel_exit(panel, PANEL_KILLED);
}

void panel_point(struct panel *panel, const char *name)
{
    if (standin_kills(panel->standin, name) || panel->host->ops->point(panel->host, name))
        die(panel);
}

void panel_work(struct panel *panel, unsigned ms)
{
    standin_work(panel->standin, ms, panel->out, panel->err);
}

const char *arg(const struct panel *panel, int number)
{
    return number <= panel->argc ? panel->argv[number] : "";
}

const char *arg_or(const struct panel *panel, int number, const char *fallback)
{
    return number <= panel->argc ? panel->argv[number] : fallback;
}

const char *config(struct panel *panel, const char *key)
{
    return value_of(panel, panel->config, key);
}

bool enabled(struct panel *panel, const char *key)
{
    const char *value = config(panel, key);
    return *value != '\0' && !text_is(value, "no");
}

const char *env(struct panel *panel, const char *name)
{
    const char *value = panel->host->ops->env(panel->host, name);
    return value == NULL ? "" : value;
}

void stamp(struct panel *panel, const char **ret_time, const char **ret_date)
{
    time_t now = (time_t)(panel->host->ops->wall_ms(panel->host) / 1000);
    struct tm parts;
    localtime_r(&now, &parts);
    char text[32];
    strftime(text, sizeof(text), "%T", &parts);
    *ret_time = text_copy(panel, text, strlen(text));
    strftime(text, sizeof(text), "%F", &parts);
    *ret_date = text_copy(panel, text, strlen(text));
}

/* What the panel says with such an exit code, for a failure that was asked for. */
static const char *failure_text(int code)
{
    static const char *const texts[] = {
        [E_INVALID] = "Invalid object format: KEY",
        [E_NOTEXIST] = "user nobody doesn't exist",
        [E_EXISTS] = "Web domain folder should not exist",
        [E_SUSPENDED] = "user nobody is suspended",
        [E_UNSUSPENDED] = "user nobody is not suspended",
        [E_LIMIT] = "WEB_DOMAINS limit is reached :: upgrade user package",
        [E_PASSWORD] = "password missmatch",
        [E_FORBIDDEN] = "user can't use IP",
        [E_DISABLED] = "WEB_SYSTEM is not enabled",
        [E_PARSING] = "Parsing error",
        [15] = "Let's Encrypt acc registration failed ",
        [E_RESTART] = "nginx restart failed",
    };
    bool is_known = code > 0 && (size_t)code < ARRAY_LEN(texts) && texts[code] != NULL;
    return is_known ? texts[code] : "command failed";
}

/* The checks that every command makes before its own. */
static void command_enter(struct panel *panel)
{
    int failure = standin_failure(panel->standin, panel->command->name);
    if (failure != 0)
        panel_fail(panel, failure, "%s", failure_text(failure));
    if (panel->command->usage != NULL && panel->argc < panel->command->args_min) {
        buf_addf(panel->out, "Usage: %s %s\n", panel->command->name, panel->command->usage);
        panel_exit(panel, E_ARGS);
    }
    panel->command->run(panel);
}

static int panel_enter(struct panel *panel)
{
    if (setjmp(panel->end) == 0) {
        panel->exit_code = 0;
        command_enter(panel);
    }
    if (!panel->killed)
        log_event(panel, panel->exit_code);
    return panel->exit_code;
}

int panel_child(struct panel *panel, bool quiet, const char *name, ...)
{
    char *words[ARGS_MAX + 1] = { text_copy(panel, name, strlen(name)) };
    int count = 1;
    va_list args;
    va_start(args, name);
    for (const char *word; (word = va_arg(args, const char *)) != NULL;) {
        assert(count < ARGS_MAX);
        words[count++] = text_copy(panel, word, strlen(word));
    }
    va_end(args);
    struct buf dropped = BUF_INIT;
    struct panel child = *panel;
    child.command = command_find(name);
    assert(child.command != NULL);
    child.argc = count - 1;
    child.argv = words;
    child.stdin_text = NULL;
    child.out = quiet ? &dropped : panel->out;
    int code = panel_enter(&child);
    buf_finish(&dropped);
    if (child.killed) {
        panel->killed = true;
        panel_exit(panel, PANEL_KILLED);
    }
    return code;
}

void panel_restart(struct panel *panel, const char *name, const char *restart)
{
    int code = panel_child(panel, false, text_format(panel, "v-restart-%s", name), restart, NULL);
    if (code != 0)
        panel_exit(panel, code);
}

static void run_command(struct panel *panel)
{
    struct panel_host *host = panel->host;
    if (!host->ops->is_root(host)) {
        buf_add_text(panel->err, PANEL_ROOT "/func/main.sh: line 36: " CONF_FILE ": Permission denied\n");
        if (panel->command->kind == LOOK)
            return; /* as recorded: exit 0 and nothing printed */
    }
    bool is_changing = panel->command->kind == CHANGE;
    standin_begin(panel->standin, is_changing, panel->command->ms);
    standin_before(panel->standin, panel->command->name, panel->out, panel->err);
    panel_enter(panel);
    if (!panel->killed)
        standin_end(panel->standin, panel->out, panel->err);
}

int panel_run(struct panel_host *host, int argc, char *const argv[], const char *stdin_text, struct buf *out,
              struct buf *err)
{
    struct panel panel = {
        .host = host, .argc = argc - 1, .argv = argv, .stdin_text = stdin_text, .out = out, .err = err
    };
    panel.command = command_find(argv[0]);
    if (panel.command == NULL) {
        buf_addf(err, "bash: line 1: %s: No such file or directory\n", argv[0]);
        return 127;
    }
    panel.arena = arena_create();
    panel.config = file_read(&panel, CONF_FILE);
    panel.root_user = config(&panel, "ROOT_USER");
    panel.standin = standin_create(host, file_read(&panel, STANDIN_FILE));
    run_command(&panel);
    standin_destroy(panel.standin);
    arena_destroy(panel.arena);
    return panel.exit_code;
}
