/* world.c - a node in memory for a test. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 32

static bool kill_here(void *context, const char *point)
{
    struct world *world = context;
    bool is_it = world->kill_point != NULL && strcmp(world->kill_point, point) == 0;
    world->kills += is_it;
    return is_it;
}

void world_init(struct world *world, enum panel_role role)
{
    *world = (struct world){ .memory = panel_memory_create(role, "192.0.2.80", "node.test", 1) };
    panel_memory_on_point(world->memory, kill_here, world);
}

void world_finish(struct world *world)
{
    panel_memory_destroy(world->memory);
    buf_finish(&world->out);
    buf_finish(&world->err);
}

static int run(struct world *world, const char *line, bool is_sudo_only)
{
    char *copy = xstrdup(line), *words[WORDS_MAX], *at = copy;
    int count = 0;
    while (*(at += strspn(at, " ")) != '\0' && count < WORDS_MAX) {
        char end = *at == '\'' ? '\'' : ' ';
        at += end == '\'';
        words[count++] = at;
        at += strcspn(at, (char[]){ end, '\0' });
        if (*at != '\0')
            *at++ = '\0';
    }
    buf_clear(&world->out);
    buf_clear(&world->err);
    int code =
        (is_sudo_only ? panel_shell_sudo : panel_shell)(world->memory, count, words, NULL, &world->out, &world->err);
    free(copy);
    return code;
}

int world_run(struct world *world, const char *line)
{
    return run(world, line, false);
}

int world_run_sudo(struct world *world, const char *line)
{
    return run(world, line, true);
}

void world_expect(struct world *world, int code, const char *line)
{
    int got = world_run(world, line);
    if (got != code)
        fail_msg("%s: exit %d, want %d; printed: %s%s", line, got, code, buf_text(&world->out), buf_text(&world->err));
}

void world_kill(struct world *world, const char *point, const char *line)
{
    world->kill_point = point;
    world->kills = 0;
    int got = world_run(world, line);
    world->kill_point = NULL;
    if (got != PANEL_KILLED || world->kills != 1)
        fail_msg("%s: was not killed at %s: exit %d; printed: %s", line, point, got, buf_text(&world->out));
}

void world_said(const struct world *world, const char *text)
{
    if (strstr(buf_text(&world->out), text) == NULL)
        fail_msg("not printed: %s; but: %s", text, buf_text(&world->out));
}

void world_write(struct world *world, const char *path, const char *text)
{
    struct panel_host *host = panel_memory_host(world->memory);
    assert_true(host->ops->write(host, path, text, strlen(text)));
}
