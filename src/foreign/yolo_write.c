/* YOLO: data.yaml (written as JSON, which every YAML reader takes), and a text an image. Masks are written as their boxes. */
#include "foreign/writer.h"
#include "json/json.h"

static enum err begin(struct foreign_writer *w)
{
    AUTO(out) struct out o;
    out_init(&o, 64 << 20);
    out_object(&o, NULL);
    out_int(&o, "nc", (int64_t)w->n_labels);
    out_array(&o, "names");
    for (size_t i = 0; i < w->n_labels; i++)
        out_text(&o, NULL, w->labels[i]);
    out_end_array(&o);
    out_end_object(&o);
    return zip_writer_add(w->zip, "data.yaml", o.text.bytes, o.text.n);
}

static void line(struct text *t, const struct foreign_shape *s, double w, double h)
{
    double b[4];
    text_fmt(t, "%u", s->label);
    if (s->n_parts == 1) {
        for (uint32_t i = 0; i < s->n_points; i++)
            text_fmt(t, " %.9f %.9f", s->points[2 * i] / w, s->points[2 * i + 1] / h);
    } else if (foreign_box(s, b)) {
        text_fmt(t, " %.9f %.9f %.9f %.9f", (b[0] + b[2] / 2) / w, (b[1] + b[3] / 2) / h, b[2] / w, b[3] / h);
    }
    text_add(t, "\n");
}

static enum err image(struct foreign_writer *w, const struct foreign_image *i, const char *member, const struct foreign_shape *s,
                      size_t n, size_t *left_out)
{
    AUTO(arena) struct arena *a = arena_new();
    text_clear(&w->member);
    if (i->width < 1 || i->height < 1)
        *left_out += n;
    else
        for (size_t k = 0; k < n; k++)
            line(&w->member, &s[k], i->width, i->height);
    if (text_full(&w->member))
        return fail(E_TOO_BIG, "%s has too many objects", i->name);
    return zip_writer_add(w->zip, arena_fmt(a, "labels/%s.txt", member), w->member.bytes, w->member.n);
}

static enum err end(struct foreign_writer *w)
{
    (void)w;
    return OK;
}

const struct foreign_output write_yolo = { "YOLO", ".zip", begin, image, end };
