/* client.c - see client.h. */
#include "client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define CONNECT_SECONDS 5L
#define ANSWER_SECONDS 120L /* testing a node takes its time */
#define ANSWER_MAX (64U * 1024U * 1024U)

struct client {
    CURL *curl;
    char *url;
    struct curl_slist *headers; /* of every request */
};

bool client_create(const char *url, const char *token, struct client **ret_client, struct err *err)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return err_set(err, ERR_INVALID, "the address of berthd must begin with http:// or https://, not \"%s\"", url);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_BUG, "libcurl does not start");
    struct client *client = xcalloc(1, sizeof(*client));
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    client->url = xstrndup(url, length);
    client->curl = curl_easy_init();
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (token != NULL && token[0] != '\0') {
        CLEANUP(freep) char *header = xasprintf("Authorization: Bearer %s", token);
        client->headers = curl_slist_append(client->headers, header);
    }
    *ret_client = client;
    return true;
}

void client_destroy(struct client *client)
{
    if (client == NULL)
        return;
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    free(client->url);
    free(client);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    struct buf *answer = context;
    if (answer->length + size * count > ANSWER_MAX)
        return 0;
    buf_add(answer, data, size * count);
    return size * count;
}

/* The sentence of the problem, without its dot: err messages have none. */
static bool fail_with_problem(struct client *client, long status, const json_t *problem, struct err *err)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *field = json_string_value(json_object_get(problem, "field"));
    enum err_code code = status == 401   ? ERR_DENIED
                         : status == 404 ? ERR_NOT_FOUND
                         : status == 409 ? ERR_CONFLICT
                         : status == 503 ? ERR_BUSY
                                         : ERR_INVALID;
    if (detail == NULL)
        return err_set(err, code, "%s answered with status %ld and no reason: is that berthd?", client->url, status);
    size_t length = strlen(detail);
    return err_set_field(err, code, field == NULL ? "" : field, "%.*s",
                         (int)(length > 0 && detail[length - 1] == '.' ? length - 1 : length), detail);
}

static bool perform(struct client *client, const char *method, struct curl_slist *headers, const char *body,
                    struct buf *answer, struct err *err)
{
    char cause[CURL_ERROR_SIZE] = "";
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, cause);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "berthctl/" BERTH_VERSION);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    }
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK)
        return true;
    return err_set(err, ERR_IO, "berthd at %s does not answer: %s", client->url,
                   cause[0] != '\0' ? cause : curl_easy_strerror(result));
}

static bool read_answer(struct client *client, const struct buf *answer, json_t **ret_answer, struct err *err)
{
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *json = status == 204 ? json_object() /* nothing to be said */
                                 : json_loadb(buf_text(answer), answer->length, 0, NULL);
    if (status >= 200 && status < 300 && json != NULL) {
        *ret_answer = json;
        return true;
    }
    if (status >= 200 && status < 300)
        err_set(err, ERR_IO, "%s answered with something that is not JSON: is that berthd?", client->url);
    else
        fail_with_problem(client, status, json, err);
    json_decref(json);
    return false;
}

bool client_call(struct client *client, const char *method, const char *path, const json_t *body, const char *key,
                 json_t **ret_answer, struct err *err)
{
    curl_easy_reset(client->curl); /* options go, the connection stays */
    CLEANUP(freep) char *url = xasprintf("%s%s", client->url, path);
    CLEANUP(freep) char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    struct curl_slist *headers = NULL;
    for (const struct curl_slist *at = client->headers; at != NULL; at = at->next)
        headers = curl_slist_append(headers, at->data);
    if (key != NULL) {
        CLEANUP(freep) char *header = xasprintf("Idempotency-Key: %s", key);
        headers = curl_slist_append(headers, header);
    }
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    struct buf answer = BUF_INIT;
    bool empty_post = body == NULL && strcmp(method, "POST") == 0; /* else curl sends no Content-Length */
    bool ok = perform(client, method, headers, empty_post ? "" : text, &answer, err) &&
              read_answer(client, &answer, ret_answer, err);
    buf_finish(&answer);
    curl_slist_free_all(headers);
    return ok;
}

char *client_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = xstrdup(escaped == NULL ? "" : escaped);
    curl_free(escaped);
    return copy;
}
