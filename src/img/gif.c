#include "img/format.h"
#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

/* Only the first picture is read: DGifSlurp() would take all frames of an animation into memory. */
struct reader {
    const uint8_t *bytes;
    size_t n, at;
};

static int read_bytes(GifFileType *g, GifByteType *to, int n)
{
    struct reader *r = g->UserData;
    size_t got = r->n - r->at < (size_t)n ? r->n - r->at : (size_t)n;
    memcpy(to, r->bytes + r->at, got);
    r->at += got;
    return (int)got;
}

static void auto_gif(GifFileType **g)
{
    if (*g)
        DGifCloseFile(*g, NULL);
}

static enum err damaged(int code)
{
    const char *why = GifErrorString(code);
    return fail(E_INVALID, "damaged GIF: %s", why ? why : "its data ends too early");
}

static bool is(const uint8_t *bytes, size_t n)
{
    return n >= 13 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0);
}

static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    (void)n;
    info->width = bytes[6] | bytes[7] << 8;
    info->height = bytes[8] | bytes[9] << 8;
    return OK;
}

static enum err find_picture(GifFileType *g)
{
    for (;;) {
        GifRecordType kind;
        if (DGifGetRecordType(g, &kind) != GIF_OK)
            return damaged(g->Error);
        if (kind == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(g) == GIF_OK ? OK : damaged(g->Error);
        if (kind != EXTENSION_RECORD_TYPE)
            return fail(E_INVALID, "damaged GIF: no picture in it");
        int code;
        GifByteType *part;
        if (DGifGetExtension(g, &code, &part) != GIF_OK)
            return damaged(g->Error);
        while (part)
            if (DGifGetExtensionNext(g, &part) != GIF_OK)
                return damaged(g->Error);
    }
}

static enum err read_picture(GifFileType *g, struct image *image, uint8_t *line)
{
    const GifImageDesc *at = &g->Image;
    const ColorMapObject *map = at->ColorMap ? at->ColorMap : g->SColorMap;
    if (!map || at->Left < 0 || at->Top < 0 || at->Width < 1 || at->Height < 1 || at->Width > image->width - at->Left ||
        at->Height > image->height - at->Top)
        return fail(E_INVALID, "damaged GIF: a frame outside the picture, or no colours");
    static const int start[] = { 0, 4, 2, 1, 0 }, step[] = { 8, 8, 4, 2, 1 }; /* interlaced: four passes; else the last one */
    for (int pass = at->Interlace ? 0 : 4; pass < (at->Interlace ? 4 : 5); pass++)
        for (int y = start[pass]; y < at->Height; y += step[pass]) {
            if (DGifGetLine(g, line, at->Width) != GIF_OK)
                return damaged(g->Error);
            uint8_t *to = image->pixels + ((size_t)(at->Top + y) * (size_t)image->width + (size_t)at->Left) * 3;
            for (int x = 0; x < at->Width; x++, to += 3)
                if (line[x] < map->ColorCount) {
                    to[0] = map->Colors[line[x]].Red;
                    to[1] = map->Colors[line[x]].Green;
                    to[2] = map->Colors[line[x]].Blue;
                }
        }
    return OK;
}

static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    (void)longest;
    struct reader reader = { bytes, n, 0 };
    int code = 0;
    AUTO(gif) GifFileType *g = DGifOpen(&reader, read_bytes, &code);
    if (!g)
        return damaged(code);
    TRY(find_picture(g));
    AUTO(image) struct image image = { 0 };
    TRY(image_new(info->width, info->height, &image));
    uint8_t *line = heap_take((size_t)info->width);
    enum err e = read_picture(g, &image, line);
    free(line);
    TRY(e);
    *ret = image;
    image = (struct image){ 0 };
    return OK;
}

const struct image_format gif_format = { "image/gif", is, probe, decode };
