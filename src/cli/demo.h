/* demo.h - what the steps of `saccade demo` share. Inside cli/. */
#pragma once
#include "foreign/foreign.h"
#include "http/client.h"

enum { SPLITS = 3, PREDICTIONS = 50, REVIEWS = 12, LABELS = 200 };
extern const char *const demo_splits[SPLITS]; /* "train", "test", "valid" */

struct picture {
    const char *path, *name;
    int split;
    const char *id;                     /* of the data */
    const struct foreign_images *truth; /* NULL: nothing is known about it */
    const char *predicted_asset;
    int width, height;
};

struct demo {
    struct arena *arena;
    struct http_client *client;
    const char *host, *token, *work, *run;
    const char *images, *annotations;
    const char *file, *labels, *onnx; /* a model that was trained elsewhere, and what is told about it; NULL: one is trained here */
    bool shadowed;                    /* the loop's model has become the shadow */
    bool own;                         /* made-up images */
    int64_t count, steps, image_size;
    struct picture *pictures;
    size_t n;
    struct foreign_files *files; /* the annotations */
    struct foreign_set *truth;
    const char *org, *lake, *connector;
    const char *dataset, *versions[SPLITS], *feedback;
    const char *project, *base, *experiments[2];
    double best[2];
    const char *model, *model_version, *deployment;
    double began;
};

/* Talking to the server. Everything lives in the demo's arena. */
MUST_USE enum err demo_ask(struct demo *, const char *method, const char *path, const char *body, const struct json **ret);
const char *demo_text(const struct json *object, const char *key); /* "" if there is none */
const char *demo_fmt(struct demo *, const char *fmt, ...) PRINTF(2, 3);
const char *demo_url(struct demo *, const char *s);    /* encoded for a query */
const char *demo_quoted(struct demo *, const char *s); /* a JSON string literal */
void demo_wait(double seconds);
void demo_say(struct demo *, const char *chapter, const char *fmt, ...) PRINTF(3, 4);
MUST_USE enum err demo_wait_for_job(struct demo *, const char *id, const struct json **ret_job); /* ret_job may be NULL */

/* The pictures: drawn, or the user's, with what is known about them. */
MUST_USE enum err demo_make_pictures(struct demo *);
MUST_USE enum err demo_read_truth(struct demo *);
MUST_USE enum err demo_list_pictures(struct demo *);

/* A shape of the truth as a box within its image, in pixels; x1 and y1 are just outside. False: it is no box, or empty. */
struct demo_box {
    const char *label;
    int x0, y0, x1, y1;
};
bool demo_box(const struct demo *, const struct picture *, size_t i, struct demo_box *ret);
/* How answers compare with the truth. right: same label and half of their union in common (IoU >= 0.5), each counted once. */
struct demo_score {
    size_t right, answered, truth;
};
void demo_judge(struct demo *, const struct picture *, const struct json *answer, struct demo_score *);

/* Data management. */
MUST_USE enum err demo_connect(struct demo *);
MUST_USE enum err demo_upload(struct demo *);
MUST_USE enum err demo_datasets(struct demo *);
MUST_USE enum err demo_new_version(struct demo *, const char *name, const char *ids, const char **ret);
MUST_USE enum err demo_annotations(struct demo *);

/* Training. */
MUST_USE enum err demo_project(struct demo *);
MUST_USE enum err demo_train(struct demo *, int which, const char *name, int64_t steps, double rate);
MUST_USE enum err demo_watch_training(struct demo *, const char *experiment, const char *name);
double demo_value_of_log(struct demo *, const char *experiment, const char *name); /* its last value; NAN if there is none */
MUST_USE enum err demo_compare(struct demo *);

/* A model that was trained elsewhere, in the place of the trainings. */
MUST_USE enum err demo_put(struct demo *, const char *path, const char *kind, const char **ret_object);
MUST_USE enum err demo_bring(struct demo *);

/* Deployment, review and the loop. */
MUST_USE enum err demo_publish(struct demo *);
MUST_USE enum err demo_deploy(struct demo *);
MUST_USE enum err demo_predict(struct demo *);
MUST_USE enum err demo_predict_one(struct demo *, struct http_client *, struct picture *, const char *source, struct demo_score *);
MUST_USE enum err demo_loops(struct demo *);
MUST_USE enum err demo_review(struct demo *);
MUST_USE enum err demo_loop_closes(struct demo *);
MUST_USE enum err demo_shadow_predicts(struct demo *);
MUST_USE enum err demo_drift(struct demo *);
