/* COCO (Lin et al. 2014, "Microsoft COCO"; format page of cocodataset.org): JSON with images, categories and annotations, in any
 * order and of any size. The file is read twice: once for the lists and for the place of each annotation, then image by image. Of
 * an annotation 20 bytes are kept between, of an image 40 and its name. */
#include "foreign/reader.h"
#include "json/pull.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 5000000, NAMES = 1 << 30, TEXTS = FOREIGN_MASK + 1024 };

struct image {
    int64_t id;
    uint32_t name; /* in `names` */
    int32_t width, height;
    uint32_t first, n; /* its annotations in `order` */
};

struct category {
    int64_t id;
    uint32_t name; /* in `names` */
    uint32_t label;
    bool named;
};

struct coco {
    struct reading *r;
    struct member *member;
    struct pull *p;
    uint64_t from, size;
    bool has_images, has_annotations, has_categories;
    size_t bad_images, bad_categories; /* without an id or a name: told once it is known that this is COCO at all */
    struct image *images;
    size_t n_images, room_images;
    uint32_t *by_id; /* images sorted by id */
    struct text names;
    struct category *categories;
    size_t n_categories, room_categories;
    /* of annotation i: */
    int64_t *of_image;
    uint64_t *place;
    size_t n, room;
    uint32_t *order; /* annotations by image, then as in the file */
    /* the shape at hand */
    double *points;
    size_t n_points, room_points;
    uint32_t *parts;
    size_t n_parts, room_parts;
    struct text mask;
};

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

static size_t more(size_t n)
{
    return n ? n * 2 : 256;
}

/* ---- what ids are: whole numbers, or texts, which are hashed to numbers no file writes */

static int64_t text_id(const char *s)
{
    uint64_t h = 14695981039346656037ULL;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    return (int64_t)(h | 1ULL << 63);
}

static bool read_id(const struct pull *p, enum pull_event e, int64_t *ret)
{
    if (e == PULL_TEXT)
        *ret = text_id(pull_text(p));
    return e == PULL_TEXT || (e == PULL_NUMBER && pull_int(p, ret));
}

/* ---- first reading: the lists */

/* Steps through an object's keys: true with *ret at the value of the next one, which is begun. */
static enum err next_key(struct pull *p, bool *ret_more)
{
    enum pull_event e;
    TRY(pull_next(p, &e));
    *ret_more = e == PULL_KEY;
    return OK;
}

static bool key_is(const struct pull *p, const char *name)
{
    return strcmp(pull_text(p), name) == 0;
}

static enum err read_image(struct coco *c)
{
    struct image i = { 0 };
    bool has_id = false, has_name = false, more_keys;
    for (;;) {
        enum pull_event e;
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            break;
        enum {
            OTHER,
            ID,
            NAME,
            WIDTH,
            HEIGHT
        } key = key_is(c->p, "id")          ? ID
                : key_is(c->p, "file_name") ? NAME
                : key_is(c->p, "width")     ? WIDTH
                : key_is(c->p, "height")    ? HEIGHT
                                            : OTHER;
        if (key == OTHER) {
            TRY(pull_skip_next(c->p));
            continue;
        }
        TRY(pull_next(c->p, &e));
        bool size = e == PULL_NUMBER && pull_number(c->p) > 0 && pull_number(c->p) < 1e6;
        if (key == ID)
            has_id = read_id(c->p, e, &i.id);
        else if (key == NAME && e == PULL_TEXT && pull_length(c->p) && pull_length(c->p) <= FOREIGN_NAME) {
            has_name = true;
            i.name = (uint32_t)c->names.n;
            text_bytes(&c->names, pull_text(c->p), pull_length(c->p) + 1);
        } else if (key == WIDTH && size)
            i.width = (int32_t)pull_number(c->p);
        else if (key == HEIGHT && size)
            i.height = (int32_t)pull_number(c->p);
        TRY(pull_skip(c->p, e));
    }
    if (!has_id || !has_name) {
        c->bad_images++;
        return OK;
    }
    if (c->n_images == IMAGES || text_full(&c->names))
        return fail(E_TOO_BIG, "%s: more than %d images", c->member->name, IMAGES);
    if (c->n_images == c->room_images)
        c->images = heap_grow(c->images, (c->room_images = more(c->room_images)) * sizeof *c->images);
    c->images[c->n_images++] = i;
    return OK;
}

static enum err read_category(struct coco *c)
{
    struct category k = { .name = (uint32_t)c->names.n };
    bool has_id = false, has_name = false, more_keys;
    for (;;) {
        enum pull_event e;
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            break;
        bool id = key_is(c->p, "id"), name = key_is(c->p, "name");
        if (!id && !name) {
            TRY(pull_skip_next(c->p));
            continue;
        }
        TRY(pull_next(c->p, &e));
        if (id)
            has_id = read_id(c->p, e, &k.id);
        else if (e == PULL_TEXT && !has_name && pull_length(c->p) <= FOREIGN_NAME) {
            has_name = true;
            text_bytes(&c->names, pull_text(c->p), pull_length(c->p) + 1);
        }
        TRY(pull_skip(c->p, e));
    }
    if (!has_id || !has_name) {
        c->bad_categories++;
        return OK;
    }
    if (c->n_categories == c->room_categories)
        c->categories = heap_grow(c->categories, (c->room_categories = more(c->room_categories)) * sizeof *c->categories);
    c->categories[c->n_categories++] = k;
    return c->n_categories > FOREIGN_LABELS ? fail(E_TOO_BIG, "%s: more than %d categories", c->member->name, FOREIGN_LABELS) : OK;
}

static enum err note_annotation(struct coco *c)
{
    uint64_t place = pull_at(c->p);
    int64_t id = 0;
    bool has_id = false, more_keys;
    for (;;) {
        enum pull_event e;
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            break;
        if (!key_is(c->p, "image_id")) {
            TRY(pull_skip_next(c->p));
            continue;
        }
        TRY(pull_next(c->p, &e));
        has_id = read_id(c->p, e, &id);
        TRY(pull_skip(c->p, e));
    }
    if (c->n == FOREIGN_SHAPES)
        return fail(E_TOO_BIG, "%s: more than %d annotations", c->member->name, FOREIGN_SHAPES);
    if (c->n == c->room) {
        c->room = more(c->room);
        c->of_image = heap_grow(c->of_image, c->room * sizeof *c->of_image);
        c->place = heap_grow(c->place, c->room * sizeof *c->place);
    }
    c->of_image[c->n] = has_id ? id : INT64_MIN;
    c->place[c->n++] = place;
    return tell_progress(c->r, (place - c->from) / 2, c->size);
}

static enum err read_list(struct coco *c, enum err (*item)(struct coco *), bool *ret_there)
{
    enum pull_event e;
    TRY(pull_next(c->p, &e));
    if (e != PULL_ARRAY)
        return pull_skip(c->p, e);
    *ret_there = true;
    for (;;) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            return OK;
        if (e == PULL_OBJECT)
            TRY(item(c));
        else
            TRY(pull_skip(c->p, e));
    }
}

static enum err read_lists(struct coco *c)
{
    enum pull_event e;
    bool more_keys;
    TRY(pull_next(c->p, &e));
    if (e != PULL_OBJECT)
        return OK;
    for (;;) {
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            break;
        if (key_is(c->p, "images"))
            TRY(read_list(c, read_image, &c->has_images));
        else if (key_is(c->p, "annotations"))
            TRY(read_list(c, note_annotation, &c->has_annotations));
        else if (key_is(c->p, "categories"))
            TRY(read_list(c, read_category, &c->has_categories));
        else
            TRY(pull_skip_next(c->p));
    }
    return pull_next(c->p, &e); /* nothing may follow */
}

/* ---- between: which annotations are of which image */

static _Thread_local const struct image *sorted_images;

static int by_id(const void *a, const void *b)
{
    const struct image *x = &sorted_images[*(const uint32_t *)a], *y = &sorted_images[*(const uint32_t *)b];
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_category(const void *a, const void *b)
{
    const struct category *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum err tell_categories(struct coco *c)
{
    for (size_t i = 0; i < c->n_categories; i++) {
        struct category *k = &c->categories[i];
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
            struct image *im = &c->images[c->of_image[i]];
            c->order[im->first + im->n++] = (uint32_t)i;
        }
    free(c->of_image);
    c->of_image = NULL;
    return OK;
}

/* ---- second reading: an annotation */

struct found {
    bool has_category, crowd, has_box, bad_box, bad_outline, short_part, has_mask;
    const char *bad_mask; /* why it is none */
    int64_t category;
    double box[4];
    int mask_width, mask_height;
};

static enum err read_box(struct coco *c, enum pull_event e, struct found *f)
{
    size_t n = 0;
    if (e == PULL_NULL)
        return OK;
    if (e != PULL_ARRAY) {
        f->bad_box = true;
        return pull_skip(c->p, e);
    }
    for (;;) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            break;
        if (e != PULL_NUMBER || n == 4 || fabs(pull_number(c->p)) > 1e6)
            f->bad_box = true;
        else
            f->box[n++] = pull_number(c->p);
        TRY(pull_skip(c->p, e));
    }
    f->has_box = n == 4 && !f->bad_box;
    f->bad_box |= n != 0 && n != 4;
    return OK;
}

static void add_point(struct coco *c, double v)
{
    if (c->n_points == c->room_points)
        c->points = heap_grow(c->points, (c->room_points = more(c->room_points)) * sizeof *c->points);
    c->points[c->n_points++] = v;
}

/* A part of an outline ends: of fewer than three points it is none. */
static void end_part(struct coco *c, size_t first, struct found *f)
{
    size_t n = c->n_points - first;
    if (n % 2) {
        f->bad_outline = true;
    } else if (n < 6) {
        f->short_part = true;
        c->n_points = first;
    } else {
        if (c->n_parts == c->room_parts)
            c->parts = heap_grow(c->parts, (c->room_parts = more(c->room_parts)) * sizeof *c->parts);
        c->parts[c->n_parts++] = (uint32_t)(n / 2);
    }
}

/* The rest of a list of numbers; *e: its first event. */
static enum err read_numbers(struct coco *c, enum pull_event e, struct found *f)
{
    size_t first = c->n_points;
    for (;;) {
        if (e == PULL_END_ARRAY)
            break;
        if (e != PULL_NUMBER || fabs(pull_number(c->p)) > 1e6 || c->n_points >= 2 * FOREIGN_POINTS)
            f->bad_outline = true;
        else
            add_point(c, pull_number(c->p));
        TRY(pull_skip(c->p, e));
        TRY(pull_next(c->p, &e));
    }
    end_part(c, first, f);
    return OK;
}

/* [[x, y, …], …]; some write the one part without its own brackets. */
static enum err read_outline(struct coco *c, struct found *f)
{
    enum pull_event e;
    TRY(pull_next(c->p, &e));
    if (e == PULL_NUMBER)
        return read_numbers(c, e, f);
    for (; e != PULL_END_ARRAY;) {
        if (e == PULL_ARRAY) {
            TRY(pull_next(c->p, &e));
            TRY(read_numbers(c, e, f));
        } else {
            f->bad_outline = true;
            TRY(pull_skip(c->p, e));
        }
        TRY(pull_next(c->p, &e));
    }
    return OK;
}

static enum err read_runs(struct coco *c, struct found *f)
{
    enum pull_event e;
    int64_t before[2] = { 0, 0 }, run;
    for (size_t i = 0;; i++) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            return OK;
        if (e != PULL_NUMBER || !pull_int(c->p, &run) || run < 0 || run > INT32_MAX) {
            f->bad_mask = "a run is no whole number";
            TRY(pull_skip(c->p, e));
            continue;
        }
        rle_put(&c->mask, run, before[i % 2], i);
        before[i % 2] = run;
    }
}

static enum err read_mask_size(struct coco *c, enum pull_event e, struct found *f)
{
    double size[2] = { 0 };
    size_t n = 0;
    if (e != PULL_ARRAY)
        return pull_skip(c->p, e);
    for (;;) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            break;
        if (e == PULL_NUMBER && n < 2)
            size[n++] = pull_number(c->p);
        TRY(pull_skip(c->p, e));
    }
    if (n == 2 && size[0] >= 1 && size[1] >= 1 && size[0] <= 1e6 && size[1] <= 1e6) {
        f->mask_height = (int)size[0];
        f->mask_width = (int)size[1];
    }
    return OK;
}

/* {"size": [height, width], "counts": [runs] or "compressed runs"} */
static enum err read_mask(struct coco *c, struct found *f)
{
    bool more_keys;
    for (;;) {
        enum pull_event e;
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            break;
        bool size = key_is(c->p, "size"), counts = key_is(c->p, "counts");
        TRY(pull_next(c->p, &e));
        if (size) {
            TRY(read_mask_size(c, e, f));
        } else if (counts && e == PULL_ARRAY) {
            TRY(read_runs(c, f));
            f->has_mask = true;
        } else if (counts && e == PULL_TEXT) {
            text_add(&c->mask, pull_text(c->p));
            f->has_mask = true;
        } else {
            TRY(pull_skip(c->p, e));
        }
    }
    double box[4];
    if (f->has_mask && !f->bad_mask)
        f->bad_mask = text_full(&c->mask)                                                ? "it is too long"
                      : !f->mask_width                                                   ? "its size is missing"
                      : rle_box(c->mask.bytes, f->mask_width, f->mask_height, box) != OK ? arena_str(c->r->arena, fail_text())
                                                                                         : NULL;
    return OK;
}

static enum err read_members(struct coco *c, struct found *f)
{
    bool more_keys;
    for (;;) {
        enum pull_event e;
        TRY(next_key(c->p, &more_keys));
        if (!more_keys)
            return OK;
        enum {
            OTHER,
            CATEGORY,
            BOX,
            CROWD,
            OUTLINE
        } key = key_is(c->p, "category_id")    ? CATEGORY
                : key_is(c->p, "bbox")         ? BOX
                : key_is(c->p, "iscrowd")      ? CROWD
                : key_is(c->p, "segmentation") ? OUTLINE
                                               : OTHER;
        if (key == OTHER) {
            TRY(pull_skip_next(c->p));
            continue;
        }
        TRY(pull_next(c->p, &e));
        if (key == CATEGORY)
            f->has_category = read_id(c->p, e, &f->category);
        else if (key == CROWD)
            f->crowd = e == PULL_TRUE || (e == PULL_NUMBER && pull_number(c->p) != 0);
        if (key == BOX)
            TRY(read_box(c, e, f));
        else if (key == OUTLINE && e == PULL_ARRAY)
            TRY(read_outline(c, f));
        else if (key == OUTLINE && e == PULL_OBJECT)
            TRY(read_mask(c, f));
        else
            TRY(pull_skip(c->p, e));
    }
}

static enum err tell_annotation(struct coco *c, uint32_t i)
{
    struct found f = { 0 };
    enum pull_event e;
    const char *file = c->member->name;
    c->n_points = c->n_parts = 0;
    text_clear(&c->mask);
    pull_seek(c->p, c->place[i]);
    TRY(pull_next(c->p, &e));
    TRY(read_members(c, &f));
    struct category key = { .id = f.category };
    const struct category *k =
        f.has_category && c->n_categories ? bsearch(&key, c->categories, c->n_categories, sizeof key, by_category) : NULL;
    if (!k)
        return tell_left(c->r, LEFT_NO_CATEGORY, "%s, annotations[%u].category_id", file, i);
    if (!k->named)
        return OK; /* its category was a fault */
    if (f.bad_box)
        return tell_fault(c->r, "%s, annotations[%u].bbox must be [x, y, width, height]", file, i);
    if (f.bad_outline)
        return tell_fault(c->r, "%s, annotations[%u].segmentation must be lists of 3 to %d points", file, i, FOREIGN_POINTS);
    if (f.bad_mask)
        return tell_fault(c->r, "%s, annotations[%u].segmentation is no mask: %.200s", file, i, f.bad_mask);
    if (f.short_part && !c->n_parts && !f.has_box)
        return tell_left(c->r, LEFT_NO_AREA, "%s, annotations[%u]", file, i);
    struct foreign_shape s = { .label = k->label,
                               .crowd = f.crowd,
                               .has_box = f.has_box,
                               .points = c->points,
                               .parts = c->parts,
                               .n_parts = (uint32_t)c->n_parts,
                               .n_points = (uint32_t)c->n_points / 2,
                               .mask = f.has_mask ? c->mask.bytes : NULL,
                               .mask_width = f.mask_width,
                               .mask_height = f.mask_height,
                               .at = i };
    memcpy(s.box, f.box, sizeof s.box);
    return tell_shape(c->r, &s);
}

static enum err tell_images(struct coco *c)
{
    uint64_t told = 0;
    for (size_t i = 0; i < c->n_images; i++) {
        const struct image *im = &c->images[i];
        char *name = c->names.bytes + im->name;
        for (char *p = name; *p; p++)
            *p = *p == '\\' ? '/' : *p;
        const struct foreign_image out = {
            .file = c->member->name, .name = name, .split = foreign_split(c->member->name), .width = im->width, .height = im->height
        };
        TRY(tell_image(c->r, &out));
        for (uint32_t k = 0; k < im->n; k++, told++)
            TRY(tell_annotation(c, c->order[im->first + k]));
        TRY(tell_progress(c->r, c->n + told, 2 * c->n));
    }
    return OK;
}

/* ---- a file */

static enum err read_file(struct coco *c)
{
    TRY(read_lists(c));
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
    c.p = pull_new(fd, c.from, c.from + c.size, TEXTS);
    text_init(&c.names, NAMES);
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
