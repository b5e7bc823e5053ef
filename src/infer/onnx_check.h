/* onnx_check.h - looks through an ONNX file (protobuf, without decoding it into memory) before ONNX Runtime sees it. */
#pragma once
#include "base/fail.h"

/* E_UNMEANT: it is no ONNX model, or one of its tensors, wherever it hides (initializers, sparse ones, attributes, subgraphs,
 * functions, training information), keeps its data in another file. Allocates nothing. */
MUST_USE enum err onnx_check(const uint8_t *bytes, size_t n);
