/* deployment.h - a model version at work: predictions of the champion (and, unseen, of a shadow), their reviews, the feedback loop
 * into dataset versions, and the trainings and changes of model that follow by themselves. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"
#include "app/deployment/decision.h"   /* part of this one, */
#include "app/deployment/retraining.h" /* and so is this */
#include "infer/infer.h"

extern const struct resource deployment_resource, login_resource, predicted_asset_resource, prediction_kept_resource,
    predict_resource, try_resource, monitor_resource, shadow_resource, review_resource, review_queue_resource, feedback_resource,
    pipeline_resource, deployment_token_resource, steer_resource, decision_resource;

extern const struct removal deployment_removal;
extern const struct version_user feedback_uses_versions, pipeline_uses_versions;
extern const char *const review_statuses[]; /* TO_REVIEW, REVIEWED, SUBMITTED: only ever forward */

MUST_USE enum err deployment_tell(struct sql *, struct arena *, const char *id, const char *json);
/* members: what stands in the object besides the deployment, as "\"a\":1". */
MUST_USE enum err deployment_tell_webhooks(struct sql *, struct arena *, const char *id, const char *event, const char *members);

/* Sets the champion or shadow; version NULL empties the shadow's slot. A champion that goes is the former one, unless it makes room
 * for its predecessor; another shadow answers no requests yet. Inside a transaction; the ids are of one organization.
 * E_UNMEANT: it does not fit (another type, no file to serve). */
enum slot { SLOT_CHAMPION, SLOT_SHADOW };
MUST_USE enum err deployment_set_model(struct sql *, struct arena *, const char *id, enum slot, const char *model_version_id);

/* The deployment's label of that name; made if the model brought a new one. */
MUST_USE enum err deployment_label_need(struct sql *, struct arena *, const char *id, const char *name, const char **ret_label);

/* What a model said of one image, or a reviewer: shapes in pixels of the image as shown. */
struct predicted_shape {
    const char *kind;     /* "rectangle", "polygon", "classification", "line", "point", "keypoint", "mask" */
    int label;            /* of a model: its class index; -1: see label_id */
    const char *label_id; /* of the deployment */
    double score;         /* < 0: none (reviews) */
    double x, y, w, h;    /* the box around it; of a classification 0 */
    const char *geometry; /* JSON of kinds that are no box; NULL */
};
struct predicted_shapes {
    struct predicted_shape *items;
    size_t n;
    const float *features; /* what the network saw, where it was run here (infer/features.h) */
    size_t n_features;
};
MUST_USE enum err predicted_shape_add(struct arena *, struct predicted_shapes *, const struct predicted_shape *);
/* What a model said. */
MUST_USE enum err shapes_of(struct arena *, const struct detections *, struct predicted_shapes *ret);

/* raw_predictions of the contract, both ways. type: the deployment's. E_INVALID names the list and the item. */
enum { SHAPES_MOST = 10000 };
MUST_USE enum err raw_read(struct arena *, const struct json *raw, const char *type, struct predicted_shapes *ret);
void raw_write(struct out *, const char *key, const char *type, const struct predicted_shapes *);

/* How unsure a shape h is, 0 to 1: of what a label of the whole image says the rest, of a box 4 p (1 - p), which is 1 where it may
 * as well not be there. */
#define SHAPE_UNSURE "CASE WHEN h.kind = 'classification' THEN 1 - h.score ELSE 4 * h.score * (1 - h.score) END"

/* The model version's model-latest on a stored image. E_INVALID: no image. E_UNMEANT: the model cannot be used. */
MUST_USE enum err model_ask(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                            const char *image_hash, double threshold, struct detections *ret, struct predicted_shapes *ret_shapes);

/* One prediction on its way into the database. */
struct prediction_new {
    const char *predicted_asset_id, *model_version_id;
    bool shadow;
    double latency; /* seconds */
    const struct predicted_shapes *shapes;
};
/* Inside a transaction. Labels are found by name through the model version's label map. E_CONFLICT: there is one already. */
MUST_USE enum err prediction_keep(struct sql *, const char *prediction_id); /* the champion's, when it is complete (kept.c) */
MUST_USE enum err prediction_add(struct sql *, struct arena *, const char *deployment_id, const struct prediction_new *,
                                 const char **ret_id);

/* How unlike the training images a prediction's image is; score < 0: nobody knows. */
MUST_USE enum err outlier_score_keep(struct sql *, const char *predicted_asset_id, double score, double threshold);
/* Of those before (created_at, id), down to another. */
MUST_USE enum err outlier_scores_forget(struct sql *, const char *deployment_id, int64_t before_at, const char *before_id,
                                        int64_t from_at, const char *from_id);
/* At most twice so many flags that the threshold says otherwise. */
MUST_USE enum err outliers_flag(struct sql *, const char *deployment_id, double threshold, int64_t most, int64_t *ret_changed);

struct sighting { /* an image that a deployment saw */
    const char *deployment_id, *org, *datalake_id, *user_id;
    const char *hash, *filename, *content_type, *source, *metadata, *custom_metadata;
    const char *object_name; /* of an image that lies in the store already; NULL: the bytes came with the request */
    const char *upload_dir;
    const struct json *tags; /* names */
    const char *custom_metrics;
    uint64_t size;
    int width, height, orientation;
    int64_t at_ms;        /* 0: now */
    bool canary;          /* the shadow answered */
    bool once;            /* E_CONFLICT if the deployment has seen these bytes already */
    const char *delivery; /* names it among the deployment's, NULL: nothing does. E_CONFLICT: there is one of that name */
};
/* Inside a transaction: the Data (the one that was named, or once by content and metadata), the predicted asset with the source and
 * metadata that were told with the image, and its tags. A Data that was there already keeps what it has of these; one that has
 * other metadata than was told is not the one that was seen. */
MUST_USE enum err predicted_asset_add(struct sql *, struct arena *, const struct sighting *, const char **ret_id);

/* Queues a prediction of the model that did not answer (the shadow; of a canary's images the champion), inside the transaction of
 * the one that did; shadow_wake() after it, and at the server's start for what an earlier one left, sets the thread to work. */
MUST_USE enum err shadow_queue(struct sql *, const char *predicted_asset_id, const char *model_version_id, bool unseen);
void shadow_wake(const struct services *);
void shadow_stop(void); /* at the server's end */

/* What champion and shadow said of one image: how much each, and how much of it has the same label and overlaps by half. Set
 * `most` before: of each one's surest shapes at most so many are looked at. */
struct alike {
    size_t most, champion, shadow, both;
};
MUST_USE enum err alike_read(struct sql *, const char *predicted_asset_id, struct alike *ret);
/* Keeps 1 - Dice of these with the predicted asset, once both have spoken: whenever the second one does; of all, for the step that
 * gave old databases the column; and how many are kept wrong. */
MUST_USE enum err disagreement_keep(struct sql *, const char *predicted_asset_id);
MUST_USE enum err disagreements_keep(struct sql *, struct arena *);
MUST_USE enum err disagreements_check(struct sql *, int64_t *ret_wrong);

/* Who watches deployments; app/listeners.c. Called in the transaction in which a champion's prediction was written, and with NULL
 * when the deployment was made or what it is compared with became another. */
typedef enum err deployment_listener(struct sql *, struct arena *, const char *deployment_id, const char *predicted_asset_id);
extern deployment_listener *const deployment_listeners[];
MUST_USE enum err deployment_heard(struct sql *, struct arena *, const char *deployment_id, const char *predicted_asset_id);

/* Called in the transaction in which a champion's prediction was written whose network told what it saw. */
typedef enum err features_listener(struct sql *, const char *predicted_asset_id, const char *model_version_id, const float *,
                                   size_t n);
extern features_listener *const features_listeners[];

/* The version that the champion was trained on: the one that was named, else the one that its lineage names; NULL: neither. */
MUST_USE enum err trained_on(struct sql *, struct arena *, const char *deployment_id, const char **ret_version_id);

/* Called when reviewed predictions were submitted: starts a training if that is what its trigger waits for. retraining_now(): in
 * any case, E_CONFLICT says why it cannot. Inside a transaction. */
MUST_USE enum err retraining_consider(struct sql *, struct arena *, const char *deployment_id, const char *user_id);
MUST_USE enum err retraining_now(struct sql *, struct arena *, const char *deployment_id, const char *user_id);
/* An experiment_listener. */
MUST_USE enum err retraining_ended(struct sql *, struct arena *, const char *experiment_id, const char *status);

extern const struct job_kind candidate_job; /* tests a model that continuous training made beside the champion */

/* The bytes of the image are in a version that the champion, or the continuous training, is measured on (test, eval …) and that the
 * feedback loop does not fill itself. */
MUST_USE enum err measured_on(struct sql *, const char *deployment_id, const char *predicted_asset_id, bool *ret);

/* "quiet-heron": a free name for a deployment. */
MUST_USE enum err deployment_name_make(struct sql *, struct arena *, const char *org, const char **ret);

/* What a deployment's models said, summed up by the hour as it is written, so that all of a year is a few thousand rows. */
enum { LATENCY_BINS = 256, SCORE_BINS = 10, LABELS_TALLIED = 1000, HOUR_MS = 3600 * 1000 };

struct tally {
    int64_t n; /* predictions */
    double latency_sum, latency_max;
    int64_t latencies[LATENCY_BINS]; /* each 5 % wide */
    int64_t scores[SCORE_BINS];
    int64_t labels[LABELS_TALLIED], reviewed[LABELS_TALLIED]; /* shapes by their label's position */
};

/* Sums every hour up anew: the step that gave old databases this table. */
MUST_USE enum err hours_migrate(struct sql *, struct arena *);

/* All of every version, from that hour to that hour. */
MUST_USE enum err hours_sum(struct sql *, const char *deployment_id, bool shadow, int64_t from_ms, int64_t to_ms,
                            struct tally *ret);
/* The latency that `part` of the predictions (0.5: half) do not exceed, to 2.5 %; seconds. Of none: -1. */
double tally_latency(const struct tally *, double part);

/* What a deployment answered and refused, and how long answers took: counted in memory, so that no answer waits for it, and written
 * by the minute (table served_minute) every few seconds. A kill loses the last of these. */
enum { MINUTE_MS = 60 * 1000 };

MUST_USE enum err served_start(struct sql_pool *); /* the thread that writes */
void served_stop(void);                            /* writes the rest */
MUST_USE enum err served_write(struct sql *);      /* now: of tests */
MUST_USE enum err served_sweep(struct sql *, int64_t now_ms);

/* Since this process began, for Prometheus; latencies[i]: answers up to served_bounds[i] seconds that are over the one before. */
enum { SERVED_BOUNDS = 14 };
extern const double served_bounds[SERVED_BOUNDS]; /* the last is +inf */
struct served {
    int64_t answered, refused, latencies[SERVED_BOUNDS];
    double latency_sum_s;
};
void served_since_start(const char *deployment_id, struct served *ret);
