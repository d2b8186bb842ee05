/* hold_at.c - LD_PRELOAD for berthd: stands still at an exact moment of a step, until a test lets it go on. The test does its harm
 * meanwhile, or kills it; nobody guesses by sleeping.
 *
 * BERTH_HOLD_CONTROL names a file that is shared with the test (struct control); BERTH_HOLD_SOCKET a Unix socket of the test. The thread
 * that comes to the moment connects there, says which attempt's command it is about (a line; 0: not known) and waits for one byte: 'g' go
 * on, 'l' go on, but what it was about to read is lost with its connection. One writing of the moment holds one thread.
 *
 * How a moment is seen from outside: the engine writes an event with the step's key into the store when a step begins and when it is done
 * (sqlite3_bind_text64), then commits (fdatasync); the transport writes the request as plain text into a channel
 * (ssh_channel_write), then bytes leave (send), then an answer is read (recv). A node makes one change at a time, so the first
 * request to change something after the commit is the step's. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SSH_PORT 22
#define ANSWER_WAIT_MS 10000

enum moment {
    MOMENT_NONE,
    MOMENT_TAKEN,       /* the step has begun, which is on disk; no command has left yet */
    MOMENT_UNREAD,      /* the command has run, its answer lies unread in this machine */
    MOMENT_UNCOMMITTED, /* the step is done, which is not on disk yet */
    MOMENT_COMMITTED,   /* that it is done is on disk, nobody has heard of it */
};

/* Written by the test, the moment last. */
struct control {
    _Atomic uint32_t moment;
    _Atomic uint32_t begun; /* UNREAD: that the step has begun is on disk; zero at first */
    uint32_t address;       /* UNREAD: of the node, in network order ... */
    uint32_t port;          /* ... and the port that is asked there */
    char key[64];           /* the step: a piece of its events' JSON */
    char request[128];      /* UNREAD over SSH: two pieces of the request, the first one before its numbers */
    char mark[128];
};

static struct control *control;
/* What this thread has seen of the moment that it will be held at. */
static _Thread_local bool event_seen, request_written, request_sent;
static _Thread_local long long request_attempt;
static _Thread_local bool kind_is_started, kind_is_done;

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("BERTH_HOLD_CONTROL");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        abort(); /* a test that holds nobody would prove nothing */
    control = memory;
    (void)close(fd);
}

static bool is_wanted(enum moment moment)
{
    return control != NULL && atomic_load(&control->moment) == (uint32_t)moment;
}

/** @return true when what comes next is lost */
static bool hold(enum moment moment, long long attempt)
{
    uint32_t expected = (uint32_t)moment;
    if (!atomic_compare_exchange_strong(&control->moment, &expected, MOMENT_NONE))
        return false;
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    strncpy(to.sun_path, getenv("BERTH_HOLD_SOCKET"), sizeof(to.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        abort();
    (void)dprintf(fd, "%lld\n", attempt);
    char said = 'g';
    while (read(fd, &said, 1) < 0 && errno == EINTR)
        ;
    (void)close(fd);
    return said == 'l';
}

static void *next_of(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* ---- the engine's thread -------------------------------------------------------------------------------------------- */

static bool holds_text(const char *text, size_t length, const char *piece)
{
    return memmem(text, length, piece, strlen(piece)) != NULL;
}

int sqlite3_bind_text64(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 length,
                        void (*destroy)(void *), unsigned char encoding)
{
    static int (*real)(sqlite3_stmt *, int, const char *, sqlite3_uint64, void (*)(void *), unsigned char);
    if (real == NULL)
        *(void **)&real = next_of("sqlite3_bind_text64");
    bool is_data = control != NULL && (kind_is_started || kind_is_done) &&
                   holds_text(text, (size_t)length, control->key); /* bound right after the event's kind */
    if ((is_data && kind_is_started && (is_wanted(MOMENT_TAKEN) || is_wanted(MOMENT_UNREAD))) ||
        (is_data && kind_is_done && is_wanted(MOMENT_COMMITTED)))
        event_seen = true;
    if (is_data && kind_is_done && is_wanted(MOMENT_UNCOMMITTED))
        (void)hold(MOMENT_UNCOMMITTED, 0);
    kind_is_started = length == 12 && memcmp(text, "task.started", 12) == 0;
    kind_is_done = length == 9 && memcmp(text, "task.done", 9) == 0;
    return real(statement, index, text, length, destroy, encoding);
}

static void synced(int result)
{
    if (result != 0 || !event_seen)
        return;
    event_seen = false;
    if (is_wanted(MOMENT_UNREAD))
        atomic_store(&control->begun, 1);
    else
        (void)(is_wanted(MOMENT_TAKEN) ? hold(MOMENT_TAKEN, 0) : hold(MOMENT_COMMITTED, 0));
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = next_of("fsync");
    int result = real(fd);
    synced(result);
    return result;
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = next_of("fdatasync");
    int result = real(fd);
    synced(result);
    return result;
}

/* ---- the transports' threads ---------------------------------------------------------------------------------------- */

static bool is_the_node(int fd)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET &&
           peer.sin_addr.s_addr == control->address && ntohs(peer.sin_port) == control->port;
}

int ssh_channel_write(void *channel, const void *data,
                      uint32_t length); /* libssh's header is not needed for a few words */

static int fd_of_channel(void *channel)
{
    static void *(*session_of)(void *);
    static int (*fd_of)(void *);
    if (session_of == NULL)
        *(void **)&session_of = next_of("ssh_channel_get_session");
    if (fd_of == NULL)
        *(void **)&fd_of = next_of("ssh_get_fd");
    return fd_of(session_of(channel));
}

static void look_at_request(void *channel, const char *text, size_t length)
{
    if (!is_wanted(MOMENT_UNREAD) || atomic_load(&control->begun) == 0 || control->port != SSH_PORT)
        return;
    const char *call = memmem(text, length, control->request, strlen(control->request));
    if (call == NULL || !holds_text(text, length, control->mark) || !is_the_node(fd_of_channel(channel)))
        return;
    request_written = true;
    request_sent = false;
    request_attempt = 0;
    char numbers[64] = "";
    memcpy(numbers, call, length - (size_t)(call - text) < sizeof(numbers) ? length - (size_t)(call - text) : 63);
    (void)sscanf(numbers + strlen(control->request), "%*s %lld", &request_attempt); /* after the nonce */
}

int ssh_channel_write(void *channel, const void *data, uint32_t length)
{
    static int (*real)(void *, const void *, uint32_t);
    if (real == NULL)
        *(void **)&real = next_of("ssh_channel_write");
    look_at_request(channel, data, length);
    return real(channel, data, length);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = next_of("send");
    ssize_t result = real(fd, data, length, flags);
    if (request_written && result > 0 && is_the_node(fd))
        request_sent = true;
    return result;
}

/** Whether the answer is about to be read; it lies there then. */
static bool is_answer(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    if (!is_wanted(MOMENT_UNREAD) || atomic_load(&control->begun) == 0 ||
        (control->port == SSH_PORT && !request_sent) || !is_the_node(fd))
        return false;
    return poll(&wait, 1, ANSWER_WAIT_MS) == 1;
}

ssize_t recv(int fd, void *data, size_t length, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (real == NULL)
        *(void **)&real = next_of("recv");
    if (is_answer(fd)) {
        request_written = request_sent = false;
        if (hold(MOMENT_UNREAD, request_attempt)) {
            errno = ECONNRESET;
            return -1;
        }
    }
    return real(fd, data, length, flags);
}
