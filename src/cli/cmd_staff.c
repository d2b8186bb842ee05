/* cmd_staff.c - berthctl staff, token, audit: who may do what, and who did what. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/password.h"
#include "cli/term.h"

/* ---- people ------------------------------------------------------------------------------------------------------- */

static void add_person_row(struct table *table, const json_t *person)
{
    const char *last = cli_text(person, "last_login_at");
    const char *cells[] = { cli_text(person, "id"), cli_text(person, "name"), cli_text(person, "role"),
                            json_is_true(json_object_get(person, "disabled")) ? "no" : "yes",
                            last[0] == '\0' ? "never" : term_time(last) };
    table_add(table, cells);
}

static enum cli_exit staff_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "NAME", "ROLE", "MAY LOG IN", "LAST LOGIN", NULL };
    static const struct list list = { "staff", titles, add_person_row,
                                      "There is nobody yet: berthctl staff add NAME --role owner", false };
    (void)args;
    return list_print(cli, "/api/v1/staff", &list);
}

/* What was said; a password that was made is shown, once. Takes the answer. */
static enum cli_exit print_person(struct cli *cli, const struct cli_args *args, json_t *answer, const char *said,
                                  const char *password)
{
    bool shown = cli_has(args, "generate");
    if (cli->json) {
        if (shown)
            json_object_set_new(answer, "password", json_string(password));
        return cli_print_json(answer);
    }
    printf("%s %s\n", cli_text(answer, "name"), said);
    term_field("role", cli_text(answer, "role"));
    term_field("may log in", json_is_true(json_object_get(answer, "disabled")) ? "no" : "yes");
    if (shown)
        term_field("password", password);
    json_decref(answer);
    return CLI_OK;
}

/* Asks for a password and puts it into the body. */
static bool add_password(json_t *body, const struct cli_args *args, char **ret_password)
{
    struct err err;
    if (!password_get(args, ret_password, &err)) {
        (void)cli_fail(&err);
        return false;
    }
    json_t *value = json_string(*ret_password);
    if (value != NULL) {
        json_object_set_new(body, "password", value);
        return true;
    }
    password_free(*ret_password);
    err_set(&err, ERR_INVALID, "the password must be UTF-8 text");
    (void)cli_fail(&err);
    return false;
}

static enum cli_exit staff_add(struct cli *cli, const struct cli_args *args)
{
    char *password;
    json_t *answer, *body = json_pack("{s:s}", "name", args->words[0]);
    const char *role = cli_get(args, "role");
    if (role == NULL) {
        json_decref(body);
        return cli_usage("--role is needed: viewer, operator or owner");
    }
    cli_set_text(body, "role", args, "role");
    if (!add_password(body, args, &password)) {
        json_decref(body);
        return CLI_FAILED;
    }
    bool ok = cli_call(cli, "POST", "/api/v1/staff", body, &answer);
    enum cli_exit status = ok ? print_person(cli, args, answer, "may log in now", password) : CLI_FAILED;
    password_free(password);
    return status;
}

/* Id of the person with this name (or id). Says what is wrong. */
static bool find_person(struct cli *cli, const char *name, int64_t *ret_id)
{
    json_t *answer, *person;
    size_t i;
    const char *id = NULL;
    struct err err;
    if (!cli_call(cli, "GET", "/api/v1/staff", NULL, &answer))
        return false;
    json_array_foreach(json_object_get(answer, "staff"), i, person)
    {
        if (strcmp(cli_text(person, "name"), name) == 0 || strcmp(cli_text(person, "id"), name) == 0)
            id = cli_text(person, "id");
    }
    bool found = id != NULL && cli_parse_id(id, ret_id);
    json_decref(answer);
    if (!found) {
        err_set(&err, ERR_NOT_FOUND, "there is nobody called \"%s\"; berthctl staff list shows them", name);
        (void)cli_fail(&err);
    }
    return found;
}

/* Takes the body. */
static bool patch_person(struct cli *cli, int64_t id, json_t *body, json_t **ret_answer)
{
    CLEANUP(freep) char *path = xasprintf("/api/v1/staff/%" PRId64, id);
    return cli_call(cli, "PATCH", path, body, ret_answer);
}

static enum cli_exit staff_set(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    bool disable = cli_has(args, "disable"), enable = cli_has(args, "enable");
    if (disable && enable)
        return cli_usage("--disable and --enable exclude each other");
    if (!disable && !enable && cli_get(args, "role") == NULL)
        return cli_usage("say what to change: --role, --disable or --enable");
    if (!find_person(cli, args->words[0], &id))
        return CLI_FAILED;
    json_t *body = json_object();
    cli_set_text(body, "role", args, "role");
    if (disable || enable)
        json_object_set_new(body, "disabled", json_boolean(disable));
    if (!patch_person(cli, id, body, &answer))
        return CLI_FAILED;
    return print_person(cli, args, answer, "was changed", NULL);
}

static enum cli_exit staff_passwd(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    char *password;
    json_t *answer;
    if (!find_person(cli, args->words[0], &id))
        return CLI_FAILED;
    json_t *body = json_object();
    if (!add_password(body, args, &password)) {
        json_decref(body);
        return CLI_FAILED;
    }
    bool ok = patch_person(cli, id, body, &answer);
    enum cli_exit status =
        ok ? print_person(cli, args, answer, "has a new password and is logged out everywhere", password) : CLI_FAILED;
    password_free(password);
    return status;
}

static const struct cli_option add_options[] = {
    { "role", "ROLE", "viewer, operator or owner" },
    PASSWORD_OPTIONS,
    CLI_OPTIONS_END,
};
static const struct cli_option set_options[] = {
    { "role", "ROLE", "viewer, operator or owner" },
    { "disable", NULL, "cannot log in any more, and is logged out" },
    { "enable", NULL, "may log in again" },
    CLI_OPTIONS_END,
};
static const struct cli_option passwd_options[] = { PASSWORD_OPTIONS, CLI_OPTIONS_END };
static const struct cli_command staff_commands[] = {
    { "list", "", 0, NULL, staff_list, "list the people who may log in" },
    { "add", "NAME", 1, add_options, staff_add, "add somebody; asks for the password" },
    { "set", "NAME", 1, set_options, staff_set, "change a role, disable or enable somebody" },
    { "passwd", "NAME", 1, passwd_options, staff_passwd, "give somebody a new password" },
};
const struct cli_group cli_staff = { "staff", "the people who may log in", staff_commands, ARRAY_LEN(staff_commands) };

/* ---- tokens ------------------------------------------------------------------------------------------------------- */

static void add_token_row(struct table *table, const json_t *token)
{
    const char *revoked = cli_text(token, "revoked_at");
    const char *cells[] = { cli_text(token, "id"), cli_text(token, "name"), cli_text(token, "role"),
                            term_time(cli_text(token, "created_at")), revoked[0] == '\0' ? "" : term_time(revoked) };
    table_add(table, cells);
}

static enum cli_exit token_list(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "ID", "NAME", "ROLE", "MADE", "REVOKED", NULL };
    static const struct list list = { "tokens", titles, add_token_row, "There are no tokens.", false };
    (void)args;
    return list_print(cli, "/api/v1/tokens", &list);
}

static enum cli_exit token_add(struct cli *cli, const struct cli_args *args)
{
    json_t *answer, *body = json_pack("{s:s}", "name", args->words[0]);
    if (cli_get(args, "role") == NULL) {
        json_decref(body);
        return cli_usage("--role is needed: viewer, operator (places orders) or owner");
    }
    cli_set_text(body, "role", args, "role");
    if (!cli_call(cli, "POST", "/api/v1/tokens", body, &answer))
        return CLI_FAILED;
    if (cli->json)
        return cli_print_json(answer);
    printf("token %s added, with the role %s; its text is shown only now:\n\n%s\n", cli_text(answer, "name"),
           cli_text(answer, "role"), cli_text(answer, "token"));
    json_decref(answer);
    return CLI_OK;
}

static enum cli_exit token_revoke(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer = NULL;
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    CLEANUP(freep) char *path = xasprintf("/api/v1/tokens/%" PRId64, id);
    if (!cli_call(cli, "DELETE", path, NULL, &answer))
        return CLI_FAILED;
    json_decref(answer);
    if (cli->json)
        return cli_print_json(json_object());
    printf("token %" PRId64 " does not work any more\n", id);
    return CLI_OK;
}

static const struct cli_option token_options[] = {
    { "role", "ROLE", "viewer, operator (places orders) or owner" },
    CLI_OPTIONS_END,
};
static const struct cli_command token_commands[] = {
    { "list", "", 0, NULL, token_list, "list the tokens, without their texts" },
    { "add", "NAME", 1, token_options, token_add, "make a token for a program; prints it once" },
    { "revoke", "ID", 1, NULL, token_revoke, "make a token worthless" },
};
const struct cli_group cli_token = { "token", "what programs show instead of a password", token_commands,
                                     ARRAY_LEN(token_commands) };

/* ---- the record --------------------------------------------------------------------------------------------------- */

static void add_audit_row(struct table *table, const json_t *entry)
{
    const char *cells[] = { term_time(cli_text(entry, "at")), cli_text(entry, "who"), cli_text(entry, "action"),
                            cli_text(entry, "target"), cli_text(entry, "detail") };
    table_add(table, cells);
}

static enum cli_exit audit_show(struct cli *cli, const struct cli_args *args)
{
    static const char *const titles[] = { "WHEN", "WHO", "DID", "TO", "DETAIL", NULL };
    static const struct list list = { "entries", titles, add_audit_row, "Nothing has been done yet.", true };
    CLEANUP(freep) char *path = list_path("/api/v1/audit", args, NULL);
    return list_print(cli, path, &list);
}

static const struct cli_option audit_options[] = { LIST_PAGE_OPTIONS, CLI_OPTIONS_END };
static const struct cli_command audit_commands[] = {
    { "", "", 0, audit_options, audit_show, "who did what, the newest first" },
};
const struct cli_group cli_audit = { "audit", "who did what", audit_commands, ARRAY_LEN(audit_commands) };
