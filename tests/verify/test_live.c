/* test_live.c - the verify driver and the probe transport against real servers on high ports of 127.0.0.1: two BINDs with a zone of
 * 17 records, nginx with its virtual hosts, dovecot with STARTTLS. They run in a directory of their own and end with the test. */
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "drivers/verify.h"
#include "harness.h"
#include "transport/probe.h"

#define DOMAIN "berth-live.test"
#define LOCAL "127.0.0.1"

static struct harness harness;

/* ---- two name servers --------------------------------------------------------------------------------------------- */

/* 2048 bits make 392 characters: more than one string of a TXT record holds. */
#define BITS                                                                                                           \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyj8k2+Yb0Qf3hT7wX1mZpLc5vR9sNdGqUeWiKoAaJxHtFbSyMlDzVrPgEuBnCk6I4O0"  \
    "q8T2vX7hY1sLdRfGkMzWbPcNaJtEoUiQxHyKwVrSgDmBlCnFpA3u5e9Z6jTfYh4k8x0W2s7R1v+"                                      \
    "qLoMdGiPzKbXcNtJaEyUwHrSgQkVfDxBmAlCn3p"                                                                          \
    "Z5e9u6jTfYh4k8x0W2s7R1v+qLoMdGiPzKbXcNtJaEyUwHrSgQkVfDxBmAlCn3pZ5e9u6jTfYh4k8x0W2s7R1v+"                          \
    "qLoMdGiPzKbXcNtJaEyUwHrSgQkV"                                                                                     \
    "fDxBmAlCn3pZ5e9u6jTfYh4k8x0W2s7R1v+qLoMdGiPzKbXcNtJaEyUwIDAQAB"

static const struct zone_record records[] = {
    { "@", "NS", 0, "ns1.berth-live.test" },
    { "@", "NS", 0, "ns2.berth-live.test." },
    { "ns1", "A", 0, "127.0.0.1" },
    { "ns2", "A", 0, "127.0.0.1" },
    { "@", "A", 0, "192.0.2.10" },
    { "@", "AAAA", 0, "2001:DB8::10" },
    { "www", "CNAME", 0, "Berth-Live.test" },
    { "ftp", "CNAME", 0, "berth-live.test" },
    { "@", "CAA", 0, "0 issue \"letsencrypt.org\"" },
    { "mail", "A", 0, "192.0.2.20" },
    { "webmail", "CNAME", 0, "mail.berth-live.test" },
    { "@", "MX", 10, "mail.berth-live.test" },
    { "@", "TXT", 0, "v=spf1 a mx ip4:192.0.2.20 -all" },
    { "mail._domainkey", "TXT", 0, "v=DKIM1; k=rsa; p=" BITS },
    { "_dmarc", "TXT", 0, "v=DMARC1; p=quarantine; rua=mailto:postmaster@berth-live.test" },
    { "_smtp._tls", "TXT", 0, "v=TLSRPTv1; rua=mailto:postmaster@berth-live.test" },
    { "_imap._tcp", "SRV", 1, "5 143 mail.berth-live.test" },
};

struct bind {
    const char *name;
    char *directory;
    int port;
    pid_t pid;
};

static struct bind binds[2] = { { .name = "ns1.berth-live.test" }, { .name = "ns2.berth-live.test" } };
static struct name_server name_servers[2];

static void add_zone_line(struct buf *text, const struct zone_record *record, int priority_change)
{
    bool name = strcmp(record->type, "CNAME") == 0 || strcmp(record->type, "NS") == 0 ||
                strcmp(record->type, "MX") == 0 || strcmp(record->type, "SRV") == 0;
    buf_addf(text, "%s 14400 IN %s ", record->name, record->type);
    if (record->priority > 0)
        buf_addf(text, "%d ", record->priority + priority_change);
    if (strcmp(record->type, "TXT") == 0) {
        for (const char *at = record->value; *at != '\0'; at += strnlen(at, 255))
            buf_addf(text, "\"%.255s\" ", at);
    } else {
        bool dot = !name || record->value[strlen(record->value) - 1] == '.';
        buf_addf(text, "%s%s", record->value, dot ? "" : ".");
    }
    buf_add_char(text, '\n');
}

static void write_zone(const struct bind *bind, unsigned serial, int priority_change)
{
    struct buf text = BUF_INIT;
    buf_addf(&text, "$TTL 14400\n@ IN SOA ns1.%s. root.%s. ( %u 7200 3600 1209600 180 )\n", DOMAIN, DOMAIN, serial);
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        add_zone_line(&text, &records[i], priority_change);
    buf_add_text(&text, "big IN TXT"); /* over 1232 bytes: only TCP carries it */
    for (int i = 0; i < 12; i++)
        buf_addf(&text, " \"%0200d\"", i);
    buf_add_char(&text, '\n');
    write_file(bind->directory, "zone.db", "%s", buf_text(&text));
    buf_finish(&text);
}

static void write_bind_conf(const struct bind *bind, bool with_zone)
{
    const char *zone = "zone \"" DOMAIN "\" { type primary; file \"zone.db\"; };";
    write_file(bind->directory, "named.conf",
               "options { directory \"%s\"; pid-file \"named.pid\"; session-keyfile \"session.key\";\n"
               "listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no;\n"
               "empty-zones-enable no; notify no; };\ncontrols { };\n%s\n",
               bind->directory, bind->port, with_zone ? zone : "");
}

static void start_bind(struct bind *bind)
{
    char conf[300];
    bind->directory = make_directory();
    bind->port = free_port();
    snprintf(conf, sizeof(conf), "%s/named.conf", bind->directory);
    write_bind_conf(bind, true);
    write_zone(bind, 2026112301, 0);
    const char *argv[] = { "named", "-f", "-n", "1", "-U", "1", "-c", conf, NULL };
    bind->pid = server_start(bind->directory, "named", argv);
    server_wait(bind->pid, bind->directory, "named", bind->port);
}

static struct step dns_step(void)
{
    for (size_t i = 0; i < ARRAY_LEN(binds); i++)
        name_servers[i] = (struct name_server){ binds[i].name, LOCAL, binds[i].port };
    return (struct step){
        .action = "verify.dns",
        .domain = DOMAIN,
        .zone = { .records = records, .record_count = ARRAY_LEN(records) },
        .name_servers = name_servers,
        .name_server_count = ARRAY_LEN(name_servers),
    };
}

static void expect_done(struct move *move, const char *note)
{
    if (move->verdict != VERDICT_DONE || strcmp(move->note, note) != 0)
        fail_msg("verdict %d, note \"%s\", detail \"%s\"; want \"%s\"", move->verdict, move->note, move->detail, note);
    move_finish(move);
}

static void expect_end(struct move *move, const char *cause, const char *detail_part)
{
    if (move->verdict == VERDICT_DONE || strcmp(move->cause->id, cause) != 0 ||
        strstr(move->detail, detail_part) == NULL)
        fail_msg("verdict %d, cause %s, detail \"%s\"; want %s with \"%s\"", move->verdict,
                 move->cause != NULL ? move->cause->id : "-", move->detail, cause, detail_part);
    move_finish(move);
}

/* BIND reads a zone again only when its file is newer by a whole second than what it has loaded: a changed serial alone is not
 * seen. So the file's time is moved on with each change. */
static void reload_bind(const struct bind *bind)
{
    static time_t later;
    char path[300];
    later += 10;
    snprintf(path, sizeof(path), "%s/zone.db", bind->directory);
    struct timespec times[2] = { { .tv_sec = time(NULL) + later }, { .tv_sec = time(NULL) + later } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(kill(bind->pid, SIGHUP), 0);
}

static int compare_times(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static void two_name_servers_answer_all_17_records(void **state)
{
    int64_t took_us[21];
    struct step step = dns_step();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(took_us); i++) {
        int64_t began_us = clock_measure_us();
        struct move move = harness_attempt(&harness, &step, NULL, NULL);
        took_us[i] = clock_measure_us() - began_us;
        expect_done(&move, "2 name servers answer all 17 records, serial 2026112301");
    }
    qsort(took_us, ARRAY_LEN(took_us), sizeof(took_us[0]), compare_times);
    print_message("zone check, 17 records on 2 name servers: median %.1f ms, worst of %zu %.1f ms\n",
                  (double)took_us[ARRAY_LEN(took_us) / 2] / 1000, ARRAY_LEN(took_us),
                  (double)took_us[ARRAY_LEN(took_us) - 1] / 1000);
}

/* What happens to the second server before the third look. */
static void mend_at_the_third_look(size_t look, void *context)
{
    if (look != 2)
        return;
    write_bind_conf(&binds[1], true);
    write_zone(&binds[1], 2026112301, 0);
    reload_bind(&binds[1]);
    *(bool *)context = true;
}

/* Bring the second server into a state and wait until the given look shows it. */
static void await_cause(const char *facts)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", binds[1].port);
    for (int i = 0; i < 500; i++) {
        struct command_result result =
            harness_look(&harness, "dns", LOCAL, port, "ask", DOMAIN, "SOA", DOMAIN, "MX", NULL);
        bool there = strstr(result.segments[0].out, facts) != NULL;
        command_result_finish(&result);
        if (there)
            return;
        usleep(10000);
    }
    fail_msg("the second name server never says %s", facts);
}

static void a_name_server_that_is_mended_meanwhile_passes_in_the_same_attempt(void **state)
{
    static const struct {
        const char *name, *facts;
        bool with_zone;
        unsigned serial;
        int priority_change;
    } cases[] = {
        { "another priority", " MX 20 ", true, 2026112302, 10 },
        { "an older serial", " 2026112209 ", true, 2026112209, 0 },
        { "no zone at all", " REFUSED ", false, 2026112301, 0 },
    };
    struct step step = dns_step();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool mended = false;
        write_bind_conf(&binds[1], cases[i].with_zone);
        write_zone(&binds[1], cases[i].serial, cases[i].priority_change);
        reload_bind(&binds[1]);
        await_cause(cases[i].facts);
        int64_t began_us = clock_measure_us();
        struct move move = harness_attempt(&harness, &step, mend_at_the_third_look, &mended);
        print_message("%s, mended meanwhile: live after %" PRId64 " ms\n", cases[i].name,
                      (clock_measure_us() - began_us) / 1000);
        assert_true(mended);
        expect_done(&move, "2 name servers answer all 17 records, serial 2026112301");
    }
}

static void an_answer_too_large_for_udp_comes_over_tcp(void **state)
{
    char port[16];
    (void)state;
    snprintf(port, sizeof(port), "%d", binds[0].port);
    struct command_result result =
        harness_look(&harness, "dns", LOCAL, port, "ask", "big." DOMAIN, "TXT", DOMAIN, "MX", NULL);
    const struct segment_result *seen = &result.segments[0];
    assert_int_equal(seen->exit_code, PROBE_ANSWERED);
    assert_non_null(strstr(seen->out, "question big." DOMAIN ". TXT NOERROR aa tcp\n"));
    assert_non_null(strstr(seen->out, "question " DOMAIN ". MX NOERROR aa udp\n"));
    assert_true(strlen(seen->out) > 2400);
    command_result_finish(&result);
}

/* ---- a web server ------------------------------------------------------------------------------------------------- */

static struct {
    char *directory;
    int port;
    pid_t pid;
} nginx;

static void add_site(struct buf *conf, const char *name, const char *answer)
{
    buf_addf(conf, "server { listen 127.0.0.1:%d; server_name %s www.%s; location / { return %s; } }\n", nginx.port,
             name, name, answer);
}

static void write_nginx_conf(bool with_late_site)
{
    static const char *const kinds[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };
    struct buf conf = BUF_INIT;
    buf_addf(&conf, "daemon off; pid %s/nginx.pid; error_log stderr; worker_processes 1;\n", nginx.directory);
    buf_add_text(&conf,
                 "events { worker_connections 64; }\nhttp { access_log off; server_names_hash_bucket_size 128;\n");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        buf_addf(&conf, "%s_temp_path %s/%s;\n", kinds[i], nginx.directory, kinds[i]);
    buf_addf(&conf,
             "server { listen 127.0.0.1:%d default_server; location / { return 200 \"Your new server works\"; } }\n",
             nginx.port);
    add_site(&conf, DOMAIN, "200 \"hello\"");
    add_site(&conf, "closed.test", "403");
    if (with_late_site)
        add_site(&conf, "late.test", "200 \"here it is\"");
    buf_add_text(&conf, "}\n");
    write_file(nginx.directory, "nginx.conf", "%s", buf_text(&conf));
    buf_finish(&conf);
}

static void start_nginx(void)
{
    char conf[300];
    nginx.directory = make_directory();
    nginx.port = free_port();
    snprintf(conf, sizeof(conf), "%s/nginx.conf", nginx.directory);
    write_nginx_conf(false);
    const char *argv[] = { "nginx", "-e", "stderr", "-c", conf, NULL };
    nginx.pid = server_start(nginx.directory, "nginx", argv);
    server_wait(nginx.pid, nginx.directory, "nginx", nginx.port);
}

static struct step web_step(const char *domain)
{
    return (
        struct step){ .action = "verify.web", .domain = domain, .probe_address = LOCAL, .probe_http_port = nginx.port };
}

static void a_site_answers_under_both_its_names(void **state)
{
    struct step step = web_step(DOMAIN);
    (void)state;
    int64_t began_us = clock_measure_us();
    struct move move = harness_attempt(&harness, &step, NULL, NULL);
    print_message("site check, three requests: %.1f ms\n", (double)(clock_measure_us() - began_us) / 1000);
    expect_done(&move, "the site answers under berth-live.test and www.berth-live.test, status 200");
}

static void a_closed_site_is_not_live(void **state)
{
    char port[16];
    (void)state;
    snprintf(port, sizeof(port), "%d", nginx.port);
    struct command_result result = harness_look(&harness, "http", LOCAL, port, "closed.test", "/", NULL);
    assert_int_equal(result.segments[0].exit_code, PROBE_WRONG);
    assert_non_null(strstr(result.segments[0].out, "status 403\n"));
    command_result_finish(&result);
}

static void reload_nginx_at_the_third_look(size_t look, void *context)
{
    (void)context;
    if (look != 2)
        return;
    write_nginx_conf(true);
    assert_int_equal(kill(nginx.pid, SIGHUP), 0);
}

/* Before the reload nginx answers 200 with its default page: a look at the status alone would call the site live. */
static void a_site_is_live_after_the_reload_and_not_before(void **state)
{
    struct step step = web_step("late.test");
    (void)state;
    int64_t began_us = clock_measure_us();
    struct move move = harness_attempt(&harness, &step, reload_nginx_at_the_third_look, NULL);
    print_message("site that comes with a reload: live after %" PRId64 " ms\n", (clock_measure_us() - began_us) / 1000);
    expect_done(&move, "the site answers under late.test and www.late.test, status 200");
}

/* ---- a mail server ------------------------------------------------------------------------------------------------ */

static struct {
    char *directory;
    int port;
    pid_t pid;
} dovecot;

#define PASSWORD "Tr0ub4dor-and-3"

static void make_certificate(void)
{
    char key[300], certificate[300];
    snprintf(key, sizeof(key), "%s/key.pem", dovecot.directory);
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", dovecot.directory);
    const char *argv[] = { "openssl",
                           "req",
                           "-x509",
                           "-newkey",
                           "ec",
                           "-pkeyopt",
                           "ec_paramgen_curve:P-256",
                           "-nodes",
                           "-days",
                           "30",
                           "-subj",
                           "/CN=mail.berth-live.test",
                           "-keyout",
                           key,
                           "-out",
                           certificate,
                           NULL };
    assert_int_equal(server_run(dovecot.directory, "openssl", argv), 0);
}

static void start_dovecot(void)
{
    char conf[300], mail[300];
    const struct passwd *user = getpwnam("mail");
    assert_non_null(user);
    dovecot.directory = make_directory();
    dovecot.port = free_port();
    make_certificate();
    snprintf(mail, sizeof(mail), "%s/mail", dovecot.directory);
    assert_int_equal(mkdir(mail, 0755), 0);
    assert_int_equal(chown(mail, user->pw_uid, user->pw_gid), 0);
    write_file(dovecot.directory, "users", "info@%s:{PLAIN}%s::::::\n", DOMAIN, PASSWORD);
    const char *at = dovecot.directory;
    write_file(at, "dovecot.conf",
               "base_dir = %s/run\nlog_path = /dev/stderr\nprotocols = imap\nlisten = 127.0.0.1\nssl = required\n"
               "ssl_cert = <%s/cert.pem\nssl_key = <%s/key.pem\nauth_failure_delay = 1 secs\n"
               "service imap-login {\n inet_listener imap {\n port = %d\n }\n inet_listener imaps {\n port = 0\n }\n}\n"
               "passdb {\n driver = passwd-file\n args = %s/users\n}\n"
               "userdb {\n driver = static\n args = uid=mail gid=mail home=%s/mail/%%d/%%n\n}\n"
               "mail_location = maildir:~/Maildir\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n",
               at, at, at, dovecot.port, at, at);
    snprintf(conf, sizeof(conf), "%s/dovecot.conf", dovecot.directory);
    const char *argv[] = { "dovecot", "-F", "-c", conf, NULL };
    dovecot.pid = server_start(dovecot.directory, "dovecot", argv);
    server_wait(dovecot.pid, dovecot.directory, "dovecot", dovecot.port);
}

static struct step mail_step(const char *mailbox, const char *password)
{
    return (struct step){
        .action = "verify.mail",
        .domain = DOMAIN,
        .mailbox = mailbox,
        .password = password,
        .node_hostname = "mail.berth-live.test",
        .probe_address = LOCAL,
        .probe_imap_port = dovecot.port,
    };
}

static bool has_dovecot(void)
{
    if (dovecot.pid > 0)
        return true;
    print_message("not as root: dovecot needs users of its own\n");
    return false;
}

static void the_mailbox_opens_over_starttls(void **state)
{
    struct step step = mail_step("info", PASSWORD);
    (void)state;
    if (!has_dovecot())
        skip();
    int64_t began_us = clock_measure_us();
    struct move move = harness_attempt(&harness, &step, NULL, NULL);
    print_message("mailbox check: %.1f ms\n", (double)(clock_measure_us() - began_us) / 1000);
    expect_done(&move, "the mailbox info@" DOMAIN " opens over STARTTLS; the certificate was not verified");
}

static void a_wrong_password_is_named_in_the_servers_words(void **state)
{
    struct step step = mail_step("info", "wrong-password-9");
    (void)state;
    if (!has_dovecot())
        skip();
    struct move move = harness_attempt(&harness, &step, NULL, NULL);
    assert_null(strstr(move.detail, "wrong-password-9"));
    expect_end(&move, "verify.mail-login", "127.0.0.1 port");
}

static void the_mail_server_greets(void **state)
{
    struct step step = mail_step(NULL, NULL);
    (void)state;
    if (!has_dovecot())
        skip();
    struct move move = harness_attempt(&harness, &step, NULL, NULL);
    expect_done(&move, "the mail server greets");
}

/* One IMAP look with these options. */
static struct command_result look_at_mailbox(const char *password, const char *option, const char *name)
{
    char port[16];
    struct command *command = command_create();
    snprintf(port, sizeof(port), "%d", dovecot.port);
    struct segment *segment = command_add(command, "imap", name, NULL);
    if (option != NULL)
        segment_add_word(segment, option);
    segment_add_word(segment, LOCAL);
    segment_add_word(segment, port);
    segment_add_word(segment, "info@" DOMAIN);
    segment_set_input(segment, INPUT_STDIN, password);
    return harness_run(&harness, command);
}

static void facts_of_a_mailbox_say_how_far_it_came(void **state)
{
    (void)state;
    if (!has_dovecot())
        skip();
    struct command_result result = look_at_mailbox(PASSWORD, NULL, "name=mail.berth-live.test");
    assert_int_equal(result.segments[0].exit_code, PROBE_ANSWERED);
    assert_non_null(
        strstr(result.segments[0].out, "tls yes\ncertificate unverified\nsubject CN = mail.berth-live.test\n"));
    assert_non_null(strstr(result.segments[0].out, "login yes\nmailbox yes\n"));
    assert_non_null(strstr(result.segments[0].out, "expires "));
    command_result_finish(&result);

    result = look_at_mailbox("wrong-password-9", NULL, "name=mail.berth-live.test");
    assert_int_equal(result.segments[0].exit_code, PROBE_WRONG);
    assert_non_null(strstr(result.segments[0].out, "login no\nmailbox no\n"));
    assert_non_null(strstr(result.segments[0].err, "the server said: A"));
    assert_null(strstr(result.segments[0].err, "wrong-password-9"));
    command_result_finish(&result);

    result = look_at_mailbox(PASSWORD, "verify=yes", "name=mail.berth-live.test");
    assert_int_equal(result.segments[0].exit_code, PROBE_WRONG);
    assert_non_null(strstr(result.segments[0].out, "login no\n"));
    assert_non_null(strstr(result.segments[0].err, "certificate"));
    command_result_finish(&result);
}

/* ---- all together ------------------------------------------------------------------------------------------------- */

static int start_servers(void **state)
{
    (void)state;
    harness_open(&harness, 0);
    start_bind(&binds[0]);
    start_bind(&binds[1]);
    start_nginx();
    if (geteuid() == 0)
        start_dovecot();
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    harness_close(&harness);
    for (size_t i = 0; i < ARRAY_LEN(binds); i++) {
        server_stop(binds[i].pid);
        remove_directory(binds[i].directory);
    }
    server_stop(nginx.pid);
    remove_directory(nginx.directory);
    if (dovecot.pid > 0) {
        server_stop(dovecot.pid);
        remove_directory(dovecot.directory);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_name_servers_answer_all_17_records),
        cmocka_unit_test(a_name_server_that_is_mended_meanwhile_passes_in_the_same_attempt),
        cmocka_unit_test(an_answer_too_large_for_udp_comes_over_tcp),
        cmocka_unit_test(a_site_answers_under_both_its_names),
        cmocka_unit_test(a_site_is_live_after_the_reload_and_not_before),
        cmocka_unit_test(a_closed_site_is_not_live),
        cmocka_unit_test(the_mailbox_opens_over_starttls),
        cmocka_unit_test(a_wrong_password_is_named_in_the_servers_words),
        cmocka_unit_test(the_mail_server_greets),
        cmocka_unit_test(facts_of_a_mailbox_say_how_far_it_came),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
