/* pipeline.h - the graph of steps that a mode's operation runs, read from a file (pipelines/<mode>.yaml), and the plan
 * of tasks that it expands to for one service.
 *
 * The file:
 *   name: split              # [a-z][a-z0-9-]*
 *   mode: split
 *   steps:
 *     - step: dns.zone       # key, unique
 *       action: dns.zone     # the driver's or the engine's name of it; left out: the same as step
 *       role: dns            # whose node; left out of a plan whose product does not sell it. none: always in the plan
 *       each: true           # one task for each node of the role (dns)
 *       lane: make           # make, reload, look, probe (from outside) or none (the engine)
 *       when: mailbox        # only for orders with a mailbox; password: when new passwords are to be set; mailbox-password: both
 *       needs: [dns.user, mail.dkim]
 *       timeout: zone        # short, normal, zone or long
 *       weight: 33           # its share of the progress bar, >= 1: tenths of a typical second
 *       label: step.dns.zone # key of the customer's words (messages.h)
 */
#ifndef BERTH_CORE_PIPELINE_H
#define BERTH_CORE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/util.h"
#include "core/model.h"

#define PIPELINE_STEPS_MAX 256
#define PIPELINE_WEIGHT_MAX 100000
#define PLAN_TASKS_MAX 1024

enum timeout_class { TIMEOUT_SHORT, TIMEOUT_NORMAL, TIMEOUT_ZONE, TIMEOUT_LONG };
#define TIMEOUT_CLASS_COUNT (TIMEOUT_LONG + 1)
const char *timeout_class_name(enum timeout_class timeout);
/** The longest that one command of this class may take before we look what became of it, milliseconds. */
int64_t timeout_class_ms(enum timeout_class timeout);

enum pipeline_when { PIPELINE_ALWAYS, PIPELINE_WHEN_MAILBOX, PIPELINE_WHEN_PASSWORD, PIPELINE_WHEN_BOTH };

struct pipeline_step {
    char *key;
    char *action;
    char *label; /* message key */
    enum role role;
    bool each;
    enum task_lane lane;
    enum pipeline_when when;
    enum timeout_class timeout;
    int64_t weight;
    size_t *needs; /* indices of steps; each stands before this one in no particular order, but never in a cycle */
    size_t needs_count;
};

struct pipeline {
    char *name;
    enum mode mode;
    char hash[65];               /* BLAKE2b-256 of the file's content, hexadecimal */
    struct pipeline_step *steps; /* in the file's order */
    size_t step_count;
};

/** Read and check a file. @return false with ERR_IO or ERR_INVALID; the sentence begins "<path>:<line>: " */
MUST_CHECK bool pipeline_load(const char *path, struct pipeline **ret_pipeline, struct err *err);
void pipeline_destroy(struct pipeline *pipeline); /* NULL is allowed */
void pipeline_destroyp(struct pipeline **pipeline);

/* What a plan depends on. */
struct expansion {
    unsigned roles;              /* ROLE_BIT()s that the product sells */
    bool mailbox;                /* the order has one */
    bool passwords;              /* new ones are to be set */
    int64_t web_node, mail_node; /* of the roles that are sold */
    const int64_t *dns_nodes;
    const char *const *dns_names; /* names of these nodes, for the keys */
    size_t dns_count;
};

struct plan_task {
    char *key; /* "web.user", "dns.zone@ns1" */
    char *action;
    char *label_key;
    enum role role;
    int64_t node_id; /* 0 in the lanes probe and none: these wait for no node */
    enum task_lane lane;
    enum timeout_class timeout;
    int64_t weight;
    int needs_left;
};

struct plan_edge {
    size_t from, to; /* indices of tasks: from must end before to starts */
};

struct plan {
    struct plan_task *tasks; /* each stands behind everything that it needs */
    size_t task_count;
    struct plan_edge *edges; /* no pair twice */
    size_t edge_count;
    int64_t weight_total;
};

/**
 * The tasks of one service. Steps of roles that are not sold, and steps whose condition does not hold, are left out;
 * who needs such a step needs what that step needs. A need on an `each` step is one on all its tasks; between two
 * `each` steps of one role it is one on the task of the same node.
 * @param ret_plan  the caller's to finish; the same input gives the same plan
 * @return false with ERR_INVALID when a role that is sold has no node, or the plan would be too large
 */
MUST_CHECK bool pipeline_expand(const struct pipeline *pipeline, const struct expansion *input, struct plan *ret_plan,
                                struct err *err);
/**
 * Shape a plan for an operation. Deploy and redeploy run it as it is. Verify runs all that makes or looks, and reports at its end.
 * Plan keeps what would change or look at a node, as looks that need nothing of each other, and reports at their end. Password
 * keeps what sets passwords, the look at the mailbox, and reports at their end. The last step, `live`, is called `report` then.
 */
void plan_adapt(struct plan *plan, enum operation_kind kind);
void plan_finish(struct plan *plan);

#endif
