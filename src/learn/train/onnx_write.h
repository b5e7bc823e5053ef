/* onnx_write.h - a trained network as an ONNX file, as docs/formats.md describes: input `images` 1 × 3 × S × S, outputs as its task
 * writes them. Batch norms are folded into their convolutions. */
#pragma once
#include "learn/model/network.h"

/* The running statistics and weights as they are now. names: one for each label. */
MUST_USE enum err onnx_write(const struct network *, const char *const *names, const char *path);
