/* probe_net.c - addresses, connections and the plain looks over TCP: see probe_look.h. */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/probe_look.h"
#include "transport/resolve.h"

int64_t probe_look_left_ms(const struct probe_look *look)
{
    int64_t left_ms = look->end_ms - clock_real()->boot_ms(clock_real());
    return left_ms > 0 ? left_ms : 0;
}

int64_t probe_look_spent_ms(const struct probe_look *look)
{
    return clock_real()->boot_ms(clock_real()) - look->began_ms;
}

bool probe_look_cancelled(const struct probe_look *look)
{
    struct pollfd poller = { .fd = look->cancel_fd, .events = POLLIN };
    return poll(&poller, 1, 0) > 0;
}

bool probe_wait(struct probe_look *look, int fd, short events, struct err *err)
{
    struct pollfd pollers[2] = { { .fd = fd, .events = events }, { .fd = look->cancel_fd, .events = POLLIN } };
    for (;;) {
        int64_t left_ms = probe_look_left_ms(look);
        int ready = left_ms > 0 ? poll(pollers, ARRAY_LEN(pollers), (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return err_set(err, ERR_IO, "poll: %s", strerror(errno));
        if (pollers[1].revents != 0)
            return err_set(err, ERR_TIMEOUT, "broken off");
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "no answer within %" PRId64 " ms", look->end_ms - look->began_ms);
        return true;
    }
}

enum probe_exit probe_look_silent(struct probe_look *look, const char *cause)
{
    buf_addf(&look->out, "ms %" PRId64 "\n", probe_look_spent_ms(look));
    buf_addf(&look->err, "%s\n", cause);
    return PROBE_SILENT;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static void address_set(struct probe_address *address, const struct addrinfo *info)
{
    *address = (struct probe_address){ .length = info->ai_addrlen };
    memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    getnameinfo(info->ai_addr, info->ai_addrlen, address->text, sizeof(address->text), NULL, 0, NI_NUMERICHOST);
}

/* Wait for a name's addresses; the resolver's thread is left behind when the look ends first. */
static const struct addrinfo *await_addresses(struct probe_look *look, struct resolve *resolve, int event_fd,
                                              struct err *err)
{
    struct addrinfo *list = NULL;
    while (!resolve_done(resolve, &list, err)) {
        if (!probe_wait(look, event_fd, POLLIN, err))
            return NULL;
    }
    return list;
}

bool probe_resolve(struct probe_look *look, const struct probe_target *target, struct probe_address *ret_address,
                   struct err *err)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return err_set(err, ERR_IO, "look up %s: %s", target->address, strerror(errno));
    struct resolve *resolve = resolve_start(target->address, target->port, event_fd);
    const struct addrinfo *found = await_addresses(look, resolve, event_fd, err);
    if (found != NULL)
        address_set(ret_address, found);
    resolve_drop(resolve);
    close(event_fd);
    return found != NULL || err_wrap(err, "look up %s", target->address);
}

/* ---- connections --------------------------------------------------------------------------------------------------
 */

bool probe_connect(struct probe_look *look, const struct probe_target *target, int *ret_fd, struct err *err)
{
    struct probe_address address;
    if (!probe_resolve(look, target, &address, err))
        return false;
    int fd = socket(address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, ERR_IO, "socket: %s", strerror(errno));
    int cause = connect(fd, (struct sockaddr *)&address.socket, address.length) == 0 ? 0 : errno;
    if (cause == EINPROGRESS) {
        if (!probe_wait(look, fd, POLLOUT, err)) {
            close(fd);
            return err_wrap(err, "connect to %s port %d", target->address, target->port);
        }
        socklen_t length = sizeof(cause);
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &length);
    }
    if (cause != 0) {
        close(fd);
        return err_set(err, ERR_IO, "connect to %s port %d: %s", target->address, target->port, strerror(cause));
    }
    *ret_fd = fd;
    return true;
}

enum probe_exit probe_look_tcp(struct probe_look *look, const struct probe_request *request)
{
    struct err err = { 0 };
    int fd;
    if (!probe_connect(look, &request->targets[0], &fd, &err))
        return probe_look_silent(look, err.msg);
    close(fd);
    buf_addf(&look->out, "ms %" PRId64 "\n", probe_look_spent_ms(look));
    return PROBE_ANSWERED;
}

/* Read up to the first line break. @return the length of the line, or -1 with the cause in *err */
static ssize_t read_line(struct probe_look *look, int fd, char *line, size_t size, struct err *err)
{
    size_t length = 0;
    while (length < size - 1) {
        if (!probe_wait(look, fd, POLLIN, err))
            return -1;
        ssize_t got = recv(fd, line + length, size - 1 - length, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0) {
            err_set(err, ERR_IO, "%s", got < 0 ? strerror(errno) : "the connection ended before a greeting came");
            return -1;
        }
        length += (size_t)got;
        line[length] = '\0';
        if (strlen(line) < length || strchr(line, '\n') != NULL)
            break;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return (ssize_t)strlen(line);
}

enum probe_exit probe_look_greeting(struct probe_look *look, const struct probe_request *request)
{
    struct err err = { 0 };
    int fd;
    if (!probe_connect(look, &request->targets[0], &fd, &err))
        return probe_look_silent(look, err.msg);
    char line[1024] = "";
    ssize_t length = read_line(look, fd, line, sizeof(line), &err);
    close(fd);
    if (length < 0)
        return probe_look_silent(look, err.msg);
    buf_addf(&look->out, "greeting %s\nms %" PRId64 "\n", line, probe_look_spent_ms(look));
    if (strncmp(line, "* OK", 4) == 0)
        return PROBE_ANSWERED;
    buf_addf(&look->err, "the greeting is not one of IMAP: %s\n", line);
    return PROBE_WRONG;
}
