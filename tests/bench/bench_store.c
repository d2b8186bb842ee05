/* bench_store.c - what the store costs: bench_store [DIR] prints one JSON object per line. Not a test: figures depend on the
 * machine, DIR decides the disk (default /tmp). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

#define ORDERS 64000
#define BATCH 64
#define CLAIMS 4000
#define ROUNDS 8
#define MILLION 1000000

static struct err err;

static void must(bool good)
{
    if (good)
        return;
    (void)fprintf(stderr, "bench_store: %s\n", err.msg);
    exit(1);
}

static void print(const char *name, double value, const char *unit)
{
    (void)printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", name, value, unit);
    (void)fflush(stdout);
}

static char empty[] = "";

static int64_t add_product(struct store *store)
{
    struct group group = { .name = (char[]){ "g" }, .title = (char[]){ "G" } };
    struct product product = { .name = (char[]){ "p" }, .title = (char[]){ "P" }, .spec = (char[]){ "{}" } };
    must(store_begin(store, &err));
    must(store_insert_group(store, &group, &err));
    product.group_id = group.id;
    must(store_insert_product(store, &product, &err));
    must(store_commit(store, true, &err));
    return product.id;
}

static int64_t add_order(struct store *store, int64_t product_id, int64_t number)
{
    char external_id[32];
    char key[48];
    char domain[48];
    /* Multiplied by a large odd number, so that the indexes are met at random places. */
    uint64_t mixed = (uint64_t)number * UINT64_C(0x9E3779B97F4A7C15);
    (void)snprintf(external_id, sizeof(external_id), "whmcs-%" PRId64, number);
    (void)snprintf(key, sizeof(key), "%016" PRIx64 "-%016" PRIx64, mixed, mixed >> 7);
    (void)snprintf(domain, sizeof(domain), "%012" PRIx64 ".example.com", mixed >> 16);
    struct service service = { .external_id = external_id,
                               .idempotency_key = key,
                               .domain = domain,
                               .generation = 1,
                               .product_id = product_id,
                               .client_id = external_id,
                               .client_name = (char[]){ "Ann Example" },
                               .client_email = (char[]){ "ann.example@example.org" },
                               .options = (char[]){ "{\"mailbox\":\"info\"}" },
                               .reason = empty,
                               .reason_key = empty,
                               .created_at_ms = 1000,
                               .updated_at_ms = 1000 };
    must(store_insert_service(store, &service, &err));
    return service.id;
}

/* What the engine does for one order: look for the same order and for the domain, then insert. */
static int64_t accept_order(struct store *store, int64_t product_id, int64_t number)
{
    char external_id[32];
    char domain[48];
    int64_t found, generation;
    char *other;
    enum domain_relation relation;
    (void)snprintf(external_id, sizeof(external_id), "whmcs-%" PRId64, number);
    uint64_t mixed = (uint64_t)number * UINT64_C(0x9E3779B97F4A7C15);
    (void)snprintf(domain, sizeof(domain), "%012" PRIx64 ".example.com", mixed >> 16);
    must(store_find_service_by_external_id(store, external_id, &found, &generation, &err));
    must(store_find_service_by_idempotency_key(store, domain, &found, &err));
    must(store_check_domain(store, domain, external_id, &relation, &found, &other, &err));
    free(other);
    return add_order(store, product_id, number);
}

static void bench_orders(struct store *store, int64_t product_id)
{
    int64_t slowest_us = 0;
    int64_t start_us = clock_measure_us();
    for (int64_t number = 1; number <= ORDERS; number += BATCH) {
        int64_t batch_us = clock_measure_us();
        must(store_begin(store, &err));
        for (int64_t i = 0; i < BATCH; i++)
            (void)accept_order(store, product_id, number + i);
        must(store_commit(store, true, &err));
        batch_us = clock_measure_us() - batch_us;
        slowest_us = batch_us > slowest_us ? batch_us : slowest_us;
    }
    double seconds = (double)(clock_measure_us() - start_us) / 1e6;
    print("store.orders_batch64", ORDERS / seconds, "1/s");
    print("store.order_batch_slowest", (double)slowest_us / 1000, "ms");
}

static void bench_commits(struct store *store, bool durable)
{
    int64_t start_us = clock_measure_us();
    for (int64_t i = 0; i < 1000; i++) {
        char text[32]; /* SQLite leaves out a write that changes nothing */
        (void)snprintf(text, sizeof(text), "%d %" PRId64, durable, i);
        must(store_begin(store, &err));
        must(store_put_zone_template(store, "bench", text, &err));
        must(store_commit(store, durable, &err));
    }
    print(durable ? "store.commit_durable" : "store.commit_not_durable", (double)(clock_measure_us() - start_us) / 1000,
          "us");
}

static void add_tasks(struct store *store, int64_t service_id, int64_t operation_id, int64_t count, int64_t node_id,
                      enum task_state state)
{
    for (int64_t i = 0; i < count; i++) {
        if (i % 10000 == 0)
            must(store_begin(store, &err));
        struct task task = { .operation_id = operation_id,
                             .service_id = service_id,
                             .node_id = node_id > 0 ? node_id : 100 + i % 50,
                             .key = (char[]){ "web.domain" },
                             .action = (char[]){ "web.domain" },
                             .label_key = (char[]){ "step.web.domain" },
                             .state = state,
                             .cause_id = empty,
                             .reason = empty,
                             .inputs_hash = empty };
        must(store_insert_task(store, &task, &err));
        if (i % 10000 == 9999 || i == count - 1)
            must(store_commit(store, false, &err));
    }
    must(store_checkpoint(store, &err));
}

static int compare(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The claimed task ends and another one is queued, so that the queue keeps its length. */
static void replace_task(struct store *store, struct task *task, int64_t service_id, int64_t operation_id)
{
    must(store_begin(store, &err));
    task->state = TASK_DONE;
    must(store_update_task(store, task, &err));
    struct task again = *task;
    again.service_id = service_id;
    again.operation_id = operation_id;
    again.state = TASK_QUEUED;
    again.attempt_id = 0;
    must(store_insert_task(store, &again, &err));
    must(store_commit(store, false, &err));
}

/* What a claim takes, in microseconds, with a transaction of its own from begin to commit. The commit goes without its fsync, which
 * costs more than all the rest and would hide it. The best of several medians, as other work on the machine only ever adds. */
static double bench_claims(struct store *store, int64_t node_id, int64_t service_id, int64_t operation_id)
{
    double best_us = 1e9;
    static int64_t spent_ns[CLAIMS / ROUNDS];
    for (int64_t i = 0; i < CLAIMS; i++) {
        struct task task;
        bool found;
        int64_t start_ns = now_ns();
        must(store_begin(store, &err));
        must(store_claim_task(store, task_queue_id(node_id, TASK_LANE_MAKE), 1000, 2000, &task, &found, &err));
        must(store_commit(store, false, &err));
        spent_ns[i % (CLAIMS / ROUNDS)] = now_ns() - start_ns;
        if (!found)
            exit(2);
        replace_task(store, &task, service_id, operation_id);
        task_finish(&task);
        if ((i + 1) % (CLAIMS / ROUNDS) == 0) {
            qsort(spent_ns, ARRAY_LEN(spent_ns), sizeof(spent_ns[0]), compare);
            double median_us = (double)spent_ns[ARRAY_LEN(spent_ns) / 2] / 1000;
            best_us = median_us < best_us ? median_us : best_us;
        }
    }
    return best_us;
}

struct place {
    struct store *store;
    int64_t service_id, operation_id;
};

static struct place make_place(struct store *store, int64_t product_id)
{
    must(store_begin(store, &err));
    struct place place = { .store = store, .service_id = add_order(store, product_id, 10 * MILLION) };
    struct operation operation = { .service_id = place.service_id, .pipeline = empty, .pipeline_hash = empty };
    must(store_insert_operation(store, &operation, &err));
    must(store_commit(store, true, &err));
    place.operation_id = operation.id;
    return place;
}

/* What a claim costs here, divided by what it costs in a database with ten tasks; measured by turns, so that other work on the
 * machine falls on both. */
static void print_growth(const char *name, const struct place *ten, const struct place *many, int64_t node_id)
{
    double ten_us = 1e9;
    double many_us = 1e9;
    for (int i = 0; i < 4; i++) {
        double us = bench_claims(ten->store, 1, ten->service_id, ten->operation_id);
        ten_us = us < ten_us ? us : ten_us;
        us = bench_claims(many->store, node_id, many->service_id, many->operation_id);
        many_us = us < many_us ? us : many_us;
    }
    print("store.claim_10", ten_us, "us");
    print(name, many_us / ten_us, "ratio");
}

static int64_t resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = 0;
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        (void)fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void bench_tasks(struct store *small, struct store *large, int64_t small_product_id, int64_t product_id)
{
    struct place ten = make_place(small, small_product_id);
    struct place many = make_place(large, product_id);
    add_tasks(small, ten.service_id, ten.operation_id, 10, 1, TASK_QUEUED);
    add_tasks(large, many.service_id, many.operation_id, 10, 1, TASK_QUEUED);
    add_tasks(large, many.service_id, many.operation_id, MILLION, 0, TASK_QUEUED);
    print_growth("store.claim_growth_elsewhere", &ten, &many, 1);
    add_tasks(large, many.service_id, many.operation_id, MILLION, 2, TASK_QUEUED);
    print_growth("store.claim_growth_one_node", &ten, &many, 2);
    add_tasks(large, many.service_id, many.operation_id, MILLION, 3, TASK_HELD);
    add_tasks(large, many.service_id, many.operation_id, 10, 3, TASK_QUEUED);
    print_growth("store.claim_growth_held", &ten, &many, 3);
    print("store.rss", (double)resident_kib() / 1024, "MiB");
}

static struct store *open_store(const char *dir, const char *name)
{
    char url[300];
    struct store *store;
    int64_t epoch;
    (void)snprintf(url, sizeof(url), "sqlite://%s/%s", dir, name);
    must(store_open(url, &store, &err));
    must(store_own(store, 1000, 15000, &epoch, &err));
    return store;
}

static void remove_store(const char *dir, const char *name)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".owner" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char file[300];
        (void)snprintf(file, sizeof(file), "%s/%s%s", dir, name, ends[i]);
        (void)unlink(file);
    }
}

int main(int argc, char **argv)
{
    char dir[200];
    (void)snprintf(dir, sizeof(dir), "%s/bench-store-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return 1;
    }
    struct store *large = open_store(dir, "large.db");
    int64_t product_id = add_product(large);
    bench_orders(large, product_id);
    bench_commits(large, true);
    bench_commits(large, false);
    if (getenv("BENCH_ORDERS_ONLY") == NULL) {
        struct store *small = open_store(dir, "small.db");
        bench_tasks(small, large, add_product(small), product_id);
        store_close(small);
    }
    store_close(large);
    remove_store(dir, "small.db");
    remove_store(dir, "large.db");
    (void)rmdir(dir);
    return 0;
}
