/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static void add_catalogue(struct fixture *fixture)
{
    struct err err;
    struct group group = { .name = (char[]){ "web" }, .title = (char[]){ "Web" } };
    struct product product = { .name = (char[]){ "basic" }, .title = (char[]){ "Basic" }, .spec = (char[]){ "{}" } };
    fixture_begin(fixture);
    must(store_insert_group(fixture->store, &group, &err));
    product.group_id = group.id;
    must(store_insert_product(fixture->store, &product, &err));
    int64_t group_ids[] = { group.id };
    char empty[] = "";
    struct node node = { .name = (char[]){ "web1" },
                         .driver = (char[]){ "hestia" },
                         .ssh_address = empty,
                         .ssh_user = empty,
                         .host_key = empty,
                         .hostname = empty,
                         .public_ip4 = empty,
                         .public_ip6 = empty,
                         .probe_address = empty,
                         .ns_name = empty,
                         .state_reason = empty,
                         .group_ids = group_ids,
                         .group_count = 1 };
    must(store_insert_node(fixture->store, &node, &err));
    fixture_commit(fixture);
    fixture->group_id = group.id;
    fixture->product_id = product.id;
    fixture->node_id = node.id;
}

void fixture_init(struct fixture *fixture, bool in_memory)
{
    struct err err;
    *fixture = (struct fixture){ .dir = "/tmp/berth-store-XXXXXX", .url = "sqlite::memory:" };
    assert_non_null(mkdtemp(fixture->dir));
    if (!in_memory)
        (void)snprintf(fixture->url, sizeof(fixture->url), "sqlite://%s/berth.db", fixture->dir);
    must(store_open(fixture->url, &fixture->store, &err));
    add_catalogue(fixture);
}

void fixture_finish(struct fixture *fixture)
{
    store_close(fixture->store);
    DIR *dir = opendir(fixture->dir);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(dir);
    assert_int_equal(rmdir(fixture->dir), 0);
}

bool fixture_in_memory;

int fixture_setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    fixture_init(fixture, fixture_in_memory);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture_finish(fixture);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture)
{
    struct err err;
    store_close(fixture->store);
    must(store_open(fixture->url, &fixture->store, &err));
}

void fixture_begin(struct fixture *fixture)
{
    struct err err;
    must(store_begin(fixture->store, &err));
}

void fixture_commit(struct fixture *fixture)
{
    struct err err;
    must(store_commit(fixture->store, true, &err));
}

char *borrowed(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = { .in = text };
    return cast.out;
}

struct service fixture_service(const struct fixture *fixture, const char *domain, const char *client_id)
{
    return (struct service){
        .external_id = borrowed(""),
        .generation = 1,
        .idempotency_key = borrowed(""),
        .product_id = fixture->product_id,
        .domain = borrowed(domain),
        .client_id = borrowed(client_id),
        .client_name = borrowed("Ann"),
        .client_email = borrowed("ann@example.org"),
        .options = borrowed("{}"),
        .reason = borrowed(""),
        .reason_key = borrowed(""),
        .created_at_ms = 1000,
        .updated_at_ms = 1000,
    };
}

int64_t fixture_add_service(struct fixture *fixture, const char *domain, const char *client_id)
{
    struct err err;
    struct service service = fixture_service(fixture, domain, client_id);
    fixture_begin(fixture);
    must(store_insert_service(fixture->store, &service, &err));
    fixture_commit(fixture);
    return service.id;
}

int64_t fixture_add_operation(struct fixture *fixture, int64_t service_id)
{
    struct err err;
    struct operation operation = { .service_id = service_id,
                                   .kind = OPERATION_DEPLOY,
                                   .pipeline = borrowed("split"),
                                   .pipeline_hash = borrowed("abc"),
                                   .weight_total = 100,
                                   .tasks_total = 10,
                                   .created_at_ms = 1000 };
    fixture_begin(fixture);
    must(store_insert_operation(fixture->store, &operation, &err));
    fixture_commit(fixture);
    return operation.id;
}

struct task fixture_task(int64_t operation_id, int64_t service_id, int64_t node_id, const char *action,
                         enum task_state state)
{
    return (struct task){
        .operation_id = operation_id,
        .service_id = service_id,
        .node_id = node_id,
        .role = ROLE_WEB,
        .key = borrowed("key"),
        .action = borrowed(action),
        .label_key = borrowed("step.key"),
        .lane = TASK_LANE_MAKE,
        .state = state,
        .weight = 1,
        .cause_id = borrowed(""),
        .reason = borrowed(""),
        .inputs_hash = borrowed(""),
        .created_at_ms = 1000,
    };
}

int64_t fixture_add_task(struct fixture *fixture, int64_t operation_id, int64_t service_id, int64_t node_id,
                         const char *action, enum task_state state, int needs_left)
{
    struct err err;
    struct task task = fixture_task(operation_id, service_id, node_id, action, state);
    task.needs_left = needs_left;
    must(store_insert_task(fixture->store, &task, &err));
    return task.id;
}

enum task_state fixture_task_state(struct fixture *fixture, int64_t task_id)
{
    struct err err;
    struct task task;
    must(store_get_task(fixture->store, task_id, &task, &err));
    enum task_state state = task.state;
    task_finish(&task);
    return state;
}
