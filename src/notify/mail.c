/* mail.c - a ticket as mail, over SMTP with TLS: smtps:// from the first byte, smtp:// with STARTTLS, which is required unless
 * the server is this machine (127.0.0.1, [::1]). One thread of mails per ticket: each message has a Message-ID of its own, made from
 * its key and so the same when it has to be repeated, and refers to the first. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "notify/channel.h"

struct letter {
    struct buf text;
    size_t read;
};

static size_t give(char *target, size_t size, size_t count, void *context)
{
    struct letter *letter = context;
    size_t left = letter->text.length - letter->read, room = size * count;
    size_t length = left < room ? left : room;
    memcpy(target, letter->text.data + letter->read, length);
    letter->read += length;
    return length;
}

/* ---- the letter --------------------------------------------------------------------------------------------------------- */

static void add_date(struct buf *text)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(clock_real()->now_ms(clock_real()) / 1000);
    struct tm at;
    gmtime_r(&seconds, &at);
    buf_addf(text, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[at.tm_wday], at.tm_mday, months[at.tm_mon],
             at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

/** A header's value: no line ends, and nothing but ASCII (domains are A-labels; the rest is ours). */
static void add_header(struct buf *text, const char *name, const char *value)
{
    buf_addf(text, "%s: ", name);
    for (const char *at = value; *at != '\0'; at++)
        buf_add_char(text, *at < ' ' || *at > '~' ? '?' : *at);
    buf_add_text(text, "\r\n");
}

static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');
    return at != NULL ? at + 1 : "localhost";
}

/** Quoted-printable: lines stay short and only ASCII travels, whatever a log line holds. */
static void add_quoted_printable(struct buf *text, const char *plain)
{
    size_t column = 0;
    for (const char *at = plain; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '\n') {
            buf_add_text(text, "\r\n");
            column = 0;
            continue;
        }
        bool is_last = at[1] == '\n' || at[1] == '\0';
        bool is_plain = (byte > ' ' && byte <= '~' && byte != '=') || (byte == ' ' && !is_last);
        if (column + (is_plain ? 1 : 3) > 75) {
            buf_add_text(text, "=\r\n");
            column = 0;
        }
        if (is_plain && !(byte == '.' && column == 0)) {
            buf_add_char(text, (char)byte);
            column++;
        } else {
            buf_addf(text, "=%02X", byte);
            column += 3;
        }
    }
}

static void write_letter(struct letter *letter, const struct settings *settings, const struct notice *notice)
{
    struct buf *text = &letter->text;
    const char *domain = domain_of(settings->notify.mail_from);
    bool is_first = strcmp(notice->key, notice->thread_key) == 0;
    CLEANUP(freep) char *from = xasprintf("Berth <%s>", settings->notify.mail_from);
    CLEANUP(freep) char *subject = xasprintf("%s%s [%s]", is_first ? "" : "Re: ", notice->subject, notice->marker);
    CLEANUP(freep) char *id = xasprintf("<%s@%s>", notice->key, domain);
    CLEANUP(freep) char *first_id = xasprintf("<%s@%s>", notice->thread_key, domain);
    CLEANUP(freep) char *words = channel_text(notice);
    static const char *const importances[] = { "low", "normal", "high" };
    add_date(text);
    add_header(text, "From", from);
    add_header(text, "To", settings->notify.mail_to);
    add_header(text, "Subject", subject);
    add_header(text, "Message-ID", id);
    if (!is_first) {
        add_header(text, "In-Reply-To", first_id);
        add_header(text, "References", first_id);
    }
    add_header(text, "Importance", importances[settings->ticket.priority]);
    add_header(text, "Auto-Submitted", "auto-generated"); /* RFC 3834: no holiday answers */
    add_header(text, "MIME-Version", "1.0");
    add_header(text, "Content-Type", "text/plain; charset=utf-8");
    add_header(text, "Content-Transfer-Encoding", "quoted-printable");
    buf_add_text(text, "\r\n");
    add_quoted_printable(text, words);
}

/* ---- sending it ----------------------------------------------------------------------------------------------------------- */

static bool check_settings(const struct settings *settings, struct notice_result *result)
{
    const char *url = settings->notify.smtp_url;
    if (url[0] == '\0' || settings->notify.mail_from[0] == '\0' || settings->notify.mail_to[0] == '\0') {
        channel_failed(result, NOTICE_REFUSED, "notify.smtp_url, notify.mail_from and notify.mail_to must be set");
        return false;
    }
    if (strncasecmp(url, "smtp://", 7) != 0 && strncasecmp(url, "smtps://", 8) != 0) {
        channel_failed(result, NOTICE_REFUSED, "notify.smtp_url must begin with smtps:// or smtp://: %s", url);
        return false;
    }
    return true;
}

static struct curl_slist *set_options(CURL *handle, const struct settings *settings, struct letter *letter)
{
    const char *url = settings->notify.smtp_url;
    struct curl_slist *to = curl_slist_append(NULL, settings->notify.mail_to);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(handle, CURLOPT_USE_SSL, channel_is_local(url) ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
    if (channel_is_local(url)) { /* a mail server beside us shows the certificate of its name, not of 127.0.0.1 */
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (settings->notify.smtp_user[0] != '\0') {
        curl_easy_setopt(handle, CURLOPT_USERNAME, settings->notify.smtp_user);
        curl_easy_setopt(handle, CURLOPT_PASSWORD, settings->notify.smtp_password);
    }
    curl_easy_setopt(handle, CURLOPT_MAIL_FROM, settings->notify.mail_from);
    curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(handle, CURLOPT_READDATA, letter);
    return to;
}

/** Final is what the server says about this mail: its address or its content. Everything else (no connection, no TLS, an account
 * that is refused) is tried again. */
static enum notice_outcome judge(CURLcode code, long reply)
{
    bool is_about_mail = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_WEIRD_SERVER_REPLY;
    return is_about_mail && reply >= 550 && reply <= 559 ? NOTICE_REFUSED : NOTICE_RETRY;
}

void channel_send_mail(const struct channel *channel, const struct notice *notice, struct notice_result *result)
{
    const struct settings *settings = channel->settings;
    char error[CURL_ERROR_SIZE];
    long reply = 0;
    if (!check_settings(settings, result))
        return;
    struct letter letter = { 0 };
    write_letter(&letter, settings, notice);
    CURL *handle = channel_handle(channel, error);
    struct curl_slist *to = set_options(handle, settings, &letter);
    CURLcode code = channel_perform(channel, handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply);
    if (code == CURLE_OK) {
        channel_sent(result, "", "");
    } else {
        CLEANUP(freep) char *cause = channel_cause(handle, code, error);
        channel_failed(result, judge(code, reply), "%s: %s", settings->notify.smtp_url, cause);
    }
    curl_easy_cleanup(handle);
    curl_slist_free_all(to);
    buf_finish(&letter.text);
}
