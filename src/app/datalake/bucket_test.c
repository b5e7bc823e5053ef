#include "app/datalake/bucket.h"
#include "base/test.h"
#include <stdlib.h>
#include <string.h>

TEST(a_profile_is_read_from_a_file_of_credentials)
{
    AUTO(arena) struct arena *a = arena_new();
    struct profile p;
    static const char file[] =
        "# ours\n[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=one\n\n"
        "[cameras]\r\n aws_access_key_id=ASIA1\r\naws_secret_access_key = a/b+c=\r\naws_session_token = t\r\n"
        "[half]\naws_access_key_id = AKIAHALF";
    MUST(profile_parse(a, file, "cameras", &p));
    CHECK_TEXT(p.access_key, "ASIA1");
    CHECK_TEXT(p.secret, "a/b+c=");
    CHECK_TEXT(p.token, "t");
    MUST(profile_parse(a, file, "default", &p));
    CHECK_TEXT(p.secret, "one");
    CHECK(!p.token);
    MUST_FAIL(profile_parse(a, file, "half", &p), E_NOT_FOUND, "no profile 'half'");
    MUST_FAIL(profile_parse(a, file, "other", &p), E_NOT_FOUND, "no profile 'other'");
}

TEST(keys_give_names_that_files_may_have)
{
    AUTO(arena) struct arena *a = arena_new();
    char *deep = arena_take(a, 400);
    memset(deep, 'x', 395);
    memcpy(deep + 300, "\xc3\xa9.jpg", 7);
    CHECK_TEXT(bucket_filename(a, "site a/2026/1.jpg"), "1.jpg");
    CHECK_TEXT(bucket_filename(a, "a/ b\\c\n "), "_b_c__");
    CHECK_TEXT(bucket_filename(a, "a/"), "object");
    CHECK_TEXT(bucket_filename(a, "a/.."), "object");
    CHECK_INT(strlen(bucket_filename(a, deep)), 255);
    CHECK(bucket_is_image("A/B.JPEG"));
    CHECK(!bucket_is_image("a.jpg/notes"));
}
