/* test_store_catalogue.c - groups, nodes, products, zone templates, tokens. */
#include "fixture.h"

#include <stdlib.h>

static void a_node_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct group group = { .name = borrowed("dns"), .title = borrowed("Name servers") };
    fixture_begin(f);
    must(store_insert_group(f->store, &group, &err));
    int64_t groups[] = { f->group_id, group.id };
    struct node in = {
        .name = borrowed("ns1"),
        .driver = borrowed("hestia"),
        .roles = ROLE_BIT(ROLE_DNS),
        .ssh_address = borrowed("10.0.0.5"),
        .ssh_port = 2222,
        .ssh_user = borrowed("admin"),
        .host_key = borrowed("ssh-ed25519 AAAA"),
        .hostname = borrowed("ns1.example.net"),
        .public_ip4 = borrowed("192.0.2.5"),
        .public_ip6 = borrowed("2001:db8::5"),
        .probe_address = borrowed("10.0.0.5"),
        .probe_http_port = 80,
        .probe_imap_port = 143,
        .probe_dns_port = 53,
        .ns_name = borrowed("a.ns.example.net"),
        .channels_max = 8,
        .capacity_max = 500,
        .load = 3,
        .state = NODE_ACTIVE,
        .state_reason = borrowed(""),
        .created_at_ms = 9,
        .group_ids = groups,
        .group_count = 2,
    };
    must(store_insert_node(f->store, &in, &err));
    must(store_add_node_load(f->store, in.id, 2, &err));
    must(store_add_node_load(f->store, in.id, -1, &err));
    must(store_set_node_slot(f->store, in.id, 77, &err));
    must(store_set_node_reload(f->store, in.id, 12, 11, &err));
    must(store_set_node_contact(f->store, in.id, 13, &err));
    in.state = NODE_UNREACHABLE;
    in.state_reason = borrowed("no route");
    in.state_since_ms = 10;
    in.ssh_port = 22;
    in.group_count = 1;
    must(store_update_node(f->store, &in, &err));
    fixture_commit(f);

    struct node *nodes;
    size_t count;
    must(store_list_nodes(f->store, &nodes, &count, &err));
    assert_int_equal(count, 2);
    const struct node *out = &nodes[1];
    assert_int_equal(out->id, in.id);
    assert_int_equal(out->contact_at_ms, 13);
    assert_string_equal(out->name, "ns1");
    assert_string_equal(out->driver, "hestia");
    assert_int_equal(out->roles, ROLE_BIT(ROLE_DNS));
    assert_string_equal(out->ssh_address, "10.0.0.5");
    assert_int_equal(out->ssh_port, 22);
    assert_string_equal(out->ssh_user, "admin");
    assert_string_equal(out->host_key, "ssh-ed25519 AAAA");
    assert_string_equal(out->hostname, "ns1.example.net");
    assert_string_equal(out->public_ip4, "192.0.2.5");
    assert_string_equal(out->public_ip6, "2001:db8::5");
    assert_string_equal(out->probe_address, "10.0.0.5");
    assert_int_equal(out->probe_http_port, 80);
    assert_int_equal(out->probe_imap_port, 143);
    assert_int_equal(out->probe_dns_port, 53);
    assert_string_equal(out->ns_name, "a.ns.example.net");
    assert_int_equal(out->channels_max, 8);
    assert_int_equal(out->capacity_max, 500);
    assert_int_equal(out->load, 4);
    assert_int_equal(out->slot_attempt_id, 77);
    assert_int_equal(out->changes, 12);
    assert_int_equal(out->reloaded, 11);
    assert_int_equal(out->state, NODE_UNREACHABLE);
    assert_string_equal(out->state_reason, "no route");
    assert_int_equal(out->state_since_ms, 10);
    assert_int_equal(out->created_at_ms, 9);
    assert_int_equal(out->group_count, 1);
    assert_int_equal(out->group_ids[0], f->group_id);
    nodes_free(nodes, count);
}

static void names_of_groups_nodes_and_products_are_unique(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct group group = { .name = borrowed("web"), .title = borrowed("") };
    struct product product = {
        .name = borrowed("basic"), .title = borrowed(""), .spec = borrowed("{}"), .group_id = f->group_id
    };
    fixture_begin(f);
    must_fail(store_insert_group(f->store, &group, &err), ERR_CONFLICT);
    must_fail(store_insert_product(f->store, &product, &err), ERR_CONFLICT);
    store_rollback(f->store);
    fixture_begin(f);
    must_fail(store_add_node_load(f->store, 999, 1, &err), ERR_NOT_FOUND);
    store_rollback(f->store);
}

static void what_points_nowhere_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct product product = { .name = borrowed("p2"), .title = borrowed(""), .spec = borrowed("{}"), .group_id = 999 };
    fixture_begin(f);
    must_fail(store_insert_product(f->store, &product, &err), ERR_BUG);
    assert_int_equal(product.id, 0);
    store_rollback(f->store);
}

static void products_and_groups_are_listed(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct product product = { .name = borrowed("big"),
                               .title = borrowed("Big"),
                               .mode = MODE_UNIFIED,
                               .group_id = f->group_id,
                               .spec = borrowed("{\"web\":{}}"),
                               .created_at_ms = 4 };
    fixture_begin(f);
    must(store_insert_product(f->store, &product, &err));
    fixture_commit(f);
    struct product out;
    must(store_get_product(f->store, product.id, &out, &err));
    assert_string_equal(out.name, "big");
    assert_string_equal(out.title, "Big");
    assert_string_equal(out.spec, "{\"web\":{}}");
    assert_int_equal(out.mode, MODE_UNIFIED);
    assert_int_equal(out.group_id, f->group_id);
    assert_int_equal(out.created_at_ms, 4);
    product_finish(&out);
    must_fail(store_get_product(f->store, 999, &out, &err), ERR_NOT_FOUND);
    struct product *products;
    struct group *groups;
    size_t count;
    must(store_list_products(f->store, &products, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(products[0].name, "basic");
    products_free(products, count);
    must(store_list_groups(f->store, &groups, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(groups[0].title, "Web");
    groups_free(groups, count);
}

static void a_zone_template_is_replaced_by_its_name(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char *text;
    must_fail(store_get_zone_template(f->store, "default", &text, &err), ERR_NOT_FOUND);
    fixture_begin(f);
    must(store_put_zone_template(f->store, "default", "@ A {server_ip}", &err));
    must(store_put_zone_template(f->store, "default", "@ A {server_ip}\n", &err));
    fixture_commit(f);
    must(store_get_zone_template(f->store, "default", &text, &err));
    assert_string_equal(text, "@ A {server_ip}\n");
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_node_comes_back_as_it_was_written),
        FIXTURE_TEST(names_of_groups_nodes_and_products_are_unique),
        FIXTURE_TEST(what_points_nowhere_is_refused),
        FIXTURE_TEST(products_and_groups_are_listed),
        FIXTURE_TEST(a_zone_template_is_replaced_by_its_name),
    };
    return fixture_run(tests);
}
