/* driver.h - a driver knows a panel: which command makes a step true, and how to tell that it is true already.
 *
 * It never does I/O. It is a pure function: (step, what the commands so far returned) -> the next command, or a verdict. So the
 * same step and results always give the same move, a run can be replayed after a crash from the node's records, and the driver
 * is tested against recorded panel output. */
#ifndef BERTH_DRIVER_H
#define BERTH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/resolution.h"
#include "core/retry.h"
#include "core/zone.h"
#include "transport/transport.h"

/* ---- what is wanted ---------------------------------------------------------------------------------------------- */

/* Limits of an account's package; -1 is unlimited. From the product, for the roles that the account carries. */
struct account_limits {
    int64_t disk_mb;
    int64_t bandwidth_mb;
    int64_t web_domains, web_aliases, databases, cron_jobs, backups;
    int64_t mail_domains, mail_accounts, mail_rate_per_hour;
    int64_t dns_domains, dns_records;
    const char *php; /* "8.2", or "" for the node's default and for accounts without the web role: others have no PHP */
};

struct name_server {
    const char *name;    /* ns1.example.net: what the NS records say */
    const char *address; /* where berthd asks it */
    int port;
};

struct step {
    const char *action;       /* "mail.domain": see pipelines/ and docs/drivers.md */
    const char *installation; /* 6 characters [0-9a-z]: whose accounts these are */
    int64_t service_id;
    const char *domain;  /* A-label form, lower case */
    const char *user;    /* the panel user that backs the role on this node */
    const char *package; /* the ownership mark: b<installation>-<service id, 10 digits>-x */
    const char *contact_name;
    const char *contact_email;
    const char *password; /* of the panel user, or of the mailbox in mail.account and verify.mail; in *.password and
                             mail.mailbox-password the new one, NULL when none waits; a secret */
    bool sudo;            /* the node's SSH user is not root: repairs that need root end in a named conflict */
    bool adopt;           /* a person has decided: the user of this name becomes ours, with all that is in it */
    bool suspect;         /* an earlier attempt's outcome stayed unknown: what is present is rebuilt, not trusted */
    int64_t now_ms;       /* when the attempt began; for dates in panel data, so that a replay sees the same */
    const char *node_name;
    const char *node_hostname;
    const char *node_ip4; /* public */
    const char *node_ip6; /* or "" */
    struct account_limits limits;
    struct zone zone;         /* dns.zone, verify.dns */
    const char *mailbox;      /* mail.account, verify.mail: the local part, e.g. "info" */
    int64_t mailbox_quota_mb; /* -1 unlimited */
    /* verify.*: where to look */
    const char *probe_address;
    int probe_http_port, probe_imap_port;
    const struct name_server *name_servers;
    size_t name_server_count;
    size_t name_servers_needed; /* verify.dns: so many must answer well; 0: all */
};

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

enum verdict {
    VERDICT_NONE, /* not over yet: run move.command */
    VERDICT_DONE,
    VERDICT_RETRY,    /* may be different later */
    VERDICT_FAILED,   /* refused for good: a person must change something */
    VERDICT_CONFLICT, /* somebody else's object is in the way: a person must decide (adopt, rename, abort) */
    VERDICT_RESTART,  /* the conversation starts anew with a look, in a fresh attempt, at once (after a lost command) */
};

#define MOVE_FACTS_MAX 12

struct fact {
    const char *key; /* static */
    char *value;     /* owned */
};

/* Why a step did not end well. Static data, one row per cause, in drivers/cause.c: what staff read, what they can do, and
 * what the customer reads (a message key of the catalogue; no host names, commands or panel words). */
struct cause {
    const char *id;               /* "panel.disk-full": stable, in events and API */
    enum verdict verdict;         /* VERDICT_RETRY, VERDICT_FAILED or VERDICT_CONFLICT */
    enum retry_class retry_class; /* RETRY: whose policy says when it is tried again */
    /* RETRY: what ends without us and says nothing about the step, as in "waits for ..."; looking again burns no attempts.
     * NULL: each try counts. */
    const char *waits_for;
    const char *text;         /* a plain sentence for staff */
    const char *remedy;       /* what to do; for RETRY: what Berth does, and when a person is needed */
    const char *customer_key; /* "wait.busy" */
};

struct move {
    enum verdict verdict;
    struct command *command;   /* owned; when verdict is VERDICT_NONE */
    const struct cause *cause; /* when it is RETRY, FAILED or CONFLICT */
    char detail[320];  /* what exactly: the panel's own Error: line, the user that holds the name ... no secrets */
    bool changed;      /* DONE: something was made or repaired (false: it was so already) */
    bool needs_reload; /* DONE: the change is live only after the node's next reload */
    struct fact facts[MOVE_FACTS_MAX];
    size_t fact_count;
    char note[200]; /* for the attempt's log: "user is there and ours, package matches" */
};

void move_finish(struct move *move);
void move_add_fact(struct move *move, const char *key, const char *value);
bool move_done(struct move *move, const char *note_format, ...) PRINTF_LIKE(2, 3);
/** End with a cause of the catalogue; a cause id that is not there is a bug of ours (assert). */
void move_end(struct move *move, const char *cause_id, const char *detail_format, ...) PRINTF_LIKE(3, 4);
const struct cause *cause_find(const char *id); /* NULL when there is none */
/** RESOLUTION_BIT()s: how a person can answer a step that ended with this cause; 0: it is no conflict. */
unsigned cause_choices(const char *id);
size_t cause_count(void);
const struct cause *cause_at(size_t index);
/** The cause for a transport's outcome that is not ENDED (connect, host key, auth, busy lock ...); never NULL. */
const struct cause *cause_of_outcome(const struct command_result *result);

/* ---- the interface ----------------------------------------------------------------------------------------------- */

struct driver_action {
    const char *name;         /* "mail.domain" */
    enum lane lane;           /* where its commands run */
    int64_t deadline_ms;      /* default for one command */
    int64_t node_limit_ms;    /* 0: never killed by the node */
    const char *const *disks; /* what its commands write to: see struct command; NULL: they need no room */
};

struct driver {
    const char *name; /* "hestia", "verify" */
    const struct driver_action *actions;
    size_t action_count;
    /**
     * Decide what comes next.
     *
     * @param results  results[i] is what command i of this attempt returned; all of them ENDED (other outcomes are the
     *                 engine's: it picks up, retries or starts a new attempt with step->suspect)
     * @param ret_move the caller's to finish with move_finish()
     */
    void (*next)(const struct step *step, const struct command_result *results, size_t result_count,
                 struct move *ret_move);
};

extern const struct driver driver_hestia;
extern const struct driver driver_verify;

/** The driver and action for a task; NULL when nobody knows it. Node actions go by the node's driver name. */
const struct driver *driver_find(const char *driver_name, const char *action, const struct driver_action **ret_action);

#endif
