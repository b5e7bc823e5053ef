/* tensor.h - a network asked by its own tensors, without an image between. What it takes and gives lies in memory that is shared
 * with the network's process, so that nothing large is copied through a socket. */
#pragma once
#include "infer/infer.h"

/* As ONNX numbers its elements (onnx.proto, TensorProto.DataType). */
enum tensor_type {
    TENSOR_OTHER = 0, /* texts, and what has no fixed size */
    TENSOR_FP32 = 1,
    TENSOR_UINT8 = 2,
    TENSOR_INT8 = 3,
    TENSOR_UINT16 = 4,
    TENSOR_INT16 = 5,
    TENSOR_INT32 = 6,
    TENSOR_INT64 = 7,
    TENSOR_BOOL = 9,
    TENSOR_FP16 = 10,
    TENSOR_FP64 = 11,
    TENSOR_UINT32 = 12,
    TENSOR_UINT64 = 13,
    TENSOR_BF16 = 16,
    TENSOR_TYPES
};
const char *tensor_type_name(enum tensor_type); /* "FP32", as the Open Inference Protocol has it */
enum tensor_type tensor_type_of(const char *name);
size_t tensor_type_size(enum tensor_type); /* bytes of an element; 0: TENSOR_OTHER */

enum { TENSOR_NAME = 128, TENSOR_RANK = 8, TENSORS_MOST = 16 };
enum { TENSOR_INPUT_CAP = 64 << 20, TENSOR_OUTPUT_CAP = 128 << 20 };
struct tensor {
    char name[TENSOR_NAME];
    enum tensor_type type;
    int rank;
    int64_t shape[TENSOR_RANK]; /* of a signature: -1 where who asks chooses */
    uint64_t at, n_bytes;       /* its data within the shared memory */
};
struct tensor_list {
    size_t n;
    struct tensor items[TENSORS_MOST];
};
/* The bytes that a shape asks for. E_INVALID: a dimension below 0. E_TOO_BIG: more than cap. */
MUST_USE enum err tensor_bytes(const struct tensor *, uint64_t cap, uint64_t *ret);
/* "1×3×640×640" */
const char *tensor_shape_text(struct arena *, const struct tensor *);

struct tensors {
    struct tensor_list in, out;
    double latency_s;
    uint8_t *memory;
    int fd;
    uint64_t used;
};
MUST_USE enum err tensors_new(struct tensors **ret);
void tensors_free(struct tensors *);
static inline void auto_tensors(struct tensors **t)
{
    tensors_free(*t);
}
/* Another input, whose n_bytes and place follow from its shape and type; its data are to be written to *ret_data. E_TOO_BIG: the
 * inputs are over TENSOR_INPUT_CAP, or too many. */
MUST_USE enum err tensors_add(struct tensors *, const struct tensor *, uint8_t **ret_data);
const uint8_t *tensors_data(const struct tensors *, const struct tensor *);

/* What the network takes and gives, by its file. Errors as infer_predict(). */
MUST_USE enum err infer_signature(struct infer_pool *, const char *who, const struct infer_model *, struct tensor_list *ret_in,
                                  struct tensor_list *ret_out);
/* Runs it on t->in; fills t->out and the latency. E_INVALID: the tensors are not what the network takes, in words. */
MUST_USE enum err infer_run(struct infer_pool *, const char *who, const struct infer_model *, struct tensors *);
