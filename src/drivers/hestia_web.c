/* hestia_web.c - the web domain, its settings, and the reload that makes changes live. */
#include "drivers/hestia.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

static struct segment *look_domain(struct talk *talk)
{
    return talk_look(talk, "v-list-web-domain", talk->step->user, talk->step->domain, "json", NULL);
}

static void add_domain(struct talk *talk)
{
    /* No address: the node's first shared one. RESTART=no: one reload serves all that wait. The alias is said: the panel adds
     * www. by itself only to a domain that is no subdomain [web-add-sub-own], but our zones always have it. */
    CLEANUP(freep) char *alias = xasprintf("www.%s", talk->step->domain);
    talk_make(talk, "v-add-web-domain", talk->step->user, talk->step->domain, "", "no", alias, NULL);
}

static void domain_dir(const struct step *step, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "/home/%s/web/%s", step->user, step->domain);
}

/* ---- there already ------------------------------------------------------------------------------------------------
 */

static bool domain_is_suspended(struct talk *talk, const struct look *domain)
{
    if (!look_is(domain, "SUSPENDED", "yes"))
        return false;
    move_end(talk->move, "panel.suspended", "web domain %s is suspended", talk->step->domain);
    return true;
}

static void domain_present(struct talk *talk)
{
    talk_begin(talk);
    talk_look(talk, "v-list-user", talk->step->user, "json", NULL);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return;
    /* State h of the contract: whole, but perhaps not live. */
    bool is_unsure = talk_may_be_ours(talk);
    talk_done(talk, is_unsure, is_unsure,
              is_unsure ? "the domain is there; a reload makes sure that it is live" : "the domain is there and ours");
}

/* v-add-web-domain said 0 and "Error:": an inner command failed. Written again, it is whole or the error stays. */
static void domain_rebuild(struct talk *talk)
{
    struct hestia_reply reply;
    talk_begin(talk);
    talk_make(talk, "v-rebuild-web-domain", talk->step->user, talk->step->domain, "no", NULL);
    look_domain(talk);
    if (!talk_run(talk))
        return;
    CLEANUP(look_finish) struct look domain;
    look_init(&domain, talk_segment(talk, 1), talk->step->domain);
    talk_reply(talk, 0, &reply);
    if (reply.answer == ANSWER_DONE && domain.state == LOOK_PRESENT)
        talk_done(talk, true, true, "the domain was made and written again");
    else
        talk_end_reply(talk, "v-rebuild-web-domain", &reply);
}

/* ---- half-created -------------------------------------------------------------------------------------------------
 */

/* Does the directory hold only what v-add-web-domain itself puts there? Then nobody's work is lost with it. */
static bool holds_skeleton_only(const struct segment_result *find, const char *dir)
{
    static const char *const skeleton[] = { "/public_html/index.html",   "/public_html/robots.txt",
                                            "/document_errors/403.html", "/document_errors/404.html",
                                            "/document_errors/410.html", "/document_errors/50x.html" };
    size_t dir_length = strlen(dir);
    for (const char *line = find->out; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        bool is_known = length == 0;
        for (size_t i = 0; i < ARRAY_LEN(skeleton) && length > dir_length; i++) {
            size_t rest = length - dir_length;
            is_known = is_known || (strlen(skeleton[i]) == rest && strncmp(line + dir_length, skeleton[i], rest) == 0);
        }
        if (!is_known)
            return false;
        line += length + (line[length] == '\n');
    }
    return true;
}

static void domain_repair(struct talk *talk, const char *dir)
{
    struct hestia_reply reply;
    talk_begin(talk);
    on(look_domain(talk), 3); /* the last look before anything is removed */
    talk_make(talk, "rm", "-rf", "--", dir, NULL);
    add_domain(talk);
    talk_make(talk, "v-update-user-counters", talk->step->user, NULL); /* the cut one was counted already */
    look_domain(talk);
    if (!talk_run(talk))
        return;
    CLEANUP(look_finish) struct look domain;
    look_init(&domain, talk_segment(talk, 4), talk->step->domain);
    talk_reply(talk, 2, &reply);
    if (domain.state == LOOK_PRESENT && reply.answer == ANSWER_DONE)
        talk_done(talk, true, true, "the left-over directory was removed and the domain made anew");
    else
        talk_end_reply(talk, "v-add-web-domain", &reply);
}

/* The panel says that the name is taken, but our user does not have it: somebody else's, or states a to g. Those lie in
 * our marked account, and what they hold is looked at before it is removed. */
static void domain_investigate(struct talk *talk, const struct hestia_reply *reply)
{
    const struct step *step = talk->step;
    char dir[320], command[340];
    domain_dir(step, dir, sizeof(dir));
    snprintf(command, sizeof(command), "rm -rf -- %s", dir);
    talk_begin(talk);
    on_any(talk_look(talk, "v-list-user", step->user, "json", NULL));
    size_t owners = talk_look_owners(talk, NULL);
    if (!step->sudo)
        talk_look(talk, "find", dir, "-xdev", "-type", "f", NULL);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return;
    struct segment_result found = *talk_segment(talk, 1 + owners); /* borrowed: later results do not move it */
    struct owner owner;
    if (!talk_find_foreign_owner(talk, 1, owners, &owner))
        return;
    if (owner.is_foreign)
        talk_end_owned(talk, "conflict.domain", &owner, "this node");
    else if (step->sudo)
        talk_end_command(talk, "conflict.left-over",
                         reply->error[0] != '\0' ? reply->error : "the making of the domain was cut off", command);
    else if (found.exit_code != 0)
        move_end(talk->move, "conflict.domain", "nobody owns %s, yet the panel says: %s", step->domain, reply->error);
    else if (!holds_skeleton_only(&found, dir))
        talk_end_command(talk, "conflict.left-over", "the directory that is left over holds somebody's files", command);
    else
        domain_repair(talk, dir);
}

/* ---- web.domain ---------------------------------------------------------------------------------------------------
 */

void hestia_do_web_domain(struct talk *talk)
{
    CLEANUP(look_finish) struct look before = { 0 };
    CLEANUP(look_finish) struct look after = { 0 };
    struct hestia_reply reply;
    talk_begin(talk);
    on(look_domain(talk), 3);
    add_domain(talk);
    look_domain(talk);
    if (!talk_run(talk))
        return;
    look_init(&before, talk_segment(talk, 0), talk->step->domain);
    look_init(&after, talk_segment(talk, 2), talk->step->domain);
    if (talk_end_look(talk, "v-list-web-domain", &before))
        return;
    if (before.state == LOOK_PRESENT) {
        if (!domain_is_suspended(talk, &before))
            domain_present(talk);
        return;
    }
    talk_reply(talk, 1, &reply);
    int exit_code = talk_segment(talk, 1)->exit_code;
    if (talk_end_look(talk, "v-list-web-domain", &after))
        return;
    if (after.state == LOOK_PRESENT) {
        if (exit_code == 0 && reply.answer == ANSWER_LOOK)
            domain_rebuild(talk);
        else /* also after 20 and after a cut: the line in web.conf is written last, a reload is all that is missing */
            talk_done(talk, true, true, "the domain was made");
        return;
    }
    if (exit_code == 4 || reply.is_cut) {
        domain_investigate(talk, &reply);
        return;
    }
    if (exit_code == 3) /* the user was there a moment ago: an address, a template, the list of public suffixes */
        reply.cause_id = "panel.incomplete";
    talk_end_refused(talk, "v-add-web-domain", &reply);
}

/* ---- web.settings -------------------------------------------------------------------------------------------------
 */

struct settings_difference {
    bool limits;
    bool backend;
};

static bool settings_read(struct talk *talk, size_t first, struct settings_difference *ret_difference)
{
    CLEANUP(look_finish) struct look user;
    CLEANUP(look_finish) struct look domain;
    const struct step *step = talk->step;
    char backend[32];
    look_init(&user, talk_segment(talk, first), step->user);
    look_init(&domain, talk_segment(talk, first + 1), step->domain);
    if (!talk_user_is_ours(talk, first) || talk_end_look(talk, "v-list-web-domain", &domain))
        return false;
    if (domain.state == LOOK_ABSENT) {
        move_end(talk->move, "panel.gone", "web domain %s is not there any more", step->domain);
        return false;
    }
    if (domain_is_suspended(talk, &domain))
        return false;
    hestia_backend(step->limits.php, backend, sizeof(backend));
    bool wants_php = step->limits.php != NULL && step->limits.php[0] != '\0'; /* else whatever the node has is right */
    ret_difference->limits = !hestia_user_limits_match(step, &user);
    ret_difference->backend = wants_php && !look_is(&domain, "BACKEND", backend);
    return true;
}

static void settings_look(struct talk *talk)
{
    on(talk_look(talk, "v-list-user", talk->step->user, "json", NULL), 0);
    look_domain(talk);
}

static void settings_change(struct talk *talk, struct settings_difference difference)
{
    const struct step *step = talk->step;
    struct hestia_reply reply = { 0 }, user_reply = { 0 };
    char backend[32];
    hestia_backend(step->limits.php, backend, sizeof(backend));
    talk_begin(talk);
    if (difference.limits)
        talk_make(talk, "v-change-user-package", step->user, step->package, NULL);
    if (difference.backend)
        talk_make(talk, "v-change-web-domain-backend-tpl", step->user, step->domain, backend, "no", NULL);
    size_t made = talk->command->segment_count;
    settings_look(talk);
    if (!talk_run(talk))
        return;
    if (difference.limits)
        talk_reply(talk, 0, &user_reply);
    if (difference.backend)
        talk_reply(talk, made - 1, &reply);
    struct settings_difference left;
    if (!settings_read(talk, made, &left))
        return;
    if (left.backend)
        talk_end_reply(talk, "v-change-web-domain-backend-tpl", &reply);
    else if (left.limits)
        talk_end_reply(talk, "v-change-user-package", &user_reply);
    else
        talk_done(talk, true, difference.backend,
                  difference.backend ? "the PHP version was set" : "the limits were set");
}

void hestia_do_web_settings(struct talk *talk)
{
    struct settings_difference difference;
    talk_begin(talk);
    settings_look(talk);
    if (!talk_run(talk) || !settings_read(talk, 0, &difference))
        return;
    if (!difference.limits && !difference.backend)
        talk_done(talk, false, false, "PHP version and limits are as wanted");
    else
        settings_change(talk, difference);
}

/* ---- web.reload ---------------------------------------------------------------------------------------------------
 */

/* PHP first: its pools must listen before the servers in front send them requests. */
void hestia_do_web_reload(struct talk *talk)
{
    static const char *const commands[] = { "v-restart-web-backend", "v-restart-web", "v-restart-proxy" };
    talk_begin(talk);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        talk_make(talk, commands[i], NULL);
    if (!talk_run(talk))
        return;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct hestia_reply reply;
        talk_reply(talk, i, &reply);
        if (reply.answer == ANSWER_DONE)
            continue;
        talk_end_reply(talk, commands[i], &reply);
        return;
    }
    talk_done(talk, true, false, "PHP, web server and proxy were reloaded");
}
