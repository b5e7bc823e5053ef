/* sheet.h - inside infer/: how the shared memory of a run by tensors begins, and the child's side of such a run. */
#pragma once
#include "infer/ort.h"
#include "infer/tensor.h"

struct sheet {
    struct tensor_list in, out;
    double run_s;
};
enum { SHEET_SIZE = 8192, TENSOR_MEMORY = SHEET_SIZE + TENSOR_INPUT_CAP + TENSOR_OUTPUT_CAP };
_Static_assert(sizeof(struct sheet) <= SHEET_SIZE, "the sheet has its room");

struct signature {
    struct tensor_list in, out;
};
MUST_USE enum err ort_signature(const struct ort_session *, struct signature *ret);
/* Reads the sheet and the inputs from the memory, writes the outputs behind them and the sheet anew. */
MUST_USE enum err ort_run_tensors(const struct ort_session *, uint8_t *memory, size_t size);
/* The same on the descriptor that came with the request. */
MUST_USE enum err run_on_shared(const struct ort_session *, int fd);
