/* memory_shell.c - the few programs besides the panel that a driver uses on a node, on a node in memory; and looks at
 * it from outside. */
#include <stdio.h>
#include <string.h>

#include "memory_private.h"

struct call {
    struct panel_memory *memory;
    int argc;
    char *const *argv;
    const char *stdin_text;
    struct buf *out, *err;
};

static bool is_word(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_child_of(const char *path, const char *folder)
{
    return strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] != '\0';
}

static int fail(const struct call *call, int code, const char *what, const char *path)
{
    buf_addf(call->err, "%s: %s: %s\n", call->argv[0], path, what);
    return code;
}

static int run_true(const struct call *call)
{
    (void)call;
    return 0;
}

static int run_rm(const struct call *call)
{
    bool is_forced = false, is_deep = false;
    int code = 0;
    for (int i = 1; i < call->argc; i++) {
        const char *word = call->argv[i];
        if (is_word(word, "--"))
            continue;
        if (word[0] == '-') {
            is_forced |= strchr(word, 'f') != NULL;
            is_deep |= strchr(word, 'r') != NULL;
            continue;
        }
        struct tree_node *node = tree_find(&call->memory->tree, word);
        if (node == NULL && !is_forced)
            code = fail(call, 1, "No such file or directory", word);
        else if (node != NULL && node->is_dir && !is_deep)
            code = fail(call, 1, "Is a directory", word);
        else if (node != NULL && !tree_remove(&call->memory->tree, node))
            code = fail(call, 1, "Operation not permitted", word);
    }
    return code;
}

static int run_userdel(const struct call *call)
{
    bool is_deep = false;
    const char *user = "";
    for (int i = 1; i < call->argc; i++) {
        is_deep |= call->argv[i][0] == '-' && strchr(call->argv[i], 'r') != NULL;
        user = call->argv[i][0] == '-' ? user : call->argv[i];
    }
    if (!memory_user_delete(&call->memory->host, user))
        return fail(call, 6, "user does not exist", user);
    if (!is_deep)
        return 0;
    char home[256];
    snprintf(home, sizeof(home), "/home/%s", user);
    struct tree_node *node = tree_find(&call->memory->tree, home);
    if (node != NULL && !tree_remove(&call->memory->tree, node))
        return fail(call, 12, "error removing directory", home);
    return 0;
}

static int run_chattr(const struct call *call)
{
    if (call->argc != 3)
        return fail(call, 1, "usage", "");
    struct tree_node *node = tree_find(&call->memory->tree, call->argv[2]);
    if (node == NULL)
        return fail(call, 1, "No such file or directory while trying to stat", call->argv[2]);
    node->is_immutable = call->argv[1][0] == '+';
    return 0;
}

static void print_stat(const struct call *call, const char *format, const char *path, const struct tree_node *node)
{
    for (; *format != '\0'; format++) {
        if (*format != '%' || format[1] == '\0') {
            buf_add_char(call->out, *format);
            continue;
        }
        switch (*++format) {
        case 'a': buf_addf(call->out, "%o", node->mode); break;
        case 'U': buf_add_text(call->out, node->owner); break;
        case 'G': buf_add_text(call->out, node->group); break;
        case 'n': buf_add_text(call->out, path); break;
        default: buf_add_char(call->out, '?');
        }
    }
    buf_add_char(call->out, '\n');
}

static int run_stat(const struct call *call)
{
    int code = 0;
    if (call->argc < 4 || !is_word(call->argv[1], "-c"))
        return fail(call, 1, "only -c FORMAT", "");
    for (int i = 3; i < call->argc; i++) {
        const struct tree_node *node = tree_find(&call->memory->tree, call->argv[i]);
        if (node == NULL)
            code = fail(call, 1, "No such file or directory", call->argv[i]);
        else
            print_stat(call, call->argv[2], call->argv[i], node);
    }
    return code;
}

static int run_test(const struct call *call)
{
    if (call->argc != 3)
        return 2;
    const struct tree_node *node = tree_find(&call->memory->tree, call->argv[2]);
    if (node == NULL)
        return 1;
    if (is_word(call->argv[1], "-d"))
        return node->is_dir ? 0 : 1;
    return is_word(call->argv[1], "-f") && node->is_dir ? 1 : 0;
}

static int run_cat(const struct call *call)
{
    int code = 0;
    for (int i = 1; i < call->argc; i++) {
        if (!memory_read(&call->memory->host, call->argv[i], call->out))
            code = fail(call, 1, "No such file or directory", call->argv[i]);
    }
    return code;
}

static int run_ls(const struct call *call)
{
    const char *path = call->argv[call->argc - 1];
    const struct tree_node *node = tree_find(&call->memory->tree, path);
    if (node == NULL)
        return fail(call, 2, "No such file or directory", path);
    if (!node->is_dir)
        buf_addf(call->out, "%s\n", path);
    else
        call->memory->host.ops->list(&call->memory->host, path, call->out);
    return 0;
}

/* What sed -i deletes: line number N of Nd, or the first line with TEXT of 0,/TEXT/{/TEXT/d}. */
static bool sed_deletes(const char *script, size_t number, const char *line, size_t length, bool *is_done)
{
    size_t wanted = 0;
    if (sscanf(script, "%zud", &wanted) == 1 && wanted > 0)
        return number == wanted;
    char text[256];
    if (*is_done || sscanf(script, "0,/%255[^/]/", text) != 1)
        return false;
    for (size_t i = 0; i + strlen(text) <= length; i++) {
        if (memcmp(line + i, text, strlen(text)) == 0)
            return *is_done = true;
    }
    return false;
}

static int run_sed(const struct call *call)
{
    if (call->argc != 4 || !is_word(call->argv[1], "-i"))
        return fail(call, 1, "only -i SCRIPT FILE", "");
    const char *script = call->argv[2], *path = call->argv[3];
    struct buf text = BUF_INIT, kept = BUF_INIT;
    if (!memory_read(&call->memory->host, path, &text)) {
        buf_finish(&text);
        return fail(call, 2, "No such file or directory", path);
    }
    bool is_done = false;
    size_t number = 1;
    for (const char *line = buf_text(&text); *line != '\0'; number++) {
        size_t length = strcspn(line, "\n"), whole = length + (line[length] == '\n');
        if (!sed_deletes(script, number, line, length, &is_done))
            buf_add(&kept, line, whole);
        line += whole;
    }
    memory_write(&call->memory->host, path, buf_text(&kept), kept.length);
    buf_finish(&text);
    buf_finish(&kept);
    return 0;
}

static int run_mktemp(const struct call *call)
{
    const char *template = call->argc > 1 ? call->argv[call->argc - 1] : "/tmp/tmp.XXXXXX";
    size_t length = strlen(template), marks = 0;
    while (marks < length && template[length - 1 - marks] == 'X')
        marks++;
    if (marks < 3 || marks > 32)
        return fail(call, 1, "too few X's in template", template);
    char path[256], random[33];
    call->memory->host.ops->random_text(&call->memory->host, marks, random);
    snprintf(path, sizeof(path), "%.*s%s", (int)(length - marks), template, random);
    struct tree_node *node = tree_create(&call->memory->tree, path, false, 0600);
    if (node == NULL)
        return fail(call, 1, "No such file or directory", path);
    buf_addf(call->out, "%s\n", path);
    return 0;
}

static int run_tee(const struct call *call)
{
    const char *text = call->stdin_text == NULL ? "" : call->stdin_text;
    buf_add_text(call->out, text);
    if (call->argc < 2 || memory_write(&call->memory->host, call->argv[1], text, strlen(text)))
        return 0;
    return fail(call, 1, "No such file or directory", call->argv[1]);
}

static int run_mkdir(const struct call *call)
{
    char part[256];
    const char *path = call->argv[call->argc - 1];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        tree_create(&call->memory->tree, part, true, 0777 & ~call->memory->umask);
    }
    const struct tree_node *node = tree_create(&call->memory->tree, path, true, 0777 & ~call->memory->umask);
    return node != NULL && node->is_dir ? 0 : fail(call, 1, "cannot create directory", path);
}

static const struct {
    const char *name;
    int (*run)(const struct call *call);
} programs[] = {
    { "rm", run_rm },     { "userdel", run_userdel }, { "chattr", run_chattr }, { "stat", run_stat },
    { "test", run_test }, { "cat", run_cat },         { "ls", run_ls },         { "sed", run_sed },
    { "tee", run_tee },   { "mktemp", run_mktemp },   { "mkdir", run_mkdir },   { "true", run_true },
};

static bool is_panel_command(const char *word)
{
    return strncmp(word, "v-", 2) == 0 || is_child_of(word, PANEL_BIN "/v-");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int panel_shell(struct panel_memory *memory, int argc, char *const argv[], const char *stdin_text, struct buf *out,
                struct buf *err)
{
    struct call call = { memory, argc, argv, stdin_text, out, err };
    if (argc > 2 && is_word(argv[0], "sudo") && is_word(argv[1], "-n"))
        return panel_shell(memory, argc - 2, argv + 2, stdin_text, out, err);
    if (is_panel_command(argv[0]))
        return panel_run(&memory->host, argc, argv, stdin_text, out, err);
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        if (is_word(programs[i].name, base_name(argv[0])))
            return programs[i].run(&call);
    }
    return fail(&call, 127, "command not found", "");
}

int panel_shell_sudo(struct panel_memory *memory, int argc, char *const argv[], const char *stdin_text, struct buf *out,
                     struct buf *err)
{
    if (argc > 2 && is_word(argv[0], "sudo") && is_word(argv[1], "-n")) {
        bool is_known = false;
        for (const char *const *name = panel_commands(); *name != NULL; name++)
            is_known |= is_word(*name, base_name(argv[2])) && is_child_of(argv[2], PANEL_BIN "/");
        if (is_known)
            return panel_run(&memory->host, argc - 2, argv + 2, stdin_text, out, err);
        buf_add_text(err, "sudo: a password is required\n");
        return 1;
    }
    panel_memory_set_root(memory, false);
    int code;
    if (is_word(base_name(argv[0]), "mktemp") || is_word(base_name(argv[0]), "true") ||
        is_word(base_name(argv[0]), "tee") || is_panel_command(argv[0]) || is_word(base_name(argv[0]), "test")) {
        code = panel_shell(memory, argc, argv, stdin_text, out, err);
    } else if (is_word(base_name(argv[0]), "rm") && argc > 1 && is_child_of(argv[argc - 1], "/tmp/")) {
        code = panel_shell(memory, argc, argv, stdin_text, out, err);
    } else {
        buf_addf(err, "%s: Permission denied\n", argv[0]);
        code = 1;
    }
    panel_memory_set_root(memory, true);
    return code;
}

/* May everybody pass through /home/USER/FOLDER? */
static bool is_open(struct panel_memory *memory, const char *user, const char *folder)
{
    char path[256];
    snprintf(path, sizeof(path), "/home/%s%s", user, folder);
    const struct tree_node *node = tree_find(&memory->tree, path);
    return node != NULL && (node->mode & 0001) != 0;
}

/* The link in a server's folder leads to /home/USER/...; is what it names there, and was it loaded since? */
static bool resolve(struct panel_memory *memory, const char *link_path, struct tree_node **ret_target, char *ret_user)
{
    const struct tree_node *link = tree_find(&memory->tree, link_path);
    if (link == NULL || !link->is_link || sscanf(buf_text(&link->text), "/home/%63[^/]", ret_user) != 1)
        return false;
    *ret_target = tree_find(&memory->tree, buf_text(&link->text));
    return *ret_target != NULL;
}

bool panel_memory_site_answers(struct panel_memory *memory, const char *domain)
{
    char path[320], user[PANEL_NAME_MAX];
    struct tree_node *conf;
    snprintf(path, sizeof(path), "/etc/nginx/conf.d/domains/%s.conf", domain);
    if (!resolve(memory, path, &conf, user) || conf->modified > memory->loaded[PANEL_PROXY])
        return false;
    snprintf(path, sizeof(path), "/home/%s/web/%s/public_html/index.html", user, domain);
    const struct tree_node *page = tree_find(&memory->tree, path);
    return page != NULL && (page->mode & 0004) != 0 && is_open(memory, user, "/web") && is_open(memory, user, "");
}

bool panel_memory_zone(struct panel_memory *memory, const char *domain, struct buf *ret_zone)
{
    char wanted[320], path[320] = "", user[PANEL_NAME_MAX];
    struct buf conf = BUF_INIT;
    if (!memory_read(&memory->host, "/etc/bind/named.conf", &conf))
        return false;
    snprintf(wanted, sizeof(wanted), "zone \"%s\" {type master; file \"", domain);
    const char *hit = strstr(buf_text(&conf), wanted);
    bool is_named = hit != NULL && sscanf(hit + strlen(wanted), "%319[^\"]", path) == 1;
    buf_finish(&conf);
    if (!is_named || sscanf(path, "/home/%63[^/]", user) != 1)
        return false;
    const struct tree_node *zone = tree_find(&memory->tree, path);
    if (zone == NULL || zone->modified > memory->loaded[PANEL_DNS] || !is_open(memory, user, "/conf"))
        return false;
    buf_add(ret_zone, buf_text(&zone->text), zone->text.length);
    return true;
}

bool panel_memory_mail_login(struct panel_memory *memory, const char *domain, const char *account, const char *password)
{
    char path[320], user[PANEL_NAME_MAX];
    struct tree_node *folder;
    snprintf(path, sizeof(path), "/etc/exim4/domains/%s", domain);
    if (!resolve(memory, path, &folder, user) || !is_open(memory, user, "/conf"))
        return false;
    snprintf(path, sizeof(path), "/home/%s/conf/mail/%s/passwd", user, domain);
    const char *line = memory_line_find(memory, path, account);
    if (line == NULL)
        return false;
    const char *hash = line + strlen(account) + 1;
    if (strncmp(hash, "{BLF-CRYPT}", 11) != 0 || !memory_mail_matches(hash + 11, password))
        return false;
    snprintf(path, sizeof(path), "/home/%s/mail/%s", user, domain); /* dovecot makes the account's folder in it */
    return tree_find(&memory->tree, path) != NULL;
}

static void dump_node(const struct tree_node *node, const char *path, struct buf *out)
{
    buf_addf(out, "%04o %s:%s %s%s%s\n", node->mode, node->owner, node->group, path, node->is_dir ? "/" : "",
             node->is_immutable ? " (immutable)" : "");
    if (!node->is_dir)
        buf_addf(out, "%s%s", buf_text(&node->text), node->text.length > 0 ? "\n" : "");
}

static void dump_tree(struct panel_memory *memory, const char *path, struct buf *out)
{
    const struct tree_node *node = tree_find(&memory->tree, path);
    dump_node(node, path, out);
    if (!node->is_dir)
        return;
    struct buf names = BUF_INIT;
    memory->host.ops->list(&memory->host, path, &names);
    for (const char *name = buf_text(&names); *name != '\0'; name += strcspn(name, "\n") + 1) {
        char *child = xasprintf("%s%s%.*s", path, is_word(path, "/") ? "" : "/", (int)strcspn(name, "\n"), name);
        dump_tree(memory, child, out);
        free(child);
    }
    buf_finish(&names);
}

void panel_memory_dump(struct panel_memory *memory, struct buf *ret_text)
{
    dump_tree(memory, "/", ret_text);
}
