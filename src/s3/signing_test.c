/* The examples that Amazon publishes for Signature Version 4 of S3: "Examples: Signature Calculations" (header) and
 * "Authenticating Requests: Using Query Parameters". */
#include "base/clock.h"
#include "base/test.h"
#include "s3/signing.h"
#include <string.h>

static const struct s3_place place = { .endpoint = "https://s3.amazonaws.com",
                                       .region = "us-east-1",
                                       .bucket = "examplebucket",
                                       .access_key = "AKIAIOSFODNN7EXAMPLE",
                                       .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

static struct s3_signed example(const char *method, const char *path)
{
    struct s3_signed s = { .method = method, .path = path, .host = "examplebucket.s3.amazonaws.com", .payload = S3_EMPTY };
    bool read = clock_parse_iso("2013-05-24T00:00:00Z", &s.at_ms);
    CHECK(read);
    return s;
}

static void expect(const struct s3_signed *s, const char *names, const char *signature)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(s3_authorization(a, &place, s),
               arena_fmt(a,
                         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                         "SignedHeaders=%s,Signature=%s",
                         names, signature));
}

TEST(a_get_of_a_part_is_signed_as_amazon_says)
{
    static const struct s3_pair range = { "range", "bytes=0-9" };
    struct s3_signed s = example("GET", "/test.txt");
    s.headers = &range;
    s.n_headers = 1;
    expect(&s, "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(a_put_of_a_name_that_must_be_encoded_is_signed_as_amazon_says)
{
    static const struct s3_pair headers[] = { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
                                              { "x-amz-storage-class", "REDUCED_REDUNDANCY" } };
    AUTO(arena) struct arena *a = arena_new();
    struct s3_signed s = example("PUT", "/test$file.text");
    s.headers = headers;
    s.n_headers = 2;
    s.payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    expect(&s, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    CHECK_TEXT(s3_target(a, &s), "/test%24file.text");
}

TEST(queries_are_signed_as_amazon_says)
{
    static const struct s3_pair lifecycle = { "lifecycle", "" }, list[] = { { "prefix", "J" }, { "max-keys", "2" } };
    AUTO(arena) struct arena *a = arena_new();
    struct s3_signed s = example("GET", "/");
    s.query = &lifecycle;
    s.n_query = 1;
    expect(&s, "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    s.query = list;
    s.n_query = 2;
    expect(&s, "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    CHECK_TEXT(s3_target(a, &s), "/?max-keys=2&prefix=J");
}

TEST(a_link_is_signed_as_amazon_says)
{
    AUTO(arena) struct arena *a = arena_new();
    struct s3_signed s = example("GET", "/test.txt");
    CHECK_TEXT(s3_signed_target(a, &place, &s, 86400),
               "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
               "%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
               "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(a_roles_token_is_signed_with_the_rest)
{
    AUTO(arena) struct arena *a = arena_new();
    struct s3_place with = place;
    struct s3_signed s = example("GET", "/test.txt");
    with.token = "passing";
    CHECK(strstr(s3_authorization(a, &with, &s), "x-amz-date;x-amz-security-token,"));
    CHECK(strstr(s3_signed_target(a, &with, &s, 60), "&X-Amz-Security-Token=passing&"));
}
