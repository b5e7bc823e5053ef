/* format.h - annotation files: COCO, Pascal VOC, YOLO, single or in a zip. Readers turn bytes into one neutral list and touch no
 * database; writers turn it back. All input is hostile: sizes are capped, names are only compared with file names that are there
 * already, never opened. Errors name the file and the line or item. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

enum { FORMAT_FILE_CAP = 512 << 20, FORMAT_FILES = 200000, FORMAT_SHAPES = 5000000, FORMAT_POINTS = 10000, FORMAT_LABEL = 100 };

struct format_shape {
    enum { FORMAT_RECTANGLE, FORMAT_POLYGON, FORMAT_CLASSIFICATION } kind;
    const char *label;
    double x, y, w, h;    /* rectangle: pixels, or fractions when the image says so */
    const double *points; /* polygon: x, y, x, y … */
    size_t n_points;
    const char *where; /* "line 7", "annotations[3]": for errors found later */
};

struct format_image {
    const char *filename; /* without folders; YOLO: without its ending (stem) */
    bool stem, fractions; /* filename is a stem; coordinates are fractions of the image */
    int width, height;    /* 0: not said */
    const char *file;     /* the annotation file it came from */
    struct format_shape *shapes;
    size_t n_shapes, room;
};

struct format_set {
    struct arena *arena;
    struct format_image *images;
    size_t n_images, room;
    const char **labels; /* in the order of the file: COCO's categories, YOLO's classes */
    size_t n_labels;
    size_t n_shapes;
};

/* One file as it was sent. */
struct format_file {
    const char *name; /* as sent; only its last part is looked at */
    const char *bytes;
    size_t n;
};

/* Reads all files together (a zip counts as what is in it) and finds out by itself which format they are. */
MUST_USE enum err format_read(struct arena *, const struct format_file *, size_t n, struct format_set **ret,
                              const char **ret_format);

/* A row for each format. `fits` looks at a name and its first bytes. Readers may be called once per file (VOC) or once for all
 * (YOLO). */
struct format_kind {
    const char *name; /* the wire's word: "COCO", "PASCAL_VOC", "YOLO" */
    bool (*fits)(const struct format_file *);
    enum err (*read)(struct format_set *, const struct format_file *,
                     size_t n); /* those files that fit, and for YOLO the class list */
    /* The files of an export, by `put`; COCO writes one. Shapes in pixels. */
    enum err (*write)(const struct format_set *, enum err (*put)(void *with, const char *name, const char *bytes, size_t n),
                      void *with);
};
extern const struct format_kind *const format_kinds[]; /* NULL-terminated */

/* For readers. */
struct format_image *format_image_add(struct format_set *, const char *filename, const char *file);
MUST_USE enum err format_shape_add(struct format_set *, struct format_image *, const struct format_shape *);
const char *format_base_name(struct arena *, const char *path); /* what follows the last / or \ */

/* zip files (PKWARE APPNOTE), read with limits on count, size and ratio, folders ignored; and written. */
MUST_USE enum err archive_read(struct arena *, const char *bytes, size_t n, struct format_file **ret, size_t *ret_n);
struct archive_writer;
MUST_USE enum err archive_new(const char *path, struct archive_writer **ret);
MUST_USE enum err archive_add(struct archive_writer *, const char *name, const char *bytes, size_t n); /* copied */
MUST_USE enum err archive_close(struct archive_writer *); /* writes and frees, also when it fails */
