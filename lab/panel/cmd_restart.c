/* cmd_restart.c - v-restart-*: test the configuration, then reload or restart. RESTART: "" reloads at once, no does
 * nothing, yes restarts, scheduled is queued only for DNS and mail. */
#include "internal.h"

struct target {
    const char *name, *config_key;
    enum panel_service service;
    bool is_queued_when_scheduled;
};

static void queue(struct panel *panel, const struct target *target)
{
    const char *line = text_format(panel, PANEL_BIN "/v-restart-%s now\n", target->name);
    file_delete_lines(panel, QUEUE_DIR "/restart.pipe", text_format(panel, "/v-restart-%s now", target->name));
    file_append(panel, QUEUE_DIR "/restart.pipe", line);
}

static void restart(struct panel *panel, const struct target *target, const char *label)
{
    const char *how = arg(panel, 1);
    struct panel_host *host = panel->host;
    check_restart(panel, how);
    if (!enabled(panel, target->config_key) || text_is(how, "no"))
        return;
    bool is_queued = text_is(env(panel, "SCHEDULED_RESTART"), "yes") && (*how == '\0' || text_is(how, "scheduled"));
    if (is_queued || (text_is(how, "scheduled") && target->is_queued_when_scheduled)) {
        queue(panel, target);
        return;
    }
    panel_work(panel, panel->command->ms / 2);
    enum panel_verb verb = *how == '\0' || text_is(how, "reload") ? PANEL_RELOAD : PANEL_RESTART;
    if (!host->ops->service(host, target->service, PANEL_TEST, NULL) ||
        !host->ops->service(host, target->service, verb, NULL))
        panel_fail(panel, E_RESTART, "%s restart failed", label);
    panel_work(panel, panel->command->ms - panel->command->ms / 2);
}

static void run_web(struct panel *panel)
{
    static const struct target target = { "web", "WEB_SYSTEM", PANEL_WEB, false };
    restart(panel, &target, config(panel, "WEB_SYSTEM"));
}

static void run_proxy(struct panel *panel)
{
    static const struct target target = { "proxy", "PROXY_SYSTEM", PANEL_PROXY, false };
    restart(panel, &target, config(panel, "PROXY_SYSTEM"));
}

static void run_backend(struct panel *panel)
{
    static const struct target target = { "web-backend", "WEB_BACKEND", PANEL_BACKEND, false };
    restart(panel, &target, "php" PHP_VERSION "-fpm");
}

static void run_dns(struct panel *panel)
{
    static const struct target target = { "dns", "DNS_SYSTEM", PANEL_DNS, true };
    restart(panel, &target, config(panel, "DNS_SYSTEM"));
}

static void run_mail(struct panel *panel)
{
    static const struct target target = { "mail", "MAIL_SYSTEM", PANEL_MAIL, true };
    restart(panel, &target, config(panel, "IMAP_SYSTEM"));
}

const struct panel_command commands_restart[] = {
    { "v-restart-web", run_web, CHANGE, 220, 0, 0, NULL },
    { "v-restart-proxy", run_proxy, CHANGE, 260, 0, 0, NULL },
    { "v-restart-web-backend", run_backend, CHANGE, 160, 0, 0, NULL },
    { "v-restart-dns", run_dns, CHANGE, 130, 0, 0, NULL },
    { "v-restart-mail", run_mail, CHANGE, 690, 0, 0, NULL },
};
const size_t commands_restart_count = ARRAY_LEN(commands_restart);
