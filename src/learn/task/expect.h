/* expect.h - the quality that is to be expected of images that nobody reviewed, from how sure a model was of them and how often it
 * was right when it was as sure on reviewed ones. docs/monitoring.md has the formulas and where they fail. */
#pragma once
#include "learn/task/resample.h"

struct expected {
    bool known;         /* there is enough to go by */
    double value;       /* AP50, of classifiers accuracy */
    struct interval in; /* 95 %: both kinds of images drawn anew, and what is right drawn by its probability */
    double *labels;     /* AP50 of each, the arena's; -1: none is expected there */
};

/* known: reviewed images with what was said of them; seen: the images to be estimated, added without truths. After
 * metrics_compute() of both, for as many labels. draws: 0: the value alone. */
void metrics_expect(const struct metrics *known, const struct metrics *seen, struct arena *, uint64_t seed, int draws,
                    struct expected *ret);

/* Of classifiers: how sure the model was of the label that it gave, and whether that was right. */
struct said {
    double score;
    bool right;
};
void share_expect(const struct said *known, size_t n_known, const double *seen, size_t n_seen, struct arena *, uint64_t seed,
                  int draws, struct expected *ret);
