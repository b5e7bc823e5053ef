#include "infer/description.h"
#include <math.h>
#include <string.h>

const float imagenet_mean[3] = { 0.485F, 0.456F, 0.406F }, imagenet_std[3] = { 0.229F, 0.224F, 0.225F };

struct word {
    const char *word;
    int value;
};
static const struct word
    layouts[] = { { "NCHW", LAYOUT_NCHW }, { "NHWC", LAYOUT_NHWC }, { "CHW", LAYOUT_CHW }, { "HWC", LAYOUT_HWC }, { NULL } },
    colours[] = { { "RGB", 0 }, { "BGR", 1 }, { NULL } },
    resizes[] = { { "letterbox", RESIZE_LETTERBOX }, { "letterbox_top_left", RESIZE_LETTERBOX_TOP_LEFT },
                  { "stretch", RESIZE_STRETCH },     { "cover", RESIZE_COVER },
                  { "none", RESIZE_NONE },           { NULL } },
    filters[] = { { "linear", FILTER_LINEAR }, { "antialias", FILTER_TRIANGLE }, { "tensor", FILTER_TENSOR },
                  { "cubic", FILTER_CUBIC },   { "nearest", FILTER_NEAREST },    { NULL } },
    heads[] = { { "usual", HEAD_USUAL }, { "yolox_raw", HEAD_YOLOX_RAW }, { NULL } },
    forms[] = { { "cxcywh", BOX_CXCYWH }, { "xyxy", BOX_XYXY }, { "yxyx", BOX_YXYX }, { NULL } },
    units[] = { { "input", UNIT_INPUT }, { "fraction", UNIT_FRACTION }, { "original", UNIT_ORIGINAL }, { NULL } },
    scores[] = { { "probability", SCORE_PROBABILITY }, { "sigmoid", SCORE_SIGMOID }, { "softmax", SCORE_SOFTMAX }, { NULL } },
    backgrounds[] = { { "none", BACKGROUND_NONE }, { "first", BACKGROUND_FIRST }, { "last", BACKGROUND_LAST }, { NULL } },
    suppressions[] = { { "class", 0 }, { "across", 1 }, { "none", 2 }, { NULL } },
    column_words[] = {
        { "batch", COLUMN_BATCH }, { "box", COLUMN_BOX }, { "score", COLUMN_SCORE }, { "class", COLUMN_CLASS }, { NULL }
    };

static bool find_word(const struct word *words, const char *s, int *ret)
{
    for (; s && words->word; words++)
        if (strcmp(words->word, s) == 0) {
            *ret = words->value;
            return true;
        }
    return false;
}

static const char *word_of(const struct word *words, unsigned of)
{
    int value = (int)of;
    while (words->word && words->value != value)
        words++;
    return words->word ? words->word : "own";
}

static bool numbers(const struct json *v, size_t n, double low, double high, double *ret)
{
    if (json_kind(v) != J_ARRAY || json_count(v) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!json_number(json_at(v, i), &ret[i]) || !(ret[i] >= low && ret[i] <= high))
            return false;
    return true;
}

static bool read_layout(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(layouts, json_text(v), &word))
        return false;
    d->layout = (enum layout)word;
    return true;
}

static bool read_size(const struct json *v, struct description *d)
{
    double size[2];
    if (!numbers(v, 2, 1, INPUT_SIDE_MOST, size) || floor(size[0]) != size[0] || floor(size[1]) != size[1])
        return false;
    d->height = (int)size[0];
    d->width = (int)size[1];
    return true;
}

static bool read_colour(const struct json *v, struct description *d)
{
    int word;
    bool known = find_word(colours, json_text(v), &word);
    d->bgr = known ? word == 1 : d->bgr;
    return known;
}

static bool read_range(const struct json *v, struct description *d)
{
    double range[2];
    if (!numbers(v, 2, -1e6, 1e6, range) || range[0] >= range[1])
        return false;
    d->low = (float)range[0];
    d->scale = (float)((range[1] - range[0]) / 255);
    return true;
}

static bool read_three(const struct json *v, double low, float ret[3])
{
    double x[3];
    if (!numbers(v, 3, low, 1e6, x))
        return false;
    for (int i = 0; i < 3; i++)
        ret[i] = (float)x[i];
    return true;
}

static bool read_mean(const struct json *v, struct description *d)
{
    return read_three(v, -1e6, d->mean);
}

static bool read_std(const struct json *v, struct description *d)
{
    return read_three(v, 1e-6, d->std);
}

static bool read_resize(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(resizes, json_text(v), &word))
        return false;
    d->resize = (enum resize)word;
    return true;
}

static bool read_filter(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(filters, json_text(v), &word))
        return false;
    d->filter = (enum image_filter)word;
    return true;
}

static bool read_crop(const struct json *v, struct description *d)
{
    double share;
    bool good = json_number(v, &share) && share >= 0.1 && share <= 1;
    d->crop = good ? share : d->crop;
    return good;
}

static bool read_pad(const struct json *v, struct description *d)
{
    int64_t pad;
    bool good = json_int(v, &pad) && pad >= 0 && pad <= 255;
    d->pad = good ? (int)pad : d->pad;
    return good;
}

static bool read_margin(const struct json *v, struct description *d)
{
    int64_t margin;
    bool good = json_int(v, &margin) && margin >= 0 && margin <= MARGIN_MOST;
    d->margin = good ? (int)margin : d->margin;
    return good;
}

static bool read_head(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(heads, json_text(v), &word))
        return false;
    d->head = (enum head)word;
    return true;
}

/* Each once, with a box, a score and a class among them. */
static bool read_columns(const struct json *v, struct description *d)
{
    size_t n = json_count(v);
    unsigned seen = 0;
    int word;
    if (json_kind(v) != J_ARRAY || n > COLUMNS_MOST)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!find_word(column_words, json_text(json_at(v, i)), &word) || seen & 1U << word)
            return false;
        seen |= 1U << word;
        d->columns[i] = (enum row_column)word;
    }
    d->n_columns = (int)n;
    return (seen & 0xe) == 0xe;
}

static bool read_boxes(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(forms, json_text(v), &word))
        return false;
    d->boxes = (enum box_form)word;
    return true;
}

static bool read_unit(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(units, json_text(v), &word))
        return false;
    d->unit = (enum box_unit)word;
    return true;
}

static bool read_score(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(scores, json_text(v), &word))
        return false;
    d->score = (enum score_form)word;
    return true;
}

static bool read_first_class(const struct json *v, struct description *d)
{
    int64_t first;
    bool good = json_int(v, &first) && first >= 0 && first <= LABELS_MOST;
    d->first_class = good ? (int)first : d->first_class;
    return good;
}

static bool read_background(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(backgrounds, json_text(v), &word))
        return false;
    d->background = (enum background)word;
    return true;
}

static bool read_nms(const struct json *v, struct description *d)
{
    int word;
    if (!find_word(suppressions, json_text(v), &word))
        return false;
    d->across = word == 1;
    d->suppress = word != 2;
    return true;
}

static bool read_nms_iou(const struct json *v, struct description *d)
{
    double iou;
    bool good = json_number(v, &iou) && iou > 0 && iou <= 1;
    d->nms_iou = good ? iou : d->nms_iou;
    return good;
}

static bool read_max_detections(const struct json *v, struct description *d)
{
    int64_t most;
    bool good = json_int(v, &most) && most >= 1 && most <= DETECTIONS_MOST;
    d->max_detections = good ? (int)most : d->max_detections;
    return good;
}

static void write_size(struct out *o, const struct description *d)
{
    out_array(o, "size");
    out_int(o, NULL, d->height);
    out_int(o, NULL, d->width);
    out_end_array(o);
}

static void write_three(struct out *o, const char *key, const float x[3])
{
    out_array(o, key);
    for (int i = 0; i < 3; i++)
        out_number(o, NULL, round((double)x[i] * 1e6) / 1e6);
    out_end_array(o);
}

static void write_range(struct out *o, const struct description *d)
{
    out_array(o, "range");
    out_number(o, NULL, round((double)d->low * 1e4) / 1e4);
    out_number(o, NULL, round(((double)d->low + (double)d->scale * 255) * 1e4) / 1e4);
    out_end_array(o);
}

static void write_columns(struct out *o, const struct description *d)
{
    out_array(o, "columns");
    for (int i = 0; i < d->n_columns; i++)
        out_text(o, NULL, word_of(column_words, d->columns[i]));
    out_end_array(o);
}

static void write_layout(struct out *o, const struct description *d)
{
    out_text(o, "layout", word_of(layouts, d->layout));
}
static void write_colour(struct out *o, const struct description *d)
{
    out_text(o, "colour", word_of(colours, d->bgr));
}
static void write_mean(struct out *o, const struct description *d)
{
    write_three(o, "mean", d->mean);
}
static void write_std(struct out *o, const struct description *d)
{
    write_three(o, "std", d->std);
}
static void write_resize(struct out *o, const struct description *d)
{
    out_text(o, "resize", word_of(resizes, d->resize));
}
static void write_filter(struct out *o, const struct description *d)
{
    out_text(o, "filter", word_of(filters, d->filter));
}
static void write_crop(struct out *o, const struct description *d)
{
    out_number(o, "crop", d->crop);
}
static void write_pad(struct out *o, const struct description *d)
{
    out_int(o, "pad", d->pad);
}
static void write_margin(struct out *o, const struct description *d)
{
    out_int(o, "margin", d->margin);
}
static void write_head(struct out *o, const struct description *d)
{
    out_text(o, "head", word_of(heads, d->head));
}
static void write_boxes(struct out *o, const struct description *d)
{
    out_text(o, "boxes", word_of(forms, d->boxes));
}
static void write_unit(struct out *o, const struct description *d)
{
    out_text(o, "unit", word_of(units, d->unit));
}
static void write_score(struct out *o, const struct description *d)
{
    out_text(o, "score", word_of(scores, d->score));
}
static void write_first(struct out *o, const struct description *d)
{
    out_int(o, "first_class", d->first_class);
}
static void write_background(struct out *o, const struct description *d)
{
    out_text(o, "background", word_of(backgrounds, d->background));
}
static void write_nms(struct out *o, const struct description *d)
{
    out_text(o, "nms", word_of(suppressions, d->suppress ? d->across : 2U));
}
static void write_nms_iou(struct out *o, const struct description *d)
{
    out_number(o, "nms_iou", d->nms_iou);
}
static void write_most(struct out *o, const struct description *d)
{
    out_int(o, "max_detections", d->max_detections);
}

static const struct {
    const char *name, *hint;
    bool (*read)(const struct json *, struct description *);
    void (*write)(struct out *, const struct description *);
} facts[FACTS] = {
    [FACT_LAYOUT] = { "layout", "\"NCHW\", \"NHWC\", \"CHW\" or \"HWC\"", read_layout, write_layout },
    [FACT_SIZE] = { "size", "[height, width] of the input, at most 4096", read_size, write_size },
    [FACT_COLOUR] = { "colour", "\"RGB\" or \"BGR\"", read_colour, write_colour },
    [FACT_RANGE] = { "range", "[lowest, highest] of a colour, as [0, 1] or [0, 255]", read_range, write_range },
    [FACT_MEAN] = { "mean", "three numbers in the unit of range, as [0.485, 0.456, 0.406]; [0, 0, 0]: none", read_mean,
                    write_mean },
    [FACT_STD] = { "std", "three numbers over 0, as [0.229, 0.224, 0.225]; [1, 1, 1]: none", read_std, write_std },
    [FACT_RESIZE] = { "resize", "\"letterbox\", \"letterbox_top_left\", \"stretch\", \"cover\" or \"none\"", read_resize,
                      write_resize },
    [FACT_CROP] = { "crop", "the share that \"cover\" keeps, from 0.1 to 1, as 0.875", read_crop, write_crop },
    [FACT_FILTER] = { "filter",
                      "\"linear\" (as OpenCV), \"antialias\" (as Pillow), \"tensor\" (as torchvision on tensors), \"cubic\" "
                      "(Pillow's) or \"nearest\"",
                      read_filter, write_filter },
    [FACT_PAD] = { "pad", "0 to 255: the colour beside the picture", read_pad, write_pad },
    [FACT_MARGIN] = { "margin", "0 to 64: pixels of the input that a letterbox leaves free (YOLO-NAS: 4)", read_margin,
                      write_margin },
    [FACT_HEAD] = { "head", "\"usual\" or \"yolox_raw\"", read_head, write_head },
    [FACT_COLUMNS] = { "columns",
                       "\"batch\", \"box\", \"score\" and \"class\" in the order of a row, as [\"box\", \"score\", \"class\"]",
                       read_columns, write_columns },
    [FACT_BOXES] = { "boxes", "\"cxcywh\", \"xyxy\" or \"yxyx\"", read_boxes, write_boxes },
    [FACT_UNIT] = { "unit", "\"input\" (its pixels), \"fraction\" or \"original\" (the picture's pixels)", read_unit, write_unit },
    [FACT_SCORE] = { "score", "\"probability\", \"sigmoid\" or \"softmax\"", read_score, write_score },
    [FACT_FIRST_CLASS] = { "first_class", "the number that the model gives the first label, from 0", read_first_class,
                           write_first },
    [FACT_BACKGROUND] = { "background", "\"none\", \"first\" or \"last\": the column that stands for no label", read_background,
                          write_background },
    [FACT_NMS] = { "nms", "\"class\", \"across\" (all classes) or \"none\"", read_nms, write_nms },
    [FACT_NMS_IOU] = { "nms_iou", "a number over 0, up to 1", read_nms_iou, write_nms_iou },
    [FACT_MAX_DETECTIONS] = { "max_detections", "1 to 1000", read_max_detections, write_most },
};

const char *fact_name(enum fact f)
{
    return facts[f].name;
}

const char *fact_hint(enum fact f)
{
    return facts[f].hint;
}

void description_init(struct description *d)
{
    *d = (struct description){
        .scale = 1.0F / 255, .std = { 1, 1, 1 }, .crop = 1, .filter = FILTER_TRIANGLE, .nms_iou = 0.7, .max_detections = 300
    };
    d->labels.background = -1;
    for (int i = 0; i < ROLES; i++)
        d->output[i] = -1;
}

enum err description_read(const struct json *onnx, struct description *d)
{
    if (json_kind(onnx) != J_OBJECT)
        return fail(E_INVALID, "onnx must be an object");
    for (struct json_member m = json_first(onnx); m.key; m = json_next(onnx, m)) {
        size_t f = 0;
        while (f < FACTS && strcmp(facts[f].name, m.key) != 0)
            f++;
        if (f == FACTS)
            return fail(E_INVALID, "onnx: there is nothing called \"%.60s\" to tell", m.key);
        if (json_absent(m.value))
            continue;
        if (!facts[f].read(m.value, d))
            return fail(E_INVALID, "onnx.%s must be %s", facts[f].name, facts[f].hint);
        d->from[f] = ORIGIN_TOLD;
    }
    return OK;
}

static enum err read_labels(struct arena *a, const struct json *v, struct label_numbers *ret)
{
    int64_t n;
    if (json_int(v, &n) && n >= 0 && n <= LABELS_MOST) {
        ret->n = (size_t)n;
        return OK;
    }
    size_t count = json_count(v);
    int *number = arena_new_array(a, int, count + 1);
    if (count > LABELS_MOST)
        return fail(E_UNMEANT, "the model version has %zu labels; at most %d can be served", count, LABELS_MOST);
    for (size_t i = 0; i < count; i++)
        number[i] = json_int(json_at(v, i), &n) && n >= 0 && n <= 1000000 ? (int)n : -1;
    *ret = (struct label_numbers){ count, number, ret->background };
    return OK;
}

enum err description_tell(struct arena *a, const char *told, struct description *d)
{
    static const struct word types[] = { { "OBJECT_DETECTION", WANT_BOXES },
                                         { "SEGMENTATION", WANT_OUTLINES },
                                         { "CLASSIFICATION", WANT_LABELS },
                                         { "KEYPOINT", WANT_KEYPOINTS },
                                         { NULL } };
    const struct json *v;
    int64_t background;
    int word;
    TRY(json_parse(a, told, strlen(told), &v));
    const char *type = json_text(json_get(v, "type"));
    if (type && !find_word(types, type, &word))
        return fail(E_UNMEANT,
                    "the model version is of type %.40s; models that find boxes (OBJECT_DETECTION), outlines (SEGMENTATION), "
                    "labels (CLASSIFICATION) or keypoints (KEYPOINT) can be served",
                    type);
    if (type)
        d->wanted = (enum wanted)word;
    TRY(read_labels(a, json_get(v, "labels"), &d->labels));
    if (json_int(json_get(v, "background"), &background))
        d->labels.background = (int)background;
    const struct json *onnx = json_get(v, "onnx");
    return json_absent(onnx) ? OK : description_read(onnx, d);
}

void description_write(struct out *o, const struct description *d)
{
    static const char *const origins[] = { "", "family", "file", "metadata", "told" };
    out_object(o, "description");
    for (size_t f = 0; f < FACTS; f++)
        if (d->from[f] != ORIGIN_UNKNOWN)
            facts[f].write(o, d);
    out_end_object(o);
    out_object(o, "known_from");
    for (size_t f = 0; f < FACTS; f++)
        if (d->from[f] != ORIGIN_UNKNOWN)
            out_text(o, facts[f].name, origins[d->from[f]]);
    out_end_object(o);
}

bool description_same_picture(const struct description *a, const struct description *b)
{
    return a->picture == b->picture && a->layout == b->layout && a->type == b->type && a->height == b->height &&
           a->width == b->width && a->bgr == b->bgr && a->scale == b->scale && a->low == b->low && a->resize == b->resize &&
           a->crop == b->crop && a->pad == b->pad && memcmp(a->mean, b->mean, sizeof a->mean) == 0 &&
           memcmp(a->std, b->std, sizeof a->std) == 0;
}

void set_range(struct description *d, enum origin from, double low, double high)
{
    if (!may_set(d, FACT_RANGE, from))
        return;
    d->low = (float)low;
    d->scale = (float)((high - low) / 255);
}

void set_mean(struct description *d, enum origin from, const float mean[3], const float std[3])
{
    if (may_set(d, FACT_MEAN, from))
        memcpy(d->mean, mean, sizeof d->mean);
    if (may_set(d, FACT_STD, from))
        memcpy(d->std, std, sizeof d->std);
}

static int number_at(const struct label_numbers *l, size_t i)
{
    return i >= l->n ? -1 : l->number ? l->number[i] : (int)i;
}

static bool is_number(const struct label_numbers *l, int64_t number)
{
    if (!l->n)
        return true;
    if (!l->number)
        return number < (int64_t)l->n;
    for (size_t i = 0; i < l->n; i++)
        if (l->number[i] == number)
            return true;
    return false;
}

int label_of_class(const struct description *d, double number)
{
    if (!(number >= 0 && number <= 1e6))
        return -1;
    int64_t n = llround(number);
    if (d->from[FACT_FIRST_CLASS] != ORIGIN_TOLD)
        return is_number(&d->labels, n) ? (int)n : -1;
    if (n < d->first_class)
        return -1;
    n -= d->first_class;
    return d->labels.n ? number_at(&d->labels, (size_t)n) : (int)n;
}

static int64_t background_column(const struct description *d, int64_t columns)
{
    return d->background == BACKGROUND_FIRST ? 0 : columns - 1;
}

int label_of_column(const struct description *d, int64_t column, int64_t columns)
{
    if (!d->labels.n)
        return (int)column;
    if (d->from[FACT_FIRST_CLASS] == ORIGIN_TOLD)
        return label_of_class(d, (double)column);
    if (d->background != BACKGROUND_NONE && columns == (int64_t)d->labels.n + 1)
        return column == background_column(d, columns)
                   ? -1
                   : number_at(&d->labels, (size_t)(column - (d->background == BACKGROUND_FIRST)));
    if (columns == (int64_t)d->labels.n)
        return number_at(&d->labels, (size_t)column);
    return is_number(&d->labels, column) ? (int)column : -1;
}
