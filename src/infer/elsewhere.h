/* elsewhere.h - ONNX files whose tensors lie in other files ("external data" of the ONNX standard, as torch's exporter writes it),
 * and one file made of all of them. */
#pragma once
#include "base/arena.h"

enum { PLACES_MOST = 256, PLACE_NAME = 200 };
/* A file in which tensors lie. */
struct place {
    const char *name;     /* as the model says it, from its own folder on; memory of the arena */
    const uint8_t *bytes; /* of the caller, who brings it; NULL: it is not there */
    size_t n;
};
struct elsewhere {
    struct place *places;
    size_t n;
};

/* All files in which tensors lie, wherever the tensors hide (initializers, sparse ones, attributes, subgraphs, functions, training
 * information); none: the model is whole. E_UNMEANT: it is no ONNX model, or names a file outside of its own folder. */
MUST_USE enum err elsewhere_find(const uint8_t *bytes, size_t n, struct arena *, struct elsewhere *ret);
/* The model with those tensors in it. All places must be there. E_UNMEANT: a tensor's place does not hold what it should.
 * E_TOO_BIG: over the cap. ret: heap. */
MUST_USE enum err elsewhere_join(const uint8_t *bytes, size_t n, const struct elsewhere *, size_t cap, uint8_t **ret,
                                 size_t *ret_n);
/* A name as models say it: without "./", relative, not leading out of its folder. E_UNMEANT. */
MUST_USE enum err place_name(const uint8_t *name, size_t n, char ret[PLACE_NAME]);
