/* foreign.h - annotation files of other tools (COCO, Pascal VOC, YOLO; single or in zips), read as a stream of records and written
 * from one, without a database.
 *
 * All input is hostile. foreign_read() reads in this process; foreign_read_apart() has a sandboxed child do it, which gets
 * descriptors only, and checks each record that comes back. Either way records come image by image: a format, labels, then each
 * image followed by its shapes. Names are only ever compared, never opened.
 *
 * Faulty things are records too (FOREIGN_FAULT), so that the receiver decides whether they stop it; only what makes a whole set
 * unreadable fails the call. Errors name the file and the line or item. */
#pragma once
#include "base/arena.h"

enum {
    FOREIGN_FILES = 200000, /* files sent together */
    FOREIGN_MEMBERS = 1000000,
    FOREIGN_SHAPES = 20000000,
    FOREIGN_POINTS = 10000, /* of one object */
    FOREIGN_MASK = 4 << 20, /* bytes of one mask's run lengths */
    FOREIGN_LABELS = 100000,
    FOREIGN_LABEL_BYTES = 100, /* bytes of a label */
    FOREIGN_NAME = 1024        /* bytes of a name or path */
};
#define FOREIGN_BYTES (4ULL << 30) /* all files together, also unpacked (images in zips do not count) */

/* Files as they were sent. */
struct foreign_file {
    const char *name; /* as sent, folders and all */
    uint64_t size;
    uint64_t offset; /* where it begins in what open() gives, which may hold others too */
};
struct foreign_files {
    const struct foreign_file *items;
    size_t n;
    enum err (*open)(void *with, size_t i, int *ret_fd); /* the reader closes it */
    void *with;
    int scratch; /* a file to write and read, for JSON that comes in a zip; -1: none, then such are refused */
};

/* Why something in a file is not taken, without it being a fault. */
enum foreign_reason {
    LEFT_NOTHING,
    /* of the reader */
    LEFT_NO_IMAGE,    /* an annotation of an image that its file does not list */
    LEFT_NO_CATEGORY, /* … of a category that its file does not list */
    LEFT_NO_AREA,     /* polygons of fewer than three points, and no box */
    /* of the receiver */
    LEFT_CROWD,
    LEFT_MASK,
    LEFT_UNKNOWN,
    LEFT_SEVERAL,
    LEFT_SPLIT,
    LEFT_REASONS
};
extern const struct foreign_reason_row {
    const char *name, *says; /* "crowd", "regions of many objects (iscrowd)" */
} foreign_reasons[LEFT_REASONS];

/* One object, with all that the file says of its place: what is made of it depends on who receives it. Without box, parts and mask
 * it is a class of the whole image. Pixels, or fractions when the image says so. */
struct foreign_shape {
    uint32_t label; /* among the labels, in the order in which they came */
    bool crowd, has_box;
    double box[4];         /* x, y, width, height */
    const double *points;  /* x, y, x, y … of all parts */
    const uint32_t *parts; /* points of each part of the outline, at least 3 */
    uint32_t n_parts, n_points;
    const char *mask; /* COCO's compressed run lengths, of mask_width × mask_height; NULL: none */
    int mask_width, mask_height;
    double area; /* pixels, where it is known; for writing */
    uint32_t at; /* which item or line of the image's file: foreign_where() */
};

struct foreign_image {
    const char *file;                                /* the annotation file it came from */
    const char *name;                                /* as the file says it, folders with '/'; or without its ending (stem) */
    const char *other;                               /* a second stem that may be meant: of the annotation file; or NULL */
    const char *split;                               /* "train", "val", "test", or NULL */
    bool stem, fractions;                            /* name is a stem; coordinates are fractions of the image */
    int width, height;                               /* 0: not said */
    enum foreign_items { OF_ITEMS, OF_LINES } items; /* what foreign_shape.at counts */
};

enum foreign_kind {
    FOREIGN_FORMAT = 1, /* text: "COCO", "PASCAL_VOC", "YOLO" */
    FOREIGN_LABEL,      /* text: its name, trimmed, each once */
    FOREIGN_IMAGE,
    FOREIGN_SHAPE,    /* of the last image */
    FOREIGN_LEFT_OUT, /* reason; text: which one */
    FOREIGN_FAULT,    /* text: where, and what is wrong */
    FOREIGN_PASSED,   /* text: a file that is no annotation file, and was passed over */
    FOREIGN_PROGRESS  /* progress: 0 to 1 */
};
struct foreign_record {
    enum foreign_kind kind;
    enum foreign_reason reason;
    const char *text;
    double progress;
    struct foreign_image image;
    struct foreign_shape shape;
};
struct foreign_sink {
    enum err (*take)(void *with, const struct foreign_record *); /* what it points to is gone after the call */
    void *with;
};

MUST_USE enum err foreign_read(const struct foreign_files *, struct foreign_sink);
/* self_path: unused, so that it can stand where the other does. */
MUST_USE enum err foreign_read_here(const char *self_path, const struct foreign_files *, struct foreign_sink);
/* The child is a fork when self_path is NULL: for who has no threads. Else it is `self_path infer annotations`. */
MUST_USE enum err foreign_read_apart(const char *self_path, const struct foreign_files *, struct foreign_sink);
_Noreturn void foreign_child(void); /* its role */

char *foreign_where(struct arena *, const struct foreign_image *, uint32_t at); /* "a.txt, line 7" */
const char *foreign_base(const char *path);                                     /* what follows the last '/' */
char *foreign_stem(struct arena *, const char *path);                           /* the path without its ending */
const char *foreign_split(const char *path); /* by a folder or the file's beginning: "train", "val", "test", or NULL */

/* Everything at once, for small sets and the command line. */
struct foreign_set {
    const char *format;
    const char **labels;
    size_t n_labels;
    struct foreign_images {
        struct foreign_image image;
        struct foreign_shape *shapes;
        size_t n_shapes, room;
    } * images;
    size_t n_images, n_shapes;
    struct foreign_left {
        enum foreign_kind kind; /* FOREIGN_LEFT_OUT, FOREIGN_FAULT, FOREIGN_PASSED */
        enum foreign_reason reason;
        const char *text;
    } * left;
    size_t n_left;
};
/* how: foreign_read_here or foreign_read_apart. */
typedef enum err foreign_reader(const char *self_path, const struct foreign_files *, struct foreign_sink);
MUST_USE enum err foreign_collect(struct arena *, foreign_reader *how, const char *self_path, const struct foreign_files *,
                                  struct foreign_set **ret);
/* A file, or all files below a folder (hidden ones too), as the command line names them. They are found again by name when they
 * are read. */
MUST_USE enum err foreign_from_path(struct arena *, const char *path, struct foreign_files **ret);
/* The box around it; false for a class of the whole image. A mask's and an outline's own, if the file says no box. */
bool foreign_box(const struct foreign_shape *, double ret[4]);
MUST_USE enum err foreign_mask_box(const struct foreign_shape *, double ret[4]); /* E_INVALID: it is no mask, or empty */
double foreign_mask_area(const struct foreign_shape *);                          /* pixels */

/* Writing: image by image, of which only the one at hand is kept in memory. */
struct foreign_writer;
const char *foreign_ending(const char *format); /* ".json" or ".zip"; NULL: there is no such format */
/* The labels stay the caller's; shapes name them by their place among them. put() takes the file's bytes in order. */
struct foreign_put {
    enum err (*put)(void *with, const char *bytes, size_t n);
    void *with;
};
MUST_USE enum err foreign_write_open(const char *format, struct foreign_put, const char *const *labels, size_t n,
                                     struct foreign_writer **ret);
/* member: its file in a zip, without the ending. Adds to *left_out what the format has no form for. Coordinates are pixels. */
MUST_USE enum err foreign_write_image(struct foreign_writer *, const struct foreign_image *, const char *member,
                                      const struct foreign_shape *, size_t n, size_t *left_out);
MUST_USE enum err foreign_write_close(struct foreign_writer *); /* frees, also on failure */
void foreign_write_abort(struct foreign_writer *);              /* NULL is fine */
/* The files, as they are, in one zip. */
MUST_USE enum err foreign_zip(const struct foreign_files *, struct foreign_put);

/* A data.yaml as Ultralytics defines it. */
struct data_yaml {
    const char **names; /* NULL where a number has none */
    size_t n_names;
    const char *path;                  /* of the set, as written; NULL: not said */
    const char **train, **val, **test; /* folders or lists, as written */
    size_t n_train, n_val, n_test;
    int keypoints[2]; /* kpt_shape: how many, and values of each; zeros: not said */
};
MUST_USE enum err data_yaml_read(struct arena *, const char *file, const char *bytes, size_t n, struct data_yaml *ret);
