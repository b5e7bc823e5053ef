#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct blob_store *store(char dir[40])
{
    snprintf(dir, 40, "/tmp/saccade_blob_XXXXXX");
    CHECK(mkdtemp(dir));
    struct blob_store *s = NULL;
    MUST(blob_open(dir, &s));
    return s;
}

static const char hello[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* FIPS 180-4: "hello" */

TEST(an_object_is_named_by_its_bytes_and_stored_once)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    MUST(blob_put(s, "hello", 5, hash));
    CHECK_TEXT(hash, hello);
    MUST(blob_put(s, "hello", 5, hash));
    int fd = -1;
    uint64_t size = 0;
    MUST(blob_read(s, hash, &fd, &size));
    CHECK_INT(size, 5);
    close(fd);
    MUST(blob_verify(s, hash));
    MUST_FAIL(blob_read(s, "../../etc/passwd", &fd, &size), E_NOT_FOUND, "missing");
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(an_object_whose_hash_is_made_in_the_end_has_the_same_name)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    struct blob_writer *w = NULL;
    uint64_t size = 0;
    MUST(blob_begin(s, 100, &w));
    blob_hash_late(w);
    MUST(blob_write(w, "hel", 3));
    MUST(blob_write(w, "lo", 2));
    MUST(blob_commit(w, hash, &size));
    CHECK_TEXT(hash, hello);
    CHECK_INT(size, 5);
    MUST(blob_verify(s, hash));
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(the_folders_of_objects_are_there_before_the_first_object)
{
    char dir[40];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n;
    MUST(file_list_folders(a, arena_fmt(a, "%s/objects", dir), &names, &n));
    CHECK_INT(n, 256);
    blob_close(s);
    MUST(blob_open(dir, &s)); /* nor does it mind that they are there */
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(a_writer_over_its_cap_or_given_up_leaves_nothing)
{
    char dir[40];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    struct blob_writer *w = NULL;
    MUST(blob_begin(s, 4, &w));
    MUST_FAIL(blob_write(w, "hello", 5), E_TOO_BIG, "over 4 bytes");
    blob_abort(w);
    char **names;
    size_t n;
    MUST(file_list(a, arena_fmt(a, "%s/incoming", dir), &names, &n));
    CHECK_INT(n, 0);
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(a_changed_object_is_found_out)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    MUST(blob_put(s, "hello", 5, hash));
    int fd = open(arena_fmt(a, "%s/objects/2c/%s", dir, hash), O_WRONLY);
    CHECK(pwrite(fd, "j", 1, 0) == 1);
    close(fd);
    MUST_FAIL(blob_verify(s, hash), E_BROKEN, "changed on disk");
    MUST(file_remove_tree(dir));
    blob_close(s);
}

/* What a disk does: other bytes, the same file. */
static void damage(const char *path, bool shorter)
{
    AUTO(fd) int fd = open(path, O_WRONLY);
    CHECK(shorter ? ftruncate(fd, 2) == 0 : pwrite(fd, "j", 1, 0) == 1);
}

TEST(a_damaged_object_is_not_read_and_heals_when_it_is_stored_again)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    const char *path = arena_fmt(a, "%s/objects/2c/%s", dir, hello);
    for (int shorter = 0; shorter < 2; shorter++) {
        int fd = -1;
        MUST(blob_put(s, "hello", 5, hash));
        MUST(blob_read(s, hash, &fd, NULL)); /* it was good once */
        close(fd);
        damage(path, shorter);
        MUST_FAIL(blob_read(s, hash, &fd, NULL), E_BROKEN, "changed on disk");
        MUST_FAIL(blob_read(s, hash, &fd, NULL), E_BROKEN, "damaged/");
        CHECK_INT(blob_damaged(s), 1);
        MUST(blob_put(s, "hello", 5, hash));
        MUST(blob_read_sized(s, hash, 5, &fd));
        close(fd);
        MUST(blob_verify(s, hash));
        CHECK_INT(blob_damaged(s), 0);
    }
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(storing_the_same_bytes_replaces_a_damaged_object_that_nobody_has_read)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    MUST(blob_put(s, "hello", 5, hash));
    damage(arena_fmt(a, "%s/objects/2c/%s", dir, hello), false);
    MUST(blob_put(s, "hello", 5, hash));
    MUST(blob_verify(s, hash));
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(an_object_of_another_size_than_its_row_says_is_not_read)
{
    char dir[40], hash[HASH_SIZE];
    int fd = -1;
    struct blob_store *s = store(dir);
    MUST(blob_put(s, "hello", 5, hash));
    MUST_FAIL(blob_read_sized(s, hash, 6, &fd), E_BROKEN, "5 bytes, not 6");
    MUST(file_remove_tree(dir));
    blob_close(s);
}

static bool count_waits(void *with, double seconds)
{
    CHECK(seconds > 0);
    return --*(int *)with > 0;
}

TEST(the_scrubber_finds_what_nobody_reads_and_can_be_ended)
{
    char dir[40], hash[HASH_SIZE], other[HASH_SIZE];
    int64_t damaged = -1;
    int waits = 100;
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    MUST(blob_put(s, "hello", 5, hash));
    MUST(blob_put(s, "other", 5, other));
    MUST(blob_scrub(s, 1e6, count_waits, &waits, &damaged));
    CHECK(damaged == 0 && waits == 98);
    damage(arena_fmt(a, "%s/objects/2c/%s", dir, hello), false);
    MUST(blob_scrub(s, 1e6, count_waits, &waits, &damaged));
    CHECK(damaged == 1 && blob_damaged(s) == 1);
    CHECK(!blob_holds(s, hash) && blob_holds(s, other));
    waits = 1;
    MUST(blob_put(s, "hello", 5, hash));
    MUST(blob_scrub(s, 1e6, count_waits, &waits, &damaged));
    CHECK_INT(waits, 0); /* the second object was left */
    MUST(file_remove_tree(dir));
    blob_close(s);
}

static enum err nothing_named(void *with, const char *hash, bool *ret)
{
    (void)hash;
    *ret = *(bool *)with;
    return OK;
}

TEST(the_sweeper_takes_what_is_old_and_unnamed_and_gives_it_back_when_it_is_asked_for)
{
    char dir[40], hash[HASH_SIZE];
    struct blob_store *s = store(dir);
    AUTO(arena) struct arena *a = arena_new();
    MUST(blob_put(s, "hello", 5, hash));
    const char *path = arena_fmt(a, "%s/objects/2c/%s", dir, hash), *trash = arena_fmt(a, "%s/trash/%s", dir, hash);
    struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
    bool named = false;
    int64_t n = -1;
    MUST(blob_sweep(s, nothing_named, &named, &n));
    CHECK_INT(n, 0); /* too new */
    utimensat(AT_FDCWD, path, old, 0);
    named = true;
    MUST(blob_sweep(s, nothing_named, &named, &n));
    CHECK_INT(n, 0);
    named = false;
    MUST(blob_sweep(s, nothing_named, &named, &n));
    CHECK_INT(n, 1);
    CHECK(!file_exists(path) && file_exists(trash));
    MUST(blob_verify(s, hash)); /* taken back */
    CHECK(file_exists(path) && !file_exists(trash));
    MUST(blob_delete(s, hash));
    MUST(blob_put(s, "hello", 5, hash));
    CHECK(file_exists(path) && !file_exists(trash));
    MUST(blob_delete(s, hash));
    utimensat(AT_FDCWD, trash, old, 0);
    MUST(blob_sweep(s, nothing_named, &named, &n));
    CHECK(!file_exists(trash) && !blob_holds(s, hash));
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(parts_may_come_in_any_order)
{
    char dir[40], hash[HASH_SIZE], id[ID_SIZE];
    struct blob_store *s = store(dir);
    id_make(id);
    int fd = -1;
    MUST(blob_part_open(s, id, &fd));
    CHECK(pwrite(fd, "lo", 2, 3) == 2);
    close(fd);
    MUST_FAIL(blob_part_finish(s, id, 6, hash), E_CONFLICT, "5 bytes of 6");
    MUST(blob_part_open(s, id, &fd));
    CHECK(pwrite(fd, "hel", 3, 0) == 3);
    close(fd);
    MUST(blob_part_finish(s, id, 5, hash));
    CHECK_TEXT(hash, hello);
    MUST_FAIL(blob_part_open(s, "../x", &fd), E_NOT_FOUND, "no upload");
    MUST(file_remove_tree(dir));
    blob_close(s);
}

TEST(signatures_fit_only_what_was_signed)
{
    AUTO(arena) struct arena *a = arena_new();
    char path[] = "/tmp/saccade_key_XXXXXX";
    close(mkstemp(path));
    unlink(path);
    struct sign_key *k = NULL;
    MUST(sign_key_open(path, &k));
    int64_t soon = clock_now_ms() / 1000 + 60;
    const char *q = sign_url_query(k, a, "GET", "/storage/a", soon), *expires = arena_fmt(a, "%lld", (long long)soon);
    const char *signature = strstr(q, "signature=") + 10;
    MUST(sign_url_check(k, "GET", "/storage/a", expires, signature));
    MUST_FAIL(sign_url_check(k, "PUT", "/storage/a", expires, signature), E_FORBIDDEN, "does not fit");
    MUST_FAIL(sign_url_check(k, "GET", "/storage/b", expires, signature), E_FORBIDDEN, "does not fit");
    MUST_FAIL(sign_url_check(k, "GET", "/storage/a", "99999999999", signature), E_FORBIDDEN, "does not fit");
    q = sign_url_query(k, a, "GET", "/storage/a", 1000);
    MUST_FAIL(sign_url_check(k, "GET", "/storage/a", "1000", strstr(q, "signature=") + 10), E_FORBIDDEN, "expired");

    struct jwt out, in = { "deployment", "org", "token", soon }, old = { "d", "o", "t", 1000 };
    const char *jwt = sign_jwt(k, a, &in);
    MUST(sign_jwt_check(k, a, jwt, &out));
    CHECK_TEXT(out.subject, "deployment");
    CHECK_TEXT(out.token_id, "token");
    char *forged = arena_str(a, jwt);
    forged[strlen(forged) - 3] ^= 1;
    MUST_FAIL(sign_jwt_check(k, a, forged, &out), E_UNKNOWN_USER, "does not fit");
    MUST_FAIL(sign_jwt_check(k, a, sign_jwt(k, a, &old), &out), E_UNKNOWN_USER, "expired");
    MUST_FAIL(sign_jwt_check(k, a, "eyJhbGciOiJub25lIn0.e30.", &out), E_UNKNOWN_USER, "does not fit");
    /* {"iss":"https://login.example","sub":"ann"} */
    MUST_FAIL(sign_jwt_check(k, a, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJzdWIiOiJhbm4ifQ.c2ln", &out),
              E_UNKNOWN_USER, "issuer \"https://login.example\"");
    sign_key_free(k);
    unlink(path);
}

TEST(a_key_that_is_no_chance_or_open_to_others_is_refused)
{
    char path[] = "/tmp/saccade_key_XXXXXX", bytes[32] = { 0 };
    struct sign_key *k = NULL;
    close(mkstemp(path));
    MUST(file_write(path, bytes, sizeof bytes, 0600));
    MUST_FAIL(sign_key_open(path, &k), E_BROKEN, "no random key");
    MUST(file_write(path, "change me change me change me ..", 32, 0600));
    MUST_FAIL(sign_key_open(path, &k), E_BROKEN, "no random key");
    MUST(file_write(path, bytes, 31, 0600));
    MUST_FAIL(sign_key_open(path, &k), E_BROKEN, "must hold 32 bytes");
    unlink(path);
    MUST(sign_key_open(path, &k));
    sign_key_free(k);
    static const unsigned wrong[] = { 0666, 0644, 0620, 0601 };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        CHECK(chmod(path, wrong[i]) == 0);
        MUST_FAIL(sign_key_open(path, &k), E_BROKEN, "chmod 600");
    }
    CHECK(chmod(path, 0640) == 0);
    MUST(sign_key_open(path, &k));
    sign_key_free(k);
    unlink(path);
}

TEST(passwords_are_kept_as_argon2id)
{
    char hash[128];
    MUST(password_hash("correct horse", hash, sizeof hash));
    CHECK(strncmp(hash, "$argon2id$", 10) == 0);
    CHECK(password_fits("correct horse", hash) && !password_fits("wrong horse", hash));
}
