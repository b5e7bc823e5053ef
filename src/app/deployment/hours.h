/* hours.h - inside deployment/: writing the sums by the hour (deployment.h). */
#pragma once
#include "app/deployment/deployment.h"

/* The counts are texts of "place:count", since most are 0. Predictions of a version that was deleted stay under its old id. */
#define HOURS_TABLE                                                                                                                \
    "CREATE TABLE prediction_hour (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"                       \
    " model_version_id TEXT NOT NULL, is_shadow INTEGER NOT NULL, hour INTEGER NOT NULL, n INTEGER NOT NULL,"                      \
    " latency_sum REAL NOT NULL, latency_max REAL NOT NULL, latencies TEXT NOT NULL, scores TEXT NOT NULL, labels TEXT NOT NULL,"  \
    " reviewed TEXT NOT NULL, PRIMARY KEY (deployment_id, is_shadow, hour, model_version_id)) STRICT, WITHOUT ROWID"

/* A prediction and its shapes, or a review and its shapes, were written: within the same transaction. */
MUST_USE enum err hours_add_prediction(struct sql *, struct arena *, const char *prediction_id);
MUST_USE enum err hours_add_review(struct sql *, struct arena *, const char *review_id);
/* Before a review is deleted. */
MUST_USE enum err hours_take_out_review(struct sql *, struct arena *, const char *review_id);
/* Before a predicted asset is deleted: takes it out. */
MUST_USE enum err hours_take_out(struct sql *, struct arena *, const char *predicted_asset_id);
