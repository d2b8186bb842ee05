/* cause.c - why a step did not end well: one row per cause, sorted by prefix. What staff read, what they (or Berth) do
 * about it, and the message key of what the customer reads. The customer's words live in the catalogue, never here. */
#include "drivers/driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Verdict, class of retries, and what it waits for. */
#define RETRY(of) VERDICT_RETRY, RETRY_##of, NULL
#define WAITS(of, what) VERDICT_RETRY, RETRY_##of, what
#define FAILED VERDICT_FAILED, RETRY_PANEL, NULL
#define CONFLICT VERDICT_CONFLICT, RETRY_PANEL, NULL

static const struct cause causes[] = {
    /* somebody else's object, or one whose owner cannot be proved: a person decides */
    { "conflict.domain", CONFLICT, "The domain belongs to another user of the panel on this node.",
      "Look at the named owner: remove or move the domain there, or order another domain; then retry the task.",
      "problem.name-taken" },
    { "conflict.doubled-line", CONFLICT, "The panel's data file holds a line twice, and only root can remove one.",
      "Run the command shown as root on the node; then retry the task.", "problem.internal" },
    { "conflict.left-over", CONFLICT,
      "Something is left over under this name on the node and nobody owns it in the panel.",
      "Run the commands shown as root on the node once you are sure that nothing there is needed; then retry the task.",
      "problem.internal" },
    { "conflict.mailbox", CONFLICT, "The mailbox's name is taken in this domain by something else, such as an alias.",
      "Remove the alias, or order another mailbox; then retry the task.", "problem.internal" },
    { "conflict.package", CONFLICT, "A package with our name exists on the node, but it is not as we write it.",
      "Compare the package with the product; delete it if nobody uses it; then retry the task.", "problem.internal" },
    { "conflict.user", CONFLICT, "The panel user of this name belongs to somebody else.",
      "Rename the account (a new user name is derived), or remove the other user if it is a left-over; then retry the "
      "task.",
      "problem.internal" },
    { "conflict.user-left-over", CONFLICT,
      "A system user of this name exists on the node, but no panel user: a creation was cut off.",
      "Run the commands shown as root on the node once you are sure that the home directory holds nothing; then retry "
      "the task.",
      "problem.internal" },
    { "conflict.zone", CONFLICT, "The zone belongs to another user of the panel on this name server.",
      "Look at the named owner: remove or move the zone there, or order another domain; then retry the task.",
      "problem.name-taken" },

    /* reaching a node and running a command there: transport outcomes */
    { "node.auth", WAITS(NODE, "the node to accept our key"), "The node does not accept our SSH key.",
      "Put the public key of `berthctl node key` into the node's authorized_keys. Berth tries again with growing "
      "pauses.",
      "wait.node" },
    { "node.busy", WAITS(BUSY, "the other command to end"), "Another command that changes the node is running there.",
      "Berth goes on when the node is free. If it stays: look what holds the lock in ~/.berth on the node; then retry "
      "the task.",
      "wait.busy" },
    { "node.channel", WAITS(NODE, "the node to give us a shell"), "The node was reached, but it gave us no shell.",
      "Berth tries again. If it stays: look at MaxSessions, the login shell and ForceCommand in the node's "
      "sshd_config.",
      "wait.node" },
    { "node.connect", WAITS(NODE, "the node to answer"), "The node cannot be reached over SSH.",
      "Berth tries again with growing pauses. If it stays: look at the node, its sshd and the network in between.",
      "wait.node" },
    { "node.cut", WAITS(NODE, "a connection that holds"), "The connection to the node ended under the command.",
      "Berth connects again and finds out what became of the command. If it repeats: look at the node's sshd and the "
      "network in between.",
      "wait.node" },
    { "node.deadline", RETRY(NODE), "The command did not answer before its deadline.",
      "Berth finds out what became of it and goes on. If it repeats: look at the load of the node.", "wait.busy" },
    { "node.disk-full", WAITS(NODE, "room on the node's disk"),
      "A disk of the node is full, or nearly so, and nothing is changed there.",
      "Make room on the disk that is named. Berth looks again with growing pauses and then goes on. How much it asks "
      "for "
      "is the setting node.room.",
      "wait.node" },
    { "node.fenced", RETRY(BUSY), "The node has seen a newer attempt than this one and refused the command.",
      "Nothing: the newer attempt goes on. After a restore of the store from a backup: reset the fence of the node.",
      "wait.busy" },
    { "node.host-key", FAILED, "The node shows another host key than the recorded one.",
      "Find out why (a new installation, or somebody in between). If it is right, record the new key; then retry the "
      "task.",
      "problem.internal" },
    { "node.killed", RETRY(NODE), "The command ran longer than the node allows and was ended there.",
      "Berth looks what is there and repairs it. If it repeats: look at the load of the node.", "wait.busy" },
    { "node.lost", RETRY(NODE), "The node was restarted, or lost its record, while the command ran.",
      "Berth looks what is there and repairs it.", "wait.node" },
    { "node.state-dir", WAITS(NODE, "room for its records on the node"),
      "The node cannot keep a record of commands: disk full, read-only, or no home directory.",
      "Make room in the home directory of the SSH user on the node. Berth tries again with growing pauses.",
      "wait.node" },
    { "node.unreachable", FAILED, "The node could not be used for as long as a task may wait.",
      "`berthctl node show` says since when and why; bring the node back; then retry the task.", "problem.internal" },

    /* the panel's answers: see docs/drivers.md for the exit codes */
    { "panel.arguments", FAILED, "The panel did not accept the number or kind of arguments.",
      "The driver and the panel's version do not fit: compare the panel's version with docs/drivers.md.",
      "problem.internal" },
    { "panel.connect", RETRY(PANEL), "The panel could not reach a service that it needs.",
      "Berth tries again. If it stays: look at the node's way out to the Internet.", "wait.node" },
    { "panel.database", RETRY(PANEL), "The panel could not reach its database server.",
      "Berth tries again. If it stays: look at the database server of the node.", "wait.node" },
    { "panel.disabled", FAILED, "The subsystem is not installed on this node.",
      "Install it, or take the capability from the node and move the account.", "problem.internal" },
    { "panel.disk-full", RETRY(PANEL), "The panel reports that the disk of the node is full.",
      "Make room on the node. Berth tries again with growing pauses.", "wait.node" },
    { "panel.exists", CONFLICT, "The panel says that the object exists, but a look does not show it as ours.",
      "Look at the panel's own words and at the object on the node; then retry the task.", "problem.internal" },
    { "panel.forbidden", FAILED, "The panel forbids it: the address is dedicated to another user.",
      "Free the address, or give the node a shared one.", "problem.internal" },
    { "panel.ftp", RETRY(PANEL), "The panel could not reach its FTP server.",
      "Berth tries again. If it stays: look at the FTP server of the node.", "wait.node" },
    { "panel.gone", RETRY(PANEL), "An object that was there a moment ago is missing now.",
      "Berth looks again from the beginning. If it repeats: somebody else changes the account on the node.",
      "wait.busy" },
    { "panel.half-created", RETRY(PANEL), "The object is still half-created after its repair.",
      "Berth tries again. If it repeats: look at the attempt's log and at log/error.log of the panel.", "wait.busy" },
    { "panel.in-use", RETRY(BUSY), "The panel says that the object is in use.",
      "Berth tries again. If it stays: look who uses it.", "wait.busy" },
    { "panel.incomplete", RETRY(PANEL),
      "The node lacks something that the panel needs: a free address, a template, or the list of public suffixes.",
      "Look at the panel's own words and put it in place. Berth tries again with growing pauses.", "wait.node" },
    { "panel.invalid", FAILED, "The panel refused a value.",
      "Look at the panel's own words; correct the order or the product; then retry the task.", "problem.internal" },
    { "panel.killed", RETRY(PANEL), "The panel's command was killed in the middle of its work.",
      "Berth looks what is there and repairs it. If it repeats: look at the node's memory and its kernel log.",
      "wait.busy" },
    { "panel.limit", FAILED, "A limit of the account's package is reached.",
      "Raise the limit of the product, or remove something from the account; then retry the task.",
      "problem.internal" },
    { "panel.load", WAITS(BUSY, "the load of the node to fall"),
      "The panel refused because the load of the node is too high.",
      "Berth goes on when the load has fallen. If it stays: look what keeps the node busy; then retry the task.",
      "wait.busy" },
    { "panel.missing", FAILED, "Something that the step builds on is missing on the node.",
      "Look at the panel's own words (package, template, address, list of public suffixes); put it in place; then "
      "retry.",
      "problem.internal" },
    { "panel.no-command", FAILED, "The panel's command does not exist on this node.",
      "Install HestiaCP 1.10 or newer on the node, or correct its driver.", "problem.internal" },
    { "panel.no-dkim", RETRY(PANEL), "The mail domain has no DKIM key.",
      "Berth looks again. If it stays: retry the task of the mail domain, which makes a key.", "wait.busy" },
    { "panel.no-root", FAILED, "The command does not run as root on this node.",
      "Log in as root, or give the SSH user the sudo rule of docs/drivers.md.", "problem.internal" },
    { "panel.parsing", RETRY(PANEL), "The panel could not read its own configuration.",
      "Berth tries again. If it stays: look at log/error.log of the panel.", "problem.internal" },
    { "panel.password", FAILED, "The panel does not accept the password.",
      "Reset the password of the account; then retry the task.", "problem.internal" },
    { "panel.password-not-kept", RETRY(PANEL), "The node could not write the account's password down.",
      "Make room on the node's disk, and see that nothing locks its password files. Berth tries again with growing "
      "pauses.",
      "wait.node" },
    { "panel.restart", RETRY(PANEL), "A service of the node did not take the new configuration.",
      "Berth tries again. If it stays: check the configuration of the named service; something else on the node broke "
      "it.",
      "wait.node" },
    { "panel.rrd", RETRY(PANEL), "The panel could not write its statistics.",
      "Berth tries again. If it stays: look at log/error.log of the panel.", "wait.node" },
    { "panel.silent", RETRY(PANEL), "A list of the panel came back empty: it did not run as root, or was cut short.",
      "Berth tries again. If it stays: log in as root, or give the SSH user the sudo rule of docs/drivers.md.",
      "wait.busy" },
    { "panel.suspended", FAILED, "The user or the object is suspended on the node.",
      "Unsuspend it, if that is meant; then retry the task.", "problem.suspended" },
    { "panel.unexpected", RETRY(PANEL), "The panel ended with an exit code that is not in its contract.",
      "Berth tries again. If it stays: look at the attempt's log and at log/error.log of the panel.",
      "problem.internal" },
    { "panel.unreadable", RETRY(PANEL), "The panel's list cannot be read: it is empty or not valid JSON.",
      "Berth tries again. If it stays: look at the list on the node; a backslash in a name breaks the panel's JSON.",
      "problem.internal" },
    { "panel.unsuspended", FAILED, "The object is not suspended on the node.",
      "Look at the account; nothing needs to be undone.", "problem.internal" },
    { "panel.update", WAITS(BUSY, "the update of the panel to end"), "The panel is being updated.",
      "Berth goes on when the update has ended. If it stays: look at the update on the node; then retry the task.",
      "wait.node" },

    /* where a service goes */
    { "place.no-name-server", RETRY(NODE), "The product's group has no active name server.",
      "Attach a name server to the group; the service goes on by itself.", "wait.capacity" },
    { "place.no-node", RETRY(NODE), "The product's group has no active node with the needed capability.",
      "Add such a node to the group; the service goes on by itself.", "wait.capacity" },
    { "place.no-room", RETRY(NODE), "Every node of the product's group that could take the service is full.",
      "Add a node to the group, or raise capacity_max of one; the service goes on by itself.", "wait.capacity" },

    /* node.preflight: what a node must have before anything is put on it */
    { "preflight.missing", FAILED, "The node lacks a subsystem that its capabilities promise.",
      "Install the subsystem, or correct the capabilities of the node; then test the node again.", "problem.internal" },
    { "preflight.no-panel", FAILED, "HestiaCP is not installed on this node.",
      "Install HestiaCP 1.10 or newer, or correct the node's driver; then test the node again.", "problem.internal" },
    { "preflight.version", FAILED, "The panel's version is not one that the driver knows.",
      "Update the panel to 1.10 or newer; then test the node again.", "problem.internal" },

    /* people */
    { "task.by-hand", FAILED, "Somebody ended the task by hand.",
      "Retry the task or redeploy the service to go on; cancel to leave it.", "problem.stopped" },

    /* verify.*: looked at from outside, as the customer would */
    { "verify.dns-differs", RETRY(VERIFY), "A name server answers for the zone, but not with every record as wanted.",
      "Berth looks again with growing pauses. If it stays: retry the zone's task of the named server, which writes the "
      "zone again.",
      "wait.verify" },
    { "verify.dns-not-served", WAITS(VERIFY, "the name server to serve the zone"),
      "A name server answers, but not for this zone.",
      "Berth looks again with growing pauses. If it stays: look at named's log there; retry the zone's task of that "
      "server.",
      "wait.verify" },
    { "verify.dns-serial", WAITS(VERIFY, "the name servers to agree"),
      "The name servers hold different versions of the zone.",
      "Berth looks again with growing pauses. If it stays: retry the zone's tasks, which write the same serial "
      "everywhere.",
      "wait.verify" },
    { "verify.dns-silent", WAITS(VERIFY, "the name server to answer"), "A name server does not answer.",
      "Berth looks again with growing pauses. If it stays: look at named, at port 53 (UDP and TCP) and at the address "
      "recorded for the node.",
      "wait.verify" },
    { "verify.mail-login", RETRY(VERIFY), "The mail server does not let the mailbox log in with its password.",
      "Berth tries again with growing pauses. If it stays: set the mailbox's password again, then retry the task.",
      "wait.verify" },
    { "verify.mail-silent", RETRY(VERIFY), "The mail server does not answer over IMAP.",
      "Berth looks again with growing pauses. If it stays: look at dovecot, at the IMAP port and at the address "
      "recorded for the node.",
      "wait.verify" },
    { "verify.mail-tls", RETRY(VERIFY), "The mail server offers no STARTTLS that works.",
      "Give dovecot a certificate (a self-signed one is enough). Berth looks again with growing pauses.",
      "wait.verify" },
    { "verify.mail-wrong", RETRY(VERIFY), "The mail server answers, but the mailbox does not open.",
      "Berth looks again with growing pauses. If it stays: look at the mailbox and at dovecot's log on the node.",
      "wait.verify" },
    { "verify.unusable", FAILED, "The check could not be made as it was asked for.",
      "Correct the named address, port or name; then retry the task.", "problem.internal" },
    { "verify.web-default", RETRY(VERIFY), "The node answers with its default page instead of the site.",
      "Berth looks again with growing pauses. If it stays: reload nginx on the node and look for a site that is its "
      "default by mistake.",
      "wait.verify" },
    { "verify.web-silent", RETRY(VERIFY), "The web server does not answer.",
      "Berth looks again with growing pauses. If it stays: look at nginx, at the HTTP port and at the address recorded "
      "for the node.",
      "wait.verify" },
    { "verify.web-status", RETRY(VERIFY), "The site answers with an error.",
      "Berth looks again with growing pauses. If it stays: look at the site's error log; 403 can mean that the user's "
      "home is closed.",
      "wait.verify" },
};

const struct cause *cause_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (strcmp(causes[i].id, id) == 0)
            return &causes[i];
    }
    return NULL;
}

unsigned cause_choices(const char *id)
{
    static const struct {
        const char *id;
        unsigned choices;
    } conflicts[] = {
        { "conflict.user",
          RESOLUTION_BIT(RESOLUTION_ADOPT) | RESOLUTION_BIT(RESOLUTION_RENAME) | RESOLUTION_BIT(RESOLUTION_ABORT) },
        { "conflict.user-left-over", RESOLUTION_BIT(RESOLUTION_RENAME) | RESOLUTION_BIT(RESOLUTION_ABORT) },
        { "conflict.domain", RESOLUTION_BIT(RESOLUTION_ADOPT) | RESOLUTION_BIT(RESOLUTION_ABORT) },
        { "conflict.zone", RESOLUTION_BIT(RESOLUTION_ADOPT) | RESOLUTION_BIT(RESOLUTION_ABORT) },
    };
    for (size_t i = 0; i < ARRAY_LEN(conflicts); i++) {
        if (strcmp(conflicts[i].id, id) == 0)
            return conflicts[i].choices;
    }
    const struct cause *cause = cause_find(id);
    return cause != NULL && cause->verdict == VERDICT_CONFLICT ? RESOLUTION_BIT(RESOLUTION_ABORT) : 0;
}

size_t cause_count(void)
{
    return ARRAY_LEN(causes);
}

const struct cause *cause_at(size_t index)
{
    assert(index < ARRAY_LEN(causes));
    return &causes[index];
}

static const char *fault_cause(enum transport_fault fault)
{
    switch (fault) {
    case FAULT_NONE: return "node.cut";
    case FAULT_CONNECT: return "node.connect";
    case FAULT_HOST_KEY: return "node.host-key";
    case FAULT_AUTH: return "node.auth";
    case FAULT_CHANNEL: return "node.channel";
    case FAULT_CUT: return "node.cut";
    case FAULT_DEADLINE: return "node.deadline";
    case FAULT_STATE_DIR: return "node.state-dir";
    case FAULT_DISK_FULL: return "node.disk-full";
    }
    abort(); /* not one of ours: memory is damaged */
}

static const char *outcome_cause(const struct command_result *result)
{
    switch (result->outcome) {
    case OUTCOME_ENDED: break;
    case OUTCOME_NOT_STARTED: return result->fault == FAULT_NONE ? "node.connect" : fault_cause(result->fault);
    case OUTCOME_UNKNOWN: return fault_cause(result->fault);
    case OUTCOME_BUSY: return "node.busy";
    case OUTCOME_FENCED: return "node.fenced";
    case OUTCOME_LOST: return "node.lost";
    case OUTCOME_KILLED: return "node.killed";
    }
    abort(); /* an ended command is the driver's to judge */
}

const struct cause *cause_of_outcome(const struct command_result *result)
{
    const struct cause *cause = cause_find(outcome_cause(result));
    assert(cause != NULL);
    return cause;
}
