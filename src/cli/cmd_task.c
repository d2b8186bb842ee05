/* cmd_task.c - berthctl task: the steps of operations, and their logs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/term.h"

#define FOLLOW_MS 200

static void pause_ms(long milliseconds)
{
    struct timespec wait = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000 };
    nanosleep(&wait, NULL);
}

/* ---- list and show -------------------------------------------------------------------------------------------------- */

static char *path_of_list(struct cli *cli, const struct cli_args *args, bool *ret_ok)
{
    const char *service = cli_get(args, "service"), *node = cli_get(args, "node");
    const char *operation = cli_get(args, "operation");
    int64_t service_id, operation_id, node_id = 0;
    *ret_ok = (service == NULL || cli_parse_id(service, &service_id)) &&
              (operation == NULL || cli_parse_id(operation, &operation_id));
    if (!*ret_ok)
        return NULL;
    if (operation != NULL)
        return xasprintf("/api/v1/operations/%" PRId64 "/tasks", operation_id);
    if (service != NULL)
        return xasprintf("/api/v1/services/%" PRId64 "/tasks", service_id);
    *ret_ok = node == NULL || cli_find_node(cli, node, &node_id);
    if (!*ret_ok)
        return NULL;
    static const struct list_filter filters[] = { { "state", "state" }, LIST_FILTERS_END };
    CLEANUP(freep)
    char *path = node == NULL ? xstrdup("/api/v1/tasks") : xasprintf("/api/v1/tasks?node_id=%" PRId64, node_id);
    return list_path(path, args, filters);
}

static void add_row(struct table *table, const json_t *task)
{
    char attempts[24];
    snprintf(attempts, sizeof(attempts), "%" PRId64, cli_int(task, "attempts"));
    const char *cells[] = { cli_text(task, "id"),    cli_text(task, "service_id"), cli_text(task, "action"),
                            cli_text(task, "node"),  cli_text(task, "state"),      attempts,
                            cli_text(task, "reason") };
    table_add(table, cells);
}

static enum cli_exit task_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "SERVICE", "STEP", "NODE", "!STATE", "ATTEMPTS", "REASON", NULL };
    static const struct list list = { "tasks", titles, add_row, "There are no such tasks.", true };
    bool ok;
    bool of_one = cli_has(args, "service") || cli_has(args, "operation");
    if (of_one &&
        (cli_has(args, "state") || cli_has(args, "node") || cli_has(args, "limit") || cli_has(args, "cursor")))
        return cli_usage("--service and --operation show all tasks of one: leave the other options out");
    CLEANUP(freep) char *path = path_of_list(cli, args, &ok);
    if (!ok)
        return CLI_FAILED;
    return list_print(cli, path, &list);
}

static void print_attempts(const json_t *task)
{
    static const char *const titles[] = { "ATTEMPT", "NUMBER", "!OUTCOME", "BEGAN", "ENDED", "LOG", "DETAIL", NULL };
    json_t *attempt;
    size_t i;
    struct table *table = table_create(titles);
    json_array_foreach(json_object_get(task, "attempt_list"), i, attempt)
    {
        char number[24], bytes[32];
        snprintf(number, sizeof(number), "%" PRId64, cli_int(attempt, "number"));
        snprintf(bytes, sizeof(bytes), "%" PRId64 " B", cli_int(attempt, "log_bytes"));
        bool removed = cli_text(attempt, "log_removed_at")[0] != '\0';
        const char *cells[] = { cli_text(attempt, "id"),
                                number,
                                cli_text(attempt, "outcome"),
                                term_time(cli_text(attempt, "started_at")),
                                term_time(cli_text(attempt, "ended_at")),
                                removed ? "removed" : bytes,
                                cli_text(attempt, "detail") };
        table_add(table, cells);
    }
    table_print(table, "It has not been attempted yet.");
}

static void show_choices(const json_t *task)
{
    json_t *choice;
    size_t i;
    struct buf text = BUF_INIT;
    json_array_foreach(json_object_get(task, "choices"), i, choice)
        buf_addf(&text, "%sberthctl task %s %s", i == 0 ? "" : ", ", json_string_value(choice), cli_text(task, "id"));
    term_field("choices", buf_text(&text));
    buf_finish(&text);
}

static enum cli_exit show_answer(struct cli *cli, json_t *task)
{
    if (cli->json)
        return cli_print_json(task);
    term_field("task", cli_text(task, "id"));
    term_field("service", cli_text(task, "service_id"));
    term_field("step", cli_text(task, "key"));
    term_field("node", cli_text(task, "node"));
    term_field("state", cli_text(task, "state"));
    term_field("reason", cli_text(task, "reason"));
    term_field("cause", cli_text(task, "cause"));
    show_choices(task);
    term_field("due", term_time(cli_text(task, "due_at")));
    term_field("started", term_time(cli_text(task, "started_at")));
    term_field("ended", term_time(cli_text(task, "ended_at")));
    putchar('\n');
    print_attempts(task);
    json_decref(task);
    return CLI_OK;
}

static enum cli_exit task_show(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    CLEANUP(freep) char *path = xasprintf("/api/v1/tasks/%" PRId64, id);
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    return show_answer(cli, answer);
}

static enum cli_exit say_state(struct cli *cli, int64_t id, json_t *answer)
{
    if (cli->json)
        return cli_print_json(answer);
    printf("task %" PRId64 " is %s\n", id, cli_text(answer, "state"));
    json_decref(answer);
    return CLI_OK;
}

static enum cli_exit task_retry(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "tasks", "retry", NULL, &id, &answer);
    return status == CLI_OK ? say_state(cli, id, answer) : status;
}

static enum cli_exit task_fail(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "tasks", "fail", NULL, &id, &answer);
    return status == CLI_OK ? say_state(cli, id, answer) : status;
}

static enum cli_exit resolve(struct cli *cli, const struct cli_args *args, const char *how)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "tasks", "resolve", json_pack("{s:s}", "how", how), &id, &answer);
    if (status != CLI_OK)
        return status;
    if (cli->json)
        return cli_print_json(answer);
    printf("operation %s: the service is redeployed with the changed account\n", cli_text(answer, "id"));
    json_decref(answer);
    return CLI_OK;
}

static enum cli_exit task_adopt(struct cli *cli, const struct cli_args *args)
{
    return resolve(cli, args, "adopt");
}

static enum cli_exit task_rename(struct cli *cli, const struct cli_args *args)
{
    return resolve(cli, args, "rename");
}

static enum cli_exit task_abort(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "tasks", "resolve", json_pack("{s:s}", "how", "abort"), &id, &answer);
    return status == CLI_OK ? say_state(cli, id, answer) : status;
}

/* ---- logs ----------------------------------------------------------------------------------------------------------- */

/* Where the printed log stands. */
struct follower {
    struct cli *cli;
    int64_t attempt_id, offset;
    bool in_line;    /* the last chunk ended within a line */
    char stream[16]; /* of that line */
};

static void print_prefix(const json_t *chunk)
{
    const char *stream = cli_text(chunk, "stream"), *at = term_time(cli_text(chunk, "at"));
    printf("%s%s %-6s%s ", term_faint(), at[0] == '\0' ? "" : at + 11, stream, term_plain());
}

static void print_chunk(struct follower *follower, const json_t *chunk)
{
    const char *text = cli_text(chunk, "text"), *stream = cli_text(chunk, "stream");
    if (follower->in_line && strcmp(follower->stream, stream) != 0) {
        putchar('\n');
        follower->in_line = false;
    }
    snprintf(follower->stream, sizeof(follower->stream), "%s", stream);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (!follower->in_line)
            print_prefix(chunk);
        term_print(text, length);
        follower->in_line = text[length] == '\0';
        if (!follower->in_line)
            putchar('\n');
        text += length + (text[length] == '\n');
    }
}

/* Print what is new. @return false on failure */
static bool print_more(struct follower *follower, bool *ret_ended, bool *ret_more)
{
    json_t *answer, *chunk;
    size_t i;
    CLEANUP(freep)
    char *path = xasprintf("/api/v1/attempts/%" PRId64 "/log?offset=%" PRId64, follower->attempt_id, follower->offset);
    if (!cli_call(follower->cli, "GET", path, NULL, &answer))
        return false;
    json_array_foreach(json_object_get(answer, "chunks"), i, chunk) print_chunk(follower, chunk);
    *ret_more = i > 0;
    follower->offset = cli_int(answer, "next_offset");
    *ret_ended = json_is_true(json_object_get(answer, "ended"));
    if (*ret_ended && follower->in_line)
        putchar('\n');
    if (cli_text(answer, "removed_at")[0] != '\0')
        printf("(this log was removed on %s: it was older than history.logs says)\n",
               term_time(cli_text(answer, "removed_at")));
    else if (*ret_ended && json_is_true(json_object_get(answer, "truncated")))
        puts("(the log was cut here: it is longer than what is kept)");
    fflush(stdout);
    json_decref(answer);
    return true;
}

static bool print_attempt(struct cli *cli, int64_t attempt_id, bool follow)
{
    struct follower follower = { .cli = cli, .attempt_id = attempt_id };
    bool ended = false, more = true;
    while (!ended && (follow || more)) {
        if (!print_more(&follower, &ended, &more))
            return false;
        if (follow && !ended && !more)
            pause_ms(FOLLOW_MS);
    }
    if (!ended && follower.in_line)
        putchar('\n');
    return true;
}

static bool is_final(const char *state)
{
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0 ||
           strcmp(state, "superseded") == 0;
}

/* The first attempt after this one; 0 when there is none yet. */
static int64_t next_attempt(const json_t *task, int64_t after_id, int64_t *ret_number)
{
    json_t *attempt;
    size_t i;
    json_array_foreach(json_object_get(task, "attempt_list"), i, attempt)
    {
        int64_t id = strtoll(cli_text(attempt, "id"), NULL, 10);
        if (id > after_id) {
            *ret_number = cli_int(attempt, "number");
            return id;
        }
    }
    return 0;
}

/* The attempts one after the other, until there is none left or, when following, the task is over. */
static enum cli_exit print_task(struct cli *cli, int64_t task_id, bool follow)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/tasks/%" PRId64, task_id);
    int64_t attempt_id = 0;
    for (;;) {
        json_t *task;
        int64_t number = 0;
        if (!cli_call(cli, "GET", path, NULL, &task))
            return CLI_FAILED;
        int64_t next = next_attempt(task, attempt_id, &number);
        bool over = next == 0 && (!follow || is_final(cli_text(task, "state")));
        if (next != 0)
            printf("%s--- %s, attempt %" PRId64 " (%" PRId64 ") ---%s\n", term_bold(), cli_text(task, "key"), number,
                   next, term_plain());
        json_decref(task);
        if (over)
            return CLI_OK;
        if (next == 0)
            pause_ms(FOLLOW_MS);
        else if (!print_attempt(cli, next, follow))
            return CLI_FAILED;
        else
            attempt_id = next;
    }
}

static enum cli_exit task_log(struct cli *cli, const struct cli_args *args)
{
    int64_t id, attempt_id = 0;
    const char *attempt = cli_get(args, "attempt");
    bool follow = cli_has(args, "follow");
    if (!cli_parse_id(args->words[0], &id) || (attempt != NULL && !cli_parse_id(attempt, &attempt_id)))
        return CLI_USAGE;
    if (cli->json && attempt != NULL) {
        json_t *answer;
        CLEANUP(freep) char *path = xasprintf("/api/v1/attempts/%" PRId64 "/log", attempt_id);
        return cli_call(cli, "GET", path, NULL, &answer) ? cli_print_json(answer) : CLI_FAILED;
    }
    if (cli->json)
        return cli_usage("--json shows the log of one attempt: give --attempt ID");
    if (attempt != NULL)
        return print_attempt(cli, attempt_id, follow) ? CLI_OK : CLI_FAILED;
    return print_task(cli, id, follow);
}

static const struct cli_option list_options[] = {
    { "service", "ID", "only the tasks of this service" },
    { "operation", "ID", "only the tasks of this operation" },
    { "state", "STATE", "blocked, queued, running, waiting, held, done, failed ..." },
    { "node", "NAME", "only on this node" },
    LIST_PAGE_OPTIONS,
    CLI_OPTIONS_END,
};
static const struct cli_option log_options[] = {
    { "follow", NULL, "(-f) go on as it grows, until the task is over" },
    { "attempt", "ID", "only this attempt" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "list", "", 0, list_options, task_list, "list tasks, the newest first" },
    { "show", "ID", 1, NULL, task_show, "show one with its attempts" },
    { "log", "ID", 1, log_options, task_log, "what its commands printed" },
    { "retry", "ID", 1, NULL, task_retry, "try it again now" },
    { "fail", "ID", 1, NULL, task_fail, "give it up: one that is stuck; the rest goes on" },
    { "adopt", "ID", 1, NULL, task_adopt,
      "a conflict: the panel user in the way becomes ours, with all that is in it" },
    { "rename", "ID", 1, NULL, task_rename, "a conflict: our account takes another name" },
    { "abort", "ID", 1, NULL, task_abort, "a conflict: give the operation up" },
};
const struct cli_group cli_task = { "task", "the steps of operations", commands, ARRAY_LEN(commands) };
