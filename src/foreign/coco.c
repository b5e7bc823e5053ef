/* COCO (Lin et al. 2014, "Microsoft COCO"; format page of cocodataset.org): JSON with images, categories and annotations, in any
 * order and of any size. The file is read twice: once for the lists and for the place of each annotation, then image by image. Of
 * an annotation 20 bytes are kept between, of an image 40 and its name. */
#include "foreign/coco.h"
#include <stdlib.h>
#include <string.h>

static void done(struct coco *c)
{
    pull_free(c->p);
    free(c->images);
    free(c->by_id);
    text_done(&c->names);
    free(c->categories);
    free(c->of_image);
    free(c->place);
    free(c->order);
    free(c->points);
    free(c->parts);
    text_done(&c->mask);
}

/* ---- between: which annotations are of which image */

static _Thread_local const struct coco_image *sorted_images;

static int by_id(const void *a, const void *b)
{
    const struct coco_image *x = &sorted_images[*(const uint32_t *)a], *y = &sorted_images[*(const uint32_t *)b];
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_category(const void *a, const void *b)
{
    const struct coco_category *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum err tell_categories(struct coco *c)
{
    for (size_t i = 0; i < c->n_categories; i++) {
        struct coco_category *k = &c->categories[i];
        enum err e = label_number(c->r, c->names.bytes + k->name, &k->label);
        k->named = e == OK;
        if (e == E_INVALID)
            TRY(tell_fault(c->r, "%s, a name among the categories: %.300s", c->member->name, fail_text()));
        else
            TRY(e);
    }
    if (c->bad_images)
        TRY(tell_fault(c->r, "%s: %zu of the images lack an id or a file_name", c->member->name, c->bad_images));
    return c->bad_categories
               ? tell_fault(c->r, "%s: %zu of the categories lack an id or a name", c->member->name, c->bad_categories)
               : OK;
}

static enum err sort_ids(struct coco *c)
{
    c->by_id = heap_take((c->n_images + 1) * sizeof *c->by_id);
    for (size_t i = 0; i < c->n_images; i++)
        c->by_id[i] = (uint32_t)i;
    sorted_images = c->images;
    qsort(c->by_id, c->n_images, sizeof *c->by_id, by_id);
    for (size_t i = 1; i < c->n_images; i++)
        if (c->images[c->by_id[i]].id == c->images[c->by_id[i - 1]].id)
            return fail(E_INVALID, "%s: two images have one id: images[%u] and images[%u]", c->member->name, c->by_id[i - 1],
                        c->by_id[i]);
    if (c->n_categories)
        qsort(c->categories, c->n_categories, sizeof *c->categories, by_category);
    for (size_t i = 1; i < c->n_categories; i++)
        if (c->categories[i].id == c->categories[i - 1].id && c->categories[i].label != c->categories[i - 1].label)
            return fail(E_INVALID, "%s: categories has an id twice, with two names", c->member->name);
    return OK;
}

/* The number of the image with that id; n_images: none. */
static size_t image_of(const struct coco *c, int64_t id, size_t guess)
{
    if (guess < c->n_images && c->images[guess].id == id)
        return guess;
    size_t low = 0, high = c->n_images;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (c->images[c->by_id[mid]].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < c->n_images && c->images[c->by_id[low]].id == id ? c->by_id[low] : c->n_images;
}

/* Counting sort by image: of_image becomes the image's number. */
static enum err sort_annotations(struct coco *c)
{
    size_t last = 0;
    for (size_t i = 0; i < c->n; i++) {
        size_t at = image_of(c, c->of_image[i], last);
        c->of_image[i] = (int64_t)at;
        if (at == c->n_images) {
            TRY(tell_left(c->r, LEFT_NO_IMAGE, "%s, annotations[%zu].image_id", c->member->name, i));
            continue;
        }
        last = at;
        c->images[at].n++;
    }
    c->order = heap_take((c->n + 1) * sizeof *c->order);
    uint32_t first = 0;
    for (size_t i = 0; i < c->n_images; i++) {
        c->images[i].first = first;
        first += c->images[i].n;
        c->images[i].n = 0;
    }
    for (size_t i = 0; i < c->n; i++)
        if ((size_t)c->of_image[i] < c->n_images) {
            struct coco_image *im = &c->images[c->of_image[i]];
            c->order[im->first + im->n++] = (uint32_t)i;
        }
    free(c->of_image);
    c->of_image = NULL;
    return OK;
}

const struct coco_category *coco_category_of(const struct coco *c, int64_t id)
{
    struct coco_category key = { .id = id };
    return c->n_categories ? bsearch(&key, c->categories, c->n_categories, sizeof key, by_category) : NULL;
}

/* ---- telling */

static enum err tell_images(struct coco *c)
{
    uint64_t told = 0;
    for (size_t i = 0; i < c->n_images; i++) {
        const struct coco_image *im = &c->images[i];
        char *name = c->names.bytes + im->name;
        for (char *p = name; *p; p++)
            *p = *p == '\\' ? '/' : *p;
        const struct foreign_image out = {
            .file = c->member->name, .name = name, .split = foreign_split(c->member->name), .width = im->width, .height = im->height
        };
        TRY(tell_image(c->r, &out));
        for (uint32_t k = 0; k < im->n; k++, told++)
            TRY(coco_tell_annotation(c, c->order[im->first + k]));
        TRY(tell_progress(c->r, c->n + told, 2 * c->n));
    }
    return OK;
}

/* ---- a file */

static enum err read_file(struct coco *c)
{
    TRY(coco_read_lists(c));
    c->member->used = c->has_images && c->has_annotations && c->has_categories;
    if (!c->member->used)
        return OK;
    TRY(tell_format(c->r, foreign_coco.name));
    TRY(tell_categories(c));
    TRY(sort_ids(c));
    TRY(sort_annotations(c));
    return tell_images(c);
}

static enum err read_one(struct reading *r, struct member *m)
{
    int fd = -1;
    struct coco c = { .r = r, .member = m, .size = m->size };
    TRY(member_open(r, m, &fd, &c.from));
    c.p = pull_new(fd, c.from, c.from + c.size, COCO_TEXTS);
    text_init(&c.names, COCO_NAMES);
    text_init(&c.mask, FOREIGN_MASK);
    enum err e = read_file(&c);
    done(&c);
    member_close(r, fd);
    return e;
}

/* Of several JSON files those that are no COCO are passed over; of one alone it is said what it lacks. */
static enum err read(struct reading *r, bool *ret_taken)
{
    struct member *first = NULL;
    size_t others = 0;
    for (size_t i = 0; i < r->n_members; i++) {
        struct member *m = &r->members[i];
        if (!member_ends(m, ".json")) {
            others += member_ends(m, ".xml") || member_ends(m, ".txt");
            continue;
        }
        first = first ? first : m;
        TRY(fail_within(read_one(r, m), "%s: ", m->name));
        *ret_taken |= m->used;
    }
    if (first && !*ret_taken && !others)
        return fail(E_INVALID, "%s is no COCO file: it needs the lists images, categories and annotations", first->name);
    return OK;
}

const struct format foreign_coco = { "COCO", read };
