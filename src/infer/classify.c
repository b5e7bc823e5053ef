/* From a classifier's probabilities to a label. */
#include "infer/detect.h"
#include "infer/metadata.h"

const struct ort_value *classifier_output(const struct ort_session *s)
{
    const struct ort_value *named = ort_output_named(s, "scores");
    return named ? named : ort_outputs(s) == 1 ? ort_output(s, 0) : NULL;
}

enum err classifier_pick(const struct ort_session *s, double min_score, struct detection *ret, size_t *ret_n)
{
    const struct ort_value *out = classifier_output(s);
    if (!out || out->rank != 2 || out->shape[0] != 1 || out->shape[1] < 1 || out->shape[1] > NAMES_MOST)
        return fail(E_UNMEANT, "the model's output is not 1×classes");
    int64_t best = 0;
    for (int64_t i = 1; i < out->shape[1]; i++)
        best = out->data[i] > out->data[best] ? i : best;
    float p = out->data[best];
    *ret_n = p >= 0 && (double)p >= min_score; /* not if it is no number */
    ret[0] = (struct detection){ .label = (int)best, .score = p > 1 ? 1 : p };
    return OK;
}
