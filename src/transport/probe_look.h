/* probe_look.h - what one look needs: a time when it ends, a way to be broken off, and a place for what was seen.
 * Internal to the probe transport. Every function that waits returns when the time is over or the look is broken off.
 */
#ifndef BERTH_TRANSPORT_PROBE_LOOK_H
#define BERTH_TRANSPORT_PROBE_LOOK_H

#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "transport/probe.h"
#include "transport/probe_request.h"

struct probe_look {
    int64_t began_ms; /* CLOCK_BOOTTIME */
    int64_t end_ms;
    int cancel_fd;  /* an eventfd: readable when the look is to be broken off */
    struct buf out; /* facts */
    struct buf err; /* why, one sentence a line */
};

struct probe_address {
    struct sockaddr_storage socket;
    socklen_t length;
    char text[64]; /* numeric, for libcurl; IPv6 without brackets */
};

int64_t probe_look_left_ms(const struct probe_look *look); /* 0 when its time is over */
int64_t probe_look_spent_ms(const struct probe_look *look);
bool probe_look_cancelled(const struct probe_look *look);

/** Find the address of a target; only a name that is no address costs a look-up. ERR_TIMEOUT, or ERR_IO with the cause.
 */
MUST_CHECK bool probe_resolve(struct probe_look *look, const struct probe_target *target,
                              struct probe_address *ret_address, struct err *err);
/** Wait until fd is ready for `events` of poll(). ERR_TIMEOUT when the time is over or the look is broken off. */
MUST_CHECK bool probe_wait(struct probe_look *look, int fd, short events, struct err *err);
/** A TCP connection, non-blocking; the caller's to close. ERR_TIMEOUT, or ERR_IO with the cause. */
MUST_CHECK bool probe_connect(struct probe_look *look, const struct probe_target *target, int *ret_fd, struct err *err);

/** The end of a look that got no answer: how long it took, and why. @return PROBE_SILENT */
enum probe_exit probe_look_silent(struct probe_look *look, const char *cause);

/* One look of each kind: fills look->out and look->err. */
enum probe_exit probe_look_tcp(struct probe_look *look, const struct probe_request *request);
enum probe_exit probe_look_greeting(struct probe_look *look, const struct probe_request *request);
enum probe_exit probe_look_http(struct probe_look *look, const struct probe_request *request);
enum probe_exit probe_look_imap(struct probe_look *look, const struct probe_request *request);
enum probe_exit probe_look_dns(struct probe_look *look, const struct probe_request *request); /* and resolve */

/* The resolvers that this machine uses. */
#define PROBE_SYSTEM_MAX 3 /* as many as the C library takes */
struct probe_system {
    char addresses[PROBE_SYSTEM_MAX][64];
    size_t count; /* at least 1: without any, the one on this machine */
};
#define PROBE_SYSTEM_FILE "/etc/resolv.conf"
void probe_system_read(const char *path, struct probe_system *ret_system);

/** libcurl's own start, once per process. */
void probe_curl_start(void);

#endif
