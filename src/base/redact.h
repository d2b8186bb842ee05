/* redact.h - the secrets that are in use now, and a filter that every log line, event and streamed output passes: a
 * known secret becomes ******** of the same length. Thread-safe. Nothing is secret by its looks here: a secret is
 * registered when it is generated or decrypted, before it can get anywhere. */
#ifndef BERTH_BASE_REDACT_H
#define BERTH_BASE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/** Register a secret (copied). Shorter than 6 bytes is ignored: it would blank out innocent text. Counted: the same
 * secret may be added several times, and is forgotten when removed as often. */
void redact_add(const char *secret);
void redact_remove(const char *secret);
/** Blank every known secret in place. @return true when something was blanked */
bool redact_bytes(char *data, size_t length);
bool redact_text(char *text);
/** How many trailing bytes of data could be the beginning of a secret: a stream keeps them back until more arrives. */
size_t redact_tail(const char *data, size_t length);

#endif
