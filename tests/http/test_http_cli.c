/* test_http_cli.c - berthctl as a person and as a script use it: against a real server with a real database. */
#include "shared.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t service_id;

struct result {
    int status;
    char *out, *err; /* owned */
};

static char *read_whole(const char *path)
{
    struct buf text = BUF_INIT;
    char piece[4096];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t got; (got = fread(piece, 1, sizeof(piece), file)) > 0;)
        buf_add(&text, piece, got);
    fclose(file);
    return buf_steal(&text);
}

/* In a shell, with the server and token of the fixture in the environment. */
static struct result run(const char *command)
{
    char out[128], err[128];
    snprintf(out, sizeof(out), "%s/out", fixture.dir);
    snprintf(err, sizeof(err), "%s/err", fixture.dir);
    CLEANUP(freep)
    char *line = xasprintf(
        "export BERTH_URL=http://127.0.0.1:%d BERTH_TOKEN=%s LC_ALL=C.UTF-8 TZ=UTC HOME=%s DIR=%s; "
        "berthctl() { " BERTHCTL " \"$@\"; }; (%s) >%s 2>%s </dev/null",
        fixture.port, fixture.token, fixture.dir, fixture.dir, command, out, err);
    int status = system(line);
    assert_true(WIFEXITED(status));
    return (struct result){ WEXITSTATUS(status), read_whole(out), read_whole(err) };
}

static void result_finish(struct result *result)
{
    free(result->out);
    free(result->err);
}

static int begin(void **state)
{
    fixture_begin(state);
    service_id = fixture_order(&fixture, "sh\xc3\xb6p.example");
    return 0;
}

static const struct spoken {
    const char *command;
    int status;
    const char *out, *err; /* parts of what is said; "" nothing at all; NULL whatever */
} commands[] = {
    { "berthctl", 2, "", "usage: berthctl" },
    { "berthctl --help", 0, "usage: berthctl", "" },
    { "berthctl --version", 0, "berthctl 0.", "" },
    { "berthctl node --help", 0, "berthctl node - ", "" },
    { "berthctl node add --help", 0, "--roles LIST", "" },
    { "berthctl node", 2, "", "berthctl node - " },
    { "berthctl nodes", 2, "", "there is no command \"nodes\"" },
    { "berthctl node frob", 2, "", "there is no command \"node frob\"" },
    { "berthctl node list --frob", 2, "", "there is no option --frob here" },
    { "berthctl node list extra", 2, "", "one word too many" },
    { "berthctl node show", 2, "", "usage: berthctl node show NAME" },
    { "berthctl service list --limit", 2, "", "--limit needs a value" },
    { "berthctl service list --json=1", 2, "", "--json takes no value" },
    { "berthctl service show x", 2, "", "\"x\" is not an id" },
    { "berthctl node set web1", 2, "", "say what to change" },
    { "berthctl node set web1 --capacity many", 2, "", "must be a whole number" },
    { "berthctl product add p --group eu --web disk", 2, "", "takes FIELD=VALUE" },
    { "berthctl service create --options [] --product basic", 2, "", "must be a JSON object" },
    { "berthctl task list --service 1 --state done", 2, "", "leave the other options out" },

    { "berthctl service show 999", 1, "", "berthctl: there is no service 999\n" },
    { "berthctl node show web9", 1, "", "there is no node \"web9\"" },
    { "BERTH_TOKEN=wrong berthctl node list", 1, "", "this is not a token of berth" },
    { "BERTH_URL=http://127.0.0.1:1 berthctl node list", 1, "", "berthd at http://127.0.0.1:1 does not answer" },
    { "BERTH_URL=localhost berthctl node list", 1, "", "must begin with http://" },
    { "berthctl service create --product gold --domain x.example --client-id 1 --client-email a@b.example", 1, "",
      "there is no product \"gold\"" },
    { "berthctl product add p --group eu --file /nowhere", 1, "", "/nowhere cannot be opened" },
    { "echo '{' >$DIR/p.json; berthctl product add p --group eu --file $DIR/p.json", 1, "",
      "is not a JSON object: line" },
    { "berthctl node add bad --address 192.0.2.1 --port 2 --roles web --group eu --hostname bad.example.net", 1, "",
      "the host key of 192.0.2.1, port 2, cannot be read" },

    { "berthctl node list", 0, "web1  active", "" },
    { "berthctl node list", 0, "no limit", "" },
    { "berthctl reveal x", 2, "", "is not the id of a service" },
    { "berthctl reveal 1 --dir /nowhere", 1, "", "/nowhere/berth.key" },
    { "berthctl node show web1", 0, "hostname       web1.example.net\n", "" },
    { "berthctl node add mx1 --address 192.0.2.7 --roles mail,web --group eu --hostname mx1.example.net --capacity 5",
      0, "Compare its host key", "" },
    { "berthctl node test mx1", 0, "mx1 is fine\nversion        1.10.3\n", "" },
    { "berthctl node set mx1 --state paused", 0, "state          paused\n", "" },
    { "berthctl group add asia --title Asia", 0, "group asia added\n", "" },
    { "berthctl group list", 0, "asia  Asia\n", "" },
    { "echo '{\"web\":{\"disk_mb\":10},\"dns\":{}}' | (cat >$DIR/p.json; berthctl product add big --group eu --file "
      "$DIR/p.json --web php=8.2 --roles mail)",
      0, "product big added\n", "" },
    { "berthctl product list", 0, "big    split  eu     web,mail,dns", "" },
    { "berthctl product list --json | python3 -c 'import json,sys; "
      "print(json.load(sys.stdin)[\"products\"][1][\"web\"])'",
      0, "'php': '8.2'", "" },
    { "printf '@ NS {ns1}\\n' >$DIR/z; berthctl zone-template put mine $DIR/z", 0, "zone template mine stored\n", "" },
    { "berthctl staff add ada", 2, "", "--role is needed" },
    { "printf 'a-good-secret\\nmore\\n' | berthctl staff add ada --role owner --password-stdin", 0,
      "ada may log in now\nrole           owner\nmay log in     yes\n", "" },
    { "printf '\\n' | berthctl staff add bob --role owner --password-stdin", 1, "", "has no password" },
    { "echo short | berthctl staff add bob --role owner --password-stdin", 1, "", "10 to 200 bytes" },
    { "setsid " BERTHCTL " staff add bob --role owner", 1, "", "there is no terminal" },
    { "(sleep 0.3; echo a-good-secret; sleep 0.3; echo another-secret) | script -qec '" BERTHCTL
      " staff add bob --role owner' /dev/null",
      1, "are not the same", "" },
    { "(sleep 0.3; echo a-good-secret; sleep 0.3; echo a-good-secret) | NO_COLOR=1 script -qec '" BERTHCTL
      " staff add bea --role viewer' /dev/null",
      0, "bea may log in now", "" },
    { "berthctl staff add bob --role viewer --generate", 0, "password       ", "" },
    { "berthctl staff passwd bob --generate --json", 0, "\"password\": \"", "" },
    { "berthctl staff set bob", 2, "", "say what to change" },
    { "berthctl staff set bob --disable --enable", 2, "", "exclude each other" },
    { "berthctl staff set bob --role operator --disable", 0, "role           operator\nmay log in     no\n", "" },
    { "berthctl staff set ada --disable", 1, "", "this is the only owner" },
    { "berthctl staff set eve --disable", 1, "", "there is nobody called \"eve\"" },
    { "berthctl staff list", 0, "3   bob   operator  no          never\n", "" },
    { "berthctl token add whmcs", 2, "", "--role is needed" },
    { "berthctl token add whmcs --role operator", 0, "shown only now:\n\nberth_", "" },
    { "BERTH_TOKEN=$(berthctl token add look --role viewer | tail -n 1) berthctl group add other", 1, "",
      "this needs the role owner, but look has the role viewer\n" },
    { "berthctl token revoke 2", 0, "token 2 does not work any more\n", "" },
    { "berthctl token list", 0, "2   whmcs  operator", "" },
    { "berthctl audit --limit 1", 0, "admin (token 1)  token.revoke  token 2 whmcs", "" },
    { "berthctl zone-template show mine", 0, "@ NS {ns1}\n", "" },
    { "berthctl zone-template list", 0, "NAME\nmine\n", "" },
    { "berthctl service create --product basic --domain a.example --client-id 1 --client-email a@b.example "
      "--external-id e1 --mailbox info",
      0, "is accepted\ncustomer's page: https://berth.example.net/s/", "" },
    { "berthctl service create --product basic --domain a.example --client-id 1 --client-email a@b.example "
      "--external-id e1 --mailbox info",
      0, "was ordered before", "" },
    { "berthctl service list", 0, "sh\xc3\xb6p.example  accepted  basic    Ada     2023-11-14 22:13:20", "" },
    { "berthctl service show 2", 0, "client         1 <a@b.example>\n", "" },
    { "berthctl service list --domain 'a*' --json", 0, "\"external_id\": \"e1\"", "" },
    { "berthctl service list --status live", 0, "There are no such services.\n", "" },
    { "berthctl service list --limit 1", 0, "There are more: --cursor 2\n", "" },
    { "berthctl service show 1", 0, "web            not placed yet\n", "" },
    { "berthctl task list", 0, "There are no such tasks.\n", "" },
    { "berthctl task list --limit 0", 1, "", "limit" },
    { "berthctl ticket list --service 1 --state open --limit 5 --cursor 9", 0, "There are no tickets", "" },
    { "berthctl task retry 1", 1, "", "the task is running" },
    { "berthctl task fail 1", 1, "", "the task is done" },
    { "berthctl task adopt 1", 1, "", "only a conflict can be decided" },
    { "berthctl task rename x", 2, "", "is not an id" },
    { "berthctl task list --operation 1 --node web1", 2, "", "leave the other options out" },
    { "berthctl service redeploy 1", 0, "operation 1: redeploy of service 1\n", "" },
    { "berthctl service verify 1 --json", 0, "\"kind\": \"verify\"", "" },
    { "berthctl service cancel 1", 0, "what was under way for service 1 is cancelled\n", "" },
    { "berthctl service retry 1", 0, "3 tasks are tried again\n", "" },
    { "berthctl task list --operation 1", 0, "There are no such tasks.\n", "" },
    { "berthctl operation bundle 1 --out $DIR/run.json && berthctl operation verify $DIR/run.json", 0,
      "unchanged: operation 1 of xn--shp-tna.example\ninstallation abc123\nkey ", "" },
    { "(cat $DIR/run.json; head -c 2000000 /dev/zero | tr '\\0' ' ') | berthctl operation verify -", 0, "unchanged",
      "" },
    { "sed -i s/redeploy/removing/ $DIR/run.json; berthctl operation verify $DIR/run.json", 1, "",
      "its signature is wrong" },
    { "berthctl operation bundle 1 | berthctl operation verify - --key AAAA", 1, "", "signed with another key" },
    { "echo no | berthctl operation verify -", 1, "", "its signature is wrong" },
    { "berthctl operation bundle 999", 1, "", "there is no operation 999" },
    { "berthctl task log 1", 1, "", "there is no task 1" },
    { "berthctl queue", 0, "queued", "" },

    { "berthctl settings changes", 0, "Nothing has been changed yet.\n", "" },
    { "berthctl settings list | tr -s ' '", 0, "retry.first 4 s 4 s 100 ms to 1 h the least pause", "" },
    { "berthctl settings get retry.first", 0, "range          100 ms to 1 h\n", "" },
    { "berthctl settings get retry.frist", 1, "", "there is no setting \"retry.frist\"" },
    { "berthctl settings set retry.first", 2, "", "usage: berthctl settings set NAME VALUE" },
    { "berthctl settings set retry.frist 1", 1, "", "there is no setting retry.frist: did you mean retry.first\n" },
    { "berthctl settings set retry.first '5 d'", 1, "",
      "retry.first must be a time (in ms, s, min, h or d) between 100 ms and 1 h, not \"5 d\"\n" },
    { "berthctl settings set retry.first 10000ms", 0, "value          10 s\n", "" },
    { "berthctl settings get retry.first --json | python3 -c 'import json,sys; "
      "d = json.load(sys.stdin); print(d[\"value\"], d[\"default\"], d[\"set\"])'",
      0, "10 s 4 s True", "" },
    { "berthctl settings set retry.node_attempts 30", 0, "value          30\n", "" },
    { "berthctl settings reset retry.node_attempts", 0, "value          general\n", "" },
    { "berthctl settings get retry.node_attempts", 0, "range          0 to 1000, or general\n", "" },
    { "berthctl settings set retry.attempts general", 1, "",
      "retry.attempts must be a whole number between 0 and 1000" },
    { "echo hunter2hunter2 | berthctl settings set notify.smtp_password -", 0, "value          (set)\n", "" },
    { "berthctl settings reset retry.first", 0, "value          4 s\n", "" },
    { "berthctl settings changes --limit 1", 0, "There are more: --cursor 5\n", "" },
    { "berthctl settings changes", 0, "notify.smtp_password", "" },
    { "berthctl settings changes --json; berthctl settings list --json", 0, "\"to\": \"(changed)\"", "" },
    { "(berthctl settings changes --json; berthctl settings list --json; berthctl settings list) | grep -c hunter2", 1,
      "0\n", "" },
};

static void commands_say_what_they_did_or_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct spoken *spoken = &commands[i];
        struct result result = run(spoken->command);
        bool out_fits = spoken->out[0] == '\0' ? result.out[0] == '\0' : strstr(result.out, spoken->out) != NULL;
        bool err_fits = spoken->err[0] == '\0' ? result.err[0] == '\0' : strstr(result.err, spoken->err) != NULL;
        if (result.status != spoken->status || !out_fits || !err_fits)
            fail_msg("%s: exit %d\nout: %s\nerr: %s", spoken->command, result.status, result.out, result.err);
        if (strchr(result.out, '\033') != NULL)
            fail_msg("%s: an escape in a pipe", spoken->command);
        result_finish(&result);
    }
}

static void a_log_that_was_removed_says_so(void **state)
{
    (void)state;
    int64_t task_id, attempt_id;
    char command[64];
    fixture_add_old_work(&fixture, service_id, &task_id, &attempt_id);
    snprintf(command, sizeof(command), "berthctl task log %lld -f", (long long)task_id);
    struct result result = run(command);
    if (result.status != 0 ||
        strstr(result.out, "removed on 2023-11-14 22:13:20: it was older than history.logs") == NULL)
        fail_msg("exit %d\nout: %s\nerr: %s", result.status, result.out, result.err);
    result_finish(&result);
    snprintf(command, sizeof(command), "berthctl task show %lld", (long long)task_id);
    result = run(command);
    if (result.status != 0 || strstr(result.out, "  removed") == NULL)
        fail_msg("exit %d\nout: %s\nerr: %s", result.status, result.out, result.err);
    result_finish(&result);
}

static void tasks_are_listed_page_by_page(void **state)
{
    (void)state;
    int64_t task_id, attempt_id;
    fixture_add_deployment(&fixture, service_id, &task_id, &attempt_id);
    struct result first = run("berthctl task list --limit 3");
    struct result rest =
        run("berthctl task list --node web1 --limit 3 --cursor $(berthctl task list --limit 3 | "
            "sed -n 's/^There are more: --cursor //p')");
    if (strstr(first.out, "verify.web") == NULL || strstr(first.out, "web.package") != NULL)
        fail_msg("out: %s\nerr: %s", first.out, first.err);
    if (strstr(rest.out, "web.package") == NULL || strstr(rest.out, "web.user") != NULL)
        fail_msg("out: %s\nerr: %s", rest.out, rest.err);
    result_finish(&first);
    result_finish(&rest);
}

/* Every "  group verb WORDS   help" line of the help begins as a line of the manual does. */
static void the_manual_has_every_command(void **state)
{
    (void)state;
    struct result help = run("berthctl --help");
    char *manual = read_whole(MANUAL_PATH);
    size_t count = 0;
    const char *end = strstr(help.out, "\noptions for every command");
    for (char *line = strstr(help.out, "\n  "); line != NULL && line < end; line = strstr(line + 1, "\n  ")) {
        struct buf words = BUF_INIT; /* "node add", with hyphens as the manual writes them */
        for (const char *at = line + 3;
             (*at >= 'a' && *at <= 'z') || *at == '-' || (*at == ' ' && at[1] >= 'a' && at[1] <= 'z'); at++)
            buf_addf(&words, "%s%c", *at == '-' ? "\\" : "", *at);
        char in_quotes[80], alone[80];
        snprintf(in_quotes, sizeof(in_quotes), "\n.BI \"%s\" ", buf_text(&words));
        snprintf(alone, sizeof(alone), "\n.B \"%s\"\n", buf_text(&words));
        bool one_word = strchr(buf_text(&words), ' ') == NULL;
        if (one_word) {
            snprintf(in_quotes, sizeof(in_quotes), "\n.BI %s ", buf_text(&words));
            snprintf(alone, sizeof(alone), "\n.B %s\n", buf_text(&words));
        }
        if (strstr(manual, in_quotes) == NULL && strstr(manual, alone) == NULL)
            fail_msg("man/berthctl.1 does not have \"%s\"", buf_text(&words));
        buf_finish(&words);
        count++;
    }
    assert_true(count > 15);
    free(manual);
    result_finish(&help);
}

static void a_terminal_gets_colours_and_its_width(void **state)
{
    (void)state;
    struct result plain = run("TERM=xterm NO_COLOR=1 script -qec 'stty cols 50; " BERTHCTL " service list' /dev/null");
    assert_int_equal(plain.status, 0);
    assert_null(strstr(plain.out, "\033[3"));
    struct result coloured =
        run("unset NO_COLOR; TERM=xterm script -qec 'stty cols 50; " BERTHCTL " service list' /dev/null");
    assert_non_null(strstr(coloured.out, "\033[36maccepted"));
    const char *line = plain.out;
    while (*line != '\0') {
        size_t bytes = strcspn(line, "\r\n"), columns = 0;
        for (size_t i = 0; i < bytes; i++)
            columns += ((unsigned char)line[i] & 0xc0) != 0x80;
        if (columns > 50)
            fail_msg("a line of %zu columns: %.*s", columns, (int)bytes, line);
        line += bytes + strspn(line + bytes, "\r\n");
    }
    result_finish(&plain);
    result_finish(&coloured);
}

/* ---- watch ---------------------------------------------------------------------------------------------------------- */

static enum service_status next_status;

static void *end_service(void *context)
{
    struct err err;
    struct service service;
    usleep(600000); /* the watcher must have seen the state before: it is not told, it looks */
    fixture_begin_writing(&fixture);
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.status = next_status;
    free(service.reason);
    service.reason = xstrdup(next_status == SERVICE_FAILED ? "the disk is full" : "");
    must(store_update_service(fixture.store, &service, &err));
    fixture_end_writing(&fixture);
    service_finish(&service);
    return context;
}

static void watch_ends_with_the_service(void **state)
{
    static const struct {
        enum service_status status;
        int want;
        const char *out, *err;
    } cases[] = { { SERVICE_LIVE, 0, "  0% accepted\n", "" },
                  { SERVICE_FAILED, 1, "  0% accepted\n", "is failed: the disk is full" } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pthread_t thread;
        next_status = SERVICE_ACCEPTED;
        end_service(NULL);
        next_status = cases[i].status;
        assert_int_equal(pthread_create(&thread, NULL, end_service, NULL), 0);
        struct result result = run("berthctl service watch 1");
        pthread_join(thread, NULL);
        if (result.status != cases[i].want || strstr(result.out, cases[i].out) == NULL ||
            strstr(result.err, cases[i].err) == NULL)
            fail_msg("exit %d\nout: %s\nerr: %s", result.status, result.out, result.err);
        result_finish(&result);
    }
}

/** One step that was never measured: its weight says how many tenths of a second. */
static void add_unmeasured_work(int64_t weight)
{
    struct err err;
    char text[] = "verify.web", none[] = "";
    struct operation operation = {
        .service_id = service_id, .pipeline = text, .pipeline_hash = none, .weight_total = weight
    };
    struct task task = { .service_id = service_id,
                         .key = text,
                         .action = text,
                         .label_key = text,
                         .lane = TASK_LANE_PROBE,
                         .state = TASK_QUEUED,
                         .weight = weight,
                         .cause_id = none,
                         .reason = none,
                         .inputs_hash = none };
    struct service service;
    fixture_begin_writing(&fixture);
    must(store_insert_operation(fixture.store, &operation, &err));
    task.operation_id = operation.id;
    must(store_insert_task(fixture.store, &task, &err));
    must(store_get_service(fixture.store, service_id, &service, &err));
    service.status = SERVICE_DEPLOYING;
    service.reason[0] = '\0';
    service.operation_id = operation.id;
    must(store_update_service(fixture.store, &service, &err));
    fixture_end_writing(&fixture);
    service_finish(&service);
}

static void watch_tells_the_time_left(void **state)
{
    static const struct {
        int64_t weight;
        const char *left;
    } cases[] = { { 450, "  0% deploying, perhaps 45 s left\n" },
                  { 10, "  0% deploying, perhaps a few seconds left\n" } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pthread_t thread;
        add_unmeasured_work(cases[i].weight);
        next_status = SERVICE_LIVE;
        assert_int_equal(pthread_create(&thread, NULL, end_service, NULL), 0);
        struct result result = run("berthctl service watch 1");
        pthread_join(thread, NULL);
        if (strstr(result.out, cases[i].left) == NULL)
            fail_msg("exit %d\nout: %s\nerr: %s", result.status, result.out, result.err);
        result_finish(&result);
    }
}

/* ---- init ----------------------------------------------------------------------------------------------------------- */

static mode_t mode_of(const char *name)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof(path), "%s/new/%s", fixture.dir, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void init_makes_an_installation_once(void **state)
{
    (void)state;
    struct result first = run("cd $DIR && berthctl init --dir new --listen 127.0.0.1:1 --pipelines " PIPELINES_DIR);
    assert_string_equal(first.err, "");
    assert_int_equal(first.status, 0);
    const char *token = strstr(first.out, "berth_");
    assert_non_null(token);
    assert_int_equal(mode_of("berth.key"), 0600);
    assert_int_equal(mode_of("ssh_key"), 0600);
    assert_int_equal(mode_of("ctl.json"), 0600);
    assert_int_equal(mode_of("berth.db"), 0600);

    char url[200], text[TOKEN_LENGTH + 1];
    unsigned char hash[TOKEN_HASH_BYTES];
    struct api_token found_token = { 0 };
    bool found = false;
    struct store *store = NULL;
    struct err err;
    size_t count = 0;
    char **names = NULL;
    snprintf(url, sizeof(url), "sqlite://%s/new/berth.db", fixture.dir);
    snprintf(text, sizeof(text), "%s", token);
    assert_true(token_hash(text, hash));
    must(store_open_reader(url, &store, &err));
    must(store_find_token(store, hash, &found_token, &found, &err));
    assert_true(found && found_token.role == STAFF_OWNER);
    api_token_finish(&found_token);
    must(store_list_zone_templates(store, &names, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "default");
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    store_close(store);

    struct result again = run("cd $DIR && berthctl init --dir new --pipelines " PIPELINES_DIR);
    assert_int_equal(again.status, 1);
    assert_non_null(strstr(again.err, "berth.yaml exists already: nothing was changed"));
    result_finish(&first);
    result_finish(&again);
}

static void init_leaves_nothing_behind_when_it_fails(void **state)
{
    (void)state;
    struct result result =
        run("berthctl init --dir $DIR/half --pipelines /nowhere; status=$?; ls $DIR/half; exit $status");
    assert_int_equal(result.status, 1);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "/nowhere/zones cannot be read"));
    result_finish(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_say_what_they_did_or_what_is_wrong),
        cmocka_unit_test(a_log_that_was_removed_says_so),
        cmocka_unit_test(the_manual_has_every_command),
        cmocka_unit_test(a_terminal_gets_colours_and_its_width),
        cmocka_unit_test(watch_ends_with_the_service),
        cmocka_unit_test(watch_tells_the_time_left),
        cmocka_unit_test(tasks_are_listed_page_by_page),
        cmocka_unit_test(init_makes_an_installation_once),
        cmocka_unit_test(init_leaves_nothing_behind_when_it_fails),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
