/* harness.c - see harness.h. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "transport/probe.h"

/* ---- commands ----------------------------------------------------------------------------------------------------- */

static void wake(void *context)
{
    eventfd_write(((struct harness *)context)->woken_fd, 1);
}

void harness_open(struct harness *harness, unsigned threads)
{
    struct err err = { 0 };
    *harness = (struct harness){ .woken_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .next_id = 1 };
    struct transport_probe_config config = { .threads = threads };
    harness->transport = transport_probe_create(&config, (struct transport_wake){ wake, harness }, &err);
    if (harness->transport == NULL)
        fail_msg("%s", err.msg);
}

void harness_close(struct harness *harness)
{
    harness->transport->ops->destroy(harness->transport);
    close(harness->woken_fd);
}

uint64_t harness_start(struct harness *harness, struct command *command)
{
    command->id = harness->next_id++;
    command->lane = LANE_PROBE;
    if (command->deadline_ms == 0)
        command->deadline_ms = 10000;
    uint64_t id = command->id;
    harness->transport->ops->start(harness->transport, command);
    return id;
}

bool harness_event(struct harness *harness, int64_t wait_ms, struct transport_event *ret_event)
{
    int64_t end_us = clock_measure_us() + wait_ms * 1000;
    for (;;) {
        if (harness->transport->ops->poll(harness->transport, ret_event, 1) == 1)
            return true;
        int64_t left_ms = (end_us - clock_measure_us()) / 1000;
        struct pollfd poller = { .fd = harness->woken_fd, .events = POLLIN };
        eventfd_t count;
        if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) <= 0)
            return false;
        eventfd_read(harness->woken_fd, &count);
    }
}

struct command_result harness_run(struct harness *harness, struct command *command)
{
    struct transport_event event;
    uint64_t id = harness_start(harness, command);
    assert_true(harness_event(harness, 20000, &event));
    assert_int_equal(event.kind, TRANSPORT_STARTED);
    assert_int_equal(event.command_id, id);
    transport_event_finish(&event);
    if (!harness_event(harness, 20000, &event))
        fail_msg("no result within 20 s");
    assert_int_equal(event.kind, TRANSPORT_RESULT);
    assert_int_equal(event.command_id, id);
    assert_int_equal(event.result_count, 1);
    struct command_result result = event.results[0];
    event.result_count = 0; /* taken */
    transport_event_finish(&event);
    return result;
}

struct command_result harness_look(struct harness *harness, const char *word, ...)
{
    struct command *command = command_create();
    struct segment *segment = command_add(command, word, NULL);
    va_list words;
    va_start(words, word);
    for (const char *next; (next = va_arg(words, const char *)) != NULL;)
        segment_add_word(segment, next);
    va_end(words);
    return harness_run(harness, command);
}

struct move harness_attempt(struct harness *harness, const struct step *step,
                            void (*before_look)(size_t look, void *context), void *context)
{
    const struct driver_action *action;
    const struct driver *driver = driver_find("verify", step->action, &action);
    struct command_result results[64];
    size_t count = 0;
    struct move move;
    assert_non_null(driver);
    for (;;) {
        driver->next(step, results, count, &move);
        if (move.verdict != VERDICT_NONE)
            break;
        assert_true(count < ARRAY_LEN(results));
        if (before_look != NULL)
            before_look(count, context);
        move.command->deadline_ms = action->deadline_ms;
        results[count++] = harness_run(harness, move.command);
        move.command = NULL;
        move_finish(&move);
    }
    for (size_t i = 0; i < count; i++)
        command_result_finish(&results[i]);
    return move;
}

/* ---- places ------------------------------------------------------------------------------------------------------- */

static int bind_port(int type, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int free_port(void)
{
    for (;;) {
        struct sockaddr_in address;
        socklen_t length = sizeof(address);
        int tcp = bind_port(SOCK_STREAM, 0);
        assert_true(tcp >= 0);
        assert_int_equal(getsockname(tcp, (struct sockaddr *)&address, &length), 0);
        int port = ntohs(address.sin_port);
        int udp = bind_port(SOCK_DGRAM, port);
        close(tcp);
        if (udp < 0)
            continue;
        close(udp);
        return port;
    }
}

void write_file(const char *directory, const char *name, const char *format, ...)
{
    char path[512];
    va_list args;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    assert_int_equal(fclose(file), 0);
}

char *make_directory(void)
{
    char *directory = xstrdup("/tmp/berth-verify-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0); /* servers go on as other users */
    return directory;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void remove_directory(char *directory)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(directory);
}

/* ---- servers ------------------------------------------------------------------------------------------------------ */

pid_t server_start(const char *directory, const char *name, const char *const *argv)
{
    char log[512];
    snprintf(log, sizeof(log), "%s/%s.log", directory, name);
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(126);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, 1);
    dup2(fd, 2);
    char *words[32] = { NULL };
    for (size_t i = 0; argv[i] != NULL && i < ARRAY_LEN(words) - 1; i++)
        words[i] = xstrdup(argv[i]);
    execvp(words[0], words);
    _exit(127);
}

int server_run(const char *directory, const char *name, const char *const *argv)
{
    int status;
    pid_t pid = server_start(directory, name, argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool listens(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

/* What the server said, since its directory goes away with the test. */
static void print_log(const char *directory, const char *name)
{
    char path[512], line[512];
    snprintf(path, sizeof(path), "%s/%s.log", directory, name);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        print_error("%s: %s", name, line);
    if (file != NULL)
        fclose(file);
}

void server_wait(pid_t pid, const char *directory, const char *name, int port)
{
    for (int i = 0; i < 1000; i++) {
        if (listens(port))
            return;
        if (waitpid(pid, NULL, WNOHANG) != 0)
            break;
        usleep(10000);
    }
    print_log(directory, name);
    fail_msg("%s ended by itself, or does not listen on port %d", name, port);
}

/* A server gets a second to end by itself. */
void server_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    for (int i = 0; i < 100; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        if (i == 1)
            kill(pid, SIGTERM);
        usleep(10000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
