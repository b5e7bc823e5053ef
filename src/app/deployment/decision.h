/* decision.h - what was decided about a deployment, by itself with the figures that decided it, or by somebody: read by people,
 * never by the program. */
#pragma once
#include "api/resource.h"

/* DECISION_TABLE's words for `kind`. */
#define DECISION_KINDS                                                                                                             \
    "'TRAINING', 'PASSED', 'REFUSED', 'PROMOTED', 'KEPT', 'ROLLED_BACK', 'STAYED', "                                               \
    "'CHAMPION', 'SHADOW', 'CANARY', 'PAUSED', 'RESUMED'"

struct decision {
    const char *deployment, *kind;
    const char *model, *against; /* model versions; against: NULL where it is about one alone */
    int64_t images;
    const char *metric; /* NULL: no score was compared, and score, against_score and confidence are nothing */
    double score, against_score;
    double better;     /* the share of the resamples; < 0: none were drawn */
    double confidence; /* that was asked for */
    const char *says;  /* a sentence */
    const char *by;    /* who decided it; NULL: the deployment by itself */
};
/* Inside the transaction that does what was decided. */
MUST_USE enum err decision_add(struct sql *, struct arena *, const struct decision *);
/* "cells / 3" */
const char *model_version_called(struct sql *, struct arena *, const char *version);
