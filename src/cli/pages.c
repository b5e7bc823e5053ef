#include "cli/pages.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* From the assembler file that tools/embed writes; gzipped; the last has no path. */
struct page_file {
    const char *path;
    const unsigned char *bytes;
    uint64_t n;
    const char *tag; /* quoted, from the hash of the bytes */
};
extern const struct page_file ui_files[];

enum { PAGE_CAP = 64 << 20 };

static const char policy[] = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
                             "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        { ".html", "text/html; charset=utf-8" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".svg", "image/svg+xml" },
        { ".json", "application/json" },
        { ".png", "image/png" },
        { ".woff2", "font/woff2" },
        { ".ico", "image/x-icon" },
        { ".txt", "text/plain; charset=utf-8" },
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < COUNT_OF(types); i++)
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static const struct page_file *find(const char *path)
{
    for (const struct page_file *f = ui_files; f->path; f++)
        if (strcmp(f->path, path) == 0)
            return f;
    return NULL;
}

/* For the rare client that does not take gzip. */
static enum err answer_plain(struct http_call *c, const struct page_file *f)
{
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)f->bytes, .avail_in = (unsigned)f->n };
    AUTO(text) struct text t;
    text_init(&t, PAGE_CAP);
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return fail(E_BROKEN, "cannot unpack %s", f->path);
    unsigned char block[16 << 10];
    int code;
    do {
        z.next_out = block;
        z.avail_out = sizeof block;
        code = inflate(&z, Z_NO_FLUSH);
        text_bytes(&t, block, sizeof block - z.avail_out);
    } while (code == Z_OK);
    inflateEnd(&z);
    if (code != Z_STREAM_END)
        return fail(E_BROKEN, "cannot unpack %s", f->path);
    http_answer_bytes(c, 200, type_of(f->path), t.bytes, t.n);
    return OK;
}

enum err pages_answer(struct http_call *c)
{
    const char *path = http_path(c) + 1;
    const struct page_file *f = find(path);
    if (!f && strncmp(path, "assets/", 7) == 0)
        return fail(E_NOT_FOUND, "there is no page file %.200s", path);
    if (!f)
        f = find("index.html");
    if (!f)
        return fail(E_BROKEN, "the pages were not built in");
    const char *known = http_header(c, "If-None-Match");
    http_answer_header(c, "ETag", f->tag);
    http_answer_header(c, "Cache-Control",
                       strncmp(f->path, "assets/", 7) == 0 ? "public, max-age=31536000, immutable" : "no-cache");
    http_answer_header(c, "Content-Security-Policy", policy);
    http_answer_header(c, "Referrer-Policy", "same-origin");
    http_answer_header(c, "X-Frame-Options", "DENY");
    http_answer_header(c, "Vary", "Accept-Encoding");
    if (known && (strstr(known, f->tag) || strcmp(known, "*") == 0)) {
        http_answer_static(c, 304, NULL, "", 0);
        return OK;
    }
    const char *accepts = http_header(c, "Accept-Encoding");
    if (!accepts || !strstr(accepts, "gzip"))
        return answer_plain(c, f);
    http_answer_header(c, "Content-Encoding", "gzip");
    http_answer_static(c, 200, type_of(f->path), f->bytes, f->n);
    return OK;
}
