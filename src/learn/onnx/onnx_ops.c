#include "learn/onnx/onnx_ops.h"
#include <math.h>
#include <string.h>

/* What the rows are given. */
struct writer {
    struct onnx *o;
    struct onnx_names *names;
    struct graph *graph;
};

const char *onnx_name_of(const struct onnx_names *names, const struct tensor *t)
{
    for (size_t i = names->n; i > 0; i--)
        if (names->tensor[i - 1] == t)
            return names->name[i - 1];
    return NULL;
}
void onnx_set_name(struct onnx_names *names, const struct tensor *t, const char *name)
{
    names->tensor[names->n] = t;
    names->name[names->n++] = name;
}
static const char *input(const struct writer *w, const struct node *n, int i)
{
    return onnx_name_of(w->names, n->in[i]);
}
static const char *number(struct writer *w, float v)
{
    return onnx_floats(w->o, NULL, 0, &v);
}

const char *onnx_slice(struct onnx *o, const char *x, int64_t start, int64_t end, int64_t axis, int64_t step)
{
    return ONNX(o, "Slice", x, onnx_int64s(o, &start, 1), onnx_int64s(o, &end, 1), onnx_int64s(o, &axis, 1),
                onnx_int64s(o, &step, 1));
}
const char *onnx_concat(struct onnx *o, const char *const *x, size_t n, int64_t axis)
{
    const char *out = onnx_node(o, "Concat", x, n);
    onnx_int(o, "axis", axis);
    return out;
}

/* The batch norm that follows, if nothing else sees the convolution's output. */
static const struct node *norm_after(const struct writer *w, const struct node *conv)
{
    const struct node *found = NULL;
    int users = 0;
    for (const struct node *n = graph_nodes(w->graph); n; n = n->next)
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] == &conv->out) {
                users++;
                found = strcmp(node_kind(n), "batch_norm") == 0 ? n : NULL;
            }
    return users == 1 ? found : NULL;
}

/* What a batch norm does to each channel: x * scale + shift (Ioffe & Szegedy 2015, with running statistics). */
struct norm_lines {
    float *scale, *shift;
};
static struct norm_lines norm_lines(const struct node *bn, int channels, struct arena *a)
{
    struct norm_lines r = { arena_new_array(a, float, channels), arena_new_array(a, float, channels) };
    const float *p[4] = { 0 };
    for (int i = 0; bn && i < 4; i++)
        p[i] = tensor_copy(&bn->params[i]->value, a);
    for (int c = 0; c < channels; c++) {
        r.scale[c] = bn ? p[0][c] / sqrtf(p[3][c] + bn->attr.epsilon) : 1;
        r.shift[c] = bn ? p[1][c] - p[2][c] * r.scale[c] : 0;
    }
    return r;
}

/* What convolutions and pools have in common. */
static void write_windows(struct writer *w, const struct node *n)
{
    const struct attr *a = &n->attr;
    const struct tensor *x = n->in[0], *y = &n->out;
    int bottom = padding_after(x->h, y->h, a, a->top), right = padding_after(x->w, y->w, a, a->left);
    onnx_ints(w->o, "kernel_shape", (int64_t[]){ a->kernel, a->kernel }, 2);
    onnx_ints(w->o, "strides", (int64_t[]){ a->stride, a->stride }, 2);
    if (a->dilation > 1) /* which an AveragePool cannot be told */
        onnx_ints(w->o, "dilations", (int64_t[]){ a->dilation, a->dilation }, 2);
    onnx_ints(w->o, "pads", (int64_t[]){ a->top, a->left, bottom > 0 ? bottom : 0, right > 0 ? right : 0 }, 4);
}

static const char *write_conv(struct writer *w, const struct node *n)
{
    const struct node *norm = norm_after(w, n);
    const struct tensor *k = &n->params[0]->value; /* out, kernel, kernel, in */
    size_t area = (size_t)k->h * (size_t)k->w, in = (size_t)k->c, count = tensor_count(k);
    float *weight = arena_new_array(w->o->arena, float, count), *bias = arena_new_array(w->o->arena, float, k->n);
    AUTO(arena) struct arena *a = arena_new();
    const float *own = tensor_copy(k, a), *own_bias = n->params[1] ? tensor_copy(&n->params[1]->value, a) : NULL;
    struct norm_lines line = norm_lines(norm, k->n, a);
    for (int c = 0; c < k->n; c++) {
        for (size_t p = 0; p < area; p++)
            for (size_t i = 0; i < in; i++)
                weight[((size_t)c * in + i) * area + p] = own[((size_t)c * area + p) * in + i] * line.scale[c];
        bias[c] = line.shift[c] + (own_bias ? own_bias[c] * line.scale[c] : 0);
    }
    const char *weights = onnx_floats(w->o, (int64_t[]){ k->n, k->c, k->h, k->w }, 4, weight);
    const char *biases = onnx_floats(w->o, (int64_t[]){ k->n }, 1, bias);
    const char *out = ONNX(w->o, "Conv", input(w, n, 0), weights, biases);
    write_windows(w, n);
    onnx_int(w->o, "group", n->attr.groups);
    if (norm)
        onnx_set_name(w->names, &norm->out, out);
    return out;
}

static const char *write_conv_transpose(struct writer *w, const struct node *n)
{
    const struct tensor *k = &n->params[0]->value, *x = n->in[0], *y = &n->out; /* weights: out, kernel, kernel, in */
    const struct attr *a = &n->attr;
    size_t area = (size_t)k->h * (size_t)k->w, in = (size_t)k->c, outs = (size_t)k->n;
    float *weight = arena_new_array(w->o->arena, float, tensor_count(k)), *bias = arena_new_array(w->o->arena, float, k->n);
    AUTO(arena) struct arena *own_arena = arena_new();
    const float *own = tensor_copy(k, own_arena), *own_bias = n->params[1] ? tensor_copy(&n->params[1]->value, own_arena) : NULL;
    for (size_t c = 0; c < outs; c++) {
        for (size_t p = 0; p < area; p++)
            for (size_t i = 0; i < in; i++)
                weight[(i * outs + c) * area + p] = own[(c * area + p) * in + i];
        bias[c] = own_bias ? own_bias[c] : 0;
    }
    const char *out =
        ONNX(w->o, "ConvTranspose", input(w, n, 0), onnx_floats(w->o, (int64_t[]){ k->c, k->n, k->h, k->w }, 4, weight),
             onnx_floats(w->o, (int64_t[]){ k->n }, 1, bias));
    onnx_ints(w->o, "kernel_shape", (int64_t[]){ a->kernel, a->kernel }, 2);
    onnx_ints(w->o, "strides", (int64_t[]){ a->stride, a->stride }, 2);
    onnx_ints(w->o, "pads",
              (int64_t[]){ a->top, a->left, padding_after(y->h, x->h, a, a->top), padding_after(y->w, x->w, a, a->left) }, 4);
    return out;
}

/* A batch norm that could not be folded: a multiplication and an addition for each channel. */
static const char *write_norm(struct writer *w, const struct node *n)
{
    if (onnx_name_of(w->names, &n->out))
        return onnx_name_of(w->names, &n->out);
    int channels = n->out.c;
    struct norm_lines line = norm_lines(n, channels, w->o->arena);
    const char *x = ONNX(w->o, "Mul", input(w, n, 0), onnx_floats(w->o, (int64_t[]){ 1, channels, 1, 1 }, 4, line.scale));
    return ONNX(w->o, "Add", x, onnx_floats(w->o, (int64_t[]){ 1, channels, 1, 1 }, 4, line.shift));
}

static const char *write_max_pool(struct writer *w, const struct node *n)
{
    const char *out = ONNX(w->o, "MaxPool", input(w, n, 0));
    write_windows(w, n);
    return out;
}
static const char *write_avg_pool(struct writer *w, const struct node *n)
{
    const char *out = ONNX(w->o, "AveragePool", input(w, n, 0));
    write_windows(w, n);
    return out;
}

static const char *write_upsample(struct writer *w, const struct node *n)
{
    float s = (float)n->attr.scale, scales[4] = { 1, 1, s, s };
    const char *out = ONNX(w->o, "Resize", input(w, n, 0), "", onnx_floats(w->o, (int64_t[]){ 4 }, 1, scales));
    onnx_word(w->o, "mode", "nearest");
    onnx_word(w->o, "coordinate_transformation_mode", "asymmetric");
    onnx_word(w->o, "nearest_mode", "floor");
    return out;
}

static const char *write_resize(struct writer *w, const struct node *n)
{
    const char *sizes = onnx_int64s(w->o, (int64_t[]){ n->out.n, n->out.c, n->out.h, n->out.w }, 4);
    const char *out = ONNX(w->o, "Resize", input(w, n, 0), "", "", sizes);
    onnx_word(w->o, "mode", n->attr.bilinear ? "linear" : "nearest");
    onnx_word(w->o, "coordinate_transformation_mode", "half_pixel");
    onnx_word(w->o, "nearest_mode", "round_prefer_ceil");
    return out;
}

/* The four pixels of 2 × 2 in the order of nn_space_to_depth(). */
static const char *write_space_to_depth(struct writer *w, const struct node *n)
{
    static const struct {
        int y, x;
    } at[4] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } };
    const char *part[4], *x = input(w, n, 0);
    for (int i = 0; i < 4; i++)
        part[i] = onnx_slice(w->o, onnx_slice(w->o, x, at[i].y, n->in[0]->h, 2, 2), at[i].x, n->in[0]->w, 3, 2);
    return onnx_concat(w->o, part, 4, 1);
}

static const char *write_concat(struct writer *w, const struct node *n)
{
    const char *part[ONNX_INPUTS];
    for (int i = 0; i < n->n_in; i++)
        part[i] = input(w, n, i);
    return onnx_concat(w->o, part, (size_t)n->n_in, 1);
}

static const char *write_slice(struct writer *w, const struct node *n)
{
    return onnx_slice(w->o, input(w, n, 0), n->attr.first, n->attr.first + n->out.c, 1, 1);
}

static const char *write_weighted_sum(struct writer *w, const struct node *n)
{
    float weight[ONNX_INPUTS];
    const char *sum = NULL;
    node_sum_weights(n, weight);
    for (int i = 0; i < n->n_in; i++) {
        const char *part = ONNX(w->o, "Mul", input(w, n, i), number(w, weight[i]));
        sum = sum ? ONNX(w->o, "Add", sum, part) : part;
    }
    return sum;
}

static const char *write_silu(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Mul", input(w, n, 0), ONNX(w->o, "Sigmoid", input(w, n, 0)));
}
static const char *hard_sigmoid(struct writer *w, const struct node *n)
{
    const char *out = ONNX(w->o, "HardSigmoid", input(w, n, 0));
    onnx_float(w->o, "alpha", 1.0f / 6);
    onnx_float(w->o, "beta", 0.5f);
    return out;
}
static const char *write_hard_swish(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Mul", input(w, n, 0), hard_sigmoid(w, n));
}
static const char *write_relu6(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Clip", input(w, n, 0), number(w, 0), number(w, 6));
}
static const char *write_relu(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Relu", input(w, n, 0));
}
static const char *write_sigmoid(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Sigmoid", input(w, n, 0));
}
static const char *write_add(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Add", input(w, n, 0), input(w, n, 1));
}
static const char *write_mul(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "Mul", input(w, n, 0), input(w, n, 1));
}
static const char *write_global_pool(struct writer *w, const struct node *n)
{
    return ONNX(w->o, "GlobalAveragePool", input(w, n, 0));
}

static const char *write_softmax(struct writer *w, const struct node *n)
{
    const char *out = ONNX(w->o, "Softmax", input(w, n, 0));
    onnx_int(w->o, "axis", 1);
    return out;
}
static const char *write_nothing(struct writer *w, const struct node *n) /* what training alone does */
{
    return input(w, n, 0);
}

static const struct row {
    const char *kind;
    const char *(*write)(struct writer *, const struct node *); /* answers the name of the output */
} rows[] = {
    { "conv2d", write_conv },
    { "batch_norm", write_norm },
    { "silu", write_silu },
    { "relu", write_relu },
    { "relu6", write_relu6 },
    { "sigmoid", write_sigmoid },
    { "hard_swish", write_hard_swish },
    { "hard_sigmoid", hard_sigmoid },
    { "add", write_add },
    { "mul", write_mul },
    { "weighted_sum", write_weighted_sum },
    { "concat", write_concat },
    { "slice", write_slice },
    { "max_pool", write_max_pool },
    { "avg_pool", write_avg_pool },
    { "global_pool", write_global_pool },
    { "upsample", write_upsample },
    { "resize", write_resize },
    { "conv_transpose", write_conv_transpose },
    { "softmax", write_softmax },
    { "dropout", write_nothing },
    { "drop_path", write_nothing },
    { "space_to_depth", write_space_to_depth },
};

static const struct row *row_of(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return &rows[i];
    return NULL;
}
bool onnx_writes(const char *kind)
{
    return row_of(kind) != NULL;
}

enum err onnx_write_nodes(struct onnx *o, struct onnx_names *names, struct graph *g)
{
    struct writer w = { o, names, g };
    for (const struct node *n = graph_nodes(g); n; n = n->next) {
        const struct row *row = row_of(node_kind(n));
        if (names->n + 2 > ONNX_TENSORS_MOST)
            return fail(E_TOO_BIG, "the network has more than %d layers", ONNX_TENSORS_MOST - 2);
        if (!row)
            return fail(E_BROKEN, "the layer \"%s\" cannot be written to ONNX", node_kind(n));
        onnx_set_name(names, &n->out, row->write(&w, n));
    }
    return OK;
}
