/* cmd_init.c - berthctl init: makes a new installation: configuration, keys, database with the first token and the zone
 * templates. The only command that touches files and the database; it never replaces anything, and what it made is
 * taken away again when it cannot finish. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/keyring.h"
#include "base/redact.h"
#include "cli/cli.h"
#include "core/domain.h"
#include "core/zone_template.h"
#include "http/token.h"
#include "store/store_staff.h"
#include "transport/ssh.h"

#define DEFAULT_DIR "/etc/berth"
#define DEFAULT_DATA "/var/lib/berth"
#define MADE_MAX 16

struct setup {
    const char *dir, *data, *listen, *base_url, *pipelines;
    bool pipelines_given;
    const char *web; /* NULL: the pages that were installed */
    char *config_path, *key_path, *ssh_key_path, *ssh_public_path, *ctl_path, *database_path;
    struct store *store;
    char installation[7];
    char token[TOKEN_LENGTH + 1];
    const char *made[MADE_MAX]; /* files to take away again on failure */
    size_t made_count;
};

static void made(struct setup *setup, const char *path)
{
    if (setup->made_count < MADE_MAX)
        setup->made[setup->made_count++] = path;
}

static void take_away(struct setup *setup)
{
    for (size_t i = 0; i < setup->made_count; i++)
        unlink(setup->made[i]);
}

/* ---- folders and files ---------------------------------------------------------------------------------------------- */

static bool make_folder(const char *path, struct err *err)
{
    CLEANUP(freep) char *copy = xstrdup(path);
    for (char *at = copy + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(copy, 0755); /* what is wrong shows at the last one */
        *at = '/';
    }
    if (mkdir(copy, 0700) == 0 || errno == EEXIST)
        return true;
    return err_set(err, ERR_IO, "the folder %s cannot be made: %s", path, strerror(errno));
}

static bool refuse_existing(const char *path, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return true;
    return err_set(err, ERR_CONFLICT, "%s exists already: nothing was changed", path);
}

static bool write_file(struct setup *setup, const char *path, mode_t mode, const char *text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_set(err, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
    made(setup, path);
    size_t length = strlen(text);
    bool ok = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    int saved_errno = errno;
    close(fd);
    return ok || err_set(err, ERR_IO, "%s cannot be written: %s", path, strerror(saved_errno));
}

/* JSON strings are YAML strings too: whatever a path holds, it is quoted right. */
static void add_yaml(struct buf *yaml, const char *key, const char *value)
{
    json_t *text = json_string(value);
    CLEANUP(freep) char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    json_decref(text);
    buf_addf(yaml, "%s: %s\n", key, quoted == NULL ? "\"\"" : quoted);
}

static bool write_config(struct setup *setup, struct err *err)
{
    struct buf yaml = BUF_INIT;
    CLEANUP(freep) char *database = xasprintf("sqlite://%s", setup->database_path);
    buf_add_text(&yaml, "# The configuration of berthd: see berth.yaml(5).\n");
    add_yaml(&yaml, "database", database);
    add_yaml(&yaml, "listen", setup->listen);
    if (setup->base_url != NULL)
        add_yaml(&yaml, "base_url", setup->base_url);
    else
        buf_add_text(&yaml,
                     "# What customers' links begin with, once a reverse proxy makes them reachable:\n"
                     "# base_url: https://hosting.example.net\n");
    add_yaml(&yaml, "key_file", setup->key_path);
    add_yaml(&yaml, "ssh_key_file", setup->ssh_key_path);
    if (setup->pipelines_given)
        add_yaml(&yaml, "pipelines_dir", setup->pipelines);
    if (setup->web != NULL)
        add_yaml(&yaml, "web_dir", setup->web);
    add_yaml(&yaml, "log_level", "info");
    bool ok = write_file(setup, setup->config_path, 0644, buf_text(&yaml), err);
    buf_finish(&yaml);
    return ok;
}

static bool write_ctl(struct setup *setup, struct err *err)
{
    CLEANUP(freep) char *url = xasprintf("http://%s", setup->listen);
    json_t *settings = json_pack("{s:s, s:s}", "url", url, "token", setup->token);
    CLEANUP(freep) char *text = json_dumps(settings, JSON_INDENT(2));
    json_decref(settings);
    return write_file(setup, setup->ctl_path, 0600, text, err);
}

/* ---- the database --------------------------------------------------------------------------------------------------- */

static bool put_template(struct setup *setup, const char *folder, const char *file_name, struct err *err)
{
    size_t length = strlen(file_name);
    CLEANUP(freep) char *path = xasprintf("%s/%s", folder, file_name);
    CLEANUP(freep) char *name = xstrndup(file_name, length - strlen(".zone"));
    CLEANUP(freep) char *text = NULL;
    if (!cli_read_file(path, &text, err))
        return false;
    if (!name_check(name, "name", err) || !zone_template_check(text, err) ||
        !store_put_zone_template(setup->store, name, text, err))
        return err_wrap(err, "%s", path);
    return true;
}

static bool put_templates(struct setup *setup, struct err *err)
{
    CLEANUP(freep) char *folder = xasprintf("%s/zones", setup->pipelines);
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return err_set(err, ERR_IO,
                       "the zone templates in %s cannot be read: %s; name their parent folder with --pipelines", folder,
                       strerror(errno));
    bool ok = true;
    size_t count = 0;
    for (struct dirent *entry; ok && (entry = readdir(entries)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length <= 5 || strcmp(entry->d_name + length - 5, ".zone") != 0)
            continue;
        ok = put_template(setup, folder, entry->d_name, err);
        count++;
    }
    closedir(entries);
    return ok && (count > 0 || err_set(err, ERR_NOT_FOUND, "there are no zone templates (*.zone) in %s", folder));
}

static bool put_token(struct setup *setup, struct rng *rng, struct err *err)
{
    char name[] = "admin";
    struct clock *clock = clock_real();
    struct api_token token = { .name = name, .role = STAFF_OWNER, .created_at_ms = clock->now_ms(clock) };
    token_generate(rng, setup->token);
    redact_add(setup->token);
    if (!token_hash(setup->token, token.hash))
        return err_set(err, ERR_BUG, "the token that was made has no right form");
    return store_insert_token(setup->store, &token, err);
}

static bool fill_database(struct setup *setup, struct err *err)
{
    struct rng rng;
    CLEANUP(freep) char *url = xasprintf("sqlite://%s", setup->database_path);
    rng_init_real(&rng);
    mode_t saved = umask(0077); /* the database holds what customers are called */
    bool opened = store_open(url, &setup->store, err);
    umask(saved);
    if (!opened || !store_installation(setup->store, &rng, setup->installation, err) || !store_begin(setup->store, err))
        return false;
    if (put_templates(setup, err) && put_token(setup, &rng, err))
        return store_commit(setup->store, true, err);
    store_rollback(setup->store);
    return false;
}

static void take_away_database(const struct setup *setup)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".owner" };
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        CLEANUP(freep) char *path = xasprintf("%s%s", setup->database_path, tails[i]);
        unlink(path);
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static bool refuse_all_existing(const struct setup *setup, struct err *err)
{
    return refuse_existing(setup->config_path, err) && refuse_existing(setup->key_path, err) &&
           refuse_existing(setup->ssh_key_path, err) && refuse_existing(setup->ssh_public_path, err) &&
           refuse_existing(setup->ctl_path, err) && refuse_existing(setup->database_path, err);
}

static bool make_keys(struct setup *setup, struct err *err)
{
    if (!keyring_create_file(setup->key_path, err))
        return false;
    made(setup, setup->key_path);
    if (!ssh_generate_key(setup->ssh_key_path, err))
        return false;
    made(setup, setup->ssh_key_path);
    made(setup, setup->ssh_public_path);
    return true;
}

static bool make_all(struct setup *setup, struct err *err)
{
    if (!refuse_all_existing(setup, err) || !make_folder(setup->dir, err) || !make_folder(setup->data, err))
        return false;
    bool ok = fill_database(setup, err);
    store_close(setup->store);
    setup->store = NULL;
    if (ok && make_keys(setup, err) && write_ctl(setup, err) && write_config(setup, err))
        return true;
    take_away_database(setup);
    take_away(setup);
    return false;
}

static void say(const struct setup *setup, const char *public_key)
{
    printf(
        "Berth is set up in %s (installation %s).\n\n"
        "  %s\n    the configuration of berthd\n"
        "  %s\n    encrypts passwords and signs customers' links: back it up, apart from the database\n"
        "  %s\n    the database: services, queue, history\n"
        "  %s\n    address and token for berthctl on this machine\n\n",
        setup->dir, setup->installation, setup->config_path, setup->key_path, setup->database_path, setup->ctl_path);
    printf("Put this public key (%s) into authorized_keys of each node:\n\n%s\n", setup->ssh_public_path, public_key);
    printf("The first admin token, shown only now:\n\n%s\n\n", setup->token);
    printf("Next: berthd --config %s\n", setup->config_path);
}

static enum cli_exit answer(struct cli *cli, const struct setup *setup)
{
    struct err err;
    CLEANUP(freep) char *public_key = NULL;
    if (!cli_read_file(setup->ssh_public_path, &public_key, &err))
        return cli_fail(&err);
    if (!cli->json) {
        say(setup, public_key);
        return CLI_OK;
    }
    public_key[strcspn(public_key, "\n")] = '\0';
    return cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "installation", setup->installation, "config",
                                    setup->config_path, "settings", setup->ctl_path, "ssh_public_key", public_key,
                                    "token", setup->token));
}

/* Relative folders are made whole: the configuration is read from elsewhere. The caller's. */
static char *whole_path(const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
        return xstrdup(path);
    return xasprintf("%s/%s", here, path);
}

static enum cli_exit init(struct cli *cli, const struct cli_args *args)
{
    const char *dir_given = cli_get(args, "dir"), *data_given = cli_get(args, "data"),
               *listen = cli_get(args, "listen");
    const char *pipelines_given = cli_get(args, "pipelines");
    CLEANUP(freep) char *dir = whole_path(dir_given == NULL ? DEFAULT_DIR : dir_given);
    CLEANUP(freep)
    char *data = whole_path(data_given != NULL ? data_given : dir_given != NULL ? dir_given : DEFAULT_DATA);
    CLEANUP(freep) char *pipelines = whole_path(pipelines_given == NULL ? BERTH_PIPELINES_DIR : pipelines_given);
    const char *web_given = cli_get(args, "web");
    CLEANUP(freep) char *web = web_given == NULL ? NULL : whole_path(web_given);
    CLEANUP(freep) char *config_path = xasprintf("%s/berth.yaml", dir);
    CLEANUP(freep) char *key_path = xasprintf("%s/berth.key", dir);
    CLEANUP(freep) char *ssh_key_path = xasprintf("%s/ssh_key", dir);
    CLEANUP(freep) char *ssh_public_path = xasprintf("%s/ssh_key.pub", dir);
    CLEANUP(freep) char *ctl_path = xasprintf("%s/ctl.json", dir);
    CLEANUP(freep) char *database_path = xasprintf("%s/berth.db", data);
    struct setup setup = { .dir = dir,
                           .data = data,
                           .listen = listen == NULL ? "127.0.0.1:8080" : listen,
                           .base_url = cli_get(args, "base-url"),
                           .pipelines = pipelines,
                           .pipelines_given = pipelines_given != NULL,
                           .web = web,
                           .config_path = config_path,
                           .key_path = key_path,
                           .ssh_key_path = ssh_key_path,
                           .ssh_public_path = ssh_public_path,
                           .ctl_path = ctl_path,
                           .database_path = database_path };
    struct err err;
    if (!make_all(&setup, &err))
        return cli_fail(&err);
    return answer(cli, &setup);
}

static const struct cli_option options[] = {
    { "dir", "DIR", "where configuration and keys go (" DEFAULT_DIR ")" },
    { "data", "DIR", "where the database goes (" DEFAULT_DATA "; with --dir: there)" },
    { "listen", "ADDRESS:PORT", "where berthd answers (127.0.0.1:8080)" },
    { "base-url", "URL", "what customers' links begin with (http:// and the address)" },
    { "pipelines", "DIR", "where pipelines and zones/*.zone are (" BERTH_PIPELINES_DIR ")" },
    { "web", "DIR", "where the pages' files are, as make build has made them (those that were installed)" },
    CLI_OPTIONS_END,
};
static const struct cli_command commands[] = {
    { "", "", 0, options, init, "set up a new installation; prints the first token once" },
};
const struct cli_group cli_init = { "init", "set up a new installation", commands, ARRAY_LEN(commands) };
