/* The values that are compared: of training images, of images that were predicted, of predictions. */
#include "app/datalake/datalake.h"
#include "app/monitor/drift.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include <string.h>

const struct feature_row drift_features[FEATURES] = {
    [F_RATIO] = { "ratio", "Width / height", "", "image.ratio" },
    [F_AREA] = { "area", "Area", "px", "image.area" },
    [F_BRIGHTNESS] = { "brightness", "Brightness", "", "image.brightness" },
    [F_CONTRAST] = { "contrast", "Contrast", "", "image.contrast" },
    [F_SHARPNESS] = { "sharpness", "Sharpness", "", "image.sharpness" },
    [F_SATURATION] = { "saturation", "Saturation", "", "image.saturation" },
    [F_OUTLIER] = { "outlier_score", "Outlier score", "", "outlier.score" },
    [F_OBJECTS] = { "objects", "Objects an image", "", "nb_shapes" },
    [F_SCORE] = { "confidence", "Mean confidence", "", "confidence.mean" },
    [F_BEST_SCORE] = { "best_confidence", "Best confidence", "", "confidence.max" },
};

#define IMAGE_COLUMNS "d.width, d.height, k.brightness, k.contrast, k.sharpness, k.saturation"
enum { SCORE_COLUMN = 6 }; /* after those */

static void sample_new(struct arena *a, int64_t most, int n_labels, struct sample *ret)
{
    *ret = (struct sample){ .n_labels = n_labels, .labels = arena_new_array(a, struct series, n_labels + 1) };
    for (int i = 0; i < FEATURES; i++)
        ret->of[i].values = arena_new_array(a, double, most);
    for (int i = 0; i < n_labels; i++)
        ret->labels[i].values = arena_new_array(a, double, most);
}

static void add(struct sample *s, enum feature f, double x)
{
    s->of[f].values[s->of[f].n++] = x;
}

/* From the columns IMAGE_COLUMNS, which start at `column`. */
static void add_image(struct sample *s, struct rows *r, int column)
{
    double w = rows_real(r, column), h = rows_real(r, column + 1);
    s->n++;
    if (w > 0 && h > 0) {
        add(s, F_RATIO, w / h);
        add(s, F_AREA, w * h);
    }
    for (int i = 0; i < 4; i++)
        if (!rows_null(r, column + 2 + i))
            add(s, (enum feature)(F_BRIGHTNESS + i), rows_real(r, column + 2 + i));
}

enum err sample_training(struct sql *db, struct arena *a, const char *deployment_id, struct sample *ret, int64_t *ret_images)
{
    sample_new(a, TRAINING_MOST, 0, ret);
    TRY(sql_int(db, ret_images, "SELECT count(*) FROM drift_reference WHERE deployment_id = ?1", V(deployment_id)));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT " IMAGE_COLUMNS " FROM drift_reference f JOIN data d ON d.id = f.data_id JOIN image_look k ON k.data_id ="
                 " d.id WHERE f.deployment_id = ?1 LIMIT ?2",
                 V(deployment_id), V((int64_t)TRAINING_MOST)));
    while (rows_next(r))
        add_image(ret, r, 0);
    TRY(rows_error(r));
    return outlier_held(db, a, deployment_id, &ret->of[F_OUTLIER].values, &ret->of[F_OUTLIER].n);
}

/* Of one prediction each, in the order that is asked for. */
#define SEEN                                                                                                                       \
    " FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 JOIN data d ON d.id = a.data_id" \
    " LEFT JOIN image_look k ON k.data_id = d.id WHERE " SELECTED " ORDER BY a.created_at"

enum err sample_images(struct sql *db, struct arena *a, const struct selection *s, bool first, int64_t most, struct sample *ret)
{
    sample_new(a, most, 0, ret);
    AUTO(rows) struct rows *r = NULL;
    if (first)
        TRY(sql_rows(db, &r, "SELECT " IMAGE_COLUMNS ", a.outlier_score" SEEN ", a.id LIMIT ?8", SELECTION(s), V(most)));
    else
        TRY(sql_rows(db, &r, "SELECT " IMAGE_COLUMNS ", a.outlier_score" SEEN " DESC, a.id DESC LIMIT ?8", SELECTION(s), V(most)));
    while (rows_next(r)) {
        add_image(ret, r, 0);
        if (!rows_null(r, SCORE_COLUMN))
            add(ret, F_OUTLIER, rows_real(r, SCORE_COLUMN));
    }
    return rows_error(r);
}

/* What one prediction says. */
struct said {
    char id[ID_SIZE];
    double n, sum, best;
    int64_t *counts; /* by label */
};

static void end_prediction(struct sample *s, struct said *p)
{
    if (!*p->id)
        return;
    s->n++;
    add(s, F_OBJECTS, p->n);
    if (p->n > 0) {
        add(s, F_SCORE, p->sum / p->n);
        add(s, F_BEST_SCORE, p->best);
    }
    for (int i = 0; i < s->n_labels; i++) {
        if (p->counts[i])
            s->labels[i].values[s->labels[i].n++] = (double)p->counts[i];
        p->counts[i] = 0;
    }
    p->n = p->sum = p->best = 0;
}

/* A shape a row, a row without one for a prediction that has none; those of one prediction follow each other. */
static enum err add_predictions(struct sample *s, struct arena *a, struct rows *r)
{
    struct said p = { .counts = arena_new_array(a, int64_t, s->n_labels + 1) };
    while (rows_next(r)) {
        if (strcmp(p.id, rows_text(r, 0)) != 0)
            end_prediction(s, &p);
        id_parse(rows_text(r, 0), p.id);
        if (rows_null(r, 1))
            continue;
        p.n++;
        p.sum += rows_real(r, 1);
        p.best = rows_real(r, 1) > p.best ? rows_real(r, 1) : p.best;
        if (rows_int(r, 2) < s->n_labels)
            p.counts[rows_int(r, 2)]++;
    }
    end_prediction(s, &p);
    return rows_error(r);
}

#define SAID_OF                                                                                                                    \
    "SELECT q.id, h.score, l.position FROM (SELECT a.id, p.id AS prediction_id, a.created_at FROM predicted_asset a"               \
    " JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED " ORDER BY a.created_at"
#define WITH_SHAPES                                                                                                                \
    " LIMIT ?8) q LEFT JOIN prediction_shape h ON h.prediction_id = q.prediction_id LEFT JOIN deployment_label l"                  \
    " ON l.id = h.label_id ORDER BY q.id"

enum err sample_predictions(struct sql *db, struct arena *a, const struct selection *s, bool first, int64_t most, int n_labels,
                            struct sample *ret)
{
    sample_new(a, most, n_labels, ret);
    AUTO(rows) struct rows *r = NULL;
    if (first)
        TRY(sql_rows(db, &r, SAID_OF ", a.id" WITH_SHAPES, SELECTION(s), V(most)));
    else
        TRY(sql_rows(db, &r, SAID_OF " DESC, a.id DESC" WITH_SHAPES, SELECTION(s), V(most)));
    return add_predictions(ret, a, r);
}
