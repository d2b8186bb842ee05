/* ssh_script.h - the texts that lanes are sent: the prelude (node.sh) and requests. Pure functions. Every word and
 * input is single-quoted; half of a request is a syntax error, so that a cut in its middle runs nothing. */
#ifndef BERTH_TRANSPORT_SSH_SCRIPT_H
#define BERTH_TRANSPORT_SSH_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "transport/transport.h"

/* 128 random bits in hexadecimal: marks where output ends, which no output can guess. */
#define NONCE_LENGTH 32
struct nonce {
    char text[NONCE_LENGTH + 1];
};

struct nonce nonce_random(void);

struct script_node {
    const char *installation;
    bool sudo; /* put sudo -n in front of segments that want root */
};

void script_prelude(const struct script_node *node, const struct nonce *hello, struct buf *ret_text);
#define RECORD_NAME_MAX 64

/** Run durably: answers under `nonce`, markers in the record under `key`, the record under `name` (a word of ours). The text may
 * hold secrets: buf_wipe() it. */
void script_make(const struct script_node *node, const struct command *command, const struct nonce *nonce,
                 const struct nonce *key, const char *name, struct buf *ret_text);
/** Run with the output straight into the lane, marked by `key`. The text may hold secrets. */
void script_look(const struct script_node *node, const struct command *command, const struct nonce *key,
                 struct buf *ret_text);
void script_read(const char *name, const struct nonce *nonce, int64_t out_offset, int64_t err_offset, size_t cap,
                 struct buf *ret_text);
/** Make the files of the record that comes next, and sweep what older attempts left. */
void script_tidy(const char *name, bool sweep, const struct nonce *nonce, struct buf *ret_text);
/** @param stamp of the make lane that commands are taken from from now on (in its hello) */
void script_find(int64_t fence, const struct nonce *nonce, int64_t stamp, struct buf *ret_text);
void script_ping(const struct nonce *nonce, struct buf *ret_text);

#endif
