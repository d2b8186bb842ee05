/* sim.h - the transport of the simulator: modelled nodes (lab/panel) on a virtual clock, with the faults of real ones.
 *
 * It keeps every promise of transport.h: records that outlive the connection, fences, one changing command per node, pick-up. It
 * does all lanes: LANE_PROBE commands (see probe.h for their language) are answered from what the models serve. Nothing happens
 * by itself: the caller moves the clock to transport_sim_next_due_ms() and polls. The same seed, nodes, commands and moments
 * give the same events, byte for byte. One thread.
 *
 * A command begins when its request arrives; each of its segments changes the model when that segment begins, and lasts as long
 * as the model says (conf/standin.conf on the node: see lab/panel/standin.h). */
#ifndef BERTH_TRANSPORT_SIM_H
#define BERTH_TRANSPORT_SIM_H

#include "base/clock.h"
#include "base/rng.h"
#include "panel/host_memory.h"
#include "transport/transport.h"

/* How often what goes wrong, in percent of commands. All zero: nothing does. */
struct transport_sim_faults {
    unsigned refuse;     /* of attempts to connect: refused */
    unsigned cut_before; /* the connection breaks and the request with it: nothing runs */
    unsigned
        cut_late; /* the connection breaks, the request lies in a pipe and runs some seconds later, unless picked up before */
    unsigned cut_during; /* the connection breaks while the command runs; it goes on */
    unsigned cut_after;  /* the command has ended, its answer is lost with the connection */
    unsigned silent;     /* nothing is heard of the command until its deadline; it goes on */
    unsigned slow;       /* ten times as slow */
    unsigned reboot;     /* the node goes down in the middle of a changing command, which dies at a random point */
    unsigned down;       /* the node goes down when the command arrives */
    unsigned disk_full;  /* the node cannot keep a record */
    unsigned
        panel_fails; /* a changing command of the panel fails with one of panel_exits, having done nothing (20: having done it) */
    unsigned probe_silent; /* a look from outside gets no answer */
    unsigned
        runs_twice; /* a changing command runs once more after its end: no node does that, it is for tests of tests */
    int panel_exits[8];  /* 0 ends the list; an empty list: 13, 15, 20 */
    int64_t down_ms_max; /* a node that goes down is back after 1 s to this; 0: 60 s */
};

struct transport_sim_config {
    struct clock *clock; /* virtual; borrowed */
    struct rng *rng;     /* decides the faults; borrowed */
    struct transport_sim_faults faults;
    int64_t trip_ms;     /* from here to a node, one way; 0: 1 */
    int64_t connect_ms;  /* to make a session; 0: 20 */
    uint64_t world_seed; /* which domains the world's resolvers see some day, and when */
};

struct transport *transport_sim_create(const struct transport_sim_config *config);

/**
 * Put a fresh node into the world. transport_ops.set_node() finds it by its address; probes by either address.
 *
 * @param standin  the text of its conf/standin.conf (pace, faults of the model), or NULL
 */
void transport_sim_add_node(struct transport *transport, enum panel_role role, const char *address,
                            const char *public_ip, const char *hostname, const char *standin);
/** From this moment on the world's resolvers see the domain as its name servers tell it; INT64_MAX: never. Else that is drawn when
 * they are asked first: within six hours, or never. */
void transport_sim_delegate(struct transport *transport, const char *domain, int64_t from_ms);
/** The moment of what happens next, INT64_MAX when nothing does; now or earlier when poll() has something already. */
int64_t transport_sim_next_due_ms(struct transport *transport);
/** From now on these faults; commands under way keep theirs. */
void transport_sim_set_faults(struct transport *transport, const struct transport_sim_faults *faults);
/** Restart a node now, as the `reboot` fault does between commands. */
void transport_sim_reboot(struct transport *transport, const char *address, int64_t down_ms);
/** For so long somebody else holds the node's lock: no changing command of ours gets it. */
void transport_sim_lock(struct transport *transport, const char *address, int64_t for_ms);
/** For so long the node's disk is full: it keeps no records, and what the panel would change fails. */
void transport_sim_fill_disk(struct transport *transport, const char *address, int64_t for_ms);
/** Break the connection to a node now. */
void transport_sim_cut(struct transport *transport, const char *address);
/** The model, for preparing and inspecting a node; NULL when there is none. Its clock is kept by this transport. */
struct panel_memory *transport_sim_memory(struct transport *transport, const char *address);
/** All nodes as sim_node_dump() shows them, each under a line "node ADDRESS", in the order in which they were added. */
void transport_sim_dump(struct transport *transport, bool is_with_serials, struct buf *ret_text);

/* What happened on a node so far. */
struct transport_sim_counts {
    unsigned makes;   /* changing commands that ran */
    unsigned changes; /* their changing segments */
    unsigned looks;   /* LANE_LOOK commands that ran */
    unsigned fenced, busy, lost, killed;
    unsigned
        repeats; /* changing commands that ran although the same one, or one of a higher fence, had run: must be 0 */
    unsigned cuts, reboots;
    int64_t busy_ms; /* time with a changing command */
};
void transport_sim_counts(struct transport *transport, const char *address, struct transport_sim_counts *ret_counts);

#endif
