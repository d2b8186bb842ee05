/* probe_curl.c - the looks that libcurl does: HTTP and IMAP. See probe.h for what they print. */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "transport/probe_look.h"

/* What a transfer brings, filled by the callbacks. */
struct page {
    struct buf body;
    bool cut;
};

struct talk {
    struct buf lines; /* what the server says, an incomplete line at its end */
    char last[256];   /* its latest complete line with a status: "A002 NO [AUTHENTICATIONFAILED] ..." */
};

static pthread_once_t curl_started = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void probe_curl_start(void)
{
    pthread_once(&curl_started, curl_start);
}

/* ---- one transfer -------------------------------------------------------------------------------------------------
 */

/* The address is known, the name is not to be looked up: `name` at its usual port goes to the address. */
static struct curl_slist *connect_to(const char *name, int name_port, const struct probe_address *address, int port)
{
    bool six = address->socket.ss_family == AF_INET6;
    char *entry = xasprintf(six ? "%s:%d:[%s]:%d" : "%s:%d:%s:%d", name, name_port, address->text, port);
    struct curl_slist *list = curl_slist_append(NULL, entry);
    free(entry);
    return list;
}

static CURL *handle_create(struct probe_look *look, char *cause)
{
    CURL *handle = curl_easy_init();
    if (handle == NULL)
        return NULL;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* what the environment says about proxies is not how customers come */
    curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)probe_look_left_ms(look) + 1); /* 0 would mean: never */
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)probe_look_left_ms(look) + 1);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, cause);
    return handle;
}

/* Run the transfer; ends early when the look is broken off. */
static CURLcode transfer(struct probe_look *look, CURL *handle)
{
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return CURLE_OUT_OF_MEMORY;
    curl_multi_add_handle(multi, handle);
    for (int running = 1; running > 0;) {
        struct curl_waitfd cancel = { .fd = look->cancel_fd, .events = CURL_WAIT_POLLIN };
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        int left = 0;
        struct CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE)
            code = message->data.result;
        else if (running > 0 && (curl_multi_poll(multi, &cancel, 1, 1000, NULL) != CURLM_OK || cancel.revents != 0))
            break;
    }
    curl_multi_remove_handle(multi, handle);
    curl_multi_cleanup(multi);
    return code;
}

/* Why the transfer failed. libcurl says "Couldn't connect to server" and keeps to itself what the system said. */
static char *cause_of(CURL *handle, CURLcode code, const char *cause)
{
    long number = 0;
    const char *text = cause[0] != '\0' ? cause : curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
        number > 0)
        return xasprintf("%s: %s", text, strerror((int)number));
    return xstrdup(text);
}

/* A value of the server as one line of facts: what is no printable character becomes a blank. */
static void add_fact(struct probe_look *look, const char *key, const char *value)
{
    buf_addf(&look->out, "%s ", key);
    for (const char *at = value; *at != '\0' && at - value < 1024; at++)
        buf_add_char(&look->out, (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at);
    buf_add_char(&look->out, '\n');
}

/* ---- HTTP ---------------------------------------------------------------------------------------------------------
 */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct page *page = context;
    size_t length = size * count;
    size_t room = PROBE_BODY_MAX - page->body.length;
    buf_add(&page->body, data, length < room ? length : room);
    page->cut = page->cut || length > room;
    return page->cut ? 0 : length; /* 0 ends the transfer: enough was seen */
}

static void add_page(struct probe_look *look, CURL *handle, const struct page *page, long status)
{
    char *type = NULL, *location = NULL;
    curl_off_t length = -1;
    curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &location);
    curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    buf_addf(&look->out, "status %ld\n", status);
    if (type != NULL)
        add_fact(look, "type", type);
    buf_addf(&look->out, "length %" CURL_FORMAT_CURL_OFF_T "\n", length);
    if (location != NULL)
        add_fact(look, "location", location);
    buf_addf(&look->out, "ms %" PRId64 "\nbody %zu %s\n\n", probe_look_spent_ms(look), page->body.length,
             page->cut ? "cut" : "whole");
    buf_add(&look->out, buf_text(&page->body), page->body.length);
}

enum probe_exit probe_look_http(struct probe_look *look, const struct probe_request *request)
{
    struct err err = { 0 };
    struct probe_address address;
    char cause[CURL_ERROR_SIZE] = "";
    if (!probe_resolve(look, &request->targets[0], &address, &err))
        return probe_look_silent(look, err.msg);
    struct page page = { 0 };
    CURL *handle = handle_create(look, cause);
    struct curl_slist *route = connect_to(request->host, 80, &address, request->targets[0].port);
    char *url = xasprintf("http://%s%s", request->host, request->path);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_CONNECT_TO, route);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "Berth/" BERTH_VERSION);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &page);
    CURLcode code = transfer(look, handle);

    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    enum probe_exit verdict = PROBE_SILENT;
    if (status > 0 && (code == CURLE_OK || page.cut)) {
        add_page(look, handle, &page, status);
        verdict = status >= 200 && status < 400 ? PROBE_ANSWERED : PROBE_WRONG;
        if (verdict == PROBE_WRONG)
            buf_addf(&look->err, "the site answers with status %ld\n", status);
    } else {
        CLEANUP(freep) char *why = cause_of(handle, code, cause);
        probe_look_silent(look, why);
    }
    curl_easy_cleanup(handle);
    curl_slist_free_all(route);
    buf_finish(&page.body);
    free(url);
    return verdict;
}

/* ---- IMAP ---------------------------------------------------------------------------------------------------------
 */

static void take_line(struct talk *talk, const char *line)
{
    const char *blank = strchr(line, ' ');
    bool refusal = blank != NULL && (strncmp(blank, " NO", 3) == 0 || strncmp(blank, " BAD", 4) == 0);
    bool farewell = blank != NULL && strncmp(blank, " BYE", 4) == 0;
    if (refusal || (farewell && talk->last[0] == '\0')) /* the farewell after a refusal explains nothing */
        snprintf(talk->last, sizeof(talk->last), "%s", line);
}

/* Only what the server says is kept: what we send holds the password. */
static int hear(CURL *handle, curl_infotype type, char *data, size_t size, void *context)
{
    struct talk *talk = context;
    (void)handle;
    if (type != CURLINFO_HEADER_IN || talk->lines.length + size > PROBE_BODY_MAX)
        return 0;
    buf_add(&talk->lines, data, size);
    char *end;
    while (talk->lines.length > 0 && (end = memchr(talk->lines.data, '\n', talk->lines.length)) != NULL) {
        size_t length = (size_t)(end - talk->lines.data) + 1;
        *end = '\0';
        talk->lines.data[strcspn(talk->lines.data, "\r")] = '\0';
        take_line(talk, talk->lines.data);
        buf_remove_front(&talk->lines, length);
    }
    return 0;
}

static size_t ignore_body(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static void add_certificate(struct probe_look *look, CURL *handle, bool verified)
{
    struct curl_certinfo *chain = NULL;
    buf_addf(&look->out, "certificate %s\n", verified ? "verified" : "unverified");
    if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL || chain->num_of_certs < 1)
        return;
    for (const struct curl_slist *at = chain->certinfo[0]; at != NULL; at = at->next) {
        if (strncmp(at->data, "Subject:", 8) == 0)
            add_fact(look, "subject", at->data + 8);
        else if (strncmp(at->data, "Expire date:", 12) == 0)
            add_fact(look, "expires", at->data + 12);
    }
}

/* What the end of the transfer says about how far it came. */
static enum probe_exit judge_imap(CURLcode code, bool tls, const char **ret_login, const char **ret_mailbox)
{
    bool refused = code == CURLE_LOGIN_DENIED;
    bool spoke = code == CURLE_OK || refused || code == CURLE_QUOTE_ERROR || code == CURLE_REMOTE_FILE_NOT_FOUND ||
                 code == CURLE_REMOTE_ACCESS_DENIED;
    *ret_login = refused || !tls ? "no" : spoke ? "yes" : "unknown";
    *ret_mailbox = code == CURLE_OK ? "yes" : "no";
    if (code == CURLE_OK)
        return PROBE_ANSWERED;
    bool wrong = spoke || code == CURLE_USE_SSL_FAILED || code == CURLE_WEIRD_SERVER_REPLY ||
                 code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
    return wrong ? PROBE_WRONG : PROBE_SILENT;
}

static void set_imap(CURL *handle, const struct probe_request *request, struct talk *talk)
{
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "imap");
    curl_easy_setopt(handle, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, request->tls_verify ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, request->tls_verify ? 2L : 0L);
    curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(handle, CURLOPT_USERNAME, request->user);
    curl_easy_setopt(handle, CURLOPT_PASSWORD, request->password); /* never part of the URL: that may be logged */
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "NOOP"); /* with the mailbox of the URL: SELECT INBOX, then NOOP */
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, hear);
    curl_easy_setopt(handle, CURLOPT_DEBUGDATA, talk);
}

enum probe_exit probe_look_imap(struct probe_look *look, const struct probe_request *request)
{
    struct err err = { 0 };
    struct probe_address address;
    char cause[CURL_ERROR_SIZE] = "";
    if (!probe_resolve(look, &request->targets[0], &address, &err))
        return probe_look_silent(look, err.msg);
    struct talk talk = { 0 };
    CURL *handle = handle_create(look, cause);
    bool six = address.socket.ss_family == AF_INET6;
    char *name = request->tls_name != NULL ? xstrdup(request->tls_name) : xasprintf(six ? "[%s]" : "%s", address.text);
    char *url = xasprintf("imap://%s/INBOX", name);
    struct curl_slist *route = connect_to(name, 143, &address, request->targets[0].port);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_CONNECT_TO, route);
    set_imap(handle, request, &talk);
    CURLcode code = transfer(look, handle);

    double tls_s = 0;
    curl_easy_getinfo(handle, CURLINFO_APPCONNECT_TIME, &tls_s);
    const char *login, *mailbox;
    bool tls = tls_s > 0;
    enum probe_exit verdict = judge_imap(code, tls, &login, &mailbox);
    buf_addf(&look->out, "tls %s\n", tls ? "yes" : "no");
    if (tls)
        add_certificate(look, handle, request->tls_verify);
    buf_addf(&look->out, "login %s\nmailbox %s\nms %" PRId64 "\n", login, mailbox, probe_look_spent_ms(look));
    CLEANUP(freep) char *why = cause_of(handle, code, cause);
    if (verdict != PROBE_ANSWERED)
        buf_addf(&look->err, "%s\n", why);
    if (verdict != PROBE_ANSWERED && talk.last[0] != '\0')
        buf_addf(&look->err, "the server said: %s\n", talk.last);
    curl_easy_cleanup(handle);
    curl_slist_free_all(route);
    buf_finish(&talk.lines);
    free(url);
    free(name);
    return verdict;
}
