/* remote.h - an experiment's training as its parts see it; private to trainer/remote*.c. */
#pragma once
#include "http/client.h"
#include "learn/train/learn.h"
#include "trainer/report.h"
#include "trainer/trainer.h"

/* A list of samples that grows. */
struct growing {
    struct samples samples;
    size_t room;
};
struct remote {
    const struct train_options *options;
    struct arena *arena;
    struct http_client *client;
    struct decoder *decoder;
    struct report *report;
    const char *work;
    const struct json *experiment, *parameters;
    struct settings settings;
    const struct model *model;
    const char *start_from; /* a file of weights, or NULL */
    const char **labels;    /* by number */
    int n_labels, room_labels;
    struct growing train, eval;
    struct learn_step sum; /* since the last point of the live logs */
    int64_t summed, every;
};

#define SAY(r, ...) report_line((r)->report, arena_fmt((r)->arena, __VA_ARGS__))

MUST_USE enum err remote_get(struct remote *, const struct json **ret, const char *fmt, ...) PRINTF(3, 4);
const char *remote_text(const struct json *object, const char *key);
bool remote_stopped(const struct remote *);
MUST_USE enum err remote_download(struct http_client *, const char *url, const char *path, uint64_t cap);

/* A dataset version's own ids and the numbers that its labels have here. */
struct label_ids {
    const char **id;
    int *number;
    size_t n;
};
/* An asset of a dataset version as its task learns from it. False: it is not learnt from; ret_why says why, or is untouched where
 * nothing is annotated. ret->name is set if it has one. */
bool remote_sample(struct remote *, const struct json *asset, const struct label_ids *, struct sample *ret, const char **ret_url,
                   const char **ret_why);
/* Where the server keeps it: an asset of that dataset version. */
const struct origin *remote_origin(struct remote *, const struct json *asset, const char *version);

/* Reads the attached dataset versions into labels, train and eval, and brings the images into the work folder. */
MUST_USE enum err remote_data(struct remote *);
int remote_label(struct remote *, const char *name);        /* its number; a new one if there is none */
void remote_scores(struct remote *, const struct scores *); /* the logs of the last evaluation */
void remote_examined(void *remote, const struct finding *, int n, const struct doubts *); /* for a struct learn_watch */
/* Stores model, checkpoint and config as artifacts. */
MUST_USE enum err remote_store(struct remote *);
