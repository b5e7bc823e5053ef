/* The families in the order in which a file is compared with them, and what they share. */
#include "infer/family/family.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct family *const families[] = {
    &family_ours,
    &family_our_classes,
    &family_prompted,
    &family_anomaly,
    &family_mask_queries,
    &family_queries,
    &family_paddle,
    &family_detection_lists,
    &family_counted_lists,
    &family_boxes_with_scores,
    &family_sized_lists,
    &family_picked,
    &family_rows,
    &family_typed_lists,
    &family_pairs,
    &family_pyramid,
    &family_classes,
    &family_maps,
    NULL,
};

const char *look_property(const struct look *l, const char *key)
{
    for (size_t i = 0; i < l->n_properties; i++)
        if (strcmp(l->property[i].key, key) == 0)
            return l->property[i].value;
    return NULL;
}

static bool is_named(const char *whole, const char *name)
{
    size_t n = strlen(whole), k = strlen(name);
    if (n > 2 && strcmp(whole + n - 2, ":0") == 0)
        n -= 2;
    return n >= k && strncmp(whole + n - k, name, k) == 0 && (n == k || whole[n - k - 1] == '_' || whole[n - k - 1] == '/');
}

int look_output(const struct look *l, const char *name)
{
    for (size_t i = 0; i < ort_outputs(l->session); i++)
        if (is_named(ort_output(l->session, i)->name, name))
            return (int)i;
    return -1;
}

int look_input(const struct look *l, const char *name)
{
    for (size_t i = 0; i < ort_inputs(l->session) && i < ORT_INPUTS; i++)
        if (strcmp(ort_input(l->session, i)->name, name) == 0)
            return (int)i;
    return -1;
}

bool look_shape(const struct ort_value *v, int rank, ...)
{
    va_list shape;
    bool same = v->rank == rank;
    va_start(shape, rank);
    for (int i = 0; i < rank; i++) {
        int64_t want = va_arg(shape, int64_t);
        same = same && (want < 0 || v->shape[i] == want);
    }
    va_end(shape);
    return same;
}

bool look_is_float(const struct ort_value *v)
{
    return v->type == ELEMENT_F32 || v->type == ELEMENT_F16 || v->type == ELEMENT_F64;
}

int64_t look_anchors(const struct look *l)
{
    int64_t n = 0;
    for (int stride = 8; stride <= 32; stride *= 2)
        n += (int64_t)(l->height / stride) * (l->width / stride);
    return n;
}

int64_t look_keypoints(const struct look *l)
{
    enum { USUAL = 17, MOST = 1000 };
    const char *s = look_property(l, "kpt_shape");
    long n = s ? strtol(s + strspn(s, " [("), NULL, 10) : USUAL;
    return n > 0 && n < MOST ? n : USUAL;
}

float row_chance(const struct description *d, const float *row, int64_t columns, int64_t k)
{
    if (d->score == SCORE_PROBABILITY)
        return row[k];
    if (d->score == SCORE_SIGMOID)
        return 1 / (1 + expf(-row[k]));
    float most = row[0], sum = 0;
    for (int64_t i = 1; i < columns; i++)
        most = fmaxf(most, row[i]);
    for (int64_t i = 0; i < columns; i++)
        sum += expf(row[i] - most);
    return expf(row[k] - most) / sum;
}

void set_yolo_picture(struct description *d, enum origin from)
{
    static const float none[3] = { 0, 0, 0 }, one[3] = { 1, 1, 1 };
    SET(d, FACT_COLOUR, from, bgr = false);
    set_range(d, from, 0, 1);
    set_mean(d, from, none, one);
    SET(d, FACT_RESIZE, from, resize = RESIZE_LETTERBOX);
    SET(d, FACT_PAD, from, pad = 114);
    SET(d, FACT_FILTER, from, filter = FILTER_LINEAR);
}
