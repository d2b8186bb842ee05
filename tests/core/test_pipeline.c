/* test_pipeline.c - reading a pipeline: the shipped ones load, and each mistake is named with file and line. */
#include "harness.h"

#include <dirent.h>
#include <unistd.h>

#include "core/messages.h"
#include "core/pipeline.h"

/* A file of this content; its path is the caller's to unlink and free. */
static char *file_with(const char *content)
{
    char *path = xstrdup("/tmp/berth-pipeline-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    return path;
}

#define HEAD "name: x\nmode: split\nsteps:\n"                                              /* three lines */
#define A "  - step: a\n    role: web\n    lane: make\n    weight: 1\n    label: step.a\n" /* lines 4 to 8 */
#define B "  - step: b\n    role: web\n    lane: make\n    weight: 1\n    label: step.b\n" /* lines 9 to 13 */

static void mistakes_are_named_with_file_and_line(void **state)
{
    static const struct {
        const char *name, *content, *want; /* want: behind the path */
    } cases[] = {
        { "empty file", "", ":1: the file is empty" },
        { "not YAML", HEAD "  - step: [a\n", ":5: not valid YAML: did not find expected ',' or ']'" },
        { "a tab", "name: x\n\tmode: split\n", ":2: not valid YAML: found a tab character that violates indentation" },
        { "a list", "- a\n- b\n", ":1: Expecting MAPPING, got event: SEQUENCE_START" },
        { "no name", "mode: split\nsteps:\n" A, ":1: the pipeline has no name" },
        { "no steps", "name: x\nmode: split\n", ":1: the pipeline has no steps" },
        { "no step at all", "name: x\nmode: split\nsteps: []\n", ":1: the pipeline has no steps" },
        { "unknown mode", "name: x\nmode: splitt\nsteps:\n" A,
          ":2: unknown mode splitt: there are split, unified and vanity" },
        { "bad name", "name: X\nmode: split\nsteps:\n" A,
          ":1: name X: only a-z, 0-9, dot and hyphen are allowed, a letter first" },
        { "unknown key", HEAD A "    colour: red\n", ":9: unknown key colour" },
        { "unknown key at the top", HEAD A "colour: red\n", ":9: unknown key colour" },
        { "a key twice", HEAD A "    lane: look\n", ":9: key lane stands there twice" },
        { "unknown role", HEAD A "  - step: b\n    role: ftp\n    lane: make\n    weight: 1\n    label: l\n",
          ":9: b: unknown role ftp: there are web, mail, dns and none" },
        { "no role", HEAD "  - step: b\n    lane: make\n    weight: 1\n    label: l\n", ":4: b has no role" },
        { "unknown lane", HEAD A "  - step: b\n    role: web\n    lane: fast\n    weight: 1\n    label: l\n",
          ":9: b: unknown lane fast: there are make, reload, look, probe and none" },
        { "no lane", HEAD "  - step: b\n    role: web\n    weight: 1\n    label: l\n", ":4: b has no lane" },
        { "no label", HEAD A "  - step: b\n    role: web\n    lane: make\n    weight: 1\n", ":9: b has no label" },
        { "no step", HEAD "  - role: web\n    lane: make\n    weight: 1\n    label: l\n", ":4: an entry has no step" },
        { "bad step", HEAD "  - step: a@b\n    role: web\n    lane: make\n    weight: 1\n    label: l\n",
          ":4: step a@b: only a-z, 0-9, dot and hyphen are allowed, a letter first" },
        { "no weight", HEAD "  - step: b\n    role: web\n    lane: make\n    label: l\n",
          ":4: b: weight must be a whole number from 1 to 100000" },
        { "weight 0", HEAD A "  - step: b\n    role: web\n    lane: make\n    weight: 0\n    label: l\n",
          ":9: b: weight must be a whole number from 1 to 100000" },
        { "weight below 0", HEAD "  - step: b\n    role: web\n    lane: make\n    weight: -4\n    label: l\n",
          ":4: b: weight must be a whole number from 1 to 100000" },
        { "weight is no number", HEAD "  - step: b\n    role: web\n    lane: make\n    weight: much\n    label: l\n",
          ":7: Invalid INT value: 'much'" },
        { "each is no truth", HEAD "  - step: b\n    role: dns\n    each: often\n    lane: make\n    weight: 1\n",
          ":6: Invalid ENUM value: often" },
        { "unknown condition", HEAD A "    when: full-moon\n",
          ":4: a: unknown condition full-moon: there are mailbox, password and mailbox-password" },
        { "unknown timeout", HEAD A "    timeout: never\n",
          ":4: a: unknown timeout never: there are short, normal, zone and long" },
        { "a step twice", HEAD A B "  - step: a\n    role: web\n    lane: make\n    weight: 1\n    label: l\n",
          ":14: step a stands there twice, first in line 4" },
        { "an unknown need", HEAD A B "    needs: [a, c]\n", ":14: b needs c, which is no step" },
        { "an unknown need on a line of its own", HEAD A B "    needs:\n      - a\n      - c\n",
          ":16: b needs c, which is no step" },
        { "a need twice", HEAD A B "    needs: [a,\n      a]\n", ":15: b needs a twice" },
        { "needs that are no list", HEAD A "    needs: b\n", ":9: Expecting SEQUENCE, got event: SCALAR" },
        { "a circle of one", HEAD A "    needs: [a]\n", ":4: the steps go round in a circle: a needs a" },
        { "a circle of two", HEAD A "    needs: [b]\n" B "    needs: [a]\n",
          ":4: the steps go round in a circle: a needs b needs a" },
        { "behind a circle stands an innocent",
          HEAD "  - step: z\n    role: web\n    lane: make\n    weight: 1\n    label: l\n    needs: [a]\n" A
               "    needs: [b]\n" B "    needs: [a]\n",
          ":10: the steps go round in a circle: a needs b needs a" },
        { "a node lane without role", HEAD "  - step: b\n    role: none\n    lane: look\n    weight: 1\n    label: l\n",
          ":4: b: a step of lane look runs on a node and needs a role" },
        { "each of web", HEAD A "    each: true\n",
          ":4: a: each is for the role dns; of other roles a service has one node" },
        { "dns without each", HEAD "  - step: b\n    role: dns\n    lane: make\n    weight: 1\n    label: l\n",
          ":4: b: a service has many dns nodes: write each: true" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(freep) char *path = file_with(cases[i].content);
        CLEANUP(freep) char *want = xasprintf("%s%s", path, cases[i].want);
        struct pipeline *pipeline = NULL;
        struct err err = { 0 };
        bool ok = pipeline_load(path, &pipeline, &err);
        unlink(path);
        expect_refusal(cases[i].name, ok, &err, "", want);
        assert_null(pipeline);
    }
}

static void a_missing_file_is_said(void **state)
{
    (void)state;
    struct pipeline *pipeline = NULL;
    struct err err = { 0 };
    assert_false(pipeline_load("/nonexistent/x.yaml", &pipeline, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.msg, "open /nonexistent/x.yaml: No such file or directory");
}

static void a_file_without_end_is_refused(void **state)
{
    (void)state;
    struct pipeline *pipeline = NULL;
    struct err err = { 0 };
    assert_false(pipeline_load("/dev/zero", &pipeline, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
}

static void what_is_left_out_has_standards(void **state)
{
    (void)state;
    CLEANUP(freep) char *path = file_with(HEAD A B "    needs: [a]\n    action: b.other\n    timeout: long\n");
    CLEANUP(pipeline_destroyp) struct pipeline *pipeline = NULL;
    struct err err = { 0 };
    if (!pipeline_load(path, &pipeline, &err))
        fail_msg("%s", err.msg);
    unlink(path);
    assert_string_equal(pipeline->name, "x");
    assert_int_equal(pipeline->step_count, 2);
    assert_string_equal(pipeline->steps[0].action, "a");
    assert_int_equal(pipeline->steps[0].timeout, TIMEOUT_NORMAL);
    assert_int_equal(pipeline->steps[0].when, PIPELINE_ALWAYS);
    assert_false(pipeline->steps[0].each);
    assert_int_equal(pipeline->steps[0].needs_count, 0);
    assert_string_equal(pipeline->steps[1].action, "b.other");
    assert_int_equal(pipeline->steps[1].timeout, TIMEOUT_LONG);
    assert_int_equal(pipeline->steps[1].needs_count, 1);
    assert_int_equal(pipeline->steps[1].needs[0], 0);
}

static void the_hash_follows_the_content(void **state)
{
    static const char *const contents[] = { HEAD A, HEAD A, HEAD A "# a comment\n" };
    struct pipeline *pipelines[ARRAY_LEN(contents)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        CLEANUP(freep) char *path = file_with(contents[i]);
        struct err err = { 0 };
        assert_true(pipeline_load(path, &pipelines[i], &err));
        unlink(path);
    }
    assert_int_equal(strspn(pipelines[0]->hash, "0123456789abcdef"), 64);
    assert_string_equal(pipelines[0]->hash, pipelines[1]->hash);
    assert_string_not_equal(pipelines[0]->hash, pipelines[2]->hash);
    for (size_t i = 0; i < ARRAY_LEN(contents); i++)
        pipeline_destroy(pipelines[i]);
}

static void longer_classes_have_longer_time(void **state)
{
    (void)state;
    for (size_t i = 1; i < TIMEOUT_CLASS_COUNT; i++)
        assert_true(timeout_class_ms((enum timeout_class)i) > timeout_class_ms((enum timeout_class)(i - 1)));
    assert_string_equal(timeout_class_name(TIMEOUT_ZONE), "zone");
}

/* The shipped files, whatever there will be. */
static void every_shipped_pipeline_loads_and_its_labels_have_words(void **state)
{
    (void)state;
    DIR *folder = opendir(PIPELINES_DIR);
    assert_non_null(folder);
    int loaded = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        CLEANUP(freep) char *path = xasprintf("%s/%s", PIPELINES_DIR, entry->d_name);
        CLEANUP(pipeline_destroyp) struct pipeline *pipeline = NULL;
        struct err err = { 0 };
        if (!pipeline_load(path, &pipeline, &err))
            fail_msg("%s", err.msg);
        for (size_t i = 0; i < pipeline->step_count; i++) {
            if (!message_known(pipeline->steps[i].label))
                fail_msg("%s: step %s: no words for %s", path, pipeline->steps[i].key, pipeline->steps[i].label);
        }
        loaded++;
    }
    closedir(folder);
    assert_true(loaded >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_with_file_and_line),
        cmocka_unit_test(a_missing_file_is_said),
        cmocka_unit_test(a_file_without_end_is_refused),
        cmocka_unit_test(what_is_left_out_has_standards),
        cmocka_unit_test(the_hash_follows_the_content),
        cmocka_unit_test(longer_classes_have_longer_time),
        cmocka_unit_test(every_shipped_pipeline_loads_and_its_labels_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
