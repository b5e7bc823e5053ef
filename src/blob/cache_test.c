#include "base/file.h"
#include "base/test.h"
#include "blob/blob.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that are kept elsewhere. */
struct elsewhere {
    const char *bytes;
    size_t n;
    enum err fails;
    int fetched;
};

static enum err give(void *with, const char *hash, int to_fd)
{
    struct elsewhere *w = with;
    w->fetched++;
    if (w->fails != OK)
        return fail_at(__FILE__, __LINE__, w->fails, "%.8s: not now", hash);
    return file_write_all(to_fd, w->bytes, w->n);
}

static struct blob_store *store(char dir[40], struct elsewhere *w, uint64_t most)
{
    snprintf(dir, 40, "/tmp/saccade_cache_XXXXXX");
    CHECK(mkdtemp(dir));
    struct blob_store *s = NULL;
    MUST(blob_open(dir, &s));
    blob_elsewhere(s, give, w, most);
    return s;
}

static void done(struct blob_store *s, const char *dir)
{
    blob_close(s);
    MUST(file_remove_tree(dir));
}

static enum err reads(struct blob_store *s, const char *hash, size_t size)
{
    AUTO(fd) int fd = -1;
    uint64_t is = 0;
    TRY(blob_read(s, hash, &fd, &is));
    CHECK_INT(is, size);
    return OK;
}

static const char hello[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* FIPS 180-4: "hello" */

TEST(an_object_that_is_elsewhere_is_fetched_once)
{
    char dir[40];
    struct elsewhere w = { "hello", 5, OK, 0 };
    struct blob_store *s = store(dir, &w, 1 << 20);
    MUST(reads(s, hello, 5));
    MUST(reads(s, hello, 5));
    CHECK_INT(w.fetched, 1);
    MUST_FAIL(blob_verify(s, hello), E_NOT_FOUND, "missing"); /* it is not the store's */
    done(s, dir);
}

TEST(other_bytes_than_the_hash_says_are_not_taken)
{
    char dir[40];
    struct elsewhere w = { "jello", 5, OK, 0 };
    struct blob_store *s = store(dir, &w, 1 << 20);
    MUST_FAIL(reads(s, hello, 5), E_NOT_FOUND, "is not what it was");
    w.bytes = "hello";
    MUST(reads(s, hello, 5));
    w.fails = E_BUSY;
    MUST(reads(s, hello, 5));
    done(s, dir);
}

TEST(a_failure_to_fetch_is_told_and_leaves_nothing)
{
    char dir[40], **names;
    size_t n = 1;
    AUTO(arena) struct arena *a = arena_new();
    struct elsewhere w = { "hello", 5, E_BUSY, 0 };
    struct blob_store *s = store(dir, &w, 1 << 20);
    MUST_FAIL(reads(s, hello, 5), E_BUSY, "2cf24dba: not now");
    MUST(file_list(a, arena_fmt(a, "%s/incoming", dir), &names, &n));
    CHECK_INT(n, 0);
    done(s, dir);
}

TEST(a_cached_file_that_changed_on_disk_is_fetched_again)
{
    char dir[40];
    AUTO(arena) struct arena *a = arena_new();
    struct elsewhere w = { "hello", 5, OK, 0 };
    struct blob_store *s = store(dir, &w, 1 << 20);
    MUST(reads(s, hello, 5));
    AUTO(fd) int fd = open(arena_fmt(a, "%s/cache/2c/%s", dir, hello), O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, "j", 1, 0) == 1);
    MUST(reads(s, hello, 5));
    CHECK_INT(w.fetched, 2);
    done(s, dir);
}

TEST(what_was_read_the_longest_time_ago_makes_room)
{
    char dir[40], hash[4][HASH_SIZE];
    struct elsewhere w = { 0 };
    struct blob_store *s = store(dir, &w, 300);
    for (int i = 0; i < 4; i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct blob_writer *b = NULL;
        char bytes[100] = { (char)('a' + i) };
        uint64_t size;
        struct timespec then[2] = { { 1000 + i, 0 }, { 1000 + i, 0 } };
        MUST(blob_begin(s, 1000, &b));
        MUST(file_write_all(blob_writer_fd(b), bytes, sizeof bytes));
        MUST(blob_commit_cached(b, NULL, hash[i], &size));
        CHECK_INT(size, 100);
        if (i < 3)
            CHECK_INT(utimensat(AT_FDCWD, arena_fmt(a, "%s/cache/%.2s/%s", dir, hash[i], hash[i]), then, 0), 0);
    }
    w.fails = E_BUSY;
    MUST_FAIL(reads(s, hash[0], 100), E_BUSY, "not now");
    MUST_FAIL(reads(s, hash[1], 100), E_BUSY, "not now"); /* down to nine tenths of 300 */
    MUST(reads(s, hash[2], 100));
    MUST(reads(s, hash[3], 100));
    done(s, dir);
}
