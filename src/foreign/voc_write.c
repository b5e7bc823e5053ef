/* Pascal VOC knows boxes only: outlines and masks are written as the boxes around them. */
#include "foreign/writer.h"

static void escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        const char *name = *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : *s == '"' ? "&quot;" : NULL;
        if (name)
            text_add(t, name);
        else if ((unsigned char)*s >= 0x20)
            text_bytes(t, s, 1);
    }
}

static enum err begin(struct foreign_writer *w)
{
    (void)w;
    return OK;
}

static void object(struct text *t, const char *label, const double *b)
{
    text_add(t, "  <object>\n    <name>");
    escaped(t, label);
    text_fmt(t,
             "</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>\n    "
             "<bndbox><xmin>%.10g</xmin><ymin>%.10g</ymin><xmax>%.10g</xmax><ymax>%.10g</ymax></bndbox>\n  </object>\n",
             b[0], b[1], b[0] + b[2], b[1] + b[3]);
}

static enum err image(struct foreign_writer *w, const struct foreign_image *i, const char *member, const struct foreign_shape *s,
                      size_t n, size_t *left_out)
{
    struct text *t = &w->member;
    AUTO(arena) struct arena *a = arena_new();
    text_clear(t);
    text_add(t, "<annotation>\n  <filename>");
    escaped(t, i->name);
    text_fmt(t, "</filename>\n  <size><width>%d</width><height>%d</height><depth>3</depth></size>\n", i->width, i->height);
    for (size_t k = 0; k < n; k++) {
        double b[4];
        if (foreign_box(&s[k], b))
            object(t, w->labels[s[k].label], b);
        else
            ++*left_out;
    }
    text_add(t, "</annotation>\n");
    if (text_full(t))
        return fail(E_TOO_BIG, "%s has too many objects", i->name);
    return zip_writer_add(w->zip, arena_fmt(a, "%s.xml", member), t->bytes, t->n);
}

/* A zip of nothing is no zip to some: a line says what it is. */
static enum err end(struct foreign_writer *w)
{
    static const char none[] = "There are no annotations in this dataset version.\n";
    return w->n_images ? OK : zip_writer_add(w->zip, "README.txt", none, sizeof none - 1);
}

const struct foreign_output write_voc = { "PASCAL_VOC", ".zip", begin, image, end };
