/* The first reading of a COCO file. */
#include "foreign/coco.h"
#include <stdlib.h>
#include <string.h>

size_t coco_more(size_t n)
{
    return n ? n * 2 : 256;
}

/* ---- members of an object */

static int64_t text_id(const char *s)
{
    uint64_t h = 14695981039346656037ULL;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    return (int64_t)(h | 1ULL << 63);
}

bool coco_id(const struct pull *p, enum pull_event e, int64_t *ret)
{
    if (e == PULL_TEXT)
        *ret = text_id(pull_text(p));
    return e == PULL_TEXT || (e == PULL_NUMBER && pull_int(p, ret));
}

static size_t number_of(const char *const *names, const char *name)
{
    size_t i = 0;
    while (names[i] && strcmp(names[i], name) != 0)
        i++;
    return i;
}

enum err coco_each(struct pull *p, const char *const *names, coco_member *take, void *with)
{
    for (;;) {
        enum pull_event e;
        TRY(pull_next(p, &e));
        if (e != PULL_KEY)
            return OK;
        size_t key = number_of(names, pull_text(p));
        if (!names[key]) {
            TRY(pull_skip_next(p));
            continue;
        }
        TRY(pull_next(p, &e));
        TRY(take(with, key, e));
    }
}

/* ---- images */

struct image_at_hand {
    struct coco *c;
    struct coco_image image;
    bool has_id, has_name;
};

static enum err take_of_image(void *with, size_t key, enum pull_event e)
{
    struct image_at_hand *h = with;
    struct coco *c = h->c;
    bool size = e == PULL_NUMBER && pull_number(c->p) > 0 && pull_number(c->p) < 1e6;
    if (key == 0)
        h->has_id = coco_id(c->p, e, &h->image.id);
    else if (key == 1 && e == PULL_TEXT && pull_length(c->p) && pull_length(c->p) <= FOREIGN_NAME) {
        h->has_name = true;
        h->image.name = (uint32_t)c->names.n;
        text_bytes(&c->names, pull_text(c->p), pull_length(c->p) + 1);
    } else if (key == 2 && size)
        h->image.width = (int32_t)pull_number(c->p);
    else if (key == 3 && size)
        h->image.height = (int32_t)pull_number(c->p);
    return pull_skip(c->p, e);
}

static enum err read_image(struct coco *c)
{
    static const char *const names[] = { "id", "file_name", "width", "height", NULL };
    struct image_at_hand h = { .c = c };
    TRY(coco_each(c->p, names, take_of_image, &h));
    if (!h.has_id || !h.has_name) {
        c->bad_images++;
        return OK;
    }
    if (c->n_images == COCO_IMAGES || text_full(&c->names))
        return fail(E_TOO_BIG, "%s: more than %d images", c->member->name, COCO_IMAGES);
    if (c->n_images == c->room_images)
        c->images = heap_grow(c->images, (c->room_images = coco_more(c->room_images)) * sizeof *c->images);
    c->images[c->n_images++] = h.image;
    return OK;
}

/* ---- categories */

struct category_at_hand {
    struct coco *c;
    struct coco_category category;
    bool has_id, has_name;
};

static enum err take_of_category(void *with, size_t key, enum pull_event e)
{
    struct category_at_hand *h = with;
    struct coco *c = h->c;
    if (key == 0)
        h->has_id = coco_id(c->p, e, &h->category.id);
    else if (e == PULL_TEXT && !h->has_name && pull_length(c->p) <= FOREIGN_NAME) {
        h->has_name = true;
        text_bytes(&c->names, pull_text(c->p), pull_length(c->p) + 1);
    }
    return pull_skip(c->p, e);
}

static enum err read_category(struct coco *c)
{
    static const char *const names[] = { "id", "name", NULL };
    struct category_at_hand h = { .c = c, .category = { .name = (uint32_t)c->names.n } };
    TRY(coco_each(c->p, names, take_of_category, &h));
    if (!h.has_id || !h.has_name) {
        c->bad_categories++;
        return OK;
    }
    if (c->n_categories == c->room_categories)
        c->categories = heap_grow(c->categories, (c->room_categories = coco_more(c->room_categories)) * sizeof *c->categories);
    c->categories[c->n_categories++] = h.category;
    return c->n_categories > FOREIGN_LABELS ? fail(E_TOO_BIG, "%s: more than %d categories", c->member->name, FOREIGN_LABELS) : OK;
}

/* ---- annotations: of which image each is, and where */

struct annotation_at_hand {
    struct pull *p;
    int64_t image;
    bool has_image;
};

static enum err take_of_annotation(void *with, size_t key, enum pull_event e)
{
    struct annotation_at_hand *h = with;
    (void)key;
    h->has_image = coco_id(h->p, e, &h->image);
    return pull_skip(h->p, e);
}

static enum err note_annotation(struct coco *c)
{
    static const char *const names[] = { "image_id", NULL };
    uint64_t place = pull_at(c->p);
    struct annotation_at_hand h = { .p = c->p };
    TRY(coco_each(c->p, names, take_of_annotation, &h));
    if (c->n == FOREIGN_SHAPES)
        return fail(E_TOO_BIG, "%s: more than %d annotations", c->member->name, FOREIGN_SHAPES);
    if (c->n == c->room) {
        c->room = coco_more(c->room);
        c->of_image = heap_grow(c->of_image, c->room * sizeof *c->of_image);
        c->place = heap_grow(c->place, c->room * sizeof *c->place);
    }
    c->of_image[c->n] = h.has_image ? h.image : INT64_MIN;
    c->place[c->n++] = place;
    return tell_progress(c->r, (place - c->from) / 2, c->size);
}

/* ---- the lists */

static enum err read_list(struct coco *c, enum pull_event e, enum err (*item)(struct coco *), bool *ret_there)
{
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

static enum err take_list(void *with, size_t key, enum pull_event e)
{
    struct coco *c = with;
    return key == 0   ? read_list(c, e, read_image, &c->has_images)
           : key == 1 ? read_list(c, e, note_annotation, &c->has_annotations)
                      : read_list(c, e, read_category, &c->has_categories);
}

enum err coco_read_lists(struct coco *c)
{
    static const char *const names[] = { "images", "annotations", "categories", NULL };
    enum pull_event e;
    TRY(pull_next(c->p, &e));
    if (e != PULL_OBJECT)
        return OK;
    TRY(coco_each(c->p, names, take_list, c));
    return pull_next(c->p, &e); /* nothing may follow */
}
