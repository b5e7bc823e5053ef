#include "base/test.h"
#include "base/text.h"
#include "s3/answer.h"
#include <stdlib.h>
#include <string.h>

static enum err list(struct arena *a, const char *xml, struct s3_list *ret)
{
    return s3_read_list(a, xml, strlen(xml), ret);
}

TEST(a_page_of_a_bucket_is_read)
{
    AUTO(arena) struct arena *a = arena_new();
    struct s3_list l;
    MUST(list(a,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
              "<Name>b</Name><Prefix>a/</Prefix><IsTruncated>true</IsTruncated><NextContinuationToken>1ueG&amp;c=</"
              "NextContinuationToken>"
              "<Contents><Key>a/%C3%A9+b%2Bc.jpg</Key><LastModified>2026-01-31T08:15:30.000Z</LastModified>"
              "<ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Size>434234</Size><StorageClass>STANDARD</StorageClass>"
              "<Owner><ID>x</ID></Owner></Contents>"
              "<CommonPrefixes><Prefix>a/A/</Prefix></CommonPrefixes></ListBucketResult>",
              &l));
    CHECK_INT(l.n, 2);
    CHECK_TEXT(l.items[0].key, "a/A/");
    CHECK(l.items[0].folder);
    CHECK_TEXT(l.items[1].key, "a/\xc3\xa9 b+c.jpg");
    CHECK_TEXT(l.items[1].etag, "70ee1738b6b21e2c8a43f3a5ab0eee71");
    CHECK_INT(l.items[1].size, 434234);
    CHECK_INT(l.items[1].changed_ms, 1769847330000);
    CHECK_TEXT(l.next, "1ueG&c=");
}

TEST(what_is_no_list_of_objects_is_refused)
{
    static const char *const bad[] = {
        "",
        "hello",
        "<html><body>login</body></html>",
        "<ListBucketResult><Contents><Key>a</Key>",                                 /* cut off */
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",     /* no way on */
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>", /* no key */
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>%ff</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a%00b</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>%2</Key><Size>1</Size></Contents></ListBucketResult>",
        "<!DOCTYPE l [<!ENTITY e \"x\">]><ListBucketResult><Contents><Key>&e;</Key><Size>1</Size></Contents></ListBucketResult>",
        "<a><b><c><d><e><f><g/></f></e></d></c></b></a>",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct s3_list l;
        MUST_FAIL(list(a, bad[i], &l), E_UNMEANT, "list");
    }
}

TEST(a_list_longer_than_a_page_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct s3_list l;
    text_init(&t, 1 << 20);
    text_add(&t, "<ListBucketResult>");
    for (int i = 0; i <= S3_PAGE; i++)
        text_fmt(&t, "<Contents><Key>%d</Key><Size>1</Size></Contents>", i);
    text_add(&t, "</ListBucketResult>");
    MUST_FAIL(list(a, t.bytes, &l), E_UNMEANT, "no list");
}

TEST(only_the_word_of_an_error_is_told)
{
    char code[64];
    static const char denied[] = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>secret</Message>";
    s3_read_code(denied, strlen(denied), code, sizeof code);
    CHECK_TEXT(code, "AccessDenied");
    static const char odd[] = "<Error><Code>root:x:0:0 /bin</Code></Error>";
    s3_read_code(odd, strlen(odd), code, sizeof code);
    CHECK_TEXT(code, "");
}

TEST(places_that_are_none_are_refused)
{
    static const struct {
        const char *endpoint, *region, *bucket, *why;
    } bad[] = {
        { "https://s3.example.org", "us-east-1", "a", "bucket" },
        { "https://s3.example.org", "us-east-1", "../etc", "bucket" },
        { "https://s3.example.org", "us-east-1", "a/b", "bucket" },
        { "https://s3.example.org", "us east", "abc", "region" },
        { "https://s3.example.org/path", "us-east-1", "abc", "endpoint" },
        { "file:///etc/passwd", "us-east-1", "abc", "endpoint" },
        { "s3.example.org", "us-east-1", "abc", "endpoint" },
        { "https://user:word@s3.example.org", "us-east-1", "abc", "endpoint" },
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct s3_place p = { .endpoint = bad[i].endpoint, .region = bad[i].region, .bucket = bad[i].bucket };
        MUST_FAIL(s3_check(&p), E_INVALID, bad[i].why);
    }
    const struct s3_place here = { .endpoint = "http://127.0.0.1:9000", .region = "us-east-1", .bucket = "abc" };
    MUST_FAIL(s3_check(&here), E_FORBIDDEN, "not allowed");
}
