#include "img/format.h"
#include <stdlib.h>
#include <string.h>

/* */
#include <tiffio.h>

/* libtiff reads through these; nothing is mapped and nothing can be written. */
struct reader {
    const uint8_t *bytes;
    size_t n;
    toff_t at;
};

static tmsize_t read_bytes(thandle_t h, void *to, tmsize_t n)
{
    struct reader *r = h;
    if (n < 0 || r->at >= r->n)
        return 0;
    size_t left = r->n - (size_t)r->at, got = (size_t)n < left ? (size_t)n : left;
    memcpy(to, r->bytes + r->at, got);
    r->at += got;
    return (tmsize_t)got;
}

static tmsize_t write_bytes(thandle_t h, void *from, tmsize_t n)
{
    (void)h, (void)from, (void)n;
    return 0;
}

static toff_t seek(thandle_t h, toff_t to, int whence)
{
    struct reader *r = h;
    r->at = whence == SEEK_SET ? to : whence == SEEK_CUR ? r->at + to : r->n + to;
    return r->at;
}

static int close_file(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t size_of(thandle_t h)
{
    return ((struct reader *)h)->n;
}

static void auto_tiff(TIFF **t)
{
    if (*t)
        TIFFClose(*t);
}

static bool is(const uint8_t *bytes, size_t n)
{
    return n >= 8 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0 || memcmp(bytes, "II+\0", 4) == 0 ||
                      memcmp(bytes, "MM\0+", 4) == 0);
}

/* "m": not mapped; "h": only the header for now, so that a chain of directories that bites its tail is not followed. */
static enum err open_tiff(struct reader *r, TIFF **ret)
{
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    *ret = TIFFClientOpen("image", "rm", r, read_bytes, write_bytes, seek, close_file, size_of, NULL, NULL);
    return *ret ? OK : fail(E_INVALID, "damaged TIFF: its first directory cannot be read");
}

static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    struct reader r = { bytes, n, 0 };
    AUTO(tiff) TIFF *t = NULL;
    TRY(open_tiff(&r, &t));
    uint32_t width = 0, height = 0;
    uint16_t orientation = 1;
    TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(t, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(t, TIFFTAG_ORIENTATION, &orientation);
    info->width = width > INT32_MAX ? INT32_MAX : (int)width;
    info->height = height > INT32_MAX ? INT32_MAX : (int)height;
    info->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    return OK;
}

/* libtiff's own conversion lays colours with a separate alpha over black. Told that the fourth sample is something else, it leaves
 * them as they are, which is what the other formats give. Colours that were stored over black (associated alpha) are taken back
 * from it. */
static enum err drop_alpha(TIFF *t, bool *ret_over_black)
{
    uint16_t n = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(t, TIFFTAG_EXTRASAMPLES, &n, &kinds);
    *ret_over_black = n > 0 && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    if (n == 0 || kinds[0] != EXTRASAMPLE_UNASSALPHA)
        return OK;
    uint16_t unknown[16] = { EXTRASAMPLE_UNSPECIFIED };
    if (n > COUNT_OF(unknown) || !TIFFSetField(t, TIFFTAG_EXTRASAMPLES, n, unknown))
        return fail(E_INVALID, "damaged TIFF, or of a kind that is not read: %d samples besides the colours", n);
    return OK;
}

static uint8_t from_black(uint32_t colour, uint32_t alpha)
{
    uint32_t c = alpha ? (colour * 255 + alpha / 2) / alpha : 0;
    return (uint8_t)(c < 255 ? c : 255);
}

static void copy_pixels(const uint32_t *from, size_t n, bool over_black, uint8_t *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t p = from[i], alpha = over_black ? TIFFGetA(p) : 255;
        to[i * 3] = from_black(TIFFGetR(p), alpha);
        to[i * 3 + 1] = from_black(TIFFGetG(p), alpha);
        to[i * 3 + 2] = from_black(TIFFGetB(p), alpha);
    }
}

/* libtiff's own conversion handles palettes, 16 bits, CMYK, YCbCr, tiles and strips; asked for the orientation that is stored, it
 * turns nothing. */
static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    (void)longest;
    struct reader r = { bytes, n, 0 };
    AUTO(tiff) TIFF *t = NULL;
    TRY(open_tiff(&r, &t));
    TIFFRGBAImage rgba;
    char why[1024] = "";
    bool over_black = false;
    TRY(drop_alpha(t, &over_black));
    if (!TIFFRGBAImageOK(t, why) || !TIFFRGBAImageBegin(&rgba, t, 1, why))
        return fail(E_INVALID, "damaged TIFF, or of a kind that is not read: %s", why);
    void *raster = NULL;
    AUTO(image) struct image image = { 0 };
    rgba.req_orientation = rgba.orientation;
    enum err e = rgba.width == (uint32_t)info->width && rgba.height == (uint32_t)info->height
                     ? image_new(info->width, info->height, &image)
                     : fail(E_INVALID, "damaged TIFF: two sizes that differ");
    size_t pixels = (size_t)info->width * (size_t)info->height;
    if (e == OK)
        e = big_take(pixels * sizeof(uint32_t), (size_t)IMAGE_PIXELS * sizeof(uint32_t), "the pixels of a TIFF", &raster);
    if (e == OK && !TIFFRGBAImageGet(&rgba, raster, rgba.width, rgba.height))
        e = fail(E_INVALID, "damaged TIFF: its pixels cannot be decoded");
    if (e == OK) {
        copy_pixels(raster, pixels, over_black, image.pixels);
        *ret = image;
        image = (struct image){ 0 };
    }
    free(raster);
    TIFFRGBAImageEnd(&rgba);
    return e;
}

const struct image_format tiff_format = { "image/tiff", is, probe, decode };
