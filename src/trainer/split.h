/* split.h - which images are learnt from and which are kept for evaluation. */
#pragma once
#include "learn/data/data.h"
#include <stdbool.h>
#include <stdint.h>

/* Takes out of samples (in place, order kept) a fifth for evaluation, by chance from the seed; where images have a label as a
 * whole, of each label. */
void train_split(struct arena *, struct samples *all, bool whole, uint64_t seed, struct samples *ret_eval);
/* An image that several versions have (one path) stays once, as the last has it: twins on both sides of the split would flatter the
 * model. How many went. */
size_t train_drop_twins(struct arena *, struct samples *);
void train_sort(struct samples *); /* by name, so that the order of pages or folders does not matter */
