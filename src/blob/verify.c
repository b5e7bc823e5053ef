/* Whether an object still has the bytes that its name says. Disks, controllers and people change them; what was changed must not
 * pass for what was stored. A damaged object is moved to DIR/damaged/, where it is no longer served; storing the right bytes heals
 * it. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BLOCK = 256 << 10, COMPARED_MOST = 64 << 20 }; /* larger ones are compared by the scrubber and by fsck only */

bool blob_is_hash(const char *hash)
{
    return strlen(hash) == HASH_SIZE - 1 && strspn(hash, "0123456789abcdef") == HASH_SIZE - 1;
}

char *blob_place(struct arena *a, const struct blob_store *s, const char *hash)
{
    return arena_fmt(a, "%s/objects/%.2s/%s", s->dir, hash, hash);
}

char *blob_damaged_place(struct arena *a, const struct blob_store *s, const char *hash)
{
    return arena_fmt(a, "%s/damaged/%s", s->dir, hash);
}

void blob_hex(EVP_MD_CTX *sha, char *ret)
{
    uint8_t digest[32];
    unsigned n = 0;
    EVP_DigestFinal_ex(sha, digest, &n);
    for (size_t i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

enum err blob_blocks(int fd, enum err (*each)(void *, const void *, size_t), void *with)
{
    char *block = heap_take(COPY_BLOCK);
    enum err e = OK;
    for (off_t at = 0; e == OK;) {
        ssize_t n = pread(fd, block, COPY_BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            e = fail(E_BROKEN, "reading failed: %s", strerror(errno));
        if (n <= 0)
            break;
        at += n;
        e = each(with, block, (size_t)n);
    }
    free(block);
    return e;
}

static enum err hash_block(void *with, const void *bytes, size_t n)
{
    EVP_DigestUpdate(with, bytes, n);
    return OK;
}

static enum err digest_of(int fd, const EVP_MD *kind, char *ret)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestInit_ex(c, kind, NULL) != 1) {
        EVP_MD_CTX_free(c);
        return fail(E_BROKEN, "no memory for hashing");
    }
    enum err e = blob_blocks(fd, hash_block, c);
    if (e == OK)
        blob_hex(c, ret);
    EVP_MD_CTX_free(c);
    return e;
}

enum err blob_hash_of(int fd, char ret_hash[HASH_SIZE])
{
    return digest_of(fd, EVP_sha256(), ret_hash);
}

enum err blob_md5(int fd, char ret[33])
{
    return digest_of(fd, EVP_md5(), ret);
}

/* ---- reading */

static enum err open_object(struct blob_store *s, const char *hash, int *ret_fd, struct stat *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    bool named = blob_is_hash(hash);
    int fd = named && blob_have(s, hash) ? open(blob_place(a, s, hash), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0 && named && file_exists(blob_damaged_place(a, s, hash)))
        return fail(E_BROKEN, "the object %s has changed on disk and lies in damaged/; store it again", hash);
    if (fd < 0)
        return fail(E_NOT_FOUND, "the object %.64s is missing", hash);
    if (fstat(fd, ret) != 0 || !S_ISREG(ret->st_mode)) {
        close(fd);
        return fail(E_BROKEN, "the object %.64s is no file", hash);
    }
    *ret_fd = fd;
    return OK;
}

/* What a file was when it was compared: the same mark later means that nobody has written to it since. */
static atomic_ullong *good_mark(struct blob_store *s, const char *hash, const struct stat *st, unsigned long long *ret)
{
    char first[17] = "";
    memcpy(first, hash, 16);
    uint64_t name = strtoull(first, NULL, 16);
    uint64_t h = name;
    const uint64_t parts[] = { st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        h = (h ^ parts[i]) * 0x9e3779b97f4a7c15u;
    *ret = h | 1;
    return &s->good[name >> 48];
}

/* The file may have been replaced by a good one meanwhile: then that one goes back. */
static void put_aside(struct blob_store *s, const char *hash, int bad)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *at = blob_place(a, s, hash), *to = blob_damaged_place(a, s, hash);
    struct stat moved, was;
    if (file_make_dirs(arena_fmt(a, "%s/damaged", s->dir), 0700) != OK || fstat(bad, &was) != 0 || rename(at, to) != 0)
        return;
    if (stat(to, &moved) == 0 && moved.st_ino != was.st_ino && rename(to, at) != 0)
        log_line(LOG_ERROR, NULL, "the object %s was put aside, and could not be put back: %s", hash, strerror(errno));
    log_line(LOG_ERROR, NULL, "the object %s has changed on disk and was moved to %s", hash, to);
}

/* A disk that cannot be read is no reason to move anything. */
static enum err compare(int fd, const char *hash)
{
    char now[HASH_SIZE];
    TRY(blob_hash_of(fd, now));
    return strcmp(now, hash) == 0 ? OK : fail(E_CONFLICT, "the object %s has changed on disk: its bytes hash to %s", hash, now);
}

enum err blob_compare(struct blob_store *s, const char *hash, int fd, const struct stat *st)
{
    unsigned long long mark;
    atomic_ullong *slot = good_mark(s, hash, st, &mark);
    if (atomic_load(slot) == mark)
        return OK;
    TRY(compare(fd, hash));
    atomic_store(slot, mark);
    return OK;
}

static enum err compare_once(struct blob_store *s, const char *hash, int fd, const struct stat *st)
{
    enum err e = blob_compare(s, hash, fd, st);
    if (e != E_CONFLICT)
        return e;
    AUTO(arena) struct arena *a = arena_new();
    const char *why = arena_fmt(a, "%s", fail_text());
    put_aside(s, hash, fd);
    return fail(E_BROKEN, "%s", why);
}

enum err blob_read(struct blob_store *s, const char *hash, int *ret_fd, uint64_t *ret_size)
{
    struct stat st;
    int fd = -1;
    enum err e = open_object(s, hash, &fd, &st);
    if (e == E_NOT_FOUND && s->fetch)
        return blob_cache_read(s, hash, ret_fd, ret_size);
    TRY(e);
    e = st.st_size <= COMPARED_MOST ? compare_once(s, hash, fd, &st) : OK;
    if (e != OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return OK;
}

enum err blob_read_sized(struct blob_store *s, const char *hash, uint64_t size, int *ret_fd)
{
    uint64_t is = 0;
    TRY(blob_read(s, hash, ret_fd, &is));
    if (is == size)
        return OK;
    if (blob_have(s, hash))
        put_aside(s, hash, *ret_fd);
    close(*ret_fd);
    return fail(E_BROKEN, "the object %s has changed on disk: it has %llu bytes, not %llu", hash, (unsigned long long)is,
                (unsigned long long)size);
}

void blob_note_good(struct blob_store *s, const char *hash, int fd)
{
    struct stat st;
    unsigned long long mark;
    if (fstat(fd, &st) != 0)
        return;
    atomic_ullong *slot = good_mark(s, hash, &st, &mark);
    atomic_store(slot, mark);
}

bool blob_is_good(struct blob_store *s, const char *hash)
{
    AUTO(fd) int fd = -1;
    struct stat st;
    if (open_object(s, hash, &fd, &st) != OK || compare_once(s, hash, fd, &st) != OK)
        return false;
    if (futimens(fd, NULL) == 0)
        blob_note_good(s, hash, fd);
    return true;
}

enum err blob_verify(struct blob_store *s, const char *hash)
{
    AUTO(fd) int fd = -1;
    struct stat st;
    TRY(open_object(s, hash, &fd, &st));
    enum err e = compare(fd, hash);
    return e == E_CONFLICT ? fail(E_BROKEN, "%s", fail_text()) : e;
}

/* ---- scrubbing */

struct scrub {
    struct blob_store *store;
    double bytes_s;
    bool (*wait)(void *, double);
    void *with;
    int64_t damaged;
};

static enum err scrub_one(void *with, const char *hash)
{
    struct scrub *w = with;
    AUTO(fd) int fd = -1;
    struct stat st;
    if (open_object(w->store, hash, &fd, &st) != OK)
        return OK; /* deleted meanwhile */
    enum err e = compare(fd, hash);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* what others read shall stay in memory */
    if (e == E_CONFLICT) {
        put_aside(w->store, hash, fd);
        w->damaged++;
    } else if (e != OK) {
        log_failure("scrubbing");
    }
    return w->wait(w->with, 0.01 + (double)st.st_size / w->bytes_s) ? OK : fail(E_CANCELLED, "scrubbing ends");
}

enum err blob_scrub(struct blob_store *s, double bytes_s, bool (*wait)(void *, double), void *with, int64_t *ret_damaged)
{
    struct scrub w = { s, bytes_s, wait, with, 0 };
    enum err e = blob_each(s, scrub_one, &w);
    *ret_damaged = w.damaged;
    return e == E_CANCELLED ? OK : e;
}

int64_t blob_damaged(struct blob_store *s)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *folder = arena_fmt(a, "%s/damaged", s->dir);
    char **names;
    size_t n = 0;
    return file_exists(folder) && file_list(a, folder, &names, &n) == OK ? (int64_t)n : 0;
}
