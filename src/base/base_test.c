#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"
#include "base/text.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(ids_are_version_7_and_sort_by_time)
{
    char last[ID_SIZE] = "", id[ID_SIZE];
    for (int i = 0; i < 10000; i++) {
        id_make(id);
        CHECK(strcmp(last, id) < 0);
        CHECK(id[14] == '7' && strchr("89ab", id[19]));
        snprintf(last, sizeof last, "%s", id);
    }
}

TEST(large_texts_have_a_limit_together_and_leave_their_room_to_others_when_they_end)
{
    struct text t[3];
    char *block = calloc(1, 3 << 20);
    size_t before = text_all();
    text_limit_all(before + (8 << 20));
    for (int i = 0; i < 3; i++)
        text_init(&t[i], 100 << 20);
    text_bytes(&t[0], block, 3 << 20);
    text_bytes(&t[1], block, 3 << 20);
    text_bytes(&t[2], block, 3 << 20);
    CHECK(!t[0].crowded && !t[1].crowded && t[2].crowded && text_full(&t[2]));
    text_done(&t[0]);
    text_clear(&t[2]);
    text_bytes(&t[2], block, 3 << 20);
    CHECK(!text_full(&t[2]));
    text_bytes(&t[1], block, 100); /* small ones and small steps go on */
    CHECK(!text_full(&t[1]) || t[1].crowded);
    text_done(&t[1]);
    text_done(&t[2]);
    CHECK_INT(text_all(), before);
    text_limit_all(2ull << 30);
    free(block);
}

static int many_lines(void)
{
    for (int i = 0; i < 1000; i++) {
        log_line(LOG_ERROR, NULL, "job %d failed [%x-0c]", i, i * 7);
        log_line(LOG_INFO, NULL, "request %d", i);
        if (i % 100 == 0)
            log_line(LOG_WARN, NULL, "something else %d", i);
    }
    return 0;
}

TEST(a_fault_that_comes_back_all_the_time_does_not_fill_the_log)
{
    int ends[2], status = -1, count[3] = { 0 };
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(many_lines());
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    for (char line[500]; fgets(line, sizeof line, f);) {
        count[0] += strstr(line, "failed") != NULL;
        count[1] += strstr(line, "request") != NULL;
        count[2] += strstr(line, "else") != NULL;
    }
    fclose(f);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_INT(count[0], 20);
    CHECK_INT(count[1], 1000);
    CHECK_INT(count[2], 10);
}

TEST(ids_are_read_in_any_form_and_written_in_one)
{
    char id[ID_SIZE];
    CHECK(id_parse("0198C0DE000070008000000000000001", id));
    CHECK_TEXT(id, "0198c0de-0000-7000-8000-000000000001");
    CHECK(!id_parse("0198C0DE00007000800000000000000", id));
    CHECK(!id_parse("0198C0DE000070008000000000000001a", id));
    CHECK(!id_parse("../../etc/passwd", id) && !id_parse("", id));
}

TEST(times_go_to_iso_8601_and_back)
{
    AUTO(arena) struct arena *a = arena_new();
    int64_t ms = 0;
    CHECK_TEXT(clock_iso(a, 1767225600123), "2026-01-01T00:00:00.123Z");
    CHECK(clock_parse_iso("2026-01-01T00:00:00.123Z", &ms) && ms == 1767225600123);
    CHECK(clock_parse_iso("2026-01-01T01:00:00+01:00", &ms) && ms == 1767225600000);
    CHECK(clock_parse_iso("2026-01-01", &ms) && ms == 1767225600000);
    CHECK(!clock_parse_iso(NULL, &ms)); /* what json_text() says of a number */
    CHECK(!clock_parse_iso("2026-13-01", &ms) && !clock_parse_iso("today", &ms) && !clock_parse_iso("2026-01-01T25:00:00Z", &ms));
}

TEST(utf_8_is_checked_strictly)
{
    CHECK(utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
    CHECK(!utf8_valid("\xc0\x80", 2));         /* overlong */
    CHECK(!utf8_valid("\xed\xa0\x80", 3));     /* surrogate */
    CHECK(!utf8_valid("\xf4\x90\x80\x80", 4)); /* over U+10FFFF */
    CHECK(!utf8_valid("\xc3", 1));
}

TEST(urls_are_decoded_once)
{
    char a[] = "a%2e%2e%2fb", b[] = "%252e", c[] = "x%00y", d[] = "%zz", e[] = "a+b";
    CHECK(url_decode(a, false));
    CHECK_TEXT(a, "a../b");
    CHECK(url_decode(b, false));
    CHECK_TEXT(b, "%2e");
    CHECK(!url_decode(c, false) && !url_decode(d, false));
    CHECK(url_decode(e, true));
    CHECK_TEXT(e, "a b");
}

TEST(a_text_stops_at_its_cap)
{
    AUTO(text) struct text t;
    text_init(&t, 10);
    text_add(&t, "12345");
    text_add(&t, "1234567");
    CHECK(text_full(&t));
    CHECK_TEXT(t.bytes, "12345");
}

TEST(a_file_that_set_up_brought_is_found)
{
    AUTO(arena) struct arena *a = arena_new();
    char dir[] = "/tmp/saccade_brought_XXXXXX", *path;
    CHECK(mkdtemp(dir));
    path = arena_fmt(a, "%s/kind/file", dir);
    const char *before = getenv("SACCADE_DEPS") ? arena_str(a, getenv("SACCADE_DEPS")) : NULL; /* setenv() may move it */
    setenv("SACCADE_DEPS", dir, 1);
    CHECK(!file_brought(a, "../nowhere/kind/file", "kind/file"));
    MUST(file_make_dirs(arena_fmt(a, "%s/kind", dir), 0700));
    MUST(file_write(path, "x", 1, 0600));
    CHECK_TEXT(file_brought(a, "../nowhere/kind/file", "kind/file"), path);
    if (before)
        setenv("SACCADE_DEPS", before, 1);
    else
        unsetenv("SACCADE_DEPS");
    MUST(file_remove_tree(dir));
}

TEST(a_file_is_replaced_whole)
{
    AUTO(arena) struct arena *a = arena_new();
    char dir[] = "/tmp/saccade_base_XXXXXX";
    CHECK(mkdtemp(dir));
    const char *path = arena_fmt(a, "%s/a/b/c", dir);
    MUST(file_make_dirs(arena_fmt(a, "%s/a/b", dir), 0700));
    MUST(file_write(path, "one", 3, 0600));
    MUST(file_write(path, "three", 5, 0600));
    char *bytes = NULL;
    size_t n = 0;
    MUST(file_read(a, path, 100, &bytes, &n));
    CHECK_TEXT(bytes, "three");
    MUST_FAIL(file_read(a, path, 4, &bytes, &n), E_TOO_BIG, "5 bytes");
    MUST_FAIL(file_read(a, "/nowhere/at/all", 4, &bytes, &n), E_NOT_FOUND, "/nowhere");
    MUST(file_remove_tree(dir));
    CHECK(!file_exists(dir));
}

TEST(when_to_come_back_is_told_with_the_failure_and_forgotten_by_the_next_one)
{
    struct failure why;
    CHECK_INT(fail_at("a.c", 1, E_TOO_MANY, "full"), E_TOO_MANY);
    CHECK_INT(fail_retry(), 1);
    fail_set_retry(7);
    fail_keep(&why);
    CHECK_INT(fail_at("a.c", 2, E_BUSY, "busy"), E_BUSY);
    CHECK_INT(fail_retry(), 1);
    CHECK_INT(fail_again(&why), E_TOO_MANY);
    CHECK_INT(fail_retry(), 7);
}

TEST(an_id_of_a_moment_lies_between_those_made_before_and_after_it)
{
    char early[ID_SIZE], late[ID_SIZE], now[ID_SIZE];
    id_make(early);
    usleep(5000);
    id_at(clock_now_ms(), now);
    usleep(5000);
    id_make(late);
    CHECK(strcmp(early, now) < 0 && strcmp(now, late) < 0);
    id_at(0, now);
    CHECK_TEXT(now, "00000000-0000-7000-8000-000000000000");
}
