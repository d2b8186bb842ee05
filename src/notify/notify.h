/* notify.h - telling people: an interface that carries one message to one channel and says what became of it. It decides nothing:
 * the engine hands it messages that are on disk, and writes down what it reports.
 *
 * A message may be handed over twice: after a crash between sending and writing that down nobody knows whether it arrived. What
 * a channel does about that is its own: WHMCS is asked what is there already, webhooks carry an Idempotency-Key, mail carries the
 * same Message-ID again.
 *
 * Implementations: notifier_create() (a thread of its own with libcurl), and those of the tests. */
#ifndef BERTH_NOTIFY_NOTIFY_H
#define BERTH_NOTIFY_NOTIFY_H

#include <stddef.h>

#include "base/err.h"
#include "core/settings.h"
#include "core/ticket.h"

/* What is to be told: one row of the outbox and what its channel needs of its ticket. All texts are owned. */
struct notice {
    struct notice *next; /* the notifier's */
    int64_t message_id;
    enum ticket_channel channel;
    enum ticket_message_kind kind;
    char *key;        /* idempotency key of this message */
    char *thread_key; /* of the ticket's first message */
    char *marker;     /* of the ticket: what is found in the channel again */
    char *remote_id;  /* of the ticket there; "" when it is not known */
    char *subject;    /* of the ticket: the same for all its messages */
    char *body;       /* the JSON of the message: docs/tickets.md */
};
void notice_destroy(struct notice *notice);

enum notice_outcome {
    NOTICE_SENT,
    NOTICE_RETRY,   /* not now, or nobody knows: again later */
    NOTICE_REFUSED, /* would be refused again: a person must change something */
};

struct notice_result {
    int64_t message_id;
    enum notice_outcome outcome;
    char *remote_id, *remote_number; /* SENT: what the channel calls the ticket; "" when it has no names */
    char *detail;                    /* else: a sentence for staff, no secrets */
    int64_t retry_after_ms;          /* RETRY: the channel asks for this pause at least; 0 it does not */
};
void notice_result_finish(struct notice_result *result);

struct notifier {
    const struct notifier_ops *ops;
};

struct notifier_ops {
    const char *name;
    /** Addresses, accounts and secrets, from now on. Copied. */
    void (*configure)(struct notifier *notifier, const struct settings *settings);
    /** Takes the notice over. Never blocks. Every notice gets exactly one result. */
    void (*start)(struct notifier *notifier, struct notice *notice);
    /** What has ended: at most max results, the caller's to finish. Never blocks. */
    size_t (*poll)(struct notifier *notifier, struct notice_result *ret_results, size_t max);
    /** Breaks off what is under way. */
    void (*destroy)(struct notifier *notifier);
};

struct notifier_config {
    void (*wake)(void *context); /* from the notifier's thread: results are there; may be NULL */
    void *wake_context;
    const char *ca_file; /* certificates that are trusted; NULL: the system's */
    int timeout_ms;      /* of one exchange with a server; 0: 20 s */
};
MUST_CHECK bool notifier_create(const struct notifier_config *config, struct notifier **ret_notifier, struct err *err);

#endif
