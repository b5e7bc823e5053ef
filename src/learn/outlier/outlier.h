/* outlier.h - how unlike the training images an image is: an autoencoder is fitted to them, and the score of an image is the mean
 * squared error of its reconstruction. docs/monitoring.md has the method. */
#pragma once
#include "learn/model/autoencoder.h"

enum {
    OUTLIER_LEAST = 30,          /* training images that can be fitted to */
    OUTLIER_MOST = 2000,         /* that are taken */
    OUTLIER_FILE_BYTES = 4 << 20 /* most bytes of a fit */
};

/* How many of n images the network is not taught, so that the threshold is one of images that it does not know. */
int outlier_held_out(int n);

struct outlier_options {
    int threads;
    int64_t shown; /* images that it is taught with, the same ones again and again; 0: as many as it takes */
    uint64_t seed;
    bool (*go_on)(void *with, double part); /* false: E_CANCELLED. May be NULL. */
    void *with;
};
struct outlier_fit {
    double loss;  /* of the last pass through the images that it was taught */
    double *held; /* scores of those that it was not, sorted; the arena's */
    int n_taught, n_held;
    char *file; /* the network, for outlier_net_read(); the arena's */
    size_t n_file;
};
/* pixels: n images, AUTOENCODER_VALUES bytes each, in any order. E_UNMEANT: too few. */
MUST_USE enum err outlier_fit(const uint8_t *pixels, int n, const struct outlier_options *, struct arena *,
                              struct outlier_fit *ret);

/* The smallest score such that an image like the training images exceeds it with the chance 1 - part at most, by the held-out ones
 * (split conformal prediction, Vovk et al. 2005: the rank ceil((n + 1) part)); of too few for that, the greatest. ret_chance: of
 * that. */
double outlier_threshold(const double *held, int n, double part, double *ret_chance);

/* A fitted network that scores. */
struct outlier_net {
    struct autoencoder many, one;
};
enum { OUTLIER_BATCH = 8 };
MUST_USE enum err outlier_net_new(struct outlier_net *); /* with nothing in it yet; everything that takes rights is done here */
MUST_USE enum err outlier_net_read(struct outlier_net *, const void *file, size_t n); /* E_BROKEN: no such file */
void outlier_net_score(struct outlier_net *, const uint8_t *pixels, int n, double *ret);
void outlier_net_done(struct outlier_net *);
/* The other direction. */
void outlier_net_write(const struct autoencoder *, struct arena *, char **ret, size_t *ret_n);
