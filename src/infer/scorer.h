/* scorer.h - a sandboxed process that says how unlike the training images pictures are, by a fit to these (learn/outlier). It is
 * started when first asked, ends when nobody has asked for two minutes, and is started again. For one thread. */
#pragma once
#include "learn/outlier/outlier.h"

struct scorer;
struct scorer *scorer_new(const char *self_path);
void scorer_free(struct scorer *); /* NULL is fine */

enum { SCORED_AT_ONCE = 32 };
/* hash: names the fit; it is read from fit_fd when the process has another one. pixels: n pictures, AUTOENCODER_VALUES bytes each.
 */
MUST_USE enum err scorer_score(struct scorer *, const char *hash, int fit_fd, const uint8_t *pixels, int n, double *ret);

_Noreturn void scorer_child(void); /* the role: `infer scorer` */
