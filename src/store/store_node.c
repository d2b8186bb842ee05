/* store_node.c - nodes: what they are, how full, in what state, and whose slot it is. See store.h. */
#include "store_internal.h"

#include <inttypes.h>

#define NODE_COLUMNS                                                                                                   \
    "id, load, slot_attempt_id, changes, reloaded, name, driver, roles, ssh_address, ssh_port, ssh_user, host_key,"    \
    " hostname, public_ip4, public_ip6, probe_address, probe_http_port, probe_imap_port, probe_dns_port, ns_name,"     \
    " channels_max, capacity_max, state, state_reason, state_since_ms, created_at_ms, contact_at_ms"

static void node_read(struct db_rows *rows, struct node *node)
{
    *node = (struct node){ 0 };
    node->id = db_take_int(rows);
    node->load = db_take_int(rows);
    node->slot_attempt_id = db_take_int(rows);
    node->changes = db_take_int(rows);
    node->reloaded = db_take_int(rows);
    node->name = db_take_text(rows);
    node->driver = db_take_text(rows);
    node->roles = (unsigned)db_take_int(rows);
    node->ssh_address = db_take_text(rows);
    node->ssh_port = (int)db_take_int(rows);
    node->ssh_user = db_take_text(rows);
    node->host_key = db_take_text(rows);
    node->hostname = db_take_text(rows);
    node->public_ip4 = db_take_text(rows);
    node->public_ip6 = db_take_text(rows);
    node->probe_address = db_take_text(rows);
    node->probe_http_port = (int)db_take_int(rows);
    node->probe_imap_port = (int)db_take_int(rows);
    node->probe_dns_port = (int)db_take_int(rows);
    node->ns_name = db_take_text(rows);
    node->channels_max = (int)db_take_int(rows);
    node->capacity_max = db_take_int(rows);
    node->state = (enum node_state)db_take_int(rows);
    node->state_reason = db_take_text(rows);
    node->state_since_ms = db_take_int(rows);
    node->created_at_ms = db_take_int(rows);
    node->contact_at_ms = db_take_int(rows);
}

DEFINE_RECORD_KIND(node, nodes)

/* ---- membership --------------------------------------------------------------------------------------------------- */

static const char sql_insert_membership[] = "INSERT INTO node_membership (node_id, group_id) VALUES ($1, $2)";

static bool insert_memberships(struct store *store, const struct node *node, struct err *err)
{
    for (size_t i = 0; i < node->group_count; i++) {
        if (!store_run(store, sql_insert_membership, ARGS(db_int(node->id), db_int(node->group_ids[i])), NULL, err))
            return err_wrap(err, "node %s in group %" PRId64, node->name, node->group_ids[i]);
    }
    return true;
}

static const char sql_delete_memberships[] = "DELETE FROM node_membership WHERE node_id = $1";

static bool replace_memberships(struct store *store, const struct node *node, struct err *err)
{
    return store_run(store, sql_delete_memberships, ARGS(db_int(node->id)), NULL, err) &&
           insert_memberships(store, node, err);
}

static const char sql_list_memberships[] = "SELECT group_id FROM node_membership WHERE node_id = $1 ORDER BY group_id";

static bool read_memberships(struct store *store, struct node *node, struct err *err)
{
    return store_get_ints(store, sql_list_memberships, ARGS(db_int(node->id)), &node->group_ids, &node->group_count,
                          err);
}

/* ---- nodes -------------------------------------------------------------------------------------------------------- */

static const char sql_insert_node[] =
    "INSERT INTO node (load, slot_attempt_id, changes, reloaded, name, driver, roles, ssh_address, ssh_port, ssh_user,"
    " host_key, hostname, public_ip4, public_ip6, probe_address, probe_http_port, probe_imap_port, probe_dns_port,"
    " ns_name, channels_max, capacity_max, state, state_reason, state_since_ms, created_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,"
    " $24, $25) RETURNING id";

bool store_insert_node(struct store *store, struct node *node, struct err *err)
{
    const struct db_arg args[] = {
        db_int(node->load),
        db_int(node->slot_attempt_id),
        db_int(node->changes),
        db_int(node->reloaded),
        db_text(node->name),
        db_text(node->driver),
        db_int(node->roles),
        db_text(node->ssh_address),
        db_int(node->ssh_port),
        db_text(node->ssh_user),
        db_text(node->host_key),
        db_text(node->hostname),
        db_text(node->public_ip4),
        db_text(node->public_ip6),
        db_text(node->probe_address),
        db_int(node->probe_http_port),
        db_int(node->probe_imap_port),
        db_int(node->probe_dns_port),
        db_text(node->ns_name),
        db_int(node->channels_max),
        db_int(node->capacity_max),
        db_int(node->state),
        db_text(node->state_reason),
        db_int(node->state_since_ms),
        db_int(node->created_at_ms),
    };
    if (!store_get_int(store, sql_insert_node, args, ARRAY_LEN(args), &node->id, err))
        return err_wrap(err, "insert node %s", node->name);
    return insert_memberships(store, node, err);
}

static const char sql_update_node[] =
    "UPDATE node SET name = $2, driver = $3, roles = $4, ssh_address = $5, ssh_port = $6, ssh_user = $7, host_key = $8,"
    " hostname = $9, public_ip4 = $10, public_ip6 = $11, probe_address = $12, probe_http_port = $13,"
    " probe_imap_port = $14, probe_dns_port = $15, ns_name = $16, channels_max = $17, capacity_max = $18, state = $19,"
    " state_reason = $20, state_since_ms = $21 WHERE id = $1";

bool store_update_node(struct store *store, const struct node *node, struct err *err)
{
    const struct db_arg args[] = {
        db_int(node->id),
        db_text(node->name),
        db_text(node->driver),
        db_int(node->roles),
        db_text(node->ssh_address),
        db_int(node->ssh_port),
        db_text(node->ssh_user),
        db_text(node->host_key),
        db_text(node->hostname),
        db_text(node->public_ip4),
        db_text(node->public_ip6),
        db_text(node->probe_address),
        db_int(node->probe_http_port),
        db_int(node->probe_imap_port),
        db_int(node->probe_dns_port),
        db_text(node->ns_name),
        db_int(node->channels_max),
        db_int(node->capacity_max),
        db_int(node->state),
        db_text(node->state_reason),
        db_int(node->state_since_ms),
    };
    return store_run_on(store, sql_update_node, args, ARRAY_LEN(args), "node", node->id, err) &&
           replace_memberships(store, node, err);
}

static const char sql_add_node_load[] = "UPDATE node SET load = load + $2 WHERE id = $1";

bool store_add_node_load(struct store *store, int64_t node_id, int64_t change, struct err *err)
{
    return store_run_on(store, sql_add_node_load, ARGS(db_int(node_id), db_int(change)), "node", node_id, err);
}

static const char sql_set_node_slot[] = "UPDATE node SET slot_attempt_id = $2 WHERE id = $1";

bool store_set_node_slot(struct store *store, int64_t node_id, int64_t attempt_id, struct err *err)
{
    return store_run_on(store, sql_set_node_slot, ARGS(db_int(node_id), db_int(attempt_id)), "node", node_id, err);
}

static const char sql_set_node_contact[] = "UPDATE node SET contact_at_ms = $2 WHERE id = $1";

bool store_set_node_contact(struct store *store, int64_t node_id, int64_t contact_at_ms, struct err *err)
{
    return store_run_on(store, sql_set_node_contact, ARGS(db_int(node_id), db_int(contact_at_ms)), "node", node_id,
                        err);
}

static const char sql_set_node_reload[] = "UPDATE node SET changes = $2, reloaded = $3 WHERE id = $1";

bool store_set_node_reload(struct store *store, int64_t node_id, int64_t changes, int64_t reloaded, struct err *err)
{
    return store_run_on(store, sql_set_node_reload, ARGS(db_int(node_id), db_int(changes), db_int(reloaded)), "node",
                        node_id, err);
}

static const char sql_list_nodes[] = "SELECT " NODE_COLUMNS " FROM node ORDER BY id";

bool store_list_nodes(struct store *store, struct node **ret_nodes, size_t *ret_count, struct err *err)
{
    void *records;
    size_t count;
    if (!store_get_records(store, &node_record, sql_list_nodes, NO_ARGS, &records, &count, err))
        return err_wrap(err, "list nodes");
    struct node *nodes = records;
    for (size_t i = 0; i < count; i++) {
        if (!read_memberships(store, &nodes[i], err)) {
            nodes_free(nodes, count);
            return err_wrap(err, "list nodes");
        }
    }
    *ret_nodes = nodes;
    *ret_count = count;
    return true;
}
