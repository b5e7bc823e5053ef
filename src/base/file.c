#include "base/file.h"
#include "base/clock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void auto_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum err system_failure(const char *doing, const char *path)
{
    int code = errno;
    return fail(code == ENOENT ? E_NOT_FOUND : err_of_errno(code), "cannot %s %s: %s", doing, path, strerror(code));
}

enum err file_read_all(int fd, void *ret, size_t n)
{
    char *p = ret;
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(E_BROKEN, "reading failed: %s", strerror(errno));
        if (got == 0)
            return fail(E_INVALID, "the file ends %zu bytes too early", n);
        p += got;
        n -= (size_t)got;
    }
    return OK;
}

enum err file_write_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(err_of_errno(errno), "writing failed: %s", strerror(errno));
        p += put;
        n -= (size_t)put;
    }
    return OK;
}

int fd_stat(int fd, struct stat *ret)
{
    return (int)syscall(SYS_fstat, fd, ret);
}

enum err file_read(struct arena *a, const char *path, size_t cap, char **ret, size_t *ret_n)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return system_failure("read", path);
    if (!S_ISREG(st.st_mode))
        return fail(E_INVALID, "%s is not a regular file", path);
    if ((uint64_t)st.st_size > cap)
        return fail(E_TOO_BIG, "%s has %lld bytes; at most %zu are read", path, (long long)st.st_size, cap);
    size_t n = (size_t)st.st_size;
    char *bytes = arena_take(a, n + 1);
    TRY(fail_within(file_read_all(fd, bytes, n), "%s: ", path));
    *ret = bytes;
    if (ret_n)
        *ret_n = n;
    return OK;
}

static char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? arena_str(a, "/") : slash ? arena_copy(a, path, (size_t)(slash - path)) : arena_str(a, ".");
}

enum err file_sync_dir(const char *path)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return system_failure("sync", path);
    return OK;
}

enum err file_write(const char *path, const void *bytes, size_t n, unsigned mode)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *temporary = arena_fmt(a, "%s.%s", path, id_new(a));
    AUTO(fd) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return system_failure("make", temporary);
    enum err e = file_write_all(fd, bytes, n);
    if (e == OK && (fsync(fd) != 0 || rename(temporary, path) != 0))
        e = system_failure("write", path);
    if (e != OK) {
        unlink(temporary);
        return e;
    }
    return file_sync_dir(folder_of(a, path));
}

enum err file_publish(const char *made, const char *path, unsigned mode)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(fd) int fd = open(made, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0)
        return system_failure("sync", made);
    if (rename(made, path) != 0)
        return system_failure("move", made);
    return file_sync_dir(folder_of(a, path));
}

enum err file_make_dirs(const char *path, unsigned mode)
{
    AUTO(arena) struct arena *a = arena_new();
    char *p = arena_str(a, path);
    for (char *slash = strchr(p + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = 0;
        if (mkdir(p, mode) != 0 && errno != EEXIST)
            return system_failure("make the folder", p);
        if (!slash)
            break;
        *slash = '/';
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(E_BROKEN, "%s is not a folder", path);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err list(struct arena *a, const char *path, bool folders, char ***ret_names, size_t *ret_n)
{
    DIR *dir = opendir(path);
    if (!dir)
        return system_failure("list", path);
    char **names = NULL;
    size_t n = 0, room = 0;
    for (struct dirent *d; (d = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), d->d_name, &st, 0) != 0)
            continue;
        if (folders ? !S_ISDIR(st.st_mode) || d->d_name[0] == '.' : !S_ISREG(st.st_mode))
            continue;
        if (n == room) {
            room = room ? room * 2 : 64;
            names = heap_grow(names, room * sizeof *names);
        }
        names[n++] = arena_str(a, d->d_name);
    }
    closedir(dir);
    char **copy = arena_new_array(a, char *, n + 1);
    if (n) {
        memcpy(copy, names, n * sizeof *names);
        qsort(copy, n, sizeof *copy, by_name);
    }
    free(names);
    *ret_names = copy;
    *ret_n = n;
    return OK;
}

enum err file_list(struct arena *a, const char *path, char ***ret_names, size_t *ret_n)
{
    return list(a, path, false, ret_names, ret_n);
}
enum err file_list_folders(struct arena *a, const char *path, char ***ret_names, size_t *ret_n)
{
    return list(a, path, true, ret_names, ret_n);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *file_self(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    return arena_copy(a, path, n > 0 ? (size_t)n : 0);
}

char *file_brought(struct arena *a, const char *installed, const char *fetched)
{
    const char *self = file_self(a);
    const char *slash = strrchr(self, '/');
    const char *deps = getenv("SACCADE_DEPS"), *home = getenv("HOME");
    char *const places[] = {
        slash ? arena_fmt(a, "%.*s/%s", (int)(slash - self), self, installed) : NULL,
        deps ? arena_fmt(a, "%s/%s", deps, fetched) : NULL,
        home ? arena_fmt(a, "%s/.cache/saccade/%s", home, fetched) : NULL,
    };
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (places[i] && file_exists(places[i]))
            return places[i];
    return NULL;
}

enum err file_remove_tree(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? OK : system_failure("remove", path);
    if (S_ISDIR(st.st_mode)) {
        DIR *dir = opendir(path);
        if (!dir)
            return system_failure("list", path);
        enum err e = OK;
        for (struct dirent *d; e == OK && (d = readdir(dir));) {
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            AUTO(arena) struct arena *a = arena_new();
            e = file_remove_tree(arena_fmt(a, "%s/%s", path, d->d_name));
        }
        closedir(dir);
        TRY(e);
        if (rmdir(path) != 0)
            return system_failure("remove", path);
    } else if (unlink(path) != 0) {
        return system_failure("remove", path);
    }
    return OK;
}
