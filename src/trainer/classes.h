/* classes.h - a folder with one folder of images for each label. */
#pragma once
#include "base/fail.h"
#include "learn/data/data.h"

struct classes {
    const char **labels;
    int n_labels;
    struct samples train, eval;
};
/* The images in the folders of a folder, each folder a label; sorted by label and name. Where it holds folders called train and val
 * (or as common) instead, these have the folders of labels. */
MUST_USE enum err train_classes(struct arena *, const char *dir, struct classes *ret);
