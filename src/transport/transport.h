/* transport.h - carries a command to a node (or a probe to the world) and streams back its output.
 *
 * A command is a list of segments that run one after the other in one round trip: typically look, make, look again. Each
 * segment says after which exit codes the next one runs; any other exit code ends the command there, and the driver decides.
 *
 * Two implementations of the node side: ssh (real nodes) and sim (modelled nodes on a virtual clock). A third, probe, opens its
 * own sockets and looks at a service from outside. All are used from the engine's thread only; what they do in threads of
 * their own stays behind this header.
 *
 * Durable commands (LANE_MAKE): the node keeps a record of every command, named by its fence and number, with output and exit
 * code, in $HOME/.berth/<installation>. It outlives the connection and can be picked up again. The node also keeps the highest
 * fence that it has seen and refuses lower ones. See docs/decisions/durable-commands.md. */
#ifndef BERTH_TRANSPORT_H
#define BERTH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* ---- what is to be run ------------------------------------------------------------------------------------------- */

enum segment_input {
    INPUT_NONE,
    INPUT_STDIN, /* `input` is what the segment reads from standard input */
    INPUT_FILE,  /* `input` is put into a fresh file /tmp/... of mode 0600; the argv word "{file}" becomes its path */
};

#define SEGMENT_GO_ON_MAX 6
#define SEGMENT_GO_ON_ANY (-1) /* as go_on[0]: whatever the exit code was */

struct segment {
    char **argv; /* NULL-terminated words; owned. The transport quotes them: no shell syntax gets through */
    char *
        input; /* owned, NUL-terminated, or NULL; may hold a secret: never logged, never in an argument, wiped when freed */
    enum segment_input input_kind;
    bool as_root; /* put `sudo -n` in front where the node's SSH user is not root */
    bool changes; /* makes something (false: only looks) */
    bool quiet;   /* its output is for the driver only and never goes to the attempt's log (lists may hold secrets) */
    int go_on[SEGMENT_GO_ON_MAX]; /* exit codes after which the next segment runs */
    unsigned go_on_count;
};

enum lane {
    LANE_MAKE,  /* changes a node: durable, fenced, under the node's lock; one at a time */
    LANE_LOOK,  /* only looks: not durable, beside a change; running it again is always safe */
    LANE_PROBE, /* looks from outside, from this machine */
};

struct command {
    uint64_t id;     /* chosen by the engine, unique within this process; results carry it */
    int64_t node_id; /* 0 for LANE_PROBE */
    enum lane lane;
    int64_t fence;   /* LANE_MAKE: the attempt's number */
    unsigned number; /* LANE_MAKE: 0 for the attempt's first command, 1 for the next ... */
    bool pick_up; /* LANE_MAKE: do not run anything; find the records of `fence` and follow the last one to its end */
    int64_t deadline_ms;   /* from start to end, else the connection is dropped and the outcome is unknown; > 0 */
    int64_t silence_ms;    /* without a byte of output or sign of life; 0: as deadline_ms */
    int64_t node_limit_ms; /* the node itself may kill the command after this long; 0: never */
    /* LANE_MAKE: paths on the node; while the disk of one of them has less room than room_kib, or hardly a file left to
     * make, nothing is run. NULL-terminated and static, of [a-z/]; NULL: no room is asked for. One that is missing is left out. */
    const char *const *disks;
    int64_t room_kib;
    struct segment *segments; /* owned */
    size_t segment_count;
};

struct command *command_create(void);
void command_destroy(struct command *command); /* wipes inputs; NULL is allowed */
void command_destroyp(struct command **command);
struct command *command_copy(const struct command *command);
/** Append a segment with the words of a NULL-terminated list; the pointer is valid until the next call. */
struct segment *command_add(struct command *command, const char *word, ...) __attribute__((sentinel));
/** Drop the segments from `count` on. */
void command_cut(struct command *command, size_t count);
void segment_add_word(struct segment *segment, const char *word);
void segment_set_input(struct segment *segment, enum segment_input kind, const char *input);
void segment_go_on(struct segment *segment, int exit_code); /* another exit code after which the next segment runs */
/** The segment as a person would type it, for logs: words quoted where needed, {file} and stdin shown as such. */
void segment_describe(const struct segment *segment, struct buf *ret_text);

/* ---- what came of it --------------------------------------------------------------------------------------------- */

enum outcome {
    OUTCOME_ENDED,       /* ran to its end; see the segments (a segment that was not reached has ran == false) */
    OUTCOME_NOT_STARTED, /* nothing has run on the node, for sure: cannot connect, refused login, channel refused ... */
    OUTCOME_UNKNOWN, /* it may have run: connection lost or deadline passed. LANE_MAKE: pick it up; LANE_LOOK: look again */
    OUTCOME_BUSY,   /* the node's lock is held by another command; nothing has run */
    OUTCOME_FENCED, /* the node has seen a higher fence; nothing has run */
    OUTCOME_LOST,   /* it had started, but its end will never be known: the node was restarted, or killed it */
    OUTCOME_KILLED, /* node_limit_ms passed and the node killed it */
};

struct segment_result {
    bool ran;
    int exit_code; /* 0..255; 128+n when killed by signal n */
    char *out;     /* owned, NUL-terminated, never NULL after it ran; NULs of the output become spaces */
    char *err;
    bool truncated; /* more than RESULT_OUTPUT_MAX bytes: the beginning is kept */
};

#define RESULT_OUTPUT_MAX (1024U * 1024U)
#define RESULT_SEGMENTS_MAX 16U

/* why a command did not start or was lost; decides who is told what */
enum transport_fault {
    FAULT_NONE,
    FAULT_CONNECT,   /* refused, unreachable, timed out before login */
    FAULT_HOST_KEY,  /* the node shows another host key than the recorded one: never retried by itself */
    FAULT_AUTH,      /* the node does not accept our key */
    FAULT_CHANNEL,   /* connected, but no channel or no shell to be had */
    FAULT_CUT,       /* the connection ended under the command */
    FAULT_DEADLINE,  /* our deadline or the silence limit passed */
    FAULT_STATE_DIR, /* the node cannot keep records: disk full, read-only, no home */
    FAULT_DISK_FULL, /* a disk that the command writes to has too little room */
};

struct command_result {
    enum outcome outcome;
    enum transport_fault fault;
    char *message;                   /* owned; one sentence for staff when the outcome is not ENDED, else NULL */
    unsigned number;                 /* LANE_MAKE: which command of the attempt this is */
    struct segment_result *segments; /* owned, segment_count of them */
    size_t segment_count;
};

void command_result_finish(struct command_result *result);

/* ---- what the engine hears --------------------------------------------------------------------------------------- */

enum transport_event_kind {
    TRANSPORT_STARTED, /* the command's first bytes were written to the node's socket (measured by the bench, shown in logs) */
    TRANSPORT_OUTPUT,    /* a piece of output of a command that still runs, whole lines where possible */
    TRANSPORT_RESULT,    /* the command has come to its end, whatever that is; the last event of a command */
    TRANSPORT_NODE_UP,   /* a session to the node stands */
    TRANSPORT_NODE_DOWN, /* the session broke or could not be made; `result.message` says why */
};

struct transport_event {
    enum transport_event_kind kind;
    uint64_t command_id; /* 0 for NODE_UP and NODE_DOWN */
    int64_t node_id;
    int64_t at_ms; /* wall clock */
    int64_t at_us; /* STARTED: clock_measure_us() when the bytes had been written */
    /* OUTPUT */
    unsigned number; /* of the command within its attempt */
    unsigned segment;
    int stream; /* 1 stdout, 2 stderr */
    char *data; /* owned, `length` bytes; secrets are blanked already (redact.h) */
    size_t length;
    /* RESULT: one, or for a picked-up attempt one per record found, in order of `number`; only the last may be other than ENDED.
     * A pick-up that finds no record at all has result_count 1 with OUTCOME_NOT_STARTED. */
    struct command_result *results; /* owned */
    size_t result_count;
};

void transport_event_finish(struct transport_event *event);

/* ---- the interface ------------------------------------------------------------------------------------------------ */

struct transport_node {
    int64_t id;
    const char *name;
    const char *address; /* host name or address */
    int port;
    const char *user;     /* "root", or an account with sudo for v-* */
    bool sudo;            /* user is not root */
    const char *host_key; /* "ssh-ed25519 AAAA...": the only one that is accepted */
    int channels_max;     /* at most so many channels at once in the session */
};

struct transport {
    const struct transport_ops *ops;
};

struct transport_ops {
    const char *name; /* for log lines */
    /** Add a node or change it (copied). A changed address, user or key drains the old session and opens another. */
    void (*set_node)(struct transport *transport, const struct transport_node *node);
    void (*remove_node)(struct transport *transport, int64_t node_id);
    /** Start a command; takes it over (also when it cannot start: then the result says so). Never blocks. */
    void (*start)(struct transport *transport, struct command *command);
    /** Stop following a command; no further event of it comes. A durable command goes on on the node. */
    void (*abandon)(struct transport *transport, uint64_t command_id);
    /** Take up to events_max events that are ready; never blocks. @return how many; each is the caller's to finish */
    size_t (*poll)(struct transport *transport, struct transport_event *ret_events, size_t events_max);
    void (*destroy)(struct transport *transport); /* NULL is allowed */
};

/** How a transport tells the engine's loop that poll() has something; called from any thread. */
struct transport_wake {
    void (*wake)(void *context);
    void *context;
};

const char *outcome_name(enum outcome outcome);
const char *transport_fault_name(enum transport_fault fault);

#endif
