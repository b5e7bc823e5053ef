#include "base/file.h"
#include "cli/demo.h"
#include "learn/data/synth.h"
#include <string.h>
#include <strings.h>

static bool is_picture(const char *name)
{
    static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < COUNT_OF(ends); i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static const char *stem_of(struct demo *d, const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? arena_copy(d->arena, name, (size_t)(dot - name)) : name;
}

/* One in six for test, one in six for valid, by a hash of the name: the same at every run. */
static int split_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    h ^= h >> 15;
    return h % 6 == 0 ? 1 : h % 6 == 1 ? 2 : 0;
}

enum err demo_make_pictures(struct demo *d)
{
    d->own = !d->images;
    if (!d->own)
        return d->annotations
                   ? OK
                   : fail(E_INVALID, "--images needs --annotations: a folder of Pascal VOC or YOLO files, or a COCO file");
    d->images = demo_fmt(d, "%s/JPEGImages", d->work);
    d->annotations = demo_fmt(d, "%s/Annotations", d->work);
    TRY(synth_write(d->work, (int)d->count, 7));
    return OK;
}

static bool same_name(struct demo *d, const struct foreign_image *t, const char *name)
{
    return strcmp(foreign_base(t->name), t->stem ? stem_of(d, name) : name) == 0;
}

enum err demo_read_truth(struct demo *d)
{
    TRY(foreign_from_path(d->arena, d->annotations, &d->files));
    return foreign_collect(d->arena, foreign_read_here, NULL, d->files, &d->truth);
}

enum err demo_list_pictures(struct demo *d)
{
    char **names;
    size_t n, boxes = 0;
    TRY(file_list(d->arena, d->images, &names, &n));
    d->pictures = arena_new_array(d->arena, struct picture, n + 1);
    int parts[SPLITS] = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (!is_picture(names[i]))
            continue;
        struct picture *p = &d->pictures[d->n];
        *p = (struct picture){ .path = demo_fmt(d, "%s/%s", d->images, names[i]), .name = names[i], .split = split_of(names[i]) };
        for (size_t k = 0; k < d->truth->n_images && !p->truth; k++)
            if (same_name(d, &d->truth->images[k].image, p->name))
                p->truth = &d->truth->images[k];
        if (!p->truth)
            continue; /* nothing is known about it */
        boxes += p->truth->n_shapes;
        parts[p->split]++;
        d->n++;
    }
    for (int s = 0; s < SPLITS; s++)
        if (parts[s] < 2)
            return fail(E_INVALID, "%zu pictures with annotations are too few: at least a dozen are needed", d->n);
    demo_say(d, "pictures", "%zu %s, %zu boxes in %s; train %d, test %d, valid %d", d->n, d->own ? "drawn" : "found", boxes,
             d->truth->format, parts[0], parts[1], parts[2]);
    return OK;
}
