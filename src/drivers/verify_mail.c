/* verify_mail.c - verify.mail: the mailbox opens over IMAP with STARTTLS; where the order asks for no mailbox, the
 * server greets. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drivers/verify.h"
#include "transport/probe.h"

/* A refused password is not asked again and again: each costs a pause of the server, and a few of them make a node's
 * intrusion guard lock us out. */
#define REFUSALS_MAX 2

static bool has_mailbox(const struct step *step)
{
    return step->mailbox != NULL && step->mailbox[0] != '\0';
}

static void ask(const struct step *step, size_t look, struct move *move)
{
    char port[16], user[400], name[300];
    snprintf(port, sizeof(port), "%d", step->probe_imap_port);
    move->command = verify_look(look);
    if (!has_mailbox(step)) {
        command_add(move->command, "imap-greeting", "timeout=4000", step->probe_address, port, NULL);
        return;
    }
    snprintf(user, sizeof(user), "%s@%s", step->mailbox, step->domain);
    struct segment *segment = command_add(move->command, "imap", "timeout=8000", NULL);
    if (step->node_hostname != NULL && step->node_hostname[0] != '\0') {
        snprintf(name, sizeof(name), "name=%s", step->node_hostname);
        segment_add_word(segment, name);
    }
    segment_add_word(segment, step->probe_address);
    segment_add_word(segment, port);
    segment_add_word(segment, user);
    segment_set_input(segment, INPUT_STDIN, step->password);
}

static bool has_fact(const struct segment_result *seen, const char *key, const char *wanted)
{
    char value[64];
    return verify_fact(seen->out, key, value, sizeof(value)) && strcmp(value, wanted) == 0;
}

static const char *find_fault(const struct segment_result *seen)
{
    switch (seen->exit_code) {
    case PROBE_ANSWERED: return NULL;
    case PROBE_SILENT: return "verify.mail-silent";
    case PROBE_USAGE: return "verify.unusable";
    default: break;
    }
    if (has_fact(seen, "tls", "no"))
        return "verify.mail-tls";
    return has_fact(seen, "login", "no") ? "verify.mail-login" : "verify.mail-wrong";
}

static size_t count_refusals(const struct command_result *results, size_t count)
{
    size_t refusals = 0, segments;
    for (size_t look = 0; look < count; look++) {
        const struct segment_result *seen = verify_seen(&results[look], look, &segments);
        refusals += seen->exit_code == PROBE_WRONG && has_fact(seen, "login", "no") && has_fact(seen, "tls", "yes");
    }
    return refusals;
}

static void finish(const struct step *step, const struct segment_result *seen, struct move *move)
{
    if (!has_mailbox(step)) {
        move_done(move, "the mail server greets");
        return;
    }
    bool verified = has_fact(seen, "certificate", "verified");
    move_add_fact(move, "certificate", verified ? "verified" : "unverified");
    move_done(move, "the mailbox %s@%s opens over STARTTLS%s", step->mailbox, step->domain,
              verified ? "" : "; the certificate was not verified");
}

void verify_mail_next(const struct step *step, const struct command_result *results, size_t count, struct move *move)
{
    if (count == 0) {
        ask(step, 0, move);
        return;
    }
    size_t segments;
    const struct segment_result *seen = verify_seen(&results[count - 1], count - 1, &segments);
    const char *cause = find_fault(seen);
    char why[200];
    if (cause == NULL) {
        finish(step, seen, move);
    } else if (cause_find(cause)->verdict == VERDICT_RETRY && count_refusals(results, count) < REFUSALS_MAX &&
               verify_may_look_again(results, count)) {
        ask(step, count, move);
    } else {
        verify_first_line(seen->err, why, sizeof(why));
        move_end(move, cause, "%s port %d: %s", step->probe_address, step->probe_imap_port, why);
    }
}
