/* autoencoder.h - a small network that is taught to give back images through a narrow place, so that it gives back badly what it
 * was not taught (Masci et al., ICANN 2011; as a measure of novelty: Japkowicz et al., IJCAI 1995). */
#pragma once
#include "nn/nn.h"

enum { AUTOENCODER_SIDE = 96, AUTOENCODER_VALUES = AUTOENCODER_SIDE * AUTOENCODER_SIDE * 3 };

struct autoencoder {
    struct graph *graph;
    struct tensor *input, *output; /* N, side, side, 3 */
    int batch;
};
/* shared: use the parameters of this one, or NULL. */
MUST_USE enum err autoencoder_new(int batch, uint64_t seed, const struct plan_options *, const struct autoencoder *shared,
                                  struct autoencoder *ret);
void autoencoder_done(struct autoencoder *);

/* Both forward on the images of the batch, side × side × 3 bytes each, and what that gives of each: the mean of the squared
 * differences of input and output, as pixels from 0 to 1. learn also goes backward from their mean. */
void autoencoder_score(struct autoencoder *, const uint8_t *pixels, double *ret);
double autoencoder_learn(struct autoencoder *, const uint8_t *const *images); /* the sum over the batch */
