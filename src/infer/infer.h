/* infer.h - the pool of sandboxed processes that alone decode untrusted images and load models.
 *
 * Each is this binary in the role `infer`, talking over a socket pair; images and models come as passed descriptors. A child that
 * dies, hangs over its time limit or outgrows its memory is replaced, and the request fails with E_INVALID (the input killed it) or
 * E_BUSY. Who asks (a user, a deployment) is told to each call: they take turns, and none holds all processes, so that one's slow
 * images or models leave the others their time. A model that took too long is not tried for a while. Models get processes of their
 * own, started when first needed, so that an idle server holds none, and more when more ask at once (models.h). Thread-safe. */
#pragma once
#include "base/arena.h"
#include "img/img.h"

struct infer_pool;
/* self_path: of this program. decoders: at most so many at a time; one is started at once. max_models: so many models stay loaded
 * at a time, each in processes of its own; the one that was used the longest time ago makes room. */
MUST_USE enum err infer_start(const char *self_path, int decoders, int max_models, struct infer_pool **ret);
void infer_stop(struct infer_pool *); /* NULL is fine; no call may be under way */
static inline void auto_infer_pool(struct infer_pool **p)
{
    infer_stop(*p);
}

/* Wall time, seconds: loading a model (120 unless set), running it on one image (30), and waiting for one's turn (30). */
void infer_set_limits(struct infer_pool *, double load_s, double predict_s, double wait_s);

struct image_facts {
    int width, height; /* as shown: EXIF orientations 5 to 8 are swapped */
    int orientation;   /* EXIF, 1 to 8 */
    const char *type;  /* "image/jpeg", "image/png" …, static */
};
/* Decodes the whole image, so that a truncated or damaged one is refused (E_INVALID says what is wrong). */
MUST_USE enum err infer_probe(struct infer_pool *, const char *who, int image_fd, struct image_facts *ret);
/* How the image looks, whichever model sees it. This and the next are for what nobody waits for: they give way to all others. */
MUST_USE enum err infer_look(struct infer_pool *, int image_fd, struct image_look *ret);
/* The whole image as side × side pixels: side × side × 3 bytes. */
MUST_USE enum err infer_small(struct infer_pool *, int image_fd, int side, uint8_t *ret);
/* A JPEG whose longer side is at most max_side, orientation applied. ret_fd: a memfd with the JPEG, size in *ret_size. */
MUST_USE enum err infer_thumbnail(struct infer_pool *, const char *who, int image_fd, int max_side, int *ret_fd,
                                  uint64_t *ret_size);

struct detection {
    int label;        /* a key of the label map */
    float score;      /* 0 to 1 */
    float x, y, w, h; /* pixels of the image as shown; 0 where the label is for all of it */
    int n_spots;      /* of its outline or keypoints */
};
struct spot {   /* a point of an outline, or a keypoint */
    float x, y; /* pixels of the image as shown */
    float seen; /* of a keypoint: how sure the model is of it, 0 to 1 */
};
#define FOUND_BOXES "rectangle"
#define FOUND_LABELS "classification"
#define FOUND_OUTLINES "polygon"
#define FOUND_KEYPOINTS "keypoints"
struct detections {
    struct detection *items; /* best score first, from the arena */
    size_t n;
    const struct spot *spots; /* of the items, one after the other */
    const char *kind;         /* one of the four above */
    bool whole;               /* the model labels images as a whole: items without a box */
    int width, height;        /* of the image */
    const float *features;    /* what the network saw (features.h), from the arena */
    size_t n_features;        /* 0: it cannot be asked for that */
    double latency_s;         /* decode + run + NMS, inside the child */
    double decode_s, run_s, post_s;
};
/* A model file, and what is told about it (description.h; NULL: nothing). hash: SHA-256 of the file in hex. It names, with what is
 * told and with the parts, the process that has the model loaded; when none has, fd is read and its hash compared (E_BROKEN:
 * changed on disk). A zip of a model and the files in which its tensors lie is such a file too. */
struct model_part { /* another file that was brought along: read if the model's tensors lie in it */
    const char *name, *hash;
    int fd;
};
struct infer_model {
    const char *hash;
    int fd;
    const char *told;
    const struct model_part *parts;
    size_t n_parts; /* at most MODEL_PARTS */
};
enum { MODEL_PARTS = 64 };
/* E_UNMEANT: the model cannot be used, and why. E_TOO_MANY: more wait than are answered, or this one has waited too long. */
MUST_USE enum err infer_predict(struct infer_pool *, const char *who, const struct infer_model *, int image_fd, double min_score,
                                struct arena *, struct detections *ret);
/* What the caller has to do anyway: done once, by the caller's thread, while the model works or the prediction waits. */
struct meanwhile {
    enum err (*work)(void *with);
    void *with;
    bool done;
    enum err e; /* what it came to */
    struct failure why;
};
/* The same with something to do meanwhile (NULL: nothing): done whenever OK is returned, and its failure is the call's. */
MUST_USE enum err infer_predict_meanwhile(struct infer_pool *, const char *who, const struct infer_model *, int image_fd,
                                          double min_score, struct meanwhile *, struct arena *, struct detections *ret);
struct infer_queue {
    int waiting, running, processes; /* predictions; processes that have a model */
    int64_t turned_away;             /* predictions, since the start */
};
void infer_queue(struct infer_pool *, struct infer_queue *ret);
/* What is in the file, as JSON text (docs/bring-your-model.md): "problem" says why it cannot be served, if it cannot. E_UNMEANT: it
 * is no ONNX model, or ONNX Runtime refuses it. */
MUST_USE enum err infer_describe(struct infer_pool *, const char *who, const struct infer_model *, struct arena *, char **ret_json);

int infer_main(int argc, char **argv); /* the role itself: `infer decoder` or `infer model` */
