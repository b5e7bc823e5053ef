/* Predictions that were made elsewhere and are told here: the contract's monitoring service. */
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/deployment/serve.h"
#include "app/deployment/served.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_CAP = 32 << 20, BODY_CAP = 48 << 20 };

struct told {
    struct serving serving;
    const char *version; /* whose predictions they are */
    bool again;          /* it was delivered before */
    struct sighting sighting;
    struct predicted_shapes champion, shadow;
    double latency, shadow_latency;
    const char *asset;
};

static int digit(unsigned char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' || c == '-' ? 62
           : c == '/' || c == '_' ? 63
                                  : -1;
}

enum err sighting_base64(struct op *op, const char *s, struct sighting *ret)
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    char hash[HASH_SIZE];
    unsigned char buffer[3 * 4096];
    size_t n = 0;
    uint32_t bits = 0;
    int have = 0;
    TRY(blob_begin(op->services->blobs, IMAGE_CAP, &w));
    for (; *s && *s != '='; s++) {
        int d = digit((unsigned char)*s);
        if (d < 0)
            return fail(E_INVALID, "image is no base64");
        bits = bits << 6 | (uint32_t)d;
        if ((have += 6) < 8)
            continue;
        have -= 8;
        buffer[n++] = (unsigned char)(bits >> have);
        if (n == sizeof buffer) {
            TRY(blob_write(w, buffer, n));
            n = 0;
        }
    }
    if (strspn(s, "=") != strlen(s))
        return fail(E_INVALID, "image is no base64");
    TRY(blob_write(w, buffer, n));
    struct blob_writer *done = w;
    w = NULL;
    TRY(blob_commit(done, hash, &ret->size));
    ret->hash = arena_str(op->arena, hash);
    return OK;
}

static enum err read_image(struct op *op, struct sighting *s)
{
    const struct json *cloud = in_json(op, "cloud_image");
    if (json_absent(cloud) && !in_has(op, "image"))
        return fail(E_INVALID, "image (base64) or cloud_image is missing");
    if (!json_absent(cloud)) {
        const char *name = json_text(json_get(cloud, "object_name"));
        if (!name)
            return fail(E_INVALID, "cloud_image.object_name is missing");
        TRY(object_find(op->db, op->arena, op->org, name, &s->hash, &s->size));
        s->object_name = name;
    } else {
        TRY(sighting_base64(op, in_text(op, "image"), s));
    }
    AUTO(fd) int fd = -1;
    struct image_facts facts;
    TRY(blob_read(op->services->blobs, s->hash, &fd, &s->size));
    TRY(fail_within(infer_probe(op->services->infer, op_party(op), fd, &facts), "image: "));
    if (!s->delivery && strcmp(facts.type, "image/jpeg") != 0 && strcmp(facts.type, "image/png") != 0)
        return fail(E_INVALID, "image: only JPEG and PNG are taken here; it is %s", facts.type);
    if (facts.width != in_int(op, "width", 0) || facts.height != in_int(op, "height", 0))
        return fail(E_UNMEANT, "the image is %d × %d, not %lld × %lld", facts.width, facts.height,
                    (long long)in_int(op, "width", 0), (long long)in_int(op, "height", 0));
    s->width = facts.width;
    s->height = facts.height;
    s->orientation = facts.orientation;
    s->content_type = facts.type;
    return OK;
}

/* Seconds since 1970, or ISO 8601. */
static enum err read_time(struct op *op, int64_t *ret)
{
    const struct json *v = in_json(op, "timestamp");
    double seconds;
    *ret = 0;
    if (json_absent(v))
        return OK;
    if (json_number(v, &seconds) && seconds > 0 && seconds < 1e11) {
        *ret = (int64_t)(seconds * 1000);
        return OK;
    }
    return clock_parse_iso(json_text(v) ? json_text(v) : "", ret)
               ? OK
               : fail(E_INVALID, "timestamp must be seconds since 1970 or ISO 8601");
}

/* What was told under that name before, however often it is told. */
static enum err find_delivered(struct op *op, struct told *t)
{
    if (!t->sighting.delivery)
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT id FROM predicted_asset WHERE deployment_id = ?1 AND delivery = ?2", V(op->id),
                 V(t->sighting.delivery)));
    t->again = rows_next(r);
    if (t->again)
        t->asset = arena_str(op->arena, rows_text(r, 0));
    return rows_error(r);
}

static enum err keep(struct op *op)
{
    struct told *t = op->state;
    const char *id;
    TRY(find_delivered(op, t)); /* another request may have brought it meanwhile */
    if (t->again)
        return OK;
    TRY(predicted_asset_add(op->db, op->arena, &t->sighting, &t->asset));
    const struct prediction_new champion = { t->asset, t->version, false, t->latency, &t->champion };
    TRY(prediction_add(op->db, op->arena, t->serving.id, &champion, &id));
    if (in_has(op, "shadow_raw_predictions")) {
        const struct prediction_new shadow = { t->asset, t->serving.shadow, true, t->shadow_latency, &t->shadow };
        TRY(prediction_add(op->db, op->arena, t->serving.id, &shadow, &id));
    }
    TRY(deployment_heard(op->db, op->arena, t->serving.id, t->asset));
    return deployment_tell(op->db, op->arena, t->serving.id,
                           arena_fmt(op->arena, "{\"kind\":\"prediction\",\"predicted_asset_id\":\"%s\"}", t->asset));
}

/* What was kept until the server could be reached may be of an earlier champion: any version of that type here. */
static enum err check_earlier(struct op *op, const struct serving *s, const char *model)
{
    int64_t known = 0;
    TRY(sql_int(op->db, &known,
                "SELECT count(*) FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = ?1 AND v.type = ?2 AND"
                " (m.org = ?3 OR m.org IS NULL)",
                V(model), V(s->type), V(s->org)));
    return known ? OK : fail(E_UNMEANT, "there is no model version %s of type %s", model, s->type);
}

/* Whose predictions they are, if that is said: those of another model would count for this one. */
static enum err check_models(struct op *op, struct told *t)
{
    const struct serving *s = &t->serving;
    const char *model = in_text(op, "model"), *shadow = in_text(op, "shadow_model");
    t->version = model ? model : s->champion;
    if (strcmp(t->version, s->champion) != 0 && in_has(op, "key"))
        TRY(check_earlier(op, s, model));
    else if (strcmp(t->version, s->champion) != 0)
        return fail(E_CONFLICT, "the predictions are of the model version %s, but the deployment's is %s", model, s->champion);
    if (shadow && (!s->shadow || strcmp(shadow, s->shadow) != 0))
        return fail(E_CONFLICT, "the model version %s is not the deployment's shadow", shadow);
    return OK;
}

static enum err answer(struct op *op, const struct told *t)
{
    op->status = 201;
    out_object(&op->out, NULL);
    out_text(&op->out, "id", t->asset);
    out_text(&op->out, "oracle_prediction_id", t->asset);
    out_text(&op->out, "predicted_asset_id", t->asset);
    out_end_object(&op->out);
    return OK;
}

static enum err monitor(struct op *op)
{
    struct told *t = arena_take(op->arena, sizeof *t);
    op->state = t;
    TRY(serving_read(op->db, op->arena, op->org, op->id, &t->serving));
    if (t->serving.paused)
        return fail(E_CONFLICT, "the deployment is paused");
    struct sighting *s = &t->sighting;
    *s = (struct sighting){
        .deployment_id = op->id,
        .org = op->org,
        .datalake_id = t->serving.datalake_id,
        .user_id = op->user_id,
        .filename = in_text(op, "filename"),
        .source = in_text(op, "source"),
        .metadata = in_print(op, "metadata"),
        .custom_metadata = in_print(op, "custom_metadata"),
        .custom_metrics = in_print(op, "custom_metrics"),
        .upload_dir = in_text(op, "upload_dir"),
        .tags = in_json(op, "tags"),
        .once = !in_has(op, "key"),
        .delivery = in_text(op, "key"),
    };
    TRY(find_delivered(op, t));
    if (t->again)
        return answer(op, t);
    TRY(check_models(op, t));
    TRY(fail_within(filename_check(s->filename), "filename: "));
    TRY(read_time(op, &s->at_ms));
    TRY(fail_within(raw_read(op->arena, in_json(op, "raw_predictions"), t->serving.type, &t->champion), "raw_predictions: "));
    t->latency = in_number(op, "latency", 0);
    bool shadow = in_has(op, "shadow_raw_predictions");
    if (shadow != in_has(op, "shadow_latency"))
        return fail(E_INVALID, "shadow_raw_predictions and shadow_latency come together");
    if (shadow && !t->serving.shadow)
        return fail(E_CONFLICT, "the deployment has no shadow model");
    if (shadow)
        TRY(fail_within(raw_read(op->arena, in_json(op, "shadow_raw_predictions"), t->serving.type, &t->shadow),
                        "shadow_raw_predictions: "));
    t->shadow_latency = in_number(op, "shadow_latency", 0);
    TRY(read_image(op, s));
    TRY(op_write(op, keep));
    if (!t->again)
        served_answered(op->id, t->latency);
    return answer(op, t);
}

/* A shadow prediction for an image that was told before. */
static enum err monitor_shadow(struct op *op)
{
    const char *prediction;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT d.id, d.type, d.shadow_model_version_id FROM predicted_asset a JOIN deployment d"
                  " ON d.id = a.deployment_id WHERE a.id = ?1",
                  V(op->id)));
    const char *deployment = arena_str(op->arena, rows_text(r, 0)), *type = arena_str(op->arena, rows_text(r, 1));
    if (rows_null(r, 2))
        return fail(E_CONFLICT, "the deployment has no shadow model");
    struct predicted_shapes shapes = { 0 };
    TRY(fail_within(raw_read(op->arena, in_json(op, "shadow_raw_predictions"), type, &shapes), "shadow_raw_predictions: "));
    const struct prediction_new n = { op->id, arena_str(op->arena, rows_text(r, 2)), true, in_number(op, "shadow_latency", 0),
                                      &shapes };
    TRY(prediction_add(op->db, op->arena, deployment, &n, &prediction));
    TRY(deployment_tell(op->db, op->arena, deployment, "{\"kind\":\"shadow_prediction\"}"));
    op->status = 201;
    return OK;
}

static const struct field monitor_in[] = {
    { "filename", T_TEXT, F_NEED, .min = 1, .max = 255 },
    { "content_type", T_TEXT, F_NULL, .max = 100 },
    { "height", T_INT, F_NEED, .min = 1, .max = 65535 },
    { "width", T_INT, F_NEED, .min = 1, .max = 65535 },
    { "raw_predictions", T_OBJECT, F_NEED },
    { "latency", T_NUMBER, F_NEED, .min = 0, .max = 1e6 },
    { "image", T_TEXT, F_NULL, .max = BODY_CAP },
    { "cloud_image", T_OBJECT, F_NULL },
    { "source", T_TEXT, F_NULL, .max = 100 },
    { "tags", T_TEXTS, F_NULL, .max = 100 },
    { "metadata", T_OBJECT, F_NULL },
    { "custom_metadata", T_OBJECT, F_NULL },
    { "timestamp", T_JSON, F_NULL },
    { "upload_dir", T_TEXT, F_NULL },
    { "shadow_latency", T_NUMBER, F_NULL, .min = 0, .max = 1e6 },
    { "shadow_raw_predictions", T_OBJECT, F_NULL },
    { "sample", T_BOOL, F_NULL },
    { "custom_metrics", T_OBJECT, F_NULL },
    { "key", T_TEXT, F_NULL, .min = 8, .max = 100 }, /* told again with it, it is the same prediction */
    { "model", T_ID, F_NULL },
    { "shadow_model", T_ID, F_NULL },
};
static const struct field shadow_in[] = {
    { "shadow_raw_predictions", T_OBJECT, F_NEED },
    { "shadow_latency", T_NUMBER, F_NEED, .min = 0, .max = 1e6 },
};

DESCRIBED(monitored_answer, "monitored prediction", { "id", T_ID }, { "oracle_prediction_id", T_ID },
          { "predicted_asset_id", T_ID });

static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/predictions", monitor, MAY_PREDICT, WORK_FREE, "tells of a prediction that was made elsewhere",
      FIELDS(monitor_in), &monitored_answer, BODY_CAP, .on = &deployment_resource },
    { "POST", "/api/prediction/{id}/shadow", monitor_shadow, MAY_PREDICT, WORK_WRITE, "tells of a shadow's prediction",
      FIELDS(shadow_in), NULL, 8 << 20, .on = &predicted_asset_resource, .gives = GIVES_NOTHING },
};

const struct resource monitor_resource = { .name = "monitored prediction", .routes = routes, .n_routes = COUNT_OF(routes) };
