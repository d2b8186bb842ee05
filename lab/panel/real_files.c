/* real_files.c - the panel's files on a real machine. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/fs.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real_private.h"

#define OPEN_FILES_MAX 16

bool real_read(struct panel_host *host, const char *path, struct buf *ret_text)
{
    (void)host;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char bytes[16384];
    ssize_t count;
    while ((count = read(fd, bytes, sizeof(bytes))) > 0)
        buf_add(ret_text, bytes, (size_t)count);
    close(fd);
    return count == 0;
}

static bool write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0 && errno != EINTR)
            return false;
        data += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool put(const char *path, int flags, const void *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666); /* the umask decides, as for the shell's > */
    if (fd < 0)
        return false;
    bool is_written = write_all(fd, data, length);
    return close(fd) == 0 && is_written;
}

bool real_write(struct panel_host *host, const char *path, const void *data, size_t length)
{
    (void)host;
    return put(path, O_TRUNC, data, length);
}

bool real_append(struct panel_host *host, const char *path, const void *data, size_t length)
{
    (void)host;
    return put(path, O_APPEND, data, length);
}

/* As sed -i does: a new file takes the old one's name, mode and owner. */
bool real_edit(struct panel_host *host, const char *path, const void *data, size_t length)
{
    (void)host;
    struct stat old;
    if (stat(path, &old) != 0)
        return false;
    char *temporary = xasprintf("%s.%d", path, (int)getpid());
    bool is_done = put(temporary, O_TRUNC, data, length) && chmod(temporary, old.st_mode & 07777) == 0 &&
                   chown(temporary, old.st_uid, old.st_gid) == 0 && rename(temporary, path) == 0;
    if (!is_done)
        unlink(temporary);
    free(temporary);
    return is_done;
}

bool real_rename(struct panel_host *host, const char *from, const char *to)
{
    if (rename(from, to) == 0)
        return true;
    if (errno != EXDEV)
        return false;
    struct buf text = BUF_INIT; /* /tmp is another file system */
    bool is_done = real_read(host, from, &text) && real_write(host, to, buf_text(&text), text.length);
    buf_finish(&text);
    return is_done && unlink(from) == 0;
}

bool real_remove(struct panel_host *host, const char *path)
{
    (void)host;
    return unlink(path) == 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path) == 0 || errno == ENOENT ? 0 : 1;
}

bool real_remove_tree(struct panel_host *host, const char *path)
{
    (void)host;
    return access(path, F_OK) != 0 || nftw(path, remove_one, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS) == 0;
}

bool real_make_dir(struct panel_host *host, const char *path)
{
    (void)host;
    return mkdir(path, 0777) == 0;
}

static int is_listed(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort(): that depends on the locale */
}

bool real_list(struct panel_host *host, const char *path, struct buf *ret_names)
{
    (void)host;
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_listed, compare_entries);
    for (int i = 0; i < count; i++) {
        buf_addf(ret_names, "%s\n", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return count >= 0;
}

bool real_link(struct panel_host *host, const char *target, const char *path)
{
    (void)host;
    return symlink(target, path) == 0;
}

bool real_set_mode(struct panel_host *host, const char *path, unsigned mode)
{
    (void)host;
    return chmod(path, mode) == 0;
}

bool real_set_owner(struct panel_host *host, const char *path, const char *owner, const char *group)
{
    (void)host;
    const struct passwd *user = getpwnam(owner);
    uid_t uid = user == NULL ? (uid_t)-1 : user->pw_uid;
    const struct group *members = getgrnam(group);
    return lchown(path, uid, members == NULL ? (gid_t)-1 : members->gr_gid) == 0;
}

/* Not every file system can; the panel does not look either. */
bool real_set_immutable(struct panel_host *host, const char *path, bool immutable)
{
    (void)host;
    int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
    if (fd < 0)
        return false;
    bool is_done = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    is_done = is_done && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    close(fd);
    return is_done;
}

bool real_stat(struct panel_host *host, const char *path, struct panel_stat *ret_stat)
{
    (void)host;
    struct stat found;
    if (lstat(path, &found) != 0)
        return false;
    *ret_stat = (struct panel_stat){ .is_dir = S_ISDIR(found.st_mode),
                                     .is_link = S_ISLNK(found.st_mode),
                                     .mode = found.st_mode & 07777 };
    const struct passwd *user = found.st_uid == 0 ? NULL : getpwuid(found.st_uid);
    const struct group *group = found.st_gid == 0 ? NULL : getgrgid(found.st_gid);
    snprintf(ret_stat->owner, PANEL_NAME_MAX, "%s", user == NULL ? "root" : user->pw_name);
    snprintf(ret_stat->group, PANEL_NAME_MAX, "%s", group == NULL ? "root" : group->gr_name);
    return true;
}

int64_t real_modified(struct panel_host *host, const char *path)
{
    (void)host;
    struct stat found;
    if (stat(path, &found) != 0)
        return 0;
    return (int64_t)found.st_mtim.tv_sec * INT64_C(1000000000) + found.st_mtim.tv_nsec;
}
