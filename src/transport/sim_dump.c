/* sim_dump.c - what stands on a modelled node, as sorted lines that can be compared: see sim_node.h. It reads the panel's data files,
 * whose form is part of its contract, and not the panel's lists: those refuse to speak when a line is doubled. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/sim_node.h"

#define USERS PANEL_ROOT "/data/users"

struct lines {
    char **lines; /* owned */
    size_t count;
};

struct dump {
    struct panel_host *host;
    struct lines lines;
    bool is_with_serials;
};

static void add_line(struct dump *dump, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_line(struct dump *dump, const char *format, ...)
{
    va_list args;
    char line[4096];
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    dump->lines.lines = xrealloc(dump->lines.lines, (dump->lines.count + 1) * sizeof(*dump->lines.lines));
    dump->lines.lines[dump->lines.count++] = xstrdup(line);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool exists(const struct dump *dump, const char *path)
{
    struct panel_stat status;
    return dump->host->ops->stat(dump->host, path, &status);
}

/* Call back with each line of a file or each name in a folder. */
static void each_line(struct dump *dump, const char *text, void (*function)(struct dump *, const char *, void *),
                      void *context)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        CLEANUP(freep) char *line = xstrndup(at, length);
        if (line[0] != '\0')
            function(dump, line, context);
        at += length + (at[length] == '\n');
    }
}

static void each_name(struct dump *dump, const char *folder, void (*function)(struct dump *, const char *, void *),
                      void *context)
{
    CLEANUP(buf_finish) struct buf names = BUF_INIT;
    dump->host->ops->list(dump->host, folder, &names);
    each_line(dump, buf_text(&names), function, context);
}

static void each_object(struct dump *dump, const char *path, void (*function)(struct dump *, const char *, void *),
                        void *context)
{
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    dump->host->ops->read(dump->host, path, &text);
    each_line(dump, buf_text(&text), function, context);
}

/* The value of KEY='value' in a line, or in a file of such lines. Valid until the eighth next call. */
static const char *value_of(const char *text, const char *key)
{
    static _Thread_local char values[8][2048];
    static _Thread_local unsigned next;
    char *value = values[next++ % ARRAY_LEN(values)];
    char wanted[64];
    size_t length = (size_t)snprintf(wanted, sizeof(wanted), "%s='", key);
    value[0] = '\0';
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at += length) {
        if (at != text && at[-1] != ' ' && at[-1] != '\n')
            continue; /* the end of a longer key */
        snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at + length, "'"), at + length);
        break;
    }
    return value;
}

/* ---- one user ----------------------------------------------------------------------------------------------------- */

static void dump_web(struct dump *dump, const char *line, void *context)
{
    const char *user = context, *domain = value_of(line, "DOMAIN");
    add_line(dump, "site %s %s alias=%s php=%s suspended=%s", user, domain, value_of(line, "ALIAS"),
             value_of(line, "BACKEND"), value_of(line, "SUSPENDED"));
}

static void dump_record(struct dump *dump, const char *line, void *context)
{
    const char *domain = context;
    add_line(dump, "record %s id=%s %s %s %s %s", domain, value_of(line, "ID"), value_of(line, "RECORD"),
             value_of(line, "TYPE"), value_of(line, "PRIORITY"), value_of(line, "VALUE"));
}

static void dump_zone(struct dump *dump, const char *line, void *context)
{
    const char *user = context;
    char path[512], domain[300];
    snprintf(domain, sizeof(domain), "%s", value_of(line, "DOMAIN"));
    add_line(dump, "zone %s %s ip=%s soa=%s serial=%s suspended=%s", user, domain, value_of(line, "IP"),
             value_of(line, "SOA"), dump->is_with_serials ? value_of(line, "SERIAL") : "*",
             value_of(line, "SUSPENDED"));
    snprintf(path, sizeof(path), USERS "/%s/dns/%s.conf", user, domain);
    each_object(dump, path, dump_record, domain);
}

static void dump_mailbox(struct dump *dump, const char *line, void *context)
{
    const char *domain = context;
    add_line(dump, "mailbox %s@%s quota=%s suspended=%s", value_of(line, "ACCOUNT"), domain, value_of(line, "QUOTA"),
             value_of(line, "SUSPENDED"));
}

/* user:{SCHEME}hash:...: only who may log in, since the same address may not stand there twice. */
static void dump_login(struct dump *dump, const char *line, void *context)
{
    const char *domain = context;
    add_line(dump, "login %.*s@%s", (int)strcspn(line, ":"), line, domain);
}

static void dump_mail(struct dump *dump, const char *line, void *context)
{
    const char *user = context;
    char path[512], domain[300];
    snprintf(domain, sizeof(domain), "%s", value_of(line, "DOMAIN"));
    snprintf(path, sizeof(path), USERS "/%s/mail/%s.pem", user, domain);
    bool key = exists(dump, path);
    snprintf(path, sizeof(path), "/etc/exim4/domains/%s", domain);
    add_line(dump, "mail %s %s dkim=%s key=%s served=%s suspended=%s", user, domain, value_of(line, "DKIM"),
             key ? "yes" : "no", exists(dump, path) ? "yes" : "no", value_of(line, "SUSPENDED"));
    snprintf(path, sizeof(path), USERS "/%s/mail/%s.conf", user, domain);
    each_object(dump, path, dump_mailbox, domain);
    snprintf(path, sizeof(path), "/home/%s/conf/mail/%s/passwd", user, domain);
    each_object(dump, path, dump_login, domain);
}

/* What lies in a folder although the panel has no line for it. */
struct left_over {
    const char *user, *kind, *list;
};

static void dump_left_over(struct dump *dump, const char *name, void *context)
{
    const struct left_over *left_over = context;
    CLEANUP(buf_finish) struct buf text = BUF_INIT;
    char path[512], wanted[400];
    snprintf(path, sizeof(path), USERS "/%s/%s.conf", left_over->user, left_over->list);
    snprintf(wanted, sizeof(wanted), "DOMAIN='%s'", name);
    dump->host->ops->read(dump->host, path, &text);
    if (strstr(buf_text(&text), wanted) == NULL)
        add_line(dump, "left-over %s %s %s", left_over->kind, left_over->user, name);
}

static void dump_data_user(struct dump *dump, const char *user, void *context)
{
    static const struct {
        const char *list;
        void (*function)(struct dump *, const char *, void *);
    } lists[] = { { "web", dump_web }, { "dns", dump_zone }, { "mail", dump_mail } };
    CLEANUP(buf_finish) struct buf conf = BUF_INIT;
    char path[512], owner[PANEL_NAME_MAX];
    (void)context;
    snprintf(owner, sizeof(owner), "%s", user);
    snprintf(path, sizeof(path), USERS "/%s/user.conf", user);
    dump->host->ops->read(dump->host, path, &conf);
    add_line(dump, "user %s package=%s suspended=%s", user, value_of(buf_text(&conf), "PACKAGE"),
             value_of(buf_text(&conf), "SUSPENDED"));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        snprintf(path, sizeof(path), USERS "/%s/%s.conf", user, lists[i].list);
        each_object(dump, path, lists[i].function, owner);
    }
    struct left_over site = { user, "site", "web" };
    snprintf(path, sizeof(path), "/home/%s/web", user);
    each_name(dump, path, dump_left_over, &site);
}

static void dump_home(struct dump *dump, const char *user, void *context)
{
    char path[512];
    (void)context;
    snprintf(path, sizeof(path), USERS "/%s", user);
    if (!exists(dump, path))
        add_line(dump, "left-over home %s", user);
}

static void dump_system_user(struct dump *dump, const char *line, void *context)
{
    char path[512], user[PANEL_NAME_MAX];
    (void)context;
    snprintf(user, sizeof(user), "%.*s", (int)strcspn(line, ":"), line);
    snprintf(path, sizeof(path), "/home/%s", user);
    if (strstr(line, path) == NULL)
        return; /* of the system, not of the panel */
    snprintf(path, sizeof(path), USERS "/%s", user);
    if (!exists(dump, path))
        add_line(dump, "left-over system user %s", user);
}

static void dump_package(struct dump *dump, const char *name, void *context)
{
    (void)context;
    add_line(dump, "package %s", name);
}

/* ---- all ---------------------------------------------------------------------------------------------------------- */

static int compare_lines(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

void sim_node_dump(struct panel_memory *memory, bool is_with_serials, struct buf *ret_text)
{
    struct dump dump = { .host = panel_memory_host(memory), .is_with_serials = is_with_serials };
    each_name(&dump, PANEL_ROOT "/data/packages", dump_package, NULL);
    each_name(&dump, USERS, dump_data_user, NULL);
    each_name(&dump, "/home", dump_home, NULL);
    each_object(&dump, "/etc/passwd", dump_system_user, NULL);
    if (dump.lines.count > 0)
        qsort(dump.lines.lines, dump.lines.count, sizeof(*dump.lines.lines), compare_lines);
    for (size_t i = 0; i < dump.lines.count; i++) {
        buf_addf(ret_text, "%s\n", dump.lines.lines[i]);
        free(dump.lines.lines[i]);
    }
    free(dump.lines.lines);
}
