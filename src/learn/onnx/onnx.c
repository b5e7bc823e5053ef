#include "learn/onnx/onnx.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 8, OPSET = 13, FILE_CAP = 1 << 30, IO_MOST = 8, METADATA_MOST = 8, ATTRIBUTES_MOST = 8 };

#define NEW(o, type, init)                                                                                                         \
    __extension__({                                                                                                                \
        type *new_ = arena_take((o)->arena, sizeof *new_);                                                                         \
        init(new_);                                                                                                                \
        new_;                                                                                                                      \
    })

void onnx_init(struct onnx *o, struct arena *a)
{
    memset(o, 0, sizeof *o);
    o->arena = a;
    onnx__model_proto__init(&o->model);
    onnx__graph_proto__init(&o->graph);
    o->model.has_ir_version = 1;
    o->model.ir_version = IR_VERSION;
    o->model.producer_name = arena_str(a, "saccade");
    o->model.graph = &o->graph;
    o->graph.name = arena_str(a, "network");
    o->graph.input = arena_new_array(a, Onnx__ValueInfoProto *, IO_MOST);
    o->graph.output = arena_new_array(a, Onnx__ValueInfoProto *, IO_MOST);
    o->model.metadata_props = arena_new_array(a, Onnx__StringStringEntryProto *, METADATA_MOST);
    Onnx__OperatorSetIdProto *set = NEW(o, Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init);
    set->domain = arena_str(a, "");
    set->has_version = 1;
    set->version = OPSET;
    o->model.opset_import = arena_new_array(a, Onnx__OperatorSetIdProto *, 1);
    o->model.opset_import[0] = set;
    o->model.n_opset_import = 1;
}

/* A longer copy of an array of pointers in the arena, when it is full. */
static void *grow(struct onnx *o, void *old, size_t n, size_t *room)
{
    if (n < *room)
        return old;
    *room = *room ? *room * 2 : 64;
    void **more = arena_new_array(o->arena, void *, *room);
    if (n)
        memcpy(more, old, n * sizeof *more);
    return more;
}

const char *onnx_node(struct onnx *o, const char *op, const char *const *in, size_t n_in)
{
    struct arena *a = o->arena;
    Onnx__NodeProto *node = NEW(o, Onnx__NodeProto, onnx__node_proto__init);
    node->op_type = arena_str(a, op);
    node->name = arena_fmt(a, "%s_%zu", op, o->made++);
    node->input = arena_new_array(a, char *, n_in);
    for (size_t i = 0; i < n_in; i++)
        node->input[i] = arena_str(a, in[i]);
    node->n_input = n_in;
    node->output = arena_new_array(a, char *, 1);
    node->output[0] = arena_fmt(a, "%s_out", node->name);
    node->n_output = 1;
    node->attribute = arena_new_array(a, Onnx__AttributeProto *, ATTRIBUTES_MOST);
    o->graph.node = grow(o, o->graph.node, o->graph.n_node, &o->room_nodes);
    o->graph.node[o->graph.n_node++] = node;
    return node->output[0];
}

static Onnx__NodeProto *last(struct onnx *o)
{
    return o->graph.node[o->graph.n_node - 1];
}

static Onnx__AttributeProto *attribute(struct onnx *o, const char *name, Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *p = NEW(o, Onnx__AttributeProto, onnx__attribute_proto__init);
    p->name = arena_str(o->arena, name);
    p->has_type = 1;
    p->type = type;
    Onnx__NodeProto *node = last(o);
    node->attribute[node->n_attribute++] = p;
    return p;
}

void onnx_int(struct onnx *o, const char *name, int64_t v)
{
    Onnx__AttributeProto *p = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    p->has_i = 1;
    p->i = v;
}

void onnx_float(struct onnx *o, const char *name, float v)
{
    Onnx__AttributeProto *p = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    p->has_f = 1;
    p->f = v;
}

void onnx_ints(struct onnx *o, const char *name, const int64_t *v, size_t n)
{
    Onnx__AttributeProto *p = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    p->ints = arena_new_array(o->arena, int64_t, n);
    memcpy(p->ints, v, n * sizeof *v);
    p->n_ints = n;
}

void onnx_word(struct onnx *o, const char *name, const char *v)
{
    Onnx__AttributeProto *p = attribute(o, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    p->has_s = 1;
    p->s.data = (uint8_t *)arena_str(o->arena, v);
    p->s.len = strlen(v);
}

void onnx_rename(struct onnx *o, const char *output)
{
    last(o)->output[0] = arena_str(o->arena, output);
}

static const char *constant(struct onnx *o, int32_t type, const int64_t *dims, size_t n_dims, const void *data, size_t bytes)
{
    Onnx__TensorProto *t = NEW(o, Onnx__TensorProto, onnx__tensor_proto__init);
    t->name = arena_fmt(o->arena, "constant_%zu", o->made++);
    t->has_data_type = 1;
    t->data_type = type;
    t->dims = arena_new_array(o->arena, int64_t, n_dims + 1);
    if (n_dims)
        memcpy(t->dims, dims, n_dims * sizeof *dims);
    t->n_dims = n_dims;
    t->has_raw_data = 1;
    t->raw_data.data = arena_take(o->arena, bytes + 1);
    t->raw_data.len = bytes;
    memcpy(t->raw_data.data, data, bytes);
    o->graph.initializer = grow(o, o->graph.initializer, o->graph.n_initializer, &o->room_constants);
    o->graph.initializer[o->graph.n_initializer++] = t;
    return t->name;
}

const char *onnx_floats(struct onnx *o, const int64_t *dims, size_t n_dims, const float *data)
{
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++)
        n *= (size_t)dims[i];
    return constant(o, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims, n_dims, data, n * sizeof *data);
}

const char *onnx_int64s(struct onnx *o, const int64_t *values, size_t n)
{
    return constant(o, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, (int64_t[]){ (int64_t)n }, 1, values, n * sizeof *values);
}

static Onnx__ValueInfoProto *value(struct onnx *o, const char *name, const int64_t *dims, size_t n)
{
    Onnx__ValueInfoProto *v = NEW(o, Onnx__ValueInfoProto, onnx__value_info_proto__init);
    v->name = arena_str(o->arena, name);
    v->type = NEW(o, Onnx__TypeProto, onnx__type_proto__init);
    v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    Onnx__TypeProto__Tensor *t = v->type->tensor_type = NEW(o, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);
    t->has_elem_type = 1;
    t->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->shape = NEW(o, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
    t->shape->dim = arena_new_array(o->arena, Onnx__TensorShapeProto__Dimension *, n);
    for (size_t i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *d = NEW(o, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init);
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = dims[i];
        t->shape->dim[t->shape->n_dim++] = d;
    }
    return v;
}

void onnx_input(struct onnx *o, const char *name, const int64_t *dims, size_t n)
{
    o->graph.input[o->graph.n_input++] = value(o, name, dims, n);
}
void onnx_output(struct onnx *o, const char *name, const int64_t *dims, size_t n)
{
    o->graph.output[o->graph.n_output++] = value(o, name, dims, n);
}

void onnx_metadata(struct onnx *o, const char *key, const char *text)
{
    Onnx__StringStringEntryProto *p = NEW(o, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
    p->key = arena_str(o->arena, key);
    p->value = arena_str(o->arena, text);
    o->model.metadata_props[o->model.n_metadata_props++] = p;
}

enum err onnx_save(struct onnx *o, const char *path)
{
    size_t n = onnx__model_proto__get_packed_size(&o->model);
    void *bytes = NULL;
    TRY(big_take(n, FILE_CAP, "an ONNX file", &bytes));
    onnx__model_proto__pack(&o->model, bytes);
    enum err e = file_write(path, bytes, n, 0644);
    free(bytes);
    return e;
}
