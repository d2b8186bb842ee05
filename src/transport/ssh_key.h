/* ssh_key.h - host keys as lines of text, "ssh-ed25519 AAAA...". See ssh.h for the part that others use. */
#ifndef BERTH_TRANSPORT_SSH_KEY_H
#define BERTH_TRANSPORT_SSH_KEY_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>

/** The key that the server of a session that has exchanged keys shows; the caller's to free. */
bool ssh_key_line_of_server(ssh_session ssh, char **ret_line);
/** Same type and key? What follows them does not count. */
bool ssh_key_lines_equal(const char *one, const char *other);
/** What to ask a server for: the recorded key's type first, then the others, so that a changed type shows as a changed key. */
void ssh_key_algorithms(const char *line, char *ret_text, size_t size);

#endif
