#include "base/text.h"
#include "base/arena.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_init(struct text *t, size_t cap)
{
    *t = (struct text){ .bytes = heap_take(64), .room = 64, .cap = cap };
}

/* ---- the sum of the large ones */

enum { LARGE = 1 << 20 };
static atomic_size_t all;
static size_t all_most = 2ull << 30;

void text_limit_all(size_t bytes)
{
    all_most = bytes;
}

size_t text_all(void)
{
    return atomic_load(&all);
}

/* Whether the text may have so much room; it is counted then. */
static bool count_room(struct text *t, size_t room)
{
    size_t more = room < LARGE ? 0 : room - t->counted;
    if (atomic_fetch_add(&all, more) + more > all_most && more) {
        atomic_fetch_sub(&all, more);
        t->full = t->crowded = true;
        return false;
    }
    t->counted += more;
    return true;
}

void text_done(struct text *t)
{
    atomic_fetch_sub(&all, t->counted);
    free(t->bytes);
    *t = (struct text){ 0 };
}

void text_clear(struct text *t)
{
    t->n = 0;
    t->full = t->crowded = false;
    t->bytes[0] = 0;
}

static bool make_room(struct text *t, size_t n)
{
    if (t->full || n > t->cap || t->n + n > t->cap) {
        t->full = true;
        return false;
    }
    if (t->n + n + 1 > t->room) {
        size_t room = t->room * 2 > t->n + n + 1 ? t->room * 2 : t->n + n + 1;
        if (!count_room(t, room))
            return false;
        t->bytes = heap_grow(t->bytes, room);
        t->room = room;
    }
    return true;
}

void text_bytes(struct text *t, const void *bytes, size_t n)
{
    if (!n || !make_room(t, n))
        return;
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    t->bytes[t->n] = 0;
}

void text_add(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n <= 0 || !make_room(t, (size_t)n))
        return;
    va_start(args, fmt);
    vsnprintf(t->bytes + t->n, (size_t)n + 1, fmt, args);
    va_end(args);
    t->n += (size_t)n;
}

bool utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        int more = *p >= 0xf0 && *p <= 0xf4 ? 3 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xc2 && *p < 0xe0 ? 1 : 0;
        if (!more || end - p <= more)
            return false;
        uint32_t c = *p & (0x3fu >> more);
        for (int i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i] & 0x3fu);
        }
        if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (more == 3 && (c < 0x10000 || c > 0x10ffff)))
            return false;
        p += more + 1;
    }
    return true;
}

void text_url(struct text *t, const char *s, bool keep_slash)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        bool plain = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') || *p == '-' || *p == '.' || *p == '_' ||
                     *p == '~' || (*p == '/' && keep_slash);
        if (plain)
            text_bytes(t, p, 1);
        else
            text_fmt(t, "%%%02X", *p);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

bool url_decode(char *s, bool plus_is_space)
{
    char *to = s;
    for (const char *p = s; *p; p++) {
        if (*p == '%') {
            int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
            if (low < 0 || (high == 0 && low == 0))
                return false;
            *to++ = (char)(high * 16 + low);
            p += 2;
        } else {
            *to++ = *p == '+' && plus_is_space ? ' ' : *p;
        }
    }
    *to = 0;
    return true;
}

void text_hex(struct text *t, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_fmt(t, "%02x", bytes[i]);
}

void text_base64(struct text *t, const void *bytes, size_t n)
{
    const unsigned char *s = bytes;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        char four[5] = { digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
                         i + 2 < n ? digits[v & 63] : '=' };
        text_add(t, four);
    }
}
