/* client.h - asks a berthd over its HTTP API. */
#ifndef BERTH_CLI_CLIENT_H
#define BERTH_CLI_CLIENT_H

#include <jansson.h>

#include "base/err.h"

struct client;

/** @param url  "http://127.0.0.1:8080"; @param token NULL or "" for none */
MUST_CHECK bool client_create(const char *url, const char *token, struct client **ret_client, struct err *err);
void client_destroy(struct client *client); /* NULL is allowed */

/**
 * One request.
 * @param path        "/api/v1/services?limit=1"
 * @param body        NULL or a JSON value; stays the caller's
 * @param key         Idempotency-Key, or NULL
 * @param ret_answer  the caller's
 * @return false: ERR_IO when the server cannot be reached, ERR_BUSY when it says so (503), else what its problem says
 */
MUST_CHECK bool client_call(struct client *client, const char *method, const char *path, const json_t *body,
                            const char *key, json_t **ret_answer, struct err *err);

/** A value for a query string; the caller's to free. */
char *client_escape(const char *text);

#endif
