/* settings_table.c - the settings: one row each. See settings.h. */
#include "core/settings.h"

#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* The offset of a field, refused by the compiler when the field has not the row's type. */
#define FIELD(field, type)                                                                                             \
    (offsetof(struct settings, field) + 0 * sizeof(_Generic(((struct settings *)0)->field, type : 0)))
#define DURATION_FIELD(field) .type = SETTING_DURATION, .offset = FIELD(field, int64_t)
#define NUMBER_FIELD(field) .type = SETTING_NUMBER, .offset = FIELD(field, int)
#define DECIMAL_FIELD(field) .type = SETTING_DECIMAL, .offset = FIELD(field, double)
#define BOOLEAN_FIELD(field) .type = SETTING_BOOLEAN, .choices = booleans, .offset = FIELD(field, bool)
#define CHOICE_FIELD(field, kind) .type = SETTING_CHOICE, .offset = FIELD(field, enum kind)
#define TEXT_FIELD(kind, field) .type = kind, .high = SETTING_TEXT_MAX, .offset = FIELD(field, char *)

/* What a class of causes may have for itself in place of the rows for all. */
#define OWN_DURATION(suffix, field, in, from, to, value, text)                                                         \
    {                                                                                                                  \
        .name = "retry." suffix, DURATION_FIELD(field), .unit = (in), .low = (from), .high = (to), .preset = (value),  \
        .general = true, .help = (text)                                                                                \
    }
#define RETRY_ROWS(word, index, what)                                                                                  \
    OWN_DURATION(word "_first", retry_of[index].first_ms, "s", 100, HOUR_MS, "general", "the least pause " what),      \
        { .name = "retry." word "_factor",                                                                             \
          DECIMAL_FIELD(retry_of[index].factor),                                                                       \
          .unit = "",                                                                                                  \
          .low = 1000,                                                                                                 \
          .high = 10000,                                                                                               \
          .preset = "general",                                                                                         \
          .general = true,                                                                                             \
          .help = "how much longer the pause may be each time " what },                                                \
        OWN_DURATION(word "_cap", retry_of[index].cap_ms, "s", SECOND_MS, DAY_MS, "general",                           \
                     "the longest pause " what),                                                                       \
    {                                                                                                                  \
        .name = "retry." word "_attempts", NUMBER_FIELD(retry_of[index].attempts_max), .unit = "attempts", .low = 0,   \
        .high = 1000, .preset = "general", .general = true,                                                            \
        .help = "how many attempts a task has " what "; 0: without end"                                                \
    }
#define WAIT_ROWS(word, index, look_cap, what)                                                                         \
    OWN_DURATION(word "_wait", retry_of[index].wait_ms, "h", MINUTE_MS, 30 * DAY_MS, "general",                        \
                 "how long a task may wait " what),                                                                    \
        OWN_DURATION(word "_wait_cap", retry_of[index].wait_cap_ms, "s", SECOND_MS, HOUR_MS, look_cap,                 \
                     "the longest pause between two looks " what)

_Static_assert(sizeof(enum ticket_channel) == sizeof(int) && sizeof(enum ticket_priority) == sizeof(int),
               "choices are stored as int");

static const char *const booleans[] = { "false", "true", NULL };
static const char *const ticket_channels[] = { "none", "whmcs", "mail", "webhook", NULL };
static const char *const ticket_priorities[] = { "Low", "Medium", "High", NULL }; /* as WHMCS spells them */
static const char *const http_schemes[] = { "https://", "http://", NULL };
static const char *const smtp_schemes[] = { "smtps://", "smtp://", NULL };

const struct setting setting_table[] = {
    { .name = "retry.first",
      DURATION_FIELD(retry.first_ms),
      .unit = "s",
      .low = 100,
      .high = HOUR_MS,
      .preset = "4 s",
      .help = "the least pause before a task is tried again" },
    { .name = "retry.factor",
      DECIMAL_FIELD(retry.factor),
      .unit = "",
      .low = 1000,
      .high = 10000,
      .preset = "2",
      .help = "how much longer the pause may be after each further attempt; the pause itself is drawn between the "
              "first and "
              "that" },
    { .name = "retry.cap",
      DURATION_FIELD(retry.cap_ms),
      .unit = "s",
      .low = SECOND_MS,
      .high = DAY_MS,
      .preset = "1 h",
      .help = "the longest pause" },
    { .name = "retry.attempts",
      NUMBER_FIELD(retry.attempts_max),
      .unit = "attempts",
      .low = 0,
      .high = 1000,
      .preset = "12",
      .help = "after so many attempts a task has failed and a person is needed; 0: never" },
    { .name = "retry.wait",
      DURATION_FIELD(retry.wait_ms),
      .unit = "h",
      .low = MINUTE_MS,
      .high = 30 * DAY_MS,
      .preset = "1 d",
      .help =
          "a task that waits for something (a lock, the load of a node, a node that does not answer, a name server) "
          "uses up no attempts; when it has waited for so long it has failed and a person is needed" },
    { .name = "retry.wait_cap",
      DURATION_FIELD(retry.wait_cap_ms),
      .unit = "s",
      .low = SECOND_MS,
      .high = HOUR_MS,
      .preset = "1 min",
      .help = "the longest pause between two looks at what a task waits for" },
    RETRY_ROWS("node", RETRY_NODE, "when the node could not be reached or could not run the command"),
    WAIT_ROWS("node", RETRY_NODE, "general", "for its node to answer and to run commands"),
    RETRY_ROWS("busy", RETRY_BUSY, "when something is locked, in use or overloaded"),
    WAIT_ROWS("busy", RETRY_BUSY, "general", "for a lock, or for the load of the node to fall"),
    RETRY_ROWS("panel", RETRY_PANEL, "when the panel did not do it"),
    RETRY_ROWS("verify", RETRY_VERIFY, "when a look from outside does not see it yet"),
    WAIT_ROWS("verify", RETRY_VERIFY, "5 min", "for a name server"),
    { .name = "ssh.connect",
      DURATION_FIELD(ssh.connect_ms),
      .unit = "s",
      .low = SECOND_MS,
      .high = 2 * MINUTE_MS,
      .preset = "10 s",
      .help = "how long each step of connecting to a node may take" },
    { .name = "ssh.silence",
      DURATION_FIELD(ssh.silence_ms),
      .unit = "s",
      .low = 2 * SECOND_MS,
      .high = 10 * MINUTE_MS,
      .preset = "15 s",
      .help =
          "a connection that owes an answer for so long is given up, and the command is picked up over another one" },
    { .name = "ssh.command",
      DURATION_FIELD(ssh.command_ms),
      .unit = "s",
      .low = 5 * SECOND_MS,
      .high = HOUR_MS,
      .preset = "30 s",
      .help = "a command on a node has at least so long before Berth looks what became of it; steps that are known to "
              "take longer have longer" },
    { .name = "ssh.channels",
      NUMBER_FIELD(ssh.channels),
      .unit = "channels",
      .low = 1,
      .high = 16,
      .preset = "8",
      .help =
          "at most so many channels at once in the connection to a node, whatever the node itself allows; below sshd's "
          "MaxSessions (10)" },
    { .name = "node.capacity",
      NUMBER_FIELD(node.capacity),
      .unit = "services",
      .low = 0,
      .high = 1000000,
      .preset = "0",
      .help = "how many services a node takes when it was added without a number of its own; 0: no limit" },
    { .name = "node.looks",
      NUMBER_FIELD(node.looks),
      .unit = "looks",
      .low = 1,
      .high = 14,
      .preset = "2",
      .help = "so many steps that only look may run on a node at once, beside the one that changes something" },
    { .name = "node.room",
      NUMBER_FIELD(node.room_mb),
      .unit = "MB",
      .low = 0,
      .high = 1000000,
      .preset = "64",
      .help = "nothing is changed on a node while one of its disks has less room than this, because a panel that "
              "cannot write leaves empty files and says that it is done; 0: do not look" },
    { .name = "node.breaker_failures",
      NUMBER_FIELD(node.breaker_failures),
      .unit = "failures",
      .low = 0,
      .high = 100,
      .preset = "3",
      .help = "when so many commands in a row could not be run on a node, its tasks are held back until it answers "
              "again; 0: never" },
    { .name = "node.probe_first",
      DURATION_FIELD(node.probe_first_ms),
      .unit = "s",
      .low = 100,
      .high = HOUR_MS,
      .preset = "5 s",
      .help = "the least pause before a node whose tasks are held back is asked whether it is back" },
    { .name = "node.probe_cap",
      DURATION_FIELD(node.probe_cap_ms),
      .unit = "s",
      .low = SECOND_MS,
      .high = DAY_MS,
      .preset = "2 min",
      .help = "the longest pause between two such questions; each is up to twice as long as the one before" },
    { .name = "verify.name_servers",
      NUMBER_FIELD(verify.name_servers),
      .unit = "name servers",
      .low = 0,
      .high = 8,
      .preset = "0",
      .help = "so many name servers must answer every record before a service is live; 0: all of them" },
    { .name = "ticket.enabled",
      BOOLEAN_FIELD(ticket.enabled),
      .unit = "",
      .preset = "false",
      .help = "open a ticket when an operation has failed and a person is needed" },
    { .name = "ticket.channel",
      CHOICE_FIELD(ticket.channel, ticket_channel),
      .unit = "",
      .choices = ticket_channels,
      .preset = "none",
      .help = "where tickets go; what the channel needs is set under notify" },
    { .name = "ticket.department",
      NUMBER_FIELD(ticket.department),
      .unit = "",
      .low = 1,
      .high = 1000000,
      .preset = "1",
      .help = "the id of the support department in WHMCS that gets the tickets" },
    { .name = "ticket.priority",
      CHOICE_FIELD(ticket.priority, ticket_priority),
      .unit = "",
      .choices = ticket_priorities,
      .preset = "Medium",
      .help = "the priority of new tickets" },
    { .name = "ticket.log_lines",
      NUMBER_FIELD(ticket.log_lines),
      .unit = "lines",
      .low = 0,
      .high = 200,
      .preset = "20",
      .help = "so many of the last lines of the failed attempt's log are quoted in a ticket" },
    { .name = "notify.whmcs_url",
      TEXT_FIELD(SETTING_URL, notify.whmcs_url),
      .unit = "",
      .choices = http_schemes,
      .preset = "",
      .help = "where WHMCS is installed, for example https://billing.example.com/whmcs" },
    { .name = "notify.whmcs_identifier",
      TEXT_FIELD(SETTING_TEXT, notify.whmcs_identifier),
      .unit = "",
      .preset = "",
      .help = "the identifier of the API credentials in WHMCS" },
    { .name = "notify.whmcs_secret",
      TEXT_FIELD(SETTING_TEXT, notify.whmcs_secret),
      .unit = "",
      .preset = "",
      .secret = true,
      .help = "the secret of the API credentials in WHMCS" },
    { .name = "notify.smtp_url",
      TEXT_FIELD(SETTING_URL, notify.smtp_url),
      .unit = "",
      .choices = smtp_schemes,
      .preset = "",
      .help =
          "the mail server, for example smtps://mail.example.com:465, or smtp://mail.example.com:587 for STARTTLS" },
    { .name = "notify.smtp_user",
      TEXT_FIELD(SETTING_TEXT, notify.smtp_user),
      .unit = "",
      .preset = "",
      .help = "the account on the mail server; empty: without a login" },
    { .name = "notify.smtp_password",
      TEXT_FIELD(SETTING_TEXT, notify.smtp_password),
      .unit = "",
      .preset = "",
      .secret = true,
      .help = "the password of the account on the mail server" },
    { .name = "notify.mail_from",
      TEXT_FIELD(SETTING_EMAIL, notify.mail_from),
      .unit = "",
      .preset = "",
      .help = "the address that mail comes from" },
    { .name = "notify.mail_to",
      TEXT_FIELD(SETTING_EMAIL, notify.mail_to),
      .unit = "",
      .preset = "",
      .help = "the address that mail for staff goes to" },
    { .name = "notify.webhook_url",
      TEXT_FIELD(SETTING_URL, notify.webhook_url),
      .unit = "",
      .choices = http_schemes,
      .preset = "",
      .help = "where the signed webhook is posted to" },
    { .name = "notify.webhook_secret",
      TEXT_FIELD(SETTING_TEXT, notify.webhook_secret),
      .unit = "",
      .preset = "",
      .secret = true,
      .help = "the key that webhooks are signed with" },
    { .name = "queue.batch",
      NUMBER_FIELD(queue.batch),
      .unit = "tasks",
      .low = 1,
      .high = 5000,
      .preset = "500",
      .help = "at most so many tasks are woken, and so many started, in one batch; the rest follows in the next" },
    { .name = "history.logs",
      DURATION_FIELD(history.logs_ms),
      .unit = "d",
      .low = 0,
      .high = 3650 * DAY_MS,
      .preset = "30 d",
      .help = "the logs of an operation are removed so long after its end; 0: never" },
    { .name = "history.tasks",
      DURATION_FIELD(history.tasks_ms),
      .unit = "d",
      .low = 0,
      .high = 3650 * DAY_MS,
      .preset = "90 d",
      .help = "an operation is removed so long after its end, with its tasks, attempts, events and closed tickets; the "
              "latest "
              "of a service stays until the service is terminated; 0: never" },
    { .name = "world.enabled",
      BOOLEAN_FIELD(world.enabled),
      .unit = "",
      .preset = "true",
      .help = "look whether the world sees the name servers and the address of services that are live" },
    { .name = "world.resolvers",
      TEXT_FIELD(SETTING_TEXT, world.resolvers),
      .unit = "",
      .preset = "",
      .help = "the addresses of the recursive resolvers that are asked, between commas or blanks, each with :port when "
              "that is not 53 and then [IPv6]:port, for example 1.1.1.1, 8.8.8.8; empty: those of this machine "
              "(/etc/resolv.conf)" },
    { .name = "world.looks",
      NUMBER_FIELD(world.looks),
      .unit = "looks",
      .low = 1,
      .high = WORLD_LOOKS_MAX,
      .preset = "4",
      .help = "so many services may be looked at in this way at once" },
    { .name = "world.first",
      DURATION_FIELD(world.first_ms),
      .unit = "s",
      .low = SECOND_MS,
      .high = HOUR_MS,
      .preset = "30 s",
      .help = "the first look comes so long after a service has become live" },
    { .name = "world.cap",
      DURATION_FIELD(world.cap_ms),
      .unit = "min",
      .low = SECOND_MS,
      .high = 7 * DAY_MS,
      .preset = "1 h",
      .help =
          "the longest pause between two looks at a service that the world does not see yet; each is about twice as "
          "long as the one before" },
};
const size_t setting_count = ARRAY_LEN(setting_table);

const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < setting_count; i++) {
        if (strcmp(setting_table[i].name, name) == 0)
            return &setting_table[i];
    }
    return NULL;
}

const char *setting_type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_DURATION: return "duration";
    case SETTING_NUMBER: return "number";
    case SETTING_DECIMAL: return "decimal";
    case SETTING_BOOLEAN: return "boolean";
    case SETTING_CHOICE: return "choice";
    case SETTING_TEXT: return "text";
    case SETTING_URL: return "url";
    case SETTING_EMAIL: return "email";
    }
    abort();
}
