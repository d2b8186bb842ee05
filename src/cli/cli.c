/* cli.c - see cli.h. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define DEFAULT_URL "http://127.0.0.1:8080"

/* ---- arguments ------------------------------------------------------------------------------------------------------ */

const char *cli_get(const struct cli_args *args, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < args->value_count; i++) {
        if (strcmp(args->values[i].option->name, name) == 0)
            found = args->values[i].text;
    }
    return found;
}

bool cli_has(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->value_count; i++) {
        if (strcmp(args->values[i].option->name, name) == 0)
            return true;
    }
    return false;
}

void cli_set_text(json_t *object, const char *field, const struct cli_args *args, const char *option)
{
    const char *text = cli_get(args, option);
    if (text == NULL)
        return;
    json_t *value = json_string(text);
    json_object_set_new(object, field,
                        value != NULL ? value : json_string("\xef\xbf\xbd")); /* not UTF-8: refused there */
}

bool cli_set_int(json_t *object, const char *field, const struct cli_args *args, const char *option)
{
    const char *text = cli_get(args, option);
    if (text == NULL)
        return true;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        (void)cli_usage("--%s must be a whole number, not \"%s\"", option, text);
        return false;
    }
    json_object_set_new(object, field, json_integer(number));
    return true;
}

void cli_set_list(json_t *object, const char *field, const struct cli_args *args, const char *option)
{
    json_t *list = json_array();
    for (size_t i = 0; i < args->value_count; i++) {
        if (strcmp(args->values[i].option->name, option) != 0)
            continue;
        for (const char *at = args->values[i].text; *at != '\0';) {
            size_t length = strcspn(at, ",");
            if (length > 0)
                json_array_append_new(list, json_stringn(at, length));
            at += length + (at[length] == ',');
        }
    }
    if (json_array_size(list) > 0)
        json_object_set(object, field, list);
    json_decref(list);
}

bool cli_parse_id(const char *word, int64_t *ret_id)
{
    char *end;
    errno = 0;
    long long id = strtoll(word, &end, 10);
    if (*end == '\0' && errno == 0 && id > 0) {
        *ret_id = id;
        return true;
    }
    (void)cli_usage("\"%s\" is not an id: ids are the numbers that the lists show", word);
    return false;
}

bool cli_read_file(const char *path, char **ret_text, struct err *err)
{
    return cli_read_large_file(path, FILE_MAX, ret_text, err);
}

bool cli_read_large_file(const char *path, size_t max, char **ret_text, struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    struct buf text = BUF_INIT;
    char piece[4096];
    for (size_t got; text.length <= max && (got = fread(piece, 1, sizeof(piece), file)) > 0;)
        buf_add(&text, piece, got);
    bool ok = !ferror(file) && text.length <= max;
    if (file != stdin)
        fclose(file);
    if (!ok) {
        buf_finish(&text);
        return err_set(err, ERR_IO, "%s cannot be read, or is larger than %zu bytes", path, max);
    }
    *ret_text = buf_steal(&text);
    return true;
}

/* ---- the server ----------------------------------------------------------------------------------------------------- */

/* A file that init wrote: {"url": ..., "token": ...}. @return NULL when there is none */
static json_t *read_settings(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return NULL;
    if ((status.st_mode & 077) != 0)
        fprintf(stderr, "berthctl: %s holds a token and may be read by others: chmod 600 it\n", path);
    return json_load_file(path, 0, NULL);
}

static json_t *find_settings(void)
{
    const char *config_home = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    CLEANUP(freep)
    char *own = config_home != NULL && config_home[0] == '/'
                    ? xasprintf("%s/berth/ctl.json", config_home)
                    : xasprintf("%s/.config/berth/ctl.json", home == NULL ? "" : home);
    json_t *settings = read_settings(own);
    return settings != NULL ? settings : read_settings("/etc/berth/ctl.json");
}

static const char *first_set(const char *option, const char *variable, const char *setting)
{
    const char *from_environment = getenv(variable);
    if (option != NULL)
        return option;
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment : setting;
}

bool cli_client(struct cli *cli, struct client **ret_client, struct err *err)
{
    if (cli->client == NULL) {
        json_t *settings = find_settings();
        const char *url = first_set(cli->url, "BERTH_URL", json_string_value(json_object_get(settings, "url")));
        const char *token = first_set(cli->token, "BERTH_TOKEN", json_string_value(json_object_get(settings, "token")));
        bool made = client_create(url == NULL ? DEFAULT_URL : url, token, &cli->client, err);
        json_decref(settings);
        if (!made)
            return false;
    }
    *ret_client = cli->client;
    return true;
}

bool cli_call(struct cli *cli, const char *method, const char *path, json_t *body, json_t **ret_answer)
{
    struct err err;
    struct client *client;
    bool ok = cli_client(cli, &client, &err) && client_call(client, method, path, body, NULL, ret_answer, &err);
    json_decref(body);
    if (!ok)
        (void)cli_fail(&err);
    return ok;
}

bool cli_find_node(struct cli *cli, const char *name, int64_t *ret_id)
{
    json_t *answer, *node;
    size_t i;
    if (!cli_call(cli, "GET", "/api/v1/nodes", NULL, &answer))
        return false;
    const char *id = NULL;
    json_array_foreach(json_object_get(answer, "nodes"), i, node)
    {
        if (strcmp(cli_text(node, "name"), name) == 0 || strcmp(cli_text(node, "id"), name) == 0)
            id = cli_text(node, "id");
    }
    bool found = id != NULL && cli_parse_id(id, ret_id);
    json_decref(answer);
    struct err err;
    if (!found) {
        err_set(&err, ERR_NOT_FOUND, "there is no node \"%s\"", name);
        (void)cli_fail(&err);
    }
    return found;
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

const char *cli_text(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return text == NULL ? "" : text;
}

int64_t cli_int(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

enum cli_exit cli_post_to(struct cli *cli, const struct cli_args *args, const char *kind, const char *what,
                          json_t *body, int64_t *ret_id, json_t **ret_answer)
{
    if (!cli_parse_id(args->words[0], ret_id)) {
        json_decref(body);
        return CLI_USAGE;
    }
    CLEANUP(freep) char *path = xasprintf("/api/v1/%s/%" PRId64 "/%s", kind, *ret_id, what);
    return cli_call(cli, "POST", path, body, ret_answer) ? CLI_OK : CLI_FAILED;
}

enum cli_exit cli_fail(const struct err *err)
{
    fflush(stdout);
    CLEANUP(freep) char *sentence = xstrdup(err->msg); /* may quote what somebody else has sent */
    for (char *at = sentence; *at != '\0'; at++)
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
    fprintf(stderr, "berthctl: %s\n", sentence);
    if (err->code == ERR_DENIED)
        fputs("Give the token with the variable BERTH_TOKEN, the option --token, or a file (see berthctl(1)).\n",
              stderr);
    return CLI_FAILED;
}

enum cli_exit cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("berthctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_USAGE;
}

enum cli_exit cli_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
    return CLI_OK;
}
