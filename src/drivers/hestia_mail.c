/* hestia_mail.c - the mail domain with its DKIM key, and mailboxes. */
#include "drivers/hestia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define DKIM_MAX 1024

static struct segment *look_domain(struct talk *talk)
{
    return talk_look(talk, "v-list-mail-domain", talk->step->user, talk->step->domain, "json", NULL);
}

static struct segment *look_dkim_record(struct talk *talk)
{
    return talk_look(talk, "v-list-mail-domain-dkim-dns", talk->step->user, talk->step->domain, "json", NULL);
}

static void add_domain(struct talk *talk)
{
    /* Filters: yes where the node has them. DKIM with 2048 bits. RESTART=no. */
    talk_make(talk, "v-add-mail-domain", talk->step->user, talk->step->domain, "yes", "yes", "yes", "2048", "no", NULL);
}

static bool segment_has_key(const struct talk *talk, size_t index)
{
    char value[DKIM_MAX];
    CLEANUP(look_finish) struct look look;
    look_init(&look, talk_segment(talk, index), "mail._domainkey");
    look_dkim(&look, value, sizeof(value));
    return value[0] != '\0';
}

/* ---- doubled lines ------------------------------------------------------------------------------------------------
 */

/* A second add of a half-created object writes a second line; then every command for it ends with 2 until root removes one
 * (contract, state "mail a"). The panel finds lines with a pattern in which a dot stands for any character, so the same
 * error comes from two names that only look alike: both ways of counting must see the same two lines before one is removed. */
static void look_doubled(struct talk *talk, const char *line, const char *file)
{
    on_any(talk_look(talk, "grep", "-c", "-F", "--", line, file, NULL));
    on_any(talk_look(talk, "grep", "-c", "--", line, file, NULL));
}

static bool stands_times(const struct talk *talk, size_t first, int times)
{
    return atoi(talk_segment(talk, first)->out) == times && atoi(talk_segment(talk, first + 1)->out) == times;
}

/* @return true: one line is removed now; false: a command has to run first, or it ended */
static bool repair_doubled(struct talk *talk, const char *file, const char *key, const char *value,
                           const struct look *look)
{
    char line[320], edit[700], command[1100];
    snprintf(line, sizeof(line), "%s='%s'", key, value);
    snprintf(edit, sizeof(edit), "0,/%s/{/%s/d}", line, line); /* the first of them */
    snprintf(command, sizeof(command), "sed -i \"%s\" %s", edit, file);
    talk_begin(talk);
    on_any(talk_look(talk, "v-list-user", talk->step->user, "json", NULL));
    if (!talk->step->sudo)
        look_doubled(talk, line, file);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return false;
    if (talk->step->sudo) {
        talk_end_command(talk, "conflict.doubled-line", look->error, command);
        return false;
    }
    if (!stands_times(talk, 1, 2)) {
        move_end(talk->move, look->cause_id, "%s", look->error);
        return false;
    }
    talk_begin(talk);
    talk_make(talk, "sed", "-i", edit, file, NULL);
    look_doubled(talk, line, file);
    if (!talk_run(talk))
        return false;
    if (stands_times(talk, 1, 1))
        return true;
    move_end(talk->move, "conflict.doubled-line", "sed did not remove it; look at %s in %s", line, file);
    return false;
}

/* ---- mail.domain --------------------------------------------------------------------------------------------------
 */

enum { STATE_USER, STATE_DOMAIN, STATE_DKIM, STATE_ACCOUNTS };

static void domain_state_look(struct talk *talk)
{
    talk_begin(talk);
    on(talk_look(talk, "v-list-user", talk->step->user, "json", NULL), 0);
    on(look_domain(talk), 0);
    on_any(look_dkim_record(talk));
    talk_look(talk, "v-list-mail-accounts", talk->step->user, talk->step->domain, "json", NULL);
}

/* On a node that is a web server too, the domain's webmail host is live only after a reload of the web. */
static bool has_webmail(const struct look *domain)
{
    return !look_is(domain, "WEBMAIL", "");
}

/* The end of a repair: `make` is the last changing segment, the list and the DKIM record follow. Exit 0 is enough, an "Error:"
 * line beside it may come from an inner command: a rebuild on a node without a web server says so about webmail. */
static void domain_check_repaired(struct talk *talk, const char *command, size_t make, const char *note)
{
    struct hestia_reply reply;
    CLEANUP(look_finish) struct look domain;
    talk_reply(talk, make, &reply);
    look_init(&domain, talk_segment(talk, make + 1), talk->step->domain);
    if (domain.state == LOOK_PRESENT && segment_has_key(talk, make + 2) && talk_segment(talk, make)->exit_code == 0)
        talk_done(talk, true, has_webmail(&domain), note);
    else
        talk_end_reply(talk, command, &reply);
}

/* States b to g and x: with a key, a rebuild makes the rest whole and keeps accounts. */
static void domain_rebuild(struct talk *talk)
{
    talk_begin(talk);
    talk_make(talk, "v-rebuild-mail-domain", talk->step->user, talk->step->domain, "no", NULL);
    on_any(look_domain(talk));
    look_dkim_record(talk);
    if (talk_run(talk))
        domain_check_repaired(talk, "v-rebuild-mail-domain", 0, "the mail domain was rebuilt");
}

/* No key, no accounts (states a to c): nothing can be lost, and only this heals state a. */
static void domain_make_anew(struct talk *talk)
{
    talk_begin(talk);
    talk_make(talk, "v-delete-mail-domain", talk->step->user, talk->step->domain, NULL);
    add_domain(talk);
    on_any(look_domain(talk));
    look_dkim_record(talk);
    if (talk_run(talk))
        domain_check_repaired(talk, "v-add-mail-domain", 1, "the half-created mail domain was removed and made anew");
}

/* Accounts are there, but no key. */
static void domain_make_key(struct talk *talk, bool says_dkim)
{
    const struct step *step = talk->step;
    talk_begin(talk);
    if (says_dkim) {
        talk_make(talk, "v-rebuild-mail-domain", step->user, step->domain, "no", NULL);
        talk_make(talk, "v-delete-mail-domain-dkim", step->user, step->domain, NULL);
    }
    talk_make(talk, "v-add-mail-domain-dkim", step->user, step->domain, NULL);
    on_any(look_domain(talk));
    look_dkim_record(talk);
    if (talk_run(talk))
        domain_check_repaired(talk, "v-add-mail-domain-dkim", says_dkim ? 2 : 0, "the mail domain got a DKIM key");
}

/* It is listed: see whose it is and how good, and mend the smallest part. */
static void domain_present(struct talk *talk, bool is_unsure)
{
    domain_state_look(talk);
    if (!talk_run(talk) || !talk_user_is_ours(talk, STATE_USER))
        return;
    CLEANUP(look_finish) struct look domain;
    CLEANUP(look_finish) struct look accounts;
    look_init(&domain, talk_segment(talk, STATE_DOMAIN), talk->step->domain);
    look_init(&accounts, talk_segment(talk, STATE_ACCOUNTS), NULL);
    if (talk_end_look(talk, "v-list-mail-domain", &domain))
        return;
    bool has_key = segment_has_key(talk, STATE_DKIM);
    bool has_no_accounts = accounts.state == LOOK_PRESENT && look_count(&accounts) == 0;
    if (domain.state == LOOK_ABSENT)
        move_end(talk->move, "panel.gone", "mail domain %s is not there any more", talk->step->domain);
    else if (look_is(&domain, "SUSPENDED", "yes"))
        move_end(talk->move, "panel.suspended", "mail domain %s is suspended", talk->step->domain);
    else if (has_key && !is_unsure)
        talk_done(talk, false, false, "the mail domain is there, ours, and has a key");
    else if (has_key)
        domain_rebuild(talk);
    else if (!look_is(&domain, "DKIM", "yes"))
        domain_make_key(talk, false);
    else if (has_no_accounts)
        domain_make_anew(talk);
    else
        domain_make_key(talk, true);
}

static void domain_doubled(struct talk *talk, const struct look *look)
{
    char file[96];
    snprintf(file, sizeof(file), HESTIA_USERS "%s/mail.conf", talk->step->user);
    if (repair_doubled(talk, file, "DOMAIN", talk->step->domain, look))
        domain_present(talk, true);
}

static void domain_refused(struct talk *talk, struct hestia_reply *reply)
{
    if (talk_segment(talk, 1)->exit_code == 3)
        reply->cause_id = "panel.incomplete";
    if (talk_segment(talk, 1)->exit_code != 4) {
        talk_end_refused(talk, "v-add-mail-domain", reply);
        return;
    }
    talk_begin(talk);
    size_t owners = talk_look_owners(talk, NULL);
    struct owner owner;
    if (!talk_run(talk) || !talk_find_foreign_owner(talk, 0, owners, &owner))
        return;
    if (owner.is_foreign)
        talk_end_owned(talk, "conflict.domain", &owner, "this node");
    else
        move_end(talk->move, "conflict.domain", "nobody owns %s, yet the panel says: %s", talk->step->domain,
                 reply->error);
}

void hestia_do_mail_domain(struct talk *talk)
{
    CLEANUP(look_finish) struct look before = { 0 };
    CLEANUP(look_finish) struct look after = { 0 };
    struct hestia_reply reply;
    talk_begin(talk);
    on(look_domain(talk),
       3); /* never add without listing first: a second line would be written over a half-created one */
    add_domain(talk);
    on(look_domain(talk), 0);
    look_dkim_record(talk);
    if (!talk_run(talk))
        return;
    look_init(&before, talk_segment(talk, 0), talk->step->domain);
    look_init(&after, talk_segment(talk, 2), talk->step->domain);
    if (before.state == LOOK_INVALID) {
        domain_doubled(talk, &before);
    } else if (before.state == LOOK_PRESENT) {
        domain_present(talk, talk->step->suspect);
    } else if (!talk_end_look(talk, "v-list-mail-domain", &before)) {
        talk_reply(talk, 1, &reply);
        if (after.state == LOOK_INVALID)
            domain_doubled(talk, &after);
        else if (talk_end_look(talk, "v-list-mail-domain", &after))
            return;
        else if (after.state == LOOK_ABSENT)
            domain_refused(talk, &reply);
        else if (reply.answer == ANSWER_DONE && segment_has_key(talk, 3))
            talk_done(talk, true, has_webmail(&after), "the mail domain was made and has a key");
        else
            domain_present(talk, true);
    }
}

/* ---- mail.dkim ----------------------------------------------------------------------------------------------------
 */

void hestia_do_mail_dkim(struct talk *talk)
{
    char value[DKIM_MAX];
    talk_begin(talk);
    look_dkim_record(talk);
    if (!talk_run(talk))
        return;
    CLEANUP(look_finish) struct look look;
    look_init(&look, talk_segment(talk, 0), "mail._domainkey");
    if (talk_end_look(talk, "v-list-mail-domain-dkim-dns", &look))
        return;
    look_dkim(&look, value, sizeof(value));
    if (look.state == LOOK_ABSENT) {
        move_end(talk->move, "panel.gone", "mail domain %s is not on the node", talk->step->domain);
    } else if (value[0] == '\0') {
        move_end(talk->move, "panel.no-dkim", "the panel shows no public key for %s", talk->step->domain);
    } else {
        move_add_fact(talk->move, "dkim_name", "mail._domainkey");
        move_add_fact(talk->move, "dkim_value", value);
        talk_done(talk, false, false, "the public key was read");
    }
}

/* ---- mail.account -------------------------------------------------------------------------------------------------
 */

static struct segment *look_account(struct talk *talk)
{
    const struct step *step = talk->step;
    return talk_look(talk, "v-list-mail-account", step->user, step->domain, step->mailbox, "json", NULL);
}

static void wanted_quota(const struct step *step, char *ret_text, size_t size)
{
    hestia_limit(step->mailbox_quota_mb == 0 ? -1 : step->mailbox_quota_mb, ret_text,
                 size); /* the panel's 0: no limit */
}

static void add_account(struct talk *talk)
{
    const struct step *step = talk->step;
    char quota[24];
    CLEANUP(buf_wipe) struct buf password = BUF_INIT;
    buf_addf(&password, "%s\n", step->password);
    wanted_quota(step, quota, sizeof(quota));
    struct segment *segment =
        talk_make(talk, "v-add-mail-account", step->user, step->domain, step->mailbox, "{file}", quota, NULL);
    segment_set_input(segment, INPUT_FILE, buf_text(&password));
}

static void rebuild_domain(struct talk *talk)
{
    talk_make(talk, "v-rebuild-mail-domain", talk->step->user, talk->step->domain, "no", NULL);
}

static void account_check(struct talk *talk, const char *command, size_t make, size_t look_index, const char *note)
{
    char quota[24];
    struct hestia_reply reply;
    CLEANUP(look_finish) struct look account;
    talk_reply(talk, make, &reply);
    wanted_quota(talk->step, quota, sizeof(quota));
    look_init(&account, talk_segment(talk, look_index), talk->step->mailbox);
    if (account.state == LOOK_PRESENT && look_is(&account, "QUOTA", quota) && talk_segment(talk, make)->exit_code == 0)
        talk_done(talk, true, false, note);
    else if (account.state == LOOK_FAILED)
        talk_end_look(talk, "v-list-mail-account", &account);
    else
        talk_end_reply(talk, command, &reply);
}

/* Listed: its quota is set right, and after an unknown outcome the domain's files are written again (state c). */
static void account_present(struct talk *talk, const struct look *account, bool is_unsure)
{
    const struct step *step = talk->step;
    char quota[24];
    wanted_quota(step, quota, sizeof(quota));
    bool match = look_is(account, "QUOTA", quota);
    if (look_is(account, "SUSPENDED", "yes")) {
        move_end(talk->move, "panel.suspended", "mailbox %s@%s is suspended", step->mailbox, step->domain);
        return;
    }
    talk_begin(talk);
    talk_look(talk, "v-list-user", step->user, "json", NULL);
    if (!talk_run(talk) || !talk_user_is_ours(talk, 0))
        return;
    if (match && !is_unsure) {
        talk_done(talk, false, false, "the mailbox is there and ours");
        return;
    }
    talk_begin(talk);
    if (!match)
        talk_make(talk, "v-change-mail-account-quota", step->user, step->domain, step->mailbox, quota, NULL);
    if (is_unsure)
        rebuild_domain(talk);
    size_t last = talk->command->segment_count;
    look_account(talk);
    if (talk_run(talk))
        account_check(talk, is_unsure ? "v-rebuild-mail-domain" : "v-change-mail-account-quota", last - 1, last,
                      is_unsure ? "the mailbox was rebuilt" : "the mailbox got its quota");
}

/* States a and b: a line in dovecot's file, nothing in the panel's. The add doubles that line, the rebuild writes the
 * file anew from the panel's data. */
static void account_add_and_rebuild(struct talk *talk)
{
    talk_begin(talk);
    on(look_account(talk), 3);
    add_account(talk);
    rebuild_domain(talk);
    look_account(talk);
    if (talk_run(talk))
        account_check(talk, "v-add-mail-account", 1, 3, "the half-created mailbox was made whole");
}

static void account_doubled(struct talk *talk, const struct look *look)
{
    const struct step *step = talk->step;
    char file[352];
    snprintf(file, sizeof(file), HESTIA_USERS "%s/mail/%s.conf", step->user, step->domain);
    if (!repair_doubled(talk, file, "ACCOUNT", step->mailbox, look))
        return;
    talk_begin(talk);
    rebuild_domain(talk);
    look_account(talk);
    if (talk_run(talk))
        account_check(talk, "v-rebuild-mail-domain", 0, 1, "the doubled mailbox was made single");
}

static void account_added(struct talk *talk, const struct look *after, bool is_rebuilt)
{
    struct hestia_reply reply;
    talk_reply(talk, 1, &reply);
    bool is_whole = reply.answer == ANSWER_DONE && (!is_rebuilt || talk_segment(talk, 2)->exit_code == 0);
    if (after->state == LOOK_INVALID)
        account_doubled(talk, after);
    else if (talk_end_look(talk, "v-list-mail-account", after))
        return;
    else if (after->state == LOOK_PRESENT && is_whole)
        talk_done(talk, true, false, "the mailbox was made");
    else if (after->state == LOOK_PRESENT)
        account_present(talk, after, true);
    else if (reply.is_cut)
        account_add_and_rebuild(talk);
    else if (talk_segment(talk, 1)->exit_code == 4)
        move_end(talk->move, "conflict.mailbox", "%s@%s: %s", talk->step->mailbox, talk->step->domain, reply.error);
    else
        talk_end_refused(talk, "v-add-mail-account", &reply);
}

void hestia_do_mail_account(struct talk *talk)
{
    if (talk->step->password == NULL ||
        talk->step->password[0] == '\0') { /* the panel would take it, and let anybody in */
        move_end(talk->move, "panel.password", "no password was handed in for mailbox %s", talk->step->mailbox);
        return;
    }
    CLEANUP(look_finish) struct look before = { 0 };
    CLEANUP(look_finish) struct look after = { 0 };
    bool is_unsure = talk->step->suspect;
    talk_begin(talk);
    on(look_account(talk), 3);
    add_account(talk);
    if (is_unsure)
        rebuild_domain(talk);
    look_account(talk);
    if (!talk_run(talk))
        return;
    look_init(&before, talk_segment(talk, 0), talk->step->mailbox);
    look_init(&after, talk_segment(talk, is_unsure ? 3 : 2), talk->step->mailbox);
    if (before.state == LOOK_INVALID)
        account_doubled(talk, &before);
    else if (before.state == LOOK_PRESENT)
        account_present(talk, &before, is_unsure);
    else if (!talk_end_look(talk, "v-list-mail-account", &before))
        account_added(talk, &after, is_unsure);
}
