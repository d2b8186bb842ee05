/* driver.c - what every driver needs: filling a move, and finding the driver that knows an action. */
#include "drivers/driver.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct driver *const drivers[] = { &driver_hestia, &driver_verify };

void move_finish(struct move *move)
{
    command_destroyp(&move->command);
    for (size_t i = 0; i < move->fact_count; i++)
        free(move->facts[i].value);
    move->fact_count = 0;
}

void move_add_fact(struct move *move, const char *key, const char *value)
{
    assert(move->fact_count < MOVE_FACTS_MAX);
    move->facts[move->fact_count++] = (struct fact){ .key = key, .value = xstrdup(value) };
}

bool move_done(struct move *move, const char *note_format, ...)
{
    va_list args;

    va_start(args, note_format);
    vsnprintf(move->note, sizeof(move->note), note_format, args);
    va_end(args);
    move->verdict = VERDICT_DONE;
    return true;
}

void move_end(struct move *move, const char *cause_id, const char *detail_format, ...)
{
    va_list args;

    move->cause = cause_find(cause_id);
    assert(move->cause != NULL);
    move->verdict = move->cause->verdict;
    va_start(args, detail_format);
    vsnprintf(move->detail, sizeof(move->detail), detail_format, args);
    va_end(args);
}

const struct driver *driver_find(const char *driver_name, const char *action, const struct driver_action **ret_action)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        const struct driver *driver = drivers[i];
        if (strcmp(driver->name, driver_name) != 0)
            continue;
        for (size_t k = 0; k < driver->action_count; k++) {
            if (strcmp(driver->actions[k].name, action) == 0) {
                *ret_action = &driver->actions[k];
                return driver;
            }
        }
    }
    return NULL;
}
