/* keyring.h - the installation's secret key: encrypts secrets at rest and signs customers' links. A file of 32 random
 * bytes in hex, mode 0600, made by `berthctl init`; losing it loses the stored passwords, so it belongs into the
 * backup, apart from the database. libsodium: XChaCha20-Poly1305 for secrets, keyed BLAKE2b for signatures; each use
 * has a subkey of its own. */
#ifndef BERTH_BASE_KEYRING_H
#define BERTH_BASE_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "rng.h"

struct keyring;

MUST_CHECK bool keyring_create_file(const char *path, struct err *err); /* ERR_CONFLICT when it exists */
/** Refuses a file that others may read. */
MUST_CHECK bool keyring_load(const char *path, struct keyring **ret_keyring, struct err *err);
struct keyring *keyring_from_seed(uint64_t seed); /* simulator and tests */
void keyring_destroy(struct keyring *keyring);    /* wipes; NULL is allowed */
void keyring_destroyp(struct keyring **keyring);

/** Encrypt text; `context` (e.g. "17/3/panel-password") must be the same when it is opened. @param ret_cipher the
 * caller's */
void keyring_seal(const struct keyring *keyring, struct rng *rng, const char *context, const char *text,
                  unsigned char **ret_cipher, size_t *ret_length);
/** @param ret_text the caller's: wipe it after use */
MUST_CHECK bool keyring_open(const struct keyring *keyring, const char *context, const unsigned char *cipher,
                             size_t length, char **ret_text, struct err *err);

#define KEYRING_MAC_BYTES 32
/** A signature over text for one purpose ("customer-link"). */
void keyring_mac(const struct keyring *keyring, const char *purpose, const char *text,
                 unsigned char ret_mac[KEYRING_MAC_BYTES]);

/** A password that every panel and mail program accepts: 20 characters of [a-km-zA-HJ-NP-Z2-9], at least one of each
 * kind (about 115 bits). ret_password holds PASSWORD_LENGTH + 1. */
#define PASSWORD_LENGTH 20
void password_generate(struct rng *rng, char ret_password[PASSWORD_LENGTH + 1]);

#endif
