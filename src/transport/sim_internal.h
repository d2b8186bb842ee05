/* sim_internal.h - what the files of the sim transport share.
 *
 *   sim.c        the list of things to happen, the interface
 *   sim_link.c   sessions: connecting, breaking, nodes that go down and come back
 *   sim_job.c    what the engine waits for: sent, answered, its faults drawn
 *   sim_record.c what nodes do with a request: lock, fence, run segment by segment, records, pick-up
 *   sim_probe.c  looks from outside on their way; sim_look.c what they see, sim_world.c what the world's resolvers say
 *   sim_node.c   one segment on a model; sim_dump.c what stands on it */
#ifndef BERTH_TRANSPORT_SIM_INTERNAL_H
#define BERTH_TRANSPORT_SIM_INTERNAL_H

#include "transport/probe.h"
#include "transport/probe_request.h"
#include "transport/sim.h"
#include "transport/sim_node.h"

struct sim;
struct sim_world_node;

/* Something that happens at a moment. What it is about may be gone by then: `function` looks it up by the numbers. */
struct sim_deed {
    struct sim_deed *next;
    int64_t due_ms;
    void (*function)(struct sim *sim, const struct sim_deed *deed);
    struct sim_world_node *node;
    uint64_t serial;              /* of the job, record or probe; 0: of the node alone */
    struct transport_event event; /* when function is NULL: to be handed out */
};

enum sim_cut { CUT_NONE, CUT_BEFORE, CUT_LATE, CUT_DURING, CUT_AFTER, CUT_SILENT };

/* What will go wrong with a command, drawn when it is started so that a replay draws the same. */
struct sim_plan {
    enum sim_cut cut;
    bool slow, down, disk_full, runs_twice;
    unsigned
        die_at_point;    /* the node goes down at the n-th point that the model passes, or at the end; 0: it does not */
    size_t fail_segment; /* the n-th changing command of the panel fails; SIZE_MAX: none */
    int fail_exit;
    size_t cut_segment; /* CUT_DURING */
    int64_t late_ms;    /* CUT_LATE */
};

enum sim_record_state { RECORD_FLIES, RECORD_RUNS, RECORD_ENDED, RECORD_KILLED, RECORD_LOST };

/* A command on its way to a node or there. LANE_MAKE: kept when it began, as the files of node.sh; others go with their end. */
struct sim_record {
    struct sim_record *next;
    uint64_t serial;
    struct command *command; /* a copy: the job may be gone */
    struct sim_plan plan;
    enum sim_record_state state;
    int64_t sent_ms, began_ms;
    bool waited; /* for the node's lock */
    size_t at;   /* the segment that runs */
    size_t changes_seen;
    struct command_result result;
};

enum sim_job_state { JOB_WAITS, JOB_SENT };

/* A command that the engine waits for. */
struct sim_job {
    struct sim_job *next;
    uint64_t serial;
    struct command *command;
    struct sim_world_node *node;
    enum sim_job_state state;
    struct sim_plan plan;
    uint64_t record; /* JOB_SENT: the serial of what it waits for */
};

/* A look from outside. */
struct sim_probe {
    struct sim_probe *next;
    uint64_t serial;
    struct command *command;
    size_t at;
    bool silent;
    struct command_result result;
};

/* Commands of this fence that were sent before this moment are refused: a pick-up has said that there are none. */
struct sim_gate {
    int64_t fence;
    int64_t at_ms;
};

#define SIM_GATES_MAX 64

/* The zone that was asked for last, as text and as records. */
struct sim_zone {
    char *domain, *text;
    struct ldns_struct_zone *parsed; /* NULL when the text is no zone */
};

/* A domain as the world sees it: from some moment on as our name servers tell it, INT64_MAX: never. */
struct sim_domain {
    struct sim_domain *next;
    char *name;
    int64_t from_ms;
    bool is_elsewhere; /* before, it is with somebody else; else there is no such name */
};

/* A node: the machine, and our session to it. */
struct sim_world_node {
    struct sim_world_node *next;
    char *address, *public_ip;
    enum panel_role role;
    struct panel_memory *memory;
    bool up;
    int64_t fence;
    int64_t locked_until_ms, full_until_ms;
    int64_t ran_fence; /* the last changing command that has begun to run, beside the records that say so */
    unsigned ran_number;
    struct sim_record *records; /* oldest first */
    struct sim_gate gates[SIM_GATES_MAX];
    size_t gate_count;
    struct transport_sim_counts counts;
    struct sim_zone zone;
    /* while a segment runs in the model: where the node's restart or the time limit catches it */
    unsigned points_left; /* 0: no restart */
    int64_t limit_ms;     /* 0: none */
    unsigned slowness;    /* 1, or 10 */
    int64_t point_began_ms;
    bool died, killed;
    /* the session */
    int64_t id; /* the engine's; 0: not set */
    bool is_sudo, connected, connecting, connects_later;
};

struct sim {
    struct transport base;
    struct transport_sim_config config;
    struct sim_world_node *nodes;
    struct sim_job *jobs; /* oldest first */
    struct sim_probe *probes;
    struct sim_domain *domains;
    struct sim_deed *deeds; /* by due_ms, then in the order in which they were planned */
    uint64_t next_serial;
    int64_t at_ms; /* of the deed that is being done */
};

/* ---- sim.c --------------------------------------------------------------------------------------------------------- */

int64_t sim_now_ms(const struct sim *sim);
uint64_t sim_next_serial(struct sim *sim);
/** Do `function` at a moment; serial says about what, 0: about the node. */
void sim_plan(struct sim *sim, int64_t due_ms, void (*function)(struct sim *, const struct sim_deed *),
              struct sim_world_node *node, uint64_t serial);
/** Hand an event out at a moment, unless its command is abandoned before. */
void sim_tell(struct sim *sim, int64_t due_ms, const struct sim_world_node *node, uint64_t command_id,
              struct transport_event event);
/** The end of a command that has no result of a node: nothing to show but why. */
void sim_tell_end(struct sim *sim, int64_t due_ms, const struct sim_world_node *node, const struct command *command,
                  enum outcome outcome, enum transport_fault fault, const char *message);
/** Drop events of a command that are planned and not handed out yet. */
void sim_forget(struct sim *sim, uint64_t command_id, bool only_output);
struct sim_world_node *sim_node_at(const struct sim *sim, const char *address);

/* ---- sim_link.c ---------------------------------------------------------------------------------------------------- */

void sim_connect(struct sim *sim, struct sim_world_node *node);
void sim_cut(struct sim *sim, struct sim_world_node *node, const char *why);
/** The machine goes down now: what runs is lost, the connection breaks, and it is back after a while. */
void sim_go_down(struct sim *sim, struct sim_world_node *node, int64_t down_ms);
int64_t sim_draw_down_ms(struct sim *sim);

/* ---- sim_job.c ----------------------------------------------------------------------------------------------------- */

void sim_job_start(struct sim *sim, struct command *command, struct sim_world_node *node);
void sim_job_destroy(struct sim_job *job);
/** Send what waits for the session. */
void sim_jobs_send(struct sim *sim, struct sim_world_node *node);
/** The session is gone or cannot be made: what was sent ends as unknown, and with waiting_too what waits as not started. */
void sim_jobs_end(struct sim *sim, const struct sim_world_node *node, bool waiting_too, const char *why);
/** The job that waits for this record; NULL when nobody does any more. */
struct sim_job *sim_job_of(const struct sim *sim, const struct sim_record *record);
/** Answer and forget the job: everything that the node knows of its attempt (pick-up), or of its command. */
void sim_job_answer(struct sim *sim, struct sim_job *job);
void sim_job_remove(struct sim *sim, struct sim_job *job);

/* ---- sim_record.c -------------------------------------------------------------------------------------------------- */

/** Put a request on its way; it arrives at arrives_ms. @return its serial */
uint64_t sim_record_send(struct sim *sim, const struct sim_job *job, int64_t arrives_ms);
void sim_records_destroy(struct sim_world_node *node);
/** The machine went down: what ran there is lost, what came to it is gone. */
void sim_records_lose(struct sim *sim, struct sim_world_node *node);
/** Fill an event's results with all records of a fence; false when there are none. */
bool sim_records_show(const struct sim_world_node *node, int64_t fence, struct transport_event *event);
struct sim_record *sim_record_find(const struct sim_world_node *node, uint64_t serial);
void sim_result_copy(const struct command_result *from, struct command_result *ret_result);

/* ---- sim_probe.c --------------------------------------------------------------------------------------------------- */

void sim_probe_start(struct sim *sim, struct command *command);
void sim_probe_destroy(struct sim_probe *probe);
void sim_zone_forget(struct sim_zone *zone);
/** Answer one look; duration in *ret_ms. */
void sim_look(struct sim *sim, const struct segment *segment, bool silent, struct segment_result *ret_result,
              int64_t *ret_ms);

/* ---- sim_look.c, sim_world.c --------------------------------------------------------------------------------------- */

/** Whether a site of this name, or of which it is an alias, answers on the node. */
bool sim_site_answers(struct panel_memory *memory, const char *name);
/** The line that begins an answer. */
void sim_question(struct buf *out, const char *name, const char *type, const char *rcode, const char *flag);
/** What the node's name server says to a question; false, and nothing is added, when it does not serve the name. */
bool sim_answer(struct buf *out, struct sim_world_node *node, const char *name, const char *type, bool recursive);
/** What each resolver of the world says to each question. */
enum probe_exit sim_resolve(struct sim *sim, const struct probe_request *request, int64_t lasts_ms, struct buf *out);
void sim_domains_destroy(struct sim *sim);

#endif
