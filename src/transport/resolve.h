/* resolve.h - look a host name up without holding up the caller: numeric addresses at once, names on a thread of their
 * own. */
#ifndef BERTH_TRANSPORT_RESOLVE_H
#define BERTH_TRANSPORT_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

#include "base/err.h"

struct resolve;

/** @param event_fd an eventfd that is written to when the answer is there (a duplicate is kept as long as needed) */
struct resolve *resolve_start(const char *address, int port, int event_fd);
/** @return false while it is not known yet; then *ret_list (NULL when there is none, with *err) stays the resolve's */
bool resolve_done(struct resolve *resolve, struct addrinfo **ret_list, struct err *err);
/** NULL is allowed. A look-up that still runs ends by itself. */
void resolve_drop(struct resolve *resolve);

#endif
