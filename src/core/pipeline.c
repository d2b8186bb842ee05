/* pipeline.c - reading a pipeline: what its file says is checked and becomes struct pipeline. See pipeline.h. */
#include "core/pipeline.h"

#include <string.h>

#include "base/buf.h"
#include "core/pipeline_file.h"

/* ---- time-out classes ---- */

static const struct {
    const char *name;
    int64_t ms;
} timeout_classes[TIMEOUT_CLASS_COUNT] = {
    [TIMEOUT_SHORT] = { "short", 30000 },
    [TIMEOUT_NORMAL] = { "normal", 90000 }, /* adding a domain may fetch a list first: three tries of 15 s */
    [TIMEOUT_ZONE] = { "zone", 120000 },    /* 10 s and half a second for each of up to 220 records */
    [TIMEOUT_LONG] = { "long", 600000 },    /* suspending or deleting a user with all its domains */
};

const char *timeout_class_name(enum timeout_class timeout)
{
    return timeout_classes[timeout].name;
}

int64_t timeout_class_ms(enum timeout_class timeout)
{
    return timeout_classes[timeout].ms;
}

/* ---- one step ---- */

/* Where a complaint belongs: the step at hand. */
struct place {
    const struct pipeline_file *file;
    size_t index;
};

#define STEP_WRONG(place, err, ...)                                                                                    \
    pipeline_file_error((place)->file->path, (place)->file->lines[(place)->index].step, err, __VA_ARGS__)

static bool key_is_fine(const char *key)
{
    return key[0] >= 'a' && key[0] <= 'z' && strlen(key) <= 60 &&
           strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(key);
}

static bool step_read_key(const struct place *place, const char *what, const char *value, const char *owner,
                          char **ret_text, struct err *err)
{
    if (value == NULL)
        return STEP_WRONG(place, err, "%s has no %s", owner, what);
    if (!key_is_fine(value))
        return STEP_WRONG(place, err, "%s %s: only a-z, 0-9, dot and hyphen are allowed, a letter first", what, value);
    *ret_text = xstrdup(value);
    return true;
}

static bool lane_read(const char *text, enum task_lane *ret_lane)
{
    for (size_t i = 0; i < TASK_LANE_COUNT; i++) {
        if (strcmp(text, task_lane_name((enum task_lane)i)) == 0) {
            *ret_lane = (enum task_lane)i;
            return true;
        }
    }
    return false;
}

static bool timeout_read(const char *text, enum timeout_class *ret_timeout)
{
    for (size_t i = 0; i < TIMEOUT_CLASS_COUNT; i++) {
        if (strcmp(text, timeout_classes[i].name) == 0) {
            *ret_timeout = (enum timeout_class)i;
            return true;
        }
    }
    return false;
}

static const char *const when_names[] = { [PIPELINE_ALWAYS] = "",
                                          [PIPELINE_WHEN_MAILBOX] = "mailbox",
                                          [PIPELINE_WHEN_PASSWORD] = "password",
                                          [PIPELINE_WHEN_BOTH] = "mailbox-password" };

static bool when_read(const char *text, enum pipeline_when *ret_when)
{
    for (size_t i = 0; i < ARRAY_LEN(when_names); i++) {
        if (strcmp(text, when_names[i]) == 0) {
            *ret_when = (enum pipeline_when)i;
            return true;
        }
    }
    return false;
}

static bool step_read_words(const struct place *place, const struct raw_step *raw, struct pipeline_step *step,
                            struct err *err)
{
    if (raw->role == NULL)
        return STEP_WRONG(place, err, "%s has no role", step->key);
    if (!role_parse(raw->role, &step->role))
        return STEP_WRONG(place, err, "%s: unknown role %s: there are web, mail, dns and none", step->key, raw->role);
    if (raw->lane == NULL)
        return STEP_WRONG(place, err, "%s has no lane", step->key);
    if (!lane_read(raw->lane, &step->lane))
        return STEP_WRONG(place, err, "%s: unknown lane %s: there are make, reload, look, probe and none", step->key,
                          raw->lane);
    if (raw->when != NULL && !when_read(raw->when, &step->when))
        return STEP_WRONG(place, err, "%s: unknown condition %s: there are mailbox, password and mailbox-password",
                          step->key, raw->when);
    step->timeout = TIMEOUT_NORMAL;
    if (raw->timeout != NULL && !timeout_read(raw->timeout, &step->timeout))
        return STEP_WRONG(place, err, "%s: unknown timeout %s: there are short, normal, zone and long", step->key,
                          raw->timeout);
    return true;
}

static bool lane_is_on_node(enum task_lane lane)
{
    return lane == TASK_LANE_MAKE || lane == TASK_LANE_LOOK || lane == TASK_LANE_RELOAD;
}

/* What fits together: a step must lead to one node, or say that it wants all of them. */
static bool step_check_target(const struct place *place, const struct pipeline_step *step, struct err *err)
{
    bool on_node = lane_is_on_node(step->lane);
    if (on_node && step->role == ROLE_NONE)
        return STEP_WRONG(place, err, "%s: a step of lane %s runs on a node and needs a role", step->key,
                          task_lane_name(step->lane));
    if (step->each && step->role != ROLE_DNS)
        return STEP_WRONG(place, err, "%s: each is for the role dns; of other roles a service has one node", step->key);
    if (step->role == ROLE_DNS && on_node && !step->each)
        return STEP_WRONG(place, err, "%s: a service has many dns nodes: write each: true", step->key);
    return true;
}

static bool step_read(const struct place *place, const struct raw_step *raw, struct pipeline_step *step,
                      struct err *err)
{
    if (!step_read_key(place, "step", raw->step, "an entry", &step->key, err) ||
        !step_read_key(place, "action", raw->action != NULL ? raw->action : raw->step, step->key, &step->action, err) ||
        !step_read_key(place, "label", raw->label, step->key, &step->label, err) ||
        !step_read_words(place, raw, step, err))
        return false;
    if (raw->weight < 1 || raw->weight > PIPELINE_WEIGHT_MAX)
        return STEP_WRONG(place, err, "%s: weight must be a whole number from 1 to %d", step->key, PIPELINE_WEIGHT_MAX);
    step->weight = raw->weight;
    step->each = raw->each;
    return step_check_target(place, step, err);
}

/* ---- what steps say of each other ---- */

static bool step_find(const struct pipeline *pipeline, const char *key, size_t count, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pipeline->steps[i].key, key) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool needs_read(const struct place *place, const struct raw_step *raw, struct pipeline *pipeline,
                       struct err *err)
{
    struct pipeline_step *step = &pipeline->steps[place->index];
    step->needs = xcalloc(raw->needs_count + 1, sizeof(*step->needs));
    for (size_t i = 0; i < raw->needs_count; i++) {
        size_t line = place->file->lines[place->index].needs[i];
        size_t need = 0;
        if (!step_find(pipeline, raw->needs[i], pipeline->step_count, &need))
            return pipeline_file_error(place->file->path, line, err, "%s needs %s, which is no step", step->key,
                                       raw->needs[i]);
        for (size_t k = 0; k < step->needs_count; k++) {
            if (step->needs[k] == need)
                return pipeline_file_error(place->file->path, line, err, "%s needs %s twice", step->key, raw->needs[i]);
        }
        step->needs[step->needs_count++] = need;
    }
    return true;
}

/* A step that is not done yet and that a step on the circle needs. */
static size_t next_on_circle(const struct pipeline *pipeline, const bool *done, size_t from)
{
    const struct pipeline_step *step = &pipeline->steps[from];
    for (size_t i = 0; i < step->needs_count; i++) {
        if (!done[step->needs[i]])
            return step->needs[i];
    }
    return from;
}

static bool circle_error(const struct pipeline_file *file, const struct pipeline *pipeline, const bool *done,
                         size_t from, struct err *err)
{
    /* Every step that is left needs another one that is left: after as many paces we surely stand on the circle. */
    size_t start = from;
    for (size_t i = 0; i < pipeline->step_count; i++)
        start = next_on_circle(pipeline, done, start);
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    buf_add_text(&text, pipeline->steps[start].key);
    size_t at = start;
    do {
        at = next_on_circle(pipeline, done, at);
        buf_addf(&text, " needs %s", pipeline->steps[at].key);
    } while (at != start);
    return pipeline_file_error(file->path, file->lines[start].step, err, "the steps go round in a circle: %s",
                               buf_text(&text));
}

static bool circles_check(const struct pipeline_file *file, const struct pipeline *pipeline, struct err *err)
{
    bool done[PIPELINE_STEPS_MAX] = { false };
    size_t left = pipeline->step_count;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < pipeline->step_count; i++) {
            if (done[i])
                continue;
            bool free_to_go = true;
            for (size_t k = 0; k < pipeline->steps[i].needs_count; k++)
                free_to_go = free_to_go && done[pipeline->steps[i].needs[k]];
            if (free_to_go) {
                done[i] = moved = true;
                left--;
            }
        }
    }
    for (size_t i = 0; left > 0 && i < pipeline->step_count; i++) {
        if (!done[i])
            return circle_error(file, pipeline, done, i, err);
    }
    return true;
}

/* ---- the whole ---- */

static bool pipeline_read(const struct pipeline_file *file, struct pipeline *pipeline, struct err *err)
{
    const struct raw_pipeline *raw = file->raw;
    if (raw->name == NULL || raw->mode == NULL || raw->step_count == 0)
        return pipeline_file_error(file->path, 1, err, "the pipeline has no %s",
                                   raw->name == NULL   ? "name"
                                   : raw->mode == NULL ? "mode"
                                                       : "steps");
    if (!key_is_fine(raw->name))
        return pipeline_file_error(file->path, file->name_line, err,
                                   "name %s: only a-z, 0-9, dot and hyphen are allowed, a letter first", raw->name);
    if (!mode_parse(raw->mode, &pipeline->mode))
        return pipeline_file_error(file->path, file->mode_line, err,
                                   "unknown mode %s: there are split, unified and vanity", raw->mode);
    pipeline->name = xstrdup(raw->name);
    memcpy(pipeline->hash, file->hash, sizeof(pipeline->hash));
    pipeline->steps = xcalloc(raw->step_count, sizeof(*pipeline->steps));
    for (size_t i = 0; i < raw->step_count; i++) {
        struct place place = { file, i };
        size_t before = 0;
        pipeline->step_count = i + 1; /* so that it is freed whatever comes */
        if (!step_read(&place, &raw->steps[i], &pipeline->steps[i], err))
            return false;
        if (step_find(pipeline, pipeline->steps[i].key, i, &before))
            return STEP_WRONG(&place, err, "step %s stands there twice, first in line %zu", pipeline->steps[i].key,
                              file->lines[before].step);
    }
    for (size_t i = 0; i < raw->step_count; i++) {
        struct place place = { file, i };
        if (!needs_read(&place, &raw->steps[i], pipeline, err))
            return false;
    }
    return circles_check(file, pipeline, err);
}

bool pipeline_load(const char *path, struct pipeline **ret_pipeline, struct err *err)
{
    CLEANUP(pipeline_file_finish) struct pipeline_file file = { 0 };
    if (!pipeline_file_read(path, &file, err))
        return false;
    struct pipeline *pipeline = xcalloc(1, sizeof(*pipeline));
    if (!pipeline_read(&file, pipeline, err)) {
        pipeline_destroy(pipeline);
        return false;
    }
    *ret_pipeline = pipeline;
    return true;
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    for (size_t i = 0; i < pipeline->step_count; i++) {
        struct pipeline_step *step = &pipeline->steps[i];
        free(step->key);
        free(step->action);
        free(step->label);
        free(step->needs);
    }
    free(pipeline->steps);
    free(pipeline->name);
    free(pipeline);
}

void pipeline_destroyp(struct pipeline **pipeline)
{
    pipeline_destroy(*pipeline);
}
