/* test_store_staff.c - people, sessions, tokens and the record of what was done, as they come back from the store. */
#include "fixture.h"

#include "store/store_staff.h"

static char ada[] = "ada", bob[] = "bob", hash_text[] = "$argon2id$x";

static int64_t add_person(struct fixture *f, char *name, enum staff_role role)
{
    struct err err;
    struct staff staff = { .name = name, .role = role, .password = hash_text, .created_at_ms = 5 };
    must(store_insert_staff(f->store, &staff, &err));
    return staff.id;
}

static void a_person_comes_back_and_changes(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct staff staff = { 0 }, *all = NULL;
    bool found = false;
    size_t count = 0;
    int64_t owners = 0;
    fixture_begin(f);
    int64_t id = add_person(f, ada, STAFF_OWNER);
    add_person(f, bob, STAFF_VIEWER);
    struct staff twice = { .name = ada, .password = hash_text };
    must_fail(store_insert_staff(f->store, &twice, &err), ERR_CONFLICT);
    must(store_count_owners(f->store, &owners, &err));
    assert_int_equal(owners, 1);
    must(store_find_staff(f->store, "ada", &staff, &found, &err));
    assert_true(found && staff.id == id && staff.role == STAFF_OWNER && !staff.disabled && staff.created_at_ms == 5);
    assert_string_equal(staff.password, "$argon2id$x");
    staff.role = STAFF_OPERATOR;
    staff.disabled = true;
    staff.last_login_at_ms = 9;
    must(store_update_staff(f->store, &staff, &err));
    staff_finish(&staff);
    must(store_get_staff(f->store, id, &staff, &err));
    assert_true(staff.role == STAFF_OPERATOR && staff.disabled && staff.last_login_at_ms == 9);
    staff_finish(&staff);
    must_fail(store_get_staff(f->store, 99, &staff, &err), ERR_NOT_FOUND);
    must(store_find_staff(f->store, "eve", &staff, &found, &err));
    assert_false(found);
    must(store_list_staff(f->store, &all, &count, &err));
    assert_int_equal(count, 2);
    staff_free(all, count);
    must(store_count_owners(f->store, &owners, &err));
    assert_int_equal(owners, 0);
    fixture_commit(f);
}

static int64_t add_session(struct fixture *f, int64_t staff_id, unsigned char number, int64_t now_ms)
{
    struct err err;
    struct session session = { .staff_id = staff_id, .created_at_ms = now_ms, .used_at_ms = now_ms };
    session.hash[0] = number;
    must(store_insert_session(f->store, &session, &err));
    return session.id;
}

static bool has_session(struct fixture *f, unsigned char number)
{
    struct err err;
    struct session session;
    unsigned char hash[SECRET_HASH_BYTES] = { number };
    bool found = false;
    must(store_find_session(f->store, hash, &session, &found, &err));
    return found;
}

static void sessions_end_by_age_by_number_and_by_hand(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct session session;
    bool found = false;
    unsigned char hash[SECRET_HASH_BYTES] = { 2 };
    const int64_t day_ms = 24LL * 3600 * 1000, now_ms = 100 * day_ms;
    fixture_begin(f);
    int64_t person = add_person(f, ada, STAFF_OWNER), other = add_person(f, bob, STAFF_VIEWER);
    add_session(f, person, 1, now_ms - SESSION_IDLE_MS);
    int64_t second = add_session(f, person, 2, now_ms - SESSION_IDLE_MS);
    add_session(f, other, 3, now_ms - SESSION_LIFE_MS);
    must(store_touch_session(f->store, second, now_ms, &err));
    must(store_touch_session(f->store, second, now_ms - 1, &err)); /* never back */
    must(store_find_session(f->store, hash, &session, &found, &err));
    assert_true(found && session.id == second && session.staff_id == person && session.used_at_ms == now_ms);
    assert_true(session_is_open(&session, now_ms + SESSION_IDLE_MS - 1));
    assert_false(session_is_open(&session, now_ms + SESSION_IDLE_MS));
    must(store_remove_old_sessions(f->store, now_ms, &err));
    assert_true(!has_session(f, 1) && has_session(f, 2) && !has_session(f, 3));
    int64_t fourth = add_session(f, person, 4, now_ms);
    add_session(f, other, 5, now_ms);
    must(store_remove_sessions_of(f->store, person, fourth, &err));
    assert_true(!has_session(f, 2) && has_session(f, 4) && has_session(f, 5));
    must(store_remove_session(f->store, fourth, &err));
    assert_false(has_session(f, 4));
    for (unsigned char i = 0; i < SESSIONS_MAX; i++)
        add_session(f, other, (unsigned char)(100 + i), now_ms);
    assert_true(!has_session(f, 5) && has_session(f, 100));
    fixture_commit(f);
}

static void a_token_is_found_by_its_whole_hash_until_it_is_revoked(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct api_token token = { .name = ada, .role = STAFF_OPERATOR, .hash = { 1, 0, 2 }, .created_at_ms = 5 };
    struct api_token found_token = { 0 }, *all = NULL;
    bool found = false;
    size_t count = 0;
    unsigned char hash[SECRET_HASH_BYTES] = { 1, 0, 2 };
    fixture_begin(f);
    must(store_insert_token(f->store, &token, &err));
    must_fail(store_insert_token(f->store, &token, &err), ERR_CONFLICT);
    must(store_find_token(f->store, hash, &found_token, &found, &err));
    assert_true(found && found_token.id == token.id && found_token.role == STAFF_OPERATOR);
    assert_string_equal(found_token.name, "ada");
    api_token_finish(&found_token);
    hash[31] = 1;
    must(store_find_token(f->store, hash, &found_token, &found, &err));
    assert_false(found);
    hash[31] = 0;
    must(store_revoke_token(f->store, token.id, 77, &err));
    must_fail(store_revoke_token(f->store, token.id + 1, 77, &err), ERR_NOT_FOUND);
    must(store_find_token(f->store, hash, &found_token, &found, &err));
    assert_false(found);
    must(store_get_token(f->store, token.id, &found_token, &err));
    assert_int_equal(found_token.revoked_at_ms, 77);
    api_token_finish(&found_token);
    must_fail(store_get_token(f->store, token.id + 1, &found_token, &err), ERR_NOT_FOUND);
    must(store_list_tokens(f->store, &all, &count, &err));
    assert_int_equal(count, 1);
    api_tokens_free(all, count);
    fixture_commit(f);
}

static void what_was_done_is_read_from_the_newest_on(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct audit_entry *entries = NULL;
    size_t count = 0;
    char action[] = "node.pause", target[] = "node 1 web1", detail[] = "";
    fixture_begin(f);
    for (int i = 0; i < 3; i++) {
        struct audit_entry entry = { .at_ms = i, .who = ada, .action = action, .target = target, .detail = detail };
        must(store_insert_audit(f->store, &entry, &err));
    }
    fixture_commit(f);
    must(store_list_audit(f->store, 0, 2, &entries, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].at_ms, 2);
    assert_string_equal(entries[0].action, "node.pause");
    int64_t last = entries[1].id;
    audit_entries_free(entries, count);
    must(store_list_audit(f->store, last, 2, &entries, &count, &err));
    assert_true(count == 1 && entries[0].at_ms == 0);
    audit_entries_free(entries, count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_person_comes_back_and_changes),
        FIXTURE_TEST(sessions_end_by_age_by_number_and_by_hand),
        FIXTURE_TEST(a_token_is_found_by_its_whole_hash_until_it_is_revoked),
        FIXTURE_TEST(what_was_done_is_read_from_the_newest_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
