/* engine.h - decides. One thread takes inputs (requests, what transports report, time that has passed), decides, writes
 * the decisions in one transaction per batch, and only after the commit answers, starts commands and tells others.
 *
 * Clock, randomness, store and transports are handed in: the same code runs in berthd (real clock, SSH) and in the
 * simulator (virtual clock, modelled nodes). Nothing in here sleeps, reads a clock or opens a file.
 *
 * A commit that fails discards what the batch had decided: requests are answered with ERR_BUSY, and everything in
 * memory is loaded again from the store, exactly as after a restart. */
#ifndef BERTH_ENGINE_H
#define BERTH_ENGINE_H

#include "base/clock.h"
#include "base/keyring.h"
#include "base/rng.h"
#include "core/changes.h"
#include "core/pipeline.h"
#include "core/settings.h"
#include "engine/request.h"
#include "notify/notify.h"
#include "store/store.h"
#include "transport/transport.h"

struct engine;

struct engine_config {
    struct store *store; /* opened for writing and owned (store_own) */
    struct clock *clock;
    struct rng *rng;
    struct inbox *inbox;
    struct transport *nodes;   /* ssh or sim */
    struct transport *probes;  /* probe, or the same sim */
    struct notifier *notifier; /* NULL: messages wait in the outbox */
    const struct keyring *keyring;
    const char *installation;     /* 6 characters */
    const char *base_url;         /* what links in tickets begin with; NULL: none */
    const struct pipeline *split; /* what an order of mode split expands to */
    int64_t lease_ms;             /* 15000 */
    int64_t lease_renew_ms;       /* 5000 */
    int probes_max;               /* at once; beside them WORLD_LOOKS_MAX of another kind at most */
    /** What staff have set: once before nodes are told to the transport, and after each change. May be NULL. Called from the
     * engine's thread; must not block. The settings stay the engine's. */
    void (*settings_changed)(void *context, const struct settings *settings);
    void *settings_context;
    /** After each commit that somebody may want to see something of; may be NULL. Called from the engine's thread; must not block,
     * and look at the changes only before it returns. */
    void (*committed)(void *context, const struct changes *changes);
    void *committed_context;
    /** After each batch that the store has taken, also an empty one: at least every second while all is well. May be NULL. */
    void (*stepped)(void *context);
    void *stepped_context;
    /** The store has enough to tidy up (store_checkpoint) that somebody should, with a store of his own; may be NULL. Called from
     * the engine's thread; must not block. */
    void (*untidy)(void *context);
    void *untidy_context;
};

/** Loads nodes and running tasks; the first step picks up what a former owner left. The parts stay the caller's. */
MUST_CHECK bool engine_create(const struct engine_config *config, struct engine **ret_engine, struct err *err);
/** Gives leases back; commands on nodes run on and are picked up at the next start. NULL is allowed. */
void engine_destroy(struct engine *engine);

/**
 * One batch at the clock's now: take what is there, decide, commit, answer, send. Never blocks on anything but the
 * store.
 * @return false with ERR_LOST when another process owns the store now: stop at once. Other failures of the store are
 *         reported (log, answers) and the engine goes on: true
 */
MUST_CHECK bool engine_step(struct engine *engine, struct err *err);

/** When engine_step() has something to do even if nothing comes in: wall clock; 0 is at once, INT64_MAX never. */
int64_t engine_next_deadline_ms(const struct engine *engine);

/** Step until stop is set (inbox_wake() after setting it), waiting in the inbox in between. */
MUST_CHECK bool engine_run(struct engine *engine, const volatile bool *stop, struct err *err);

/**
 * The same until nothing is due any more, and nothing has come in for quiet_ms after that: what waits for a later moment, for a
 * node that cannot be reached or for a person is left to the next run.
 */
MUST_CHECK bool engine_run_once(struct engine *engine, const volatile bool *stop, int64_t quiet_ms, struct err *err);

/** What runs now, for health and tests. */
struct engine_figures {
    size_t running; /* attempts in memory */
    size_t commits; /* since start */
    size_t commit_failures;
};
void engine_get_figures(const struct engine *engine, struct engine_figures *ret_figures);

#endif
