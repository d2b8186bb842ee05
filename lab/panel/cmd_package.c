/* cmd_package.c - packages: the limits that users get. */
#include <string.h>

#include "internal.h"

static const char *const package_fields[] = {
    "WEB_TEMPLATE",
    "BACKEND_TEMPLATE",
    "PROXY_TEMPLATE",
    "DNS_TEMPLATE",
    "WEB_DOMAINS",
    "WEB_ALIASES",
    "DNS_DOMAINS",
    "DNS_RECORDS",
    "MAIL_DOMAINS",
    "MAIL_ACCOUNTS",
    "RATE_LIMIT",
    "DATABASES",
    "CRON_JOBS",
    "DISK_QUOTA",
    "=CPU_QUOTA",
    "=CPU_QUOTA_PERIOD",
    "=MEMORY_LIMIT",
    "=SWAP_LIMIT",
    "BANDWIDTH",
    "NS",
    "SHELL",
    "BACKUPS",
    "\tBACKUPS_INCREMENTAL",
    "TIME",
    "DATE",
    NULL,
};
static const char *const packages_fields[] = {
    "WEB_TEMPLATE", "PROXY_TEMPLATE",    "DNS_TEMPLATE",  "WEB_DOMAINS", "WEB_ALIASES", "DNS_DOMAINS",
    "DNS_RECORDS",  "MAIL_DOMAINS",      "MAIL_ACCOUNTS", "DATABASES",   "CRON_JOBS",   "DISK_QUOTA",
    "=CPU_QUOTA",   "=CPU_QUOTA_PERIOD", "=MEMORY_LIMIT", "=SWAP_LIMIT", "BANDWIDTH",   "NS",
    "SHELL",        "BACKUPS",           "TIME",          "DATE",        NULL,
};
/* The order in which a package file is written. */
static const char *const file_keys[] = {
    "WEB_TEMPLATE", "PROXY_TEMPLATE", "BACKEND_TEMPLATE",    "DNS_TEMPLATE",
    "WEB_DOMAINS",  "WEB_ALIASES",    "DNS_DOMAINS",         "DNS_RECORDS",
    "MAIL_DOMAINS", "MAIL_ACCOUNTS",  "RATE_LIMIT",          "DATABASES",
    "CRON_JOBS",    "DISK_QUOTA",     "CPU_QUOTA",           "CPU_QUOTA_PERIOD",
    "MEMORY_LIMIT", "SWAP_LIMIT",     "BANDWIDTH",           "NS",
    "SHELL",        "BACKUPS",        "BACKUPS_INCREMENTAL",
};

static char *package_path(struct panel *panel, const char *package)
{
    return text_format(panel, PACKAGES_DIR "/%s.pkg", package);
}

static void check_package_new(struct panel *panel, const char *package)
{
    if (file_exists(panel, package_path(panel, package)))
        panel_fail(panel, E_EXISTS, "package %s already exists.", package);
}

static void check_template(struct panel *panel, const char *folder, const char *template, const char *what)
{
    if (*template != '\0' && !file_exists(panel, text_format(panel, TEMPLATES_DIR "/%s/%s.tpl", folder, template)))
        panel_fail(panel, E_NOTEXIST, "%s %s template doesn't exist", template, what);
}

static void check_values(struct panel *panel, const char *text)
{
    static const struct {
        const char *key;
        bool may_be_unlimited;
    } numbers[] = {
        { "WEB_DOMAINS", true },  { "WEB_ALIASES", true },   { "DNS_DOMAINS", true }, { "DNS_RECORDS", true },
        { "MAIL_DOMAINS", true }, { "MAIL_ACCOUNTS", true }, { "DATABASES", true },   { "CRON_JOBS", true },
        { "RATE_LIMIT", false },  { "DISK_QUOTA", true },    { "BANDWIDTH", true },   { "BACKUPS", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const char *value = value_of(panel, text, numbers[i].key);
        if (!numbers[i].may_be_unlimited || !text_is(value, "unlimited"))
            check_number(panel, value, numbers[i].key);
    }
    check_boolean(panel, value_of(panel, text, "BACKUPS_INCREMENTAL"), "BACKUPS_INCREMENTAL");
    if (enabled(panel, "WEB_SYSTEM"))
        check_template(panel, "web/apache2", value_of(panel, text, "WEB_TEMPLATE"), "web");
    if (enabled(panel, "WEB_BACKEND"))
        check_template(panel, "web/php-fpm", value_of(panel, text, "BACKEND_TEMPLATE"), "backend");
    if (enabled(panel, "PROXY_SYSTEM"))
        check_template(panel, "web/nginx", value_of(panel, text, "PROXY_TEMPLATE"), "proxy");
    check_template(panel, "dns", value_of(panel, text, "DNS_TEMPLATE"), "dns");
    const char *servers = value_of(panel, text, "NS");
    int number = 1;
    for (const char *ns; (ns = text_next(panel, &servers, ',')) != NULL; number++)
        check_domain(panel, ns, text_format(panel, "ns%d", number));
}

static void run_add(struct panel *panel)
{
    const char *file = arg(panel, 1), *package = arg(panel, 2);
    check_package_name(panel, package, "package");
    if (text_is(arg(panel, 3), "yes"))
        check_package(panel, package);
    else
        check_package_new(panel, package);
    struct panel_stat stat;
    if (!panel->host->ops->stat(panel->host, file, &stat) || stat.is_dir) {
        buf_addf(panel->out, "%s does not exist\n", file);
        panel_exit(panel, E_NOTEXIST);
    }
    const char *text = file_read(panel, file);
    check_values(panel, text);
    /* A package without SHELL gets the one of the calling shell: that is how customers end up with bash. */
    const char *shell = strstr(text, "SHELL='") != NULL ? value_of(panel, text, "SHELL") : env(panel, "SHELL");
    const char *slash = strrchr(shell, '/');
    shell = slash == NULL ? shell : slash + 1;
    check_shell(panel, shell);
    panel_work(panel, 60);
    const char *time, *date;
    stamp(panel, &time, &date);
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(file_keys); i++) {
        const char *value = text_is(file_keys[i], "SHELL") ? shell : value_of(panel, text, file_keys[i]);
        buf_addf(&out, "%s='%s'\n", file_keys[i], value);
    }
    buf_addf(&out, "TIME='%s'\nDATE='%s'\n\n", time, date);
    const char *path = package_path(panel, package);
    file_write(panel, path, text_take(panel, &out));
    file_mode(panel, path, 0644);
    panel_work(panel, 30);
}

/* Its users go to the package default; the search for them also finds packages whose names begin alike. */
static void run_delete(struct panel *panel)
{
    const char *package = arg(panel, 1);
    check_package_name(panel, package, "package");
    check_package(panel, package);
    const char *begin = text_format(panel, "PACKAGE='%s", package), *position = dir_list(panel, USERS_DIR);
    for (const char *user; (user = text_next(panel, &position, '\n')) != NULL;) {
        if (strstr(file_read(panel, user_path(panel, user, "user.conf")), begin) != NULL)
            panel_child(panel, false, "v-change-user-package", user, "default", NULL);
    }
    panel_work(panel, 60);
    file_remove(panel, package_path(panel, package));
}

static void run_update(struct panel *panel)
{
    const char *package = arg(panel, 1);
    check_package_name(panel, package, "package");
    check_package(panel, package);
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *user; (user = text_next(panel, &position, '\n')) != NULL;) {
        if (text_is(user_value(panel, user, "PACKAGE"), package))
            panel_child(panel, false, "v-change-user-package", user, package, "yes", NULL);
    }
}

static void run_copy(struct panel *panel)
{
    const char *from = arg(panel, 1), *to = arg(panel, 2);
    check_package(panel, from);
    check_package_new(panel, to);
    check_package_name(panel, from, "Package");
    check_package_name(panel, to, "New package");
    if (*to == '\0')
        panel_fail(panel, E_ARGS, "new package name not specified.");
    panel_work(panel, 60);
    file_write(panel, package_path(panel, to), file_read(panel, package_path(panel, from)));
}

static void run_rename(struct panel *panel)
{
    const char *from = arg(panel, 1), *to = arg(panel, 2);
    check_package_name(panel, to, "new_name");
    check_package(panel, from);
    check_package_new(panel, to);
    panel->host->ops->rename(panel->host, package_path(panel, from), package_path(panel, to));
    const char *position = dir_list(panel, USERS_DIR);
    for (const char *user; (user = text_next(panel, &position, '\n')) != NULL;) {
        if (text_is(user_value(panel, user, "PACKAGE"), from))
            user_value_set(panel, user, "PACKAGE", to);
    }
}

static void run_list(struct panel *panel)
{
    const char *package = arg(panel, 1);
    check_package_name(panel, package, "package");
    check_package(panel, package);
    list_one(panel, arg_or(panel, 2, "shell"), package, file_read(panel, package_path(panel, package)), package_fields,
             "    }");
}

static void run_list_all(struct panel *panel)
{
    const char *format = arg_or(panel, 1, "shell"), *names = dir_list_newest(panel, PACKAGES_DIR);
    size_t left = line_count(names);
    bool is_json = text_is(format, "json");
    if (is_json)
        list_open(panel);
    for (const char *name; (name = text_next(panel, &names, '\n')) != NULL;) {
        const char *package = text_copy(panel, name, strlen(name) - strlen(".pkg"));
        const char *text = file_read(panel, package_path(panel, package));
        bool is_last = --left == 0;
        if (is_json)
            list_object(panel, package, text, packages_fields, is_last ? "    }\n" : "    }", is_last);
        else
            list_plain(panel, package, text, packages_fields);
    }
    if (is_json)
        list_close(panel);
}

const struct panel_command commands_package[] = {
    { "v-add-user-package", run_add, CHANGE, 90, 0, 2, "PKG_DIR PACKAGE" },
    { "v-delete-user-package", run_delete, CHANGE, 60, 0, 1, "PACKAGE" },
    { "v-update-user-package", run_update, CHANGE, 300, 0, 1, "PACKAGE" },
    { "v-copy-user-package", run_copy, CHANGE, 67, 0, 0, NULL },
    { "v-rename-user-package", run_rename, CHANGE, 60, 0, 2, "OLD_NAME NEW_NAME" },
    { "v-list-user-package", run_list, LOOK, 20, 0, 1, "PACKAGE [FORMAT]" },
    { "v-list-user-packages", run_list_all, LOOK, 22, 0, 0, NULL },
};
const size_t commands_package_count = ARRAY_LEN(commands_package);
