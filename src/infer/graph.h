/* graph.h - what a network is made of, read from the file's bytes: its operators, operator sets, and what makes each output. */
#pragma once
#include "base/arena.h"

struct operator_used {
    const char *domain, *name; /* domain "": ONNX's own */
    int count;
};
struct operator_set {
    const char *domain;
    int64_t version;
};
struct made {                     /* an output of a node of the main graph */
    const char *name, *op, *from; /* from: the node's first input */
};
enum { OPERATORS_MOST = 500, OPERATOR_SETS_MOST = 20 };
struct graph {
    struct operator_used operators[OPERATORS_MOST];
    size_t n_operators;
    struct operator_set sets[OPERATOR_SETS_MOST];
    size_t n_sets;
    const char *producer, *producer_version;
    int64_t ir_version;
    struct made *made;
    size_t n_made, n_nodes;
};
/* Reads what onnx_check() has found good; memory of the arena. */
void graph_read(struct arena *, const uint8_t *bytes, size_t n, struct graph *ret);
bool graph_has(const struct graph *, const char *op);
/* The operator that makes an output, stepping over what only changes its type; "": unknown. */
const char *graph_last(const struct graph *, const char *output);
