/* rising.h - inside task/: the rising step function that is nearest to weighted values (isotonic regression by pooling adjacent
 * violators: Ayer et al., Ann. Math. Stat. 26, 1955). */
#pragma once
#include <stddef.h>

struct rising {
    double *from, *value, *weight; /* of each step: from which x on, by rising x; room for as many as there are points */
    size_t n;
};
struct rising rising_new(size_t most);
void rising_done(struct rising *);
/* Points by rising x; of equal x together. */
void rising_begin(struct rising *);
void rising_add(struct rising *, double x, double value, double weight);
/* Below the first step: the first one's. Without any step: missing. */
double rising_at(const struct rising *, double x, double missing);
