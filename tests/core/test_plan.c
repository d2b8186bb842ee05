/* test_plan.c - what pipelines expand to. A plan is written as one line for each task: key on node lane <- what it needs. */
#include "harness.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/pipeline.h"

static struct pipeline *load(const char *path)
{
    struct pipeline *pipeline = NULL;
    struct err err = { 0 };
    if (!pipeline_load(path, &pipeline, &err))
        fail_msg("%s", err.msg);
    return pipeline;
}

static struct pipeline *pipeline_of(const char *steps)
{
    char path[] = "/tmp/berth-plan-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "name: x\nmode: split\nsteps:\n%s", steps);
    close(fd);
    struct pipeline *pipeline = load(path);
    unlink(path);
    return pipeline;
}

static char *plan_text(const struct plan *plan)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < plan->task_count; i++) {
        const struct plan_task *task = &plan->tasks[i];
        buf_addf(&text, "%s", task->key);
        if (task->node_id != 0)
            buf_addf(&text, " on %" PRId64, task->node_id);
        buf_addf(&text, " %s", task_lane_name(task->lane));
        const char *before = " <- ";
        int needs = 0;
        for (size_t k = 0; k < plan->edge_count; k++) {
            if (plan->edges[k].to != i)
                continue;
            buf_addf(&text, "%s%s", before, plan->tasks[plan->edges[k].from].key);
            before = ", ";
            needs++;
            if (plan->edges[k].from >= i)
                fail_msg("%s stands before %s, which it needs", task->key, plan->tasks[plan->edges[k].from].key);
        }
        if (needs != task->needs_left)
            fail_msg("%s needs %d, says %d", task->key, needs, task->needs_left);
        buf_add_char(&text, '\n');
    }
    return buf_steal(&text);
}

static void expect_plan(const char *name, const struct pipeline *pipeline, const struct expansion *input,
                        const char *want)
{
    struct plan plan;
    struct err err = { 0 };
    if (!pipeline_expand(pipeline, input, &plan, &err))
        fail_msg("%s: %s", name, err.msg);
    CLEANUP(freep) char *got = plan_text(&plan);
    expect_text(name, got, want);
    int64_t weight = 0;
    for (size_t i = 0; i < plan.task_count; i++)
        weight += plan.tasks[i].weight;
    assert_int_equal(weight, plan.weight_total);
    plan_finish(&plan);
}

static const int64_t dns_nodes[] = { 3, 4 };
static const char *const dns_names[] = { "ns1", "ns2" };
#define ALL (ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL) | ROLE_BIT(ROLE_DNS))
#define INPUT(sold, with_mailbox)                                                                                      \
    {                                                                                                                  \
        .roles = (sold), .mailbox = (with_mailbox), .web_node = 1, .mail_node = 2, .dns_nodes = dns_nodes,             \
        .dns_names = dns_names, .dns_count = 2                                                                         \
    }

static void split_expands_to_the_graph_of_the_design(void **state)
{
    static const struct expansion input = INPUT(ALL, true);
    (void)state;
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    expect_plan("all roles", split, &input,
                "web.package on 1 make\n"
                "web.user on 1 make <- web.package\n"
                "web.domain on 1 make <- web.user\n"
                "web.settings on 1 make <- web.domain\n"
                "web.reload on 1 reload <- web.settings\n"
                "mail.package on 2 make\n"
                "mail.user on 2 make <- mail.package\n"
                "mail.domain on 2 make <- mail.user\n"
                "mail.dkim on 2 look <- mail.domain\n"
                "mail.account on 2 make <- mail.domain\n"
                "dns.package@ns1 on 3 make\n"
                "dns.package@ns2 on 4 make\n"
                "dns.user@ns1 on 3 make <- dns.package@ns1\n"
                "dns.user@ns2 on 4 make <- dns.package@ns2\n"
                "dns.zone@ns1 on 3 make <- mail.dkim, dns.user@ns1\n"
                "dns.zone@ns2 on 4 make <- mail.dkim, dns.user@ns2\n"
                "verify.web probe <- web.reload\n"
                "verify.mail probe <- mail.domain, mail.account\n"
                "verify.dns probe <- dns.zone@ns1, dns.zone@ns2\n"
                "ssl.seed none <- verify.web, verify.mail, verify.dns\n"
                "live none <- mail.dkim, verify.web, verify.mail, verify.dns, ssl.seed\n");
}

static void expect_adapted(enum operation_kind kind, const char *want)
{
    struct expansion input = INPUT(ALL, true);
    input.passwords = kind == OPERATION_PASSWORD;
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    struct plan plan = { 0 };
    struct err err = { 0 };
    assert_true(pipeline_expand(split, &input, &plan, &err));
    plan_adapt(&plan, kind);
    CLEANUP(freep) char *got = plan_text(&plan);
    expect_text(operation_kind_name(kind), got, want);
    int64_t weight = 0;
    for (size_t i = 0; i < plan.task_count; i++)
        weight += plan.tasks[i].weight;
    assert_int_equal(weight, plan.weight_total);
    assert_string_equal(plan.tasks[plan.task_count - 1].action, "report");
    plan_finish(&plan);
}

static void a_verify_reports_where_a_deploy_goes_live(void **state)
{
    (void)state;
    expect_adapted(OPERATION_VERIFY,
                   "web.package on 1 make\n"
                   "web.user on 1 make <- web.package\n"
                   "web.domain on 1 make <- web.user\n"
                   "web.settings on 1 make <- web.domain\n"
                   "web.reload on 1 reload <- web.settings\n"
                   "mail.package on 2 make\n"
                   "mail.user on 2 make <- mail.package\n"
                   "mail.domain on 2 make <- mail.user\n"
                   "mail.dkim on 2 look <- mail.domain\n"
                   "mail.account on 2 make <- mail.domain\n"
                   "dns.package@ns1 on 3 make\n"
                   "dns.package@ns2 on 4 make\n"
                   "dns.user@ns1 on 3 make <- dns.package@ns1\n"
                   "dns.user@ns2 on 4 make <- dns.package@ns2\n"
                   "dns.zone@ns1 on 3 make <- mail.dkim, dns.user@ns1\n"
                   "dns.zone@ns2 on 4 make <- mail.dkim, dns.user@ns2\n"
                   "verify.web probe <- web.reload\n"
                   "verify.mail probe <- mail.domain, mail.account\n"
                   "verify.dns probe <- dns.zone@ns1, dns.zone@ns2\n"
                   "live none <- mail.dkim, verify.web, verify.mail, verify.dns\n");
}

static void a_plan_is_made_of_looks_that_need_nothing_of_each_other(void **state)
{
    (void)state;
    expect_adapted(
        OPERATION_PLAN,
        "web.package on 1 look\n"
        "web.user on 1 look\n"
        "web.domain on 1 look\n"
        "web.settings on 1 look\n"
        "mail.package on 2 look\n"
        "mail.user on 2 look\n"
        "mail.domain on 2 look\n"
        "mail.dkim on 2 look\n"
        "mail.account on 2 look\n"
        "dns.package@ns1 on 3 look\n"
        "dns.package@ns2 on 4 look\n"
        "dns.user@ns1 on 3 look\n"
        "dns.user@ns2 on 4 look\n"
        "dns.zone@ns1 on 3 look\n"
        "dns.zone@ns2 on 4 look\n"
        "live none <- web.package, web.user, web.domain, web.settings, mail.package, mail.user, mail.domain, "
        "mail.dkim, mail.account, dns.package@ns1, dns.package@ns2, dns.user@ns1, dns.user@ns2, dns.zone@ns1, "
        "dns.zone@ns2\n");
}

static void new_passwords_are_set_beside_each_other_and_the_mailbox_is_looked_at(void **state)
{
    (void)state;
    expect_adapted(OPERATION_PASSWORD,
                   "web.password on 1 make\n"
                   "mail.password on 2 make\n"
                   "mail.mailbox-password on 2 make\n"
                   "dns.password@ns1 on 3 make\n"
                   "dns.password@ns2 on 4 make\n"
                   "verify.mail probe <- mail.mailbox-password\n"
                   "live none <- web.password, mail.password, mail.mailbox-password, "
                   "dns.password@ns1, dns.password@ns2, verify.mail\n");
}

static void passwords_that_wait_are_set_as_soon_as_their_user_is_there(void **state)
{
    struct expansion input = INPUT(ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_MAIL), true);
    (void)state;
    input.passwords = true;
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    expect_plan("with passwords", split, &input,
                "web.package on 1 make\n"
                "web.user on 1 make <- web.package\n"
                "web.password on 1 make <- web.user\n"
                "web.domain on 1 make <- web.user, web.password\n"
                "web.settings on 1 make <- web.domain\n"
                "web.reload on 1 reload <- web.settings\n"
                "mail.package on 2 make\n"
                "mail.user on 2 make <- mail.package\n"
                "mail.password on 2 make <- mail.user\n"
                "mail.domain on 2 make <- mail.user, mail.password\n"
                "mail.dkim on 2 look <- mail.domain\n"
                "mail.account on 2 make <- mail.domain\n"
                "mail.mailbox-password on 2 make <- mail.account\n"
                "verify.web probe <- web.reload\n"
                "verify.mail probe <- mail.domain, mail.account, mail.mailbox-password\n"
                "ssl.seed none <- mail.dkim, verify.web, verify.mail\n"
                "live none <- mail.dkim, verify.web, verify.mail, ssl.seed\n");
}

static void split_without_a_role_closes_the_gap(void **state)
{
    static const struct expansion no_mail = INPUT(ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_DNS), false);
    static const struct expansion only_mail = INPUT(ROLE_BIT(ROLE_MAIL), false);
    static const struct expansion only_dns = INPUT(ROLE_BIT(ROLE_DNS), true);
    (void)state;
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    expect_plan("without mail", split, &no_mail,
                "web.package on 1 make\n"
                "web.user on 1 make <- web.package\n"
                "web.domain on 1 make <- web.user\n"
                "web.settings on 1 make <- web.domain\n"
                "web.reload on 1 reload <- web.settings\n"
                "dns.package@ns1 on 3 make\n"
                "dns.package@ns2 on 4 make\n"
                "dns.user@ns1 on 3 make <- dns.package@ns1\n"
                "dns.user@ns2 on 4 make <- dns.package@ns2\n"
                "dns.zone@ns1 on 3 make <- dns.user@ns1\n"
                "dns.zone@ns2 on 4 make <- dns.user@ns2\n"
                "verify.web probe <- web.reload\n"
                "verify.dns probe <- dns.zone@ns1, dns.zone@ns2\n"
                "ssl.seed none <- verify.web, verify.dns\n"
                "live none <- verify.web, verify.dns, ssl.seed\n");
    expect_plan("mail without a mailbox", split, &only_mail,
                "mail.package on 2 make\n"
                "mail.user on 2 make <- mail.package\n"
                "mail.domain on 2 make <- mail.user\n"
                "mail.dkim on 2 look <- mail.domain\n"
                "verify.mail probe <- mail.domain\n"
                "live none <- mail.dkim, verify.mail\n");
    expect_plan("only name servers", split, &only_dns,
                "dns.package@ns1 on 3 make\n"
                "dns.package@ns2 on 4 make\n"
                "dns.user@ns1 on 3 make <- dns.package@ns1\n"
                "dns.user@ns2 on 4 make <- dns.package@ns2\n"
                "dns.zone@ns1 on 3 make <- dns.user@ns1\n"
                "dns.zone@ns2 on 4 make <- dns.user@ns2\n"
                "verify.dns probe <- dns.zone@ns1, dns.zone@ns2\n"
                "live none <- verify.dns\n");
}

/* One step in a line: key role lane needs. */
#define STEP(key, role, lane, rest) "  - {step: " key ", role: " role ", lane: " lane ", weight: 2, label: l" rest "}\n"

static void gaps_of_several_steps_are_closed(void **state)
{
    static const struct expansion input = INPUT(ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_DNS), false);
    (void)state;
    CLEANUP(pipeline_destroyp)
    struct pipeline *pipeline = pipeline_of(STEP("start", "none", "none", "")                          /**/
                                            STEP("m1", "mail", "make", ", needs: [start, d1]")         /**/
                                            STEP("m2", "mail", "make", ", needs: [m1]")                /**/
                                            STEP("m3", "mail", "make", ", needs: [m2, w1]")            /**/
                                            STEP("w1", "web", "make", "")                              /**/
                                            STEP("d1", "dns", "make", ", each: true")                  /**/
                                            STEP("d2", "dns", "make", ", each: true, needs: [m3, d1]") /**/
                                            STEP("end", "none", "none", ", needs: [m3, m2]"));
    expect_plan("a chain of three is left out", pipeline, &input,
                "start none\n"
                "w1 on 1 make\n"
                "d1@ns1 on 3 make\n"
                "d1@ns2 on 4 make\n"
                "d2@ns1 on 3 make <- start, w1, d1@ns1\n"
                "d2@ns2 on 4 make <- start, w1, d1@ns2\n"
                "end none <- start, w1, d1@ns1, d1@ns2\n");
}

static void the_file_need_not_be_in_order(void **state)
{
    static const struct expansion input = INPUT(ROLE_BIT(ROLE_WEB), false);
    (void)state;
    CLEANUP(pipeline_destroyp)
    struct pipeline *pipeline = pipeline_of(STEP("c", "web", "look", ", needs: [b]") /**/
                                            STEP("b", "web", "make", ", needs: [a]") /**/
                                            STEP("a", "web", "make", ""));
    expect_plan("backwards", pipeline, &input, "a on 1 make\nb on 1 make <- a\nc on 1 look <- b\n");
}

static void tasks_carry_what_the_step_says(void **state)
{
    static const struct expansion input = INPUT(ROLE_BIT(ROLE_DNS), false);
    (void)state;
    CLEANUP(pipeline_destroyp)
    struct pipeline *pipeline =
        pipeline_of(STEP("d", "dns", "make", ", each: true, action: dns.zone, timeout: zone, when: mailbox") /**/
                    STEP("e", "dns", "look", ", each: true, action: dns.look"));
    struct plan plan;
    struct err err = { 0 };
    assert_true(pipeline_expand(pipeline, &input, &plan, &err)); /* no mailbox: d is left out */
    assert_int_equal(plan.task_count, 2);
    assert_string_equal(plan.tasks[1].key, "e@ns2");
    assert_string_equal(plan.tasks[1].action, "dns.look");
    assert_string_equal(plan.tasks[1].label_key, "l");
    assert_int_equal(plan.tasks[1].role, ROLE_DNS);
    assert_int_equal(plan.tasks[1].timeout, TIMEOUT_NORMAL);
    assert_int_equal(plan.tasks[1].weight, 2);
    assert_int_equal(plan.weight_total, 4);
    assert_int_equal(plan.edge_count, 0);
    plan_finish(&plan);
}

static void a_role_without_a_node_is_refused(void **state)
{
    static const struct {
        struct expansion input;
        const char *want;
    } cases[] = {
        { { .roles = ROLE_BIT(ROLE_WEB) }, "expand: the role web has no node" },
        { { .roles = ROLE_BIT(ROLE_MAIL), .web_node = 1 }, "expand: the role mail has no node" },
        { { .roles = ROLE_BIT(ROLE_DNS), .web_node = 1 }, "expand: the role dns has no node" },
    };
    (void)state;
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct plan plan = { .task_count = 77 };
        struct err err = { 0 };
        bool ok = pipeline_expand(split, &cases[i].input, &plan, &err);
        expect_refusal(cases[i].want, ok, &err, "", cases[i].want);
        assert_int_equal(plan.task_count, 77);
    }
}

static void a_plan_has_a_limit(void **state)
{
    (void)state;
    enum { MANY = PLAN_TASKS_MAX / 3 + 1 };
    static int64_t nodes[MANY];
    static const char *names[MANY];
    for (size_t i = 0; i < MANY; i++) {
        nodes[i] = (int64_t)i + 1;
        names[i] = "ns";
    }
    const struct expansion input = {
        .roles = ROLE_BIT(ROLE_DNS), .dns_nodes = nodes, .dns_names = names, .dns_count = MANY
    };
    CLEANUP(pipeline_destroyp) struct pipeline *split = load(PIPELINES_DIR "/split.yaml");
    struct plan plan;
    struct err err = { 0 };
    assert_false(pipeline_expand(split, &input, &plan, &err));
    assert_string_equal(err.msg, "expand: more than 1024 tasks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_expands_to_the_graph_of_the_design),
        cmocka_unit_test(a_verify_reports_where_a_deploy_goes_live),
        cmocka_unit_test(a_plan_is_made_of_looks_that_need_nothing_of_each_other),
        cmocka_unit_test(new_passwords_are_set_beside_each_other_and_the_mailbox_is_looked_at),
        cmocka_unit_test(passwords_that_wait_are_set_as_soon_as_their_user_is_there),
        cmocka_unit_test(split_without_a_role_closes_the_gap),
        cmocka_unit_test(gaps_of_several_steps_are_closed),
        cmocka_unit_test(the_file_need_not_be_in_order),
        cmocka_unit_test(tasks_carry_what_the_step_says),
        cmocka_unit_test(a_role_without_a_node_is_refused),
        cmocka_unit_test(a_plan_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
