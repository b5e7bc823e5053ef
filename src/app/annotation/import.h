/* import.h - the parts of an import of annotation files; private to this folder. */
#pragma once
#include "app/annotation/batch.h"
#include "foreign/foreign.h"
#include "job/job.h"

/* ---- import_names.c: which image of the version a name in a file means */

struct known_image {
    const char *asset_id, *name; /* as it is called */
    int width, height;
};
struct known_images;
MUST_USE enum err known_images_read(struct sql *, const char *version_id, struct known_images **ret);
void known_images_free(struct known_images *);
/* By the file name, whatever form its letters have and whether blanks are written as %20; else by the name without its ending, of
 * which several may be called alike (LEFT_SEVERAL). LEFT_UNKNOWN: none. */
enum foreign_reason known_images_find(const struct known_images *, const struct foreign_image *, struct known_image *ret);

/* ---- import_shape.c: what a version of a type makes of an object */

/* Appends one shape, or several (parts of an outline are polygons with attributes.part_of in common). *ret_left: not taken, without
 * being faulty. E_INVALID says what is wrong, after `where`. */
MUST_USE enum err import_shape(struct arena *, const char *type, const struct foreign_shape *, bool fractions,
                               const struct known_image *, const char *where, struct shape_list *, enum foreign_reason *ret_left);

/* ---- import_result.c: what is told afterwards, in numbers and words */

enum { RESULT_EXAMPLES = 5, RESULT_NAMED = 20 };
struct import_named {
    int64_t n;
    const char *examples[RESULT_NAMED]; /* the first of them */
};
struct import_result {
    struct arena *arena;
    const char *format;
    int64_t images, shapes, kept, pieces;
    int64_t splits[3]; /* images of each, where a file has several */
    struct import_named left[LEFT_REASONS], fault, passed, differ;
};
extern const struct resource import_result_answer;
extern const char *const import_split_words[4]; /* train, val, test */
void import_left(struct import_result *, enum foreign_reason, const char *example);
void import_fault(struct import_result *, const char *what);
void import_passed(struct import_result *, const char *file);
void import_differs(struct import_result *, const char *what);
const char *import_result_json(struct import_result *);
/* OK, or why it failed: faults that were not to be skipped, or that nothing was taken. */
MUST_USE enum err import_verdict(struct import_result *, bool skip_invalid);

/* ---- import_job.c */

extern const char *const import_splits[6]; /* what to do with splits: TAGS, ALL, or one of them only */
