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
    struct serving serving;
    struct blob_writer *writer;
    struct form_field fields[FORM_FIELDS];
    size_t n_fields, field_bytes;
    const char *filename;
    bool monitor;
    struct sighting sighting;
    struct predicted_shapes shapes;
    struct detections found;
    const char *asset; /* the predicted asset that was made */
};

/* ---- the model */

enum err serving_read(struct sql *db, struct arena *a, const char *org, const char *id, struct serving *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT d.type, d.status, d.serving, d.min_threshold, d.target_datalake_id, d.model_version_id,"
                           " d.shadow_model_version_id, d.sample_rate, v.labels, d.org FROM deployment d"
                           " JOIN model_version v ON v.id = d.model_version_id WHERE d.id = ?1 AND (d.org = ?2 OR ?2 IS NULL)",
                           V(id), V(org));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no deployment %s", id);
    TRY(e);
    *ret = (struct serving){
        .id = arena_str(a, id),
        .type = arena_str(a, rows_text(r, 0)),
        .paused = strcmp(rows_text(r, 1), "PAUSED") == 0,
        .serving = rows_int(r, 2),
        .threshold = rows_real(r, 3),
        .datalake_id = arena_str(a, rows_text(r, 4)),
        .champion = arena_str(a, rows_text(r, 5)),
        .shadow = arena_str(a, rows_text(r, 6)),
        .sample_rate = rows_real(r, 7),
        .labels = arena_str(a, rows_text(r, 8)),
        .org = arena_str(a, rows_text(r, 9)),
    };
    return OK;
}

enum err model_see(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version, int image,
                   double threshold, struct detections *ret, struct predicted_shapes *ret_shapes)
{
    AUTO(fd) int model = -1;
    uint64_t size;
    const char *hash;
    bool whole;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(
            db, &r,
            "SELECT o.hash, v.type = 'CLASSIFICATION' FROM model_file f JOIN object o ON o.name = f.object_name"
            " JOIN model_version v ON v.id = f.model_version_id WHERE f.model_version_id = ?1 AND f.name = 'model-latest'",
            V(version));
        if (e == E_NOT_FOUND)
            return fail(E_UNMEANT, "the model version has no file \"model-latest\"");
        TRY(e);
        hash = arena_str(a, rows_text(r, 0));
        whole = rows_int(r, 1);
    }
    TRY(blob_read(s->blobs, hash, &model, &size));
    TRY(infer_predict(s->infer, who, hash, model, image, threshold, a, ret));
    if (ret->whole != whole)
        return fail(E_UNMEANT, "the model %s, but its version is %sof type CLASSIFICATION",
                    ret->whole ? "labels whole images" : "finds boxes", whole ? "" : "not ");
    for (size_t i = 0; i < ret->n; i++) {
        const struct detection *d = &ret->items[i];
        const struct predicted_shape shape = { .kind = ret->whole ? "classification" : "rectangle",
                                               .label = d->label,
                                               .score = (double)d->score,
                                               .x = (double)d->x,
                                               .y = (double)d->y,
                                               .w = (double)d->w,
                                               .h = (double)d->h };
        TRY(predicted_shape_add(a, ret_shapes, &shape));
    }
    return OK;
}

enum err model_ask(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version,
                   const char *image_hash, double threshold, struct detections *ret, struct predicted_shapes *ret_shapes)
{
    AUTO(fd) int image = -1;
    uint64_t size;
    TRY(blob_read(s->blobs, image_hash, &image, &size));
    return model_see(db, s, a, who, version, image, threshold, ret, ret_shapes);
}

static enum err may_serve(struct op *op, struct serving *ret)
{
    TRY(serving_read(op->db, op->arena, op->org, op->id, ret));
    if (!ret->serving)
        return fail(E_CONFLICT, "this deployment serves nothing: its predictions are made elsewhere and only monitored here");
    if (ret->paused)
        return fail(E_CONFLICT, "the deployment is paused");
    return OK;
}

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
        if (p->writer)
            return fail(E_INVALID, "media: one image at a time");
        const char *name = part->filename ? part->filename : "image";
        for (const char *s = name; *s; s++)
            if (*s == '/' || *s == '\\')
                name = s + 1;
        p->filename = arena_str(p->op->arena, name);
        TRY(blob_begin(p->op->services->blobs, MEDIA_CAP, &p->writer));
    }
    return blob_write(p->writer, bytes, n);
}

/* What nobody is to blame for who asks: a paused deployment, and one that serves nothing. */
static enum err counted(struct op *op, enum err e)
{
    if (e != OK && e != E_CONFLICT)
        served_refused(op->id);
    return e;
}

static enum err begin(struct op *op)
{
    struct predict *p = arena_take(op->arena, sizeof *p);
    op->state = p;
    p->op = op;
    TRY(may_serve(op, &p->serving));
    if (http_body_length(op->call) > MEDIA_CAP + FORM_TEXT)
        return fail(E_TOO_BIG, "an image may have %d MiB", MEDIA_CAP >> 20);
    return http_read_form(op->call, piece, p);
}

static enum err start(struct op *op)
{
    return counted(op, begin(op));
}

static void stop(struct op *op)
{
    struct predict *p = op->state;
    if (!p)
        return;
    blob_abort(p->writer);
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
    struct sighting *s = &p->sighting;
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
    p->monitor = field_bool(p, "monitor", true);
    TRY(field_object(p, "metadata", &s->metadata));
    return field_object(p, "custom_metadata", &s->custom_metadata);
}

/* ---- keeping and answering */

/* The type by the first bytes; the model's process has decoded the rest. */
static const char *type_of(const unsigned char *b)
{
    return memcmp(b, "\xff\xd8\xff", 3) == 0                            ? "image/jpeg"
           : memcmp(b, "\x89PNG", 4) == 0                               ? "image/png"
           : memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0 ? "image/webp"
           : memcmp(b, "GIF8", 4) == 0                                  ? "image/gif"
           : memcmp(b, "BM", 2) == 0                                    ? "image/bmp"
                                                                        : "image/tiff";
}

static enum err image_facts(struct op *op, const struct detections *found, struct sighting *s)
{
    AUTO(fd) int fd = -1;
    unsigned char first[12] = { 0 };
    TRY(blob_read(op->services->blobs, s->hash, &fd, &s->size));
    if (pread(fd, first, sizeof first, 0) < 0)
        return fail(E_BROKEN, "cannot read a stored image");
    s->content_type = type_of(first);
    s->width = found->width;
    s->height = found->height;
    s->orientation = 1; /* the size is that of the image as shown */
    return OK;
}

static enum err keep(struct op *op)
{
    struct predict *p = op->state;
    const char *prediction;
    TRY(predicted_asset_add(op->db, op->arena, &p->sighting, &p->asset));
    const struct prediction_new n = { p->asset, p->serving.champion, false, p->found.latency_s, &p->shapes };
    TRY(prediction_add(op->db, op->arena, p->serving.id, &n, &prediction));
    if (p->serving.shadow)
        TRY(shadow_queue(op->db, p->asset, p->serving.shadow));
    TRY(deployment_heard(op->db, op->arena, p->serving.id, p->asset));
    return deployment_tell(op->db, op->arena, p->serving.id,
                           arena_fmt(op->arena, "{\"kind\":\"prediction\",\"predicted_asset_id\":\"%s\"}", p->asset));
}

/* A share of the images is kept when the deployment says so. */
static bool sampled(const struct serving *s)
{
    uint32_t r;
    random_bytes(&r, sizeof r);
    return s->sample_rate >= 1 || r / 4294967296.0 < s->sample_rate;
}

static enum err answer(struct predict *p)
{
    struct op *op = p->op;
    struct sighting *s = &p->sighting;
    s->deployment_id = p->serving.id;
    s->org = op->org;
    s->datalake_id = p->serving.datalake_id;
    s->user_id = op->user_id;
    TRY(model_ask(op->db, op->services, op->arena, op_party(op), p->serving.champion, s->hash, p->serving.threshold, &p->found,
                  &p->shapes));
    if (p->monitor && sampled(&p->serving)) {
        TRY(image_facts(op, &p->found, s));
        TRY(op_write(op, keep));
        if (p->serving.shadow)
            shadow_wake(op->services);
    }
    served_answered(p->serving.id, p->found.latency_s);
    struct out *o = &op->out;
    out_object(o, NULL);
    raw_write(o, "predictions", p->serving.type, &p->shapes);
    out_text(o, "predicted_asset_id", p->asset);
    out_text(o, "deployment_id", p->serving.id);
    out_text(o, "model_version_id", p->serving.champion);
    out_number(o, "latency", p->found.latency_s);
    out_int(o, "width", p->found.width);
    out_int(o, "height", p->found.height);
    out_raw(o, "labels", p->serving.labels);
    out_end_object(o);
    return OK;
}

static enum err predict_sent(struct op *op)
{
    struct predict *p = op->state;
    char hash[HASH_SIZE];
    if (!p->writer)
        return fail(E_INVALID, "the form has no file \"media\"");
    TRY(read_form(p));
    TRY(fail_within(filename_check(p->filename), "media: "));
    struct blob_writer *writer = p->writer;
    p->writer = NULL; /* committing frees it */
    TRY(blob_commit(writer, hash, &p->sighting.size));
    p->sighting.hash = arena_str(op->arena, hash);
    p->sighting.filename = p->filename;
    return answer(p);
}

static enum err predict(struct op *op)
{
    return counted(op, predict_sent(op));
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
    struct predict *p = arena_take(op->arena, sizeof *p);
    op->state = p;
    p->op = op;
    TRY(may_serve(op, &p->serving));
    TRY(stored_image(op, in_json(op, "cloud_image"), &p->sighting));
    p->monitor = in_bool(op, "monitor", true);
    p->sighting.tags = in_json(op, "tags");
    p->sighting.source = in_text(op, "source");
    p->sighting.metadata = in_print(op, "metadata");
    p->sighting.custom_metadata = in_print(op, "custom_metadata");
    return answer(p);
}

static enum err predict_stored(struct op *op)
{
    return counted(op, predict_named(op));
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
    TRY(may_serve(op, &serving));
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
    TRY(model_ask(op->db, op->services, op->arena, op_party(op), s->version, hash, serving.threshold, &s->found, &s->shapes));
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
      FORM, .on = &deployment_resource, .answers = &predict_answer },
    { "POST", "/api/deployments/{id}/predict", predict, MAY_PREDICT, WORK_FREE, "the same", FORM, .on = &deployment_resource,
      .answers = &predict_answer },
    { "POST", "/api/v2/deployments/{id}/predict", predict_stored, MAY_PREDICT, WORK_FREE,
      "predicts on an image that is stored here", FIELDS(stored_in), .on = &deployment_resource, .answers = &predict_answer },
    { "POST", "/api/v2/deployments/{id}/predict/shadow", predict_shadow, MAY_PREDICT, WORK_FREE,
      "the shadow model on an image that was predicted before", FIELDS(shadow_in), .on = &deployment_resource,
      .answers = &predict_shadow_answer },
};

const struct resource predict_resource = { .name = "prediction", .routes = routes, .n_routes = COUNT_OF(routes) };
