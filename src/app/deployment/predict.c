/* Serving: an image comes in, the champion's prediction goes out, and both are kept. The shadow is asked afterwards (shadow.c). */
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/deployment/serve.h"
#include "app/deployment/served.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEDIA_CAP = 64 << 20, FORM_FIELDS = 64, FORM_TEXT = 1 << 20 };

/* One plain field of a form; the same name may come again. */
struct form_field {
    const char *name;
    struct text value;
};

struct predict {
    struct op *op;
    struct sight sight;
    struct form_field fields[FORM_FIELDS];
    size_t n_fields, field_bytes;
    const char *filename;
};

/* ---- the form */

static enum err field_piece(struct predict *p, const struct http_part *part, const char *bytes, size_t n)
{
    if (part->offset == 0) {
        if (p->n_fields == FORM_FIELDS)
            return fail(E_TOO_BIG, "the form has over %d fields", FORM_FIELDS);
        struct form_field *f = &p->fields[p->n_fields++];
        f->name = arena_str(p->op->arena, part->name);
        text_init(&f->value, FORM_TEXT);
    }
    p->field_bytes += n;
    if (!p->n_fields || p->field_bytes > FORM_TEXT)
        return fail(E_TOO_BIG, "the form's text is over %d bytes", FORM_TEXT);
    text_bytes(&p->fields[p->n_fields - 1].value, bytes, n);
    return OK;
}

static enum err piece(void *with, const struct http_part *part, const char *bytes, size_t n)
{
    struct predict *p = with;
    if (!part->name || strcmp(part->name, "media") != 0)
        return field_piece(p, part, bytes, n);
    if (part->offset == 0) {
        if (p->sight.writer)
            return fail(E_INVALID, "media: one image at a time");
        const char *name = part->filename ? part->filename : "image";
        for (const char *s = name; *s; s++)
            if (*s == '/' || *s == '\\')
                name = s + 1;
        p->filename = arena_str(p->op->arena, name);
        TRY(blob_begin(p->op->services->blobs, MEDIA_CAP, &p->sight.writer));
        blob_hash_late(p->sight.writer); /* the model may begin before, and what is not kept needs none */
    }
    return blob_write(p->sight.writer, bytes, n);
}

static enum err begin(struct op *op)
{
    struct predict *p = arena_take(op->arena, sizeof *p);
    op->state = p;
    p->op = op;
    TRY(serving_begin(op, &p->sight.serving));
    if (http_body_length(op->call) > MEDIA_CAP + FORM_TEXT)
        return fail(E_TOO_BIG, "an image may have %d MiB", MEDIA_CAP >> 20);
    return http_read_form(op->call, piece, p);
}

static enum err start(struct op *op)
{
    return serving_counted(op, begin(op));
}

static void stop(struct op *op)
{
    struct predict *p = op->state;
    if (!p)
        return;
    blob_abort(p->sight.writer);
    for (size_t i = 0; i < p->n_fields; i++)
        text_done(&p->fields[i].value);
}

static const char *field(struct predict *p, const char *name)
{
    for (size_t i = 0; i < p->n_fields; i++)
        if (strcmp(p->fields[i].name, name) == 0 && p->fields[i].value.n)
            return p->fields[i].value.bytes;
    return NULL;
}

static bool field_bool(struct predict *p, const char *name, bool missing)
{
    const char *s = field(p, name);
    return !s ? missing : strcmp(s, "False") != 0 && strcmp(s, "false") != 0 && strcmp(s, "0") != 0;
}

static enum err field_object(struct predict *p, const char *name, const char **ret)
{
    const char *s = field(p, name);
    const struct json *v;
    *ret = NULL;
    if (!s)
        return OK;
    TRY(fail_within(json_parse(p->op->arena, s, strlen(s), &v), "%s: ", name));
    if (json_kind(v) != J_OBJECT)
        return fail(E_INVALID, "%s must be a JSON object", name);
    *ret = json_print(p->op->arena, v);
    return OK;
}

static enum err read_form(struct predict *p)
{
    struct sighting *s = &p->sight.sighting;
    AUTO(out) struct out tags;
    out_init(&tags, FORM_TEXT * 2);
    out_array(&tags, NULL);
    for (size_t i = 0; i < p->n_fields; i++)
        if (strcmp(p->fields[i].name, "tags") == 0 || strcmp(p->fields[i].name, "tag") == 0)
            out_text(&tags, NULL, p->fields[i].value.bytes);
    out_end_array(&tags);
    TRY(json_parse(p->op->arena, tags.text.bytes, tags.text.n, &s->tags));
    s->source = field(p, "source");
    s->upload_dir = field(p, "upload_dir");
    p->sight.monitor = field_bool(p, "monitor", true);
    TRY(field_object(p, "metadata", &s->metadata));
    return field_object(p, "custom_metadata", &s->custom_metadata);
}

/* ---- answering */

static enum err answer(struct op *op, struct sight *s)
{
    s->request = http_header(op->call, "X-Request-Id");
    TRY(sight_predict(op, s));
    struct out *o = &op->out;
    out_object(o, NULL);
    raw_write(o, "predictions", s->serving.type, &s->shapes);
    out_text(o, "predicted_asset_id", s->asset);
    out_text(o, "deployment_id", s->serving.id);
    out_text(o, "model_version_id", s->version);
    out_number(o, "latency", s->found.latency_s);
    out_int(o, "width", s->found.width);
    out_int(o, "height", s->found.height);
    out_raw(o, "labels", s->labels);
    out_end_object(o);
    return OK;
}

static enum err predict_sent(struct op *op)
{
    struct predict *p = op->state;
    if (!p->sight.writer)
        return fail(E_INVALID, "the form has no file \"media\"");
    TRY(read_form(p));
    TRY(fail_within(filename_check(p->filename), "media: "));
    p->sight.sighting.filename = p->filename;
    return answer(op, &p->sight);
}

static enum err predict(struct op *op)
{
    return serving_counted(op, predict_sent(op));
}

/* An image that is stored here already. */
static enum err stored_image(struct op *op, const struct json *cloud, struct sighting *s)
{
    static const struct field in[] = { { "object_name", T_TEXT, F_NEED, .min = 1 } };
    TRY(fields_check(FIELDS(in), cloud, "cloud_image"));
    const char *name = json_text(json_get(cloud, "object_name")), *slash = strrchr(name, '/');
    TRY(object_find(op->db, op->arena, op->org, name, &s->hash, &s->size));
    s->object_name = name;
    s->filename = slash ? slash + 1 : name;
    return OK;
}

static enum err predict_named(struct op *op)
{
    struct sight *s = arena_take(op->arena, sizeof *s);
    TRY(serving_begin(op, &s->serving));
    TRY(stored_image(op, in_json(op, "cloud_image"), &s->sighting));
    s->monitor = in_bool(op, "monitor", true);
    s->sighting.tags = in_json(op, "tags");
    s->sighting.source = in_text(op, "source");
    s->sighting.metadata = in_print(op, "metadata");
    s->sighting.custom_metadata = in_print(op, "custom_metadata");
    return answer(op, s);
}

static enum err predict_stored(struct op *op)
{
    return serving_counted(op, predict_named(op));
}

/* The shadow model on an image that the champion has seen. */
struct shadow_later {
    const char *deployment, *asset, *version;
    struct predicted_shapes shapes;
    struct detections found;
};

static enum err keep_shadow(struct op *op)
{
    struct shadow_later *s = op->state;
    const char *id;
    const struct prediction_new n = { s->asset, s->version, true, s->found.latency_s, &s->shapes };
    TRY(prediction_add(op->db, op->arena, s->deployment, &n, &id));
    return deployment_tell(op->db, op->arena, s->deployment, "{\"kind\":\"shadow\"}");
}

static enum err predict_shadow(struct op *op)
{
    struct serving serving;
    struct shadow_later *s = arena_take(op->arena, sizeof *s);
    TRY(serving_begin(op, &serving));
    if (!serving.shadow)
        return fail(E_CONFLICT, "the deployment has no shadow model");
    s->deployment = serving.id;
    s->asset = in_text(op, "prediction_id");
    s->version = serving.shadow;
    const char *hash;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(op->db, &r,
                               "SELECT d.hash FROM predicted_asset a JOIN data d ON d.id = a.data_id"
                               " WHERE a.id = ?1 AND a.deployment_id = ?2",
                               V(s->asset), V(serving.id));
        if (e == E_NOT_FOUND)
            return fail(E_NOT_FOUND, "the deployment has no prediction %s", s->asset);
        TRY(e);
        hash = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(model_ask(op->db, op->services, op->arena, serving.id, s->version, hash, serving.threshold, &s->found, &s->shapes));
    op->state = s;
    TRY(op_write(op, keep_shadow));
    out_object(&op->out, NULL);
    raw_write(&op->out, "predictions", serving.type, &s->shapes);
    out_number(&op->out, "latency", s->found.latency_s);
    out_text(&op->out, "model_version_id", s->version);
    out_end_object(&op->out);
    return OK;
}

static const struct field stored_in[] = {
    { "cloud_image", T_OBJECT, F_NEED },      { "tags", T_TEXTS, F_NULL, .max = 100 }, { "monitor", T_BOOL, F_NULL },
    { "source", T_TEXT, F_NULL, .max = 100 }, { "metadata", T_OBJECT, F_NULL },        { "custom_metadata", T_OBJECT, F_NULL },
};
static const struct field shadow_in[] = { { "prediction_id", T_ID, F_NEED }, { "monitor", T_BOOL, F_NULL } };

DESCRIBED(raw_box, "values of a shape", { "*", T_JSON });
DESCRIBED(raw_class, "class number", { "*", T_INT });
#define GEOMETRY(name)                                                                                                             \
    {                                                                                                                              \
        name, T_ARRAY, F_WHEN, .of = &raw_box                                                                                      \
    }
DESCRIBED(raw_answer, "predicted lists", { "detection_classes", T_ARRAY, .of = &raw_class },
          { "detection_scores", T_ARRAY, .of = &number_value }, GEOMETRY("detection_boxes"), GEOMETRY("detection_masks"),
          GEOMETRY("lines"), GEOMETRY("points"), GEOMETRY("keypoints"));
#define PREDICTED                                                                                                                  \
    { "predictions", T_PART, .of = &raw_answer }, { "latency", T_NUMBER },                                                         \
    {                                                                                                                              \
        "model_version_id", T_ID                                                                                                   \
    }
DESCRIBED(predict_answer, "prediction on an image", PREDICTED, { "predicted_asset_id", T_ID, F_NULL }, { "deployment_id", T_ID },
          { "width", T_INT }, { "height", T_INT }, { "labels", T_OBJECT, .of = &text_value });
DESCRIBED(predict_shadow_answer, "prediction of a shadow", PREDICTED);

#define FORM .start = start, .stop = stop
static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/predict", predict, MAY_PREDICT, WORK_FREE, "predicts on an image: a form with the file media",
      FORM, .on = &deployment_resource, .answers = &predict_answer, .queues = true },
    { "POST", "/api/deployments/{id}/predict", predict, MAY_PREDICT, WORK_FREE, "the same", FORM, .on = &deployment_resource,
      .answers = &predict_answer, .queues = true },
    { "POST", "/api/v2/deployments/{id}/predict", predict_stored, MAY_PREDICT, WORK_FREE,
      "predicts on an image that is stored here", FIELDS(stored_in), .on = &deployment_resource, .answers = &predict_answer,
      .queues = true },
    { "POST", "/api/v2/deployments/{id}/predict/shadow", predict_shadow, MAY_PREDICT, WORK_FREE,
      "the shadow model on an image that was predicted before", FIELDS(shadow_in), .on = &deployment_resource,
      .answers = &predict_shadow_answer, .queues = true },
};

const struct resource predict_resource = { .name = "prediction", .routes = routes, .n_routes = COUNT_OF(routes) };
