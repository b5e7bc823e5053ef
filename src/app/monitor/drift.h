/* drift.h - inside monitor/: whether a deployment still sees what its model was made for. docs/monitoring.md has the method. */
#pragma once
#include "app/monitor/monitor.h"
#include "stats/ks.h"
#include "stats/mmd.h"
#include "stats/principal.h"

enum {
    LEAST = 30,           /* values of a sample that is tested */
    TRAINING_MOST = 2000, /* training images that are compared with, taken evenly from the version */
    FIRST_MOST = 200,     /* first predictions that are compared with */
    WINDOW_MOST = 2000,   /* predictions */
    LABELS_TESTED = 10,   /* those that are said most */
    PLACES = 200,
    BINS = 16 /* of a chart: points of a curve, bars */
};

/* A deployment's settings and where it stands. */
struct drift_settings {
    const char *deployment_id, *champion, *training_version; /* the last: what is compared with; NULL: there is none */
    double alpha, allowance;                                 /* the latter: checks that may be made now */
    int64_t since_ms;           /* the champion predicts since then; of predictions that are told with times of their own: 0 */
    int64_t window, fresh;      /* fresh: predictions since the last check */
    int64_t directions;         /* of the embedding that are tested */
    bool active, with_training; /* images are compared with the training's, if there are any, else with the first predictions' */
};
MUST_USE enum err drift_settings_read(struct sql *, struct arena *, const char *deployment_id, struct drift_settings *ret);

/* All of a version's images, or TRAINING_MOST evenly spread over the order in which they came. */
struct training_images {
    const char *ids[TRAINING_MOST];
    size_t n;
};
MUST_USE enum err training_choose(struct sql *, struct arena *, const char *version, struct training_images *ret);

/* What is told of each image or prediction: columns of its row. */
enum feature {
    F_RATIO,
    F_AREA,
    F_BRIGHTNESS,
    F_CONTRAST,
    F_SHARPNESS,
    F_SATURATION,
    F_OUTLIER,
    F_OBJECTS,
    F_SCORE,
    F_BEST_SCORE,
    FEATURES
};
enum { IMAGE_FEATURES = F_OBJECTS };
struct feature_row {
    const char *name, *title, *unit;
    const char *query; /* the member of the query language */
};
extern const struct feature_row drift_features[FEATURES];

struct series { /* values in any order, those that there are */
    double *values;
    size_t n;
};
struct sample {
    struct series of[FEATURES];
    struct series *labels; /* by the label's position: how many objects of it each prediction has that has any */
    int n_labels;
    size_t n; /* images or predictions */
};
/* Each is of at most `most`, and leaves samples of the other features empty.
 * The training images that were chosen; ret_images: how many these are, looked at or not. */
MUST_USE enum err sample_training(struct sql *, struct arena *, const char *deployment_id, struct sample *ret, int64_t *ret_images);
/* The images that were predicted last, of a selection; of whichever model. */
MUST_USE enum err sample_images(struct sql *, struct arena *, const struct selection *, bool first, int64_t most,
                                struct sample *ret);
/* The predictions of a selection's model, with their labels. */
MUST_USE enum err sample_predictions(struct sql *, struct arena *, const struct selection *, bool first, int64_t most, int n_labels,
                                     struct sample *ret);

/* When the oldest and the newest of a window were seen; 0: there is none. */
struct window {
    int64_t from_ms, to_ms;
};
/* One feature compared. */
struct drifting {
    const char *name, *title, *unit, *query;
    const char *label; /* NULL unless it counts a label's objects */
    bool together;     /* all directions of the embedding by MMD: ks.d and ks.p are that test's, and there are no series */
    struct mmd mmd;
    size_t n_before, n_now; /* values of both */
    bool with_training, tested, drifted;
    struct series before, now; /* sorted */
    struct window window;
    struct ks ks;
    double limit; /* the smallest d that counts as drifted */
};
struct drift {
    struct drifting items[FEATURES + LABELS_TESTED + PRINCIPAL_MOST + 2];
    size_t n_items, n_tested;
    bool drifted;
    double alpha;          /* of one feature: the settings' over the number of tested ones */
    double label_distance; /* total variation of the labels' shares; < 0: not known */
    int64_t predictions;   /* of the champion, counted up to what is needed */
    int64_t training_images, training_looked_at;
    const char *waits_for; /* why nothing, or not all, is tested yet: a sentence's end; NULL */
};
/* narrowed: the predictions that are looked at; its model_version_id is set to the champion where it is NULL. */
MUST_USE enum err drift_measure(struct sql *, struct arena *, const struct drift_settings *, const struct selection *narrowed,
                                struct drift *ret);
/* {"feature", "title", … "curve", "histogram"} of each as the member "features", and the labels' distance. */
void drift_write(struct out *, struct arena *, const struct drift *);

/* The check of a deployment, if one is due anywhere; any: there was one. */
MUST_USE enum err drift_check_next(struct sql *, bool *ret_any);
/* Whether the deployment may be checked now: at most CHECKS_AT_ONCE, and one more every CHECK_EVERY_MS. */
enum { CHECKS_AT_ONCE = 16, CHECK_EVERY_MS = 45 * 60 * 1000, CHECKS_KEPT = 1000, VALUES_KEPT = 300 };
double drift_allowance(double left, int64_t at_ms, int64_t now_ms);
/* detail: drift_write()'s JSON; of the newest check of a deployment only. limit_d: the distance that counted as drifted. */
#define DRIFT_CHECK_TABLE                                                                                                          \
    "CREATE TABLE drift_check (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"      \
    " created_at INTEGER NOT NULL, drifted INTEGER NOT NULL, alarm INTEGER NOT NULL, n_tested INTEGER NOT NULL, detail TEXT) "     \
    "STRICT;"                                                                                                                      \
    "CREATE INDEX drift_check_time ON drift_check (deployment_id, created_at, id);"                                                \
    "CREATE TABLE drift_value (check_id TEXT NOT NULL REFERENCES drift_check(id) ON DELETE CASCADE, feature TEXT NOT NULL,"        \
    " d REAL NOT NULL, p REAL NOT NULL, limit_d REAL NOT NULL, drifted INTEGER NOT NULL, PRIMARY KEY (check_id, feature))"         \
    " STRICT, WITHOUT ROWID"
