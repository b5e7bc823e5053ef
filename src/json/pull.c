#include "json/pull.h"
#include "base/arena.h"
#include "base/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW = 256 << 10, FIRST = 4 << 10, DIGITS = 400 };

enum state { VALUE, FIRST_KEY, KEY, FIRST_ITEM, COMMA, DONE };

struct pull {
    int fd;
    uint64_t from, end;
    /* the window: bytes [start, start + n) of the file; what is read next is window[i] */
    uint64_t start;
    size_t n, i, ahead; /* ahead: how much the next refill reads; more and more while it goes straight on */
    unsigned char *window;

    enum state state;
    int depth;
    bool object[PULL_DEPTH];
    bool skipping; /* texts and numbers are checked, not kept */

    uint64_t at, line_start;
    int64_t line;
    struct text text;
    double number;
    enum err error;
};

struct pull *pull_new(int fd, uint64_t from, uint64_t end, size_t text_cap)
{
    struct pull *p = heap_take(sizeof *p);
    *p = (struct pull){
        .fd = fd, .from = from, .end = end, .line = 1, .line_start = from, .ahead = FIRST, .window = heap_take(WINDOW)
    };
    text_init(&p->text, text_cap);
    pull_seek(p, from);
    return p;
}

void pull_free(struct pull *p)
{
    if (!p)
        return;
    text_done(&p->text);
    free(p->window);
    free(p);
}

void pull_seek(struct pull *p, uint64_t at)
{
    if (at >= p->start && at <= p->start + p->n) {
        p->i = (size_t)(at - p->start);
    } else {
        p->start = at;
        p->n = p->i = 0;
        p->ahead = FIRST;
    }
    p->state = VALUE;
    p->depth = 0;
    p->error = OK;
    p->skipping = false;
}

/* ---- bytes */

static bool refill(struct pull *p)
{
    p->start += p->n;
    p->n = p->i = 0;
    uint64_t left = p->end > p->start ? p->end - p->start : 0;
    size_t want = left < p->ahead ? (size_t)left : p->ahead;
    p->ahead = p->ahead * 2 < WINDOW ? p->ahead * 2 : WINDOW;
    while (want) {
        ssize_t got = pread(p->fd, p->window, want, (off_t)p->start);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && p->error == OK)
            p->error = fail(E_BROKEN, "cannot read the file: %s", strerror(errno));
        p->n = got > 0 ? (size_t)got : 0;
        break;
    }
    return p->n > 0;
}

/* The next byte, or -1 at the end; it stays the next. */
static inline int peek(struct pull *p)
{
    return p->i < p->n || refill(p) ? p->window[p->i] : -1;
}

static inline int take(struct pull *p)
{
    int c = peek(p);
    p->i += c >= 0;
    return c;
}

static enum err wrong(struct pull *p, const char *what)
{
    if (p->error == OK)
        p->error = fail(E_INVALID, "not valid JSON at line %lld, column %llu: %s", (long long)p->line,
                        (unsigned long long)(p->start + p->i - p->line_start), what);
    return p->error;
}

static void blanks(struct pull *p)
{
    for (int c; (c = peek(p)) == ' ' || c == '\n' || c == '\t' || c == '\r'; p->i++)
        if (c == '\n') {
            p->line++;
            p->line_start = p->start + p->i + 1;
        }
}

static bool mark(struct pull *p)
{
    static const unsigned char bom[] = { 0xef, 0xbb, 0xbf };
    for (size_t i = 0; i < sizeof bom; i++)
        if (take(p) != bom[i])
            return false;
    return true;
}

/* ---- texts */

static void put(struct pull *p, const void *bytes, size_t n)
{
    if (!p->skipping)
        text_bytes(&p->text, bytes, n);
}

static void put_code(struct pull *p, uint32_t c)
{
    unsigned char u[4];
    size_t n = 0;
    if (c < 0x80) {
        u[n++] = (unsigned char)c;
    } else if (c < 0x800) {
        u[n++] = (unsigned char)(0xc0 | c >> 6);
        u[n++] = (unsigned char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        u[n++] = (unsigned char)(0xe0 | c >> 12);
        u[n++] = (unsigned char)(0x80 | (c >> 6 & 63));
        u[n++] = (unsigned char)(0x80 | (c & 63));
    } else {
        u[n++] = (unsigned char)(0xf0 | c >> 18);
        u[n++] = (unsigned char)(0x80 | (c >> 12 & 63));
        u[n++] = (unsigned char)(0x80 | (c >> 6 & 63));
        u[n++] = (unsigned char)(0x80 | (c & 63));
    }
    put(p, u, n);
}

static bool hex4(struct pull *p, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        int c = take(p);
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0)
            return false;
        *ret = *ret * 16 + (uint32_t)d;
    }
    return true;
}

static enum err escape(struct pull *p)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = take(p);
    const char *plain = c > 0 ? strchr(from, c) : NULL;
    if (plain) {
        put(p, to + (plain - from), 1);
        return OK;
    }
    uint32_t code, low;
    if (c != 'u' || !hex4(p, &code))
        return wrong(p, "invalid escape");
    if (code >= 0xd800 && code < 0xdc00) {
        if (take(p) != '\\' || take(p) != 'u' || !hex4(p, &low) || low < 0xdc00 || low > 0xdfff)
            return wrong(p, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return wrong(p, "half of a surrogate pair");
    }
    if (!code)
        return wrong(p, "a NUL inside a text");
    put_code(p, code);
    return OK;
}

/* A character of several bytes (RFC 3629), whose first has been taken. */
static enum err wide(struct pull *p, int first)
{
    int more = first >= 0xf0 && first <= 0xf4 ? 3 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xc2 && first < 0xe0 ? 1 : 0;
    char u[4] = { (char)first };
    for (int i = 1; i <= more; i++) {
        int c = take(p);
        if (c < 0)
            return wrong(p, "premature end of the text");
        u[i] = (char)c;
    }
    if (!more || !utf8_valid(u, (size_t)more + 1))
        return wrong(p, "the text is not UTF-8");
    put(p, u, (size_t)more + 1);
    return OK;
}

/* After the opening quote. Runs of plain characters are taken at once. */
static enum err string(struct pull *p)
{
    text_clear(&p->text);
    for (;;) {
        if (peek(p) < 0)
            return p->error != OK ? p->error : wrong(p, "premature end of the text");
        size_t from = p->i;
        while (p->i < p->n && p->window[p->i] >= 0x20 && p->window[p->i] < 0x80 && p->window[p->i] != '"' &&
               p->window[p->i] != '\\')
            p->i++;
        put(p, p->window + from, p->i - from);
        if (p->i == p->n)
            continue;
        int c = take(p);
        if (c == '"')
            break;
        if (c < 0x20)
            return wrong(p, "control character inside a text");
        TRY(c == '\\' ? escape(p) : wide(p, c));
    }
    if (text_full(&p->text))
        return p->error = fail(E_TOO_BIG, "line %lld has a text of more than %zu bytes", (long long)p->line, p->text.cap);
    return OK;
}

/* ---- numbers */

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* What doubles hold exactly needs no rounding: up to 15 digits, times or by a power of ten that is exact too. */
static bool simple(const char *s, double *ret)
{
    static const double tens[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    bool minus = *s == '-';
    uint64_t digits = 0;
    int n = 0, after = 0;
    for (s += minus; is_digit(*s); s++, n++)
        digits = digits * 10 + (uint64_t)(*s - '0');
    if (*s == '.')
        for (s++; is_digit(*s); s++, n++, after++)
            digits = digits * 10 + (uint64_t)(*s - '0');
    if (*s || n > 15)
        return false;
    *ret = (double)digits / tens[after];
    *ret = minus ? -*ret : *ret;
    return true;
}

/* first: its first character, already taken. */
static enum err number(struct pull *p, int first)
{
    char s[DIGITS + 1];
    size_t n = 0;
    enum { MINUS, ZERO, WHOLE, POINT, FRACTION, E, SIGN, EXPONENT } at = first == '-' ? MINUS : first == '0' ? ZERO : WHOLE;
    s[n++] = (char)first;
    for (int c; (c = peek(p)) >= 0; p->i++) {
        int next = -1;
        switch (at) {
        case MINUS: next = c == '0' ? ZERO : is_digit(c) ? WHOLE : -1; break;
        case ZERO: next = c == '.' ? POINT : c == 'e' || c == 'E' ? E : -1; break;
        case WHOLE: next = is_digit(c) ? WHOLE : c == '.' ? POINT : c == 'e' || c == 'E' ? E : -1; break;
        case POINT: next = is_digit(c) ? FRACTION : -1; break;
        case FRACTION: next = is_digit(c) ? FRACTION : c == 'e' || c == 'E' ? E : -1; break;
        case E: next = is_digit(c) ? EXPONENT : c == '+' || c == '-' ? SIGN : -1; break;
        case SIGN:
        case EXPONENT: next = is_digit(c) ? EXPONENT : -1; break;
        }
        if (next < 0)
            break;
        if (n == DIGITS)
            return wrong(p, "a number of too many digits");
        at = (__typeof__(at))next;
        s[n++] = (char)c;
    }
    if (p->error != OK)
        return p->error;
    if (at != ZERO && at != WHOLE && at != FRACTION && at != EXPONENT)
        return wrong(p, "invalid number");
    s[n] = 0;
    if (!p->skipping && !simple(s, &p->number))
        p->number = strtod(s, NULL);
    if (!p->skipping && !isfinite(p->number))
        return wrong(p, "a number that is too large");
    return OK;
}

static enum err word(struct pull *p, const char *rest)
{
    for (; *rest; rest++)
        if (take(p) != *rest)
            return wrong(p, "invalid token");
    return OK;
}

/* ---- events */

static enum err open(struct pull *p, bool object)
{
    if (p->depth == PULL_DEPTH)
        return p->error = fail(E_INVALID, "the JSON is nested deeper than %d levels", PULL_DEPTH);
    p->object[p->depth++] = object;
    p->state = object ? FIRST_KEY : FIRST_ITEM;
    return OK;
}

static void close_one(struct pull *p)
{
    p->depth--;
    p->state = COMMA;
}

static enum err value(struct pull *p, int c, enum pull_event *ret)
{
    p->state = COMMA;
    switch (c) {
    case '{': *ret = PULL_OBJECT; return open(p, true);
    case '[': *ret = PULL_ARRAY; return open(p, false);
    case '"': *ret = PULL_TEXT; return string(p);
    case 't': *ret = PULL_TRUE; return word(p, "rue");
    case 'f': *ret = PULL_FALSE; return word(p, "alse");
    case 'n': *ret = PULL_NULL; return word(p, "ull");
    default: break;
    }
    if (c == '-' || is_digit(c)) {
        *ret = PULL_NUMBER;
        return number(p, c);
    }
    return wrong(p, c < 0 ? "premature end" : "invalid token");
}

static enum err key(struct pull *p, int c, enum pull_event *ret)
{
    if (c != '"')
        return wrong(p, c < 0 ? "premature end" : "a key expected");
    TRY(string(p));
    blanks(p);
    if (take(p) != ':')
        return wrong(p, "':' expected");
    p->state = VALUE;
    *ret = PULL_KEY;
    return OK;
}

/* After a value: what closes, or goes on. */
static enum err after(struct pull *p, int c, enum pull_event *ret)
{
    bool object = p->object[p->depth - 1];
    if (c == (object ? '}' : ']')) {
        close_one(p);
        *ret = object ? PULL_END_OBJECT : PULL_END_ARRAY;
        return OK;
    }
    if (c != ',')
        return wrong(p, c < 0 ? "premature end" : object ? "',' or '}' expected" : "',' or ']' expected");
    blanks(p);
    p->at = p->start + p->i;
    c = take(p);
    return object ? key(p, c, ret) : value(p, c, ret);
}

enum err pull_next(struct pull *p, enum pull_event *ret)
{
    if (p->error != OK)
        return p->error;
    if (p->state == VALUE && p->depth == 0 && p->start + p->i == p->from && peek(p) == 0xef && !mark(p))
        return wrong(p, "invalid token");
    if (p->state == COMMA && p->depth == 0)
        p->state = DONE;
    blanks(p);
    p->at = p->start + p->i;
    if (p->state == DONE) {
        *ret = PULL_END;
        return peek(p) < 0 ? p->error : wrong(p, "something follows the value");
    }
    int c = take(p);
    if (p->error != OK)
        return p->error;
    if ((p->state == FIRST_KEY && c == '}') || (p->state == FIRST_ITEM && c == ']')) {
        *ret = c == '}' ? PULL_END_OBJECT : PULL_END_ARRAY;
        close_one(p);
        return OK;
    }
    switch (p->state) {
    case FIRST_KEY: return key(p, c, ret);
    case COMMA: return after(p, c, ret);
    default: return value(p, c, ret);
    }
}

enum err pull_skip(struct pull *p, enum pull_event begun)
{
    if (begun != PULL_OBJECT && begun != PULL_ARRAY)
        return OK;
    int depth = p->depth;
    enum pull_event e;
    enum err error = OK;
    p->skipping = true;
    while (error == OK && p->depth >= depth)
        error = pull_next(p, &e);
    p->skipping = false;
    return error;
}

enum err pull_skip_next(struct pull *p)
{
    enum pull_event e;
    p->skipping = true;
    enum err error = pull_next(p, &e);
    p->skipping = false;
    TRY(error);
    return pull_skip(p, e);
}

const char *pull_text(const struct pull *p)
{
    return p->text.bytes;
}

size_t pull_length(const struct pull *p)
{
    return p->text.n;
}

double pull_number(const struct pull *p)
{
    return p->number;
}

bool pull_int(const struct pull *p, int64_t *ret)
{
    if (p->number != floor(p->number) || fabs(p->number) > 9007199254740992.0)
        return false;
    *ret = (int64_t)p->number;
    return true;
}

uint64_t pull_at(const struct pull *p)
{
    return p->at;
}
