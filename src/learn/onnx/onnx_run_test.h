/* onnx_run_test.h - what ONNX Runtime makes of a file, for tests. */
#pragma once
#include "infer/ort.h"

/* In a process of its own, for ONNX Runtime keeps its model until the end. Answers what compare() says of the outputs, or 1e9 where
 * the model could not be run. shape: four numbers. */
double onnx_run_apart(const char *bytes, size_t n, float *input, const int64_t *shape,
                      double (*compare)(const void *with, const struct ort_session *), const void *with);
