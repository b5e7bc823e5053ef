#include "infer/features.h"
#include "base/arena.h"
#include "infer/wire.h"
#include <stdlib.h>
#include <string.h>

/* Fields of onnx.proto. */
enum { MODEL_GRAPH = 7, MODEL_METADATA = 14, GRAPH_NODE = 1, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_INTS = 8, PAIR_KEY = 1, PAIR_VALUE = 2, VALUE_NAME = 1, VALUE_TYPE = 2 };
enum { VALUES = 1 << 16, NODES_MOST = 40000, CONVOLUTIONS_LEAST = 3, STRIDE_MOST = 1 << 20 };

/* What an operator makes of a feature map. */
enum kind { OTHER, ALIKE, CONVOLUTION, POOL, GROWING, AVERAGE };
static const struct {
    const char *op;
    enum kind kind;
    bool apart; /* never melted with what is before it */
} ops[] = {
    { "Conv", CONVOLUTION, true },
    { "MaxPool", POOL, true },
    { "AveragePool", POOL, true },
    { "Resize", GROWING, true },
    { "Upsample", GROWING, true },
    { "ConvTranspose", GROWING, true },
    { "GlobalAveragePool", AVERAGE, true },
    { "GlobalMaxPool", AVERAGE, true },
    { "ReduceMean", AVERAGE, true },
    { "Flatten", OTHER, true },
    { "Concat", ALIKE, true },
    { "BatchNormalization", ALIKE },
    { "InstanceNormalization", ALIKE },
    { "Relu", ALIKE },
    { "LeakyRelu", ALIKE },
    { "PRelu", ALIKE },
    { "Elu", ALIKE },
    { "Clip", ALIKE },
    { "Sigmoid", ALIKE },
    { "HardSigmoid", ALIKE },
    { "HardSwish", ALIKE },
    { "Mish", ALIKE },
    { "Tanh", ALIKE },
    { "Softplus", ALIKE },
    { "Mul", ALIKE },
    { "Add", ALIKE },
    { "Sub", ALIKE },
    { "Div", ALIKE },
    { "Max", ALIKE },
    { "Min", ALIKE },
    { "Sum", ALIKE },
    { "Pad", ALIKE },
    { "Slice", ALIKE },
    { "Split", ALIKE },
    { "Dropout", ALIKE },
    { "Identity", ALIKE },
};

/* A value that was made of the image. */
struct seen {
    struct wire name;
    uint64_t stride;
    int convolutions, number; /* number: of the node that made it */
    bool map;                 /* places and channels; else its shape was changed, and a convolution alone can tell */
    bool averaged, grown;     /* over all places; from a smaller map */
    bool read, apart;         /* read by a node, and by none that is melted with what is before */
};
struct scan {
    struct seen *values; /* by the hash of the name; VALUES */
    int n_values, n_nodes, first_grown;
};
struct step {
    enum kind kind;
    bool apart;
    uint64_t stride;
};

static bool same(struct wire a, struct wire b)
{
    size_t n = (size_t)(a.end - a.at);
    return n == (size_t)(b.end - b.at) && memcmp(a.at, b.at, n) == 0;
}

static bool is(struct wire a, const char *text)
{
    return same(a, (struct wire){ (const uint8_t *)text, (const uint8_t *)text + strlen(text) });
}

/* The place of that name: the value, or a free one. */
static struct seen *place(struct scan *s, struct wire name)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    for (const uint8_t *b = name.at; b < name.end; b++)
        hash = (hash ^ *b) * 1099511628211ULL;
    size_t i = (size_t)(hash >> 32) % VALUES;
    while (s->values[i].name.at && !same(s->values[i].name, name))
        i = (i + 1) % VALUES;
    return &s->values[i];
}

static struct seen *find(struct scan *s, struct wire name)
{
    struct seen *v = name.at == name.end ? NULL : place(s, name);
    return v && v->name.at ? v : NULL;
}

/* The part of that field, the first one. */
static bool part_of(struct wire w, uint32_t field, struct wire *ret)
{
    struct wire_item item;
    while (w.at < w.end && wire_next(&w, &item))
        if (item.field == field && item.type == BYTES) {
            *ret = item.part;
            return true;
        }
    return false;
}

/* ---- one node */

/* Strides are alike in both directions. Lists of numbers may be packed or not. */
static uint64_t first_number(struct wire attribute)
{
    struct wire_item item;
    uint64_t value = 1;
    while (attribute.at < attribute.end && wire_next(&attribute, &item))
        if (item.field == ATTRIBUTE_INTS)
            return item.type == VARINT ? item.value : item.type == BYTES && wire_varint(&item.part, 10, &value) ? value : 1;
    return 1;
}

static struct step step_of(struct wire node)
{
    struct step ret = { OTHER, false, 1 };
    struct wire_item item;
    struct wire name;
    while (node.at < node.end && wire_next(&node, &item)) {
        if (item.type != BYTES)
            continue;
        for (size_t i = 0; item.field == NODE_OP && i < COUNT_OF(ops); i++)
            if (is(item.part, ops[i].op)) {
                ret.kind = ops[i].kind;
                ret.apart = ops[i].apart;
            }
        if (item.field == NODE_ATTRIBUTE && part_of(item.part, ATTRIBUTE_NAME, &name) && is(name, "strides"))
            ret.stride = first_number(item.part);
    }
    ret.stride = ret.stride < 1 || ret.stride > 64 ? 1 : ret.stride;
    return ret;
}

/* What all inputs together are; the values are marked as read. */
static bool read_inputs(struct scan *s, struct wire node, const struct step *step, struct seen *ret)
{
    struct wire_item item;
    bool any = false;
    *ret = (struct seen){ .stride = 1, .averaged = true };
    while (node.at < node.end && wire_next(&node, &item)) {
        struct seen *v = item.field == NODE_INPUT && item.type == BYTES ? find(s, item.part) : NULL;
        if (!v)
            continue;
        any = true;
        v->apart = step->apart && (v->apart || !v->read);
        v->read = true;
        ret->map = ret->map || v->map;
        ret->grown = ret->grown || v->grown;
        ret->averaged = ret->averaged && v->averaged;
        ret->convolutions = v->convolutions > ret->convolutions ? v->convolutions : ret->convolutions;
        ret->stride = v->stride > ret->stride && !v->averaged ? v->stride : ret->stride;
    }
    return any;
}

static void change(struct scan *s, const struct step *step, struct seen *v)
{
    switch (step->kind) {
    case CONVOLUTION:
        v->map = !v->averaged;
        v->convolutions++;
        v->stride *= step->stride;
        break;
    case POOL: v->stride *= step->stride; break;
    case GROWING: /* before any convolution it only brings the image to a size */
        v->grown = v->grown || v->convolutions > 0;
        s->first_grown = v->grown && s->n_nodes < s->first_grown ? s->n_nodes : s->first_grown;
        break;
    case AVERAGE:
        v->map = false;
        v->averaged = true;
        break;
    case ALIKE: break;
    case OTHER: v->map = false; break;
    }
    v->stride = v->stride > STRIDE_MOST ? STRIDE_MOST : v->stride;
}

static void read_node(struct scan *s, struct wire node)
{
    struct step step = step_of(node);
    struct seen v;
    struct wire_item item;
    s->n_nodes++;
    if (!read_inputs(s, node, &step, &v))
        return;
    change(s, &step, &v);
    v.number = s->n_nodes;
    while (node.at < node.end && wire_next(&node, &item))
        if (item.field == NODE_OUTPUT && item.type == BYTES && item.part.at < item.part.end && s->n_values < VALUES / 2) {
            struct seen *at = place(s, item.part);
            s->n_values += !at->name.at;
            *at = v;
            at->name = item.part;
        }
}

/* ---- the graph */

static const struct seen *best_of(const struct scan *s)
{
    const struct seen *best = NULL;
    for (const struct seen *v = s->values; v < s->values + VALUES; v++) {
        bool fits = v->name.at && v->map && !v->grown && v->read && v->apart && v->convolutions >= CONVOLUTIONS_LEAST &&
                    v->number < s->first_grown;
        if (fits && (!best || v->stride > best->stride || (v->stride == best->stride && v->number > best->number)))
            best = v;
    }
    return best;
}

static bool give(struct wire name, char ret[FEATURES_NAME])
{
    size_t n = (size_t)(name.end - name.at);
    if (n < 1 || n >= FEATURES_NAME || memchr(name.at, 0, n))
        return false;
    memcpy(ret, name.at, n);
    ret[n] = 0;
    return true;
}

static bool find_in(struct wire graph, char ret[FEATURES_NAME])
{
    struct wire input, all = graph;
    struct wire_item item;
    struct scan s = { .first_grown = NODES_MOST + 1 };
    if (!part_of(graph, GRAPH_INPUT, &input) || !part_of(input, VALUE_NAME, &input) || input.at == input.end)
        return false;
    s.values = heap_take(VALUES * sizeof *s.values);
    *place(&s, input) = (struct seen){ .name = input, .stride = 1, .map = true };
    while (all.at < all.end && s.n_nodes < NODES_MOST && wire_next(&all, &item))
        if (item.field == GRAPH_NODE && item.type == BYTES)
            read_node(&s, item.part);
    const struct seen *best = all.at == all.end ? best_of(&s) : NULL;
    bool found = best && give(best->name, ret);
    free(s.values);
    return found;
}

/* A value that a node gives, or it would be the file that is refused. */
static bool is_made(struct wire graph, struct wire name)
{
    struct wire_item item, of_node;
    while (graph.at < graph.end && wire_next(&graph, &item))
        while (item.field == GRAPH_NODE && item.type == BYTES && item.part.at < item.part.end && wire_next(&item.part, &of_node))
            if (of_node.field == NODE_OUTPUT && of_node.type == BYTES && same(of_node.part, name))
                return true;
    return false;
}

bool features_find(const uint8_t *bytes, size_t n, char ret[FEATURES_NAME])
{
    struct wire model = { bytes, bytes + n }, graph = { 0 }, named = { 0 }, key;
    struct wire_item item;
    int graphs = 0;
    while (model.at < model.end && wire_next(&model, &item)) {
        if (item.type != BYTES)
            continue;
        if (item.field == MODEL_GRAPH) {
            graph = item.part;
            graphs++;
        }
        if (item.field == MODEL_METADATA && part_of(item.part, PAIR_KEY, &key) && is(key, "features") &&
            !part_of(item.part, PAIR_VALUE, &named))
            return false;
    }
    if (graphs != 1)
        return false;
    return named.at ? is_made(graph, named) && give(named, ret) : find_in(graph, ret);
}

/* ---- one more output */

struct piece {
    uint8_t bytes[4 * FEATURES_NAME];
    size_t n;
};

static void put(struct piece *p, uint32_t field, const void *bytes, size_t n)
{
    p->bytes[p->n++] = (uint8_t)(field << 3 | BYTES);
    for (size_t rest = n;; rest >>= 7) { /* a varint */
        p->bytes[p->n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        if (rest <= 0x7f)
            break;
    }
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

static void put_text(struct piece *p, uint32_t field, const char *text)
{
    put(p, field, text, strlen(text));
}

/* A message that comes in two pieces is both together, and lists go on: so a node and an output are added to a graph by writing
 * them behind the file. */
enum err features_add(const uint8_t *bytes, size_t n, const char *name, uint8_t **ret, size_t *ret_n)
{
    static const uint8_t float_tensor[] = { 1 << 3 | BYTES, 2, 1 << 3 | VARINT,
                                            1 }; /* TypeProto: tensor_type { elem_type: FLOAT } */
    struct piece node = { .n = 0 }, output = { .n = 0 }, graph = { .n = 0 }, model = { .n = 0 };
    put_text(&node, NODE_INPUT, name);
    put_text(&node, NODE_OUTPUT, FEATURES_OUTPUT);
    put_text(&node, NODE_NAME, FEATURES_OUTPUT);
    put_text(&node, NODE_OP, "GlobalAveragePool");
    put_text(&output, VALUE_NAME, FEATURES_OUTPUT);
    put(&output, VALUE_TYPE, float_tensor, sizeof float_tensor);
    put(&graph, GRAPH_NODE, node.bytes, node.n);
    put(&graph, GRAPH_OUTPUT, output.bytes, output.n);
    put(&model, MODEL_GRAPH, graph.bytes, graph.n);
    void *all = NULL;
    TRY(big_take(n + model.n, SIZE_MAX, "a model with its features", &all));
    memcpy(all, bytes, n);
    memcpy((uint8_t *)all + n, model.bytes, model.n);
    *ret = all;
    *ret_n = n + model.n;
    return OK;
}
