/* onnx_check.h - looks through an ONNX file (protobuf, without decoding it into memory) before ONNX Runtime sees it. */
#pragma once
#include "base/fail.h"

/* The messages of onnx.proto that lead to tensors. */
enum onnx_message { ONNX_MODEL, ONNX_GRAPH, ONNX_NODE, ONNX_ATTRIBUTE, ONNX_TENSOR, ONNX_SPARSE, ONNX_FUNCTION, ONNX_TRAINING };
enum { ONNX_DEPTH_MOST = 100 };
bool onnx_leads(enum onnx_message in, uint32_t field, enum onnx_message *ret); /* false: the field holds no such message */
enum err onnx_malformed(void);

/* E_UNMEANT: it is no ONNX model, or one of its tensors, wherever it hides (initializers, sparse ones, attributes, subgraphs,
 * functions, training information), keeps its data in another file. Allocates nothing. */
MUST_USE enum err onnx_check(const uint8_t *bytes, size_t n);
