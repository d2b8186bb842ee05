/* cmd_operation.c - what people do to a service that is there; part of `berthctl service`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/cmd_operation.h"
#include "cli/term.h"

#define LOOK_MS 250

static void pause_ms(long milliseconds)
{
    struct timespec wait = { .tv_nsec = milliseconds * 1000000 };
    nanosleep(&wait, NULL);
}

/* ---- the report of verify and plan ---------------------------------------------------------------------------------------- */

static void print_report(const json_t *data, bool planned)
{
    static const char *const titles[] = { "STEP", "NODE", "WHAT", NULL };
    json_t *step;
    size_t i;
    struct table *table = table_create(titles);
    json_array_foreach(json_object_get(data, "steps"), i, step)
    {
        const char *cells[] = { cli_text(step, "key"), cli_text(step, "node"), cli_text(step, "note") };
        table_add(table, cells);
    }
    table_print(table, planned ? "Nothing would be changed: all is as it should be."
                               : "Nothing had to be changed: all is as it should be.");
}

/* The event that ends this operation: "service.verified" or "service.planned". @return NULL when there is none */
static const json_t *find_report(const json_t *events, int64_t operation_id)
{
    json_t *event;
    size_t i;
    json_array_foreach(events, i, event)
    {
        const json_t *data = json_object_get(event, "data");
        if (cli_int(data, "id") == operation_id && json_object_get(data, "steps") != NULL)
            return data;
    }
    return NULL;
}

/* @return false: it could not be read, and that has been said */
static bool read_report(struct cli *cli, int64_t service_id, int64_t operation_id, bool planned)
{
    int64_t after = 0;
    for (;;) {
        json_t *answer;
        CLEANUP(freep)
        char *path = xasprintf("/api/v1/services/%" PRId64 "/events?limit=1000&after=%" PRId64, service_id, after);
        if (!cli_call(cli, "GET", path, NULL, &answer))
            return false;
        const json_t *events = json_object_get(answer, "events");
        const json_t *data = find_report(events, operation_id);
        bool last = json_array_size(events) == 0;
        after = cli_int(answer, "last_seq");
        if (data != NULL)
            print_report(data, planned);
        json_decref(answer);
        if (data != NULL || last)
            return true;
    }
}

/* Until the operation has ended. @return its state, the caller's to free; NULL on failure */
static char *wait_for_end(struct cli *cli, int64_t operation_id)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/operations/%" PRId64, operation_id);
    for (;;) {
        json_t *answer;
        if (!cli_call(cli, "GET", path, NULL, &answer))
            return NULL;
        char *state = xstrdup(cli_text(answer, "state"));
        json_decref(answer);
        if (strcmp(state, "running") != 0)
            return state;
        free(state);
        pause_ms(LOOK_MS);
    }
}

/* ---- starting --------------------------------------------------------------------------------------------------------------- */

static enum cli_exit start(struct cli *cli, const struct cli_args *args, const char *kind, bool waits)
{
    int64_t service_id;
    json_t *answer;
    enum cli_exit status =
        cli_post_to(cli, args, "services", "operations", json_pack("{s:s}", "kind", kind), &service_id, &answer);
    if (status != CLI_OK)
        return status;
    if (cli->json)
        return cli_print_json(answer);
    int64_t id = strtoll(cli_text(answer, "id"), NULL, 10);
    json_decref(answer);
    printf("operation %" PRId64 ": %s of service %" PRId64 "\n", id, kind, service_id);
    if (!waits)
        return CLI_OK;
    fflush(stdout);
    CLEANUP(freep) char *state = wait_for_end(cli, id);
    if (state == NULL)
        return CLI_FAILED;
    if (strcmp(state, "done") != 0) {
        printf("it is %s: see `berthctl task list --operation %" PRId64 "`\n", state, id);
        return CLI_FAILED;
    }
    if (strcmp(kind, "password") == 0) {
        puts("All its passwords are new.");
        return CLI_OK;
    }
    return read_report(cli, service_id, id, strcmp(kind, "plan") == 0) ? CLI_OK : CLI_FAILED;
}

enum cli_exit service_redeploy(struct cli *cli, const struct cli_args *args)
{
    return start(cli, args, "redeploy", false);
}

enum cli_exit service_verify(struct cli *cli, const struct cli_args *args)
{
    return start(cli, args, "verify", true);
}

enum cli_exit service_plan(struct cli *cli, const struct cli_args *args)
{
    return start(cli, args, "plan", true);
}

enum cli_exit service_password(struct cli *cli, const struct cli_args *args)
{
    return start(cli, args, "password", true);
}

/* ---- ending and trying again -------------------------------------------------------------------------------------------------- */

enum cli_exit service_cancel(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "services", "cancel", NULL, &id, &answer);
    if (status != CLI_OK)
        return status;
    if (cli->json)
        return cli_print_json(answer);
    printf("what was under way for service %" PRId64 " is cancelled\n", id);
    json_decref(answer);
    return CLI_OK;
}

enum cli_exit cli_say_retried(struct cli *cli, json_t *answer)
{
    if (cli->json)
        return cli_print_json(answer);
    printf("%" PRId64 " tasks are tried again\n", cli_int(answer, "tasks"));
    json_decref(answer);
    return CLI_OK;
}

enum cli_exit service_retry(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    enum cli_exit status = cli_post_to(cli, args, "services", "retry", NULL, &id, &answer);
    return status == CLI_OK ? cli_say_retried(cli, answer) : status;
}
