/* onnx_ops.h - the layers of a network as ONNX nodes, one row of a table for each kind of layer; channels first there. Batch norms
 * are folded into the convolutions before them. */
#pragma once
#include "learn/onnx/onnx.h"
#include "nn/nn.h"

enum { ONNX_TENSORS_MOST = 8192 };
/* Which ONNX value holds a tensor of the network. */
struct onnx_names {
    const struct tensor *tensor[ONNX_TENSORS_MOST];
    const char *name[ONNX_TENSORS_MOST];
    size_t n;
};
const char *onnx_name_of(const struct onnx_names *, const struct tensor *); /* NULL: none */
void onnx_set_name(struct onnx_names *, const struct tensor *, const char *name);

/* The inputs must have names. E_TOO_BIG: too many layers. E_BROKEN: a layer without a row. */
MUST_USE enum err onnx_write_nodes(struct onnx *, struct onnx_names *, struct graph *);
bool onnx_writes(const char *kind);

/* Values start, start + step, … below end, of one axis; values one behind the other on an axis. */
const char *onnx_slice(struct onnx *, const char *x, int64_t start, int64_t end, int64_t axis, int64_t step);
const char *onnx_concat(struct onnx *, const char *const *x, size_t n, int64_t axis);
