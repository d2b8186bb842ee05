/* exchange.c - one exchange with a server. See channel.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/redact.h"
#include "notify/channel.h"

/* ---- results ---------------------------------------------------------------------------------------------------------- */

void channel_sent(struct notice_result *result, const char *remote_id, const char *remote_number)
{
    result->outcome = NOTICE_SENT;
    result->remote_id = xstrdup(remote_id);
    result->remote_number = xstrdup(remote_number);
    result->detail = xstrdup("");
}

/* Servers say what they like, our own secrets included. */
void channel_failed(struct notice_result *result, enum notice_outcome outcome, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    redact_text(text);
    result->outcome = outcome;
    result->remote_id = xstrdup("");
    result->remote_number = xstrdup("");
    result->detail = xstrdup(text);
}

/* ---- a transfer ------------------------------------------------------------------------------------------------------- */

CURL *channel_handle(const struct channel *channel, char *error)
{
    CURL *handle = curl_easy_init();
    if (handle == NULL)
        abort(); /* out of memory */
    error[0] = '\0';
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L); /* secrets go where they were meant to */
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)channel->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)channel->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
    if (channel->ca_file != NULL)
        curl_easy_setopt(handle, CURLOPT_CAINFO, channel->ca_file);
    return handle;
}

CURLcode channel_perform(const struct channel *channel, CURL *handle)
{
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return CURLE_OUT_OF_MEMORY;
    curl_multi_add_handle(multi, handle);
    for (int running = 1; running > 0;) {
        struct curl_waitfd cancel = { .fd = channel->cancel_fd, .events = CURL_WAIT_POLLIN };
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        int left = 0;
        const struct CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE)
            code = message->data.result;
        else if (running > 0 && (curl_multi_poll(multi, &cancel, 1, 1000, NULL) != CURLM_OK || cancel.revents != 0))
            break;
    }
    curl_multi_remove_handle(multi, handle);
    curl_multi_cleanup(multi);
    return code;
}

char *channel_cause(CURL *handle, CURLcode code, const char *error)
{
    long number = 0;
    const char *text = error[0] != '\0' ? error : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        text = "broken off, berthd is stopping";
    if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
        number > 0)
        return xasprintf("%s: %s", text, strerror((int)number));
    return xstrdup(text);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0 || strcmp(host, "::1") == 0;
}

bool channel_is_local(const char *url)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    bool is_local = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback(host) &&
                    strspn(host, "0123456789.:[]") == strlen(host);
    curl_free(host);
    curl_url_cleanup(parts);
    return is_local;
}

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct channel_answer *answer = context;
    size_t length = size * count;
    if (answer->body.length + length > CHANNEL_ANSWER_MAX)
        return 0;
    buf_add(&answer->body, data, length);
    return length;
}

static bool check_url(const char *url, struct notice_result *result)
{
    if (strncasecmp(url, "https://", 8) == 0 || channel_is_local(url))
        return true;
    channel_failed(result, NOTICE_REFUSED,
                   "the address must begin with https:// (only to 127.0.0.1 and [::1] http:// will do): %s", url);
    return false;
}

bool channel_post(const struct channel *channel, const char *url, struct curl_slist *headers, const char *body,
                  size_t length, struct channel_answer *ret_answer, struct notice_result *result)
{
    struct channel_answer answer = { 0 };
    char error[CURL_ERROR_SIZE];
    if (!check_url(url, result))
        return false;
    CURL *handle = channel_handle(channel, error);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    CURLcode code = channel_perform(channel, handle);
    curl_off_t after_s = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
    if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &after_s) == CURLE_OK && after_s > 0 && after_s < 86400)
        answer.retry_after_ms = (int64_t)after_s * 1000;
    if (code != CURLE_OK) {
        CLEANUP(freep) char *cause = channel_cause(handle, code, error);
        channel_failed(result, NOTICE_RETRY, "%s: %s", url, cause);
        channel_answer_finish(&answer);
    } else {
        *ret_answer = answer;
    }
    curl_easy_cleanup(handle);
    return code == CURLE_OK;
}

void channel_answer_finish(struct channel_answer *answer)
{
    buf_finish(&answer->body);
}

enum notice_outcome channel_judge_status(long status)
{
    /* 401 and 403 heal when somebody corrects an account or a list of addresses over there, so they are not final. */
    static const long passing[] = { 401, 403, 408, 409, 421, 423, 425, 429 };
    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        if (status == passing[i])
            return NOTICE_RETRY;
    }
    return status >= 400 && status < 500 ? NOTICE_REFUSED : NOTICE_RETRY;
}
