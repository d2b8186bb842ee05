/* ssh_internal.h - what the files of the ssh transport share. Everything here belongs to the transport's own thread,
 * except the two queues (ssh.c) and resolve.h.
 *
 *   ssh.c          the queues and the thread
 *   ssh_node.c     a node: opens and replaces its session, gives waiting jobs to free lanes, its timers
 *   ssh_job.c      a command on its way: what an answer means, the result
 *   ssh_session.c  a connection: connect, host key, login, bytes
 *   ssh_lane.c     a resident shell in a session: open it, send a request, find the answer
 *
 * Answers are handled after libssh has returned, never inside its callbacks: those only collect bytes. What is to be
 * freed is marked and swept at the end of a turn of the loop. */
#ifndef BERTH_TRANSPORT_SSH_INTERNAL_H
#define BERTH_TRANSPORT_SSH_INTERNAL_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "transport/ssh.h"
#include "transport/ssh_record.h"
#include "transport/ssh_script.h"
#include "transport/transport.h"

#define LANES_MAX 16
#define READ_CAP (256U * 1024U)           /* bytes of one stream in one answer to b_read */
#define LANE_INPUT_MAX (4U * 1024 * 1024) /* more without an answer in it: not a shell of ours */

enum lane_state {
    LANE_CLOSED,  /* no channel: not opened yet, or refused */
    LANE_OPENING, /* the channel */
    LANE_EXEC,    /* asked for the shell */
    LANE_HELLO,   /* the prelude is sent */
    LANE_IDLE,
    LANE_BUSY,
};

enum request {
    REQUEST_NONE,
    REQUEST_MAKE,
    REQUEST_LOOK,
    REQUEST_READ,
    REQUEST_FIND,
    REQUEST_TIDY,
    REQUEST_PING,
};

#define ROLE_MAKE 1U
#define ROLE_FOLLOW 2U
#define ROLE_LOOK 4U

struct ssh_lane {
    struct ssh_session_state *session;
    enum lane_state state;
    unsigned index;
    unsigned roles;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    struct buf to_send;  /* what the channel has not taken yet; may hold secrets */
    struct buf input[2]; /* what came on stdout and stderr and is not handled yet */
    size_t searched;     /* no answer begins before this byte of input[0] */
    bool ended;          /* the channel's other side is gone */
    int64_t stamp;       /* uptime of the node when the shell was ready, in hundredths of a second */
    int64_t retry_at_ms; /* LANE_CLOSED: when to try again */
    unsigned failures;
    char series[17]; /* names of its records: series-0, series-1 ... */
    unsigned record_next;
    enum request request;
    struct nonce nonce;     /* of the request or the hello */
    struct job *job;        /* whom the answer is for; NULL: nobody any more */
    int64_t deadline_at_ms; /* of opening, and of requests that are answered at once; INT64_MAX: none */
};

enum session_state {
    SESSION_RESOLVE,
    SESSION_TCP,
    SESSION_KEX,
    SESSION_AUTH,
    SESSION_LANES,
    SESSION_UP,
    SESSION_DEAD, /* swept at the end of the turn */
};

struct ssh_session_state {
    struct ssh_node *node;
    struct ssh_session_state *next; /* of the node */
    enum session_state state;
    struct resolve *resolve;
    struct addrinfo *next_address;
    int fd; /* ours only before libssh has it; else for epoll and options */
    bool fd_given;
    uint32_t epoll_events;
    ssh_session ssh;
    ssh_event event;
    bool ready;   /* epoll has something, or a callback took bytes in */
    bool retired; /* takes no more commands; closed when its last job is gone */
    int64_t step_deadline_at_ms;
    int64_t heard_at_ms;        /* the last byte from a lane */
    int64_t asked_at_ms;        /* since when an answer to a ping is owed; 0: none is */
    enum transport_fault fault; /* why it died */
    char why[ERR_MSG_MAX];
    bool untidy;         /* the next record's files are not made yet */
    int64_t swept_fence; /* what older attempts left has been removed */
    int64_t newest_fence;
    struct ssh_lane lanes[LANES_MAX];
    unsigned lane_count;
};

enum job_state {
    JOB_WAITING, /* for a session or a lane */
    JOB_SENT,    /* make or look: the request is on its lane */
    JOB_FINDING, /* which records there are */
    JOB_READING, /* a record, to its end */
};

struct job {
    struct job *next;
    struct ssh_node *node;
    struct command *command;
    enum job_state state;
    struct ssh_session_state *session; /* NULL while it waits */
    struct ssh_lane *lane;             /* the request that is under way, not reads */
    bool reading;                      /* a b_read is under way */
    bool only_one;                     /* not the attempt's records but the one of command->number */
    bool sent;                         /* at least once: the node may have it */
    int64_t connect_deadline_at_ms;
    int64_t deadline_at_ms;
    int64_t sent_at_ms;
    int64_t next_read_at_ms;
    struct record *records;
    size_t record_count;
    size_t current; /* the one that is read */
    /* Bytes of output that the engine has, and of those, what comes again when the record is read from its beginning. */
    size_t passed[RESULT_SEGMENTS_MAX][2];
    size_t repeated[RESULT_SEGMENTS_MAX][2];
    struct command_result *results;
    size_t result_count;
};

struct ssh_node {
    struct ssh_node *next;
    struct transport_ssh *transport;
    int64_t id;
    char *name;
    char *address;
    char *user;
    char *host_key;
    int port;
    bool sudo;
    int channels_max;
    bool removed;                       /* swept when its sessions are closed */
    struct ssh_session_state *session;  /* the one for new commands; NULL: none */
    struct ssh_session_state *sessions; /* all, retired ones too */
    struct job *jobs;                   /* in order of arrival */
    bool up;                            /* what the engine was told */
    char told[ERR_MSG_MAX];             /* the last NODE_DOWN */
    unsigned failures;                  /* in a row */
    int64_t retry_at_ms;
    bool blocked; /* wrong host key: not retried by itself */
    int64_t up_at_ms;
    enum transport_fault fault; /* of the last failure */
    char why[ERR_MSG_MAX];
};

/* What the thread works with; ssh.c has the queues around it. */
struct loop {
    struct transport_ssh *transport;
    struct clock *clock;
    char installation[SSH_INSTALLATION_LENGTH + 1];
    ssh_key key;
    int64_t connect_ms, silence_ms, health_ms, poll_ms;
    unsigned look_lanes;
    int channels_max;
    int epoll_fd;
    int event_fd;
    struct ssh_node *nodes;
    int64_t now_ms; /* CLOCK_BOOTTIME, once a turn and after waiting */
};

struct loop *transport_loop(struct transport_ssh *transport);
void loop_refresh(struct loop *loop);
/** Takes over the event's data and results. Sets at_ms. */
void transport_push(struct transport_ssh *transport, struct transport_event *event);

/* ---- ssh_session.c ---- */
struct ssh_session_state *session_create(struct ssh_node *node);
void session_destroy(struct ssh_session_state *session);
/** Do what can be done now: connect, read, write, answers. */
void session_step(struct ssh_session_state *session);
void session_fail(struct ssh_session_state *session, enum transport_fault fault, const char *format, ...)
    PRINTF_LIKE(3, 4);
/** When session_step() must be called although nothing came. */
int64_t session_next_ms(const struct ssh_session_state *session);
/** Let the system acknowledge at once: sshd has Nagle on, and else waits 40 ms for us. */
void session_quick_ack(const struct ssh_session_state *session);
/** Read and write what libssh can now. @return false when the session died */
bool session_pump(struct ssh_session_state *session);
/** Whose role is make; NULL: it is closed. */
struct ssh_lane *session_make_lane(struct ssh_session_state *session);
struct ssh_lane *session_free_lane(struct ssh_session_state *session, unsigned role);

/* ---- ssh_lane.c ---- */
void lane_init(struct ssh_lane *lane, struct ssh_session_state *session, unsigned index);
void lane_finish(struct ssh_lane *lane);
/** Open, send, take answers. @return true when something happened */
bool lane_step(struct ssh_lane *lane);
/** Drop its channel; it is opened again by the next steps. A job is not told. */
void lane_close(struct ssh_lane *lane);
/** Send a request; the text is wiped. The lane is busy until the answer has come. */
void lane_send(struct ssh_lane *lane, enum request request, struct job *job, const struct nonce *nonce,
               struct buf *text);
/** Of the next command on this lane. */
void lane_record_name(const struct ssh_lane *lane, char ret_name[RECORD_NAME_MAX]);
bool lane_settled(const struct ssh_lane *lane); /* ready, or refused */

/* ---- ssh_job.c ---- */
struct job *job_create(struct ssh_node *node, struct command *command);
/** Give it to a lane if one is free. */
void job_dispatch(struct job *job);
/** The whole answer to a request that was sent for this job: text up to the line "<nonce> d ...". */
void job_answered(struct job *job, enum request request, const struct nonce *nonce, const char *data, size_t length);
/** Output of a look, straight from the lane. @return true when it has ended */
bool job_looked(struct job *job, int stream, const char *data, size_t length);
/** The shell of its lane ended while the session goes on. */
void job_lane_lost(struct job *job);
/** The whole session is gone. */
void job_session_lost(struct job *job, enum transport_fault fault, const char *why);
/** Deadlines, the next look at the record, partial lines. @return when to call again */
int64_t job_tick(struct job *job);
void job_fail(struct job *job, enum outcome outcome, enum transport_fault fault, const char *format, ...)
    PRINTF_LIKE(4, 5);
/** Take it out of its node and free it; answers that still come are nobody's. */
void job_destroy(struct job *job);

/* ---- ssh_node.c ---- */
struct ssh_node *node_create(struct loop *loop, const struct transport_node *spec);
void node_destroy(struct ssh_node *node);
/** Another address, user or key: the old session is retired. */
void node_set(struct ssh_node *node, const struct transport_node *spec);
/** The limits have changed: a session with another number of lanes than it should have is retired. */
void node_fit(struct ssh_node *node);
/** How many lanes a session of this node has: 1 to LANES_MAX. */
unsigned node_lanes(const struct ssh_node *node);
void node_remove(struct ssh_node *node);
void node_start(struct ssh_node *node, struct command *command);
void node_abandon(struct ssh_node *node, uint64_t command_id);
/** Everything that is due. @return when to call again */
int64_t node_tick(struct ssh_node *node);
void node_session_up(struct ssh_node *node, struct ssh_session_state *session);
/** No new commands on this session; it goes when its last job is done. */
void node_retire(struct ssh_node *node, struct ssh_session_state *session);

#endif
