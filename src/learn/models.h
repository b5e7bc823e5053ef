/* models.h - the networks that can be trained: one row each. */
#pragma once
#include "learn/task/task.h"

extern const struct model models[];               /* ends with an empty row */
const struct model *model_find(const char *name); /* NULL: none */

/* What a training of this model takes where nobody says otherwise. */
void model_settings(const struct model *, struct settings *);
