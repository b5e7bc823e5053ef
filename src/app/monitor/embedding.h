/* embedding.h - inside monitor/: what the champion's network sees of images, in a few directions. docs/monitoring.md has the
 * method.
 *
 * A fit belongs to a model version and the dataset version that it was trained on: these images' features are asked of the network,
 * and the directions along which they vary most are kept. From then on each prediction keeps where it lies along them. */
#pragma once
#include "app/monitor/drift.h"
#include "stats/principal.h"

enum { DIRECTIONS = PRINCIPAL_MOST }; /* that are kept, fewer if there are not so many; what is tested is some of them */

struct fit {
    const char *id;  /* NULL: nobody has asked for it */
    const char *why; /* there will be none: a sentence's end; NULL */
    bool ready;
    int64_t images, seen; /* training images, and those that the network has seen */
    int64_t n, width;     /* directions; features of the network */
    int64_t created_at;   /* predictions before that have no place */
};
MUST_USE enum err fit_read(struct sql *, struct arena *, const char *model_version, const char *training_version, struct fit *ret);
/* Begins the fit of the deployment's champion, of the training images that were chosen for it, and begins it anew when the model
 * version's file is another. In a transaction of its own. */
MUST_USE enum err fit_want(struct sql *, struct arena *, const struct drift_settings *);

/* A step of what is to do, if there is any: one training image, some predictions, a fit. E_BUSY: try again later. */
MUST_USE enum err embedding_next(struct sql *, const struct services *, bool *ret_any);

struct places {    /* of images, those that have one */
    float *values; /* n × width: along the directions, and, last, how far beside all that were found */
    const char **ids;
    size_t n, width; /* width: directions and one more */
};
/* Of the first or the newest predictions of a selection, at most `most`, along the first so many directions; ids of the predicted
 * assets. */
MUST_USE enum err places_of_predictions(struct sql *, struct arena *, const struct selection *, const struct fit *, bool first,
                                        int64_t most, size_t directions, struct places *ret);
/* Of the training images; ids of the data. */
MUST_USE enum err places_of_training(struct sql *, struct arena *, const struct fit *, int64_t most, size_t directions,
                                     struct places *ret);
