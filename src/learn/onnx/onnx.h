/* onnx.h - putting an ONNX model together (opset 13, IR version 8): nodes, constants, in memory of an arena. Names of values are
 * made here and handed around as texts. */
#pragma once
#include "base/arena.h"
#include "json/json.h"
#include <onnx.pb-c.h>

struct onnx {
    struct arena *arena;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    size_t room_nodes, room_constants, made;
};
void onnx_init(struct onnx *, struct arena *);

enum { ONNX_INPUTS = 8 };
/* A node with one output, whose name is answered. The last node made takes the attributes that follow. */
const char *onnx_node(struct onnx *, const char *op, const char *const *in, size_t n_in);
void onnx_int(struct onnx *, const char *name, int64_t);
void onnx_float(struct onnx *, const char *name, float);
void onnx_ints(struct onnx *, const char *name, const int64_t *, size_t n);
void onnx_word(struct onnx *, const char *name, const char *);
void onnx_rename(struct onnx *, const char *output); /* of the last node made: for what the model gives out */
/* data is copied. */
const char *onnx_floats(struct onnx *, const int64_t *dims, size_t n_dims, const float *data);
const char *onnx_int64s(struct onnx *, const int64_t *values, size_t n);

#define ONNX(o, op, ...)                                                                                                           \
    onnx_node(o, op, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

void onnx_input(struct onnx *, const char *name, const int64_t *dims, size_t n);
void onnx_output(struct onnx *, const char *name, const int64_t *dims, size_t n);
void onnx_metadata(struct onnx *, const char *key, const char *value);
/* Atomically. E_TOO_BIG over 1 GiB. */
MUST_USE enum err onnx_save(struct onnx *, const char *path);
