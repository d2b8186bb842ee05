/* test_hestia_model.c - every action of the HestiaCP driver against the model of the panel, in memory: fresh, twice, with
 * somebody else's account beside it, and after a kill at every point that the commands pass, as root and with sudo. After
 * each run the node is looked at as a customer would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/driver.h"
#include "runner.h"
#include "story.h"

/* ---- a node and what happens to it ------------------------------------------------------------------------------------ */

struct role {
    const char *name;
    enum panel_role role;
    const char *actions[6];
    unsigned changes; /* changing commands of a fresh account: the documented minimum */
};

static const struct role roles[] = {
    { "web", PANEL_ROLE_WEB, { "web.package", "web.user", "web.domain", "web.settings", "web.reload" }, 6 },
    { "mail", PANEL_ROLE_MAIL, { "mail.package", "mail.user", "mail.domain", "mail.dkim", "mail.account" }, 4 },
    { "dns", PANEL_ROLE_DNS, { "dns.package", "dns.user", "dns.zone" }, 5 },
};

struct world {
    struct runner runner;
    unsigned kill_at;       /* the point to die at, counted from 1; 0: none */
    unsigned kill_again_at; /* and once more, in what follows; 0: not */
    unsigned points;        /* passed so far */
    unsigned kills;
    char killed_at[64]; /* the names of those points */
};

static bool on_point(void *context, const char *point)
{
    struct world *world = context;
    size_t length = strlen(world->killed_at);
    world->points++;
    if (world->points != world->kill_at && world->points != world->kill_again_at)
        return false;
    world->kills++;
    snprintf(world->killed_at + length, sizeof(world->killed_at) - length, "%s%s", length > 0 ? ", " : "", point);
    return true;
}

static void world_init(struct world *world, const struct role *role, bool sudo)
{
    *world = (struct world){ 0 };
    world->runner.memory = panel_memory_create(role->role, "192.0.2.1", "n1.example.net", 7);
    world->runner.sudo = sudo;
}

static void world_finish(struct world *world)
{
    panel_memory_destroy(world->runner.memory);
}

static int shell(struct world *world, const char *line)
{
    CLEANUP(freep) char *copy = xstrdup(line);
    CLEANUP(buf_finish) struct buf out = BUF_INIT;
    CLEANUP(buf_finish) struct buf err = BUF_INIT;
    char *argv[32], *save = NULL;
    int argc = 0;
    for (char *word = strtok_r(copy, " ", &save); word != NULL && argc < 31; word = strtok_r(NULL, " ", &save)) {
        bool is_quoted = word[0] == '"' && strlen(word) > 1;
        if (is_quoted)
            word[strlen(word) - 1] = '\0';
        argv[argc++] = is_quoted ? word + 1 : word;
    }
    argv[argc] = NULL;
    return panel_shell(world->runner.memory, argc, argv, NULL, &out, &err);
}

/* ---- playing a step as the engine does -------------------------------------------------------------------------------- */

#define ROUNDS_MAX 10
#define ATTEMPTS_MAX 4

/* One attempt. @return false: the command was lost with the node (only when lose is set) */
static bool attempt(struct world *world, const struct step *step, bool lose, struct move *ret_move)
{
    struct command_result results[ROUNDS_MAX];
    size_t count = 0;
    bool is_lost = false;
    while (!is_lost) {
        unsigned kills = world->kills;
        driver_hestia.next(step, results, count, ret_move);
        if (ret_move->verdict != VERDICT_NONE)
            break;
        assert_true(count < ROUNDS_MAX);
        runner_run(&world->runner, ret_move->command, &results[count++]);
        move_finish(ret_move);
        is_lost = world->runner.is_lost || (lose && world->kills > kills);
    }
    for (size_t i = 0; i < count; i++)
        command_result_finish(&results[i]);
    return !is_lost;
}

static void play(struct world *world, const struct step *wanted, bool lose, struct move *ret_move)
{
    struct step step = *wanted;
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        if (!attempt(world, &step, lose, ret_move)) {
            step.suspect = true; /* stays until the step is done */
            continue;
        }
        if (ret_move->verdict != VERDICT_RETRY && ret_move->verdict != VERDICT_RESTART)
            return;
        step.suspect = step.suspect || ret_move->verdict == VERDICT_RESTART;
        if (i + 1 < ATTEMPTS_MAX)
            move_finish(ret_move);
    }
}

static struct step account_step(const char *action, bool sudo)
{
    struct step step = story_step(action);
    step.sudo = sudo;
    return step;
}

/* ---- looking from outside ---------------------------------------------------------------------------------------------- */

static bool is_served(struct world *world, const struct role *role, const char *domain, const char *mailbox,
                      const char *password, const char *in_zone)
{
    CLEANUP(buf_finish) struct buf zone = BUF_INIT;
    switch (role->role) {
    case PANEL_ROLE_WEB: return panel_memory_site_answers(world->runner.memory, domain);
    case PANEL_ROLE_MAIL: return panel_memory_mail_login(world->runner.memory, domain, mailbox, password);
    case PANEL_ROLE_DNS:
        return panel_memory_zone(world->runner.memory, domain, &zone) && strstr(buf_text(&zone), in_zone) != NULL;
    case PANEL_ROLE_FULL: break;
    }
    return false;
}

static void check_served(struct world *world, const struct role *role, const char *label)
{
    struct step step = story_step("web.domain");
    if (!is_served(world, role, step.domain, step.mailbox, step.password, "v=spf1 a mx -all") ||
        !is_served(world, role, step.domain, step.mailbox, step.password, "2026112301"))
        fail_msg("%s: the service is not served", label);
}

/* The passwd file of dovecot must name a mailbox once, the panel's data a domain once. */
static void check_single(struct world *world, const char *label)
{
    static const char *const files[][2] = {
        { "/home/acme/conf/mail/acme.example/passwd", "info:" },
        { "/usr/local/hestia/data/users/acme/mail.conf", "DOMAIN='acme.example'" },
        { "/usr/local/hestia/data/users/acme/web.conf", "DOMAIN='acme.example'" },
        { "/usr/local/hestia/data/users/acme/dns.conf", "DOMAIN='acme.example'" },
        { "/usr/local/hestia/data/users/acme/mail/acme.example.conf", "ACCOUNT='info'" },
    };
    struct panel_host *host = panel_memory_host(world->runner.memory);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        CLEANUP(buf_finish) struct buf text = BUF_INIT;
        host->ops->read(host, files[i][0], &text);
        const char *first = strstr(buf_text(&text), files[i][1]);
        if (first != NULL && strstr(first + 1, files[i][1]) != NULL)
            fail_msg("%s: %s stands twice in %s", label, files[i][1], files[i][0]);
    }
}

/* Everything of user bob, and nothing else. */
static void dump_foreign(struct world *world, struct buf *ret_text)
{
    CLEANUP(buf_finish) struct buf all = BUF_INIT;
    panel_memory_dump(world->runner.memory, &all);
    bool is_foreign = false;
    for (const char *line = buf_text(&all); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        CLEANUP(freep) char *copy = xstrndup(line, length);
        bool is_head = length > 5 && strspn(line, "01234567") == 4 && line[4] == ' ' && strchr(copy, '/') != NULL;
        if (is_head)
            is_foreign = strstr(copy, "/bob") != NULL || strstr(copy, "bob.example") != NULL;
        if (is_foreign)
            buf_addf(ret_text, "%s\n", copy);
        line += length + (line[length] == '\n');
    }
}

static void add_foreign(struct world *world, const struct role *role)
{
    assert_int_equal(shell(world, "v-add-user bob Secr3t-of-bob bob@bob.example default Bob"), 0);
    switch (role->role) {
    case PANEL_ROLE_WEB: assert_int_equal(shell(world, "v-add-web-domain bob bob.example"), 0); break;
    case PANEL_ROLE_MAIL:
        assert_int_equal(shell(world, "v-add-mail-domain bob bob.example"), 0);
        assert_int_equal(shell(world, "v-add-mail-account bob bob.example bob Secr3t-of-bob"), 0);
        break;
    case PANEL_ROLE_DNS:
        assert_int_equal(shell(world, "v-add-dns-domain bob bob.example 192.0.2.9 ns1.x.example ns2.x.example"), 0);
        break;
    case PANEL_ROLE_FULL: break;
    }
}

/* ---- fresh and twice ---------------------------------------------------------------------------------------------------- */

static void a_fresh_account_takes_the_documented_minimum_and_a_repeat_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct world world;
        world_init(&world, &roles[i], i % 2 == 1);
        for (size_t k = 0; roles[i].actions[k] != NULL; k++) {
            struct step step = account_step(roles[i].actions[k], world.runner.sudo);
            struct move move;
            unsigned trips = world.runner.round_trips;
            play(&world, &step, false, &move);
            if (move.verdict != VERDICT_DONE)
                fail_msg("%s: %s: %s", step.action, move.cause->id, move.detail);
            assert_int_equal(world.runner.round_trips - trips, 1); /* look, make and look again in one */
            move_finish(&move);
        }
        check_served(&world, &roles[i], roles[i].name);
        assert_int_equal(world.runner.made, roles[i].changes);
        for (size_t k = 0; roles[i].actions[k] != NULL; k++) {
            struct step step = account_step(roles[i].actions[k], world.runner.sudo);
            struct move move;
            play(&world, &step, false, &move);
            bool is_reload = strcmp(step.action, "web.reload") == 0;
            if (move.verdict != VERDICT_DONE || (move.changed && !is_reload) || move.needs_reload)
                fail_msg("%s again: changed %d, reload %d", step.action, move.changed, move.needs_reload);
            move_finish(&move);
        }
        world_finish(&world);
    }
}

/* With the recorded durations of a fresh node and a zone of 17 records: what docs/drivers.md counts. */
static void a_fresh_account_costs_each_node_at_most_six_seconds(void **state)
{
    static const char pace[] = "pace=recorded 1\n";
    struct zone_record records[17];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        records[i] = story_step("dns.zone").zone.records[i % 4];
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct world world;
        int64_t sum_ms = 0;
        world_init(&world, &roles[i], false);
        struct panel_host *host = panel_memory_host(world.runner.memory);
        host->ops->write(host, PANEL_ROOT "/conf/standin.conf", pace, sizeof(pace) - 1);
        for (size_t k = 0; roles[i].actions[k] != NULL; k++) {
            struct step step = account_step(roles[i].actions[k], false);
            struct move move;
            step.zone.records = records;
            step.zone.record_count = ARRAY_LEN(records);
            play(&world, &step, false, &move);
            assert_int_equal(move.verdict, VERDICT_DONE);
            int64_t ms = panel_memory_take_slept_ms(world.runner.memory);
            print_message("%s: %lld ms\n", step.action, (long long)ms);
            sum_ms += ms;
            move_finish(&move);
        }
        print_message("%s: %lld ms in all\n", roles[i].name, (long long)sum_ms);
        assert_in_range(sum_ms, 500, 6000);
        world_finish(&world);
    }
}

static void the_key_that_is_read_is_a_fact(void **state)
{
    struct world world;
    struct move move;
    (void)state;
    world_init(&world, &roles[1], false);
    for (size_t k = 0; k < 4; k++) {
        struct step step = account_step(roles[1].actions[k], false);
        play(&world, &step, false, &move);
        assert_int_equal(move.verdict, VERDICT_DONE);
        if (k < 3)
            move_finish(&move);
    }
    assert_int_equal(move.fact_count, 2);
    assert_string_equal(move.facts[0].value, "mail._domainkey");
    assert_memory_equal(move.facts[1].value, "v=DKIM1; k=rsa; p=", 18);
    move_finish(&move);
    world_finish(&world);
}

static void a_node_tells_what_it_offers(void **state)
{
    static const char *const want[] = { "web", "mail", "dns" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct world world;
        struct move move;
        struct step step = account_step("node.preflight", true);
        world_init(&world, &roles[i], true);
        play(&world, &step, false, &move);
        assert_int_equal(move.verdict, VERDICT_DONE);
        assert_string_equal(move.facts[1].key, "capabilities");
        assert_string_equal(move.facts[1].value, want[i]);
        move_finish(&move);
        world_finish(&world);
    }
}

/* ---- new passwords ------------------------------------------------------------------------------------------------------- */

static bool password_works(struct world *world, const struct step *step, const char *password)
{
    struct panel_host *host = panel_memory_host(world->runner.memory);
    if (strcmp(step->action, "mail.mailbox-password") == 0)
        return panel_memory_mail_login(world->runner.memory, step->domain, step->mailbox, password);
    return host->ops->user_check_password(host, step->user, password);
}

/* @return whether the command came so far */
static bool set_password(const struct role *role, const char *action, unsigned lose_at, bool sudo)
{
    struct world world;
    struct move move;
    world_init(&world, role, sudo);
    for (size_t k = 0; role->actions[k] != NULL; k++) {
        struct step step = account_step(role->actions[k], sudo);
        play(&world, &step, false, &move);
        assert_int_equal(move.verdict, VERDICT_DONE);
        move_finish(&move);
    }
    struct step step = account_step(action, sudo);
    const char *old = step.password;
    assert_true(password_works(&world, &step, old));
    step.password = "An0ther-Passw0rd";
    world.runner.segments = 0;
    world.runner.lose_at = lose_at;
    play(&world, &step, true, &move);
    bool reached = world.runner.segments >= lose_at;
    if (move.verdict != VERDICT_DONE || !move.changed)
        fail_msg("%s: %s", action, move.cause == NULL ? "not changed" : move.cause->id);
    assert_true(password_works(&world, &step, step.password));
    assert_false(password_works(&world, &step, old));
    check_single(&world, action);
    move_finish(&move);
    world_finish(&world);
    return reached;
}

static void a_new_password_works_and_the_old_one_does_not_also_when_the_node_was_lost(void **state)
{
    static const struct {
        size_t role;
        const char *action;
    } cases[] = {
        { 0, "web.password" }, { 1, "mail.password" }, { 1, "mail.mailbox-password" }, { 2, "dns.password" }
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned lose_at = 1;
        while (set_password(&roles[cases[i].role], cases[i].action, lose_at, lose_at % 2 == 0))
            lose_at++;
        assert_true(lose_at > 2); /* the look and the change */
    }
}

/* ---- somebody else's ----------------------------------------------------------------------------------------------------- */

static void somebody_elses_objects_are_conflicts_and_stay_as_they_are(void **state)
{
    static const struct {
        size_t role, until; /* actions before the one that meets the conflict */
        const char *foreign, *cause;
    } cases[] = {
        { 0, 1, "v-add-user acme Secr3t-of-acme acme@bob.example default Acme", "conflict.user" },
        { 0, 2, "v-add-web-domain bob acme.example", "conflict.domain" },
        { 1, 2, "v-add-mail-domain bob acme.example", "conflict.domain" },
        { 2, 2, "v-add-dns-domain bob acme.example 192.0.2.9 ns1.x.example ns2.x.example", "conflict.zone" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct role *role = &roles[cases[i].role];
        for (unsigned variant = 0; variant < 4; variant++) { /* as root and with sudo, trusted and suspect */
            struct world world;
            CLEANUP(buf_finish) struct buf before = BUF_INIT;
            CLEANUP(buf_finish) struct buf after = BUF_INIT;
            struct move move;
            world_init(&world, role, variant % 2 == 1);
            add_foreign(&world, role);
            assert_int_equal(shell(&world, cases[i].foreign), 0);
            dump_foreign(&world, &before);
            for (size_t k = 0; k <= cases[i].until; k++) {
                struct step step = account_step(role->actions[k], world.runner.sudo);
                step.suspect = variant >= 2;
                play(&world, &step, false, &move);
                if (k < cases[i].until)
                    move_finish(&move);
            }
            if (move.verdict != VERDICT_CONFLICT || strcmp(move.cause->id, cases[i].cause) != 0)
                fail_msg("%s: got %s: %s", cases[i].foreign, move.cause != NULL ? move.cause->id : "done", move.detail);
            dump_foreign(&world, &after);
            assert_string_equal(buf_text(&after), buf_text(&before));
            move_finish(&move);
            world_finish(&world);
        }
    }
}

/* ---- kills ---------------------------------------------------------------------------------------------------------------- */

/* The person runs what the conflict shows. */
static void run_shown_commands(struct world *world, const char *detail)
{
    static const char *const starts[] = { "chattr ", "rm -rf ", "sed -i ", "v-delete-user " };
    const char *at = NULL;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        const char *found = strstr(detail, starts[i]);
        if (found != NULL && (at == NULL || found < at))
            at = found;
    }
    if (at == NULL)
        fail_msg("no command is shown: %s", detail);
    while (*at != '\0') {
        const char *end = strstr(at, "; ");
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        CLEANUP(freep) char *line = xstrndup(at, length);
        shell(world, line);
        at += length + (end != NULL ? 2 : 0);
    }
}

struct trouble {
    unsigned kill_at, kill_again_at, lose_at;
    bool sudo;
    bool
        lose; /* a kill takes the whole node along; else the command ends with 137 and the rest of the round trip runs */
};

struct tally {
    unsigned runs, conflicts;
};

/* A person does what the conflict says, then the task is retried by hand. */
static void settle_conflict(struct world *world, struct step *step, struct move *move, const char *label)
{
    if (strcmp(move->cause->id, "conflict.user-left-over") != 0 && strcmp(move->cause->id, "conflict.left-over") != 0)
        fail_msg("%s: %s: %s", label, move->cause->id, move->detail);
    run_shown_commands(world, move->detail);
    move_finish(move);
    step->suspect = true;
    play(world, step, false, move);
}

static void play_account(struct world *world, const struct role *role, const struct trouble *trouble,
                         struct tally *tally, char *ret_label, size_t size)
{
    for (size_t k = 0; role->actions[k] != NULL; k++) {
        struct step step = account_step(role->actions[k], trouble->sudo);
        struct move move;
        play(world, &step, trouble->lose, &move);
        snprintf(ret_label, size, "%s, killed at %u and %u (%s), lost after segment %u, %s, %s", step.action,
                 trouble->kill_at, trouble->kill_again_at, world->killed_at, trouble->lose_at,
                 trouble->sudo ? "sudo" : "root", trouble->lose ? "lost" : "exit 137");
        if (move.verdict == VERDICT_CONFLICT && trouble->sudo) {
            tally->conflicts++;
            settle_conflict(world, &step, &move, ret_label);
        }
        if (move.verdict != VERDICT_DONE)
            fail_msg("%s: %s: %s", ret_label, move.cause != NULL ? move.cause->id : "restart", move.detail);
        move_finish(&move);
    }
}

/* A whole account with trouble, then on as the engine would. @return false: the trouble did not come, the run was too short */
static bool survive(const struct role *role, const struct trouble *trouble, struct tally *tally)
{
    struct world world;
    CLEANUP(buf_finish) struct buf before = BUF_INIT;
    CLEANUP(buf_finish) struct buf after = BUF_INIT;
    char label[256];
    world_init(&world, role, trouble->sudo);
    add_foreign(&world, role);
    dump_foreign(&world, &before);
    world.kill_at = trouble->kill_at;
    world.kill_again_at = trouble->kill_again_at;
    world.runner.lose_at = trouble->lose_at;
    panel_memory_on_point(world.runner.memory, on_point, &world);
    play_account(&world, role, trouble, tally, label, sizeof(label));
    bool came = trouble->lose_at > 0 ? world.runner.segments >= trouble->lose_at : world.kills > 0;
    check_served(&world, role, label);
    check_single(&world, label);
    dump_foreign(&world, &after);
    if (!is_served(&world, role, "bob.example", "bob", "Secr3t-of-bob", "192.0.2.9"))
        fail_msg("%s: somebody else's account is not served any more", label);
    if (strcmp(buf_text(&before), buf_text(&after)) != 0)
        fail_msg("%s: somebody else's account was touched", label);
    tally->runs += came;
    world_finish(&world);
    return came;
}

static void every_kill_is_healed_or_ends_in_a_named_conflict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        for (unsigned variant = 0; variant < 4; variant++) {
            struct tally tally = { 0 };
            struct trouble trouble = { .kill_at = 1, .sudo = variant % 2 == 1, .lose = variant >= 2 };
            while (survive(&roles[i], &trouble, &tally))
                trouble.kill_at++;
            print_message("%s, %s, %s: %u kills, %u named conflicts\n", roles[i].name, trouble.sudo ? "sudo" : "root",
                          trouble.lose ? "lost" : "exit 137", tally.runs, tally.conflicts);
            assert_true(tally.runs >= 9); /* user-a to g and more: the points are really passed */
            if (!trouble.sudo)
                assert_int_equal(tally.conflicts, 0);
        }
    }
}

/* State x of the contract: somebody ran the add again over the one line that a cut add had left. */
static void a_doubled_line_is_mended_by_root_or_by_the_command_that_is_shown(void **state)
{
    (void)state;
    for (unsigned variant = 0; variant < 2; variant++) {
        struct world world;
        struct move move;
        world_init(&world, &roles[1], variant == 1);
        for (size_t k = 0; k < 2; k++) {
            struct step step = account_step(roles[1].actions[k], variant == 1);
            step.limits.mail_domains = 5; /* else the second add ends with the limit, which it counts in lines */
            play(&world, &step, false, &move);
            assert_int_equal(move.verdict, VERDICT_DONE);
            move_finish(&move);
        }
        world.kill_at = 1; /* mail-a */
        panel_memory_on_point(world.runner.memory, on_point, &world);
        assert_int_equal(shell(&world, "v-add-mail-domain acme acme.example yes yes yes 2048 no"), PANEL_KILLED);
        assert_string_equal(world.killed_at, "mail-a");
        assert_int_equal(shell(&world, "v-add-mail-domain acme acme.example yes yes yes 2048 no"), 2);
        struct step step = account_step("mail.domain", variant == 1);
        play(&world, &step, false, &move);
        if (variant == 1) {
            assert_string_equal(move.cause->id, "conflict.doubled-line");
            run_shown_commands(&world, move.detail);
            move_finish(&move);
            play(&world, &step, false, &move);
        }
        if (move.verdict != VERDICT_DONE)
            fail_msg("%s: %s", move.cause != NULL ? move.cause->id : "restart", move.detail);
        move_finish(&move);
        for (size_t k = 3; roles[1].actions[k] != NULL; k++) {
            step = account_step(roles[1].actions[k], variant == 1);
            play(&world, &step, false, &move);
            assert_int_equal(move.verdict, VERDICT_DONE);
            move_finish(&move);
        }
        check_single(&world, "doubled line");
        check_served(&world, &roles[1], "doubled line");
        world_finish(&world);
    }
}

static void a_repair_that_is_killed_itself_is_healed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct tally tally = { 0 };
        for (unsigned after = 1; after <= 12; after++) {
            struct trouble trouble = { .kill_at = 1, .lose = true };
            do
                trouble.kill_again_at = trouble.kill_at + after;
            while (survive(&roles[i], &trouble, &tally) && trouble.kill_at++ < 100);
        }
        assert_true(tally.runs >= 100);
    }
}

static void a_node_that_is_lost_between_two_segments_is_healed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        for (unsigned variant = 0; variant < 2; variant++) {
            struct tally tally = { 0 };
            struct trouble trouble = { .lose_at = 1, .sudo = variant == 1 };
            while (survive(&roles[i], &trouble, &tally))
                trouble.lose_at++;
            assert_true(tally.runs >= 10);
            assert_int_equal(tally.conflicts, 0); /* each segment ended: nothing is half-created */
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_account_takes_the_documented_minimum_and_a_repeat_changes_nothing),
        cmocka_unit_test(a_fresh_account_costs_each_node_at_most_six_seconds),
        cmocka_unit_test(the_key_that_is_read_is_a_fact),
        cmocka_unit_test(a_node_tells_what_it_offers),
        cmocka_unit_test(a_new_password_works_and_the_old_one_does_not_also_when_the_node_was_lost),
        cmocka_unit_test(somebody_elses_objects_are_conflicts_and_stay_as_they_are),
        cmocka_unit_test(every_kill_is_healed_or_ends_in_a_named_conflict),
        cmocka_unit_test(a_doubled_line_is_mended_by_root_or_by_the_command_that_is_shown),
        cmocka_unit_test(a_repair_that_is_killed_itself_is_healed),
        cmocka_unit_test(a_node_that_is_lost_between_two_segments_is_healed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
