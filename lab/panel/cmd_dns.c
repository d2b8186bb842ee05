/* cmd_dns.c - zones: add, delete, rebuild, suspend, list, and the two commands that write a whole zone at once. */
#include <string.h>

#include "internal.h"

#define NS_MAX 8

static char *records_path(struct panel *panel, const char *user, const char *domain)
{
    return text_format(panel, USERS_DIR "/%s/dns/%s.conf", user, domain);
}

static void check_names(struct panel *panel, const char *user, const char *domain, const char *restart)
{
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_restart(panel, restart);
    check_system(panel, "DNS_SYSTEM");
    check_user(panel, user);
}

/* A template's text for one zone; lines with a name server that is not given are left out from the third on. */
static const char *fill_template(struct panel *panel, const char *template, const char *domain, const char *ip,
                                 const char *const ns[NS_MAX], const char *time, const char *date)
{
    const char *position = file_read(panel, text_format(panel, TEMPLATES_DIR "/dns/%s.tpl", template));
    struct buf kept = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;) {
        bool is_left_out = false;
        for (int i = 2; i < NS_MAX; i++)
            is_left_out |= *ns[i] == '\0' && strstr(line, text_format(panel, "%%ns%d%%", i + 1)) != NULL;
        if (!is_left_out)
            buf_addf(&kept, "%s\n", line);
    }
    const char *text = text_take(panel, &kept);
    text = text_replace(panel, text, "%ip%", ip);
    text = text_replace(panel, text, "%domain_idn%", text_idn_ascii(panel, domain));
    text = text_replace(panel, text, "%domain%", domain);
    text = text_replace(panel, text, "%time%", time);
    text = text_replace(panel, text, "%date%", date);
    for (int i = 0; i < NS_MAX; i++)
        text = text_replace(panel, text, text_format(panel, "%%ns%d%%", i + 1), ns[i]);
    return text;
}

static void servers_of_user(struct panel *panel, const char *user, const char *ns[NS_MAX])
{
    const char *servers = user_value(panel, user, "NS");
    for (int i = 0; i < NS_MAX; i++) {
        const char *name = text_next(panel, &servers, ',');
        if (name != NULL)
            ns[i] = name;
    }
}

static const char *trim_dots(struct panel *panel, const char *name)
{
    name += strspn(name, ".");
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '.')
        length--;
    return text_copy(panel, name, length);
}

static void check_add(struct panel *panel, const char *user, const char *domain, const char *ip)
{
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_ip(panel, ip);
    check_system(panel, "DNS_SYSTEM");
    check_user(panel, user);
    check_user_active(panel, user);
    check_restart(panel, arg(panel, 12));
    panel_work(panel, 50);
    domain_check_new(panel, user, "dns", text_idn_unicode(panel, domain));
    domain_check_new(panel, user, "dns", text_idn_ascii(panel, domain));
    domain_check_not_ip(panel, domain);
    if (*arg(panel, 13) != '\0')
        check_boolean(panel, arg(panel, 13), "dnssec");
    check_limit(panel, user, "DNS_DOMAINS", line_count(file_read(panel, user_path(panel, user, "dns.conf"))), false);
    const char *template = user_value(panel, user, "DNS_TEMPLATE");
    if (!file_exists(panel, text_format(panel, TEMPLATES_DIR "/dns/%s.tpl", template)))
        panel_fail(panel, E_NOTEXIST, "%s dns template doesn't exist", template);
    domain_check_base_owner(panel, user, domain);
}

static const char *one_year_on(struct panel *panel, const char *date)
{
    const char *day = date + 4;
    if (text_is(day, "-02-29"))
        day = "-03-01";
    return text_format(panel, "%04d%s", atoi(date) + 1, day);
}

static void run_add(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *ip = arg(panel, 3);
    const char *ns[NS_MAX], *time, *date, *dnssec = *arg(panel, 13) == '\0' ? "no" : arg(panel, 13);
    check_add(panel, user, domain, ip);
    for (int i = 0; i < NS_MAX; i++) {
        ns[i] = trim_dots(panel, arg(panel, 4 + i));
        check_domain(panel, ns[i], text_format(panel, "ns%d", i + 1));
    }
    if (*ns[1] == '\0')
        servers_of_user(panel, user, ns);
    stamp(panel, &time, &date);
    panel_work(panel, 50);
    const char *template = user_value(panel, user, "DNS_TEMPLATE"), *path = records_path(panel, user, domain);
    const char *records = fill_template(panel, template, domain, ip, ns, time, date);
    file_write(panel, path, records);
    file_mode(panel, path, 0660);
    panel_point(panel, "dns-a");
    file_append(
        panel, user_path(panel, user, "dns.conf"),
        text_format(panel,
                    "DOMAIN='%s' IP='%s' TPL='%s' TTL='14400' EXP='%s' SOA='%s' SERIAL='3000000000' SRC='' "
                    "RECORDS='%zu' DNSSEC='%s' KEY='' SLAVE='no' MASTER='' SUSPENDED='no' TIME='%s' DATE='%s'\n",
                    domain, ip, template, one_year_on(panel, date), ns[0], line_count(records), dnssec, time, date));
    panel_point(panel, "dns-b");
    zone_write(panel, user, domain);
    panel_point(panel, "dns-c");
    user_value_add(panel, user, "U_DNS_DOMAINS", 1);
    user_value_add(panel, user, "U_DNS_RECORDS", (long)line_count(records));
    panel_point(panel, "dns-d");
    panel_work(panel, 100);
    panel_restart(panel, "dns", arg(panel, 12));
}

static void forget_zone(struct panel *panel, const char *user, const char *domain)
{
    file_delete_lines(panel, NAMED_CONF, text_format(panel, "/%s/conf/dns/%s.db\"", user, domain));
}

static void run_delete(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *restart = arg(panel, 3);
    check_names(panel, user, domain, restart);
    check_object(panel, user, "dns", "DOMAIN", domain);
    bool is_suspended = strstr(object_find(panel, user, "dns", "DOMAIN", domain), "SUSPENDED='yes'") != NULL;
    size_t records = line_count(file_read(panel, records_path(panel, user, domain)));
    panel_work(panel, 100);
    forget_zone(panel, user, domain);
    file_remove(panel, text_format(panel, "/home/%s/conf/dns/%s.db", user, domain));
    file_delete_lines(panel, user_path(panel, user, "dns.conf"), text_format(panel, "DOMAIN='%s'", domain));
    file_remove(panel, records_path(panel, user, domain));
    user_value_subtract(panel, user, "U_DNS_DOMAINS", 1);
    user_value_subtract(panel, user, "U_DNS_RECORDS", (long)records);
    panel_work(panel, 100);
    panel_restart(panel, "dns", restart);
    if (is_suspended)
        user_value_subtract(panel, user, "SUSPENDED_DNS", 1);
}

static void run_rebuild(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *restart = arg(panel, 3);
    check_names(panel, user, domain, restart);
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        return;
    check_object(panel, user, "dns", "DOMAIN", domain);
    panel_work(panel, 200);
    forget_zone(panel, user, domain);
    if (text_is(arg_or(panel, 4, "no"), "yes"))
        zone_raise_serial(panel, user, domain);
    const char *object = object_load(panel, user, "dns", "DOMAIN", domain), *path = records_path(panel, user, domain);
    if (!file_exists(panel, path)) { /* a zone inserted without records gets the template's */
        const char *ns[NS_MAX] = { "", "", "", "", "", "", "", "" };
        servers_of_user(panel, user, ns);
        file_write(panel, path,
                   fill_template(panel, value_of(panel, object, "TPL"), domain, value_of(panel, object, "IP"), ns,
                                 value_of(panel, object, "TIME"), value_of(panel, object, "DATE")));
    }
    bool is_suspended = zone_write(panel, user, domain);
    /* The counters of the whole user are set to those of this one zone: the panel does the same. */
    user_value_set(panel, user, "U_DNS_DOMAINS", "1");
    user_value_set(panel, user, "U_DNS_RECORDS", text_format(panel, "%zu", line_count(file_read(panel, path))));
    user_value_set(panel, user, "SUSPENDED_DNS", is_suspended ? "1" : "0");
    panel_work(panel, 100);
    panel_restart(panel, "dns", restart);
}

static void run_rebuild_all(struct panel *panel)
{
    const char *user = arg(panel, 1), *restart = arg(panel, 2);
    check_names(panel, user, "", restart);
    if (text_is(user_value(panel, user, "SUSPENDED"), "yes"))
        return;
    size_t domains = 0, records = 0, suspended = 0;
    const char *names = object_search(panel, user, "dns", "DOMAIN", "*", "DOMAIN");
    for (const char *domain; (domain = text_next(panel, &names, '\n')) != NULL; domains++) {
        forget_zone(panel, user, domain);
        if (!text_is(arg_or(panel, 3, "no"), "no"))
            zone_raise_serial(panel, user, domain);
        suspended += zone_write(panel, user, domain);
        records += line_count(file_read(panel, records_path(panel, user, domain)));
    }
    user_value_set(panel, user, "U_DNS_DOMAINS", text_format(panel, "%zu", domains));
    user_value_set(panel, user, "U_DNS_RECORDS", text_format(panel, "%zu", records));
    user_value_set(panel, user, "SUSPENDED_DNS", text_format(panel, "%zu", suspended));
    panel_restart(panel, "dns", restart);
}

static void swap_suspended(struct panel *panel, const char *user, const char *domain, bool is_suspended)
{
    const char *path = records_path(panel, user, domain), *from = is_suspended ? "no" : "yes";
    const char *to = is_suspended ? "yes" : "no", *text = file_read(panel, path);
    object_update(panel, user, "dns", "DOMAIN", domain, "SUSPENDED", to);
    file_edit(panel, path,
              text_replace(panel, text, text_format(panel, "SUSPENDED='%s'", from),
                           text_format(panel, "SUSPENDED='%s'", to)));
}

/* Neither of the two reloads anything, whatever RESTART says. */
static void run_suspend(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2));
    check_names(panel, user, domain, arg(panel, 3));
    check_object(panel, user, "dns", "DOMAIN", domain);
    check_object_active(panel, user, "dns", "DOMAIN", domain);
    panel_work(panel, 150);
    forget_zone(panel, user, domain);
    swap_suspended(panel, user, domain, true);
    user_value_add(panel, user, "SUSPENDED_DNS", 1);
}

static void run_unsuspend(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2));
    check_names(panel, user, domain, arg(panel, 3));
    check_object(panel, user, "dns", "DOMAIN", domain);
    check_object_suspended(panel, user, "dns", "DOMAIN", domain);
    panel_work(panel, 120);
    file_append(panel, NAMED_CONF,
                text_format(panel, "zone \"%s\" {type master; file \"/home/%s/conf/dns/%s.db\";};\n",
                            text_idn_ascii(panel, domain), user, domain));
    user_value_subtract(panel, user, "SUSPENDED_DNS", 1);
    swap_suspended(panel, user, domain, false);
}

/* No check of the owner, of limits, of other users' zones: a second user may insert the same zone. */
static void run_insert(struct panel *panel)
{
    static const char *const kept[] = { "DOMAIN", "IP",      "TPL",    "TTL", "EXP",   "SOA",    "SERIAL",
                                        "SRC",    "RECORDS", "DNSSEC", "KEY", "SLAVE", "MASTER", "SUSPENDED" };
    const char *user = arg(panel, 1), *data = arg(panel, 2), *flush = arg(panel, 4), *time, *date;
    check_user_name(panel, user, false);
    check_system(panel, "DNS_SYSTEM");
    check_user(panel, user);
    check_user_active(panel, user);
    object_check(panel, data);
    const char *domain = value_of(panel, data, "DOMAIN");
    if (*domain == '\0')
        panel_fail(panel, E_ARGS, "Domain name missing from DATA");
    check_domain(panel, domain, "domain");
    if (text_is(flush, "no"))
        domain_check_new(panel, user, "dns", domain);
    panel_work(panel, 40);
    if (text_is(flush, "records"))
        file_write(panel, records_path(panel, user, domain), "");
    const char *path = user_path(panel, user, "dns.conf");
    if (!text_is(flush, "no"))
        file_delete_lines(panel, path, text_format(panel, "DOMAIN='%s'", domain));
    stamp(panel, &time, &date);
    struct buf line = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        buf_addf(&line, "%s='%s' ", kept[i], text_is(kept[i], "SRC") ? arg(panel, 3) : value_of(panel, data, kept[i]));
    buf_addf(&line, "TIME='%s' DATE='%s'\n", time, date);
    file_append(panel, path, text_take(panel, &line));
    panel_work(panel, 30);
}

static void run_insert_records(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *file = arg(panel, 3);
    check_names(panel, user, domain, arg(panel, 4));
    check_user_active(panel, user);
    check_object(panel, user, "dns", "DOMAIN", domain);
    panel_work(panel, 35);
    if (file_exists(panel, file)) {
        panel->host->ops->rename(panel->host, file, records_path(panel, user, domain));
        file_mode(panel, records_path(panel, user, domain), 0660);
    }
}

static void run_change_ip(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *ip = arg(panel, 3);
    check_ip(panel, ip);
    check_names(panel, user, domain, arg(panel, 4));
    check_user_active(panel, user);
    check_object(panel, user, "dns", "DOMAIN", domain);
    check_object_active(panel, user, "dns", "DOMAIN", domain);
    const char *old = value_of(panel, object_load(panel, user, "dns", "DOMAIN", domain), "IP");
    const char *path = records_path(panel, user, domain);
    panel_work(panel, 100);
    object_update(panel, user, "dns", "DOMAIN", domain, "IP", ip);
    file_edit(panel, path, text_replace(panel, file_read(panel, path), old, ip));
    zone_raise_serial(panel, user, domain);
    zone_write(panel, user, domain);
    panel_restart(panel, "dns", arg(panel, 4));
}

static void run_change_template(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2)), *template = arg(panel, 3);
    check_names(panel, user, domain, arg(panel, 4));
    check_user_active(panel, user);
    check_object(panel, user, "dns", "DOMAIN", domain);
    check_object_active(panel, user, "dns", "DOMAIN", domain);
    if (!file_exists(panel, text_format(panel, TEMPLATES_DIR "/dns/%s.tpl", template)))
        panel_fail(panel, E_NOTEXIST, "%s dns template doesn't exist", template);
    const char *object = object_load(panel, user, "dns", "DOMAIN", domain);
    const char *ns[NS_MAX] = { "", "", "", "", "", "", "", "" };
    servers_of_user(panel, user, ns);
    file_write(panel, records_path(panel, user, domain),
               fill_template(panel, template, domain, value_of(panel, object, "IP"), ns,
                             value_of(panel, object, "TIME"), value_of(panel, object, "DATE")));
    const char *key = dkim_value(panel, user, domain);
    if (*key != '\0')
        panel_child(panel, false, "v-add-dns-record", user, domain, "mail._domainkey", "TXT",
                    text_format(panel, "v=DKIM1; k=rsa; p=%s", key), NULL);
    zone_raise_serial(panel, user, domain);
    zone_write(panel, user, domain);
    object_update(panel, user, "dns", "DOMAIN", domain, "TPL", template);
    panel_child(panel, false, "v-rebuild-dns-domain", user, domain, "no", NULL);
    panel_child(panel, false, "v-update-user-counters", user, NULL);
    panel_restart(panel, "dns", arg(panel, 4));
}

static void run_change_dnssec(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = domain_format(panel, arg(panel, 2));
    check_names(panel, user, domain, arg(panel, 4));
    check_object(panel, user, "dns", "DOMAIN", domain);
    if (text_is(arg(panel, 3), "yes") && !text_is(config(panel, "DNS_CLUSTER_SYSTEM"), "hestia-zone"))
        panel_fail(panel, E_DISABLED, "DNSSEC is not supported when DNS_CLUSTER_SYSTEM is not set to hestia-zone");
    object_update(panel, user, "dns", "DOMAIN", domain, "DNSSEC", arg(panel, 3));
}

static const char *const fields[] = { "IP",  "TPL",     "TTL",       "EXP",  "SOA",  "SERIAL", "DNSSEC",
                                      "SRC", "RECORDS", "SUSPENDED", "TIME", "DATE", NULL };

static void run_list(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = arg(panel, 2);
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_user(panel, user);
    check_object(panel, user, "dns", "DOMAIN", domain);
    const char *line = object_load(panel, user, "dns", "DOMAIN", domain);
    list_one(panel, arg_or(panel, 3, "shell"), value_of(panel, line, "DOMAIN"), line, fields, "    }");
}

static void run_list_all(struct panel *panel)
{
    const char *user = arg(panel, 1);
    check_user_name(panel, user, false);
    check_user(panel, user);
    list_lines(panel, arg_or(panel, 2, "shell"), file_read(panel, user_path(panel, user, "dns.conf")), "DOMAIN", fields,
               "");
}

const struct panel_command commands_dns[] = {
    { "v-add-dns-domain", run_add, CHANGE, 3200, 0, 3, "USER DOMAIN IP [NS1] [NS2] [NS3] [..] [NS8] [RESTART]" },
    { "v-delete-dns-domain", run_delete, CHANGE, 200, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-rebuild-dns-domain", run_rebuild, CHANGE, 3700, 0, 2, "USER DOMAIN [RESTART] [UPDATE_SERIAL]" },
    { "v-rebuild-dns-domains", run_rebuild_all, CHANGE, 4000, 0, 1, "USER [RESTART] [UPDATE_SERIAL]" },
    { "v-suspend-dns-domain", run_suspend, CHANGE, 150, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-unsuspend-dns-domain", run_unsuspend, CHANGE, 120, 0, 2, "USER DOMAIN" },
    { "v-insert-dns-domain", run_insert, CHANGE, 70, 0, 2, "USER DATA [SRC] [FLUSH] [RESTART]" },
    { "v-insert-dns-records", run_insert_records, CHANGE, 35, 0, 3, "USER DOMAIN DATAFILE [RESTART]" },
    { "v-change-dns-domain-ip", run_change_ip, CHANGE, 4600, 0, 3, "USER DOMAIN IP [RESTART]" },
    { "v-change-dns-domain-tpl", run_change_template, CHANGE, 11000, 0, 3, "USER DOMAIN TEMPLATE [RESTART]" },
    { "v-change-dns-domain-dnssec", run_change_dnssec, CHANGE, 200, 0, 3, "USER DOMAIN STATUS [RESTART]" },
    { "v-list-dns-domain", run_list, LOOK, 50, 0, 2, "USER DOMAIN [FORMAT]" },
    { "v-list-dns-domains", run_list_all, LOOK, 50, 0, 1, "USER [FORMAT]" },
};
const size_t commands_dns_count = ARRAY_LEN(commands_dns);
