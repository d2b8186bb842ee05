/* cmd_bundle.c - berthctl operation: a run as one signed file, and whether such a file is as it was made. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "http/bundle.h"

/* ---- making one ------------------------------------------------------------------------------------------------------- */

static enum cli_exit write_file(const char *path, const json_t *file)
{
    struct err err;
    if (json_dump_file(file, path, JSON_COMPACT) == 0)
        return CLI_OK;
    err_set(&err, ERR_IO, "write %s: %s", path, strerror(errno));
    return cli_fail(&err);
}

static enum cli_exit operation_bundle(struct cli *cli, const struct cli_args *args)
{
    int64_t id;
    json_t *answer;
    const char *out = cli_get(args, "out");
    if (!cli_parse_id(args->words[0], &id))
        return CLI_USAGE;
    CLEANUP(freep) char *path = xasprintf("/api/v1/operations/%" PRId64 "/bundle", id);
    if (!cli_call(cli, "GET", path, NULL, &answer))
        return CLI_FAILED;
    if (out == NULL)
        return cli_print_json(answer);
    enum cli_exit status = write_file(out, answer);
    json_decref(answer);
    return status;
}

/* ---- checking one ----------------------------------------------------------------------------------------------------- */

static enum cli_exit say_signed(const json_t *file)
{
    struct err err;
    json_t *bundle = json_loads(cli_text(file, "bundle"), 0, NULL);
    if (bundle == NULL) {
        err_set(&err, ERR_INVALID, "what is signed is no JSON");
        return cli_fail(&err);
    }
    printf("unchanged: operation %s of %s\ninstallation %s\nkey %s\n",
           cli_text(json_object_get(bundle, "operation"), "id"), cli_text(json_object_get(bundle, "service"), "domain"),
           cli_text(bundle, "installation"), cli_text(json_object_get(file, "signature"), "public_key"));
    json_decref(bundle);
    return CLI_OK;
}

static enum cli_exit check(const json_t *file, const char *path, const char *key)
{
    struct err err;
    switch (bundle_check(file, key)) {
    case BUNDLE_UNCHANGED: return say_signed(file);
    case BUNDLE_CHANGED: err_set(&err, ERR_INVALID, "%s is not as it was made: its signature is wrong", path); break;
    case BUNDLE_OTHER_KEY: err_set(&err, ERR_INVALID, "%s is signed with another key", path); break;
    }
    return cli_fail(&err);
}

static enum cli_exit operation_verify(struct cli *cli, const struct cli_args *args)
{
    (void)cli;
    struct err err;
    CLEANUP(freep) char *text = NULL;
    if (sodium_init() < 0) {
        err_set(&err, ERR_BUG, "libsodium does not start");
        return cli_fail(&err);
    }
    if (!cli_read_large_file(args->words[0], BUNDLE_FILE_MAX, &text, &err))
        return cli_fail(&err);
    json_t *file = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum cli_exit status = check(file, args->words[0], cli_get(args, "key"));
    json_decref(file);
    return status;
}

static const struct cli_option bundle_options[] = {
    { "out", "FILE", "write it there instead of printing it" },
    CLI_OPTIONS_END,
};
static const struct cli_option verify_options[] = {
    { "key", "KEY", "the key that it must be signed with, as verify has shown it before" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "bundle", "ID", 1, bundle_options, operation_bundle, "a run with its logs as one signed file" },
    { "verify", "FILE", 1, verify_options, operation_verify, "is such a file as it was made? Needs no server" },
};
const struct cli_group cli_operation = { "operation", "runs to be passed on", commands, ARRAY_LEN(commands) };
