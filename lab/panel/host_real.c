/* host_real.c - the model on the machine that it runs on. */
#include "host_real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "real_private.h"

#define SERVICE_PROGRAM PANEL_ROOT "/lab/service"

extern char **environ;

bool real_spawn(const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    /* argv is not changed by the call; its type comes from a time before const */
    bool is_started = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!is_started)
        return false;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool real_service(struct panel_host *host, enum panel_service service, enum panel_verb verb, const char *zone)
{
    static const char *const names[] = { "web", "proxy", "backend", "dns", "mail", "ssh" };
    static const char *const verbs[] = { "test", "reload", "restart" };
    (void)host;
    return real_spawn((const char *const[]){ SERVICE_PROGRAM, names[service], verbs[verb], zone, NULL });
}

static const char *real_env(struct panel_host *host, const char *name)
{
    (void)host;
    return getenv(name);
}

static bool real_is_root(struct panel_host *host)
{
    (void)host;
    return geteuid() == 0;
}

static void real_random_text(struct panel_host *host, size_t length, char *ret_text)
{
    (void)host;
    struct rng rng;
    rng_init_real(&rng);
    rng_text(&rng, length, ret_text);
}

static int64_t real_wall_ms(struct panel_host *host)
{
    (void)host;
    struct clock *clock = clock_real();
    return clock->now_ms(clock);
}

static int64_t real_elapsed_ms(struct panel_host *host)
{
    (void)host;
    struct clock *clock = clock_real();
    return clock->boot_ms(clock);
}

static void real_sleep(struct panel_host *host, int64_t ms)
{
    (void)host;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static bool real_point(struct panel_host *host, const char *name)
{
    (void)host, (void)name; /* kills come from standin.conf */
    return false;
}

static void real_die(struct panel_host *host)
{
    (void)host;
    kill(getpid(), SIGKILL);
}

static void write_out(int fd, struct buf *text)
{
    size_t done = 0;
    while (done < text->length) {
        ssize_t count = write(fd, text->data + done, text->length - done);
        if (count < 0 && errno != EINTR)
            break; /* nobody listens any more: the command goes on */
        done += count > 0 ? (size_t)count : 0;
    }
    buf_clear(text);
}

static void real_flush(struct panel_host *host, struct buf *out, struct buf *err)
{
    (void)host;
    write_out(1, out);
    write_out(2, err);
}

struct panel_host *panel_real_host(void)
{
    static const struct panel_host_ops ops = {
        .read = real_read,
        .write = real_write,
        .append = real_append,
        .edit = real_edit,
        .rename = real_rename,
        .remove = real_remove,
        .remove_tree = real_remove_tree,
        .make_dir = real_make_dir,
        .list = real_list,
        .link = real_link,
        .set_mode = real_set_mode,
        .set_owner = real_set_owner,
        .set_immutable = real_set_immutable,
        .stat = real_stat,
        .modified = real_modified,
        .user_add = real_user_add,
        .user_delete = real_user_delete,
        .user_lock = real_user_lock,
        .user_set_shell = real_user_set_shell,
        .user_set_password = real_user_set_password,
        .user_check_password = real_user_check_password,
        .mail_hash = real_mail_hash,
        .key_private = real_key_private,
        .key_public = real_key_public,
        .service = real_service,
        .env = real_env,
        .is_root = real_is_root,
        .random_text = real_random_text,
        .wall_ms = real_wall_ms,
        .elapsed_ms = real_elapsed_ms,
        .sleep = real_sleep,
        .point = real_point,
        .die = real_die,
        .flush = real_flush,
    };
    static struct panel_host host = { .ops = &ops };
    return &host;
}
