/* cmd_web_change.c - what changes on a web domain that exists: aliases, PHP template, rebuild. */
#include <string.h>

#include "web_files.h"

struct change {
    const char *user, *domain, *value, *restart;
};

/* USER DOMAIN VALUE [RESTART] of an active user and domain. */
static struct change enter(struct panel *panel, const char *system)
{
    struct change change = { arg(panel, 1), domain_format(panel, arg(panel, 2)), arg(panel, 3), arg(panel, 4) };
    check_user_name(panel, change.user, false);
    check_domain(panel, change.domain, "domain");
    check_restart(panel, change.restart);
    check_system(panel, system);
    check_user(panel, change.user);
    check_user_active(panel, change.user);
    check_object(panel, change.user, "web", "DOMAIN", change.domain);
    check_object_active(panel, change.user, "web", "DOMAIN", change.domain);
    return change;
}

static void set_alias(struct panel *panel, const struct change *change, const char *line, const char *alias)
{
    web_write_servers(panel, change->user, change->domain, value_set(panel, line, "ALIAS", alias));
    object_update(panel, change->user, "web", "DOMAIN", change->domain, "ALIAS", alias);
    panel_work(panel, 400);
}

static void run_add_alias(struct panel *panel)
{
    const char *aliases = text_lower(panel, arg(panel, 3));
    if (*aliases == '\0')
        panel_fail(panel, E_INVALID, "Invalid alias format: empty");
    check_aliases(panel, aliases);
    struct change change = enter(panel, "WEB_SYSTEM");
    domain_check_new(panel, change.user, "web", aliases);
    domain_check_base_owner(panel, change.user, aliases);
    const char *line = object_load(panel, change.user, "web", "DOMAIN", change.domain);
    const char *old = value_of(panel, line, "ALIAS");
    const char *alias = *old == '\0' ? aliases : text_format(panel, "%s,%s", old, aliases);
    check_limit(panel, change.user, "WEB_ALIASES", text_count_list(alias), true);
    panel_work(panel, 400);
    set_alias(panel, &change, line, alias);
    user_value_add(panel, change.user, "U_WEB_ALIASES", 1);
    panel_restart(panel, "web", change.restart);
    panel_restart(panel, "proxy", change.restart);
}

static void run_delete_alias(struct panel *panel)
{
    const char *name = text_lower(panel, arg(panel, 3));
    check_aliases(panel, name);
    struct change change = enter(panel, "WEB_SYSTEM");
    const char *line = object_load(panel, change.user, "web", "DOMAIN", change.domain);
    const char *list = value_of(panel, line, "ALIAS");
    if (!text_in_list(list, name))
        panel_fail(panel, E_NOTEXIST, "alias %s doesn't exist", name);
    struct buf kept = BUF_INIT;
    for (const char *alias; (alias = text_next(panel, &list, ',')) != NULL;) {
        if (!text_is(alias, name))
            buf_addf(&kept, "%s%s", kept.length > 0 ? "," : "", alias);
    }
    panel_work(panel, 400);
    set_alias(panel, &change, line, text_take(panel, &kept));
    user_value_subtract(panel, change.user, "U_WEB_ALIASES", 1);
    panel_restart(panel, "web", change.restart);
    panel_restart(panel, "proxy", change.restart);
}

static void run_backend(struct panel *panel)
{
    check_package_name(panel, arg(panel, 3), "template");
    struct change change = enter(panel, "WEB_BACKEND");
    if (!file_exists(panel, text_format(panel, TEMPLATES_DIR "/web/php-fpm/%s.tpl", change.value)))
        panel_fail(panel, E_NOTEXIST, "%s backend template doesn't exist", change.value);
    const char *line = object_load(panel, change.user, "web", "DOMAIN", change.domain);
    panel_work(panel, 200);
    web_delete_pool(panel, change.domain);
    web_write_pool(panel, change.user, change.domain, change.value);
    web_write_servers(panel, change.user, change.domain, value_set(panel, line, "BACKEND", change.value));
    object_update(panel, change.user, "web", "DOMAIN", change.domain, "BACKEND", change.value);
    panel_work(panel, 200);
    panel_restart(panel, "web", change.restart);
    panel_restart(panel, "web-backend", change.restart);
}

static void rebuild(struct panel *panel, const char *user, const char *domain, const char *restart)
{
    const char *line = object_load(panel, user, "web", "DOMAIN", domain);
    panel_work(panel, 250);
    if (enabled(panel, "WEB_BACKEND")) {
        const char *backend = value_of(panel, line, "BACKEND");
        web_delete_pool(panel, domain);
        web_write_pool(panel, user, domain, *backend == '\0' ? "default" : backend);
        panel_restart(panel, "web-backend", restart);
    }
    dir_make(panel, web_dir(panel, user, domain));
    web_make_folders(panel, user, domain);
    web_make_logs(panel, user, domain);
    web_write_servers(panel, user, domain, line);
    web_set_modes(panel, user, domain, 0751, 0751);
    panel_work(panel, 250);
}

static void run_rebuild(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *restart = arg(panel, 3);
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_restart(panel, restart);
    check_system(panel, "WEB_SYSTEM");
    check_user(panel, user);
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        return;
    check_object(panel, user, "web", "DOMAIN", domain);
    rebuild(panel, user, domain, restart);
    panel_child(panel, false, "v-update-user-counters", user, NULL);
    panel_restart(panel, "web", restart);
    panel_restart(panel, "proxy", restart);
}

static void run_rebuild_all(struct panel *panel)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    check_user_name(panel, user, false);
    check_restart(panel, restart);
    check_system(panel, "WEB_SYSTEM");
    check_user(panel, user);
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        return;
    const char *domains = object_search(panel, user, "web", "DOMAIN", "*", "DOMAIN");
    for (const char *domain; (domain = text_next(panel, &domains, '\n')) != NULL;)
        rebuild(panel, user, domain, restart);
    panel_child(panel, false, "v-update-user-counters", user, NULL);
    if (text_is(restart, "yes")) {
        panel_restart(panel, "web", restart);
        panel_restart(panel, "proxy", restart);
    }
}

const struct panel_command commands_web_change[] = {
    { "v-add-web-domain-alias", run_add_alias, CHANGE, 1200, 0, 3, "USER DOMAIN ALIASES [RESTART]" },
    { "v-delete-web-domain-alias", run_delete_alias, CHANGE, 1000, 0, 3, "USER DOMAIN ALIAS [RESTART]" },
    { "v-change-web-domain-backend-tpl", run_backend, CHANGE, 400, 0, 3, "USER DOMAIN TEMPLATE [RESTART]" },
    { "v-rebuild-web-domain", run_rebuild, CHANGE, 1500, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-rebuild-web-domains", run_rebuild_all, CHANGE, 1500, 0, 1, "USER [RESTART]" },
};
const size_t commands_web_change_count = ARRAY_LEN(commands_web_change);
