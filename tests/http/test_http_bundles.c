/* test_http_bundles.c - files of runs that come back: is one ours and unchanged? And how much of a body is taken, of whom. That a run
 * can be had as such a file is in test_http_reads.c. */
#include "shared.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/bundle.h"

#define VERIFY "/api/v1/bundles/verify"
#define LONG_LOG (5U * 1024 * 1024)

/* A file of ours whose log has so many bytes. */
static json_t *make_file(const struct keyring *keyring, size_t log_length)
{
    CLEANUP(freep) char *log = xcalloc(1, log_length + 1);
    memset(log, 'a', log_length);
    json_t *root = json_pack("{s:s, s:s}", "format", BUNDLE_FORMAT, "log", log);
    CLEANUP(freep) char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(root);
    return bundle_make(keyring, text);
}

/** Takes the JSON. */
static struct answer post(json_t *json, const char *headers)
{
    CLEANUP(freep) char *body = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return fixture_ask(&fixture, "POST", VERIFY, headers, body);
}

static void expect_verdict(json_t *file, const char *headers, const char *want)
{
    struct answer answer = post(file, headers);
    assert_int_equal(answer.status, 200);
    assert_true(json_is_boolean(json_object_get(answer.json, "valid")));
    assert_int_equal(json_is_true(json_object_get(answer.json, "valid")), want[0] == '\0');
    assert_string_equal(answer_text(&answer, "why"), want);
    answer_finish(&answer);
}

static void a_file_of_ours_is_valid(void **state)
{
    (void)state;
    expect_verdict(make_file(fixture.keyring, 100), "", "");
}

static void add_viewer(const char *name, char *ret_token)
{
    fixture_begin_writing(&fixture);
    fixture_add_token(&fixture, name, STAFF_VIEWER, ret_token);
    fixture_end_writing(&fixture);
}

static void a_viewer_may_ask(void **state)
{
    (void)state;
    char token[TOKEN_LENGTH + 1];
    add_viewer("watcher", token);
    CLEANUP(freep) char *header = xasprintf("Authorization: Bearer %s\r\n", token);
    expect_verdict(make_file(fixture.keyring, 100), header, "");
    expect_verdict(make_file(fixture.keyring, LONG_LOG), header, "");
}

static void what_was_changed_or_is_somebody_elses_is_not(void **state)
{
    (void)state;
    json_t *changed = make_file(fixture.keyring, 100);
    json_object_set_new(changed, "bundle", json_string("{\"format\":\"berth-run-1\",\"log\":\"b\"}"));
    expect_verdict(changed, "", "changed");

    json_t *unsigned_file = make_file(fixture.keyring, 100);
    json_object_set_new(unsigned_file, "signature", json_object());
    expect_verdict(unsigned_file, "", "changed");

    struct keyring *other = keyring_from_seed(99);
    expect_verdict(make_file(other, 100), "", "other-key");

    json_t *claimed = make_file(other, 100); /* signed by him, under our name */
    char key[BUNDLE_KEY_TEXT_MAX];
    bundle_public_key(fixture.keyring, key);
    json_object_set_new(json_object_get(claimed, "signature"), "public_key", json_string(key));
    expect_verdict(claimed, "", "changed");
    keyring_destroy(other);
}

static void what_is_no_such_file_is_refused(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *slug, *field, *detail;
    } cases[] = {
        { "no", 400, "not-json", "", "" },
        { "{\"format\":\"berth-run-1\",\"bun", 400, "not-json", "", "" },
        { "[]", 422, "wrong-type", "", "" },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 422, "bad-value", "",
          "this is not the file of a run: it has too many parts." },
        { "{}", 422, "missing-field", "format", "" },
        { "{\"format\":\"berth-run-2\",\"bundle\":\"{}\",\"signature\":{}}", 422, "bad-value", "format",
          "format: berth-run-2 is not known here, only berth-run-1." },
        { "{\"format\":1,\"bundle\":\"{}\",\"signature\":{}}", 422, "wrong-type", "format", "" },
        { "{\"format\":\"berth-run-1\",\"signature\":{}}", 422, "missing-field", "bundle", "" },
        { "{\"format\":\"berth-run-1\",\"bundle\":{},\"signature\":{}}", 422, "wrong-type", "bundle", "" },
        { "{\"format\":\"berth-run-1\",\"bundle\":\"{}\"}", 422, "missing-field", "signature", "" },
        { "{\"format\":\"berth-run-1\",\"bundle\":\"{}\",\"signature\":\"x\"}", 422, "wrong-type", "signature", "" },
        { "{\"format\":\"berth-run-1\",\"bundle\":\"{}\",\"signature\":{},\"more\":1}", 422, "unknown-field", "more",
          "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer answer = fixture_ask(&fixture, "POST", VERIFY, "", cases[i].body);
        const char *type = answer_text(&answer, "type"), *detail = answer_text(&answer, "detail");
        if (answer.status != cases[i].status || strcmp(type + strlen("urn:berth:problem:"), cases[i].slug) != 0 ||
            strcmp(answer_text(&answer, "field"), cases[i].field) != 0 ||
            (cases[i].detail[0] != '\0' && strcmp(detail, cases[i].detail) != 0))
            fail_msg("%s: got %d %s at \"%s\": %s", cases[i].body, answer.status, type, answer_text(&answer, "field"),
                     detail);
        answer_finish(&answer);
    }
}

/* ---- how much, and of whom -------------------------------------------------------------------------------------------- */

static void write_head(struct buf *buf, const char *path, const char *token, unsigned long long length)
{
    buf_addf(buf, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %llu\r\n", path, length);
    if (token != NULL)
        buf_addf(buf, "Authorization: Bearer %s\r\n", token);
    buf_add_text(buf, "\r\n");
}

static void a_file_over_the_limit_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    struct buf head = BUF_INIT;
    write_head(&head, VERIFY, fixture.token, BUNDLE_FILE_MAX + 1ULL);
    struct answer answer = fixture_send(&fixture, buf_text(&head), head.length);
    assert_int_equal(answer.status, 413);
    assert_string_equal(answer_text(&answer, "detail"), "the body has more than 33554432 bytes.");
    answer_finish(&answer);
    buf_finish(&head);
}

static void without_a_token_nothing_is_looked_at(void **state)
{
    (void)state;
    static const size_t lengths[] = { 100, LONG_LOG, 2 * LONG_LOG };
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct answer answer = post(make_file(fixture.keyring, lengths[i]), "No-Token: 1\r\n");
        assert_int_equal(answer.status, 401);
        assert_string_equal(answer_text(&answer, "type"), "urn:berth:problem:no-token");
        answer_finish(&answer);
    }
}

static void elsewhere_a_body_of_that_size_is_too_large(void **state)
{
    (void)state;
    struct buf request = BUF_INIT;
    write_head(&request, "/api/v1/zone-templates/preview", fixture.token, 100000);
    for (int i = 0; i < 1000; i++)
        buf_addf(&request, "%100s", "");
    struct answer answer = fixture_send(&fixture, buf_text(&request), request.length);
    assert_int_equal(answer.status, 413);
    assert_string_equal(answer_text(&answer, "detail"), "the body has more than 65536 bytes.");
    answer_finish(&answer);
    buf_finish(&request);
}

/* The head of a large file whose rest does not come. @return its socket, once the server has read the head */
static int send_slowly(const char *token)
{
    struct buf head = BUF_INIT;
    char piece[200];
    buf_addf(&head,
             "POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             VERIFY, token);
    int fd = fixture_connect(&fixture);
    assert_int_equal(send(fd, buf_text(&head), head.length, MSG_NOSIGNAL), head.length);
    assert_true(recv(fd, piece, sizeof(piece), 0) > 0);
    assert_memory_equal(piece, "HTTP/1.1 100", 12);
    buf_finish(&head);
    return fd;
}

static void only_a_few_large_files_are_taken_at_a_time(void **state)
{
    (void)state;
    int slow[4];
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        char name[20], token[TOKEN_LENGTH + 1];
        snprintf(name, sizeof(name), "sender%zu", i);
        add_viewer(name, token);
        slow[i] = send_slowly(token);
    }
    struct answer answer = post(make_file(fixture.keyring, 100000), "");
    assert_int_equal(answer.status, 503);
    assert_non_null(answer_header(&answer, "Retry-After"));
    answer_finish(&answer);
    expect_verdict(make_file(fixture.keyring, 100), "", ""); /* small ones need not wait */
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        close(slow[i]);
    int status = 503;
    for (int tries = 0; status == 503 && tries < 1000; tries++) { /* until the server has heard that they are gone */
        answer = post(make_file(fixture.keyring, 100000), "");
        status = answer.status;
        answer_finish(&answer);
    }
    assert_int_equal(status, 200);
}

static void who_sends_one_does_not_send_another(void **state)
{
    (void)state;
    char token[TOKEN_LENGTH + 1];
    add_viewer("slow", token);
    int fd = send_slowly(token);
    CLEANUP(freep) char *header = xasprintf("Authorization: Bearer %s\r\n", token);
    struct answer answer = post(make_file(fixture.keyring, 100000), header);
    assert_int_equal(answer.status, 503);
    answer_finish(&answer);
    expect_verdict(make_file(fixture.keyring, 100000), "", ""); /* somebody else does not wait for that */
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_ours_is_valid),
        cmocka_unit_test(a_viewer_may_ask),
        cmocka_unit_test(what_was_changed_or_is_somebody_elses_is_not),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(a_file_over_the_limit_is_refused_before_it_is_sent),
        cmocka_unit_test(without_a_token_nothing_is_looked_at),
        cmocka_unit_test(elsewhere_a_body_of_that_size_is_too_large),
        cmocka_unit_test(only_a_few_large_files_are_taken_at_a_time),
        cmocka_unit_test(who_sends_one_does_not_send_another),
    };
    return cmocka_run_group_tests_name("http bundles", tests, fixture_begin, fixture_end);
}
