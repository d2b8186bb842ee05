/* client.h - a test's side of a transport: starts commands, waits for their events with a deadline, keeps what they bring. */
#ifndef BERTH_TESTS_TRANSPORT_CLIENT_H
#define BERTH_TESTS_TRANSPORT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sshd.h"
#include "transport/ssh.h"
#include "transport/transport.h"

#define CLIENT_WAIT_MS 20000 /* a test that waits longer has failed */
#define OUTPUTS_MAX 4096

struct output {
    uint64_t command_id;
    unsigned number;
    unsigned segment;
    int stream;
    char *data;
    size_t length;
    int64_t at_us;
};

struct client {
    struct transport *transport;
    int wake_fd;
    char installation[8];
    uint64_t next_id;
    int64_t next_fence;
    struct output outputs[OUTPUTS_MAX];
    size_t output_count;
    int ups, downs;
    char *down_message;
    enum transport_fault down_fault;
    int started;
    int64_t started_us;
    struct transport_event results[256]; /* not yet taken by client_wait() */
    size_t result_count;
};

/** With the config's zero fields as the transport's defaults, its own installation id, and node 1 set to the sshd. */
void client_open(struct client *client, const struct sshd *sshd, struct transport_ssh_config config);
/** The same, but without a node. */
void client_open_bare(struct client *client, const struct sshd *sshd, struct transport_ssh_config config);
/** Destroy the transport; the node's state stays. */
void client_close(struct client *client);
/** And remove the node's state. */
void client_end(struct client *client);

/** A make or look with defaults: node 1, deadline 20 s, a new fence, number 0. */
struct command *client_command(struct client *client, enum lane lane);
/** A pick-up of that fence. */
struct command *client_pick_up(struct client *client, int64_t fence);
/** @return its id */
uint64_t client_start(struct client *client, struct command *command);
/** Handle events until the command's result is there, and hand it over (transport_event_finish). Fails the test when it is late. */
struct transport_event client_wait(struct client *client, uint64_t id);
struct transport_event client_run(struct client *client, struct command *command);
/** Handle events for so long. */
void client_pump(struct client *client, int64_t ms);
/** Handle events until at least so many ups, or outputs. */
void client_wait_up(struct client *client, int ups);
void client_wait_output(struct client *client, size_t outputs);
/** All output of a command's segment, in order; the caller's to free. */
char *client_output(const struct client *client, uint64_t id, unsigned segment, int stream);
/** Of the last result: it ended, with so many segments. @return them */
const struct segment_result *expect_ended(const struct transport_event *event, size_t segments);
void expect_outcome(const struct transport_event *event, enum outcome outcome, enum transport_fault fault);
/** A shell's words as a command: sh -c text. */
struct segment *add_sh(struct command *command, const char *text);
/** $HOME/.berth/<installation>/<name>; the caller's to free. */
char *client_state_path(const struct client *client, const char *name);

#endif
