/* webhook.c - a ticket as a signed POST: the message's JSON, an Idempotency-Key that is the same at every repetition, and
 * Berth-Signature: v1=HEX, the HMAC-SHA-256 of "<Berth-Timestamp>.<body>" under notify.webhook_secret. The receiver checks the
 * signature, refuses old timestamps, and drops keys that it has seen. See docs/tickets.md. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "notify/channel.h"

static void sign(const char *secret, const char *timestamp, const char *body, char ret_hex[65])
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp, strlen(timestamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(ret_hex, 65, mac, sizeof(mac));
    sodium_memzero(&state, sizeof(state));
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name, const char *value)
{
    CLEANUP(freep) char *line = xasprintf("%s: %s", name, value);
    return curl_slist_append(headers, line);
}

static struct curl_slist *make_headers(const struct notice *notice, const char *secret)
{
    char timestamp[32], signature[3 + 65] = "v1=";
    snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_real()->now_ms(clock_real()) / 1000);
    sign(secret, timestamp, notice->body, signature + 3);
    struct curl_slist *headers = add_header(NULL, "Content-Type", "application/json");
    headers = add_header(headers, "Idempotency-Key", notice->key);
    headers = add_header(headers, "Berth-Timestamp", timestamp);
    return add_header(headers, "Berth-Signature", signature);
}

void channel_send_webhook(const struct channel *channel, const struct notice *notice, struct notice_result *result)
{
    const char *url = channel->settings->notify.webhook_url, *secret = channel->settings->notify.webhook_secret;
    struct channel_answer answer;
    if (url[0] == '\0' || secret[0] == '\0') {
        channel_failed(result, NOTICE_REFUSED, "notify.webhook_url and notify.webhook_secret must be set");
        return;
    }
    struct curl_slist *headers = make_headers(notice, secret);
    if (channel_post(channel, url, headers, notice->body, strlen(notice->body), &answer, result)) {
        if (answer.status >= 200 && answer.status < 300)
            channel_sent(result, "", "");
        else
            channel_failed(result, channel_judge_status(answer.status), "%s answered %ld: %.200s", url, answer.status,
                           buf_text(&answer.body));
        result->retry_after_ms = answer.retry_after_ms;
        channel_answer_finish(&answer);
    }
    curl_slist_free_all(headers);
}
