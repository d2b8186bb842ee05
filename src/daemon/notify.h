/* notify.h - tells the service manager how we are: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET. */
#ifndef BERTH_DAEMON_NOTIFY_H
#define BERTH_DAEMON_NOTIFY_H

/** "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..."; nothing happens when nobody listens. */
void notify_manager(const char *state);

#endif
