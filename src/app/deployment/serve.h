/* serve.h - inside deployment/: asking a model. */
#pragma once
#include "app/deployment/deployment.h"
#include "infer/tensor.h"

struct serving {
    const char *id, *org, *type, *datalake_id, *champion, *shadow, *labels; /* labels: JSON of the champion's label map */
    bool paused, serving;
    double threshold, sample_rate, canary_share;
};
/* org NULL: whichever. E_NOT_FOUND. */
MUST_USE enum err serving_read(struct sql *, struct arena *, const char *org, const char *deployment_id, struct serving *ret);

/* E_CONFLICT: it is paused, or serves nothing. */
MUST_USE enum err serving_begin(struct op *, struct serving *ret);
/* Counts what was refused, unless it is nobody's fault who asks. */
MUST_USE enum err serving_counted(struct op *, enum err);

/* An image on its way through a deployment: what came with it, and what came of it. */
struct sight {
    struct serving serving;
    struct sighting sighting;   /* its hash or object, and what was told of it; the rest is filled in */
    struct blob_writer *writer; /* of an image that was sent and is not stored yet; NULL: it is. Aborted by who made it */
    bool monitor, kept;         /* asked to be kept; and it is, if it is among the sample */
    const char *request;        /* the caller's id of it, NULL: none. Of one id the same model answers each time */
    const char *wanted;         /* the version that must answer; NULL: the champion, or the canary's share of the shadow */
    struct predicted_shapes shapes;
    struct detections found;
    const char *version, *labels; /* of the model that answered */
    const char *asset;            /* the predicted asset that was made; NULL: none */
};
/* Asks the model, keeps what is to be kept, and counts. */
MUST_USE enum err sight_predict(struct op *, struct sight *);

/* model_ask() on an image that is not stored, or is being stored meanwhile (infer.h; NULL: nothing). */
MUST_USE enum err model_see(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                            int image_fd, double threshold, struct meanwhile *, struct detections *ret,
                            struct predicted_shapes *ret_shapes);

/* By its network's own tensors: what it takes and gives, and a run. */
MUST_USE enum err model_signature(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                                  struct tensor_list *ret_in, struct tensor_list *ret_out);
MUST_USE enum err model_run(struct sql *, const struct services *, struct arena *, const char *who, const char *version,
                            struct tensors *);

/* Stores an image that came as base64 (RFC 4648, with or without padding). E_INVALID: it is none. */
MUST_USE enum err sighting_base64(struct op *, const char *s, struct sighting *ret);

/* The name of a class of a model version: by its label map, else by its number. */
MUST_USE enum err class_name(struct sql *, struct arena *, const char *version, int label, const char **ret);
