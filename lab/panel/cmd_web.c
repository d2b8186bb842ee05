/* cmd_web.c - web domains: add, delete, list, suspend. The line in web.conf comes last: a v-add-web-domain that was killed
 * leaves a folder, a pool and a live host that no list shows. */
#include <string.h>

#include "web_files.h"

#define PROXY_EXT                                                                                                      \
    "css,htm,html,js,mjs,json,xml,apng,avif,bmp,cur,gif,ico,jfif,jpg,jpeg,pjp,pjpeg,png,svg,tif,tiff,webp,aac,caf,"    \
    "flac,"                                                                                                            \
    "m4a,midi,mp3,ogg,opus,wav,3gp,av1,avi,m4v,mkv,mov,mpg,mpeg,mp4,mp4v,webm,otf,ttf,woff,woff2,doc,docx,odf,odp,"    \
    "ods,"                                                                                                             \
    "odt,pdf,ppt,pptx,rtf,txt,xls,xlsx,7z,bz2,gz,rar,tar,tgz,zip,apk,appx,bin,dmg,exe,img,iso,jar,msi,webmanifest"

struct site {
    const char *user, *domain, *ip, *local_ip, *restart, *alias, *proxy_ext;
    size_t alias_count;
};

/* Lower case, sorted, without doubles, empty parts and dots at the ends. */
static const char *format_aliases(struct panel *panel, const char *aliases)
{
    if (*aliases == '\0' || text_is(aliases, "none"))
        return aliases;
    const char *names[256], *list = text_lower(panel, aliases);
    size_t count = 0;
    for (const char *name; count < ARRAY_LEN(names) && (name = text_next(panel, &list, ',')) != NULL;) {
        name += strspn(name, ".");
        size_t length = strlen(name), at = count;
        while (length > 0 && name[length - 1] == '.')
            length--;
        name = text_copy(panel, name, length);
        while (at > 0 && strcmp(names[at - 1], name) > 0)
            at--;
        if (length == 0 || (at > 0 && text_is(names[at - 1], name)))
            continue;
        memmove(&names[at + 1], &names[at], (count - at) * sizeof(names[0]));
        names[at] = name;
        count++;
    }
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s%s", i > 0 ? "," : "", names[i]);
    return text_take(panel, &text);
}

static const char *default_alias(struct panel *panel, const char *domain)
{
    const char *dot = strchr(domain, '.');
    bool is_sub = dot != NULL && strchr(dot + 1, '.') != NULL;
    if (is_sub && !domain_has_double_suffix(panel, domain))
        return "";
    return text_format(panel, "www.%s", domain);
}

static void check_add(struct panel *panel, struct site *site, const char *aliases)
{
    /* The names as they were typed: upper case is not found here, only later by the folder or the owner. */
    const char *typed = arg(panel, 2), *utf = text_idn_unicode(panel, typed);
    size_t used = line_count(file_read(panel, user_path(panel, site->user, "web.conf")));
    check_user_name(panel, site->user, false);
    check_domain(panel, site->domain, "domain");
    check_aliases(panel, aliases);
    check_ip(panel, site->ip);
    check_restart(panel, site->restart);
    check_user(panel, site->user);
    check_user_active(panel, site->user);
    check_limit(panel, site->user, "WEB_DOMAINS", used, false);
    if (!text_is(aliases, "none"))
        check_limit(panel, site->user, "WEB_ALIASES", text_count_list(aliases), true);
    panel_work(panel, 100);
    domain_check_new(panel, site->user, "web", text_format(panel, "%s,%s", utf, aliases));
    domain_check_new(panel, site->user, "web", text_format(panel, "%s,%s", text_idn_ascii(panel, typed), aliases));
    domain_check_not_ip(panel, site->domain);
    domain_check_base_owner(panel, site->user, text_format(panel, "%s,%s", site->domain, aliases));
    site->ip = ip_for_user(panel, site->user, site->ip, &site->local_ip);
    if (file_exists(panel, web_dir(panel, site->user, site->domain)))
        panel_fail(panel, E_EXISTS, "Web domain folder for %s should not exist", site->domain);
    panel_work(panel, 100);
}

static void make_files(struct panel *panel, const struct site *site)
{
    const char *path = web_dir(panel, site->user, site->domain);
    dir_make(panel, path);
    file_owner(panel, path, site->user, site->user);
    panel_point(panel, "web-a");
    panel_work(panel, 150);
    web_make_folders(panel, site->user, site->domain);
    web_make_logs(panel, site->user, site->domain);
    panel_point(panel, "web-b");
    panel_work(panel, 150);
    web_make_skeleton(panel, site->user, site->domain);
    web_set_modes(panel, site->user, site->domain, 0551, 0551);
    panel_point(panel, "web-c");
}

static const char *template_of(struct panel *panel, const char *user, const char *key)
{
    const char *value = user_value(panel, user, key);
    if (*value != '\0')
        return value;
    user_value_set(panel, user, key, "default");
    return "default";
}

static const char *web_line(struct panel *panel, const struct site *site, const char *backend)
{
    const char *time, *date;
    stamp(panel, &time, &date);
    return text_format(
        panel,
        "DOMAIN='%s' IP='%s' IP6='' CUSTOM_DOCROOT='' ALIAS='%s' TPL='%s' SSL='no' SSL_FORCE='no' SSL_HOME='same' "
        "LETSENCRYPT='no' FTP_USER='' FTP_MD5='' BACKEND='%s' PROXY='%s' PROXY_EXT='%s' STATS='' STATS_USER='' "
        "STATS_CRYPT='' U_DISK='0' U_BANDWIDTH='0' SUSPENDED='no' TIME='%s' DATE='%s'",
        site->domain, site->ip, site->alias, template_of(panel, site->user, "WEB_TEMPLATE"), backend,
        template_of(panel, site->user, "PROXY_TEMPLATE"), site->proxy_ext, time, date);
}

static void run_add(struct panel *panel)
{
    struct site site = { .user = arg(panel, 1),
                         .domain = domain_format(panel, arg(panel, 2)),
                         .ip = arg(panel, 3),
                         .restart = arg(panel, 4),
                         .proxy_ext = arg(panel, 6) };
    const char *aliases = format_aliases(panel, arg(panel, 5));
    check_system(panel, "WEB_SYSTEM"); /* before the arguments are counted */
    if (panel->argc < 2) {
        buf_add_text(panel->out, "Usage: v-add-web-domain USER DOMAIN [IP] [RESTART] [ALIASES] [PROXY_EXTENSIONS]\n");
        panel_exit(panel, E_ARGS);
    }
    check_add(panel, &site, aliases);
    make_files(panel, &site);
    const char *backend = template_of(panel, site.user, "BACKEND_TEMPLATE");
    if (enabled(panel, "WEB_BACKEND")) {
        panel_work(panel, 150);
        web_write_pool(panel, site.user, site.domain, backend);
        panel_restart(panel, "web-backend", site.restart);
    }
    panel_point(panel, "web-d");
    site.alias = text_is(aliases, "none") ? "" : *aliases == '\0' ? default_alias(panel, site.domain) : aliases;
    site.proxy_ext = *site.proxy_ext == '\0' && enabled(panel, "PROXY_SYSTEM") ? PROXY_EXT : site.proxy_ext;
    const char *line = web_line(panel, &site, backend);
    panel_work(panel, 100);
    web_write_server(panel, config(panel, "WEB_SYSTEM"), site.user, site.domain, line);
    panel_point(panel, "web-e");
    panel_work(panel, 100);
    if (enabled(panel, "PROXY_SYSTEM"))
        web_write_server(panel, config(panel, "PROXY_SYSTEM"), site.user, site.domain, line);
    panel_point(panel, "web-f");
    ip_count(panel, site.local_ip, site.user, 1);
    user_value_add(panel, site.user, "U_WEB_DOMAINS", 1);
    user_value_add(panel, site.user, "U_WEB_ALIASES", *site.alias == '\0' ? 0 : (long)text_count_list(site.alias));
    panel_work(panel, 100);
    panel_point(panel, "web-g");
    file_append(panel, user_path(panel, site.user, "web.conf"), text_format(panel, "%s\n", line));
    panel_point(panel, "web-h");
    panel_work(panel, 50);
    panel_restart(panel, "web", site.restart);
    panel_restart(panel, "proxy", site.restart);
}

static void enter(struct panel *panel, const char **ret_user, const char **ret_domain, const char **ret_restart)
{
    *ret_user = arg(panel, 1);
    *ret_domain = domain_format(panel, arg(panel, 2));
    *ret_restart = arg(panel, 3);
    check_user_name(panel, *ret_user, false);
    check_domain(panel, *ret_domain, "domain");
    check_restart(panel, *ret_restart);
    check_system(panel, "WEB_SYSTEM");
    check_user(panel, *ret_user);
    check_object(panel, *ret_user, "web", "DOMAIN", *ret_domain);
}

static void delete_files(struct panel *panel, const char *user, const char *domain)
{
    static const char *const ends[] = { "log", "bytes", "error.log" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        file_remove(panel, text_format(panel, WEB_LOG_DIR "/%s.%s", domain, ends[i]));
    panel_work(panel, 100);
    panel_point(panel, "wdel-c");
    panel->host->ops->remove_tree(panel->host, web_dir(panel, user, domain));
    panel->host->ops->remove_tree(panel->host, text_format(panel, "/home/%s/conf/web/%s", user, domain));
}

static void run_delete(struct panel *panel)
{
    const char *user, *domain, *restart;
    enter(panel, &user, &domain, &restart);
    const char *line = object_load(panel, user, "web", "DOMAIN", domain);
    bool is_ssl = text_is(value_of(panel, line, "SSL"), "yes");
    panel_work(panel, 150);
    if (enabled(panel, "WEB_BACKEND") && !web_delete_pool(panel, domain))
        panel_error(panel, "php-fpm pool doesn't exist");
    panel_point(panel, "wdel-a");
    panel_work(panel, 100);
    web_delete_server(panel, config(panel, "WEB_SYSTEM"), user, domain);
    if (is_ssl)
        panel->host->ops->remove_tree(panel->host, text_format(panel, "/home/%s/conf/web/%s/ssl", user, domain));
    file_delete_lines(panel, user_path(panel, user, "web.conf"), text_format(panel, "DOMAIN='%s'", domain));
    panel_point(panel, "wdel-b");
    panel_work(panel, 100);
    if (enabled(panel, "PROXY_SYSTEM"))
        web_delete_server(panel, config(panel, "PROXY_SYSTEM"), user, domain);
    delete_files(panel, user, domain);
    ip_count(panel, ip_real(panel, value_of(panel, line, "IP")), user, -1);
    user_value_subtract(panel, user, "U_WEB_DOMAINS", 1);
    if (is_ssl)
        user_value_subtract(panel, user, "U_WEB_SSL", 1);
    const char *alias = value_of(panel, line, "ALIAS");
    if (*alias != '\0')
        user_value_subtract(panel, user, "U_WEB_ALIASES", (long)text_count_list(alias));
    if (text_is(value_of(panel, line, "SUSPENDED"), "yes"))
        user_value_subtract(panel, user, "SUSPENDED_WEB", 1);
    panel_work(panel, 100);
    panel_restart(panel, "web", restart);
    panel_restart(panel, "proxy", restart);
    panel_restart(panel, "web-backend", restart);
}

static void set_suspended(struct panel *panel, bool is_suspended)
{
    const char *user, *domain, *restart, *word = is_suspended ? "yes" : "no";
    enter(panel, &user, &domain, &restart);
    if (is_suspended)
        check_object_active(panel, user, "web", "DOMAIN", domain);
    else
        check_object_suspended(panel, user, "web", "DOMAIN", domain);
    const char *line = value_set(panel, object_load(panel, user, "web", "DOMAIN", domain), "SUSPENDED", word);
    panel_work(panel, 200);
    web_write_servers(panel, user, domain, line);
    object_update(panel, user, "web", "DOMAIN", domain, "SUSPENDED", word);
    if (is_suspended)
        user_value_add(panel, user, "SUSPENDED_WEB", 1);
    else
        user_value_subtract(panel, user, "SUSPENDED_WEB", 1);
    panel_work(panel, 100);
    panel_child(panel, false, "v-rebuild-web-domain", user, domain, "no", NULL);
    panel_restart(panel, "web", restart);
    panel_restart(panel, "proxy", restart);
}

static void run_suspend(struct panel *panel)
{
    set_suspended(panel, true);
}

static void run_unsuspend(struct panel *panel)
{
    set_suspended(panel, false);
}

static const char *const one_fields[] = {
    "IP",
    "IP6",
    "DOCUMENT_ROOT",
    "U_DISK",
    "U_BANDWIDTH",
    "TPL",
    "ALIAS",
    "STATS",
    "STATS_USER",
    "SSL",
    "SSL_FORCE",
    "SSL_HSTS",
    "SSL_HOME",
    "LETSENCRYPT",
    "FTP_USER",
    "FTP_PATH",
    "AUTH_USER",
    "BACKEND",
    "PROXY",
    "PROXY_EXT",
    "FASTCGI_CACHE",
    "FASTCGI_DURATION",
    "REDIRECT",
    "REDIRECT_CODE",
    "CUSTOM_DOCROOT",
    "SUSPENDED",
    "TIME",
    "DATE",
    NULL,
};
static const char *const all_fields[] = {
    "IP",         "IP6",       "DOCUMENT_ROOT", "U_DISK",      "U_BANDWIDTH", "TPL",      "ALIAS",     "STATS",
    "STATS_USER", "SSL",       "SSL_HOME",      "LETSENCRYPT", "FTP_USER",    "FTP_PATH", "AUTH_USER", "BACKEND",
    "PROXY",      "PROXY_EXT", "SUSPENDED",     "TIME",        "DATE",        NULL,
};

static void run_list(struct panel *panel)
{
    const char *user = arg(panel, 1), *domain = arg(panel, 2);
    check_user_name(panel, user, false);
    check_domain(panel, domain, "domain");
    check_user(panel, user);
    check_object(panel, user, "web", "DOMAIN", domain);
    const char *line = object_load(panel, user, "web", "DOMAIN", domain);
    const char *values = text_format(panel, "%s DOCUMENT_ROOT='%s/public_html/'", line, web_dir(panel, user, domain));
    list_one(panel, arg_or(panel, 3, "shell"), value_of(panel, line, "DOMAIN"), values, one_fields, "    }");
}

static void run_list_all(struct panel *panel)
{
    const char *user = arg(panel, 1), *format = arg_or(panel, 2, "shell");
    check_user_name(panel, user, false);
    check_user(panel, user);
    const char *position = file_read(panel, user_path(panel, user, "web.conf"));
    struct buf lines = BUF_INIT;
    for (const char *line; (line = text_next(panel, &position, '\n')) != NULL;)
        buf_addf(&lines, "%s DOCUMENT_ROOT='%s/public_html/'\n", line,
                 web_dir(panel, user, value_of(panel, line, "DOMAIN")));
    list_lines(panel, format, text_take(panel, &lines), "DOMAIN", all_fields, "");
}

const struct panel_command commands_web[] = {
    { "v-add-web-domain", run_add, CHANGE, 1000, 0, 0, NULL },
    { "v-delete-web-domain", run_delete, CHANGE, 550, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-suspend-web-domain", run_suspend, CHANGE, 1500, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-unsuspend-web-domain", run_unsuspend, CHANGE, 1500, 0, 2, "USER DOMAIN [RESTART]" },
    { "v-list-web-domain", run_list, LOOK, 50, 0, 2, "USER DOMAIN [FORMAT]" },
    { "v-list-web-domains", run_list_all, LOOK, 50, 0, 1, "USER [FORMAT]" },
};
const size_t commands_web_count = ARRAY_LEN(commands_web);
