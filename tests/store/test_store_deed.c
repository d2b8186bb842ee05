/* test_store_deed.c - links that were renewed, what a customer has done, and secrets that are to be and are dropped. */
#include "fixture.h"

#include <stdlib.h>

#include "store/store_deed.h"

static void a_link_that_was_never_renewed_has_no_record(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct service_link link = { 7, 7 };
    int64_t id = fixture_add_service(f, "example.com", "c1"), other = fixture_add_service(f, "example.net", "c1");
    must(store_get_link(f->store, id, &link, &err));
    assert_int_equal(link.generation, 0);
    assert_int_equal(link.made_at_ms, 0);
    for (int64_t i = 1; i < 4; i++) {
        fixture_begin(f);
        must(store_renew_link(f->store, id, 1000 * i, &err));
        fixture_commit(f);
        must(store_get_link(f->store, id, &link, &err));
        assert_int_equal(link.generation, i);
        assert_int_equal(link.made_at_ms, 1000 * i);
    }
    if (!fixture_in_memory)
        fixture_reopen(f);
    must(store_get_link(f->store, id, &link, &err));
    assert_int_equal(link.generation, 3);
    must(store_get_link(f->store, other, &link, &err));
    assert_int_equal(link.generation, 0);
}

static void deeds_are_put_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct customer_deeds deeds = { 1, 2, 3 };
    int64_t id = fixture_add_service(f, "example.com", "c1");
    must(store_get_deeds(f->store, id, &deeds, &err));
    assert_int_equal(deeds.credentials_shown_at_ms + deeds.password_asked_at_ms + deeds.retried_at_ms, 0);
    for (int64_t i = 1; i < 3; i++) {
        deeds = (struct customer_deeds){ 10 * i, 20 * i, 30 * i };
        fixture_begin(f);
        must(store_put_deeds(f->store, id, &deeds, &err));
        fixture_commit(f);
    }
    deeds = (struct customer_deeds){ 0 };
    must(store_get_deeds(f->store, id, &deeds, &err));
    assert_int_equal(deeds.credentials_shown_at_ms, 20);
    assert_int_equal(deeds.password_asked_at_ms, 40);
    assert_int_equal(deeds.retried_at_ms, 60);
}

static void a_secret_is_removed_alone(void **state)
{
    struct fixture *f = *state;
    struct err err;
    unsigned char *cipher = NULL;
    size_t length = 0;
    int64_t id = fixture_add_service(f, "example.com", "c1");
    fixture_begin(f);
    must(store_put_secret(f->store, id, f->node_id, "panel-password", (const unsigned char *)"one", 3, &err));
    must(store_put_secret(f->store, id, f->node_id, "panel-password-next", (const unsigned char *)"two", 3, &err));
    must(store_remove_secret(f->store, id, f->node_id, "panel-password-next", &err));
    must(store_remove_secret(f->store, id, f->node_id, "never-was", &err));
    fixture_commit(f);
    must(store_get_secret(f->store, id, f->node_id, "panel-password-next", &cipher, &length, &err));
    assert_null(cipher);
    must(store_get_secret(f->store, id, f->node_id, "panel-password", &cipher, &length, &err));
    assert_memory_equal(cipher, "one", 3);
    free(cipher);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_link_that_was_never_renewed_has_no_record),
        FIXTURE_TEST(deeds_are_put_and_replaced),
        FIXTURE_TEST(a_secret_is_removed_alone),
    };
    return fixture_run(tests);
}
