/* model.c - see model.h: the names of states, which moves a task may make, and the end of records. */
#include "core/model.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"

/* ---- names ---- */

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_NONE] = "none",
    [ROLE_WEB] = "web",
    [ROLE_MAIL] = "mail",
    [ROLE_DNS] = "dns",
};

static const char *const mode_names[MODE_COUNT] = {
    [MODE_SPLIT] = "split",
    [MODE_UNIFIED] = "unified",
    [MODE_VANITY] = "vanity",
};

static const char *const service_status_names[SERVICE_STATUS_COUNT] = {
    [SERVICE_ACCEPTED] = "accepted",     [SERVICE_WAITING] = "waiting",
    [SERVICE_DEPLOYING] = "deploying",   [SERVICE_LIVE] = "live",
    [SERVICE_FAILED] = "failed",         [SERVICE_SUSPENDED] = "suspended",
    [SERVICE_TERMINATED] = "terminated",
};

static const char *const operation_kind_names[OPERATION_KIND_COUNT] = {
    [OPERATION_DEPLOY] = "deploy",
    [OPERATION_REDEPLOY] = "redeploy",
    [OPERATION_VERIFY] = "verify",
    [OPERATION_SUSPEND] = "suspend",
    [OPERATION_UNSUSPEND] = "unsuspend",
    [OPERATION_TERMINATE] = "terminate",
    [OPERATION_CHANGE_PACKAGE] = "change-package",
    [OPERATION_PLAN] = "plan",
    [OPERATION_PASSWORD] = "password",
};

static const char *const resolution_names[RESOLUTION_COUNT] = {
    [RESOLUTION_ADOPT] = "adopt",
    [RESOLUTION_RENAME] = "rename",
    [RESOLUTION_ABORT] = "abort",
};

static const char *const operation_state_names[OPERATION_STATE_COUNT] = {
    [OPERATION_RUNNING] = "running",       [OPERATION_DONE] = "done",
    [OPERATION_FAILED] = "failed",         [OPERATION_CANCELLED] = "cancelled",
    [OPERATION_SUPERSEDED] = "superseded",
};

static const char *const task_state_names[TASK_STATE_COUNT] = {
    [TASK_BLOCKED] = "blocked", [TASK_QUEUED] = "queued",       [TASK_RUNNING] = "running",
    [TASK_WAITING] = "waiting", [TASK_HELD] = "held",           [TASK_DONE] = "done",
    [TASK_FAILED] = "failed",   [TASK_CANCELLED] = "cancelled", [TASK_SUPERSEDED] = "superseded",
};

static const char *const task_lane_names[TASK_LANE_COUNT] = {
    [TASK_LANE_MAKE] = "make", [TASK_LANE_LOOK] = "look",     [TASK_LANE_PROBE] = "probe",
    [TASK_LANE_NONE] = "none", [TASK_LANE_RELOAD] = "reload",
};

static const char *const attempt_outcome_names[ATTEMPT_OUTCOME_COUNT] = {
    [ATTEMPT_RUNNING] = "running",       [ATTEMPT_DONE] = "done",         [ATTEMPT_RETRY] = "retry",
    [ATTEMPT_FAILED] = "failed",         [ATTEMPT_CONFLICT] = "conflict", [ATTEMPT_LOST] = "lost",
    [ATTEMPT_SUPERSEDED] = "superseded", [ATTEMPT_WAITED] = "waited",
};

static const char *const node_state_names[NODE_STATE_COUNT] = {
    [NODE_ACTIVE] = "active",
    [NODE_DRAINING] = "draining",
    [NODE_PAUSED] = "paused",
    [NODE_UNREACHABLE] = "unreachable",
};

/* A value outside its enum is a damaged record, not input: stop rather than go on with it. */
static const char *name_at(const char *const *names, size_t count, size_t index)
{
    assert(index < count && names[index] != NULL);
    return names[index];
}

static bool name_find(const char *const *names, size_t count, const char *text, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

#define DEFINE_NAME(type)                                                                                              \
    const char *type##_name(enum type value)                                                                           \
    {                                                                                                                  \
        return name_at(type##_names, ARRAY_LEN(type##_names), (size_t)value);                                          \
    }
#define DEFINE_PARSE(type)                                                                                             \
    bool type##_parse(const char *text, enum type *ret_value)                                                          \
    {                                                                                                                  \
        size_t index = 0;                                                                                              \
        if (!name_find(type##_names, ARRAY_LEN(type##_names), text, &index))                                           \
            return false;                                                                                              \
        *ret_value = (enum type)index;                                                                                 \
        return true;                                                                                                   \
    }

DEFINE_NAME(role)
DEFINE_NAME(mode)
DEFINE_NAME(service_status)
DEFINE_NAME(operation_kind)
DEFINE_NAME(resolution)
DEFINE_NAME(operation_state)
DEFINE_NAME(task_state)
DEFINE_NAME(task_lane)
DEFINE_NAME(attempt_outcome)
DEFINE_NAME(node_state)
DEFINE_PARSE(role)
DEFINE_PARSE(mode)
DEFINE_PARSE(service_status)
DEFINE_PARSE(operation_kind)
DEFINE_PARSE(resolution)
DEFINE_PARSE(task_state)
DEFINE_PARSE(node_state)

/* ---- moves of a task ---- */

/* Rows: from. Any task that is not final may be cancelled (the service is terminated) or superseded (a newer
 * operation). */
static const bool may_go[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
    [TASK_BLOCKED] = { [TASK_QUEUED] = true, /* what it needed is done */
                       [TASK_HELD] = true,   /* what it needed has failed */
                       [TASK_CANCELLED] = true,
                       [TASK_SUPERSEDED] = true },
    [TASK_QUEUED] = { [TASK_RUNNING] = true,
                      [TASK_WAITING] = true, /* put off before it was taken */
                      [TASK_HELD] = true,    /* its node is paused or unreachable */
                      [TASK_DONE] = true,    /* served by somebody else's reload */
                      [TASK_FAILED] = true,  /* by hand: a task that is stuck */
                      [TASK_CANCELLED] = true,
                      [TASK_SUPERSEDED] = true },
    [TASK_RUNNING] = { [TASK_QUEUED] = true, /* the lease was lost or given back: again at once */
                       [TASK_WAITING] = true,
                       [TASK_HELD] = true,
                       [TASK_DONE] = true,
                       [TASK_FAILED] = true,
                       [TASK_CANCELLED] = true,
                       [TASK_SUPERSEDED] = true },
    [TASK_WAITING] = { [TASK_QUEUED] = true,
                       [TASK_HELD] = true,
                       [TASK_DONE] = true, /* the reload that it waited for has ended */
                       [TASK_FAILED] = true,
                       [TASK_CANCELLED] = true,
                       [TASK_SUPERSEDED] = true },
    [TASK_HELD] = { [TASK_BLOCKED] = true, /* what it needs is tried again */
                    [TASK_QUEUED] = true,  /* its node is back */
                    [TASK_WAITING] = true,
                    [TASK_FAILED] = true,
                    [TASK_CANCELLED] = true,
                    [TASK_SUPERSEDED] = true },
    [TASK_FAILED] = { [TASK_QUEUED] = true, /* retried by hand: a new attempt */
                      [TASK_CANCELLED] = true,
                      [TASK_SUPERSEDED] = true },
    /* A fact that it used has changed (a new DKIM key queues its zones again). */
    [TASK_DONE] = { [TASK_QUEUED] = true },
};

bool task_may_go(enum task_state from, enum task_state to)
{
    assert((size_t)from < TASK_STATE_COUNT && (size_t)to < TASK_STATE_COUNT);
    return may_go[from][to];
}

bool task_state_is_final(enum task_state state)
{
    switch (state) {
    case TASK_DONE:
    case TASK_CANCELLED:
    case TASK_SUPERSEDED: return true;
    case TASK_BLOCKED:
    case TASK_QUEUED:
    case TASK_RUNNING:
    case TASK_WAITING:
    case TASK_HELD:
    case TASK_FAILED: return false;
    }
    abort(); /* not one of ours: memory or database is damaged */
}

/* ---- the end of records ---- */

/* Frees the texts and leaves an empty record: finishing twice is harmless. */
static void texts_free(char **const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
}

#define FREE_TEXTS(...) texts_free((char **[]){ __VA_ARGS__ }, sizeof((char **[]){ __VA_ARGS__ }) / sizeof(char **))

void group_finish(struct group *group)
{
    FREE_TEXTS(&group->name, &group->title);
}

void node_finish(struct node *node)
{
    FREE_TEXTS(&node->name, &node->driver, &node->ssh_address, &node->ssh_user, &node->host_key, &node->hostname,
               &node->public_ip4, &node->public_ip6, &node->probe_address, &node->ns_name, &node->state_reason);
    free(node->group_ids);
    node->group_ids = NULL;
    node->group_count = 0;
}

void product_finish(struct product *product)
{
    FREE_TEXTS(&product->name, &product->title, &product->spec);
}

void service_finish(struct service *service)
{
    FREE_TEXTS(&service->external_id, &service->idempotency_key, &service->domain, &service->client_id,
               &service->client_name, &service->client_email, &service->options, &service->reason,
               &service->reason_key);
}

void account_finish(struct account *account)
{
    FREE_TEXTS(&account->username, &account->package);
}

void operation_finish(struct operation *operation)
{
    FREE_TEXTS(&operation->pipeline, &operation->pipeline_hash);
}

void task_finish(struct task *task)
{
    FREE_TEXTS(&task->key, &task->action, &task->label_key, &task->cause_id, &task->reason, &task->inputs_hash);
}

void attempt_finish(struct attempt *attempt)
{
    FREE_TEXTS(&attempt->cause_id, &attempt->detail);
}

void event_finish(struct event *event)
{
    FREE_TEXTS(&event->kind, &event->data);
}

void log_chunk_finish(struct log_chunk *chunk)
{
    FREE_TEXTS(&chunk->data);
    chunk->length = 0;
}

void stored_fact_finish(struct stored_fact *fact)
{
    FREE_TEXTS(&fact->key, &fact->value);
}

void ssl_request_finish(struct ssl_request *request)
{
    FREE_TEXTS(&request->domain);
}

void stored_setting_finish(struct stored_setting *setting)
{
    FREE_TEXTS(&setting->name, &setting->value);
    free(setting->cipher);
    setting->cipher = NULL;
    setting->cipher_length = 0;
}

void setting_change_finish(struct setting_change *change)
{
    FREE_TEXTS(&change->who, &change->name, &change->old_value, &change->new_value);
}

static char *copy_text(const char *text)
{
    return xstrdup(text != NULL ? text : "");
}

void node_copy(struct node *target, const struct node *source)
{
    *target = *source;
    target->name = copy_text(source->name);
    target->driver = copy_text(source->driver);
    target->ssh_address = copy_text(source->ssh_address);
    target->ssh_user = copy_text(source->ssh_user);
    target->host_key = copy_text(source->host_key);
    target->hostname = copy_text(source->hostname);
    target->public_ip4 = copy_text(source->public_ip4);
    target->public_ip6 = copy_text(source->public_ip6);
    target->probe_address = copy_text(source->probe_address);
    target->ns_name = copy_text(source->ns_name);
    target->state_reason = copy_text(source->state_reason);
    target->group_ids = NULL;
    if (source->group_count > 0) {
        target->group_ids = xcalloc(source->group_count, sizeof(*source->group_ids));
        memcpy(target->group_ids, source->group_ids, source->group_count * sizeof(*source->group_ids));
    }
}

bool service_keeps_panel(const struct service *service)
{
    switch (service->status) {
    case SERVICE_LIVE: return true;
    case SERVICE_WAITING:
    case SERVICE_DEPLOYING:
    case SERVICE_FAILED: return service->live_at_ms != 0;
    case SERVICE_ACCEPTED:
    case SERVICE_SUSPENDED:
    case SERVICE_TERMINATED: return false;
    }
    return false;
}
