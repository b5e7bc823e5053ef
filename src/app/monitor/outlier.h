/* outlier.h - inside monitor/: how unlike the training images a deployment's images are. docs/monitoring.md has the method. */
#pragma once
#include "app/monitor/monitor.h"

enum {
    FITS_KEPT = 5,                /* of one deployment */
    BEHIND_MOST = 5000,           /* predictions made before a fit that are scored after it */
    TODO_MOST_MS = 15 * 60 * 1000 /* that one waits for a score; where one has waited longer, further ones are left out */
};

/* What a deployment is scored by now. */
struct outlier_state {
    bool active;
    double percentile, threshold;
    const char *fit_id, *object_name; /* NULL: there is none yet */
    const char *training_version;     /* what the champion was trained on; NULL: nobody knows */
    const char *fitted_version;       /* of the newest fit, whatever became of it; NULL: there was none */
    bool working, behind;             /* a fit is under way; older predictions are still to be scored */
};
MUST_USE enum err outlier_state_read(struct sql *, struct arena *, const char *deployment_id, struct outlier_state *ret);

/* Starts the job that fits to the version's images; one that is under way for another version is cancelled. Inside a transaction.
 */
MUST_USE enum err outlier_fit_start(struct sql *, struct arena *, const char *deployment_id, const char *version,
                                    const char *user_id);
/* Deployments that were made before there were fits, or whose training version has got images enough since: a fit is started for
 * each one that was never fitted to. At the server's start. */
MUST_USE enum err outlier_catch_up(struct sql *);
/* The scores of the images that were held out of the fit: sorted. n: 0 without a fit. */
MUST_USE enum err outlier_held(struct sql *, struct arena *, const char *deployment_id, double **ret, size_t *ret_n);

/* What scores wait for, as the member "waits_for": a sentence's end, or null. */
MUST_USE enum err outlier_waits_for(struct op *, const struct outlier_state *, struct out *);

/* What the lookout does, some of it at a time: scores predictions that wait, then older ones of a new fit, then flags after a
 * threshold was moved. */
MUST_USE enum err outlier_next(struct sql *, const struct services *, bool *ret_any);
MUST_USE enum err outlier_working(struct sql *, bool *ret); /* a fit is under way anywhere */
void outlier_stop(void);                                    /* the lookout has ended */
