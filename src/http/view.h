/* view.h - records as the API shows them: ids are opaque texts, moments are ISO 8601 in UTC (null is never), enums are
 * their names. Nothing secret is in any record that is shown. Private to src/http. */
#ifndef BERTH_HTTP_VIEW_H
#define BERTH_HTTP_VIEW_H

#include <jansson.h>

#include "store/store.h"

json_t *view_id(int64_t id);          /* null for 0 */
json_t *view_time(int64_t moment_ms); /* null for 0 */
json_t *view_text(const char *text);  /* what is not UTF-8 becomes U+FFFD */
json_t *view_bytes(const char *data, size_t length);
json_t *view_json(const char *text); /* JSON that is stored as text; {} when damaged */
json_t *view_roles(unsigned roles);
/** {"<key>": list, "next_cursor": ...}: last_id 0 when there is nothing behind. Takes the list. */
json_t *view_page(const char *key, json_t *list, int64_t last_id);

/* Names for ids; loaded once per answer: there are few of each. */
struct catalogue {
    struct node *nodes;
    size_t node_count;
    struct group *groups;
    size_t group_count;
    struct product *products;
    size_t product_count;
};
enum catalogue_part { CATALOGUE_NODES = 1, CATALOGUE_GROUPS = 2, CATALOGUE_PRODUCTS = 4 };
MUST_CHECK bool catalogue_load(struct store *store, unsigned parts, struct catalogue *ret_catalogue, struct err *err);
void catalogue_finish(struct catalogue *catalogue);
/** The node that keeps a queued task from running: unreachable, paused, or draining and unreachable. NULL when nothing does. */
const struct node *view_waits_for_node(const struct task *task, const struct catalogue *catalogue);
const struct node *catalogue_node(const struct catalogue *catalogue, int64_t id);       /* NULL when unknown */
const struct product *catalogue_product(const struct catalogue *catalogue, int64_t id); /* NULL when unknown */
const struct group *catalogue_group(const struct catalogue *catalogue, int64_t id);     /* NULL when unknown */

json_t *view_node(const struct node *node, const struct catalogue *catalogue); /* needs groups */
json_t *view_group(const struct group *group);
json_t *view_product(const struct product *product, const struct catalogue *catalogue); /* needs groups */
json_t *view_service(const struct service *service, const struct catalogue *catalogue); /* needs products */
json_t *view_operation(const struct operation *operation); /* "eta" is null: eta_add_to_operation() */
json_t *view_progress(const struct service *service, const struct operation *operation); /* NULL: none yet */
/** A service's domain as people read it; "" when the service is gone. */
MUST_CHECK bool view_domain_of(struct store *store, int64_t service_id, json_t **ret_json, struct err *err);
json_t *view_unicode(const char *domain); /* as people write it: münchen.example */
json_t *view_task(const struct task *task, const struct catalogue *catalogue); /* needs nodes */
json_t *view_tasks(const struct task *tasks, size_t count, const struct catalogue *catalogue);
json_t *view_attempt(const struct attempt *attempt);
json_t *view_event(const struct event *event);
json_t *view_log_chunks(const struct log_chunk *chunks, size_t count);
/** The byte behind the last chunk; offset when there are none. */
int64_t view_log_end(const struct log_chunk *chunks, size_t count, int64_t offset);
const char *view_log_stream(int stream); /* "stdout" */

/** "SHA256:..." of a key line "ssh-ed25519 AAAA..." as ssh-keygen -l prints it; "" when it is none. To be freed. */
char *view_fingerprint(const char *key_line);

#endif
