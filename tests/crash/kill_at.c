/* kill_at.c - LD_PRELOAD for berthd: SIGKILL at an exact moment. Counts three kinds of moments: a commit has reached the disk
 * (fsync or fdatasync came back), bytes went to a node (send on a socket to port 22), bytes came from one (recv).
 *
 * BERTH_KILL_CONTROL names a file that is shared with the test, of six 64-bit integers: how many moments of each kind have
 * been seen (sync, send, recv), and how many more may pass until the process is killed right after one (0: never). The counts
 * go on over restarts; the test writes what is left whenever it likes, also while berthd runs. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum moment { MOMENT_SYNC, MOMENT_SEND, MOMENT_RECV, MOMENT_COUNT };

struct control {
    _Atomic int64_t seen[MOMENT_COUNT];
    _Atomic int64_t left[MOMENT_COUNT];
};

static struct control *control;

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("BERTH_KILL_CONTROL");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        abort(); /* a test that kills nobody would prove nothing */
    control = memory;
    (void)close(fd);
}

static void pass(enum moment moment)
{
    if (control == NULL)
        return;
    atomic_fetch_add(&control->seen[moment], 1);
    if (atomic_load(&control->left[moment]) > 0 && atomic_fetch_sub(&control->left[moment], 1) == 1)
        (void)kill(getpid(), SIGKILL);
}

static bool is_node(int fd)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
           ntohs(peer.sin_port) == 22;
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    pass(MOMENT_SYNC);
    return result;
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    int result = real(fd);
    pass(MOMENT_SYNC);
    return result;
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    ssize_t result = real(fd, data, length, flags);
    if (result > 0 && is_node(fd))
        pass(MOMENT_SEND);
    return result;
}

ssize_t recv(int fd, void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "recv");
    ssize_t result = real(fd, data, length, flags);
    if (result > 0 && (flags & MSG_PEEK) == 0 && is_node(fd))
        pass(MOMENT_RECV);
    return result;
}
