/* sim_node.c - see sim_node.h. */
#include "transport/sim_node.h"

#include <stdio.h>
#include <string.h>

#include "base/redact.h"

#define WORDS_MAX 64

bool sim_goes_on(const struct segment *segment, int exit_code)
{
    for (unsigned i = 0; i < segment->go_on_count; i++) {
        if (segment->go_on[i] == exit_code || segment->go_on[i] == SEGMENT_GO_ON_ANY)
            return true;
    }
    return false;
}

/* A file as the node's shell makes it: fresh, mode 0600. */
static void put_file(struct panel_memory *memory, const char *path, const char *text)
{
    struct panel_host *host = panel_memory_host(memory);
    host->ops->write(host, path, text, strlen(text));
    host->ops->set_mode(host, path, 0600);
}

/* ---- programs that the panel's model does not bring ---------------------------------------------------------------- */

static int run_getent(struct panel_host *host, char *const *argv, struct buf *out)
{
    CLEANUP(buf_finish) struct buf passwd = BUF_INIT;
    size_t length = strlen(argv[2]);
    host->ops->read(host, "/etc/passwd", &passwd);
    for (const char *at = buf_text(&passwd); *at != '\0';) {
        size_t line = strcspn(at, "\n");
        if (strncmp(at, argv[2], length) == 0 && at[length] == ':') {
            buf_addf(out, "%.*s\n", (int)line, at);
            return 0;
        }
        at += line + (at[line] == '\n');
    }
    return 2;
}

static void find_files(struct panel_host *host, const char *path, struct buf *out)
{
    CLEANUP(buf_finish) struct buf names = BUF_INIT;
    struct panel_stat status;
    if (!host->ops->stat(host, path, &status) || status.is_link)
        return;
    if (!status.is_dir)
        buf_addf(out, "%s\n", path);
    else
        host->ops->list(host, path, &names);
    for (const char *at = buf_text(&names); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        CLEANUP(freep) char *child = xasprintf("%s/%.*s", path, (int)length, at);
        find_files(host, child, out);
        at += length + (at[length] == '\n');
    }
}

static int run_find(struct panel_host *host, char *const *argv, struct buf *out, struct buf *err)
{
    struct panel_stat status;
    if (host->ops->stat(host, argv[1], &status)) {
        find_files(host, argv[1], out);
        return 0;
    }
    buf_addf(err, "find: '%s': No such file or directory\n", argv[1]);
    return 1;
}

static int run_grep(struct panel_host *host, char *const *argv, struct buf *out, struct buf *err)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    unsigned count = 0;
    if (!host->ops->read(host, argv[5], &text)) {
        buf_addf(err, "grep: %s: No such file or directory\n", argv[5]);
        return 2;
    }
    for (const char *at = buf_text(&text); *at != '\0';) {
        size_t length = strcspn(at, "\n");
        CLEANUP(freep) char *line = xstrndup(at, length);
        count += strstr(line, argv[4]) != NULL;
        at += length + (at[length] == '\n');
    }
    buf_addf(out, "%u\n", count);
    return count > 0 ? 0 : 1;
}

static bool has_form(int argc, char *const *argv, const char *const *form)
{
    int i = 0;
    while (i < argc && form[i] != NULL && (form[i][0] == '*' || strcmp(form[i], argv[i]) == 0))
        i++;
    return form[i] == NULL && i == argc;
}

/* @return false when it is none of these */
static bool run_tool(struct panel_host *host, int argc, char *const *argv, struct buf *out, struct buf *err,
                     int *ret_exit_code)
{
    static const char *const getent[] = { "getent", "passwd", "*", NULL };
    static const char *const find[] = { "find", "*", "-xdev", "-type", "f", NULL };
    static const char *const grep[] = { "grep", "-c", "-F", "--", "*", "*", NULL };
    static const char *const nap[] = { "sleep", "1", NULL };
    if (has_form(argc, argv, nap)) {
        host->ops->sleep(host, 1000);
        *ret_exit_code = 0;
    } else if (has_form(argc, argv, getent))
        *ret_exit_code = run_getent(host, argv, out);
    else if (has_form(argc, argv, find))
        *ret_exit_code = run_find(host, argv, out, err);
    else if (has_form(argc, argv, grep))
        *ret_exit_code = run_grep(host, argv, out, err);
    else
        return false;
    return true;
}

/* ---- segments ------------------------------------------------------------------------------------------------------ */

static char *text_of(struct buf *text, bool *ret_truncated)
{
    if (text->length > RESULT_OUTPUT_MAX) {
        text->length = RESULT_OUTPUT_MAX;
        text->data[RESULT_OUTPUT_MAX] = '\0';
        *ret_truncated = true;
    }
    if (text->length > 0)
        redact_bytes(text->data, text->length);
    return buf_steal(text);
}

void sim_run_segment(struct panel_memory *memory, bool is_sudo, const char *file_path, const struct segment *segment,
                     struct segment_result *ret_result)
{
    struct panel_host *host = panel_memory_host(memory);
    char *argv[WORDS_MAX];
    char sudo[] = "sudo", no_question[] = "-n";
    int argc = 0;
    CLEANUP(freep) char *path = xstrdup(file_path);
    struct buf out = BUF_INIT, err = BUF_INIT;
    if (segment->as_root && is_sudo) {
        argv[argc++] = sudo;
        argv[argc++] = no_question;
    }
    for (size_t i = 0; segment->argv[i] != NULL && argc < WORDS_MAX - 1; i++)
        argv[argc++] = strcmp(segment->argv[i], "{file}") == 0 ? path : segment->argv[i];
    argv[argc] = NULL;
    if (segment->input_kind == INPUT_FILE)
        put_file(memory, path, segment->input);
    const char *input = segment->input_kind == INPUT_STDIN ? segment->input : NULL;
    int exit_code;
    if (!run_tool(host, argc, argv, &out, &err, &exit_code))
        exit_code = is_sudo ? panel_shell_sudo(memory, argc, argv, input, &out, &err)
                            : panel_shell(memory, argc, argv, input, &out, &err);
    if (segment->input_kind == INPUT_FILE)
        host->ops->remove(host, path); /* a command may have moved it */
    *ret_result = (struct segment_result){ .ran = true, .exit_code = exit_code };
    ret_result->out = text_of(&out, &ret_result->truncated);
    ret_result->err = text_of(&err, &ret_result->truncated);
}

void sim_run_command(struct panel_memory *memory, bool is_sudo, const struct command *command,
                     struct command_result *ret_result)
{
    *ret_result = (struct command_result){ .outcome = OUTCOME_ENDED, .number = command->number };
    ret_result->segment_count = command->segment_count;
    ret_result->segments = xcalloc(command->segment_count + 1, sizeof(*ret_result->segments));
    for (size_t i = 0; i < command->segment_count; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/tmp/berth-%u-%zu", command->number, i);
        sim_run_segment(memory, is_sudo, path, &command->segments[i], &ret_result->segments[i]);
        if (!sim_goes_on(&command->segments[i], ret_result->segments[i].exit_code))
            break;
    }
}
