/* server.h - the HTTP server: the API for billing systems, staff and berthctl, and the customer's status page.
 *
 * One thread (libmicrohttpd, epoll) reads and answers; it parses a write, posts it to the engine's inbox and lets the
 * connection sleep until the commit has been made. Reads are done by a second thread on a read-only connection to the
 * database, so that a long list never delays an order. Host keys are scanned by short-lived threads. */
#ifndef BERTH_HTTP_SERVER_H
#define BERTH_HTTP_SERVER_H

#include "base/clock.h"
#include "base/err.h"
#include "base/keyring.h"
#include "base/pulse.h"
#include "core/changes.h"
#include "engine/request.h"

/** Ask a server for its host key. @param ret_key_line "ssh-ed25519 AAAA...", the caller's; ret_fingerprint
 * "SHA256:...", the caller's. Blocks up to timeout_ms; called from a thread of its own. */
typedef bool http_scan_host_key(const char *address, int port, int timeout_ms, char **ret_key_line,
                                char **ret_fingerprint, struct err *err);

struct assets;

struct http_config {
    const char *listen_address; /* IPv4 or IPv6 address */
    int port;                   /* 0: any free one, see http_server_port() */
    const char *
        base_url; /* "https://berth.example.net", without a slash at the end: what links begin with; "": http://address:port */
    const char *store_url; /* the database; opened read-only: the writer must have created it */
    struct inbox *inbox;
    const struct keyring *keyring;
    const char *installation;
    struct clock *clock;
    const struct pulse *pulse;         /* the engine's, for health; NULL: not watched */
    const char *web_dir;               /* the pages' files as they were built; NULL or "": none, pages are plain HTML */
    const struct assets *assets;       /* the server's own: what it has read from there */
    http_scan_host_key *scan_host_key; /* NULL: nodes can only be added with their key */
};

struct http_server;
struct auth;
struct passwords;

/** Texts of config are copied; inbox, keyring and clock must outlive the server. */
MUST_CHECK bool http_server_create(const struct http_config *config, struct http_server **ret_server, struct err *err);
/* for src/http: who may do what, and the thread that checks passwords */
struct auth *http_server_auth(struct http_server *server);
struct passwords *http_server_passwords(struct http_server *server);
/** For src/http, in its thread: what a person or token may do has changed. */
void http_server_access_changed(struct http_server *server, bool staff, int64_t id);
/** Any thread: this has been committed; those who watch are told. Does not block. */
void http_server_tell(struct http_server *server, const struct changes *changes);
int http_server_port(const struct http_server *server);
/** Stops listening, answers what waits with 503, ends its threads: in less than a second. Requests that the inbox still
 * has are answered into the void. NULL is allowed. */
void http_server_destroy(struct http_server *server);

#endif
