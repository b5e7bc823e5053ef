/* family.h - what is known of the networks that people bring: each family is a file and a row of families[].
 *
 * A family recognises a file by its names, shapes and types, fills in what is customary for it, says which facts must be told where
 * the file does not hold them, and reads the network's answer. Its first file that holds decides. */
#pragma once
#include "infer/boxes.h"
#include "infer/description.h"
#include "infer/graph.h"
#include "infer/prepare.h"

/* What can be seen of a file. The outputs' shapes are those of a run. */
struct look {
    const struct ort_session *session;
    const struct ort_property *property;
    size_t n_properties;
    const char *const *names; /* of metadata, by index; NULL: none */
    size_t n_names;
    size_t classes;       /* of metadata, else of the model version; 0: unknown */
    int64_t most_classes; /* one more than the greatest number of a label */
    bool exported;        /* the metadata are those of Ultralytics or YOLOv5 */
    const char *task;     /* metadata; NULL */
    const struct graph *graph;
    const struct elsewhere *elsewhere; /* the files in which its tensors lay; their bytes are gone */
    int height, width;                 /* of the input in that run */
};
const char *look_property(const struct look *, const char *key); /* NULL: none */
/* The output with that name, or with one that ends in it behind a '_' or '/'; -1: none. ":0" behind it does not count. */
int look_output(const struct look *, const char *name);
bool look_shape(const struct ort_value *, int rank, ...); /* int64_t each; -1: any */
bool look_is_float(const struct ort_value *);
int64_t look_anchors(const struct look *);             /* of strides 8, 16, 32: one a cell */
int64_t look_keypoints(const struct look *);           /* metadata kpt_shape "[17, 3]": how many; 17 unless said */
int look_input(const struct look *, const char *name); /* -1: none */

struct family {
    const char *name; /* as a person reads it */
    const char *says; /* why a file is taken for it, or why it cannot be served and what would help */
    /* True: it is one. Fills in the outputs and what is customary. */
    bool (*recognise)(const struct look *, struct description *);
    /* The facts that must be told, after recognise(): bits 1 << fact; NULL: none. */
    unsigned (*needs)(const struct look *, const struct description *);
    /* E_UNMEANT. NULL: it cannot be served. */
    enum err (*decode)(const struct description *, const struct ort_session *, const struct placed *, double min_score,
                       struct found *ret);
};
extern const struct family *const families[];

extern const struct family family_ours, family_our_classes, family_prompted, family_anomaly, family_mask_queries, family_queries,
    family_detection_lists, family_counted_lists, family_boxes_with_scores, family_sized_lists, family_typed_lists, family_paddle,
    family_picked, family_rows, family_pairs, family_pyramid, family_classes, family_maps;

/* The chance of column k of a row of scores: by itself, or within its row. */
float row_chance(const struct description *, const float *row, int64_t columns, int64_t k);

/* The customs that several share. */
void set_yolo_picture(struct description *, enum origin); /* RGB 0 to 1, in the middle, 114 around */
