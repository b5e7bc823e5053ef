/* zip files written straight through, one member after another (PKWARE APPNOTE 4.3, with ZIP64 where numbers need it): libzip keeps
 * all members until the end, and an export has a million. Between members only the directory's text is kept. */
#include "foreign/writer.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum { UTF8 = 0x800, DEFLATED = 8, DATE_1980 = 0x21, DIRECTORY_MOST = 1 << 30 };

struct zip_writer {
    struct spool *out;
    struct text directory;
    uint64_t n;
};

struct zip_writer *zip_writer_new(struct spool *out)
{
    struct zip_writer *z = heap_take(sizeof *z);
    z->out = out;
    text_init(&z->directory, DIRECTORY_MOST);
    return z;
}

void zip_writer_free(struct zip_writer *z)
{
    if (!z)
        return;
    text_done(&z->directory);
    free(z);
}

/* Little-endian numbers of so many bytes. */
static void number(struct text *t, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8) {
        unsigned char c = (unsigned char)v;
        text_bytes(t, &c, 1);
    }
}

struct packed {
    uint32_t crc;
    size_t n, size; /* packed, and as it was */
    unsigned char *bytes;
};

static enum err pack(const char *bytes, size_t n, struct packed *ret)
{
    z_stream z = { 0 };
    if (deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return fail(E_BROKEN, "no memory to pack with");
    size_t room = deflateBound(&z, n);
    void *to;
    enum err e = big_take(room + 1, UINT32_MAX, "a member of a zip", &to);
    if (e == OK) {
        z.next_in = (unsigned char *)(uintptr_t)bytes;
        z.avail_in = (uInt)n;
        z.next_out = to;
        z.avail_out = (uInt)room;
        bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
        *ret = (struct packed){ (uint32_t)crc32(crc32(0, NULL, 0), (const unsigned char *)bytes, (uInt)n), z.total_out, n, to };
        if (!whole)
            e = fail(E_BROKEN, "packing failed");
    }
    deflateEnd(&z);
    return e;
}

/* What a local header and the directory say alike. */
static void facts(struct text *t, const struct packed *p, const char *name, int extra)
{
    number(t, UTF8, 2);
    number(t, DEFLATED, 2);
    number(t, 0, 2);
    number(t, DATE_1980, 2);
    number(t, p->crc, 4);
    number(t, p->n, 4);
    number(t, p->size, 4);
    number(t, strlen(name), 2);
    number(t, (uint64_t)extra, 2);
}

enum err zip_writer_add(struct zip_writer *z, const char *name, const char *bytes, size_t n)
{
    struct packed p = { 0 };
    uint64_t at = spool_at(z->out);
    bool far = at >= UINT32_MAX;
    if (n > UINT32_MAX / 2 || strlen(name) > UINT16_MAX)
        return fail(E_TOO_BIG, "%.100s is too large for a zip", name);
    enum err e = pack(bytes, n, &p);
    if (e == OK) {
        struct text *t = spool_text(z->out), *d = &z->directory;
        number(t, LOCAL, 4);
        number(t, 20, 2);
        facts(t, &p, name, 0);
        text_add(t, name);
        text_bytes(t, p.bytes, p.n);
        number(d, CENTRAL, 4);
        number(d, 3 << 8 | 45, 2); /* made as on Unix */
        number(d, far ? 45 : 20, 2);
        facts(d, &p, name, far ? 12 : 0);
        number(d, 0, 2 + 2 + 2);
        number(d, 0100644u << 16, 4);
        number(d, far ? UINT32_MAX : at, 4);
        text_add(d, name);
        if (far) {
            number(d, 1, 2);
            number(d, 8, 2);
            number(d, at, 8);
        }
        z->n++;
        e = text_full(d) ? fail(E_TOO_BIG, "the zip has too many members") : spool_flush(z->out, false);
    }
    free(p.bytes);
    return e;
}

enum err zip_writer_end(struct zip_writer *z)
{
    uint64_t at = spool_at(z->out), n = z->n, size = z->directory.n;
    struct text *t = spool_text(z->out);
    bool large = n >= UINT16_MAX || at >= UINT32_MAX || size >= UINT32_MAX;
    text_bytes(t, z->directory.bytes, z->directory.n);
    TRY(spool_flush(z->out, true));
    if (large) {
        number(t, END64, 4);
        number(t, 44, 8);
        number(t, 3 << 8 | 45, 2);
        number(t, 45, 2);
        number(t, 0, 4 + 4);
        number(t, n, 8);
        number(t, n, 8);
        number(t, size, 8);
        number(t, at, 8);
        number(t, LOCATOR64, 4);
        number(t, 0, 4);
        number(t, at + size, 8);
        number(t, 1, 4);
    }
    number(t, END, 4);
    number(t, 0, 2 + 2);
    number(t, large ? UINT16_MAX : n, 2);
    number(t, large ? UINT16_MAX : n, 2);
    number(t, large ? UINT32_MAX : size, 4);
    number(t, large ? UINT32_MAX : at, 4);
    number(t, 0, 2);
    return spool_flush(z->out, true);
}
