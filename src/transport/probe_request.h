/* probe_request.h - the language of probe.h, read: what a segment asks for. Shared by everyone who answers it, be it
 * with sockets or from a model. Depends on nothing but the words. */
#ifndef BERTH_TRANSPORT_PROBE_REQUEST_H
#define BERTH_TRANSPORT_PROBE_REQUEST_H

#include "base/err.h"
#include "transport/transport.h"

#define PROBE_SERVERS_MAX 16U
#define PROBE_QUESTIONS_MAX 1024U
#define PROBE_BODY_MAX (64U * 1024U)
#define PROBE_TIMEOUT_MS_MAX (10 * 60 * 1000)

enum probe_verb { PROBE_PAUSE, PROBE_HTTP, PROBE_DNS, PROBE_RESOLVE, PROBE_IMAP, PROBE_IMAP_GREETING, PROBE_TCP };

struct probe_target {
    const char *address;
    int port;
};

/* Points into the segment that it was read from. */
struct probe_request {
    enum probe_verb verb;
    int64_t timeout_ms; /* pause: how long */
    struct probe_target targets[PROBE_SERVERS_MAX];
    size_t target_count;     /* dns: 1 or more, resolve: any number, pause: 0, others: 1 */
    const char *host, *path; /* http */
    char *const *questions;  /* dns, resolve: name, type, name, type ... */
    size_t question_count;
    const char *user, *password; /* imap */
    const char *tls_name;        /* imap; NULL: the address */
    bool tls_verify;
};

/** @return false with ERR_INVALID and what is wrong with the words (never the password) */
MUST_CHECK bool probe_request_read(const struct segment *segment, struct probe_request *ret_request, struct err *err);

#endif
