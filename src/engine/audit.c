/* audit.c - who did what: one row for each request that was done, in words that still say something when what they speak of is
 * gone. Never a secret. */
#include <inttypes.h>

#include "base/buf.h"
#include "core/resolution.h"
#include "engine/staff.h"
#include "store/store_staff.h"

/* What was done. @return NULL: it is not recorded */
static const char *action_of(const struct request *request)
{
    switch (request->kind) {
    case REQUEST_ORDER: return "service.create";
    case REQUEST_GROUP_ADD: return "group.add";
    case REQUEST_NODE_ADD: return "node.add";
    case REQUEST_NODE_SET:
        return request->node.state == NODE_PAUSED     ? "node.pause"
               : request->node.state == NODE_DRAINING ? "node.drain"
                                                      : "node.set";
    case REQUEST_NODE_TEST: return "node.test";
    case REQUEST_PRODUCT_ADD: return "product.add";
    case REQUEST_ZONE_TEMPLATE_PUT: return "zone-template.put";
    case REQUEST_TASK_RETRY: return "task.retry";
    case REQUEST_TASK_FAIL: return "task.fail";
    case REQUEST_TASK_RESOLVE: return "task.resolve";
    case REQUEST_OPERATION: return "service."; /* and the kind of operation */
    case REQUEST_CANCEL: return "service.cancel";
    case REQUEST_SERVICE_RETRY: return "service.retry";
    case REQUEST_NODE_RETRY: return "node.retry";
    case REQUEST_SETTING_SET: return "setting.set";
    case REQUEST_TICKET_RETRY: return "ticket.retry";
    case REQUEST_REVEAL: return "credentials.reveal";
    case REQUEST_LINK_RENEW: return "link.renew";
    case REQUEST_CREDENTIALS_SHOW: return request->existing ? NULL : "credentials.show";
    case REQUEST_STAFF_ADD: return "staff.add";
    case REQUEST_STAFF_SET: return "staff.set";
    case REQUEST_PASSWORD_SET: return "staff.password";
    case REQUEST_SESSION_OPEN: return "session.open";
    case REQUEST_SESSION_CLOSE: return "session.close";
    case REQUEST_SESSION_TOUCH: return NULL;
    case REQUEST_TOKEN_ADD: return "token.add";
    case REQUEST_TOKEN_REVOKE: return "token.revoke";
    }
    abort();
}

/* ---- what it was done to ------------------------------------------------------------------------------------------ */

static bool add_service(struct store *store, int64_t id, struct buf *target, struct err *err)
{
    struct service service = { 0 };
    buf_addf(target, "service %" PRId64, id);
    if (!store_get_service(store, id, &service, err))
        return err->code == ERR_NOT_FOUND;
    buf_addf(target, " %s", service.domain);
    service_finish(&service);
    return true;
}

static bool add_task(struct store *store, int64_t id, struct buf *target, struct err *err)
{
    struct task task = { 0 };
    buf_addf(target, "task %" PRId64, id);
    if (!store_get_task(store, id, &task, err))
        return err->code == ERR_NOT_FOUND;
    buf_addf(target, " %s of ", task.key);
    int64_t service_id = task.service_id;
    task_finish(&task);
    return add_service(store, service_id, target, err);
}

static void add_settings(const struct request *request, struct buf *target)
{
    for (size_t i = 0; i < request->setting_count; i++)
        buf_addf(target, "%s%s", i == 0 ? "setting " : ", ", request->settings[i].name);
}

static bool add_target(struct store *store, const struct request *request, const char *node_name, struct buf *target,
                       struct err *err)
{
    switch (request->kind) {
    case REQUEST_ORDER: return add_service(store, request->id, target, err);
    case REQUEST_OPERATION:
    case REQUEST_CANCEL:
    case REQUEST_SERVICE_RETRY:
    case REQUEST_REVEAL:
    case REQUEST_LINK_RENEW:
    case REQUEST_CREDENTIALS_SHOW: return add_service(store, request->target_id, target, err);
    case REQUEST_TASK_RETRY:
    case REQUEST_TASK_FAIL:
    case REQUEST_TASK_RESOLVE: return add_task(store, request->target_id, target, err);
    case REQUEST_NODE_ADD: buf_addf(target, "node %" PRId64 " %s", request->id, request->node.name); return true;
    case REQUEST_NODE_SET:
    case REQUEST_NODE_TEST:
    case REQUEST_NODE_RETRY: buf_addf(target, "node %" PRId64 " %s", request->target_id, node_name); return true;
    case REQUEST_GROUP_ADD: buf_addf(target, "group %s", request->group.name); return true;
    case REQUEST_PRODUCT_ADD: buf_addf(target, "product %s", request->product.name); return true;
    case REQUEST_ZONE_TEMPLATE_PUT: buf_addf(target, "zone template %s", request->template_name); return true;
    case REQUEST_SETTING_SET: add_settings(request, target); return true;
    case REQUEST_TICKET_RETRY: buf_addf(target, "ticket %" PRId64, request->target_id); return true;
    case REQUEST_STAFF_ADD:
    case REQUEST_STAFF_SET:
    case REQUEST_PASSWORD_SET: buf_addf(target, "staff %" PRId64 " %s", request->id, request->access.name); return true;
    case REQUEST_TOKEN_ADD:
    case REQUEST_TOKEN_REVOKE: buf_addf(target, "token %" PRId64 " %s", request->id, request->access.name); return true;
    case REQUEST_SESSION_OPEN:
    case REQUEST_SESSION_CLOSE:
    case REQUEST_SESSION_TOUCH: return true;
    }
    abort();
}

/* ---- what else is to be known ------------------------------------------------------------------------------------- */

static void add_word(struct buf *detail, const char *word)
{
    buf_addf(detail, "%s%s", detail->length > 0 ? ", " : "", word);
}

static void add_access(const struct request *request, struct buf *detail)
{
    if (request->access.has_role)
        add_word(detail, staff_role_name(request->access.role));
    if (request->access.has_disabled)
        add_word(detail, request->access.disabled ? "disabled" : "enabled");
    if (request->kind == REQUEST_STAFF_SET && request->access.password != NULL)
        add_word(detail, "new password");
}

static void add_detail(const struct request *request, struct buf *detail)
{
    if (request->kind == REQUEST_ORDER)
        buf_addf(detail, "product %s", request->order.product);
    else if (request->kind == REQUEST_NODE_SET)
        buf_addf(detail, "%s, capacity %" PRId64, node_state_name(request->node.state), request->node.capacity_max);
    else if (request->kind == REQUEST_TASK_RESOLVE)
        buf_add_text(detail, resolution_name(request->resolution));
    else if (request->kind == REQUEST_OPERATION)
        buf_addf(detail, "operation %" PRId64, request->id);
    else if (request->kind == REQUEST_SERVICE_RETRY || request->kind == REQUEST_NODE_RETRY)
        buf_addf(detail, "%" PRId64 " task%s", request->count, request->count == 1 ? "" : "s");
    else
        add_access(request, detail);
}

bool audit_request(struct store *store, int64_t now_ms, const struct request *request, const char *node_name,
                   struct err *err)
{
    const char *action = action_of(request);
    if (action == NULL || request->existing) /* nothing was done: it had been before */
        return true;
    struct buf target = BUF_INIT, detail = BUF_INIT;
    bool ok = add_target(store, request, node_name, &target, err);
    add_detail(request, &detail);
    struct audit_entry entry = {
        .at_ms = now_ms,
        .who = xstrdup(request->who),
        .action = xasprintf("%s%s", action,
                            request->kind == REQUEST_OPERATION ? operation_kind_name(request->operation) : ""),
        .target = buf_steal(&target),
        .detail = buf_steal(&detail),
    };
    ok = ok && store_insert_audit(store, &entry, err);
    audit_entry_finish(&entry);
    return ok;
}
