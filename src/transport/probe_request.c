/* probe_request.c - see probe_request.h. */
#include "transport/probe_request.h"

#include <errno.h>
#include <string.h>

struct verb {
    const char *word;
    enum probe_verb verb;
    int64_t timeout_ms;
    bool (*read)(char *const *words, size_t count, struct probe_request *request, struct err *err);
};

static bool read_number(const char *word, int64_t low, int64_t high, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(word, &end, 10);
    if (errno != 0 || end == word || *end != '\0' || number < low || number > high)
        return false;
    *ret_number = number;
    return true;
}

/* No blank and no control character: such a byte could end a line of the protocol and begin another. */
static bool is_one_token(const char *word)
{
    for (const char *at = word; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return false;
    }
    return word[0] != '\0';
}

static bool read_target(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    int64_t port;
    if (count < 2)
        return err_set(err, ERR_INVALID, "an address and a port are needed");
    if (request->target_count == PROBE_SERVERS_MAX)
        return err_set(err, ERR_INVALID, "more than %u servers", PROBE_SERVERS_MAX);
    if (!is_one_token(words[0]))
        return err_set(err, ERR_INVALID, "the address is empty or holds a blank");
    if (!read_number(words[1], 1, 65535, &port))
        return err_set(err, ERR_INVALID, "%.40s is not a port", words[1]);
    request->targets[request->target_count++] = (struct probe_target){ words[0], (int)port };
    return true;
}

static bool read_pause(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    if (count != 1 || !read_number(words[0], 0, PROBE_TIMEOUT_MS_MAX, &request->timeout_ms))
        return err_set(err, ERR_INVALID, "pause needs one number of milliseconds");
    return true;
}

static bool is_host(const char *word)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    size_t length = strlen(word);
    return length > 0 && length <= 253 && strspn(word, allowed) == length;
}

static bool read_http(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    if (!read_target(words, count, request, err))
        return false;
    if (count != 4)
        return err_set(err, ERR_INVALID, "http needs an address, a port, a host and a path");
    if (!is_host(words[2]))
        return err_set(err, ERR_INVALID, "%.80s is not a host name", words[2]);
    if (words[3][0] != '/' || !is_one_token(words[3]) || strlen(words[3]) > 2048)
        return err_set(err, ERR_INVALID, "the path must begin with / and hold no blank");
    request->host = words[2];
    request->path = words[3];
    return true;
}

static bool read_dns(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    size_t at = 0;
    while (at < count && strcmp(words[at], "ask") != 0) {
        if (!read_target(words + at, count - at, request, err))
            return false;
        at += 2;
    }
    size_t rest = at < count ? count - at - 1 : 0;
    bool resolves = request->verb == PROBE_RESOLVE;
    if ((request->target_count == 0 && !resolves) || rest == 0 || rest % 2 != 0)
        return err_set(err, ERR_INVALID, "%s needs servers, the word ask, and names with types",
                       resolves ? "resolve" : "dns");
    if (rest / 2 > PROBE_QUESTIONS_MAX)
        return err_set(err, ERR_INVALID, "more than %u questions", PROBE_QUESTIONS_MAX);
    request->questions = words + at + 1;
    request->question_count = rest / 2;
    for (size_t i = 0; i < rest; i++) {
        if (!is_one_token(request->questions[i]))
            return err_set(err, ERR_INVALID, "a name or type to ask for is empty or holds a blank");
    }
    return true;
}

static bool read_imap(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    if (!read_target(words, count, request, err))
        return false;
    if (count != 3 || !is_one_token(words[2]))
        return err_set(err, ERR_INVALID, "imap needs an address, a port and a user");
    if (request->password == NULL)
        return err_set(err, ERR_INVALID, "imap reads the password from its input, and there is none");
    if (strpbrk(request->password, "\r\n") != NULL)
        return err_set(err, ERR_INVALID, "the password holds a line break");
    request->user = words[2];
    return true;
}

static bool read_plain(char *const *words, size_t count, struct probe_request *request, struct err *err)
{
    if (count != 2)
        return err_set(err, ERR_INVALID, "an address and a port are needed, and nothing else");
    return read_target(words, count, request, err);
}

static const struct verb verbs[] = {
    { "pause", PROBE_PAUSE, 0, read_pause }, { "http", PROBE_HTTP, 5000, read_http },
    { "dns", PROBE_DNS, 2000, read_dns },    { "resolve", PROBE_RESOLVE, 4000, read_dns },
    { "imap", PROBE_IMAP, 8000, read_imap }, { "imap-greeting", PROBE_IMAP_GREETING, 5000, read_plain },
    { "tcp", PROBE_TCP, 3000, read_plain },
};

static const char *option_value(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* Options stand before everything else. @return how many words they are, or SIZE_MAX when one is wrong */
static size_t read_options(char *const *words, size_t count, struct probe_request *request)
{
    for (size_t i = 0; i < count; i++) {
        const char *value;
        if ((value = option_value(words[i], "timeout")) != NULL) {
            if (!read_number(value, 1, PROBE_TIMEOUT_MS_MAX, &request->timeout_ms))
                return SIZE_MAX;
        } else if (request->verb == PROBE_IMAP && (value = option_value(words[i], "name")) != NULL) {
            if (!is_host(value))
                return SIZE_MAX;
            request->tls_name = value;
        } else if (request->verb == PROBE_IMAP && strcmp(words[i], "verify=yes") == 0) {
            request->tls_verify = true;
        } else {
            return i;
        }
    }
    return count;
}

bool probe_request_read(const struct segment *segment, struct probe_request *ret_request, struct err *err)
{
    char *const *words = segment->argv;
    size_t count = 0;
    while (words != NULL && words[count] != NULL)
        count++;
    for (size_t i = 0; count > 0 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(words[0], verbs[i].word) != 0)
            continue;
        struct probe_request request = { .verb = verbs[i].verb, .timeout_ms = verbs[i].timeout_ms };
        if (segment->input_kind == INPUT_STDIN)
            request.password = segment->input;
        size_t options = request.verb == PROBE_PAUSE ? 0 : read_options(words + 1, count - 1, &request);
        if (options == SIZE_MAX)
            return err_set(err, ERR_INVALID, "%s: an option has no usable value", words[0]);
        if (!verbs[i].read(words + 1 + options, count - 1 - options, &request, err))
            return err_wrap(err, "%s", words[0]);
        *ret_request = request;
        return true;
    }
    return err_set(err, ERR_INVALID, "no such probe: %.40s", count > 0 ? words[0] : "(nothing)");
}
