#include "learn/train/onnx_write.h"
#include "learn/task/task.h"

enum { TEXT_CAP = 1 << 20 };

struct writer {
    struct onnx o;
    struct onnx_names names;
    const struct network *net;
};

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
    onnx_metadata(&w->o, "imgsz", arena_fmt(w->o.arena, "[%d,%d]", w->net->frame.height, w->net->frame.width));
    onnx_metadata(&w->o, "task", w->net->model->task->name);
    onnx_metadata(&w->o, "model", w->net->model->name);
    onnx_metadata(&w->o, "features", onnx_name_of(&w->names, w->net->features));
    out_init(&o, TEXT_CAP);
    out_object(&o, NULL);
    out_int(&o, "version", 1);
    out_object(&o, "input");
    out_text(&o, "color", "RGB");
    out_text(&o, "layout", "NCHW");
    out_text(&o, "resize", w->net->model->task->resize);
    out_int(&o, "pad", w->net->model->input->pad);
    out_number(&o, "scale", w->net->model->input->scale);
    three(&o, "mean", w->net->model->input->mean);
    three(&o, "std", w->net->model->input->std);
    out_end_object(&o);
    out_object(&o, "output");
    w->net->model->task->describe(&o);
    out_end_object(&o);
    out_end_object(&o);
    onnx_metadata(&w->o, "saccade", o.text.bytes);
}

enum err onnx_write(const struct network *net, const char *const *names, const char *path)
{
    AUTO(arena) struct arena *a = arena_new();
    struct writer *w = arena_take(a, sizeof *w);
    w->net = net;
    onnx_init(&w->o, a);
    onnx_input(&w->o, "images", (int64_t[]){ 1, 3, net->frame.height, net->frame.width }, 4);
    onnx_set_name(&w->names, net->input, "images");
    TRY(onnx_write_nodes(&w->o, &w->names, net->graph));
    net->model->task->write(&w->o, &w->names, net);
    write_metadata(w, names);
    return onnx_save(&w->o, path);
}
