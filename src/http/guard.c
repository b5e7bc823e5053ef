#include "http/guard.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALLOWED_MOST = 32 };

/* An IPv4 range is kept as the mapped IPv6 one: 96 bits longer. */
struct range {
    uint8_t bytes[16];
    int bits;
};

static struct range allowed[ALLOWED_MOST];
static size_t n_allowed;

static const char *const special[] = {
    "0.0.0.0/8",    "10.0.0.0/8",     "100.64.0.0/10",  "127.0.0.0/8",   "169.254.0.0/16",  "172.16.0.0/12",  "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4",  "::/96",          "64:ff9b:1::/48", "100::/64",      "2001::/23",       "2001:db8::/32",  "3fff::/20",
    "5f00::/16",    "fc00::/7",       "fe80::/9",       "ff00::/8",
};
/* IPv6 ranges that hold an IPv4 address, which is what counts: where it begins, in bytes. */
static const struct {
    const char *range;
    int at;
} holders[] = { { "64:ff9b::/96", 12 }, { "2002::/16", 2 } };

static void mapped(const void *v4, uint8_t ret[16])
{
    memset(ret, 0, 10);
    memset(ret + 10, 0xff, 2);
    memcpy(ret + 12, v4, 4);
}

static bool range_read(const char *s, size_t n, struct range *ret)
{
    char text[64], *slash, *end;
    struct in_addr v4;
    if (n >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)n, s);
    slash = strchr(text, '/');
    if (slash)
        *slash = 0;
    bool four = inet_pton(AF_INET, text, &v4) == 1;
    if (four)
        mapped(&v4, ret->bytes);
    else if (inet_pton(AF_INET6, text, ret->bytes) != 1)
        return false;
    long bits = slash ? strtol(slash + 1, &end, 10) : four ? 32 : 128;
    if (slash && (!slash[1] || *end || bits < 0 || bits > (four ? 32 : 128)))
        return false;
    ret->bits = (int)bits + (four ? 96 : 0);
    return true;
}

static bool within(const struct range *r, const uint8_t a[16])
{
    int whole = r->bits / 8, rest = r->bits % 8;
    return memcmp(r->bytes, a, (size_t)whole) == 0 && (!rest || (r->bytes[whole] ^ a[whole]) >> (8 - rest) == 0);
}

static bool within_text(const char *range, const uint8_t a[16])
{
    struct range r;
    return range_read(range, strlen(range), &r) && within(&r, a);
}

enum err guard_allow(const char *ranges)
{
    n_allowed = 0;
    for (const char *s = ranges ? ranges : "", *end; *s; s = *end ? end + 1 : end) {
        end = strchrnul(s, ',');
        if (n_allowed == ALLOWED_MOST)
            return fail(E_INVALID, "--may-call has over %d ranges", ALLOWED_MOST);
        if (!range_read(s, (size_t)(end - s), &allowed[n_allowed++]))
            return fail(E_INVALID, "--may-call: \"%.*s\" is no range of addresses like 10.1.0.0/16", (int)(end - s), s);
    }
    return OK;
}

static bool address_of(const struct sockaddr *s, uint8_t ret[16])
{
    if (s->sa_family == AF_INET)
        mapped(&((const struct sockaddr_in *)(const void *)s)->sin_addr, ret);
    else if (s->sa_family == AF_INET6)
        memcpy(ret, &((const struct sockaddr_in6 *)(const void *)s)->sin6_addr, 16);
    else
        return false;
    for (size_t i = 0; i < COUNT_OF(holders); i++)
        if (within_text(holders[i].range, ret)) {
            uint8_t inner[4];
            memcpy(inner, ret + holders[i].at, 4);
            mapped(inner, ret);
        }
    return true;
}

bool guard_special(const struct sockaddr *s)
{
    uint8_t a[16];
    if (!address_of(s, a))
        return true;
    for (size_t i = 0; i < COUNT_OF(special); i++)
        if (within_text(special[i], a))
            return true;
    return false;
}

bool guard_refuses(const struct sockaddr *s)
{
    uint8_t a[16];
    if (!address_of(s, a))
        return true;
    for (size_t i = 0; i < n_allowed; i++)
        if (within(&allowed[i], a))
            return false;
    return guard_special(s);
}
