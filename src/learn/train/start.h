/* start.h - the ImageNet weights that a training starts from when nobody names others (docs/formats.md). */
#pragma once
#include "learn/model/network.h"

struct start {
    const char *path;    /* a checkpoint that checkpoint_start_from() takes, or NULL */
    const char *says;    /* "ImageNet weights (package version, licence)" */
    const char *missing; /* "; there are no …": why there is no path, or NULL */
};
/* Texts are the arena's. E_UNMEANT: the file is damaged. */
MUST_USE enum err start_find(const struct model *, struct arena *, struct start *ret);
