/* A model version tried on an image that is not kept: what it says, before anybody deploys it. */
#include "app/deployment/deployment.h"
#include "app/deployment/serve.h"
#include "app/model/model.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEDIA_CAP = 64 << 20, THRESHOLD_CAP = 32, ONNX_CAP = 4000 };
#define LEAST 0.05 /* scores: below it detectors say something everywhere */

struct trial {
    int image; /* a file in memory */
    uint64_t size;
    char threshold[THRESHOLD_CAP + 1], onnx[ONNX_CAP + 1];
};

static enum err take(const struct http_part *part, const char *bytes, size_t n, char *to, size_t cap, const char *why)
{
    if (part->offset + n > cap)
        return fail(E_INVALID, "%s", why);
    memcpy(to + part->offset, bytes, n);
    return OK;
}

static enum err piece(void *with, const struct http_part *part, const char *bytes, size_t n)
{
    struct trial *t = with;
    if (strcmp(part->name, "threshold") == 0)
        return take(part, bytes, n, t->threshold, THRESHOLD_CAP, "threshold must be a number from 0 to 1");
    if (strcmp(part->name, "onnx") == 0)
        return take(part, bytes, n, t->onnx, ONNX_CAP, "onnx may have 4000 bytes");
    if (strcmp(part->name, "media") != 0)
        return OK;
    if (part->offset == 0 && t->size)
        return fail(E_INVALID, "media: one image at a time");
    t->size += n;
    if (t->size > MEDIA_CAP)
        return fail(E_TOO_BIG, "an image may have %d MiB", MEDIA_CAP >> 20);
    return file_write_all(t->image, bytes, n);
}

static enum err start(struct op *op)
{
    struct trial *t = arena_take(op->arena, sizeof *t);
    t->image = memfd_create("image", MFD_CLOEXEC);
    op->state = t;
    if (t->image < 0)
        return fail(E_BUSY, "no memory for an image");
    return http_read_form(op->call, piece, t);
}

static void stop(struct op *op)
{
    struct trial *t = op->state;
    if (t && t->image >= 0)
        close(t->image);
}

static enum err threshold_of(const struct trial *t, double *ret)
{
    char *end;
    *ret = LEAST;
    if (!*t->threshold)
        return OK;
    *ret = strtod(t->threshold, &end);
    return !*end && *ret >= 0 && *ret <= 1 ? OK : fail(E_INVALID, "threshold must be a number from 0 to 1");
}

static enum err write_shape(struct op *op, const struct predicted_shape *s)
{
    struct out *o = &op->out;
    const char *name;
    TRY(class_name(op->db, op->arena, op->id, s->label, &name));
    out_object(o, NULL);
    out_text(o, "kind", s->kind);
    out_text(o, "label", name);
    out_number(o, "score", s->score);
    out_number(o, "x", s->x);
    out_number(o, "y", s->y);
    out_number(o, "w", s->w);
    out_number(o, "h", s->h);
    out_raw(o, "points", s->geometry);
    out_end_object(o);
    return OK;
}

/* As the version says, or as it might be read. */
static enum err see(struct op *op, const struct trial *t, double threshold, struct detections *found,
                    struct predicted_shapes *shapes)
{
    AUTO(infer_model) struct infer_model model = MODEL_CLOSED;
    struct model_served served;
    if (!*t->onnx)
        return model_see(op->db, op->services, op->arena, op_party(op), op->id, t->image, threshold, NULL, found, shapes);
    TRY(model_file_find(op->db, op->arena, op->id, &served));
    if (!served.told)
        return fail(E_CONFLICT, "onnx: the model was trained here, and its file says how it is read");
    TRY(model_told_as(op->arena, served.told, t->onnx, &served.told));
    TRY(model_open_served(op->services, op->arena, &served, &model));
    TRY(infer_predict(op->services->infer, op_party(op), &model, t->image, threshold, op->arena, found));
    return shapes_of(op->arena, found, shapes);
}

static enum err try_it(struct op *op)
{
    struct trial *t = op->state;
    struct detections found = { 0 };
    struct predicted_shapes shapes = { 0 };
    double threshold;
    if (!t->size)
        return fail(E_INVALID, "the form has no file \"media\"");
    TRY(threshold_of(t, &threshold));
    TRY(see(op, t, threshold, &found, &shapes));
    struct out *o = &op->out;
    out_object(o, NULL);
    out_array(o, "shapes");
    for (size_t i = 0; i < shapes.n; i++)
        TRY(write_shape(op, &shapes.items[i]));
    out_end_array(o);
    out_number(o, "threshold", threshold);
    out_int(o, "width", found.width);
    out_int(o, "height", found.height);
    out_number(o, "latency", found.latency_s);
    out_number(o, "decode", found.decode_s);
    out_number(o, "run", found.run_s);
    out_number(o, "post", found.post_s);
    out_end_object(o);
    return OK;
}

DESCRIBED(coordinate, "coordinate", { "*", T_NUMBER });
DESCRIBED(point_of_shape, "point of a shape", { "*", T_ARRAY, .of = &coordinate });
DESCRIBED(tried_shape, "tried shape", { "kind", T_TEXT }, { "label", T_TEXT }, { "score", T_NUMBER }, { "x", T_NUMBER },
          { "y", T_NUMBER }, { "w", T_NUMBER }, { "h", T_NUMBER }, { "points", T_ARRAY, F_NULL, .of = &point_of_shape });
DESCRIBED(trial_answer, "trial of a model", { "shapes", T_MANY, .of = &tried_shape }, { "threshold", T_NUMBER }, { "width", T_INT },
          { "height", T_INT }, { "latency", T_NUMBER }, { "decode", T_NUMBER }, { "run", T_NUMBER }, { "post", T_NUMBER });

static const struct route routes[] = {
    { "POST", "/api/model/version/{id}/try", try_it, MAY_READ, WORK_FREE,
      "what the model says of an image, which is not kept: a form with the file media, threshold (0.05 unless sent), and onnx: "
      "facts"
      " about a file that was brought along, for this once",
      .on = &model_version_resource, .answers = &trial_answer, .public_too = true, .queues = true, .start = start, .stop = stop },
};

const struct resource try_resource = { .name = "trial", .routes = routes, .n_routes = COUNT_OF(routes) };
