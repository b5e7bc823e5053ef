#include "img/format.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* */
#include <jerror.h>
#include <jpeglib.h>

enum { MAX_SCANS = 500 }; /* a progressive file has some 10; ten thousand are an attack on our time */

/* libjpeg leaves by longjmp() from its error hook; what lies on the heap is in this struct, not in locals. */
struct trouble {
    struct jpeg_error_mgr mgr;
    jmp_buf back;
    char why[JMSG_LENGTH_MAX];
    bool too_many_scans;
};

static void on_error(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)c->err;
    c->err->format_message(c, t->why);
    longjmp(t->back, 1);
}

/* libjpeg decodes what it can of a damaged file and warns. Warnings that mean missing or wrong pixels are failures here; strange
 * but harmless things that cameras write are not. */
static void on_message(j_common_ptr c, int level)
{
    if (level >= 0)
        return;
    switch (c->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
    case JWRN_BOGUS_PROGRESSION: return;
    default: on_error(c);
    }
}

static void on_output(j_common_ptr c)
{
    (void)c;
}

static struct jpeg_error_mgr *trouble_init(struct trouble *t)
{
    jpeg_std_error(&t->mgr);
    t->mgr.error_exit = on_error;
    t->mgr.emit_message = on_message;
    t->mgr.output_message = on_output;
    return &t->mgr;
}

static void on_progress(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)c->err;
    if (c->is_decompressor && ((j_decompress_ptr)c)->input_scan_number > MAX_SCANS) {
        t->too_many_scans = true;
        snprintf(t->why, sizeof t->why, "it has more than %d scans", MAX_SCANS);
        longjmp(t->back, 1);
    }
}

static bool is(const uint8_t *bytes, size_t n)
{
    return n >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

static int orientation_of(struct jpeg_decompress_struct *c)
{
    for (jpeg_saved_marker_ptr m = c->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            return exif_orientation(m->data, m->data_length);
    return 1;
}

static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    struct jpeg_decompress_struct c;
    struct trouble t = { 0 };
    c.err = trouble_init(&t);
    if (setjmp(t.back)) {
        jpeg_destroy_decompress(&c);
        return fail(E_INVALID, "damaged JPEG: %s", t.why);
    }
    jpeg_create_decompress(&c);
    jpeg_save_markers(&c, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&c, bytes, (unsigned long)n);
    jpeg_read_header(&c, TRUE);
    info->width = (int)c.image_width;
    info->height = (int)c.image_height;
    info->orientation = orientation_of(&c);
    jpeg_destroy_decompress(&c);
    return OK;
}

/* The smallest n/8 whose longer side still has the wanted pixels (libjpeg rounds sizes up). */
static unsigned eighths(const struct image_info *info, int longest)
{
    int64_t side = info->width > info->height ? info->width : info->height;
    unsigned n = 8;
    if (longest > 0)
        for (n = 1; n < 8 && (side * n + 7) / 8 < longest; n++)
            ;
    return n;
}

/* Adobe writes CMYK inverted (255 = no ink), and practically every CMYK JPEG comes from there. */
static void cmyk_to_rgb(const uint8_t *from, uint8_t *to, size_t n, bool inverted)
{
    for (size_t i = 0; i < n; i++, from += 4, to += 3)
        for (int k = 0; k < 3; k++) {
            int ink = inverted ? from[k] : 255 - from[k], black = inverted ? from[3] : 255 - from[3];
            to[k] = (uint8_t)((ink * black + 127) / 255);
        }
}

struct decoding {
    struct jpeg_decompress_struct c;
    struct jpeg_progress_mgr progress;
    struct trouble t;
    struct image image;
    uint8_t *row; /* of CMYK */
    enum err e;
};

static void read_rows(struct decoding *d)
{
    bool cmyk = d->c.out_color_space == JCS_CMYK;
    size_t width = d->c.output_width;
    if (cmyk)
        d->row = heap_take(width * 4);
    while (d->c.output_scanline < d->c.output_height) {
        uint8_t *to = d->image.pixels + (size_t)d->c.output_scanline * width * 3;
        JSAMPROW row = cmyk ? d->row : to;
        jpeg_read_scanlines(&d->c, &row, 1);
        if (cmyk)
            cmyk_to_rgb(d->row, to, width, d->c.saw_Adobe_marker);
    }
}

static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    struct decoding *d = heap_take(sizeof *d);
    d->c.err = trouble_init(&d->t);
    if (setjmp(d->t.back)) {
        d->e = fail(d->t.too_many_scans ? E_TOO_BIG : E_INVALID, "damaged JPEG: %s", d->t.why);
    } else {
        jpeg_create_decompress(&d->c);
        d->progress.progress_monitor = on_progress;
        d->c.progress = &d->progress;
        jpeg_mem_src(&d->c, bytes, (unsigned long)n);
        jpeg_read_header(&d->c, TRUE);
        bool four = d->c.jpeg_color_space == JCS_CMYK || d->c.jpeg_color_space == JCS_YCCK;
        d->c.out_color_space = four ? JCS_CMYK : JCS_RGB;
        d->c.scale_num = eighths(info, longest);
        d->c.scale_denom = 8;
        jpeg_start_decompress(&d->c);
        d->e = image_new((int)d->c.output_width, (int)d->c.output_height, &d->image);
        if (d->e == OK) {
            read_rows(d);
            jpeg_finish_decompress(&d->c);
        }
    }
    jpeg_destroy_decompress(&d->c);
    enum err e = d->e;
    if (e == OK)
        *ret = d->image;
    else
        image_done(&d->image);
    free(d->row);
    free(d);
    return e;
}

const struct image_format jpeg_format = { "image/jpeg", is, probe, decode };

struct encoding {
    struct jpeg_compress_struct c;
    struct trouble t;
    unsigned char *bytes;
    unsigned long n;
};

static void write_rows(struct encoding *w, const struct image *image, int quality)
{
    w->c.image_width = (JDIMENSION)image->width;
    w->c.image_height = (JDIMENSION)image->height;
    w->c.input_components = 3;
    w->c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&w->c);
    jpeg_set_quality(&w->c, quality < 1 ? 1 : quality > 100 ? 100 : quality, TRUE);
    jpeg_start_compress(&w->c, TRUE);
    while (w->c.next_scanline < w->c.image_height) {
        JSAMPROW row = image->pixels + (size_t)w->c.next_scanline * (size_t)image->width * 3;
        jpeg_write_scanlines(&w->c, &row, 1);
    }
    jpeg_finish_compress(&w->c);
}

enum err image_to_jpeg(const struct image *image, int quality, uint8_t **ret, size_t *ret_n)
{
    if (image->width < 1 || image->height < 1 || image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION)
        return fail(E_INVALID, "a JPEG cannot have %d×%d pixels", image->width, image->height);
    struct encoding *w = heap_take(sizeof *w);
    w->c.err = trouble_init(&w->t);
    enum err e = OK;
    if (setjmp(w->t.back)) {
        e = fail(E_BROKEN, "writing a JPEG: %s", w->t.why);
        free(w->bytes);
    } else {
        jpeg_create_compress(&w->c);
        jpeg_mem_dest(&w->c, &w->bytes, &w->n);
        write_rows(w, image, quality);
        *ret = w->bytes;
        *ret_n = w->n;
    }
    jpeg_destroy_compress(&w->c);
    free(w);
    return e;
}
