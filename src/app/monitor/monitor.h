/* monitor.h - how a deployment does: figures over its predictions and reviews. */
#pragma once
#include "api/resource.h"
#include "app/scoring/scoring.h"
#include "learn/task/resample.h"

extern const struct resource stats_resource, dashboard_resource, heatmap_resource, alert_resource, drift_resource, filter_resource,
    outlier_resource, outlier_fit_resource, embedding_resource;
extern const struct job_kind outlier_fit_job;

/* A deployment_listener: what came since the last check of its drift. */
MUST_USE enum err drift_heard(struct sql *, struct arena *, const char *deployment_id, const char *predicted_asset_id);
/* A deployment_listener: predictions are scored, a new champion's training images fitted to. */
MUST_USE enum err outlier_heard(struct sql *, struct arena *, const char *deployment_id, const char *predicted_asset_id);
/* A features_listener: what the champion's network saw is kept until it is reduced to a few directions. */
MUST_USE enum err embedding_heard(struct sql *, const char *predicted_asset_id, const char *model_version_id, const float *,
                                  size_t n);
/* The server's thread that measures images and checks for drift. Also at the start for what an earlier one left. */
void lookout_start(const struct services *);
void lookout_stop(void);
void lookout_wake(void); /* there is something to do, once the caller's transaction is committed */

/* Which predicted assets are looked at; NULL and 0: no limit. */
struct selection {
    const char *deployment_id, *model_version_id;
    int64_t from_ms, to_ms;
    struct value ids, without_ids, tags; /* lists */
    struct value picked;                 /* a list: these and nothing else, found without looking at any other */
    int64_t directed;                    /* of such a list: reviews that were left out since the queue chose their images */
};
/* Its condition over predicted_asset a and prediction p, and its values, numbered from ?1. */
enum { SELECTION_VALUES = 7 };
#define SELECTED                                                                                                                   \
    "a.deployment_id = ?1 AND (p.model_version_id = ?2 OR ?2 IS NULL) AND a.created_at >= ?3 AND (?4 = 0 OR a.created_at <= ?4)"   \
    " AND (CAST(?5 AS INTEGER) IS NULL OR a.id IN " LISTED("?5") ") AND (CAST(?6 AS INTEGER) IS NULL OR a.id NOT IN " LISTED(      \
        "?6") ") AND (CAST(?7 AS INTEGER) IS NULL OR EXISTS"                                                                       \
              " (SELECT 1 FROM tagged x JOIN tag t ON t.id = x.tag_id WHERE x.target_id = a.id AND t.name IN " LISTED("?7") "))"
#define SELECTION(s)                                                                                                               \
    V((s)->deployment_id), V((s)->model_version_id), V((s)->from_ms), V((s)->to_ms), V((s)->ids), V((s)->without_ids), V((s)->tags)

/* Reviews that figures rest on: of images that chance or a person chose, and of a time of which all were reviewed. Those that the
 * queue put forward since a model found them hard would make it look worse than it is. Who names the images (?5) gets those. */
#define CHOSEN_FAIRLY                                                                                                              \
    "(EXISTS (SELECT 1 FROM review w WHERE w.predicted_asset_id = a.id AND w.chosen IN ('RANDOM', 'BY_HAND')) OR EXISTS (SELECT 1" \
    " FROM deployment w WHERE w.id = a.deployment_id AND a.created_at <= w.reviewed_until))"
#define SELECTED_REVIEWS SELECTED " AND a.status <> 'TO_REVIEW' AND (CAST(?5 AS INTEGER) IS NOT NULL OR " CHOSEN_FAIRLY ")"

/* What a dashboard is narrowed to. Every panel's route takes the same members and reads them here. */
#define FILTER_IN                                                                                                                  \
    { "since", T_TEXT, 0, .max = 40 }, { "until", T_TEXT, 0, .max = 40 }, { "model_version_id", T_ID },                            \
        { "slot", T_TEXT, .words = filter_slots }, { "source", T_TEXT, .max = 1000 }, { "tag", T_TEXT, .max = 1000 },              \
    {                                                                                                                              \
        "q", T_TEXT, .max = 4000                                                                                                   \
    }
extern const char *const filter_slots[]; /* "champion", "shadow": whose the version is, and whose shapes are looked at */
struct filter {
    int64_t from_ms, to_ms; /* to_ms: INT64_MAX: no end */
    bool shadow;
    const char *query; /* all but the times, in the query language; NULL: nothing but times */
    const char *all;   /* all of it in the query language, "" for everything: what opens the predictions behind a figure */
    const char *mark;  /* the same for the same filter within a minute, with times as they were told */
};
MUST_USE enum err filter_read(struct op *, struct filter *ret);
/* The newest predicted assets that it lets through, as a list: all, those whose reviews figures rest on, or the other reviewed
 * ones. more: there are others. */
enum pick { PICK_ALL, PICK_REVIEWS, PICK_DIRECTED };
struct picked {
    struct value ids;
    int64_t n;
    bool more;
};
MUST_USE enum err filter_pick(struct op *, const struct filter *, enum pick, int64_t most, struct picked *ret);
/* The member "looked_at": {"predictions", "all"}. */
void picked_write(struct out *, const struct picked *);

/* The same figures of a long range without a query: by whole hours, from what was summed up as it came. `from_ms` is moved to its
 * hour's beginning. */
enum { LOOKED_AT_EACH = 5000 };                    /* predictions; a range with more is a long one */
enum { HEATMAP_IMAGES = 1000, HEATMAP_SIDE = 48 }; /* the newest; cells each way */
MUST_USE enum err long_range(struct op *, struct filter *, bool *ret);
MUST_USE enum err long_latency_write(struct op *, const struct filter *);
MUST_USE enum err long_labels_write(struct op *, const struct filter *);
MUST_USE enum err long_scores_write(struct op *, const struct filter *);
/* What takes thousands of images to compute is kept for a minute, or until there is another review: the JSON of that name and
 * filter, else what `make` writes as an object. */
typedef enum err kept_make(struct op *, struct out *, void *with);
MUST_USE enum err kept_write(struct op *, const char *key, const char *mark, kept_make *, void *with);

/* A point of the latency's curve from a row of predicted asset's id, time, champion's latency, shadow's latency (may be NULL). */
void latency_point_write(struct op *, struct rows *);

/* Detection metrics of champion or shadow against the reviews, over the latest reviewed images (at most SUPERVISED_MOST). */
enum { SUPERVISED_MOST = 5000 };
struct supervised {
    struct detect_metrics metrics;
    const char **labels; /* by index */
    int n_labels;
    struct spread spread;
};
/* The ids of the latest reviewed images that it answered. */
MUST_USE enum err reviewed_rows(struct sql *, const struct selection *, bool shadow, struct rows **ret);
MUST_USE enum err supervised_compute(struct sql *, struct arena *, const struct selection *, bool shadow, struct supervised *ret);
/* {"images", "ap", "ap_50", "ap_75", "ap_50_95", "ar", "precision", "recall", "f1", "labels": […]}; null members without truth. */
void supervised_write(struct out *, const char *key, const struct supervised *);

/* The same for models that label images as a whole. */
MUST_USE enum err classified_compute(struct sql *, struct arena *, const struct selection *, bool shadow, struct classified *ret);

/* Of one model on those images only (predicted assets, a list): found without looking at any other. reviewed_of_write() gives
 * what reviewed_write() does, as the member "champion". */
MUST_USE enum err classified_of(struct sql *, struct arena *, const char *deployment_id, struct value ids, bool shadow,
                                struct classified *ret);
MUST_USE enum err reviewed_of_write(struct sql *, struct arena *, struct out *, const char *deployment_id, struct value ids);

/* The boxes that a model predicted on those reviewed images (a list of predicted assets) against the reviews. */
MUST_USE enum err reviewed_metrics(struct sql *, struct arena *, const char *deployment_id, struct value ids, bool shadow,
                                   struct metrics **ret);
/* Rows of the label's position that a review says (NULL: none), that the model said (NULL: none), and the image. */
MUST_USE enum err classified_rows(struct sql *, const char *deployment_id, struct value ids, bool shadow, struct rows **ret);
/* 1 for each image whose label the model said, 0 for the others, in an order that is the same for both models. */
MUST_USE enum err classified_right(struct sql *, const char *deployment_id, struct value ids, bool shadow, double *ret, size_t most,
                                   size_t *ret_n);

/* Today's shadow beside today's champion, on the latest reviewed images that both have seen. */
struct beside {
    const char *metric; /* "mAP50", "accuracy" */
    int64_t images;
    struct value ids; /* those, a list */
    double champion, shadow;
    bool known;                                         /* the rest: there was something to find */
    struct interval of_champion, of_shadow, difference; /* 95 %, images drawn anew in pairs; difference: shadow - champion */
    double better;                                      /* in which share of the draws the shadow is, by more than the margin */
};
/* least: fewer images than that are counted only. */
MUST_USE enum err beside_compute(struct sql *, struct arena *, const struct selection *, double margin, int64_t least,
                                 struct beside *ret);
void beside_write(struct out *, const char *key, const struct beside *);

/* The labels of a deployment by their position. E_TOO_BIG: over `most`. */
MUST_USE enum err monitor_labels(struct sql *, struct arena *, const char *deployment_id, int most, const char ***ret, int *ret_n);
/* Whichever fits the deployment's type, of champion and shadow, and both beside each other, as members of the object that is open.
 */
MUST_USE enum err reviewed_write(struct sql *, struct arena *, struct out *, const struct selection *);

/* [{"label", "label_id", "champion", "shadow", "reviewed", "training"}]: how often each label was said. training: in the dataset
 * version that the champion was trained on. */
MUST_USE enum err label_distribution_write(struct sql *, struct out *, const char *key, const struct selection *);

/* What the champion and today's shadow said of the same images, at most so many of the latest. */
enum { AGREEMENT_MOST = 500 };
struct agreement {
    int64_t images;
    size_t champion, shadow, both; /* shapes of each; and those that have the same label and overlap by half */
};
MUST_USE enum err agreement_compute(struct sql *, const struct selection *, int64_t most, struct agreement *ret);
/* 2 × both / (shapes of both), as Dice; -1 when neither said anything. */
double agreement_part(const struct agreement *);

/* Looks at every alert that is on, writes what changed and tells it. Called by the worker again and again; something_changed:
 * anything was written since the last look. */
MUST_USE enum err alerts_look(struct sql *, int64_t now_ms, bool something_changed);

/* Looks at every deployment that promotes or rolls back by itself: once there are enough new reviews, it is decided. Called by the
 * worker again and again. */
MUST_USE enum err gates_look(struct sql *);
/* A deployment_listener: each has its gate, which is open for nobody at first. */
MUST_USE enum err gate_heard(struct sql *, struct arena *, const char *deployment_id, const char *predicted_asset_id);
