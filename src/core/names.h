/* names.h - the names that we give to things on a node: the ownership mark (the account's package) and the panel user.
 */
#ifndef BERTH_CORE_NAMES_H
#define BERTH_CORE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/util.h"

#define NAMES_INSTALLATION_LENGTH 6
#define NAMES_PACKAGE_SIZE 32
#define NAMES_USERNAME_SIZE 17 /* 16 characters: the panel puts the name before database names, whose limit is 32 */

/**
 * b<installation>-<service id, 10 digits>-x. The fixed width and the end mark keep one package from being a prefix of
 * another: the panel's package delete also moves users of packages whose names begin alike.
 * @param installation  6 characters of [0-9a-z]
 * @param service_id    1 to 9999999999
 */
void names_package(const char *installation, int64_t service_id, char ret_package[NAMES_PACKAGE_SIZE]);

/**
 * Whose is this account?
 * @param package  what the panel says; any text
 * @return true when the mark is of this installation; then *ret_service_id is the service. Other installations may
 * share a node, so "not ours" is not "nobody's".
 */
bool names_package_owner(const char *package, const char *installation, int64_t *ret_service_id);

/** Is it an ownership mark at all, of whatever installation? */
bool names_package_is_mark(const char *package);

/**
 * A panel user for a domain: [a-z][a-z0-9]{1,15}. The rule, which must stay as it is (names are recorded, but people
 * get used to them):
 *   1. take the first label, without a leading `xn--`, and only its letters and digits;
 *   2. while that has fewer than two characters, go on with the next label;
 *   3. when it begins with a digit, put `u` in front;
 *   4. cut to 16 characters;
 *   5. when that is reserved (names of the system, of the panel and of services) or taken, cut it and add 2, 3 ... 9,
 * then five digits that come from the domain: even the ten-thousandth shop.* is found after a few questions.
 * @param domain  normalised
 * @param taken   is asked for each candidate that is not reserved; when it fails, so does this function
 * @return false with ERR_CONFLICT when no candidate was free
 */
MUST_CHECK bool names_username(const char *domain,
                               bool (*taken)(void *context, const char *name, bool *ret_taken, struct err *err),
                               void *context, char ret_username[NAMES_USERNAME_SIZE], struct err *err);

#endif
