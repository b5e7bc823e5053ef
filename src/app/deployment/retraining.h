/* retraining.h - what starts a continuous training by itself. */
#pragma once
#include "api/resource.h"

/* How a deployment's continuous training is set up, and where it stands. Texts that are not set are NULL. */
struct training_plan {
    const char *deployment, *name, *org, *champion, *project, *parameters, *trigger, *metric;
    const char *base; /* what it begins from: the champion, or a network of ours in its place; NULL: none */
    const char *user; /* who set it up */
    const char *seen; /* what a dear trigger looked at the last time */
    int64_t least;    /* new images that it takes */
    int64_t waiting;  /* sent back and in no training yet */
    int64_t running, datasets, reviews, rest_ms;   /* reviews: that a metric rests on; rest_ms: from one start to the next */
    int64_t every_hours, weekday, hour;            /* < 0: not set. weekday: 0 is Monday */
    int64_t set_at_ms, last_at_ms, deployed_at_ms; /* last_at_ms: of the last start; 0: none yet */
    double below;
    bool active, serving;
};

/* What the trainings of the pipeline q begin from: the champion if it was trained here, else the network that was chosen, else the
 * hub's first of that type. A model that was brought along cannot be trained here; its labels and data go to that network. */
#define TRAINING_BASE                                                                                                              \
    "(SELECT CASE WHEN bv.architecture IS NOT NULL THEN bv.id ELSE coalesce(q.ct_base_id, (SELECT hv.id FROM model_version hv "    \
    "JOIN"                                                                                                                         \
    " model hm ON hm.id = hv.model_id WHERE hm.org IS NULL AND hv.type = bd.type ORDER BY hm.place, hv.id LIMIT 1)) END"           \
    " FROM deployment bd JOIN model_version bv ON bv.id = bd.model_version_id WHERE bd.id = q.deployment_id)"

/* Why a training starts now. */
struct training_cause {
    const char *says; /* NULL: it does not */
    const char *key;  /* what must not start a second one; NULL: nothing */
    const char *seen; /* what was looked at; NULL: as before */
};

/* A row for each trigger. */
struct training_trigger {
    const char *word;
    const char *needs, *needs_says; /* a member without which it is not set up; NULL: none */
    int64_t rest_hours;             /* unless one is set */
    bool at_submit;                 /* looked at when reviews are sent back, too: cheap enough for that transaction */
    enum err (*due)(struct sql *, struct arena *, const struct training_plan *, int64_t now_ms, struct training_cause *ret);
};
extern const struct training_trigger training_triggers[]; /* monitor/trigger.c; ends with an empty row */
extern const char *const training_trigger_words[], *const training_metric_words[];
const struct training_trigger *training_trigger_called(const char *word);
/* The last time at that hour (UTC), on that day of the week (0: Monday; < 0: any), that is not after now. */
int64_t training_slot(int64_t now_ms, int64_t weekday, int64_t hour);

/* Looks at every deployment whose training starts by itself. Called by the worker again and again. */
MUST_USE enum err trainings_look(struct sql *, int64_t now_ms);
