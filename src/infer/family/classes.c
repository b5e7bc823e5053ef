/* Labels of whole images. */
#include "infer/family/family.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t columns_of(const struct ort_value *v)
{
    bool flat = v->rank == 2 && v->shape[0] == 1,
         one_by_one = v->rank == 4 && v->shape[0] == 1 && v->shape[2] == 1 && v->shape[3] == 1;
    bool one_by_one_last = v->rank == 4 && v->shape[0] == 1 && v->shape[1] == 1 && v->shape[2] == 1;
    return flat || one_by_one ? v->shape[1] : one_by_one_last ? v->shape[3] : v->rank == 1 ? v->shape[0] : -1;
}

/* The operator that writes the output says whether its numbers are chances already. */
static void read_score(const struct look *l, struct description *d, const struct ort_value *v)
{
    const char *op = graph_last(l->graph, v->name);
    if (strcmp(op, "Softmax") == 0 || strcmp(op, "Sigmoid") == 0)
        SET(d, FACT_SCORE, ORIGIN_FILE, score = SCORE_PROBABILITY);
    else if (strcmp(op, "Gemm") == 0 || strcmp(op, "Add") == 0 || strcmp(op, "MatMul") == 0 || strcmp(op, "Conv") == 0)
        SET(d, FACT_SCORE, ORIGIN_FILE, score = SCORE_SOFTMAX);
}

static bool recognise(const struct look *l, struct description *d)
{
    int at = look_output(l, "scores");
    for (size_t i = 0; at < 0 && i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        int64_t n = columns_of(v);
        if (look_is_float(v) && n > 0 && (n == (int64_t)l->classes || n == l->most_classes || (!l->classes && n <= LABELS_MOST)))
            at = (int)i;
    }
    if (at < 0 || !look_is_float(ort_output(l->session, (size_t)at)))
        return false;
    const struct ort_value *v = ort_output(l->session, (size_t)at);
    if (columns_of(v) < 1)
        return false;
    d->output[ROLE_SCORES] = at;
    d->gives = WANT_LABELS;
    bool known = l->exported && l->task && strcmp(l->task, "classify") == 0;
    if (known) {
        SET(d, FACT_SCORE, ORIGIN_METADATA, score = SCORE_PROBABILITY);
        SET(d, FACT_RESIZE, ORIGIN_METADATA, resize = RESIZE_COVER);
        SET(d, FACT_FILTER, ORIGIN_METADATA, filter = FILTER_TRIANGLE);
        set_yolo_picture(d, ORIGIN_METADATA);
    }
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    read_score(l, d, v);
    return true;
}

static unsigned needs(const struct look *l, const struct description *d)
{
    (void)l;
    unsigned picture = d->type == ELEMENT_U8 ? 0 : 1U << FACT_RANGE | 1U << FACT_MEAN | 1U << FACT_STD;
    return picture | 1U << FACT_RESIZE | 1U << FACT_SCORE;
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    (void)at;
    const struct ort_value *v = ort_output(s, (size_t)d->output[ROLE_SCORES]);
    int64_t n = columns_of(v), best = 0;
    if (n < 1 || n > LABELS_MOST || !v->data)
        return fail(E_UNMEANT, "the model's output '%s' is not 1×classes", v->name);
    float sum = 0, p;
    ret->kind = FOUND_LABELS;
    for (int64_t i = 1; i < n; i++)
        best = v->data[i] > v->data[best] ? i : best;
    for (int64_t i = 0; d->score == SCORE_SIGMOID && i < n; i++) /* each label for itself */
        if ((p = 1 / (1 + expf(-v->data[i]))) >= (float)min_score)
            found_label(ret, label_of_column(d, i, n), p);
    for (int64_t i = 0; d->score == SCORE_SOFTMAX && i < n; i++)
        sum += expf(v->data[i] - v->data[best]);
    p = d->score == SCORE_SOFTMAX ? 1 / sum : v->data[best];
    if (d->score != SCORE_SIGMOID && (double)p >= min_score)
        found_label(ret, label_of_column(d, best, n), p);
    return OK;
}

const struct family family_classes = { "a classifier", "an output has one number for each label", recognise, needs, decode };

/* ---- anomalies: a score of the image and a map */

static bool recognise_anomaly(const struct look *l, struct description *d)
{
    d->output[ROLE_MASKS] = look_output(l, "anomaly_map");
    d->output[ROLE_SCORES] = look_output(l, "pred_score");
    if (d->output[ROLE_MASKS] < 0)
        return false;
    d->gives = WANT_OUTLINES | (d->output[ROLE_SCORES] >= 0 ? WANT_LABELS : 0);
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_TRIANGLE);
    set_yolo_picture(d, ORIGIN_FAMILY);
    if (d->from[FACT_RESIZE] != ORIGIN_TOLD)
        d->resize = RESIZE_STRETCH;
    return true;
}

/* The last label is that of what is not as it should be. */
static int odd_label(const struct description *d)
{
    return d->labels.n ? label_of_column(d, (int64_t)d->labels.n - 1, (int64_t)d->labels.n) : 0;
}

static enum err decode_anomaly(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                               struct found *ret)
{
    const struct ort_value *score = d->output[ROLE_SCORES] < 0 ? NULL : ort_output(s, (size_t)d->output[ROLE_SCORES]),
                           *map = ort_output(s, (size_t)d->output[ROLE_MASKS]);
    float p = score && score->data && score->count ? score->data[0] : 1;
    if (d->wanted != WANT_OUTLINES) {
        found_label(ret, odd_label(d), (double)p >= min_score ? p : -1);
        return OK;
    }
    if (map->rank < 2 || !map->data || map->count < 1)
        return fail(E_UNMEANT, "the model's output '%s' is no map", map->name);
    ret->kind = FOUND_OUTLINES;
    if (!((double)p >= min_score))
        return OK;
    const struct mask m = { map->data, map->shape[map->rank - 1], map->shape[map->rank - 2], 0.5F, false, false };
    found_regions(ret, at, &m, odd_label(d), p);
    return OK;
}

const struct family family_anomaly = { "a network that finds what is not as it should be (anomalib)",
                                       "it has an output anomaly_map", recognise_anomaly, NULL, decode_anomaly };
