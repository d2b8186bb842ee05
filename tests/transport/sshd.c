/* sshd.c - see sshd.h. */
#include "sshd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/util.h"
#include "transport/ssh.h"

#define CONNECTIONS_MAX 512

static void give_up(const char *what)
{
    fprintf(stderr, "test sshd: %s: %s\n", what, strerror(errno));
    exit(1);
}

void write_text(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    size_t length = strlen(text);
    if (fd < 0 || write(fd, text, length) != (ssize_t)length || close(fd) != 0)
        give_up(path);
}

char *read_text(const char *path)
{
    struct buf text = BUF_INIT;
    char piece[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read(fd, piece, sizeof(piece))) > 0)
        buf_add(&text, piece, (size_t)got);
    if (fd >= 0)
        close(fd);
    return buf_steal(&text);
}

static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &length) != 0)
        give_up("find a free port");
    close(fd);
    return ntohs(at.sin_port);
}

static char *new_key(const char *path)
{
    struct err err = { 0 };
    if (!ssh_generate_key(path, &err)) {
        fprintf(stderr, "test sshd: %s\n", err.msg);
        exit(1);
    }
    CLEANUP(freep) char *public_path = xasprintf("%s.pub", path);
    char *line = read_text(public_path);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void make_files(struct sshd *sshd)
{
    snprintf(sshd->folder, sizeof(sshd->folder), "/tmp/test-sshd.XXXXXX");
    if (mkdtemp(sshd->folder) == NULL)
        give_up("make a folder");
    snprintf(sshd->key_path, sizeof(sshd->key_path), "%s/client", sshd->folder);
    snprintf(sshd->wrong_key_path, sizeof(sshd->wrong_key_path), "%s/wrong", sshd->folder);
    CLEANUP(freep) char *host_path = xasprintf("%s/host", sshd->folder);
    CLEANUP(freep) char *other_path = xasprintf("%s/host2", sshd->folder);
    CLEANUP(freep) char *allowed_path = xasprintf("%s/authorized_keys", sshd->folder);
    CLEANUP(freep) char *allowed = new_key(sshd->key_path);
    free(new_key(sshd->wrong_key_path));
    sshd->host_key = new_key(host_path);
    sshd->other_host_key = new_key(other_path);
    write_text(allowed_path, allowed, 0600);
}

/* SHLVL: else bash takes itself for a login and runs whatever the user of this machine has in .bashrc, once per channel. */
static void write_config(const struct sshd *sshd)
{
    CLEANUP(freep) char *path = xasprintf("%s/config", sshd->folder);
    CLEANUP(freep)
    char *text = xasprintf(
        "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\n"
        "PidFile none\nUsePAM no\nUseDNS no\nStrictModes no\nPermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\nMaxStartups 100:30:200\nLoginGraceTime 20\n"
        "SetEnv SHLVL=3\n%s%s\n",
        sshd->port, sshd->folder, sshd->folder, strstr(sshd->extra, "MaxSessions") == NULL ? "MaxSessions 64\n" : "",
        sshd->extra);
    write_text(path, text, 0600);
}

static bool answers(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return ok;
}

void sshd_resume(struct sshd *sshd)
{
    CLEANUP(freep) char *config = xasprintf("%s/config", sshd->folder);
    CLEANUP(freep) char *log = xasprintf("%s/log", sshd->folder);
    sshd->pid = fork();
    if (sshd->pid == 0) {
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < 3; fd++)
            dup2(nowhere, fd);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left when a test crashes */
        execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config, "-E", log, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500; i++) {
        if (answers(sshd->port))
            return;
        usleep(10000);
    }
    give_up("it does not listen; is openssh-server installed?");
}

void sshd_start(struct sshd *sshd, const char *extra)
{
    struct passwd *user = getpwuid(geteuid());
    *sshd = (struct sshd){ .extra = extra };
    snprintf(sshd->user, sizeof(sshd->user), "%s", user != NULL ? user->pw_name : "root");
    if (geteuid() == 0)
        mkdir("/run/sshd", 0755); /* sshd insists on it; gone after a boot without its service */
    make_files(sshd);
    sshd->port = free_port();
    write_config(sshd);
    sshd_resume(sshd);
}

void sshd_halt(struct sshd *sshd)
{
    if (sshd->pid <= 0)
        return;
    kill(sshd->pid, SIGCONT);
    kill(sshd->pid, SIGKILL);
    waitpid(sshd->pid, NULL, 0);
    sshd->pid = 0;
}

/* Every process below `parent` whose name is sshd. */
static int below(pid_t parent, pid_t *ret_pids, int count)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL && count < CONNECTIONS_MAX) {
        char path[64];
        int pid;
        int from;
        if (sscanf(entry->d_name, "%d", &pid) != 1)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        CLEANUP(freep) char *stat = read_text(path);
        const char *end = strrchr(stat, ')');
        if (end == NULL || sscanf(end, ") %*c %d", &from) != 1 || from != parent || strstr(stat, "(sshd") == NULL)
            continue;
        ret_pids[count++] = pid;
        count = below(pid, ret_pids, count);
    }
    if (proc != NULL)
        closedir(proc);
    return count;
}

int sshd_signal_connections(struct sshd *sshd, int signal)
{
    pid_t pids[CONNECTIONS_MAX];
    int count = below(sshd->pid, pids, 0);
    for (int i = 0; i < count; i++)
        kill(pids[i], signal);
    return count;
}

int sshd_cut(struct sshd *sshd)
{
    return sshd_signal_connections(sshd, SIGKILL);
}

void sshd_stop(struct sshd *sshd)
{
    if (sshd->pid > 0)
        sshd_cut(sshd);
    sshd_halt(sshd);
    CLEANUP(freep) char *command = xasprintf("rm -rf '%s'", sshd->folder);
    if (system(command) != 0)
        give_up("remove its folder");
    free(sshd->host_key);
    free(sshd->other_host_key);
}

struct transport_node sshd_node(const struct sshd *sshd, int64_t id)
{
    return (struct transport_node){ .id = id,
                                    .name = "web1",
                                    .address = "127.0.0.1",
                                    .port = sshd->port,
                                    .user = sshd->user,
                                    .host_key = sshd->host_key,
                                    .channels_max = 8 };
}
