/* ssh.h - the transport to real nodes: one session per node, a few resident shells in it, one thread for all nodes. See
 * transport.h for the contract and docs/decisions/durable-commands.md for what happens on a node. */
#ifndef BERTH_TRANSPORT_SSH_H
#define BERTH_TRANSPORT_SSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "transport/transport.h"

#define SSH_INSTALLATION_LENGTH 6

struct transport_ssh_config {
    const char *key_path;     /* our private key (OpenSSH format, no passphrase) */
    const char *installation; /* 6 characters of [a-z0-9]: names the state directory on nodes */
    int64_t connect_ms;       /* from start() to a session, and for each step of making one; 0: 10 s */
    int64_t silence_ms;       /* a session that owes an answer for so long is dropped; 0: 15 s */
    int64_t health_ms;        /* an idle session is asked for a sign of life so often; 0: 15 s */
    int64_t poll_ms;          /* how often a command that runs is asked for its output; 0: 100 ms */
    unsigned look_lanes;      /* looks at once per node; 0: 2 */
    struct clock *clock;      /* NULL: the real one */
};

/**
 * Load the key and start the thread. Nodes are connected to when they are set.
 * @param wake called from the transport's thread, never under a lock, when events are ready; not again before poll() has taken the
 *             last of them
 * @return NULL when the key cannot be loaded or the configuration is wrong
 */
struct transport *transport_ssh_create(const struct transport_ssh_config *config, struct transport_wake wake,
                                       struct err *err);

/* What may be changed while it runs; 0: the default, as in the configuration. */
struct transport_ssh_limits {
    int64_t connect_ms, silence_ms;
    unsigned look_lanes;
    int channels_max; /* of each session, whatever the node allows; 0: no limit of its own */
};
/** From any thread. Holds for what begins from now on; a session that needs another number of channels is replaced, and its
 * commands end over the old one. */
void transport_ssh_set_limits(struct transport *transport, const struct transport_ssh_limits *limits);

/**
 * Ask a server for its host key, without logging in. Blocks: for threads of the caller's own.
 * @param ret_key_line    "ssh-ed25519 AAAA...", the caller's to free
 * @param ret_fingerprint "SHA256:...", the caller's to free
 */
MUST_CHECK bool ssh_scan_host_key(const char *address, int port, int64_t timeout_ms, char **ret_key_line,
                                  char **ret_fingerprint, struct err *err);

/** "SHA256:..." of a line "type base64 [comment]". @return false when it is not a key line */
bool ssh_key_fingerprint(const char *key_line, char **ret_fingerprint);

/** Make an ed25519 key pair: path (mode 0600) and path.pub; an existing file is never replaced. */
MUST_CHECK bool ssh_generate_key(const char *path, struct err *err);

#endif
