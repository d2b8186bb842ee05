/* test_placement.c - where a service goes, and what is said when it goes nowhere. Nodes are written as one line of text. */
#include "harness.h"

#include <inttypes.h>

#include "core/model.h"
#include "core/placement.h"

#define WEB ROLE_BIT(ROLE_WEB)
#define MAIL ROLE_BIT(ROLE_MAIL)
#define DNS ROLE_BIT(ROLE_DNS)
#define NODES_MAX 16

struct fleet {
    struct node nodes[NODES_MAX];
    size_t count;
    char names[NODES_MAX][41];
    int64_t groups[NODES_MAX];
};

/* "id:name:role:state:load/capacity:group id:..." with roles as letters: wmd */
static void fleet_read(struct fleet *fleet, const char *text)
{
    *fleet = (struct fleet){ 0 };
    while (*text != '\0') {
        struct node *node = &fleet->nodes[fleet->count];
        char roles[8], state_word[20];
        int length = 0;
        int read = sscanf(text, "%" SCNd64 ":%40[^:]:%7[^:]:%19[^:]:%" SCNd64 "/%" SCNd64 ":%" SCNd64 " %n", &node->id,
                          fleet->names[fleet->count], roles, state_word, &node->load, &node->capacity_max,
                          &fleet->groups[fleet->count], &length);
        assert_int_equal(read, 7);
        assert_true(node_state_parse(state_word, &node->state));
        node->name = fleet->names[fleet->count];
        node->roles = (strchr(roles, 'w') ? WEB : 0) | (strchr(roles, 'm') ? MAIL : 0) | (strchr(roles, 'd') ? DNS : 0);
        node->group_ids = &fleet->groups[fleet->count++];
        node->group_count = 1;
        text += length;
    }
}

static void the_least_loaded_node_is_taken(void **state)
{
    static const struct {
        const char *name, *fleet;
        int64_t want;
    } cases[] = {
        { "the only one", "1:a:w:active:5/0:1", 1 },
        { "fewer services", "1:a:w:active:5/0:1 2:b:w:active:4/0:1", 2 },
        { "equal: the lower id, in whatever order", "9:b:w:active:4/0:1 2:a:w:active:4/0:1", 2 },
        { "share of the capacity", "1:small:w:active:5/10:1 2:big:w:active:40/100:1", 2 },
        { "equal shares: the lower id", "2:big:w:active:50/100:1 1:small:w:active:5/10:1", 1 },
        { "number when not all have a capacity", "1:a:w:active:5/10:1 2:b:w:active:6/0:1 3:c:w:active:7/100:1", 1 },
        { "a full one's missing capacity does not count",
          "1:a:w:paused:0/0:1 2:b:w:active:5/10:1 3:c:w:active:40/100:1", 3 },
        { "full ones are passed over", "1:a:w:active:10/10:1 2:b:w:active:99/100:1", 2 },
        { "one place left is room", "1:a:w:active:9/10:1", 1 },
        { "only active ones", "1:a:w:paused:0/0:1 2:b:w:draining:0/0:1 3:c:w:unreachable:0/0:1 4:d:w:active:9/0:1", 4 },
        { "only of the group", "1:a:w:active:0/0:2 2:b:w:active:9/0:1", 2 },
        { "only with the capability", "1:a:md:active:0/0:1 2:b:wm:active:9/0:1", 2 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fleet fleet;
        struct placement placement;
        char reason[PLACEMENT_REASON_MAX] = "";
        const char *key = NULL;
        fleet_read(&fleet, cases[i].fleet);
        if (!placement_choose(fleet.nodes, fleet.count, 1, "eu", WEB, &placement, reason, &key))
            fail_msg("%s: %s", cases[i].name, reason);
        if (placement.node[ROLE_WEB] != cases[i].want)
            fail_msg("%s: took %" PRId64, cases[i].name, placement.node[ROLE_WEB]);
        assert_int_equal(placement.node[ROLE_MAIL], 0);
        assert_int_equal(placement.dns_count, 0);
        placement_finish(&placement);
    }
}

static void a_zone_goes_to_every_name_server_that_stays(void **state)
{
    (void)state;
    struct fleet fleet;
    struct placement placement;
    char reason[PLACEMENT_REASON_MAX];
    const char *key = NULL;
    fleet_read(&fleet,
               "8:ns3:d:unreachable:0/0:1 5:ns1:d:active:9/9:1 7:ns4:d:draining:0/0:1 6:ns2:d:paused:0/0:1 "
               "9:ns9:d:active:0/0:2 1:all:wmd:active:0/0:1");
    assert_true(placement_choose(fleet.nodes, fleet.count, 1, "eu", WEB | MAIL | DNS, &placement, reason, &key));
    assert_int_equal(placement.node[ROLE_WEB], 1);
    assert_int_equal(placement.node[ROLE_MAIL], 1);
    assert_int_equal(placement.dns_count, 4);
    static const int64_t want[] = { 1, 5, 6, 8 };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(placement.dns_nodes[i], want[i]);
    assert_int_equal(placement.node[ROLE_DNS], 1);
    placement_finish(&placement);
}

static void what_has_no_place_waits_with_a_reason(void **state)
{
    static const struct {
        const char *fleet;
        unsigned roles;
        const char *want;
    } cases[] = {
        { "", WEB, "group eu has no web node" },
        { "1:ns1:d:active:0/0:1", WEB | DNS, "group eu has no web node" },
        { "1:web1:w:active:0/0:2", WEB, "group eu has no web node" },
        { "1:web1:w:active:40/40:1 2:web2:w:paused:3/40:1", WEB,
          "no active web node in group eu has room: web1 is full (40 of 40), web2 is paused" },
        { "1:web1:w:active:0/0:1 2:mail1:m:unreachable:0/0:1", WEB | MAIL,
          "no active mail node in group eu has room: mail1 is unreachable" },
        { "1:web1:w:active:0/0:1 2:ns1:d:draining:0/0:1 3:ns2:d:paused:0/0:1", WEB | DNS,
          "no dns node in group eu is active: ns1 is draining, ns2 is paused" },
        { "1:web1:w:active:0/0:1", WEB | DNS, "group eu has no dns node" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fleet fleet;
        struct placement placement = { .dns_count = 77 };
        char reason[PLACEMENT_REASON_MAX] = "";
        const char *key = NULL;
        fleet_read(&fleet, cases[i].fleet);
        assert_false(placement_choose(fleet.nodes, fleet.count, 1, "eu", cases[i].roles, &placement, reason, &key));
        expect_text(cases[i].fleet, reason, cases[i].want);
        assert_string_equal(key, "wait.capacity");
        assert_int_equal(placement.dns_count, 77); /* nothing is half-placed */
    }
}

static void a_long_reason_is_counted_not_cut(void **state)
{
    (void)state;
    struct fleet fleet;
    struct placement placement;
    char text[1200] = "", reason[PLACEMENT_REASON_MAX];
    const char *key = NULL;
    for (int i = 1; i <= NODES_MAX; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%d:a-rather-long-name-for-a-web-node-%02d:w:active:7/7:1 ", i, i);
    fleet_read(&fleet, text);
    assert_false(placement_choose(fleet.nodes, fleet.count, 1, "eu", WEB, &placement, reason, &key));
    assert_string_equal(reason,
                        "no active web node in group eu has room: a-rather-long-name-for-a-web-node-01 is full "
                        "(7 of 7), a-rather-long-name-for-a-web-node-02 is full (7 of 7) and 14 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_node_is_taken),
        cmocka_unit_test(a_zone_goes_to_every_name_server_that_stays),
        cmocka_unit_test(what_has_no_place_waits_with_a_reason),
        cmocka_unit_test(a_long_reason_is_counted_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
