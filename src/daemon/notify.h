/* notify.h - tells the service manager how we are: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET. */
#ifndef BERTH_DAEMON_NOTIFY_H
#define BERTH_DAEMON_NOTIFY_H

#include <stdint.h>

/** "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..."; nothing happens when nobody listens. */
void notify_manager(const char *state);
/** How often the manager wants to hear WATCHDOG=1 at the least (WatchdogSec=), milliseconds; 0: it does not. */
int64_t notify_watchdog_ms(void);

#endif
