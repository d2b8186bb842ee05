/* sshd.h - a private OpenSSH server on 127.0.0.1 for tests: own configuration, host key and port, and our key let in. */
#ifndef BERTH_TESTS_TRANSPORT_SSHD_H
#define BERTH_TESTS_TRANSPORT_SSHD_H

#include <stdbool.h>
#include <sys/types.h>

#include "transport/transport.h"

struct sshd {
    char folder[64];   /* everything of it, in /tmp */
    char key_path[96]; /* what may log in */
    char wrong_key_path[96];
    char user[64];
    char *host_key; /* "ssh-ed25519 AAAA..." */
    char *other_host_key;
    int port;
    pid_t pid;
    const char *extra; /* further lines of its configuration */
};

/** Ends the process with a message when it cannot: every test needs it. */
void sshd_start(struct sshd *sshd, const char *extra);
void sshd_stop(struct sshd *sshd);
/** Stop listening and start again, on the same port with the same key. */
void sshd_halt(struct sshd *sshd);
void sshd_resume(struct sshd *sshd);
/** kill -9 the processes that serve connections; what was started over them goes on. @return how many */
int sshd_cut(struct sshd *sshd);
/** Send a signal to each process that serves a connection. */
int sshd_signal_connections(struct sshd *sshd, int signal);
struct transport_node sshd_node(const struct sshd *sshd, int64_t id);
/** Write a whole file. */
void write_text(const char *path, const char *text, mode_t mode);
/** Read a whole file; "" when there is none. The caller's to free. */
char *read_text(const char *path);

#endif
