/* resolvers.h - the recursive resolvers that staff name in the setting world.resolvers: addresses between commas or blanks, each
 * with its port when that is not 53. */
#ifndef BERTH_CORE_RESOLVERS_H
#define BERTH_CORE_RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define RESOLVERS_MAX 8U

struct resolver {
    char address[46]; /* numeric, IPv6 without brackets */
    int port;
};

/**
 * Read "192.0.2.1, 192.0.2.2:5353 2001:db8::1 [2001:db8::2]:5353".
 *
 * @param ret_count  0 for a text without any
 * @return false with ERR_INVALID and what is wrong with which; no names: they would need a resolver
 */
MUST_CHECK bool resolvers_parse(const char *text, struct resolver ret_resolvers[RESOLVERS_MAX], size_t *ret_count,
                                struct err *err);

#endif
