/* route.h - which path and method is answered by which function: one table. docs/openapi.yaml describes the same list,
 * and a test compares the two. Private to src/http. */
#ifndef BERTH_HTTP_ROUTE_H
#define BERTH_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/call.h"

enum route_place {
    PLACE_FRONT, /* in the HTTP thread: writes, which only parse and post, and what needs no database */
    PLACE_READER,
    PLACE_SLOW, /* in a thread for what may take a second, without a store: no page waits behind it */
};

/* Who may use it: a token or a session with at least this role. */
enum route_access {
    ACCESS_OPEN, /* everybody */
    ACCESS_VIEWER,
    ACCESS_OPERATOR,
    ACCESS_OWNER,
};

struct route {
    const char *method;
    const char *pattern;               /* {id} is a number, {name} any one segment, {rest} all that is left */
    void (*handle)(struct call *call); /* fills the answer, or lets the call sleep (PLACE_FRONT only) */
    enum route_place place;
    enum route_access access;
};

extern const struct route routes[];
extern const size_t route_count;

/** Finds call->route and fills call->id and call->name. @return false: the call has been refused (404 or 405) */
MUST_CHECK bool route_find(struct call *call, const char *method);

/** How large a body may be there: CALL_BODY_MAX, but for the few that take files. */
size_t route_body_max(const char *method, const char *path);

/* api_service.c */
void api_service_create(struct call *call);
void api_service_list(struct call *call);
void api_service_get(struct call *call);
void api_service_operations(struct call *call);
void api_service_events(struct call *call);
void api_service_tasks(struct call *call);
/* api_fact.c */
void api_service_facts(struct call *call);
/* api_task.c */
void api_task_list(struct call *call);
void api_task_get(struct call *call);
void api_task_retry(struct call *call);
void api_attempt_log(struct call *call);
void api_task_finish(struct call *call); /* a request on a task was answered: show the task */
/* api_bundle.c */
void api_operation_bundle(struct call *call);
void api_bundle_verify(struct call *call);
/* api_operation.c */
void api_operation_start(struct call *call);
void api_operation_get(struct call *call);
void api_operation_tasks(struct call *call);
void api_service_cancel(struct call *call);
void api_service_retry(struct call *call);
void api_node_retry(struct call *call);
void api_task_fail(struct call *call);
void api_task_resolve(struct call *call);
/* api_node.c */
void api_node_add(struct call *call);
void api_node_scan(struct call *call);
void api_node_list(struct call *call);
void api_node_get(struct call *call);
void api_node_test(struct call *call);
void api_node_set(struct call *call);
/* api_group.c, api_product.c, api_zone.c */
void api_group_add(struct call *call);
void api_group_list(struct call *call);
void api_product_add(struct call *call);
void api_product_list(struct call *call);
void api_zone_list(struct call *call);
void api_zone_get(struct call *call);
void api_zone_put(struct call *call);
void api_zone_preview(struct call *call);
/* api_setting.c */
void api_setting_list(struct call *call);
void api_setting_set(struct call *call);
void api_setting_changes(struct call *call);
/* api_ticket.c */
void api_ticket_list(struct call *call);
void api_ticket_get(struct call *call);
void api_ticket_retry(struct call *call);
/* api_session.c */
void api_session_open(struct call *call);
void api_session_get(struct call *call);
void api_session_close(struct call *call);
void api_session_password(struct call *call);
/* api_staff.c */
void api_staff_list(struct call *call);
void api_staff_add(struct call *call);
void api_staff_set(struct call *call);
/* api_token.c */
void api_token_list(struct call *call);
void api_token_add(struct call *call);
void api_token_revoke(struct call *call);
/* api_audit.c */
void api_audit_list(struct call *call);
/* api_queue.c */
void api_queue_get(struct call *call);
void api_health_get(struct call *call);
/* assets.c */
void assets_get(struct call *call);
void assets_get_admin(struct call *call);
void assets_get_root(struct call *call);
/* api_deed.c */
void api_service_reveal(struct call *call);
void api_service_link(struct call *call);
/* page_deed.c: what the customer does on his page */
void page_credentials_show(struct call *call);
void page_password_change(struct call *call);
void page_retry(struct call *call);
/* api_live.c */
void page_events_get(struct call *call);
void api_service_stream(struct call *call);
void api_attempt_stream(struct call *call);
void api_stream(struct call *call);
/* page_status.c */
void page_status_get(struct call *call);
void page_state_get(struct call *call);

#endif
