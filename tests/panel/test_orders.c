/* test_orders.c - the model with names, domains and orders of calls that no recording has: what the recordings say in
 * general must hold for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static int setup(void **context)
{
    struct world *world = xcalloc(1, sizeof(*world));
    world_init(world, PANEL_ROLE_FULL);
    *context = world;
    return 0;
}

static int teardown(void **context)
{
    world_finish(*context);
    free(*context);
    return 0;
}

static void add_users(struct world *world)
{
    world_expect(world, 0, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_expect(world, 0, "v-add-user piet Tall-meadow-2 piet@meadow.test default 'Piet van Dam'");
}

static void steps_of_a_deployment_work_in_any_order_of_roles(void **context)
{
    static const char *const orders[][3] = { { "web", "dns", "mail" },
                                             { "mail", "dns", "web" },
                                             { "dns", "mail", "web" } };
    struct world *world = *context;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        char user[32], line[256];
        snprintf(user, sizeof(user), "user%zu", i);
        snprintf(line, sizeof(line), "v-add-user %s Tall-meadow-1 %s@meadow.test", user, user);
        world_expect(world, 0, line);
        for (size_t k = 0; k < 3; k++) {
            const char *end = strcmp(orders[i][k], "web") == 0   ? "'' no"
                              : strcmp(orders[i][k], "dns") == 0 ? "203.0.113.9 '' '' '' '' '' '' '' '' no"
                                                                 : "no no yes 2048 no";
            snprintf(line, sizeof(line), "v-add-%s-domain %s orchard%zu.org %s", orders[i][k], user, i, end);
            world_expect(world, 0, line);
        }
        world_expect(world, 0, "v-restart-web-backend");
        world_expect(world, 0, "v-restart-proxy");
        snprintf(line, sizeof(line), "orchard%zu.org", i);
        assert_true(panel_memory_site_answers(world->memory, line));
        snprintf(line, sizeof(line), "v-list-dns-records %s orchard%zu.org plain", user, i);
        world_expect(world, 0, line);
        /* the mail domain publishes its key only in a zone that is there already */
        bool is_zone_first = strcmp(orders[i][2], "web") == 0 && strcmp(orders[i][0], "mail") != 0;
        is_zone_first |= i == 0;
        assert_int_equal(strstr(buf_text(&world->out), "mail._domainkey") != NULL, is_zone_first);
    }
}

static void a_name_belongs_to_the_user_who_has_any_part_of_it(void **context)
{
    static const struct {
        const char *line;
        int code;
        const char *said;
    } cases[] = {
        { "v-add-web-domain olga heath.co.uk '' no", 0, "" },
        { "v-add-web-domain piet heath.co.uk '' no", 4, "Error: Web domain heath.co.uk exists" },
        { "v-add-dns-domain piet heath.co.uk 203.0.113.9", 4, "Error: Web domain heath.co.uk exists" },
        { "v-add-mail-domain piet heath.co.uk", 4, "Error: Web domain heath.co.uk exists" },
        { "v-add-web-domain piet shop.heath.co.uk '' no", 4,
          "Error: Unable to add shop.heath.co.uk. heath.co.uk belongs to a different user" },
        { "v-add-web-domain piet moor.co.uk '' no", 0, "" }, /* the suffix of two labels is nobody's */
        { "v-add-web-domain piet www.heath.co.uk '' no", 4, "Error: Web alias www.heath.co.uk exists" },
        { "v-add-web-domain olga shop.heath.co.uk '' no", 0, "" },
        { "v-add-dns-domain olga fen.de 203.0.113.9 '' '' '' '' '' '' '' '' no", 0, "" },
        { "v-add-web-domain piet fen.de '' no", 4, "Error: DNS domain fen.de exists" },
        { "v-add-mail-domain piet mail.fen.de", 4, "belongs to a different user" },
        { "v-add-mail-domain olga fen.de no no no 2048 no", 0, "" },
        { "v-add-mail-domain olga webmail.fen.de no no no 2048 no", 2, "is reserved by \"fen.de\"" },
        { "v-search-domain-owner fen.de", 0, "olga" },
        { "v-search-domain-owner fen.de web", 3, "" },
        { "v-search-domain-owner www.heath.co.uk", 3, "" },
    };
    struct world *world = *context;
    add_users(world);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world_expect(world, cases[i].code, cases[i].line);
        world_said(world, cases[i].said);
    }
}

static void records_are_normalised_before_they_are_stored(void **context)
{
    static const struct {
        const char *add, *listed;
    } cases[] = {
        { "v-add-dns-record olga weir.net @ MX mx.meadow.test '' 30 no", "30\t@\tMX\t10\tmx.meadow.test.\t" },
        { "v-add-dns-record olga weir.net @ MX mx2.meadow.test 5 31 no", "31\t@\tMX\t5\tmx2.meadow.test.\t" },
        { "v-add-dns-record olga weir.net note txt 'two words' '' 32 no", "32\tnote\tTXT\t\t\"two words\"\t" },
        { "v-add-dns-record olga weir.net word TXT one '' 33 no", "33\tword\tTXT\t\tone\t" },
        { "v-add-dns-record olga weir.net _sip._tls SRV '10 20 5061 sip.meadow.test' '' 34 no",
          "34\t_sip._tls\tSRV\t10\t20 5061 sip.meadow.test.\t" },
        { "v-add-dns-record olga weir.net UPPER A 203.0.113.10 '' 35 no 300", "35\tupper\tA\t\t203.0.113.10\t" },
        { "v-add-dns-record olga weir.net v6 AAAA 2001:db8::1 '' 36 no", "36\tv6\tAAAA\t\t2001:db8::1\t" },
        { "v-add-dns-record olga weir.net next A 203.0.113.11 '' '' no", "37\tnext\tA\t\t203.0.113.11\t" },
    };
    struct world *world = *context;
    add_users(world);
    world_expect(world, 0, "v-add-dns-domain olga weir.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world_expect(world, 0, cases[i].add);
        world_expect(world, 0, "v-list-dns-records olga weir.net plain");
        world_said(world, cases[i].listed);
    }
    world_expect(world, 2, "v-add-dns-record olga weir.net x CNAME short '' 40 no");
    world_said(world, "CNAME record short should be a fully qualified domain name (FQDN)");
    world_expect(world, 3, "v-add-dns-record olga weir.net @ NS deep.ns.weir.net '' 40 no");
    world_expect(world, 4, "v-change-dns-record olga weir.net 36 v6 AAAA 2001:db8::1 '' no");
    world_said(world, "No pending changes in DNS entry.");
    world_expect(world, 0, "v-change-dns-record olga weir.net 36 v6 AAAA 2001:db8::2 '' no");
    world_expect(world, 0, "v-delete-dns-record olga weir.net 36 no");
    world_expect(world, 3, "v-change-dns-record olga weir.net 36 v6 AAAA 2001:db8::2 '' no");
}

static void each_change_of_a_zone_raises_its_serial_and_is_served_at_once(void **context)
{
    struct world *world = *context;
    struct buf zone = BUF_INIT;
    add_users(world);
    world_expect(world, 0, "v-add-dns-domain olga weir.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
    assert_true(panel_memory_zone(world->memory, "weir.net", &zone));
    assert_non_null(strstr(buf_text(&zone), "3000000000"));
    buf_clear(&zone);
    world_expect(world, 0, "v-add-dns-record olga weir.net api A 203.0.113.12 '' 50 no");
    assert_true(panel_memory_zone(world->memory, "weir.net", &zone));
    assert_non_null(strstr(buf_text(&zone), "3000000001"));
    assert_non_null(strstr(buf_text(&zone), "api\t14400\tIN\tA\t\t203.0.113.12\n"));
    buf_finish(&zone);
}

static void a_whole_zone_is_written_with_the_callers_serial(void **context)
{
    static const char records[] =
        "ID='100' RECORD='@' TYPE='NS' PRIORITY='' VALUE='ns1.meadow.test.' SUSPENDED='no' "
        "TIME='10:00:00' DATE='2026-01-02'\n"
        "ID='101' RECORD='@' TYPE='A' PRIORITY='' VALUE='203.0.113.20' SUSPENDED='no' "
        "TIME='10:00:00' DATE='2026-01-02'\n";
    struct world *world = *context;
    struct buf zone = BUF_INIT, key = BUF_INIT, out = BUF_INIT;
    add_users(world);
    buf_add_text(&zone,
                 "DOMAIN='weir.net' IP='203.0.113.20' TPL='default' TTL='14400' EXP='2030-01-02' "
                 "SOA='ns1.meadow.test' SERIAL='2031010203' SRC='' RECORDS='2' DNSSEC='no' KEY='' SLAVE='no' "
                 "MASTER='' SUSPENDED='no' TIME='10:00:00' DATE='2026-01-02'");
    char insert[] = "v-insert-dns-domain", olga[] = "olga";
    char *const argv[] = { insert, olga, zone.data, NULL };
    assert_int_equal(panel_shell(world->memory, 3, argv, NULL, &out, &out), 0);
    assert_int_equal(panel_shell(world->memory, 3, argv, NULL, &out, &out), 0); /* a repeat replaces the line */
    for (size_t i = 0; i < 400; i++)
        buf_add_char(&key, (char)('a' + i % 26));
    char *text = xasprintf(
        "%sID='102' RECORD='mail._domainkey' TYPE='TXT' PRIORITY='' VALUE='\"v=DKIM1; k=rsa; p=%s\"' "
        "SUSPENDED='no' TIME='10:00:00' DATE='2026-01-02'\n",
        records, buf_text(&key));
    world_write(world, "/tmp/zone.rec", text);
    world_expect(world, 0, "v-insert-dns-records olga weir.net /tmp/zone.rec");
    world_expect(world, 1, "test -e /tmp/zone.rec");                            /* it was moved */
    world_expect(world, 0, "v-insert-dns-records olga weir.net /tmp/zone.rec"); /* missing: exit 0, nothing changes */
    world_expect(world, 0, "v-rebuild-dns-domain olga weir.net no");
    buf_clear(&zone);
    assert_true(panel_memory_zone(world->memory, "weir.net", &zone));
    assert_non_null(strstr(buf_text(&zone), "2031010203"));
    const char *value = strstr(buf_text(&zone), "\"v=DKIM1");
    assert_non_null(value);
    assert_ptr_equal(strchr(value + 1, '"'), value + 256); /* strings of 255 */
    assert_int_equal(value[257], '"');
    world_expect(world, 0, "v-list-dns-domains olga json");
    world_said(world, "\"SERIAL\": \"2031010203\"");
    world_said(world, "\"RECORDS\": \"3\"");
    world_expect(world, 3, "v-insert-dns-domain nobody DOMAIN='weir.net'");
    free(text);
    buf_finish(&zone);
    buf_finish(&key);
    buf_finish(&out);
}

static void limits_come_from_the_package_and_move_with_it(void **context)
{
    static const char package[] =
        "WEB_TEMPLATE='default'\nPROXY_TEMPLATE='default'\nBACKEND_TEMPLATE='no-php'\nDNS_TEMPLATE='default'\n"
        "WEB_DOMAINS='1'\nWEB_ALIASES='1'\nDNS_DOMAINS='0'\nDNS_RECORDS='16'\nMAIL_DOMAINS='1'\nMAIL_ACCOUNTS='1'\n"
        "RATE_LIMIT='50'\nDATABASES='0'\nCRON_JOBS='0'\nDISK_QUOTA='100'\nBANDWIDTH='100'\nNS='ns1.meadow.test'\n"
        "SHELL='nologin'\nBACKUPS='0'\nBACKUPS_INCREMENTAL='no'\n";
    struct world *world = *context;
    world_write(world, "/tmp/tiny", package);
    world_expect(world, 0, "v-add-user-package /tmp/tiny b-tiny-0001-x");
    world_expect(world, 0, "v-add-user rene Tall-meadow-3 rene@meadow.test b-tiny-0001-x");
    world_expect(world, 8, "v-add-dns-domain rene brook.org 203.0.113.9");
    world_expect(world, 8, "v-add-web-domain rene brook.org '' no a.brook.org,b.brook.org");
    world_expect(world, 0, "v-add-web-domain rene brook.org '' no");
    world_expect(world, 0, "v-list-web-domain rene brook.org json");
    world_said(world, "\"BACKEND\": \"no-php\"");
    world_expect(world, 0, "v-add-mail-domain rene brook.org no no no 2048 no");
    world_expect(world, 0, "v-list-mail-domain rene brook.org json");
    world_said(world, "\"RATE_LIMIT\": \"50\"");
    world_expect(world, 0, "v-add-mail-account rene brook.org one Tall-meadow-4");
    world_expect(world, 8, "v-add-mail-account rene brook.org one Tall-meadow-4");
    world_expect(world, 0, "v-change-user-package rene default");
    world_expect(world, 4, "v-add-mail-account rene brook.org one Tall-meadow-4");
    world_expect(world, 0, "v-add-web-domain rene brook2.org '' no");
    world_expect(world, 8, "v-change-user-package rene b-tiny-0001-x");
    world_said(world, "Package doesn't cover WEB_DOMAIN usage");
    world_expect(world, 0, "v-change-user-package rene b-tiny-0001-x yes");
    world_expect(world, 0, "v-list-user rene json");
    world_said(world, "\"PACKAGE\": \"b-tiny-0001-x\"");
}

static void suspending_takes_everything_away_and_unsuspending_gives_it_back(void **context)
{
    struct world *world = *context;
    struct buf zone = BUF_INIT;
    add_users(world);
    world_expect(world, 0, "v-add-web-domain olga tarn.net '' no");
    world_expect(world, 0, "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
    world_expect(world, 0, "v-add-mail-domain olga tarn.net no no yes 2048 no");
    world_expect(world, 0, "v-add-mail-account olga tarn.net post Tall-meadow-5");
    world_expect(world, 0, "v-suspend-user olga");
    assert_false(panel_memory_mail_login(world->memory, "tarn.net", "post", "Tall-meadow-5"));
    assert_false(panel_memory_zone(world->memory, "tarn.net", &zone));
    world_expect(world, 0, "cat /home/olga/conf/web/tarn.net/nginx.conf");
    world_said(world, "templates/web/suspend");
    world_expect(world, 5, "v-add-web-domain olga other.net '' no");
    world_expect(world, 5, "v-suspend-user olga");
    world_expect(world, 0, "v-unsuspend-user olga");
    assert_true(panel_memory_mail_login(world->memory, "tarn.net", "post", "Tall-meadow-5"));
    assert_true(panel_memory_zone(world->memory, "tarn.net", &zone));
    assert_true(panel_memory_site_answers(world->memory, "tarn.net"));
    world_expect(world, 0, "cat /home/olga/conf/web/tarn.net/nginx.conf");
    assert_null(strstr(buf_text(&world->out), "templates/web/suspend"));
    buf_finish(&zone);
}

static void deleting_a_user_leaves_nothing_behind(void **context)
{
    struct world *world = *context;
    struct buf dump = BUF_INIT;
    add_users(world);
    world_expect(world, 0, "v-add-web-domain olga tarn.net '' no");
    world_expect(world, 0, "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
    world_expect(world, 0, "v-add-mail-domain olga tarn.net no no yes 2048 no");
    world_expect(world, 0, "v-suspend-user olga no");
    world_expect(world, 0, "v-delete-user olga");
    world_expect(world, 3, "v-delete-user olga");
    world_expect(world, 0, "rm -rf /usr/local/hestia/log");
    panel_memory_dump(world->memory, &dump);
    if (strstr(buf_text(&dump), "tarn.net") != NULL || strstr(buf_text(&dump), "olga") != NULL)
        fail_msg("left behind: %.200s",
                 strstr(buf_text(&dump), strstr(buf_text(&dump), "tarn.net") ? "tarn.net" : "olga"));
    world_expect(world, 0, "v-list-user admin json");
    world_said(world, "\"U_USERS\": \"2\"");
    buf_finish(&dump);
}

static void the_plural_commands_take_every_domain_of_the_user_and_no_other(void **context)
{
    struct world *world = *context;
    add_users(world);
    world_expect(world, 0, "v-add-web-domain olga tarn.net '' no");
    world_expect(world, 0, "v-add-web-domain olga fen.de '' no");
    world_expect(world, 0, "v-add-web-domain piet moor.org '' no");
    world_expect(world, 0, "v-suspend-web-domains olga no");
    world_expect(world, 0, "v-list-web-domains olga json");
    assert_null(strstr(buf_text(&world->out), "\"SUSPENDED\": \"no\""));
    world_expect(world, 0, "v-unsuspend-web-domains olga no");
    world_expect(world, 0, "v-list-web-domains olga json");
    assert_null(strstr(buf_text(&world->out), "\"SUSPENDED\": \"yes\""));
    world_expect(world, 0, "v-delete-web-domains olga no");
    world_expect(world, 0, "v-list-web-domains olga json");
    assert_string_equal(buf_text(&world->out), "{\n}\n");
    world_expect(world, 0, "v-list-web-domain piet moor.org json");
}

static void a_strict_umask_closes_the_account_until_it_is_rebuilt(void **context)
{
    struct world *world = *context;
    struct buf zone = BUF_INIT;
    panel_memory_set_umask(world->memory, 077);
    world_expect(world, 0, "v-add-user olga Tall-meadow-1 olga@meadow.test");
    world_expect(world, 0, "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
    world_expect(world, 0, "v-add-mail-domain olga tarn.net no no no 2048 no");
    world_expect(world, 0, "v-add-mail-account olga tarn.net post Tall-meadow-5");
    assert_false(panel_memory_zone(world->memory, "tarn.net", &zone));
    assert_false(panel_memory_mail_login(world->memory, "tarn.net", "post", "Tall-meadow-5"));
    world_expect(world, 0, "stat -c %a /home/olga/conf");
    assert_string_equal(buf_text(&world->out), "700\n");
    panel_memory_set_umask(world->memory, 022);
    world_expect(world, 0, "v-rebuild-user olga no");
    world_expect(world, 0, "stat -c %a /home/olga/conf");
    assert_string_equal(buf_text(&world->out), "711\n");
    assert_true(panel_memory_zone(world->memory, "tarn.net", &zone));
    assert_true(panel_memory_mail_login(world->memory, "tarn.net", "post", "Tall-meadow-5"));
    buf_finish(&zone);
}

static void a_password_comes_from_a_file_under_tmp_and_from_nowhere_else(void **context)
{
    struct world *world = *context;
    world_write(world, "/tmp/secret.1", "Tall-meadow-6\nsecond line\n");
    world_write(world, "/root/secret.2", "Tall-meadow-7\n");
    world_expect(world, 0, "v-add-user olga /tmp/secret.1 olga@meadow.test");
    world_expect(world, 0, "v-check-user-password olga Tall-meadow-6");
    world_expect(world, 9, "v-check-user-password olga Tall-meadow-7");
    world_expect(world, 0, "v-change-user-password olga /root/secret.2");
    world_expect(world, 0, "v-check-user-password olga /root/secret.2"); /* the path itself */
    world_expect(world, 9, "v-check-user-password olga Tall-meadow-7");
    world_expect(world, 0, "cat /usr/local/hestia/log/system.log");
    assert_null(strstr(buf_text(&world->out), "secret.1"));
    assert_null(strstr(buf_text(&world->out), "Tall-meadow"));
}

static void sudo_runs_the_panel_and_nothing_else(void **context)
{
    static const struct {
        const char *line;
        int code;
    } cases[] = {
        { "sudo -n " PANEL_BIN "/v-list-users list", 0 },
        { "sudo -n " PANEL_BIN "/v-list-user nobody", 3 },
        { "sudo -n rm -rf /home/admin", 1 },
        { "sudo -n " PANEL_BIN "/v-no-such-command", 1 },
        { "sudo -n v-list-users", 1 }, /* the rule names full paths */
        { "rm -rf /home/admin", 1 },
    };
    struct world *world = *context;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int code = world_run_sudo(world, cases[i].line);
        if (code != cases[i].code)
            fail_msg("%s: exit %d, want %d", cases[i].line, code, cases[i].code);
    }
    assert_int_equal(world_run_sudo(world, PANEL_BIN "/v-list-users list"), 0);
    assert_int_equal(world->out.length, 0); /* without root: exit 0 and nothing printed */
    world_expect(world, 0, "test -d /home/admin");
}

static void nodes_offer_only_their_role(void **context)
{
    static const struct {
        enum panel_role role;
        int web, dns, mail;
    } roles[] = { { PANEL_ROLE_WEB, 0, 11, 11 },
                  { PANEL_ROLE_DNS, 11, 0, 11 },
                  { PANEL_ROLE_MAIL, 11, 11, 0 },
                  { PANEL_ROLE_FULL, 0, 0, 0 } };
    (void)context;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct world world;
        world_init(&world, roles[i].role);
        world_expect(&world, 0, "v-add-user olga Tall-meadow-1 olga@meadow.test");
        world_expect(&world, roles[i].web, "v-add-web-domain olga tarn.net '' no");
        world_expect(&world, roles[i].dns, "v-add-dns-domain olga tarn.net 203.0.113.9 '' '' '' '' '' '' '' '' no");
        world_expect(&world, roles[i].mail, "v-add-mail-domain olga tarn.net no no yes 2048 no");
        world_expect(&world, 0, "v-delete-user olga no");
        world_finish(&world);
    }
}

static void the_same_seed_gives_the_same_node(void **context)
{
    struct buf dumps[2] = { BUF_INIT, BUF_INIT };
    (void)context;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        world_init(&world, PANEL_ROLE_FULL);
        add_users(&world);
        world_expect(&world, 0, "v-add-mail-domain olga tarn.net no no yes 2048 no");
        world_expect(&world, 0, "v-add-mail-account olga tarn.net post Tall-meadow-5");
        panel_memory_dump(world.memory, &dumps[i]);
        world_finish(&world);
    }
    assert_string_equal(buf_text(&dumps[0]), buf_text(&dumps[1]));
    buf_finish(&dumps[0]);
    buf_finish(&dumps[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_of_a_deployment_work_in_any_order_of_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_belongs_to_the_user_who_has_any_part_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(records_are_normalised_before_they_are_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(each_change_of_a_zone_raises_its_serial_and_is_served_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_whole_zone_is_written_with_the_callers_serial, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_come_from_the_package_and_move_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(suspending_takes_everything_away_and_unsuspending_gives_it_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(deleting_a_user_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(the_plural_commands_take_every_domain_of_the_user_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_strict_umask_closes_the_account_until_it_is_rebuilt, setup, teardown),
        cmocka_unit_test_setup_teardown(a_password_comes_from_a_file_under_tmp_and_from_nowhere_else, setup, teardown),
        cmocka_unit_test_setup_teardown(sudo_runs_the_panel_and_nothing_else, setup, teardown),
        cmocka_unit_test(nodes_offer_only_their_role),
        cmocka_unit_test(the_same_seed_gives_the_same_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
