/* file.h - files and folders. Every path is bytes as the system has them. */
#pragma once
#include "base/arena.h"
#include <sys/stat.h>

void auto_fd(int *fd); /* AUTO(fd) int fd = -1; closes it */

/* The whole file, NUL-terminated, in memory of the arena; E_TOO_BIG over cap bytes, E_NOT_FOUND if there is none. */
MUST_USE enum err file_read(struct arena *, const char *path, size_t cap, char **ret, size_t *ret_n);
/* Written to a temporary name beside it, fsynced, renamed, folder fsynced: after a crash the old file or the new one is there. */
MUST_USE enum err file_write(const char *path, const void *bytes, size_t n, unsigned mode);
/* For a file made under another name: fsynced, renamed to `path` (replacing what is there), folder fsynced. */
MUST_USE enum err file_publish(const char *made, const char *path, unsigned mode);
MUST_USE enum err file_make_dirs(const char *path, unsigned mode); /* like mkdir -p */
MUST_USE enum err file_sync_dir(const char *path);
/* fstat() as a system call that takes no path: the C library's own is not let through by the sandbox. 0 or -1. */
int fd_stat(int fd, struct stat *ret);
MUST_USE enum err file_write_all(int fd, const void *bytes, size_t n);
MUST_USE enum err file_read_all(int fd, void *ret, size_t n); /* exactly n bytes, E_INVALID if it ends before */
/* Every regular file, or every folder without a dot before its name, directly in the folder, sorted by name. */
MUST_USE enum err file_list(struct arena *, const char *dir, char ***ret_names, size_t *ret_n);
MUST_USE enum err file_list_folders(struct arena *, const char *dir, char ***ret_names, size_t *ret_n);
bool file_exists(const char *path);
char *file_self(struct arena *); /* this program's own file; "" if it cannot be found */
/* A file that set-up brought: at `installed` as seen from the program's folder, or else at `fetched` below the folder that set-up
 * fills ($SACCADE_DEPS, by default ~/.cache/saccade). NULL: it is in neither. */
char *file_brought(struct arena *, const char *installed, const char *fetched);
/* Removes a folder and all in it; nothing there is fine. Does not follow links. */
MUST_USE enum err file_remove_tree(const char *path);
