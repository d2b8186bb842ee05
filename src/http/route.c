/* route.c - see route.h. */
#include "route.h"

#include <string.h>

#include "http/bundle.h"

const struct route routes[] = {
    /* the way of every order comes first: the table is searched from the top */
    { "POST", "/api/v1/services", api_service_create, PLACE_FRONT, ACCESS_OPERATOR },
    { "GET", "/s/{name}", page_status_get, PLACE_READER, ACCESS_OPEN },
    { "GET", "/s/{name}/state", page_state_get, PLACE_READER, ACCESS_OPEN },
    { "GET", "/s/{name}/events", page_events_get, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/assets/{rest}", assets_get, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/", assets_get_root, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/admin", assets_get_admin, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/admin/{rest}", assets_get_admin, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/api/v1/services", api_service_list, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}", api_service_get, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}/operations", api_service_operations, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/services/{id}/operations", api_operation_start, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/services/{id}/cancel", api_service_cancel, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/services/{id}/retry", api_service_retry, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/services/{id}/reveal", api_service_reveal, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/services/{id}/link", api_service_link, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/s/{name}/credentials", page_credentials_show, PLACE_FRONT, ACCESS_OPEN },
    { "POST", "/s/{name}/password", page_password_change, PLACE_FRONT, ACCESS_OPEN },
    { "POST", "/s/{name}/retry", page_retry, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/api/v1/operations/{id}", api_operation_get, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/operations/{id}/tasks", api_operation_tasks, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/operations/{id}/bundle", api_operation_bundle, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/bundles/verify", api_bundle_verify, PLACE_SLOW, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}/events", api_service_events, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}/stream", api_service_stream, PLACE_FRONT, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}/tasks", api_service_tasks, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/services/{id}/facts", api_service_facts, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/tasks", api_task_list, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/tasks/{id}", api_task_get, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/tasks/{id}/retry", api_task_retry, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/tasks/{id}/fail", api_task_fail, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/tasks/{id}/resolve", api_task_resolve, PLACE_FRONT, ACCESS_OPERATOR },
    { "GET", "/api/v1/attempts/{id}/log", api_attempt_log, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/attempts/{id}/stream", api_attempt_stream, PLACE_FRONT, ACCESS_VIEWER },
    { "GET", "/api/v1/stream", api_stream, PLACE_FRONT, ACCESS_VIEWER },
    { "GET", "/api/v1/nodes", api_node_list, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/nodes", api_node_add, PLACE_FRONT, ACCESS_OWNER },
    { "POST", "/api/v1/nodes/scan", api_node_scan, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/nodes/{id}", api_node_get, PLACE_READER, ACCESS_VIEWER },
    { "PATCH", "/api/v1/nodes/{id}", api_node_set, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/nodes/{id}/test", api_node_test, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/nodes/{id}/retry", api_node_retry, PLACE_FRONT, ACCESS_OPERATOR },
    { "GET", "/api/v1/groups", api_group_list, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/groups", api_group_add, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/products", api_product_list, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/products", api_product_add, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/zone-templates", api_zone_list, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/zone-templates/{name}", api_zone_get, PLACE_READER, ACCESS_VIEWER },
    { "PUT", "/api/v1/zone-templates/{name}", api_zone_put, PLACE_FRONT, ACCESS_OWNER },
    { "POST", "/api/v1/zone-templates/preview", api_zone_preview, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/settings", api_setting_list, PLACE_READER, ACCESS_VIEWER },
    { "PATCH", "/api/v1/settings", api_setting_set, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/settings/changes", api_setting_changes, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/tickets", api_ticket_list, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/tickets/{id}", api_ticket_get, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/tickets/{id}/retry", api_ticket_retry, PLACE_FRONT, ACCESS_OPERATOR },
    { "POST", "/api/v1/session", api_session_open, PLACE_FRONT, ACCESS_OPEN },
    { "GET", "/api/v1/session", api_session_get, PLACE_FRONT, ACCESS_VIEWER },
    { "DELETE", "/api/v1/session", api_session_close, PLACE_FRONT, ACCESS_VIEWER },
    { "PUT", "/api/v1/session/password", api_session_password, PLACE_FRONT, ACCESS_VIEWER },
    { "GET", "/api/v1/staff", api_staff_list, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/staff", api_staff_add, PLACE_FRONT, ACCESS_OWNER },
    { "PATCH", "/api/v1/staff/{id}", api_staff_set, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/tokens", api_token_list, PLACE_READER, ACCESS_VIEWER },
    { "POST", "/api/v1/tokens", api_token_add, PLACE_FRONT, ACCESS_OWNER },
    { "DELETE", "/api/v1/tokens/{id}", api_token_revoke, PLACE_FRONT, ACCESS_OWNER },
    { "GET", "/api/v1/audit", api_audit_list, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/queue", api_queue_get, PLACE_READER, ACCESS_VIEWER },
    { "GET", "/api/v1/health", api_health_get, PLACE_FRONT, ACCESS_OPEN },
};
const size_t route_count = ARRAY_LEN(routes);

/* They have no variable parts. */
static const struct {
    const char *method, *path;
    size_t body_max;
} file_routes[] = {
    { "POST", "/api/v1/bundles/verify", BUNDLE_FILE_MAX },
};

/* One segment of a path: up to the next slash or the end. */
static size_t segment_length(const char *at)
{
    return strcspn(at, "/");
}

static bool match_segment(const char *pattern, size_t pattern_length, const char *path, size_t path_length,
                          struct call *call)
{
    if (pattern_length == 4 && memcmp(pattern, "{id}", 4) == 0) {
        char digits[24];
        if (path_length == 0 || path_length >= sizeof(digits))
            return false;
        memcpy(digits, path, path_length);
        digits[path_length] = '\0';
        return input_parse_id(digits, &call->id);
    }
    if (pattern_length == 6 && memcmp(pattern, "{name}", 6) == 0) {
        free(call->name); /* of a pattern that fitted so far */
        call->name = xstrndup(path, path_length);
        return path_length > 0;
    }
    return pattern_length == path_length && memcmp(pattern, path, path_length) == 0;
}

static bool match(const char *pattern, const char *path, struct call *call)
{
    for (;;) {
        if (strcmp(pattern, "{rest}") == 0)
            return true;
        size_t pattern_length = segment_length(pattern), path_length = segment_length(path);
        if (!match_segment(pattern, pattern_length, path, path_length, call))
            return false;
        pattern += pattern_length;
        path += path_length;
        if (*pattern == '\0' || *path == '\0')
            return *pattern == *path;
        pattern++;
        path++;
    }
}

static bool refuse(struct call *call, const char *method, const struct buf *allowed)
{
    struct problem problem;
    if (allowed->length == 0) {
        problem_set(&problem, PROBLEM_NOT_FOUND, "", "there is nothing at this address");
    } else {
        problem_set(&problem, PROBLEM_METHOD, "", "%.20s cannot be used at this address, only %s", method,
                    buf_text(allowed));
        call_add_header(call, "Allow", buf_text(allowed));
    }
    call_refuse(call, &problem);
    return false;
}

bool route_find(struct call *call, const char *method)
{
    if (strcmp(method, "HEAD") == 0) /* libmicrohttpd leaves the body out */
        method = "GET";
    struct buf allowed = BUF_INIT;
    for (size_t i = 0; i < route_count && call->route == NULL; i++) {
        const struct route *route = &routes[i];
        if (!match(route->pattern, call->path, call))
            continue;
        if (strcmp(route->method, method) == 0)
            call->route = route;
        else
            buf_addf(&allowed, "%s%s", allowed.length > 0 ? ", " : "", route->method);
    }
    bool found = call->route != NULL || refuse(call, method, &allowed);
    buf_finish(&allowed);
    return found;
}

size_t route_body_max(const char *method, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(file_routes); i++) {
        if (strcmp(file_routes[i].method, method) == 0 && strcmp(file_routes[i].path, path) == 0)
            return file_routes[i].body_max;
    }
    return CALL_BODY_MAX;
}
