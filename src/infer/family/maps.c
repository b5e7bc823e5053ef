/* Semantic segmenters: a class for each place of the picture. Each region of a class becomes an outline. */
#include "infer/family/family.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whole numbers are classes; of floats there is a map for each. */
static bool is_index(const struct ort_value *v)
{
    return element_is_whole(v->type) &&
           ((v->rank == 3 && v->shape[0] == 1) || (v->rank == 4 && v->shape[0] == 1 && v->shape[1] == 1));
}

static bool are_maps(const struct look *l, const struct ort_value *v)
{
    return look_is_float(v) && v->rank == 4 && v->shape[0] == 1 && v->shape[2] > 1 && v->shape[3] > 1 &&
           (v->shape[1] == 1 || (l->classes && (v->shape[1] == (int64_t)l->classes || v->shape[1] == l->most_classes)));
}

static bool recognise(const struct look *l, struct description *d)
{
    const struct ort_value *v = ort_output(l->session, 0);
    if (!is_index(v) && !are_maps(l, v))
        return false;
    d->output[ROLE_MASKS] = 0;
    d->gives = WANT_OUTLINES;
    if (l->exported)
        set_yolo_picture(d, ORIGIN_METADATA);
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    const char *op = graph_last(l->graph, v->name);
    bool chances = strcmp(op, "Sigmoid") == 0 || strcmp(op, "Softmax") == 0;
    SET(d, FACT_SCORE, ORIGIN_FILE, score = chances ? SCORE_PROBABILITY : v->shape[1] == 1 ? SCORE_SIGMOID : SCORE_SOFTMAX);
    return true;
}

static unsigned needs(const struct look *l, const struct description *d)
{
    (void)l;
    return (d->type == ELEMENT_U8 ? 0 : 1U << FACT_RANGE | 1U << FACT_MEAN | 1U << FACT_STD) | 1U << FACT_RESIZE;
}

/* By how much a class leads at each place; at places of others it is behind by as much. */
struct lead {
    const float *value; /* maps of the classes, or one map of numbers */
    int64_t width, height, classes;
    bool index;
    float *best, *second; /* of all classes */
};

static void compare(struct lead *l)
{
    size_t plane = (size_t)l->width * (size_t)l->height;
    l->best = heap_take(plane * sizeof(float));
    l->second = heap_take(plane * sizeof(float));
    memcpy(l->best, l->value, plane * sizeof(float));
    for (size_t i = 0; i < plane; i++)
        l->second[i] = -INFINITY;
    for (int64_t c = 1; c < l->classes; c++)
        for (size_t i = 0; i < plane; i++) {
            float v = l->value[(size_t)c * plane + i], b = l->best[i];
            l->best[i] = v > b ? v : b;
            l->second[i] = v > b ? b : v > l->second[i] ? v : l->second[i];
        }
}

/* ret: of the class; answers whether it leads anywhere. */
static bool lead_of(const struct lead *l, int64_t class, float *ret)
{
    size_t plane = (size_t)l->width * (size_t)l->height;
    bool any = false;
    for (size_t i = 0; i < plane; i++) {
        float v = l->index ? l->value[i] : l->value[(size_t) class * plane + i];
        ret[i] = l->index ? (llroundf(v) == class ? 1.0F : -1.0F) : v >= l->best[i] ? v - l->second[i] : v - l->best[i];
        any |= ret[i] > 0;
    }
    return any;
}

/* The mean chance of a class where it leads. */
static float chance_of(const struct description *d, const struct lead *l, int64_t class, const float *lead)
{
    size_t plane = (size_t)l->width * (size_t)l->height;
    double sum = 0, n = 0;
    for (size_t i = 0; i < plane; i++) {
        if (!(lead[i] > 0))
            continue;
        double total = 0, most = (double)l->best[i];
        for (int64_t c = 0; c < l->classes && d->score == SCORE_SOFTMAX; c++)
            total += exp((double)l->value[(size_t)c * plane + i] - most);
        double v = (double)l->value[(size_t) class * plane + i];
        sum += d->score == SCORE_SOFTMAX ? exp(v - most) / total : d->score == SCORE_SIGMOID ? 1 / (1 + exp(-v)) : v;
        n++;
    }
    return n > 0 ? (float)(sum / n) : 0;
}

static enum err decode_one(const struct description *d, const struct placed *at, const struct ort_value *v, double min_score,
                           struct found *ret)
{
    const struct mask m = { v->data, v->shape[3], v->shape[2], d->score == SCORE_PROBABILITY ? 0.5F : 0, false, false };
    int label = d->labels.background >= 0 && d->labels.n == 2 ? label_of_column(d, 1, 2) : label_of_column(d, 0, 1);
    (void)min_score;
    found_regions(ret, at, &m, label < 0 ? 0 : label, 1);
    return OK;
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    const struct ort_value *v = ort_output(s, (size_t)d->output[ROLE_MASKS]);
    bool index = is_index(v);
    if (!v->data || v->count < 1 || (!index && (v->rank != 4 || v->shape[0] != 1)))
        return fail(E_UNMEANT, "the model's output '%s' is no map of classes", v->name);
    ret->kind = FOUND_OUTLINES;
    if (!index && v->shape[1] == 1)
        return decode_one(d, at, v, min_score, ret);
    struct lead l = { v->data, v->shape[v->rank - 1], v->shape[v->rank - 2], index ? 0 : v->shape[1], index, NULL, NULL };
    size_t plane = (size_t)l.width * (size_t)l.height;
    int64_t classes = index ? (d->labels.n ? 0 : 256) : l.classes;
    for (size_t i = 0; i < d->labels.n && index; i++) {
        int64_t number = d->labels.number ? d->labels.number[i] : (int64_t)i;
        classes = number >= classes ? number + 1 : classes;
    }
    if (!index)
        compare(&l);
    float *lead = heap_take(plane * sizeof *lead);
    for (int64_t c = 0; c < classes; c++) {
        int label = index ? label_of_class(d, (double)c) : label_of_column(d, c, classes);
        if (label < 0 || label == d->labels.background || !lead_of(&l, c, lead))
            continue;
        float p = index ? 1 : chance_of(d, &l, c, lead);
        const struct mask m = { lead, l.width, l.height, 0, false, false };
        if ((double)p >= min_score)
            found_regions(ret, at, &m, label, p);
    }
    free(lead);
    free(l.best);
    free(l.second);
    return OK;
}

const struct family family_maps = { "a semantic segmenter: a class for each place",
                                    "its output is a map of class numbers, or a map for each label", recognise, needs, decode };
