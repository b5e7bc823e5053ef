/* side.h - inside monitor/: what reviews say of one model on some images, and how far the images decide it. */
#pragma once
#include "app/monitor/monitor.h"

struct side {
    double score, *draws; /* AP50, or of classifiers accuracy; -1: there was nothing to find. draws: the images drawn anew */
    int n;                /* draws; of the same images those of two sides belong together one by one */
};
/* ids: a list of predicted assets that were reviewed. */
MUST_USE enum err side_read(struct sql *, struct arena *, const char *deployment_id, struct value ids, bool shadow, bool whole,
                            struct side *ret);
