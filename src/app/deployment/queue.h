/* queue.h - inside deployment/: which images reviewers get, and how those came to be chosen. */
#pragma once
#include "app/deployment/deployment.h"

/* RANDOM, UNCERTAIN, DISAGREE, OUTLYING: by the queue; BY_HAND: by a person, or by who calls the API. */
extern const char *const review_choices[];

/* An image was reviewed, or a review taken back: until when all of the deployment's images are reviewed. */
MUST_USE enum err reviewed_until_keep(struct sql *, const char *deployment_id);
MUST_USE enum err reviewed_until_end(struct sql *, const char *predicted_asset_id);

double chance(void); /* 0 to 1: the order in which images are drawn */

/* An image is reviewed: nobody else need have it; how it was chosen, BY_HAND where the queue did not give it to that person. */
MUST_USE enum err lease_end(struct sql *, struct arena *, const char *predicted_asset_id, const char *person_id,
                            const char **ret_chosen);
/* Its review was taken back: it is that person's again, chosen as it was. */
MUST_USE enum err lease_again(struct sql *, struct arena *, const char *predicted_asset_id, const char *person_id,
                              const char *chosen);
