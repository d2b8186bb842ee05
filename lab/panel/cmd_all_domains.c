/* cmd_all_domains.c - delete, suspend or unsuspend all domains of one kind of a user. An inner failure is printed and the
 * next domain is taken. */
#include "internal.h"

static void for_all(struct panel *panel, const char *verb, const char *kind, const char *system, const char *suspended)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    check_user_name(panel, user, false);
    check_restart(panel, restart);
    check_system(panel, system);
    check_user(panel, user);
    const char *domains = object_search(panel, user, kind, "SUSPENDED", suspended, "DOMAIN");
    for (const char *domain; (domain = text_next(panel, &domains, '\n')) != NULL;)
        panel_child(panel, false, text_format(panel, "v-%s-%s-domain", verb, kind), user, domain, "no", NULL);
    if (text_is(kind, "web")) {
        panel_restart(panel, "web", restart);
        panel_restart(panel, "proxy", restart);
    } else if (text_is(kind, "dns") && text_is(verb, "delete")) {
        panel_restart(panel, "dns", restart);
    }
}

static void run_delete_web(struct panel *panel)
{
    for_all(panel, "delete", "web", "WEB_SYSTEM", "no");
}

static void run_delete_dns(struct panel *panel)
{
    for_all(panel, "delete", "dns", "DNS_SYSTEM", "no");
}

static void run_delete_mail(struct panel *panel)
{
    for_all(panel, "delete", "mail", "MAIL_SYSTEM", "no");
}

static void run_suspend_web(struct panel *panel)
{
    for_all(panel, "suspend", "web", "WEB_SYSTEM", "no");
}

static void run_suspend_dns(struct panel *panel)
{
    for_all(panel, "suspend", "dns", "DNS_SYSTEM", "no");
}

static void run_suspend_mail(struct panel *panel)
{
    for_all(panel, "suspend", "mail", "MAIL_SYSTEM", "no");
}

static void run_unsuspend_web(struct panel *panel)
{
    for_all(panel, "unsuspend", "web", "WEB_SYSTEM", "yes");
}

static void run_unsuspend_dns(struct panel *panel)
{
    for_all(panel, "unsuspend", "dns", "DNS_SYSTEM", "yes");
}

static void run_unsuspend_mail(struct panel *panel)
{
    for_all(panel, "unsuspend", "mail", "MAIL_SYSTEM", "yes");
}

const struct panel_command commands_all_domains[] = {
    { "v-delete-web-domains", run_delete_web, CHANGE, 550, 0, 1, "USER [RESTART]" },
    { "v-delete-dns-domains", run_delete_dns, CHANGE, 200, 0, 1, "USER [RESTART]" },
    { "v-delete-mail-domains", run_delete_mail, CHANGE, 800, 0, 1, "USER" },
    { "v-suspend-web-domains", run_suspend_web, CHANGE, 1500, 0, 1, "USER [RESTART]" },
    { "v-suspend-dns-domains", run_suspend_dns, CHANGE, 150, 0, 1, "USER [RESTART]" },
    { "v-suspend-mail-domains", run_suspend_mail, CHANGE, 1000, 0, 1, "USER" },
    { "v-unsuspend-web-domains", run_unsuspend_web, CHANGE, 1500, 0, 1, "USER [RESTART]" },
    { "v-unsuspend-dns-domains", run_unsuspend_dns, CHANGE, 120, 0, 1, "USER [RESTART]" },
    { "v-unsuspend-mail-domains", run_unsuspend_mail, CHANGE, 1000, 0, 1, "USER" },
};
const size_t commands_all_domains_count = ARRAY_LEN(commands_all_domains);
