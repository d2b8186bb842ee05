/* test_states.c - every half-created state that a killed command was seen to leave, what it looks like, what the same
 * command then says, and the repair that was seen to work; on names that no recording has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define D "/usr/local/hestia/data/users/mara"
#define USER "v-add-user mara Quiet-harbour-7 mara@harbour.test default Mara"
#define WEB "v-add-web-domain mara lantern.net '' no"
#define ZONE "v-add-dns-domain mara lantern.net 198.51.100.7 ns1.harbour.test ns2.harbour.test '' '' '' '' '' '' no"
#define RECORD "v-add-dns-record mara lantern.net api A 198.51.100.8 '' 100 no"
#define MAIL "v-add-mail-domain mara lantern.net no no yes 2048 no"
#define ACCOUNT "v-add-mail-account mara lantern.net post Quiet-harbour-8 50"
#define STEPS_MAX 10

struct state {
    const char *name, *point;
    const char *before[4]; /* commands that must work first */
    const char *command;   /* is killed at the point */
    int list;              /* exit code of the list command */
    const char *list_command;
    int again; /* exit code of the same command again */
    struct {
        int code;
        const char *line;
    } repair[STEPS_MAX];
    const char *good; /* after the repair the list says this */
};

#define NO_USER_LIST "v-list-user mara json"
#define WEB_LIST "v-list-web-domain mara lantern.net json"
#define ZONE_LIST "v-list-dns-domain mara lantern.net json"
#define MAIL_LIST "v-list-mail-domain mara lantern.net json"
#define KEY_LIST "v-list-mail-domain-dkim-dns mara lantern.net json"
#define BOX_LIST "v-list-mail-account mara lantern.net post json"

#define USER_BY_ROOT                                                                                                   \
    {                                                                                                                  \
        { 0, "chattr -i /home/mara/conf" }, { 0, "userdel -f mara" }, { 0, "rm -rf /home/mara" },                      \
        {                                                                                                              \
            0, USER                                                                                                    \
        }                                                                                                              \
    }
#define USER_BY_DELETE                                                                                                 \
    {                                                                                                                  \
        { 0, "v-delete-user mara" },                                                                                   \
        {                                                                                                              \
            0, USER                                                                                                    \
        }                                                                                                              \
    }
#define WEB_BY_ROOT                                                                                                    \
    {                                                                                                                  \
        { 3, "v-delete-web-domain mara lantern.net no" }, { 0, "rm -rf /home/mara/web/lantern.net" }, { 0, WEB },      \
        {                                                                                                              \
            0, "v-update-user-counters mara"                                                                           \
        }                                                                                                              \
    }
#define ZONE_BY_REBUILD                                                                                                \
    {                                                                                                                  \
        {                                                                                                              \
            0, "v-rebuild-dns-domain mara lantern.net no"                                                              \
        }                                                                                                              \
    }
#define MAIL_BY_DELETE                                                                                                 \
    {                                                                                                                  \
        { 0, "v-delete-mail-domain mara lantern.net" },                                                                \
        {                                                                                                              \
            0, MAIL                                                                                                    \
        }                                                                                                              \
    }
#define MAIL_BY_KEY                                                                                                    \
    {                                                                                                                  \
        { 0, "v-rebuild-mail-domain mara lantern.net no" }, { 4, "v-add-mail-domain-dkim mara lantern.net" },          \
            { 0, "v-delete-mail-domain-dkim mara lantern.net" },                                                       \
        {                                                                                                              \
            0, "v-add-mail-domain-dkim mara lantern.net"                                                               \
        }                                                                                                              \
    }
#define MAIL_BY_REBUILD                                                                                                \
    {                                                                                                                  \
        {                                                                                                              \
            0, "v-rebuild-mail-domain mara lantern.net no"                                                             \
        }                                                                                                              \
    }
#define NOTHING                                                                                                        \
    {                                                                                                                  \
        {                                                                                                              \
            0, "true"                                                                                                  \
        }                                                                                                              \
    }

static const struct state states[] = {
    { "system user without password",
      "user-a",
      { 0 },
      USER,
      3,
      NO_USER_LIST,
      4,
      { { 3, "v-delete-user mara" }, { 0, "userdel -f mara" }, { 0, "rm -rf /home/mara" }, { 0, USER } },
      "\"PACKAGE\": \"default\"" },
    { "system user with groups",
      "user-b",
      { 0 },
      USER,
      3,
      NO_USER_LIST,
      4,
      { { 3, "v-delete-user mara" }, { 0, "userdel -f mara" }, { 0, "rm -rf /home/mara" }, { 0, USER } },
      "\"PACKAGE\": \"default\"" },
    { "home is complete and conf immutable",
      "user-r2",
      { 0 },
      USER,
      3,
      NO_USER_LIST,
      4,
      USER_BY_ROOT,
      "\"CONTACT\": \"mara@harbour.test\"" },
    { "data folder without files",
      "user-c",
      { 0 },
      USER,
      0,
      NO_USER_LIST,
      4,
      USER_BY_DELETE,
      "\"CONTACT\": \"mara@harbour.test\"" },
    { "data folder without user.conf",
      "user-d",
      { 0 },
      USER,
      0,
      NO_USER_LIST,
      4,
      USER_BY_DELETE,
      "\"CONTACT\": \"mara@harbour.test\"" },
    { "user before the counter",
      "user-e",
      { 0 },
      USER,
      0,
      NO_USER_LIST,
      4,
      USER_BY_DELETE,
      "\"PACKAGE\": \"default\"" },
    { "user before the jail",
      "user-f",
      { 0 },
      USER,
      0,
      NO_USER_LIST,
      4,
      { { 0, "v-add-user-sftp-jail mara" }, { 0, "v-add-user-sftp-jail mara" } },
      "\"U_USERS\": \"2\"" },
    { "user before the log", "user-g", { 0 }, USER, 0, NO_USER_LIST, 4, NOTHING, "\"U_USERS\": \"2\"" },

    { "web folder only", "web-a", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"SUSPENDED\": \"no\"" },
    { "web folders and logs", "web-b", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"SUSPENDED\": \"no\"" },
    { "web before PHP", "web-c", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"BACKEND\": \"default\"" },
    { "web after PHP", "web-d", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"BACKEND\": \"default\"" },
    { "web between its servers", "web-e", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"SUSPENDED\": \"no\"" },
    { "web before the counters", "web-f", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"SUSPENDED\": \"no\"" },
    { "web counted, not listed", "web-g", { USER }, WEB, 3, WEB_LIST, 4, WEB_BY_ROOT, "\"SUSPENDED\": \"no\"" },
    { "web listed, not restarted",
      "web-h",
      { USER },
      WEB,
      0,
      WEB_LIST,
      4,
      { { 0, "v-restart-proxy" } },
      "\"SUSPENDED\": \"no\"" },

    { "records without a zone",
      "dns-a",
      { USER },
      ZONE,
      3,
      ZONE_LIST,
      4,
      { { 3, "v-rebuild-dns-domain mara lantern.net no" },
        { 3, "v-delete-dns-domain mara lantern.net no" },
        { 0, "rm -f " D "/dns/lantern.net.conf" },
        { 0, ZONE } },
      "\"RECORDS\": \"15\"" },
    { "zone not written", "dns-b", { USER }, ZONE, 0, ZONE_LIST, 4, ZONE_BY_REBUILD, "\"RECORDS\": \"15\"" },
    { "zone not counted", "dns-c", { USER }, ZONE, 0, ZONE_LIST, 4, ZONE_BY_REBUILD, "\"RECORDS\": \"15\"" },
    { "zone not restarted", "dns-d", { USER }, ZONE, 0, ZONE_LIST, 4, ZONE_BY_REBUILD, "\"RECORDS\": \"15\"" },
    { "record not in the zone file",
      "rec-a",
      { USER, ZONE },
      RECORD,
      0,
      "v-list-dns-records mara lantern.net json",
      4,
      ZONE_BY_REBUILD,
      "\"VALUE\": \"198.51.100.8\"" },
    { "zone file cut short",
      "rec-b",
      { USER, ZONE },
      RECORD,
      0,
      "v-list-dns-records mara lantern.net json",
      4,
      ZONE_BY_REBUILD,
      "\"VALUE\": \"198.51.100.8\"" },

    { "mail domain is one line, deleted",
      "mail-a",
      { USER },
      MAIL,
      0,
      MAIL_LIST,
      -1,
      MAIL_BY_DELETE,
      "\"WEBMAIL\":\"roundcube\"" },
    { "mail domain is one line, added again",
      "mail-a",
      { USER },
      MAIL,
      0,
      MAIL_LIST,
      2,
      { { 2, MAIL_LIST },
        { 2, "v-rebuild-mail-domain mara lantern.net no" },
        { 2, "v-delete-mail-domain mara lantern.net" },
        { 4, MAIL },
        { 0, "sed -i 0,/lantern.net/{/lantern.net/d} " D "/mail.conf" },
        { 0, "v-rebuild-mail-domain mara lantern.net no" },
        { 0, "v-delete-mail-domain mara lantern.net" },
        { 0, MAIL } },
      "\"DKIM\": \"yes\"" },
    { "mail domain without a key", "mail-b", { USER }, MAIL, 0, KEY_LIST, 4, MAIL_BY_KEY, "p=MII" },
    { "mail domain with half a key", "mail-c", { USER }, MAIL, 0, KEY_LIST, 4, MAIL_BY_KEY, "p=MII" },
    { "mail domain without exim's folder", "mail-d", { USER }, MAIL, 0, KEY_LIST, 4, MAIL_BY_REBUILD, "p=MII" },
    { "mail domain without exim's link",
      "mail-e",
      { USER },
      MAIL,
      0,
      MAIL_LIST,
      4,
      MAIL_BY_REBUILD,
      "\"WEBMAIL\":\"roundcube\"" },
    { "mail domain without webmail",
      "mail-f",
      { USER },
      MAIL,
      0,
      MAIL_LIST,
      4,
      MAIL_BY_REBUILD,
      "\"WEBMAIL\":\"roundcube\"" },
    { "mail domain not counted",
      "mail-g",
      { USER },
      MAIL,
      0,
      MAIL_LIST,
      4,
      MAIL_BY_REBUILD,
      "\"WEBMAIL\":\"roundcube\"" },

    { "login without mailbox",
      "acct-a",
      { USER, MAIL },
      ACCOUNT,
      3,
      BOX_LIST,
      0,
      MAIL_BY_REBUILD,
      "\"QUOTA\": \"50\"" },
    { "login and mailbox, not listed",
      "acct-b",
      { USER, MAIL },
      ACCOUNT,
      3,
      BOX_LIST,
      0,
      MAIL_BY_REBUILD,
      "\"QUOTA\": \"50\"" },
    { "account without limit",
      "acct-c",
      { USER, MAIL },
      ACCOUNT,
      0,
      BOX_LIST,
      4,
      MAIL_BY_REBUILD,
      "\"QUOTA\": \"50\"" },

    { "deletion after the web domains",
      "del-a",
      { USER, WEB, MAIL },
      "v-delete-user mara no",
      0,
      NO_USER_LIST,
      0,
      { { 0, USER } },
      "\"U_MAIL_DOMAINS\": \"0\"" },
    { "deletion before the system user",
      "del-b",
      { USER, WEB, MAIL },
      "v-delete-user mara no",
      0,
      NO_USER_LIST,
      0,
      { { 0, USER } },
      "\"U_USERS\": \"2\"" },
    { "deletion after the system user",
      "del-c",
      { USER },
      "v-delete-user mara no",
      0,
      NO_USER_LIST,
      0,
      { { 0, USER } },
      "\"U_USERS\": \"2\"" },
    { "deletion after the home",
      "del-d",
      { USER },
      "v-delete-user mara no",
      0,
      NO_USER_LIST,
      0,
      { { 0, USER } },
      "\"U_USERS\": \"2\"" },
    { "deletion before the counter",
      "del-e",
      { USER },
      "v-delete-user mara no",
      3,
      NO_USER_LIST,
      3,
      { { 0, USER } },
      "\"U_USERS\": \"3\"" },
    { "web deletion after PHP",
      "wdel-a",
      { USER, WEB },
      "v-delete-web-domain mara lantern.net no",
      0,
      WEB_LIST,
      0,
      { { 0, WEB } },
      "\"SUSPENDED\": \"no\"" },
    { "web deletion after the line",
      "wdel-b",
      { USER, WEB },
      "v-delete-web-domain mara lantern.net no",
      3,
      WEB_LIST,
      3,
      { { 4, WEB }, { 0, "rm -rf /home/mara/web/lantern.net /etc/nginx/conf.d/domains/lantern.net.conf" }, { 0, WEB } },
      "\"SUSPENDED\": \"no\"" },
    { "web deletion before the files",
      "wdel-c",
      { USER, WEB },
      "v-delete-web-domain mara lantern.net no",
      3,
      WEB_LIST,
      3,
      { { 4, WEB }, { 0, "rm -rf /home/mara/web/lantern.net" }, { 0, WEB } },
      "\"SUSPENDED\": \"no\"" },
    { "suspension after the web domains",
      "susp",
      { USER, WEB, MAIL },
      "v-suspend-user mara no",
      0,
      NO_USER_LIST,
      0,
      { { 5, "v-suspend-user mara no" }, { 0, "v-unsuspend-user mara no" } },
      "\"SUSPENDED\": \"no\"" },
};

/* The node afterwards is as whole as one that nobody disturbed: the customer's looks succeed. */
static void check_works(struct world *world, const struct state *state)
{
    struct buf zone = BUF_INIT;
    world_expect(world, 0, "v-restart-web");
    world_expect(world, 0, "v-restart-proxy");
    world_expect(world, 0, "v-restart-web-backend");
    world_expect(world, 0, "v-restart-dns");
    if (strncmp(state->point, "web", 3) == 0 || strncmp(state->point, "wdel", 4) == 0)
        assert_true(panel_memory_site_answers(world->memory, "lantern.net"));
    if (strncmp(state->point, "dns", 3) == 0 || strncmp(state->point, "rec", 3) == 0) {
        assert_true(panel_memory_zone(world->memory, "lantern.net", &zone));
        assert_non_null(strstr(buf_text(&zone), "_pop3s._tcp"));
        if (strncmp(state->point, "rec", 3) == 0)
            assert_non_null(strstr(buf_text(&zone), "198.51.100.8"));
    }
    if (strncmp(state->point, "acct", 4) == 0)
        assert_true(panel_memory_mail_login(world->memory, "lantern.net", "post", "Quiet-harbour-8"));
    if (strncmp(state->point, "mail", 4) == 0) {
        world_expect(world, 0, ACCOUNT);
        assert_true(panel_memory_mail_login(world->memory, "lantern.net", "post", "Quiet-harbour-8"));
    }
    buf_finish(&zone);
}

static void check_state(const struct state *state)
{
    struct world world;
    world_init(&world, PANEL_ROLE_FULL);
    print_message("%s: %s\n", state->point, state->name);
    for (size_t i = 0; i < ARRAY_LEN(state->before) && state->before[i] != NULL; i++)
        world_expect(&world, 0, state->before[i]);
    world_kill(&world, state->point, state->command);
    world_expect(&world, state->list, state->list_command);
    if (state->again >= 0)
        world_expect(&world, state->again, state->command);
    for (size_t i = 0; i < STEPS_MAX && state->repair[i].line != NULL; i++)
        world_expect(&world, state->repair[i].code, state->repair[i].line);
    world_expect(&world, 0, state->list_command);
    world_said(&world, state->good);
    check_works(&world, state);
    world_finish(&world);
}

static void each_half_created_state_is_as_recorded_and_its_repair_works(void **context)
{
    (void)context;
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        check_state(&states[i]);
}

static void every_point_has_a_state(void **context)
{
    (void)context;
    for (const char *const *point = panel_points(); *point != NULL; point++) {
        bool is_tested = false;
        for (size_t i = 0; i < ARRAY_LEN(states); i++)
            is_tested |= strcmp(states[i].point, *point) == 0;
        if (!is_tested)
            fail_msg("no state for the point %s", *point);
    }
}

static void a_user_without_user_conf_has_no_limits_and_is_not_in_the_list(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_FULL);
    world_kill(&world, "user-d", USER);
    world_expect(&world, 0, NO_USER_LIST);
    world_said(&world, "\"PACKAGE\": \"\"");
    world_said(&world, "\"CONTACT\": \"\"");
    world_expect(&world, 8, WEB);
    world_expect(&world, 0, "v-list-users list");
    assert_string_equal(buf_text(&world.out), "admin\n");
    world_finish(&world);
}

static void an_account_on_a_half_made_mail_domain_exits_0_and_does_not_work(void **context)
{
    struct world world;
    (void)context;
    world_init(&world, PANEL_ROLE_MAIL);
    world_expect(&world, 0, USER);
    world_kill(&world, "mail-d", MAIL);
    world_expect(&world, 0, ACCOUNT);
    world_expect(&world, 0, BOX_LIST);
    assert_false(panel_memory_mail_login(world.memory, "lantern.net", "post", "Quiet-harbour-8"));
    world_expect(&world, 0, "v-rebuild-mail-domain mara lantern.net no");
    assert_true(panel_memory_mail_login(world.memory, "lantern.net", "post", "Quiet-harbour-8"));
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_half_created_state_is_as_recorded_and_its_repair_works),
        cmocka_unit_test(every_point_has_a_state),
        cmocka_unit_test(a_user_without_user_conf_has_no_limits_and_is_not_in_the_list),
        cmocka_unit_test(an_account_on_a_half_made_mail_domain_exits_0_and_does_not_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
