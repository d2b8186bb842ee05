/* verify.c - the verify driver: its actions, and when a look is worth another one. See verify.h. */
#include "drivers/verify.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "transport/probe.h"

static const struct driver_action actions[] = {
    { "verify.web", LANE_PROBE, 15000, 0, NULL },
    { "verify.dns", LANE_PROBE, 10000, 0, NULL },
    { "verify.mail", LANE_PROBE, 15000, 0, NULL },
};

static void (*const next_of_action[])(const struct step *, const struct command_result *, size_t, struct move *) = {
    verify_web_next,
    verify_dns_next,
    verify_mail_next,
};

static void verify_next(const struct step *step, const struct command_result *results, size_t result_count,
                        struct move *ret_move)
{
    *ret_move = (struct move){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(step->action, actions[i].name) == 0) {
            next_of_action[i](step, results, result_count, ret_move);
            return;
        }
    }
    assert(!"verify_next: driver_find() did not give this action");
}

const struct driver driver_verify = { "verify", actions, ARRAY_LEN(actions), verify_next };

/* ---- looking again ------------------------------------------------------------------------------------------------
 */

/* A reload takes 20 to 300 ms, a busy node takes seconds: many short pauses, then longer ones. */
static int64_t pause_ms_before(size_t look)
{
    if (look == 0)
        return 0;
    return look <= 5 ? 20 : look <= 10 ? 50 : look <= 20 ? 100 : 250;
}

struct command *verify_look(size_t look)
{
    struct command *command = command_create();
    command->lane = LANE_PROBE;
    if (look > 0) {
        char pause[24];
        snprintf(pause, sizeof(pause), "%" PRId64, pause_ms_before(look));
        segment_go_on(command_add(command, "pause", pause, NULL), PROBE_ANSWERED);
    }
    return command;
}

const struct segment_result *verify_seen(const struct command_result *result, size_t look, size_t *ret_count)
{
    size_t skip = look > 0;
    assert(result->outcome == OUTCOME_ENDED && result->segment_count > skip);
    *ret_count = result->segment_count - skip;
    return result->segments + skip;
}

bool verify_may_look_again(const struct command_result *results, size_t look_count)
{
    int64_t spent_ms = 0;
    for (size_t look = 0; look < look_count; look++) {
        spent_ms += pause_ms_before(look);
        for (size_t i = 0; i < results[look].segment_count; i++) {
            char took_ms[24];
            const struct segment_result *segment = &results[look].segments[i];
            if (segment->ran && verify_fact(segment->out, "ms", took_ms, sizeof(took_ms)))
                spent_ms += strtoll(took_ms, NULL, 10);
        }
    }
    return look_count < VERIFY_LOOKS_MAX && spent_ms < VERIFY_SPENT_MS_MAX;
}

/* ---- facts --------------------------------------------------------------------------------------------------------
 */

static size_t line_length(const char *line)
{
    return strcspn(line, "\n");
}

static void copy_clipped(const char *text, size_t length, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%.*s", (int)(length < size ? length : size - 1), text);
}

bool verify_fact(const char *facts, const char *key, char *ret_value, size_t size)
{
    size_t key_length = strlen(key);
    for (const char *line = facts; *line != '\0' && *line != '\n';) { /* an empty line ends them: a body may follow */
        size_t length = line_length(line);
        if (length > key_length && strncmp(line, key, key_length) == 0 && line[key_length] == ' ') {
            copy_clipped(line + key_length + 1, length - key_length - 1, ret_value, size);
            return true;
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

void verify_first_line(const char *text, char *ret_line, size_t size)
{
    size_t length = line_length(text);
    if (length == 0)
        snprintf(ret_line, size, "no reason given");
    else
        copy_clipped(text, length, ret_line, size);
}
