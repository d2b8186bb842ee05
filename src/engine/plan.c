/* plan.c - a step of a plan is asked what it would do. The driver is the same and knows nothing of it: of each command that it wants
 * only the looks in front of the first change are sent. Where they lead to the change, the change is the answer; where they do
 * not, the driver is told what came back and says what comes next. So nothing on the node changes. */
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

static size_t looks_in_front(const struct command *command)
{
    size_t count = 0;
    while (count < command->segment_count && !command->segments[count].changes)
        count++;
    return count;
}

static bool goes_on(const struct segment *segment, int exit_code)
{
    if (segment->go_on_count > 0 && segment->go_on[0] == SEGMENT_GO_ON_ANY)
        return true;
    for (unsigned i = 0; i < segment->go_on_count; i++) {
        if (segment->go_on[i] == exit_code)
            return true;
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/** The changes of a command: their names in the note, all their words in the log. */
static void would_run(const struct command *command, struct move *ret_answer, struct buf *ret_log)
{
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < command->segment_count; i++) {
        const struct segment *segment = &command->segments[i];
        if (!segment->changes)
            continue;
        buf_addf(&names, "%s%s", names.length == 0 ? "" : ", ", base_name(segment->argv[0]));
        buf_add_text(ret_log, "would run: ");
        segment_describe(segment, ret_log);
        buf_add_char(ret_log, '\n');
    }
    *ret_answer = (struct move){ .verdict = VERDICT_DONE, .changed = true };
    snprintf(ret_answer->note, sizeof(ret_answer->note), "would run %s", buf_text(&names));
    buf_finish(&names);
}

/** The step builds on one that would be made first: what it would do then cannot be asked now. */
static bool builds_on_another(const struct cause *cause)
{
    return strcmp(cause->id, "panel.gone") == 0 || strcmp(cause->id, "panel.missing") == 0 ||
           strcmp(cause->id, "panel.no-dkim") == 0;
}

static void would_end(const struct move *move, struct move *ret_answer)
{
    *ret_answer = (struct move){ .verdict = VERDICT_DONE };
    switch (move->verdict) {
    case VERDICT_NONE: abort();
    case VERDICT_DONE: snprintf(ret_answer->note, sizeof(ret_answer->note), "nothing to do: %s", move->note); return;
    case VERDICT_RETRY:
    case VERDICT_FAILED:
    case VERDICT_CONFLICT:
        if (builds_on_another(move->cause)) {
            snprintf(ret_answer->note, sizeof(ret_answer->note), "follows what it builds on: %s", move->detail);
            return;
        }
        ret_answer->changed = true;
        snprintf(ret_answer->note, sizeof(ret_answer->note), "would %s: %s %s",
                 move->verdict == VERDICT_RETRY ? "be tried again" : "fail", move->cause->text, move->detail);
        return;
    case VERDICT_RESTART:
        ret_answer->changed = true;
        snprintf(ret_answer->note, sizeof(ret_answer->note), "would begin anew: %s", move->detail);
        return;
    }
}

void plan_take_move(struct running *running, struct move *move, struct command **ret_command, struct move *ret_answer,
                    struct buf *ret_log)
{
    *ret_command = NULL;
    command_destroy(running->planned);
    running->planned = NULL;
    if (move->verdict != VERDICT_NONE) {
        would_end(move, ret_answer);
        return;
    }
    size_t looks = looks_in_front(move->command);
    if (looks == 0) {
        would_run(move->command, ret_answer, ret_log);
        return;
    }
    if (looks < move->command->segment_count)
        running->planned = command_copy(move->command);
    command_cut(move->command, looks);
    *ret_command = move->command;
    move->command = NULL;
}

bool plan_take_result(struct running *running, const struct command_result *result, struct move *ret_answer,
                      struct buf *ret_log)
{
    const struct command *planned = running->planned;
    if (planned == NULL)
        return false;
    size_t looks = looks_in_front(planned);
    const struct segment_result *last = result->segment_count < looks ? NULL : &result->segments[looks - 1];
    if (last == NULL || !last->ran || !goes_on(&planned->segments[looks - 1], last->exit_code))
        return false;
    would_run(planned, ret_answer, ret_log);
    return true;
}
