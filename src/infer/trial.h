/* trial.h - one model shown the same pictures under many descriptions, in a sandboxed process of its own.
 *
 * Pictures are decoded once. Descriptions are told into slots; a picture is run once for all slots that want it prepared in the
 * same way, if they ask about it one after the other: then only their reading of the answer differs. */
#pragma once
#include "infer/model.h"
#include "infer/reading.h"

enum { TRIAL_IMAGES = 64, TRIAL_SLOTS = 128 };

struct trial;
/* of->told: the version's type and labels, as description_tell() reads them.
 * threads: of a run. Errors as infer_describe(). */
MUST_USE enum err trial_start(const char *self_path, const struct infer_model *of, int threads, struct trial **ret);
void trial_free(struct trial *); /* NULL is fine */
static inline void auto_trial(struct trial **t)
{
    trial_free(*t);
}
/* Keeps a picture under a number below TRIAL_IMAGES; ret: its size as shown. E_INVALID: it cannot be decoded. */
MUST_USE enum err trial_keep(struct trial *, int image, int fd, int *ret_width, int *ret_height);
/* What the file is taken for if this is told about it: the JSON of infer_describe(). */
MUST_USE enum err trial_tell(struct trial *, int slot, const char *told, struct arena *, char **ret_json);
MUST_USE enum err trial_see(struct trial *, int slot, int image, double min_score, struct arena *, struct detections *ret);

/* ---- inside the process */

struct trials {
    struct image kept[TRIAL_IMAGES];
    struct told {
        struct arena *arena;
        struct reading reading;
    } told[TRIAL_SLOTS];
    struct input input;
    struct feeds feeds;
    struct description seen; /* by which the last run's picture was prepared */
    int seen_image;          /* -1: there was no run since something was told */
    struct placed at;
};
MUST_USE enum err trials_keep(struct trials *, int image, int fd, int *ret_width, int *ret_height);
MUST_USE enum err trials_tell(struct trials *, struct ort_session *, const struct graph *, int slot, const char *told,
                              const struct reading **ret);
MUST_USE enum err trials_see(struct trials *, struct ort_session *, const struct model_request *, struct model_reply *,
                             struct answered *ret);
