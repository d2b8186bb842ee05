/* cmd_reveal.c - berthctl reveal: shows the passwords of a service to who may read the key file and the database anyway, on this
 * machine. It is no client of the API, which tells passwords too but writes down who asked: it opens both files itself, read-only. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/keyring.h"
#include "cli/cli.h"
#include "http/credentials.h"

#define DEFAULT_DIR "/etc/berth"
#define DEFAULT_DATA "/var/lib/berth"

static bool load(const char *dir, const char *data, int64_t service_id, struct credential **ret_credentials,
                 size_t *ret_count, struct err *err)
{
    CLEANUP(keyring_destroyp) struct keyring *keyring = NULL;
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(freep) char *key_path = xasprintf("%s/berth.key", dir);
    CLEANUP(freep) char *url = xasprintf("sqlite://%s/berth.db", data);
    return keyring_load(key_path, &keyring, err) && store_open_reader(url, &store, err) &&
           credentials_load(store, keyring, service_id, ret_credentials, ret_count, err);
}

static json_t *view_credential(const struct credential *credential, const char *what)
{
    json_t *row =
        json_pack("{s:s, s:s, s:s}", "what", what, "login", credential->login, "password", credential->password);
    if (credential->next != NULL)
        json_object_set_new(row, "next", json_string(credential->next));
    return row;
}

static enum cli_exit show(struct cli *cli, const struct credential *credentials, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        CLEANUP(freep) char *what = credential_what(&credentials[i]);
        if (cli->json)
            json_array_append_new(rows, view_credential(&credentials[i], what));
        else
            printf("%-20s %-40s %s%s%s\n", what, credentials[i].login, credentials[i].password,
                   credentials[i].next == NULL ? "" : " or, while it is being changed, ",
                   credentials[i].next == NULL ? "" : credentials[i].next);
    }
    if (cli->json)
        return cli_print_json(json_pack("{s:o}", "credentials", rows));
    json_decref(rows);
    return CLI_OK;
}

static enum cli_exit reveal_run(struct cli *cli, const struct cli_args *args)
{
    const char *dir = cli_get(args, "dir"), *data = cli_get(args, "data");
    char *end = NULL;
    int64_t service_id = strtoll(args->words[0], &end, 10);
    if (*end != '\0' || service_id <= 0)
        return cli_usage("\"%s\" is not the id of a service", args->words[0]);
    if (data == NULL)
        data = dir == NULL ? DEFAULT_DATA : dir;
    struct credential *credentials = NULL;
    size_t count = 0;
    struct err err = { 0 };
    if (!load(dir == NULL ? DEFAULT_DIR : dir, data, service_id, &credentials, &count, &err)) {
        enum cli_exit status = cli_fail(&err);
        if (dir == NULL)
            fputs("berthctl: where the installation is not in " DEFAULT_DIR ", say with --dir where it is\n", stderr);
        return status;
    }
    enum cli_exit status = show(cli, credentials, count);
    credentials_free(credentials, count);
    return status;
}

static const struct cli_option options[] = {
    { "dir", "DIR", "where configuration and keys are (" DEFAULT_DIR ")" },
    { "data", "DIR", "where the database is (" DEFAULT_DATA "; with --dir: there)" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "", "SERVICE", 1, options, reveal_run, "show a service's passwords, on berthd's own machine only" },
};
const struct cli_group cli_reveal = { "reveal", "passwords of a service", commands, ARRAY_LEN(commands) };
