/* What all ways of predicting have in common: whether a deployment answers, which model it asks, and what is kept of it. */
#include "app/datalake/datalake.h"
#include "app/deployment/serve.h"
#include "app/deployment/served.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum err serving_read(struct sql *db, struct arena *a, const char *org, const char *id, struct serving *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT d.type, d.status, d.serving, d.min_threshold, d.target_datalake_id, d.model_version_id,"
                           " d.shadow_model_version_id, d.sample_rate, v.labels, d.org, d.canary_share FROM deployment d"
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
        .canary_share = rows_real(r, 10),
    };
    return OK;
}

enum err model_signature(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version,
                         struct tensor_list *ret_in, struct tensor_list *ret_out)
{
    AUTO(infer_model) struct infer_model model = MODEL_CLOSED;
    struct model_served served;
    TRY(model_open(db, s, a, version, &served, &model));
    return infer_signature(s->infer, who, &model, ret_in, ret_out);
}

enum err model_run(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version,
                   struct tensors *t)
{
    AUTO(infer_model) struct infer_model model = MODEL_CLOSED;
    struct model_served served;
    TRY(model_open(db, s, a, version, &served, &model));
    return infer_run(s->infer, who, &model, t);
}

/* "[[x, y], …]" to a tenth of a pixel; of keypoints with how sure the model is of each. */
static const char *geometry_of(struct arena *a, const char *kind, const struct spot *spots, int n)
{
    AUTO(out) struct out o;
    bool keypoints = strcmp(kind, FOUND_KEYPOINTS) == 0;
    out_init(&o, 1 << 20);
    out_array(&o, NULL);
    for (int i = 0; i < n; i++) {
        out_array(&o, NULL);
        out_number(&o, NULL, round((double)spots[i].x * 10) / 10);
        out_number(&o, NULL, round((double)spots[i].y * 10) / 10);
        if (keypoints)
            out_number(&o, NULL, round((double)spots[i].seen * 1000) / 1000);
        out_end_array(&o);
    }
    out_end_array(&o);
    return arena_str(a, o.text.bytes);
}

enum err shapes_of(struct arena *a, const struct detections *found, struct predicted_shapes *ret)
{
    const struct spot *spots = found->spots;
    for (size_t i = 0; i < found->n; i++) {
        const struct detection *d = &found->items[i];
        const struct predicted_shape shape = { .kind = found->kind,
                                               .label = d->label,
                                               .score = (double)d->score,
                                               .x = (double)d->x,
                                               .y = (double)d->y,
                                               .w = (double)d->w,
                                               .h = (double)d->h,
                                               .geometry = d->n_spots ? geometry_of(a, found->kind, spots, d->n_spots) : NULL };
        spots += d->n_spots;
        TRY(predicted_shape_add(a, ret, &shape));
    }
    return OK;
}

enum err model_see(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version, int image,
                   double threshold, struct meanwhile *meanwhile, struct detections *ret, struct predicted_shapes *ret_shapes)
{
    AUTO(infer_model) struct infer_model model = MODEL_CLOSED;
    struct model_served served;
    TRY(model_open(db, s, a, version, &served, &model));
    TRY(infer_predict_meanwhile(s->infer, who, &model, image, threshold, meanwhile, a, ret));
    ret_shapes->features = ret->features;
    ret_shapes->n_features = ret->n_features;
    bool whole = strcmp(served.type, "CLASSIFICATION") == 0;
    if (ret->whole != whole && strcmp(served.type, "NOT_CONFIGURED") != 0)
        return fail(E_UNMEANT, "the model %s, but its version is %sof type CLASSIFICATION",
                    ret->whole ? "labels whole images" : "finds boxes", whole ? "" : "not ");
    return shapes_of(a, ret, ret_shapes);
}

enum err model_ask(struct sql *db, const struct services *s, struct arena *a, const char *who, const char *version,
                   const char *image_hash, double threshold, struct detections *ret, struct predicted_shapes *ret_shapes)
{
    AUTO(fd) int image = -1;
    uint64_t size;
    TRY(blob_read(s->blobs, image_hash, &image, &size));
    return model_see(db, s, a, who, version, image, threshold, NULL, ret, ret_shapes);
}

enum err serving_begin(struct op *op, struct serving *ret)
{
    TRY(serving_read(op->db, op->arena, op->org, op->id, ret));
    if (!ret->serving)
        return fail(E_CONFLICT, "this deployment serves nothing: its predictions are made elsewhere and only monitored here");
    if (ret->paused)
        return fail(E_CONFLICT, "the deployment is paused");
    return OK;
}

/* What nobody is to blame for who asks: a paused deployment, and one that serves nothing. */
enum err serving_counted(struct op *op, enum err e)
{
    if (e != OK && e != E_CONFLICT)
        served_refused(op->id);
    return e;
}

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

/* An image that was sent is made durable while the model runs. */
struct storing {
    struct arena *arena;
    struct sight *sight;
};

static enum err store(void *with)
{
    struct storing *s = with;
    struct blob_writer *writer = s->sight->writer;
    char hash[HASH_SIZE];
    s->sight->writer = NULL; /* committing frees it */
    TRY(blob_commit(writer, hash, &s->sight->sighting.size));
    s->sight->sighting.hash = arena_str(s->arena, hash);
    return OK;
}

/* What the version says of the image, which is stored if it is to be kept. */
static enum err ask(struct op *op, struct sight *s, const char *version)
{
    AUTO(fd) int image = -1;
    unsigned char first[12] = { 0 };
    struct storing storing = { op->arena, s };
    struct meanwhile meanwhile = { .work = store, .with = &storing };
    struct sighting *of = &s->sighting;
    TRY(s->writer ? blob_reread(s->writer, &image) : blob_read(op->services->blobs, of->hash, &image, &of->size));
    if (pread(image, first, sizeof first, 0) < 0)
        return fail(E_BROKEN, "cannot read an image");
    s->version = version;
    TRY(model_see(op->db, op->services, op->arena, s->serving.id, version, image, s->serving.threshold,
                  s->kept && s->writer ? &meanwhile : NULL, &s->found, &s->shapes));
    of->content_type = type_of(first);
    of->width = s->found.width;
    of->height = s->found.height;
    of->orientation = 1; /* the size is that of the image as shown */
    return OK;
}

static enum err keep(struct op *op)
{
    struct sight *s = op->state;
    const char *prediction;
    TRY(predicted_asset_add(op->db, op->arena, &s->sighting, &s->asset));
    const struct prediction_new n = { s->asset, s->version, s->sighting.canary, s->found.latency_s, &s->shapes };
    TRY(prediction_add(op->db, op->arena, s->serving.id, &n, &prediction));
    if (s->serving.shadow)
        TRY(shadow_queue(op->db, s->asset, s->sighting.canary ? s->serving.champion : s->serving.shadow, !s->sighting.canary));
    if (!s->sighting.canary)
        TRY(deployment_heard(op->db, op->arena, s->serving.id, s->asset));
    return deployment_tell(op->db, op->arena, s->serving.id,
                           arena_fmt(op->arena, "{\"kind\":\"prediction\",\"predicted_asset_id\":\"%s\"}", s->asset));
}

/* A share of the images is kept when the deployment says so. */
static bool sampled(const struct serving *s)
{
    uint32_t r;
    random_bytes(&r, sizeof r);
    return s->sample_rate >= 1 || r / 4294967296.0 < s->sample_rate;
}

/* Whether the shadow answers: by chance, or by the request's id, so that one that is sent again is answered by the same model. */
static bool is_canary(const struct sight *s)
{
    char hex[65];
    uint32_t r;
    if (!s->serving.shadow || s->serving.canary_share <= 0)
        return false;
    if (s->wanted)
        return strcmp(s->wanted, s->serving.shadow) == 0;
    random_bytes(&r, sizeof r);
    if (s->request) {
        sha256_hex(s->request, strlen(s->request), hex);
        hex[8] = 0;
        r = (uint32_t)strtoul(hex, NULL, 16);
    }
    return r / 4294967296.0 < s->serving.canary_share;
}

static enum err labels_of(struct op *op, const char *version, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT labels FROM model_version WHERE id = ?1", V(version)));
    *ret = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

/* A candidate that cannot be run leaves the request to the champion. */
static enum err ask_one_of_both(struct op *op, struct sight *s)
{
    s->sighting.canary = is_canary(s);
    if (s->sighting.canary) {
        enum err e = ask(op, s, s->serving.shadow);
        if (e == OK)
            return labels_of(op, s->version, &s->labels);
        if (s->wanted || (e != E_UNMEANT && e != E_BROKEN))
            return e;
        log_failure("asking the candidate of a deployment");
        s->sighting.canary = false;
        s->shapes = (struct predicted_shapes){ 0 };
    }
    s->labels = s->serving.labels;
    return ask(op, s, s->serving.champion);
}

enum err sight_predict(struct op *op, struct sight *s)
{
    s->sighting.deployment_id = s->serving.id;
    s->sighting.org = op->org;
    s->sighting.datalake_id = s->serving.datalake_id;
    s->sighting.user_id = op->user_id;
    s->kept = s->monitor && sampled(&s->serving);
    TRY(ask_one_of_both(op, s));
    if (s->kept) {
        void *state = op->state;
        op->state = s;
        enum err e = op_write(op, keep);
        op->state = state;
        TRY(e);
        if (s->serving.shadow)
            shadow_wake(op->services);
    }
    served_answered(s->serving.id, s->found.latency_s);
    return OK;
}
