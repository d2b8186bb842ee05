/* channel.h - what the channels share: one exchange with a server through libcurl, and the words of a message. Private to
 * src/notify. */
#ifndef BERTH_NOTIFY_CHANNEL_H
#define BERTH_NOTIFY_CHANNEL_H

#include <curl/curl.h>
#include <jansson.h>

#include "base/buf.h"
#include "notify/notify.h"

#define CHANNEL_ANSWER_MAX (1024U * 1024U)

/* What a channel works with while it sends one notice. */
struct channel {
    const struct settings *settings;
    const char *ca_file;
    int timeout_ms;
    int cancel_fd; /* readable: break off */
};

/* Each sends one notice and fills *result but its message_id: whmcs.c, mail.c, webhook.c. */
void channel_send_whmcs(const struct channel *channel, const struct notice *notice, struct notice_result *result);
void channel_send_mail(const struct channel *channel, const struct notice *notice, struct notice_result *result);
void channel_send_webhook(const struct channel *channel, const struct notice *notice, struct notice_result *result);

/* ---- exchange.c ----------------------------------------------------------------------------------------------------- */

void channel_sent(struct notice_result *result, const char *remote_id, const char *remote_number);
void channel_failed(struct notice_result *result, enum notice_outcome outcome, const char *format, ...)
    PRINTF_LIKE(3, 4);

/** A handle with time limits and without surprises (no redirects, no proxies, no .netrc). @param error of CURL_ERROR_SIZE */
CURL *channel_handle(const struct channel *channel, char *error);
/** Run it; ends early when the channel is broken off. */
CURLcode channel_perform(const struct channel *channel, CURL *handle);
/** Nothing leaves this machine: an address of the loopback, written as such. There secrets may go without TLS. */
bool channel_is_local(const char *url);
/** Why a transfer failed, in words. To be freed. */
char *channel_cause(CURL *handle, CURLcode code, const char *error);

struct channel_answer {
    long status;
    struct buf body;
    int64_t retry_after_ms;
};
/**
 * POST to an http(s) URL.
 * @param headers  may be NULL
 * @return false: nothing came back; *result says so
 */
MUST_CHECK bool channel_post(const struct channel *channel, const char *url, struct curl_slist *headers,
                             const char *body, size_t length, struct channel_answer *ret_answer,
                             struct notice_result *result);
void channel_answer_finish(struct channel_answer *answer);
/** What an HTTP status that is no success means: try again, or refused. */
enum notice_outcome channel_judge_status(long status);

/* ---- text.c ------------------------------------------------------------------------------------------------------------ */

/** The body's JSON as a text for people, lines of at most about 100 characters but for the log. To be freed. */
char *channel_text(const struct notice *notice);

#endif
