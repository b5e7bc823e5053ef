#include "base/test.h"
#include "http/guard.h"
#include "http/outward.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static bool refuses(const char *address)
{
    struct sockaddr_storage s = { 0 };
    if (strchr(address, ':')) {
        s.ss_family = AF_INET6;
        CHECK_INT(inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)(void *)&s)->sin6_addr), 1);
    } else {
        s.ss_family = AF_INET;
        CHECK_INT(inet_pton(AF_INET, address, &((struct sockaddr_in *)(void *)&s)->sin_addr), 1);
    }
    return guard_refuses((const struct sockaddr *)&s);
}

TEST(special_addresses_are_refused_in_each_of_their_forms)
{
    static const char *const bad[] = { "0.0.0.0",
                                       "0.1.2.3",
                                       "10.0.0.1",
                                       "100.64.0.1",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.0.1",
                                       "169.254.169.254",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.168.1.1",
                                       "192.0.2.1",
                                       "198.18.0.1",
                                       "224.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "::127.0.0.1",
                                       "64:ff9b::7f00:1",
                                       "64:ff9b::a9fe:a9fe",
                                       "2002:7f00:1::",
                                       "2001:0:1::1",
                                       "fd00:ec2::254",
                                       "fc00::1",
                                       "fe80::1",
                                       "fec0::1",
                                       "ff02::1",
                                       "2001:db8::1" };
    static const char *const good[] = { "1.1.1.1",        "100.63.255.255",   "100.128.0.1",   "172.15.0.1",
                                        "172.32.0.1",     "192.169.0.1",      "223.255.255.1", "2606:4700::1",
                                        "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::" };
    MUST(guard_allow(NULL));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (!refuses(bad[i]))
            fail_msg("%s is let through", bad[i]);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (refuses(good[i]))
            fail_msg("%s is refused", good[i]);
}

TEST(listed_ranges_are_allowed_and_nothing_beside_them)
{
    MUST(guard_allow("127.0.0.1/32,10.8.0.0/13,fd00:1::/32"));
    CHECK(!refuses("127.0.0.1") && !refuses("::ffff:127.0.0.1") && !refuses("10.15.255.255") && !refuses("fd00:1::5"));
    CHECK(refuses("127.0.0.2") && refuses("10.16.0.0") && refuses("10.7.255.255") && refuses("fd00:2::5") && refuses("::1"));
    MUST_FAIL(guard_allow("10.0.0.0/33"), E_INVALID, "10.0.0.0/33");
    MUST_FAIL(guard_allow("localhost"), E_INVALID, "localhost");
    MUST_FAIL(guard_allow("10.0.0.0/8,,"), E_INVALID, "no range");
    MUST(guard_allow(NULL));
}

TEST(addresses_of_webhooks_are_looked_at_before_they_are_kept)
{
    static const char *const forbidden[] = { "http://127.0.0.1/",
                                             "http://2130706433/",
                                             "http://0x7f000001/",
                                             "http://0177.0.0.1/",
                                             "http://127.1/",
                                             "http://0x7f.1/",
                                             "http://localhost/",
                                             "http://LOCALHOST./",
                                             "http://a.localhost/",
                                             "http://[::1]/",
                                             "http://[::ffff:127.0.0.1]/",
                                             "http://169.254.169.254/latest/meta-data",
                                             "http://0/",
                                             "https://127.0.0.1.:8443/",
                                             "http://[fd00:ec2::254]/" };
    static const char *const invalid[] = { "file:///etc/passwd",
                                           "gopher://example.org/",
                                           "ftp://example.org/",
                                           "example.org",
                                           "//example.org",
                                           "http://",
                                           "http://user@example.org/",
                                           "http://a:b@example.org/",
                                           "http://example.org@127.0.0.1/",
                                           "http://exa mple.org/",
                                           "http://example.org/\r\nX: y",
                                           "http://example.org\\@127.0.0.1/",
                                           "javascript:alert(1)",
                                           "" };
    MUST(guard_allow(NULL));
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        if (outward_check(forbidden[i]) != E_FORBIDDEN)
            fail_msg("%s is let through", forbidden[i]);
    for (size_t i = 0; i < COUNT_OF(invalid); i++)
        if (outward_check(invalid[i]) != E_INVALID)
            fail_msg("%s is taken", invalid[i]);
    MUST(outward_check("https://example.org/hook?x=1"));
    MUST(outward_check("http://1.1.1.1:8080"));
}

TEST(nothing_is_called_at_a_refused_address_whatever_it_is_called)
{
    struct outward_answer answer;
    MUST(guard_allow(NULL));
    MUST_FAIL(outward_post("http://127.0.0.1:9/", NULL, 0, "{}", &answer), E_FORBIDDEN, "not allowed");
    const struct mail_server mail = { "localhost", 25, MAIL_PLAIN, NULL, NULL, false };
    MUST_FAIL(outward_mail(&mail, "a@example.org", "b@example.org", "x"), E_FORBIDDEN, "not allowed");
}
