#include "infer/tiny_test.h"
#include "base/arena.h"
#include <string.h>

/* Two that overlap much, one apart, one that leaves the input. */
const float tiny_boxes[TINY_ANCHORS][4] = {
    { 0.1F, 0.1F, 0.5F, 0.5F }, { 0.12F, 0.1F, 0.5F, 0.5F }, { 0.6F, 0.1F, 0.9F, 0.4F }, { 0.7F, 0.5F, 1.5F, 1.5F }
};
const float tiny_factors[TINY_ANCHORS] = { 0.9F, 0.8F, 0.5F, 0.3F };

static void *make(struct arena *a, const ProtobufCMessageDescriptor *kind)
{
    ProtobufCMessage *m = arena_take(a, kind->sizeof_message);
    protobuf_c_message_init(kind, m);
    return m;
}

/* Adds to a repeated field of any message. */
#define ADD(a, list, n, item)                                                                                                      \
    do {                                                                                                                           \
        void *new_ = arena_take(a, sizeof *(list) * ((n) + 1));                                                                    \
        if (n)                                                                                                                     \
            memcpy(new_, list, sizeof *(list) * (n));                                                                              \
        list = new_;                                                                                                               \
        (list)[(n)++] = item;                                                                                                      \
    } while (0)

static Onnx__TensorProto *tensor(struct arena *a, const char *name, const float *values, const int64_t *shape, size_t rank)
{
    Onnx__TensorProto *t = make(a, &onnx__tensor_proto__descriptor);
    size_t n = 1;
    t->name = arena_str(a, name);
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    for (size_t i = 0; i < rank; i++) {
        ADD(a, t->dims, t->n_dims, shape[i]);
        n *= (size_t)shape[i];
    }
    t->has_raw_data = 1;
    t->raw_data = (ProtobufCBinaryData){ n * sizeof(float), (uint8_t *)arena_copy(a, (const char *)values, n * sizeof(float)) };
    return t;
}

static Onnx__TensorProto *integers(struct arena *a, const char *name, const int64_t *values, size_t n)
{
    Onnx__TensorProto *t = make(a, &onnx__tensor_proto__descriptor);
    t->name = arena_str(a, name);
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    if (n != 1)
        ADD(a, t->dims, t->n_dims, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        ADD(a, t->int64_data, t->n_int64_data, values[i]);
    return t;
}

static Onnx__ValueInfoProto *value(struct arena *a, const char *name, int32_t type, const int64_t *shape, size_t rank)
{
    Onnx__ValueInfoProto *v = make(a, &onnx__value_info_proto__descriptor);
    v->name = arena_str(a, name);
    v->type = make(a, &onnx__type_proto__descriptor);
    v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    Onnx__TypeProto__Tensor *t = make(a, &onnx__type_proto__tensor__descriptor);
    v->type->tensor_type = t;
    t->has_elem_type = 1;
    t->elem_type = type;
    t->shape = make(a, &onnx__tensor_shape_proto__descriptor);
    for (size_t i = 0; i < rank; i++) {
        Onnx__TensorShapeProto__Dimension *d = make(a, &onnx__tensor_shape_proto__dimension__descriptor);
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = shape[i];
        ADD(a, t->shape->dim, t->shape->n_dim, d);
    }
    return v;
}

static Onnx__NodeProto *node(struct arena *a, Onnx__GraphProto *g, const char *op, const char *in1, const char *in2,
                             const char *out)
{
    Onnx__NodeProto *n = make(a, &onnx__node_proto__descriptor);
    n->op_type = arena_str(a, op);
    ADD(a, n->input, n->n_input, arena_str(a, in1));
    if (in2)
        ADD(a, n->input, n->n_input, arena_str(a, in2));
    ADD(a, n->output, n->n_output, arena_str(a, out));
    ADD(a, g->node, g->n_node, n);
    return n;
}

static void property(struct arena *a, Onnx__ModelProto *m, const char *key, const char *text)
{
    Onnx__StringStringEntryProto *p = make(a, &onnx__string_string_entry_proto__descriptor);
    p->key = arena_str(a, key);
    p->value = arena_str(a, text);
    ADD(a, m->metadata_props, m->n_metadata_props, p);
}

static void make_external(struct arena *a, Onnx__TensorProto *t, const char *where)
{
    Onnx__StringStringEntryProto *p = make(a, &onnx__string_string_entry_proto__descriptor);
    p->key = arena_str(a, "location");
    p->value = arena_str(a, where);
    ADD(a, t->external_data, t->n_external_data, p);
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->has_raw_data = 0;
}

static Onnx__TensorProto *boxes_tensor(struct arena *a)
{
    static const int64_t shape[] = { 1, TINY_ANCHORS, 4 };
    return tensor(a, "the_boxes", tiny_boxes[0], shape, 3);
}

/* scores[i][c] = factor[i] * mean of the image's colour c */
static void add_ours(struct arena *a, Onnx__GraphProto *g)
{
    static const int64_t one_row[] = { 1, 1, 3 }, factors_shape[] = { 1, TINY_ANCHORS, 1 };
    static const int64_t boxes_shape[] = { 1, TINY_ANCHORS, 4 }, scores_shape[] = { 1, TINY_ANCHORS, 3 };
    ADD(a, g->initializer, g->n_initializer, boxes_tensor(a));
    ADD(a, g->initializer, g->n_initializer, integers(a, "one_row", one_row, 3));
    ADD(a, g->initializer, g->n_initializer, tensor(a, "factors", tiny_factors, factors_shape, 3));
    node(a, g, "GlobalAveragePool", "images", NULL, "means");
    node(a, g, "Reshape", "means", "one_row", "colours");
    node(a, g, "Mul", "factors", "colours", "scores");
    node(a, g, "Identity", "the_boxes", NULL, "boxes");
    ADD(a, g->output, g->n_output, value(a, "boxes", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, boxes_shape, 3));
    ADD(a, g->output, g->n_output, value(a, "scores", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, scores_shape, 3));
}

/* "images" to "map", of an eighth of the size. */
static void add_convolutions(struct arena *a, Onnx__GraphProto *g)
{
    static const float same[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    static const int64_t shape[] = { 3, 3, 1, 1 };
    static const char *const values[] = { "images", "half", "quarter", "map" };
    ADD(a, g->initializer, g->n_initializer, tensor(a, "same", same, shape, 4));
    for (int i = 0; i < 3; i++) {
        Onnx__NodeProto *n = node(a, g, "Conv", values[i], "same", values[i + 1]);
        Onnx__AttributeProto *strides = make(a, &onnx__attribute_proto__descriptor);
        strides->name = arena_str(a, "strides");
        strides->has_type = 1;
        strides->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        ADD(a, strides->ints, strides->n_ints, 2);
        ADD(a, strides->ints, strides->n_ints, 2);
        ADD(a, n->attribute, n->n_attribute, strides);
    }
}

/* A classifier that says how red, green and blue an image is. */
static void add_classes(struct arena *a, Onnx__GraphProto *g, const char *from, const char *output)
{
    static const int64_t row[] = { 1, 3 };
    ADD(a, g->initializer, g->n_initializer, integers(a, "row", row, 2));
    node(a, g, "GlobalAveragePool", from, NULL, "means");
    node(a, g, "Reshape", "means", "row", output);
    ADD(a, g->output, g->n_output, value(a, output, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, row, 2));
}

/* Rows: centre x, y, width, height in pixels of the input; scores of three classes. */
static void add_yolo(struct arena *a, Onnx__GraphProto *g)
{
    static const int64_t shape[] = { 1, 7, TINY_ANCHORS };
    float rows[7][TINY_ANCHORS] = { 0 };
    for (int i = 0; i < TINY_ANCHORS; i++) {
        const float *b = tiny_boxes[i];
        rows[0][i] = (b[0] + b[2]) / 2 * TINY_SIDE;
        rows[1][i] = (b[1] + b[3]) / 2 * TINY_SIDE;
        rows[2][i] = (b[2] - b[0]) * TINY_SIDE;
        rows[3][i] = (b[3] - b[1]) * TINY_SIDE;
        rows[4 + i % 3][i] = tiny_factors[i];
    }
    ADD(a, g->initializer, g->n_initializer, tensor(a, "rows", rows[0], shape, 3));
    node(a, g, "Identity", "rows", NULL, "output0");
    ADD(a, g->output, g->n_output, value(a, "output0", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, 3));
}

static Onnx__GraphProto *body_of_loop(struct arena *a)
{
    Onnx__GraphProto *g = make(a, &onnx__graph_proto__descriptor);
    static const int64_t shape[] = { 1, TINY_ANCHORS, 4 };
    g->name = arena_str(a, "body");
    ADD(a, g->input, g->n_input, value(a, "turn", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, NULL, 0));
    ADD(a, g->input, g->n_input, value(a, "go_on", ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, NULL, 0));
    ADD(a, g->input, g->n_input, value(a, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, 3));
    node(a, g, "Identity", "go_on", NULL, "go_on_out");
    node(a, g, "Sin", "x", NULL, "x_out");
    ADD(a, g->output, g->n_output, value(a, "go_on_out", ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, NULL, 0));
    ADD(a, g->output, g->n_output, value(a, "x_out", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, 3));
    return g;
}

/* Puts a Loop between the constant and the output `boxes`. */
static void add_loop(struct arena *a, Onnx__GraphProto *g)
{
    static const int64_t turns = INT64_C(1) << 62;
    static const char nothing[] = "";
    ADD(a, g->initializer, g->n_initializer, integers(a, "turns", &turns, 1));
    Onnx__NodeProto *n = node(a, g, "Loop", "turns", nothing, "looped");
    ADD(a, n->input, n->n_input, arena_str(a, "the_boxes"));
    Onnx__AttributeProto *body = make(a, &onnx__attribute_proto__descriptor);
    body->name = arena_str(a, "body");
    body->has_type = 1;
    body->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    body->g = body_of_loop(a);
    ADD(a, n->attribute, n->n_attribute, body);
    Onnx__NodeProto *identity = g->node[3], *loop = g->node[4]; /* nodes stand in the order they run */
    identity->input[0] = arena_str(a, "looped");
    g->node[3] = loop;
    g->node[4] = identity;
}

static void add_huge(struct arena *a, Onnx__GraphProto *g)
{
    static const int64_t shape[] = { INT64_C(1) << 34, TINY_ANCHORS, 4 };
    ADD(a, g->initializer, g->n_initializer, integers(a, "huge", shape, 3));
    g->node[3]->op_type = arena_str(a, "Expand");
    ADD(a, g->node[3]->input, g->node[3]->n_input, arena_str(a, "huge"));
    g->output[0] = value(a, "boxes", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, shape, 3);
}

static Onnx__AttributeProto *attribute_with(struct arena *a, Onnx__TensorProto *t, Onnx__GraphProto *g)
{
    Onnx__AttributeProto *b = make(a, &onnx__attribute_proto__descriptor);
    b->name = arena_str(a, "value");
    b->t = t;
    b->g = g;
    return b;
}

static void hide_external(struct arena *a, Onnx__ModelProto *m, enum tiny_kind kind)
{
    Onnx__TensorProto *t = boxes_tensor(a);
    const char *where = kind >= TINY_APART ? "boxes.data" : "../../../etc/passwd";
    make_external(a, t, where);
    if (kind >= TINY_APART)
        kind = (enum tiny_kind)(kind - TINY_APART + TINY_EXTERNAL);
    Onnx__GraphProto *inner = make(a, &onnx__graph_proto__descriptor);
    if (kind == TINY_EXTERNAL) {
        make_external(a, m->graph->initializer[0], where);
    } else if (kind == TINY_EXTERNAL_SPARSE) {
        Onnx__SparseTensorProto *s = make(a, &onnx__sparse_tensor_proto__descriptor);
        s->values = t;
        ADD(a, m->graph->sparse_initializer, m->graph->n_sparse_initializer, s);
    } else if (kind == TINY_EXTERNAL_SUBGRAPH) {
        ADD(a, inner->initializer, inner->n_initializer, t);
        Onnx__NodeProto *n = m->graph->node[0];
        ADD(a, n->attribute, n->n_attribute, attribute_with(a, NULL, inner));
    } else if (kind == TINY_EXTERNAL_FUNCTION) {
        Onnx__FunctionProto *f = make(a, &onnx__function_proto__descriptor);
        Onnx__NodeProto *n = node(a, inner, "Constant", "", NULL, "y");
        ADD(a, n->attribute, n->n_attribute, attribute_with(a, t, NULL));
        ADD(a, f->node, f->n_node, n);
        ADD(a, m->functions, m->n_functions, f);
    }
}

void tiny_model(enum tiny_kind kind, uint8_t **ret, size_t *ret_n)
{
    AUTO(arena) struct arena *a = arena_new();
    static const int64_t input[] = { 1, 3, TINY_SIDE, TINY_SIDE };
    Onnx__ModelProto *m = make(a, &onnx__model_proto__descriptor);
    m->has_ir_version = 1;
    m->ir_version = 8;
    Onnx__OperatorSetIdProto *opset = make(a, &onnx__operator_set_id_proto__descriptor);
    opset->has_version = 1;
    opset->version = kind == TINY_FUTURE ? 999 : 13;
    ADD(a, m->opset_import, m->n_opset_import, opset);
    Onnx__GraphProto *g = m->graph = make(a, &onnx__graph_proto__descriptor);
    g->name = arena_str(a, "tiny");
    ADD(a, g->input, g->n_input, value(a, "images", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, input, 4));
    bool classes = kind == TINY_CLASSES || kind == TINY_CLASSES_COMMON || kind == TINY_CLASSES_WRONG || kind == TINY_SEEING;
    if (kind == TINY_SEEING)
        add_convolutions(a, g);
    if (classes)
        add_classes(a, g, kind == TINY_SEEING ? "map" : "images", kind == TINY_CLASSES ? "scores" : "output0");
    else if (kind == TINY_YOLO)
        add_yolo(a, g);
    else
        add_ours(a, g);
    if (kind == TINY_ENDLESS)
        add_loop(a, g);
    if (kind == TINY_HUGE)
        add_huge(a, g);
    if (kind == TINY_NAN)
        memset(g->initializer[0]->raw_data.data + 3 * 4 * sizeof(float), 0xff, sizeof(float));
    hide_external(a, m, kind);
    if (kind == TINY_YOLO)
        property(a, m, "names", "{0: 'red', 1: \"o'green\", 2: 'blue'}");
    else if (kind == TINY_CLASSES_WRONG)
        property(a, m, "names", "{0: 'red', 1: 'green'}");
    else if (kind != TINY_NO_NAMES)
        property(a, m, "names", "{\"0\":\"red\",\"1\":\"green\",\"2\":\"blue\"}");
    property(a, m, "imgsz", "[64, 64]");
    property(a, m, "task", classes ? "classify" : "detect");
    if (kind == TINY_CLASSES)
        property(a, m, "saccade",
                 "{\"version\":1,\"input\":{\"color\":\"RGB\",\"layout\":\"NCHW\",\"resize\":\"stretch\",\"pad\":0,"
                 "\"scale\":0.00392156862745098,\"mean\":[0,0,0],\"std\":[1,1,1]},\"output\":{\"scores\":\"probabilities\"}}");
    else if (!classes && kind != TINY_YOLO && kind != TINY_NO_NAMES)
        property(a, m, "saccade",
                 "{\"version\":1,\"input\":{\"color\":\"RGB\",\"layout\":\"NCHW\",\"resize\":\"letterbox\",\"pad\":0,"
                 "\"scale\":0.00392156862745098,\"mean\":[0,0,0],\"std\":[1,1,1]},"
                 "\"output\":{\"boxes\":\"xyxy\",\"unit\":\"fraction\",\"nms_iou\":0.6,\"max_detections\":300}}");
    *ret_n = onnx__model_proto__get_packed_size(m);
    *ret = heap_take(*ret_n);
    onnx__model_proto__pack(m, *ret);
}
