#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

int64_t clock_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

double clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double clock_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

char *clock_iso(struct arena *a, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    return arena_fmt(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                     tm.tm_sec, (int)(ms % 1000));
}

bool clock_parse_iso(const char *s, int64_t *ret_ms)
{
    struct tm tm = { 0 };
    int n = 0;
    if (!s || sscanf(s, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3 || n != 10)
        return false;
    s += n;
    int64_t ms = 0;
    if (*s == 'T' || *s == ' ') {
        n = 0;
        if (sscanf(++s, "%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 3 || n != 8)
            return false;
        s += n;
        if (*s == '.') {
            int scale = 100;
            for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
                ms += (*s - '0') * scale;
        }
        int sign = *s == '+' ? -1 : *s == '-' ? 1 : 0, hours = 0, minutes = 0;
        if (sign) {
            n = 0;
            if (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || n != 5)
                return false;
            s += 1 + n;
            ms += (int64_t)sign * (hours * 60 + minutes) * 60000;
        } else if (*s == 'Z') {
            s++;
        }
    }
    if (*s || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}

bool clock_parse_span(const char *s, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    static const char rest[] = "0000-01-01T00:00:00Z";
    static const size_t ends[] = { 4, 7, 10, 13, 16, 19 }; /* year, month … second */
    size_t n = strlen(s), unit = 0;
    char whole[sizeof rest];
    while (unit < 6 && ends[unit] != n)
        unit++;
    if (unit == 6)
        return false;
    memcpy(whole, rest, sizeof rest);
    memcpy(whole, s, n);
    int64_t from;
    if (!clock_parse_iso(whole, &from))
        return false;
    time_t seconds = (time_t)(from / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int *const parts[] = { &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec };
    ++*parts[unit]; /* timegm() carries */
    *ret_from_ms = from;
    *ret_to_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

void random_bytes(void *ret, size_t n)
{
    char *p = ret;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got <= 0)
            abort();
        p += got;
        n -= (size_t)got;
    }
}

/* Two ids made in the same millisecond by one process keep their order: the 12 bits after the version count up. */
static _Thread_local struct {
    uint64_t ms;
    uint16_t count;
} last_id;

void id_make(char ret[ID_SIZE])
{
    uint8_t b[16];
    random_bytes(b, sizeof b);
    uint64_t ms = (uint64_t)clock_now_ms();
    if (ms <= last_id.ms) {
        ms = last_id.ms;
        last_id.count++;
        if (last_id.count > 0xfff) {
            ms++;
            last_id.count = 0;
        }
    } else {
        last_id.count = (uint16_t)((b[6] << 8 | b[7]) & 0x7ff);
    }
    last_id.ms = ms;
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(0x70 | last_id.count >> 8);
    b[7] = (uint8_t)last_id.count;
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    snprintf(ret, ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
             b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

char *id_new(struct arena *a)
{
    char *id = arena_take(a, ID_SIZE);
    id_make(id);
    return id;
}

void id_at(int64_t ms, char ret[ID_SIZE])
{
    unsigned long long t = ms > 0 ? (unsigned long long)ms & 0xffffffffffff : 0;
    snprintf(ret, ID_SIZE, "%08llx-%04llx-7000-8000-000000000000", t >> 16, t & 0xffff);
}

bool id_parse(const char *s, char ret[ID_SIZE])
{
    int n = 0;
    for (; *s; s++) {
        if (*s == '-')
            continue;
        char c = (char)(*s >= 'A' && *s <= 'F' ? *s + 32 : *s);
        if (n == 32 || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        int dashes = (n >= 8) + (n >= 12) + (n >= 16) + (n >= 20);
        ret[n + dashes] = c;
        n++;
    }
    if (n != 32)
        return false;
    ret[8] = ret[13] = ret[18] = ret[23] = '-';
    ret[36] = 0;
    return true;
}
