#include "infer/graph.h"
#include "infer/wire.h"
#include <string.h>

/* Fields of onnx.proto. */
enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_SETS = 8,
    GRAPH_NODE = 1,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_GRAPHS = 11,
    SET_DOMAIN = 1,
    SET_VERSION = 2,
    NAME_MOST = 200,
    DEPTH_MOST = 20
};

static const char *text_of(struct arena *a, struct wire w)
{
    size_t n = (size_t)(w.end - w.at);
    return arena_copy(a, (const char *)w.at, n < NAME_MOST ? n : NAME_MOST);
}

static void count(struct graph *g, const char *domain, const char *name)
{
    for (size_t i = 0; i < g->n_operators; i++)
        if (strcmp(g->operators[i].name, name) == 0 && strcmp(g->operators[i].domain, domain) == 0) {
            g->operators[i].count++;
            return;
        }
    if (g->n_operators < OPERATORS_MOST)
        g->operators[g->n_operators++] = (struct operator_used){ domain, name, 1 };
}

static void read_graph(struct arena *, struct wire, int depth, struct graph *);

static void read_attribute(struct arena *a, struct wire w, int depth, struct graph *g)
{
    struct wire_item item;
    while (w.at < w.end && wire_next(&w, &item))
        if (item.type == BYTES && (item.field == ATTRIBUTE_GRAPH || item.field == ATTRIBUTE_GRAPHS) && depth < DEPTH_MOST)
            read_graph(a, item.part, depth + 1, g);
}

static void read_node(struct arena *a, struct wire w, int depth, struct graph *g)
{
    struct wire_item item;
    struct made m = { NULL, "", "" };
    const char *domain = "";
    for (; w.at < w.end && wire_next(&w, &item);) {
        if (item.type != BYTES)
            continue;
        switch (item.field) {
        case NODE_INPUT: m.from = *m.from ? m.from : text_of(a, item.part); break;
        case NODE_OUTPUT: m.name = m.name ? m.name : text_of(a, item.part); break;
        case NODE_OP: m.op = text_of(a, item.part); break;
        case NODE_DOMAIN: domain = text_of(a, item.part); break;
        case NODE_ATTRIBUTE: read_attribute(a, item.part, depth, g); break;
        default: break;
        }
    }
    g->n_nodes++;
    count(g, strcmp(domain, "ai.onnx") == 0 ? "" : domain, m.op);
    if (depth || !m.name)
        return;
    if ((g->n_made & (g->n_made - 1)) == 0) { /* full at each power of two */
        struct made *more = arena_new_array(a, struct made, g->n_made ? g->n_made * 2 : 1);
        if (g->n_made)
            memcpy(more, g->made, g->n_made * sizeof *more);
        g->made = more;
    }
    g->made[g->n_made++] = m;
}

static void read_graph(struct arena *a, struct wire w, int depth, struct graph *g)
{
    struct wire_item item;
    while (w.at < w.end && wire_next(&w, &item))
        if (item.type == BYTES && item.field == GRAPH_NODE)
            read_node(a, item.part, depth, g);
}

static void read_set(struct arena *a, struct wire w, struct graph *g)
{
    struct wire_item item;
    struct operator_set s = { "", 0 };
    while (w.at < w.end && wire_next(&w, &item)) {
        if (item.field == SET_DOMAIN && item.type == BYTES)
            s.domain = text_of(a, item.part);
        if (item.field == SET_VERSION && item.type == VARINT)
            s.version = (int64_t)item.value;
    }
    if (g->n_sets < OPERATOR_SETS_MOST)
        g->sets[g->n_sets++] = s;
}

void graph_read(struct arena *a, const uint8_t *bytes, size_t n, struct graph *ret)
{
    struct wire w = { bytes, bytes + n };
    struct wire_item item;
    *ret = (struct graph){ .producer = "", .producer_version = "" };
    while (w.at < w.end && wire_next(&w, &item)) {
        if (item.field == MODEL_IR && item.type == VARINT)
            ret->ir_version = (int64_t)item.value;
        if (item.type != BYTES)
            continue;
        if (item.field == MODEL_PRODUCER)
            ret->producer = text_of(a, item.part);
        if (item.field == MODEL_PRODUCER_VERSION)
            ret->producer_version = text_of(a, item.part);
        if (item.field == MODEL_SETS)
            read_set(a, item.part, ret);
        if (item.field == MODEL_GRAPH)
            read_graph(a, item.part, 0, ret);
    }
}

bool graph_has(const struct graph *g, const char *op)
{
    for (size_t i = 0; i < g->n_operators; i++)
        if (strcmp(g->operators[i].name, op) == 0)
            return true;
    return false;
}

static const struct made *find(const struct graph *g, const char *output)
{
    for (size_t i = g->n_made; i-- > 0;)
        if (strcmp(g->made[i].name, output) == 0)
            return &g->made[i];
    return NULL;
}

const char *graph_last(const struct graph *g, const char *output)
{
    static const char *const passing[] = {
        "Cast", "Identity", "DequantizeLinear", "QuantizeLinear", "Squeeze", "Flatten", "Reshape"
    };
    enum { STEPS = 20 };
    const char *op = "";
    for (int step = 0; step < STEPS; step++) {
        const struct made *m = find(g, output);
        bool passes = false;
        op = m ? m->op : "";
        for (size_t i = 0; m && i < COUNT_OF(passing); i++)
            passes = passes || strcmp(passing[i], op) == 0;
        if (!passes)
            return op;
        output = m->from;
    }
    return op;
}
