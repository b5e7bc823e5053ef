/* One label for a whole image. In an ONNX file: `scores` 1 × labels, probabilities that sum to 1. */
#include "learn/task/confusion.h"
#include "learn/task/doubt.h"
#include "learn/task/task.h"
#include <math.h>
#include <string.h>

enum { TOP = 5 };

static void count(const struct sample *s, int64_t *of_label)
{
    if (s->label >= 0)
        of_label[s->label]++;
}

/* The logarithms of the probabilities that logits stand for (softmax), without overflow. */
static void log_softmax(const float *logits, int n, float *ret)
{
    float most = logits[0];
    double sum = 0;
    for (int k = 1; k < n; k++)
        most = fmaxf(most, logits[k]);
    for (int k = 0; k < n; k++)
        sum += exp((double)(logits[k] - most));
    for (int k = 0; k < n; k++)
        ret[k] = logits[k] - most - (float)log(sum);
}

/* What the probability of label k should be, of an image that is to the share `first` of one label and else of the other. */
static float target(int k, int label, int other, float first, float smoothing, int n)
{
    float own = (k == label ? first : 0) + (k == other ? 1 - first : 0);
    return own * (1 - smoothing) + smoothing / (float)n;
}

static void learn(const struct network *net, int i, const struct example *e, const struct settings *s, struct task_loss *sum)
{
    AUTO(arena) struct arena *a = arena_new();
    int n = net->labels;
    size_t first = (size_t)i * (size_t)n;
    float *gradient = arena_new_array(a, float, n), *logits = arena_new_array(a, float, n), *p = arena_new_array(a, float, n);
    tensor_put(net->logits, TENSOR_GRADIENT, first, gradient, (size_t)n);
    if (e->label < 0)
        return;
    tensor_get(net->logits, TENSOR_VALUES, first, logits, (size_t)n);
    log_softmax(logits, n, p);
    for (int k = 0; k < n; k++) {
        float t = target(k, e->label, e->other, e->share, (float)s->label_smoothing, n);
        sum->part[0] -= (double)(t * p[k]);
        gradient[k] = expf(p[k]) - t;
    }
    tensor_put(net->logits, TENSOR_GRADIENT, first, gradient, (size_t)n);
    sum->share++;
}

static enum err show(const struct network *net, const struct picture *p, float *pixels)
{
    const struct normalise *n = net->model->input;
    AUTO(image) struct image im = { 0 };
    TRY(image_resize(&p->image, net->frame.width, net->frame.height, &im));
    for (int i = 0; i < net->frame.width * net->frame.height * 3; i++)
        pixels[i] = (im.pixels[i] * n->scale - n->mean[i % 3]) / n->std[i % 3];
    return OK;
}

/* The logarithms of the probabilities. */
static void *read(const struct network *net, int i, struct arena *a)
{
    size_t n = (size_t)net->labels;
    float *p = arena_new_array(a, float, n), *logits = arena_new_array(a, float, n);
    tensor_get(net->logits, TENSOR_VALUES, (size_t)i * n, logits, n);
    log_softmax(logits, net->labels, p);
    return p;
}

/* How many labels are more probable than the true one; of equal ones those with smaller numbers. */
static int rank_of(const float *p, int n, int label)
{
    int before = 0;
    for (int k = 0; k < n; k++)
        before += p[k] > p[label] || (k < label && p[k] == p[label]);
    return before;
}
static int best_of(const float *p, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        best = p[k] > p[best] ? k : best;
    return best;
}

static void write_row(double *ret, struct label_figures f)
{
    const double row[] = { (double)f.truths, f.precision, f.recall, f.f1 };
    memcpy(ret, row, sizeof row);
}

static void score(const struct judged *images, size_t n, int labels, const struct settings *s, struct arena *a, struct scores *ret)
{
    int64_t *confusion = arena_new_array(a, int64_t, labels * labels), top = 0, judged = 0;
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        const float *p = images[i].answer;
        int label = images[i].sample->label;
        if (label < 0)
            continue;
        judged++;
        confusion[label * labels + best_of(p, labels)]++;
        top += rank_of(p, labels, label) < TOP;
        for (int k = 0; k < labels; k++)
            loss -= (double)(target(k, label, -1, 1, (float)s->label_smoothing, labels) * p[k]);
    }
    *ret = (struct scores){ .images = judged, .n_labels = labels, .confusion = confusion };
    ret->of_label = arena_take(a, sizeof *ret->of_label * (size_t)(labels + 1));
    for (int i = 0; i < labels; i++)
        write_row(ret->of_label[i], confusion_label(confusion, labels, i));
    struct label_figures all = confusion_mean(confusion, labels);
    write_row(ret->of_label[labels], all);
    const double values[] = { confusion_accuracy(confusion, labels),
                              judged ? loss / (double)judged : -1,
                              judged && labels > TOP ? (double)top / (double)judged : -1,
                              all.precision,
                              all.recall,
                              all.f1 };
    memcpy(ret->value, values, sizeof values);
}

/* An image whose own label is improbable next to another one, which is usually right where it is said. */
static void doubt(const struct judged *images, size_t n, int labels, struct doubts *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct trust *trust = arena_new_array(a, struct trust, labels);
    for (size_t i = 0; i < n; i++) {
        int label = images[i].sample->label, best = best_of(images[i].answer, labels);
        trust[best].said += label >= 0;
        trust[best].right += label == best;
    }
    for (size_t i = 0; i < n; i++) {
        const float *p = images[i].answer;
        int label = images[i].sample->label, best = best_of(p, labels);
        if (label < 0)
            continue;
        ret->looked_at++;
        if (best != label)
            doubts_add(ret, &(struct doubt){ images[i].sample,
                                             DOUBT_LABEL,
                                             label,
                                             best,
                                             (float)trust_right(&trust[best]) * (expf(p[best]) - expf(p[label])),
                                             { 0 } });
    }
}

static void write(struct onnx *o, const struct onnx_names *names, const struct network *net)
{
    const char *logits = ONNX(o, "Reshape", onnx_name_of(names, net->logits), onnx_int64s(o, (int64_t[]){ 1, net->labels }, 2));
    ONNX(o, "Softmax", logits);
    onnx_int(o, "axis", 1);
    onnx_rename(o, "scores");
    onnx_output(o, "scores", (int64_t[]){ 1, net->labels }, 2);
}

static void describe(struct out *o)
{
    out_text(o, "scores", "probabilities");
}

/* Weights that have been trained before are only bent a little; a label is as true of a part of its image that is large enough. */
static void defaults(struct settings *s)
{
    s->learning_rate = 0.001;
    s->annotation_type = "classification";
    s->image_size = 224;
}

const struct task task_classify = {
    .name = "classify",
    .type = "CLASSIFICATION",
    .shown = 16000,
    .whole = true,
    .resize = "stretch",
    .thing = "image",
    .things = "images",
    .losses = { "class" },
    .values = { "accuracy", "loss", "top5", "precision", "recall", "F1" },
    .curves = 3,
    .columns = { "images", "precision", "recall", "F1" },
    .bars = { { "F1 per label", 3 }, { "eval images per label", 0 } },
    .defaults = defaults,
    .count = count,
    .learn = learn,
    .show = show,
    .read = read,
    .score = score,
    .doubt = doubt,
    .write = write,
    .describe = describe,
};
