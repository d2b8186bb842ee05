/* hestia_talk.c - the conversation with a node, replayed from its results, and the questions that several actions ask.
 */
#include "drivers/hestia.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* ---- saying -------------------------------------------------------------------------------------------------------
 */

void talk_begin(struct talk *talk)
{
    assert(talk->command == NULL);
    struct command *command = command_create();
    command->lane = talk->action->lane;
    command->deadline_ms = talk->action->deadline_ms;
    command->node_limit_ms = talk->action->node_limit_ms;
    talk->command = command;
}

static struct segment *talk_add(struct talk *talk, const char *word, va_list words)
{
    bool is_panel = strncmp(word, "v-", 2) == 0;
    char path[128];
    snprintf(path, sizeof(path), "%s%s", is_panel ? HESTIA_BIN : "", word);
    struct segment *segment = command_add(talk->command, path, NULL);
    for (const char *next = va_arg(words, const char *); next != NULL; next = va_arg(words, const char *))
        segment_add_word(segment, next);
    segment->as_root = true;
    /* The panel's lists of users hold recovery keys; what it says about mailboxes may quote a password's hash. */
    segment->quiet = strcmp(word, "v-list-user") == 0 || strstr(word, "-mail-account") != NULL;
    return segment;
}

struct segment *talk_look(struct talk *talk, const char *word, ...)
{
    va_list words;
    va_start(words, word);
    struct segment *segment = talk_add(talk, word, words);
    va_end(words);
    return segment;
}

struct segment *talk_make(struct talk *talk, const char *word, ...)
{
    va_list words;
    va_start(words, word);
    struct segment *segment = talk_add(talk, word, words);
    va_end(words);
    segment->changes = true;
    return on_any(segment);
}

struct segment *on(struct segment *segment, int exit_code)
{
    segment_go_on(segment, exit_code);
    return segment;
}

struct segment *on_any(struct segment *segment)
{
    segment->go_on_count = 0;
    segment_go_on(segment, SEGMENT_GO_ON_ANY);
    return segment;
}

bool talk_run(struct talk *talk)
{
    struct command *command = talk->command;
    talk->command = NULL;
    if (talk->said < talk->result_count) {
        command_destroy(command);
        talk->result = &talk->results[talk->said++];
        return true;
    }
    talk->move->verdict = VERDICT_NONE;
    talk->move->command = command;
    return false;
}

const struct segment_result *talk_segment(const struct talk *talk, size_t index)
{
    static char nothing[] = "";
    static const struct segment_result not_run = { .exit_code = -1, .out = nothing, .err = nothing };
    if (index >= talk->result->segment_count || !talk->result->segments[index].ran)
        return &not_run;
    return &talk->result->segments[index];
}

void talk_reply(struct talk *talk, size_t index, struct hestia_reply *ret_reply)
{
    const struct segment_result *segment = talk_segment(talk, index);
    hestia_classify(segment->exit_code, segment->out, ret_reply);
    if (segment->ran && ret_reply->is_cut)
        talk->is_cut = true;
}

/* ---- ending -------------------------------------------------------------------------------------------------------
 */

void talk_done(struct talk *talk, bool changed, bool needs_reload, const char *note)
{
    talk->move->changed = changed;
    talk->move->needs_reload = needs_reload;
    move_done(talk->move, "%s", note);
}

void talk_end_reply(struct talk *talk, const char *command, const struct hestia_reply *reply)
{
    const char *cause_id = reply->cause_id != NULL ? reply->cause_id : "panel.half-created";
    const char *error = reply->error[0] != '\0' ? reply->error : "it said nothing";
    move_end(talk->move, cause_id, "%s: %s", command, error);
}

void talk_end_command(struct talk *talk, const char *cause_id, const char *why, const char *command)
{
    const size_t room = sizeof(talk->move->detail);
    if (strlen(command) >= room) /* cut short, an rm -rf would name another directory */
        move_end(talk->move, cause_id, "%s; the command is too long to be shown, see docs/drivers.md", why);
    else if (strlen(why) + 2 + strlen(command) >= room)
        move_end(talk->move, cause_id, "%s", command);
    else
        move_end(talk->move, cause_id, "%s; %s", why, command);
}

bool talk_end_look(struct talk *talk, const char *command, const struct look *look)
{
    if (look->state == LOOK_PRESENT || look->state == LOOK_ABSENT)
        return false;
    const char *cause_id = look->state == LOOK_NOT_RUN ? "panel.unexpected" : look->cause_id;
    const char *error = look->state == LOOK_NOT_RUN ? "it was not reached" : look->error;
    if (strcmp(cause_id, "panel.unreadable") == 0)
        error = "its answer is not valid JSON"; /* the answer itself may hold secrets */
    else if (error[0] == '\0')
        error = "it said nothing";
    move_end(talk->move, cause_id, "%s: %s", command, error);
    return true;
}

/* ---- whose is it --------------------------------------------------------------------------------------------------
 */

bool talk_user_is_ours(struct talk *talk, size_t index)
{
    const struct step *step = talk->step;
    CLEANUP(look_finish) struct look user;
    look_init(&user, talk_segment(talk, index), step->user);
    if (talk_end_look(talk, "v-list-user", &user))
        return false;
    const char *package = look_text(&user, "PACKAGE");
    if (user.state == LOOK_ABSENT)
        move_end(talk->move, "panel.missing", "the panel user %s is not on the node", step->user);
    else if (package[0] == '\0')
        move_end(talk->move, "panel.missing", "the panel user %s is only half-created", step->user);
    else if (strcmp(package, step->package) != 0)
        move_end(talk->move, "conflict.user", "user %s has package %s, not our %s", step->user, package, step->package);
    else if (look_is(&user, "SUSPENDED", "yes"))
        move_end(talk->move, "panel.suspended", "user %s is suspended", step->user);
    else
        return true;
    return false;
}

void talk_end_refused(struct talk *talk, const char *command, const struct hestia_reply *reply)
{
    talk_begin(talk);
    talk_look(talk, "v-list-user", talk->step->user, "json", NULL);
    if (talk_run(talk) && talk_user_is_ours(talk, 0))
        talk_end_reply(talk, command, reply);
}

bool talk_may_be_ours(const struct talk *talk)
{
    return talk->is_cut || talk->step->suspect;
}

/* The name above: "b.example" for "a.b.example"; NULL when what is left has one label. */
static const char *name_above(const char *name)
{
    const char *above = strchr(name, '.');
    return above != NULL && strchr(above + 1, '.') != NULL ? above + 1 : NULL;
}

size_t talk_look_owners(struct talk *talk, const char *kind)
{
    size_t count = 0;
    if (kind != NULL) {
        on_any(talk_look(talk, "v-search-domain-owner", talk->step->domain, kind, NULL));
        return 1;
    }
    for (const char *name = talk->step->domain; name != NULL && count < OWNER_LOOKS_MAX; name = name_above(name)) {
        on_any(talk_look(talk, "v-search-domain-owner", name, NULL));
        count++;
    }
    return count;
}

/* Lists name their objects as they are stored, so only the real owner's answer has the name as its key. */
static bool talk_confirm_owner(struct talk *talk, const struct owner *owner, bool *ret_is_owner)
{
    static const char *const lists[] = { "v-list-dns-domain", "v-list-web-domain", "v-list-mail-domain" };
    talk_begin(talk);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        on_any(talk_look(talk, lists[i], owner->user, owner->name, "json", NULL));
    if (!talk_run(talk))
        return false;
    *ret_is_owner = false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        CLEANUP(look_finish) struct look look;
        look_init(&look, talk_segment(talk, i), owner->name);
        if (look.state == LOOK_PRESENT)
            *ret_is_owner = true;
    }
    return true;
}

bool talk_find_foreign_owner(struct talk *talk, size_t first, size_t count, struct owner *ret_owner)
{
    struct owner found[OWNER_LOOKS_MAX] = { 0 };
    const char *name = talk->step->domain;
    for (size_t i = 0; i < count && name != NULL; i++, name = name_above(name)) {
        const struct segment_result *segment = talk_segment(talk, first + i);
        snprintf(found[i].name, sizeof(found[i].name), "%s", name);
        if (look_owner(segment, found[i].user, sizeof(found[i].user)) && found[i].user[0] != '\0')
            found[i].is_foreign = strcmp(found[i].user, talk->step->user) != 0;
    }
    *ret_owner = (struct owner){ 0 };
    for (size_t i = 0; i < count && !ret_owner->is_foreign; i++) {
        bool is_owner = false;
        if (!found[i].is_foreign)
            continue;
        if (!talk_confirm_owner(talk, &found[i], &is_owner))
            return false;
        if (is_owner)
            *ret_owner = found[i];
    }
    return true;
}

void talk_end_owned(struct talk *talk, const char *cause_id, const struct owner *owner, const char *where)
{
    if (strcmp(owner->name, talk->step->domain) == 0)
        move_add_fact(talk->move, "holder", owner->user);
    move_end(talk->move, cause_id, "%s belongs to user %s on %s", owner->name, owner->user, where);
}
