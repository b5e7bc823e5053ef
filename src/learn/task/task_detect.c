/* Boxes with labels. In an ONNX file: `boxes` 1 × A × 4 (corners as fractions of the input) and `scores` 1 × A × labels; decoding
 * is part of the graph, non-maximum suppression is not. */
#include "learn/task/detections.h"
#include "learn/task/doubt.h"
#include "learn/task/loss.h"
#include "learn/task/metrics.h"
#include "learn/task/task.h"

enum { DETECTIONS_MOST = 300 }; /* of an image, when the model is served */
static const float SCORE_LEAST = 0.01f;
static const double NMS_IOU = 0.6;

static void count(const struct sample *s, int64_t *of_label)
{
    for (int i = 0; i < s->n; i++)
        of_label[s->boxes[i].label]++;
}

static void learn(const struct network *net, int i, const struct example *e, const struct settings *s, struct task_loss *sum)
{
    (void)s;
    AUTO(arena) struct arena *a = arena_new();
    struct loss loss = { sum->part[0], sum->part[1], sum->part[2], (int)sum->share };
    struct match *m;
    int n;
    loss_match(net, i, e->boxes, e->n, a, &m, &n);
    loss_add(net, i, e->boxes, m, n, &loss);
    *sum = (struct task_loss){ { loss.box, loss.objectness, loss.label }, loss.positives };
}

static enum err show(const struct network *net, const struct picture *p, float *pixels)
{
    augment_none(p, &(struct example){ .pixels = pixels, .frame = net->frame, .normalise = net->model->input });
    return OK;
}

struct answer {
    struct found *found;
    int n;
};

static void *read(const struct network *net, int i, struct arena *a)
{
    struct answer *r = arena_take(a, sizeof *r);
    detect_read(net, i, SCORE_LEAST, (float)NMS_IOU, METRICS_DETECTIONS, a, &r->found, &r->n);
    return r;
}

/* In pixels of the image as shown, which is what its boxes are in. */
static void add_image(struct metrics *m, const struct judged *j)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct sample *s = j->sample;
    const struct answer *r = j->answer;
    float x = j->scale_x, y = j->scale_y;
    struct metrics_truth *truth = arena_new_array(a, struct metrics_truth, s->n + 1);
    struct metrics_detection *d = arena_new_array(a, struct metrics_detection, r->n + 1);
    for (int k = 0; k < s->n; k++) {
        const struct box *b = &s->boxes[k].box;
        truth[k] = metrics_truth_of(s->boxes[k].label, b->x0, b->y0, b->x1 - b->x0, b->y1 - b->y0);
    }
    for (int k = 0; k < r->n; k++) {
        const struct box *b = &r->found[k].box;
        d[k] = (struct metrics_detection){ r->found[k].label, r->found[k].score,   b->x0 / x,
                                           b->y0 / y,         (b->x1 - b->x0) / x, (b->y1 - b->y0) / y };
    }
    metrics_add(m, truth, (size_t)s->n, d, (size_t)r->n);
}

static void score(const struct judged *images, size_t n, int labels, const struct settings *s, struct arena *a, struct scores *ret)
{
    (void)s;
    AUTO(metrics) struct metrics *counted = metrics_new(labels);
    struct detect_metrics m;
    for (size_t i = 0; i < n; i++)
        add_image(counted, &images[i]);
    metrics_compute(counted, a, &m);
    *ret = (struct scores){ m.images, { m.ap50, m.ap, m.precision, m.recall, m.best_score }, NULL, labels };
    ret->of_label = arena_take(a, sizeof *ret->of_label * (size_t)(labels + 1));
    const struct label_metrics all = {
        .truths = m.truths, .ap = m.ap, .ap50 = m.ap50, .ap75 = m.ap75, .ar = m.ar, .precision = m.precision, .recall = m.recall
    };
    for (int i = 0; i <= labels; i++) {
        const struct label_metrics *l = i < labels ? &m.labels[i] : &all;
        const double row[] = { (double)l->truths, l->ap50, l->ap, l->ap75, l->ar, l->precision, l->recall };
        for (size_t k = 0; k < COUNT_OF(row); k++)
            ret->of_label[i][k] = row[k];
    }
}

/* What was found, in pixels of the image as shown. */
static struct found *found_in_image(const struct judged *j, struct arena *a)
{
    const struct answer *r = j->answer;
    struct found *to = arena_new_array(a, struct found, r->n + 1);
    float x = j->scale_x, y = j->scale_y;
    for (int i = 0; i < r->n; i++) {
        const struct box *b = &r->found[i].box;
        to[i] = (struct found){ { b->x0 / x, b->y0 / y, b->x1 / x, b->y1 / y }, r->found[i].label, r->found[i].score };
    }
    return to;
}

static void doubt(const struct judged *images, size_t n, int labels, struct doubts *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct trust *trust = arena_new_array(a, struct trust, labels);
    struct found **found = arena_new_array(a, struct found *, n + 1);
    for (size_t i = 0; i < n; i++) {
        found[i] = found_in_image(&images[i], a);
        trust_boxes(images[i].sample, found[i], ((const struct answer *)images[i].answer)->n, trust);
    }
    for (size_t i = 0; i < n; i++)
        doubt_boxes(images[i].sample, found[i], ((const struct answer *)images[i].answer)->n, trust, ret);
}

/* 1 × channels × h × w of each level → 1 × A × channels. */
static const char *flatten(struct onnx *o, const struct onnx_names *names, const struct network *net, bool boxes)
{
    const char *part[LEVELS_MOST];
    for (int i = 0; i < net->n_levels; i++) {
        const struct tensor *t = boxes ? net->levels[i].box : net->levels[i].label;
        part[i] = ONNX(o, "Reshape", onnx_name_of(names, t), onnx_int64s(o, (int64_t[]){ 1, t->c, (int64_t)t->h * t->w }, 3));
    }
    const char *out = ONNX(o, "Transpose", onnx_concat(o, part, (size_t)net->n_levels, 2));
    onnx_ints(o, "perm", (int64_t[]){ 0, 2, 1 }, 3);
    return out;
}

static int count_cells(const struct network *net)
{
    int cells = 0;
    for (int i = 0; i < net->n_levels; i++)
        cells += net->levels[i].h * net->levels[i].w;
    return cells;
}

static void write(struct onnx *o, const struct onnx_names *names, const struct network *net)
{
    int cells = count_cells(net), at = 0;
    float *corner = arena_new_array(o->arena, float, cells * 2), *stride = arena_new_array(o->arena, float, cells * 2);
    float *half = arena_new_array(o->arena, float, cells * 2);
    for (const struct level *l = net->levels; l < net->levels + net->n_levels; l++)
        for (int cell = 0; cell < l->h * l->w; cell++, at++) {
            corner[at * 2] = (float)(cell % l->w);
            corner[at * 2 + 1] = (float)(cell / l->w);
            stride[at * 2] = (float)l->stride / (float)net->frame.width;
            stride[at * 2 + 1] = (float)l->stride / (float)net->frame.height;
            half[at * 2] = stride[at * 2] / 2;
            half[at * 2 + 1] = stride[at * 2 + 1] / 2;
        }
    const char *boxes = flatten(o, names, net, true), *labels = flatten(o, names, net, false);
    const char *strides = onnx_floats(o, (int64_t[]){ 1, cells, 2 }, 3, stride);
    const char *centre = ONNX(o, "Add", onnx_slice(o, boxes, 0, 2, 2, 1), onnx_floats(o, (int64_t[]){ 1, cells, 2 }, 3, corner));
    centre = ONNX(o, "Mul", centre, strides);
    const char *size =
        ONNX(o, "Mul", ONNX(o, "Exp", onnx_slice(o, boxes, 2, 4, 2, 1)), onnx_floats(o, (int64_t[]){ 1, cells, 2 }, 3, half));
    const char *object = ONNX(o, "Sigmoid", onnx_slice(o, boxes, 4, 5, 2, 1));
    onnx_concat(o, (const char *[]){ ONNX(o, "Sub", centre, size), ONNX(o, "Add", centre, size) }, 2, 2);
    onnx_rename(o, "boxes");
    ONNX(o, "Mul", ONNX(o, "Sigmoid", labels), object);
    onnx_rename(o, "scores");
    onnx_output(o, "boxes", (int64_t[]){ 1, cells, 4 }, 3);
    onnx_output(o, "scores", (int64_t[]){ 1, cells, net->labels }, 3);
}

static void describe(struct out *o)
{
    out_text(o, "boxes", "xyxy");
    out_text(o, "unit", "fraction");
    out_number(o, "nms_iou", NMS_IOU);
    out_int(o, "max_detections", DETECTIONS_MOST);
}

const struct task task_detect = {
    .name = "detect",
    .type = "OBJECT_DETECTION",
    .shown = 32000, /* half as many are enough for blood cells, but not for coins or trees: AP50 0.67 and 0.46 instead of 0.88 and
                       0.51 */
    .resize = "letterbox",
    .thing = "box",
    .things = "boxes",
    .losses = { "box", "objectness", "class" },
    .values = { "mAP50", "mAP50-95", "precision", "recall", "best_threshold" },
    .curves = 2,
    .columns = { "boxes", "AP50", "AP50-95", "AP75", "AR", "precision", "recall" },
    .bars = { { "AP50 per label", 1 }, { "eval boxes per label", 0 } },
    .count = count,
    .learn = learn,
    .show = show,
    .read = read,
    .score = score,
    .doubt = doubt,
    .write = write,
    .describe = describe,
};
