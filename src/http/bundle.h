/* bundle.h - a run as a file that can be passed on: a text (JSON itself) with a signature over its bytes, docs/operations.md.
 * Apart from the server, because berthctl checks such files as well. sodium_init() comes first. */
#ifndef BERTH_HTTP_BUNDLE_H
#define BERTH_HTTP_BUNDLE_H

#include <jansson.h>

#include "base/keyring.h"

#define BUNDLE_FORMAT "berth-run-1"
#define BUNDLE_FILE_MAX (32U * 1024U * 1024U) /* 4 MiB of logs, escaped twice, fit with room to spare */
#define BUNDLE_KEY_TEXT_MAX 64

enum bundle_verdict {
    BUNDLE_UNCHANGED,
    BUNDLE_CHANGED,   /* or never signed: its signature is not one of its own key over its text */
    BUNDLE_OTHER_KEY, /* unchanged, but somebody else's */
};

/** The file of a text, signed by the installation. @return the caller's to json_decref() */
json_t *bundle_make(const struct keyring *keyring, const char *text);
/** The key that the installation's files are signed with, in base64: made of its keyring, so it stays the same. */
void bundle_public_key(const struct keyring *keyring, char ret_text[BUNDLE_KEY_TEXT_MAX]);
/**
 * Is a file as it was made?
 * @param file  any JSON, or NULL
 * @param key   whose it must be, in base64; NULL: of whomever the file names, which proves only that nothing was changed since
 */
enum bundle_verdict bundle_check(const json_t *file, const char *key);

#endif
