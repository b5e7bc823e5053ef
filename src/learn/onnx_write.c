#include "learn/onnx_write.h"
#include "learn/augment.h"
#include "learn/onnx_ops.h"
#include <string.h>

enum { TEXT_CAP = 1 << 20 };
static const double NMS_IOU = 0.6;
enum { DETECTIONS_MOST = 300 };

struct writer {
    struct onnx o;
    struct onnx_names names;
    const struct network *net;
};

static const char *name_of(const struct writer *w, const struct tensor *t)
{
    return onnx_name_of(&w->names, t);
}

/* 1 × channels × h × w of each level → 1 × A × channels. */
static const char *flatten(struct writer *w, bool boxes)
{
    const char *part[LEVELS];
    for (int i = 0; i < LEVELS; i++) {
        const struct tensor *t = boxes ? w->net->levels[i].box : w->net->levels[i].label;
        part[i] = ONNX(&w->o, "Reshape", name_of(w, t), onnx_int64s(&w->o, (int64_t[]){ 1, t->c, (int64_t)t->h * t->w }, 3));
    }
    const char *out = ONNX(&w->o, "Transpose", onnx_concat(&w->o, part, LEVELS, 2));
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
    const char *centre =
        ONNX(o, "Add", onnx_slice(&w->o, boxes, 0, 2, 2, 1), onnx_floats(o, (int64_t[]){ 1, cells, 2 }, 3, corner));
    centre = ONNX(o, "Mul", centre, strides);
    const char *size =
        ONNX(o, "Mul", ONNX(o, "Exp", onnx_slice(&w->o, boxes, 2, 4, 2, 1)), onnx_floats(o, (int64_t[]){ 1, cells, 1 }, 3, half));
    const char *object = ONNX(o, "Sigmoid", onnx_slice(&w->o, boxes, 4, 5, 2, 1));
    onnx_concat(&w->o, (const char *[]){ ONNX(o, "Sub", centre, size), ONNX(o, "Add", centre, size) }, 2, 2);
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
    onnx_set_name(&w->names, net->input, "images");
    TRY(onnx_write_nodes(&w->o, &w->names, net->graph));
    for (int i = 0; i < LEVELS; i++)
        cells += net->levels[i].h * net->levels[i].w;
    write_decoding(w, cells);
    write_metadata(w, names);
    return onnx_save(&w->o, path);
}
