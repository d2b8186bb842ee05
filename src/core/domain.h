/* domain.h - names that people type: domains, e-mail addresses and the short names of nodes, groups and products. All
 * checks are pure; on failure *err is ERR_INVALID with the field and a sentence that says what is wrong. */
#ifndef BERTH_CORE_DOMAIN_H
#define BERTH_CORE_DOMAIN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/util.h"

#define DOMAIN_LENGTH_MAX 253
#define DOMAIN_LABEL_MAX 63
#define EMAIL_LENGTH_MAX 254
#define NAME_LENGTH_MAX 40

/**
 * The one form in which a domain is stored and compared: A-labels (IDNA 2008, mapped as TR46 says), lower case, without
 * the dot at the end and without `www.` in front (cut as often as it stands there: the panel cuts it too, and both must
 * mean the same name).
 *
 * Refused: fewer than two labels, empty labels, labels over 63 and names over 253 characters, characters other than
 * letters, digits and hyphens, IP addresses, a last label of digits only.
 * @param ret_ascii  the caller's to free
 * @return false with field "domain", e.g. "example..com: empty label"
 */
MUST_CHECK bool domain_normalise(const char *input, char **ret_ascii, struct err *err);

/** The form that people read, from a stored one. @param ret_unicode the caller's to free; UTF-8 */
MUST_CHECK bool domain_to_unicode(const char *ascii, char **ret_unicode, struct err *err);

/** A plain ASCII address that the panel accepts too: local part of [A-Za-z0-9._%+-]; field "client.email". */
MUST_CHECK bool email_check(const char *email, struct err *err);

/** [a-z0-9][a-z0-9-]{0,39}: nodes, groups, products. @param field what *err calls it */
MUST_CHECK bool name_check(const char *name, const char *field, struct err *err);

#endif
