/* COCO: the list of images comes last, since a stream of images does not know them before. */
#include "foreign/writer.h"
#include "json/json.h"
#include <math.h>
#include <string.h>

static void text(struct text *t, const char *s)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_text(&o, NULL, s);
    text_bytes(t, o.text.bytes, o.text.n);
}

/* The shortest form that reads back equal, for whole numbers at once. */
static void number(struct text *t, double v)
{
    if (v == floor(v) && fabs(v) < 1e15) {
        text_fmt(t, "%.0f", v);
        return;
    }
    AUTO(out) struct out o;
    out_init(&o, 100);
    out_number(&o, NULL, v);
    text_bytes(t, o.text.bytes, o.text.n);
}

static enum err begin(struct foreign_writer *w)
{
    struct text *t = spool_text(w->out);
    text_add(t, "{\"categories\":[");
    for (size_t i = 0; i < w->n_labels; i++) {
        text_fmt(t, "%s{\"id\":%zu,\"name\":", i ? "," : "", i);
        text(t, w->labels[i]);
        text_add(t, ",\"supercategory\":\"\"}");
    }
    text_add(t, "],\"annotations\":[");
    return OK;
}

/* By the shoelace formula, part by part. */
static double area_of(const struct foreign_shape *s)
{
    const double *p = s->points;
    double all = 0;
    for (uint32_t k = 0; k < s->n_parts; p += 2 * s->parts[k++]) {
        double area = 0;
        for (uint32_t i = 0; i < s->parts[k]; i++) {
            const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % s->parts[k]);
            area += a[0] * b[1] - b[0] * a[1];
        }
        all += fabs(area) / 2;
    }
    return all;
}

static void outline(struct text *t, const struct foreign_shape *s)
{
    const double *p = s->points;
    for (uint32_t k = 0; k < s->n_parts; p += 2 * s->parts[k++]) {
        text_add(t, k ? ",[" : "[");
        for (uint32_t i = 0; i < 2 * s->parts[k]; i++) {
            text_add(t, i ? "," : "");
            number(t, p[i]);
        }
        text_add(t, "]");
    }
}

static void annotation(struct foreign_writer *w, const struct foreign_shape *s)
{
    struct text *t = spool_text(w->out);
    double box[4] = { 0 };
    bool placed = foreign_box(s, box);
    text_fmt(t, "%s{\"id\":%llu,\"image_id\":%llu,\"category_id\":%u,\"iscrowd\":%d,\"bbox\":[", w->n_shapes ? "," : "",
             (unsigned long long)w->n_shapes + 1, (unsigned long long)w->n_images, s->label, s->crowd);
    for (int i = 0; i < 4 && placed; i++) {
        text_add(t, i ? "," : "");
        number(t, box[i]);
    }
    text_add(t, "],\"area\":");
    number(t, s->area > 0 ? s->area : s->n_parts ? area_of(s) : box[2] * box[3]);
    text_add(t, ",\"segmentation\":");
    if (s->mask) {
        text_fmt(t, "{\"size\":[%d,%d],\"counts\":", s->mask_height, s->mask_width);
        text(t, s->mask);
        text_add(t, "}}");
    } else {
        text_add(t, "[");
        outline(t, s);
        text_add(t, "]}");
    }
    w->n_shapes++;
}

static enum err image(struct foreign_writer *w, const struct foreign_image *i, const char *member, const struct foreign_shape *s,
                      size_t n, size_t *left_out)
{
    (void)member, (void)left_out;
    struct text *t = &w->images;
    text_fmt(t, "%s{\"id\":%llu,\"file_name\":", w->n_images ? "," : "", (unsigned long long)w->n_images);
    text(t, i->name);
    text_fmt(t, ",\"width\":%d,\"height\":%d}", i->width, i->height);
    for (size_t k = 0; k < n; k++) {
        annotation(w, &s[k]);
        TRY(spool_flush(w->out, false));
    }
    return text_full(t) ? fail(E_TOO_BIG, "too many images for one COCO file") : OK;
}

static enum err end(struct foreign_writer *w)
{
    struct text *t = spool_text(w->out);
    text_add(t, "],\"images\":[");
    TRY(spool_flush(w->out, true));
    text_bytes(t, w->images.bytes, w->images.n);
    text_add(t, "]}");
    return spool_flush(w->out, true);
}

const struct foreign_output write_coco = { "COCO", ".json", begin, image, end };
