#include "learn/onnx_write.h"
#include "learn/augment.h"
#include "learn/onnx.h"
#include <math.h>
#include <string.h>

enum { TEXT_CAP = 1 << 20, NODES_MOST = 4096 };
static const double NMS_IOU = 0.6;
enum { DETECTIONS_MOST = 300 };

/* Which ONNX value holds a tensor of the network. */
struct names {
    const struct tensor *tensor[NODES_MOST];
    const char *name[NODES_MOST];
    size_t n;
};
struct writer {
    struct onnx o;
    struct names names;
    const struct network *net;
};

static const char *name_of(const struct writer *w, const struct tensor *t)
{
    for (size_t i = w->names.n; i > 0; i--)
        if (w->names.tensor[i - 1] == t)
            return w->names.name[i - 1];
    return NULL;
}
static void set_name(struct writer *w, const struct tensor *t, const char *name)
{
    w->names.tensor[w->names.n] = t;
    w->names.name[w->names.n++] = name;
}

/* The batch norm that follows, if nothing else sees the convolution's output. */
static const struct node *norm_after(const struct writer *w, const struct node *conv)
{
    const struct node *found = NULL;
    int users = 0;
    for (const struct node *n = graph_nodes(w->net->graph); n; n = n->next)
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] == &conv->out) {
                users++;
                found = strcmp(node_kind(n), "batch_norm") == 0 ? n : NULL;
            }
    return users == 1 ? found : NULL;
}

/* What a batch norm does to channel c: x * *ret_scale + *ret_shift (Ioffe & Szegedy 2015, with running statistics). */
static void norm_line(const struct node *bn, int c, float *ret_scale, float *ret_shift)
{
    float mean = bn->params[2]->value.data[c], variance = bn->params[3]->value.data[c];
    *ret_scale = bn->params[0]->value.data[c] / sqrtf(variance + bn->attr.epsilon);
    *ret_shift = bn->params[1]->value.data[c] - mean * *ret_scale;
}

static const char *write_conv(struct writer *w, const struct node *n, const struct node *norm)
{
    const struct tensor *k = &n->params[0]->value; /* out, kernel, kernel, in */
    size_t area = (size_t)k->h * (size_t)k->w, in = (size_t)k->c, count = tensor_count(k);
    float *weight = arena_new_array(w->o.arena, float, count), *bias = arena_new_array(w->o.arena, float, k->n);
    for (int c = 0; c < k->n; c++) {
        float scale = 1, shift = 0;
        if (norm)
            norm_line(norm, c, &scale, &shift);
        for (size_t p = 0; p < area; p++)
            for (size_t i = 0; i < in; i++)
                weight[((size_t)c * in + i) * area + p] = k->data[((size_t)c * area + p) * in + i] * scale;
        bias[c] = shift + (n->params[1] ? n->params[1]->value.data[c] * scale : 0);
    }
    const char *weights = onnx_floats(&w->o, (int64_t[]){ k->n, k->c, k->h, k->w }, 4, weight);
    const char *biases = onnx_floats(&w->o, (int64_t[]){ k->n }, 1, bias);
    const char *out = ONNX(&w->o, "Conv", name_of(w, n->in[0]), weights, biases);
    int pad = n->attr.pad, stride = n->attr.stride, groups = n->attr.groups;
    onnx_ints(&w->o, "kernel_shape", (int64_t[]){ k->h, k->w }, 2);
    onnx_ints(&w->o, "strides", (int64_t[]){ stride, stride }, 2);
    onnx_ints(&w->o, "pads", (int64_t[]){ pad, pad, pad, pad }, 4);
    onnx_int(&w->o, "group", groups > 0 ? groups : 1);
    return out;
}

/* A batch norm that could not be folded: a multiplication and an addition for each channel. */
static const char *write_norm(struct writer *w, const struct node *n)
{
    int channels = n->out.c;
    float *scale = arena_new_array(w->o.arena, float, channels), *shift = arena_new_array(w->o.arena, float, channels);
    for (int c = 0; c < channels; c++)
        norm_line(n, c, &scale[c], &shift[c]);
    const char *x = ONNX(&w->o, "Mul", name_of(w, n->in[0]), onnx_floats(&w->o, (int64_t[]){ 1, channels, 1, 1 }, 4, scale));
    return ONNX(&w->o, "Add", x, onnx_floats(&w->o, (int64_t[]){ 1, channels, 1, 1 }, 4, shift));
}

static const char *write_pool(struct writer *w, const struct node *n)
{
    int kernel = n->attr.kernel, stride = n->attr.stride, pad = n->attr.pad;
    const char *out = ONNX(&w->o, "MaxPool", name_of(w, n->in[0]));
    onnx_ints(&w->o, "kernel_shape", (int64_t[]){ kernel, kernel }, 2);
    onnx_ints(&w->o, "strides", (int64_t[]){ stride, stride }, 2);
    onnx_ints(&w->o, "pads", (int64_t[]){ pad, pad, pad, pad }, 4);
    return out;
}

static const char *write_upsample(struct writer *w, const struct node *n)
{
    float s = (float)n->attr.scale, scales[4] = { 1, 1, s, s };
    const char *out = ONNX(&w->o, "Resize", name_of(w, n->in[0]), "", onnx_floats(&w->o, (int64_t[]){ 4 }, 1, scales));
    onnx_word(&w->o, "mode", "nearest");
    onnx_word(&w->o, "coordinate_transformation_mode", "asymmetric");
    onnx_word(&w->o, "nearest_mode", "floor");
    return out;
}

static const char *slice(struct writer *w, const char *x, int64_t start, int64_t end, int64_t axis, int64_t step)
{
    return ONNX(&w->o, "Slice", x, onnx_int64s(&w->o, &start, 1), onnx_int64s(&w->o, &end, 1), onnx_int64s(&w->o, &axis, 1),
                onnx_int64s(&w->o, &step, 1));
}

static const char *concat(struct writer *w, const char *const *x, size_t n, int64_t axis)
{
    const char *out = onnx_node(&w->o, "Concat", x, n);
    onnx_int(&w->o, "axis", axis);
    return out;
}

/* The four pixels of 2 × 2 in the order of nn_space_to_depth(). */
static const char *write_space_to_depth(struct writer *w, const struct node *n)
{
    static const struct {
        int y, x;
    } at[4] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } };
    const char *part[4], *x = name_of(w, n->in[0]);
    for (int i = 0; i < 4; i++)
        part[i] = slice(w, slice(w, x, at[i].y, n->in[0]->h, 2, 2), at[i].x, n->in[0]->w, 3, 2);
    return concat(w, part, 4, 1);
}

static const char *write_concat(struct writer *w, const struct node *n)
{
    const char *part[ONNX_INPUTS];
    for (int i = 0; i < n->n_in; i++)
        part[i] = name_of(w, n->in[i]);
    return concat(w, part, (size_t)n->n_in, 1);
}

static const char *write_simple(struct writer *w, const struct node *n, const char *op)
{
    const char *x = name_of(w, n->in[0]);
    if (strcmp(op, "Add") == 0)
        return ONNX(&w->o, "Add", x, name_of(w, n->in[1]));
    return onnx_node(&w->o, op, &x, 1);
}

static enum err write_node(struct writer *w, const struct node *n)
{
    const char *kind = node_kind(n), *x = name_of(w, n->in[0]), *out;
    if (w->names.n + 2 > NODES_MOST)
        return fail(E_TOO_BIG, "the network has more than %d layers", NODES_MOST - 2);
    if (strcmp(kind, "conv2d") == 0) {
        const struct node *norm = norm_after(w, n);
        out = write_conv(w, n, norm);
        if (norm)
            set_name(w, &norm->out, out);
    } else if (strcmp(kind, "batch_norm") == 0) {
        if (name_of(w, &n->out))
            return OK; /* folded */
        out = write_norm(w, n);
    } else if (strcmp(kind, "silu") == 0) {
        out = ONNX(&w->o, "Mul", x, ONNX(&w->o, "Sigmoid", x));
    } else if (strcmp(kind, "max_pool") == 0) {
        out = write_pool(w, n);
    } else if (strcmp(kind, "upsample") == 0) {
        out = write_upsample(w, n);
    } else if (strcmp(kind, "space_to_depth") == 0) {
        out = write_space_to_depth(w, n);
    } else if (strcmp(kind, "concat") == 0) {
        out = write_concat(w, n);
    } else if (strcmp(kind, "add") == 0) {
        out = write_simple(w, n, "Add");
    } else if (strcmp(kind, "sigmoid") == 0) {
        out = write_simple(w, n, "Sigmoid");
    } else if (strcmp(kind, "relu") == 0) {
        out = write_simple(w, n, "Relu");
    } else {
        return fail(E_BROKEN, "the layer \"%s\" cannot be written to ONNX", kind);
    }
    set_name(w, &n->out, out);
    return OK;
}

/* 1 × channels × h × w of each level → 1 × A × channels. */
static const char *flatten(struct writer *w, bool boxes)
{
    const char *part[LEVELS];
    for (int i = 0; i < LEVELS; i++) {
        const struct tensor *t = boxes ? w->net->levels[i].box : w->net->levels[i].label;
        part[i] = ONNX(&w->o, "Reshape", name_of(w, t), onnx_int64s(&w->o, (int64_t[]){ 1, t->c, (int64_t)t->h * t->w }, 3));
    }
    const char *out = ONNX(&w->o, "Transpose", concat(w, part, LEVELS, 2));
    onnx_ints(&w->o, "perm", (int64_t[]){ 0, 2, 1 }, 3);
    return out;
}

static void write_decoding(struct writer *w, int cells)
{
    struct onnx *o = &w->o;
    float *corner = arena_new_array(o->arena, float, cells * 2), *stride = arena_new_array(o->arena, float, cells);
    float *half = arena_new_array(o->arena, float, cells);
    int at = 0;
    for (int i = 0; i < LEVELS; i++)
        for (int cell = 0; cell < w->net->levels[i].h * w->net->levels[i].w; cell++, at++) {
            corner[at * 2] = (float)(cell % w->net->levels[i].w);
            corner[at * 2 + 1] = (float)(cell / w->net->levels[i].w);
            stride[at] = (float)w->net->levels[i].stride / (float)w->net->size;
            half[at] = stride[at] / 2;
        }
    const char *boxes = flatten(w, true), *labels = flatten(w, false);
    const char *strides = onnx_floats(o, (int64_t[]){ 1, cells, 1 }, 3, stride);
    const char *centre = ONNX(o, "Add", slice(w, boxes, 0, 2, 2, 1), onnx_floats(o, (int64_t[]){ 1, cells, 2 }, 3, corner));
    centre = ONNX(o, "Mul", centre, strides);
    const char *size =
        ONNX(o, "Mul", ONNX(o, "Exp", slice(w, boxes, 2, 4, 2, 1)), onnx_floats(o, (int64_t[]){ 1, cells, 1 }, 3, half));
    const char *object = ONNX(o, "Sigmoid", slice(w, boxes, 4, 5, 2, 1));
    concat(w, (const char *[]){ ONNX(o, "Sub", centre, size), ONNX(o, "Add", centre, size) }, 2, 2);
    onnx_rename(o, "boxes");
    ONNX(o, "Mul", ONNX(o, "Sigmoid", labels), object);
    onnx_rename(o, "scores");
    onnx_output(o, "boxes", (int64_t[]){ 1, cells, 4 }, 3);
    onnx_output(o, "scores", (int64_t[]){ 1, cells, w->net->labels }, 3);
}

static void three(struct out *o, const char *key, const float *v)
{
    out_array(o, key);
    for (int i = 0; i < 3; i++)
        out_number(o, NULL, v[i]);
    out_end_array(o);
}

/* What whoever runs the model must know to prepare an image and to read the answer. */
static void write_metadata(struct writer *w, const char *const *names)
{
    AUTO(out) struct out label = { 0 }, o = { 0 };
    out_init(&label, TEXT_CAP);
    out_object(&label, NULL);
    for (int i = 0; i < w->net->labels; i++)
        out_text(&label, arena_fmt(w->o.arena, "%d", i), names[i]);
    out_end_object(&label);
    onnx_metadata(&w->o, "names", label.text.bytes);
    onnx_metadata(&w->o, "imgsz", arena_fmt(w->o.arena, "[%d,%d]", w->net->size, w->net->size));
    onnx_metadata(&w->o, "task", w->net->model->task);
    onnx_metadata(&w->o, "model", w->net->model->name);
    out_init(&o, TEXT_CAP);
    out_object(&o, NULL);
    out_int(&o, "version", 1);
    out_object(&o, "input");
    out_text(&o, "color", "RGB");
    out_text(&o, "layout", "NCHW");
    out_text(&o, "resize", "letterbox");
    out_int(&o, "pad", learn_normalise.pad);
    out_number(&o, "scale", learn_normalise.scale);
    three(&o, "mean", learn_normalise.mean);
    three(&o, "std", learn_normalise.std);
    out_end_object(&o);
    out_object(&o, "output");
    out_text(&o, "boxes", "xyxy");
    out_text(&o, "unit", "fraction");
    out_number(&o, "nms_iou", NMS_IOU);
    out_int(&o, "max_detections", DETECTIONS_MOST);
    out_end_object(&o);
    out_end_object(&o);
    onnx_metadata(&w->o, "saccade", o.text.bytes);
}

enum err onnx_write(const struct network *net, const char *const *names, const char *path)
{
    AUTO(arena) struct arena *a = arena_new();
    struct writer *w = arena_take(a, sizeof *w);
    int cells = 0;
    w->net = net;
    onnx_init(&w->o, a);
    onnx_input(&w->o, "images", (int64_t[]){ 1, 3, net->size, net->size }, 4);
    set_name(w, net->input, "images");
    for (const struct node *n = graph_nodes(net->graph); n; n = n->next)
        TRY(write_node(w, n));
    for (int i = 0; i < LEVELS; i++)
        cells += net->levels[i].h * net->levels[i].w;
    write_decoding(w, cells);
    write_metadata(w, names);
    return onnx_save(&w->o, path);
}
