/* ort.h - ONNX Runtime, loaded when a process needs it. One environment and one model in a process. */
#pragma once
#include "base/arena.h"

/* Loads the library and starts the threads of a run: to be done before sandbox_enter(), which allows neither. More than one of them
 * spin while they wait for each other: the soonest answer on processors that nobody else wants, and the latest on others.
 * E_BROKEN: there is no library, or it is too old. The environment variable SACCADE_ONNXRUNTIME names another file. */
MUST_USE enum err ort_start(int threads);

enum { ORT_SHAPE = 8, ORT_INPUTS = 8, ORT_OUTPUTS = 16 };
enum element {
    ELEMENT_OTHER,
    ELEMENT_F32,
    ELEMENT_F16,
    ELEMENT_F64,
    ELEMENT_U8,
    ELEMENT_I8,
    ELEMENT_BOOL,
    ELEMENT_I32,
    ELEMENT_I64
};
const char *element_name(enum element); /* "float32" … */
size_t element_size(enum element);      /* bytes; of ELEMENT_OTHER 0 */
static inline bool element_is_whole(enum element e)
{
    return e >= ELEMENT_U8;
}

struct ort_value {
    char name[128];
    enum element type;
    int rank;
    int64_t shape[ORT_SHAPE]; /* -1: chosen at run time. Of an output after ort_run(): what came */
    size_t count;             /* numbers in it */
    const void *raw;          /* of an output after ort_run(); the session's, until the next one */
    const float *data;        /* the same as f32, whatever its type */
};
struct ort_session;
/* E_UNMEANT says what ONNX Runtime dislikes. The bytes are not needed afterwards. */
MUST_USE enum err ort_load(const uint8_t *model, size_t n, struct ort_session **ret);
/* The same of a file that onnx_check() has passed, with its features (features.h) where it has some: the outputs are what they are
 * without, bit by bit. */
MUST_USE enum err ort_load_seeing(const uint8_t *model, size_t n, struct ort_session **ret);
/* After ort_run(): how many there are, 0 if there are none. ret: the session's, until the next one. */
size_t ort_features(const struct ort_session *, const float **ret);
size_t ort_inputs(const struct ort_session *); /* may be more than ORT_INPUTS, which are known */
const struct ort_value *ort_input(const struct ort_session *, size_t i);
size_t ort_outputs(const struct ort_session *); /* at most ORT_OUTPUTS are known */
const struct ort_value *ort_output(const struct ort_session *, size_t i);
const struct ort_value *ort_output_named(const struct ort_session *, const char *name); /* NULL: none */

struct ort_property {
    const char *key, *value;
};
/* metadata_props; memory of the arena */
MUST_USE enum err ort_metadata(const struct ort_session *, struct arena *, struct ort_property **ret, size_t *ret_n);

/* What an input is given: the caller's memory, of the input's type. */
struct ort_feed {
    void *data;
    int rank;
    int64_t shape[ORT_SHAPE];
};
/* A feed for each input, in their order. Fills shape and data of the outputs. */
MUST_USE enum err ort_run(struct ort_session *, const struct ort_feed *, size_t n);
