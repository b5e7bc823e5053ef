/* annotation.h - what people and files say about an asset: one annotation, holding shapes of several kinds.
 *
 * Coordinates are pixels of the image as shown (EXIF orientation applied), from the top left. Boxes are whole numbers. */
#pragma once
#include "api/resource.h"

extern const struct resource annotation_resource, rectangle_resource, polygon_resource, line_resource, point_resource,
    classification_resource, keypoints_resource, mask_resource, export_resource, import_resource, from_tags_resource,
    annotation_kept_resource;

extern const char *const annotation_statuses[5]; /* PENDING, SKIPPED, ACCEPTED, REFUSED */
extern const char *const import_modes[4];        /* REPLACE, KEEP, CONCATENATE */

struct shape {
    const struct shape_kind *kind;
    const char *label_id;
    int64_t x, y, w, h;            /* the bounding box; zeros for classifications */
    double area;                   /* pixels */
    const char *geometry;          /* JSON of polygons, lines, points, keypoints; the mask's text; NULL for the others */
    const char *text, *attributes; /* may be NULL */
};
struct shape_list {
    struct shape *items;
    size_t n, room;
};

/* A row for each kind. */
struct shape_kind {
    const char *name, *plural, *member; /* "polygon", "polygons", and the JSON member that holds its geometry (NULL: none) */
    const struct resource *resource;
    /* Checks and reads the geometry. The image is width × height. E_INVALID names `where`. */
    enum err (*read)(struct arena *, const struct json *, int width, int height, const char *where, struct shape *ret);
};
extern const struct shape_kind *const shape_kinds[]; /* NULL-terminated */
const struct shape_kind *shape_kind_called(const char *name_or_plural);

/* Rectangles are whole pixels to everybody, and keep what a file said more exactly as their geometry. */
void shape_round_box(const double exact[4], int width, int height, struct shape *); /* x, y, w, h, area; the box is inside */
const char *shape_exact_box(struct arena *, const double exact[4]);                 /* NULL: it is whole pixels already */
bool shape_box_of(const char *geometry, double ret[4]);                             /* false: there is none */

void shape_add(struct arena *, struct shape_list *, const struct shape *);

/* The labels that shapes may carry: those of one dataset version. */
struct label_set {
    const char **ids; /* sorted */
    size_t n;
};
MUST_USE enum err labels_of(struct sql *, struct arena *, const char *version_id, struct label_set *ret);

/* Reads object.rectangles, object.polygons … E_INVALID names the item: "annotations[3].rectangles[0]: …". */
MUST_USE enum err shapes_read(struct arena *, const struct json *object, const struct label_set *, int width, int height,
                              const char *where, struct shape_list *ret);
MUST_USE enum err shape_read(struct arena *, const struct shape_kind *, const struct json *, const struct label_set *, int width,
                             int height, const char *where, struct shape *ret);

/* Writes an asset's annotation, inside a transaction; the dataset version is not locked and the shapes are checked. */
struct annotation_save {
    const char *org, *asset_id, *version_id, *user_id;
    const char *mode;       /* one of import_modes */
    const char *status;     /* NULL: PENDING for a new one, else as it is */
    const char *attributes; /* JSON or NULL: as it is */
    double duration;        /* seconds; negative: as it is */
    const struct shape *shapes;
    size_t n;
    const char *const *kept_kinds; /* with REPLACE: names of kinds that stay, up to a NULL; NULL: none */
    const int64_t *made_from;      /* the revision that the annotation must have; NULL: any */
};
/* *ret_written: false when KEEP found an annotation. ret_id may be NULL. */
MUST_USE enum err annotation_save(struct sql *, struct arena *, const struct annotation_save *, bool *ret_written,
                                  const char **ret_id);

/* All of them or none, each of another asset of the version: few shapes in one transaction, many in short ones that nobody sees
 * before the last. For routes that are WORK_FREE. written: beside the saves. */
MUST_USE enum err annotations_write(struct op *, const char *version_id, const struct annotation_save *, size_t n, bool *written);

/* The same from JSON with rectangles, polygons … whose items carry label_id, or the label's name as `label` (made if it is
 * missing): how reviews become annotations. */
MUST_USE enum err annotation_from_json(struct sql *, struct arena *, const char *org, const char *user_id, const char *asset_id,
                                       const char *status, const struct json *shapes);

struct job_kind;
extern const struct job_kind import_annotations_job, export_annotations_job;

MUST_USE enum err batch_sweep(struct sql *);                   /* imports that were cut off: at the worker's start */
MUST_USE enum err batch_migrate(struct sql *, struct arena *); /* the step that made room for them */
