/* harness.h - what the tests of probes and of the verify driver share: running a command through the probe transport and waiting for
 * its end, servers that are real and end with the test, ports that nobody has. */
#ifndef BERTH_TESTS_VERIFY_HARNESS_H
#define BERTH_TESTS_VERIFY_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "drivers/driver.h"
#include "transport/transport.h"

struct harness {
    struct transport *transport;
    int woken_fd; /* an eventfd that the transport's wake writes to */
    uint64_t next_id;
};

void harness_open(struct harness *harness, unsigned threads);
void harness_close(struct harness *harness);
/** Start a command (taken over) with the next id. @return the id */
uint64_t harness_start(struct harness *harness, struct command *command);
/** The next event, waiting up to wait_ms; false when none comes. */
bool harness_event(struct harness *harness, int64_t wait_ms, struct transport_event *ret_event);
/** Start a command and wait for its result, which must be the second event, after STARTED. The caller's to finish. */
struct command_result harness_run(struct harness *harness, struct command *command);
/** The same with one segment of these words. */
struct command_result harness_look(struct harness *harness, const char *word, ...) __attribute__((sentinel));

/** Play an attempt to its end; `before_look` (or NULL) is called before each look with its number. */
struct move harness_attempt(struct harness *harness, const struct step *step,
                            void (*before_look)(size_t look, void *context), void *context);

/** A port of 127.0.0.1 that is free for TCP and UDP. */
int free_port(void);
void write_file(const char *directory, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** A directory of its own under /tmp, open to everyone, removed by remove_directory(). */
char *make_directory(void);
void remove_directory(char *directory);

/** Start a server in the foreground, its output into DIRECTORY/NAME.log; it ends when the test ends. */
pid_t server_start(const char *directory, const char *name, const char *const *argv);
/** Run a program to its end. @return its exit code, -1 when it was killed */
int server_run(const char *directory, const char *name, const char *const *argv);
/** Wait until somebody listens; fails the test after 10 s, or when the server has died. */
void server_wait(pid_t pid, const char *directory, const char *name, int port);
void server_stop(pid_t pid);

#endif
