/* coco.h - the parts of the COCO reader: the lists (coco_lists.c), one annotation (coco_shape.c), all of it in order (coco.c). */
#pragma once
#include "foreign/reader.h"
#include "json/pull.h"

enum { COCO_IMAGES = 5000000, COCO_NAMES = 1 << 30, COCO_TEXTS = FOREIGN_MASK + 1024 };

struct coco_image {
    int64_t id;
    uint32_t name; /* in `names` */
    int32_t width, height;
    uint32_t first, n; /* its annotations in `order` */
};

struct coco_category {
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
    struct coco_image *images;
    size_t n_images, room_images;
    uint32_t *by_id; /* images sorted by id */
    struct text names;
    struct coco_category *categories;
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

/* Calls for each member of the object at hand that has one of the names (the last is NULL) with the name's number and the first
 * event of the value, which it reads to its end; others are passed over. */
typedef enum err coco_member(void *with, size_t key, enum pull_event);
MUST_USE enum err coco_each(struct pull *, const char *const *names, coco_member *, void *with);
/* Ids are whole numbers, or texts, which are hashed to numbers no file writes. */
bool coco_id(const struct pull *, enum pull_event, int64_t *ret);
size_t coco_more(size_t room); /* the next larger room */

/* The first reading: images, categories, and where each annotation is. */
MUST_USE enum err coco_read_lists(struct coco *);
/* The second: the annotation that stands at place[i]. */
MUST_USE enum err coco_tell_annotation(struct coco *, uint32_t i);
const struct coco_category *coco_category_of(const struct coco *, int64_t id); /* once they are sorted; NULL: none */
