/* runner.c - see runner.h. Three programs that the driver's second looks use are modelled here, over the node's files. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

/* ---- programs ------------------------------------------------------------------------------------------------------ */

static char *first_line(struct buf *text, char **save)
{
    return text->data != NULL ? strtok_r(text->data, "\n", save) : NULL;
}

static int run_getent(struct panel_host *host, const char *user, struct buf *out)
{
    CLEANUP(buf_finish) struct buf passwd = BUF_INIT;
    size_t length = strlen(user);
    host->ops->read(host, "/etc/passwd", &passwd);
    char *save = NULL;
    for (char *line = first_line(&passwd, &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, user, length) == 0 && line[length] == ':') {
            buf_addf(out, "%s\n", line);
            return 0;
        }
    }
    return 2;
}

/* find PATH -xdev -type f */
static int run_find(struct panel_host *host, const char *path, struct buf *out)
{
    struct panel_stat stat;
    if (!host->ops->stat(host, path, &stat))
        return 1;
    if (!stat.is_dir) {
        if (!stat.is_link)
            buf_addf(out, "%s\n", path);
        return 0;
    }
    CLEANUP(buf_finish) struct buf names = BUF_INIT;
    host->ops->list(host, path, &names);
    char *save = NULL;
    for (char *name = first_line(&names, &save); name != NULL; name = strtok_r(NULL, "\n", &save)) {
        CLEANUP(freep) char *child = xasprintf("%s/%s", path, name);
        run_find(host, child, out);
    }
    return 0;
}

/* grep -c -F -- TEXT FILE */
static int run_grep(struct panel_host *host, const char *wanted, const char *path, struct buf *out)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    unsigned count = 0;
    if (!host->ops->read(host, path, &text))
        return 2;
    char *save = NULL;
    for (char *line = first_line(&text, &save); line != NULL; line = strtok_r(NULL, "\n", &save))
        count += strstr(line, wanted) != NULL;
    buf_addf(out, "%u\n", count);
    return count > 0 ? 0 : 1;
}

static int run_words(struct runner *runner, int argc, char **argv, const char *input, struct buf *out, struct buf *err)
{
    struct panel_host *host = panel_memory_host(runner->memory);
    if (strcmp(argv[0], "getent") == 0) /* everybody may */
        return run_getent(host, argv[2], out);
    if (strcmp(argv[0], "sleep") == 0)
        return 0;
    if (runner->sudo)
        return panel_shell_sudo(runner->memory, argc, argv, input, out, err);
    if (strcmp(argv[0], "find") == 0)
        return run_find(host, argv[1], out);
    if (strcmp(argv[0], "grep") == 0)
        return run_grep(host, argv[argc - 2], argv[argc - 1], out);
    return panel_shell(runner->memory, argc, argv, input, out, err);
}

/* ---- segments ------------------------------------------------------------------------------------------------------ */

static bool goes_on(const struct segment *segment, int exit_code)
{
    for (unsigned i = 0; i < segment->go_on_count; i++) {
        if (segment->go_on[i] == SEGMENT_GO_ON_ANY || segment->go_on[i] == exit_code)
            return true;
    }
    return false;
}

static void run_segment(struct runner *runner, const struct segment *segment, struct segment_result *ret_result)
{
    static char sudo[] = "sudo", dash_n[] = "-n";
    struct panel_host *host = panel_memory_host(runner->memory);
    struct buf out = BUF_INIT, err = BUF_INIT;
    char path[64], *argv[WORDS_MAX];
    int argc = 0;
    snprintf(path, sizeof(path), "/tmp/berth.%06u", runner->file_count++);
    if (segment->as_root && runner->sudo) {
        argv[argc++] = sudo;
        argv[argc++] = dash_n;
    }
    for (char **word = segment->argv; *word != NULL && argc < WORDS_MAX - 1; word++)
        argv[argc++] = strcmp(*word, "{file}") == 0 ? path : *word;
    argv[argc] = NULL;
    if (segment->input_kind == INPUT_FILE)
        host->ops->write(host, path, segment->input, strlen(segment->input));
    const char *input = segment->input_kind == INPUT_STDIN ? segment->input : NULL;
    ret_result->ran = true;
    ret_result->exit_code = run_words(runner, argc, argv, input, &out, &err);
    ret_result->out = buf_steal(&out);
    ret_result->err = buf_steal(&err);
    if (segment->input_kind == INPUT_FILE)
        host->ops->remove(host, path);
    runner->made += segment->changes;
}

void runner_run(struct runner *runner, const struct command *command, struct command_result *ret_result)
{
    *ret_result = (struct command_result){ .outcome = OUTCOME_ENDED, .segment_count = command->segment_count };
    ret_result->segments = xcalloc(command->segment_count, sizeof(*ret_result->segments));
    runner->round_trips++;
    for (size_t i = 0; i < command->segment_count; i++) {
        run_segment(runner, &command->segments[i], &ret_result->segments[i]);
        runner->is_lost = ++runner->segments == runner->lose_at;
        if (runner->is_lost || !goes_on(&command->segments[i], ret_result->segments[i].exit_code))
            return;
    }
}
