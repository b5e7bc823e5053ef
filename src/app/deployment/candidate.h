/* candidate.h - inside deployment/: a model that continuous training made, tested beside the champion before it is put to work. */
#pragma once
#include "app/deployment/deployment.h"
#include "job/job.h"
#include "learn/task/resample.h"

/* Where a model goes. */
enum put { PUT_NOWHERE, PUT_SHADOW, PUT_CHAMPION };
enum put put_by_policy(bool active, const char *policy);
const char *put_words(enum put); /* "became champion" */

/* Ends a training whose model was tested: puts it there, and keeps the decision. Inside a transaction. */
MUST_USE enum err retraining_tested(struct sql *, struct arena *, const char *retraining_id, enum put, const struct decision *);

/* What dataset versions are called that models are measured on and do not learn from. */
#define MEASURING_NAMES "('eval', 'evaluation', 'val', 'valid', 'validation', 'test')"
/* Of a row q of pipeline: the version that models of its deployment are tested on. */
#define TESTED_ON                                                                                                                  \
    "coalesce(q.cd_test_version_id, (SELECT d.dataset_version_id FROM deployment o JOIN model_context c ON c.model_version_id ="   \
    " o.model_version_id JOIN experiment_dataset d ON d.experiment_id = c.experiment_id WHERE o.id = q.deployment_id AND"          \
    " lower(d.name) IN " MEASURING_NAMES " ORDER BY CASE WHEN lower(d.name) = 'test' THEN 0 ELSE 1 END, d.name LIMIT 1),"          \
    " (SELECT d.dataset_version_id FROM ct_dataset d WHERE d.deployment_id = q.deployment_id AND lower(d.name) "                   \
    "IN " MEASURING_NAMES " ORDER BY CASE WHEN lower(d.name) = 'test' THEN 0 ELSE 1 END, d.name LIMIT 1))"

/* The version that models of the deployment are tested on: the one that is named, else the one that the champion, or the continuous
 * training, is measured on. NULL: there is none, or testing is off. */
MUST_USE enum err tested_with(struct sql *, struct arena *, const char *deployment_id, const char **ret_version_id);

/* ---- two models on the same images */

enum { TEST_MOST = 2000, REVIEWED_MOST = 1000 }; /* images */

struct contest {
    const struct services *services; /* with an inference pool */
    const char *retraining, *deployment, *called, *experiment, *candidate, *champion, *policy, *test_version, *test_called;
    bool active, whole; /* whole: images are labelled as a whole */
    double margin, confidence;
    int64_t since_ms; /* reviewed images since then */
};

/* By so much more than the margin a shadow may score less: it answers nobody, and few images tell small differences badly. */
#define SHADOW_LEEWAY 0.05

struct contestant { /* the figures of one */
    double score, *draws;
    int n;
};
struct outcome {
    const char *metric;
    int64_t tested, reviewed, learnt; /* images; learnt: of the test version, left out since one of the two has learnt from them */
    struct contestant champion, candidate;           /* on all of them */
    struct contestant test_champion, test_candidate; /* on those of the test version */
    double better, worse, test_worse; /* shares of the draws in which the candidate is so by more than the margin (worse: and the
                                       * leeway); -1: not known */
};
/* Both models are asked about each image in the same way, now. E_CANCELLED: the job is to stop. */
MUST_USE enum err contest_hold(struct job *, const struct contest *, struct outcome *ret);

/* What follows: where it goes by the policy, and the decision's kind, figures and words (its other members are left). */
enum put contest_decide(struct sql *, struct arena *, const struct contest *, const struct outcome *, struct decision *ret);
