/* main.c - berth-panel: the stand-in for the panel's commands on a lab node. One program under many names: called as
 * v-add-user (by a link in PANEL_BIN) it is v-add-user. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_real.h"

static const char usage[] =
    "usage: berth-panel COMMAND [ARGUMENT...]      run a command of the panel, as its link v-... does\n"
    "       berth-panel --init ROLE IP HOSTNAME    lay out a fresh panel; ROLE: web, mail, dns or full\n"
    "       berth-panel --keys COUNT               make DKIM keys in advance, so that adding a mail domain is quick\n"
    "       berth-panel --commands | --points      list the commands, or the points at which one can be killed\n"
    "Pace and faults: " PANEL_ROOT "/conf/standin.conf (pace=, fail=, hang=, chatter=, kill=).\n";

static int list_names(const char *const *names)
{
    for (; *names != NULL; names++)
        puts(*names);
    return 0;
}

static int init(const char *role, const char *ip, const char *hostname)
{
    static const struct {
        const char *name;
        enum panel_role role;
    } roles[] = {
        { "full", PANEL_ROLE_FULL }, { "web", PANEL_ROLE_WEB }, { "mail", PANEL_ROLE_MAIL }, { "dns", PANEL_ROLE_DNS }
    };
    umask(022);
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (strcmp(roles[i].name, role) == 0) {
            if (panel_layout(panel_real_host(), roles[i].role, ip, hostname))
                return 0;
            fprintf(stderr, "berth-panel: cannot write the panel's files under " PANEL_ROOT "\n");
            return 1;
        }
    }
    fprintf(stderr, "berth-panel: no such role: %s (web, mail, dns or full)\n", role);
    return 2;
}

/* Only this command reads a password from standard input, and only when it was left out; the others must not wait for
 * input that nobody sends. */
static char *read_stdin(const char *command, int argc)
{
    if (strcmp(command, "v-change-user-password") != 0 || argc != 2 || isatty(0))
        return NULL;
    struct buf text = BUF_INIT;
    char bytes[1024];
    ssize_t count;
    while ((count = read(0, bytes, sizeof(bytes))) > 0)
        buf_add(&text, bytes, (size_t)count);
    return buf_steal(&text);
}

static int run(const char *command, int argc, char **argv)
{
    struct panel_host *host = panel_real_host();
    struct buf out = BUF_INIT, err = BUF_INIT;
    char *stdin_text = read_stdin(command, argc);
    int code = panel_run(host, argc, argv, stdin_text, &out, &err);
    host->ops->flush(host, &out, &err);
    buf_finish(&out);
    buf_finish(&err);
    free(stdin_text);
    return code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a command outlives the one who called it */
    const char *slash = strrchr(argv[0], '/'), *name = slash == NULL ? argv[0] : slash + 1;
    if (strncmp(name, "v-", 2) == 0)
        return run(name, argc, argv);
    if (argc == 2 && strcmp(argv[1], "--commands") == 0)
        return list_names(panel_commands());
    if (argc == 2 && strcmp(argv[1], "--points") == 0)
        return list_names(panel_points());
    if (argc == 5 && strcmp(argv[1], "--init") == 0)
        return init(argv[2], argv[3], argv[4]);
    if (argc == 3 && strcmp(argv[1], "--keys") == 0)
        return panel_real_stock_keys((unsigned)strtoul(argv[2], NULL, 10)) ? 0 : 1;
    if (argc >= 2 && strncmp(argv[1], "v-", 2) == 0)
        return run(argv[1], argc - 1, argv + 1);
    fputs(usage, stderr);
    return 2;
}
