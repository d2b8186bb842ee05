/* test_store_service.c - orders on disk: what is unique, whose domain is whose, lists of services. */
#include "fixture.h"

static int64_t insert(struct fixture *f, const char *domain, const char *external_id, const char *key,
                      int64_t generation)
{
    struct err err;
    struct service service = fixture_service(f, domain, "c1");
    service.external_id = borrowed(external_id);
    service.idempotency_key = borrowed(key);
    service.generation = generation;
    fixture_begin(f);
    must(store_insert_service(f->store, &service, &err));
    fixture_commit(f);
    return service.id;
}

static void set_status(struct fixture *f, int64_t id, enum service_status status)
{
    struct err err;
    struct service service;
    must(store_get_service(f->store, id, &service, &err));
    service.status = status;
    fixture_begin(f);
    must(store_update_service(f->store, &service, &err));
    fixture_commit(f);
    service_finish(&service);
}

static void a_service_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct service in = fixture_service(f, "example.com", "c17");
    in.external_id = borrowed("whmcs-9");
    in.idempotency_key = borrowed("key-9");
    in.generation = 3;
    in.options = borrowed("{\"mailbox\":\"info\"}");
    in.created_at_ms = INT64_C(1760000000123);
    fixture_begin(f);
    must(store_insert_service(f->store, &in, &err));
    fixture_commit(f);

    in.status = SERVICE_FAILED;
    in.reason = borrowed("no room on web1");
    in.reason_key = borrowed("reason.room");
    in.operation_id = 5;
    in.live_at_ms = 77;
    in.updated_at_ms = 78;
    fixture_begin(f);
    must(store_update_service(f->store, &in, &err));
    fixture_commit(f);

    struct service out;
    must(store_get_service(f->store, in.id, &out, &err));
    assert_int_equal(out.id, in.id);
    assert_int_equal(out.status, SERVICE_FAILED);
    assert_int_equal(out.product_id, f->product_id);
    assert_int_equal(out.generation, 3);
    assert_int_equal(out.operation_id, 5);
    assert_int_equal(out.created_at_ms, in.created_at_ms);
    assert_int_equal(out.live_at_ms, 77);
    assert_int_equal(out.updated_at_ms, 78);
    assert_string_equal(out.external_id, "whmcs-9");
    assert_string_equal(out.idempotency_key, "key-9");
    assert_string_equal(out.domain, "example.com");
    assert_string_equal(out.client_id, "c17");
    assert_string_equal(out.client_name, "Ann");
    assert_string_equal(out.client_email, "ann@example.org");
    assert_string_equal(out.options, "{\"mailbox\":\"info\"}");
    assert_string_equal(out.reason, "no room on web1");
    assert_string_equal(out.reason_key, "reason.room");
    service_finish(&out);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct service out;
    must_fail(store_get_service(f->store, 99, &out, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no service 99");
    struct service service = fixture_service(f, "example.com", "c1");
    service.id = 99;
    fixture_begin(f);
    must_fail(store_update_service(f->store, &service, &err), ERR_NOT_FOUND);
    store_rollback(f->store);
}

static void the_same_external_id_or_key_is_refused_while_its_service_lives(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t first = insert(f, "one.example", "e1", "k1", 1);
    int64_t id, generation;
    must(store_find_service_by_external_id(f->store, "e1", &id, &generation, &err));
    assert_int_equal(id, first);
    must(store_find_service_by_idempotency_key(f->store, "k1", &id, &err));
    assert_int_equal(id, first);

    static const struct {
        const char *name, *domain, *external_id, *key;
    } cases[] = {
        { "external id", "two.example", "e1", "k2" },
        { "idempotency key", "two.example", "e2", "k1" },
        { "domain", "one.example", "e2", "k2" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service service = fixture_service(f, cases[i].domain, "c2");
        service.external_id = borrowed(cases[i].external_id);
        service.idempotency_key = borrowed(cases[i].key);
        service.generation = 2;
        fixture_begin(f);
        if (store_insert_service(f->store, &service, &err) || err.code != ERR_CONFLICT)
            fail_msg("same %s: no conflict", cases[i].name);
        store_rollback(f->store);
    }

    set_status(f, first, SERVICE_TERMINATED);
    must(store_find_service_by_external_id(f->store, "e1", &id, &generation, &err));
    assert_int_equal(id, 0);
    must(store_find_service_by_idempotency_key(f->store, "k1", &id, &err));
    assert_int_equal(id, 0);
    int64_t second = insert(f, "one.example", "e1", "k1", 2);
    must(store_find_service_by_external_id(f->store, "e1", &id, &generation, &err));
    assert_int_equal(id, second);
}

static void services_without_external_id_or_key_do_not_collide(void **state)
{
    struct fixture *f = *state;
    struct err err;
    (void)insert(f, "one.example", "", "", 1);
    (void)insert(f, "two.example", "", "", 1);
    int64_t id = 7, generation;
    must(store_find_service_by_external_id(f->store, "", &id, &generation, &err));
    assert_int_equal(id, 0);
}

static void the_last_generation_counts_those_that_are_gone(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t found_id = -1, generation = -1;
    must(store_find_service_by_external_id(f->store, "e1", &found_id, &generation, &err));
    assert_int_equal(generation, 0);
    for (int64_t i = 1; i <= 3; i++) {
        int64_t id = insert(f, "one.example", "e1", "", i);
        must(store_find_service_by_external_id(f->store, "e1", &found_id, &generation, &err));
        assert_int_equal(found_id, id);
        assert_int_equal(generation, i);
        set_status(f, id, SERVICE_TERMINATED);
        must(store_find_service_by_external_id(f->store, "e1", &found_id, &generation, &err));
        assert_int_equal(found_id, 0);
        assert_int_equal(generation, i);
    }
    must(store_find_service_by_external_id(f->store, "other", &found_id, &generation, &err));
    assert_int_equal(generation, 0);
}

static void a_domain_is_compared_with_the_live_ones_label_by_label(void **state)
{
    struct fixture *f = *state;
    struct err err;
    (void)fixture_add_service(f, "example.com", "ann");
    (void)fixture_add_service(f, "shop.example.org", "bob");
    (void)fixture_add_service(f, "a.b.c.example.net", "bob");
    (void)fixture_add_service(f, "deep.blog.example.com", "cid");
    int64_t gone = fixture_add_service(f, "gone.example", "ann");
    set_status(f, gone, SERVICE_TERMINATED);

    static const struct {
        const char *domain, *client;
        enum domain_relation want;
        const char *in_the_way;
    } cases[] = {
        { "example.com", "bob", DOMAIN_SAME, "example.com" },
        { "example.com", "ann", DOMAIN_SAME, "example.com" },
        { "blog.example.com", "bob", DOMAIN_UNDER, "example.com" }, /* and over another one: the parent is said */
        { "blog.example.com", "cid", DOMAIN_UNDER, "example.com" },
        { "blog.example.com", "ann", DOMAIN_OVER, "deep.blog.example.com" },
        { "a.blog.example.com", "bob", DOMAIN_UNDER, "example.com" },
        { "wiki.example.com", "ann", DOMAIN_FREE, NULL },
        { "example.org", "ann", DOMAIN_OVER, "shop.example.org" },
        { "example.org", "bob", DOMAIN_FREE, NULL },
        { "example.net", "ann", DOMAIN_OVER, "a.b.c.example.net" },
        { "c.example.net", "ann", DOMAIN_OVER, "a.b.c.example.net" },
        { "myexample.com", "bob", DOMAIN_FREE, NULL }, /* ends alike, but is no child */
        { "example.co", "bob", DOMAIN_FREE, NULL },    /* begins alike */
        { "example.com.au", "bob", DOMAIN_FREE, NULL },
        { "shop-1.example.org", "ann", DOMAIN_FREE, NULL }, /* '-' sorts before '.' */
        { "op.example.org", "ann", DOMAIN_FREE, NULL },
        { "gone.example", "bob", DOMAIN_FREE, NULL },
        { "www.gone.example", "bob", DOMAIN_FREE, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum domain_relation relation;
        int64_t id;
        char *domain;
        must(store_check_domain(f->store, cases[i].domain, cases[i].client, &relation, &id, &domain, &err));
        if (relation != cases[i].want)
            fail_msg("%s for %s: relation %d, want %d", cases[i].domain, cases[i].client, relation, cases[i].want);
        if (cases[i].in_the_way == NULL)
            assert_null(domain);
        else
            assert_string_equal(domain, cases[i].in_the_way);
        assert_int_equal(id != 0, cases[i].want != DOMAIN_FREE);
        free(domain);
    }
}

static void a_client_with_many_own_children_may_still_collide_with_one_of_another(void **state)
{
    struct fixture *f = *state;
    struct err err;
    for (int i = 0; i < 50; i++) {
        char domain[64];
        (void)snprintf(domain, sizeof(domain), "s%d.example.com", i);
        (void)fixture_add_service(f, domain, "ann");
    }
    (void)fixture_add_service(f, "zz.example.com", "bob");
    enum domain_relation relation;
    int64_t id;
    char *domain;
    must(store_check_domain(f->store, "example.com", "ann", &relation, &id, &domain, &err));
    assert_int_equal(relation, DOMAIN_OVER);
    assert_string_equal(domain, "zz.example.com");
    free(domain);
}

static void services_in_a_status_are_listed_oldest_first_and_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t ids[10];
    for (int i = 0; i < 10; i++) {
        char domain[64];
        (void)snprintf(domain, sizeof(domain), "d%d.example", i);
        ids[i] = fixture_add_service(f, domain, "c");
        if (i % 2 == 1)
            set_status(f, ids[i], i < 6 ? SERVICE_LIVE : SERVICE_WAITING);
    }
    int64_t found[10];
    size_t count;
    must(store_list_services_in(f->store, SERVICE_ACCEPTED, 0, 3, found, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(found[0], ids[0]);
    assert_int_equal(found[2], ids[4]);
    must(store_list_services_in(f->store, SERVICE_ACCEPTED, found[2], 3, found, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(found[1], ids[8]);
    must(store_list_services_in(f->store, SERVICE_WAITING, 0, 10, found, &count, &err));
    assert_int_equal(count, 2);
    must(store_list_services_in(f->store, SERVICE_LIVE, 0, 10, found, &count, &err));
    assert_int_equal(count, 3);
    must(store_list_services_in(f->store, SERVICE_TERMINATED, 0, 10, found, &count, &err));
    assert_int_equal(count, 0);
}

static void a_list_for_people_applies_every_filter(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t old = insert(f, "one.example", "e1", "", 1);
    set_status(f, old, SERVICE_TERMINATED);
    (void)insert(f, "one.example", "e1", "", 2);
    int64_t live = insert(f, "two.example", "e2", "", 1);
    set_status(f, live, SERVICE_LIVE);
    int64_t failed = fixture_add_service(f, "onerous.example", "c2");
    set_status(f, failed, SERVICE_FAILED);

    static const struct {
        const char *name;
        struct service_filter filter;
        size_t want;
        const char *newest;
    } cases[] = {
        { "all", { .limit = 10 }, 4, "onerous.example" },
        { "limit", { .limit = 2 }, 2, "onerous.example" },
        { "external id, all generations", { .external_id = "e1", .limit = 10 }, 2, "one.example" },
        { "external id and status",
          { .external_id = "e1", .has_status = true, .status = SERVICE_TERMINATED, .limit = 10 },
          1,
          "one.example" },
        { "unknown external id", { .external_id = "e9", .limit = 10 }, 0, NULL },
        { "domain, gone ones too", { .domain = "one.example", .limit = 10 }, 2, "one.example" },
        { "domain prefix", { .domain = "one*", .limit = 10 }, 3, "onerous.example" },
        { "every domain", { .domain = "*", .limit = 10 }, 4, "onerous.example" },
        { "status live", { .has_status = true, .status = SERVICE_LIVE, .limit = 10 }, 1, "two.example" },
        { "status failed", { .has_status = true, .status = SERVICE_FAILED, .limit = 10 }, 1, "onerous.example" },
        { "status accepted", { .has_status = true, .status = SERVICE_ACCEPTED, .limit = 10 }, 1, "one.example" },
        { "client", { .client_id = "c2", .limit = 10 }, 1, "onerous.example" },
        { "client with an accepted service", { .client_id = "c1", .limit = 10 }, 3, "two.example" },
        { "client and status",
          { .client_id = "c1", .has_status = true, .status = SERVICE_TERMINATED, .limit = 10 },
          1,
          "one.example" },
        { "client and domain", { .client_id = "c2", .domain = "one.example", .limit = 10 }, 0, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct service *services;
        size_t count;
        must(store_list_services(f->store, &cases[i].filter, &services, &count, &err));
        if (count != cases[i].want)
            fail_msg("%s: %zu, want %zu", cases[i].name, count, cases[i].want);
        if (count > 0 && strcmp(services[0].domain, cases[i].newest) != 0)
            fail_msg("%s: newest is %s, want %s", cases[i].name, services[0].domain, cases[i].newest);
        services_free(services, count);
    }
    struct service *services;
    size_t count;
    struct service_filter below = { .before_id = failed, .limit = 1 };
    must(store_list_services(f->store, &below, &services, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(services[0].id, live);
    services_free(services, count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_service_comes_back_as_it_was_written),
        FIXTURE_TEST(what_is_not_there_is_not_found),
        FIXTURE_TEST(the_same_external_id_or_key_is_refused_while_its_service_lives),
        FIXTURE_TEST(services_without_external_id_or_key_do_not_collide),
        FIXTURE_TEST(the_last_generation_counts_those_that_are_gone),
        FIXTURE_TEST(a_domain_is_compared_with_the_live_ones_label_by_label),
        FIXTURE_TEST(a_client_with_many_own_children_may_still_collide_with_one_of_another),
        FIXTURE_TEST(services_in_a_status_are_listed_oldest_first_and_page_by_page),
        FIXTURE_TEST(a_list_for_people_applies_every_filter),
    };
    return fixture_run(tests);
}
