/* fsync_watch.c - LD_PRELOAD: sees a release binary from outside. With FSYNC_DELAY_US every fsync and fdatasync takes so much longer;
 * with FSYNC_WATCH=FILE the moments at which syncs end and at which bytes go to a TCP socket (SSH) are written there, one line
 * each: "sync <ns> <fd>" and "send <ns> <fd>" (CLOCK_MONOTONIC); and "command <ns> <fd>" when the bytes are, or follow, a request that
 * makes, looks for or picks up something, which shows where they are still plain text. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int watch_fd = -2;
static _Thread_local bool command_written;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note(const char *what, int fd)
{
    if (watch_fd == -2) {
        const char *path = getenv("FSYNC_WATCH");
        watch_fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    if (watch_fd < 0)
        return;
    char line[80];
    int length = snprintf(line, sizeof(line), "%s %lld %d\n", what, (long long)now_ns(), fd);
    static ssize_t (*real_write)(int, const void *, size_t);
    if (real_write == NULL)
        *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    if (real_write(watch_fd, line, (size_t)length) < 0)
        abort(); /* a measurement with holes is none */
}

static void delay(void)
{
    const char *text = getenv("FSYNC_DELAY_US");
    if (text != NULL)
        usleep((useconds_t)atoi(text));
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    delay();
    int result = real(fd);
    note("sync", fd);
    return result;
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    delay();
    int result = real(fd);
    note("sync", fd);
    return result;
}

/* Only declared: libssh's own header is not needed for one word. */
int ssh_channel_write(void *channel, const void *data, uint32_t length);

int ssh_channel_write(void *channel, const void *data, uint32_t length)
{
    static const char *const calls[] = { "{ b_make ", "{ b_look ", "{ b_find " };
    static int (*real)(void *, const void *, uint32_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "ssh_channel_write");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        command_written |= memmem(data, length, calls[i], strlen(calls[i])) != NULL;
    return real(channel, data, length);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    struct sockaddr_in peer;
    socklen_t peer_length = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0 && peer.sin_family == AF_INET &&
        ntohs(peer.sin_port) == 22) {
        note("send", fd);
        if (command_written)
            note("command", fd);
        command_written = false;
    }
    return real(fd, data, length, flags);
}
