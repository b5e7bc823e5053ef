/* description.h - what a picture becomes before a network sees it, and how the network's answer is read.
 *
 * Each fact is known from somewhere: the graph, its metadata, the custom of its family, or because a person told it
 * (docs/bring-your-model.md). What is told counts most. */
#pragma once
#include "img/img.h"
#include "infer/ort.h"
#include "json/json.h"

enum layout { LAYOUT_NCHW, LAYOUT_NHWC, LAYOUT_CHW, LAYOUT_HWC };
enum resize {
    RESIZE_LETTERBOX,          /* scaled to fit, in the middle */
    RESIZE_LETTERBOX_TOP_LEFT, /* scaled to fit, sizes cut off, at the top left */
    RESIZE_STRETCH,
    RESIZE_COVER,         /* scaled to cover, the middle cut out */
    RESIZE_NONE,          /* as it is */
    RESIZE_OUR_LETTERBOX, /* as our trainings do it: sizes rounded, at the top left; they cannot be told */
    RESIZE_OUR_STRETCH    /* first scaled to fit, then stretched */
};
enum box_form { BOX_CXCYWH, BOX_XYXY, BOX_YXYX };
enum box_unit { UNIT_INPUT, UNIT_FRACTION, UNIT_ORIGINAL }; /* pixels of the input, parts of it, pixels of the picture */
enum score_form { SCORE_PROBABILITY, SCORE_SIGMOID, SCORE_SOFTMAX };
enum row_column { COLUMN_BATCH, COLUMN_BOX, COLUMN_SCORE, COLUMN_CLASS };
enum head { HEAD_USUAL, HEAD_YOLOX_RAW };
enum background { BACKGROUND_NONE, BACKGROUND_FIRST, BACKGROUND_LAST }; /* the column of scores that stands for nothing */

enum fact {
    FACT_LAYOUT,
    FACT_SIZE,
    FACT_COLOUR,
    FACT_RANGE,
    FACT_MEAN,
    FACT_STD,
    FACT_RESIZE,
    FACT_CROP,
    FACT_FILTER,
    FACT_PAD,
    FACT_MARGIN,
    FACT_HEAD,
    FACT_COLUMNS,
    FACT_BOXES,
    FACT_UNIT,
    FACT_SCORE,
    FACT_FIRST_CLASS,
    FACT_BACKGROUND,
    FACT_NMS,
    FACT_NMS_IOU,
    FACT_MAX_DETECTIONS,
    FACTS
};
enum origin { ORIGIN_UNKNOWN, ORIGIN_FAMILY, ORIGIN_FILE, ORIGIN_METADATA, ORIGIN_TOLD };

/* What is wanted of an answer, by the model version's type. */
enum wanted { WANT_ANY = 0, WANT_BOXES = 1, WANT_OUTLINES = 2, WANT_LABELS = 4, WANT_KEYPOINTS = 8 };

/* The labels of the model version: their numbers in order. */
struct label_numbers {
    size_t n;          /* 0: not known */
    const int *number; /* NULL: 0, 1, 2 … */
    int background;    /* the number of the label that stands for nothing; -1: none */
};

enum output_role { ROLE_BOXES, ROLE_SCORES, ROLE_LABELS, ROLE_COUNT, ROLE_MASKS, ROLE_POINTS, ROLES };
enum { DETECTIONS_MOST = 1000, INPUT_SIDE_MOST = 4096, COLUMNS_MOST = 4, LABELS_MOST = 10000, MARGIN_MOST = 64 };

struct family;
struct description {
    int picture; /* index of the input that takes it */
    enum layout layout;
    enum element type;
    int height, width; /* of the input; 0: as the picture */
    bool bgr;
    float scale, low; /* x = (pixel * scale + low - mean) / std, in the order of the model's colours */
    float mean[3], std[3];
    enum resize resize;
    double crop; /* of RESIZE_COVER: the share of the covering picture that is seen */
    enum image_filter filter;
    int pad;
    int margin; /* of letterboxes: so many pixels of the input stay free beside the longest side */

    const struct family *family;
    enum head head;
    enum row_column columns[COLUMNS_MOST];
    int n_columns;
    enum box_form boxes;
    enum box_unit unit;
    enum score_form score;
    int first_class; /* the number that the model gives the first label */
    enum background background;
    bool suppress, across; /* whether boxes must be suppressed here; across classes */
    double nms_iou;
    int max_detections;

    int output[ROLES];              /* index of the output; -1: none */
    int64_t classes, extra, points; /* columns of a row: classes, what follows them, keypoints of three numbers */
    bool objectness, turned, has_spare;
    unsigned gives; /* enum wanted */
    enum wanted wanted;
    struct label_numbers labels;
    enum origin from[FACTS];
};
void description_init(struct description *);
/* Whether a picture becomes the same input by both. */
bool description_same_picture(const struct description *, const struct description *);

/* What was told, as JSON: {"type": "OBJECT_DETECTION", "labels": 3 or [1, 2, 5], "background": 0, "onnx": {…}}, all of it optional.
 * Copied. E_UNMEANT. */
MUST_USE enum err description_tell(struct arena *, const char *told, struct description *);
/* The members of "onnx": E_INVALID names the key that is wrong and what it may be. */
MUST_USE enum err description_read(const struct json *onnx, struct description *);
void description_write(struct out *, const struct description *); /* the facts and where they are known from, as members */

const char *fact_name(enum fact);
const char *fact_hint(enum fact); /* what may be told, as a person writes it */

/* A custom of the family counts if nothing better is known; of customs the first. */
static inline bool may_set(struct description *d, enum fact f, enum origin from)
{
    if (d->from[f] >= from)
        return false;
    d->from[f] = from;
    return true;
}
#define SET(d, fact, from, assignment)                                                                                             \
    do {                                                                                                                           \
        if (may_set(d, fact, from)) {                                                                                              \
            (d)->assignment;                                                                                                       \
        }                                                                                                                          \
    } while (0)
void set_range(struct description *, enum origin, double low, double high);
void set_mean(struct description *, enum origin, const float mean[3], const float std[3]);
extern const float imagenet_mean[3], imagenet_std[3];

/* The label's number for a class number that the model gave, or for a column of its scores; -1: no label. */
int label_of_class(const struct description *, double number);
int label_of_column(const struct description *, int64_t column, int64_t columns);
