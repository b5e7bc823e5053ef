/* serve.h - inside deployment/: asking a model. */
#pragma once
#include "app/deployment/deployment.h"

struct serving {
    const char *id, *org, *type, *datalake_id, *champion, *shadow, *labels; /* labels: JSON of the champion's label map */
    bool paused, serving;
    double threshold, sample_rate;
};
/* org NULL: whichever. E_NOT_FOUND. */
MUST_USE enum err serving_read(struct sql *, struct arena *, const char *org, const char *deployment_id, struct serving *ret);

/* The model version's model-latest on a stored image. E_INVALID: no image. E_UNMEANT: the model cannot be used. */
MUST_USE enum err model_ask(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                            const char *image_hash, double threshold, struct detections *ret, struct predicted_shapes *ret_shapes);
/* The same on an image that is not stored. */
MUST_USE enum err model_see(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                            int image_fd, double threshold, struct detections *ret, struct predicted_shapes *ret_shapes);

/* The name of a class of a model version: by its label map, else by its number. */
MUST_USE enum err class_name(struct sql *, struct arena *, const char *version, int label, const char **ret);
