/* command.c - commands, results and events as data: made, copied, described and freed. No transport of any kind. */
#include "transport/transport.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* ---- segments -----------------------------------------------------------------------------------------------------
 */

static size_t argv_count(char *const *argv)
{
    size_t count = 0;
    while (argv != NULL && argv[count] != NULL)
        count++;
    return count;
}

static void input_wipe(char *input)
{
    if (input == NULL)
        return;
    sodium_memzero(input, strlen(input));
    free(input);
}

static void segment_finish(struct segment *segment)
{
    for (size_t i = 0; segment->argv != NULL && segment->argv[i] != NULL; i++)
        free(segment->argv[i]);
    free(segment->argv);
    input_wipe(segment->input);
}

static void segment_copy(const struct segment *from, struct segment *ret_segment)
{
    size_t words = argv_count(from->argv);
    *ret_segment = *from;
    ret_segment->argv = xcalloc(words + 1, sizeof(*ret_segment->argv));
    for (size_t i = 0; i < words; i++)
        ret_segment->argv[i] = xstrdup(from->argv[i]);
    ret_segment->input = from->input != NULL ? xstrdup(from->input) : NULL;
}

void segment_add_word(struct segment *segment, const char *word)
{
    size_t words = argv_count(segment->argv);
    segment->argv = xrealloc(segment->argv, (words + 2) * sizeof(*segment->argv));
    segment->argv[words] = xstrdup(word);
    segment->argv[words + 1] = NULL;
}

void segment_set_input(struct segment *segment, enum segment_input kind, const char *input)
{
    assert((kind == INPUT_NONE) == (input == NULL));
    char *copy = input != NULL ? xstrdup(input) : NULL;
    input_wipe(segment->input);
    segment->input = copy;
    segment->input_kind = kind;
}

void segment_go_on(struct segment *segment, int exit_code)
{
    assert(segment->go_on_count < SEGMENT_GO_ON_MAX);
    segment->go_on[segment->go_on_count++] = exit_code;
}

/* Words made of these need no quotes in any POSIX shell. */
static bool word_is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:@%,{}";
    return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}

void segment_describe(const struct segment *segment, struct buf *ret_text)
{
    for (size_t i = 0; segment->argv != NULL && segment->argv[i] != NULL; i++) {
        if (i > 0)
            buf_add_char(ret_text, ' ');
        if (word_is_plain(segment->argv[i]))
            buf_add_text(ret_text, segment->argv[i]);
        else
            buf_add_shell_word(ret_text, segment->argv[i]);
    }
    if (segment->input_kind == INPUT_STDIN)
        buf_add_text(ret_text, " <stdin");
}

/* ---- commands -----------------------------------------------------------------------------------------------------
 */

struct command *command_create(void)
{
    return xcalloc(1, sizeof(struct command));
}

void command_destroy(struct command *command)
{
    if (command == NULL)
        return;
    for (size_t i = 0; i < command->segment_count; i++)
        segment_finish(&command->segments[i]);
    free(command->segments);
    free(command);
}

void command_destroyp(struct command **command)
{
    command_destroy(*command);
}

void command_cut(struct command *command, size_t count)
{
    for (size_t i = count; i < command->segment_count; i++)
        segment_finish(&command->segments[i]);
    if (count < command->segment_count)
        command->segment_count = count;
}

struct command *command_copy(const struct command *command)
{
    struct command *copy = command_create();
    *copy = *command;
    copy->segments = xcalloc(command->segment_count + 1, sizeof(*copy->segments));
    for (size_t i = 0; i < command->segment_count; i++)
        segment_copy(&command->segments[i], &copy->segments[i]);
    return copy;
}

struct segment *command_add(struct command *command, const char *word, ...)
{
    assert(command->segment_count < RESULT_SEGMENTS_MAX);
    command->segments = xrealloc(command->segments, (command->segment_count + 1) * sizeof(*command->segments));
    struct segment *segment = &command->segments[command->segment_count++];
    *segment = (struct segment){ 0 };
    va_list words;
    va_start(words, word);
    for (const char *next = word; next != NULL; next = va_arg(words, const char *))
        segment_add_word(segment, next);
    va_end(words);
    return segment;
}

/* ---- results and events -------------------------------------------------------------------------------------------
 */

void command_result_finish(struct command_result *result)
{
    for (size_t i = 0; i < result->segment_count; i++) {
        free(result->segments[i].out);
        free(result->segments[i].err);
    }
    free(result->segments);
    free(result->message);
    *result = (struct command_result){ 0 };
}

void transport_event_finish(struct transport_event *event)
{
    for (size_t i = 0; i < event->result_count; i++)
        command_result_finish(&event->results[i]);
    free(event->results);
    free(event->data);
    *event = (struct transport_event){ 0 };
}

/* ---- names --------------------------------------------------------------------------------------------------------
 */

const char *outcome_name(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ENDED: return "ended";
    case OUTCOME_NOT_STARTED: return "not-started";
    case OUTCOME_UNKNOWN: return "unknown";
    case OUTCOME_BUSY: return "busy";
    case OUTCOME_FENCED: return "fenced";
    case OUTCOME_LOST: return "lost";
    case OUTCOME_KILLED: return "killed";
    }
    abort();
}

const char *transport_fault_name(enum transport_fault fault)
{
    switch (fault) {
    case FAULT_NONE: return "none";
    case FAULT_CONNECT: return "connect";
    case FAULT_HOST_KEY: return "host-key";
    case FAULT_AUTH: return "auth";
    case FAULT_CHANNEL: return "channel";
    case FAULT_CUT: return "cut";
    case FAULT_DEADLINE: return "deadline";
    case FAULT_STATE_DIR: return "state-dir";
    case FAULT_DISK_FULL: return "disk-full";
    }
    abort();
}
