/* The files that trainings here write: docs/formats.md. */
#include "infer/family/family.h"
#include <string.h>

static bool recognise(const struct look *l, struct description *d)
{
    return look_property(l, "saccade") && d->output[ROLE_BOXES] >= 0; /* contract.c has read it */
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    const struct ort_value *boxes = ort_output(s, (size_t)d->output[ROLE_BOXES]),
                           *scores = ort_output(s, (size_t)d->output[ROLE_SCORES]);
    if (boxes->rank != 3 || scores->rank != 3 || boxes->shape[0] != 1 || scores->shape[0] != 1 || boxes->shape[2] != 4 ||
        boxes->shape[1] != scores->shape[1])
        return fail(E_UNMEANT, "the model's outputs are not `boxes` 1×A×4 and `scores` 1×A×C");
    AUTO(boxes) struct boxes b = { 0 };
    int64_t anchors = boxes->shape[1], classes = scores->shape[2];
    for (int64_t i = 0; i < anchors; i++) {
        const float *p = scores->data + i * classes;
        int best = 0;
        for (int c = 1; c < classes; c++)
            best = p[c] > p[best] ? c : best;
        if (classes > 0 && (double)p[best] >= min_score)
            boxes_add(&b, d, at, boxes->data + i * 4, p[best], best, (uint32_t)i);
    }
    found_objects(ret, d, at, &b, NULL, NULL);
    return OK;
}

const struct family family_ours = { "a detector that was trained here", "its metadata `saccade` say so", recognise, NULL, decode };

static bool recognise_classes(const struct look *l, struct description *d)
{
    return look_property(l, "saccade") && d->output[ROLE_SCORES] >= 0 && d->output[ROLE_BOXES] < 0;
}

static enum err decode_classes(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                               struct found *ret)
{
    return family_classes.decode(d, s, at, min_score, ret);
}

const struct family family_our_classes = { "a classifier that was trained here", "its metadata `saccade` say so", recognise_classes,
                                           NULL, decode_classes };
