/* main.c - berthd: read the configuration, wire the parts, wait. The only file that knows every part. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pulse.h"
#include "daemon/config.h"
#include "daemon/notify.h"
#include "daemon/tidy.h"
#include "engine/engine.h"
#include "http/server.h"
#include "notify/notify.h"
#include "transport/probe.h"
#include "transport/ssh.h"

#define LEASE_MS 15000
#define LEASE_RENEW_MS 5000
#define OWN_RETRY_MS 200
#define PROBES_MAX 8
#define DESCRIPTORS 16384
#define ONCE_QUIET_MS 1000 /* --once: so long nothing may have come in */

static volatile bool stop_asked;
static struct inbox *inbox; /* for the signal handler only */

static void on_stop(int signal_number)
{
    (void)signal_number;
    stop_asked = true;
    if (inbox != NULL)
        inbox_wake(inbox);
}

struct parts {
    struct daemon_config *config;
    struct store *store;
    struct keyring *keyring;
    struct pipeline *split;
    struct transport *nodes, *probes;
    struct notifier *notifier;
    char *base_url; /* of links in tickets */
    struct tidier *tidier;
    struct engine *engine;
    struct http_server *http;
    struct rng rng;
    char installation[7];
    struct pulse pulse; /* of the engine */
    int64_t watchdog_ms, watched_boot_ms;
};

static void parts_finish(struct parts *parts)
{
    if (inbox != NULL)
        inbox_close(inbox); /* who still waits hears that we stop */
    http_server_destroy(parts->http);
    parts->http = NULL;
    engine_destroy(parts->engine);
    tidier_destroy(parts->tidier);
    if (parts->nodes != NULL)
        parts->nodes->ops->destroy(parts->nodes);
    if (parts->probes != NULL)
        parts->probes->ops->destroy(parts->probes);
    if (parts->notifier != NULL)
        parts->notifier->ops->destroy(parts->notifier);
    free(parts->base_url);
    if (parts->store != NULL) {
        store_disown(parts->store);
        store_close(parts->store);
    }
    pipeline_destroy(parts->split);
    keyring_destroy(parts->keyring);
    daemon_config_destroy(parts->config);
    inbox_destroy(inbox);
    inbox = NULL;
}

static bool set_log_level(const char *name, struct err *err)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            log_set_level((enum log_level)i);
            return true;
        }
    }
    return name == NULL ||
           err_set_field(err, ERR_INVALID, "log_level", "log_level \"%s\" is none of debug, info, warn, error", name);
}

/** A former owner that was stopped in the middle of a commit holds the database's lock: wait for it to move or to die. */
static bool open_store(struct parts *parts, struct err *err)
{
    for (bool said = false; !store_open(parts->config->database, &parts->store, err); said = true) {
        if (err->code != ERR_BUSY || stop_asked)
            return false;
        if (!said)
            log_warn("store.busy", "cause=%s", log_quote(err->msg));
        inbox_wait(inbox, OWN_RETRY_MS);
    }
    return true;
}

/** Become the owner of the database. A former owner that is dead is noticed at once; one that was stopped when its lease ends. */
static bool own_store(struct parts *parts, bool waits, struct err *err)
{
    struct clock *clock = clock_real();
    bool said = false;
    while (!stop_asked) {
        int64_t epoch = 0;
        if (store_own(parts->store, clock->now_ms(clock), LEASE_MS, &epoch, err)) {
            log_info("store.owned", "epoch=%" PRId64 " installation=%s", epoch, parts->installation);
            return true;
        }
        if (err->code != ERR_BUSY || !waits)
            return false;
        if (!said)
            log_warn("store.busy", "cause=%s", log_quote(err->msg));
        said = true;
        inbox_wait(inbox, OWN_RETRY_MS);
    }
    return err_set(err, ERR_BUSY, "stopped while waiting for the database");
}

static void wake_engine(void *context)
{
    inbox_wake(context);
}

static bool scan_host_key(const char *address, int port, int timeout_ms, char **ret_key_line, char **ret_fingerprint,
                          struct err *err)
{
    return ssh_scan_host_key(address, port, timeout_ms, ret_key_line, ret_fingerprint, err);
}

static bool start_transports(struct parts *parts, struct err *err)
{
    struct transport_wake wake = { .wake = wake_engine, .context = inbox };
    struct transport_ssh_config ssh = { .key_path = parts->config->ssh_key_file, .installation = parts->installation };
    struct transport_probe_config probe = { .threads = PROBES_MAX + WORLD_LOOKS_MAX };
    parts->nodes = transport_ssh_create(&ssh, wake, err);
    if (parts->nodes == NULL)
        return false;
    parts->probes = transport_probe_create(&probe, wake, err);
    return parts->probes != NULL;
}

/** The engine's thread, before it tells nodes to the transport and after each change. */
static void settings_changed(void *context, const struct settings *settings)
{
    const struct parts *parts = context;
    parts->notifier->ops->configure(parts->notifier, settings);
    transport_ssh_set_limits(parts->nodes, &(struct transport_ssh_limits){ .connect_ms = settings->ssh.connect_ms,
                                                                           .silence_ms = settings->ssh.silence_ms,
                                                                           .look_lanes = (unsigned)settings->node.looks,
                                                                           .channels_max = settings->ssh.channels });
}

static bool start_notifier(struct parts *parts, struct err *err)
{
    struct notifier_config config = { .wake = wake_engine, .wake_context = inbox };
    const char *base_url = parts->config->base_url;
    parts->base_url =
        base_url != NULL && base_url[0] != '\0' ? xstrdup(base_url) : xasprintf("http://%s", parts->config->listen);
    return notifier_create(&config, &parts->notifier, err);
}

/** The engine's thread. The service manager hears of progress, so that a process that hangs is started anew. */
static void stepped(void *context)
{
    struct parts *parts = context;
    struct clock *clock = clock_real();
    int64_t now_ms = clock->boot_ms(clock);
    pulse_beat(&parts->pulse, now_ms);
    if (parts->watchdog_ms == 0 || now_ms - parts->watched_boot_ms < parts->watchdog_ms / 3)
        return;
    parts->watched_boot_ms = now_ms;
    notify_manager("WATCHDOG=1");
}

/** The engine's thread. */
static void committed(void *context, const struct changes *changes)
{
    const struct parts *parts = context;
    if (parts->http != NULL)
        http_server_tell(parts->http, changes);
}

static void untidy(void *context)
{
    tidier_ring(context);
}

static bool start_engine(struct parts *parts, struct err *err)
{
    if (!tidier_create(parts->config->database, &parts->tidier, err))
        return false;
    struct engine_config config = {
        .store = parts->store,
        .clock = clock_real(),
        .rng = &parts->rng,
        .inbox = inbox,
        .nodes = parts->nodes,
        .probes = parts->probes,
        .notifier = parts->notifier,
        .base_url = parts->base_url,
        .keyring = parts->keyring,
        .installation = parts->installation,
        .split = parts->split,
        .lease_ms = LEASE_MS,
        .lease_renew_ms = LEASE_RENEW_MS,
        .probes_max = PROBES_MAX,
        .committed = committed,
        .committed_context = parts,
        .settings_changed = settings_changed,
        .settings_context = parts,
        .stepped = stepped,
        .stepped_context = parts,
        .untidy = untidy,
        .untidy_context = parts->tidier,
    };
    return engine_create(&config, &parts->engine, err);
}

static bool start_http(struct parts *parts, struct err *err)
{
    char address[64];
    struct http_config config = {
        .listen_address = address,
        .base_url = parts->config->base_url == NULL ? "" : parts->config->base_url,
        .store_url = parts->config->database,
        .inbox = inbox,
        .keyring = parts->keyring,
        .installation = parts->installation,
        .clock = clock_real(),
        .scan_host_key = scan_host_key,
        .pulse = &parts->pulse,
        .web_dir = parts->config->web_dir == NULL ? BERTH_WEB_DIR : parts->config->web_dir,
    };
    if (!daemon_listen_parse(parts->config->listen, address, &config.port, err) ||
        !http_server_create(&config, &parts->http, err))
        return false;
    log_info("http.listening", "address=%s port=%d", address, http_server_port(parts->http));
    return true;
}

static bool start(struct parts *parts, bool once, struct err *err)
{
    const char *pipelines = parts->config->pipelines_dir == NULL ? BERTH_PIPELINES_DIR : parts->config->pipelines_dir;
    CLEANUP(freep) char *split_path = xasprintf("%s/split.yaml", pipelines);
    rng_init_real(&parts->rng);
    parts->watchdog_ms = notify_watchdog_ms();
    return set_log_level(parts->config->log_level, err) &&
           keyring_load(parts->config->key_file, &parts->keyring, err) &&
           pipeline_load(split_path, &parts->split, err) && open_store(parts, err) &&
           store_installation(parts->store, &parts->rng, parts->installation, err) && own_store(parts, !once, err) &&
           start_transports(parts, err) && start_notifier(parts, err) && start_engine(parts, err) &&
           start_http(parts, err);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_stop };
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/** Everyone who watches live has a connection. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections are no reason not to start */
}

static void usage(FILE *out)
{
    fprintf(out,
            "berthd %s - provisions web hosting: takes orders over HTTP, builds them on nodes over SSH\n"
            "\n"
            "usage: berthd --config FILE\n"
            "\n"
            "  -c, --config FILE  the configuration (YAML), see berth.yaml(5); `berthctl init` makes one\n"
            "      --once         do what is due, then exit: for a crontab. Exits at once when a berthd runs already\n"
            "      --check        read and check the configuration and the pipelines, then exit\n"
            "  -h, --help         this text\n"
            "  -V, --version      the version\n"
            "\n"
            "Logs go to standard error, one line per event. SIGTERM stops it in under two seconds; commands that run\n"
            "on nodes go on there and are picked up at the next start.\n",
            BERTH_VERSION);
}

enum run_mode { RUN_SERVE, RUN_ONCE, RUN_CHECK };

static bool work(struct parts *parts, enum run_mode mode, struct err *err)
{
    return mode == RUN_ONCE ? engine_run_once(parts->engine, &stop_asked, ONCE_QUIET_MS, err)
                            : engine_run(parts->engine, &stop_asked, err);
}

static int run(const char *config_path, enum run_mode mode)
{
    struct parts parts = { 0 };
    struct err err = { 0 };
    int status = 1;
    inbox = inbox_create();
    catch_signals();
    raise_descriptors();
    if (sodium_init() < 0) {
        err_set(&err, ERR_BUG, "libsodium does not start");
    } else if (!daemon_config_load(config_path, &parts.config, &err)) {
        /* said below */
    } else if (mode == RUN_CHECK) {
        CLEANUP(freep)
        char *path = xasprintf("%s/split.yaml",
                               parts.config->pipelines_dir == NULL ? BERTH_PIPELINES_DIR : parts.config->pipelines_dir);
        if (pipeline_load(path, &parts.split, &err)) {
            printf("%s and %s are fine\n", config_path, path);
            status = 0;
        }
    } else if (start(&parts, mode == RUN_ONCE, &err)) {
        notify_manager("READY=1");
        if (work(&parts, mode, &err))
            status = 0;
        notify_manager("STOPPING=1");
    } else if (mode == RUN_ONCE && err.code == ERR_BUSY) {
        log_info("berthd.not-needed", "cause=%s", log_quote(err.msg)); /* another one is at it */
        status = 0;
    } else if (stop_asked) {
        status = 0;
    }
    if (status != 0)
        log_error("berthd.failed", "cause=%s", log_quote(err.msg));
    parts_finish(&parts);
    log_info("berthd.stopped", "status=%d", status);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'k' },
        { "once", no_argument, NULL, 'o' },         { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },      { NULL, 0, NULL, 0 },
    };
    const char *config_path = NULL;
    enum run_mode mode = RUN_SERVE;
    for (int option; (option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
        switch (option) {
        case 'c': config_path = optarg; break;
        case 'k': mode = RUN_CHECK; break;
        case 'o': mode = RUN_ONCE; break;
        case 'h': usage(stdout); return 0;
        case 'V': printf("berthd %s\n", BERTH_VERSION); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (config_path == NULL || optind != argc) {
        usage(stderr);
        return 2;
    }
    return run(config_path, mode);
}
