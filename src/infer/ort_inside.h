/* ort_inside.h - what the files that talk to ONNX Runtime share; nobody else includes it. */
#pragma once
#include "infer/ort.h"
#include <onnxruntime_c_api.h>

struct ort_session {
    OrtSession *session;
    size_t n_inputs, n_outputs;
    bool has_features; /* a value behind the outputs */
    struct ort_value inputs[ORT_INPUTS], outputs[ORT_OUTPUTS + 1];
    OrtValue *values[ORT_OUTPUTS + 1]; /* of the last run */
    float *as_float[ORT_OUTPUTS + 1];  /* of outputs of other types */
};

extern const OrtApi *ort;
extern OrtMemoryInfo *ort_cpu_memory;
OrtSession *ort_inner(const struct ort_session *);
bool ort_is_seeing(const struct ort_session *); /* its last output are the features, which are no answer */

static inline enum err check(OrtStatus *s, enum err kind, const char *doing)
{
    if (!s)
        return OK;
    enum err e = fail(kind, "%s: %s", doing, ort->GetErrorMessage(s));
    ort->ReleaseStatus(s);
    return e;
}
