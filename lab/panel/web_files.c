/* web_files.c - what a web domain is made of on disk: folders, the PHP pool, the servers' files. */
#include <string.h>

#include "web_files.h"

static const char *const folders[] = { "public_html", "document_errors", "cgi-bin", "private", "stats", "logs" };

char *web_dir(struct panel *panel, const char *user, const char *domain)
{
    return text_format(panel, "/home/%s/web/%s", user, domain);
}

/* The panel makes the folders as the user, who must be able to pass through web (root's, group of the user). */
static bool user_may_pass(struct panel *panel, const char *user)
{
    struct panel_stat stat;
    const char *path = text_format(panel, "/home/%s/web", user);
    return panel->host->ops->stat(panel->host, path, &stat) && (stat.mode & 0011) != 0;
}

void web_make_folders(struct panel *panel, const char *user, const char *domain)
{
    const char *base = web_dir(panel, user, domain);
    bool is_there = file_is_dir(panel, base), may_pass = user_may_pass(panel, user);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char *path = text_format(panel, "%s/%s", base, folders[i]);
        if (file_exists(panel, path))
            continue;
        if (!is_there)
            panel_error(panel, "invalid destination path %s", path);
        else if (!may_pass || !dir_make(panel, path))
            panel_error(panel, "directory %s was not created", path);
    }
}

void web_make_logs(struct panel *panel, const char *user, const char *domain)
{
    static const char *const ends[] = { "bytes", "log", "error.log" };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *path = text_format(panel, WEB_LOG_DIR "/%s.%s", domain, ends[i]);
        file_touch(panel, path);
        file_owner(panel, path, "root", user);
        file_mode(panel, path, 0640);
        if (i > 0)
            file_link(panel, path, text_format(panel, "%s/logs/%s.%s", web_dir(panel, user, domain), domain, ends[i]));
    }
}

void web_make_skeleton(struct panel *panel, const char *user, const char *domain)
{
    const char *path = text_format(panel, "%s/public_html/index.html", web_dir(panel, user, domain));
    if (file_exists(panel, path))
        return;
    file_write(panel, path,
               text_format(panel,
                           "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta "
                           "charset=\"utf-8\">\n<title>%s</title>\n</head>\n<body>\n"
                           "<h1>%s</h1>\n<p>Success! Your new web server is ready to use.</p>\n</body>\n</html>\n",
                           domain, domain));
    file_mode(panel, path, 0644);
    file_owner(panel, path, user, user);
}

void web_set_modes(struct panel *panel, const char *user, const char *domain, unsigned base_mode, unsigned log_mode)
{
    const char *base = web_dir(panel, user, domain);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char *path = text_format(panel, "%s/%s", base, folders[i]);
        bool is_public = i == 0, is_log = text_is(folders[i], "stats") || text_is(folders[i], "logs");
        file_owner(panel, path, user, is_public ? "www-data" : user);
        file_mode(panel, path, is_public ? 0755 : is_log ? log_mode : 0751);
    }
    file_owner(panel, base, user, user);
    file_mode(panel, base, base_mode);
}

static char *pool_path(struct panel *panel, const char *domain)
{
    return text_format(panel, POOL_DIR "/%s.conf", domain);
}

static bool has_php(const char *backend)
{
    return !text_is(backend, "no-php");
}

void web_write_pool(struct panel *panel, const char *user, const char *domain, const char *backend)
{
    const char *text = "; no PHP for this site\n";
    if (has_php(backend))
        text = text_format(
            panel,
            "[%s]\nlisten = /run/php/php" PHP_VERSION
            "-fpm-%s.sock\nlisten.owner = %s\nlisten.group = www-data\n"
            "listen.mode = 0660\n\nuser = %s\ngroup = %s\n\npm = ondemand\npm.max_children = 8\n"
            "pm.max_requests = 4000\npm.process_idle_timeout = 10s\n\n"
            "php_admin_value[upload_tmp_dir] = /home/%s/tmp\nphp_admin_value[session.save_path] = /home/%s/tmp\n"
            "php_admin_value[open_basedir] = /home/%s/web/%s/public_html:/home/%s/web/%s/private:/home/%s/tmp:/tmp\n",
            domain, domain, user, user, user, user, user, user, domain, user, domain, user);
    const char *path = pool_path(panel, domain);
    file_write(panel, path, text);
    file_mode(panel, path, 0644);
}

bool web_delete_pool(struct panel *panel, const char *domain)
{
    return panel->host->ops->remove(panel->host, pool_path(panel, domain));
}

static const char *names_ascii(struct panel *panel, const char *list)
{
    struct buf names = BUF_INIT;
    for (const char *name; (name = text_next(panel, &list, ',')) != NULL;)
        buf_addf(&names, " %s", text_idn_ascii(panel, name));
    return text_take(panel, &names);
}

/* No try_files for plain files: a folder that cannot be entered must answer 403, as recorded, not 404. */
static const char *nginx_text(struct panel *panel, const char *user, const char *domain, const char *line)
{
    bool is_suspended = text_is(value_of(panel, line, "SUSPENDED"), "yes");
    const char *root = is_suspended ? TEMPLATES_DIR "/web/suspend"
                                    : text_format(panel, "%s/public_html", web_dir(panel, user, domain));
    const char *php =
        text_format(panel,
                    "    location ~ \\.php$ {\n        try_files $uri =404;\n        include fastcgi_params;\n"
                    "        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n"
                    "        fastcgi_pass unix:/run/php/php" PHP_VERSION "-fpm-%s.sock;\n    }\n",
                    domain);
    return text_format(
        panel,
        "server {\n    listen %s:%s;\n    server_name %s%s;\n    root %s;\n    index index.php index.html index.htm;\n"
        "    access_log " WEB_LOG_DIR "/%s.log combined;\n    error_log " WEB_LOG_DIR
        "/%s.error.log error;\n"
        "%s"
        "    location ~ /\\.(?!well-known) {\n        deny all;\n    }\n"
        "    include /home/%s/conf/web/%s/nginx.conf_*;\n}\n",
        ip_real(panel, value_of(panel, line, "IP")), config(panel, "PROXY_PORT"), text_idn_ascii(panel, domain),
        names_ascii(panel, value_of(panel, line, "ALIAS")), root, domain, domain,
        is_suspended || !has_php(value_of(panel, line, "BACKEND")) ? "" : php, user, domain);
}

static const char *apache_text(struct panel *panel, const char *user, const char *domain, const char *line)
{
    return text_format(
        panel,
        "<VirtualHost %s:%s>\n    ServerName %s\n    ServerAlias%s\n    DocumentRoot %s/public_html\n</VirtualHost>\n",
        ip_real(panel, value_of(panel, line, "IP")), config(panel, "WEB_PORT"), text_idn_ascii(panel, domain),
        names_ascii(panel, value_of(panel, line, "ALIAS")), web_dir(panel, user, domain));
}

void web_write_server(struct panel *panel, const char *system, const char *user, const char *domain, const char *line)
{
    const char *folder = text_format(panel, "/home/%s/conf/web/%s", user, domain);
    if (!file_exists(panel, folder))
        dir_make(panel, folder);
    const char *path = text_format(panel, "%s/%s.conf", folder, system);
    bool is_nginx = text_is(system, "nginx");
    file_write(panel, path, is_nginx ? nginx_text(panel, user, domain, line) : apache_text(panel, user, domain, line));
    file_owner(panel, path, "root", user);
    file_mode(panel, path, 0640);
    file_link(panel, path, text_format(panel, "/etc/%s/conf.d/domains/%s.conf", system, domain));
}

void web_delete_server(struct panel *panel, const char *system, const char *user, const char *domain)
{
    file_remove(panel, text_format(panel, "/home/%s/conf/web/%s/%s.conf", user, domain, system));
    file_remove(panel, text_format(panel, "/etc/%s/conf.d/domains/%s.conf", system, domain));
}

void web_write_servers(struct panel *panel, const char *user, const char *domain, const char *line)
{
    web_write_server(panel, config(panel, "WEB_SYSTEM"), user, domain, line);
    if (enabled(panel, "PROXY_SYSTEM") && *value_of(panel, line, "PROXY") != '\0')
        web_write_server(panel, config(panel, "PROXY_SYSTEM"), user, domain, line);
}
