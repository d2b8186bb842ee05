/* ssh_key.c - host keys as text, fingerprints, asking a server for its key, making our own key pair. */
#include "transport/ssh_key.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "transport/ssh.h"

#define KEY_LINE_MAX 4096

static void keyp(ssh_key *key)
{
    ssh_key_free(*key);
}

bool ssh_key_line_of_server(ssh_session ssh, char **ret_line)
{
    CLEANUP(keyp) ssh_key key = NULL;
    char *base64 = NULL;
    if (ssh_get_server_publickey(ssh, &key) != SSH_OK || ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return false;
    *ret_line = xasprintf("%s %s", ssh_key_type_to_char(ssh_key_type(key)), base64);
    if (ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P256 || ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P384 ||
        ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P521) {
        free(*ret_line);
        *ret_line = xasprintf("%s %s", ssh_pki_key_ecdsa_name(key), base64);
    }
    ssh_string_free_char(base64);
    return true;
}

/* The first two words. @return false when there are not two */
static bool line_split(const char *line, char *ret_type, char *ret_base64)
{
    if (strlen(line) >= KEY_LINE_MAX)
        return false;
    return sscanf(line, "%63s %4095s", ret_type, ret_base64) == 2;
}

bool ssh_key_lines_equal(const char *one, const char *other)
{
    char types[2][64];
    char keys[2][KEY_LINE_MAX];
    return line_split(one, types[0], keys[0]) && line_split(other, types[1], keys[1]) &&
           strcmp(types[0], types[1]) == 0 && strcmp(keys[0], keys[1]) == 0;
}

bool ssh_key_fingerprint(const char *key_line, char **ret_fingerprint)
{
    char type[64];
    char base64[KEY_LINE_MAX];
    CLEANUP(keyp) ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t length = 0;
    if (!line_split(key_line, type, base64))
        return false;
    enum ssh_keytypes_e kind = ssh_key_type_from_name(type);
    if (kind == SSH_KEYTYPE_UNKNOWN || ssh_pki_import_pubkey_base64(base64, kind, &key) != SSH_OK ||
        ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != 0)
        return false;
    char *text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    ssh_clean_pubkey_hash(&hash);
    if (text == NULL)
        return false;
    *ret_fingerprint = xstrdup(text);
    ssh_string_free_char(text);
    return true;
}

void ssh_key_algorithms(const char *line, char *ret_text, size_t size)
{
    static const struct {
        const char *type;
        const char *algorithms;
    } known[] = {
        { "ssh-ed25519", "ssh-ed25519" },
        { "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
        { "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
        { "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" },
        { "ssh-rsa", "rsa-sha2-512,rsa-sha2-256" },
    };
    char type[64] = "";
    size_t used = 0;
    if (line != NULL)
        sscanf(line, "%63s", type);
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            bool ours = strcmp(known[i].type, type) == 0;
            if (ours == (turn == 0))
                used +=
                    (size_t)snprintf(ret_text + used, size - used, "%s%s", used > 0 ? "," : "", known[i].algorithms);
        }
    }
}

/* ---- ask a server ---------------------------------------------------------------------------------------------------- */

/* @return a connected, non-blocking socket, or -1 with *err */
static int connect_within(const char *address, int port, int64_t deadline_us, struct err *err)
{
    char service[8];
    struct addrinfo *list = NULL;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    snprintf(service, sizeof(service), "%d", port);
    int error = getaddrinfo(address, service, &hints, &list);
    if (error != 0) {
        err_set(err, ERR_IO, "no address for %s: %s", address, gai_strerror(error));
        return -1;
    }
    int fd = -1;
    int last_errno = ETIMEDOUT;
    for (struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
        last_errno = errno;
        if (fd < 0)
            continue;
        if (connect(fd, at->ai_addr, at->ai_addrlen) != 0 && errno == EINPROGRESS) {
            int64_t left_ms = (deadline_us - clock_measure_us()) / 1000;
            struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
            socklen_t length = sizeof(last_errno);
            last_errno = ETIMEDOUT;
            if (left_ms > 0 && poll(&poll_fd, 1, (int)left_ms) == 1)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &last_errno, &length);
        } else {
            last_errno = errno;
        }
        struct sockaddr_storage peer;
        socklen_t peer_length = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        err_set(err, last_errno == ETIMEDOUT ? ERR_TIMEOUT : ERR_IO, "connect to %s port %d: %s", address, port,
                strerror(last_errno));
    return fd;
}

static bool exchange_keys(ssh_session ssh, int64_t deadline_us, struct err *err)
{
    for (;;) {
        int rc = ssh_connect(ssh);
        if (rc == SSH_OK)
            return true;
        if (rc == SSH_ERROR)
            return err_set(err, ERR_IO, "%s", ssh_get_error(ssh));
        int64_t left_ms = (deadline_us - clock_measure_us()) / 1000;
        if (left_ms <= 0)
            return err_set(err, ERR_TIMEOUT, "no SSH server answered in time");
        bool writes = (ssh_get_poll_flags(ssh) & SSH_WRITE_PENDING) != 0;
        struct pollfd poll_fd = { .fd = ssh_get_fd(ssh), .events = writes ? POLLIN | POLLOUT : POLLIN };
        poll(&poll_fd, 1, (int)left_ms);
    }
}

bool ssh_scan_host_key(const char *address, int port, int64_t timeout_ms, char **ret_key_line, char **ret_fingerprint,
                       struct err *err)
{
    const int no = 0;
    char algorithms[256];
    int64_t deadline_us = clock_measure_us() + timeout_ms * 1000;
    int fd = connect_within(address, port, deadline_us, err);
    if (fd < 0)
        return false;
    ssh_session ssh = ssh_new();
    if (ssh == NULL) {
        close(fd);
        return err_set(err, ERR_BUG, "no memory for a connection");
    }
    ssh_key_algorithms(NULL, algorithms, sizeof(algorithms));
    ssh_set_blocking(ssh, 0);
    bool done = ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
                ssh_options_set(ssh, SSH_OPTIONS_HOST, address) == SSH_OK &&
                ssh_options_set(ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == SSH_OK &&
                ssh_options_set(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == SSH_OK &&
                ssh_options_set(ssh, SSH_OPTIONS_HOSTKEYS, algorithms) == SSH_OK;
    if (!done || ssh_options_set(ssh, SSH_OPTIONS_FD, &fd) != SSH_OK) {
        err_set(err, ERR_BUG, "set up SSH: %s", ssh_get_error(ssh));
        close(fd);
        ssh_free(ssh);
        return false;
    }
    char *line = NULL;
    done = exchange_keys(ssh, deadline_us, err);
    if (done && (!ssh_key_line_of_server(ssh, &line) || !ssh_key_fingerprint(line, ret_fingerprint))) {
        free(line);
        done = err_set(err, ERR_IO, "the server's host key cannot be read");
    }
    if (done)
        *ret_key_line = line;
    ssh_free(ssh); /* and closes fd */
    return done || err_wrap(err, "host key of %s port %d", address, port);
}

/* ---- our own key ----------------------------------------------------------------------------------------------------- */

static bool write_new(const char *path, mode_t mode, const char *text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "create %s: %s", path, strerror(errno));
    size_t length = strlen(text);
    bool written = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 || !written) {
        unlink(path);
        return err_set(err, ERR_IO, "write %s: %s", path, strerror(error));
    }
    return true;
}

/* libssh 0.10 cannot export an ed25519 key to memory, only to a file that it makes with the process's umask: so it makes it in
 * a fresh directory of mode 0700, and link() then refuses to replace anything. */
static bool export_private(ssh_key key, const char *path, struct err *err)
{
    CLEANUP(freep) char *folder = xasprintf("%s.XXXXXX", path);
    if (mkdtemp(folder) == NULL)
        return err_set(err, ERR_IO, "create a directory beside %s: %s", path, strerror(errno));
    CLEANUP(freep) char *draft = xasprintf("%s/key", folder);
    bool done = ssh_pki_export_privkey_file(key, NULL, NULL, NULL, draft) == SSH_OK;
    if (!done)
        err_set(err, ERR_IO, "write %s", draft);
    else if (chmod(draft, 0600) != 0 || link(draft, path) != 0)
        done = err_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "create %s: %s", path, strerror(errno));
    unlink(draft);
    rmdir(folder);
    return done;
}

bool ssh_generate_key(const char *path, struct err *err)
{
    CLEANUP(keyp) ssh_key key = NULL;
    char *base64 = NULL;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK ||
        ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return err_set(err, ERR_BUG, "cannot make an SSH key");
    CLEANUP(freep) char *public_path = xasprintf("%s.pub", path);
    CLEANUP(freep) char *public_line = xasprintf("ssh-ed25519 %s berth\n", base64);
    ssh_string_free_char(base64);
    return export_private(key, path, err) && write_new(public_path, 0644, public_line, err);
}
