/* Images that a deployment saw, what its models said of them, and what a reviewer said. */
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/deployment/hours.h"
#include "app/deployment/queue.h"
#include "app/deployment/serve.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "query/query.h"
#include <math.h>
#include <string.h>

enum { TWINS = 1000 }; /* Data of the same bytes that are looked at */

const char *const review_statuses[] = { "TO_REVIEW", "REVIEWED", "SUBMITTED", NULL };

#define SHAPE_COLUMNS                                                                                                              \
    " position INTEGER NOT NULL, kind TEXT NOT NULL, label_id TEXT NOT NULL REFERENCES deployment_label(id) ON DELETE CASCADE,"    \
    " score REAL, x REAL NOT NULL, y REAL NOT NULL, w REAL NOT NULL, h REAL NOT NULL, geometry TEXT"
static const char table[] =
    "CREATE TABLE predicted_asset (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " data_id TEXT NOT NULL REFERENCES data(id), status TEXT NOT NULL CHECK (status IN ('TO_REVIEW', 'REVIEWED', 'SUBMITTED')),"
    " source TEXT, metadata TEXT, custom_metrics TEXT, created_at INTEGER NOT NULL, submitted_at INTEGER,"
    " retraining_id TEXT REFERENCES retraining(id) ON DELETE SET NULL, custom_metadata TEXT,"
    /* what lists are sorted by, kept from the data and from what the champion said (kept.c) */
    " filename TEXT NOT NULL DEFAULT '', width INTEGER, height INTEGER, latency REAL, n_shapes INTEGER NOT NULL DEFAULT 0,"
    " brightness REAL, contrast REAL, sharpness REAL, saturation REAL, score_mean REAL, score_max REAL,"
    /* what the review queue goes by (queue.c): how unsure the champion was, how far the shadow says something else, the order of
     * chance, whether chance alone chooses it, and when a reviewer has put it aside (ms) */
    " uncertainty REAL, disagreement REAL, canary INTEGER NOT NULL DEFAULT 0, draw REAL NOT NULL DEFAULT 0, reserved INTEGER NOT "
    "NULL DEFAULT 0,"
    " skipped INTEGER NOT NULL DEFAULT 0,"
    /* how unlike the training images it is, by the deployment's fit to them; NULL: not known yet (monitor/outlier_score.c) */
    " outlier_score REAL, is_outlier INTEGER NOT NULL DEFAULT 0,"
    /* what names a prediction that was made elsewhere and is delivered later: told again, it is the same one */
    " delivery TEXT) STRICT;"
    "CREATE UNIQUE INDEX predicted_asset_delivery ON predicted_asset (deployment_id, delivery) WHERE delivery IS NOT NULL;"
    "CREATE INDEX predicted_asset_time ON predicted_asset (deployment_id, created_at, id);"
    "CREATE INDEX predicted_asset_status ON predicted_asset (deployment_id, status, id);"
    "CREATE INDEX predicted_asset_data ON predicted_asset (data_id, deployment_id);"
    "CREATE INDEX predicted_asset_retraining ON predicted_asset (retraining_id) WHERE retraining_id IS NOT NULL;"
    "CREATE INDEX predicted_asset_new ON predicted_asset (deployment_id, submitted_at) WHERE status = 'SUBMITTED' AND"
    " retraining_id IS NULL;"
    "CREATE TABLE prediction (id TEXT PRIMARY KEY, predicted_asset_id TEXT NOT NULL REFERENCES predicted_asset(id) ON DELETE "
    "CASCADE,"
    " model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL, is_shadow INTEGER NOT NULL, latency REAL NOT NULL,"
    " created_at INTEGER NOT NULL, UNIQUE (predicted_asset_id, is_shadow)) STRICT;"
    "CREATE INDEX prediction_of_model ON prediction (model_version_id);"
    "CREATE TABLE prediction_shape (prediction_id TEXT NOT NULL REFERENCES prediction(id) ON DELETE CASCADE," SHAPE_COLUMNS
    ", PRIMARY KEY (prediction_id, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX prediction_shape_label ON prediction_shape (label_id, prediction_id);"
    "CREATE TABLE review (id TEXT PRIMARY KEY, predicted_asset_id TEXT NOT NULL UNIQUE REFERENCES predicted_asset(id) ON DELETE "
    "CASCADE,"
    " created_at INTEGER NOT NULL, created_by TEXT, chosen TEXT NOT NULL DEFAULT 'BY_HAND') STRICT;"
    "CREATE TABLE review_shape (review_id TEXT NOT NULL REFERENCES review(id) ON DELETE CASCADE," SHAPE_COLUMNS
    ", PRIMARY KEY (review_id, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX review_shape_label ON review_shape (label_id, review_id);" HOURS_TABLE;

/* ---- what was said of an image: shapes of predictions and of reviews look alike */

static const struct field label_fields[] = { { "id", T_ID, 0, "l.id" }, { "name", T_TEXT, 0, "l.name" } };
static const struct resource label_said = { .name = "label of a shape",
                                            .fields = label_fields,
                                            .n_fields = COUNT_OF(label_fields) };
static const struct field shape_fields[] = {
    { "kind", T_TEXT, 0, "h.kind" },
    { "label", T_TEXT, 0, "l.name" },
    { "label_id", T_ID, 0, "l.id" },
    { "score", T_NUMBER, F_NULL, "h.score" },
    { "x", T_NUMBER, 0, "h.x" },
    { "y", T_NUMBER, 0, "h.y" },
    { "w", T_NUMBER, 0, "h.w" },
    { "h", T_NUMBER, 0, "h.h" },
    { "geometry", T_JSON, F_NULL, "h.geometry" },
};
#define ROUNDED(column) "CAST(round(" column ") AS INTEGER)"
static const struct field rectangle_fields[] = {
    { "label", T_PART, 0, .of = &label_said }, { "label_id", T_ID, 0, "l.id" },   { "score", T_NUMBER, F_NULL, "h.score" },
    { "x", T_INT, 0, ROUNDED("h.x") },         { "y", T_INT, 0, ROUNDED("h.y") }, { "w", T_INT, 0, ROUNDED("h.w") },
    { "h", T_INT, 0, ROUNDED("h.h") },
};
static const struct field classification_fields[] = {
    { "label", T_PART, 0, .of = &label_said },
    { "label_id", T_ID, 0, "l.id" },
    { "score", T_NUMBER, F_NULL, "h.score" },
};
#define SAID(name_, says, fields_, table, condition)                                                                               \
    static const struct resource name_ = {                                                                                         \
        .name = says,                                                                                                              \
        .fields = fields_,                                                                                                         \
        .n_fields = COUNT_OF(fields_),                                                                                             \
        .from = table " h JOIN deployment_label l ON l.id = h.label_id" condition,                                                 \
        .key = "h.label_id",                                                                                                       \
        .order = "h.position",                                                                                                     \
    };
SAID(prediction_shape, "predicted shape", shape_fields, "prediction_shape", "")
SAID(prediction_rectangle, "predicted rectangle", rectangle_fields, "prediction_shape", " AND h.kind = 'rectangle'")
SAID(prediction_classification, "predicted classification", classification_fields, "prediction_shape",
     " AND h.kind = 'classification'")
SAID(review_shape, "reviewed shape", shape_fields, "review_shape", "")
SAID(review_rectangle, "reviewed rectangle", rectangle_fields, "review_shape", " AND h.kind = 'rectangle'")
SAID(review_classification, "reviewed classification", classification_fields, "review_shape", " AND h.kind = 'classification'")

#define PREDICTION                                                                                                                 \
    { "id", T_ID, 0, "p.id" }, { "is_shadow", T_BOOL, 0, "p.is_shadow" },                                                          \
        { "model_version_id", T_ID, F_NULL, "p.model_version_id" }, { "latency", T_NUMBER, 0, "p.latency" },                       \
        { "created_at", T_TIME, 0, "p.created_at" },                                                                               \
    {                                                                                                                              \
        "shapes", T_MANY, 0, "p.id", .of = &prediction_shape, .by = "h.prediction_id"                                              \
    }
static const struct field prediction_short_fields[] = { PREDICTION };
static const struct field prediction_fields[] = {
    PREDICTION,
    { "rectangles", T_MANY, 0, "p.id", .of = &prediction_rectangle, .by = "h.prediction_id" },
    { "classifications", T_MANY, 0, "p.id", .of = &prediction_classification, .by = "h.prediction_id" },
};
#define PREDICTIONS(name_, says, fields_, from_)                                                                                   \
    static const struct resource name_ = {                                                                                         \
        .name = says, .fields = fields_, .n_fields = COUNT_OF(fields_), .from = from_, .key = "p.id", .order = "p.is_shadow"       \
    };
PREDICTIONS(champion_said, "prediction of the champion", prediction_short_fields,
            "(SELECT * FROM prediction WHERE is_shadow = 0) p")
PREDICTIONS(shadow_said, "prediction of the shadow", prediction_short_fields, "(SELECT * FROM prediction WHERE is_shadow = 1) p")
PREDICTIONS(all_said, "prediction", prediction_fields, "prediction p")

#define REVIEW                                                                                                                     \
    { "id", T_ID, 0, "r.id" }, { "created_at", T_TIME, 0, "r.created_at" },                                                        \
        { "created_by", T_TEXT, F_NULL, USER_NAME("r.created_by") }, { "chosen", T_TEXT, 0, "r.chosen", .words = review_choices }, \
    {                                                                                                                              \
        "shapes", T_MANY, 0, "r.id", .of = &review_shape, .by = "h.review_id"                                                      \
    }
static const struct field review_short_fields[] = { REVIEW };
static const struct field review_fields[] = {
    REVIEW,
    { "rectangles", T_MANY, 0, "r.id", .of = &review_rectangle, .by = "h.review_id" },
    { "classifications", T_MANY, 0, "r.id", .of = &review_classification, .by = "h.review_id" },
};
#define REVIEWS(name_, says, fields_)                                                                                              \
    static const struct resource name_ = {                                                                                         \
        .name = says, .fields = fields_, .n_fields = COUNT_OF(fields_), .from = "review r", .key = "r.id", .order = "r.id"         \
    };
REVIEWS(review_short, "short review", review_short_fields)
REVIEWS(review_whole, "review", review_fields)

/* ---- the asset */

#define OF(shadow)                                                                                                                 \
    "FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id JOIN deployment_label l ON l.id = h.label_id"             \
    " WHERE p.predicted_asset_id = a.id AND p.is_shadow = " shadow
#define REVIEWED                                                                                                                   \
    "FROM review r JOIN review_shape h ON h.review_id = r.id JOIN deployment_label l ON l.id = h.label_id"                         \
    " WHERE r.predicted_asset_id = a.id"
#define BY "SELECT a.id AS id FROM predicted_asset a WHERE a.deployment_id = ?1"
#define SAID_BY(shadow) "FROM prediction p WHERE p.predicted_asset_id = a.id AND p.is_shadow = " shadow
#define BY_VERSION(shadow)                                                                                                         \
    "SELECT a.id AS id FROM prediction p CROSS JOIN predicted_asset a WHERE a.id = p.predicted_asset_id AND p.is_shadow = " shadow \
    " AND a.deployment_id = ?1"
#define LABEL_NAMES "FROM deployment_label l JOIN deployment q ON q.id = l.deployment_id WHERE q.org = ?1"
#define SAYING(shadow)                                                                                                             \
    "SELECT p.predicted_asset_id AS id FROM deployment_label l CROSS JOIN prediction_shape h"                                      \
    " CROSS JOIN prediction p WHERE h.label_id = l.id AND p.id = h.prediction_id AND l.deployment_id = ?1 AND p.is_shadow "        \
    "= " shadow
#define REVIEWED_AS                                                                                                                \
    "SELECT r.predicted_asset_id AS id FROM deployment_label l CROSS JOIN review_shape h"                                          \
    " CROSS JOIN review r WHERE h.label_id = l.id AND r.id = h.review_id AND l.deployment_id = ?1"
#define BY_MEMBER(owner)                                                                                                           \
    "SELECT a.id AS id" KEPT_FROM("deployment") " CROSS JOIN predicted_asset a WHERE " KEPT_WITHIN " AND " owner                   \
                                                " = m.owner_id AND a.deployment_id = ?1"
static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "a.id" },
    { "deployment_id", T_ID, 0, "a.deployment_id" },
    { "oracle_prediction_id", T_ID, 0, "a.id" },
    { "status", T_TEXT, F_SORT | F_FILTER, "a.status", .drive = BY, .words = review_statuses },
    { "source", T_TEXT, F_SORT | F_FILTER | F_NULL, "a.source", .drive = BY },
    { "created_at", T_TIME, F_SORT | F_FILTER, "a.created_at", .drive = BY },
    { "submitted_at", T_TIME, F_SORT | F_FILTER | F_NULL, "a.submitted_at", .drive = BY },
    { "metadata", T_OBJECT, F_FILTER | F_NULL, "a.metadata", .owner = "a.id", .keys = KEPT_KEYS(KEPT_PREDICTION_METADATA),
      .drive = BY_MEMBER("a.id") },
    { "custom_metadata", T_OBJECT, F_FILTER | F_NULL, "coalesce(a.custom_metadata, d.custom_metadata)",
      .owner = "CASE WHEN a.custom_metadata IS NULL THEN a.data_id ELSE a.id END",
      .keys = "k.document IN ('" KEPT_PREDICTION_CUSTOM "', '" KEPT_CUSTOM "')", .drive = BY_MEMBER("a.id"),
      .drive_too = BY_MEMBER("a.data_id") },
    { "custom_metrics", T_OBJECT, F_NULL, "a.custom_metrics" },
    { "outlier_score", T_NUMBER, F_NULL, "a.outlier_score" },
    { "is_outlier", T_BOOL, 0, "a.is_outlier" },
    { "data", T_PART, 0, .of = &data_short },
    TAGS("a.id"),
    { "latency", T_NUMBER, F_SORT | F_FILTER | F_NULL, "a.latency", .drive = BY },
    { "nb_shapes", T_INT, F_SORT | F_FILTER, "a.n_shapes", .drive = BY },
    { "skipped", T_BOOL, F_FILTER, "CASE WHEN a.skipped > 0 THEN 1 ELSE 0 END" },
    { "uncertainty", T_NUMBER, F_FILTER | F_NULL, "a.uncertainty" },
    { "disagreement", T_NUMBER, F_FILTER | F_NULL, "a.disagreement" },
    { "canary", T_BOOL, F_FILTER, "CASE WHEN a.canary <> 0 THEN 1 ELSE 0 END", .drive = BY }, /* the shadow answered */
    { "champion", T_ONE, F_NULL, "a.id", .of = &champion_said, .by = "p.predicted_asset_id" },
    { "shadow", T_ONE, F_NULL, "a.id", .of = &shadow_said, .by = "p.predicted_asset_id" },
    { "review", T_ONE, F_NULL, "a.id", .of = &review_short, .by = "r.predicted_asset_id" },
    { "predictions", T_MANY, F_ONE, "a.id", .of = &all_said, .by = "p.predicted_asset_id" },
    { "reviews", T_MANY, F_ONE, "a.id", .of = &review_whole, .by = "r.predicted_asset_id" },
    { "filename", T_TEXT, F_FILTER | F_SORT | F_HIDE, "a.filename", .drive = BY, .offer = NAMES_OFFERED },
    { "data.filename", T_TEXT, F_FILTER | F_HIDE, "a.filename", .drive = BY, .offer = NAMES_OFFERED },
    { "width", T_INT, F_FILTER | F_SORT | F_HIDE, "a.width", .drive = BY },
    { "height", T_INT, F_FILTER | F_SORT | F_HIDE, "a.height", .drive = BY },
    { "image.ratio", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.width * 1.0 / nullif(a.height, 0)", .drive = BY },
    { "image.area", T_INT, F_FILTER | F_SORT | F_HIDE, "a.width * a.height", .drive = BY },
    { "image.brightness", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.brightness", .drive = BY },
    { "image.contrast", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.contrast", .drive = BY },
    { "image.sharpness", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.sharpness", .drive = BY },
    { "image.saturation", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.saturation", .drive = BY },
    { "confidence.mean", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.score_mean", .drive = BY },
    { "confidence.max", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.score_max", .drive = BY },
    { "outlier.score", T_NUMBER, F_FILTER | F_SORT | F_HIDE, "a.outlier_score", .drive = BY },
    { "outlier.is", T_BOOL, F_FILTER | F_HIDE, "a.is_outlier", .drive = BY },
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("a.id"), .drive = TAGGED, .offer = TAG_NAMES("PREDICTED_ASSET") },
    { "data.tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("d.id"), .drive = OF_TAGGED_DATA("predicted_asset", "deployment_id"),
      .offer = TAG_NAMES("DATA") },
    { "label.name", T_TEXT, F_FILTER, "l.name", OF("0"), .drive = SAYING("0"), .offer = LABEL_NAMES },
    { "score", T_NUMBER, F_FILTER, "h.score", OF("0"), .most = "a.score_max", .drive_most = BY },
    { "annotations.rectangles.label.name", T_TEXT, F_FILTER, "l.name", OF("0") " AND h.kind = 'rectangle'", .drive = SAYING("0"),
      .offer = LABEL_NAMES },
    { "annotations.classifications.label.name", T_TEXT, F_FILTER, "l.name", OF("0") " AND h.kind = 'classification'",
      .drive = SAYING("0"), .offer = LABEL_NAMES },
    { "champion.model_version_id", T_ID, F_FILTER, "p.model_version_id", SAID_BY("0"), .drive = BY_VERSION("0") },
    { "shadow.model_version_id", T_ID, F_FILTER, "p.model_version_id", SAID_BY("1"), .drive = BY_VERSION("1") },
    { "shadow.label.name", T_TEXT, F_FILTER, "l.name", OF("1"), .drive = SAYING("1"), .offer = LABEL_NAMES },
    { "review.chosen", T_TEXT, F_FILTER, "w.chosen", "FROM review w WHERE w.predicted_asset_id = a.id" },
    { "review.counts", T_BOOL, F_FILTER | F_HIDE,
      "CASE WHEN a.created_at <= o.reviewed_until OR EXISTS (SELECT 1 FROM review w WHERE w.predicted_asset_id = a.id AND w.chosen"
      " IN ('RANDOM', 'BY_HAND')) THEN 1 ELSE 0 END" },
    { "review.label.name", T_TEXT, F_FILTER, "l.name", REVIEWED, .drive = REVIEWED_AS, .offer = LABEL_NAMES },
};

/* ---- for the other files */

enum err class_name(struct sql *db, struct arena *a, const char *version, int label, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    const struct json *labels = NULL;
    TRY(sql_rows(db, &r, "SELECT labels FROM model_version WHERE id = ?1 AND labels IS NOT NULL", V(version)));
    if (rows_next(r))
        TRY(json_parse(a, rows_text(r, 0), strlen(rows_text(r, 0)), &labels));
    TRY(rows_error(r));
    *ret = json_text(json_get(labels, arena_fmt(a, "%d", label)));
    if (!*ret)
        *ret = arena_fmt(a, "class %d", label);
    return OK;
}

/* Labels seen lately, so that a hundred cells of two kinds are two look-ups. */
struct known {
    int label[64];
    const char *id[64];
};

static enum err label_id(struct sql *db, struct arena *a, const char *deployment, const char *version, int label, struct known *k,
                         const char **ret)
{
    size_t at = (size_t)label % COUNT_OF(k->label);
    if (!k->id[at] || k->label[at] != label) {
        const char *name;
        TRY(class_name(db, a, version, label, &name));
        TRY(deployment_label_need(db, a, deployment, name, &k->id[at]));
        k->label[at] = label;
    }
    *ret = k->id[at];
    return OK;
}

enum err prediction_add(struct sql *db, struct arena *a, const char *deployment, const struct prediction_new *p,
                        const char **ret_id)
{
    const char *id = id_new(a);
    enum err e = sql_run(db,
                         "INSERT INTO prediction (id, predicted_asset_id, model_version_id, is_shadow, latency, created_at)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                         V(id), V(p->predicted_asset_id), V(p->model_version_id), V(p->shadow), V(p->latency), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "there is a %s prediction already", p->shadow ? "shadow" : "champion");
    TRY(e);
    struct known known = { 0 };
    for (size_t i = 0; i < p->shapes->n; i++) {
        const struct predicted_shape *s = &p->shapes->items[i];
        const char *label;
        TRY(label_id(db, a, deployment, p->model_version_id, s->label, &known, &label));
        TRY(sql_run(db,
                    "INSERT INTO prediction_shape (prediction_id, position, kind, label_id, score, x, y, w, h, geometry)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    V(id), V((int64_t)i), V(s->kind), V(label), V(s->score), V(s->x), V(s->y), V(s->w), V(s->h), V(s->geometry)));
    }
    TRY(p->shadow ? disagreement_keep(db, p->predicted_asset_id) : prediction_keep(db, id));
    for (features_listener *const *l = features_listeners; *l && !p->shadow && p->shapes->n_features; l++)
        TRY((*l)(db, p->predicted_asset_id, p->model_version_id, p->shapes->features, p->shapes->n_features));
    *ret_id = id;
    return hours_add_prediction(db, a, id);
}

/* Does the Data have other metadata than was told? What it lacks it is given (complete_data). */
static bool contradicts(struct rows *r, int column, const char *told)
{
    return told && !rows_null(r, column) && strcmp(rows_text(r, column), told) != 0;
}

/* The Data that was seen: the one with that object when the caller named it, else one of these bytes and of no other metadata, best
 * of the same name and else the oldest; NULL when there is none. By the hash: each coalesce() keeps an index away by which all of a
 * datalake would be looked through. */
static enum err known_data(struct sql *db, struct arena *a, const struct sighting *s, const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    *ret_id = NULL;
    if (s->object_name)
        TRY(sql_rows(db, &r, "SELECT id, NULL, NULL FROM data WHERE datalake_id = ?1 AND object_name = ?2", V(s->datalake_id),
                     V(s->object_name)));
    else
        TRY(sql_rows(db, &r,
                     "SELECT id, metadata, custom_metadata FROM data WHERE hash = ?2 AND coalesce(datalake_id, '') = ?1 AND"
                     " coalesce(upload_status, '') = 'DONE' ORDER BY CASE WHEN filename = ?3 THEN 0 ELSE 1 END, id LIMIT ?4",
                     V(s->datalake_id), V(s->hash), V(s->filename), V((int64_t)TWINS)));
    while (!*ret_id && rows_next(r))
        if (!contradicts(r, 1, s->metadata) && !contradicts(r, 2, s->custom_metadata))
            *ret_id = arena_str(a, rows_text(r, 0));
    return rows_error(r);
}

/* What was told with the image goes to a Data that has none of it. */
static enum err complete_data(struct sql *db, struct arena *a, const struct sighting *s, const char *data)
{
    const char *source = NULL;
    if (s->source)
        TRY(source_need(db, a, s->org, s->source, &source));
    return data_complete(db, data, source, s->metadata, s->custom_metadata);
}

/* The same, made if it is new in the datalake. */
static enum err data_of(struct sql *db, struct arena *a, const struct sighting *s, const char **ret_id)
{
    TRY(known_data(db, a, s, ret_id));
    if (*ret_id)
        return s->object_name ? OK : complete_data(db, a, s, *ret_id);
    struct data_new n = { .org = s->org,
                          .datalake_id = s->datalake_id,
                          .filename = s->filename,
                          .content_type = s->content_type,
                          .hash = s->hash,
                          .user_id = s->user_id,
                          .metadata = s->metadata,
                          .custom_metadata = s->custom_metadata,
                          .size = s->size,
                          .width = s->width,
                          .height = s->height,
                          .orientation = s->orientation };
    n.object_name = s->object_name;
    if (!n.object_name) {
        TRY(object_name_new(a, s->org, "data", s->upload_dir, s->filename, &n.object_name));
        TRY(quota_take(db, s->org, n.object_name, s->size));
        TRY(object_add(db, s->org, n.object_name, s->hash, s->size, s->content_type));
    }
    TRY(source_need(db, a, s->org, s->source ? s->source : "serving", &n.source_id));
    return data_add(db, a, &n, ret_id);
}

static enum err put_tags(struct sql *db, struct arena *a, const struct sighting *s, const char *asset, const char *data)
{
    for (size_t i = 0; i < json_count(s->tags); i++) {
        const char *name = json_text(json_at(s->tags, i)), *tag;
        if (!name)
            return fail(E_INVALID, "tags[%zu] must be text", i);
        if (!*name)
            continue;
        TRY(tag_need(db, a, s->org, s->deployment_id, "PREDICTED_ASSET", name, &tag));
        TRY(tag_put_on(db, tag, asset));
        TRY(tag_need(db, a, s->org, s->datalake_id, "DATA", name, &tag));
        TRY(tag_put_on(db, tag, data));
    }
    return OK;
}

enum err predicted_asset_add(struct sql *db, struct arena *a, const struct sighting *s, const char **ret_id)
{
    const char *data, *id = id_new(a);
    TRY(data_of(db, a, s, &data));
    if (s->once) {
        int64_t seen = 0;
        TRY(sql_int(db, &seen, "SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND data_id = ?2",
                    V(s->deployment_id), V(data)));
        if (seen)
            return fail(E_CONFLICT, "the deployment has a prediction for this image already");
    }
    TRY(sql_run(
        db,
        "INSERT INTO predicted_asset (id, deployment_id, data_id, status, source, metadata, custom_metrics, created_at,"
        " custom_metadata, canary, filename, width, height, brightness, contrast, sharpness, saturation, draw, reserved, delivery) "
        "SELECT ?1, ?2,"
        " d.id, 'TO_REVIEW', ?4, ?5, ?6, ?7, ?8, ?10, d.filename, d.width, d.height, k.brightness, k.contrast, k.sharpness,"
        " k.saturation, ?9, CASE WHEN ?9 < o.review_share THEN 1 ELSE 0 END, ?11 FROM data d JOIN deployment o ON o.id = ?2"
        " LEFT JOIN image_look k ON k.data_id = d.id WHERE d.id = ?3",
        V(id), V(s->deployment_id), V(data), V(s->source), V(s->metadata), V(s->custom_metrics),
        V(s->at_ms ? s->at_ms : clock_now_ms()), V(s->custom_metadata), V(chance()), V(s->canary), V(s->delivery)));
    TRY(kept_put(db, s->org, KEPT_PREDICTION_METADATA, id, s->metadata));
    TRY(kept_put(db, s->org, KEPT_PREDICTION_CUSTOM, id, s->custom_metadata));
    TRY(put_tags(db, a, s, id, data));
    *ret_id = id;
    return OK;
}

/* ---- routes */

static enum err list(struct op *op)
{
    const char *custom = in_text(op, "custom_metadata");
    struct value values[1 + QUERY_VALUES] = { V(op->id) };
    struct where w = { .sql = "1 = 1" };
    if (custom)
        TRY(query_members(op->arena, &predicted_asset_resource, "custom_metadata", custom, 1, &w));
    if (w.n)
        memcpy(values + 1, w.values, w.n * sizeof *values);
    return reply_page_where(op, &predicted_asset_resource, arena_fmt(op->arena, "a.deployment_id = ?1 AND %s", w.sql), values,
                            1 + w.n);
}

static enum err list_of_ids(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    return reply_page(op, &predicted_asset_resource, "a.deployment_id = ?1 AND a.id IN " LISTED("?2"), V(op->id), V(ids));
}

static enum err find(struct op *op)
{
    const char *by = in_has(op, "id") ? in_text(op, "id") : in_text(op, "oracle_prediction_id");
    if (!by && !in_has(op, "object_name") && !in_has(op, "filename") && !in_has(op, "data_id"))
        return fail(E_INVALID, "say which: id, oracle_prediction_id, object_name, filename or data_id");
    return reply_find(op, &predicted_asset_resource, "the deployment has no such predicted asset",
                      "a.deployment_id = ?1 AND (a.id = ?2 OR ?2 IS NULL) AND (d.object_name = ?3 OR ?3 IS NULL)"
                      " AND (d.filename = ?4 OR ?4 IS NULL) AND (d.id = ?5 OR ?5 IS NULL)",
                      V(op->id), V(by), V(in_text(op, "object_name")), V(in_text(op, "filename")), V(in_text(op, "data_id")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &predicted_asset_resource, op->id);
}

static enum err delete_one(struct op *op)
{
    TRY(hours_take_out(op->db, op->arena, op->id));
    return sql_run(op->db, "DELETE FROM predicted_asset WHERE id = ?1", V(op->id));
}

static const struct field find_in[] = {
    { "id", T_ID }, { "oracle_prediction_id", T_ID }, { "object_name", T_TEXT }, { "filename", T_TEXT }, { "data_id", T_ID },
};
static const struct field list_in[] = { { "custom_metadata", T_TEXT, .max = 4000 } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };

#define ANSWER .answers = &predicted_asset_resource
static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/predictedassets", list, MAY_READ, WORK_READ, "the predictions of a deployment", FIELDS(list_in),
      ANSWER, .on = &deployment_resource, .gives = GIVES_PAGE },
    { "XGET", "/api/deployment/{id}/predictedassets", list_of_ids, MAY_READ, WORK_READ, "predictions by their ids", FIELDS(ids_in),
      ANSWER, .body_cap = 4 << 20, .on = &deployment_resource, .gives = GIVES_PAGE },
    { "GET", "/api/deployment/{id}/predictedassets/find", find, MAY_READ, WORK_READ, "a prediction by its data or id",
      FIELDS(find_in), ANSWER, .on = &deployment_resource },
    { "GET", "/api/predicted/asset/{id}", get, MAY_READ, WORK_READ, "a prediction", ANSWER, .on = &predicted_asset_resource },
    { "DELETE", "/api/predicted/asset/{id}", delete_one, MAY_WRITE, WORK_WRITE,
      "removes a prediction; its image stays in the datalake", .on = &predicted_asset_resource, .gives = GIVES_NOTHING },
};

const struct resource predicted_asset_resource = {
    .name = "predicted asset",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "predicted_asset a JOIN deployment o ON o.id = a.deployment_id JOIN data d ON d.id = a.data_id",
    .key = "a.id",
    .org = "o.org",
    .root = "o.id",
    .order = "a.created_at DESC, a.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
